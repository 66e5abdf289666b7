"""All contenders compute attention over the same batch."""

import os
from importlib.util import find_spec

import pytest
import torch
from torch import nn

from nmt_attn.attention.paths.planner import FORCE, Path
from nmt_attn.bench.contenders import build
from nmt_attn.bench.inputs import Inputs, make_inputs
from nmt_attn.bench.names import FAIRSEQ, FAIRSEQ_RELATIVE, PATHS, TORCH, X_TRANSFORMERS, Ours, our_contenders
from nmt_attn.bench.ours import forced
from nmt_attn.spec import Site, SpecError

DIM, HEADS, LENGTH, SENTENCES = 16, 4, 9, 5
EVERY = [FAIRSEQ, FAIRSEQ_RELATIVE, TORCH, X_TRANSFORMERS, Ours("1111"), Ours("0010"), Ours("conv")]
CASES = [
    (contender, site)
    for contender in EVERY
    for site in Site
    if not (contender == FAIRSEQ_RELATIVE and site is not Site.ENCODER_SELF)
    and not (contender == Ours("conv") and site is Site.CROSS)
    and not (contender == X_TRANSFORMERS and find_spec("x_transformers") is None)
]


def _inputs(site: Site, padded: bool = True) -> Inputs:
    return make_inputs(site, LENGTH, SENTENCES, DIM, padded)


@pytest.mark.parametrize(("contender", "site"), CASES, ids=str)
def test_padding_is_not_seen_and_gradients_come_back(contender: str | Ours, site: Site) -> None:
    module, inputs = build(contender, site, DIM, HEADS).double(), _double(_inputs(site))
    output = module(inputs)
    assert output.shape == inputs.query.shape
    output.backward(inputs.gradient)
    assert inputs.memory.grad is not None
    assert inputs.padding is not None
    hidden = inputs.padding.t()[:, :, None]
    other = _replace(inputs, torch.where(hidden, inputs.memory.detach() + 1.0, inputs.memory.detach()))
    seen = ~hidden if site.is_self else torch.ones_like(output[..., :1], dtype=torch.bool)
    torch.testing.assert_close(module(other) * seen, output * seen)


@pytest.mark.parametrize("contender", [x for x, site in CASES if site is Site.DECODER_SELF], ids=str)
def test_the_decoders_site_does_not_see_the_future(contender: str | Ours) -> None:
    site = Site.DECODER_SELF
    module, inputs = build(contender, site, DIM, HEADS).double(), _double(_inputs(site, padded=False))
    memory = inputs.memory.detach().clone()
    memory[5:] += 1.0
    before, after = module(inputs), module(_replace(inputs, memory))
    torch.testing.assert_close(after[:5], before[:5])
    assert not torch.allclose(after[5:], before[5:])


@pytest.mark.parametrize("site", Site)
def test_stock_and_torch_and_code_1010_with_the_same_numbers_are_the_same(site: Site) -> None:
    inputs = _double(_inputs(site))
    stock, other, ours = (build(x, site, DIM, HEADS).double() for x in (FAIRSEQ, TORCH, Ours("1010")))
    parts = [getattr(stock.attention, f"{name}_proj") for name in "qkv"]
    for part in parts:
        nn.init.normal_(part.bias)
    last = stock.attention.out_proj
    with torch.no_grad():
        other.attention.in_proj_weight.copy_(torch.cat([part.weight for part in parts]))
        other.attention.in_proj_bias.copy_(torch.cat([part.bias for part in parts]))
        other.attention.out_proj.load_state_dict(last.state_dict())
        mixer = ours.mixer
        for projection, part in zip(("query", "key", "value"), parts, strict=True):
            getattr(mixer, f"{projection}_projection").weight.copy_(part.weight)
        mixer.key_saliency.copy_(parts[0].bias.view(HEADS, -1))
        mixer.output_projection.weight.copy_(last.weight)
        mixer.output_projection.bias.copy_(last.bias + last.weight @ parts[2].bias)
    expected, seen = stock(inputs), ~inputs.padding.t() if site.is_self else ...
    torch.testing.assert_close(other(inputs)[seen], expected[seen], atol=1e-6, rtol=0.0)  # stock: softmax in float32
    torch.testing.assert_close(ours(inputs)[seen], expected[seen], atol=1e-6, rtol=0.0)


def test_sentences_are_spread_over_half_the_length_to_all_of_it() -> None:
    encoder = make_inputs(Site.ENCODER_SELF, 9, 400, 4)
    assert encoder.padding is not None
    lengths = (~encoder.padding).sum(dim=1)
    assert lengths[0] == 9
    assert set(lengths.tolist()) == {5, 6, 7, 8, 9}
    assert encoder.padding[:, 0].any()
    assert not encoder.padding[:, -1].any()
    decoder = make_inputs(Site.DECODER_SELF, 9, 400, 4)
    assert decoder.padding is not None
    assert not decoder.padding[:, 0].any()
    assert make_inputs(Site.ENCODER_SELF, 9, 1, 4).padding is None
    assert make_inputs(Site.ENCODER_SELF, 9, 400, 4, padded=False).padding is None


def test_names_tell_path_and_engine() -> None:
    names = [ours.name for ours in our_contenders(["1111", "0010@pool"], ["matmul"], "both")]
    plain = ["1111", "1111@matmul", "0010@pool"]
    assert names == [name + mark for name in plain for mark in ("", " + engine")]
    with pytest.raises(SpecError, match=f"^a path must be one of {', '.join(PATHS)}, not 'pol'$"):
        our_contenders(["0010@pol"], [], "plain")


def test_the_paths_are_those_of_the_attention() -> None:
    assert set(PATHS) == {path.value for path in Path}


def test_a_path_is_forced_for_one_call_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(FORCE, "matmul")
    with forced("pool"):
        assert os.environ[FORCE] == "pool"
    with forced(None):
        assert FORCE not in os.environ
    assert os.environ[FORCE] == "matmul"


@pytest.mark.parametrize(
    ("site", "reason"), [(Site.DECODER_SELF, "it has no causal mask"), (Site.CROSS, "it has no cross attention")]
)
def test_fairseqs_relative_attention_refuses_what_it_cannot_do(site: Site, reason: str) -> None:
    with pytest.raises(SpecError, match=f"^{reason}$"):
        build(FAIRSEQ_RELATIVE, site, DIM, HEADS)


def test_what_is_not_installed_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "x_transformers.x_transformers", None)
    with pytest.raises(SpecError, match=r"^not installed: pip install x-transformers$"):
        build(X_TRANSFORMERS, Site.ENCODER_SELF, DIM, HEADS)


def _double(inputs: Inputs) -> Inputs:
    query = inputs.query.detach().double().requires_grad_()
    memory = query if inputs.memory is inputs.query else inputs.memory.detach().double().requires_grad_()
    return Inputs(query, memory, inputs.padding, inputs.future, inputs.gradient.double())


def _replace(inputs: Inputs, memory: torch.Tensor) -> Inputs:
    """The inputs with another memory, which in self-attention is the query too."""
    query = memory if inputs.memory is inputs.query else inputs.query
    return Inputs(query, memory, inputs.padding, inputs.future, inputs.gradient)
