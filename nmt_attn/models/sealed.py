"""Files of torch.save that carry their own checksum, and that exist whole or not at all.

torch.save writes a zip archive. Its last field is a comment, which torch leaves empty and passes over: there stands the
sha256 of the archive as torch wrote it. So checksum and content are one file, and come to a disk together.
"""

import errno
import hashlib
import os
import pickle
import re
import shutil
import struct
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, cast

import torch

from nmt_attn.spec import SpecError

SEAL = re.compile(rb"sha256:([0-9a-f]{64})")
SIZE = len("sha256:") + 64
LENGTH = struct.Struct("<H")  # of the comment, before it
END = 22  # bytes of the record that a zip archive ends with, where there is no comment
BLOCK = 1 << 22
UNFINISHED = ".part"


def write(state: Any, path: Path) -> None:
    """Writes the file, or leaves what was there: a new file, read back, then renamed. Raises SpecError."""
    with _whole(path) as stream:
        hashing = _Hashing(stream)
        try:
            torch.save(state, cast(BinaryIO, hashing))
        except Exception:
            if hashing.error:  # torch only says that its place in the file is not the one it expected
                raise hashing.error from None
            raise
        stream.seek(-LENGTH.size, os.SEEK_END)
        stream.write(LENGTH.pack(SIZE) + b"sha256:" + hashing.digest.hexdigest().encode())


def copy(source: Path, target: Path) -> None:
    """Copies a file in the same manner."""
    with source.open("rb") as old, _whole(target) as new:
        shutil.copyfileobj(old, new, BLOCK)


@contextmanager
def _whole(path: Path) -> Iterator[BinaryIO]:
    """A stream whose content becomes that of the file if all of it was written and reads back whole."""
    temporary = path.with_name(f"{path.name}.{os.getpid()}{UNFINISHED}")
    try:
        with temporary.open("wb") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        if reason := damage(temporary):
            raise OSError(f"read back, {reason}")
        temporary.replace(path)
        _keep_name(path.parent)
    except OSError as error:
        reason = error.strerror or str(error)
        raise SpecError(
            f"{path} must be written whole, but cannot be ({reason}): make room or take another disk; "
            "what was there before is left"
        ) from error
    finally:
        temporary.unlink(missing_ok=True)


def _keep_name(folder: Path) -> None:
    """Brings the names in a folder to the disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):  # file systems that know no such thing
            raise
    finally:
        os.close(descriptor)


class _Hashing:
    """What torch.save needs of a stream, with the checksum of all that was written and the first error."""

    def __init__(self, stream: BinaryIO) -> None:
        self.stream = stream
        self.digest = hashlib.sha256()
        self.error: OSError | None = None

    def write(self, data: Any) -> int:
        self.digest.update(data)
        try:
            return self.stream.write(data)
        except OSError as error:
            self.error = self.error or error
            raise

    def flush(self) -> None:
        self.stream.flush()


def damage(path: Path) -> str:
    """What shows that the file is no longer as it was written; empty if all is well, or there is no file.

    A file with a seal is held against it; one of plain torch.save against the zip archive's checksums, which leave
    out a few bytes between its parts; one from before torch 1.6 has none.
    """
    if not path.is_file():
        return ""
    size = path.stat().st_size
    with path.open("rb") as stream:
        start = stream.read(2)
        stream.seek(max(0, size - SIZE - LENGTH.size))
        end = stream.read()
    if start[:1] == pickle.PROTO and not zipfile.is_zipfile(path):
        return ""
    if seal := SEAL.fullmatch(end[LENGTH.size :]):
        matches = LENGTH.unpack(end[: LENGTH.size]) == (SIZE,) and _digest(path, size - len(end)) == seal[1].decode()
        return "" if matches else "it does not have its checksum"
    if not (end[-END:].startswith(b"PK\x05\x06") and end.endswith(LENGTH.pack(0))):
        return "it is no whole zip archive"
    return _zip_damage(path)


def _digest(path: Path, size: int) -> str:
    """sha256 of the archive as torch wrote it, with no comment: the first ``size`` bytes and a length of 0."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while size and (block := stream.read(min(BLOCK, size))):
            digest.update(block)
            size -= len(block)
    digest.update(LENGTH.pack(0))
    return digest.hexdigest()


def _zip_damage(path: Path) -> str:
    try:
        with zipfile.ZipFile(path) as archive:
            part = archive.testzip()
            return f"{part} in it does not have its checksum" if part else ""
    except Exception as error:  # of any kind where the bytes are not an archive's
        return f"it is no whole zip archive ({type(error).__name__})"
