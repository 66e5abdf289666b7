"""What is given on the command line is a sentence, or a file of them."""

from pathlib import Path

import pytest

from nmt_attn.inspection.texts import lines, sentences
from nmt_attn.spec import SpecError


def test_nothing_stays_nothing() -> None:
    assert sentences("--target", None) is None


@pytest.mark.parametrize(
    "text",
    [
        "A man sleeps.",
        "Hello.",
        "w1",
        "and / or",
        "see a/b here",
        "What is 3.5?",
        "...",
        "",
        "x" * 5000,
        "ein\0Zeichen",
    ],
    ids=lambda text: text[:12],
)
def test_a_sentence_is_itself(text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert sentences("--source", text) == [text]


def test_a_file_has_a_sentence_a_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "my test.en"
    path.write_bytes("A man.\r\n\nZwei Mädchen!".encode())
    assert sentences("--source", str(path)) == ["A man.", "", "Zwei Mädchen!"]
    assert lines("--source", path) == ["A man.", "", "Zwei Mädchen!"]
    monkeypatch.chdir(tmp_path)
    assert sentences("--source", "my test.en") == ["A man.", "", "Zwei Mädchen!"]


@pytest.mark.parametrize("name", ["data/test.en", "/nowhere/test", "tset.en", "data/", "./test"])
def test_a_file_that_is_missing_is_no_sentence(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SpecError, match=f"--source must be a sentence, or a file that exists, not {name}"):
        sentences("--source", name)


def test_an_empty_file_and_one_that_is_not_text_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "test.en"
    path.touch()
    with pytest.raises(SpecError, match=r"--target must have a sentence a line, but .*test.en is empty"):
        sentences("--target", str(path))
    with pytest.raises(SpecError, match=r"--target must have a sentence a line, but .*test.en is empty"):
        lines("--target", path)
    path.write_bytes(b"M\xe4dchen\n")
    with pytest.raises(SpecError, match=r"test.en must be UTF-8, but byte 1 \(in line 1\) is 0xe4"):
        sentences("--target", str(path))


def test_what_must_be_a_file_is_never_a_sentence(tmp_path: Path) -> None:
    for name in ("test", "A man sleeps.", ""):
        with pytest.raises(SpecError, match="must be a readable file: "):
            lines("--source", tmp_path / name)
