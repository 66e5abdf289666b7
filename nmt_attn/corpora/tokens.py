"""Tokens that know which concepts they realise, and what turns them into an aligned pair."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

Concept = tuple[int, str]
PUNCTUATION = frozenset(".,?!:;")
_TOKEN = re.compile(r"\w+(?:[-']\w+)*|[^\w\s]")


@dataclass(frozen=True)
class Token:
    text: str
    concepts: tuple[Concept, ...] = ()


def concept(node: object, part: str = "") -> Concept:
    """The concept that a node of the tree contributes in one of its parts."""
    return (id(node), part)


def words(texts: Iterable[str], *concepts: Concept) -> list[Token]:
    """Tokens that all realise the same concepts."""
    return [Token(text, concepts) for text in texts]


def finished(tokens: list[Token], stop: str, concepts: tuple[Concept, ...]) -> list[Token]:
    """A sentence: no comma doubled or before the final stop, a capital at the beginning."""
    result: list[Token] = []
    for token in tokens:
        if token.text == ",":
            if not result:
                continue
            if result[-1].text == ",":
                result[-1] = Token(",", result[-1].concepts + token.concepts)
                continue
        result.append(token)
    while result[-1].text == ",":
        result.pop()
    first = result[0]
    result[0] = Token(first.text[0].upper() + first.text[1:], first.concepts)
    return [*result, Token(stop, concepts)]


def links(source: list[Token], target: list[Token]) -> tuple[tuple[int, int], ...]:
    """The pairs of positions whose tokens share a concept, sorted."""
    places: dict[Concept, list[int]] = {}
    for j, token in enumerate(target):
        for one in token.concepts:
            places.setdefault(one, []).append(j)
    pairs = {(i, j) for i, token in enumerate(source) for one in token.concepts for j in places.get(one, ())}
    return tuple(sorted(pairs))


def detokenize(tokens: Iterable[str]) -> str:
    """Tokens as a sentence, with punctuation attached to the word before it."""
    text = ""
    for token in tokens:
        text += token if not text or token in PUNCTUATION else " " + token
    return text


def tokenize(text: str) -> list[str]:
    """Words, with their hyphens, and punctuation marks; the inverse of `detokenize`."""
    return _TOKEN.findall(text)
