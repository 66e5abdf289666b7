"""Invariance of every kind of positions, the fifth term and windows: padding, order, causality, steps."""

import pytest
import torch

from nmt_attn.attention import KeyValueCache
from nmt_attn.spec import Positions, Site

from .cases import PADDINGS, error, generator, make_inputs, make_padding, site_name
from .pattern_cases import (
    DECODER_CASES,
    EVERY_CASE,
    FIFTH_CASES,
    LIMITED,
    PLAIN_CASES,
    RELATIVE_KINDS,
    Case,
    allowed,
    make,
)
from .test_incremental import decode
from .test_padding import padded, real

GARBAGE = ((1, 37.5), (7, float("nan")), (64, float("inf")), (2, float("-inf")))  # how much of what
TOLERANCE = {torch.float64: 1e-12, torch.float32: 1e-5}
FEW_CODES = ("0000", "1000", "1100", "0011", "1111")  # of the fifth term, where all of them take long
STEPPED_CASES = (
    *(case for case in DECODER_CASES if not case.fifth or case.code in FEW_CODES),
    *(case for case in FIFTH_CASES if case.site is Site.CROSS and case.code in FEW_CODES),
    *PLAIN_CASES,
)
STEPPED_SELF_CASES = tuple(case for case in STEPPED_CASES if case.site.is_self)
ENCODER_KINDS = tuple(Case(kind, "0001", Site.ENCODER_SELF) for kind in Positions)


def heads_of(case):
    """Nine heads show all fixed patterns and two heads for the content."""
    return 9 if case.kind is Positions.FIXED else 3


def dim_of(case):
    return 18 if case.kind is Positions.FIXED else 12


def make_usual(case, **options):
    return make(case, dim_of(case), heads_of(case), **options)


def option_sets(case):
    """No option, windows, a maximum distance, and both."""
    sets = [{}, {"window": 2}]
    if case.kind in LIMITED:
        limit = LIMITED[case.kind]
        sets += [{"max_distance": limit}, {"window": 3, "max_distance": limit}]
    return sets


@pytest.mark.parametrize("side", ["left", "right"])
@pytest.mark.parametrize("case", EVERY_CASE, ids=str)
def test_garbage_in_padding_does_not_reach_a_real_token(case, side):
    for dtype, tolerance in ((torch.float64, 1e-12), (torch.float32, 1e-6)):
        for options in option_sets(case) if dtype == torch.float64 else [{}]:
            mixer = make_usual(case, **options).to(dtype)
            query, memory = make_inputs(case.site, 2, 4, 5, dim_of(case), dtype=dtype)
            wanted, wanted_weights = mixer(query, memory, need_weights=True)
            for amount, garbage in GARBAGE[1:2] if options else GARBAGE:
                long, padding = padded(memory, amount, side, garbage)
                z = long if case.site.is_self else query
                output, weights = mixer(z, long, padding=padding, need_weights=True)
                if case.site.is_self:
                    output = real(output, amount, side, query.shape[1])
                    weights = real(weights.transpose(1, 2), amount, side, query.shape[1]).transpose(1, 2)
                assert error(output, wanted) <= tolerance, (options, amount)
                inside = real(weights.permute(0, 3, 2, 1), amount, side, memory.shape[1]).permute(0, 3, 2, 1)
                assert error(inside, wanted_weights) <= tolerance, (options, amount)
                assert not weights.transpose(1, 3)[padding].any(), (options, amount)


