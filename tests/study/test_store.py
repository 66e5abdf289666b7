"""The store of a study: appended to, never rewritten, and readable by anything that reads JSON lines."""

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from nmt_attn.cli import main
from nmt_attn.spec import SpecError
from nmt_attn.study.store import NEEDED, append, read_json_lines, result_name

RESULTS: list[dict[str, Any]] = [
    {"corpus": "text", "model": "nmt_attn_tiny", "seed": 1000000, "bleu": 38.25, "flags": [], "curve": [[2, 3.5]]},
    {"corpus": "text", "model": "größer", "seed": 2000000, "bleu": 36.5, "flags": ["--dropout", "0.2"]},
    {"corpus": "text", "model": "line\nend \u2028 \x85", "seed": 3000000, "bleu": 0.0, "layers": {"cross": ["0111"]}},
]


@pytest.fixture
def store(tmp_path: Path) -> Path:
    path = tmp_path / "results.jsonl"
    for result in RESULTS:
        append(path, result)
    return path


def test_what_is_appended_is_read_back(store: Path) -> None:
    assert read_json_lines(store) == RESULTS


def test_pandas_reads_the_store_in_one_line(store: Path) -> None:
    table = pd.read_json(store, lines=True)
    assert [table[name].tolist() for name in ("model", "seed", "bleu")] == [
        [result[name] for result in RESULTS] for name in ("model", "seed", "bleu")
    ]
    assert table["flags"].tolist()[:2] == [[], ["--dropout", "0.2"]]


def test_there_is_a_line_a_result_and_text_is_not_escaped(store: Path) -> None:
    lines = store.read_bytes().split(b"\n")
    assert len(lines) == len(RESULTS) + 1
    assert lines[-1] == b""
    assert "größer".encode() in lines[1]


def test_a_study_without_store_has_no_results(tmp_path: Path) -> None:
    assert read_json_lines(tmp_path / "results.jsonl") == []
    (tmp_path / "empty.jsonl").touch()
    assert read_json_lines(tmp_path / "empty.jsonl") == []


def test_appending_leaves_the_bytes_before_it_as_they_are(tmp_path: Path) -> None:
    path = tmp_path / "results.jsonl"
    for result in RESULTS * 4:
        before = path.read_bytes() if path.exists() else b""
        append(path, result)
        after = path.read_bytes()
        assert after.startswith(before)
        assert json.loads(after[len(before) :]) == result


@pytest.mark.parametrize("count", [1, 3])
def test_a_last_line_cut_off_at_any_byte_is_ignored_and_mended(count: int, tmp_path: Path) -> None:
    path = tmp_path / "results.jsonl"
    for result in RESULTS[:count]:
        append(path, result)
    whole = path.read_bytes()
    start = whole.rfind(b"\n", 0, -1) + 1
    for end in range(start, len(whole)):
        path.write_bytes(whole[:end])
        assert read_json_lines(path) == RESULTS[: count - 1]
        append(path, RESULTS[count - 1])
        assert path.read_bytes() == whole


@pytest.mark.parametrize(
    ("number", "line"),
    [(1, b'{"corpus": "te'), (2, b"\xff\xfe"), (2, b""), (2, b"[1, 2]"), (3, b"3"), (3, b"null"), (1, b"\0\0\0\0")],
)
def test_a_damaged_line_is_refused_with_its_number(number: int, line: bytes, store: Path) -> None:
    lines = store.read_bytes().split(b"\n")
    lines[number - 1] = line
    store.write_bytes(b"\n".join(lines))
    with pytest.raises(SpecError) as problem:
        read_json_lines(store)
    message = f"{store} must hold one JSON object a line, but line {number} is none: restore it from a copy"
    assert str(problem.value) == message


STUDY = """
name: small
reference: nmt_attn_tiny
models: [nmt_attn_tiny]
corpora: {{text: {{recipe: {recipe}}}}}
"""


@pytest.mark.parametrize(
    ("step", "missing"),
    [
        *(("status", name) for name in ("corpus", "model", "seed", "preset", "flags")),
        *(("plan", name) for name in ("corpus", "model", "seed")),
    ],
)
def test_a_line_that_is_no_result_is_refused_in_one_line(
    step: str, missing: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    study = tmp_path / "small.yaml"
    study.write_text(STUDY.format(recipe=Path(__file__).parent / "toy_recipe.sh"), encoding="utf-8")
    result = {
        **dict.fromkeys(NEEDED, 1),
        "corpus": "text",
        "model": "nmt_attn_tiny",
        "seed": 1000000,
        "preset": "nmt_attn_tiny",
        "flags": [],
    }
    del result[missing]
    (tmp_path / "out").mkdir()
    append(tmp_path / "out" / "results.jsonl", result)
    flags = ["--gpus", "", "--no-estimate"] if step == "plan" else []
    assert main(["study", step, str(study), "--out", str(tmp_path / "out"), *flags]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "line 1" in said


def test_the_name_of_a_result_is_that_of_its_run() -> None:
    assert result_name(RESULTS[0]) == "text/nmt_attn_tiny.1000000"
