"""Survival: 16-bit numbers cost no more precision here than in plain attention."""

import pytest
import torch
from torch.nn.functional import linear, scaled_dot_product_attention

from nmt_attn.spec import ALL_CODES, Site

from .cases import SITES, make_inputs, make_mixer, make_padding, site_name

LOW = (torch.float16, torch.bfloat16)
SEEDS = range(6)
LENGTH = 33


def root_mean_square(tensor):
    return tensor.double().square().mean().sqrt().item()


def plain_attention(mixer, query, memory, causal):
    """The same values and output layer, code 1000 with the same two projections, by torch."""
    torch_heads = (mixer.spec.heads, -1)
    queries, keys, values = (
        linear(tensor, layer.weight).unflatten(-1, torch_heads).transpose(1, 2)
        for tensor, layer in (
            (query, mixer.query_projection),
            (memory, mixer.key_projection),
            (memory, mixer.value_projection),
        )
    )
    mixed = scaled_dot_product_attention(queries, keys, values, is_causal=causal)
    joined = mixed.transpose(1, 2).flatten(-2)
    return linear(joined, mixer.output_projection.weight, mixer.output_projection.bias)


def low_precision_errors(code, site, dtype, need_weights):
    """Errors of our code and of the plain reference against float64, over several mixers."""
    ours, plain = [], []
    for seed in SEEDS:
        query, memory = make_inputs(site, 2, LENGTH, LENGTH + 4, 16, dtype=dtype, seed=seed)
        mixer = make_mixer(code, site, 16, 2, dtype=dtype, seed=seed)
        output, _ = mixer(query, memory, need_weights=need_weights)
        z = query.double()
        x = z if site.is_self else memory.double()
        exact, _ = mixer.double()(z, x)
        ours.append((output - exact).flatten())

        reference = make_mixer("1000", site, 16, 2, dtype=dtype, seed=seed)
        output = plain_attention(reference, query, memory, site.is_causal)
        exact = plain_attention(reference.double(), z, x, site.is_causal)
        plain.append((output - exact).flatten())
    return torch.cat(ours), torch.cat(plain)


@pytest.mark.parametrize("need_weights", [False, True])
@pytest.mark.parametrize("dtype", LOW, ids=str)
@pytest.mark.parametrize("site", SITES, ids=site_name)
@pytest.mark.parametrize("code", ALL_CODES)
def test_the_error_is_at_most_twice_that_of_plain_attention(code, site, dtype, need_weights):
    ours, plain = low_precision_errors(code, site, dtype, need_weights)
    assert root_mean_square(ours) <= 2 * root_mean_square(plain)


@pytest.mark.parametrize("dtype", LOW, ids=str)
@pytest.mark.parametrize("code", ["0100", "0001", "0101", "1111"])
def test_long_distances_keep_their_precision(code, dtype):
    """Not every distance beyond 256 is a 16-bit number: the sinusoids must be taken before rounding."""
    length, far = 400, 257
    mixer = make_mixer(code, Site.ENCODER_SELF, 8, 2, dtype=dtype)
    inputs, _ = make_inputs(Site.ENCODER_SELF, 1, length, length, 8, dtype=dtype)
    _, weights = mixer(inputs, inputs, need_weights=True)
    _, exact = mixer.double()(inputs.double(), inputs.double(), need_weights=True)
    error = (weights.double().clamp(min=1e-7).log() - exact.clamp(min=1e-7).log()).abs()
    ends = torch.cat([error[0, :, 0, far:], error[0, :, -1, :-far]], dim=-1)
    assert ends.mean() <= {torch.float16: 0.002, torch.bfloat16: 0.015}[dtype]


@pytest.mark.parametrize("code", ["0100", "0001", "1111"])
def test_long_distances_are_exact_to_single_precision(code):
    length = 600
    mixer = make_mixer(code, Site.ENCODER_SELF, 8, 2, dtype=torch.float32)
    inputs, _ = make_inputs(Site.ENCODER_SELF, 1, length, length, 8, dtype=torch.float32)
    _, weights = mixer(inputs, inputs, need_weights=True)
    _, exact = mixer.double()(inputs.double(), inputs.double(), need_weights=True)
    assert (weights.double() / exact - 1).abs().max() <= 2e-5


@pytest.mark.parametrize("need_weights", [False, True])
@pytest.mark.parametrize("kind", ["no", "left", "right"])
@pytest.mark.parametrize("site", SITES, ids=site_name)
@pytest.mark.parametrize("code", ALL_CODES)
def test_autocast_runs_and_stays_close(code, site, kind, need_weights):
    mixer = make_mixer(code, site, dtype=torch.float32)
    query, memory = make_inputs(site, 3, 5, 7, dtype=torch.float32)
    padding = make_padding(kind, 3, memory.shape[1])
    wanted, wanted_weights = mixer(query, memory, padding=padding, need_weights=True)
    leaf = query.clone().requires_grad_()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        output, weights = mixer(leaf, leaf if site.is_self else memory, padding, need_weights=need_weights)
    output.float().square().sum().backward()
    rows = ~padding if site.is_self and padding is not None else torch.ones(query.shape[:2], dtype=torch.bool)
    assert (output.float() - wanted)[rows].abs().max() <= 0.06
    assert all(value.grad.isfinite().all() for value in mixer.parameters() if value.grad is not None)
    if site.is_self:
        assert leaf.grad.isfinite().all()
    if need_weights:
        difference = (weights.float() - wanted_weights).transpose(1, 2)[rows]
        assert difference.abs().max() <= 0.03
