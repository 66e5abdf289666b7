"""A term is taken out: what is left computes what the formula says, and a model is whole again afterwards."""

import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from nmt_attn.attention import GeneralizedAttention
from nmt_attn.attention.explained import explain, query_vectors
from nmt_attn.attention.paths.call import Products
from nmt_attn.inspection.knockout import FIELDS, Replacement, knocked_out, terms_of, without
from nmt_attn.inspection.loading import Loaded, load
from nmt_attn.inspection.places import Place, attention_of, mixers_of
from nmt_attn.models import checkpoints
from nmt_attn.models.record import RECORD
from nmt_attn.spec import ALL_CODES, Positions, Site, SpecError
from tests.attention import pattern_cases
from tests.attention.cases import (
    PADDINGS,
    SITES,
    defined_rows,
    error,
    generator,
    make_inputs,
    make_mixer,
    make_padding,
    site_name,
)
from tests.models import toy

Save = Callable[..., Path]
NAMES = tuple(FIELDS)
SELF = (Site.ENCODER_SELF, Site.DECODER_SELF)
FIFTH = [case for case in pattern_cases.FIFTH_CASES if case.code in ("1100", "0011", "1111")]
PATTERNS = [*(case for case in pattern_cases.CASES if case.kind is not Positions.FIXED), *FIFTH]
ENCODER = toy.ENCODER.replace("fixed,", "")  # 13 layers, as the decoder
EVERY_MIXER = (
    *("--encoder-layers", "13", "--enc-self-attn-mixer", ENCODER),
    *("--decoder-layers", "13", "--dec-self-attn-mixer", toy.DECODER),
)


def _terms(mixer: GeneralizedAttention) -> list[str]:
    return [name for name, field in FIELDS.items() if getattr(mixer.spec.terms, field)]


def _mean(mixer: GeneralizedAttention, seed: int = 5) -> Tensor | None:
    """A mean query for a site that has U."""
    if not mixer.spec.terms.use_query:
        return None
    return torch.randn(mixer.spec.heads, mixer.spec.head_size, dtype=torch.float64, generator=generator(seed))


def _code_left(code: str, term: str, moved: bool) -> str:
    """The code of what is left: with the mean moved E1 becomes E3, and E2 becomes E4, which else stay as the mean."""
    digits = dict(zip(NAMES, code, strict=True))
    moving, still = ("E1", "E3") if term in ("E1", "E3") else ("E2", "E4")
    if moved and digits[moving] == "1":
        digits |= {still: "1"}
        return "".join((digits | {moving: "0"} if term == moving else digits).values())
    return "".join((digits | {term: "0"}).values())


def _check(mixer: GeneralizedAttention, term: str, mean: Tensor | None, paddings: tuple[str, ...] = PADDINGS) -> None:
    """The result computes the other terms, as trained or with the mean moved, as a model of its code does."""
    before = {name: value.clone() for name, value in mixer.state_dict().items()}
    has_vectors = mixer.spec.positions.are_vectors  # else E4 is called a pattern
    left = without(mixer, term, mean)
    spec = left.spec
    assert spec.terms.code == _code_left(mixer.spec.terms.code, term, mean is not None)
    fresh = GeneralizedAttention(spec).double().eval()
    fresh.load_state_dict(left.state_dict())
    for kind in paddings:
        query, memory = make_inputs(spec.site, 3, 5, 7)
        padding = make_padding(kind, 3, 7)
        whole = explain(mixer, query, memory, padding, mean)
        shown = "pattern" if term == "E4" and not has_vectors else term
        wanted = sum((value for name, value in whole.terms.items() if name != shown), torch.zeros_like(whole.weights))
        actual = explain(left, query, memory, padding)
        logits = sum(actual.terms.values(), torch.zeros_like(whole.weights))
        assert torch.equal(actual.visible, whole.visible)
        assert error(logits.where(whole.visible, 0), wanted.where(whole.visible, 0)) < 1e-13
        output, weights = left(query, memory, padding, need_weights=True)
        rows = defined_rows(spec.site, padding, weights)
        odds = wanted.exp() * whole.visible
        odds = odds / odds.sum(dim=-1, keepdim=True).clamp(min=1e-300)
        assert error(weights.transpose(1, 2)[rows], odds.transpose(1, 2)[rows]) < 1e-13
        assert torch.equal(output, fresh(query, memory, padding, need_weights=True)[0])
    assert all(torch.equal(value, mixer.state_dict()[name]) for name, value in before.items())


