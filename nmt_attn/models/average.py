"""Checkpoint averaging, as in Vaswani et al. 2017 (section 6.1)."""

import re
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from nmt_attn.models import checkpoints
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
            "train longer, or save more often with --save-interval-updates"
        )
    return [path for _, path in sorted(found)[-count:]]


def average(paths: Sequence[Path], output: Path) -> None:
    """Writes the mean of the checkpoints' parameters; all else is taken from the last one.

    Means are formed in float64. Raises SpecError if the checkpoints are not of one model.
    """
    if not paths:
        raise SpecError("at least one checkpoint must be given to average, not 0")
    total: dict[str, Tensor] = {}
    for path in paths:
        state = checkpoints.load(path)
        model = state["model"]
        if total and model.keys() != total.keys():
            odd = sorted(model.keys() ^ total.keys())[0]
            raise SpecError(f"all checkpoints must be of one model, but {odd} is not in both {paths[0]} and {path}")
        for name, value in model.items():
            if value.is_floating_point():
                value = value.double()
                total[name] = total[name] + value if name in total else value
            elif name in total and not torch.equal(total[name], value):
                raise SpecError(f"all checkpoints must be of one model, but {name} differs in {paths[0]} and {path}")
            else:
                total[name] = value
    mean: dict[int, Tensor] = {}  # by storage, so that shared embeddings stay shared
    for name, value in state["model"].items():
        if value.is_floating_point():
            if value.data_ptr() not in mean:
                mean[value.data_ptr()] = (total[name] / len(paths)).to(value.dtype)
            state["model"][name] = mean[value.data_ptr()]
    state.pop("last_optimizer_state", None)
    checkpoints.save(state, output)
