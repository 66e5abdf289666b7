"""Time and memory of attention modules over the length of sentences."""

from collections.abc import Mapping, Sequence
from math import log
from statistics import median
from typing import Any

from nmt_attn.bench.plots.style import GREY, empty_figure, footing, styles
from nmt_attn.bench.record import Record
from nmt_attn.bench.table import title


def module_figure(record: Record) -> Any:
    """Time relative to the reference and, where it was measured, peak memory, over the length."""
    points = {int(name): point for name, point in sorted(record.points.items(), key=lambda item: int(item[0]))}
    ratios, memory = {}, {}
    for name in record.contenders:
        ratios[name] = {
            length: median(point.ratios(name, record.reference))
            for length, point in points.items()
            if name in point.seconds
        }
        memory[name] = {length: point.memory[name] / 1e6 for length, point in points.items() if name in point.memory}
    panels = [(f"time relative to {record.reference}", "time ratio, less is faster", ratios)]
    if any(memory.values()):
        panels.append(("peak memory", "growth of the peak in one step (MB)", memory))
    figure = empty_figure((7.5 * len(panels), 5.6))
    for axes, (head, label, curves) in zip(figure.subplots(1, len(panels), squeeze=False)[0], panels, strict=True):
        _curves(axes, curves, record.reference)
        axes.set_title(head, loc="left", weight="bold")
        axes.set_ylabel(label)
        axes.set_xlabel("sentence length N")
    figure.suptitle(title(record), fontsize=12)
    figure.supxlabel(footing(record), fontsize=8, color=GREY)
    return figure


def _curves(axes: Any, curves: Mapping[str, Mapping[int, float]], reference: str) -> None:
    looks = styles(curves, reference)
    axes.set_xscale("log", base=2)
    axes.set_yscale("log")
    shown = {name: curve for name, curve in curves.items() if curve}
    for name, curve in shown.items():
        axes.plot(list(curve), list(curve.values()), markersize=6, **looks[name])
    lengths = sorted({length for curve in shown.values() for length in curve})
    axes.set_xticks(lengths, [str(length) for length in lengths])
    axes.minorticks_off()
    low, high = _limits([value for curve in shown.values() for value in curve.values()])
    axes.set_ylim(low, high)
    ticks = [step * 10.0**power for power in range(-3, 6) for step in (1, 2, 5)]
    ticks = [tick for tick in ticks if low <= tick <= high]
    axes.set_yticks(ticks, [f"{tick:g}" for tick in ticks])
    axes.grid(alpha=0.25)
    ends = {name: list(curve.items())[-1] for name, curve in shown.items()}
    for name, place in _apart({name: _height(y, low, high) for name, (_, y) in ends.items()}).items():
        axes.annotate(
            name,
            ends[name],
            xytext=(1.04, place),
            textcoords="axes fraction",
            va="center",
            fontsize=10,
            color=looks[name]["color"],
            weight="bold" if name == reference else "normal",
            arrowprops={"arrowstyle": "-", "color": GREY, "linewidth": 0.6, "relpos": (0, 0.5), "shrinkB": 4},
            annotation_clip=False,
        )


def _limits(values: Sequence[float]) -> tuple[float, float]:
    return min(values) / 1.15, max(values) * 1.15


def _height(value: float, low: float, high: float) -> float:
    """Where a value stands on a logarithmic axis from 0 to 1."""
    return log(value / low) / log(high / low)


def _apart(heights: Mapping[str, float], gap: float = 0.047) -> dict[str, float]:
    """The heights, from the lowest upwards moved so far that labels do not overlap, centred on where they were."""
    places: dict[str, float] = {}
    last = -gap
    for name, height in sorted(heights.items(), key=lambda item: item[1]):
        last = max(height, last + gap)
        places[name] = last
    over = sum(places[name] - heights[name] for name in places) / max(1, len(places))
    return {name: place - min(over, min(places.values())) for name, place in places.items()}
