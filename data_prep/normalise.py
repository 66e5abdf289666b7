"""A line of text as subwords see it."""

import re
import unicodedata

# soft hyphen, zero width space, marks of direction, byte order mark
INVISIBLE = re.compile("[\u00ad\u061c\u200b\u200e\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff]")
SPACES = re.compile("[ \t\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000]+")


def normalise(line: str, lowercase: bool = False) -> str:
    """Composed characters (NFC), one plain space between words, none outside, nothing invisible.

    Other control characters stay for the filters to see.
    """
    if lowercase:
        line = line.lower()
    if not line.isascii():
        line = unicodedata.normalize("NFC", INVISIBLE.sub("", line))
    return SPACES.sub(" ", line).lstrip(" ").rstrip(" \r")
