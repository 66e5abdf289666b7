"""What a benchmark has measured: raw numbers of every round, with all that they depend on. Standard library only."""

import json
import os
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from nmt_attn.spec import SpecError


@dataclass
class Point:
    """One condition, such as a length, and what each contender took there.

    tokens: of each round. seconds: of each round, by contender. memory: growth of the peak in bytes, by contender.
    left_out: why a contender was not measured.
    """

    tokens: list[int] = field(default_factory=list)
    seconds: dict[str, list[float]] = field(default_factory=dict)
    memory: dict[str, int] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)

    def ratios(self, contender: str, reference: str) -> list[float]:
        """The contender's time over the reference's in the same round."""
        return [a / b for a, b in zip(self.seconds[contender], self.seconds[reference], strict=True)]

    def speeds(self, contender: str) -> list[float]:
        """Tokens a second in each round."""
        return [tokens / seconds for tokens, seconds in zip(self.tokens, self.seconds[contender], strict=True)]


@dataclass
class Record:
    """A benchmark, its settings and its points by name.

    reference: the contender that ratios are to. date: when it was begun. parameters, multiply_adds: of whole models,
    these in one forward pass over 30 source and 30 target tokens, where they are known.
    """

    benchmark: str
    reference: str
    contenders: list[str]
    settings: dict[str, Any]
    environment: dict[str, Any]
    clock: str
    command: str
    date: str
    parameters: dict[str, int] = field(default_factory=dict)
    multiply_adds: dict[str, int] = field(default_factory=dict)
    points: dict[str, Point] = field(default_factory=dict)

    def point(self, name: str) -> Point:
        """The point of this name, a new one if there is none."""
        return self.points.setdefault(name, Point())

    def save(self, path: Path) -> None:
        """Writes all of it, or leaves the file as it was."""
        part = path.with_name(path.name + ".part")
        part.write_text(json.dumps(asdict(self), indent=1) + "\n", encoding="utf-8")
        os.replace(part, path)

    def take_up(self, path: Path) -> None:
        """Takes over the points in a file of the same benchmark; raises SpecError if it is of another."""
        if not path.exists():
            return
        try:
            kept = json.loads(path.read_text(encoding="utf-8"))
            points = {name: Point(**point) for name, point in kept["points"].items()}
            parts = {name: kept[name] for name in ("settings", "environment")}
            date = str(kept["date"])
        except (OSError, ValueError, TypeError, KeyError, AttributeError):
            raise SpecError(f"{path} must be a record of this benchmark, or not be there: it cannot be read") from None
        for part, values in parts.items():
            here = json.loads(json.dumps(getattr(self, part)))
            for name in here | values:
                if here.get(name) != values.get(name):
                    raise SpecError(
                        f"{path} holds another benchmark: {name} was {values.get(name)!r}, not {here.get(name)!r}; "
                        "choose another --out or --name"
                    )
        self.points, self.date = points, date


def read_record(path: Path) -> Record:
    """A record from its file."""
    kept = json.loads(path.read_text(encoding="utf-8"))
    kept["points"] = {name: Point(**point) for name, point in kept["points"].items()}
    return Record(**kept)


def quartiles(values: Sequence[float]) -> tuple[float, float, float]:
    """Lower quartile, median, upper quartile."""
    if len(values) == 1:
        return values[0], values[0], values[0]
    low, middle, high = statistics.quantiles(values, n=4, method="inclusive")
    return low, middle, high
