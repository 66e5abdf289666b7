"""Reading and writing fairseq's checkpoints: safely, and never half a file."""

import argparse
import os
import pickle
import re
from pathlib import Path
from typing import Any

import numpy as np
import torch

from nmt_attn.spec import SpecError


def allow_fairseq_globals() -> None:
    """Lets torch.load(weights_only=True), the default since torch 2.6, read what fairseq puts into a checkpoint.

    That is argparse.Namespace and, with --eval-bleu, numpy's numbers; nothing else, so a checkpoint that would run
    code stays refused.
    """
    rebuild_scalar: Any = np.float64(0.0).__reduce__()[0]
    rebuild_array: Any = np.zeros(1).__reduce__()[0]
    dtypes = [type(np.dtype(kind)) for kind in ("float64", "float32", "int64", "int32", "bool")]
    torch.serialization.add_safe_globals(
        [argparse.Namespace, rebuild_scalar, rebuild_array, np.ndarray, np.dtype, *dtypes]
    )


def load(path: Path) -> dict[str, Any]:
    """The checkpoint as fairseq wrote it, on the CPU. Raises SpecError if it cannot be read, or not safely."""
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        raise SpecError(f"the checkpoint must be a file, but {path} does not exist") from None
    except Exception as error:  # of any kind where the bytes are not a checkpoint's
        if match := re.search(r"GLOBAL (\S+)", str(error)) if isinstance(error, pickle.UnpicklingError) else None:
            raise SpecError(f"the checkpoint must hold data only, but {path} would run code: {match[1]}") from error
        reason = "it is not a file of torch.save" if isinstance(error, pickle.UnpicklingError) else type(error).__name__
        raise SpecError(f"the checkpoint must be whole, but {path} is damaged: {reason}") from error
    if not isinstance(state, dict) or not isinstance(state.get("model"), dict):
        raise SpecError(f"the checkpoint must be one of fairseq's, but {path} holds no model")
    return state


def model_options(state: dict[str, Any]) -> argparse.Namespace:
    """The model's options in a checkpoint, old (``args``) or new (``cfg``)."""
    options = state.get("args") or (state.get("cfg") or {}).get("model")
    if isinstance(options, dict):
        return argparse.Namespace(**options)
    if not isinstance(options, argparse.Namespace):
        raise SpecError("the checkpoint must say how its model was built, but has neither args nor cfg")
    return options


def parameter_count(state: dict[str, Any]) -> int:
    """Learned numbers of the model in a checkpoint; matrices that are shared count once."""
    buffers = ("version", "_float_tensor")
    tensors = {
        tensor.data_ptr(): tensor.numel()
        for name, tensor in state["model"].items()
        if tensor.is_floating_point() and not name.endswith(buffers)
    }
    return sum(tensors.values())


def save(state: dict[str, Any], path: Path) -> None:
    """Writes under a temporary name first, so that the file exists whole or not at all."""
    temporary = path.with_name(path.name + ".part")
    with temporary.open("wb") as stream:
        torch.save(state, stream)
        stream.flush()
        os.fsync(stream.fileno())
    temporary.replace(path)
