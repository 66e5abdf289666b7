"""A picture of a table of results."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from nmt_attn.spec import SpecError
from nmt_attn.study.results import check_comparable

KINDS = (".png", ".svg", ".pdf")


def check_picture(path: Path) -> None:
    """Raises SpecError for a file that no picture can be written to."""
    if path.suffix.lower() not in KINDS or path.is_dir() or not path.absolute().parent.is_dir():
        raise SpecError(f"--figure must be a file in a folder that exists, ending in {' or '.join(KINDS)}, not {path}")


def bleu_figure(results: Sequence[dict[str, Any]], path: Path) -> None:
    """Dots of BLEU, a row a model and a dot a run, to an image file; raises SpecError without matplotlib."""
    check_comparable(results)
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise SpecError("figures need matplotlib: pip install 'nmt_attn[plot]'") from None
    names = list(dict.fromkeys(result["preset"] for result in results))
    figure = Figure(figsize=(7.0, 1.3 + 0.45 * len(names)), layout="constrained")
    axes = figure.subplots()
    for result in results:
        row = names.index(result["preset"])
        axes.plot(result["bleu"], row, "o", color="tab:blue", markersize=9)
        axes.annotate(
            f"{result['bleu']:.1f}", (result["bleu"], row), xytext=(0, 8), textcoords="offset points", ha="center"
        )
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.5, -0.7)
    axes.set_xlim(0, 1.08 * max(result["bleu"] for result in results))
    axes.grid(axis="x", alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)
    first = results[0]
    axes.set_xlabel(f"BLEU, {first['sentences']} sentences, one dot a run\n{first['signature']}", fontsize=8)
    figure.savefig(path, dpi=150)
