"""Noise to leave out: between the words stand some that have no translation, always the same few.

What is noise shows in the word itself: saliency of the key (E3) may do in self-attention. Before each word, and at the
end, stands one more word of noise with the chance ``noise``, again and again.
"""

from random import Random

from nmt_attn.corpora.tasks.task import Parameters, Task, WordPair
from nmt_attn.corpora.tasks.words import NOISE, SOURCE, TARGET


def _make(chance: Random, parameters: Parameters, length: int) -> WordPair:
    words = [chance.randrange(parameters.vocabulary) for _ in range(length)]
    source: list[str] = []
    links = []
    for place, word in enumerate(words):
        source += _noise(chance, parameters.noise)
        links.append((len(source), place))
        source.append(SOURCE[word])
    source += _noise(chance, parameters.noise)
    return WordPair(tuple(source), tuple(TARGET[word] for word in words), tuple(links))


def _noise(chance: Random, share: float) -> list[str]:
    words = []
    while chance.random() < share:
        words.append(chance.choice(NOISE))
    return words


NOISE_TASK = Task(
    "words without a translation are left out",
    _make,
    Parameters(noise=0.3),
    ("vocabulary", "length", "noise"),
)
