"""Bugs of parameters, of what they are divided by, and of what beam search moves."""

from tests.mutants.mutant import ATTENTION, TESTS, Change, Mutant, by_path

TERMS = ATTENTION + "terms.py"
CACHE = ATTENTION + "cache.py"
OWNED = f"{TESTS}test_isolation.py::test_a_mixer_owns_exactly_the_parameters_of_its_terms"
PLACES = f"{TESTS}test_historical_bugs.py::test_rows_that_only_change_places_go_on_from_their_own_history"
CONVOLUTION_PLACES = f"{TESTS}test_convolution_invariances.py::test_beams_may_change_places_at_every_step"
SCORES = f"{TESTS}test_historical_bugs.py::test_the_scores_of_a_beam_search_are_those_of_its_hypotheses_read_at_once"

MODEL_SIZE = Mutant(
    "sqrt(model size) for sqrt(head size)",
    (Change(TERMS, "1.0 / math.sqrt(self.spec.head_size)", "1.0 / math.sqrt(self.spec.dim)"),),
    (
        by_path("matmul", "1000", "encoder-self"),
        by_path("blocked", "0001", "cross"),
        f"{TESTS}test_outside_oracles.py::"
        "test_code_1000_is_the_attention_of_torch_in_values_and_gradients[encoder-self]",
    ),
)

BIASED = Mutant(
    "biased q projection",
    (
        Change(
            TERMS,
            "self.query_projection = _projection(dim, content_dim) if terms.use_query else None",
            "self.query_projection = nn.Linear(dim, content_dim) if terms.use_query else None",
        ),
    ),
    (by_path("matmul", "1000", "encoder-self"), by_path("angle", "0100", "cross"), f"{OWNED}[1000-cross]"),
    seen="fairseq's MultiheadAttention, whose q projection makes a code 1010 of 1000",
)

LEFT_IN = Mutant(
    "parameter of a disabled term left in",
    (
        Change(TERMS, "_projection(dim, content_dim) if terms.use_query else None", "_projection(dim, content_dim)"),
        Change(
            TERMS,
            "_projection(spec.key_dim, content_dim) if spec.use_key else None",
            "_projection(spec.key_dim, content_dim)",
        ),
        Change(TERMS, "kind = spec.positions if terms.use_position else None", "kind = spec.positions"),
        Change(
            TERMS,
            "_head_vectors(spec.content_heads, spec) if terms.key else None",
            "_head_vectors(spec.content_heads, spec)",
        ),
        Change(
            TERMS, "has_bias = terms.position and spec.positions.are_vectors", "has_bias = spec.positions.are_vectors"
        ),
    ),
    (
        f"{OWNED}[0011-encoder-self]",  # only the query's projection is too much
        f"{OWNED}[1101-encoder-self]",  # only u
        f"{OWNED}[1110-encoder-self]",  # only v
        f"{OWNED}[0101-cross]",  # the key's projection, and u
        f"{OWNED}[1010-decoder-self]",  # the projection of R, and v
    ),
)

NO_REORDER = Mutant(
    "missing beam reorder",
    (
        Change(
            CACHE,
            """        for rows in (self._keys, self._by_key, self._values):
            if rows is not None:
                rows.reorder(order)
        for name in""",
            "        for name in",
        ),
        Change(CACHE, "        if present and not in_order(", "        if not present and not in_order("),
        Change(CACHE, "            self.output = self.output.index_select(0, order)\n", "            pass\n"),
    ),
    (
        *(f"{PLACES}[{code}-{site}]" for code in ("1111", "0010") for site in ("decoder-self", "cross")),
        *(f"{CONVOLUTION_PLACES}[{kind}-3-None-torch.float64]" for kind in ("conv", "deform", "light", "dynamic")),
    ),
)

NO_REORDER_OF_THE_LAYER = Mutant(
    "missing beam reorder",
    # fairseq's beam search calls this method of each module that has it, and misses nothing where there is none: the
    # translations stay the same in any batch and are wrong. The chain forgets its second part.
    (
        Change("nmt_attn/models/layers.py", "def reorder_incremental_state(", "def reorder_state("),
        Change(ATTENTION + "chain.py", "        self.then.reorder(order)\n", ""),
    ),
    (f"{SCORES}[1111-1]", f"{SCORES}[every mixer-6]", f"{CONVOLUTION_PLACES}[chain-3-None-torch.float64]"),
    part="in the layer",
)

MUTANTS = (MODEL_SIZE, BIASED, LEFT_IN, NO_REORDER, NO_REORDER_OF_THE_LAYER)
