"""What a report shows, as frozen data.

D is the expected BLEU of the reference minus that of the model, everywhere: positive where the model is worse.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from math import isfinite
from typing import Any

from nmt_attn.study.plan import Corpus, Run, Study
from nmt_attn.study.reporting.further import FurtherScores
from nmt_attn.study.reporting.outcomes import ExpectationFinding
from nmt_attn.study.statistics import Contrast
from nmt_attn.study.verdicts import Verdict, Word


class Role(Enum):
    """What a model is for in its study."""

    REFERENCE = "reference"
    HEADLINE = "headline"
    CONTROL = "control"
    EXPLORATORY = "exploratory"


@dataclass(frozen=True)
class Comparison:
    """The reference minus a model, on one corpus.

    contrast: with the variance that models of the corpus share (pooled), or welch's where the model is not one of
    them; welch: with the variances of these two alone. runs, planned: of reference and model. welch_verdict: None for
    exploratory models. bootstrap: percentiles 5 and 95 over seeds and sentences (None without texts or with one run).
    holm: p of "no difference", adjusted over all that is exploratory on the corpus; None for what is not. Of the seeds
    that both have: differences, and p of sacreBLEU's paired test.
    """

    runs: tuple[int, int]
    planned: tuple[int, int]
    pooled: bool
    contrast: Contrast
    welch: Contrast
    verdict: Verdict
    welch_verdict: Verdict | None
    differences: Mapping[int, float]
    bootstrap: tuple[float, float] | None = None
    holm: float | None = None
    paired: Mapping[int, float] | None = None

    @property
    def interval(self) -> tuple[float, float] | None:
        """The 90 % interval of D; None where runs do not tell it."""
        return known_interval(self.contrast, self.runs)

    @property
    def depends_on_variance(self) -> bool:
        """Whether Welch's test leads to another word."""
        return self.welch_verdict is not None and self.verdict.word is not self.welch_verdict.word

    @property
    def absent(self) -> int:
        """How many planned runs of the two have no result."""
        return sum(self.planned) - sum(self.runs)

    @property
    def provisional(self) -> str:
        """How many of the planned runs are in; nothing if all are."""
        (base, own), (all_base, all_own) = self.runs, self.planned
        told = [f"{own} of {all_own} runs"] if own < all_own else []
        told += [f"{base} of {all_base} runs of the reference"] if base < all_base else []
        return ", ".join(told)


@dataclass(frozen=True)
class Row:
    """A model on a corpus: what it computes, its runs, means over them, and how far from the reference it is.

    deviation: of the scores over seeds (None for a single run). planned: how many runs the study has of it. records:
    those of its runs, by seed. exact_match: in percent, None where the runs do not tell it. further: scores on other
    test sets, by name.
    """

    model: str
    label: str
    role: Role
    encoder_self: str
    decoder_self: str
    cross: str
    scores: Mapping[int, float]
    mean: float
    deviation: float | None
    planned: int
    chrf: float | None
    exact_match: float | None
    further: Mapping[str, FurtherScores]
    parameters: int
    multiply_adds: int | None
    training_seconds: float | None
    translation_seconds: float | None
    records: Mapping[int, Mapping[str, Any]]
    comparison: Comparison | None = None

    @property
    def runs(self) -> int:
        return len(self.scores)


@dataclass(frozen=True)
class Interaction:
    """D of a code in cross attention minus D of the same code in self-attention; the reference's mean cancels.

    exploratory: unless both models are headline. holm: as with a comparison.
    """

    code: str
    self_model: str
    cross_model: str
    runs: tuple[int, int]
    contrast: Contrast
    exploratory: bool
    holm: float | None = None

    @property
    def interval(self) -> tuple[float, float] | None:
        return known_interval(self.contrast, self.runs)


@dataclass(frozen=True)
class Factorial:
    """The codes at a place (self: encoder and decoder, or cross) that have scores: code to model.

    effects: of each term, the mean BLEU of the 8 codes with it minus that of the 8 without; None unless all 16 are in.
    holm: p of no effect, adjusted as with a comparison, of those that have one.
    """

    place: str
    models: Mapping[str, str]
    effects: Mapping[str, Contrast] | None
    holm: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class ControlFinding:
    """The comparison that had to show a loss; None while it or the reference has no run."""

    corpus: str
    model: str
    comparison: Comparison | None

    @property
    def passed(self) -> bool:
        """Whether it shows a vital loss, with all runs that were planned."""
        found = self.comparison
        return found is not None and found.verdict.word is Word.VITAL and not found.absent


@dataclass(frozen=True)
class CorpusFindings:
    """All of a corpus; no rows before its first run is finished.

    pool: the models that share a variance over seeds. deviation, degrees: its root, its degrees of freedom. unequal: p
    of the test that they do share it (None where it cannot be made). family: how many p-values Holm's correction is
    for. first: the record of one run, for what all have in common.
    """

    corpus: Corpus
    rows: tuple[Row, ...]
    pool: tuple[str, ...]
    deviation: float | None
    degrees: int
    unequal: float | None
    interactions: tuple[Interaction, ...]
    factorials: tuple[Factorial, ...]
    family: int
    first: Mapping[str, Any]
    expectations: tuple[ExpectationFinding, ...]

    @property
    def name(self) -> str:
        return self.corpus.name

    def row(self, model: str) -> Row | None:
        return next((row for row in self.rows if row.model == model), None)

    @property
    def pooled(self) -> list[str]:
        """Models whose runs do estimate the common variance: a single run does not vary."""
        return [row.model for row in self.rows if row.model in self.pool and row.runs > 1]

    @property
    def left_out(self) -> list[str]:
        """Models with scores too near to zero to estimate the common variance."""
        return [row.model for row in self.rows if row.model not in self.pool]


@dataclass(frozen=True)
class Findings:
    """All of a study: missing are planned runs without a result, unplanned results that the study does not name.

    knockouts: lines of the study's folder, see reporting.removals.
    """

    study: Study
    control: ControlFinding | None
    corpora: tuple[CorpusFindings, ...]
    missing: tuple[Run, ...]
    unplanned: tuple[str, ...]
    knockouts: tuple[Mapping[str, Any], ...] = ()

    @property
    def expectations(self) -> list[ExpectationFinding]:
        """Those of all corpora, in the order of the study's file."""
        return [each for corpus in self.corpora for each in corpus.expectations]


def known_interval(contrast: Contrast, runs: tuple[int, int]) -> tuple[float, float] | None:
    """The 90 % interval; None with a single run, and where the spread over seeds is not known."""
    if min(runs) < 2 or not isfinite(contrast.standard_error) or contrast.standard_error == 0:
        return None
    return contrast.interval(0.90)
