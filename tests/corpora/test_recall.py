"""Associative recall: the answer is in the sentence, and nowhere else."""

import hashlib
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import pytest

from nmt_attn.corpora.controlled import generate, parameters_of, write_corpus
from nmt_attn.corpora.tasks.recall import PEOPLE, THINGS, alignment

PARAMETERS = parameters_of("recall")
PAIRS = list(generate("recall", PARAMETERS, 3000, 7))
TOLD, ASKED = 9, 9  # words of each kind in a sentence


def _solved(source: str) -> str:
    """The translation by the rule, from the text alone."""
    answer, held = [], {}
    for word in source.split():
        person, thing = word[:4], word[4:].lower()
        if thing:
            held[person] = thing
        answer.append(held[person])
    return " ".join(answer)


def test_the_source_determines_the_target() -> None:
    assert [_solved(pair.source_text) for pair in PAIRS] == [pair.target_text for pair in PAIRS]


def test_a_sentence_tells_and_asks_as_often_as_it_says() -> None:
    for pair in PAIRS:
        told = [word for word in pair.source if len(word) > 4]
        assert (len(told), len(pair.source) - len(told)) == (TOLD, ASKED)
        assert len({word[:4] for word in told}) == TOLD


def test_words_are_as_many_as_people_and_things_say() -> None:
    words = {word for pair in PAIRS for word in pair.source}
    assert len(PEOPLE) == len(set(PEOPLE)) == 64
    assert len(THINGS) == len(set(THINGS)) == 16
    assert {word for word in words if len(word) == 4} == set(PEOPLE)
    assert {word[4:].lower() for word in words if len(word) > 4} == set(THINGS)


def test_alignments_lead_to_the_same_place_and_to_the_word_that_told() -> None:
    links = alignment(["baloKey", "miroHat", "balo", "balo", "miro"])
    assert links == ((0, 0), (0, 2), (0, 3), (1, 1), (1, 4), (2, 2), (3, 3), (4, 4))


@pytest.mark.parametrize("vocabulary", [18, 40, 64])
def test_vocabulary_is_the_number_of_persons(vocabulary: int) -> None:
    parameters = parameters_of("recall", vocabulary=vocabulary)
    assert len({word[:4] for pair in generate("recall", parameters, 2_000, 5) for word in pair.source}) == vocabulary


def test_long_sentences_have_as_many_persons_as_the_least_vocabulary(tmp_path: Path) -> None:
    """Half of the words tell, and they are up to twice as many as in training."""
    parameters = parameters_of("recall", vocabulary=9, length=(9, 9))
    write_corpus(tmp_path, "recall", parameters, train=3, valid=3, test=500, seed=1)
    lines = (tmp_path / "long.en").read_text(encoding="utf-8").splitlines()
    told = Counter(sum(len(word) > 4 for word in line.split()) for line in lines)
    assert set(told) == set(range(5, 9 + 1))


def test_neither_the_name_nor_the_place_tells_the_answer() -> None:
    """No guess from the name asked or its place is much better than one of 16."""
    by_name: dict[str, Counter[str]] = defaultdict(Counter)
    by_place: dict[int, Counter[str]] = defaultdict(Counter)
    for pair in PAIRS:
        for place, (word, answer) in enumerate(zip(pair.source, pair.target, strict=True)):
            if len(word) == 4:
                by_name[word][answer] += 1
                by_place[place][answer] += 1
    for guesses in (by_name, by_place):
        best = sum(counter.most_common(1)[0][1] for counter in guesses.values())
        assert best / sum(counter.total() for counter in guesses.values()) < 0.12


def test_the_word_that_told_stands_at_any_distance() -> None:
    distances = Counter(t - s for pair in PAIRS for s, t in pair.alignment if s != t)
    assert set(distances) == set(range(1, TOLD + ASKED))


