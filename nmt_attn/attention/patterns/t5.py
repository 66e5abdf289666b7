"""T5's position bias (Raffel et al. 2020): E4 = one learned number a head and bucket of distances.

Half of the buckets stand for one distance each, the others grow logarithmically up to the maximum distance, beyond
which all share the last. The encoder has as many buckets for each direction, the decoder all for the past. Here each
layer owns its table; T5 has one for the encoder and one for the decoder.
"""

import math

import torch
from torch import Tensor, nn

from nmt_attn.attention.patterns.pattern import DistancePattern
from nmt_attn.spec import T5_BUCKETS, AttentionSpec


class T5Bias(DistancePattern):
    """bias: (h, buckets)."""

    def __init__(self, spec: AttentionSpec) -> None:
        super().__init__(spec)
        self.bias = nn.Parameter(torch.randn(self.heads, T5_BUCKETS) / math.sqrt(spec.dim))

    def by_distance(self, distances: Tensor, dtype: torch.dtype) -> Tensor:
        assert self.max_distance is not None
        return self.bias[:, buckets(distances, self.causal, self.max_distance)].to(dtype)


def buckets(distances: Tensor, causal: bool, furthest: int) -> Tensor:
    """The bucket of each distance k - q, from 0 to T5_BUCKETS - 1."""
    count = T5_BUCKETS if causal else T5_BUCKETS // 2
    ahead = torch.zeros_like(distances) if causal else count * (distances > 0)
    size = (-distances).clamp(min=0) if causal else distances.abs()
    exact = count // 2
    growth = torch.log(size.clamp(min=1).double() / exact) / math.log(max(furthest, exact + 1) / exact)
    far = exact + (growth * (count - exact)).long()
    return ahead + torch.where(size < exact, size, far.clamp(max=count - 1))
