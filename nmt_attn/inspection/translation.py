"""Translation by a model that is in memory, as the recipes do it with fairseq-generate."""

from collections.abc import Iterator, Sequence
from typing import Any

import torch
from fairseq.data import Dictionary
from fairseq.sequence_generator import SequenceGenerator
from torch import Tensor

SEARCH = {"beam_size": 4, "len_penalty": 0.6, "max_len_a": 1, "max_len_b": 50}  # as in recipes/steps.sh
TOKENS = 4000  # of a batch


def translate(model: Any, target_dictionary: Dictionary, sources: Sequence[Tensor]) -> list[Tensor]:
    """The best translation of each source (s), in their order, as numbers of the dictionary with the end at the end.

    Each is that of the source alone: fairseq limits a translation by the longest source of its batch, so batches hold
    sources of one length.
    """
    generator = SequenceGenerator([model], target_dictionary, **SEARCH)
    translations: dict[int, Tensor] = {}
    for batch in _batches([len(source) for source in sources]):
        sample = _sample([sources[index] for index in batch])
        found = generator.generate([model], sample)
        translations |= {index: best[0]["tokens"] for index, best in zip(batch, found, strict=True)}
    return [translations[index] for index in range(len(sources))]


def _batches(lengths: Sequence[int]) -> Iterator[list[int]]:
    """Sentences of one length together, by their index."""
    batch: list[int] = []
    for index in sorted(range(len(lengths)), key=lambda index: lengths[index]):
        if batch and (lengths[index] != lengths[batch[0]] or (len(batch) + 1) * lengths[index] > TOKENS):
            yield batch
            batch = []
        batch.append(index)
    if batch:
        yield batch


def _sample(sentences: Sequence[Tensor]) -> dict[str, dict[str, Tensor]]:
    """A batch as fairseq's generator takes it."""
    lengths = torch.tensor([len(sentence) for sentence in sentences])
    return {"net_input": {"src_tokens": torch.stack(list(sentences)), "src_lengths": lengths}}
