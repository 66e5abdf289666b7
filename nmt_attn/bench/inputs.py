"""What attention modules are given: the same tensors for all of them.

Axes: b batch, t queries, s keys, c channels; time-first, (t, b, c), as between the layers of fairseq.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from nmt_attn.spec import Site


@dataclass(frozen=True)
class Inputs:
    """query: (t, b, c). memory: (s, b, c), in self-attention the query itself. padding: (b, s), True at padding, or
    None if there is none. future: (t, s), True at keys after the query, or None if the site is not causal.
    gradient: (t, b, c), of the output.
    """

    query: Tensor
    memory: Tensor
    padding: Tensor | None
    future: Tensor | None
    gradient: Tensor

    def forget(self) -> None:
        """Drops the gradients of the last step."""
        self.query.grad = self.memory.grad = None


def make_inputs(
    site: Site, length: int, sentences: int, dim: int, padded: bool = True, device: torch.device | str = "cpu"
) -> Inputs:
    """A batch of sentences of length/2 to ``length`` tokens, evenly spread, one of them of ``length``.

    They are padded as fairseq does: sources, which encoder self-attention and cross attention read, at the left,
    targets at the right. padded: False makes all of them full.
    """
    generator = torch.Generator().manual_seed(length)

    def normal(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=generator).to(device)

    query = normal(length, sentences, dim).requires_grad_()
    memory = query if site.is_self else normal(length, sentences, dim).requires_grad_()
    padding = _padding(length, sentences, not site.is_causal, generator).to(device) if padded else None
    if padding is not None and not padding.any():  # fairseq gives no mask then
        padding = None
    future = torch.ones(length, length, dtype=torch.bool, device=device).triu(1) if site.is_causal else None
    gradient = normal(length, sentences, dim)
    if padding is not None and site.is_self:  # nothing comes back from what stands for no token
        gradient = gradient.masked_fill(padding.t()[:, :, None], 0.0)
    return Inputs(query, memory, padding, future, gradient)


def _padding(length: int, sentences: int, left: bool, generator: torch.Generator) -> Tensor:
    lengths = torch.randint((length + 1) // 2, length + 1, (sentences,), generator=generator)
    lengths[0] = length
    places = torch.arange(length).flip(0) if left else torch.arange(length)
    return places >= lengths[:, None]
