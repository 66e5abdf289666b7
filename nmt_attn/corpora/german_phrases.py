"""German noun phrases, prepositional phrases, adverbials and predicates."""

from nmt_attn.corpora import german
from nmt_attn.corpora.tokens import Token, concept, words
from nmt_attn.corpora.tree import (
    Adverb,
    Attribute,
    Coordination,
    Interrogative,
    NounPhrase,
    Phrase,
    Predicate,
    PrepositionalPhrase,
    Relative,
)

_WEAK_AFTER = ("definite", "this", "every", "all", "which", "meal")


_MIXED_AFTER = ("indefinite", "no", "possessive")


_JOINTS = {
    "and": ("", "und"),
    "or": ("", "oder"),
    "neither": ("weder", "noch"),
    "both": ("sowohl", "als auch"),
}


def _column(phrase: NounPhrase) -> str:
    return "p" if phrase.plural else phrase.noun.gender


def _determiner(phrase: NounPhrase, case: str, negation: tuple[tuple[int, str], ...]) -> list[Token]:
    kind, column = phrase.determiner, _column(phrase)
    own = concept(phrase, "determiner")
    if negation:
        return [Token(german.determiner("no", case, column), (own, *negation))]
    if kind in ("bare", "instrument", "number") or phrase.noun.proper:
        return []
    if kind == "meal":
        return [Token(german.determiner("definite", case, column), (concept(phrase, "noun"),))]
    if kind == "numeral":
        return [Token(german.numeral(phrase.number), (concept(phrase, "numeral"),))]
    if kind == "how many":
        return [Token("wie", (own,)), Token(german.determiner("many", case, column), (own,))]
    if kind == "possessive" and phrase.owner:
        return [Token(german.possessive(phrase.owner.column, case, column), (own,))]
    if kind == "whose" and phrase.owner:
        return [Token(german.relative_pronoun("gen", phrase.owner.column), (own,))]
    return [Token(german.determiner(kind, case, column), (own,))]


def _attribute(attribute: Attribute, declension: str, case: str, column: str) -> Token:
    lexeme = attribute.adjective
    stem = {"comparative": lexeme.german_comparative, "superlative": lexeme.german_superlative}
    form = german.adjective(stem.get(attribute.degree, lexeme.stem), declension, case, column)
    return Token(form, (concept(attribute),))


def noun_phrase(phrase: NounPhrase, case: str, negation: tuple[tuple[int, str], ...] = ()) -> list[Token]:
    """A noun phrase without its relative clause; `negation` turns its determiner into "kein"."""
    column = _column(phrase)
    declension = "strong"
    if phrase.determiner in _WEAK_AFTER:
        declension = "weak"
    elif phrase.determiner in _MIXED_AFTER or negation:
        declension = "mixed"
    tokens = _determiner(phrase, case, negation)
    tokens += [_attribute(attribute, declension, case, column) for attribute in phrase.attributes]
    tokens.append(Token(german.noun(phrase.noun, case, phrase.plural), (concept(phrase, "noun"),)))
    if phrase.determiner == "number":
        tokens.append(Token(german.numeral(phrase.number), (concept(phrase, "numeral"),)))
    if phrase.genitive:
        tokens += noun_phrase(phrase.genitive, "gen")
    if phrase.attachment:
        tokens += prepositional(phrase.attachment)
    return tokens


def _interrogative(phrase: Interrogative, case: str) -> str:
    return {"nom": "wer", "acc": "wen", "dat": "wem"}[case] if phrase.personal else "was"


def nominal(phrase: Phrase, case: str, negation: tuple[tuple[int, str], ...] = ()) -> list[Token]:
    """Any phrase that can be subject or object, without a relative clause."""
    if isinstance(phrase, NounPhrase):
        return noun_phrase(phrase, case, negation)
    if isinstance(phrase, Coordination):
        before, between = _JOINTS[phrase.kind]
        joint = concept(phrase, "joint")
        tokens = words(before.split(), concept(phrase, "opening"))
        for number, member in enumerate(phrase.members):
            tokens += words(between.split(), joint) if number else []
            tokens += noun_phrase(member, case)
        return tokens
    if isinstance(phrase, Relative):
        return [Token(german.relative_pronoun(case, phrase.agreement.column), (concept(phrase),))]
    if isinstance(phrase, Interrogative):
        return [Token(_interrogative(phrase, case), (concept(phrase),))]
    return [Token(german.personal_pronoun(phrase.agreement.column, case), (concept(phrase),))]


def prepositional(phrase: PrepositionalPhrase) -> list[Token]:
    """A prepositional phrase; preposition and article are contracted where German contracts them."""
    inner = nominal(phrase.phrase, phrase.case)
    own = concept(phrase, "preposition")
    plain = (
        isinstance(phrase.phrase, NounPhrase)
        and phrase.phrase.determiner in ("definite", "meal")
        and not phrase.phrase.relative
    )
    contracted = german.CONTRACTIONS.get((phrase.german, inner[0].text)) if plain else None
    if contracted:
        return [Token(contracted, (own, *inner[0].concepts)), *inner[1:]]
    return [Token(phrase.german, (own,)), *inner]


def adverbial(adverb: Adverb) -> list[Token]:
    if isinstance(adverb, PrepositionalPhrase):
        return prepositional(adverb)
    fixed = adverb.adverbial
    linked: list[list[tuple[int, str]]] = [[] for _ in fixed.german]
    for i, j in fixed.links:
        linked[j].append(concept(adverb, f"{i}-{j}"))
    return [Token(word, tuple(names)) for word, names in zip(fixed.german, linked, strict=True)]


def predicate_phrase(predicate: Predicate) -> list[Token]:
    lexeme = predicate.adjective
    own = concept(predicate, "adjective")
    if predicate.measure:
        return [*noun_phrase(predicate.measure, "acc"), Token(lexeme.german, (own,))]
    intensifier: list[Token] = []
    if predicate.intensifier:
        word = {"very": "sehr", "too": "zu"}[predicate.intensifier]
        intensifier = [Token(word, (concept(predicate, "intensifier"),))]
    if predicate.degree == "positive" or predicate.standard is None:
        return [*intensifier, Token(lexeme.german, (own,))]
    than = concept(predicate, "than")
    standard = noun_phrase(predicate.standard, "nom")
    if predicate.degree == "comparative":
        return [Token(lexeme.german_comparative, (own,)), Token("als", (than,)), *standard]
    return [
        Token("so", (concept(predicate, "as"),)),
        Token(lexeme.german, (own,)),
        Token("wie", (than,)),
        *standard,
    ]


def prepositional_argument(preposition: str, case: str, phrase: Phrase, own: tuple[int, str]) -> list[Token]:
    """A prepositional object, contracted like a prepositional phrase."""
    tokens = prepositional(PrepositionalPhrase((), preposition, case, phrase))
    first = tokens[0]
    # the node made here is new: its concept is replaced by that of the argument
    return [Token(first.text, (own, *first.concepts[1:])), *tokens[1:]]
