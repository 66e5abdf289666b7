"""Survival: convolutions and patterns with 16-bit numbers, under autocast, and with activation checkpointing."""

import pytest
import torch
from torch.utils.checkpoint import checkpoint

from nmt_attn.attention import build_mixer
from nmt_attn.notation import Shape, layer_specs
from nmt_attn.spec import ALL_CODES, Site

from .cases import SITES, error, generator, make_inputs, make_mixer, make_padding, site_name
from .test_low_precision import LENGTH, LOW, SEEDS, plain_attention, root_mean_square

TEXTS = ("conv", "deform", "deform:window=2+0010", "light:kernel=5", "dynamic:kernel=5", "gaussian", "fixed")
TEXTS += ("synthesizer", "alibi", "t5", "shaw", "1101:positions=shaw", "deberta", "0000:key-position")
SELF_SITES = (Site.ENCODER_SELF, Site.DECODER_SELF)
CASES = [(text, site) for text in TEXTS for site in SELF_SITES if text != "fixed" or not site.is_causal]


def make(text, site, dtype, seed=1, dim=16):
    (spec,) = layer_specs(text, site, 1, Shape(dim, 2), "")
    mixer = build_mixer(spec)
    with torch.no_grad():
        for name, parameter in mixer.named_parameters():
            noise = torch.randn(parameter.shape, generator=generator(seed + sum(map(ord, name))))
            parameter.copy_(noise / (parameter.shape[1] if parameter.dim() == 2 else 1) ** 0.5)
    return mixer.to(dtype).eval()


def relative_errors(module, inputs):
    """Errors against float64, over the typical size of the outputs."""
    output, exact = module(inputs), module.double()(inputs.double())
    return (output - exact).flatten() / root_mean_square(exact)


class Plain(torch.nn.Module):
    """plain_attention as a module of its inputs."""

    def __init__(self, site, dtype, seed):
        super().__init__()
        self.mixer, self.causal = make_mixer("1000", site, 16, 2, dtype=dtype, seed=seed), site.is_causal

    def forward(self, inputs):
        return plain_attention(self.mixer, inputs, inputs, self.causal)


class Output(torch.nn.Module):
    """A mixer without its weights."""

    def __init__(self, mixer):
        super().__init__()
        self.mixer = mixer

    def forward(self, inputs):
        return self.mixer(inputs, inputs)[0]


@pytest.mark.parametrize("dtype", LOW, ids=str)
@pytest.mark.parametrize(("text", "site"), CASES, ids=site_name)
def test_the_relative_error_is_at_most_twice_that_of_plain_attention(text, site, dtype):
    ours, plain = [], []
    for seed in SEEDS:
        inputs, _ = make_inputs(site, 2, LENGTH, LENGTH, 16, dtype=dtype, seed=seed)
        ours.append(relative_errors(Output(make(text, site, dtype, seed)), inputs))
        plain.append(relative_errors(Plain(site, dtype, seed), inputs))
    assert root_mean_square(torch.cat(ours)) <= 2 * root_mean_square(torch.cat(plain))


@pytest.mark.parametrize("kind", ["no", "left", "right"])
@pytest.mark.parametrize(("text", "site"), CASES, ids=site_name)
def test_autocast_runs_and_stays_close(text, site, kind):
    mixer = make(text, site, torch.float32)
    inputs, _ = make_inputs(site, 3, 7, 7, 16, dtype=torch.float32)
    padding = make_padding(kind, 3, 7)
    wanted, _ = mixer(inputs, inputs, padding)
    leaf = inputs.clone().requires_grad_()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        output, weights = mixer(leaf, leaf, padding, need_weights=True)
    output.float().square().sum().backward()
    rows = torch.ones(3, 7, dtype=torch.bool) if padding is None else ~padding
    assert (output.float() - wanted)[rows].abs().max() <= 0.02 * wanted.abs().max()
    assert weights.isfinite().all()
    assert all(value.grad.isfinite().all() for value in mixer.parameters() if value.grad is not None)
    assert leaf.grad.isfinite().all()


@pytest.mark.parametrize(("text", "site"), CASES, ids=site_name)
def test_activation_checkpointing_changes_nothing(text, site):
    mixer = make(text, site, torch.float64)
    gradients = []
    for run in (lambda x: mixer(x, x)[0], lambda x: checkpoint(lambda y: mixer(y, y)[0], x, use_reentrant=False)):
        leaf = make_inputs(site, 2, 5, 5, 16)[0].requires_grad_()
        mixer.zero_grad(set_to_none=True)
        run(leaf).square().sum().backward()
        gradients.append([leaf.grad, *(value.grad for value in mixer.parameters())])
    assert all(torch.equal(one, other) for one, other in zip(*gradients, strict=True))
    assert error(gradients[0][0], torch.zeros_like(gradients[0][0])) > 0


@pytest.mark.parametrize("need_weights", [False, True])
@pytest.mark.parametrize("site", SITES, ids=site_name)
@pytest.mark.parametrize("code", ALL_CODES)
def test_activation_checkpointing_changes_nothing_of_a_code(code, site, need_weights):
    """With padding, and with dropout: what is computed again drops the same weights."""
    mixer = make_mixer(code, site, dropout=0.3).train()
    query, memory = make_inputs(site, 3, 5, 7)
    padding = make_padding("left", 3, memory.shape[1])

    def run(z, x):
        return mixer(z, x, padding, need_weights=need_weights)[0]

    results = []
    for way in (run, lambda z, x: checkpoint(run, z, x, use_reentrant=False)):
        z = query.clone().requires_grad_()
        x = z if site.is_self else memory.clone().requires_grad_()
        mixer.zero_grad(set_to_none=True)
        torch.manual_seed(3)
        output = way(z, x)
        output.square().sum().backward()
        results.append([output, z.grad, x.grad, *(value.grad for value in mixer.parameters())])
    for one, other in zip(*results, strict=True):
        assert (one is None and other is None) or torch.equal(one, other)
