"""Hypotheses, scores, progress and tables."""

import json
import random
import subprocess
import sys
from collections.abc import Sequence
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
import sacrebleu
import torch
from fairseq.data import Dictionary
from fairseq.scoring.bleu import BleuConfig, Scorer
from sacremoses import MosesTokenizer

from nmt_attn.cli import main
from nmt_attn.corpora.fragment import generate
from nmt_attn.provenance import checksum
from nmt_attn.spec import SpecError
from nmt_attn.study.figure import bleu_figure
from nmt_attn.study.hypotheses import read_hypotheses
from nmt_attn.study.progress import progress_lines, read_log, training_seconds
from nmt_attn.study.results import markdown_table, read_results
from nmt_attn.study.scores import score
from nmt_attn.study.tokenised import moses_tokeniser, split_compounds, tokenised_score
from tests.models import toy

GENERATED = ["S-1\tb c", "T-1\tB C", "H-1\t-0.1\t▁B ▁C", "D-1\t-0.1\tB C", "P-1\t-0.1", "D-0\t-0.2\tA\tx", "D-2\t-1\t"]


def test_hypotheses_come_in_the_order_of_the_test_set() -> None:
    assert read_hypotheses(line + "\n" for line in GENERATED) == ["A\tx", "B C", ""]


def test_a_missing_sentence_is_refused() -> None:
    with pytest.raises(SpecError, match="1 are missing, sentence 1 the first: .* --required-batch-size-multiple 1"):
        read_hypotheses([GENERATED[5], GENERATED[6]])
    with pytest.raises(SpecError, match="must have lines that begin with D-, but has none"):
        read_hypotheses(["Generate test with beam=4"])


@cache
def _texts(count: int = 300, language: str = "de") -> tuple[tuple[str, ...], tuple[str, ...]]:
    """References of the embedded corpus with some names of two parts, and hypotheses in which words went wrong."""
    draw = random.Random(3)
    pairs = generate(count, 7)
    references = [pair.target_text if language == "de" else pair.source_text for pair in pairs]
    references = [line.replace("Mann", "Kauf-Mann").replace("man ", "sales-man ") for line in references]
    words = [word for line in references for word in line.split()]
    hypotheses = [
        " ".join(draw.choice(words) if draw.random() < 0.15 else word for word in line.split()) for line in references
    ]
    hypotheses[5] = ""
    hypotheses[6] = hypotheses[6].upper() + " "
    return tuple(hypotheses), tuple(references)


def _write(path: Path, lines: Sequence[str], encoding: str = "utf-8") -> Path:
    path.write_bytes("".join(line + "\n" for line in lines).encode(encoding))
    return path


def _files(folder: Path, hypotheses: Sequence[str], references: Sequence[str]) -> list[str]:
    """The flags of nmt-attn score for two texts."""
    paths = (_write(folder / "hyp.txt", hypotheses), _write(folder / "ref.txt", references))
    return ["score", "--hypotheses", str(paths[0]), "--references", str(paths[1])]


def _sacrebleu(folder: Path, *flags: str) -> list[dict[str, Any]]:
    """What sacreBLEU's own command says of the two files: BLEU, then chrF."""
    command = [str(Path(sys.executable).parent / "sacrebleu"), str(folder / "ref.txt"), "-i", str(folder / "hyp.txt")]
    command += ["-m", "bleu", "chrf", "--confidence", "-w", "4", "--format", "json", *flags]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    result: list[dict[str, Any]] = json.loads(done.stdout)
    return result


def test_a_score_is_sacrebleus_with_its_signature() -> None:
    hypotheses, references = ["the cat sat on the mat.", "a b c d"], ["the cat sat on the rug.", "a b c d"]
    result = score(hypotheses, references)
    assert result.bleu == sacrebleu.corpus_bleu(hypotheses, [references]).score
    assert result.signature == f"nrefs:1|case:mixed|eff:no|tok:13a|smooth:exp|version:{sacrebleu.__version__}"
    assert result.sentences == 2


