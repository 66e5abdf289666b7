"""From archives to subwords: done once, redone in part, the same on every machine. fairseq-preprocess is left out."""

import json
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import sacrebleu
from sentencepiece import SentencePieceProcessor

from data_prep import prepare as preparation
from data_prep import subwords
from data_prep.corpus import Corpus, Text, in_files
from data_prep.files import read_lines
from data_prep.iwslt14_de_en import IWSLT14_DE_EN
from data_prep.multi30k import MULTI30K
from data_prep.prepare import Settings, prepare, report
from data_prep.wmt14_en_de import WMT14_EN_DE
from nmt_attn.corpora.fragment import generate
from tests.data_prep import layouts

PAIRS = [(pair.source_text, pair.target_text) for pair in generate(560, 21)]
STEPS = ["raw", "text", "subwords", "pieces", "bin"]


@pytest.fixture(autouse=True)
def made(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The steps that were done, in order; the last one only copies."""
    done: list[str] = []
    original = preparation.step

    def spied(folder: Path, parameters: Any, inputs: Any, make: Any) -> Any:
        def noted(part: Path) -> Any:
            done.append(folder.name)
            return make(part)

        return original(folder, parameters, inputs, noted)

    def copied(corpus: Corpus, pieces: Path, out: Path, workers: int) -> dict[str, Any]:
        for path in pieces.glob("*.??"):
            shutil.copy(path, out)
        return {}

    monkeypatch.setattr(preparation, "step", spied)
    monkeypatch.setattr(preparation, "binarise", copied)
    return done


@pytest.fixture
def wmt14(tmp_path: Path) -> Settings:
    folder = layouts.wmt14(tmp_path / "archives", PAIRS[:400], PAIRS[400:430], PAIRS[430:490], PAIRS[440:480])
    return Settings(source=str(folder), checksums=folder / "SHA256SUMS", workers=1)


WMT14 = replace(WMT14_EN_DE, vocabulary=300)


def _lines(path: Path) -> list[str]:
    return list(read_lines(path))


def test_wmt14_comes_out_of_its_archives_whole_and_in_order(wmt14: Settings, tmp_path: Path) -> None:
    manifest = prepare(WMT14, tmp_path / "out", wmt14)
    raw = tmp_path / "out" / "raw"
    for name, part in (("train", PAIRS[:400]), ("valid", PAIRS[400:430]), ("test", PAIRS[430:490])):
        for side, language in enumerate(("en", "de")):
            assert _lines(raw / f"{name}.{language}") == [pair[side] for pair in part]
    assert _lines(raw / "test1.de") == [pair[1] for pair in PAIRS[440:480]]
    assert manifest["tests"] == ["wmt14/full", "wmt14"]
    assert manifest["steps"]["raw"]["report"] == {
        "pairs": {"train": [133, 133, 134], "valid": [30], "test": [60], "test1": [40]}
    }
    assert {path.name for path in (tmp_path / "out").iterdir()} == {*STEPS, "manifest.json", "lock"}


def test_a_second_call_does_nothing_even_without_the_archives(wmt14: Settings, tmp_path: Path, made: list[str]) -> None:
    first = prepare(WMT14, tmp_path / "out", wmt14)
    assert made == STEPS
    for path in (tmp_path / "archives").glob("*.tgz"):
        path.unlink()
    made.clear()
    assert prepare(WMT14, tmp_path / "out", wmt14) == first
    assert made == []


@pytest.mark.parametrize(
    ("change", "again"),
    [
        ({"vocabulary": 320}, ["subwords", "pieces", "bin"]),
        ({"subwords": "unigram"}, ["subwords", "pieces", "bin"]),
        ({"filters": WMT14.filters.without("ratio")}, ["pieces", "bin"]),
        ({"filters": replace(WMT14.filters, max_length=20)}, ["pieces", "bin"]),
        ({"filters": WMT14.filters.without("duplicate")}, ["text"]),  # there are none: the text stays the same
        ({"lowercase": True}, ["text", "subwords", "pieces", "bin"]),
        ({"tests": {"wmt14": WMT14.tests["wmt14"]}}, ["raw", "text", "pieces", "bin"]),  # the training text stays
        ({"train": WMT14.train[:1]}, STEPS),
    ],
)
def test_a_change_redoes_what_depends_on_it(
    wmt14: Settings, tmp_path: Path, made: list[str], change: dict[str, Any], again: list[str]
) -> None:
    prepare(WMT14, tmp_path / "out", wmt14)
    made.clear()
    prepare(replace(WMT14, **change), tmp_path / "out", wmt14)
    assert made == again


def test_the_manifest_is_the_same_for_any_place_and_number_of_processes(wmt14: Settings, tmp_path: Path) -> None:
    prepare(WMT14, tmp_path / "one", wmt14)
    (tmp_path / "elsewhere").mkdir()
    shutil.copytree(tmp_path / "archives", tmp_path / "elsewhere" / "archives")
    other = replace(wmt14, source=str(tmp_path / "elsewhere" / "archives"), workers=3, jobs=1)
    prepare(WMT14, tmp_path / "elsewhere" / "two", other)
    manifests = [(tmp_path / place / "manifest.json").read_bytes() for place in ("one", "elsewhere/two")]
    assert manifests[0] == manifests[1]
    assert str(tmp_path).encode() not in manifests[0]
    assert json.loads(manifests[0])["steps"]["pieces"]["outputs"]["train.en"]["lines"] > 350


def test_iwslt14_holds_out_every_23rd_pair_and_joins_its_tests(tmp_path: Path) -> None:
    held = [PAIRS[300 + 10 * n : 310 + 10 * n] for n in range(5)]
    folder = layouts.iwslt14(tmp_path / "archives", PAIRS[:300], *held)
    corpus = replace(IWSLT14_DE_EN, vocabulary=300)
    settings = Settings(source=str(folder), checksums=folder / "SHA256SUMS", workers=1)
    prepare(corpus, tmp_path / "out", settings)
    text = tmp_path / "out" / "text"
    assert _lines(text / "valid.de") == [german.lower() for _, german in PAIRS[22:300:23]]
    assert len(_lines(text / "train.de")) == 300 - 13
    assert _lines(tmp_path / "out" / "raw" / "test.en") == [english for part in held for english, _ in part]
    assert _lines(text / "test.en") == [english.lower() for part in held for english, _ in part]


def test_multi30k_keeps_every_pair(tmp_path: Path) -> None:
    train = [*PAIRS[:300], PAIRS[0], ("A dog.", "Ein sehr großer schwarzer Hund läuft über eine Wiese.")]
    folder = layouts.multi30k(tmp_path / "archives", train, PAIRS[300:310], PAIRS[310:320])
    settings = Settings(source=str(folder), checksums=folder / "SHA256SUMS", workers=1)
    manifest = prepare(replace(MULTI30K, vocabulary=300), tmp_path / "out", settings)
    assert manifest["steps"]["pieces"]["outputs"]["train.de"]["lines"] == 302


def test_the_report_says_what_each_filter_took(tmp_path: Path) -> None:
    corpus = _own(tmp_path, [*PAIRS[:300], PAIRS[5], ("same", "same"), ("", "leer"), PAIRS[300]])
    text = report(prepare(corpus, tmp_path / "out", Settings(workers=1)))
    rows = {line[14:].split(":")[0]: line[:12].strip() for line in text.splitlines()}
    assert rows["training pairs"] == "304"
    assert (rows["empty"], rows["identical"], rows["duplicate"], rows["overlap"]) == ("-1", "-1", "-1", "-1")
    assert rows["pairs of valid were in the training text"] == "1"
    assert int(rows["training pairs stay"]) == 300 + int(rows["length"]) + int(rows["ratio"])


def _own(folder: Path, train: Sequence[tuple[str, str]]) -> Corpus:
    for name, pairs in (("train", train), ("valid", PAIRS[300:320]), ("test", PAIRS[320:340])):
        for side, language in enumerate(("en", "de")):
            lines = "".join(f"{pair[side]}\n" for pair in pairs)
            (folder / f"{name}.{language}").write_text(lines, encoding="utf-8")

    def texts(name: str) -> tuple[Text, ...]:
        return (in_files(str(folder / f"{name}.en"), str(folder / f"{name}.de")),)

    return Corpus("own", "en", "de", texts("train"), texts("valid"), {"test": texts("test")}, vocabulary=300)


def test_pieces_come_back_as_the_text(tmp_path: Path) -> None:
    prepare(_own(tmp_path, PAIRS[:300]), tmp_path / "out", Settings(workers=1))
    model = SentencePieceProcessor(model_file=str(tmp_path / "out" / "subwords" / "subwords.model"))
    pieces = _lines(tmp_path / "out" / "pieces" / "test.de")
    assert [model.decode(line.split(" ")) for line in pieces] == _lines(tmp_path / "out" / "text" / "test.de")
    assert any(len(line.split()) > 20 for line in pieces)


def test_subwords_learned_from_words_are_those_learned_from_sentences(tmp_path: Path) -> None:
    from sentencepiece import SentencePieceTrainer

    corpus = _own(tmp_path, PAIRS[:300])
    subwords.train(corpus, tmp_path, tmp_path, workers=1)
    texts = [line for name in ("train.en", "train.de") for line in _lines(tmp_path / name)]
    SentencePieceTrainer.train(
        sentence_iterator=iter(texts),
        model_prefix=str(tmp_path / "plain"),
        vocab_size=300,
        model_type="bpe",
        character_coverage=1.0,
        unk_id=0,
        bos_id=-1,
        eos_id=-1,
        pad_id=-1,
        minloglevel=2,
    )
    assert _lines(tmp_path / "subwords.vocab") == _lines(tmp_path / "plain.vocab")


def test_characters_beyond_the_coverage_become_unknown(tmp_path: Path) -> None:
    rare = [(f"{source} 漢{chr(0x5000 + number)}", target) for number, (source, target) in enumerate(PAIRS[:40])]
    corpus = replace(_own(tmp_path, [*PAIRS[:300], *rare]), coverage=0.99)
    prepare(corpus, tmp_path / "out", Settings(workers=1))
    pieces = [line.split(" ") for line in _lines(tmp_path / "out" / "pieces" / "train.en")]
    vocabulary = {line.split("\t")[0] for line in _lines(tmp_path / "out" / "subwords" / "subwords.vocab")}
    assert {piece for line in pieces for piece in line} <= vocabulary
    assert sum("<unk>" in line for line in pieces) >= 35


def test_fewer_words_are_the_most_frequent(tmp_path: Path) -> None:
    corpus = _own(tmp_path, PAIRS[:300])
    told = subwords.train(replace(corpus, vocabulary=120), tmp_path, tmp_path, workers=1, words=100)
    assert told["words used"] == 100 < told["words"]
    assert 0.3 < told["share of the text"] < 1


def test_the_published_addresses_and_checksums_of_the_tests_are_sacrebleus() -> None:
    known = {archive.checksum for archive in WMT14_EN_DE.archives}
    for name in ("wmt13", "wmt14", "wmt14/full"):
        data = sacrebleu.dataset.DATASETS[name]
        assert f"md5:{data.md5[0]}" in known
        assert any(data.data[0] in archive.urls for archive in WMT14_EN_DE.archives)
