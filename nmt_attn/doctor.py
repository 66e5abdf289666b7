"""nmt-attn doctor: versions, device, and a tiny train-translate check through fairseq's own commands."""

import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import nmt_attn
from nmt_attn.corpora.fragment import write_corpus
from nmt_attn.spec import SpecError
from nmt_attn.versions import check_versions

PACKAGES = (
    "torch",
    "ve-fairseq",
    "fairseq-fixed",
    "sacrebleu",
    "sacremoses",
    "sentencepiece",
    "numpy",
    "pandas",
    "matplotlib",
)
UPDATES = 20


def run() -> int:
    """Prints what is there and whether it works; returns 0, or 2 after one line that says what is wrong."""
    for line in describe_environment():
        print(line, flush=True)
    problem = find_problem()
    print(problem or "all is well: a model was trained, saved, loaded and used to translate")
    return 2 if problem else 0


def describe_environment() -> Iterator[str]:
    """Versions and device, a line each."""
    yield f"nmt_attn      {nmt_attn.__version__} in {nmt_attn.__path__[0]}"
    yield f"python        {platform.python_version()} on {platform.system()} {platform.machine()}"
    for package in PACKAGES:
        try:
            yield f"{package:13} {version(package)}"
        except PackageNotFoundError:
            if "fairseq" not in package:  # one of the two is enough
                yield f"{package:13} not installed"
    yield f"device        {device()}"


def device() -> str:
    """The device that training would use."""
    try:
        import torch
    except ImportError as error:
        return f"unknown, torch cannot be imported: {error}"
    if torch.cuda.is_available():
        names = [torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count())]
        return f"{len(names)} GPU: {', '.join(names)}"
    return f"CPU with {torch.get_num_threads()} threads"


def find_problem() -> str | None:
    """Trains and translates a little; None if all works, else one line."""
    try:
        check_versions()
    except SpecError as error:
        return str(error)
    for command in ("fairseq-preprocess", "fairseq-train", "fairseq-generate"):
        if _path(command) is None:
            return f"{command} must be installed beside {sys.executable}: pip install -c constraints.txt -e ."
    with tempfile.TemporaryDirectory() as folder:
        return _train_and_translate(Path(folder))


def _path(command: str) -> str | None:
    """The command in the environment of this Python, else anywhere."""
    return shutil.which(command, path=str(Path(sys.executable).parent)) or shutil.which(command)


def _train_and_translate(folder: Path) -> str | None:
    write_corpus(folder, train=200, valid=8, test=8, seed=1)
    preprocess = ["fairseq-preprocess", "--source-lang", "en", "--target-lang", "de", "--joined-dictionary"]
    for split, name in (("train", "train"), ("valid", "valid"), ("test", "test")):
        preprocess += [f"--{split}pref", str(folder / name)]
    plugin = ["--user-dir", nmt_attn.__path__[0]]
    train = ["fairseq-train", f"{folder}/bin", *plugin, "--arch", "nmt_attn_tiny", "--share-all-embeddings"]
    train += ["--optimizer", "adam", "--lr", "0.001", "--max-tokens", "400", "--max-update", str(UPDATES)]
    train += ["--save-dir", f"{folder}/run", "--no-epoch-checkpoints", "--seed", "1", "--log-format", "simple"]
    generate = ["fairseq-generate", f"{folder}/bin", *plugin, "--path", f"{folder}/run/checkpoint_last.pt"]
    generate += ["--beam", "2", "--max-len-b", "5"]
    for command in ([*preprocess, "--destdir", f"{folder}/bin"], train, generate):
        print(f"trying {command[0]} ...", flush=True)
        done = subprocess.run([_path(command[0]) or command[0], *command[1:]], capture_output=True, text=True)
        if done.returncode != 0:
            last = (done.stderr.strip().splitlines() or ["no message"])[-1]
            return f"{command[0]} failed with exit code {done.returncode}: {last}"
    translated = done.stdout.count("\nD-") + done.stdout.startswith("D-")
    return None if translated == 8 else f"fairseq-generate must translate 8 sentences, but translated {translated}"
