"""Transformer attention with four switchable terms: arXiv 1904.05873, equations 1 and 2.

    y_q = W [ sum_k softmax_k( (E1 + E2 + E3 + E4) / sqrt(d) ) W' x_k ]     for each head, then heads side by side

terms.py has the parameters and what they make of the terms, paths/ several exact ways to compute the sum.

Axes: b batch, h heads, t queries, s keys, d head size, c channels.
"""

from collections.abc import Callable
from dataclasses import replace

import torch
from torch import Tensor, nn

from nmt_attn.attention.cache import AttentionCache, KeyValueCache, PooledCache, RunningCache
from nmt_attn.attention.masking import hold_back_nonfinite, without_padding
from nmt_attn.attention.paths import angle, blocked, fused, matmul, pool, toeplitz
from nmt_attn.attention.paths.call import PLAIN, Call, Factors, Products
from nmt_attn.attention.paths.planner import Path, choose, forced
from nmt_attn.attention.terms import AttentionTerms, heads_of
from nmt_attn.spec import AttentionSpec, Positions, SpecError


class GeneralizedAttention(AttentionTerms):
    """One attention site; for the parameters see AttentionTerms."""

    def __init__(self, spec: AttentionSpec) -> None:
        super().__init__(spec)
        self.products: Products = PLAIN

    def new_cache(self, need_weights: bool = False) -> AttentionCache:
        """Running sums, or one output for all, where weights do not depend on the query; else keys and values."""
        spec = self.spec
        if not spec.is_alike or (spec.site.is_self and need_weights) or forced() is Path.MATMUL:
            return KeyValueCache()
        return RunningCache() if spec.site.is_self else PooledCache()

    def forward(
        self,
        query: Tensor,
        memory: Tensor,
        padding: Tensor | None = None,
        cache: AttentionCache | None = None,
        need_weights: bool = False,
    ) -> tuple[Tensor, Tensor | None]:
        """As Mixer.forward; positions in cross attention count from each sentence's first real token.

        Raises SpecError if the environment variable NMT_ATTN_PATH names a path that cannot compute the call.
        """
        if isinstance(cache, PooledCache):
            return self._pooled(query, memory, padding, cache, need_weights)
        if not self.spec.site.is_causal:
            return self._attend(query, memory, padding, cache, need_weights)
        query = without_padding(query.contiguous(), padding)
        query, poison = hold_back_nonfinite(query, None if cache is None else cache.poison)
        if cache is not None and poison is not None and poison.shape[1]:
            cache.poison = poison[:, -1:]
        output, weights = self._attend(query, query, padding, cache, need_weights)
        return output if poison is None else output + poison, weights

    def _attend(
        self, query: Tensor, memory: Tensor, padding: Tensor | None, cache: AttentionCache | None, need_weights: bool
    ) -> tuple[Tensor, Tensor | None]:
        if isinstance(cache, KeyValueCache):
            return self._step(query, memory, padding, cache, need_weights)
        if isinstance(cache, RunningCache):
            return self._running(query, padding, cache, need_weights)
        return self._whole(query, memory, padding, need_weights)

    def _whole(
        self, query: Tensor, memory: Tensor, padding: Tensor | None, need_weights: bool
    ) -> tuple[Tensor, Tensor | None]:
        """All queries at once, by the path that the planner chooses."""
        query, memory, padding, offset = self._prepare(query, memory, padding)
        call = self._call(query.shape[1], memory.shape[1], padding)
        path, weights = choose(self.spec, call, memory, need_weights), None
        if path is Path.FUSED and call.causal and call.window is None and _only_at_the_end(padding):
            call = replace(call, padding=None)  # no token sees what is behind it, and the kernel needs no mask
        (keys, by_key), queries = self.keys(memory), self.queries(query)
        if path is Path.POOL:
            mixed = self._pool(memory, by_key, call)
        elif path is Path.ANGLE:
            mixed = self._angle(Factors(self.content(queries, keys), by_key), queries, memory, call)
        else:
            factors = self._with_pattern(self.factors(queries, keys, by_key, call), call)
            if path in (Path.TOEPLITZ, Path.SEPARABLE) and not toeplitz.in_range(factors):
                path = choose(self.spec, call, memory, need_weights, in_range=False)
            attend = ATTEND.get(path)
            if attend is None:
                mixed, weights = matmul.attend(factors, self.values(memory), call, self.products)
            else:
                mixed = attend(factors, self.values(memory), call, self.products)
        output = self._output(mixed, call)
        if weights is None or not need_weights:
            return output, None
        return output, _in_memory_order(self._full(weights, memory.shape[0], call), offset)

    def _prepare(
        self, query: Tensor, memory: Tensor, padding: Tensor | None
    ) -> tuple[Tensor, Tensor, Tensor | None, Tensor | None]:
        """Query, memory and padding without what stands at padding; the keys of a cross site that counts positions from
        the first real one on, and how many (b) were before it."""
        spec = self.spec
        if spec.site.is_causal:
            return query, memory, padding, None
        memory = without_padding(memory.contiguous(), padding)  # fairseq's is time-first: one copy, not three
        if spec.site.is_self:
            return memory, memory, padding, None
        counts = spec.terms.use_position or spec.key_position or spec.window is not None
        if padding is None or not counts:
            return query, memory, padding, None
        offset = padding.long().cumprod(dim=1).sum(dim=1)
        return query, _rotate(memory, offset), _rotate(padding[:, :, None], offset)[:, :, 0], offset

    def _call(self, queries: int, keys: int, padding: Tensor | None) -> Call:
        spec = self.spec
        dropout = spec.dropout if self.training else 0.0
        return Call(queries, keys, causal=spec.site.is_causal, window=spec.window, padding=padding, dropout=dropout)

    def _pool(self, memory: Tensor, by_key: Tensor | None, call: Call) -> Tensor:
        if call.causal:
            return pool.scan(by_key, self.values(memory), call.padding)
        return pool.pool(by_key, memory, heads_of(self.value_projection, self.spec.head_size), call.padding)[0]

    def _angle(self, factors: Factors, queries: Tensor | None, memory: Tensor, call: Call) -> Tensor:
        assert self.position_projection is not None
        projection = heads_of(self.position_projection, self.spec.head_size)
        return angle.attend(factors, self.relative(queries), projection, self.values(memory), call)

    def _output(self, mixed: Tensor, call: Call) -> Tensor:
        """W over the heads (b, h, t, d), of one for all queries once: (b, t, c); zero where a query has no key."""
        output = self.output_projection(mixed.transpose(1, 2).flatten(2)).expand(-1, call.queries, -1)
        if call.keys == 0:
            return torch.zeros_like(output)
        keyless = call.keyless(mixed.device)
        if keyless is None or (mixed.device.type == "cpu" and not keyless.any()):
            return output
        return output.masked_fill(keyless[:, :, None], 0.0)

    def _step(
        self, query: Tensor, memory: Tensor, padding: Tensor | None, cache: KeyValueCache, need_weights: bool
    ) -> tuple[Tensor, Tensor | None]:
        """The newest queries, with the keys and values of earlier steps."""
        spec, rows, queries = self.spec, query.shape[0], query.shape[1]
        if spec.site.is_self or cache.values is None:
            query, memory, padding, offset = self._prepare(query, memory, padding)
            keys, by_key = self.keys(memory)
            cache.append(keys, by_key, self.values(memory), padding)
            cache.offset = offset
            cache.beam = rows // max(memory.shape[0], 1)
        assert cache.values is not None
        if queries == 0:
            return query, query.new_zeros(rows, spec.heads, 0, cache.forgotten + cache.values.shape[2])
        call = self._call(queries, cache.values.shape[2], cache.padding)
        call = replace(call, start=cache.queries - cache.forgotten)
        if cache.beam > 1:
            if queries > 1:
                raise SpecError(f"hypotheses that share their source must go on token by token, not by {queries}")
            query = query.unflatten(0, (-1, cache.beam))[:, :, 0]  # their queries stand side by side
            call = replace(call, queries=cache.beam, together=True)
        cache.queries += queries
        factors = self.factors(self.queries(query), cache.keys, cache.by_key, call, cache)
        factors = self._with_pattern(factors, call, cache)
        mixed, weights = matmul.attend(factors, cache.values, call, self.products)
        output = self._output(mixed, call)
        if need_weights:
            weights = _in_memory_order(self._full(weights, cache.values.shape[0], call), cache.offset)
            weights = nn.functional.pad(weights, (cache.forgotten, 0))
        if cache.beam > 1:
            output = output.flatten(0, 1)[:, None]
            weights = weights.transpose(1, 2).flatten(0, 1)[:, :, None] if need_weights else weights
        if spec.site.is_causal and spec.window is not None:
            cache.keep_last(spec.window)
        return output, weights if need_weights else None

    def _running(
        self, query: Tensor, padding: Tensor | None, cache: RunningCache, need_weights: bool
    ) -> tuple[Tensor, None]:
        """The newest queries, with the running sums of earlier steps."""
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

    def _pooled(
        self, query: Tensor, memory: Tensor, padding: Tensor | None, cache: PooledCache, need_weights: bool
    ) -> tuple[Tensor, Tensor | None]:
        """The one output of a cross site whose weights do not depend on the query, made at the first step."""
        if cache.output is None or cache.weights is None:
            memory = without_padding(memory, padding)
            projection = heads_of(self.value_projection, self.spec.head_size)
            mixed, weights = pool.pool(self.keys(memory)[1], memory, projection, padding)
            call = self._call(1, memory.shape[1], padding)
            cache.output, cache.weights = self._output(mixed, call), self._full(weights, memory.shape[0], call)
            cache.beam = query.shape[0] // max(memory.shape[0], 1)
        cache.queries += query.shape[1]
        queries = query.shape[1]
        output = cache.output.expand(-1, queries, -1).repeat_interleave(cache.beam, dim=0)
        if not need_weights:
            return output, None
        return output, cache.weights.expand(-1, -1, queries, -1).repeat_interleave(cache.beam, dim=0)

    def _with_pattern(self, factors: Factors, call: Call, cache: KeyValueCache | None = None) -> Factors:
        """With what a pattern says of the call's queries and keys."""
        if self.position_pattern is None:
            return factors
        places, length = _places(call, cache, self.value_projection.weight.device)
        dtype = self.value_projection.weight.dtype
        pattern = self.position_pattern(
            places, length, call.start, call.queries, torch.promote_types(dtype, torch.float32)
        )
        if self.spec.positions is Positions.FIXED:
            return replace(factors, first_heads=pattern.to(dtype))
        return replace(factors, dense=pattern.to(dtype))

    def _full(self, weights: Tensor, batch: int, call: Call) -> Tensor:
        """Weights that were computed once for several sentences, heads or queries, written out: (b, h, t, s)."""
        return weights.expand(batch, self.spec.heads, call.queries, -1)


