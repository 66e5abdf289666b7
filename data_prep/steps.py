"""Steps whose results are kept: a step is done again only if what it depends on has changed."""

import fcntl
import json
import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from data_prep.errors import DataError
from data_prep.files import digest

RECORD = "step.json"
Record = dict[str, Any]


def step(
    folder: Path, parameters: Mapping[str, Any], inputs: Mapping[str, str], make: Callable[[Path], Mapping[str, Any]]
) -> Record:
    """The record of a step that fills ``folder``, made anew unless the folder is whole and from the same sources.

    ``inputs``: checksums by name. ``make`` fills the folder it is given, and what it returns is kept as "report". The
    record holds parameters, inputs, report, and of each file sha256, bytes and, of text, lines; no time and no place,
    so that it is the same on another machine. The folder gets its name when it is complete.
    """
    asked = {"parameters": _plain(parameters), "inputs": dict(inputs)}
    record = read_record(folder)
    if record and asked == {name: record[name] for name in asked} and not _damaged(folder, record):
        return record
    for left in folder.parent.glob(f"{folder.name}.part-*"):
        shutil.rmtree(left, ignore_errors=True)
    # A name of its own: what a killed process had started may still be writing.
    part = folder.with_name(f"{folder.name}.part-{os.getpid()}")
    part.mkdir(parents=True)
    started = time.monotonic()
    print(f"{folder.name}: working", file=sys.stderr, flush=True)
    report = make(part)
    outputs = {path.name: _describe(path) for path in sorted(part.iterdir())}
    record = {**asked, "outputs": outputs, "report": _plain(report)}
    (part / RECORD).write_text(json.dumps(record, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    (folder / RECORD).unlink(missing_ok=True)
    shutil.rmtree(folder, ignore_errors=True)
    part.rename(folder)
    print(f"{folder.name}: done in {time.monotonic() - started:.1f} s", file=sys.stderr, flush=True)
    return record


def read_record(folder: Path) -> Record | None:
    """The record of a finished step, None if there is none."""
    try:
        record = json.loads((folder / RECORD).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    whole = isinstance(record, dict) and {"parameters", "inputs", "outputs", "report"} <= record.keys()
    return record if whole else None


def checksums(record: Record) -> dict[str, str]:
    """sha256 of each file of a step: the inputs of the next."""
    return {name: output["sha256"] for name, output in record["outputs"].items()}


@contextmanager
def only_one(folder: Path) -> Iterator[None]:
    """Waits while another process works in the folder: what it makes needs not be made again."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = (folder / "lock").open("w")
    except OSError as error:
        raise DataError(
            f"{folder} must be a folder to write in, but is not ({error.strerror}): give another --out"
        ) from None
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print(
                f"another process works in {folder} (it holds {lock.name}): waiting for it", file=sys.stderr, flush=True
            )
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _plain(values: Mapping[str, Any]) -> dict[str, Any]:
    """As it will be read back from JSON."""
    plain: dict[str, Any] = json.loads(json.dumps(values))
    return plain


def _damaged(folder: Path, record: Record) -> bool:
    """Whether a file of the step is missing or of another size."""
    sizes = {path.name: path.stat().st_size for path in folder.iterdir()}
    return any(sizes.get(name) != output["bytes"] for name, output in record["outputs"].items())


def _describe(path: Path) -> dict[str, Any]:
    lines = None
    if path.suffix not in (".bin", ".idx", ".model"):
        with path.open("rb") as stream:
            lines = sum(block.count(b"\n") for block in iter(lambda: stream.read(1 << 20), b""))
    described = {"sha256": digest(path), "bytes": path.stat().st_size}
    return described if lines is None else {**described, "lines": lines}
