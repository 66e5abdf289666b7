"""What is to be looked at, as the user gives it: a sentence, or a file with one a line."""

from pathlib import Path

from nmt_attn.spec import SpecError
from nmt_attn.study.scores import read_lines


def sentences(flag: str, given: str | None) -> list[str] | None:
    """The sentence itself, or those of the file of that name; None if nothing is given.

    Raises SpecError as lines, and for what looks like a file's name (no spaces; a folder or an ending), where is none.
    """
    if given is None:
        return None
    path = Path(given)
    if not _is_file(path):
        if ("/" in given or path.suffix.strip(".")) and not any(map(str.isspace, given)):
            raise SpecError(f"{flag} must be a sentence, or a file that exists, not {given}")
        return [given]
    return lines(flag, path)


def lines(flag: str, path: Path) -> list[str]:
    """The sentences of a file. Raises SpecError if it is empty or cannot be read."""
    found = read_lines(path)
    if not found:
        raise SpecError(f"{flag} must have a sentence a line, but {path} is empty")
    return found


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # a sentence can be longer than a name may be
        return False
