"""Tables say what the facts say: rounded for a person, with all digits for programs."""

import csv
import io
from math import nan

import pandas
import pytest

from nmt_attn.inspection.facts import AlignmentFacts, HeadFacts, Share
from nmt_attn.inspection.tables import csv_text, markdown
from nmt_attn.spec import Site, SpecError

SHARES = [
    Share(Site.CROSS, 1, None, "E1", 1.04, 1.01, 1.0649),
    Share(Site.CROSS, 1, None, "E3", -0.04, -0.0649, -0.01),
    Share(Site.ENCODER_SELF, 2, None, "pattern", 1.0, None, None),
    Share(Site.ENCODER_SELF, 1, None, "E1", 0.25, 0.2, 0.3),
    Share(Site.ENCODER_SELF, 1, 2, "E1", 1 / 3, None, None),
]
HEADS = [
    HeadFacts(Site.CROSS, 1, 1, "1111", 2.5, 3.25, -0.125),
    HeadFacts(Site.ENCODER_SELF, 1, 2, "1111", 1.0, 0.5, 0.375),
    HeadFacts(Site.DECODER_SELF, 1, 1, "conv:kernel=3", nan, 1.0, -1.0),
]
ALIGNMENTS = [
    AlignmentFacts(1, 1, "predicts", 100 / 3, 60.0, 75.0),
    AlignmentFacts(2, None, "reads", 12.34, 87.0, 88.0),
]


def test_terms_stand_in_columns_with_their_intervals_and_layers_in_order() -> None:
    assert markdown([], SHARES[:4], [], None) == (
        "## Terms\n\n"
        "Part of the variation of logits over the keys that each term makes, in percent "
        "(95 % interval over sentences):\n\n"
        "| site | layer | E1 | E3 | pattern |\n"
        "|---|---:|---:|---:|---:|\n"
        "| encoder self | 1 | 25.0 (20.0 to 30.0) |  |  |\n"
        "| encoder self | 2 |  |  | 100.0 |\n"
        "| cross | 1 | 104.0 (101.0 to 106.5) | -4.0 (-6.5 to -1.0) |  |\n"
    )


def test_heads_counted_from_one_stand_with_what_is_known_of_them() -> None:
    assert markdown(HEADS, SHARES[4:], [], None) == (
        "## Heads\n\n"
        "Means over all queries: entropy in bits, distance of key and query and offset (key - query) in subwords; "
        "terms in percent:\n\n"
        "| site | mixer | layer | head | entropy | distance | offset | E1 |\n"
        "|---|---|---:|---:|---:|---:|---:|---:|\n"
        "| encoder self | 1111 | 1 | 3 | 1.00 | 0.50 | +0.38 | 33.3 |\n"
        "| decoder self | conv:kernel=3 | 1 | 2 |  | 1.00 | -1.00 |  |\n"
        "| cross | 1111 | 1 | 2 | 2.50 | 3.25 | -0.12 |  |\n"
    )
    assert "| encoder self |  | 1 | 3 |  |  |  | 33.3 |\n" in markdown([], SHARES, [], None)
    assert "| site | mixer | layer | head | entropy | distance | offset |\n" in markdown(HEADS, [], [], None)


def test_the_lowest_alignment_error_comes_first_beside_the_chance_level() -> None:
    assert markdown([], [], ALIGNMENTS, 45.678) == (
        "## Alignment\n\n"
        "Words linked by cross attention beside gold alignments, in percent; the 2 lowest error rates of 2. "
        "Links of words at the same relative place have 45.7:\n\n"
        "| step | layer | head | error | precision | recall |\n"
        "|---|---:|---:|---:|---:|---:|\n"
        "| that reads | 2 | mean | 12.3 | 87.0 | 88.0 |\n"
        "| that predicts | 1 | 2 | 33.3 | 60.0 | 75.0 |\n"
    )


def test_of_many_alignments_the_ten_lowest_are_shown() -> None:
    many = [AlignmentFacts(1, head, "reads", 50.0 - head, 50.0, 50.0) for head in range(16)]
    text = markdown([], [], many, 60.0)
    assert "the 10 lowest error rates of 16." in text
    assert text.count("| that reads |") == 10
    assert text.splitlines()[6].startswith("| that reads | 1 | 16 | 35.0 |")


def test_all_tables_follow_each_other() -> None:
    text = markdown(HEADS, SHARES, ALIGNMENTS, 45.0)
    assert [line for line in text.splitlines() if line.startswith("#")] == ["## Terms", "## Heads", "## Alignment"]


@pytest.mark.parametrize(
    ("alignments", "message"),
    [
        (ALIGNMENTS, "alignments must be shown beside a chance level, not without: give that of the same sentences"),
        ([], "tables must show some heads, shares or alignments, not none"),
    ],
)
def test_tables_of_nothing_and_alignments_alone_are_refused(alignments: list[AlignmentFacts], message: str) -> None:
    with pytest.raises(SpecError, match=message):
        markdown([], [], alignments, None)


def test_a_csv_file_has_all_digits_and_nothing_where_there_is_nothing() -> None:
    rows = list(csv.DictReader(io.StringIO(csv_text(Share, SHARES))))
    assert list(rows[0]) == ["site", "layer", "head", "term", "share", "low", "high"]
    assert rows[2] == {
        "site": "encoder self", "layer": "2", "head": "", "term": "pattern", "share": "1.0", "low": "", "high": ""
    }  # fmt: skip
    assert float(rows[4]["share"]) == 1 / 3
    assert csv_text(AlignmentFacts, ALIGNMENTS).splitlines()[1] == "1,1,predicts,33.333333333333336,60.0,75.0"
    table = pandas.read_csv(io.StringIO(csv_text(HeadFacts, HEADS)), dtype={"mixer": str})
    assert table["mixer"].tolist() == ["1111", "1111", "conv:kernel=3"]
    assert table["entropy"].isna().tolist() == [False, False, True]


def test_a_csv_file_of_nothing_still_names_its_columns() -> None:
    assert csv_text(HeadFacts, []) == "site,layer,head,mixer,entropy,distance,offset\n"
    assert csv_text(AlignmentFacts, []) == "layer,head,step,error,precision,recall\n"


def test_a_csv_file_holds_facts_of_one_kind() -> None:
    with pytest.raises(SpecError, match="a table of Share must hold these alone, not HeadFacts"):
        csv_text(Share, [*SHARES, *HEADS])
