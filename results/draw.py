"""Draws all that is published from what was measured: the reports of the studies, the notebook, the tables in READMEs.

    python results/draw.py                    # everything, a minute; needs pip install -e '.[notebook]'
    python results/draw.py tables             # README.md and results/README.md alone

The tables stand between <!-- drawn: NAME --> and <!-- end -->. Nothing in them is written by hand.
"""

import json
import os
import re
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

from nbclient import NotebookClient
from nbformat import read, writes

from nmt_attn.bench.record import Record, read_record
from nmt_attn.spec import ALL_CODES
from nmt_attn.study.plan import Study, read_study
from nmt_attn.study.report import write_report
from nmt_attn.study.reporting.phrases import count, difference_with_interval, millions, p_text, spread
from nmt_attn.study.results import markdown_table, read_results
from nmt_attn.study.statistics import TERMS
from nmt_attn.study.store import STORE, read_store

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "results"
STUDIES = ("quick", "multi30k", "controlled", "position_size")
PAGES = (ROOT / "README.md", RESULTS / "README.md")
BLOCK = re.compile(r"(?<=<!-- drawn: )(\w+)( -->\n).*?(?=<!-- end -->)", re.DOTALL)


class Claim(NamedTuple):
    """What the paper says, the model that shows it, and the corpora (study, corpus) where it is tried."""

    text: str
    model: str
    corpora: tuple[tuple[str, str], ...]


TINY = "nmt_attn_tiny"
EVERYWHERE = (("multi30k", "multi30k"), ("quick", "fragment"))
TEXTS = {"multi30k": "Multi30k, real", "fragment": "grammar, generated", "recall": "associative recall, generated"}
CLAIMS = (
    Claim("E1 is negligible in self-attention", f"{TINY}_self0111", EVERYWHERE),
    Claim("control: on recall E1 must be vital", f"{TINY}_self0111", (("quick", "recall"),)),
    Claim("E1 is vital in cross attention", f"{TINY}_cross0111", EVERYWHERE),
    Claim("deformable convolution and E3: the best trade", f"{TINY}_deform_self0010", EVERYWHERE[:1]),
    Claim("check: stock fairseq against 1111", "transformer", EVERYWHERE[:1]),
)
SINGLE_RUNS = ("quickstart_mixers", "multi30k_first", "multi30k_mixers")


def filled(page: Path) -> str:
    """A page with all of its drawn parts drawn anew."""
    return BLOCK.sub(lambda found: found[1] + found[2] + PARTS[found[1]]() + "\n", page.read_text(encoding="utf-8"))


def claims() -> str:
    """What the paper says, and what came out."""
    rows = []
    for claim in CLAIMS:
        for number, (study, corpus) in enumerate(claim.corpora):
            found = _models(study, corpus)
            there = claim.model in found and TINY in found
            told = _outcome(found[TINY], found[claim.model]) if there else ["not run yet", "", "", "", ""]
            rows.append(["" if number else claim.text, TEXTS[corpus], _short(claim.model), *told])
    head = ["claim of the paper, or check", "text", "model", "BLEU, 1111 → model", "lost: D (90 % interval)", "runs"]
    return _table([*head, "verdict", "multiply-adds, of 1111's"], rows)


def _outcome(reference: dict[str, Any], row: dict[str, Any]) -> list[str]:
    scores = (spread(each["bleu"], each["bleu_sd"]) for each in (reference, row))
    runs = f"{row['runs']} of {row['planned_runs']}"
    products = f"{100 * row['multiply_adds'] / reference['multiply_adds']:.0f} %"
    return [" → ".join(scores), _difference(row), runs, _verdict(row), products]


