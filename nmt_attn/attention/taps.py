"""From taps, positions relative to the query, to keys.

Axes: b batch, h heads, t queries, s keys, d head size, k taps, c channels. Queries stand at the keys start,
start + 1, ...; beyond the keys there is silence: zeros.
"""

import torch
from torch import Tensor
from torch.nn.functional import pad

from nmt_attn.attention.positions import distances_to_keys

BAND_LIMIT = 96  # keys up to which a band matrix is faster than a sum of shifted tokens (CPU, 8 heads of 64)


def spread_taps(weights: Tensor, taps: tuple[int, ...], start: int, queries: int, keys: int) -> Tensor:
    """Weights by tap as weights by key: (..., t, k), or (..., 1, k) if the same for all queries, to (..., t, s)."""
    if queries == 0:
        return weights.new_zeros(*weights.shape[:-2], 0, keys)
    low, high = -(start + queries - 1), keys - 1 - start
    by_distance = pad(weights, (taps[0] - low, high - taps[-1]))  # negative padding cuts off what meets no key
    return distances_to_keys(by_distance, queries, keys)


def mix_taps(weights: Tensor, taps: tuple[int, ...], values: Tensor, start: int, queries: int) -> Tensor:
    """Sum over taps of weight times value: weights (b, h, t, k) or (1, h, 1, k), values (b, h, s, d): (b, h, t, d)."""
    keys = values.shape[2]
    if keys <= BAND_LIMIT:
        return spread_taps(weights, taps, start, queries, keys) @ values
    total = torch.zeros_like(values[:, :, :1])
    for column, tap in enumerate(taps):
        if -queries < start + tap < keys:
            total = total + weights[..., column, None] * shifted(values, start + tap, queries)
    return total.expand(-1, -1, queries, -1)


def shifted(values: Tensor, first: int, count: int) -> Tensor:
    """``count`` rows of values (..., s, c) from row ``first`` on, zeros where there is none: (..., count, c)."""
    last = first + count
    kept = values[..., max(first, 0) : max(last, 0), :]
    before = min(max(-first, 0), count)
    return pad(kept, (0, 0, before, count - before - kept.shape[-2]))
