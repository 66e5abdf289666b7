"""Key content alone, or no term: weights that do not depend on the query.

    y = sum_k softmax_k(l_k) v_k           over all keys, the same for every query, or over those up to the query

Axes: b batch, h heads, t queries, s keys, d head size, c channels; n chunks of m keys.
"""

import torch
from torch import Tensor
from torch.nn.functional import pad

from nmt_attn.attention.masking import masked_softmax

BLIND = torch.finfo(torch.float32).min / 2  # levels below it are those of hidden keys alone


def pool(by_key: Tensor | None, memory: Tensor, projection: Tensor, padding: Tensor | None) -> tuple[Tensor, Tensor]:
    """The mixture of the whole memory: (b, h, 1, d), and its weights (b, h, 1, s), b and h 1 if all are alike.

    by_key: l (b, h, s), None for equal weights. memory: (b, s, c). projection: of the values, (h, d, c). The memory is
    mixed first and the mixture projected, one vector a head instead of one a token.
    """
    logits = memory.new_zeros(1, 1, 1, memory.shape[1]) if by_key is None else by_key[:, :, None]
    weights = masked_softmax(logits, None if padding is None else padding[:, None, None])
    batch, heads = memory.shape[0], projection.shape[0]
    mixed = weights.expand(batch, -1, -1, -1)[:, :, 0] @ memory  # (b, h, c)
    mixed = mixed.expand(-1, heads, -1).transpose(0, 1) @ projection.transpose(1, 2)  # (h, b, d)
    return mixed.transpose(0, 1)[:, :, None], weights


def scan(by_key: Tensor | None, values: Tensor, padding: Tensor | None) -> Tensor:
    """The mixtures of the values (b, h, s, d) up to each query: (b, h, s, d), any number before the first visible key.

    A softmax of two levels: a query sees the keys of its own chunk one by one, and each earlier chunk as one key, whose
    logit is the logarithm of the chunk's sum of exponentials and whose value is the chunk's mixture. Work and memory
    grow with s * sqrt(s), and no sum over- or underflows.
    """
    keys = values.shape[2]
    size = max(32, 1 << (max(keys - 1, 1).bit_length() + 1) // 2)  # of a chunk: about the square root
    logits = _masked_logits(by_key, values, padding)
    if keys <= 2 * size:
        return _causal(logits[:, :, None], values[:, :, None], None, None)[:, :, 0]
    surplus = -keys % size
    logits = pad(logits, (0, surplus), value=torch.finfo(logits.dtype).min).unflatten(2, (-1, size))  # (b, h, n, m)
    chunks = pad(values, (0, 0, 0, surplus)).unflatten(2, (-1, size))  # (b, h, n, m, d)
    sums = torch.logsumexp(logits, dim=-1)  # (b, h, n)
    shares = torch.softmax(logits, dim=-1).to(values.dtype)
    mixtures = (shares[..., None, :] @ chunks)[..., 0, :]  # (b, h, n, d)
    return _causal(logits, chunks, sums, mixtures).flatten(2, 3)[:, :, :keys]


def _causal(logits: Tensor, values: Tensor, sums: Tensor | None, mixtures: Tensor | None) -> Tensor:
    """Mixtures (b, h, n, m, d): of the keys of each chunk up to the query, and of all chunks before."""
    chunks, size = logits.shape[2:]
    lowest = torch.finfo(logits.dtype).min
    later = torch.ones(size, size, dtype=torch.bool, device=logits.device).triu(1)
    rows = logits[..., None, :].masked_fill(later, lowest)  # (b, h, n, m, m)
    if sums is None or mixtures is None:
        return torch.softmax(rows, dim=-1).to(values.dtype) @ values
    ahead = torch.ones(chunks, chunks, dtype=torch.bool, device=logits.device).triu()
    before = sums[:, :, None].masked_fill(ahead, lowest)  # (b, h, n, n): chunks before each chunk
    rows = torch.cat([rows, before[..., None, :].expand(-1, -1, -1, size, -1)], dim=-1)
    near, far = torch.softmax(rows, dim=-1).to(values.dtype).split([size, chunks], dim=-1)
    return near @ values + (far.flatten(2, 3) @ mixtures).unflatten(2, (chunks, size))


def _masked_logits(by_key: Tensor | None, values: Tensor, padding: Tensor | None) -> Tensor:
    """(b, h, s), in float32 at least, the smallest number at padding."""
    wide = torch.promote_types(values.dtype, torch.float32)
    batch, heads, keys, _ = values.shape
    logits = values.new_zeros(batch, heads, keys, dtype=wide) if by_key is None else by_key.to(wide)
    return logits if padding is None else logits.masked_fill(padding[:, None], torch.finfo(torch.float32).min)


def running(
    level: Tensor | None, mean: Tensor | None, by_key: Tensor | None, values: Tensor, padding: Tensor | None
) -> tuple[Tensor, Tensor, Tensor]:
    """The sums of scan, token by token: mixtures (b, h, t, d), the level after each token (b, h, t), and the last mean.

    level: (b, h, 1) in float64, the logarithm of the sum of exponentials of the logits before, below BLIND without a
    visible key. mean: (b, h, d) in float32 at least, their mixture. Both None at the beginning.
    """
    logits = _masked_logits(by_key, values, padding).double()
    wide = torch.promote_types(values.dtype, torch.float32)
    if level is None or mean is None:
        level = torch.full_like(logits[:, :, :1], torch.finfo(torch.float32).min)
        mean = torch.zeros_like(values[:, :, 0], dtype=wide)
    outputs, levels = [], []
    for t in range(values.shape[2]):
        logit = logits[:, :, t : t + 1]
        level = torch.logaddexp(level, logit)
        mean = mean + (logit - level).exp().to(wide) * (values[:, :, t] - mean)
        outputs.append(mean.to(values.dtype))
        levels.append(level)
    return torch.stack(outputs, dim=2), torch.cat(levels, dim=2), mean
