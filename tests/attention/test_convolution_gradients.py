"""Equation: the gradients of inputs and parameters are those of the outputs, at whole sampling points from the left."""

import pytest
import torch
from torch.func import functional_call

from .cases import PADDINGS, error, generator, gradients, make_padding, relative_error, site_name
from .convolution_cases import (
    MIXERS,
    SELF_SITES,
    convolution_oracle,
    convolution_parameters,
    first_of,
    make,
    make_tokens,
)

# kernel, window
OPTIONS = ((3, None), (1, None), (5, None), (5, 1), (3, 0))


def distance_from_whole_points(mixer, inputs):
    """How far the nearest sampling point of a deformable convolution is from a whole position, where x(p) has kinks."""
    spec = first_of(mixer)
    prefix = "first." if mixer.spec is not spec else ""
    parameters = convolution_parameters(mixer, prefix)
    points = convolution_oracle.sampling_points(
        spec.site.is_causal, spec.kernel, spec.window, parameters, inputs.numpy()
    )
    return abs(points - points.round()).min()


def sum_along(direction):
    return lambda output: (output * direction).sum()


def directions_like(tensors, seed):
    source = generator(seed)
    return [torch.randn(tensor.shape, dtype=tensor.dtype, generator=source) for tensor in tensors]


@pytest.mark.parametrize(("kernel", "window"), OPTIONS)
@pytest.mark.parametrize("site", SELF_SITES, ids=site_name)
@pytest.mark.parametrize("name", MIXERS)
def test_gradients_agree_with_differences_of_outputs(name, site, kernel, window, record_property):
    mixer = make(name, site, 4, 2, kernel, window=window).train()
    inputs = make_tokens(2, 4, 4)
    if name in ("deform", "chain"):
        assert distance_from_whole_points(mixer, inputs) > 1e-4
    names = [path for path, _ in mixer.named_parameters()]
    leaves = [value.detach().clone().requires_grad_() for value in (inputs, *mixer.parameters())]
    left = make_padding("left", 2, 4, (1, 0))
    for padding in (None, left) if kernel == 3 else (left,):

        def run(tokens, *values, padding=padding):
            parameters = dict(zip(names, values, strict=True))
            return functional_call(mixer, parameters, (tokens, tokens), {"padding": padding})[0]

        assert torch.autograd.gradcheck(run, tuple(leaves))
    record_property("gradchecks", 2 if kernel == 3 else 1)


@pytest.mark.parametrize("length", [96, 97, 128, 129, 140])
@pytest.mark.parametrize("site", SELF_SITES, ids=site_name)
@pytest.mark.parametrize("name", MIXERS)
def test_gradients_of_long_sentences_agree_with_differences_along_a_direction(name, site, length):
    """Along one direction at a time, for the inputs and for each parameter."""
    mixer = make(name, site, 4, 2, 3).train()
    inputs = make_tokens(2, length, 4)
    if name in ("deform", "chain"):
        assert distance_from_whole_points(mixer, inputs) > 2e-5
    weigh = sum_along(directions_like([inputs], 5)[0])
    slopes = gradients(mixer, inputs, inputs, weigh)
    step = 1e-6
    with torch.no_grad():
        for path, leaf in {"query": inputs, **dict(mixer.named_parameters())}.items():
            direction = directions_like([leaf], 6)[0]
            ends = []
            for sign in (1, -1):
                leaf.add_(sign * step * direction)
                ends.append(weigh(mixer(inputs, inputs)[0]))
                leaf.sub_(sign * step * direction)
            wanted = (ends[0] - ends[1]) / (2 * step)
            assert (slopes[path] * direction).sum().sub(wanted).abs() <= 1e-5 * max(1, wanted.abs()), path


@pytest.mark.parametrize("site", SELF_SITES, ids=site_name)
@pytest.mark.parametrize("name", MIXERS)
def test_gradients_are_the_same_with_and_without_weights(name, site):
    mixer = make(name, site, 6, 2, 5)
    for length in (7, 100, 140):
        inputs = make_tokens(3, length)
        for kind in PADDINGS:
            padding = make_padding(kind, 3, length)
            weigh = sum_along(directions_like([inputs], 3)[0])
            plain = gradients(mixer, inputs, inputs, weigh, padding)
            shown = gradients(mixer, inputs, inputs, weigh, padding, need_weights=True)
            for path, gradient in plain.items():
                assert relative_error(shown[path], gradient) <= 1e-12, (length, kind, path)