@pytest.mark.parametrize("site", SITES, ids=site_name)
@pytest.mark.parametrize("code", ALL_CODES[1:])
def test_without_a_term_the_other_terms_are_left(code: str, site: Site) -> None:
    options: list[dict[str, int]] = [{}, {"window": 2, "max_distance": 2, "position_size": 6}]
    for option in options:
        mixer = make_mixer(code, site, **option)
        for term in _terms(mixer):
            _check(mixer, term, None)
            if mixer.spec.terms.use_query:
                _check(mixer, term, _mean(mixer))


@pytest.mark.parametrize("case", PATTERNS, ids=str)
def test_so_it_is_in_other_mixers(case: pattern_cases.Case) -> None:
    limit = {} if case.kind is Positions.SINUSOID else {"max_distance": pattern_cases.LIMITED[case.kind]}
    for option in ({}, {"window": 2, **limit}):
        mixer = pattern_cases.make(case, **option)
        for term, mean in itertools.product(_terms(mixer), {None, _mean(mixer)}):
            _check(mixer, term, mean, PADDINGS[:2])


def test_memories_of_another_width_are_read_on() -> None:
    mixer = make_mixer("1111", Site.CROSS, key_dim=5)
    left = without(mixer, "E1", _mean(mixer))
    query, memory = make_inputs(Site.CROSS, 2, 4, 6, key_dim=5)
    terms = explain(mixer, query, memory, None, _mean(mixer)).terms
    assert error(explain(left, query, memory).terms["E3"], terms["E3"]) < 1e-14


@pytest.mark.parametrize("site", SITES, ids=site_name)
def test_comparing_contents_leaves_its_mean_behind_as_key_content(site: Site) -> None:
    mixer = make_mixer("1000", site)
    mean = _mean(mixer)
    left = without(mixer, "E1", mean)
    assert left.spec.terms.code == "0010"
    assert mean is not None
    assert torch.equal(left.key_saliency, mean)
    assert torch.equal(left.key_projection.weight, mixer.key_projection.weight)
    assert left.query_projection is None
    assert without(mixer, "E1").spec.terms.code == "0000"


@pytest.mark.parametrize("site", SITES, ids=site_name)
@pytest.mark.parametrize("code", ["1010", "0101", "1111"])
def test_a_constant_that_training_left_elsewhere_counts_for_zero_but_not_for_the_mean(code: str, site: Site) -> None:
    """U z + c is what U with one more input gives, which is c of a channel that is 1 everywhere."""
    constant = torch.randn(3, 4, dtype=torch.float64, generator=generator(9))
    query, memory = make_inputs(site, 2, 5, 7)
    query[..., 0] = 1.0
    mixer, other = make_mixer(code, site), make_mixer(code, site)
    with torch.no_grad():
        other.query_projection.weight[:, 0] += constant.flatten()
        for vectors in (other.key_saliency, other.position_bias):
            if vectors is not None:
                vectors -= constant

    def weights(each: GeneralizedAttention) -> Tensor:
        found = each(query, memory, need_weights=True)[1]
        assert found is not None
        return found

    def mean(each: GeneralizedAttention) -> Tensor:
        vectors = query_vectors(each, query)
        assert vectors is not None
        return vectors.mean(dim=(0, 2))

    assert error(weights(other), weights(mixer)) < 1e-13
    for term in _terms(mixer):
        with_means = [weights(without(each, term, mean(each))) for each in (mixer, other)]
        assert error(*with_means) < 1e-13
        assert error(*(weights(without(each, term)) for each in (mixer, other))) > 1e-3


def test_mode_products_dropout_and_number_type_are_those_of_the_site() -> None:
    mine = Products(matmul=lambda a, b: a @ b)
    mixer = make_mixer("1111", Site.CROSS, dropout=0.5, dtype=torch.float32)
    mixer.products = mine
    for training in (True, False):
        left = without(mixer.train(training), "E2")
        assert left.training is training
        assert all(module.training is training for module in left.modules())
    assert left.products is mine
    assert left.spec.dropout == 0.5
    assert {parameter.dtype for parameter in left.parameters()} == {torch.float32}
    assert not {id(parameter) for parameter in left.parameters()} & {id(parameter) for parameter in mixer.parameters()}


