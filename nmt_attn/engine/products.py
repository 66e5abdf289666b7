"""Matrix products through oneDNN where it is the faster library and as exact: on AMD's CPUs.

torch hands float32 products to oneDNN if torch.backends.mkldnn.matmul.fp32_precision allows bfloat16. A CPU with
bfloat16 matrix units then really rounds to it, others compute in float32 as before; fast_products_pay finds out. The
setting is made around products only: fused attention under it takes several times as long, and it is not ours.

Axes: n rows (tokens), i input channels, o output channels; t, s, d as in attention, any axes before them.
"""

import logging
import math
import platform
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd import Function
from torch.autograd.function import once_differentiable

from nmt_attn.attention import GeneralizedAttention, Products

logger = logging.getLogger(__name__)

MOST_ERROR = 2e-6  # of the largest number of a product; bfloat16 would give 1e-3
PAYS_FROM = 2**23  # multiply-adds of one product; below that the calls of oneDNN cost more than they save


@contextmanager
def fast_scope() -> Iterator[None]:
    """In it, float32 products on the CPU go to oneDNN."""
    products: Any = torch.backends.mkldnn
    before = products.matmul.fp32_precision
    products.matmul.fp32_precision = "bf16"
    try:
        yield
    finally:
        products.matmul.fp32_precision = before


def fast_matmul(a: Tensor, b: Tensor) -> Tensor:
    """torch.matmul, also of its gradients, faster for large float32 matrices on the CPU.

    An operand whose size is 1 on an axis on which the other's is more is not written out for it.
    """
    if min(a.dim(), b.dim()) < 2 or not _are_fast(a, b) or a.shape[-1] != b.shape[-2]:
        return torch.matmul(a, b)
    if max(a.numel() * b.shape[-1], b.numel() * a.shape[-2]) < PAYS_FROM:
        return torch.matmul(a, b)
    return _folded_product(a, b)


FAST = Products(fast_matmul, fast_scope)


class FastLinear(nn.Linear):
    """nn.Linear, also of its gradients, faster for large float32 matrices on the CPU. speed_up makes them."""

    def forward(self, x: Tensor) -> Tensor:
        if x.dim() < 2 or not _are_fast(x, self.weight) or x.numel() * self.out_features < PAYS_FROM:
            return super().forward(x)
        swapped = x.dim() == 3 and not x.is_contiguous() and x.transpose(0, 1).is_contiguous()
        x = x.transpose(0, 1) if swapped else x  # rows in the order in which they lie in memory
        y = _Linear.apply(x.flatten(0, -2), self.weight)
        if self.bias is not None:
            y = y + self.bias
        y = y.view(*x.shape[:-1], self.out_features)
        return y.transpose(0, 1) if swapped else y


def speed_up(model: nn.Module) -> int:
    """Gives the linear layers and attention sites of a model the fast products, if they pay on this machine.

    Parameters, their names and what is computed stay. Returns how many modules it has changed.
    """
    if not fast_products_pay():
        return 0
    changed = 0
    for module in model.modules():
        if type(module) is nn.Linear:
            module.__class__ = FastLinear
            changed += 1
        elif isinstance(module, GeneralizedAttention) and module.products != FAST:
            module.products = FAST
            changed += 1
    return changed


@cache
def fast_products_pay() -> bool:
    """Whether products in the fast scope are as exact as others on this machine; tried once a process.

    Their speed is not tried: a busy moment would decide, and a run that goes on after an interruption must compute what
    it would have computed without. They are known to be faster on AMD's CPUs, so elsewhere the answer is no.
    """
    if not torch.backends.mkldnn.is_available() or not hasattr(torch.backends.mkldnn, "matmul") or not _is_amd():
        logger.info("fast products: off, they need torch with oneDNN on a CPU by AMD")
        return False
    error = max(_error(product) for product in _trial_products())
    pays = error < MOST_ERROR
    logger.info(f"fast products: {'on' if pays else 'off'}, relative error {error:.1e}")
    return pays


