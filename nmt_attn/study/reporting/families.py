"""Holm's correction over all of a corpus that was not chosen before the runs, and what is left to say of it."""

from collections.abc import Sequence
from dataclasses import replace

from nmt_attn.study.reporting.facts import Factorial, Interaction, Role, Row, known_interval
from nmt_attn.study.statistics import holm
from nmt_attn.study.verdicts import exploratory_verdict

Corrected = tuple[list[Row], tuple[Interaction, ...], tuple[Factorial, ...], int]


def corrected(rows: Sequence[Row], interactions: Sequence[Interaction], factorials: Sequence[Factorial]) -> Corrected:
    """All three with p-values adjusted as one family, exploratory models with their verdicts; the family's size.

    The family: differences of exploratory models, interactions that are exploratory, main effects.
    """
    models = {
        row.model: row.comparison.contrast.p_different
        for row in rows
        if row.role is Role.EXPLORATORY and row.comparison and row.comparison.interval
    }
    codes = {each.code: each.contrast.p_different for each in interactions if each.exploratory and each.interval}
    effects = {
        f"{each.place} {term}": contrast.p_different
        for each in factorials
        for term, contrast in (each.effects or {}).items()
        if known_interval(contrast, (2, 2))
    }
    kinds = {"model": models, "code": codes, "effect": effects}
    adjusted = holm({f"{kind} {name}": p for kind, family in kinds.items() for name, p in family.items()})
    return (
        [_row(row, adjusted.get(f"model {row.model}")) for row in rows],
        tuple(replace(each, holm=adjusted.get(f"code {each.code}")) for each in interactions),
        tuple(
            replace(
                each,
                holm={
                    term: adjusted[name]
                    for term in each.effects or ()
                    if (name := f"effect {each.place} {term}") in adjusted
                },
            )
            for each in factorials
        ),
        len(adjusted),
    )


def _row(row: Row, p: float | None) -> Row:
    found = row.comparison
    if row.role is not Role.EXPLORATORY or found is None:
        return row
    verdict = exploratory_verdict(found.contrast, found.runs, p)
    return replace(row, comparison=replace(found, verdict=verdict, holm=p))
