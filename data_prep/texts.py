"""The plain lines of a text as a corpus distributes it."""

import re
from collections.abc import Iterator
from pathlib import Path

from data_prep.files import read_lines

SEGMENT = re.compile(r"<seg.*?>(.*)</seg>.*?")
KEPT_TAGS = re.compile("</?(?:title|description)>")


def plain_lines(path: Path, name: str) -> Iterator[str]:
    """Lines of a file; ``name`` in the archive tells the format: WMT's .sgm, IWSLT's train.tags.* and .xml, or plain.

    Segments of .sgm are what sacreBLEU takes from them, white space included. In .xml ’ becomes ', as in fairseq's
    script: some of IWSLT's talks have the one, some the other.
    """
    if name.endswith(".sgm"):
        for line in read_lines(path):
            if line.startswith("<seg "):
                yield re.sub(r"\s+", " ", SEGMENT.sub(r"\1", line).strip())
    elif name.endswith(".xml"):
        for line in read_lines(path):
            if match := SEGMENT.search(line):
                yield re.sub(r"\s+", " ", match[1].strip()).replace("’", "'")
    elif "train.tags." in name:
        for line in read_lines(path):
            text = KEPT_TAGS.sub("", line).strip()
            if not text.startswith("<"):  # <url>, <talkid>, <keywords>, ...
                yield text
    else:
        yield from read_lines(path)
