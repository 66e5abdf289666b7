"""One attention module beside those of others: time and memory of forward and backward, by length."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import asdict, dataclass

import torch
from torch import Tensor, nn

from nmt_attn.bench.contenders import build
from nmt_attn.bench.inputs import Inputs, make_inputs
from nmt_attn.bench.names import FAIRSEQ, Ours
from nmt_attn.bench.record import Record
from nmt_attn.bench.rounds import Clock, Race, measure
from nmt_attn.spec import Site


@dataclass(frozen=True)
class Setting:
    """What is the same at all lengths. tokens: of a batch, with padding. backward: False for the forward pass alone,
    as in translation. padded: whether sentences have different lengths. amp: torch's automatic mixed precision.
    """

    site: Site
    tokens: int
    dim: int
    heads: int
    padded: bool = True
    backward: bool = True
    amp: bool = False
    device: str = "cpu"
    threads: int = 1

    def fields(self) -> dict[str, object]:
        return asdict(self) | {"site": self.site.value}

    def inputs(self, length: int) -> Inputs:
        sentences = self.tokens // length
        return make_inputs(self.site, length, sentences, self.dim, self.padded, self.device)

    def warm_up_inputs(self, length: int) -> Inputs:
        """Two short sentences."""
        return make_inputs(self.site, min(length, 8), 2, self.dim, self.padded, self.device)


class ModuleStep:
    """Forward and backward of one contender; the module is made at the first call."""

    def __init__(self, contender: str | Ours, inputs: Inputs, setting: Setting) -> None:
        self.contender, self.inputs, self.setting = contender, inputs, setting
        self.module: nn.Module | None = None

    def __call__(self, number: int = 0) -> None:
        setting = self.setting
        if self.module is None:
            self.module = build(self.contender, setting.site, setting.dim, setting.heads, setting.device)
            self.module.train(setting.backward)
        self.forget()
        with torch.set_grad_enabled(setting.backward):
            output = self._forward(self.module)
        if setting.backward:
            output.backward(self.inputs.gradient.to(output.dtype))

    def _forward(self, module: nn.Module) -> Tensor:
        with torch.autocast(self.setting.device) if self.setting.amp else nullcontext():
            return module(self.inputs)

    def forget(self) -> None:
        """Drops the gradients of the last call, of which there is one set for all contenders' inputs."""
        self.inputs.forget()
        if self.module is not None:
            self.module.zero_grad(set_to_none=True)


def run(
    contenders: Mapping[str, str | Ours],
    setting: Setting,
    lengths: Sequence[int],
    rounds: int,
    memory: bool,
    record: Record,
    save: Callable[[], None],
    say: Callable[[str], None],
) -> None:
    """Measures what the record lacks, length by length."""
    from nmt_attn.bench.memory import module_growth

    clock = Clock(torch.device(setting.device), setting.threads)
    for number, length in enumerate(lengths, start=1):
        point = record.point(str(length))
        place = f"length {length} ({number} of {len(lengths)})"
        if len(point.tokens) < rounds:
            say(f"{place}: time of {len(contenders)} modules")
            inputs = setting.inputs(length)
            steps = {name: ModuleStep(contender, inputs, setting) for name, contender in contenders.items()}
            race = Race(FAIRSEQ, steps, [length * (setting.tokens // length)])
            measure(point, race, rounds, clock, save, say)
            del inputs, steps, race
        missing = [name for name in point.seconds if name not in point.memory] if memory else []
        if missing:
            say(f"{place}: memory of {len(missing)} modules")
        for name in missing:
            point.memory[name] = module_growth(contenders[name], setting, length)
            save()
