"""What needs no Slurm: parameters, what is missing, and the end of a job's processes."""

import subprocess
import sys
from pathlib import Path

import pytest

from nmt_attn.spec import SpecError
from nmt_attn.study import slurm_job
from nmt_attn.study.slurm import SlurmLauncher
from nmt_attn.study.store import append


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only folder in PATH, with Slurm's programs."""
    programs = tmp_path / "programs"
    programs.mkdir()
    for name in ("sbatch", "srun"):
        (programs / name).touch(mode=0o755)
    monkeypatch.setenv("PATH", str(programs))
    return programs


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"partitoin": "gpu"}, "--slurm must name one of account, .*timeout_min, wckey, not 'partitoin'"),
        ({"additional_parameters": "{}"}, "--slurm must name one of .*, not 'additional_parameters'"),
        ({"partition": ""}, "--slurm partition must be some text, not ''"),
        ({"time": "12:00:00"}, "--slurm timeout_min must be a number of minutes, not '12:00:00'"),
        ({"mem_gb": "16GB"}, "--slurm mem_gb must be a number, not '16GB'"),
        ({"nodes": "-1"}, "--slurm nodes must be a number, not '-1'"),
    ],
)
def test_a_parameter_that_does_not_exist_is_refused(
    parameters: dict[str, str], message: str, tmp_path: Path, programs: Path
) -> None:
    with pytest.raises(SpecError, match=message):
        SlurmLauncher(tmp_path, parameters)


def test_all_parameters_are_submitits(tmp_path: Path, programs: Path) -> None:
    submitit = pytest.importorskip("submitit")
    from nmt_attn.study.slurm import PARAMETERS

    assert set(PARAMETERS) <= submitit.SlurmExecutor._valid_parameters() | submitit.AutoExecutor._valid_parameters()
    SlurmLauncher(tmp_path, dict.fromkeys(PARAMETERS, "1"))


def test_without_submitit_or_slurm_one_line_tells_what_to_do(
    tmp_path: Path, programs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as without:
        without.setitem(sys.modules, "submitit", None)
        with pytest.raises(SpecError, match=r"must have submitit: pip install 'nmt_attn\[slurm\]'"):
            SlurmLauncher(tmp_path, {})
    pytest.importorskip("submitit")
    (programs / "sbatch").unlink()
    with pytest.raises(SpecError, match="must be used where Slurm's sbatch is in PATH"):
        SlurmLauncher(tmp_path, {})


def test_a_job_that_was_not_written_down_does_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slurm_job, "PATIENCE", 0.3)
    monkeypatch.setenv("SLURM_JOB_ID", "7")
    append(tmp_path / "jobs.jsonl", {"task": "task", "job": "7"})
    append(tmp_path / "jobs.jsonl", {"task": "task", "job": "8"})
    job = slurm_job.JobCommand("task", ("touch", str(tmp_path / "done")), {}, tmp_path / "log", tmp_path)
    with pytest.raises(SystemExit, match="jobs.jsonl names another job for task: nothing is done"):
        job()
    assert not (tmp_path / "done").exists()


# A child that ends when asked has one that does not, and one in a session of its own that does not either.
DEAF = """
deaf='trap "" TERM; echo $$; sleep 1000'
bash -c "$deaf" &
setsid bash -c "$deaf" &
wait
"""
STOPS = """
import subprocess, sys
from pathlib import Path
from nmt_attn.study import slurm_job
slurm_job.GRACE = 0.5
slurm_job.adopt_orphans()
child = subprocess.Popen(["bash", "-c", sys.argv[1]], start_new_session=True, stdout=subprocess.PIPE, text=True)
processes = [child.stdout.readline().strip() for _ in range(2)]
slurm_job.stop_children()
print([Path("/proc", process).exists() for process in processes])
"""


@pytest.mark.skipif(sys.platform != "linux", reason="adopting orphans is Linux'")
def test_children_that_do_not_listen_are_killed_with_their_own() -> None:
    done = subprocess.run([sys.executable, "-c", STOPS, DEAF], capture_output=True, text=True, timeout=60)
    assert (done.stdout, done.stderr) == ("[False, False]\n", "")
