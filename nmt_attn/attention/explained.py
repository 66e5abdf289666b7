"""The terms of an attention site one by one, written from the formula: clear rather than fast.

    E1 = U z_q . V^C x_k      E2 = U z_q . V^R R_{k-q}      E3 = u . V^C x_k      E4 = v . V^R R_{k-q}

Only the sum counts for the softmax, and any vector c can move from U z to u and v without changing it. With the mean
m of U z over the queries of a sample the split no longer depends on where training has left c:

    E1 = (U z_q - m) . V^C x_k        E3 = (u + m) . V^C x_k        and the same with V^R R_{k-q} for E2, E4 and v

where u counts as 0 in a code with E1 and without E3, and v likewise.

Axes: b batch, h heads, t queries, s keys, d head size, m distances, c channels.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.functional import pad

from nmt_attn.attention.generalized import GeneralizedAttention
from nmt_attn.attention.masking import without_padding
from nmt_attn.attention.positions import sinusoids
from nmt_attn.spec import SpecError

TERMS = ("E1", "E2", "E3", "E4", "pattern")


@dataclass(frozen=True)
class Explained:
    """What a site computes for each query and key, keys in the order of the memory.

    weights: (b, h, t, s), zero at hidden keys. terms: logits (b, h, t, s), what the softmax sees is their sum; E1 to E4
    are divided by sqrt(head size), "pattern" is what is none of them: alibi, t5, gaussian, fixed, synthesizer, and
    deberta's key content x relative position (divided too). Empty for code 0000. At hidden keys they mean nothing.
    visible: (b, 1, t, s), or (b, h, t, s) where a pattern hides keys of some heads.
    """

    weights: Tensor
    terms: dict[str, Tensor]
    visible: Tensor


def explain(
    mixer: GeneralizedAttention,
    query: Tensor,
    memory: Tensor,
    padding: Tensor | None = None,
    mean_query: Tensor | None = None,
) -> Explained:
    """Weights and terms of a call with query (b, t, c), memory (b, s, c) and padding (b, s), as Mixer.forward has them.

    mean_query: (h, d), the mean of what query_vectors returns, to be moved from E1 to E3 and from E2 to E4; None for
    the terms as trained. Raises SpecError for another shape.
    """
    spec = mixer.spec
    memory = without_padding(memory, padding)
    queries = query_vectors(mixer, query, padding)
    if mean_query is not None and (queries is None or mean_query.shape != queries.shape[1::2]):
        wanted = "absent without U" if queries is None else str(tuple(queries.shape[1::2]))
        raise SpecError(f"the mean query of {spec.text} must be {wanted}, not {tuple(mean_query.shape)}")
    distances = _distances(spec.site.is_self, query.shape[1], memory.shape[1], padding)
    shape = (memory.shape[0], spec.heads, query.shape[1], memory.shape[1])
    parts = _content_terms(mixer, queries, memory, mean_query) | _position_terms(mixer, queries, distances, mean_query)
    visible = _visible(mixer, distances, padding)
    pattern = _pattern(mixer, memory, distances, padding)
    if pattern is not None:
        shown = ~pattern.isneginf()  # those that a fixed pattern hides
        visible = visible if shown.all() else visible & _all_heads(shown, spec.heads, first=True, filler=1.0)
        parts["pattern"] = _all_heads(pattern.masked_fill(~shown, 0.0), spec.heads, first=True)
    terms = {name: _all_heads(parts[name], spec.heads).expand(shape) for name in TERMS if name in parts}
    logits = sum(terms.values(), memory.new_zeros(shape))
    weights = logits.masked_fill(~visible, -torch.inf).softmax(dim=-1).masked_fill(~visible, 0.0)
    return Explained(weights, terms, visible.expand(shape[0], -1, -1, -1))


def query_vectors(mixer: GeneralizedAttention, query: Tensor, padding: Tensor | None = None) -> Tensor | None:
    """U z of the queries (b, t, c): (b, h, t, d), h only the heads that look at content; None in a code without U.

    padding: (b, s); the padded queries of self-attention count as zeros.
    """
    if mixer.query_projection is None:
        return None
    query = without_padding(query, padding) if mixer.spec.site.is_self else query
    return _heads(mixer.query_projection(query), mixer.spec.head_size).transpose(1, 2)


def _content_terms(
    mixer: GeneralizedAttention, queries: Tensor | None, memory: Tensor, mean: Tensor | None
) -> dict[str, Tensor]:
    """E1 (b, h, t, s) and E3 (b, h, 1, s)."""
    spec = mixer.spec
    if mixer.key_projection is None:
        return {}
    keys = _heads(mixer.key_projection(memory), spec.head_size)  # (b, s, h, d)
    moving, still = _bracket(queries if spec.terms.query_key else None, mixer.key_saliency, mean)
    terms = {}
    if moving is not None:
        terms["E1"] = torch.einsum("bhtd,bshd->bhts", moving, keys) * mixer.scale
    if still is not None:
        terms["E3"] = torch.einsum("hd,bshd->bhs", still, keys)[:, :, None] * mixer.scale
    return terms


def _position_terms(
    mixer: GeneralizedAttention, queries: Tensor | None, distances: Tensor, mean: Tensor | None
) -> dict[str, Tensor]:
    """E2 (b, h, t, s) and E4 (b, h, t, s), 1 for b where all sentences are alike; distances: k - q, (b, t, s)."""
    spec = mixer.spec
    rows, column = _table(distances, spec.max_distance)
    if mixer.position_vectors is not None:
        assert spec.max_distance is not None
        vectors = mixer.position_vectors[rows + spec.max_distance, None].expand(-1, spec.heads, -1)  # (m, h, d)
    elif mixer.position_projection is not None:
        vectors = _projected(rows, mixer.position_projection, spec.position_size, spec.head_size)
    else:
        return {}
    moving, still = _bracket(queries if spec.terms.query_position else None, mixer.position_bias, mean)
    terms = {}
    if moving is not None:
        by_distance = torch.einsum("bhtd,mhd->bhtm", moving, vectors) * mixer.scale
        terms["E2"] = _read(by_distance, column)
    if still is not None:
        by_distance = torch.einsum("hd,mhd->hm", still, vectors)[None, :, None] * mixer.scale
        terms["E4"] = _read(by_distance.expand(-1, -1, distances.shape[1], -1), column)
    return terms


def _pattern(mixer: GeneralizedAttention, memory: Tensor, distances: Tensor, padding: Tensor | None) -> Tensor | None:
    """What is none of the four terms: (b, g, t, s), -inf at keys that a fixed pattern hides; g of fixed: its heads."""
    spec = mixer.spec
    if mixer.position_query_projection is not None:  # V^C x_k . U^R R_{q-k}
        assert mixer.key_projection is not None
        keys = _heads(mixer.key_projection(memory), spec.head_size)
        rows, column = _table(-distances.transpose(1, 2), spec.max_distance)  # (b, s, t)
        vectors = _projected(rows, mixer.position_query_projection, spec.position_size, spec.head_size)
        by_distance = torch.einsum("bshd,mhd->bhsm", keys, vectors) * mixer.scale
        return _read(by_distance, column).transpose(2, 3)
    if mixer.position_pattern is None:
        return None
    real = memory.new_ones(1, memory.shape[1], dtype=torch.long) if padding is None else (~padding).long()
    places = (real.cumsum(dim=1) - 1).clamp(min=0)
    logits: Tensor = mixer.position_pattern(places, real.sum(dim=1), 0, distances.shape[1], memory.dtype)
    return logits


def _bracket(queries: Tensor | None, own: Tensor | None, mean: Tensor | None) -> tuple[Tensor | None, Tensor | None]:
    """What of the bracket [U z_q] + [u] depends on the query, (b, h, t, d), and what does not, (h, d)."""
    if queries is None or mean is None:
        return queries, own
    return queries - mean[:, None], mean if own is None else own + mean


def _distances(is_self: bool, queries: int, keys: int, padding: Tensor | None) -> Tensor:
    """k - q of each pair: (b, t, s), 1 for b if they are the same for all sentences.

    In cross attention keys count from the first that is no padding; those before it come last, as in site.py.
    """
    device = None if padding is None else padding.device
    places = torch.arange(keys, device=device)[None]
    if padding is not None and not is_self:
        places = (places - padding.long().cumprod(dim=1).sum(dim=1, keepdim=True)) % max(keys, 1)
    return places[:, None, :] - torch.arange(queries, device=device)[:, None]


def _visible(mixer: GeneralizedAttention, distances: Tensor, padding: Tensor | None) -> Tensor:
    """True where mask, window and padding let a query see a key: (b, 1, t, s)."""
    visible = torch.ones_like(distances, dtype=torch.bool)
    if mixer.spec.site.is_causal:
        visible = visible & (distances <= 0)
    if mixer.spec.window is not None:
        visible = visible & (distances.abs() <= mixer.spec.window)
    if padding is not None:
        visible = visible & ~padding[:, None, :]
    return visible[:, None]


def _table(distances: Tensor, limit: int | None) -> tuple[Tensor, Tensor]:
    """The distances that occur, clipped to the limit, once each (m); and where in them each pair's is."""
    return (distances if limit is None else distances.clamp(-limit, limit)).unique(return_inverse=True)


def _projected(distances: Tensor, projection: nn.Linear, size: int, head_size: int) -> Tensor:
    """A projection of R of distances (m): (m, h, d)."""
    return _heads(projection(sinusoids(distances, size).to(projection.weight)), head_size)


def _read(by_distance: Tensor, column: Tensor) -> Tensor:
    """Logits by distance (b, h, t, m) as logits by key (b, h, t, s), by the columns (b, t, s) of their distances."""
    batch = max(by_distance.shape[0], column.shape[0])
    column = column[:, None].expand(batch, by_distance.shape[1], -1, -1)
    return by_distance.expand(batch, -1, -1, -1).gather(-1, column)


def _heads(x: Tensor, head_size: int) -> Tensor:
    """(..., c) to (..., h, d)."""
    return x.unflatten(-1, (-1, head_size))


def _all_heads(x: Tensor, heads: int, first: bool = False, filler: float = 0.0) -> Tensor:
    """x (b, g, t, s) of the first, or the last, g heads with a filler for the others: (b, h, t, s)."""
    missing = heads - x.shape[1]
    return pad(x, (0, 0, 0, 0, *((0, missing) if first else (missing, 0))), value=filler)
