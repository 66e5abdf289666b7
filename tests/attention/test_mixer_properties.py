"""Equation and invariance of every mixer, on problems that nobody chose by hand: formula, padding, causality, steps."""

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nmt_attn.spec import Site

from .cases import error, gradients
from .mixer_problems import LONG, Problem, expected, problems
from .test_padding import padded, real

DTYPES = (torch.float64, torch.float32, torch.float16, torch.bfloat16)
# Of the largest number that is wanted, or of 1.
FORMULA = {torch.float64: 1e-10, torch.float32: 2e-5, torch.float16: 2e-2, torch.bfloat16: 1.5e-1}
SAME = {torch.float64: 1e-12, torch.float32: 1e-5}
PADDED = {torch.float64: 1e-12, torch.float32: 1e-6}
SELF = (Site.ENCODER_SELF, Site.DECODER_SELF)
DECODER = (Site.DECODER_SELF, Site.CROSS)


def distance(actual: torch.Tensor, wanted: torch.Tensor) -> float:
    size = wanted.double().abs().max().item() if wanted.numel() else 1.0
    return error(actual, wanted) / max(1.0, size)


def check_formula(problem: Problem) -> None:
    mixer = problem.mixer()
    query, memory = problem.inputs()
    output, weights, rows = expected(mixer, query, memory, problem.padding)
    if problem.padding is not None:
        memory = memory.masked_fill(problem.padding[..., None], problem.garbage)
    query = memory if problem.site.is_self else query
    shown, found = mixer(query, memory, padding=problem.padding, need_weights=True)
    with torch.no_grad():
        quick, nothing = mixer(query, memory, padding=problem.padding)
    tolerance = FORMULA[problem.dtype]
    assert nothing is None
    assert shown.dtype == quick.dtype == problem.dtype
    assert distance(shown[rows], output[rows]) <= tolerance
    assert distance(quick[rows], output[rows]) <= tolerance
    by_query, wanted = found.transpose(1, 2)[rows], weights.transpose(1, 2)[rows]
    assert distance(by_query, wanted) <= tolerance


def check_padding(problem: Problem, amount: int, side: str) -> None:
    mixer = problem.mixer()
    query, memory = problem.inputs()
    wanted, _ = mixer(query, memory)
    long, padding = padded(memory, amount, side, problem.garbage)
    output, _ = mixer(long if problem.site.is_self else query, long, padding=padding)
    if problem.site.is_self:
        output = real(output, amount, side, problem.keys)
    assert distance(output, wanted) <= PADDED[problem.dtype]


def check_causality(problem: Problem, place: int) -> None:
    """From a position on all is other, garbage too."""
    mixer = problem.mixer()
    inputs, _ = problem.inputs()
    place %= problem.keys
    other = inputs.clone()
    other[:, place] = problem.garbage
    other[:, place + 1 :] += 1.0
    before, _ = mixer(inputs, inputs, padding=problem.padding)
    after, _ = mixer(other, other, padding=problem.padding)
    rows = problem.real_rows()[:, :place]
    assert torch.equal(after[:, :place][rows], before[:, :place][rows])


def check_steps(problem: Problem, cuts: list[int]) -> None:
    mixer = problem.mixer()
    query, memory = problem.inputs()
    wanted, _ = mixer(query, memory, padding=problem.padding)
    cache, parts = mixer.new_cache(), []
    ends = sorted({cut for cut in cuts if 0 < cut < problem.queries} | {problem.queries})
    with torch.no_grad():
        for start, end in zip([0, *ends[:-1]], ends, strict=True):
            new, flags = query[:, start:end], problem.padding
            if problem.site.is_self and flags is not None:
                flags = flags[:, start:end]
            parts.append(mixer(new, new if problem.site.is_self else memory, padding=flags, cache=cache)[0])
    rows = problem.real_rows()
    assert distance(torch.cat(parts, dim=1)[rows], wanted[rows]) <= SAME[problem.dtype]


def check_gradients(problem: Problem) -> None:
    mixer = problem.mixer().train()
    query, memory = problem.inputs()
    if problem.padding is not None:
        memory = memory.masked_fill(problem.padding[..., None], problem.garbage)
    query = memory if problem.site.is_self else query
    rows = problem.real_rows()
    found = gradients(mixer, query, memory, lambda output: output[rows].square().sum(), problem.padding)
    for name, gradient in found.items():
        assert gradient.isfinite().all(), name
    if problem.padding is not None:
        assert not found["memory"][problem.padding].any()


COMMON = {
    "deadline": None,
    "derandomize": True,
    "database": None,
    "suppress_health_check": [HealthCheck.too_slow],
}
CHECKS = {
    "computes its formula": (check_formula, {"problem": problems(dtypes=DTYPES)}),
    "does not see padding": (
        check_padding,
        {
            "problem": problems(is_padded=False, longer=LONG),
            "amount": st.integers(0, 9) | st.just(64),
            "side": st.sampled_from(["left", "right"]),
        },
    ),
    "sees nothing that comes later": (
        check_causality,
        {"problem": problems((Site.DECODER_SELF,), longer=LONG), "place": st.integers(0, 200)},
    ),
    "can be cut into steps": (
        check_steps,
        {"problem": problems(DECODER, longer=LONG), "cuts": st.lists(st.integers(1, 129), max_size=9)},
    ),
    "has finite gradients": (check_gradients, {"problem": problems(longer=LONG)}),
}


def run(name: str, examples: int) -> None:
    check, strategies = CHECKS[name]
    settings(max_examples=examples, **COMMON)(given(**strategies)(check))()


@pytest.mark.parametrize("name", CHECKS)
def test_any_mixer(name: str) -> None:
    run(name, 40)


@pytest.mark.slow
@pytest.mark.parametrize("name", CHECKS)
def test_any_mixer_in_five_hundred_problems(name: str) -> None:
    run(name, 500)
