"""Gold word alignments, read from files, and how well other links agree with them.

A link (i, j) says that source word i and target word j, both counted from 0, translate each other.
"""

import re
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from pathlib import Path

from nmt_attn.spec import SpecError

Link = tuple[int, int]

_LINK = re.compile(r"(-?[0-9]{1,9})([-?p])(-?[0-9]{1,9})")


@dataclass(frozen=True)
class GoldAlignment:
    """The links of one sentence pair: those that must be found, and those that may be, which include them."""

    sure: frozenset[Link]
    possible: frozenset[Link]

    def __post_init__(self) -> None:
        if not self.sure <= self.possible:
            raise SpecError(
                f"possible links must include the sure ones, not lack {_text(self.sure - self.possible)}: add them"
            )

    def check(self, source: int, target: int, where: str = "a gold alignment") -> None:
        """Raises SpecError if a link lies beyond the words of a sentence pair, of which these are the numbers.

        And for a sentence pair with target words alone, which nothing could be linked to.
        """
        if target and not source:
            raise SpecError(
                f"{where} must have source words for its {target} target words, not none: leave the pair out"
            )
        beyond = {(i, j) for i, j in self.possible if not (0 <= i < source and 0 <= j < target)}
        if beyond:
            raise SpecError(
                f"{where} must link {source} source and {target} target words, counted from 0, not {_text(beyond)}: "
                "give the text that was aligned, split into the same words"
            )


@dataclass(frozen=True)
class Agreement:
    """Links A of some sentence pairs beside the sure (S) and possible (P) ones, as counts that can be added up.

    links: |A|. sure: |S|. sure_found: |A and S|. possible_found: |A and P|. The rates (Och and Ney 2003, Computational
    Linguistics 29:1) are in percent; they raise SpecError where they divide by zero.
    """

    links: int
    sure: int
    sure_found: int
    possible_found: int

    @classmethod
    def of(cls, links: AbstractSet[Link], gold: GoldAlignment) -> "Agreement":
        """The counts of one sentence pair."""
        return cls(len(links), len(gold.sure), len(links & gold.sure), len(links & gold.possible))

    def __add__(self, other: "Agreement") -> "Agreement":
        return Agreement(
            self.links + other.links,
            self.sure + other.sure,
            self.sure_found + other.sure_found,
            self.possible_found + other.possible_found,
        )

    @property
    def error(self) -> float:
        """Alignment error rate, 1 - (|A and S| + |A and P|) / (|A| + |S|)."""
        self._check()
        return 100 * (1 - (self.sure_found + self.possible_found) / (self.links + self.sure))

    @property
    def precision(self) -> float:
        """|A and P| / |A|."""
        self._check()
        return 100 * self.possible_found / self.links

    @property
    def recall(self) -> float:
        """|A and S| / |S|."""
        self._check()
        return 100 * self.sure_found / self.sure

    def _check(self) -> None:
        if not self.sure or not self.links:
            raise SpecError(
                "error rates must be taken of sentence pairs with links and sure gold links, "
                f"not of {self.links} links and {self.sure} sure ones: give more sentence pairs"
            )


def read_gold(path: Path, first: int = 0, sizes: list[tuple[int, int]] | None = None) -> list[GoldAlignment]:
    """Reads a file with a line a sentence pair, of links source-target, as in "0-0 1-2 2?1" (Pharaoh format).

    i-j is sure, i?j and ipj are possible. first: what the file calls the first word, 0 or 1; the links that are
    returned count from 0. sizes: numbers of source and target words of each sentence pair, to check the file against.
    Raises SpecError, with file and line, for a file that cannot be read, what is no link, a place before the first
    word, a number of lines other than that of sizes, and a link beyond the words of its sentence pair.
    """
    if first not in (0, 1):
        raise SpecError(f"first must be what the first word is called, 0 or 1, not {first}")
    try:
        with path.open(encoding="utf-8") as file:
            lines = list(file)
    except (OSError, UnicodeDecodeError) as error:
        raise SpecError(f"gold alignments must be a text file that can be read, but {path} is not: {error}") from None
    if sizes is not None and len(lines) != len(sizes):
        raise SpecError(
            f"{path} must have a line for each of {len(sizes)} sentence pairs, not {len(lines)} lines: "
            "give the alignments of this text"
        )
    found = [_read(line, first, f"{path}, line {number},") for number, line in enumerate(lines, start=1)]
    for number, (gold, (source, target)) in enumerate(zip(found, sizes or (), strict=sizes is not None), start=1):
        gold.check(source, target, f"{path}, line {number},")
    return found


def _read(line: str, first: int, where: str) -> GoldAlignment:
    sure, possible = set(), set()
    for token in line.split():
        match = _LINK.fullmatch(token)
        if not match:
            raise SpecError(f"{where} must hold links such as 0-0 or 2?1, not {token!r}: write i-j, i?j or ipj")
        link = int(match[1]) - first, int(match[3]) - first
        if min(link) < 0:
            raise SpecError(
                f"{where} must count words from {first}, not hold {token!r}: give the other first, or mend it"
            )
        possible.add(link)
        if match[2] == "-":
            sure.add(link)
    return GoldAlignment(frozenset(sure), frozenset(possible))


def _text(links: AbstractSet[Link]) -> str:
    """The first link, and how many others there are."""
    i, j = min(links)
    return f"{i}-{j}" + (f" and {len(links) - 1} more" if len(links) > 1 else "")
