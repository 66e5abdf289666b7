"""Regular convolution: one head a tap, which sees the key at the query's position plus the tap's.

    y_q = sum_m W_m x_{q + p_m} + b          A_m(q, k) = 1 where k = q + p_m, else 0

W_m W'_m of the generalized formula (arXiv 1904.05873, equation 1) is one full matrix W_m here.

Axes: b batch, t queries, s keys, k taps, c channels.
"""

import torch
from torch import Tensor, nn

from nmt_attn.attention.cache import TokenCache
from nmt_attn.attention.masking import hold_back_nonfinite, without_padding
from nmt_attn.attention.mixer import Mixer
from nmt_attn.attention.taps import shifted, spread_taps
from nmt_attn.spec import ConvolutionSpec


class RegularConvolution(Mixer[ConvolutionSpec, TokenCache]):
    """output_projection holds the matrices W_m of all taps side by side, in the order of spec.taps."""

    def __init__(self, spec: ConvolutionSpec) -> None:
        super().__init__()
        self.spec = spec
        self.output_projection = nn.Linear(len(spec.taps) * spec.dim, spec.dim)
        nn.init.xavier_uniform_(self.output_projection.weight)
        nn.init.zeros_(self.output_projection.bias)

    def new_cache(self) -> TokenCache:
        return TokenCache()

    def forward(
        self,
        query: Tensor,
        memory: Tensor,
        padding: Tensor | None = None,
        cache: TokenCache | None = None,
        need_weights: bool = False,
    ) -> tuple[Tensor, Tensor | None]:
        """As Mixer.forward; weights: (b, k, t, s)."""
        cache = TokenCache() if cache is None else cache
        spec, queries, poison = self.spec, query.shape[1], None
        x = without_padding(query, padding)
        if spec.site.is_causal:
            x, poison = hold_back_nonfinite(x, cache)
        tokens, start = cache.extend(x, padding)
        taps = torch.cat([shifted(tokens, start + tap, queries) for tap in spec.taps], dim=-1)
        output = self.output_projection(taps)
        if poison is not None:
            output = output + poison
        weights = None
        if need_weights:
            each = torch.eye(len(spec.taps), dtype=x.dtype, device=x.device)[None, :, None]  # (1, k, 1, k)
            by_key = spread_taps(each, spec.taps, start, queries, tokens.shape[1])
            weights = cache.over_all_tokens(by_key.expand(x.shape[0], -1, queries, -1))
        cache.keep_last(-spec.taps[0])
        return output, weights
