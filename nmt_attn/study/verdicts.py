"""The words for what a difference of two models allows to say."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from nmt_attn.study.margins import Margins
from nmt_attn.study.statistics import Contrast

SIGNIFICANT = 0.05


class Word(Enum):
    """All that is ever said of a comparison."""

    NEGLIGIBLE = "negligible"
    VITAL = "vital"
    INCONCLUSIVE = "inconclusive"
    SINGLE = "single run, no inference"
    WORSE = "worse"
    BETTER = "better"
    NO_CLAIM = "no claim"


@dataclass(frozen=True)
class Verdict:
    """A word and, in one clause, the numbers behind it."""

    word: Word
    reason: str


def verdict(
    contrast: Contrast, runs: tuple[int, int], margins: Margins, control: bool | None, absent: int = 0
) -> Verdict:
    """What the difference reference minus ablated allows to say.

    *negligible*: the 90 % interval of D inside -+ margins.negligible, and control: a comparison in the same pipeline
    that had to show a loss showed it (None: there was no such comparison). *vital*: the one-sided 95 % lower bound of
    D above margins.vital. One run of either, no inference. Runs that look like repetitions of each other (doubt) allow
    no claim of equivalence, runs that do not differ at all no claim whatever. absent: how many planned runs of the two
    have no result; with any, nothing is negligible, as those that went wrong must not vanish.
    """
    if min(runs) < 2:
        return _single(runs)
    if contrast.standard_error == 0:
        return Verdict(Word.INCONCLUSIVE, "the runs do not differ at all: their spread over seeds is not known")
    low, high = contrast.interval(0.90)
    interval = f"90 % interval {_shown(low, margins)} to {_shown(high, margins)}"
    if low > margins.vital:
        return Verdict(Word.VITAL, f"lower 95 % bound {_shown(low, margins)} above {margins.vital:g}")
    if not -margins.negligible < low <= high < margins.negligible:
        where = f"neither inside +-{margins.negligible:g} nor above {margins.vital:g}"
        if low > margins.negligible:
            where = f"all above {margins.negligible:g}, not all above {margins.vital:g}"
        better = f", below -{margins.negligible:g}," if high < -margins.negligible else ""
        reason = f"{interval}{better} {where}"
        return Verdict(Word.INCONCLUSIVE, reason)
    inside = f"{interval} inside +-{margins.negligible:g}"
    if -margins.strict < low <= high < margins.strict:
        inside += f", even inside +-{margins.strict:g}"
    missing = {None: "there is no positive control", False: "the positive control was not passed", True: ""}[control]
    planned = f"{absent} planned run{' is' if absent == 1 else 's are'} missing" if absent else ""
    but = contrast.doubt or planned or missing
    return Verdict(Word.INCONCLUSIVE, f"{inside}, but {but}") if but else Verdict(Word.NEGLIGIBLE, inside)


def exploratory_verdict(contrast: Contrast, runs: tuple[int, int], holm: float | None) -> Verdict:
    """What may be said of a comparison that was not chosen before the runs: no word of equivalence or of a vital loss.

    *worse* or *better* than the reference where the p of no difference, adjusted for all that the corpus was searched
    for (holm; None: there is none), is below 5 %.
    """
    if min(runs) < 2:
        return _single(runs)
    if holm is None:
        return Verdict(Word.NO_CLAIM, "the spread over seeds is not known")
    reason = f"p {'< 0.001' if holm < 0.001 else f'= {holm:.3f}'} after Holm"
    if holm >= SIGNIFICANT:
        return Verdict(Word.NO_CLAIM, reason)
    return Verdict(Word.WORSE if contrast.difference > 0 else Word.BETTER, reason)


def _single(runs: tuple[int, int]) -> Verdict:
    return Verdict(Word.SINGLE, f"{runs[0]} and {runs[1]} runs, at least 2 and 2 are needed")


def _shown(value: float, margins: Margins) -> str:
    limits = [side * margin for margin in (margins.strict, margins.negligible, margins.vital) for side in (-1, 1)]
    return f"{value:+.{decimals(value, limits)}f}"


def decimals(value: float, limits: Sequence[float]) -> int:
    """Two, or as many more as it takes to see on which side of each limit a number lies."""
    for digits in range(2, 12):
        seen = round(value, digits)
        if all((seen > limit, seen < limit) == (value > limit, value < limit) for limit in limits):
            break
    return digits
