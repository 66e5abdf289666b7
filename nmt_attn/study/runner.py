"""Carries out a study: every run is a process of its recipe. Killed anywhere, it goes on where it was."""

import os
import re
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from nmt_attn.lock import locked
from nmt_attn.spec import SpecError
from nmt_attn.study.estimate import hours, run_work
from nmt_attn.study.folder import State, StudyFolder
from nmt_attn.study.launchers import Launcher, LocalLauncher, Task
from nmt_attn.study.plan import DATA_PLACES, RESERVED, Corpus, Run, Study

STEPS = "train average translate score"
PAUSE = 0.2  # seconds between two looks at what runs
NEWS = 60.0  # seconds between two lines of progress

Say = Callable[[str], None]


def run_study(study: Study, folder: StudyFolder, launcher: Launcher, say: Say, again: bool = False) -> int:
    """Runs all that is not finished; returns how many runs are not finished at the end.

    Runs that failed before are left as they are unless ``again``. Raises SpecError if another process runs this study,
    or if the folder holds results of other settings.
    """
    folder.stored(study)  # refuses before anything is written
    with locked(folder.lock, f"the study in {folder.path}"), _stopped_by_signals(launcher):
        return _Runner(study, folder, launcher, say).run(again)


@contextmanager
def _stopped_by_signals(launcher: Launcher) -> Iterator[None]:
    """SIGTERM ends the runner as the interrupt key does; either way nothing that it started is left behind."""

    def end(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        launcher.stop()
        signal.signal(signal.SIGTERM, before)


class _Runner:
    """One call of run_study."""

    def __init__(self, study: Study, folder: StudyFolder, launcher: Launcher, say: Say) -> None:
        self.study, self.folder, self.launcher, self.say = study, folder, launcher, say
        self.runs = {run.name: run for run in study.runs()}
        self.running: dict[str, Run] = {}
        self.log_starts: dict[str, int] = {}
        self.pause_until = 0.0
        self.begun = time.monotonic()
        self.done_before = 0.0

    def run(self, again: bool) -> int:
        stored = self.folder.stored(self.study)
        waiting = [run for run in self.runs.values() if run.name not in stored]
        for run in [run for run in waiting if self.folder.is_done(run)]:
            self.folder.collect(self.study, run)
            waiting.remove(run)
        failed = [run for run in waiting if self.folder.failure(run).exists()]
        if again:
            for run in failed:
                self.folder.failure(run).unlink()
        elif failed:
            waiting = [run for run in waiting if run not in failed]
            self.say(f"{len(failed)} failed before and are left out: nmt-attn study retry begins them again")
        waiting = self._prepared(waiting)
        self.begun, self.done_before = time.monotonic(), self._work_done()
        self._work_off(waiting)
        return len(self.runs) - self._states()[State.FINISHED]

    def _prepared(self, waiting: list[Run]) -> list[Run]:
        """The runs whose corpus has its data, after an attempt to make them."""
        for corpus in {run.corpus.name: run.corpus for run in waiting}.values():
            if problem := self._prepare(corpus):
                self.say(f"data of {corpus.name} failed: {problem}")
                waiting = [run for run in waiting if run.corpus.name != corpus.name]
        return waiting

    def _prepare(self, corpus: Corpus) -> str:
        log = self.folder.path / "logs" / corpus.name / "prepare.log"
        self.say(f"data of {corpus.name} (log: {log})")
        here, start = LocalLauncher(1), _size(log)
        task = Task("prepare", ("bash", str(corpus.recipe)), self._environment(corpus, STEPS="prepare"), log)
        try:
            here.start(task)
            while not (ended := here.finished()):
                time.sleep(PAUSE)
        finally:
            here.stop()
        code = ended[0][1]
        return "" if code == 0 else last_words(log, start) or f"exit code {code}"

    def _environment(self, corpus: Corpus, **more: str) -> dict[str, str]:
        """The recipe's variables as planned, whatever the user's shell has; only places of data are left to it."""
        left = RESERVED | {name for name in DATA_PLACES if not corpus.variables.get(name)}
        planned = {name: value for name, value in corpus.variables.items() if name not in left}
        return {
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "VENV": "",
            "OUT": str(self.folder.path.resolve() / corpus.name),
            **planned,
            **more,
        }

    def _task(self, run: Run) -> Task:
        places = {"{run}": str(self.folder.run(run).resolve()), "{name}": run.name.replace("/", ".")}
        tracking = " ".join(self.study.tracking)
        for word, value in places.items():
            tracking = tracking.replace(word, value)
        names = {"STEPS": STEPS, "RUN_NAME": run.folder, "SEED": str(run.seed), "TRACKING": tracking}
        command = ("bash", str(run.corpus.recipe), run.model.arch, *run.model.flags)
        return Task(run.name, command, self._environment(run.corpus, **names), self.folder.log(run))

    def _work_off(self, waiting: list[Run]) -> None:
        news = time.monotonic()
        while waiting or self.running:
            while waiting and len(self.running) < self.launcher.places and time.monotonic() >= self.pause_until:
                self._start(waiting)
            for name, code in self.launcher.finished():
                self._end(self.running.pop(name), code)
                news = time.monotonic()
            if time.monotonic() - news > NEWS:
                self.say(self._progress())
                news = time.monotonic()
            time.sleep(PAUSE)

    def _start(self, waiting: list[Run]) -> None:
        """Begins the first of those that wait; if the launcher refuses, it waits on while others run."""
        run = waiting[0]
        self.log_starts[run.name] = _size(self.folder.log(run))
        try:
            self.launcher.start(self._task(run))
        except SpecError as error:
            if not self.running:
                raise
            self.say(f"{run.name}: not begun, tried again later: {error}")
            self.pause_until = time.monotonic() + NEWS
            return
        self.running[waiting.pop(0).name] = run
        self.say(f"{run.name}: begun (log: {self.folder.log(run)})")

    def _end(self, run: Run, code: int) -> None:
        if self.folder.is_done(run):
            self.folder.collect(self.study, run)
            self.say(f"{run.name}: finished; {self._progress()}")
            return
        words = last_words(self.folder.log(run), self.log_starts[run.name])
        reason = (
            self.launcher.reason(run.name) or words or (f"exit code {code}" if code else "it ended without a result")
        )
        self.folder.fail(run, reason)
        self.say(f"{run.name}: failed: {reason} (all: {self.folder.log(run)}); {self._progress()}")

    def _states(self) -> Counter[State]:
        stored = self.folder.stored(self.study)
        return Counter(self.folder.state(run, stored) for run in self.runs.values())

    def _work_done(self) -> float:
        return sum(run_work(run) * self._share(run) for run in self.runs.values())

    def _share(self, run: Run) -> float:
        """Of a run's updates those that are done, or all that will ever be."""
        if self.folder.is_done(run) or self.folder.failure(run).exists():
            return 1.0
        return min(1.0, self.folder.updates(run) / int(run.corpus.variables["UPDATES"]))

    def _progress(self) -> str:
        """How many runs are where, and the time left at the speed so far."""
        states = self._states()
        text = f"{states[State.FINISHED]} of {len(self.runs)} done, {len(self.running)} running"
        text += f", {states[State.FAILED]} failed"
        done, everything = self._work_done(), sum(map(run_work, self.runs.values()))
        seconds = time.monotonic() - self.begun
        if self.done_before < done < everything and seconds > 1:
            text += f", about {hours((everything - done) / (done - self.done_before) * seconds)} left"
        return text


def last_words(log: Path, start: int = 0) -> str:
    """The line in which a recipe says why it failed, or else the last one, of what was logged from that byte on."""
    try:
        lines = log.read_bytes()[start:].decode("utf-8", errors="replace").splitlines()[-200:]
    except FileNotFoundError:
        return ""
    lines = [line for line in lines if line.strip()]
    errors = [line for line in lines if re.match(r"(nmt-attn: )?error: ", line)]
    return (errors or lines or [""])[-1][:300]


def _size(log: Path) -> int:
    return log.stat().st_size if log.exists() else 0
