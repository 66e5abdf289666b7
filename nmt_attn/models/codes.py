"""The record of its attention specification that a model carries in its checkpoints.

Codes 0111 and 1111 own the same parameters, so without it a checkpoint of one would load as the other.
"""

import torch
from torch import Tensor, nn

from nmt_attn.attention import GeneralizedAttention
from nmt_attn.spec import AttentionSpec, SpecError

RECORD = "attention_record"
_UNLIMITED = -1


def record_codes(model: nn.Module) -> None:
    """Gives each attention site a buffer with its code, window and maximum distance."""
    for module in model.modules():
        if isinstance(module, GeneralizedAttention):
            module.register_buffer(RECORD, make_record(module.spec))


def make_record(spec: AttentionSpec) -> Tensor:
    """Digits of the code, window and maximum distance (-1 for no limit): six whole numbers."""
    limits = [_UNLIMITED if limit is None else limit for limit in (spec.window, spec.max_distance)]
    return torch.tensor([int(digit) for digit in spec.terms.code] + limits)


def _describe(record: Tensor) -> str:
    *digits, window, distance = record.tolist()
    text = "code " + "".join(str(digit) for digit in digits)
    if window != _UNLIMITED:
        text += f" within a window of {window}"
    if distance != _UNLIMITED:
        text += f" with distances up to {distance}"
    return text


def check_codes(model: nn.Module, state: dict[str, Tensor]) -> None:
    """Raises SpecError where a checkpoint's state was trained with another attention than the model has."""
    for name, own in model.named_buffers():
        if not name.endswith(RECORD):
            continue
        site = name.removesuffix("." + RECORD)
        if name not in state:
            raise SpecError(
                f"the checkpoint must come from an nmt_attn model with as many layers, but does not say what {site} "
                "computes; a stock fairseq transformer goes through nmt-attn convert first"
            )
        if state[name].tolist() != own.tolist():
            raise SpecError(
                f"the checkpoint must have the model's attention, but {site} was trained with "
                f"{_describe(state[name])} and the model has {_describe(own)}"
            )