@pytest.mark.parametrize("length", [7, 100, 140])
@pytest.mark.parametrize("kernel", [1, 3, 7])
@pytest.mark.parametrize("site", SELF_SITES, ids=site_name)
@pytest.mark.parametrize("name", MIXERS)
def test_every_parameter_gets_a_gradient(name, site, kernel, length):
    mixer = make(name, site, 6, 2, kernel)
    inputs = make_tokens(2, length)
    for path, gradient in gradients(mixer, inputs, inputs, lambda output: output.square().sum()).items():
        if path.endswith(("tap_logits", "weight_projection.weight")) and kernel == 1:
            assert not gradient.any(), "the softmax over one tap is one"
        else:
            assert gradient.abs().max() > 1e-6, path


# The initial state: no offsets


@pytest.mark.parametrize("length", [8, 100, 140])
@pytest.mark.parametrize("kernel", [1, 3, 7])
@pytest.mark.parametrize("site", SELF_SITES, ids=site_name)
@pytest.mark.parametrize("name", ["deform", "chain"])
def test_without_offsets_each_tap_gets_a_gradient(name, site, kernel, length):
    mixer = make(name, site, 6, 2, kernel)
    with torch.no_grad():
        dict(mixer.named_parameters())[prefix_of(name) + "offset_projection.weight"].zero_()
    inputs = make_tokens(2, length)
    slopes = gradients(mixer, inputs, inputs, lambda output: output.square().sum())
    for path, gradient in slopes.items():
        assert gradient.abs().max() > 1e-6, path
    rows = slopes[prefix_of(name) + "offset_projection.weight"]
    assert rows.shape[0] == kernel
    assert rows.abs().amax(dim=1).min() > 1e-6


@pytest.mark.parametrize("window", [1, 2, 4])
@pytest.mark.parametrize("site", SELF_SITES, ids=site_name)
def test_in_a_window_each_tap_gets_a_gradient_too(site, window):
    """Also the tap at the first position of the window, which would else never leave it."""
    mixer = make("deform", site, 6, 2, 9, window=window)
    with torch.no_grad():
        mixer.offset_projection.weight.zero_()
    inputs = make_tokens(2, 10)
    rows = gradients(mixer, inputs, inputs, lambda output: output.square().sum())["offset_projection.weight"]
    assert rows.abs().amax(dim=1).min() > 1e-6


@pytest.mark.parametrize("site", SELF_SITES, ids=site_name)
@pytest.mark.parametrize("name", MIXERS)
def test_a_fresh_mixer_is_finite_and_passes_a_gradient_to_each_parameter(name, site):
    """As built, without the known parameters of the other tests."""
    torch.manual_seed(4)
    mixer = type(make(name, site))(make(name, site).spec).double()
    inputs = make_tokens(2, 9)
    for path, gradient in gradients(mixer, inputs, inputs, lambda output: (output + 1).square().sum()).items():
        assert gradient.isfinite().all(), path
        assert gradient.any(), path
        if path.endswith("offset_projection.weight"):
            assert gradient.any(dim=1).all(), "a row of offsets is without gradient"


# Whole sampling points: x(p) has a kink there, and the derivative is the one from the left


def prefix_of(name):
    return "first." if name == "chain" else ""


def make_whole(site, kernel, offsets, dim=5):
    """A mixer whose offsets are the last channel of the inputs, which is one, times the given whole numbers."""
    mixer = make("deform", site, dim, 1, kernel)
    with torch.no_grad():
        mixer.offset_projection.weight.zero_()
        mixer.offset_projection.weight[:, -1] = torch.tensor(offsets, dtype=torch.float64)
    return mixer


WHOLE = ((0, 0, 0), (1, -1, 2), (-2, 3, 0), (2, 2, 2), (-30, 40, 1))