@pytest.mark.parametrize("side", ["left", "right"])
@pytest.mark.parametrize("case", EVERY_CASE, ids=str)
def test_a_sentence_alone_is_the_same_sentence_in_any_batch(case, side):
    lengths = (5, 1, 8, 3)
    for options in option_sets(case):
        mixer = make_usual(case, **options)
        alone = [make_inputs(case.site, 1, 4, length, dim_of(case), seed=length) for length in lengths]
        joined = [padded(x, 8 - x.shape[1], side, float("nan")) for _, x in alone]
        memory = torch.cat([x for x, _ in joined])
        padding = torch.cat([flags for _, flags in joined])
        query = memory if case.site.is_self else torch.cat([z for z, _ in alone])
        output, weights = mixer(query, memory, padding=padding, need_weights=True)
        for row, (z, x) in enumerate(alone):
            wanted, wanted_weights = mixer(z, x, need_weights=True)
            keep = ~padding[row]
            rows = keep if case.site.is_self else torch.ones(4, dtype=torch.bool)
            assert error(output[row][rows], wanted[0]) <= 1e-12, options
            assert error(weights[row][:, rows][:, :, keep], wanted_weights[0]) <= 1e-12, options
            assert not weights[row][:, rows][:, :, ~keep].any(), options


@pytest.mark.parametrize("case", EVERY_CASE, ids=str)
def test_a_sentence_without_tokens_gives_zeros_and_nothing_else_changes(case):
    for options in option_sets(case):
        mixer = make_usual(case, **options)
        query, memory = make_inputs(case.site, 2, 4, 5, dim_of(case))
        wanted, _ = mixer(query[:1], memory[:1])
        padding = torch.zeros(memory.shape[:2], dtype=torch.bool)
        padding[1] = True
        waste = memory.clone()
        waste[1] = float("nan")
        output, weights = mixer(waste if case.site.is_self else query, waste, padding=padding, need_weights=True)
        assert not output[1].any(), "exactly zero, the bias is not added"
        assert not weights[1].any()
        assert error(output[0], wanted[0]) <= 1e-12


@pytest.mark.parametrize("case", DECODER_CASES + PLAIN_CASES, ids=str)
def test_a_change_leaves_earlier_outputs_bitwise_equal_and_shows_later(case):
    length = 7
    noise = torch.randn(2, dim_of(case), generator=generator(8))
    for dtype in (torch.float64, torch.float32):
        for options in option_sets(case):
            mixer = make_usual(case, **options).to(dtype)
            inputs, _ = make_inputs(case.site, 2, length, length, dim_of(case), dtype=dtype)
            before, _ = mixer(inputs, inputs)
            for position in range(length):
                other = inputs.clone()
                other[:, position] = 5 * noise
                after, _ = mixer(other, other)
                assert torch.equal(after[:, :position], before[:, :position])
                for touched in range(position, min(position + 2, length - 1) + 1):
                    assert error(after[:, touched], before[:, touched]) > 1e-4
                if "window" in options:
                    free = position + options["window"] + 1
                    assert error(after[:, free:], before[:, free:]) <= 1e-6


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
@pytest.mark.parametrize("case", STEPPED_SELF_CASES, ids=str)
def test_a_value_that_is_no_number_stays_out_of_earlier_outputs_and_shows_in_later_ones(case, value):
    length = 6
    for options in option_sets(case):
        mixer = make_usual(case, **options)
        inputs, _ = make_inputs(case.site, 2, length, length, dim_of(case))
        before, _ = mixer(inputs, inputs)
        for position in range(length):
            other = inputs.clone()
            other[:, position] = value
            after, weights = mixer(other, other, need_weights=True)
            assert torch.equal(after[:, :position], before[:, :position])
            last = min(length - 1, position + options.get("window", length))
            assert not after[:, position : last + 1].isfinite().any()
            assert weights[:, :, :position].isfinite().all()


@pytest.mark.parametrize("case", STEPPED_SELF_CASES, ids=str)
def test_a_nan_in_a_prefix_stays_out_of_the_steps_before_it(case):
    for options in option_sets(case):
        mixer = make_usual(case, **options)
        inputs, _ = make_inputs(case.site, 2, 7, 7)
        broken = inputs.clone()
        broken[0, 4] = float("nan")
        for steps in ([7], [5, 2], [2, 4, 1], [1] * 7):
            before, _ = decode(mixer, inputs, inputs, None, steps)
            after, _ = decode(mixer, broken, broken, None, steps)
            assert torch.equal(after[:, :4], before[:, :4]), (options, steps)
            assert torch.equal(after[1], before[1]), (options, steps)
            assert after[0, 4 : 5 + options.get("window", 7)].isnan().all(), (options, steps)


