"""The recipes through the real fairseq commands, on small corpora."""

import json
import os
import re
import shutil
import signal
import subprocess
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from data_prep import multi30k
from nmt_attn import provenance
from nmt_attn.analysis.cost import Workload, preset_cost
from nmt_attn.corpora.fragment import generate
from nmt_attn.environment import environment
from nmt_attn.inspection.translation import SEARCH
from nmt_attn.lock import locked
from nmt_attn.models import checkpoints
from nmt_attn.presets import SIZES, Preset
from nmt_attn.study.store import read_store
from results import draw
from tests.data_prep import layouts
from tests.data_prep.server import Server, stall

ROOT = Path(__file__).parent.parent
TINY_RUN = {"UPDATES": "6", "SAVE_EVERY": "2", "AVERAGE": "2", "WARMUP": "3", "LOG_EVERY": "2", "VENV": ""}


def _recipe(name: str, *arguments: str, **settings: Any) -> subprocess.CompletedProcess[str]:
    variables = {name: str(value) for name, value in settings.items()}
    command = ["bash", str(ROOT / "recipes" / name), *arguments]
    return subprocess.run(command, env={**os.environ, **variables}, capture_output=True, text=True, timeout=900)


def _last_json(done: subprocess.CompletedProcess[str]) -> Any:
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout.splitlines()[-1])


def test_a_generated_corpus_is_learnt(tmp_path: Path) -> None:
    settings: dict[str, Any] = {"OUT": tmp_path, "VENV": "", "TEST": 203}
    settings |= {"UPDATES": 450, "SAVE_EVERY": 50, "WARMUP": 100, "TRAIN": 12000}
    done = _recipe("generated.sh", "nmt_attn_tiny", **settings)
    result = _last_json(done)
    assert result["bleu"] > 30, result
    assert result["sentences"] == 203  # not a multiple of 8: none may be lost
    assert result["signature"].startswith("nrefs:1|case:mixed|eff:no|tok:13a")
    assert result["settings"]["UPDATES"] == "450"
    assert [updates for updates, _ in result["curve"]] == list(range(50, 451, 50))
    assert result["curve"][-1][1] < result["curve"][0][1]
    (machine,) = result["trained_with"]
    assert machine == {**environment(), "threads": machine["threads"]}
    assert "nmt_attn_tiny: update 400/450, training perplexity" in done.stderr

    again = _recipe("generated.sh", "nmt_attn_tiny", **settings)
    assert _last_json(again) == result
    assert "trained before, kept" in again.stderr
    assert "training for" not in again.stderr

    other = _recipe("generated.sh", "nmt_attn_tiny", **{**settings, "UPDATES": 500})
    assert other.returncode == 2
    assert other.stderr.splitlines()[-1] == (
        f"error: {tmp_path}/nmt_attn_tiny holds another run: UPDATES was '450', not '500'; "
        f"set OUT to a new folder, or remove {tmp_path}/nmt_attn_tiny"
    )


def test_sentences_longer_than_those_of_the_training_are_a_second_test_set(tmp_path: Path) -> None:
    """Where a generated corpus has them: here a text that is made by hand, in its place."""
    text = tmp_path / "text"
    text.mkdir()
    pairs = [(pair.source_text, pair.target_text) for pair in generate(230, 7)]
    pairs[219:] = [tuple(f"{one} {other}" for one, other in zip(*two, strict=True)) for two in pairwise(pairs[219:])]
    for name, part in {
        "train": pairs[:200],
        "valid": pairs[200:208],
        "test": pairs[208:219],
        "long": pairs[219:],
    }.items():
        for language, lines in zip(("en", "de"), zip(*part, strict=True), strict=True):
            (text / f"{name}.{language}").write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    done = _recipe("generated.sh", OUT=tmp_path, VOCABULARY=300, **TINY_RUN)
    result = _last_json(done)
    longer = json.loads((tmp_path / "nmt_attn_tiny" / "result-test1.json").read_text(encoding="utf-8"))
    assert (result["test_set"], result["sentences"]) == ("test", 11)
    assert (longer["test_set"], longer["sentences"]) == ("long", 10)
    assert 0 <= longer["exact_match"] <= 100
    assert longer["test_sha256"] == provenance.checksum([tmp_path / "data" / "raw" / "test1.de"])
    assert (tmp_path / "data" / "raw" / "test1.de").read_bytes() == (text / "long.de").read_bytes()


