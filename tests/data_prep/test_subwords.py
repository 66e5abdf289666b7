"""Joint subwords: what is encoded comes back."""

from pathlib import Path

import pytest

from data_prep import subwords
from nmt_attn.corpora.fragment import generate


def test_pieces_come_back_as_the_text_and_only_a_line_feed_ends_a_line(tmp_path: Path) -> None:
    lines = [pair.target_text for pair in generate(300, 5)] + ["eins\u2028zwei drei"]
    (tmp_path / "raw").write_text("".join(line + "\n" for line in lines), encoding="utf-8")
    subwords.train([tmp_path / "raw"], 400, tmp_path / "model")
    subwords.encode(tmp_path / "raw", tmp_path / "pieces", tmp_path / "model.model")
    pieces = (tmp_path / "pieces").read_text(encoding="utf-8").split("\n")[:-1]
    assert len(pieces) == len(lines)
    back = [line.replace(" ", "").replace("▁", " ").strip() for line in pieces]
    assert back[:-1] == lines[:-1]
    assert any(len(line.split()) > len(text.split()) for line, text in zip(pieces, lines, strict=True))


def test_a_vocabulary_larger_than_the_text_allows_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "raw").write_text("ab ab\n", encoding="utf-8")
    arguments = ["subwords", "train", "--size", "999", "--model", str(tmp_path / "m"), str(tmp_path / "raw")]
    monkeypatch.setattr("sys.argv", arguments)
    assert subwords.main() == 2
    assert capsys.readouterr().err.startswith("subwords: error: ")
