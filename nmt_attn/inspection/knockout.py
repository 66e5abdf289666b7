"""Terms taken out of a trained model, without training it again.

    zero    the term as it was trained becomes 0
    mean    first the mean m of U z over a sample is moved, as in attention.explained; then the term becomes 0. So E1
            and E2 leave behind their means over the queries, as terms of the key or the position alone:

                E1: [U z_q] + [u] -> [u + m]            E3: [U z_q] + [u] -> [U z_q] + [-m]         (E2, E4: with v)

With zero the outcome depends on how training split a constant between U z and u, which the loss does not see; with mean
it does not. Where E1 (E2) is off both are the same for E3 (E4). The result is a model of another code, which computes
exactly as one that was trained with it.

Axes: h heads, d head size.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from enum import Enum
from typing import Any

import torch
from torch import Tensor, nn

from nmt_attn.attention import GeneralizedAttention
from nmt_attn.inspection.places import Place, attention_of, mixers_of
from nmt_attn.inspection.recording import MeanQueries
from nmt_attn.spec import AttentionSpec, Positions, Site, SpecError


class Replacement(Enum):
    """What stands in the place of a term."""

    ZERO = "zero"
    MEAN = "mean"


FIELDS = {"E1": "query_key", "E2": "query_position", "E3": "key", "E4": "position"}


def terms_of(model: Any, sites: Sequence[Site]) -> list[str]:
    """The terms, of E1 to E4, that some layer has at one of the sites. Raises SpecError for fixed patterns."""
    specs = [attention.spec for _, _, attention in _attentions(model, sites).values()]
    for spec in specs:
        _check_heads(spec)
    return [name for name, field in FIELDS.items() if any(getattr(spec.terms, field) for spec in specs)]


@contextmanager
def knocked_out(
    model: Any, sites: Sequence[Site], term: str, replacement: Replacement, means: MeanQueries
) -> Iterator[None]:
    """Inside, the model is without the term at these sites, in all layers that have it. means: for Replacement.MEAN.

    Raises SpecError where no layer has it, where a mean is missing, and as without.
    """
    if term not in terms_of(model, sites):
        names = " and ".join(site.value for site in sites)
        raise SpecError(f"the term to take out must be one that {names} attention has, not {term}")
    whole = {
        place: found for place, found in _attentions(model, sites).items() if getattr(found[2].spec.terms, FIELDS[term])
    }
    if replacement is Replacement.ZERO:
        means = {}
    elif lacking := [place for place, found in whole.items() if found[2].spec.terms.use_query and place not in means]:
        site, layer = lacking[0]
        raise SpecError(f"mean queries must be those of this model, not without {site.value} attention, layer {layer}")
    left = {place: without(attention, term, means.get(place)) for place, (_, _, attention) in whole.items()}
    try:
        for place, (owner, name, _) in whole.items():
            setattr(owner, name, left[place])
        yield
    finally:
        for owner, name, attention in whole.values():
            setattr(owner, name, attention)


def _attentions(model: Any, sites: Sequence[Site]) -> dict[Place, tuple[nn.Module, str, GeneralizedAttention]]:
    """The attention of each place at these sites, with the module and the attribute that hold it."""
    found = {}
    for place, (layer, name) in mixers_of(model).items():
        mixer = getattr(layer, name)
        attention = attention_of(mixer)
        if place[0] in sites and attention is not None:
            owner, held = (layer, name) if attention is mixer else (mixer, "then")
            found[place] = (owner, held, attention)
    return found


@torch.no_grad()
def without(mixer: GeneralizedAttention, term: str, mean_query: Tensor | None = None) -> GeneralizedAttention:
    """The site with the same parameters and without a term. mean_query: (h, d), to be moved first.

    Raises SpecError for a term that it does not have, for fixed patterns, and for a mean query of another shape.
    """
    spec = mixer.spec
    _check_heads(spec)
    if term not in FIELDS or not getattr(spec.terms, FIELDS[term]):
        raise SpecError(f"the term to take out must be one of code {spec.terms.code}, not {term}")
    if mean_query is not None and mean_query.shape != (spec.heads, spec.head_size):
        raise SpecError(
            f"the mean query of {spec.text} must be {(spec.heads, spec.head_size)}, not {tuple(mean_query.shape)}"
        )
    moving, still = ("query_key", "key") if term in ("E1", "E3") else ("query_position", "position")
    if mean_query is None or not getattr(spec.terms, moving):
        return _made(mixer, _changed(spec, {FIELDS[term]: False}), {})
    own = getattr(mixer, VECTORS[still])
    left = -mean_query if term in ("E3", "E4") else mean_query + (0.0 if own is None else own)
    digits = {still: True} if term in ("E3", "E4") else {moving: False, still: True}
    return _made(mixer, _changed(spec, digits), {VECTORS[still]: left})


def _check_heads(spec: AttentionSpec) -> None:
    if spec.positions is Positions.FIXED:
        raise SpecError(
            f"the site to take terms out of must be without fixed patterns, which are heads of their own, "
            f"not {spec.text}: name other sites"
        )


VECTORS = {"key": "key_saliency", "position": "position_bias"}


def _changed(spec: AttentionSpec, digits: dict[str, bool]) -> AttentionSpec:
    """The specification with other terms; positions that no term reads are none."""
    terms = replace(spec.terms, **digits)
    return replace(spec, terms=terms, positions=spec.positions if terms.use_position else Positions.SINUSOID)


def _made(mixer: GeneralizedAttention, spec: AttentionSpec, given: dict[str, Tensor]) -> GeneralizedAttention:
    """A site of that specification with the parameters of another, or those that are given."""
    made = GeneralizedAttention(spec).to(mixer.value_projection.weight)
    old = dict(mixer.named_parameters()) | given
    for name, parameter in made.named_parameters():
        parameter.copy_(old[name])
    made.products = mixer.products
    return made.train(mixer.training)
