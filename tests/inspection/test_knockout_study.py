"""Knock-outs of a study: a line a run in the study's folder, no run twice."""

import hashlib
import json
import shutil
from pathlib import Path

import pytest

from nmt_attn.cli import main
from nmt_attn.environment import environment
from nmt_attn.study.reporting.removals import KNOCKOUTS
from nmt_attn.study.store import STORE
from tests.inspection.conftest import Save
from tests.study.stores import RECIPE, TINY, scored

FILE = f"""\
name: small
reference: {TINY}
seeds: 2
models: [{TINY}, {TINY}_self0111]
corpora:
  fragment: {{recipe: {RECIPE}}}
  recall: {{recipe: {RECIPE}}}
"""
TEXTS = {"en": "w1 w2 w3\nw4 w5\n", "de": "w3 w2 w1\nw5 w4\n"}


@pytest.fixture
def folder(saved: Save, tmp_path: Path) -> Path:
    """A study's folder in which both runs of the reference on fragment are finished, with the same parameters."""
    checkpoint = saved()
    folder = tmp_path / "study"
    data = folder / "fragment" / "data"
    shutil.copytree(tmp_path / "data" / "bin", data / "bin")
    (data / "raw").mkdir()
    for language, text in TEXTS.items():
        (data / "raw" / f"test.{language}").write_text(text, encoding="utf-8")
    for seed in (1_000_000, 2_000_000):
        run = folder / "fragment" / f"{TINY}.{seed}"
        (run / "settings").mkdir(parents=True)
        (run / "settings" / "DIRECTION").write_text("en-de\n", encoding="utf-8")
        shutil.copyfile(checkpoint, run / "average.pt")
    records = scored("fragment", {TINY: [1.0, 2.0]})
    (folder / STORE).write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
    (tmp_path / "small.yaml").write_text(FILE, encoding="utf-8")
    return folder


def _run(folder: Path, *more: str) -> int:
    return main(["knockouts", str(folder.parent / "small.yaml"), "--out", str(folder), *more])


def test_each_finished_run_of_the_reference_gets_a_line_with_all_terms_and_both_ways(folder: Path) -> None:
    assert _run(folder) == 0
    lines = [json.loads(line) for line in (folder / KNOCKOUTS).read_text(encoding="utf-8").splitlines()]
    assert [(line["corpus"], line["model"], line["seed"]) for line in lines] == [
        ("fragment", TINY, 1_000_000),
        ("fragment", TINY, 2_000_000),
    ]
    ways = {(each["sites"], each["term"], each["replacement"]) for each in lines[0]["losses"]}
    terms = ("E1", "E2", "E3", "E4")
    assert ways == {(site, term, way) for site in ("self", "cross") for term in terms for way in ("zero", "mean")}
    for each in lines[0]["losses"]:
        assert each["loss"] == pytest.approx(lines[0]["bleu"] - each["bleu"], abs=1e-3)
    assert lines[0]["losses"] == lines[1]["losses"]  # the parameters are the same
    for line in lines:
        assert line["made_with"] == environment()
        assert line["test_sha256"] == hashlib.sha256(b"test.de\0" + TEXTS["de"].encode()).hexdigest()


def test_a_second_call_does_only_what_is_missing(folder: Path) -> None:
    _run(folder)
    first, second = (folder / KNOCKOUTS).read_text(encoding="utf-8").splitlines()
    (folder / KNOCKOUTS).write_text(second + "\n", encoding="utf-8")
    shutil.rmtree(folder / "fragment" / f"{TINY}.2000000")  # would be missed
    assert _run(folder) == 0
    assert (folder / KNOCKOUTS).read_text(encoding="utf-8").splitlines() == [second, first]


def test_mistakes_are_one_line(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert _run(folder, "--corpora", "copy") == 2
    assert "--corpora must be of the study (fragment, recall), not copy" in capsys.readouterr().err
    assert _run(folder, "--corpora", "recall") == 2
    message = capsys.readouterr().err.splitlines()[-1]
    assert message.startswith(f"nmt-attn: error: runs of {TINY} must be finished to take its terms out, but ")
    shutil.rmtree(folder / "fragment" / f"{TINY}.1000000")
    assert _run(folder) == 2
    assert "DIRECTION must be a readable file: No such file or directory" in capsys.readouterr().err.splitlines()[-1]
    assert not (folder / KNOCKOUTS).exists()
