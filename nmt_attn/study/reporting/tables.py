"""The findings for programs: a row a corpus and model, and all of them as one JSON object."""

import csv
import io
import json
from collections.abc import Mapping, Sequence
from math import isfinite
from typing import Any

from nmt_attn.study.reporting import columns, expectations, removals
from nmt_attn.study.reporting.facts import CorpusFindings, Factorial, Findings, Interaction, Row, known_interval
from nmt_attn.study.statistics import Contrast


def table_rows(findings: Findings) -> list[dict[str, Any]]:
    """A row a corpus and model with numbers as they are, None where there is none; for pandas.DataFrame or a file."""
    corpora = list(findings.corpora)
    return [
        _row(corpus, row)
        | columns.table_values(corpora, row)
        | expectations.table_values(findings, corpus.name, row.model)
        for corpus in corpora
        for row in corpus.rows
    ]


def _row(corpus: CorpusFindings, row: Row) -> dict[str, Any]:
    found = row.comparison
    low, high = (found.interval if found else None) or (None, None)
    welch_low, welch_high = (known_interval(found.welch, found.runs) if found else None) or (None, None)
    boot_low, boot_high = (found.bootstrap if found else None) or (None, None)
    return {
        "corpus": corpus.name,
        "model": row.model,
        "role": row.role.value,
        "encoder_self": row.encoder_self,
        "decoder_self": row.decoder_self,
        "cross": row.cross,
        "runs": row.runs,
        "planned_runs": row.planned,
        "bleu": row.mean,
        "bleu_sd": row.deviation,
        "chrf": row.chrf,
        "difference": found.contrast.difference if found else None,
        "low": low,
        "high": high,
        "variance": ("pooled" if found.pooled else "welch") if found else None,
        "verdict": found.verdict.word.value if found else None,
        "provisional": (found.provisional or None) if found else None,
        "welch_low": welch_low,
        "welch_high": welch_high,
        "welch_verdict": found.welch_verdict.word.value if found and found.welch_verdict else None,
        "bootstrap_percentile_5": boot_low,
        "bootstrap_percentile_95": boot_high,
        "p_different": found.contrast.p_different if found and low is not None else None,
        "p_holm": found.holm if found else None,
        "parameters": row.parameters,
        "multiply_adds": row.multiply_adds,
        "training_seconds": row.training_seconds,
        "translation_seconds": row.translation_seconds,
        "signature": corpus.first["signature"],
        "sentences": corpus.first["sentences"],
        "updates": corpus.first["updates"],
    }


def csv_text(rows: Sequence[Mapping[str, Any]]) -> str:
    """The rows as a CSV file; of no rows the first two names, so that it can be read."""
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, list(rows[0]) if rows else ["corpus", "model"], lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return buffer.getvalue()


def json_text(findings: Findings) -> str:
    """Everything that was found, without the records of the runs."""
    study, control = findings.study, findings.control
    return (
        json.dumps(
            {
                "study": study.name,
                "question": study.question,
                "reference": study.reference,
                "headline": list(study.headline),
                "margins": _margins(findings),
                "sign": "difference = reference minus model: positive where the model is worse",
                "control": control and {"corpus": control.corpus, "model": control.model, "passed": control.passed},
                **expectations.expectation_fields(findings),
                "corpora": {corpus.name: _corpus(corpus) for corpus in findings.corpora},
                "models": [{**row, **more} for row, more in zip(table_rows(findings), _runs(findings), strict=True)],
                **removals.removal_fields(removals.all_removals(findings), study.margins.vital),
                "missing": [run.name for run in findings.missing],
                "unplanned": list(findings.unplanned),
            },
            indent=1,
            ensure_ascii=False,
            allow_nan=False,
        )
        + "\n"
    )


def _margins(findings: Findings) -> dict[str, float]:
    """In BLEU points; that of expectations only where there are some."""
    margins = vars(findings.study.margins)
    return {name: value for name, value in margins.items() if name != "task" or findings.expectations}


def _runs(findings: Findings) -> list[dict[str, Any]]:
    found = []
    for corpus in findings.corpora:
        for row in corpus.rows:
            scores = {str(seed): score for seed, score in row.scores.items()}
            more: dict[str, Any] = {"scores": scores}
            if row.comparison:
                more["reason"] = row.comparison.verdict.reason
                more["p_paired"] = {str(seed): p for seed, p in (row.comparison.paired or {}).items()}
            found.append(more)
    return found


def _corpus(corpus: CorpusFindings) -> dict[str, Any]:
    return {
        "pooled_sd": corpus.deviation,
        "pooled_models": corpus.pooled,
        "degrees_of_freedom": corpus.degrees,
        "p_equal_variances": corpus.unequal,
        "interactions": [_interaction(each) for each in corpus.interactions],
        "main_effects": {each.place: _effects(each) for each in corpus.factorials if each.effects},
    }


def _interaction(each: Interaction) -> dict[str, Any]:
    names = {"code": each.code, "self": each.self_model, "cross": each.cross_model}
    more = {"exploratory": each.exploratory, "p_holm": each.holm}
    return {**names, **_contrast(each.contrast, each.interval), **more}


def _effects(each: Factorial) -> dict[str, Any]:
    assert each.effects is not None
    return {
        term: {**_contrast(contrast, known_interval(contrast, (2, 2))), "p_holm": each.holm.get(term)}
        for term, contrast in each.effects.items()
    }


def _contrast(contrast: Contrast, interval: tuple[float, float] | None) -> dict[str, Any]:
    error = contrast.standard_error if isfinite(contrast.standard_error) else None
    return {
        "difference": contrast.difference,
        "standard_error": error,
        "degrees_of_freedom": contrast.degrees,
        "interval": interval,
    }
