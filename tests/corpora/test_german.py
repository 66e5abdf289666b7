"""German inflection against forms written by hand."""

import pytest

from nmt_attn.corpora import german
from nmt_attn.corpora.lexemes import GermanVerb
from nmt_attn.corpora.lexicon import ADJECTIVE, NOUN, VERBS

CASES = ("nom", "acc", "dat", "gen")


def verb(infinitive: str) -> GermanVerb:
    return next(v.german for v in VERBS if v.german.prefix + v.german.base == infinitive)


@pytest.mark.parametrize(
    ("kind", "column", "forms"),
    [
        ("definite", "m", "der den dem des"),
        ("definite", "f", "die die der der"),
        ("definite", "n", "das das dem des"),
        ("definite", "p", "die die den der"),
        ("indefinite", "m", "ein einen einem eines"),
        ("indefinite", "f", "eine eine einer einer"),
        ("indefinite", "n", "ein ein einem eines"),
        ("no", "m", "kein keinen keinem keines"),
        ("no", "p", "keine keine keinen keiner"),
        ("this", "m", "dieser diesen diesem dieses"),
        ("this", "n", "dieses dieses diesem dieses"),
        ("this", "p", "diese diese diesen dieser"),
        ("every", "f", "jede jede jeder jeder"),
        ("which", "n", "welches welches welchem welches"),
        ("all", "p", "alle alle allen aller"),
        ("several", "p", "mehrere mehrere mehreren mehrerer"),
        ("many", "p", "viele viele vielen vieler"),
    ],
)
def test_a_determiner_is_declined_by_case_gender_and_number(kind: str, column: str, forms: str) -> None:
    assert [german.determiner(kind, case, column) for case in CASES] == forms.split()


@pytest.mark.parametrize(
    ("owner", "column", "forms"),
    [
        ("m", "m", "sein seinen seinem seines"),
        ("f", "n", "ihr ihr ihrem ihres"),
        ("p", "f", "ihre ihre ihrer ihrer"),
        ("we", "m", "unser unseren unserem unseres"),
        ("I", "p", "meine meine meinen meiner"),
    ],
)
def test_a_possessive_is_declined_like_the_indefinite_article(owner: str, column: str, forms: str) -> None:
    assert [german.possessive(owner, case, column) for case in CASES] == forms.split()


@pytest.mark.parametrize(
    ("declension", "column", "forms"),
    [
        ("weak", "m", "alte alten alten alten"),
        ("weak", "f", "alte alte alten alten"),
        ("weak", "n", "alte alte alten alten"),
        ("weak", "p", "alten alten alten alten"),
        ("mixed", "m", "alter alten alten alten"),
        ("mixed", "f", "alte alte alten alten"),
        ("mixed", "n", "altes altes alten alten"),
        ("mixed", "p", "alten alten alten alten"),
        ("strong", "m", "alter alten altem alten"),
        ("strong", "f", "alte alte alter alter"),
        ("strong", "n", "altes altes altem alten"),
        ("strong", "p", "alte alte alten alter"),
    ],
)
def test_an_adjective_has_the_ending_of_its_declension(declension: str, column: str, forms: str) -> None:
    assert [german.adjective("alt", declension, case, column) for case in CASES] == forms.split()


@pytest.mark.parametrize(
    ("english", "singular", "plural"),
    [
        ("student", "Student Studenten Studenten Studenten", "Studenten Studenten Studenten Studenten"),
        ("boy", "Junge Jungen Jungen Jungen", "Jungen Jungen Jungen Jungen"),
        ("neighbour", "Nachbar Nachbarn Nachbarn Nachbarn", "Nachbarn Nachbarn Nachbarn Nachbarn"),
        ("lion", "Löwe Löwen Löwen Löwen", "Löwen Löwen Löwen Löwen"),
        ("name", "Name Namen Namen Namens", "Namen Namen Namen Namen"),
        ("man", "Mann Mann Mann Mannes", "Männer Männer Männern Männer"),
        ("child", "Kind Kind Kind Kindes", "Kinder Kinder Kindern Kinder"),
        ("teacher", "Lehrer Lehrer Lehrer Lehrers", "Lehrer Lehrer Lehrern Lehrer"),
        ("woman", "Frau Frau Frau Frau", "Frauen Frauen Frauen Frauen"),
        ("car", "Auto Auto Auto Autos", "Autos Autos Autos Autos"),
        ("house", "Haus Haus Haus Hauses", "Häuser Häuser Häusern Häuser"),
        ("secret", "Geheimnis Geheimnis Geheimnis Geheimnisses",
         "Geheimnisse Geheimnisse Geheimnissen Geheimnisse"),
        ("waitress", "Kellnerin Kellnerin Kellnerin Kellnerin",
         "Kellnerinnen Kellnerinnen Kellnerinnen Kellnerinnen"),
        ("girl", "Mädchen Mädchen Mädchen Mädchens", "Mädchen Mädchen Mädchen Mädchen"),
        ("apple", "Apfel Apfel Apfel Apfels", "Äpfel Äpfel Äpfeln Äpfel"),
    ],
)  # fmt: skip
def test_a_noun_is_declined(english: str, singular: str, plural: str) -> None:
    assert [german.noun(NOUN[english], case, False) for case in CASES] == singular.split()
    assert [german.noun(NOUN[english], case, True) for case in CASES] == plural.split()


