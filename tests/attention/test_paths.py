"""Equation: every path that can compute a call computes the formula, and so do the planner's choices."""

import math
import os
import re
from functools import cache

import pytest
import torch
from torch import Tensor

from nmt_attn.attention import GeneralizedAttention
from nmt_attn.attention.paths import blocked
from nmt_attn.notation import Shape, layer_specs
from nmt_attn.spec import ALL_CODES, AttentionSpec, Positions, Site, SpecError, Terms

from . import reference
from .cases import (
    ORDERLESS_CODES,
    POSITION_CODES,
    SITES,
    defined_rows,
    error,
    expected,
    generator,
    make_inputs,
    make_mixer,
    make_padding,
    relative_error,
    site_name,
)

FORCE = "NMT_ATTN_PATH"
PATHS = ("matmul", "fused", "blocked", "angle", "pool", "toeplitz", "separable")
KINDS = ("no", "left", "right", "ragged", "whole")
LOW = (torch.float16, torch.bfloat16)


def paths_of(code: str, clipped: bool = False) -> tuple[str, ...]:
    """The paths that can compute a whole call of a code in float32 or float64, by what the code's terms are."""
    found = ["matmul"]
    if code in ("0000", "0010"):
        found.append("pool")
    if code in ("1000", "1010"):
        found.append("fused")
    if code in POSITION_CODES:
        found += ["blocked"] if clipped else ["blocked", "angle"]
    found += {"0001": ["toeplitz"], "0011": ["separable"]}.get(code, [])
    return tuple(found)


PAIRS = tuple((path, code) for path in PATHS for code in ALL_CODES if path in paths_of(code))
SELF_AND_CROSS = pytest.mark.parametrize("site", SITES, ids=site_name)
EVERY_PATH = pytest.mark.parametrize(("path", "code"), PAIRS, ids=[f"{path}-{code}" for path, code in PAIRS])


@pytest.fixture(autouse=True)
def no_path_is_forced_from_outside(monkeypatch):
    monkeypatch.delenv(FORCE, raising=False)


