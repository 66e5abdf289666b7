"""Where the parts of a study stand in its folder, and what state its runs are in.

results.jsonl  translations/     the results: small, all that a report needs
CORPUS/data  CORPUS/MODEL.SEED   what the recipes make
logs/  failed/                   a file a run, of the same name
report/
"""

import json
import shutil
import time
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any

from nmt_attn.lock import is_locked
from nmt_attn.spec import SpecError
from nmt_attn.study.plan import DATA_PLACES, RESERVED, Run, Study
from nmt_attn.study.progress import updates_done
from nmt_attn.study.store import STORE, append, read_store, result_name

# Variables of recipes that a result may differ in: where data come from is not what they are.
NOT_IN_NUMBERS = {*RESERVED, *DATA_PLACES, "LOG_EVERY"}

# What is kept of the result on a test set that is not the first.
OF_A_TEST = ("bleu", "exact_match", "chrf", "sentences", "signature", "test_sha256")


class State(Enum):
    """What has become of a run."""

    FINISHED = "finished"
    RUNNING = "running"
    FAILED = "failed"
    STOPPED = "stopped"
    WAITING = "waiting"


@dataclass(frozen=True)
class StudyFolder:
    """The folder of a study."""

    path: Path

    @property
    def store(self) -> Path:
        return self.path / STORE

    @property
    def lock(self) -> Path:
        return self.path / "lock"

    def run(self, run: Run) -> Path:
        return self.path / run.corpus.name / run.folder

    def log(self, run: Run) -> Path:
        return self.path / "logs" / run.corpus.name / f"{run.folder}.log"

    def failure(self, run: Run) -> Path:
        """A file with the reason, if the run has failed."""
        return self.path / "failed" / run.corpus.name / run.folder

    def is_done(self, run: Run) -> bool:
        """Whether the recipe has come to its end."""
        return (self.run(run) / "result.json").exists()

    def updates(self, run: Run) -> int:
        return updates_done(self.run(run) / "train.log")

    def state(self, run: Run, stored: Iterable[str]) -> State:
        """``stored``: the names of the runs whose results are in the store."""
        if run.name in stored or self.is_done(run):
            return State.FINISHED
        if is_locked(self.run(run) / "lock"):
            return State.RUNNING
        if self.failure(run).exists():
            return State.FAILED
        return State.STOPPED if self.updates(run) else State.WAITING

    def fail(self, run: Run, reason: str) -> None:
        path = self.failure(run)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(reason + "\n", encoding="utf-8")

    def reason(self, run: Run) -> str:
        return self.failure(run).read_text(encoding="utf-8").strip()

    def stored(self, study: Study) -> set[str]:
        """Names of the runs in the store; raises SpecError if one was made with other settings than the study's."""
        planned = {run.name: run for run in study.runs()}
        names = set()
        for result in read_store(self.store):
            name = result_name(result)
            if name in planned:
                _check_same(self.path, planned[name], result)
            names.add(name)
        return names

    def collect(self, study: Study, run: Run) -> None:
        """Puts the result of a run that is done, with its translations, into the store.

        Raises SpecError if it was made with other settings than the study's: the plan was changed meanwhile.
        """
        folder = self.run(run)
        result: dict[str, Any] = json.loads((folder / "result.json").read_text(encoding="utf-8"))
        _check_made_as_planned(folder, run, result)
        head = {"study": study.name, "corpus": run.corpus.name, "model": run.model.name, "seed": run.seed}
        variables = {name: value for name, value in run.corpus.variables.items() if name not in RESERVED}
        tail: dict[str, Any] = self._keep_texts(run, "test")
        tail["finished"] = time.strftime("%FT%TZ", time.gmtime((folder / "result.json").stat().st_mtime))
        if more := self._keep_more_tests(run):
            tail["more_tests"] = more
        head |= {"flags": list(run.model.flags), "recipe": run.corpus.recipe.name, "variables": variables}
        append(self.store, {**head, **result, **tail})

    def _keep_texts(self, run: Run, subset: str) -> dict[str, str]:
        """Copies translations and references beside the store; returns where. subset: fairseq's name, as test1."""
        folder = self.run(run)
        texts = Path("translations") / run.corpus.name
        (self.path / texts).mkdir(parents=True, exist_ok=True)
        target = (folder / "settings" / "DIRECTION").read_text(encoding="utf-8").strip().partition("-")[2]
        end = "txt" if subset == "test" else f"{subset}.txt"
        kept = {
            "hypotheses": (folder / "translations" / subset, texts / f"{run.folder}.{end}"),
            "references": (folder.parent / "data" / "raw" / f"{subset}.{target}", texts / f"references.{end}"),
        }
        for source, copy in kept.values():
            shutil.copyfile(source, self.path / f"{copy}.part")
            (self.path / f"{copy}.part").replace(self.path / copy)
        return {name: copy.as_posix() for name, (_, copy) in kept.items()}

    def _keep_more_tests(self, run: Run) -> dict[str, dict[str, Any]]:
        """Copies the texts of all test sets but the first; returns scores and what they depend on, by their names."""
        found = {}
        for path in sorted(self.run(run).glob("result-*.json")):
            result = json.loads(path.read_text(encoding="utf-8"))
            scores = {name: result[name] for name in OF_A_TEST if name in result}
            found[result["test_set"]] = scores | self._keep_texts(run, path.stem.removeprefix("result-"))
        return found


def _check_made_as_planned(folder: Path, run: Run, result: dict[str, Any]) -> None:
    """What the recipe wrote down, of the data and of the run, against what the plan says."""
    made = {path.name: path.read_text(encoding="utf-8").rstrip("\n") for path in folder.parent.glob("settings/[!.]*")}
    made |= result.get("settings", {})
    made |= {"arch": result["preset"], "SEED": str(result["seed"])}
    planned = {name: value for name, value in run.corpus.variables.items() if value}
    planned |= {"arch": run.model.arch, "SEED": str(run.seed), "flags": " ".join(run.model.flags)}
    if not run.model.arch.startswith("nmt_attn") and made.get("flags", "").endswith(planned["flags"]):
        made["flags"] = planned["flags"]  # recipes give fairseq's own architectures flags for their sizes
    for name, value in planned.items():
        if name in made and made[name] != value:
            raise SpecError(
                f"{folder} holds a run with {name} {made[name]!r}, but the study says {value!r}: "
                "remove it, give --out another folder, or the study its old value"
            )


def _check_same(path: Path, run: Run, result: dict[str, Any]) -> None:
    wanted = {**run.corpus.variables, "arch": run.model.arch, "flags": list(run.model.flags)}
    made = {**result.get("variables", {}), "arch": result["preset"], "flags": result["flags"]}
    for name, value in wanted.items():
        if name in made and name not in NOT_IN_NUMBERS and made[name] != value:
            raise SpecError(
                f"{path} holds {run.name} with {name} {made[name]!r}, but the study says {value!r}: "
                "give --out another folder, or the study its old value"
            )