@pytest.mark.parametrize("length", [6, 100, 140])
@pytest.mark.parametrize("offsets", WHOLE, ids=str)
@pytest.mark.parametrize("site", SELF_SITES, ids=site_name)
def test_at_whole_points_the_derivative_of_each_offset_is_the_one_from_the_left(site, offsets, length):
    """x(p) is linear between two positions: a difference over a quarter of a position is the derivative."""
    mixer = make_whole(site, 3, offsets)
    inputs = make_tokens(2, length, 5)
    inputs[:, :, -1] = 1.0
    weigh = sum_along(directions_like([inputs], 5)[0])
    slopes = gradients(mixer, inputs, inputs, weigh)["offset_projection.weight"]
    offset = mixer.offset_projection.weight
    with torch.no_grad():
        here = weigh(mixer(inputs, inputs)[0])
        for tap in range(3):
            offset[tap, -1] -= 0.25
            left = (here - weigh(mixer(inputs, inputs)[0])) / 0.25
            offset[tap, -1] += 0.5
            right = (weigh(mixer(inputs, inputs)[0]) - here) / 0.25
            offset[tap, -1] -= 0.25
            assert (slopes[tap, -1] - left).abs() <= 1e-10, tap
            relative = first_of(mixer).taps[tap] + offsets[tap]
            if abs(relative) < 4 and (relative <= 0 or not site.is_causal):
                assert (left - right).abs() > 1e-3, "this case must tell the sides apart"


@pytest.mark.parametrize("length", [6, 100, 140])
@pytest.mark.parametrize("window", [0, 1, 2])
@pytest.mark.parametrize("site", SELF_SITES, ids=site_name)
def test_at_the_ends_of_the_window_the_derivative_is_one_of_the_two(site, window, length):
    """Held points do not move: from one side the derivative is zero there, and in a window of one token from both."""
    mixer = make("deform", site, 5, 1, 2 * window + 1, window=window)
    offset = mixer.offset_projection.weight
    with torch.no_grad():
        offset.zero_()
    inputs = make_tokens(2, length, 5)
    inputs[:, :, -1] = 1.0
    weigh = sum_along(directions_like([inputs], 5)[0])
    slopes = gradients(mixer, inputs, inputs, weigh)["offset_projection.weight"]
    with torch.no_grad():
        here = weigh(mixer(inputs, inputs)[0])
        for row in range(offset.shape[0]):
            sides = []
            for step in (-0.25, 0.25):
                offset[row, -1] = step
                sides.append((weigh(mixer(inputs, inputs)[0]) - here) / step)
            offset[row, -1] = 0.0
            assert min((slopes[row, -1] - side).abs() for side in sides) <= 1e-10, (row, slopes[row, -1], sides)


@pytest.mark.parametrize("length", [6, 100, 140])
@pytest.mark.parametrize("offsets", [(0, 0, 0), (1, 2, 1), (-1, -2, -1)], ids=str)
@pytest.mark.parametrize("site", SELF_SITES, ids=site_name)
def test_at_whole_points_the_gradient_of_the_inputs_is_the_one_from_the_left(site, offsets, length):
    """The last channel goes where it moves all points to the left, the others in any direction."""
    mixer = make_whole(site, 3, offsets)
    inputs = make_tokens(2, length, 5)
    inputs[:, :, -1] = 1.0
    weigh = sum_along(directions_like([inputs], 5)[0])
    slope = gradients(mixer, inputs, inputs, weigh)["query"]
    direction = directions_like([inputs], 6)[0]
    direction[:, :, -1] = -direction[:, :, -1].abs() * (1 if sum(offsets) >= 0 else -1)
    step = 1e-7
    with torch.no_grad():
        here = weigh(mixer(inputs, inputs)[0])
        there = inputs + step * direction
        wanted = (weigh(mixer(there, there)[0]) - here) / step
    assert ((slope * direction).sum() - wanted).abs() <= 1e-5 * max(1, wanted.abs())


@pytest.mark.parametrize("site", SELF_SITES, ids=site_name)
def test_the_derivative_at_whole_points_is_the_difference_to_the_key_before(site):
    """By hand: three tokens of one channel, one tap at the query, weight one, inputs 3, 5, 11, offsets zero."""
    mixer = make("deform", site, 1, 1, 1)
    with torch.no_grad():
        mixer.offset_projection.weight.zero_()
        mixer.output_projection.weight.fill_(1.0)
        mixer.output_projection.bias.zero_()
    inputs = torch.tensor([[[3.0], [5.0], [11.0]]], dtype=torch.float64)
    slopes = gradients(mixer, inputs, inputs, lambda output: output.sum())
    # d y_q / d w = (x_q - x_{q-1}) x_q, and there is silence before the first token.
    assert slopes["offset_projection.weight"].item() == 3 * 3 + (5 - 3) * 5 + (11 - 5) * 11
    assert error(slopes["query"], torch.ones_like(inputs)) == 0