def padding_of(kind: str, batch: int, keys: int) -> Tensor | None:
    """As make_padding; ragged: holes between tokens and at both ends; whole: the first sentence has no token."""
    if kind in ("no", "left", "right"):
        return make_padding(kind, batch, keys)
    padding = torch.rand(batch, keys, generator=generator(keys)) < 0.4
    if kind == "ragged":
        padding[torch.arange(batch), torch.randint(keys, (batch,), generator=generator(batch))] = False
    else:
        padding[0] = True
        padding[1:, keys // 2] = False
    return padding


def small_blocks(monkeypatch, queries: int = 3, kept: int | None = None) -> None:
    """Blocks of so few queries, for calls of any length; kept: of how many weights, the others are computed again."""
    monkeypatch.setattr(blocked, "QUERIES", queries)
    monkeypatch.setattr(blocked, "WORTH_FROM", 1)  # toeplitz then takes its matrix in blocks too
    if kept is not None:
        monkeypatch.setattr(blocked, "KEPT", kept)


def refer(mixer: GeneralizedAttention, query: Tensor, memory: Tensor, padding: Tensor | None = None, **options):
    """Output, weights and defined rows by the dense reference."""
    parameters = {name: value.detach().double() for name, value in mixer.named_parameters()}
    output, weights = reference.attend(mixer.spec, parameters, query.double(), memory.double(), padding, **options)
    return output, weights, defined_rows(mixer.spec.site, padding, weights)


@cache
def by_loops(code: str, site: Site, shape: tuple[int, ...], kind: str):
    """Mixer, inputs, and what the loops of the oracle make of them."""
    batch, queries, keys, dim, heads, key_dim = shape
    if site.is_self:
        keys, key_dim = queries, 0
    mixer = make_mixer(code, site, dim, heads, key_dim)
    query, memory = make_inputs(site, batch, queries, keys, dim, key_dim)
    padding = padding_of(kind, batch, keys)
    output, weights = expected(mixer, code, query, memory, padding)
    return mixer, query, memory, padding, output, defined_rows(site, padding, weights)


@cache
def by_reference(code: str, site: Site, queries: int, keys: int, kind: str, options: tuple = ()):
    """As by_loops for a batch of two, from the dense reference."""
    if site.is_self:
        keys = queries
    mixer = make_mixer(code, site, **dict(options))
    query, memory = make_inputs(site, 2, queries, keys, mixer.spec.dim)
    padding = padding_of(kind, 2, keys)
    output, _, rows = refer(mixer, query, memory, padding)
    return mixer, query, memory, padding, output, rows


def assert_equal(case: tuple, label: object = "") -> None:
    """The mixer of a case gives its output, in float64 and float32."""
    mixer, query, memory, padding, wanted, rows = case
    for dtype, measure, tolerance in ((torch.float64, error, 1e-10), (torch.float32, relative_error, 2e-6)):
        mixer = mixer.to(dtype)
        z = query.to(dtype)
        x = z if memory is query else memory.to(dtype)
        with torch.no_grad():
            output, nothing = mixer(z, x, padding=padding)
        mixer.double()
        assert nothing is None
        assert output.dtype == dtype
        assert output.shape == wanted.shape
        found = measure(output[rows], wanted[rows])
        assert found <= tolerance, (label, dtype, found)


# The reference


@SELF_AND_CROSS
@pytest.mark.parametrize("code", ALL_CODES)
def test_the_dense_reference_is_the_loops_of_the_oracle(code, site):
    for options in ({}, {"window": 2}, {"max_distance": 2}, {"window": 3, "max_distance": 1}):
        for kind in ("no", "ragged", "whole"):
            keys = 7 if site.is_self else 5
            mixer = make_mixer(code, site, **options)
            query, memory = make_inputs(site, 2, 7, keys)
            padding = padding_of(kind, 2, keys)
            output, weights = expected(mixer, code, query, memory, padding)
            dense, dense_weights, rows = refer(mixer, query, memory, padding)
            assert error(dense[rows], output[rows]) <= 1e-12, kind
            assert error(dense_weights.transpose(1, 2)[rows], weights.transpose(1, 2)[rows]) <= 1e-12, kind


# Values


@SELF_AND_CROSS
@EVERY_PATH
def test_a_path_computes_the_loops_of_the_oracle(path, code, site, monkeypatch):
    monkeypatch.setenv(FORCE, path)
    for shape in ((2, 5, 7, 12, 3, 5), (3, 7, 4, 8, 2, 0), (2, 6, 1, 6, 3, 9)):
        for kind in KINDS:
            case = by_loops(code, site, shape, kind)
            assert_equal(case, (shape, kind))
            if path in ("blocked", "toeplitz", "separable"):
                with monkeypatch.context() as cut:
                    small_blocks(cut)
                    assert_equal(case, (shape, kind, "blocks of 3"))


@SELF_AND_CROSS
@EVERY_PATH
def test_a_path_computes_the_formula_around_the_borders_of_blocks_and_chunks(path, code, site, monkeypatch):
    monkeypatch.setenv(FORCE, path)
    lengths = (1, 31, 32, 33, 63, 64, 65, 66, 97, 130, 200)
    kinds = ("no", "ragged", "left", "ragged", "right", "whole", "ragged", "no", "ragged", "whole", "ragged")
    for length, kind in zip(lengths, kinds, strict=True):
        assert_equal(by_reference(code, site, length, max(length - 2, 1), kind), (length, kind))


@SELF_AND_CROSS
@pytest.mark.parametrize("code", POSITION_CODES)
def test_blocks_of_three_or_four_queries_compute_the_formula(code, site, monkeypatch):
    paths = {"0001": ("blocked", "toeplitz"), "0011": ("blocked", "separable")}.get(code, ("blocked",))
    for path in paths:
        monkeypatch.setenv(FORCE, path)
        for size in (1, 3, 4):
            small_blocks(monkeypatch, size)
            for length in (2, 3, 4, 5, 8, 9, 13):
                kind = KINDS[(length + size) % len(KINDS)]
                assert_equal(by_reference(code, site, length, length + 2, kind), (path, size, length, kind))


@SELF_AND_CROSS
@pytest.mark.parametrize("code", ALL_CODES)
def test_the_planners_choice_computes_the_formula_at_any_length(code, site):
    for length, kinds in ((5, KINDS), (95, ("left",)), (96, KINDS), (97, ("no",)), (130, ("ragged",))):
        for kind in kinds:
            assert_equal(by_reference(code, site, length, length, kind), (length, kind))


@EVERY_PATH
def test_a_path_takes_an_empty_batch(path, code, monkeypatch):
    monkeypatch.setenv(FORCE, path)
    for site in SITES:
        mixer = make_mixer(code, site)
        query, memory = make_inputs(site, 2, 5, 6)
        for padding in (None, padding_of("left", 2, memory.shape[1])[:0]):
            x = memory[:0]
            output, _ = mixer(x if site.is_self else query[:0], x, padding=padding)
            assert output.shape == (0, *query.shape[1:])


@SELF_AND_CROSS
@pytest.mark.parametrize("code", ALL_CODES)
def test_a_call_without_queries_or_keys_passes(code, site):
    mixer = make_mixer(code, site)
    query, memory = make_inputs(site, 2, 5, 6)
    x = memory[:, :0]
    output, _ = mixer(x if site.is_self else query, x)
    assert output.shape == (2, 0 if site.is_self else 5, 12)
    assert not output.any()
    if not site.is_self:
        assert mixer(query[:, :0], memory, padding=padding_of("left", 2, 6))[0].shape == (2, 0, 12)


@EVERY_PATH
def test_tensors_with_any_strides_give_the_same(path, code, monkeypatch):
    """As fairseq gives them: time first in memory."""
    monkeypatch.setenv(FORCE, path)
    for site in SITES:
        mixer, query, memory, padding, wanted, rows = by_reference(code, site, 9, 7, "ragged")
        z = query.transpose(0, 1).contiguous().transpose(0, 1)
        x = z if site.is_self else memory.transpose(0, 1).contiguous().transpose(0, 1)
        mask = padding.T.contiguous().T
        assert error(mixer(z, x, padding=mask)[0][rows], wanted[rows]) <= 1e-10


@EVERY_PATH
def test_what_stands_at_padding_reaches_nothing(path, code, monkeypatch):
    monkeypatch.setenv(FORCE, path)
    for site in SITES:
        for kind in ("left", "right", "ragged", "whole"):
            mixer, query, memory, padding, wanted, rows = by_reference(code, site, 9, 7, kind)
            for waste in (math.nan, math.inf, 1e30):
                x = memory.masked_fill(padding[:, :, None], waste)
                output, _ = mixer(x if site.is_self else query, x, padding=padding)
                assert error(output[rows], wanted[rows]) <= 1e-10, (kind, waste)


@EVERY_PATH
def test_evaluation_without_gradients_is_training_without_dropout(path, code, monkeypatch):
    monkeypatch.setenv(FORCE, path)
    for site in SITES:
        mixer = make_mixer(code, site)
        for length, kind in ((7, "ragged"), (70, "right")):
            query, memory = make_inputs(site, 2, length, 5)
            padding = padding_of(kind, 2, memory.shape[1])
            rows = ~padding if site.is_self else torch.ones(2, length, dtype=torch.bool)
            trained = mixer.train()(query.clone().requires_grad_(), memory, padding)[0].detach()
            with torch.no_grad():
                judged = mixer.eval()(query, memory, padding)[0]
            with torch.inference_mode():
                inferred = mixer(query, memory, padding)[0]
            assert error(judged[rows], trained[rows]) <= 1e-14
            assert error(inferred[rows], trained[rows]) <= 1e-14


@EVERY_PATH
def test_a_call_leaves_no_state(path, code, monkeypatch):
    monkeypatch.setenv(FORCE, path)
    for site in SITES:
        mixer = make_mixer(code, site)
        names = {name: set(vars(module)) for name, module in mixer.named_modules()}
        before = {name: value.clone() for name, value in mixer.state_dict().items()}
        query, memory = make_inputs(site, 2, 7, 5)
        first = mixer(query, memory)[0]
        mixer(query[:1, :3], query[:1, :3] if site.is_self else memory[:1])
        first.sum().backward()
        assert {name: set(vars(module)) for name, module in mixer.named_modules()} == names
        assert list(mixer.state_dict()) == list(before)
        assert all(torch.equal(value, before[name]) for name, value in mixer.state_dict().items())
        assert torch.equal(mixer(query, memory)[0], first)


# Gradients


def slopes_of(mixer, query, memory, padding, rows, by_formula=False):
    """Gradients of a loss over the defined rows for parameters, query and memory, through the mixer or the formula."""
    z = query.detach().clone().requires_grad_()
    x = z if memory is query else memory.detach().clone().requires_grad_()
    mixer.zero_grad(set_to_none=True)
    if by_formula:
        output, _ = reference.attend(mixer.spec, dict(mixer.named_parameters()), z, x, padding)
    else:
        output, _ = mixer(z, x, padding)
    loss_of(output, rows).backward()
    leaves = {**dict(mixer.named_parameters()), "query": z, "memory": x}
    return {name: leaf.grad for name, leaf in leaves.items()}


def loss_of(output, rows):
    """Any scalar that tells rows and channels apart, of the rows that are defined."""
    factors = torch.randn(output.shape, generator=generator(8)).to(output)
    return torch.where(rows[..., None], factors * output + output.square(), 0.0).sum()


@cache
def reference_slopes(code, site, queries, keys, kind, options=()):
    mixer, query, memory, padding, _, rows = by_reference(code, site, queries, keys, kind, options)
    slopes = slopes_of(mixer, query, memory, padding, rows, by_formula=True)
    return {name: None if slope is None else slope.clone() for name, slope in slopes.items()}


def assert_same_slopes(code, site, queries, keys, kind, label="", options=()):
    """Gradients of every parameter that the code owns, of query and memory, are those of the reference."""
    mixer, query, memory, padding, _, rows = by_reference(code, site, queries, keys, kind, options)
    wanted = reference_slopes(code, site, queries, keys, kind, options)
    slopes = slopes_of(mixer, query, memory, padding, rows)
    for name, slope in slopes.items():
        target = wanted[name]
        if name in ("query", "memory") and target is None:
            assert slope is None or not slope.any(), (name, label)
            continue
        if name == "query" and slope is None:
            assert not target.any(), (name, label)
            continue
        assert slope is not None, (name, "has no gradient", label)
        size = max(1.0, target.abs().max().item())
        assert error(slope, target) <= 1e-9 * size, (name, label, error(slope, target))
    return slopes


@SELF_AND_CROSS
@EVERY_PATH
def test_the_gradients_of_a_path_are_those_of_the_formula(path, code, site, monkeypatch):
    monkeypatch.setenv(FORCE, path)
    for kind in KINDS:
        for size in (3, 128):
            small_blocks(monkeypatch, size)
            slopes = assert_same_slopes(code, site, 7, 5, kind, (kind, size))
        if kind == "no":
            owned = [name for name in slopes if "." in name or name in ("key_saliency", "position_bias")]
            assert len(owned) == 3 + code[:2].count("1") // 1 - (code[:2] == "11") + ("1" in code[0] + code[2]) + (
                "1" in code[1] + code[3]
            ) + int(code[2]) + int(code[3])
            assert all(slopes[name].abs().max() > 1e-6 for name in owned)


