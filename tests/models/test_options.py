"""Command-line options: what they set, and what is refused in one line with exit code 2."""

import pytest

from nmt_attn.attention import GeneralizedAttention
from nmt_attn.presets import PRESETS
from nmt_attn.spec import ALL_CODES
from tests.models import toy


def _codes(model: object, site: str) -> list[str]:
    names = [name for name, module in model.named_modules() if isinstance(module, GeneralizedAttention)]  # type: ignore[attr-defined]
    return [model.get_submodule(name).spec.terms.code for name in names if site in name]  # type: ignore[attr-defined]


def test_the_table_has_each_size_with_each_code_convolution_combination_and_related_model() -> None:
    kinds = ["", *(f"_{kind}{code}" for kind in ("self", "cross", "deform_self") for code in ALL_CODES)]
    kinds += ["_deform", "_conv", "_light", "_dynamic", "_average", "_gaussian", "_fixed", "_synthesizer"]
    kinds += ["_shaw", "_t5", "_alibi", "_deberta"]
    assert set(PRESETS) == {f"nmt_attn_{size}{kind}" for size in ("tiny", "small", "base", "big") for kind in kinds}


def test_flags_override_the_codes_of_the_name() -> None:
    model = toy.build("nmt_attn_tiny_self0111", "--self-attn-terms", "1010", "--dec-self-attn-terms", "0110")
    assert _codes(model, "encoder.layers") == ["1010", "1010"]
    assert _codes(model, "decoder.layers.0.self_attn") == ["0110"]
    assert _codes(model, "encoder_attn") == ["1111", "1111"]


def test_one_code_a_layer() -> None:
    model = toy.build("nmt_attn_tiny", "--enc-self-attn-terms", "1000,0001", "--cross-attn-terms", "1010,1100")
    assert _codes(model, "encoder.layers") == ["1000", "0001"]
    assert _codes(model, "encoder_attn") == ["1010", "1100"]


def test_one_mixer_a_layer() -> None:
    model = toy.build("nmt_attn_tiny", "--enc-self-attn-mixer", "deform:kernel=5+0010,gaussian")
    texts = [layer.self_attn.spec.text for layer in model.encoder.layers]
    assert texts == ["deform:kernel=5+0010", "0001:positions=gaussian"]
    assert _codes(model, "decoder.layers.0.self_attn") == ["1111"]


def test_terms_and_mixer_are_two_names_of_one_flag() -> None:
    for name in ("mixer", "terms"):
        model = toy.build("nmt_attn_tiny", f"--self-attn-{name}", "light", f"--cross-attn-{name}", "1010")
        assert model.encoder.layers[1].self_attn.spec.text == "light:kernel=7"
        assert model.decoder.layers[0].self_attn.spec.text == "light:kernel=3"
        assert _codes(model, "encoder_attn") == ["1010", "1010"]


def test_a_window_of_a_mixer_comes_before_that_of_the_model() -> None:
    model = toy.build("nmt_attn_tiny", "--enc-self-attn-mixer", "1111:window=2,conv:kernel=9", "--attn-window", "3")
    assert [layer.self_attn.spec.window for layer in model.encoder.layers] == [2, 3]
    assert model.encoder.layers[1].self_attn.spec.taps == (-3, -2, -1, 0, 1, 2, 3)


def test_window_and_distance_reach_the_right_sites() -> None:
    model = toy.build("nmt_attn_tiny", "--attn-window", "4", "--max-relative-distance", "9")
    for name, module in model.named_modules():
        if isinstance(module, GeneralizedAttention):
            assert module.spec.window == (None if "encoder_attn" in name else 4)
            assert module.spec.max_distance == 9


@pytest.mark.parametrize(("kind", "exists"), [("none", False), ("sinusoidal", True), ("learned", True)])
def test_absolute_positions(kind: str, exists: bool) -> None:
    model = toy.build("nmt_attn_tiny", "--absolute-positions", kind)
    for side in (model.encoder, model.decoder):
        assert (side.embed_positions is not None) == exists
        assert any(True for _ in side.embed_positions.parameters()) == (kind == "learned") if exists else True


@pytest.mark.parametrize("code", ["111", "11111", "1112", "abcd", "", "1111,011"])
def test_a_wrong_code_is_refused_by_the_parser(code: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exit_info:
        toy.parse("nmt_attn_tiny", "--self-attn-terms", code)
    assert exit_info.value.code == 2
    bad = code.split(",")[-1]
    error = capsys.readouterr().err.strip().splitlines()[-1]
    assert "argument --self-attn-mixer/--self-attn-terms: a " in error
    assert "must be" in error
    assert "four digits, each 0 or 1" in error
    assert error.endswith(f"not '{bad}'")


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (
            ["--self-attn-terms", "1111,0111,0011"],
            "--enc-self-attn-mixer: there must be one mixer, or one for each of the 2 layers, not 3",
        ),
        (
            ["--dec-self-attn-mixer", "dynamic:kernel=3/5/7"],
            "--dec-self-attn-mixer: kernel must be one size, or one for each of the 2 layers, not 3",
        ),
        (
            ["--enc-self-attn-mixer", "light:kernel=4"],
            "--enc-self-attn-mixer: the kernel of light must be odd and at least 1, not 4",
        ),
        (
            ["--cross-attn-mixer", "deform"],
            "--cross-attn-mixer: deform must be in self-attention, not in cross attention",
        ),
        (
            ["--cross-attn-mixer", "alibi"],
            "--cross-attn-mixer: positions=alibi must be in self-attention, not in cross attention",
        ),
        (
            ["--self-attn-mixer", "fixed"],
            "--dec-self-attn-mixer: positions=fixed must be in the encoder, not in decoder self-attention: "
            "its patterns look ahead",
        ),
        (["--encoder-attention-heads", "5"], "dim must be a multiple of heads (5), not 16"),
        (["--attn-window", "-1"], "the attention window must be at least 0, not -1"),
        (["--max-relative-distance", "0"], "the maximum relative distance must be at least 1, not 0"),
        (["--attention-dropout", "1.5"], "attention dropout must be at least 0 and below 1, not 1.5"),
        (["--cross-self-attention"], "--cross-self-attention must be left out: nmt_attn's layers do not have it"),
        (["--no-cross-attention"], "--no-cross-attention must be left out: nmt_attn's layers do not have it"),
        (["--quant-noise-pq", "0.1"], "--quant-noise-pq must be left out: nmt_attn's layers do not have it"),
        (
            ["--encoder-learned-pos"],
            "--encoder-learned-pos must be left out: use --absolute-positions {none,sinusoidal,learned}",
        ),
    ],
)
def test_what_does_not_fit_together_is_one_line(
    flags: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as exit_info:
        toy.build("nmt_attn_tiny", *flags)
    assert exit_info.value.code == 2
    assert capsys.readouterr().err.splitlines()[-1] == f"nmt_attn: error: {message}"


def test_left_padded_targets_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    from fairseq.dataclass.utils import convert_namespace_to_omegaconf

    cfg = convert_namespace_to_omegaconf(toy.parse("nmt_attn_tiny"))
    with pytest.raises(SystemExit):
        toy.task(left_pad_target=True).build_model(cfg.model)
    assert "--left-pad-target must be False: target positions count from the first column" in capsys.readouterr().err


def test_blind_cross_attention_is_warned_about(caplog: pytest.LogCaptureFixture) -> None:
    toy.build("nmt_attn_tiny_cross0000")
    assert "cross attention with code 0000 cannot see which source word to translate" in caplog.text
