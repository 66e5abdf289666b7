"""Figures of heads and of whole models: the right numbers in the right places, readable, the same every time."""

import subprocess
import sys
import warnings
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.text import Text

from nmt_attn.inspection.facts import AlignmentFacts, HeadFacts, SentenceRecord, Share, SiteRecord
from nmt_attn.inspection.plots.heads import layer_figure
from nmt_attn.inspection.plots.style import centred, head_word, image_bytes, label
from nmt_attn.inspection.plots.summary import alignment_figure, contribution_figure, heads_figure
from nmt_attn.spec import Site, SpecError

SOURCE = ("▁The", "▁old", "▁teach", "er", "▁sees", "▁a", "▁small", "▁tra", "in", "▁$x_1$", ".")
TARGET = ("▁Der", "▁alte", "▁Lehrer", "▁sieht", "▁einen", "▁kleinen", "▁Zug", ".")
MIXERS = {Site.ENCODER_SELF: "1111", Site.DECODER_SELF: "conv:kernel=3", Site.CROSS: "0010"}
HEADS, LAYERS, TAPS = 4, 3, 3


def softmax(logits: np.ndarray, visible: np.ndarray) -> np.ndarray:
    powers = np.where(visible, np.exp(logits - logits.max(-1, keepdims=True)), 0.0)
    return powers / powers.sum(-1, keepdims=True)


def fake_site(
    site: Site, layer: int, mixer: str, lengths: tuple[int, int], seed: int, heads: int = HEADS
) -> SiteRecord:
    """A site with random logits; of a convolution, tap p sees the key p places away."""
    draw = np.random.default_rng(seed)
    visible = np.tri(*lengths, dtype=bool) if site is Site.DECODER_SELF else np.ones(lengths, dtype=bool)
    if mixer.startswith("conv"):
        weights = np.stack([np.eye(*lengths, k=tap - TAPS + 1) for tap in range(TAPS)])
        return SiteRecord(site, layer, mixer, weights, {}, visible)
    names = [f"E{digit}" for digit in range(1, 5) if mixer[digit - 1] == "1"]
    shapes = {"E1": lengths, "E2": lengths, "E3": (1, lengths[1])}
    distances = np.arange(lengths[1]) - np.arange(lengths[0])[:, None]
    terms = {name: draw.normal(0, 2, (heads, *shapes[name])) for name in names if name in shapes}
    if "E4" in names:
        terms["E4"] = draw.normal(0, 2, (heads, sum(lengths)))[:, distances]
    terms = {name: np.broadcast_to(term, (heads, *lengths)) for name, term in terms.items()}
    weights = softmax(np.stack(list(terms.values())).sum(0), visible)
    return SiteRecord(site, layer, mixer, weights, terms, visible)


def fake_record(
    source: tuple[str, ...] = SOURCE,
    target: tuple[str, ...] = TARGET,
    mixers: dict[Site, str] = MIXERS,
    heads: int = HEADS,
    layers: int = LAYERS,
) -> SentenceRecord:
    """A sentence pair at three sites of all layers."""
    read, heard = len(target) + 1, len(source) + 1
    lengths = {Site.ENCODER_SELF: (heard, heard), Site.DECODER_SELF: (read, read), Site.CROSS: (read, heard)}
    sites = [
        fake_site(site, layer, mixer, lengths[site], 10 * layer + place, heads)
        for place, (site, mixer) in enumerate(mixers.items())
        for layer in range(1, layers + 1)
    ]
    return SentenceRecord(source, target, False, tuple(sites))


def fake_shares(layers: int = LAYERS, heads: int = HEADS) -> list[Share]:
    """Shares of encoder self-attention with all terms, and of cross attention with E3 and a pattern."""
    draw = np.random.default_rng(5)
    shares = []
    for site, terms in ((Site.ENCODER_SELF, ("E1", "E2", "E3", "E4")), (Site.CROSS, ("E3", "pattern"))):
        for layer in range(1, layers + 1):
            parts = draw.dirichlet(np.ones(len(terms)), heads)
            for term, part in zip(terms, parts.T, strict=True):
                mean = float(part.mean())
                shares.append(Share(site, layer, None, term, mean, mean - 0.02, mean + 0.03))
                shares += [Share(site, layer, head, term, float(each), None, None) for head, each in enumerate(part)]
    return shares