@pytest.mark.parametrize("case", STEPPED_CASES, ids=str)
def test_steps_of_any_size_are_one_call(case):
    for dtype, tolerance in TOLERANCE.items():
        for options in option_sets(case) if dtype == torch.float64 else [{}]:
            mixer = make_usual(case, **options).to(dtype)
            query, memory = make_inputs(case.site, 3, 9, 9 if case.site.is_self else 6, dtype=dtype)
            for kind in PADDINGS:
                padding = make_padding(kind, 3, memory.shape[1])
                wanted, _ = mixer(query, memory, padding=padding)
                rows = torch.ones(query.shape[:2], dtype=torch.bool)
                if case.site.is_self and padding is not None:
                    rows = ~padding
                for steps in ([1] * 9, [4, 1, 1, 3], [2, 1, 6]):
                    output, _ = decode(mixer, query, memory, padding, steps)
                    assert error(output[rows], wanted[rows]) <= tolerance, (options, kind, steps)


@pytest.mark.parametrize("dtype", TOLERANCE, ids=str)
@pytest.mark.parametrize("case", STEPPED_CASES, ids=str)
def test_sixty_four_single_steps_are_one_call(case, dtype):
    for options in (option_sets(case)[0], option_sets(case)[-1]):
        mixer = make_usual(case, **options).to(dtype)
        query, memory = make_inputs(case.site, 2, 64, 64 if case.site.is_self else 9, dtype=dtype)
        wanted, wanted_weights = mixer(query, memory, need_weights=True)
        with torch.no_grad():
            output, rows = decode(mixer, query, memory, None, [1] * 64, need_weights=True)
        assert error(output, wanted) <= TOLERANCE[dtype], options
        for t, row in enumerate(rows):
            keys = t + 1 if case.site.is_self else 9
            assert error(row, wanted_weights[:, :, t : t + 1, :keys]) <= TOLERANCE[dtype], options


@pytest.mark.parametrize("case", STEPPED_CASES, ids=str)
def test_beams_may_change_places_at_every_step(case):
    batch, steps = 7, 8
    number = STEPPED_CASES.index(case)
    source = generator(number)
    for options in option_sets(case)[1:]:
        for dtype, tolerance in TOLERANCE.items():
            mixer = make_usual(case, **options).to(dtype)
            query, memory = make_inputs(case.site, batch, steps, steps if case.site.is_self else 6, dtype=dtype)
            padding = make_padding("left", batch, memory.shape[1], (2, 0, 3, 1, 5, 0, 4))
            cache, history = KeyValueCache(), query[:, :0]
            flags = padding[:, :0]
            start = 6 if case.site.is_self else 1  # a forced prefix as long as its padding and one token more
            for first, last in zip([0, *range(start, steps)], [*range(start, steps), steps], strict=True):
                if first:
                    order = torch.randint(batch, (batch,), generator=source)
                    cache.reorder(order)
                    history, flags, padding = history[order], flags[order], padding[order]
                    memory = memory if case.site.is_self else memory[order]
                new = query[:, first:last]
                history = torch.cat([history, new], dim=1)
                hidden = padding
                if case.site.is_self:
                    hidden = padding[:, first:last]
                    flags = torch.cat([flags, hidden], dim=1)
                x = new if case.site.is_self else memory
                output, weights = mixer(new, x, padding=hidden, cache=cache, need_weights=True)
                full, seen = (history, flags) if case.site.is_self else (memory, padding)
                wanted, wanted_weights = mixer(history, full, padding=seen, need_weights=True)
                assert error(output[:, -1], wanted[:, -1]) <= tolerance, (options, last)
                assert error(weights[:, :, -1], wanted_weights[:, :, -1]) <= tolerance, (options, last)
            assert cache.queries == steps


