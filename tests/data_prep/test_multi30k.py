"""Multi30k's preparation, against a local server with small archives of the real layout."""

import gzip
import hashlib
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from data_prep import multi30k


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def archives(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "archives"
    folder.mkdir()
    for name in multi30k.SHA256:
        (folder / name).write_bytes(gzip.compress(f"a line of {name}\nGrüße\n".encode(), mtime=0))
        monkeypatch.setitem(multi30k.SHA256, name, hashlib.sha256((folder / name).read_bytes()).hexdigest())
    return folder


@pytest.fixture
def server(archives: Path) -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(archives))) as http:
        threading.Thread(target=http.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{http.server_port}"
        http.shutdown()


def _check(out: Path) -> None:
    assert (out / "test.de").read_text(encoding="utf-8") == "a line of test_2016_flickr.de.gz\nGrüße\n"
    assert (out / "valid.en").read_text(encoding="utf-8") == "a line of val.en.gz\nGrüße\n"
    assert {path.name for path in out.iterdir() if path.suffix in (".en", ".de")} == {
        f"{name}.{language}" for name in ("train", "valid", "test") for language in ("en", "de")
    }


def test_it_takes_a_local_folder(archives: Path, tmp_path: Path) -> None:
    multi30k.prepare(tmp_path / "out", str(archives))
    _check(tmp_path / "out")


def test_it_downloads(server: str, tmp_path: Path) -> None:
    multi30k.prepare(tmp_path / "out", server)
    _check(tmp_path / "out")


def test_a_second_call_does_nothing(archives: Path, tmp_path: Path) -> None:
    multi30k.prepare(tmp_path / "out", str(archives))
    multi30k.prepare(tmp_path / "out", "/nowhere")
    _check(tmp_path / "out")


def test_a_damaged_archive_is_named_and_nothing_is_written(archives: Path, tmp_path: Path) -> None:
    (archives / "train.en.gz").write_bytes(b"damaged")
    with pytest.raises(multi30k.DataError, match=r"train\.en\.gz must have sha256 .*: remove and fetch again"):
        multi30k.prepare(tmp_path / "out", str(archives))
    assert not list((tmp_path / "out").iterdir())


def test_a_folder_without_the_archives_is_refused(tmp_path: Path) -> None:
    with pytest.raises(multi30k.DataError, match=r"must be a folder that holds train\.en\.gz"):
        multi30k.prepare(tmp_path / "out", str(tmp_path))


def test_a_failed_download_says_how_to_go_on(server: str, archives: Path, tmp_path: Path) -> None:
    (archives / "train.en.gz").unlink()
    with pytest.raises(multi30k.DataError, match="could not be downloaded .*; call again to go on"):
        multi30k.prepare(tmp_path / "out", server)
