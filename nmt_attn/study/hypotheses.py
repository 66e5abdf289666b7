"""The translations in the output of fairseq-generate."""

import re
from collections.abc import Iterable

from nmt_attn.spec import SpecError

DETOKENISED = re.compile(r"D-(\d+)\t[^\t]*\t(.*)")


def read_hypotheses(lines: Iterable[str]) -> list[str]:
    """Detokenised best translations in the order of the test set.

    fairseq-generate prints them in the order of its batches, as D-<sentence> <score> <text>. Raises SpecError if a
    sentence is missing.
    """
    found = {int(match[1]): match[2] for line in lines if (match := DETOKENISED.match(line.rstrip("\n")))}
    if not found:
        raise SpecError("the output of fairseq-generate must have lines that begin with D-, but has none")
    missing = [number for number in range(max(found) + 1) if number not in found]
    if missing:
        raise SpecError(
            f"the output of fairseq-generate must hold every sentence, but {len(missing)} are missing, sentence "
            f"{missing[0]} the first: translate with --required-batch-size-multiple 1, or fairseq drops the longest"
        )
    return [found[number] for number in range(len(found))]
