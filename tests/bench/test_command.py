"""nmt-attn bench: what it prints, writes, continues and refuses."""

import json
from pathlib import Path

import pytest
import torch

from nmt_attn.cli import main

SMALL = ["--dim", "16", "--heads", "2", "--tokens", "32", "--rounds", "2", "--codes", "1111,0010"]
MODELS = ["nmt_attn_tiny", "nmt_attn_tiny --self-attn-mixer 0010 --cross-attn-mixer 0010"]
FEW = ["--tokens", "200", "--vocabulary", "30", "--rounds", "2", "--archs", *MODELS]
SKIP = pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")


def test_modules_are_measured_at_each_length(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    line = ["bench", "module", *SMALL, "--lengths", "8,4", "--no-memory", "--device", "cpu", "--out", str(tmp_path)]
    threads = torch.get_num_threads()
    assert main(line) == 0
    printed = capsys.readouterr()
    assert "| time ratio | N = 4 | N = 8 |\n" in printed.out
    assert "length 8 (2 of 2): time of 6 modules\n" in printed.err
    record = json.loads((tmp_path / "module-encoder.json").read_text(encoding="utf-8"))
    assert (tmp_path / "module-encoder.md").read_text(encoding="utf-8") == printed.out
    assert (tmp_path / "module-encoder.svg").exists()
    assert (tmp_path / "module-encoder.png").exists()
    assert record["contenders"] == ["fairseq", "fairseq-relative", "torch", "x-transformers", "1111", "0010"]
    assert record["command"].startswith("nmt-attn bench module --dim 16 ")
    assert record["clock"] == "process CPU time"
    assert record["environment"]["torch"] == torch.__version__
    assert record["settings"]["tokens"] == 32
    for point in record["points"].values():
        assert point["tokens"] == [32, 32]
        assert all(len(times) == 2 and min(times) > 0 for times in point["seconds"].values())
        assert set(point["seconds"]) | set(point["left_out"]) == set(record["contenders"])
    assert torch.get_num_threads() == threads


def test_a_second_call_goes_on(tmp_path: Path) -> None:
    line = ["bench", "module", *SMALL, "--no-memory", "--against", "torch", "--out", str(tmp_path), "--name", "mine"]
    assert main([*line, "--lengths", "4"]) == 0
    path = tmp_path / "mine.json"
    before = json.loads(path.read_text(encoding="utf-8"))
    assert main([*line, "--lengths", "4,8"]) == 0
    after = json.loads(path.read_text(encoding="utf-8"))
    assert list(after["points"]) == ["4", "8"]
    assert after["points"]["4"] == before["points"]["4"]


def test_another_benchmark_is_not_written_over(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    line = ["bench", "module", *SMALL, "--no-memory", "--lengths", "4", "--out", str(tmp_path)]
    assert main(line) == 0
    path = tmp_path / "module-encoder.json"
    before = path.read_text(encoding="utf-8")
    capsys.readouterr()
    assert main([*line, "--padding", "none"]) == 2
    message = f"{path} holds another benchmark: padded was True, not False; choose another --out or --name"
    assert capsys.readouterr().err == f"nmt-attn: error: {message}\n"
    assert path.read_text(encoding="utf-8") == before


@pytest.mark.parametrize("flags", [["--site", "decoder"], ["--site", "cross"], ["--forward-only"], ["--threads", "2"]])
def test_other_settings_are_measured_too(flags: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "module", *SMALL, "--no-memory", "--lengths", "5", *flags]) == 0
    text = capsys.readouterr().out
    assert "| 0010 | " in text
    assert ("no c" in text) == ("--site" in flags)
    assert text.count("Wall-clock time") == flags.count("--threads")


@pytest.mark.parametrize(("benchmark", "place"), [("training", "updates"), ("decoding", "batches")])
def test_models_are_measured_beside_stock(
    benchmark: str, place: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["bench", benchmark, *FEW, "--out", str(tmp_path)]) == 0
    text = capsys.readouterr().out
    record = json.loads((tmp_path / f"{benchmark}.json").read_text(encoding="utf-8"))
    assert list(record["points"]) == [place]
    assert record["contenders"] == ["transformer", *MODELS]
    assert all(len(times) == 2 and min(times) > 0 for times in record["points"][place]["seconds"].values())
    assert len(record["points"][place]["tokens"]) == 2
    assert record["parameters"]["nmt_attn_tiny"] > record["parameters"]["transformer"] > 0
    for name in record["contenders"]:
        assert f"| {name} | {record['parameters'][name]:,} | " in text


def test_all_that_models_cost_is_measured_and_a_pattern_names_each_model_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    line = ["bench", "cost", *FEW[:-2], "nmt_attn_tiny_cross111?", "--device", "cpu", "--out", str(tmp_path)]
    assert main(line) == 0
    text = capsys.readouterr().out
    record = json.loads((tmp_path / "cost.json").read_text(encoding="utf-8"))
    names = ["transformer", "nmt_attn_tiny_cross1110", "nmt_attn_tiny"]
    assert record["contenders"] == names
    assert list(record["points"]) == ["updates", "batches"]
    assert all(set(point["seconds"]) == set(names) for point in record["points"].values())
    assert record["multiply_adds"]["nmt_attn_tiny"] > record["multiply_adds"]["transformer"] > 0
    assert min(record["points"]["updates"]["memory"].values()) > 16 * record["parameters"]["transformer"]
    assert text.count("\n| ") == 1 + len(names)
    assert main(line) == 0
    assert json.loads((tmp_path / "cost.json").read_text(encoding="utf-8"))["points"] == record["points"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["module", "--codes", "11111"], "--codes: a code must be four digits, each 0 or 1, such as 0110, not '11111'"),
        (
            ["module", "--codes", "1111@foo"],
            "a path must be one of matmul, blocked, fused, angle, pool, toeplitz, separable, not 'foo'",
        ),
        (["module", "--lengths", "32,8192"], "--lengths must be at most --tokens (4096), not 8192"),
        (
            ["module", "--against", "espnet"],
            "--against must be some of fairseq-relative, torch, x-transformers, not 'espnet'",
        ),
        (
            ["module", "--site", "cross", "--codes", "conv"],
            "--codes: conv must be in self-attention, not in cross attention",
        ),
        (["module", "--dim", "30", "--heads", "4"], "dim must be a multiple of heads (4), not 30"),
        (["training", "--archs", "big"], "no architecture is called 'big': nmt-attn archs lists all 244 names"),
        (
            ["cost", "--archs", "nmt_attn_huge*"],
            "--archs must be architectures or patterns of them, which nmt_attn_huge* is not: "
            "nmt-attn archs lists all 244 names",
        ),
        (
            ["training", "--archs", "nmt_attn_tiny", "nmt_attn_base"],
            "--archs must be of one size, which stock fairseq is given too, not of several",
        ),
        (
            ["decoding", "--archs", "nmt_attn_tiny --foo 3"],
            "nmt_attn_tiny --foo 3: unrecognized arguments: --foo 3",
        ),
        (
            ["decoding", "--archs", "nmt_attn_tiny --enc-self-attn-mixer 1111,0000"],
            "nmt_attn_tiny --enc-self-attn-mixer 1111,0000: --enc-self-attn-mixer: "
            "there must be one mixer, or one for each of the 3 layers, not 2",
        ),
        (
            ["training", "--archs", "nmt_attn_tiny 'x"],
            "nmt_attn_tiny 'x must be flags as in a shell: No closing quotation",
        ),
        (["training", "--data", "nowhere"], "--data must be the folder that fairseq-preprocess wrote, not nowhere"),
        (["training", "--data", "tests"], "--data must be the folder that fairseq-preprocess wrote, not tests"),
        (["training", "--tokens", "2"], "--tokens must be large enough for one sentence, not 2"),
    ],
)
def test_a_mistake_is_one_line_and_exit_code_2(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["bench", *arguments]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err == f"nmt-attn: error: {message}\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--lengths", "0"], "argument --lengths: must be a whole number of at least 1, not '0'"),
        (["--lengths", "3,,4"], "argument --lengths: must be values with a comma between them, not '3,,4'"),
        (["--rounds", "none"], "argument --rounds: must be a whole number of at least 1, not 'none'"),
    ],
)
def test_numbers_are_checked(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exit_info:
        main(["bench", "module", *arguments])
    assert exit_info.value.code == 2
    assert message in capsys.readouterr().err


@SKIP
@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--amp"], "--amp must have a GPU: fairseq's mixed precision is for CUDA only"),
        (["--device", "cuda"], "--device cuda must have a GPU, and torch sees none"),
    ],
)
def test_a_gpu_that_is_not_there_is_told(flags: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "module", *flags]) == 2
    assert capsys.readouterr().err == f"nmt-attn: error: {message}\n"


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "file"
    file.touch()
    assert main(["bench", "module", "--out", str(file / "folder")]) == 2
    message = f"--out must be a folder that can be written, not {file / 'folder'}: Not a directory"
    assert capsys.readouterr().err == f"nmt-attn: error: {message}\n"


def test_what_was_measured_before_an_interruption_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from nmt_attn.bench import memory

    def interrupt(*_: object) -> int:
        raise KeyboardInterrupt

    line = ["bench", "module", *SMALL, "--lengths", "4", "--against", "torch", "--out", str(tmp_path)]
    with monkeypatch.context() as patch:
        patch.setattr(memory, "module_growth", interrupt)
        assert main(line) == 130
    path = tmp_path / "module-encoder.json"
    assert f"interrupted: the same command goes on from {path}\n" in capsys.readouterr().err
    kept = json.loads(path.read_text(encoding="utf-8"))["points"]["4"]
    assert len(kept["seconds"]["fairseq"]) == 2
    with monkeypatch.context() as patch:
        patch.setattr(memory, "module_growth", lambda *_: 1_000_000)
        assert main(line) == 0
    after = json.loads(path.read_text(encoding="utf-8"))["points"]["4"]
    assert after["seconds"] == kept["seconds"]
    assert after["memory"] == dict.fromkeys(kept["seconds"], 1_000_000)
