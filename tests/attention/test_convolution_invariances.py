"""Invariance: padding, causality, step by step = at once, bounded memory, shifts, empty and fully padded sentences."""

import pytest
import torch

from nmt_attn.spec import Site

from .cases import error, generator, gradients, make_padding, relative_error, site_name
from .convolution_cases import KINDS, MIXERS, SELF_SITES, TOLERANCE, by_query, first_of, make, make_tokens
from .test_padding import GARBAGE, padded, real

DECODER = Site.DECODER_SELF
BROKEN = {"nan": float("nan"), "inf": float("inf"), "minus-inf": float("-inf")}
# kernel, window
OPTIONS = ((3, None), (7, None), (1, None), (5, 2), (3, 0), (3, 9))


def changed(inputs, position, value):
    copy = inputs.clone()
    copy[:, position] = value
    return copy


# Padding


@pytest.mark.parametrize("garbage", GARBAGE)
@pytest.mark.parametrize("site", SELF_SITES, ids=site_name)
@pytest.mark.parametrize("name", MIXERS)
def test_padding_changes_neither_outputs_nor_gradients_of_real_tokens(name, site, garbage):
    inputs = make_tokens(2, 5)
    direction = torch.randn(inputs.shape, dtype=inputs.dtype, generator=generator(6))
    mixer = make(name, site, 6, 2, 5)
    wanted, wanted_weights = mixer(inputs, inputs, need_weights=True)
    wanted_slopes = gradients(mixer, inputs, inputs, lambda output: (output * direction).sum())
    for side in ("left", "right"):
        for amount in (0, 1, 7, 64, 131):
            long, padding = padded(inputs, amount, side, GARBAGE[garbage])
            output, weights = mixer(long, long, padding=padding, need_weights=True)
            case = f"{amount} on the {side}"
            assert error(real(output, amount, side, 5), wanted) <= 1e-12, case
            assert error(real(mixer(long, long, padding=padding)[0], amount, side, 5), wanted) <= 1e-12, case
            seen = real(by_query(weights), amount, side, 5).permute(0, 3, 1, 2)  # (b, s, t, h)
            inside = real(seen, amount, side, 5).permute(0, 3, 2, 1)
            assert error(inside, wanted_weights) <= 1e-12, case

            def loss(output, amount=amount, side=side):
                return (real(output, amount, side, 5) * direction).sum()

            for path, slope in gradients(mixer, long, long, loss, padding).items():
                kept = slope
                if path in ("query", "memory"):
                    kept = real(slope, amount, side, 5)
                    assert not slope[padding].any(), f"{case}: padding must get no gradient"
                assert relative_error(kept, wanted_slopes[path]) <= 1e-11, (case, path)


@pytest.mark.parametrize("dtype", TOLERANCE, ids=str)
@pytest.mark.parametrize("window", [None, 1])
@pytest.mark.parametrize("side", ["left", "right"])
@pytest.mark.parametrize("site", SELF_SITES, ids=site_name)
@pytest.mark.parametrize("name", MIXERS)
def test_a_sentence_alone_is_the_same_sentence_in_any_batch(name, site, side, window, dtype):
    mixer = make(name, site, window=window, dtype=dtype)
    for longest in (8, 98, 131):
        lengths = (5, 1, longest, 3)
        alone = [make_tokens(1, length, dtype=dtype, seed=length) for length in lengths]
        joined = [padded(x, longest - x.shape[1], side, float("nan")) for x in alone]
        inputs = torch.cat([x for x, _ in joined])
        padding = torch.cat([flags for _, flags in joined])
        output, _ = mixer(inputs, inputs, padding=padding)
        for row, x in enumerate(alone):
            wanted, _ = mixer(x, x)
            assert error(output[row][~padding[row]], wanted[0]) <= TOLERANCE[dtype], (longest, row)


@pytest.mark.parametrize("site", SELF_SITES, ids=site_name)
@pytest.mark.parametrize("name", MIXERS)
def test_a_broken_sentence_does_not_touch_its_neighbours(name, site):
    for length in (6, 100, 140):
        mixer = make(name, site)
        inputs = make_tokens(3, length)
        broken = inputs.clone()
        broken[1] = float("nan")
        before, after = mixer(inputs, inputs)[0], mixer(broken, broken)[0]
        assert torch.equal(after[0], before[0])
        assert torch.equal(after[2], before[2])
        assert after[1].isnan().all()


