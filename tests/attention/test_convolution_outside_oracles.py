"""Equation: the convolutions are what other people's convolutions compute."""

import json
from pathlib import Path

import pytest
import torch
from torch.nn.functional import conv1d, glu, linear, pad

from nmt_attn.spec import Site

from .cases import error, generator, gradients, make_padding, relative_error, site_name
from .convolution_cases import SELF_SITES, make, make_tokens

LENGTHS = (1, 2, 5, 17, 100, 140)
DEFORM_CONV2D = json.loads((Path(__file__).parent / "fixtures" / "deform_conv2d.json").read_text())


def padding_before(site, kernel):
    return kernel - 1 if site.is_causal else kernel // 2


def gated_inputs(mixer, inputs, padding):
    """What a light or dynamic convolution mixes."""
    gated = glu(linear(inputs, mixer.input_projection.weight, mixer.input_projection.bias), dim=-1)
    return gated if padding is None else gated.masked_fill(padding[:, :, None], 0.0)


def outside(mixer, theirs, inputs, padding, unfold):
    """Their convolution between our projections; they want the time first."""
    time_first = gated_inputs(mixer, inputs, padding).transpose(0, 1).contiguous()
    mixed = theirs(time_first, unfold=unfold).transpose(0, 1)
    return linear(mixed, mixer.output_projection.weight, mixer.output_projection.bias)


def compare(mixer, theirs, own, foreign, tolerance):
    """Outputs and gradients for all lengths and paddings; the number of comparisons.

    own and foreign: the name of our and of their parameter. Their two ways to compute it differ from each other where
    the kernel is longer than the sentence, which is therefore left out.
    """
    count, kernel = 0, mixer.spec.kernel
    for length in LENGTHS:
        if length < kernel:
            continue
        for kind in ("no", "right", "left"):
            inputs, padding = make_tokens(3, length), make_padding(kind, 3, length, (2, 0, 3))
            real = torch.ones(3, length, dtype=torch.bool) if padding is None else ~padding
            direction = torch.randn(inputs.shape, dtype=inputs.dtype, generator=generator(5)) * real[:, :, None]
            slopes = gradients(mixer, inputs, inputs, lambda output, a=direction: (output * a).sum(), padding)
            output, _ = mixer(inputs, inputs, padding=padding)
            for unfold in (False, True):
                leaf = inputs.clone().requires_grad_()
                theirs.zero_grad()
                wanted = outside(mixer, theirs, leaf, padding, unfold)
                (wanted * direction).sum().backward()
                assert error(output[real], wanted[real]) <= tolerance, (length, kind, unfold)
                assert relative_error(slopes["query"], leaf.grad) <= tolerance, (length, kind, unfold)
                slope = dict(theirs.named_parameters())[foreign].grad.view_as(slopes[own])
                assert error(slopes[own], slope) <= 10 * tolerance * max(1.0, slope.abs().max().item())
                count += 1
    return count


@pytest.mark.parametrize("kernel", [1, 3, 5])
@pytest.mark.parametrize("site", SELF_SITES, ids=site_name)
def test_light_convolution_is_that_of_fairseq(site, kernel, record_property):
    module = pytest.importorskip("fairseq.modules.lightweight_convolution").LightweightConv1dTBC
    ours = make("light", site, 6, 2, kernel)
    theirs = module(6, kernel, padding_before(site, kernel), num_heads=2, weight_softmax=True).double().eval()
    with torch.no_grad():
        theirs.weight.copy_(ours.tap_logits[:, None])
    # Their softmax is computed in float32.
    count = compare(ours, theirs, "tap_logits", "weight", 1e-6)
    record_property("outside_oracles", count)


@pytest.mark.parametrize("kernel", [1, 3, 5])
@pytest.mark.parametrize("site", SELF_SITES, ids=site_name)
def test_dynamic_convolution_is_that_of_fairseq(site, kernel, record_property):
    module = pytest.importorskip("fairseq.modules.dynamic_convolution").DynamicConv1dTBC
    ours = make("dynamic", site, 6, 2, kernel)
    theirs = module(6, kernel, padding_before(site, kernel), num_heads=2, weight_softmax=True).double().eval()
    with torch.no_grad():
        theirs.weight_linear.weight.copy_(ours.weight_projection.weight)
    count = compare(ours, theirs, "weight_projection.weight", "weight_linear.weight", 1e-11)
    record_property("outside_oracles", count)