def test_models_in_memory_search_as_the_recipes_do() -> None:
    flags = "--beam {beam_size} --lenpen {len_penalty} --max-len-a {max_len_a} --max-len-b {max_len_b} ".format(
        **SEARCH
    )
    script = (ROOT / "recipes" / "steps.sh").read_text(encoding="utf-8")
    assert flags in " ".join(script.replace("\\\n", " ").split())


def test_the_embedded_corpus_has_the_data_of_the_published_results(tmp_path: Path) -> None:
    done = _recipe("generated.sh", OUT=tmp_path, VENV="", STEPS="prepare")
    assert done.returncode == 0, done.stderr[-2000:]
    made = sorted(path for path in (tmp_path / "data" / "bin").iterdir() if path.suffix in provenance.BINARISED)
    published = [
        result for result in read_store(ROOT / "results/quick/results.jsonl") if result["corpus"] == "fragment"
    ]
    assert len(published) == 9
    for result in published:
        assert result["data_sha256"] == provenance.checksum(made)
        assert result["test_sha256"] == provenance.checksum([tmp_path / "data" / "raw" / "test.de"])


SMALL_STUDY = """
name: small
reference: nmt_attn_tiny
headline: [windowed]
seeds: 2
models: [nmt_attn_tiny, {{arch: nmt_attn_tiny_self0010, name: windowed, flags: --attn-window 3}}]
corpora: {{fragment: {{recipe: {recipe}, settings: {settings}}}}}
tracking: --tensorboard-logdir {{run}}/tensorboard
"""


def test_the_quickstart_carries_out_a_study_and_writes_its_report(tmp_path: Path) -> None:
    settings = {name: value for name, value in TINY_RUN.items() if name != "VENV"}
    settings |= {"TRAIN": "200", "VALID": "8", "TEST": "12", "VOCABULARY": "300"}
    study = tmp_path / "small.yaml"
    text = SMALL_STUDY.format(recipe=ROOT / "recipes" / "generated.sh", settings=json.dumps(settings))
    study.write_text(text, encoding="utf-8")
    out = tmp_path / "out"
    done = _recipe("quickstart.sh", STUDY=study, OUT=out, VENV="", UPDATES=99)  # the plan counts, not the shell's
    assert done.returncode == 0, done.stderr[-2000:]
    results = pd.read_json(out / "results.jsonl", lines=True)
    assert sorted(zip(results.model, results.seed, results.updates, strict=True)) == [
        ("nmt_attn_tiny", 1000000, 6),
        ("nmt_attn_tiny", 2000000, 6),
        ("windowed", 1000000, 6),
        ("windowed", 2000000, 6),
    ]
    assert results.layers[2]["encoder_self"] == ["0010:window=3"] * 3
    for model in ("nmt_attn_tiny", "windowed"):
        assert list((out / "fragment" / f"{model}.2000000" / "tensorboard").rglob("events.out.tfevents.*"))
    assert (out / "report" / "index.html").stat().st_size > 10_000
    again = _recipe("quickstart.sh", STUDY=study, OUT=out, VENV="")
    assert again.returncode == 0
    assert "begun" not in again.stderr
    assert len(pd.read_json(out / "results.jsonl", lines=True)) == 4


