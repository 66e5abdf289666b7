"""Which keys support a query, a softmax over them, and the isolation of broken numbers.

Axes: b batch, h heads, t queries, s keys, c channels. Masks are True where a key is *hidden*.
"""

import torch
from torch import Tensor

from nmt_attn.spec import SpecError


def hidden_keys(
    queries: int,
    keys: int,
    start: int,
    device: torch.device,
    causal: bool,
    window: int | None,
    padding: Tensor | None,
) -> Tensor | None:
    """The mask of one call, broadcastable to (b, 1, t, s), or None when every key is visible.

    start: position of the first query among the keys. padding: (b, s), True at padded keys.
    """
    hidden: Tensor | None = None
    if (causal and queries > 1) or window is not None:
        distance = torch.arange(keys, device=device) - torch.arange(start, start + queries, device=device)[:, None]
        distance = distance[None, None]
        if causal:
            hidden = distance > 0
        if window is not None:
            far = distance.abs() > window
            hidden = far if hidden is None else hidden | far
    if padding is not None:
        padded = padding[:, None, None, :]
        hidden = padded if hidden is None else hidden | padded
    return hidden


def masked_softmax(logits: Tensor, hidden: Tensor | None) -> Tensor:
    """Softmax over the visible keys, computed in float32 at least; a row without any is all zero, as is its gradient.

    logits: (b, h, t, s), hidden: broadcastable to it. Returns the weights in the type of the logits.
    """
    wide = torch.promote_types(logits.dtype, torch.float32)
    if hidden is None:
        return torch.softmax(logits, dim=-1, dtype=wide).to(logits.dtype)
    # The smallest number instead of -inf: exp gives the same exact 0, and a row that is hidden whole gives no NaN.
    logits = logits.masked_fill(hidden, torch.finfo(logits.dtype).min)
    return torch.softmax(logits, dim=-1, dtype=wide).masked_fill(hidden, 0.0).to(logits.dtype)


def without_padding(x: Tensor, padding: Tensor | None) -> Tensor:
    """x (b, s, c) with zeros at padded positions (b, s): what stands there, NaN too, must not reach other tokens."""
    if padding is None:
        return x
    if padding.shape != x.shape[:2]:
        raise SpecError(f"padding must be (batch, tokens) {tuple(x.shape[:2])}, not {tuple(padding.shape)}")
    return x.masked_fill(padding[:, :, None], 0.0)


def hold_back_nonfinite(x: Tensor, poison: Tensor | None) -> tuple[Tensor, Tensor | None]:
    """Keeps a NaN or Inf at position q out of what is computed for earlier positions.

    In a product with causal weights 0 * NaN is NaN, so one broken token would reach back to all before it.
    x: (b, s, c). poison: of the tokens before, (b, 1, 1), None if none was broken. Returns x with zeros in place of
    broken tokens, and (b, s, 1) to be added to the output: zero before the first broken token, NaN from it on, so that
    nothing is hidden either; None where no token is broken, which a processor can ask and a GPU would have to wait for.
    """
    wide = torch.promote_types(x.dtype, torch.float32)
    if poison is None and x.device.type == "cpu" and x.detach().sum(dtype=wide).isfinite():
        return x, None
    broken = ~x.detach().sum(dim=-1, keepdim=True, dtype=wide).isfinite()
    spread = torch.zeros_like(broken, dtype=x.dtype).masked_fill(broken, float("nan")).cumsum(dim=1)
    return x.masked_fill(broken, 0.0), spread if poison is None else spread + poison
