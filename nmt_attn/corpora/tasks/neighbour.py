"""Agreement with a neighbour: the ending of each translation is that of the kind of word ``distance`` places behind.

The kind of a word is its number modulo 4, endings are a, e, i, o; words without such a neighbour end in a. The
neighbour stands behind and not before, because what is before the decoder has just translated. Self-attention needs to
find a place: E2, E4 or a convolution.
"""

from random import Random

from nmt_attn.corpora.tasks.task import Parameters, Task, WordPair
from nmt_attn.corpora.tasks.words import ENDINGS, SOURCE, TARGET


def _make(chance: Random, parameters: Parameters, length: int) -> WordPair:
    words = [chance.randrange(parameters.vocabulary) for _ in range(length)]
    behind = words[parameters.distance :] + [0] * min(parameters.distance, length)
    return WordPair(
        tuple(SOURCE[word] for word in words),
        tuple(TARGET[word] + ENDINGS[other % len(ENDINGS)] for word, other in zip(words, behind, strict=True)),
        tuple((place, place) for place in range(length)),
    )


NEIGHBOUR = Task(
    "each word with an ending that a word behind it decides",
    _make,
    Parameters(vocabulary=50),
    ("vocabulary", "length", "distance"),
)