@pytest.mark.parametrize("flags", [["--lr", "0.1"], ["--max-upd=3"], ["--dropout", "0.2", "--seed=5"]])
def test_flags_that_the_recipe_gives_itself_are_refused(flags: list[str], small_archives: Path, tmp_path: Path) -> None:
    settings = _settings(small_archives / "multi30k", tmp_path)
    assert _recipe("multi30k.sh", STEPS="prepare", **settings).returncode == 0
    done = _recipe("multi30k.sh", "nmt_attn_tiny", *flags, **settings)
    assert done.returncode == 2
    own = {"--lr": "--lr", "--max-upd=3": "--max-update", "--dropout": "--seed"}[flags[0]]
    assert done.stderr.splitlines()[-1] == (
        f"error: flags must leave {own} to the recipe, not give {flags[-1] if '=' in flags[-1] else flags[0]}: "
        "see the variables in its first lines"
    )


def test_all_results_are_asked_for_by_one_command(tmp_path: Path) -> None:
    calls = tmp_path / "calls"
    stand_in = tmp_path / "bin" / "nmt-attn"
    stand_in.parent.mkdir()
    stand_in.write_text(f'#!/bin/sh\necho "$@" >> {calls}\n', encoding="utf-8")
    stand_in.chmod(0o755)
    settings = {"OUT": "made", "VENV": "", "PATH": f"{stand_in.parent}:{os.environ['PATH']}", "WORKERS": 3}
    assert _recipe("results.sh", "quick", "multi30k", **settings).returncode == 0
    assert calls.read_text(encoding="utf-8").splitlines() == [
        "study retry recipes/studies/quick.yaml --out made/quick --workers 3",
        "knockouts recipes/studies/quick.yaml --out made/quick --corpora fragment",
        "study report recipes/studies/quick.yaml --out made/quick",
        "study retry recipes/studies/multi30k.yaml --out made/multi30k --workers 3",
        "knockouts recipes/studies/multi30k.yaml --out made/multi30k --corpora multi30k",
        "study report recipes/studies/multi30k.yaml --out made/multi30k",
    ]
    stand_in.write_text(f'#!/bin/sh\necho "$@" >> {calls}\n[ "$2" != retry ]\n', encoding="utf-8")
    assert _recipe("results.sh", "quick", "position_size", **settings).returncode == 1
    assert calls.read_text(encoding="utf-8").count("\nstudy report ") == 2 + 2  # also where runs have failed
    done = _recipe("results.sh", "quick", "everything", **settings)
    assert done.returncode == 2
    assert done.stderr.startswith("error: a part must be one of quick controlled position_size multi30k mixers inside")


def test_the_single_runs_that_are_published_are_those_that_are_asked_for(tmp_path: Path) -> None:
    calls = tmp_path / "calls"
    stand_in = tmp_path / "bin" / "bash"
    stand_in.parent.mkdir()
    stand_in.write_text(
        f'#!/bin/sh\ncase $1 in */results.sh) exec {shutil.which("bash")} "$@" ;; esac\n'
        f'echo "$OUT/$2.json" >> {calls}\n',
        encoding="utf-8",
    )
    stand_in.chmod(0o755)
    settings = {"OUT": tmp_path, "VENV": "", "PATH": f"{stand_in.parent}:{os.environ['PATH']}"}
    assert _recipe("results.sh", "mixers", **settings).returncode == 0
    asked = [Path(line).relative_to(tmp_path) for line in calls.read_text(encoding="utf-8").splitlines()]
    published = [
        path.relative_to(draw.RESULTS) for name in draw.SINGLE_RUNS for path in (draw.RESULTS / name).iterdir()
    ]
    assert sorted(asked) == sorted(published)


def test_the_engine_is_one_of_two(tmp_path: Path) -> None:
    done = _recipe("generated.sh", ENGINE="quick", OUT=tmp_path, VENV="")
    assert done.returncode == 2
    assert done.stderr == "error: ENGINE must be plain or fast, not quick\n"