@pytest.mark.parametrize("name", ["light", "dynamic"])
def test_steps_of_gated_convolutions_are_those_of_fairseq(name, record_property):
    """From the first step on, when their kernel is longer than the sentence."""
    module = pytest.importorskip("fairseq.modules")
    kinds = {"light": module.LightweightConv1dTBC, "dynamic": module.DynamicConv1dTBC}
    ours = make(name, Site.DECODER_SELF, 6, 3, 5)
    theirs = kinds[name](6, 5, 4, num_heads=3, weight_softmax=True).double().eval()
    with torch.no_grad():
        if name == "light":
            theirs.weight.copy_(ours.tap_logits[:, None])
        else:
            theirs.weight_linear.weight.copy_(ours.weight_projection.weight)
    inputs, cache, state = make_tokens(2, 12), ours.new_cache(), {}
    for t in range(12):
        new = inputs[:, t : t + 1]
        output, _ = ours(new, new, cache=cache)
        time_first = gated_inputs(ours, new, None).transpose(0, 1).contiguous()
        mixed = theirs(time_first, incremental_state=state).transpose(0, 1)
        wanted = linear(mixed, ours.output_projection.weight, ours.output_projection.bias)
        assert error(output, wanted) <= (1e-6 if name == "light" else 1e-12), t
    record_property("outside_oracles", 12)


@pytest.mark.parametrize("kernel", [1, 3, 7])
@pytest.mark.parametrize("site", SELF_SITES, ids=site_name)
def test_regular_convolution_is_conv1d(site, kernel, record_property):
    """Also where the kernel is longer than the sentence."""
    count = 0
    mixer = make("conv", site, 6, 2, kernel)
    before = padding_before(site, kernel)
    for length in LENGTHS:
        for kind in ("no", "right", "left"):
            inputs, padding = make_tokens(3, length), make_padding(kind, 3, length)
            real = torch.ones(3, length, dtype=torch.bool) if padding is None else ~padding
            direction = torch.randn(inputs.shape, dtype=inputs.dtype, generator=generator(5)) * real[:, :, None]
            slopes = gradients(mixer, inputs, inputs, lambda output, a=direction: (output * a).sum(), padding)

            leaf = inputs.clone().requires_grad_()
            weight = mixer.output_projection.weight.detach().unflatten(1, (kernel, 6)).transpose(1, 2)
            weight = weight.clone().requires_grad_()  # (c, c, k)
            silent = leaf * real[:, :, None]
            padded = pad(silent.transpose(1, 2), (before, kernel - 1 - before))
            wanted = conv1d(padded, weight, mixer.output_projection.bias.detach()).transpose(1, 2)
            (wanted * direction).sum().backward()

            output, _ = mixer(inputs, inputs, padding=padding)
            assert error(output[real], wanted[real]) <= 1e-12
            assert error(slopes["query"], leaf.grad) <= 1e-12
            side_by_side = weight.grad.transpose(1, 2).flatten(1)
            assert relative_error(slopes["output_projection.weight"], side_by_side) <= 1e-12
            count += 1
    record_property("outside_oracles", count)


def as_tensor(numbers):
    return torch.tensor(numbers, dtype=torch.float64)


@pytest.mark.parametrize("case", DEFORM_CONV2D["cases"], ids=lambda case: case["name"])
def test_deformable_convolution_is_deform_conv2d_of_torchvision(case, record_property):
    """In one dimension: images of height one.

    There offsets are an input, here they are w_m . x_q. The tokens therefore get one more channel for each tap, which
    holds its offset; w_m picks that channel and all W_m ignore it. The gradient of a token is then that of its
    content in the first channels and that of its offsets in the others.
    """
    site = Site.DECODER_SELF if case["causal"] else Site.ENCODER_SELF
    content, offsets = as_tensor(case["inputs"]), as_tensor(case["offsets"])  # (b, t, c), (b, t, k)
    weight, direction = as_tensor(case["weight"]), as_tensor(case["direction"])  # (o, c, k), (b, t, o)
    channels, kernel, width = content.shape[2], offsets.shape[2], weight.shape[0]
    inputs = torch.cat([content, offsets], dim=-1)
    dim = inputs.shape[2]
    mixer = make("deform", site, dim, 1, kernel, window=case["window"])
    with torch.no_grad():
        matrices = mixer.output_projection.weight.zero_().view(dim, kernel, dim)
        matrices[:width, :, :channels] = weight.transpose(1, 2)
        mixer.output_projection.bias.zero_()
        mixer.offset_projection.weight.zero_()[:, channels:] = torch.eye(kernel)
    for need_weights in (False, True):
        output, _ = mixer(inputs, inputs, need_weights=need_weights)
        assert error(output[:, :, :width], as_tensor(case["outputs"])) <= 1e-12
        slopes = gradients(
            mixer,
            inputs,
            inputs,
            lambda output: (output[:, :, :width] * direction).sum(),
            need_weights=need_weights,
        )
        assert error(slopes["query"][:, :, :channels], as_tensor(case["input_gradients"])) <= 1e-12
        assert error(slopes["query"][:, :, channels:], as_tensor(case["offset_gradients"])) <= 1e-12
        of_weight = slopes["output_projection.weight"].view(dim, kernel, dim)[:width, :, :channels].transpose(1, 2)
        assert error(of_weight, as_tensor(case["weight_gradients"])) <= 1e-11
    record_property("outside_oracles", 1)
