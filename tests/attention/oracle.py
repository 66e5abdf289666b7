"""Generalized attention (arXiv 1904.05873, section 3) written as loops, one pair of positions at a time.

It is written from the formulas only: no torch, no code of the package, float64 numbers throughout.
Arrays: query (b, t, c), memory (b, s, c), padding (b, s), output (b, t, c), weights (b, h, t, s).
"""

import math
from functools import cache

import numpy as np


@cache
def sinusoid(distance: int, dim: int) -> np.ndarray:
    """R_n: the sines of n at dim/2 wavelengths, then the cosines."""
    angles = [distance * 10000.0 ** (-2 * i / dim) for i in range(dim // 2)]
    return np.array([math.sin(angle) for angle in angles] + [math.cos(angle) for angle in angles])


def key_position(column: int, padded: list[bool]) -> int:
    """Position of a key of cross attention: how many columns it stands after the first real token."""
    first = 0
    while first < len(padded) - 1 and padded[first]:
        first += 1
    return column - first


def is_visible(causal: bool, window: int | None, q: int, k: int, column_q: int, column_k: int, hidden: bool):
    """Does key k support query q?"""
    if hidden:
        return False
    if causal and column_k > column_q:
        return False
    return window is None or abs(k - q) <= window


def logit(code, parameters, head, size, z, x, distance):
    """The sum of the terms that the code switches on, for one head and one pair, divided once by the root of size."""
    rows = slice(head * size, (head + 1) * size)
    total = 0.0
    if code[0] == "1":
        u_z = parameters["query_projection.weight"][rows] @ z
        v_x = parameters["key_projection.weight"][rows] @ x
        total += float(u_z @ v_x)
    if code[1] == "1":
        u_z = parameters["query_projection.weight"][rows] @ z
        v_r = parameters["position_projection.weight"][rows] @ sinusoid(distance, len(z))
        total += float(u_z @ v_r)
    if code[2] == "1":
        v_x = parameters["key_projection.weight"][rows] @ x
        total += float(parameters["key_saliency"][head] @ v_x)
    if code[3] == "1":
        v_r = parameters["position_projection.weight"][rows] @ sinusoid(distance, len(z))
        total += float(parameters["position_bias"][head] @ v_r)
    return total / math.sqrt(size)


def softmax(logits: list[float]) -> list[float]:
    top = max(logits)
    powers = [math.exp(value - top) for value in logits]
    return [power / sum(powers) for power in powers]


def attend(
    code: str,
    causal: bool,
    cross: bool,
    heads: int,
    parameters: dict[str, np.ndarray],
    query: np.ndarray,
    memory: np.ndarray,
    padding: np.ndarray | None = None,
    window: int | None = None,
    max_distance: int | None = None,
    rows: list[int] | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Output and weights; with rows only these queries (the others stay zero)."""
    batch, length, dim = query.shape
    size = dim // heads
    output = np.zeros((batch, length, dim))
    weights = np.zeros((batch, heads, length, memory.shape[1]))
    for b in range(batch):
        padded = [False] * memory.shape[1] if padding is None else [bool(flag) for flag in padding[b]]
        for t in range(length) if rows is None else rows:
            visible = []
            for s in range(memory.shape[1]):
                k = key_position(s, padded) if cross else s
                if is_visible(causal, window, t, k, t, s, padded[s]):
                    visible.append((s, k))
            if not visible:
                continue
            joined = []
            for head in range(heads):
                logits = []
                for s, k in visible:
                    distance = k - t
                    if max_distance is not None:
                        distance = min(max(distance, -max_distance), max_distance)
                    z, x = query[b, t], memory[b, s]
                    logits.append(logit(code, parameters, head, size, z, x, distance))
                mixed = np.zeros(size)
                for (s, _), weight in zip(visible, softmax(logits), strict=True):
                    value = parameters["value_projection.weight"][head * size : (head + 1) * size] @ memory[b, s]
                    mixed += weight * value
                    weights[b, head, t, s] = weight
                joined.append(mixed)
            merged = np.concatenate(joined)
            output[b, t] = parameters["output_projection.weight"] @ merged + parameters["output_projection.bias"]
    return output, weights
