"""What the tests of the convolutions share: mixers with known random parameters, and what the oracle says of them."""

from typing import Any

import torch
from torch import Tensor

from nmt_attn.attention import Mixer, build_mixer
from nmt_attn.spec import AttentionSpec, ChainSpec, Convolution, ConvolutionSpec, Site, Terms

from . import convolution_oracle, oracle
from .cases import as_array, generator, make_inputs

KINDS = tuple(kind.value for kind in Convolution)
MIXERS = (*KINDS, "chain")
SELF_SITES = (Site.ENCODER_SELF, Site.DECODER_SELF)
OFFSET_SIZE = 2.0
TOLERANCE = {torch.float64: 1e-12, torch.float32: 1e-5}


def make_spec(
    name: str,
    site: Site,
    dim: int = 6,
    heads: int = 2,
    kernel: int = 3,
    window: int | None = None,
    dropout: float = 0.0,
) -> ConvolutionSpec | ChainSpec:
    """name: a kind of convolution, or chain, whose window is that of the convolution."""
    kind = Convolution.DEFORMABLE if name == "chain" else Convolution(name)
    convolution = ConvolutionSpec(site, kind, dim, heads, kernel, dropout, window)
    if name != "chain":
        return convolution
    return ChainSpec(first=convolution, then=AttentionSpec(site, Terms.parse("0010"), dim, heads, dropout=dropout))


def make(
    name: str, site: Site, *shape: Any, dtype: torch.dtype = torch.float64, seed: int = 1, **options: Any
) -> Mixer[Any, Any]:
    """A mixer in evaluation mode, its parameters normal and exact in float32, its offsets about OFFSET_SIZE long."""
    mixer = build_mixer(make_spec(name, site, *shape, **options))
    with torch.no_grad():
        for path, parameter in mixer.named_parameters():
            noise = torch.randn(parameter.shape, generator=generator(seed + 1000 * sum(map(ord, path))))
            fan_in = parameter.shape[1] if path.endswith("weight") else 1
            scale = OFFSET_SIZE if path.endswith("offset_projection.weight") else 1.0
            parameter.copy_(scale * noise / fan_in**0.5)
    return mixer.to(dtype).eval()


def make_tokens(batch: int, length: int, dim: int = 6, dtype: torch.dtype = torch.float64, seed: int = 2) -> Tensor:
    return make_inputs(Site.ENCODER_SELF, batch, length, length, dim, 0, dtype, seed)[0]


def first_of(mixer: Mixer[Any, Any]) -> ConvolutionSpec:
    """The specification of the convolution in a mixer."""
    return mixer.spec.first if isinstance(mixer.spec, ChainSpec) else mixer.spec


def convolution_parameters(mixer: Mixer[Any, Any], prefix: str = "") -> dict[str, Any]:
    """Parameters whose name begins with the prefix, without it."""
    named = mixer.named_parameters()
    return {name.removeprefix(prefix): as_array(value) for name, value in named if name.startswith(prefix)}


def expected(mixer: Mixer[Any, Any], inputs: Tensor, padding: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """Output and weights by the oracle, in float64."""
    spec, is_chain = first_of(mixer), isinstance(mixer.spec, ChainSpec)
    tokens = as_array(inputs)
    hidden = None if padding is None else padding.numpy()
    output, weights = convolution_oracle.convolve(
        kind=spec.kind.value,
        causal=spec.site is Site.DECODER_SELF,
        heads=spec.heads,
        kernel=spec.kernel,
        window=spec.window,
        parameters=convolution_parameters(mixer, "first." if is_chain else ""),
        inputs=tokens,
        padding=hidden,
    )
    if is_chain:
        sampled = output
        between = tokens + sampled
        output, weights = oracle.attend(
            code="0010",
            causal=spec.site is Site.DECODER_SELF,
            cross=False,
            heads=spec.heads,
            parameters=convolution_parameters(mixer, "then."),
            query=between,
            memory=between,
            padding=hidden,
        )
        output = sampled + output
    return torch.from_numpy(output), torch.from_numpy(weights)


def real_rows(inputs: Tensor, padding: Tensor | None) -> Tensor:
    """Queries (b, t) whose output is defined."""
    return torch.ones(inputs.shape[:2], dtype=torch.bool) if padding is None else ~padding


def by_query(weights: Tensor) -> Tensor:
    """(b, t, h, s), so that a mask of queries picks rows."""
    return weights.transpose(1, 2)
