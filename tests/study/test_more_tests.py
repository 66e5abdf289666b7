"""Scores on further test sets, and exact matches, from a run's folder to the store and the report."""

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from nmt_attn.spec import SpecError
from nmt_attn.study.findings import find
from nmt_attn.study.folder import StudyFolder
from nmt_attn.study.plan import Study
from nmt_attn.study.report import write_report
from nmt_attn.study.store import read_store
from tests.study.stores import SIGNATURE, TINY, record, scored, study_in, write_store

SELF, CROSS = f"{TINY}_self0111", f"{TINY}_cross0111"
SCORES = {TINY: [96.1, 96.9, 96.3], SELF: [95.0, 95.6, 95.5], CROSS: [60.0, 61.5, 60.7]}
RECALL = {TINY: [90.0, 90.4, 91.0], SELF: [30.0, 33.0, 31.0]}


def _long(bleu: float, **changes: Any) -> dict[str, Any]:
    """Scores on the test set "long"."""
    scores = {"bleu": bleu, "exact_match": bleu - 20, "sentences": 45, "signature": SIGNATURE, "test_sha256": "l"}
    return {"more_tests": {"long": {**scores, **changes}}}


def _records() -> list[dict[str, Any]]:
    """fragment with a second test set, recall without."""
    fragment = [
        {**each, "exact_match": each["bleu"] - 10, **_long(each["bleu"] - 30)} for each in scored("fragment", SCORES)
    ]
    return fragment + [{**each, "exact_match": each["bleu"] / 2} for each in scored("recall", RECALL)]


@pytest.fixture
def study(tmp_path: Path) -> Study:
    return study_in(tmp_path)[0]


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    tmp_path = tmp_path_factory.mktemp("study")
    study, path = study_in(tmp_path)
    write_store(tmp_path, _records())
    write_report(study, path, tmp_path)
    return tmp_path / "report"


def _run_that_is_done(study: Study, folder: StudyFolder, tests: dict[str, dict[str, Any]]) -> None:
    """What a recipe leaves of the first run; tests: results by their files' names."""
    run = study.runs()[0]
    place = folder.run(run)
    (place / "settings").mkdir(parents=True)
    (place / "translations").mkdir()
    (place.parent / "data" / "raw").mkdir(parents=True)
    (place / "settings" / "DIRECTION").write_text("en-de\n", encoding="utf-8")
    for name in tests:
        subset = name.removeprefix("result").removeprefix("-") or "test"
        (place / "translations" / subset).write_text(f"{subset} ja\n", encoding="utf-8")
        (place.parent / "data" / "raw" / f"{subset}.de").write_text(f"{subset} nein\n", encoding="utf-8")
    made = record(run.corpus.name, run.model.name, run.seed, settings={}, test_set="test")
    for name, changes in tests.items():
        (place / f"{name}.json").write_text(json.dumps({**made, **changes}), encoding="utf-8")


def test_the_store_keeps_the_scores_of_further_test_sets_in_the_line_of_the_run(study: Study, tmp_path: Path) -> None:
    folder = StudyFolder(tmp_path / "out")
    long = {"bleu": 12.5, "exact_match": 3.0, "sentences": 45, "test_set": "long", "test_sha256": "other"}
    full = {"bleu": 11.5, "exact_match": 2.0, "sentences": 46, "test_set": "set/full", "test_sha256": "third"}
    results = {"result": {"exact_match": 70.0}, "result-test1": long, "result-test2": full}
    _run_that_is_done(study, folder, results)
    folder.collect(study, study.runs()[0])
    (result,) = read_store(folder.store)
    assert (result["bleu"], result["exact_match"], result["test_set"]) == (80.0, 70.0, "test")
    rest = {"chrf": 90.0, "signature": SIGNATURE}
    assert result["more_tests"] == {
        "long": {"bleu": 12.5, "exact_match": 3.0, "sentences": 45, "test_sha256": "other", **rest, **_texts("test1")},
        "set/full": {"bleu": 11.5, "exact_match": 2.0, "sentences": 46, "test_sha256": "third"}
        | rest
        | _texts("test2"),
    }
    for name, subset in (("long", "test1"), ("set/full", "test2")):
        for kind, word in (("hypotheses", "ja"), ("references", "nein")):
            assert (folder.path / result["more_tests"][name][kind]).read_text(encoding="utf-8") == f"{subset} {word}\n"
    assert (folder.path / result["hypotheses"]).read_text(encoding="utf-8") == "test ja\n"
    assert (folder.path / result["references"]).read_text(encoding="utf-8") == "test nein\n"
    ends = ("txt", "test1.txt", "test2.txt")
    kept = {f"{stem}.{end}" for stem in (f"{TINY}.1000000", "references") for end in ends}
    assert {path.name for path in (folder.path / "translations" / "fragment").iterdir()} == kept


