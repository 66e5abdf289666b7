"""What a mixer remembers between the steps of incremental decoding.

Axes: b batch (sentences x beam), h heads, s keys, d head size, c channels.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import pad


class _Reorderable:
    """Reorders the tensors named in TENSORS that exist."""

    TENSORS: tuple[str, ...] = ()

    def reorder(self, order: Tensor) -> None:
        """Row i of the batch becomes what row order[i] was, as the beam search demands."""
        tensors = {name: getattr(self, name) for name in self.TENSORS}
        present = {name: tensor for name, tensor in tensors.items() if tensor is not None}
        if present and not in_order(order, next(iter(present.values())).shape[0]):
            for name, tensor in present.items():
                setattr(self, name, tensor.index_select(0, order))


def in_order(order: Tensor, rows: int) -> bool:
    """Does the order leave all rows where they are?"""
    return order.shape[0] == rows and torch.equal(order, torch.arange(rows, device=order.device))


def by_sentence(order: Tensor, beam: int) -> tuple[Tensor, int]:
    """The order of rows that ``beam`` hypotheses share, and how many share one from now on.

    As many while those of a sentence stay together, as in beam search; else each gets a row of its own.
    """
    rows = order // beam
    if order.shape[0] % beam == 0:
        groups = rows.unflatten(0, (-1, beam))
        if torch.equal(groups, groups[:, :1].expand_as(groups)):
            return groups[:, 0], beam
    return rows, 1


class Rows:
    """A tensor (b, h, s) or (b, h, s, d) that grows along s, in memory that is allocated ahead, twice for reorders.

    Where gradients are taken it is put together anew at each step: what a graph has read must not change.
    """

    def __init__(self, first: Tensor) -> None:
        self._held, self._count = first, first.shape[2]
        self._spare: Tensor | None = None
        self._is_own = False  # may the memory be written to?

    @property
    def tensor(self) -> Tensor:
        return self._held[:, :, : self._count]

    def append(self, new: Tensor) -> None:
        count = self._count + new.shape[2]
        if torch.is_grad_enabled():
            self._held, self._is_own = torch.cat([self.tensor, new], dim=2), False
        else:
            if count > self._held.shape[2] or not self._is_own:
                self._grow(max(32, 2 * count))
            self._held[:, :, self._count : count] = new
        self._count = count

    def _grow(self, capacity: int) -> None:
        old = self.tensor
        self._held, self._is_own = old.new_empty(*old.shape[:2], capacity, *old.shape[3:]), True
        self.tensor.copy_(old)

    def drop(self, surplus: int) -> None:
        """Forgets the first rows."""
        self._held, self._count = self._held[:, :, surplus:], self._count - surplus

    def reorder(self, order: Tensor) -> None:
        """From one of two places in memory to the other."""
        rows, spare = order.shape[0], self._spare
        if torch.is_grad_enabled():
            self._held, self._is_own = self.tensor.index_select(0, order), False
            return
        if spare is None or spare.shape[0] < rows or spare.shape[2] < self._held.shape[2]:
            spare = self._held.new_empty(rows, *self._held.shape[1:])
        spare = spare[:rows, :, : self._held.shape[2]]
        torch.index_select(self.tensor, 0, order, out=spare[:, :, : self._count])
        self._held, self._spare, self._is_own = spare, self._held if self._is_own else None, True


@dataclass
class KeyValueCache:
    """Projected keys and values of the tokens seen so far; made by the caller, filled by the mixer.

    keys: (b, h, s, d), absent if nothing is compared with key content. by_key: (b, h, s), key content alone (E3),
    absent if it is part of another product or off. values: (b, h, s, d). padding: (b, s), True at padded keys, absent
    if there are none. offset: (b), how many padded positions were before the first token of a cross site's keys.
    poison: (b, 1, 1), NaN once a token of a causal site was broken. queries: number of queries answered so far. beam:
    how many rows of queries share a row of a cross site's keys. forgotten: number of tokens before the first key that
    is kept; forgotten_tokens: (b), how many of them were not padded, absent if all.
    """

    padding: Tensor | None = None
    offset: Tensor | None = None
    poison: Tensor | None = None
    forgotten_tokens: Tensor | None = None
    queries: int = 0
    beam: int = 1
    forgotten: int = 0
    _keys: Rows | None = None
    _by_key: Rows | None = None
    _values: Rows | None = None
    _table: tuple[int, int, Tensor] | None = None

    @property
    def keys(self) -> Tensor | None:
        return None if self._keys is None else self._keys.tensor

    @property
    def by_key(self) -> Tensor | None:
        return None if self._by_key is None else self._by_key.tensor

    @property
    def values(self) -> Tensor | None:
        return None if self._values is None else self._values.tensor

    def append(self, keys: Tensor | None, by_key: Tensor | None, values: Tensor, padding: Tensor | None) -> None:
        """Adds the keys and values of the newest tokens."""
        if self.values is None:
            self._keys, self._by_key = (None if new is None else Rows(new) for new in (keys, by_key))
            self._values, self.padding = Rows(values), padding
            return
        if padding is not None or self.padding is not None:
            old = _or_no_padding(self.padding, self.values)
            self.padding = torch.cat([old, _or_no_padding(padding, values)], dim=1)
        for rows, new in ((self._keys, keys), (self._by_key, by_key), (self._values, values)):
            if rows is not None and new is not None:
                rows.append(new)

    def keep_last(self, count: int) -> None:
        """Forgets all but the last ``count`` keys: later queries are too far from the others."""
        assert self.values is not None
        surplus = self.values.shape[2] - count
        if surplus > 0:
            if self.padding is not None:
                before = self.forgotten if self.forgotten_tokens is None else self.forgotten_tokens
                self.forgotten_tokens = before + (~self.padding[:, :surplus]).sum(dim=1)
                self.padding = self.padding[:, surplus:]
            for rows in (self._keys, self._by_key, self._values):
                if rows is not None:
                    rows.drop(surplus)
            self.forgotten += surplus

    def reorder(self, order: Tensor) -> None:
        """Row i of the batch becomes what row order[i] was, see by_sentence."""
        if self.values is None:
            return
        order, self.beam = by_sentence(order, self.beam)
        if in_order(order, self.values.shape[0]):
            return
        for rows in (self._keys, self._by_key, self._values):
            if rows is not None:
                rows.reorder(order)
        for name in ("padding", "offset", "poison", "forgotten_tokens"):
            tensor = getattr(self, name)
            if tensor is not None:
                setattr(self, name, tensor.index_select(0, order))

    def table_of(self, low: int, high: int, make: Callable[[int, int], Tensor], axis: int) -> Tensor:
        """What ``make`` gives for the distances from low to high, along ``axis``; kept, and made ahead of need."""
        graphless = self._table is not None and torch.is_grad_enabled() and not self._table[2].requires_grad
        if self._table is None or low < self._table[0] or high > self._table[1] or graphless:
            first, last = -(1 << max(-low, 31).bit_length()), max(high, 0)
            self._table = first, last, make(first, last)
        first, _, table = self._table
        return table.narrow(axis, low - first, high - low + 1)


@dataclass
class RunningCache(_Reorderable):
    """Mixture of all tokens so far, where weights do not depend on the query; made by the caller, filled by the mixer.

    level: (b, h, 1), logarithm of the sum of exponentials of the logits, float64. mean: (b, h, d), the mixture, float32
    at least. poison, queries: as in KeyValueCache.
    """

    level: Tensor | None = None
    mean: Tensor | None = None
    poison: Tensor | None = None
    queries: int = 0

    TENSORS = ("level", "mean", "poison")


@dataclass
class PooledCache:
    """Output (b, 1, c) and weights (b, h, 1, s) of a cross site that are the same for every query; beam: see
    KeyValueCache."""

    output: Tensor | None = None
    weights: Tensor | None = None
    beam: int = 1
    queries: int = 0

    def reorder(self, order: Tensor) -> None:
        """Row i of the batch becomes what row order[i] was, see by_sentence."""
        if self.output is None or self.weights is None:
            return
        order, self.beam = by_sentence(order, self.beam)
        if not in_order(order, self.output.shape[0]):
            self.output = self.output.index_select(0, order)
            self.weights = self.weights.index_select(0, order)


AttentionCache = KeyValueCache | RunningCache | PooledCache


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
