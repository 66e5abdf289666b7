"""The versions of Python, torch and fairseq that the package works with. Standard library only."""

import re
import sys
from importlib.metadata import PackageNotFoundError, version

from nmt_attn.spec import SpecError

PYTHON = ((3, 10), (3, 13))
TORCH = (2, 6)  # the first that loads checkpoints with weights_only=True by itself
INSTALL = "pip install -c constraints.txt -e ."


def check_versions() -> None:
    """Raises SpecError for a Python, torch or fairseq that the package does not work with.

    The original fairseq, to 0.12.2, computes something else than it trained when it translates: its encoder layer
    passes over self-attention other than its own. A fairseq that is no installed package is taken as it is.
    """
    first, last = PYTHON
    here = sys.version_info[:2]
    if not first <= here <= last:
        raise SpecError(
            f"Python must be {_text(first)} to {_text(last)}, not {_text(here)}: make an environment of one"
        )
    torch = _installed("torch")
    if torch is None or _numbers(torch) < TORCH:
        raise SpecError(f"torch must be {_text(TORCH)} or newer, not {torch or 'missing'}: {INSTALL}")
    if original := _installed("fairseq"):
        raise SpecError(
            f"fairseq must be ve-fairseq or fairseq-fixed, not fairseq {original}, whose layers pass over our "
            f"attention: pip uninstall fairseq, then {INSTALL}"
        )


def _installed(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _numbers(text: str) -> tuple[int, ...]:
    """The first two numbers of a version."""
    return tuple(map(int, re.findall(r"\d+", text)[:2]))


def _text(numbers: tuple[int, ...]) -> str:
    return ".".join(map(str, numbers))
