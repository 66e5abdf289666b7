"""Runs as jobs of Slurm, given to it by submitit. They wait, run and go on whether or not the runner lives."""

import os
import re
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nmt_attn.spec import SpecError
from nmt_attn.study.launchers import Task
from nmt_attn.study.slurm_job import JobCommand, exit_code_file, jobs_by_task
from nmt_attn.study.store import append

PAUSE = 15.0  # seconds between two looks at Slurm's queue
HOURS = 4  # time limit of a job by default; at its end the job goes back into the queue
TIME_LIMITS = 10_000  # times that a job may meet its limit; submitit's own are 3

# submitit's parameters that can be given as text, with the form of their values.
NUMBER, TEXT = r"\d+", r"(?s).+"
PARAMETERS = {
    **dict.fromkeys(("timeout_min", "nodes", "cpus_per_task", "cpus_per_gpu", "signal_delay_s"), NUMBER),
    "mem_gb": r"\d+(\.\d+)?",
    **dict.fromkeys(("partition", "qos", "account", "wckey", "gpus_per_node", "gpus_per_task", "gres"), TEXT),
    **dict.fromkeys(("mem", "mem_per_gpu", "mem_per_cpu", "constraint", "nodelist", "exclude", "exclusive"), TEXT),
    **dict.fromkeys(("dependency", "comment", "mail_type", "mail_user", "setup"), TEXT),
}
OF_ALL_CLUSTERS = {"timeout_min", "nodes", "cpus_per_task", "mem_gb"}  # others carry Slurm's name in submitit

# States after which a job does not come back; https://slurm.schedmd.com/squeue.html#lbAG
ENDED = {"BOOT_FAIL", "CANCELLED", "COMPLETED", "DEADLINE", "FAILED", "NODE_FAIL", "OUT_OF_MEMORY", "PREEMPTED"}
ENDED |= {"REVOKED", "TIMEOUT"}


class SlurmLauncher:
    """Tasks as jobs of Slurm, one each, that outlive the runner: the next one finds them by ``folder``/jobs.jsonl.

    parameters: submitit's, such as partition, timeout_min, gpus_per_node. places: jobs at a time, in the queue or
    running. pause: seconds between two looks at the queue. The folder must be the same on all nodes; the caller sees
    to it that no other runner uses it. Raises SpecError for parameters that do not exist, without submitit or Slurm.
    """

    def __init__(self, folder: Path, parameters: Mapping[str, str], places: int = 1000, pause: float = PAUSE) -> None:
        self.places = places
        self._folder = folder.resolve()
        self._pause = pause
        self._executor = _executor(self._folder, _parsed(parameters))
        self._jobs: dict[str, str] = {}
        self._reasons: dict[str, str] = {}
        self._before: dict[str, str] | None = None  # jobs of an earlier runner that may still live
        self._seen: float | None = None

    def start(self, task: Task) -> None:
        """Submits a job, or takes that of an earlier runner if it has not ended. Raises SpecError if Slurm refuses."""
        self._reasons.pop(task.name, None)
        if self._before is None:
            states = _states() if (self._folder / "jobs.jsonl").exists() else {}
            jobs = jobs_by_task(self._folder)
            self._before = {name: job for name, job in jobs.items() if states.get(job, "FAILED") not in ENDED}
        job = self._before.pop(task.name, None)
        self._jobs[task.name] = job or self._submit(task)

    def _submit(self, task: Task) -> str:
        import submitit

        self._executor.update_parameters(name=f"nmt_attn {task.name}")
        command = JobCommand(task.name, tuple(task.command), dict(task.environment), task.log.resolve(), self._folder)
        try:
            job: str = self._executor.submit(command).job_id
        except submitit.core.utils.FailedJobError as error:
            said = (str(error).strip() or "nothing").splitlines()[-1]
            raise SpecError(f"sbatch must accept the job of {task.name}, but says: {said}") from error
        append(self._folder / "jobs.jsonl", {"task": task.name, "job": job})
        return job

    def finished(self) -> list[tuple[str, int]]:
        """Names and exit codes of the tasks that ended; a look at the queue every ``pause`` seconds, else nothing."""
        if not self._jobs or (self._seen is not None and time.monotonic() < self._seen + self._pause):
            return []
        try:
            states = _states()
        except SpecError:  # Slurm is away for a while
            return []
        finally:
            self._seen = time.monotonic()
        ended = [name for name, job in self._jobs.items() if states.get(job, "COMPLETED") in ENDED]
        return [(name, self._end(name, states.get(self._jobs[name]))) for name in ended]

    def _end(self, name: str, state: str | None) -> int:
        """The exit code of an ended job. Slurm forgets jobs after minutes, so that the job itself leaves its code."""
        job = self._jobs.pop(name)
        try:
            code = int(exit_code_file(self._folder, job).read_text(encoding="utf-8"))
        except FileNotFoundError:
            code = None
        if code is None or (code != 0 and state not in ("COMPLETED", "FAILED", None)):
            state = _accounted(job) or state or "unknown to Slurm"
            self._reasons[name] = f"job {job}: {state}"
            if state == "FAILED":
                self._reasons[name] += f" outside its command (log: {self._folder / f'{job}_0_log.err'})"
        if code is None:
            code = 0 if state == "COMPLETED" else 1
        return code

    def reason(self, name: str) -> str:
        """Why Slurm ended a task's job, if it was not its command that ended."""
        return self._reasons.get(name, "")

    def stop(self) -> None:
        """Jobs stay in the queue: they are the next runner's."""
        self._jobs.clear()


