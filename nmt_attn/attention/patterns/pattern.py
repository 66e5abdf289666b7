"""What the patterns share: modules that make the logits of E4, unscaled, from positions alone.

Axes: b batch, h heads, t queries, s keys, m distances.
"""

from abc import ABC, abstractmethod

import torch
from torch import Tensor, nn

from nmt_attn.attention.positions import distances_to_keys
from nmt_attn.spec import AttentionSpec, Positions


class Pattern(nn.Module, ABC):
    """Logits of E4 in the place of v . V^R R_{k-q}; heads: how many have a pattern."""

    def __init__(self, spec: AttentionSpec) -> None:
        super().__init__()
        self.causal = spec.site.is_causal
        self.heads = spec.heads - (spec.content_heads if spec.positions is Positions.FIXED else 0)

    @abstractmethod
    def forward(self, places: Tensor, length: Tensor, start: int, queries: int, dtype: torch.dtype) -> Tensor:
        """Logits (b, h, t, s), -inf where a key is hidden, computed in ``dtype``; b is 1 where all sentences are alike.

        places (b, s): each key's position in its sentence, from 0. length (b): tokens of the sentence. The queries
        are the keys start, start + 1, ...
        """


class DistancePattern(Pattern):
    """A pattern that sees nothing but the distance k - q, clipped to the maximum distance."""

    def __init__(self, spec: AttentionSpec) -> None:
        super().__init__(spec)
        self.max_distance = spec.max_distance

    @abstractmethod
    def by_distance(self, distances: Tensor, dtype: torch.dtype) -> Tensor:
        """Logits of distances (m), whole numbers: (h, m)."""

    def forward(self, places: Tensor, length: Tensor, start: int, queries: int, dtype: torch.dtype) -> Tensor:
        keys = places.shape[1]
        if queries == 0:
            return torch.zeros(1, self.heads, 0, keys, dtype=dtype, device=places.device)
        distances = torch.arange(-(start + queries - 1), keys - start, device=places.device)
        if self.max_distance is not None:
            distances = distances.clamp(-self.max_distance, self.max_distance)
        return distances_to_keys(self.by_distance(distances, dtype)[None, :, None], queries, keys)
