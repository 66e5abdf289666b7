"""A concept tree in English words.

Order: fronted adjunct, subject, auxiliary, negation or frequency, verb, objects, manner, prepositional
objects, place, time, reason.  The present and past tense are simple; "do" stands where questions and negation
need it and belongs to the verb.
"""

from nmt_attn.corpora import english
from nmt_attn.corpora.english_verb_group import be_form, verb_group
from nmt_attn.corpora.modifiers import NEGATIONS
from nmt_attn.corpora.tokens import Concept, Token, concept, words
from nmt_attn.corpora.tree import (
    Adverb,
    Argument,
    Attribute,
    Clause,
    Compound,
    Coordination,
    Existence,
    Infinitive,
    Interrogative,
    NounPhrase,
    Phrase,
    Predicate,
    PrepositionalPhrase,
    Pronoun,
    Relative,
    Sentence,
    Subordinate,
)

_ARTICLES = {"definite": "the", "instrument": "the"}
_JOINTS = {"and": ("", "and"), "or": ("", "or"), "neither": ("neither", "nor"), "both": ("both", "and")}


def _determiner(phrase: NounPhrase, next_word: str, any_: bool) -> list[Token]:
    kind, own = phrase.determiner, concept(phrase, "determiner")
    if phrase.noun.proper or kind in ("number", "meal"):
        return []
    if kind == "bare":
        return words(["any"], own) if any_ else []
    if kind == "indefinite":
        return [Token(english.indefinite_article(next_word), (own,))]
    if kind == "numeral":
        return words(english.numeral(phrase.number), concept(phrase, "numeral"))
    if kind == "possessive" and phrase.owner:
        return [Token(english.PRONOUNS[phrase.owner.english][2], (own,))]
    if kind == "this" and phrase.plural:
        return [Token("these", (own,))]
    return words(_ARTICLES.get(kind, kind).split(), own)


def _attribute(attribute: Attribute) -> list[Token]:
    lexeme = attribute.adjective
    forms = {"comparative": lexeme.comparative, "superlative": lexeme.superlative}
    return words(forms.get(attribute.degree, lexeme.english).split(), concept(attribute))


def noun_phrase(phrase: NounPhrase, any_: bool = False) -> list[Token]:
    """A noun phrase with all its modifiers; `any_` is the article of negated plurals and masses."""
    core: list[Token] = []
    for attribute in phrase.attributes:
        core += _attribute(attribute)
    form = phrase.noun.english_plural if phrase.plural else phrase.noun.english
    core += words(form.split(), concept(phrase, "noun"))
    tokens = [*_determiner(phrase, core[0].text, any_), *core]
    if phrase.determiner == "number":
        tokens += words(english.numeral(phrase.number), concept(phrase, "numeral"))
    if phrase.genitive:
        tokens += [Token("of", (concept(phrase.genitive, "determiner"),)), *noun_phrase(phrase.genitive)]
    if phrase.attachment:
        tokens += prepositional(phrase.attachment)
    if phrase.relative:
        tokens += clause(phrase.relative)
    return tokens


def nominal(phrase: Phrase, role: int, any_: bool = False, after_preposition: bool = False) -> list[Token]:
    """Any phrase that can be subject (role 0) or object (role 1)."""
    if isinstance(phrase, NounPhrase):
        return noun_phrase(phrase, any_)
    if isinstance(phrase, Coordination):
        before, between = _JOINTS[phrase.kind]
        tokens = words(before.split(), concept(phrase, "opening"))
        for number, member in enumerate(phrase.members):
            tokens += words([between], concept(phrase, "joint")) if number else []
            tokens += noun_phrase(member)
        return tokens
    if isinstance(phrase, Pronoun):
        return [Token(english.PRONOUNS[phrase.agreement.english][role], (concept(phrase),))]
    if isinstance(phrase, Interrogative):
        word = ("who", "whom")[role] if phrase.personal else "what"
    else:
        word = ("who", "whom")[role] if phrase.personal else "which" if after_preposition else "that"
    return [Token(word, (concept(phrase),))]


