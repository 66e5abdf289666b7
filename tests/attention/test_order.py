"""Invariance: which codes see the order of the tokens, which see only differences of positions."""

import pytest
import torch

from nmt_attn.attention.positions import relative_positions
from nmt_attn.spec import Site

from .cases import (
    ORDERLESS_CODES,
    POSITION_CODES,
    SITES,
    error,
    generator,
    make_inputs,
    make_mixer,
    site_name,
)

LENGTH = 7
PERMUTATIONS = [torch.randperm(LENGTH, generator=generator(seed)) for seed in (1, 2, 3)]


def mirrored(mixer):
    """The mixer of the opposite direction: R_{-n} has the sines of R_n negated."""
    with torch.no_grad():
        mixer.position_projection.weight[:, : mixer.spec.dim // 2] *= -1
    return mixer


def test_the_codes_without_position_are_these():
    assert set(ORDERLESS_CODES) == {"1000", "0010", "1010", "0000"}


@pytest.mark.parametrize("code", ORDERLESS_CODES)
def test_without_position_terms_the_encoder_permutes_with_its_input(code):
    mixer = make_mixer(code, Site.ENCODER_SELF)
    inputs, _ = make_inputs(Site.ENCODER_SELF, 2, LENGTH, LENGTH)
    output, _ = mixer(inputs, inputs)
    for order in PERMUTATIONS:
        permuted = inputs[:, order]
        assert error(mixer(permuted, permuted)[0], output[:, order]) <= 1e-12


@pytest.mark.parametrize("code", POSITION_CODES)
def test_with_position_terms_the_encoder_does_not_permute(code):
    mixer = make_mixer(code, Site.ENCODER_SELF)
    inputs, _ = make_inputs(Site.ENCODER_SELF, 2, LENGTH, LENGTH)
    output, _ = mixer(inputs, inputs)
    for order in PERMUTATIONS:
        permuted = inputs[:, order]
        assert error(mixer(permuted, permuted)[0], output[:, order]) > 1e-2


@pytest.mark.parametrize("code", ORDERLESS_CODES)
def test_without_position_terms_cross_attention_ignores_the_order_of_the_source(code):
    mixer = make_mixer(code, Site.CROSS)
    query, memory = make_inputs(Site.CROSS, 2, 4, LENGTH)
    output, _ = mixer(query, memory)
    for order in PERMUTATIONS:
        assert error(mixer(query, memory[:, order])[0], output) <= 1e-12


@pytest.mark.parametrize("code", POSITION_CODES)
def test_a_mirrored_sentence_gives_another_output_with_position_terms(code):
    mixer = make_mixer(code, Site.ENCODER_SELF)
    inputs, _ = make_inputs(Site.ENCODER_SELF, 2, LENGTH, LENGTH)
    output, _ = mixer(inputs, inputs)
    turned = inputs.flip(1)
    assert error(mixer(turned, turned)[0], output.flip(1)) > 1e-2
    assert error(mirrored(mixer)(turned, turned)[0], output.flip(1)) <= 1e-12


@pytest.mark.parametrize("code", POSITION_CODES)
def test_the_distances_plus_and_minus_one_are_told_apart(code):
    """Two keys of the same content on both sides of the query get different weights."""
    mixer = make_mixer(code, Site.ENCODER_SELF)
    inputs, _ = make_inputs(Site.ENCODER_SELF, 1, 3, 3)
    inputs = inputs.clone()
    inputs[:, 2] = inputs[:, 0]
    _, weights = mixer(inputs, inputs, need_weights=True)
    assert (weights[0, :, 1, 0] - weights[0, :, 1, 2]).abs().min() > 1e-3


@pytest.mark.parametrize("dim", [2, 8, 128])
def test_r_of_opposite_distances_is_never_the_same(dim):
    """The cosines are, the sines are opposite."""
    vectors = relative_positions(-512, 512, dim, None, torch.float64, torch.device("cpu"))
    assert vectors.shape == (1025, dim)
    behind, ahead = vectors[:512].flip(0), vectors[513:]
    assert (ahead - behind).abs().amax(dim=-1).min() > 1e-5
    sines, cosines = slice(0, dim // 2), slice(dim // 2, dim)
    assert error(ahead[:, sines], -behind[:, sines]) <= 1e-12
    assert error(ahead[:, cosines], behind[:, cosines]) <= 1e-12


@pytest.mark.parametrize("code", ["0001"])
@pytest.mark.parametrize("site", SITES, ids=site_name)
def test_weights_of_positions_depend_only_on_the_difference(site, code):
    """0001: the ratio of two weights is that of their distances, wherever the query stands."""
    mixer = make_mixer(code, site)
    query, memory = make_inputs(site, 1, 8, 8)
    _, weights = mixer(query, memory, need_weights=True)
    for t in range(2, 8):
        assert error(weights[..., t, t - 2] / weights[..., t, t], weights[..., 2, 0] / weights[..., 2, 2]) <= 1e-12


@pytest.mark.parametrize("pads", [1, 5])
@pytest.mark.parametrize("site", SITES, ids=site_name)
@pytest.mark.parametrize("code", POSITION_CODES)
def test_positions_do_not_move_when_padding_is_put_before_the_sentence(code, site, pads):
    mixer = make_mixer(code, site)
    query, memory = make_inputs(site, 2, 5, 6)
    wanted, wanted_weights = mixer(query, memory, need_weights=True)
    shifted = torch.cat([torch.full_like(memory[:, :1], 9.0).expand(-1, pads, -1), memory], dim=1)
    padding = torch.zeros(shifted.shape[:2], dtype=torch.bool)
    padding[:, :pads] = True
    output, weights = mixer(shifted if site.is_self else query, shifted, padding=padding, need_weights=True)
    start = pads if site.is_self else 0
    assert error(output[:, start:], wanted) <= 1e-12
    assert error(weights[:, :, start:, pads:], wanted_weights) <= 1e-12
