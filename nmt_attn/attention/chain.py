"""Deformable convolution, then attention: the paper's combination (arXiv 1904.05873).

    d = deform(x)          y = d + attention(x + d)

Both parts add to the layer's input, as two residual connections one after the other would: a code such as 0010, whose
output is the same for all queries, then completes what the convolution finds nearby instead of replacing it.
"""

from dataclasses import dataclass

from torch import Tensor

from nmt_attn.attention.cache import AttentionCache, TokenCache
from nmt_attn.attention.deformable import DeformableConvolution
from nmt_attn.attention.generalized import GeneralizedAttention
from nmt_attn.attention.mixer import Mixer
from nmt_attn.spec import ChainSpec


@dataclass
class ChainCache:
    """The caches of both parts."""

    first: TokenCache
    then: AttentionCache

    @property
    def queries(self) -> int:
        return self.first.queries

    def reorder(self, order: Tensor) -> None:
        self.first.reorder(order)
        self.then.reorder(order)


class DeformableThenAttention(Mixer[ChainSpec, ChainCache]):
    """The two parts: first and then."""

    def __init__(self, spec: ChainSpec) -> None:
        super().__init__()
        self.spec = spec
        self.first = DeformableConvolution(spec.first)
        self.then = GeneralizedAttention(spec.then)

    def new_cache(self, need_weights: bool = False) -> ChainCache:
        return ChainCache(self.first.new_cache(), self.then.new_cache(need_weights))

    def forward(
        self,
        query: Tensor,
        memory: Tensor,
        padding: Tensor | None = None,
        cache: ChainCache | None = None,
        need_weights: bool = False,
    ) -> tuple[Tensor, Tensor | None]:
        """As Mixer.forward; weights: those of the attention."""
        first, then = (None, None) if cache is None else (cache.first, cache.then)
        nearby, _ = self.first(query, query, padding, first)
        both = query + nearby
        attended, weights = self.then(both, both, padding, then, need_weights)
        return nearby + attended, weights
