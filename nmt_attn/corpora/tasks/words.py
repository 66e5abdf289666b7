"""Invented words: "bado" in the source, "Tak" in the target. The same number is the same word in both."""

from itertools import product
from random import Random

CONSONANTS, VOWELS = "bdfgklmnprstvz", "aeiou"
ENDINGS = ("a", "e", "i", "o")  # of target words that come in several forms
MOST_WORDS = 500


def _shuffled(words: list[str]) -> tuple[str, ...]:
    """In an order in which neighbours do not look alike."""
    Random(1).shuffle(words)
    return tuple(words[:MOST_WORDS])


SYLLABLES = ["".join(letters) for letters in product(CONSONANTS, VOWELS)]
SOURCE = _shuffled(["".join(pair) for pair in product(SYLLABLES, SYLLABLES)])
TARGET = _shuffled(["".join(letters).capitalize() for letters in product(CONSONANTS, VOWELS, CONSONANTS)])
NOISE = tuple("ah eh hm oh uh huh well hey erm aha wow yay".split())  # noqa: SIM905
