"""Every mixer through the real commands: fairseq-train, -generate and -interactive."""

import subprocess
import sys
from pathlib import Path

import pytest

import nmt_attn
from nmt_attn.corpora.fragment import write_corpus
from nmt_attn.presets import RELATED
from nmt_attn.spec import Convolution
from tests.models import toy

ALONE = [*(kind.value for kind in Convolution), "deform_self0010", *RELATED]


def _run(command: str, *arguments: object, text: str = "") -> str:
    program = Path(sys.executable).parent / command
    plugin = [] if command == "fairseq-preprocess" else ["--user-dir", nmt_attn.__path__[0]]
    done = subprocess.run(
        [program, *map(str, arguments), *plugin], input=text, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    write_corpus(folder, train=60, valid=8, test=8, seed=1)
    prefixes = [word for name in ("train", "valid", "test") for word in (f"--{name}pref", folder / name)]
    languages = ("--source-lang", "en", "--target-lang", "de", "--joined-dictionary")
    _run("fairseq-preprocess", *languages, *prefixes, "--destdir", folder / "bin")
    return folder


def _train_and_translate(data: Path, run: Path, arch: str, *flags: str) -> None:
    limits = ("--max-tokens", 200, "--max-update", 2, "--no-epoch-checkpoints", "--no-progress-bar", "--seed", 1)
    optimizer = ("--optimizer", "adam", "--lr", 0.001, "--share-all-embeddings")
    _run("fairseq-train", data / "bin", "--arch", arch, *flags, *limits, *optimizer, "--save-dir", run)
    # A limit that grows with the source is one of the longest source of the batch: not the same one by one.
    search = ("--path", run / "checkpoint_last.pt", "--beam", 3, "--max-len-b", 12)
    generated = _run("fairseq-generate", data / "bin", *search, "--required-batch-size-multiple", 1)
    hypotheses = {line.split("\t")[0]: line for line in generated.splitlines() if line.startswith("H-")}
    assert len(hypotheses) == 8
    sources = (data / "test.en").read_text(encoding="utf-8")
    answered = _run("fairseq-interactive", data / "bin", *search, text=sources)
    again = {line.split("\t")[0]: line for line in answered.splitlines() if line.startswith("H-")}
    assert {name: line.split("\t")[2] for name, line in again.items()} == {
        name: line.split("\t")[2] for name, line in hypotheses.items()
    }


def test_a_model_with_a_mixer_of_each_kind_trains_and_translates(data: Path, tmp_path: Path) -> None:
    _train_and_translate(data, tmp_path, "nmt_attn_tiny", *toy.EVERY_MIXER)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ALONE)
def test_each_mixer_alone_trains_and_translates(kind: str, data: Path, tmp_path: Path) -> None:
    _train_and_translate(data, tmp_path, f"nmt_attn_tiny_{kind}")
