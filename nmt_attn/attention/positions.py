"""Relative positions: the sinusoids R_{k-q} and the step from distances to pairs of query and key.

Axes: b batch, h heads, t queries, s keys, d head size, m distances, c channels.
"""

import math
from functools import lru_cache

import torch
from torch import Tensor

WAVELENGTH_BASE = 10_000.0


def sinusoids(distances: Tensor, dim: int) -> Tensor:
    """R of each signed distance k - q: sines of all wavelengths, then cosines (arXiv 1904.05873, section 3).

    R_n = [sin(n w_0), ..., sin(n w_{dim/2-1}), cos(n w_0), ..., cos(n w_{dim/2-1})], w_i = 10000^(-2i/dim).
    distances: (m). Returns (m, dim) in float64, so that long distances stay exact; dim must be even.
    """
    frequency = torch.arange(0, dim, 2, dtype=torch.float64, device=distances.device)
    frequency = torch.exp(frequency * (-math.log(WAVELENGTH_BASE) / dim))
    angle = distances.to(torch.float64)[:, None] * frequency
    return torch.cat([angle.sin(), angle.cos()], dim=-1)


@lru_cache(maxsize=16)
def _table(reach: int, dim: int, dtype: torch.dtype, device: torch.device) -> Tensor:
    with torch.inference_mode(False):  # a table first needed while translating must still serve training
        return sinusoids(torch.arange(-reach, reach + 1, device=device), dim).to(dtype)


def relative_positions(
    low: int, high: int, dim: int, max_distance: int | None, dtype: torch.dtype, device: torch.device
) -> Tensor:
    """R for the distances low, low + 1, ..., high, each first clipped to +-max_distance: (m, dim).

    Any distance is possible: tables are made for powers of two and shared by all layers.
    """
    if max_distance is not None:
        table = _table(max_distance, dim, dtype, device)
        return table[clipped_distances(low, high, max_distance, device) + max_distance]
    reach = 1 << max(abs(low), abs(high), 63).bit_length()
    return _table(reach, dim, dtype, device)[low + reach : high + reach + 1]


def clipped_distances(low: int, high: int, limit: int, device: torch.device) -> Tensor:
    """low, low + 1, ..., high, each clipped to +-limit: (m)."""
    return torch.arange(low, max(high + 1, low), device=device).clamp(-limit, limit)


def distances_to_keys(by_distance: Tensor, queries: int, keys: int, together: bool = False) -> Tensor:
    """Reads logits by distance as logits by key.

    by_distance: (..., t, m), or (..., 1, m) if the same for all queries, with t = queries and m = t + keys - 1;
    columns are the distances in ascending order, from the last query's to the first key up. Returns
    (..., t, keys): element (i, k) is element (i, k - i + t - 1) of the input. For t rows this is a view:
    in the flattened input each row begins m - 1 after the one before. together: all queries stand at one position, and
    the m = keys distances are those from there.
    """
    rows, m = by_distance.shape[-2:]
    if queries == 0:
        return by_distance.new_zeros(*by_distance.shape[:-2], 0, keys)
    if queries == 1 or together:
        return by_distance
    assert m == queries + keys - 1
    if rows == 1:
        return by_distance.squeeze(-2).unfold(-1, keys, 1).flip(-2)
    flat = by_distance.flatten(-2)[..., queries - 1 : queries - 1 + queries * (m - 1)]
    return flat.unflatten(-1, (queries, m - 1))[..., :keys]
