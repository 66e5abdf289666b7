"""What cleaning changes in a line, and which pairs it takes out, for which reason."""

import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from sentencepiece import SentencePieceProcessor

from data_prep import clean as cleaning
from data_prep import subwords
from data_prep.clean import Pair, Rules, clean
from data_prep.corpus import Corpus
from data_prep.errors import DataError
from data_prep.files import read_lines, write_lines
from data_prep.filters import REASONS, REQUIRED, Filters, script_of, wrong_script
from data_prep.normalise import normalise
from data_prep.parallel import blocks_of
from nmt_attn.corpora.fragment import generate

PAIRS = [(pair.source_text, pair.target_text) for pair in generate(330, 41)]
CORPUS = Corpus("small", "en", "de", train=(), valid=(), tests={"a": (), "b": ()})
ODD = st.sampled_from("\r\n\t \u00a0\u00ad\u200b\u200d\u202a\u2028\ufeff\u0301\u0308\u030c\u0331eJHİΣßẞ\u1100\u1161")
TEXT = st.text(ODD | st.characters(codec="utf-8"))


def _write(folder: Path, sets: dict[str, Sequence[Pair]], languages: tuple[str, str] = ("en", "de")) -> Path:
    folder.mkdir(exist_ok=True)
    for name, pairs in sets.items():
        for side, language in enumerate(languages):
            write_lines(folder / f"{name}.{language}", [pair[side] for pair in pairs])
    return folder


def _pairs(folder: Path, name: str, languages: tuple[str, str] = ("en", "de")) -> list[Pair]:
    return list(zip(*(read_lines(folder / f"{name}.{language}") for language in languages), strict=True))


def _clean(
    tmp_path: Path, train: Sequence[Pair], corpus: Corpus = CORPUS, workers: int = 1, **evaluation: Sequence[Pair]
) -> tuple[dict[str, Any], Path]:
    raw = _write(tmp_path / "raw", {"train": train, **evaluation}, corpus.languages)
    out = tmp_path / "text"
    out.mkdir(exist_ok=True)
    return clean(corpus, raw, out, workers), out


# What becomes of a line


@pytest.mark.parametrize(
    ("line", "normalised"),
    [
        ("", ""),
        ("  a  b ", "a b"),
        ("a\tb\t", "a b"),
        ("a\u00a0b\u202fc\u2009d\u3000e", "a b c d e"),
        ("\u00a0\u2003", ""),
        ("line\r", "line"),
        ("line \r", "line"),
        ("a\rb", "a\rb"),
        ("a\x0bb\x0cc\x1cd\x85e\u2028f", "a\x0bb\x0cc\x1cd\x85e\u2028f"),
        ("Schiff\u00adfahrt", "Schifffahrt"),
        ("zero\u200bwidth\ufeff", "zerowidth"),
        ("\u200fa\u202db\u2060", "ab"),
        ("u\u0308ber gro\u00df", "über groß"),
        ("\u212bngstr\u00f6m", "Ångström"),
        ("\u201eSo\u201c, sagte er \u2013 \u00bbja\u00ab \u2026", "„So“, sagte er – »ja« …"),
        ("½ m² ﬁ ™", "½ m² ﬁ ™"),
        ("👩\u200d👧 👍🏽", "👩\u200d👧 👍🏽"),
        ("می\u200cخواهم", "می\u200cخواهم"),
        ("\0", "\0"),
        ("a\ufffdb", "a\ufffdb"),
    ],
    ids=ascii,
)
def test_a_line_is_composed_with_single_spaces_and_nothing_invisible(line: str, normalised: str) -> None:
    assert normalise(line) == normalised


@pytest.mark.parametrize(
    ("line", "lower"),
    [("ÄÖÜ ẞ SS", "äöü ß ss"), ("A\u0308", "ä"), ("ПРИВЕТ", "привет"), ("ΟΔΟΣ", "οδος"), ("J\u030c", "ǰ")],
)
def test_a_line_is_lower_cased_where_that_is_asked_for(line: str, lower: str) -> None:
    assert normalise(line, lowercase=True) == lower
    assert normalise(line) == unicodedata.normalize("NFC", line)


