"""Blocks as Markdown (GitHub's, with tables)."""

import re
from collections.abc import Sequence

from nmt_attn.study.reporting.blocks import Block, Figure, Heading, Items, Listing, Paragraph, Table

SPECIAL = re.compile(r"[\\`*\[\]<>~]|&(?=[#\w])|(?<![^\W_])_|_(?![^\W_])|^#")


def markdown(blocks: Sequence[Block], figures: str) -> str:
    """A text of the blocks; figures: the folder with the pictures."""
    return "\n\n".join(_written(block, figures) for block in blocks) + "\n"


def escaped(text: str) -> str:
    """Text that Markdown shows as it is: an underscore inside a word may stay."""
    return SPECIAL.sub(lambda match: f"\\{match[0]}", text)


def _written(block: Block, figures: str) -> str:
    match block:
        case Heading():
            return f"{'#' * block.level} {escaped(block.text)}"
        case Paragraph():
            return f"> {_line(block)}" if block.mood == "question" else _line(block)
        case Items():
            return "\n".join(f"- {_line(entry)}" for entry in block.entries)
        case Table():
            return _table(block)
        case Figure():
            return f"![{escaped(block.alt)}]({figures}/{block.name}.png)\n\n{escaped(block.caption)}"
        case Listing():
            fence = "`" * max(3, 1 + max((len(run) for run in re.findall("`+", block.text)), default=0))
            return f"{fence}text\n{block.text.rstrip()}\n{fence}"


def _line(paragraph: Paragraph) -> str:
    lead = f"**{escaped(paragraph.lead)}** " if paragraph.lead else ""
    return lead + escaped(paragraph.text)


def _table(table: Table) -> str:
    sides = ["---:" if number in table.numbers else "---" for number in range(len(table.columns))]
    lines = [table.columns, *table.rows]
    rows = [f"| {' | '.join(map(_cell, line))} |" for line in lines]
    rows.insert(1, f"|{'|'.join(sides)}|")
    return "\n".join(rows) + (f"\n\n{escaped(table.note)}" if table.note else "")


def _cell(text: str) -> str:
    return escaped(text).replace("|", "\\|")
