"""A concept tree in German words.

Order of the middle field: subject, pronouns (accusative first), time, reason, dative, frequency, definite
accusative, negation or "gern", manner, place, indefinite accusative, prepositional object or predicate.  A
reflexive pronoun comes before a subject that is not a pronoun.  A relative clause on the last noun phrase
of the middle field stands after the closing verb.
"""

from nmt_attn.corpora import german
from nmt_attn.corpora.german_phrases import (
    adverbial,
    nominal,
    noun_phrase,
    predicate_phrase,
    prepositional,
    prepositional_argument,
)
from nmt_attn.corpora.modifiers import NEGATIONS
from nmt_attn.corpora.tokens import Token, concept, words
from nmt_attn.corpora.tree import (
    Agreement,
    Clause,
    Compound,
    Existence,
    Infinitive,
    Interrogative,
    NounPhrase,
    Phrase,
    Pronoun,
    Relative,
    Sentence,
    Subordinate,
)

_COMMA = Token(",")


def _relative_clause(phrase: Phrase) -> list[Token]:
    if isinstance(phrase, NounPhrase) and phrase.relative:
        return [_COMMA, *clause(phrase.relative, "last"), _COMMA]
    return []


def _verb_complex(c: Clause, agreement: Agreement) -> tuple[Token, list[Token]]:
    """The finite verb and what closes the clause, in the order of a main clause."""
    person, plural = agreement.person, agreement.plural
    own, helper = concept(c, "verb"), concept(c, "auxiliary")
    tense = "past" if c.tense == "past" else "present"
    modal = c.modal.german if c.modal and c.modal.german != "gern" else ""
    if c.verb is None:
        if c.tense == "future" or modal:
            return Token(german.auxiliary(modal or "werden", tense, person, plural), (helper,)), words(["sein"], own)
        return Token(german.auxiliary("sein", tense, person, plural), (own,)), []
    verb = c.verb.german
    if c.passive:
        return Token(german.auxiliary("werden", tense, person, plural), (helper,)), words([verb.participle], own)
    if c.tense == "perfect":
        return Token(german.auxiliary(verb.auxiliary, "present", person, plural), (helper,)), words(
            [verb.participle], own
        )
    if modal or c.tense == "future":
        form = german.auxiliary(modal or "werden", tense, person, plural)
        return Token(form, (helper,)), words([german.infinitive(verb)], own)
    finite = Token(german.finite(verb, tense, person, plural), (own,))
    return finite, words([verb.prefix] if verb.prefix else [], own)


def _closing(c: Clause, order: str, finite: Token, right: list[Token]) -> list[Token]:
    if order == "first":
        return right
    own = concept(c, "verb")
    if order == "infinitive" and c.verb is not None:
        forms = german.zu_infinitive(c.verb.german)
        to = concept(c, "to")
        return [Token("zu", (to,)), Token(forms[1], (own,))] if len(forms) == 2 else [Token(forms[0], (to, own))]
    separable = right and c.verb is not None and right[0].text == c.verb.german.prefix
    if separable:
        return [Token(right[0].text + finite.text, (own,))]
    return [*right, finite]


def _argument(c: Clause, number: int, negation: tuple[tuple[int, str], ...] = ()) -> list[Token]:
    slot, phrase = c.arguments[number].slot, c.arguments[number].phrase
    own = concept(c.arguments[number], "preposition") if slot.english else concept(c, "verb")
    if slot.german:
        return prepositional_argument(slot.german, slot.case, phrase, own)
    case = "acc" if slot.case == "instrument" else slot.case
    return nominal(phrase, case, negation)


def _takes_kein(phrase: Phrase) -> bool:
    return isinstance(phrase, NounPhrase) and phrase.determiner in ("indefinite", "bare") and not phrase.noun.proper


