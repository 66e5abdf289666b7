"""Files that are whole or absent: atomic writing, checksums, lines of text."""

import hashlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from data_prep.errors import DataError


def digest(path: Path, algorithm: str = "sha256") -> str:
    """Hexadecimal checksum of a file of any size."""
    checksum = hashlib.new(algorithm)
    with path.open("rb") as stream:
        while block := stream.read(1 << 20):
            checksum.update(block)
    return checksum.hexdigest()


@contextmanager
def writing(path: Path) -> Iterator[TextIO]:
    """A text file that gets its name when it is complete; only a line feed ends a line."""
    temporary = path.with_name(path.name + ".part")
    with temporary.open("w", encoding="utf-8", newline="\n") as stream:
        yield stream
    temporary.replace(path)


def write_lines(path: Path, lines: Iterable[str]) -> None:
    with writing(path) as stream:
        stream.writelines(line + "\n" for line in lines)


def read_lines(path: Path) -> Iterator[str]:
    """The lines of a UTF-8 file; only a line feed ends one. Raises DataError with the place of a wrong byte."""
    offset = 0
    with path.open("rb") as stream:
        for number, line in enumerate(stream, start=1):
            if number == 1:
                _check_byte_order_mark(path, line)
            try:
                yield line.decode().removesuffix("\n")
            except UnicodeDecodeError as error:
                raise DataError(
                    f"{path} must be UTF-8, but line {number} has the byte 0x{line[error.start]:02x} at offset "
                    f"{offset + error.start}: convert it with iconv -f ENCODING -t UTF-8"
                ) from None
            offset += len(line)


def _check_byte_order_mark(path: Path, line: bytes) -> None:
    for mark, encoding in ((b"\xef\xbb\xbf", "UTF-8"), (b"\xff\xfe", "UTF-16"), (b"\xfe\xff", "UTF-16")):
        if line.startswith(mark):
            raise DataError(
                f"{path} must be UTF-8 without a byte order mark, but begins with that of {encoding} (offset 0): "
                + ("remove its first 3 bytes" if encoding == "UTF-8" else "convert it with iconv -f UTF-16 -t UTF-8")
            )
