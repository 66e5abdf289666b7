"""What figures share: colours that colour-blind readers tell apart (Okabe and Ito 2008), labels side by side."""

from collections.abc import Sequence
from typing import Any

from nmt_attn.study.reporting.facts import CorpusFindings, Role, Row

BLACK, ORANGE, SKY, GREEN, BLUE, VERMILLION, PURPLE, GREY = (
    "#000000",
    "#E69F00",
    "#56B4E9",
    "#009E73",
    "#0072B2",
    "#D55E00",
    "#CC79A7",
    "#8A8A8A",
)
COLOURS = {Role.REFERENCE: BLACK, Role.HEADLINE: VERMILLION, Role.CONTROL: GREEN, Role.EXPLORATORY: BLUE}
MARKERS = {Role.REFERENCE: "s", Role.HEADLINE: "D", Role.CONTROL: "^", Role.EXPLORATORY: "o"}
WIDTH = 11.0
LINE = 0.27  # inches that a row of text takes
FONT = {
    "font.size": 10,
    "axes.labelsize": 10,
    "xtick.labelsize": 9,
    "ytick.labelsize": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "svg.hashsalt": "nmt_attn",  # the same names inside at every drawing
}


def new_figure(height: float, width: float = WIDTH) -> Any:
    """An empty figure on no screen."""
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout="constrained")


def spread(places: Sequence[float], distance: float, low: float, high: float) -> list[float]:
    """The places, moved as little as it takes to be a distance apart between two limits; in their order.

    Neighbours that touch form a block around the mean of where its members wanted to be. Where there is no room for
    all, they stand evenly.
    """
    order = sorted(range(len(places)), key=lambda index: places[index])
    if not order:
        return []
    distance = min(distance, (high - low) / max(1, len(order) - 1))
    blocks: list[tuple[float, int]] = []  # (place of the first member, members)
    for index in order:
        blocks.append((_within(places[index], 1, distance, low, high), 1))
        while len(blocks) > 1 and blocks[-2][0] + distance * blocks[-2][1] > blocks[-1][0]:
            (before, many), (after, few) = blocks[-2], blocks.pop()
            start = (many * before + few * (after - many * distance)) / (many + few)
            blocks[-1] = (_within(start, many + few, distance, low, high), many + few)
    moved = [0.0] * len(places)
    rest = iter(order)
    for start, members in blocks:
        for number in range(members):
            moved[next(rest)] = start + number * distance
    return moved


def _within(start: float, members: int, distance: float, low: float, high: float) -> float:
    return min(max(start, low), high - (members - 1) * distance)


def side_labels(axes: Any, ends: Sequence[tuple[float, float]], rows: Sequence[Row], gap: float = 0.06) -> None:
    """Names at the right of the axes, each led to from its point (x, y) in data, spread where they are close.

    gap: how far away, in widths of the axes.
    """
    low, high = axes.get_ylim()
    inches = axes.figure.get_size_inches()[1] * 0.8
    step = (high - low) * 0.17 / inches
    heights = spread([y for _, y in ends], step, low + step / 2, high - step / 2)
    for (x, y), height, row in zip(ends, heights, rows, strict=True):
        axes.annotate(
            row.label,
            (x, y),
            xytext=(1 + gap, height),
            textcoords=axes.get_yaxis_transform(),
            va="center",
            fontsize=8.5,
            color=COLOURS[row.role],
            weight="bold" if row.role in (Role.REFERENCE, Role.HEADLINE) else "normal",
            arrowprops={
                "arrowstyle": "-",
                "color": GREY,
                "linewidth": 0.6,
                "relpos": (0, 0.5),
                "shrinkA": 1,
                "shrinkB": 0,
            },
            annotation_clip=False,
        )


def shown_order(rows: Sequence[Row]) -> list[Row]:
    """Headline first, then the control, then the others, each as in the plan."""
    roles = (Role.REFERENCE, Role.HEADLINE, Role.CONTROL, Role.EXPLORATORY)
    return sorted(rows, key=lambda row: roles.index(row.role))


def legend(axes: Any, rows: Sequence[Row], **place: Any) -> None:
    """What the markers stand for, of the roles that there are."""
    for role in Role:
        if any(row.role is role for row in rows):
            axes.plot([], [], MARKERS[role], color=COLOURS[role], label=role.value)
    axes.legend(frameon=False, fontsize=9, **place)


def footing(corpus: CorpusFindings) -> str:
    """What BLEU depends on, for under a figure."""
    return f"{corpus.first['signature']}, {corpus.first['sentences']:,} sentences of {corpus.name}"
