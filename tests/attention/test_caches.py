"""Invariance: what a mixer remembers between steps never shows in its outputs, and takes no more room than it must."""

import math

import pytest
import torch
from torch import Tensor

from nmt_attn.attention.cache import KeyValueCache, PooledCache, RunningCache
from nmt_attn.spec import ALL_CODES, Positions, Site, SpecError

from . import reference
from .cases import POSITION_CODES, error, generator, make_inputs, make_mixer, make_padding, relative_error, site_name

DECODER_SITES = (Site.DECODER_SELF, Site.CROSS)
ALIKE = ("0000", "0010")  # codes whose weights do not depend on the query
OPTIONS = ({}, {"window": 2}, {"max_distance": 2}, {"window": 3, "max_distance": 1}, {"window": 0})
ALL_SITES = pytest.mark.parametrize("site", DECODER_SITES, ids=site_name)


@pytest.fixture(autouse=True)
def no_path_is_forced_from_outside(monkeypatch):
    monkeypatch.delenv("NMT_ATTN_PATH", raising=False)


def parameters_of(mixer) -> dict[str, Tensor]:
    return {name: value.detach().double() for name, value in mixer.named_parameters()}


def at_once(mixer, query, memory, padding=None):
    """Output and weights by the dense reference."""
    return reference.attend(mixer.spec, parameters_of(mixer), query.double(), memory.double(), padding)


def decode(mixer, query, memory, padding, steps, need_weights=False, cache=None, flags_of=None):
    """Outputs and weights of every step. flags_of: what a step is given of its padding, all of it if not given."""
    cache = mixer.new_cache(need_weights) if cache is None else cache
    outputs, rows, done = [], [], 0
    for size in steps:
        new = query[:, done : done + size]
        flags = padding
        if mixer.spec.site.is_self and padding is not None:
            flags = padding[:, done : done + size]
            flags = flags if flags_of is None else flags_of(flags)
        x = new if mixer.spec.site.is_self else memory
        output, weights = mixer(new, x, padding=flags, cache=cache, need_weights=need_weights)
        done += size
        outputs.append(output)
        rows.append(weights)
        assert cache.queries == done
    return torch.cat(outputs, dim=1), rows


def padding_of(kind: str, batch: int, keys: int) -> Tensor | None:
    """As make_padding; ragged: holes between tokens; whole: the first sentence has no token at all."""
    if kind in ("no", "left", "right"):
        return make_padding(kind, batch, keys)
    padding = torch.rand(batch, keys, generator=generator(keys)) < 0.4
    if kind == "whole":
        padding[0] = True
    return padding


# Which cache


@ALL_SITES
@pytest.mark.parametrize("code", ALL_CODES)
def test_only_what_does_not_depend_on_the_query_is_summed_up(code, site):
    plain = {Site.DECODER_SELF: RunningCache, Site.CROSS: PooledCache}[site]
    assert type(make_mixer(code, site).new_cache()) is (plain if code in ALIKE else KeyValueCache)
    for options in ({"window": 2}, {"key_position": True}):
        assert type(make_mixer(code, site, **options).new_cache()) is KeyValueCache
    wanted = PooledCache if code in ALIKE and site is Site.CROSS else KeyValueCache
    assert type(make_mixer(code, site).new_cache(need_weights=True)) is wanted


def test_weights_of_a_running_sum_must_be_asked_for_before_it_begins():
    mixer = make_mixer("0010", Site.DECODER_SELF)
    inputs, _ = make_inputs(Site.DECODER_SELF, 2, 3, 3)
    cache = mixer.new_cache()
    message = r"^weights of a running sum must be asked for before it begins: new_cache\(need_weights=True\)$"
    with pytest.raises(SpecError, match=message):
        mixer(inputs, inputs, cache=cache, need_weights=True)


@ALL_SITES
@pytest.mark.parametrize("code", ALL_CODES)
def test_a_forced_path_is_for_whole_calls(code, site, monkeypatch):
    mixer = make_mixer(code, site)
    query, memory = make_inputs(site, 2, 5, 6)
    wanted, _ = at_once(mixer, query, memory)
    for path in ("matmul", "fused", "blocked", "angle", "pool", "toeplitz", "separable"):
        monkeypatch.setenv("NMT_ATTN_PATH", path)
        assert error(decode(mixer, query, memory, None, [1] * query.shape[1])[0], wanted) <= 1e-12, path
    monkeypatch.setenv("NMT_ATTN_PATH", "matmul")
    assert type(mixer.new_cache()) is KeyValueCache


# Step by step


