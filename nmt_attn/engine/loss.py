"""Output projection and label-smoothed cross entropy (Szegedy et al. 2016) in one, a few tokens at a time.

    logits z = W x      p = softmax(z)      loss = sum over tokens of (1 - e - e') nll + e' sum_v -log p_v
    nll = -log p_y      e' = e / (V - 1)    gradient of z: p - e' - (1 - e - e') [v = y]

It is fairseq's formula. With the gradient formed at once, the logits of all tokens are never there together.

Axes: n tokens, c channels, V words.
"""

from contextlib import nullcontext
from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function
from torch.autograd.function import once_differentiable

from nmt_attn.engine.products import fast_scope

CHUNK = 512  # tokens
HALF_RANGE = 1024.0  # float16 holds the gradient of a logit times this, else those below 6e-8 would be lost


def label_smoothed_loss(
    features: Tensor, weight: Tensor, target: Tensor, smoothing: float, padding: int, fast: bool = False
) -> tuple[Tensor, Tensor]:
    """Sums of the smoothed loss and of the negative log likelihood over all targets but padding.

    features: (n, c). weight: (V, c). target: (n). smoothing: e. fast: products through oneDNN (see products.py). Only
    the loss has gradients. In half precision, also that of autocast, products are of that kind and all else float32.
    """
    grad = torch.is_grad_enabled()
    wanted = (grad and features.requires_grad, grad and weight.requires_grad)
    loss, nll = _Loss.apply(features, weight, target, smoothing, padding, fast, wanted)
    return loss, nll


def count_correct(features: Tensor, weight: Tensor, target: Tensor, padding: int) -> tuple[Tensor, Tensor]:
    """How many targets but padding are the most probable word, and how many there are. Arguments as above."""
    with torch.no_grad():
        rows = _real(target, padding)
        parts = zip(features[rows].split(CHUNK), target[rows].split(CHUNK), strict=True)
        correct = [(torch.mm(x, weight.t()).argmax(dim=-1) == words).sum() for x, words in parts]
        return torch.stack(correct).sum(), target.new_tensor(len(rows))


def _real(target: Tensor, padding: int) -> Tensor:
    return target.ne(padding).nonzero().squeeze(-1)


class _Loss(Function):
    @staticmethod
    def forward(
        ctx: Any,
        features: Tensor,
        weight: Tensor,
        target: Tensor,
        smoothing: float,
        padding: int,
        fast: bool,
        wanted: tuple[bool, bool],
    ) -> tuple[Tensor, Tensor]:
        device, rows = features.device.type, _real(target, padding)
        kind = features.dtype
        if torch.is_autocast_enabled(device) and kind != torch.float64:
            kind = torch.get_autocast_dtype(device)
        x, words = features[rows].to(kind), target[rows]
        fast = fast and device == "cpu" and kind == torch.float32
        with torch.autocast(device, enabled=False), fast_scope() if fast else nullcontext():
            loss, nll, of_x, of_weight = _in_chunks(x, weight.to(kind), words, smoothing, wanted)
        of_features = None if of_x is None else of_x.new_zeros(features.shape).index_copy_(0, rows, of_x)
        ctx.save_for_backward(of_features, of_weight)
        ctx.kinds = features.dtype, weight.dtype
        ctx.mark_non_differentiable(nll)
        return loss, nll

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, of_loss: Tensor, _: Tensor) -> tuple[Tensor | None, ...]:
        formed = zip(ctx.saved_tensors, ctx.kinds, strict=True)
        gradients = [None if gradient is None else (gradient * of_loss).to(kind) for gradient, kind in formed]
        return *gradients, None, None, None, None, None


def _in_chunks(
    x: Tensor, weight: Tensor, words: Tensor, smoothing: float, wanted: tuple[bool, bool]
) -> tuple[Tensor, Tensor, Tensor | None, Tensor | None]:
    """Loss, nll and the gradients of x and weight that are wanted; all in float32, or float64 if x is."""
    wide = torch.promote_types(x.dtype, torch.float32)
    count = len(weight)
    each = smoothing / (count - 1)
    scale = HALF_RANGE if x.dtype == torch.float16 else 1.0
    loss, nll = (x.new_zeros((), dtype=wide) for _ in range(2))
    of_x = torch.empty_like(x, dtype=wide) if wanted[0] else None
    of_weight = torch.zeros_like(weight, dtype=wide) if wanted[1] else None
    logits, probabilities = (x.new_empty(min(CHUNK, len(x)), count, dtype=kind) for kind in (x.dtype, wide))
    for begin in range(0, len(x), CHUNK):
        part, own = x[begin : begin + CHUNK], words[begin : begin + CHUNK, None]
        z = torch.mm(part, weight.t(), out=logits[: len(part)]).to(wide)
        p = torch.softmax(z, dim=-1, out=probabilities[: len(part)])
        log_sum = z.amax(dim=-1) - p.amax(dim=-1).log()  # log sum_v exp z_v: the largest p is at least 1 / V
        part_nll = (log_sum - z.gather(1, own).squeeze(1)).sum()
        nll = nll + part_nll
        loss = loss + (1.0 - smoothing - each) * part_nll + each * (count * log_sum - z.sum(dim=-1)).sum()
        if not any(wanted):
            continue
        p -= each
        p.scatter_add_(1, own, p.new_full(own.shape, -(1.0 - smoothing - each)))
        of_z = (p * scale).to(x.dtype) if scale != 1.0 else p.to(x.dtype)
        if of_x is not None:
            of_x[begin : begin + CHUNK] = torch.mm(of_z, weight) / scale
        if of_weight is not None and x.dtype == wide:
            of_weight.addmm_(of_z.t(), part)
        elif of_weight is not None:
            of_weight += torch.mm(of_z.t(), part / scale)
    return loss, nll, of_x, of_weight
