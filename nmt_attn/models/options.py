"""Command-line options of the architectures, and what they say of each attention site."""

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fairseq.dataclass.utils import gen_parser_from_dataclass
from fairseq.models.transformer import TransformerConfig

from nmt_attn.notation import Shape, layer_specs, parse_mixers
from nmt_attn.presets import Preset
from nmt_attn.spec import MixerSpec, Site, SpecError

ABSOLUTE_POSITIONS = ("none", "sinusoidal", "learned")
ENGINES = ("plain", "fast")

# fairseq options that change what a layer computes and that our layers do not have: name, value when unused.
UNSUPPORTED = {
    "cross_self_attention": False,
    "no_cross_attention": False,
    "encoder_xformers_att_config": None,
    "decoder_xformers_att_config": None,
    "encoder_layers_to_keep": None,
    "decoder_layers_to_keep": None,
    "quant_noise_pq": 0,
    "quant_noise_scalar": 0,
    "base_layers": 0,
    "char_inputs": False,
    "merge_src_tgt_embed": False,
}


def add_options(parser: argparse.ArgumentParser) -> None:
    """fairseq's Transformer options and ours; none has a default here, the architecture fills them in."""
    gen_parser_from_dataclass(parser, TransformerConfig(), delete_default=True, with_prefix="")
    group = parser.add_argument_group("nmt_attn")
    mixers = "MIXER" + "[,MIXER...]"

    def add(name: str, meta: str, text: str, **kind: object) -> None:
        flags = [f"--{name}-mixer", f"--{name}-terms"] if meta == mixers else [f"--{name}"]
        group.add_argument(*flags, metavar=meta, help=text, default=argparse.SUPPRESS, **kind)  # type: ignore[arg-type]

    what = (
        "a code of four digits (query-key content, query content x relative position, key content, relative position), "
        "or conv, deform, deform+CODE, light, dynamic, a pattern; or one a layer (nmt-attn mixers lists all)"
    )
    add("self-attn", mixers, f"all self-attention: {what}", type=_mixers)
    add("enc-self-attn", mixers, "the same for the encoder alone", type=_mixers)
    add("dec-self-attn", mixers, "the same for the decoder alone", type=_mixers)
    add("cross-attn", mixers, "the same for encoder-decoder attention: codes, or deberta", type=_mixers)
    add("attn-window", "W", "in self-attention only keys within W tokens support a query", type=int)
    add(
        "max-relative-distance",
        "D",
        "distances beyond D tokens are taken as D (terms of R, shaw)",
        type=int,
    )
    add("position-size", "N", "width of R, even (default: the model's; 32 or 64 cost less in long sentences)", type=int)
    group.add_argument(
        "--absolute-positions",
        choices=ABSOLUTE_POSITIONS,
        default=argparse.SUPPRESS,
        help="absolute position embeddings, added to the word embeddings (default: none)",
    )
    group.add_argument(
        "--engine",
        choices=ENGINES,
        default=argparse.SUPPRESS,
        help="fast: matrix products by the faster library where it is as exact; same numbers up to rounding, not part "
        "of the model (default: plain)",
    )


def _mixers(text: str) -> str:
    """argparse type: one mixer, or several separated by commas; their number is checked when the layers are known."""
    try:
        parse_mixers(text)
    except SpecError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    return text


def fill_in_preset(args: argparse.Namespace, preset: Preset) -> None:
    """Sets what the command line has left open to what the preset says."""
    size = preset.size
    for side in ("encoder", "decoder"):
        _default(args, f"{side}_layers", size.layers)
        _default(args, f"{side}_attention_heads", size.heads)
    _default(args, "encoder_embed_dim", size.dim)
    _default(args, "encoder_ffn_embed_dim", size.ffn_dim)
    _default(args, "decoder_embed_dim", args.encoder_embed_dim)
    _default(args, "decoder_ffn_embed_dim", args.encoder_ffn_embed_dim)
    # Without these two fairseq takes 512, whatever the decoder's width.
    _default(args, "decoder_input_dim", args.decoder_embed_dim)
    _default(args, "decoder_output_dim", args.decoder_embed_dim)
    _default(args, "dropout", size.dropout)
    for side, mixer in (("enc", preset.encoder_self), ("dec", preset.decoder_self)):
        _default(args, f"{side}_self_attn_mixer", getattr(args, "self_attn_mixer", mixer))
    _default(args, "cross_attn_mixer", preset.cross)
    _default(args, "attn_window", None)
    _default(args, "max_relative_distance", None)
    _default(args, "position_size", 0)
    _default(args, "absolute_positions", "none")
    _default(args, "engine", "plain")


