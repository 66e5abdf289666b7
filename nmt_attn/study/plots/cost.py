"""BLEU against what a model costs."""

from typing import Any

from nmt_attn.study.plots.style import COLOURS, GREY, MARKERS, footing, legend, new_figure, side_labels
from nmt_attn.study.reporting.facts import CorpusFindings, Row


def cost_plot(corpus: CorpusFindings) -> Any | None:
    """Three panels with one scale of BLEU, a dot a model, over parameters, multiply-adds and time of training."""
    rows = list(corpus.rows)
    if not rows:
        return None
    figure = new_figure(max(4.0, 1.2 + 0.19 * len(rows)))
    panels = figure.subplots(1, 3, sharey=True)
    kinds: dict[str, list[float | None]] = {
        "parameters (million)": [row.parameters / 1e6 for row in rows],
        "multiply-adds (million),\n30 and 30 tokens": [_scaled(row.multiply_adds) for row in rows],
        "training (seconds), measured": [row.training_seconds for row in rows],
    }
    for axes, (name, costs) in zip(panels, kinds.items(), strict=True):
        for row, cost in zip(rows, costs, strict=True):
            _draw(axes, row, cost)
        if all(cost is None for cost in costs):
            axes.annotate("not known", (0.5, 0.5), xycoords="axes fraction", ha="center", color=GREY)
            axes.set_xticks([])
        axes.set_xlabel(name)
        axes.grid(alpha=0.25)
        axes.margins(0.12)
        if any(cost is not None for cost in costs):
            axes.ticklabel_format(axis="x", useOffset=False)
            axes.locator_params(axis="x", nbins=4, min_n_ticks=2)
    panels[0].set_ylabel("BLEU, mean ± sd over seeds")
    edge = panels[-1].get_xlim()[1]
    side_labels(panels[-1], [(edge, row.mean) for row in rows], rows, gap=0.14)
    for row in rows:  # the same height in all panels: a line leads through the dots to the name
        for axes in panels:
            axes.axhline(row.mean, color=GREY, linewidth=0.6, alpha=0.6, zorder=0)
    legend(panels[0], rows, loc="best")
    figure.supxlabel(footing(corpus), fontsize=9)
    return figure


def _scaled(value: int | None) -> float | None:
    return None if value is None else value / 1e6


def _draw(axes: Any, row: Row, cost: float | None) -> None:
    if cost is not None:
        axes.errorbar(
            [cost],
            [row.mean],
            yerr=None if row.deviation is None else [row.deviation],
            fmt=MARKERS[row.role],
            color=COLOURS[row.role],
            markersize=6,
            linewidth=1,
            capsize=2,
        )
