"""Hypotheses of one sentence share its keys and values, and only they."""

import pytest
import torch
from fairseq.sequence_generator import SequenceGenerator

from nmt_attn.models.layers import DecoderLayer, _once_a_sentence

from . import toy


def test_a_memory_written_out_for_each_hypothesis_is_taken_once() -> None:
    memory, padding = torch.randn(3, 5, 4), torch.rand(3, 5) < 0.5
    written, hidden = memory.repeat_interleave(2, dim=0), padding.repeat_interleave(2, dim=0)
    for result, wanted in zip(_once_a_sentence(written, hidden, 2), (memory, padding), strict=True):
        assert result is not None
        assert torch.equal(result, wanted)
    assert _once_a_sentence(written, None, 2)[1] is None


@pytest.mark.parametrize(("rows", "beam"), [(6, 2), (5, 2), (6, 1)])
def test_a_memory_of_other_rows_is_left_as_it_is(rows: int, beam: int) -> None:
    memory = torch.randn(rows, 5, 4)
    assert _once_a_sentence(memory, None, beam)[0] is memory
    padding = torch.zeros(rows, 5, dtype=torch.bool)
    padding[0, 0] = True
    assert _once_a_sentence(torch.ones(rows, 5, 4), padding, beam)[0].shape[0] == rows


@pytest.mark.parametrize("arch", ["nmt_attn_tiny", "nmt_attn_tiny_cross0010", "nmt_attn_tiny_cross0111"])
def test_beam_search_projects_each_source_once_and_finds_what_it_finds_without(arch: str) -> None:
    model = toy.build(arch).eval()
    words = toy.dictionary()
    source = torch.randint(words.nspecial, len(words), (3, 7), generator=torch.Generator().manual_seed(1))
    source[:, -1] = words.eos()
    source[1, :3] = words.pad()
    sample = {"net_input": {"src_tokens": source, "src_lengths": torch.tensor([7, 4, 7])}}
    layers = [layer for layer in model.decoder.layers if isinstance(layer, DecoderLayer)]

    def found() -> list[list[int]]:
        generator = SequenceGenerator([model], words, beam_size=4, max_len_a=0, max_len_b=9)
        return [hypothesis["tokens"].tolist() for best in generator.generate([], sample) for hypothesis in best]

    shared = found()
    assert all(layer.beam == 4 for layer in layers)
    for layer in layers:
        layer.set_beam_size = lambda beam: None  # type: ignore[method-assign]
        layer.beam = 1
    assert found() == shared