@pytest.mark.parametrize("lowercase", [False, True])
@settings(deadline=None, max_examples=300, derandomize=True)
@given(line=TEXT)
@example(line="a\r\r")
@example(line="a\r ")
@example(line="e\u200b\u0301")
@example(line="J\u030c")
def test_what_is_normalised_stays_so(line: str, lowercase: bool) -> None:
    once = normalise(line, lowercase)
    assert normalise(once, lowercase) == once
    assert unicodedata.is_normalized("NFC", once)
    assert once == " ".join(once.split(" ")).strip(" ")


# Why a pair is taken out

KEPT: list[Pair] = [
    ("The house is old.", "Das Haus ist alt."),
    ("He said “yes”.", "Er sagte „ja“ – ‚größer‘ als »Übermaß«."),
    ("a u\u0308ber", "b gro\u0308\u00dfer"),
    ("soft\u00adhyphen", "Schiff\u00adfahrt"),
    ("no\u00a0break\u202fspace", "zero\u200bwidth\ufeff"),
    ("CRLF file\r", "CRLF-Datei\r"),
    ("Great 👍🏽!", "Toll 👩\u200d👧!"),
    ("👍", "👍👍"),
    ("12.5", "12,5"),
    ("½", "0,5"),
    ("5 ² ③", "5 2 3"),
    ("« … » — ?", "„ … “ – !"),
    ("mail me@example.org", "Mail an ich@example.org"),
    ("e-mail@@x", "E-Mail@@x"),
    ("@@", "@@ und @@"),
    ("a @ @ b", "a @@b"),
    ("< unk > <unknown> <b>", "<UNK> <pad <s/> s>"),
    ("Yes.", "yes."),
    ("The word мир is Russian, and λόγος is Greek.", "Das Wort мир ist russisch, λόγος ist griechisch."),
    ("Łódź, Škoda, Đà Nẵng, İstanbul", "Ærø, Œuvre, Ýmir, Țara"),
]
TAKEN: dict[str, list[Pair]] = {
    "empty": [("", "Haus"), ("house", ""), ("", ""), (" \t\u00a0", "Haus"), ("\u00ad\u200b", "Haus"), ("\r", "Haus")],
    "control": [
        ("house", f"a{character}b")
        for character in "\0\x01\x08\x0b\x0c\x1b\x1c\x1f\x7f\x80\x85\x9f\u2028\u2029\ufffd\r"
    ]
    + [("\r\rhouse", "Haus"), ("\0", "Haus"), ("same\0", "same\0")],
    "reserved": [
        ("an <unk> here", "ein Wort"),
        ("a word", "<pad>"),
        ("<s>a", "b</s>"),
        ("a</s>b", "c"),
        ("▁the ▁house", "das Haus"),
        ("the house", "das ▁ Haus"),
        ("low@@ er", "niedriger"),
        ("lower", "niedri@@"),
        ("a@@\u00a0b", "c"),
        ("<unk>", "<unk>"),
    ],
    "identical": [("Berlin", "Berlin"), ("42", "42"), ("gro\u0308\u00df", "größ\r"), (" a  b", "a\u00a0b\u200b")],
    "script": [
        ("Это предложение.", "Das ist ein Satz."),
        ("This is a sentence.", "Αυτή είναι μια πρόταση."),
        ("This is a sentence.", "这是一个句子。"),
        ("This is a sentence.", "これは文です。"),
        ("This is a sentence.", "이것은 문장이다."),
        ("هذه جملة.", "Das ist ein Satz."),
        ("one мир мир", "ein Satz"),
    ],
}
WITH_REASON = [(pair, "") for pair in KEPT] + [(pair, why) for why, pairs in TAKEN.items() for pair in pairs]


def _reason(pair: Pair, languages: tuple[str, str] = ("en", "de"), lowercase: bool = False) -> str:
    rules = Rules(frozenset(REASONS), (script_of(languages[0]), script_of(languages[1])), lowercase)
    return rules.objection((normalise(pair[0], lowercase), normalise(pair[1], lowercase)))


