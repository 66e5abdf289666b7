"""A study of real trainings on a real Slurm of one node."""

import os
import subprocess
import sys
from pathlib import Path

from nmt_attn.study.slurm_job import jobs_by_task
from nmt_attn.study.store import read_store
from tests.slurm.cluster import Cluster, wait_for

ROOT = Path(__file__).parent.parent.parent
STUDY = """
name: small
reference: nmt_attn_tiny
seeds: 2
models: [nmt_attn_tiny]
corpora:
  fragment:
    recipe: {recipe}
    settings: {{UPDATES: 80, SAVE_EVERY: 5, AVERAGE: 2, LOG_EVERY: 5, TRAIN: 300, VALID: 8, TEST: 12, VOCABULARY: 300}}
"""


def test_a_study_runs_on_slurm_and_a_job_that_is_put_back_goes_on(cluster: Cluster, tmp_path: Path) -> None:
    (tmp_path / "small.yaml").write_text(STUDY.format(recipe=ROOT / "recipes" / "generated.sh"), encoding="utf-8")
    out = tmp_path / "out"
    command = [sys.executable, "-m", "nmt_attn.cli", "study", "run", str(tmp_path / "small.yaml"), "--out", str(out)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with (tmp_path / "runner.log").open("wb") as log:
        runner = subprocess.Popen([*command, "--launcher", "slurm"], cwd=ROOT, env=environment, stderr=log)
    try:
        run = out / "fragment" / "nmt_attn_tiny.1000000"
        wait_for("a checkpoint", lambda: list(run.glob("checkpoint_*_15.pt")), 300)
        cluster.call("scontrol", "requeue", jobs_by_task(out / "slurm")["fragment/nmt_attn_tiny.1000000"])
        assert runner.wait(300) == 0, (tmp_path / "runner.log").read_text(encoding="utf-8")
    finally:
        runner.kill()
    results = read_store(out / "results.jsonl")
    assert sorted((result["seed"], result["updates"]) for result in results) == [(1000000, 80), (2000000, 80)]
    started = (run / "train.log").read_text(encoding="utf-8")
    assert started.count("Loaded checkpoint") == 1
    log = (out / "logs" / "fragment" / "nmt_attn_tiny.1000000.log").read_text(encoding="utf-8")
    assert log.count("start 1, on localhost") == 1
    assert log.count("start 2, on localhost") == 1
