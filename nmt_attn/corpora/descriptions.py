"""Random sentences of one clause: what happens, is, costs, measures or exists."""

from dataclasses import replace

from nmt_attn.corpora.actions import ACTIONS
from nmt_attn.corpora.dependents import Dependents
from nmt_attn.corpora.discourse import Discourse
from nmt_attn.corpora.lexemes import Slot
from nmt_attn.corpora.lexicon import ADJECTIVE, ADJECTIVES, NOUN, SPECIAL, matches, nouns_for
from nmt_attn.corpora.modifiers import CONNECTIVES, MODALS
from nmt_attn.corpora.phrases import NOT_COMPARED
from nmt_attn.corpora.tree import (
    Argument,
    Clause,
    Existence,
    NounPhrase,
    Predicate,
    PrepositionalPhrase,
    Sentence,
    Subordinate,
)

_SCENES = (
    (("kitchen",), ("table", "chair", "cupboard", "cat", "bottle", "washing_machine", "lamp", "shelf")),
    (
        ("living_room", "bedroom"),
        ("sofa", "bed", "mirror", "lamp", "carpet", "armchair", "piano", "clock", "picture"),
    ),
    (
        ("garden", "park"),
        (
            "tree",
            "apple_tree",
            "bench",
            "rose",
            "tulip",
            "hedgehog",
            "squirrel",
            "flower",
            "child:boy",
            "duck",
        ),
    ),
    (
        ("city", "village"),
        (
            "castle",
            "church",
            "library",
            "museum",
            "theatre",
            "bakery",
            "hotel",
            "hospital",
            "tower",
            "school",
        ),
    ),
    (("forest",), ("fox", "wolf", "owl", "mushroom", "squirrel", "snake", "house", "lake", "bear", "hunter")),
    (("meadow", "farm", "field"), ("cow", "goat", "horse", "donkey", "tree", "goose", "farmer", "flower")),
    (
        ("street", "station", "market"),
        ("restaurant", "café", "tourist", "bench", "policeman", "hotel", "clock"),
    ),
    (
        ("suitcase", "cupboard", "bag", "box"),
        ("shirt", "book", "towel", "sweater", "camera", "letter", "glove", "key"),
    ),
)


_MEASURES = (
    ("high", ("tower", "church"), "metre", 20, 300),
    ("high", ("mountain",), "metre", 500, 4800),
    ("high", ("bridge",), "metre", 5, 90),
    ("long", ("bridge", "ship", "street"), "metre", 25, 900),
    ("long", ("river",), "kilometre", 12, 990),
    ("deep", ("lake", "river"), "metre", 3, 250),
    ("old", ("house", "castle", "church", "tower", "bridge", "tree", "village", "city"), "year", 15, 990),
    ("old", ("child-pupil",), "year", 4, 12),
    ("old", ("adult-elder", "job"), "year", 22, 78),
    ("old", ("elder",), "year", 62, 98),
    ("old", ("dog", "cat", "horse", "donkey", "cow"), "year", 2, 18),
)


_PASSIVES = (
    "build",
    "paint",
    "write",
    "repair",
    "translate",
    "find",
    "steal",
    "buy",
    "sell",
    "read",
    "plant",
    "visit",
    "open",
)


