"""The README's tables are those of the published results, and it stays short."""

from pathlib import Path

import pytest

from nmt_attn.study.plan import read_study
from nmt_attn.study.results import markdown_table, read_results

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
MIXERS = {
    "quickstart_mixers": [
        *("", "_dynamic", "_light", "_conv", "_deform", "_deform_self0010", "_self0000", "_average", "_gaussian"),
        *("_fixed", "_synthesizer", "_alibi", "_t5", "_shaw", "_deberta"),
    ],
    "multi30k_mixers": ["", "_dynamic", "_deform_self0010", "_self0000"],
}
ORDER = ["nmt_attn_tiny", "nmt_attn_tiny_self0111", "nmt_attn_tiny_cross0111", "transformer"]


@pytest.mark.parametrize("study", ["quickstart", "multi30k"])
def test_a_table_of_results_stands_in_the_readme_as_the_command_prints_it(study: str) -> None:
    paths = [ROOT / "results" / study / f"{name}.json" for name in ORDER]
    assert markdown_table(read_results(path for path in paths if path.exists())) in README


@pytest.mark.parametrize("study", MIXERS)
def test_the_tables_of_mixers_are_those_of_their_results(study: str) -> None:
    paths = [ROOT / "results" / study / f"nmt_attn_tiny{kind}.json" for kind in MIXERS[study]]
    assert {path.name for path in paths} == {path.name for path in (ROOT / "results" / study).iterdir()}
    table = markdown_table(read_results(paths))
    assert table in (ROOT / "results" / "README.md").read_text(encoding="utf-8")


def test_the_bleu_of_mixers_in_the_readme_is_that_of_their_results() -> None:
    sentence = " ".join(README[README.index("**Other mixers**") :].split("\n\n")[0].split())
    (reference,) = read_results([ROOT / "results" / "multi30k_mixers" / "nmt_attn_tiny.json"])
    assert f"another commit: {reference['bleu']:.1f}," in sentence
    words = {"dynamic": "dynamic convolution", "deform_self0010": "deformable and 0010", "self0000": "uniform"}
    for name, word in words.items():
        (result,) = read_results([ROOT / "results" / "multi30k_mixers" / f"nmt_attn_tiny_{name}.json"])
        assert f"{word} {result['bleu']:.1f}" in sentence


def test_the_readme_has_at_most_150_lines() -> None:
    assert len(README.splitlines()) <= 150


@pytest.mark.parametrize("path", sorted((ROOT / "recipes" / "studies").glob("*.yaml")), ids=lambda path: path.stem)
def test_the_table_of_studies_has_the_number_of_runs(path: Path) -> None:
    text = (path.parent / "README.md").read_text(encoding="utf-8")
    (row,) = (line for line in text.splitlines() if line.startswith(f"| [{path.stem}]({path.name}) |"))
    assert int(row.split("|")[3]) == len(read_study(path).runs())