@pytest.mark.parametrize("length", [4, 5, 17, 30, 64])
def test_half_of_the_words_tell_in_sentences_of_other_lengths(length: int) -> None:
    for pair in generate("recall", parameters_of("recall", length=(length, length)), 300, 2):
        told = [word for word in pair.source if len(word) > 4]
        assert len(pair.source) == len(pair.target) == length
        assert len(told) == len({word[:4] for word in told}) == (length + 1) // 2
        assert all(len(word) > 4 for word in pair.source[:2])
        assert _solved(pair.source_text) == pair.target_text


def test_a_shorter_corpus_is_the_beginning_of_a_longer_one() -> None:
    first, longer, other = (
        list(generate("recall", PARAMETERS, count, seed)) for count, seed in ((20, 3), (50, 3), (20, 4))
    )
    assert first == longer[:20]
    assert first != other


def test_the_pairs_are_those_of_the_published_results() -> None:
    text = "".join(
        f"{pair.source_text}\t{pair.target_text}\t{pair.alignment}\n" for pair in generate("recall", PARAMETERS, 200, 1)
    )
    assert (
        hashlib.sha256(text.encode()).hexdigest() == "2ed69f3daa62ef82b269f636e4e54f353bfd6a6c4c2575c7e10853389057ec6a"
    )


def test_no_sentence_stands_in_two_splits(tmp_path: Path) -> None:
    write_corpus(tmp_path, "recall", PARAMETERS, train=300, valid=20, test=30, seed=1)
    lines = {path.name: path.read_text(encoding="utf-8").splitlines() for path in tmp_path.iterdir()}
    assert {name: len(text) for name, text in lines.items() if name.endswith(".en")} == {
        "train.en": 300,
        "valid.en": 20,
        "test.en": 30,
        "long.en": 30,
    }
    assert len(set(lines["train.en"] + lines["valid.en"] + lines["test.en"] + lines["long.en"])) == 380
    for split in ("test", "long"):
        assert [_solved(line) for line in lines[f"{split}.en"]] == lines[f"{split}.de"]
    assert [line.count("-") for line in lines["test.align"]] == [TOLD + 2 * ASKED] * 30


@pytest.mark.parametrize(
    ("sizes", "message"),
    [
        ({"train": 0}, "train must be a whole number from 1 to 2000000, got 0."),
        ({"test": True}, "test must be a whole number from 1 to 2000000, got True."),
        ({"valid": 2_000_001}, "valid must be a whole number from 1 to 2000000, got 2000001."),
        ({"train": 2_000_000}, "train + valid + test must be a whole number from 1 to 2000000, got 2000006."),
        ({"seed": "x"}, "seed must be a whole number from 0 on, got 'x'."),
        ({"seed": -1}, "seed must be a whole number from 0 on, got -1."),
    ],
)
def test_sizes_that_cannot_be_had_are_refused_before_anything_is_written(
    sizes: dict[str, int], message: str, tmp_path: Path
) -> None:
    with pytest.raises(ValueError) as error_info:  # noqa: PT011
        write_corpus(tmp_path / "new", "recall", PARAMETERS, **{"train": 3, "valid": 3, "test": 3, "seed": 1, **sizes})
    assert str(error_info.value) == message
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"distance": 0}, "distance must not be given for recall, which has vocabulary, length only."),
        ({"length": (3, 8)}, "length must be two numbers from 4 to 64, the lower first, got 3-8."),
        ({"length": (18, 65)}, "length must be two numbers from 4 to 64, the lower first, got 18-65."),
        ({"vocabulary": 17}, "vocabulary must be 18 to 64 with sentences of up to 18 words, got 17."),
        ({"vocabulary": 65}, "vocabulary must be 18 to 64 with sentences of up to 18 words, got 65."),
        (
            {"vocabulary": 29, "length": (4, 30)},
            "vocabulary must be 30 to 64 with sentences of up to 30 words, got 29.",
        ),
    ],
)
def test_parameters_that_cannot_be_are_refused(given: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError) as error_info:  # noqa: PT011
        parameters_of("recall", **given)
    assert str(error_info.value) == message
