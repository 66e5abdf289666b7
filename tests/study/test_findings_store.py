"""What a store holds, and what is wrong with it: translations, missing runs, results that cannot be compared."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nmt_attn.spec import SpecError
from nmt_attn.study.findings import CorpusFindings, Findings, find
from nmt_attn.study.plan import Study
from nmt_attn.study.resampling import paired_test
from tests.study.stores import SHARES, TINY, records_of, scored, study_in, write_store

SELF, CROSS, ALIBI = (f"{TINY}_{name}" for name in ("self0111", "cross0111", "alibi"))
SCORES = {TINY: [84.1, 84.9, 84.3], SELF: [84.0, 84.6, 84.5], CROSS: [60.0, 61.5, 60.7]}


@pytest.fixture
def study(tmp_path: Path) -> Study:
    return study_in(tmp_path)[0]


def _corpus(findings: Findings, name: str = "fragment") -> CorpusFindings:
    return next(corpus for corpus in findings.corpora if corpus.name == name)


def test_translations_give_intervals_over_sentences_and_paired_tests(study: Study, tmp_path: Path) -> None:
    records = records_of(study, SHARES, tmp_path)
    write_store(tmp_path, records)
    rows = _corpus(find(study, records, tmp_path)).rows
    texts = tmp_path / "translations" / "fragment"
    references = (texts / "references.txt").read_text(encoding="utf-8").splitlines()
    for row in rows[1:]:
        found = row.comparison
        assert found
        assert found.bootstrap
        assert found.paired
        assert found.bootstrap[0] < found.contrast.difference < found.bootstrap[1]
        assert list(found.paired) == [1_000_000, 2_000_000, 3_000_000]
    alibi = next(row.comparison for row in rows if row.model == ALIBI)
    seed = 2_000_000
    pair = [(texts / f"{model}.{seed}.txt").read_text(encoding="utf-8").splitlines() for model in (TINY, ALIBI)]
    assert alibi
    assert alibi.paired
    assert alibi.paired[seed] == paired_test(*pair, references)
    without = _corpus(find(study, records, None)).row(ALIBI)
    assert without
    assert without.comparison
    assert without.comparison.bootstrap is None
    assert not without.comparison.paired


def test_a_score_without_case_is_tested_without_case(study: Study, tmp_path: Path) -> None:
    records = records_of(study, {"fragment": {TINY: 0.1, SELF: 0.1}}, tmp_path)
    for record in records:
        record["signature"] = record["signature"].replace("case:mixed", "case:lc")
        seed = record["seed"]
        base = (tmp_path / "translations" / "fragment" / f"{TINY}.{seed}.txt").read_text(encoding="utf-8")
        (tmp_path / "translations" / "fragment" / f"{SELF}.{seed}.txt").write_text(
            base.replace("e", "E"), encoding="utf-8"
        )
    row = _corpus(find(study, records, tmp_path)).row(SELF)
    assert row
    assert row.comparison
    assert row.comparison.paired
    assert set(row.comparison.paired.values()) == {1.0}


def test_what_is_missing_or_not_planned_is_named_and_counts_for_nothing(study: Study) -> None:
    records = scored("fragment", {TINY: [84.0, 84.5, 84.2, 10.0], f"{TINY}_shaw": [1.0]}) + scored("other", {TINY: [2]})
    findings = find(study, records, None)
    assert findings.unplanned == (f"fragment/{TINY}.4000000", f"fragment/{TINY}_shaw.1000000", f"other/{TINY}.1000000")
    assert len(findings.missing) == len(study.runs()) - 3
    (row,) = _corpus(findings).rows
    assert row.mean == pytest.approx(np.mean([84.0, 84.5, 84.2]))
    assert _corpus(findings, "recall").rows == ()


def test_without_the_reference_nothing_is_compared(study: Study) -> None:
    corpus = _corpus(find(study, scored("fragment", {SELF: SCORES[SELF], CROSS: SCORES[CROSS]}), None))
    assert len(corpus.rows) == 2
    assert all(row.comparison is None for row in corpus.rows)
    assert corpus.interactions == ()


@pytest.mark.parametrize("field", ["signature", "data_sha256", "test_sha256", "sentences", "updates"])
def test_results_that_cannot_be_compared_are_refused_with_both_values(study: Study, field: str) -> None:
    records: list[dict[str, Any]] = scored("fragment", SCORES)
    records[4][field] = 7
    values = " and ".join(sorted(map(str, {7, records[0][field]}))).replace("|", r"\|")
    with pytest.raises(SpecError, match=f"corpus fragment: all results .* the same {field}, not {values}: score or"):
        find(study, records, None)


@pytest.mark.parametrize("setting", ["WARMUP", "LEARNING_RATE", "TOKENS", "AVERAGE", "DIRECTION", "parts", "mixed"])
def test_runs_of_a_corpus_with_other_settings_are_refused(study: Study, setting: str) -> None:
    records: list[dict[str, Any]] = scored("fragment", SCORES)
    for each, value in zip(records[1:], ["5", "5", "6"], strict=False):
        each["settings"] = {**each["settings"], setting: value}
    told = rf"same {setting}, not 5 \(fragment/{TINY}.2000000\) and 6 \(fragment/{SELF}.1000000\): train them alike"
    with pytest.raises(SpecError, match=told):
        find(study, records, None)
    records[3]["settings"][setting] = "5"
    assert find(study, records, None).corpora


def test_equal_translations_of_two_models_are_doubtful(study: Study, tmp_path: Path) -> None:
    records = records_of(study, {"fragment": {TINY: 0.1, SELF: 0.1}}, tmp_path)
    row = _corpus(find(study, records, tmp_path)).row(SELF)
    assert row
    assert row.comparison
    assert row.comparison.contrast.doubt == ""
    texts = tmp_path / "translations" / "fragment"
    (texts / f"{SELF}.1000000.txt").write_bytes((texts / f"{TINY}.2000000.txt").read_bytes())
    row = _corpus(find(study, records, tmp_path)).row(SELF)
    assert row
    assert row.comparison
    told = f"{TINY} with seed 2000000 and {SELF} with seed 1000000 have the same translations"
    assert row.comparison.contrast.doubt == row.comparison.welch.doubt == told


def test_a_store_that_is_wrong_is_refused(study: Study) -> None:
    records = scored("fragment", SCORES)
    with pytest.raises(SpecError, match=f"must hold each run once, not fragment/{SELF}.2000000 twice: take one"):
        find(study, [*records, records[4]], None)


def test_translations_must_have_a_line_a_reference(study: Study, tmp_path: Path) -> None:
    records = records_of(study, {"fragment": {TINY: 0.1, SELF: 0.1}}, tmp_path)
    path = tmp_path / records[1]["hypotheses"]
    path.write_text(path.read_text(encoding="utf-8") + "one more\n", encoding="utf-8")
    with pytest.raises(
        SpecError, match=r"2000000.txt must have as many lines as .*references.txt \(60\), not 61: transl"
    ):
        find(study, records, tmp_path)
    path.unlink()
    with pytest.raises(SpecError, match="must be a readable file"):
        find(study, records, tmp_path)
