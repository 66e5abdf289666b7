"""Speed and cost of models, a bar each."""

from statistics import median
from typing import Any

from nmt_attn.bench.names import ENGINE_MARK
from nmt_attn.bench.plots.style import BLACK, BLUE, GREEN, GREY, ORANGE, empty_figure, footing
from nmt_attn.bench.record import Record, quartiles
from nmt_attn.bench.table import title


def model_figure(record: Record) -> Any:
    """A bar a model: its speed relative to the reference."""
    (point,) = record.points.values()
    names = [name for name in record.contenders if name in point.seconds]
    figure = empty_figure((9.0, 1.9 + 0.5 * len(names)))
    axes = figure.subplots()
    for row, name in enumerate(names):
        low, middle, high = quartiles([1 / ratio for ratio in point.ratios(name, record.reference)])
        colour = BLACK if name == record.reference else GREEN if name.endswith(ENGINE_MARK) else BLUE
        axes.barh(row, middle, height=0.62, color=colour)
        if name != record.reference:
            axes.errorbar([middle], [row], xerr=[[middle - low], [high - middle]], color=ORANGE, linewidth=2.5)
        _beside(axes, row, f"{middle:.2f}", f"{median(point.speeds(name)):,.0f}", BLACK)
    _beside(axes, -0.62, "median", "tokens/s", GREY)
    axes.axvline(1.0, color=BLACK, linewidth=0.8, linestyle=":")
    axes.set_yticks(range(len(names)), [name.replace(" --", "\n--") for name in names])
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.set_xlim(left=0)
    axes.set_xlabel(f"speed relative to {record.reference}, median (line: quartiles), more is faster", fontsize=10)
    axes.grid(axis="x", alpha=0.25)
    axes.set_axisbelow(True)
    figure.suptitle(title(record), fontsize=12)
    figure.supxlabel(footing(record), fontsize=8, color=GREY)
    return figure


def cost_figure(record: Record) -> Any:
    """A row a model: its speeds relative to the reference, and its memory."""
    updates, batches = record.points["updates"], record.points["batches"]
    names = [name for name in record.contenders if name in updates.seconds and name in batches.seconds]
    figure = empty_figure((12.0, 1.8 + 0.25 * len(names)))
    left, middle, right = figure.subplots(1, 3, sharey=True)
    for axes, point, what in ((left, updates, "training"), (middle, batches, "translation")):
        for row, name in enumerate(names):
            low, value, high = quartiles([1 / ratio for ratio in point.ratios(name, record.reference)])
            axes.barh(row, value, height=0.66, color=BLACK if name == record.reference else BLUE)
            axes.plot([low, high], [row, row], color=ORANGE, linewidth=2)
        axes.axvline(1.0, color=BLACK, linewidth=0.8, linestyle=":")
        axes.set_xlabel(f"speed of {what} relative to\n{record.reference}; line: quartiles", fontsize=10)
    colours = [BLACK if name == record.reference else GREEN for name in names]
    right.barh(range(len(names)), [updates.memory[name] / 1e6 for name in names], height=0.66, color=colours)
    right.set_xlabel("peak memory of training,\nbeside the libraries, MB", fontsize=10)
    for axes in (left, middle, right):
        axes.grid(axis="x", alpha=0.25)
        axes.set_axisbelow(True)
    left.set_yticks(range(len(names)), names, fontsize=9)
    left.set_ylim(len(names) - 0.5, -0.5)
    figure.suptitle(title(record), fontsize=12)
    figure.supxlabel(footing(record), fontsize=8, color=GREY)
    return figure


def _beside(axes: Any, row: float, speed: str, tokens: str, colour: str) -> None:
    """Two columns to the right of the axes."""
    place = axes.get_yaxis_transform()
    axes.text(1.10, row, speed, transform=place, va="center", ha="right", color=colour)
    axes.text(1.26, row, tokens, transform=place, va="center", ha="right", color=colour)
