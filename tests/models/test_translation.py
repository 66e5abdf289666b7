"""What is translated does not depend on company, padding or the way of decoding."""

import itertools

import pytest
import torch
from fairseq.sequence_generator import SequenceGenerator
from torch import Tensor

from nmt_attn.presets import PRESETS, RELATED
from nmt_attn.spec import ALL_CODES, Convolution
from tests.models import toy

CODES = [f"nmt_attn_tiny_{kind}{code}" for kind, code in itertools.product(("self", "cross"), ALL_CODES)]
OTHERS = [f"nmt_attn_tiny_{kind}" for kind in (*(kind.value for kind in Convolution), "deform_self0010", *RELATED)]
NAMES = CODES + OTHERS
PRESETS_OF_ONE_SIZE = [name for name in PRESETS if name.startswith("nmt_attn_tiny")]
LIMITS = {torch.float64: 1e-12, torch.float32: 1e-5}


def _decode_stepwise(model: torch.nn.Module, sample: dict) -> Tensor:
    inputs = sample["net_input"]
    encoded = model.encoder(inputs["src_tokens"], inputs["src_lengths"])
    state: dict = {}
    steps = [
        model.decoder(inputs["prev_output_tokens"][:, : step + 1], encoded, state)[0]
        for step in range(inputs["prev_output_tokens"].shape[1])
    ]
    return torch.cat(steps, dim=1)


@pytest.mark.parametrize("left_pad", [True, False])
@pytest.mark.parametrize("name", NAMES)
def test_step_by_step_equals_at_once(name: str, left_pad: bool) -> None:
    model = toy.build(name).double()
    targets = [sentence[:6] for sentence in toy.sentences(4, 9, seed=4) if len(sentence) >= 6] * 3
    sample = toy.batch(toy.sentences(3, 7), targets[:3], left_pad)
    at_once, _ = model(**sample["net_input"])
    torch.testing.assert_close(_decode_stepwise(model, sample), at_once, rtol=0, atol=1e-12)


def _check_reordered_steps(name: str, rows: int, length: int, *flags: str) -> None:
    """At each step any row may become any other; each must end as if its own history had been read at once."""
    for dtype, most in LIMITS.items():
        model = toy.build(name, *flags)
        _shake_offsets(model)
        model = model.to(dtype)
        generator = torch.Generator().manual_seed(length)
        inputs = toy.batch(toy.sentences(rows, 9), toy.sentences(rows, 9), left_pad=bool(length % 2))["net_input"]
        source, lengths = inputs["src_tokens"], inputs["src_lengths"]
        history, outputs, state = torch.full((rows, 1), toy.dictionary().eos()), [], {}
        with torch.no_grad():
            encoded = model.encoder(source, lengths)
            for step in range(length):
                if step:
                    order = torch.randint(rows, (rows,), generator=generator)
                    order = order if step % 3 else torch.randperm(rows, generator=generator)
                    words = torch.randint(4, len(toy.dictionary()), (rows, 1), generator=generator)
                    history = torch.cat([history[order], words], dim=1)
                    outputs = [output[order] for output in outputs]
                    source, lengths = source[order], lengths[order]
                    encoded = model.encoder.reorder_encoder_out(encoded, order)
                    model.decoder.reorder_incremental_state_scripting(state, order)
                outputs.append(model.decoder(history, encoded, state)[0])
            at_once, _ = model(source, lengths, history)
        torch.testing.assert_close(torch.cat(outputs, dim=1), at_once, rtol=0, atol=most)


@pytest.mark.parametrize("length", [2, 17])
@pytest.mark.parametrize("flags", [(), ("--attn-window", "2"), ("--max-relative-distance", "2")], ids=" ".join)
def test_so_do_steps_between_which_rows_change_places(flags: tuple[str, ...], length: int) -> None:
    """Two tokens are fewer than any kernel has taps."""
    _check_reordered_steps("nmt_attn_tiny", 12, length, *toy.EVERY_MIXER, *flags)


@pytest.mark.slow
@pytest.mark.parametrize("length", [1, 2, 7, 64])
@pytest.mark.parametrize("name", PRESETS_OF_ONE_SIZE)
def test_so_do_those_of_two_hundred_sequences_in_every_preset(name: str, length: int) -> None:
    _check_reordered_steps(name, 200, length)


