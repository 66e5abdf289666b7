"""The terms one by one: with a softmax over the visible keys their sum gives the weights of the mixer itself."""

import itertools
import math

import pytest
import torch
from torch import Tensor

from nmt_attn.attention import GeneralizedAttention
from nmt_attn.attention.explained import Explained, explain, query_vectors
from nmt_attn.spec import ALL_CODES, Positions, Site, SpecError

from . import pattern_cases
from .cases import PADDINGS, SITES, defined_rows, error, generator, make_inputs, make_mixer, make_padding, site_name

WINDOWS = (None, 2)
LENGTHS = (5, 7)  # queries and keys of cross attention
NAMES = {"query_key": "E1", "query_position": "E2", "key": "E3", "position": "E4"}


def _softmax(explained: Explained) -> Tensor:
    """Over the visible keys."""
    logits = sum(explained.terms.values(), torch.zeros_like(explained.weights))
    odds = logits.exp() * explained.visible
    return odds / odds.sum(dim=-1, keepdim=True).clamp(min=1e-300)


def _check(mixer: GeneralizedAttention, kind: str, mean: Tensor | None = None) -> None:
    site = mixer.spec.site
    query, memory = make_inputs(site, 3, *LENGTHS)
    padding = make_padding(kind, 3, LENGTHS[1])
    wanted = mixer(query, memory, padding, need_weights=True)[1]
    explained = explain(mixer, query, memory, padding, mean)
    heads = mixer.spec.heads if mixer.spec.positions is Positions.FIXED else 1
    assert explained.visible.shape == (3, heads, *wanted.shape[2:])
    assert all(term.shape == wanted.shape for term in explained.terms.values())
    assert error(explained.weights, wanted) < 1e-14
    rows = defined_rows(site, padding, wanted)
    assert error(_softmax(explained).transpose(1, 2)[rows], wanted.transpose(1, 2)[rows]) < 1e-14


@pytest.mark.parametrize("window", WINDOWS)
@pytest.mark.parametrize("site", SITES, ids=site_name)
@pytest.mark.parametrize("code", ALL_CODES)
def test_the_terms_of_a_code_give_its_weights(code: str, site: Site, window: int | None) -> None:
    mixer = make_mixer(code, site, window=window)
    for kind in PADDINGS:
        _check(mixer, kind)
        _check(make_mixer(code, site, window=window, max_distance=2, position_size=6), kind)
    query, memory = make_inputs(site, 2, *LENGTHS)
    assert tuple(explain(mixer, query, memory).terms) == tuple(NAMES[name] for name in mixer.spec.terms.names)


@pytest.mark.parametrize("case", pattern_cases.EVERY_CASE, ids=str)
def test_so_do_those_of_the_other_mixers(case: pattern_cases.Case) -> None:
    options = [{}, {"window": 2}]
    if case.kind in pattern_cases.LIMITED:
        options.append({"max_distance": pattern_cases.LIMITED[case.kind]})
    for kind, option in itertools.product(PADDINGS, options):
        _check(pattern_cases.make(case, **option), kind)


@pytest.mark.parametrize("code", ["0001", "1011"])
def test_fixed_patterns_and_heads_that_look_at_content_do_not_mix(code: str) -> None:
    mixer = make_mixer(code, Site.ENCODER_SELF, dim=18, heads=9, positions=Positions.FIXED)
    memory, _ = make_inputs(Site.ENCODER_SELF, 2, 6, 6, dim=18)
    explained = explain(mixer, memory, memory)
    assert error(explained.weights, mixer(memory, memory, need_weights=True)[1]) < 1e-14
    assert explained.visible.shape == (2, 9, 6, 6)
    assert explained.visible[0, 1].sum() == 5  # the token before, which the first token does not have
    patterned = mixer.position_pattern.heads
    assert explained.terms["pattern"].isfinite().all()
    assert not explained.terms["pattern"][:, patterned:].any()
    for name in explained.terms.keys() & {"E1", "E3"}:
        assert not explained.terms[name][:, :patterned].any()
        assert explained.terms[name][:, patterned:].all()


def test_each_term_is_that_of_the_formula_for_one_pair_of_positions() -> None:
    mixer = make_mixer("1111", Site.CROSS, dim=8, heads=2)
    query, memory = make_inputs(Site.CROSS, 1, 4, 3, dim=8)
    terms = explain(mixer, query, memory).terms
    wave = torch.tensor([1.0, 0.1, 0.01, 0.001], dtype=torch.float64)  # 10000^(-2i/8)
    for head, q, k in itertools.product(range(2), range(4), range(3)):
        rows = slice(4 * head, 4 * head + 4)
        r = torch.cat([torch.sin((k - q) * wave), torch.cos((k - q) * wave)])
        z = mixer.query_projection.weight[rows] @ query[0, q]
        x = mixer.key_projection.weight[rows] @ memory[0, k]
        r = mixer.position_projection.weight[rows] @ r
        wanted = {"E1": z @ x, "E2": z @ r, "E3": mixer.key_saliency[head] @ x, "E4": mixer.position_bias[head] @ r}
        for name, value in wanted.items():
            assert abs(terms[name][0, head, q, k] - value / math.sqrt(4)) < 1e-14


