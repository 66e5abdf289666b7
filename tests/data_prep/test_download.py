"""Downloads by curl from a server that misbehaves: nothing is lost, and nothing unverified is ever taken."""

import hashlib
import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import FrozenInstanceError
from itertools import pairwise
from pathlib import Path

import pytest

from data_prep import download
from data_prep.download import Archive, fetch, with_checksums
from data_prep.errors import DataError
from tests.data_prep.server import WHOLE, Answer, Server, cut, early, garbage, redirect, short, stall, status

ROOT = Path(__file__).parent.parent.parent
CONTENT = random.Random(1).randbytes(300_000)
FETCH = """
import signal
import sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # it is ignored in what a shell started in the background
from pathlib import Path
from data_prep.download import Archive, fetch
fetch([Archive("a.tgz", (sys.argv[1],), sys.argv[2])], Path(sys.argv[3]))
"""


def _sha256(content: bytes) -> str:
    return "sha256:" + hashlib.sha256(content).hexdigest()


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """Has a.tgz, and the same at /mirror/a.tgz."""
    monkeypatch.setattr(download, "PAUSE", 0)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    for name in ("a.tgz", "mirror/a.tgz"):
        path = tmp_path / "served" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(CONTENT)
    with Server(tmp_path / "served") as server:
        yield server


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "archives"


@pytest.fixture
def part(folder: Path) -> Path:
    """The first 100,000 bytes of an earlier download."""
    folder.mkdir()
    path = folder / "a.tgz.part"
    path.write_bytes(CONTENT[:100_000])
    return path


def _archive(server: Server, *paths: str, name: str = "a.tgz", content: bytes = CONTENT) -> Archive:
    return Archive(name, tuple(server.address + path for path in paths or ("/a.tgz",)), _sha256(content))


def _check(archive: Archive, folder: Path) -> None:
    assert fetch([archive], folder) == {archive.name: folder / archive.name}
    assert (folder / archive.name).read_bytes() == CONTENT
    assert [path.name for path in folder.iterdir()] == [archive.name]


def _refused(archive: Archive, folder: Path, reason: str) -> None:
    """The error names the archive, the reason and both ways to go on; what is there is not under the final name."""
    with pytest.raises(DataError, match=reason) as caught:
        fetch([archive], folder)
    message = str(caught.value)
    assert archive.name in message
    assert "again" in message
    assert "folder" in message
    assert "\n" not in message
    assert not (folder / archive.name).exists()


def test_an_archive_is_downloaded_under_its_name(server: Server, folder: Path) -> None:
    _check(_archive(server), folder)
    assert server.ranges_of("/a.tgz") == [""]


def test_the_name_needs_not_be_that_in_the_address(server: Server, folder: Path) -> None:
    _check(_archive(server, "/mirror/a.tgz?download=1", name="other.tgz"), folder)


def test_a_second_call_makes_no_request(server: Server, folder: Path) -> None:
    _check(_archive(server), folder)
    _check(_archive(server), folder)
    assert len(server.requests) == 1


def test_the_checksum_may_be_md5(server: Server, folder: Path) -> None:
    checksum = "md5:" + hashlib.md5(CONTENT).hexdigest()
    _check(Archive("a.tgz", (f"{server.address}/a.tgz",), checksum, len(CONTENT)), folder)
    _check(Archive("a.tgz", (f"{server.address}/a.tgz",), checksum), folder)
    assert len(server.requests) == 1


@pytest.mark.parametrize("kind", ["md5", "sha256"])
def test_a_wrong_checksum_of_either_kind_is_refused(kind: str, server: Server, folder: Path) -> None:
    checksum = f"{kind}:{hashlib.new(kind, b'other').hexdigest()}"
    _refused(Archive("a.tgz", (f"{server.address}/a.tgz",), checksum), folder, kind)


def test_a_damaged_archive_is_downloaded_again(server: Server, folder: Path) -> None:
    folder.mkdir()
    (folder / "a.tgz").write_bytes(b"damaged")
    _check(_archive(server), folder)


