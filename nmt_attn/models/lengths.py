"""Whether the sentences of a set are short enough for the model and for a batch."""

from typing import Any

import numpy as np

from nmt_attn.spec import SpecError


def check_lengths(name: str, dataset: Any, max_tokens: int | None, max_positions: Any, skip: bool) -> None:
    """Raises SpecError for the first sentence pair of a fairseq LanguagePairDataset that no batch can hold.

    name: of the set, for messages. Lengths are in tokens with </s>. max_positions: of source and target, or one number
    for both, or None. skip: longer pairs are left out, as fairseq-train does with its training set; one must be left.
    """
    sources = np.asarray(dataset.src_sizes)
    targets = np.zeros_like(sources) if dataset.tgt_sizes is None else np.asarray(dataset.tgt_sizes)
    if not len(sources):
        return
    fits = np.ones(len(sources), bool)
    if max_positions is not None:
        most = max_positions if isinstance(max_positions, tuple | list) else (max_positions, max_positions)
        fits = (sources <= most[0]) & (targets <= most[1])
        if skip and not fits.any():
            raise SpecError(
                f"{name} must have a sentence pair of at most {most[0]} source and {most[1]} target tokens, but all "
                f"{len(fits)} are longer: raise --max-tokens, --max-source-positions or --max-target-positions"
            )
        if not skip and not fits.all():
            line = int(fits.argmin())
            raise SpecError(
                f"sentences of {name} must have at most {most[0]} source and {most[1]} target tokens, but line "
                f"{line + 1} has {sources[line]} and {targets[line]}: leave such ones out with "
                "--skip-invalid-size-inputs-valid-test, or train with a higher --max-source-positions and "
                "--max-target-positions"
            )
    longest = np.where(fits, np.maximum(sources, targets), 0)
    if max_tokens is not None and longest.max() > max_tokens:
        line = int((longest > max_tokens).argmax())
        raise SpecError(
            f"sentences of {name} must fit into a batch of {max_tokens} tokens, but line {line + 1} has "
            f"{longest[line]}: raise --max-tokens (in a validation while training --max-tokens-valid)"
        )
