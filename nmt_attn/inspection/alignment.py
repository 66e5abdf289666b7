"""Word alignments that the weights of cross attention imply, and their error against gold ones.

A target word is linked to the source word that it attends to most. Its weights can be taken from the steps that predict
its subwords, or from those after, which read them, as Chen et al. do (2020, "Accurate Word Alignment Induction from
Neural Machine Translation", EMNLP: shift-att).

Axes: h heads, t target subwords (rows: and the end of the sentence), s source subwords (columns: likewise).
"""

from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from nmt_attn.inspection.facts import AlignmentFacts, SentenceRecord, SiteRecord
from nmt_attn.inspection.gold import Agreement, GoldAlignment
from nmt_attn.spec import Site, SpecError

# a record, its source and its target text in the words that the gold alignment counts, and this alignment
AlignedRecord = tuple[SentenceRecord, Sequence[str], Sequence[str], GoldAlignment]

_Reading = tuple[int, str, int | None]  # layer, step, head

STEPS = {"predicts": 0, "reads": 1}  # rows from that of the step that predicts a subword on
UNKNOWN = "<unk>"
TIE = 1e-6  # weights of words that differ by less count as equal: they may be float32's


def word_map(subwords: Sequence[str], tokens: Sequence[str]) -> tuple[frozenset[int], ...]:
    """For each subword the tokens, counted from 0, whose characters it touches.

    subwords: SentencePiece's, in which "▁" stands for a space; alone it belongs to the token that follows. tokens: the
    words of the same text, however it was split; spaces do not count. "<unk>" stands for one character or more, as many
    as the subwords around it leave.
    Raises SpecError if the two do not spell the same text, for a token without characters, and where several stretches
    of the text could be the one of an "<unk>", and these touch different tokens.
    """
    letters = [_letters(token) for token in tokens]
    if "" in letters:
        raise SpecError(f"words must have characters, not be {tokens[letters.index('')]!r}: split at spaces")
    text = "".join(letters)
    owner = [number for number, token in enumerate(letters) for _ in token]
    touched = []
    for place, (subword, spans) in enumerate(zip(subwords, _spans(subwords, text), strict=True)):
        choices = {frozenset(owner[start : max(end, start + 1)]) for start, end in spans}
        if len(choices) > 1:
            raise SpecError(
                f"each {UNKNOWN} must stand for one stretch of the text only, not several, as around subword {place} "
                f"({subword!r}) of {_short(text)!r}: leave this sentence out"
            )
        touched.append(choices.pop())
    return tuple(touched)


def _spans(subwords: Sequence[str], text: str) -> Iterator[list[tuple[int, int]]]:
    """For each subword all stretches of the text, from start to before end, that it can be if the others fit too."""
    pieces = [None if subword == UNKNOWN else _letters(subword) for subword in subwords]

    def ends(piece: str | None, start: int) -> Iterable[int]:
        if piece is None:
            return range(start + 1, len(text) + 1)
        return [start + len(piece)] if text.startswith(piece, start) else []

    reached = [{0}]
    for piece in pieces:
        reached.append({end for start in reached[-1] for end in ends(piece, start)})
    if len(text) not in reached[-1]:
        spelled = "".join(UNKNOWN if piece is None else piece for piece in pieces)
        raise SpecError(
            f"subwords must spell the text of the words, {_short(text)!r}, not {_short(spelled)!r}: "
            "give the text that the subwords were made of"
        )
    left = {len(text)}
    found = []
    for piece, starts in zip(reversed(pieces), reversed(reached[:-1]), strict=True):
        found.append([(start, end) for start in starts for end in ends(piece, start) if end in left])
        left = {start for start, _ in found[-1]}
    return reversed(found)


def _letters(text: str) -> str:
    return "".join(text.replace("▁", " ").split())


def _short(text: str) -> str:
    return text if len(text) <= 40 else f"{text[:37]}..."


