"""Single files out of archives, under names that we choose."""

import gzip
import shutil
import tarfile
import zlib
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import BinaryIO, cast

from data_prep.errors import DataError


def extract(archive: Path, members: Mapping[str, str], out: Path) -> None:
    """Writes the regular files ``members`` (name in the archive: name in ``out``) of a tar archive or a single .gz.

    Nothing else is written, and no name of the archive becomes a path. Raises DataError if a member is missing, is not
    a regular file, or the archive is damaged or names a path outside its folder.
    """
    try:
        if archive.name.endswith((".tgz", ".tar.gz", ".tar")):
            missing = _extract_tar(archive, members, out)
        else:
            missing = _extract_gzip(archive, members, out)
    except (tarfile.TarError, EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise DataError(
            f"{archive} must be a whole archive, but is damaged ({error}): remove it, fetch again"
        ) from None
    if missing:
        raise DataError(f"{archive} must hold {sorted(missing)[0]}, but does not: it is another archive of that name")


def _extract_tar(archive: Path, members: Mapping[str, str], out: Path) -> set[str]:
    missing = set(members)
    with _tar_stream(archive) as content:
        with tarfile.open(fileobj=content, mode="r|") as stream:
            for member in stream:
                path = PurePosixPath(member.name)
                if path.is_absolute() or ".." in path.parts:
                    raise DataError(
                        f"{archive} must hold only paths inside its folder, not {member.name}: do not trust it"
                    )
                name = str(path)  # without a leading ./
                if name in missing:
                    _extract_member(archive, stream, member, out / members[name])
                    missing.remove(name)
        while content.read(1 << 20):  # to the end, where gzip has its checksum
            pass
    return missing


def _extract_member(archive: Path, stream: tarfile.TarFile, member: tarfile.TarInfo, target: Path) -> None:
    content = stream.extractfile(member) if member.isreg() else None
    if content is None:
        raise DataError(f"{member.name} in {archive} must be a regular file: do not trust this archive")
    with target.open("wb") as file:
        shutil.copyfileobj(content, file, 1 << 20)


def _tar_stream(archive: Path) -> BinaryIO:
    return archive.open("rb") if archive.suffix == ".tar" else cast(BinaryIO, gzip.open(archive))


def _extract_gzip(archive: Path, members: Mapping[str, str], out: Path) -> set[str]:
    name = archive.name.removesuffix(".gz")
    if archive.stat().st_size == 0:
        raise gzip.BadGzipFile("it is empty")
    if name in members:
        with gzip.open(archive) as stream, (out / members[name]).open("wb") as target:
            shutil.copyfileobj(stream, target, 1 << 20)
    return set(members) - {name}
