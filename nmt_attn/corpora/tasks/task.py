"""What the controlled corpora share: a sentence pair of plain words, and the parameters that pairs are drawn with."""

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from nmt_attn.corpora.tasks.words import MOST_WORDS


@dataclass(frozen=True)
class WordPair:
    """A sentence, its translation, and which of their words, counted from 0, belong together, in order."""

    source: tuple[str, ...]
    target: tuple[str, ...]
    alignment: tuple[tuple[int, int], ...]

    @property
    def source_text(self) -> str:
        return " ".join(self.source)

    @property
    def target_text(self) -> str:
        return " ".join(self.target)


@dataclass(frozen=True)
class Parameters:
    """What pairs are drawn with; a task reads those that its ``parameters`` name.

    vocabulary: words of the source that have a meaning. shortest and longest: lengths of a sentence, in the words that
    the task counts. distance: how far, in words, a translation looks. noise: chance of one more source
    word without a meaning at each place for one.
    """

    vocabulary: int = 100
    shortest: int = 6
    longest: int = 12
    distance: int = 1
    noise: float = 0.0

    @property
    def held_out(self) -> "Parameters":
        """The lengths that no training sentence has: from one more than the longest to twice as many."""
        return Parameters(self.vocabulary, self.longest + 1, 2 * self.longest, self.distance, self.noise)


@dataclass(frozen=True)
class Task:
    """A rule of translation.

    about: in one line. make: a pair of so many words. parameters: names of those that ``make`` reads. shortest and
    most_words: the least length and the largest vocabulary that there can be. distinct: whether half of the words of a
    sentence differ. extends: whether longer sentences are made of the same words. nearest: the least distance.
    """

    about: str
    make: Callable[[Random, Parameters, int], WordPair]
    defaults: Parameters
    parameters: tuple[str, ...]
    shortest: int = 1
    most_words: int = MOST_WORDS
    distinct: bool = False
    extends: bool = True
    nearest: int = 1
