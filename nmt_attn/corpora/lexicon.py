"""The lexicon: the tables read into records, and the look-up of nouns by semantic tags."""

import re
from functools import cache

from nmt_attn.corpora import english, german, modifiers, nouns, verbs
from nmt_attn.corpora.lexemes import Adjective, Adverbial, EnglishVerb, GermanVerb, Noun, Slot, Verb


def _rows(table: str, columns: int) -> list[list[str]]:
    lines = [line.strip() for line in table.strip().splitlines()]
    cells = [[cell.strip() for cell in line.split("|")] for line in lines if line and line[0] != "#"]
    return [row + [""] * (columns - len(row)) for row in cells]


def _options(text: str) -> tuple[list[str], dict[str, str]]:
    words = text.split()
    named = dict(word.split("=", 1) for word in words if "=" in word)
    return [word for word in words if "=" not in word], named


def _noun(row: list[str], section: str) -> Noun:
    singular, _, plural_form = row[0].partition("/")
    article, word = row[1].split()
    gender = {"der": "m", "die": "f", "das": "n"}[article]
    plural = "" if row[2] == "-" else row[2]
    flags, named = _options(row[3])
    weak = "weak" in flags
    genitive = named.get("gen") or german.genitive(word, gender, plural if weak else "")
    place = named.get("at", "in>in").split(">")
    own = set() if singular == "name" else {singular.replace(" ", "_")}
    return Noun(
        english=singular,
        english_plural=plural_form or english.plural(singular),
        german=word,
        gender=gender,
        plural=plural,
        genitive=genitive,
        oblique=plural if weak else word,
        tags=frozenset(own | set(section.split()) | set(flags)),
        location=(place[0], place[1]),
    )


NOUNS: tuple[Noun, ...] = tuple(
    _noun(row, section) for section, table in nouns.SECTIONS.items() for row in _rows(table, 4)
)
NOUN: dict[str, Noun] = {noun.english: noun for noun in NOUNS}
TAGS: frozenset[str] = frozenset(tag for noun in NOUNS for tag in noun.tags)


@cache
def matches(noun: Noun, expression: str) -> bool:
    """Whether a noun satisfies a tag expression: "a:b-c" is "a and b but not c"."""
    required, *excluded = expression.split("-")
    return noun.tags.issuperset(required.split(":")) and noun.tags.isdisjoint(excluded)


@cache
def fits(noun: Noun, expressions: tuple[str, ...]) -> bool:
    """Whether a noun satisfies one of the expressions."""
    return any(matches(noun, expression) for expression in expressions)


@cache
def nouns_for(expressions: tuple[str, ...], plural: bool = False) -> tuple[Noun, ...]:
    """The nouns that satisfy one of the expressions, in the order of the table.

    Raises ValueError where there is none.
    """
    found = tuple(n for n in NOUNS if fits(n, expressions) and (n.plural or not plural))
    if not found:
        raise ValueError(f"A tag expression must match some noun, got {' '.join(expressions)!r}.")
    return found


def _adjective(row: list[str], kind: str) -> Adjective:
    base, *more = row[0].split()
    comparative = more[0] if more else f"more {base}"
    superlative = comparative[:-1] + "st" if more else f"most {base}"
    words, named = _options(row[1])
    lemma, stem = words[0], named.get("a", words[0])
    german_comparative = words[1] if len(words) > 1 else stem + "er"
    german_superlative = named.get("s") or german.superlative(lemma, german_comparative)
    return Adjective(
        base, comparative, superlative, lemma, stem, german_comparative, german_superlative,
        frozenset(row[2].split()), kind,
    )  # fmt: skip


ADJECTIVES: tuple[Adjective, ...] = tuple(
    _adjective(row, kind)
    for kind, table in (("quality", modifiers.QUALITIES), ("colour", modifiers.COLOURS))
    for row in _rows(table, 3)
)
ADJECTIVE: dict[str, Adjective] = {adjective.english: adjective for adjective in ADJECTIVES}


@cache
def adjectives_for(noun: Noun, kind: str) -> tuple[Adjective, ...]:
    """The adjectives of a kind that fit a noun, in the order of the table."""
    return tuple(a for a in ADJECTIVES if a.kind == kind and any(matches(noun, e) for e in sorted(a.tags)))


def _adverbial(row: list[str]) -> Adverbial:
    source, target = tuple(row[0].split()), tuple(row[1].split())
    if row[2]:
        first_second = [pair.split("-") for pair in row[2].split()]
        links = tuple((int(a), int(b)) for a, b in first_second)
    elif len(source) == len(target):
        links = tuple((i, i) for i in range(len(source)))
    else:
        links = tuple((i, j) for i in range(len(source)) for j in range(len(target)))
    return Adverbial(source, target, links, frozenset(row[3].split()))


TIMES = tuple(_adverbial(row) for row in _rows(modifiers.TIMES, 4))
FREQUENCIES = tuple(_adverbial(row) for row in _rows(modifiers.FREQUENCIES, 4))
MANNERS = tuple(_adverbial(row) for row in _rows(modifiers.MANNERS, 4))
ADVERBIAL: dict[str, Adverbial] = {" ".join(a.english): a for a in TIMES + FREQUENCIES + MANNERS}


def _english_verb(cell: str) -> EnglishVerb:
    words = cell.split()
    particle = words.pop()[1:] if words[-1].startswith("+") else ""
    base = words[0]
    past = words[1] if len(words) > 1 else english.past(base)
    return EnglishVerb(base, english.third_person(base), past, words[2] if len(words) > 2 else past, particle)


def _german_verb(cell: str) -> GermanVerb:
    words = cell.split()
    auxiliary = "haben"
    if words[-1] == "*":
        auxiliary = "sein"
        words.pop()
    reflexive = words[0] == "sich"
    words = words[1:] if reflexive else words
    prefix, _, base = words[0].rpartition("/")
    forms = words[1:]
    third = forms.pop(0) if len(forms) in (3,) else german.third_person(base)
    past = forms.pop(0) if forms else german.past(base)
    participle = forms.pop(0) if forms else german.participle(base)
    return GermanVerb(prefix, base, third, past, prefix + participle, auxiliary, reflexive)


def _slot(text: str) -> Slot:
    optional, text = text.startswith("?"), text.lstrip("?").strip()
    plural, text = text.startswith("pl "), text.removeprefix("pl ")
    head, *tags = text.split()
    found = re.fullmatch(r"(?:(\w*)>(\w+)\+|(\w+):)?(acc|dat)|instrument", head)
    if found is None:
        raise ValueError(f"An argument must read like 'acc' or 'for>auf+acc', got {head!r}.")
    case = found[4] or "instrument"
    return Slot(case, tuple(tags), found[1] or found[3] or "", found[2] or "", optional, plural)


def _verb(row: list[str]) -> Verb:
    flags, named = _options(row[4])

    def listed(name: str) -> tuple[str, ...]:
        return tuple(named[name].split(",")) if name in named else ()

    slots = tuple(_slot(part.strip()) for part in row[3].split(";") if part.strip())
    return Verb(
        _english_verb(row[0]), _german_verb(row[1]), tuple(row[2].split()), slots,
        listed("in"), listed("how"), frozenset(flags), listed("clause"),
    )  # fmt: skip


VERBS: tuple[Verb, ...] = tuple(_verb(row) for row in _rows(verbs.TABLE, 5))
SPECIAL: dict[str, Verb] = {row[0].split()[0]: _verb(row) for row in _rows(verbs.SPECIAL, 5)}
