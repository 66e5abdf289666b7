"""Reading fairseq's checkpoints: safely, and none that is damaged."""

import argparse
import pickle
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from textwrap import shorten
from typing import Any

import numpy as np
import torch

from nmt_attn.models import sealed
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
    with reading(path):
        state = torch.load(path, map_location="cpu", weights_only=True)
    if not isinstance(state, dict) or not isinstance(state.get("model"), dict):
        raise SpecError(f"the checkpoint must be one of fairseq's, but {path} holds no model")
    cfg, history = state.get("cfg"), state.get("optimizer_history")
    if (
        not all(isinstance(value, torch.Tensor) for value in state["model"].values())
        or not isinstance(cfg, dict | None)
        or not isinstance(history, list | None)
    ):
        raise SpecError(f"the checkpoint must be one of fairseq's, but the model, cfg or history of {path} is not")
    return state


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Raises SpecError if the checkpoint is not there or damaged, or where torch.load inside cannot read it."""
    try:
        if reason := sealed.damage(path):
            raise SpecError(f"the checkpoint must be whole, but {path} is damaged: {reason}")
        yield
    except (SpecError, MemoryError):
        raise
    except FileNotFoundError:
        raise SpecError(f"the checkpoint must be a file, but {path} does not exist") from None
    except pickle.UnpicklingError as error:
        if match := re.search(r"GLOBAL (\S+)", str(error)):
            raise SpecError(f"the checkpoint must hold data only, but {path} would run code: {match[1]}") from error
        raise SpecError(f"the checkpoint must be whole, but {path} is damaged: not a file of torch.save") from error
    except OSError as error:
        raise SpecError(f"the checkpoint must be a file that can be read, but {path} cannot be: {error}") from error
    except Exception as error:  # of any kind where the bytes are not a checkpoint's
        reason = shorten(f"{type(error).__name__}: {error}", 100)
        raise SpecError(f"the checkpoint must be one of fairseq's, but {path} is not: {reason}") from error


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
