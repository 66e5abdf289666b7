"""Random noun phrases: which noun, determiner, number and modifiers, and what a pronoun may refer to."""

from nmt_attn.corpora.discourse import Chance, Discourse, proxy
from nmt_attn.corpora.lexemes import Noun
from nmt_attn.corpora.lexicon import adjectives_for, matches, nouns_for
from nmt_attn.corpora.tree import WE, Agreement, Attribute, I, NounPhrase, PrepositionalPhrase, Pronoun

NOT_COMPARED = frozenset(("broken", "wooden", "empty", "ripe", "wild"))
_ONE_OF_A_KIND = frozenset(("mother", "father", "king", "queen", "mayor", "judge"))
_OWNED = (
    "kin",
    "animal:pet",
    "dog",
    "cat",
    "horse",
    "thing-transit",
    "homely",
    "room",
    "teacher",
    "doctor",
    "colleague",
    "guest",
)
_COUNTED = (
    "fruit",
    "vegetable",
    "animal",
    "readable",
    "clothing",
    "object",
    "egg",
    "bottle",
    "cup",
    "chair",
    "adult",
    "child",
)


class Phrases:
    """Draws noun phrases."""

    def __init__(self, chance: Chance) -> None:
        self.chance = chance

    def noun(self, tags: tuple[str, ...], discourse: Discourse, plural: bool = False) -> Noun:
        """A noun that satisfies the tags, if possible one that has not been mentioned."""
        options = nouns_for(tags, plural)
        noun = self.chance.pick(options)
        for _ in range(8):
            if not discourse.has(noun):
                break
            noun = self.chance.pick(options)
        return noun

    def subject_pronoun(self, discourse: Discourse) -> Pronoun:
        """A pronoun without antecedent; after other mentions only one for the speaker."""
        if discourse.mentions:
            return Pronoun(self.chance.pick((I, I, WE)))
        agreement = self.chance.weighted(
            {
                I: 3.0,
                WE: 2.0,
                Agreement("he", "m"): 2.0,
                Agreement("she", "f"): 2.0,
                Agreement("they", "p"): 1.0,
            }
        )
        if agreement.person == 3:
            discourse.add(agreement, proxy(agreement.english))
        return Pronoun(agreement)

    def _determiner(self, noun: Noun, plural: bool, role: str) -> str:
        kin = "kin" in noun.tags and noun.english not in ("friend", "neighbour")
        if "weather" in noun.tags:
            return "definite"
        if noun.mass:
            if role == "subject" or "occasion" in noun.tags or "sky" in noun.tags:
                return "definite"
            return self.chance.weighted({"bare": 6.0, "definite": 3.0, "this": 0.8})
        if plural:
            bare = 0.4 if role == "subject" else 2.5
            options = {
                "definite": 6.0,
                "bare": bare,
                "this": 0.8,
                "all": 0.5,
                "many": 0.7,
                "some": 0.7,
                "several": 0.5,
                "few": 0.2,
            }
            if any(matches(noun, tag) for tag in _COUNTED):
                options["numeral"] = 1.8
            return self.chance.weighted(options if not kin else {"definite": 4.0, "numeral": 0.5})
        if kin:
            return "definite"
        indefinite = {"subject": 1.2, "object": 4.0, "place": 1.0}[role]
        if noun.english in _ONE_OF_A_KIND or role == "definite":
            indefinite = 0.0
        return self.chance.weighted(
            {
                "definite": 6.0,
                "indefinite": indefinite,
                "this": 0.7,
                "every": 0.25 if role == "subject" else 0.0,
            }
        )

    def attributes(self, noun: Noun, determiner: str, likely: float) -> tuple[Attribute, ...]:
        """Attributive adjectives: a quality, a colour, or both in this order."""
        qualities, colours = adjectives_for(noun, "quality"), adjectives_for(noun, "colour")
        found: list[Attribute] = []
        if qualities and self.chance(likely):
            degree = "superlative" if determiner == "definite" and self.chance(0.06) else "positive"
            quality = self.chance.pick(qualities)
            if quality.english in NOT_COMPARED:
                degree = "positive"
            found.append(Attribute(quality, degree))
            likely *= 0.4
        if colours and self.chance(likely * 0.6) and not (found and found[0].degree == "superlative"):
            found.append(Attribute(self.chance.pick(colours)))
        return tuple(found)

    def draw(
        self,
        tags: tuple[str, ...],
        discourse: Discourse,
        role: str = "object",
        *,
        plural: bool = False,
        definite: bool = False,
        owner: Agreement | None = None,
        rich: float = 1.0,
    ) -> NounPhrase:
        """A noun phrase without relative clause; `rich` scales how often it has modifiers."""
        noun = self.noun(tags, discourse, plural)
        if noun.proper:
            discourse.add(Agreement(noun.pronoun, noun.gender), noun)
            return NounPhrase(noun)
        many = {"subject": 0.2, "object": 0.3, "place": 0.04}[role]
        if noun.english in _ONE_OF_A_KIND or "sky" in noun.tags:
            many = 0.0
        plural = plural or (bool(noun.plural) and self.chance(many))
        determiner = self._determiner(noun, plural, role)
        if definite and determiner not in ("definite", "this"):
            determiner = "definite"
        possible = determiner in ("definite", "indefinite") and any(matches(noun, tag) for tag in _OWNED)
        possible = possible and not ("feminine" in noun.tags and owner is not None and owner.english == "he")
        chosen: Agreement | None = None
        if possible and self.chance(0.55 if "kin" in noun.tags else 0.2):
            chosen = owner if owner and self.chance(0.75) else self.chance.pick((I, I, WE))
            determiner = "possessive"
        attributes = self.attributes(noun, determiner, 0.42 * rich)
        discourse.qualities += [attribute.adjective for attribute in attributes]
        number = self._count(noun, role) if determiner == "numeral" else 0
        genitive, attachment = None, None
        if determiner == "definite" and not plural and self.chance(0.16 * rich):
            genitive = self._genitive(noun, discourse)
        if (
            role == "subject"
            and determiner in ("definite", "indefinite")
            and not plural
            and not genitive
            and self.chance(0.05 * rich)
        ):
            attachment = self._attachment(noun, discourse)
        phrase = NounPhrase(noun, determiner, plural, attributes, number, chosen, genitive, attachment)
        discourse.add(phrase.agreement, noun, determiner not in ("every", "no", "few"))
        return phrase

    def _count(self, noun: Noun, role: str) -> int:
        if role == "object" and noun.tags & {"readable", "collectable", "fruit", "vegetable"}:
            return self.chance.number()
        most = 4 if "kin" in noun.tags else 40 if role == "subject" else 28
        return 2 + int(most * self.chance.random.random() ** 2)

    def _genitive(self, noun: Noun, discourse: Discourse) -> NounPhrase | None:
        if "kin" in noun.tags and noun.english not in ("neighbour",):
            tags: tuple[str, ...] = ("job", "adult", "child:boy", "child:girl")
        elif "part" in noun.tags:
            tags = ("house", "castle", "church", "school", "museum", "library", "hotel", "theatre")
        elif noun.english in (
            "house",
            "dog",
            "horse",
            "bicycle",
            "car",
            "boat",
            "garden",
            "castle",
            "cat",
            "bag",
        ):
            tags = ("job-thief", "adult:woman", "adult:man")
        else:
            return None
        possessor = self.noun(tags, discourse)
        attributes = self.attributes(possessor, "definite", 0.25)
        phrase = NounPhrase(possessor, "definite", False, attributes)
        discourse.add(phrase.agreement, possessor)
        return phrase

    def _attachment(self, noun: Noun, discourse: Discourse) -> PrepositionalPhrase | None:
        if "person" not in noun.tags or "child" in noun.tags:
            return None
        clothing = self.noun(("hat", "coat", "jacket", "umbrella", "bag", "suitcase", "scarf"), discourse)
        attributes = self.attributes(clothing, "definite", 0.7)
        phrase = NounPhrase(clothing, "definite", False, attributes)
        discourse.add(phrase.agreement, clothing)
        return PrepositionalPhrase(("with",), "mit", "dat", phrase)
