"""The target's order is told by tags of the source: each word stands behind the number of its place.

"2 kelu 3 mira 1 bado" says that bado comes first, kelu second, mira third. Which source word comes next cannot be
known from where it stands: cross attention has to compare contents (E1). Two ways round it are open to large models:
self-attention of the encoder can compare contents and sort the words, and with as many heads as numbers each can find
the word of one number (E3). The numbers are aligned with nothing.

Numbers beyond the longest training sentence would be unknown words, so there are no longer sentences.
"""

from random import Random

from nmt_attn.corpora.tasks.task import Parameters, Task, WordPair
from nmt_attn.corpora.tasks.words import SOURCE, TARGET


def _make(chance: Random, parameters: Parameters, length: int) -> WordPair:
    words = [chance.randrange(parameters.vocabulary) for _ in range(length)]
    shown = chance.sample(range(length), length)  # the place in the target of each word of the source
    source = [text for place in shown for text in (str(place + 1), SOURCE[words[place]])]
    return WordPair(
        tuple(source),
        tuple(TARGET[word] for word in words),
        tuple((2 * pair + 1, place) for pair, place in enumerate(shown)),
    )


ORDER = Task(
    "words in the order that numbers in the source tell",
    _make,
    Parameters(shortest=4, longest=8),
    ("vocabulary", "length"),
    extends=False,
)