def _default(args: argparse.Namespace, name: str, value: object) -> None:
    if not hasattr(args, name):
        setattr(args, name, value)


@dataclass(frozen=True)
class ModelSpec:
    """The specification of every mixer of a model, layer by layer."""

    encoder_self: tuple[MixerSpec, ...]
    decoder_self: tuple[MixerSpec, ...]
    cross: tuple[MixerSpec, ...]


def read_config(args: argparse.Namespace) -> tuple[TransformerConfig, ModelSpec]:
    """fairseq's configuration and our specification from complete options; raises SpecError if they do not fit."""
    _refuse_unsupported(args)
    for site in ("enc_self", "dec_self", "cross"):  # checkpoints from before there were other mixers than codes
        if hasattr(args, f"{site}_attn_terms"):
            _default(args, f"{site}_attn_mixer", getattr(args, f"{site}_attn_terms"))
    _default(args, "engine", "plain")  # checkpoints from before there was another, as for the position size
    _default(args, "position_size", 0)
    for name, value in position_flags(args.absolute_positions).items():
        setattr(args, name, value)
    _check_sizes(args)
    cfg = TransformerConfig.from_namespace(args)

    def sites(kind: Site, flag: str) -> tuple[MixerSpec, ...]:
        side = cfg.encoder if kind is Site.ENCODER_SELF else cfg.decoder
        shape = Shape(
            dim=side.embed_dim,
            heads=side.attention_heads,
            key_dim=side.embed_dim if kind.is_self else cfg.encoder.embed_dim,
            dropout=cfg.attention_dropout,
            window=args.attn_window if kind.is_self else None,
            max_distance=args.max_relative_distance,
            position_size=args.position_size,
        )
        text = getattr(args, flag.removeprefix("--").replace("-", "_"))
        return layer_specs(text, kind, side.layers, shape, flag)

    return cfg, ModelSpec(
        sites(Site.ENCODER_SELF, "--enc-self-attn-mixer"),
        sites(Site.DECODER_SELF, "--dec-self-attn-mixer"),
        sites(Site.CROSS, "--cross-attn-mixer"),
    )


def position_flags(absolute_positions: str) -> dict[str, bool]:
    """--absolute-positions in the words of fairseq."""
    learned = absolute_positions == "learned"
    return {
        "no_token_positional_embeddings": absolute_positions == "none",
        "encoder_learned_pos": learned,
        "decoder_learned_pos": learned,
    }


def _check_sizes(args: argparse.Namespace) -> None:
    """What fairseq finds out in a traceback, or not at all. Checkpoints of long ago may lack the names."""

    def given(name: str) -> Any:
        return getattr(args, name, None)

    for side in ("encoder", "decoder"):
        if (layers := given(f"{side}_layers")) is not None and layers < 1:
            raise SpecError(f"--{side}-layers must be at least 1, not {layers}")
        path = given(f"{side}_embed_path")
        if path and not Path(path).is_file():
            raise SpecError(f"--{side}-embed-path must be a file of word vectors, but {path} is none")
    encoder, decoder = given("encoder_embed_dim"), given("decoder_embed_dim")
    if given("share_all_embeddings"):
        if encoder != decoder:
            raise SpecError(
                f"--share-all-embeddings must have encoder and decoder of one width, not {encoder} and {decoder}: "
                "give the same --encoder-embed-dim and --decoder-embed-dim"
            )
        if given("decoder_embed_path") not in (None, given("encoder_embed_path")):
            raise SpecError("--decoder-embed-path must be that of the encoder where --share-all-embeddings is given")
    shared = given("share_all_embeddings") or given("share_decoder_input_output_embed")
    output = given("decoder_output_dim")
    if shared and output not in (None, decoder):
        raise SpecError(f"--decoder-output-dim must be the width of the shared embeddings, {decoder}, not {output}")


def _refuse_unsupported(args: argparse.Namespace) -> None:
    for name, unused in UNSUPPORTED.items():
        if getattr(args, name, unused) not in (unused, None):
            raise SpecError(f"--{name.replace('_', '-')} must be left out: nmt_attn's layers do not have it")
    for name, value in position_flags(args.absolute_positions).items():
        if getattr(args, name, value) != value:
            choices = ",".join(ABSOLUTE_POSITIONS)
            raise SpecError(f"--{name.replace('_', '-')} must be left out: use --absolute-positions {{{choices}}}")