@pytest.mark.parametrize("garbage", GARBAGE)
@pytest.mark.parametrize("site", SELF_SITES, ids=site_name)
@pytest.mark.parametrize("name", MIXERS)
def test_a_fully_padded_sentence_gives_finite_numbers_and_gets_no_gradient(name, site, garbage):
    for length in (5, 130):
        mixer = make(name, site).train()
        inputs = make_tokens(2, length)
        waste = inputs.clone()
        waste[1] = GARBAGE[garbage]
        padding = torch.zeros(2, length, dtype=torch.bool)
        padding[1] = True
        for need_weights in (False, True):
            output, weights = mixer(waste, waste, padding=padding, need_weights=need_weights)
            assert output.isfinite().all()
            assert weights is None or weights.isfinite().all()
            assert error(output[0], mixer(inputs[:1], inputs[:1])[0][0]) <= 1e-12
            with torch.autograd.set_detect_anomaly(True):
                slopes = gradients(mixer, waste, waste, lambda output: output.square().sum(), padding, need_weights)
            assert all(slope.isfinite().all() for slope in slopes.values())
            assert not slopes["query"][1].any()
            assert slopes["query"][0].any()


# Causality


@pytest.mark.parametrize("dtype", TOLERANCE, ids=str)
@pytest.mark.parametrize(("kernel", "window"), OPTIONS)
@pytest.mark.parametrize("name", MIXERS)
def test_a_change_leaves_earlier_outputs_bitwise_equal(name, kernel, window, dtype):
    mixer = make(name, DECODER, 6, 2, kernel, window=window, dtype=dtype)
    noise = torch.randn(2, 6, generator=generator(8)).to(dtype)
    inputs = make_tokens(2, 9, dtype=dtype)
    for need_weights in (False, True):
        before, _ = mixer(inputs, inputs, need_weights=need_weights)
        for position in range(9):
            for value in (5 * noise, 1e30, -1e30, *BROKEN.values()):
                other = changed(inputs, position, value)
                after, _ = mixer(other, other, need_weights=need_weights)
                assert torch.equal(after[:, :position], before[:, :position]), (position, value)
                assert (after[:, position] != before[:, position]).any(dim=-1).all(), (position, value)


@pytest.mark.parametrize("length", [96, 97, 128, 129, 140])
@pytest.mark.parametrize("name", MIXERS)
def test_a_change_leaves_earlier_outputs_of_long_sentences_bitwise_equal(name, length):
    mixer = make(name, DECODER, 6, 2, 5)
    inputs = make_tokens(2, length)
    before, _ = mixer(inputs, inputs)
    for position in (1, 40, length - 2, length - 1):
        for value in (3.0, 1e30, *BROKEN.values()):
            other = changed(inputs, position, value)
            after, _ = mixer(other, other)
            assert torch.equal(after[:, :position], before[:, :position]), (position, value)


@pytest.mark.parametrize("value", BROKEN)
@pytest.mark.parametrize(("kernel", "window"), OPTIONS)
@pytest.mark.parametrize("name", MIXERS)
def test_a_value_that_is_no_number_shows_at_its_position(name, kernel, window, value):
    mixer = make(name, DECODER, 6, 2, kernel, window=window)
    for length in (7, 100, 130):
        inputs = make_tokens(2, length)
        for position in (0, 3, length - 1):
            other = changed(inputs, position, BROKEN[value])
            for need_weights in (False, True):
                after, weights = mixer(other, other, need_weights=need_weights)
                assert not after[:, position].isfinite().any(), (length, position)
                if need_weights:
                    assert weights[:, :, :position].isfinite().all(), (length, position)


@pytest.mark.parametrize("name", KINDS)
def test_a_value_that_is_no_number_shows_in_the_encoder_too(name):
    mixer = make(name, Site.ENCODER_SELF)
    for length in (7, 100, 130):
        inputs = make_tokens(2, length)
        for value in BROKEN.values():
            other = changed(inputs, 3, value)
            assert not mixer(other, other)[0][:, 3].isfinite().all(), (length, value)


