"""What one attention site remembers between the steps of incremental decoding.

Axes: b batch (sentences x beam), h heads, s keys, d head size.
"""

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass
class KeyValueCache:
    """Projected keys and values of the tokens seen so far; made by the caller, filled by the mixer.

    keys: (b, h, s, d), absent if no term looks at key content. values: (b, h, s, d). padding: (b, s), True at
    padded keys, absent if there are none. offset: (b), how many padded positions were before the first token
    of a cross site's keys. poison: (b, 1, 1), NaN once a token of a causal site was broken, else 0.
    queries: number of queries answered so far.
    """

    keys: Tensor | None = None
    values: Tensor | None = None
    padding: Tensor | None = None
    offset: Tensor | None = None
    poison: Tensor | None = None
    queries: int = 0

    def append(self, keys: Tensor | None, values: Tensor, padding: Tensor | None) -> None:
        """Adds the keys and values of the newest tokens."""
        if self.values is None:
            self.keys, self.values, self.padding = keys, values, padding
            return
        if padding is not None or self.padding is not None:
            old = _or_no_padding(self.padding, self.values)
            self.padding = torch.cat([old, _or_no_padding(padding, values)], dim=1)
        if keys is not None:
            assert self.keys is not None
            self.keys = torch.cat([self.keys, keys], dim=2)
        self.values = torch.cat([self.values, values], dim=2)

    def reorder(self, order: Tensor) -> None:
        """Row i of the batch becomes what row order[i] was, as the beam search demands."""
        for name in ("keys", "values", "padding", "offset", "poison"):
            tensor = getattr(self, name)
            if tensor is not None:
                setattr(self, name, tensor.index_select(0, order))


def _or_no_padding(padding: Tensor | None, values: Tensor) -> Tensor:
    if padding is not None:
        return padding
    return torch.zeros(values.shape[0], values.shape[2], dtype=torch.bool, device=values.device)
