"""Links follow from weights as the formula says, whatever the subwords, and their errors add up over a corpus."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nmt_attn.corpora.tokens import tokenize
from nmt_attn.inspection.alignment import AlignedRecord, alignment_facts, best, chance_level, linked_words, word_map
from nmt_attn.inspection.facts import AlignmentFacts, SentenceRecord, SiteRecord
from nmt_attn.inspection.gold import GoldAlignment
from nmt_attn.spec import Site, SpecError

DIAGONAL = GoldAlignment(frozenset({(0, 0), (1, 1), (2, 2)}), frozenset({(0, 0), (1, 1), (2, 2)}))


def _gold(*links: tuple[int, int]) -> GoldAlignment:
    return GoldAlignment(frozenset(links), frozenset(links))


def _cross(layer: int, *heads: Sequence[Sequence[float]]) -> SiteRecord:
    weights = np.array(heads, dtype=np.float64)
    return SiteRecord(Site.CROSS, layer, "1111", weights, {}, np.ones(weights.shape[1:], dtype=bool))


def _record(source: str, target: str, *sites: SiteRecord) -> SentenceRecord:
    return SentenceRecord(tuple(source.split()), tuple(target.split()), False, sites)


def _one_hot(choices: Sequence[int], keys: int) -> list[list[float]]:
    return np.eye(keys)[list(choices)].tolist()


def _pair(choices: Sequence[int], gold: GoldAlignment = DIAGONAL) -> AlignedRecord:
    """Three words, each a subword, and a single head whose rows, one a step, look at these keys."""
    record = _record("▁a ▁b ▁c", "▁x ▁y ▁z", _cross(1, _one_hot(choices, 4)))
    return record, ["a", "b", "c"], ["x", "y", "z"], gold


@pytest.mark.parametrize(
    ("subwords", "tokens", "expected"),
    [
        ("▁the ▁cat", "the cat", [{0}, {1}]),
        ("▁the ▁ca t", "the cat", [{0}, {1}, {1}]),
        ("▁Gast , ▁die", "Gast , die", [{0}, {1}, {2}]),
        ("▁Gast, ▁die", "Gast , die", [{0, 1}, {2}]),
        ("▁ab c.▁d e", "abc . de", [{0}, {0, 1, 2}, {2}]),
        ("▁ cat ▁ ▁the ▁", "cat the", [{0}, {0}, {1}, {1}, set()]),
        ("▁of▁the ▁end", "of the end", [{0, 1}, {2}]),
        ("", "", []),
    ],
)
def test_a_subword_belongs_to_the_words_whose_characters_it_touches(
    subwords: str, tokens: str, expected: list[set[int]]
) -> None:
    assert word_map(subwords.split(), tokens.split()) == tuple(map(frozenset, expected))


def test_subwords_of_plain_text_fit_the_tokens_of_a_generated_corpus() -> None:
    text = "The hard-working girl promised, of course."
    apart, together = (
        "▁The ▁hard - work ing ▁girl ▁promised , ▁of ▁course .",
        "▁The ▁hard -work ing ▁girl ▁promised, ▁of",
    )
    assert tokenize(text)[4:] == [",", "of", "course", "."]
    assert word_map(apart.split(), tokenize(text)) == tuple(
        frozenset({word}) for word in (0, 1, 1, 1, 1, 2, 3, 4, 5, 6, 7)
    )
    assert word_map([*together.split(), "▁cour", "se."], text.split())[-3:] == ({4}, {5}, {5})


@pytest.mark.parametrize(
    ("subwords", "tokens", "expected"),
    [
        ("▁a <unk> ▁c", "a bb c", [{0}, {1}, {2}]),
        ("▁a ▁ <unk> d ▁c", "a bbd c", [{0}, {1}, {1}, {1}, {2}]),
        ("<unk>", "a b", [{0, 1}]),
        ("<unk> c <unk>", "ab cb", [{0}, {1}, {1}]),
        ("<unk> <unk>", "abc", [{0}, {0}]),
    ],
)
def test_an_unknown_subword_stands_for_what_the_others_leave(
    subwords: str, tokens: str, expected: list[set[int]]
) -> None:
    assert word_map(subwords.split(), tokens.split()) == tuple(map(frozenset, expected))


@pytest.mark.parametrize(
    ("subwords", "tokens", "place"),
    [("▁a <unk> <unk>", "a bc d", "2 ('<unk>') of 'abcd'"), ("<unk> b <unk>", "ab bb", "1 ('b') of 'abbb'")],
)
def test_unknown_subwords_that_could_be_parts_of_different_words_are_refused(
    subwords: str, tokens: str, place: str
) -> None:
    with pytest.raises(SpecError) as refusal:
        word_map(subwords.split(), tokens.split())
    assert str(refusal.value) == (
        f"each <unk> must stand for one stretch of the text only, not several, as around subword {place}: "
        "leave this sentence out"
    )


@pytest.mark.parametrize(
    ("subwords", "tokens", "message"),
    [
        (
            ["▁the", "▁dog"],
            ["the", "cat"],
            "subwords must spell the text of the words, 'thecat', not 'thedog': "
            "give the text that the subwords were made of",
        ),
        (["▁the"], ["the", "cat"], "subwords must spell the text of the words, 'thecat', not 'the': "),
        (["▁the", "<unk>"], ["the"], "subwords must spell the text of the words, 'the', not 'the<unk>': "),
        (["▁" + 50 * "a"], [50 * "b"], f"words, '{37 * 'b'}...', not '{37 * 'a'}...': "),
        (["▁a", "▁b"], ["a", "", "b"], "words must have characters, not be '': split at spaces"),
    ],
)
def test_subwords_of_another_text_are_refused(subwords: list[str], tokens: list[str], message: str) -> None:
    with pytest.raises(SpecError) as refusal:
        word_map(subwords, tokens)
    assert message in str(refusal.value)


_words = st.lists(st.text("abc", min_size=1, max_size=4), min_size=1, max_size=5)


@settings(max_examples=50, deadline=None)
@given(tokens=_words, cuts=st.sets(st.integers(1, 24)))
def test_any_cut_of_a_text_maps_each_character_to_its_word(tokens: list[str], cuts: set[int]) -> None:
    marked = "".join("▁" + token for token in tokens)
    ends = [*sorted(cut for cut in cuts if cut < len(marked)), len(marked)]
    spans = list(zip([0, *ends], ends, strict=False))
    word = [number for number, token in enumerate(tokens) for _ in "▁" + token]
    expected = []
    for start, end in spans:
        letters = [place for place in range(start, end) if marked[place] != "▁"]
        expected.append({word[place] for place in letters or [start]})
    assert word_map([marked[start:end] for start, end in spans], tokens) == tuple(map(frozenset, expected))


SOURCE, TARGET = [{0}, {1}, {1}], [{0}, {0}, {1}]
WEIGHTS = np.array(
    [  # columns: word 0, word 1, word 1, end
        [0.6, 0.2, 0.2, 0.0],  # predicts word 0
        [0.0, 0.5, 0.4, 0.1],  # predicts word 0, reads word 0
        [0.4, 0.3, 0.2, 0.1],  # predicts word 1, reads word 0
        [0.1, 0.0, 0.0, 0.9],  # predicts the end, reads word 1
    ]
)


def test_weights_are_summed_over_source_subwords_and_averaged_over_target_subwords() -> None:
    source, target = [list(map(frozenset, side)) for side in (SOURCE, TARGET)]
    assert linked_words(WEIGHTS, source, target, "predicts").tolist() == [1, 1]  # 0.3 and 0.65; 0.4 and 0.5
    assert linked_words(WEIGHTS, source, target, "reads").tolist() == [1, 0]  # 0.2 and 0.7; 0.1 and 0
    both = np.stack([WEIGHTS, np.array(_one_hot([0, 0, 3, 3], 4))])
    assert linked_words(both, source, target, "predicts").tolist() == [[1, 1], [0, 0]]


def test_of_equal_source_words_the_first_is_taken_in_single_precision_too() -> None:
    source, target = [frozenset({place // 3}) for place in range(21)], [frozenset({0})] * 7
    uniform = np.full((8, 22), 1 / 22, dtype=np.float32)
    assert linked_words(uniform, source, target, "predicts").tolist() == [0]
    noisy = uniform + np.float32(1e-8) * np.arange(22, dtype=np.float32)
    assert linked_words(noisy, source, target, "reads").tolist() == [0]


def test_a_subword_of_several_words_counts_in_each() -> None:
    source, target = [frozenset({0, 1}), frozenset({2})], [frozenset({0, 1})]
    weights = np.array([[0.6, 0.4, 0.0], [0.3, 0.7, 0.0]])
    assert linked_words(weights, source, target, "predicts").tolist() == [0, 0]
    assert linked_words(weights, source, target, "reads").tolist() == [2, 2]


@settings(max_examples=25, deadline=None)
@given(data=st.data(), words=st.tuples(st.integers(1, 4), st.integers(1, 4)), step=st.sampled_from([0, 1]))
def test_links_are_those_of_loops_over_words(data: st.DataObject, words: tuple[int, int], step: int) -> None:
    source, target = ([word for word in range(many) for _ in range(data.draw(st.integers(1, 3)))] for many in words)
    rows, keys = len(target) + 1, len(source) + 1
    weights = np.array(data.draw(st.lists(st.integers(0, 9), min_size=rows * keys, max_size=rows * keys)), dtype=float)
    weights = weights.reshape(rows, keys) / 8
    expected = []
    for j in range(words[1]):
        steps = [row + step for row, word in enumerate(target) if word == j]
        mass = [
            sum(weights[row, key] for row in steps for key, word in enumerate(source) if word == i) / len(steps)
            for i in range(words[0])
        ]
        expected.append(min(range(words[0]), key=lambda i: (-round(mass[i], 9), i)))
    first, second = ([frozenset({word}) for word in side] for side in (source, target))
    assert linked_words(weights, first, second, ("predicts", "reads")[step]).tolist() == expected


def test_heads_that_look_at_the_right_word_make_no_error_at_their_step() -> None:
    errors = {(fact.head, fact.step): fact.error for fact in alignment_facts([_pair([0, 1, 2, 3])])}
    assert errors[0, "predicts"] == errors[None, "predicts"] == 0
    assert errors[0, "reads"] == errors[None, "reads"] == 100  # the next word, and at last the first of three zeros


def test_a_head_that_is_right_when_it_reads_is_found_as_such() -> None:
    facts = alignment_facts([_pair([3, 0, 1, 2])])
    assert best(facts) == AlignmentFacts(1, 0, "reads", 0, 100, 100)


def test_errors_are_counted_over_the_corpus_in_any_order() -> None:
    pairs = [_pair([0, 1, 2, 3]), _pair([0, 0, 0, 3]), _pair([2, 2, 1, 3], _gold()), _pair([1, 1, 1, 3], _gold((0, 2)))]
    facts = alignment_facts(pairs)
    assert facts == alignment_facts(pairs[::-1])
    fact = facts[0]
    assert fact.error == pytest.approx(100 * (1 - 2 * (3 + 1) / (12 + 7)))  # three sentences have 3, 3 and 1 sure links
    assert (fact.precision, fact.recall) == pytest.approx((100 * 4 / 12, 100 * 4 / 7))


def test_possible_links_are_no_error_and_need_not_be_found() -> None:
    gold = GoldAlignment(frozenset({(0, 0), (1, 1)}), frozenset({(0, 0), (1, 1), (1, 2)}))
    assert alignment_facts([_pair([0, 1, 1, 3], gold)])[0].error == 0
    assert alignment_facts([_pair([0, 2, 1, 3], gold)])[0].error == pytest.approx(100 * (1 - (1 + 2) / (3 + 2)))


def test_the_mean_of_heads_can_be_right_where_no_head_is() -> None:
    halves = [[0.0, 0.6, 0.4, 0.0], [0.5, 0.0, 0.5, 0.0]], [[0.5, 0.0, 0.5, 0.0], [0.4, 0.6, 0.0, 0.0]]
    heads = [[*rows, [0.0, 0.0, 0.0, 1.0]] for rows in halves]
    record = _record("▁a ▁b ▁c", "▁x ▁y", _cross(2, *heads), _cross(1, *reversed(heads)))
    facts = alignment_facts([(record, ["a", "b", "c"], ["x", "y"], _gold((2, 0), (0, 1)))])
    assert [(fact.layer, fact.step, fact.head) for fact in facts] == [
        (layer, step, head) for layer in (1, 2) for step in ("predicts", "reads") for head in (0, 1, None)
    ]
    assert best(facts) == AlignmentFacts(1, None, "predicts", 0, 100, 100)
    assert facts[0].error > 0
    assert facts[1].error > 0


def test_subwords_and_punctuation_meet_gold_that_counts_tokens() -> None:
    source, target = "Yes, sir.", "Ja, mein Herr."
    looks = _one_hot([0, 1, 2, 2, 3, 4, 5], 6)
    record = _record("▁Yes , ▁s ir .", "▁Ja , ▁mein ▁He rr .", _cross(1, looks))
    gold = _gold((0, 0), (1, 1), (2, 3), (3, 4))
    fact = alignment_facts([(record, tokenize(source), tokenize(target), gold)])[0]
    assert (fact.precision, fact.recall) == (80, 100)
    words = _gold((0, 0), (1, 1), (1, 2))
    assert alignment_facts([(record, source.split(), target.split(), words)])[0].error == 0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"generated": True},
            "alignments must be taken of reference translations, not generated ones: give the target",
        ),
        ({"sites": ()}, "a record must have cross attention to be aligned, not self-attention alone: record it"),
        (
            {"sites": (_cross(1, _one_hot([0, 1, 2], 4)),)},
            "weights of cross attention must have 4 rows and 4 columns, for the subwords and the end of each sentence, "
            r"not the shape \(3, 4\)",
        ),
        (
            {"sites": (_cross(1, *[_one_hot([0, 1, 2, 3], 4)] * 2),)},
            "all records must be of one model, not have different numbers of layers or heads",
        ),
        ({"source": ("▁a", "▁b")}, "subwords must spell the text of the words, 'abc', not 'ab': "),
    ],
)
def test_records_that_cannot_be_aligned_are_refused(change: dict[str, object], message: str) -> None:
    pair = _pair([0, 1, 2, 3])
    record = replace(pair[0], **change)  # type: ignore[arg-type]
    with pytest.raises(SpecError, match=f"^sentence pair 2: {message}"):
        alignment_facts([pair, (record, *pair[1:])])


def test_gold_alignments_of_another_sentence_are_refused() -> None:
    with pytest.raises(
        SpecError,
        match="sentence pair 1: a gold alignment must link 3 source and 3 target words, counted from 0, not 3-0",
    ):
        alignment_facts([_pair([0, 1, 2, 3], _gold((3, 0)))])


def test_another_step_is_refused() -> None:
    with pytest.raises(SpecError, match="step must be predicts or reads, not 'writes'"):
        linked_words(WEIGHTS, [], [], "writes")


def test_nothing_to_align_is_refused() -> None:
    with pytest.raises(SpecError, match="alignments must be taken of at least one sentence pair, not of none"):
        alignment_facts([])
    with pytest.raises(SpecError, match="the best alignment must be one of at least one, not of none"):
        best([])
    with pytest.raises(SpecError, match="not of 0 links and 0 sure ones: give more sentence pairs"):
        chance_level([])
    with pytest.raises(SpecError, match="must have source words for its 1 target words, not none"):
        chance_level([([], ["x"], _gold())])


def test_the_baseline_links_words_at_the_same_relative_place() -> None:
    words = "abcdef"
    assert chance_level([(words[:3], words[:3], DIAGONAL)]) == 0
    middles = _gold((0, 0), (0, 1), (1, 2), (1, 3))  # of 2 source words, the halves of 4
    assert chance_level([(words[:2], words[:4], middles)]) == 0
    assert chance_level([(words[:5], words[:2], _gold((1, 0), (3, 1)))]) == 0  # middles at 1.25 and 3.75
    both = [(words[:3], words[:3], DIAGONAL), (words[:2], words[:2], _gold((0, 1), (1, 0)))]
    assert chance_level(both) == pytest.approx(40)  # 1 - 2 * 3 / (5 + 5)
    assert chance_level([([], [], _gold()), *both]) == chance_level(both)
