"""What a study must know of a recipe: its variables and their defaults, read from the script. Standard library only.

A recipe gives a variable as ``NAME=${NAME:-default}``, in its first lines or in files of its folder that it sources.
"""

import re
from collections.abc import Mapping
from pathlib import Path

from nmt_attn.spec import SpecError

VARIABLE = re.compile(r"\b([A-Z][A-Z0-9_]*)=\$\{\1:?-([^}]*)\}")
NUMBERS = ("UPDATES", "MAX_TOKENS", "VOCABULARY")  # that every recipe has
REFERENCE = re.compile(r"\$([A-Z][A-Z0-9_]*)")
SOURCED = re.compile(r"^\s*source\s.*?([\w.-]+\.sh)\"?\s*$", re.MULTILINE)


def defaults(recipe: Path) -> dict[str, str]:
    """Variables of a recipe and the values that they have if nothing is said; raises SpecError without the file."""
    try:
        script = recipe.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SpecError(f"recipe must be a shell script that can be read, but {recipe} is not: {error}") from None
    found: dict[str, str] = {}
    for name in SOURCED.findall(script):
        if (recipe.parent / name).exists():
            found |= defaults(recipe.parent / name)
    return found | dict(VARIABLE.findall(script))


def checked_variables(recipe: Path, settings: Mapping[str, str], where: str) -> dict[str, str]:
    """Defaults of a recipe with the settings of a study; raises SpecError for a variable that it would not heed."""
    known = defaults(recipe)
    for name in settings:
        if name not in known:
            raise SpecError(f"{where}: settings must be variables of {recipe.name} ({', '.join(known)}), not {name}")
    variables = {**known, **settings}
    variables = {name: _resolved(value, variables) for name, value in variables.items()}
    for name in (*NUMBERS, *(("TOKENS",) if variables.get("TOKENS") else ())):
        if not re.fullmatch("0*[1-9][0-9]{0,11}", value := variables.get(name, "")):
            raise SpecError(f"{where}: {name} of {recipe.name} must be a whole number from 1, not {value!r}")
    return variables


def _resolved(value: str, variables: Mapping[str, str]) -> str:
    """A value with those of other variables in their place; nothing where the recipe works it out when it runs."""
    value = REFERENCE.sub(lambda match: variables.get(match[1], match[0]), value)
    return "" if "$" in value else value
