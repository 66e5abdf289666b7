"""Our attention as a contender, called as nmt_attn.models calls it."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

from torch import Tensor, nn

from nmt_attn.attention import build_mixer
from nmt_attn.attention.paths.planner import FORCE
from nmt_attn.bench.inputs import Inputs
from nmt_attn.bench.names import Ours
from nmt_attn.notation import Shape, layer_specs
from nmt_attn.spec import AttentionSpec, Site, SpecError


class Mixing(nn.Module):
    """A mixer of ours. path: which way it shall compute; by default it chooses itself."""

    def __init__(self, ours: Ours, site: Site, dim: int, heads: int) -> None:
        super().__init__()
        (spec,) = layer_specs(ours.mixer, site, 1, Shape(dim, heads), "--codes")
        if ours.path is not None and not isinstance(spec, AttentionSpec):
            raise SpecError(f"a path can be chosen for attention alone, not for {ours.mixer}")
        self.path = ours.path
        self.mixer = build_mixer(spec)
        if ours.engine:
            from nmt_attn.engine import speed_up

            if not speed_up(self.mixer):
                raise SpecError("the engine is off on this machine")

    def forward(self, inputs: Inputs) -> Tensor:
        x = inputs.query.transpose(0, 1)
        memory = x if inputs.memory is inputs.query else inputs.memory.transpose(0, 1)
        with forced(self.path):
            return self.mixer(x, memory, inputs.padding)[0].transpose(0, 1)


@contextmanager
def forced(path: str | None) -> Iterator[None]:
    """Makes our attention take a path; None: the one that it chooses itself."""
    before = os.environ.pop(FORCE, None)
    if path is not None:
        os.environ[FORCE] = path
    try:
        yield
    finally:
        os.environ.pop(FORCE, None)
        if before is not None:
            os.environ[FORCE] = before
