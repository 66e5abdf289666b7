"""Findings against numbers worked out another way."""

from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from nmt_attn.spec import ALL_CODES
from nmt_attn.study.findings import CorpusFindings, Findings, Role, find
from nmt_attn.study.plan import Study
from nmt_attn.study.verdicts import Word
from tests.study.stores import FACTORIAL, FILE, TINY, scored, study_in

SELF, CROSS, DEFORM, ALIBI = (f"{TINY}_{name}" for name in ("self0111", "cross0111", "deform", "alibi"))
SCORES = {
    TINY: [84.1, 84.9, 84.3],
    SELF: [84.0, 84.6, 84.5],
    CROSS: [60.0, 61.5, 60.7],
    DEFORM: [82.2, 82.9, 81.0],
    ALIBI: [83.1, 84.0, 83.0],
}
RECALL = {TINY: [90.0, 90.4, 91.0], SELF: [30.0, 33.0, 31.0]}


@pytest.fixture
def study(tmp_path: Path) -> Study:
    return study_in(tmp_path)[0]


@pytest.fixture
def found(study: Study) -> Findings:
    return find(study, scored("fragment", SCORES) + scored("recall", RECALL), None)


def _corpus(findings: Findings, name: str = "fragment") -> CorpusFindings:
    return next(corpus for corpus in findings.corpora if corpus.name == name)


def _without(text: str, start: str) -> str:
    return "".join(line for line in text.splitlines(keepends=True) if not line.startswith(start))


def test_rows_come_in_the_order_of_the_plan_with_means_over_their_runs(study: Study) -> None:
    records = scored("fragment", SCORES)
    for record in records:
        record["training_seconds"] = record["bleu"] * 3
        record["chrf"] = record["bleu"] + 5
    rows = _corpus(find(study, records[::-1], None)).rows
    assert [row.model for row in rows] == list(SCORES)
    for row in rows:
        scores = np.array(SCORES[row.model])
        assert row.mean == pytest.approx(scores.mean())
        assert row.deviation == pytest.approx(scores.std(ddof=1))
        assert (row.runs, row.chrf) == (3, pytest.approx(scores.mean() + 5))
        assert row.training_seconds == pytest.approx(3 * scores.mean())
        assert list(row.scores) == [1_000_000, 2_000_000, 3_000_000]
    assert [row.label for row in rows] == ["1111 (reference)", "self0111", "cross0111", "deform", "alibi"]
    assert [row.role for row in rows] == [Role.REFERENCE, *[Role.HEADLINE] * 2, *[Role.EXPLORATORY] * 2]


def test_a_difference_is_the_reference_minus_the_model_with_the_variance_of_all_models(found: Findings) -> None:
    corpus = _corpus(found)
    table = np.array(list(SCORES.values()))
    degrees = table.size - len(table)
    deviation = np.sqrt(((table - table.mean(1, keepdims=True)) ** 2).sum() / degrees)
    assert (corpus.deviation, corpus.degrees) == (pytest.approx(deviation), degrees)
    for row in corpus.rows[1:]:
        assert row.comparison is not None
        difference = np.mean(SCORES[TINY]) - np.mean(SCORES[row.model])
        half = stats.t.ppf(0.95, degrees) * deviation * np.sqrt(2 / 3)
        assert row.comparison.contrast.difference == pytest.approx(difference)
        assert row.comparison.interval == pytest.approx((difference - half, difference + half))
        welch = stats.ttest_ind(SCORES[TINY], SCORES[row.model], equal_var=False).confidence_interval(0.90)
        assert row.comparison.welch.interval(0.90) == pytest.approx(tuple(welch))
        apart = [first - second for first, second in zip(SCORES[TINY], SCORES[row.model], strict=True)]
        assert list(row.comparison.differences.values()) == pytest.approx(apart)
    cross = corpus.row(CROSS)
    assert cross
    assert cross.comparison
    assert cross.comparison.contrast.difference > 20


def test_only_exploratory_models_are_corrected_for_their_number(found: Findings) -> None:
    corpus = _corpus(found)
    p = {row.model: row.comparison.contrast.p_different for row in corpus.rows if row.comparison}
    small, large = sorted((p[DEFORM], p[ALIBI]))
    holm = {row.model: row.comparison.holm for row in corpus.rows if row.comparison}
    assert holm[DEFORM] == pytest.approx(2 * small)
    assert holm[ALIBI] == pytest.approx(max(large, 2 * small))
    assert holm[SELF] is None
    assert holm[CROSS] is None
    control = _corpus(found, "recall").row(SELF)
    assert control
    assert control.role is Role.CONTROL
    assert control.comparison
    assert control.comparison.holm is None