@pytest.mark.parametrize("seed", [None, "77"])
@pytest.mark.parametrize("flags", [(), ("--lowercase",)])
def test_a_score_equals_that_of_sacrebleus_command_in_every_digit(
    flags: tuple[str, ...],
    seed: str | None,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if seed:
        monkeypatch.setenv("SACREBLEU_SEED", seed)
    else:
        monkeypatch.delenv("SACREBLEU_SEED", raising=False)
    assert main([*_files(tmp_path, *_texts()), *flags]) == 0
    result = json.loads(capsys.readouterr().out)
    bleu, chrf = _sacrebleu(tmp_path, *(("--lowercase", "--chrf-lowercase") if flags else ()))
    assert 30 < result["bleu"] < 90
    assert result["bleu"] == bleu["score"]
    assert result["chrf"] == chrf["score"]
    assert result["bleu_bootstrap_mean"] == bleu["confidence_mean"]
    assert result["bleu_bootstrap_half_width"] == bleu["confidence_var"]
    assert result["bleu_bootstrap_resamples"] == 1000
    assert result["bleu_bootstrap_seed"] == int(seed or 12345)
    bootstrap = f"bs:1000|seed:{seed or 12345}|"
    assert bleu["signature"].replace(bootstrap, "") == result["signature"]
    assert chrf["signature"].replace(bootstrap, "") == result["chrf_signature"]
    case = "lc" if flags else "mixed"
    assert result["signature"] == f"nrefs:1|case:{case}|eff:no|tok:13a|smooth:exp|version:{sacrebleu.__version__}"
    assert result["chrf_signature"].startswith(f"nrefs:1|case:{case}|eff:yes|nc:6|nw:0|space:no|")


@pytest.mark.parametrize(("flags", "expected"), [((), 40.0), (("--lowercase",), 60.0)])
def test_an_exact_match_is_a_translation_that_is_its_reference(
    flags: tuple[str, ...], expected: float, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Spaces at the ends do not count, those inside do; case only without --lowercase."""
    hypotheses, references = ["a b", " a b\t", "A b", "a  b", "a b."], ["a b"] * 5
    assert main([*_files(tmp_path, hypotheses, references), *flags]) == 0
    assert json.loads(capsys.readouterr().out)["exact_match"] == expected


def test_exact_matches_are_counted_over_all_sentences() -> None:
    hypotheses, references = _texts()
    equal = sum(one.strip() == other for one, other in zip(hypotheses, references, strict=True))
    assert 0 < equal < 300
    assert score(hypotheses, references).exact_match == pytest.approx(100 * equal / 300)
    assert score(hypotheses, references).fields()["exact_match"] == round(100 * equal / 300, 4)
    assert score(references, references).exact_match == 100


def test_two_texts_are_scored_without_a_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = _files(tmp_path, *_texts())
    assert main([*arguments, "--test-set", "wmt14/full", "--target-lang", "de"]) == 0
    printed = capsys.readouterr()
    (line,) = printed.out.splitlines()
    result = json.loads(line)
    assert list(result) == [
        *("bleu", "signature", "bleu_bootstrap_mean", "bleu_bootstrap_half_width"),
        *("bleu_bootstrap_resamples", "bleu_bootstrap_seed", "chrf", "chrf_signature", "scorer", "sentences"),
        *("exact_match", "tokenised_bleu", "compound_split_bleu", "tokeniser", "test_sha256", "test_set"),
    ]
    assert result["scorer"] == f"sacrebleu {sacrebleu.__version__}"
    assert result["sentences"] == 300
    assert result["tokeniser"] == f"sacremoses {version('sacremoses')} de"
    assert result["test_sha256"] == checksum([tmp_path / "ref.txt"])
    assert result["test_set"] == "wmt14/full"
    low, high = (result["bleu_bootstrap_mean"] + side * result["bleu_bootstrap_half_width"] for side in (-1, 1))
    assert low < result["bleu"] < high
    assert printed.err == (
        f"BLEU {result['bleu']:.1f} (95 % interval {low:.1f} to {high:.1f} over sentences), "
        f"chrF2 {result['chrf']:.1f}, exact match {result['exact_match']:.1f} %, "
        f"tokenised {result['tokenised_bleu']:.1f}, compound-split {result['compound_split_bleu']:.1f}; "
        f"300 sentences; {result['signature']}\n"
    )
    assert main(arguments) == 0
    plain = json.loads(capsys.readouterr().out)
    assert plain == {name: value for name, value in result.items() if name in plain}
    assert not {"tokenised_bleu", "tokeniser", "test_set", "preset"} & set(plain)


def test_a_score_of_a_run_tells_the_run_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = toy.parse("nmt_attn_tiny", *toy.SMALL, *toy.SMALL_HEADS)
    checkpoint = toy.checkpoint(options, toy.build("nmt_attn_tiny"), tmp_path / "c.pt")
    (tmp_path / "bin").mkdir()
    run = ["--checkpoint", str(checkpoint), "--data", str(tmp_path / "bin")]
    assert main([*_files(tmp_path, ["a b c d"], ["a b c d"]), *run]) == 0
    path = _write(tmp_path / "result.json", [capsys.readouterr().out.splitlines()[-1]])
    (result,) = read_results([path])
    assert (result["preset"], result["bleu"], result["updates"]) == ("nmt_attn_tiny", 100.0, 7)


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--checkpoint", "c.pt"], "--checkpoint and --data must both be given to describe a run, not --checkpoint"),
        (["--data", "bin"], "must both be given to describe a run, not --data alone: leave out all of them"),
        (["--run", "r"], "must both be given to describe a run, not --run alone"),
        (["--checkpoint", "c.pt", "--data", "nowhere"], "--data must be the folder that fairseq-preprocess wrote, not"),
        (["--target-lang", "xx"], "--target-lang must be one of sacremoses' languages (as, bn, ca, cs, de, "),
        (["--target-lang", "german"], "not 'german': leave it out for any other"),
        (["--target-lang", "ja"], "not 'ja': leave it out for any other"),
    ],
)
def test_flags_that_do_not_go_together_are_refused(
    flags: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*_files(tmp_path, ["a b c d"], ["a b c d"]), *flags]) == 2
    _one_line(capsys, message)


def _one_line(capsys: pytest.CaptureFixture[str], *messages: str) -> None:
    """Nothing was printed but one line that holds the messages."""
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.count("\n") == 1
    assert printed.err.startswith("nmt-attn: error: ")
    for message in messages:
        assert message in printed.err


@pytest.mark.parametrize("language", ["de", "en"])
def test_tokenised_bleu_is_that_of_fairseqs_own_scorer(language: str) -> None:
    """Compounds are split here by hand: a hyphen between two characters becomes a token."""
    moses = MosesTokenizer(lang=language)
    texts = [[line or "." for line in lines] for lines in _texts(language=language)]  # fairseq counts "" as a token
    tokens = [[moses.tokenize(line, escape=False) for line in lines] for lines in texts]
    split = [[" ".join(line).replace("-", " ##AT##-##AT## ").split() for line in lines] for lines in tokens]
    result = tokenised_score(texts[0], texts[1], language)
    assert result.bleu == pytest.approx(_fairseq_bleu(*tokens), abs=1e-9)
    assert result.compound_split_bleu == pytest.approx(_fairseq_bleu(*split), abs=1e-9)
    assert 1e-3 < abs(result.bleu - result.compound_split_bleu) < 5
    assert result.tokeniser == f"sacremoses {version('sacremoses')} {language}"
    lower = [[moses.tokenize(line.lower(), escape=False) for line in lines] for lines in texts]
    lowered = tokenised_score(texts[0], texts[1], language, lowercase=True)
    assert lowered.bleu == pytest.approx(_fairseq_bleu(*lower), abs=1e-9)
    assert lowered.bleu > result.bleu


def test_texts_that_differ_in_case_alone_have_a_lower_cased_tokenised_bleu_of_100() -> None:
    score = tokenised_score(["hello. how are you today?"], ["Hello. How are you today?"], "en", lowercase=True)
    assert score.bleu == pytest.approx(100)


def _fairseq_bleu(hypotheses: Sequence[list[str]], references: Sequence[list[str]]) -> float:
    vocabulary = Dictionary()
    scorer = Scorer(BleuConfig(pad=vocabulary.pad(), eos=vocabulary.eos(), unk=vocabulary.unk()))
    for hypothesis, reference in zip(hypotheses, references, strict=True):
        wanted, got = (
            torch.IntTensor([vocabulary.add_symbol(token) for token in line] + [vocabulary.eos()])
            for line in (reference, hypothesis)
        )
        scorer.add(wanted, got)
    return float(scorer.score())


def test_the_tokeniser_is_that_of_moses_without_escapes() -> None:
    line = """Don't say "Schmidt-Müller" & [sic], z.B. 3,5 km."""
    english, _ = moses_tokeniser("en")
    assert english(line) == """Don 't say " Schmidt-Müller " & [ sic ] , z.B. 3,5 km ."""
    french, name = moses_tokeniser("fr")
    assert french("L'homme d'ici.") == "L' homme d' ici ."
    assert name == f"sacremoses {version('sacremoses')} fr"


@pytest.mark.parametrize(
    ("line", "split"),
    [
        ("Schmidt-Müller kam", "Schmidt ##AT##-##AT## Müller kam"),
        ("10-jährige U-Bahn-Fahrt", "10 ##AT##-##AT## jährige U ##AT##-##AT## Bahn ##AT##-##AT## Fahrt"),
        ("a-b-c", "a ##AT##-##AT## b-c"),  # as Perl's s///g: the b is used up
        ("ein - Strich, Ein- und Ausgang -", "ein - Strich, Ein- und Ausgang -"),
    ],
)
def test_compounds_are_split_as_fairseqs_script_does(line: str, split: str) -> None:
    assert split_compounds(line) == split


def test_without_sacremoses_the_extra_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "sacremoses", None)
    arguments = _files(tmp_path, ["a b c d"], ["a b c d"])
    assert main([*arguments, "--target-lang", "de"]) == 2
    _one_line(capsys, "sacremoses must be installed for --target-lang: pip install -e '.[moses]'")
    assert main(arguments) == 0


def test_a_score_of_zero_has_an_interval_too() -> None:
    result = score(["x", ""], ["a b c d", "e"])
    assert (result.bleu, result.bootstrap_mean, result.bootstrap_half_width) == (0.0, 0.0, 0.0)


@pytest.mark.parametrize(("seed", "said"), [("none", "none"), ("NONE", "none"), ("5", 5)])
def test_the_seed_that_was_used_is_said(seed: str, said: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SACREBLEU_SEED", seed)
    assert score(["a b c d"], ["a b c d"]).bootstrap_seed == said


@pytest.mark.parametrize("seed", ["", "x", "-3"])
def test_a_seed_that_sacrebleu_cannot_take_is_refused(seed: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SACREBLEU_SEED", seed)
    with pytest.raises(SpecError, match=f"SACREBLEU_SEED must be a whole number or none, not '{seed}': unset it"):
        score(["a b c d"], ["a b c d"])


TOKENISED = ["Er kam , sah und ging .", "Wer kam ?", "Ein Wort"]
ESCAPED = ["l&apos; homme", "he &apos;s here", "a &quot; b", "&#91; a &#93;", "fünf @-@ jährig"]


@pytest.mark.parametrize(
    ("hypotheses", "references", "messages"),
    [
        (["a"], ["a", "b"], ["hyp.txt must have as many lines as ", "ref.txt (2), not 1: translate the whole test"]),
        (["a", "b"], ["a"], ["hyp.txt must have as many lines as ", "ref.txt (1), not 2: translate the whole test"]),
        ([], [], ["ref.txt must hold at least one sentence to score, not 0"]),
        (["ok", "▁a ▁b"], ["a", "b"], ["hyp.txt must be plain text, but line 2 holds '▁' of SentencePiece: translate"]),
        (
            ["a@@ b"],
            ["ab"],
            ["hyp.txt must be plain text, but line 1 holds '@@ ' of subword-nmt: translate with --post"],
        ),
        (["a b@@"], ["ab"], ["line 1 holds '@@ ' of subword-nmt"]),
        (["ab"], ["a@@ b"], ["ref.txt must be plain text, but line 1 holds '@@ ' of subword-nmt: give the official"]),
        (TOKENISED, list("abc"), ["hyp.txt must be plain text, but 2 of its 2 lines", "line 1 the first: detokenise"]),
        (
            list("abcd"),
            ["Ja.", *TOKENISED],
            [
                "ref.txt must be plain text, but 2 of its 3 lines",
                "line 2 the first: give the official, untokenised file",
            ],
        ),
        *(
            (["a", "b"], ["a", line], ["ref.txt must be plain text, but line 2 holds ", ": give the official, untoken"])
            for line in ESCAPED
        ),
        *((["a", line], ["a", "b"], ["hyp.txt must be plain text, but line 2 holds ", ": detok"]) for line in ESCAPED),
        *(
            (
                ["a", f"b{mark}c"],
                ["a", "b"],
                [f"hyp.txt must hold one sentence a line, but line 2 holds U+{code}, which"],
            )
            for mark, code in [("\u2028", "2028"), ("\x85", "0085"), ("\r", "000D"), ("\f", "000C")]
        ),
        (
            ["a"],
            ["b\u2028"],
            ["ref.txt must hold one sentence a line, but line 1 holds U+2028", "put a space in its pl"],
        ),
    ],
)
def test_what_cannot_be_scored_honestly_is_refused(
    hypotheses: list[str],
    references: list[str],
    messages: list[str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(_files(tmp_path, hypotheses, references)) == 2
    _one_line(capsys, *messages)


def test_a_file_that_is_not_utf_8_is_refused_with_the_place(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = _files(tmp_path, ["ab", "zwölf"], ["ab", "zwölf"])
    _write(tmp_path / "ref.txt", ["ab", "zwölf"], "latin-1")
    assert main(arguments) == 2
    _one_line(capsys, f"{tmp_path / 'ref.txt'} must be UTF-8, but byte 5 (in line 2) is 0xf6: convert it with iconv")
    (tmp_path / "hyp.txt").unlink()
    assert main(arguments) == 2
    _one_line(capsys, "hyp.txt must be a readable file: No such file")


def test_windows_line_ends_change_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = _files(tmp_path, *_texts())
    results = []
    for _ in range(2):
        assert main([*arguments, "--target-lang", "de"]) == 0
        results.append({**json.loads(capsys.readouterr().out), "test_sha256": ""})
        _files(tmp_path, *([line + "\r" for line in lines] for lines in _texts()))
    assert results[0] == results[1]


RAW = [
    "@@",  # a caption of Multi30k
    "Ein Mann , der vor mehreren Felswänden steht.",  # so is this
    "Er sagte „nein“ ... und ging.",
    'Sie sagte: "Ja." Er ging, sie blieb.',
    "R&amp;D bei AT&T kostet 3,5 &lt; 4, mail@@example.org",
    "don&apos;t &quot;nein&quot;, rief er.",
    "Wer kam? Niemand.",
    "Eine Zeile ohne Punkt",
]


def test_raw_text_is_not_taken_for_tokenised() -> None:
    assert score(RAW, RAW).bleu == pytest.approx(100)
    repeats = [". . . .", "die die , , ."]  # as a model writes after a few updates
    assert score(repeats[:1], ["Ja."]).sentences == 1
    for language in ("de", "en"):
        references = _texts(2000, language)[1]
        assert score(references, references).bleu == pytest.approx(100)


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
    assert training_seconds(read_log(LOG)) == 7.0


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
