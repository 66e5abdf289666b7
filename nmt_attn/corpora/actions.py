"""Random clauses: a verb with arguments and adjuncts that fit it, or "be" with an adjective."""

from dataclasses import replace
from functools import cache

from nmt_attn.corpora.adjuncts import Adjuncts
from nmt_attn.corpora.discourse import Discourse, proxy
from nmt_attn.corpora.lexemes import Noun, Slot, Verb
from nmt_attn.corpora.lexicon import FREQUENCIES, NOUN, TIMES, VERBS, fits
from nmt_attn.corpora.modifiers import MODALS
from nmt_attn.corpora.tree import (
    Adjunct,
    Agreement,
    Argument,
    Clause,
    Coordination,
    NounPhrase,
    Phrase,
    PrepositionalPhrase,
    Pronoun,
)

ACTIONS = tuple(verb for verb in VERBS if "clauseonly" not in verb.flags)
STATIVE = frozenset(("state", "semistate"))
ALL_TENSES = ("present", "past", "perfect", "future", "modal")
_QUANTIFIED = ("every", "all", "no", "few", "many", "some", "several", "numeral", "bare", "indefinite")
_SPATIAL = frozenset(("in", "auf", "unter", "neben", "an", "zu", "nach", "aus", "durch", "über"))
_VAGUE = frozenset(("many", "some", "several", "few", "numeral", "indefinite"))
_ATTITUDES = frozenset(("like", "love", "miss", "admire", "know", "trust"))
Subject = tuple[Phrase, Noun]


@cache
def verbs_for(noun: Noun) -> tuple[Verb, ...]:
    """The verbs whose subject a noun can be."""
    return tuple(verb for verb in ACTIONS if fits(noun, verb.subject))


def animate(noun: Noun) -> bool:
    return bool(noun.tags & {"person", "animal"})


