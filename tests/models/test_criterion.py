"""The fused criterion and --engine inside fairseq: the numbers of its own, in training and in several processes."""

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from fairseq.criterions import CRITERION_REGISTRY
from torch import Tensor, nn

from nmt_attn.engine import FAST, FastLinear, products
from nmt_attn.models import checkpoints
from nmt_attn.models.criterion import NAME
from tests.models import toy
from tests.models.test_commands import _run, data

assert data  # a fixture

STOCK = "label_smoothed_cross_entropy"


@pytest.fixture(autouse=True)
def _fast_products_of_every_size(monkeypatch: pytest.MonkeyPatch) -> None:
    products.fast_products_pay.cache_clear()
    monkeypatch.setattr(products, "fast_products_pay", lambda: True)
    monkeypatch.setattr(products, "PAYS_FROM", 0)


def _criterion(name: str, **settings: Any) -> Any:
    return CRITERION_REGISTRY[name](toy.task(), False, 0.1, **settings)


def _sample() -> dict[str, Any]:
    return toy.batch(toy.sentences(5, 6), toy.sentences(5, 4, seed=5))


def _step(model: nn.Module, criterion: Any) -> tuple[Tensor, dict[str, Any], dict[str, Tensor]]:
    model.zero_grad()
    loss, _, logged = criterion(model, _sample())
    loss.backward()
    return loss, logged, {name: p.grad.clone() for name, p in model.named_parameters() if p.grad is not None}


def _assert_close(one: Tensor, other: Tensor, error: float = 2e-6) -> None:
    assert (one - other).abs().max() <= error * other.abs().max().clamp(min=0.1)


@pytest.mark.parametrize("settings", [{}, {"ignore_prefix_size": 1}, {"report_accuracy": True}])
@pytest.mark.parametrize("arch", ["nmt_attn_tiny", "transformer"])
def test_the_fused_criterion_gives_what_the_stock_one_does(arch: str, settings: dict[str, Any]) -> None:
    model = toy.build(arch)
    loss, logged, gradients = _step(model, _criterion(NAME, **settings))
    stock_loss, stock_logged, stock_gradients = _step(model, _criterion(STOCK, **settings))
    _assert_close(loss, stock_loss)
    assert logged.keys() == stock_logged.keys()
    assert gradients.keys() == stock_gradients.keys()
    for name, value in stock_logged.items():
        assert float(logged[name]) == pytest.approx(float(value), rel=2e-6)
    for name, gradient in stock_gradients.items():
        _assert_close(gradients[name], gradient)


def test_the_loss_of_each_token_is_the_stock_one() -> None:
    model = toy.build("nmt_attn_tiny")
    losses = [_criterion(name)(model, _sample(), reduce=False)[0] for name in (NAME, STOCK)]
    assert losses[0].numel() > 1
    assert torch.equal(*losses)


@pytest.mark.parametrize("flags", [(), ("--checkpoint-activations",), toy.EVERY_MIXER])
def test_the_fast_engine_gives_what_the_plain_one_does(flags: Sequence[str]) -> None:
    if max(map(products._error, products._trial_products())) >= products.MOST_ERROR:
        pytest.skip("this processor rounds to bfloat16")
    plain, fast = (toy.build("nmt_attn_tiny", *flags, "--engine", engine) for engine in ("plain", "fast"))
    assert type(fast.decoder.output_projection) is FastLinear
    assert type(plain.decoder.output_projection) is nn.Linear
    assert fast.decoder.output_projection.weight is fast.encoder.embed_tokens.weight
    assert any(getattr(module, "products", None) is FAST for module in fast.modules())
    assert plain.state_dict().keys() == fast.state_dict().keys()
    for name in (STOCK, NAME):
        found, wanted = _step(fast, _criterion(name)), _step(plain, _criterion(name))
        _assert_close(found[0], wanted[0])
        for parameter, gradient in wanted[2].items():
            _assert_close(found[2][parameter], gradient, 2e-5)


def test_options_from_before_the_engine_build_a_plain_model() -> None:
    options = toy.parse("nmt_attn_tiny", *toy.SMALL, *toy.SMALL_HEADS)
    del options.engine
    model = toy.task().build_model(options)
    assert type(model.decoder.output_projection) is nn.Linear


