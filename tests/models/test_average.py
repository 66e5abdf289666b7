"""Averages of checkpoints: the mean of one run's parameters, or one line that says why not, and nothing written."""

import argparse
import copy
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch
from fairseq import checkpoint_utils

from nmt_attn.cli import main
from nmt_attn.models import average, checkpoints
from nmt_attn.spec import SpecError
from tests.models import toy

TINY = (*toy.SMALL, *toy.SMALL_HEADS)
SHARED = "decoder.output_projection.weight"


@cache
def _built(arch: str, flags: tuple[str, ...]) -> tuple[argparse.Namespace, Any]:
    return toy.parse(arch, *TINY, *flags), toy.build(arch, *flags)


def _saved(
    folder: Path, updates: int, arch: str = "nmt_attn_tiny", *flags: str, dtype: torch.dtype = torch.float32
) -> Path:
    """A checkpoint of a run after some updates, with random parameters that depend on their number."""
    options, model = _built(arch, flags)
    torch.manual_seed(updates)
    for parameter in model.parameters():
        parameter.data.normal_()
    path = toy.checkpoint(options, copy.deepcopy(model).to(dtype), folder / f"{arch}_{updates}.pt")
    return _changed(path, lambda state: state.update(optimizer_history=[{**toy.HISTORY, "num_updates": updates}]))


def _changed(path: Path, change: Any) -> Path:
    state = checkpoints.load(path)
    change(state)
    torch.save(state, path)
    return path


def _model(path: Path) -> dict[str, torch.Tensor]:
    model: dict[str, torch.Tensor] = checkpoints.load(path)["model"]
    return model


def _average(*paths: Path) -> Path:
    output = paths[0].with_name("mean.pt")
    assert main(["average", *map(str, paths), "--output", str(output)]) == 0
    return output


