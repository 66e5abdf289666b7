"""The published benchmarks: their tables are those of their numbers."""

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
