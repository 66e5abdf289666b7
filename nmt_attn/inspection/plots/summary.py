"""All layers and heads of a model at once: what terms contribute, how heads look around, which of them align words."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from nmt_attn.inspection.facts import AlignmentFacts, HeadFacts, Share
from nmt_attn.inspection.plots.labels import place_labels
from nmt_attn.inspection.plots.style import (
    INK,
    SITE_COLOURS,
    SITE_MARKERS,
    TERM_COLOURS,
    TERM_NAMES,
    head_number,
    new_figure,
)
from nmt_attn.spec import Site, SpecError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

BAR, BETWEEN = 0.2, 0.9  # inches of a bar; bars of empty room between layers
STEPS = {"predicts": "the step that predicts the word", "reads": "the step that reads the word"}


def contribution_figure(shares: Sequence[Share]) -> "Figure":
    """A panel a site: of each layer a bar a term with its interval, and a dot a head.

    Raises SpecError without shares, and without matplotlib.
    """
    if not shares:
        raise SpecError("a figure of contributions must have shares, not none: convolutions and code 0000 have none")
    sites = _sites(shares)
    layers, terms = (
        _sorted(share.layer for share in shares),
        [t for t in TERM_COLOURS if any(s.term == t for s in shares)],
    )
    block = len(terms) + BETWEEN
    figure = new_figure(max(1.1 + 3.6 * len(sites), 6.4), 1.5 + BAR * block * len(layers))
    figure.set_layout_engine("constrained", w_pad=0.1, h_pad=0.08)
    panels = figure.subplots(1, len(sites), sharex=True, sharey=True, squeeze=False)[0]
    for axes, site in zip(panels, sites, strict=True):
        for share in shares:
            if share.site is site:
                place = layers.index(share.layer) * block + terms.index(share.term)
                _contribution(axes, share, place)
        axes.axvline(0, color=INK, linewidth=0.8)
        axes.set_title(site.value, color=SITE_COLOURS[site], size=12, weight="bold", loc="left")
        _plain(axes, "x")
        axes.tick_params(axis="y", length=0)
        axes.spines["left"].set_visible(False)
    middles = [number * block + (len(terms) - 1) / 2 for number in range(len(layers))]
    panels[0].set_yticks(middles, [f"layer {layer}" for layer in layers], size=10, color=INK)
    panels[0].set_ylim(len(layers) * block - BETWEEN, -0.9)
    figure.supxlabel("part of the logits' variation over the keys, % (bar: layer with interval, dots: heads)", size=9.5)
    _legend(figure, terms)
    return figure


def _legend(figure: "Figure", terms: Sequence[str]) -> None:
    """The colours of terms; two lines where the figure is narrow."""
    from matplotlib.patches import Patch

    handles = [Patch(color=TERM_COLOURS[term], label=f"{term}, {TERM_NAMES[term]}") for term in terms]
    columns = len(terms) if figure.get_size_inches()[0] > 10 else 2
    figure.legend(
        handles=handles, loc="outside upper left", ncols=columns, frameon=False, fontsize=9.5, handlelength=1.2
    )


def _contribution(axes: Any, share: Share, place: float) -> None:
    colour = TERM_COLOURS[share.term]
    if share.head is not None:
        axes.plot(100 * share.share, place, "o", markersize=3.4, color=INK, alpha=0.45, markeredgewidth=0, zorder=4)
        return
    axes.barh(place, 100 * share.share, height=0.82, color=colour, alpha=0.85)
    if share.low is not None and share.high is not None:
        axes.plot([100 * share.low, 100 * share.high], [place, place], color=INK, linewidth=1.6, zorder=3)


def heads_figure(heads: Sequence[HeadFacts]) -> "Figure":
    """Entropy against mean distance, a panel a site with common axes, a point a head, labelled layer.head.

    Raises SpecError without heads, and without matplotlib.
    """
    if not heads:
        raise SpecError("a figure of heads must have heads, not none: give facts of at least one site")
    sites = _sites(heads)
    figure = new_figure(0.8 + 4.1 * len(sites), 4.7)
    figure.set_layout_engine("constrained", w_pad=0.1, h_pad=0.08)
    panels = figure.subplots(1, len(sites), sharex=True, sharey=True, squeeze=False)[0]
    for axes, site in zip(panels, sites, strict=True):
        axes.set_title(site.value, color=SITE_COLOURS[site], size=12, weight="bold", loc="left")
        points = [(head.distance, head.entropy) for head in heads if head.site is site]
        axes.plot(*zip(*points, strict=True), SITE_MARKERS[site], color=SITE_COLOURS[site], markersize=6, alpha=0.8)
        axes.set_xlabel("mean distance |key − query|, in subwords", size=9.5)
        _plain(axes, "both")
    panels[0].set_ylabel("entropy of the weights, in bits", size=9.5)
    panels[0].margins(0.12)
    panels[0].set_xlim(left=min(0.0, panels[0].get_xlim()[0]))
    figure.draw_without_rendering()  # what labels cover is known once the axes have their place
    figure.set_layout_engine("none")
    for axes, site in zip(panels, sites, strict=True):
        here = [head for head in heads if head.site is site]
        names = [f"{head.layer}.{head_number(head.head)}" for head in here]
        place_labels(axes, [(head.distance, head.entropy) for head in here], names)
    return figure


def alignment_figure(facts: Sequence[AlignmentFacts]) -> "Figure":
    """Alignment error rate by layer and head, a panel a way to read the weights; the best cell has a frame.

    Raises SpecError without facts, and without matplotlib.
    """
    if not facts:
        raise SpecError("a figure of alignments must have facts, not none: cross attention and gold links make them")
    layers = _sorted(fact.layer for fact in facts)
    heads: list[int | None] = [*_sorted(fact.head for fact in facts if fact.head is not None), None]
    steps = [step for step in STEPS if any(fact.step == step for fact in facts)]
    figure = new_figure(1.6 + len(steps) * max(3.2, 0.62 * len(heads)), 1.5 + 0.5 * len(layers))
    figure.set_layout_engine("constrained", w_pad=0.1, h_pad=0.08)
    panels = figure.subplots(1, len(steps), sharey=True, squeeze=False)[0]
    best = min(facts, key=lambda fact: fact.error)
    low, high = best.error, max(max(fact.error for fact in facts), best.error + 1e-9)
    for axes, step in zip(panels, steps, strict=True):
        table = np.full((len(layers), len(heads)), np.nan)
        for fact in facts:
            if fact.step == step:
                row, column = layers.index(fact.layer), heads.index(fact.head)
                table[row, column] = fact.error
                _error(axes, fact, (column, row), dark=fact.error > (low + high) / 2, best=fact is best)
        image = axes.imshow(table, cmap="cividis_r", vmin=low, vmax=high, aspect="auto")
        axes.set_facecolor("#dddddd")
        axes.set_xticks(range(len(heads)), ["mean" if head is None else f"{head_number(head)}" for head in heads])
        axes.set_yticks(range(len(layers)), [f"layer {layer}" for layer in layers])
        axes.tick_params(length=0, labelsize=9.5)
        axes.spines[:].set_visible(False)
        axes.set_title(f"{step}: {STEPS[step]}", size=10, loc="left", color=INK)
    figure.supxlabel("head of cross attention; mean: the mean of the heads' weights", size=9.5)
    bar = figure.colorbar(image, ax=list(panels), label="alignment error rate, %", pad=0.02)
    bar.outline.set_visible(False)
    return figure


def _error(axes: Any, fact: AlignmentFacts, place: tuple[int, int], dark: bool, best: bool) -> None:
    colour = "white" if dark else INK
    axes.annotate(
        f"{fact.error:.1f}",
        place,
        ha="center",
        va="center",
        size=9.5,
        color=colour,
        weight="bold" if best else "normal",
    )
    if best:
        from matplotlib.patches import Rectangle

        corner = place[0] - 0.46, place[1] - 0.46
        axes.add_patch(Rectangle(corner, 0.92, 0.92, fill=False, edgecolor="#D55E00", linewidth=2.6, gid="best"))


def _sites(facts: Iterable[Share | HeadFacts]) -> list[Site]:
    there = {fact.site for fact in facts}
    return [site for site in Site if site in there]


def _sorted(numbers: Iterable[int]) -> list[int]:
    return sorted(set(numbers))


def _plain(axes: Any, grid: str) -> None:
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis=grid, alpha=0.25)
    axes.set_axisbelow(True)
    axes.tick_params(labelsize=9, colors=INK)
