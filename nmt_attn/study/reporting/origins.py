"""How the results came about, and what is missing of them: the end of a report."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from nmt_attn.study.reporting.blocks import Block, Heading, Items, Listing, Paragraph, Table
from nmt_attn.study.reporting.facts import CorpusFindings, Findings
from nmt_attn.study.reporting.records import settings_of
from nmt_attn.study.reporting.summary import progress
from nmt_attn.study.store import result_name

IDENTITY = {"SEED", "arch", "flags"}


def origins(findings: Findings, study_text: str) -> Iterator[Block]:
    """Missing and unplanned runs, settings, versions and machines, the file of the study."""
    yield Heading(2, "What is missing")
    yield Paragraph(progress(findings))
    if findings.missing:
        yield Items([Paragraph(f"{where}: {', '.join(runs)}") for where, runs in _missing(findings).items()])
        yield Paragraph(
            "Missing runs may change the pooled variance, and so all intervals and Holm's p, of their corpus."
        )
    if findings.unplanned:
        names = ", ".join(findings.unplanned)
        yield Paragraph(f"In the store, but not in the study's file, and so in no number here: {names}.")
    yield Heading(2, "How it was made")
    for corpus in findings.corpora:
        yield Heading(3, f"Corpus {corpus.name}")
        yield from _made(corpus)
    yield Heading(2, "The study's file")
    yield Listing(study_text)


def _missing(findings: Findings) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for run in findings.missing:
        found.setdefault(f"{run.corpus.name}, {run.model.name}", []).append(str(run.seed))
    return found


def _made(corpus: CorpusFindings) -> Iterator[Block]:
    records = [record for row in corpus.rows for record in row.records.values()]
    yield Paragraph(f"Recipe: {corpus.corpus.recipe.name}.")
    if not records:
        return
    settings = common_settings(records)
    if settings:
        yield Paragraph(" ".join(f"{name}={value}" for name, value in settings.items()), "Settings of all runs:")
    if differing := differing_settings(records):
        cells = [[result_name(record), *_values(record, differing)] for record in records]
        yield Table(("run", *differing), cells, "Settings in which the runs differ.")
    models = {model.name: model for line in corpus.corpus.lines for model in line}
    flagged = [
        f"{row.model} ({models[row.model].arch} {' '.join(models[row.model].flags)})"
        for row in corpus.rows
        if models[row.model].flags
    ]
    if flagged:
        yield Paragraph(", ".join(flagged), "Models with flags:")
    first = corpus.first
    yield Paragraph(f"data {first['data_sha256']}, test set {first['test_sha256']}", "SHA-256:")
    commits = ", ".join(sorted({str(record["code_version"]) for record in records if record.get("code_version")}))
    scorers = ", ".join(sorted({str(record["scorer"]) for record in records}))
    yield Paragraph(f"{scorers}; version of this code: {commits}", "Scored with:")
    yield from _machines(records)


def common_settings(records: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Variables of the recipe with the same value in all runs."""
    first = settings_of(records[0])
    return {
        name: str(value)
        for name, value in sorted(first.items())
        if all(settings_of(record).get(name) == value for record in records)
    }


def differing_settings(records: Sequence[Mapping[str, Any]]) -> list[str]:
    """Variables of the recipe that have not the same value in all runs, but for those that make a run what it is."""
    every = {name for record in records for name in settings_of(record)} - IDENTITY
    return sorted(name for name in every if len({settings_of(record).get(name) for record in records}) > 1)


def _values(record: Mapping[str, Any], names: Sequence[str]) -> list[str]:
    return [str(settings_of(record).get(name, "not known")) for name in names]


def _machines(records: Sequence[Mapping[str, Any]]) -> Iterator[Block]:
    counts: Counter[tuple[str, ...]] = Counter()
    fields: list[str] = []
    for record in records:
        for environment in record.get("trained_with") or []:
            fields += [name for name in environment if name not in fields]
    for record in records:
        for environment in record.get("trained_with") or []:
            counts[tuple(str(environment.get(name, "")) for name in fields)] += 1
    if counts:
        columns = [name.replace("_", " ") for name in fields]
        yield Table(
            [*columns, "runs"],
            [[*values, str(number)] for values, number in sorted(counts.items())],
            "Trained with. Speeds of different machines or threads cannot be compared.",
            (len(fields),),
        )
