"""The architectures, registered with fairseq: fairseq-train DATA --user-dir nmt_attn --arch NAME."""

import argparse
import copy
import logging
from collections.abc import Callable, Iterator
from typing import Any

from fairseq.distributed import fsdp_wrap
from fairseq.models import register_model, register_model_architecture
from fairseq.models.transformer import (
    TransformerConfig,
    TransformerDecoderBase,
    TransformerEncoderBase,
    TransformerModelBase,
)
from fairseq.modules.checkpoint_activations import checkpoint_wrapper
from torch import Tensor, nn

from nmt_attn.engine import speed_up
from nmt_attn.models.command import check_command
from nmt_attn.models.fit import check_fit
from nmt_attn.models.layers import DecoderLayer, EncoderLayer
from nmt_attn.models.options import ModelSpec, add_options, fill_in_preset, read_config
from nmt_attn.models.record import add_records, check_records
from nmt_attn.models.refusal import refuses_in_one_line
from nmt_attn.presets import PRESETS, Preset
from nmt_attn.spec import AttentionSpec, SpecError

logger = logging.getLogger(__name__)


class Encoder(TransformerEncoderBase):
    """fairseq's Transformer encoder with our layers."""

    def __init__(self, cfg: TransformerConfig, spec: ModelSpec, dictionary: Any, embed_tokens: nn.Embedding) -> None:
        self._layer_specs: Iterator = iter(spec.encoder_self)
        super().__init__(cfg, dictionary, embed_tokens)

    def build_encoder_layer(self, cfg: TransformerConfig) -> nn.Module:
        return _wrap(EncoderLayer(cfg, next(self._layer_specs)), cfg)

    def upgrade_state_dict_named(self, state_dict: dict[str, Tensor], name: str) -> dict[str, Tensor]:
        """fairseq's renames parameters of old checkpoints; of ours there are none so old."""
        return state_dict


class Decoder(TransformerDecoderBase):
    """fairseq's Transformer decoder with our layers."""

    def __init__(self, cfg: TransformerConfig, spec: ModelSpec, dictionary: Any, embed_tokens: nn.Embedding) -> None:
        self._layer_specs: Iterator = iter(zip(spec.decoder_self, spec.cross, strict=True))
        super().__init__(cfg, dictionary, embed_tokens)

    def build_decoder_layer(self, cfg: TransformerConfig, no_encoder_attn: bool = False) -> nn.Module:
        return _wrap(DecoderLayer(cfg, *next(self._layer_specs)), cfg)


def _wrap(layer: nn.Module, cfg: TransformerConfig) -> nn.Module:
    """Activation checkpointing and sharding, where asked for."""
    if cfg.checkpoint_activations:
        layer = checkpoint_wrapper(layer, offload_to_cpu=cfg.offload_activations)
        return fsdp_wrap(layer, min_num_params=0)
    return fsdp_wrap(layer, min_num_params=cfg.min_params_to_wrap)


@register_model("nmt_attn")
class NmtAttnModel(TransformerModelBase):
    """Transformer whose sites compute any choice of the four terms (arXiv 1904.05873), or a convolution."""

    add_args = staticmethod(add_options)

    @classmethod
    def build_model(cls, args: argparse.Namespace, task: Any) -> "NmtAttnModel":
        with refuses_in_one_line():
            cfg, spec = read_config(args)
            if getattr(task.cfg, "left_pad_target", False):
                raise SpecError("--left-pad-target must be False: target positions count from the first column")
            source, target = task.source_dictionary, task.target_dictionary
            if cfg.share_all_embeddings and source != target:
                raise SpecError(
                    "--share-all-embeddings must have one dictionary for both languages, but they have two, of "
                    f"{len(source)} and {len(target)} symbols: run fairseq-preprocess with --joined-dictionary, or "
                    "leave the flag out"
                )
            if any(isinstance(site, AttentionSpec) and not site.sees_keys for site in spec.cross):
                logger.warning("cross attention with code 0000 cannot see which source word to translate")
            cfg.attention_sites = spec
            model = super().build_model(cfg, task)
            add_records(model, source, target)
            if args.engine == "fast":
                speed_up(model)
            return model

    def set_beam_size(self, beam: int) -> None:
        """Called by fairseq's beam search: the rows of so many hypotheses have the same source sentence."""
        self.decoder.set_beam_size(beam)

    @classmethod
    def build_encoder(cls, cfg: TransformerConfig, src_dict: Any, embed_tokens: nn.Embedding) -> Encoder:
        return Encoder(cfg, cfg.attention_sites, src_dict, embed_tokens)

    @classmethod
    def build_decoder(cls, cfg: TransformerConfig, tgt_dict: Any, embed_tokens: nn.Embedding) -> Decoder:
        return Decoder(cfg, cfg.attention_sites, tgt_dict, embed_tokens)

    def load_state_dict(
        self, state_dict: dict[str, Tensor], strict: bool = True, model_cfg: Any = None, args: Any = None
    ) -> Any:
        """As in fairseq, but a checkpoint of other codes or words is refused: its parameters may fit all the same."""
        with refuses_in_one_line():
            check_records(self, state_dict)
            try:
                return super().load_state_dict(state_dict, strict, model_cfg, args)
            except RuntimeError:
                check_fit(self, state_dict)
                raise


def _register(preset: Preset) -> None:
    def fill_in(args: argparse.Namespace) -> None:
        fill_in_preset(args, preset)
        with refuses_in_one_line():
            read_config(copy.copy(args))
            check_command(args)

    register: Callable = register_model_architecture("nmt_attn", preset.name)
    register(fill_in)


for _preset in PRESETS.values():
    _register(_preset)
