"""Regular convolution: one head a tap, which sees the key at the query's position plus the tap's.

    y_q = sum_m W_m x_{q + p_m} + b          A_m(q, k) = 1 where k = q + p_m, else 0

W_m W'_m of the generalized formula (arXiv 1904.05873, equation 1) is one full matrix W_m here.

Axes: b batch, t queries, s keys, k taps, c channels.
"""

import torch
from torch import Tensor, nn

from nmt_attn.attention.convolution import ConvolutionMixer
from nmt_attn.attention.taps import shifted, spread_taps
from nmt_attn.spec import ConvolutionSpec


class RegularConvolution(ConvolutionMixer):
    """output_projection holds the matrices W_m of all taps side by side, in the order of spec.taps."""

    def __init__(self, spec: ConvolutionSpec) -> None:
        super().__init__(spec)
        self.output_projection = nn.Linear(len(spec.taps) * spec.dim, spec.dim)
        nn.init.xavier_uniform_(self.output_projection.weight)
        nn.init.zeros_(self.output_projection.bias)

    def mix(self, new: Tensor, tokens: Tensor, start: int, need_weights: bool) -> tuple[Tensor, Tensor | None]:
        """As ConvolutionMixer.mix; weights: (b, k, t, s)."""
        taps, queries = self.spec.taps, new.shape[1]
        seen = [shifted(tokens, start + tap, queries) for tap in taps]
        output = self.output_projection(torch.cat(seen, dim=-1))
        if not need_weights:
            return output, None
        each = torch.eye(len(taps), dtype=new.dtype, device=new.device)[None, :, None]  # (1, k, 1, k)
        weights = spread_taps(each, taps, start, queries, tokens.shape[1])
        return output, weights.expand(new.shape[0], -1, queries, -1)
