"""The notation of mixers on the command line and in presets: one for attention, patterns and convolutions.

    MIXERS     a MIXER for all layers, or one a layer: MIXER,MIXER,...
    MIXER      ATTENTION  or  CONV  or  deform+ATTENTION
    ATTENTION  a code such as 0110, or a published model such as alibi, then options
    CONV       conv, deform, light or dynamic, then options
    options    :window=W  :distance=D  :position-size=N                of attention
               :positions=P  :key-position
               :kernel=K  or one a layer  :kernel=K/K/...  :window=W   of convolutions

Examples: ``0010``, ``deform:kernel=5+0010``, ``dynamic:kernel=3/7/15``, ``alibi``, ``1111:window=4,1111``.
"""

# Standard library only.

from dataclasses import dataclass, replace

from nmt_attn.spec import (
    AttentionSpec,
    ChainSpec,
    Convolution,
    ConvolutionSpec,
    MixerSpec,
    Positions,
    Site,
    SpecError,
    Terms,
    check_dropout,
    check_heads,
    check_max_distance,
    check_position_size,
    check_window,
)

# Attention that others have published, in the words of this notation.
PUBLISHED = {
    "uniform": "0000",
    "gaussian": "0001:positions=gaussian",
    "fixed": "1001:positions=fixed",
    "synthesizer": "0001:positions=synthesizer",
    "alibi": "1001:positions=alibi",
    "t5": "1001:positions=t5",
    "shaw": "1100:positions=shaw",
    "deberta": "1100:key-position",
}
NAMES = (*PUBLISHED, *(kind.value for kind in Convolution))


@dataclass(frozen=True)
class Shape:
    """What a site's place in the model decides: widths, heads, dropout, and limits for mixers that name none.

    Raises SpecError.
    """

    dim: int
    heads: int
    key_dim: int = 0
    dropout: float = 0.0
    window: int | None = None
    max_distance: int | None = None
    position_size: int = 0

    def __post_init__(self) -> None:
        check_heads(self.dim, self.heads)
        check_position_size(self.position_size)
        check_dropout(self.dropout)
        check_window(self.window)
        check_max_distance(self.max_distance)


@dataclass(frozen=True)
class AttentionNote:
    """ATTENTION as written; None stands for what was left open."""

    terms: Terms
    positions: Positions = Positions.SINUSOID
    key_position: bool = False
    window: int | None = None
    max_distance: int | None = None
    position_size: int | None = None

    def spec(self, site: Site, shape: Shape, layer: int) -> AttentionSpec:
        del layer
        max_distance = self.max_distance
        if max_distance is None and (self.positions.are_vectors or self.key_position):
            max_distance = shape.max_distance
        return AttentionSpec(
            site=site,
            terms=self.terms,
            dim=shape.dim,
            heads=shape.heads,
            key_dim=shape.key_dim,
            dropout=shape.dropout,
            window=shape.window if self.window is None else self.window,
            max_distance=max_distance,
            positions=self.positions,
            key_position=self.key_position,
            position_size=shape.position_size if self.position_size is None else self.position_size,
        )


@dataclass(frozen=True)
class ConvolutionNote:
    """CONV as written; kernels: none, one, or one a layer."""

    kind: Convolution
    kernels: tuple[int, ...] = ()
    window: int | None = None

    def spec(self, site: Site, shape: Shape, layer: int) -> ConvolutionSpec:
        return ConvolutionSpec(
            site=site,
            kind=self.kind,
            dim=shape.dim,
            heads=shape.heads,
            kernel=self._kernel(layer),
            dropout=shape.dropout,
            window=shape.window if self.window is None else self.window,
        )

    def _kernel(self, layer: int) -> int:
        """By default 3, and for light and dynamic convolution 3, 7, 15, 31, 31, ... (Wu et al. 2019)."""
        if not self.kernels:
            return min(2 ** (layer + 2) - 1, 31) if self.kind.is_gated else 3
        return self.kernels[layer] if len(self.kernels) > 1 else self.kernels[0]


@dataclass(frozen=True)
class ChainNote:
    """deform+ATTENTION as written."""

    first: ConvolutionNote
    then: AttentionNote

    def spec(self, site: Site, shape: Shape, layer: int) -> ChainSpec:
        return ChainSpec(self.first.spec(site, shape, layer), self.then.spec(site, shape, layer))


MixerNote = AttentionNote | ConvolutionNote | ChainNote


