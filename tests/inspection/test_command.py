"""nmt-attn inspect and nmt-attn knockout, from the command line to the files."""

import csv
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from nmt_attn import cli
from nmt_attn.inspection import command, inspect
from nmt_attn.inspection.knockouts import GROUPS
from nmt_attn.inspection.loading import load
from nmt_attn.spec import Site, SpecError

Save = Callable[..., Path]
Texts = tuple[Path, Path]
Run = Callable[..., str]
SHORT = ("--max-target-positions", "9")  # models that have learnt nothing do not end their sentences
ONE_LAYER = ("--encoder-layers", "1", "--decoder-layers", "1", *SHORT)
SOURCES, TARGETS = ["w1 w2 w3", "w4 w5", "w6 w7 w8 w9"], ["w5 w2", "w9 w3 w3", "w1"]
GOLD = ["0-0 1?1 2-1", "0-0 1-2", "2-0"]
TABLES = ("index.html", "tables.md", "heads.csv", "contributions.csv")


def _write(path: Path, lines: list[str]) -> Path:
    path.write_text("".join(line + "\n" for line in lines), encoding="utf-8")
    return path


@pytest.fixture
def texts(tmp_path: Path) -> Texts:
    return _write(tmp_path / "test.en", SOURCES), _write(tmp_path / "test.de", TARGETS)


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """run(command, ...): what it prints; it must end well."""

    def call(*arguments: object) -> str:
        capsys.readouterr()
        code = cli.main([str(argument) for argument in arguments])
        told = capsys.readouterr()
        assert code == 0, told.err
        return told.out

    return call


