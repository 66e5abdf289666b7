"""Values of a study's file, checked one by one; all raise SpecError with the place and what must stand there."""

import re
import shlex
from collections.abc import Sequence
from typing import Any

from nmt_attn.spec import SpecError

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")


def mapping(where: str, value: Any, known: Sequence[str] | None, needed: Sequence[str] = ()) -> dict[str, Any]:
    """A mapping with these names only (None: any), the needed ones among them."""
    if not isinstance(value, dict):
        raise SpecError(f"{where} must be a mapping, such as name: value, not {_short(value)}")
    for name in value:
        if known is not None and name not in known:
            raise SpecError(f"{where} must have names among {', '.join(known)}, not {name}")
    for name in needed:
        if name not in value:
            raise SpecError(f"{where} must have {name}")
    return value


def text(where: str, value: Any) -> str:
    if not isinstance(value, str):
        raise SpecError(f"{where} must be one value, not {_short(value)}")
    return value


def texts(where: str, value: Any) -> list[str]:
    if not isinstance(value, list):
        raise SpecError(f"{where} must be a list, such as [a, b], not {_short(value)}")
    return [text(where, item) for item in value]


def numbers(where: str, value: Any) -> list[int]:
    """Whole numbers from 1, at least one, none twice."""
    items = texts(where, value)
    for item in items:
        if not re.fullmatch("0*[1-9][0-9]{0,11}", item):
            raise SpecError(f"{where} must be whole numbers from 1, not {_short(item)}")
    if not items or len(set(items)) < len(items):
        raise SpecError(f"{where} must be different numbers, at least one, not {_short(value)}")
    return [int(item) for item in items]


def flags(where: str, value: Any) -> tuple[str, ...]:
    """Flags of a command, as a shell takes them apart."""
    line = text(where, value)
    try:
        return tuple(shlex.split(line))
    except ValueError as error:
        raise SpecError(f"{where} must be flags as in a shell, not {_short(line)}: {error}") from None


def checked_name(where: str, value: Any) -> str:
    """A name that can be a folder's."""
    name = text(where, value)
    if not NAME.fullmatch(name):
        raise SpecError(f"{where} must be a name of letters, digits, _ and -, not {name!r}")
    return name


def _short(value: Any) -> str:
    shown = repr(value)
    return shown if len(shown) <= 60 else shown[:57] + "..."
