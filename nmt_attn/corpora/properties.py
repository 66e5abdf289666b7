"""Random clauses with "be", and relative clauses."""

from collections.abc import Sequence
from dataclasses import replace
from functools import cache

from nmt_attn.corpora.actions import ACTIONS, Actions, Subject, animate
from nmt_attn.corpora.discourse import Discourse
from nmt_attn.corpora.lexemes import Adjective, Noun, Verb
from nmt_attn.corpora.lexicon import NOUN, adjectives_for, fits
from nmt_attn.corpora.modifiers import OPPOSITES
from nmt_attn.corpora.tree import (
    Clause,
    NounPhrase,
    Predicate,
    PrepositionalPhrase,
    Pronoun,
    Relative,
)


@cache
def verbs_taking(noun: Noun) -> tuple[tuple[Verb, int], ...]:
    """The verbs, with the number of the argument, whose object a noun can be."""
    return tuple(
        (verb, number)
        for verb in ACTIONS
        for number, slot in enumerate(verb.slots)
        if slot.case != "instrument" and not slot.plural and fits(noun, slot.tags) and fits(NOUN["man"], verb.subject)
    )


_ANIMAL_STATES = frozenset(("hungry", "thirsty", "tired", "angry", "nervous", "sick", "old", "young", "curious"))


_NO_REASON = frozenset(("tall", "big", "small", "beautiful", "ugly", "elegant"))


class Properties(Actions):
    """Draws clauses with "be" and relative clauses."""

    def property(
        self, discourse: Discourse, subject: Subject, tenses: tuple[str, ...] = ("present", "past")
    ) -> Clause | None:
        """A clause with "be" and an adjective that fits the subject, if there is one."""
        noun = subject[1]
        if isinstance(subject[0], NounPhrase) and any(a.adjective.kind == "quality" for a in subject[0].attributes):
            return None
        options: Sequence[Adjective] = adjectives_for(noun, "quality")
        allowed = {t: w for t, w in {"present": 3.0, "past": 1.0}.items() if t in tenses}
        if isinstance(subject[0], Pronoun) and animate(noun):
            options = [a for a in options if a.english not in _NO_REASON]
            if "animal" in noun.tags:
                options = [a for a in options if a.english in _ANIMAL_STATES]
        said = discourse.qualities
        options = [
            a
            for a in options
            if a not in said and not any(frozenset((a.english, b.english)) in OPPOSITES for b in said)
        ]
        if not options or not allowed:
            return None
        adjective = self.chance.pick(options)
        discourse.qualities.append(adjective)
        plain = adjective.english in ("broken", "wooden", "empty", "delicious")
        intensifier = "" if plain else self.chance.weighted({"": 3.0, "very": 1.0, "too": 0.3})
        predicate = Predicate(adjective, intensifier=intensifier)
        clause = Clause(subject[0], predicate=predicate, tense=self.chance.weighted(allowed))
        if not self._quantified(subject[0]) and not isinstance(subject[0], Relative) and self.chance(0.12):
            clause = clause.but(negation="not")
        return clause

    def with_relative(self, phrase: NounPhrase, discourse: Discourse, past: bool = False) -> NounPhrase:
        """The noun phrase with a relative clause, where it can have one."""
        if (
            phrase.noun.proper
            or phrase.genitive
            or phrase.attachment
            or phrase.determiner in ("number", "meal", "bare")
        ):
            return phrase
        if phrase.determiner == "possessive" or ("kin" in phrase.noun.tags and phrase.determiner != "definite"):
            return phrase
        if discourse.embedded:
            return phrase
        discourse.embedded = True
        clause = self._relative_clause(phrase, discourse, "past" if past else "present")
        discourse.embedded = False
        return phrase if clause is None else replace(phrase, relative=clause)

    def _relative_clause(self, phrase: NounPhrase, discourse: Discourse, tense: str) -> Clause | None:
        noun, agreement = phrase.noun, phrase.agreement
        plain = not any(attribute.adjective.kind == "quality" for attribute in phrase.attributes)
        pronoun = Relative(agreement, "person" in noun.tags)
        past = ("past",) if tense == "past" else ("present", "perfect")
        more = past if tense == "past" else (*past, "modal")
        role = self.chance.weighted({"subject": 5.0, "object": 4.0, "whose": 0.8, "place": 1.5})
        if role == "place" and noun.tags & {"place", "settlement"}:
            locals_ = tuple(v for v in ACTIONS if v.places and fits(noun, v.places) and "person" in v.subject)
            if locals_:
                clause = self.action(discourse, tenses=past, lean=0.0, fillers=locals_)
                word, preposition = noun.location
                place = PrepositionalPhrase((word,), preposition, "dat", pronoun)
                return clause.but(place=place, negation="", front="place")
        if role == "whose" and "person" in noun.tags and not phrase.plural:
            possessed = self.noun(("kin", "pet", "house", "car", "bicycle", "garden"), discourse)
            thing = NounPhrase(possessed, "whose", owner=agreement)
            discourse.add(thing.agreement, possessed)
            if animate(possessed) and self.chance(0.5):
                return self.action(discourse, subject=(thing, possessed), tenses=past, lean=0.3)
            return self.property(discourse, (thing, possessed), (tense,))
        if role == "object":
            options = verbs_taking(noun)
            if options:
                verb, number = self.chance.pick(options)
                if verb.slots[number].optional or ("nopron" in verb.flags and number == 0):
                    return None
                clause = self.action(discourse, verb=verb, tenses=more, lean=0.3, filled=(number, pronoun))
                return clause.but(front=f"argument{number}")
        if animate(noun) and self.chance(0.75):
            return self.action(discourse, subject=(pronoun, noun), tenses=more, lean=0.5)
        return self.property(discourse, (pronoun, noun), (tense,)) if plain else None
