"""The published benchmarks: their tables are those of their numbers."""

import re
from pathlib import Path

import pytest

from nmt_attn.bench.record import read_record
from nmt_attn.bench.table import markdown

PUBLISHED = sorted((Path(__file__).parents[2] / "results" / "benchmarks").glob("*.json"))


def test_there_are_some() -> None:
    assert {"module-encoder", "module-decoder", "training", "decoding", "cost"} <= {path.stem for path in PUBLISHED}


@pytest.mark.parametrize("path", PUBLISHED, ids=lambda path: path.stem)
def test_the_table_is_that_of_the_numbers(path: Path) -> None:
    assert path.with_suffix(".md").read_text(encoding="utf-8") == markdown(read_record(path))
    assert path.with_suffix(".png").exists()
    assert path.with_suffix(".svg").exists()


def test_what_the_page_says_of_costs_is_in_their_table() -> None:
    page = " ".join((PUBLISHED[0].parent / "README.md").read_text(encoding="utf-8").split())
    table = (PUBLISHED[0].parent / "cost.md").read_text(encoding="utf-8")
    said = re.findall(r"([\w]+) ([\d.]+) / ([\d.]+) / (\d+) MB", page)
    assert len(said) == 7
    for name, *costs in said:
        model = {"stock": "transformer", "1111": "nmt_attn_tiny"}.get(name, f"nmt_attn_tiny_{name}")
        (row,) = (line.split(" | ") for line in table.splitlines() if line.startswith(f"| {model} | "))
        assert costs == [row[3].split()[0], row[4].split()[0], row[5].split()[0]]
