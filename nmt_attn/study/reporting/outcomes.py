"""What became of the expectations of a study, as plain data."""

from dataclasses import dataclass
from enum import Enum

from nmt_attn.study.expectations import Expectation


class Outcome(Enum):
    """All that is ever said of an expectation."""

    CONFIRMED = "as expected"
    CONTRADICTED = "contradicted"
    OPEN = "open"


@dataclass(frozen=True)
class ExpectationFinding:
    """An expectation, and what the runs say of it.

    difference, interval: D and its 90 % interval, in BLEU points, of which each end is a one-sided 95 % bound.
    exact_match: of the reference and the model, in percent, means over runs. None: not known. reason: in one clause,
    the numbers behind the outcome, or what keeps it open.
    """

    corpus: str
    expectation: Expectation
    difference: float | None
    interval: tuple[float, float] | None
    exact_match: tuple[float | None, float | None]
    outcome: Outcome
    reason: str
