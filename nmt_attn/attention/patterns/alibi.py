"""ALiBi, "Train Short, Test Long" (Press et al. 2022): E4 = -slope_h |k - q|, nothing is learned."""

import math

import torch
from torch import Tensor

from nmt_attn.attention.patterns.pattern import DistancePattern


class Alibi(DistancePattern):
    def by_distance(self, distances: Tensor, dtype: torch.dtype) -> Tensor:
        slopes = torch.tensor(head_slopes(self.heads), dtype=dtype, device=distances.device)
        return -slopes[:, None] * distances.abs()


def head_slopes(heads: int) -> list[float]:
    """2^(-8/n), 2^(-16/n), ..., for n heads.

    If n is no power of two: those of the next smaller power, then every other one of the next greater.
    """
    power = 2 ** math.floor(math.log2(heads))
    slopes = [2.0 ** (-8.0 * i / power) for i in range(1, power + 1)]
    between = [2.0 ** (-8.0 * i / (2 * power)) for i in range(1, 2 * power, 2)]
    return slopes + between[: heads - power]