@pytest.mark.parametrize("dtype", TOLERANCE, ids=str)
@pytest.mark.parametrize("push", [0.25, 0.5, 1.0, 1.5, 7.3, 1000.7, 1e9, 1e30])
@pytest.mark.parametrize("window", [None, 0, 2])
@pytest.mark.parametrize("kernel", [1, 3, 5])
def test_offsets_far_to_the_right_stay_causal(kernel, window, push, dtype):
    """The offset is the last channel times push, and the last channel is one: neither key beside p is a later one."""
    mixer = make("deform", DECODER, 6, 2, kernel, window=window, dtype=dtype)
    taps = first_of(mixer).taps
    with torch.no_grad():
        mixer.offset_projection.weight.zero_()
        mixer.offset_projection.weight[:, -1] = push
    for length in (6, 135):
        inputs = make_tokens(2, length, dtype=dtype)
        inputs[:, :, -1] = 1.0
        before, weights = mixer(inputs, inputs, need_weights=True)
        assert not weights.triu(1).any()
        for position in (1, 4, length - 1):
            noise = torch.randn(2, 6, generator=generator(position)).to(dtype)
            for value in (noise, 1e30, *BROKEN.values()):
                other = changed(inputs, position, value)
                for need_weights in (False, True):
                    after, _ = mixer(other, other, need_weights=need_weights)
                    assert torch.equal(after[:, :position], before[:, :position]), (position, value)
        leaf = inputs.clone().requires_grad_()
        mixer(leaf, leaf)[0][:, 3].square().sum().backward()
        assert not leaf.grad[:, 4:].any()
        if push >= -taps[0]:
            each = mixer.output_projection.weight.unflatten(1, (len(taps), 6)).sum(dim=1)
            assert relative_error(before, inputs @ each.T + mixer.output_projection.bias) <= TOLERANCE[dtype]


@pytest.mark.parametrize("push", [-0.5, -1.0, -7.3, -1e9, -1e30])
@pytest.mark.parametrize("site", SELF_SITES, ids=site_name)
def test_offsets_far_to_the_left_read_zeros(site, push):
    mixer = make("deform", site, 6, 2, 3)
    with torch.no_grad():
        mixer.offset_projection.weight.zero_()
        mixer.offset_projection.weight[:, -1] = push
    for length in (6, 135):
        inputs = make_tokens(2, length)
        inputs[:, :, -1] = 1.0
        output, _ = mixer(inputs, inputs)
        rows = [q for q in range(length) if q + first_of(mixer).taps[-1] + push <= -1]
        bias = mixer.output_projection.bias.expand(2, len(rows), 6)
        assert error(output[:, rows], bias) <= 1e-12
        assert output.isfinite().all()


@pytest.mark.parametrize("side", ["left", "right"])
@pytest.mark.parametrize("name", MIXERS)
def test_causality_holds_beside_padding(name, side):
    mixer = make(name, DECODER, 6, 2, 5)
    inputs = make_tokens(3, 9)
    padding = make_padding(side, 3, 9)
    inputs[padding] = float("nan")
    before, _ = mixer(inputs, inputs, padding=padding)
    assert before[~padding].isfinite().all()
    for position in range(9):
        other = changed(inputs, position, float("nan"))
        after, _ = mixer(other, other, padding=padding)
        earlier = ~padding[:, :position]
        assert torch.equal(after[:, :position][earlier], before[:, :position][earlier])
        assert after[:, position][~padding[:, position]].isnan().all()


@pytest.mark.parametrize(("kernel", "window"), OPTIONS)
@pytest.mark.parametrize("name", MIXERS)
def test_gradients_do_not_flow_to_later_tokens(name, kernel, window):
    mixer = make(name, DECODER, 6, 2, kernel, window=window)
    for length in (7, 100, 130):
        inputs = make_tokens(1, length)
        for position in (0, 3, length - 2):
            leaf = inputs.clone().requires_grad_()
            mixer(leaf, leaf)[0][:, position].square().sum().backward()
            assert not leaf.grad[:, position + 1 :].any()
            assert leaf.grad[:, : position + 1].any()


# Reach


