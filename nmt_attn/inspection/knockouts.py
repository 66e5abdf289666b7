"""What a trained model loses, in BLEU, with each of its terms taken out."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass

from nmt_attn.inspection.knockout import Replacement, knocked_out, terms_of
from nmt_attn.inspection.loading import Loaded
from nmt_attn.spec import Site
from nmt_attn.study.scores import Score, score

GROUPS = {
    "self": (Site.ENCODER_SELF, Site.DECODER_SELF),
    "encoder self": (Site.ENCODER_SELF,),
    "decoder self": (Site.DECODER_SELF,),
    "cross": (Site.CROSS,),
}


@dataclass(frozen=True)
class KnockOut:
    """Scores without a term at some sites; of the whole model, where term is "".

    loss: BLEU of the whole model minus this one's. sites: a name of GROUPS.
    """

    sites: str
    term: str
    replacement: str
    bleu: float
    loss: float
    exact_match: float
    sentences: int
    signature: str

    def fields(self) -> dict[str, object]:
        return asdict(self)


def knock_outs(
    loaded: Loaded, sources: Sequence[str], references: Sequence[str], groups: Sequence[str] = ("self", "cross")
) -> Iterator[KnockOut]:
    """First the whole model, then each term of each group of sites, replaced in both ways.

    The mean queries are those of the sources read with the references. Raises SpecError as Loaded.pairs, terms_of and
    score.
    """
    terms = {group: terms_of(loaded.model, GROUPS[group]) for group in groups}
    pairs = list(loaded.pairs(sources, references))
    means = loaded.mean_queries(pairs)
    whole = score(loaded.translations(sources), references)
    yield _found("", "", "", whole, whole)
    for group in groups:
        for term in terms[group]:
            for replacement in Replacement:
                with knocked_out(loaded.model, GROUPS[group], term, replacement, means):
                    left = loaded.translations(sources)
                yield _found(group, term, replacement.value, score(left, references), whole)


def _found(group: str, term: str, replacement: str, left: Score, whole: Score) -> KnockOut:
    bleu, loss = round(left.bleu, 4), round(whole.bleu - left.bleu, 4)
    return KnockOut(group, term, replacement, bleu, loss, round(left.exact_match, 4), left.sentences, left.signature)
