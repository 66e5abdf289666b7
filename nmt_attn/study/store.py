"""The store of a study: one line of JSON a finished run, only ever appended to.

``pandas.read_json("results.jsonl", lines=True)`` reads it.
"""

import json
import os
from collections.abc import Mapping
from math import isfinite
from pathlib import Path
from typing import Any

from nmt_attn.spec import SpecError

STORE = "results.jsonl"
NEEDED = (
    *("corpus", "model", "seed", "preset", "flags", "encoder_self", "decoder_self", "cross", "parameters", "updates"),
    *("bleu", "signature", "sentences", "data_sha256", "test_sha256", "scorer"),
)
NUMBERS = ("seed", "parameters", "updates", "bleu", "sentences")


def read_store(path: Path) -> list[dict[str, Any]]:
    """All results; none if there is no store yet. Raises SpecError for a line that is no result."""
    results = read_json_lines(path)
    for number, result in enumerate(results, start=1):
        if missing := [name for name in NEEDED if name not in result]:
            raise SpecError(
                f"{path} must say {missing[0]} in each line, but line {number} does not: restore it from a copy"
            )
        for name in NUMBERS:
            if not is_number(result[name]):
                raise SpecError(
                    f"{path} must have a number as {name}, but line {number} has {result[name]!r}: "
                    "restore it from a copy"
                )
    return results


def is_number(value: Any) -> bool:
    """Whether a value of JSON is a number that can be calculated with."""
    return isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value)


def read_json_lines(path: Path) -> list[dict[str, Any]]:
    """All objects of a file; none if there is no file. A last line without its end was cut off and does not count.

    Raises SpecError for a line that is no object, and for what is no file.
    """
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return []
    except OSError as error:
        raise SpecError(
            f"{path} must be a file of results that can be read, or not be there: {error.strerror}"
        ) from None
    *lines, _ = content.split(b"\n")
    return [_object(path, number, line) for number, line in enumerate(lines, start=1)]


def _object(path: Path, number: int, line: bytes) -> dict[str, Any]:
    try:
        result = json.loads(line)
    except ValueError:
        result = None
    if not isinstance(result, dict):
        raise SpecError(f"{path} must hold one JSON object a line, but line {number} is none: restore it from a copy")
    return result


def result_name(result: Mapping[str, Any]) -> str:
    """The name of the run that a result is of."""
    return f"{result['corpus']}/{result['model']}.{result['seed']}"


def append(path: Path, result: dict[str, Any]) -> None:
    """Adds an object; when this returns, it is on the disk. The caller sees to it that no other process does."""
    line = json.dumps(result, ensure_ascii=False).encode() + b"\n"
    with path.open("ab+") as file:
        file.truncate(_whole(file.seek(0, os.SEEK_END), path))
        file.write(line)
        file.flush()
        os.fsync(file.fileno())


def _whole(size: int, path: Path) -> int:
    """Bytes of a store up to the end of its last whole line."""
    return path.read_bytes().rfind(b"\n") + 1 if size else 0
