"""What the reference loses without a term, beside models that were trained without it."""

import json
from collections.abc import Mapping, Sequence
from math import sqrt
from pathlib import Path
from typing import Any

import pytest
from scipy import stats

from nmt_attn.spec import SpecError
from nmt_attn.study.findings import find
from nmt_attn.study.report import write_report
from nmt_attn.study.reporting.removals import KNOCKOUTS, Removal, all_removals, needed, read_knockouts, used
from tests.study.stores import RECIPE, TINY, scored, study_in, write_store

SELF, CROSS = f"{TINY}_self0111", f"{TINY}_cross0111"
FILE = f"""\
name: small
reference: {TINY}
seeds: 3
models: [{TINY}, {SELF}, {CROSS}]
corpora:
  fragment: {{recipe: {RECIPE}}}
"""
WHOLE = [83.0, 83.6, 83.3]
SCORES = {TINY: WHOLE, SELF: [83.1, 83.3, 83.0], CROSS: [60.0, 61.0, 60.2]}
SEEDS = (1_000_000, 2_000_000, 3_000_000)


def _line(seed: int, bleu: float, losses: Mapping[tuple[str, str], tuple[float, float]]) -> dict[str, Any]:
    rows = [
        {"sites": sites, "term": term, "replacement": kind, "bleu": bleu - loss, "loss": loss, "exact_match": 0.0}
        for (sites, term), both in losses.items()
        for kind, loss in zip(("zero", "mean"), both, strict=True)
    ]
    return {"corpus": "fragment", "model": TINY, "seed": seed, "bleu": bleu, "losses": rows}


LINES = [
    _line(
        seed,
        bleu,
        {
            ("self", "E1"): (28.0 + step, 23.0 + step),
            ("self", "E3"): (0.2, 0.1 * step),
            ("cross", "E1"): (70.0, 68.0 + 2 * step),
            ("cross", "E4"): (0.9 * step, 0.9 * step),
        },
    )
    for step, (seed, bleu) in enumerate(zip(SEEDS, WHOLE, strict=True))
]


def _write(folder: Path, lines: Sequence[Mapping[str, Any]]) -> None:
    (folder / KNOCKOUTS).write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")


def _found(folder: Path, lines: Sequence[Mapping[str, Any]]) -> list[Removal]:
    study, _ = study_in(folder, FILE)
    _write(folder, lines)
    return list(all_removals(find(study, scored("fragment", SCORES), folder))["fragment"])


def test_a_loss_is_the_mean_over_runs_with_the_t_interval_of_runs_compared_with_themselves(tmp_path: Path) -> None:
    found = {(each.sites, each.term): each for each in _found(tmp_path, LINES)}
    assert list(found) == [("self", "E1"), ("self", "E3"), ("cross", "E1"), ("cross", "E4")]
    mean = found["self", "E1"].mean
    half = stats.t.ppf(0.95, 2) * 1.0 / sqrt(3)
    assert mean.difference == pytest.approx(24.0)
    assert mean.interval() == pytest.approx((24.0 - half, 24.0 + half))
    assert found["self", "E1"].zero.difference == pytest.approx(29.0)


def test_used_goes_by_the_mean_replacement_and_needed_by_the_model_trained_without(tmp_path: Path) -> None:
    found = {(each.sites, each.term): each for each in _found(tmp_path, LINES)}
    words = {place: (used(each, 1.0), needed(each, 1.0)) for place, each in found.items()}
    assert words == {
        ("self", "E1"): ("yes", "no"),
        ("self", "E3"): ("no", ""),
        ("cross", "E1"): ("yes", "yes"),
        ("cross", "E4"): ("open", ""),
    }
    assert found["self", "E1"].model == SELF
    assert found["cross", "E4"].model is None


def test_with_a_single_run_nothing_is_said(tmp_path: Path) -> None:
    assert {used(each, 1.0) for each in _found(tmp_path, LINES[:1])} == {"open"}


def test_the_report_has_a_table_and_programs_the_numbers(tmp_path: Path) -> None:
    study, path = study_in(tmp_path, FILE)
    write_store(tmp_path, scored("fragment", SCORES))
    _write(tmp_path, LINES)
    write_report(study, path, tmp_path)
    text = (tmp_path / "report" / "report.md").read_text(encoding="utf-8")
    section = text.partition("## Used and needed")[2].partition("\n## ")[0]
    assert "| self | E1 | +29.00 (+27.31 to +30.69) | +24.00 (+22.31 to +25.69) | +0.17 (" in section
    assert section.count("| yes | no |") == 1
    assert "fragment: BLEU lost, with 90 % intervals over 3 runs of the reference." in section
    fields = json.loads((tmp_path / "report" / "findings.json").read_text(encoding="utf-8"))["removals"]
    assert (fields[0]["sites"], fields[0]["term"], fields[0]["used"]) == ("self", "E1", "yes")
    assert fields[0]["mean"] == pytest.approx(24.0)
    assert fields[0]["retrained_model"] == SELF


def test_a_report_without_knock_outs_does_not_speak_of_them(tmp_path: Path) -> None:
    study, path = study_in(tmp_path, FILE)
    write_store(tmp_path, scored("fragment", SCORES))
    write_report(study, path, tmp_path)
    for name in ("report.md", "findings.json"):
        told = (tmp_path / "report" / name).read_text(encoding="utf-8").lower()
        assert "knock" not in told
        assert "removals" not in told


def test_losses_of_other_runs_than_those_of_the_store_are_refused(tmp_path: Path) -> None:
    other = [{**LINES[0], "bleu": 80.0}]
    with pytest.raises(SpecError, match=r"must be of the runs of the store, but fragment/nmt_attn_tiny.1000000 has "):
        _found(tmp_path, other)
    with pytest.raises(SpecError, match=r"has BLEU 83.0 there and None in the store: remove the line and do it again"):
        _found(tmp_path, [{**LINES[0], "seed": 9_000_000}])


def test_a_line_that_says_too_little_is_refused(tmp_path: Path) -> None:
    _write(tmp_path, [LINES[0], {"corpus": "fragment", "model": TINY, "seed": 1}])
    with pytest.raises(
        SpecError, match=r"^knockouts.jsonl must say bleu in each line, but line 2 does not: remove it$"
    ):
        read_knockouts(tmp_path)
    assert read_knockouts(None) == []
