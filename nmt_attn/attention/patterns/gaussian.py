"""Hard-coded Gaussian attention (You et al. 2020): E4 = -(k - q - mu_h)^2 / 2, nothing is learned.

mu is -1 and 1 in turn over the encoder's heads, -1 and 0 over the decoder's; the standard deviation is one token. The
softmax makes the weights of the visible keys sum to 1; the original takes the density as it is.
"""

import torch
from torch import Tensor

from nmt_attn.attention.patterns.pattern import DistancePattern


class Gaussian(DistancePattern):
    def by_distance(self, distances: Tensor, dtype: torch.dtype) -> Tensor:
        apart = 1 if self.causal else 2
        centres = torch.arange(self.heads, device=distances.device) % 2 * apart - 1
        return -((distances - centres[:, None]) ** 2).to(dtype) / 2
