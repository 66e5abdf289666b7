"""nmt_attn.study.slurm on a real Slurm of one node."""

from pathlib import Path

import pytest

from nmt_attn.spec import SpecError
from nmt_attn.study.slurm import SlurmLauncher
from tests.slurm.cluster import Cluster, wait_for
from tests.slurm.tasks import GOES_ON, STUBBORN, WAITS, Study


@pytest.fixture
def study(tmp_path: Path, cluster: Cluster) -> Study:
    return Study(tmp_path / "a study")


def _ends(launcher: SlurmLauncher, count: int) -> dict[str, int]:
    ended: list[tuple[str, int]] = []

    def enough() -> bool:
        ended.extend(launcher.finished())
        return len(ended) >= count

    wait_for(f"{count} tasks ended", enough)
    assert len(ended) == count
    return dict(ended)


def test_tasks_have_environment_log_and_exit_code_each_for_itself(study: Study, cluster: Cluster) -> None:
    launcher = study.launcher()
    study.log("m/good.1").parent.mkdir(parents=True)
    study.log("m/good.1").write_text("before\n")
    launcher.start(study.task("m/good.1", 'echo "in $PLACE"; echo error >&2'))
    launcher.start(study.task("m/bad.1", "exit 3"))
    launcher.start(study.task("m/killed.1", "kill -KILL $$"))
    assert _ends(launcher, 3) == {"m/good.1": 0, "m/bad.1": 3, "m/killed.1": 137}
    assert launcher.finished() == []
    assert [launcher.reason(name) for name in ("m/good.1", "m/bad.1", "m/killed.1")] == [""] * 3
    job = dict(study.jobs())["m/good.1"]
    expected = ["before", f"job {job}, start 1, on localhost", f"in {study.place('m/good.1')}", "error"]
    assert study.log("m/good.1").read_text().splitlines() == expected
    shown = cluster.call("scontrol", "show", "job", dict(study.jobs())["m/bad.1"])
    assert "JobName=nmt_attn m/bad.1" in shown
    assert "JobState=FAILED" in shown


def test_a_second_runner_takes_over_jobs_that_wait_and_run(study: Study, cluster: Cluster) -> None:
    tasks = [study.task(name, WAITS) for name in ("one", "two", "new")]
    first = study.launcher(cpus_per_task="4")
    for task in tasks[:2]:
        first.start(task)
    wait_for("one runs", lambda: study.starts("one"))
    (job_of_one, job_of_two) = (job for _, job in study.jobs())
    assert (cluster.state(job_of_one), cluster.state(job_of_two)) == ("RUNNING", "PENDING")
    first.stop()
    assert first.finished() == []
    second = study.launcher(cpus_per_task="4")
    for task in tasks:
        second.start(task)
        (study.place(task.name) / "go").touch()
    assert _ends(second, 3) == {"one": 0, "two": 0, "new": 0}
    assert [name for name, _ in study.jobs()] == ["one", "two", "new"]
    assert [study.starts(task.name) for task in tasks] == [1, 1, 1]


def test_a_job_that_ended_between_two_runners_is_submitted_again(study: Study, cluster: Cluster) -> None:
    task = study.task("task", WAITS)
    (study.place("task") / "go").touch()
    for _ in range(2):
        launcher = study.launcher()
        launcher.start(task)
        wait_for("it ends", lambda: not cluster.jobs())
    assert _ends(launcher, 1) == {"task": 0}
    assert study.starts("task") == 2


def test_nothing_of_a_cancelled_job_is_left_and_its_end_has_a_reason(study: Study, cluster: Cluster) -> None:
    launcher = study.launcher()
    launcher.start(study.task("stubborn", STUBBORN))
    launcher.start(study.task("good", WAITS))
    wait_for("they run", lambda: study.starts("stubborn") == 2 and study.starts("good") == 1)
    job = dict(study.jobs())["stubborn"]
    cluster.call("scancel", job)
    assert _ends(launcher, 1) == {"stubborn": 1}
    assert launcher.reason("stubborn") == f"job {job}: CANCELLED"
    assert study.alive("stubborn") == []
    (study.place("good") / "go").touch()
    assert _ends(launcher, 1) == {"good": 0}


def _begin(study: Study, launcher: SlurmLauncher, *names: str) -> None:
    for name in names:
        launcher.start(study.task(name, GOES_ON))
    wait_for("they run", lambda: all((study.place(name) / "done").exists() for name in names))


def _go_on(study: Study, launcher: SlurmLauncher, *names: str) -> None:
    assert _ends(launcher, len(names)) == dict.fromkeys(names, 0)
    assert len(study.jobs()) == len(names)
    for name in names:
        assert study.starts(name) == 2
        assert study.log(name).read_text().splitlines()[-1] == "goes on from 5"
        assert study.alive(name) == []


def test_jobs_that_go_back_into_the_queue_go_on_where_they_were(study: Study, cluster: Cluster) -> None:
    launcher = study.launcher(time="1", signal_delay_s="55")
    names = ("put back", "submitit's signal", "time limit")
    _begin(study, launcher, *names)
    jobs = dict(study.jobs())
    cluster.call("scontrol", "requeue", jobs["put back"])
    cluster.call("scancel", "--batch", "--signal=USR2", jobs["submitit's signal"])
    _go_on(study, launcher, *names)


def test_a_preempted_job_goes_on_where_it_was(study: Study, cluster: Cluster) -> None:
    launcher = study.launcher(cpus_per_task="4")
    _begin(study, launcher, "task")
    cluster.call("sbatch", "--partition=first", "--cpus-per-task=4", "--output=/dev/null", "--wrap=sleep 1")
    _go_on(study, launcher, "task")


@pytest.mark.parametrize("parameters", [{"partition": "none"}, {"gpus_per_node": "1"}])
def test_what_slurm_refuses_is_told_in_its_words(parameters: dict[str, str], study: Study) -> None:
    with pytest.raises(SpecError, match="sbatch must accept the job of task, but says: sbatch: error: .*"):
        study.launcher(**parameters).start(study.task("task", "true"))
    assert not (study.slurm / "jobs.jsonl").exists()


def test_while_slurm_is_away_nothing_ends(
    study: Study, cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    launcher = study.launcher()
    launcher.start(study.task("task", "exit 2"))
    wait_for("it ends", lambda: cluster.state(study.jobs()[0][1]) == "FAILED")
    squeue = tmp_path / "squeue"
    squeue.write_text("#!/bin/sh\nexit 1\n")
    squeue.chmod(0o755)
    with monkeypatch.context() as away:
        away.setenv("PATH", f"{tmp_path}:{cluster.environment['PATH']}")
        assert launcher.finished() == []
        with pytest.raises(SpecError, match="squeue must list the jobs, but says: nothing"):
            study.launcher().start(study.task("task", "exit 2"))
    assert _ends(launcher, 1) == {"task": 2}
    assert len(study.jobs()) == 1
