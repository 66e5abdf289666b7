"""Scores on test sets other than the first, such as sentences longer than in training: "long" of generated corpora."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from statistics import fmean, stdev
from typing import Any

from nmt_attn.spec import SpecError

Record = Mapping[str, Any]
ALIKE = ("signature", "test_sha256", "sentences")
NAMES = {"long": "longer sentences"}


@dataclass(frozen=True)
class FurtherScores:
    """Of a model on a further test set: means over runs.

    deviation: of BLEU over seeds (None for a single run). exact_match: in percent, None where not all runs tell it.
    """

    bleu: float
    deviation: float | None
    exact_match: float | None
    sentences: int
    signature: str


def further_scores(records: Iterable[Record]) -> dict[str, FurtherScores]:
    """By the name of the test set, of a model's runs; only test sets that all of them were scored on."""
    tests = [record.get("more_tests") or {} for record in records]
    return {name: _mean([each[name] for each in tests]) for name in tests[0] if all(name in each for each in tests)}


def _mean(results: list[Record]) -> FurtherScores:
    bleu = [float(result["bleu"]) for result in results]
    exact = [float(result["exact_match"]) for result in results if result.get("exact_match") is not None]
    return FurtherScores(
        bleu=fmean(bleu),
        deviation=stdev(bleu) if len(bleu) > 1 else None,
        exact_match=fmean(exact) if len(exact) == len(results) else None,
        sentences=results[0]["sentences"],
        signature=results[0]["signature"],
    )


def check_further(records: Iterable[Record]) -> None:
    """Raises SpecError if results of one further test set were scored in different ways, are of different texts, or do
    not say it.
    """
    first: dict[str, Record] = {}
    for record in records:
        for name, result in (record.get("more_tests") or {}).items():
            for field in ("bleu", *ALIKE):
                if field not in result:
                    raise SpecError(f"results on the test set {name} must say {field}, but one does not")
            known = first.setdefault(name, result)
            for field in ALIKE:
                if result[field] != known[field]:
                    raise SpecError(
                        f"all results on the test set {name} must have the same {field}, "
                        f"not {known[field]} and {result[field]}"
                    )


def shown_name(test: str) -> str:
    """A test set for readers."""
    return NAMES.get(test, test)