@pytest.fixture
def refusal(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Run:
    """refusal(command, ...): its one line; no file is made or changed, and nothing is printed."""

    def call(*arguments: object) -> str:
        def files() -> dict[Path, int]:
            return {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}

        before = files()
        capsys.readouterr()
        assert cli.main([str(argument) for argument in arguments]) == 2
        told = capsys.readouterr()
        assert told.out == ""
        assert files() == before
        lines = [line for line in told.err.splitlines() if line.startswith("nmt-attn: error: ")]
        assert lines == told.err.splitlines()[-1:]
        return lines[0].removeprefix("nmt-attn: error: ")

    return call


def _figures(*names: str) -> set[str]:
    return {f"figures/{name}.{kind}" for name in names for kind in ("png", "svg")}


def _files(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def _rows(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(path.read_text(encoding="utf-8").splitlines()))


def test_files_with_gold_give_tables_figures_and_a_page(saved: Save, texts: Texts, tmp_path: Path, run: Run) -> None:
    path, out = saved("nmt_attn_tiny", *ONE_LAYER, "--encoder-layers", "2"), tmp_path / "new" / "out"
    gold = _write(tmp_path / "gold", GOLD)
    given = ("--source", texts[0], "--target", texts[1], "--gold", gold, "--show", 2, "--resamples", 50)
    told = run("inspect", path, *given, "--out", out)
    sites = ("encoder-self-layer1", "encoder-self-layer2", "decoder-self-layer1", "cross-layer1")
    assert _files(out) == {*TABLES, "alignments.csv", *_figures(*sites, "contributions", "heads", "alignments")}
    assert all((out / name).stat().st_size > 100 for name in _files(out))
    assert all((out / name).read_bytes().startswith(b"\x89PNG") for name in _figures(*sites) if name.endswith("png"))
    assert len(_rows(out / "heads.csv")) == 4 * 2
    assert len(_rows(out / "contributions.csv")) == 4 * (2 + 1) * 4
    assert {row["step"] for row in _rows(out / "alignments.csv")} == {"predicts", "reads"}
    page = (out / "index.html").read_text(encoding="utf-8")
    assert f"Inside {tmp_path.name}/average.pt" in page
    assert "Counted over 3 sentence pairs, of which 2 can be looked at here." in page
    assert "Intervals: percentiles 2.5 to 97.5 of 50 resamples of the sentences." in page
    assert "Lowest alignment error: " in page
    assert '"source":["w4","w5"]' in page
    assert '"source":["w6","w7","w8","w9"]' not in page
    written = (out / "tables.md").read_text(encoding="utf-8")
    assert [line for line in written.splitlines() if line[:2] == "##"] == ["## Terms", "## Heads", "## Alignment"]
    assert [line for line in told.splitlines() if line[:2] == "##"] == ["## Terms", "## Alignment"]
    assert told.splitlines()[-1].startswith(f"{out / 'index.html'}: the page")


def test_a_sentence_is_translated_and_shown_beside_the_checkpoint(
    saved: Save, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, run: Run
) -> None:
    path = saved("nmt_attn_tiny", *ONE_LAYER)
    monkeypatch.chdir(path.parent)
    run("inspect", path.name, "--source", "w1 w2 w3")
    out = tmp_path / "average.inspection"
    sites = ("encoder-self-layer1", "decoder-self-layer1", "cross-layer1")
    assert _files(out) == {*TABLES, *_figures(*sites, "contributions", "heads")}
    page = (out / "index.html").read_text(encoding="utf-8")
    assert f"Inside {tmp_path.name}/average.pt" in page
    assert "Counted over 1 sentence pair, of which 1 can be looked at here." in page
    assert '"generated":true' in page
    assert "resamples" not in page
    assert all(row["low"] == row["high"] == "" for row in _rows(out / "contributions.csv"))


def test_a_model_of_convolutions_only_has_figures_and_nothing_to_count(saved: Save, tmp_path: Path, run: Run) -> None:
    flags = ("--dec-self-attn-mixer", "light", "--enc-self-attn-mixer", "deform", "--cross-attn-mixer", "0000")
    path = saved("nmt_attn_tiny", *ONE_LAYER, *flags)
    told = run("inspect", path, "--source", "w1 w2 w3", "--target", "w4 w5", "--out", tmp_path / "out")
    assert told.startswith("No terms to count: all attention is uniform, or convolution.\n")
    sites = ("encoder-self-layer1", "decoder-self-layer1", "cross-layer1")
    assert _files(tmp_path / "out") == {*TABLES, *_figures(*sites, "heads")}
    assert {row["site"] for row in _rows(tmp_path / "out" / "heads.csv")} == {"cross"}
    assert _rows(tmp_path / "out" / "contributions.csv") == []
    files = _write(tmp_path / "a", ["w1 w2"]), _write(tmp_path / "b", ["w3"])
    told = run("knockout", path, "--source", files[0], "--target", files[1])
    assert [line.split()[0] for line in told.splitlines()[:-1]] == ["sites", "whole"]


def test_gold_that_counts_from_one_or_in_other_words_says_the_same(saved: Save, tmp_path: Path) -> None:
    loaded = load(saved("nmt_attn_tiny", *ONE_LAYER))
    ones = ["1-1 2?2 3-2", "1-1 2-3", "3-1"]
    golds = [
        inspect.Gold(_write(tmp_path / "zero", GOLD)),
        inspect.Gold(_write(tmp_path / "one", ones), 1),
        inspect.Gold(_write(tmp_path / "zero", GOLD), 0, "fragment"),
    ]
    said: list[str] = []
    found = [inspect.inspect(loaded, SOURCES, TARGETS, gold, 1, 10, said.append) for gold in golds]
    assert found[0].alignments
    assert found[0].chance is not None
    for other in found[1:]:
        assert (other.alignments, other.chance) == (found[0].alignments, found[0].chance)
    assert said[:4] == ["reading", "terms of 3 sentence pairs", "heads", "alignments"]
    assert [record.source for record in found[0].shown] == [("w1", "w2", "w3")]
    assert found[0].sentences == 3
    assert inspect.tables(found[0]).count("## ") == 3


def test_what_cannot_be_inspected_is_refused_in_one_line(
    saved: Save, data: Path, texts: Texts, tmp_path: Path, refusal: Run
) -> None:
    path, source, target = saved("nmt_attn_tiny", *ONE_LAYER), texts[0], texts[1]
    both = ("--source", source, "--target", target)
    empty, short = _write(tmp_path / "empty.en", []), _write(tmp_path / "short.de", ["w1"])
    gold, other = _write(tmp_path / "gold", GOLD[:2]), _write(tmp_path / "other", ["0-7", "", ""])

    def refused(*arguments: object) -> str:
        return refusal("inspect", path, *arguments)

    assert "must be a file, but" in refusal("inspect", tmp_path / "no.pt", "--source", "w1")
    assert "must be whole, but" in refusal("inspect", source, "--source", "w1")
    assert "must be a folder of fairseq-preprocess" in refused("--source", "w1", "--data", tmp_path / "no")
    assert "a dictionary of each language" in refused("--source", "w1", "--data", tmp_path)
    assert "must be a SentencePiece model" in refused("--source", "w1", "--subwords", tmp_path / "no")
    assert "--source must have a sentence a line, but" in refused("--source", empty)
    assert "--target must have a sentence a line, but" in refused("--source", source, "--target", empty)
    assert "--source must be a sentence, or a file that exists" in refused("--source", tmp_path / "no.en")
    assert "at least one word, not none" in refused("--source", "")
    assert refused("--source", source, "--target", short) == "there must be a target for each of the 3 sources, not 1"
    assert "--gold must come with --target" in refused("--source", source, "--gold", gold)
    assert "must have a line for each of 3 sentence pairs, not 2" in refused(*both, "--gold", gold)
    assert "must link 3 source and 2 target words" in refused(*both, "--gold", other)
    assert "must be a text file that can be read" in refused(*both, "--gold", tmp_path / "no")
    assert refused("--source", source, "--target", short, "--gold", gold).startswith("there must be a target for each")
    for place in (gold, gold / "inside"):
        told = f"--out must be a folder that can be made and written, not {place}"
        assert refused("--source", "w1", "--out", place) == told
    stock = saved("transformer")
    assert "a stock fairseq transformer goes through nmt-attn convert" in refusal("inspect", stock, "--source", "w1")


def test_knockout_prints_a_table_and_writes_lines_of_json(saved: Save, texts: Texts, tmp_path: Path, run: Run) -> None:
    path = saved("nmt_attn_tiny", *ONE_LAYER, "--cross-attn-mixer", "1000")
    given = ("--source", texts[0], "--target", texts[1], "--sites", "cross")
    told = run("knockout", path, *given, "--out", tmp_path / "lost.jsonl")
    rows = [json.loads(line) for line in (tmp_path / "lost.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [(row["sites"], row["term"], row["replacement"]) for row in rows] == [
        *(("", "", ""), ("cross", "E1", "zero"), ("cross", "E1", "mean")),
    ]
    lines = told.splitlines()
    assert lines[0].split() == ["sites", "term", "replaced", "by", "BLEU", "loss", "exact", "match"]
    assert [line.split()[:3] for line in lines[1:-1]] == [
        *(["whole", "model", f"{rows[0]['bleu']:.2f}"], ["cross", "E1", "zero"], ["cross", "E1", "mean"]),
    ]
    assert len({len(line) for line in lines[1:-1]}) == 1
    assert lines[-1] == f"{rows[0]['signature']}; 3 sentences"
    assert rows[0]["loss"] == 0
    assert all(row["sentences"] == 3 for row in rows)
    assert run("knockout", path, *given) == told


def test_what_no_term_can_be_taken_out_of_is_refused_in_one_line(
    saved: Save, texts: Texts, tmp_path: Path, refusal: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    path = saved("nmt_attn_tiny_fixed", *SHORT)
    empty, short = _write(tmp_path / "empty.en", []), _write(tmp_path / "short.de", ["w1"])

    def refused(source: Path, target: Path, *more: object) -> str:
        return refusal("knockout", path, "--source", source, "--target", target, *more)

    assert "must be without fixed patterns" in refused(*texts)
    assert refused(texts[0], short).endswith("name other sites")
    crossed = ("--sites", "cross")
    assert refused(texts[0], short, *crossed) == "there must be a target for each of the 3 sources, not 1"
    assert "--source must have a sentence a line, but" in refused(empty, texts[1], *crossed)
    assert "no.de must be a readable file: " in refused(texts[0], tmp_path / "no.de", *crossed)
    for out in (tmp_path, tmp_path / "no" / "lost.jsonl"):
        assert refused(*texts, *crossed, "--out", out) == f"--out must be a file in a folder that exists, not {out}"
    both = ("--source", str(texts[0]), "--target", str(texts[1]))
    assert "must be a file, but" in refusal("knockout", tmp_path / "no.pt", *both)
    with pytest.raises(SystemExit) as stopped:
        cli.main(["knockout", str(path), *both, "--sites", "decoder"])
    assert stopped.value.code == 2
    assert "argument --sites: invalid choice: 'decoder'" in capsys.readouterr().err


def test_the_sites_of_the_command_are_the_groups_that_there_are() -> None:
    assert set(command.SITES) == set(GROUPS)


def test_gold_beside_a_different_number_of_targets_is_refused_by_itself(saved: Save, tmp_path: Path) -> None:
    loaded = load(saved("nmt_attn_tiny", *ONE_LAYER))
    gold = inspect.Gold(_write(tmp_path / "gold", GOLD))
    with pytest.raises(SpecError, match="there must be a target for each of the 3 sources, not 1"):
        inspect.inspect(loaded, SOURCES, TARGETS[:1], gold, 1, 10, lambda text: None)
    assert {site.value for site in Site} < set(GROUPS)
