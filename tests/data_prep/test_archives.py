"""What comes out of an archive is what is wanted, all of it and nothing else."""

import gzip
import hashlib
import io
import random
import tarfile
from pathlib import Path

import pytest

from data_prep.archives import extract
from data_prep.errors import DataError
from tests.data_prep import layouts

BYTES = random.Random(1).randbytes(50_000)
PAIRS = [(f"A house & {n}.", f"Ein Haus & {n}: Grüße.") for n in range(30)]
WANTED = {"top/a": "first", "top/b": "second"}


Entry = tuple[str, bytes] | tarfile.TarInfo


def _entry(name: str, kind: bytes, target: str = "") -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)
    entry.type, entry.linkname = kind, target
    return entry


def _tar(path: Path, *entries: Entry, level: int = 9) -> Path:
    """A tar of these entries in this order; compressed unless it is called .tar."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as tar:
        for described in entries:
            if isinstance(described, tarfile.TarInfo):
                tar.addfile(described)
            else:
                entry = tarfile.TarInfo(described[0])
                entry.size = len(described[1])
                tar.addfile(entry, io.BytesIO(described[1]))
    if path.suffix == ".tar":
        path.write_bytes(stream.getvalue())
    else:
        layouts.write_gzip(path, stream.getvalue(), level)
    return path


def _tree(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes() if path.is_file() else b""
        for path in sorted(folder.rglob("*"))
    }


def _refused(archive: Path, members: dict[str, str], out: Path, reason: str) -> None:
    """It is told in one line, and nothing is written outside ``out``, nor in it under any name that is not ours."""
    before = _tree(out.parent)
    with pytest.raises(DataError, match=reason) as caught:
        extract(archive, members, out)
    assert archive.name in str(caught.value)
    assert "\n" not in str(caught.value)
    assert {path.name for path in out.iterdir()} <= set(members.values())
    assert {name: content for name, content in _tree(out.parent).items() if not name.startswith("out/")} == before


@pytest.fixture
def out(tmp_path: Path) -> Path:
    path = tmp_path / "work" / "out"
    path.mkdir(parents=True)
    return path


@pytest.fixture
def work(out: Path) -> Path:
    return out.parent


@pytest.mark.parametrize("name", ["x.tgz", "x.tar.gz", "x.tar"])
@pytest.mark.parametrize("prefix", ["", "./"])
def test_wanted_members_are_written_and_nothing_else(name: str, prefix: str, work: Path, out: Path) -> None:
    files = [("top/b", BYTES), ("top/c", b"not wanted"), ("top/a", b"a\n"), ("a", b"not wanted")]
    entries = [(prefix + path, content) for path, content in files]
    archive = _tar(work / name, _entry(f"{prefix}top", tarfile.DIRTYPE), *entries)
    extract(archive, WANTED, out)
    assert _tree(out) == {"first": b"a\n", "second": BYTES}


def test_what_is_in_the_folder_stays_and_an_older_file_is_replaced(work: Path, out: Path) -> None:
    (out / "first").write_bytes(b"an older and longer one")
    (out / "other").write_bytes(b"other")
    extract(_tar(work / "x.tgz", ("top/a", b"a\n")), {"top/a": "first"}, out)
    assert _tree(out) == {"first": b"a\n", "other": b"other"}


def test_a_compressed_file_is_decompressed(work: Path, out: Path) -> None:
    layouts.write_gzip(work / "train.en.gz", BYTES)
    extract(work / "train.en.gz", {"train.en": "raw.en"}, out)
    assert _tree(out) == {"raw.en": BYTES}


def test_a_compressed_file_has_no_other_member(work: Path, out: Path) -> None:
    layouts.write_gzip(work / "train.en.gz", BYTES)
    _refused(work / "train.en.gz", {"train.de": "raw.de"}, out, r"train\.de")


def test_a_compressed_file_of_several_streams_is_one_file(work: Path, out: Path) -> None:
    (work / "a.gz").write_bytes(gzip.compress(b"one\n") + gzip.compress(b"two\n"))
    extract(work / "a.gz", {"a": "a"}, out)
    assert _tree(out) == {"a": b"one\ntwo\n"}


@pytest.mark.parametrize("name", ["x.tgz", "x.tar"])
def test_a_missing_member_is_named(name: str, work: Path, out: Path) -> None:
    archive = _tar(work / name, ("top/a", b"a\n"), ("b", b"b\n"), ("top/b/c", b"c\n"))
    with pytest.raises(DataError, match="top/b") as caught:
        extract(archive, WANTED, out)
    assert name in str(caught.value)
    assert not (out / "second").exists()


@pytest.mark.parametrize("name", ["x.tgz", "x.tar", "x.gz"])
@pytest.mark.parametrize("left", [0, 5, 0.5, -4], ids=["empty", "a few bytes", "half", "all but the last bytes"])
def test_a_cut_archive_is_refused(name: str, left: float, work: Path, out: Path) -> None:
    archive = _tar(work / name, ("top/a", b"a\n"), ("top/b", BYTES))
    content = archive.read_bytes()
    if name == "x.tar":
        content = content.rstrip(b"\0")  # to the end of the last member
    archive.write_bytes(content[: int(left * len(content)) if isinstance(left, float) else left])
    _refused(archive, {"x": "first"} if name == "x.gz" else WANTED, out, r"x\.")


@pytest.mark.parametrize("name", ["x.tgz", "x.gz"])
@pytest.mark.parametrize("level", [0, 9], ids=["stored", "compressed"])
@pytest.mark.parametrize("place", [0.01, 0.5, 0.95])
def test_a_damaged_archive_is_refused(name: str, level: int, place: float, work: Path, out: Path) -> None:
    archive = _tar(work / name, ("top/a", b"a\n"), ("top/b", BYTES), ("top/c", BYTES[:25_000]), level=level)
    content = bytearray(archive.read_bytes())
    content[int(place * len(content))] ^= 0x55
    archive.write_bytes(content)
    _refused(archive, {"x": "first"} if name == "x.gz" else WANTED, out, r"x\.")


@pytest.mark.parametrize("name", ["x.tgz", "x.tar.gz", "x.tar", "x.gz"])
def test_what_is_no_archive_is_refused(name: str, work: Path, out: Path) -> None:
    (work / name).write_bytes(b"<html>This file has moved</html>\n" * 100)
    _refused(work / name, {"x": "first"} if name == "x.gz" else WANTED, out, r"x\.")


def test_what_is_compressed_but_no_tar_is_refused(work: Path, out: Path) -> None:
    layouts.write_gzip(work / "x.tgz", b"<html>This file has moved</html>\n" * 100)
    _refused(work / "x.tgz", WANTED, out, r"x\.")


@pytest.mark.parametrize("name", ["../evil", "top/../../evil", "/abs/evil", "./../evil", ".."])
@pytest.mark.parametrize("place", ["first", "last"])
@pytest.mark.parametrize("wanted", [True, False])
def test_a_path_outside_is_refused(name: str, place: str, wanted: bool, work: Path, out: Path) -> None:
    evil = (name, b"evil\n")
    others = [("top/a", b"a\n"), ("top/b", b"b\n")]
    archive = _tar(work / "x.tgz", *([evil, *others] if place == "first" else [*others, evil]))
    _refused(archive, {**WANTED, name: "evil"} if wanted else WANTED, out, r"x\.tgz")


@pytest.mark.parametrize(
    ("kind", "target"),
    [
        (tarfile.SYMTYPE, "a"),
        (tarfile.SYMTYPE, "../../secret"),
        (tarfile.SYMTYPE, "/etc/hostname"),
        (tarfile.LNKTYPE, "top/a"),
        (tarfile.LNKTYPE, "../secret"),
        (tarfile.CHRTYPE, ""),
        (tarfile.BLKTYPE, ""),
        (tarfile.FIFOTYPE, ""),
        (tarfile.DIRTYPE, ""),
    ],
)
def test_what_is_no_regular_file_is_refused(kind: bytes, target: str, work: Path, out: Path) -> None:
    (work / "secret").write_bytes(b"secret")
    archive = _tar(work / "x.tgz", ("top/a", b"a\n"), _entry("top/b", kind, target))
    _refused(archive, WANTED, out, "top/b")


def test_a_link_that_is_not_wanted_does_no_harm(work: Path, out: Path) -> None:
    (work / "outside").mkdir()
    link = _entry("top", tarfile.SYMTYPE, str(work / "outside"))
    extract(_tar(work / "x.tgz", link, ("top/a", b"a\n"), ("top/b", b"b\n")), WANTED, out)
    assert _tree(out) == {"first": b"a\n", "second": b"b\n"}
    assert list((work / "outside").iterdir()) == []


def test_the_small_archives_are_the_same_each_time(tmp_path: Path) -> None:
    for again in ("one", "two"):
        layouts.wmt14(tmp_path / again, PAIRS, PAIRS[:5], PAIRS[5:9], PAIRS[6:8])
        layouts.iwslt14(tmp_path / again, PAIRS, *(PAIRS[n:] for n in range(5)))
        layouts.multi30k(tmp_path / again, PAIRS, PAIRS[:5], PAIRS[5:9])
    assert _tree(tmp_path / "one") == _tree(tmp_path / "two")
    sums = (tmp_path / "one" / "SHA256SUMS").read_text(encoding="utf-8").splitlines()
    assert len(sums) == 13
    for line in sums:
        checksum, name = line.split("  ")
        assert hashlib.sha256((tmp_path / "one" / name).read_bytes()).hexdigest() == checksum


def test_the_small_archives_hold_the_pairs(tmp_path: Path, out: Path) -> None:
    folder = layouts.wmt14(tmp_path / "wmt14", PAIRS, PAIRS[:5], PAIRS[5:9], PAIRS[6:8])
    text = ""
    for archive, member in (
        ("training-parallel-europarl-v7.tgz", "training/europarl-v7.de-en.de"),
        ("training-parallel-commoncrawl.tgz", "commoncrawl.de-en.de"),
        ("training-parallel-nc-v9.tgz", "training/news-commentary-v9.de-en.de"),
    ):
        extract(folder / archive, {member: "x"}, out)
        text += (out / "x").read_text(encoding="utf-8")
    assert text.splitlines() == [german for _, german in PAIRS]
    extract(folder / "wmt14-test-filtered.tgz", {"test/newstest2014-deen-ref.de.sgm": "x"}, out)
    lines = (out / "x").read_text(encoding="utf-8").splitlines()
    assert lines[3:5] == [f'<seg id="{n - 5}">Ein Haus &amp; {n}: Grüße.</seg>' for n in (6, 7)]


def test_the_small_talks_hold_the_pairs(tmp_path: Path, out: Path) -> None:
    folder = layouts.iwslt14(tmp_path / "iwslt14", PAIRS, *(PAIRS[n : n + 5] for n in range(5)))
    members = {"de-en/train.tags.de-en.en": "train", "de-en/IWSLT14.TEDX.dev2012.de-en.de.xml": "dev"}
    extract(folder / "de-en.tgz", members, out)
    lines = (out / "train").read_text(encoding="utf-8").splitlines()
    assert lines[3:6] == ["<title>A house & 0.</title>", "<description>A house & 1.</description>", "A house & 2."]
    assert sum(line.startswith(("<url>", "<keywords>", "<talkid>")) for line in lines) == 15
    assert len(lines) == 45
    segments = (out / "dev").read_text(encoding="utf-8").splitlines()
    assert '<seg id="1"> Ein Haus & 1: Grüße. </seg>' in segments
    assert sum(line.startswith("<seg id=") for line in segments) == 5
