"""Mixers in plain torch: one mechanism a file, all with the call of Mixer."""

from collections.abc import Callable
from typing import Any

from nmt_attn.attention.cache import KeyValueCache, TokenCache
from nmt_attn.attention.chain import ChainCache, DeformableThenAttention
from nmt_attn.attention.deformable import DeformableConvolution
from nmt_attn.attention.gated import DynamicConvolution, LightConvolution
from nmt_attn.attention.generalized import GeneralizedAttention
from nmt_attn.attention.mixer import Cache, Mixer
from nmt_attn.attention.paths.call import Products
from nmt_attn.attention.regular import RegularConvolution
from nmt_attn.spec import AttentionSpec, ChainSpec, Convolution, ConvolutionSpec, MixerSpec

CONVOLUTIONS: dict[Convolution, Callable[[ConvolutionSpec], Mixer[Any, Any]]] = {
    Convolution.REGULAR: RegularConvolution,
    Convolution.DEFORMABLE: DeformableConvolution,
    Convolution.LIGHT: LightConvolution,
    Convolution.DYNAMIC: DynamicConvolution,
}


def build_mixer(spec: MixerSpec) -> Mixer[Any, Any]:
    """The module that computes a specification."""
    if isinstance(spec, AttentionSpec):
        return GeneralizedAttention(spec)
    if isinstance(spec, ChainSpec):
        return DeformableThenAttention(spec)
    return CONVOLUTIONS[spec.kind](spec)


__all__ = [
    "Cache",
    "ChainCache",
    "DeformableConvolution",
    "DeformableThenAttention",
    "DynamicConvolution",
    "GeneralizedAttention",
    "KeyValueCache",
    "LightConvolution",
    "Mixer",
    "Products",
    "RegularConvolution",
    "TokenCache",
    "build_mixer",
]