def fake_heads(layers: int = LAYERS, heads: int = HEADS) -> list[HeadFacts]:
    draw = np.random.default_rng(6)
    return [
        HeadFacts(site, layer, head, "1111", draw.gamma(2, 1), draw.gamma(2, 1), draw.normal())
        for site in Site
        for layer in range(1, layers + 1)
        for head in range(heads)
    ]


def fake_alignments(layers: int = LAYERS, heads: int = HEADS) -> list[AlignmentFacts]:
    draw = np.random.default_rng(7)
    return [
        AlignmentFacts(layer, head, step, error, 100 - error, 99 - error)
        for step in ("predicts", "reads")
        for layer in range(1, layers + 1)
        for head in (*range(heads), None)
        for error in [draw.uniform(10, 90)]
    ]


RECORD = fake_record()
FIGURES: dict[str, Callable[[], Any]] = {
    "layer": lambda: layer_figure(RECORD, RECORD.sites[3]),
    "contributions": lambda: contribution_figure(fake_shares(1, 2)),
    "heads": lambda: heads_figure(fake_heads(1, 2)),
    "alignments": lambda: alignment_figure(fake_alignments(1, 2)),
}


def panel(figure: Any, row: int, column: int, columns: int) -> np.ndarray:
    """What a map of a layer's figure shows; NaN where it is grey."""
    return np.ma.filled(figure.axes[row * columns + column].images[0].get_array(), np.nan)


def texts(figure: Any) -> list[str]:
    return [text.get_text() for text in figure.findobj(Text) if text.get_visible()]


def boxes(figure: Any, chosen: list[Any]) -> list[Any]:
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return [Text.get_window_extent(text, canvas.get_renderer()) for text in chosen]


def test_a_layer_has_a_row_a_head_with_its_weights_and_each_term_less_the_mean_of_its_row() -> None:
    site = RECORD.sites[0]
    figure = layer_figure(RECORD, site)
    assert len(figure.axes) == HEADS * 5 + 2
    for head in range(HEADS):
        np.testing.assert_allclose(panel(figure, head, 0, 5), site.weights[head])
        for column, term in enumerate(site.terms.values(), 1):
            expected = np.array([row - sum(row) / len(row) for row in term[head]])
            np.testing.assert_allclose(panel(figure, head, column, 5), expected)


def test_weights_are_coloured_from_0_to_1_and_all_terms_by_one_symmetric_scale() -> None:
    site = RECORD.sites[0]
    images = [axes.images[0] for axes in layer_figure(RECORD, site).axes[: HEADS * 5]]
    largest = max(np.abs(term - term.mean(-1, keepdims=True)).max() for term in site.terms.values())
    for number, image in enumerate(images):
        limits = (0.0, 1.0) if number % 5 == 0 else (-largest, largest)
        assert image.get_clim() == pytest.approx(limits)


@pytest.mark.parametrize("by_head", [False, True])
def test_hidden_keys_are_grey_and_what_their_logits_say_does_not_count(by_head: bool) -> None:
    site = fake_site(Site.DECODER_SELF, 1, "1011", (9, 9), seed=3)
    visible = np.stack([site.visible & (np.eye(9, k=-head) == 0) for head in range(HEADS)]) if by_head else site.visible
    seen = np.broadcast_to(visible, site.weights.shape)
    wild = {name: np.where(seen, term, [np.nan, np.inf, 1e30] * 3) for name, term in site.terms.items()}
    figure = layer_figure(RECORD, replace(site, terms=wild, visible=visible))
    for head in range(HEADS):
        for column, term in enumerate([site.weights, *site.terms.values()]):
            shown = panel(figure, head, column, 4)
            np.testing.assert_array_equal(np.isnan(shown), ~seen[head])
            if column:
                rows = [row[keys] for row, keys in zip(term[head], seen[head], strict=True) if keys.any()]
                np.testing.assert_allclose(shown[seen[head]], np.concatenate([row - row.mean() for row in rows]))