@SELF_AND_CROSS
@EVERY_PATH
def test_the_gradients_of_long_calls_are_those_of_the_formula(path, code, site, monkeypatch):
    monkeypatch.setenv(FORCE, path)
    for length, kind in ((66, "ragged"), (130, "whole")):
        assert_same_slopes(code, site, length, length - 3, kind, (length, kind))


@SELF_AND_CROSS
@pytest.mark.parametrize("code", ["0000", "0010"])
def test_the_gradients_of_padded_chunks_are_those_of_the_formula(code, site, monkeypatch):
    for length in (64, 66, 96, 97, 128, 200):
        for kind in KINDS:
            assert_same_slopes(code, site, length, length, kind, (length, kind))


@SELF_AND_CROSS
@pytest.mark.parametrize("code", POSITION_CODES)
def test_weights_that_are_computed_again_give_the_gradients_of_kept_ones(code, site, monkeypatch):
    monkeypatch.setenv(FORCE, "blocked")
    for kind in ("left", "ragged", "whole"):
        mixer, query, memory, padding, _, rows = by_reference(code, site, 10, 8, kind)
        found = []
        for kept in (1 << 24, 0):
            small_blocks(monkeypatch, 4, kept)
            slopes = slopes_of(mixer, query, memory, padding, rows)
            found.append({name: slope.clone() for name, slope in slopes.items() if slope is not None})
            assert_same_slopes(code, site, 10, 8, kind, (kind, kept))
        assert found[0].keys() == found[1].keys()
        for name, slope in found[0].items():
            assert error(found[1][name], slope) <= 1e-13, (kind, name)


@SELF_AND_CROSS
@EVERY_PATH
def test_two_calls_can_go_backward_in_either_order_and_twice(path, code, site, monkeypatch):
    monkeypatch.setenv(FORCE, path)
    small_blocks(monkeypatch)
    mixer = make_mixer(code, site)
    calls = []
    for seed, length in ((3, 7), (4, 5)):
        z, x = make_inputs(site, 2, length, 6, seed=seed)
        calls.append((z, x, padding_of("right", 2, x.shape[1])))

    def slopes(order):
        mixer.zero_grad(set_to_none=True)
        leaves, losses = [], []
        for z, x, padding in calls:
            leaf = x.clone().requires_grad_()
            output, _ = mixer(leaf if site.is_self else z, leaf, padding)
            leaves.append(leaf)
            losses.append(loss_of(output, ~padding if site.is_self else torch.ones(z.shape[:2], dtype=torch.bool)))
        for number in order:
            losses[number].backward(retain_graph=True)
        return [leaf.grad for leaf in leaves] + [value.grad for value in mixer.parameters()]

    first, second, twice = slopes((0, 1)), slopes((1, 0)), slopes((0, 1, 1, 0))
    for one, other, double in zip(first, second, twice, strict=True):
        assert error(other, one) <= 1e-12
        assert error(double, 2 * one) <= 1e-11


