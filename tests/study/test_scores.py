"""Hypotheses, scores, progress and tables."""

import json
from pathlib import Path
from typing import Any

import pytest
import sacrebleu

from nmt_attn.spec import SpecError
from nmt_attn.study.figure import bleu_figure
from nmt_attn.study.hypotheses import read_hypotheses
from nmt_attn.study.progress import progress_lines, training_seconds
from nmt_attn.study.results import markdown_table, read_results
from nmt_attn.study.scores import score

GENERATED = ["S-1\tb c", "T-1\tB C", "H-1\t-0.1\t▁B ▁C", "D-1\t-0.1\tB C", "P-1\t-0.1", "D-0\t-0.2\tA\tx", "D-2\t-1\t"]


def test_hypotheses_come_in_the_order_of_the_test_set() -> None:
    assert read_hypotheses(line + "\n" for line in GENERATED) == ["A\tx", "B C", ""]


def test_a_missing_sentence_is_refused() -> None:
    with pytest.raises(SpecError, match="1 are missing, sentence 1 the first: .* --required-batch-size-multiple 1"):
        read_hypotheses([GENERATED[5], GENERATED[6]])
    with pytest.raises(SpecError, match="must have lines that begin with D-, but has none"):
        read_hypotheses(["Generate test with beam=4"])


def test_a_score_is_sacrebleus_with_its_signature() -> None:
    hypotheses, references = ["the cat sat on the mat .", "a b c d"], ["the cat sat on the rug .", "a b c d"]
    result = score(hypotheses, references)
    assert result.bleu == sacrebleu.corpus_bleu(hypotheses, [references]).score
    assert result.signature == f"nrefs:1|case:mixed|eff:no|tok:13a|smooth:exp|version:{sacrebleu.__version__}"
    assert result.sentences == 2


@pytest.mark.parametrize(
    ("hypotheses", "references", "message"),
    [
        (["a"], ["a", "b"], r"as many hypotheses as references \(2 lines\), not 1"),
        ([], [], "at least one sentence to score, not 0"),
        (["ok", "▁a ▁b"], ["a", "b"], "line 2 holds '▁' of SentencePiece"),
        (["a@@ b"], ["ab"], "line 1 holds '@@ ' of subword-nmt"),
    ],
)
def test_what_cannot_be_scored_honestly_is_refused(hypotheses: list[str], references: list[str], message: str) -> None:
    with pytest.raises(SpecError, match=message):
        score(hypotheses, references)


LOG = [
    "2026-01-01 | INFO | fairseq_cli.train | {'not': 'json'}",
    '2026-01-01 | INFO | train_inner | {"ppl": "12.5", "wps": "2961.9", "ups": "2", "num_updates": "10", "wall": "7"}',
    '2026-01-01 | INFO | valid | {"valid_ppl": "8.5", "valid_num_updates": "10"}',
    '2026-01-01 | INFO | train | {"train_ppl": "9", "train_num_updates": "24", "train_wall": "8"}',
]


def test_progress_is_one_line_an_entry_with_the_time_left() -> None:
    assert list(progress_lines(LOG, "tiny", 130)) == [
        "tiny: update 10/130, training perplexity 12.5, 2,962 target tokens/s, 1:00 left",
        "tiny: update 10/130, development perplexity 8.5",
    ]
    assert training_seconds(LOG) == 7.0


def _result(name: str, bleu: float, **changes: Any) -> dict[str, Any]:
    return {
        "preset": name,
        "encoder_self": "1111",
        "decoder_self": "1111",
        "cross": "1111",
        "bleu": bleu,
        "signature": "s",
        "sentences": 5,
        "seed": 1,
        "updates": 10,
        "parameters": 1234567,
        "data_sha256": "d",
        "test_sha256": "t",
        "code_version": "c",
        "scorer": "b",
        "training_seconds": 61.2,
        "translation_seconds": 3.3,
        **changes,
    }


def test_a_table_compares_with_its_first_row_and_draws_no_inference() -> None:
    table = markdown_table([_result("a", 30.04), _result("b", 28.5)])
    assert "| a | 1111 | 1111 | 1111 | 30.0 |  | 1,234,567 | 61 | 3 |" in table
    assert "| b | 1111 | 1111 | 1111 | 28.5 | -1.5 | 1,234,567 | 61 | 3 |" in table
    assert "BLEU: s; 5 sentences; 10 updates; seed 1." in table
    assert table.endswith("A single run of each model: no inference.")


@pytest.mark.parametrize("field", ["signature", "data_sha256", "test_sha256", "sentences", "updates"])
def test_results_that_cannot_be_compared_are_refused(field: str) -> None:
    with pytest.raises(SpecError, match=f"must have the same {field}, not .* and .*"):
        markdown_table([_result("a", 30.0), _result("b", 28.5, **{field: "other"})])


def test_a_result_that_lacks_what_it_depends_on_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "r.json"
    path.write_text(json.dumps({"preset": "a", "bleu": 30.0}))
    with pytest.raises(SpecError, match="lacks signature, seed"):
        read_results([path])
    path.write_text("{")
    with pytest.raises(SpecError, match="must be a JSON file"):
        read_results([path])


def test_a_figure_is_written(tmp_path: Path) -> None:
    bleu_figure([_result("a", 30.0), _result("b", 10.0)], tmp_path / "f.png")
    assert (tmp_path / "f.png").read_bytes().startswith(b"\x89PNG")
