"""The runner with a recipe that trains in moments: whatever happens to it, no finished run is lost or made twice."""

import json
import os
import random
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from nmt_attn.cli import main
from nmt_attn.lock import is_locked, locked
from nmt_attn.spec import SpecError
from nmt_attn.study import command, launchers
from nmt_attn.study.estimate import hours
from nmt_attn.study.launchers import LocalLauncher, Task
from nmt_attn.study.recipe import defaults
from nmt_attn.study.runner import last_words
from nmt_attn.study.store import read_store, result_name

ROOT = Path(__file__).parents[2]
RECIPE = Path(__file__).parent / "toy_recipe.sh"
TINY, OTHER = "nmt_attn_tiny", "nmt_attn_tiny_self0111"

# The command, with shorter pauses, and with an interrupt key even where the tests run in the background.
COMMAND = """
import signal, sys
import nmt_attn.study.runner as runner
from nmt_attn.cli import main
runner.PAUSE = 0.02
signal.signal(signal.SIGINT, signal.default_int_handler)
sys.exit(main(sys.argv[1:]))
"""


@dataclass
class Toy:
    """A study of the toy recipe in a folder: by default 2 models x 3 seeds."""

    folder: Path
    models: list[Any] = field(default_factory=lambda: [TINY, OTHER])
    seeds: int = 3
    settings: dict[str, str] = field(default_factory=dict)
    corpora: tuple[str, ...] = ("toy",)
    tracking: str = ""

    def __post_init__(self) -> None:
        self.counts.mkdir(parents=True)
        self.write()

    @property
    def file(self) -> Path:
        return self.folder / "study.yaml"

    @property
    def out(self) -> Path:
        return self.folder / "out"

    @property
    def store(self) -> Path:
        return self.out / "results.jsonl"

    @property
    def counts(self) -> Path:
        return self.folder / "counts"

    def write(self) -> None:
        """The file of the study (JSON is YAML)."""
        corpus = {"recipe": str(RECIPE), "settings": {"COUNTS": str(self.counts), **self.settings}}
        study = {"name": "toy", "reference": TINY, "seeds": self.seeds, "models": self.models}
        study |= {"corpora": dict.fromkeys(self.corpora, corpus), "tracking": self.tracking}
        self.file.write_text(json.dumps(study), encoding="utf-8")

    def start(self, *flags: str, step: str = "run", **environment: str) -> "subprocess.Popen[str]":
        command = [sys.executable, "-c", COMMAND, "study", step, str(self.file), "--out", str(self.out), "--gpus", ""]
        return subprocess.Popen(
            [*command, *flags],
            cwd=ROOT,
            env={**os.environ, **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def run(self, *flags: str, step: str = "run", code: int = 0, **environment: str) -> str:
        """What the command says, which must end with this code."""
        process = self.start("--workers", "3", *flags, step=step, **environment)
        said = process.communicate(timeout=60)[0]
        assert process.returncode == code, said
        return said

    def done(self) -> list[str]:
        """What the recipe did, in order."""
        path = self.counts / "counts"
        return path.read_text(encoding="utf-8").splitlines() if path.exists() else []

    def count(self, word: str) -> int:
        return sum(line.split()[1] == word for line in self.done())

    def names(self) -> list[str]:
        return [result_name(result) for result in read_store(self.store)]

    def fail(self, what: str, words: str = "") -> None:
        (self.counts / what).write_text(words, encoding="utf-8")

    def mend(self, what: str) -> None:
        (self.counts / what).unlink()


@pytest.fixture
def toy(tmp_path: Path) -> Toy:
    return Toy(tmp_path)


def _until(holds: Callable[[], bool], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.01)


def _free(toy: Toy) -> bool:
    """Whether nothing that works on a run is alive: what a recipe starts holds its lock, too."""
    return not any(is_locked(lock) for lock in toy.out.glob("*/*/lock"))


def _without_times(toy: Toy) -> list[dict[str, Any]]:
    """The store, sorted, without what depends on the clock."""
    results = [
        {name: value for name, value in result.items() if name not in ("training_seconds", "finished", "variables")}
        for result in read_store(toy.store)
    ]
    return sorted(results, key=result_name)


def _translations(toy: Toy) -> dict[str, bytes]:
    folder = toy.out / "translations"
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def _check_work(toy: Toy) -> None:
    """No run was completed twice, no data made twice; every new start went on from the newest checkpoint."""
    completed = [line for line in toy.done() if line.endswith((" completed", " prepared"))]
    assert len(completed) == len(set(completed))
    for name in {line.split()[0] for line in toy.done() if " begun " in line}:
        _check_run([line.split()[1:] for line in toy.done() if line.split()[0] == name])


def _check_run(events: list[list[str]]) -> None:
    """6 updates, a checkpoint every 2: what was done after the newest is done again, and nothing else."""
    done = saved = 0
    owner, resumes, completed = "", {0}, False
    for what, *values in events:
        if what == "begun":
            owner = values[0]
            resumes = {saved, done if done % 2 == 0 else saved}  # killed before it said that it saved
        elif what == "step":
            update, process = map(int, values)
            assert not completed
            assert str(process) == owner  # one process at a time
            if resumes:
                assert update - 1 in resumes
                done = saved = update - 1
                resumes = set()
            assert update == done + 1
            done = update
        elif what == "saved":
            assert int(values[0]) == done
            saved = done
        elif what == "completed":
            assert done == 6
            completed = True
    assert done == 6


def test_a_study_is_carried_out_once(toy: Toy) -> None:
    said = toy.run()
    runs = [f"toy/{model}.{seed}000000" for seed in (1, 2, 3) for model in (TINY, OTHER)]
    assert sorted(toy.names()) == sorted(runs)
    assert said.splitlines()[-1].endswith(f"  all 6 runs are finished: {toy.store}")
    assert re.search(rf"  {re.escape(runs[0])}: begun \(log: {toy.out}/logs/{re.escape(runs[0])}.log\)\n", said)
    assert re.search(rf"  {re.escape(runs[0])}: finished; \d of 6 done, \d running, 0 failed", said)
    assert toy.count("completed") == 6
    assert toy.count("step") == 36
    assert toy.count("prepared") == 1
    before = toy.store.read_bytes(), toy.done()
    assert "begun" not in toy.run()
    assert (toy.store.read_bytes(), toy.done()) == before


def test_runs_begin_in_the_order_of_the_plan(tmp_path: Path) -> None:
    toy = Toy(tmp_path, seeds=2, corpora=("one", "two"))
    said = toy.run("--workers", "1")
    begun = re.findall(r"  (\S+): begun", said)
    lines = [
        [f"{corpus}/{model}.{seed}000000" for seed in (1, 2)] for corpus in ("one", "two") for model in (TINY, OTHER)
    ]
    assert begun == [name for line in lines for name in line]


def test_the_store_says_what_was_run_and_keeps_the_translations(toy: Toy) -> None:
    toy.models = [TINY, {"arch": OTHER, "name": "named", "flags": "--dropout 0.2"}]
    toy.write()
    toy.run()
    results = {result_name(result): result for result in read_store(toy.store)}
    result = results["toy/named.2000000"]
    assert {name: result[name] for name in ("study", "corpus", "model", "preset", "seed", "flags")} == {
        "study": "toy",
        "corpus": "toy",
        "model": "named",
        "preset": OTHER,
        "seed": 2000000,
        "flags": ["--dropout", "0.2"],
    }
    assert result["settings"]["flags"] == "--dropout 0.2"
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", result["finished"])
    for kept, original in (
        (result["hypotheses"], "toy/named.2000000/translations/test"),
        (result["references"], "toy/data/raw/test.de"),
    ):
        assert (toy.out / kept).read_bytes() == (toy.out / original).read_bytes()
    table = pd.read_json(toy.store, lines=True)
    assert sorted(table.model) == ["named"] * 3 + [TINY] * 3
    assert set(table.updates) == {6}


def test_a_failed_run_is_told_and_left_out_until_it_is_retried(toy: Toy) -> None:
    name = f"{OTHER}.2000000"
    toy.fail(f"fail.{name}", "no memory left on the device")
    said = toy.run(code=1)
    log = f"{toy.out}/logs/toy/{name}.log"
    assert f"  toy/{name}: failed: error: no memory left on the device (all: {log}); " in said
    assert said.splitlines()[-1].endswith("  1 runs are not finished")
    assert len(toy.names()) == 5
    toy.mend(f"fail.{name}")
    said = toy.run(code=1)
    assert "  1 failed before and are left out: nmt-attn study retry begins them again\n" in said
    assert "begun" not in said
    said = toy.run(step="retry")
    assert re.findall(r"  (\S+): begun", said) == [f"toy/{name}"]
    assert len(toy.names()) == 6
    assert toy.count("completed") == 6
    assert sum(line.startswith(f"toy/{name} step 1 ") for line in toy.done()) == 2  # it had no checkpoint


def test_a_run_without_last_words_tells_its_exit_code(toy: Toy) -> None:
    toy.fail(f"fail.{TINY}.1000000")
    assert f"toy/{TINY}.1000000: failed: exit code 3 (all: " in toy.run(code=1)


def test_a_run_that_fails_again_tells_its_new_reason(toy: Toy) -> None:
    toy.fail(f"fail.{TINY}.1000000", "the first reason")
    toy.run(code=1)
    toy.fail(f"fail.{TINY}.1000000", "")
    assert f"toy/{TINY}.1000000: failed: exit code 3" in toy.run(step="retry", code=1)


def test_a_run_with_a_result_is_finished_whatever_its_exit_code(toy: Toy) -> None:
    toy.fail(f"late.{TINY}.1000000", "the disk is full")
    process = toy.start("--workers", "3")
    said = process.communicate(timeout=60)[0]
    assert f"toy/{TINY}.1000000: finished" in said
    assert len(toy.names()) == 6
    assert process.returncode == 0


def test_data_that_cannot_be_prepared_are_told_and_other_corpora_run(tmp_path: Path) -> None:
    toy = Toy(tmp_path, seeds=1)
    file = json.loads(toy.file.read_text(encoding="utf-8"))
    broken = tmp_path / "broken.sh"
    broken.write_text(RECIPE.read_text(encoding="utf-8").replace("fail_if fail.prepare", "fail 'no such corpus'"))
    corpus = file["corpora"]["toy"]
    file["corpora"] = {"bad": {**corpus, "recipe": str(broken)}, "good": corpus}
    toy.file.write_text(json.dumps(file), encoding="utf-8")
    said = toy.run(code=1)
    assert "  data of bad failed: error: no such corpus\n" in said
    assert said.splitlines()[-1].endswith("  2 runs are not finished")
    assert sorted(toy.names()) == [f"good/{TINY}.1000000", f"good/{OTHER}.1000000"]


def test_data_that_fail_without_words_are_not_taken_for_prepared(toy: Toy) -> None:
    toy.fail("fail.prepare")
    said = toy.run(code=1)
    assert "data of toy failed: exit code 3\n" in said
    assert "begun" not in said
    toy.mend("fail.prepare")
    toy.run()
    assert len(toy.names()) == 6


def test_a_second_runner_is_refused_with_the_owner(tmp_path: Path) -> None:
    toy = Toy(tmp_path, settings={"UPDATES": "30", "PACE": "0.05"})
    first = toy.start("--workers", "2")
    _until(lambda: toy.count("step") > 2)
    said = toy.run(code=2)
    assert re.fullmatch(
        rf"nmt-attn: error: the study in {toy.out} is in use by process {first.pid} on \S+ since "
        rf"\d{{4}}-\d\d-\d\d \d\d:\d\d:\d\d \(lock: {toy.out}/lock\): wait for it, or stop it\n",
        said,
    )
    first.communicate(timeout=60)
    assert first.returncode == 0
    assert toy.count("completed") == 6


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_nothing_lives_on_after_the_runner_and_the_next_call_goes_on(number: signal.Signals, tmp_path: Path) -> None:
    toy = Toy(tmp_path, settings={"UPDATES": "200", "PACE": "0.05"})  # 10 seconds a run
    runner = toy.start("--workers", "2")
    _until(lambda: toy.count("step") > 6)
    runner.send_signal(number)
    said = runner.communicate(timeout=5)[0]
    if number is signal.SIGKILL:
        assert runner.returncode == -signal.SIGKILL
    else:
        assert runner.returncode == 130
        assert said.splitlines()[-1].endswith("  interrupted: nothing is lost, the same command goes on")
    _until(lambda: _free(toy), seconds=3)
    done = toy.done()
    time.sleep(0.3)
    assert toy.done() == done
    assert not list(toy.out.glob("failed/*/*"))
    toy.settings["PACE"] = "0"
    toy.write()
    toy.run()
    assert toy.count("completed") == 6
    assert 1200 <= toy.count("step") <= 1200 + 2 * 2  # what came after the checkpoints of two runs, again


def test_nothing_lives_on_of_data_preparation(toy: Toy) -> None:
    recipe = toy.folder / "slow.sh"
    text = RECIPE.read_text(encoding="utf-8")
    recipe.write_text(
        text.replace("fail_if fail.prepare", 'count "$corpus preparing $$"; exec 9>>"$COUNTS/lock"; flock 9; sleep 30')
    )
    file = json.loads(toy.file.read_text(encoding="utf-8"))
    file["corpora"]["toy"]["recipe"] = str(recipe)
    toy.file.write_text(json.dumps(file), encoding="utf-8")
    for number in (signal.SIGKILL, signal.SIGTERM):
        runner = toy.start()
        _until(lambda: is_locked(toy.counts / "lock"))
        runner.send_signal(number)
        runner.communicate(timeout=5)
        _until(lambda: not is_locked(toy.counts / "lock"), seconds=3)


def test_a_result_that_did_not_reach_the_store_is_stored_without_work(toy: Toy) -> None:
    toy.run()
    whole = toy.store.read_bytes()
    toy.store.write_bytes(whole[: whole.rindex(b"\n", 0, -1) + 1])
    assert len(toy.names()) == 5
    done = toy.done()
    assert "begun" not in toy.run()
    assert toy.store.read_bytes() == whole
    assert toy.done() == done


def test_a_line_of_the_store_that_was_cut_off_is_mended(toy: Toy) -> None:
    toy.run()
    whole = toy.store.read_bytes()
    done = toy.done()
    for cut in (1, 100):
        toy.store.write_bytes(whole[:-cut])
        assert "begun" not in toy.run()
        assert toy.store.read_bytes() == whole
    assert toy.done() == done


def test_a_changed_setting_is_refused_with_both_values(toy: Toy) -> None:
    toy.run()
    toy.settings = {"UPDATES": "8"}
    toy.write()
    advice = "give --out another folder, or the study its old value\n"
    start = f"nmt-attn: error: {toy.out} holds {toy.names()[0]} with "
    assert toy.run(code=2) == f"{start}UPDATES '6', but the study says '8': {advice}"


def test_a_default_that_takes_the_place_of_a_setting_is_refused(toy: Toy) -> None:
    toy.settings = {"UPDATES": "8"}
    toy.write()
    toy.run()
    toy.settings = {}
    toy.write()
    assert "with UPDATES '8', but the study says '6': " in toy.run(code=2)


@pytest.mark.parametrize("name", ["VOCABULARY", "MAX_TOKENS"])
def test_a_changed_setting_that_acts_through_another_is_refused(name: str, toy: Toy) -> None:
    toy.run()
    toy.settings = {name: "60"}
    toy.write()
    assert f"{toy.out} holds " in toy.run(code=2)


def test_changed_flags_and_architectures_of_a_name_are_refused(toy: Toy) -> None:
    toy.seeds = 1
    toy.models = [TINY, {"arch": OTHER, "name": "named", "flags": "--a 1"}]
    toy.write()
    toy.run()
    start = f"nmt-attn: error: {toy.out} holds toy/named.1000000 with "
    toy.models[1]["flags"] = "--a 2"
    toy.write()
    assert toy.run(code=2).startswith(f"{start}flags ['--a', '1'], but the study says ['--a', '2']: ")
    toy.models[1] = {"arch": f"{TINY}_conv", "name": "named", "flags": "--a 1"}
    toy.write()
    assert toy.run(code=2).startswith(f"{start}arch '{OTHER}', but the study says '{TINY}_conv': ")


def test_a_study_that_grows_makes_only_what_is_new(toy: Toy) -> None:
    toy.seeds = 1
    toy.write()
    toy.run()
    toy.seeds = 2
    toy.models.append(f"{TINY}_conv")
    toy.write()
    said = toy.run()
    assert len(re.findall(": begun", said)) == 4
    assert len(toy.names()) == len(set(toy.names())) == 6


def test_a_folder_that_cannot_be_made_is_told_in_one_line(toy: Toy) -> None:
    toy.out.write_text("a file", encoding="utf-8")
    said = toy.run(code=2)
    assert said.startswith("nmt-attn: error: ")
    assert said.count("\n") == 1


def test_status_tells_every_state(toy: Toy, capsys: pytest.CaptureFixture[str]) -> None:
    toy.seeds = 5
    toy.models = [TINY]
    toy.write()
    toy.fail(f"fail.{TINY}.2000000", "no memory")
    toy.seeds = 2
    toy.write()
    toy.run(code=1)
    toy.seeds = 5
    toy.write()
    folders = [toy.out / "toy" / f"{TINY}.{seed}000000" for seed in (3, 4)]
    for folder in folders:
        folder.mkdir()
        (folder / "train.log").write_text('x | {"num_updates": "4", "ppl": "3"}\n{"num_up', encoding="utf-8")
    with locked(folders[0] / "lock", "the run"):
        assert main(["study", "status", str(toy.file), "--out", str(toy.out)]) == 0
    lines = capsys.readouterr().out.splitlines()
    log = f"{toy.out}/logs/toy/{TINY}.2000000.log"
    assert [line.split(maxsplit=1) for line in lines[:-1]] == [
        [f"toy/{TINY}.1000000", "finished"],
        [f"toy/{TINY}.2000000", f"failed: error: no memory (log: {log})"],
        [f"toy/{TINY}.3000000", "running at update 4 of 6"],
        [f"toy/{TINY}.4000000", "stopped at update 4 of 6"],
        [f"toy/{TINY}.5000000", "waiting"],
    ]
    assert lines[-1] == "5 runs: 1 finished, 1 running, 1 failed, 1 stopped, 1 waiting"


def test_status_of_a_study_that_was_never_run_leaves_no_trace(toy: Toy, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["study", "status", str(toy.file), "--out", str(toy.out)]) == 0
    assert capsys.readouterr().out.endswith("6 runs: 0 finished, 0 running, 0 failed, 0 stopped, 6 waiting\n")
    assert not toy.out.exists()


def _environment(toy: Toy, name: str) -> dict[str, str]:
    lines = (toy.counts / "environments" / name).read_text(encoding="utf-8").splitlines()
    return dict(line.split("=", 1) for line in lines if "=" in line)


def test_a_run_has_its_environment(toy: Toy) -> None:
    (toy.counts / "environments").mkdir()
    toy.tracking = "--tensorboard-logdir {run}/tensorboard --wandb-project 'toy' --wandb-name {name}"
    toy.seeds = 1
    toy.write()
    toy.run()
    found = _environment(toy, f"toy.{OTHER}.1000000")
    run = f"{toy.out}/toy/{OTHER}.1000000"
    expected = {
        "OUT": f"{toy.out}/toy",
        "VENV": "",
        "SEED": "1000000",
        "RUN_NAME": f"{OTHER}.1000000",
        "STEPS": "train average translate score",
        "COUNTS": str(toy.counts),
        "UPDATES": "6",
        "TOKENS": "100",
        "TRACKING": f"--tensorboard-logdir {run}/tensorboard --wandb-project toy --wandb-name toy.{OTHER}.1000000",
        "OMP_NUM_THREADS": str(max(1, launchers.processors() // 3)),
    }
    assert {name: found[name] for name in expected} == expected
    assert found["PATH"].startswith(f"{Path(sys.executable).parent}:")
    assert _environment(toy, "toy.prepare")["STEPS"] == "prepare"
    assert _environment(toy, "toy.prepare")["OMP_NUM_THREADS"] == str(launchers.processors())


def test_the_plan_counts_and_not_what_the_shell_exports(toy: Toy) -> None:
    toy.seeds = 1
    toy.write()
    toy.run(UPDATES="2", SEED="5", TOKENS="7", VENV="other", RUN_NAME="x", TRACKING="--y")
    assert [(result["updates"], result["settings"]["TOKENS"]) for result in read_store(toy.store)] == [(6, "100")] * 2


def test_tracking_names_the_whole_path_of_a_run(toy: Toy, tmp_path: Path) -> None:
    (toy.counts / "environments").mkdir()
    toy.tracking, toy.seeds = "--dir {run}", 1
    toy.write()
    command = [sys.executable, "-c", COMMAND, "study", "run", "study.yaml", "--out", "out", "--gpus", ""]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    assert subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, timeout=60).returncode == 0
    assert _environment(toy, f"toy.{TINY}.1000000")["TRACKING"] == f"--dir {toy.out}/toy/{TINY}.1000000"


@pytest.fixture
def launched(tmp_path: Path) -> Iterator[Callable[..., LocalLauncher]]:
    """A function that makes a launcher, which is stopped at the end."""
    made: list[LocalLauncher] = []

    def make(*values: Any, **named: Any) -> LocalLauncher:
        made.append(LocalLauncher(*values, **named))
        return made[-1]

    yield make
    for launcher in made:
        launcher.stop()


def _task(folder: Path, name: str, script: str, **environment: str) -> Task:
    return Task(name, ("bash", "-c", script), environment, folder / "logs" / f"{name}.log")


def _ended(launcher: LocalLauncher, count: int = 1) -> list[tuple[str, int]]:
    found: list[tuple[str, int]] = []

    def enough() -> bool:
        found.extend(launcher.finished())
        return len(found) >= count

    _until(enough)
    return sorted(found)


WAIT = 'echo "gpus $CUDA_VISIBLE_DEVICES"; while [[ ! -e $0.end ]]; do sleep 0.02; done'


def _gpus(folder: Path, name: str) -> str:
    log = folder / "logs" / f"{name}.log"
    _until(lambda: log.exists() and log.read_text().startswith("gpus ") and log.read_text().endswith("\n"))
    return log.read_text().split("\n")[0].removeprefix("gpus ")


def _waiting_task(folder: Path, name: str) -> Task:
    return Task(name, ("bash", "-c", WAIT, str(folder / name)), {}, folder / "logs" / f"{name}.log")


def test_gpus_are_shared_fairly(launched: Callable[..., LocalLauncher], tmp_path: Path) -> None:
    launcher = launched(3, ["0", "1"])
    for name, expected in (("a", "0"), ("b", "1"), ("c", "0")):
        launcher.start(_waiting_task(tmp_path, name))
        assert _gpus(tmp_path, name) == expected
    (tmp_path / "b.end").touch()
    assert _ended(launcher) == [("b", 0)]
    launcher.start(_waiting_task(tmp_path, "d"))
    assert _gpus(tmp_path, "d") == "1"
    (tmp_path / "a.end").touch()
    (tmp_path / "c.end").touch()
    assert _ended(launcher, 2) == [("a", 0), ("c", 0)]
    launcher.start(_waiting_task(tmp_path, "e"))
    assert _gpus(tmp_path, "e") == "0"


def test_a_task_can_have_several_gpus(launched: Callable[..., LocalLauncher], tmp_path: Path) -> None:
    launcher = launched(2, ["3", "5", "6", "7"], gpus_per_task=2)
    for name, expected in (("a", "3,5"), ("b", "6,7")):
        launcher.start(_waiting_task(tmp_path, name))
        assert _gpus(tmp_path, name) == expected


def test_without_gpus_a_task_sees_none(
    launched: Callable[..., LocalLauncher], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "4")
    launched(1).start(_waiting_task(tmp_path, "a"))
    assert _gpus(tmp_path, "a") == ""


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ((0,), "--workers must be at least 1, not 0"),
        ((-2,), "--workers must be at least 1, not -2"),
        ((1, ["0", "1"], 3), "--gpus-per-run must be 1 to 2, the number of GPUs, not 3"),
        ((1, ["0", "1"], 0), "--gpus-per-run must be 1 to 2, the number of GPUs, not 0"),
    ],
)
def test_impossible_numbers_of_places_and_gpus_are_refused(values: tuple[Any, ...], message: str) -> None:
    with pytest.raises(SpecError) as problem:
        LocalLauncher(*values)
    assert str(problem.value) == message


@pytest.mark.parametrize(
    ("step", "count"),
    [("run", "-1"), ("run", "0"), ("plan", "0"), ("plan", "-1")],
)
def test_no_worker_is_refused_on_the_command_line(
    step: str, count: str, toy: Toy, capsys: pytest.CaptureFixture[str]
) -> None:
    flags = ["--no-estimate"] if step == "plan" else []
    try:
        code = main(["study", step, str(toy.file), "--out", str(toy.out), "--gpus", "", "--workers", count, *flags])
    except SystemExit as refused:  # by argparse
        code = refused.code  # type: ignore[assignment]
    assert code == 2
    assert re.search(rf"--workers.* must be .*at least 1, not '?{count}'?\n$", capsys.readouterr().err)


@pytest.mark.parametrize(
    ("here", "flags", "message"),
    [
        (["0", "1"], ["--gpus-per-run", "3"], "--gpus-per-run must be 1 to 2, the number of GPUs, not 3"),
        (["0", "1"], ["--gpus", "2"], "--gpus must be different GPUs among 0,1, not '2'"),
        (["0", "1"], ["--gpus", "0,0"], "--gpus must be different GPUs among 0,1, not '0,0'"),
        ([], ["--gpus", "0"], "--gpus must be '' here, where torch sees no GPU, not '0'"),
        (
            [],
            ["--launcher", "slurm", "--gpus", "0"],
            "--gpus and --gpus-per-run must be left out with Slurm: --slurm gpus_per_node=1 asks for GPUs",
        ),
        ([], ["--slurm", "partition=gpu"], "--slurm must come with --launcher slurm"),
    ],
)
def test_impossible_gpus_are_refused_on_the_command_line(
    here: list[str],
    flags: list[str],
    message: str,
    toy: Toy,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(command, "gpus_here", lambda: here)
    assert main(["study", "run", str(toy.file), "--out", str(toy.out), *flags]) == 2
    assert capsys.readouterr().err == f"nmt-attn: error: {message}\n"
    assert not toy.out.exists()


def test_what_was_made_with_other_settings_than_the_plan_is_not_stored(toy: Toy) -> None:
    """As if the runner had been killed before it stored a run, and the plan changed then."""
    toy.settings = {"UPDATES": "8"}
    toy.write()
    toy.run()
    (toy.out / "results.jsonl").unlink()
    toy.settings = {"UPDATES": "9"}
    toy.write()
    said = toy.run(code=2)
    assert "with UPDATES '8', but the study says '9': remove it, give --out another folder" in said
    assert not (toy.out / "results.jsonl").exists()


@pytest.mark.parametrize("later", ["--attn-window 2", ""])
def test_what_was_made_with_other_flags_than_the_plan_is_not_stored(later: str, toy: Toy) -> None:
    toy.models = [TINY, {"arch": OTHER, "name": "windowed", "flags": "--attn-window 8"}]  # type: ignore[list-item]
    toy.write()
    toy.run()
    (toy.out / "results.jsonl").unlink()
    toy.models = [TINY, {"arch": OTHER, "name": "windowed", "flags": later}]  # type: ignore[list-item]
    toy.write()
    said = toy.run(code=2)
    assert f"windowed.1000000 holds a run with flags '--attn-window 8', but the study says '{later}'" in said


def test_the_plan_decides_and_not_the_shell(toy: Toy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UPDATES", "77")
    toy.settings = {}
    toy.write()
    toy.run()
    assert {result["updates"] for result in read_store(toy.store)} == {int(defaults(RECIPE)["UPDATES"])}


def test_tasks_share_the_processors(
    launched: Callable[..., LocalLauncher], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(launchers, "processors", lambda: 7)
    monkeypatch.setenv("OMP_NUM_THREADS", "99")
    for places, threads in ((1, "7"), (3, "2"), (9, "1")):
        launcher = launched(places)
        launcher.start(_task(tmp_path, f"t{places}", "echo $OMP_NUM_THREADS"))
        _ended(launcher)
        assert (tmp_path / "logs" / f"t{places}.log").read_text() == f"{threads}\n"


def test_a_log_keeps_what_earlier_attempts_said(launched: Callable[..., LocalLauncher], tmp_path: Path) -> None:
    launcher = launched(1)
    for word in ("one", "two"):
        launcher.start(_task(tmp_path, "t", f"echo {word}; echo {word} >&2; exit 4"))
        assert _ended(launcher) == [("t", 4)]
    assert (tmp_path / "logs" / "t.log").read_text() == "one\none\ntwo\ntwo\n"


def test_what_a_task_leaves_behind_ends_with_it(launched: Callable[..., LocalLauncher], tmp_path: Path) -> None:
    launcher = launched(1)
    lock = tmp_path / "lock"
    launcher.start(_task(tmp_path, "t", f"exec 9>>'{lock}'; flock 9; sleep 60 & exit 0"))
    assert _ended(launcher) == [("t", 0)]
    _until(lambda: not is_locked(lock), seconds=3)


def test_a_task_that_is_deaf_to_sigterm_ends_all_the_same(
    launched: Callable[..., LocalLauncher], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(launchers, "GRACE", 1)
    monkeypatch.setattr(launchers, "WITH_THE_RUNNER", launchers.WITH_THE_RUNNER.replace("sleep 10", "sleep 1"))
    deaf = "trap '' TERM; exec 9>>\"$0\"; flock 9; while :; do sleep 0.05; done"
    locks = [tmp_path / "stopped", tmp_path / "orphan"]
    launcher, other = launched(1), launched(1)
    for made, lock in zip((launcher, other), locks, strict=True):
        made.start(Task("t", ("bash", "-c", deaf, str(lock)), {}, tmp_path / "log"))
    _until(lambda: all(map(is_locked, locks)))
    began = time.monotonic()
    launcher.stop()
    _until(lambda: not is_locked(locks[0]), seconds=3)  # what was killed may take a moment to go
    (child,) = other._children.values()
    child.end()  # what the system does when the runner is killed
    _until(lambda: not is_locked(locks[1]), seconds=3)
    assert time.monotonic() - began < 4
    assert child.process.wait(5) == -signal.SIGKILL
    other._children.clear()


def test_the_last_words_are_the_last_error_or_the_last_line(tmp_path: Path) -> None:
    log = tmp_path / "log"
    assert last_words(log) == ""
    for text, expected in (
        ("", ""),
        ("one\ntwo\n\n  \n", "two"),
        ("error: the reason\nlater\n", "error: the reason"),
        ("nmt-attn: error: a\nerror: b\nlater\n", "error: b"),
        ("some error: within a line\nlast\n", "last"),
        ("x" * 400, "x" * 300),
        ("error: long ago\n" + "line\n" * 200, "line"),
    ):
        log.write_text(text, encoding="utf-8")
        assert last_words(log) == expected
    log.write_bytes(b"\xff\xfe broken\n")
    assert last_words(log) == "\ufffd\ufffd broken"


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0:00 h"), (29, "0:00 h"), (90, "0:02 h"), (3600, "1:00 h"), (3_599_999, "1000:00 h")]
)
def test_hours_are_hours_and_minutes(seconds: float, text: str) -> None:
    assert hours(seconds) == text


def _freeze_and_kill(runner: "subprocess.Popen[str]") -> None:
    """The runner and all that it started, at one moment, as when the power fails."""
    os.kill(runner.pid, signal.SIGSTOP)
    table = subprocess.run(["ps", "-A", "-o", "pid=,ppid=,pgid="], capture_output=True, text=True, check=True).stdout
    rows = [tuple(map(int, line.split())) for line in table.splitlines()]
    groups = {group for _, parent, group in rows if parent == runner.pid and group != runner.pid}
    for number in (signal.SIGSTOP, signal.SIGKILL):
        for group in groups:
            with suppress(ProcessLookupError):
                os.killpg(group, number)
    os.kill(runner.pid, signal.SIGKILL)


KILLS: dict[str, Callable[["subprocess.Popen[str]"], None]] = {
    "runner": lambda runner: os.kill(runner.pid, signal.SIGKILL),
    "group": lambda runner: os.killpg(runner.pid, signal.SIGKILL),
    "everything": _freeze_and_kill,
    "terminate": lambda runner: os.kill(runner.pid, signal.SIGTERM),
    "interrupt": lambda runner: os.kill(runner.pid, signal.SIGINT),
}


def _killed_until_finished(toy: Toy, left: int, chance: random.Random) -> int:
    """Starts the study and kills it again and again, at most so often, until it is finished; returns the kills."""
    kills = 0
    while True:
        runner = toy.start("--workers", str(chance.choice((1, 2, 3))))
        if kills < left:
            with suppress(subprocess.TimeoutExpired):
                runner.wait(chance.uniform(0.05, 1.2))
        else:
            runner.wait(60)
        if runner.poll() is None:
            KILLS[chance.choice(sorted(KILLS))](runner)
            kills += 1
        said = runner.communicate(timeout=30)[0]
        if runner.returncode in (0, 1, 2):
            assert runner.returncode == 0, said
            return kills


def check_kills(folder: Path, wanted: int, seed: int) -> None:
    settings = {"UPDATES": "6", "SAVE_EVERY": "2", "PACE": "0.03"}
    whole = Toy(folder / "whole", settings=settings)
    whole.run()
    chance, kills, studies = random.Random(seed), 0, 0
    began = time.monotonic()
    while kills < wanted:
        toy = Toy(folder / f"killed{studies}", settings=settings)
        kills += _killed_until_finished(toy, wanted - kills, chance)
        studies += 1
        assert sorted(toy.names()) == sorted(set(whole.names()))
        assert _without_times(toy) == _without_times(whole)
        assert _translations(toy) == _translations(whole)
        _check_work(toy)
    print(f"{kills} kills, {studies} studies, {time.monotonic() - began:.0f} seconds")


def test_a_study_survives_12_kills(tmp_path: Path) -> None:
    check_kills(tmp_path, wanted=12, seed=1)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [2])
def test_a_study_survives_100_kills(seed: int, tmp_path: Path) -> None:
    check_kills(tmp_path, wanted=100, seed=seed)


@pytest.mark.slow
def test_a_new_runner_waits_for_what_a_killed_one_left_deaf(tmp_path: Path) -> None:
    toy = Toy(tmp_path, models=[TINY], seeds=2, settings={"PACE": "4"})
    toy.fail("deaf")
    runner = toy.start("--workers", "2")
    _until(lambda: toy.count("step") == 2)
    runner.kill()
    runner.communicate()
    toy.mend("deaf")
    toy.settings = {"PACE": "0.01"}
    toy.write()
    began = time.monotonic()
    toy.run()
    assert 8 < time.monotonic() - began < 15
    assert len(toy.names()) == 2
    _check_work(toy)
