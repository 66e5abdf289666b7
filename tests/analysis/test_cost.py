"""The analytic costs are those of the real modules."""

import itertools

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from nmt_attn.analysis.cost import Workload, mixer_cost, preset_cost
from nmt_attn.attention import GeneralizedAttention, build_mixer
from nmt_attn.notation import Shape, layer_specs
from nmt_attn.presets import PRESETS, SIZES
from nmt_attn.spec import ALL_CODES, AttentionSpec, ConvolutionSpec, Site, Terms
from tests.models import toy


@pytest.mark.parametrize(("code", "site"), itertools.product(ALL_CODES, Site))
def test_multiply_adds_of_a_site_are_half_of_the_counted_flops(
    code: str, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    if code not in ("0000", "0010"):  # the counter does not see torch's fused attention
        monkeypatch.setenv("NMT_ATTN_PATH", "matmul")
    spec = AttentionSpec(site, Terms.parse(code), dim=16, heads=4, key_dim=0 if site.is_self else 12)
    mixer = GeneralizedAttention(spec)
    query = torch.randn(1, 7, 16)
    memory = query if site.is_self else torch.randn(1, 9, 12)
    with FlopCounterMode(display=False) as counter:
        mixer(query, memory)
    cost = mixer_cost(spec, query.shape[1], memory.shape[1])
    assert 2 * cost.multiply_adds == counter.get_total_flops()
    assert cost.parameters == sum(parameter.numel() for parameter in mixer.parameters())


MIXERS = ("1111:key-position", "0000:key-position", "shaw", "0001:positions=shaw", "1111:positions=shaw", "alibi", "t5")
MIXERS += (
    "gaussian",
    "synthesizer:distance=9",
    "fixed",
    "0001:positions=fixed",
    "0011:positions=fixed",
    "0000:window=2",
)


@pytest.mark.parametrize(
    ("text", "site"),
    [
        (text, site)
        for text, site in itertools.product(MIXERS, (Site.ENCODER_SELF, Site.DECODER_SELF))
        if "fixed" not in text or not site.is_causal
    ],
)
def test_multiply_adds_of_patterns_are_half_of_the_counted_flops(text: str, site: Site) -> None:
    (spec,) = layer_specs(text, site, 1, Shape(dim=16, heads=4), "")
    mixer, query = build_mixer(spec), torch.randn(1, 7, 16)
    with FlopCounterMode(display=False) as counter:
        mixer(query, query)
    cost = mixer_cost(spec, 7, 7)
    assert 2 * cost.multiply_adds == counter.get_total_flops()
    assert cost.parameters == sum(parameter.numel() for parameter in mixer.parameters())


@pytest.mark.parametrize("site", [Site.ENCODER_SELF, Site.DECODER_SELF])
@pytest.mark.parametrize("text", ["conv", "conv:kernel=9:window=2", "deform", "light:kernel=5", "dynamic:kernel=5"])
def test_multiply_adds_of_convolutions_are_those_of_a_sum_over_taps(text: str, site: Site) -> None:
    """The counter sees the matrix products but not the sums over taps, written out here."""
    (spec,) = layer_specs(text, site, 1, Shape(dim=16, heads=4), "")
    assert isinstance(spec, ConvolutionSpec)
    tokens = 150  # so long that no matrix of weights by key is formed
    mixer, query = build_mixer(spec), torch.randn(1, tokens, 16)
    with FlopCounterMode(display=False) as counter:
        mixer(query, query)
    over_taps = {"conv": 0, "deform": 2, "light": 1, "dynamic": 1}[spec.kind.value] * tokens * len(spec.taps) * 16
    cost = mixer_cost(spec, tokens, tokens)
    assert 2 * (cost.multiply_adds - over_taps) == counter.get_total_flops()
    assert cost.parameters == sum(parameter.numel() for parameter in mixer.parameters())


@pytest.mark.parametrize("name", PRESETS)
def test_parameters_of_an_architecture_are_those_of_the_real_model(name: str) -> None:
    with torch.device("meta"):
        model = toy.build(name, small=False)
    work = Workload(vocabulary=len(toy.dictionary()))
    assert preset_cost(PRESETS[name], work).parameters == sum(p.numel() for p in model.parameters())


@pytest.mark.parametrize("code", ["1111", "0010"])
def test_multiply_adds_of_a_model_are_half_of_the_counted_flops(code: str) -> None:
    """Of the codes here all sites are computed by paths that the counter sees."""
    model = toy.build(f"nmt_attn_tiny_self{code}", small=False)
    vocabulary = toy.dictionary()
    tokens = torch.full((1, 6), vocabulary.nspecial)
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        model(tokens, torch.tensor([6]), tokens)
    cost = preset_cost(PRESETS[f"nmt_attn_tiny_self{code}"], Workload(6, 6, len(vocabulary)))
    assert 2 * cost.multiply_adds == counter.get_total_flops()


def test_a_code_with_fewer_terms_never_costs_more() -> None:
    work = Workload()
    for size in SIZES:
        for kind, less, more in itertools.product(("self", "cross"), ALL_CODES, ALL_CODES):
            if all(a <= b for a, b in zip(less, more, strict=True)):
                low, high = (preset_cost(PRESETS[f"nmt_attn_{size}_{kind}{code}"], work) for code in (less, more))
                assert low.multiply_adds <= high.multiply_adds
                assert low.parameters <= high.parameters
