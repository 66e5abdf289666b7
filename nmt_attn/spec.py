"""What an attention site computes, as frozen data.

The generalized attention of Zhu et al. (arXiv 1904.05873, section 3) weighs each key by a sum of four terms.
A *code* names a choice of them by four digits, each 0 or 1, in the order of :class:`Terms`. Convolutions and fixed
patterns are instances of the same formula. Anything that can stand at a site is a *mixer*.
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


class Positions(Enum):
    """Where the position terms E2 and E4 take their numbers from."""

    SINUSOID = "sinusoid"  # V^R R_{k-q} (arXiv 1904.05873)
    SHAW = "shaw"  # one learned vector a clipped distance in the place of V^R R_{k-q} (Shaw et al. 2018)
    T5 = "t5"  # E4: one learned number a head and bucket of distances (Raffel et al. 2020)
    ALIBI = "alibi"  # E4: a slope a head times the distance (Press et al. 2022)
    GAUSSIAN = "gaussian"  # E4: the logarithm of a Gaussian beside the query (You et al. 2020)
    FIXED = "fixed"  # E4: seven fixed patterns; one head in eight looks at content (Raganato et al. 2020)
    SYNTHESIZER = "synthesizer"  # E4: one learned number a head and pair of positions (Tay et al. 2021)

    @property
    def are_vectors(self) -> bool:
        """Is there a vector a distance, which E2 can compare with the query?"""
        return self in (Positions.SINUSOID, Positions.SHAW)


T5_BUCKETS = 32  # of distances, in both directions together
DEFAULT_MAX_DISTANCE = {Positions.SHAW: 16, Positions.T5: 128, Positions.SYNTHESIZER: 256}


@dataclass(frozen=True)
class AttentionSpec:
    """One attention site of one layer.

    dim: width of queries and outputs. heads: number of heads, a divisor of dim. key_dim: width of keys and values
    (dim if not given). dropout: probability on the attention weights. window: only keys with
    abs(k - q) <= window support a query (all if not given). max_distance: relative positions beyond it are
    taken as it (no limit if not given). positions: what E2 and E4 are made of. key_position: a fifth term, key
    content x relative position, (V^C x_k) . (U^R R_{q-k}) (He et al. 2021). position_size: width of R (dim, the
    paper's, if not given). Raises SpecError where these do not fit together.
    """

    site: Site
    terms: Terms
    dim: int
    heads: int
    key_dim: int = 0
    dropout: float = 0.0
    window: int | None = None
    max_distance: int | None = None
    positions: Positions = Positions.SINUSOID
    key_position: bool = False
    position_size: int = 0

    def __post_init__(self) -> None:
        check_heads(self.dim, self.heads)
        sinusoids = (self.terms.use_position and self.positions is Positions.SINUSOID) or self.key_position
        if self.position_size != self.dim:  # which stands for a width that was not given
            check_position_size(self.position_size)
        if not self.position_size or not sinusoids:
            object.__setattr__(self, "position_size", self.dim)
        if sinusoids and self.position_size % 2:
            raise SpecError(f"dim must be even for pairs of sine and cosine, not {self.dim}")
        check_dropout(self.dropout)
        check_window(self.window)
        check_max_distance(self.max_distance)
        if self.key_dim < 0:
            raise SpecError(f"key_dim must be positive, or 0 for dim, not {self.key_dim}")
        if self.key_dim == 0:
            object.__setattr__(self, "key_dim", self.dim)
        if self.site.is_self and self.key_dim != self.dim:
            raise SpecError(f"in self-attention key_dim must be dim ({self.dim}), not {self.key_dim}")
        self._check_positions()
        if not self.terms.use_position and not self.key_position:  # nothing reads it
            object.__setattr__(self, "max_distance", None)
        elif self.max_distance is None:
            object.__setattr__(self, "max_distance", DEFAULT_MAX_DISTANCE.get(self.positions))

    def _check_positions(self) -> None:
        kind = self.positions
        if kind is Positions.SINUSOID:
            return
        name = f"positions={kind.value}"
        if not self.site.is_self:
            raise SpecError(f"{name} must be in self-attention, not in cross attention")
        if kind is Positions.FIXED and self.site.is_causal:
            raise SpecError(f"{name} must be in the encoder, not in decoder self-attention: its patterns look ahead")
        if not self.terms.use_position:
            raise SpecError(f"{name} must have a position term to stand in, such as 0001, not code {self.terms.code}")
        if self.terms.query_position and not kind.are_vectors:
            raise SpecError(f"{name} must be in a code without 0100, such as 1001, not in {self.terms.code}")
        if self.key_position:
            raise SpecError(f"the term of key content and position must have positions=sinusoid, not {name}")
        if kind is Positions.FIXED and self.max_distance is not None:
            raise SpecError(f"{name} must have no maximum distance, not {self.max_distance}")
        if kind is Positions.FIXED and self.content_heads == self.heads:
            raise SpecError(f"{name} with code {self.terms.code} must have at least 2 heads, one of each kind, not 1")

    @property
    def head_size(self) -> int:
        return self.dim // self.heads

    @property
    def content_heads(self) -> int:
        """Heads that look at content; with fixed patterns one in eight, and none if no term does."""
        if self.positions is not Positions.FIXED:
            return self.heads
        return -(-self.heads // 8) if self.terms.use_key else 0

    @property
    def use_key(self) -> bool:
        """Does V^C exist?"""
        return self.terms.use_key or self.key_position

    @property
    def sees_keys(self) -> bool:
        """Is there any term, so that not all keys weigh the same?"""
        return bool(self.terms.names) or self.key_position

    @property
    def is_alike(self) -> bool:
        """Are the weights the same for all queries that see the same keys, which without a window all do?"""
        looks = self.terms.use_query or self.terms.position or self.key_position or self.window is not None
        return not looks

    @property
    def text(self) -> str:
        """The notation of nmt_attn.notation, without what has its default value."""
        parts = [self.terms.code]
        if self.positions is not Positions.SINUSOID:
            parts.append(f"positions={self.positions.value}")
        parts += ["key-position"] * self.key_position
        if self.window is not None:
            parts.append(f"window={self.window}")
        if self.max_distance != DEFAULT_MAX_DISTANCE.get(self.positions):
            parts.append(f"distance={self.max_distance}")
        if self.position_size != self.dim:
            parts.append(f"position-size={self.position_size}")
        return ":".join(parts)


class Convolution(Enum):
    """Convolutions, all of them instances of the generalized formula (arXiv 1904.05873)."""

    REGULAR = "conv"
    DEFORMABLE = "deform"
    LIGHT = "light"
    DYNAMIC = "dynamic"

    @property
    def is_gated(self) -> bool:
        """Light and dynamic convolution: gated input, a softmax over the taps, weights shared in a head."""
        return self in (Convolution.LIGHT, Convolution.DYNAMIC)


@dataclass(frozen=True)
class ConvolutionSpec:
    """A convolution in the place of one self-attention.

    dim: width. kernel: number of taps, odd; they are centred on the query in the encoder and end at it in the
    decoder. heads: light and dynamic convolution share their weights within dim / heads channels; the others do not
    read it. dropout: probability on the weights of light and dynamic convolution. window: no tap, and no sampling
    point of a deformable convolution, is farther than this from the query. Raises SpecError.
    """

    site: Site
    kind: Convolution
    dim: int
    heads: int
    kernel: int
    dropout: float = 0.0
    window: int | None = None

    def __post_init__(self) -> None:
        if not self.site.is_self:
            raise SpecError(f"{self.kind.value} must be in self-attention, not in cross attention")
        if self.kernel < 1 or self.kernel % 2 == 0:
            raise SpecError(f"the kernel of {self.kind.value} must be odd and at least 1, not {self.kernel}")
        check_heads(self.dim, self.heads)
        check_dropout(self.dropout)
        check_window(self.window)

    @property
    def head_size(self) -> int:
        return self.dim // self.heads

    @property
    def taps(self) -> tuple[int, ...]:
        """Positions p_m relative to the query, ascending; those outside the window do not exist."""
        low, high = (1 - self.kernel, 0) if self.site.is_causal else (-(self.kernel // 2), self.kernel // 2)
        if self.window is not None:
            low, high = max(low, -self.window), min(high, self.window)
        return tuple(range(low, high + 1))

    @property
    def text(self) -> str:
        parts = [self.kind.value, f"kernel={self.kernel}"]
        if self.window is not None:
            parts.append(f"window={self.window}")
        return ":".join(parts)


@dataclass(frozen=True)
class ChainSpec:
    """A deformable convolution, then attention to what came out: the paper's combination (arXiv 1904.05873)."""

    first: ConvolutionSpec
    then: AttentionSpec

    def __post_init__(self) -> None:
        if self.first.kind is not Convolution.DEFORMABLE:
            raise SpecError(f"attention can only follow deform, not {self.first.kind.value}")
        if (self.first.site, self.first.dim) != (self.then.site, self.then.dim):
            raise SpecError("a convolution and the attention after it must have the same site and dim")

    @property
    def site(self) -> Site:
        return self.then.site

    @property
    def dim(self) -> int:
        return self.then.dim

    @property
    def text(self) -> str:
        return f"{self.first.text}+{self.then.text}"


MixerSpec = AttentionSpec | ConvolutionSpec | ChainSpec


def check_heads(dim: int, heads: int) -> None:
    if heads < 1:
        raise SpecError(f"heads must be at least 1, not {heads}")
    if dim < 1 or dim % heads:
        raise SpecError(f"dim must be a multiple of heads ({heads}), not {dim}")


def check_dropout(dropout: float) -> None:
    if not 0.0 <= dropout < 1.0:
        raise SpecError(f"attention dropout must be at least 0 and below 1, not {dropout}")


def check_window(window: int | None) -> None:
    if window is not None and window < 0:
        raise SpecError(f"the attention window must be at least 0, not {window}")


def check_max_distance(distance: int | None) -> None:
    if distance is not None and distance < 1:
        raise SpecError(f"the maximum relative distance must be at least 1, not {distance}")


def check_position_size(size: int) -> None:
    if size < 0 or size % 2:
        raise SpecError(f"the position size must be even and at least 2, or 0 for the width of the model, not {size}")
