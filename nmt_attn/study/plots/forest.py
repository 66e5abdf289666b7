"""The forest plot: how much worse than the reference each model is, with intervals and margins."""

from collections.abc import Sequence
from typing import Any

from nmt_attn.study.margins import Margins
from nmt_attn.study.plots.style import (
    BLACK,
    COLOURS,
    GREY,
    LINE,
    MARKERS,
    ORANGE,
    SKY,
    footing,
    new_figure,
    shown_order,
)
from nmt_attn.study.reporting.facts import Comparison, CorpusFindings, Role, Row
from nmt_attn.study.reporting.phrases import points, verdict_text

LARGE = 8  # times the margin of a vital loss: from there on the scale is logarithmic, or the margins could not be seen


def forest_plot(corpus: CorpusFindings, margins: Margins) -> Any | None:
    """A row a model; None where none is compared."""
    rows = [row for row in shown_order(corpus.rows) if row.comparison]
    if not rows:
        return None
    figure = new_figure(1.9 + LINE * 1.25 * len(rows))
    axes = figure.subplots()
    bounds = _limits(rows, margins)
    if max(map(abs, bounds)) > LARGE * margins.vital:
        axes.set_xscale("symlog", linthresh=2 * margins.vital, linscale=2)
        steps = [step * 10.0**power for power in range(-2, 3) for step in (1, 2, 5)]
        around = [step for step in steps if margins.vital <= step]
        ticks = [side * step for step in around for side in (-1, 1) if bounds[0] < side * step < bounds[1]]
        axes.set_xticks([0, *ticks], ["0", *(f"{tick:g}" for tick in ticks)])
        axes.minorticks_off()
    axes.set_xlim(*bounds)
    _draw_margins(axes, margins, len(rows))
    for place, row in enumerate(rows):
        if row.comparison:
            _draw_row(axes, place, row, row.comparison)
    _label_rows(axes, rows)
    scale = f" (logarithmic beyond ±{2 * margins.vital:g})" if axes.get_xscale() == "symlog" else ""
    axes.set_xlabel(f"D = BLEU of the reference − BLEU of the model{scale}: right is worse\n{footing(corpus)}")
    return figure


def _limits(rows: Sequence[Row], margins: Margins) -> tuple[float, float]:
    seen = [-1.6 * margins.negligible, 1.25 * margins.vital]
    for row in rows:
        if row.comparison:
            seen += [row.comparison.contrast.difference, *(row.comparison.interval or ())]
            seen += row.comparison.differences.values()
    low, high = min(seen), max(seen)
    edge = 0.04 * (high - low)
    return low - edge, high + (0.3 * high if high > LARGE * margins.vital else edge)


def _draw_margins(axes: Any, margins: Margins, rows: int) -> None:
    axes.axvspan(-margins.negligible, margins.negligible, color=SKY, alpha=0.3, linewidth=0, zorder=0)
    axes.axvline(0, color=BLACK, linewidth=0.8, zorder=1)
    for side in (-1, 1):
        axes.axvline(side * margins.strict, color=GREY, linewidth=0.7, linestyle=":", zorder=1)
    axes.axvline(margins.vital, color=ORANGE, linewidth=1.4, linestyle="--", zorder=1)
    names = {0: f"±{margins.negligible:g}", margins.vital: f"{margins.vital:g}"}
    for place, name in names.items():
        axes.annotate(name, (place, 1), (0, 2), axes.get_xaxis_transform(), "offset points", ha="center", fontsize=9)
    axes.set_ylim(rows - 0.5, -0.6)


def _draw_row(axes: Any, place: int, row: Row, comparison: Comparison) -> None:
    colour, interval = COLOURS[row.role], comparison.interval
    if row.role is Role.HEADLINE:
        axes.axhspan(place - 0.5, place + 0.5, color=ORANGE, alpha=0.08, linewidth=0, zorder=0)
    seeds = list(comparison.differences.values())
    axes.plot(seeds, [place] * len(seeds), "|", color=GREY, markersize=9, zorder=2)
    if interval:
        axes.plot(interval, [place, place], "-", color=colour, linewidth=2, solid_capstyle="butt", zorder=3)
    difference = comparison.contrast.difference
    hollow = {} if interval else {"markerfacecolor": "white"}
    axes.plot([difference], [place], MARKERS[row.role], color=colour, markersize=7, zorder=4, **hollow)


def _label_rows(axes: Any, rows: Sequence[Row]) -> None:
    axes.set_yticks(range(len(rows)), [row.label for row in rows])
    for tick, row in zip(axes.get_yticklabels(), rows, strict=True):
        tick.set_color(COLOURS[row.role])
        tick.set_weight("bold" if row.role is Role.HEADLINE else "normal")
    axes.tick_params(axis="y", length=0)
    for place, row in enumerate(rows):
        if row.comparison:
            axes.annotate(
                _told(row, row.comparison), (1.01, place), xycoords=axes.get_yaxis_transform(), va="center", fontsize=9
            )


def _told(row: Row, comparison: Comparison) -> str:
    interval = comparison.interval
    numbers = f" [{points(interval[0])}, {points(interval[1])}]" if interval else ""
    return f"{points(comparison.contrast.difference)}{numbers} {verdict_text(row)}"
