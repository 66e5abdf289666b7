"""The analytic costs are those of the real modules."""

import itertools

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from nmt_attn.analysis.cost import Workload, attention_cost, preset_cost
from nmt_attn.attention import GeneralizedAttention
from nmt_attn.presets import PRESETS, SIZES
from nmt_attn.spec import ALL_CODES, AttentionSpec, Site, Terms
from tests.models import toy


@pytest.mark.parametrize(("code", "site"), itertools.product(ALL_CODES, Site))
def test_multiply_adds_of_a_site_are_half_of_the_counted_flops(code: str, site: Site) -> None:
    spec = AttentionSpec(site, Terms.parse(code), dim=16, heads=4, key_dim=0 if site.is_self else 12)
    mixer = GeneralizedAttention(spec)
    query = torch.randn(1, 7, 16)
    memory = query if site.is_self else torch.randn(1, 9, 12)
    with FlopCounterMode(display=False) as counter:
        mixer(query, memory)
    cost = attention_cost(spec, query.shape[1], memory.shape[1])
    assert 2 * cost.multiply_adds == counter.get_total_flops()
    assert cost.parameters == sum(parameter.numel() for parameter in mixer.parameters())


@pytest.mark.parametrize("name", PRESETS)
def test_parameters_of_an_architecture_are_those_of_the_real_model(name: str) -> None:
    with torch.device("meta"):
        model = toy.build(name, small=False)
    work = Workload(vocabulary=len(toy.dictionary()))
    assert preset_cost(PRESETS[name], work).parameters == sum(p.numel() for p in model.parameters())


@pytest.mark.parametrize("code", ["1111", "0010"])
def test_multiply_adds_of_a_model_are_half_of_the_counted_flops(code: str) -> None:
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
