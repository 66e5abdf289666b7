"""Exact matches: for texts in which one translation alone is right, as in generated corpora. Standard library only."""

from collections.abc import Sequence


def exact_match(hypotheses: Sequence[str], references: Sequence[str], lowercase: bool = False) -> float:
    """How many percent of the translations are their reference, character by character.

    Spaces at the ends of a line do not count; nor does case where all scores are without regard to it.
    """
    sides = ([(line.lower() if lowercase else line).strip() for line in lines] for lines in (hypotheses, references))
    return 100 * sum(one == other for one, other in zip(*sides, strict=True)) / len(references)