class Actions(Adjuncts):
    """Draws clauses."""

    # -- subjects and arguments

    def with_relative(self, phrase: NounPhrase, discourse: Discourse, past: bool = False) -> NounPhrase:
        """The noun phrase with a relative clause, where it can have one."""
        raise NotImplementedError

    def subject(
        self,
        tags: tuple[str, ...],
        discourse: Discourse,
        *,
        pronoun: float = 0.15,
        rich: float = 1.0,
        past: bool = False,
    ) -> Subject:
        """A subject: a pronoun without antecedent, or one or two noun phrases."""
        if self.chance(pronoun):
            before = len(discourse.mentions)
            found = self.subject_pronoun(discourse)
            stand_in = proxy(found.agreement.english)
            if fits(stand_in, tags):
                return found, stand_in
            del discourse.mentions[before:]
        if self.chance(0.05 * rich):
            first = self.draw(tags, discourse, "subject", definite=True, rich=0.3)
            before = len(discourse.mentions)
            second = self.draw(tags, discourse, "subject", definite=True, rich=0.3)
            both = Coordination((first, second), "both" if self.chance(0.15) else "and")
            alike = ("person" in first.noun.tags) == ("person" in second.noun.tags)
            if first.noun is not second.noun and alike:
                discourse.add(both.agreement, first.noun)
                return both, first.noun
            del discourse.mentions[before:]
            return first, first.noun
        phrase = self.draw(tags, discourse, "subject", rich=rich)
        if self.chance(0.14 * rich):
            phrase = self.with_relative(phrase, discourse, past)
        return phrase, phrase.noun

    def _argument(
        self, slot: Slot, discourse: Discourse, subject: Agreement, owned: bool, known: int, settled: bool
    ) -> Phrase:
        if known and not slot.german and slot.case != "instrument" and self.chance(0.6):
            options = [
                agreement
                for agreement, noun in discourse.candidates(known)
                if fits(noun, slot.tags) and agreement.english != subject.english
            ]
            if options:
                return Pronoun(self.chance.pick(options))
        if slot.case == "instrument":
            noun = self.noun(slot.tags, discourse)
            discourse.add(Agreement("it", noun.gender), noun, False)
            return NounPhrase(noun, "instrument")
        owner = self._owner(discourse, subject) if owned else None
        definite = (slot.case == "dat" and self.chance(0.8)) or bool(slot.german and self.chance(0.65))
        role = "place" if slot.german in _SPATIAL else "object"
        phrase = self.draw(slot.tags, discourse, role, plural=slot.plural, owner=owner, definite=definite)
        if settled and phrase.determiner in _VAGUE:
            phrase = replace(phrase, determiner="definite", number=0)
        if slot.case == "acc" and not slot.german and not slot.plural and self.chance(0.05):
            before = len(discourse.mentions)
            second = self.draw(slot.tags, discourse, "object", owner=owner, definite=phrase.definite, rich=0.4)
            if second.noun is not phrase.noun and second.definite == phrase.definite:
                together = Coordination(
                    (phrase, second), self.chance.weighted({"and": 4.0, "neither": 1.0, "both": 0.5})
                )
                persons = "person" in phrase.noun.tags and "person" in second.noun.tags
                discourse.add(together.agreement, phrase.noun, persons)
                return together
            del discourse.mentions[before:]
        return phrase

    @staticmethod
    def _owner(discourse: Discourse, subject: Agreement) -> Agreement | None:
        """The subject as possessor, where a possessive could not mean anybody else."""
        if subject.person == 1 or discourse.unique(subject.english):
            return subject
        return None

    # -- verbs

    def _tense(self, verb: Verb, noun: Noun, agreement: Agreement, tenses: tuple[str, ...]) -> tuple[str, str]:
        """A tense among those allowed, and a modal or nothing."""
        weights = {"present": 4.0, "past": 2.6, "perfect": 1.8, "future": 0.8, "modal": 2.0}
        modal_fits = animate(noun) and "unwilled" not in verb.flags
        stative = bool(verb.flags & STATIVE)
        same_past = verb.english.past == verb.english.base and agreement.english in ("I", "we", "they")
        options = {
            tense: weights[tense]
            for tense in tenses
            if not (stative and tense not in ("present", "past"))
            and not (tense == "modal" and not modal_fits)
            and not (same_past and tense in ("past", "modal") and "present" not in tenses)
        }
        if not options:
            return "", ""
        kind = self.chance.weighted(options)
        if kind != "modal":
            return kind, ""
        past = "present" not in tenses and "past" in tenses
        if "person" not in noun.tags:
            return ("past", "") if past else ("present", "can")
        if past:
            return "past", self.chance.weighted({"want": 3.0, "be allowed": 1.0})
        name = self.chance.weighted(
            {
                "can": 2.0,
                "must": 2.0,
                "should": 1.0,
                "want": 3.0,
                "would like": 1.5,
                "be allowed": 1.0,
                "like": 1.5,
            }
        )
        return "present", name

    def action(
        self,
        discourse: Discourse,
        *,
        subject: Subject | None = None,
        verb: Verb | None = None,
        tenses: tuple[str, ...] = ALL_TENSES,
        pronouns: bool = False,
        lean: float = 1.0,
        infinitive: bool = False,
        filled: tuple[int, Phrase] | None = None,
        fillers: tuple[Verb, ...] = (),
    ) -> Clause:
        """A clause with a full verb.

        `tenses` are those allowed, `pronouns` lets objects refer back, `lean` scales the number of adjuncts,
        `infinitive` leaves out whatever an infinitive clause cannot have, `filled` gives an argument, and
        `fillers` are the verbs to draw from.
        """
        given = verb
        known = len(discourse.mentions)
        if "past" in tenses and len(tenses) > 1:
            past = self.chance(0.28)
            tenses = tuple(t for t in tenses if t == "modal" or (t == "past") == past)
        past = "past" in tenses
        for _ in range(50):
            if given is None:
                options = fillers or (verbs_for(subject[1]) if subject else ACTIONS)
                verb = self.chance.pick(options)
                if verb in discourse.verbs and len(options) > 3:
                    continue
            assert verb is not None
            if infinitive and verb.flags & (STATIVE | {"unwilled"}):
                continue
            if subject is None and not infinitive:
                before = len(discourse.mentions)
                drawn = self.subject(verb.subject, discourse, rich=lean, past=past)
                tense, modal = self._tense(verb, drawn[1], drawn[0].agreement, tenses)
                if tense:
                    subject = drawn
                    break
                del discourse.mentions[before:]
            elif subject is not None:
                tense, modal = self._tense(verb, subject[1], subject[0].agreement, tenses)
                if infinitive:
                    tense, modal = "present", ""
                if tense:
                    break
        else:
            raise ValueError("A clause must have a verb that fits its subject and tense.")
        assert verb is not None
        assert subject is not None
        discourse.verbs.append(verb)
        arguments = []
        for number, slot in enumerate(verb.slots):
            if filled and filled[0] == number:
                arguments.append(Argument(slot, filled[1]))
            elif not slot.optional or self.chance(0.5):
                back = known if pronouns and "nopron" not in verb.flags else 0
                phrase = self._argument(
                    slot,
                    discourse,
                    subject[0].agreement,
                    "person" in subject[1].tags,
                    back,
                    verb.english.base in _ATTITUDES,
                )
                if isinstance(phrase, Coordination) and (infinitive or len(verb.slots) > 1):
                    phrase = replace(phrase, kind="and")
                arguments.append(Argument(slot, phrase))
        clause = Clause(subject[0], verb, tuple(arguments), tense=tense, modal=MODALS[modal] if modal else None)
        if modal == "like" and any(a.phrase.definite and not a.slot.german for a in arguments):
            clause = clause.but(modal=MODALS["want"])
        return self._adorned(clause, discourse, lean, infinitive, "person" if "person" in subject[1].tags else "")

    def _adorned(self, clause: Clause, discourse: Discourse, lean: float, infinitive: bool, owned: str) -> Clause:
        verb = clause.verb
        assert verb is not None
        neither = any(isinstance(a.phrase, Coordination) and a.phrase.kind == "neither" for a in clause.arguments)
        coordinated = any(isinstance(a.phrase, Coordination) for a in clause.arguments)
        if not infinitive and not coordinated and self.chance(0.17):
            clause = self._negated(clause)
        kein = clause.negation == "not" and not all(a.phrase.definite for a in clause.arguments)
        if verb.manners and not kein and not neither and self.chance(0.26 * lean):
            clause = clause.but(manner=self._manner(verb))
        if verb.places and (not clause.manner or self.chance(0.3)) and self.chance(0.42 * lean):
            owner = self._owner(discourse, clause.subject.agreement) if owned == "person" else None
            clause = clause.but(place=self._place(verb, discourse, owner, bool(clause.negation)))
        if infinitive or verb.flags & STATIVE:
            return clause
        tense = clause.tense
        if clause.modal and tense == "present":
            tense = "present" if clause.modal.german == "gern" else "future"
        habitual = clause.tense in ("present", "past") and not clause.modal and not clause.negation and not neither
        habitual = habitual and not (isinstance(clause.subject, NounPhrase) and clause.subject.relative)
        if habitual and self.chance(0.14 * lean):
            usual = FREQUENCIES if tense == "present" else FREQUENCIES[:4]
            clause = clause.but(frequency=Adjunct(self.chance.pick(usual)))
            if self.chance(0.3):
                habits = [
                    one for one in TIMES if "habit" in one.tags and tense in one.tags and "every" not in one.english
                ]
                clause = clause.but(time=Adjunct(self.chance.pick(habits)))
        elif clause.negation in ("", "not") and self.chance(0.42 * lean):
            clause = clause.but(time=self._time(tense, bool(clause.manner)))
        if lean >= 1 and self.chance(0.04):
            noun = NOUN[self.chance.pick(("rain", "snow", "storm", "heat", "noise"))]
            words, preposition = self.chance.pick(((("because", "of"), "wegen"), (("despite",), "trotz")))
            discourse.add(Agreement("it", noun.gender), noun)
            clause = clause.but(reason=PrepositionalPhrase(words, preposition, "gen", NounPhrase(noun)))
        return clause

    @staticmethod
    def _quantified(phrase: Phrase) -> bool:
        if isinstance(phrase, Coordination):
            return True
        return isinstance(phrase, NounPhrase) and not phrase.noun.proper and phrase.determiner in _QUANTIFIED

    def _negated(self, clause: Clause) -> Clause:
        """The clause with a negation or "already", if its determiners leave one reading."""
        if self._quantified(clause.subject) or (clause.modal and clause.modal.german in ("müssen", "gern")):
            return clause
        kind = "not"
        if clause.tense == "perfect":
            kind = self.chance.pick(("already", "already", "not yet", "never"))
        elif not clause.modal and clause.tense != "future" and self.chance(0.25):
            kind = "not" if clause.verb and "state" in clause.verb.flags else "never"
        phrases = [argument.phrase for argument in clause.arguments]
        if any(isinstance(phrase, NounPhrase) and phrase.determiner in ("all", "every") for phrase in phrases):
            return clause  # "not all" would be "nicht alle"
        loose = [argument for argument in clause.arguments if not argument.phrase.definite]
        for argument in loose:
            phrase = argument.phrase
            plain = isinstance(phrase, NounPhrase) and phrase.determiner in ("indefinite", "bare")
            alone = len(clause.arguments) == 1 and argument.slot.case == "acc" and not argument.slot.german
            if kind != "not" or not plain or not alone or (isinstance(phrase, NounPhrase) and phrase.relative):
                return clause
        return clause.but(negation=kind)
