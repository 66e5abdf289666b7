"""The English verb group: auxiliary, "do" and modal before the verb."""

from nmt_attn.corpora.tokens import Token, concept, words
from nmt_attn.corpora.tree import (
    Agreement,
    Clause,
)

_BE = {"present": {"I": "am", "he": "is", "she": "is", "it": "is"}, "past": {"we": "were", "they": "were"}}


def be_form(tense: str, agreement: Agreement) -> str:
    return _BE[tense].get(agreement.english, "was" if tense == "past" else "are")


def _singular(agreement: Agreement) -> bool:
    return agreement.english in ("he", "she", "it")


def _do(tense: str, agreement: Agreement) -> str:
    return "did" if tense == "past" else "does" if _singular(agreement) else "do"


def verb_group(c: Clause, agreement: Agreement, do: bool) -> tuple[list[Token], list[Token]]:
    """The auxiliary (if any) and the rest of the verb group."""
    own, helper = concept(c, "verb"), concept(c, "auxiliary")
    tense = "past" if c.tense == "past" else "present"
    base = "be" if c.verb is None else c.verb.english.base
    if c.passive and c.verb:
        return words([be_form(tense, agreement)], helper), words([c.verb.english.participle], own)
    if c.tense == "future":
        return words(["will"], helper), words([base], own)
    if c.modal:
        first, *rest = c.modal.english
        rest_tokens = [*words(rest, helper), *words([base], own)]
        if first == "be":
            return words([be_form(tense, agreement)], helper), rest_tokens
        if first not in ("want", "like"):
            return words([first], helper), rest_tokens
        if do:
            return words([_do(tense, agreement)], helper), [
                *words([first], helper),
                *rest_tokens,
            ]
        first = first + "s" if tense == "present" and _singular(agreement) else first
        return [], [*words(["wanted" if tense == "past" else first], helper), *rest_tokens]
    if c.verb is None:
        return words([be_form(tense, agreement)], own), []
    if c.tense == "perfect":
        return words(["has" if _singular(agreement) else "have"], helper), words([c.verb.english.participle], own)
    if do:
        return words([_do(tense, agreement)], own), words([base], own)
    third = c.verb.english.third if _singular(agreement) else base
    return [], words([c.verb.english.past if tense == "past" else third], own)
