"""Relative position alone, or with key content: weights by distance times weights by key.

    exp(T_{k-q} + l_k) = exp(T_{k-q}) exp(l_k)

The first factor is one matrix of a row a query, the same for all sentences (a Toeplitz matrix): the values of all of
them, times the second factor, are the columns of one product a head. So are the sums that the weights are divided by.

Axes: b batch, h heads, t queries, s keys, d head size, m distances.
"""

from dataclasses import replace

import torch
from torch import Tensor

from nmt_attn.attention.paths import blocked, matmul
from nmt_attn.attention.paths.call import PLAIN, Call, Factors, Products

RANGE = 40.0  # of the logits: exp(-40) is far above the smallest float32, and sums lose no digit


def serves(like: Tensor) -> bool:
    """Has the type of ``like`` the range for products of exponentials?"""
    wide = like.dtype in (torch.float32, torch.float64)
    return wide and not torch.is_autocast_enabled(like.device.type)


def in_range(factors: Factors) -> bool:
    """Do the logits stay so close together that their exponentials can be multiplied?"""
    parts = [part.detach() for part in (factors.by_distance, factors.by_key) if part is not None and part.numel()]
    return float(sum(part.max() - part.min() for part in parts)) < RANGE


def attend(factors: Factors, values: Tensor, call: Call, products: Products = PLAIN) -> Tensor:
    """Mixed values (b, h, t, d) of factors by_distance, and by_key or not, that are in range."""
    assert factors.by_distance is not None
    batch, size = values.shape[0], values.shape[3]
    if factors.by_key is None and call.padding is None:
        columns = values.permute(1, 2, 0, 3).flatten(2)  # (h, s, b * d)
    else:
        columns = _weighted(factors.by_key, values, call.padding)
    plain = Factors(by_distance=factors.by_distance)
    call = replace(call, padding=None)
    if blocked.serves(values) and call.keys >= blocked.WORTH_FROM:
        mixed = blocked.attend(plain, columns[None], call, products)[0]  # (h, t, columns)
    else:
        mixed = matmul.attend(plain, columns[None], call, products)[0][0]
    if mixed.shape[-1] > batch * size:
        mixed, sums = mixed.split([batch * size, batch], dim=-1)
        mixed = mixed.unflatten(-1, (batch, size)) / sums[..., None].clamp(min=torch.finfo(sums.dtype).tiny)
    else:
        mixed = mixed.unflatten(-1, (batch, size))
    return mixed.permute(2, 0, 1, 3)


def _weighted(by_key: Tensor | None, values: Tensor, padding: Tensor | None) -> Tensor:
    """The values times exp(l), all sentences side by side, then exp(l) alone: (h, s, b * d + b); zero at padding."""
    batch, heads, keys, _ = values.shape
    logits = values.new_zeros(batch, heads, keys) if by_key is None else by_key
    weights = (logits - logits.detach()[:, :, :1]).exp()  # not less their maximum: no query may see a later key
    if padding is not None:
        weights = weights.masked_fill(padding[:, None], 0.0)
    weighted = (values * weights[..., None]).permute(1, 2, 0, 3).flatten(2)
    return torch.cat([weighted, weights.permute(1, 2, 0)], dim=-1)
