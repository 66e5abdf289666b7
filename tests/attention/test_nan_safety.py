"""Survival: no key at all, one token, huge logits."""

import pytest
import torch

from nmt_attn.attention import KeyValueCache
from nmt_attn.spec import ALL_CODES, Site

from . import oracle
from .cases import SITES, as_array, error, expected, generator, gradients, make_inputs, make_mixer, site_name


def half_padded(memory):
    """The second sentence has no real token and is full of NaN."""
    padding = torch.zeros(memory.shape[:2], dtype=torch.bool)
    padding[1] = True
    waste = memory.clone()
    waste[1] = float("nan")
    return waste, padding


@pytest.mark.parametrize("site", SITES, ids=site_name)
@pytest.mark.parametrize("code", ALL_CODES)
def test_a_sentence_without_tokens_gives_zeros_and_nothing_else_changes(code, site):
    mixer = make_mixer(code, site)
    query, memory = make_inputs(site, 2, 4, 5)
    waste, padding = half_padded(memory)
    z = waste if site.is_self else query
    for need_weights in (False, True):
        output, weights = mixer(z, waste, padding=padding, need_weights=need_weights)
        assert not output[1].any(), "exactly zero, the bias is not added"
        assert error(output[0], mixer(query[:1], memory[:1])[0][0]) <= 1e-12
        if need_weights:
            assert not weights[1].any()


@pytest.mark.parametrize("need_weights", [False, True])
@pytest.mark.parametrize("site", SITES, ids=site_name)
@pytest.mark.parametrize("code", ALL_CODES)
def test_a_sentence_without_tokens_has_no_gradient_even_under_anomaly_detection(code, site, need_weights):
    for dtype in (torch.float64, torch.float32):
        mixer = make_mixer(code, site, dtype=dtype).train()
        query, memory = make_inputs(site, 2, 4, 5, dtype=dtype)
        waste, padding = half_padded(memory)
        z = waste if site.is_self else query
        loss = lambda output: (output + output.square()).sum()  # noqa: E731
        with torch.autograd.set_detect_anomaly(True):
            slopes = gradients(mixer, z, waste, loss, padding, need_weights)
        x = memory[:1]
        wanted = gradients(mixer, x if site.is_self else query[:1], x, loss, None, need_weights)
        for name, slope in slopes.items():
            assert slope.isfinite().all(), name
            if name in ("query", "memory"):
                assert not slope[1].any(), name
                slope = slope[:1]
            assert error(slope, wanted[name]) <= (1e-11 if dtype == torch.float64 else 1e-4), name


@pytest.mark.parametrize("code", ALL_CODES)
def test_a_query_whose_window_holds_no_key_gives_zeros(code):
    """Target step 7 with window 1 and a source of 4 tokens behind 2 padded ones: keys 0 to 3, all too far."""
    mixer = make_mixer(code, Site.CROSS, window=1)
    query, memory = make_inputs(Site.CROSS, 2, 8, 6)
    memory[:, :2] = float("nan")
    padding = torch.zeros(2, 6, dtype=torch.bool)
    padding[:, :2] = True
    with torch.autograd.set_detect_anomaly(True):
        slopes = gradients(mixer, query, memory, lambda output: (output + 1).square().sum(), padding)
    assert all(slope.isfinite().all() for slope in slopes.values())
    assert not slopes["query"][:, 5:].any()
    for need_weights in (False, True):
        output, weights = mixer(query, memory, padding=padding, need_weights=need_weights)
        assert not output[:, 5:].any()
        assert output[:, :5].abs().amax(dim=-1).min() > 0
    assert not weights[:, :, 5:].any()
    assert weights[:, :, :5].sum(-1).sub(1).abs().max() <= 1e-12


@pytest.mark.parametrize("site", SITES, ids=site_name)
@pytest.mark.parametrize("code", ALL_CODES)
def test_one_token_attends_to_itself(code, site):
    mixer = make_mixer(code, site)
    query, memory = make_inputs(site, 2, 1, 1)
    output, weights = mixer(query, memory, need_weights=True)
    value = memory @ mixer.value_projection.weight.T @ mixer.output_projection.weight.T
    assert torch.equal(weights, torch.ones(2, 3, 1, 1, dtype=torch.float64))
    assert error(output, value + mixer.output_projection.bias) <= 1e-12


@pytest.mark.parametrize("site", SITES, ids=site_name)
@pytest.mark.parametrize("code", ALL_CODES)
def test_an_empty_batch_passes(code, site):
    mixer = make_mixer(code, site)
    query, memory = make_inputs(site, 2, 4, 5)
    x = memory[:0]
    output, weights = mixer(x if site.is_self else query[:0], x, need_weights=True)
    assert output.shape == (0, query.shape[1], 12)
    assert weights.shape == (0, 3, query.shape[1], memory.shape[1])


