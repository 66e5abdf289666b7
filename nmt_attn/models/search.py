"""Beam search that ends each hypothesis by the length of its own source.

fairseq takes max_len_a * s + max_len_b, with s the longest source of the batch: what does not end by itself is then
translated otherwise in other company.
"""

import math
from typing import Any

import torch
from fairseq.search import BeamSearch
from fairseq.tasks.fairseq_task import FairseqTask
from torch import Tensor

_fairseqs_build = FairseqTask.build_generator


def limit_by_own_length() -> None:
    """From here on generators with plain beam search use ``OwnLengthBeamSearch``."""
    FairseqTask.build_generator = _build


def _build(task: FairseqTask, models: Any, args: Any, *others: Any, **named: Any) -> Any:
    generator = _fairseqs_build(task, models, args, *others, **named)
    if type(getattr(generator, "search", None)) is BeamSearch and not getattr(args, "prefix_size", 0):
        generator.search = OwnLengthBeamSearch(
            task.target_dictionary, generator.max_len_a, generator.max_len_b, generator.min_len, generator.max_len
        )
        generator.should_set_src_lengths = True
    return generator


class OwnLengthBeamSearch(BeamSearch):
    """At most min(int(a * source length + b), most - 1) tokens before </s>, as for a sentence alone, or ``least``."""

    def __init__(self, dictionary: Any, a: float, b: int, least: int, most: int) -> None:
        super().__init__(dictionary)
        self.a, self.b, self.least, self.most = a, b, least, most
        self.limits = torch.empty(0)  # b: of the sentences that are not finished
        self.shortest = 0

    def step(self, step: int, lprobs: Tensor, *others: Any, **named: Any) -> Any:
        """lprobs: b x beam x vocabulary; beyond its limit a sentence can only end."""
        if step == 0:
            lengths = self.src_lengths.tolist()
            limits = [max(min(int(self.a * length + self.b), self.most - 1), self.least) for length in lengths]
            self.limits = torch.tensor(limits, device=lprobs.device)
            self.shortest = min(limits)
        if step >= self.shortest:
            words = torch.arange(lprobs.shape[-1], device=lprobs.device) != self.eos
            lprobs = lprobs.masked_fill((self.limits <= step)[:, None, None] & words, -math.inf)
        return super().step(step, lprobs, *others, **named)

    def prune_sentences(self, batch_idxs: Tensor) -> None:
        """Keeps those of the sentences with these places in the batch."""
        super().prune_sentences(batch_idxs)
        self.limits = self.limits[batch_idxs]
