"""Equation: every convolution at every site computes its formula, query by query."""

import pytest
import torch

from .cases import PADDINGS, error, make_padding, relative_error, site_name
from .convolution_cases import (
    KINDS,
    MIXERS,
    SELF_SITES,
    by_query,
    convolution_oracle,
    convolution_parameters,
    expected,
    make,
    make_tokens,
    real_rows,
)

# batch, tokens, dim, heads, kernel, window
SHAPES = (
    (2, 5, 6, 2, 3, None),
    (1, 1, 4, 2, 3, None),
    (3, 1, 6, 3, 1, None),
    (1, 7, 5, 1, 1, None),
    (3, 2, 6, 3, 7, None),
    (2, 4, 9, 3, 9, None),
    (1, 13, 7, 7, 5, None),
)
WINDOWS = (
    (2, 9, 10, 5, 5, 1),
    (3, 8, 6, 2, 5, 0),
    (2, 11, 4, 4, 3, 2),
    (1, 6, 8, 2, 7, 4),
    (3, 5, 6, 3, 3, 20),
    (1, 1, 6, 3, 3, 0),
)
# Around the lengths where the code may choose another algorithm.
LONG = (95, 96, 97, 100, 127, 128, 129, 150)


def compare(name, site, shape, kind, amounts=(2, 0, 3)):
    """Errors of one comparison: float64 absolute, float32 relative, each the worst of outputs and weights."""
    batch, length, dim, *rest = shape
    mixer = make(name, site, dim, *rest)
    inputs = make_tokens(batch, length, dim)
    padding = make_padding(kind, batch, length, amounts)
    output, weights = expected(mixer, inputs, padding)
    rows = real_rows(inputs, padding)
    worst = {}
    for dtype, measure in ((torch.float64, error), (torch.float32, relative_error)):
        mixer = mixer.to(dtype)
        low = inputs.to(dtype)
        fast, nothing = mixer(low, low, padding=padding)
        slow, shown = mixer(low, low, padding=padding, need_weights=True)
        assert nothing is None
        assert fast.dtype == slow.dtype == shown.dtype == dtype
        assert shown.shape == weights.shape
        if padding is not None:  # what a padded key is said to weigh has a test of its own
            shown = shown.masked_fill(padding[:, None, None, :], 0.0)
        worst[dtype] = max(
            measure(fast[rows], output[rows]),
            measure(slow[rows], output[rows]),
            measure(by_query(shown)[rows], by_query(weights)[rows]),
        )
    return worst[torch.float64], worst[torch.float32]


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("site", SELF_SITES, ids=site_name)
@pytest.mark.parametrize("name", MIXERS)
def test_every_shape_and_padding_computes_the_formula(name, site, shape, record_property):
    for kind in PADDINGS:
        exact, single = compare(name, site, shape, kind)
        assert exact <= 1e-10, f"{kind} padding: {exact}"
        assert single <= 2e-6, f"{kind} padding, float32: {single}"
    record_property("oracle_float64", len(PADDINGS))
    record_property("oracle_float32", len(PADDINGS))


@pytest.mark.parametrize("shape", WINDOWS, ids=str)
@pytest.mark.parametrize("site", SELF_SITES, ids=site_name)
@pytest.mark.parametrize("name", MIXERS)
def test_a_window_leaves_out_taps_and_holds_sampling_points(name, site, shape, record_property):
    for kind in PADDINGS:
        exact, single = compare(name, site, shape, kind)
        assert exact <= 1e-10, f"{kind} padding: {exact}"
        assert single <= 2e-6, f"{kind} padding, float32: {single}"
    record_property("oracle_float64", len(PADDINGS))
    record_property("oracle_float32", len(PADDINGS))


@pytest.mark.parametrize("length", LONG)
@pytest.mark.parametrize("site", SELF_SITES, ids=site_name)
@pytest.mark.parametrize("name", KINDS)
def test_long_sentences_compute_the_formula_of_short_ones(name, site, length, record_property):
    count = 0
    for window, kernel in ((None, 3), (2, 5)):
        for kind in PADDINGS:
            exact, single = compare(name, site, (2, length, 4, 2, kernel, window), kind, (0, 7))
            assert exact <= 1e-10, f"window {window}, {kind} padding: {exact}"
            assert single <= 2e-6, f"window {window}, {kind} padding, float32: {single}"
            count += 1
    record_property("oracle_float64", count)
    record_property("oracle_float32", count)


