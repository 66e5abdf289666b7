"""Invariance: step by step = at once, with beams that change places."""

import pytest
import torch

from nmt_attn.attention import KeyValueCache
from nmt_attn.spec import ALL_CODES, Site

from .cases import SITES, error, generator, make_inputs, make_mixer, make_padding, site_name

TOLERANCE = {torch.float64: 1e-12, torch.float32: 1e-5}
DECODER_SITES = (Site.DECODER_SELF, Site.CROSS)
OPTIONS = [{}, {"window": 2}, {"max_distance": 2}, {"window": 3, "max_distance": 1}]


def decode(mixer, query, memory, padding, steps, need_weights=False):
    """Outputs and rows of weights, step by step; steps: how many tokens each call brings."""
    cache, outputs, rows, done = mixer.new_cache(need_weights), [], [], 0
    is_self = mixer.spec.site.is_self
    for size in steps:
        new = query[:, done : done + size]
        flags = padding
        if is_self and padding is not None:
            flags = padding[:, done : done + size]
        output, weights = mixer(new, new if is_self else memory, padding=flags, cache=cache, need_weights=need_weights)
        done += size
        assert cache.queries == done
        outputs.append(output)
        rows.append(weights)
    assert done == query.shape[1]
    return torch.cat(outputs, dim=1), rows


@pytest.mark.parametrize("dtype", TOLERANCE, ids=str)
@pytest.mark.parametrize("site", DECODER_SITES, ids=site_name)
@pytest.mark.parametrize("code", ALL_CODES)
def test_sixty_four_single_steps_are_one_call(code, site, dtype):
    mixer = make_mixer(code, site, dtype=dtype)
    query, memory = make_inputs(site, 2, 64, 64 if site.is_self else 9, dtype=dtype)
    wanted, wanted_weights = mixer(query, memory, need_weights=True)
    with torch.no_grad():
        output, rows = decode(mixer, query, memory, None, [1] * 64, need_weights=True)
    assert error(output, wanted) <= TOLERANCE[dtype]
    for t, row in enumerate(rows):
        keys = t + 1 if site.is_self else 9
        assert error(row, wanted_weights[:, :, t : t + 1, :keys]) <= TOLERANCE[dtype]


@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize("site", DECODER_SITES, ids=site_name)
@pytest.mark.parametrize("code", ALL_CODES)
def test_steps_of_any_size_are_one_call(code, site, options):
    for dtype, tolerance in TOLERANCE.items():
        mixer = make_mixer(code, site, dtype=dtype, **options)
        query, memory = make_inputs(site, 3, 9, 6, dtype=dtype)
        if site.is_self:
            query = memory = make_inputs(site, 3, 9, 9, dtype=dtype)[0]
        for kind in ("no", "left", "right"):
            padding = make_padding(kind, 3, memory.shape[1])
            wanted, _ = mixer(query, memory, padding=padding)
            rows = torch.ones(query.shape[:2], dtype=torch.bool)
            if site.is_self and padding is not None:
                rows = ~padding
            for steps in ([9], [1] * 9, [3, 3, 3], [4, 1, 1, 3], [1, 7, 1], [2, 1, 5, 1]):
                output, _ = decode(mixer, query, memory, padding, steps)
                assert error(output[rows], wanted[rows]) <= tolerance, (kind, steps)


@pytest.mark.parametrize("site", DECODER_SITES, ids=site_name)
@pytest.mark.parametrize("code", ALL_CODES)
def test_garbage_in_padding_does_not_enter_the_cache(code, site):
    mixer = make_mixer(code, site)
    query, memory = make_inputs(site, 3, 8, 8)
    padding = make_padding("left", 3, 8)
    wanted, _ = mixer(query, memory, padding=padding)
    waste = memory.clone()
    waste[padding] = float("nan")
    z = waste if site.is_self else query
    rows = ~padding if site.is_self else torch.ones(3, 8, dtype=torch.bool)
    for steps in ([1] * 8, [5, 3], [2, 6]):
        output, _ = decode(mixer, z, waste, padding, steps)
        assert error(output[rows], wanted[rows]) <= 1e-12


@pytest.mark.parametrize("code", ALL_CODES)
def test_padding_of_a_prefix_is_remembered_when_later_steps_have_none(code):
    """And the other way round: padding may first come with a later step."""
    mixer = make_mixer(code, Site.DECODER_SELF)
    inputs, _ = make_inputs(Site.DECODER_SELF, 3, 8, 8)
    for kind, cut in (("left", 3), ("right", 5)):
        padding = make_padding(kind, 3, 8)
        wanted, _ = mixer(inputs, inputs, padding=padding)
        cache = KeyValueCache()
        outputs = []
        for start, end in ((0, cut), (cut, cut + 1), (cut + 1, 8)):
            new, flags = inputs[:, start:end], padding[:, start:end]
            flags = flags if flags.any() else None
            outputs.append(mixer(new, new, padding=flags, cache=cache)[0])
        output = torch.cat(outputs, dim=1)
        assert error(output[~padding], wanted[~padding]) <= 1e-12, kind


