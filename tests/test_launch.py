"""recipes/launch.sh and the Slurm job: what is started where, with fakes in place of torch, torchrun and Slurm."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

import nmt_attn
from nmt_attn.corpora.fragment import write_corpus
from nmt_attn.models import checkpoints

ROOT = Path(__file__).parent.parent
PROGRAMS = Path(sys.executable).parent

# Each fake says what it was called with, up to the command that it runs, and runs that in each of its places.
FAKES = {
    "fairseq-train": 'IFS="|"; echo "fairseq-train|$*"; exit "${FAKE_CODE:-0}"',
    "torchrun": r"""
        line=torchrun count=1
        while [[ $1 != bash ]]; do line+=" $1"; [[ $1 != --nproc-per-node ]] || count=$2; shift; done
        echo "$line, threads $OMP_NUM_THREADS"
        for ((place = 0; place < count; place++)); do
          export RANK=$((${SLURM_NODEID:-0} * count + place)) LOCAL_RANK=$place
          WORLD_SIZE=$((${SLURM_JOB_NUM_NODES:-1} * count)) "$@" || exit
        done""",
    "srun": r"""
        line=srun
        while [[ $1 != bash ]]; do line+=" $1"; shift; done
        echo "$line"
        for ((node = 0; node < SLURM_JOB_NUM_NODES; node++)); do
          SLURM_NODEID=$node SLURMD_NODENAME=n$node "$@" || exit
        done""",
    "scontrol": '[[ $1 != show ]] || printf "n0\\nn1\\n"; echo "$*" >>"${FAKE_CALLS:-/dev/null}"',
}
FAKE_TORCH = """
import os
capabilities = [(int(digits[0]), int(digits[1])) for digits in os.environ.get("FAKE_GPUS", "").split()]
is_available = lambda: bool(capabilities)
device_count = lambda: len(capabilities)
get_device_capability = lambda device: capabilities[device]
"""


@pytest.fixture
def fakes(tmp_path: Path) -> dict[str, str]:
    """The environment with the fakes in front. FAKE_GPUS="80 70": GPUs by compute capability."""
    programs = tmp_path / "fake programs"
    (programs / "torch").mkdir(parents=True)
    (programs / "torch" / "__init__.py").write_text("from . import cuda")
    (programs / "torch" / "cuda.py").write_text(FAKE_TORCH)
    for name, text in FAKES.items():
        (programs / name).write_text(f"#!/usr/bin/env bash\n{text}\n")
        (programs / name).chmod(0o755)
    kept = {name: value for name, value in os.environ.items() if not name.startswith("SLURM")}
    path = os.pathsep.join([str(programs), str(PROGRAMS), os.environ["PATH"]])
    return {**kept, "PATH": path, "PYTHONPATH": str(programs), "OMP_NUM_THREADS": "8"}


def _shell(script: str, environment: dict[str, str], timeout: int = 120) -> subprocess.CompletedProcess[str]:
    command = ["bash", "-c", f"set -euo pipefail; source recipes/launch.sh; {script}"]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=timeout)


def _output(script: str, environment: dict[str, str]) -> str:
    done = _shell(script, environment)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.parametrize(
    ("settings", "devices", "processes"),
    [
        ({}, "0", "1"),
        ({"PROCESSES": "2"}, "0", "2"),
        ({"FAKE_GPUS": "80"}, "1", "1"),
        ({"FAKE_GPUS": "80 80 80 80"}, "4", "4"),
        ({"FAKE_GPUS": "80 80 80 80", "PROCESSES": "3"}, "4", "3"),
        ({"SLURM_JOB_NUM_NODES": "2"}, "0", "2"),
        ({"SLURM_JOB_NUM_NODES": "2", "FAKE_GPUS": "80 80 80 80"}, "4", "8"),
        ({"SLURM_JOB_NUM_NODES": "1", "FAKE_GPUS": "80 80"}, "2", "2"),
    ],
)
def test_devices_and_processes(settings: dict[str, str], devices: str, processes: str, fakes: dict[str, str]) -> None:
    assert _output("devices; processes", fakes | settings).split() == [devices, processes]


@pytest.mark.parametrize("visible", ["", "-1"])
def test_hidden_gpus_do_not_count_for_the_real_torch(visible: str, fakes: dict[str, str]) -> None:
    fakes.pop("PYTHONPATH")
    assert _output("devices", fakes | {"CUDA_VISIBLE_DEVICES": visible}) == "0"


def test_batches_fill_an_update_whatever_the_number_of_processes(fakes: dict[str, str]) -> None:
    lines = _output("for count in {1..70}; do batch 32768 4096 $count; done", fakes).splitlines()
    batches = [tuple(map(int, re.findall(r"\d+", line))) for line in lines]
    assert all(re.fullmatch(r"--max-tokens \d+ --update-freq \d+", line) for line in lines)
    assert [batches[count - 1] for count in (1, 2, 4, 8)] == [(4096, 8), (4096, 4), (4096, 2), (4096, 1)]
    assert [batches[count - 1] for count in (3, 16)] == [(3640, 3), (2048, 1)]
    for count, (tokens, frequency) in enumerate(batches, 1):
        assert tokens <= 4096
        assert 0 <= 32768 - tokens * frequency * count < frequency * count


@pytest.mark.parametrize(
    ("precision", "gpus", "flags"),
    [
        ("", "", ""),
        ("auto", "70", "--amp"),
        ("", "90 80", "--amp"),
        ("auto", "61", ""),
        ("auto", "80 61", ""),
        ("fp32", "80", ""),
        ("amp", "61", "--amp"),
        ("fp16", "80", "--fp16"),
    ],
)
def test_precision(precision: str, gpus: str, flags: str, fakes: dict[str, str]) -> None:
    assert _output("precision", fakes | {"PRECISION": precision, "FAKE_GPUS": gpus}) == flags


@pytest.mark.parametrize(
    ("script", "settings", "message"),
    [
        ("precision", {"PRECISION": "fp16"}, "PRECISION=fp16 needs a GPU that torch can use; here it sees none"),
        ("precision", {"PRECISION": "amp"}, "PRECISION=amp needs a GPU that torch can use; here it sees none"),
        ("precision", {"PRECISION": "bf16"}, "PRECISION must be auto, fp32, amp or fp16, not bf16"),
        ("processes", {"PROCESSES": "two"}, "PROCESSES must be a number from 1, not two"),
        ("processes", {"PROCESSES": "0"}, "PROCESSES must be a number from 1, not 0"),
        (
            "launch_training data",
            {"PROCESSES": "3", "FAKE_GPUS": "80 80"},
            "PROCESSES must be at most 2, the number of GPUs, not 3",
        ),
        ("batch 4096 0 1", {}, "tokens and processes must be numbers from 1, not 0"),
        ("batch 4k 4096 1", {}, "tokens and processes must be numbers from 1, not 4k"),
        ("batch 4 4096 8", {}, "an update of 4 tokens cannot be shared by 8 processes"),
    ],
)
def test_wrong_settings_end_with_one_line(
    script: str, settings: dict[str, str], message: str, fakes: dict[str, str]
) -> None:
    done = _shell(f"flags=$({script}); echo not reached", fakes | settings)
    assert (done.returncode, done.stdout, done.stderr) == (2, "", f"error: {message}\n")


def _place(rank: int, local: int, size: int, *flags: str) -> str:
    fixed = ["--distributed-init-method", "env://", "--distributed-no-spawn", "--device-id", str(local)]
    own = ["--distributed-rank", str(rank), "--distributed-world-size", str(size)]
    return "|".join(["fairseq-train", "data", "--adam-betas", "(0.9, 0.98)", *flags, *fixed, *own])


def _node(node: int, size: int, threads: int = 8) -> str:
    meeting = "--rdzv-backend c10d --rdzv-endpoint n0:PORT --rdzv-id 7-PORT"
    return f"torchrun --local-addr n{node} --nnodes 2 {meeting} --no-python --nproc-per-node {size}, threads {threads}"


GLOO = ("--cpu", "--distributed-backend", "gloo", "--ddp-backend", "legacy_ddp")
ALONE = "fairseq-train|data|--adam-betas|(0.9, 0.98)|--distributed-world-size|1"
SRUN = "srun --nodes 2 --ntasks 2 --ntasks-per-node 1 --kill-on-bad-exit=1"
LOCAL = "torchrun --standalone --no-python --nproc-per-node 2, threads 4"
TWO_NODES = {"SLURM_JOB_NUM_NODES": "2", "SLURM_JOB_ID": "7", "SLURM_JOB_NODELIST": "n[0-1]"}


@pytest.mark.parametrize(
    ("settings", "calls"),
    [
        ({}, [ALONE]),
        ({"FAKE_GPUS": "80"}, [ALONE]),
        ({"FAKE_GPUS": "80 80", "PROCESSES": "1"}, [ALONE]),
        ({"FAKE_GPUS": "80", "SLURM_JOB_NUM_NODES": "1"}, [ALONE]),
        ({"FAKE_GPUS": "80 80"}, [LOCAL, _place(0, 0, 2), _place(1, 1, 2)]),
        ({"PROCESSES": "2"}, [LOCAL, _place(0, 0, 2, *GLOO), _place(1, 1, 2, *GLOO)]),
        (
            {**TWO_NODES, "FAKE_GPUS": "80", "SLURM_CPUS_PER_TASK": "6"},
            [f"{SRUN} --cpus-per-task 6", _node(0, 1), _place(0, 0, 2), _node(1, 1), _place(1, 0, 2)],
        ),
        (
            {**TWO_NODES, "FAKE_GPUS": "80 80"},
            [SRUN, _node(0, 2, 4), _place(0, 0, 4), _place(1, 1, 4), _node(1, 2, 4), _place(2, 0, 4), _place(3, 1, 4)],
        ),
        (TWO_NODES, [SRUN, _node(0, 1), _place(0, 0, 2, *GLOO), _node(1, 1), _place(1, 0, 2, *GLOO)]),
    ],
)
def test_each_process_is_told_its_place(settings: dict[str, str], calls: list[str], fakes: dict[str, str]) -> None:
    said = _output("launch_training data --adam-betas '(0.9, 0.98)'", fakes | settings)
    assert len(set(re.findall(r"\b2\d{4}\b", said))) <= 1  # one port for all
    assert re.sub(r"\b2\d{4}\b", "PORT", said).splitlines() == calls


def test_threads_need_not_be_set(fakes: dict[str, str]) -> None:
    fakes.pop("OMP_NUM_THREADS")
    assert _output("launch_training data", fakes | {"PROCESSES": "2"}).splitlines()[0].endswith("threads 1")


@pytest.mark.parametrize("settings", [{}, {"PROCESSES": "2"}, TWO_NODES])
def test_a_failed_training_fails(settings: dict[str, str], fakes: dict[str, str]) -> None:
    done = _shell("launch_training data; echo not reached", {**fakes, **settings, "FAKE_CODE": "5"})
    assert done.returncode == 5
    assert "not reached" not in done.stdout


SLEEPER = """
import signal, sys, time
def end(number, frame):
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # the shell sends a second one, which would cut into the print
    print("asked by", number, flush=True)
    sys.exit(143)  # as a training does, also one that the second signal finds at its end
