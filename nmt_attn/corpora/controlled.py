"""The controlled corpora: from a task and its parameters to files.

Beside train, valid and test there is ``long``, where the task extends to it: as many pairs as in test, of lengths that
no training sentence has.
"""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from random import Random

from nmt_attn.corpora.files import checked, checked_sizes, remove_split, write_splits
from nmt_attn.corpora.tasks.copy import COPY
from nmt_attn.corpora.tasks.lexicon import LEXICON
from nmt_attn.corpora.tasks.neighbour import NEIGHBOUR
from nmt_attn.corpora.tasks.noise import NOISE_TASK
from nmt_attn.corpora.tasks.order import ORDER
from nmt_attn.corpora.tasks.recall import RECALL
from nmt_attn.corpora.tasks.reorder import REORDER
from nmt_attn.corpora.tasks.task import Parameters, Task, WordPair

TASKS: dict[str, Task] = {
    "lexicon": LEXICON,
    "order": ORDER,
    "reorder": REORDER,
    "noise": NOISE_TASK,
    "neighbour": NEIGHBOUR,
    "recall": RECALL,
    "copy": COPY,
}
MOST_LENGTH, MOST_NOISE = 200, 0.9
TRIES = 1000  # sentences in a row that came before: then there are hardly others


def parameters_of(
    name: str,
    *,
    vocabulary: int | None = None,
    length: tuple[int, int] | None = None,
    distance: int | None = None,
    noise: float | None = None,
) -> Parameters:
    """The task's parameters with those given in place of its defaults. Raises ValueError for any that cannot be."""
    task = TASKS[name]
    given = {"vocabulary": vocabulary, "length": length, "distance": distance, "noise": noise}
    for parameter, value in given.items():
        if value is not None and parameter not in task.parameters:
            raise ValueError(f"{parameter} must not be given for {name}, which has {', '.join(task.parameters)} only.")
    changed = {parameter: value for parameter, value in given.items() if value is not None and parameter != "length"}
    parameters = replace(task.defaults, **changed)  # type: ignore[arg-type]
    if length is not None:
        parameters = replace(parameters, shortest=length[0], longest=length[1])
    return _checked(task, parameters)


def _checked(task: Task, parameters: Parameters) -> Parameters:
    longest = task.most_words if task.distinct else MOST_LENGTH
    if not task.shortest <= parameters.shortest <= parameters.longest <= longest:
        raise ValueError(
            f"length must be two numbers from {task.shortest} to {longest}, the lower first, got "
            f"{parameters.shortest}-{parameters.longest}."
        )
    least = parameters.longest if task.distinct else 2
    if not least <= parameters.vocabulary <= task.most_words:
        raise ValueError(
            f"vocabulary must be {least} to {task.most_words} with sentences of up to {parameters.longest} words, got "
            f"{parameters.vocabulary}."
        )
    if "distance" in task.parameters and not task.nearest <= parameters.distance < parameters.shortest:
        raise ValueError(
            f"distance must be {task.nearest} or more and less than the shortest sentence has words, "
            f"{parameters.shortest}, got {parameters.distance}."
        )
    if not 0 <= parameters.noise <= MOST_NOISE:
        raise ValueError(f"noise must be 0 to {MOST_NOISE}, got {parameters.noise}.")
    return parameters


def generate(name: str, parameters: Parameters, count: int, seed: int) -> Iterator[WordPair]:
    """``count`` pairs of a task with different sources; a shorter corpus is the beginning of a longer one.

    Raises ValueError where ``count`` is not a number of pairs that can be had.
    """
    checked("count", count)
    if not isinstance(seed, int) or isinstance(seed, bool) or seed < 0:
        raise ValueError(f"seed must be a whole number from 0 on, got {seed!r}.")
    return _pairs(name, parameters, count, Random(seed))


def _pairs(name: str, parameters: Parameters, count: int, chance: Random) -> Iterator[WordPair]:
    seen: set[tuple[str, ...]] = set()
    shortest, longest, again = parameters.shortest, parameters.longest, 0
    while len(seen) < count:
        length = shortest if shortest == longest else chance.randint(shortest, longest)
        pair = TASKS[name].make(chance, parameters, length)
        if pair.source not in seen:
            seen.add(pair.source)
            again = 0
            yield pair
        elif (again := again + 1) >= TRIES:
            raise ValueError(
                f"vocabulary and length must allow {count} different sentences, but after {len(seen)} of {name} "
                f"{TRIES} in a row were not new."
            )


def write_corpus(
    folder: Path, name: str, parameters: Parameters, *, train: int, valid: int, test: int, seed: int
) -> None:
    """Writes {train,valid,test,long}.{en,de,align}, long if the task extends; no source stands in two of them.

    Raises ValueError where a size is not a number of pairs that can be had.
    """
    sizes = checked_sizes(train=train, valid=valid, test=test)
    pairs = list(generate(name, parameters, sum(sizes.values()), seed))
    longer = []
    if TASKS[name].extends:  # drawn for themselves, or they would begin as sentences of the other files do
        longer = list(_pairs(name, parameters.held_out, test, Random(f"longer, {seed}")))
    write_splits(folder, sizes, iter(pairs))
    if longer:
        write_splits(folder, {"long": test}, iter(longer))
    else:
        remove_split(folder, "long")