@EVERY_PATH
def test_gradients_do_not_need_those_of_everything(path, code, monkeypatch):
    """Frozen parameters, or inputs that want no gradient, change nothing in the gradients of the others."""
    monkeypatch.setenv(FORCE, path)
    for site in SITES:
        mixer = make_mixer(code, site)
        query, memory = make_inputs(site, 2, 7, 5)
        rows = torch.ones(query.shape[:2], dtype=torch.bool)
        wanted = slopes_of(mixer, query, memory, None, rows)
        for name, parameter in mixer.named_parameters():
            mixer.zero_grad(set_to_none=True)
            mixer.requires_grad_(False)
            parameter.requires_grad_(True)
            loss_of(mixer(query, memory)[0], rows).backward()
            assert error(parameter.grad, wanted[name]) <= 1e-10, name
        mixer.requires_grad_(False)
        mixer.zero_grad(set_to_none=True)
        leaf = memory.clone().requires_grad_()
        loss_of(mixer(leaf if site.is_self else query, leaf)[0], rows).backward()
        assert error(leaf.grad, wanted["memory"]) <= 1e-10


@EVERY_PATH
def test_sentences_without_tokens_pass_anomaly_detection(path, code, monkeypatch):
    """NaN stands at all padding; the gradient there is zero, no step on the way makes a NaN."""
    monkeypatch.setenv(FORCE, path)
    for site in SITES:
        small_blocks(monkeypatch)
        mixer, query, memory, padding, _, rows = by_reference(code, site, 9, 7, "whole")
        x = memory.masked_fill(padding[:, :, None], math.nan)
        with torch.autograd.set_detect_anomaly(True):
            z = x if site.is_self else query
            slopes = slopes_of(mixer, z, x, padding, rows)
        wanted = reference_slopes(code, site, 9, 7, "whole")
        for name, slope in slopes.items():
            if slope is not None:
                target = torch.zeros_like(slope) if wanted[name] is None else wanted[name]
                assert error(slope, target) <= 1e-9 * max(1.0, target.abs().max().item()), name
        assert not slopes["memory"][padding].any()


# Large logits


@SELF_AND_CROSS
@pytest.mark.parametrize("code", [code for code in ALL_CODES if code != "0000"])
def test_large_logits_are_computed_right_by_the_planners_choice(code, site):
    """One sentence may be in the range of a product of exponentials while another is not."""
    for factor in (1e1, 1e2, 1e3, 1e4):
        for length, kind in ((9, "no"), (9, "ragged"), (100, "right"), (100, "whole")):
            mixer = make_mixer(code, site)
            with torch.no_grad():
                for name in ("query_projection.weight", "key_saliency", "position_bias"):
                    parameter = dict(mixer.named_parameters()).get(name)
                    if parameter is not None:
                        parameter.mul_(factor)
            query, memory = make_inputs(site, 3, length, length - 2)
            padding = padding_of(kind, 3, memory.shape[1])
            wanted, _, rows = refer(mixer, query, memory, padding)
            output, _ = mixer(query, memory, padding)
            assert error(output[rows], wanted[rows]) <= 1e-13 * max(factor, 100.0) * 10, (length, kind)


@EVERY_PATH
def test_large_and_small_values_are_mixed_right(path, code, monkeypatch):
    monkeypatch.setenv(FORCE, path)
    for site in SITES:
        query, memory = make_inputs(site, 2, 40, 35)
        padding = padding_of("ragged", 2, memory.shape[1])
        for factor in (1e-4, 1e2, 1e4):
            mixer = make_mixer(code, site)
            with torch.no_grad():
                mixer.value_projection.weight.mul_(factor)
            wanted, _, rows = refer(mixer, query, memory, padding)
            assert relative_error(mixer(query, memory, padding)[0][rows], wanted[rows]) <= 1e-12, factor


def with_spread(code: str, site: Site, by_key: float, by_distance: float, keys: int):
    """A mixer whose E3 and E4 logits span so much over the keys and the distances, and its inputs (3 sentences)."""
    mixer = make_mixer(code, site, 16, 2)
    query, memory = make_inputs(site, 3, keys, keys, 16)
    size = mixer.spec.head_size
    with torch.no_grad():
        if mixer.key_saliency is not None:
            content = (memory @ mixer.key_projection.weight.T).unflatten(-1, (-1, size))
            logits = (content * mixer.key_saliency).sum(-1) / math.sqrt(size)
            mixer.key_saliency.mul_(by_key / (logits.max() - logits.min()))
        if mixer.position_bias is not None:
            table = reference.sinusoids(torch.arange(1 - keys, keys), 16)
            vectors = (table @ mixer.position_projection.weight.T).unflatten(-1, (-1, size))
            logits = (vectors * mixer.position_bias).sum(-1) / math.sqrt(size)
            mixer.position_bias.mul_(by_distance / (logits.max() - logits.min()))
    return mixer, query, memory


@pytest.mark.parametrize(
    ("code", "by_key", "by_distance"),
    [
        ("0001", 0.0, 39.9),
        ("0001", 0.0, 40.1),
        ("0001", 0.0, 300.0),
        ("0011", 39.8, 0.1),
        ("0011", 0.1, 39.8),
        ("0011", 19.9, 20.0),
        ("0011", 20.1, 20.0),
        ("0011", 500.0, 1.0),
        ("0011", 1.0, 500.0),
        ("0011", 1000.0, 1000.0),
    ],
)
@SELF_AND_CROSS
def test_logits_at_the_border_of_the_range_are_computed_right(code, by_key, by_distance, site):
    for keys, kind in ((12, "no"), (12, "ragged"), (60, "left"), (60, "whole"), (110, "right")):
        mixer, query, memory = with_spread(code, site, by_key, by_distance, keys)
        padding = padding_of(kind, 3, keys)
        wanted, _, rows = refer(mixer, query, memory, padding)
        for dtype, tolerance in ((torch.float64, 1e-10), (torch.float32, 2e-6 * max(1.0, (by_key + by_distance) / 20))):
            mixer = mixer.to(dtype)
            z = query.to(dtype)
            output, _ = mixer(z, z if site.is_self else memory.to(dtype), padding)
            assert relative_error(output[rows], wanted[rows]) <= tolerance, (keys, kind, dtype)


