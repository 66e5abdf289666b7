"""Expectations, which were written before the runs, against what the runs say."""

from collections import Counter
from collections.abc import Iterator, Sequence

from nmt_attn.study.expectations import LEARNT, Expectation
from nmt_attn.study.plan import Corpus, Study
from nmt_attn.study.reporting.facts import Comparison, Row, known_interval
from nmt_attn.study.reporting.outcomes import ExpectationFinding, Outcome
from nmt_attn.study.reporting.phrases import points
from nmt_attn.study.verdicts import decimals

ENDS = {0.0, 100.0}  # of the scale of BLEU: runs that are all there are equal without being one run


def judged(study: Study, corpus: Corpus, rows: Sequence[Row]) -> tuple[ExpectationFinding, ...]:
    """All expectations of a corpus, in the order of the study's file; rows: compared with the reference."""
    by_model = {row.model: row for row in rows}
    base = by_model.get(study.reference)
    return tuple(_judged(study, corpus.name, each, base, by_model.get(each.model)) for each in corpus.expectations)


def _judged(study: Study, corpus: str, each: Expectation, base: Row | None, row: Row | None) -> ExpectationFinding:
    found = row.comparison if row else None
    interval = known_interval(found.welch, found.runs) if found else None
    at_ends = bool(base and row and found and _all_at_ends(base, row, found))
    problems = list(_problems(study.reference, base, row, found, at_ends or interval is not None))
    outcome, reason = Outcome.OPEN, "; ".join(problems)
    if not problems and base and row and found:
        if interval:
            outcome, reason = _outcome(each.can, interval, study.margins.task, _doubt(base, row, found))
        else:
            outcome, reason = _outcome_at_ends(each.can, found.welch.difference, study.margins.task)
    return ExpectationFinding(
        corpus=corpus,
        expectation=each,
        difference=found.welch.difference if found else None,
        interval=interval,
        exact_match=(base.exact_match if base else None, row.exact_match if row else None),
        outcome=outcome,
        reason=reason,
    )


def _all_at_ends(base: Row, row: Row, found: Comparison) -> bool:
    """Whether every run of both is at an end of the scale: then nothing varies, and there is no interval."""
    return found.welch.standard_error == 0 and min(found.runs) > 1 and {*_scores(base, row)} <= ENDS


def _scores(base: Row, row: Row) -> list[float]:
    return [*base.scores.values(), *row.scores.values()]


def _problems(
    reference: str, base: Row | None, row: Row | None, found: Comparison | None, is_judged: bool
) -> Iterator[str]:
    """Why nothing can be said, if anything keeps it open but the interval. is_judged: by that, or without one."""
    if base is None:
        yield f"no run of {reference}, the reference, is finished"
    elif (learnt := _learnt(base)) is not None:
        yield f"the reference did not learn the task ({learnt})"
    if row is None:
        yield "no run is finished"
    if found is None:
        return
    if found.provisional:
        yield f"runs are missing: {found.provisional}"
    if min(found.runs) < 2:
        yield "single run, no inference"
    elif not is_judged:
        yield "the runs do not differ at all: their spread over seeds is not known"


def _learnt(base: Row) -> str | None:
    """What the reference falls short of; None where it has learnt the task."""
    if base.mean >= LEARNT:
        return None
    return f"BLEU {base.mean:.{decimals(base.mean, [LEARNT])}f}, below {LEARNT:g}"


def _outcome(can: bool, interval: tuple[float, float], margin: float, doubt: str) -> tuple[Outcome, str]:
    """*Can* is seen where the upper bound lies below the margin, *cannot* where the lower one lies above it."""
    low, high = interval
    if low > margin:
        return _as_expected(not can), f"lower 95 % bound {_shown(low, margin)} above {margin:g}"
    if high >= margin:
        return Outcome.OPEN, f"{margin:g} is inside the 90 % interval"
    told = f"upper 95 % bound {_shown(high, margin)} below {margin:g}"
    return (Outcome.OPEN, f"{told}, but {doubt}") if doubt else (_as_expected(can), told)


def _outcome_at_ends(can: bool, difference: float, margin: float) -> tuple[Outcome, str]:
    """D itself, where nothing varies: what the runs showed, though no bound of what others would."""
    lost = difference > margin
    told = f"all runs at 0 or 100 BLEU, D {points(difference)} {'above' if lost else 'not above'} {margin:g}"
    return _as_expected(can is not lost), told


def _as_expected(agrees: bool) -> Outcome:
    return Outcome.CONFIRMED if agrees else Outcome.CONTRADICTED


def _shown(value: float, margin: float) -> str:
    return f"{value:+.{decimals(value, [margin])}f}"


def _doubt(base: Row, row: Row, found: Comparison) -> str:
    """Why the two models look like one, but for scores at an end of the scale, which runs of two models may share."""
    repeated = {score for score, count in Counter(_scores(base, row)).items() if count > 1}
    return found.welch.doubt if repeated - ENDS else ""
