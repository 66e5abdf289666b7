"""Every --arch name as one row of one table.

``nmt_attn_SIZE``                   code 1111 at every site
``nmt_attn_SIZE_selfCODE``          this code in encoder and decoder self-attention, 1111 in cross attention
``nmt_attn_SIZE_crossCODE``         this code in cross attention, 1111 in self-attention
``nmt_attn_SIZE_deform``            deformable convolution in self-attention; so _conv, _light, _dynamic
``nmt_attn_SIZE_deform_selfCODE``   deformable convolution, then attention with this code (the paper's combination)
``nmt_attn_SIZE_MODEL``             self-attention of related work: RELATED lists them

Standard library only.
"""

from dataclasses import dataclass
from difflib import get_close_matches

from nmt_attn.spec import ALL_CODES, Convolution, SpecError


@dataclass(frozen=True)
class Size:
    """Width, layers of encoder and of decoder, heads, width of the feed-forward network, dropout."""

    dim: int
    layers: int
    heads: int
    ffn_dim: int
    dropout: float


SIZES = {
    "tiny": Size(dim=128, layers=3, heads=4, ffn_dim=256, dropout=0.1),
    "small": Size(dim=512, layers=6, heads=4, ffn_dim=1024, dropout=0.1),  # fairseq's transformer_iwslt_de_en
    "base": Size(dim=512, layers=6, heads=8, ffn_dim=2048, dropout=0.1),  # Vaswani et al. 2017, table 3
    "big": Size(dim=1024, layers=6, heads=16, ffn_dim=4096, dropout=0.3),  # Vaswani et al. 2017, table 3
}

# Encoder and decoder self-attention of models that others have published, in the notation of nmt_attn.notation.
RELATED = {
    "average": ("1111", "uniform"),  # average attention in the decoder, without its gate (Zhang et al. 2018)
    "gaussian": ("gaussian", "gaussian"),  # You et al. 2020
    "fixed": ("fixed", "1111"),  # Raganato et al. 2020: in the encoder only; all seven patterns from 8 heads on
    "synthesizer": ("synthesizer", "synthesizer"),  # Tay et al. 2021
    "shaw": ("shaw", "shaw"),  # Shaw et al. 2018, positions at the keys, not at the values
    "t5": ("t5", "t5"),  # Raffel et al. 2020, with a table a layer
    "alibi": ("alibi", "alibi"),  # Press et al. 2022, there for decoders only
    "deberta": ("deberta", "deberta"),  # He et al. 2021, with R of this paper and its scale, 1/sqrt(d) for 1/sqrt(3d)
}


@dataclass(frozen=True)
class Preset:
    """One --arch name: a size and what its sites compute, in the notation of nmt_attn.notation."""

    name: str
    size: Size
    encoder_self: str = "1111"
    decoder_self: str = "1111"
    cross: str = "1111"


def _rows() -> list[Preset]:
    rows = []
    for label, size in SIZES.items():
        name = f"nmt_attn_{label}"
        rows.append(Preset(name, size))
        rows += [Preset(f"{name}_self{code}", size, code, code) for code in ALL_CODES]
        rows += [Preset(f"{name}_cross{code}", size, cross=code) for code in ALL_CODES]
        rows += [Preset(f"{name}_{kind.value}", size, kind.value, kind.value) for kind in Convolution]
        rows += [Preset(f"{name}_deform_self{code}", size, f"deform+{code}", f"deform+{code}") for code in ALL_CODES]
        rows += [Preset(f"{name}_{model}", size, *sides) for model, sides in RELATED.items()]
    return rows


PRESETS = {preset.name: preset for preset in _rows()}


def find_preset(name: str) -> Preset:
    """The preset of this name; raises SpecError with names like it, or with the way to see all."""
    if name not in PRESETS:
        raise SpecError(f"no architecture is called {name!r}: {name_hint(name)}")
    return PRESETS[name]


def name_hint(name: str) -> str:
    """What helps whoever has given a name that is none: names like it and the way to see all."""
    everything = f"nmt-attn archs lists all {len(PRESETS)} names"
    near = get_close_matches(name, PRESETS, n=3, cutoff=0.8)
    return f"{' or '.join(near)} may be meant; {everything}" if near else everything
