"""What a Slurm job does: a task's command with all that it starts, until it ends or Slurm takes its place away."""

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

from nmt_attn.study.launchers import GRACE
from nmt_attn.study.store import read_json_lines

PATIENCE = 60.0  # seconds in which the runner writes down a job that it submitted
PR_SET_CHILD_SUBREAPER = 36  # of Linux' prctl


def jobs_by_task(folder: Path) -> dict[str, str]:
    """The last job that was submitted for each task."""
    return {line["task"]: line["job"] for line in read_json_lines(folder / "jobs.jsonl")}


def exit_code_file(folder: Path, job: str) -> Path:
    """Where a job leaves the exit code of its command. Without it, Slurm ended the command, or it still runs."""
    return folder / f"{job}_exit_code"


@dataclass(frozen=True)
class JobCommand:
    """A task's command as submitit calls it. Started again, it is called again: the command goes on by itself.

    It ends in one of three ways. The command ends: its exit code is the job's, and stands in a file. submitit's signal
    comes, for the time is nearly up: submitit calls ``checkpoint`` and puts the job back into the queue. Slurm sends
    SIGTERM, for the job is cancelled, preempted or put back by an administrator: then only Slurm knows what comes next.
    """

    task: str
    command: tuple[str, ...]
    environment: Mapping[str, str]
    log: Path
    folder: Path

    def __call__(self) -> None:
        job = os.environ["SLURM_JOB_ID"]
        self._wait_for_the_record(job)
        exit_code_file(self.folder, job).unlink(missing_ok=True)
        adopt_orphans()
        told: list[int] = []

        def tell(number: int, frame: FrameType | None) -> None:
            told.append(number)
            stop_children()

        signal.signal(signal.SIGTERM, tell)
        code = self._run(job)
        stop_children()
        if code:
            self._leave_to_slurm(job, told)
        file = exit_code_file(self.folder, job)
        file.with_suffix(".part").write_text(f"{code}\n", encoding="utf-8")
        file.with_suffix(".part").replace(file)
        if code:
            sys.exit(code)

    def checkpoint(self) -> Any:
        """Called by submitit before it puts the job back into the queue."""
        import submitit

        stop_children()
        return submitit.helpers.DelayedSubmission(self)

    def _wait_for_the_record(self, job: str) -> None:
        """The runner may have been killed before it wrote the job down: then another job has the task, or will have."""
        deadline = time.monotonic() + PATIENCE
        while jobs_by_task(self.folder).get(self.task) != job:
            if time.monotonic() > deadline:
                sys.exit(f"{self.folder / 'jobs.jsonl'} names another job for {self.task}: nothing is done")
            time.sleep(0.2)

    def _run(self, job: str) -> int:
        start = int(os.environ.get("SLURM_RESTART_COUNT", 0)) + 1
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab", buffering=0) as log:
            log.write(f"job {job}, start {start}, on {os.environ.get('SLURM_JOB_NODELIST')}\n".encode())
            child = subprocess.Popen(
                self.command,
                env={**os.environ, **self.environment},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        code = -signal.SIGTERM  # if a signal's handler stopped it
        # Not child.wait(): while that waits, a handler that waits too would see no end.
        with suppress(ChildProcessError):
            code = os.waitstatus_to_exitcode(os.waitpid(child.pid, 0)[1])
        child.returncode = code
        return code if code >= 0 else 128 - code

    def _leave_to_slurm(self, job: str, told: list[int]) -> None:
        """Ends here if it was Slurm that ended the command: a failure of its own would not be started again.

        Slurm sends SIGTERM to all processes, in any order, also to warn a job that it will be preempted: that one runs
        on until Slurm puts it back.
        """
        state = _state(job)
        while told and state == "RUNNING":
            time.sleep(1)
            state = _state(job)
        if told or state not in ("RUNNING", ""):
            sys.exit(128 + signal.SIGTERM)


def _state(job: str) -> str:
    """The job's state; empty if Slurm does not tell."""
    done = subprocess.run(["squeue", "--noheader", "--jobs", job, "--format", "%T"], capture_output=True, text=True)
    return done.stdout.strip()


def adopt_orphans() -> None:
    """From now on, what this process started, and what that starts, becomes its child when it loses its parent."""
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def stop_children() -> None:
    """Ends all children, with those that become children meanwhile: asks, and after GRACE seconds kills them."""
    _send(signal.SIGTERM)
    deadline = time.monotonic() + GRACE
    while _have_children():
        if time.monotonic() > deadline:
            _send(signal.SIGKILL)
        time.sleep(0.05)


def _send(number: int) -> None:
    """A signal to all children: to their process groups, but for one that is in the group of this process."""
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            parent, group = map(int, (folder / "stat").read_text().rpartition(")")[2].split()[1:3])
            if parent == os.getpid():
                os.kill(int(folder.name) if group == os.getpgrp() else -group, number)


def _have_children() -> bool:
    """Whether there are any, once those that have ended are taken note of."""
    try:
        while os.waitpid(-1, os.WNOHANG) != (0, 0):
            pass
    except ChildProcessError:
        return False
    return True
