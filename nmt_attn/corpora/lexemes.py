"""What a word of the fragment is: the records that the tables are read into."""

from dataclasses import dataclass


@dataclass(frozen=True, eq=False)
class Noun:
    """A noun with its German principal forms; `plural` is empty where there is none."""

    english: str
    english_plural: str
    german: str
    gender: str  # m, f, n
    plural: str
    genitive: str
    oblique: str  # accusative and dative singular; differs from `german` in the n-declension
    tags: frozenset[str]
    location: tuple[str, str]  # English and German preposition of "being there"

    @property
    def pronoun(self) -> str:
        """The English pronoun for one of them: he, she or it."""
        if "person" not in self.tags:
            return "it"
        if "female" in self.tags:
            return "she"
        return {"m": "he", "f": "she", "n": "it"}[self.gender]

    @property
    def mass(self) -> bool:
        return not self.plural

    @property
    def proper(self) -> bool:
        return "name" in self.tags or "town" in self.tags


@dataclass(frozen=True, eq=False)
class Adjective:
    """An adjective with its forms of comparison; `stem` is the form that takes endings."""

    english: str
    comparative: str  # "older", or "more expensive"
    superlative: str
    german: str
    stem: str
    german_comparative: str
    german_superlative: str  # without ending
    tags: frozenset[str]
    kind: str  # "quality" or "colour": a colour stands next to the noun


@dataclass(frozen=True)
class EnglishVerb:
    base: str
    third: str
    past: str
    participle: str
    particle: str = ""


@dataclass(frozen=True)
class GermanVerb:
    """`base` is the infinitive without its separable prefix, `participle` is complete."""

    prefix: str
    base: str
    third: str
    past: str
    participle: str
    auxiliary: str = "haben"
    reflexive: bool = False


@dataclass(frozen=True)
class Slot:
    """An argument of a verb: its case, its prepositions and which nouns may fill it."""

    case: str
    tags: tuple[str, ...]
    english: str = ""
    german: str = ""
    optional: bool = False
    plural: bool = False
    motion: bool = False


@dataclass(frozen=True, eq=False)
class Verb:
    """A pair of verbs with one meaning and what may stand with them."""

    english: EnglishVerb
    german: GermanVerb
    subject: tuple[str, ...]
    slots: tuple[Slot, ...] = ()
    places: tuple[str, ...] = ()
    manners: tuple[str, ...] = ()
    flags: frozenset[str] = frozenset()
    clause: tuple[str, ...] = ()  # which clauses may be its object: that, whether, to


@dataclass(frozen=True)
class Adverbial:
    """A fixed adverbial; `links` joins its English and German words by position."""

    english: tuple[str, ...]
    german: tuple[str, ...]
    links: tuple[tuple[int, int], ...]
    tags: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Modal:
    """A modal: English words before the infinitive, German finite verb or the adverb "gern"."""

    english: tuple[str, ...]
    german: str


@dataclass(frozen=True)
class Connective:
    """A subordinating conjunction or an adverb that introduces an indirect question."""

    english: tuple[str, ...]
    german: tuple[str, ...]