def test_an_archive_is_frozen_and_its_size_may_be_unknown(server: Server) -> None:
    archive = _archive(server)
    assert archive.size == 0
    with pytest.raises(FrozenInstanceError):
        archive.size = 1  # type: ignore[misc]


def test_nothing_wanted_is_nothing_done(folder: Path) -> None:
    assert fetch([], folder) == {}


def test_a_redirection_is_followed(server: Server, folder: Path) -> None:
    server.queue("/moved.tgz", redirect(f"{server.address}/a.tgz"))
    _check(_archive(server, "/moved.tgz"), folder)


# What goes on where it was


def test_only_what_is_missing_is_asked_for(server: Server, folder: Path, part: Path) -> None:
    _check(_archive(server), folder)
    assert server.ranges_of("/a.tgz") == ["bytes=100000-"]


@pytest.mark.parametrize("breaks", [cut, early], ids=["reset", "closed early"])
def test_a_broken_transfer_is_continued(breaks: Callable[[int], Answer], server: Server, folder: Path) -> None:
    server.queue("/a.tgz", *(breaks(100_000) for _ in range(2)))
    _check(_archive(server), folder)
    assert server.ranges_of("/a.tgz") == ["", "bytes=100000-", "bytes=200000-"]


def test_a_broken_transfer_is_continued_from_the_next_mirror(server: Server, folder: Path) -> None:
    server.queue("/a.tgz", early(100_000), status(404))
    _check(_archive(server, "/a.tgz", "/mirror/a.tgz"), folder)
    assert server.ranges_of("/mirror/a.tgz") == ["bytes=100000-"]


def test_connections_that_bring_nothing_come_to_an_end(server: Server, folder: Path) -> None:
    server.queue("/a.tgz", *(cut(0) for _ in range(50)))
    _refused(_archive(server), folder, r"a\.tgz")
    assert len(server.requests) == 5


def test_breaks_come_to_an_end_if_each_begins_again(tmp_path: Path, server: Server, folder: Path) -> None:
    with Server(tmp_path / "served", ranges=False) as other:
        other.queue("/a.tgz", *(Answer(end=100_000, ranges=False) for _ in range(50)))
        _refused(_archive(other), folder, r"a\.tgz")


def test_a_file_announced_too_short_is_never_taken(server: Server, folder: Path) -> None:
    server.queue("/a.tgz", short(100_000))
    _check(_archive(server, "/a.tgz", "/mirror/a.tgz"), folder)


def test_a_server_without_ranges_begins_again(tmp_path: Path, server: Server, folder: Path, part: Path) -> None:
    with Server(tmp_path / "served", ranges=False) as other:
        _check(_archive(other), folder)
        assert other.ranges_of("/a.tgz")[0] == "bytes=100000-"


def test_a_server_that_ignores_a_range_while_it_goes_on_begins_again(server: Server, folder: Path) -> None:
    server.queue("/a.tgz", cut(100_000), WHOLE, WHOLE)
    _check(_archive(server), folder)


def test_an_error_page_is_no_part_of_an_archive(server: Server, folder: Path, part: Path) -> None:
    server.queue("/a.tgz", status(503), status(404))
    _check(_archive(server, "/a.tgz", "/mirror/a.tgz"), folder)
    assert server.ranges_of("/mirror/a.tgz") == ["bytes=100000-"]


def test_what_was_complete_but_not_yet_renamed_is_taken(server: Server, folder: Path, part: Path) -> None:
    part.write_bytes(CONTENT)
    _check(_archive(server), folder)


@pytest.mark.parametrize("length", [100_000, len(CONTENT), len(CONTENT) + 1])
def test_a_part_of_something_else_is_given_up(length: int, server: Server, folder: Path, part: Path) -> None:
    part.write_bytes(bytes(length))
    _check(_archive(server, "/a.tgz", "/mirror/a.tgz"), folder)