@pytest.mark.parametrize(("kernel", "window"), [(3, None), (7, None), (1, None), (9, 2)])
@pytest.mark.parametrize("site", SELF_SITES, ids=site_name)
@pytest.mark.parametrize("name", ["conv", "light", "dynamic"])
def test_tokens_beyond_the_taps_change_nothing_and_tokens_at_the_taps_do(name, site, kernel, window):
    mixer = make(name, site, 6, 2, kernel, window=window)
    taps = first_of(mixer).taps
    for length in (15, 110):
        inputs = make_tokens(1, length)
        before, _ = mixer(inputs, inputs)
        for position in (0, 7, length - 1):
            other = changed(inputs, position, 3.0)
            difference = (mixer(other, other)[0] - before).abs().amax(dim=(0, 2))
            for q in range(length):
                assert (difference[q] > 1e-6) == (position - q in taps), (position, q)


@pytest.mark.parametrize("window", [0, 1, 3])
@pytest.mark.parametrize("site", SELF_SITES, ids=site_name)
def test_no_offset_leads_a_deformable_convolution_out_of_its_window(site, window):
    mixer = make("deform", site, 6, 2, 5, window=window)
    with torch.no_grad():
        mixer.offset_projection.weight.mul_(10)
    for length in (15, 110, 140):
        inputs = make_tokens(2, length)
        before, weights = mixer(inputs, inputs, need_weights=True)
        distance = torch.arange(length) - torch.arange(length)[:, None]
        far = (distance < -window) | (distance > (0 if site.is_causal else window))
        assert not weights[:, :, far].any()
        for position in (0, 7, length - 1):
            other = changed(inputs, position, 3.0)
            difference = (mixer(other, other)[0] - before).abs().amax(dim=(0, 2))
            assert difference[far[:, position]].max() <= 1e-12


@pytest.mark.parametrize("window", [None, 2])
@pytest.mark.parametrize("site", SELF_SITES, ids=site_name)
@pytest.mark.parametrize("name", KINDS)
def test_away_from_the_borders_only_relative_positions_count(name, site, window):
    """A piece of a long sentence gives the outputs that it has there, wherever it looks at nothing but itself."""
    mixer = make(name, site, 6, 2, 5, window=window)
    for length, first, last in ((40, 9, 33), (140, 20, 120), (140, 5, 139)):
        inputs = make_tokens(2, length)
        piece = inputs[:, first:last]
        whole, weights = mixer(inputs, inputs, need_weights=True)
        part, _ = mixer(piece, piece)
        inside = torch.zeros(length, dtype=torch.bool)
        inside[first:last] = True
        # Where it samples a token outside the piece, or silence before the sentence, nothing is claimed.
        claimed = ~weights[:, :, :, ~inside].any(dim=-1).any(dim=1)[:, first:last]
        claimed[:, :4] = False
        if not site.is_causal:
            claimed[:, -4:] = False
        assert claimed.sum() >= (last - first) // 2
        assert error(whole[:, first:last][claimed], part[claimed]) <= 1e-12


# Step by step


def decode(mixer, inputs, steps, padding=None, need_weights=False):
    """Outputs and rows of weights, step by step; steps: how many tokens each call brings."""
    cache, outputs, rows, done = mixer.new_cache(need_weights=True), [], [], 0
    for size in steps:
        new = inputs[:, done : done + size]
        flags = None if padding is None else padding[:, done : done + size]
        output, weights = mixer(new, new, padding=flags, cache=cache, need_weights=need_weights)
        done += size
        for part in parts(cache):
            assert part.queries == done
        outputs.append(output)
        rows.append(weights)
    assert done == inputs.shape[1]
    return torch.cat(outputs, dim=1), rows


def parts(cache):
    return (cache.first, cache.then) if hasattr(cache, "then") else (cache,)


def random_steps(total, seed):
    source, steps = generator(seed), []
    while total:
        steps.append(min(total, int(torch.randint(1, 6, (), generator=source))))
        total -= steps[-1]
    return steps


@pytest.mark.parametrize("dtype", TOLERANCE, ids=str)
@pytest.mark.parametrize(("kernel", "window"), OPTIONS)
@pytest.mark.parametrize("name", MIXERS)
def test_sixty_four_single_steps_are_one_call(name, kernel, window, dtype):
    mixer = make(name, DECODER, 6, 2, kernel, window=window, dtype=dtype)
    inputs = make_tokens(2, 64, dtype=dtype)
    wanted, wanted_weights = mixer(inputs, inputs, need_weights=True)
    with torch.no_grad():
        output, rows = decode(mixer, inputs, [1] * 64, need_weights=True)
    assert error(output, wanted) <= TOLERANCE[dtype]
    for t, row in enumerate(rows):
        assert error(row, wanted_weights[:, :, t : t + 1, : t + 1]) <= TOLERANCE[dtype], t


