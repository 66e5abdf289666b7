"""Parameters and multiply-adds of an architecture, counted from its formulas.

A multiply-add is one product and one sum of a matrix product (half of what is called a FLOP elsewhere); softmax, layer
norms and sums of vectors are not counted, as is customary. Standard library only.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from nmt_attn.notation import Shape, layer_specs
from nmt_attn.presets import Preset
from nmt_attn.spec import T5_BUCKETS, AttentionSpec, ChainSpec, Convolution, ConvolutionSpec, MixerSpec, Positions, Site


@dataclass(frozen=True)
class Workload:
    """One sentence pair, its lengths in tokens, and the vocabulary that both languages share."""

    source: int = 30
    target: int = 30
    vocabulary: int = 32_000


@dataclass(frozen=True)
class Cost:
    """parameters: numbers that are learned. multiply_adds: of one forward pass over one sentence pair."""

    parameters: int
    multiply_adds: int

    def __add__(self, other: "Cost") -> "Cost":
        return Cost(self.parameters + other.parameters, self.multiply_adds + other.multiply_adds)


NOTHING = Cost(0, 0)


def mixer_cost(spec: MixerSpec, queries: int, keys: int) -> Cost:
    """Cost of one site of one layer for one sentence, as nmt_attn.attention computes it.

    Convolutions are counted as sums over taps; in short sentences they are computed by a matrix of weights by key
    instead, which has more multiply-adds and takes less time. Causal 0000 and 0010 are counted with a weight for each
    pair, as in short sentences; in long ones they take fewer.
    """
    if isinstance(spec, ChainSpec):
        return mixer_cost(spec.first, queries, keys) + mixer_cost(spec.then, queries, keys)
    return _attention_cost(spec, queries, keys) if isinstance(spec, AttentionSpec) else _convolution_cost(spec, queries)


def _attention_cost(spec: AttentionSpec, queries: int, keys: int) -> Cost:
    terms, dim, key_dim, content_dim = spec.terms, spec.dim, spec.key_dim, spec.content_heads * spec.head_size
    total = Cost(key_dim * dim + dim * dim + dim, 0)  # W', W and its bias
    if terms.use_query:
        total += Cost(dim * content_dim, queries * dim * content_dim)  # U
    if spec.use_key:
        total += Cost(key_dim * content_dim, 0)  # V^C
    if terms.query_key or spec.key_position:
        total += Cost(0, keys * key_dim * content_dim)
    elif terms.key:
        total += Cost(0, key_dim * content_dim + keys * key_dim * spec.content_heads)  # (V^C)^T u, times each key
    if terms.query_key:
        total += Cost(0, queries * keys * content_dim)
    elif terms.key and spec.key_position:
        total += Cost(0, keys * content_dim)
    if terms.use_position:
        total += _position_cost(spec, queries, queries + keys - 1)
    if spec.key_position:
        distances, size = queries + keys - 1, spec.position_size
        total += Cost(size * dim, distances * size * dim + keys * distances * dim)  # U^R and its product
    if terms.key:
        total += Cost(content_dim, 0)
    return total + Cost(0, _mixing(spec, queries, keys))


def _mixing(spec: AttentionSpec, queries: int, keys: int) -> int:
    """Multiply-adds of weights times values, W' and W."""
    dim, key_dim = spec.dim, spec.key_dim
    if spec.is_alike and not spec.site.is_causal:  # one mixture of the memory a head, which W' and W see alone
        mixtures = spec.heads if spec.terms.key else 1
        return mixtures * keys * key_dim + dim * key_dim + dim * dim
    return keys * key_dim * dim + queries * keys * dim + queries * dim * dim


def _position_cost(spec: AttentionSpec, queries: int, distances: int) -> Cost:
    """Cost of the logits E2 + E4; patterns are looked up, without products."""
    dim, size, limit = spec.dim, spec.position_size, spec.max_distance or 0
    bias = Cost(dim, 0) if spec.terms.position and spec.positions.are_vectors else NOTHING  # v
    if spec.positions is Positions.SINUSOID and spec.terms.query_position:
        return bias + Cost(dim * size, distances * size * dim + queries * distances * dim)  # V^R and its product
    if spec.positions is Positions.SINUSOID:
        return bias + Cost(dim * size, size * dim + distances * size * spec.heads)  # (V^R)^T v, times each distance
    if spec.positions is Positions.SHAW:
        rows = queries if spec.terms.query_position else 1
        return bias + Cost((2 * limit + 1) * spec.head_size, rows * distances * dim)
    if spec.positions is Positions.T5:
        return Cost(spec.heads * T5_BUCKETS, 0)
    if spec.positions is Positions.SYNTHESIZER:
        return Cost(spec.heads * limit * limit, 0)
    return NOTHING


def _convolution_cost(spec: ConvolutionSpec, queries: int) -> Cost:
    """A deformable convolution reads two keys for each sampling point."""
    dim, taps = spec.dim, len(spec.taps)
    if not spec.kind.is_gated:
        total = Cost(taps * dim * dim + dim, queries * taps * dim * dim)
        if spec.kind is Convolution.DEFORMABLE:
            total += Cost(dim * taps, queries * dim * taps) + Cost(0, 2 * queries * taps * dim)
        return total
    total = Cost(2 * dim * dim + 2 * dim, 2 * queries * dim * dim)  # W_in
    total += Cost(dim * dim + dim, queries * dim * dim)  # W_out
    total += Cost(0, queries * taps * dim)
    if spec.kind is Convolution.LIGHT:
        return total + Cost(spec.heads * taps, 0)
    return total + Cost(dim * spec.heads * taps, queries * dim * spec.heads * taps)


def site_specs(preset: Preset, site: Site) -> tuple[MixerSpec, ...]:
    """What each layer of an architecture computes at a site, with the sizes of its name."""
    texts = {Site.ENCODER_SELF: preset.encoder_self, Site.DECODER_SELF: preset.decoder_self, Site.CROSS: preset.cross}
    size = preset.size
    return layer_specs(texts[site], site, size.layers, Shape(size.dim, size.heads), preset.name)


def site_lengths(site: Site, work: Workload) -> tuple[int, int]:
    """Numbers of queries and keys at a site."""
    queries = work.source if site is Site.ENCODER_SELF else work.target
    return queries, work.target if site is Site.DECODER_SELF else work.source


def preset_cost(preset: Preset, work: Workload) -> Cost:
    """Cost of a whole model with one embedding matrix for source, target and output (--share-all-embeddings)."""
    return model_cost({site: site_specs(preset, site) for site in Site}, (preset.size.ffn_dim,) * 2, work)


def model_cost(mixers: Mapping[Site, Sequence[MixerSpec]], ffn_dims: tuple[int, int], work: Workload) -> Cost:
    """The same from the mixers of all layers, and the feed-forward widths of encoder and decoder."""
    width = mixers[Site.CROSS][0].dim
    total = Cost(work.vocabulary * width, work.target * work.vocabulary * width)
    for site, specs in mixers.items():
        for spec in specs:
            total += mixer_cost(spec, *site_lengths(site, work)) + _norm(spec.dim)
    sides = (Site.ENCODER_SELF, work.source), (Site.DECODER_SELF, work.target)
    for (site, tokens), ffn_dim in zip(sides, ffn_dims, strict=True):
        for spec in mixers[site]:
            dim = spec.dim
            total += Cost(2 * dim * ffn_dim + ffn_dim + dim, 2 * tokens * dim * ffn_dim) + _norm(dim)
    return total


def _norm(dim: int) -> Cost:
    return Cost(2 * dim, 0)