@pytest.mark.parametrize("name", NAMES)
def test_outputs_do_not_depend_on_the_padding_side_or_on_the_batch(name: str) -> None:
    model = toy.build(name).double()
    sources, targets = toy.sentences(5, 9), toy.sentences(5, 6, seed=4)
    left, _ = model(**toy.batch(sources, targets, left_pad=True)["net_input"])
    right, _ = model(**toy.batch(sources, targets, left_pad=False)["net_input"])
    # Sources and targets stand in the same order in both batches; padded target positions are nobody's business.
    order = toy.batch(sources, targets)["id"].tolist()
    for row, index in enumerate(order):
        length = len(targets[index])
        alone, _ = model(**toy.batch([sources[index]], [targets[index]])["net_input"])
        torch.testing.assert_close(left[row, :length], alone[0], rtol=0, atol=1e-12)
        torch.testing.assert_close(right[row, :length], alone[0], rtol=0, atol=1e-12)


@pytest.mark.parametrize("window", [(), ("--attn-window", "2")], ids=["all keys", "window 2"])
@pytest.mark.parametrize("name", ["nmt_attn_tiny", "nmt_attn_tiny_self0010", "nmt_attn_tiny_cross0111"])
def test_beam_search_gives_the_same_translations_in_any_batch(name: str, window: tuple[str, ...]) -> None:
    _check_beam_search(toy.build(name, *window))


@pytest.mark.parametrize("window", [(), ("--attn-window", "2")], ids=["all keys", "window 2"])
def test_so_does_a_model_with_a_mixer_of_each_kind(window: tuple[str, ...]) -> None:
    _check_beam_search(toy.build("nmt_attn_tiny", *toy.EVERY_MIXER, *window))


@pytest.mark.slow
@pytest.mark.parametrize("name", OTHERS)
def test_so_does_a_model_of_each_mixer_alone(name: str) -> None:
    _check_beam_search(toy.build(name))


def _shake_offsets(model: torch.nn.Module) -> None:
    """Offsets of deformable convolutions are zero before training."""
    for name, parameter in model.named_parameters():
        if "offset_projection" in name:
            torch.nn.init.normal_(parameter)


def _check_beam_search(model: torch.nn.Module) -> None:
    _shake_offsets(model)
    sources = toy.sentences(12, 8)
    generator = SequenceGenerator([model], toy.dictionary(), beam_size=4, max_len_b=12)

    def translate(indices: list[int], left_pad: bool) -> dict[int, list[int]]:
        sample = toy.batch([sources[i] for i in indices], [sources[i] for i in indices], left_pad)
        hypotheses = generator.generate([model], sample)
        return {
            indices[row]: best[0]["tokens"].tolist()
            for row, best in zip(sample["id"].tolist(), hypotheses, strict=True)
        }

    reference = translate(list(range(12)), left_pad=True)
    assert len({tuple(tokens) for tokens in reference.values()}) > 1
    for size, left_pad in itertools.product((1, 5), (True, False)):
        for start in range(0, 12, size):
            some = list(range(start, min(12, start + size)))[::-1]
            for index, tokens in translate(some, left_pad).items():
                assert tokens == reference[index]


def test_alignment_weights_stand_at_the_columns_of_the_source() -> None:
    model = toy.build("nmt_attn_tiny")
    sources, targets = toy.sentences(4, 9), toy.sentences(4, 6, seed=4)
    sample = toy.batch(sources, targets, left_pad=True)
    _, extra = model(**sample["net_input"])
    attention = extra["attn"][0]  # (b, t, s), mean over heads
    padding = sample["net_input"]["src_tokens"].eq(toy.dictionary().pad())
    assert padding.any()
    assert attention.shape == (4, sample["target"].shape[1], padding.shape[1])
    torch.testing.assert_close(attention.sum(-1), torch.ones(attention.shape[:2]))
    assert attention.masked_select(padding[:, None, :].expand_as(attention)).eq(0).all()
    unpadded = toy.batch([sources[sample["id"][0]]], [targets[sample["id"][0]]])
    _, alone = model(**unpadded["net_input"])
    row = attention[0, : alone["attn"][0].shape[1]]
    torch.testing.assert_close(row[:, ~padding[0]], alone["attn"][0][0])


def test_the_whole_target_at_once_without_a_causal_mask_is_refused() -> None:
    model = toy.build("nmt_attn_tiny")
    sample = toy.batch(toy.sentences(2, 5), toy.sentences(2, 5))
    encoded = model.encoder(sample["net_input"]["src_tokens"])
    with pytest.raises(ValueError, match="must be causal: full_context_alignment is not supported"):
        model.decoder(sample["net_input"]["prev_output_tokens"], encoded, full_context_alignment=True)
