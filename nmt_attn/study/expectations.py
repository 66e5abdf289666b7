"""What a study's file says, before the runs, that a model can or cannot do on a corpus. Standard library only.

    expect:
      - {model: nmt_attn_tiny_cross0001, can: yes, because: position alone tells which word to copy}
      - {model: nmt_attn_tiny_cross0111, can: no, because: which word to look at depends on what is asked}

*Can*: the model loses less than ``margins: task`` BLEU against the reference, which itself has learnt the task.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from nmt_attn.archs import canonical
from nmt_attn.spec import SpecError
from nmt_attn.study.words import mapping, text

LEARNT = 90.0  # BLEU from which on the reference has learnt a task
NAMES = ("model", "can", "because")
CAN = {"yes": True, "no": False}


@dataclass(frozen=True)
class Expectation:
    """That a model can, or cannot, do the task of a corpus, and why, in one sentence."""

    model: str
    can: bool
    because: str


def read_expectations(where: str, entries: Any) -> tuple[Expectation, ...]:
    """Those of a corpus, as the file has them; raises SpecError with the place and what must stand there."""
    if not isinstance(entries, list):
        raise SpecError(f"{where} must be a list of mappings with {', '.join(NAMES)}, not {entries!r}")
    return tuple(_expectation(where, entry) for entry in entries)


def _expectation(where: str, entry: Any) -> Expectation:
    given = mapping(where, entry, NAMES, needed=NAMES)
    can, because = text(f"{where}: can", given["can"]), " ".join(text(f"{where}: because", given["because"]).split())
    if can not in CAN:
        raise SpecError(f"{where}: can must be yes or no, not {can!r}")
    if not because:
        raise SpecError(f"{where}: because must be a sentence, not {given['because']!r}: say why, before the runs")
    return Expectation(canonical(text(f"{where}: model", given["model"])), CAN[can], because)


def check_expectations(corpus: str, expectations: Sequence[Expectation], models: Collection[str]) -> None:
    """Raises SpecError unless each is of another one of these models: those of the corpus without the reference."""
    seen: set[str] = set()
    for each in expectations:
        if each.model not in models:
            raise SpecError(
                f"corpora: {corpus}: expect: model must be a model on {corpus} other than the reference, "
                f"not {each.model}"
            )
        if each.model in seen:
            raise SpecError(f"corpora: {corpus}: expect must name each model once, not {each.model} twice")
        seen.add(each.model)
