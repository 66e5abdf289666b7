"""Random subordinate clauses, and what finishes a main clause."""

from nmt_attn.corpora.actions import ACTIONS, Subject, animate, verbs_for
from nmt_attn.corpora.discourse import Discourse
from nmt_attn.corpora.lexicon import NOUN, SPECIAL
from nmt_attn.corpora.modifiers import CONNECTIVES, MODALS
from nmt_attn.corpora.properties import Properties
from nmt_attn.corpora.tree import (
    Agreement,
    Argument,
    Clause,
    Interrogative,
    NounPhrase,
    PrepositionalPhrase,
    Pronoun,
    Subordinate,
)

_HAPPENINGS = tuple(v for v in ACTIONS if "state" not in v.flags)


class Dependents(Properties):
    """Draws dependent clauses."""

    def _front(self, clause: Clause) -> Clause:
        if clause.time and self.chance(0.5):
            return clause.but(front="time")
        if clause.reason and self.chance(0.5):
            return clause.but(front="reason")
        if (
            clause.place
            and self.chance(0.15)
            and not isinstance(clause.subject, Pronoun)
            and not clause.negation
            and isinstance(clause.place, PrepositionalPhrase)
            and clause.place.phrase.definite
        ):
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

    def circumstance(self, discourse: Discourse, tenses: tuple[str, ...], back: float = 0.85) -> Clause:
        """What follows because, although or if; `back` is how likely it is about something mentioned."""
        if self.chance(0.06):
            return self._weather("past" if tenses == ("past",) else "present")
        subject = self._back(discourse, back)
        if subject and self.chance(0.35 if animate(subject[1]) else 1.0):
            found = self.property(discourse, subject, tenses)
            if found:
                return found
        if subject and animate(subject[1]):
            return self.action(discourse, subject=subject, tenses=tenses, pronouns=True, lean=0.5)
        return self.action(discourse, tenses=tenses, pronouns=True, lean=0.5, fillers=_HAPPENINGS)

    def event(self, discourse: Discourse, tenses: tuple[str, ...], back: float = 0.7) -> Clause:
        """What follows while, before, after or as soon as: something that happens."""
        verbs = _HAPPENINGS
        subject = self._back(discourse, back, living=True)
        if subject:
            verbs = tuple(v for v in verbs_for(subject[1]) if "state" not in v.flags)
        clause = self.action(discourse, subject=subject, tenses=tenses, pronouns=True, lean=0.4, fillers=verbs)
        return clause.but(negation="", frequency=None)

    def _relation(self, tense: str) -> tuple[str, tuple[str, ...]]:
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

    @staticmethod
    def _timeless(dependent: Subordinate, main: Clause) -> Subordinate:
        """The dependent clause without a time of its own where the main clause names one."""
        if not main.time or not dependent.clause.time:
            return dependent
        return Subordinate(dependent.connective, dependent.clause.but(time=None))

    def _indirect_question(self, discourse: Discourse, tenses: tuple[str, ...], person: bool) -> Subordinate:
        """An indirect question; with "who" only after no `person`, where it would read as a relative clause."""
        word = self.chance.weighted({"whether": 3.0, "why": 2.0, "where": 1.5, "who": 0.0 if person else 3.0})
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
        if word == "whether":
            clause = clause.but(negation="")
        return Subordinate(CONNECTIVES[word], clause)