@pytest.mark.parametrize("options", OPTIONS, ids=str)
@ALL_SITES
@pytest.mark.parametrize("code", ALL_CODES)
def test_step_by_step_is_at_once(code, site, options):
    mixer = make_mixer(code, site, **options)
    for kind in ("no", "left", "ragged", "whole"):
        query, memory = make_inputs(site, 3, 11, 7)
        padding = padding_of(kind, 3, memory.shape[1])
        length = query.shape[1]
        wanted, wanted_weights = at_once(mixer, query, memory, padding)
        rows = torch.ones(3, length, dtype=torch.bool)
        if site.is_self and padding is not None:
            rows = ~padding | (wanted_weights.sum(dim=(1, 3)) == 0)
        for steps in ([1] * length, [3, 1, length - 4]):
            for need_weights in (False, True) if steps[0] == 3 else (False,):
                with torch.no_grad():
                    output, shown = decode(mixer, query, memory, padding, steps, need_weights)
                assert error(output[rows], wanted[rows]) <= 1e-10, (kind, steps)
                if not need_weights:
                    assert shown == [None] * len(steps)
                    continue
                done = 0
                for size, step in zip(steps, shown, strict=True):
                    keys = done + size if site.is_self else memory.shape[1]
                    part = wanted_weights[:, :, done : done + size, :keys].transpose(1, 2)
                    real = rows[:, done : done + size]
                    assert error(step.transpose(1, 2)[real], part[real]) <= 1e-10, (kind, steps)
                    done += size


@ALL_SITES
@pytest.mark.parametrize("code", ALL_CODES)
def test_a_step_may_bring_no_token(code, site):
    mixer = make_mixer(code, site)
    query, memory = make_inputs(site, 2, 6, 6)
    wanted, _ = at_once(mixer, query, memory)
    for steps in ([2, 0, 4], [1, 1, 0, 0, 4], [0, 3, 3]):
        assert error(decode(mixer, query, memory, None, steps)[0], wanted) <= 1e-12, steps


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16], ids=str)
@ALL_SITES
@pytest.mark.parametrize("code", ALL_CODES)
def test_low_precision_and_autocast_are_as_exact_step_by_step(code, site, dtype):
    mixer = make_mixer(code, site, 16, 2)
    query, memory = make_inputs(site, 2, 40, 40 if site.is_self else 30, 16)
    padding = None if site.is_self else make_padding("left", 2, 30)
    wanted, _ = at_once(mixer, query, memory, padding)
    bound = 5 * torch.finfo(dtype).eps * wanted.abs().max()
    with torch.no_grad():
        for steps in ([1] * 40, [30, 1, 9]):
            single = mixer.float()
            with torch.autocast("cpu", dtype=dtype):
                output, _ = decode(single, query.float(), memory.float(), padding, steps)
            assert error(output, wanted) <= bound
            output, _ = decode(mixer.to(dtype), query.to(dtype), memory.to(dtype), padding, steps)
            assert output.dtype == dtype
            assert error(output, wanted) <= bound
            mixer = make_mixer(code, site, 16, 2)


@ALL_SITES
@pytest.mark.parametrize("code", ALL_CODES)
def test_single_precision_is_as_exact_step_by_step(code, site):
    mixer = make_mixer(code, site)
    query, memory = make_inputs(site, 2, 100, 100 if site.is_self else 30)
    padding = None if site.is_self else make_padding("left", 2, 30)
    wanted, _ = at_once(mixer, query, memory, padding)
    mixer = mixer.float()
    with torch.no_grad():
        output, _ = decode(mixer, query.float(), memory.float(), padding, [1] * query.shape[1])
    assert relative_error(output, wanted) <= 2e-6


@pytest.mark.parametrize("options", [{}, {"window": 2}], ids=str)
@pytest.mark.parametrize("code", ALL_CODES)
def test_padding_may_be_given_in_the_steps_that_have_some_only(code, options):
    mixer = make_mixer(code, Site.DECODER_SELF, **options)
    inputs, _ = make_inputs(Site.DECODER_SELF, 3, 12, 12)
    for columns in ((0, 1, 2), (4, 5), (11,), (0, 6), (1, 2, 9)):
        padding = torch.zeros(3, 12, dtype=torch.bool)
        padding[0, list(columns)] = True
        padding[2, columns[-1]] = True
        wanted, _ = at_once(mixer, inputs, inputs, padding)
        for steps in ([1] * 12, [3, 1, 2, 1, 5]):
            output, _ = decode(
                mixer, inputs, inputs, padding, steps, flags_of=lambda flags: flags if flags.any() else None
            )
            assert error(output[~padding], wanted[~padding]) <= 1e-12, (columns, steps)


@pytest.mark.parametrize("options", [{}, {"window": 2}], ids=str)
@pytest.mark.parametrize("code", ALL_CODES)
def test_steps_before_the_first_token_give_zeros_and_no_trace(code, options):
    """NaN stands there, in all sentences but one; whatever the sizes of the steps."""
    mixer = make_mixer(code, Site.DECODER_SELF, **options)
    inputs, _ = make_inputs(Site.DECODER_SELF, 3, 9, 9)
    padding = torch.zeros(3, 9, dtype=torch.bool)
    padding[0, :4] = True
    padding[2] = True
    wanted, _ = at_once(mixer, inputs, inputs, padding)
    waste = inputs.masked_fill(padding[..., None], math.nan)
    for steps in ([1] * 9, [2, 2, 5], [4, 5], [6, 3]):
        output, _ = decode(mixer, waste, waste, padding, steps)
        assert not output[padding].any(), steps
        assert error(output, wanted) <= 1e-12, steps


