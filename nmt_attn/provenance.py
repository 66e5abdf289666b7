"""What a score depends on, read from the files that led to it."""

import argparse
import hashlib
import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from nmt_attn.analysis.cost import Workload, model_cost
from nmt_attn.environment import code_version
from nmt_attn.models import checkpoints
from nmt_attn.models.convert import converted_options
from nmt_attn.models.options import read_config
from nmt_attn.spec import Site, SpecError
from nmt_attn.study.progress import development_curve, read_log, training_seconds

BINARISED = {".bin", ".idx", ".txt"}  # what fairseq-preprocess writes
EMBEDDINGS = "decoder.embed_tokens.weight"
TRANSLATION_TIME = re.compile(r"Translated .* in ([0-9.]+)s")


def describe_run(checkpoint: Path, data: Path, run: Path | None, translation_log: Path | None) -> dict[str, Any]:
    """Preset, codes, seed, updates, cost, checksum of the data, version of the code.

    With the folder of the run also its settings, on what it was trained, its learning curve, and how long it took.
    """
    state = checkpoints.load(checkpoint)
    options = checkpoints.model_options(state)
    _check_complete(checkpoint, state, options)
    return {
        "preset": options.arch,
        **_mixers(options),
        "seed": getattr(options, "seed", None),
        "updates": (state.get("optimizer_history") or [{}])[-1].get("num_updates"),
        "parameters": checkpoints.parameter_count(state),
        "multiply_adds": multiply_adds(options, len(state["model"][EMBEDDINGS])),
        "data_sha256": checksum(sorted(path for path in data.iterdir() if path.suffix in BINARISED)),
        "code_version": code_version(),
        **({} if run is None else _describe_training(run)),
        "translation_seconds": _translation_seconds(translation_log),
    }


def _check_complete(checkpoint: Path, state: dict[str, Any], options: argparse.Namespace) -> None:
    """Raises SpecError for a checkpoint without what a result tells of it."""
    needed = {
        "the name of its architecture": isinstance(getattr(options, "arch", None), str),
        "the embeddings of a decoder": EMBEDDINGS in state["model"],
    }
    for what, there in needed.items():
        if not there:
            raise SpecError(f"the checkpoint must be one of fairseq-train, but {checkpoint} lacks {what}")


def _describe_training(run: Path) -> dict[str, Any]:
    log = list(read_log(_text(run / "train.log").splitlines()))
    lines = _text(run / "environments.jsonl").splitlines() if (run / "environments.jsonl").exists() else []
    return {
        "settings": {path.name: _text(path).rstrip("\n") for path in sorted((run / "settings").glob("[!.]*"))},
        "trained_with": [json.loads(line) for line in dict.fromkeys(lines)],
        "training_seconds": round(training_seconds(log), 1),
        "curve": development_curve(log),
    }


def _mixers(options: argparse.Namespace) -> dict[str, Any]:
    """What each site computes as asked for, and layer by layer with all limits and sizes."""
    sites = ("encoder_self", "decoder_self", "cross")
    if not _is_ours(options):
        return dict.fromkeys((*sites, "absolute_positions"), "stock fairseq")
    cfg, spec = read_config(options)
    asked = (options.enc_self_attn_mixer, options.dec_self_attn_mixer, options.cross_attn_mixer)
    return {
        **dict(zip(sites, asked, strict=True)),
        "layers": {site: [layer.text for layer in getattr(spec, site)] for site in sites},
        "attention_dropout": cfg.attention_dropout,
        "absolute_positions": options.absolute_positions,
    }


def _is_ours(options: argparse.Namespace) -> bool:
    return bool(options.arch.startswith("nmt_attn"))


def multiply_adds(options: argparse.Namespace, vocabulary: int) -> int | None:
    """Of one forward pass over 30 source and 30 target tokens; a stock transformer's are those of code 1010."""
    try:
        cfg, spec = read_config(options if _is_ours(options) else converted_options(options))
    except SpecError:  # a stock model with parts that ours does not have
        return None
    mixers = {Site.ENCODER_SELF: spec.encoder_self, Site.DECODER_SELF: spec.decoder_self, Site.CROSS: spec.cross}
    widths = (cfg.encoder.ffn_embed_dim, cfg.decoder.ffn_embed_dim)
    return model_cost(mixers, widths, Workload(vocabulary=vocabulary)).multiply_adds


def checksum(paths: Iterable[Path]) -> str:
    """sha256 over names and contents of files."""
    digest = hashlib.sha256()
    for path in paths:
        digest.update(path.name.encode() + b"\0")
        with path.open("rb") as stream:
            while block := stream.read(1 << 20):
                digest.update(block)
    return digest.hexdigest()


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
