"""Invariance: dropout hides weights of the mixing, each by itself, and only in training."""

import pytest
import torch

from nmt_attn.spec import ALL_CODES, Site

from .cases import SITES, error, generator, make_inputs, make_mixer, make_padding, site_name

RATE = 0.3


@pytest.fixture(autouse=True)
def fixed_seed():
    state = torch.get_rng_state()
    torch.manual_seed(5)
    yield
    torch.set_rng_state(state)


def transparent_mixer(code, site):
    """The output of head m shows, in its channel k, the weight that key k was mixed with (four keys)."""
    mixer = make_mixer(code, site, dropout=RATE).train()
    with torch.no_grad():
        mixer.output_projection.weight.copy_(torch.eye(12))
        mixer.output_projection.bias.zero_()
        mixer.value_projection.weight.zero_()
        for head in range(3):
            for key in range(4):
                mixer.value_projection.weight[head * 4 + key, key] = 1.0
    return mixer


def mixed_weights(mixer, batch, need_weights):
    """Weights after dropout and before it (b, h, t, s), each row of the batch the same sentence."""
    memory = torch.eye(4, 12, dtype=torch.float64).expand(batch, -1, -1).contiguous()
    query = memory
    if not mixer.spec.site.is_self:
        query = torch.randn(1, 4, 12, dtype=torch.float64, generator=generator(3)).expand(batch, -1, -1)
    output, weights = mixer(query, memory, need_weights=need_weights)
    before = mixer.eval()(query[:1], memory[:1], need_weights=True)[1]
    mixer.train()
    if need_weights:
        assert error(weights, before.expand_as(weights)) <= 1e-12, "weights are shown before dropout"
    return output.detach().unflatten(-1, (3, 4)).transpose(1, 2), before[0].detach()


@pytest.mark.parametrize("need_weights", [False, True])
@pytest.mark.parametrize("site", SITES, ids=site_name)
@pytest.mark.parametrize("code", ["0000", "0010", "0001", "0011", "1000", "1111"])
def test_every_pair_of_every_head_is_dropped_by_itself(code, site, need_weights):
    batch = 3000
    after, before = mixed_weights(transparent_mixer(code, site), batch, need_weights)
    kept = after != 0
    seen = before > 0
    assert error(torch.where(kept, after, 0.0), kept * before / (1 - RATE)) <= 1e-12
    assert not kept[:, ~seen].any()
    masks = kept[:, seen].double()  # (b, pairs of h, t and s that see each other)
    spread = (RATE * (1 - RATE) / batch) ** 0.5
    assert (masks.mean(0) - (1 - RATE)).abs().max() <= 5 * spread
    correlation = torch.corrcoef(masks.T)
    correlation.fill_diagonal_(0.0)
    assert correlation.abs().max() <= 6 / batch**0.5
    of_rows = torch.corrcoef(masks[:60])
    of_rows.fill_diagonal_(0.0)
    assert of_rows.abs().mean() <= 2 / masks.shape[1] ** 0.5, "each sentence of the batch has its own mask"


@pytest.mark.parametrize("need_weights", [False, True])
@pytest.mark.parametrize("site", SITES, ids=site_name)
@pytest.mark.parametrize("code", ALL_CODES)
def test_dropout_keeps_the_expected_output(code, site, need_weights):
    batch = 1500
    mixer = make_mixer(code, site, dropout=RATE)
    query, memory = make_inputs(site, 1, 4, 5)
    padding = make_padding("right", 1, memory.shape[1], (1,))
    wanted, wanted_weights = mixer(query, memory, padding=padding, need_weights=True)
    many_x = memory.expand(batch, -1, -1).contiguous()
    many_z = many_x if site.is_self else query.expand(batch, -1, -1)
    many = padding.expand(batch, -1)
    output, weights = mixer.train()(many_z, many_x, padding=many, need_weights=need_weights)
    rows = ~padding[0] if site.is_self else torch.ones(4, dtype=torch.bool)
    deviation = output.std(0)[rows]
    assert deviation.max() > 0.01
    assert ((output.mean(0) - wanted[0])[rows].abs() <= 6 * deviation / batch**0.5 + 1e-9).all()
    if need_weights:
        difference = (weights - wanted_weights)[:, :, rows]
        assert difference.abs().max() <= 1e-12


@pytest.mark.parametrize("site", SITES, ids=site_name)
@pytest.mark.parametrize("code", ALL_CODES)
def test_evaluation_ignores_dropout(code, site):
    query, memory = make_inputs(site, 2, 5, 7)
    mixer, plain = make_mixer(code, site, dropout=0.9), make_mixer(code, site)
    first, second = mixer(query, memory)[0], mixer(query, memory)[0]
    assert torch.equal(first, second)
    assert torch.equal(first, plain(query, memory)[0])
    assert torch.equal(plain.train()(query, memory)[0], first)
    assert error(mixer.train()(query, memory)[0], first) > 1e-3


def test_dropout_depends_on_the_seed_only():
    mixer = make_mixer("1111", Site.CROSS, dropout=RATE).train()
    query, memory = make_inputs(Site.CROSS, 2, 5, 7)
    outputs = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        outputs.append(mixer(query, memory)[0])
    assert torch.equal(outputs[0], outputs[1])
    assert not torch.equal(outputs[0], outputs[2])