@pytest.mark.parametrize("waste", [math.nan, -math.inf])
@pytest.mark.parametrize("options", [{}, {"window": 1}], ids=str)
@pytest.mark.parametrize("code", ALL_CODES)
def test_a_broken_token_shows_from_its_step_on_and_in_its_own_sentence(code, options, waste):
    mixer = make_mixer(code, Site.DECODER_SELF, **options)
    inputs, _ = make_inputs(Site.DECODER_SELF, 3, 9, 9)
    wanted, _ = at_once(mixer, inputs, inputs)
    broken = inputs.clone()
    broken[1, 4, 3] = waste
    for steps in ([1] * 9, [3, 3, 3], [9]):
        with torch.no_grad():
            output, _ = decode(mixer, broken, broken, None, steps)
        assert error(output[:, :4], wanted[:, :4]) <= 1e-12, steps
        assert error(output[::2], wanted[::2]) <= 1e-12, steps
        assert output[1, 4:].isnan().all(), steps


@pytest.mark.parametrize("code", ALL_CODES)
def test_a_broken_token_goes_with_its_row_in_a_reorder(code):
    mixer = make_mixer(code, Site.DECODER_SELF)
    inputs, _ = make_inputs(Site.DECODER_SELF, 3, 6, 6)
    inputs[1, 2] = math.nan
    order = torch.tensor([0, 1, 1, 2])
    cache = mixer.new_cache()
    with torch.no_grad():
        mixer(inputs[:, :4], inputs[:, :4], cache=cache)
        cache.reorder(order)
        end = inputs[order, 4:]
        output, _ = mixer(end, end, cache=cache)
    wanted, _ = at_once(mixer, inputs[::2], inputs[::2])
    assert error(output[::3], wanted[:, 4:]) <= 1e-12
    assert output[1:3].isnan().all()


@pytest.mark.parametrize("code", ALL_CODES)
def test_a_broken_query_of_cross_attention_harms_no_other(code):
    mixer = make_mixer(code, Site.CROSS)
    query, memory = make_inputs(Site.CROSS, 4, 3, 5)
    wanted, _ = at_once(mixer, query, memory)
    broken = query.clone()
    broken[1, 1] = math.nan
    output, _ = decode(mixer, broken, memory, None, [1, 1, 1])
    good = torch.ones(4, 3, dtype=torch.bool)
    good[1, 1] = False
    assert error(output[good], wanted[good]) <= 1e-12
    if "1" in code[:2]:
        assert output[1, 1].isnan().all()


@ALL_SITES
@pytest.mark.parametrize("code", ALL_CODES)
def test_the_caller_may_change_an_output_in_place(code, site):
    """As residual connections and dropout in place do."""
    mixer = make_mixer(code, site)
    query, memory = make_inputs(site, 2, 4, 5)
    wanted, _ = at_once(mixer, query, memory)
    cache = mixer.new_cache(need_weights=True)
    with torch.no_grad():
        for t in range(query.shape[1]):
            new = query[:, t : t + 1]
            output, weights = mixer(new, new if site.is_self else memory, cache=cache, need_weights=True)
            assert error(output, wanted[:, t : t + 1]) <= 1e-12, t
            output.add_(1.0)
            weights.mul_(2.0)


# Room


@pytest.mark.parametrize("code", ALIKE)
def test_running_sums_are_the_formula_after_five_thousand_steps(code):
    mixer = make_mixer(code, Site.DECODER_SELF, 6, 2, dtype=torch.float32)
    inputs, _ = make_inputs(Site.DECODER_SELF, 2, 5000, 5000, 6, dtype=torch.float32)
    inputs += 0.5  # a mean that does not vanish
    cache = mixer.new_cache()
    rows = []
    with torch.no_grad():
        for t in range(5000):
            output, _ = mixer(inputs[:, t : t + 1], inputs[:, t : t + 1], cache=cache)
            if t % 500 == 499:
                rows.append(t)
                assert relative_error(output, running_mean(mixer, inputs, t)) <= 2e-6, t
    state = [value for value in vars(cache).values() if isinstance(value, Tensor)]
    assert sum(value.numel() for value in state) == 2 * (2 + 6), "a level a head and a mixture a head"