def _refused(capsys: pytest.CaptureFixture[str], paths: list[Path], *messages: str, output: Path | None = None) -> None:
    capsys.readouterr()  # fairseq's warnings at the building of models
    output = output or paths[0].with_name("mean.pt")
    before = {path: path.read_bytes() for path in paths[0].parent.iterdir()}
    assert main(["average", *map(str, paths), "--output", str(output)]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith("nmt-attn: error: ")
    assert printed.err.count("\n") == 1
    for message in messages:
        assert message in printed.err
    assert {path: path.read_bytes() for path in paths[0].parent.iterdir()} == before


@pytest.mark.parametrize("arch", ["nmt_attn_tiny", "nmt_attn_tiny_deberta", "transformer"])
def test_an_average_is_the_mean_in_double_precision(arch: str, tmp_path: Path) -> None:
    paths = [_saved(tmp_path, updates, arch) for updates in (5, 7, 9)]
    states = [_model(path) for path in paths]
    mean = checkpoints.load(_average(*paths))
    assert mean["model"].keys() == states[0].keys()
    for name, value in mean["model"].items():
        if value.is_floating_point():
            expected = torch.stack([state[name].double() for state in states]).mean(0)
            assert value.dtype == torch.float32
            torch.testing.assert_close(value, expected.float(), rtol=1.3e-7, atol=0)
    assert mean["optimizer_history"][-1]["num_updates"] == 9
    assert [path.name for path in tmp_path.glob("*.part")] == []


def test_shared_embeddings_stay_shared_and_fairseq_loads_the_average(tmp_path: Path) -> None:
    path = _average(*(_saved(tmp_path, updates) for updates in (1, 2)))
    model = _model(path)
    names = ["encoder.embed_tokens.weight", "decoder.embed_tokens.weight", SHARED]
    assert len({model[name].data_ptr() for name in names}) == 1
    count = sum(parameter.numel() for parameter in toy.build("nmt_attn_tiny").parameters())
    assert checkpoints.parameter_count(checkpoints.load(path)) == count
    (loaded,), _ = checkpoint_utils.load_model_ensemble([str(path)], task=toy.task())
    for name, value in loaded.state_dict().items():
        assert torch.equal(value, model[name]), name


def test_half_precision_is_averaged_in_double_precision(tmp_path: Path) -> None:
    """The sum of 60000 and 60000 is infinite in half precision, that of 2048, 1 and 1 is 2048."""
    paths = [_saved(tmp_path, updates, dtype=torch.float16) for updates in (1, 2, 3)]
    values = [(60000.0, 2048.0), (60000.0, 1.0), (60000.0, 1.0)]
    for path, pair in zip(paths, values, strict=True):
        _changed(path, lambda state, pair=pair: state["model"][SHARED][0, :2].copy_(torch.tensor(pair)))
    mean = _model(_average(*paths))[SHARED]
    assert mean.dtype == torch.float16
    assert mean[0, :2].tolist() == [60000.0, torch.tensor(2050 / 3).half().item()]


@pytest.mark.parametrize(
    ("archs", "codes"),
    [
        (("nmt_attn_tiny", "nmt_attn_tiny_self0111"), ("1111", "0111")),  # the same names and shapes
        (("nmt_attn_tiny_self0010", "nmt_attn_tiny_light"), ("0010", "light:kernel=3")),
    ],
)
def test_other_codes_are_refused_in_words(
    archs: tuple[str, str], codes: tuple[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    paths = [_saved(tmp_path, updates, arch) for updates, arch in enumerate(archs)]
    _refused(
        capsys,
        paths,
        "all checkpoints must be of one run, but what encoder.layers.0.self_attn computes is "
        f"{codes[0]} in {paths[0]} and {codes[1]} in {paths[1]}",
    )


def test_another_window_is_refused_in_words(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    paths = [_saved(tmp_path, 1), _saved(tmp_path, 2, "nmt_attn_tiny", "--attn-window", "3")]
    _refused(capsys, paths, f"computes is 1111 in {paths[0]} and 1111:window=3 in {paths[1]}")


def test_other_runs_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first = _saved(tmp_path, 1)
    other = _saved(tmp_path, 2, "nmt_attn_tiny", "--seed", "5")
    _refused(capsys, [first, other], f"of one run, but the seed is 1 in {first} and 5 in {other}")
    other = _saved(tmp_path, 2, "nmt_attn_small")
    _refused(capsys, [first, other], f"the architecture is nmt_attn_tiny in {first} and nmt_attn_small in {other}")
    other = _saved(tmp_path, 2, "nmt_attn_tiny", "--encoder-ffn-embed-dim", "1")
    _refused(capsys, [first, other], f"of encoder.layers.0.fc1.weight is [24, 16] in {first} and [1, 16] in {other}")
    _refused(capsys, [other, first], "of encoder.layers.0.fc1.weight is [1, 16] in ")
    other = _saved(tmp_path, 2, "nmt_attn_tiny", "--encoder-layers", "3")
    _refused(capsys, [first, other], f"encoder.layers.2.fc1.bias is not said in both {first} and {other}")


def test_embeddings_that_are_shared_in_one_only_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    paths = [_saved(tmp_path, updates) for updates in (1, 2)]
    _changed(paths[0], lambda state: state["model"].update({SHARED: state["model"][SHARED].clone()}))
    _refused(
        capsys, paths, f"the matrix of {SHARED} is that of {SHARED} in ", "and that of encoder.embed_tokens.weight in "
    )


@pytest.mark.parametrize("value", ["nan", "inf", "-inf"])
def test_a_parameter_that_is_not_finite_is_named(
    value: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    paths = [_saved(tmp_path, updates) for updates in (1, 2)]
    _changed(paths[1], lambda state: state["model"]["decoder.layers.1.fc2.bias"][3:4].fill_(float(value)))
    _refused(
        capsys, paths, f"must be finite to be averaged, but decoder.layers.1.fc2.bias in {paths[1]} is not: leave this"
    )


def test_a_checkpoint_counts_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    paths = [_saved(tmp_path, updates) for updates in (1, 2)]
    _refused(capsys, [*paths, paths[0]], f"must be different, but {paths[0]} is given twice: give each once")
    (tmp_path / "best.pt").symlink_to(paths[1])
    _refused(capsys, [*paths, tmp_path / "best.pt"], f"must be different, but {paths[1]} is given twice")
    (tmp_path / "last.pt").write_bytes(paths[1].read_bytes())
    _refused(capsys, [*paths, tmp_path / "last.pt"], f"but {paths[1]} and {tmp_path / 'last.pt'} both stand after 2 up")


def _cut(content: bytes) -> bytes:
    return content[: len(content) // 2]


def _zeros_inside(content: bytes) -> bytes:
    """As a machine that lost its power leaves a file: torch alone would read zeros."""
    middle = len(content) // 2
    return content[:middle] + bytes(4096) + content[middle + 4096 :]


@pytest.mark.parametrize(
    "damage",
    [lambda _: b"", lambda content: bytes(len(content)), _cut, _zeros_inside, lambda _: b"not a checkpoint\n"],
    ids=["empty", "zeros", "cut", "zeros-inside", "text"],
)
def test_a_damaged_checkpoint_is_named(damage: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    paths = [_saved(tmp_path, updates) for updates in (1, 2, 3)]
    paths[1].write_bytes(damage(paths[1].read_bytes()))
    _refused(capsys, paths, f"the checkpoint must be whole, but {paths[1]} is damaged: ")


def test_a_missing_checkpoint_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    paths = [_saved(tmp_path, 1), tmp_path / "nowhere.pt"]
    _refused(capsys, paths, f"the checkpoint must be a file, but {paths[1]} does not exist")


def test_an_average_goes_to_a_file_of_its_own(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    paths = [_saved(tmp_path, updates) for updates in (1, 2)]
    _refused(capsys, paths, f"to a file of its own, not to {paths[1]}: that is averaged", output=paths[1])


def test_an_average_that_cannot_be_written_whole_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    paths = [_saved(tmp_path, updates) for updates in (1, 2)]

    def fails(state: object, stream: Any) -> None:
        stream.write(b"PK")
        raise OSError("No space left on device")

    monkeypatch.setattr(torch, "save", fails)
    with pytest.raises(SpecError, match=r"mean.pt must be written whole, but cannot be \(No space left on device\)"):
        average.average(paths, tmp_path / "mean.pt")
    assert not (tmp_path / "mean.pt").exists()