@pytest.mark.parametrize(("kernel", "window"), [*OPTIONS, (15, None), (15, 11)])
@pytest.mark.parametrize("name", MIXERS)
def test_steps_of_any_size_are_one_call(name, kernel, window):
    for dtype, tolerance in TOLERANCE.items():
        mixer = make(name, DECODER, 6, 2, kernel, window=window, dtype=dtype)
        inputs = make_tokens(3, 9, dtype=dtype)
        for kind in ("no", "left", "right"):
            padding = make_padding(kind, 3, 9)
            wanted, wanted_weights = mixer(inputs, inputs, padding=padding, need_weights=True)
            rows = torch.ones(3, 9, dtype=torch.bool) if padding is None else ~padding
            for steps in ([9], [1] * 9, [3, 3, 3], [4, 1, 1, 3], [1, 7, 1], [2, 1, 5, 1], random_steps(9, kernel)):
                output, shown = decode(mixer, inputs, steps, padding, need_weights=True)
                assert error(output[rows], wanted[rows]) <= tolerance, (kind, steps)
                done = 0
                for size, weights in zip(steps, shown, strict=True):
                    block = slice(done, done + size)
                    done += size
                    keep = rows[:, block]
                    of_queries = by_query(wanted_weights)[:, block, :, :done]
                    assert error(by_query(weights)[keep], of_queries[keep]) <= tolerance, (kind, steps)


@pytest.mark.parametrize("dtype", TOLERANCE, ids=str)
@pytest.mark.parametrize("window", [None, 4, 100])
@pytest.mark.parametrize("name", MIXERS)
def test_a_long_prefix_and_steps_across_the_lengths_where_algorithms_change_are_one_call(name, window, dtype):
    mixer = make(name, DECODER, 6, 2, 5, window=window, dtype=dtype)
    inputs = make_tokens(2, 134, dtype=dtype)
    wanted, _ = mixer(inputs, inputs)
    for steps in ([93, 1, 1, 1, 1, 1, 27, 1, 1, 1, 1, 1, 1, 1, 2], [1, 98, 35], random_steps(134, 7)):
        output, _ = decode(mixer, inputs, steps)
        assert error(output, wanted) <= TOLERANCE[dtype], steps


@pytest.mark.parametrize("name", MIXERS)
def test_garbage_in_padding_does_not_enter_the_cache(name):
    for window in (None, 2):
        mixer = make(name, DECODER, 6, 2, 5, window=window)
        inputs = make_tokens(3, 8)
        padding = make_padding("left", 3, 8)
        wanted, _ = mixer(inputs, inputs, padding=padding)
        waste = inputs.clone()
        waste[padding] = float("nan")
        for steps in ([1] * 8, [5, 3], [2, 6]):
            output, _ = decode(mixer, waste, steps, padding)
            assert error(output[~padding], wanted[~padding]) <= 1e-12, steps


@pytest.mark.parametrize("name", MIXERS)
def test_padding_of_a_prefix_is_remembered_when_later_steps_have_none(name):
    """And the other way round: padding may first come with a later step."""
    mixer = make(name, DECODER, 6, 2, 5)
    inputs = make_tokens(3, 8)
    for kind, cut in (("left", 3), ("right", 5)):
        padding = make_padding(kind, 3, 8)
        wanted, _ = mixer(inputs, inputs, padding=padding)
        cache, outputs = mixer.new_cache(), []
        for start, end in ((0, cut), (cut, cut + 1), (cut + 1, 8)):
            new, flags = inputs[:, start:end], padding[:, start:end]
            outputs.append(mixer(new, new, padding=flags if flags.any() else None, cache=cache)[0])
        assert error(torch.cat(outputs, dim=1)[~padding], wanted[~padding]) <= 1e-12, kind