def linked_words(
    weights: np.ndarray, source: Sequence[frozenset[int]], target: Sequence[frozenset[int]], step: str
) -> np.ndarray:
    """The source word of each target word, (..., target words), of weights (..., t + 1, s + 1).

    source and target: the words of each subword, as `word_map` gives them. step: "predicts" or "reads". Weights are
    averaged over the subwords of a target word and summed over those of a source word; a subword of several words
    counts in each; the end of the sentence cannot be chosen. Of equal source words the first is taken. Raises SpecError
    for another step and for weights of another shape.
    """
    if step not in STEPS:
        raise SpecError(f"step must be {' or '.join(STEPS)}, not {step!r}")
    if weights.shape[-2:] != (len(target) + 1, len(source) + 1):
        raise SpecError(
            f"weights of cross attention must have {len(target) + 1} rows and {len(source) + 1} columns, for the "
            f"subwords and the end of each sentence, not the shape {weights.shape}"
        )
    into, out_of = _membership(source), _membership(target)
    rows = weights[..., STEPS[step] :, :][..., : len(target), : len(source)]
    mass = (out_of / out_of.sum(-1, keepdims=True)) @ rows @ into.T
    return np.asarray((mass >= mass.max(-1, keepdims=True) - TIE).argmax(-1))


def _membership(touched: Sequence[frozenset[int]]) -> np.ndarray:
    """1 where a subword touches a word, else 0: (words, subwords)."""
    words = 1 + max((word for each in touched for word in each), default=-1)
    return np.array([[word in each for each in touched] for word in range(words)], dtype=np.float64)


def alignment_facts(pairs: Iterable[AlignedRecord]) -> list[AlignmentFacts]:
    """Error, precision and recall of every head of cross attention and of every layer's mean of heads, for both steps.

    In order of layers, steps and heads (counted from 0), the mean (head None) after them. Links are
    counted over all sentence pairs together. Raises SpecError for no pairs and, with the number of the pair, for
    generated targets, records without cross attention or of different models, and texts or alignments that do not fit
    their record.
    """
    total: dict[_Reading, Agreement] = {}
    for number, pair in enumerate(pairs, start=1):
        try:
            found = _agreements(*pair)
            if total and total.keys() != found.keys():
                raise SpecError("all records must be of one model, not have different numbers of layers or heads")
        except SpecError as error:
            raise SpecError(f"sentence pair {number}: {error}") from None
        total = {reading: total[reading] + each for reading, each in found.items()} if total else found
    if not total:
        raise SpecError("alignments must be taken of at least one sentence pair, not of none")
    return [
        AlignmentFacts(layer, head, step, each.error, each.precision, each.recall)
        for (layer, step, head), each in total.items()
    ]


def _agreements(
    record: SentenceRecord, source: Sequence[str], target: Sequence[str], gold: GoldAlignment
) -> dict[_Reading, Agreement]:
    """How the links of each head and layer agree with the gold ones, in one sentence pair."""
    if record.generated:
        raise SpecError("alignments must be taken of reference translations, not generated ones: give the target")
    gold.check(len(source), len(target))
    first, second = word_map(record.source, source), word_map(record.target, target)
    found: dict[_Reading, Agreement] = {}
    for site in _cross(record):
        heads = [*enumerate(site.weights), (None, site.weights.mean(0))]
        for step in STEPS:
            for head, weights in heads:
                chosen = linked_words(weights, first, second, step) if target else ()
                found[site.layer, step, head] = Agreement.of({(int(i), j) for j, i in enumerate(chosen)}, gold)
    return found


def _cross(record: SentenceRecord) -> list[SiteRecord]:
    found = sorted((site for site in record.sites if site.site is Site.CROSS), key=lambda site: site.layer)
    if not found:
        raise SpecError("a record must have cross attention to be aligned, not self-attention alone: record it")
    return found


def best(facts: Sequence[AlignmentFacts]) -> AlignmentFacts:
    """The lowest error of all heads and layer means, the first of equals; SpecError if there is none."""
    if not facts:
        raise SpecError("the best alignment must be one of at least one, not of none")
    return min(facts, key=lambda fact: fact.error)


def chance_level(pairs: Iterable[tuple[Sequence[str], Sequence[str], GoldAlignment]]) -> float:
    """Error in percent of links that know nothing of words: to the source word at the same relative place.

    pairs: source and target words and their gold alignment. Target word j of J is linked to the source word of I that
    holds the middle of its place, the whole part of (j + 1/2) I / J: the diagonal. Raises SpecError for no links, a
    source without words, and alignments beyond the words.
    """
    total = Agreement(0, 0, 0, 0)
    for source, target, gold in pairs:
        gold.check(len(source), len(target))
        total += Agreement.of({((2 * j + 1) * len(source) // (2 * len(target)), j) for j in range(len(target))}, gold)
    return total.error