def test_a_pattern_that_hides_a_key_from_one_head_alone_is_grey_there() -> None:
    logits = np.array([[[1.0, -np.inf, 3.0]], [[1.0, 2.0, 6.0]]])
    np.testing.assert_array_equal(
        centred(logits, np.ones((1, 3), dtype=bool)), [[[-1.0, np.nan, 1.0]], [[-2.0, -1.0, 3.0]]]
    )
    assert np.isnan(centred(logits, np.zeros((1, 3), dtype=bool))).all()


def test_a_layer_without_any_variation_is_drawn() -> None:
    site = fake_site(Site.CROSS, 1, "0010", (9, 12), seed=1)
    flat = replace(site, terms={"E3": np.full((HEADS, 9, 12), 5.0)})
    assert layer_figure(RECORD, flat).axes[1].images[0].get_clim() == (-1.0, 1.0)


def test_the_figure_says_which_layer_and_what_its_axes_are() -> None:
    shown = texts(layer_figure(RECORD, RECORD.sites[7]))
    assert "cross attention, layer 2: 0010" in shown
    assert "down, query: step that predicts" in shown
    assert "across, key: source subword" in shown
    assert "head 4" in shown
    assert {"weights", "E3", "key content"} <= set(shown)
    generated = layer_figure(replace(RECORD, generated=True), RECORD.sites[7])
    assert "down, query: step that predicts, of the model's own translation" in texts(generated)


def test_the_rows_of_a_convolution_are_taps_and_it_has_no_terms() -> None:
    figure = layer_figure(RECORD, RECORD.sites[3])
    assert [text for text in texts(figure) if text.startswith(("tap", "head"))] == ["tap 1", "tap 2", "tap 3"]
    assert len(figure.axes) == TAPS + 1
    words = {"conv": "tap", "deform:kernel=5": "tap", "deform:kernel=5+0010": "head", "light": "head", "1111": "head"}
    assert {mixer: head_word(mixer) for mixer in words} == words


def test_subwords_are_labels_on_one_line_and_never_formulas() -> None:
    assert [label("▁new"), label("a\nb"), label("x" * 30)] == ["_new", "a\ufffdb", "x" * 17 + "…"]
    axes = layer_figure(RECORD, RECORD.sites[0]).axes[0]
    ticks = [*axes.get_xticklabels(), *axes.get_yticklabels()]
    assert [tick.get_text() for tick in ticks] == [label(subword) for subword in (*SOURCE, "</s>")] * 2
    assert not any(tick.get_parse_math() for tick in ticks)
    odd = replace(RECORD, source=(*SOURCE[:-1], r"$\frac{$"))
    FigureCanvasAgg(layer_figure(odd, replace(RECORD.sites[0], terms={}))).draw()


@pytest.mark.parametrize("length", [1, 11, 60])
def test_labels_of_short_and_long_sentences_are_large_enough_and_do_not_overlap(length: int) -> None:
    record = fake_record((SOURCE * 6)[:length], (TARGET * 8)[:length], {Site.CROSS: "0010"}, heads=2, layers=1)
    figure = layer_figure(record, record.sites[0])
    keys, queries = figure.axes[2].get_xticklabels(), figure.axes[0].get_yticklabels()
    assert all(float(text.get_fontsize()) >= 6.5 for text in (*keys, *queries))
    for chosen in (keys, queries):
        placed = boxes(figure, chosen)
        assert not any(one.overlaps(other) for one, other in pairwise(placed))
        width, height = figure.get_size_inches() * figure.dpi
        assert all(box.x0 >= 0 and box.y0 >= 0 and box.x1 <= width and box.y1 <= height for box in placed)


def test_keys_of_a_long_sentence_are_named_under_every_head() -> None:
    for length, named in ((11, [False, True]), (60, [True, True])):
        record = fake_record((SOURCE * 6)[:length], (TARGET * 8)[:length], {Site.CROSS: "0010"}, heads=2, layers=1)
        axes = layer_figure(record, record.sites[0]).axes
        assert [bool(axes[place].get_xticklabels()) for place in (0, 2)] == named


