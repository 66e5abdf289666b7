"""The attention modules that are compared, all with one call: forward(inputs), time-first, returns (t, b, c).

fairseq's are called as its layers call them.
"""

import os
from collections.abc import Callable
from importlib import import_module

import torch
from fairseq.modules import MultiheadAttention
from fairseq.modules.espnet_multihead_attention import RelPositionMultiHeadedAttention
from fairseq.modules.positional_encoding import RelPositionalEncoding
from torch import Tensor, nn

from nmt_attn.bench.inputs import Inputs
from nmt_attn.bench.names import FAIRSEQ, FAIRSEQ_RELATIVE, TORCH, X_TRANSFORMERS, Ours
from nmt_attn.bench.ours import Mixing
from nmt_attn.spec import Site, SpecError


class Stock(nn.Module):
    """fairseq's attention; in cross attention fairseq takes another way through it (static_kv)."""

    def __init__(self, site: Site, dim: int, heads: int) -> None:
        super().__init__()
        self.cross = not site.is_self
        self.attention = MultiheadAttention(
            dim, heads, self_attention=site.is_self, encoder_decoder_attention=self.cross
        )
        self.future: Tensor | None = None

    def forward(self, inputs: Inputs) -> Tensor:
        y, _ = self.attention(
            query=inputs.query,
            key=inputs.memory,
            value=inputs.memory,
            key_padding_mask=inputs.padding,
            static_kv=self.cross,
            need_weights=False,
            attn_mask=self._minus_infinity(inputs),
        )
        return y

    def _minus_infinity(self, inputs: Inputs) -> Tensor | None:
        """The mask as fairseq's decoder keeps it: numbers to be added."""
        if inputs.future is not None and self.future is None:
            self.future = torch.zeros_like(inputs.future, dtype=inputs.query.dtype)
            self.future.masked_fill_(inputs.future, -torch.inf)
        return self.future


class StockRelative(nn.Module):
    """fairseq's attention with relative positions, the formula of code 1111 (Dai et al. 2019), after ESPnet."""

    def __init__(self, site: Site, dim: int, heads: int) -> None:
        super().__init__()
        if site is not Site.ENCODER_SELF:
            raise SpecError(f"it has no {'causal mask' if site.is_self else 'cross attention'}")
        self.heads = heads
        self.attention = RelPositionMultiHeadedAttention(dim, heads, dropout=0.0)
        self.positions = RelPositionalEncoding(1, dim)

    def forward(self, inputs: Inputs) -> Tensor:
        x = inputs.query
        length, sentences, _ = x.shape
        needed, there = 4 * 4 * sentences * self.heads * length * 2 * length, _memory(x.device)
        if needed > there:
            raise SpecError(f"it needs about {needed >> 30} GB of memory, there are {there >> 30}")
        return self.attention(x, x, x, self.positions(x), key_padding_mask=inputs.padding)[0]


class Torch(nn.Module):
    """torch.nn.MultiheadAttention."""

    def __init__(self, site: Site, dim: int, heads: int) -> None:
        super().__init__()
        self.attention = nn.MultiheadAttention(dim, heads)

    def forward(self, inputs: Inputs) -> Tensor:
        y, _ = self.attention(
            inputs.query,
            inputs.memory,
            inputs.memory,
            key_padding_mask=inputs.padding,
            need_weights=False,
            attn_mask=inputs.future,
            is_causal=inputs.future is not None,
        )
        return y


class XTransformers(nn.Module):
    """Attention of x-transformers with its fused kernel and none of its extras; its linear maps have no bias."""

    def __init__(self, site: Site, dim: int, heads: int) -> None:
        super().__init__()
        try:
            library = import_module("x_transformers.x_transformers")
        except ImportError:
            raise SpecError("not installed: pip install x-transformers") from None
        causal = site.is_causal
        self.attention = library.Attention(dim, dim_head=dim // heads, heads=heads, causal=causal, flash=True)

    def forward(self, inputs: Inputs) -> Tensor:
        seen = None if inputs.padding is None else ~inputs.padding
        x = inputs.query.transpose(0, 1)
        if inputs.memory is inputs.query:
            return self.attention(x, mask=seen).transpose(0, 1)
        return self.attention(x, context=inputs.memory.transpose(0, 1), context_mask=seen).transpose(0, 1)


OTHERS: dict[str, Callable[[Site, int, int], nn.Module]] = {
    FAIRSEQ: Stock,
    FAIRSEQ_RELATIVE: StockRelative,
    TORCH: Torch,
    X_TRANSFORMERS: XTransformers,
}


def _memory(device: torch.device) -> int:
    """Bytes of the device."""
    if device.type == "cuda":
        return torch.cuda.get_device_properties(device).total_memory
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def build(contender: str | Ours, site: Site, dim: int, heads: int, device: torch.device | str = "cpu") -> nn.Module:
    """The module of a contender, with the same random seed for all; raises SpecError if there is none for this."""
    torch.manual_seed(1)
    if isinstance(contender, Ours):
        return Mixing(contender, site, dim, heads).to(device)
    return OTHERS[contender](site, dim, heads).to(device)
