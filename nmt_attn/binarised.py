"""What fairseq-preprocess writes, dictionaries and indexed sets, checked without reading the text itself.

An indexed set is two files: NAME.bin with the symbols' numbers, one sentence after the other, and NAME.idx: 9 bytes
MAGIC, version (8 bytes), type of the numbers (1), count of sentences (8), their lengths (4 each) and places (8 each).
"""

import struct
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from nmt_attn.spec import SpecError

SPECIAL = ("<s>", "<pad>", "</s>", "<unk>")  # the symbols that fairseq's dictionary begins with
MAGIC = b"MMIDIDX\x00\x00"
HEADER = "<9sQBQ"
TYPES = {
    1: np.uint8,
    2: np.int8,
    3: np.int16,
    4: np.int32,
    5: np.int64,
    6: np.float64,
    7: np.float64,
    8: np.uint16,
    9: np.uint32,
    10: np.uint64,
}
OVERWRITE = " #fairseq:overwrite"  # allows a symbol that an earlier line has


@dataclass(frozen=True)
class IndexedSet:
    """One side of a set: the file with its numbers, their type, and the length of each sentence in tokens."""

    data: Path
    kind: type
    sizes: np.ndarray

    def tokens(self) -> np.ndarray:
        """All numbers, read from the file where they are used."""
        return np.memmap(self.data, self.kind, "r") if len(self.sizes) else np.empty(0, self.kind)


def read_index(index: Path) -> IndexedSet:
    """The set of an .idx file. Raises SpecError if either file was not written to its end."""
    data = index.with_suffix(".bin")
    header = struct.calcsize(HEADER)
    content = index.read_bytes()
    if len(content) < header or not content.startswith(MAGIC):
        raise SpecError(f"{index} must be an index of fairseq's mmap format, but is not: run fairseq-preprocess again")
    _, _, code, count = struct.unpack(HEADER, content[:header])
    if code not in TYPES or len(content) != header + 12 * count:
        raise SpecError(f"{index} must be whole, but is cut off: run fairseq-preprocess again")
    width = np.dtype(TYPES[code]).itemsize
    sizes = np.frombuffer(content, np.int32, count, header)
    places = np.frombuffer(content, np.int64, count, header + 4 * count)
    ends = sizes.cumsum(dtype=np.int64)
    if count and (sizes.min() < 1 or places[0] != 0 or (places[1:] != ends[:-1] * width).any()):
        raise SpecError(f"{index} must be whole, but was not written to its end: run fairseq-preprocess again")
    wanted = int(ends[-1]) * width if count else 0
    found = data.stat().st_size if data.exists() else 0
    if found != wanted:
        raise SpecError(f"{data} must have {wanted} bytes, but has {found}: run fairseq-preprocess again")
    return IndexedSet(data, TYPES[code], sizes)


def check_numbers(data: Path, numbers: np.ndarray, symbols: int) -> None:
    """Raises SpecError unless all numbers, of which there must be one, are those of a dictionary's symbols."""
    if numbers.max() >= symbols or numbers.min() < 0:
        raise SpecError(f"{data} must hold symbols below {symbols}, but has {numbers.max()}: it has another dictionary")


def read_dictionary(path: Path) -> int:
    """Number of symbols, fairseq's own included. Raises SpecError for a line that cannot be or that stands twice."""
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise SpecError(
            f"{path} must be UTF-8, but has the byte 0x{error.object[error.start]:02x} at offset {error.start}: "
            "run fairseq-preprocess again"
        ) from None
    return count_symbols(path, (line.rstrip() for line in text.removesuffix("\n").split("\n") if text))


def count_symbols(path: Path, lines: Iterable[str]) -> int:
    """As read_dictionary, of a dictionary's lines."""
    seen: dict[str, int] = {}
    number = 0
    for number, line in enumerate(lines, start=1):
        symbol, _, count = line.removesuffix(OVERWRITE).rpartition(" ")
        if not symbol or not count.isdecimal():
            raise SpecError(f"{path} must have a symbol and its count in each line, but line {number} is {line!r}")
        if (symbol in seen or symbol in SPECIAL) and not line.endswith(OVERWRITE):
            first = f"line {seen[symbol]}" if symbol in seen else "fairseq itself"
            raise SpecError(f"{path} must name each symbol once, but line {number} repeats {symbol!r} of {first}")
        seen[symbol] = number
    return number + len(SPECIAL)
