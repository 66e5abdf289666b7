"""The rows of a corpus: means over runs, and each model against the reference."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from statistics import fmean, stdev

import numpy as np

from nmt_attn.study.plan import Corpus, Study
from nmt_attn.study.reporting.facts import Comparison, Role, Row
from nmt_attn.study.reporting.further import further_scores
from nmt_attn.study.reporting.phrases import model_label
from nmt_attn.study.reporting.records import Record, Translations
from nmt_attn.study.resampling import interval, paired_test, sentence_statistics, two_level_bootstrap
from nmt_attn.study.statistics import Cells
from nmt_attn.study.verdicts import exploratory_verdict, verdict

Texts = Mapping[str, Mapping[int, tuple[list[str], list[str]] | None]]  # of a model and seed: hypotheses, references


def corpus_rows(study: Study, corpus: Corpus, records: Sequence[Record]) -> list[Row]:
    """A row a model that has results, in the order of the plan, not yet compared."""
    by_model: dict[str, dict[int, Record]] = {name: {} for name in corpus.models}
    for record in records:
        by_model[record["model"]][record["seed"]] = record
    return [_row(study, corpus, model, runs) for model, runs in by_model.items() if runs]


def _row(study: Study, corpus: Corpus, model: str, records: Mapping[int, Record]) -> Row:
    first = next(iter(records.values()))
    scores = {seed: float(record["bleu"]) for seed, record in records.items()}
    return Row(
        model=model,
        label=model_label(model, study),
        role=role_of(study, corpus.name, model),
        encoder_self=first["encoder_self"],
        decoder_self=first["decoder_self"],
        cross=first["cross"],
        scores=scores,
        mean=fmean(scores.values()),
        deviation=stdev(scores.values()) if len(scores) > 1 else None,
        planned=sum((run.corpus.name, run.model.name) == (corpus.name, model) for run in study.runs()),
        chrf=_mean(records, "chrf"),
        exact_match=_mean(records, "exact_match"),
        further=further_scores(records.values()),
        parameters=first["parameters"],
        multiply_adds=first.get("multiply_adds"),
        training_seconds=_mean(records, "training_seconds"),
        translation_seconds=_mean(records, "translation_seconds"),
        records=records,
    )


def role_of(study: Study, corpus: str, model: str) -> Role:
    """The headline and the control were chosen before the runs; whatever is neither is exploratory."""
    if model == study.reference:
        return Role.REFERENCE
    if study.control is not None and (study.control.corpus, study.control.model) == (corpus, model):
        return Role.CONTROL
    return Role.HEADLINE if model in study.headline else Role.EXPLORATORY


def _mean(records: Mapping[int, Record], field: str) -> float | None:
    values = [record.get(field) for record in records.values()]
    known = [float(value) for value in values if value is not None]
    return fmean(known) if len(known) == len(values) else None


def compared(
    rows: Sequence[Row], cells: Cells | None, study: Study, control: bool | None, texts: Texts | None = None
) -> list[Row]:
    """The rows with their comparisons; as they were where the reference has no run. Exploratory ones: no claim yet."""
    base = next((row for row in rows if row.model == study.reference), None)
    if base is None or cells is None:
        return list(rows)
    found = {
        row.model: _compare(base, row, cells, study, control, _twins(base, row, texts or {}))
        for row in rows
        if row is not base
    }
    return [replace(row, comparison=found.get(row.model)) for row in rows]


def _compare(base: Row, row: Row, cells: Cells, study: Study, control: bool | None, twins: str) -> Comparison:
    runs, planned = (base.runs, row.runs), (base.planned, row.planned)
    pooled = row.model in cells.pool
    welch = cells.welch(base.model, row.model)
    contrast = cells.difference(base.model, row.model) if pooled else welch
    contrast, welch = (replace(each, doubt=each.doubt or twins) for each in (contrast, welch))
    absent = sum(planned) - sum(runs)
    open_ended = row.role is Role.EXPLORATORY
    told, welch_told = (verdict(each, runs, study.margins, control, absent) for each in (contrast, welch))
    return Comparison(
        runs=runs,
        planned=planned,
        pooled=pooled,
        contrast=contrast,
        welch=welch,
        verdict=exploratory_verdict(contrast, runs, None) if open_ended else told,
        welch_verdict=None if open_ended else welch_told,
        differences={seed: base.scores[seed] - score for seed, score in row.scores.items() if seed in base.scores},
    )


def _twins(base: Row, row: Row, texts: Texts) -> str:
    """Why two models look like one: an equal score for the same seed, or equal translations of any two runs."""
    for seed, score in row.scores.items():
        if base.scores.get(seed) == score:
            return f"{base.model} and {row.model} have the same score with seed {seed}"
    for first, known in texts.get(base.model, {}).items():
        for second, other in texts.get(row.model, {}).items():
            if known and other and known[0] == other[0]:
                return f"{base.model} with seed {first} and {row.model} with seed {second} have the same translations"
    return ""


def texts_of(rows: Sequence[Row], translations: Translations) -> Texts:
    """Translations of all runs, where they are known."""
    return {row.model: {seed: translations.pair(record) for seed, record in row.records.items()} for row in rows}


def with_texts(rows: Sequence[Row], reference: str, texts: Texts) -> list[Row]:
    """The rows with what only the translations tell: percentiles over seeds and sentences, paired tests."""
    counts: dict[str, list[np.ndarray]] = {}
    lowercase = any("case:lc" in record["signature"] for row in rows for record in row.records.values())
    for model, pairs in texts.items():
        if all(pairs.values()):
            counts[model] = [sentence_statistics(*pair, lowercase) for pair in pairs.values() if pair]
    found = []
    for row in rows:
        if row.comparison and reference in counts and row.model in counts:
            whole = min(row.comparison.runs) > 1
            values = two_level_bootstrap(counts[reference], counts[row.model]) if whole else None
            paired = {
                seed: paired_test(base[0], mine[0], mine[1], lowercase)
                for seed in row.comparison.differences
                if (base := texts[reference][seed]) and (mine := texts[row.model][seed])
            }
            bootstrap = interval(values, 0.90) if values is not None else None
            row = replace(row, comparison=replace(row.comparison, bootstrap=bootstrap, paired=paired))
        found.append(row)
    return found
