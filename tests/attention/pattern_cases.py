"""What the tests of position patterns share: every kind with the codes and sites it allows, and its oracle."""

from typing import NamedTuple

import torch
from torch import Tensor

from nmt_attn.attention import GeneralizedAttention
from nmt_attn.spec import ALL_CODES, Positions, Site

from . import pattern_oracle
from .cases import SITES, as_array, make_mixer, site_name

SHAW_CODES = tuple(code for code in ALL_CODES if code[1] == "1" or code[3] == "1")
PATTERN_CODES = ("0001", "0011", "1001", "1011")
KINDS = tuple(kind for kind in Positions if kind is not Positions.SINUSOID)
RELATIVE_KINDS = (Positions.SHAW, Positions.T5, Positions.ALIBI, Positions.GAUSSIAN)
# Limits that are small enough to matter in short sentences; T5 must keep its 8 or 16 exact buckets.
LIMITED = {
    Positions.SINUSOID: 2,
    Positions.SHAW: 2,
    Positions.T5: 20,
    Positions.ALIBI: 3,
    Positions.GAUSSIAN: 2,
    Positions.SYNTHESIZER: 4,
}


class Case(NamedTuple):
    """One mixer to test: its positions, code and site, and whether it has the fifth term."""

    kind: Positions
    code: str
    site: Site
    fifth: bool = False

    def __str__(self) -> str:
        return f"{self.kind.value}-{self.code}{'-fifth' * self.fifth}-{site_name(self.site)}"


def allowed(kind: Positions) -> list[Case]:
    codes = SHAW_CODES if kind is Positions.SHAW else PATTERN_CODES
    sites = (Site.ENCODER_SELF,) if kind is Positions.FIXED else (Site.ENCODER_SELF, Site.DECODER_SELF)
    return [Case(kind, code, site) for code in codes for site in sites]


CASES = tuple(case for kind in KINDS for case in allowed(kind))
LIMITED_CASES = tuple(case for case in CASES if case.kind in LIMITED)
FIFTH_CASES = tuple(Case(Positions.SINUSOID, code, site, True) for code in ALL_CODES for site in SITES)
PLAIN_CASES = tuple(Case(Positions.SINUSOID, code, Site.DECODER_SELF) for code in ("1111", "0010", "0001", "0000"))
EVERY_CASE = CASES + FIFTH_CASES
DECODER_CASES = tuple(case for case in EVERY_CASE if case.site.is_causal)


def make(case: Case, dim: int = 12, heads: int = 3, **options: object) -> GeneralizedAttention:
    return make_mixer(case.code, case.site, dim, heads, positions=case.kind, key_position=case.fifth, **options)


def expected(
    mixer: GeneralizedAttention, query: Tensor, memory: Tensor, padding: Tensor | None = None
) -> tuple[Tensor, Tensor, Tensor]:
    """Output, weights and the queries that are defined, by the oracle in float64."""
    spec = mixer.spec
    results = pattern_oracle.attend(
        code=spec.terms.code,
        kind=spec.positions.value,
        fifth=spec.key_position,
        causal=spec.site is Site.DECODER_SELF,
        cross=spec.site is Site.CROSS,
        heads=spec.heads,
        parameters={name: as_array(value) for name, value in mixer.named_parameters()},
        query=as_array(query),
        memory=as_array(memory),
        padding=None if padding is None else padding.numpy(),
        window=spec.window,
        max_distance=spec.max_distance,
    )
    output, weights, defined = (torch.from_numpy(result) for result in results)
    return output, weights, defined


def parameter_shapes(case: Case, dim: int, heads: int, limit: int) -> dict[str, tuple[int, ...]]:
    """The parameters that a mixer must have, and no others."""
    size = dim // heads
    kind, code = case.kind, case.code
    shapes: dict[str, tuple[int, ...]] = {
        "value_projection.weight": (dim, dim),
        "output_projection.weight": (dim, dim),
        "output_projection.bias": (dim,),
    }
    content = heads
    if kind is Positions.FIXED:
        content = -(-heads // 8)
    if code[0] == "1" or code[1] == "1":
        shapes["query_projection.weight"] = (content * size, dim)
    if code[0] == "1" or code[2] == "1":
        shapes["key_projection.weight"] = (content * size, dim)
    if code[2] == "1":
        shapes["key_saliency"] = (content, size)
    if kind is Positions.SHAW:
        shapes["position_vectors"] = (2 * limit + 1, size)
        if code[3] == "1":
            shapes["position_bias"] = (heads, size)
    if kind is Positions.T5:
        shapes["position_pattern.bias"] = (heads, 32)
    if kind is Positions.SYNTHESIZER:
        shapes["position_pattern.alignment"] = (heads, limit, limit)
    return shapes
