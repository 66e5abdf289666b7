"""Transformer attention with four switchable terms: arXiv 1904.05873, equations 1 and 2.

    y_q = W [ sum_k softmax_k( (E1 + E2 + E3 + E4) / sqrt(d) ) W' x_k ]     for each head, then heads side by side

The four terms factor into two products, one with the key's content and one with its relative position:

    E1 + E3 = ([U z_q] + [u]) . V^C x_k          E2 + E4 = ([U z_q] + [v]) . V^R R_{k-q}

A term that is off leaves its bracket out; a product without brackets is not computed and owns no parameter. Beside
the paper's terms there can be a fifth, key content x relative position (He et al. 2021), and the position terms can be
made of something else (spec.Positions):

    E5 = V^C x_k . U^R R_{q-k}          shaw: a learned vector for V^R R_{k-q}          others: E4 = pattern(q, k)

Axes: b batch, h heads, t queries, s keys, d head size, m distances, c channels.
"""

import math

import torch
from torch import Tensor, nn

from nmt_attn.attention.cache import KeyValueCache
from nmt_attn.attention.masking import hidden_keys, hold_back_nonfinite, masked_softmax, without_padding
from nmt_attn.attention.mixer import Mixer
from nmt_attn.attention.patterns import build_pattern
from nmt_attn.attention.positions import clipped_distances, distances_to_keys, relative_positions
from nmt_attn.spec import AttentionSpec, Positions


