"""German inflection: articles, pronouns, adjective endings, noun and verb forms, numerals.

A column of a paradigm is m, f, n for the singular genders or p for the plural; cases are nom, acc, dat, gen.
"""

from nmt_attn.corpora.lexemes import GermanVerb, Noun

CASES = ("nom", "acc", "dat", "gen")
COLUMNS = ("m", "f", "n", "p")


def _paradigm(rows: str) -> dict[tuple[str, str], str]:
    cells = [[cell.strip("-") for cell in row.split()] for row in rows.split("/")]
    return {(case, col): cells[i][j] for i, case in enumerate(CASES) for j, col in enumerate(COLUMNS)}


_DEFINITE = _paradigm("der die das die / den die das die / dem der dem den / des der des der")
_RELATIVE = _paradigm("der die das die / den die das die / dem der dem denen / dessen deren dessen deren")
_DER_WORD = _paradigm("er e es e / en e es e / em er em en / es er es er")
_EIN_WORD = _paradigm("- e - e / en e - e / em er em en / es er es er")
_WEAK = _paradigm("e e e en / en e e en / en en en en / en en en en")
_MIXED = _paradigm("er e es en / en e es en / en en en en / en en en en")
_STRONG = _paradigm("er e es e / en e es e / em er em en / en er en er")
_ADJECTIVE_ENDINGS = {"weak": _WEAK, "mixed": _MIXED, "strong": _STRONG}

_DER_STEMS = {"this": "dies", "every": "jed", "which": "welch", "all": "all"}
_QUANTIFIERS = {"many": "viel", "some": "einig", "several": "mehrer", "few": "wenig"}
_PERSONAL = {
    "I": ("ich", "mich", "mir"),
    "we": ("wir", "uns", "uns"),
    "m": ("er", "ihn", "ihm"),
    "f": ("sie", "sie", "ihr"),
    "n": ("es", "es", "ihm"),
    "p": ("sie", "sie", "ihnen"),
}
_POSSESSIVE_STEMS = {"I": "mein", "we": "unser", "m": "sein", "n": "sein", "f": "ihr", "p": "ihr"}
CONTRACTIONS = {
    ("in", "dem"): "im", ("in", "das"): "ins", ("an", "dem"): "am", ("an", "das"): "ans",
    ("zu", "dem"): "zum", ("zu", "der"): "zur", ("bei", "dem"): "beim", ("von", "dem"): "vom",
}  # fmt: skip


def definite_article(case: str, column: str) -> str:
    return _DEFINITE[case, column]


def relative_pronoun(case: str, column: str) -> str:
    return _RELATIVE[case, column]


def determiner(kind: str, case: str, column: str) -> str:
    """A determiner: definite, indefinite, no, this, every, which, all, many, some, several, few."""
    if kind == "definite":
        return _DEFINITE[case, column]
    if kind in _DER_STEMS:
        return _DER_STEMS[kind] + _DER_WORD[case, column]
    if kind in _QUANTIFIERS:
        return _QUANTIFIERS[kind] + _DER_WORD[case, column]
    return {"indefinite": "ein", "no": "kein"}[kind] + _EIN_WORD[case, column]


def possessive(owner: str, case: str, column: str) -> str:
    """A possessive; `owner` is I, we, or the column of the owner's paradigm."""
    return _POSSESSIVE_STEMS[owner] + _EIN_WORD[case, column]


def personal_pronoun(owner: str, case: str) -> str:
    return _PERSONAL[owner][CASES.index(case)]


def reflexive_pronoun(owner: str) -> str:
    """The accusative reflexive pronoun."""
    return {"I": "mich", "we": "uns"}.get(owner, "sich")


def adjective(stem: str, declension: str, case: str, column: str) -> str:
    """An inflected adjective; `declension` is weak, mixed or strong."""
    return stem + _ADJECTIVE_ENDINGS[declension][case, column]


def superlative(lemma: str, comparative: str) -> str:
    """The regular superlative without ending, with the vowel of the comparative."""
    stem = comparative.removesuffix("er") if not lemma.endswith(("er", "el")) else lemma
    if stem.endswith("end"):
        return stem + "st"
    return stem + ("est" if stem.endswith(("d", "t", "s", "ß", "sch", "z")) else "st")


def genitive(word: str, gender: str, weak_form: str) -> str:
    """The genitive singular; `weak_form` is the oblique form of the n-declension or empty."""
    if gender == "f" or weak_form:
        return weak_form or word
    if word.endswith("nis"):
        return word + "ses"
    if word.endswith(("s", "ß", "x", "z")):
        return word + "es"
    groups = "".join("v" if letter in "aeiouyäöü" else "c" for letter in word.lower())
    syllables = sum(1 for part in groups.split("c") if part)
    return word + ("es" if syllables == 1 and groups.endswith("c") else "s")


def noun(lexeme: Noun, case: str, plural: bool) -> str:
    """A noun in a case and number; a proper name stands unchanged."""
    if lexeme.proper:
        return lexeme.german
    if plural:
        return lexeme.plural + ("n" if case == "dat" and not lexeme.plural.endswith(("n", "s")) else "")
    return {"nom": lexeme.german, "gen": lexeme.genitive}.get(case, lexeme.oblique)


