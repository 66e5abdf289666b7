"""Bugs of masks, padding and the softmax."""

from tests.mutants.mutant import ATTENTION, TESTS, Change, Mutant, by_path

MASKING = ATTENTION + "masking.py"
CAUSALITY = f"{TESTS}test_causality.py::test_a_change_leaves_earlier_outputs_bitwise_equal_and_later_ones_not"
CONVOLUTION_CAUSALITY = f"{TESTS}test_convolution_invariances.py::test_a_change_leaves_earlier_outputs_bitwise_equal"
CONVOLUTION_ORACLE = f"{TESTS}test_convolution_oracle.py::test_every_shape_and_padding_computes_the_formula"
WINDOWS = f"{TESTS}test_oracle.py::test_windows_and_clipped_distances_compute_the_formula"
BORDERS = f"{TESTS}test_paths.py::test_a_path_computes_the_formula_around_the_borders_of_blocks_and_chunks"

CAUSAL = Mutant(
    "off-by-one causal mask",
    (
        Change(MASKING, "hidden = distance > 0", "hidden = distance > 1"),
        Change(ATTENTION + "paths/blocked.py", "block.q.start - first + 1)", "block.q.start - first + 2)"),
        Change(
            ATTENTION + "paths/pool.py",
            "torch.ones(size, size, dtype=torch.bool, device=logits.device).triu(1)",
            "torch.ones(size, size, dtype=torch.bool, device=logits.device).triu(2)",
        ),
        Change(
            ATTENTION + "deformable.py",
            "torch.zeros_like(queries) if self.spec.site.is_causal",
            "torch.ones_like(queries) if self.spec.site.is_causal",
        ),
        Change(
            "nmt_attn/spec.py",
            "(1 - self.kernel, 0) if self.site.is_causal",
            "(2 - self.kernel, 1) if self.site.is_causal",
        ),
    ),
    (
        f"{CAUSALITY}[1111-{{}}]",
        f"{CAUSALITY}[1000-{{'window': 2}}]",
        by_path("blocked", "0101", "decoder-self"),
        f"{CAUSALITY}[0010-{{}}]",
        *(f"{CONVOLUTION_CAUSALITY}[{kind}-3-None-torch.float64]" for kind in ("deform", "conv", "light", "dynamic")),
    ),
)

CAUSAL_CHUNKS = Mutant(
    "off-by-one causal mask",
    (
        Change(
            ATTENTION + "paths/pool.py",
            "torch.ones(chunks, chunks, dtype=torch.bool, device=logits.device).triu()",
            "torch.ones(chunks, chunks, dtype=torch.bool, device=logits.device).triu(1)",
        ),
    ),
    (f"{BORDERS}[pool-0010-decoder-self]",),
    part="of chunks",
)

INFINITE_ROW = Mutant(
    "-inf row NaN",
    # The patterns hide keys by -inf themselves: there the mask that makes finite numbers of it is left out. The path
    # fused cannot have the bug: torch's attention gives zeros for such a row.
    (
        Change(
            MASKING,
            """    logits = logits.masked_fill(hidden, torch.finfo(logits.dtype).min)
    return torch.softmax(logits, dim=-1, dtype=wide).masked_fill(hidden, 0.0).to(logits.dtype)
""",
            """    logits = logits.masked_fill(hidden, float("-inf"))
    return torch.softmax(logits, dim=-1, dtype=wide).to(logits.dtype)
""",
        ),
        Change(
            ATTENTION + "paths/matmul.py",
            """    if factors.first_heads is not None:  # their pattern hides keys as well
        unseen = logits.isneginf()
        hidden = unseen if hidden is None else hidden | unseen
""",
            "",
        ),
        Change(
            ATTENTION + "paths/blocked.py",
            "total[:, first - block.k.start :].masked_fill_(later, torch.finfo(total.dtype).min)",
            "total[:, first - block.k.start :].masked_fill_(later, -torch.inf)",
        ),
        Change(
            ATTENTION + "paths/pool.py",
            "logits.masked_fill(padding[:, None], torch.finfo(torch.float32).min)",
            "logits.masked_fill(padding[:, None], -torch.inf)",
        ),
        Change(
            ATTENTION + "paths/pool.py",
            "torch.full_like(logits[:, :, :1], torch.finfo(torch.float32).min)",
            "torch.full_like(logits[:, :, :1], -torch.inf)",
        ),
    ),
    (
        f"{TESTS}test_nan_safety.py::test_a_sentence_without_tokens_gives_zeros_and_nothing_else_changes[0101-cross]",
        f"{TESTS}test_nan_safety.py::test_a_query_whose_window_holds_no_key_gives_zeros[1000]",
        f"{TESTS}test_paths.py::test_the_gradients_of_a_path_are_those_of_the_formula[blocked-0101-decoder-self]",
        f"{TESTS}test_paths.py::test_the_gradients_of_a_path_are_those_of_the_formula[pool-0010-decoder-self]",
        f"{TESTS}test_caches.py::test_steps_before_the_first_token_give_zeros_and_no_trace[0010-{{}}]",
        f"{TESTS}test_pattern_invariances.py::test_a_sentence_of_one_token_has_only_the_patterns_that_include_it",
    ),
)