def _broken(kind: str) -> nn.Module:
    model = toy.build("transformer")
    if kind == "adaptive":
        model.decoder.adaptive_softmax = nn.Linear(2, 2)
    elif kind == "bias":
        model.decoder.output_projection = nn.Linear(16, 24)
    elif kind == "none":
        model.decoder = nn.Linear(2, 2)
    elif kind == "unused":
        model.decoder.output_projection.weight = nn.Parameter(model.decoder.output_projection.weight.clone())
        model.find_unused_parameters = True
    return model


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("adaptive", "a model without --adaptive-softmax-cutoff"),
        ("bias", "an output projection without bias"),
        ("none", "a Transformer with fairseq's output layer, not Linear"),
        ("unused", "--share-decoder-input-output-embed to go with --find-unused-parameters"),
    ],
)
def test_models_that_make_words_otherwise_are_refused(
    kind: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as refusal:
        _criterion(NAME)(_broken(kind), _sample())
    assert refusal.value.code == 2
    assert capsys.readouterr().err.splitlines()[-1] == f"nmt_attn: error: --criterion {NAME} must have {message}"


LIMITS = ("--max-tokens", 200, "--max-update", 2, "--no-epoch-checkpoints", "--no-progress-bar", "--seed", 1)
OPTIMIZER = ("--optimizer", "adam", "--lr", 0.001, "--label-smoothing", 0.1, "--report-accuracy")


def _train(data: Path, run: Path, arch: str, *flags: object) -> dict[str, Tensor]:
    sizes = toy.SMALL if arch == "transformer" else ()
    _run("fairseq-train", data / "bin", "--arch", arch, *sizes, *flags, *LIMITS, *OPTIMIZER, "--save-dir", run)
    return checkpoints.load(run / "checkpoint_last.pt")["model"]


@pytest.mark.parametrize("arch", ["nmt_attn_tiny", "transformer"])
def test_two_updates_of_fairseq_train_end_at_the_same_parameters(arch: str, data: Path, tmp_path: Path) -> None:
    engine = ("--engine", "fast") if arch.startswith("nmt_attn") else ()
    shared = ("--share-all-embeddings",)
    fused = _train(data, tmp_path / "fused", arch, "--criterion", NAME, *engine, *shared)
    stock = _train(data, tmp_path / "stock", arch, "--criterion", STOCK, *shared)
    for name, value in stock.items():
        if value.is_floating_point():
            assert (fused[name] - value).abs().max() < 2e-5, name
    if not engine:
        return
    search = ("--path", tmp_path / "fused" / "checkpoint_last.pt", "--beam", 3, "--max-len-b", 12)
    fast = _run("fairseq-generate", data / "bin", *search)
    plain = _run("fairseq-generate", data / "bin", *search, "--model-overrides", "{'engine': 'plain'}")
    words = [[line.split("\t")[::2] for line in text.splitlines() if line[:2] == "H-"] for text in (fast, plain)]
    assert len(words[0]) == 8
    assert words[0] == words[1]


PROCESS = """
import json, os, sys, torch
from argparse import Namespace
import torch.distributed as dist
from fairseq.models import DistributedFairseqModel
from fairseq.criterions import CRITERION_REGISTRY
from tests.models import toy
import fairseq.models.distributed_fairseq_model as wrappers

rank, address, backend, name, tied, unused = int(sys.argv[1]), *sys.argv[2:]
dist.init_process_group("gloo", init_method=address, rank=rank, world_size=2)
model = toy.build("nmt_attn_tiny")
if tied == "no":
    output = model.decoder.output_projection
    output.weight = torch.nn.Parameter(output.weight.detach() + 0.1)
true = wrappers.DistributedDataParallel
wrappers.DistributedDataParallel = lambda **how: true(**{**how, "device_ids": None, "output_device": None})
args = Namespace(
    tpu=False, ddp_backend=backend, device_id=0, broadcast_buffers=False, bucket_cap_mb=25,
    find_unused_parameters=unused == "yes", gradient_as_bucket_view=False, ddp_comm_hook="none", heartbeat_timeout=-1,
)
wrapped = DistributedFairseqModel(args, model, dist.group.WORLD, torch.device("cpu"))
sample = toy.batch(toy.sentences(4 + rank, 6), toy.sentences(4 + rank, 4, seed=5 + rank))
for _ in range(2):
    wrapped.zero_grad()
    CRITERION_REGISTRY[name](toy.task(), False, 0.1)(wrapped, sample)[0].backward()
    if hasattr(wrapped, "all_reduce_grads"):
        wrapped.all_reduce_grads()
print(json.dumps({n: [p.grad.norm().item(), p.grad.sum().item()] for n, p in model.named_parameters()}), flush=True)
dist.barrier()
os._exit(0)  # the end of an interpreter whose gloo threads still run may abort
"""


def _two_processes(folder: Path, *how: str) -> list[dict[str, list[float]]]:
    folder.mkdir()
    started = [
        subprocess.Popen(
            [sys.executable, "-c", PROCESS, str(rank), f"file://{folder}/meeting", *how],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank in (0, 1)
    ]
    outputs = [process.communicate(timeout=120) for process in started]
    assert all(process.returncode == 0 for process in started), outputs[0][1][-2000:]
    return [json.loads(output.splitlines()[-1]) for output, _ in outputs]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("backend", "tied", "unused"),
    [("pytorch_ddp", "no", "no"), ("pytorch_ddp", "yes", "yes"), ("legacy_ddp", "no", "no")],
)
def test_two_processes_have_the_same_gradients_of_all_matrices(
    backend: str, tied: str, unused: str, tmp_path: Path
) -> None:
    fused = _two_processes(tmp_path / "fused", backend, NAME, tied, unused)
    stock = _two_processes(tmp_path / "stock", backend, STOCK, tied, unused)
    assert fused[0] == fused[1]
    assert ("decoder.output_projection.weight" in fused[0]) == (tied == "no")
    assert fused[0].keys() == stock[0].keys()
    for name, values in stock[0].items():
        assert fused[0][name] == pytest.approx(values, rel=1e-4, abs=1e-4)
