"""Figures: the right numbers in the right places, labels that do not overlap, files that are the same every time."""

import random
import subprocess
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.text import Text

from nmt_attn.spec import ALL_CODES, SpecError
from nmt_attn.study.figures import corpus_pictures, cost_plot, curves_plot, dot_plot, forest_plot, heat_map
from nmt_attn.study.findings import CorpusFindings, find
from nmt_attn.study.margins import Margins
from nmt_attn.study.plots.curves import mean_curve
from nmt_attn.study.plots.style import spread
from tests.study.stores import FACTORIAL, TINY, record, scored, study_in

SCORES = {TINY: [80.0, 81.0, 80.4], f"{TINY}_self0111": [79.9, 80.8, 80.1], f"{TINY}_cross0111": [60.0, 61.0, 60.2]}


@pytest.fixture
def corpus(tmp_path: Path) -> CorpusFindings:
    return find(study_in(tmp_path)[0], scored("fragment", SCORES), None).corpora[0]


@pytest.fixture
def sixteen(tmp_path: Path) -> CorpusFindings:
    """All codes in self-attention, of nearly the same BLEU."""
    draw = random.Random(2)
    study, _ = study_in(tmp_path, FACTORIAL)
    names = [TINY if code == "1111" else f"{TINY}_self{code}" for code in ALL_CODES]
    records = scored("fragment", {name: [80 + draw.random(), 80 + draw.random()] for name in names})
    records += [record("fragment", "far", 1_000_000, preset=f"{TINY}_self0010", bleu=80.0)]
    return find(study, records, None).corpora[0]


def _boxes(figure: Any, labels: list[str]) -> list[Any]:
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    texts = [text for axes in figure.axes for text in axes.texts if text.get_text() in labels]
    assert len(texts) == len(labels)
    return [Text.get_window_extent(text, canvas.get_renderer()) for text in texts]  # without the line that leads to it


def test_the_forest_plot_has_the_interval_and_the_seeds_of_each_model(corpus: CorpusFindings) -> None:
    axes = forest_plot(corpus, Margins()).axes[0]
    assert [tick.get_text() for tick in axes.get_yticklabels()] == ["self0111", "cross0111"]
    lines = [(np.asarray(line.get_xdata()), set(line.get_ydata())) for line in axes.lines]
    for place, row in enumerate(corpus.rows[1:]):
        assert row.comparison is not None
        drawn = [points.tolist() for points, height in lines if height == {place}]
        assert drawn == [
            pytest.approx(list(row.comparison.differences.values())),
            pytest.approx(row.comparison.interval),
            [pytest.approx(row.comparison.contrast.difference)],
        ]


def test_the_forest_plot_marks_what_is_provisional_and_what_is_exploratory(tmp_path: Path) -> None:
    scores = {**SCORES, f"{TINY}_cross0111": [60.0, 61.0], f"{TINY}_alibi": [80.1, 80.7, 80.5]}
    corpus = find(study_in(tmp_path)[0], scored("fragment", scores), None).corpora[0]
    told = [text.get_text().partition("] ")[2] for text in forest_plot(corpus, Margins()).axes[0].texts]
    row = corpus.row(f"{TINY}_alibi")
    assert row
    assert row.comparison
    holm = f"{row.comparison.contrast.p_different:.2f}"  # the only exploratory one
    assert told[-2:] == ["vital (provisional, 2 of 3 runs)", f"exploratory, no claim (Holm p {holm})"]


def test_large_differences_do_not_hide_the_margins(corpus: CorpusFindings) -> None:
    assert forest_plot(corpus, Margins()).axes[0].get_xscale() == "symlog"
    wide = forest_plot(corpus, Margins(vital=5.0)).axes[0]
    assert wide.get_xscale() == "linear"


def test_the_dot_plot_has_a_dot_a_run_and_a_stroke_at_the_mean(corpus: CorpusFindings) -> None:
    lines = dot_plot(corpus).axes[0].lines
    for place, row in enumerate(corpus.rows):
        assert list(lines[2 * place].get_xdata()) == list(row.scores.values())
        assert set(lines[2 * place + 1].get_xdata()) == {row.mean}


def test_the_cost_plot_has_three_panels_and_leaves_out_what_is_not_known(tmp_path: Path) -> None:
    records = scored("fragment", SCORES)
    for each in records[3:6]:
        each["multiply_adds"] = None
    corpus = find(study_in(tmp_path)[0], records, None).corpora[0]
    panels = cost_plot(corpus).axes
    places = [sorted(float(bar.lines[0].get_xdata()[0]) for bar in panel.containers) for panel in panels]
    assert [len(place) for place in places] == [3, 2, 3]
    assert places[2] == sorted(row.training_seconds for row in corpus.rows if row.training_seconds)


