"""Learning curves: loss on the development set against updates."""

from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import Any

from nmt_attn.study.plots.style import (
    BLACK,
    BLUE,
    COLOURS,
    GREEN,
    ORANGE,
    PURPLE,
    SKY,
    VERMILLION,
    new_figure,
    shown_order,
    side_labels,
)
from nmt_attn.study.reporting.facts import CorpusFindings, Role, Row

FEW = 7  # models that can have a colour each
CYCLE = (VERMILLION, BLUE, GREEN, ORANGE, PURPLE, SKY)


def curves_plot(corpus: CorpusFindings) -> Any | None:
    """A line a model: the mean over seeds, in a band from the least to the largest; None without curves.

    Of many models those that the study is made for have colours, the others are thin lines.
    """
    curves = [(row, curve) for row in shown_order(corpus.rows) if (curve := mean_curve(row))]
    if not curves:
        return None
    figure = new_figure(max(4.2, 1.0 + 0.19 * len(curves)))
    axes = figure.subplots()
    for number, (row, curve) in enumerate(curves):
        colour = _colour(row, number, len(curves))
        updates = list(curve)
        strong = row.role is not Role.EXPLORATORY or len(curves) <= FEW
        means = [fmean(losses) for losses in curve.values()]
        axes.plot(updates, means, "-", color=colour, linewidth=1.8 if strong else 0.8, zorder=_height(row, strong))
        low, high = [min(losses) for losses in curve.values()], [max(losses) for losses in curve.values()]
        axes.fill_between(updates, low, high, color=colour, alpha=0.18 if strong else 0.06, linewidth=0)
    axes.set_xlabel("updates")
    axes.set_ylabel("development loss (bits a token)\nmean, least to largest over seeds")
    axes.grid(alpha=0.25)
    axes.set_ylim(*_window(curves))
    ends = [(list(curve)[-1], fmean(list(curve.values())[-1])) for _, curve in curves]
    side_labels(axes, ends, [row for row, _ in curves])
    if len(curves) <= FEW:
        for number, (text, (row, _)) in enumerate(zip(axes.texts, curves, strict=True)):
            text.set_color(_colour(row, number, len(curves)))
    return figure


def _height(row: Row, strong: bool) -> int:
    return 4 if row.role is Role.REFERENCE else 3 if strong else 2


def mean_curve(row: Row) -> Mapping[int, Sequence[float]]:
    """Updates to the losses of the runs, at the updates that all of them have."""
    runs = [dict(record.get("curve") or []) for record in row.records.values()]
    common = [update for update in runs[0] if all(update in run for run in runs)]
    return {update: [run[update] for run in runs] for update in sorted(common)}


def _colour(row: Row, number: int, models: int) -> str:
    if row.role is Role.REFERENCE:
        return BLACK
    return CYCLE[(number - 1) % len(CYCLE)] if models <= FEW else COLOURS[row.role]


def _window(curves: Sequence[tuple[Row, Mapping[int, Sequence[float]]]]) -> tuple[float, float]:
    """From the least loss up to where all have begun to learn: the first losses would hide the differences."""
    losses = [fmean(values) for _, curve in curves for values in curve.values()]
    ends = [fmean(list(curve.values())[-1]) for _, curve in curves]
    low, high = min(losses), max(losses)
    top = min(high, max(ends) + max(1.0, 1.5 * (max(ends) - low)))
    return low - 0.05 * (top - low), top + 0.05 * (top - low)