def _texts(subset: str) -> dict[str, str]:
    texts = "translations/fragment"
    return {
        "hypotheses": f"{texts}/{TINY}.1000000.{subset}.txt",
        "references": f"{texts}/references.{subset}.txt",
    }


def test_the_line_of_a_run_with_one_test_set_has_no_further_ones(study: Study, tmp_path: Path) -> None:
    folder = StudyFolder(tmp_path / "out")
    _run_that_is_done(study, folder, {"result": {}})
    folder.collect(study, study.runs()[0])
    (result,) = read_store(folder.store)
    assert "more_tests" not in result


def test_rows_have_means_over_runs(study: Study) -> None:
    fragment, recall = find(study, _records(), None).corpora
    row = fragment.row(SELF)
    assert row
    mean = sum(SCORES[SELF]) / 3
    assert row.exact_match == pytest.approx(mean - 10)
    assert row.deviation is not None
    assert row.further["long"].bleu == pytest.approx(mean - 30)
    assert row.further["long"].deviation == pytest.approx(row.deviation)
    assert row.further["long"].exact_match == pytest.approx(mean - 50)
    assert (row.further["long"].sentences, row.further["long"].signature) == (45, SIGNATURE)
    assert list(row.further) == ["long"]
    assert [each.further for each in recall.rows] == [{}, {}]


def test_what_not_all_runs_of_a_model_have_is_no_mean_of_it(study: Study) -> None:
    records = _records()
    del records[1]["more_tests"], records[1]["exact_match"]
    del records[4]["more_tests"]["long"]["exact_match"]
    first, second, _ = find(study, records, None).corpora[0].rows
    assert (first.further, first.exact_match) == ({}, None)
    assert second.further["long"].exact_match is None
    assert second.further["long"].bleu == pytest.approx(sum(SCORES[SELF]) / 3 - 30)


@pytest.mark.parametrize("field", ["signature", "test_sha256", "sentences"])
def test_results_on_further_test_sets_are_comparable_or_refused(field: str, study: Study) -> None:
    records = _records()
    records[5] |= _long(50.0, **{field: "x"})
    known = str(_long(0)["more_tests"]["long"][field]).replace("|", r"\|")
    told = f"corpus fragment: all results on the test set long must have the same {field}, not {known} and x: score"
    with pytest.raises(SpecError, match=told):
        find(study, records, None)
    del records[5]["more_tests"]["long"][field]
    with pytest.raises(SpecError, match=f"results on the test set long must say {field}, but one does not"):
        find(study, records, None)


def test_the_main_table_has_their_columns_where_a_corpus_has_them(report: Path) -> None:
    text = (report / "report.md").read_text(encoding="utf-8")
    fragment, recall = text.partition("## Corpus fragment")[2].split("## Corpus recall")[:2]
    columns = (
        "| BLEU, mean ± sd (runs) | exact match % | BLEU on longer sentences | exact match % on longer sentences |"
    )
    assert f"{columns} D, 90 % interval |" in fragment
    assert (
        f"| {TINY} | 1111 | 1111 | 1111 | 96.43 ± 0.42 (3) | 86.43 | 66.43 ± 0.42 | 46.43 |  | reference |" in fragment
    )
    assert f"Longer sentences: test set long, 45 sentences, {SIGNATURE}." in fragment
    assert "| BLEU, mean ± sd (runs) | exact match % | D, 90 % interval |" in recall
    recall = recall.partition("## Details of fragment")[0]
    assert "onger sentences" not in recall
    assert "| 90.47 ± 0.50 (3) | 45.23 |  | reference |" in recall


def test_the_table_of_runs_has_them_run_by_run(report: Path) -> None:
    text = (report / "report.md").read_text(encoding="utf-8").partition("## Details of fragment")[2]
    columns = "| chrF | exact match % | BLEU on longer sentences | exact match % on longer sentences | training s |"
    assert columns in text
    assert "| 90.00 | 86.10 | 66.10 | 46.10 | " in text


def test_tables_for_programs_have_them_in_every_row(report: Path) -> None:
    table = pd.read_csv(report / "table.csv").set_index(["corpus", "model"])
    row = table.loc[("fragment", SELF)]
    mean = sum(SCORES[SELF]) / 3
    values = [row["exact_match"], row["bleu_long"], row["exact_match_long"], row["sentences_long"]]
    assert values == pytest.approx([mean - 10, mean - 30, mean - 50, 45])
    assert row["signature_long"] == SIGNATURE
    assert table.loc["recall", "exact_match"].notna().all()
    assert table.loc["recall", "bleu_long"].isna().all()
    models = json.loads((report / "findings.json").read_text(encoding="utf-8"))["models"]
    assert models[1]["bleu_long"] == pytest.approx(mean - 30)
    assert models[-1]["bleu_long"] is None