@pytest.mark.parametrize("dtype", TOLERANCE, ids=str)
@pytest.mark.parametrize(("kernel", "window"), [*OPTIONS, (15, None)])
@pytest.mark.parametrize("name", MIXERS)
def test_beams_may_change_places_at_every_step(name, kernel, window, dtype):
    """Each row must end as if its own history had been read at once; a step brings one token, or two."""
    batch, steps = 7, 9
    source = generator(kernel)
    mixer = make(name, DECODER, 6, 2, kernel, window=window, dtype=dtype)
    tokens = make_tokens(batch, 2 * steps, dtype=dtype)
    cache, history = mixer.new_cache(need_weights=True), tokens[:, :0]
    for t in range(steps):
        if t:
            order = torch.randint(batch, (batch,), generator=source)
            cache.reorder(order)
            history = history[order]
        size = 1 + int(torch.randint(2, (), generator=source))
        new = tokens[:, 2 * t : 2 * t + size]
        history = torch.cat([history, new], dim=1)
        output, weights = mixer(new, new, cache=cache, need_weights=True)
        wanted, wanted_weights = mixer(history, history, need_weights=True)
        assert error(output, wanted[:, -size:]) <= TOLERANCE[dtype], t
        assert error(weights, wanted_weights[:, :, -size:]) <= TOLERANCE[dtype], t
    for part in parts(cache):
        assert part.queries == history.shape[1]


@pytest.mark.parametrize("name", MIXERS)
def test_rows_may_leave_the_batch_and_come_twice(name):
    mixer = make(name, DECODER, 6, 2, 5)
    inputs = make_tokens(4, 7)
    wanted, _ = mixer(inputs, inputs)
    for order in (torch.tensor([3, 1]), torch.tensor([2, 2, 0, 1, 2]), torch.tensor([1])):
        cache, start = mixer.new_cache(), inputs[:, :4]
        mixer(start, start, cache=cache)
        cache.reorder(order)
        end = inputs[order, 4:]
        assert error(mixer(end, end, cache=cache)[0], wanted[order, 4:]) <= 1e-12


@pytest.mark.parametrize("name", MIXERS)
def test_a_reorder_of_an_empty_cache_does_nothing(name):
    mixer = make(name, DECODER)
    cache = mixer.new_cache()
    cache.reorder(torch.tensor([1, 0]))
    assert all(part.queries == 0 for part in parts(cache))
    inputs = make_tokens(2, 3)
    assert error(mixer(inputs, inputs, cache=cache)[0], mixer(inputs, inputs)[0]) <= 1e-12


@pytest.mark.parametrize("name", MIXERS)
def test_the_caches_of_two_sentences_do_not_mix(name):
    mixer = make(name, DECODER, 6, 2, 5)
    pair = make_tokens(2, 6), make_tokens(3, 6, seed=9)
    caches, results = [mixer.new_cache(), mixer.new_cache()], [[], []]
    for t in range(6):
        for inputs, cache, outputs in zip(pair, caches, results, strict=True):
            new = inputs[:, t : t + 1]
            outputs.append(mixer(new, new, cache=cache)[0])
    for inputs, outputs in zip(pair, results, strict=True):
        assert error(torch.cat(outputs, dim=1), mixer(inputs, inputs)[0]) <= 1e-12


@pytest.mark.parametrize("name", MIXERS)
def test_a_nan_in_a_prefix_stays_out_of_the_outputs_before_it_and_shows_at_it(name):
    mixer = make(name, DECODER, 6, 2, 5)
    inputs = make_tokens(2, 7)
    broken = inputs.clone()
    broken[0, 4] = float("nan")
    for steps in ([7], [5, 2], [2, 4, 1], [1] * 7):
        before, _ = decode(mixer, inputs, steps)
        after, _ = decode(mixer, broken, steps)
        assert error(after[:, :4], before[:, :4]) <= 1e-12, steps
        assert error(after[1], before[1]) <= 1e-12, steps
        assert after[0, 4].isnan().all(), steps
        whole, _ = mixer(broken, broken)
        assert torch.equal(after.isnan(), whole.isnan()), steps


@pytest.mark.parametrize("steps", [[1] * 40, [20, 1, 1, 18], [3, 37]], ids=str)
@pytest.mark.parametrize(("kernel", "window"), OPTIONS)
@pytest.mark.parametrize("name", ["conv", "light", "dynamic"])
def test_the_cache_holds_no_more_than_the_taps_reach(name, kernel, window, steps):
    mixer = make(name, DECODER, 6, 2, kernel, window=window)
    reach = kernel - 1 if window is None else min(kernel - 1, window)
    assert largest_cache(mixer, mixer.new_cache(), steps) <= reach


