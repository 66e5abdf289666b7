"""From which checkpoint a training goes on: never from a damaged one, and never from none without saying so."""

import logging
import os
import re
from pathlib import Path
from typing import Any

from fairseq import checkpoint_utils

from nmt_attn.models import checkpoints, sealed
from nmt_attn.models.refusal import refuses_in_one_line
from nmt_attn.spec import SpecError

logger = logging.getLogger(__name__)

LAST = "checkpoint_last.pt"  # fairseq's default for --restore-file, in --save-dir
OF_A_TRAINING = re.compile(r"checkpoint(\d+|_\d+_\d+|_last|_best|\.best_.+)\.pt")

_fairseqs_load = checkpoint_utils.load_checkpoint
_fairseqs_load_to_cpu = checkpoint_utils.load_checkpoint_to_cpu


def replace_loading() -> None:
    """From here on fairseq's commands read no checkpoint that is damaged or would run code."""
    os.environ.pop("TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD", None)  # with it torch would run the code
    checkpoint_utils.load_checkpoint = _load
    checkpoint_utils.load_checkpoint_to_cpu = _load_to_cpu


def _load_to_cpu(path: str, arg_overrides: dict[str, Any] | None = None, load_on_all_ranks: bool = False) -> Any:
    with refuses_in_one_line(), checkpoints.reading(Path(path)):
        return _fairseqs_load_to_cpu(path, arg_overrides, load_on_all_ranks)


def _load(cfg: Any, trainer: Any, **iterator: Any) -> Any:
    if not trainer.checkpoint_suffix and not getattr(cfg, "continue_once", None):
        wanted, cfg.restore_file = cfg.restore_file, checkpoint_to_restore(Path(cfg.save_dir), cfg.restore_file)
        if cfg.restore_file != wanted:
            cfg.finetune_from_model = None  # this training has begun
    return _fairseqs_load(cfg, trainer, **iterator)


def checkpoint_to_restore(folder: Path, wanted: str) -> str:
    """The --restore-file that a training shall go on from, ``wanted`` if it is whole.

    In place of a damaged one of the training's own folder that of most updates is taken, as it is where
    checkpoint_last.pt is missing. Raises SpecError if a file that was asked for does not exist, or where no checkpoint
    is whole: a training never begins anew by itself.
    """
    path = folder / LAST if wanted == LAST else Path(wanted)
    if not path.exists():
        if wanted != LAST:
            raise SpecError(f"--restore-file must be a checkpoint, but {path} does not exist: name another, or none")
        if not any(OF_A_TRAINING.fullmatch(file.name) for file in folder.glob("*.pt")):
            return wanted
        reason = "does not exist"
    elif damage := sealed.damage(path):
        reason = f"is damaged: {damage}"
        if path.parent.resolve() != folder.resolve():
            raise SpecError(f"the checkpoint must be whole, but {path} {reason}")
    else:
        return wanted
    best = newest(folder)
    if best is None:
        raise SpecError(f"{path} {reason}, and no other checkpoint in {folder} is whole: empty it to begin anew")
    logger.warning(f"{path} {reason}; going on from the newest that is whole, {best} ({_updates(best)} updates)")
    return str(best)


def newest(folder: Path) -> Path | None:
    """The checkpoint of most updates among those of a training in the folder that are whole."""
    updates = {path: _updates(path) for path in folder.glob("*.pt") if OF_A_TRAINING.fullmatch(path.name)}
    return max(
        (path for path in updates if updates[path] >= 0), key=lambda path: (updates[path], path.name), default=None
    )


def _updates(path: Path) -> int:
    """-1 for a checkpoint that cannot be read."""
    try:
        return int(checkpoints.load(path)["optimizer_history"][-1]["num_updates"])
    except (SpecError, KeyError, IndexError, TypeError):
        return -1
