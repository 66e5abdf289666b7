"""The controlled corpora against their rules, which are written down again here: only the word lists are shared."""

import os
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from nmt_attn.corpora.controlled import TASKS, generate, parameters_of, write_corpus
from nmt_attn.corpora.tasks.task import WordPair
from nmt_attn.corpora.tasks.words import SOURCE, TARGET
from nmt_attn.presets import SIZES

NAMES = ["lexicon", "order", "reorder", "noise", "neighbour", "recall", "copy"]
EXTENDING = [name for name in NAMES if name != "order"]
NUMBER = {word: number for number, word in enumerate(SOURCE)}
MEANING = dict(zip(SOURCE, TARGET, strict=True))
NOISE = {"ah", "eh", "hm", "oh", "uh", "huh", "well", "hey", "erm", "aha", "wow", "yay"}
Links = list[tuple[int, int]]
Solver = Callable[[tuple[str, ...], int], tuple[list[str], Links]]


@cache
def training(name: str) -> list[WordPair]:
    """As much as a study trains on."""
    return list(generate(name, parameters_of(name), 20_000, 3))


@cache
def drawn(name: str, count: int = 2_000, seed: int = 5, **given: Any) -> list[WordPair]:
    return list(generate(name, parameters_of(name, **given), count, seed))


# The rules: target and links of a source, and of the task's distance


def _lexicon(source: tuple[str, ...], distance: int) -> tuple[list[str], Links]:
    return [MEANING[word] for word in source], [(place, place) for place in range(len(source))]


def _order(source: tuple[str, ...], distance: int) -> tuple[list[str], Links]:
    places = {int(number) - 1: place for place, number in enumerate(source) if number.isdigit()}
    ordered = [places[step] + 1 for step in range(len(places))]
    return [MEANING[source[place]] for place in ordered], [(place, step) for step, place in enumerate(ordered)]


def _reorder(source: tuple[str, ...], distance: int) -> tuple[list[str], Links]:
    """Each group of attributes and their noun, words with even numbers, is mirrored."""
    order: list[int] = []
    start = 0
    for place, word in enumerate(source):
        if NUMBER[word] % 2 == 0:
            order += range(place, start - 1, -1)
            start = place + 1
    assert start == len(source), "the last word must be a noun"
    return [MEANING[source[place]] for place in order], [(place, step) for step, place in enumerate(order)]


def _noise(source: tuple[str, ...], distance: int) -> tuple[list[str], Links]:
    kept = [place for place, word in enumerate(source) if word not in NOISE]
    return [MEANING[source[place]] for place in kept], [(place, step) for step, place in enumerate(kept)]


def _neighbour(source: tuple[str, ...], distance: int) -> tuple[list[str], Links]:
    """The kind of a word is its number modulo four; the last words have nobody behind them and end in a."""
    endings = ["aeio"[NUMBER[word] % 4] for word in source[distance:]] + ["a"] * distance
    target = [MEANING[word] + ending for word, ending in zip(source, endings, strict=True)]
    return target, [(place, place) for place in range(len(source))]


def _recall(source: tuple[str, ...], distance: int) -> tuple[list[str], Links]:
    """The first four letters are the name."""
    told: dict[str, int] = {}
    target, links = [], []
    for place, word in enumerate(source):
        if word[4:]:
            assert word[:4] not in told, "nobody is told of twice"
            told[word[:4]] = place
        target.append(source[told[word[:4]]][4:].lower())
        links += [(place, place), (told[word[:4]], place)]
    return target, links


def _copy(source: tuple[str, ...], distance: int) -> tuple[list[str], Links]:
    places = [place - int(word.partition("back")[2] or 0) for place, word in enumerate(source)]
    assert min(places) >= 0, "the word that is repeated must be in the sentence"
    return [MEANING[source[place]] for place in places], [(place, step) for step, place in enumerate(places)]


RULES: tuple[Solver, ...] = (_lexicon, _order, _reorder, _noise, _neighbour, _recall, _copy)
SOLVERS = dict(zip(NAMES, RULES, strict=True))


def test_every_task_is_tested() -> None:
    assert list(TASKS) == NAMES
    assert [name for name in NAMES if TASKS[name].extends] == EXTENDING