@pytest.mark.parametrize("length", [100_000, len(CONTENT), len(CONTENT) + 1])
def test_a_part_of_something_else_blocks_no_second_call(length: int, server: Server, folder: Path, part: Path) -> None:
    part.write_bytes(bytes(length))
    try:
        fetch([_archive(server)], folder)
    except DataError:
        assert not (folder / "a.tgz").exists()
    _check(_archive(server), folder)


@pytest.mark.parametrize("name", ["SIGINT", "SIGKILL"])
def test_an_interrupted_download_leaves_nothing_and_goes_on(name: str, server: Server, folder: Path) -> None:
    server.queue("/a.tgz", stall(200_000))
    archive, part = _archive(server), folder / "a.tgz.part"
    command = [sys.executable, "-c", FETCH, archive.urls[0], archive.checksum, str(folder)]
    process = subprocess.Popen(command, cwd=ROOT, start_new_session=True, stderr=subprocess.DEVNULL)
    try:
        _wait_for(lambda: part.exists() and part.stat().st_size > 0)
    finally:
        os.killpg(process.pid, getattr(signal, name))  # the process and curl, as the terminal does
        process.wait(20)
    assert process.returncode != 0
    assert [path.name for path in folder.iterdir()] == ["a.tgz.part"]
    assert len(server.requests) == 1
    there = part.stat().st_size
    _check(archive, folder)
    assert server.ranges_of("/a.tgz")[1:] == [f"bytes={there}-"]


def _wait_for(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


# Mirrors and attempts


@pytest.mark.parametrize("code", [400, 403, 404, 410])
def test_what_a_mirror_has_not_the_next_is_asked_for_at_once(code: int, server: Server, folder: Path) -> None:
    server.queue("/a.tgz", status(code))
    _check(_archive(server, "/a.tgz", "/mirror/a.tgz"), folder)
    assert [request.path for request in server.requests] == ["/a.tgz", "/mirror/a.tgz"]


def test_the_first_mirror_is_enough(server: Server, folder: Path) -> None:
    _check(_archive(server, "/mirror/a.tgz", "/a.tgz"), folder)
    assert [request.path for request in server.requests] == ["/mirror/a.tgz"]


def test_an_archive_that_no_mirror_has_is_refused(server: Server, folder: Path) -> None:
    _refused(_archive(server, "/none", "/none/either"), folder, "404")
    assert [request.path for request in server.requests] == ["/none", "/none/either"]


def test_an_archive_without_an_address_is_refused(server: Server, folder: Path) -> None:
    with pytest.raises(DataError, match=r"a\.tgz"):
        fetch([Archive("a.tgz", (), _sha256(CONTENT))], folder)


def test_a_server_that_is_not_there_is_a_failed_mirror(server: Server, folder: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))  # bound, but it does not listen
        nowhere = f"http://127.0.0.1:{free.getsockname()[1]}/a.tgz"
        _refused(Archive("a.tgz", (nowhere,), _sha256(CONTENT)), folder, r"a\.tgz")
        _check(Archive("a.tgz", (nowhere, f"{server.address}/a.tgz"), _sha256(CONTENT)), folder)


@pytest.mark.parametrize("code", [408, 429, 500, 502, 503, 504])
def test_a_busy_server_is_asked_again(code: int, server: Server, folder: Path) -> None:
    server.queue("/a.tgz", status(code), status(code))
    _check(_archive(server, "/a.tgz", "/mirror/a.tgz"), folder)
    assert [request.path for request in server.requests] == ["/a.tgz"] * 3


def test_a_server_that_stays_busy_is_given_up_after_five_attempts(server: Server, folder: Path) -> None:
    server.queue("/a.tgz", *(status(503) for _ in range(50)))
    server.queue("/mirror/a.tgz", *(status(503) for _ in range(4)))
    _check(_archive(server, "/a.tgz", "/mirror/a.tgz"), folder)
    assert [request.path for request in server.requests] == ["/a.tgz"] * 5 + ["/mirror/a.tgz"] * 5


def test_an_archive_whose_mirrors_all_stay_busy_is_refused(server: Server, folder: Path) -> None:
    server.queue("/a.tgz", *(status(503) for _ in range(50)))
    _refused(_archive(server), folder, "503")
    assert len(server.requests) == 5


