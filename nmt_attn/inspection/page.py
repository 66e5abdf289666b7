"""One page that shows what is seen inside a model: a file that needs no other, to click through in a browser.

Axes: h heads, t queries, s keys.
"""

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from nmt_attn.inspection.facts import AlignmentFacts, HeadFacts, SentenceRecord, Share, SiteRecord
from nmt_attn.inspection.plots.style import TERM_NAMES, head_number, head_word
from nmt_attn.spec import Site, SpecError

TEMPLATE = "page.html.j2"
WEIGHT_UNIT = 1e-5
DIGITS = 4  # of the largest number of a map


@dataclass(frozen=True)
class PageFacts:
    """What a page shows. notes: lines under its title, such as the checkpoint's name."""

    sentences: tuple[SentenceRecord, ...]
    heads: tuple[HeadFacts, ...]
    shares: tuple[Share, ...]
    alignments: tuple[AlignmentFacts, ...]
    notes: tuple[str, ...]


def page(title: str, facts: PageFacts) -> str:
    """The page as HTML with all its data, style and script inside; the same facts give the same text.

    Raises SpecError without sentences, and without jinja2.
    """
    if not facts.sentences:
        raise SpecError("a page must have sentences, not none: record at least one")
    try:
        from jinja2 import Environment, FileSystemLoader, StrictUndefined
    except ImportError:
        raise SpecError("a page must have jinja2, which is missing: pip install 'nmt_attn[study]'") from None
    loader = FileSystemLoader(Path(__file__).parent, encoding="utf-8")
    environment = Environment(loader=loader, autoescape=True, undefined=StrictUndefined, keep_trailing_newline=True)
    environment.globals |= {"head_number": head_number, "view": view}
    layers = [share for share in facts.shares if share.head is None]
    terms = [term for term in TERM_NAMES if any(share.term == term for share in facts.shares)]
    return environment.get_template(TEMPLATE).render(
        title=title,
        notes=facts.notes,
        data=embedded(facts.sentences),
        term_names=TERM_NAMES,
        terms=terms,
        layer_shares=_rows(layers),
        head_shares=_rows([share for share in facts.shares if share.head is not None]),
        heads=facts.heads,
        cross=Site.CROSS,
        alignments=sorted(facts.alignments, key=lambda fact: fact.error),
    )


def embedded(sentences: Sequence[SentenceRecord]) -> str:
    """The sentences as JSON that may stand in a script element: a subword can neither end it nor begin a comment.

    A map holds, by head, the numbers of visible cells from left to right and from top to bottom, as whole multiples of
    its "unit": to four digits of its largest number, weights to five decimals. A logit that is not finite is null.
    "visible" has, by head or once for all of them, a text of 0 and 1 a query; it is null where all keys are visible.
    """
    text = json.dumps([_sentence(record) for record in sentences], separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def view(site: Site, layer: int, head: int, shown: str) -> str:
    """The address, on the page, of a map of a head."""
    return f"#site={site.value.replace(' ', '-')}&layer={layer}&head={head_number(head)}&map={shown}"


def _sentence(record: SentenceRecord) -> dict[str, Any]:
    return {
        "source": record.source,
        "target": record.target,
        "generated": record.generated,
        "labels": {site.value: [record.query_labels(site), record.key_labels(site)] for site in Site},
        "sites": [_site(site) for site in record.sites],
    }


def _site(site: SiteRecord) -> dict[str, Any]:
    seen = np.broadcast_to(site.visible, site.weights.shape)
    masks = site.visible.reshape(-1, *site.visible.shape[-2:])
    lines = [["".join("01"[int(key)] for key in row) for row in mask] for mask in masks]
    return {
        "site": site.site.value,
        "layer": site.layer,
        "mixer": site.mixer,
        "word": head_word(site.mixer),
        "visible": None if seen.all() else lines,
        "maps": {
            "weights": _map(site.weights, seen, WEIGHT_UNIT),
            **{name: _map(term, seen, _unit(term[seen])) for name, term in site.terms.items()},
        },
    }


def _unit(values: np.ndarray) -> float:
    """The power of ten that leaves the largest number so many digits."""
    largest = float(np.abs(values[np.isfinite(values)]).max(initial=0.0))
    return 10.0 ** (math.floor(math.log10(largest)) + 1 - DIGITS) if largest > 0 else 1.0


def _map(values: np.ndarray, seen: np.ndarray, unit: float) -> dict[str, Any]:
    heads = [head[keys].tolist() for head, keys in zip(values, seen, strict=True)]
    return {"unit": unit, "heads": [[_whole(number / unit) for number in head] for head in heads]}


def _whole(value: float) -> int | None:
    return round(value) if math.isfinite(value) else None


def _rows(shares: Sequence[Share]) -> list[tuple[Share, dict[str, Share]]]:
    """A row a layer or head, in the order in which they come: one of its shares, and all by term."""
    rows: dict[tuple[Site, int, int | None], dict[str, Share]] = {}
    for share in shares:
        rows.setdefault((share.site, share.layer, share.head), {})[share.term] = share
    return [(next(iter(row.values())), row) for row in rows.values()]
