"""Bad input is one line that says what must be what and how to mend it, and nothing half-made that looks finished."""

import os
import random
import re
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from data_prep import binarise, command, own, prepare
from data_prep.files import read_lines
from data_prep.filters import REASONS, REQUIRED
from data_prep.multi30k import MULTI30K
from data_prep.refusals import first_shifted
from nmt_attn.corpora.fragment import generate
from tests.data_prep import layouts

ROOT = Path(__file__).parent.parent.parent
PAIRS = [(pair.source_text, pair.target_text) for pair in generate(300, 61)]
FILES = {
    f"{name}.{language}": "".join(f"{pair[side]}\n" for pair in pairs).encode()
    for name, pairs in (("train", PAIRS[:250]), ("valid", PAIRS[250:270]), ("test", PAIRS[270:]))
    for side, language in enumerate(("en", "de"))
}
STEPS = ["raw", "text", "subwords", "pieces", "bin"]
PROGRESS = re.compile(rf"({'|'.join(STEPS)}): (working|done in [0-9.]+ s)")
TRANSLATION = "must be a text and its translation, but are the same"
COMMANDS: dict[str, Callable[[], int]] = {"own": own.main, "multi30k": lambda: command.run(MULTI30K, "")}

Change = Callable[[bytes], bytes] | None
Changes = dict[str, Change]
Run = Callable[..., tuple[int, list[str]]]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    folder.mkdir()
    _restore(folder)
    return folder


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out"


