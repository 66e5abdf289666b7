"""Notation: every way to write a mixer, and what is said about each way not to."""

import re

import pytest

from nmt_attn.notation import (
    NAMES,
    PUBLISHED,
    AttentionNote,
    ChainNote,
    ConvolutionNote,
    Shape,
    layer_specs,
    parse_mixers,
)
from nmt_attn.spec import (
    ALL_CODES,
    AttentionSpec,
    ChainSpec,
    Convolution,
    ConvolutionSpec,
    Positions,
    Site,
    SpecError,
    Terms,
)

SHAPE = Shape(dim=12, heads=3)
ENCODER, DECODER, CROSS = Site.ENCODER_SELF, Site.DECODER_SELF, Site.CROSS
SELF_SITES = (ENCODER, DECODER)


def one(text, site=ENCODER, shape=SHAPE):
    (spec,) = layer_specs(text, site, 1, shape, "--encoder")
    return spec


def attention(code, site=ENCODER, **options):
    return AttentionSpec(site, Terms.parse(code), 12, 3, **options)


def convolution(kind, kernel, site=ENCODER, **options):
    return ConvolutionSpec(site, Convolution(kind), 12, 3, kernel, **options)


# Every form, and the specification it stands for in the encoder.
FORMS = {
    "0110": attention("0110"),
    "0000": attention("0000"),
    "0010:window=4": attention("0010", window=4),
    "1111:window=0": attention("1111", window=0),
    "1111:distance=7": attention("1111", max_distance=7),
    "1111:window=4:distance=7": attention("1111", window=4, max_distance=7),
    "1111:distance=7:window=4": attention("1111", window=4, max_distance=7),
    "0001:positions=sinusoid": attention("0001"),
    "1111:positions=shaw": attention("1111", positions=Positions.SHAW),
    "0100:positions=shaw:distance=3": attention("0100", positions=Positions.SHAW, max_distance=3),
    "1011:positions=t5": attention("1011", positions=Positions.T5),
    "1001:positions=t5:distance=64": attention("1001", positions=Positions.T5, max_distance=64),
    "1001:positions=alibi": attention("1001", positions=Positions.ALIBI),
    "0011:positions=gaussian": attention("0011", positions=Positions.GAUSSIAN),
    "0001:positions=fixed": attention("0001", positions=Positions.FIXED),
    "1001:positions=synthesizer:distance=9": attention("1001", positions=Positions.SYNTHESIZER, max_distance=9),
    "1100:key-position": attention("1100", key_position=True),
    "0000:key-position:window=2": attention("0000", key_position=True, window=2),
    "uniform": attention("0000"),
    "gaussian": attention("0001", positions=Positions.GAUSSIAN),
    "fixed": attention("1001", positions=Positions.FIXED),
    "synthesizer": attention("0001", positions=Positions.SYNTHESIZER),
    "alibi": attention("1001", positions=Positions.ALIBI),
    "t5": attention("1001", positions=Positions.T5),
    "shaw": attention("1100", positions=Positions.SHAW),
    "deberta": attention("1100", key_position=True),
    "alibi:window=5:distance=2": attention("1001", positions=Positions.ALIBI, window=5, max_distance=2),
    "shaw:distance=4": attention("1100", positions=Positions.SHAW, max_distance=4),
    "conv": convolution("conv", 3),
    "deform": convolution("deform", 3),
    "light": convolution("light", 3),
    "dynamic": convolution("dynamic", 3),
    "conv:kernel=5": convolution("conv", 5),
    "deform:kernel=1": convolution("deform", 1),
    "light:kernel=31": convolution("light", 31),
    "dynamic:kernel=7:window=2": convolution("dynamic", 7, window=2),
    "conv:window=0:kernel=9": convolution("conv", 9, window=0),
    "deform+0010": ChainSpec(convolution("deform", 3), attention("0010")),
    "deform:kernel=5+0010": ChainSpec(convolution("deform", 5), attention("0010")),
    "deform:kernel=5:window=2+1111:window=4": ChainSpec(
        convolution("deform", 5, window=2), attention("1111", window=4)
    ),
    "deform+alibi": ChainSpec(convolution("deform", 3), attention("1001", positions=Positions.ALIBI)),
    "deform+deberta:distance=3": ChainSpec(
        convolution("deform", 3), attention("1100", key_position=True, max_distance=3)
    ),
}