def prepositional(phrase: PrepositionalPhrase) -> list[Token]:
    inner = nominal(phrase.phrase, 1, after_preposition=True)
    preposition = words(phrase.english, concept(phrase, "preposition"))
    return [*inner, *preposition] if phrase.postposed else [*preposition, *inner]


def _adverb(adverb: Adverb) -> list[Token]:
    if isinstance(adverb, PrepositionalPhrase):
        return prepositional(adverb)
    fixed = adverb.adverbial
    return [
        Token(word, tuple(concept(adverb, f"{i}-{j}") for i, j in fixed.links if i == position))
        for position, word in enumerate(fixed.english)
    ]


def _predicate(predicate: Predicate) -> list[Token]:
    lexeme, own = predicate.adjective, concept(predicate, "adjective")
    if predicate.measure:
        return [*noun_phrase(predicate.measure), Token(lexeme.english, (own,))]
    intensifier = words(predicate.intensifier.split(), concept(predicate, "intensifier"))
    if predicate.degree == "positive" or predicate.standard is None:
        return [*intensifier, Token(lexeme.english, (own,))]
    than = concept(predicate, "than")
    standard = noun_phrase(predicate.standard)
    if predicate.degree == "comparative":
        return [*words(lexeme.comparative.split(), own), Token("than", (than,)), *standard]
    as_ = concept(predicate, "as")
    return [Token("as", (as_,)), Token(lexeme.english, (own,)), Token("as", (than,)), *standard]


def _objects(c: Clause, skipped: int) -> list[Token]:
    """Particle, arguments and manner: dative before accusative unless the accusative is a pronoun."""
    own = concept(c, "verb")
    particle = words([c.verb.english.particle], own) if c.verb and c.verb.english.particle else []
    negated = c.negation == "not"
    unmarked = [a for n, a in enumerate(c.arguments) if n != skipped and not a.slot.english]
    marked = [a for n, a in enumerate(c.arguments) if n != skipped and a.slot.english]
    manner = _adverb(c.manner) if c.manner else []
    tokens: list[Token] = []
    dative = [a for a in unmarked if a.slot.case == "dat"]
    accusative = [a for a in unmarked if a.slot.case != "dat"]
    if dative and accusative and isinstance(accusative[0].phrase, Pronoun):
        tokens += nominal(accusative[0].phrase, 1)
        tokens += [Token("to", (_recipient(dative[0].phrase),)), *nominal(dative[0].phrase, 1)]
        return [*tokens, *particle, *manner]
    pronoun = accusative and not dative and isinstance(accusative[0].phrase, Pronoun)
    if particle and not pronoun:
        tokens += particle
    for argument in dative + accusative:
        tokens += nominal(argument.phrase, 1, negated)
    if particle and pronoun:
        tokens += particle
    tokens += manner
    for argument in marked:
        tokens += [
            *words([argument.slot.english], _preposition(c, argument)),
            *nominal(argument.phrase, 1, negated),
        ]
    return tokens


def _preposition(c: Clause, argument: Argument) -> tuple[int, str]:
    return concept(argument, "preposition") if argument.slot.german else concept(c, "verb")


def _recipient(phrase: Phrase) -> Concept:
    """What the "to" of a recipient goes with: the German word that shows the dative."""
    if isinstance(phrase, Coordination):
        return _recipient(phrase.members[0])
    if not isinstance(phrase, NounPhrase):
        return concept(phrase)
    bare = phrase.noun.proper or phrase.determiner in ("bare", "numeral")
    return concept(phrase, "noun" if bare else "determiner")


