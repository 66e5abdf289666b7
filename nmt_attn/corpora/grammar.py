"""Random sentences: how clauses are joined, asked and nested."""

import random
from dataclasses import replace

from nmt_attn.corpora.actions import ACTIONS, ALL_TENSES, STATIVE, Actions, Subject, animate, verbs_for
from nmt_attn.corpora.lexemes import Adverbial, Connective, Slot, Verb
from nmt_attn.corpora.lexicon import ADJECTIVE, ADJECTIVES, NOUN, SPECIAL, VERBS, fits, matches, nouns_for
from nmt_attn.corpora.modifiers import CONNECTIVES, MODALS
from nmt_attn.corpora.phrases import Chance, Discourse
from nmt_attn.corpora.tree import (
    Adjunct,
    Agreement,
    Argument,
    Clause,
    Compound,
    Coordination,
    Existence,
    Infinitive,
    Interrogative,
    NounPhrase,
    Predicate,
    PrepositionalPhrase,
    Pronoun,
    Sentence,
    Subordinate,
)

_CLAUSAL = {kind: tuple(v for v in VERBS if kind in v.clause) for kind in ("that", "whether", "to", "object-to")}
_PURPOSEFUL = tuple(
    v for v in ACTIONS if v.english.base in ("go", "run", "drive", "travel", "hurry", "come", "get", "shop")
)
_LASTING = tuple(v for v in ACTIONS if v.english.base in ("sleep", "wait", "play", "dance", "work", "rest", "sing"))
_HAPPENINGS = tuple(v for v in ACTIONS if "state" not in v.flags)
_ASKING = {
    name: Adjunct(Adverbial((name,), (german,), ((0, 0),)))
    for name, german in (("where", "wo"), ("when", "wann"), ("why", "warum"))
}
_BUILDINGS = ("castle", "church", "house", "tower", "bridge", "hotel", "school", "museum")
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
    ("high", ("tree", "bridge"), "metre", 5, 90),
    ("long", ("bridge", "ship", "street"), "metre", 25, 900),
    ("long", ("river",), "kilometre", 12, 990),
    ("deep", ("lake", "river"), "metre", 3, 250),
    ("old", ("house", "castle", "church", "tower", "bridge", "tree", "village", "city"), "year", 15, 990),
    ("old", ("child-pupil",), "year", 4, 12),
    ("old", ("adult-elder", "job"), "year", 22, 78),
    ("old", ("elder",), "year", 62, 98),
    ("old", ("dog", "cat", "horse", "donkey", "cow"), "year", 2, 18),
)