signal.signal(signal.SIGTERM, end)
time.sleep(2)  # the shell that started this attends to it meanwhile
print("ready", flush=True)
time.sleep(float(sys.argv[1]))
sys.exit(int(sys.argv[2]))
"""


def _attended(seconds: float, code: int, tmp_path: Path, fakes: dict[str, str]) -> "subprocess.Popen[str]":
    (tmp_path / "sleeper.py").write_text(SLEEPER)
    train = f"train() {{ trap '' INT; exec '{sys.executable}' '{tmp_path / 'sleeper.py'}' {seconds} {code}; }}"
    pipeline = """train 2>&1 | (trap '' INT TERM USR1 && cat) &
    attend "$(jobs -p | tail -n 1)" $! && echo fine || echo "code $?" """
    script = f"set -euo pipefail; source recipes/launch.sh; {train}; {pipeline}"
    command = ["bash", "-c", script]
    return subprocess.Popen(
        command,
        cwd=ROOT,
        env=fakes,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # what starts the tests may ignore it
    )


@pytest.mark.parametrize(("code", "said"), [(0, "ready\nfine\n"), (3, "ready\ncode 3\n")])
def test_a_training_in_the_background_ends_with_its_code(
    code: int, said: str, tmp_path: Path, fakes: dict[str, str]
) -> None:
    assert _attended(0.1, code, tmp_path, fakes).communicate(timeout=30)[0] == said


@pytest.mark.parametrize("send", [os.kill, os.killpg])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_what_asks_the_recipe_to_stop_asks_the_training(
    number: signal.Signals, send: Callable[[int, int], None], tmp_path: Path, fakes: dict[str, str]
) -> None:
    recipe = _attended(60, 0, tmp_path, fakes)
    assert recipe.stdout is not None
    assert recipe.stdout.readline() == "ready\n"
    send(recipe.pid, number)
    assert recipe.communicate(timeout=30)[0] == "asked by 15\ncode 143\n"


CHILD = "torch.distributed.elastic.multiprocessing.errors.ChildFailedError: \n====\nRoot Cause:\n  exitcode : 1\n===="
KILLED = "  traceback : Signal 9 (SIGKILL) received by PID 12"
SRUN_ENDS = "slurmstepd-n1: error: *** STEP 6.0 ON n1 CANCELLED AT 0 ***\nsrun: error: n2: task 1: Terminated\n"


@pytest.mark.parametrize(
    ("log", "reason"),
    [
        ("usage:\n  [--x]\nfairseq-train: error: invalid choice: 'x'\n", "fairseq-train: error: invalid choice: 'x'"),
        (f"[rank1]: ValueError: no\n[rank0]: RuntimeError: closed by peer\n{CHILD}\n", "[rank1]: ValueError: no"),
        (f"[rank0]: RuntimeError: Connection closed by peer\n{CHILD}\n{KILLED}\n====\n", KILLED),
        (f"[rank1]: KeyError: 'k'\n{CHILD}\n{SRUN_ENDS}", "[rank1]: KeyError: 'k'"),
        ("train | epoch 1\n  more\n", "train | epoch 1"),
        ("CUDAError: long ago\n" + "line\n" * 300, "line"),
        ("", "train.log says nothing"),
    ],
)
def test_the_line_that_says_why(log: str, reason: str, tmp_path: Path, fakes: dict[str, str]) -> None:
    (tmp_path / "train.log").write_text(log)
    assert _output(f"cd {tmp_path}; failure train.log", fakes) == reason.strip()


def _job(recipe: str, tmp_path: Path, fakes: dict[str, str]) -> subprocess.Popen[str]:
    (tmp_path / "recipe.sh").write_text(recipe)
    settings = {"SLURM_SUBMIT_DIR": str(tmp_path), "SLURM_JOB_ID": "7", "SLURM_JOB_NODELIST": "n0"}
    command = ["bash", str(ROOT / "recipes" / "slurm" / "recipe.sbatch"), "recipe.sh", "an argument"]
    environment = {**fakes, **settings, "FAKE_CALLS": str(tmp_path / "calls")}
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True, cwd="/")


def test_a_job_passes_on_arguments_and_the_exit_code(tmp_path: Path, fakes: dict[str, str]) -> None:
    job = _job('echo "$# $1"; exit 3', tmp_path, fakes)
    assert job.communicate(timeout=30)[0].splitlines()[-1] == "1 an argument"
    assert job.returncode == 3
    assert not (tmp_path / "calls").exists()


def test_a_job_whose_time_is_nearly_up_goes_back_into_the_queue(tmp_path: Path, fakes: dict[str, str]) -> None:
    job = _job("touch started; until [[ -e calls ]]; do sleep 0.1; done; sleep 0.5; exit 4", tmp_path, fakes)
    for _ in range(300):
        if (tmp_path / "started").exists():
            break
        time.sleep(0.1)
    job.send_signal(signal.SIGUSR1)
    assert "time is nearly up" in job.communicate(timeout=30)[0]
    assert (tmp_path / "calls").read_text() == "requeue 7\n"
    assert job.returncode == 4  # until Slurm ends it, the recipe goes on


def test_two_processes_continue_and_train_as_one_does(tmp_path: Path) -> None:
    write_corpus(tmp_path, train=200, valid=8, test=8, seed=1)
    prefixes = [word for name in ("train", "valid") for word in (f"--{name}pref", tmp_path / name)]
    languages = ("--source-lang", "en", "--target-lang", "de", "--joined-dictionary")
    subprocess.run(
        [PROGRAMS / "fairseq-preprocess", *languages, *prefixes, "--destdir", tmp_path / "bin"],
        check=True,
        capture_output=True,
    )
    path = os.pathsep.join([str(PROGRAMS), os.environ["PATH"]])
    # The number of threads changes the rounding.
    environment = {**os.environ, "PATH": path, "CUDA_VISIBLE_DEVICES": "", "OMP_NUM_THREADS": "1"}
    model = f"--user-dir {nmt_attn.__path__[0]} --arch nmt_attn_tiny --share-all-embeddings"
    no_chance = "--dropout 0 --attention-dropout 0 --activation-dropout 0 --seed 1"
    limits = "--max-tokens 200 --disable-validation --no-epoch-checkpoints --log-format json --log-interval 1"
    rate = "--optimizer adam --lr 0.001"

    def train(processes: int, updates: int, frequency: int, run: str) -> str:
        flags = f"{model} {no_chance} {limits} {rate} --max-update {updates} --update-freq {frequency}"
        folder = f"'{tmp_path / 'bin'}' --save-dir '{tmp_path / run}'"
        done = _shell(f"launch_training {folder} {flags}", environment | {"PROCESSES": str(processes)})
        assert done.returncode == 0, done.stderr[-2000:]
        return done.stdout

    train(2, 2, 1, "two")
    log = train(2, 4, 1, "two")
    assert "checkpoint_last.pt (epoch 1 @ 2 updates)" in log
    assert "training on 2 devices" in log
    assert len(re.findall('train_inner .*"num_updates": "4"', log)) == 1  # one process logs
    train(1, 4, 2, "one")
    one, two = (checkpoints.load(tmp_path / run / "checkpoint_last.pt")["model"] for run in ("one", "two"))
    assert one.keys() == two.keys()
    for name, value in one.items():
        torch.testing.assert_close(two[name], value, rtol=0, atol=1e-6)