@pytest.mark.parametrize("code", ["0001", "0011"])
@SELF_AND_CROSS
def test_the_gradients_at_the_border_of_the_range_are_right(code, site):
    for spread in (19.0, 21.0):
        mixer, query, memory = with_spread(code, site, spread, spread + (19.0 if code == "0001" else 0.5), 12)
        for kind in ("no", "ragged", "whole"):
            padding = padding_of(kind, 3, 12)
            _, _, rows = refer(mixer, query, memory, padding)
            slopes = slopes_of(mixer, query, memory, padding, rows)
            slopes = {name: slope.clone() for name, slope in slopes.items() if slope is not None}
            wanted = slopes_of(mixer, query, memory, padding, rows, by_formula=True)
            for name, slope in slopes.items():
                target = torch.zeros_like(slope) if wanted[name] is None else wanted[name]
                assert error(slope, target) <= 1e-9 * max(1.0, target.abs().max().item()), (name, kind)


def ramp_mixer(dim: int = 6, heads: int = 2, site: Site = Site.DECODER_SELF) -> GeneralizedAttention:
    """Code 0010, the logit of a key is its first channel in each head; the value does not see that channel."""
    mixer = make_mixer("0010", site, dim, heads)
    size = mixer.spec.head_size
    with torch.no_grad():
        mixer.key_projection.weight.zero_()
        mixer.key_projection.weight[::size, 0] = 1.0
        mixer.key_saliency.zero_()
        mixer.key_saliency[:, 0] = math.sqrt(size)
        mixer.value_projection.weight[:, 0] = 0.0
    return mixer


RAMPS = {
    "ascending": lambda n: torch.linspace(-1e4, 1e4, n),
    "descending": lambda n: torch.linspace(1e4, -1e4, n),
    "peak": lambda n: 1e4 - (torch.arange(n) - n // 2).abs() * 2e4 / n,
    "valley": lambda n: -1e4 + (torch.arange(n) - n // 2).abs() * 2e4 / n,
    "alternating": lambda n: 1e4 * (1 - 2 * (torch.arange(n) % 2)) + torch.arange(n) / 8,
    "steps": lambda n: 300.0 * (torch.arange(n) // 32) - 1e3,
    "low": lambda n: torch.full((n,), -1e4),
}


@pytest.mark.parametrize("ramp", RAMPS)
def test_running_sums_survive_ramps_of_ten_thousand(ramp):
    mixer = ramp_mixer()
    for length in (33, 64, 97, 200):
        inputs, _ = make_inputs(Site.DECODER_SELF, 2, length, length, 6)
        inputs[:, :, 0] = RAMPS[ramp](length).round(decimals=1)
        inputs = inputs.float().double()
        for kind in ("no", "left", "right", "ragged", "whole"):
            padding = padding_of(kind, 2, length)
            wanted, _, rows = refer(mixer, inputs, inputs, padding)
            for dtype in (torch.float64, torch.float32):
                tolerance = 2e4 * torch.finfo(dtype).eps  # logits of that size are rounded
                leaf = inputs.to(dtype, copy=True).requires_grad_()
                output, _ = mixer.to(dtype)(leaf, leaf, padding)
                assert output.isfinite().all(), (length, kind)
                assert relative_error(output[rows], wanted[rows]) <= tolerance, (length, kind, dtype)
                loss_of(output, rows).backward()
                assert leaf.grad.isfinite().all()
            mixer.double()


# The width of R


@pytest.mark.parametrize("size", [2, 10, 40])
@SELF_AND_CROSS
@pytest.mark.parametrize("code", POSITION_CODES)
def test_r_has_the_position_size_on_every_path(code, site, size, monkeypatch):
    options = (("position_size", size),)
    for path in (None, *paths_of(code)):
        if path is not None:
            monkeypatch.setenv(FORCE, path)
        for length, kind in ((7, "ragged"), (35, "right")):
            case = by_reference(code, site, length, 5, kind, options)
            assert case[0].position_projection.weight.shape == (12, size)
            assert_equal(case, (path, length, kind))
        assert_same_slopes(code, site, 7, 5, "left", path, options)


def test_the_position_size_sets_the_frequencies_of_r():
    """Width 4: sines and cosines of n and of n / 100, and nothing else."""
    mixer = make_mixer("0001", Site.ENCODER_SELF, 4, 1, position_size=4)
    with torch.no_grad():
        mixer.position_projection.weight.copy_(torch.eye(4))
    inputs, _ = make_inputs(Site.ENCODER_SELF, 1, 9, 9, 4)
    for channel, wave in enumerate((math.sin, math.sin, math.cos, math.cos)):
        with torch.no_grad():
            mixer.position_bias.zero_()
            mixer.position_bias[0, channel] = 2.0  # the root of the head size
        _, weights = mixer(inputs, inputs, need_weights=True)
        logits = torch.tensor([wave((k - 4) / (100.0 if channel % 2 else 1.0)) for k in range(9)], dtype=torch.float64)
        assert error(weights[0, 0, 4], torch.softmax(logits, dim=-1)) <= 1e-14


@pytest.mark.parametrize("code", ALL_CODES)
def test_the_position_size_is_dim_if_not_given(code):
    spec = AttentionSpec(Site.ENCODER_SELF, Terms.parse(code), 12, 3)
    assert spec.position_size == 12
    assert spec == AttentionSpec(Site.ENCODER_SELF, Terms.parse(code), 12, 3, position_size=12)
    assert "position-size" not in spec.text
    narrow = AttentionSpec(Site.ENCODER_SELF, Terms.parse(code), 12, 3, position_size=4)
    assert (narrow == spec) == (code in ORDERLESS_CODES), "a width that nothing reads is no difference"


@pytest.mark.parametrize("size", [-2, -1, 1, 3, 7])
@pytest.mark.parametrize("code", ["0000", "1111"])
def test_a_wrong_position_size_is_named(code, size):
    message = f"the position size must be even and at least 2, or 0 for the width of the model, not {size}"
    with pytest.raises(SpecError, match=f"^{re.escape(message)}$"):
        AttentionSpec(Site.ENCODER_SELF, Terms.parse(code), 12, 3, position_size=size)
    with pytest.raises(SpecError, match=f"^{re.escape(message)}$"):
        Shape(12, 3, position_size=size)


def test_an_odd_dim_can_have_an_even_position_size():
    mixer = make_mixer("1111", Site.CROSS, 9, 3, position_size=4)
    query, memory = make_inputs(Site.CROSS, 2, 5, 6, 9)
    wanted, _, _ = refer(mixer, query, memory)
    assert error(mixer(query, memory)[0], wanted) <= 1e-12


def note(text: str, **shape: object) -> AttentionSpec:
    (spec,) = layer_specs(text, Site.ENCODER_SELF, 1, Shape(12, 3, **shape), "--code")
    return spec


def test_the_notation_sets_the_position_size():
    assert note("0100:position-size=4").position_size == 4
    assert note("0100:position-size=4").text == "0100:position-size=4"
    assert note("0100:position-size=12").text == "0100"
    assert note("0100").position_size == 12
    assert note("0100", position_size=6).position_size == 6
    assert note("0100:position-size=4", position_size=6).position_size == 4
    assert note("0100:position-size=0", position_size=6).position_size == 12
    assert note("1000", position_size=6).position_size == 12
    assert note("1000:key-position:position-size=8").position_size == 8
    assert note("deberta:position-size=8").position_size == 8
    assert note("alibi", position_size=6).position_size == 12
    spec = note("0111:window=3:distance=5:position-size=4")
    assert (spec.window, spec.max_distance, spec.position_size) == (3, 5, 4)
    assert note(spec.text) == spec


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "0100:position-size=3",
            "the position size must be even and at least 2, or 0 for the width of the model, not 3",
        ),
        (
            "0100:position-size=-4",
            "the position size must be even and at least 2, or 0 for the width of the model, not -4",
        ),
        ("0100:position-size=", "position-size must be a whole number of at most five digits, not ''"),
        ("0100:position-size", "position-size must be a whole number of at most five digits, not ''"),
        ("0100:position-size=four", "position-size must be a whole number of at most five digits, not 'four'"),
        ("0100:position-size=4:position-size=4", None),
        ("1010:position-size=4", "position-size must go with a term of relative position made of R, not with 1010"),
        ("0000:position-size=0", "position-size must go with a term of relative position made of R, not with 0000"),
        ("shaw:position-size=4", "position-size must go with a term of relative position made of R, not with 1100"),
        ("alibi:position-size=4", "position-size must go with a term of relative position made of R, not with 1001"),
        ("conv:position-size=4", "the options of conv must be among kernel, window, not 'position-size=4'"),
        (
            "0100:size=4",
            "the options of attention must be among window, distance, position-size, positions, key-position, "
            "not 'size=4'",
        ),
    ],
)
def test_a_wrong_note_of_the_position_size_is_named(text, message):
    if message is None:
        message = f"an option must be given once, not position-size twice in {text!r}"
    with pytest.raises(SpecError, match=f"^{re.escape('--code: ' + message)}$"):
        note(text)


