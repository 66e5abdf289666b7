"""Survival: torch.compile with dynamic shapes changes neither outputs nor gradients."""

import shutil

import pytest
import torch
from torch import Tensor

from nmt_attn.spec import ALL_CODES, Site

from .cases import SITES, error, make_inputs, make_padding, site_name
from .test_mixer_low_precision import CASES, make

SHAPES = ((2, 5), (3, 8), (1, 7), (4, 13))  # batch, length
MIXERS = [*((code, site) for code in ALL_CODES for site in SITES), *CASES]


def check(text: str, site: Site, backend: str, most: float, shapes: tuple[tuple[int, int], ...] = SHAPES) -> None:
    torch._dynamo.reset()
    mixer = make(text, site, torch.float64)
    compiled = torch.compile(mixer, dynamic=True, backend=backend)
    for batch, length in shapes:
        query, memory = make_inputs(site, batch, length, length + 2, 16)
        leaves = [query.requires_grad_()] if site.is_self else [query.requires_grad_(), memory.requires_grad_()]
        for padding in (None, make_padding("left", batch, memory.shape[1])):
            rows = torch.ones(query.shape[:2], dtype=torch.bool)
            if site.is_self and padding is not None:
                rows = ~padding
            results: list[list[Tensor | None]] = []
            for module in (mixer, compiled):
                output = module(query, memory, padding=padding)[0][rows]
                found = torch.autograd.grad(output.square().sum(), [*leaves, *mixer.parameters()], allow_unused=True)
                results.append([output, *found])
            for wanted, actual in zip(*results, strict=True):
                assert (wanted is None) == (actual is None)
                assert wanted is None or error(actual, wanted) <= most


def test_a_compiled_mixer_takes_any_shape() -> None:
    check("1000", Site.ENCODER_SELF, "eager", 0.0, SHAPES[:2])


@pytest.mark.slow
@pytest.mark.parametrize(("text", "site"), MIXERS, ids=site_name)
def test_every_compiled_mixer_takes_any_shape(text: str, site: Site) -> None:
    check(text, site, "eager", 0.0)


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("g++") is None, reason="needs a C++ compiler")
@pytest.mark.parametrize("text", ["1111", "deform", "dynamic", "t5"])
def test_a_mixer_in_machine_code_computes_the_same_up_to_rounding(text: str) -> None:
    check(text, Site.DECODER_SELF, "inductor", 1e-11)