def test_the_interaction_is_how_much_more_is_lost_in_cross_attention(found: Findings) -> None:
    corpus = _corpus(found)
    (each,) = corpus.interactions
    lost = {model: np.mean(SCORES[TINY]) - np.mean(SCORES[model]) for model in (SELF, CROSS)}
    assert (each.code, each.self_model, each.cross_model) == ("0111", SELF, CROSS)
    assert each.contrast.difference == pytest.approx(lost[CROSS] - lost[SELF])
    assert corpus.deviation is not None
    assert each.contrast.standard_error == pytest.approx(corpus.deviation * np.sqrt(1 / 3 + 1 / 3))
    assert not _corpus(found, "recall").interactions


def test_main_effects_take_all_sixteen_codes_with_the_flags_of_the_reference(tmp_path: Path) -> None:
    study, _ = study_in(tmp_path, FACTORIAL)
    draw = np.random.default_rng(5)
    names = {code: TINY if code == "1111" else f"{TINY}_self{code}" for code in ALL_CODES}
    scores = {name: list(50 + 20 * draw.random(2)) for name in names.values()}
    corpus = _corpus(find(study, scored("fragment", scores), None))
    factorial = corpus.factorials[0]
    assert (factorial.place, dict(factorial.models)) == ("self", names)
    assert factorial.effects is not None
    cube = np.array([np.mean(scores[names[code]]) for code in ALL_CODES]).reshape(2, 2, 2, 2)
    for axis, contrast in enumerate(factorial.effects.values()):
        on, off = np.take(cube, 1, axis).mean(), np.take(cube, 0, axis).mean()
        assert contrast.difference == pytest.approx(on - off)
    del scores[names["0010"]]
    assert _corpus(find(study, scored("fragment", scores), None)).factorials[0].effects is None
    assert corpus.factorials[1].effects is None


@pytest.mark.parametrize("recall", [{}, {TINY: RECALL[TINY]}, {TINY: [90.0] * 3, SELF: [89.0, 88.8, 89.2]}])
def test_without_a_loss_in_the_control_nothing_is_negligible(study: Study, recall: dict[str, list[float]]) -> None:
    findings = find(study, scored("fragment", SCORES) + scored("recall", recall), None)
    assert findings.control is not None
    assert not findings.control.passed
    row = _corpus(findings).row(SELF)
    assert row
    assert row.comparison
    assert row.comparison.verdict.word is Word.INCONCLUSIVE
    assert "the positive control was not passed" in row.comparison.verdict.reason


def test_with_a_passed_control_a_small_difference_is_negligible_and_a_large_one_vital(found: Findings) -> None:
    assert found.control is not None
    assert found.control.passed
    rows = {row.model: row.comparison for row in _corpus(found).rows if row.comparison}
    assert {rows[SELF].verdict.word, rows[CROSS].verdict.word} == {Word.NEGLIGIBLE, Word.VITAL}


def test_a_study_without_a_control_never_says_negligible(tmp_path: Path) -> None:
    study, _ = study_in(tmp_path, _without(FILE, "control"))
    findings = find(study, scored("fragment", SCORES), None)
    row = _corpus(findings).row(SELF)
    assert findings.control is None
    assert row
    assert row.comparison
    assert row.comparison.verdict.reason.endswith("there is no positive control")


def test_a_single_run_allows_no_inference(study: Study) -> None:
    scores = {**SCORES, SELF: [84.0], ALIBI: [83.0]}
    rows = {row.model: row for row in _corpus(find(study, scored("fragment", scores), None)).rows}
    for model in (SELF, ALIBI):
        comparison = rows[model].comparison
        assert rows[model].deviation is None
        assert comparison is not None
        assert comparison.verdict.word is Word.SINGLE
        assert comparison.interval is None
        assert comparison.holm is None
        assert comparison.bootstrap is None
    deform = rows[DEFORM].comparison
    assert deform
    assert deform.holm == pytest.approx(deform.contrast.p_different)


def test_a_row_says_when_welch_would_say_another_word(study: Study) -> None:
    scores = {**SCORES, SELF: [81.8, 84.1, 86.8]}
    rows = _corpus(find(study, scored("fragment", scores) + scored("recall", RECALL), None)).rows
    comparison = next(row.comparison for row in rows if row.model == SELF)
    assert comparison
    assert comparison.depends_on_variance
    assert (comparison.verdict.word, comparison.welch_verdict.word) == (Word.NEGLIGIBLE, Word.INCONCLUSIVE)