def _is_amd() -> bool:
    described = Path("/proc/cpuinfo")
    text = described.read_text() if described.exists() else platform.processor()
    return "AuthenticAMD" in text


Trial = tuple[Tensor, Tensor]


def _trial_products() -> list[Trial]:
    """Operands of the three products of two linear layers, output and both gradients, and of queries and keys."""
    generator = torch.Generator().manual_seed(1)
    products = []
    for n, i, o in ((512, 512, 512), (2048, 128, 512)):
        x, weight, gradient = (torch.randn(shape, generator=generator) for shape in ((n, i), (o, i), (n, o)))
        products += [(x, weight.t()), (gradient, weight), (gradient.t(), x)]
    heads = [torch.randn(8, 128, 64, generator=generator) for _ in range(2)]
    return [*products, (heads[0], heads[1].transpose(1, 2))]


def _in_scope(product: Trial) -> Tensor:
    with fast_scope():
        return torch.matmul(*product)


def _error(product: Trial) -> float:
    """Of a product in the scope, beside that in float64."""
    exact = product[0].double() @ product[1].double()
    return ((_in_scope(product) - exact).abs().max() / exact.abs().max()).item()


def _are_fast(*tensors: Tensor) -> bool:
    return not torch.is_autocast_enabled("cpu") and all(
        tensor.dtype == torch.float32 and tensor.device.type == "cpu" for tensor in tensors
    )


class _Linear(Function):
    """y = x W^T of rows x (n, i) and W (o, i)."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor) -> Tensor:
        ctx.save_for_backward(x, weight)
        with fast_scope():
            return torch.mm(x, weight.t())

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, Tensor | None]:
        x, weight = ctx.saved_tensors
        of_x, of_weight = ctx.needs_input_grad
        with fast_scope():
            return torch.mm(gradient, weight) if of_x else None, torch.mm(gradient.t(), x) if of_weight else None


class _Product(Function):
    """y = a b^T of as many matrices a (., t, d) as b (., s, d)."""

    @staticmethod
    def forward(ctx: Any, a: Tensor, b: Tensor) -> Tensor:
        ctx.save_for_backward(a, b)
        with fast_scope():
            return torch.bmm(a, b.transpose(1, 2))

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, Tensor | None]:
        a, b = ctx.saved_tensors
        of_a, of_b = ctx.needs_input_grad
        with fast_scope():
            return (
                torch.bmm(gradient, b) if of_a else None,
                torch.bmm(gradient.transpose(1, 2), a) if of_b else None,
            )


def _folded_product(a: Tensor, b: Tensor) -> Tensor:
    """a b. An axis that only one of them has goes to its rows or columns: many sentences times one matrix are one
    product, and so are their gradients."""
    count = max(a.dim(), b.dim()) - 2
    b = b.transpose(-2, -1)
    a, b = (x[(None,) * (count + 2 - x.dim())] for x in (a, b))
    axes_a, axes_b = ([axis for axis in range(count) if x.shape[axis] != 1] for x in (a, b))
    both = [axis for axis in axes_a if axis in axes_b]
    own_a, own_b = ([axis for axis in axes if axis not in both] for axes in (axes_a, axes_b))
    neither = [axis for axis in range(count) if axis not in axes_a + axes_b]

    def folded(x: Tensor, own: list[int]) -> Tensor:
        order = both + own
        x = x.permute(*(axis for axis in range(count) if axis not in order), *order, -2, -1)
        shape = [x.shape[axis] for axis in range(count - len(own), count)]
        return x.reshape(-1 if both else 1, math.prod(shape) * x.shape[-2], x.shape[-1])

    y = _Product.apply(folded(a, own_a), folded(b, own_b))
    rows, columns = ([x.shape[axis] for axis in own] + [x.shape[-2]] for x, own in ((a, own_a), (b, own_b)))
    y = y.view(*(1 for _ in neither), *(a.shape[axis] for axis in both), *rows, *columns)
    inside = [*neither, *both, *own_a, count, *own_b, count + 1]  # where each axis of y belongs
    return y.permute(*(inside.index(axis) for axis in range(count + 2)))
