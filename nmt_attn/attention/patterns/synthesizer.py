"""Random alignments, the trained random Synthesizer (Tay et al. 2021): E4 = one learned number a head, query and key.

Positions beyond the table, which is as wide as the maximum distance, are taken as its last.
"""

import torch
from torch import Tensor, nn

from nmt_attn.attention.patterns.pattern import Pattern
from nmt_attn.spec import AttentionSpec


class Synthesizer(Pattern):
    """alignment: (h, positions, positions)."""

    def __init__(self, spec: AttentionSpec) -> None:
        super().__init__(spec)
        assert spec.max_distance is not None
        self.alignment = nn.Parameter(torch.empty(self.heads, spec.max_distance, spec.max_distance))
        nn.init.xavier_uniform_(self.alignment)

    def forward(self, places: Tensor, length: Tensor, start: int, queries: int, dtype: torch.dtype) -> Tensor:
        places = places.clamp(max=self.alignment.shape[-1] - 1)
        rows = places[:, start : start + queries, None]
        return self.alignment[:, rows, places[:, None, :]].transpose(0, 1).to(dtype)
