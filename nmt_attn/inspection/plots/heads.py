"""All heads of a layer reading one sentence pair: what they weigh, and which terms make them do so.

Axes: h heads (of conv and deform: taps), t queries, s keys.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from nmt_attn.inspection.facts import SentenceRecord, SiteRecord
from nmt_attn.inspection.plots.layout import GAP, TITLE, Layout
from nmt_attn.inspection.plots.style import (
    HIDDEN,
    INK,
    SOFT,
    TERM_NAMES,
    centred,
    head_number,
    head_word,
    label,
    new_figure,
)
from nmt_attn.spec import Site

if TYPE_CHECKING:
    from matplotlib.figure import Figure

WEIGHTS, LOGITS = "Purples", "RdBu_r"
QUERIES: Mapping[Site, str] = {
    Site.ENCODER_SELF: "query: source subword",
    Site.DECODER_SELF: "query: target subword read",
    Site.CROSS: "query: step that predicts",
}
KEYS: Mapping[Site, str] = {
    Site.ENCODER_SELF: "key: source subword",
    Site.DECODER_SELF: "key: target subword read",
    Site.CROSS: "key: source subword",
}


def layer_figure(record: SentenceRecord, site: SiteRecord) -> "Figure":
    """A row a head; columns: its weights, then the logits of each term, each query's less their mean.

    Weights are coloured from 0 to 1, logits by one scale for all heads and terms of the layer, so that the stronger
    colour decides more. Hidden keys are grey. Raises SpecError without matplotlib.
    """
    heads = len(site.weights)
    queries, keys = record.query_labels(site.site), record.key_labels(site.site)
    title = f"{site.site.value}{'-' if site.site.is_self else ' '}attention, layer {site.layer}: {site.mixer}"
    layout = Layout(title, heads, 1 + len(site.terms), tuple(map(label, queries)), tuple(map(label, keys)))
    figure = new_figure(*layout.size)
    logits = {name: centred(term, site.visible) for name, term in site.terms.items()}
    scale = largest(logits)
    weights = np.where(site.visible, site.weights, np.nan)
    for row in range(heads):
        first = _panel(figure, layout, (row, 0), weights[row], (WEIGHTS, 0.0, 1.0))
        _name_queries(first, layout, f"{head_word(site.mixer)} {head_number(row)}")
        for column, term in enumerate(logits.values(), 1):
            _panel(figure, layout, (row, column), term[row], (LOGITS, -scale, scale))
    panels = [figure.axes[start : start + layout.columns] for start in range(0, heads * layout.columns, layout.columns)]
    for column, name in enumerate(("weights", *logits)):
        for row in range(heads):
            above, below = row == 0 and layout.named_above, row == heads - 1 or layout.named_each
            if above or below:
                _name_keys(panels[row][column], layout, above, below)
        _name_column(figure, layout, column, name)
    _bar(figure, layout, 0, panels[0][0].images[0], "weight")
    if logits:
        _bar(figure, layout, 1, panels[0][1].images[0], "logit less the mean of its row")
    _head(figure, layout, record, site.site)
    return figure


def largest(logits: Mapping[str, np.ndarray]) -> float:
    """The largest absolute value of all maps; 1 where all are zero, as a colour scale needs a width."""
    return max((float(np.nanmax(np.abs(term), initial=0.0)) for term in logits.values()), default=0.0) or 1.0


def _panel(
    figure: "Figure", layout: Layout, place: tuple[int, int], values: np.ndarray, colours: tuple[str, float, float]
) -> Any:
    """One map, (t, s); NaN is hidden."""
    axes = figure.add_axes(layout.place(*place))
    name, low, high = colours
    axes.imshow(values, cmap=name, vmin=low, vmax=high, interpolation="nearest", aspect="auto")
    axes.set_facecolor(HIDDEN)
    axes.set_xticks([])
    axes.set_yticks([])
    axes.spines[:].set_color(SOFT)
    axes.spines[:].set_linewidth(0.5)
    return axes


def _name_queries(axes: Any, layout: Layout, head: str) -> None:
    axes.set_yticks(range(len(layout.queries)), layout.queries, fontsize=layout.font, color=INK, parse_math=False)
    axes.tick_params(axis="y", length=0, pad=2)
    away = -(layout.left - 0.45) / layout.panel[0]
    axes.text(away, 0.5, head, transform=axes.transAxes, rotation=90, ha="center", va="center", weight="bold", size=11)


def _name_keys(axes: Any, layout: Layout, above: bool, below: bool) -> None:
    places = range(len(layout.keys))
    axes.set_xticks(places, layout.keys, fontsize=layout.font, color=INK, rotation=90, parse_math=False)
    axes.tick_params(axis="x", length=0, pad=2, labeltop=above, labelbottom=below, labelrotation=90)


def _name_column(figure: "Figure", layout: Layout, column: int, name: str) -> None:
    """Over the first panel: weights, or a term with what it compares."""
    across, down = layout.size
    place = (layout.left + column * layout.across) / across, 1 - 1.15 / down
    figure.text(*place, name, weight="bold", size=11, color=INK, va="baseline")
    figure.text(place[0], 1 - 1.31 / down, TERM_NAMES.get(name, ""), size=8, color=SOFT, va="baseline")


def _bar(figure: "Figure", layout: Layout, column: int, image: Any, name: str) -> None:
    """A colour bar under a column."""
    top = layout.size[1] - layout.bottom + layout.below + 0.35
    box = layout.box(layout.left + column * layout.across, top, layout.across - 2 * GAP, 0.11)
    bar = figure.colorbar(image, cax=figure.add_axes(box), orientation="horizontal")
    bar.outline.set_linewidth(0.5)
    bar.ax.tick_params(labelsize=8, length=2, colors=INK)
    bar.ax.set_title(name, size=8, color=SOFT, pad=3, loc="left")


def _head(figure: "Figure", layout: Layout, record: SentenceRecord, site: Site) -> None:
    """Title, and what the axes are."""
    across, down = layout.size
    left = 0.15 / across
    figure.text(left, 1 - 0.36 / down, layout.title, size=TITLE, weight="bold", color=INK, parse_math=False)
    target = "" if site is Site.ENCODER_SELF else ", of the model's own translation" if record.generated else ""
    for line, text in enumerate((f"down, {QUERIES[site]}{target}", f"across, {KEYS[site]}")):
        figure.text(left, 1 - (0.58 + 0.16 * line) / down, text, size=9, color=SOFT)
