"""What a score depends on, read from the files that led to it."""

import argparse
import hashlib
import re
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import nmt_attn
from nmt_attn.models import checkpoints
from nmt_attn.models.options import read_config
from nmt_attn.spec import SpecError
from nmt_attn.study.progress import training_seconds

BINARISED = {".bin", ".idx", ".txt"}  # what fairseq-preprocess writes
TRANSLATION_TIME = re.compile(r"Translated .* in ([0-9.]+)s")


def describe_run(checkpoint: Path, data: Path, train_log: Path | None, translation_log: Path | None) -> dict[str, Any]:
    """Preset, codes, seed, updates, parameters, checksum of the data, version of the code, seconds."""
    state = checkpoints.load(checkpoint)
    options = checkpoints.model_options(state)
    return {
        "preset": options.arch,
        **_mixers(options),
        "seed": getattr(options, "seed", None),
        "updates": (state.get("optimizer_history") or [{}])[-1].get("num_updates"),
        "parameters": checkpoints.parameter_count(state),
        "data_sha256": checksum(sorted(path for path in data.iterdir() if path.suffix in BINARISED)),
        "code_version": code_version(),
        "training_seconds": round(_training_seconds(train_log), 1),
        "translation_seconds": _translation_seconds(translation_log),
    }


def _mixers(options: argparse.Namespace) -> dict[str, Any]:
    """What each site computes as asked for, and layer by layer with all limits and sizes."""
    sites = ("encoder_self", "decoder_self", "cross")
    if not options.arch.startswith("nmt_attn"):
        return dict.fromkeys((*sites, "absolute_positions"), "stock fairseq")
    cfg, spec = read_config(options)
    asked = (options.enc_self_attn_mixer, options.dec_self_attn_mixer, options.cross_attn_mixer)
    return {
        **dict(zip(sites, asked, strict=True)),
        "layers": {site: [layer.text for layer in getattr(spec, site)] for site in sites},
        "attention_dropout": cfg.attention_dropout,
        "absolute_positions": options.absolute_positions,
    }


def checksum(paths: Iterable[Path]) -> str:
    """sha256 over names and contents of files."""
    digest = hashlib.sha256()
    for path in paths:
        digest.update(path.name.encode() + b"\0")
        with path.open("rb") as stream:
            while block := stream.read(1 << 20):
                digest.update(block)
    return digest.hexdigest()


def code_version() -> str:
    """The package's version and, in a checkout, its commit, marked if files were changed since."""
    command = ["git", "describe", "--always", "--dirty", "--exclude=*"]
    folder = Path(nmt_attn.__file__).parent
    try:
        commit = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return nmt_attn.__version__
    return f"{nmt_attn.__version__}+{commit}"


def _training_seconds(log: Path | None) -> float:
    return 0.0 if log is None else training_seconds(_text(log).splitlines())


def _translation_seconds(log: Path | None) -> float:
    if log is None:
        return 0.0
    times = TRANSLATION_TIME.findall(_text(log))
    if not times:
        raise SpecError(f"{log} must hold fairseq-generate's summary, but was cut off: translate again")
    return float(times[-1])


def _text(log: Path) -> str:
    try:
        return log.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise SpecError(f"{log} must be a log that can be read: {error.strerror}") from None
