"""Small trainings of fairseq-train with the plugin, each a process of its own that can be stopped, killed or cut short.

A server that has fairseq imported forks them, so that a start takes a second.
"""

import json
import multiprocessing
import os
import re
import resource
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any

import torch

import nmt_attn
from nmt_attn.corpora.fragment import write_corpus
from nmt_attn.models import checkpoints

UPDATES, EVERY = 24, 4
FLAGS = (
    *("--user-dir", nmt_attn.__path__[0], "--arch", "nmt_attn_tiny", "--share-all-embeddings", "--dropout", "0.1"),
    *(
        "--optimizer",
        "adam",
        "--lr",
        "0.001",
        "--max-tokens",
        "300",
        "--seed",
        "1",
        "--save-interval-updates",
        str(EVERY),
    ),
    *("--log-format", "json", "--log-interval", "1", "--no-epoch-checkpoints"),
)
SERVER = multiprocessing.get_context("forkserver")
SERVER.set_forkserver_preload(["fairseq_cli.train", "nmt_attn.models", __name__])


@dataclass(frozen=True)
class Limit:
    """The disk takes so many bytes of a checkpoint, or of its copy under another name."""

    size: int
    copy: bool


def make_data(folder: Path) -> Path:
    """A generated corpus as fairseq-preprocess leaves it: 300 pairs, about three epochs of the trainings here."""
    from fairseq_cli import preprocess

    write_corpus(folder, train=300, valid=8, test=8, seed=1)
    flags = ["--source-lang", "en", "--target-lang", "de", "--joined-dictionary", "--workers", "1"]
    for name in ("train", "valid"):
        flags += [f"--{name}pref", str(folder / name)]
    arguments = [sys.executable, *flags, "--destdir", str(folder / "bin")]
    before, sys.argv = sys.argv, arguments
    try:
        preprocess.cli_main()
    finally:
        sys.argv = before
    return folder / "bin"


class Training:
    """One process of fairseq-train into a folder; what it says is appended to FOLDER.log."""

    def __init__(
        self, data: Path, folder: Path, *flags: str, updates: int = UPDATES, limit: Limit | None = None
    ) -> None:
        self.folder = folder
        self.log = folder.with_suffix(".log")
        arguments = [
            str(data),
            *FLAGS,
            "--save-dir",
            str(folder),
            "--max-update",
            str(updates),
            "--num-workers",
            "0",
            *flags,
        ]
        self._said_before = self.log.stat().st_size if self.log.exists() else 0
        self._process: ForkServerProcess = SERVER.Process(target=_train, args=(arguments, str(self.log), limit))
        self._process.start()

    @property
    def pid(self) -> int:
        assert self._process.pid is not None
        return self._process.pid

    def said(self) -> str:
        if not self.log.exists():
            return ""
        with self.log.open("rb") as stream:
            stream.seek(self._said_before)
            return stream.read().decode(errors="replace")

    def until(self, pattern: str, seconds: float = 120.0) -> None:
        """Waits for a line; the training may end before it comes."""
        deadline = time.monotonic() + seconds
        while self._process.is_alive() and not re.search(pattern, self.said()):
            assert time.monotonic() < deadline, self.said()[-2000:]
            time.sleep(0.005)

    def send(self, number: int, to_group: bool = False) -> None:
        """A signal, also to the processes that load data; nothing if the training has ended."""
        with suppress(ProcessLookupError):
            os.kill(-self.pid if to_group else self.pid, number)

    def runs(self) -> bool:
        return self._process.is_alive()

    def code(self, seconds: float = 300.0) -> int:
        """Waits for the end: the exit code, negative for a signal."""
        self._process.join(seconds)
        assert self._process.exitcode is not None, "still running: " + self.said()[-2000:]
        return self._process.exitcode

    def last_update(self) -> int:
        """Of those that it said it has done."""
        lines = re.findall(r'"num_updates": "(\d+)"', self.said())
        return max(map(int, lines), default=0)


def _train(arguments: list[str], log: str, limit: Limit | None) -> None:
    from fairseq_cli import train

    os.setpgid(0, 0)
    multiprocessing.set_start_method("fork", force=True)  # of the processes that load data, as in any fairseq-train
    for number in (1, 2):
        os.dup2(os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT), number)
    torch.set_num_threads(1)
    if limit:
        _limit_files(limit)
    sys.argv = ["fairseq-train", *arguments]
    train.cli_main()


def _limit_files(limit: Limit) -> None:
    """The kernel refuses to write more (EFBIG) while a checkpoint is written or copied."""
    from nmt_attn.models import sealed

    whole = sealed.copy if limit.copy else sealed.write

    def limited(*arguments: Any) -> None:
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit.size, hard))
        try:
            whole(*arguments)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))

    setattr(sealed, whole.__name__, limited)


def finish(data: Path, folder: Path, *flags: str) -> Training:
    """The same command once more, to its end."""
    training = Training(data, folder, *flags)
    assert training.code() == 0, training.said()[-3000:]
    return training


def updates(path: Path) -> int:
    return int(checkpoints.load(path)["optimizer_history"][-1]["num_updates"])


def same_end(one: Path, other: Path) -> bool:
    """Whether two trainings ended with the same parameters and optimiser state, bit by bit."""
    ends = [checkpoints.load(folder / "checkpoint_last.pt") for folder in (one, other)]
    return all(_same(ends[0][part], ends[1][part]) for part in ("model", "last_optimizer_state"))


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, torch.Tensor):
        return torch.equal(one, other)
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(_same(value, other[name]) for name, value in one.items())
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(_same, one, other))
    return bool(one == other)


def said_in_one_line(training: Training) -> list[str]:
    """The lines of our own refusals, none with a traceback."""
    assert "Traceback" not in training.said(), training.said()[-3000:]
    return [line for line in training.said().splitlines() if line.startswith("nmt_attn: ")]


def curve(training: Training) -> list[dict[str, Any]]:
    """What was logged of each update."""
    found = re.findall(r"\| train_inner \| (\{.*\})", training.said())
    return [json.loads(line) for line in found]
