"""What a mixer remembers between the steps of incremental decoding.

Axes: b batch (sentences x beam), h heads, s keys, d head size, c channels.
"""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import pad


class _Reorderable:
    """Reorders the tensors named in TENSORS that exist."""

    TENSORS: tuple[str, ...] = ()

    def reorder(self, order: Tensor) -> None:
        """Row i of the batch becomes what row order[i] was, as the beam search demands."""
        for name in self.TENSORS:
            tensor = getattr(self, name)
            if tensor is not None:
                setattr(self, name, tensor.index_select(0, order))


@dataclass
class KeyValueCache(_Reorderable):
    """Projected keys and values of the tokens seen so far; made by the caller, filled by the mixer.

    keys: (b, h, s, d), absent if no term looks at key content. values: (b, h, s, d). padding: (b, s), True at
    padded keys, absent if there are none. offset: (b), how many padded positions were before the first token
    of a cross site's keys. poison: (b, 1, 1), NaN once a token of a causal site was broken, else 0.
    queries: number of queries answered so far. forgotten: number of tokens before the first key that is kept;
    forgotten_tokens: (b), how many of them were not padded, absent if all.
    """

    keys: Tensor | None = None
    values: Tensor | None = None
    padding: Tensor | None = None
    offset: Tensor | None = None
    poison: Tensor | None = None
    forgotten_tokens: Tensor | None = None
    queries: int = 0
    forgotten: int = 0

    TENSORS = ("keys", "values", "padding", "offset", "poison", "forgotten_tokens")

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

    def keep_last(self, count: int) -> None:
        """Forgets all but the last ``count`` keys: later queries are too far from the others."""
        assert self.values is not None
        surplus = self.values.shape[2] - count
        if surplus > 0:
            if self.padding is not None:
                before = self.forgotten if self.forgotten_tokens is None else self.forgotten_tokens
                self.forgotten_tokens = before + (~self.padding[:, :surplus]).sum(dim=1)
                self.padding = self.padding[:, surplus:]
            self.keys = None if self.keys is None else self.keys[:, :, surplus:]
            self.values = self.values[:, :, surplus:]
            self.forgotten += surplus


@dataclass
class TokenCache(_Reorderable):
    """The last tokens that a convolution reaches; made by the caller, filled by the mixer.

    tokens: (b, s, c). padding: (b, s), True at padded tokens, absent if there are none. poison, queries, forgotten:
    as in KeyValueCache.
    """

    tokens: Tensor | None = None
    padding: Tensor | None = None
    poison: Tensor | None = None
    queries: int = 0
    forgotten: int = 0

    TENSORS = ("tokens", "padding", "poison")

    def extend(self, new: Tensor, padding: Tensor | None) -> tuple[Tensor, int]:
        """The remembered tokens followed by the new ones, and how many were remembered."""
        self.queries += new.shape[1]
        if self.tokens is None:
            self.tokens, self.padding = new, padding
            return new, 0
        remembered = self.tokens.shape[1]
        if padding is not None or self.padding is not None:
            old = _or_no_padding(self.padding, self.tokens)
            self.padding = torch.cat([old, _or_no_padding(padding, new)], dim=1)
        self.tokens = torch.cat([self.tokens, new], dim=1)
        return self.tokens, remembered

    def over_all_tokens(self, weights: Tensor) -> Tensor:
        """Weights (b, h, t, s) of the tokens at hand as weights of all so far, zero at padding and forgotten ones."""
        if self.padding is not None:
            weights = weights.masked_fill(self.padding[:, None, None, :], 0.0)
        return pad(weights, (self.forgotten, 0))

    def keep_last(self, count: int) -> None:
        """Forgets all but the last ``count`` tokens: later queries do not reach the others."""
        assert self.tokens is not None
        surplus = self.tokens.shape[1] - count
        if surplus > 0:
            self.tokens = self.tokens[:, surplus:]
            self.padding = None if self.padding is None else self.padding[:, surplus:]
            self.forgotten += surplus


def _or_no_padding(padding: Tensor | None, tokens: Tensor) -> Tensor:
    """padding, or (b, s) of False for tokens (b, ..., s, c)."""
    if padding is not None:
        return padding
    return torch.zeros(tokens.shape[0], tokens.shape[-2], dtype=torch.bool, device=tokens.device)
