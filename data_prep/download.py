"""Archives from mirrors or a local folder: by curl, which continues what was cut, and checked against a checksum."""

import re
import subprocess
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from tqdm import tqdm

from data_prep.errors import DataError
from data_prep.files import digest

ATTEMPTS = 5  # a mirror
PAUSE = 2.0  # seconds before the second attempt, twice that before the third, ...
CURL = ["curl", "--silent", "--location", "--fail", "--globoff", "--connect-timeout", "30", "--speed-limit", "1000"]
NO_RANGES = {33, 36}  # curl's exit codes: the server, or the file, cannot be continued
HOPELESS = {  # curl's exit codes that do not pass
    1: "protocol not known",
    3: "not an address",
    6: "host not found",
    23: "disk cannot be written",
    60: "certificate not valid",
}
WORTH_ANOTHER_TRY = {408, 429}  # HTTP statuses, and all from 500 on


@dataclass(frozen=True)
class Archive:
    """A file to fetch: its name here, mirrors in order, "sha256:HEX" or "md5:HEX", bytes for the progress bar."""

    name: str
    urls: tuple[str, ...]
    checksum: str
    size: int = 0


class _MirrorError(Exception):
    """Why a mirror did not give the archive."""


def fetch(archives: Sequence[Archive], folder: Path, source: str = "", jobs: int = 4) -> dict[str, Path]:
    """Every archive, complete and verified, by name; ``jobs`` downloads at a time.

    ``source``: "" for the mirrors, a folder that holds the archives, or an address under which they are. What a
    download has reached so far is kept as folder/NAME.part and continued by the next call. Raises DataError.
    """
    if source and "://" not in source:
        return {archive.name: _local(archive, Path(source)) for archive in archives}
    if source:
        archives = [replace(archive, urls=(f"{source.rstrip('/')}/{archive.name}",)) for archive in archives]
    folder.mkdir(parents=True, exist_ok=True)
    wanted = [archive for archive in archives if not _as_published(archive, folder / archive.name)]
    stop = threading.Event()
    with _progress(wanted, folder), ThreadPoolExecutor(jobs) as pool:
        downloads = [pool.submit(_download, archive, folder, stop) for archive in wanted]
        try:
            finished, stopped = wait(downloads, return_when=FIRST_EXCEPTION)
        finally:
            stop.set()
            pool.shutdown(cancel_futures=True)
    for download in (*finished, *stopped):
        download.result()
    return {archive.name: folder / archive.name for archive in archives}


def with_checksums(archives: Sequence[Archive], path: Path) -> tuple[Archive, ...]:
    """The archives with the checksums in a file that sha256sum wrote. Raises DataError if one is not in it."""
    if not path.is_file():
        raise DataError(f"the checksums must be a file that sha256sum wrote, but {path} is none")
    listed = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        if match := re.fullmatch(r"([0-9a-f]{64}) [ *](.+)", line):
            listed[match[2]] = match[1]
    for archive in archives:
        if archive.name not in listed:
            raise DataError(f"{path} must list {archive.name}: write it with sha256sum, a line an archive")
    return tuple(replace(archive, checksum=f"sha256:{listed[archive.name]}") for archive in archives)


def _local(archive: Archive, folder: Path) -> Path:
    path = folder / archive.name
    if not path.is_file():
        url = next(iter(archive.urls), "")
        raise DataError(f"the source must be a folder that holds {archive.name} ({url}), but {folder} does not")
    if not _as_published(archive, path):
        raise DataError(f"{path} must have {archive.checksum.replace(':', ' ')}, but has not: fetch it again")
    return path


def _as_published(archive: Archive, path: Path) -> bool:
    algorithm, wanted = archive.checksum.split(":")
    return path.exists() and digest(path, algorithm) == wanted


def _download(archive: Archive, folder: Path, stop: threading.Event) -> None:
    reasons = []
    part = folder / f"{archive.name}.part"
    for url in archive.urls:
        if stop.is_set():
            break
        try:
            _transfer(url, part, stop)
        except _MirrorError as failed:
            reasons.append(f"{url}: {failed}")
            continue
        if _as_published(archive, part):
            part.replace(folder / archive.name)
            return
        part.unlink(missing_ok=True)
        reasons.append(f"{url}: not the file with {archive.checksum.replace(':', ' ')}")
    raise DataError(
        f"{archive.name} could not be downloaded ({'; '.join(reasons)}): call again to go on, or give a folder that "
        f"holds {archive.name} as the source"
    )


def _transfer(url: str, part: Path, stop: threading.Event) -> None:
    """All bytes of one address, in as many attempts as allowed; an attempt that gets further is not counted."""
    reason, attempt, reached = "", 0, _size(part)
    while attempt < ATTEMPTS:
        code, status = _curl(url, part, stop)
        if code == 0 or status == 416:  # 416: it was complete
            return
        if code in NO_RANGES:
            part.unlink(missing_ok=True)
        if code in HOPELESS or (400 <= status < 500 and status not in WORTH_ANOTHER_TRY):
            raise _MirrorError(HOPELESS.get(code, f"HTTP {status}"))
        reason = f"HTTP {status}" if status >= 400 else f"connection lost, curl {code}"
        attempt = 1 if _size(part) > reached else attempt + 1
        reached = max(reached, _size(part))
        if stop.wait(PAUSE * attempt):
            break
    raise _MirrorError(reason)


def _curl(url: str, part: Path, stop: threading.Event) -> tuple[int, int]:
    """curl's exit code and the HTTP status (0 if there was none)."""
    command = [*CURL, "--continue-at", "-", "--output", str(part), "--write-out", "%{http_code}", url]
    try:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    except FileNotFoundError:
        raise DataError("curl must be installed to download: or give a folder of the archives as the source") from None
    with process:
        while True:
            try:
                status, _ = process.communicate(timeout=0.2)
                return process.returncode, int(status or 0)
            except subprocess.TimeoutExpired:
                if stop.is_set():
                    process.terminate()


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


@contextmanager
def _progress(archives: Sequence[Archive], folder: Path) -> Iterator[None]:
    """A bar over all bytes, drawn from the sizes of the files as they grow."""
    if not archives:
        yield
        return
    done = threading.Event()
    total = sum(archive.size for archive in archives) or None  # of those that are known, the large ones
    bar = tqdm(total=total, unit="B", unit_scale=True, desc="download")

    def draw() -> None:
        while not done.wait(0.2):
            bar.update(_reached(archives, folder) - bar.n)

    thread = threading.Thread(target=draw, daemon=True)
    started = time.monotonic()
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
        bar.update(_reached(archives, folder) - bar.n)
        bar.set_postfix_str(f"{time.monotonic() - started:.0f} s")
        bar.close()


def _reached(archives: Sequence[Archive], folder: Path) -> int:
    return sum(_size(folder / archive.name) or _size(folder / f"{archive.name}.part") for archive in archives)
