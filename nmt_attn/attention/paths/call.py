"""What a path is given: the logits of one call as factors that are not multiplied out yet, and who sees whom.

Axes: b batch, h heads, t queries, s keys, d head size, m distances.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

import torch
from torch import Tensor

from nmt_attn.attention.masking import hidden_keys


@dataclass(frozen=True)
class Products:
    """The matrix products of the paths that write them out: torch's, or those of nmt_attn.engine.

    matmul: as torch.matmul. scope: around products that have no gradient of their own.
    """

    matmul: Callable[[Tensor, Tensor], Tensor] = torch.matmul
    scope: Callable[[], AbstractContextManager[None]] = nullcontext


PLAIN = Products()


@dataclass(frozen=True)
class Factors:
    """Logits of query q and key k, divided by sqrt(d) already; what is absent counts nothing:

        a_q . k_k  +  l_k  +  p_q . r_{k-q}  +  T_{k-q}  +  k_k . r'_{q-k}  +  dense_{q,k}

    E1 + E3 is content, or by_key without E1; E2 + E4 is relative, or by_distance without E2. content: a (b, h, t, d)
    and k (b, h, s, d). by_key: l (b, h, s). relative: p (b, h, t, d) and r (h, m, d), or (1, m, d) if heads share it.
    by_distance: T (h, m). key_relative: k (b, h, s, d) and r' (h, m, d). dense: (b, h, t, s), 1 where it is the same
    for all. The distances of r and T ascend from the last query's to the first key, m = t + s - 1 of them; those of r'
    from the last key's to the first query. first_heads: (b, g, t, s), all that g heads before the others have.
    """

    content: tuple[Tensor, Tensor] | None = None
    by_key: Tensor | None = None
    relative: tuple[Tensor, Tensor] | None = None
    by_distance: Tensor | None = None
    key_relative: tuple[Tensor, Tensor] | None = None
    dense: Tensor | None = None
    first_heads: Tensor | None = None


@dataclass(frozen=True)
class Call:
    """Sizes and mask of one call.

    start: position of the first query among the keys. together: the queries are not one after the other but all stand
    at start, as the hypotheses of a beam do. padding: (b, s), True at padded keys. dropout: probability on the weights,
    0 outside training.
    """

    queries: int
    keys: int
    start: int = 0
    together: bool = False
    causal: bool = False
    window: int | None = None
    padding: Tensor | None = None
    dropout: float = 0.0

    @property
    def positions(self) -> int:
        """How many different positions the queries have."""
        return 1 if self.together else self.queries

    @property
    def distances(self) -> tuple[int, int]:
        """The smallest and the greatest k - q."""
        return -(self.start + self.positions - 1), self.keys - 1 - self.start

    def hidden(self, device: torch.device) -> Tensor | None:
        """Mask of the hidden keys, broadcastable to (b, 1, t, s), or None if all are visible."""
        return hidden_keys(self.positions, self.keys, self.start, device, self.causal, self.window, self.padding)

    def keyless(self, device: torch.device) -> Tensor | None:
        """Queries without a visible key, broadcastable to (b, t), or None if there cannot be any."""
        if self.window is not None:
            hidden = self.hidden(device)
            return None if hidden is None else hidden.all(dim=-1).all(dim=1)
        if self.padding is None:
            return None
        if not self.causal:
            return self.padding.all(dim=1, keepdim=True)
        first = self.padding.cumprod(dim=1).bool()  # is there no real token up to this one?
        return first[:, self.start : self.start + self.queries]
