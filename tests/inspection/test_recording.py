"""Records of what the sites of a model compute: those of the model's own calls, at every site, of every mixer."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from nmt_attn.attention import DeformableThenAttention, GeneralizedAttention, Mixer
from nmt_attn.attention.explained import explain, query_vectors
from nmt_attn.inspection.facts import SiteRecord
from nmt_attn.inspection.recording import mean_queries, record_sites
from nmt_attn.spec import Site
from tests.models import toy

SOURCE, TARGET = torch.tensor([7, 5, 9, 5, 21, 2]), torch.tensor([11, 4, 6, 19, 2])
CROSS = ("--cross-attn-mixer", "1111,0111,0010,0000,deberta" + 8 * ",1010")


@pytest.fixture(scope="module")
def model() -> Any:
    """A mixer of each kind at each site where it can be."""
    model = toy.build("nmt_attn_tiny", *toy.EVERY_MIXER, *CROSS, seed=6).double()
    for name, parameter in model.named_parameters():
        if "offset_projection" in name:  # zero before training
            torch.nn.init.normal_(parameter, std=0.3)
    return model


@pytest.fixture(scope="module")
def records(model: Any) -> tuple[SiteRecord, ...]:
    return record_sites(model, SOURCE, TARGET)


def _own_weights(model: Any) -> dict[tuple[Site, int], Tensor]:
    """Weights that the mixers themselves give to their inputs, by hooks that see them after the call."""
    found: dict[tuple[Site, int], Tensor] = {}

    def listen(mixer: Mixer, site: Site, layer: int) -> Any:
        def hook(module: Mixer, inputs: tuple[Any, ...], output: Any) -> None:
            if (site, layer) not in found:
                found[site, layer] = torch.empty(0)  # for the call in the next line
                found[site, layer] = module(*inputs[:3], need_weights=True)[1]

        return mixer.register_forward_hook(hook)

    handles = [listen(layer.self_attn, Site.ENCODER_SELF, n) for n, layer in enumerate(model.encoder.layers, 1)]
    handles += [listen(layer.self_attn, Site.DECODER_SELF, n) for n, layer in enumerate(model.decoder.layers, 1)]
    handles += [listen(layer.encoder_attn, Site.CROSS, n) for n, layer in enumerate(model.decoder.layers, 1)]
    with torch.no_grad():
        model(**toy.batch([SOURCE], [TARGET])["net_input"])
    for handle in handles:
        handle.remove()
    return found


def test_the_weights_are_those_of_the_models_own_calls(model: Any, records: tuple[SiteRecord, ...]) -> None:
    wanted = _own_weights(model)
    layers = {Site.ENCODER_SELF: 14, Site.DECODER_SELF: 13, Site.CROSS: 13}
    places = [(site, layer) for site, count in layers.items() for layer in range(1, count + 1)]
    assert [(record.site, record.layer) for record in records] == places
    for record in records:
        assert record.weights.dtype == np.float64
        assert np.abs(record.weights - wanted[record.site, record.layer][0].numpy()).max() < 1e-13


def test_mixers_are_named_as_in_flags(records: tuple[SiteRecord, ...]) -> None:
    names = [record.mixer for record in records if record.site is Site.ENCODER_SELF]
    assert names == [
        *("conv:kernel=3", "deform:kernel=3", "light:kernel=15", "dynamic:kernel=31", "deform:kernel=3+0010"),
        *("0001:positions=gaussian", "1001:positions=fixed", "0001:positions=synthesizer", "1001:positions=alibi"),
        *("1001:positions=t5", "1100:positions=shaw", "1100:key-position", "0000", "1111:window=2"),
    ]
    assert [record.mixer for record in records if record.site is Site.CROSS][:4] == ["1111", "0111", "0010", "0000"]


def test_terms_are_what_the_softmax_sees_and_hidden_keys_have_no_weight(records: tuple[SiteRecord, ...]) -> None:
    for record in records:
        visible = np.broadcast_to(record.visible, record.weights.shape)
        assert record.visible.ndim == (3 if record.mixer == "1001:positions=fixed" else 2)
        assert not record.weights[~visible].any()
        if "conv" in record.mixer or record.mixer.startswith(("light", "dynamic")) or record.mixer == "deform:kernel=3":
            assert record.terms == {}
            continue
        odds = np.exp(sum(record.terms.values(), np.zeros(visible.shape))) * visible
        total = odds.sum(axis=-1, keepdims=True)
        assert np.abs(record.weights - odds / np.where(total, total, 1.0)).max() < 1e-13


def test_terms_are_named_by_what_they_are(records: tuple[SiteRecord, ...]) -> None:
    names = {(record.site, record.mixer): tuple(record.terms) for record in records}
    assert names[Site.CROSS, "1111"] == ("E1", "E2", "E3", "E4")
    assert names[Site.CROSS, "0111"] == ("E2", "E3", "E4")
    assert names[Site.CROSS, "0000"] == ()
    assert names[Site.CROSS, "1100:key-position"] == ("E1", "E2", "pattern")
    assert names[Site.DECODER_SELF, "1001:positions=alibi"] == ("E1", "pattern")
    assert names[Site.ENCODER_SELF, "1100:positions=shaw"] == ("E1", "E2")
    assert names[Site.ENCODER_SELF, "deform:kernel=3+0010"] == ("E3",)


def test_a_convolution_shows_the_keys_that_its_taps_reach(records: tuple[SiteRecord, ...]) -> None:
    by_name = {(record.site, record.mixer): record for record in records}
    tokens = len(TARGET)
    places = np.arange(tokens)
    offsets = places - places[:, None]
    conv = by_name[Site.DECODER_SELF, "conv:kernel=3"]
    assert conv.weights.shape == (3, tokens, tokens)
    assert (conv.visible == ((offsets <= 0) & (offsets >= -2))).all()
    assert (by_name[Site.DECODER_SELF, "deform:kernel=3"].visible == (offsets <= 0)).all()
    assert by_name[Site.ENCODER_SELF, "deform:kernel=3"].visible.all()
    assert by_name[Site.DECODER_SELF, "dynamic:kernel=31"].weights.shape[0] == 2


def test_a_window_limits_what_convolutions_reach() -> None:
    model = toy.build("nmt_attn_tiny", "--self-attn-mixer", "deform,light:kernel=7", "--attn-window", "1")
    records = record_sites(model, SOURCE, TARGET)
    offsets = np.arange(len(SOURCE)) - np.arange(len(SOURCE))[:, None]
    for record in records[:2]:
        assert (record.visible == (abs(offsets) <= 1)).all()
        assert not record.weights[:, ~record.visible].any()


def test_recording_leaves_no_hook_and_no_gradient_behind(model: Any, records: tuple[SiteRecord, ...]) -> None:
    mixers = [module for module in model.modules() if isinstance(module, Mixer)]
    assert len(mixers) > 40
    assert not any(mixer._forward_pre_hooks for mixer in mixers)
    assert not any(parameter.grad is not None for parameter in model.parameters())


def test_the_hooks_go_when_the_model_fails_too() -> None:
    model = toy.build("nmt_attn_tiny")
    with pytest.raises(IndexError):
        record_sites(model, torch.tensor([999]), TARGET)
    assert not any(module._forward_pre_hooks for module in model.modules())


def test_the_mean_query_is_that_of_all_queries_of_all_sentences(model: Any) -> None:
    pairs = list(zip(toy.sentences(3, 6), toy.sentences(3, 5, seed=4), strict=True))
    means = mean_queries(model, pairs)
    queries: dict[tuple[Site, int], list[Tensor]] = {}

    def listen(mixer: GeneralizedAttention, *place: Any) -> Any:
        def hook(module: GeneralizedAttention, inputs: tuple[Any, ...]) -> None:
            vectors = query_vectors(module, inputs[0])
            if vectors is not None:
                queries.setdefault(place, []).append(vectors[0])  # (h, t, d)

        return mixer.register_forward_pre_hook(hook)

    handles = []
    for site, layers in ((Site.ENCODER_SELF, model.encoder.layers), (Site.DECODER_SELF, model.decoder.layers)):
        for number, layer in enumerate(layers, 1):
            if isinstance(layer.self_attn, GeneralizedAttention):
                handles.append(listen(layer.self_attn, site, number))
            if site is Site.DECODER_SELF:
                handles.append(listen(layer.encoder_attn, Site.CROSS, number))
    with torch.no_grad():
        for source, target in pairs:
            model(**toy.batch([source], [target])["net_input"])
    for handle in handles:
        handle.remove()
    assert set(means) == set(queries)
    for place, vectors in queries.items():
        torch.testing.assert_close(means[place], torch.cat(vectors, dim=1).mean(dim=1), rtol=0, atol=1e-14)


def test_a_chain_has_a_mean_query_of_its_attention() -> None:
    model = toy.build("nmt_attn_tiny", "--enc-self-attn-mixer", "deform+1000,deform")
    means = mean_queries(model, [(SOURCE, TARGET)])
    assert isinstance(model.encoder.layers[0].self_attn, DeformableThenAttention)
    assert {place for place in means if place[0] is Site.ENCODER_SELF} == {(Site.ENCODER_SELF, 1)}
    assert means[Site.ENCODER_SELF, 1].shape == (2, 8)


def test_mean_queries_are_moved_between_the_terms_and_the_weights_stay(
    model: Any, records: tuple[SiteRecord, ...]
) -> None:
    moved = record_sites(model, SOURCE, TARGET, mean_queries(model, [(SOURCE, TARGET)]))
    for before, after in zip(records, moved, strict=True):
        assert np.abs(before.weights - after.weights).max() < 1e-13
    names = {(record.site, record.mixer): tuple(record.terms) for record in moved}
    assert names[Site.CROSS, "1010"] == ("E1", "E3")
    assert names[Site.CROSS, "0111"] == ("E2", "E3", "E4")
    assert names[Site.CROSS, "0010"] == ("E3",)
    assert names[Site.CROSS, "1100:key-position"] == ("E1", "E2", "E3", "E4", "pattern")
    assert names[Site.DECODER_SELF, "1001:positions=alibi"] == ("E1", "E3", "pattern")


def test_what_is_recorded_is_the_explanation_of_the_layers_input(model: Any) -> None:
    """Of the first encoder layer with 1111, whose input is the embedding of the source."""
    small = toy.build("nmt_attn_tiny").double()
    with torch.no_grad():
        embedded = small.encoder.forward_embedding(SOURCE[None])[0]
        explained = explain(small.encoder.layers[0].self_attn, embedded, embedded)
    record = record_sites(small, SOURCE, TARGET)[0]
    for name, term in explained.terms.items():
        assert np.abs(record.terms[name] - term[0].numpy()).max() < 1e-14
