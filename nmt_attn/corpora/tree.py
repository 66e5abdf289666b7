"""The concept tree: what a sentence says, without the words and the order of either language.

Nodes are compared by identity: a node stands at one place of one tree, and the words that realise it in the
two languages are linked because they name the same node.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from nmt_attn.corpora.lexemes import Adjective, Adverbial, Connective, Modal, Noun, Slot, Verb


@dataclass(frozen=True)
class Agreement:
    """What a finite verb, pronoun or possessive agrees with; `column` is m, f, n, p, I or we."""

    english: str  # I, we, he, she, it, they
    column: str

    @property
    def person(self) -> int:
        return 1 if self.column in ("I", "we") else 3

    @property
    def plural(self) -> bool:
        return self.column in ("we", "p")


I = Agreement("I", "I")  # noqa: E741
WE = Agreement("we", "we")


@dataclass(frozen=True, eq=False)
class Attribute:
    """An attributive adjective in a degree: positive, comparative or superlative."""

    adjective: Adjective
    degree: str = "positive"


@dataclass(frozen=True, eq=False)
class NounPhrase:
    """A noun with its determiner and modifiers.

    `determiner` is definite, indefinite, bare, this, every, all, many, some, several, few, which, how many,
    numeral, number ("page seven"), possessive (with `owner`), whose (with `owner`), no, instrument
    (English "the", German nothing) or meal (English nothing, German the definite article).
    """

    noun: Noun
    determiner: str = "definite"
    plural: bool = False
    attributes: tuple[Attribute, ...] = ()
    number: int = 0
    owner: Agreement | None = None
    genitive: NounPhrase | None = None
    attachment: PrepositionalPhrase | None = None
    relative: Clause | None = None

    @property
    def agreement(self) -> Agreement:
        if self.plural:
            return Agreement("they", "p")
        return Agreement(self.noun.pronoun, self.noun.gender)

    @property
    def definite(self) -> bool:
        """Whether it stands before the negation in the German middle field."""
        if self.noun.proper:
            return True
        return self.determiner in (
            "definite",
            "this",
            "every",
            "all",
            "possessive",
            "number",
            "whose",
            "meal",
        )


@dataclass(frozen=True, eq=False)
class Pronoun:
    """A personal pronoun."""

    agreement: Agreement
    definite: bool = True


@dataclass(frozen=True, eq=False)
class Relative:
    """The relative pronoun of a clause, with the gender and number of what it refers to."""

    agreement: Agreement
    personal: bool
    definite: bool = True


@dataclass(frozen=True, eq=False)
class Interrogative:
    """ "who" or "what"."""

    personal: bool
    definite: bool = True

    @property
    def agreement(self) -> Agreement:
        return Agreement("he", "m") if self.personal else Agreement("it", "n")


@dataclass(frozen=True, eq=False)
class Coordination:
    """Noun phrases joined by and, or, neither ... nor, both ... and."""

    members: tuple[NounPhrase, ...]
    kind: str = "and"

    @property
    def agreement(self) -> Agreement:
        return Agreement("they", "p")

    @property
    def definite(self) -> bool:
        return all(member.definite for member in self.members)


Phrase = NounPhrase | Pronoun | Relative | Interrogative | Coordination


@dataclass(frozen=True, eq=False)
class PrepositionalPhrase:
    english: tuple[str, ...]
    german: str
    case: str
    phrase: Phrase
    postposed: bool = False  # in English: "three days ago"


@dataclass(frozen=True, eq=False)
class Adjunct:
    """A fixed adverbial at its place in a clause."""

    adverbial: Adverbial


Adverb = Adjunct | PrepositionalPhrase


@dataclass(frozen=True, eq=False)
class Argument:
    slot: Slot
    phrase: Phrase


@dataclass(frozen=True, eq=False)
class Predicate:
    """What follows "be": an adjective, compared with `standard`, or with a measure."""

    adjective: Adjective
    degree: str = "positive"  # positive, comparative, equal
    standard: NounPhrase | None = None
    measure: NounPhrase | None = None
    intensifier: str = ""


@dataclass(frozen=True, eq=False)
class Subordinate:
    connective: Connective | None
    clause: Clause


@dataclass(frozen=True, eq=False)
class Infinitive:
    """An infinitive clause; with `purpose` it is "um ... zu"."""

    clause: Clause
    purpose: bool = False


@dataclass(frozen=True, eq=False)
class Clause:
    """A verb with its arguments and adjuncts.

    `front` names what stands before the finite verb of a main clause: subject, time, place, reason, argument
    (the first one) or nothing (a yes/no question).  `tense` is present, past, perfect or future.
    """

    subject: Phrase
    verb: Verb | None = None
    arguments: tuple[Argument, ...] = ()
    predicate: Predicate | None = None
    tense: str = "present"
    modal: Modal | None = None
    passive: bool = False
    negation: str = ""  # not, never, already, not yet
    time: Adverb | None = None
    frequency: Adjunct | None = None
    manner: Adjunct | None = None
    place: Adverb | None = None
    reason: Adverb | None = None
    front: str = "subject"
    question: bool = False
    before: Subordinate | Infinitive | None = None
    complement: Subordinate | Infinitive | None = None
    after: Subordinate | Infinitive | None = None

    def but(self, **changes: object) -> Clause:
        """A copy with some fields changed."""
        return replace(self, **changes)  # type: ignore[arg-type]


@dataclass(frozen=True, eq=False)
class Existence:
    """ "There is a dog in the garden": German "Im Garten gibt es einen Hund"."""

    phrase: NounPhrase
    place: PrepositionalPhrase
    tense: str = "present"


@dataclass(frozen=True, eq=False)
class Compound:
    """Two main clauses joined by and, but or or; a shared subject is left out of the second."""

    first: Clause
    conjunction: str
    second: Clause
    shared: bool = False


Sentence = Clause | Compound | Existence
