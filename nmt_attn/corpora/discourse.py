"""Random choices, and what a sentence has mentioned so far."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from nmt_attn.corpora.lexemes import Adjective, Noun, Verb
from nmt_attn.corpora.lexicon import NOUN
from nmt_attn.corpora.tree import Agreement

T = TypeVar("T")


@dataclass
class Chance:
    """Random choices that are the same for every Python version and hash seed."""

    random: random.Random

    def __call__(self, probability: float) -> bool:
        return self.random.random() < probability

    def below(self, count: int) -> int:
        return int(self.random.random() * count)

    def pick(self, options: Sequence[T]) -> T:
        return options[self.below(len(options))]

    def weighted(self, options: dict[T, float]) -> T:
        point = self.random.random() * sum(options.values())
        for option, weight in options.items():
            point -= weight
            if point < 0:
                return option
        return next(iter(options))

    def number(self) -> int:
        """A number for counting; small ones are frequent, and none ends in "one"."""
        size = self.weighted({9: 4.0, 99: 3.0, 999: 2.0})
        value = 2 + self.below(size - 1)
        return value + 1 if value % 100 == 1 else value


@dataclass
class Discourse:
    """What a sentence has mentioned so far, in English order."""

    mentions: list[tuple[Agreement, Noun | None, bool]] = field(default_factory=list)
    qualities: list[Adjective] = field(default_factory=list)
    verbs: list[Verb] = field(default_factory=list)
    embedded: bool = False  # inside a relative clause

    def add(self, agreement: Agreement, noun: Noun | None, referable: bool = True) -> None:
        self.mentions.append((agreement, noun, referable))

    def unique(self, english: str, known: int | None = None) -> tuple[Agreement, Noun] | None:
        """The only thing mentioned that an English pronoun can refer to, if there is just one.

        With `known` it must be among so many first mentions.
        """
        found = [place for place, mention in enumerate(self.mentions) if mention[0].english == english]
        if len(found) != 1 or (known is not None and found[0] >= known):
            return None
        agreement, noun, referable = self.mentions[found[0]]
        return (agreement, noun) if noun is not None and referable else None

    def candidates(self, known: int | None = None) -> list[tuple[Agreement, Noun]]:
        """What pronouns can refer to; with `known`, only among so many first mentions."""
        unique = [self.unique(english, known) for english in ("he", "she", "it", "they")]
        return [found for found in unique if found]

    def has(self, noun: Noun) -> bool:
        return any(mentioned is noun for _, mentioned, _ in self.mentions)


def proxy(pronoun: str) -> Noun:
    """A noun that stands for a pronoun without antecedent where semantic classes are asked for."""
    return NOUN["woman" if pronoun == "she" else "man"]
