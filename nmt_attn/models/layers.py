"""Encoder and decoder layers of the Transformer (Vaswani et al. 2017) around the mixers.

Written out rather than derived from fairseq's layers: some of its releases skip an overridden self-attention once a
checkpoint is loaded. Module names are fairseq's. Tensors are time-first, (t, b, c), as in fairseq; the mixers are
batch-first.
"""

from collections.abc import Callable
from typing import Any

import torch
from fairseq import utils
from fairseq.incremental_decoding_utils import FairseqIncrementalState
from fairseq.models.transformer import TransformerConfig
from fairseq.modules import LayerNorm
from fairseq.modules.fairseq_dropout import FairseqDropout
from torch import Tensor, nn

from nmt_attn.attention import Cache, build_mixer
from nmt_attn.spec import MixerSpec, SpecError

IncrementalState = dict[str, dict[str, Any]]


class _Layer(nn.Module):
    """What both kinds of layer share: residual connections, layer norms, dropout and the feed-forward network."""

    def __init__(self, cfg: TransformerConfig, dim: int, ffn_dim: int, normalize_before: bool) -> None:
        super().__init__()
        self.normalize_before = normalize_before
        self.dropout = FairseqDropout(cfg.dropout)
        self.activation_dropout = FairseqDropout(float(cfg.activation_dropout or cfg.relu_dropout or 0.0))
        self.activation = utils.get_activation_fn(cfg.activation_fn)
        self.fc1 = nn.Linear(dim, ffn_dim)
        self.fc2 = nn.Linear(ffn_dim, dim)
        self.final_layer_norm = LayerNorm(dim, export=cfg.export)

    def residual(self, x: Tensor, norm: nn.Module, sublayer: Callable[[Tensor], Tensor]) -> Tensor:
        """norm(x + dropout(sublayer(x))), or x + dropout(sublayer(norm(x))) with normalize_before."""
        if self.normalize_before:
            return x + self.dropout(sublayer(norm(x)))
        return norm(x + self.dropout(sublayer(x)))

    def feed_forward(self, x: Tensor) -> Tensor:
        return self.fc2(self.activation_dropout(self.activation(self.fc1(x))))


class EncoderLayer(_Layer):
    """Self-attention and feed-forward network."""

    def __init__(self, cfg: TransformerConfig, self_spec: MixerSpec) -> None:
        super().__init__(cfg, self_spec.dim, cfg.encoder.ffn_embed_dim, cfg.encoder.normalize_before)
        self.self_attn = build_mixer(self_spec)
        self.self_attn_layer_norm = LayerNorm(self_spec.dim, export=cfg.export)

    def forward(self, x: Tensor, encoder_padding_mask: Tensor | None = None) -> Tensor:
        """x: (t, b, c); encoder_padding_mask: (b, t), True at padding, or None if there is none."""

        def self_attention(x: Tensor) -> Tensor:
            x = x.transpose(0, 1)
            return self.self_attn(x, x, encoder_padding_mask)[0].transpose(0, 1)

        x = self.residual(x, self.self_attn_layer_norm, self_attention)
        return self.residual(x, self.final_layer_norm, self.feed_forward)


class DecoderLayer(FairseqIncrementalState, _Layer):
    """Causal self-attention, cross attention and feed-forward network."""

    get_incremental_state: Callable[..., Any]  # FairseqIncrementalState's, untyped
    set_incremental_state: Callable[..., Any]

    def __init__(self, cfg: TransformerConfig, self_spec: MixerSpec, cross_spec: MixerSpec) -> None:
        super().__init__(cfg, self_spec.dim, cfg.decoder.ffn_embed_dim, cfg.decoder.normalize_before)
        self.self_attn = build_mixer(self_spec)
        self.self_attn_layer_norm = LayerNorm(self_spec.dim, export=cfg.export)
        self.encoder_attn = build_mixer(cross_spec)
        self.encoder_attn_layer_norm = LayerNorm(self_spec.dim, export=cfg.export)
        self.beam = 1

    def set_beam_size(self, beam: int) -> None:
        """Called by fairseq's decoder, see NmtAttnModel.set_beam_size."""
        self.beam = beam

    def forward(
        self,
        x: Tensor,
        encoder_out: Tensor,
        encoder_padding_mask: Tensor | None = None,
        incremental_state: IncrementalState | None = None,
        self_attn_mask: Tensor | None = None,
        self_attn_padding_mask: Tensor | None = None,
        need_attn: bool = False,
        need_head_weights: bool = False,
    ) -> tuple[Tensor, Tensor | None, None]:
        """x: (t, b, c), all target tokens, or the newest with an incremental_state; encoder_out: (s, b, c).

        self_attn_mask is not read: the mixer is causal by itself. Returns x, the cross weights if needed, each
        head's (h, b, t, s) or their mean (b, t, s), and None in the place of fairseq's onnx state.
        """
        if incremental_state is None and self_attn_mask is None:
            raise SpecError("decoder self-attention must be causal: full_context_alignment is not supported")
        self_cache, cross_cache = self._caches(incremental_state)
        weights: Tensor | None = None

        def self_attention(x: Tensor) -> Tensor:
            x = x.transpose(0, 1)
            return self.self_attn(x, x, self_attn_padding_mask, self_cache)[0].transpose(0, 1)

        def cross_attention(x: Tensor) -> Tensor:
            nonlocal weights
            memory, padding = encoder_out.transpose(0, 1), encoder_padding_mask
            if cross_cache is not None and cross_cache.queries == 0 and x.shape[0] == 1:
                memory, padding = _once_a_sentence(memory, padding, self.beam)
            x = x.transpose(0, 1)
            y, weights = self.encoder_attn(x, memory, padding, cross_cache, need_attn or need_head_weights)
            return y.transpose(0, 1)

        x = self.residual(x, self.self_attn_layer_norm, self_attention)
        x = self.residual(x, self.encoder_attn_layer_norm, cross_attention)
        x = self.residual(x, self.final_layer_norm, self.feed_forward)
        if weights is not None:
            weights = weights.transpose(0, 1) if need_head_weights else weights.mean(dim=1)
        return x, weights, None

    def _caches(self, incremental_state: IncrementalState | None) -> tuple[Cache | None, Cache | None]:
        """Caches of self and cross attention, made at the first step of a sentence."""
        if incremental_state is None:
            return None, None
        caches = self.get_incremental_state(incremental_state, "caches")
        if caches is None:
            caches = {"self": self.self_attn.new_cache(), "cross": self.encoder_attn.new_cache()}
            self.set_incremental_state(incremental_state, "caches", caches)
        return caches["self"], caches["cross"]

    def reorder_incremental_state(self, incremental_state: IncrementalState, new_order: Tensor) -> None:
        """Called by fairseq's beam search with the hypotheses that each row continues."""
        for cache in self._caches(incremental_state):
            assert cache is not None
            cache.reorder(new_order)


def _once_a_sentence(memory: Tensor, padding: Tensor | None, beam: int) -> tuple[Tensor, Tensor | None]:
    """The memory (b * beam, s, c) of a beam search as (b, s, c), if its rows are alike; and the padding (b, s)."""
    if beam == 1 or memory.shape[0] % beam:
        return memory, padding
    for rows in (memory, padding):
        if rows is None:
            continue
        hypotheses = rows.unflatten(0, (-1, beam))
        if not torch.equal(hypotheses, hypotheses[:, :1].expand_as(hypotheses)):
            return memory, padding
    return memory[::beam], None if padding is None else padding[::beam]
