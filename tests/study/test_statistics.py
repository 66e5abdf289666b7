"""Contrasts of scores over seeds, and what may be said of them: closed forms, boundaries, and errors by simulation."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import product
from math import inf, nan, sqrt

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.weightstats import ttost_ind

from nmt_attn.spec import SpecError
from nmt_attn.study.margins import Margins
from nmt_attn.study.statistics import Cells, Contrast, holm, main_effects, varying
from nmt_attn.study.verdicts import Verdict, Word, exploratory_verdict, verdict

MARGINS = Margins()
CODES = ["".join(digits) for digits in product("01", repeat=4)]
FIRST, SECOND = [27.31, 27.02, 27.55, 27.18], [26.4, 27.1, 26.9]


def _table(seed: int, cells: int = 16, runs: int = 3, deviation: float = 0.2) -> np.ndarray:
    return 27 + np.random.default_rng(seed).normal(0, deviation, (cells, runs))


def _cells(table: np.ndarray) -> Cells:
    """Cells by the name of their code."""
    return Cells(dict(zip(CODES, table.tolist(), strict=False)))


# Closed forms


def test_margins_that_are_not_in_order_are_refused() -> None:
    with pytest.raises(SpecError, match=r"margins must be 0 < strict <= negligible <= vital, not strict 0\.6, neg"):
        Margins(strict=0.6)


def test_two_cells_are_students_test() -> None:
    contrast = Cells({"a": FIRST, "b": SECOND}).difference("a", "b")
    student = stats.ttest_ind(FIRST, SECOND)
    assert contrast.degrees == student.df == 5
    assert contrast.p_different == pytest.approx(student.pvalue, rel=1e-9)
    assert contrast.difference / contrast.standard_error == pytest.approx(student.statistic, rel=1e-9)
    for level in (0.9, 0.95, 0.5):
        wanted = student.confidence_interval(level)
        assert contrast.interval(level) == pytest.approx((wanted.low, wanted.high), rel=1e-9)
    assert contrast.lower_bound == pytest.approx(
        stats.ttest_ind(FIRST, SECOND, alternative="greater").confidence_interval(0.95).low, rel=1e-9
    )
    shifted = [score + 0.2 for score in SECOND]
    above = stats.ttest_ind(FIRST, shifted, alternative="greater").pvalue
    assert contrast.p_above(0.2) == pytest.approx(above, rel=1e-9)


@pytest.mark.parametrize("margin", [0.1, 0.5, 1.0, 3.0])
@pytest.mark.parametrize("first", [FIRST, SECOND])
def test_equivalence_of_two_cells_is_that_of_statsmodels(first: list[float], margin: float) -> None:
    second = SECOND if first is FIRST else FIRST
    p = Cells({"a": first, "b": second}).difference("a", "b").p_equivalent(margin)
    assert p == pytest.approx(ttost_ind(np.array(first), np.array(second), -margin, margin)[0], rel=1e-9)


@pytest.mark.parametrize("second", [SECOND, [26.5, 26.5, 26.5], [20.0, 31.0]])
def test_welch_is_scipys_and_takes_no_other_cell(second: list[float]) -> None:
    contrast = Cells({"a": FIRST, "b": second, "c": [0.0, 100.0]}).welch("a", "b")
    wanted = stats.ttest_ind(FIRST, second, equal_var=False)
    assert contrast.degrees == pytest.approx(wanted.df, rel=1e-9)
    assert contrast.p_different == pytest.approx(wanted.pvalue, rel=1e-9)
    assert contrast.interval(0.95) == pytest.approx(tuple(wanted.confidence_interval(0.95)), rel=1e-9)


def test_the_variance_is_pooled_over_all_cells_worked_by_hand() -> None:
    """Squares 2 + 8 + 0 within the cells, 2 + 1 + 0 degrees: s^2 = 10/3."""
    cells = Cells({"a": [1, 2, 3], "b": [5, 9], "c": [4]})
    assert cells.degrees == 3
    assert cells.deviation == pytest.approx(sqrt(10 / 3))
    contrast = cells.difference("a", "c")
    assert contrast.difference == -2
    assert contrast.standard_error == pytest.approx(sqrt(10 / 3 * (1 / 3 + 1)))
    weighted = cells.contrast({"a": 2.0, "b": -0.5})
    assert weighted.difference == 0.5
    assert weighted.standard_error == pytest.approx(sqrt(10 / 3 * (4 / 3 + 0.25 / 2)))


def test_the_variance_of_a_pool_serves_contrasts_of_others_too() -> None:
    """Squares 2 + 8 within the pool, 2 + 1 degrees; the zeros of c and the spread of d count for nothing."""
    cells = Cells({"a": [1, 2, 3], "b": [5, 9], "c": [0, 0, 0, 0], "d": [0, 50]}, ["b", "a"])
    assert cells.pool == ["a", "b"]
    assert cells.degrees == 3
    assert cells.deviation == pytest.approx(sqrt(10 / 3))
    contrast = cells.difference("a", "c")
    assert (contrast.difference, contrast.degrees) == (2, 3)
    assert contrast.standard_error == pytest.approx(sqrt(10 / 3 * (1 / 3 + 1 / 4)))
    assert Cells(cells.scores, ["c"]).difference("a", "b").standard_error == 0
    single = Cells({"a": [1], "b": [1, 2]}, ["a"])
    assert (single.deviation, single.degrees, single.difference("a", "b").standard_error) == (None, 0, inf)
    for pool in ([], ["x"], ["a", "x"]):
        with pytest.raises(SpecError, match="pool must be among a, b, not "):
            Cells({"a": [1, 2], "b": [2, 3]}, pool)


def test_equal_variances_are_tested_within_the_pool() -> None:
    scores = {"a": [1, 2, 4], "b": [3, 8, 5]}
    wanted = Cells(scores).unequal_variances()
    assert Cells({**scores, "dead": [0, 0, 0.1]}, ["a", "b"]).unequal_variances() == wanted
    assert Cells({**scores, "dead": [0, 0, 0.1]}).unequal_variances() != wanted


def test_models_below_half_of_the_references_mean_estimate_no_variance() -> None:
    scores = {"a": [10.0, 12.0], "half": [5.5], "below": [5.49], "better": [30.0]}
    assert varying(scores, "a") == ["a", "half", "better"]
    assert varying(scores, "absent") == list(scores)
    assert varying({"a": [0.0], "b": [0.0]}, "a") == ["a", "b"]


def test_an_interaction_has_the_error_of_four_means() -> None:
    table = _table(1)
    cells = _cells(table)
    contrast = cells.interaction(("1111", "0111"), ("1110", "0110"))
    means, error = dict(zip(CODES, table.mean(1), strict=True)), sqrt(table.var(1, ddof=1).mean())
    assert contrast.difference == pytest.approx(means["1111"] - means["0111"] - means["1110"] + means["0110"])
    assert contrast.standard_error == pytest.approx(error * sqrt(4 / 3))


def test_an_interaction_that_shares_its_reference_has_the_error_of_two_means() -> None:
    cells = _cells(_table(1))
    shared = cells.interaction(("1111", "0111"), ("1111", "0110"))
    plain = cells.difference("0110", "0111")
    assert shared.difference == pytest.approx(plain.difference)
    assert shared.standard_error == pytest.approx(plain.standard_error)


def test_main_effects_of_an_additive_factorial_are_recovered() -> None:
    """Residuals that add up to zero in each cell leave the means exact: s^2 = (0.1^2 + 0.1^2) / 2."""
    sizes = (4.0, -0.5, 0.25, 0.0)
    means = {code: 20 + sum(size * int(digit) for size, digit in zip(sizes, code, strict=True)) for code in CODES}
    scores = {f"model {code}": [center + step for step in (0.1, -0.1, 0)] for code, center in means.items()}
    effects = main_effects(Cells({**scores, "another": [3.0]}), {f"model {code}": code for code in CODES})
    assert list(effects) == ["E1", "E2", "E3", "E4"]
    for size, effect in zip(sizes, effects.values(), strict=True):
        assert effect.difference == pytest.approx(size, abs=1e-12)
        assert effect.standard_error == pytest.approx(0.1 * sqrt(2 / (8 * 3)))
        assert effect.degrees == 32


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"0111": None}, r"each of the 16 codes once \(missing: 0111\)"),
        ({"0111": "1111"}, r"once \(missing: 0111; twice: 1111\)"),
        ({"0111": "deform"}, r"once \(missing: 0111; unknown: deform\)"),
    ],
)
def test_main_effects_need_the_whole_factorial(change: dict[str, str | None], message: str) -> None:
    codes = {code: change.get(code, code) for code in CODES}
    with pytest.raises(SpecError, match=message):
        main_effects(_cells(_table(1)), {model: code for model, code in codes.items() if code is not None})
    with pytest.raises(SpecError, match="must be one of 0000, .* not x"):
        main_effects(_cells(_table(1)), {("x" if code == "0000" else code): code for code in CODES})


def test_random_tables_agree_with_the_formulas() -> None:
    """Of any number of cells and runs, and any weights."""
    draw = np.random.default_rng(5)
    for _ in range(200):
        rows = [draw.normal(27, 0.3, size) for size in draw.integers(1, 6, size=draw.integers(2, 17))]
        if all(len(row) == 1 for row in rows):
            continue
        weights = draw.normal(size=len(rows))
        names = [f"m{number}" for number in range(len(rows))]
        contrast = Cells(dict(zip(names, rows, strict=True))).contrast(dict(zip(names, weights, strict=True)))
        degrees = sum(len(row) - 1 for row in rows)
        squares = sum(((row - row.mean()) ** 2).sum() for row in rows)
        error = sqrt(squares / degrees * sum(w**2 / len(row) for w, row in zip(weights, rows, strict=True)))
        assert contrast.difference == pytest.approx(sum(weights * [row.mean() for row in rows]), abs=1e-9)
        assert contrast.standard_error == pytest.approx(error, rel=1e-9)
        assert contrast.degrees == degrees


def test_holm_worked_by_hand() -> None:
    """Sorted 0.01, 0.02, 0.03, 0.5 times 4, 3, 2, 1: 0.04, 0.06, 0.06, 0.5; one that would fall stays."""
    adjusted = holm({"a": 0.03, "b": 0.01, "c": 0.5, "d": 0.02})
    assert adjusted == pytest.approx({"a": 0.06, "b": 0.04, "c": 0.5, "d": 0.06})
    assert list(adjusted) == ["a", "b", "c", "d"]
    assert holm({"a": 0.02, "b": 0.021}) == pytest.approx({"a": 0.04, "b": 0.04})
    assert holm({"a": 0.9, "b": 0.8}) == {"a": 1, "b": 1}
    assert holm({}) == {}


@pytest.mark.parametrize("p", [nan, -0.1, 1.1])
def test_holm_takes_probabilities_only(p: float) -> None:
    with pytest.raises(SpecError, match=f"p of a must be between 0 and 1, not {p}"):
        holm({"a": p})


def test_brown_and_forsythes_test_worked_by_hand() -> None:
    """Distances from the medians 1 0 1, 2 0 4 and 0 3 3 (means 2/3, 2, 2): F = (32/9 / 2) / (2/3 + 8 + 6) * 6."""
    cells = Cells({"a": [1, 2, 3], "b": [4, 6, 10], "c": [2, 8, 5], "pair": [0, 100], "one": [7]})
    distances = [[1, 0, 1], [2, 0, 4], [3, 3, 0]]
    assert cells.unequal_variances() == pytest.approx(stats.f_oneway(*distances).pvalue)
    assert cells.unequal_variances() == pytest.approx(stats.f.sf(32 / 9 / 2 / ((2 / 3 + 8 + 6) / 6), 2, 6))


@pytest.mark.parametrize(
    "scores",
    [
        {"a": [1, 2, 3]},
        {"a": [1, 2, 3], "b": [1, 2]},
        {"a": [1, 2], "b": [3, 5], "c": [6, 7]},
        {"a": [1, 1, 1], "b": [2, 2, 2]},
    ],
)
def test_variances_are_not_compared_where_they_cannot_be(scores: dict[str, list[float]]) -> None:
    assert Cells(scores).unequal_variances() is None


# Scores that allow no inference


def test_single_runs_have_a_difference_and_no_inference() -> None:
    cells = Cells({"a": [27.0], "b": [26.5]})
    assert cells.deviation is None
    assert cells.degrees == 0
    for contrast in (cells.difference("a", "b"), cells.welch("a", "b")):
        assert contrast.difference == 0.5
        assert contrast.interval() == (-inf, inf)
        assert contrast.lower_bound == -inf
        assert contrast.p_different == contrast.p_above(0) == contrast.p_equivalent(9) == 1


def test_a_single_run_beside_repeated_ones_takes_their_deviation_but_not_by_welch() -> None:
    cells = Cells({"a": [27.0], "b": [26.5, 26.7]})
    assert cells.difference("a", "b").standard_error == pytest.approx(sqrt(0.02 * 1.5))
    assert cells.welch("a", "b").standard_error == inf


def test_equal_scores_have_intervals_without_width_and_no_nan() -> None:
    # Sums of 27.1 are not exact: the difference must be.
    cells = Cells({"a": [27.1] * 3, "b": [27.1] * 7, "c": [26.9, 26.9]})
    assert cells.deviation == 0
    for same in (cells.difference("a", "b"), cells.welch("a", "b")):
        assert (same.difference, same.standard_error) == (0, 0)
        assert same.interval() == (0, 0)
        assert (same.p_different, same.p_equivalent(0.5), same.p_above(0), same.p_above(-1)) == (1, 0, 1, 0)
    other = cells.difference("a", "c")
    assert other.interval(0.99) == (other.difference, other.difference)
    assert (other.p_different, other.p_equivalent(0.1), other.p_above(0.1)) == (0, 1, 0)


def test_at_the_margin_itself_equal_scores_are_not_equivalent() -> None:
    contrast = Contrast(0.5, 0, 4)
    assert contrast.p_equivalent(0.5) == contrast.p_above(0.5) == 1


@pytest.mark.parametrize("contrast", [Contrast(0.0, 0, 4), Contrast(30.0, 0, 4)])
def test_runs_that_do_not_differ_at_all_prove_nothing(contrast: Contrast) -> None:
    assert verdict(contrast, (3, 3), MARGINS, True) == Verdict(
        Word.INCONCLUSIVE, "the runs do not differ at all: their spread over seeds is not known"
    )


def test_the_same_run_taken_twice_is_not_negligible_although_other_cells_vary() -> None:
    cells = _cells(_table(2, runs=5))
    doubled = Cells({**cells.scores, "1111": [27.0] * 5, "0111": [27.05, 27.0, 26.9, 27.0, 27.1]})
    found = verdict(doubled.difference("1111", "0111"), (5, 5), MARGINS, True)
    assert found.word is Word.INCONCLUSIVE
    assert found.reason.endswith("inside +-0.3, but the runs of 1111 do not differ at all")


def test_an_ablation_that_changed_no_score_is_not_negligible() -> None:
    scores = _cells(_table(2)).scores
    cells = Cells({**scores, "0111": scores["1111"][::-1]})
    for contrast in (cells.difference("1111", "0111"), cells.welch("1111", "0111")):
        found = verdict(contrast, (3, 3), Margins(negligible=0.9), True)
        assert found.word is Word.INCONCLUSIVE
        assert found.reason.endswith(", but 1111 and 0111 have the same scores in all runs")
    assert cells.difference("1111", "0000").doubt == ""


def test_a_ceiling_that_one_cell_reaches_in_every_run_does_not_hide_a_loss() -> None:
    cells = Cells({"full": [100.0] * 3, "ablated": [41.0, 44.0, 39.0]})
    assert verdict(cells.difference("full", "ablated"), (3, 3), MARGINS, None).word is Word.VITAL


@pytest.mark.parametrize("wrong", [nan, inf, -inf])
def test_scores_that_are_not_finite_are_refused(wrong: float) -> None:
    with pytest.raises(SpecError, match=r"scores of b must be finite numbers, at least one, not \[1.0, -?(nan|inf)\]"):
        Cells({"a": [1, 2], "b": [1, wrong]})


def test_what_is_no_contrast_is_refused() -> None:
    cells = _cells(_table(3))
    with pytest.raises(SpecError, match=r"scores of a must be finite numbers, at least one, not \[\]"):
        Cells({"a": []})
    with pytest.raises(SpecError, match="scores must be of at least one model, not of none"):
        Cells({})
    for weights in ({}, {"1111": 0.0}, {"1111": nan}, {"1111": inf}):
        with pytest.raises(SpecError, match="weights must be finite numbers, not all of them 0, not {"):
            cells.contrast(weights)
    with pytest.raises(SpecError, match="not all of them 0"):
        cells.difference("1111", "1111")
    with pytest.raises(SpecError, match="a model of a contrast must be one of 0000, .*, not x"):
        cells.welch("1111", "x")
    for numbers in ((nan, 1, 1), (inf, 1, 1), (0, nan, 1), (0, -1, 1), (0, 1, 0), (0, 1, nan), (0, 0, 0)):
        with pytest.raises(SpecError, match="a contrast must be a finite difference with a standard error from 0 and"):
            Contrast(*numbers)
    for level in (0, 1, nan):
        with pytest.raises(SpecError, match="level must lie between 0 and 1, not "):
            Contrast(0, 1, 1).interval(level)


# Verdicts

QUANTILE = float(stats.t.isf(0.05, 10))


def _between(low: float, high: float, doubt: str = "") -> Contrast:
    """A contrast whose 90 % interval this is."""
    return Contrast((low + high) / 2, (high - low) / 2 / QUANTILE, 10, doubt)


@pytest.mark.parametrize("runs", [(1, 3), (3, 1), (1, 1), (0, 3)])
@pytest.mark.parametrize("contrast", [None, _between(-0.1, 0.1), _between(5, 6), Contrast(0, 0, 1)])
def test_a_single_run_allows_no_inference_whatever_the_numbers(
    contrast: Contrast | None, runs: tuple[int, int]
) -> None:
    found = verdict(contrast, runs, MARGINS, True)
    assert found == Verdict(Word.SINGLE, f"{runs[0]} and {runs[1]} runs, at least 2 and 2 are needed")
    assert found.word.value == "single run, no inference"


@pytest.mark.parametrize(
    ("low", "high", "control", "word", "reason"),
    [
        (-0.12, 0.31, True, Word.NEGLIGIBLE, "90 % interval -0.12 to +0.31 inside +-0.5"),
        (-0.12, 0.29, True, Word.NEGLIGIBLE, "90 % interval -0.12 to +0.29 inside +-0.5, even inside +-0.3"),
        (-0.31, 0.1, True, Word.NEGLIGIBLE, "90 % interval -0.31 to +0.10 inside +-0.5"),
        (-0.1, 0.4999, True, Word.NEGLIGIBLE, "90 % interval -0.10 to +0.4999 inside +-0.5"),
        (-0.1, 0.5001, True, Word.INCONCLUSIVE, "90 % interval -0.10 to +0.5001 neither inside +-0.5 nor above 1"),
        (-0.4999, 0, True, Word.NEGLIGIBLE, "90 % interval -0.4999 to +0.00 inside +-0.5"),
        (-0.5001, 0, True, Word.INCONCLUSIVE, "90 % interval -0.5001 to +0.00 neither inside +-0.5 nor above 1"),
        (-0.1, 0.2999, True, Word.NEGLIGIBLE, "90 % interval -0.10 to +0.2999 inside +-0.5, even inside +-0.3"),
        (-0.1, 0.3001, True, Word.NEGLIGIBLE, "90 % interval -0.10 to +0.3001 inside +-0.5"),
        (
            *(-0.12, 0.31, None, Word.INCONCLUSIVE),
            "90 % interval -0.12 to +0.31 inside +-0.5, but there is no positive control",
        ),
        (
            *(-0.12, 0.21, False, Word.INCONCLUSIVE),
            "90 % interval -0.12 to +0.21 inside +-0.5, even inside +-0.3, but the positive control was not passed",
        ),
        (0.55, 0.9, True, Word.INCONCLUSIVE, "90 % interval +0.55 to +0.90 all above 0.5, not all above 1"),
        (-9, 9, True, Word.INCONCLUSIVE, "90 % interval -9.00 to +9.00 neither inside +-0.5 nor above 1"),
        (
            *(-2, -0.6, True, Word.INCONCLUSIVE),
            "90 % interval -2.00 to -0.60, below -0.5, neither inside +-0.5 nor above 1",
        ),
        (0.9999, 3, True, Word.INCONCLUSIVE, "90 % interval +0.9999 to +3.00 all above 0.5, not all above 1"),
        (1.0001, 3, True, Word.VITAL, "lower 95 % bound +1.0001 above 1"),
        (1.31, 3, False, Word.VITAL, "lower 95 % bound +1.31 above 1"),
        (1.31, 3, None, Word.VITAL, "lower 95 % bound +1.31 above 1"),
    ],
)
def test_each_verdict_ends_where_its_margin_does(
    low: float, high: float, control: bool | None, word: Word, reason: str
) -> None:
    assert verdict(_between(low, high), (2, 2), MARGINS, control) == Verdict(word, reason)


def test_an_interval_that_only_touches_a_margin_proves_nothing() -> None:
    """Bounds of exactly 0.5, -0.5 and 1, which no rounding moves: the standard error adds nothing to a 2^-60."""
    for difference in (0.5, -0.5, 1.0):
        contrast = Contrast(difference, 2**-70, 10)
        assert contrast.interval() == (difference, difference)
        assert verdict(contrast, (3, 3), MARGINS, True).word is Word.INCONCLUSIVE


def test_the_margins_of_a_study_are_those_that_count() -> None:
    margins = Margins(negligible=2, strict=1, vital=4)
    found = verdict(_between(-0.9, 0.9), (3, 3), margins, True)
    assert found.reason == "90 % interval -0.90 to +0.90 inside +-2, even inside +-1"
    assert verdict(_between(1.5, 2.5), (3, 3), margins, True).word is Word.INCONCLUSIVE
    assert verdict(_between(4.5, 5), (3, 3), margins, True).word is Word.VITAL


def test_doubt_and_an_unknown_spread_allow_no_claim() -> None:
    found = verdict(_between(-0.1, 0.4, doubt="a and b have the same scores in all runs"), (3, 3), MARGINS, True)
    assert found.word is Word.INCONCLUSIVE
    assert found.reason.endswith("inside +-0.5, but a and b have the same scores in all runs")
    assert verdict(Contrast(0, inf, 0), (2, 2), MARGINS, True).word is Word.INCONCLUSIVE


@pytest.mark.parametrize(("absent", "told"), [(1, "1 planned run is missing"), (3, "3 planned runs are missing")])
def test_with_planned_runs_missing_nothing_is_negligible(absent: int, told: str) -> None:
    found = verdict(_between(-0.1, 0.4), (3, 2), MARGINS, True, absent)
    assert found == Verdict(Word.INCONCLUSIVE, f"90 % interval -0.10 to +0.40 inside +-0.5, but {told}")
    assert verdict(_between(1.31, 3), (3, 2), MARGINS, True, absent).word is Word.VITAL


def test_exploratory_comparisons_are_worse_or_better_or_no_claim() -> None:
    worse, better = _between(2, 3), _between(-3, -2)
    assert exploratory_verdict(worse, (3, 3), 0.0301) == Verdict(Word.WORSE, "p = 0.030 after Holm")
    assert exploratory_verdict(better, (3, 3), 0.0001) == Verdict(Word.BETTER, "p < 0.001 after Holm")
    assert exploratory_verdict(worse, (3, 3), 0.05) == Verdict(Word.NO_CLAIM, "p = 0.050 after Holm")
    assert exploratory_verdict(worse, (3, 3), None).word is Word.NO_CLAIM
    assert exploratory_verdict(worse, (3, 1), 0.01).word is Word.SINGLE


def test_a_verdict_agrees_with_its_p() -> None:
    for seed in range(300):
        contrast = _cells(_table(seed)).difference("1111", "0111")
        for shift in (0.3, 1.3):
            moved = replace(contrast, difference=contrast.difference + shift)
            word = verdict(moved, (3, 3), MARGINS, True).word
            assert (word is Word.NEGLIGIBLE) == (moved.p_equivalent(0.5) < 0.05)
            assert (word is Word.VITAL) == (moved.p_above(1.0) < 0.05)


# Errors by simulation. Counts of 10,000 have a standard deviation of 0.22 percentage points at 5 %.

REPLICATES = 10_000
TOLERANCE = 0.007


@pytest.fixture(scope="module")
def null_contrasts() -> list[Contrast]:
    """Of two of 16 cells with 3 runs and a deviation of 0.2 around the same mean, by the code that a report runs."""
    draw = np.random.default_rng(20190413)
    return [_cells(27 + draw.normal(0, 0.2, (16, 3))).difference("1111", "0111") for _ in range(REPLICATES)]


def _at(contrasts: Sequence[Contrast], difference: float) -> list[Contrast]:
    """The same samples with this true difference."""
    return [replace(contrast, difference=contrast.difference + difference) for contrast in contrasts]


def _share(words: Sequence[Verdict], word: Word) -> float:
    return sum(each.word is word for each in words) / len(words)


@pytest.mark.parametrize("margin", [0.5, -0.5])
def test_a_loss_of_the_margin_is_called_negligible_once_in_twenty(
    margin: float, null_contrasts: list[Contrast]
) -> None:
    at_margin = _at(null_contrasts, margin)
    assert np.mean([each.p_equivalent(0.5) < 0.05 for each in at_margin]) == pytest.approx(0.05, abs=TOLERANCE)
    verdicts = [verdict(each, (3, 3), MARGINS, True) for each in at_margin]
    assert _share(verdicts, Word.NEGLIGIBLE) == pytest.approx(0.05, abs=TOLERANCE)
    assert _share(verdicts, Word.VITAL) == 0


def test_a_loss_of_one_point_is_called_vital_once_in_twenty(null_contrasts: list[Contrast]) -> None:
    verdicts = [verdict(each, (3, 3), MARGINS, True) for each in _at(null_contrasts, 1.0)]
    assert _share(verdicts, Word.VITAL) == pytest.approx(0.05, abs=TOLERANCE)
    assert _share(verdicts, Word.NEGLIGIBLE) < 0.001


def test_models_that_did_not_learn_do_not_make_a_loss_negligible(monkeypatch: pytest.MonkeyPatch) -> None:
    """Four cells of exactly 0 beside two with a loss of the margin, deviation 0.4, three runs each: once 15 %."""
    monkeypatch.setattr("gc.collect", lambda: 0)
    live = np.random.default_rng(11).normal(27, 0.4, (1000, 2, 3)) + np.array([[0.5], [0.0]])
    dead = {f"dead {number}": [0.0] * 3 for number in range(4)}
    words = []
    for first, second in live:
        scores = {"full": first, "ablated": second, **dead}
        contrast = Cells(scores, varying(scores, "full")).difference("full", "ablated")
        words.append(verdict(contrast, (3, 3), MARGINS, True))
    assert _share(words, Word.NEGLIGIBLE) <= 0.05
    everything = np.concatenate([live, np.zeros((1000, 4, 3))], axis=1)
    assert _equivalent(everything) == pytest.approx(0.15, abs=0.03)


@pytest.mark.parametrize("level", [0.90, 0.95])
def test_intervals_cover_the_truth_as_often_as_they_say(level: float, null_contrasts: list[Contrast]) -> None:
    intervals = [each.interval(level) for each in null_contrasts]
    covered = np.mean([low <= 0 <= high for low, high in intervals])
    assert covered == pytest.approx(level, abs=0.01)


def _pooled(tables: np.ndarray, own: int | None = None) -> tuple[np.ndarray, np.ndarray, int]:
    """Difference of the first two cells, its standard error and degrees, of tables [replicates, cells, runs].

    own: the variance of the first so many cells only.
    """
    runs, cells = tables.shape[2], own or tables.shape[1]
    error = np.sqrt(tables[:, :cells].var(-1, ddof=1).mean(-1) * 2 / runs)
    return tables[:, 0].mean(-1) - tables[:, 1].mean(-1), error, cells * (runs - 1)


def _equivalent(tables: np.ndarray, difference: float = 0.0, own: int | None = None, margin: float = 0.5) -> float:
    found, error, degrees = _pooled(tables, own)
    return float((np.abs(found + difference) + stats.t.isf(0.05, degrees) * error < margin).mean())


def _tables(runs: int, deviation: float, replicates: int = 40_000, cells: int = 16) -> np.ndarray:
    return np.random.default_rng(7).normal(0, deviation, (replicates, cells, runs))


@pytest.mark.parametrize(
    ("runs", "deviation", "share"),
    [
        (2, 0.1, 5.0),
        (2, 0.2, 4.9),
        (3, 0.2, 5.0),
        (5, 0.2, 5.0),
        (2, 0.3, 2.0),
        (3, 0.3, 4.1),
        (3, 0.4, 0.7),
        (5, 0.4, 3.8),
    ],
)
def test_for_other_sizes_the_error_is_at_most_one_in_twenty(runs: int, deviation: float, share: float) -> None:
    """In percent; far below 5 where the interval is about as wide as the margins."""
    assert 100 * _equivalent(_tables(runs, deviation), 0.5) == pytest.approx(share, abs=0.4)


def test_not_significant_would_pass_a_loss_of_half_a_point_every_other_time() -> None:
    """47 % by Welch's test of 3 runs each, 36 % by Student's, 16 % with 16 cells: noncentral t."""
    tables = _tables(3, 0.2)
    first, second = tables[:, 0] + 0.5, tables[:, 1]
    assert (stats.ttest_ind(first, second, axis=1, equal_var=False).pvalue > 0.05).mean() == pytest.approx(
        0.47, abs=0.01
    )
    assert (stats.ttest_ind(first, second, axis=1).pvalue > 0.05).mean() == pytest.approx(0.36, abs=0.01)
    found, error, degrees = _pooled(tables)
    assert (np.abs(found + 0.5) < stats.t.isf(0.025, degrees) * error).mean() == pytest.approx(0.157, abs=0.01)
    for degrees, share in ((4, 0.364), (32, 0.157)):
        ends = stats.t.isf(0.025, degrees) * np.array([1, -1])
        passed = stats.nct.cdf(ends, degrees, 0.5 / (0.2 * sqrt(2 / 3)))
        assert passed[0] - passed[1] == pytest.approx(share, abs=0.001)


def test_three_runs_of_16_cells_have_about_the_power_of_four_of_two() -> None:
    """To call no difference negligible, in percent; with the strict margin they seldom can."""
    assert 100 * _equivalent(_tables(3, 0.2)) == pytest.approx(82, abs=1)
    assert 100 * _equivalent(_tables(3, 0.2), own=2) == pytest.approx(63, abs=1)
    assert 100 * _equivalent(_tables(4, 0.2), own=2) == pytest.approx(86, abs=1)
    assert 100 * _equivalent(_tables(5, 0.2), own=2) == pytest.approx(95, abs=1)
    assert 100 * _equivalent(_tables(3, 0.2), margin=0.3) == pytest.approx(15, abs=1)


def test_holm_keeps_the_error_of_a_family_below_one_in_twenty(monkeypatch: pytest.MonkeyPatch) -> None:
    """15 models against one reference without any effect, and with 5 effects that are real."""
    monkeypatch.setattr("gc.collect", lambda: 0)  # statsmodels collects garbage at each call, in 40 ms
    tables = _tables(3, 0.2, replicates=5000)
    names = CODES[1:]
    means, error = tables.mean(-1), np.sqrt(tables.var(-1, ddof=1).mean(-1) * 2 / 3)
    for effects in (0, 5):
        shift = np.where(np.arange(15) < effects, 1.0, 0.0)
        statistic = np.abs(means[:, 1:] - means[:, :1] + shift) / error[:, None]
        p_values = 2 * stats.t.sf(statistic, 32)
        adjusted = [holm(dict(zip(names, row, strict=True))) for row in p_values.tolist()]
        false = np.mean([any(each[name] < 0.05 for name in names[effects:]) for each in adjusted])
        assert 0.01 < false < 0.05
        assert (p_values[:, effects:] < 0.05).any(1).mean() > 0.2


def test_unequal_variances_are_hardly_found_with_few_runs() -> None:
    """With 3 runs one distance from the median in three is 0: no error, but no find either where 4 of 16 cells have
    four times the deviation of the others.
    """
    assert _unequal(3, 1) <= 0.01
    assert _unequal(3, 4) < 0.05
    assert _unequal(5, 4) > 0.6
    assert 0.01 < _unequal(20, 1) < 0.06


def _unequal(runs: int, ratio: float) -> float:
    tables = _tables(runs, 0.2, replicates=300)
    tables[:, :4] *= ratio
    found = [_cells(table).unequal_variances() for table in tables]
    return float(np.mean([p is not None and p < 0.05 for p in found]))


def test_a_model_that_scatters_more_than_the_others_needs_its_own_variance() -> None:
    """Deviation 0.8 beside 0.2: with the pooled one, a loss of the margin is negligible too often, by Welch never."""
    tables = _tables(3, 0.2, replicates=2000)
    tables[:, 1] *= 4
    cells = [_cells(table) for table in tables]
    pooled = _at([cell.difference("0000", "0001") for cell in cells], 0.5)
    welch = _at([cell.welch("0000", "0001") for cell in cells], 0.5)
    shares = [
        _share([verdict(one, (3, 3), MARGINS, True) for one in each], Word.NEGLIGIBLE) for each in (pooled, welch)
    ]
    assert shares[0] == pytest.approx(0.13, abs=0.025)
    assert shares[1] < 0.05
