"""Copies from a distance that a word tells: "back3" is translated as the word three places before it is.

Two to ``distance`` places, and always to a word with a translation of its own; not one, as the decoder has just read
the translation of that one. The repeated word is what a copy is aligned with. Self-attention needs a place that depends
on the query's content: E2, or the offsets of deformable convolution, each as far as it reaches.
"""

from random import Random

from nmt_attn.corpora.tasks.task import Parameters, Task, WordPair
from nmt_attn.corpora.tasks.words import SOURCE, TARGET

NEAREST = 2
TRIES = 1 / 2  # of the words are copies, if at the distance that is drawn there is a word to repeat


def _make(chance: Random, parameters: Parameters, length: int) -> WordPair:
    source: list[str] = []
    target: list[str] = []
    links = []
    plain: set[int] = set()  # places of words with a translation of their own
    for place in range(length):
        at = place - chance.randint(NEAREST, parameters.distance)
        if at in plain and chance.random() < TRIES:
            source.append(f"back{place - at}")
            target.append(target[at])
        else:
            at = place
            plain.add(place)
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
    nearest=NEAREST,
)
