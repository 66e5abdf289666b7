"""Locks on folders: one process, and all that it starts, has a folder for itself. They end with the last of them.

``python -m nmt_attn.lock FD`` locks the file that the calling shell has open under that number, for the shell.
"""

import errno
import fcntl
import os
import platform
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from nmt_attn.spec import SpecError

PATIENCE = 15.0  # seconds that a training waits: what a killed one had started needs a moment to end


@contextmanager
def locked(path: Path, what: str, patience: float = 1.0) -> Iterator[None]:
    """Holds the lock file; raises SpecError, with its owner, if another process does for so many seconds."""
    with _opened(path) as file:
        if not try_lock(file.fileno(), patience):  # is_locked holds it for a moment
            file.seek(0)
            owner = file.read().strip() or "another process"
            raise SpecError(f"{what} is in use by {owner} (lock: {path}): wait for it, or stop it")
        file.truncate(0)
        file.write(f"process {os.getpid()} on {platform.node()} since {time.strftime('%F %T')}\n")
        file.flush()
        yield


def is_locked(path: Path) -> bool:
    """Whether a process holds this lock file now."""
    try:
        with path.open("rb") as file:
            return not try_lock(file.fileno(), kind=fcntl.LOCK_SH)  # which others who look may have, too
    except FileNotFoundError:
        return False


def _opened(path: Path) -> TextIO:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return path.open("a+", encoding="utf-8")
    except OSError as error:
        raise SpecError(f"{path.parent} must be a folder that can be written, but: {error.strerror}") from None


def try_lock(number: int, patience: float = 0.0, kind: int = fcntl.LOCK_EX) -> bool:
    """Locks an open file, waiting so many seconds for another owner; False if it still has one.

    Raises SpecError on a file system without locks.
    """
    deadline = time.monotonic() + patience
    while True:
        try:
            fcntl.flock(number, kind | fcntl.LOCK_NB)
            return True
        except OSError as error:
            if error.errno not in (errno.EWOULDBLOCK, errno.EACCES, errno.EINTR):
                raise SpecError(
                    f"the folder must be on a file system with locks (flock), but: {error.strerror}: take another"
                ) from None
            if time.monotonic() >= deadline:
                return False
            time.sleep(0.1)


if __name__ == "__main__":
    try:
        sys.exit(0 if try_lock(int(sys.argv[1]), PATIENCE) else 1)
    except SpecError as problem:
        sys.exit(f"error: {problem}")
