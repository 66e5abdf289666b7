"""Fixed encoder patterns (Raganato et al. 2020): seven, one a head in turn, nothing is learned.

The query's token; the one before; the one after; the context before these, weights (k + 1)^3; the context behind them,
mirrored; all tokens with the same weights, growing to the end; the same, mirrored. Where a pattern has no token, as
there is none before the first, the head gives zero.
"""

import torch
from torch import Tensor

from nmt_attn.attention.patterns.pattern import Pattern


class FixedPatterns(Pattern):
    def forward(self, places: Tensor, length: Tensor, start: int, queries: int, dtype: torch.dtype) -> Tensor:
        distance = places[:, None, :] - places[:, start : start + queries, None]  # (b, t, s)
        to_the_end = 3 * torch.log((places + 1).to(dtype))[:, None].expand(distance.shape)
        to_the_start = 3 * torch.log((length[:, None] - places).clamp(min=1).to(dtype))[:, None].expand(distance.shape)
        equal = torch.zeros_like(to_the_end)
        patterns = [
            _only(distance == 0, equal),
            _only(distance == -1, equal),
            _only(distance == 1, equal),
            _only(distance <= -2, to_the_end),
            _only(distance >= 2, to_the_start),
            to_the_end,
            to_the_start,
        ]
        return torch.stack([patterns[head % len(patterns)] for head in range(self.heads)], dim=1)


def _only(keys: Tensor, logits: Tensor) -> Tensor:
    return logits.masked_fill(~keys, float("-inf"))
