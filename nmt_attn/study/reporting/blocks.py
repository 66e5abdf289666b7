"""What a report is made of, before it is Markdown or a page: plain text only, to be escaped by who writes it."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Heading:
    level: int
    text: str
    kind: str = "heading"


@dataclass(frozen=True)
class Paragraph:
    """lead: a word in bold before the text. mood: "plain", "question", "note", or that of a verdict, in lower case."""

    text: str
    lead: str = ""
    mood: str = "plain"
    kind: str = "paragraph"


@dataclass(frozen=True)
class Items:
    entries: Sequence[Paragraph]
    kind: str = "items"


@dataclass(frozen=True)
class Table:
    """note: what stands under it, such as what BLEU depends on.

    numbers: columns that are set to the right; wrapped: columns of which a line may break.
    """

    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    note: str = ""
    numbers: Sequence[int] = ()
    wrapped: Sequence[int] = ()
    kind: str = "table"


@dataclass(frozen=True)
class Figure:
    """A picture by the name of its files in the report's folder of figures."""

    name: str
    caption: str
    kind: str = "figure"

    @property
    def alt(self) -> str:
        """The first sentence, for readers without the picture."""
        return self.caption.partition(". ")[0].rstrip(".")


@dataclass(frozen=True)
class Listing:
    """Text as it is in a file."""

    text: str
    kind: str = "listing"


Block = Heading | Paragraph | Items | Table | Figure | Listing
