"""Equation: buckets and slopes are those of other people's packages, frozen here as small tables."""

import pytest
import torch

from nmt_attn.spec import Positions, Site

from . import pattern_oracle
from .cases import error, make_inputs, site_name
from .pattern_cases import Case, make

# T5Attention._relative_position_bucket(distances, bidirectional, num_buckets=32, max_distance) of the package
# transformers 5.23.0, distances being memory position - query position, that is k - q.
DISTANCES = (
    *(
        -1000,
        -128,
        -127,
        -113,
        -91,
        -90,
        -64,
        -63,
        -46,
        -45,
        -32,
        -31,
        -23,
        -22,
        -16,
        -15,
        -12,
        -11,
        -9,
        -8,
        -7,
        -3,
        -1,
    ),
    *(0, 1, 2, 7, 8, 9, 11, 12, 15, 16, 22, 23, 31, 32, 45, 46, 63, 64, 90, 91, 127, 128, 1000),
)
AHEAD = 23  # distances above 0: in the decoder they are hidden, and in bucket 0
BUCKETS = {
    (Site.ENCODER_SELF, 128): (
        *(15, 15, 15, 15, 15, 14, 14, 13, 13, 12, 12, 11, 11, 10, 10, 9, 9, 8, 8, 8, 7, 3, 1),
        *(0, 17, 18, 23, 24, 24, 24, 25, 25, 26, 26, 27, 27, 28, 28, 29, 29, 30, 30, 31, 31, 31, 31),
    ),
    (Site.ENCODER_SELF, 40): (
        *(15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 14, 14, 13, 13, 11, 11, 10, 9, 8, 8, 7, 3, 1),
        *(0, 17, 18, 23, 24, 24, 25, 26, 27, 27, 29, 29, 30, 30, 31, 31, 31, 31, 31, 31, 31, 31, 31),
    ),
    (Site.ENCODER_SELF, 20): (
        *(15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 14, 13, 11, 10, 9, 8, 7, 3, 1),
        *(0, 17, 18, 23, 24, 25, 26, 27, 29, 30, 31, 31, 31, 31, 31, 31, 31, 31, 31, 31, 31, 31, 31),
    ),
    (Site.DECODER_SELF, 128): (
        *(31, 31, 31, 31, 29, 29, 26, 26, 24, 23, 21, 21, 18, 18, 16, 15, 12, 11, 9, 8, 7, 3, 1),
        *[0] * AHEAD,
    ),
    (Site.DECODER_SELF, 40): (
        *(31, 31, 31, 31, 31, 31, 31, 31, 31, 31, 28, 27, 22, 21, 16, 15, 12, 11, 9, 8, 7, 3, 1),
        *[0] * AHEAD,
    ),
    (Site.DECODER_SELF, 20): (
        *(31, 31, 31, 31, 31, 31, 31, 31, 31, 31, 31, 31, 31, 31, 16, 15, 12, 11, 9, 8, 7, 3, 1),
        *[0] * AHEAD,
    ),
}

# build_alibi_tensor(torch.ones(1, 2), heads, torch.float32)[:, 0, 1] of models.bloom in transformers 5.23.0.
SLOPES = {
    1: (0.00390625,),
    2: (0.0625, 0.00390625),
    3: (0.0625, 0.00390625, 0.25),
    4: (0.25, 0.0625, 0.015625, 0.00390625),
    6: (0.25, 0.0625, 0.015625, 0.00390625, 0.5, 0.125),
    8: (0.5, 0.25, 0.125, 0.0625, 0.03125, 0.015625, 0.0078125, 0.00390625),
    9: (0.5, 0.25, 0.125, 0.0625, 0.03125, 0.015625, 0.0078125, 0.00390625, 0.7071067690849304),
    12: (
        *(0.5, 0.25, 0.125, 0.0625, 0.03125, 0.015625, 0.0078125, 0.00390625),
        *(0.7071067690849304, 0.3535533845424652, 0.1767766773700714, 0.0883883386850357),
    ),
    16: (
        *(0.7071067690849304, 0.4999999701976776, 0.3535533845424652, 0.2499999850988388),
        *(0.1767766773700714, 0.1249999850988388, 0.0883883386850357, 0.0624999925494194),
        *(0.044194165617227554, 0.031249994412064552, 0.022097082808613777, 0.015624997206032276),
        *(0.011048541404306889, 0.007812498137354851, 0.005524270236492157, 0.0039062488358467817),
    ),
}


@pytest.mark.parametrize(("site", "limit"), BUCKETS, ids=site_name)
def test_the_oracle_has_the_buckets_of_t5_in_transformers(site, limit, record_property):
    found = [pattern_oracle.t5_bucket(distance, site.is_causal, limit) for distance in DISTANCES]
    assert tuple(found) == BUCKETS[site, limit]
    record_property("outside_oracles", 1)


@pytest.mark.parametrize(("site", "limit"), BUCKETS, ids=site_name)
def test_weights_of_t5_have_the_buckets_of_transformers(site, limit, record_property):
    """The learned number of each distance, read from the weights of the first and the last of 1001 tokens."""
    mixer = make(Case(Positions.T5, "0001", site), 6, 3, max_distance=limit)
    bias = mixer.position_pattern.bias.detach()
    inputs, _ = make_inputs(site, 1, 1001, 1001, 6)
    _, weights = mixer(inputs, inputs, need_weights=True)
    for query in (1000,) if site.is_causal else (0, 1000):
        pairs = [
            (query + distance, bucket)
            for distance, bucket in zip(DISTANCES, BUCKETS[site, limit], strict=True)
            if 0 <= query + distance <= (query if site.is_causal else 1000)
        ]
        columns, buckets = (list(side) for side in zip(*pairs, strict=True))
        shown = weights[0, :, query, columns]
        wanted = (bias[:, buckets] - bias[:, :1]).exp() * weights[0, :, query, query, None]
        assert error(shown, wanted) <= 1e-12
    record_property("outside_oracles", 1)


@pytest.mark.parametrize("site", [Site.ENCODER_SELF, Site.DECODER_SELF], ids=site_name)
@pytest.mark.parametrize("heads", SLOPES)
def test_slopes_are_those_of_bloom_in_transformers(heads, site, record_property):
    wanted = torch.tensor(SLOPES[heads], dtype=torch.float64)
    assert error(torch.tensor(pattern_oracle.alibi_slopes(heads), dtype=torch.float64), wanted) <= 1e-7
    mixer = make(Case(Positions.ALIBI, "0001", site), 2 * heads, heads)
    inputs, _ = make_inputs(site, 1, 5, 5, 2 * heads)
    _, weights = mixer(inputs, inputs, need_weights=True)
    logits = weights[0].log()
    for t in range(5):
        for k in range(t + 1 if site.is_causal else 5):
            assert error(logits[:, t, k] - logits[:, t, t], -wanted * abs(k - t)) <= 1e-6
    record_property("outside_oracles", 1)
