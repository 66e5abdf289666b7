"""Corpora as files: raw text, one sentence a line, and alignments in Pharaoh format."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

MOST_PAIRS = 2_000_000


class Pair(Protocol):
    """A sentence in both languages, and which of their tokens, counted from 0, belong together."""

    @property
    def source_text(self) -> str: ...
    @property
    def target_text(self) -> str: ...
    @property
    def alignment(self) -> tuple[tuple[int, int], ...]: ...


def checked(name: str, value: int) -> int:
    """The value, if it is a number of pairs that can be had; raises ValueError."""
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= MOST_PAIRS:
        raise ValueError(f"{name} must be a whole number from 1 to {MOST_PAIRS}, got {value!r}.")
    return value


def checked_sizes(*, train: int, valid: int, test: int) -> dict[str, int]:
    """Sizes of the splits in the order in which they are generated: valid and test do not depend on train."""
    sizes = {"valid": checked("valid", valid), "test": checked("test", test), "train": checked("train", train)}
    checked("train + valid + test", sum(sizes.values()))
    return sizes


def write_splits(folder: Path, sizes: dict[str, int], pairs: Iterator[Pair]) -> None:
    """Writes {train,valid,test}.{en,de,align} of the next pairs into a folder, which is made where it is missing."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, size in sizes.items():
        split = [next(pairs) for _ in range(size)]
        _write(folder / f"{name}.en", [pair.source_text for pair in split])
        _write(folder / f"{name}.de", [pair.target_text for pair in split])
        _write(folder / f"{name}.align", [" ".join(f"{i}-{j}" for i, j in pair.alignment) for pair in split])


def remove_split(folder: Path, name: str) -> None:
    """Takes away a set that another corpus has left in the folder."""
    for ending in ("en", "de", "align"):
        (folder / f"{name}.{ending}").unlink(missing_ok=True)


def _write(path: Path, lines: list[str]) -> None:
    temporary = path.with_name(path.name + ".part")
    with temporary.open("w", encoding="utf-8", newline="\n") as file:
        file.writelines(line + "\n" for line in lines)
    os.replace(temporary, path)