BEFORE_BIAS = Mutant(
    "mask before the biased linear",
    # Only what light and dynamic convolutions read has a bias: the projections of attention have none.
    (
        Change(
            ATTENTION + "gated.py",
            "return without_padding(nn.functional.glu(self.input_projection(x), dim=-1), padding)",
            "return nn.functional.glu(self.input_projection(without_padding(x, padding)), dim=-1)",
        ),
    ),
    tuple(f"{CONVOLUTION_ORACLE}[{kind}-encoder-self-(2, 5, 6, 2, 3, None)]" for kind in ("light", "dynamic")),
)

TRUNCATION = Mutant(
    "softmax before truncation",
    # Attention: hidden keys keep their share. Convolutions: fairseq's two ways do one thing and the other where the
    # kernel is longer than the sentence. Here taps outside keep their share always, so that the other one is the bug.
    (
        Change(
            MASKING,
            """    logits = logits.masked_fill(hidden, torch.finfo(logits.dtype).min)
    return torch.softmax(""",
            """    return torch.softmax(""",
        ),
        Change(
            ATTENTION + "gated.py",
            "        weights = torch.softmax(self.logits(new), dim=-1, dtype=wide).to(new.dtype)\n",
            """        outside = max(0, len(spec.taps) - tokens.shape[1]) if spec.site.is_causal else 0
        weights = torch.softmax(self.logits(new)[..., outside:], dim=-1, dtype=wide).to(new.dtype)
        weights = nn.functional.pad(weights, (outside, 0))
""",
        ),
    ),
    (
        by_path("matmul", "0101", "decoder-self"),
        by_path("matmul", "1010", "cross"),
        *(f"{CONVOLUTION_ORACLE}[{kind}-decoder-self-(3, 2, 6, 3, 7, None)]" for kind in ("light", "dynamic")),
    ),
    seen="fairseq's DynamicConv, _forward_unfolded and _forward_expanded",
)

ONE_WINDOW = Mutant(
    "one window for all queries with 0010",
    # Its logits are one row for all queries: so becomes the mask, that of the first.
    (
        Change(
            ATTENTION + "paths/matmul.py",
            "    hidden = call.hidden(values.device)\n",
            """    hidden = call.hidden(values.device)
    if call.window is not None and logits.shape[2] == 1:
        hidden = hidden[:, :, :1]
""",
        ),
    ),
    (
        f"{WINDOWS}[0010-encoder-self-{{'window': 2}}]",
        f"{TESTS}test_explained.py::test_the_terms_of_a_code_give_its_weights[0010-cross-2]",
    ),
)

NO_WINDOW = Mutant(
    "one window for all queries with 0010",
    # The path for weights that are the same for all queries is taken, which knows no window.
    (
        Change(
            "nmt_attn/spec.py",
            "looks = self.terms.use_query or self.terms.position or self.key_position or self.window is not None",
            "looks = self.terms.use_query or self.terms.position or self.key_position",
        ),
    ),
    (
        f"{WINDOWS}[0010-encoder-self-{{'window': 2}}]",
        f"{WINDOWS}[0010-decoder-self-{{'window': 2}}]",
        f"{TESTS}test_caches.py::test_step_by_step_is_at_once[0010-cross-{{'window': 2}}]",
    ),
    part="in the planner",
)

MUTANTS = (CAUSAL, CAUSAL_CHUNKS, INFINITE_ROW, BEFORE_BIAS, TRUNCATION, ONE_WINDOW, NO_WINDOW)