@pytest.mark.parametrize("code", ALL_CODES)
def test_an_empty_source_gives_zeros(code):
    mixer = make_mixer(code, Site.CROSS)
    query, memory = make_inputs(Site.CROSS, 2, 4, 5)
    output, weights = mixer(query, memory[:, :0], need_weights=True)
    assert output.shape == query.shape
    assert not output.any()
    assert weights.shape == (2, 3, 4, 0)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16], ids=str)
@pytest.mark.parametrize("site", SITES, ids=site_name)
@pytest.mark.parametrize("code", [code for code in ALL_CODES if code != "0000"])
def test_logits_of_ten_thousand_keep_their_order_in_low_precision(code, site, dtype):
    mixer = make_mixer(code, site, dim=8, heads=2)
    query, memory = make_inputs(site, 2, 5, 7, 8)
    padding = torch.zeros(memory.shape[:2], dtype=torch.bool)
    padding[0, -2:] = True
    blow_up(mixer, code, query, memory)
    mixer = mixer.to(dtype)
    z = query.to(dtype)
    x = z if site.is_self else memory.to(dtype)
    output, weights = mixer(z, x, padding=padding, need_weights=True)
    assert output.isfinite().all()
    assert weights.isfinite().all()
    assert weights.dtype == dtype
    _, exact = expected(mixer, code, z, x, padding)
    rows = ~padding if site.is_self else torch.ones(2, 5, dtype=torch.bool)
    got, wanted = (tensor.double().transpose(1, 2)[rows] for tensor in (weights, exact))
    assert (got.sum(-1) - 1).abs().max() <= 0.02
    # A gap of 30 roundings at 1e4 between the best two logits decides the row.
    best = wanted.log().topk(2, dim=-1).values if wanted.shape[-1] > 1 else None
    gap = {torch.float16: 8, torch.bfloat16: 64}[dtype] * 30
    sure = best[..., 0] - best[..., 1] > gap
    assert sure.any()
    assert error(got[sure], wanted[sure]) <= 0.01


def blow_up(mixer, code, query, memory):
    """Scale the key side until the largest logit has a size of 1e4."""
    logits = raw_logits(mixer, code, query, memory)
    factor = 1e4 / logits.abs().max()
    with torch.no_grad():
        for name in ("key_projection", "position_projection"):
            if hasattr(mixer, name) and getattr(mixer, name) is not None:
                getattr(mixer, name).weight.mul_(factor)


def raw_logits(mixer, code, query, memory):
    """Logits (b, h, t, s) of all pairs by the formula of the oracle."""
    parameters = {name: as_array(value) for name, value in mixer.named_parameters()}
    z, x = as_array(query), as_array(memory)
    size = mixer.spec.head_size
    return torch.tensor(
        [
            [
                [
                    [oracle.logit(code, parameters, m, size, z[b, t], x[b, s], s - t) for s in range(x.shape[1])]
                    for t in range(z.shape[1])
                ]
                for m in range(mixer.spec.heads)
            ]
            for b in range(z.shape[0])
        ]
    )


@pytest.mark.parametrize("code", ["1000", "0010", "1111"])
def test_equal_logits_of_ten_thousand_share_their_weight_in_half_precision(code):
    """All keys alike in content, nearly alike in position: the weights stay those of float64."""
    mixer = make_mixer(code, Site.CROSS, dim=8, heads=2)
    query, memory = make_inputs(Site.CROSS, 1, 3, 4, 8)
    memory = memory[:, :1].expand(-1, 4, -1).contiguous()
    content = code[0] + "0" + code[2] + "0"
    factor = 1e4 / raw_logits(mixer, content, query, memory).abs().max()
    with torch.no_grad():
        mixer.key_projection.weight.mul_(factor)
    mixer = mixer.half()
    _, weights = mixer(query.half(), memory.half(), need_weights=True)
    assert weights.isfinite().all()
    if "1" in code[1] + code[3]:
        assert (weights.sum(-1) - 1).abs().max() <= 0.01
    else:
        assert error(weights, torch.full_like(weights, 0.25)) <= 1e-3


@pytest.mark.parametrize("code", ALL_CODES)
def test_a_step_before_the_first_real_token_gives_zeros_and_harms_no_later_step(code):
    mixer = make_mixer(code, Site.DECODER_SELF)
    inputs = torch.randn(2, 4, 12, dtype=torch.float64, generator=generator(4))
    padding = torch.tensor([[True, True, False, False], [False, False, False, False]])
    inputs[padding] = float("nan")
    wanted, _ = mixer(inputs, inputs, padding=padding)
    cache = KeyValueCache()
    for t in range(4):
        step = inputs[:, t : t + 1]
        output, _ = mixer(step, step, padding=padding[:, t : t + 1], cache=cache)
        assert error(output, wanted[:, t : t + 1]) <= 1e-12
        assert output.isfinite().all()