@pytest.mark.parametrize(("code", "term"), [("0111", "E1"), ("1011", "E2"), ("1101", "E3"), ("1110", "E4")])
def test_a_term_that_is_not_there_is_refused(code: str, term: str) -> None:
    with pytest.raises(SpecError, match=f"the term to take out must be one of code {code}, not {term}"):
        without(make_mixer(code, Site.CROSS), term)
    with pytest.raises(SpecError, match=f"the term to take out must be one of code {code}, not pattern"):
        without(make_mixer(code, Site.CROSS), "pattern")


def test_a_mean_query_of_another_shape_is_refused() -> None:
    with pytest.raises(SpecError, match=r"the mean query of 1111 must be \(3, 4\), not \(4,\)"):
        without(make_mixer("1111", Site.CROSS), "E1", torch.zeros(4))


def test_fixed_patterns_are_refused() -> None:
    message = "must be without fixed patterns, .* not 1001:positions=fixed: name other sites"
    mixer = make_mixer("1001", Site.ENCODER_SELF, dim=18, heads=9, positions=Positions.FIXED)
    with pytest.raises(SpecError, match=message):
        without(mixer, "E1")
    model = toy.build("nmt_attn_tiny_fixed")
    with pytest.raises(SpecError, match=message):
        terms_of(model, SELF)
    with pytest.raises(SpecError, match=message), knocked_out(model, SELF, "E1", Replacement.ZERO, {}):
        pass
    assert terms_of(model, [Site.DECODER_SELF]) == list(NAMES)


# Models


@pytest.fixture(scope="module")
def model() -> Any:
    """A mixer of each kind in encoder and decoder, codes in cross attention; random parameters, float64."""
    built = toy.build("nmt_attn_tiny", *EVERY_MIXER, "--cross-attn-mixer", ",".join([*ALL_CODES[3:], "deberta"][1:]))
    torch.manual_seed(4)
    for parameter in built.parameters():
        parameter.data += 0.2 * torch.randn_like(parameter)
    return built.double()


@pytest.fixture(scope="module")
def means(model: Any) -> dict[Place, Tensor]:
    """A mean query, not 0, for each place that has U."""
    return {
        place: mean
        for place, (layer, name) in mixers_of(model).items()
        if (attention := attention_of(getattr(layer, name))) is not None
        and (mean := _mean(attention, place[1])) is not None
    }


def _attentions(model: Any) -> dict[Place, nn.Module]:
    """Of each place its attention, of a chain the inner one, or the whole convolution."""
    found = {place: getattr(layer, name) for place, (layer, name) in mixers_of(model).items()}
    return {place: attention_of(mixer) or mixer for place, mixer in found.items()}


def _logits(model: Any) -> Tensor:
    with torch.no_grad():
        logits: Tensor = model(**toy.batch(toy.sentences(3, 6), toy.sentences(3, 5, seed=4))["net_input"])[0]
    return logits


@pytest.mark.parametrize("replacement", list(Replacement), ids=lambda each: each.value)
@pytest.mark.parametrize("term", NAMES)
@pytest.mark.parametrize("sites", [SELF, (Site.ENCODER_SELF,), (Site.CROSS,)], ids=["self", "encoder", "cross"])
def test_layers_with_the_term_lose_it_at_the_named_sites_and_all_others_stay(
    model: Any, means: dict[Place, Tensor], sites: tuple[Site, ...], term: str, replacement: Replacement
) -> None:
    before, outside, logits = _attentions(model), set(map(id, model.modules())), _logits(model)
    with knocked_out(model, sites, term, replacement, means):
        changed = 0
        for place, mixer in _attentions(model).items():
            whole = before[place]
            has = isinstance(whole, GeneralizedAttention) and term in _terms(whole)
            assert (mixer is not whole) == (place[0] in sites and has)
            if mixer is not whole:
                assert isinstance(whole, GeneralizedAttention)
                wanted = without(whole, term, means.get(place) if replacement is Replacement.MEAN else None)
                assert isinstance(mixer, GeneralizedAttention)
                assert mixer.spec == wanted.spec
                assert all(map(torch.equal, mixer.parameters(), wanted.parameters()))
                changed += 1
        assert changed > 1
        assert not any(module.training for module in model.modules())
        assert error(_logits(model), logits) > 1e-6
    assert set(map(id, model.modules())) == outside
    assert _attentions(model) == before
    assert torch.equal(_logits(model), logits)


