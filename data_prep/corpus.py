"""What a corpus is made of: where its texts are, in which languages, and how they are cleaned and encoded."""

from dataclasses import dataclass, field

from data_prep.download import Archive
from data_prep.filters import Filters


@dataclass(frozen=True)
class Side:
    """One language of a text: a file in an archive, or a file of its own (``archive`` "")."""

    name: str
    archive: str = ""


@dataclass(frozen=True)
class Text:
    """One parallel text, a sentence a line."""

    source: Side
    target: Side

    @property
    def sides(self) -> tuple[Side, Side]:
        return self.source, self.target


def in_archive(archive: str, source: str, target: str) -> Text:
    """A text whose two sides are in the same archive."""
    return Text(Side(source, archive), Side(target, archive))


def in_files(source: str, target: str) -> Text:
    return Text(Side(source), Side(target))


@dataclass(frozen=True)
class Corpus:
    """A parallel corpus, translated from ``source_lang`` to ``target_lang``; the texts of a set are joined in order.

    ``tests``: test sets by the name under which a result reports them. ``valid_every``: every n-th training pair is
    development text instead (0: none is). ``vocabulary``: number of joint subwords, of characters that cover
    ``coverage`` of the text.
    """

    name: str
    source_lang: str
    target_lang: str
    train: tuple[Text, ...]
    valid: tuple[Text, ...]
    tests: dict[str, tuple[Text, ...]]
    archives: tuple[Archive, ...] = ()
    valid_every: int = 0
    lowercase: bool = False
    filters: Filters = field(default_factory=Filters)
    vocabulary: int = 8000
    subwords: str = "bpe"
    coverage: float = 1.0

    @property
    def languages(self) -> tuple[str, str]:
        return self.source_lang, self.target_lang

    @property
    def evaluation_sets(self) -> list[str]:
        """valid, test, test1, ...: fairseq's names of the development text and the tests."""
        return ["valid", *(f"test{number or ''}" for number in range(len(self.tests)))]
