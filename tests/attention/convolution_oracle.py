"""Regular, deformable, light and dynamic convolution written as loops, one query at a time.

It is written from the formulas only: no torch, no code of the package, float64 numbers throughout. A sentence is cut
out of its padding before anything is computed, so that padding cannot matter.
Arrays: inputs (b, t, c), padding (b, t), output (b, t, c), weights (b, K or h, t, t).
"""

import math

import numpy as np

Parameters = dict[str, np.ndarray]


def taps(kernel: int, causal: bool, window: int | None) -> list[int]:
    """p_m, ascending: centred on the query in the encoder, ending at it in the decoder, none beyond the window."""
    first = -(kernel - 1) if causal else -(kernel // 2)
    return [tap for tap in range(first, first + kernel) if window is None or abs(tap) <= window]


def softmax(logits: list[float]) -> list[float]:
    top = max(logits)
    powers = [math.exp(value - top) for value in logits]
    return [power / sum(powers) for power in powers]


def sampling_point(q: int, tap: int, offset: float, causal: bool, window: int | None) -> float:
    """The position p that a tap of a deformable convolution reads."""
    point = q + tap + offset
    if causal:
        point = min(point, q)
    if window is not None:
        point = max(point, q - window)
        point = min(point, q if causal else q + window)
    return point


def regular(parameters: Parameters, tokens: np.ndarray, q: int, steps: list[int]) -> tuple[np.ndarray, np.ndarray]:
    """The output (c) of query q and its weights (K, t)."""
    length, dim = tokens.shape
    output = parameters["output_projection.bias"].copy()
    weights = np.zeros((len(steps), length))
    for m, tap in enumerate(steps):
        if 0 <= q + tap < length:
            matrix = parameters["output_projection.weight"][:, m * dim : (m + 1) * dim]
            output += matrix @ tokens[q + tap]
            weights[m, q + tap] = 1.0
    return output, weights


def deformable(
    parameters: Parameters, tokens: np.ndarray, q: int, steps: list[int], causal: bool, window: int | None
) -> tuple[np.ndarray, np.ndarray]:
    """The output (c) of query q and its weights (K, t)."""
    length, dim = tokens.shape
    output = parameters["output_projection.bias"].copy()
    weights = np.zeros((len(steps), length))
    for m, tap in enumerate(steps):
        offset = float(parameters["offset_projection.weight"][m] @ tokens[q])
        point = sampling_point(q, tap, offset, causal, window)
        sampled = np.zeros(dim)
        for k in range(length):
            weights[m, k] = max(0.0, 1.0 - abs(k - point))
            sampled += weights[m, k] * tokens[k]
        output += parameters["output_projection.weight"][:, m * dim : (m + 1) * dim] @ sampled
    return output, weights


def gate(parameters: Parameters, token: np.ndarray) -> np.ndarray:
    """x': the first half of the projected token times the sigmoid of the second."""
    both = parameters["input_projection.weight"] @ token + parameters["input_projection.bias"]
    half = len(both) // 2
    return np.array([value / (1.0 + math.exp(-door)) for value, door in zip(both[:half], both[half:], strict=True)])


def gated(
    parameters: Parameters, tokens: np.ndarray, q: int, steps: list[int], heads: int
) -> tuple[np.ndarray, np.ndarray]:
    """The output (c) of query q and its weights (h, t); tokens are the x' already."""
    length, dim = tokens.shape
    size, count = dim // heads, len(steps)
    mixed = np.zeros(dim)
    weights = np.zeros((heads, length))
    for head in range(heads):
        if "tap_logits" in parameters:
            logits = [float(value) for value in parameters["tap_logits"][head]]
        else:
            rows = parameters["weight_projection.weight"][head * count : (head + 1) * count]
            logits = [float(row @ tokens[q]) for row in rows]
        for tap, weight in zip(steps, softmax(logits), strict=True):
            if 0 <= q + tap < length:
                weights[head, q + tap] = weight
                channels = slice(head * size, (head + 1) * size)
                mixed[channels] += weight * tokens[q + tap, channels]
    return parameters["output_projection.weight"] @ mixed + parameters["output_projection.bias"], weights


def convolve(
    kind: str,
    causal: bool,
    heads: int,
    kernel: int,
    window: int | None,
    parameters: Parameters,
    inputs: np.ndarray,
    padding: np.ndarray | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Output and weights; padded queries stay zero. kind: conv, deform, light or dynamic."""
    batch, columns, _ = inputs.shape
    steps = taps(kernel, causal, window)
    output = np.zeros(inputs.shape)
    weights = np.zeros((batch, heads if kind in ("light", "dynamic") else len(steps), columns, columns))
    for b in range(batch):
        real = [t for t in range(columns) if padding is None or not padding[b, t]]
        tokens = inputs[b, real]
        if kind in ("light", "dynamic"):
            tokens = np.array([gate(parameters, token) for token in tokens])
        for q, column in enumerate(real):
            if kind == "conv":
                output[b, column], rows = regular(parameters, tokens, q, steps)
            elif kind == "deform":
                output[b, column], rows = deformable(parameters, tokens, q, steps, causal, window)
            else:
                output[b, column], rows = gated(parameters, tokens, q, steps, heads)
            weights[b, :, column, real] = rows.T
    return output, weights


def sampling_points(
    causal: bool, kernel: int, window: int | None, parameters: Parameters, inputs: np.ndarray
) -> np.ndarray:
    """Where a deformable convolution reads if nothing is clamped: (b, K, t)."""
    batch, length, _ = inputs.shape
    steps = taps(kernel, causal, window)
    points = np.zeros((batch, len(steps), length))
    for b in range(batch):
        for m, tap in enumerate(steps):
            for q in range(length):
                points[b, m, q] = q + tap + parameters["offset_projection.weight"][m] @ inputs[b, q]
    return points
