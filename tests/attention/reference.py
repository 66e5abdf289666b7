"""The generalized attention as plain dense torch, differentiable, in float64: the formula for all pairs at once.

It shares no code with the package and keeps no eye on cost, so that long calls and gradients have something to be held
against; test_paths.py holds it against the loops of oracle.py.

Axes: b batch, h heads, t queries, s keys, d head size, c channels, r width of R. query (b, t, c), memory (b, s, c),
padding (b, s), True at padded keys.
"""

import math

import torch
from torch import Tensor


def positions_of_keys(padding: Tensor, cross: bool) -> Tensor:
    """Position of each key (b, s); in cross attention counted from the first real token of its sentence."""
    columns = torch.arange(padding.shape[1]).expand(padding.shape)
    if not cross:
        return columns
    leading = [row.index(False) if False in row else 0 for row in padding.tolist()]
    return columns - torch.tensor(leading, dtype=torch.long)[:, None]


def sinusoids(distances: Tensor, width: int) -> Tensor:
    """R_n for every n of distances (...): (..., r)."""
    wavelengths = [10000.0 ** (-2 * i / width) for i in range(width // 2)]
    angles = distances.double()[..., None] * torch.tensor(wavelengths, dtype=torch.float64)
    return torch.cat([angles.sin(), angles.cos()], dim=-1)


def attend(
    spec: object,
    parameters: dict[str, Tensor],
    query: Tensor,
    memory: Tensor,
    padding: Tensor | None = None,
    start: int = 0,
) -> tuple[Tensor, Tensor]:
    """Output (b, t, c) and weights (b, h, t, s); start: the position of the first query."""
    code, heads, size, limit = spec.terms.code, spec.heads, spec.dim // spec.heads, spec.max_distance
    cross, causal = spec.site.value == "cross", spec.site.value == "decoder self"
    batch, keys, queries = memory.shape[0], memory.shape[1], query.shape[1]
    if padding is None:
        padding = torch.zeros(batch, keys, dtype=torch.bool)
    memory = torch.where(padding[..., None], 0.0, memory)
    if not cross and keys == queries:
        query = torch.where(padding[..., None], 0.0, query)

    steps = start + torch.arange(queries)
    distance = positions_of_keys(padding, cross)[:, None, :] - steps[None, :, None]  # (b, t, s)
    visible = ~padding[:, None, :].expand(distance.shape)
    if causal:
        visible = visible & (torch.arange(keys)[None, :] <= steps[:, None])
    if spec.window is not None:
        visible = visible & (distance.abs() <= spec.window)
    clipped = distance if limit is None else distance.clamp(-limit, limit)

    def by_head(name: str) -> Tensor:
        return parameters[name].unflatten(0, (heads, size))  # (h, d, c)

    logits = torch.zeros(batch, heads, queries, keys, dtype=torch.float64)
    if "1" in code[:2]:
        u_z = torch.einsum("hdc,btc->bhtd", by_head("query_projection.weight"), query)
    if "1" in code[0] + code[2] or spec.key_position:
        v_x = torch.einsum("hdc,bsc->bhsd", by_head("key_projection.weight"), memory)
    if "1" in code[1] + code[3]:
        if spec.positions.value == "shaw":
            v_r = parameters["position_vectors"][clipped + limit][:, None].expand(-1, heads, -1, -1, -1)
        else:
            r = sinusoids(clipped, spec.position_size)
            v_r = torch.einsum("hdr,btsr->bhtsd", by_head("position_projection.weight"), r)
    if code[0] == "1":
        logits = logits + torch.einsum("bhtd,bhsd->bhts", u_z, v_x)
    if code[1] == "1":
        logits = logits + torch.einsum("bhtd,bhtsd->bhts", u_z, v_r)
    if code[2] == "1":
        logits = logits + torch.einsum("hd,bhsd->bhs", parameters["key_saliency"], v_x)[:, :, None, :]
    if code[3] == "1":
        logits = logits + torch.einsum("hd,bhtsd->bhts", parameters["position_bias"], v_r)
    if spec.key_position:
        r = sinusoids(-clipped, spec.position_size)
        u_r = torch.einsum("hdr,btsr->bhtsd", by_head("position_query_projection.weight"), r)
        logits = logits + torch.einsum("bhsd,bhtsd->bhts", v_x, u_r)

    logits = logits / math.sqrt(size)
    some = visible.any(dim=-1)  # (b, t)
    shown = visible | ~some[..., None]  # a row without keys must not make NaN: its output is put to zero below
    weights = torch.softmax(logits.masked_fill(~shown[:, None], -math.inf), dim=-1)
    weights = weights.masked_fill(~visible[:, None], 0.0)
    values = torch.einsum("hdc,bsc->bhsd", by_head("value_projection.weight"), memory)
    merged = torch.einsum("bhts,bhsd->bthd", weights, values).flatten(2)
    output = merged @ parameters["output_projection.weight"].T + parameters["output_projection.bias"]
    return output.masked_fill(~some[..., None], 0.0), weights
