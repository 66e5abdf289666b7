"""What all sentences say about a model, as Markdown for a person and as CSV for programs.

Heads count from 1 in Markdown, as in figures, and from 0 in CSV, as in the facts.
"""

import csv
import io
from collections.abc import Sequence
from dataclasses import astuple, fields
from math import isnan

from nmt_attn.inspection.facts import AlignmentFacts, HeadFacts, Share
from nmt_attn.inspection.plots.style import head_number
from nmt_attn.spec import Site, SpecError

SHOWN = 10  # alignments in the table: as many as one reads
ORDER = list(Site)


def csv_text(
    kind: type[HeadFacts | Share | AlignmentFacts], facts: Sequence[HeadFacts | Share | AlignmentFacts]
) -> str:
    """Facts of one kind with all their digits: a column a field, named as it is, and a row a fact, in their order.

    Empty where a field is None: the head of a whole layer, the interval of a single sentence. Raises SpecError for a
    fact of another kind.
    """
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(field.name for field in fields(kind))
    for fact in facts:
        if type(fact) is not kind:
            raise SpecError(f"a table of {kind.__name__} must hold these alone, not {type(fact).__name__}")
        writer.writerow(value.value if isinstance(value, Site) else value for value in astuple(fact))
    return buffer.getvalue()


def markdown(
    heads: Sequence[HeadFacts], shares: Sequence[Share], alignments: Sequence[AlignmentFacts], chance: float | None
) -> str:
    """Tables of the terms of each layer, of all heads, and of the best alignments; of what is not there, none.

    chance: error in percent of linking words at the same relative place, for alignments. Raises SpecError for
    alignments without it, and if there is nothing to show.
    """
    parts = [*_layers(shares), *_heads(heads, shares), *_alignments(alignments, chance)]
    if not parts:
        raise SpecError("tables must show some heads, shares or alignments, not none")
    return "\n\n".join(parts) + "\n"


def _layers(shares: Sequence[Share]) -> list[str]:
    of_layers = [share for share in shares if share.head is None]
    if not of_layers:
        return []
    terms = sorted({share.term for share in of_layers})
    found = {(share.site, share.layer, share.term): share for share in of_layers}
    places = sorted({(ORDER.index(share.site), share.layer) for share in of_layers})
    rows = [
        [ORDER[site].value, str(layer), *(_share(found.get((ORDER[site], layer, term))) for term in terms)]
        for site, layer in places
    ]
    text = (
        "Part of the variation of logits over the keys that each term makes, in percent (95 % interval over sentences):"
    )
    return ["## Terms", text, _table(["site", "layer", *terms], rows, words=1)]


def _heads(heads: Sequence[HeadFacts], shares: Sequence[Share]) -> list[str]:
    """Of every head what is known, be it of one kind or of both."""
    known = {(ORDER.index(head.site), head.layer, head.head): head for head in heads}
    parts: dict[tuple[int, int, int], dict[str, float]] = {}
    for share in shares:
        if share.head is not None:
            parts.setdefault((ORDER.index(share.site), share.layer, share.head), {})[share.term] = share.share
    places = sorted({*known, *parts})
    if not places:
        return []
    terms = sorted({term for made in parts.values() for term in made})
    rows = []
    for place in places:
        site, layer, number = place
        mixer, *looks = _looks(known[place]) if place in known else [""] * 4
        made = parts.get(place, {})
        percents = [_percent(made[term]) if term in made else "" for term in terms]
        rows.append([ORDER[site].value, mixer, str(layer), str(head_number(number)), *looks, *percents])
    text = "Means over all queries: entropy in bits, distance of key and query and offset (key - query) in subwords"
    names = ["site", "mixer", "layer", "head", "entropy", "distance", "offset", *terms]
    return ["## Heads", f"{text}{'; terms in percent' if terms else ''}:", _table(names, rows, words=2)]


def _looks(head: HeadFacts) -> list[str]:
    return [head.mixer, _number(head.entropy), _number(head.distance), _number(head.offset, "+")]


def _alignments(facts: Sequence[AlignmentFacts], chance: float | None) -> list[str]:
    if not facts:
        return []
    if chance is None:
        raise SpecError("alignments must be shown beside a chance level, not without: give that of the same sentences")
    ranked = sorted(facts, key=lambda fact: fact.error)[:SHOWN]
    rows = [
        [f"that {fact.step}", str(fact.layer), "mean" if fact.head is None else str(head_number(fact.head))]
        + [f"{value:.1f}" for value in (fact.error, fact.precision, fact.recall)]
        for fact in ranked
    ]
    text = (
        f"Words linked by cross attention beside gold alignments, in percent; the {len(ranked)} lowest error rates of "
        f"{len(facts)}. Links of words at the same relative place have {chance:.1f}:"
    )
    return ["## Alignment", text, _table(["step", "layer", "head", "error", "precision", "recall"], rows, words=1)]


def _share(share: Share | None) -> str:
    if share is None:
        return ""
    if share.low is None or share.high is None:
        return _percent(share.share)
    return f"{_percent(share.share)} ({_percent(share.low)} to {_percent(share.high)})"


def _percent(part: float) -> str:
    return f"{100 * part:.1f}"


def _number(value: float, sign: str = "") -> str:
    """Two digits; nothing for what is not defined."""
    return "" if isnan(value) else f"{value:{sign}.2f}"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]], words: int) -> str:
    """words: how many columns from the first are words, which stand left."""
    lines = [f"| {' | '.join(row)} |" for row in (head, *rows)]
    return "\n".join([lines[0], "|" + "---|" * words + "---:|" * (len(head) - words), *lines[1:]])