def test_contributions_have_a_bar_a_layer_and_term_an_interval_and_a_dot_a_head() -> None:
    shares = fake_shares()
    figure: Any = contribution_figure(shares)
    assert [axes.get_title(loc="left") for axes in figure.axes] == ["encoder self", "cross"]
    for axes, site in zip(figure.axes, (Site.ENCODER_SELF, Site.CROSS), strict=True):
        here = [share for share in shares if share.site is site]
        of_layers = [share for share in here if share.head is None]
        assert [bar.get_width() for bar in axes.patches] == pytest.approx([100 * share.share for share in of_layers])
        drawn = [np.asarray(line.get_xdata(), dtype=float) for line in axes.lines]
        dots = [100 * share.share for share in here if share.head is not None]
        assert [float(line[0]) for line in drawn if len(line) == 1] == pytest.approx(dots)
        intervals = [line.tolist() for line in drawn if len(line) == 2 and line[0] != line[1]]
        expected = [[100 * share.low, 100 * share.high] for share in of_layers if share.low and share.high]
        assert intervals == [pytest.approx(pair) for pair in expected]
    assert [text.get_text() for text in figure.legends[0].get_texts()][-1] == "pattern, no term of the four"


def test_every_head_is_a_point_with_its_name_and_names_do_not_overlap() -> None:
    heads = fake_heads()
    figure = heads_figure(heads)
    for axes, site in zip(figure.axes, Site, strict=True):
        here = [head for head in heads if head.site is site]
        points = np.stack(axes.lines[0].get_data(), -1)
        np.testing.assert_allclose(points, [(head.distance, head.entropy) for head in here])
        assert [text.get_text() for text in axes.texts] == [f"{head.layer}.{head.head + 1}" for head in here]
        placed = boxes(figure, list(axes.texts))
        assert not any(box.overlaps(other) for number, box in enumerate(placed) for other in placed[:number])


def test_the_best_of_all_alignments_has_a_frame_and_each_cell_its_error() -> None:
    facts = fake_alignments()
    figure: Any = alignment_figure(facts)
    best = min(facts, key=lambda fact: fact.error)
    frames = [(panel, patch) for panel in range(2) for patch in figure.axes[panel].patches if patch.get_gid() == "best"]
    assert len(frames) == 1
    number, frame = frames[0]
    assert ("predicts", "reads")[number] == best.step
    column = HEADS if best.head is None else best.head
    assert (frame.get_x() + 0.46, frame.get_y() + 0.46) == pytest.approx((column, best.layer - 1))
    for place, step in enumerate(("predicts", "reads")):
        table = figure.axes[place].images[0].get_array()
        expected = [fact.error for fact in facts if fact.step == step]
        np.testing.assert_allclose(np.ravel(table), expected)
        assert [text.get_text() for text in figure.axes[place].texts] == [f"{error:.1f}" for error in expected]
    assert [tick.get_text() for tick in figure.axes[0].get_xticklabels()] == ["1", "2", "3", "4", "mean"]


def test_figures_of_nothing_are_refused() -> None:
    for draw, message in (
        (contribution_figure, "a figure of contributions must have shares, not none"),
        (heads_figure, "a figure of heads must have heads, not none"),
        (alignment_figure, "a figure of alignments must have facts, not none"),
    ):
        with pytest.raises(SpecError, match=message):
            draw([])


@pytest.mark.parametrize("name", FIGURES)
def test_files_are_images_without_a_date_and_the_same_every_time(name: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        first, second = ([image_bytes(FIGURES[name](), kind) for kind in ("png", "svg")] for _ in range(2))
    assert first == second
    assert first[0].startswith(b"\x89PNG")
    assert ElementTree.fromstring(first[1]).tag.endswith("svg")
    assert b"dc:date" not in first[1]


def test_other_kinds_of_images_are_refused() -> None:
    with pytest.raises(SpecError, match="the kind of an image must be png or svg, not 'pdf'"):
        image_bytes(FIGURES["heads"](), "pdf")


@pytest.mark.parametrize("name", FIGURES)
def test_figures_without_matplotlib_are_refused(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(SpecError, match=r"must have matplotlib, which is missing: pip install 'nmt_attn\[plot\]'"):
        FIGURES[name]()


def test_figures_and_the_page_need_neither_torch_nor_a_screen() -> None:
    modules = "nmt_attn.inspection.plots.heads, nmt_attn.inspection.plots.summary, nmt_attn.inspection.page"
    code = f"import sys, {modules}; print(sorted({{'torch', 'fairseq', 'matplotlib'}} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
