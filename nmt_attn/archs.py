"""Patterns of architectures' names, and one name for those that compute the same. Standard library only."""

from fnmatch import fnmatchcase

from nmt_attn.presets import PRESETS, name_hint
from nmt_attn.spec import SpecError

WILDCARDS = frozenset("*?[")


def matching(pattern: str, where: str) -> list[str]:
    """All our architectures of a pattern, each function once; raises SpecError for a pattern that fits none."""
    found = [name for name in PRESETS if fnmatchcase(name, pattern)]
    if not found:
        raise SpecError(
            f"{where} must be architectures or patterns of them, which {pattern} is not: {name_hint(pattern)}"
        )
    return list(dict.fromkeys(map(canonical, found)))


def canonical(name: str) -> str:
    """One name for architectures that are the same, such as nmt_attn_tiny, _self1111 and _cross1111."""
    if name not in PRESETS:
        return name
    wanted = PRESETS[name]
    computes = (wanted.size, wanted.encoder_self, wanted.decoder_self, wanted.cross)
    same = (p for p in PRESETS.values() if (p.size, p.encoder_self, p.decoder_self, p.cross) == computes)
    return next(same).name
