"""Checkpoint averaging, as in Vaswani et al. 2017 (section 6.1)."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from nmt_attn.models import checkpoints, sealed
from nmt_attn.models.record import RECORD, VOCABULARY, record_text
from nmt_attn.spec import SpecError


def last_checkpoints(folder: Path, count: int) -> list[Path]:
    """The newest ``count`` checkpoints of a run, oldest first.

    Those that --save-interval-updates writes (checkpoint_EPOCH_UPDATE.pt) if there are any, else those of epochs
    (checkpointEPOCH.pt). Raises SpecError if there are fewer.
    """
    if count < 1:
        raise SpecError(f"the number of checkpoints to average must be at least 1, not {count}")
    for pattern in (r"checkpoint_\d+_(\d+)\.pt", r"checkpoint(\d+)\.pt"):
        found = [(int(match[1]), path) for path in folder.glob("*.pt") if (match := re.fullmatch(pattern, path.name))]
        if found:
            break
    if len(found) < count:
        raise SpecError(
            f"{folder} must hold at least {count} checkpoints to average, not {len(found)}: "
            "train longer, or save more often with --save-interval-updates (fairseq saves none at the end of an epoch)"
        )
    return [path for _, path in sorted(found)[-count:]]


def average(paths: Sequence[Path], output: Path) -> None:
    """Writes the mean of the parameters of a run's checkpoints; all else is taken from the last one.

    Means are formed in float64. Raises SpecError, and writes nothing, if a checkpoint is damaged, stands for another
    run or model than the first, holds a parameter that is not finite, or is given twice.
    """
    _check_paths(paths, output)
    total: dict[str, Tensor] = {}
    facts: dict[str, str] = {}
    updates: dict[int, Path] = {}
    for path in paths:
        state = checkpoints.load(path)
        own = _facts(state)
        facts = facts or own
        _check_run(facts, own, paths[0], path)
        _check_new(state, path, updates)
        for name, value in state["model"].items():
            total[name] = _sum(total.get(name), value, name, path)
    model = state["model"]
    for name, owner in _owners(model).items():  # shared embeddings stay shared
        if owner != name:
            model[name] = model[owner]
        elif model[name].is_floating_point():
            model[name] = (total[name] / len(paths)).to(model[name].dtype)
    state.pop("last_optimizer_state", None)
    sealed.write(state, output)


def _sum(total: Tensor | None, value: Tensor, name: str, path: Path) -> Tensor:
    """In float64; whole numbers are no parameters and stay as they are."""
    if not value.is_floating_point():
        return value
    if not value.isfinite().all():
        raise SpecError(
            f"all parameters must be finite to be averaged, but {name} in {path} is not: leave this checkpoint out"
        )
    return value.double() if total is None else total + value.double()


def _check_paths(paths: Sequence[Path], output: Path) -> None:
    if not paths:
        raise SpecError("at least one checkpoint must be given to average, not 0")
    files = [path.resolve() for path in paths]
    for path, file in zip(paths, files, strict=True):
        if files.count(file) > 1:
            raise SpecError(f"all checkpoints must be different, but {path} is given twice: give each once")
    if output.resolve() in files:
        raise SpecError(f"the average must be written to a file of its own, not to {output}: that is averaged")


def _facts(state: dict[str, Any]) -> dict[str, str]:
    """What the checkpoints of a run have in common, from what tells most to what tells least."""
    model, options = state["model"], checkpoints.model_options(state)
    records = {name: value for name, value in model.items() if name.endswith(RECORD)}
    others = {name: value for name, value in model.items() if name not in records}
    facts = {f"what {name.removesuffix('.' + RECORD)} computes": record_text(value) for name, value in records.items()}
    facts["the architecture"] = str(getattr(options, "arch", None))
    facts["the seed"] = str(getattr(options, "seed", None))
    facts |= {f"the shape of {name}": str(list(value.shape)) for name, value in others.items()}
    facts |= {name: str(value.tolist()) for name, value in others.items() if not value.is_floating_point()}
    facts |= {f"the matrix of {name}": f"that of {owner}" for name, owner in _owners(model).items()}
    return facts


def _check_run(first: dict[str, str], own: dict[str, str], first_path: Path, path: Path) -> None:
    for fact, value in own.items():
        if first.get(fact, value) != value:
            raise SpecError(
                f"all checkpoints must be of one run, but {fact} is {first[fact]} in {first_path} and {value} in {path}"
            )
    if odd := sorted(name for name in first.keys() ^ own.keys() if not name.endswith(VOCABULARY)):
        raise SpecError(f"all checkpoints must be of one run, but {odd[0]} is not said in both {first_path} and {path}")


def _owners(model: dict[str, Tensor]) -> dict[str, str]:
    """The first name of each tensor, the same for those that share their numbers."""
    first: dict[tuple[int, torch.Size], str] = {}
    return {name: first.setdefault((tensor.data_ptr(), tensor.shape), name) for name, tensor in model.items()}


def _check_new(state: dict[str, Any], path: Path, updates: dict[int, Path]) -> None:
    """No two checkpoints stand after the same number of updates: one would be a copy and count twice."""
    count = (state.get("optimizer_history") or [{}])[-1].get("num_updates")
    if count is not None and updates.setdefault(count, path) != path:
        raise SpecError(
            f"all checkpoints must be different, but {updates[count]} and {path} both stand after {count} updates: "
            "give one of them"
        )
