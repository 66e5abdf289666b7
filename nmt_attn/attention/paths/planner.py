"""Which path computes a call. All are exact; the choice is one of time and memory, as measured (nmt-attn bench)."""

import os
from enum import Enum

from torch import Tensor

from nmt_attn.attention.paths import blocked, toeplitz
from nmt_attn.attention.paths.call import Call
from nmt_attn.spec import AttentionSpec, Positions, SpecError

FORCE = "NMT_ATTN_PATH"  # environment variable: the path to take, for tests and comparisons
NARROW = 64  # widest R for which a GPU takes angle addition, for its memory; not measured on one yet


class Path(Enum):
    """The ways to compute a call, one file each; pool has a second one for causal attention, scan."""

    MATMUL = "matmul"
    FUSED = "fused"
    BLOCKED = "blocked"
    ANGLE = "angle"
    POOL = "pool"
    TOEPLITZ = "toeplitz"
    SEPARABLE = "separable"


def choose(spec: AttentionSpec, call: Call, like: Tensor, need_weights: bool, in_range: bool = True) -> Path:
    """The path for a whole call, on the device and in the type of ``like``.

    in_range: whether the logits allow toeplitz and separable. NMT_ATTN_PATH decides if it is set. Raises SpecError if
    it names no path, or one that cannot compute the call.
    """
    possible, path = _possible(spec, call, like, need_weights, in_range), forced()
    if path is None:
        return possible[0]
    if path not in possible:
        names = ", ".join(each.value for each in possible)
        site = f"{spec.text} ({spec.site.value})"
        raise SpecError(f"{FORCE} must be one of {names} for this call of {site}, not {path.value}")
    return path


def forced() -> Path | None:
    """The path that NMT_ATTN_PATH names, None if it is not set; raises SpecError if it names none."""
    name = os.environ.get(FORCE)
    if not name:
        return None
    if name not in {path.value for path in Path}:
        names = ", ".join(path.value for path in Path)
        raise SpecError(f"{FORCE} must be one of {names}, not {name!r}")
    return Path(name)


def _possible(spec: AttentionSpec, call: Call, like: Tensor, need_weights: bool, in_range: bool) -> list[Path]:
    """All paths that can compute the call, the best first."""
    terms = spec.terms
    position = terms.position or terms.query_position
    plain = spec.positions.are_vectors and not spec.key_position  # the factors are those of the four terms
    if need_weights or not plain or not call.queries or not call.keys:
        return [Path.MATMUL]
    if spec.is_alike and not call.dropout:
        return [Path.POOL, Path.MATMUL]
    on_cpu = like.device.type == "cpu"
    if terms.query_key and not position:
        fast = not (on_cpu and call.dropout)
        return [Path.FUSED, Path.MATMUL] if fast else [Path.MATMUL, Path.FUSED]
    if not position or call.dropout or call.window is not None:
        return [Path.MATMUL]
    possible = [Path.MATMUL]
    if blocked.serves(like):
        possible.insert(0 if call.keys >= blocked.WORTH_FROM else 1, Path.BLOCKED)
    if spec.positions is Positions.SINUSOID and spec.max_distance is None:
        narrow = spec.position_size <= NARROW and not on_cpu
        possible.insert(0 if narrow else len(possible), Path.ANGLE)
    if not terms.query_key and not terms.query_position and in_range and toeplitz.serves(like):
        # A GPU would have to wait for the range; and if causal a later key that is out of range would change the path.
        last = not on_cpu or (terms.key and call.causal)
        possible.insert(len(possible) if last else 0, Path.SEPARABLE if terms.key else Path.TOEPLITZ)
    return possible
