"""Equation: each digit switches its own term, nothing else, and what is off is absent."""

import pytest
import torch

from nmt_attn.spec import ALL_CODES, Site

from .cases import POSITION_CODES, SITES, error, make_inputs, make_mixer, make_padding, site_name

OWNED = {
    "query_projection.weight": (0, 1),
    "key_projection.weight": (0, 2),
    "position_projection.weight": (1, 3),
    "key_saliency": (2,),
    "position_bias": (3,),
}
ALWAYS = {"value_projection.weight", "output_projection.weight", "output_projection.bias"}


def single_terms(code: str) -> list[str]:
    return ["".join("1" if i == digit else "0" for i in range(4)) for digit in range(4) if code[digit] == "1"]


def centred_logits(mixer, query, memory, padding):
    """Logits up to a constant a row, taken back from the weights; zero where a key is hidden."""
    _, weights = mixer(query, memory, padding=padding, need_weights=True)
    visible = weights > 0
    logits = torch.where(visible, weights, 1.0).log()
    mean = logits.sum(-1, keepdim=True) / visible.sum(-1, keepdim=True).clamp(min=1)
    return torch.where(visible, logits - mean, 0.0)


@pytest.mark.parametrize("site", SITES, ids=site_name)
@pytest.mark.parametrize("code", ALL_CODES)
def test_a_mixer_owns_exactly_the_parameters_of_its_terms(code, site):
    key_dim = 12 if site.is_self else 7
    shapes = {
        "query_projection.weight": (12, 12),
        "key_projection.weight": (12, key_dim),
        "position_projection.weight": (12, 12),
        "key_saliency": (3, 4),
        "position_bias": (3, 4),
        "value_projection.weight": (12, key_dim),
        "output_projection.weight": (12, 12),
        "output_projection.bias": (12,),
    }
    wanted = ALWAYS | {name for name, digits in OWNED.items() if any(code[digit] == "1" for digit in digits)}
    mixer = make_mixer(code, site, key_dim=key_dim)
    found = {name: tuple(value.shape) for name, value in mixer.named_parameters()}
    assert found == {name: shapes[name] for name in wanted}
    assert all(value.requires_grad for value in mixer.parameters())


@pytest.mark.parametrize("site", SITES, ids=site_name)
@pytest.mark.parametrize("code", ALL_CODES)
def test_a_saved_mixer_holds_its_parameters_and_loads_back(code, site):
    mixer, other = make_mixer(code, site), make_mixer(code, site, seed=77)
    saved = mixer.state_dict()
    assert set(saved) == {name for name, _ in mixer.named_parameters()}
    other.load_state_dict(saved)
    query, memory = make_inputs(site, 2, 5, 7)
    assert torch.equal(other(query, memory)[0], mixer(query, memory)[0])


@pytest.mark.parametrize("site", SITES, ids=site_name)
@pytest.mark.parametrize("code", ALL_CODES)
def test_logits_are_the_sum_of_the_logits_of_the_single_terms(code, site):
    query, memory = make_inputs(site, 2, 5, 7)
    padding = make_padding("left", 2, memory.shape[1], (2, 0))
    whole = centred_logits(make_mixer(code, site), query, memory, padding)
    parts = [centred_logits(make_mixer(part, site), query, memory, padding) for part in single_terms(code)]
    assert all(part.abs().max() > 0.1 for part in parts), "every term must matter in this test"
    assert error(whole, sum(parts, torch.zeros_like(whole))) <= 1e-10


@pytest.mark.parametrize("site", SITES, ids=site_name)
@pytest.mark.parametrize("code", ["1000", "0100", "1100"])
def test_without_query_content_the_query_terms_are_zero(code, site):
    mixer = make_mixer(code, site)
    with torch.no_grad():
        mixer.query_projection.weight.zero_()
    query, memory = make_inputs(site, 2, 5, 7)
    _, weights = mixer(query, memory, need_weights=True)
    visible = weights > 0
    even = visible.double() / visible.sum(-1, keepdim=True)
    assert error(weights, even) <= 1e-15
    wanted = make_mixer("0000", site)(query, memory, need_weights=True)[1]
    assert error(weights, wanted) <= 1e-15


@pytest.mark.parametrize("site", SITES, ids=site_name)
@pytest.mark.parametrize("code", ["1011", "0111", "1111", "1110", "1101"])
def test_without_query_content_the_terms_of_key_and_position_are_left(code, site):
    mixer, rest = make_mixer(code, site), make_mixer("00" + code[2:], site)
    with torch.no_grad():
        mixer.query_projection.weight.zero_()
    query, memory = make_inputs(site, 2, 5, 7)
    assert error(mixer(query, memory)[0], rest(query, memory)[0]) <= 1e-12


@pytest.mark.parametrize("site", SITES, ids=site_name)
def test_uniform_attention_gives_every_visible_key_the_same_weight(site):
    query, memory = make_inputs(site, 2, 5, 7)
    padding = make_padding("right", 2, memory.shape[1], (2, 0))
    _, weights = make_mixer("0000", site)(query, memory, padding=padding, need_weights=True)
    for b in range(2):
        for t in range(query.shape[1]):
            seen = [not padding[b, s] and not (site.is_causal and s > t) for s in range(memory.shape[1])]
            wanted = torch.tensor(seen).double() / sum(seen)
            if site.is_self and padding[b, t]:
                continue
            assert error(weights[b, :, t], wanted.expand(3, -1)) <= 1e-15


@pytest.mark.parametrize("site", SITES, ids=site_name)
@pytest.mark.parametrize("code", ["0010", "0001", "0011", "0000"])
def test_weights_do_not_depend_on_the_query_content_without_a_query_term(code, site):
    """In self-attention the row of one distance or key set repeats; in cross attention the query may be anything."""
    mixer = make_mixer(code, site)
    query, memory = make_inputs(site, 2, 5, 7)
    _, weights = mixer(query, memory, need_weights=True)
    if site is Site.CROSS:
        other = mixer(query * 3 - 1, memory, need_weights=True)[1]
        assert torch.equal(other, weights)
    ratio = weights[:, :, -1, 0] / weights[:, :, -1, 1]
    previous = weights[:, :, -2, 0] / weights[:, :, -2, 1]
    if code in POSITION_CODES:
        assert error(ratio, previous) > 1e-3, "a position term must see the shift"
    else:
        assert error(ratio, previous) <= 1e-12


@pytest.mark.parametrize("site", SITES, ids=site_name)
def test_a_position_head_can_look_at_the_previous_token(site):
    """cos(n + 1) = cos n cos 1 - sin n sin 1 is largest at distance n = k - q = -1."""
    mixer = make_mixer("0001", site)
    sharp = 400.0
    with torch.no_grad():
        mixer.position_projection.weight.zero_()
        mixer.position_projection.weight[0::4, 0] = -sharp * torch.sin(torch.tensor(1.0))
        mixer.position_projection.weight[1::4, 6] = sharp * torch.cos(torch.tensor(1.0))
        mixer.position_bias.copy_(torch.tensor([1.0, 1.0, 0.0, 0.0]).expand(3, 4))
    query, memory = make_inputs(site, 2, 6, 6)
    _, weights = mixer(query, memory, need_weights=True)
    for t in range(1, 6):
        assert weights[:, :, t, t - 1].min() > 0.99
