"""English inflection: the regular forms, the article and numerals in words."""

_ONES = [
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
]
_TENS = ("", "", *["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"])
_VOWEL_LETTERS_WITHOUT_AN = ("uni", "use", "eu", "one")

PRONOUNS = {  # subject, object, possessive, reflexive is not needed
    "I": ("I", "me", "my"),
    "we": ("we", "us", "our"),
    "he": ("he", "him", "his"),
    "she": ("she", "her", "her"),
    "it": ("it", "it", "its"),
    "they": ("they", "them", "their"),
}


def indefinite_article(word: str) -> str:
    """The article before a word: "a" or "an"."""
    vowel = word[0].lower() in "aeiou" and not word.lower().startswith(_VOWEL_LETTERS_WITHOUT_AN)
    return "an" if vowel or word.startswith(("hour", "honest")) else "a"


def _s_form(word: str) -> str:
    if word.endswith(("s", "x", "z", "ch", "sh")):
        return word + "es"
    if word.endswith("y") and word[-2] not in "aeiou":
        return word[:-1] + "ies"
    return word + "s"


def plural(noun: str) -> str:
    """The regular plural of a noun."""
    return noun + "es" if noun.endswith(("ato", "ero")) else _s_form(noun)


def third_person(verb: str) -> str:
    """The third person singular of the present."""
    return {"go": "goes", "have": "has", "be": "is", "do": "does"}.get(verb) or _s_form(verb)


def past(verb: str) -> str:
    """The regular past, which is also the past participle."""
    if verb.endswith("e"):
        return verb + "d"
    if verb.endswith("y") and verb[-2] not in "aeiou":
        return verb[:-1] + "ied"
    return verb + "ed"


def numeral(number: int) -> list[str]:
    """A number from 1 to 9999 in words, such as ["two", "hundred", "and", "forty-three"].

    Raises ValueError for other numbers.
    """
    if not 1 <= number <= 9999:
        raise ValueError(f"A numeral must lie between 1 and 9999, got {number}.")
    words: list[str] = []
    thousands, rest = divmod(number, 1000)
    hundreds, rest = divmod(rest, 100)
    if thousands:
        words += [_ONES[thousands], "thousand"]
    if hundreds:
        words += [_ONES[hundreds], "hundred"]
    if rest:
        words += ["and"] if words else []
        tens, ones = divmod(rest, 10)
        words.append(_ONES[rest] if rest < 20 else "-".join(filter(None, (_TENS[tens], _ONES[ones] if ones else ""))))
    return words
