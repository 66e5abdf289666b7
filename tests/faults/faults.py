"""The faults of a long training, one function a fault: it happens, the training goes on, and its end is compared with
that of a training that nothing happened to. Each returns how often all was well."""

import random
import shutil
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from nmt_attn.models import sealed
from tests.faults.trainings import EVERY, UPDATES, Limit, Training, finish, said_in_one_line, same_end, updates

LAST = "checkpoint_last.pt"


class Place:
    """Data, an undisturbed training, how long it took in seconds, and folders for those that are disturbed."""

    def __init__(self, root: Path, data: Path, seed: int = 1) -> None:
        self.root, self.data, self.chance = root, data, random.Random(seed)
        self.reference = root / "reference"
        start = time.monotonic()
        finish(data, self.reference)
        self.seconds = time.monotonic() - start
        self._stopped = root / "stopped"
        assert Training(data, self._stopped, updates=3 * EVERY).code() == 0

    def folders(self, name: str, count: int) -> Iterator[Path]:
        for number in range(count):
            folder = self.root / f"{name}{number}"
            yield folder
            shutil.rmtree(folder)

    def stopped(self, name: str, count: int) -> Iterator[Path]:
        """The same, of a training that ended after three checkpoints."""
        for folder in self.folders(name, count):
            shutil.copytree(self._stopped, folder)
            yield folder

    def ends_well(self, folder: Path) -> bool:
        finish(self.data, folder)
        return same_end(folder, self.reference)


def killed_anywhere(place: Place, count: int) -> int:
    """kill -9 at any time; the same command again ends with the same parameters, bit by bit."""
    good = 0
    for folder in place.folders("killed", count):
        training = Training(place.data, folder)
        time.sleep(place.chance.uniform(0, place.seconds))
        training.send(signal.SIGKILL)
        training.code()
        good += place.ends_well(folder)
    return good


def killed_while_writing(place: Place, count: int) -> int:
    """kill -9 while a checkpoint is written: an unfinished file proves it, and is gone in the end."""
    good = 0
    for folder in place.folders("writing", count):
        while not list(folder.glob(f"*{sealed.UNFINISHED}")):
            shutil.rmtree(folder, ignore_errors=True)
            _kill_while_writing(place, folder)
        good += place.ends_well(folder) and not list(folder.glob(f"*{sealed.UNFINISHED}"))
    return good


def _kill_while_writing(place: Place, folder: Path) -> None:
    training = Training(place.data, folder)
    wanted = place.chance.randint(1, 12)
    seen: set[tuple[str, int]] = set()
    while training.runs():
        seen |= _unfinished(folder)
        if len(seen) >= wanted:
            time.sleep(place.chance.uniform(0, 0.03))
            break
    training.send(signal.SIGKILL)
    training.code()


def _unfinished(folder: Path) -> set[tuple[str, int]]:
    """Names and inodes of the files that are being written."""
    found = set()
    for path in folder.glob(f"*{sealed.UNFINISHED}"):
        with suppress(FileNotFoundError):  # it is finished
            found.add((path.name, path.stat().st_ino))
    return found


def asked_to_stop(place: Place, count: int) -> int:
    """SIGTERM or SIGUSR1, to the training or to all its processes: saved after the update it is at."""
    good = 0
    for number, folder in enumerate(place.folders("asked", count)):
        wanted = (signal.SIGTERM, signal.SIGUSR1)[number % 4 == 3]
        training = Training(place.data, folder, *(["--num-workers", "2"] if number % 2 else []))
        first = place.chance.randrange(UPDATES - 3)
        training.until(f'"num_updates": "{first}"' if first else "Start iterating")
        time.sleep(place.chance.uniform(0, 0.1))
        before = training.last_update()
        training.send(wanted, to_group=number % 2 == 1)
        code, done = training.code(), training.last_update()
        well = code == 128 + wanted and before <= updates(folder / LAST) == done
        if not well:
            print(f"exit code {code} after update {done}: {training.said()[-3000:]}", file=sys.stderr)
        good += well and place.ends_well(folder)
    return good


def disk_full(place: Place, count: int) -> int:
    """Writing ends at a byte: one line, exit code not 0, the checkpoint before is left, and room mends it."""
    good = 0
    size = (place.reference / LAST).stat().st_size
    for number, folder in enumerate(place.stopped("full", count)):
        limit = Limit(size * number // count + place.chance.randrange(size // count), copy=number % 3 == 2)
        training = Training(place.data, folder, limit=limit)
        code = training.code()
        line = said_in_one_line(training)[-1]
        told = "must be written whole, but cannot be (File too large): make room" in line
        whole = not sealed.damage(folder / LAST) and updates(folder / LAST) == 3 * EVERY
        good += code != 0 and told and whole and not _unfinished(folder) and place.ends_well(folder)
    return good


def damaged(place: Place, count: int) -> int:
    """Cut off, emptied, or a bit turned: found before it is used; the newest that is whole is named and taken."""
    good = 0
    for number, folder in enumerate(place.stopped("damaged", count)):
        files = [folder / LAST]
        if number % 4 == 3:
            files += [folder / "checkpoint_best.pt", *folder.glob(f"checkpoint_*_{3 * EVERY}.pt")]
        for file in files:
            file.write_bytes(_damage(file.read_bytes(), number, place.chance))
        found = all(sealed.damage(file) for file in files)
        training = finish(place.data, folder)
        left = 3 * EVERY if len(files) == 1 else 2 * EVERY
        told = f"{files[0]} is damaged: " in training.said() and f"({left} updates)" in training.said()
        good += found and told and same_end(folder, place.reference)
    return good


def _damage(content: bytes, number: int, chance: random.Random) -> bytes:
    kind = number % 5
    if kind == 0:
        return b""
    if kind == 1:
        return content[: chance.randrange(len(content))]
    changed = bytearray(content)
    changed[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
    return bytes(changed)


def second_training(place: Place, count: int) -> int:
    """Another training of the same folder is refused with the owner of the lock; the first goes on."""
    good = 0
    for folder in place.folders("second", count):
        first = Training(place.data, folder, updates=10_000)
        first.until("begin training|Start iterating")
        second = Training(place.data, folder)
        refused = second.code() == 2 and f"is in use by process {first.pid} " in said_in_one_line(second)[-1]
        good += refused and f"(lock: {folder / 'training.lock'})" in second.said() and first.runs()
        first.send(signal.SIGKILL)
        first.code()
    return good


def diverged(place: Place, count: int) -> int:
    """Gradients that are not finite stop the training; the update and the last good checkpoint are named."""
    good = 0
    for folder in place.stopped("diverged", count):
        training = Training(place.data, folder, "--lr", "1e30", "--reset-lr-scheduler")
        code = training.code()
        line = said_in_one_line(training)[-1]
        named = (
            f"in update {training.last_update() + 1} were not" in line and f"go on from {folder}/checkpoint_" in line
        )
        good += code == 2 and named and updates(folder / LAST) == 3 * EVERY
    return good
