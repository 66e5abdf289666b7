"""What is trained is what translates: for every architecture, through a checkpoint file."""

from pathlib import Path
from typing import Any

import pytest
import torch
from fairseq import checkpoint_utils

from nmt_attn.analysis.cost import site_specs
from nmt_attn.attention import Mixer
from nmt_attn.presets import PRESETS
from nmt_attn.spec import Site
from tests.models import toy

# The sizes share their mixers, and the widths are those of a toy: the other sizes are for the long run.
NAMES = [pytest.param(name, marks=[] if "_tiny" in name else pytest.mark.slow) for name in PRESETS]


def _mixers(model: torch.nn.Module) -> list[Mixer]:
    """The mixer of each site; those inside another one come after it and are left out."""
    found = [(name, module) for name, module in model.named_modules() if isinstance(module, Mixer)]
    return [module for name, module in found if name.endswith("_attn")]


@pytest.mark.parametrize("name", NAMES)
def test_a_model_loaded_from_a_checkpoint_calls_our_mixers_with_the_codes_of_its_name(
    name: str, tmp_path: Path
) -> None:
    preset = PRESETS[name]
    flags = (*toy.SMALL, *toy.SMALL_HEADS)
    path = toy.checkpoint(toy.parse(name, *flags), toy.build(name), tmp_path / "model.pt")
    (model,), _ = checkpoint_utils.load_model_ensemble([str(path)], task=toy.task())
    model.eval()
    called: list[str] = []

    def note(module: torch.nn.Module, *_: Any) -> None:
        assert isinstance(module, Mixer)
        called.append(f"{module.spec.site.value} {module.spec.text}")

    for mixer in _mixers(model):
        mixer.register_forward_hook(note)
    sample = toy.batch(toy.sentences(3, 5), toy.sentences(3, 4, seed=4))
    with torch.no_grad():  # where some releases of fairseq skip an overridden encoder attention
        output, _ = model(**sample["net_input"])
        expected, _ = toy.build(name)(**sample["net_input"])
    encoder, decoder, cross = ([f"{site.value} {spec.text}" for spec in site_specs(preset, site)] for site in Site)
    assert called == [*encoder[:2], decoder[0], cross[0], decoder[1], cross[1]]
    assert torch.equal(output, expected)


@pytest.mark.parametrize("name", NAMES)
def test_every_parameter_gets_a_gradient(name: str) -> None:
    model = toy.build(name).train()
    sample = toy.batch(toy.sentences(3, 5), toy.sentences(3, 4, seed=4))
    output, _ = model(**sample["net_input"])
    torch.nn.functional.cross_entropy(output.flatten(0, 1), sample["target"].flatten()).backward()
    for parameter_name, parameter in model.named_parameters():
        assert parameter.grad is not None, parameter_name
        assert parameter.grad.abs().max() > 0, parameter_name
