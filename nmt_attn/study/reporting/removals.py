"""Used and needed: what the trained reference loses without a term, beside what models trained without it lose.

``nmt-attn knockouts`` writes the losses of each run into knockouts.jsonl in the study's folder, a line a run:
{"corpus", "model", "seed", "bleu", "losses": [{"sites", "term", "replacement", "loss", ...}, ...], "made_with", ...}.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import sqrt
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

from nmt_attn.spec import SpecError
from nmt_attn.study.plan import Corpus
from nmt_attn.study.reporting.blocks import Block, Heading, Paragraph, Table
from nmt_attn.study.reporting.factorials import FULL, places
from nmt_attn.study.reporting.facts import Comparison, Findings, Row, known_interval
from nmt_attn.study.reporting.phrases import difference_with_interval
from nmt_attn.study.statistics import TERMS, Contrast
from nmt_attn.study.store import read_json_lines

KNOCKOUTS = "knockouts.jsonl"
SITES = ("self", "cross")
ROUNDING = 0.01  # BLEU that a machine of other rounding may find for the same translations


@dataclass(frozen=True)
class Removal:
    """A term at some sites of the reference. zero, mean: what its runs lose without it, by how it was replaced.

    model, retrained: the model trained without it and how it compares; None where there is none.
    """

    sites: str
    term: str
    runs: int
    zero: Contrast
    mean: Contrast
    model: str | None
    retrained: Comparison | None


def read_knockouts(folder: Path | None) -> list[dict[str, Any]]:
    """The lines of a study's folder, none without a file. Raises SpecError for a line that is not as above."""
    found = read_json_lines(folder / KNOCKOUTS) if folder else []
    for number, line in enumerate(found, start=1):
        if missing := [name for name in ("corpus", "model", "seed", "bleu", "losses") if name not in line]:
            raise SpecError(f"{KNOCKOUTS} must say {missing[0]} in each line, but line {number} does not: remove it")
    return found


def all_removals(findings: Findings) -> dict[str, tuple[Removal, ...]]:
    """Those of each corpus. Raises SpecError as removals."""
    reference = findings.study.reference
    return {each.name: removals(findings.knockouts, each.corpus, reference, each.rows) for each in findings.corpora}


def removals(
    lines: Iterable[Mapping[str, Any]], corpus: Corpus, reference: str, rows: Sequence[Row]
) -> tuple[Removal, ...]:
    """All of a corpus. Raises SpecError for losses of a run that the store does not have, or has another BLEU of."""
    by_model = {row.model: row for row in rows}
    runs = {line["seed"]: line for line in lines if (line["corpus"], line["model"]) == (corpus.name, reference)}
    for seed, line in runs.items():
        known = by_model[reference].scores.get(seed) if reference in by_model else None
        if known is None or abs(known - line["bleu"]) > ROUNDING:
            raise SpecError(
                f"{KNOCKOUTS} must be of the runs of the store, but {corpus.name}/{reference}.{seed} has BLEU "
                f"{line['bleu']} there and {known} in the store: remove the line and do it again"
            )
    codes = places(corpus, reference)
    found = []
    for sites in SITES:
        for position, term in enumerate(TERMS):
            zero, mean = (_losses(runs.values(), sites, term, kind) for kind in ("zero", "mean"))
            if zero and mean:
                code = FULL[:position] + "0" + FULL[position + 1 :]
                row = by_model.get(codes[sites].get(code, ""))
                name, compared = (row.model, row.comparison) if row else (None, None)
                found.append(Removal(sites, term, len(zero), _contrast(zero), _contrast(mean), name, compared))
    return tuple(found)


def _losses(runs: Iterable[Mapping[str, Any]], sites: str, term: str, replacement: str) -> list[float]:
    wanted = (sites, term, replacement)
    losses = [each for run in runs for each in run["losses"]]
    return [each["loss"] for each in losses if (each["sites"], each["term"], each["replacement"]) == wanted]