@pytest.mark.parametrize("case", STEPPED_SELF_CASES, ids=str)
def test_padding_of_a_prefix_is_remembered_when_later_steps_have_none(case):
    for options in option_sets(case):
        mixer = make_usual(case, **options)
        inputs, _ = make_inputs(case.site, 3, 9, 9)
        for kind, cut in (("left", 3), ("right", 6)):
            padding = make_padding(kind, 3, 9)
            wanted, wanted_weights = mixer(inputs, inputs, padding=padding, need_weights=True)
            cache = KeyValueCache()
            outputs = []
            for start, end in ((0, cut), (cut, cut + 1), (cut + 1, cut + 2), (cut + 2, 9)):
                new, flags = inputs[:, start:end], padding[:, start:end]
                flags = flags if flags.any() else None
                output, weights = mixer(new, new, padding=flags, cache=cache, need_weights=True)
                outputs.append(output)
                keep = ~padding[:, start:end]
                shown = weights.transpose(1, 2)[keep]
                assert error(shown, wanted_weights[:, :, start:end, :end].transpose(1, 2)[keep]) <= 1e-12, options
            output = torch.cat(outputs, dim=1)
            assert error(output[~padding], wanted[~padding]) <= 1e-12, (options, kind)


@pytest.mark.parametrize("window", [0, 1, 2, 5, 100])
@pytest.mark.parametrize("case", STEPPED_SELF_CASES, ids=str)
def test_the_cache_of_a_window_forgets_what_is_too_far(case, window):
    mixer = make_usual(case, window=window)
    inputs, _ = make_inputs(case.site, 2, 12, 12)
    for kind in ("no", "left"):
        padding = make_padding(kind, 2, 12, (3, 0))
        wanted, wanted_weights = mixer(inputs, inputs, padding=padding, need_weights=True)
        for steps in ([1] * 12, [5, 1, 2, 4]) if window in (1, 5) else ([1, 7, 1, 1, 2],):
            cache, done = KeyValueCache(), 0
            for size in steps:
                span = slice(done, done + size)
                flags = None if padding is None else padding[:, span]
                output, weights = mixer(inputs[:, span], inputs[:, span], padding=flags, cache=cache, need_weights=True)
                done += size
                kept = min(window, done)
                assert cache.values.shape[2] <= window
                assert cache.values.shape[2] == kept
                assert cache.keys is None or cache.keys.shape[2] == kept
                assert cache.padding is None or cache.padding.shape[1] == kept
                assert weights.shape == (2, 3, size, done), "a column for each token so far"
                rows = torch.ones(2, size, dtype=torch.bool) if flags is None else ~flags
                assert error(output[rows], wanted[:, span][rows]) <= 1e-12, (kind, steps, done)
                shown = weights.transpose(1, 2)[rows]
                assert error(shown, wanted_weights[:, :, span, :done].transpose(1, 2)[rows]) <= 1e-12, (kind, steps)


@pytest.mark.parametrize("site", [Site.ENCODER_SELF, Site.DECODER_SELF], ids=site_name)
def test_places_beyond_the_table_of_the_synthesizer_are_its_last(site):
    limit, length = 4, 9
    mixer = make(Case(Positions.SYNTHESIZER, "0001", site), max_distance=limit)
    inputs, _ = make_inputs(site, 2, length, length)
    padding = make_padding("left", 2, length, (0, 2))
    _, weights = mixer(inputs, inputs, padding=padding, need_weights=True)
    table = mixer.position_pattern.alignment.detach()
    for row, pads in enumerate((0, 2)):
        places = torch.arange(length - pads).clamp(max=limit - 1)
        for t in range(length - pads):
            keys = t + 1 if site.is_causal else length - pads
            wanted = table[:, places[t]][:, places[:keys]].softmax(-1)
            assert error(weights[row, :, pads + t, pads : pads + keys], wanted) <= 1e-12


