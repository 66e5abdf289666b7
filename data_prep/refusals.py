"""What is refused before anything is made of it: each with the file, the line and how to mend it."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate
from math import log
from pathlib import Path
from typing import NoReturn

from data_prep.errors import DataError
from data_prep.filters import broken
from data_prep.normalise import normalise

MENDS = {
    "empty": "is empty: give its translation, or take the line out of both files",
    "control": "holds the character {!r}: put a space in its place",
    "reserved": "holds {!r}, a symbol of the dictionary or a mark of subwords: give the raw text",
}


def refuse_line_counts(names: tuple[str, str], source: Sequence[str], target: Sequence[str]) -> NoReturn:
    """Raises DataError about two sides of different length."""
    for name, lines in zip(names, (source, target), strict=True):
        if not lines:
            raise DataError(f"{name} must hold at least one line, but is empty")
    raise DataError(
        f"{names[0]} and {names[1]} must have the same number of lines, not {len(source)} and {len(target)}: look "
        f"around line {first_shifted(source, target)}, where they stop to match in length"
    )


def first_shifted(source: Sequence[str], target: Sequence[str]) -> int:
    """The most likely line, from 1, from which one side runs ahead of the other.

    Lengths of translations go together: before the place the lines are compared as they stand, after it shifted so
    that both sides end together; the place with the least sum of differences of log lengths wins.
    """
    if len(source) > len(target):
        source, target = target, source
    shift = len(target) - len(source)
    before = accumulate(map(_unlike, source, target), initial=0.0)
    whole = list(accumulate(map(_unlike, source, target[shift:]), initial=0.0))
    costs = [passed + whole[-1] - rest for passed, rest in zip(before, whole, strict=True)]
    return costs.index(min(costs)) + 1


def _unlike(one: str, other: str) -> float:
    return abs(log((len(one) + 5) / (len(other) + 5)))


def check_lines(path: Path, lines: Iterable[str]) -> Iterator[str]:
    """The lines; raises DataError at the first that could not be encoded as it is."""
    for number, line in enumerate(lines, start=1):
        if found := broken(normalise(line)):
            reason, place = found
            raise DataError(f"{path} must be raw text, but line {number} {MENDS[reason].format(place)}")
        yield line
