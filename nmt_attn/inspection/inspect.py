"""All that is seen inside a model over some sentences, computed, and written into a folder."""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nmt_attn.corpora.tokens import tokenize
from nmt_attn.inspection.alignment import alignment_facts, best, chance_level
from nmt_attn.inspection.contributions import contributions
from nmt_attn.inspection.facts import AlignmentFacts, HeadFacts, SentenceRecord, Share
from nmt_attn.inspection.gold import GoldAlignment, read_gold
from nmt_attn.inspection.heads import head_facts
from nmt_attn.inspection.loading import Loaded, Pair
from nmt_attn.inspection.page import PageFacts, page
from nmt_attn.inspection.plots.heads import layer_figure
from nmt_attn.inspection.plots.style import image_bytes
from nmt_attn.inspection.plots.summary import alignment_figure, contribution_figure, heads_figure
from nmt_attn.inspection.tables import csv_text, markdown

Say = Callable[[str], None]
WORDS: Mapping[str, Callable[[str], Sequence[str]]] = {"spaces": str.split, "fragment": tokenize}


@dataclass(frozen=True)
class Gold:
    """A file of gold alignments: what it calls the first word, and how its words come from the text (of WORDS)."""

    path: Path
    first: int = 0
    words: str = "spaces"


@dataclass(frozen=True)
class Inspection:
    """What was found. shown: the sentences of the pictures; chance: error of the diagonal, with alignments."""

    shown: tuple[SentenceRecord, ...]
    heads: tuple[HeadFacts, ...]
    shares: tuple[Share, ...]
    alignments: tuple[AlignmentFacts, ...]
    chance: float | None
    sentences: int
    resamples: int


def inspect(
    loaded: Loaded,
    sources: Sequence[str],
    targets: Sequence[str] | None,
    gold: Gold | None,
    shown: int,
    resamples: int,
    say: Say,
) -> Inspection:
    """Reads the sentence pairs, of which the first ``shown`` are kept for pictures.

    targets: None for the model's own translations. Raises SpecError for input that does not fit.
    """
    unread = loaded.pairs(sources, targets)
    words = None if gold is None else _gold_words(gold, sources, targets)
    say("reading" if targets is not None else "translating")
    pairs = list(unread)
    means = loaded.mean_queries(pairs)
    say(f"terms of {len(pairs)} sentence pairs")
    shares = contributions(loaded, pairs, resamples)
    say("heads")
    heads = head_facts(map(loaded.read, pairs))
    alignments: list[AlignmentFacts] = []
    if words is not None:
        say("alignments")
        alignments = alignment_facts(_aligned(loaded, pairs, words))
    return Inspection(
        tuple(loaded.read(pair, means) for pair in pairs[:shown]),
        tuple(heads),
        tuple(shares),
        tuple(alignments),
        None if words is None else chance_level(words),
        len(pairs),
        resamples,
    )


_Words = tuple[Sequence[str], Sequence[str], GoldAlignment]


def _gold_words(gold: Gold, sources: Sequence[str], targets: Sequence[str] | None) -> list[_Words]:
    """Words of each side and their links."""
    split = WORDS[gold.words]
    texts = [(split(source), split(target)) for source, target in zip(sources, targets or (), strict=True)]
    links = read_gold(gold.path, gold.first, [(len(source), len(target)) for source, target in texts])
    return [(*sides, each) for sides, each in zip(texts, links, strict=True)]


def _aligned(
    loaded: Loaded, pairs: Sequence[Pair], words: Sequence[_Words]
) -> Iterator[tuple[SentenceRecord, Sequence[str], Sequence[str], GoldAlignment]]:
    return ((loaded.read(pair), *each) for pair, each in zip(pairs, words, strict=True))


def write(found: Inspection, out: Path, title: str, notes: Sequence[str], say: Say) -> Path:
    """Writes tables, figures and the page into a folder, each file as a whole; returns the page.

    figures/SITE-layerN.png and .svg show the first sentence; the page all that are shown.
    """
    say("figures")
    files = {
        "heads.csv": csv_text(HeadFacts, found.heads).encode(),
        "contributions.csv": csv_text(Share, found.shares).encode(),
        "tables.md": tables(found).encode(),
    }
    if found.alignments:
        files["alignments.csv"] = csv_text(AlignmentFacts, found.alignments).encode()
    figures = {f"{s.site.value.replace(' ', '-')}-layer{s.layer}": (found.shown[0], s) for s in found.shown[0].sites}
    for name, (record, site) in figures.items():
        files |= _pictures(name, layer_figure(record, site))
    if found.shares:
        files |= _pictures("contributions", contribution_figure(found.shares))
    if found.heads:
        files |= _pictures("heads", heads_figure(found.heads))
    if found.alignments:
        files |= _pictures("alignments", alignment_figure(found.alignments))
    content = PageFacts(found.shown, found.heads, found.shares, found.alignments, (*notes, *_notes(found)))
    files["index.html"] = page(title, content).encode()
    for name, data in files.items():
        path = out / name
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(f"{path.name}.part")
        part.write_bytes(data)
        os.replace(part, path)
    for old in (out / "alignments.csv", *(out / "figures").iterdir()):  # of another model that was inspected into it
        if str(old.relative_to(out)) not in files and old.suffix in (".png", ".svg", ".csv"):
            old.unlink(missing_ok=True)
    return out / "index.html"


def tables(found: Inspection, heads: bool = True) -> str:
    """The tables in Markdown, with that of the heads if asked for; a line if there is nothing to count."""
    shown = found.heads if heads else ()
    shares = found.shares if heads else [share for share in found.shares if share.head is None]
    if not (shown or shares or found.alignments):
        return "No terms to count: all attention is uniform, or convolution.\n"
    return markdown(shown, shares, found.alignments, found.chance)


def _pictures(name: str, figure: Any) -> dict[str, bytes]:
    return {f"figures/{name}.{kind}": image_bytes(figure, kind) for kind in ("png", "svg")}


def _notes(found: Inspection) -> Iterator[str]:
    plural = "" if found.sentences == 1 else "s"
    yield f"Counted over {found.sentences} sentence pair{plural}, of which {len(found.shown)} can be looked at here."
    if found.sentences > 1:
        yield f"Intervals: percentiles 2.5 to 97.5 of {found.resamples:,} resamples of the sentences."
    if found.alignments:
        lowest = best(found.alignments)
        head = "mean of the heads" if lowest.head is None else f"head {lowest.head + 1}"
        yield (
            f"Lowest alignment error: {lowest.error:.1f} %, layer {lowest.layer}, {head}, of the step that "
            f"{lowest.step} the word. Linking words at the same relative place: {found.chance:.1f} %."
        )
