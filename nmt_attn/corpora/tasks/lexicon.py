"""Monotone word by word: word number i of the target is the translation of word number i of the source.

Cross attention needs no content: position alone (0001, 0100) says where to look. Sentences have up to 20 words, more
than a tiny model has heads of cross attention (12): it cannot give each place a head of its own.
"""

from random import Random

from nmt_attn.corpora.tasks.task import Parameters, Task, WordPair
from nmt_attn.corpora.tasks.words import SOURCE, TARGET


def _make(chance: Random, parameters: Parameters, length: int) -> WordPair:
    words = [chance.randrange(parameters.vocabulary) for _ in range(length)]
    return WordPair(
        tuple(SOURCE[word] for word in words),
        tuple(TARGET[word] for word in words),
        tuple((place, place) for place in range(length)),
    )


LEXICON = Task(
    "each word by itself, in the same order", _make, Parameters(shortest=10, longest=20), ("vocabulary", "length")
)