def test_a_cost_that_no_run_tells_is_said_to_be_unknown(tmp_path: Path) -> None:
    records = [{**each, "multiply_adds": None} for each in scored("fragment", SCORES)]
    panels = cost_plot(find(study_in(tmp_path)[0], records, None).corpora[0]).axes
    assert [["not known" in text.get_text() for text in panel.texts].count(True) for panel in panels] == [0, 1, 0]


def test_learning_curves_are_means_over_seeds_at_the_updates_that_all_have(tmp_path: Path) -> None:
    curves = [[[100, 4.0], [200, 3.0], [300, 2.0]], [[100, 5.0], [200, 4.0]]]
    records = [
        record("fragment", TINY, seed, curve=curve) for seed, curve in zip((1_000_000, 2_000_000), curves, strict=True)
    ]
    corpus = find(study_in(tmp_path)[0], records, None).corpora[0]
    assert mean_curve(corpus.rows[0]) == {100: [4.0, 5.0], 200: [3.0, 4.0]}
    line = curves_plot(corpus).axes[0].lines[0]
    assert (list(line.get_xdata()), list(line.get_ydata())) == ([100, 200], [4.5, 3.5])
    for each in records:
        del each["curve"]
    assert curves_plot(find(study_in(tmp_path)[0], records, None).corpora[0]) is None


def test_the_map_of_codes_shows_each_mean_at_its_place(sixteen: CorpusFindings) -> None:
    figure = heat_map(sixteen, sixteen.factorials[0])
    shown = {text.get_text().split("\n")[0]: text for text in figure.axes[0].texts}
    table = figure.axes[0].images[0].get_array()
    for code, model in sixteen.factorials[0].models.items():
        row = sixteen.row(model)
        column, line = shown[code].xy
        assert row is not None
        assert table[line, column] == pytest.approx(row.mean)
        assert (line, column) == (int(code[:2], 2), int(code[2:], 2))
    assert heat_map(sixteen, sixteen.factorials[1]) is None


@pytest.mark.parametrize("draw", [cost_plot, curves_plot])
def test_labels_of_many_models_with_nearly_the_same_score_do_not_overlap(sixteen: CorpusFindings, draw: Any) -> None:
    boxes = _boxes(draw(sixteen), [row.label for row in sixteen.rows])
    for number, box in enumerate(boxes):
        assert not any(box.overlaps(other) for other in boxes[:number])


def test_places_are_spread_as_little_as_it_takes() -> None:
    assert spread([1.0, 5.0], 1.0, 0.0, 10.0) == [1.0, 5.0]
    assert spread([5.0, 5.0, 5.0], 1.0, 0.0, 10.0) == pytest.approx([4.0, 5.0, 6.0])
    assert spread([], 1.0, 0.0, 1.0) == []
    draw = random.Random(1)
    for count in range(1, 30):
        places = [draw.choice([draw.random(), 0.5, 1.0]) for _ in range(count)]
        moved = sorted(spread(places, 0.05, 0.0, 1.0))
        assert np.diff(moved).min(initial=1.0) >= min(0.05, 1 / max(1, count - 1)) - 1e-9
        assert min(moved) >= -1e-9
        assert max(moved) <= 1 + 1e-9
        order = np.argsort(places, kind="stable")
        assert np.all(np.diff(np.array(spread(places, 0.05, 0.0, 1.0))[order]) >= 0)


def test_files_are_images_without_a_date_and_the_same_every_time(corpus: CorpusFindings) -> None:
    first, second = (corpus_pictures(corpus, Margins()) for _ in range(2))
    assert [picture.name for picture in first] == [
        f"fragment-{kind}" for kind in ("differences", "runs", "cost", "curves")
    ]
    for one, other in zip(first, second, strict=True):
        assert one.png.startswith(b"\x89PNG")
        assert ElementTree.fromstring(one.svg).tag.endswith("svg")
        assert b"dc:date" not in one.svg
        assert (one.png, one.svg) == (other.png, other.svg)


def test_figures_without_matplotlib_are_refused(corpus: CorpusFindings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(SpecError, match=r"must have matplotlib, which is missing: pip install 'nmt_attn\[study\]'"):
        corpus_pictures(corpus, Margins())


def test_reports_need_neither_torch_nor_a_screen() -> None:
    modules = "nmt_attn.study.report, nmt_attn.study.findings, nmt_attn.study.figures, nmt_attn.study.reporting.details"
    code = f"import sys, {modules}; print(sorted({{'torch', 'fairseq', 'matplotlib.pyplot'}} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