@pytest.mark.parametrize(
    ("name", "given"),
    [
        *((name, {}) for name in NAMES),
        ("order", {"length": (1, 9)}),
        ("reorder", {"distance": 5, "vocabulary": 11}),
        ("noise", {"noise": 0.8}),
        ("neighbour", {"distance": 3, "vocabulary": 7}),
        ("recall", {"length": (4, 9), "vocabulary": 18}),
        ("copy", {"length": (20, 30), "distance": 19}),
    ],
)
def test_the_rule_gives_the_target_and_the_alignment_of_the_source(name: str, given: dict[str, Any]) -> None:
    assert len(drawn(name, **given)) == 2_000
    for pair in drawn(name, **given):
        target, links = SOLVERS[name](pair.source, parameters_of(name, **given).distance)
        assert (list(pair.target), list(pair.alignment)) == (target, sorted(set(links))), pair.source_text


@pytest.mark.parametrize("name", EXTENDING)
def test_the_rule_holds_in_longer_sentences(name: str) -> None:
    parameters = parameters_of(name).held_out
    for pair in generate(name, parameters, 500, 6):
        target, links = SOLVERS[name](pair.source, parameters.distance)
        assert (list(pair.target), list(pair.alignment)) == (target, sorted(set(links))), pair.source_text


# Lengths and words


@pytest.mark.parametrize(
    ("name", "shortest", "longest"),
    [("lexicon", 10, 20), ("order", 4, 8), ("reorder", 6, 12), ("noise", 6, 12), ("neighbour", 6, 12),
     ("recall", 18, 18), ("copy", 6, 12)],
)  # fmt: skip
def test_sentences_have_all_lengths_of_the_parameters_and_no_other(name: str, shortest: int, longest: int) -> None:
    lengths = Counter(len(pair.target) for pair in training(name))
    assert set(lengths) == set(range(shortest, longest + 1))
    assert min(lengths.values()) > 0.9 * 20_000 / len(lengths)
    for low, high in ((5, 5), (6, 8)):
        assert {len(pair.target) for pair in drawn(name, 200, length=(low, high))} == set(range(low, high + 1))


def test_sentences_of_lexicon_have_more_words_than_a_tiny_model_has_heads_of_cross_attention() -> None:
    """Or each head could have a place of its own."""
    assert max(len(pair.target) for pair in training("lexicon")) > SIZES["tiny"].layers * SIZES["tiny"].heads == 12


@pytest.mark.parametrize("name", EXTENDING)
def test_long_has_all_lengths_up_to_twice_the_longest_and_only_words_of_training(name: str) -> None:
    pairs = training(name)
    longest = max(len(pair.target) for pair in pairs)
    long = list(generate(name, parameters_of(name).held_out, 1_000, 3))
    assert {len(pair.target) for pair in long} == set(range(longest + 1, 2 * longest + 1))
    for side in ("source", "target"):
        known = {word for pair in pairs for word in getattr(pair, side)}
        assert {word for pair in long for word in getattr(pair, side)} <= known


@pytest.mark.parametrize(
    ("name", "source", "target"),
    [("lexicon", 100, 100), ("order", 100 + 8, 100), ("reorder", 100, 100), ("noise", 100 + 12, 100),
     ("neighbour", 50, 4 * 50), ("recall", 64 + 64 * 16, 16), ("copy", 100 + 3, 100)],
)  # fmt: skip
def test_training_has_every_word_that_there_is(name: str, source: int, target: int) -> None:
    sources = {word for pair in training(name) for word in pair.source}
    targets = {word for pair in training(name) for word in pair.target}
    assert (len(sources), len(targets)) == (source, target)
    assert not sources & targets


def test_words_of_a_list_differ_and_no_word_of_one_list_is_in_another() -> None:
    assert len(SOURCE) == len(TARGET) == 500
    told = {f"back{places}" for places in range(1, 201)} | {str(number) for number in range(1, 201)}
    assert len({*SOURCE, *TARGET, *NOISE, *told}) == 500 + 500 + 12 + 400


# Parameters change what they say