class GeneralizedAttention(Mixer[AttentionSpec, KeyValueCache]):
    """One attention site. Parameters carry the paper's roles:

    query_projection U, key_projection V^C, position_projection V^R, key_saliency u, position_bias v,
    value_projection W', output_projection W (the only one with a bias; U, V^C and V^R must have none, because
    a bias on one of them is itself a term of another kind). Beside them position_query_projection U^R,
    position_vectors (one a clipped distance, shared by the heads) and position_pattern.
    """

    def __init__(self, spec: AttentionSpec) -> None:
        super().__init__()
        self.spec = spec
        terms, dim, content_dim = spec.terms, spec.dim, spec.content_heads * spec.head_size
        self.query_projection = _projection(dim, content_dim) if terms.use_query else None
        self.key_projection = _projection(spec.key_dim, content_dim) if spec.use_key else None
        kind = spec.positions if terms.use_position else None
        self.position_projection = _projection(dim, dim) if kind is Positions.SINUSOID else None
        self.position_vectors = _distance_vectors(spec) if kind is Positions.SHAW else None
        self.position_pattern = None if kind is None or kind.are_vectors else build_pattern(spec)
        self.key_saliency = _head_vectors(spec.content_heads, spec) if terms.key else None
        has_bias = terms.position and spec.positions.are_vectors
        self.position_bias = _head_vectors(spec.heads, spec) if has_bias else None
        self.position_query_projection = _projection(dim, dim) if spec.key_position else None
        self.value_projection = _projection(spec.key_dim, dim)
        self.output_projection = nn.Linear(dim, dim)
        nn.init.xavier_uniform_(self.output_projection.weight)
        nn.init.zeros_(self.output_projection.bias)

    def new_cache(self) -> KeyValueCache:
        return KeyValueCache()

    def forward(
        self,
        query: Tensor,
        memory: Tensor,
        padding: Tensor | None = None,
        cache: KeyValueCache | None = None,
        need_weights: bool = False,
    ) -> tuple[Tensor, Tensor | None]:
        """As Mixer.forward; positions in cross attention count from each sentence's first real token."""
        poison = None
        cache = KeyValueCache() if cache is None else cache
        if self.spec.site.is_self:
            query = memory = without_padding(query, padding)
            if self.spec.site.is_causal:
                memory, poison = hold_back_nonfinite(memory, cache)
        self._remember(memory, padding, cache)
        start, queries = cache.queries - cache.forgotten, query.shape[1]
        cache.queries += queries
        assert cache.values is not None
        keys = cache.values.shape[2]

        hidden = hidden_keys(
            queries, keys, start, query.device, self.spec.site.is_causal, self.spec.window, cache.padding
        )
        logits = self._logits(query, cache.keys, start, keys)
        if self.position_pattern is not None:
            logits, hidden = self._with_pattern(logits, hidden, cache, start, queries)
        weights = masked_softmax(logits, hidden)
        if self.training and self.spec.dropout > 0.0:
            kept = nn.functional.dropout(self._full(weights, query), self.spec.dropout)
        else:
            kept = weights
        mixed = (kept @ cache.values).expand(-1, -1, queries, -1)  # (b, h, t, d)
        output = self.output_projection(mixed.transpose(1, 2).flatten(2))
        if keys == 0:
            output = torch.zeros_like(output)
        elif hidden is not None and (cache.padding is not None or self.spec.window is not None):
            keyless = hidden.all(dim=-1).all(dim=1, keepdim=True)  # (b, 1, t), or 1 where the same for all
            output = output.masked_fill(keyless.transpose(1, 2), 0.0)
        if poison is not None:
            output = output + poison
        forgotten, offset = cache.forgotten, cache.offset
        if self.spec.site.is_causal and self.spec.window is not None:
            cache.keep_last(self.spec.window)
        if not need_weights:
            return output, None
        return output, nn.functional.pad(_in_memory_order(self._full(weights, query), offset), (forgotten, 0))

    def _remember(self, memory: Tensor, padding: Tensor | None, cache: KeyValueCache) -> None:
        """Projects what is new in the memory into the cache."""
        if not self.spec.site.is_self:
            if cache.values is not None:
                return
            memory = without_padding(memory, padding)
            counts = self.spec.terms.use_position or self.spec.key_position or self.spec.window is not None
            if padding is not None and counts:
                cache.offset = padding.long().cumprod(dim=1).sum(dim=1)
                memory = _rotate(memory, cache.offset)
                padding = _rotate(padding[:, :, None], cache.offset)[:, :, 0]
        keys = None if self.key_projection is None else self._split_heads(self.key_projection(memory))
        cache.append(keys, self._split_heads(self.value_projection(memory)), padding)

    def _logits(self, query: Tensor, keys: Tensor | None, start: int, key_count: int) -> Tensor:
        """Sum of the terms that are on, over sqrt(d): (b, h, t, s), with 1 for an axis on which it does not depend.

        Without the terms of a pattern, and with fixed patterns only of the heads that look at content.
        """
        terms, scale = self.spec.terms, 1.0 / math.sqrt(self.spec.head_size)
        content = None if self.query_projection is None else self._split_heads(self.query_projection(query)) * scale
        key_side = _sum_of(content if terms.query_key else None, self.key_saliency, scale)
        position_side = _sum_of(content if terms.query_position else None, self.position_bias, scale)
        queries = query.shape[1]
        products = []
        if key_side is not None:
            assert keys is not None
            products.append(key_side @ keys.transpose(-2, -1))
        if position_side is not None:
            vectors = self._position_vectors(-(start + queries - 1), key_count - 1 - start, query.device)
            by_distance = position_side @ vectors.transpose(-2, -1)
            products.append(distances_to_keys(by_distance, queries, key_count))
        if self.position_query_projection is not None:
            assert keys is not None
            vectors = self._sinusoids(start - key_count + 1, start + queries - 1, self.position_query_projection)
            by_distance = (keys * scale) @ vectors.transpose(-2, -1)
            products.append(distances_to_keys(by_distance, key_count, queries).transpose(-2, -1))
        if not products:  # code 0000: uniform attention
            return query.new_zeros(1, 1, 1, key_count)
        return sum(products[1:], products[0])

    def _position_vectors(self, low: int, high: int, device: torch.device) -> Tensor:
        """V^R R, or what stands for it, of the distances from low to high: (1, h, m, d), 1 for h if heads share it."""
        if self.position_vectors is not None:
            assert self.spec.max_distance is not None
            rows = clipped_distances(low, high, self.spec.max_distance, device) + self.spec.max_distance
            return self.position_vectors[rows][None, None]
        assert self.position_projection is not None
        return self._sinusoids(low, high, self.position_projection)

    def _sinusoids(self, low: int, high: int, projection: nn.Linear) -> Tensor:
        """Projected R of the distances from low to high: (1, h, m, d)."""
        weight = projection.weight
        table = relative_positions(low, high, self.spec.dim, self.spec.max_distance, weight.dtype, weight.device)
        return self._split_heads(projection(table)[None])

    def _with_pattern(
        self, logits: Tensor, hidden: Tensor | None, cache: KeyValueCache, start: int, queries: int
    ) -> tuple[Tensor, Tensor | None]:
        """Adds what the pattern says to the logits (b, h, t, s) and to the hidden keys."""
        assert self.position_pattern is not None
        assert cache.values is not None
        places, length = _places(cache)
        wide = torch.promote_types(logits.dtype, torch.float32)
        pattern = self.position_pattern(places, length, start, queries, wide).to(logits.dtype)
        if self.spec.positions is not Positions.FIXED:
            return logits + pattern, hidden
        if self.spec.content_heads:  # heads with a pattern first, then those that look at content
            batch = cache.values.shape[0]
            heads = [x.expand(batch, -1, queries, -1) for x in (pattern, logits)]
            pattern = torch.cat(heads, dim=1)
        unseen = pattern.isneginf()
        return pattern, unseen if hidden is None else hidden | unseen

    def _split_heads(self, x: Tensor) -> Tensor:
        """(b, s, c) to (b, h, s, d)."""
        return x.unflatten(-1, (-1, self.spec.head_size)).transpose(1, 2)

    def _full(self, weights: Tensor, query: Tensor) -> Tensor:
        """Weights that were computed once for several sentences, heads or queries, written out: (b, h, t, s)."""
        return weights.expand(query.shape[0], self.spec.heads, query.shape[1], -1)


