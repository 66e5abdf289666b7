"""Copies from a distance that a word tells: "back3" is translated as the word three places before it is.

At most ``distance`` places, and always to a word with a translation of its own. Self-attention needs a place that
depends on the query's content: E2, or the offsets of deformable convolution, each as far as it reaches.
"""

from random import Random

from nmt_attn.corpora.tasks.task import Parameters, Task, WordPair
from nmt_attn.corpora.tasks.words import SOURCE, TARGET

COPIES = 1 / 3  # of the words


def _make(chance: Random, parameters: Parameters, length: int) -> WordPair:
    source: list[str] = []
    target: list[str] = []
    links = []
    plain: list[int] = []  # places of words with a translation of their own
    for place in range(length):
        known = [at for at in plain if place - at <= parameters.distance]
        if known and chance.random() < COPIES:
            at = chance.choice(known)
            source.append(f"back{place - at}")
            target.append(target[at])
        else:
            at = place
            plain.append(place)
            word = chance.randrange(parameters.vocabulary)
            source.append(SOURCE[word])
            target.append(TARGET[word])
        links.append((at, place))
    return WordPair(tuple(source), tuple(target), tuple(sorted(links)))


COPY = Task(
    "some words say how far back the word is that they repeat",
    _make,
    Parameters(distance=4),
    ("vocabulary", "length", "distance"),
)
