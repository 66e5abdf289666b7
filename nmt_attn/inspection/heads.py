"""How sharp each head's weights are and how far they look.

    entropy = - sum_k w_k log2 w_k        distance = sum_k w_k |k - q|        offset = sum_k w_k (k - q)

of each query, then the mean over the queries of all sentences. In cross attention q is the step and k the source
subword, both counted from the beginning of their sentence: the distance is that from the diagonal of equal places.

Axes: h heads, t queries, s keys.
"""

from collections.abc import Iterable

import numpy as np

from nmt_attn.inspection.facts import HeadFacts, SentenceRecord, SiteRecord
from nmt_attn.notation import ConvolutionNote, parse_mixers
from nmt_attn.spec import Site, SpecError


def head_facts(records: Iterable[SentenceRecord]) -> list[HeadFacts]:
    """Facts of each head of each attention site, over all queries that see a key.

    Convolutions alone are left out: their rows are taps, whose place is fixed or whose weights need not sum to 1. Of a
    chain (deform+CODE) it is the attention; a head that saw no key in any sentence is left out too, as one of fixed in
    sentences of one token. Raises SpecError for records of different models.
    """
    mixers: dict[tuple[Site, int], str] = {}
    sums: dict[tuple[Site, int], np.ndarray] = {}
    for record in records:
        for site in record.sites:
            place = site.site, site.layer
            if mixers.setdefault(place, site.mixer) != site.mixer:
                raise SpecError(f"records must be of one model, not of {mixers[place]} and {site.mixer} at a site")
            if not _is_convolution(site.mixer):
                sums[place] = sums.get(place, 0.0) + _sums(site)
    found = []
    order = list(Site)
    for site_kind, layer in sorted(sums, key=lambda place: (order.index(place[0]), place[1])):
        for head, (queries, *totals) in enumerate(sums[site_kind, layer]):
            if queries:
                entropy, distance, offset = (float(total / queries) for total in totals)
                found.append(HeadFacts(site_kind, layer, head, mixers[site_kind, layer], entropy, distance, offset))
    return found


def _is_convolution(mixer: str) -> bool:
    return isinstance(parse_mixers(mixer)[0], ConvolutionNote)


def _sums(record: SiteRecord) -> np.ndarray:
    """Queries with keys, entropy, distance and offset, summed over these queries: (h, 4)."""
    weights = record.weights.astype(np.float64)
    logarithms = np.log2(weights, out=np.zeros_like(weights), where=weights > 0)
    offsets = np.arange(weights.shape[2]) - np.arange(weights.shape[1])[:, None]
    seeing = np.broadcast_to(record.visible, weights.shape).any(axis=-1).sum(axis=-1)
    totals = [-(weights * logarithms), weights * np.abs(offsets), weights * offsets]
    return np.stack([seeing, *(total.sum(axis=(1, 2)) for total in totals)], axis=-1)