class Grammar(Actions):
    """Draws sentences as concept trees."""

    def __init__(self, source: random.Random) -> None:
        super().__init__(Chance(source))

    # -- finishing touches on a main clause

    def _front(self, clause: Clause) -> Clause:
        if clause.time and self.chance(0.5):
            return clause.but(front="time")
        if clause.reason and self.chance(0.5):
            return clause.but(front="reason")
        if clause.place and self.chance(0.15) and not isinstance(clause.subject, Pronoun) and not clause.negation:
            return clause.but(front="place")
        return clause

    def _ending(self, clause: Clause, discourse: Discourse, likely: float) -> Clause:
        """The clause with a relative clause on its last noun phrase, if that is last in English too."""
        trailing = clause.manner or clause.place or clause.reason or clause.after or clause.complement
        if trailing or (clause.time and clause.front != "time") or clause.negation or not clause.arguments:
            return clause
        number = max(range(len(clause.arguments)), key=lambda n: (bool(clause.arguments[n].slot.english), n))
        argument = clause.arguments[number]
        simple = isinstance(argument.phrase, NounPhrase) and argument.phrase.relative is None
        if not simple or argument.slot.case == "instrument" or not self.chance(likely):
            return clause
        assert isinstance(argument.phrase, NounPhrase)
        changed = list(clause.arguments)
        changed[number] = Argument(
            argument.slot, self.with_relative(argument.phrase, discourse, clause.tense == "past")
        )
        return clause.but(arguments=tuple(changed))

    def main(self, discourse: Discourse, **options: object) -> Clause:
        return self.action(discourse, **options)  # type: ignore[arg-type]

    # -- dependent clauses

    def _back(self, discourse: Discourse, likely: float, living: bool = False) -> Subject | None:
        """A pronoun that refers to something mentioned."""
        options = [one for one in discourse.candidates() if animate(one[1]) or not living]
        if not options or not self.chance(likely):
            return None
        agreement, noun = self.chance.pick(options)
        return Pronoun(agreement), noun

    def _weather(self, tense: str) -> Clause:
        verb = SPECIAL[self.chance.pick(("rain", "snow", "shine"))]
        if verb is SPECIAL["shine"]:
            return Clause(NounPhrase(NOUN["sun"]), verb, tense=tense)
        return Clause(Pronoun(Agreement("it", "n")), verb, tense=tense)

    def circumstance(self, discourse: Discourse, tenses: tuple[str, ...], *, weather: bool = True) -> Clause:
        """What follows because, although or if."""
        if weather and self.chance(0.06):
            return self._weather("past" if tenses == ("past",) else "present")
        back = self._back(discourse, 0.75)
        if back and self.chance(0.35 if animate(back[1]) else 1.0):
            found = self.property(discourse, back, tenses)
            if found:
                return found
        if back and animate(back[1]):
            return self.action(discourse, subject=back, tenses=tenses, pronouns=True, lean=0.5)
        return self.action(discourse, tenses=tenses, pronouns=True, lean=0.5, fillers=_HAPPENINGS)

    def event(self, discourse: Discourse, tenses: tuple[str, ...], back: float = 0.6) -> Clause:
        """What follows while, before, after or as soon as: something that happens."""
        verbs = _HAPPENINGS
        subject = self._back(discourse, back, living=True)
        if subject:
            verbs = tuple(v for v in verbs_for(subject[1]) if "state" not in v.flags)
        clause = self.action(discourse, subject=subject, tenses=tenses, pronouns=True, lean=0.4, fillers=verbs)
        return clause.but(negation="", frequency=None)

    def _relation(self, tense: str, fronted: bool) -> tuple[str, tuple[str, ...]]:
        """A conjunction that goes with the tense of the main clause, and the tenses it allows."""
        if tense == "past":
            names = {
                "because": 3.0,
                "although": 2.0,
                "when": 3.0,
                "while": 1.5,
                "before": 1.0,
                "as soon as": 0.7,
            }
            return self.chance.weighted(names), ("past",)
        options = {
            "because": 3.0,
            "although": 2.0,
            "if": 2.5,
            "while": 1.0,
            "before": 1.0,
            "after": 1.5,
            "as soon as": 0.8,
        }
        if tense in ("perfect", "future"):
            options = {
                "because": 3.0,
                "although": 2.0,
                "if": 0.0 if tense == "perfect" else 2.0,
                "before": 0.0,
            }
        name = self.chance.weighted(options)
        if name in ("because", "although"):
            return name, ("present", "modal", "perfect", "past") if tense == "perfect" else (
                "present",
                "modal",
                "perfect",
            )
        return name, ("perfect",) if name == "after" else ("present",)

    def _dependent(self, name: str, discourse: Discourse, tenses: tuple[str, ...]) -> Subordinate:
        if name in ("because", "although", "if"):
            return Subordinate(CONNECTIVES[name], self.circumstance(discourse, tenses))
        return Subordinate(CONNECTIVES[name], self.event(discourse, tenses))

    # -- kinds of sentences

    def simple(self) -> Sentence:
        discourse = Discourse()
        return self._ending(self._front(self.action(discourse)), discourse, 0.4)

    def adverbial(self) -> Sentence:
        discourse = Discourse()
        main = self._front(self.action(discourse, lean=0.6))
        name, tenses = self._relation(main.tense, False)
        stative = main.verb is not None and main.verb.flags & STATIVE
        if (name == "while" and main.modal) or (stative and name not in ("because", "although", "if")):
            name = "because"
        main = self._ending(main, discourse, 0.12)
        return main.but(after=self._timeless(self._dependent(name, discourse, tenses), main))

    @staticmethod
    def _timeless(dependent: Subordinate, main: Clause) -> Subordinate:
        """The dependent clause without a time of its own where the main clause names one."""
        if not main.time or not dependent.clause.time:
            return dependent
        return Subordinate(dependent.connective, dependent.clause.but(time=None))

    def fronted(self) -> Sentence:
        discourse = Discourse()
        tense = self.chance.weighted({"present": 3.0, "past": 2.0})
        name, tenses = self._relation(tense, True)
        dependent = self._dependent(name, discourse, tenses)
        allowed = (
            ("past",) if tense == "past" else ("present", "modal", "future") if name == "if" else ("present", "modal")
        )
        main = self.action(
            discourse,
            subject=self._back(discourse, 0.65, living=True),
            tenses=allowed,
            pronouns=True,
            lean=0.5,
        )
        if name not in ("because", "although", "if"):
            main = main.but(time=None)
        return self._ending(main, discourse, 0.1).but(before=self._timeless(dependent, main))

    def reported(self) -> Sentence:
        """A clause of saying or thinking with "that" or an indirect question."""
        discourse = Discourse()
        kind = self.chance.weighted({"that": 5.0, "whether": 3.0})
        verb = self.chance.pick(_CLAUSAL[kind])
        tenses = ("present", "past") if "state" in verb.flags else ("present", "past", "perfect")
        main = self.action(discourse, verb=verb, tenses=tenses, lean=0.9).but(negation="", time=None)
        inner: tuple[str, ...] = ALL_TENSES if main.tense == "present" else ("past",)
        if main.tense == "perfect":
            inner = ("present", "modal", "perfect", "past")
        if verb.english.base == "hope":
            inner = ("past",) if main.tense == "past" else ("present", "modal", "future")
        if kind == "that":
            if verb.english.base in ("believe", "think", "notice") and self.chance(0.2):
                main = main if self._quantified(main.subject) else main.but(negation="not")
            return main.but(complement=Subordinate(CONNECTIVES["that"], self.circumstance(discourse, inner)))
        if verb.english.base == "know":
            if self._quantified(main.subject):
                return self.simple()
            main = main.but(negation="not")
        return main.but(complement=self._indirect_question(discourse, inner))

    def _indirect_question(self, discourse: Discourse, tenses: tuple[str, ...]) -> Subordinate:
        word = self.chance.weighted({"whether": 3.0, "why": 2.0, "where": 1.5, "who": 1.5})
        if word == "who":
            subject: Subject = (Interrogative(True), NOUN["man"])
            clause = self.action(discourse, subject=subject, tenses=tenses, pronouns=False, lean=0.6)
            return Subordinate(
                None, clause.but(negation="", modal=None if clause.modal is MODALS["like"] else clause.modal)
            )
        back = self._back(discourse, 0.4, living=True)
        placed = tuple(v for v in (verbs_for(back[1]) if back else ACTIONS) if v.places)
        verbs = placed if word == "where" else ()
        clause = self.action(discourse, subject=back, tenses=tenses, pronouns=True, lean=0.4, fillers=verbs)
        if word == "where":
            clause = clause.but(place=None, reason=None, negation="")
        return Subordinate(CONNECTIVES[word], clause)

    def infinitive(self) -> Sentence:
        """A verb with an infinitive clause, whose subject is that of the main verb or its object."""
        discourse = Discourse()
        kind = self.chance.weighted({"to": 3.0, "object-to": 2.0})
        verb = self.chance.pick(_CLAUSAL[kind])
        main = self.action(discourse, verb=verb, tenses=("present", "past", "perfect"), lean=0.9)
        main = main.but(negation="", time=main.time if self.chance(0.5) else None)
        if main.time:
            main = main.but(front="time")
        phrase = main.arguments[0].phrase if kind == "object-to" else main.subject
        noun = phrase.noun if isinstance(phrase, NounPhrase) else NOUN["man"]
        if isinstance(phrase, Coordination):
            noun = phrase.members[0].noun
        hidden: Subject = (Pronoun(phrase.agreement), noun)
        clause = self.action(discourse, subject=hidden, infinitive=True, lean=0.9)
        return main.but(complement=Infinitive(self._ending(clause, discourse, 0.12)))

    def purpose(self) -> Sentence:
        discourse = Discourse()
        main = self.action(discourse, verb=self.chance.pick(_PURPOSEFUL), lean=0.8)
        main = self._front(main.but(negation="", reason=None))
        phrase = main.subject
        noun = phrase.noun if isinstance(phrase, NounPhrase) else NOUN["man"]
        if "person" not in noun.tags:
            return main
        verbs = tuple(v for v in verbs_for(noun) if v not in _PURPOSEFUL)
        if self.chance(0.25):
            other = self.event(discourse, ("modal",), back=0.2).but(modal=MODALS["can"], negation="", time=None)
            if main.tense in ("present", "future"):
                return main.but(after=Subordinate(CONNECTIVES["so that"], other.but(tense="present")))
        clause = self.action(
            discourse, subject=(Pronoun(phrase.agreement), noun), infinitive=True, fillers=verbs, lean=0.8
        )
        return main.but(after=Infinitive(self._ending(clause, discourse, 0.12), purpose=True))

    def waiting(self) -> Sentence:
        discourse = Discourse()
        verb = self.chance.pick(_LASTING)
        main = self.action(discourse, verb=verb, tenses=("present", "past"), lean=0.8).but(negation="", frequency=None)
        tense = "past" if main.tense == "past" else "present"
        until = Subordinate(CONNECTIVES["until"], self.event(discourse, (tense,), back=0.3))
        return self._front(main).but(after=self._timeless(until, main))

    def compound(self) -> Sentence:
        discourse = Discourse()
        first = self._front(self.action(discourse, lean=0.7))
        tense = first.tense
        allowed = (tense,) if tense in ("past", "perfect", "future") else ("present", "modal")
        if self.chance(0.45) and isinstance(first.subject, (NounPhrase, Pronoun)) and first.front == "subject":
            noun = first.subject.noun if isinstance(first.subject, NounPhrase) else NOUN["man"]
            same: Subject = (Pronoun(first.subject.agreement), noun)
            second = self.action(discourse, subject=same, tenses=allowed, pronouns=True, lean=0.6)
            if first.time:
                second = second.but(time=None)
            if second.verb is not first.verb:
                return Compound(first, "and", self._ending(second, discourse, 0.15), shared=True)
        conjunction = self.chance.pick(("and", "but"))
        back = self._back(discourse, 0.4, living=True)
        second = self.action(discourse, subject=back, tenses=allowed, pronouns=True, lean=0.7)
        return Compound(first, conjunction, self._ending(second, discourse, 0.15))

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
                if a.kind == "quality" and a.english not in ("broken", "wild", "empty")
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
        name, tenses = self._relation(found.tense, False)
        if self.chance(0.6) and name in ("because", "although"):
            return found.but(after=self._dependent(name, discourse, tenses))
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
        return Clause(phrase, verb, (Argument(verb.slots[0], amount),), tense=self.chance.pick(("present", "past")))

    def _measure(self, discourse: Discourse) -> Clause:
        name, tags, unit, least, most = self.chance.pick(_MEASURES)
        drawn = self.draw(tags, discourse, "subject", definite=True)
        phrase = NounPhrase(
            drawn.noun, drawn.determiner, False, drawn.attributes, owner=drawn.owner, genitive=drawn.genitive
        )
        number = least + int((most - least) * self.chance.random.random() ** 2)
        measure = NounPhrase(NOUN[unit], "numeral", True, number=number + 1 if number % 100 == 1 else number)
        tense = "past" if self.chance(0.15) else "present"
        return Clause(phrase, predicate=Predicate(ADJECTIVE[name], measure=measure), tense=tense)

    def existence(self) -> Sentence:
        discourse = Discourse()
        places, things = self.chance.pick(_SCENES)
        place = self.draw(places, discourse, "place", definite=True)
        word, preposition = place.noun.location
        noun = self.noun(things, discourse)
        plural = bool(noun.plural) and self.chance(0.4)
        determiner = (
            self.chance.weighted({"numeral": 3.0, "many": 1.0, "several": 1.0, "some": 1.0}) if plural else "indefinite"
        )
        number = 2 + self.chance.below(30) if determiner == "numeral" else 0
        number = number + 1 if number in (21, 31) else number
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

    def question(self) -> Sentence:
        discourse = Discourse()
        kind = self.chance.weighted(
            {"yes/no": 4.0, "who": 1.5, "object": 2.0, "where": 1.0, "when": 0.7, "why": 1.0, "which": 1.5}
        )
        if kind == "who":
            clause = self.action(discourse, subject=(Interrogative(True), NOUN["man"]), lean=0.8)
            return self._ending(clause.but(question=True, negation=""), discourse, 0.2)
        if kind in ("object", "which"):
            return self._object_question(kind, discourse)
        verbs = tuple(v for v in ACTIONS if v.places) if kind == "where" else ()
        clause = self.action(discourse, lean=0.7, fillers=verbs).but(negation="", question=True, front="")
        if kind == "where":
            return clause.but(place=_ASKING[kind], front="place", reason=None, manner=None)
        if kind == "when":
            return clause.but(time=_ASKING[kind], front="time", frequency=None, reason=None, manner=None)
        if kind == "why":
            return clause.but(reason=_ASKING[kind], front="reason")
        return self._ending(clause, discourse, 0.2)

    def _object_question(self, kind: str, discourse: Discourse) -> Sentence:
        verbs = tuple(
            v for v in ACTIONS
            if v.slots and not v.slots[0].german and not v.slots[0].english and v.slots[0].case != "instrument"
            and "nopron" not in v.flags and not v.slots[0].plural and len(v.slots) < 3
        )  # fmt: skip
        verb = self.chance.pick(verbs)
        slot = verb.slots[0]
        personal = fits(NOUN["teacher"], slot.tags) or fits(NOUN["mother"], slot.tags) or fits(NOUN["child"], slot.tags)
        asked: Interrogative | NounPhrase = Interrogative(personal)
        if kind == "which" or (slot.case == "dat" and not personal):
            drawn = self.draw(slot.tags, discourse, "object", definite=True, rich=0.6)
            if drawn.noun.proper or drawn.noun.mass:
                return self.simple()
            many = drawn.plural and self.chance(0.5)
            asked = NounPhrase(drawn.noun, "how many" if many else "which", drawn.plural, drawn.attributes)
        clause = self.action(discourse, verb=verb, lean=0.8, filled=(0, asked), tenses=ALL_TENSES)
        modal = None if clause.modal is MODALS["like"] else clause.modal
        return clause.but(question=True, front="argument0", negation="", modal=modal)

    def sentence(self) -> tuple[Sentence, str]:
        """A sentence and its final stop."""
        kinds = {
            self.simple: 26.0, self.adverbial: 17.0, self.fronted: 9.0, self.reported: 9.0, self.infinitive: 7.0,
            self.purpose: 3.0, self.waiting: 1.5, self.compound: 7.0, self.description: 7.0, self.existence: 3.0,
            self.passive: 4.0, self.reading: 1.2,
        }  # fmt: skip
        if self.chance(0.07):
            tree = self.question()
            while isinstance(tree, Clause) and self._quantified(tree.subject):
                tree = self.question()
            return tree, "?" if isinstance(tree, Clause) and tree.question else "."
        return self.chance.weighted(kinds)(), "."


__all__ = ["Connective", "Grammar", "Verb"]
