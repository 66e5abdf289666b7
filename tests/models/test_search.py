"""Each hypothesis ends by the length of its own source, where fairseq alone would end it so."""

import argparse
from typing import Any

import pytest
import torch
from fairseq.search import BeamSearch

from nmt_attn.models.search import OwnLengthBeamSearch
from tests.models import toy

LENGTHS = (3, 12, 7, 4)


class _Endless(torch.nn.Module):
    """A model to which </s> is the least likely of all symbols; what else it says depends on the source."""

    def __init__(self) -> None:
        super().__init__()
        self.model = toy.build("nmt_attn_tiny")
        self.model.decoder.output_projection.weight.requires_grad_(False)
        original = self.model.get_normalized_probs

        def unlikely(*given: Any, **named: Any) -> torch.Tensor:
            values = original(*given, **named).clone()
            values[..., toy.dictionary().eos()] -= 50.0
            return values

        self.model.get_normalized_probs = unlikely


def _translations(batches: list[list[int]], **search: Any) -> dict[int, list[int]]:
    sources = [torch.randint(4, 24, (length,), generator=torch.Generator().manual_seed(length)) for length in LENGTHS]
    sources = [torch.cat([source[:-1], torch.tensor([toy.dictionary().eos()])]) for source in sources]
    task, found = toy.task(), {}
    generator = task.build_generator([model := _Endless().model], argparse.Namespace(beam=4, **search))
    for rows in batches:
        sample = toy.batch([sources[row] for row in rows], [sources[row] for row in rows])
        del sample["net_input"]["prev_output_tokens"]
        for place, hypotheses in zip(sample["id"].tolist(), generator.generate([model], sample), strict=True):
            found[rows[place]] = hypotheses[0]["tokens"].tolist()
    return found


@pytest.mark.parametrize(
    "search",
    [
        {"max_len_a": 1.0, "max_len_b": 0},
        {"max_len_a": 0.5, "max_len_b": 3},
        {"max_len_a": 0.0, "max_len_b": 5},
        {"max_len_a": 0.4, "max_len_b": 0, "min_len": 1},
    ],
)
def test_what_does_not_end_is_as_long_in_company_as_alone(search: dict[str, Any]) -> None:
    alone = _translations([[row] for row in range(4)], **search)
    assert _translations([[0, 1, 2, 3]], **search) == alone
    assert [len(alone[row]) for row in range(4)] == [
        int(search["max_len_a"] * length + search["max_len_b"]) + 1 for length in LENGTHS
    ]


def test_a_shortest_length_comes_before_the_longest() -> None:
    found = _translations([[0, 1, 2, 3]], max_len_a=1.0, max_len_b=0, min_len=6)
    assert [len(found[row]) - 1 for row in range(4)] == [6, 12, 7, 6]


@pytest.mark.parametrize(("given", "kind"), [({}, OwnLengthBeamSearch), ({"prefix_size": 2}, BeamSearch)])
def test_searches_with_a_prefix_are_fairseqs(given: dict[str, int], kind: type) -> None:
    generator = toy.task().build_generator([toy.build("nmt_attn_tiny")], argparse.Namespace(**given))
    assert type(generator.search) is kind
