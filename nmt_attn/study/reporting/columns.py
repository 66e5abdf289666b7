"""Columns of tables that only some results have: exact matches, and scores on further test sets."""

from collections.abc import Mapping
from typing import Any

from nmt_attn.study.reporting.facts import CorpusFindings, Row
from nmt_attn.study.reporting.further import FurtherScores, shown_name
from nmt_attn.study.reporting.phrases import percent, spread


def further_columns(corpus: CorpusFindings) -> list[str]:
    """Their heads in the main table of a corpus; none where no result has them."""
    heads = ["exact match %"] if _has_exact_match(corpus) else []
    for test in _tests(corpus):
        heads += [f"BLEU on {shown_name(test)}", f"exact match % on {shown_name(test)}"]
    return heads


def further_cells(corpus: CorpusFindings, row: Row) -> list[str]:
    """The cells of a model under these heads."""
    cells = [percent(row.exact_match)] if _has_exact_match(corpus) else []
    for test in _tests(corpus):
        scores = row.further.get(test)
        cells += [spread(scores.bleu, scores.deviation), percent(scores.exact_match)] if scores else ["", ""]
    return cells


def further_note(corpus: CorpusFindings) -> str:
    """What these scores depend on."""
    return " ".join(
        f"{shown_name(test).capitalize()}: test set {test}, {scores.sentences:,} sentences, {scores.signature}."
        for test, scores in _tests(corpus).items()
    )


def run_columns(corpus: CorpusFindings) -> dict[str, str]:
    """The heads in the table of all runs, and the names of their values in :func:`run_values`."""
    found = {"exact match %": "exact_match"} if _has_exact_match(corpus) else {}
    for test in _tests(corpus):
        found |= {f"BLEU on {shown_name(test)}": f"bleu {test}"}
        found |= {f"exact match % on {shown_name(test)}": f"exact_match {test}"}
    return found


def run_values(record: Mapping[str, Any]) -> dict[str, Any]:
    """A result with the scores on further test sets beside those on the first."""
    more = record.get("more_tests") or {}
    scores = {f"{name} {test}": each.get(name) for test, each in more.items() for name in ("bleu", "exact_match")}
    return {**record, **scores}


def table_values(corpora: list[CorpusFindings], row: Row) -> dict[str, Any]:
    """For programs: the same names in all rows, None where a row has no value; nothing where no corpus has any."""
    values: dict[str, Any] = {}
    if any(_has_exact_match(corpus) for corpus in corpora):
        values["exact_match"] = row.exact_match
    for test in dict.fromkeys(test for corpus in corpora for test in _tests(corpus)):
        scores = row.further.get(test)
        values |= {
            f"bleu_{test}": scores.bleu if scores else None,
            f"bleu_sd_{test}": scores.deviation if scores else None,
            f"exact_match_{test}": scores.exact_match if scores else None,
            f"sentences_{test}": scores.sentences if scores else None,
            f"signature_{test}": scores.signature if scores else None,
        }
    return values


def _tests(corpus: CorpusFindings) -> dict[str, FurtherScores]:
    """The further test sets that any model has scores on, with those of the first one that has."""
    return {name: scores for row in reversed(corpus.rows) for name, scores in row.further.items()}


def _has_exact_match(corpus: CorpusFindings) -> bool:
    """Whether any model's results tell it: those of earlier versions do not."""
    return any(row.exact_match is not None for row in corpus.rows)
