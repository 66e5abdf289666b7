"""The parameters of an attention site, and the factors of its logits that they make.

The four terms factor into two products, one with the key's content and one with its relative position:

    E1 + E3 = ([U z_q] + [u]) . V^C x_k          E2 + E4 = ([U z_q] + [v]) . V^R R_{k-q}

A term that is off leaves its bracket out; a product without brackets is not computed and owns no parameter. Without the
query in its bracket a product is folded: u . V^C x_k = ((V^C)^T u) . x_k is one number a key and head, v . V^R R one a
distance and head, and nothing is projected. Beside the paper's terms there can be a fifth, key content x relative
position (He et al. 2021), and the position terms can be made of something else (spec.Positions):

    E5 = V^C x_k . U^R R_{q-k}          shaw: a learned vector for V^R R_{k-q}          others: E4 = pattern(q, k)

Axes: b batch, h heads, t queries, s keys, d head size, m distances, c channels.
"""

import math
from dataclasses import replace

import torch
from torch import Tensor, nn

from nmt_attn.attention.cache import AttentionCache, KeyValueCache
from nmt_attn.attention.mixer import Mixer
from nmt_attn.attention.paths.call import Call, Factors
from nmt_attn.attention.patterns import build_pattern
from nmt_attn.attention.positions import clipped_distances, relative_positions
from nmt_attn.spec import AttentionSpec, Positions