@pytest.mark.parametrize(("pair", "reason"), WITH_REASON, ids=ascii)
def test_a_pair_stays_or_goes_for_the_reason_that_holds(pair: Pair, reason: str) -> None:
    assert _reason(pair) == reason
    assert _reason((pair[1], pair[0])) == reason


def test_cleaning_takes_the_same_pairs_out_and_keeps_the_others_normalised_and_in_order(tmp_path: Path) -> None:
    report, out = _clean(tmp_path, [pair for pair, _ in WITH_REASON])
    assert _pairs(out, "train") == [(normalise(source), normalise(target)) for source, target in KEPT]
    taken = dict.fromkeys(REASONS, 0) | {why: len(pairs) for why, pairs in TAKEN.items()}
    assert report == {"pairs": len(WITH_REASON), "kept": len(KEPT), "taken": taken, "overlap": {}}


@pytest.mark.parametrize(
    ("pair", "reason"),
    [
        (("", "\0"), "empty"),
        (("a <unk> b", ""), "empty"),
        (("\0 <unk>", "b"), "control"),
        (("a <unk>", "b\0"), "control"),
        (("<unk>", "<unk>"), "reserved"),
        (("мир <unk>", "Friede"), "reserved"),
        (("мир", "мир"), "identical"),
    ],
    ids=ascii,
)
def test_the_first_reason_that_applies_is_the_one_that_counts(pair: Pair, reason: str) -> None:
    assert _reason(pair) == reason


def test_lower_case_is_seen_by_the_filters() -> None:
    assert _reason(("Berlin", "BERLIN")) == ""
    assert _reason(("Berlin", "BERLIN"), lowercase=True) == "identical"
    assert _reason(("<PAD>", "a"), lowercase=True) == "reserved"


# Scripts


@pytest.mark.parametrize(
    ("languages", "pair", "reason"),
    [
        (("de", "ru"), ("Das ist ein Satz.", "Это предложение."), ""),
        (("de", "ru"), ("Das ist ein Satz.", "Das ist auch einer."), "script"),
        (("de", "ru"), ("Это", "Это предложение."), "script"),
        (("de", "ru"), ("Die Firma IBM.", "Фирма IBM."), ""),
        (("de", "ru"), ("3 + 4 = 7", "3 плюс 4"), ""),
        (("de", "ru"), ("Sieben.", "7 – 8 🎉"), ""),
        (("ru", "de"), ("Это предложение.", "Das ist ein Satz."), ""),
        (("en", "el"), ("A sentence.", "Μια πρόταση ἀρχή."), ""),
        (("en", "el"), ("A sentence.", "Одно предложение."), "script"),
        (("en", "zh"), ("A sentence.", "这是一个句子。"), ""),
        (("en", "ja"), ("A sentence.", "これはカタカナの文です。"), ""),
        (("en", "ko"), ("A sentence.", "이것은 문장이다."), ""),
        (("en", "ar"), ("A sentence.", "هذه جملة."), ""),
        (("en", "he"), ("A sentence.", "זה משפט."), ""),
        (("en", "hi"), ("A sentence.", "यह एक वाक्य है।"), ""),
        (("en", "uk"), ("A sentence.", "Ґанок, їжак, єнот."), ""),
        (("en", "vi"), ("A sentence.", "Đây là một câu, đường ở dưới."), ""),
        (("en", "tr"), ("A sentence.", "Işık ğüşöç İyi."), ""),
        (("en", "zh_CN"), ("A sentence.", "这是一个句子。"), ""),  # codes and languages that no table names
        (("en", "rus"), ("A sentence.", "Это предложение."), ""),
        (("en", "ka"), ("A sentence.", "ეს არის წინადადება."), ""),
        (("en", "th"), ("A sentence.", "นี่คือประโยค"), ""),
    ],
    ids=ascii,
)
def test_letters_are_to_be_of_the_scripts_of_the_languages(languages: tuple[str, str], pair: Pair, reason: str) -> None:
    assert _reason(pair, languages) == reason


