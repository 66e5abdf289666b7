"""Fixed concept trees against the sentences that say them."""

import pytest

from nmt_attn.corpora import lexicon
from nmt_attn.corpora.fragment import realize
from nmt_attn.corpora.lexemes import Slot, Verb
from nmt_attn.corpora.modifiers import CONNECTIVES, MODALS
from nmt_attn.corpora.tree import (
    WE,
    Adjunct,
    Agreement,
    Argument,
    Attribute,
    Clause,
    Compound,
    Coordination,
    Existence,
    I,
    Infinitive,
    Interrogative,
    NounPhrase,
    Phrase,
    Predicate,
    PrepositionalPhrase,
    Pronoun,
    Relative,
    Sentence,
    Subordinate,
)

HE, SHE = Agreement("he", "m"), Agreement("she", "f")


def np(noun: str, determiner: str = "definite", *adjectives: str, **more: object) -> NounPhrase:
    attributes = tuple(Attribute(lexicon.ADJECTIVE[name]) for name in adjectives)
    return NounPhrase(lexicon.NOUN[noun], determiner, attributes=attributes, **more)  # type: ignore[arg-type]


def verb(infinitive: str, slots: int) -> Verb:
    return next(v for v in lexicon.VERBS if v.german.prefix + v.german.base == infinitive and len(v.slots) == slots)


def does(subject: Phrase, infinitive: str, *objects: Phrase, **more: object) -> Clause:
    found = verb(infinitive, len(objects))
    arguments = tuple(Argument(slot, phrase) for slot, phrase in zip(found.slots, objects, strict=True))
    return Clause(subject, found, arguments).but(**more)


def adjunct(english: str) -> Adjunct:
    return Adjunct(lexicon.ADVERBIAL[english])


def at(preposition: str, german: str, phrase: Phrase, case: str = "dat") -> PrepositionalPhrase:
    return PrepositionalPhrase(tuple(preposition.split()), german, case, phrase)


def sub(name: str, clause: Clause) -> Subordinate:
    return Subordinate(CONNECTIVES[name], clause)


def is_(subject: Phrase, adjective: str, **more: object) -> Clause:
    return Clause(subject, predicate=Predicate(lexicon.ADJECTIVE[adjective])).but(**more)


def it(gender: str) -> Pronoun:
    return Pronoun(Agreement("it", gender))