@pytest.mark.parametrize("text", FORMS)
def test_every_form_stands_for_its_specification(text):
    assert one(text) == FORMS[text]
    assert one(f"  {text} ") == FORMS[text], "blanks around a mixer do not count"


@pytest.mark.parametrize("text", FORMS)
def test_the_text_of_a_specification_reads_back_as_it(text):
    spec = FORMS[text]
    assert one(spec.text) == spec
    assert one(spec.text).text == spec.text


@pytest.mark.parametrize("window", [None, 0, 4])
@pytest.mark.parametrize("max_distance", [None, 1, 16, 128, 256])
@pytest.mark.parametrize("kind", Positions, ids=lambda kind: kind.value)
def test_the_text_of_any_attention_reads_back_as_it(kind, max_distance, window):
    count = 0
    for site in Site:
        for code in ALL_CODES:
            for key_position in (False, True):
                options = {"max_distance": max_distance, "window": window, "key_position": key_position}
                try:
                    spec = attention(code, site, positions=kind, **options)
                except SpecError:
                    continue
                assert one(spec.text, site) == spec, spec.text
                count += 1
    if kind is Positions.FIXED:
        assert count == (4 if max_distance is None else 0)
    else:
        assert count == {Positions.SINUSOID: 96, Positions.SHAW: 24}.get(kind, 8)


@pytest.mark.parametrize("site", SELF_SITES)
@pytest.mark.parametrize("kind", Convolution, ids=lambda kind: kind.value)
def test_the_text_of_any_convolution_reads_back_as_it(kind, site):
    for kernel in (1, 3, 31):
        for window in (None, 0, 2):
            spec = convolution(kind, kernel, site, window=window)
            assert one(spec.text, site) == spec


def test_texts_leave_out_what_has_its_default():
    assert attention("0110").text == "0110"
    assert attention("1001", positions=Positions.T5, max_distance=128).text == "1001:positions=t5"
    assert attention("1100", positions=Positions.SHAW, max_distance=16).text == "1100:positions=shaw"
    assert (
        attention("1100", key_position=True, window=3, max_distance=2).text == "1100:key-position:window=3:distance=2"
    )
    assert convolution("light", 3).text == "light:kernel=3"
    assert FORMS["deform:kernel=5:window=2+1111:window=4"].text == "deform:kernel=5:window=2+1111:window=4"


@pytest.mark.parametrize("code", ALL_CODES)
@pytest.mark.parametrize("site", Site)
def test_a_code_alone_is_the_plain_attention_of_the_paper(site, code):
    assert one(code, site) == AttentionSpec(site, Terms.parse(code), 12, 3)
    assert parse_mixers(code) == (AttentionNote(Terms.parse(code)),)


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_name_is_what_the_table_of_names_says(name):
    assert parse_mixers(name) == parse_mixers(PUBLISHED[name])
    assert parse_mixers(f"{name}:window=3") == parse_mixers(f"{PUBLISHED[name]}:window=3")


def test_the_names_are_these():
    names = "uniform gaussian fixed synthesizer alibi t5 shaw deberta conv deform light dynamic"
    assert " ".join(NAMES) == names


def test_notes_keep_what_was_written_and_leave_open_what_was_not():
    assert parse_mixers("1001:positions=t5, light:kernel=3/5,deform+0010:window=2") == (
        AttentionNote(Terms.parse("1001"), Positions.T5),
        ConvolutionNote(Convolution.LIGHT, (3, 5)),
        ChainNote(ConvolutionNote(Convolution.DEFORMABLE), AttentionNote(Terms.parse("0010"), window=2)),
    )


def test_one_mixer_stands_for_all_layers():
    specs = layer_specs("0110", DECODER, 4, SHAPE, "--decoder")
    assert specs == (attention("0110", DECODER),) * 4


def test_a_list_gives_each_layer_its_mixer():
    specs = layer_specs("1111:window=4,1111, deform:kernel=5+0010 ,dynamic", ENCODER, 4, SHAPE, "--encoder")
    assert specs == (
        attention("1111", window=4),
        attention("1111"),
        ChainSpec(convolution("deform", 5), attention("0010")),
        convolution("dynamic", 31),
    )


