"""Random sentences: how clauses are joined, asked and nested."""

import random

from nmt_attn.corpora.actions import ACTIONS, ALL_TENSES, STATIVE, Subject, animate, verbs_for
from nmt_attn.corpora.descriptions import Descriptions
from nmt_attn.corpora.discourse import Chance, Discourse
from nmt_attn.corpora.lexemes import Adverbial, Noun
from nmt_attn.corpora.lexicon import NOUN, VERBS, fits
from nmt_attn.corpora.modifiers import CONNECTIVES, MODALS
from nmt_attn.corpora.tree import (
    Adjunct,
    Clause,
    Compound,
    Coordination,
    Infinitive,
    Interrogative,
    NounPhrase,
    Phrase,
    Pronoun,
    Sentence,
    Subordinate,
)

_CLAUSAL = {kind: tuple(v for v in VERBS if kind in v.clause) for kind in ("that", "whether", "to", "object-to")}
_PURPOSEFUL = tuple(
    v for v in ACTIONS if v.english.base in ("go", "run", "drive", "travel", "hurry", "come", "get", "shop")
)
_LASTING = tuple(v for v in ACTIONS if v.english.base in ("sleep", "wait", "play", "dance", "work", "rest", "sing"))
_LOGICAL = ("because", "although", "if")
_ASKING = {
    name: Adjunct(Adverbial((name,), (german,), ((0, 0),)))
    for name, german in (("where", "wo"), ("when", "wann"), ("why", "warum"))
}


def _head(phrase: Phrase) -> Noun:
    """The noun that stands for a phrase where semantic classes are asked for."""
    if isinstance(phrase, Coordination):
        return phrase.members[0].noun
    return phrase.noun if isinstance(phrase, NounPhrase) else NOUN["man"]


class Grammar(Descriptions):
    """Draws sentences as concept trees."""

    def __init__(self, source: random.Random) -> None:
        super().__init__(Chance(source))

    def adverbial(self) -> Sentence:
        discourse = Discourse()
        main = self._front(self.action(discourse, lean=0.6))
        name, tenses = self._relation(main.tense)
        stative = main.verb is not None and main.verb.flags & STATIVE
        repeated = main.frequency or main.negation == "never"
        if (
            (name == "while" and main.modal)
            or (name in ("when", "while") and repeated)
            or (stative and name not in _LOGICAL)
            or (main.time and name in ("before", "after", "as soon as"))
            or (main.verb and main.verb.english.base == "ask" and name in ("if", "when"))  # would be questions
        ):
            name = "because"
        main = self._ending(main, discourse, 0.12)
        return main.but(after=self._timeless(self._dependent(name, discourse, tenses), main))

    def fronted(self) -> Sentence:
        discourse = Discourse()
        tense = self.chance.weighted({"present": 3.0, "past": 2.0})
        name, tenses = self._relation(tense)
        dependent = self._dependent(name, discourse, tenses)
        allowed = (
            ("past",) if tense == "past" else ("present", "modal", "future") if name == "if" else ("present", "modal")
        )
        back = self._back(discourse, 0.65, living=True)
        verbs = verbs_for(back[1]) if back else ACTIONS
        if name not in _LOGICAL:
            verbs = tuple(verb for verb in verbs if not verb.flags & STATIVE)
        main = self.action(discourse, subject=back, tenses=allowed, pronouns=True, lean=0.5, fillers=verbs)
        if name not in _LOGICAL:
            main = main.but(time=None, frequency=None, negation="" if main.negation == "never" else main.negation)
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
            inner = ("past",) if main.tense == "past" else ("present", "future")
        if kind == "that":
            if verb.english.base in ("believe", "think", "notice") and self.chance(0.2):
                main = main if self._quantified(main.subject) else main.but(negation="not")
            return main.but(complement=Subordinate(CONNECTIVES["that"], self.circumstance(discourse, inner)))
        if verb.english.base == "know":
            if self._quantified(main.subject):
                return self.simple()
            main = main.but(negation="not")
        return main.but(complement=self._indirect_question(discourse, inner, bool(main.arguments)))

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
        noun = _head(phrase)
        hidden: Subject = (Pronoun(phrase.agreement), noun)
        clause = self.action(discourse, subject=hidden, infinitive=True, lean=0.9)
        return main.but(complement=Infinitive(self._ending(clause, discourse, 0.12)))

    def purpose(self) -> Sentence:
        discourse = Discourse()
        main = self.action(discourse, verb=self.chance.pick(_PURPOSEFUL), lean=0.8)
        main = self._front(main.but(negation="", reason=None))
        phrase = main.subject
        noun = _head(phrase)
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
        # after a modal or "do not" a second verb without subject would read as an infinitive
        plain = not first.modal and first.negation != "not" and first.front == "subject"
        if (
            plain
            and isinstance(first.subject, (NounPhrase, Pronoun))
            and animate(_head(first.subject))
            and self.chance(0.6)
        ):
            noun = _head(first.subject)
            same: Subject = (Pronoun(first.subject.agreement), noun)
            second = self.action(discourse, subject=same, tenses=allowed, pronouns=True, lean=0.6)
            if first.time:
                second = second.but(time=None)
            return Compound(first, "and", self._ending(second, discourse, 0.15), shared=True)
        conjunction = self.chance.pick(("and", "but"))
        back = self._back(discourse, 0.4, living=True)
        second = self.action(discourse, subject=back, tenses=allowed, pronouns=True, lean=0.7)
        return Compound(first, conjunction, self._ending(second, discourse, 0.15))

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
            if v.slots and not (v.slots[0].german or v.slots[0].english or v.slots[0].plural)
            and v.slots[0].case != "instrument" and "nopron" not in v.flags and len(v.slots) < 3
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
            self.simple: 26.0, self.adverbial: 17.0, self.fronted: 9.0, self.reported: 9.0,
            self.infinitive: 7.0, self.purpose: 3.0, self.waiting: 1.5, self.compound: 7.0,
            self.description: 7.0, self.existence: 3.0, self.passive: 4.0, self.reading: 1.2,
        }  # fmt: skip
        if self.chance(0.07):
            tree = self.question()
            while isinstance(tree, Clause) and (self._quantified(tree.subject) or tree.subject.agreement.person == 1):
                tree = self.question()
            return tree, "?" if isinstance(tree, Clause) and tree.question else "."
        return self.chance.weighted(kinds)(), "."
