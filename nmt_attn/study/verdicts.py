"""The words for what a difference of two models allows to say."""

from dataclasses import dataclass
from enum import Enum

from nmt_attn.study.margins import Margins
from nmt_attn.study.statistics import Contrast


class Word(Enum):
    """All that is ever said of a comparison."""

    NEGLIGIBLE = "negligible"
    VITAL = "vital"
    INCONCLUSIVE = "inconclusive"
    SINGLE = "single run, no inference"


@dataclass(frozen=True)
class Verdict:
    """A word and, in one clause, the numbers behind it."""

    word: Word
    reason: str


def verdict(contrast: Contrast | None, runs: tuple[int, int], margins: Margins, control: bool | None) -> Verdict:
    """What the difference reference minus ablated allows to say.

    *negligible*: the 90 % interval of D inside -+ margins.negligible, and control: a comparison in the same pipeline
    that had to show a loss showed it (None: there was no such comparison). *vital*: the one-sided 95 % lower bound of
    D above margins.vital. One run of either, no inference. Runs that look like repetitions of each other (doubt) allow
    no claim of equivalence, runs that do not differ at all no claim whatever.
    """
    if min(runs) < 2:
        return Verdict(Word.SINGLE, f"{runs[0]} and {runs[1]} runs, at least 2 and 2 are needed")
    if contrast is None:
        return Verdict(Word.INCONCLUSIVE, "there is no difference to judge")
    if contrast.standard_error == 0:
        return Verdict(Word.INCONCLUSIVE, "the runs do not differ at all: their spread over seeds is not known")
    low, high = contrast.interval(0.90)
    interval = f"90 % interval {_shown(low, margins)} to {_shown(high, margins)}"
    if low > margins.vital:
        return Verdict(Word.VITAL, f"lower 95 % bound {_shown(low, margins)} above {margins.vital:g}")
    if not -margins.negligible < low <= high < margins.negligible:
        better = f", below -{margins.negligible:g}," if high < -margins.negligible else ""
        reason = f"{interval}{better} neither inside +-{margins.negligible:g} nor above {margins.vital:g}"
        return Verdict(Word.INCONCLUSIVE, reason)
    inside = f"{interval} inside +-{margins.negligible:g}"
    if -margins.strict < low <= high < margins.strict:
        inside += f", even inside +-{margins.strict:g}"
    missing = {None: "there is no positive control", False: "the positive control was not passed", True: ""}[control]
    but = contrast.doubt or missing
    return Verdict(Word.INCONCLUSIVE, f"{inside}, but {but}") if but else Verdict(Word.NEGLIGIBLE, inside)


def _shown(value: float, margins: Margins) -> str:
    """With two decimals, or as many more as it takes to see on which side of each margin it lies."""
    limits = [side * margin for margin in (margins.strict, margins.negligible, margins.vital) for side in (-1, 1)]
    for digits in range(2, 12):
        seen = round(value, digits)
        if all((seen > limit, seen < limit) == (value > limit, value < limit) for limit in limits):
            break
    return f"{value:+.{digits}f}"
