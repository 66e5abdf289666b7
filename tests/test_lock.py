"""Locks of folders: one owner, who is named; they end with the last process that has them, however it ends."""

import errno
import fcntl
import os
import platform
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from nmt_attn.lock import is_locked, locked, try_lock
from nmt_attn.spec import SpecError

ROOT = Path(__file__).parents[1]
HOLD = """
import sys, time
from pathlib import Path
from nmt_attn.lock import locked
with locked(Path(sys.argv[1]), "the study"):
    print("locked", flush=True)
    time.sleep(60)
"""
# As recipes/steps.sh does.
SHELL = """
exec 9>>"$1"
python -m nmt_attn.lock 9 || exit 1
echo "process $$" >"$1"
sleep 60 &
echo "locked $!"
wait
"""

Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def start() -> Iterator[Start]:
    """A function that starts a command; its process and what it started end with the test."""
    started: list[subprocess.Popen[str]] = []

    def begin(*command: str) -> "subprocess.Popen[str]":
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        environment = {**os.environ, "PATH": path}
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        started.append(process)
        return process

    yield begin
    for process in started:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def _word(process: "subprocess.Popen[str]") -> list[str]:
    assert process.stdout is not None
    return process.stdout.readline().split()


def _soon(holds: Callable[[], bool], seconds: float = 5) -> bool:
    deadline = time.monotonic() + seconds
    while not holds() and time.monotonic() < deadline:
        time.sleep(0.01)
    return holds()


def test_a_second_process_is_refused_with_the_owner(start: Start, tmp_path: Path) -> None:
    lock = tmp_path / "new" / "lock"
    owner = start(sys.executable, "-c", HOLD, str(lock))
    assert _word(owner) == ["locked"]
    with pytest.raises(SpecError) as problem, locked(lock, "the study"):
        pass
    assert re.fullmatch(
        rf"the study is in use by process {owner.pid} on {re.escape(platform.node())} since "
        rf"\d{{4}}-\d\d-\d\d \d\d:\d\d:\d\d \(lock: {re.escape(str(lock))}\): wait for it, or stop it",
        str(problem.value),
    )


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_lock_ends_with_its_process(number: signal.Signals, start: Start, tmp_path: Path) -> None:
    lock = tmp_path / "lock"
    owner = start(sys.executable, "-c", HOLD, str(lock))
    assert _word(owner) == ["locked"]
    owner.send_signal(number)
    owner.wait(5)
    assert not is_locked(lock)
    with locked(lock, "the study"):
        assert lock.read_text(encoding="utf-8").startswith(f"process {os.getpid()} on ")
        assert lock.read_text(encoding="utf-8").count("\n") == 1


def test_a_lock_ends_with_its_block_also_when_that_fails(tmp_path: Path) -> None:
    lock = tmp_path / "lock"
    for _ in range(2):
        with suppress(ZeroDivisionError), locked(lock, "the study"):
            assert is_locked(lock)
            raise ZeroDivisionError
        assert not is_locked(lock)


def test_a_shell_has_the_lock_until_the_last_that_it_started_ends(start: Start, tmp_path: Path) -> None:
    lock = tmp_path / "lock"
    shell = start("bash", "-c", SHELL, "shell", str(lock))
    word, child = _word(shell)
    assert word == "locked"
    assert is_locked(lock)
    shell.kill()
    shell.wait(5)
    assert is_locked(lock)
    with pytest.raises(SpecError, match=f"the run is in use by process {shell.pid} "), locked(lock, "the run"):
        pass
    os.kill(int(child), signal.SIGKILL)
    assert _soon(lambda: not is_locked(lock))


def test_a_shell_waits_for_an_owner_that_ends(start: Start, tmp_path: Path) -> None:
    lock = tmp_path / "lock"
    with locked(lock, "the run"):
        shell = start("bash", "-c", SHELL, "shell", str(lock))
        time.sleep(0.5)
        assert shell.poll() is None
    assert _word(shell)[0] == "locked"
    assert is_locked(lock)


def test_a_lock_is_waited_for_no_longer_than_patience(tmp_path: Path) -> None:
    lock = tmp_path / "lock"
    with locked(lock, "the run"), lock.open("a") as file:
        began = time.monotonic()
        assert not try_lock(file.fileno(), patience=0.4)
        assert 0.4 <= time.monotonic() - began < 2
        began = time.monotonic()
        assert not try_lock(file.fileno())
        assert time.monotonic() - began < 0.2


def test_a_look_at_the_lock_does_not_make_its_owner_lose_it(start: Start, tmp_path: Path) -> None:
    lock = tmp_path / "lock"
    owner = start(sys.executable, "-c", HOLD, str(lock))
    assert _word(owner) == ["locked"]
    content = lock.read_bytes()
    assert all(is_locked(lock) for _ in range(100))
    assert lock.read_bytes() == content
    with locked(tmp_path / "own", "the study"):
        assert all(is_locked(tmp_path / "own") for _ in range(100))


def test_a_look_at_a_lock_that_is_not_there_makes_none(tmp_path: Path) -> None:
    assert not is_locked(tmp_path / "folder" / "lock")
    assert not list(tmp_path.iterdir())


def test_a_look_at_the_lock_keeps_nobody_from_taking_it(tmp_path: Path) -> None:
    lock = tmp_path / "lock"
    lock.touch()
    stop = threading.Event()

    def look() -> None:
        while not stop.is_set():
            is_locked(lock)

    watchers = [threading.Thread(target=look) for _ in range(2)]
    for watcher in watchers:
        watcher.start()
    try:
        for _ in range(20):
            with locked(lock, "the study"):
                pass
    finally:
        stop.set()
        for watcher in watchers:
            watcher.join()


def test_two_looks_at_once_do_not_take_each_other_for_an_owner(tmp_path: Path) -> None:
    lock = tmp_path / "lock"
    lock.touch()
    script = "import sys; from pathlib import Path; from nmt_attn.lock import is_locked\n"
    script += "sys.exit(sum(is_locked(Path(sys.argv[1])) for _ in range(20000)) > 0)"
    looks = [subprocess.Popen([sys.executable, "-c", script, str(lock)], cwd=ROOT) for _ in range(3)]
    assert [look.wait(60) for look in looks] == [0, 0, 0]


def test_a_file_system_without_locks_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(number: int, operation: int) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "flock", refuse)
    expected = f"the folder must be on a file system with locks (flock), but: {os.strerror(errno.ENOLCK)}: take another"
    with pytest.raises(SpecError) as problem, locked(tmp_path / "lock", "the study"):
        pass
    assert str(problem.value) == expected


def test_locking_for_a_shell_says_what_is_wrong_in_one_line() -> None:
    command = [sys.executable, "-m", "nmt_attn.lock", "9"]  # which is not open
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr.startswith("error: the folder must be on a file system with locks (flock), but: ")
    assert done.stderr.count("\n") == 1


def test_locking_imports_nothing_heavy() -> None:
    script = "import sys; before = set(sys.modules); import nmt_attn.lock; print(*set(sys.modules) - before)"
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    packages = {name.partition(".")[0] for name in done.stdout.split()}
    assert packages <= {*sys.stdlib_module_names, "nmt_attn"}
