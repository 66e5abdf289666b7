"""Associative recall: who holds what is told once and asked again, at any distance.

A source word is a person with a thing, as in "baloKey", or the person alone, "balo", of whom it was said before what
he holds. The target has for each source word, in order, the thing: "key key". Things are drawn anew in every
sentence, so that the word "balo" can be translated only by finding the earlier word with the same name: a comparison
of contents (E1). Without it, in self-attention, only a few of the pairs can be kept, in sums over the whole sentence;
that the decoder could do it instead, by two steps of cross attention, is not excluded, but was not learnt in the quick
study (results/quick).

That makes the corpus the positive control of a study: here a loss without E1 in self-attention must show.
"""

from random import Random

from nmt_attn.corpora.tasks.task import Parameters, Task, WordPair

FIRST_TOLD = 2  # a sentence begins with as many persons and things

PEOPLE = tuple(f"{first}{vowel}{second}o" for first in "bdfgklmn" for vowel in "ai" for second in "lrst")
NAME = 4  # letters
THINGS = tuple(
    "apple book chair drum egg flute grape hat iron jar key lamp map nut oar pen".split()  # noqa: SIM905
)


def _make(chance: Random, parameters: Parameters, length: int) -> WordPair:
    """Half of the words tell, half ask."""
    told = (length + 1) // 2
    tells = [True] * (told - FIRST_TOLD) + [False] * (length - told)
    chance.shuffle(tells)
    people = iter(chance.sample(PEOPLE[: parameters.vocabulary], told))
    holds: dict[str, str] = {}
    source, target = [], []
    for tell in [True] * FIRST_TOLD + tells:
        person = next(people) if tell else chance.choice(list(holds))
        if tell:
            holds[person] = chance.choice(THINGS)
        source.append(person + holds[person].capitalize() if tell else person)
        target.append(holds[person])
    return WordPair(tuple(source), tuple(target), alignment(source))


def alignment(source: list[str]) -> tuple[tuple[int, int], ...]:
    """The word at the same place; and for one that asks, the word that told it."""
    told = {word[:NAME]: place for place, word in enumerate(source) if len(word) > NAME}
    links = {(place, place) for place in range(len(source))}
    return tuple(sorted(links | {(told[word], place) for place, word in enumerate(source) if word in told}))


RECALL = Task(
    "who holds what, told once and asked again",
    _make,
    Parameters(len(PEOPLE), 18, 18),
    ("vocabulary", "length"),
    shortest=2 * FIRST_TOLD,
    most_words=len(PEOPLE),
    distinct=True,
)
