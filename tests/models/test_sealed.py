"""A file with a seal exists whole or not at all, and shows any damage."""

import zipfile
from pathlib import Path
from typing import Any

import pytest
import torch

from nmt_attn.models import sealed
from nmt_attn.spec import SpecError

STATE = {"model": {"weight": torch.arange(6.0).view(2, 3)}, "updates": 7}


def _written(folder: Path) -> Path:
    sealed.write(STATE, folder / "x.pt")
    return folder / "x.pt"


@pytest.mark.parametrize("mmap", [False, True])
def test_torch_reads_what_was_written(mmap: bool, tmp_path: Path) -> None:
    state = torch.load(_written(tmp_path), mmap=mmap)
    assert torch.equal(state["model"]["weight"], STATE["model"]["weight"])
    assert state["updates"] == 7


def test_a_whole_file_shows_no_damage(tmp_path: Path) -> None:
    path = _written(tmp_path)
    assert sealed.damage(path) == ""
    sealed.copy(path, tmp_path / "copy.pt")
    assert (tmp_path / "copy.pt").read_bytes() == path.read_bytes()
    assert sorted(file.name for file in tmp_path.iterdir()) == ["copy.pt", "x.pt"]


@pytest.mark.parametrize("old_format", [False, True])
def test_neither_does_one_that_plain_torch_wrote(old_format: bool, tmp_path: Path) -> None:
    torch.save(STATE, tmp_path / "x.pt", _use_new_zipfile_serialization=not old_format)
    assert sealed.damage(tmp_path / "x.pt") == ""


def test_a_bit_that_is_turned_anywhere_is_noticed(tmp_path: Path) -> None:
    path = _written(tmp_path)
    content = path.read_bytes()
    for place in range(len(content)):
        path.write_bytes(content[:place] + bytes([content[place] ^ 1 << place % 8]) + content[place + 1 :])
        assert sealed.damage(path), place


def test_a_file_cut_off_anywhere_is_noticed(tmp_path: Path) -> None:
    path = _written(tmp_path)
    content = path.read_bytes()
    for size in range(len(content)):
        path.write_bytes(content[:size])
        assert sealed.damage(path), size


def test_numbers_that_are_turned_in_a_file_of_plain_torch_are_noticed(tmp_path: Path) -> None:
    path = tmp_path / "x.pt"
    torch.save(STATE, path)
    with zipfile.ZipFile(path) as archive:
        part = next(info for info in archive.infolist() if info.file_size == 24)
    content = bytearray(path.read_bytes())
    place = bytes(content).index(torch.arange(6.0).numpy().tobytes())
    content[place] ^= 1
    path.write_bytes(content)
    assert sealed.damage(path) == f"{part.filename} in it does not have its checksum"


@pytest.mark.parametrize("after", [0, 1, 300, 1000])
def test_a_write_that_fails_leaves_what_was_there(after: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = _written(tmp_path)
    before = path.read_bytes()
    original = sealed._Hashing.write

    def full(self: Any, data: Any) -> int:
        if self.stream.tell() >= after:
            self.error = OSError(28, "No space left on device")
            raise self.error
        return original(self, data)

    monkeypatch.setattr(sealed._Hashing, "write", full)
    message = (
        r"x\.pt must be written whole, but cannot be \(No space left on device\): make room or take another disk; "
    )
    with pytest.raises(SpecError, match=message + "what was there before is left"):
        sealed.write({}, path)
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["x.pt"]


def test_a_disk_that_keeps_something_else_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def rots(number: int) -> None:
        (part,) = tmp_path.glob("x.pt.*.part")
        content = bytearray(part.read_bytes())
        content[100] ^= 4
        part.write_bytes(content)

    monkeypatch.setattr(sealed.os, "fsync", rots)
    with pytest.raises(SpecError, match=r"cannot be \(read back, it does not have its checksum\)"):
        sealed.write(STATE, tmp_path / "x.pt")
    assert not list(tmp_path.iterdir())
