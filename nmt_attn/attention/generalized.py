"""Transformer attention with four switchable terms: arXiv 1904.05873, equations 1 and 2.

    y_q = W [ sum_k softmax_k( (E1 + E2 + E3 + E4) / sqrt(d) ) W' x_k ]     for each head, then heads side by side

The four terms factor into two products, one with the key's content and one with its relative position:

    E1 + E3 = ([U z_q] + [u]) . V^C x_k          E2 + E4 = ([U z_q] + [v]) . V^R R_{k-q}

A term that is off leaves its bracket out; a product without brackets is not computed and owns no parameter.

Axes: b batch, h heads, t queries, s keys, d head size, m distances, c channels.
"""

import math

import torch
from torch import Tensor, nn

from nmt_attn.attention.cache import KeyValueCache
from nmt_attn.attention.masking import hidden_keys, hold_back_nonfinite, masked_softmax, without_padding
from nmt_attn.attention.positions import distances_to_keys, relative_positions
from nmt_attn.spec import AttentionSpec


class GeneralizedAttention(nn.Module):
    """One attention site. Parameters carry the paper's roles:

    query_projection U, key_projection V^C, position_projection V^R, key_saliency u, position_bias v,
    value_projection W', output_projection W (the only one with a bias; U, V^C and V^R must have none, because
    a bias on one of them is itself a term of another kind).
    """

    def __init__(self, spec: AttentionSpec) -> None:
        super().__init__()
        self.spec = spec
        terms, dim = spec.terms, spec.dim
        self.query_projection = _projection(dim, dim) if terms.use_query else None
        self.key_projection = _projection(spec.key_dim, dim) if terms.use_key else None
        self.position_projection = _projection(dim, dim) if terms.use_position else None
        self.key_saliency = _head_vectors(spec) if terms.key else None
        self.position_bias = _head_vectors(spec) if terms.position else None
        self.value_projection = _projection(spec.key_dim, dim)
        self.output_projection = nn.Linear(dim, dim)
        nn.init.xavier_uniform_(self.output_projection.weight)
        nn.init.zeros_(self.output_projection.bias)

    def forward(
        self,
        query: Tensor,
        memory: Tensor,
        padding: Tensor | None = None,
        cache: KeyValueCache | None = None,
        need_weights: bool = False,
    ) -> tuple[Tensor, Tensor | None]:
        """Attends from each query to the memory.

        query: (b, t, c). memory: (b, s, key_dim), in self-attention the query itself. padding: (b, s), True at
        padded memory. cache: for incremental decoding; self-attention then gets the newest tokens only, cross
        attention the whole memory, of which it reads the first time only. need_weights: also return the
        weights, before dropout.

        Returns the output (b, t, c), zero where a query has no key, and the weights (b, h, t, s) or None.
        Positions in cross attention count from each sentence's first real token.
        """
        poison = None
        cache = KeyValueCache() if cache is None else cache
        if self.spec.site.is_self:
            query = memory = without_padding(query, padding)
            if self.spec.site.is_causal:
                memory, poison = hold_back_nonfinite(memory, cache)
        self._remember(memory, padding, cache)
        start, queries = cache.queries, query.shape[1]
        cache.queries += queries
        assert cache.values is not None
        keys = cache.values.shape[2]

        hidden = hidden_keys(
            queries, keys, start, query.device, self.spec.site.is_causal, self.spec.window, cache.padding
        )
        weights = masked_softmax(self._logits(query, cache.keys, start, keys), hidden)
        if self.training and self.spec.dropout > 0.0:
            kept = nn.functional.dropout(self._full(weights, query), self.spec.dropout)
        else:
            kept = weights
        mixed = (kept @ cache.values).expand(-1, -1, queries, -1)  # (b, h, t, d)
        output = self.output_projection(mixed.transpose(1, 2).flatten(2))
        if keys == 0:
            output = torch.zeros_like(output)
        elif hidden is not None and (cache.padding is not None or self.spec.window is not None):
            keyless = hidden.all(dim=-1)  # (b, 1, t), or 1 where the same for all
            output = output.masked_fill(keyless.transpose(1, 2), 0.0)
        if poison is not None:
            output = output + poison
        if not need_weights:
            return output, None
        return output, _in_memory_order(self._full(weights, query), cache.offset)

    def _remember(self, memory: Tensor, padding: Tensor | None, cache: KeyValueCache) -> None:
        """Projects what is new in the memory into the cache."""
        if not self.spec.site.is_self:
            if cache.values is not None:
                return
            memory = without_padding(memory, padding)
            if padding is not None and (self.spec.terms.use_position or self.spec.window is not None):
                cache.offset = padding.long().cumprod(dim=1).sum(dim=1)
                memory = _rotate(memory, cache.offset)
                padding = _rotate(padding[:, :, None], cache.offset)[:, :, 0]
        keys = None if self.key_projection is None else self._split_heads(self.key_projection(memory))
        cache.append(keys, self._split_heads(self.value_projection(memory)), padding)

    def _logits(self, query: Tensor, keys: Tensor | None, start: int, key_count: int) -> Tensor:
        """Sum of the terms that are on, over sqrt(d): (b, h, t, s), with 1 for an axis on which it does not depend."""
        terms, scale = self.spec.terms, 1.0 / math.sqrt(self.spec.head_size)
        content = None if self.query_projection is None else self._split_heads(self.query_projection(query)) * scale
        key_side = _sum_of(content if terms.query_key else None, self.key_saliency, scale)
        position_side = _sum_of(content if terms.query_position else None, self.position_bias, scale)
        products = []
        if key_side is not None:
            assert keys is not None
            products.append(key_side @ keys.transpose(-2, -1))
        if position_side is not None:
            products.append(self._position_product(position_side, query, start, key_count))
        if not products:  # code 0000: uniform attention
            return query.new_zeros(1, 1, 1, key_count)
        return products[0] if len(products) == 1 else products[0] + products[1]

    def _position_product(self, position_side: Tensor, query: Tensor, start: int, key_count: int) -> Tensor:
        """E2 + E4 from the query's side (b, h, t, d), or (1, h, 1, d) if it is v alone: (b or 1, h, t, s)."""
        assert self.position_projection is not None
        queries = query.shape[1]
        distances = relative_positions(
            -(start + queries - 1),
            key_count - 1 - start,
            self.spec.dim,
            self.spec.max_distance,
            self.position_projection.weight.dtype,
            query.device,
        )
        positions = self._split_heads(self.position_projection(distances)[None])  # (1, h, m, d)
        return distances_to_keys(position_side @ positions.transpose(-2, -1), queries, key_count)

    def _split_heads(self, x: Tensor) -> Tensor:
        """(b, s, c) to (b, h, s, d)."""
        return x.unflatten(-1, (self.spec.heads, self.spec.head_size)).transpose(1, 2)

    def _full(self, weights: Tensor, query: Tensor) -> Tensor:
        """Weights that were computed once for several sentences, heads or queries, written out: (b, h, t, s)."""
        return weights.expand(query.shape[0], self.spec.heads, query.shape[1], -1)


def _projection(from_dim: int, to_dim: int) -> nn.Linear:
    linear = nn.Linear(from_dim, to_dim, bias=False)
    nn.init.xavier_uniform_(linear.weight, gain=1.0 / math.sqrt(2.0))  # fairseq's gain for q, k and v
    return linear


def _head_vectors(spec: AttentionSpec) -> nn.Parameter:
    return nn.Parameter(nn.init.xavier_uniform_(torch.empty(spec.heads, spec.head_size)))


def _sum_of(content: Tensor | None, vectors: Tensor | None, scale: float) -> Tensor | None:
    """The query's side of a product: content (b, h, t, d), one vector a head (h, d), both or neither."""
    if vectors is None:
        return content
    scaled = vectors[None, :, None, :] * scale
    return scaled if content is None else content + scaled


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