@pytest.mark.parametrize("case", [case for kind in RELATIVE_KINDS for case in allowed(kind)], ids=str)
def test_relative_kinds_see_the_same_sentence_wherever_it_stands(case):
    """Among the tokens of a part of a sentence the weights keep their proportions when others stand before it."""
    for options in option_sets(case):
        mixer = make_usual(case, **options)
        inputs, _ = make_inputs(case.site, 2, 9, 9)
        _, weights = mixer(inputs, inputs, need_weights=True)
        for start in (1, 4):
            part = inputs[:, start:]
            _, wanted = mixer(part, part, need_weights=True)
            among = weights[:, :, start:, start:]
            assert error(among / among.sum(-1, keepdim=True), wanted) <= 1e-12, (options, start)


@pytest.mark.parametrize("kind", [Positions.FIXED, Positions.SYNTHESIZER], ids=lambda kind: kind.value)
def test_kinds_that_count_from_the_start_see_where_a_sentence_stands(kind):
    mixer = make(Case(kind, "0001", Site.ENCODER_SELF), 14, 7)
    inputs, _ = make_inputs(Site.ENCODER_SELF, 2, 9, 9, 14)
    _, weights = mixer(inputs, inputs, need_weights=True)
    part = inputs[:, 4:]
    _, alone = mixer(part, part, need_weights=True)
    among = weights[:, 5, 4:, 4:]
    assert error(among / among.sum(-1, keepdim=True), alone[:, 5]) > 1e-3


@pytest.mark.parametrize("case", ENCODER_KINDS, ids=str)
def test_position_alone_gives_all_sentences_the_same_weights(case):
    """In float64 the weights of code 0001 are equal, not only close, whatever the tokens are."""
    mixer = make(case, 16, 8)
    inputs, _ = make_inputs(case.site, 3, 6, 6, 16)
    _, weights = mixer(inputs, inputs, need_weights=True)
    _, others = mixer(7 * inputs + 1, 7 * inputs + 1, need_weights=True)
    assert torch.equal(weights, others)
    assert torch.equal(weights[0], weights[2])


@pytest.mark.parametrize("side", [*PADDINGS])
def test_the_first_token_has_no_previous_token_and_the_last_no_next(side):
    mixer = make(Case(Positions.FIXED, "0001", Site.ENCODER_SELF), 28, 14)
    inputs, _ = make_inputs(Site.ENCODER_SELF, 3, 6, 6, 28)
    padding = make_padding(side, 3, 6)
    _, weights = mixer(inputs, inputs, padding=padding, need_weights=True)
    for row in range(3):
        keep = torch.ones(6, dtype=torch.bool) if padding is None else ~padding[row]
        shown = weights[row][:, keep][:, :, keep]
        length = shown.shape[1]
        own = torch.eye(length, dtype=torch.float64)
        for head in (0, 7):
            assert torch.equal(shown[head], own)
            assert torch.equal(shown[head + 1], own.roll(-1, dims=1).tril())
            assert torch.equal(shown[head + 2], own.roll(1, dims=1).triu())
            assert not shown[head + 3, :2].any()
            assert not shown[head + 4, -2:].any()
        total = shown.sum(-1)
        assert ((total - 1).abs() <= 1e-12).logical_or(total == 0).all()
        assert (total == 0).sum() == 2 * (1 + 1 + 2 * min(2, length))


def test_a_sentence_of_one_token_has_only_the_patterns_that_include_it():
    mixer = make(Case(Positions.FIXED, "0001", Site.ENCODER_SELF), 14, 7)
    inputs, _ = make_inputs(Site.ENCODER_SELF, 1, 1, 1, 14)
    output, weights = mixer(inputs, inputs, need_weights=True)
    assert weights.flatten().tolist() == [1.0, 0.0, 0.0, 0.0, 0.0, 1.0, 1.0]
    assert output.isfinite().all()


def test_the_two_contexts_of_the_fixed_patterns_mirror_each_other():
    mixer = make(Case(Positions.FIXED, "0001", Site.ENCODER_SELF), 14, 7)
    inputs, _ = make_inputs(Site.ENCODER_SELF, 2, 8, 8, 14)
    _, weights = mixer(inputs, inputs, need_weights=True)
    turned = weights.flip(2, 3)
    for head, other in ((0, 0), (1, 2), (3, 4), (5, 6)):
        assert error(weights[:, head], turned[:, other]) <= 1e-12
