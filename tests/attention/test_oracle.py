"""Equation: every code at every site computes the formula, pair by pair."""

import pytest
import torch

from nmt_attn.spec import ALL_CODES, Site

from .cases import (
    PADDINGS,
    SITES,
    defined_rows,
    error,
    expected,
    make_inputs,
    make_mixer,
    make_padding,
    relative_error,
    site_name,
)

# batch, queries (= keys in self-attention), keys, dim, heads, key_dim of cross attention
SHAPES = (
    (2, 5, 7, 12, 3, 0),
    (1, 7, 4, 8, 2, 0),
    (3, 1, 6, 12, 3, 5),
    (2, 6, 1, 12, 2, 0),
    (3, 8, 5, 6, 3, 7),
    (1, 11, 13, 10, 2, 16),
)


def compare(code, site, shape, kind, **options):
    """Errors of one comparison: float64 absolute, float32 relative, each the worst of outputs and weights."""
    batch, queries, keys, dim, heads, key_dim = shape
    if site.is_self:
        keys, key_dim = queries, 0
    mixer = make_mixer(code, site, dim, heads, key_dim, **options)
    query, memory = make_inputs(site, batch, queries, keys, dim, key_dim)
    padding = make_padding(kind, batch, keys)
    output, weights = expected(mixer, code, query, memory, padding)
    rows = defined_rows(site, padding, weights)
    worst = {torch.float64: 0.0, torch.float32: 0.0}
    measures = {torch.float64: error, torch.float32: relative_error}
    for dtype, measure in measures.items():
        mixer = mixer.to(dtype)
        low_query = query.to(dtype)
        low_memory = low_query if memory is query else memory.to(dtype)
        fast, nothing = mixer(low_query, low_memory, padding=padding)
        slow, shown = mixer(low_query, low_memory, padding=padding, need_weights=True)
        assert nothing is None
        assert fast.dtype == slow.dtype == shown.dtype == dtype
        assert shown.shape == weights.shape
        by_query = shown.transpose(1, 2)[rows]
        worst[dtype] = max(
            measure(fast[rows], output[rows]),
            measure(slow[rows], output[rows]),
            measure(by_query, weights.transpose(1, 2)[rows]),
        )
    return worst[torch.float64], worst[torch.float32]


@pytest.mark.parametrize("site", SITES, ids=site_name)
@pytest.mark.parametrize("code", ALL_CODES)
def test_every_shape_and_padding_computes_the_formula(code, site, record_property):
    count = 0
    for shape in SHAPES:
        for kind in PADDINGS:
            exact, single = compare(code, site, shape, kind)
            assert exact <= 1e-10, f"{shape}, {kind} padding: {exact}"
            assert single <= 2e-6, f"{shape}, {kind} padding, float32: {single}"
            count += 1
    record_property("oracle_float64", count)
    record_property("oracle_float32", count)


@pytest.mark.parametrize(
    "options",
    [
        {"window": 0},
        {"window": 2},
        {"window": 50},
        {"max_distance": 1},
        {"max_distance": 3},
        {"max_distance": 50},
        {"window": 3, "max_distance": 2},
        {"window": 2, "max_distance": 4},
    ],
    ids=str,
)
@pytest.mark.parametrize("site", SITES, ids=site_name)
@pytest.mark.parametrize("code", ALL_CODES)
def test_windows_and_clipped_distances_compute_the_formula(code, site, options):
    for kind in PADDINGS:
        exact, single = compare(code, site, (3, 8, 6, 6, 3, 7), kind, **options)
        assert exact <= 1e-10, f"{kind} padding: {exact}"
        assert single <= 2e-6, f"{kind} padding, float32: {single}"


@pytest.mark.parametrize("site", SITES, ids=site_name)
@pytest.mark.parametrize("code", ALL_CODES)
def test_padding_that_hides_nothing_is_no_padding(code, site):
    mixer = make_mixer(code, site)
    query, memory = make_inputs(site, 2, 5, 7)
    padding = torch.zeros(memory.shape[:2], dtype=torch.bool)
    plain, plain_weights = mixer(query, memory, need_weights=True)
    padded, padded_weights = mixer(query, memory, padding=padding, need_weights=True)
    assert error(padded, plain) <= 1e-12
    assert error(padded_weights, plain_weights) <= 1e-12


@pytest.mark.parametrize("site", SITES, ids=site_name)
@pytest.mark.parametrize("code", ALL_CODES)
def test_a_call_leaves_its_arguments_as_they_were(code, site):
    mixer = make_mixer(code, site)
    query, memory = make_inputs(site, 3, 6, 7)
    padding = make_padding("left", 3, memory.shape[1])
    before = [tensor.clone() for tensor in (query, memory, padding)]
    mixer(query, memory, padding=padding)
    for tensor, copy in zip((query, memory, padding), before, strict=True):
        assert torch.equal(tensor, copy)


@pytest.mark.parametrize("code", ALL_CODES)
def test_cross_attention_to_itself_is_encoder_self_attention(code):
    mixer, cross = make_mixer(code, Site.ENCODER_SELF), make_mixer(code, Site.CROSS)
    query, memory = make_inputs(Site.ENCODER_SELF, 2, 7, 7)
    assert error(cross(query, memory)[0], mixer(query, memory)[0]) <= 1e-12