def test_the_last_reason_is_told(server: Server, folder: Path) -> None:
    server.queue("/a.tgz", status(404))
    server.queue("/mirror/a.tgz", status(410))
    _refused(_archive(server, "/a.tgz", "/mirror/a.tgz"), folder, "410")


def test_the_pauses_grow(server: Server, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download, "PAUSE", 0.1)
    server.queue("/a.tgz", *(status(503) for _ in range(4)))
    _check(_archive(server), folder)
    times = [request.time for request in server.requests]
    pauses = [after - before for before, after in pairwise(times)]
    assert all(pause >= 0.1 * attempt for attempt, pause in enumerate(pauses, 1)), pauses
    assert len(pauses) == 4


def test_after_a_wrong_checksum_the_next_mirror_is_asked_for_all(server: Server, folder: Path) -> None:
    server.queue("/a.tgz", garbage(bytes(1000)))
    _check(_archive(server, "/a.tgz", "/mirror/a.tgz"), folder)
    assert server.ranges_of("/mirror/a.tgz") == [""]


def test_a_wrong_checksum_everywhere_leaves_nothing(server: Server, folder: Path) -> None:
    _refused(_archive(server, "/a.tgz", "/mirror/a.tgz", content=b"other"), folder, "(?i)checksum|sha256")
    assert [request.path for request in server.requests] == ["/a.tgz", "/mirror/a.tgz"]
    assert list(folder.iterdir()) == []


# Other sources


def _contents(folder: Path) -> dict[str, tuple[bytes, int]]:
    return {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in folder.iterdir()}