@pytest.mark.parametrize("site", SITES, ids=site_name)
@pytest.mark.parametrize("code", [code for code in ALL_CODES if code[0] == "1" or code[1] == "1"])
def test_a_mean_query_that_is_moved_leaves_the_weights_and_gives_the_terms_without_the_query_to_the_others(
    code: str, site: Site
) -> None:
    mixer = make_mixer(code, site)
    mean = torch.randn(3, 4, dtype=torch.float64, generator=generator(8))
    for kind in PADDINGS:
        _check(mixer, kind, mean)
    query, memory = make_inputs(site, 2, *LENGTHS)
    names = set(explain(mixer, query, memory).terms)
    moved = set(explain(mixer, query, memory, None, mean).terms)
    assert moved == names | ({"E3"} if "E1" in names else set()) | ({"E4"} if "E2" in names else set())


@pytest.mark.parametrize("site", SITES, ids=site_name)
def test_with_the_mean_query_moved_the_first_two_terms_are_zero_on_average_over_the_queries(site: Site) -> None:
    mixer = make_mixer("1000", Site.CROSS) if site is Site.CROSS else make_mixer("1000", site)
    query, memory = make_inputs(site, 2, *LENGTHS)
    vectors = query_vectors(mixer, query)
    assert vectors.shape == (2, 3, query.shape[1], 4)
    terms = explain(mixer, query, memory, None, vectors.mean(dim=(0, 2))).terms
    one_memory = explain(mixer, query, memory[:1].expand_as(memory), None, vectors.mean(dim=(0, 2))).terms
    if not site.is_self:  # the same keys for all queries
        assert one_memory["E1"].mean(dim=(0, 2)).abs().max() < 1e-14
    assert terms["E3"].std(dim=2).max() < 1e-14


@pytest.mark.parametrize("site", SITES, ids=site_name)
@pytest.mark.parametrize("code", ["1010", "0101", "1111"])
def test_a_constant_that_moves_from_u_and_v_to_all_queries_changes_no_term(code: str, site: Site) -> None:
    """U z + c is what U with one more input gives, which is c of a channel that is 1 everywhere."""
    constant = torch.randn(3, 4, dtype=torch.float64, generator=generator(9))
    query, memory = make_inputs(site, 2, *LENGTHS)
    query[..., 0] = 1.0
    mixer, other = make_mixer(code, site), make_mixer(code, site)
    with torch.no_grad():
        other.query_projection.weight[:, 0] += constant.flatten()
        for vectors in (other.key_saliency, other.position_bias):
            if vectors is not None:
                vectors -= constant
    means = [query_vectors(each, query).mean(dim=(0, 2)) for each in (mixer, other)]
    assert error(means[1], means[0] + constant) < 1e-14
    wanted = explain(mixer, query, memory, None, means[0])
    actual = explain(other, query, memory, None, means[1])
    assert error(actual.weights, wanted.weights) < 1e-13
    for name, term in wanted.terms.items():
        assert error(actual.terms[name], term) < 1e-13
    before = explain(mixer, query, memory).terms["E1" if code[0] == "1" else "E2"]
    assert error(explain(other, query, memory).terms["E1" if code[0] == "1" else "E2"], before) > 0.1


def test_a_code_without_terms_weighs_all_visible_keys_the_same() -> None:
    memory, _ = make_inputs(Site.DECODER_SELF, 1, 4, 4)
    explained = explain(make_mixer("0000", Site.DECODER_SELF), memory, memory)
    assert explained.terms == {}
    assert error(explained.weights[0, 0], torch.ones(4, 4).tril() / torch.arange(1, 5)[:, None]) < 1e-7


def test_a_sentence_without_real_tokens_has_no_weights() -> None:
    query, memory = make_inputs(Site.CROSS, 2, 3, 4)
    padding = torch.tensor([[True] * 4, [False] * 4])
    explained = explain(make_mixer("1111", Site.CROSS), query, memory, padding)
    assert not explained.weights[0].any()
    assert error(explained.weights[1].sum(dim=-1), torch.ones(3, 3)) < 1e-7


def test_a_mean_query_of_another_shape_is_refused() -> None:
    query, memory = make_inputs(Site.CROSS, 1, 3, 4)
    with pytest.raises(SpecError, match=r"the mean query of 1111 must be \(3, 4\), not \(4, 3\)"):
        explain(make_mixer("1111", Site.CROSS), query, memory, None, torch.zeros(4, 3))
    with pytest.raises(SpecError, match=r"the mean query of 0010 must be absent without U, not \(3, 4\)"):
        explain(make_mixer("0010", Site.CROSS), query, memory, None, torch.zeros(3, 4))
