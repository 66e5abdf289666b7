"""BLEU without each term: which rows there are, and that each is of the translations without the term."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
from fairseq.sequence_generator import SequenceGenerator

from nmt_attn.inspection import translation
from nmt_attn.inspection.contributions import contributions
from nmt_attn.inspection.heads import head_facts
from nmt_attn.inspection.knockout import Replacement, knocked_out, terms_of
from nmt_attn.inspection.knockouts import GROUPS, KnockOut, knock_outs
from nmt_attn.inspection.loading import Loaded, load
from nmt_attn.presets import PRESETS
from nmt_attn.spec import ConvolutionSpec, Site, SpecError
from nmt_attn.study.scores import score
from tests.models import toy

Save = Callable[..., Path]
SHORT = ("--max-target-positions", "12")  # models that have learnt nothing do not end their sentences
SOURCES = ["w1 w2 w3 w4 w5", "w6", "w3 w1 w7 w1", "w9 w9", "w2 w8 w1 w1 w5", "w4 w11"]


@pytest.fixture
def small(saved: Save) -> Loaded:
    """0010 and 1000 in self-attention, 1001 in cross attention."""
    flags = ("--self-attn-mixer", "0010", "--dec-self-attn-mixer", "1000,conv", "--cross-attn-mixer", "1001")
    return load(saved("nmt_attn_tiny", *flags, *SHORT), double=True)


def _rows(loaded: Loaded, references: list[str], *groups: str) -> Iterator[KnockOut]:
    return knock_outs(loaded, SOURCES, references, groups) if groups else knock_outs(loaded, SOURCES, references)


def test_each_row_has_the_bleu_of_the_translations_without_the_term(small: Loaded) -> None:
    references = small.translations(SOURCES)
    references[0] = "w1 w2 w3 w4 w5"
    found = list(_rows(small, references))
    assert [(row.sites, row.term, row.replacement) for row in found] == [
        ("", "", ""),
        *(("self", "E1", "zero"), ("self", "E1", "mean"), ("self", "E3", "zero"), ("self", "E3", "mean")),
        *(("cross", "E1", "zero"), ("cross", "E1", "mean"), ("cross", "E4", "zero"), ("cross", "E4", "mean")),
    ]
    whole = score(small.translations(SOURCES), references)
    assert found[0].bleu == round(whole.bleu, 4)
    assert found[0].loss == 0
    assert found[0].exact_match == round(whole.exact_match, 4) > 80
    assert {row.signature for row in found} == {whole.signature}
    assert {row.sentences for row in found} == {len(SOURCES)}
    assert len({row.bleu for row in found}) > 3
    for row in found[1:]:
        assert row.loss == pytest.approx(found[0].bleu - row.bleu, abs=2e-4)
    means = small.mean_queries(small.pairs(SOURCES, references))
    for row in found[2:7:4]:  # the mean of self E1, and of cross E1
        with knocked_out(small.model, GROUPS[row.sites], row.term, Replacement(row.replacement), means):
            assert row.bleu == round(score(small.translations(SOURCES), references).bleu, 4)
    assert small.translations(SOURCES)[1:] == references[1:]
    assert found[1].fields() == {
        **{"sites": "self", "term": "E1", "replacement": "zero", "bleu": found[1].bleu, "loss": found[1].loss},
        **{"exact_match": found[1].exact_match, "sentences": 6, "signature": whole.signature},
    }


def test_groups_of_sites_are_named_and_those_without_terms_have_no_row(saved: Save) -> None:
    flags = ("--enc-self-attn-mixer", "0010", "--dec-self-attn-mixer", "light", "--cross-attn-mixer", "0000")
    loaded = load(saved("nmt_attn_tiny", *flags, "--max-target-positions", "4"))
    rows = _rows(loaded, ["w1"] * 6, *GROUPS)
    assert [(row.sites, row.replacement) for row in rows] == [
        *(("", ""), ("self", "zero"), ("self", "mean"), ("encoder self", "zero"), ("encoder self", "mean")),
    ]
    assert {
        "self": (Site.ENCODER_SELF, Site.DECODER_SELF), **{site.value: (site,) for site in Site}
    } == GROUPS  # fmt: skip


def test_texts_that_do_not_fit_and_fixed_patterns_are_refused_before_anything_is_translated(
    saved: Save, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded = load(saved("nmt_attn_tiny_fixed"))
    monkeypatch.setattr(translation, "SequenceGenerator", None)
    with pytest.raises(SpecError, match="there must be a target for each of the 6 sources, not 1"):
        next(_rows(loaded, ["w1"], "cross"))
    with pytest.raises(SpecError, match="must be without fixed patterns, .* not 1001:positions=fixed"):
        next(_rows(loaded, ["w1"] * 6, "cross", "self"))
    with pytest.raises(SpecError, match="sentence 6: the target must not have the subword <pad>"):
        next(_rows(loaded, ["w1"] * 5 + ["<pad>"], "cross"))


def test_translations_are_those_of_single_sentences_in_their_order_whatever_the_company(
    saved: Save, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A translation may have as many subwords as its own source and some more: not those of the longest beside it."""
    monkeypatch.setitem(translation.SEARCH, "max_len_b", 3)
    loaded = load(saved("nmt_attn_tiny"), double=True)
    wanted = []
    for source in SOURCES:
        number = loaded.pair(source, "").source
        generator = SequenceGenerator([loaded.model], toy.dictionary(), **translation.SEARCH)
        best = generator.generate([loaded.model], toy.batch([number], [number]))[0][0]["tokens"]
        wanted.append(toy.dictionary().string(best))
    assert len({len(text.split()) for text in wanted}) > 2
    assert loaded.translations(SOURCES) == wanted
    assert loaded.translations(SOURCES[::-1]) == wanted[::-1]
    monkeypatch.setattr(translation, "TOKENS", 7)  # less than two of the longest
    assert loaded.translations(SOURCES) == wanted
    assert loaded.translations([]) == []


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in PRESETS if name.startswith("nmt_attn_tiny")])
def test_every_architecture_can_be_looked_into(name: str, saved: Save) -> None:
    loaded = load(saved(name), double=True)
    pairs = list(loaded.pairs(SOURCES, SOURCES[::-1]))
    means = loaded.mean_queries(pairs)
    records = [loaded.read(pair, means) for pair in pairs]
    specs = [getattr(layer, "self_attn").spec for layer in loaded.model.encoder.layers]  # noqa: B009
    assert [record.sites[0].mixer for record in records] == [specs[0].text] * len(SOURCES)
    heads, shares = head_facts(records), contributions(loaded, pairs, resamples=10)
    assert {fact.site for fact in heads} >= ({Site.CROSS} if isinstance(specs[0], ConvolutionSpec) else set(Site))
    terms = {(share.site, share.layer, share.term) for share in shares if share.head is None}
    assert terms <= {
        (site.site, site.layer, term) for record in records for site in record.sites for term in site.terms
    }
    sample = toy.batch([pair.source for pair in pairs], [pair.target for pair in pairs])["net_input"]
    with torch.no_grad():
        whole = loaded.model(**sample)[0]
        for group in ("cross", "decoder self" if name.endswith("_fixed") else "self"):
            for term in terms_of(loaded.model, GROUPS[group])[:1]:
                with knocked_out(loaded.model, GROUPS[group], term, Replacement.MEAN, means):
                    assert (loaded.model(**sample)[0] - whole).abs().max() > 1e-6
                assert torch.equal(loaded.model(**sample)[0], whole)
