"""The results of a study, sorted by its plan and checked; the translations that belong to them."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from nmt_attn.spec import SpecError
from nmt_attn.study.plan import Run, Study
from nmt_attn.study.reporting.further import check_further
from nmt_attn.study.results import check_comparable
from nmt_attn.study.scores import read_lines
from nmt_attn.study.store import result_name

Record = Mapping[str, Any]
ALIKE = ("WARMUP", "LEARNING_RATE", "TOKENS", "UPDATES", "AVERAGE", "DIRECTION", "parts", "mixed")  # in a corpus


def planned_results(study: Study, records: Iterable[Record]) -> tuple[dict[str, Record], list[str], list[Run]]:
    """Results of the runs of the study by name in its order; names of other results; runs without a result.

    Raises SpecError for a run that is in twice, and for results of one corpus that cannot be compared.
    """
    found: dict[str, Record] = {}
    for record in records:
        name = result_name(record)
        if name in found:
            raise SpecError(f"a store must hold each run once, not {name} twice: take one of the two lines out")
        found[name] = record
    runs = study.runs()
    planned = {run.name: found[run.name] for run in runs if run.name in found}
    for corpus in study.corpora:
        _check_alike(corpus.name, [record for record in planned.values() if record["corpus"] == corpus.name])
    return planned, [name for name in found if name not in planned], [run for run in runs if run.name not in found]


def _check_alike(corpus: str, records: Sequence[Record]) -> None:
    try:
        check_comparable([dict(record) for record in records])
        check_further(records)
    except SpecError as error:
        raise SpecError(f"corpus {corpus}: {error}: score or train them alike, or give them a corpus each") from None
    for setting in ALIKE:
        known = [(record, settings_of(record)[setting]) for record in records if setting in settings_of(record)]
        for record, value in known:
            if value != known[0][1]:
                raise SpecError(
                    f"corpus {corpus}: all results must have the same {setting}, not {known[0][1]} "
                    f"({result_name(dict(known[0][0]))}) and {value} ({result_name(record)}): "
                    "train them alike, or give them a corpus each"
                )


def settings_of(record: Record) -> Mapping[str, str]:
    """Variables of the recipe that the run was made with; none if its result does not tell them."""
    return record.get("settings") or {}


class Translations:
    """The texts of a study, each read once. folder: that of the store, None where there are no texts."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self._texts: dict[str, list[str]] = {}

    def pair(self, record: Record) -> tuple[list[str], list[str]] | None:
        """Hypotheses and references of a run, None if it names none; raises SpecError if they do not fit."""
        if self._folder is None or not record.get("hypotheses") or not record.get("references"):
            return None
        hypotheses, references = self._read(record["hypotheses"]), self._read(record["references"])
        if len(hypotheses) != len(references):
            raise SpecError(
                f"{record['hypotheses']} must have as many lines as {record['references']} ({len(references)}), "
                f"not {len(hypotheses)}: translate {result_name(record)} again"
            )
        return hypotheses, references

    def _read(self, name: str) -> list[str]:
        assert self._folder is not None
        if name not in self._texts:
            self._texts[name] = read_lines(self._folder / name)
        return self._texts[name]