# Windows, clipped distances, other positions, dropout


OPTIONS = (
    {"window": 0},
    {"window": 4},
    {"max_distance": 1},
    {"max_distance": 20},
    {"window": 30, "max_distance": 3},
    {"key_position": True},
    {"key_position": True, "window": 5, "max_distance": 4, "position_size": 4},
)


@SELF_AND_CROSS
@pytest.mark.parametrize("code", ALL_CODES)
def test_the_planner_chooses_a_path_that_can_compute_the_options(code, site):
    for options in OPTIONS:
        for length, kind in ((6, "ragged"), (100, "left")):
            mixer, query, memory, padding, wanted, rows = by_reference(
                code, site, length, length + 1, kind, tuple(options.items())
            )
            fast, _ = mixer(query, memory, padding)
            slow, _ = mixer(query, memory, padding, need_weights=True)
            assert error(fast[rows], wanted[rows]) <= 1e-10, (length, kind)
            assert error(slow[rows], wanted[rows]) <= 1e-10, (length, kind)


@pytest.mark.parametrize("path", [None, "matmul", "blocked"])
@pytest.mark.parametrize("options", [{}, {"max_distance": 2}, {"max_distance": 40}], ids=str)
@pytest.mark.parametrize("site", [Site.ENCODER_SELF, Site.DECODER_SELF], ids=site_name)
@pytest.mark.parametrize("code", POSITION_CODES)
def test_learned_vectors_for_distances_are_computed_right(code, site, options, path, monkeypatch):
    if path is not None:
        monkeypatch.setenv(FORCE, path)
    options = (("positions", Positions.SHAW), *options.items())
    for length, kind in ((7, "ragged"), (130, "whole")):
        assert_equal(by_reference(code, site, length, 0, kind, options), (length, kind))
    for size in (3, 128):
        small_blocks(monkeypatch, size)
        assert_same_slopes(code, site, 9, 0, "ragged", size, options)


@pytest.mark.parametrize("path", ["matmul", "blocked"])
@pytest.mark.parametrize("code", POSITION_CODES)
def test_clipped_distances_are_computed_right(code, path, monkeypatch):
    monkeypatch.setenv(FORCE, path)
    for site in SITES:
        for limit in (1, 3, 60):
            options = (("max_distance", limit),)
            assert_equal(by_reference(code, site, 40, 30, "ragged", options), limit)
            assert_same_slopes(code, site, 9, 7, "left", limit, options)


@pytest.mark.parametrize("code", ["0001", "0011"])
@SELF_AND_CROSS
def test_a_matrix_of_clipped_distances_is_computed_right(code, site, monkeypatch):
    monkeypatch.setenv(FORCE, {"0001": "toeplitz", "0011": "separable"}[code])
    for rows in (3, 512):
        small_blocks(monkeypatch, rows)
        for limit in (1, 3, 60):
            options = (("max_distance", limit),)
            assert_equal(by_reference(code, site, 40, 30, "ragged", options), limit)
            assert_same_slopes(code, site, 9, 7, "whole", limit, options)


