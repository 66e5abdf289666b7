"""What the convolutions share: padding, broken numbers and the cache around a mixture of nearby tokens.

Axes: b batch, h heads or taps, t queries, s keys, c channels.
"""

from abc import abstractmethod

from torch import Tensor

from nmt_attn.attention.cache import TokenCache
from nmt_attn.attention.masking import hold_back_nonfinite, without_padding
from nmt_attn.attention.mixer import Mixer
from nmt_attn.spec import ConvolutionSpec


class ConvolutionMixer(Mixer[ConvolutionSpec, TokenCache]):
    """A mixer of self-attention whose output depends on the tokens that a query reaches."""

    def __init__(self, spec: ConvolutionSpec) -> None:
        super().__init__()
        self.spec = spec

    @abstractmethod
    def mix(self, new: Tensor, tokens: Tensor, start: int, need_weights: bool) -> tuple[Tensor, Tensor | None]:
        """Output (b, t, c) and weights (b, h, t, s), or None, of the queries new (b, t, c).

        tokens: (b, s, c), those at hand, padding as zeros; the queries are the rows start, start + 1, ... of them.
        """

    def read(self, x: Tensor, padding: Tensor | None) -> Tensor:
        """What is mixed, from the input without padding: (b, t, c)."""
        return x

    @property
    def reach(self) -> int | None:
        """How many earlier tokens a later query can reach, None for all."""
        return -self.spec.taps[0]

    def new_cache(self, need_weights: bool = False) -> TokenCache:
        return TokenCache()

    def forward(
        self,
        query: Tensor,
        memory: Tensor,
        padding: Tensor | None = None,
        cache: TokenCache | None = None,
        need_weights: bool = False,
    ) -> tuple[Tensor, Tensor | None]:
        """As Mixer.forward."""
        cache = TokenCache() if cache is None else cache
        poison = None
        x = without_padding(query, padding)
        if self.spec.site.is_causal:
            x, poison = hold_back_nonfinite(x, cache.poison)
            cache.poison = poison if poison is None or not poison.shape[1] else poison[:, -1:]
        new = self.read(x, padding)
        tokens, start = cache.extend(new, padding)
        output, weights = self.mix(new, tokens, start, need_weights)
        if poison is not None:
            output = output + poison
        if weights is not None:
            weights = cache.over_all_tokens(weights)
        if self.reach is not None:
            cache.keep_last(self.reach)
        return output, weights
