"""Stock fairseq Transformers as code 1010, without loss.

Stock attention projects the query with a bias b_q, so its logit is (U z_q + b_q) . (V x_k + b_k). Of this,
(U z_q + b_q) . V x_k is E1 + E3 with u = b_q, and the rest does not depend on k and leaves the softmax as it is. The
value's bias passes through the weights, which sum to 1, into the output's: W b_v + b_o.
"""

import argparse
import re
from pathlib import Path
from typing import Any

from torch import Tensor

from nmt_attn.models import checkpoints, sealed
from nmt_attn.models.options import fill_in_preset, position_flags, read_config
from nmt_attn.models.record import RECORD, make_record
from nmt_attn.presets import PRESETS
from nmt_attn.spec import AttentionSpec, MixerSpec, SpecError

CODE = "1010"
ATTENTION = re.compile(r"(encoder|decoder)\.layers\.(\d+)\.(self_attn|encoder_attn)\.")


def convert(source: Path, target: Path) -> None:
    """Writes the checkpoint ``source`` of a stock ``transformer*`` as one of an nmt_attn model to ``target``.

    Raises SpecError if the stock model has parts that ours does not.
    """
    state = checkpoints.load(source)
    options = checkpoints.model_options(state)
    arch = str(getattr(options, "arch", ""))
    if not arch.startswith("transformer"):
        raise SpecError(f"only a stock fairseq transformer can be converted, but {source} holds {arch!r}")
    options = converted_options(options)
    _, spec = read_config(options)
    sites = {f"encoder.layers.{layer}.self_attn.": site for layer, site in enumerate(spec.encoder_self)}
    sites |= {f"decoder.layers.{layer}.self_attn.": site for layer, site in enumerate(spec.decoder_self)}
    sites |= {f"decoder.layers.{layer}.encoder_attn.": site for layer, site in enumerate(spec.cross)}
    model = {name: value for name, value in state["model"].items() if not ATTENTION.match(name)}
    for prefix, site in sites.items():
        model |= {prefix + name: value for name, value in _attention(state["model"], prefix, site).items()}
    state["model"] = model
    if state.get("args"):
        state["args"] = options
    else:
        state["cfg"]["model"] = options
    state.pop("last_optimizer_state", None)
    sealed.write(state, target)


def converted_options(stock: argparse.Namespace) -> argparse.Namespace:
    """The stock options with ours added; the sizes are all in the stock ones."""
    learned = {bool(getattr(stock, f"{side}_learned_pos", False)) for side in ("encoder", "decoder")}
    if len(learned) > 1:
        raise SpecError("encoder and decoder must both have learned positions, or neither, to be converted")
    options = argparse.Namespace(**vars(stock))
    for name in position_flags("none"):
        vars(options).pop(name, None)
    if getattr(stock, "no_token_positional_embeddings", False):
        options.absolute_positions = "none"
    else:
        options.absolute_positions = "learned" if learned.pop() else "sinusoidal"
    options.self_attn_mixer = options.cross_attn_mixer = CODE
    options.arch = options._name = "nmt_attn_base"
    fill_in_preset(options, PRESETS[options.arch])
    return options


def _attention(stock: dict[str, Tensor], prefix: str, site: MixerSpec) -> dict[str, Any]:
    """The parameters of one of our mixers from those of fairseq's MultiheadAttention."""
    old = {name.removeprefix(prefix): value for name, value in stock.items() if name.startswith(prefix)}
    known = {f"{part}_proj.{kind}" for part in ("q", "k", "v", "out") for kind in ("weight", "bias")}
    if old.keys() != known:
        odd = sorted(old.keys() ^ known)[0]
        raise SpecError(f"only plain multi-head attention can be converted, but {prefix}{odd} is missing or extra")
    assert isinstance(site, AttentionSpec)
    through_values = old["out_proj.weight"].double() @ old["v_proj.bias"].double()
    return {
        "query_projection.weight": old["q_proj.weight"],
        "key_projection.weight": old["k_proj.weight"],
        "key_saliency": old["q_proj.bias"].view(site.heads, site.head_size),
        "value_projection.weight": old["v_proj.weight"],
        "output_projection.weight": old["out_proj.weight"],
        "output_projection.bias": (old["out_proj.bias"].double() + through_values).to(old["out_proj.bias"]),
        RECORD: make_record(site),
    }