def test_a_run_from_before_there_was_an_engine_goes_on_without(tmp_path: Path) -> None:
    """fairseq refuses to go on with another criterion."""
    settings: dict[str, Any] = {**TINY_RUN, "OUT": tmp_path, "TRAIN": 200, "VALID": 8, "TEST": 8, "VOCABULARY": 300}
    assert _recipe("generated.sh", STEPS="prepare train", ENGINE="plain", **settings).returncode == 0
    run = tmp_path / "nmt_attn_tiny"
    engine = run / "settings" / "ENGINE"
    engine.unlink()
    done = _recipe("generated.sh", STEPS="train", ENGINE="fast", **settings)
    assert done.returncode == 2
    assert "ENGINE was 'plain', not 'fast'" in done.stderr.splitlines()[-1]
    (run / "trained").unlink()
    (run / "checkpoint_last.pt").unlink()
    for path in run.glob("checkpoint_*_6.pt"):
        path.unlink()
    done = _recipe("generated.sh", STEPS="train", **settings)
    assert done.returncode == 0, done.stderr[-2000:]
    assert engine.read_text(encoding="utf-8") == "plain\n"


def test_a_run_belongs_to_one_process(tmp_path: Path) -> None:
    settings: dict[str, Any] = {**TINY_RUN, "OUT": tmp_path, "TRAIN": 200, "VALID": 8, "TEST": 8, "VOCABULARY": 300}
    assert _recipe("generated.sh", STEPS="prepare", **settings).returncode == 0
    with locked(tmp_path / "nmt_attn_tiny" / "lock", "the run"):
        done = _recipe("generated.sh", "nmt_attn_tiny", **settings)
    assert done.returncode == 2
    assert re.fullmatch(
        rf"error: {tmp_path}/nmt_attn_tiny is in use by process {os.getpid()} on \S+ since [0-9: -]+ "
        rf"\(lock: {tmp_path}/nmt_attn_tiny/lock\): wait for it",
        done.stderr.splitlines()[-1],
    )


PAIRS = [(pair.source_text, pair.target_text) for pair in generate(460, 11)]