@pytest.mark.parametrize("length", [7, 100])
@SELF_AND_CROSS
@pytest.mark.parametrize("code", ALL_CODES)
def test_the_planners_choice_drops_weights_in_training(code, site, length):
    state = torch.get_rng_state()
    try:
        mixer = make_mixer(code, site, dropout=0.5)
        query, memory = make_inputs(site, 1, length, length)
        wanted, _ = mixer(query, memory)
        z, x = (part.expand(40, -1, -1).contiguous() for part in (query, memory))
        torch.manual_seed(3)
        first, _ = mixer.train()(x if site.is_self else z, x)
        torch.manual_seed(3)
        again, _ = mixer(x if site.is_self else z, x)
        assert torch.equal(first, again)
        deviation = first.std(0)
        assert (deviation.amax(dim=-1) > 1e-3).all()
        assert ((first.mean(0) - wanted[0]).abs() <= 8 * deviation / 40**0.5 + 1e-9).all()
        assert error(first[0], first[1]) > 1e-3, "each sentence has its own mask"
    finally:
        torch.set_rng_state(state)


# Forcing a path


def sentence(paths: tuple[str, ...], text: str, site: Site, path: str) -> str:
    call, names = f"this call of {text} ({site.value})", ", ".join(paths)
    return f"^{re.escape(f'{FORCE} must be one of {names} for {call}, not {path}')}$"


@SELF_AND_CROSS
@pytest.mark.parametrize("code", ALL_CODES)
def test_a_path_that_cannot_compute_a_code_is_refused(code, site, monkeypatch):
    mixer = make_mixer(code, site)
    query, memory = make_inputs(site, 2, 5, 6)
    for path in PATHS:
        monkeypatch.setenv(FORCE, path)
        if path in paths_of(code):
            mixer(query, memory)
            continue
        start = re.escape(f"{FORCE} must be one of ")
        end = re.escape(f" for this call of {code} ({site.value}), not {path}")
        with pytest.raises(SpecError, match=f"^{start}.*{end}$") as caught:
            mixer(query, memory)
        names = str(caught.value).removeprefix(f"{FORCE} must be one of ").partition(" for this call")[0]
        assert set(names.split(", ")) == set(paths_of(code)), "the message names the paths that could"


@EVERY_PATH
def test_weights_are_had_from_written_out_logits_only(path, code, monkeypatch):
    monkeypatch.setenv(FORCE, path)
    for site in SITES:
        mixer = make_mixer(code, site)
        query, memory = make_inputs(site, 2, 5, 6)
        if path == "matmul":
            _, weights = mixer(query, memory, need_weights=True)
            assert weights.shape == (2, 3, query.shape[1], memory.shape[1])
            continue
        with pytest.raises(SpecError, match=sentence(("matmul",), code, site, path)):
            mixer(query, memory, need_weights=True)


@pytest.mark.parametrize("path", ["blocked", "angle"])
@pytest.mark.parametrize("options", [{"window": 3}, {"key_position": True}], ids=str)
def test_a_path_that_cannot_compute_an_option_is_refused(path, options, monkeypatch):
    monkeypatch.setenv(FORCE, path)
    mixer = make_mixer("1111", Site.CROSS, **options)
    query, memory = make_inputs(Site.CROSS, 2, 5, 6)
    with pytest.raises(SpecError, match=sentence(("matmul",), mixer.spec.text, Site.CROSS, path)):
        mixer(query, memory)


def test_angles_of_clipped_distances_are_refused(monkeypatch):
    monkeypatch.setenv(FORCE, "angle")
    mixer = make_mixer("0110", Site.DECODER_SELF, max_distance=3)
    inputs, _ = make_inputs(Site.DECODER_SELF, 2, 5, 5)
    with pytest.raises(SpecError, match=sentence(("matmul", "blocked"), "0110:distance=3", Site.DECODER_SELF, "angle")):
        mixer(inputs, inputs)


@pytest.mark.parametrize("path", ["blocked", "pool", "toeplitz", "separable", "angle"])
def test_a_path_without_dropout_is_refused_in_training_with_dropout(path, monkeypatch):
    codes = {"pool": "0010", "toeplitz": "0001", "separable": "0011"}
    monkeypatch.setenv(FORCE, path)
    mixer = make_mixer(codes.get(path, "0101"), Site.CROSS, dropout=0.1)
    query, memory = make_inputs(Site.CROSS, 2, 5, 6)
    mixer(query, memory)
    with pytest.raises(SpecError, match=sentence(("matmul",), mixer.spec.text, Site.CROSS, path)):
        mixer.train()(query, memory)


@pytest.mark.parametrize("dtype", LOW, ids=str)
def test_blocks_in_low_precision_are_refused(dtype, monkeypatch):
    monkeypatch.setenv(FORCE, "blocked")
    mixer = make_mixer("1111", Site.ENCODER_SELF, dtype=dtype)
    inputs, _ = make_inputs(Site.ENCODER_SELF, 2, 5, 5, dtype=dtype)
    with pytest.raises(SpecError, match=sentence(("matmul", "angle"), "1111", Site.ENCODER_SELF, "blocked")):
        mixer(inputs, inputs)
    single = inputs.float()
    with (
        torch.autocast("cpu", dtype=torch.bfloat16),
        pytest.raises(SpecError, match=sentence(("matmul", "angle"), "1111", Site.ENCODER_SELF, "blocked")),
    ):
        mixer.float()(single, single)


@pytest.mark.parametrize(("path", "code"), [("toeplitz", "0001"), ("separable", "0011")])
def test_products_of_exponentials_out_of_range_are_refused(path, code, monkeypatch):
    mixer, query, memory = with_spread(code, Site.CROSS, 30.0, 41.0, 9)
    monkeypatch.setenv(FORCE, path)
    names = ("matmul", "blocked", "angle")
    with pytest.raises(SpecError, match=sentence(names, code, Site.CROSS, path)):
        mixer(query, memory)


@pytest.mark.parametrize("name", ["fast", "MATMUL", " matmul", "pool,matmul", "0"])
def test_an_unknown_path_is_named(name, monkeypatch):
    monkeypatch.setenv(FORCE, name)
    message = f"{FORCE} must be one of {', '.join(PATHS)}, not {name!r}"
    mixer = make_mixer("1000", Site.CROSS)
    query, memory = make_inputs(Site.CROSS, 2, 5, 6)
    with pytest.raises(SpecError, match=f"^{re.escape(message)}$"):
        mixer(query, memory)