@pytest.mark.parametrize("kind", ["light", "dynamic"])
def test_kernels_of_light_and_dynamic_convolution_grow_with_the_layers(kind):
    specs = layer_specs(kind, DECODER, 7, SHAPE, "--decoder")
    assert [spec.kernel for spec in specs] == [3, 7, 15, 31, 31, 31, 31]


@pytest.mark.parametrize("text", ["conv", "deform", "deform+0010"])
def test_other_kernels_are_three_by_default(text):
    specs = layer_specs(text, ENCODER, 3, SHAPE, "--encoder")
    assert [getattr(spec, "first", spec).kernel for spec in specs] == [3, 3, 3]


@pytest.mark.parametrize("text", ["conv:kernel={}", "deform:kernel={}", "light:kernel={}", "deform:kernel={}+0010"])
def test_kernels_are_one_for_all_layers_or_one_a_layer(text):
    def kernels(sizes):
        specs = layer_specs(text.format(sizes), ENCODER, 3, SHAPE, "--encoder")
        return [getattr(spec, "first", spec).kernel for spec in specs]

    assert kernels("7") == [7, 7, 7]
    assert kernels("3/7/15") == [3, 7, 15]


def test_a_list_of_kernels_within_a_list_of_mixers_goes_by_the_layer():
    specs = layer_specs("dynamic:kernel=3/5/7,0010,dynamic:kernel=9/11/13", ENCODER, 3, SHAPE, "--encoder")
    assert specs == (convolution("dynamic", 3), attention("0010"), convolution("dynamic", 13))


def test_a_kernel_of_one_layer_may_be_a_list_of_one():
    assert one("light:kernel=5") == convolution("light", 5)


def test_the_place_gives_width_heads_dropout_and_limits_that_a_mixer_may_override():
    shape = Shape(dim=8, heads=2, key_dim=5, dropout=0.2, window=6, max_distance=9)
    usual = AttentionSpec(CROSS, Terms.parse("1111"), 8, 2, key_dim=5, dropout=0.2, window=6, max_distance=9)
    assert one("1111", CROSS, shape) == usual
    other = AttentionSpec(CROSS, Terms.parse("1111"), 8, 2, key_dim=5, dropout=0.2, window=0, max_distance=1)
    assert one("1111:window=0:distance=1", CROSS, shape) == other
    shape = Shape(dim=8, heads=2, dropout=0.2, window=6, max_distance=9)
    assert one("light", DECODER, shape) == ConvolutionSpec(DECODER, Convolution.LIGHT, 8, 2, 3, 0.2, 6)
    assert one("light:window=1", DECODER, shape) == ConvolutionSpec(DECODER, Convolution.LIGHT, 8, 2, 3, 0.2, 1)
    chain = one("deform:window=2+0010", DECODER, shape)
    assert chain.first == ConvolutionSpec(DECODER, Convolution.DEFORMABLE, 8, 2, 3, 0.2, 2)
    assert chain.then == AttentionSpec(DECODER, Terms.parse("0010"), 8, 2, dropout=0.2, window=6, max_distance=9)
    shaw = AttentionSpec(
        DECODER, Terms.parse("1100"), 8, 2, dropout=0.2, window=6, max_distance=9, positions=Positions.SHAW
    )
    assert one("shaw", DECODER, shape) == shaw


@pytest.mark.parametrize(
    ("text", "limit"),
    [("0110", None), ("alibi", None), ("gaussian", None), ("shaw", 16), ("t5", 128), ("synthesizer", 256)],
)
def test_maximum_distances_have_the_defaults_of_the_publications(text, limit):
    assert one(text).max_distance == limit
    assert one(f"{text}:distance=5").max_distance == 5


FOUR = "a code must be four digits, each 0 or 1, such as 0110, not "
MIXER = (
    "a mixer must be a code of four digits, each 0 or 1, or one of uniform, gaussian, fixed, synthesizer, alibi, t5, "
    "shaw, deberta, conv, deform, light, dynamic, not "
)
OF_ATTENTION = "the options of attention must be among window, distance, position-size, positions, key-position, not "
KINDS = "positions must be one of sinusoid, shaw, t5, alibi, gaussian, fixed, synthesizer, not "
BEFORE = "only deform can come before another mixer, as in deform+0010, not "
WHOLE = "must be a whole number of at most five digits, not "
AFTER = "after deform+ there must be attention, as in deform+0010, not "