def models() -> str:
    """Every model of Multi30k: what it scores, what it costs."""
    cost = read_record(RESULTS / "benchmarks" / "cost.json")
    found = _models("multi30k", "multi30k")
    rows = []
    for name, row in found.items():
        judged = ["", row["role"]] if row["difference"] is None else [_difference(row), _verdict(row)]
        sizes = [count(row["parameters"]), millions(row["multiply_adds"])]
        rows.append([name, _score(row), *judged, *sizes, *_cost(cost, name)])
    head = ["model", "BLEU ± sd (runs)", "D (90 % interval)", "verdict", "parameters", "multiply-adds"]
    text = _table([*head, "trains", "translates", "memory"], rows)
    first = next(each for each in read_store(RESULTS / "multi30k" / STORE) if each["corpus"] == "multi30k")
    basis = f"{first['test_set']}, {first['sentences']:,} sentences; {first['updates']:,} updates"
    return f"{text}\n\nBLEU: {first['signature']}; {basis}."


def _cost(cost: Record, model: str) -> list[str]:
    updates, batches = cost.points["updates"], cost.points["batches"]
    speeds = (median(1 / ratio for ratio in point.ratios(model, cost.reference)) for point in (updates, batches))
    return [*(f"{speed:.2f}" for speed in speeds), f"{updates.memory[model] / 1e6:.0f} MB"]


def codes() -> str:
    """All 16 codes at each place, on the grammar."""
    found = _models("controlled", "fragment")
    rows = []
    for code in ALL_CODES:
        row = [code]
        for place in ("self", "cross"):
            model = found.get(TINY if code == "1111" else f"{TINY}_{place}{code}")
            row += [_score(model), _marked_difference(model)] if model else ["", ""]
        rows.append(row)
    return _table(["code", "BLEU in self-attention", "D", "BLEU in cross attention", "D"], rows)


def _marked_difference(row: dict[str, Any]) -> str:
    """D; a headline model's verdict, or a mark where Holm's correction leaves a difference to speak of."""
    if row["difference"] is None:
        return ""
    mark = f" ({_verdict(row)})" if row["role"] == "headline" else " *" * (row["verdict"] in ("worse", "better"))
    return _difference(row) + mark


def effects() -> str:
    """What each term is worth on the grammar, over all codes of a place."""
    findings = _findings("controlled")
    found = findings["corpora"]["fragment"]["main_effects"]
    missing = any(run.startswith("fragment/") for run in findings["missing"])
    rows = [
        [term, *(_effect(found.get(place, {}).get(term), missing) for place in ("self", "cross"))] for term in TERMS
    ]
    return _table(["term", "main effect in self-attention", "in cross attention"], rows)


def _effect(found: dict[str, Any] | None, missing: bool) -> str:
    if found is None:
        return "not all codes have run"
    told = difference_with_interval(found["difference"], found["interval"])
    told += f", Holm {p_text(found['p_holm'])}" if found["p_holm"] is not None else ""
    return told + ", provisional" * missing


def studies() -> str:
    """What ran where, and for how long."""
    rows = []
    seen: dict[tuple[str, str, int, str], str] = {}
    for name in STUDIES:
        study, records = _study(name), read_store(RESULTS / name / STORE)
        trained = [each for record in records for each in record["trained_with"]]
        hours = sum(record["training_seconds"] + record["translation_seconds"] for record in records) / 3600
        machines = sorted({f"{each['device']}, {each['threads']} thread" for each in trained})
        versions = sorted({f"{each['python']}, {each['torch']}, {each['fairseq']}" for each in trained})
        commits = sorted({each["code_version"].partition("+")[2] for each in trained})
        link = f"[{name}]({name}/report/report.md)"
        runs = [(each["corpus"], each["model"], each["seed"], each["finished"]) for each in records]
        shared = Counter(seen[run] for run in runs if run in seen)
        seen |= dict.fromkeys(runs, name)
        also = "".join(f", {number} of them also in {other}" for other, number in shared.items())
        done = f"{len(records)} of {len(study.runs())}{also}"
        rows.append([link, done, f"{hours:.1f}", *map("; ".join, (machines, versions, commits))])
    return _table(["study", "runs", "hours", "machine", "Python, torch, fairseq", "trained at"], rows)