@pytest.mark.parametrize("vocabulary", [2, 9, 500])
@pytest.mark.parametrize("name", ["lexicon", "order", "reorder", "noise", "neighbour", "copy"])
def test_vocabulary_is_the_number_of_words_with_a_meaning(name: str, vocabulary: int) -> None:
    words = {word for pair in drawn(name, 1_000, vocabulary=vocabulary, length=(10, 12)) for word in pair.source}
    assert len(words & set(SOURCE)) == vocabulary


@pytest.mark.parametrize("distance", [1, 2, 5])
def test_distance_is_how_far_words_move_in_reorder(distance: int) -> None:
    moved = Counter(j - i for pair in drawn("reorder", distance=distance) for i, j in pair.alignment)
    assert set(moved) == set(range(-distance, distance + 1))


@pytest.mark.parametrize("distance", [2, 4, 11])
def test_copy_looks_two_words_back_to_distance(distance: int) -> None:
    """Never to the word directly before, whose translation the decoder has just read."""
    pairs = drawn("copy", distance=distance, length=(12, 14))
    back = {j - i for pair in pairs for i, j in pair.alignment if i != j}
    assert back == set(range(2, distance + 1))
    assert {word for pair in pairs for word in pair.source} - set(SOURCE) == {f"back{places}" for places in back}


@pytest.mark.parametrize("distance", [1, 2, 5])
def test_distance_is_the_place_whose_kind_decides_in_neighbour(distance: int) -> None:
    """The word so far behind decides alone; words at other places, before or behind, say nothing."""
    pairs = drawn("neighbour", distance=distance, length=(12, 12))
    for other in range(-5, 7):
        seen = [(NUMBER[pair.source[5 + other]] % 4, pair.target[5][-1]) for pair in pairs]
        assert best_guess(seen) == 1 if other == distance else best_guess(seen) < 0.3


@pytest.mark.parametrize("noise", [0.0, 0.1, 0.3, 0.6, 0.9])
def test_noise_is_the_chance_of_one_more_word_of_noise_before_each_word_and_at_the_end(noise: float) -> None:
    """As often as there are words of noise, a chance was taken; and it was missed once a word, and once at the end."""
    pairs = drawn("noise", noise=noise)
    words = Counter(word in NOISE for pair in pairs for word in pair.source)
    assert words[True] / (words.total() + len(pairs)) == pytest.approx(noise, abs=0.01)


@pytest.mark.parametrize("name", NAMES)
def test_a_parameter_that_a_task_does_not_name_changes_nothing(name: str) -> None:
    other: dict[str, Any] = {"distance": 3, "noise": 0.5}
    parameters = replace(
        parameters_of(name), **{key: value for key, value in other.items() if key not in TASKS[name].parameters}
    )
    assert list(generate(name, parameters, 50, 5)) == drawn(name, 50)


# What cannot be guessed


def best_guess(seen: Iterable[tuple[Hashable, Hashable]], unseen: Sequence[tuple[Hashable, Hashable]] = ()) -> float:
    """Share of answers that the most frequent answer seen gets right; of unseen ones, where what is known was seen."""
    seen = list(seen)
    answers: dict[Hashable, Counter[Hashable]] = defaultdict(Counter)
    for known, answer in seen:
        answers[known][answer] += 1
    best = {known: counter.most_common(1)[0][0] for known, counter in answers.items()}
    right = [best[known] == answer for known, answer in unseen or seen if known in best]
    return sum(right) / len(right)


