"""Small tasks for Slurm, and the folder of those of a test."""

import json
from contextlib import suppress
from pathlib import Path

from nmt_attn.study.launchers import Task
from nmt_attn.study.slurm import SlurmLauncher

WAITS = 'echo start >>"$PLACE/starts"; until [[ -e $PLACE/go ]]; do sleep 0.1; done'
# The first start does a part of the work, and would then last forever.
GOES_ON = """
echo start >>"$PLACE/starts"
if [[ -e $PLACE/done ]]; then echo "goes on from $(<"$PLACE/done")"; exit 0; fi
echo 5 >"$PLACE/part" && mv "$PLACE/part" "$PLACE/done"
sleep 1000
"""
# Processes that do not listen: a child whose parent is gone, and one in a session of its own.
STUBBORN = """
bash -c 'trap "" TERM; echo >>"$PLACE/starts"; sleep 1000' &
setsid bash -c 'trap "" TERM; echo >>"$PLACE/starts"; sleep 1000' &
wait
"""


class Study:
    """A folder of tasks, and the launchers that a runner makes one after the other."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.slurm = folder / "slurm"

    def launcher(self, **parameters: str) -> SlurmLauncher:
        return SlurmLauncher(self.slurm, parameters, pause=0.2)

    def place(self, name: str) -> Path:
        return self.folder / name

    def task(self, name: str, script: str) -> Task:
        self.place(name).mkdir(parents=True, exist_ok=True)
        return Task(name, ("bash", "-c", script), {"PLACE": str(self.place(name))}, self.log(name))

    def log(self, name: str) -> Path:
        return self.folder / "logs" / f"{name}.log"

    def starts(self, name: str) -> int:
        file = self.place(name) / "starts"
        return len(file.read_text().splitlines()) if file.exists() else 0

    def jobs(self) -> list[tuple[str, str]]:
        lines = (self.slurm / "jobs.jsonl").read_text().splitlines()
        return [(line["task"], line["job"]) for line in map(json.loads, lines)]

    def alive(self, name: str) -> list[str]:
        """Processes of a task, known by their environment."""
        found = []
        for process in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                if f"PLACE={self.place(name)}\0".encode() in (process / "environ").read_bytes():
                    found.append((process / "cmdline").read_text().replace("\0", " "))
        return found
