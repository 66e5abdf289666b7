"""Published position patterns and the fifth term written as loops, one pair of positions at a time.

Written from the formulas only, as oracle.py is: no torch, no code of the package, float64 numbers throughout.
Arrays: query (b, t, c), memory (b, s, c), padding (b, s), output (b, t, c), weights (b, h, t, s).
"""

import math
from fractions import Fraction

import numpy as np

from .oracle import is_visible, key_position, logit, sinusoid, softmax


def clipped(distance: int, limit: int | None) -> int:
    return distance if limit is None else min(max(distance, -limit), limit)


def alibi_slopes(heads: int) -> list[float]:
    power = 1
    while 2 * power <= heads:
        power *= 2
    slopes = [2.0 ** (-8 * i / power) for i in range(1, power + 1)]
    between = [2.0 ** (-8 * i / (2 * power)) for i in range(1, 2 * power + 1, 2)]
    return slopes + between[: heads - power]


def t5_bucket(distance: int, causal: bool, limit: int) -> int:
    """The bucket of a distance k - q, in whole numbers and so without a doubt at the borders.

    After the exact half come the logarithmic ones: bucket i begins at exact * (limit / exact)^(i / count).
    """
    count = 32
    bucket = 0
    if not causal:
        count = 16
        bucket = 16 if distance > 0 else 0
        distance = -abs(distance)
    steps = max(-distance, 0)
    exact = count // 2
    if steps < exact:
        return bucket + steps
    place = 0
    while place + 1 < exact and Fraction(steps, exact) ** exact >= Fraction(limit, exact) ** (place + 1):
        place += 1
    return bucket + exact + place


def fixed_share(pattern: int, q: int, k: int, length: int) -> float:
    """How much of its weight a head with a fixed pattern gives to a token, before the division by the sum.

    q, k: places from 0 among the length tokens of the sentence.
    """
    left, right = float(k + 1) ** 3, float(length - k) ** 3
    shares = (
        1.0 if k == q else 0.0,
        1.0 if k == q - 1 else 0.0,
        1.0 if k == q + 1 else 0.0,
        left if k <= q - 2 else 0.0,
        right if k >= q + 2 else 0.0,
        left,
        right,
    )
    return shares[pattern]


def pattern_logit(kind, parameters, heads, head, causal, limit, distance, places) -> float:
    """What stands for E4, not divided by the root of the head size."""
    if kind == "alibi":
        return -alibi_slopes(heads)[head] * abs(clipped(distance, limit))
    if kind == "gaussian":
        centre = (-1.0, 0.0 if causal else 1.0)[head % 2]
        return -((clipped(distance, limit) - centre) ** 2) / 2
    if kind == "t5":
        limit = 128 if limit is None else limit
        return float(parameters["position_pattern.bias"][head, t5_bucket(clipped(distance, limit), causal, limit)])
    if kind == "synthesizer":
        last = (256 if limit is None else limit) - 1
        q, k = (min(place, last) for place in places)
        return float(parameters["position_pattern.alignment"][head, q, k])
    raise ValueError(kind)


def shaw_logit(code, parameters, head, size, z, distance, limit) -> float:
    """E2 + E4 with one learned vector a clipped distance."""
    limit = 16 if limit is None else limit
    vector = parameters["position_vectors"][clipped(distance, limit) + limit]
    total = 0.0
    if code[1] == "1":
        total += float(parameters["query_projection.weight"][head * size : (head + 1) * size] @ z @ vector)
    if code[3] == "1":
        total += float(parameters["position_bias"][head] @ vector)
    return total / math.sqrt(size)


def key_position_logit(parameters, head, size, z, x, distance, limit) -> float:
    """E5; distance: k - q."""
    rows = slice(head * size, (head + 1) * size)
    turned = parameters["position_query_projection.weight"][rows] @ sinusoid(clipped(-distance, limit), len(z))
    return float(parameters["key_projection.weight"][rows] @ x @ turned) / math.sqrt(size)


def pair_logit(code, kind, fifth, parameters, heads, head, size, causal, limit, z, x, distance, places) -> float:
    if kind == "sinusoid":
        total = logit(code, parameters, head, size, z, x, clipped(distance, limit))
        return total + (key_position_logit(parameters, head, size, z, x, distance, limit) if fifth else 0.0)
    content = logit(code[0] + "0" + code[2] + "0", parameters, head, size, z, x, distance)
    if kind == "shaw":
        return content + shaw_logit(code, parameters, head, size, z, distance, limit)
    return content + pattern_logit(kind, parameters, heads, head, causal, limit, distance, places)


def fixed_weights(code, parameters, heads, head, size, z, visible, memory, first, length, q) -> list[float]:
    """Weights of one head with fixed patterns over the visible keys, columns of memory (s, c)."""
    content_heads = 0
    if code[0] == "1" or code[2] == "1":
        content_heads = math.ceil(heads / 8)
    patterned = heads - content_heads
    if head >= patterned:
        own = head - patterned  # the place among the heads that U, V^C and u have
        return softmax([logit(code[:3] + "0", parameters, own, size, z, memory[s], 0) for s, _ in visible])
    shares = [fixed_share(head % 7, q - first, s - first, length) for s, _ in visible]
    total = sum(shares)
    return [share / total if total else 0.0 for share in shares]


def attend(
    code: str,
    kind: str,
    fifth: bool,
    causal: bool,
    cross: bool,
    heads: int,
    parameters: dict[str, np.ndarray],
    query: np.ndarray,
    memory: np.ndarray,
    padding: np.ndarray | None = None,
    window: int | None = None,
    max_distance: int | None = None,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Output, weights, and which queries (b, t) are defined: the real ones and those that see no key."""
    batch, length, dim = query.shape
    size = dim // heads
    output = np.zeros((batch, length, dim))
    weights = np.zeros((batch, heads, length, memory.shape[1]))
    defined = np.ones((batch, length), dtype=bool)
    for b in range(batch):
        padded = [False] * memory.shape[1] if padding is None else [bool(flag) for flag in padding[b]]
        first = -key_position(0, padded)
        for t in range(length):
            visible = []
            for s in range(memory.shape[1]):
                k = key_position(s, padded) if cross else s
                if is_visible(causal, window, t, k, t, s, padded[s]):
                    visible.append((s, k))
            if not visible:
                continue
            if not cross and padded[t]:
                defined[b, t] = False
                continue
            joined = []
            for head in range(heads):
                if kind == "fixed":
                    shares = fixed_weights(
                        code,
                        parameters,
                        heads,
                        head,
                        size,
                        query[b, t],
                        visible,
                        memory[b],
                        first,
                        padded.count(False),
                        t,
                    )
                else:
                    shares = softmax(
                        [
                            pair_logit(
                                code,
                                kind,
                                fifth,
                                parameters,
                                heads,
                                head,
                                size,
                                causal,
                                max_distance,
                                query[b, t],
                                memory[b, s],
                                k - t,
                                (t - first, s - first),
                            )
                            for s, k in visible
                        ]
                    )
                mixed = np.zeros(size)
                for (s, _), weight in zip(visible, shares, strict=True):
                    value = parameters["value_projection.weight"][head * size : (head + 1) * size] @ memory[b, s]
                    mixed += weight * value
                    weights[b, head, t, s] = weight
                joined.append(mixed)
            merged = np.concatenate(joined)
            output[b, t] = parameters["output_projection.weight"] @ merged + parameters["output_projection.bias"]
    return output, weights, defined