def running_mean(mixer, inputs, t):
    """The output of step t by the formula, in float64: (b, 1, c)."""
    x, parameters = inputs[:, : t + 1].double(), parameters_of(mixer)
    heads, size = mixer.spec.heads, mixer.spec.head_size
    values = (x @ parameters["value_projection.weight"].T).unflatten(-1, (heads, size))
    logits = torch.zeros(*x.shape[:2], heads, dtype=torch.float64)
    if mixer.key_saliency is not None:
        keys = (x @ parameters["key_projection.weight"].T).unflatten(-1, (heads, size))
        logits = (keys * parameters["key_saliency"]).sum(-1) / size**0.5
    mixed = (torch.softmax(logits, dim=1)[..., None] * values).sum(dim=1, keepdim=True).flatten(2)
    return mixed @ parameters["output_projection.weight"].T + parameters["output_projection.bias"]


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16], ids=str)
@pytest.mark.parametrize("code", ALIKE)
def test_running_sums_in_low_precision_follow_the_formula(code, dtype):
    """The mean of the tokens drifts slowly: each step moves it by less than a rounding."""
    mixer = make_mixer(code, Site.DECODER_SELF, 6, 2, dtype=dtype)
    inputs, _ = make_inputs(Site.DECODER_SELF, 2, 1500, 1500, 6)
    inputs = (inputs / 4 + torch.linspace(1, 3, 1500)[None, :, None]).to(dtype)
    with torch.no_grad():
        whole, _ = mixer(inputs, inputs)
        output, _ = decode(mixer, inputs, inputs, None, [1] * 1500)
    for t in (9, 99, 499, 999, 1499):
        wanted = running_mean(mixer, inputs, t)
        plain = error(whole[:, t : t + 1], wanted)
        assert error(output[:, t : t + 1], wanted) <= 2 * plain + 4 * torch.finfo(dtype).eps * wanted.abs().max(), t


@pytest.mark.parametrize("ramp", ["up", "down", "alternating"])
def test_running_sums_survive_logits_of_ten_thousand(ramp):
    mixer = make_mixer("0010", Site.DECODER_SELF, 6, 2)
    with torch.no_grad():
        mixer.key_projection.weight.zero_()
        mixer.key_projection.weight[::3, 0] = 1.0
        mixer.key_saliency.copy_(torch.tensor([[3**0.5, 0, 0]] * 2))
        mixer.value_projection.weight[:, 0] = 0.0
    inputs, _ = make_inputs(Site.DECODER_SELF, 2, 40, 40, 6)
    course = {"up": torch.linspace(-1e4, 1e4, 40), "down": torch.linspace(1e4, -1e4, 40)}
    course["alternating"] = 1e4 * (1 - 2 * (torch.arange(40) % 2)) + torch.arange(40) / 4
    inputs[:, :, 0] = course[ramp]
    for kind in ("no", "left", "right"):
        padding = padding_of(kind, 2, 40)
        wanted, _ = at_once(mixer, inputs, inputs, padding)
        rows = torch.ones(2, 40, dtype=torch.bool) if padding is None else ~padding
        for dtype in (torch.float64, torch.float32):
            x = inputs.to(dtype)
            output, _ = decode(mixer.to(dtype), x, x, padding, [1] * 40)
            assert output.isfinite().all()
            assert relative_error(output[rows], wanted[rows]) <= 2e4 * torch.finfo(dtype).eps, (kind, dtype)
        mixer.double()


@ALL_SITES
@pytest.mark.parametrize("code", ALL_CODES)
def test_keys_are_kept_where_a_query_is_compared_with_them_only(code, site):
    """Without E1 there is one number a key and head (E3), or nothing."""
    mixer = make_mixer(code, site, window=40)  # a window, so that no code is summed up
    query, memory = make_inputs(site, 2, 3, 5)
    cache = mixer.new_cache()
    decode(mixer, query, memory, None, [1] * query.shape[1], cache=cache)
    keys = memory.shape[1]
    assert cache.values.shape == (2, 3, keys, 4)
    assert (None if cache.keys is None else cache.keys.shape) == ((2, 3, keys, 4) if code[0] == "1" else None)
    alone = code[0] == "0" and code[2] == "1"
    assert (None if cache.by_key is None else cache.by_key.shape) == ((2, 3, keys) if alone else None)


@pytest.mark.parametrize("code", [*POSITION_CODES, "1000", "1010"])
def test_rows_that_are_allocated_ahead_never_show(code, monkeypatch):
    """New memory is full of NaN here; steps, reorders and growing batches must not touch it."""
    plain = Tensor.new_empty
    monkeypatch.setattr(Tensor, "new_empty", lambda self, *size, **kind: plain(self, *size, **kind).fill_(math.nan))
    mixer = make_mixer(code, Site.DECODER_SELF)
    query, _ = make_inputs(Site.DECODER_SELF, 3, 80, 80)
    cache, history, source = mixer.new_cache(), query[:, :0], generator(3)
    with torch.no_grad():
        for t in range(80):
            if t % 9 == 5:
                order = torch.randint(history.shape[0], (1 + (t * 7) % 4,), generator=source)
                cache.reorder(order)
                history = history[order]
            new = query[torch.arange(history.shape[0]) % 3, t : t + 1]
            history = torch.cat([history, new], dim=1)
            output, _ = mixer(new, new, cache=cache)
            if t % 9 in (4, 5, 6):
                wanted, _ = at_once(mixer, history, history)
                assert error(output, wanted[:, -1:]) <= 1e-10, t


