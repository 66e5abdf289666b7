"""Parameters and multiply-adds of an architecture, counted from its formulas.

A multiply-add is one product and one sum of a matrix product (half of what is called a FLOP elsewhere); softmax, layer
norms and sums of vectors are not counted, as is customary. Standard library only.
"""

from dataclasses import dataclass

from nmt_attn.presets import Preset
from nmt_attn.spec import AttentionSpec, Site, Terms


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


def attention_cost(spec: AttentionSpec, queries: int, keys: int) -> Cost:
    """Cost of one site of one layer for one sentence, as nmt_attn.attention.generalized computes it."""
    terms, dim, key_dim = spec.terms, spec.dim, spec.key_dim
    total = Cost(key_dim * dim, keys * key_dim * dim)  # W'
    total += Cost(dim * dim + dim, queries * dim * dim)  # W
    if terms.use_query:
        total += Cost(dim * dim, queries * dim * dim)  # U
    if terms.use_key:
        rows = queries if terms.query_key else 1
        total += Cost(key_dim * dim, keys * key_dim * dim + rows * keys * dim)  # V^C and its product
    if terms.use_position:
        rows, distances = queries if terms.query_position else 1, queries + keys - 1
        total += Cost(dim * dim, distances * dim * dim + rows * distances * dim)  # V^R and its product
    if terms.key:
        total += Cost(dim, 0)
    if terms.position:
        total += Cost(dim, 0)
    # Where neither a term nor a mask looks at the query, one mixture of the values serves all of them.
    per_query = terms.use_query or terms.position or spec.site.is_causal or spec.window is not None
    rows = queries if per_query else 1
    return total + Cost(0, rows * keys * dim)  # weights times values


def preset_cost(preset: Preset, work: Workload) -> Cost:
    """Cost of a whole model with one embedding matrix for source, target and output (--share-all-embeddings)."""
    size = preset.size
    dim = size.dim
    norm = Cost(2 * dim, 0)
    total = Cost(work.vocabulary * dim, work.target * work.vocabulary * dim)

    def site(kind: Site, code: str) -> Cost:
        spec = AttentionSpec(kind, Terms.parse(code), dim, size.heads)
        queries = work.source if kind is Site.ENCODER_SELF else work.target
        return attention_cost(spec, queries, work.target if kind is Site.DECODER_SELF else work.source) + norm

    def feed_forward(tokens: int) -> Cost:
        return Cost(2 * dim * size.ffn_dim + size.ffn_dim + dim, 2 * tokens * dim * size.ffn_dim) + norm

    for _ in range(size.layers):
        total += site(Site.ENCODER_SELF, preset.self_terms) + feed_forward(work.source)
        total += site(Site.DECODER_SELF, preset.self_terms) + site(Site.CROSS, preset.cross_terms)
        total += feed_forward(work.target)
    return total
