"""Mixers, shapes, paddings and number types that nobody chose by hand: strategies, and what the oracles say of them."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from hypothesis import strategies as st
from torch import Tensor

from nmt_attn.attention import Mixer, build_mixer
from nmt_attn.notation import Shape, layer_specs
from nmt_attn.spec import ALL_CODES, AttentionSpec, ChainSpec, ConvolutionSpec, Site

from . import convolution_oracle, pattern_oracle, reference
from .cases import SITES, as_array, generator, make_inputs
from .convolution_cases import OFFSET_SIZE, convolution_parameters
from .pattern_cases import PATTERN_CODES, SHAW_CODES

OPTIONAL = st.none() | st.integers(0, 7)
LIMITS = {"t5": st.sampled_from([16, 20, 128]), "synthesizer": st.integers(1, 9)}  # t5 keeps its exact buckets
GARBAGE = st.sampled_from([0.0, 1e4, float("nan"), float("inf"), float("-inf")])
LONG = (33, 97, 130)  # where other ways to compute begin


@dataclass(frozen=True)
class Problem:
    """A mixer in the notation, where it stands, what it is given; padding: (b, s) or None."""

    text: str
    site: Site
    batch: int
    queries: int
    keys: int
    dim: int
    heads: int
    key_dim: int
    dtype: torch.dtype
    seed: int
    garbage: float
    padding: Tensor | None

    def mixer(self) -> Mixer[Any, Any]:
        """In evaluation mode, its parameters normal, its offsets about OFFSET_SIZE long."""
        (spec,) = layer_specs(self.text, self.site, 1, Shape(self.dim, self.heads, self.key_dim), "")
        mixer = build_mixer(spec)
        with torch.no_grad():
            for name, parameter in mixer.named_parameters():
                noise = torch.randn(parameter.shape, generator=generator(self.seed + 1000 * sum(map(ord, name))))
                scale = OFFSET_SIZE if name.endswith("offset_projection.weight") else 1.0
                parameter.copy_(scale * noise / (parameter.shape[1] if name.endswith("weight") else 1) ** 0.5)
        return mixer.to(self.dtype).eval()

    def inputs(self) -> tuple[Tensor, Tensor]:
        """Query and memory, in self-attention one and the same."""
        sizes = (self.batch, self.queries, self.keys, self.dim, self.key_dim)
        return make_inputs(self.site, *sizes, self.dtype, self.seed)

    def real_rows(self) -> Tensor:
        """Queries (b, t) that are no padding."""
        if self.site.is_self and self.padding is not None:
            return ~self.padding
        return torch.ones(self.batch, self.queries, dtype=torch.bool)


def _option(draw: st.DrawFn, name: str, values: st.SearchStrategy[int | None]) -> str:
    value = draw(values)
    return "" if value is None else f":{name}={value}"


def _sinusoid(draw: st.DrawFn, is_cross: bool = False) -> str:
    """A code, perhaps with the fifth term, clipped distances or another width of R."""
    code = draw(st.sampled_from(ALL_CODES))
    fifth = draw(st.booleans())
    text = code + ":key-position" * fifth + _option(draw, "window", OPTIONAL)
    if fifth or code[1] == "1" or code[3] == "1":
        text += _option(draw, "distance", st.none() | st.integers(1, 7))
        text += _option(draw, "position-size", st.sampled_from([None, None, 2, 14]))
    return text


def _pattern(draw: st.DrawFn, kind: str) -> str:
    code = draw(st.sampled_from(SHAW_CODES if kind == "shaw" else PATTERN_CODES))
    limits = st.nothing() if kind == "fixed" else LIMITS.get(kind, st.integers(1, 7))
    return f"{code}:positions={kind}{_option(draw, 'window', OPTIONAL)}{_option(draw, 'distance', st.none() | limits)}"


def _convolution(draw: st.DrawFn, kind: str) -> str:
    return f"{kind}:kernel={draw(st.sampled_from([1, 3, 5, 7]))}{_option(draw, 'window', OPTIONAL)}"


@st.composite
def notes(draw: st.DrawFn, site: Site) -> str:
    """A mixer in the notation that can stand at a site."""
    if site is Site.CROSS:
        return _sinusoid(draw)
    patterns = ["gaussian", "synthesizer", "alibi", "t5", "shaw", *["fixed"] * (site is Site.ENCODER_SELF)]
    kind = draw(st.sampled_from(["code", "conv", "deform", "light", "dynamic", "chain", *patterns]))
    if kind == "code":
        return _sinusoid(draw)
    if kind == "chain":
        pattern = draw(st.sampled_from(["code", *patterns]))
        then = _sinusoid(draw) if pattern == "code" else _pattern(draw, pattern)
        return f"{_convolution(draw, 'deform')}+{then}"
    return _pattern(draw, kind) if kind in patterns else _convolution(draw, kind)


@st.composite
def problems(
    draw: st.DrawFn,
    sites: tuple[Site, ...] = SITES,
    dtypes: tuple[torch.dtype, ...] = (torch.float64, torch.float32),
    is_padded: bool | None = None,
    longer: tuple[int, ...] = (),
) -> Problem:
    """is_padded: with padding, without, or either; longer: lengths beside those from 1 to 7."""
    site = draw(st.sampled_from(sites))
    heads = draw(st.integers(2, 3)) if site is Site.ENCODER_SELF else draw(st.integers(1, 3))
    dim = heads * draw(st.sampled_from([2, 4, 6]))
    lengths = st.integers(1, 7) | st.sampled_from(longer) if longer else st.integers(1, 7)
    batch, keys = draw(st.integers(1, 3)), draw(lengths)
    padding = None
    if draw(st.booleans()) if is_padded is None else is_padded:
        padding = torch.zeros(batch, keys, dtype=torch.bool)
        for row in range(batch):
            amount, is_left = draw(st.integers(0, keys)), draw(st.booleans())
            padding[row, slice(0, amount) if is_left else slice(keys - amount, keys)] = True
    return Problem(
        text=draw(notes(site)),
        site=site,
        batch=batch,
        queries=keys if site.is_self else draw(lengths),
        keys=keys,
        dim=dim,
        heads=heads,
        key_dim=0 if site.is_self else draw(st.sampled_from([0, 1, 5])),
        dtype=draw(st.sampled_from(dtypes)),
        seed=draw(st.integers(0, 1000)),
        garbage=draw(GARBAGE),
        padding=padding,
    )


def expected(mixer: Mixer[Any, Any], query: Tensor, memory: Tensor, padding: Tensor | None) -> tuple[Tensor, ...]:
    """Output, weights and defined queries (b, t) by the oracles, in float64."""
    spec = mixer.spec
    if isinstance(spec, AttentionSpec):
        return _attended(spec, "", mixer, query, memory, padding)
    if isinstance(spec, ConvolutionSpec):
        return _convolved(spec, "", mixer, query, padding)
    assert isinstance(spec, ChainSpec)
    sampled, _, defined = _convolved(spec.first, "first.", mixer, query, padding)
    between = query.double() + sampled
    output, weights, _ = _attended(spec.then, "then.", mixer, between, between, padding)
    return sampled + output, weights, defined


def _convolved(
    spec: ConvolutionSpec, prefix: str, mixer: Mixer[Any, Any], inputs: Tensor, padding: Tensor | None
) -> tuple[Tensor, ...]:
    parameters = convolution_parameters(mixer, prefix)
    hidden = None if padding is None else padding.numpy()
    results = convolution_oracle.convolve(
        spec.kind.value,
        spec.site.is_causal,
        spec.heads,
        spec.kernel,
        spec.window,
        parameters,
        as_array(inputs),
        hidden,
    )
    real = np.ones(inputs.shape[:2], dtype=bool) if hidden is None else ~hidden
    return tuple(torch.from_numpy(array) for array in (*results, real))


def _attended(
    spec: AttentionSpec, prefix: str, mixer: Mixer[Any, Any], query: Tensor, memory: Tensor, padding: Tensor | None
) -> tuple[Tensor, ...]:
    parameters = convolution_parameters(mixer, prefix)
    if spec.position_size != spec.dim:  # the loops have the width of the model only
        tensors = {name: torch.from_numpy(value) for name, value in parameters.items()}
        output, weights = reference.attend(spec, tensors, query.double(), memory.double(), padding)
        hidden = torch.zeros(memory.shape[:2], dtype=torch.bool) if padding is None else padding
        blind = weights.sum(dim=(1, 3)) == 0
        return output, weights, blind | ~hidden if spec.site.is_self else torch.ones_like(blind)
    results = pattern_oracle.attend(
        spec.terms.code,
        spec.positions.value,
        spec.key_position,
        spec.site.is_causal,
        spec.site is Site.CROSS,
        spec.heads,
        parameters,
        as_array(query),
        as_array(memory),
        None if padding is None else padding.numpy(),
        spec.window,
        spec.max_distance,
    )
    return tuple(torch.from_numpy(array) for array in results)