@pytest.mark.parametrize("length", [97, 129])
@pytest.mark.parametrize("site", SELF_SITES, ids=site_name)
def test_a_long_sentence_passes_through_the_chain_like_a_short_one(site, length, record_property):
    """One sentence: the oracle of the attention compares all pairs."""
    exact, single = compare("chain", site, (1, length, 4, 1, 3, None), "left", (5,))
    assert exact <= 1e-10
    assert single <= 2e-6
    record_property("oracle_float64", 1)
    record_property("oracle_float32", 1)


@pytest.mark.parametrize("length", [9, 100, 150])
@pytest.mark.parametrize("site", SELF_SITES, ids=site_name)
def test_offsets_that_leave_the_sentence_read_zeros(site, length, record_property):
    """Some sampling points lie before the first token, in its neighbourhood, and behind the last."""
    mixer = make("deform", site, 4, 1, 5)
    inputs = make_tokens(1, length, 4)
    with torch.no_grad():
        mixer.offset_projection.weight.mul_(length / 2)
    points = convolution_oracle.sampling_points(site.is_causal, 5, None, convolution_parameters(mixer), inputs.numpy())
    assert (points < -1).any()
    assert (points > length).any()
    wanted, wanted_weights = expected(mixer, inputs)
    output, weights = mixer(inputs, inputs, need_weights=True)
    assert error(mixer(inputs, inputs)[0], wanted) <= 1e-10
    assert error(output, wanted) <= 1e-10
    assert error(weights, wanted_weights) <= 1e-10
    record_property("oracle_float64", 1)


@pytest.mark.parametrize("site", SELF_SITES, ids=site_name)
@pytest.mark.parametrize("kernel", [1, 3, 7])
def test_without_offsets_a_deformable_convolution_is_a_regular_one(kernel, site):
    for length in (1, 5, 100, 130):
        deformed, regular = make("deform", site, 6, 2, kernel), make("conv", site, 6, 2, kernel)
        with torch.no_grad():
            deformed.offset_projection.weight.zero_()
        assert torch.equal(deformed.output_projection.weight, regular.output_projection.weight)
        inputs = make_tokens(2, length)
        output, weights = deformed(inputs, inputs, need_weights=True)
        wanted, wanted_weights = regular(inputs, inputs, need_weights=True)
        assert error(output, wanted) <= 1e-12
        assert error(weights, wanted_weights) <= 1e-12


@pytest.mark.parametrize("site", SELF_SITES, ids=site_name)
@pytest.mark.parametrize("kernel", [1, 3, 7])
def test_a_dynamic_convolution_that_ignores_its_token_is_a_light_one_with_equal_taps(kernel, site):
    for length in (1, 5, 100, 130):
        dynamic, light = make("dynamic", site, 6, 2, kernel), make("light", site, 6, 2, kernel)
        with torch.no_grad():
            dynamic.weight_projection.weight.zero_()
            light.tap_logits.fill_(3.0)
        inputs = make_tokens(2, length)
        output, weights = dynamic(inputs, inputs, need_weights=True)
        wanted, wanted_weights = light(inputs, inputs, need_weights=True)
        assert error(output, wanted) <= 1e-12
        assert error(weights, wanted_weights) <= 1e-12
        # Taps outside the sentence keep their share.
        inside = 1 if site.is_causal else min(kernel // 2 + 1, length)
        assert error(weights[:, :, 0].sum(-1), torch.full((2, 2), inside / kernel)) <= 1e-7


@pytest.mark.parametrize("side", ["left", "right"])
@pytest.mark.parametrize("site", SELF_SITES, ids=site_name)
@pytest.mark.parametrize("name", MIXERS)
def test_padding_is_outside_the_sentence_and_weighs_nothing(name, site, side):
    for length in (6, 100, 140):
        mixer = make(name, site, 6, 2, 5)
        inputs = make_tokens(2, length)
        padding = make_padding(side, 2, length)
        _, weights = mixer(inputs, inputs, padding=padding, need_weights=True)
        rows = by_query(weights)[~padding]
        hidden = padding[:, None, None, :].expand_as(by_query(weights))[~padding]
        assert not rows[hidden].any(), length


@pytest.mark.parametrize("site", SELF_SITES, ids=site_name)
@pytest.mark.parametrize("name", MIXERS)
def test_memory_order_does_not_matter(name, site):
    """Inputs that are a view with odd strides give the same numbers."""
    mixer = make(name, site)
    for length in (7, 100, 140):
        inputs = make_tokens(3, length)
        other = inputs.transpose(0, 2).contiguous().transpose(0, 2)
        assert not other.is_contiguous()
        assert error(mixer(other, other)[0], mixer(inputs, inputs)[0]) <= 1e-12
