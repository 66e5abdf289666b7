"""Lightweight and dynamic convolution: a gated input and a softmax over taps (Wu et al. 2019, "Pay Less Attention").

    x' = GLU(W_in x + b_in)      y_q = W_out [ sum_p softmax_p(l_{h, p}) x'_{q + p} ] + b_out      for each head h

Lightweight: the logits l are learned numbers. Dynamic: they are predicted from x'_q. Taps outside the sentence keep
their share of the softmax and meet zeros.

Axes: b batch, h heads, t queries, s keys, d head size, k taps, c channels.
"""

from abc import abstractmethod

import torch
from torch import Tensor, nn

from nmt_attn.attention.convolution import ConvolutionMixer
from nmt_attn.attention.masking import without_padding
from nmt_attn.attention.taps import mix_taps, spread_taps
from nmt_attn.spec import ConvolutionSpec


class _GatedConvolution(ConvolutionMixer):
    """input_projection W_in, output_projection W_out; the logits belong to the subclasses."""

    def __init__(self, spec: ConvolutionSpec) -> None:
        super().__init__(spec)
        self.input_projection = nn.Linear(spec.dim, 2 * spec.dim)
        self.output_projection = nn.Linear(spec.dim, spec.dim)
        for linear in (self.input_projection, self.output_projection):
            nn.init.xavier_uniform_(linear.weight)
            nn.init.zeros_(linear.bias)

    @abstractmethod
    def logits(self, gated: Tensor) -> Tensor:
        """Logits of the taps from the gated input (b, t, c): (b, h, t, k), with 1 for axes that they do not see."""

    def read(self, x: Tensor, padding: Tensor | None) -> Tensor:
        """x', the gated input; padding is zeroed again, since the bias has filled it."""
        return without_padding(nn.functional.glu(self.input_projection(x), dim=-1), padding)

    def mix(self, new: Tensor, tokens: Tensor, start: int, need_weights: bool) -> tuple[Tensor, Tensor | None]:
        """As ConvolutionMixer.mix; spec.dropout falls on the weights."""
        spec, queries = self.spec, new.shape[1]
        wide = torch.promote_types(new.dtype, torch.float32)
        weights = torch.softmax(self.logits(new), dim=-1, dtype=wide).to(new.dtype)
        kept = nn.functional.dropout(weights, spec.dropout, self.training)
        values = tokens.unflatten(-1, (spec.heads, spec.head_size)).transpose(1, 2)  # (b, h, s, d)
        mixed = mix_taps(kept, spec.taps, values, start, queries)
        output = self.output_projection(mixed.transpose(1, 2).flatten(2))
        if not need_weights:
            return output, None
        by_key = spread_taps(weights, spec.taps, start, queries, tokens.shape[1])
        return output, by_key.expand(new.shape[0], -1, queries, -1)


class LightConvolution(_GatedConvolution):
    """The same weights for all queries: tap_logits (h, k)."""

    def __init__(self, spec: ConvolutionSpec) -> None:
        super().__init__(spec)
        self.tap_logits = nn.Parameter(nn.init.xavier_uniform_(torch.empty(spec.heads, len(spec.taps))))

    def logits(self, gated: Tensor) -> Tensor:
        return self.tap_logits[None, :, None, :]


class DynamicConvolution(_GatedConvolution):
    """Weights predicted from the gated input at the query: weight_projection, without bias."""

    def __init__(self, spec: ConvolutionSpec) -> None:
        super().__init__(spec)
        self.weight_projection = nn.Linear(spec.dim, spec.heads * len(spec.taps), bias=False)
        nn.init.xavier_uniform_(self.weight_projection.weight)

    def logits(self, gated: Tensor) -> Tensor:
        by_tap = self.weight_projection(gated).unflatten(-1, (self.spec.heads, len(self.spec.taps)))
        return by_tap.transpose(1, 2)
