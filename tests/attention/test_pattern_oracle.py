"""Equation: every kind of positions, and the fifth term, compute their formulas, pair by pair."""

import pytest
import torch

from nmt_attn.attention import GeneralizedAttention
from nmt_attn.spec import ALL_CODES, AttentionSpec, Positions, Site, SpecError, Terms

from . import pattern_oracle
from .cases import PADDINGS, SITES, error, make_inputs, make_mixer, make_padding, relative_error, site_name
from .pattern_cases import (
    CASES,
    LIMITED,
    LIMITED_CASES,
    PATTERN_CODES,
    Case,
    expected,
    make,
    parameter_shapes,
)

# batch, length, dim, heads
SHAPES = ((2, 5, 12, 3), (1, 1, 8, 2), (3, 7, 6, 1), (1, 11, 10, 5))
# batch, queries (= keys in self-attention), keys, dim, heads, key_dim of cross attention
CROSS_SHAPES = ((2, 5, 7, 12, 3, 0), (1, 1, 1, 8, 2, 3), (3, 7, 4, 6, 1, 5), (1, 4, 9, 10, 5, 16))
DEFAULT_LIMITS = {Positions.SHAW: 16, Positions.T5: 128, Positions.SYNTHESIZER: 256}


def allowed_heads(case, heads):
    """Fixed patterns beside content need a head for each."""
    return max(heads, 2) if case.kind is Positions.FIXED else heads


def compare(mixer, query, memory, padding):
    """Errors of one comparison: float64 absolute, float32 relative, each the worst of outputs and weights."""
    output, weights, rows = expected(mixer, query, memory, padding)
    worst = []
    for dtype, measure in ((torch.float64, error), (torch.float32, relative_error)):
        mixer = mixer.to(dtype)
        low_query = query.to(dtype)
        low_memory = low_query if memory is query else memory.to(dtype)
        fast, nothing = mixer(low_query, low_memory, padding=padding)
        slow, shown = mixer(low_query, low_memory, padding=padding, need_weights=True)
        assert nothing is None
        assert fast.dtype == slow.dtype == shown.dtype == dtype
        assert shown.shape == weights.shape
        worst.append(
            max(
                measure(fast[rows], output[rows]),
                measure(slow[rows], output[rows]),
                measure(shown.transpose(1, 2)[rows], weights.transpose(1, 2)[rows]),
            )
        )
    mixer.double()
    return worst


def check(mixer, query, memory, padding, words):
    exact, single = compare(mixer, query, memory, padding)
    assert exact <= 1e-10, f"{words}: {exact}"
    assert single <= 2e-6, f"{words}, float32: {single}"


def check_paddings(mixer, query, memory, words, record_property):
    for kind in PADDINGS:
        check(mixer, query, memory, make_padding(kind, *memory.shape[:2]), f"{words}, {kind} padding")
    record_property("oracle_float64", len(PADDINGS))
    record_property("oracle_float32", len(PADDINGS))


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("case", CASES, ids=str)
def test_every_kind_computes_its_formula(case, shape, record_property):
    batch, length, dim, heads = shape
    inputs, _ = make_inputs(case.site, batch, length, length, dim)
    mixer = make(case, dim, allowed_heads(case, heads))
    check_paddings(mixer, inputs, inputs, shape, record_property)


@pytest.mark.parametrize("heads", [1, 3, 4, 8, 9, 16])
@pytest.mark.parametrize("code", PATTERN_CODES)
@pytest.mark.parametrize("kind", [Positions.FIXED, Positions.ALIBI], ids=lambda kind: kind.value)
def test_slopes_and_fixed_patterns_go_to_the_right_heads(kind, code, heads, record_property):
    case = Case(kind, code, Site.ENCODER_SELF)
    heads = allowed_heads(case, heads)
    inputs, _ = make_inputs(case.site, 2, 6, 6, 2 * heads)
    check_paddings(make(case, 2 * heads, heads), inputs, inputs, f"{heads} heads", record_property)