def test_the_attention_of_a_chain_loses_its_term_and_its_convolution_stays(model: Any) -> None:
    chain = model.encoder.layers[4].self_attn
    assert chain.spec.text == "deform:kernel=3+0010"
    then = chain.then
    with knocked_out(model, [Site.ENCODER_SELF], "E3", Replacement.ZERO, {}):
        assert model.encoder.layers[4].self_attn is chain
        assert chain.then.spec.terms.code == "0000"
    assert chain.then is then


def test_the_model_is_the_same_again_after_an_error(model: Any) -> None:
    before = _attentions(model)
    with pytest.raises(ZeroDivisionError), knocked_out(model, SITES, "E4", Replacement.ZERO, {}):
        raise ZeroDivisionError
    assert _attentions(model) == before


def test_terms_are_those_of_any_layer_at_the_sites() -> None:
    model = toy.build("nmt_attn_tiny", "--enc-self-attn-mixer", "0010,conv", "--dec-self-attn-mixer", "alibi,light")
    assert terms_of(model, [Site.ENCODER_SELF]) == ["E3"]
    assert terms_of(model, [Site.DECODER_SELF]) == ["E1", "E4"]
    assert terms_of(model, SELF) == ["E1", "E3", "E4"]
    assert terms_of(model, [Site.CROSS]) == list(NAMES)
    assert terms_of(toy.build("nmt_attn_tiny_light"), SELF) == []
    assert terms_of(model, []) == []


def test_a_term_that_no_layer_has_and_means_that_are_missing_are_refused() -> None:
    model = toy.build("nmt_attn_tiny_self0010")
    for term in ("E1", "pattern"):
        message = f"must be one that encoder self and decoder self attention has, not {term}"
        with pytest.raises(SpecError, match=message), knocked_out(model, SELF, term, Replacement.ZERO, {}):
            pass
    message = "mean queries must be those of this model, not without cross attention, layer 1"
    with pytest.raises(SpecError, match=message), knocked_out(model, [Site.CROSS], "E1", Replacement.MEAN, {}):
        pass
    with knocked_out(model, SELF, "E3", Replacement.MEAN, {}):  # without U there is none
        assert terms_of(model, SELF) == []


def _loss(loaded: Loaded) -> Tensor:
    sample = toy.batch(toy.sentences(5, 6), toy.sentences(5, 5, seed=4))
    with torch.no_grad():
        logits = loaded.model(**sample["net_input"])[0]
    padding = loaded.target_dictionary.pad()
    return nn.functional.cross_entropy(logits.flatten(0, 1), sample["target"].flatten(), ignore_index=padding)


@pytest.mark.parametrize(
    ("arch", "sites", "term", "replacement", "reduced"),
    [
        ("nmt_attn_tiny", SELF, "E1", Replacement.ZERO, "nmt_attn_tiny_self0111"),
        ("nmt_attn_tiny_cross1000", (Site.CROSS,), "E1", Replacement.MEAN, "nmt_attn_tiny_cross0010"),
        ("nmt_attn_tiny_deform_self0010", SELF, "E3", Replacement.ZERO, "nmt_attn_tiny_deform_self0000"),
    ],
    ids=["self", "cross", "chain"],
)
def test_the_loss_is_that_of_a_model_of_the_other_code_with_the_parameters_that_are_left(
    saved: Save, arch: str, sites: tuple[Site, ...], term: str, replacement: Replacement, reduced: str
) -> None:
    whole = load(saved(arch))
    means = whole.mean_queries(list(whole.pairs(["w1 w2 w3", "w4 w5"], ["w6 w7", "w8"])))
    with knocked_out(whole.model, sites, term, replacement, means):
        loss, parameters = _loss(whole), whole.model.state_dict()
    path = saved(reduced)
    state = checkpoints.load(path)
    records = {name: value for name, value in state["model"].items() if name.endswith(RECORD)}
    assert state["model"].keys() == parameters.keys() | records.keys()
    torch.save({**state, "model": {**parameters, **records}}, path)
    assert torch.equal(_loss(load(path)), loss)
    assert abs(_loss(whole) - loss) > 1e-6
