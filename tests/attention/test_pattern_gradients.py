"""Equation: gradients of every kind of positions and of the fifth term are those of the outputs."""

import pytest
import torch
from torch.func import functional_call

from nmt_attn.spec import Positions, Site

from .cases import PADDINGS, error, generator, gradients, make_inputs, make_padding
from .pattern_cases import EVERY_CASE, LIMITED, Case, make

TABLES = (Positions.SHAW, Positions.SYNTHESIZER)  # the maximum distance is the size of their parameters


def sizes(case):
    """dim and heads; eight heads show seven fixed patterns and one head for the content."""
    return (16, 8) if case.kind is Positions.FIXED else (4, 2)


@pytest.mark.parametrize("case", EVERY_CASE, ids=str)
def test_gradients_agree_with_differences_of_outputs(case, record_property):
    dim, heads = sizes(case)
    key_dim = 0 if case.site.is_self else 3
    limit = LIMITED[case.kind] if case.kind in TABLES else None
    mixer = make(case, dim, heads, key_dim=key_dim, max_distance=limit).train()
    query, memory = make_inputs(case.site, 2, 3, 4, dim, key_dim)
    if case.site.is_self:
        query = memory = memory[:, :3]
    padding = make_padding("left", 2, memory.shape[1], (1, 0))
    names = [name for name, _ in mixer.named_parameters()]
    values = [value.detach().clone().requires_grad_() for value in mixer.parameters()]
    inputs = [query] if case.site.is_self else [query, memory]
    leaves = [tensor.detach().clone().requires_grad_() for tensor in inputs]

    def run(*tensors):
        ends = tensors[0], tensors[len(leaves) - 1]
        parameters = dict(zip(names, tensors[len(leaves) :], strict=True))
        return functional_call(mixer, parameters, ends, {"padding": padding})[0]

    many = case.fifth or case.kind is Positions.FIXED
    assert torch.autograd.gradcheck(run, (*leaves, *values), fast_mode=many)
    record_property("gradchecks", 1)


@pytest.mark.parametrize("case", EVERY_CASE, ids=str)
def test_every_parameter_gets_a_gradient(case):
    dim, heads = (18, 9) if case.kind is Positions.FIXED else (12, 3)
    for options in ({}, {"window": 2}):
        mixer = make(case, dim, heads, **options)
        query, memory = make_inputs(case.site, 2, 5, 7, dim)
        found = gradients(mixer, query, memory, lambda output: output.square().sum())
        for name, gradient in found.items():
            if name == "query" and case.site is Site.CROSS and case.code[:2] == "00":
                assert not gradient.any(), "a cross code 00xx must not look at the query"
            else:
                assert gradient.abs().max() > 1e-6, (name, options)


@pytest.mark.parametrize("case", EVERY_CASE, ids=str)
def test_gradients_are_the_same_with_and_without_weights(case):
    dim, heads = sizes(case)
    mixer = make(case, dim, heads)
    query, memory = make_inputs(case.site, 3, 5, 6, dim)
    for kind in PADDINGS:
        direction = torch.randn(query.shape, dtype=query.dtype, generator=generator(3))
        padding = make_padding(kind, 3, memory.shape[1])
        if padding is not None and case.site.is_self:
            direction[padding] = 0.0  # what padded queries compute is not defined
        loss = lambda output, direction=direction: (output * direction).sum()  # noqa: E731
        plain = gradients(mixer, query, memory, loss, padding)
        shown = gradients(mixer, query, memory, loss, padding, True)
        for name, gradient in plain.items():
            assert error(shown[name], gradient) <= 1e-11, (kind, name)


@pytest.mark.parametrize("case", EVERY_CASE, ids=str)
def test_padding_has_no_gradient_even_where_a_sentence_has_no_token(case):
    """Nor is any gradient broken: a head without a key, as in the fixed patterns, must stay out of it."""
    dim, heads = (18, 9) if case.kind is Positions.FIXED else (12, 3)
    for dtype in (torch.float64, torch.float32):
        mixer = make(case, dim, heads).to(dtype)
        query, memory = make_inputs(case.site, 3, 4, 6, dim, dtype=dtype)
        padding = make_padding("left", 3, memory.shape[1], (2, 99, 0))
        waste = memory.clone()
        waste[padding] = float("nan")
        with torch.autograd.set_detect_anomaly(True):
            slopes = gradients(
                mixer,
                waste if case.site.is_self else query,
                waste,
                lambda output: (output + output.square()).sum(),
                padding,
            )
        for name, slope in slopes.items():
            assert slope.isfinite().all(), name
        assert not slopes["memory"][padding].any()
        assert not slopes["query"][1].any()


def test_each_learned_number_of_position_gets_a_gradient_where_it_is_used():
    inputs, _ = make_inputs(Site.DECODER_SELF, 2, 5, 5)

    def found(kind, **options):
        mixer = make(Case(kind, "0001", Site.DECODER_SELF), **options)
        return gradients(mixer, inputs, inputs, lambda output: output.square().sum())

    bias = found(Positions.T5)["position_pattern.bias"]
    assert bias[:, :5].all()
    assert not bias[:, 5:].any()
    alignment = found(Positions.SYNTHESIZER, max_distance=7)["position_pattern.alignment"]
    # The first token has one key, of weight 1 whatever is learned.
    past = torch.ones(5, 5, dtype=torch.bool).tril()
    past[0] = False
    assert alignment[:, :5, :5][:, past].all()
    assert alignment.count_nonzero() == 3 * past.sum()
    vectors = found(Positions.SHAW, max_distance=3)["position_vectors"]
    assert vectors[:4].all()
    assert not vectors[4:].any()