@pytest.mark.parametrize("length", [2, 3, 9])
@pytest.mark.parametrize("code", PATTERN_CODES)
def test_fixed_patterns_hold_in_short_and_long_sentences(code, length, record_property):
    case = Case(Positions.FIXED, code, Site.ENCODER_SELF)
    inputs, _ = make_inputs(case.site, 3, length, length, 16)
    check_paddings(make(case, 16, 8), inputs, inputs, f"{length} tokens", record_property)


@pytest.mark.parametrize("options", [{"window": 0}, {"window": 2}], ids=str)
@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_window_hides_what_is_too_far_from_every_kind(case, options, record_property):
    heads = 9 if case.kind is Positions.FIXED else 3
    inputs, _ = make_inputs(case.site, 2, 7, 7, 2 * heads)
    check_paddings(make(case, 2 * heads, heads, **options), inputs, inputs, options, record_property)


@pytest.mark.parametrize("case", LIMITED_CASES, ids=str)
def test_a_maximum_distance_limits_every_kind(case, record_property):
    limit = LIMITED[case.kind]
    length = 25 if case.kind is Positions.T5 else 8
    inputs, _ = make_inputs(case.site, 2 if length < 20 else 1, length, length, 6)
    for options in ({"max_distance": limit}, {"max_distance": limit, "window": limit + 1}):
        check_paddings(make(case, 6, 3, **options), inputs, inputs, options, record_property)


@pytest.mark.parametrize("limit", [1, 50])
@pytest.mark.parametrize("kind", [Positions.SHAW, Positions.ALIBI, Positions.GAUSSIAN, Positions.SYNTHESIZER])
@pytest.mark.parametrize("site", [Site.ENCODER_SELF, Site.DECODER_SELF], ids=site_name)
def test_the_smallest_and_a_needless_maximum_distance_compute_the_formula(site, kind, limit, record_property):
    mixer = make(Case(kind, "1001", site), 6, 3, max_distance=limit)
    inputs, _ = make_inputs(site, 2, 6, 6, 6)
    check_paddings(mixer, inputs, inputs, limit, record_property)


@pytest.mark.parametrize("limit", [17, 24, 32, 40, 64, 72, 128, 200])
@pytest.mark.parametrize("site", [Site.ENCODER_SELF, Site.DECODER_SELF], ids=site_name)
def test_distances_of_t5_fall_into_their_buckets(site, limit):
    """All distances up to 250, read from the weights of code 0001."""
    mixer = make(Case(Positions.T5, "0001", site), 2, 1, max_distance=limit)
    inputs, _ = make_inputs(site, 1, 251, 251, 2)
    _, weights = mixer(inputs, inputs, need_weights=True)
    bias = mixer.position_pattern.bias.detach()[0]
    for query in (0, 125, 250):
        keys = query + 1 if site.is_causal else 251
        buckets = [pattern_oracle.t5_bucket(k - query, site.is_causal, limit) for k in range(keys)]
        assert error(weights[0, 0, query, :keys], bias[buckets].softmax(0)) <= 1e-12


@pytest.mark.parametrize("limit", [1, 3, 7, 8])
@pytest.mark.parametrize("site", [Site.ENCODER_SELF, Site.DECODER_SELF], ids=site_name)
def test_t5_with_a_limit_among_its_exact_buckets_takes_farther_tokens_as_at_the_limit(site, limit):
    mixer = make(Case(Positions.T5, "0001", site), 6, 3, max_distance=limit)
    inputs, _ = make_inputs(site, 1, 20, 20, 6)
    _, weights = mixer(inputs, inputs, need_weights=True)
    last = weights[0, :, 19]
    assert error(last[:, : 20 - limit], last[:, 19 - limit : 20 - limit].expand(-1, 20 - limit)) <= 1e-12
    bias = mixer.position_pattern.bias.detach()
    for distance in range(1, min(limit, 7) + 1):
        wanted = (bias[:, distance] - bias[:, 0]).exp()
        assert error(last[:, 19 - distance] / last[:, 19], wanted) <= 1e-12


