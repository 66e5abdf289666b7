"""The README's tables are those of the published results, and it stays short."""

import csv
import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
import sacrebleu

from nmt_attn.analysis.cost import Workload, preset_cost
from nmt_attn.inspection.alignment import best
from nmt_attn.inspection.facts import AlignmentFacts, HeadFacts, Share
from nmt_attn.inspection.tables import markdown
from nmt_attn.presets import PRESETS
from nmt_attn.spec import Site
from nmt_attn.study.plan import read_study
from nmt_attn.study.report import write_report
from nmt_attn.study.scores import read_lines
from nmt_attn.study.store import STORE, read_store
from results import draw

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("page", draw.PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_the_tables_of_a_page_are_drawn_from_the_results(page: Path) -> None:
    parts = [found[1] for found in draw.BLOCK.finditer(page.read_text(encoding="utf-8"))]
    assert parts
    assert len(parts) == len(set(parts))
    assert draw.filled(page) == page.read_text(encoding="utf-8")


def test_what_the_readme_says_of_the_interaction_stands_in_the_report_of_the_quick_study() -> None:
    report = (ROOT / "results" / "quick" / "report" / "report.md").read_text(encoding="utf-8")
    said = re.search(
        r"loses (\S+) BLEU more than self-attention \(90 % interval (\S+) to ([^)]+)\)", README.replace("\n", " ")
    )
    assert said
    assert f"D_cross - D_self = +{said[1]}, 90 % interval {said[2]} to {said[3]}." in report


def test_what_the_readme_says_of_terms_taken_out_stands_in_the_findings_of_the_quick_study() -> None:
    findings = json.loads((ROOT / "results" / "quick" / "report" / "findings.json").read_text(encoding="utf-8"))
    found = {(each["sites"], each["term"]): each for each in findings["removals"]}
    in_self, in_cross = found["self", "E1"], found["cross", "E1"]
    low, high = in_self["mean_interval"]
    trained = {row["model"]: row["difference"] for row in findings["models"] if row["corpus"] == "fragment"}
    said = README[README.index("**Used, and far less needed**") : README.index("## Three commands")].replace("\n", " ")
    assert f"self-attention loses {in_self['mean']:.2f} BLEU (90 % interval {low:+.2f} to {high:+.2f}); trained" in said
    assert f"trained without it, {trained['nmt_attn_tiny_self0111']:.2f}. Cross" in said
    assert f"loses {in_cross['mean']:.2f}; trained without it, {trained['nmt_attn_tiny_cross0111']:.2f}:" in said


def test_what_the_readme_says_of_the_tasks_stands_in_the_report_of_the_controlled_study() -> None:
    report = (ROOT / "results" / "controlled" / "report" / "report.md").read_text(encoding="utf-8")
    told = re.search(r"\*\*expectations\*\* (\d+ expectations: .* open\.)", report)
    assert told
    assert told[1] in README.replace("\n", " ")


@pytest.mark.parametrize("study", draw.STUDIES)
def test_the_published_report_is_that_of_the_published_store(study: str, tmp_path: Path) -> None:
    published = ROOT / "results" / study
    shutil.copytree(published, tmp_path / study, ignore=shutil.ignore_patterns("report"))
    study_file = ROOT / "recipes" / "studies" / f"{study}.yaml"
    write_report(read_study(study_file), study_file, tmp_path / study)
    for name in ("report.md", "table.csv", "findings.json"):
        made = (tmp_path / study / "report" / name).read_text(encoding="utf-8")
        assert made == (published / "report" / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("study", draw.STUDIES)
def test_the_published_scores_are_those_of_the_published_translations(study: str) -> None:
    folder = ROOT / "results" / study
    used = set()
    for record in read_store(folder / STORE):
        for result in (record, *(record.get("more_tests") or {}).values()):
            texts = [folder / result[kind] for kind in ("hypotheses", "references")]
            hypotheses, references = map(read_lines, texts)
            assert round(sacrebleu.corpus_bleu(hypotheses, [references]).score, 4) == result["bleu"]
            used |= {*texts}
    assert used == {path for path in (folder / "translations").rglob("*") if path.is_file()}


@pytest.mark.parametrize("study", draw.STUDIES)
def test_published_multiply_adds_are_counted_as_today(study: str) -> None:
    for record in read_store(ROOT / "results" / study / STORE):
        preset = PRESETS.get(record["preset"])
        if preset and not record["flags"]:
            words = (record["parameters"] - preset_cost(preset, Workload(vocabulary=0)).parameters) // preset.size.dim
            counted = preset_cost(preset, Workload(vocabulary=words))
            assert (counted.parameters, counted.multiply_adds) == (record["parameters"], record["multiply_adds"])


def test_the_tables_of_the_inspected_model_are_those_of_its_facts() -> None:
    folder = ROOT / "results" / "inside"
    heads, shares, alignments = (
        _facts(kind, folder / name)
        for kind, name in ((HeadFacts, "heads.csv"), (Share, "contributions.csv"), (AlignmentFacts, "alignments.csv"))
    )
    tables = (folder / "tables.md").read_text(encoding="utf-8")
    chance = re.search(r"same relative place have (\S+):", tables)
    assert chance
    assert markdown(heads, shares, alignments, float(chance[1])) == tables
    told = (ROOT / "results" / "README.md").read_text(encoding="utf-8").replace("\n", " ")
    (read,) = (each for each in alignments if (each.layer, each.head, each.step) == (3, None, "reads"))
    assert f"error rate of {best(alignments).error:.1f} % (mean of its heads" in told
    assert (
        f"same relative place: {chance[1]} %), and in the step that predicts the word, not in that which reads it"
        in told
    )
    assert f"reads it ({read.error:.1f} %)" in told


def _facts(kind: type, path: Path) -> list[Any]:
    """The facts of a file that the command inspect wrote."""
    types = {"site": Site, "layer": int, "mixer": str, "term": str, "step": str}
    with path.open(encoding="utf-8", newline="") as file:
        return [
            kind(**{name: types.get(name, float)(value) if value else None for name, value in row.items()} | _head(row))
            for row in csv.DictReader(file)
        ]


def _head(row: dict[str, str]) -> dict[str, Any]:
    return {"head": int(row["head"]) if row["head"] else None}


def test_the_readme_has_at_most_150_lines() -> None:
    assert len(README.splitlines()) <= 150


@pytest.mark.parametrize("path", sorted((ROOT / "recipes" / "studies").glob("*.yaml")), ids=lambda path: path.stem)
def test_the_table_of_studies_has_the_number_of_runs(path: Path) -> None:
    text = (path.parent / "README.md").read_text(encoding="utf-8")
    (row,) = (line for line in text.splitlines() if line.startswith(f"| [{path.stem}]({path.name}) |"))
    assert int(row.split("|")[3]) == len(read_study(path).runs())