@pytest.mark.parametrize("code", ["1111", "0110", "0010"])
def test_a_window_bounds_what_is_kept(code):
    mixer = make_mixer(code, Site.DECODER_SELF, window=5)
    inputs, _ = make_inputs(Site.DECODER_SELF, 2, 400, 400)
    cache, sizes = mixer.new_cache(), set()
    with torch.no_grad():
        for t in range(400):
            mixer(inputs[:, t : t + 1], inputs[:, t : t + 1], cache=cache)
            assert cache.values.shape[2] <= 5
            sizes.add(cache.values.untyped_storage().nbytes())
    assert max(sizes) <= 2 * 3 * 4 * 8 * 64, "and the memory that is allocated ahead"


# Reorders


@pytest.mark.parametrize("options", OPTIONS[:4], ids=str)
@ALL_SITES
@pytest.mark.parametrize("code", ALL_CODES)
def test_rows_may_change_places_leave_and_multiply_at_any_step(code, site, options):
    mixer = make_mixer(code, site, **options)
    source = generator(int(code, 2))
    padded = code.count("1") % 2 == 1  # half of the codes with padding
    memory = make_inputs(Site.CROSS, 4, 1, 6)[1]
    padding = make_padding("left", 4, 6) if padded else None
    cache, history, flags, t = mixer.new_cache(), memory[:, :0, :12], torch.zeros(4, 0, dtype=torch.bool), 0
    while t < 20:
        if t:
            rows = history.shape[0]
            order = torch.randint(rows, (1 + int(torch.randint(5, (), generator=source)),), generator=source)
            if t % 4 == 1:
                order = torch.arange(rows)
            cache.reorder(order)
            history, memory, flags = history[order], memory[order], flags[order]
            padding = None if padding is None else padding[order]
        size = 1 + t % 3 // 2
        new = torch.randn(history.shape[0], size, 12, generator=source, dtype=torch.float64)
        new_flags = torch.zeros(new.shape[:2], dtype=torch.bool)
        if padded and site.is_self and t < 4:
            new_flags[::2] = True
        history, flags = torch.cat([history, new], dim=1), torch.cat([flags, new_flags], dim=1)
        with torch.no_grad():
            if site.is_self:
                output, _ = mixer(new, new, padding=new_flags if new_flags.any() else None, cache=cache)
                wanted, _ = at_once(mixer, history, history, flags)
            else:
                output, _ = mixer(new, memory, padding=padding, cache=cache)
                wanted, _ = at_once(mixer, history, memory, padding)
        assert error(output[~new_flags], wanted[:, t:][~new_flags]) <= 1e-10, t
        t += size


def tensors_of(cache):
    """The tensors that a cache holds, by name."""
    if not isinstance(cache, KeyValueCache):
        return {name: value for name, value in vars(cache).items() if isinstance(value, Tensor)}
    names = ("keys", "by_key", "values", "padding", "offset", "poison", "forgotten_tokens")
    return {name: getattr(cache, name) for name in names if getattr(cache, name) is not None}


@ALL_SITES
@pytest.mark.parametrize("code", ALL_CODES)
def test_a_reorder_that_moves_nothing_copies_nothing(code, site):
    mixer = make_mixer(code, site)
    query, memory = make_inputs(site, 3, 4, 6)
    padding = make_padding("left", 3, memory.shape[1])
    cache = mixer.new_cache()
    with torch.no_grad():
        decode(mixer, query, memory, padding, [2, 1], cache=cache)
    before = {name: (value.data_ptr(), value.clone()) for name, value in tensors_of(cache).items()}
    cache.reorder(torch.arange(3))
    assert tensors_of(cache).keys() == before.keys()
    for name, value in tensors_of(cache).items():
        assert value.data_ptr() == before[name][0], name
        assert torch.equal(value, before[name][1]), name


@pytest.mark.parametrize("code", ["1111", "0110", "1000"])
def test_reorders_go_to_and_fro_between_two_places_in_memory(code):
    mixer = make_mixer(code, Site.DECODER_SELF)
    inputs, _ = make_inputs(Site.DECODER_SELF, 4, 12, 12)
    cache = mixer.new_cache()
    with torch.no_grad():
        decode(mixer, inputs, inputs, None, [4, 4], cache=cache)
        places = [cache.values.data_ptr()]
        before = cache.values.clone()
        order = torch.tensor([1, 1, 3, 0])
        for _ in range(4):
            cache.reorder(order)
            before = before[order]
            assert torch.equal(cache.values, before)
            places.append(cache.values.data_ptr())
        assert places[0] == places[2] == places[4] != places[1] == places[3]
        new = inputs[:, 8:9]
        mixer(new, new, cache=cache)
        assert cache.values.data_ptr() == places[0]
        assert torch.equal(cache.values[:, :, :8], before)