@pytest.mark.parametrize("shape", CROSS_SHAPES, ids=str)
@pytest.mark.parametrize("site", SITES, ids=site_name)
@pytest.mark.parametrize("code", ALL_CODES)
def test_the_term_of_key_content_and_position_joins_any_code(code, site, shape, record_property):
    batch, queries, keys, dim, heads, key_dim = shape
    key_dim = 0 if site.is_self else key_dim
    mixer = make_mixer(code, site, dim, heads, key_dim, key_position=True)
    query, memory = make_inputs(site, batch, queries, queries if site.is_self else keys, dim, key_dim)
    check_paddings(mixer, query, memory, shape, record_property)


@pytest.mark.parametrize(
    "options", [{"max_distance": 1}, {"max_distance": 3}, {"window": 2}, {"window": 3, "max_distance": 2}], ids=str
)
@pytest.mark.parametrize("site", SITES, ids=site_name)
@pytest.mark.parametrize("code", ["0000", "1000", "1100", "0010", "1111"])
def test_windows_and_clipped_distances_hold_for_the_fifth_term(code, site, options, record_property):
    mixer = make_mixer(code, site, 6, 3, key_position=True, **options)
    query, memory = make_inputs(site, 2, 7, 7 if site.is_self else 6, 6)
    check_paddings(mixer, query, memory, options, record_property)


@pytest.mark.parametrize("heads", [1, 3, 8, 9, 16])
@pytest.mark.parametrize("limit", [None, 5])
@pytest.mark.parametrize("case", CASES, ids=str)
def test_parameters_of_what_is_off_do_not_exist(case, limit, heads):
    if limit is not None and case.kind is Positions.FIXED:
        limit = None
    heads = allowed_heads(case, heads)
    mixer = make(case, 4 * heads, heads, max_distance=limit)
    found = {name: tuple(value.shape) for name, value in mixer.named_parameters()}
    assert found == parameter_shapes(case, 4 * heads, heads, limit or DEFAULT_LIMITS.get(case.kind, 0))


@pytest.mark.parametrize("site", SITES, ids=site_name)
@pytest.mark.parametrize("code", ALL_CODES)
def test_the_fifth_term_adds_its_projection_and_that_of_the_keys(code, site):
    key_dim = 0 if site.is_self else 5
    plain = dict(make_mixer(code, site, 12, 3, key_dim).named_parameters())
    found = dict(make_mixer(code, site, 12, 3, key_dim, key_position=True).named_parameters())
    assert set(found) == set(plain) | {"key_projection.weight", "position_query_projection.weight"}
    assert found["position_query_projection.weight"].shape == (12, 12)
    assert found["key_projection.weight"].shape == (12, key_dim or 12)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_fresh_mixer_has_finite_parameters_and_survives_training(case):
    spec = AttentionSpec(case.site, Terms.parse(case.code), 12, 3, dropout=0.3, positions=case.kind)
    mixer = GeneralizedAttention(spec).train()
    inputs, _ = make_inputs(case.site, 2, 5, 5, dtype=torch.float32)
    assert all(parameter.isfinite().all() for parameter in mixer.parameters())
    output, weights = mixer(inputs, inputs, need_weights=True)
    assert output.isfinite().all()
    total = weights.sum(-1)
    assert ((total - 1).abs().minimum(total.abs())).max() <= 1e-6


@pytest.mark.parametrize("kind", DEFAULT_LIMITS, ids=lambda kind: kind.value)
@pytest.mark.parametrize("site", [Site.ENCODER_SELF, Site.DECODER_SELF], ids=site_name)
def test_default_limits_are_those_of_the_publications(site, kind):
    mixer = make(Case(kind, "1001", site), 4, 2)
    same = make(Case(kind, "1001", site), 4, 2, max_distance=DEFAULT_LIMITS[kind])
    inputs, _ = make_inputs(site, 1, 300, 300, 4)
    assert torch.equal(mixer(inputs, inputs)[0], same(inputs, inputs)[0])


def test_a_single_head_cannot_have_fixed_patterns_and_content():
    with pytest.raises(SpecError, match="positions=fixed with code 1001 must have at least 2 heads, one of each kind"):
        make(Case(Positions.FIXED, "1001", Site.ENCODER_SELF), 6, 1)
    assert make(Case(Positions.FIXED, "0001", Site.ENCODER_SELF), 6, 1).spec.content_heads == 0
