"""BLEU with its signature, by sacreBLEU (Post 2018), on detokenised text."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import sacrebleu
from sacrebleu.metrics import BLEU

from nmt_attn.spec import SpecError

SUBWORD_TRACES = {"▁": "SentencePiece", "@@ ": "subword-nmt"}


@dataclass(frozen=True)
class Score:
    """BLEU in percent, sacreBLEU's signature and version, number of sentences."""

    bleu: float
    signature: str
    scorer: str
    sentences: int


def score(hypotheses: Sequence[str], references: Sequence[str]) -> Score:
    """Corpus BLEU. Raises SpecError if the two do not belong together or subwords are left in a hypothesis."""
    if len(hypotheses) != len(references):
        raise SpecError(
            f"there must be as many hypotheses as references ({len(references)} lines), not {len(hypotheses)}"
        )
    if not references:
        raise SpecError("there must be at least one sentence to score, not 0")
    for trace, tool in SUBWORD_TRACES.items():
        for number, line in enumerate(hypotheses, start=1):
            if trace in line:
                raise SpecError(
                    f"hypotheses must be plain text, but line {number} holds {trace!r} of {tool}: "
                    "translate with --post-process (or --remove-bpe)"
                )
    metric = BLEU()
    bleu = metric.corpus_score(list(hypotheses), [list(references)]).score
    signature = re.sub(r"\s+", "", str(metric.get_signature()))
    return Score(bleu, signature, f"sacrebleu {sacrebleu.__version__}", len(references))
