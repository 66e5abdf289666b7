"""What all attention sites of a model compute while it reads one sentence pair.

The model is an nmt_attn model in evaluation mode; a sentence is a tensor of subword numbers that closes with the end of
the sentence. It is read in one pass, without company and without padding; hooks catch what goes into each site.

Axes: h heads, t queries, s keys, d head size, c channels.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from nmt_attn.attention import GeneralizedAttention, Mixer
from nmt_attn.attention.explained import explain, query_vectors
from nmt_attn.inspection.facts import SiteRecord
from nmt_attn.inspection.places import Place, attention_of, mixers_of
from nmt_attn.spec import Convolution, ConvolutionSpec, Site

# Of each site and layer, from 1, the mean of U z over queries: (h, d). Codes without U are missing.
MeanQueries = Mapping[Place, Tensor]


@dataclass(frozen=True)
class _Call:
    """What goes into the mixer of one site: query (1, t, c), memory (1, s, c). mixer: of a chain its attention."""

    site: Site
    layer: int
    text: str
    mixer: Mixer[Any, Any]
    query: Tensor
    memory: Tensor


@torch.no_grad()
def record_sites(
    model: Any, source: Tensor, target: Tensor, mean_queries: MeanQueries | None = None
) -> tuple[SiteRecord, ...]:
    """Encoder self, decoder self and cross attention of all layers, while the model reads source (s) and target (t).

    Of a chain (deform+CODE) it is the attention's weights and terms; a convolution has one row of weights a tap (conv,
    deform) or head (light, dynamic), and no terms. mean_queries: moved between the terms, see attention.explained.
    """
    return tuple(_record(call, mean_queries or {}) for call in _calls(model, source, target))


@torch.no_grad()
def mean_queries(model: Any, pairs: Iterable[tuple[Tensor, Tensor]]) -> MeanQueries:
    """The mean of U z over all queries of all sentence pairs, each a source and a target; summed in float64."""
    sums: dict[Place, Tensor] = {}
    counts: dict[Place, int] = {}
    for source, target in pairs:
        for call in _calls(model, source, target):
            vectors = query_vectors(call.mixer, call.query) if isinstance(call.mixer, GeneralizedAttention) else None
            if vectors is not None:
                place = call.site, call.layer
                sums[place] = sums.get(place, 0) + vectors[0].double().sum(dim=1)
                counts[place] = counts.get(place, 0) + vectors.shape[2]
    return {place: (total / counts[place]).to(next(model.parameters()).dtype) for place, total in sums.items()}


def _calls(model: Any, source: Tensor, target: Tensor) -> list[_Call]:
    """What goes into each site, site by site and layer by layer."""
    before = torch.cat([target[-1:], target[:-1]])  # what the decoder reads at each step; the end of a sentence first
    with _caught(model) as inputs:
        model(source[None], torch.tensor([len(source)]), before[None])
    calls = []
    for (site, number), (layer, name) in mixers_of(model).items():
        mixer = getattr(layer, name)
        query, memory = inputs[site, number]
        calls.append(_Call(site, number, mixer.spec.text, attention_of(mixer) or mixer, query, memory))
    return calls


@contextmanager
def _caught(model: Any) -> Iterator[dict[Place, tuple[Tensor, Tensor]]]:
    """Fills the yielded dictionary with query and memory of each site whenever the model runs."""
    inputs: dict[Place, tuple[Tensor, Tensor]] = {}
    handles = []
    for place, (layer, name) in mixers_of(model).items():

        def catch(module: Any, arguments: tuple[Any, ...], place: Place = place) -> None:
            inputs[place] = arguments[0], arguments[1]

        mixer = getattr(layer, name)
        handles.append((attention_of(mixer) or mixer).register_forward_pre_hook(catch))
    try:
        yield inputs
    finally:
        for handle in handles:
            handle.remove()


def _record(call: _Call, means: MeanQueries) -> SiteRecord:
    if isinstance(call.mixer, GeneralizedAttention):
        explained = explain(call.mixer, call.query, call.memory, None, means.get((call.site, call.layer)))
        weights, visible = explained.weights, explained.visible[0]
        terms = {name: _array(term) for name, term in explained.terms.items()}
        seen = visible[0] if visible.shape[0] == 1 else visible
    else:
        weights = call.mixer(call.query, call.memory, need_weights=True)[1]
        terms, seen = {}, _reached(call.mixer.spec, call.query.shape[1])
    return SiteRecord(call.site, call.layer, call.text, _array(weights), terms, seen.numpy())


def _reached(spec: ConvolutionSpec, tokens: int) -> Tensor:
    """The keys that some tap of a convolution can reach: (t, s). Taps of deform go anywhere, but not over the mask."""
    distances = torch.arange(tokens) - torch.arange(tokens)[:, None]
    low, high = spec.taps[0], spec.taps[-1]
    if spec.kind is Convolution.DEFORMABLE:
        low, high = (-tokens, tokens) if spec.window is None else (-spec.window, spec.window)
        high = 0 if spec.site.is_causal else high
    return (distances >= low) & (distances <= high)


def _array(x: Tensor) -> np.ndarray:
    """The one sentence of x (1, h, t, s), a copy."""
    return x[0].numpy().copy()
