"""Message: a specification that cannot be computed is refused in one sentence with the rule and the value."""

import re

import pytest

from nmt_attn.spec import ALL_CODES, AttentionSpec, Site, SpecError, Terms

NAN = float("nan")
FOUR = "a code must be four digits, each 0 or 1, such as 0110, not "


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("111", FOUR + "'111'"),
        ("11111", FOUR + "'11111'"),
        ("1112", FOUR + "'1112'"),
        ("abcd", FOUR + "'abcd'"),
        ("", FOUR + "''"),
        (" 011", FOUR + "' 011'"),
        ("0110\n", FOUR + "'0110\\n'"),
        ("-110", FOUR + "'-110'"),
        ("011\N{ARABIC-INDIC DIGIT ONE}", FOUR + "'011\N{ARABIC-INDIC DIGIT ONE}'"),
        (None, FOUR + "None"),
        (b"0110", FOUR + "b'0110'"),
        (1.5, FOUR + "1.5"),
        (["0", "1", "1", "0"], FOUR + "['0', '1', '1', '0']"),
        (72, "a code must be text, not the number 72: put it in quotes, as '0110'"),
        (1110, "a code must be text, not the number 1110: put it in quotes, as '0110'"),
        (True, "a code must be text, not the number True: put it in quotes, as '0110'"),
    ],
)
def test_a_wrong_code_is_named(code, message):
    with pytest.raises(SpecError, match=f"^{re.escape(message)}$"):
        Terms.parse(code)


@pytest.mark.parametrize("code", ALL_CODES)
def test_a_code_reads_back_as_itself(code):
    terms = Terms.parse(code)
    assert terms.code == code
    digits = (terms.query_key, terms.query_position, terms.key, terms.position)
    assert digits == tuple(digit == "1" for digit in code)


def test_there_are_sixteen_codes_in_the_order_of_binary_numbers():
    assert len(set(ALL_CODES)) == 16
    assert [int(code, 2) for code in ALL_CODES] == list(range(16))


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"heads": 0}, "heads must be at least 1, not 0"),
        ({"heads": -2}, "heads must be at least 1, not -2"),
        ({"dim": 10, "heads": 4}, "dim must be a multiple of heads (4), not 10"),
        ({"dim": 0}, "dim must be a multiple of heads (3), not 0"),
        ({"dim": -12}, "dim must be a multiple of heads (3), not -12"),
        ({"dim": 9}, "dim must be even for pairs of sine and cosine, not 9"),
        ({"dropout": 1.0}, "attention dropout must be at least 0 and below 1, not 1.0"),
        ({"dropout": -0.1}, "attention dropout must be at least 0 and below 1, not -0.1"),
        ({"dropout": NAN}, "attention dropout must be at least 0 and below 1, not nan"),
        ({"window": -1}, "the attention window must be at least 0, not -1"),
        ({"max_distance": 0}, "the maximum relative distance must be at least 1, not 0"),
        ({"max_distance": -3}, "the maximum relative distance must be at least 1, not -3"),
        ({"key_dim": 8}, "in self-attention key_dim must be dim (12), not 8"),
        (
            {"site": Site.DECODER_SELF, "key_dim": 8},
            "in self-attention key_dim must be dim (12), not 8",
        ),
    ],
    ids=str,
)
def test_a_wrong_field_is_named(fields, message):
    spec = {"site": Site.ENCODER_SELF, "terms": Terms.parse("1111"), "dim": 12, "heads": 3} | fields
    with pytest.raises(SpecError, match=f"^{re.escape(message)}$"):
        AttentionSpec(**spec)


def test_a_negative_key_dim_is_refused_in_cross_attention():
    with pytest.raises(SpecError, match="key_dim must be positive, or 0 for dim, not -4"):
        AttentionSpec(Site.CROSS, Terms.parse("1111"), dim=12, heads=3, key_dim=-4)


@pytest.mark.parametrize("code", ["1000", "0010", "1010", "0000"])
def test_an_odd_dim_is_allowed_where_no_term_needs_positions(code):
    assert AttentionSpec(Site.ENCODER_SELF, Terms.parse(code), dim=9, heads=3).head_size == 3


@pytest.mark.parametrize("code", ["0100", "0001"])
def test_an_odd_dim_is_refused_by_each_position_term(code):
    with pytest.raises(SpecError, match="dim must be even for pairs of sine and cosine, not 9"):
        AttentionSpec(Site.ENCODER_SELF, Terms.parse(code), dim=9, heads=3)


def test_the_limits_of_the_fields_are_allowed():
    spec = AttentionSpec(
        Site.CROSS, Terms.parse("1111"), dim=2, heads=1, key_dim=1, dropout=0.0, window=0, max_distance=1
    )
    assert (spec.head_size, spec.key_dim) == (2, 1)


@pytest.mark.parametrize("site", list(Site))
def test_key_dim_is_dim_if_not_given(site):
    assert AttentionSpec(site, Terms.parse("1111"), dim=12, heads=3).key_dim == 12


def test_an_error_of_a_specification_is_a_value_error():
    assert issubclass(SpecError, ValueError)
