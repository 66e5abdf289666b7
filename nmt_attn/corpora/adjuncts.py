"""Random adjuncts: when, how and where."""

from nmt_attn.corpora import english, german
from nmt_attn.corpora.discourse import Discourse
from nmt_attn.corpora.lexemes import Adverbial, Verb
from nmt_attn.corpora.lexicon import ADVERBIAL, MANNERS, NOUN, TIMES
from nmt_attn.corpora.phrases import Phrases
from nmt_attn.corpora.tree import (
    Adjunct,
    Adverb,
    Agreement,
    NounPhrase,
    PrepositionalPhrase,
)

_OUTDOORS = frozenset(("park", "street", "station", "playground", "city"))


_BESIDE = ((("in", "front", "of"), "vor"), (("behind",), "hinter"), (("beside",), "neben"))


def fixed(source: str, target: str, pairs: str) -> Adjunct:
    """An adverbial that stands in no table; `pairs` are its links in Pharaoh format."""
    joined = tuple((int(a), int(b)) for a, b in (pair.split("-") for pair in pairs.split()))
    return Adjunct(Adverbial(tuple(source.split()), tuple(target.split()), joined))


class Adjuncts(Phrases):
    """Draws adjuncts."""

    def _time(self, tense: str, short: bool) -> Adverb:
        if tense == "perfect":
            return Adjunct(ADVERBIAL["today"])
        if tense in ("past", "future") and self.chance(0.15):
            unit = NOUN[self.chance.pick(("day", "week", "month", "year", "hour"))]
            phrase = NounPhrase(unit, "numeral", True, number=2 + self.chance.below(11))
            word = ("ago", "vor") if tense == "past" else ("in", "in")
            return PrepositionalPhrase((word[0],), word[1], "dat", phrase, postposed=tense == "past")
        if self.chance(0.08):
            hour = 1 + self.chance.below(12)
            target = "ein" if hour == 1 else german.numeral(hour)
            return fixed(f"at {english.numeral(hour)[0]} o'clock", f"um {target} Uhr", "0-0 1-1 2-2")
        if self.chance(0.1):
            meal = NounPhrase(NOUN[self.chance.pick(("breakfast", "lunch", "dinner"))], "meal")
            preposition = self.chance.pick((("before", "vor"), ("after", "nach")))
            return PrepositionalPhrase((preposition[0],), preposition[1], "dat", meal)
        options = [one for one in TIMES if tense in one.tags and not (short and "short" in one.tags)]
        return Adjunct(self.chance.pick(options))

    def _place(self, verb: Verb, discourse: Discourse, owner: Agreement | None, definite: bool) -> PrepositionalPhrase:
        if _OUTDOORS.intersection(verb.places) and self.chance(0.2):
            phrase = self.draw(("building-passage", "tree"), discourse, "place", definite=definite, rich=0.5)
            words, preposition = self.chance.pick(_BESIDE)
            return PrepositionalPhrase(words, preposition, "dat", phrase)
        phrase = self.draw(verb.places, discourse, "place", owner=owner, definite=definite, rich=0.6)
        word, preposition = phrase.noun.location
        return PrepositionalPhrase((word,), preposition, "dat", phrase)

    def _manner(self, verb: Verb) -> Adjunct:
        tag = self.chance.pick(verb.manners)
        if tag == "duration" and self.chance(0.5):
            number = 2 + self.chance.below(10)
            unit = self.chance.pick((("hours", "Stunden"), ("minutes", "Minuten")))
            return fixed(
                f"for {english.numeral(number)[0]} {unit[0]}",
                f"{german.numeral(number)} {unit[1]} lang",
                "0-2 1-0 2-1",
            )
        return Adjunct(self.chance.pick([one for one in MANNERS if tag in one.tags]))
