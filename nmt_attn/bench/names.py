"""Names of the contenders. Standard library only."""

import shlex
from collections.abc import Iterable
from dataclasses import dataclass

from nmt_attn.spec import SpecError

FAIRSEQ, FAIRSEQ_RELATIVE, TORCH, X_TRANSFORMERS = "fairseq", "fairseq-relative", "torch", "x-transformers"
STOCK = "transformer"  # fairseq's architecture
OTHERS = (FAIRSEQ_RELATIVE, TORCH, X_TRANSFORMERS)  # beside fairseq, which the others are compared with
PATHS = ("matmul", "blocked", "fused", "angle", "pool", "toeplitz", "separable")
ENGINE_MARK = " + engine"
ENGINES = {"plain": (False,), "fast": (True,), "both": (False, True)}


@dataclass(frozen=True)
class Ours:
    """A mixer in its notation, the path it shall take (None: its own choice), and whether the engine is on."""

    mixer: str
    path: str | None = None
    engine: bool = False

    @property
    def name(self) -> str:
        return self.mixer + (f"@{self.path}" if self.path else "") + ENGINE_MARK * self.engine


def our_contenders(codes: Iterable[str], paths: Iterable[str], engine: str) -> list[Ours]:
    """One for each MIXER or MIXER@PATH, a further one for each of the paths, and all that for each engine setting.

    Raises SpecError for a path that does not exist.
    """
    ours = []
    for text in codes:
        mixer, at, path = text.partition("@")
        for way in [path] if at else [None, *paths]:
            if way is not None and way not in PATHS:
                raise SpecError(f"a path must be one of {', '.join(PATHS)}, not {way!r}")
            ours += [Ours(mixer, way, fast) for fast in ENGINES[engine]]
    return list(dict.fromkeys(ours))


def check_others(names: Iterable[str]) -> None:
    for name in names:
        if name not in OTHERS:
            raise SpecError(f"--against must be some of {', '.join(OTHERS)}, not {name!r}")


def arch_and_flags(command: str) -> tuple[str, list[str]]:
    """The two parts of "ARCH FLAGS"; raises SpecError."""
    try:
        arch, *flags = shlex.split(command) or [""]
    except ValueError as error:
        raise SpecError(f"{command} must be flags as in a shell: {error}") from None
    return arch, flags