@ALL_SITES
@pytest.mark.parametrize("code", ALL_CODES)
def test_a_reorder_leaves_an_output_that_was_given_before_as_it_was(code, site):
    mixer = make_mixer(code, site)
    query, memory = make_inputs(site, 3, 5, 6)
    cache = mixer.new_cache(need_weights=True)
    with torch.no_grad():
        output, weights = mixer(query[:, :2], query[:, :2] if site.is_self else memory, cache=cache, need_weights=True)
        copies = output.clone(), weights.clone()
        cache.reorder(torch.tensor([2, 0, 0]))
        mixer(query[:, 2:3], query[:, 2:3] if site.is_self else memory, cache=cache, need_weights=True)
    assert torch.equal(output, copies[0])
    assert torch.equal(weights, copies[1])


# Beams


@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize("kind", ["no", "left", "ragged", "whole"])
@pytest.mark.parametrize("code", ALL_CODES)
def test_the_hypotheses_of_a_beam_share_the_memory_of_their_sentence(code, kind, options):
    """Several steps, reorders inside sentences, sentences that leave: as if the memory were repeated."""
    beam, source = 3, generator(5)
    mixer = make_mixer(code, Site.CROSS, key_dim=5, **options)
    _, memory = make_inputs(Site.CROSS, 4, 1, 6, key_dim=5)
    padding = padding_of(kind, 4, 6)
    cache, weightless = mixer.new_cache(need_weights=True), mixer.new_cache()
    history = torch.zeros(4 * beam, 0, 12, dtype=torch.float64)
    kept = torch.arange(4)
    for t in range(8):
        if t:
            staying = torch.arange(len(kept))
            if t in (3, 5):
                staying = staying[staying != 1]
            inside = torch.randint(beam, (len(staying), beam), generator=source)
            if t == 4:
                inside = torch.arange(beam).expand(len(staying), -1)
            order = (staying[:, None] * beam + inside).flatten()
            cache.reorder(order)
            weightless.reorder(order)
            history, kept = history[order], kept[staying]
        new = torch.randn(len(kept) * beam, 1, 12, generator=source, dtype=torch.float64)
        history = torch.cat([history, new], dim=1)
        flags = None if padding is None else padding[kept]
        with torch.no_grad():
            output, weights = mixer(new, memory[kept], padding=flags, cache=cache, need_weights=True)
            plain, nothing = mixer(new, memory[kept], padding=flags, cache=weightless)
        repeated = None if flags is None else flags.repeat_interleave(beam, 0)
        wanted, wanted_weights = at_once(mixer, history, memory[kept].repeat_interleave(beam, 0), repeated)
        assert nothing is None
        assert error(output, wanted[:, -1:]) <= 1e-10, t
        assert error(plain, wanted[:, -1:]) <= 1e-10, t
        assert error(weights, wanted_weights[:, :, -1:]) <= 1e-10, t
        assert cache.queries == weightless.queries == t + 1


@pytest.mark.parametrize("options", [{"key_position": True}, {"key_position": True, "max_distance": 2}], ids=str)
@pytest.mark.parametrize("code", ALL_CODES)
def test_the_hypotheses_of_a_beam_see_key_content_by_position(code, options):
    mixer = make_mixer(code, Site.CROSS, **options)
    query, memory = make_inputs(Site.CROSS, 2, 1, 6)
    query = torch.randn(8, 5, 12, generator=generator(1), dtype=torch.float64)
    for kind in ("no", "left"):
        padding = padding_of(kind, 2, 6)
        repeated = None if padding is None else padding.repeat_interleave(4, 0)
        wanted, wanted_weights = at_once(mixer, query, memory.repeat_interleave(4, 0), repeated)
        output, weights = decode(mixer, query, memory, padding, [1] * 5, need_weights=True)
        assert error(output, wanted) <= 1e-10
        assert error(torch.cat(weights, dim=2), wanted_weights) <= 1e-10


@pytest.mark.parametrize("code", ALL_CODES)
def test_a_beam_over_an_empty_source_gives_zeros(code):
    mixer = make_mixer(code, Site.CROSS)
    query, memory = make_inputs(Site.CROSS, 6, 2, 4)
    output, weights = decode(mixer, query, memory[:2, :0], None, [1, 1], need_weights=True)
    assert output.shape == (6, 2, 12)
    assert not output.any()
    assert weights[0].shape == (6, 3, 1, 0)


@pytest.mark.parametrize("code", ALL_CODES)
def test_the_order_of_a_beam_that_only_swaps_hypotheses_copies_nothing(code):
    mixer = make_mixer(code, Site.CROSS)
    query, memory = make_inputs(Site.CROSS, 6, 2, 4)
    cache = mixer.new_cache()
    with torch.no_grad():
        mixer(query[:, :1], memory[:3], cache=cache)
        before = {name: value.data_ptr() for name, value in tensors_of(cache).items()}
        cache.reorder(torch.tensor([1, 0, 2, 2, 5, 4]))
    assert {name: value.data_ptr() for name, value in tensors_of(cache).items()} == before


# Gradients


