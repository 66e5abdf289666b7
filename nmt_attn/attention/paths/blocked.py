"""Any logits in blocks of queries: one sentence and head at a time, so that a block stays in the processor's cache.

Memory does not grow with t x s: weights are kept for the gradient up to KEPT of them, else computed again. Padding at
either end, and in causal attention the keys behind the block, are left out instead of masked.

Axes: b batch, h heads, t queries, s keys, d head size, m distances; in a block t, s and m are its own.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from nmt_attn.attention.paths.call import PLAIN, Call, Factors, Products

# Measured on AMD Zen 4 with heads of 64.
WORTH_FROM = 96  # keys from which on blocks are faster than logits written out
QUERIES = 128  # of a block; half as many for MANY keys, so that it still fits, but not with the engine's products
MANY = 1024
KEPT = 1 << 24  # weights: 64 MiB of float32


def serves(like: Tensor) -> bool:
    """Can blocks be computed on the device and in the type of ``like``?"""
    wide = like.dtype in (torch.float32, torch.float64)
    return like.device.type == "cpu" and wide and not torch.is_autocast_enabled("cpu")


def attend(factors: Factors, values: Tensor, call: Call, products: Products = PLAIN) -> Tensor:
    """Mixed values (b, h, t, d), without the factors key_relative, dense and first_heads; see serves."""
    batch, heads = values.shape[:2]
    bounds, ragged = _bounds(call.padding, batch, call.keys)
    by_key = factors.by_key
    if ragged:  # padding between tokens is hidden by the logits of the keys
        assert call.padding is not None
        by_key = values.new_zeros(batch, heads, call.keys) if by_key is None else by_key
        by_key = by_key.masked_fill(call.padding[:, None], torch.finfo(by_key.dtype).min)
    queries, keys = factors.content or (None, None)
    relative, vectors = factors.relative or (None, None)
    keys = None if keys is None else keys.contiguous()  # each block reads all of them
    vectors = None if vectors is None else vectors.expand(heads, -1, -1).contiguous()
    scope = products.scope if call.keys >= MANY else nullcontext
    size = QUERIES // 2 if call.keys >= MANY and scope is nullcontext else QUERIES
    blocks = _Blocks(heads, call.queries, call.keys, call.causal, bounds, size, scope)
    return _Blocked.apply(blocks, queries, keys, by_key, relative, vectors, factors.by_distance, values.contiguous())


def _bounds(padding: Tensor | None, batch: int, keys: int) -> tuple[list[tuple[int, int]], bool]:
    """First and last + 1 of the real keys of each sentence, and whether there is padding between them."""
    if padding is None:
        return [(0, keys)] * batch, False
    first = padding.cumprod(dim=1).sum(dim=1)
    last = torch.maximum(first, keys - padding.flip(1).cumprod(dim=1).sum(dim=1))
    ragged = bool(((~padding).sum(dim=1) != last - first).any())
    return list(zip(first.tolist(), last.tolist(), strict=True)), ragged


@dataclass(frozen=True)
class _Block:
    """Some queries of one sentence and head, the keys that they can see, and the distances between them."""

    row: tuple[int, int]  # sentence and head
    q: slice
    k: slice
    m: slice
    causal: bool

    @property
    def head(self) -> int:
        return self.row[1]

    @property
    def shape(self) -> tuple[int, int]:
        """Queries and keys."""
        return self.q.stop - self.q.start, self.k.stop - self.k.start

    @property
    def distances(self) -> tuple[int, int]:
        """Queries and distances."""
        return self.shape[0], self.m.stop - self.m.start


@dataclass(frozen=True)
class _Blocks:
    """How a call is cut. bounds: the keys that each sentence has; size: queries of a block; scope: see Products."""

    heads: int
    queries: int
    keys: int
    causal: bool
    bounds: list[tuple[int, int]]
    size: int
    scope: Callable[[], AbstractContextManager[None]]

    def __iter__(self) -> Iterator[_Block]:
        """All blocks that have a key."""
        for sentence, (first, last) in enumerate(self.bounds):
            for head in range(self.heads):
                for q0 in range(0, self.queries, self.size):
                    q1 = min(q0 + self.size, self.queries)
                    k1 = min(q1, last) if self.causal else last
                    if k1 > first:
                        low = first + self.queries - q1
                        m = slice(low, low + (q1 - q0) + (k1 - first) - 1)
                        yield _Block((sentence, head), slice(q0, q1), slice(first, k1), m, self.causal)

    def scratch(self, like: Tensor) -> Tensor:
        """Memory for the logits by distance of a block, or for less."""
        rows = min(self.size, self.queries)
        return like.new_zeros(rows * (rows + self.keys - 1))


def _part(scratch: Tensor, shape: tuple[int, int]) -> Tensor:
    return scratch[: shape[0] * shape[1]].view(shape)


def _by_key(by_distance: Tensor) -> Tensor:
    """A block's logits by distance (t, m) as (t, s), a view: each row begins one later, counted from the last."""
    queries, distances = by_distance.shape
    size = (queries, distances - queries + 1)
    return by_distance.as_strided(size, (distances - 1, 1), by_distance.storage_offset() + queries - 1)


