"""Relative position by the addition theorems of sine and cosine: all terms become content.

With w_i the frequencies of R, g_q = (V^R)^T p_q and its halves s and c for the sines and cosines,

    p_q . V^R R_{k-q} = sum_i sin(k w_i) (s_i cos(q w_i) + c_i sin(q w_i))
                            + cos(k w_i) (c_i cos(q w_i) - s_i sin(q w_i)),

a product of something that only the query knows with the sinusoid of the key's own position. Exact, and no matrix of
queries and keys is kept; the head size of the product grows by the width of R, so that it pays for a narrow R only.

Axes: b batch, h heads, t queries, s keys, d head size, c width of R.
"""

import torch
from torch import Tensor
from torch.nn.functional import pad

from nmt_attn.attention.paths import fused
from nmt_attn.attention.paths.call import Call, Factors
from nmt_attn.attention.positions import sinusoids


def attend(factors: Factors, relative: Tensor, projection: Tensor, values: Tensor, call: Call) -> Tensor:
    """Mixed values (b, h, t, d): factors without relative, and its p (b, h, t, d), or (1, h, 1, d) if all are the same.

    projection: V^R, (h, d, c).
    """
    batch, heads, keys, size = values.shape
    width = projection.shape[2]
    sines, cosines = (relative @ projection).expand(batch, heads, call.queries, -1).chunk(2, dim=-1)
    q_sine, q_cosine = _positions(call.queries, call.start, values, width)
    k_sine, k_cosine = _positions(keys, 0, values, width)
    queries = [sines * q_cosine + cosines * q_sine, cosines * q_cosine - sines * q_sine]
    sinusoid = torch.cat([k_sine, k_cosine], dim=-1).expand(batch, heads, -1, -1)
    if factors.content is not None:
        queries.insert(0, factors.content[0])
        sinusoid = torch.cat([factors.content[1], sinusoid], dim=-1)
    if factors.by_key is not None:
        queries.append(values.new_ones(1, 1, 1, 1).expand(batch, heads, call.queries, 1))
        sinusoid = torch.cat([sinusoid, factors.by_key[..., None].to(values.dtype)], dim=-1)
    width = max(sinusoid.shape[-1], size)  # the fused kernels want values as wide as keys
    wide = [pad(x, (0, width - x.shape[-1])) for x in (torch.cat(queries, dim=-1), sinusoid, values)]
    return fused.attend(Factors(content=(wide[0], wide[1])), wide[2], call)[..., :size]


def _positions(count: int, start: int, like: Tensor, width: int) -> tuple[Tensor, Tensor]:
    """Sines and cosines (count, c / 2) of the positions from start on, made in float64."""
    table = sinusoids(torch.arange(start, start + count, device=like.device), width).to(like.dtype)
    sines, cosines = table.chunk(2, dim=-1)
    return sines, cosines
