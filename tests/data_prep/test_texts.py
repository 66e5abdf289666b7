"""Plain lines out of the formats of the corpora, and files whose only line end is the line feed."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sacrebleu.dataset.fake_sgml import FakeSGMLDataset

from data_prep.archives import extract
from data_prep.errors import DataError
from data_prep.files import read_lines, write_lines
from data_prep.texts import plain_lines
from nmt_attn.corpora.fragment import generate
from tests.data_prep import layouts

PAIRS = [(pair.source_text, pair.target_text) for pair in generate(30, 31)]
NOT_LINE_ENDS = ["\r", "\x0b", "\x0c", "\x1c", "\x1d", "\x1e", "\x85", "\u2028", "\u2029"]


def _file(folder: Path, content: bytes | str) -> Path:
    path = folder / "file"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def _sacrebleu(path: Path) -> list[str]:
    """The segments of an .sgm file as sacreBLEU extracts them."""
    extracted = path.with_name("extracted")
    FakeSGMLDataset._convert_format(FakeSGMLDataset.__new__(FakeSGMLDataset), str(path), str(extracted))
    return extracted.read_bytes().decode().split("\n")[:-1]


# Formats


def test_segments_of_an_sgm_file_are_those_that_sacrebleu_takes(tmp_path: Path) -> None:
    marked = [("1 < 2 & \u201eso\u201c", "a\u00a0b  c\u2028d"), ("Tom & Jerry", "gro\u0308\u00dfer\u00ad \x85 \ufffd")]
    pairs = [*PAIRS, *marked]
    layouts.wmt14(tmp_path, PAIRS, PAIRS, pairs, PAIRS)
    for member in ("newstest2014-deen-src.en.sgm", "newstest2014-deen-ref.de.sgm"):
        extract(tmp_path / "wmt14-test-full.tgz", {f"test-full/{member}": member}, tmp_path)
        lines = list(plain_lines(tmp_path / member, f"test-full/{member}"))
        assert lines == _sacrebleu(tmp_path / member)
        assert len(lines) == len(pairs)


@pytest.mark.parametrize(
    "line",
    [
        '<seg id="1"> spaces   around </seg>',
        '<seg id="1">CRLF</seg>\r',
        '<seg id="1">one</seg> <seg id="2">two</seg>',
        '<seg id="1">&lt;b&gt; &amp;amp; &#8222;</seg>',
        '<seg id="1"></seg>',
        '<seg id="1">not closed',
        '<seg id="1">1 > 0</seg>',
        ' <seg id="1">indented</seg>',
        "<seg>no number</seg>",
        '<SEG id="1">capitals</SEG>',
        '<hl><seg id="1">in a headline</seg></hl>',
        '<seg id="1">a\tb\x0bc\x85d\u2028e\u00a0f\u3000g\u200bh\rj</seg>',
        "",
        "<p>",
    ],
)
@pytest.mark.parametrize("end", ["\n", ""])
def test_an_odd_line_of_an_sgm_file_is_read_as_sacrebleu_reads_it(line: str, end: str, tmp_path: Path) -> None:
    path = _file(tmp_path, f'<doc>\n<seg id="0">first</seg>\n{line}{end}')
    assert list(plain_lines(path, "set.sgm")) == _sacrebleu(path)


def test_training_text_of_iwslt_is_titles_descriptions_and_sentences_without_their_tags(tmp_path: Path) -> None:
    layouts.iwslt14(tmp_path, PAIRS, PAIRS[:9], *[PAIRS[:4]] * 4)
    for side, language in enumerate(("en", "de")):
        name = f"de-en/train.tags.de-en.{language}"
        extract(tmp_path / "de-en.tgz", {name: "tagged"}, tmp_path)
        assert list(plain_lines(tmp_path / "tagged", name)) == [pair[side] for pair in PAIRS]


def test_evaluation_text_of_iwslt_is_its_segments_without_the_space_around_them(tmp_path: Path) -> None:
    layouts.iwslt14(tmp_path, PAIRS, PAIRS[:9], *[PAIRS[:4]] * 4)
    for side, language in enumerate(("en", "de")):
        name = f"de-en/IWSLT14.TED.dev2010.de-en.{language}.xml"
        extract(tmp_path / "de-en.tgz", {name: "xml"}, tmp_path)
        assert list(plain_lines(tmp_path / "xml", name)) == [pair[side] for pair in PAIRS[:9]]


@pytest.mark.parametrize(
    ("name", "content", "lines"),
    [
        ("train.tags.de-en.de", "<speaker>A</speaker>\n  <title> Titel </title>\nEin Satz.\n", ["Titel", "Ein Satz."]),
        ("train.tags.de-en.de", "3 < 4\n\n<reviewer>C</reviewer>\n", ["3 < 4", ""]),
        ("a.de.xml", '<title>Titel</title>\n<description>x</description>\n  <seg id="1"> eins </seg>\n', ["eins"]),
        ("a.de.xml", '<seg id="1"></seg>\n<seg id="2">zwei\u2028</seg>\n', ["", "zwei"]),
        ("a.de", '<title>Titel</title>\n <seg id="1">x</seg> \n', ["<title>Titel</title>", ' <seg id="1">x</seg> ']),
    ],
)
def test_the_name_tells_the_format(name: str, content: str, lines: list[str], tmp_path: Path) -> None:
    assert list(plain_lines(_file(tmp_path, content), name)) == lines


# Lines of a file


@pytest.mark.parametrize(
    ("content", "lines"),
    [
        ("", []),
        ("\n", [""]),
        ("a", ["a"]),
        ("a\n", ["a"]),
        ("a\nb", ["a", "b"]),
        ("a\n\n", ["a", ""]),
        ("\n\na", ["", "", "a"]),
        ("a\r\nb\r\n", ["a\r", "b\r"]),
        (" a \n", [" a "]),
    ],
)
def test_a_line_feed_ends_a_line_and_the_last_one_may_be_missing(
    content: str, lines: list[str], tmp_path: Path
) -> None:
    path = _file(tmp_path, content)
    assert list(read_lines(path)) == lines
    assert list(plain_lines(path, "train.en")) == lines


@pytest.mark.parametrize("character", [*NOT_LINE_ENDS, "\0", "\ufffd", "\ufeff"], ids=ascii)
def test_no_other_character_ends_a_line(character: str, tmp_path: Path) -> None:
    assert list(read_lines(_file(tmp_path, f"a{character}b\nc{character}\n"))) == [f"a{character}b", f"c{character}"]


@settings(deadline=None, derandomize=True)
@given(
    st.lists(
        st.text(st.one_of(st.sampled_from(NOT_LINE_ENDS), st.characters(codec="utf-8", exclude_characters="\n\ufeff")))
    )
)
def test_lines_that_are_written_are_read_again(tmp_path_factory: pytest.TempPathFactory, lines: list[str]) -> None:
    path = tmp_path_factory.getbasetemp() / "written"
    write_lines(path, lines)
    assert list(read_lines(path)) == lines


@pytest.mark.parametrize(
    ("content", "line", "byte", "offset"),
    [
        (b"\xe4", 1, "e4", 0),
        (b"ab\xfc\n", 1, "fc", 2),
        ("äöü\nab".encode() + b"\xdf\n", 2, "df", 9),
        (b"\r\r\n\n\nx\xe9\n\xe9", 4, "e9", 6),
        (b"cut \xc3\nnext", 1, "c3", 4),
        (b"cut \xe2\x82", 1, "e2", 4),
        (b"surrogate \xed\xa0\x80\n", 1, "ed", 10),
        (b"too long \xc0\xaf\n", 1, "c0", 9),
        ("a\u2028b\n".encode() + b"\x80", 2, "80", 6),
        (b"a" * 3_000_000 + b"\n" + b"b" * 3_000_000 + b"\xff\n", 2, "ff", 6_000_001),
    ],
)
def test_a_byte_that_is_not_utf8_is_named_with_its_place(
    content: bytes, line: int, byte: str, offset: int, tmp_path: Path
) -> None:
    path = _file(tmp_path, content)
    with pytest.raises(DataError) as caught:
        list(read_lines(path))
    assert str(caught.value) == (
        f"{path} must be UTF-8, but line {line} has the byte 0x{byte} at offset {offset}: "
        "convert it with iconv -f ENCODING -t UTF-8"
    )
    assert path.read_bytes()[offset] == int(byte, 16)


@pytest.mark.parametrize(
    ("encoding", "name", "mend"),
    [
        ("utf-8-sig", "UTF-8", "remove its first 3 bytes"),
        ("utf-16-le", "UTF-16", "convert it with iconv -f UTF-16 -t UTF-8"),
        ("utf-16-be", "UTF-16", "convert it with iconv -f UTF-16 -t UTF-8"),
    ],
)
@pytest.mark.parametrize("text", ["", "ein Satz\n", "\n\n"], ids=ascii)
def test_a_byte_order_mark_is_refused(encoding: str, name: str, mend: str, text: str, tmp_path: Path) -> None:
    path = _file(tmp_path, (text if encoding == "utf-8-sig" else f"\ufeff{text}").encode(encoding))
    with pytest.raises(DataError) as caught:
        list(read_lines(path))
    assert str(caught.value) == (
        f"{path} must be UTF-8 without a byte order mark, but begins with that of {name} (offset 0): {mend}"
    )


def test_a_mark_that_does_not_begin_the_file_is_text(tmp_path: Path) -> None:
    assert list(read_lines(_file(tmp_path, "a\n\ufeffb\n"))) == ["a", "\ufeffb"]
