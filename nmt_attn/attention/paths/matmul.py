"""Logits of all pairs of query and key, written out: any factors, weights on demand, dropout.

The product with the relative vectors takes all sentences at once; the step from distances to keys is a view.
Axes: b batch, h heads, t queries, s keys, d head size, m distances.
"""

import torch
from torch import Tensor, nn

from nmt_attn.attention.masking import masked_softmax
from nmt_attn.attention.paths.call import PLAIN, Call, Factors, Products
from nmt_attn.attention.positions import distances_to_keys


def attend(factors: Factors, values: Tensor, call: Call, products: Products = PLAIN) -> tuple[Tensor, Tensor]:
    """Mixed values (b, h, t, d) and weights before dropout (b, h, t, s), with 1 for an axis that nothing depends on."""
    logits = _logits(factors, values, call, products)
    hidden = call.hidden(values.device)
    if factors.first_heads is not None:  # their pattern hides keys as well
        unseen = logits.isneginf()
        hidden = unseen if hidden is None else hidden | unseen
    weights = masked_softmax(logits, hidden)
    if call.dropout == 0.0:
        return products.matmul(weights, values), weights
    full = weights.expand(*values.shape[:2], call.queries, call.keys)
    return products.matmul(nn.functional.dropout(full, call.dropout), values), weights


def _logits(factors: Factors, values: Tensor, call: Call, products: Products) -> Tensor:
    """The sum of the factors' products: (b, h, t, s), 1 for an axis that nothing depends on."""
    parts = []
    if factors.content is not None:
        queries, keys = factors.content
        parts.append(products.matmul(queries, keys.transpose(-2, -1)))
    if factors.relative is not None:
        by_distance = _by_distance(*factors.relative, products)
        parts.append(distances_to_keys(by_distance, call.queries, call.keys, call.together))
    if factors.key_relative is not None:
        by_distance = _by_distance(*factors.key_relative, products)
        parts.append(_distances_to_queries(by_distance, call))
    if factors.by_key is not None:
        parts.append(factors.by_key[:, :, None])
    if factors.by_distance is not None:
        by_distance = factors.by_distance[None, :, None]
        parts.append(distances_to_keys(by_distance, call.queries, call.keys, call.together))
    if factors.dense is not None:
        parts.append(factors.dense)
    if factors.first_heads is not None:
        shape = values.shape[0], -1, call.queries, call.keys
        parts = [torch.cat([x.expand(shape) for x in (factors.first_heads, *parts)], dim=1)]
    return sum(parts[1:], parts[0]) if parts else values.new_zeros(1, 1, 1, call.keys)


def _by_distance(x: Tensor, vectors: Tensor, products: Products) -> Tensor:
    """x (b, h, n, d) times vectors (h, m, d), all sentences in one product a head: (b, h, n, m)."""
    batch, heads, rows, _ = x.shape
    folded = x.transpose(0, 1).flatten(1, 2)  # (h, b * n, d)
    result = products.matmul(folded, vectors.transpose(-2, -1).expand(heads, -1, -1))
    return result.unflatten(1, (batch, rows)).transpose(0, 1)


def _distances_to_queries(by_distance: Tensor, call: Call) -> Tensor:
    """As distances_to_keys for distances q - k of each key (b, h, s, m): (b, h, t, s)."""
    if not call.together:
        return distances_to_keys(by_distance, call.keys, call.queries).transpose(-2, -1)
    return distances_to_keys(by_distance, call.keys, 1).transpose(-2, -1)
