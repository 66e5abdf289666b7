"""The check of a binarised folder finds what is damaged, half-written, or of another dictionary or model."""

import random
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from fairseq import options
from fairseq_cli import preprocess  # type: ignore[import-untyped]

from data_prep import check, own
from data_prep.files import read_lines
from nmt_attn.corpora.fragment import write_corpus

ROOT = Path(__file__).parent.parent.parent
SETS = [f"{name}.en-de.{language}" for name in ("test", "train", "valid") for language in ("de", "en")]


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A corpus prepared by data_prep.own, and beside it: text that is not encoded, with the same dictionary ("raw")."""
    folder = tmp_path_factory.mktemp("corpus")
    write_corpus(folder, train=200, valid=12, test=14, seed=51)
    command = ["own", "--source-lang", "en", "--target-lang", "de", "--out", str(folder / "out"), "--workers", "1"]
    command += [word for name in ("train", "valid", "test") for word in (f"--{name}", str(folder / name))]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", [*command, "--vocabulary", "150", "--without", "ratio"])
        assert own.main() == 0
    _preprocess(folder / "out" / "bin" / "dict.en.txt", texts=folder, out=folder / "raw")
    return folder


def _preprocess(dictionary: Path, texts: Path, out: Path) -> None:
    command = ["--joined-dictionary", "--source-lang", "en", "--target-lang", "de", "--srcdict", str(dictionary)]
    command += ["--validpref", str(texts / "valid"), "--destdir", str(out)]
    preprocess.main(options.get_preprocessing_parser().parse_args(command))


@pytest.fixture
def folder(prepared: Path, tmp_path: Path) -> Path:
    """What fairseq-preprocess wrote; without our record, as in folders that others made."""
    shutil.copytree(prepared / "out" / "bin", tmp_path / "bin")
    (tmp_path / "bin" / "step.json").unlink()
    return tmp_path / "bin"


@pytest.fixture
def recorded(prepared: Path, folder: Path) -> Path:
    shutil.copy(prepared / "out" / "bin" / "step.json", folder)
    return folder


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """Standard output of a check that ends well, or the one line of a refusal."""

    def check_main(*arguments: object) -> str:
        monkeypatch.setattr(sys, "argv", ["check", *map(str, arguments)])
        code = check.main()
        out, err = capsys.readouterr()
        lines = (out if code == 0 else err).removesuffix("\n").split("\n")
        assert (code, len(lines), err if code == 0 else out) == (0 if out else 2, 1, "")
        return lines[0]

    return check_main


def _lines(path: Path, change: Callable[[list[str]], list[str]]) -> None:
    lines = change(list(read_lines(path)))
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8", newline="\n")


def _bytes(path: Path, change: Callable[[bytes], bytes]) -> None:
    path.write_bytes(change(path.read_bytes()))


def _noise(size: int) -> bytes:
    return random.Random(1).randbytes(size)


# Whole


def test_a_folder_that_was_just_made_is_whole_with_and_without_its_record(
    recorded: Path, run: Callable[..., str]
) -> None:
    counts = {"test": 14, "train": 200, "valid": 12}
    whole = f"{recorded}: whole; " + ", ".join(f"{name} {counts[name.split('.')[0]]}" for name in SETS)
    assert run(recorded) == whole
    (recorded / "step.json").unlink()
    assert run(recorded) == whole


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", "5", "[1]", '{"parameters": {}}', "\0"])
def test_a_record_that_is_none_is_no_record(content: str, recorded: Path, run: Callable[..., str]) -> None:
    (recorded / "step.json").write_text(content)
    assert ": whole; " in run(recorded)


def test_two_dictionaries_of_which_one_only_is_joint_with_the_text_are_whole(
    folder: Path, run: Callable[..., str]
) -> None:
    _lines(folder / "dict.de.txt", lambda lines: [*lines, "madeupword0000 0"])  # as fairseq pads them
    assert ": whole; " in run(folder)


# Indexed sets


CUT = "{} must be whole, but is cut off: run fairseq-preprocess again"
NO_INDEX = "{} must be an index of fairseq's mmap format, but is not: run fairseq-preprocess again"


@pytest.mark.parametrize(
    ("change", "size"),
    [
        (lambda content: content[:-2], -2),
        (lambda content: content[:-1], -1),
        (lambda content: content + b"\0\0", 2),
        (lambda content: content * 2, None),
        (lambda content: b"", None),
    ],
    ids=["cut", "cut in a symbol", "longer", "twice", "empty"],
)
@pytest.mark.parametrize("name", ["test.en-de.en", "train.en-de.de"])
def test_symbols_that_are_cut_or_too_many_are_refused(
    name: str, change: Callable[[bytes], bytes], size: int | None, folder: Path, run: Callable[..., str]
) -> None:
    path = folder / f"{name}.bin"
    before = path.stat().st_size
    _bytes(path, change)
    after = path.stat().st_size if size is None else before + size
    assert run(folder) == (
        f"check: error: {path} must have {before} bytes, but has {after}: run fairseq-preprocess again"
    )


def test_missing_symbols_are_refused(folder: Path, run: Callable[..., str]) -> None:
    path = folder / "valid.en-de.de.bin"
    size = path.stat().st_size
    path.unlink()
    assert run(folder) == f"check: error: {path} must have {size} bytes, but has 0: run fairseq-preprocess again"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda content: content[:-1], CUT),
        (lambda content: content[:-12], CUT),
        (lambda content: content[: len(content) // 2], CUT),
        (lambda content: content[:26], CUT),
        (lambda content: content + b"\0", CUT),
        (lambda content: content[:18] + _noise(8) + content[26:], CUT),
        (lambda content: content[:17] + b"\x63" + content[18:], CUT),
        (lambda content: content[:20], NO_INDEX),
        (lambda content: b"", NO_INDEX),
        (lambda content: bytes(len(content)), NO_INDEX),
        (lambda content: _noise(len(content)), NO_INDEX),
        (lambda content: b"TNTIDX\0\0" + content[8:], NO_INDEX),
    ],
    ids=["byte", "sentence", "half", "header", "longer", "count", "type", "short", "empty", "zero", "noise", "old"],
)
def test_an_index_that_is_cut_or_none_is_refused(
    change: Callable[[bytes], bytes], message: str, folder: Path, run: Callable[..., str]
) -> None:
    path = folder / "train.en-de.en.idx"
    _bytes(path, change)
    assert run(folder) == f"check: error: {message.format(path)}"


@pytest.mark.parametrize("fill", [bytes, _noise], ids=["zero", "noise"])
@pytest.mark.parametrize("begin", [0, 4], ids=["sizes and places", "places"])
def test_an_index_whose_end_was_never_written_is_refused(
    begin: int, fill: Callable[[int], bytes], folder: Path, run: Callable[..., str]
) -> None:
    path = folder / "valid.en-de.en.idx"
    _bytes(path, lambda content: content[: 26 + 12 * begin] + fill(12 * (12 - begin)))
    assert run(folder).startswith("check: error: ")


def test_sizes_whose_sum_is_right_but_one_is_negative_are_refused(folder: Path, run: Callable[..., str]) -> None:
    def swap(content: bytes) -> bytes:
        first, second = (int.from_bytes(content[at : at + 4], "little") for at in (26, 30))
        sizes = (first + second + 7).to_bytes(4, "little") + (-7).to_bytes(4, "little", signed=True)
        return content[:26] + sizes + content[34:]

    _bytes(folder / "valid.en-de.en.idx", swap)
    assert run(folder).startswith("check: error: ")


@pytest.mark.parametrize(("missing", "left"), [("de", "en"), ("en", "de")])
def test_a_missing_side_is_refused(missing: str, left: str, folder: Path, run: Callable[..., str]) -> None:
    for path in folder.glob(f"test.en-de.{missing}.*"):
        path.unlink()
    assert run(folder) == (
        "check: error: both sides of test must have the same number of sentences, not 14 and 0: "
        "run fairseq-preprocess again"
    )


def test_sides_of_different_length_are_refused(folder: Path, run: Callable[..., str]) -> None:
    for suffix in ("bin", "idx"):
        shutil.copy(folder / f"valid.en-de.de.{suffix}", folder / f"test.en-de.de.{suffix}")
    assert run(folder) == (
        "check: error: both sides of test must have the same number of sentences, not 12 and 14: "
        "run fairseq-preprocess again"
    )


@pytest.mark.parametrize("empty", [True, False])
def test_a_folder_of_something_else_is_refused(empty: bool, folder: Path, run: Callable[..., str]) -> None:
    for path in folder.glob("*" if empty else "*.idx"):
        path.unlink()
    assert run(folder) == (
        f"check: error: {folder} must hold what fairseq-preprocess wrote, two dictionaries and indexed sets"
    )


def test_a_folder_that_does_not_exist_is_refused(tmp_path: Path, run: Callable[..., str]) -> None:
    assert run(tmp_path / "none") == (
        f"check: error: {tmp_path / 'none'} must hold what fairseq-preprocess wrote, two dictionaries and indexed sets"
    )


# Dictionaries


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda lines: [*lines[:5], "word", *lines[6:]], "line 6 is 'word'"),
        (lambda lines: [*lines[:5], "word many", *lines[6:]], "line 6 is 'word many'"),
        (lambda lines: [*lines[:5], "word ²", *lines[6:]], "line 6 is 'word ²'"),
        (lambda lines: [*lines[:5], "word -1", *lines[6:]], "line 6 is 'word -1'"),
        (lambda lines: [*lines, ""], "line {} is ''"),
        (lambda lines: [" 7", *lines], "line 1 is ' 7'"),
        (lambda lines: [*lines, lines[2]], "line {} repeats {!r} of line 3"),
        (lambda lines: [lines[0], lines[2], *lines[1:]], "line 4 repeats {!r} of line 2"),
        (lambda lines: [lines[2].split(" ")[0] + " 999999", *lines], "line 4 repeats {!r} of line 1"),
        (lambda lines: ["<unk> 5", *lines], "line 1 repeats '<unk>' of fairseq itself"),
        (lambda lines: [*lines, "<pad> 0"], "line {} repeats '<pad>' of fairseq itself"),
        (lambda lines: [*lines, "</s> 0"], "line {} repeats '</s>' of fairseq itself"),
        (lambda lines: [*lines, "<s> 0"], "line {} repeats '<s>' of fairseq itself"),
    ],
)
@pytest.mark.parametrize("language", ["en", "de"])
def test_a_dictionary_with_a_line_that_cannot_be_or_stands_twice_is_refused(
    language: str, change: Callable[[list[str]], list[str]], message: str, folder: Path, run: Callable[..., str]
) -> None:
    path = folder / f"dict.{language}.txt"
    lines = list(read_lines(path))
    symbol = lines[2].split(" ")[0]
    _lines(path, change)
    message = message.replace("{!r}", repr(symbol)).replace("{}", str(len(lines) + 1))
    must = "name each symbol once" if "repeats" in message else "have a symbol and its count in each line"
    assert run(folder) == f"check: error: {path} must {must}, but {message}"


def test_a_dictionary_in_another_encoding_is_refused(folder: Path, run: Callable[..., str]) -> None:
    path = folder / "dict.de.txt"
    _bytes(path, lambda content: b"\xfc 1\n" + content)
    assert run(folder) == (
        f"check: error: {path} must be UTF-8, but line 1 has the byte 0xfc at offset 0: "
        "convert it with iconv -f ENCODING -t UTF-8"
    )


def test_a_missing_dictionary_is_refused(folder: Path, run: Callable[..., str]) -> None:
    (folder / "dict.de.txt").unlink()
    assert run(folder) == (
        f"check: error: {folder} must hold what fairseq-preprocess wrote, two dictionaries and indexed sets"
    )


def test_dictionaries_of_other_languages_are_refused(folder: Path, run: Callable[..., str]) -> None:
    (folder / "dict.de.txt").rename(folder / "dict.fr.txt")
    assert run(folder) == (f"check: error: {folder} must hold dict.de.txt for test.en-de.de.idx, but does not")


def test_a_smaller_dictionary_than_that_of_the_text_is_refused(folder: Path, run: Callable[..., str]) -> None:
    path = folder / "dict.de.txt"
    _lines(path, lambda lines: lines[:90])
    message = run(folder)
    assert message.startswith(f"check: error: {folder / 'test.en-de.de.bin'} must hold symbols below 94, but has 1")
    assert message.endswith(": it has another dictionary")


def test_text_that_is_not_encoded_is_refused(prepared: Path, run: Callable[..., str]) -> None:
    message = run(prepared / "raw")
    assert message.startswith(
        f"check: error: at most 5% of {prepared / 'raw' / 'valid.en-de.de.bin'} may be unknown symbols, not "
    )
    assert message.endswith("%: encode the text with the subwords of its dictionary, once")


def test_text_of_another_dictionary_is_refused(prepared: Path, tmp_path: Path, run: Callable[..., str]) -> None:
    """Subwords of this corpus with a dictionary that knows only the words of the text."""
    words = {word for path in prepared.glob("train.??") for line in read_lines(path) for word in line.split()}
    (tmp_path / "dict").write_text("".join(f"{word} 1\n" for word in sorted(words)), encoding="utf-8")
    _preprocess(tmp_path / "dict", texts=prepared / "out" / "pieces", out=tmp_path / "bin")
    assert "may be unknown symbols, not" in run(tmp_path / "bin")


# What data_prep recorded


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("dict.en.txt", lambda content: b"edited" + content),
        ("dict.de.txt", lambda content: b"".join(reversed(content.splitlines(keepends=True)))),
        ("dict.de.txt", lambda content: content + b"new 1\n"),
        ("valid.en-de.de.bin", lambda content: content[:-2]),
        ("valid.en-de.de.bin", lambda content: content[::-1]),
        ("train.en-de.de.idx", lambda content: content[:-1] + b"\1"),
    ],
)
def test_what_is_not_as_it_was_made_is_refused(
    name: str, change: Callable[[bytes], bytes], recorded: Path, run: Callable[..., str]
) -> None:
    _bytes(recorded / name, change)
    assert run(recorded) == (f"check: error: {recorded / name} must be as it was made, but is changed: prepare again")


@pytest.mark.parametrize("pattern", ["test.en-de.en.bin", "train.en-de.de.idx", "valid.*"])
def test_what_was_made_and_is_gone_is_missed(pattern: str, recorded: Path, run: Callable[..., str]) -> None:
    paths = sorted(recorded.glob(pattern))
    for path in paths:
        path.unlink()
    assert run(recorded) == f"check: error: {paths[0]} must be as it was made, but is gone: prepare again"


# Checkpoints


def _checkpoint(path: Path, source: int, target: int) -> Path:
    names = {"encoder": source, "decoder": target}
    model = {f"{side}.embed_tokens.weight": torch.zeros(rows, 4) for side, rows in names.items() if rows}
    torch.save({"model": model}, path)
    return path


def _symbols(folder: Path) -> int:
    return len(list(read_lines(folder / "dict.en.txt"))) + 4


def test_a_model_of_these_dictionaries_fits(folder: Path, tmp_path: Path, run: Callable[..., str]) -> None:
    size = _symbols(folder)
    assert ": whole; " in run(folder, "--checkpoint", _checkpoint(tmp_path / "model.pt", size, size))


@pytest.mark.parametrize(("source", "target", "language"), [(8, 0, "en"), (0, -1, "de"), (-1, -1, "en")])
def test_a_model_of_another_vocabulary_is_refused(
    source: int, target: int, language: str, folder: Path, tmp_path: Path, run: Callable[..., str]
) -> None:
    size = _symbols(folder)
    path = _checkpoint(tmp_path / "model.pt", size + source, size + target)
    rows = size + (source if language == "en" else target)
    assert run(folder, "--checkpoint", path) == (
        f"check: error: {folder / f'dict.{language}.txt'} must have the {rows} symbols that {path} was trained with, "
        f"but has {size}: give the folder of its training"
    )


def test_a_missing_checkpoint_is_refused(folder: Path, tmp_path: Path, run: Callable[..., str]) -> None:
    assert run(folder, "--checkpoint", tmp_path / "none.pt") == (
        f"check: error: the checkpoint must be a file, but {tmp_path / 'none.pt'} does not exist"
    )


def _saved(value: object) -> Callable[[Path], None]:
    return lambda path: torch.save(value, path)


@pytest.mark.parametrize(
    ("damage", "must"),
    [
        (lambda path: _bytes(path, lambda content: content[: len(content) // 2]), "be whole"),
        (lambda path: _bytes(path, lambda content: content[:-1]), "be whole"),
        (lambda path: path.write_bytes(b""), "be whole"),
        (lambda path: path.write_bytes(bytes(3000)), "be whole"),
        (lambda path: path.write_text("hello world\n" * 20), "be whole"),
        (lambda path: path.write_text("<!DOCTYPE html>\n" * 20), "be whole"),
        (lambda path: path.write_bytes(_noise(3000)), "be whole"),
        (_saved([1, 2]), "be one of fairseq's"),
        (_saved({"weights": {}}), "be one of fairseq's"),
        (_saved({"model": None}), "be one of fairseq's"),
        (_saved({"model": {}}), "be of a translation model"),
        (_saved({"model": {"decoder.embed_tokens.weight": torch.zeros(154, 4)}}), "be of a translation model"),
    ],
    ids=["half", "byte", "empty", "zero", "text", "page", "noise", "list", "other", "none", "no part", "decoder"],
)
def test_what_is_no_whole_checkpoint_of_a_translation_model_is_refused(
    damage: Callable[[Path], object], must: str, folder: Path, tmp_path: Path, run: Callable[..., str]
) -> None:
    path = _checkpoint(tmp_path / "model.pt", 154, 154)
    damage(path)
    message = run(folder, "--checkpoint", path)
    assert message.startswith(f"check: error: the checkpoint must {must}, but {path} ")
    assert "weights_only" not in message


def test_the_command_writes_one_line_to_standard_error(folder: Path, tmp_path: Path) -> None:
    path = _checkpoint(tmp_path / "model.pt", 5, 5)
    command = [sys.executable, "-m", "data_prep.check", str(folder), "--checkpoint", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        f"check: error: {folder / 'dict.en.txt'} must have the 5 symbols that {path} was trained with, but has "
        f"{_symbols(folder)}: give the folder of its training\n"
    )
