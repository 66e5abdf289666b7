"""Contenders measured in turns, so that a slow moment of the machine meets all alike."""

import random
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import torch

from nmt_attn.analysis.timing import seconds_of
from nmt_attn.bench.record import Point
from nmt_attn.spec import SpecError

Step = Callable[[int], None]  # the work of a round, by its number


@dataclass(frozen=True)
class Clock:
    """Process CPU time for one thread on the CPU, which other processes hardly disturb; else time on the wall."""

    device: torch.device
    threads: int

    @property
    def is_of_process(self) -> bool:
        return self.device.type == "cpu" and self.threads == 1

    @property
    def name(self) -> str:
        return "process CPU time" if self.is_of_process else "wall-clock time"

    def seconds(self, step: Callable[[], object]) -> float:
        return seconds_of(step, self.device, time.process_time if self.is_of_process else time.perf_counter)


@dataclass(frozen=True)
class Race:
    """The same work for several contenders. tokens: in the work of each round, over and over."""

    reference: str
    steps: Mapping[str, Step]
    tokens: Sequence[int]


def measure(
    point: Point, race: Race, rounds: int, clock: Clock, save: Callable[[], None], say: Callable[[str], None]
) -> None:
    """Adds the rounds that a point lacks, after one that warms up; their order is shuffled, the same at every call.

    A contender that refuses its work, or has not enough GPU memory for it, is left out. Raises SpecError if that is
    the reference.
    """
    steps = {name: step for name, step in race.steps.items() if name not in point.left_out}
    left = range(len(point.tokens), rounds)
    if not left:
        return
    start = time.perf_counter()
    for name, step in list(steps.items()):
        try:
            step(0)
        except (SpecError, torch.OutOfMemoryError) as error:
            if name == race.reference:
                raise SpecError(f"{name}, which the others are compared with, cannot run: {error}") from None
            point.left_out[name] = str(error).partition("\n")[0]
            point.seconds.pop(name, None)
            del steps[name]
    say(f"{len(left)} rounds, about {len(left) * (time.perf_counter() - start):.0f} s")
    for number in left:
        order = random.Random(number).sample(list(steps), len(steps))
        times = {name: clock.seconds(partial(steps[name], number)) for name in order}
        for name in steps:
            point.seconds.setdefault(name, []).append(times[name])
        point.tokens.append(race.tokens[number % len(race.tokens)])
        save()