def _parsed(parameters: Mapping[str, str]) -> dict[str, Any]:
    """Parameters as submitit takes them."""
    parsed: dict[str, Any] = {"timeout_min": HOURS * 60}
    for name, value in parameters.items():
        name = "timeout_min" if name == "time" else name
        if name not in PARAMETERS:
            raise SpecError(f"--slurm must name one of {', '.join(sorted(PARAMETERS))}, not {name!r}")
        form = PARAMETERS[name]
        if not re.fullmatch(form, value):
            kind = "some text" if form is TEXT else "a number of minutes" if name == "timeout_min" else "a number"
            raise SpecError(f"--slurm {name} must be {kind}, not {value!r}")
        parsed[name] = float(value) if name == "mem_gb" else int(value) if form is NUMBER else value
    if "setup" in parsed:
        parsed["setup"] = [parsed["setup"]]
    if parsed.get("exclusive") == "true":
        parsed["exclusive"] = True
    return parsed


def _executor(folder: Path, parameters: dict[str, Any]) -> Any:
    """submitit's executor, for jobs of one process in the batch script itself: recipes start others with srun."""
    try:
        import submitit
    except ImportError as error:
        raise SpecError("--launcher slurm must have submitit: pip install 'nmt_attn[slurm]'") from error
    if not shutil.which("sbatch"):
        raise SpecError("--launcher slurm must be used where Slurm's sbatch is in PATH: on a login node")
    folder.mkdir(parents=True, exist_ok=True)
    python = f"exec {shlex.quote(sys.executable)}"  # in place of the script's shell, that would not pass on signals
    executor = submitit.AutoExecutor(
        folder=folder, cluster="slurm", slurm_python=python, slurm_max_num_timeout=TIME_LIMITS
    )
    delay = parameters.pop("signal_delay_s", 90)
    signal = f"B:{submitit.JobEnvironment.USR_SIG}@{delay}"  # B: to the script, which submitit leaves out
    named = {name if name in OF_ALL_CLUSTERS else f"slurm_{name}": value for name, value in parameters.items()}
    executor.update_parameters(
        **named, slurm_use_srun=False, slurm_additional_parameters={"signal": signal, "requeue": True}
    )
    return executor


def _states() -> dict[str, str]:
    """The state of this user's jobs that Slurm has not forgotten. Raises SpecError if it does not answer."""
    command = ["squeue", "--noheader", "--states=all", f"--user={os.getuid()}", "--format=%i %T"]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise SpecError(f"squeue must list the jobs, but says: {done.stderr.strip() or 'nothing'}")
    return dict(line.split() for line in done.stdout.splitlines())


def _accounted(job: str) -> str:
    """The state in words of Slurm's accounting, such as CANCELLED by 1000; empty where there is none."""
    command = ["sacct", "--allocations", "--noheader", "--parsable2", "--format=State", f"--jobs={job}"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    except (FileNotFoundError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip().partition("\n")[0]