@pytest.mark.parametrize(
    ("infinitive", "present", "past", "participle"),
    [
        ("kaufen", "kaufe kauft kaufen", "kaufte kauften", "gekauft"),
        ("arbeiten", "arbeite arbeitet arbeiten", "arbeitete arbeiteten", "gearbeitet"),
        ("essen", "esse isst essen", "aß aßen", "gegessen"),
        ("lesen", "lese liest lesen", "las lasen", "gelesen"),
        ("sehen", "sehe sieht sehen", "sah sahen", "gesehen"),
        ("helfen", "helfe hilft helfen", "half halfen", "geholfen"),
        ("geben", "gebe gibt geben", "gab gaben", "gegeben"),
        ("sammeln", "sammle sammelt sammeln", "sammelte sammelten", "gesammelt"),
        ("füttern", "füttere füttert füttern", "fütterte fütterten", "gefüttert"),
        ("reparieren", "repariere repariert reparieren", "reparierte reparierten", "repariert"),
        ("zeichnen", "zeichne zeichnet zeichnen", "zeichnete zeichneten", "gezeichnet"),
        ("bellen", "belle bellt bellen", "bellte bellten", "gebellt"),
        ("lernen", "lerne lernt lernen", "lernte lernten", "gelernt"),
        ("besuchen", "besuche besucht besuchen", "besuchte besuchten", "besucht"),
        ("übersetzen", "übersetze übersetzt übersetzen", "übersetzte übersetzten", "übersetzt"),
        ("mögen", "mag mag mögen", "mochte mochten", "gemocht"),
        ("wissen", "weiß weiß wissen", "wusste wussten", "gewusst"),
        ("aufmachen", "mache macht machen", "machte machten", "aufgemacht"),
        ("einkaufen", "kaufe kauft kaufen", "kaufte kauften", "eingekauft"),
        ("mitbringen", "bringe bringt bringen", "brachte brachten", "mitgebracht"),
        ("einladen", "lade lädt laden", "lud luden", "eingeladen"),
        ("vorbereiten", "bereite bereitet bereiten", "bereitete bereiteten", "vorbereitet"),
        ("anrufen", "rufe ruft rufen", "rief riefen", "angerufen"),
    ],
)
def test_a_verb_is_conjugated(infinitive: str, present: str, past: str, participle: str) -> None:
    form = verb(infinitive)
    first, third, plural = present.split()
    assert german.finite(form, "present", 1, False) == first
    assert german.finite(form, "present", 3, False) == third
    assert german.finite(form, "present", 3, True) == plural
    assert [german.finite(form, "past", 3, number) for number in (False, True)] == past.split()
    assert form.participle == participle


def test_the_infinitive_with_zu_is_one_word_only_for_separable_verbs() -> None:
    assert german.zu_infinitive(verb("aufmachen")) == ["aufzumachen"]
    assert german.zu_infinitive(verb("teilnehmen")) == ["teilzunehmen"]
    assert german.zu_infinitive(verb("kaufen")) == ["zu", "kaufen"]
    assert german.zu_infinitive(verb("übersetzen")) == ["zu", "übersetzen"]


def test_verbs_of_motion_form_their_perfect_with_sein() -> None:
    assert {verb(v).auxiliary for v in ("gehen", "aufstehen", "einschlafen", "folgen")} == {"sein"}
    assert {verb(v).auxiliary for v in ("kaufen", "schlafen", "helfen")} == {"haben"}


@pytest.mark.parametrize(
    ("english", "stem", "comparative", "superlative"),
    [
        ("old", "alt", "älter", "ältest"),
        ("big", "groß", "größer", "größt"),
        ("high", "hoh", "höher", "höchst"),
        ("expensive", "teur", "teurer", "teuerst"),
        ("dark", "dunkl", "dunkler", "dunkelst"),
        ("tired", "müd", "müder", "müdest"),
        ("beautiful", "schön", "schöner", "schönst"),
        ("short", "kurz", "kürzer", "kürzest"),
        ("exciting", "spannend", "spannender", "spannendst"),
    ],
)
def test_an_adjective_is_compared(english: str, stem: str, comparative: str, superlative: str) -> None:
    found = ADJECTIVE[english]
    assert (found.stem, found.german_comparative, found.german_superlative) == (
        stem,
        comparative,
        superlative,
    )


@pytest.mark.parametrize(
    ("number", "word"),
    [
        (1, "eins"), (12, "zwölf"), (16, "sechzehn"), (17, "siebzehn"), (20, "zwanzig"),
        (21, "einundzwanzig"), (30, "dreißig"), (67, "siebenundsechzig"), (76, "sechsundsiebzig"),
        (100, "einhundert"), (101, "einhunderteins"), (116, "einhundertsechzehn"),
        (243, "zweihundertdreiundvierzig"), (999, "neunhundertneunundneunzig"),
        (1000, "eintausend"), (2312, "zweitausenddreihundertzwölf"),
    ],
)  # fmt: skip
def test_a_number_is_one_german_word(number: int, word: str) -> None:
    assert german.numeral(number) == word


@pytest.mark.parametrize("number", [0, -3, 10_000])
def test_a_number_without_a_word_is_refused(number: int) -> None:
    with pytest.raises(ValueError, match=f"between 1 and 9999, got {number}"):
        german.numeral(number)
