"""Transformer attention with four switchable terms: arXiv 1904.05873, equations 1 and 2.

    y_q = W [ sum_k softmax_k( (E1 + E2 + E3 + E4) / sqrt(d) ) W' x_k ]     for each head, then heads side by side

terms.py has the parameters and what they make of the terms, paths/ several exact ways to compute the sum for all
queries at once, decoding.py computes it token by token.

Axes: b batch, h heads, t queries, s keys, d head size, c channels.
"""

from collections.abc import Callable
from dataclasses import replace

from torch import Tensor

from nmt_attn.attention.cache import AttentionCache, KeyValueCache, PooledCache, RunningCache
from nmt_attn.attention.decoding import IncrementalAttention
from nmt_attn.attention.masking import hold_back_nonfinite, without_padding
from nmt_attn.attention.paths import angle, blocked, fused, matmul, pool, toeplitz
from nmt_attn.attention.paths.call import Call, Factors, Products
from nmt_attn.attention.paths.planner import Path, choose
from nmt_attn.attention.site import in_memory_order
from nmt_attn.attention.terms import heads_of


class GeneralizedAttention(IncrementalAttention):
    """One attention site; for the parameters see AttentionTerms."""

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
            return self.pooled(query, memory, padding, cache, need_weights)
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
            return self.step(query, memory, padding, cache, need_weights)
        if isinstance(cache, RunningCache):
            return self.running(query, padding, cache, need_weights)
        return self._whole(query, memory, padding, need_weights)

    def _whole(
        self, query: Tensor, memory: Tensor, padding: Tensor | None, need_weights: bool
    ) -> tuple[Tensor, Tensor | None]:
        """All queries at once, by the path that the planner chooses."""
        query, memory, padding, offset = self.prepare(query, memory, padding)
        call = self.make_call(query.shape[1], memory.shape[1], padding)
        path, weights = choose(self.spec, call, memory, need_weights), None
        if path is Path.FUSED and call.causal and call.window is None and _only_at_the_end(padding):
            call = replace(call, padding=None)  # no token sees what is behind it, and the kernel needs no mask
        (keys, by_key), queries = self.keys(memory), self.queries(query)
        if path is Path.POOL:
            mixed = self._pool(memory, by_key, call)
        elif path is Path.ANGLE:
            mixed = self._angle(Factors(self.content(queries, keys), by_key), queries, memory, call)
        else:
            factors = self.with_pattern(self.factors(queries, keys, by_key, call), call)
            if path in (Path.TOEPLITZ, Path.SEPARABLE) and not toeplitz.in_range(factors):
                path = choose(self.spec, call, memory, need_weights, in_range=False)
            if path is Path.MATMUL:
                mixed, weights = matmul.attend(factors, self.values(memory), call, self.products)
            else:
                mixed = ATTEND[path](factors, self.values(memory), call, self.products)
        output = self.output(mixed, call)
        if weights is None or not need_weights:
            return output, None
        return output, in_memory_order(self.written_out(weights, memory.shape[0], call), offset)

    def _pool(self, memory: Tensor, by_key: Tensor | None, call: Call) -> Tensor:
        if call.causal:
            return pool.scan(by_key, self.values(memory), call.padding)
        return pool.pool(by_key, memory, heads_of(self.value_projection, self.spec.head_size), call.padding)[0]

    def _angle(self, factors: Factors, queries: Tensor | None, memory: Tensor, call: Call) -> Tensor:
        assert self.position_projection is not None
        projection = heads_of(self.position_projection, self.spec.head_size)
        return angle.attend(factors, self.relative(queries), projection, self.values(memory), call)


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