def slopes_by_reference(mixer, query, memory, padding, loss):
    z = query.clone().requires_grad_()
    x = z if memory is query else memory.clone().requires_grad_()
    mixer.zero_grad(set_to_none=True)
    output, _ = reference.attend(mixer.spec, dict(mixer.named_parameters()), z, x, padding)
    loss(output).backward()
    found = {name: value.grad for name, value in mixer.named_parameters()} | {"query": z.grad, "memory": x.grad}
    return {name: None if slope is None else slope.clone() for name, slope in found.items()}


@pytest.mark.parametrize("options", OPTIONS[:2], ids=str)
@ALL_SITES
@pytest.mark.parametrize("code", ALL_CODES)
def test_gradients_through_cached_steps_are_those_of_one_call(code, site, options):
    mixer = make_mixer(code, site, **options)
    for kind in ("no", "left", "whole"):
        query, memory = make_inputs(site, 3, 7, 5)
        padding = padding_of(kind, 3, memory.shape[1])
        rows = ~padding if site.is_self and padding is not None else torch.ones(query.shape[:2], dtype=torch.bool)

        def loss(output, rows=rows):
            return torch.where(rows[..., None], output * (1 + output.detach().cos()) + output.square(), 0.0).sum()

        wanted = slopes_by_reference(mixer, query, memory, padding, loss)
        for steps in ([1] * query.shape[1], [3, query.shape[1] - 3]):
            z = query.clone().requires_grad_()
            x = z if site.is_self else memory.clone().requires_grad_()
            mixer.zero_grad(set_to_none=True)
            loss(decode(mixer, z, x, padding, steps)[0]).backward()
            found = {name: value.grad for name, value in mixer.named_parameters()} | {"query": z.grad, "memory": x.grad}
            for name, slope in found.items():
                if slope is None or wanted[name] is None:
                    other = wanted[name] if slope is None else slope
                    assert other is None or not other.any(), (name, kind)
                    continue
                assert error(slope, wanted[name]) <= 1e-9 * max(1.0, wanted[name].abs().max().item()), (name, kind)


@pytest.mark.parametrize("code", ALIKE)
def test_gradients_of_steps_before_the_first_token_pass_anomaly_detection(code):
    mixer = make_mixer(code, Site.DECODER_SELF)
    inputs, _ = make_inputs(Site.DECODER_SELF, 3, 7, 7)
    padding = make_padding("left", 3, 7)
    leaf = inputs.clone().requires_grad_()
    with torch.autograd.set_detect_anomaly(True):
        decode(mixer, leaf, leaf, padding, [1] * 7)[0].square().sum().backward()
    assert leaf.grad.isfinite().all()


@pytest.mark.parametrize("code", ALL_CODES)
def test_gradients_through_reordered_steps_are_those_of_each_history(code):
    mixer = make_mixer(code, Site.DECODER_SELF)
    inputs, _ = make_inputs(Site.DECODER_SELF, 3, 8, 8)
    orders = {2: [2, 0, 0], 5: [1, 1, 2, 0], 6: [0, 1, 2, 3]}
    leaf, history = inputs.clone().requires_grad_(), None
    cache, outputs = mixer.new_cache(), []
    mixer.zero_grad(set_to_none=True)
    rows = torch.arange(3)
    for t in range(8):
        if t in orders:
            cache.reorder(torch.tensor(orders[t]))
            rows, history = rows[orders[t]], history[torch.tensor(orders[t])]
        new = leaf[rows, t : t + 1]
        history = new if history is None else torch.cat([history, new], dim=1)
        outputs.append(mixer(new, new, cache=cache)[0].square().sum())
    sum(outputs[5:]).backward()
    found = {name: value.grad.clone() for name, value in mixer.named_parameters()}, leaf.grad
    mixer.zero_grad(set_to_none=True)
    other, histories, rows, total = inputs.clone().requires_grad_(), None, torch.arange(3), 0.0
    for t in range(8):
        if t in orders:
            rows, histories = rows[orders[t]], histories[torch.tensor(orders[t])]
        new = other[rows, t : t + 1]
        histories = new if histories is None else torch.cat([histories, new], dim=1)
        if t >= 5:
            output, _ = reference.attend(mixer.spec, dict(mixer.named_parameters()), histories, histories)
            total = total + output[:, -1].square().sum()
    total.backward()
    for name, value in mixer.named_parameters():
        assert error(found[0][name], value.grad) <= 1e-9 * max(1.0, value.grad.abs().max().item()), name
    assert error(found[1], other.grad) <= 1e-9


@pytest.mark.parametrize("frozen", ["keys and values", "inputs"])
@pytest.mark.parametrize("code", ALL_CODES)
def test_gradients_through_cached_steps_need_no_gradient_of_what_is_kept(code, frozen):
    """A frozen projection or a frozen layer below: keys want no gradient, queries and positions do."""
    mixer = make_mixer(code, Site.DECODER_SELF)
    inputs, _ = make_inputs(Site.DECODER_SELF, 2, 40, 40)
    mixer.requires_grad_(True)
    if frozen != "inputs":
        for layer in (mixer.key_projection, mixer.value_projection):
            if layer is not None:
                layer.requires_grad_(False)
    wanted = slopes_by_reference(mixer, inputs, inputs, None, lambda output: output.square().sum())
    mixer.zero_grad(set_to_none=True)
    decode(mixer, inputs, inputs, None, [1] * 40)[0].square().sum().backward()
    for name, value in mixer.named_parameters():
        if value.requires_grad:
            assert error(value.grad, wanted[name]) <= 1e-8 * max(1.0, wanted[name].abs().max().item()), name