def parse_mixers(text: str) -> tuple[MixerNote, ...]:
    """The mixers in a text, one or one a layer; raises SpecError."""
    return tuple(_parse_mixer(part.strip()) for part in text.split(","))


def layer_specs(text: str, site: Site, layers: int, shape: Shape, flag: str) -> tuple[MixerSpec, ...]:
    """What each layer computes at a site. flag: the option's name, for messages. Raises SpecError."""
    try:
        notes = parse_mixers(text)
        if len(notes) == 1:
            notes *= layers
        if len(notes) != layers:
            raise SpecError(f"there must be one mixer, or one for each of the {layers} layers, not {len(notes)}")
        for note in notes:
            _check_kernels(note, layers)
        return tuple(note.spec(site, shape, layer) for layer, note in enumerate(notes))
    except SpecError as error:
        raise SpecError(f"{flag}: {error}") from None


def _check_kernels(note: MixerNote, layers: int) -> None:
    convolution = note.first if isinstance(note, ChainNote) else note
    if isinstance(convolution, ConvolutionNote) and len(convolution.kernels) not in (0, 1, layers):
        given = len(convolution.kernels)
        raise SpecError(f"kernel must be one size, or one for each of the {layers} layers, not {given}")


def _parse_mixer(text: str) -> MixerNote:
    first, plus, then = (part.strip() for part in text.partition("+"))
    if not plus:
        return _parse_part(first)
    head = _parse_part(first) if first.startswith(Convolution.DEFORMABLE.value) else None
    if not isinstance(head, ConvolutionNote):
        raise SpecError(f"only deform can come before another mixer, as in deform+0010, not {first!r}")
    tail = _parse_part(then) if then and "+" not in then else None
    if not isinstance(tail, AttentionNote):
        raise SpecError(f"after deform+ there must be attention, as in deform+0010, not {then!r}")
    return ChainNote(head, tail)


def _parse_part(text: str) -> AttentionNote | ConvolutionNote:
    name, *options = text.split(":")
    if name in PUBLISHED:
        name, *implied = PUBLISHED[name].split(":")
        options = implied + options
    names = [option.partition("=")[0] for option in options]
    for option in names:
        if names.count(option) > 1:
            raise SpecError(f"an option must be given once, not {option} twice in {text!r}")
    if name in {kind.value for kind in Convolution}:
        note: AttentionNote | ConvolutionNote = ConvolutionNote(Convolution(name))
    elif name[:1].isdigit():
        note = AttentionNote(Terms.parse(name))
    else:
        known = ", ".join(NAMES)
        raise SpecError(f"a mixer must be a code of four digits, each 0 or 1, or one of {known}, not {name!r}")
    for option in options:
        note = _with_option(note, option)
    if isinstance(note, AttentionNote):
        _check_distance(note)
    return note


def _check_distance(note: AttentionNote) -> None:
    sees_positions = note.terms.use_position or note.key_position
    if note.max_distance is not None and not sees_positions:
        raise SpecError(f"distance must go with a term of relative position, not with code {note.terms.code}")
    if note.position_size is not None and not (sees_positions and note.positions is Positions.SINUSOID):
        raise SpecError(f"position-size must go with a term of relative position made of R, not with {note.terms.code}")


def _with_option(note: AttentionNote | ConvolutionNote, option: str) -> AttentionNote | ConvolutionNote:
    name, _, value = option.partition("=")
    if name == "window":
        return replace(note, window=_number(name, value))
    if isinstance(note, ConvolutionNote):
        if name == "kernel":
            return replace(note, kernels=tuple(_number(name, size) for size in value.split("/")))
        raise SpecError(f"the options of {note.kind.value} must be among kernel, window, not {option!r}")
    if name == "distance":
        return replace(note, max_distance=_number(name, value))
    if name == "position-size":
        return replace(note, position_size=_number(name, value))
    if name == "positions" and value in {kind.value for kind in Positions}:
        return replace(note, positions=Positions(value))
    if name == "positions":
        kinds = ", ".join(kind.value for kind in Positions)
        raise SpecError(f"positions must be one of {kinds}, not {value!r}")
    if option == "key-position":
        return replace(note, key_position=True)
    known = "window, distance, position-size, positions, key-position"
    raise SpecError(f"the options of attention must be among {known}, not {option!r}")


def _number(name: str, text: str) -> int:
    digits = text.removeprefix("-")
    if not text.isascii() or not digits.isdigit() or len(digits) > 5:
        raise SpecError(f"{name} must be a whole number of at most five digits, not {text[:20]!r}")
    return int(text)