class AttentionTerms(Mixer[AttentionSpec, AttentionCache]):
    """Parameters carry the paper's roles:

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
        self.position_projection = _projection(spec.position_size, dim) if kind is Positions.SINUSOID else None
        self.position_vectors = _distance_vectors(spec) if kind is Positions.SHAW else None
        self.position_pattern = None if kind is None or kind.are_vectors else build_pattern(spec)
        self.key_saliency = _head_vectors(spec.content_heads, spec) if terms.key else None
        has_bias = terms.position and spec.positions.are_vectors
        self.position_bias = _head_vectors(spec.heads, spec) if has_bias else None
        self.position_query_projection = _projection(spec.position_size, dim) if spec.key_position else None
        self.value_projection = _projection(spec.key_dim, dim)
        self.output_projection = nn.Linear(dim, dim)
        nn.init.xavier_uniform_(self.output_projection.weight)
        nn.init.zeros_(self.output_projection.bias)

    @property
    def scale(self) -> float:
        return 1.0 / math.sqrt(self.spec.head_size)

    def keys(self, memory: Tensor) -> tuple[Tensor | None, Tensor | None]:
        """Of the memory (b, s, c): V^C x (b, h, s, d) where a query or a position compares with it, and E3 (b, h, s)
        where it stands without E1."""
        terms, keys, by_key = self.spec.terms, None, None
        if self.key_projection is not None and (terms.query_key or self.spec.key_position):
            keys = self.split_heads(self.key_projection(memory))
        if self.key_projection is not None and self.key_saliency is not None and not terms.query_key:
            if keys is None:
                folded = _fold(self.key_saliency * self.scale, self.key_projection)
                by_key = nn.functional.linear(memory, folded).transpose(1, 2)
            else:
                by_key = (keys @ (self.key_saliency * self.scale)[:, :, None])[..., 0]
        return keys, by_key

    def values(self, memory: Tensor) -> Tensor:
        """W' x: (b, h, s, d)."""
        return self.split_heads(self.value_projection(memory))

    def queries(self, query: Tensor) -> Tensor | None:
        """U z, if a term looks at it: (b, h, t, d)."""
        return None if self.query_projection is None else self.split_heads(self.query_projection(query))

    def content(self, queries: Tensor | None, keys: Tensor | None) -> tuple[Tensor, Tensor] | None:
        """The factors of E1, or E1 + E3: (b, h, t, d) and (b, h, s, d)."""
        if not self.spec.terms.query_key:
            return None
        assert queries is not None
        assert keys is not None
        return self._plus(queries, self.key_saliency), keys

    def relative(self, queries: Tensor | None) -> Tensor:
        """The query's side of E2 + E4: (b, h, t, d), of E4 alone (1, h, 1, d)."""
        if self.spec.terms.query_position:
            assert queries is not None
            return self._plus(queries, self.position_bias)
        assert self.position_bias is not None
        return self.position_bias[None, :, None] * self.scale

    def factors(
        self,
        queries: Tensor | None,
        keys: Tensor | None,
        by_key: Tensor | None,
        call: Call,
        cache: KeyValueCache | None = None,
    ) -> Factors:
        """The factors of the logits, without those of a pattern, from what queries and keys return."""
        factors = Factors(by_key=by_key, content=self.content(queries, keys))
        if self.spec.terms.query_position:
            factors = replace(factors, relative=(self.relative(queries), self._vectors(call, cache)))
        elif self.position_bias is not None:
            factors = replace(factors, by_distance=self._by_distance(call, cache))
        if self.position_query_projection is not None:
            assert keys is not None
            low, high = call.distances
            vectors = self._sinusoids(-high, -low, self.position_query_projection)
            factors = replace(factors, key_relative=(keys * self.scale, vectors))
        return factors

    def _plus(self, queries: Tensor, vectors: Tensor | None) -> Tensor:
        """queries (b, h, t, d), plus one vector a head (h, d) if there are any, divided by sqrt(d)."""
        if vectors is None:
            return queries * self.scale
        return torch.add(vectors[:, None] * self.scale, queries, alpha=self.scale)

    def _vectors(self, call: Call, cache: KeyValueCache | None) -> Tensor:
        """V^R R, or what stands for it, of the call's distances: (h, m, d), 1 for h if heads share it."""
        if cache is None:
            return self._position_vectors(*call.distances)
        return cache.table_of(*call.distances, self._position_vectors, axis=1)

    def _by_distance(self, call: Call, cache: KeyValueCache | None) -> Tensor:
        """E4 of the call's distances: (h, m)."""
        if cache is None:
            return self._position_logits(*call.distances)
        return cache.table_of(*call.distances, self._position_logits, axis=1)

    def _position_vectors(self, low: int, high: int) -> Tensor:
        if self.position_vectors is not None:
            return self.position_vectors[self._clipped(low, high)][None]
        assert self.position_projection is not None
        return self._sinusoids(low, high, self.position_projection)

    def _position_logits(self, low: int, high: int) -> Tensor:
        """E4 of the distances from low to high: (h, m)."""
        assert self.position_bias is not None
        bias = self.position_bias * self.scale
        if self.position_vectors is not None:
            return bias @ self.position_vectors[self._clipped(low, high)].transpose(0, 1)
        assert self.position_projection is not None
        folded = _fold(bias, self.position_projection)
        return nn.functional.linear(folded, self._table(low, high, folded))

    def _sinusoids(self, low: int, high: int, projection: nn.Linear) -> Tensor:
        """Projected R of the distances from low to high: (h, m, d)."""
        return self.split_heads(projection(self._table(low, high, projection.weight))[None])[0]

    def _table(self, low: int, high: int, like: Tensor) -> Tensor:
        """R of the distances from low to high: (m, position size)."""
        spec = self.spec
        return relative_positions(low, high, spec.position_size, spec.max_distance, like.dtype, like.device)

    def _clipped(self, low: int, high: int) -> Tensor:
        assert self.position_vectors is not None
        assert self.spec.max_distance is not None
        limit = self.spec.max_distance
        return clipped_distances(low, high, limit, self.position_vectors.device) + limit

    def split_heads(self, x: Tensor) -> Tensor:
        """(b, s, c) to (b, h, s, d)."""
        return x.unflatten(-1, (-1, self.spec.head_size)).transpose(1, 2)


def heads_of(projection: nn.Linear, head_size: int) -> Tensor:
    """The weight of a projection, one matrix a head: (h, d, c)."""
    return projection.weight.unflatten(0, (-1, head_size))


def _fold(vectors: Tensor, projection: nn.Linear) -> Tensor:
    """One vector a head (h, d) through the transposed projection: (h, c)."""
    return (vectors[:, None] @ heads_of(projection, vectors.shape[1]))[:, 0]


def _projection(from_dim: int, to_dim: int) -> nn.Linear:
    linear = nn.Linear(from_dim, to_dim, bias=False)
    nn.init.xavier_uniform_(linear.weight, gain=1.0 / math.sqrt(2.0))  # fairseq's gain for q, k and v
    return linear


def _head_vectors(heads: int, spec: AttentionSpec) -> nn.Parameter:
    return nn.Parameter(nn.init.xavier_uniform_(torch.empty(heads, spec.head_size)))


def _distance_vectors(spec: AttentionSpec) -> nn.Parameter:
    assert spec.max_distance is not None
    return nn.Parameter(nn.init.xavier_uniform_(torch.empty(2 * spec.max_distance + 1, spec.head_size)))