@pytest.mark.parametrize("code", ALL_CODES)
def test_steps_with_gradients_may_follow_steps_without(code):
    """A prefix read without gradients is a constant; what the last step itself adds has its gradient."""
    mixer = make_mixer(code, Site.DECODER_SELF)
    inputs, _ = make_inputs(Site.DECODER_SELF, 2, 6, 6)
    cache = mixer.new_cache()
    with torch.no_grad():
        mixer(inputs[:, :5], inputs[:, :5], cache=cache)
    mixer.zero_grad(set_to_none=True)
    new = inputs[:, 5:].clone().requires_grad_()
    output, _ = mixer(new, new, cache=cache)
    wanted, _ = at_once(mixer, inputs, inputs)
    assert error(output, wanted[:, 5:]) <= 1e-12
    output.square().sum().backward()
    whole = inputs.clone().requires_grad_()
    reference.attend(mixer.spec, parameters_of(mixer), whole, whole)[0][:, 5:].square().sum().backward()
    assert error(new.grad, whole.grad[:, 5:]) <= 1e-10


@pytest.mark.parametrize("code", POSITION_CODES)
def test_the_position_terms_get_their_gradient_after_a_prefix_without(code):
    mixer = make_mixer(code, Site.DECODER_SELF)
    inputs, _ = make_inputs(Site.DECODER_SELF, 2, 6, 6)
    cache = mixer.new_cache()
    with torch.no_grad():
        mixer(inputs[:, :5], inputs[:, :5], cache=cache)
    mixer.zero_grad(set_to_none=True)
    mixer(inputs[:, 5:], inputs[:, 5:], cache=cache)[0].square().sum().backward()
    found = {name: value.grad for name, value in mixer.named_parameters() if name.startswith("position")}
    wanted = slopes_by_reference(mixer, inputs, inputs, None, lambda output: output[:, 5:].square().sum())
    for name, slope in found.items():
        assert slope is not None, name
        assert error(slope, wanted[name]) <= 1e-9, name


# Other positions


@pytest.mark.parametrize("options", [{}, {"window": 3}], ids=str)
@pytest.mark.parametrize("code", POSITION_CODES)
def test_learned_vectors_for_distances_step_by_step_are_at_once(code, options):
    mixer = make_mixer(code, Site.DECODER_SELF, positions=Positions.SHAW, max_distance=4, **options)
    inputs, _ = make_inputs(Site.DECODER_SELF, 3, 40, 40)
    for kind in ("no", "left"):
        padding = padding_of(kind, 3, 40)
        wanted, _ = at_once(mixer, inputs, inputs, padding)
        rows = torch.ones(3, 40, dtype=torch.bool) if padding is None else ~padding
        for steps in ([1] * 40, [7, 1, 30, 2]):
            output, _ = decode(mixer, inputs, inputs, padding, steps)
            assert error(output[rows], wanted[rows]) <= 1e-10


@ALL_SITES
@pytest.mark.parametrize("code", POSITION_CODES)
def test_a_narrow_r_step_by_step_is_at_once(code, site):
    mixer = make_mixer(code, site, position_size=4)
    query, memory = make_inputs(site, 2, 70, 70 if site.is_self else 9)
    wanted, _ = at_once(mixer, query, memory)
    for steps in ([1] * 70, [3, 30, 1, 36]):
        assert error(decode(mixer, query, memory, None, steps)[0], wanted) <= 1e-10


@pytest.mark.parametrize("code", ["1111", "0010", "0000"])
@pytest.mark.parametrize("order", [[1, 3], [0, 2, 3], [3, 0, 1, 2], [2, 1], [0]], ids=str)
def test_rows_that_shared_their_source_may_part(code, order):
    """As in sampling, where each row ends by itself; what follows is as if nothing had been shared."""
    mixer = make_mixer(code, Site.CROSS)
    query, memory = make_inputs(Site.CROSS, 4, 3, 5)
    memory = memory[:2]
    shared, apart = mixer.new_cache(), mixer.new_cache()
    for t, cut in ((0, None), (1, order), (2, None)):
        if cut is not None:
            shared.reorder(torch.tensor(cut))
            apart.reorder(torch.tensor(cut))
        rows = query if t == 0 else query[order]
        new = rows[:, t : t + 1]
        output, _ = mixer(new, memory, cache=shared)
        wanted, _ = mixer(new, memory.repeat_interleave(2, dim=0), cache=apart)
        assert error(output, wanted) <= 1e-12, t