@pytest.mark.parametrize("site", DECODER_SITES, ids=site_name)
@pytest.mark.parametrize("code", ALL_CODES)
def test_beams_may_change_places_at_every_step(code, site):
    """Seven sequences a case, 224 in all; each must end as if its own history had been read at once."""
    batch, steps = 7, 9
    options = OPTIONS[ALL_CODES.index(code) % len(OPTIONS)]
    source = generator(ALL_CODES.index(code))
    for dtype, tolerance in TOLERANCE.items():
        mixer = make_mixer(code, site, dtype=dtype, **options)
        query, memory = make_inputs(site, batch, steps, 6, dtype=dtype)
        if site.is_self:
            query = make_inputs(site, batch, steps, steps, dtype=dtype)[0]
        padding = None if site.is_self else make_padding("left", batch, 6, (2, 0, 3, 1, 5, 0, 4))
        cache, history = KeyValueCache(), query[:, :0]
        for t in range(steps):
            if t:
                order = torch.randint(batch, (batch,), generator=source)
                cache.reorder(order)
                history = history[order]
                if not site.is_self:
                    memory, padding = memory[order], padding[order]
            new = query[:, t : t + 1]
            history = torch.cat([history, new], dim=1)
            output, weights = mixer(
                new, new if site.is_self else memory, padding=padding, cache=cache, need_weights=True
            )
            wanted, wanted_weights = mixer(
                history, history if site.is_self else memory, padding=padding, need_weights=True
            )
            assert error(output[:, 0], wanted[:, -1]) <= tolerance, t
            assert error(weights[:, :, 0], wanted_weights[:, :, -1]) <= tolerance, t
        assert cache.queries == steps


@pytest.mark.parametrize("site", DECODER_SITES, ids=site_name)
@pytest.mark.parametrize("code", ["1111", "0000", "0101"])
def test_a_reorder_keeps_the_padding_of_each_row(code, site):
    mixer = make_mixer(code, site)
    query, memory = make_inputs(site, 3, 6, 6)
    padding = make_padding("left", 3, 6)
    order = torch.tensor([2, 0, 0, 1])
    cache = KeyValueCache()
    start = query[:, :4]
    if site.is_self:
        mixer(start, start, padding=padding[:, :4], cache=cache)
    else:
        mixer(start, memory, padding=padding, cache=cache)
    cache.reorder(order)
    end = query[order][:, 4:]
    if site.is_self:
        output, _ = mixer(end, end, cache=cache)
        wanted, _ = mixer(query[order], query[order], padding=padding[order])
    else:
        output, _ = mixer(end, memory[order], padding=padding[order], cache=cache)
        wanted, _ = mixer(query[order], memory[order], padding=padding[order])
    assert error(output, wanted[:, 4:]) <= 1e-12


@pytest.mark.parametrize("site", DECODER_SITES, ids=site_name)
@pytest.mark.parametrize("code", ALL_CODES)
def test_finished_rows_may_leave_the_batch(code, site):
    mixer = make_mixer(code, site)
    query, memory = make_inputs(site, 4, 5, 5)
    wanted, _ = mixer(query, memory)
    cache, start = KeyValueCache(), query[:, :3]
    mixer(start, start if site.is_self else memory, cache=cache)
    order = torch.tensor([3, 1])
    cache.reorder(order)
    end = query[order, 3:]
    output, _ = mixer(end, end if site.is_self else memory[order], cache=cache)
    assert error(output, wanted[order, 3:]) <= 1e-12


def test_a_reorder_of_an_empty_cache_does_nothing():
    cache = KeyValueCache()
    cache.reorder(torch.tensor([1, 0]))
    assert cache.queries == 0
    mixer = make_mixer("1111", Site.DECODER_SELF)
    inputs, _ = make_inputs(Site.DECODER_SELF, 2, 3, 3)
    output, _ = mixer(inputs, inputs, cache=cache)
    assert error(output, mixer(inputs, inputs)[0]) <= 1e-12


