"""A training is decided by its seed: run twice, interrupted and resumed, or shared by two processes."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import torch
from torch import Tensor

import nmt_attn
from nmt_attn.corpora.fragment import write_corpus
from nmt_attn.models import checkpoints
from tests.models import toy

ROOT = Path(__file__).parents[2]
PROGRAMS = Path(sys.executable).parent
UPDATES, CUT = 8, 3  # an epoch has five updates of two batches

# fairseq-train that writes down the sentences of each batch, and ends as by kill -9 before the update KILL_BEFORE.
TRAIN = """
import json, os, signal, sys
from fairseq.tasks.fairseq_task import FairseqTask
from fairseq_cli.train import cli_main

step = FairseqTask.train_step

def recorded(self, sample, model, criterion, optimizer, update_num, ignore_grad=False):
    if str(update_num) == os.environ["KILL_BEFORE"]:
        os.kill(os.getpid(), signal.SIGKILL)
    with open(os.environ["BATCHES"], "a") as file:
        print(json.dumps([update_num, sample["id"].tolist()]), file=file)
    return step(self, sample, model, criterion, optimizer, update_num, ignore_grad)

FairseqTask.train_step = recorded
cli_main()
"""
MODEL = ("--arch", "nmt_attn_tiny", "--share-all-embeddings", *toy.SMALL, *toy.SMALL_HEADS)
FEW_MIXERS = (*MODEL, "--enc-self-attn-mixer", "deform+0010,t5", "--dec-self-attn-mixer", "dynamic,1111:window=3")
EVERY_MIXER = (*MODEL, *toy.EVERY_MIXER)
DROPOUT = ("--dropout", "0.1", "--attention-dropout", "0.1", "--activation-dropout", "0.1")
LIMITS = ("--max-tokens", "80", "--update-freq", "2", "--disable-validation", "--log-format", "none")
ADAM = ("--optimizer", "adam", "--adam-betas", "(0.9, 0.98)", "--lr", "0.001", "--clip-norm", "1.0")
ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": "", "KILL_BEFORE": ""}
ENVIRONMENT["PATH"] = os.pathsep.join([str(PROGRAMS), os.environ["PATH"]])


class End(NamedTuple):
    """What a training ends with."""

    parameters: dict[str, Tensor]
    optimizer: dict[str, Any]
    iterator: dict[str, Any]
    batches: list[Any]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    write_corpus(folder, train=60, valid=8, test=8, seed=1)
    prefixes = [word for name in ("train", "valid") for word in (f"--{name}pref", folder / name)]
    languages = ("--source-lang", "en", "--target-lang", "de", "--joined-dictionary")
    command = [PROGRAMS / "fairseq-preprocess", *languages, *prefixes, "--destdir", folder / "bin"]
    subprocess.run(command, check=True, capture_output=True)
    return folder / "bin"


def _train(data: Path, run: Path, *flags: object, updates: int = UPDATES, kill_before: str = "") -> None:
    words = [data, "--user-dir", nmt_attn.__path__[0], *FEW_MIXERS, *DROPOUT, *LIMITS, *ADAM, "--seed", 1]
    words += ["--save-dir", run, "--max-update", updates, *flags]
    run.mkdir(exist_ok=True)
    environment = {**ENVIRONMENT, "BATCHES": str(run / "batches"), "KILL_BEFORE": kill_before}
    done = subprocess.run(
        [sys.executable, "-c", TRAIN, *map(str, words)], env=environment, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == (-signal.SIGKILL if kill_before else 0), done.stderr[-2000:]


def _end(run: Path) -> End:
    state = checkpoints.load(run / "checkpoint_last.pt")
    lines = (run / "batches").read_text(encoding="utf-8").splitlines()
    iterator = state["extra_state"]["train_iterator"]
    return End(state["model"], state["last_optimizer_state"], iterator, [json.loads(line) for line in lines])


def _differences(one: Any, other: Any, path: str = "") -> list[str]:
    """Where two nests of dictionaries, lists, tensors and numbers are not the same bits."""
    if isinstance(one, Tensor):
        same = isinstance(other, Tensor) and one.dtype == other.dtype and torch.equal(one, other)
        return [] if same else [path]
    if isinstance(one, dict):
        if not isinstance(other, dict) or one.keys() != other.keys():
            return [path]
        return [line for key, value in one.items() for line in _differences(value, other[key], f"{path}/{key}")]
    if isinstance(one, list):
        if not isinstance(other, list) or len(one) != len(other):
            return [path]
        return [line for i, value in enumerate(one) for line in _differences(value, other[i], f"{path}/{i}")]
    return [] if one == other else [path]


def _assert_same(run: Path, wanted: Path) -> None:
    one, other = _end(run), _end(wanted)
    for field in End._fields:
        assert not _differences(getattr(one, field), getattr(other, field), field)


@pytest.fixture(scope="module")
def uninterrupted(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    run = tmp_path_factory.mktemp("uninterrupted")
    _train(data, run, "--no-epoch-checkpoints")
    return run


def test_the_uninterrupted_run_passes_an_epoch_and_learns(uninterrupted: Path) -> None:
    end = _end(uninterrupted)
    assert len(end.batches) == 2 * UPDATES
    assert end.iterator["epoch"] == 2
    moments = end.optimizer["state"]
    assert len(moments) >= 1
    assert all(moment["exp_avg"].abs().sum() > 0 for moment in moments.values())


def test_the_same_seed_gives_the_same_parameters(data: Path, uninterrupted: Path, tmp_path: Path) -> None:
    _train(data, tmp_path, "--no-epoch-checkpoints")
    _assert_same(tmp_path, uninterrupted)


@pytest.mark.slow
def test_another_seed_gives_others(data: Path, uninterrupted: Path, tmp_path: Path) -> None:
    _train(data, tmp_path, "--no-epoch-checkpoints", "--seed", 2)
    one, other = _end(tmp_path), _end(uninterrupted)
    assert _differences(one.parameters, other.parameters)
    assert one.batches != other.batches


def test_the_same_seed_gives_the_same_parameters_with_the_fast_engine(data: Path, tmp_path: Path) -> None:
    for run in (tmp_path / "one", tmp_path / "other"):
        _train(data, run, "--no-epoch-checkpoints", "--engine", "fast")
    _assert_same(tmp_path / "one", tmp_path / "other")


def test_activation_checkpointing_changes_no_gradient() -> None:
    """With dropout: what is computed again drops the same weights."""
    gradients = []
    for flags in ((), ("--checkpoint-activations",)):
        model = toy.build("nmt_attn_tiny", *toy.EVERY_MIXER, *DROPOUT, *flags).train()
        sample = toy.batch(toy.sentences(4, 9), toy.sentences(4, 9))
        torch.manual_seed(5)
        model(**sample["net_input"])[0].square().sum().backward()
        gradients.append({name: value.grad for name, value in model.named_parameters()})
    assert not _differences(*gradients)


@pytest.mark.parametrize(("cut", "place"), [(CUT, (1, 6)), (7, (2, 2))])
def test_a_run_that_stops_in_mid_epoch_goes_on_as_if_it_had_not(
    cut: int, place: tuple[int, int], data: Path, uninterrupted: Path, tmp_path: Path
) -> None:
    _train(data, tmp_path, "--no-epoch-checkpoints", updates=cut)
    iterator = _end(tmp_path).iterator
    assert (iterator["epoch"], iterator["iterations_in_epoch"]) == place
    _train(data, tmp_path, "--no-epoch-checkpoints")
    _assert_same(tmp_path, uninterrupted)


@pytest.mark.slow
@pytest.mark.parametrize("workers", [0, 1, 3])
@pytest.mark.parametrize("engine", ["plain", "fast"])
def test_so_does_one_whose_batches_other_processes_make(data: Path, engine: str, workers: int, tmp_path: Path) -> None:
    flags = ("--no-epoch-checkpoints", "--engine", engine, "--num-workers", workers, *EVERY_MIXER)
    for cut in (1, CUT, 5, 6):  # five updates are an epoch
        _train(data, tmp_path / f"cut {cut}", *flags, updates=cut)
        _train(data, tmp_path / f"cut {cut}", *flags)
    _train(data, tmp_path / "whole", *flags)
    for cut in (1, CUT, 5, 6):
        _assert_same(tmp_path / f"cut {cut}", tmp_path / "whole")


@pytest.mark.slow
@pytest.mark.parametrize("workers", [0, 1, 3])
@pytest.mark.parametrize("kill_before", [3, 5, 7])
def test_a_killed_run_goes_on_from_its_last_checkpoint(
    data: Path, workers: int, kill_before: int, tmp_path: Path
) -> None:
    flags = ("--save-interval-updates", 2, "--num-workers", workers)
    whole, run = tmp_path / "whole", tmp_path / "run"
    _train(data, whole, *flags)
    _train(data, run, *flags, kill_before=str(kill_before))
    last = kill_before - kill_before % 2
    kept = [line for line in (run / "batches").read_text().splitlines() if json.loads(line)[0] < last]
    (run / "batches").write_text("".join(f"{line}\n" for line in kept))  # the others are made again
    _train(data, run, *flags)
    _assert_same(run, whole)


# Two processes


def _launch(data: Path, run: Path, processes: int, updates: int, *flags: str) -> dict[str, Tensor]:
    """Parameters of a training in so many processes that see the same batches in an update."""
    words = [
        str(data),
        "--user-dir",
        nmt_attn.__path__[0],
        *MODEL,
        "--dropout",
        "0",
        "--seed",
        "1",
        "--max-tokens",
        "80",
    ]
    words += ["--disable-validation", "--log-format", "none", "--no-epoch-checkpoints", "--save-dir", str(run)]
    words += ["--max-update", str(updates), "--update-freq", str(2 // processes), *flags]
    script = 'set -euo pipefail; source recipes/launch.sh; launch_training "$@"'
    environment = {**ENVIRONMENT, "PROCESSES": str(processes)}
    command = ["bash", "-c", script, "bash", *words]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-2000:]
    assert f"training on {processes} devices" in done.stdout + done.stderr
    return checkpoints.load(run / "checkpoint_last.pt")["model"]


def _furthest(one: dict[str, Tensor], other: dict[str, Tensor]) -> float:
    assert one.keys() == other.keys()
    floats = [name for name, value in one.items() if value.is_floating_point()]
    return max((one[name] - other[name]).abs().max().item() for name in floats if one[name].numel())


SGD = ("--optimizer", "sgd", "--lr", "0.1")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("updates", "optimizer", "most"),
    [(1, SGD, 1e-6), (4, SGD, 1e-6), (4, ADAM, 1e-6)],
    ids=["1 sgd", "4 sgd", "4 adam"],
)
@pytest.mark.parametrize("engine", ["plain", "fast"])
def test_two_processes_train_as_one_with_both_batches(
    data: Path, engine: str, updates: int, optimizer: tuple[str, ...], most: float, tmp_path: Path
) -> None:
    one, two = (
        _launch(data, tmp_path / str(count), count, updates, *optimizer, "--engine", engine) for count in (1, 2)
    )
    start = _launch(data, tmp_path / "start", 1, 1, "--optimizer", "sgd", "--lr", "0")
    assert _furthest(one, start) > 1000 * most
    assert _furthest(one, two) <= most
