"""The record of its specification and vocabulary that a model carries in its checkpoints.

Codes 0111 and 1111 own the same parameters, so without it a checkpoint of one would load as the other; and so would
one with the words of another dictionary of as many symbols.
"""

import hashlib
from typing import Any

import torch
from torch import Tensor, nn

from nmt_attn.attention import Mixer
from nmt_attn.spec import MixerSpec, SpecError

RECORD = "attention_record"
VOCABULARY = "vocabulary_record"
SIDES = {"encoder": "source", "decoder": "target"}


def add_records(model: nn.Module, source: Any, target: Any) -> None:
    """Gives each mixer a buffer that says what it computes, and each side one with the checksum of its dictionary.

    source, target: fairseq's dictionaries, lists of ``symbols``.
    """
    for module in model.modules():
        if isinstance(module, Mixer):
            module.register_buffer(RECORD, make_record(module.spec))
    for side, dictionary in zip(SIDES, (source, target), strict=True):
        digest = hashlib.sha256("\n".join(dictionary.symbols).encode()).digest()[:8]
        model.get_submodule(side).register_buffer(VOCABULARY, torch.tensor(list(digest), dtype=torch.uint8))


def make_record(spec: MixerSpec) -> Tensor:
    """The specification's text as bytes."""
    return torch.tensor(list(spec.text.encode()), dtype=torch.uint8)


def check_records(model: nn.Module, state: dict[str, Tensor]) -> None:
    """Raises SpecError where a checkpoint's state was trained with another attention or vocabulary than the model's."""
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
    for side, language in SIDES.items():
        _check_vocabulary(side, language, model, state)


def _check_vocabulary(side: str, language: str, model: nn.Module, state: dict[str, Tensor]) -> None:
    own, name, words = model.state_dict(), f"{side}.{VOCABULARY}", f"{side}.embed_tokens.weight"
    symbols, trained = len(own[words]), len(state.get(words, own[words]))
    if trained != symbols:
        differ = f"was trained with {trained} symbols and these data have {symbols}"
    elif name in state and not torch.equal(state[name].cpu(), own[name].cpu()):
        differ = f"was trained with other {symbols} symbols, or in another order"
    else:
        state[name] = own[name].cpu()  # checkpoints from before there was a record, and converted ones
        return
    raise SpecError(
        f"the checkpoint must have the data's {language} dictionary, but {differ}: give the data of its training, or "
        "make these again with its dictionaries (fairseq-preprocess --srcdict and --tgtdict)"
    )


def record_text(record: Tensor) -> str:
    """What a record says. The first ones were six numbers: digits, window and maximum distance, -1 for no limit."""
    if record.dtype == torch.uint8:
        return bytes(record.tolist()).decode(errors="replace")
    if record.dtype != torch.int64 or record.shape != (6,):
        raise SpecError(
            "the checkpoint must say what its attention computes in a form that this version of nmt_attn knows, but "
            "does not: install the version that it was made with"
        )
    *digits, window, distance = record.tolist()
    text = "".join(map(str, digits))
    text += "" if window < 0 else f":window={window}"
    return text if distance < 0 else f"{text}:distance={distance}"
