"""Local reordering: attributes stand before their noun in the source, behind it and reversed in the target.

At most ``distance`` attributes belong to a noun, so that no word moves further. Where a word goes depends on what
stands around it: self-attention needs positions (E2 or E4).
"""

from random import Random

from nmt_attn.corpora.tasks.task import Parameters, Task, WordPair
from nmt_attn.corpora.tasks.words import SOURCE, TARGET


def _make(chance: Random, parameters: Parameters, length: int) -> WordPair:
    """Even numbers of the vocabulary are nouns, odd ones attributes."""
    source: list[int] = []
    order: list[int] = []  # places in the source, as the target has them
    while len(source) < length:
        attributes = min(chance.randint(0, parameters.distance), length - len(source) - 1)
        group = range(len(source), len(source) + attributes + 1)
        source += [2 * chance.randrange(parameters.vocabulary // 2) + 1 for _ in range(attributes)]
        source.append(2 * chance.randrange((parameters.vocabulary + 1) // 2))
        order += reversed(group)
    return WordPair(
        tuple(SOURCE[word] for word in source),
        tuple(TARGET[source[place]] for place in order),
        tuple(sorted((place, target) for target, place in enumerate(order))),
    )


REORDER = Task(
    "attributes change from before their noun to behind it",
    _make,
    Parameters(distance=2),
    ("vocabulary", "length", "distance"),
)