def not_run() -> str:
    """Runs that are planned and not there: models of a corpus, by how many they lack."""
    lines = []
    for name in STUDIES:
        missing = Counter(run.rpartition(".")[0] for run in _findings(name)["missing"])
        for corpus in dict.fromkeys(run.partition("/")[0] for run in missing):
            lacking: dict[int, list[str]] = {}
            for run, number in missing.items():
                if run.startswith(f"{corpus}/"):
                    lacking.setdefault(number, []).append(_short(run.partition("/")[2]))
            total = sum(number * len(models) for number, models in lacking.items())
            told = (f"{number} of {', '.join(models)}" for number, models in sorted(lacking.items()))
            lines.append(f"- **{name}**, {corpus}, {total} runs: {'; '.join(told)}")
    return "\n".join(lines) or "- nothing"


def _short(model: str) -> str:
    return model.removeprefix(TINY).removeprefix("_") or "1111"


def single_runs(folder: str) -> str:
    """A table of all single runs in a folder: 1111, to which the others are compared, then the others, best first."""
    results = read_results(sorted((RESULTS / folder).glob("*.json")))
    return markdown_table(sorted(results, key=lambda result: (result["preset"] != TINY, -result["bleu"])))


def _study(name: str) -> Study:
    return read_study(ROOT / "recipes" / "studies" / f"{name}.yaml")


def _findings(study: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((RESULTS / study / "report" / "findings.json").read_text(encoding="utf-8"))
    return found


def _models(study: str, corpus: str) -> dict[str, dict[str, Any]]:
    """What was found about each model on a corpus, in the order of the study."""
    return {row["model"]: row for row in _findings(study)["models"] if row["corpus"] == corpus}


def _difference(row: dict[str, Any]) -> str:
    bounds = None if row["low"] is None else (row["low"], row["high"])
    return difference_with_interval(row["difference"], bounds)


def _score(row: dict[str, Any]) -> str:
    return f"{spread(row['bleu'], row['bleu_sd'])} ({row['runs']})"


def _verdict(row: dict[str, Any]) -> str:
    role = "exploratory: " if row["role"] == "exploratory" else ""
    return role + row["verdict"] + ", provisional" * bool(row["provisional"])


def _table(head: list[str], rows: list[list[str]]) -> str:
    lines = [f"| {' | '.join(row)} |" for row in (head, *rows)]
    return "\n".join([lines[0], "|" + "---|" * len(head), *lines[1:]])


PARTS: dict[str, Callable[[], str]] = {
    "claims": claims,
    "models": models,
    "codes": codes,
    "effects": effects,
    "studies": studies,
    "not_run": not_run,
    **{folder: partial(single_runs, folder) for folder in SINGLE_RUNS},
}


def executed(study: str = "multi30k") -> str:
    """The notebook as it stands after its last cell, on a published study."""
    notebook = read(ROOT / "notebooks" / "bleu_comparison.ipynb", as_version=4)
    here = {"STUDY": f"recipes/studies/{study}.yaml", "OUT": f"results/{study}", "PYTHONPATH": str(ROOT)}
    folder = {"metadata": {"path": str(ROOT / "notebooks")}}
    NotebookClient(notebook, timeout=600, record_timing=False, resources=folder).execute(env=os.environ | here)
    return writes(notebook) + "\n"


def _drawn(only: str) -> Iterator[Path]:
    """Writes what is asked for; yields each file that was written."""
    if only != "tables":
        for name in STUDIES:
            yield from write_report(_study(name), ROOT / "recipes" / "studies" / f"{name}.yaml", RESULTS / name)[:1]
        notebook = RESULTS / "multi30k" / "bleu_comparison.ipynb"
        notebook.write_text(executed(), encoding="utf-8")
        yield notebook
    for page in PAGES:
        page.write_text(filled(page), encoding="utf-8")
        yield page


if __name__ == "__main__":
    if sys.argv[1:] not in ([], ["tables"]):
        sys.exit("usage: python results/draw.py [tables]")
    for path in _drawn("".join(sys.argv[1:])):
        print(path.relative_to(ROOT))
