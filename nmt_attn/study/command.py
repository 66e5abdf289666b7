"""nmt-attn study: plan, run, status, retry, report."""

import argparse
import sys
import time
from pathlib import Path

from nmt_attn.arguments import positive
from nmt_attn.spec import SpecError
from nmt_attn.study.folder import State, StudyFolder
from nmt_attn.study.launchers import Launcher, LocalLauncher, gpus_here, processors
from nmt_attn.study.plan import Study, read_study
from nmt_attn.study.planned import plan_text, reference_speed
from nmt_attn.study.runner import run_study
from nmt_attn.study.store import read_store

MOST_WORKERS = 8  # by default: more models than that may not fit into memory


def plan(options: argparse.Namespace) -> int:
    """Shows the runs, what they cost and how long they will take here."""
    study, folder = _study(options)
    workers, gpus = _workers(options)
    results = read_store(folder.store)
    speed = None if results or options.no_estimate else reference_speed(study, workers, gpus)
    print(plan_text(study, results, workers if gpus else min(workers, processors()), speed))
    return 0


def run(options: argparse.Namespace) -> int:
    """Carries out what is not finished; 0 if all is, 1 if some runs failed."""
    study, folder = _study(options)
    try:
        left = run_study(study, folder, _launcher(options, folder), _say, again=options.again)
    except KeyboardInterrupt:
        _say("interrupted: nothing is lost, the same command goes on")
        return 130
    _say(f"all {len(study.runs())} runs are finished: {folder.store}" if not left else f"{left} runs are not finished")
    return 1 if left else 0


def status(options: argparse.Namespace) -> int:
    """Tells the state of every run."""
    study, folder = _study(options)
    stored = folder.stored(study)
    states = {run.name: folder.state(run, stored) for run in study.runs()}
    for run in study.runs():
        state = states[run.name]
        detail = f": {folder.reason(run)} (log: {folder.log(run)})" if state is State.FAILED else ""
        if state in (State.RUNNING, State.STOPPED):
            detail = f" at update {folder.updates(run)} of {run.corpus.variables['UPDATES']}"
        print(f"{run.name:60} {state.value}{detail}")
    counts = [f"{list(states.values()).count(state)} {state.value}" for state in State]
    print(f"{len(states)} runs: {', '.join(counts)}")
    return 0


def report(options: argparse.Namespace) -> int:
    """Writes the report of what is in the store."""
    from nmt_attn.study.report import write_report

    study, folder = _study(options)
    folder.stored(study)  # refuses results of other settings
    for path in write_report(study, options.study, folder.path):
        print(path)
    return 0


def _study(options: argparse.Namespace) -> tuple[Study, StudyFolder]:
    study = read_study(options.study)
    return study, StudyFolder(options.out or Path("runs") / "studies" / study.name)


def _say(line: str) -> None:
    print(f"{time.strftime('%H:%M:%S')}  {line}", file=sys.stderr, flush=True)


def _workers(options: argparse.Namespace) -> tuple[int, list[str]]:
    """How many runs at a time, and the GPUs for them."""
    gpus = _gpus(options.gpus)
    if options.workers:
        return options.workers, gpus
    return (max(1, len(gpus) // options.gpus_per_run) if gpus else min(processors(), MOST_WORKERS)), gpus


def _gpus(given: str | None) -> list[str]:
    """Those of --gpus, or all."""
    if given == "":
        return []
    here = gpus_here()
    if given is None:
        return here
    names = [name.strip() for name in given.split(",")]
    if len(set(names)) < len(names) or not set(names) <= set(here):
        known = f"different GPUs among {','.join(here)}" if here else "'' here, where torch sees no GPU"
        raise SpecError(f"--gpus must be {known}, not {given!r}")
    return names


def _launcher(options: argparse.Namespace, folder: StudyFolder) -> Launcher:
    if options.launcher == "slurm":
        if options.gpus is not None or options.gpus_per_run != 1:
            raise SpecError(
                "--gpus and --gpus-per-run must be left out with Slurm: --slurm gpus_per_node=1 asks for GPUs"
            )
        from nmt_attn.study.slurm import SlurmLauncher

        parameters = dict(given.partition("=")[::2] for given in options.slurm)
        return SlurmLauncher(
            folder.path / "slurm", parameters, **({"places": options.workers} if options.workers else {})
        )
    if options.slurm:
        raise SpecError("--slurm must come with --launcher slurm")
    workers, gpus = _workers(options)
    return LocalLauncher(workers, gpus, options.gpus_per_run)


def add_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds nmt-attn study to the command line."""
    text = "many runs, one table: plan, run, status, retry, report"
    parser = commands.add_parser("study", help=text, description=text)
    steps = parser.add_subparsers(required=True, metavar="STEP")
    for name, command, text in (
        ("plan", plan, "show the runs of a study, what they cost and how long they will take here"),
        ("run", run, "carry out a study; a second call goes on where the first was"),
        ("status", status, "tell which runs are finished, running, failed or waiting"),
        ("retry", run, "carry out a study, with those runs that failed before"),
        ("report", report, "write tables, figures and verdicts of what is finished"),
    ):
        sub = steps.add_parser(name, help=text, description=text)
        sub.set_defaults(command=command, again=name == "retry")
        sub.add_argument("study", type=Path, help="the study's file, such as recipes/studies/quick.yaml")
        sub.add_argument("--out", type=Path, help="its folder (default: runs/studies/NAME)")
        if name in ("plan", "run", "retry"):
            _add_machine(sub)
        if name == "plan":
            sub.add_argument("--no-estimate", action="store_true", help="do not measure how fast this machine is")
        if name in ("run", "retry"):
            sub.add_argument("--launcher", choices=("local", "slurm"), default="local")
            sub.add_argument(
                "--slurm",
                action="append",
                default=[],
                metavar="KEY=VALUE",
                help="for Slurm, in submitit's words, such as partition=gpu gpus_per_node=1 timeout_min=600; repeat it",
            )


def _add_machine(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--workers",
        type=positive,
        help=f"runs at a time (default: one a GPU; without GPUs one a processor, at most {MOST_WORKERS})",
    )
    parser.add_argument("--gpus", metavar="N,N...", help="GPUs to use (default: all that torch can use; '' for none)")
    parser.add_argument("--gpus-per-run", type=positive, default=1, help="GPUs of each run (%(default)s)")
