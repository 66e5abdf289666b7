"""A training that is asked to stop (SIGTERM, or SIGUSR1 as Slurm can send it) saves after the update it is at."""

import multiprocessing
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

import torch
from fairseq.distributed import utils as distributed_utils
from torch.utils.data._utils import signal_handling

SIGNALS = (signal.SIGTERM, signal.SIGUSR1)
LONGEST_SAVING = 900  # seconds for which the processes that load data live on at most


class Stop:
    """The signal that asked for it, 0 if none did."""

    def __init__(self) -> None:
        self.number = 0

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Takes note of the signals, which would end the process; afterwards they do again.

        Slurm, and a terminal, send them to all processes: those that load data must not end before the training.
        """

        def note(number: int, frame: FrameType | None) -> None:
            self.number = number

        ending = multiprocessing.RawValue("b", 0)  # which they see, too

        def prepare_worker() -> None:
            torchs_handlers()
            signal.signal(signal.SIGTERM, outlive)

        def outlive(number: int, frame: FrameType | None) -> None:
            if ending.value:
                os._exit(0)
            signal.alarm(LONGEST_SAVING)

        before = {number: signal.signal(number, note) for number in SIGNALS}
        torchs_handlers = signal_handling._set_worker_signal_handlers
        signal_handling._set_worker_signal_handlers = prepare_worker
        self.number = 0
        try:
            yield
        finally:
            ending.value = 1
            signal_handling._set_worker_signal_handlers = torchs_handlers
            for number, handler in before.items():
                signal.signal(number, handler)

    def agreed(self, trainer: Any) -> int:
        """The same in all processes of a training: who stops alone leaves the others waiting for it."""
        if trainer.data_parallel_world_size > 1:
            number = torch.tensor([self.number], device=trainer.device)
            distributed_utils.all_reduce(number, trainer.data_parallel_process_group, op="max")
            self.number = int(number)
        return self.number
