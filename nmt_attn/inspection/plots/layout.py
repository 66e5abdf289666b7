"""Where panels stand in a figure of maps, in inches: it grows with the sentence, so that every subword can be read."""

from collections.abc import Sequence
from dataclasses import dataclass

GAP = 0.16  # between panels
SMALLEST, LARGEST = 6.5, 10.0  # points
TITLE = 14.0
POINT = 1 / 72
MANY = 3  # more rows than that have their keys named above the first one too
TALL = 4.0  # panels higher than that have their keys named under each row
NARROWEST = 1.6  # room that the name of a column takes


@dataclass(frozen=True)
class Layout:
    """Rows and columns of panels of the same size, queries down and keys across, under a title."""

    title: str
    rows: int
    columns: int
    queries: tuple[str, ...]
    keys: tuple[str, ...]

    @property
    def longest(self) -> int:
        return max(len(self.queries), len(self.keys))

    @property
    def font(self) -> float:
        """Size of labels, in points: large for a short sentence, still readable for a long one."""
        return min(LARGEST, max(SMALLEST, 120 / self.longest))

    @property
    def cell(self) -> float:
        """Side of a cell: a line of text, and more where there are few."""
        return max(1.3 * self.font * POINT, min(0.36, 2.2 / self.longest))

    @property
    def panel(self) -> tuple[float, float]:
        return len(self.keys) * self.cell, len(self.queries) * self.cell

    @property
    def named_above(self) -> bool:
        """Are the keys named above the first row, besides under the last?"""
        return self.rows > MANY

    @property
    def named_each(self) -> bool:
        """Are the keys named under every row?"""
        return self.panel[1] > TALL

    @property
    def down(self) -> float:
        """From one row to the next."""
        return self.panel[1] + GAP + (self.below if self.named_each else 0.0)

    @property
    def left(self) -> float:
        return 0.75 + self._letters(self.queries)

    @property
    def top(self) -> float:
        return 1.42 + (self._letters(self.keys) if self.named_above else 0.0)

    @property
    def below(self) -> float:
        """What the names of keys take under the last row."""
        return 0.08 + self._letters(self.keys)

    @property
    def bottom(self) -> float:
        return self.below + 0.95

    @property
    def across(self) -> float:
        """From one column to the next."""
        return max(self.panel[0], NARROWEST) + GAP

    @property
    def size(self) -> tuple[float, float]:
        """Of the figure."""
        width = max(self.left + self.columns * self.across, 0.3 + len(self.title) * TITLE * 0.66 * POINT, 4.6)
        return width, self.top + (self.rows - 1) * self.down + self.panel[1] + self.bottom

    def box(self, left: float, top: float, width: float, height: float) -> tuple[float, float, float, float]:
        """A box that many inches from the left and from the top, as matplotlib wants it: in parts of the figure."""
        full, high = self.size
        return left / full, 1 - (top + height) / high, width / full, height / high

    def place(self, row: int, column: int) -> tuple[float, float, float, float]:
        """The box of a panel."""
        left = self.left + column * self.across
        return self.box(left, self.top + row * self.down, *self.panel)

    def _letters(self, labels: Sequence[str]) -> float:
        return max(map(len, labels)) * 0.64 * self.font * POINT
