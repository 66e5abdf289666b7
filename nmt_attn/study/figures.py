"""The figures of a study: made from its findings, on no screen, the same bytes every time."""

import io
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from nmt_attn.spec import SpecError
from nmt_attn.study.findings import CorpusFindings
from nmt_attn.study.margins import Margins
from nmt_attn.study.plots.codes import PLACES, dot_plot, heat_map
from nmt_attn.study.plots.cost import cost_plot
from nmt_attn.study.plots.curves import curves_plot
from nmt_attn.study.plots.forest import forest_plot
from nmt_attn.study.plots.style import FONT

__all__ = ["Picture", "corpus_pictures", "cost_plot", "curves_plot", "dot_plot", "forest_plot", "heat_map"]

RESOLUTION = 110


@dataclass(frozen=True)
class Picture:
    """A figure of matplotlib, drawn, with the name of its files and what it shows; a notebook displays it."""

    name: str
    caption: str
    figure: Any = field(repr=False)
    png: bytes = field(repr=False)
    svg: bytes = field(repr=False)

    def _repr_png_(self) -> bytes:
        return self.png


def corpus_pictures(corpus: CorpusFindings, margins: Margins) -> list[Picture]:
    """All figures that the results of a corpus allow; raises SpecError without matplotlib."""
    try:
        from matplotlib import rc_context
    except ImportError:
        raise SpecError("figures must have matplotlib, which is missing: pip install 'nmt_attn[study]'") from None
    plans: dict[str, tuple[str, Callable[[], Any | None]]] = {
        "differences": (
            "D with its 90 % interval. Blue: the margin of equivalence, dotted its strict variant; orange, dashed: the "
            "least vital loss. Grey strokes: single seeds. Hollow: no interval. Headline models: marked.",
            partial(forest_plot, corpus, margins),
        ),
        "runs": ("BLEU of every run. A stroke stands at the mean.", partial(dot_plot, corpus)),
        "cost": (
            "BLEU against cost. A line leads through the dots of a model to its name; bars: sd over seeds.",
            partial(cost_plot, corpus),
        ),
        "curves": (
            "Learning curves. Of each model the mean over seeds, in a band from the least to the largest.",
            partial(curves_plot, corpus),
        ),
    }
    for factorial in corpus.factorials:
        plans[f"codes-{factorial.place}"] = (
            f"BLEU of the codes in {PLACES[factorial.place]}. Mean over seeds.",
            partial(heat_map, corpus, factorial),
        )
    pictures = []
    with rc_context(FONT):
        for kind, (caption, draw) in plans.items():
            figure = draw()
            if figure is not None:
                name = f"{corpus.name}-{kind}"
                pictures.append(Picture(name, caption, figure, _bytes(figure, "png"), _bytes(figure, "svg")))
    return pictures


def _bytes(figure: Any, kind: str) -> bytes:
    buffer = io.BytesIO()
    metadata = {"Date": None} if kind == "svg" else None
    figure.savefig(buffer, format=kind, dpi=RESOLUTION, facecolor="white", metadata=metadata)
    return buffer.getvalue()
