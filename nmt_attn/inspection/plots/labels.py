"""Labels beside points, each where it covers the least."""

from collections.abc import Sequence
from typing import Any

from nmt_attn.inspection.plots.style import INK

SIZE = 8.0  # points
AWAY = 7.0  # points from a point to the middle of its label, besides half of the label
SIDES = ((1, 0), (0, 1), (0, -1), (-1, 0), (1, 1), (-1, 1), (1, -1), (-1, -1))
RINGS = (1.0, 2.2, 3.6)

Box = tuple[float, float, float, float]  # left, bottom, right, top, in points of the page


def place_labels(axes: Any, points: Sequence[tuple[float, float]], names: Sequence[str]) -> None:
    """Writes each name at the side of its point, in data, where it covers fewest other labels and points.

    The axes must have their final place and limits. A name further away is led to by a line.
    """
    scale = 72 / axes.figure.dpi
    pixels = axes.transData.transform(list(points)) * scale
    taken: list[Box] = [_box(x, y, 6.0, 6.0) for x, y in pixels]
    for (x, y), point, name in zip(pixels, points, names, strict=True):
        width, height = 0.62 * SIZE * len(name), SIZE
        places = [
            (ring * side[0] * (AWAY + width / 2), ring * side[1] * (AWAY + height / 4))
            for ring in RINGS
            for side in SIDES
        ]
        boxes = [_box(x + right, y + up, width, height) for right, up in places]
        costs = [sum(_shared(box, other) for other in taken) for box in boxes]
        chosen = min(range(len(places)), key=costs.__getitem__)
        taken.append(boxes[chosen])
        line = {"arrowstyle": "-", "color": INK, "alpha": 0.4, "linewidth": 0.6, "shrinkA": 0, "shrinkB": 2}
        axes.annotate(
            name,
            point,
            xytext=places[chosen],
            textcoords="offset points",
            ha="center",
            va="center",
            size=SIZE,
            color=INK,
            arrowprops=line if chosen >= len(SIDES) else None,
        )


def _box(x: float, y: float, width: float, height: float) -> Box:
    return x - width / 2, y - height / 2, x + width / 2, y + height / 2


def _shared(one: Box, other: Box) -> float:
    """Area that two boxes share."""
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    return max(width, 0.0) * max(height, 0.0)
