"""What is put round fairseq's training: signals passed on to its processes, and the errors that are made one line."""

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from nmt_attn.models import refusal, sealed, training
from nmt_attn.spec import SpecError

CFG = SimpleNamespace(optimization=SimpleNamespace(max_update=10), checkpoint=SimpleNamespace(save_dir=""))


def _raises(error: Exception, monkeypatch: pytest.MonkeyPatch, folder: Path) -> Any:
    def fails(*given: Any) -> None:
        try:
            raise error
        finally:
            if isinstance(error, FloatingPointError) and "Nan" in str(error):
                raise StopIteration  # as of fairseq's search for the place

    monkeypatch.setattr(training, "_fairseqs_train", fails)
    CFG.checkpoint.save_dir = str(folder)
    return training._train(CFG, SimpleNamespace(get_num_updates=lambda: 6), None, None)


def test_gradients_that_are_not_finite_name_the_update_and_the_newest_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = r"must be finite, but in update 7 were not \(gradients are Nan/Inf\): go on from "
    with pytest.raises(SpecError, match=said + "the start, for no checkpoint was saved, with a smaller --lr"):
        _raises(FloatingPointError("gradients are Nan/Inf"), monkeypatch, tmp_path)
    sealed.write({"model": {}, "optimizer_history": [{"num_updates": 4}]}, tmp_path / "checkpoint_last.pt")
    with pytest.raises(SpecError, match=said + f"{tmp_path / 'checkpoint_last.pt'}, with"):
        _raises(FloatingPointError("gradients are Nan/Inf"), monkeypatch, tmp_path)


@pytest.mark.parametrize("error", [FloatingPointError("gradients are inconsistent between workers"), KeyError("k")])
def test_other_errors_are_left_as_they_are(error: Exception, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(type(error)):
        _raises(error, monkeypatch, tmp_path)


def test_a_complete_training_makes_no_update(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training, "_fairseqs_train", None)
    assert training._train(CFG, SimpleNamespace(get_num_updates=lambda: 10), None, None) == ([None], True)


@pytest.mark.parametrize(("size", "no_spawn", "passed_on"), [(1, False, False), (2, True, False), (2, False, True)])
def test_only_a_command_that_starts_processes_keeps_signals_for_them(
    size: int, no_spawn: bool, passed_on: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Others, whose only processes load data, end by SIGTERM as ever."""
    found = []
    monkeypatch.setattr(
        refusal, "_fairseqs_call_main", lambda cfg, main: found.append(signal.getsignal(signal.SIGTERM))
    )
    distributed = SimpleNamespace(distributed_world_size=size, distributed_no_spawn=no_spawn)
    before = signal.getsignal(signal.SIGTERM)
    refusal._call_main(SimpleNamespace(distributed_training=distributed), None)
    assert (found[0] is refusal._pass_on) == passed_on
    assert signal.getsignal(signal.SIGTERM) == before


def test_signals_are_passed_on_to_the_processes_of_a_training() -> None:
    child = multiprocessing.get_context("spawn").Process(target=time.sleep, args=(60,))
    child.start()
    refusal._pass_on(signal.SIGTERM, None)
    child.join(30)
    assert child.exitcode == -signal.SIGTERM


def test_a_command_without_processes_ends_by_the_signal() -> None:
    script = "import signal; from nmt_attn.models import refusal; refusal._pass_on(signal.SIGTERM, None)"
    done = subprocess.run([sys.executable, "-c", script], env=os.environ, capture_output=True)
    assert done.returncode == -signal.SIGTERM
