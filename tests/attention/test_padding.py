"""Invariance: what stands in padding, how much of it and on which side does not reach a real token."""

import pytest
import torch

from nmt_attn.spec import ALL_CODES, Site

from .cases import SITES, error, generator, gradients, make_inputs, make_mixer, relative_error, site_name

GARBAGE = {"junk": 37.5, "nan": float("nan"), "inf": float("inf"), "minus-inf": float("-inf")}
TOLERANCE = {torch.float64: 1e-12, torch.float32: 1e-6}


def padded(tensor, amount, side, garbage):
    """The tensor (b, s, c) with padded positions on one side, and the padding (b, s)."""
    waste = torch.full((tensor.shape[0], amount, tensor.shape[2]), garbage, dtype=tensor.dtype)
    flags = torch.zeros(tensor.shape[:2], dtype=torch.bool)
    hidden = torch.ones(waste.shape[:2], dtype=torch.bool)
    if side == "left":
        return torch.cat([waste, tensor], 1), torch.cat([hidden, flags], 1)
    return torch.cat([tensor, waste], 1), torch.cat([flags, hidden], 1)


def real(tensor, amount, side, length):
    start = amount if side == "left" else 0
    return tensor[:, start : start + length]


@pytest.mark.parametrize("garbage", GARBAGE)
@pytest.mark.parametrize("site", SITES, ids=site_name)
@pytest.mark.parametrize("code", ALL_CODES)
def test_padding_changes_neither_outputs_nor_gradients_of_real_tokens(code, site, garbage):
    query, memory = make_inputs(site, 2, 4, 5)
    direction = torch.randn(query.shape, dtype=query.dtype, generator=generator(6))
    for dtype, tolerance in TOLERANCE.items():
        mixer = make_mixer(code, site, dtype=dtype)
        z, along = query.to(dtype), direction.to(dtype)
        x = z if site.is_self else memory.to(dtype)
        wanted, wanted_weights = mixer(z, x, need_weights=True)
        wanted_slopes = gradients(mixer, z, x, lambda output, a=along: (output * a).sum())
        for side in ("left", "right"):
            for amount in (0, 1, 7, 64):
                long, padding = padded(x, amount, side, GARBAGE[garbage])
                long_query = long if site.is_self else z

                def pick(tensor, amount=amount, side=side):
                    return real(tensor, amount, side, query.shape[1]) if site.is_self else tensor

                output, weights = mixer(long_query, long, padding=padding, need_weights=True)
                assert error(pick(output), wanted) <= tolerance
                assert error(pick(mixer(long_query, long, padding=padding)[0]), wanted) <= tolerance
                # (b, h, t, s): the rows of real queries, the columns of real keys
                seen = pick(weights.transpose(1, 2)).permute(0, 3, 1, 2)
                inside = real(seen, amount, side, x.shape[1]).permute(0, 3, 2, 1)
                assert error(inside, wanted_weights) <= tolerance
                slopes = gradients(
                    mixer, long_query, long, lambda output, a=along, p=pick: (p(output) * a).sum(), padding
                )
                for name, slope in slopes.items():
                    kept = slope
                    if name == "memory" or (name == "query" and site.is_self):
                        kept = real(slope, amount, side, x.shape[1])
                        assert not slope[padding].any(), f"{name}: padding must get no gradient"
                    assert relative_error(kept, wanted_slopes[name]) <= 10 * tolerance, (side, amount, name)


@pytest.mark.parametrize("side", ["left", "right"])
@pytest.mark.parametrize("site", SITES, ids=site_name)
@pytest.mark.parametrize("code", ALL_CODES)
def test_a_sentence_alone_is_the_same_sentence_in_any_batch(code, site, side):
    lengths = (5, 1, 8, 3)
    mixer = make_mixer(code, site)
    alone = [make_inputs(site, 1, 4, length, seed=length) for length in lengths]
    joined = [padded(x, 8 - x.shape[1], side, float("nan")) for _, x in alone]
    memory = torch.cat([x for x, _ in joined])
    padding = torch.cat([flags for _, flags in joined])
    query = memory if site.is_self else torch.cat([z for z, _ in alone])
    output, weights = mixer(query, memory, padding=padding, need_weights=True)
    for row, (z, x) in enumerate(alone):
        wanted, wanted_weights = mixer(z, x, need_weights=True)
        keep = ~padding[row]
        rows = keep if site.is_self else torch.ones(4, dtype=torch.bool)
        assert error(output[row][rows], wanted[0]) <= 1e-12
        assert error(weights[row][:, rows][:, :, keep], wanted_weights[0]) <= 1e-12
        assert not weights[row][:, rows][:, :, ~keep].any()


@pytest.mark.parametrize("options", [{"window": 2}, {"max_distance": 2}], ids=str)
@pytest.mark.parametrize("side", ["left", "right"])
@pytest.mark.parametrize("site", SITES, ids=site_name)
@pytest.mark.parametrize("code", ALL_CODES)
def test_windows_and_clipping_count_from_real_tokens(code, site, side, options):
    mixer = make_mixer(code, site, **options)
    query, memory = make_inputs(site, 2, 6, 6)
    wanted, _ = mixer(query, memory)
    long, padding = padded(memory, 3, side, float("nan"))
    output, _ = mixer(long if site.is_self else query, long, padding=padding)
    if site.is_self:
        output = real(output, 3, side, 6)
    assert error(output, wanted) <= 1e-12


@pytest.mark.parametrize("code", ALL_CODES)
def test_a_real_nan_is_not_hidden(code):
    mixer = make_mixer(code, Site.CROSS)
    query, memory = make_inputs(Site.CROSS, 2, 4, 5)
    memory = memory.clone()
    memory[0, 2] = float("nan")
    output, _ = mixer(query, memory, padding=torch.zeros(2, 5, dtype=torch.bool))
    assert output[0].isnan().all()
    assert output[1].isfinite().all()
