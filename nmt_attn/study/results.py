"""Results as files that a program reads (one JSON object a run) and as a table that a person reads."""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from nmt_attn.spec import SpecError
from nmt_attn.study.store import is_number

REQUIRED = ("preset", "bleu", "signature", "seed", "parameters", "data_sha256", "test_sha256", "code_version", "scorer")
OF_A_RUN = ("encoder_self", "decoder_self", "cross", "sentences", "updates", "training_seconds", "translation_seconds")
NUMBERS = ("bleu", "parameters")


def read_results(paths: Iterable[Path]) -> list[dict[str, Any]]:
    """One result from each file; raises SpecError if one lacks what a score depends on."""
    results = []
    for path in paths:
        try:
            result = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise SpecError(f"a result must be a JSON file, but {path} cannot be read: {error}") from None
        if not isinstance(result, dict):
            raise SpecError(f"a result must be a JSON object, as nmt-attn score prints it, but {path} holds none")
        missing = [name for name in REQUIRED if name not in result]
        if missing:
            raise SpecError(f"a result must say {', '.join(REQUIRED)}, but {path} lacks {', '.join(missing)}")
        for name in NUMBERS:
            if not is_number(result[name]):
                raise SpecError(f"a result must have a number as {name}, but {path} has {result[name]!r}: score again")
        results.append(result)
    return results


def check_comparable(results: Sequence[dict[str, Any]]) -> None:
    """Raises SpecError if the scores stand on different test sets, data, numbers of updates or ways of scoring."""
    for name in ("signature", "data_sha256", "test_sha256", "sentences", "updates"):
        values = sorted({str(result.get(name)) for result in results})
        if len(values) > 1:
            raise SpecError(f"all results in a table must have the same {name}, not {' and '.join(values)}")


def _check_of_runs(results: Sequence[dict[str, Any]]) -> None:
    for result in results:
        if missing := [name for name in OF_A_RUN if name not in result]:
            raise SpecError(
                f"a result in a table must tell of its run, but that of {result['preset']} lacks {', '.join(missing)}: "
                "give nmt-attn score --checkpoint, --data and --run"
            )


def markdown_table(results: Sequence[dict[str, Any]]) -> str:
    """A row a run: BLEU, the difference to the first run, parameters, seconds; the signature below.

    Raises SpecError for results that cannot be compared, or that do not tell of their run.
    """
    _check_of_runs(results)
    check_comparable(results)
    lines = [
        "| model | encoder self | decoder self | cross | BLEU | difference | parameters | training s | translation s |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for result in results:
        difference = "" if result is results[0] else f"{result['bleu'] - results[0]['bleu']:+.1f}"
        lines.append(
            f"| {result['preset']} | {result['encoder_self']} | {result['decoder_self']} | {result['cross']} "
            f"| {result['bleu']:.1f} | {difference} | {result['parameters']:,} "
            f"| {result['training_seconds']:.0f} | {result['translation_seconds']:.0f} |"
        )
    first = results[0]
    seeds = sorted({result["seed"] for result in results})
    lines += [
        "",
        f"BLEU: {first['signature']}; {first['sentences']} sentences; {first['updates']} updates; "
        f"seed {', '.join(map(str, seeds))}.",
    ]
    if len(results) == len({result["preset"] for result in results}):
        lines.append("A single run of each model: no inference.")
    return "\n".join(lines)