def _contrast(losses: Sequence[float]) -> Contrast:
    """The mean over runs; each run is compared with itself."""
    error = stdev(losses) / sqrt(len(losses)) if len(losses) > 1 else float("inf")
    return Contrast(fmean(losses), error, max(len(losses) - 1, 1))


def answer(contrast: Contrast, runs: tuple[int, int], margin: float) -> str:
    """Whether a loss is larger than the margin: yes where its one-sided 95 % lower bound is above, no where the upper
    one is below, else open.
    """
    interval = known_interval(contrast, runs)
    if interval is None:
        return "open"
    return "yes" if interval[0] > margin else "no" if interval[1] < margin else "open"


def used(each: Removal, margin: float) -> str:
    """Does the trained model lose by it? By the replacement that does not depend on the parametrisation, mean."""
    return answer(each.mean, (each.runs, each.runs), margin)


def needed(each: Removal, margin: float) -> str:
    """Does a model that was trained without it lose? "" where there is none."""
    found = each.retrained
    return "" if found is None else answer(found.contrast, found.runs, margin)


def removal_section(by_corpus: Mapping[str, Sequence[Removal]], margin: float) -> Iterator[Block]:
    """A table a corpus that has any."""
    if not any(by_corpus.values()):
        return
    yield Heading(2, "Used and needed")
    yield Paragraph(
        "Knocked out: BLEU that the trained reference loses when a term is taken out of it at all layers, in "
        "self-attention or in cross attention; zero: the term as trained becomes 0; mean: the same after the mean of "
        "the queries was moved to the terms without query, so that it does not depend on how training split a constant "
        "between the terms. Retrained: D of the model that was trained without the term. Used: knocked out (mean) it "
        f"loses more than {margin:g} BLEU; needed: retrained it loses more than {margin:g}; by one-sided 95 % bounds, "
        "each at its own 5 %, uncorrected. What is used and not needed others can stand in for, if trained to."
    )
    for corpus, found in by_corpus.items():
        if found:
            yield _table(corpus, found, margin)


def _table(corpus: str, found: Sequence[Removal], margin: float) -> Table:
    columns = ("sites", "term", "knocked out, zero", "knocked out, mean", "retrained", "used", "needed")
    rows = []
    for each in found:
        losses = [_with_interval(contrast, (each.runs, each.runs)) for contrast in (each.zero, each.mean)]
        compared = each.retrained
        retrained = _with_interval(compared.contrast, compared.runs) if compared else ""
        rows.append([each.sites, each.term, *losses, retrained, used(each, margin), needed(each, margin)])
    runs = found[0].runs
    intervals = f"with 90 % intervals over {runs} runs of the reference" if runs > 1 else "one run of the reference"
    note = f"{corpus}: BLEU lost, {intervals}."
    return Table(columns, rows, note, (2, 3, 4))


def _with_interval(contrast: Contrast, runs: tuple[int, int]) -> str:
    return difference_with_interval(contrast.difference, known_interval(contrast, runs))


def removal_fields(by_corpus: Mapping[str, Sequence[Removal]], margin: float) -> dict[str, Any]:
    """For programs: all removals under one name; no name where there are none."""
    fields = [_fields(corpus, each, margin) for corpus, found in by_corpus.items() for each in found]
    return {"removals": fields} if fields else {}


def _fields(corpus: str, each: Removal, margin: float) -> dict[str, Any]:
    runs = (each.runs, each.runs)
    return {
        "corpus": corpus,
        "sites": each.sites,
        "term": each.term,
        "runs": each.runs,
        "zero": each.zero.difference,
        "zero_interval": known_interval(each.zero, runs),
        "mean": each.mean.difference,
        "mean_interval": known_interval(each.mean, runs),
        "retrained_model": each.model,
        "used": used(each, margin),
        "needed": needed(each, margin),
    }