@pytest.mark.parametrize("code", ALL_CODES)
def test_cross_attention_reads_its_memory_only_the_first_time(code):
    mixer = make_mixer(code, Site.CROSS)
    query, memory = make_inputs(Site.CROSS, 2, 5, 6)
    padding = make_padding("left", 2, 6)
    wanted, _ = mixer(query, memory, padding=padding)
    cache = KeyValueCache()
    outputs = [mixer(query[:, :2], memory, padding=padding, cache=cache)[0]]
    for t in range(2, 5):
        other = torch.full_like(memory, float("nan"))
        outputs.append(mixer(query[:, t : t + 1], other, padding=padding, cache=cache)[0])
    assert error(torch.cat(outputs, dim=1), wanted) <= 1e-12


@pytest.mark.parametrize("code", ALL_CODES)
def test_self_attention_keeps_the_keys_and_values_of_earlier_steps(code):
    """Projections that change after the prefix change nothing in the keys and values of the prefix."""
    mixer = make_mixer(code, Site.DECODER_SELF)
    inputs, _ = make_inputs(Site.DECODER_SELF, 2, 5, 5)
    _, weights = mixer(inputs, inputs, need_weights=True)
    values = inputs @ mixer.value_projection.weight.T
    cache, start, end = KeyValueCache(), inputs[:, :4], inputs[:, 4:]
    mixer(start, start, cache=cache)
    with torch.no_grad():
        mixer.value_projection.weight.zero_()
    output, _ = mixer(end, end, cache=cache)
    kept = values.unflatten(-1, (3, 4)).transpose(1, 2)[:, :, :4]  # (b, h, s, d), the new value is zero
    mixed = (weights[:, :, 4:, :4] @ kept).transpose(1, 2).flatten(-2)
    wanted = mixed @ mixer.output_projection.weight.T + mixer.output_projection.bias
    assert error(output, wanted) <= 1e-12


@pytest.mark.parametrize("site", DECODER_SITES, ids=site_name)
@pytest.mark.parametrize("code", ALL_CODES)
def test_every_token_is_projected_once_or_not_at_all(code, site):
    """Without E1 the keys need no projection; where all queries of a cross site are alike, the values neither."""
    mixer = make_mixer(code, site)
    query, memory = make_inputs(site, 2, 8, 8)
    counted = {}
    for name in ("query_projection", "key_projection", "value_projection", "output_projection"):
        layer = getattr(mixer, name, None)
        if layer is not None:
            counted[name] = 0

            def count(module, arguments, output, name=name):
                counted[name] += output.numel() // (2 * 12)

            layer.register_forward_hook(count)
    decode(mixer, query, memory, None, [1, 1, 3, 1, 2])
    expected = dict.fromkeys(counted, 8)
    if "key_projection" in counted and code[0] == "0":
        expected["key_projection"] = 0
    if site is Site.CROSS and code in ("0000", "0010"):
        expected |= {"value_projection": 0, "output_projection": 1}
    assert counted == expected


@pytest.mark.parametrize("code", ALL_CODES)
def test_the_caches_of_two_sentences_do_not_mix(code):
    mixer = make_mixer(code, Site.DECODER_SELF)
    first, _ = make_inputs(Site.DECODER_SELF, 2, 6, 6)
    second, _ = make_inputs(Site.DECODER_SELF, 3, 6, 6, seed=9)
    caches = [KeyValueCache(), KeyValueCache()]
    results = [[], []]
    for t in range(6):
        for inputs, cache, outputs in zip((first, second), caches, results, strict=True):
            new = inputs[:, t : t + 1]
            outputs.append(mixer(new, new, cache=cache)[0])
    for inputs, outputs in zip((first, second), results, strict=True):
        assert error(torch.cat(outputs, dim=1), mixer(inputs, inputs)[0]) <= 1e-12


@pytest.mark.parametrize("code", ALL_CODES)
def test_a_new_cache_is_empty(code):
    assert KeyValueCache().queries == 0
    mixer = make_mixer(code, SITES[1])
    inputs, _ = make_inputs(SITES[1], 2, 4, 4)
    mixer(inputs, inputs, cache=KeyValueCache())
    output, _ = mixer(inputs, inputs, cache=KeyValueCache())
    assert error(output, mixer(inputs, inputs)[0]) <= 1e-12


@pytest.mark.parametrize("code", ALL_CODES)
def test_a_nan_in_a_prefix_stays_out_of_the_outputs_before_it(code):
    mixer = make_mixer(code, Site.DECODER_SELF)
    inputs, _ = make_inputs(Site.DECODER_SELF, 2, 7, 7)
    broken = inputs.clone()
    broken[0, 4] = float("nan")
    for steps in ([7], [5, 2], [2, 4, 1]):
        before, _ = decode(mixer, inputs, inputs, None, steps)
        after, _ = decode(mixer, broken, broken, None, steps)
        assert torch.equal(after[:, :4], before[:, :4]), steps
        assert torch.equal(after[1], before[1]), steps
        assert after[0, 4:].isnan().all(), steps
