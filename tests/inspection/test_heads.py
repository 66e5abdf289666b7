"""How sharp heads are and how far they look, by hand."""

import numpy as np
import pytest

from nmt_attn.inspection.facts import SentenceRecord, SiteRecord
from nmt_attn.inspection.heads import head_facts
from nmt_attn.inspection.loading import Loaded
from nmt_attn.spec import Site, SpecError


def _record(*sites: SiteRecord) -> SentenceRecord:
    return SentenceRecord(("a",), ("b",), False, sites)


def _site(
    weights: list, mixer: str = "1111", site: Site = Site.ENCODER_SELF, layer: int = 1, visible: list | None = None
) -> SiteRecord:
    array = np.array(weights)
    seen = np.ones(array.shape[1:], dtype=bool) if visible is None else np.array(visible)
    return SiteRecord(site, layer, mixer, array, {}, seen)


def test_facts_of_a_sentence_by_hand() -> None:
    """Head 0: one bit and one key for the two queries; head 1: three keys, then 1/4 and 3/4."""
    even, third = [0.5, 0.5, 0.0], 1 / 3
    (first, second) = head_facts([_record(_site([[even, [0.0, 0.0, 1.0]], [[third] * 3, [0.25, 0.0, 0.75]]]))])
    assert (first.site, first.layer, first.head, first.mixer) == (Site.ENCODER_SELF, 1, 0, "1111")
    assert (first.entropy, first.distance, first.offset) == pytest.approx((0.5, 0.75, 0.75))
    bits = -(0.25 * np.log2(0.25) + 0.75 * np.log2(0.75))
    assert second.head == 1
    assert (second.entropy, second.distance, second.offset) == pytest.approx(((np.log2(3) + bits) / 2, 1.0, 0.75))


def test_all_queries_of_all_sentences_count_the_same() -> None:
    """One query of one bit, three queries of none: a quarter."""
    one = _record(_site([[[0.5, 0.5]]]))
    three = _record(_site([[[1.0, 0.0]] * 3]))
    (facts,) = head_facts([one, three])
    assert facts.entropy == 0.25
    assert facts.offset == pytest.approx((0.5 + 0 - 1 - 2) / 4)
    assert head_facts([three, one]) == [facts]


def test_the_decoder_looks_back() -> None:
    weights = [[[1.0, 0.0, 0.0], [1.0, 0.0, 0.0], [0.5, 0.5, 0.0]]]
    (facts,) = head_facts([_record(_site(weights, site=Site.DECODER_SELF, visible=np.tri(3, dtype=bool).tolist()))])
    assert (facts.distance, facts.offset) == pytest.approx((2.5 / 3, -2.5 / 3))


def test_queries_without_a_key_count_nothing_and_heads_without_any_are_left_out() -> None:
    """As in fixed: the head of the token before has no key for the first query, and none in a sentence of one token."""
    visible = [[[False, False], [True, False]], [[False, False], [False, False]]]
    weights = [[[0.0, 0.0], [1.0, 0.0]], [[0.0, 0.0], [0.0, 0.0]]]
    found = head_facts([_record(_site(weights, "0001:positions=fixed", visible=visible))])
    assert [(facts.head, facts.entropy, facts.offset) for facts in found] == [(0, 0.0, -1.0)]


def test_convolutions_are_left_out_and_the_attention_after_one_is_not() -> None:
    one = [[[1.0]]]
    mixers = ("conv:kernel=3", "deform:kernel=3", "light:kernel=7:window=2", "dynamic:kernel=3", "deform:kernel=3+0010")
    sites = [_site(one, mixer, layer=number) for number, mixer in enumerate(mixers, 1)]
    found = head_facts([_record(*sites, _site(one, "0000", layer=6), _site(one, "1100:positions=shaw", layer=7))])
    assert [(facts.layer, facts.mixer) for facts in found] == [
        (5, "deform:kernel=3+0010"),
        (6, "0000"),
        (7, "1100:positions=shaw"),
    ]


def test_sites_layers_and_heads_come_in_order() -> None:
    sites = [_site([[[1.0]], [[1.0]]], site=site, layer=layer) for layer in (2, 1) for site in reversed(Site)]
    found = head_facts([_record(*sites)])
    assert [(facts.site, facts.layer, facts.head) for facts in found] == [
        (site, layer, head) for site in Site for layer in (1, 2) for head in (0, 1)
    ]


def test_facts_of_a_model_are_within_their_bounds(loaded: Loaded) -> None:
    found = head_facts(loaded.records(["w1 w2 w3", "w4"], ["w5 w6", "w7 w8 w9"]))
    assert len(found) == 3 * 2 * 2
    for facts in found:
        assert 0.0 < facts.entropy < np.log2(4)
        assert abs(facts.offset) <= facts.distance <= 3
        assert (facts.offset < 0) or facts.site is not Site.DECODER_SELF


def test_records_of_different_models_are_refused() -> None:
    with pytest.raises(SpecError, match="records must be of one model, not of 1111 and 0010 at a site"):
        head_facts([_record(_site([[[1.0]]])), _record(_site([[[1.0]]], "0010"))])
    assert head_facts([]) == []