class _Flat(NamedTuple):
    """The factors, each as in Factors or None, and the values v (b, h, s, d)."""

    a: Tensor | None
    k: Tensor | None
    by_key: Tensor | None
    p: Tensor | None
    r: Tensor | None
    by_distance: Tensor | None
    v: Tensor


class _Blocked(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, blocks: _Blocks, *factors: Any) -> Tensor:
        flat = _Flat(*factors)
        batch, heads, _, size = flat.v.shape
        mixed = flat.v.new_zeros(batch, blocks.queries, heads, size).transpose(1, 2)
        by_distance, logits, again = (blocks.scratch(flat.v) for _ in range(3))
        keep = any(ctx.needs_input_grad) and batch * heads * blocks.queries * blocks.keys <= KEPT
        ctx.blocks, ctx.weights = blocks, [] if keep else None
        with blocks.scope():
            for block in blocks:
                weights = _weights(block, flat, by_distance, logits, None if keep else again)
                torch.mm(weights, flat.v[block.row][block.k], out=mixed[block.row][block.q])
                if keep:
                    ctx.weights.append(weights)
        ctx.save_for_backward(*factors, mixed)
        return mixed

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, slope: Tensor) -> tuple[Tensor | None, ...]:
        *factors, mixed = ctx.saved_tensors
        flat, slopes = _Flat(*factors), _Flat._make(None if x is None else torch.zeros_like(x) for x in factors)
        blocks: _Blocks = ctx.blocks
        by_distance, logits, again, slanted = (blocks.scratch(flat.v) for _ in range(4))
        clean = None  # the shape for which only the view by key of slanted has been written to
        kept = None if ctx.weights is None else iter(ctx.weights)
        means = (slope * mixed).sum(dim=-1, keepdim=True)  # of the slopes of the weights, under the weights
        with blocks.scope():
            for block in blocks:
                weights = _weights(block, flat, by_distance, logits, again) if kept is None else next(kept)
                d_logits, d_by_distance = _part(logits, block.shape), None
                if flat.p is not None or flat.by_distance is not None:
                    d_by_distance = _part(slanted, block.distances)
                    if clean != block.distances:
                        clean = block.distances
                        d_by_distance.zero_()
                mine = slope[block.row][block.q]
                slopes.v[block.row][block.k].addmm_(weights.t(), mine)
                torch.mm(mine, flat.v[block.row][block.k].t(), out=d_logits)
                d_logits.sub_(means[block.row][block.q])
                target = d_logits if d_by_distance is None else _by_key(d_by_distance)
                _add_slopes(block, flat, slopes, torch.mul(d_logits, weights, out=target), d_by_distance)
        return None, *slopes


def _add_slopes(block: _Block, flat: _Flat, slopes: _Flat, d_logits: Tensor, d_by_distance: Tensor | None) -> None:
    """Adds what one block gives to the slopes of the factors: d_logits (t, s), d_by_distance (t, m)."""
    row, head, q, k, m = block.row, block.head, block.q, block.k, block.m
    if flat.a is not None and flat.k is not None and slopes.a is not None and slopes.k is not None:
        torch.mm(d_logits, flat.k[row][k], out=slopes.a[row][q])
        slopes.k[row][k].addmm_(d_logits.t(), flat.a[row][q])
    if slopes.by_key is not None:
        slopes.by_key[row][k] += d_logits.sum(dim=0)
    if d_by_distance is None:
        return
    if flat.p is not None and flat.r is not None and slopes.p is not None and slopes.r is not None:
        torch.mm(d_by_distance, flat.r[head, m], out=slopes.p[row][q])
        slopes.r[head, m].addmm_(d_by_distance.t(), flat.p[row][q])
    if slopes.by_distance is not None:
        slopes.by_distance[head, m] += d_by_distance.sum(dim=0)


def _weights(block: _Block, flat: _Flat, by_distance: Tensor, logits: Tensor, weights: Tensor | None) -> Tensor:
    """Weights (t, s) of one block, in ``weights`` or memory of their own; by_distance and logits are overwritten."""
    row, parts, total = block.row, [], _part(logits, block.shape)
    if flat.p is not None and flat.r is not None:
        product = torch.mm(
            flat.p[row][block.q], flat.r[block.head, block.m].t(), out=_part(by_distance, block.distances)
        )
        parts.append(_by_key(product))
    if flat.by_distance is not None:
        parts.append(flat.by_distance[block.head, block.m].unfold(0, block.shape[1], 1).flip(0))
    if flat.by_key is not None:
        parts.append(flat.by_key[row][block.k])
    if flat.a is not None and flat.k is not None:
        torch.mm(flat.a[row][block.q], flat.k[row][block.k].t(), out=total)
    elif len(parts) > 1:
        torch.add(parts.pop(), parts.pop(), out=total)
    else:
        total.copy_(parts.pop())
    for part in parts:
        total.add_(part)
    first = max(block.q.start, block.k.start)
    if block.causal and first < block.k.stop:
        later = torch.ones(block.shape[0], block.k.stop - first, dtype=torch.bool).triu(block.q.start - first + 1)
        total[:, first - block.k.start :].masked_fill_(later, torch.finfo(total.dtype).min)
    return torch.softmax(total, dim=-1, out=None if weights is None else _part(weights, block.shape))
