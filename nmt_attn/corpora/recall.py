"""Associative recall: who holds what is told once and asked again, at any distance.

A source word is a person with a thing, as in "baloKey", or the person alone, "balo", of whom it was said before what
he holds. The target has for each source word, in order, the thing: "key key". Things are drawn anew in every
sentence, so that the word "balo" can be translated only by finding the earlier word with the same name: a comparison
of contents (E1). Without it, in self-attention, only a few of the pairs can be kept, in sums over the whole sentence;
that the decoder could do it instead, by two steps of cross attention, is not excluded, but was not learnt in the quick
study (results/quick).

That makes the corpus the positive control of a study: here a loss without E1 in self-attention must show.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from nmt_attn.corpora.files import checked, checked_sizes, write_splits

TOLD, ASKED = 9, 9  # words of each kind in a sentence
FIRST_TOLD = 2  # a sentence begins with as many persons

PEOPLE = tuple(f"{first}{vowel}{second}o" for first in "bdfgklmn" for vowel in "ai" for second in "lrst")
NAME = 4  # letters
THINGS = tuple(
    "apple book chair drum egg flute grape hat iron jar key lamp map nut oar pen".split()  # noqa: SIM905
)


@dataclass(frozen=True)
class RecallPair:
    """A sentence, its translation, and for each source word the value's place in the target."""

    source: tuple[str, ...]
    target: tuple[str, ...]

    @property
    def alignment(self) -> tuple[tuple[int, int], ...]:
        """The word at the same place; and for one that asks, the word that told it."""
        told = {word[:NAME]: place for place, word in enumerate(self.source) if len(word) > NAME}
        links = {(place, place) for place in range(len(self.source))}
        return tuple(sorted(links | {(told[word], place) for place, word in enumerate(self.source) if word in told}))

    @property
    def source_text(self) -> str:
        return " ".join(self.source)

    @property
    def target_text(self) -> str:
        return " ".join(self.target)


def generate(count: int, seed: int) -> Iterator[RecallPair]:
    """``count`` pairs with different sources; a shorter corpus is the beginning of a longer one with the same seed.

    Raises ValueError where ``count`` is not a number of pairs that can be had.
    """
    checked("count", count)
    if not isinstance(seed, int) or isinstance(seed, bool):
        raise ValueError(f"seed must be a whole number, got {seed!r}.")
    return _pairs(count, random.Random(seed))


def _pairs(count: int, chance: random.Random) -> Iterator[RecallPair]:
    seen: set[tuple[str, ...]] = set()
    while len(seen) < count:
        pair = _pair(chance)
        if pair.source not in seen:
            seen.add(pair.source)
            yield pair


def _pair(chance: random.Random) -> RecallPair:
    tells = [True] * (TOLD - FIRST_TOLD) + [False] * ASKED
    chance.shuffle(tells)
    people = iter(chance.sample(PEOPLE, TOLD))
    holds: dict[str, str] = {}
    source, target = [], []
    for tell in [True] * FIRST_TOLD + tells:
        person = next(people) if tell else chance.choice(list(holds))
        if tell:
            holds[person] = chance.choice(THINGS)
        source.append(person + holds[person].capitalize() if tell else person)
        target.append(holds[person])
    return RecallPair(tuple(source), tuple(target))


def write_corpus(folder: Path, *, train: int, valid: int, test: int, seed: int) -> None:
    """Writes {train,valid,test}.{en,de,align}; no source stands in two of the splits.

    Raises ValueError where a size is not a number of pairs that can be had.
    """
    sizes = checked_sizes(train=train, valid=valid, test=test)
    write_splits(folder, sizes, generate(sum(sizes.values()), seed))
