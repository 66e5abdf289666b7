"""Invariance: in the decoder nothing later than a query reaches it, and what is not hidden shows."""

import pytest
import torch

from nmt_attn.spec import ALL_CODES, Site

from .cases import error, generator, make_inputs, make_mixer, make_padding

LENGTH = 7
OPTIONS = [{}, {"window": 2}, {"max_distance": 2}]


def changed(inputs, position, value):
    copy = inputs.clone()
    copy[:, position] = value
    return copy


@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize("code", ALL_CODES)
def test_a_change_leaves_earlier_outputs_bitwise_equal_and_later_ones_not(code, options):
    noise = torch.randn(2, 12, generator=generator(8))
    for dtype in (torch.float64, torch.float32):
        mixer = make_mixer(code, Site.DECODER_SELF, dtype=dtype, **options)
        inputs, _ = make_inputs(Site.DECODER_SELF, 2, LENGTH, LENGTH, dtype=dtype)
        for need_weights in (False, True):
            before, _ = mixer(inputs, inputs, need_weights=need_weights)
            for position in range(LENGTH):
                other = changed(inputs, position, 5 * noise.to(dtype))
                after, _ = mixer(other, other, need_weights=need_weights)
                assert torch.equal(after[:, :position], before[:, :position])
                last = min(LENGTH - 1, position + options.get("window", LENGTH))
                for touched in range(position, last + 1):
                    assert error(after[:, touched], before[:, touched]) > 1e-4
                if last + 1 < LENGTH:
                    assert error(after[:, last + 1 :], before[:, last + 1 :]) <= 1e-6


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize("code", ALL_CODES)
def test_a_value_that_is_no_number_stays_out_of_earlier_outputs_and_shows_in_later_ones(code, options, value):
    mixer = make_mixer(code, Site.DECODER_SELF, **options)
    inputs, _ = make_inputs(Site.DECODER_SELF, 2, LENGTH, LENGTH)
    for need_weights in (False, True):
        before, _ = mixer(inputs, inputs, need_weights=need_weights)
        for position in range(LENGTH):
            other = changed(inputs, position, value)
            after, weights = mixer(other, other, need_weights=need_weights)
            assert torch.equal(after[:, :position], before[:, :position])
            last = min(LENGTH - 1, position + options.get("window", LENGTH))
            assert not after[:, position : last + 1].isfinite().any()
            if need_weights:
                assert weights[:, :, :position].isfinite().all()


@pytest.mark.parametrize("side", ["left", "right"])
@pytest.mark.parametrize("code", ALL_CODES)
def test_causality_holds_beside_padding(code, side):
    mixer = make_mixer(code, Site.DECODER_SELF)
    inputs, _ = make_inputs(Site.DECODER_SELF, 3, LENGTH, LENGTH)
    padding = make_padding(side, 3, LENGTH)
    inputs[padding] = float("nan")
    before, _ = mixer(inputs, inputs, padding=padding)
    for position in range(LENGTH):
        other = changed(inputs, position, float("nan"))
        after, _ = mixer(other, other, padding=padding)
        earlier = ~padding[:, :position]
        assert torch.equal(after[:, :position][earlier], before[:, :position][earlier])
        assert after[~padding].isnan().any(dim=-1).sum() == (~padding[:, position:])[~padding[:, position]].sum()


@pytest.mark.parametrize("code", ALL_CODES)
def test_gradients_do_not_flow_to_later_tokens(code):
    mixer = make_mixer(code, Site.DECODER_SELF)
    inputs, _ = make_inputs(Site.DECODER_SELF, 2, LENGTH, LENGTH)
    for position in range(LENGTH):
        leaf = inputs.clone().requires_grad_()
        mixer(leaf, leaf)[0][:, position].square().sum().backward()
        assert not leaf.grad[:, position + 1 :].any()
        assert all(leaf.grad[:, t].any() for t in range(position + 1))


@pytest.mark.parametrize("code", ALL_CODES)
def test_a_mixer_of_the_encoder_sees_both_sides(code):
    mixer = make_mixer(code, Site.ENCODER_SELF)
    inputs, _ = make_inputs(Site.ENCODER_SELF, 2, 5, 5)
    before, _ = mixer(inputs, inputs)
    for position in range(5):
        other = changed(inputs, position, 3.0)
        after, _ = mixer(other, other)
        assert (after - before).abs().amax(dim=-1).min() > 1e-4
