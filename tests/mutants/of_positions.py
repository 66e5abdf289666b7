"""Bugs of relative positions.

Axes: b batch, h heads, t queries, s keys, m distances.
"""

from tests.mutants.mutant import ATTENTION, TESTS, Change, Mutant, by_path

POSITIONS = ATTENTION + "positions.py"
BLOCKED = ATTENTION + "paths/blocked.py"
STEPS = f"{TESTS}test_incremental.py::test_sixty_four_single_steps_are_one_call"
PATTERN_STEPS = f"{TESTS}test_pattern_invariances.py::test_sixty_four_single_steps_are_one_call"

TRANSPOSED = Mutant(
    "transposed 0100",
    # U z_k . V^R R_{q-k}: wrong numbers where there are as many queries as keys, an error elsewhere.
    (
        Change(
            ATTENTION + "paths/matmul.py",
            """        by_distance = _by_distance(*factors.relative, products)
        parts.append(distances_to_keys(by_distance, call.queries, call.keys, call.together))
""",
            """        by_distance = _by_distance(*factors.relative, products)
        parts.append(distances_to_keys(by_distance, call.queries, call.keys, call.together).transpose(-2, -1))
""",
        ),
        Change(BLOCKED, "parts.append(_by_key(product))", "parts.append(_by_key(product).t())"),
    ),
    (by_path("matmul", "0100", "encoder-self"), by_path("blocked", "0100", "encoder-self")),
    seen="mmcv's GeneralizedAttention",
)

SINE_SIGN = Mutant(
    "sine sign not negated for future keys",
    # The table is made for the past and mirrored. The path angle makes no table of distances: there it is the query's
    # position that must be negated, in sin(k w - q w).
    (
        Change(
            POSITIONS,
            "        return sinusoids(torch.arange(-reach, reach + 1, device=device), dim).to(dtype)",
            """        past = sinusoids(torch.arange(-reach, 1, device=device), dim).to(dtype)
        return torch.cat([past, past[:-1].flip(0)])""",
        ),
        Change(
            ATTENTION + "paths/angle.py",
            "queries = [sines * q_cosine + cosines * q_sine, cosines * q_cosine - sines * q_sine]",
            "queries = [sines * q_cosine - cosines * q_sine, cosines * q_cosine + sines * q_sine]",
        ),
    ),
    (
        by_path("matmul", "0001", "encoder-self"),
        by_path("blocked", "0100", "cross"),
        by_path("toeplitz", "0001", "cross"),
        by_path("angle", "0101", "decoder-self"),
        f"{TESTS}test_order.py::test_the_distances_plus_and_minus_one_are_told_apart[0001]",
    ),
)

UPPER_TRIANGLE = Mutant(
    "garbage upper triangle from relative shift",
    # The shift of Transformer-XL: vectors of the past only, then one column of zeros, then what stands in the next row.
    # Right below the diagonal. In blocks the part of future keys is what the block before has left.
    (
        Change(
            POSITIONS,
            """    flat = by_distance.flatten(-2)[..., queries - 1 : queries - 1 + queries * (m - 1)]
    return flat.unflatten(-1, (queries, m - 1))[..., :keys]
""",
            """    flat = torch.nn.functional.pad(by_distance[..., :keys], (1, 0)).flatten(-2)[..., queries:]
    return flat.unflatten(-1, (queries, keys))
""",
        ),
        Change(
            BLOCKED,
            """        product = torch.mm(
            flat.p[row][block.q], flat.r[block.head, block.m].t(), out=_part(by_distance, block.distances)
        )
""",
            """        past = max(0, flat.p.shape[2] - block.m.start)
        product = _part(by_distance, block.distances)
        product[:, :past] = torch.mm(flat.p[row][block.q], flat.r[block.head, block.m][:past].t())
""",
        ),
    ),
    (by_path("matmul", "0100", "encoder-self"), by_path("blocked", "0100", "encoder-self")),
)

OFF_BY_ONE = Mutant(
    "off-by-one slice of R",
    (
        Change(
            POSITIONS,
            "[low + reach : high + reach + 1]",
            "[low + reach + 1 : high + reach + 2]",
        ),
        Change(
            POSITIONS,
            "torch.arange(low, max(high + 1, low), device=device).clamp(-limit, limit)",
            "torch.arange(low + 1, max(high + 2, low + 1), device=device).clamp(-limit, limit)",
        ),
    ),
    (
        by_path("matmul", "0001", "encoder-self"),
        by_path("blocked", "0100", "cross"),
        by_path("toeplitz", "0001", "decoder-self"),
        f"{TESTS}test_paths.py::test_clipped_distances_are_computed_right[0001-matmul]",
        f"{TESTS}test_paths.py::test_learned_vectors_for_distances_are_computed_right"
        "[0001-encoder-self-{'max_distance': 2}-blocked]",
    ),
)

WRONG_END = Mutant(
    "R sliced from the wrong end",
    # Whole calls: right where there are as many queries as keys. Blocks: from the first query's distances on, not the
    # last's, right for a single block. Steps: from the beginning of the table that was made ahead.
    (
        Change(
            ATTENTION + "terms.py",
            "            return self._position_vectors(*call.distances)\n",
            "            return self._position_vectors(-call.distances[1], -call.distances[0])\n",
        ),
        Change(BLOCKED, "low = first + self.queries - q1", "low = first + q0"),
        Change(
            ATTENTION + "cache.py",
            "table.narrow(axis, low - first, high - low + 1)",
            "table.narrow(axis, 0, high - low + 1)",
        ),
    ),
    (
        by_path("matmul", "0100", "cross"),
        f"{TESTS}test_paths.py::test_blocks_of_three_or_four_queries_compute_the_formula[0001-encoder-self]",
        f"{STEPS}[0001-decoder-self-torch.float64]",
    ),
)

NOT_SHIFTED = Mutant(
    "bias not shifted by the cache length",
    # The queries of a step stand where those of a whole call would; the mask is right.
    (
        Change(
            ATTENTION + "paths/call.py",
            "return -(self.start + self.positions - 1), self.keys - 1 - self.start",
            "return -(self.positions - 1), self.keys - 1",
        ),
        Change(ATTENTION + "site.py", "places, length, call.start, call.queries,", "places, length, 0, call.queries,"),
    ),
    (
        f"{STEPS}[0001-decoder-self-torch.float64]",
        f"{STEPS}[0100-cross-torch.float64]",
        f"{PATTERN_STEPS}[alibi-0001-decoder-self-torch.float64]",
        f"{PATTERN_STEPS}[t5-0001-decoder-self-torch.float64]",
        f"{PATTERN_STEPS}[synthesizer-0001-decoder-self-torch.float64]",
    ),
)

FROM_COLUMNS = Mutant(
    "cross distance from tensor columns under left padding",
    (
        Change(
            ATTENTION + "site.py",
            """        return query, _rotate(memory, offset), _rotate(padding[:, :, None], offset)[:, :, 0], offset
""",
            """        return query, memory, padding, torch.zeros_like(offset)
""",
        ),
    ),
    (
        f"{TESTS}test_order.py::test_positions_do_not_move_when_padding_is_put_before_the_sentence[0001-cross-1]",
        f"{TESTS}test_padding.py::test_a_sentence_alone_is_the_same_sentence_in_any_batch[0100-cross-left]",
    ),
)

MUTANTS = (TRANSPOSED, SINE_SIGN, UPPER_TRIANGLE, OFF_BY_ONE, WRONG_END, NOT_SHIFTED, FROM_COLUMNS)
