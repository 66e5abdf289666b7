"""The README's tables are those of the published results, and it stays short."""

from pathlib import Path

import pytest

from nmt_attn.study.results import markdown_table, read_results

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
ORDER = ["nmt_attn_tiny", "nmt_attn_tiny_self0111", "nmt_attn_tiny_cross0111", "transformer"]


@pytest.mark.parametrize("study", ["quickstart", "multi30k"])
def test_a_table_of_results_stands_in_the_readme_as_the_command_prints_it(study: str) -> None:
    paths = [ROOT / "results" / study / f"{name}.json" for name in ORDER]
    assert markdown_table(read_results(path for path in paths if path.exists())) in README


def test_the_readme_has_at_most_150_lines() -> None:
    assert len(README.splitlines()) <= 150
