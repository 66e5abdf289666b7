"""Gold alignments are read as they are written, and the error rate is that of the formula."""

from pathlib import Path

import pytest

from nmt_attn.corpora.files import write_splits
from nmt_attn.corpora.fragment import generate
from nmt_attn.corpora.tokens import tokenize
from nmt_attn.inspection.gold import Agreement, GoldAlignment, read_gold
from nmt_attn.spec import SpecError


def _gold(sure: set[tuple[int, int]], more: set[tuple[int, int]] = frozenset()) -> GoldAlignment:  # type: ignore[assignment]
    return GoldAlignment(frozenset(sure), frozenset(sure | more))


def _file(folder: Path, text: str) -> Path:
    path = folder / "test.align"
    path.write_text(text, encoding="utf-8")
    return path


def test_sure_and_possible_links_are_told_apart_in_both_notations(tmp_path: Path) -> None:
    path = _file(tmp_path, "0-0 1-2 2?1\n0-0 1p2 1-2\n\n 3?0\t10-11\r\n")
    assert read_gold(path) == [
        _gold({(0, 0), (1, 2)}, {(2, 1)}),
        _gold({(0, 0), (1, 2)}),
        _gold(set()),
        _gold({(10, 11)}, {(3, 0)}),
    ]


def test_places_counted_from_one_become_places_counted_from_zero(tmp_path: Path) -> None:
    assert read_gold(_file(tmp_path, "1-1 2p4\n"), first=1) == [_gold({(0, 0)}, {(1, 3)})]


def test_the_alignments_of_a_generated_corpus_fit_its_tokens(tmp_path: Path) -> None:
    write_splits(tmp_path, {"test": 5}, generate(5, seed=3))
    source, target = ((tmp_path / f"test.{side}").read_text(encoding="utf-8").splitlines() for side in ("en", "de"))
    sizes = [(len(tokenize(one)), len(tokenize(other))) for one, other in zip(source, target, strict=True)]
    gold = read_gold(tmp_path / "test.align", sizes=sizes)
    assert len(gold) == 5
    assert all((0, 0) in each.sure for each in gold)


@pytest.mark.parametrize(
    ("text", "first", "message"),
    [
        ("0-0\n0-0 1=2\n", 0, "{path}, line 2, must hold links such as 0-0 or 2?1, not '1=2': write i-j, i?j or ipj"),
        ("0\n", 0, "{path}, line 1, must hold links such as 0-0 or 2?1, not '0': write i-j, i?j or ipj"),
        ("0-0-1\n", 0, "{path}, line 1, must hold links such as 0-0 or 2?1, not '0-0-1': write i-j, i?j or ipj"),
        ("\n0--1\n", 0, "{path}, line 2, must count words from 0, not hold '0--1': give the other first, or mend it"),
        ("-2?1\n", 0, "{path}, line 1, must count words from 0, not hold '-2?1': give the other first, or mend it"),
        ("1-0\n", 1, "{path}, line 1, must count words from 1, not hold '1-0': give the other first, or mend it"),
        ("0-0\n", 2, "first must be what the first word is called, 0 or 1, not 2"),
    ],
)
def test_what_is_no_link_is_refused_with_its_line(text: str, first: int, message: str, tmp_path: Path) -> None:
    path = _file(tmp_path, text)
    with pytest.raises(SpecError) as refusal:
        read_gold(path, first)
    assert str(refusal.value) == message.format(path=path)


@pytest.mark.parametrize(
    ("sizes", "message"),
    [
        (
            [(2, 3)],
            "{path} must have a line for each of 1 sentence pairs, not 2 lines: give the alignments of this text",
        ),
        (
            [(2, 3), (2, 3)],
            "{path}, line 2, must link 2 source and 3 target words, counted from 0, not 0-3 and 1 more: "
            "give the text that was aligned, split into the same words",
        ),
        (
            [(2, 3), (0, 4)],
            "{path}, line 2, must have source words for its 4 target words, not none: leave the pair out",
        ),
    ],
)
def test_alignments_of_another_text_are_refused(sizes: list[tuple[int, int]], message: str, tmp_path: Path) -> None:
    path = _file(tmp_path, "0-0 1-2\n0-0 0-3 2?1\n")
    assert len(read_gold(path, sizes=[(2, 3), (3, 4)])) == 2
    with pytest.raises(SpecError) as refusal:
        read_gold(path, sizes=sizes)
    assert str(refusal.value) == message.format(path=path)


def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="gold alignments must be a text file that can be read, but .*none is not: "):
        read_gold(tmp_path / "none")
    (tmp_path / "bytes").write_bytes(b"0-0 \xff\n")
    with pytest.raises(SpecError, match="gold alignments must be a text file that can be read, but .*bytes is not: "):
        read_gold(tmp_path / "bytes")


def test_possible_links_include_the_sure_ones() -> None:
    with pytest.raises(SpecError, match=r"possible links must include the sure ones, not lack 0-1: add them$"):
        GoldAlignment(frozenset({(0, 1), (1, 1)}), frozenset({(1, 1)}))


@pytest.mark.parametrize(
    ("links", "gold", "error", "precision", "recall"),
    [
        ({(0, 0), (1, 2)}, _gold({(0, 0), (1, 1)}, {(1, 2)}), 25, 100, 50),  # 1 - (1 + 2) / (2 + 2)
        ({(0, 0), (1, 1)}, _gold({(0, 0), (1, 1)}, {(1, 2)}), 0, 100, 100),
        ({(5, 0)}, _gold({(0, 0)}), 100, 0, 0),
        ({(0, 0), (0, 1), (0, 2)}, _gold({(0, 0)}, {(0, 1)}), 25, 100 * 2 / 3, 100),  # 1 - (1 + 2) / (3 + 1)
    ],
)
def test_rates_are_those_of_the_formula(
    links: set[tuple[int, int]], gold: GoldAlignment, error: float, precision: float, recall: float
) -> None:
    found = Agreement.of(links, gold)
    assert (found.error, found.precision, found.recall) == pytest.approx((error, precision, recall))


def test_rates_of_a_corpus_come_from_its_sums_not_from_rates_of_sentences() -> None:
    right = Agreement.of({(0, 0)}, _gold({(0, 0)}))
    wrong = Agreement.of({(1, 0), (1, 1), (1, 2)}, _gold({(0, 0), (0, 1)}, {(1, 2)}))
    assert (right + wrong).error == pytest.approx(100 * (1 - (1 + 2) / (4 + 3)))
    assert right + wrong == wrong + right


def test_links_where_nothing_is_aligned_count_as_wrong() -> None:
    some = Agreement.of({(0, 0)}, _gold({(0, 0)})) + Agreement.of({(0, 0)}, _gold(set()))
    assert some.error == pytest.approx(100 / 3)
    assert (some.precision, some.recall) == (50, 100)


def test_rates_of_nothing_are_refused() -> None:
    message = (
        "error rates must be taken of sentence pairs with links and sure gold links, not of 1 links and 0 sure ones"
    )
    for rate in ("error", "precision", "recall"):
        with pytest.raises(SpecError, match=message):
            getattr(Agreement.of({(0, 0)}, _gold(set(), {(0, 0)})), rate)