def test_an_empty_name_forces_nothing(monkeypatch):
    mixer = make_mixer("0010", Site.CROSS)
    query, memory = make_inputs(Site.CROSS, 2, 5, 6)
    wanted, _ = mixer(query, memory)
    monkeypatch.setenv(FORCE, "")
    assert torch.equal(mixer(query, memory)[0], wanted)
    assert os.environ[FORCE] == ""


# Low precision


def low_errors(mixer, query, memory, padding, dtype, monkeypatch):
    """Root mean squares of the errors of the planner's choice and of matmul, against the same numbers in float64."""
    mixer, z = mixer.to(dtype), query.to(dtype)
    x = z if memory is query else memory.to(dtype)
    wanted, _, rows = refer(mixer, z, x, padding)
    chosen = mixer(z, x, padding)[0]
    with monkeypatch.context() as forced:
        forced.setenv(FORCE, "matmul")
        plain = mixer(z, x, padding)[0]
    assert chosen.dtype == plain.dtype == dtype
    return [(output.double() - wanted)[rows].square().mean().sqrt().item() for output in (chosen, plain)]


@pytest.mark.parametrize("dtype", LOW, ids=str)
@SELF_AND_CROSS
@pytest.mark.parametrize("code", ALL_CODES)
def test_low_precision_costs_the_planners_choice_no_more_than_written_out_logits(code, site, dtype, monkeypatch):
    for length, kind in ((9, "ragged"), (100, "whole")):
        mixer = make_mixer(code, site, 16, 2)
        query, memory = make_inputs(site, 2, length, length + 3, 16)
        padding = padding_of(kind, 2, memory.shape[1])
        chosen, plain = low_errors(mixer, query, memory, padding, dtype, monkeypatch)
        rounding = torch.finfo(dtype).eps
        assert chosen <= 2 * plain + rounding / 8, (length, kind)


@pytest.mark.parametrize("dtype", LOW, ids=str)
@pytest.mark.parametrize(
    ("code", "by_key", "by_distance"),
    [("0011", 5.0, 5.0), ("0011", 16.0, 1.0), ("0011", 35.0, 1.0), ("0011", 1.0, 30.0), ("0001", 0.0, 30.0)],
)
@SELF_AND_CROSS
def test_logits_in_the_range_survive_low_precision(code, by_key, by_distance, site, dtype, monkeypatch):
    for keys, kind in ((12, "no"), (12, "ragged"), (60, "left"), (60, "right")):
        mixer, query, memory = with_spread(code, site, by_key, by_distance, keys)
        padding = padding_of(kind, 3, keys)
        chosen, plain = low_errors(mixer, query, memory, padding, dtype, monkeypatch)
        assert chosen <= 2 * plain + torch.finfo(dtype).eps, (keys, kind, chosen, plain)


@pytest.mark.parametrize("path", ["fused", "matmul"])
def test_no_query_sees_a_later_key_however_large_its_logit_is_in_half_precision(path, monkeypatch):
    """Logits of -36,100 for the keys that are visible and of +36,100 for the others."""
    monkeypatch.setenv(FORCE, path)
    mixer = make_mixer("1000", Site.DECODER_SELF, 8, 1)
    with torch.no_grad():
        mixer.query_projection.weight.zero_()
        mixer.key_projection.weight.zero_()
        mixer.query_projection.weight[0, 0] = 8**0.5
        mixer.key_projection.weight[0, 1] = 1.0
    inputs, _ = make_inputs(Site.DECODER_SELF, 2, 6, 6, 8)
    inputs[:, :, 0] = 190.0
    inputs[:, :, 1] = 190.0 * torch.tensor([-1, -1, -1, 1, 1, 1])
    padding = torch.zeros(2, 6, dtype=torch.bool)
    padding[0, 0] = True
    mixer, inputs = mixer.half(), inputs.half()
    wanted, _, rows = refer(mixer, inputs, inputs, padding)
    output, _ = mixer(inputs, inputs, padding)
    assert relative_error(output[rows], wanted[rows]) <= 0.01


@pytest.mark.parametrize("dtype", LOW, ids=str)
@SELF_AND_CROSS
@pytest.mark.parametrize("code", ALL_CODES)
def test_gradients_in_low_precision_are_finite_and_close(code, site, dtype):
    for length, kind in ((9, "whole"), (40, "ragged")):
        mixer = make_mixer(code, site, 16, 2, dtype=dtype)
        query, memory = make_inputs(site, 2, length, length, 16, dtype=dtype)
        padding = padding_of(kind, 2, length)
        _, _, rows = refer(mixer, query, memory, padding)
        low = slopes_of(mixer, query, memory, padding, rows)
        low = {name: slope.clone() for name, slope in low.items() if slope is not None}
        mixer.double()
        z, x = query.double(), memory.double()
        wide = slopes_of(mixer, z, z if site.is_self else x, padding, rows)
        for name, slope in low.items():
            size = wide[name].square().mean().sqrt()
            assert (slope.double() - wide[name]).square().mean().sqrt() <= 40 * torch.finfo(dtype).eps * size, name


@pytest.mark.parametrize("path", [None, "matmul"])
@SELF_AND_CROSS
@pytest.mark.parametrize("code", ALL_CODES)
def test_autocast_runs_the_planners_choice(code, site, path, monkeypatch):
    if path is not None:
        monkeypatch.setenv(FORCE, path)
    for dtype in (torch.bfloat16, torch.float16):
        for length, kind in ((9, "ragged"), (100, "whole")):
            mixer, query, memory, padding, wanted, rows = by_reference(code, site, length, length, kind)
            mixer.float().zero_grad(set_to_none=True)
            leaf = memory.float().requires_grad_()
            with torch.autocast("cpu", dtype=dtype):
                output, _ = mixer(leaf if site.is_self else query.float(), leaf, padding)
            loss_of(output.float(), rows).backward()
            slopes = [leaf.grad, *(value.grad for value in mixer.parameters())]
            mixer.double()
            bound = 5 * torch.finfo(dtype).eps * wanted.abs().max()
            assert error(output[rows], wanted[rows]) <= bound, (length, kind, dtype)
            assert all(slope.isfinite().all() for slope in slopes)
