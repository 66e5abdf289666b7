"""Equation: the gradients of inputs and parameters are those of the outputs."""

import pytest
import torch
from torch.func import functional_call

from nmt_attn.spec import ALL_CODES, Site

from .cases import PADDINGS, SITES, error, gradients, make_inputs, make_mixer, make_padding, site_name


@pytest.mark.parametrize("site", SITES, ids=site_name)
@pytest.mark.parametrize("code", ALL_CODES)
def test_gradients_agree_with_differences_of_outputs(code, site, record_property):
    key_dim = 0 if site.is_self else 3
    mixer = make_mixer(code, site, 4, 2, key_dim).train()
    query, memory = make_inputs(site, 2, 3, 4, 4, key_dim)
    padding = make_padding("left", 2, memory.shape[1], (1, 0))
    names = [name for name, _ in mixer.named_parameters()]
    values = [value.detach().clone().requires_grad_() for value in mixer.parameters()]
    inputs = [query] if site.is_self else [query, memory]
    leaves = [tensor.detach().clone().requires_grad_() for tensor in inputs]

    def run(*tensors):
        ends = tensors[0], tensors[len(leaves) - 1]
        parameters = dict(zip(names, tensors[len(leaves) :], strict=True))
        return functional_call(mixer, parameters, ends, {"padding": padding})[0]

    assert torch.autograd.gradcheck(run, (*leaves, *values))
    record_property("gradchecks", 1)


@pytest.mark.parametrize("site", SITES, ids=site_name)
@pytest.mark.parametrize("code", ALL_CODES)
def test_gradients_are_the_same_with_and_without_weights(code, site):
    mixer = make_mixer(code, site)
    query, memory = make_inputs(site, 3, 5, 7)
    for kind in PADDINGS:
        padding = make_padding(kind, 3, memory.shape[1])
        direction = torch.randn(query.shape, dtype=query.dtype, generator=torch.Generator().manual_seed(3))
        if site.is_self and padding is not None:
            direction = direction.masked_fill(padding[:, :, None], 0.0)  # what padded queries compute is not defined
        loss = lambda output, direction=direction: (output * direction).sum()  # noqa: E731
        plain = gradients(mixer, query, memory, loss, padding)
        shown = gradients(mixer, query, memory, loss, padding, need_weights=True)
        for name, gradient in plain.items():
            assert error(shown[name], gradient) <= 1e-11, (kind, name)


@pytest.mark.parametrize("site", SITES, ids=site_name)
@pytest.mark.parametrize("code", ALL_CODES)
def test_every_parameter_gets_a_gradient(code, site):
    mixer = make_mixer(code, site)
    query, memory = make_inputs(site, 2, 5, 7)
    found = gradients(mixer, query, memory, lambda output: output.square().sum())
    for name, gradient in found.items():
        if name == "query" and site is Site.CROSS and code[:2] == "00":
            assert not gradient.any(), "a cross code 00xx must not look at the query"
        else:
            assert gradient.abs().max() > 1e-6, name
