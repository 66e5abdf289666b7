"""The nmt-attn command."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

import nmt_attn
from nmt_attn.cli import main
from nmt_attn.corpora.controlled import parameters_of, write_corpus
from nmt_attn.notation import NAMES
from nmt_attn.presets import PRESETS

ROOT = Path(__file__).parent.parent


def test_user_dir_is_the_package(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["user-dir"]) == 0
    assert capsys.readouterr().out.strip() == nmt_attn.__path__[0]


def test_archs_lists_every_name_with_its_cost(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["archs", "--vocabulary", "1000"]) == 0
    lines = capsys.readouterr().out.splitlines()[2:]
    assert [line.split()[0] for line in lines] == list(PRESETS)
    assert lines[0].split()[1:3] == ["1111", "1111"]


def test_archs_measures_the_mixers_of_a_size(capsys: pytest.CaptureFixture[str]) -> None:
    lengths = ["--source", "3", "--target", "2", "--sentences", "1"]
    assert main(["archs", "--size", "tiny", "--measure", *lengths]) == 0
    *rows, note = capsys.readouterr().out.splitlines()[2:]
    assert [row.split()[0] for row in rows] == [name for name in PRESETS if name.startswith("nmt_attn_tiny")]
    assert all(float(row.split()[-1]) > 0 for row in rows)
    assert note.startswith("ms: forward and backward of all mixers, 1 sentences, ")


@pytest.mark.parametrize("flag", ["--source", "--sentences"])
@pytest.mark.parametrize("value", ["0", "-3", "x"])
def test_sizes_of_a_workload_are_whole_numbers_from_one_on(
    flag: str, value: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as exit_info:
        main(["archs", flag, value])
    assert exit_info.value.code == 2
    assert f"argument {flag}: must be a whole number of at least 1, not '{value}'" in capsys.readouterr().err


def test_describe_takes_other_mixers_in_the_place_of_those_of_the_name(capsys: pytest.CaptureFixture[str]) -> None:
    flags = [
        "--self-attn-mixer",
        "light",
        "--enc-self-attn-mixer",
        "deform:kernel=5+0010",
        "--cross-attn-mixer",
        "1010",
    ]
    assert main(["describe", "nmt_attn_base", *flags]) == 0
    text = capsys.readouterr().out
    assert "encoder self, layers 1 to 6: deform:kernel=5+0010\n" in text
    assert "decoder self, layer 1: light:kernel=3, " in text
    assert "cross, layers 1 to 6: 1010\n" in text


def test_mixers_lists_every_name_with_its_formula(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["mixers"]) == 0
    paragraphs = capsys.readouterr().out.split("\n\n")
    for name in NAMES:
        (paragraph,) = (text for text in paragraphs if text.startswith(f"{name}: "))
        assert paragraph.count("\n") >= 1


@pytest.mark.parametrize("name", ["nmt_attn_tiny_self0000", "nmt_attn_base_cross0110", "nmt_attn_big"])
def test_describe_tells_the_formula_of_each_site(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["describe", name]) == 0
    text = capsys.readouterr().out
    preset = PRESETS[name]
    layers = f"layers 1 to {preset.size.layers}"
    assert f"encoder self, {layers}: {preset.encoder_self}\n" in text
    assert f"decoder self, {layers}: {preset.decoder_self}, keys up to the query\n" in text
    assert f"cross, {layers}: {preset.cross}\n" in text
    codes = preset.encoder_self + preset.decoder_self + preset.cross
    assert text.count(" E1 ") == codes[::4].count("1")
    assert text.count(" E4 ") == codes[3::4].count("1")


@pytest.mark.parametrize(
    ("name", "lines"),
    [
        (
            "nmt_attn_tiny_deform_self0010",
            ["deform:kernel=3+0010", "W_p x(q + p + w_p . x_q)", "E3 key", "x + the conv"],
        ),
        ("nmt_attn_tiny_dynamic", ["layer 1: dynamic:kernel=3", "layer 2: dynamic:kernel=7", "taps -14 to 0"]),
        ("nmt_attn_tiny_deberta", ["1100:key-position", "E5 key content x relative position"]),
        ("nmt_attn_tiny_shaw", ["1100:positions=shaw", "a learned vector a distance"]),
        ("nmt_attn_tiny_fixed", ["1001:positions=fixed", "3 heads: the first 3 of seven fixed patterns"]),
    ],
)
def test_describe_tells_the_formula_of_other_mixers(
    name: str, lines: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["describe", name]) == 0
    text = capsys.readouterr().out
    for line in lines:
        assert line in text


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["describe", "nmt_attn_huge"],
            "no architecture is called 'nmt_attn_huge': nmt_attn_big may be meant; nmt-attn archs lists all 244 names",
        ),
        (["archs", "--measure"], "--measure must come with --size, one of tiny, small, base, big: all take minutes"),
        (["describe", "nmt_attn_tiny", "--cross-attn-mixer", "conv"], "nmt_attn_tiny: conv must be in self-attention"),
        (["hypotheses", "nowhere"], "nowhere must be a readable file: No such file or directory"),
        (["average", "nowhere.pt", "--output", "x.pt"], "the checkpoint must be a file, but nowhere.pt does not exist"),
        (["convert", "nowhere.pt", "x.pt"], "the checkpoint must be a file, but nowhere.pt does not exist"),
        (["table", "nowhere.json"], "a result must be a JSON file, but nowhere.json cannot be read"),
        *(
            (["corpus", name, "--out", "nowhere", *flags.split()], message)
            for name, flags, message in (
                (
                    "lexicon",
                    "--distance 2",
                    "distance must not be given for lexicon, which has vocabulary, length only.",
                ),
                (
                    "copy",
                    "--noise 0.2",
                    "noise must not be given for copy, which has vocabulary, length, distance only.",
                ),
                ("order", "--vocabulary 1", "vocabulary must be 2 to 500 with sentences of up to 8 words, got 1."),
                ("recall", "--length 2-8", "length must be two numbers from 4 to 64, the lower first, got 2-8."),
                ("noise", "--length 9-8", "length must be two numbers from 1 to 200, the lower first, got 9-8."),
                (
                    "copy",
                    "--distance 5 --length 5-9",
                    "distance must be 2 or more and less than the shortest sentence has words, 5, got 5.",
                ),
                ("order", "--seed -1", "seed must be a whole number from 0 on, got -1."),
                ("noise", "--noise nan", "noise must be 0 to 0.9, got nan."),
                ("copy", "--test 0", "test must be a whole number from 1 to 2000000, got 0."),
                *(
                    ("fragment", f"--{flag} 3", f"--{flag} must not be given for fragment: its sentences are those of")
                    for flag in ("vocabulary", "length", "distance", "noise")
                ),
            )
        ),
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


def test_environment_is_one_line_of_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["environment"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert list(told) == ["code_version", "python", "torch", "fairseq", "device", "threads"]
    assert told["torch"] == torch.__version__
    assert told["threads"] >= 1


def test_an_empty_corpus_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["corpus", "fragment", "--out", str(tmp_path), "--train", "-1"]) == 2
    assert "-1" in capsys.readouterr().err
    assert not list(tmp_path.glob("*.en"))


@pytest.mark.parametrize(
    ("name", "flags", "given"),
    [
        ("neighbour", "--vocabulary 8 --length 4-5 --distance 3",
         {"vocabulary": 8, "length": (4, 5), "distance": 3}),
        ("noise", "--noise 0.5 --length 7", {"noise": 0.5, "length": (7, 7)}),
        ("order", "", {}),
    ],
)  # fmt: skip
def test_corpus_writes_a_task_with_the_parameters_given(
    name: str, flags: str, given: dict[str, Any], tmp_path: Path
) -> None:
    sizes = {"train": 30, "valid": 10, "test": 20, "seed": 4}
    size_flags = [word for size, value in sizes.items() for word in (f"--{size}", str(value))]
    assert main(["corpus", name, "--out", str(tmp_path / "written"), *size_flags, *flags.split()]) == 0
    write_corpus(tmp_path / "expected", name, parameters_of(name, **given), **sizes)
    written, expected = (
        {path.name: path.read_bytes() for path in (tmp_path / folder).iterdir()} for folder in ("written", "expected")
    )
    assert written == expected


@pytest.mark.parametrize("value", ["", "5-", "-5", "0-4", "a-b", "3-4-5", "2.5", "3 - 4"])
def test_length_is_two_whole_numbers(value: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exit_info:
        main(["corpus", "copy", "--out", str(tmp_path / "new"), f"--length={value}"])
    assert exit_info.value.code == 2
    message = f"error: argument --length: must be two whole numbers, LOW-HIGH, not '{value}'\n"
    assert capsys.readouterr().err.endswith(message)
    assert not (tmp_path / "new").exists()


def test_a_corpus_of_more_sentences_than_there_are_is_refused_before_anything_is_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    flags = "--vocabulary 2 --length 3 --distance 2 --train 9 --valid 4 --test 4"
    assert main(["corpus", "copy", "--out", str(tmp_path / "new"), *flags.split()]) == 2
    assert capsys.readouterr().err == (
        "nmt-attn: error: vocabulary and length must allow 17 different sentences, but after 12 of copy 1000 in a row "
        "were not new.\n"
    )
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("arguments", [["archs"], ["study", "status", "recipes/studies/wmt14.yaml", "--out", "no"]])
def test_light_commands_do_not_import_torch(arguments: list[str]) -> None:
    code = f"import sys; from nmt_attn.cli import main; main({arguments}); assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.DEVNULL, cwd=ROOT)
