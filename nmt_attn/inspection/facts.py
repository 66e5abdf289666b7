"""What is seen inside a model, as plain data: one sentence pair at every site, and what all sentences say together.

Layers count from 1, heads from 0; where a person reads them heads count from 1, too.

Axes: h heads (of conv and deform: taps), t queries, s keys.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from nmt_attn.spec import Site


@dataclass(frozen=True)
class SiteRecord:
    """One attention site of one layer, while it reads one sentence pair.

    layer counts from 1. mixer: what it computes, as written in flags, such as "1111" or "deform:kernel=5".
    weights: (h, t, s). terms: logits after division by sqrt(head size), (h, t, s), by name: "E1" to "E4", and
    "pattern" for what is no term of the paper; they sum to what the softmax sees; empty for convolutions.
    visible: (t, s), False where the mask, the window or the pattern hides a key; weights are zero there and terms are
    not to be read. (h, t, s) where that differs between heads, as in fixed.
    """

    site: Site
    layer: int
    mixer: str
    weights: np.ndarray
    terms: Mapping[str, np.ndarray]
    visible: np.ndarray


@dataclass(frozen=True)
class SentenceRecord:
    """A sentence pair, read with the target given.

    source and target: subwords without the end of the sentence, which is "</s>" in the labels below.
    generated: whether the target is the model's own translation.
    """

    source: tuple[str, ...]
    target: tuple[str, ...]
    generated: bool
    sites: tuple[SiteRecord, ...]

    def key_labels(self, site: Site) -> tuple[str, ...]:
        """What each key stands for."""
        return self.read if site is Site.DECODER_SELF else (*self.source, END)

    def query_labels(self, site: Site) -> tuple[str, ...]:
        """What each query stands for: in cross attention the subword that the step predicts."""
        return {Site.ENCODER_SELF: (*self.source, END), Site.DECODER_SELF: self.read}.get(site, (*self.target, END))

    @property
    def read(self) -> tuple[str, ...]:
        """What the decoder reads: it begins with the end of a sentence, as everywhere in fairseq."""
        return (END, *self.target)


END = "</s>"


@dataclass(frozen=True)
class HeadFacts:
    """A head's weights over all sentences.

    entropy: in bits, mean over queries. distance: mean of |key - query| under the weights; offset: mean of key - query.
    """

    site: Site
    layer: int
    head: int
    mixer: str
    entropy: float
    distance: float
    offset: float


@dataclass(frozen=True)
class Share:
    """What part of the variation of logits over the keys a term makes: of a head, or of a layer (head None).

    low and high: percentiles 2.5 and 97.5 of the bootstrap over sentences; None for a single sentence.
    """

    site: Site
    layer: int
    head: int | None
    term: str
    share: float
    low: float | None
    high: float | None


@dataclass(frozen=True)
class AlignmentFacts:
    """How well a head's weights (head None: the mean of a layer's heads) find gold word alignments, in percent.

    error: alignment error rate (Och and Ney 2003). step: "predicts" if the weights of the step that predicts a target
    word were taken for it, "reads" if those of the step after, that reads it.
    """

    layer: int
    head: int | None
    step: str
    error: float
    precision: float
    recall: float