@pytest.mark.parametrize("steps", [[1] * 40, [20, 1, 1, 18], [3, 37]], ids=str)
@pytest.mark.parametrize("window", [0, 1, 4])
@pytest.mark.parametrize("name", ["deform", "chain"])
def test_the_cache_of_a_deformable_convolution_holds_no_more_than_its_window(name, window, steps):
    mixer = make(name, DECODER, 6, 2, 5, window=window)
    cache = mixer.new_cache()
    assert largest_cache(mixer, cache, steps) <= window


def largest_cache(mixer, cache, steps):
    """The most tokens that the convolution's part of the cache ever held after a step."""
    inputs, done, most = make_tokens(2, sum(steps)), 0, 0
    for size in steps:
        new = inputs[:, done : done + size]
        mixer(new, new, cache=cache)
        done += size
        most = max(most, parts(cache)[0].tokens.shape[1])
    return most


# Sentences without tokens


@pytest.mark.parametrize(("batch", "length"), [(2, 0), (0, 3), (0, 0), (0, 140)])
@pytest.mark.parametrize("site", SELF_SITES, ids=site_name)
@pytest.mark.parametrize("name", MIXERS)
def test_an_empty_sentence_and_an_empty_batch_pass(name, site, batch, length):
    for kernel, window in OPTIONS:
        mixer = make(name, site, 6, 2, kernel, window=window)
        inputs = torch.zeros(batch, length, 6, dtype=torch.float64)
        for padding in (None, torch.zeros(batch, length, dtype=torch.bool)):
            output, nothing = mixer(inputs, inputs, padding=padding)
            assert nothing is None
            assert output.shape == inputs.shape
            shown, weights = mixer(inputs, inputs, padding=padding, need_weights=True)
            assert shown.shape == inputs.shape
            assert weights.shape[0] == batch
            assert weights.shape[2:] == (length, length)


@pytest.mark.parametrize("steps", [[0, 6], [3, 0, 3], [2, 0, 0, 1, 1, 1, 1]], ids=str)
@pytest.mark.parametrize("name", MIXERS)
def test_a_step_without_tokens_changes_nothing(name, steps):
    for window in (None, 2):
        mixer = make(name, DECODER, 6, 2, 5, window=window)
        inputs = make_tokens(2, 6)
        wanted, _ = mixer(inputs, inputs)
        assert error(decode(mixer, inputs, steps)[0], wanted) <= 1e-12


# Dropout


@pytest.mark.parametrize("site", SELF_SITES, ids=site_name)
@pytest.mark.parametrize("name", ["light", "dynamic"])
def test_dropout_leaves_out_weights_in_training_and_only_there(name, site):
    """Averaged over many draws the output is that of evaluation, and the weights are those before dropout."""
    mixer = make(name, site, 6, 2, 5, dropout=0.4)
    plain = make(name, site, 6, 2, 5)
    for length in (7, 100):
        inputs = make_tokens(1, length)
        wanted, wanted_weights = plain(inputs, inputs, need_weights=True)
        assert torch.equal(mixer.eval()(inputs, inputs)[0], wanted)
        mixer.train()
        torch.manual_seed(5)
        many = inputs.expand(400, -1, -1) if name == "dynamic" else inputs
        draws = [mixer(many, many)[0].detach().mean(dim=0) for _ in range(5 if name == "dynamic" else 600)]
        assert error(torch.stack(draws).mean(dim=0), wanted[0]) <= 0.1 * wanted.abs().max()
        assert error(draws[0], draws[1]) > 1e-4
        assert error(mixer(inputs, inputs, need_weights=True)[1], wanted_weights) <= 1e-12


@pytest.mark.parametrize("site", SELF_SITES, ids=site_name)
@pytest.mark.parametrize("name", ["conv", "deform"])
def test_convolutions_without_a_softmax_have_no_dropout(name, site):
    mixer = make(name, site, 6, 2, 5, dropout=0.4).train()
    inputs = make_tokens(2, 7)
    assert torch.equal(mixer(inputs, inputs)[0], mixer.eval()(inputs, inputs)[0])
