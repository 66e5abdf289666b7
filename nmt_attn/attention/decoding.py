"""Attention token by token: the newest queries, and what the cache remembers of the steps before.

Axes: b batch, h heads, t queries, s keys, d head size, c channels.
"""

from dataclasses import replace

from torch import Tensor, nn

from nmt_attn.attention.cache import AttentionCache, KeyValueCache, PooledCache, RunningCache
from nmt_attn.attention.masking import without_padding
from nmt_attn.attention.paths import matmul, pool
from nmt_attn.attention.paths.planner import Path, forced
from nmt_attn.attention.site import AttentionSite, in_memory_order
from nmt_attn.attention.terms import heads_of
from nmt_attn.spec import SpecError


class IncrementalAttention(AttentionSite):
    """One way for each kind of cache."""

    def new_cache(self, need_weights: bool = False) -> AttentionCache:
        """Running sums, or one output for all, where weights do not depend on the query; else keys and values."""
        spec = self.spec
        if not spec.is_alike or (spec.site.is_self and need_weights) or forced() is Path.MATMUL:
            return KeyValueCache()
        return RunningCache() if spec.site.is_self else PooledCache()

    def step(
        self, query: Tensor, memory: Tensor, padding: Tensor | None, cache: KeyValueCache, need_weights: bool
    ) -> tuple[Tensor, Tensor | None]:
        """The newest queries (b, t, c), with the keys and values of earlier steps: (b, t, c) and weights (b, h, t, s).

        Raises SpecError for several tokens at once of hypotheses that share their source.
        """
        spec, rows, queries = self.spec, query.shape[0], query.shape[1]
        if spec.site.is_self or cache.values is None:
            query, memory, padding, offset = self.prepare(query, memory, padding)
            keys, by_key = self.keys(memory)
            cache.append(keys, by_key, self.values(memory), padding)
            cache.offset = offset
            cache.beam = max(1, rows // max(memory.shape[0], 1))
        assert cache.values is not None
        if queries == 0:
            return query, query.new_zeros(rows, spec.heads, 0, cache.forgotten + cache.values.shape[2])
        call = self.make_call(queries, cache.values.shape[2], cache.padding)
        call = replace(call, start=cache.queries - cache.forgotten)
        if cache.beam > 1:
            if queries > 1:
                raise SpecError(f"hypotheses that share their source must go on token by token, not by {queries}")
            query = query.unflatten(0, (-1, cache.beam))[:, :, 0]  # their queries stand side by side
            call = replace(call, queries=cache.beam, together=True)
        cache.queries += queries
        factors = self.factors(self.queries(query), cache.keys, cache.by_key, call, cache)
        factors = self.with_pattern(factors, call, cache)
        mixed, weights = matmul.attend(factors, cache.values, call, self.products)
        output = self.output(mixed, call)
        if need_weights:
            weights = in_memory_order(self.written_out(weights, cache.values.shape[0], call), cache.offset)
            weights = nn.functional.pad(weights, (cache.forgotten, 0))
        if cache.beam > 1:
            output = output.flatten(0, 1)[:, None]
            weights = weights.transpose(1, 2).flatten(0, 1)[:, :, None] if need_weights else weights
        if spec.site.is_causal and spec.window is not None:
            cache.keep_last(spec.window)
        return output, weights if need_weights else None

    def running(
        self, query: Tensor, padding: Tensor | None, cache: RunningCache, need_weights: bool
    ) -> tuple[Tensor, None]:
        """The newest queries (b, t, c), with running sums of earlier steps: (b, t, c). Raises SpecError for weights."""
        if need_weights:
            raise SpecError("weights of a running sum must be asked for before it begins: new_cache(need_weights=True)")
        if query.shape[1] == 0:
            return query, None
        by_key, values = self.keys(query)[1], self.values(query)
        mixed, levels, cache.mean = pool.running(cache.level, cache.mean, by_key, values, padding)
        cache.level = levels[:, :, -1:]
        cache.queries += query.shape[1]
        output = self.output_projection(mixed.transpose(1, 2).flatten(2))
        if padding is not None:  # else the query itself is a key
            output = output.masked_fill((levels < pool.BLIND).all(dim=1)[:, :, None], 0.0)
        return output, None

    def pooled(
        self, query: Tensor, memory: Tensor, padding: Tensor | None, cache: PooledCache, need_weights: bool
    ) -> tuple[Tensor, Tensor | None]:
        """The one output of a cross site whose weights do not depend on the query, made at the first step; as step."""
        if cache.output is None or cache.weights is None:
            memory = without_padding(memory, padding)
            projection = heads_of(self.value_projection, self.spec.head_size)
            mixed, weights = pool.pool(self.keys(memory)[1], memory, projection, padding)
            call = self.make_call(1, memory.shape[1], padding)
            cache.output, cache.weights = self.output(mixed, call), self.written_out(weights, memory.shape[0], call)
            cache.beam = max(1, query.shape[0] // max(memory.shape[0], 1))
        cache.queries += query.shape[1]
        queries = query.shape[1]
        output = cache.output.expand(-1, queries, -1).repeat_interleave(cache.beam, dim=0)
        if not need_weights:
            return output, None
        return output, cache.weights.expand(-1, -1, queries, -1).repeat_interleave(cache.beam, dim=0)