def _projection(from_dim: int, to_dim: int) -> nn.Linear:
    linear = nn.Linear(from_dim, to_dim, bias=False)
    nn.init.xavier_uniform_(linear.weight, gain=1.0 / math.sqrt(2.0))  # fairseq's gain for q, k and v
    return linear


def _head_vectors(heads: int, spec: AttentionSpec) -> nn.Parameter:
    return nn.Parameter(nn.init.xavier_uniform_(torch.empty(heads, spec.head_size)))


def _distance_vectors(spec: AttentionSpec) -> nn.Parameter:
    assert spec.max_distance is not None
    return nn.Parameter(nn.init.xavier_uniform_(torch.empty(2 * spec.max_distance + 1, spec.head_size)))


def _sum_of(content: Tensor | None, vectors: Tensor | None, scale: float) -> Tensor | None:
    """The query's side of a product: content (b, h, t, d), one vector a head (h, d), both or neither."""
    if vectors is None:
        return content
    scaled = vectors[None, :, None, :] * scale
    return scaled if content is None else content + scaled


def _places(cache: KeyValueCache) -> tuple[Tensor, Tensor]:
    """Position of each key in its sentence (b, s), and the sentence's length (b); b is 1 without padding."""
    assert cache.values is not None
    if cache.padding is None:
        last = cache.forgotten + cache.values.shape[2]
        places = torch.arange(cache.forgotten, last, device=cache.values.device)[None]
        return places, torch.full((1,), last, device=cache.values.device)
    real = (~cache.padding).long()
    before = torch.as_tensor(cache.forgotten if cache.forgotten_tokens is None else cache.forgotten_tokens)
    before = before.to(real.device).expand(real.shape[0])
    return (before[:, None] + real.cumsum(dim=1) - 1).clamp(min=0), before + real.sum(dim=1)


def _rotate(x: Tensor, offset: Tensor) -> Tensor:
    """Moves the first offset[b] rows of x (b, s, c) behind the others."""
    rows = (torch.arange(x.shape[1], device=x.device) + offset[:, None]) % x.shape[1]
    return x.gather(1, rows[:, :, None].expand_as(x))


def _in_memory_order(weights: Tensor, offset: Tensor | None) -> Tensor:
    """Undoes _rotate on the key axis of weights (b, h, t, s)."""
    if offset is None:
        return weights
    keys = weights.shape[-1]
    columns = (torch.arange(keys, device=weights.device) - offset[:, None]) % keys
    return weights.gather(-1, columns[:, None, None, :].expand_as(weights))
