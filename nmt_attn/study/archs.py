"""Names of architectures in a study's file: patterns of them, and one name for those that compute the same."""

from fnmatch import fnmatchcase

from nmt_attn.presets import PRESETS, name_hint
from nmt_attn.spec import SpecError
from nmt_attn.study.words import checked_name


def matching(pattern: str) -> list[str]:
    """All architectures of a pattern, each function once; those of fairseq itself by name.

    Raises SpecError for a pattern that fits none.
    """
    if pattern.startswith("transformer") and not set(pattern) & set("*?["):
        return [checked_name("models", pattern)]
    found = [name for name in PRESETS if fnmatchcase(name, pattern)]
    if not found:
        raise SpecError(
            f"models must be architectures or patterns of them, which {pattern} is not: {name_hint(pattern)}"
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
