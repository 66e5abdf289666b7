"""Equation and survival on shapes, codes, paddings and number types that nobody chose by hand."""

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nmt_attn.attention import KeyValueCache
from nmt_attn.spec import ALL_CODES

from .cases import SITES, defined_rows, error, expected, make_inputs, make_mixer

TOLERANCE = {torch.float64: 1e-10, torch.float32: 2e-5, torch.float16: 2e-2, torch.bfloat16: 1.5e-1}


@st.composite
def problems(draw):
    """A mixer with its inputs: code, site, shapes, padding with garbage, window, clipping, number type."""
    site = draw(st.sampled_from(SITES))
    heads = draw(st.integers(1, 3))
    dim = heads * draw(st.sampled_from([2, 4, 6]))
    batch, keys = draw(st.integers(1, 3)), draw(st.integers(1, 7))
    queries = keys if site.is_self else draw(st.integers(1, 7))
    dtype = draw(st.sampled_from(list(TOLERANCE)))
    amounts = draw(st.lists(st.integers(0, keys), min_size=batch, max_size=batch))
    sides = draw(st.lists(st.booleans(), min_size=batch, max_size=batch))
    padding = torch.zeros(batch, keys, dtype=torch.bool)
    for row, (amount, left) in enumerate(zip(amounts, sides, strict=True)):
        columns = slice(0, amount) if left else slice(keys - amount, keys)
        padding[row, columns] = True
    return {
        "code": draw(st.sampled_from(ALL_CODES)),
        "site": site,
        "shape": (batch, queries, keys, dim, heads),
        "key_dim": 0 if site.is_self else draw(st.sampled_from([0, 1, 5])),
        "dtype": dtype,
        "padding": draw(st.sampled_from([padding, padding, None])),
        "garbage": draw(st.sampled_from([0.0, 1e4, float("nan"), float("inf"), float("-inf")])),
        "window": draw(st.none() | st.integers(0, 7)),
        "max_distance": draw(st.none() | st.integers(1, 7)),
        "seed": draw(st.integers(0, 1000)),
        "training": draw(st.booleans()),
        "strided": draw(st.booleans()),
    }


def check(problem):
    code, site, dtype, padding = (problem[name] for name in ("code", "site", "dtype", "padding"))
    batch, queries, keys, dim, heads = problem["shape"]
    mixer = make_mixer(
        code,
        site,
        dim,
        heads,
        problem["key_dim"],
        dtype=dtype,
        seed=problem["seed"],
        window=problem["window"],
        max_distance=problem["max_distance"],
    ).train(problem["training"])
    query, memory = make_inputs(site, batch, queries, keys, dim, problem["key_dim"], dtype, problem["seed"])
    wanted, wanted_weights = expected(mixer, code, query, memory, padding)
    rows = defined_rows(site, padding, wanted_weights)
    if padding is not None:
        memory = memory.masked_fill(padding[..., None], problem["garbage"])
    if problem["strided"]:
        memory = memory.transpose(0, 1).contiguous().transpose(0, 1)
    if site.is_self:
        query = memory
    with torch.set_grad_enabled(problem["training"]):
        output, weights = mixer(query, memory, padding=padding, need_weights=True)
        quick, _ = mixer(query, memory, padding=padding)
    by_query, wanted_by_query = weights.transpose(1, 2)[rows], wanted_weights.transpose(1, 2)[rows]
    tolerance = TOLERANCE[dtype]
    assert output.dtype == weights.dtype == dtype
    assert output[rows].isfinite().all()
    assert error(output[rows], wanted[rows]) <= tolerance
    assert error(quick[rows], wanted[rows]) <= tolerance
    assert error(by_query, wanted_by_query) <= tolerance
    assert not by_query[wanted_by_query == 0].any()
    total = by_query.double().sum(-1)
    assert error(total, wanted_by_query.sum(-1)) <= tolerance


def check_steps(problem, cuts):
    """The same problem step by step, where steps are possible."""
    site, dtype, padding = problem["site"], problem["dtype"], problem["padding"]
    if site is SITES[0] or dtype not in (torch.float64, torch.float32):
        return
    batch, queries, keys, dim, heads = problem["shape"]
    mixer = make_mixer(
        problem["code"],
        site,
        dim,
        heads,
        problem["key_dim"],
        dtype=dtype,
        window=problem["window"],
        max_distance=problem["max_distance"],
    )
    query, memory = make_inputs(site, batch, queries, keys, dim, problem["key_dim"], dtype, problem["seed"])
    wanted, _ = mixer(query, memory, padding=padding)
    rows = torch.ones(batch, queries, dtype=torch.bool)
    if site.is_self and padding is not None:
        rows = ~padding
    cache, parts = KeyValueCache(), []
    ends = sorted({cut for cut in cuts if 0 < cut < queries} | {queries})
    for start, end in zip([0, *ends[:-1]], ends, strict=True):
        new = query[:, start:end]
        flags = padding[:, start:end] if site.is_self and padding is not None else padding
        parts.append(mixer(new, new if site.is_self else memory, padding=flags, cache=cache)[0])
    tolerance = 1e-12 if dtype is torch.float64 else 1e-5
    assert error(torch.cat(parts, dim=1)[rows], wanted[rows]) <= tolerance


COMMON = {
    "deadline": None,
    "derandomize": True,
    "database": None,
    "suppress_health_check": [HealthCheck.too_slow],
}
CUTS = st.lists(st.integers(1, 6), max_size=4)


@given(problem=problems())
@settings(max_examples=60, **COMMON)
def test_any_problem_computes_the_formula(problem):
    check(problem)


@given(problem=problems(), cuts=CUTS)
@settings(max_examples=60, **COMMON)
def test_any_problem_can_be_cut_into_steps(problem, cuts):
    check_steps(problem, cuts)


@pytest.mark.slow
@given(problem=problems())
@settings(max_examples=500, **COMMON)
def test_five_hundred_problems_compute_the_formula(problem):
    check(problem)


@pytest.mark.slow
@given(problem=problems(), cuts=CUTS)
@settings(max_examples=500, **COMMON)
def test_five_hundred_problems_can_be_cut_into_steps(problem, cuts):
    check_steps(problem, cuts)