def test_a_folder_is_taken_from_and_not_written_to(
    tmp_path: Path, server: Server, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = tmp_path / "served"
    before = _contents(source / "mirror")
    monkeypatch.setenv("PATH", str(tmp_path))  # no curl is needed
    assert fetch([_archive(server)], folder, str(source / "mirror")) == {"a.tgz": source / "mirror" / "a.tgz"}
    assert _contents(source / "mirror") == before
    assert not folder.exists() or not list(folder.iterdir())
    assert server.requests == []


def test_a_folder_without_the_archive_is_refused(tmp_path: Path, server: Server, folder: Path) -> None:
    (tmp_path / "source").mkdir()
    (tmp_path / "source" / "a.tgz.part").write_bytes(CONTENT)
    with pytest.raises(DataError, match=r"a\.tgz"):
        fetch([_archive(server)], folder, str(tmp_path / "source"))
    with pytest.raises(DataError, match=r"a\.tgz|nowhere"):
        fetch([_archive(server)], folder, str(tmp_path / "nowhere"))
    assert [path.name for path in (tmp_path / "source").iterdir()] == ["a.tgz.part"]
    assert server.requests == []


def test_a_folder_with_a_damaged_archive_is_refused_and_kept(tmp_path: Path, server: Server, folder: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    (source / "a.tgz").write_bytes(b"damaged")
    before = _contents(source)
    with pytest.raises(DataError, match=r"a\.tgz"):
        fetch([_archive(server)], folder, str(source))
    assert _contents(source) == before
    assert server.requests == []


def test_an_address_stands_for_all_mirrors(server: Server, folder: Path) -> None:
    archive = _archive(server, "/elsewhere/x.tgz", "/elsewhere/y.tgz")
    assert fetch([archive], folder, f"{server.address}/mirror") == {"a.tgz": folder / "a.tgz"}
    assert [request.path for request in server.requests] == ["/mirror/a.tgz"]


def test_an_address_without_the_archive_is_refused(server: Server, folder: Path) -> None:
    with pytest.raises(DataError, match=r"a\.tgz.*404"):
        fetch([_archive(server)], folder, f"{server.address}/none")
    assert [request.path for request in server.requests] == ["/none/a.tgz"]
    assert not (folder / "a.tgz").exists()


# Several at a time


def _several(server: Server, number: int) -> list[Archive]:
    archives = []
    for n in range(number):
        content = random.Random(n).randbytes(1000 * n)
        (server.folder / f"{n}.gz").write_bytes(content)
        archives.append(_archive(server, f"/{n}.gz", name=f"kept-{n}.gz", content=content))
    return archives


def test_several_archives_come_at_a_time(server: Server, folder: Path) -> None:
    archives = _several(server, 3)
    gate = threading.Barrier(3)
    for n in range(3):
        server.queue(f"/{n}.gz", Answer(before=lambda: gate.wait(10)))  # none is answered before all are asked for
    assert fetch(archives, folder, jobs=3) == {f"kept-{n}.gz": folder / f"kept-{n}.gz" for n in range(3)}
    for n in range(3):
        assert (folder / f"kept-{n}.gz").read_bytes() == (server.folder / f"{n}.gz").read_bytes()


@pytest.mark.parametrize("jobs", [1, 2])
def test_no_more_archives_than_jobs_come_at_a_time(jobs: int, server: Server, folder: Path) -> None:
    lock, now, most = threading.Lock(), 0, 0

    def wait() -> None:
        nonlocal now, most
        with lock:
            now += 1
            most = max(most, now)
        time.sleep(0.1)
        with lock:
            now -= 1

    for n in range(6):
        server.queue(f"/{n}.gz", Answer(before=wait))
    assert len(fetch(_several(server, 6), folder, jobs=jobs)) == 6
    assert most <= jobs


def test_one_that_fails_is_named_and_the_others_are_right_in_the_next_call(server: Server, folder: Path) -> None:
    archives = _several(server, 6)
    server.queue("/3.gz", status(404))
    with pytest.raises(DataError, match=r"kept-3\.gz.*404"):
        fetch(archives, folder, jobs=2)
    assert not (folder / "kept-3.gz").exists()
    assert len(fetch(archives, folder)) == 6
    assert sorted(path.name for path in folder.iterdir()) == [f"kept-{n}.gz" for n in range(6)]
    assert len(server.ranges_of("/0.gz")) == 1  # it was complete before


# Checksum files


def test_checksums_come_from_a_file(server: Server, folder: Path, tmp_path: Path) -> None:
    wrong = Archive("a.tgz", (f"{server.address}/a.tgz",), "md5:0", 7)
    listed = hashlib.sha256(CONTENT).hexdigest()
    (tmp_path / "SHA256SUMS").write_text(f"{'0' * 64}  aa.tgz\n{listed}  a.tgz\n{'1' * 64}  tgz\n", encoding="utf-8")
    changed = with_checksums([wrong], tmp_path / "SHA256SUMS")
    assert changed == (Archive("a.tgz", wrong.urls, f"sha256:{listed}", 7),)
    assert wrong.checksum == "md5:0"
    _check(changed[0], folder)


def test_the_file_may_be_in_any_order_and_of_binary_mode(server: Server, tmp_path: Path) -> None:
    archives = _several(server, 4)
    lines = [f"{archives[n].checksum.removeprefix('sha256:')} *kept-{n}.gz\n" for n in (2, 0, 3, 1)]
    (tmp_path / "sums").write_text("".join(lines), encoding="utf-8")
    assert with_checksums(archives, tmp_path / "sums") == tuple(archives)


def test_an_archive_that_the_file_does_not_list_is_named(server: Server, tmp_path: Path) -> None:
    (tmp_path / "sums").write_text(f"{'0' * 64}  a.tgz\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"b\.tgz"):
        with_checksums([_archive(server), _archive(server, name="b.tgz")], tmp_path / "sums")


# The machine


@pytest.mark.parametrize("begun", [False, True])
def test_without_curl_it_says_so(
    begun: bool, server: Server, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder.mkdir()
    if begun:
        (folder / "a.tgz.part").write_bytes(CONTENT[:10])
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(DataError, match="curl"):
        fetch([_archive(server)], folder)
    assert [path.name for path in folder.iterdir()] == ["a.tgz.part"] * begun
