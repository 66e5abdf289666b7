"""What part of the variation of a head's logits over the keys each term makes.

With L the sum of the terms E_i, all centred over the visible keys of each query,

    share_i = sum over queries of cov(E_i, L) / sum over queries of var(L),

means over the visible keys; a query with less than two of them counts nothing. Shares of a head sum to 1; a term that
works against the others has a negative one. Layers: both sums also over the heads. A constant of all keys changes
nothing, as it changes nothing in the softmax. A constant of all queries, which E1 can share with E3 and E2 with E4
without changing what the model computes, is moved to the terms without query first, see attention.explained: so code
1000 too has a share of E3, that of what U z says of the keys on average over all queries.

Axes: n sentences, h heads, t queries, s keys, i terms.
"""

from collections.abc import Iterable, Sequence

import numpy as np

from nmt_attn.inspection.facts import SentenceRecord, Share, SiteRecord
from nmt_attn.inspection.loading import Loaded, Pair
from nmt_attn.spec import Site, SpecError

PERCENTILES = (2.5, 97.5)


def contributions(loaded: Loaded, pairs: Sequence[Pair], resamples: int = 1_000, seed: int = 1) -> list[Share]:
    """Shares of the terms of all sites over sentence pairs, of each layer (head None) and head.

    Reads them twice: for the mean queries, then for the shares. Raises SpecError without a pair.
    """
    means = loaded.mean_queries(pairs)
    return shares((loaded.read(pair, means) for pair in pairs), resamples, seed)


def shares(records: Iterable[SentenceRecord], resamples: int = 1_000, seed: int = 1) -> list[Share]:
    """Shares of the terms as they are in the records: contributions moves mean queries first.

    Intervals are of the percentile bootstrap over sentences, the mean queries held fixed; they do not depend on the
    order of the sentences. A site, or a head, of which no logits vary (code 0000) has no Share. Raises SpecError
    without a record, for records of different models, and for less than one resample.
    """
    if resamples < 1:
        raise SpecError(f"the bootstrap must have at least one resample, not {resamples}")
    names: dict[tuple[Site, int], tuple[str, ...]] = {}
    sums: dict[tuple[Site, int], list[np.ndarray]] = {}
    for record in records:
        for site in record.sites:
            place = site.site, site.layer
            if names.setdefault(place, tuple(site.terms)) != tuple(site.terms):
                raise SpecError(
                    f"records must be of one model, not with the terms {names[place]} and {tuple(site.terms)}"
                )
            sums.setdefault(place, []).append(_covariances(site))
    if not sums:
        raise SpecError("contributions must be of at least one sentence, not of none")
    found: list[Share] = []
    order = list(Site)
    for place in sorted(sums, key=lambda place: (order.index(place[0]), place[1])):
        if names[place]:
            found += _of_layer(*place, names[place], np.stack(sums[place]), resamples, seed)
    return found


def _covariances(record: SiteRecord) -> np.ndarray:
    """cov(E_i, L), summed over the queries of a sentence: (h, i). Their sum over i is that of var(L)."""
    visible = np.broadcast_to(record.visible, record.weights.shape)
    keys = np.maximum(visible.sum(axis=-1), 1)
    centred = []
    for term in record.terms.values():
        shown = np.where(visible, term, 0.0).astype(np.float64)
        centred.append(np.where(visible, shown - (shown.sum(axis=-1) / keys)[..., None], 0.0))
    total = sum(centred, np.zeros(visible.shape))
    covariances = [((term * total).sum(axis=-1) / keys).sum(axis=-1) for term in centred]
    return np.stack(covariances, axis=-1) if centred else np.zeros((len(visible), 0))


def _of_layer(
    site: Site, layer: int, names: tuple[str, ...], sums: np.ndarray, resamples: int, seed: int
) -> Iterable[Share]:
    """Shares of a layer, then of its heads; sums: (n, h, i)."""
    sums = sums[np.lexsort(sums.reshape(len(sums), -1).T)]  # so that the order of sentences is none of the bootstrap's
    count = len(sums)
    draws = np.random.default_rng(seed).multinomial(count, np.full(count, 1 / count), size=resamples)  # (r, n)
    for head in (None, *range(sums.shape[1])):
        part = sums.sum(axis=1) if head is None else sums[:, head]  # (n, i)
        total = part.sum()
        if not total > 0:
            continue
        again = draws @ part  # (r, i)
        varied = again[again.sum(axis=1) > 0]  # without sentences that vary there is no share
        low, high = np.percentile(varied / varied.sum(axis=1, keepdims=True), PERCENTILES, axis=0)
        for column, name in enumerate(names):
            interval = (None, None) if count == 1 else (float(low[column]), float(high[column]))
            yield Share(site, layer, head, name, float(part[:, column].sum() / total), *interval)
