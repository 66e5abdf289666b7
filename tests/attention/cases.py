"""What the tests of the attention share: mixers with known random parameters, inputs, paddings, comparisons."""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from nmt_attn.attention import GeneralizedAttention
from nmt_attn.spec import ALL_CODES, AttentionSpec, Site, Terms

from . import oracle

SITES = tuple(Site)
PADDINGS = ("no", "left", "right")
POSITION_CODES = tuple(code for code in ALL_CODES if "1" in code[1] + code[3])
ORDERLESS_CODES = tuple(code for code in ALL_CODES if code not in POSITION_CODES)


def site_name(site: object) -> str:
    return site.value.replace(" ", "-") if isinstance(site, Site) else str(site)


def generator(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def make_mixer(
    code: str,
    site: Site,
    dim: int = 12,
    heads: int = 3,
    key_dim: int = 0,
    dtype: torch.dtype = torch.float64,
    seed: int = 1,
    scale: float = 1.0,
    **options: object,
) -> GeneralizedAttention:
    """A mixer in evaluation mode, its parameters normal and exact in float32, equal names equal values."""
    spec = AttentionSpec(site=site, terms=Terms.parse(code), dim=dim, heads=heads, key_dim=key_dim, **options)
    mixer = GeneralizedAttention(spec)
    with torch.no_grad():
        for name, parameter in mixer.named_parameters():
            number = seed + 1000 * sum(map(ord, name))
            noise = torch.randn(parameter.shape, generator=generator(number))
            fan_in = parameter.shape[1] if name.endswith("weight") else 1
            parameter.copy_(scale * noise / fan_in**0.5)
    return mixer.to(dtype).eval()


def make_inputs(
    site: Site,
    batch: int,
    queries: int,
    keys: int,
    dim: int = 12,
    key_dim: int = 0,
    dtype: torch.dtype = torch.float64,
    seed: int = 2,
) -> tuple[Tensor, Tensor]:
    """Query and memory, exact in float32; in self-attention one and the same tensor."""
    source = generator(seed)
    memory = torch.randn(batch, keys, key_dim or dim, generator=source).to(dtype)
    if site.is_self:
        return memory, memory
    return torch.randn(batch, queries, dim, generator=source).to(dtype), memory


def make_padding(kind: str, batch: int, keys: int, amounts: tuple[int, ...] = (2, 0, 3)) -> Tensor | None:
    """Padded positions on one side: amounts[i] of them in sentence i, all of it where it is shorter."""
    if kind == "no":
        return None
    padding = torch.zeros(batch, keys, dtype=torch.bool)
    for row in range(batch):
        amount = min(amounts[row % len(amounts)], keys)
        columns = slice(0, amount) if kind == "left" else slice(keys - amount, keys)
        padding[row, columns] = True
    return padding


def expected(
    mixer: GeneralizedAttention,
    code: str,
    query: Tensor,
    memory: Tensor,
    padding: Tensor | None = None,
    rows: list[int] | None = None,
) -> tuple[Tensor, Tensor]:
    """Output and weights by the oracle, in float64."""
    spec = mixer.spec
    parameters = {name: as_array(value) for name, value in mixer.named_parameters()}
    output, weights = oracle.attend(
        code=code,
        causal=spec.site is Site.DECODER_SELF,
        cross=spec.site is Site.CROSS,
        heads=spec.heads,
        parameters=parameters,
        query=as_array(query),
        memory=as_array(memory),
        padding=None if padding is None else padding.numpy(),
        window=spec.window,
        max_distance=spec.max_distance,
        rows=rows,
    )
    return torch.from_numpy(output), torch.from_numpy(weights)


def as_array(tensor: Tensor) -> np.ndarray:
    return tensor.detach().double().numpy()


def defined_rows(site: Site, padding: Tensor | None, weights: Tensor) -> Tensor:
    """Queries (b, t) whose output is defined: the real ones, and those that see no key.

    What a padded query computes in self-attention is nobody's business.
    """
    blind = weights.sum(dim=(1, 3)) == 0
    if site.is_self and padding is not None:
        return ~padding | blind
    return torch.ones_like(blind)


def error(actual: Tensor, wanted: Tensor) -> float:
    """Largest absolute difference; infinite where a shape differs or where only one side is a number."""
    if actual.shape != wanted.shape:
        return float("inf")
    if actual.numel() == 0:
        return 0.0
    difference = (actual.double() - wanted.double()).abs().max().item()
    return difference if difference == difference else float("inf")


def relative_error(actual: Tensor, wanted: Tensor) -> float:
    """error() divided by the largest wanted number, if that is not zero."""
    size = wanted.double().abs().max().item() if wanted.numel() else 0.0
    return error(actual, wanted) / (size or 1.0)


def gradients(
    mixer: GeneralizedAttention,
    query: Tensor,
    memory: Tensor,
    loss: Callable[[Tensor], Tensor],
    padding: Tensor | None = None,
    need_weights: bool = False,
) -> dict[str, Tensor]:
    """Gradients of loss(output) for the parameters, "query" and "memory" (the same tensor in self-attention)."""
    query_leaf = query.detach().clone().requires_grad_()
    memory_leaf = query_leaf if memory is query else memory.detach().clone().requires_grad_()
    mixer.zero_grad(set_to_none=True)
    output, _ = mixer(query_leaf, memory_leaf, padding=padding, need_weights=need_weights)
    loss(output).backward()
    leaves = {"query": query_leaf, "memory": memory_leaf, **dict(mixer.named_parameters())}
    return {name: torch.zeros_like(leaf) if leaf.grad is None else leaf.grad.clone() for name, leaf in leaves.items()}