@pytest.fixture(scope="session")
def small_archives(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The layouts of the real data sets with sentences of the embedded corpus; their checksums are in SHA256SUMS."""
    folder = tmp_path_factory.mktemp("archives")
    layouts.multi30k(folder / "multi30k", PAIRS[:400], PAIRS[400:410], PAIRS[410:420])
    layouts.wmt14(folder / "wmt14", PAIRS[:400], PAIRS[400:410], PAIRS[410:423], PAIRS[412:420])
    held = [PAIRS[400 + 10 * n : 403 + 10 * n] for n in range(5)]
    layouts.iwslt14(folder / "iwslt14", PAIRS[:400], *held)
    return folder


def test_multi30k_refuses_archives_that_are_not_the_published_ones(small_archives: Path, tmp_path: Path) -> None:
    done = _recipe("multi30k.sh", MULTI30K=small_archives / "multi30k", OUT=tmp_path / "out", **TINY_RUN)
    assert done.returncode == 2
    wanted = f"train.de.gz must have sha256 {multi30k.SHA256['train.de.gz']}, but has not: fetch it again"
    assert wanted in done.stderr.splitlines()[-1]


@pytest.mark.parametrize("arch", ["nmt_attn_tiny_self0010", "transformer"])
def test_multi30k_runs_end_to_end(arch: str, small_archives: Path, tmp_path: Path) -> None:
    done = _recipe("multi30k.sh", arch, "--dropout", "0.2", **_settings(small_archives / "multi30k", tmp_path))
    result = _last_json(done)
    assert result["preset"] == arch
    assert result["sentences"] == 10
    assert result["updates"] == 6
    assert result["test_set"] == "test_2016_flickr"
    code = {"transformer": "1010", "nmt_attn_tiny_self0010": "0010"}[arch]  # stock attention has biases, else 1010
    preset = Preset(arch, SIZES["tiny"], code, code, "1111" if arch.startswith("nmt_attn") else code)
    symbols = (tmp_path / "data" / "bin" / "dict.en.txt").read_text(encoding="utf-8").count("\n") + 4
    assert result["multiply_adds"] == preset_cost(preset, Workload(vocabulary=symbols)).multiply_adds
    kept = {path.name for path in (tmp_path / arch).glob("checkpoint_1_*.pt")}
    assert len(kept) == 2


@pytest.mark.parametrize(("direction", "references"), [("de-en", 0), ("en-de", 1)])
def test_iwslt14_runs_end_to_end_in_both_directions(
    direction: str, references: int, small_archives: Path, tmp_path: Path
) -> None:
    settings = _settings(small_archives / "iwslt14", tmp_path)
    done = _recipe("iwslt14_de_en.sh", "nmt_attn_tiny", DIRECTION=direction, **settings)
    result = _last_json(done)
    assert result["sentences"] == 15
    assert result["signature"].startswith("nrefs:1|case:lc|")
    texts = [PAIRS[400 + 10 * talk + n][references] for talk in range(5) for n in range(3)]
    raw = (tmp_path / "data" / "raw" / f"test.{direction[3:]}").read_text(encoding="utf-8")
    assert raw == "".join(f"{text}\n" for text in texts)


def _settings(archives: Path, out: Path, source: str = "") -> dict[str, Any]:
    name = {"multi30k": "MULTI30K", "wmt14": "WMT14", "iwslt14": "IWSLT14"}[archives.name]
    given = {name: source or archives, "CHECKSUMS": archives / "SHA256SUMS", "OUT": out, "VOCABULARY": 300}
    return {**TINY_RUN, **given}


def test_each_step_of_a_recipe_alone_and_in_order(small_archives: Path, tmp_path: Path) -> None:
    settings = {**_settings(small_archives / "wmt14", tmp_path), "TOKENS": 1000, "MAX_TOKENS": 300}
    for name in ("translate", "train"):
        early = _recipe("wmt14_en_de.sh", "nmt_attn_tiny", STEPS=name, **settings)
        assert early.returncode == 2
        assert early.stderr.strip() == (
            f"error: {tmp_path}/data/manifest.json must be there to go on, but is not: "
            "do the step before it first (STEPS=prepare)"
        )
    made = {
        "prepare": "data/manifest.json",
        "train": "nmt_attn_tiny/trained",
        "average": "nmt_attn_tiny/average.pt",
        "translate": "nmt_attn_tiny/translations/test1",
        "score": "nmt_attn_tiny/result-test1.json",
    }
    for name, path in made.items():
        assert not (tmp_path / path).exists()
        done = _recipe("wmt14_en_de.sh", "nmt_attn_tiny", STEPS=name, **settings)
        assert done.returncode == 0, done.stderr[-2000:]
        assert (tmp_path / path).exists()
    assert json.loads(done.stdout)["test_set"] == "wmt14/full"
    assert (tmp_path / "nmt_attn_tiny" / "settings" / "parts").read_text() == "--max-tokens 250 --update-freq 4\n"
    unknown = _recipe("wmt14_en_de.sh", STEPS="prepare evaluate", **settings)
    assert unknown.stderr.strip() == "error: STEPS must be some of prepare train average translate score, not evaluate"


# Where a recipe is killed: as soon as this is there. The first download stalls.
MOMENTS = [
    "data/archives/training-parallel-europarl-v7.tgz.part",
    "data/raw*",
    "data/text*",
    "data/subwords*",
    "data/pieces*",
    "data/bin.part-*",
    "data/manifest.json",
    "nmt_attn_tiny/checkpoint_1_2.pt",
    "nmt_attn_tiny/checkpoint_1_6.pt",
    "nmt_attn_tiny/trained",
    "nmt_attn_tiny/average.pt",
    "nmt_attn_tiny/translations/test.generated",
    "nmt_attn_tiny/translations/test1",
]


def test_wmt14_killed_at_every_step_goes_on_to_the_same_result(small_archives: Path, tmp_path: Path) -> None:
    archives, small = small_archives / "wmt14", {"TOKENS": 1000, "MAX_TOKENS": 300}
    with Server(archives) as server:
        server.queue("/training-parallel-europarl-v7.tgz", stall(1000))
        settings = {**_settings(archives, tmp_path / "killed", server.address), **small}
        for moment in MOMENTS:
            _kill_when_there(tmp_path / "killed", moment, "wmt14_en_de.sh", "nmt_attn_tiny", **settings)
        result = _last_json(_recipe("wmt14_en_de.sh", "nmt_attn_tiny", **settings))
    whole = {**_settings(archives, tmp_path / "whole"), **small}
    wanted = _last_json(_recipe("wmt14_en_de.sh", "nmt_attn_tiny", **whole))
    for measured in ("training_seconds", "translation_seconds"):
        result.pop(measured)
        wanted.pop(measured)
    assert result == wanted
    manifests = [(tmp_path / name / "data" / "manifest.json").read_bytes() for name in ("killed", "whole")]
    assert manifests[0] == manifests[1]
    assert not list((tmp_path / "killed" / "data").glob("*.part*"))


def _kill_when_there(out: Path, moment: str, name: str, *arguments: str, **settings: Any) -> None:
    """Kills the recipe and all that it started, without warning; fails if it ends before."""
    variables = {key: str(value) for key, value in settings.items()}
    command = ["bash", str(ROOT / "recipes" / name), *arguments]
    with (out.parent / "killed.log").open("ab") as log:
        recipe = subprocess.Popen(
            command, env={**os.environ, **variables}, stdout=log, stderr=log, start_new_session=True
        )
        deadline = time.monotonic() + 600
        while not any(out.glob(moment)):
            assert recipe.poll() is None, (moment, (out.parent / "killed.log").read_text(encoding="utf-8")[-2000:])
            assert time.monotonic() < deadline, moment
            time.sleep(0.002)
        os.killpg(recipe.pid, signal.SIGKILL)
        recipe.wait()


def test_a_failed_training_names_its_log(tmp_path: Path) -> None:
    settings: dict[str, Any] = {**TINY_RUN, "OUT": tmp_path, "TRAIN": 200, "VALID": 8, "TEST": 8, "VOCABULARY": 300}
    done = _recipe("generated.sh", "transformer_huge", **settings)
    assert done.returncode == 2
    assert "transformer_huge: training failed: " in done.stderr
    assert "invalid choice: 'transformer_huge'" in done.stderr.splitlines()[-1]


def test_a_recipe_that_is_asked_to_stop_says_where_it_was_saved(tmp_path: Path) -> None:
    settings = {**TINY_RUN, "UPDATES": 900, "SAVE_EVERY": 300, "LOG_EVERY": 1}
    settings |= {"OUT": tmp_path, "TRAIN": 200, "VALID": 8, "TEST": 8, "VOCABULARY": 300}
    recipe = subprocess.Popen(
        ["bash", str(ROOT / "recipes" / "generated.sh")],
        env={**os.environ, **{name: str(value) for name, value in settings.items()}},
        stderr=subprocess.PIPE,
        text=True,
    )
    assert recipe.stderr is not None
    assert any("update 3/900" in line for line in recipe.stderr)
    recipe.send_signal(signal.SIGTERM)
    last = recipe.communicate(timeout=60)[1].splitlines()[-1]
    assert recipe.returncode == 128 + signal.SIGTERM
    saved = tmp_path / "nmt_attn_tiny" / "checkpoint_last.pt"
    stopped = rf"nmt_attn_tiny: stopped by SIGTERM after update (\d+), saved in {saved}: the same command goes on from"
    match = re.search(stopped, last)
    assert match
    assert checkpoints.load(saved)["optimizer_history"][-1]["num_updates"] == int(match[1])