# At any self-attention of the encoder with three layers.
REFUSED = {
    "111": FOUR + "'111'",
    "11111": FOUR + "'11111'",
    "1112": FOUR + "'1112'",
    "0110 1": FOUR + "'0110 1'",
    "abcd": MIXER + "'abcd'",
    "": MIXER + "''",
    " ": MIXER + "''",
    "-110": MIXER + "'-110'",
    "Alibi": MIXER + "'Alibi'",
    "0110,": MIXER + "''",
    ",": MIXER + "''",
    ":window=2": MIXER + "''",
    "+0010": BEFORE + "''",
    "deform+": AFTER + "''",
    "deform+0010+0010": AFTER + "'0010+0010'",
    "0010:distance=3": "distance must go with a term of relative position, not with code 0010",
    "1111:window=1:window=2": "an option must be given once, not window twice in '1111:window=1:window=2'",
    "gaussian:positions=t5": "an option must be given once, not positions twice in 'gaussian:positions=t5'",
    "0010:window=123456": "window " + WHOLE + "'123456'",
    "deform+111": FOUR + "'111'",
    "0110,0110": "there must be one mixer, or one for each of the 3 layers, not 2",
    "0110,0110,0110,0110": "there must be one mixer, or one for each of the 3 layers, not 4",
    "conv:kernel=4": "the kernel of conv must be odd and at least 1, not 4",
    "deform:kernel=0": "the kernel of deform must be odd and at least 1, not 0",
    "light:kernel=-3": "the kernel of light must be odd and at least 1, not -3",
    "dynamic:kernel=3/5/6": "the kernel of dynamic must be odd and at least 1, not 6",
    "deform:kernel=2+0010": "the kernel of deform must be odd and at least 1, not 2",
    "conv:kernel=x": "kernel " + WHOLE + "'x'",
    "conv:kernel=": "kernel " + WHOLE + "''",
    "conv:kernel": "kernel " + WHOLE + "''",
    "conv:kernel=3.0": "kernel " + WHOLE + "'3.0'",
    "conv:kernel=3/": "kernel " + WHOLE + "''",
    "conv:kernel=--3": "kernel " + WHOLE + "'--3'",
    "conv:kernel=\N{ARABIC-INDIC DIGIT THREE}": "kernel " + WHOLE + "'\N{ARABIC-INDIC DIGIT THREE}'",
    "dynamic:kernel=3/5": "kernel must be one size, or one for each of the 3 layers, not 2",
    "dynamic:kernel=3/5/7/9": "kernel must be one size, or one for each of the 3 layers, not 4",
    "deform:kernel=3/5+0010": "kernel must be one size, or one for each of the 3 layers, not 2",
    "0110,0110,light:kernel=3/5": "kernel must be one size, or one for each of the 3 layers, not 2",
    "0010+deform": BEFORE + "'0010'",
    "0010+0010": BEFORE + "'0010'",
    "conv+0010": BEFORE + "'conv'",
    "light:kernel=3+0010": BEFORE + "'light:kernel=3'",
    "deform+light": AFTER + "'light'",
    "deform+deform": AFTER + "'deform'",
    "deform+conv:kernel=5": AFTER + "'conv:kernel=5'",
    "0010:window=-1": "the attention window must be at least 0, not -1",
    "conv:window=-1": "the attention window must be at least 0, not -1",
    "deform+0010:window=-2": "the attention window must be at least 0, not -2",
    "0010:window=x": "window " + WHOLE + "'x'",
    "0010:window": "window " + WHOLE + "''",
    "conv:window=x": "window " + WHOLE + "'x'",
    "1111:distance=0": "the maximum relative distance must be at least 1, not 0",
    "shaw:distance=-1": "the maximum relative distance must be at least 1, not -1",
    "1111:distance=far": "distance " + WHOLE + "'far'",
    "0010:kernel=3": OF_ATTENTION + "'kernel=3'",
    "0010:dropout=0.1": OF_ATTENTION + "'dropout=0.1'",
    "0010:": OF_ATTENTION + "''",
    "0010:key-position=1": OF_ATTENTION + "'key-position=1'",
    "conv:distance=3": "the options of conv must be among kernel, window, not 'distance=3'",
    "deform:positions=shaw": "the options of deform must be among kernel, window, not 'positions=shaw'",
    "light:": "the options of light must be among kernel, window, not ''",
    "0001:positions=rotary": KINDS + "'rotary'",
    "0001:positions=": KINDS + "''",
    "0001:positions": KINDS + "''",
    "0001:positions=T5": KINDS + "'T5'",
    "0100:positions=alibi": "positions=alibi must be in a code without 0100, such as 1001, not in 0100",
    "1111:positions=t5": "positions=t5 must be in a code without 0100, such as 1001, not in 1111",
    "0101:positions=gaussian": ("positions=gaussian must be in a code without 0100, such as 1001, not in 0101"),
    "1000:positions=alibi": "positions=alibi must have a position term to stand in, such as 0001, not code 1000",
    "1010:positions=shaw": "positions=shaw must have a position term to stand in, such as 0001, not code 1010",
    "alibi:key-position": "the term of key content and position must have positions=sinusoid, not positions=alibi",
    "shaw:key-position": "the term of key content and position must have positions=sinusoid, not positions=shaw",
    "fixed:distance=3": "positions=fixed must have no maximum distance, not 3",
}


