"""The recipes through the real fairseq commands, on small corpora."""

import gzip
import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from data_prep import multi30k
from nmt_attn.corpora.fragment import generate

ROOT = Path(__file__).parent.parent
TINY_RUN = {"UPDATES": "6", "SAVE_EVERY": "2", "AVERAGE": "2", "WARMUP": "3", "LOG_EVERY": "2", "VENV": ""}


def _recipe(name: str, *arguments: str, **settings: Any) -> subprocess.CompletedProcess[str]:
    variables = {name: str(value) for name, value in settings.items()}
    command = ["bash", str(ROOT / "recipes" / name), *arguments]
    return subprocess.run(command, env={**os.environ, **variables}, capture_output=True, text=True, timeout=900)


def _last_json(done: subprocess.CompletedProcess[str]) -> Any:
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout.splitlines()[-1])


def test_the_quickstart_learns_to_translate_the_embedded_corpus(tmp_path: Path) -> None:
    settings: dict[str, Any] = {"OUT": tmp_path, "VENV": "", "ARCHS": "nmt_attn_tiny", "TEST": 203}
    settings |= {"UPDATES": 450, "WARMUP": 100, "TRAIN": 12000}
    done = _recipe("quickstart.sh", **settings)
    (result,) = _last_json(done)
    assert result["bleu"] > 30, result
    assert result["sentences"] == 203  # not a multiple of 8: none may be lost
    assert result["signature"].startswith("nrefs:1|case:mixed|eff:no|tok:13a")
    assert (tmp_path / "bleu.png").stat().st_size > 5000
    assert "| nmt_attn_tiny | 1111 | 1111 | 1111 |" in (tmp_path / "table.md").read_text(encoding="utf-8")
    assert "nmt_attn_tiny: update 400/450, training perplexity" in done.stderr

    again = _recipe("quickstart.sh", **settings)
    assert _last_json(again) == [result]
    assert "trained before, kept" in again.stderr
    assert "training for" not in again.stderr

    other = _recipe("quickstart.sh", **{**settings, "UPDATES": 500})
    assert other.returncode == 2
    assert other.stderr.strip() == (
        f"error: {tmp_path} holds another run: UPDATES was '450', not '500'; "
        f"set OUT to a new folder, or remove {tmp_path}"
    )


@pytest.fixture
def small_multi30k(tmp_path: Path) -> Path:
    """The layout of Multi30k with sentences of the embedded corpus; its checksums are not those of the real one."""
    pairs = list(generate(420, 11))
    for stem, part in (("train", pairs[:400]), ("val", pairs[400:410]), ("test_2016_flickr", pairs[410:])):
        for language in ("en", "de"):
            texts = [pair.source_text if language == "en" else pair.target_text for pair in part]
            with gzip.open(tmp_path / f"{stem}.{language}.gz", "wt", encoding="utf-8") as stream:
                stream.writelines(text + "\n" for text in texts)
    return tmp_path


def test_multi30k_refuses_archives_that_are_not_the_published_ones(small_multi30k: Path, tmp_path: Path) -> None:
    done = _recipe("multi30k.sh", MULTI30K=small_multi30k, OUT=tmp_path / "out", **TINY_RUN)
    assert done.returncode == 2
    assert f"train.en.gz must have sha256 {multi30k.SHA256['train.en.gz']}" in done.stderr


@pytest.mark.parametrize("arch", ["nmt_attn_tiny_self0010", "transformer"])
def test_multi30k_runs_end_to_end(
    arch: str, small_multi30k: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = tmp_path / "out" / "text"
    monkeypatch.setattr(multi30k, "SHA256", {path.name: multi30k.digest(path) for path in small_multi30k.glob("*.gz")})
    multi30k.prepare(text, str(small_multi30k))  # then the recipe finds the text in place
    flags = ["--dropout", "0.2"]
    done = _recipe("multi30k.sh", arch, *flags, OUT=tmp_path / "out", VOCABULARY=300, **TINY_RUN)
    result = _last_json(done)
    assert result["preset"] == arch
    assert result["sentences"] == 10
    assert result["updates"] == 6
    kept = {path.name for path in (tmp_path / "out" / arch).glob("checkpoint_1_*.pt")}
    assert len(kept) == 2


def test_a_failed_training_names_its_log(tmp_path: Path) -> None:
    settings: dict[str, Any] = {**TINY_RUN, "OUT": tmp_path, "TRAIN": 200, "VALID": 8, "TEST": 8, "VOCABULARY": 300}
    done = _recipe("quickstart.sh", ARCHS="nmt_attn_huge", **settings)
    assert done.returncode == 2
    assert "nmt_attn_huge: training failed: " in done.stderr
    assert "invalid choice: 'nmt_attn_huge'" in done.stderr.splitlines()[-1]
