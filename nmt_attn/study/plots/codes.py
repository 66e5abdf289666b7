"""BLEU of every run, a dot each; BLEU of the 16 codes as a map."""

from typing import Any

from nmt_attn.spec import ALL_CODES
from nmt_attn.study.plots.style import COLOURS, GREY, LINE, footing, new_figure, shown_order
from nmt_attn.study.reporting.facts import CorpusFindings, Factorial

ENOUGH = 12  # codes that a map needs
PLACES = {"self": "self-attention", "cross": "cross attention"}
PAIRS = ("00", "01", "10", "11")


def dot_plot(corpus: CorpusFindings) -> Any | None:
    """A row a model, a dot a seed, a stroke at the mean."""
    rows = shown_order(corpus.rows)
    if not rows:
        return None
    figure = new_figure(1.5 + LINE * 1.1 * len(rows))
    axes = figure.subplots()
    for place, row in enumerate(rows):
        scores = list(row.scores.values())
        axes.plot(scores, [place] * len(scores), "o", color=COLOURS[row.role], alpha=0.6, markersize=7)
        axes.plot([row.mean] * 2, [place - 0.32, place + 0.32], "-", color=COLOURS[row.role], linewidth=2)
    axes.axvline(rows[0].mean, color=GREY, linewidth=0.8, linestyle=":", zorder=0)
    axes.set_yticks(range(len(rows)), [f"{row.label}  {row.mean:.2f}" for row in rows])
    axes.set_ylim(len(rows) - 0.5, -0.6)
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="x", alpha=0.25)
    axes.margins(x=0.05)
    axes.set_xlabel(f"BLEU, one dot a run, a stroke at the mean\n{footing(corpus)}")
    return figure


def heat_map(corpus: CorpusFindings, factorial: Factorial) -> Any | None:
    """Mean BLEU of the codes at one place, E1 and E2 down, E3 and E4 across; None with too few of them."""
    means = {code: row.mean for code, model in factorial.models.items() if (row := corpus.row(model))}
    if len(means) < ENOUGH:
        return None
    figure = new_figure(4.6, width=6.2)
    axes = figure.subplots()
    table = [[means.get(first + second, float("nan")) for second in PAIRS] for first in PAIRS]
    image = axes.imshow(table, cmap="cividis", aspect="auto")
    axes.set_facecolor("#dddddd")
    middle = (min(means.values()) + max(means.values())) / 2
    for code in ALL_CODES:
        text = f"{code}\n{means[code]:.2f}" if code in means else f"{code}\nno run"
        colour = "white" if means.get(code, middle) < middle else "black"
        place = PAIRS.index(code[2:]), PAIRS.index(code[:2])
        axes.annotate(text, place, ha="center", va="center", color=colour)
    axes.set_xticks(range(4), [f"E3 E4\n{pair[0]} {pair[1]}" for pair in PAIRS])
    axes.set_yticks(range(4), [f"E1 E2  {pair[0]} {pair[1]}" for pair in PAIRS])
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    figure.colorbar(image, ax=axes, label="BLEU, mean over seeds")
    axes.set_xlabel(f"{PLACES[factorial.place]}; {footing(corpus)}", fontsize=7.5)
    return figure