def _stem(infinitive: str) -> str:
    return infinitive.removesuffix("en") if infinitive.endswith("en") else infinitive.removesuffix("n")


def _needs_e(stem: str) -> bool:
    nasal = stem[-1] in "mn" and (stem[-2] not in "aeiouäöülrmnh" or stem[-3:-1] == "ch")
    return stem.endswith(("d", "t")) or nasal


def third_person(infinitive: str) -> str:
    """The regular third person singular of the present."""
    stem = _stem(infinitive)
    return stem + ("et" if _needs_e(stem) else "t")


def past(infinitive: str) -> str:
    """The regular first and third person singular of the past."""
    return third_person(infinitive) + "e"


def participle(infinitive: str) -> str:
    """The regular past participle of a verb without separable prefix."""
    inseparable = infinitive.startswith(("be", "ver", "er", "ent", "zer", "ge")) and infinitive != "bellen"
    bare = inseparable or infinitive.endswith("ieren")
    return ("" if bare else "ge") + third_person(infinitive)


_IRREGULAR_PRESENT = {  # ich, er, wir
    "sein": ("bin", "ist", "sind"),
    "haben": ("habe", "hat", "haben"),
    "werden": ("werde", "wird", "werden"),
    "können": ("kann", "kann", "können"),
    "müssen": ("muss", "muss", "müssen"),
    "sollen": ("soll", "soll", "sollen"),
    "wollen": ("will", "will", "wollen"),
    "möchten": ("möchte", "möchte", "möchten"),
    "dürfen": ("darf", "darf", "dürfen"),
    "mögen": ("mag", "mag", "mögen"),
    "wissen": ("weiß", "weiß", "wissen"),
}
_IRREGULAR_PAST = {
    "sein": "war", "haben": "hatte", "werden": "wurde", "können": "konnte", "müssen": "musste",
    "sollen": "sollte", "wollen": "wollte", "dürfen": "durfte",
}  # fmt: skip


def _present(infinitive: str, third: str, person: int, plural: bool) -> str:
    if infinitive in _IRREGULAR_PRESENT:
        return _IRREGULAR_PRESENT[infinitive][2 if plural else {1: 0, 3: 1}[person]]
    if plural:
        return infinitive
    if person == 3:
        return third
    if infinitive.endswith("eln"):
        return infinitive[:-3] + "le"
    return infinitive[:-1] + "e" if infinitive.endswith("ern") else _stem(infinitive) + "e"


def _past(form: str, plural: bool) -> str:
    return form + ("" if not plural else "n" if form.endswith("e") else "en")


def auxiliary(infinitive: str, tense: str, person: int, plural: bool) -> str:
    """A finite form of an auxiliary or modal; `tense` is present or past, `person` 1 or 3."""
    if tense == "past":
        return _past(_IRREGULAR_PAST[infinitive], plural)
    return _present(infinitive, "", person, plural)


def finite(verb: GermanVerb, tense: str, person: int, plural: bool) -> str:
    """The finite form of a full verb, without its separable prefix."""
    if tense == "past":
        return _past(verb.past, plural)
    return _present(verb.base, verb.third, person, plural)


def infinitive(verb: GermanVerb) -> str:
    return verb.prefix + verb.base


def zu_infinitive(verb: GermanVerb) -> list[str]:
    """The infinitive with "zu": two words, or one where the prefix is separable."""
    return [verb.prefix + "zu" + verb.base] if verb.prefix else ["zu", verb.base]


_ONES = [
    "null",
    "eins",
    "zwei",
    "drei",
    "vier",
    "fünf",
    "sechs",
    "sieben",
    "acht",
    "neun",
    "zehn",
    "elf",
    "zwölf",
]
_TENS = [
    "",
    "zehn",
    *["zwanzig", "dreißig", "vierzig", "fünfzig", "sechzig", "siebzig", "achtzig", "neunzig"],
]
_SHORTENED = {6: "sech", 7: "sieb"}


def _joined(digit: int) -> str:
    return "ein" if digit == 1 else _ONES[digit]


def numeral(number: int) -> str:
    """A number from 1 to 9999 as one word, such as "zweihundertdreiundvierzig".

    Raises ValueError for other numbers.
    """
    if not 1 <= number <= 9999:
        raise ValueError(f"A numeral must lie between 1 and 9999, got {number}.")
    thousands, rest = divmod(number, 1000)
    hundreds, rest = divmod(rest, 100)
    word = _joined(thousands) + "tausend" if thousands else ""
    word += _joined(hundreds) + "hundert" if hundreds else ""
    tens, ones = divmod(rest, 10)
    if rest <= 12:
        return word + (_ONES[rest] if rest else "")
    if rest < 20:
        return word + _SHORTENED.get(ones, _ONES[ones]) + "zehn"
    return word + (_joined(ones) + "und" if ones else "") + _TENS[tens]
