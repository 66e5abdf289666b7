"""What the pictures share: colours that colour-blind readers tell apart, one style a contender, a footing."""

from collections.abc import Iterable
from typing import Any

from nmt_attn.bench.names import ENGINE_MARK, FAIRSEQ_RELATIVE, TORCH, X_TRANSFORMERS
from nmt_attn.bench.record import Record
from nmt_attn.bench.table import machine

# Okabe and Ito 2008, without yellow.
VERMILLION, BLUE, GREEN, PURPLE, ORANGE, SKY = "#D55E00", "#0072B2", "#009E73", "#CC79A7", "#E69F00", "#56B4E9"
COLOURS = (VERMILLION, BLUE, GREEN, PURPLE, ORANGE, SKY)
MARKERS = "osD^vP*X"
BLACK, GREY = "#000000", "#777777"
OTHERS = {FAIRSEQ_RELATIVE: "s", TORCH: "^", X_TRANSFORMERS: "D"}
FONT = {"font.size": 11, "axes.spines.top": False, "axes.spines.right": False, "svg.hashsalt": "nmt_attn"}


def styles(names: Iterable[str], reference: str) -> dict[str, dict[str, Any]]:
    """The reference black, other implementations grey, ours in colours; the engine or a path dashes the line."""
    found: dict[str, dict[str, Any]] = {}
    names = list(names)
    bases = list(dict.fromkeys(_base(name) for name in names if name not in (reference, *OTHERS)))
    for name in names:
        if name == reference:
            found[name] = {"color": BLACK, "marker": "", "linewidth": 2.5, "linestyle": "-"}
        elif name in OTHERS:
            found[name] = {"color": GREY, "marker": OTHERS[name], "linewidth": 1.4, "linestyle": ":"}
        else:
            number = bases.index(_base(name))
            line = "-" if name == _base(name) else "--" if "@" not in name else "-."
            style = {"color": COLOURS[number % len(COLOURS)], "marker": MARKERS[number % len(MARKERS)]}
            found[name] = style | {"linewidth": 2.0, "linestyle": line}
    return found


def _base(name: str) -> str:
    return name.removesuffix(ENGINE_MARK).partition("@")[0]


def empty_figure(size: tuple[float, float]) -> Any:
    from matplotlib.figure import Figure

    return Figure(figsize=size, layout="constrained")


def footing(record: Record) -> str:
    """What the numbers depend on."""
    here = record.environment
    return f"{record.clock}; {machine(record)}; torch {here['torch']}, {here['fairseq']}"