@pytest.fixture
def run(data: Path, out: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Exit code and lines on standard error, less the progress, of a command; fairseq-preprocess is left out."""

    def run_main(*flags: object, corpus: str = "own", to: Path = out) -> tuple[int, list[str]]:
        texts = _arguments(data) if corpus == "own" else []
        monkeypatch.setattr(sys, "argv", [corpus, *texts, "--out", str(to), "--workers", "1", *map(str, flags)])
        try:
            code = COMMANDS[corpus]()
        except SystemExit as stopped:  # by argparse
            code = int(stopped.code or 0)
        lines = capsys.readouterr().err.removesuffix("\n").split("\n")
        return code, [line for line in lines if not PROGRESS.fullmatch(line)]

    monkeypatch.setattr(prepare, "binarise", lambda corpus, pieces, out, workers: {})
    return run_main


def _arguments(data: Path) -> list[str]:
    texts = [word for name in ("train", "valid", "test") for word in (f"--{name}", str(data / name))]
    return ["--source-lang", "en", "--target-lang", "de", *texts, "--vocabulary", "150"]


def _restore(data: Path, changes: Changes | None = None) -> None:
    for name, content in FILES.items():
        change = (changes or {}).get(name, bytes)
        if change is None:
            (data / name).unlink()
        else:
            (data / name).write_bytes(change(content))


def _line(number: int, text: str) -> Change:
    """Puts another text in a line, counted from 1."""

    def change(content: bytes) -> bytes:
        lines = content.split(b"\n")
        lines[number - 1] = text.encode()
        return b"\n".join(lines)

    return change


def _without(number: int) -> Change:
    def change(content: bytes) -> bytes:
        lines = content.split(b"\n")
        del lines[number - 1]
        return b"\n".join(lines)

    return change


def _instead(name: str) -> Change:
    return lambda content: FILES[name]


def _refused(out: Path, step: str, result: tuple[int, list[str]], message: str) -> None:
    """One line, and of the step that fails and those after it no folder under its name."""
    code, lines = result
    assert lines == [f"own: error: {message}"]
    assert code == 2
    left = {path.name for path in out.iterdir()} if out.is_dir() else set()
    assert left & set(STEPS) == set(STEPS[: STEPS.index(step)])
    assert "manifest.json" not in left


def _prepared(out: Path, result: tuple[int, list[str]]) -> None:
    code, lines = result
    assert code == 0
    assert not [line for line in lines if "error" in line]
    assert {*STEPS, "manifest.json"} <= {path.name for path in out.iterdir()}
    assert not list(out.rglob("*.part*"))


# Files that are wrong: what is said, in which step, and a mended file is enough to go on


EMPTY = "must hold at least one line, but is empty"
BOM = "must be UTF-8 without a byte order mark, but begins with that of"
RAW = "must be raw text, but line"
RESERVED = "a symbol of the dictionary or a mark of subwords: give the raw text"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"train.en": None}, "{}/train.en must be a text file, a sentence a line, but there is none"),
        ({"test.de": None}, "{}/test.de must be a text file, a sentence a line, but there is none"),
        ({"train.en": lambda _: b""}, f"{{}}/train.en {EMPTY}"),
        ({"train.de": lambda _: b""}, f"{{}}/train.de {EMPTY}"),
        ({"valid.de": lambda _: b""}, f"{{}}/valid.de {EMPTY}"),
        ({"test.en": lambda _: b"", "test.de": lambda _: b""}, f"{{}}/test.en {EMPTY}"),
        ({"train.de": lambda text: b"\xef\xbb\xbf" + text},
         f"{{}}/train.de {BOM} UTF-8 (offset 0): remove its first 3 bytes"),
        ({"valid.en": lambda text: text.decode().encode("utf-16")},
         f"{{}}/valid.en {BOM} UTF-16 (offset 0): convert it with iconv -f UTF-16 -t UTF-8"),
        ({"valid.de": _line(7, "")},
         f"{{}}/valid.de {RAW} 7 is empty: give its translation, or take the line out of both files"),
        ({"test.en": _line(20, " \u00ad\t")},
         f"{{}}/test.en {RAW} 20 is empty: give its translation, or take the line out of both files"),
        ({"test.en": _line(3, "an <unk> here")}, f"{{}}/test.en {RAW} 3 holds '<unk>', {RESERVED}"),
        ({"valid.de": _line(1, "<pad>")}, f"{{}}/valid.de {RAW} 1 holds '<pad>', {RESERVED}"),
        ({"valid.de": _line(1, "Ende</s>")}, f"{{}}/valid.de {RAW} 1 holds '</s>', {RESERVED}"),
        ({"valid.en": _line(4, "low@@ er")}, f"{{}}/valid.en {RAW} 4 holds 'w@@ ', {RESERVED}"),
        ({"valid.en": _line(4, "▁low er")}, f"{{}}/valid.en {RAW} 4 holds '▁', {RESERVED}"),
        ({"train.de": _instead("train.en")}, f"{{0}}/train.en and {{0}}/train.de {TRANSLATION}"),
        ({"test.en": _instead("test.de")}, f"{{0}}/test.en and {{0}}/test.de {TRANSLATION}"),
    ],
)  # fmt: skip
def test_a_text_that_cannot_be_used_is_refused_until_it_is_mended(
    changes: Changes, message: str, data: Path, out: Path, run: Run
) -> None:
    _restore(data, changes)
    _refused(out, "raw", run(), message.format(data))
    _restore(data)
    _prepared(out, run())


@pytest.mark.parametrize("character", "\0\x01\x0b\x0c\r\x1b\x1c\x7f\x85\u2028\u2029\ufffd", ids=ascii)
@pytest.mark.parametrize("name", ["valid.en", "test.de"])
def test_a_control_character_in_evaluation_text_is_refused_but_only_filtered_in_training_text(
    name: str, character: str, data: Path, out: Path, run: Run
) -> None:
    _restore(data, {name: _line(11, f"one{character}two")})
    _refused(out, "raw", run(), f"{data / name} {RAW} 11 holds the character {character!r}: put a space in its place")
    training = {f"train{Path(name).suffix}": _line(11, f"one{character}two")}
    _restore(data, training)
    code, lines = run()
    assert code == 0
    assert any(re.match(" *-1  control: ", line) for line in lines)


def test_the_line_ends_of_windows_are_no_control_characters(data: Path, out: Path, run: Run) -> None:
    _restore(data, dict.fromkeys(FILES, lambda text: text.replace(b"\n", b"\r\n")))
    _prepared(out, run())
    for name in FILES:
        assert (out / "text" / name).read_bytes() == FILES[name]


@pytest.mark.parametrize("name", ["train.de", "valid.de", "test.de"])
def test_text_in_latin_1_is_refused_with_the_place_of_its_first_odd_byte(
    name: str, data: Path, out: Path, run: Run
) -> None:
    content = FILES[name].decode().encode("latin-1")
    place = next(place for place, byte in enumerate(content) if byte > 127)
    _restore(data, {name: lambda _: content})
    message = (
        f"{data / name} must be UTF-8, but line {content[:place].count(10) + 1} has the byte 0x{content[place]:02x} at "
        f"offset {place}: convert it with iconv -f ENCODING -t UTF-8"
    )
    _refused(out, "raw", run(), message)
    (data / name).write_bytes((data / name).read_text(encoding="latin-1").encode())  # iconv
    _prepared(out, run())


# Line counts


@pytest.mark.parametrize("trial", range(20))
def test_a_line_that_is_missing_is_found_to_within_a_few_lines(trial: int, data: Path, out: Path, run: Run) -> None:
    choice = random.Random(trial)
    number, language = choice.randint(1, 250), choice.choice(["en", "de"])
    _restore(data, {f"train.{language}": _without(number)})
    code, (line,) = run()
    counts = "249 and 250" if language == "en" else "250 and 249"
    found = re.fullmatch(
        rf"own: error: {data}/train.en and {data}/train.de must have the same number of lines, not {counts}: look "
        r"around line (\d+), where they stop to match in length",
        line,
    )
    assert found
    assert abs(int(found[1]) - number) <= 3
    assert (code, (out / "raw").exists()) == (2, False)


def test_a_line_that_is_missing_is_mostly_found_to_within_one() -> None:
    near = 0
    for trial in range(100):
        choice = random.Random(trial)
        sides = [list(side) for side in zip(*PAIRS, strict=True)]
        place = choice.randrange(300)
        del choice.choice(sides)[place]
        near += abs(first_shifted(*sides) - (place + 1)) <= 1
    assert near >= 85


@pytest.mark.parametrize("missing", [1, 2, 40])
def test_missing_lines_are_found_where_translations_are_as_long_as_their_sources(missing: int) -> None:
    choice = random.Random(missing)
    for _ in range(20):
        sides = [["x" * length for length in choice.sample(range(500), 200)]] * 2
        place, side = choice.randrange(200 - missing), choice.randrange(2)
        sides[side] = sides[side][:place] + sides[side][place + missing :]
        assert first_shifted(*sides) == place + 1


@pytest.mark.parametrize(
    ("source", "target", "line"), [(["a"], ["a", "bb"], 2), (["bb"], ["a", "bb"], 1), (["a", "bb", "ccc"], ["a"], 2)]
)
def test_the_first_shifted_line_may_be_the_first_or_the_last(source: list[str], target: list[str], line: int) -> None:
    assert first_shifted(source, target) == first_shifted(target, source) == line


@pytest.mark.parametrize("name", ["valid.en", "test.de"])
def test_evaluation_text_of_different_length_is_refused_too(name: str, data: Path, out: Path, run: Run) -> None:
    _restore(data, {name: _without(5)})
    stem, _, language = name.partition(".")
    full = FILES[name].count(b"\n")
    counts = [full - (side == language) for side in ("en", "de")]
    _, (line,) = result = run()
    start = (
        f"{data}/{stem}.en and {data}/{stem}.de must have the same number of lines, not {counts[0]} and {counts[1]}: "
    )
    assert line.startswith(f"own: error: {start}look around line ")
    _refused(out, "raw", result, line.removeprefix("own: error: "))
    _restore(data)
    _prepared(out, run())


# Training text of which little or nothing would be left


def _first(count: int, change: Callable[[str], str]) -> Change:
    return lambda content: "".join(
        f"{change(line) if number < count else line}\n" for number, line in enumerate(content.decode().split("\n")[:-1])
    ).encode()


def _sentencepiece(line: str) -> str:
    return " ".join(f"▁{word[:3]} {word[3:]}".strip() for word in line.split())


def _subword_nmt(line: str) -> str:
    return " ".join(f"{word[:2]}@@ {word[2:]}" if len(word) > 3 else word for word in line.split())


@pytest.mark.parametrize(
    ("changes", "reason", "count"),
    [
        ({"train.en": _first(250, _sentencepiece), "train.de": _first(250, _sentencepiece)}, "reserved", 250),
        ({"train.de": _first(250, _subword_nmt)}, "reserved", 250),
        ({"train.de": _first(150, _sentencepiece)}, "reserved", 150),
        ({"train.en": _first(250, lambda _: "")}, "empty", 250),
        ({"train.en": _first(250, lambda line: f"{line}\0")}, "control", 250),
        ({"train.de": _first(250, lambda _: "Это предложение.")}, "script", 250),
        ({"train.de": lambda _: FILES["train.en"].replace(b"\n", b" So.\n", 1)}, "identical", 249),
    ],
)  # fmt: skip
def test_training_text_of_which_most_pairs_go_for_a_reason_of_their_own_is_refused(
    changes: Changes, reason: str, count: int, data: Path, out: Path, run: Run
) -> None:
    """Most likely it is encoded already, or the wrong file: to go on with what is left would help nobody."""
    _restore(data, changes)
    keep = f"give other text, or keep them all the same with --without {reason}"
    mend = "give the raw text" if reason in REQUIRED else keep
    message = f"at most half of the training pairs may be taken out as {reason!r}, not {count} of 250 "
    _refused(out, "text", run(), f"{message}({REASONS[reason]}): {mend}")
    _restore(data)
    _prepared(out, run())


def test_training_text_of_which_few_pairs_go_is_not_refused(data: Path, out: Path, run: Run) -> None:
    _restore(data, {"train.de": _first(100, _sentencepiece)})
    _prepared(out, run())


@pytest.mark.parametrize(
    ("flags", "limits"),
    [
        (["--max-length", "1"], "1 to 1 subwords on a side, and at most 1.5 times those of the other"),
        (
            ["--max-length", "2", "--max-ratio", "3"],
            "1 to 2 subwords on a side, and at most 3 times those of the other",
        ),
    ],
)
def test_limits_that_no_training_pair_meets_are_refused(flags: list[str], limits: str, out: Path, run: Run) -> None:
    message = f"training pairs must have {limits}, but none of 250 has: give another --max-length or --max-ratio"
    _refused(out, "pieces", run(*flags), message)
    _prepared(out, run())


def test_a_test_set_that_is_in_the_training_text_is_refused(data: Path, out: Path, run: Run) -> None:
    for side, language in enumerate(("en", "de")):
        with (data / f"train.{language}").open("a", encoding="utf-8", newline="\n") as stream:
            stream.writelines(f"{pair[side]}\n" for pair in PAIRS[270:274])
    message = "at most 10% of test may be in the training text, not 4 of 30 pairs: split the corpus anew, or keep them"
    _refused(out, "text", run(), f"{message} all the same with --without overlap")
    _prepared(out, run("--without", "overlap"))
    _restore(data)
    _prepared(out, run())


# Sentences and vocabulary


def test_an_evaluation_sentence_over_the_limit_is_refused_and_passes_with_the_flag_that_is_named(
    data: Path, out: Path, run: Run
) -> None:
    _restore(data, {"test.de": _line(9, " ".join(text for _, text in PAIRS[:60]))})
    _, (line,) = result = run()
    found = re.search(r"but line 9 has (\d+): ", line)
    assert found
    length = int(found[1])
    message = (
        f"test.de must have at most 1022 subwords in a line, but line 9 has {length}: split it, or prepare with "
        f"--longest {length} and train with --max-source-positions and --max-target-positions {length + 2}"
    )
    _refused(out, "pieces", result, message)
    _refused(out, "pieces", run("--longest", length - 1), message.replace("1022", str(length - 1)))
    _prepared(out, run("--longest", length))


@pytest.mark.parametrize(
    ("size", "why"),
    [
        (20_000, r"Vocabulary size too high \(20000\). Please set it to a value <= \d+."),
        (3, "Vocabulary size is smaller"),
    ],
)
@pytest.mark.parametrize("kind", ["bpe", "unigram"])
def test_a_vocabulary_that_the_text_does_not_allow_is_refused(
    size: int, why: str, kind: str, out: Path, run: Run
) -> None:
    _, (line,) = result = run("--vocabulary", size, "--subwords", kind)
    assert re.fullmatch(
        rf"own: error: the training text must allow {size} subwords, but does not \(SentencePiece: .*{why}.*\): "
        "give another --vocabulary",
        line,
    )
    _refused(out, "subwords", result, line.removeprefix("own: error: "))
    _prepared(out, run())


def test_whole_words_are_subwords_with_the_vocabulary_that_is_named(out: Path, run: Run) -> None:
    """Each known word is one; unknown words in a row are one <unk>, as everywhere in SentencePiece."""
    result = run("--subwords", "word")
    texts = {path.name: list(read_lines(path)) for path in (out / "text").glob("*.??")}
    known = {word for name in ("train.en", "train.de") for line in texts[name] for word in line.split()}
    message = (
        f"--vocabulary must be {len(known) + 1} with --subwords word, for all {len(known)} words of the training text "
        "and <unk>, not 150"
    )
    _refused(out, "subwords", result, message)
    _prepared(out, run("--subwords", "word", "--vocabulary", len(known) + 1))
    learned = [line.split("\t")[0] for line in read_lines(out / "subwords" / "subwords.vocab")]
    assert sorted(learned) == sorted(["<unk>", *("▁" + word for word in known)])
    unknown = 0
    for name in ("train.en", "train.de", "valid.en", "valid.de", "test.en", "test.de"):
        expected = [" ".join("▁" + word if word in known else "<unk>" for word in line.split()) for line in texts[name]]
        unknown += sum(line.count("<unk>") for line in expected)
        together = [re.sub(r"<unk>( <unk>)+", "<unk>", line) for line in expected]
        assert list(read_lines(out / "pieces" / name)) == together
    assert unknown > 0


# Flags


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        *(
            ([flag, value], f"argument {flag}: must be a whole number of at least 1, not '{value}'")
            for flag in ("--workers", "--vocabulary", "--words", "--max-length", "--longest")
            for value in ("0", "-1", "2.5", "", "²")
        ),
        *(
            (["--max-ratio", value], f"argument --max-ratio: must be a finite number of at least 1, not '{value}'")
            for value in ("0.5", "-1", "nan", "inf", "many")
        ),
        *(
            (["--coverage", value], f"argument --coverage: must be a number from 0.98 to 1, not '{value}'")
            for value in ("2", "0", "nan", "0.97", "all")
        ),
        *(
            ([flag, value], f"argument {flag}: must be letters, digits and _, not '{value}'")
            for flag in ("--source-lang", "--target-lang")
            for value in ("e/n", "", "pt.BR", "pt-BR")
        ),
        (["--subwords", "words"], "argument --subwords: invalid choice: 'words' (choose from "),
        (["--source", "x"], "unrecognized arguments: --source x"),
    ],
)  # fmt: skip
def test_a_flag_that_cannot_be_is_a_usage_error(flags: list[str], message: str, out: Path, run: Run) -> None:
    code, lines = run(*flags)
    assert code == 2
    assert lines[0].startswith("usage: own ")
    assert lines[-1].startswith(f"own: error: {message}")
    assert not out.exists()


@pytest.mark.parametrize("reason", ["nonsense", "empty", "control", "reserved", "ratio,nonsense"])
def test_a_filter_that_cannot_be_left_out_is_refused(reason: str, out: Path, run: Run) -> None:
    free = "identical, script, overlap, duplicate, length, ratio"
    wrong = reason.split(",")[-1]
    _refused(out, "raw", run("--without", reason), f"a filter to leave out must be one of {free}, not {wrong}")


def test_source_and_target_of_the_same_language_are_the_same_files(data: Path, out: Path, run: Run) -> None:
    _refused(out, "raw", run("--target-lang", "en"), f"{data}/train.en and {data}/train.en {TRANSLATION}")


def test_two_test_sets_of_the_same_name_are_refused(data: Path, out: Path, run: Run) -> None:
    """The name is what a result is reported under; one of them would be lost."""
    code, lines = run("--test", data / "test", data / "other" / "test")
    assert code == 2
    assert lines[-1] == "own: error: argument --test: names must differ, but two are 'test'"


# Folders


@pytest.mark.parametrize("inside", ["", "folder"])
def test_a_file_in_the_place_of_the_folder_is_refused(inside: str, out: Path, run: Run) -> None:
    out.write_text("a file")
    to = out / inside if inside else out
    reason = "Not a directory" if inside else "File exists"
    code, lines = run(to=to)
    assert lines == [f"own: error: {to} must be a folder to write in, but is not ({reason}): give another --out"]
    assert code == 2
    assert out.read_text() == "a file"
    out.unlink()
    _prepared(to, run(to=to))


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
@pytest.mark.parametrize("inside", ["", "folder"])
def test_a_folder_that_is_not_writable_is_refused(inside: str, out: Path, run: Run) -> None:
    out.mkdir(mode=0o500)
    to = out / inside if inside else out
    code, lines = run(to=to)
    reason = "Permission denied"
    assert lines == [f"own: error: {to} must be a folder to write in, but is not ({reason}): give another --out"]
    assert code == 2
    out.chmod(0o700)
    _prepared(to, run(to=to))


# fairseq-preprocess


def test_what_fairseq_preprocess_says_when_it_fails_is_passed_on_and_kept(
    out: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failed(arguments: Sequence[str], **_: object) -> subprocess.CompletedProcess[str]:
        return subprocess.CompletedProcess(list(arguments), 1, "Traceback\n  somewhere\nOSError: no space left\n")

    with monkeypatch.context() as patch:
        patch.setattr(prepare, "binarise", binarise.binarise)
        patch.setattr(binarise.subprocess, "run", failed)
        log = out / "preprocess.log"
        message = f"fairseq-preprocess must end well, but said: OSError: no space left (all of it: {log})"
        _refused(out, "bin", run(), message)
    assert list(read_lines(log))[1] == "  somewhere"
    _prepared(out, run())


# Corpora in archives


@pytest.fixture
def archives(tmp_path: Path) -> Path:
    return layouts.multi30k(tmp_path / "archives", PAIRS[:250], PAIRS[250:270], PAIRS[270:])


def test_an_archive_that_is_missing_changed_or_not_listed_is_refused(archives: Path, out: Path, run: Run) -> None:
    def refused(message: str, *flags: object) -> None:
        assert run("--source", archives, *flags, corpus="multi30k") == (2, [f"multi30k: error: {message}"])
        assert not (out / "raw").exists()

    sums = archives / "SHA256SUMS"
    published = dict(archive.checksum.split(":") for archive in MULTI30K.archives[:1])["sha256"]
    refused(f"{archives}/train.de.gz must have sha256 {published}, but has not: fetch it again")
    refused(f"the checksums must be a file that sha256sum wrote, but {out}/none is none", "--checksums", out / "none")
    content = sums.read_text()
    sums.write_text(content.replace("val.en.gz", "val.fr.gz"))
    refused(f"{sums} must list val.en.gz: write it with sha256sum, a line an archive", "--checksums", sums)
    sums.write_text(content)
    (archives / "val.en.gz").rename(archives / "away")
    url = "https://raw.githubusercontent.com/multi30k/dataset/master/data/task1/raw/val.en.gz"
    refused(f"the source must be a folder that holds val.en.gz ({url}), but {archives} does not", "--checksums", sums)
    (archives / "away").rename(archives / "val.en.gz")
    _prepared(out, run("--source", archives, "--checksums", sums, "--vocabulary", 150, corpus="multi30k"))


# As the user calls it


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"train.de": _without(100)},
            "{0}/train.en and {0}/train.de must have the same number of lines, not 250 and 249: ",
        ),
        (
            {"valid.en": _line(3, "a\u2028b")},
            "{0}/valid.en must be raw text, but line 3 holds the character '\\u2028': ",
        ),
    ],
)
def test_the_command_writes_one_line_without_a_traceback(changes: Changes, message: str, data: Path, out: Path) -> None:
    _restore(data, changes)
    command = [sys.executable, "-m", "data_prep.own", *_arguments(data), "--out", str(out), "--workers", "2"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    assert (done.returncode, done.stdout) == (2, "")
    working, line = done.stderr.splitlines()
    assert working == "raw: working"
    assert line.startswith(f"own: error: {message.format(data)}")
    assert not (out / "raw").exists()
