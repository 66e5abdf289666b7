"""English inflection against forms written by hand."""

import pytest

from nmt_attn.corpora import english
from nmt_attn.corpora.lexicon import NOUN, VERBS


@pytest.mark.parametrize(
    ("word", "article"),
    [("apple", "an"), ("old", "an"), ("university", "a"), ("useful", "a"), ("hour", "an"), ("honest", "an"),
     ("house", "a"), ("ugly", "an"), ("umbrella", "an"), ("uncle", "an")],
)  # fmt: skip
def test_the_indefinite_article_follows_the_sound(word: str, article: str) -> None:
    assert english.indefinite_article(word) == article


@pytest.mark.parametrize(
    ("word", "plural"),
    [("man", "men"), ("child", "children"), ("knife", "knives"), ("box", "boxes"), ("city", "cities"),
     ("boy", "boys"), ("tomato", "tomatoes"), ("photo", "photos"), ("goose", "geese"), ("bus", "buses"),
     ("church", "churches"), ("piano", "pianos"), ("story", "stories"), ("key", "keys")],
)  # fmt: skip
def test_a_noun_has_its_plural(word: str, plural: str) -> None:
    assert NOUN[word].english_plural == plural


@pytest.mark.parametrize(
    ("base", "third", "past", "participle"),
    [
        ("go", "goes", "went", "gone"),
        ("carry", "carries", "carried", "carried"),
        ("play", "plays", "played", "played"),
        ("wash", "washes", "washed", "washed"),
        ("hug", "hugs", "hugged", "hugged"),
        ("open", "opens", "opened", "opened"),
        ("write", "writes", "wrote", "written"),
        ("plan", "plans", "planned", "planned"),
        ("rest", "rests", "rested", "rested"),
        ("catch", "catches", "caught", "caught"),
        ("visit", "visits", "visited", "visited"),
    ],
)
def test_a_verb_has_its_principal_parts(base: str, third: str, past: str, participle: str) -> None:
    verb = next(v.english for v in VERBS if v.english.base == base)
    assert (verb.third, verb.past, verb.participle) == (third, past, participle)


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (1, "one"), (16, "sixteen"), (21, "twenty-one"), (30, "thirty"), (67, "sixty-seven"),
        (101, "one hundred and one"), (243, "two hundred and forty-three"),
        (999, "nine hundred and ninety-nine"), (1000, "one thousand"), (4007, "four thousand and seven"),
    ],
)  # fmt: skip
def test_a_number_is_written_in_words(number: int, words: str) -> None:
    assert " ".join(english.numeral(number)) == words


@pytest.mark.parametrize("number", [0, -1, 10_000])
def test_a_number_without_words_is_refused(number: int) -> None:
    with pytest.raises(ValueError, match=f"between 1 and 9999, got {number}"):
        english.numeral(number)
