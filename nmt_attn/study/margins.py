"""How large a difference must be to count, fixed before the runs. Standard library only."""

from dataclasses import dataclass
from math import inf

from nmt_attn.spec import SpecError


@dataclass(frozen=True)
class Margins:
    """Differences of expected BLEU, in points: below ``negligible`` (``strict``: the strict variant) a loss does not
    matter, above ``vital`` it is large; below ``task`` a model can do what the reference can. Raises SpecError unless
    0 < strict <= negligible <= vital and 0 < task.
    """

    negligible: float = 0.5
    strict: float = 0.3
    vital: float = 1.0
    task: float = 5.0

    def __post_init__(self) -> None:
        if not 0 < self.strict <= self.negligible <= self.vital < inf:
            raise SpecError(
                "margins must be 0 < strict <= negligible <= vital, not "
                f"strict {self.strict:g}, negligible {self.negligible:g}, vital {self.vital:g}"
            )
        if not 0 < self.task < inf:
            raise SpecError(f"margins: task must be above 0 BLEU points, not {self.task:g}")
