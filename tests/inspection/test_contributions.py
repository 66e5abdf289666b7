"""Shares of the terms in the variation of the logits: by hand, and unchanged by what changes nothing in the model."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from nmt_attn.attention import GeneralizedAttention
from nmt_attn.inspection.contributions import contributions, shares
from nmt_attn.inspection.facts import SentenceRecord, Share, SiteRecord
from nmt_attn.inspection.loading import Loaded
from nmt_attn.spec import Site, SpecError
from tests.models import toy

Terms = dict[str, np.ndarray]


def _record(terms: Terms, visible: np.ndarray | None = None, site: Site = Site.CROSS, layer: int = 1) -> SentenceRecord:
    """A record of one site with these terms; shares do not read the weights."""
    shape = next(iter(terms.values())).shape
    seen = np.ones(shape[1:], dtype=bool) if visible is None else visible
    return SentenceRecord(("a",), ("b",), False, (SiteRecord(site, layer, "1111", np.zeros(shape), terms, seen),))


def _random(count: int, seed: int = 1, ratio: float = 2.0) -> list[SentenceRecord]:
    """Sentences of 3 to 7 queries and keys, 2 heads; E1 varies more than E4 by a ratio that differs a little."""
    generator = np.random.default_rng(seed)
    records = []
    for _ in range(count):
        shape = 2, int(generator.integers(3, 8)), int(generator.integers(3, 8))
        terms = {"E1": generator.normal(size=shape) * ratio, "E4": generator.normal(size=shape)}
        records.append(_record(terms, generator.random(shape[1:]) < 0.8))
    return records


def _by_place(found: Sequence[Share]) -> dict[tuple[Site, int, int | None, str], Share]:
    return {(share.site, share.layer, share.head, share.term): share for share in found}


def test_two_queries_and_keys_by_hand() -> None:
    """Head 0, query 0: E1 = +-1, E3 = +-0.5 against it, L = +-0.5: cov(E1, L) = 0.5, cov(E3, L) = -0.25, var = 0.25.
    Query 1: E1 = 0, E3 = +-2 = L: cov(E3, L) = 4. So E1 has 0.5 / 4.25 and E3 3.75 / 4.25. Head 1: E1 alone, var 9.
    """
    e1 = np.array([[[1.0, -1.0], [5.0, 5.0]], [[3.0, -3.0], [0.0, 0.0]]])
    e3 = np.array([[[-0.5, 0.5], [7.0, 11.0]], [[1.0, 1.0], [2.0, 2.0]]])
    found = _by_place(shares([_record({"E1": e1, "E3": e3})]))
    wanted = {(0, "E1"): 0.5 / 4.25, (0, "E3"): 3.75 / 4.25, (1, "E1"): 1.0, (1, "E3"): 0.0}
    wanted |= {(None, "E1"): 9.5 / 13.25, (None, "E3"): 3.75 / 13.25}
    assert {(share.head, share.term): share.share for share in found.values()} == pytest.approx(wanted, abs=1e-15)
    assert {(share.low, share.high) for share in found.values()} == {(None, None)}


def test_a_term_that_works_against_the_others_has_a_negative_share() -> None:
    """E1 = 3 x and E3 = -x make L = 2 x: shares 1.5 and -0.5."""
    x = np.array([[[1.0, 2.0, 4.0]]])
    found = shares([_record({"E1": 3 * x, "E3": -x})])
    assert [share.share for share in found] == pytest.approx([1.5, -0.5, 1.5, -0.5])


def test_hidden_keys_and_queries_with_less_than_two_keys_count_nothing() -> None:
    e1 = np.array([[[1.0, 3.0, 1e9], [1e9, 7.0, 1e9], [1e9, 1e9, 1e9]]])
    e4 = np.array([[[0.0, 0.0, -np.inf], [np.inf, 1.0, np.nan], [1e9, 0.0, 1e9]]])
    visible = np.array([[True, True, False], [False, True, False], [False, False, False]])
    found = shares([_record({"E1": e1, "E4": e4}, visible)])
    assert [(share.head, share.term, share.share) for share in found] == [
        *((None, "E1", 1.0), (None, "E4", 0.0)),
        *((0, "E1", 1.0), (0, "E4", 0.0)),
    ]


def test_keys_that_a_pattern_hides_from_one_head_count_for_the_other() -> None:
    e1 = np.array([[[1.0, 2.0, 9.0]], [[1.0, 2.0, 9.0]]])
    pattern = np.array([[[0.0, 0.0, 5.0]], [[0.0, 0.0, 5.0]]])
    visible = np.array([[[True, True, False]], [[True, True, True]]])
    found = _by_place(shares([_record({"E1": e1, "pattern": pattern}, visible, Site.ENCODER_SELF)]))
    assert found[Site.ENCODER_SELF, 1, 0, "E1"].share == 1.0
    assert 0.1 < found[Site.ENCODER_SELF, 1, 1, "pattern"].share < 0.9


def test_what_does_not_vary_has_no_share() -> None:
    still, moving = np.full((1, 2, 3), 0.5), np.arange(6.0).reshape(1, 2, 3)
    assert shares([_record({"E3": still})]) == []
    found = shares([_record({"E3": np.concatenate([still, moving])})])
    assert [(share.head, share.share) for share in found] == [(None, 1.0), (1, 1.0)]
    empty = SiteRecord(Site.CROSS, 1, "0000", np.full((2, 2, 2), 0.5), {}, np.ones((2, 2), dtype=bool))
    assert shares([SentenceRecord(("a",), ("b",), False, (empty,))] * 3) == []


def test_shares_of_a_head_and_of_a_layer_sum_to_one() -> None:
    sums: dict[tuple[Site, int, int | None], float] = {}
    for share in shares(_random(20)):
        place = share.site, share.layer, share.head
        sums[place] = sums.get(place, 0.0) + share.share
    assert set(sums) == {(Site.CROSS, 1, head) for head in (None, 0, 1)}
    assert list(sums.values()) == pytest.approx([1.0] * 3, abs=1e-9)


def test_sites_and_layers_come_in_order() -> None:
    x = np.arange(4.0).reshape(1, 2, 2)
    sites = [_record({"E3": x}, None, site, layer).sites[0] for site in reversed(Site) for layer in (2, 1)]
    found = shares([SentenceRecord(("a",), ("b",), False, tuple(sites))])
    assert [(share.site, share.layer, share.head) for share in found] == [
        (site, layer, head) for site in Site for layer in (1, 2) for head in (None, 0)
    ]


def test_the_order_of_the_sentences_changes_nothing() -> None:
    records = _random(9)
    wanted = shares(records)
    for order in ([8, 7, 6, 5, 4, 3, 2, 1, 0], [3, 0, 7, 1, 8, 2, 6, 5, 4]):
        found = shares([records[number] for number in order])
        for one, other in zip(found, wanted, strict=True):
            assert (one.site, one.layer, one.head, one.term) == (other.site, other.layer, other.head, other.term)
            assert (one.share, one.low, one.high) == pytest.approx((other.share, other.low, other.high), abs=1e-12)


def test_the_interval_covers_shrinks_with_more_sentences_and_repeats_itself() -> None:
    """E1 is twice E4 in size and independent of it: in the long run its share is 4 / 5."""
    widths = []
    for count in (20, 320):
        share = _by_place(shares(_random(count)))[Site.CROSS, 1, None, "E1"]
        assert share.low < 0.8 < share.high
        assert share.low < share.share < share.high
        widths.append(share.high - share.low)
    assert 2.5 < widths[0] / widths[1] < 6.5  # about the root of 16
    assert shares(_random(20)) == shares(_random(20))
    assert shares(_random(20), seed=2) != shares(_random(20))


def test_the_interval_covers_at_about_its_rate() -> None:
    covered = []
    for seed in range(150):
        share = _by_place(shares(_random(25, seed=seed), resamples=200))[Site.CROSS, 1, None, "E1"]
        covered.append(share.low < 0.8 < share.high)
    assert 0.85 < np.mean(covered) < 1.0


def test_the_bootstrap_goes_on_when_only_one_sentence_varies() -> None:
    x = np.arange(4.0).reshape(1, 2, 2)
    found = shares([_record({"E3": x}), _record({"E3": 0 * x}), _record({"E3": 0 * x})])
    assert [(share.share, share.low, share.high) for share in found] == [(1.0, 1.0, 1.0)] * 2


def _of_model(loaded: Loaded, change: Callable[[Any], None], *flags: str) -> tuple[list[Share], list[Share]]:
    """Shares of a changed model with flags, of a few sentences, and those of the terms as they are trained."""
    model = toy.build("nmt_attn_tiny", *flags).double()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter += 0.2 * torch.randn(parameter.shape, generator=torch.Generator().manual_seed(parameter.numel()))
        change(model)
    changed = replace(loaded, model=model)
    pairs = list(changed.pairs(["w1 w2 w3 w9", "w4 w1 w5", "w7 w2 w2 w8 w3"], ["w5 w1 w6", "w2", "w3 w3 w9 w4"]))
    return contributions(changed, pairs, resamples=50), shares(map(changed.read, pairs), resamples=50)


def _give_all_queries_a_constant_channel(model: Any) -> None:
    """Channel 0 of the words and of what the layer norms put out is 1."""
    for side in (model.encoder, model.decoder):
        side.embed_tokens.weight[:, 0] = 1 / side.embed_scale
    for module in model.modules():
        if isinstance(module, torch.nn.LayerNorm):
            module.weight[0], module.bias[0] = 0.0, 1.0


def _move_a_constant_to_the_queries(model: Any) -> None:
    """c from u and v to U z, at all sites: the model computes the same."""
    _give_all_queries_a_constant_channel(model)
    for module in model.modules():
        if isinstance(module, GeneralizedAttention):
            constant = torch.linspace(-1, 2, module.spec.dim, dtype=torch.float64)
            module.query_projection.weight[:, 0] += constant
            module.key_saliency -= constant.unflatten(0, (module.spec.heads, -1))
            module.position_bias -= constant.unflatten(0, (module.spec.heads, -1))


def test_a_constant_of_all_queries_that_u_and_v_take_back_leaves_all_shares(loaded: Loaded) -> None:
    wanted, as_trained = _of_model(loaded, _give_all_queries_a_constant_channel)
    found, others = _of_model(loaded, _move_a_constant_to_the_queries)
    assert len(found) == len(wanted) == 3 * 2 * 3 * 4  # sites, layers, heads and their layer, terms
    for one, other in zip(found, wanted, strict=True):
        assert (one.share, one.low, one.high) == pytest.approx((other.share, other.low, other.high), abs=1e-9)
    assert max(abs(one.share - other.share) for one, other in zip(as_trained, others, strict=True)) > 0.05


@pytest.mark.parametrize(("code", "terms"), [("0010", {"E3"}), ("1000", {"E1", "E3"}), ("0100", {"E2", "E4"})])
def test_a_model_has_shares_of_the_terms_that_it_can_compute(loaded: Loaded, code: str, terms: set[str]) -> None:
    found, _ = _of_model(loaded, lambda model: None, "--self-attn-mixer", code, "--cross-attn-mixer", code)
    assert {share.term for share in found} == terms
    if len(terms) == 1:
        assert {share.share for share in found} == {1.0}
    else:
        assert all(0.0 < abs(share.share) < 2.0 for share in found)


def test_a_model_in_which_only_the_keys_saliency_is_not_zero_has_all_of_it_in_e3(loaded: Loaded) -> None:
    def still(model: Any) -> None:
        for module in model.modules():
            if isinstance(module, GeneralizedAttention):
                module.query_projection.weight.zero_()
                module.position_bias.zero_()

    for share in _of_model(loaded, still)[0]:
        assert share.share == (1.0 if share.term == "E3" else 0.0)


def test_convolutions_and_code_0000_have_no_shares(loaded: Loaded) -> None:
    flags = ("--enc-self-attn-mixer", "conv,deform+0010", "--dec-self-attn-mixer", "0000,light")
    found, _ = _of_model(loaded, lambda model: None, *flags)
    places = {(share.site, share.layer) for share in found}
    assert places == {(Site.ENCODER_SELF, 2), (Site.CROSS, 1), (Site.CROSS, 2)}


def test_nothing_to_read_is_refused() -> None:
    with pytest.raises(SpecError, match="contributions must be of at least one sentence, not of none"):
        shares([])
    with pytest.raises(SpecError, match="the bootstrap must have at least one resample, not 0"):
        shares(_random(2), resamples=0)
    x = np.arange(4.0).reshape(1, 2, 2)
    with pytest.raises(SpecError, match=r"records must be of one model, not with the terms \('E1',\) and \('E3',\)"):
        shares([_record({"E1": x}), _record({"E3": x})])
