"""fairseq's binary files, by fairseq-preprocess, and the check that a folder of them is whole."""

import subprocess
import sys
from pathlib import Path
from typing import Any

from data_prep.corpus import Corpus
from data_prep.errors import DataError


def binarise(corpus: Corpus, pieces: Path, out: Path, workers: int) -> dict[str, Any]:
    """Fills ``out`` with a joint dictionary and the indexed sets; returns how many distinct symbols there are."""
    sets = [name for name in corpus.evaluation_sets if (pieces / f"{name}.{corpus.source_lang}").exists()]
    tests = ",".join(str(pieces / name) for name in sets if name != "valid")
    # fairseq binarises one part by itself after all others are done: of two parts, none at the same time.
    parts = 1 if workers == 1 else max(workers, min(4 * workers, 16))
    command = [sys.executable, "-m", "fairseq_cli.preprocess", "--joined-dictionary", "--workers", str(parts)]
    command += ["--source-lang", corpus.source_lang, "--target-lang", corpus.target_lang, "--destdir", str(out)]
    command += ["--trainpref", str(pieces / "train"), "--validpref", str(pieces / "valid"), "--testpref", tests]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode:
        log = out.with_name("preprocess.log")
        log.write_text(done.stdout, encoding="utf-8")
        last = done.stdout.strip().splitlines()[-1:] or ["no message"]
        raise DataError(f"fairseq-preprocess must end well, but said: {last[0]} (all of it: {log})")
    (out / "preprocess.log").unlink(missing_ok=True)  # it holds times and places
    with (out / f"dict.{corpus.source_lang}.txt").open(encoding="utf-8") as stream:
        return {"dictionary": sum(1 for _ in stream)}