@pytest.mark.parametrize(
    ("text", "wrong"), [("abмн", False), ("abмнo", False), ("aмн", True), ("a1234мн", True), ("a b м н", False)]
)
def test_half_of_the_letters_is_enough(text: str, wrong: bool) -> None:
    assert wrong_script(text, "latin") is wrong


# Pairs that are there already


def test_a_pair_that_came_before_goes_whatever_its_spaces(tmp_path: Path) -> None:
    train = [("a b", "c"), ("a  b ", "c\r"), ("a b", "d"), ("c", "a b"), ("A b", "c"), ("a b", "c")]
    report, out = _clean(tmp_path, train)
    assert _pairs(out, "train") == [("a b", "c"), ("a b", "d"), ("c", "a b"), ("A b", "c")]
    assert report["taken"]["duplicate"] == 2


def test_pairs_of_every_evaluation_set_go_and_are_counted_by_set(tmp_path: Path) -> None:
    train = [*PAIRS[:100], PAIRS[200], PAIRS[220], (f" {PAIRS[201][0]}\u00a0", PAIRS[201][1]), PAIRS[200]]
    one_side = [(PAIRS[202][0], "Etwas anderes."), ("Something else.", PAIRS[203][1])]
    sets = {"valid": PAIRS[200:220], "test": PAIRS[220:240], "test1": [*PAIRS[200:202], *PAIRS[240:300]]}
    report, out = _clean(tmp_path, [*train, *one_side], CORPUS, 1, **sets)
    assert _pairs(out, "train") == [*PAIRS[:100], *one_side]
    assert report["overlap"] == {"test": 1, "test1": 2, "valid": 2}
    assert (report["taken"]["overlap"], report["taken"]["duplicate"]) == (4, 0)
    for name, pairs in sets.items():
        assert _pairs(out, name) == pairs


def test_overlap_may_stay_but_is_counted_and_a_pair_of_it_stays_once(tmp_path: Path) -> None:
    corpus = replace(CORPUS, filters=Filters().without("overlap"))
    report, out = _clean(tmp_path, [*PAIRS[:20], *PAIRS[:20]], corpus, valid=PAIRS[:20])
    assert _pairs(out, "train") == PAIRS[:20]
    assert report["overlap"] == {"valid": 20}
    assert report["taken"]["duplicate"] == 20
    assert "overlap" not in report["taken"]


@pytest.mark.parametrize(("size", "leaked"), [(10, 1), (19, 1), (20, 2), (30, 3), (70, 7)])
def test_a_set_of_which_more_than_a_tenth_is_in_the_training_text_is_refused(
    size: int, leaked: int, tmp_path: Path
) -> None:
    evaluation = PAIRS[100 : 100 + size]
    train = [*PAIRS[:100], *evaluation[:leaked] * 2]
    assert _clean(tmp_path, train, test=evaluation)[0]["overlap"] == {"test": leaked}
    with pytest.raises(DataError) as caught:
        _clean(tmp_path, [*train, evaluation[leaked]], test=evaluation)
    assert str(caught.value) == (
        f"at most 10% of test may be in the training text, not {leaked + 1} of {size} pairs: "
        "split the corpus anew, or keep them all the same with --without overlap"
    )


# Which reasons are applied


@pytest.mark.parametrize("reason", [reason for reason in REASONS if reason not in REQUIRED])
def test_a_reason_can_be_left_out(reason: str) -> None:
    filters = Filters(max_length=7, max_ratio=2).without(f" {reason},")
    assert filters == Filters(tuple(other for other in REASONS if other != reason), 7, 2)


def test_several_reasons_can_be_left_out_or_none() -> None:
    assert Filters().without("") == Filters().without(" , ") == Filters()
    left = Filters().without("duplicate, ratio").without("duplicate")
    assert [reason for reason in REASONS if reason not in left.reasons] == ["duplicate", "ratio"]


@pytest.mark.parametrize("reason", [*sorted(REQUIRED), "nonsense", "Ratio", "ratio;length"])
def test_a_reason_that_is_needed_or_unknown_cannot_be_left_out(reason: str) -> None:
    with pytest.raises(DataError) as caught:
        Filters().without(f"ratio,{reason}")
    free = "identical, script, overlap, duplicate, length, ratio"
    assert str(caught.value) == f"a filter to leave out must be one of {free}, not {reason}"


