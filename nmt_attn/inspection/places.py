"""Where the mixers of a model stand."""

from typing import Any

from torch import nn

from nmt_attn.attention import DeformableThenAttention, GeneralizedAttention
from nmt_attn.spec import Site

Place = tuple[Site, int]  # site and layer, layers counted from 1


def mixers_of(model: Any) -> dict[Place, tuple[nn.Module, str]]:
    """Layer and attribute that hold the mixer of each place: sites in the order of Site, layers from below."""
    places = {(Site.ENCODER_SELF, number): (layer, "self_attn") for number, layer in enumerate(model.encoder.layers, 1)}
    for site, name in ((Site.DECODER_SELF, "self_attn"), (Site.CROSS, "encoder_attn")):
        places |= {(site, number): (layer, name) for number, layer in enumerate(model.decoder.layers, 1)}
    return places


def attention_of(mixer: nn.Module) -> GeneralizedAttention | None:
    """The mixer if it is attention, that of a chain (deform+CODE), or None."""
    inner = mixer.then if isinstance(mixer, DeformableThenAttention) else mixer
    return inner if isinstance(inner, GeneralizedAttention) else None
