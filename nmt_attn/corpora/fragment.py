"""A generated English-German corpus with word alignments that are right by construction.

The English sentence determines the German one.  Where German leaves a choice, one rule holds throughout:

- Simple present is Präsens, simple past Präteritum, present perfect Perfekt, "will" Futur; a verb whose
  past looks like its present ("they read") is in the present unless its form is singular.
- "want to" is wollen, "would like to" möchten, "should" sollen, "must" müssen, "is allowed to" dürfen,
  "can" können, "like to" gern; "when" of the past is als, "if" wenn.
- Persons are masculine unless English names a woman ("the teacher" is "der Lehrer"). Pronouns, possessives
  and relative pronouns take the grammatical gender of their antecedent (das Mädchen: es, sein, das), which
  is the only thing mentioned that the English pronoun can mean; a possessive of the third person means the
  subject.
- A time, reason or place stands in front in both languages or in neither. The rest of the German order is
  described in `german_sentence`, the English one in `english_sentence`.
- "not" is kein- before an indefinite accusative object, nicht elsewhere. "in dem" and the like are
  contracted unless a relative clause follows the noun. Main clauses joined by "und" have a comma, a shared
  subject none.
- Links: "do" goes with the German main verb, as do verb particles and separable prefixes; the reflexive
  pronoun goes with the verb; an English preposition without German counterpart goes with the verb or
  article.

The first token of a sentence has its capital letter, so `tokenize` inverts the written text exactly.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from nmt_attn.corpora import english_sentence, german_sentence
from nmt_attn.corpora.files import MOST_PAIRS, checked, checked_sizes, remove_split, write_splits
from nmt_attn.corpora.grammar import Grammar
from nmt_attn.corpora.tokens import concept, detokenize, finished, links, tokenize
from nmt_attn.corpora.tree import Sentence

__all__ = ["MOST_PAIRS", "SentencePair", "generate", "realize", "tokenize", "write_corpus"]


@dataclass(frozen=True)
class SentencePair:
    """A sentence in both languages as tokens, with its gold alignment."""

    source: tuple[str, ...]
    target: tuple[str, ...]
    alignment: tuple[tuple[int, int], ...]  # (source position, target position) from 0, sorted

    @property
    def source_text(self) -> str:
        return detokenize(self.source)

    @property
    def target_text(self) -> str:
        return detokenize(self.target)


def realize(tree: Sentence, stop: str = ".") -> SentencePair:
    """A concept tree as a sentence pair; `stop` is the final punctuation mark."""
    end = (concept(tree, "stop"),)
    source = finished(english_sentence.sentence(tree), stop, end)
    target = finished(german_sentence.sentence(tree), stop, end)
    return SentencePair(
        tuple(token.text for token in source),
        tuple(token.text for token in target),
        links(source, target),
    )


def generate(count: int, seed: int) -> Iterator[SentencePair]:
    """`count` pairs of which no two have the same source or the same target.

    A shorter corpus is the beginning of a longer one with the same seed.  Raises ValueError where `count` is
    not a number of pairs that can be had, or for a seed below 0.
    """
    checked("count", count)
    if not isinstance(seed, int) or isinstance(seed, bool) or seed < 0:  # Random takes -1 for 1
        raise ValueError(f"seed must be a whole number from 0 on, got {seed!r}.")
    return _pairs(count, seed)


def _pairs(count: int, seed: int) -> Iterator[SentencePair]:
    grammar = Grammar(random.Random(seed))
    sources: set[tuple[str, ...]] = set()
    targets: set[tuple[str, ...]] = set()
    while len(sources) < count:
        pair = realize(*grammar.sentence())
        if pair.source in sources or pair.target in targets or not 4 <= len(pair.source) <= 30:
            continue
        sources.add(pair.source)
        targets.add(pair.target)
        yield pair


def write_corpus(folder: Path, *, train: int, valid: int, test: int, seed: int) -> None:
    """Write {train,valid,test}.{en,de,align} into a folder, which is made where it is missing.

    The text is raw, one sentence a line; alignments are in Pharaoh format over the tokens.  No sentence of
    either language stands in two of the splits, and valid and test do not depend on the size of train.
    Raises ValueError where a size is not a number of pairs that can be had.
    """
    sizes = checked_sizes(train=train, valid=valid, test=test)
    write_splits(folder, sizes, generate(sum(sizes.values()), seed))
    remove_split(folder, "long")