class Descriptions(Dependents):
    """Draws simple sentences."""

    def simple(self) -> Sentence:
        discourse = Discourse()
        return self._ending(self._front(self.action(discourse)), discourse, 0.4)

    def description(self) -> Sentence:
        """A sentence with "be": a property, a comparison, a measure."""
        discourse = Discourse()
        kind = self.chance.weighted({"property": 3.0, "comparison": 3.0, "measure": 2.5, "cost": 2.0})
        if kind == "cost":
            return self._cost(discourse)
        if kind == "measure":
            return self._measure(discourse)
        if kind == "comparison":
            tags = self.chance.pick(
                (
                    ("adult", "kin", "child"),
                    ("animal-insect",),
                    ("vehicle-transit",),
                    ("building-bridge",),
                    ("clothing",),
                    ("furniture",),
                    ("book", "novel", "film", "story"),
                )
            )
            phrase = self.draw(tags, discourse, "subject", definite=True, rich=0.0)
            standard = self.draw(tags, discourse, "object", definite=True, rich=0.0)
            shared = [
                a for a in ADJECTIVES
                if a.kind == "quality" and a.english not in NOT_COMPARED
                and all(any(matches(n, tag) for tag in sorted(a.tags)) for n in (phrase.noun, standard.noun))
            ]  # fmt: skip
            if shared and phrase.noun is not standard.noun:
                degree = "comparative" if self.chance(0.7) else "equal"
                predicate = Predicate(self.chance.pick(shared), degree, standard)
                return Clause(phrase, predicate=predicate, tense="past" if self.chance(0.2) else "present")
        tags = ("person", "thing-transit", "building", "animal", "food", "abstract", "readable", "clothing")
        subject = self.subject(tags, discourse, pronoun=0.05)
        if isinstance(subject[0], NounPhrase):
            subject = (replace(subject[0], attributes=()), subject[1])
        found = self.property(discourse, subject)
        if found is None:
            return self.simple()
        name, tenses = self._relation(found.tense)
        if self.chance(0.6) and name in ("because", "although") and discourse.candidates():
            reason = self.circumstance(discourse, tenses, back=1.0)
            return found.but(after=Subordinate(CONNECTIVES[name], reason))
        return found

    def _cost(self, discourse: Discourse) -> Clause:
        verb = SPECIAL[self.chance.pick(("cost", "cost", "take"))]
        phrase = self.draw(verb.subject, discourse, "subject", definite=True)
        unit = self.chance.pick(nouns_for(verb.slots[0].tags))
        number = (
            self.chance.number()
            if unit.english == "euro"
            else 2 + self.chance.below(58 if unit.english == "minute" else 8)
        )
        amount = NounPhrase(unit, "numeral", True, number=number)
        settled = verb.english.base != verb.english.past or not phrase.plural
        tense = self.chance.pick(("present", "past")) if settled else "present"
        return Clause(phrase, verb, (Argument(verb.slots[0], amount),), tense=tense)

    def _measure(self, discourse: Discourse) -> Clause:
        name, tags, unit, least, most = self.chance.pick(_MEASURES)
        drawn = self.draw(tags, discourse, "subject", definite=True)
        other = tuple(one for one in drawn.attributes if one.adjective.english != name)
        phrase = NounPhrase(drawn.noun, drawn.determiner, False, other, owner=drawn.owner, genitive=drawn.genitive)
        number = least + int((most - least) * self.chance.random.random() ** 2)
        measure = NounPhrase(NOUN[unit], "numeral", True, number=number + 1 if number % 100 == 1 else number)
        tense = "past" if self.chance(0.15) else "present"
        return Clause(phrase, predicate=Predicate(ADJECTIVE[name], measure=measure), tense=tense)

    def existence(self) -> Sentence:
        discourse = Discourse()
        places, things = self.chance.pick(_SCENES)
        place = replace(self.draw(places, discourse, "place", definite=True), plural=False)
        word, preposition = place.noun.location
        noun = self.noun(things, discourse)
        plural = bool(noun.plural) and self.chance(0.4)
        determiner = (
            self.chance.weighted({"numeral": 3.0, "many": 1.0, "several": 1.0, "some": 1.0}) if plural else "indefinite"
        )
        number = 2 + self.chance.below(5 if "place" not in place.noun.tags or "room" in place.noun.tags else 19)
        phrase = NounPhrase(noun, determiner, plural, self.attributes(noun, determiner, 0.6), number)
        where = PrepositionalPhrase((word,), preposition, "dat", place)
        return Existence(phrase, where, "past" if self.chance(0.25) else "present")

    def passive(self) -> Sentence:
        discourse = Discourse()
        verbs = [
            v
            for v in ACTIONS
            if (v.english.base in _PASSIVES and len(v.slots) == 1 and "person" in v.subject[0])
            or v.english.base in ("build", "repair", "paint", "plant")
        ]
        verb = self.chance.pick(verbs)
        patient = self.draw(verb.slots[0].tags, discourse, "subject")
        if patient.determiner == "bare":
            return self.simple()
        agent_tags = tuple(tag for tag in verb.subject)
        agent = self.draw(agent_tags, discourse, "object", rich=0.7)
        argument = Argument(Slot("dat", agent_tags, "by", "von"), agent)
        tense = "past" if self.chance(0.85) else "present"
        clause = Clause(patient, verb, (argument,), tense=tense, passive=True)
        if tense == "past" and self.chance(0.5):
            clause = clause.but(time=self._time("past", False))
        clause = self._front(clause)
        if clause.time and clause.front != "time":
            return clause
        return self._ending(clause, discourse, 0.2)

    def reading(self) -> Sentence:
        """Somebody reads page so-and-so of something."""
        discourse = Discourse()
        verb = next(v for v in ACTIONS if v.english.base in ("read",) and len(v.slots) == 1)
        if self.chance(0.4):
            verb = next(v for v in ACTIONS if v.english.base == "translate")
        clause = self.action(discourse, verb=verb, lean=0.6)
        clause = clause.but(negation="", modal=None if clause.modal is MODALS["like"] else clause.modal)
        book = self.draw(("book", "novel", "report", "magazine"), discourse, "object", definite=True)
        if book.plural or book.relative:
            book = NounPhrase(book.noun, "definite", False, book.attributes)
        page = NounPhrase(NOUN["page"], "number", number=2 + self.chance.below(498), genitive=book)
        return self._front(clause.but(arguments=(Argument(verb.slots[0], page),)))
