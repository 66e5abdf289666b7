"""A checkpoint that would run code when it is read is refused by every command, in one line; the code is not run."""

import argparse
import os
import pickle
import subprocess
import sys
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from fairseq import options as fairseq_options
from fairseq_cli import generate, interactive, preprocess, train, validate  # type: ignore[import-untyped]

import nmt_attn
from data_prep import check
from nmt_attn import cli
from nmt_attn.corpora.fragment import write_corpus
from nmt_attn.models import checkpoints
from tests.models import toy

MODEL = ("nmt_attn_tiny", *toy.SMALL, *toy.SMALL_HEADS)
TRAINING = ("--optimizer", "adam", "--lr", "0.001", "--max-tokens", "200", "--max-update", "1", "--cpu")
FORCE = "TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD"  # with it torch.load reads as before 2.6, unless it is told otherwise
STUDY = """
name: small
reference: nmt_attn_tiny
models: [nmt_attn_tiny]
corpora: {{fragment: {{recipe: {recipe}}}}}
"""

State = dict[str, Any]


class Exploit:
    """Makes a file when it is unpickled: the mark that code was run."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, (f"touch '{self.mark}'",)


class Options(argparse.Namespace):
    """Looks like the options of a checkpoint, and runs code when it gets its values."""

    def __setstate__(self, state: dict[str, Any]) -> None:
        Path(state["mark"]).touch()


def _in_args(state: State, mark: Path) -> None:
    state["args"] = Exploit(mark)


def _in_options(state: State, mark: Path) -> None:
    state["cfg"]["model"] = Options(**vars(checkpoints.model_options(state)), mark=str(mark))


def _in_setting(state: State, mark: Path) -> None:
    checkpoints.model_options(state).dropout = Exploit(mark)


def _in_extra_state(state: State, mark: Path) -> None:
    state["extra_state"] = {"train_iterator": {"epoch": 1, "shuffle": [[{"x": (Exploit(mark),)}]]}}


def _in_optimizer(state: State, mark: Path) -> None:
    state["last_optimizer_state"] = {"state": {0: {"step": Exploit(mark)}}, "param_groups": []}


def _in_model(state: State, mark: Path) -> None:
    state["model"]["decoder.more"] = Exploit(mark)


HIDDEN: dict[str, Callable[[State, Path], None]] = {
    "args": _in_args,
    "options": _in_options,
    "setting": _in_setting,
    "extra_state": _in_extra_state,
    "optimizer": _in_optimizer,
    "model": _in_model,
}


def _torch(state: State, path: Path) -> None:
    torch.save(state, path)


def _legacy(state: State, path: Path) -> None:
    torch.save(state, path, _use_new_zipfile_serialization=False)


def _plain(state: State, path: Path) -> None:
    path.write_bytes(pickle.dumps(state, protocol=2))


FORMATS: dict[str, Callable[[State, Path], None]] = {"zip": _torch, "legacy": _legacy, "pickle": _plain}
KINDS = [(place, "zip") for place in HIDDEN] + [("args", "legacy"), ("optimizer", "legacy"), ("args", "pickle")]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A corpus that is ready for training, of the same text three times."""
    folder = tmp_path_factory.mktemp("data")
    write_corpus(folder, train=30, valid=4, test=4, seed=1)
    arguments = ["--source-lang", "en", "--target-lang", "de", "--joined-dictionary", "--destdir", str(folder / "bin")]
    arguments += [word for name in ("train", "valid", "test") for word in (f"--{name}pref", str(folder / "train"))]
    preprocess.main(fairseq_options.get_preprocessing_parser().parse_args(arguments))
    return folder


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint that is in order."""
    return toy.checkpoint(toy.parse(*MODEL), toy.build(MODEL[0]), tmp_path_factory.mktemp("sound") / "sound.pt")


@pytest.fixture
def mark(tmp_path: Path) -> Path:
    return tmp_path / "ran"


@pytest.fixture
def crafted(sound: Path, mark: Path, tmp_path: Path) -> Callable[[str, str], Path]:
    """crafted(place, format): a checkpoint with code hidden in that place, where the commands expect one."""

    def craft(place: str, kind: str) -> Path:
        path = tmp_path / "study" / "fragment" / "nmt_attn_tiny.1000000" / "average.pt"
        path.parent.mkdir(parents=True)
        state = checkpoints.load(sound)
        HIDDEN[place](state, mark)
        FORMATS[kind](state, path)
        return path

    return craft


def _said(place: str, path: Path) -> str:
    code = f"{Options.__module__}.Options" if place == "options" else f"{os.name}.system"
    return f"the checkpoint must hold data only, but {path} would run code: {code}"


def _our_commands(path: Path, data: Path, folder: Path) -> dict[str, list[str]]:
    """Every command of nmt-attn that reads a checkpoint."""
    texts = [str(data / "test.en"), str(data / "test.de")]
    two, trained = ["--hypotheses", texts[1], "--references", texts[1]], ["--data", str(data / "bin")]
    return {
        "average": ["average", str(path), "--output", str(folder / "out.pt")],
        "convert": ["convert", str(path), str(folder / "out.pt")],
        "score": ["score", *two, "--checkpoint", str(path), *trained],
        "inspect": ["inspect", str(path), "--source", "one word", *trained],
        "knockout": ["knockout", str(path), "--source", texts[0], "--target", texts[1], *trained],
    }


def _finished_study(path: Path) -> list[str]:
    """A study with one finished run, whose averaged checkpoint is the given one."""
    run, study = path.parent, path.parents[2]
    file = study / "small.yaml"
    file.write_text(STUDY.format(recipe=Path(__file__).parents[2] / "recipes" / "generated.sh"), encoding="utf-8")
    result = '{"corpus": "fragment", "model": "nmt_attn_tiny", "seed": 1000000, "preset": "nmt_attn_tiny", "flags": []'
    for number in ("parameters", "updates", "bleu", "sentences"):
        result += f', "{number}": 1'
    for text in ("encoder_self", "decoder_self", "cross", "signature", "data_sha256", "test_sha256", "scorer"):
        result += f', "{text}": "x"'
    (study / "results.jsonl").write_text(result + "}\n", encoding="utf-8")
    (run / "settings").mkdir()
    (run / "settings" / "DIRECTION").write_text("en-de\n", encoding="utf-8")
    raw = study / "fragment" / "data" / "raw"
    raw.mkdir(parents=True)
    for language in ("en", "de"):
        (raw / f"test.{language}").write_text("a word\n", encoding="utf-8")
    return ["knockouts", str(file), "--out", str(study)]


def _files(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("forced", [False, True], ids=["", FORCE])
@pytest.mark.parametrize(("place", "kind"), KINDS)
def test_our_commands_run_no_code_of_a_checkpoint(
    place: str,
    kind: str,
    forced: bool,
    crafted: Callable[[str, str], Path],
    data: Path,
    mark: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    if forced:
        monkeypatch.setenv(FORCE, "1")
    path = crafted(place, kind)
    commands = _our_commands(path, data, tmp_path) | {"knockouts": _finished_study(path)}
    before = _files(tmp_path)
    for name, command in commands.items():
        assert (name, cli.main(command)) == (name, 2)
        out, err = capsys.readouterr()
        said = [line for line in err.splitlines() if not line.endswith(" ...")]  # what is being done
        assert (name, out, said) == (name, "", [f"nmt-attn: error: {_said(place, path)}"])
    monkeypatch.setattr(sys, "argv", ["check", str(data / "bin"), "--checkpoint", str(path)])
    assert check.main() == 2
    assert capsys.readouterr().err == f"check: error: {_said(place, path)}\n"
    assert not mark.exists()
    assert _files(tmp_path) == before


FAIRSEQ: dict[str, Callable[..., Any]] = {
    "restore": train.cli_main,
    "finetune": train.cli_main,
    "generate": generate.cli_main,
    "interactive": interactive.cli_main,
    "validate": validate.cli_main,
}


def _fairseq_command(name: str, path: Path, data: Path, folder: Path) -> list[str]:
    """A command of fairseq that reads the checkpoint, with our plugin."""
    training = ["--arch", *MODEL, "--share-all-embeddings", *TRAINING, "--save-dir", str(folder / "run")]
    read = {
        "restore": ["fairseq-train", *training, "--restore-file", str(path)],
        "finetune": ["fairseq-train", *training, "--finetune-from-model", str(path)],
        "generate": ["fairseq-generate", "--path", str(path), "--cpu"],
        "interactive": ["fairseq-interactive", "--path", str(path), "--cpu"],
        "validate": ["fairseq-validate", "--path", str(path), "--task", "translation", "--max-tokens", "200", "--cpu"],
    }[name]
    return [read[0], str(data / "bin"), *read[1:], "--user-dir", nmt_attn.__path__[0]]


def _weights(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*.pt") if path.name != "average.pt"]


def _case(name: str, place: str, kind: str) -> Any:
    quick = name == "generate" or (place, kind) == KINDS[0]  # all commands read with the same function
    return pytest.param(name, place, kind, marks=() if quick else pytest.mark.slow)


@pytest.mark.parametrize(
    ("name", "place", "kind"), [_case(name, place, kind) for name in FAIRSEQ for place, kind in KINDS]
)
def test_fairseqs_commands_run_no_code_of_a_checkpoint(
    name: str,
    place: str,
    kind: str,
    crafted: Callable[[str, str], Path],
    data: Path,
    mark: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    path = crafted(place, kind)
    monkeypatch.setattr(sys, "argv", _fairseq_command(name, path, data, tmp_path))
    with pytest.raises(SystemExit) as stopped:
        FAIRSEQ[name]()
    assert stopped.value.code == 2
    said = capsys.readouterr().err.splitlines()
    assert [line for line in said if "nmt_attn: error" in line] == [f"nmt_attn: error: {_said(place, path)}"]
    assert not mark.exists()
    assert not _weights(tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("name", FAIRSEQ)
def test_nor_do_they_where_torch_is_told_to_run_code(
    name: str, crafted: Callable[[str, str], Path], data: Path, mark: Path, tmp_path: Path
) -> None:
    path = crafted("args", "zip")
    program, *arguments = _fairseq_command(name, path, data, tmp_path)
    done = _forced(str(Path(sys.executable).parent / program), *arguments)
    assert done.returncode == 2, done.stderr[-2000:]
    assert [line for line in done.stderr.splitlines() if "rror" in line] == [f"nmt_attn: error: {_said('args', path)}"]
    assert "Traceback" not in done.stderr + done.stdout
    assert not mark.exists()
    assert not _weights(tmp_path)


def test_with_the_plugin_torch_cannot_be_told_to_run_code(crafted: Callable[[str, str], Path], mark: Path) -> None:
    script = "import sys, nmt_attn.models; from fairseq.checkpoint_utils import load_checkpoint_to_cpu as load"
    path = crafted("args", "zip")
    done = _forced(sys.executable, "-c", f"{script}; load(sys.argv[1])", str(path))
    assert (done.returncode, done.stderr.splitlines()[-1]) == (2, f"nmt_attn: error: {_said('args', path)}")
    assert not mark.exists()


def _forced(*command: str) -> "subprocess.CompletedProcess[str]":
    environment = {**os.environ, FORCE: "1"}
    return subprocess.run(command, env=environment, input="a word\n", capture_output=True, text=True, timeout=120)


def test_the_code_in_these_checkpoints_would_run(crafted: Callable[[str, str], Path], mark: Path) -> None:
    """Or the tests above would show nothing."""
    torch.load(crafted("args", "zip"), weights_only=False)
    assert mark.exists()


def test_an_archive_of_torchscript_is_no_checkpoint(
    tmp_path: Path, data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "average.pt"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.jit.script(torch.nn.Linear(2, 2)).save(str(path))  # type: ignore[no-untyped-call]
        for command in _our_commands(path, data, tmp_path).values():
            assert cli.main(command) == 2
            said = [line for line in capsys.readouterr().err.splitlines() if not line.endswith(" ...")]
            (line,) = said
            assert line.startswith(
                f"nmt-attn: error: the checkpoint must be one of fairseq's, but {path} is not: Runtime"
            )


@pytest.mark.parametrize("record", ["data.pkl", "more.pkl"])
def test_code_in_a_part_of_the_file_that_torch_does_not_expect_is_not_run(
    record: str, sound: Path, mark: Path, tmp_path: Path
) -> None:
    """A second data.pkl, of which torch reads one and other programs the other, or a part that is not torch's."""
    path = tmp_path / "average.pt"
    path.write_bytes(sound.read_bytes())
    with warnings.catch_warnings(), zipfile.ZipFile(path, "a") as archive:
        warnings.simplefilter("ignore")  # of a name that is there already
        folder = archive.namelist()[0].split("/")[0]
        archive.writestr(f"{folder}/{record}", pickle.dumps(Exploit(mark)))
    assert cli.main(["average", str(path), "--output", str(tmp_path / "out.pt")]) == 0
    assert not mark.exists()
    assert checkpoints.load(tmp_path / "out.pt")["model"].keys() == checkpoints.load(sound)["model"].keys()
