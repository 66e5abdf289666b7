"""What a training command asks of fairseq for one of our architectures, checked before anything is made."""

import argparse
import importlib.util

import torch

from nmt_attn.models.criterion import NAME as FUSED
from nmt_attn.spec import SpecError

# Options that fairseq would silently ignore, or do to parts that our layers do not have: name, value when unused.
LEFT_OUT = {
    "adaptive_input": False,
    "tie_adaptive_weights": False,
    "tie_adaptive_proj": False,
    "pipeline_model_parallel": False,
    "model_parallel_size": 1,
    "quantization_config_path": None,
}
SHARES = [
    *("dropout", "activation_dropout", "relu_dropout", "adaptive_softmax_dropout"),
    *("encoder_layerdrop", "decoder_layerdrop", "label_smoothing"),
]


def check_command(args: argparse.Namespace) -> None:
    """Raises SpecError for options of fairseq-train that do not go with our models, with each other or this machine."""

    def given(name: str) -> object:
        return getattr(args, name, None)

    for name, unused in LEFT_OUT.items():
        if given(name) not in (unused, None):
            raise SpecError(f"{_flag(name)} must be left out: nmt_attn's models do not have it")
    for name in SHARES:
        value = given(name)
        if isinstance(value, float | int) and not 0 <= value < 1:
            raise SpecError(f"{_flag(name)} must be at least 0 and below 1, not {value}")
    if given("store_ema"):
        raise SpecError(
            "--store-ema must be left out: fairseq takes the mean of each tensor, of what says how a model is built "
            "too; nmt-attn average makes one of checkpoints"
        )
    _check_precision(args)
    _check_criterion(given("criterion"), given("adaptive_softmax_cutoff"), given("ddp_backend"))


def _flag(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def _check_precision(args: argparse.Namespace) -> None:
    if getattr(args, "tpu", False) and importlib.util.find_spec("torch_xla") is None:
        flag = "--bf16" if getattr(args, "bf16", False) else "--tpu"
        raise SpecError(f"{flag} must have a TPU and torch_xla: for mixed precision on a GPU give --amp or --fp16")
    flags = [f"--{name}" for name in ("fp16", "amp") if getattr(args, name, False)]
    if len(flags) > 1:
        raise SpecError("--fp16 and --amp must not come together: give one of them")
    if flags and (getattr(args, "cpu", False) or not torch.cuda.is_available()):
        where = "--cpu is given" if getattr(args, "cpu", False) else "torch sees none"
        raise SpecError(f"{flags[0]} must have a GPU, but {where}: leave {flags[0]} out")


def _check_criterion(criterion: object, cutoff: object, backend: object) -> None:
    if backend == "fully_sharded":
        if criterion == FUSED:
            raise SpecError(
                f"--criterion {FUSED} must have another --ddp-backend than fully_sharded, which keeps the output "
                "matrix from it: give label_smoothed_cross_entropy"
            )
        if importlib.util.find_spec("fairscale") is None:
            raise SpecError("--ddp-backend fully_sharded must have fairscale: pip install fairscale, or leave it out")
    if criterion == FUSED and cutoff is not None:
        raise SpecError(f"--criterion {FUSED} must have a model without --adaptive-softmax-cutoff")
    if (criterion == "adaptive_loss") != (cutoff is not None):
        raise SpecError("--adaptive-softmax-cutoff and --criterion adaptive_loss must come together, not one alone")
    if criterion == "adaptive_loss" and backend not in ("legacy_ddp", "no_c10d"):
        raise SpecError(f"--criterion adaptive_loss must have --ddp-backend legacy_ddp, not {backend}")
