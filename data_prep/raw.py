"""The texts of a corpus as plain raw files: out of archives or files, each set joined, both sides equally long."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from itertools import zip_longest
from pathlib import Path
from typing import Any, TextIO

from data_prep.archives import extract
from data_prep.corpus import Corpus, Side, Text
from data_prep.errors import DataError
from data_prep.files import writing
from data_prep.refusals import check_lines, refuse_line_counts
from data_prep.texts import plain_lines


def unpack(corpus: Corpus, archives: dict[str, Path], out: Path) -> dict[str, Any]:
    """Writes train, valid and the tests into ``out``; returns the number of pairs in each text. Raises DataError."""
    members = _extract(corpus, archives, out)
    pairs: dict[str, list[int]] = {}
    for name, texts in sets(corpus).items():
        with ExitStack() as stack:
            streams = [stack.enter_context(writing(out / f"{name}.{language}")) for language in corpus.languages]
            pairs[name] = [_append(text, members, streams, raw=name == "train") for text in texts]
    for path in members.values():
        path.unlink()
    return {"pairs": pairs}


def _append(text: Text, members: dict[Side, Path], streams: Sequence[TextIO], raw: bool) -> int:
    """Writes a text's lines to the streams of its sides; returns how many. Checks the user's own evaluation text."""

    def lines(side: Side) -> Iterator[str]:
        path = members.get(side, Path(side.name))
        plain = plain_lines(path, side.name)
        return plain if raw or side.archive else check_lines(path, plain)

    names = (text.source.name, text.target.name)
    count = same = 0
    for pair in zip_longest(*map(lines, text.sides)):
        if None in pair:
            refuse_line_counts(names, *(list(lines(side)) for side in text.sides))
        for stream, line in zip(streams, pair, strict=True):
            stream.write(line + "\n")
        count += 1
        same += pair[0] == pair[1]
    if count == 0:
        raise DataError(f"{names[0]} must hold at least one line, but is empty")
    if same == count:
        raise DataError(f"{names[0]} and {names[1]} must be a text and its translation, but are the same")
    return count


def sets(corpus: Corpus) -> dict[str, tuple[Text, ...]]:
    """The texts of each set that has any, by fairseq's name of the set."""
    evaluation = dict(zip(corpus.evaluation_sets, (corpus.valid, *corpus.tests.values()), strict=True))
    return {name: texts for name, texts in {"train": corpus.train, **evaluation}.items() if texts}


def _extract(corpus: Corpus, archives: dict[str, Path], out: Path) -> dict[Side, Path]:
    """Each side that is in an archive, as a file in ``out``."""
    found: dict[Side, Path] = {}
    for archive in corpus.archives:
        sides = [side for side in _sides(corpus) if side.archive == archive.name]
        found |= {side: out / f"{archive.name}.{number}" for number, side in enumerate(sides)}
        extract(archives[archive.name], {side.name: found[side].name for side in sides}, out)
    return found


def _sides(corpus: Corpus) -> list[Side]:
    return list(dict.fromkeys(side for texts in sets(corpus).values() for text in texts for side in text.sides))