def clause(c: Clause, order: str, introduced: bool = False) -> list[Token]:
    """A clause; `order` is first (finite verb before the middle field), last or infinitive.

    A relative, interrogative or fronted phrase comes first of all.
    """
    finite, right = _verb_complex(c, c.subject.agreement)
    fields: list[list[Token]] = []
    prefield: list[Token] = []
    relative_clauses: list[list[Token]] = []

    def place(tokens: list[Token], front: bool, phrase: Phrase | None = None) -> None:
        nonlocal prefield
        relative = _relative_clause(phrase) if phrase is not None else []
        if front:
            prefield = tokens + relative
        else:
            fields.append(tokens)
            relative_clauses.append(relative)

    front = "" if introduced or order == "infinitive" or c.before else c.front
    middle_subject = front != "subject" and order != "infinitive"
    reflexive: list[Token] = []
    if c.verb is not None and c.verb.german.reflexive:
        reflexive = words([german.reflexive_pronoun(c.subject.agreement.column)], concept(c, "verb"))
    if reflexive and middle_subject and not isinstance(c.subject, Pronoun):
        place(reflexive, False)
        reflexive = []
    if order != "infinitive":
        place(nominal(c.subject, "nom"), front == "subject", c.subject)
        if fields and relative_clauses[-1]:  # a subject keeps its relative clause beside it
            fields[-1] = fields[-1] + relative_clauses[-1]
            relative_clauses[-1] = []
    if reflexive:
        place(reflexive, False)

    kein: tuple[tuple[int, str], ...] = ()
    bare_case = {n: a for n, a in enumerate(c.arguments) if not a.slot.german}
    pronouns = [n for n, a in bare_case.items() if isinstance(a.phrase, (Pronoun, Relative, Interrogative))]
    accusatives = [n for n, a in bare_case.items() if a.slot.case in ("acc", "instrument") and n not in pronouns]
    datives = [n for n, a in bare_case.items() if a.slot.case == "dat" and n not in pronouns]
    if c.negation == "not":
        kein = (concept(c, "negation"),) if any(_takes_kein(c.arguments[n].phrase) for n in accusatives) else ()

    def asked(n: int) -> bool:
        return front == f"argument{n}"

    for n in sorted(pronouns, key=lambda n: c.arguments[n].slot.case):
        place(_argument(c, n), asked(n))
    for adverb, name in ((c.time, "time"), (c.reason, "reason")):
        if adverb:
            place(adverbial(adverb), front == name)
    for n in datives:
        place(_argument(c, n), asked(n), c.arguments[n].phrase)
    if c.frequency:
        place(adverbial(c.frequency), False)
    for n in accusatives:
        if c.arguments[n].phrase.definite or asked(n):
            place(_argument(c, n), asked(n), c.arguments[n].phrase)
    if c.negation and not kein:
        place(words(NEGATIONS[c.negation][1], concept(c, "negation")), False)
    if c.modal and c.modal.german == "gern":
        place(words(["gern"], concept(c, "auxiliary")), False)
    if c.manner:
        place(adverbial(c.manner), False)
    if c.place:
        place(adverbial(c.place), front == "place")
    for n in accusatives:
        if not (c.arguments[n].phrase.definite or asked(n)):
            negated = kein if _takes_kein(c.arguments[n].phrase) else ()
            place(_argument(c, n, negated), False, c.arguments[n].phrase)
    for n, argument in enumerate(c.arguments):
        if argument.slot.german:
            place(_argument(c, n), asked(n), argument.phrase)
    if c.predicate:
        place(predicate_phrase(c.predicate), False)

    closing = _closing(c, order, finite, right)
    middle: list[Token] = []
    extraposed: list[Token] = []
    for number, tokens in enumerate(fields):
        middle += tokens
        if number == len(fields) - 1 and closing:
            extraposed = relative_clauses[number]
        else:
            middle += relative_clauses[number]
    tokens = _initial(c) if c.before else prefield
    tokens = tokens + ([finite] if order == "first" else []) + middle + closing + extraposed
    if c.complement:
        tokens += dependent(c.complement)
    if c.after:
        tokens += dependent(c.after)
    return tokens


def _initial(c: Clause) -> list[Token]:
    assert c.before is not None
    tokens = dependent(c.before)
    return [*tokens[:-1], Token(",", (concept(c.before, "comma"),))]


def dependent(node: Subordinate | Infinitive) -> list[Token]:
    """A subordinate or infinitive clause between commas."""
    if isinstance(node, Infinitive):
        opening = words(["um"], concept(node, "purpose")) if node.purpose else []
        return [_COMMA, *opening, *clause(node.clause, "infinitive"), _COMMA]
    introduced = node.connective is not None
    opening = words(node.connective.german, concept(node, "connective")) if node.connective else []
    return [_COMMA, *opening, *clause(node.clause, "last", introduced), _COMMA]


def sentence(tree: Sentence) -> list[Token]:
    """The words of a sentence without its final stop."""
    if isinstance(tree, Existence):
        there, be = concept(tree, "there"), concept(tree, "be")
        return [
            *prepositional(tree.place),
            Token("gab" if tree.tense == "past" else "gibt", (be,)),
            Token("es", (there,)),
            *noun_phrase(tree.phrase, "acc"),
            *_relative_clause(tree.phrase),
        ]
    if isinstance(tree, Compound):
        joint = Token({"and": "und", "but": "aber", "or": "oder"}[tree.conjunction], (concept(tree, "joint"),))
        comma = [] if tree.shared and tree.conjunction != "but" else [Token(",", (concept(tree, "comma"),))]
        first, second = clause(tree.first, "first"), clause(tree.second, "first")
        if tree.shared:
            second = second[len(nominal(tree.second.subject, "nom")) :]
        return [*first, *comma, joint, *second]
    return clause(tree, "first")
