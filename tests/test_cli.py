"""The nmt-attn command."""

import subprocess
import sys
from pathlib import Path

import pytest

import nmt_attn
from nmt_attn.cli import main
from nmt_attn.presets import PRESETS


def test_user_dir_is_the_package(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["user-dir"]) == 0
    assert capsys.readouterr().out.strip() == nmt_attn.__path__[0]


def test_archs_lists_every_name_with_its_cost(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["archs", "--vocabulary", "1000"]) == 0
    lines = capsys.readouterr().out.splitlines()[2:]
    assert [line.split()[0] for line in lines] == list(PRESETS)
    assert lines[0].split()[1:3] == ["1111", "1111"]


@pytest.mark.parametrize("name", ["nmt_attn_tiny_self0000", "nmt_attn_base_cross0110", "nmt_attn_big"])
def test_describe_tells_the_formula_of_each_site(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["describe", name]) == 0
    text = capsys.readouterr().out
    assert f"encoder self attention, code {PRESETS[name].self_terms}" in text
    assert f"cross attention, code {PRESETS[name].cross_terms}" in text
    codes = 2 * PRESETS[name].self_terms + PRESETS[name].cross_terms
    assert text.count(" E1 ") == codes[::4].count("1")
    assert text.count(" E4 ") == codes[3::4].count("1")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["describe", "nmt_attn_huge"],
            "no architecture is called 'nmt_attn_huge': nmt-attn archs lists all 132 names",
        ),
        (["hypotheses", "nowhere"], "nowhere must be a readable file: No such file or directory"),
        (["average", "nowhere.pt", "--output", "x.pt"], "the checkpoint must be a file, but nowhere.pt does not exist"),
        (["convert", "nowhere.pt", "x.pt"], "the checkpoint must be a file, but nowhere.pt does not exist"),
        (["table", "nowhere.json"], "a result must be a JSON file, but nowhere.json cannot be read"),
    ],
)
def test_a_mistake_is_one_line_and_exit_code_2(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith(f"nmt-attn: error: {message}")
    assert captured.err.count("\n") == 1


def test_an_empty_corpus_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["corpus", "fragment", "--out", str(tmp_path), "--train", "-1"]) == 2
    assert "-1" in capsys.readouterr().err
    assert not list(tmp_path.glob("*.en"))


def test_light_commands_do_not_import_torch() -> None:
    code = "import sys; from nmt_attn.cli import main; main(['archs']); assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.DEVNULL)