SENTENCES: list[tuple[Sentence, str, str]] = [
    (
        does(np("man"), "kaufen", np("book", "indefinite", "old")),
        "The man buys an old book.",
        "Der Mann kauft ein altes Buch.",
    ),
    (
        does(np("man"), "kaufen", np("book", "indefinite"), time=adjunct("today"), front="time"),
        "Today the man buys a book.",
        "Heute kauft der Mann ein Buch.",
    ),
    (
        does(np("man"), "kaufen", np("book", "definite", "old"), modal=MODALS["want"]),
        "The man wants to buy the old book.",
        "Der Mann will das alte Buch kaufen.",
    ),
    (
        does(np("woman"), "aufmachen", np("door"), negation="not"),
        "The woman does not open the door.",
        "Die Frau macht die Tür nicht auf.",
    ),
    (
        does(np("woman"), "lesen", np("letter", "indefinite", "long"), negation="not", tense="past"),
        "The woman did not read a long letter.",
        "Die Frau las keinen langen Brief.",
    ),
    (
        does(np("child"), "fressen", np("meat"), tense="perfect").but(subject=np("dog"), negation="already"),
        "The dog has already eaten the meat.",
        "Der Hund hat das Fleisch schon gefressen.",
    ),
    (
        does(np("teacher"), "geben", np("student", "indefinite", "young"), np("book", "possessive", owner=HE)),
        "The teacher gives a young student his book.",
        "Der Lehrer gibt einem jungen Studenten sein Buch.",
    ),
    (
        does(np("mother"), "geben", np("boy"), Pronoun(Agreement("it", "m"))),
        "The mother gives it to the boy.",
        "Die Mutter gibt ihn dem Jungen.",
    ),
    (
        does(np("girl"), "kaufen", np("lamp"), after=sub("because", is_(it("f"), "beautiful"))),
        "The girl buys the lamp because it is beautiful.",
        "Das Mädchen kauft die Lampe, weil sie schön ist.",
    ),
    (
        does(np("girl"), "kaufen", np("table"), after=sub("because", does(Pronoun(I), "brauchen", it("m")))),
        "The girl buys the table because I need it.",
        "Das Mädchen kauft den Tisch, weil ich ihn brauche.",
    ),
    (
        does(
            Pronoun(SHE),
            "aufwachen",
            tense="perfect",
            time=adjunct("today"),
            before=sub("because", is_(np("dog"), "loud")),
        ),
        "Because the dog is loud, she has woken up today.",
        "Weil der Hund laut ist, ist sie heute aufgewacht.",
    ),
    (
        does(np("farmer", plural=True), "helfen", np("neighbour", "possessive", owner=Agreement("they", "p"))),
        "The farmers help their neighbour.",
        "Die Bauern helfen ihrem Nachbarn.",
    ),
    (
        does(
            np("man", relative=does(Relative(HE, True), "lesen", np("newspaper"))),
            "trinken",
            np("coffee", "bare"),
        ),
        "The man who reads the newspaper drinks coffee.",
        "Der Mann, der die Zeitung liest, trinkt Kaffee.",
    ),
    (
        does(
            np("doctor"),
            "suchen",
            np(
                "child",
                relative=does(np("woman"), "helfen", Relative(Agreement("it", "n"), True), front="argument0"),
            ),
            tense="perfect",
        ),
        "The doctor has looked for the child whom the woman helps.",
        "Der Arzt hat das Kind gesucht, dem die Frau hilft.",
    ),
    (
        does(
            Pronoun(WE),
            "kennen",
            np("friend", relative=does(np("dog", "whose", owner=HE), "bellen")),
        ),
        "We know the friend whose dog barks.",
        "Wir kennen den Freund, dessen Hund bellt.",
    ),
    (
        does(np("cat"), "legen", np("key"), np("table"), tense="past").but(subject=np("waiter")),
        "The waiter laid the key on the table.",
        "Der Kellner legte den Schlüssel auf den Tisch.",
    ),
    (
        does(np("cat"), "schlafen", place=at("on", "auf", np("table", "indefinite", "round"))),
        "The cat sleeps on a round table.",
        "Die Katze schläft auf einem runden Tisch.",
    ),
    (
        does(
            np("boy"),
            "versuchen",
            complement=Infinitive(does(Pronoun(HE), "aufmachen", np("window", "definite", "big"))),
        ),
        "The boy tries to open the big window.",
        "Der Junge versucht, das große Fenster aufzumachen.",
    ),
    (
        does(
            np("woman"),
            "gehen",
            np("market"),
            after=Infinitive(does(Pronoun(SHE), "kaufen", np("bread", "bare", "fresh")), purpose=True),
        ),
        "The woman goes to the market in order to buy fresh bread.",
        "Die Frau geht zum Markt, um frisches Brot zu kaufen.",
    ),
    (
        does(np("pupil", plural=True), "glauben", complement=sub("that", does(np("king"), "einschlafen"))),
        "The pupils believe that the king falls asleep.",
        "Die Schüler glauben, dass der König einschläft.",
    ),
    (
        does(
            np("judge"),
            "wissen",
            negation="not",
            complement=Subordinate(None, does(Interrogative(True), "stehlen", np("ring"), tense="perfect")),
        ),
        "The judge does not know who has stolen the ring.",
        "Der Richter weiß nicht, wer den Ring gestohlen hat.",
    ),
    (
        does(np("library"), "besitzen", np("book", "numeral", number=243, plural=True)),
        "The library owns two hundred and forty-three books.",
        "Die Bibliothek besitzt zweihundertdreiundvierzig Bücher.",
    ),
    (
        Clause(
            np("tower"),
            predicate=Predicate(lexicon.ADJECTIVE["old"], "comparative", standard=np("church", "this")),
        ),
        "The tower is older than this church.",
        "Der Turm ist älter als diese Kirche.",
    ),
    (
        Existence(np("cat", "numeral", "black", number=21, plural=True), at("in", "in", np("garden"))),
        "There are twenty-one black cats in the garden.",
        "Im Garten gibt es einundzwanzig schwarze Katzen.",
    ),
    (
        Compound(does(np("man"), "singen"), "and", does(Pronoun(HE), "aufräumen", np("kitchen")), shared=True),
        "The man sings and tidies up the kitchen.",
        "Der Mann singt und räumt die Küche auf.",
    ),
    (
        Compound(does(np("man"), "singen"), "but", does(np("woman"), "ausruhen")),
        "The man sings, but the woman rests.",
        "Der Mann singt, aber die Frau ruht sich aus.",
    ),
    (
        does(
            np("guest"),
            "essen",
            Coordination((np("cheese", "bare"), np("bread", "bare")), "neither"),
        ),
        "The guest eats neither cheese nor bread.",
        "Der Gast isst weder Käse noch Brot.",
    ),
    (
        Clause(
            np("house", "this"),
            verb("bauen", 1),
            (Argument(Slot("dat", (), "by", "von"), np("engineer")),),
            tense="past",
            passive=True,
        ),
        "This house was built by the engineer.",
        "Dieses Haus wurde vom Ingenieur gebaut.",
    ),
    (
        does(np("queen"), "freuen", np("journey", "definite", "long"), time=adjunct("every day"), front="time"),
        "Every day, the queen looks forward to the long journey.",
        "Jeden Tag freut sich die Königin auf die lange Reise.",
    ),
    (
        does(np("student", plural=True), "gehören", np("aunt")).but(subject=np("horse", "possessive", owner=I)),
        "My horse belongs to the aunt.",
        "Mein Pferd gehört der Tante.",
    ),
]


