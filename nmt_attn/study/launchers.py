"""What carries out a study's runs: here, the processors and GPUs of this machine."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from nmt_attn.spec import SpecError

GRACE = 10  # seconds that a stopped task has to end

# Runs a command in a process group that ends when the runner does, however that happens: then the pipe's other end is
# closed. The group gets a signal to end, and after GRACE seconds one that it cannot ignore.
WITH_THE_RUNNER = f"""
(trap '' TERM; read -r _ <&"$1"; kill -TERM 0; sleep {GRACE}; kill -KILL 0) &
shift
exec "$@"
"""


@dataclass(frozen=True)
class Task:
    """A command with what its environment has beside the runner's, and the file that its output is appended to."""

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str]
    log: Path


class Launcher(Protocol):
    """Carries out tasks, some at a time."""

    places: int

    def start(self, task: Task) -> None:
        """Begins a task; the caller sees to it that there is a place."""

    def finished(self) -> list[tuple[str, int]]:
        """Names and exit codes of the tasks that ended since the last call."""

    def reason(self, name: str) -> str:
        """Why a task failed, if the launcher knows better than the task's log; else empty."""

    def stop(self) -> None:
        """The runner ends before its tasks."""


@dataclass
class _Child:
    process: "subprocess.Popen[bytes]"
    life: int  # the pipe's end that keeps it running
    gpus: tuple[str, ...]

    def end(self) -> None:
        os.close(self.life)


@dataclass
class LocalLauncher:
    """Tasks as processes of this machine: ``places`` at a time, which share the processors; each has its own GPUs.

    gpus: as in CUDA_VISIBLE_DEVICES; each task gets ``gpus_per_task`` of those that the fewest others use, and sees no
    others. Raises SpecError for impossible numbers.
    """

    places: int
    gpus: Sequence[str] = ()
    gpus_per_task: int = 1
    _children: dict[str, _Child] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.places < 1:
            raise SpecError(f"--workers must be at least 1, not {self.places}")
        if self.gpus and not 1 <= self.gpus_per_task <= len(self.gpus):
            raise SpecError(
                f"--gpus-per-run must be 1 to {len(self.gpus)}, the number of GPUs, not {self.gpus_per_task}"
            )

    def start(self, task: Task) -> None:
        gpus = self._free_gpus()
        threads = max(1, processors() // self.places)
        own = {"OMP_NUM_THREADS": str(threads), "CUDA_VISIBLE_DEVICES": ",".join(gpus)}
        environment = {**os.environ, **own, **task.environment}
        task.log.parent.mkdir(parents=True, exist_ok=True)
        ours, theirs = os.pipe()[::-1]
        try:
            with task.log.open("ab") as log:
                process = subprocess.Popen(
                    ["bash", "-c", WITH_THE_RUNNER, "run", str(theirs), *task.command],
                    env=environment,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    pass_fds=(theirs,),
                    start_new_session=True,
                )
        finally:
            os.close(theirs)
        self._children[task.name] = _Child(process, ours, gpus)

    def _free_gpus(self) -> tuple[str, ...]:
        used = [gpu for child in self._children.values() for gpu in child.gpus]
        return tuple(sorted(self.gpus, key=used.count)[: self.gpus_per_task])

    def finished(self) -> list[tuple[str, int]]:
        ended = [(name, code) for name, child in self._children.items() if (code := child.process.poll()) is not None]
        for name, _ in ended:
            self._children.pop(name).end()
        return ended

    def reason(self, name: str) -> str:
        return ""

    def stop(self) -> None:
        for child in self._children.values():
            child.end()
        deadline = time.monotonic() + GRACE
        for child in self._children.values():
            try:
                child.process.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                os.killpg(child.process.pid, signal.SIGKILL)
                child.process.wait()
        self._children.clear()


def processors() -> int:
    """Processors that this process may use."""
    return len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1


def gpus_here() -> list[str]:
    """The GPUs that torch can use, as CUDA_VISIBLE_DEVICES names them."""
    count = "import torch; print(torch.cuda.device_count() if torch.cuda.is_available() else 0)"
    done = subprocess.run([sys.executable, "-c", count], capture_output=True, text=True, check=True)
    visible = [name for name in os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",") if name]
    return visible[: int(done.stdout)] or [str(number) for number in range(int(done.stdout))]
