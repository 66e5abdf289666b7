"""The README's tables are those of the published results, and it stays short."""

import csv
import hashlib
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
from nmt_attn.spec import ALL_CODES, Site
from nmt_attn.study.exact import exact_match
from nmt_attn.study.plan import read_study
from nmt_attn.study.report import write_report
from nmt_attn.study.scores import read_lines
from nmt_attn.study.store import STORE, read_store
from results import draw

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def _findings(study: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((ROOT / "results" / study / "report" / "findings.json").read_text("utf-8"))
    return found


@pytest.mark.parametrize("page", draw.PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_the_tables_of_a_page_are_drawn_from_the_results(page: Path) -> None:
    parts = [found[1] for found in draw.BLOCK.finditer(page.read_text(encoding="utf-8"))]
    assert parts
    assert len(parts) == len(set(parts))
    assert draw.filled(page) == page.read_text(encoding="utf-8")


def test_all_that_can_be_drawn_stands_in_a_page() -> None:
    drawn = [found[1] for page in draw.PAGES for found in draw.BLOCK.finditer(page.read_text(encoding="utf-8"))]
    assert sorted(drawn) == sorted(draw.PARTS)


def test_main_effects_are_provisional_until_all_of_the_grammar_has_run(monkeypatch: pytest.MonkeyPatch) -> None:
    effect = {"difference": 1.5, "interval": [0.5, 2.5], "p_holm": 0.04}
    known = {"E1": effect, "E2": {**effect, "difference": -1.5, "interval": None, "p_holm": None}}
    found = {"corpora": {"fragment": {"main_effects": {"self": known}}}, "missing": ["fragment/nmt_attn_tiny.1"]}
    monkeypatch.setattr(draw, "_findings", lambda study: found)
    first, second, third = draw.effects().splitlines()[2:5]
    assert first == "| E1 | +1.50 (+0.50 to +2.50), Holm p = 0.040, provisional | not all codes have run |"
    assert second == "| E2 | -1.50, provisional | not all codes have run |"
    assert third == "| E3 | not all codes have run | not all codes have run |"
    found["missing"] = ["recall/nmt_attn_tiny.1"]
    assert "provisional" not in draw.effects()


def test_codes_have_their_verdict_or_a_mark(monkeypatch: pytest.MonkeyPatch) -> None:
    def row(model: str, role: str, verdict: str) -> dict[str, Any]:
        bleu: dict[str, Any] = {"bleu": 60.0, "bleu_sd": 0.5, "runs": 3, "difference": 2.0, "low": 1.0, "high": 3.0}
        return {"corpus": "fragment", "model": model, "role": role, "verdict": verdict, "provisional": None, **bleu}

    reference = {**row("nmt_attn_tiny", "reference", ""), "difference": None}
    headline = row("nmt_attn_tiny_self0111", "headline", "vital")
    others = [
        row("nmt_attn_tiny_cross1110", "exploratory", "no claim"),
        row("nmt_attn_tiny_self1110", "exploratory", "worse"),
    ]
    monkeypatch.setattr(draw, "_findings", lambda study: {"models": [reference, headline, *others]})
    rows = {line.split(" | ")[0].strip("| "): line for line in draw.codes().splitlines()}
    bleu = "60.00 ± 0.50 (3)"
    assert rows["0111"] == f"| 0111 | {bleu} | +2.00 (+1.00 to +3.00) (vital) |  |  |"
    assert rows["1110"] == f"| 1110 | {bleu} | +2.00 (+1.00 to +3.00) * | {bleu} | +2.00 (+1.00 to +3.00) |"
    assert rows["1111"] == f"| 1111 | {bleu} |  | {bleu} |  |"


def test_what_the_readme_says_of_the_interaction_stands_in_the_report_of_the_quick_study() -> None:
    report = (ROOT / "results" / "quick" / "report" / "report.md").read_text(encoding="utf-8")
    said = re.search(
        r"loses (\S+) BLEU more than self-attention \(90 % interval (\S+) to ([^)]+)\)", README.replace("\n", " ")
    )
    assert said
    assert f"D_cross - D_self = +{said[1]}, 90 % interval {said[2]} to {said[3]}." in report


def test_what_the_readme_says_of_terms_taken_out_stands_in_the_findings_of_the_quick_study() -> None:
    findings = _findings("quick")
    found = {(each["sites"], each["term"]): each for each in findings["removals"]}
    in_self, in_cross = found["self", "E1"], found["cross", "E1"]
    low, high = in_self["mean_interval"]
    trained = {row["model"]: row["difference"] for row in findings["models"] if row["corpus"] == "fragment"}
    said = README[README.index("**Used more than needed**") : README.index("## Three commands")].replace("\n", " ")
    assert f"self-attention loses {in_self['mean']:.2f} BLEU (90 % interval {low:+.2f} to {high:+.2f}), cross" in said
    alone = [f"{trained[f'nmt_attn_tiny_{place}0111']:.2f}" for place in ("self", "cross")]
    assert f"cross attention {in_cross['mean']:.2f}; trained without it {' and '.join(alone)}." in said


def test_what_the_readme_says_first_stands_in_the_findings() -> None:
    controlled = _findings("controlled")
    quick = _findings("quick")
    rows = {(row["corpus"], row["model"]): row for row in quick["models"]}
    in_cross, in_self = (rows["fragment", f"nmt_attn_tiny_{place}0111"] for place in ("cross", "self"))
    said = README.replace("\n", " ")
    assert (in_cross["verdict"], in_self["verdict"]) == ("vital", "inconclusive")
    assert f"cross attention loses {in_cross['difference']:.2f} BLEU (vital), self-attention" in said
    assert f"self-attention {in_self['difference']:.2f} (inconclusive: neither" in said
    names = ("fragment", "nmt_attn_tiny_self0111")
    (wide,) = (row for row in controlled["models"] if (row["corpus"], row["model"]) == names)
    assert wide["verdict"] == "inconclusive"
    assert f"of all, {wide['difference']:+.2f} has {wide['low']:+.2f} to {wide['high']:+.2f}." in said
    effects = controlled["corpora"]["fragment"]["main_effects"]
    worth = {place: f"{effects[place]['E1']['difference']:.2f}" for place in ("self", "cross")}
    spans = {place: "{:+.2f} to {:+.2f}".format(*effects[place]["E1"]["interval"]) for place in ("self", "cross")}
    assert f"E1 is worth {worth['self']} BLEU in self-attention (90 % interval {spans['self']})" in said
    assert f"{worth['cross']} in cross attention ({spans['cross']})" in said


def test_what_the_results_say_of_all_codes_stands_in_the_findings() -> None:
    findings = _findings("controlled")
    rows = {row["model"]: row for row in findings["models"] if row["corpus"] == "fragment"}
    page = " ".join((ROOT / "results" / "README.md").read_text(encoding="utf-8").split())

    def bleu(place: str, code: str) -> float:
        return float(rows[f"nmt_attn_tiny_{place}{code}"]["bleu"])

    without_positions = max(bleu("self", code) for code in ("0000", "0010", "1000", "1010"))
    assert (
        f"no code comes above {without_positions:.1f} BLEU, with these two alone it is {bleu('self', '0101'):.1f}"
        in page
    )
    lost = [rows[f"nmt_attn_tiny_self{code}"]["difference"] for code in ("1001", "1100")]
    assert f"loses little (1001 {lost[0]:.2f}, 1100 {lost[1]:.2f}: no claim)" in page
    most, least = (bleu("self", f"1{rest}") - bleu("self", f"0{rest}") for rest in ("001", "110"))
    assert f"most in 0001 → 1001 ({most:.1f}), least in 0110 → 1110 ({least:.1f})" in page
    lacking = {code: bleu("cross", code) for code in ALL_CODES if code[0] == "0"}
    assert f"no code without E1 comes above {max(lacking.values()):.1f} BLEU" in page
    assert f"none above {max(score for code, score in lacking.items() if code[1] == '0'):.1f}." in page
    neither = {f"{rows[f'nmt_attn_tiny_cross{code}']['difference']:.1f}" for code in ("1000", "1010")}
    assert f"with neither it is {neither.pop()} (1000, 1010)" in page
    assert not neither


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
            assert result["signature"].startswith("nrefs:1|case:mixed|eff:no|tok:13a|smooth:exp|")
            assert round(sacrebleu.corpus_bleu(hypotheses, [references]).score, 4) == result["bleu"]
            if "exact_match" in result:
                assert round(exact_match(hypotheses, references), 4) == result["exact_match"]
            subset = texts[1].stem.partition(".")[2] or "test"
            named = f"{subset}.de".encode() + b"\0"
            assert hashlib.sha256(named + texts[1].read_bytes()).hexdigest() == result["test_sha256"]
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