def _fronted_argument(c: Clause, number: int) -> list[Token]:
    argument = c.arguments[number]
    preposition: list[Token] = []
    if argument.slot.english:
        preposition = words([argument.slot.english], _preposition(c, argument))
    elif argument.slot.case == "dat" and any(a.slot.case == "acc" and not a.slot.english for a in c.arguments):
        preposition = [Token("to", (_recipient(argument.phrase),))]
    return [*preposition, *nominal(argument.phrase, 1, after_preposition=bool(preposition))]


def clause(c: Clause, *, introduced: bool = False, infinitive: bool = False, subject: bool = True) -> list[Token]:
    """A clause; `introduced` by a conjunction it has nothing in front of its subject."""
    agreement = c.subject.agreement
    front = "" if introduced or infinitive or c.before else c.front
    inverted = c.question and not introduced and front != "subject"
    skipped = int(front.removeprefix("argument")) if front.startswith("argument") else -1
    tokens: list[Token] = []
    if c.before:
        tokens += [*dependent(c.before), Token(",", (concept(c.before, "comma"),))]
    adverbs = {"time": c.time, "reason": c.reason, "place": c.place}
    if skipped >= 0:
        tokens += _fronted_argument(c, skipped)
    fronted = adverbs.get(front)
    if fronted:
        phrase = _adverb(fronted)
        asks = c.question or (isinstance(fronted, PrepositionalPhrase) and isinstance(fronted.phrase, Relative))
        tokens += phrase if len(phrase) == 1 or asks else [*phrase, Token(",")]
    who = nominal(c.subject, 0) if subject and not infinitive else []
    auxiliary, main = verb_group(c, agreement, inverted or c.negation == "not")
    if infinitive:
        base = "be" if c.verb is None else c.verb.english.base
        auxiliary, main = words(["to"], concept(c, "to")), words([base], concept(c, "verb"))
    negation: list[Token] = []
    if c.negation:
        negation = words(NEGATIONS[c.negation][0], concept(c, "negation"))
    often = _adverb(c.frequency) if c.frequency else []
    if inverted:
        tokens += auxiliary + who + negation + often + main
    elif c.negation == "not" and auxiliary and auxiliary[0].text == "can":
        tokens += [*who, Token("cannot", auxiliary[0].concepts + negation[0].concepts), *often, *main]
    elif infinitive:
        tokens += negation + auxiliary + often + main
    else:
        tokens += who + auxiliary + negation + often + main
    tokens += _objects(c, skipped)
    tokens += _predicate(c.predicate) if c.predicate else []
    for name, adverb in (("place", c.place), ("time", c.time), ("reason", c.reason)):
        if adverb and name != front:
            tokens += _adverb(adverb)
    for node in (c.complement, c.after):
        tokens += dependent(node) if node else []
    return tokens


def dependent(node: Subordinate | Infinitive) -> list[Token]:
    """A subordinate or infinitive clause."""
    if isinstance(node, Infinitive):
        purpose = words(["in", "order"], concept(node, "purpose")) if node.purpose else []
        return [*purpose, *clause(node.clause, infinitive=True)]
    if node.connective is None:
        return clause(node.clause)
    opening = words(node.connective.english, concept(node, "connective"))
    return [*opening, *clause(node.clause, introduced=True)]


def sentence(tree: Sentence) -> list[Token]:
    """The words of a sentence without its final stop."""
    if isinstance(tree, Existence):
        be = be_form(tree.tense, tree.phrase.agreement)
        there = [Token("there", (concept(tree, "there"),)), Token(be, (concept(tree, "be"),))]
        return [*there, *noun_phrase(tree.phrase), *prepositional(tree.place)]
    if isinstance(tree, Compound):
        joint = Token(tree.conjunction, (concept(tree, "joint"),))
        comma = [] if tree.shared and tree.conjunction != "but" else [Token(",", (concept(tree, "comma"),))]
        return [*clause(tree.first), *comma, joint, *clause(tree.second, subject=not tree.shared)]
    return clause(tree)