def _places(pair: WordPair) -> list[int]:
    """Which word of those with a number is translated at each step."""
    return [place // 2 for place, _ in sorted(pair.alignment, key=lambda link: link[1])]


@pytest.mark.parametrize("length", range(4, 9))
def test_the_next_place_in_order_cannot_be_guessed_from_the_step_or_the_place_before(length: int) -> None:
    orders = [_places(pair) for pair in training("order") if len(pair.target) == length]
    for known in (lambda step, before: step, lambda step, before: before, lambda step, before: (step, before)):
        nexts = [(known(step, two[0]), two[1]) for order in orders for step, two in enumerate(pairwise(order))]
        assert best_guess(nexts[: len(nexts) // 2], nexts[len(nexts) // 2 :]) < 1.1 / (length - 1)


def test_neither_a_word_nor_its_place_tells_how_far_it_moves_in_reorder() -> None:
    pairs = training("reorder")
    for known in (lambda pair, i: pair.source[i], lambda pair, i: i, lambda pair, i: (len(pair.source), i)):
        moves = [(known(pair, i), j - i) for pair in pairs for i, j in pair.alignment]
        assert best_guess(moves) < 0.6


def test_every_number_of_attributes_is_frequent_in_reorder() -> None:
    attributes = Counter(
        i - j for pair in training("reorder") for i, j in pair.alignment if NUMBER[pair.source[i]] % 2 == 0
    )
    assert set(attributes) == {0, 1, 2}
    assert min(attributes.values()) > 0.2 * attributes.total()


def test_neither_a_word_nor_its_place_tells_its_ending_in_neighbour() -> None:
    """But for the last word, which has no neighbour."""
    pairs = training("neighbour")
    for known in (lambda word, place: word, lambda word, place: place):
        endings = [
            (known(pair.source[place], place), pair.target[place][-1])
            for pair in pairs
            for place in range(len(pair.source) - 1)
        ]
        assert best_guess(endings) < 0.28


def _decoded(pairs: list[WordPair]) -> list[tuple[Hashable, Hashable]]:
    """The target word before and the source word at the same place, and the target word; but for the last words."""
    return [
        ((before, word), target)
        for pair in pairs
        for before, word, target in zip(("", *pair.target[:-2]), pair.source[:-1], pair.target[:-1], strict=True)
    ]


def test_the_target_word_before_and_the_word_to_translate_do_not_tell_its_ending_in_neighbour() -> None:
    pairs = training("neighbour")
    assert best_guess(_decoded(pairs[:10_000]), _decoded(pairs[10_000:])) < 0.28


def test_noise_words_are_all_frequent_at_any_place_the_last_too_and_say_nothing_of_the_next_word() -> None:
    pairs = training("noise")
    words = Counter(word for pair in pairs for word in pair.source if word in NOISE)
    assert set(words) == NOISE
    assert min(words.values()) > 0.9 * words.total() / len(NOISE)
    for place in (*range(5), -1):
        share = sum(pair.source[place] in NOISE for pair in pairs) / len(pairs)
        assert share == pytest.approx(0.3, abs=0.02)
    after = [(word, follows in NOISE) for pair in pairs for word, follows in pairwise(pair.source[:6])]
    assert best_guess(after) < 0.72


def test_distances_are_spread_in_copy_and_the_word_repeated_cannot_be_guessed_from_its_place() -> None:
    pairs = training("copy")
    back = Counter(word for pair in pairs for word in pair.source if word.startswith("back"))
    assert 0.15 < back.total() / sum(len(pair.source) for pair in pairs) < 0.5
    for share in (count / back.total() for count in back.values()):
        assert 0.25 < share < 0.4
    later = [(place, word) for pair in pairs for place, word in enumerate(pair.source) if place >= 6]
    assert best_guess((place, word) for place, word in later if word.startswith("back")) < 0.4


def test_what_is_copied_is_a_word_with_a_meaning_of_its_own() -> None:
    for pair in training("copy"):
        assert all(pair.source[i] in NUMBER for i, _ in pair.alignment)


@pytest.mark.parametrize("name", ["lexicon", "order", "noise", "neighbour"])
def test_no_word_tells_the_next_word_with_a_meaning(name: str) -> None:
    words = ([word for word in pair.source if word in NUMBER] for pair in training(name))
    assert best_guess(two for sentence in words for two in pairwise(sentence)) < 2.5 / parameters_of(name).vocabulary


# Seeds, splits and files


@pytest.mark.parametrize("name", NAMES)
def test_a_shorter_corpus_is_the_beginning_of_a_longer_one(name: str) -> None:
    assert drawn(name, 40) == drawn(name)[:40]
    assert drawn(name, 40, seed=6) != drawn(name, 40)
    assert len({pair.source for pair in drawn(name, 40, seed=6)} & {pair.source for pair in drawn(name, 40)}) == 0


SPLITS, KINDS = ("train", "valid", "test"), ("en", "de", "align")


def _written(folder: Path, name: str, *, train: int = 60, seed: int = 1, **given: Any) -> dict[str, list[str]]:
    write_corpus(folder, name, parameters_of(name, **given), train=train, valid=20, test=30, seed=seed)
    return {path.name: path.read_text(encoding="utf-8").splitlines() for path in folder.iterdir()}


@pytest.mark.parametrize("name", NAMES)
def test_files_hold_the_pairs_of_each_split_and_no_source_twice(name: str, tmp_path: Path) -> None:
    files = _written(tmp_path, name)
    sizes = {"train": 60, "valid": 20, "test": 30} | ({"long": 30} if name in EXTENDING else {})
    assert {file: len(lines) for file, lines in files.items()} == {
        f"{split}.{kind}": size for split, size in sizes.items() for kind in KINDS
    }
    assert len({line for split in sizes for line in files[f"{split}.en"]}) == sum(sizes.values())
    for split in sizes:
        for source, target, align in zip(*(files[f"{split}.{kind}"] for kind in KINDS), strict=True):
            words, links = SOLVERS[name](tuple(source.split(" ")), parameters_of(name).distance)
            assert target.split(" ") == words
            assert align.split(" ") == [f"{i}-{j}" for i, j in sorted(set(links))]


def test_no_source_stands_in_two_splits_where_sentences_are_few(tmp_path: Path) -> None:
    files = _written(tmp_path, "lexicon", train=16 + 32 + 64 - 50, vocabulary=2, length=(4, 6))
    splits = [files[f"{split}.en"] for split in (*SPLITS, "long")]
    assert len({line for lines in splits for line in lines}) == sum(map(len, splits)) == 16 + 32 + 64 + 30


@pytest.mark.parametrize("name", EXTENDING)
def test_no_long_sentence_begins_as_a_sentence_of_another_split(name: str, tmp_path: Path) -> None:
    """By chance one of a million pairs would, at most, in their first six words."""
    files = _written(tmp_path, name, train=1_000)
    begins = {split: {tuple(line.split(" ")[:6]) for line in files[f"{split}.en"]} for split in (*SPLITS, "long")}
    assert len(begins["long"]) == 30
    assert not begins["long"] & {words for split in SPLITS for words in begins[split]}


def test_long_of_an_earlier_task_is_removed_by_one_without(tmp_path: Path) -> None:
    assert len(_written(tmp_path, "lexicon")) == 12
    assert set(_written(tmp_path, "order")) == {f"{split}.{kind}" for split in SPLITS for kind in KINDS}


@pytest.mark.parametrize("name", NAMES)
def test_the_other_splits_do_not_depend_on_the_size_of_train(name: str, tmp_path: Path) -> None:
    few, many = _written(tmp_path / "few", name, train=10), _written(tmp_path / "many", name, train=70)
    for file, lines in few.items():
        assert lines == (many[file][:10] if file.startswith("train") else many[file])


@pytest.mark.parametrize("name", NAMES)
def test_the_same_seed_gives_the_same_bytes_and_another_seed_others(name: str, tmp_path: Path) -> None:
    folders = {}
    for folder, seed in (("first", 1), ("again", 1), ("other", 2)):
        _written(tmp_path / folder, name, seed=seed)
        folders[folder] = {path.name: path.read_bytes() for path in (tmp_path / folder).iterdir()}
    assert folders["first"] == folders["again"]
    assert all(content != folders["other"][file] for file, content in folders["first"].items() if ".align" not in file)


def test_pairs_do_not_depend_on_the_hash_seed() -> None:
    code = (
        "from nmt_attn.corpora.controlled import *\n"
        "for name in TASKS:\n for pair in generate(name, parameters_of(name), 20, 3): print(pair)"
    )
    command = [sys.executable, "-c", code]
    outputs = [
        subprocess.run(command, env={**os.environ, "PYTHONHASHSEED": seed}, capture_output=True, check=True).stdout
        for seed in ("1", "2")
    ]
    assert outputs[0] == outputs[1]
    assert outputs[0].count(b"\n") == 20 * len(NAMES)


# Refusals


def _refusals() -> Iterator[tuple[str, dict[str, Any], str]]:
    for name, parameter, has in (
        ("lexicon", "distance", "vocabulary, length"),
        ("order", "noise", "vocabulary, length"),
        ("copy", "noise", "vocabulary, length, distance"),
        ("noise", "distance", "vocabulary, length, noise"),
    ):
        yield name, {parameter: 0}, f"{parameter} must not be given for {name}, which has {has} only."
    for name, length in (("lexicon", (0, 5)), ("order", (5, 4)), ("copy", (6, 201)), ("neighbour", (-3, -1))):
        got = f"{length[0]}-{length[1]}"
        yield name, {"length": length}, f"length must be two numbers from 1 to 200, the lower first, got {got}."
    for name, vocabulary, longest in (("lexicon", 1, 20), ("order", 501, 8), ("copy", 0, 12)):
        message = f"vocabulary must be 2 to 500 with sentences of up to {longest} words, got {vocabulary}."
        yield name, {"vocabulary": vocabulary}, message
    for name, nearest in (("reorder", 1), ("neighbour", 1), ("copy", 2)):
        for distance, shortest in ((nearest - 1, 6), (-1, 6), (6, 6), (9, 9)):
            allowed = f"{nearest} or more and less than the shortest sentence has words, {shortest}"
            given = {"distance": distance, "length": (shortest, 12)}
            yield name, given, f"distance must be {allowed}, got {distance}."
    for noise in (-0.01, 0.91, float("nan"), float("inf")):
        yield "noise", {"noise": noise}, f"noise must be 0 to 0.9, got {noise}."


@pytest.mark.parametrize(("name", "given", "message"), list(_refusals()))
def test_parameters_that_cannot_be_are_refused(name: str, given: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError) as error_info:  # noqa: PT011
        parameters_of(name, **given)
    assert str(error_info.value) == message


@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("lexicon", {"vocabulary": 2, "length": (1, 1)}),
        ("order", {"vocabulary": 500, "length": (200, 200)}),
        ("recall", {"vocabulary": 4, "length": (4, 4)}),
        ("recall", {"vocabulary": 64, "length": (64, 64)}),
        ("copy", {"distance": 199, "length": (200, 200)}),
        ("copy", {"distance": 2, "length": (3, 3)}),
        ("neighbour", {"distance": 1, "length": (2, 2)}),
        ("noise", {"noise": 0.9}),
    ],
)
def test_the_outermost_parameters_are_allowed(name: str, given: dict[str, Any]) -> None:
    """In long sentences too."""
    parameters = parameters_of(name, **given)
    for sentences in (parameters, parameters.held_out):
        assert len(list(generate(name, sentences, 2, 0))) == 2


@pytest.mark.parametrize(
    ("count", "seed", "message"),
    [
        *((count, 1, f"count must be a whole number from 1 to 2000000, got {count!r}.")
          for count in (0, -1, True, 2.0, 2_000_001)),
        *((1, seed, f"seed must be a whole number from 0 on, got {seed!r}.") for seed in (1.0, "1", True, None, -1)),
    ],
)  # fmt: skip
def test_numbers_of_pairs_and_seeds_that_cannot_be_are_refused(count: Any, seed: Any, message: str) -> None:
    with pytest.raises(ValueError) as error_info:  # noqa: PT011
        generate("copy", parameters_of("copy"), count, seed)
    assert str(error_info.value) == message


@pytest.mark.parametrize(("name", "possible"), [("lexicon", 4 + 8), ("order", 4 * 2 + 8 * 6), ("neighbour", 4 + 8)])
def test_more_pairs_than_there_are_sentences_are_refused_before_anything_is_written(
    name: str, possible: int, tmp_path: Path
) -> None:
    parameters = parameters_of(name, vocabulary=2, length=(2, 3))
    assert len(list(generate(name, parameters, possible, 1))) == possible
    with pytest.raises(ValueError) as error_info:  # noqa: PT011
        write_corpus(tmp_path / "new", name, parameters, train=possible - 3, valid=2, test=2, seed=1)
    assert str(error_info.value) == (
        f"vocabulary and length must allow {possible + 1} different sentences, but after {possible} of {name} "
        "1000 in a row were not new."
    )
    assert not (tmp_path / "new").exists()
