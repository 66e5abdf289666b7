"""The fused loss: the numbers of fairseq's, without the logits of all tokens."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from fairseq.criterions.label_smoothed_cross_entropy import label_smoothed_nll_loss
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from nmt_attn.engine import count_correct, label_smoothed_loss, loss

PADDING = 1
CHUNK = 8


@pytest.fixture(autouse=True)
def _small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loss, "CHUNK", CHUNK)


def _inputs(
    count: int, words: int = 11, channels: int = 6, dtype: torch.dtype = torch.float64, padded: bool = True
) -> tuple[Tensor, Tensor, Tensor]:
    generator = torch.Generator().manual_seed(count)
    features = torch.randn(count, channels, generator=generator, dtype=dtype)
    weight = torch.randn(words, channels, generator=generator, dtype=dtype)
    target = torch.randint(2, words, (count,), generator=generator)
    if padded:
        target[1::3] = PADDING
    return features, weight, target


def _fairseq(features: Tensor, weight: Tensor, target: Tensor, smoothing: float, padding: int) -> tuple[Tensor, Tensor]:
    log_probabilities = torch.log_softmax(features @ weight.t(), dim=-1)
    return label_smoothed_nll_loss(log_probabilities, target, smoothing, ignore_index=padding)


def _all(function: Callable[..., Any], inputs: tuple[Tensor, Tensor, Tensor], smoothing: float) -> list[Tensor]:
    features, weight = (x.clone().requires_grad_() for x in inputs[:2])
    total, nll = function(features, weight, inputs[2], smoothing, PADDING)
    return [total, nll, *torch.autograd.grad(3.0 * total, (features, weight))]


@pytest.mark.parametrize(("dtype", "error"), [(torch.float64, 1e-12), (torch.float32, 2e-6)])
@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize("count", [1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK])
@pytest.mark.parametrize("padded", [True, False])
def test_loss_and_gradients_are_those_of_fairseq(
    count: int, smoothing: float, padded: bool, dtype: torch.dtype, error: float
) -> None:
    inputs = _inputs(count, dtype=dtype, padded=padded)
    found, wanted = _all(label_smoothed_loss, inputs, smoothing), _all(_fairseq, inputs, smoothing)
    for one, other in zip(found, wanted, strict=True):
        assert one.dtype == dtype
        assert (one - other).abs().max() <= error * other.abs().max()


@pytest.mark.parametrize("count", [0, 5])
def test_without_a_real_target_all_is_zero(count: int) -> None:
    features, weight, target = _inputs(count)
    for value in _all(label_smoothed_loss, (features, weight, target.fill_(PADDING)), 0.1):
        assert value.eq(0).all()


def test_the_gradient_is_that_of_the_loss() -> None:
    features, weight, target = _inputs(CHUNK + 2, words=5, channels=3)
    operands = (features.requires_grad_(), weight.requires_grad_())
    assert torch.autograd.gradcheck(lambda f, w: label_smoothed_loss(f, w, target, 0.1, PADDING)[0], operands)


def test_the_nll_has_no_gradient() -> None:
    features, weight, target = _inputs(3)
    total, nll = label_smoothed_loss(features.requires_grad_(), weight, target, 0.1, PADDING)
    assert total.requires_grad
    assert not nll.requires_grad


def test_a_gradient_is_formed_for_what_needs_it_only() -> None:
    features, weight, target = _inputs(CHUNK + 3)
    whole = _all(label_smoothed_loss, (features, weight, target), 0.1)
    features.requires_grad_()
    label_smoothed_loss(features, weight, target, 0.1, PADDING)[0].backward()
    assert torch.equal(3.0 * features.grad, whole[2])
    features, weight = features.detach(), weight.requires_grad_()
    label_smoothed_loss(features, weight, target, 0.1, PADDING)[0].backward()
    assert torch.equal(3.0 * weight.grad, whole[3])


class _Largest(TorchDispatchMode):
    """The most numbers that one output has, and the names of what ran."""

    def __init__(self) -> None:
        super().__init__()
        self.numbers, self.names = 0, []

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        output = function(*args, **(kwargs or {}))
        for tensor in output if isinstance(output, tuple | list) else [output]:
            if isinstance(tensor, Tensor):
                self.numbers = max(self.numbers, tensor.numel())
        self.names.append(str(function))
        return output


def test_the_logits_of_all_tokens_are_never_there_together() -> None:
    count, words = 40 * CHUNK, 50
    inputs = _inputs(count, words)
    with _Largest() as largest:
        _all(label_smoothed_loss, inputs, 0.1)
    assert largest.numbers == max(CHUNK * words, inputs[0].numel())
    with _Largest() as largest:
        _all(_fairseq, inputs, 0.1)
    assert largest.numbers == count * words


def test_no_work_for_gradients_when_nothing_is_learned() -> None:
    features, weight, target = _inputs(CHUNK + 3)
    with torch.no_grad(), _Largest() as largest:
        total, _ = label_smoothed_loss(features, weight.requires_grad_(), target, 0.1, PADDING)
    assert not total.requires_grad
    assert not any("addmm" in name or "scatter" in name for name in largest.names)
    assert sum("aten.mm" in name for name in largest.names) == 1


@pytest.mark.parametrize("kind", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize("autocast", [True, False])
def test_in_half_precision_all_but_the_products_is_in_float32(kind: torch.dtype, autocast: bool) -> None:
    features, weight, target = _inputs(5 * CHUNK, words=30, channels=16, dtype=torch.float32)
    exact = _all(_fairseq, (features, weight, target), 0.1)
    if autocast:
        with torch.autocast("cpu", kind):
            found = _all(label_smoothed_loss, (features, weight, target), 0.1)
    else:
        found = _all(label_smoothed_loss, (features.to(kind), weight.to(kind), target), 0.1)
    assert found[0].dtype == found[1].dtype == torch.float32
    assert found[2].dtype == found[3].dtype == (torch.float32 if autocast else kind)
    error = {torch.bfloat16: 2e-2, torch.float16: 2e-3}[kind]
    for one, other in zip(found, exact, strict=True):
        assert (one.float() - other).abs().max() <= error * other.abs().max()


def test_tiny_probabilities_count_in_half_precision() -> None:
    features, weight, target = torch.tensor([[1.0, 0.0]]), torch.zeros(1003, 2), torch.tensor([2])
    weight[2, 0] = 18.0  # every other word has a probability of 1.5e-8
    weight[3:, 1] = 1.0
    half = features.half().requires_grad_()
    label_smoothed_loss(half, weight.half(), target, 0.0, PADDING)[0].mul(2.0**10).backward()
    assert half.grad is not None
    assert half.grad[0, 1].item() == pytest.approx(2.0**10 * 1000 * 1.523e-8, rel=0.01)


def test_fast_products_give_the_same_up_to_rounding() -> None:
    inputs = _inputs(5 * CHUNK, words=30, channels=16, dtype=torch.float32)
    before = torch.get_float32_matmul_precision()
    fast = _all(lambda *operands: label_smoothed_loss(*operands, fast=True), inputs, 0.1)
    assert torch.get_float32_matmul_precision() == before
    for one, other in zip(fast, _all(label_smoothed_loss, inputs, 0.1), strict=True):
        assert (one - other).abs().max() <= 2e-6 * other.abs().max()


@pytest.mark.parametrize("count", [0, 1, CHUNK, 3 * CHUNK + 1])
def test_right_words_are_counted_as_fairseq_does(count: int) -> None:
    features, weight, target = _inputs(count)
    likely = (features @ weight.t()).argmax(dim=-1)
    target[::2] = likely[::2]
    target[1::3] = PADDING
    real = target.ne(PADDING)
    correct, total = count_correct(features, weight, target, PADDING)
    assert (correct, total) == ((likely.eq(target) & real).sum(), real.sum())