def assert_refused(text, message, site=ENCODER, layers=3, shape=SHAPE, flag="--encoder"):
    with pytest.raises(SpecError, match=f"^{re.escape(flag)}: {re.escape(message)}$"):
        layer_specs(text, site, layers, shape, flag)


@pytest.mark.parametrize("text", REFUSED)
def test_a_mistake_is_named_with_the_rule_and_the_value(text):
    assert_refused(text, REFUSED[text])


@pytest.mark.parametrize("text", ["111", "abcd", "", "0010:window=x", "deform+light"])
def test_a_mistake_of_the_notation_alone_is_named_without_a_place(text):
    with pytest.raises(SpecError, match=f"^{re.escape(REFUSED[text])}$"):
        parse_mixers(text)


@pytest.mark.parametrize("name", ["conv", "deform", "light", "dynamic"])
def test_convolutions_are_refused_in_cross_attention(name):
    assert_refused(name, f"{name} must be in self-attention, not in cross attention", CROSS)
    assert_refused(f"0110,{name},0110", f"{name} must be in self-attention, not in cross attention", CROSS)


def test_deformable_convolution_before_attention_is_refused_in_cross_attention():
    assert_refused("deform+0010", "deform must be in self-attention, not in cross attention", CROSS)


@pytest.mark.parametrize("name", ["alibi", "gaussian", "fixed", "synthesizer", "t5", "shaw"])
def test_patterns_are_refused_in_cross_attention(name):
    assert_refused(name, f"positions={name} must be in self-attention, not in cross attention", CROSS)


@pytest.mark.parametrize("name", ["uniform", "deberta"])
def test_what_needs_no_pattern_may_stand_in_cross_attention(name):
    assert one(name, CROSS).site is CROSS


def test_fixed_patterns_are_refused_in_the_decoder():
    message = "positions=fixed must be in the encoder, not in decoder self-attention: its patterns look ahead"
    assert_refused("fixed", message, DECODER)


@pytest.mark.parametrize("flag", ["--encoder", "preset base, decoder"])
def test_a_message_begins_with_the_option_it_is_about(flag):
    assert_refused("111", FOUR + "'111'", flag=flag)


@pytest.mark.parametrize(
    "text",
    [
        *("0" * 9000, "9" * 9000, ":", "::", "+", "++", "=", "/", ",,", "0010:=", "deform++0010"),
        *("conv:kernel=/", "conv:kernel=-", "0010:window=1e3", "0010:window=+1", "0010:window=1_0", "0010 :window=1"),
        *("0010: window=1", "0010:window =1", "none", "null", "\0", "0010\n0010"),
        *("1001:positions=alibi=t5", "0010:window=1=2", "\N{FULLWIDTH DIGIT ZERO}110", "011\N{SUPERSCRIPT TWO}"),
        "0010:window=" + "9" * 9000,
    ],
    ids=lambda text: ascii(text[:24]),
)
def test_no_text_fails_with_anything_but_a_specification_error(text):
    with pytest.raises(SpecError, match="^--encoder: "):
        layer_specs(text, ENCODER, 1, SHAPE, "--encoder")
