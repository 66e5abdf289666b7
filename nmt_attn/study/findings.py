"""What a study has found: from its plan and its store to all that the report and the notebook show."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from nmt_attn.study.plan import Corpus, Study
from nmt_attn.study.reporting.comparisons import compared, control_passed, corpus_rows, with_texts
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
from nmt_attn.study.reporting.records import Record, Translations, planned_results
from nmt_attn.study.statistics import Cells

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
    twice, results of a corpus that differ in signature, data, test set, sentences or updates, and translations that
    have not one line a reference.
    """
    planned, unplanned, missing = planned_results(study, records)
    by_corpus = {
        corpus.name: [record for record in planned.values() if record["corpus"] == corpus.name]
        for corpus in study.corpora
    }
    rows = {corpus.name: corpus_rows(study, corpus, by_corpus[corpus.name]) for corpus in study.corpora}
    passed = _control_passed(study, rows)
    corpora = tuple(_corpus(study, corpus, rows[corpus.name], passed, Translations(folder)) for corpus in study.corpora)
    return Findings(study, _control(study, corpora), corpora, tuple(missing), tuple(unplanned))


def _cells(rows: Sequence[Row]) -> Cells | None:
    return Cells({row.model: list(row.scores.values()) for row in rows}) if rows else None


def _control_passed(study: Study, rows: Mapping[str, Sequence[Row]]) -> bool | None:
    """Whether a loss was seen where there is one, before anything is said of other comparisons; None: no control."""
    if study.control is None:
        return None
    there = rows[study.control.corpus]
    judged = compared(there, _cells(there), study.reference, study.margins, None)
    return control_passed(next((row for row in judged if row.model == study.control.model), None))


def _corpus(
    study: Study, corpus: Corpus, rows: Sequence[Row], control: bool | None, translations: Translations
) -> CorpusFindings:
    cells = _cells(rows)
    rows = with_texts(compared(rows, cells, study.reference, study.margins, control), study.reference, translations)
    first: Record = next(iter(rows[0].records.values())) if rows else {}
    codes = places(corpus, study.reference)
    return CorpusFindings(
        corpus=corpus,
        rows=tuple(rows),
        deviation=cells.deviation if cells else None,
        degrees=cells.degrees if cells else 0,
        unequal=cells.unequal_variances() if cells else None,
        interactions=interactions(cells, codes, study.reference) if cells else (),
        factorials=factorials(cells, codes) if cells else (),
        first=first,
    )


def _control(study: Study, corpora: Sequence[CorpusFindings]) -> ControlFinding | None:
    if study.control is None:
        return None
    there = next(corpus for corpus in corpora if corpus.name == study.control.corpus)
    row = there.row(study.control.model)
    return ControlFinding(there.name, study.control.model, row.comparison if row else None)
