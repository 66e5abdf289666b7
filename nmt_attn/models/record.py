"""The record of its specification that a model carries in its checkpoints.

Codes 0111 and 1111 own the same parameters, so without it a checkpoint of one would load as the other.
"""

import torch
from torch import Tensor, nn

from nmt_attn.attention import Mixer
from nmt_attn.spec import MixerSpec, SpecError

RECORD = "attention_record"


def add_records(model: nn.Module) -> None:
    """Gives each mixer a buffer that says what it computes."""
    for module in model.modules():
        if isinstance(module, Mixer):
            module.register_buffer(RECORD, make_record(module.spec))


def make_record(spec: MixerSpec) -> Tensor:
    """The specification's text as bytes."""
    return torch.tensor(list(spec.text.encode()), dtype=torch.uint8)


def check_records(model: nn.Module, state: dict[str, Tensor]) -> None:
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
        if record_text(state[name]) == record_text(own):
            state[name] = own.cpu()  # an old record may be of another form
        else:
            raise SpecError(
                f"the checkpoint must have the model's attention, but {site} was trained with "
                f"{record_text(state[name])} and the model has {record_text(own)}"
            )


def record_text(record: Tensor) -> str:
    """What a record says. The first ones were six numbers: digits, window and maximum distance, -1 for no limit."""
    if record.dtype == torch.uint8:
        return bytes(record.tolist()).decode(errors="replace")
    *digits, window, distance = record.tolist()
    text = "".join(map(str, digits))
    text += "" if window < 0 else f":window={window}"
    return text if distance < 0 else f"{text}:distance={distance}"
