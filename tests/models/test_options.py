"""Command-line options: what they set, and what is refused in one line with exit code 2."""

import pytest

from nmt_attn.attention import GeneralizedAttention
from nmt_attn.presets import PRESETS
from nmt_attn.spec import ALL_CODES
from tests.models import toy


def _codes(model: object, site: str) -> list[str]:
    names = [name for name, module in model.named_modules() if isinstance(module, GeneralizedAttention)]  # type: ignore[attr-defined]
    return [model.get_submodule(name).spec.terms.code for name in names if site in name]  # type: ignore[attr-defined]


def test_the_table_has_each_size_with_each_self_code_and_each_cross_code() -> None:
    sizes = ("tiny", "small", "base", "big")
    names = {f"nmt_attn_{size}" for size in sizes}
    names |= {f"nmt_attn_{size}_{kind}{code}" for size in sizes for kind in ("self", "cross") for code in ALL_CODES}
    assert set(PRESETS) == names


def test_flags_override_the_codes_of_the_name() -> None:
    model = toy.build("nmt_attn_tiny_self0111", "--self-attn-terms", "1010", "--dec-self-attn-terms", "0110")
    assert _codes(model, "encoder.layers") == ["1010", "1010"]
    assert _codes(model, "decoder.layers.0.self_attn") == ["0110"]
    assert _codes(model, "encoder_attn") == ["1111", "1111"]


def test_one_code_a_layer() -> None:
    model = toy.build("nmt_attn_tiny", "--enc-self-attn-terms", "1000,0001", "--cross-attn-terms", "1010,1100")
    assert _codes(model, "encoder.layers") == ["1000", "0001"]
    assert _codes(model, "encoder_attn") == ["1010", "1100"]


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
    expected = f"argument --self-attn-terms: a code must be four digits, each 0 or 1, such as 0110, not '{bad}'"
    assert capsys.readouterr().err.strip().endswith(expected)


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (
            ["--self-attn-terms", "1111,0111,0011"],
            "--enc-self-attn-terms must have one code, or one for each of the 2 layers, not 3",
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
