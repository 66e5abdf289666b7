"""Expectations are read from the study's file, judged by intervals, and contradicted aloud."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from nmt_attn.spec import SpecError
from nmt_attn.study.expectations import LEARNT, Expectation
from nmt_attn.study.findings import find
from nmt_attn.study.plan import read_study
from nmt_attn.study.planned import plan_text
from nmt_attn.study.report import write_report
from nmt_attn.study.reporting.outcomes import ExpectationFinding, Outcome
from tests.study.stores import RECIPE, SIGNATURE, TINY, scored, study_in, write_store

SELF, CROSS, ABLE = f"{TINY}_self0111", f"{TINY}_cross0111", f"{TINY}_cross0001"
FILE = f"""\
name: small
reference: {TINY}
seeds: {{seeds}}
models: [{TINY}, {SELF}, {CROSS}, {ABLE}]
margins: {{{{task: 4}}}}
corpora:
  copy:
    recipe: {RECIPE}
    expect:
      - {{{{model: {ABLE}, can: yes, because: position alone tells which word to copy.}}}}
      - {{{{model: {CROSS}, can: no, because: "nothing, else, tells it"}}}}
"""
LEARNED = [96.0, 96.5, 96.2]
GOOD, BAD = [95.0, 95.8, 95.1], [50.0, 52.0, 51.0]


def _found(folder: Path, scores: Mapping[str, Sequence[float]], seeds: int = 3) -> tuple[ExpectationFinding, ...]:
    """The expectations of ABLE and of CROSS."""
    study, _ = study_in(folder, FILE.format(seeds=seeds))
    records = scored("copy", scores)
    return tuple(find(study, records, None).expectations)


def _outcomes(found: Sequence[ExpectationFinding]) -> list[Outcome]:
    return [each.outcome for each in found]


def test_expectations_are_read_with_the_name_of_their_function(tmp_path: Path) -> None:
    text = FILE.format(seeds=3).replace(f"model: {ABLE},", f"model: {TINY}_cross0001,")
    study, _ = study_in(tmp_path, text)
    assert study.margins.task == 4
    assert study.corpora[0].expectations == (
        Expectation(ABLE, True, "position alone tells which word to copy."),
        Expectation(CROSS, False, "nothing, else, tells it"),
    )
    study, _ = study_in(tmp_path, FILE.format(seeds=3).partition("    expect:")[0].replace("{task: 4}", "{}"))
    assert (study.margins.task, study.corpora[0].expectations) == (5, ())


GIVEN = {"model": ABLE, "can": "yes", "because": "so"}
WRONG: list[tuple[Any, str]] = [
    ("yes", "expect must be a list of mappings with model, can, because, not 'yes'"),
    ({ABLE: "yes"}, f"expect must be a list of mappings with model, can, because, not {{'{ABLE}': 'yes'}}"),
    ([ABLE], f"expect must be a mapping, such as name: value, not '{ABLE}'"),
    ([{**GIVEN, "why": "x"}], "expect must have names among model, can, because, not why"),
    ([{"model": ABLE, "can": "yes"}], "expect must have because"),
    ([{"can": "yes", "because": "so"}], "expect must have model"),
    ([{**GIVEN, "can": "maybe"}], "expect: can must be yes or no, not 'maybe'"),
    ([{**GIVEN, "can": "true"}], "expect: can must be yes or no, not 'true'"),
    ([{**GIVEN, "can": ["yes"]}], "expect: can must be one value, not ['yes']"),
    ([{**GIVEN, "because": " "}], "expect: because must be a sentence, not ' ': say why, before the runs"),
    ([{**GIVEN, "model": TINY}], f"expect: model must be a model on copy other than the reference, not {TINY}"),
    (
        [{**GIVEN, "model": f"{TINY}_cross1111"}],
        f"expect: model must be a model on copy other than the reference, not {TINY}",
    ),
    (
        [{**GIVEN, "model": f"{TINY}_shaw"}],
        f"expect: model must be a model on copy other than the reference, not {TINY}_shaw",
    ),
    ([GIVEN, {**GIVEN, "can": "no"}], f"expect must name each model once, not {ABLE} twice"),
]


@pytest.mark.parametrize(("given", "message"), WRONG, ids=[message[:60] for _, message in WRONG])
def test_what_is_wrong_with_an_expectation_stands_in_one_line(given: Any, message: str, tmp_path: Path) -> None:
    path = tmp_path / "study.yaml"
    corpora = {"copy": {"recipe": str(RECIPE), "expect": given}}
    path.write_text(json.dumps({"name": "x", "reference": TINY, "models": [TINY, ABLE], "corpora": corpora}))
    with pytest.raises(SpecError) as problem:
        read_study(path)
    assert str(problem.value) == f"{path}: corpora: copy: {message}"


@pytest.mark.parametrize("task", ["0", "-1", "nan", "inf"])
def test_the_margin_of_a_task_is_above_0(task: str, tmp_path: Path) -> None:
    with pytest.raises(SpecError, match=f"margins: task must be above 0 BLEU points, not {task}$"):
        study_in(tmp_path, FILE.format(seeds=3).replace("task: 4", f"task: {task}"))


def test_expectations_are_judged_by_the_interval_of_the_two_models_alone(tmp_path: Path) -> None:
    study, _ = study_in(tmp_path, FILE.format(seeds=3))
    findings = find(study, scored("copy", {TINY: LEARNED, CROSS: BAD, ABLE: GOOD}), None)
    able, cross = findings.expectations
    for each in (able, cross):
        row = findings.corpora[0].row(each.expectation.model)
        assert row
        assert row.comparison
        assert each.difference == row.comparison.contrast.difference
        assert each.interval == row.comparison.welch.interval(0.90) != row.comparison.contrast.interval(0.90)
    assert able.interval
    assert cross.interval
    assert (able.outcome, able.reason) == (
        Outcome.CONFIRMED,
        f"upper 95 % bound {able.interval[1]:+.2f} below 4",
    )
    assert (cross.outcome, cross.reason) == (
        Outcome.CONFIRMED,
        f"lower 95 % bound {cross.interval[0]:+.2f} above 4",
    )


def test_a_model_far_below_the_reference_is_judged_by_welch(tmp_path: Path) -> None:
    study, _ = study_in(tmp_path, FILE.format(seeds=3))
    low = [20.0, 5.0, 30.0]
    findings = find(study, scored("copy", {TINY: LEARNED, CROSS: low, ABLE: GOOD}), None)
    row = findings.corpora[0].row(CROSS)
    assert row
    assert row.comparison
    assert not row.comparison.pooled
    assert findings.expectations[1].interval == row.comparison.welch.interval(0.90)
    assert findings.expectations[1].outcome is Outcome.CONFIRMED


def test_the_other_side_of_the_margin_contradicts(tmp_path: Path) -> None:
    found = _found(tmp_path, {TINY: LEARNED, CROSS: GOOD, ABLE: BAD})
    assert _outcomes(found) == [Outcome.CONTRADICTED, Outcome.CONTRADICTED]
    assert found[0].reason.startswith("lower 95 % bound +4")
    assert found[1].reason.startswith("upper 95 % bound +1")


def test_a_margin_inside_the_interval_leaves_both_open(tmp_path: Path) -> None:
    near = [90.0, 92.5, 94.0]
    found = _found(tmp_path, {TINY: LEARNED, CROSS: [each + 0.1 for each in near], ABLE: near})
    assert _outcomes(found) == [Outcome.OPEN, Outcome.OPEN]
    assert {each.reason for each in found} == {"4 is inside the 90 % interval"}


def test_a_reference_that_has_not_learnt_leaves_everything_open(tmp_path: Path) -> None:
    scores = {TINY: LEARNED, CROSS: BAD, ABLE: GOOD}
    reason = "the reference did not learn the task"
    for each in _found(tmp_path, {**scores, TINY: [89.0, 89.2, 89.1]}):
        assert (each.outcome, each.reason) == (Outcome.OPEN, f"{reason} (BLEU 89.10, below 90)")
    for each in _found(tmp_path, {**scores, TINY: [89.9994, 89.9998, 89.9996]}):
        assert each.reason == f"{reason} (BLEU 89.9996, below 90)"
    learnt = _found(tmp_path, {**scores, TINY: [LEARNT - 0.1, LEARNT, LEARNT + 0.1], ABLE: [89.0, 89.8, 89.1]})
    assert _outcomes(learnt) == [Outcome.CONFIRMED] * 2


def test_missing_and_single_runs_leave_an_expectation_open_and_are_named(tmp_path: Path) -> None:
    found = _found(tmp_path, {TINY: LEARNED[:2], CROSS: BAD, ABLE: GOOD[:2]})
    assert _outcomes(found) == [Outcome.OPEN] * 2
    assert found[0].reason == "runs are missing: 2 of 3 runs, 2 of 3 runs of the reference"
    assert found[1].reason == "runs are missing: 2 of 3 runs of the reference"
    found = _found(tmp_path, {TINY: LEARNED, ABLE: GOOD})
    assert (found[0].outcome, found[1].outcome) == (Outcome.CONFIRMED, Outcome.OPEN)
    assert found[1].reason == "no run is finished"
    assert (found[1].difference, found[1].interval) == (None, None)
    found = _found(tmp_path, {ABLE: GOOD})
    assert found[0].reason == f"no run of {TINY}, the reference, is finished"
    assert found[1].reason == f"{found[0].reason}; no run is finished"
    found = _found(tmp_path, {TINY: LEARNED[:1], CROSS: BAD[:1], ABLE: GOOD[:1]}, seeds=1)
    assert [(each.outcome, each.reason) for each in found] == [(Outcome.OPEN, "single run, no inference")] * 2


def test_runs_at_an_end_of_the_scale_are_judged_without_a_spread(tmp_path: Path) -> None:
    """All perfect: there is no spread over seeds to be seen, and no runs were repeated."""
    found = _found(tmp_path, {TINY: [100.0] * 3, CROSS: [0.0] * 3, ABLE: [100.0] * 3})
    assert _outcomes(found) == [Outcome.CONFIRMED] * 2
    assert [(each.difference, each.interval) for each in found] == [(0, None), (100, None)]
    assert [each.reason for each in found] == [
        "all runs at 0 or 100 BLEU, D 0.00 not above 4",
        "all runs at 0 or 100 BLEU, D +100.00 above 4",
    ]
    found = _found(tmp_path, {TINY: [100.0] * 3, CROSS: [100.0] * 3, ABLE: [0.0] * 3})
    assert _outcomes(found) == [Outcome.CONTRADICTED] * 2


def test_equal_scores_that_are_not_perfect_confirm_nothing(tmp_path: Path) -> None:
    for more in ({CROSS: BAD}, {}):
        found = _found(tmp_path, {TINY: [95.0] * 3, **more, ABLE: [94.0] * 3})
        assert found[0].outcome is Outcome.OPEN
        assert found[0].reason == "the runs do not differ at all: their spread over seeds is not known"
    found = _found(tmp_path, {TINY: LEARNED, CROSS: BAD, ABLE: LEARNED})
    told = f"but {TINY} and {ABLE} have the same scores in all runs"
    assert found[0].outcome is Outcome.OPEN
    assert found[0].reason.endswith(told)
    found = _found(tmp_path, {TINY: [100.0, 100.0, 99.0], CROSS: BAD, ABLE: [100.0, 98.5, 100.0]})
    assert found[0].outcome is Outcome.CONFIRMED


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """With one expectation contradicted and one as expected."""
    tmp_path = tmp_path_factory.mktemp("study")
    study, path = study_in(tmp_path, FILE.format(seeds=3))
    records = scored("copy", {TINY: LEARNED, SELF: GOOD, CROSS: GOOD[::-1], ABLE: GOOD})
    for record in records:
        record["exact_match"] = record["bleu"] - 3
    write_store(tmp_path, records)
    write_report(study, path, tmp_path)
    return tmp_path / "report"


def test_a_report_has_a_table_of_expectations_and_a_bold_line_of_each_contradicted_one(report: Path) -> None:
    text = (report / "report.md").read_text(encoding="utf-8")
    before, _, rest = text.partition("## Expectations")
    section = rest.partition("## Corpus copy")[0]
    assert "- **expectations** 2 expectations: 1 as expected, 1 contradicted, 0 open.\n" in before
    assert (
        f"- **expectation contradicted** copy, {CROSS}: expected that it cannot, because nothing, else, tells it; "
        in (before)
    )
    assert "but D = +0.93 (" in before
    assert section.count("\n| copy |") == 2
    assert f"| copy | {ABLE} | can | +0.93 (" in section
    assert "| 93.23 → 92.30 | as expected: upper 95 % bound " in section
    assert "| contradicted: upper 95 % bound " in section
    assert "| nothing, else, tells it |" in section
    assert "From the study's file; that they stood there before the runs, only its history shows. Can: the" in section
    assert "loses less than 4 BLEU against" in section
    assert "judged by itself at its own 5 %, as the headline is, and not corrected for their number" in section
    assert f"BLEU: {SIGNATURE}; 60 sentences; 1,000 updates." in section


def test_models_with_an_expectation_stay_exploratory(report: Path) -> None:
    text = (report / "report.md").read_text(encoding="utf-8")
    assert "exploratory on copy, 4 p-values" in text
    table = pd.read_csv(report / "table.csv").set_index("model")
    assert set(table.loc[[ABLE, CROSS, SELF], "role"]) == {"exploratory"}
    assert table.loc[ABLE, ["expected", "outcome"]].tolist() == ["can", "as expected"]
    assert table.loc[CROSS, ["expected", "outcome"]].tolist() == ["cannot", "contradicted"]
    assert table.loc[[TINY, SELF], "expected"].isna().all()


def test_findings_json_has_the_expectations(report: Path) -> None:
    findings = json.loads((report / "findings.json").read_text(encoding="utf-8"))
    assert findings["margins"]["task"] == 4
    assert findings["learnt"] == 90
    able, cross = findings["expectations"]
    assert (able["corpus"], able["model"], able["expected"], able["outcome"]) == ("copy", ABLE, "can", "as expected")
    assert cross["outcome"] == "contradicted"
    assert cross["exact_match_reference"] == pytest.approx(sum(LEARNED) / 3 - 3)
    assert cross["interval"][0] < cross["difference"] < cross["interval"][1]


def test_a_report_without_expectations_does_not_speak_of_them(tmp_path: Path) -> None:
    text = FILE.format(seeds=3).partition("    expect:")[0].replace("{task: 4}", "{}")
    study, path = study_in(tmp_path, text)
    write_store(tmp_path, scored("copy", {TINY: LEARNED, ABLE: GOOD}))
    write_report(study, path, tmp_path)
    for name in ("report.md", "table.csv", "findings.json"):
        told = (tmp_path / "report" / name).read_text(encoding="utf-8").lower()
        for word in ("expect", "exact match", "exact_match", "task", "outcome"):
            assert word not in told


def test_the_plan_counts_expectations(tmp_path: Path) -> None:
    study, _ = study_in(tmp_path, FILE.format(seeds=3))
    told = (
        "expectations: 2, 1 that a model can do a corpus' task (less than 4 BLEU below the reference), 1 that it cannot"
    )
    assert told in plan_text(study, [], 1, None).splitlines()
