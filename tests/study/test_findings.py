"""Findings against numbers worked out another way."""

from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from nmt_attn.spec import ALL_CODES
from nmt_attn.study.findings import Comparison, CorpusFindings, Findings, Role, find
from nmt_attn.study.plan import Study
from nmt_attn.study.statistics import holm
from nmt_attn.study.verdicts import Word
from tests.study.stores import FACTORIAL, FILE, TINY, record, scored, study_in

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
    for each in records:
        each["training_seconds"] = each["bleu"] * 3
        each["chrf"] = each["bleu"] + 5
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
    adjusted = {row.model: row.comparison.holm for row in corpus.rows if row.comparison}
    assert adjusted[DEFORM] == pytest.approx(2 * small)
    assert adjusted[ALIBI] == pytest.approx(max(large, 2 * small))
    assert adjusted[SELF] is None
    assert adjusted[CROSS] is None
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
    p = {f"model {row.model}": row.comparison.contrast.p_different for row in corpus.rows if row.comparison}
    del p[f"model {names['0111']}"]
    p |= {term: contrast.p_different for term, contrast in factorial.effects.items()}
    adjusted = holm(p)
    assert corpus.family == len(adjusted) == 14 + 4
    assert factorial.holm == pytest.approx({term: adjusted[term] for term in factorial.effects})
    shoal = {f"model {row.model}": row.comparison.holm for row in corpus.rows if row.comparison and row.comparison.holm}
    assert shoal == pytest.approx({name: value for name, value in adjusted.items() if name.startswith("model")})
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


def _comparison(findings: Findings, model: str, corpus: str = "fragment") -> Comparison:
    row = _corpus(findings, corpus).row(model)
    assert row
    assert row.comparison
    return row.comparison


def test_models_that_did_not_learn_are_compared_by_welch_and_estimate_no_variance(study: Study) -> None:
    scores = {**SCORES, CROSS: [0.0, 0.0, 0.0], ALIBI: [1.0, 3.0, 0.5]}
    findings = find(study, scored("fragment", scores) + scored("recall", RECALL), None)
    corpus = _corpus(findings)
    assert (list(corpus.pool), corpus.left_out) == ([TINY, SELF, DEFORM], [CROSS, ALIBI])
    assert corpus.degrees == 6
    assert corpus.deviation == pytest.approx(np.sqrt(np.mean([np.var(scores[name], ddof=1) for name in corpus.pool])))
    for model in (CROSS, ALIBI):
        found = _comparison(findings, model)
        assert not found.pooled
        assert found.contrast == found.welch
        welch = stats.ttest_ind(scores[TINY], scores[model], equal_var=False)
        assert found.contrast.degrees == pytest.approx(welch.df)
    assert _comparison(findings, CROSS).verdict.word is Word.VITAL
    assert _comparison(findings, SELF).pooled


@pytest.mark.parametrize(
    ("absent", "told"), [(SELF, "2 of 3 runs"), (TINY, "2 of 3 runs of the reference"), (None, "")]
)
def test_while_planned_runs_are_missing_a_word_is_provisional(study: Study, absent: str | None, told: str) -> None:
    scores = {model: row[:2] if model == absent else row for model, row in SCORES.items()}
    findings = find(study, scored("fragment", scores) + scored("recall", RECALL), None)
    found = _comparison(findings, SELF)
    assert found.provisional == told
    assert found.verdict.word is (Word.INCONCLUSIVE if absent else Word.NEGLIGIBLE)
    assert found.verdict.reason.endswith("but 1 planned run is missing") == bool(absent)
    assert _comparison(findings, CROSS).verdict.word is Word.VITAL
    assert bool(_comparison(findings, CROSS).provisional) == (absent == TINY)


@pytest.mark.parametrize("absent", [TINY, SELF])
def test_a_control_with_a_planned_run_missing_is_not_passed(study: Study, absent: str) -> None:
    recall = {model: row[:2] if model == absent else row for model, row in RECALL.items()}
    findings = find(study, scored("fragment", SCORES) + scored("recall", recall), None)
    assert findings.control
    assert findings.control.comparison
    assert findings.control.comparison.verdict.word is Word.VITAL
    assert not findings.control.passed
    assert _comparison(findings, SELF).verdict.word is Word.INCONCLUSIVE


def test_an_equal_score_for_the_same_seed_allows_no_equivalence(tmp_path: Path) -> None:
    """Also where the reference has more runs, of which the others differ."""
    text = FILE.replace(f"  - {TINY}\n", f"  - {{arch: {TINY}, seeds: 5}}\n", 1)
    study, _ = study_in(tmp_path, text)
    base = [84.1, 84.9, 84.3, 84.0, 84.6]
    for row, twins in ((base[:3], True), ([84.0, 84.6, 84.3], True), ([84.9, 84.3, 84.1], False)):
        scores = {**SCORES, TINY: base, SELF: row}
        found = _comparison(find(study, scored("fragment", scores) + scored("recall", RECALL), None), SELF)
        assert found.verdict.word is (Word.INCONCLUSIVE if twins else Word.NEGLIGIBLE)
        assert ("have the same score with seed" in found.contrast.doubt) == twins
        assert found.welch.doubt == found.contrast.doubt


def test_exploratory_models_get_no_word_of_equivalence_or_vital_loss(study: Study) -> None:
    scores = {**SCORES, DEFORM: [60.0, 60.5, 60.2], ALIBI: [84.0, 84.7, 84.4], "windowed": [90.0, 90.5, 90.9]}
    records = scored("fragment", {model: row for model, row in scores.items() if model != "windowed"})
    records += [
        record("fragment", "windowed", 1_000_000 * number, preset=TINY, bleu=bleu)
        for number, bleu in enumerate(scores["windowed"], start=1)
    ]
    findings = find(study, records + scored("recall", RECALL), None)
    words = {model: _comparison(findings, model).verdict.word for model in (DEFORM, ALIBI, "windowed")}
    assert words == {DEFORM: Word.WORSE, ALIBI: Word.NO_CLAIM, "windowed": Word.BETTER}
    assert _comparison(findings, DEFORM).welch_verdict is None


def test_interactions_are_exploratory_unless_both_models_are_headline(tmp_path: Path, found: Findings) -> None:
    (each,) = _corpus(found).interactions
    assert (each.exploratory, each.holm) == (False, None)
    study, _ = study_in(tmp_path, FILE.replace(f"headline: [{SELF}, {CROSS}]", f"headline: [{SELF}]"))
    corpus = _corpus(find(study, scored("fragment", SCORES), None))
    (each,) = corpus.interactions
    assert each.exploratory
    p = {row.model: row.comparison.contrast.p_different for row in corpus.rows if row.comparison}
    wanted = holm({"interaction": each.contrast.p_different, **{model: p[model] for model in (CROSS, DEFORM, ALIBI)}})
    assert each.holm == pytest.approx(wanted["interaction"])
    assert corpus.family == 4
