"""A training that is asked to stop (SIGTERM, or SIGUSR1 as Slurm can send it) saves after the update it is at."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

import torch
from fairseq.distributed import utils as distributed_utils

SIGNALS = (signal.SIGTERM, signal.SIGUSR1)


class Stop:
    """The signal that asked for it, 0 if none did."""

    def __init__(self) -> None:
        self.number = 0

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Takes note of the signals, which would end the process; afterwards they do again."""

        def note(number: int, frame: FrameType | None) -> None:
            self.number = number

        before = {number: signal.signal(number, note) for number in SIGNALS}
        self.number = 0
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def agreed(self, trainer: Any) -> int:
        """The same in all processes of a training: who stops alone leaves the others waiting for it."""
        if trainer.data_parallel_world_size > 1:
            number = torch.tensor([self.number], device=trainer.device)
            distributed_utils.all_reduce(number, trainer.data_parallel_process_group, op="max")
            self.number = int(number)
        return self.number