@pytest.mark.parametrize("reason", ["identical", "script", "duplicate"])
def test_pairs_that_a_reason_would_take_stay_without_it(reason: str, tmp_path: Path) -> None:
    pair = {"identical": ("Berlin", "Berlin"), "script": ("мир", "Friede"), "duplicate": PAIRS[1]}[reason]
    corpus = replace(CORPUS, filters=Filters().without(reason))
    report, out = _clean(tmp_path, [*PAIRS[:3], pair], corpus)
    assert _pairs(out, "train") == [*PAIRS[:3], pair]
    assert reason not in report["taken"]


# Cleaning as a whole

MIXED = [*PAIRS[:150], *[pair for pair, _ in WITH_REASON], *PAIRS[100:250]]


def _cut(size: int) -> Callable[..., Any]:
    return partial(blocks_of, size=size)


@pytest.mark.parametrize("valid_every", [0, 7])
@pytest.mark.parametrize(("workers", "size"), [(1, 1), (1, 13), (3, 13)])
def test_the_result_does_not_depend_on_workers_and_blocks(
    workers: int, size: int, valid_every: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    corpus = replace(CORPUS, valid_every=valid_every)
    expected, out = _clean(tmp_path, MIXED, corpus, test=PAIRS[245:320])
    files = {path.name: path.read_bytes() for path in out.iterdir()}
    monkeypatch.setattr(cleaning, "blocks_of", _cut(size))
    report, out = _clean(tmp_path, MIXED, corpus, workers, test=PAIRS[245:320])
    assert report == expected
    assert {path.name: path.read_bytes() for path in out.iterdir()} == files


@settings(deadline=None, max_examples=30, derandomize=True)
@given(st.lists(st.sampled_from(MIXED[140:]), min_size=1))
def test_every_pair_is_kept_or_taken_for_one_reason(
    tmp_path_factory: pytest.TempPathFactory, train: list[Pair]
) -> None:
    report, out = _clean(tmp_path_factory.mktemp("clean"), [*PAIRS[:50], *train], test=PAIRS[243:])
    kept = _pairs(out, "train")
    assert report["pairs"] == 50 + len(train) == report["kept"] + sum(report["taken"].values())
    assert report["kept"] == len(kept)
    assert list(report["taken"]) == list(REASONS)
    given_order = [(normalise(source), normalise(target)) for source, target in [*PAIRS[:50], *train]]
    assert sorted(kept, key=given_order.index) == kept


@pytest.mark.parametrize(("pairs", "every", "held"), [(6, 3, [2, 5]), (7, 3, [2, 5]), (4, 1000, []), (3, 1, [0, 1, 2])])
def test_every_nth_pair_that_stays_is_development_text(pairs: int, every: int, held: list[int], tmp_path: Path) -> None:
    train = [noise for pair in PAIRS[:pairs] for noise in (("", "leer"), pair)]
    report, out = _clean(tmp_path, train, replace(CORPUS, valid_every=every))
    assert _pairs(out, "valid") == [PAIRS[number] for number in held]
    assert _pairs(out, "train") == [PAIRS[number] for number in range(pairs) if number not in held]
    assert (report["kept"], report["taken"]["empty"]) == (pairs, pairs)


def test_evaluation_text_keeps_every_pair_with_spaces_for_control_characters(tmp_path: Path) -> None:
    pairs = [("a\0b \u2028c", "d\x85"), ("", "leer"), ("same", "same"), ("x <unk>", "мир\r"), ("x <unk>", "мир\r")]
    _, out = _clean(tmp_path, PAIRS[:9], replace(CORPUS, lowercase=True), valid=pairs, test=[("SO\u00a0", "GROẞ")])
    assert _pairs(out, "valid") == [("a b c", "d"), ("", "leer"), ("same", "same"), *[("x <unk>", "мир")] * 2]
    assert _pairs(out, "test") == [("so", "groß")]


# Lengths in subwords: the model has "▁a" and "▁b" as pieces, so a word is a subword


def _words(source: int, target: int) -> Pair:
    return " ".join("a" * source), " ".join("b" * target)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("model")
    _write(folder, {"train": [_words(5, 5)]})
    subwords.train(replace(CORPUS, vocabulary=6), folder, folder, workers=1)
    return folder / "subwords.model"


def _encode(
    tmp_path: Path, model: Path, filters: Filters, train: Sequence[Pair], workers: int = 1, longest: int = 1022
) -> tuple[dict[str, Any], list[Pair]]:
    text = _write(tmp_path / "text", {"train": train, "valid": [_words(3, 9)], "test": [("", "b"), ("a", "a")]})
    out = tmp_path / "pieces"
    out.mkdir(exist_ok=True)
    report = subwords.encode(replace(CORPUS, filters=filters), text, model, out, workers, longest)
    processor = SentencePieceProcessor(model_file=str(model))
    kept = [
        (processor.decode(source.split()), processor.decode(target.split())) for source, target in _pairs(out, "train")
    ]
    assert len(_pairs(out, "valid")) == 1
    assert len(_pairs(out, "test")) == 2
    return report, kept


@pytest.mark.parametrize(
    ("lengths", "reason"),
    [
        ((8, 8), ""),
        ((6, 4), ""),
        ((4, 6), ""),
        ((7, 4), "ratio"),
        ((4, 7), "ratio"),
        ((5, 7), ""),
        ((5, 8), "ratio"),
        ((1, 1), ""),
        ((1, 2), "ratio"),
        ((9, 8), "length"),
        ((8, 9), "length"),
        ((9, 9), "length"),
        ((9, 1), "length"),
        ((0, 3), "length"),
        ((3, 0), "length"),
    ],
)
def test_lengths_and_their_ratio_have_exact_limits(
    lengths: tuple[int, int], reason: str, model: Path, tmp_path: Path
) -> None:
    report, kept = _encode(tmp_path, model, Filters(max_length=8, max_ratio=1.5), [_words(2, 2), _words(*lengths)])
    assert kept == [_words(2, 2), *([] if reason else [_words(*lengths)])]
    assert report == {"length": 0, "ratio": 0} | ({reason: 1} if reason else {})


@pytest.mark.parametrize(
    ("without", "kept", "report"),
    [
        ("length", [(20, 20), (20, 30)], {"ratio": 3}),
        ("ratio", [(1, 8)], {"length": 4}),
        ("length,ratio", [(20, 20), (20, 30), (1, 8), (20, 31), (0, 1)], {}),
    ],
)
def test_either_limit_can_be_left_out(
    without: str, kept: list[tuple[int, int]], report: dict[str, int], model: Path, tmp_path: Path
) -> None:
    train = [_words(*lengths) for lengths in ((20, 20), (20, 30), (1, 8), (20, 31), (0, 1))]
    filters = Filters(max_length=8).without(without)
    assert _encode(tmp_path, model, filters, train) == (report, [_words(*lengths) for lengths in kept])


def test_encoding_does_not_depend_on_workers_and_blocks(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    train = [_words(1 + n % 11, 1 + n % 7) for n in range(100)]
    expected = _encode(tmp_path, model, Filters(max_length=9), train)
    assert expected[0]["ratio"] > 10
    monkeypatch.setattr(subwords, "blocks_of", _cut(3))
    assert _encode(tmp_path, model, Filters(max_length=9), train, workers=2) == expected


def test_a_sentence_of_an_evaluation_set_may_have_the_limit_but_no_more(model: Path, tmp_path: Path) -> None:
    _encode(tmp_path, model, Filters(max_length=1), [_words(1, 1)], longest=9)
    with pytest.raises(DataError) as caught:
        _encode(tmp_path, model, Filters(), [_words(1, 1)], longest=8)
    assert str(caught.value) == (
        "valid.de must have at most 8 subwords in a line, but line 1 has 9: split it, or prepare with --longest 9 and "
        "train with --max-source-positions and --max-target-positions 11"
    )
