"""What an attention site computes, as frozen data.

The generalized attention of Zhu et al. (arXiv 1904.05873, section 3) weighs each key by a sum of four terms.
A *code* names a choice of them by four digits, each 0 or 1, in the order of :class:`Terms`.
Standard library only.
"""

from dataclasses import dataclass, fields
from enum import Enum


class SpecError(ValueError):
    """A specification that cannot be computed; the message is one sentence with the rule and the value."""


class Site(Enum):
    """A place in the Transformer where attention is used."""

    ENCODER_SELF = "encoder self"
    DECODER_SELF = "decoder self"
    CROSS = "cross"

    @property
    def is_self(self) -> bool:
        return self is not Site.CROSS

    @property
    def is_causal(self) -> bool:
        return self is Site.DECODER_SELF


@dataclass(frozen=True)
class Terms:
    """The four attention terms, each on or off (arXiv 1904.05873, table 1; U, V^C, V^R, u, v as there).

    ========  ==================  ===================================  =================================
    digit     field               logit of query q and key k           parameters
    ========  ==================  ===================================  =================================
    1000      query_key           (U z_q) . (V^C x_k)                  U, V^C
    0100      query_position      (U z_q) . (V^R R_{k-q})              U, V^R
    0010      key                 u . (V^C x_k)                        u, V^C
    0001      position            v . (V^R R_{k-q})                    v, V^R
    ========  ==================  ===================================  =================================
    """

    query_key: bool
    query_position: bool
    key: bool
    position: bool

    @classmethod
    def parse(cls, code: object) -> "Terms":
        """The terms that a code such as ``"0110"`` switches on; raises SpecError for anything but a code."""
        if isinstance(code, int):
            raise SpecError(f"a code must be text, not the number {code}: put it in quotes, as '0110'")
        if not isinstance(code, str) or len(code) != 4 or not set(code) <= {"0", "1"}:
            raise SpecError(f"a code must be four digits, each 0 or 1, such as 0110, not {code!r}")
        return cls(*(digit == "1" for digit in code))

    @property
    def code(self) -> str:
        return "".join("1" if getattr(self, field.name) else "0" for field in fields(self))

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the terms that are on, in the order of the digits."""
        return tuple(field.name for field in fields(self) if getattr(self, field.name))

    @property
    def use_query(self) -> bool:
        """Does any term look at the query content (so that U exists)?"""
        return self.query_key or self.query_position

    @property
    def use_key(self) -> bool:
        """Does any term look at the key content (so that V^C exists)?"""
        return self.query_key or self.key

    @property
    def use_position(self) -> bool:
        """Does any term look at the relative position (so that V^R exists)?"""
        return self.query_position or self.position


ALL_CODES = tuple(f"{number:04b}" for number in range(16))


@dataclass(frozen=True)
class AttentionSpec:
    """One attention site of one layer.

    dim: width of queries and outputs. heads: number of heads, a divisor of dim. key_dim: width of keys and values
    (dim if not given). dropout: probability on the attention weights. window: only keys with
    abs(k - q) <= window support a query (all if not given). max_distance: relative positions beyond it are
    taken as it (no limit if not given). Raises SpecError where these do not fit together.
    """

    site: Site
    terms: Terms
    dim: int
    heads: int
    key_dim: int = 0
    dropout: float = 0.0
    window: int | None = None
    max_distance: int | None = None

    def __post_init__(self) -> None:
        if self.heads < 1:
            raise SpecError(f"heads must be at least 1, not {self.heads}")
        if self.dim < 1 or self.dim % self.heads:
            raise SpecError(f"dim must be a multiple of heads ({self.heads}), not {self.dim}")
        if self.terms.use_position and self.dim % 2:
            raise SpecError(f"dim must be even for pairs of sine and cosine, not {self.dim}")
        if not 0.0 <= self.dropout < 1.0:
            raise SpecError(f"attention dropout must be at least 0 and below 1, not {self.dropout}")
        if self.window is not None and self.window < 0:
            raise SpecError(f"the attention window must be at least 0, not {self.window}")
        if self.max_distance is not None and self.max_distance < 1:
            raise SpecError(f"the maximum relative distance must be at least 1, not {self.max_distance}")
        if self.key_dim < 0:
            raise SpecError(f"key_dim must be positive, or 0 for dim, not {self.key_dim}")
        if self.key_dim == 0:
            object.__setattr__(self, "key_dim", self.dim)
        if self.site.is_self and self.key_dim != self.dim:
            raise SpecError(f"in self-attention key_dim must be dim ({self.dim}), not {self.key_dim}")

    @property
    def head_size(self) -> int:
        return self.dim // self.heads


def codes_per_layer(codes: str, layers: int, flag: str) -> tuple[Terms, ...]:
    """Terms of each layer from one code, or one code a layer separated by commas.

    flag: the option's name, for the message. Raises SpecError.
    """
    parts = [part.strip() for part in codes.split(",")]
    if len(parts) == 1:
        parts = parts * layers
    if len(parts) != layers:
        raise SpecError(f"{flag} must have one code, or one for each of the {layers} layers, not {len(parts)}")
    try:
        return tuple(Terms.parse(part) for part in parts)
    except SpecError as error:
        raise SpecError(f"{flag}: {error}") from None