ATTEND: dict[Path, Callable[[Factors, Tensor, Call, Products], Tensor]] = {
    Path.FUSED: fused.attend,
    Path.BLOCKED: blocked.attend,
    Path.TOEPLITZ: toeplitz.attend,
    Path.SEPARABLE: toeplitz.attend,
}


def _only_at_the_end(padding: Tensor | None) -> bool:
    """Has each sentence a first token, and padding only behind the last? A GPU, which would have to wait, says no."""
    if padding is None or padding.device.type != "cpu" or not padding.shape[1]:
        return False
    return not bool(padding[:, 0].any() or (padding[:, :-1] & ~padding[:, 1:]).any())


def _places(call: Call, cache: KeyValueCache | None, device: torch.device) -> tuple[Tensor, Tensor]:
    """Position of each key in its sentence (b, s), and the sentence's length (b); b is 1 without padding."""
    forgotten = 0 if cache is None else cache.forgotten
    if call.padding is None:
        last = forgotten + call.keys
        return torch.arange(forgotten, last, device=device)[None], torch.full((1,), last, device=device)
    real = (~call.padding).long()
    before = forgotten if cache is None or cache.forgotten_tokens is None else cache.forgotten_tokens
    before = torch.as_tensor(before).to(device).expand(real.shape[0])
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
