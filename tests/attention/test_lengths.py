"""Invariance: a mixer has no longest sentence."""

import pytest
import torch

from nmt_attn.spec import ALL_CODES

from .cases import SITES, error, expected, make_inputs, make_mixer, site_name

LONG = 700
ROWS = (0, 350, 699)


@pytest.mark.parametrize("options", [{}, {"max_distance": 4}, {"window": 3}], ids=str)
@pytest.mark.parametrize("site", SITES, ids=site_name)
@pytest.mark.parametrize("code", ["0101", "1111", "0000"])
def test_a_sentence_longer_than_any_before_computes_the_formula(code, site, options):
    mixer = make_mixer(code, site, 4, 1, **options)
    short = make_inputs(site, 1, 5, 5, 4)
    before, _ = mixer(*short)
    query, memory = make_inputs(site, 1, LONG, LONG, 4)
    output, _ = mixer(query, memory)
    wanted, _ = expected(mixer, code, query, memory, rows=list(ROWS))
    for row in ROWS:
        assert error(output[:, row], wanted[:, row]) <= 1e-10
    assert torch.equal(mixer(*short)[0], before), "a long sentence must leave no trace"


@pytest.mark.parametrize("site", SITES, ids=site_name)
@pytest.mark.parametrize("code", ALL_CODES)
def test_lengths_may_grow_and_shrink_between_calls(code, site):
    mixer = make_mixer(code, site)
    for queries, keys in ((5, 5), (40, 43), (3, 9), (41, 2), (5, 5)):
        query, memory = make_inputs(site, 1, queries, keys)
        fresh = make_mixer(code, site)
        assert torch.equal(mixer(query, memory)[0], fresh(query, memory)[0])


@pytest.mark.parametrize("site", SITES, ids=site_name)
@pytest.mark.parametrize("code", ALL_CODES)
def test_clipping_beyond_the_sentence_changes_nothing(code, site):
    query, memory = make_inputs(site, 2, 6, 8)
    plain, clipped = make_mixer(code, site), make_mixer(code, site, max_distance=8)
    assert error(clipped(query, memory)[0], plain(query, memory)[0]) <= 1e-12
    tight = make_mixer(code, site, max_distance=2)
    difference = error(tight(query, memory)[0], plain(query, memory)[0])
    assert (difference > 1e-3) == ("1" in code[1] + code[3])


@pytest.mark.parametrize("code", ["0100", "0001"])
def test_beyond_the_largest_distance_all_positions_are_one(code):
    mixer = make_mixer(code, SITES[0], max_distance=2)
    query, memory = make_inputs(SITES[0], 1, 9, 9)
    _, weights = mixer(query, memory, need_weights=True)
    far = weights[0, :, 0, 2:]
    assert error(far, far[:, :1].expand_as(far)) <= 1e-12
    assert (weights[0, :, 0, 1] - weights[0, :, 0, 2]).abs().min() > 1e-4