@pytest.mark.parametrize(("tree", "english", "german"), SENTENCES, ids=[english for _, english, _ in SENTENCES])
def test_a_concept_tree_has_one_sentence_in_each_language(tree: Sentence, english: str, german: str) -> None:
    pair = realize(tree)
    assert (pair.source_text, pair.target_text) == (english, german)


QUESTIONS: list[tuple[Clause, str, str]] = [
    (
        does(np("boy"), "anrufen", np("doctor"), question=True, front=""),
        "Does the boy call the doctor?",
        "Ruft der Junge den Arzt an?",
    ),
    (
        does(np("boy"), "helfen", Interrogative(True), question=True, front="argument0", tense="past"),
        "Whom did the boy help?",
        "Wem half der Junge?",
    ),
    (
        does(Interrogative(True), "einladen", np("colleague"), question=True, tense="perfect"),
        "Who has invited the colleague?",
        "Wer hat den Kollegen eingeladen?",
    ),
    (
        does(np("man"), "kaufen", np("shoe", "how many", plural=True), question=True, front="argument0"),
        "How many shoes does the man buy?",
        "Wie viele Schuhe kauft der Mann?",
    ),
]


@pytest.mark.parametrize(("tree", "english", "german"), QUESTIONS, ids=[english for _, english, _ in QUESTIONS])
def test_a_question_has_its_verb_before_the_subject(tree: Clause, english: str, german: str) -> None:
    pair = realize(tree, "?")
    assert (pair.source_text, pair.target_text) == (english, german)


def test_words_of_one_concept_are_aligned() -> None:
    pair = realize(does(np("woman"), "aufmachen", np("door"), negation="not"))
    assert pair.source == ("The", "woman", "does", "not", "open", "the", "door", ".")
    assert pair.target == ("Die", "Frau", "macht", "die", "Tür", "nicht", "auf", ".")
    assert pair.alignment == (
        (0, 0), (1, 1), (2, 2), (2, 6), (3, 5), (4, 2), (4, 6), (5, 3), (6, 4), (7, 7),
    )  # fmt: skip


def test_a_contraction_is_aligned_with_preposition_and_article() -> None:
    pair = realize(does(np("cat"), "schlafen", place=at("in", "in", np("garden"))))
    assert pair.target == ("Die", "Katze", "schläft", "im", "Garten", ".")
    assert {(3, 3), (4, 3), (5, 4)} <= set(pair.alignment)


def test_the_to_of_a_recipient_is_aligned_with_what_shows_the_dative() -> None:
    pair = realize(does(np("mother"), "geben", np("boy"), it("m")))
    assert pair.source == ("The", "mother", "gives", "it", "to", "the", "boy", ".")
    assert {(3, 3), (4, 4), (5, 4), (6, 5)} <= set(pair.alignment)
