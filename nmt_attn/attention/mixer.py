"""What all mixers share: one call, and a cache of their own for incremental decoding."""

from abc import ABC, abstractmethod
from typing import Generic, Protocol, TypeVar

from torch import Tensor, nn

from nmt_attn.spec import MixerSpec


class Cache(Protocol):
    """What a mixer remembers of the tokens before, made by its ``new_cache``; queries: how many it has answered."""

    @property
    def queries(self) -> int: ...

    def reorder(self, order: Tensor) -> None:
        """Row i of the batch becomes what row order[i] was, as the beam search demands."""


Spec = TypeVar("Spec", bound=MixerSpec)
OwnCache = TypeVar("OwnCache", bound=Cache)


class Mixer(nn.Module, ABC, Generic[Spec, OwnCache]):
    """A module that gives each query a mixture of the memory.

    Axes: b batch, h heads, t queries, s keys, c channels.
    """

    spec: Spec

    @abstractmethod
    def new_cache(self, need_weights: bool = False) -> OwnCache:
        """An empty cache for the incremental decoding of one batch; need_weights: some step will ask for weights."""

    @abstractmethod
    def forward(
        self,
        query: Tensor,
        memory: Tensor,
        padding: Tensor | None = None,
        cache: OwnCache | None = None,
        need_weights: bool = False,
    ) -> tuple[Tensor, Tensor | None]:
        """Mixes the memory for each query.

        query: (b, t, c). memory: (b, s, key_dim), in self-attention the query itself. padding: (b, s), True at
        padded memory. cache: for incremental decoding; a self site then gets the newest tokens only, a cross site
        the whole memory, of which it reads the first time only; then the query may have several rows, the hypotheses
        of a beam, for each row of the memory. need_weights: also return the weights, before dropout.

        Returns the output (b, t, c) and the weights (b, h, t, s) over all tokens so far, or None. Where a query has
        no key the output of attention is zero, that of a convolution its bias. conv and deform have a row of weights
        for each tap in the place of h.
        """
