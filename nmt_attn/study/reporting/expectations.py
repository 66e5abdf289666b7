"""What a report says of expectations: the table of all of them, and before it, in bold, those that are contradicted."""

from collections.abc import Iterator
from typing import Any

from nmt_attn.study.expectations import LEARNT
from nmt_attn.study.reporting.blocks import Block, Heading, Paragraph, Table
from nmt_attn.study.reporting.facts import Findings
from nmt_attn.study.reporting.outcomes import ExpectationFinding, Outcome
from nmt_attn.study.reporting.phrases import amount, basis, difference_with_interval, percent

COLUMNS = ("corpus", "model", "expected", "D, 90 % interval", "exact match %, reference → model", "outcome", "because")
MOODS = {Outcome.CONFIRMED: "passed", Outcome.CONTRADICTED: "failed", Outcome.OPEN: "open"}


def expectation_entries(findings: Findings) -> Iterator[Paragraph]:
    """How many there are and how they came out, and a line for each that is contradicted."""
    found = findings.expectations
    if not found:
        return
    counts = [(outcome, sum(each.outcome is outcome for each in found)) for outcome in Outcome]
    told = ", ".join(f"{count} {outcome.value}" for outcome, count in counts)
    worst = next((outcome for outcome in (Outcome.CONTRADICTED, Outcome.OPEN) if dict(counts)[outcome]), None)
    mood = MOODS[worst or Outcome.CONFIRMED]
    yield Paragraph(f"{amount(len(found), 'expectation', 'expectations')}: {told}.", "expectations", mood)
    for each in found:
        if each.outcome is Outcome.CONTRADICTED:
            text = f"{each.corpus}, {each.expectation.model}: expected that it {expected_text(each)}, because "
            text += f"{each.expectation.because.rstrip('.')}; but D = {_difference(each)}, {each.reason}."
            yield Paragraph(text, "expectation contradicted", MOODS[each.outcome])


def expectation_section(findings: Findings) -> Iterator[Block]:
    """The table of all expectations, and how they are judged; nothing of a study without any."""
    found = findings.expectations
    if not found:
        return
    margin = findings.study.margins.task
    yield Heading(2, "Expectations")
    yield Paragraph(
        "From the study's file; that they stood there before the runs, only its history shows. Can: the model loses "
        f"less than {margin:g} BLEU against the reference on that corpus. D with Welch's interval, of the variances of "
        "the two models alone: runs that have learnt a task hardly vary, others vary a lot. As expected: a one-sided "
        f"95 % bound of D (an end of the 90 % interval) lies on the side of {margin:g} that was expected; contradicted "
        "if one lies on the other side; open: else, and while runs are missing. Where every run of both is at an end "
        "of the scale (0 or 100 BLEU) nothing varies, and D itself is compared: that a few runs are perfect does not "
        "say that all would be. The reference must have learnt the "
        f"task: BLEU of at least {LEARNT:g} in the mean over its runs. Each expectation is judged by itself "
        "at its own 5 %, as the headline is, and not corrected for their number: Holm's correction, "
        "for what is exploratory, does not count them."
    )
    rows = [
        [
            each.corpus,
            each.expectation.model,
            expected_text(each),
            _difference(each),
            _exact(each),
            f"{each.outcome.value}: {each.reason}",
            each.expectation.because,
        ]
        for each in found
    ]
    yield Table(COLUMNS, rows, _bases(findings), (), (COLUMNS.index("outcome"), COLUMNS.index("because")))


def expected_text(each: ExpectationFinding) -> str:
    return "can" if each.expectation.can else "cannot"


def _difference(each: ExpectationFinding) -> str:
    return "" if each.difference is None else difference_with_interval(each.difference, each.interval)


def _exact(each: ExpectationFinding) -> str:
    return "" if each.exact_match == (None, None) else " → ".join(percent(value) or "?" for value in each.exact_match)


def _bases(findings: Findings) -> str:
    """What BLEU depends on, once for all corpora of which it is the same."""
    corpora: dict[str, list[str]] = {}
    for corpus in findings.corpora:
        if corpus.expectations and corpus.rows:
            corpora.setdefault(basis(corpus), []).append(corpus.name)
    if len(corpora) == 1:
        return next(iter(corpora))
    return " ".join(f"{', '.join(names)}: {told}" for told, names in corpora.items())


def expectation_fields(findings: Findings) -> dict[str, Any]:
    """For programs: all expectations under one name; no name where there are none."""
    if not findings.expectations:
        return {}
    return {"learnt": LEARNT, "expectations": [_fields(each) for each in findings.expectations]}


def _fields(each: ExpectationFinding) -> dict[str, Any]:
    return {
        "corpus": each.corpus,
        "model": each.expectation.model,
        "expected": expected_text(each),
        "because": each.expectation.because,
        "difference": each.difference,
        "interval": each.interval,
        "exact_match_reference": each.exact_match[0],
        "exact_match": each.exact_match[1],
        "outcome": each.outcome.value,
        "reason": each.reason,
    }


def table_values(findings: Findings, corpus: str, model: str) -> dict[str, Any]:
    """For programs: what was expected of a model on a corpus and how it came out; nothing in a study without any."""
    if not findings.expectations:
        return {}
    own = (each for each in findings.expectations if (each.corpus, each.expectation.model) == (corpus, model))
    found = next(own, None)
    return {
        "expected": expected_text(found) if found else None,
        "outcome": found.outcome.value if found else None,
        "outcome_reason": found.reason if found else None,
    }
