"""What the ways to compute an attention site share: from inputs to a call, from mixed values to the output.

Axes: b batch, h heads, t queries, s keys, d head size, c channels.
"""

from dataclasses import replace

import torch
from torch import Tensor

from nmt_attn.attention.cache import KeyValueCache
from nmt_attn.attention.masking import without_padding
from nmt_attn.attention.paths.call import PLAIN, Call, Factors, Products
from nmt_attn.attention.terms import AttentionTerms
from nmt_attn.spec import AttentionSpec, Positions


class AttentionSite(AttentionTerms):
    """Terms with what happens around them. products: the matrix products, see there; nmt_attn.engine sets others."""

    def __init__(self, spec: AttentionSpec) -> None:
        super().__init__(spec)
        self.products: Products = PLAIN

    def prepare(
        self, query: Tensor, memory: Tensor, padding: Tensor | None
    ) -> tuple[Tensor, Tensor, Tensor | None, Tensor | None]:
        """Query, memory and padding without what stands at padding; the keys of a cross site that counts positions from
        the first real one on, and how many (b) were before it."""
        spec = self.spec
        if spec.site.is_causal:
            return query, memory, padding, None
        memory = without_padding(memory.contiguous(), padding)  # fairseq's is time-first: one copy, not three
        if spec.site.is_self:
            return memory, memory, padding, None
        counts = spec.terms.use_position or spec.key_position or spec.window is not None
        if padding is None or not counts:
            return query, memory, padding, None
        offset = padding.long().cumprod(dim=1).sum(dim=1)
        return query, _rotate(memory, offset), _rotate(padding[:, :, None], offset)[:, :, 0], offset

    def make_call(self, queries: int, keys: int, padding: Tensor | None) -> Call:
        """A call of this site, not in the middle of decoding. padding: (b, s)."""
        spec = self.spec
        dropout = spec.dropout if self.training else 0.0
        return Call(queries, keys, causal=spec.site.is_causal, window=spec.window, padding=padding, dropout=dropout)

    def with_pattern(self, factors: Factors, call: Call, cache: KeyValueCache | None = None) -> Factors:
        """With what a pattern says of the call's queries and keys."""
        if self.position_pattern is None:
            return factors
        places, length = _places(call, cache, self.value_projection.weight.device)
        dtype = self.value_projection.weight.dtype
        pattern = self.position_pattern(
            places, length, call.start, call.queries, torch.promote_types(dtype, torch.float32)
        )
        if self.spec.positions is Positions.FIXED:
            return replace(factors, first_heads=pattern.to(dtype))
        return replace(factors, dense=pattern.to(dtype))

    def output(self, mixed: Tensor, call: Call) -> Tensor:
        """W over the heads (b, h, t, d), of one for all queries once: (b, t, c); zero where a query has no key."""
        output = self.output_projection(mixed.transpose(1, 2).flatten(2)).expand(-1, call.queries, -1)
        if call.keys == 0:
            return torch.zeros_like(output)
        keyless = call.keyless(mixed.device)
        if keyless is None or (mixed.device.type == "cpu" and not keyless.any()):
            return output
        return output.masked_fill(keyless[:, :, None], 0.0)

    def written_out(self, weights: Tensor, batch: int, call: Call) -> Tensor:
        """Weights that were computed once for several sentences, heads or queries, written out: (b, h, t, s)."""
        return weights.expand(batch, self.spec.heads, call.queries, -1)


def in_memory_order(weights: Tensor, offset: Tensor | None) -> Tensor:
    """Undoes _rotate on the key axis of weights (b, h, t, s)."""
    if offset is None:
        return weights
    keys = weights.shape[-1]
    columns = (torch.arange(keys, device=weights.device) - offset[:, None]) % keys
    return weights.gather(-1, columns[:, None, None, :].expand_as(weights))


def _places(call: Call, cache: KeyValueCache | None, device: torch.device) -> tuple[Tensor, Tensor]:
    """Position of each key in its sentence (b, s), and the sentence's length (b); b is 1 without padding."""
    forgotten = 0 if cache is None else cache.forgotten
    if call.padding is None:
        last = forgotten + call.keys
        return torch.arange(forgotten, last, device=device)[None], torch.full((1,), last, device=device)
    real = (~call.padding).long()
    before = forgotten if cache is None or cache.forgotten_tokens is None else cache.forgotten_tokens
    before = torch.as_tensor(before).to(device).expand(real.shape[0])
    return (before[:, None] + real.cumsum(dim=1) - 1).clamp(min=0), before + real.sum(dim=1)


def _rotate(x: Tensor, offset: Tensor) -> Tensor:
    """Moves the first offset[b] rows of x (b, s, c) behind the others."""
    rows = (torch.arange(x.shape[1], device=x.device) + offset[:, None]) % x.shape[1]
    return x.gather(1, rows[:, :, None].expand_as(x))
