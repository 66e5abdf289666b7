"""What a study has found: from its plan and its store to all that the report and the notebook show."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from nmt_attn.study.plan import Corpus, Study
from nmt_attn.study.reporting.comparisons import compared, corpus_rows, texts_of, with_texts
from nmt_attn.study.reporting.expected import judged
from nmt_attn.study.reporting.factorials import factorials, interactions, places
from nmt_attn.study.reporting.facts import (
    Comparison,
    ControlFinding,
    CorpusFindings,
    Factorial,
    Findings,
    Interaction,
    Role,
    Row,
)
from nmt_attn.study.reporting.families import corrected
from nmt_attn.study.reporting.records import Record, Translations, planned_results
from nmt_attn.study.reporting.removals import read_knockouts
from nmt_attn.study.statistics import Cells, varying

__all__ = [
    "Comparison",
    "ControlFinding",
    "CorpusFindings",
    "Factorial",
    "Findings",
    "Interaction",
    "Role",
    "Row",
    "find",
]


def find(study: Study, records: Sequence[Mapping[str, Any]], folder: Path | None) -> Findings:
    """All that a study says. records: its store; folder: that of the store, for the translations (None: no texts).

    Results that the plan does not name count for nothing but their mention. Raises SpecError for a run that is in
    twice, results of a corpus that differ in signature, data, test set, sentences, updates or settings of the training,
    and translations that have not one line a reference.
    """
    planned, unplanned, missing = planned_results(study, records)
    by_corpus = {
        corpus.name: [record for record in planned.values() if record["corpus"] == corpus.name]
        for corpus in study.corpora
    }
    rows = {corpus.name: corpus_rows(study, corpus, by_corpus[corpus.name]) for corpus in study.corpora}
    passed = _control_passed(study, rows)
    corpora = tuple(_corpus(study, corpus, rows[corpus.name], passed, Translations(folder)) for corpus in study.corpora)
    control = _control(study, {corpus.name: corpus.rows for corpus in corpora})
    return Findings(study, control, corpora, tuple(missing), tuple(unplanned), tuple(read_knockouts(folder)))


def _cells(rows: Sequence[Row], reference: str) -> Cells | None:
    scores = {row.model: list(row.scores.values()) for row in rows}
    return Cells(scores, varying(scores, reference)) if scores else None


def _control_passed(study: Study, rows: Mapping[str, Sequence[Row]]) -> bool | None:
    """Whether a loss was seen where there is one, before anything is said of other comparisons; None: no control."""
    judged = {name: compared(own, _cells(own, study.reference), study, None) for name, own in rows.items()}
    control = _control(study, judged)
    return None if control is None else control.passed


def _control(study: Study, rows: Mapping[str, Sequence[Row]]) -> ControlFinding | None:
    if study.control is None:
        return None
    corpus, model = study.control.corpus, study.control.model
    row = next((row for row in rows[corpus] if row.model == model), None)
    return ControlFinding(corpus, model, row.comparison if row else None)


def _corpus(
    study: Study, corpus: Corpus, rows: Sequence[Row], control: bool | None, translations: Translations
) -> CorpusFindings:
    cells = _cells(rows, study.reference)
    texts = texts_of(rows, translations)
    rows = with_texts(compared(rows, cells, study, control, texts), study.reference, texts)
    first: Record = next(iter(rows[0].records.values())) if rows else {}
    codes = places(corpus, study.reference)
    rows, crossed, whole, family = corrected(
        rows,
        interactions(cells, codes, study.reference, study.headline) if cells else (),
        factorials(cells, codes) if cells else (),
    )
    return CorpusFindings(
        corpus=corpus,
        rows=tuple(rows),
        pool=tuple(cells.pool) if cells else (),
        deviation=cells.deviation if cells else None,
        degrees=cells.degrees if cells else 0,
        unequal=cells.unequal_variances() if cells else None,
        interactions=crossed,
        factorials=whole,
        family=family,
        first=first,
        expectations=judged(study, corpus, rows),
    )
