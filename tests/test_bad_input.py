"""Bad input of our commands and recipes: one line with what must be what, exit code 2, and nothing is written."""

import json
import os
import shlex
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import torch

from nmt_attn import cli
from nmt_attn.models import checkpoints
from nmt_attn.study.store import NEEDED
from tests.models import toy

ROOT = Path(__file__).parent.parent
ONE_LAYER = (*toy.SMALL, *toy.SMALL_HEADS, "--encoder-layers", "1", "--decoder-layers", "1")
STUDY = f"""\
name: small
reference: nmt_attn_tiny
headline: [nmt_attn_tiny_self0111]
seeds: 2
models: [nmt_attn_tiny, nmt_attn_tiny_self0111]
corpora: {{fragment: {{recipe: {ROOT}/recipes/generated.sh}}}}
"""
TEXTS: dict[str, bytes] = {
    "empty": b"",
    "latin1": "Grüße\n".encode("latin-1"),
    "bom": "\ufeffhello there\nw1 w3\n".encode(),
    "zeros": b"\0" * 100,
    "text": b"hello there\nw1 w2\n",
    "reference": b"hello there\nw1 w3\n",
    "one": b"hello there\n",
    "bpe": b"hel@@ lo there\nw1 w2\n",
    "sentencepiece": "▁hello\n▁w1\n".encode(),
    "escaped": b"hello\nw1 &quot; w3\n",
    "tokenised": b"hello , there .\nw1 w3 .\n",
    "separator": "hel\u2028lo\nw\n".encode(),
    "generated": b"D-0\t-0.1\thello\nD-2\t-0.1\tw\n",
    "number.json": b"5",
    "words.json": json.dumps(dict.fromkeys(("preset", "bleu", "signature", "seed", "parameters"), "x")).encode(),
    "study.yaml": STUDY.encode(),
    "codes.yaml": STUDY.replace("nmt_attn_tiny_self0111]\nc", "nmt_attn_tiny_self72]\nc").encode(),
    "near.yaml": STUDY.replace("seeds: 2", "seeds: [1000000, 1000001]").encode(),
    "latin1.yaml": STUDY.replace("name: small", "name: small\nquestion: für").encode("latin-1"),
}


def _result(seed: int = 1_000_000, **fields: Any) -> bytes:
    """A line of a study's store."""
    made: dict[str, Any] = {**dict.fromkeys(NEEDED, 1), "corpus": "fragment", "model": "nmt_attn_tiny", "seed": seed}
    made |= {"preset": "nmt_attn_tiny", "flags": [], **fields}
    return json.dumps(made).encode() + b"\n"


STORES: dict[str, bytes] = {
    "broken": _result()[:40] + b"\n" + _result(2_000_000),
    "words": _result(bleu="high"),
    "infinite": _result(bleu=float("nan")),
    "other": _result(preset="nmt_attn_tiny_self0111"),
    "signatures": _result(signature="a") + _result(2_000_000, signature="b"),
    "texts": _result(test_sha256="a") + _result(2_000_000, test_sha256="b"),
}


def _no_embeddings(state: dict[str, Any]) -> None:
    del state["model"]["decoder.embed_tokens.weight"]


def _no_task(state: dict[str, Any]) -> None:
    state["cfg"]["task"] = {"_name": "language_modeling"}


def _no_parameter(state: dict[str, Any]) -> None:
    del state["model"]["encoder.layers.0.fc1.weight"]


def _newer(state: dict[str, Any]) -> None:
    """As a version would leave it that has mixers which this one does not know."""
    for name in ("enc_self_attn_mixer", "dec_self_attn_mixer"):
        setattr(checkpoints.model_options(state), name, "quantum")


def _history(state: dict[str, Any]) -> None:
    state["optimizer_history"] = 3


DAMAGED: dict[str, Callable[[dict[str, Any]], None]] = {
    "embeddings.pt": _no_embeddings,
    "task.pt": _no_task,
    "parameter.pt": _no_parameter,
    "newer.pt": _newer,
    "history.pt": _history,
}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with something of every kind that is wrong, two models that are right, and their dictionaries."""
    folder = tmp_path_factory.mktemp("place")
    (folder / "folder").mkdir()
    for name, content in TEXTS.items():
        (folder / name).write_bytes(content)
    for name, content in STORES.items():
        (folder / "stores" / name).mkdir(parents=True)
        (folder / "stores" / name / "results.jsonl").write_bytes(content)
    (folder / "stores" / "folder" / "results.jsonl").mkdir(parents=True)
    (folder / "bin").mkdir()
    for language in ("en", "de"):
        toy.dictionary().save(str(folder / "bin" / f"dict.{language}.txt"))
    for arch, name in (("nmt_attn_tiny", "ours.pt"), ("transformer", "stock.pt")):
        sizes = ONE_LAYER[len(toy.SMALL) + len(toy.SMALL_HEADS) :]
        toy.checkpoint(toy.parse(arch, *ONE_LAYER), toy.build(arch, *sizes), folder / name)
    for name, damage in DAMAGED.items():
        state = _with_task(checkpoints.load(folder / "ours.pt"), folder / "bin")
        damage(state)
        torch.save(state, folder / name)
    torch.save(_with_task(checkpoints.load(folder / "ours.pt"), folder / "bin"), folder / "ours.pt")
    torch.save([1], folder / "list.pt")
    (folder / "cut.pt").write_bytes((folder / "ours.pt").read_bytes()[:5000])
    return folder


def _with_task(state: dict[str, Any], data: Path) -> dict[str, Any]:
    state["cfg"]["task"] = {"_name": "translation", "data": str(data), "source_lang": "en", "target_lang": "de"}
    return state


def _files(folder: Path) -> dict[Path, bytes | None]:
    return {path: path.read_bytes() if path.is_file() else None for path in folder.rglob("*")}


NAMES = "nmt-attn archs lists all 244 names"
MIXERS = "a code of four digits, each 0 or 1, or one of"
KINDS = "uniform, gaussian, fixed, synthesizer, alibi, t5, shaw, deberta, conv, deform, light, dynamic"
CODE = "a code must be four digits, each 0 or 1, such as 0110, not"
UNREADABLE = "must be a readable file"
UTF8 = "must be UTF-8, but byte 2 (in line 1) is 0xfc: convert it with iconv"
NO_FILE = "must be a file in a folder that exists, not"
OFFICIAL = "give the official, untokenised file"
POST = "translate with --post-process (or --remove-bpe)"
STORE = "must hold one JSON object a line, but line 1 is none: restore it from a copy"
NO_STORE = "must be a file of results that can be read, or not be there:"
WHOLE = "the checkpoint must be whole, but"
EACH = "--checkpoint @/{} --data @/bin"
REMEDY = "give --out another folder, or the study its old value"
ALIKE = "score or train them alike, or give them a corpus each"

REFUSED: Mapping[str, str] = {
    # names and codes
    "describe nmt_attn_tinny": f"no architecture is called 'nmt_attn_tinny': nmt_attn_tiny or nmt_attn_tiny_t5 or "
    f"nmt_attn_tiny_shaw may be meant; {NAMES}",
    "describe nothing": f"no architecture is called 'nothing': {NAMES}",
    "bench training --archs nmt-attn-base": "no architecture is called 'nmt-attn-base': nmt_attn_base may be meant; "
    + NAMES,
    "describe nmt_attn_tiny --self-attn-mixer 111": f"nmt_attn_tiny: {CODE} '111'",
    "describe nmt_attn_tiny --self-attn-mixer 72": f"nmt_attn_tiny: {CODE} '72'",
    "describe nmt_attn_tiny --cross-attn-mixer ''": f"nmt_attn_tiny: a mixer must be {MIXERS} {KINDS}, not ''",
    "study plan @/codes.yaml": "@/codes.yaml: models must be architectures or patterns of them, which "
    "nmt_attn_tiny_self72 is not: nmt_attn_tiny_self1111 or nmt_attn_tiny_self1110 or nmt_attn_tiny_self1101 "
    f"may be meant; {NAMES}",
    # a place that cannot be written
    "corpus fragment --out @/text": "@/text must be a place that can be read and written: File exists",
    "corpus copy --out @/text/x": "@/text/x must be a place that can be read and written: Not a directory",
    "average @/ours.pt --output @/folder": f"--output {NO_FILE} @/folder",
    "average @/ours.pt --output @/text/x.pt": f"--output {NO_FILE} @/text/x.pt",
    "convert @/stock.pt @/nowhere/x.pt": f"the converted checkpoint {NO_FILE} @/nowhere/x.pt",
    "convert @/stock.pt @/stock.pt": "the converted checkpoint must be a file of its own, not @/stock.pt: "
    "that is converted",
    "inspect @/ours.pt --source w1 --out @/text/x": "--out must be a folder that can be made and written, not @/text/x",
    "knockout @/ours.pt --source @/text --target @/text --out @/folder": f"--out {NO_FILE} @/folder",
    "table @/text --figure @/x.bmp": "--figure must be a file in a folder that exists, ending in .png or .svg or .pdf, "
    "not @/x.bmp",
    "bench module --out @/text/x": "--out must be a folder that can be written, not @/text/x: Not a directory",
    "study run @/study.yaml --out @/text --gpus ''": f"@/text/results.jsonl {NO_STORE} Not a directory",
    "study report @/study.yaml --out @/text": f"@/text/results.jsonl {NO_STORE} Not a directory",
    "knockouts @/study.yaml --out @/text": f"@/text/results.jsonl {NO_STORE} Not a directory",
    # a file that is missing, a folder, empty, or of another kind
    "hypotheses @/nowhere": f"@/nowhere {UNREADABLE}: No such file or directory",
    "hypotheses @/folder": f"@/folder {UNREADABLE}: Is a directory",
    "hypotheses @/latin1": f"@/latin1 {UTF8}",
    "hypotheses @/empty": "the output of fairseq-generate must have lines that begin with D-, but has none",
    "hypotheses @/generated": "the output of fairseq-generate must hold every sentence, but 1 are missing, sentence 1 "
    "the first: translate with --required-batch-size-multiple 1, or fairseq drops the longest",
    "table @/number.json": "a result must be a JSON object, as nmt-attn score prints it, but @/number.json holds none",
    "table @/words.json": "a result must say preset, bleu, signature, seed, parameters, data_sha256, test_sha256, "
    "code_version, scorer, but @/words.json lacks data_sha256, test_sha256, code_version, scorer",
    "study plan @/empty": "@/empty: the study must be a mapping, such as name: value, not None",
    "study plan @/latin1.yaml": "the study must be a text file that can be read, but @/latin1.yaml is not: "
    "'utf-8' codec can't decode byte 0xfc in position 23: invalid start byte",
    "study plan @/text": "@/text: the study must be a mapping, such as name: value, not 'hello there w1 w2'",
    # texts that are scored
    "score --hypotheses @/one --references @/reference": "@/one must have as many lines as @/reference (2), not 1: "
    "translate the whole test set, one sentence a line",
    "score --hypotheses @/empty --references @/empty": "@/empty must hold at least one sentence to score, not 0: "
    + OFFICIAL,
    "score --hypotheses @/latin1 --references @/one": f"@/latin1 {UTF8}",
    "score --hypotheses @/text --references @/bom": "@/bom must be UTF-8 without a byte order mark, but begins with "
    "one: remove its first 3 bytes",
    "score --hypotheses @/bpe --references @/reference": "@/bpe must be plain text, but line 1 holds '@@ ' of "
    f"subword-nmt: {POST}",
    "score --hypotheses @/sentencepiece --references @/reference": "@/sentencepiece must be plain text, but line 1 "
    f"holds '▁' of SentencePiece: {POST}",
    "score --hypotheses @/text --references @/escaped": "@/escaped must be plain text, but line 2 holds &quot; of a "
    f"tokeniser: {OFFICIAL}",
    "score --hypotheses @/text --references @/tokenised": "@/tokenised must be plain text, but 2 of its 2 lines with a "
    "full stop, comma or question mark have a space before it, as a tokeniser puts it, line 1 the first: " + OFFICIAL,
    "score --hypotheses @/text --references @/separator": "@/separator must hold one sentence a line, but line 1 holds "
    "U+2028, which ends a line for other programs: put a space in its place",
    # checkpoints
    "average @/nowhere --output @/x.pt": "the checkpoint must be a file, but @/nowhere does not exist",
    "average @/folder --output @/x.pt": "@/folder must hold at least 5 checkpoints to average, not 0: train longer, or "
    "save more often with --save-interval-updates (fairseq saves none at the end of an epoch)",
    "average @/ours.pt @/stock.pt --output @/x.pt": "all checkpoints must be of one run, but the architecture is "
    "nmt_attn_tiny in @/ours.pt and transformer in @/stock.pt",
    "convert @/empty @/x.pt": f"{WHOLE} @/empty is damaged: it is no whole zip archive",
    "convert @/cut.pt @/x.pt": f"{WHOLE} @/cut.pt is damaged: it is no whole zip archive",
    "convert @/list.pt @/x.pt": "the checkpoint must be one of fairseq's, but @/list.pt holds no model",
    "convert @/ours.pt @/x.pt": "only a stock fairseq transformer can be converted, but @/ours.pt holds "
    "'nmt_attn_tiny'",
    "inspect @/zeros --source w1": f"{WHOLE} @/zeros is damaged: it is no whole zip archive",
    "inspect @/stock.pt --source w1": "the checkpoint must be of an nmt_attn architecture, but @/stock.pt holds "
    "'transformer': a stock fairseq transformer goes through nmt-attn convert first",
    "inspect @/embeddings.pt --source w1": "the checkpoint must be of a translation model, but @/embeddings.pt lacks "
    "decoder.embed_tokens.weight",
    "inspect @/task.pt --source w1": "the checkpoint must be of the task translation, not language_modeling",
    "knockout @/ours.pt --source @/text --target @/one": "there must be a target for each of the 2 sources, not 1",
    f"score --hypotheses @/text --references @/reference {EACH.format('embeddings.pt')}": "the checkpoint must be "
    "one of fairseq-train, but @/embeddings.pt lacks the embeddings of a decoder",
    f"score --hypotheses @/text --references @/reference {EACH.format('history.pt')}": "the checkpoint must be one of "
    "fairseq's, but the model, cfg or history of @/history.pt is not",
    f"score --hypotheses @/text --references @/reference {EACH.format('newer.pt')}": "--enc-self-attn-mixer: "
    f"a mixer must be {MIXERS} {KINDS}, not 'quantum'",
    # studies and their stores
    "study plan @/near.yaml": "@/near.yaml: seeds must be at least 1000000 apart, not 1000000 and 1000001: fairseq "
    "counts on from the seed at every update",
    "study report @/study.yaml --out @/nowhere": "no results in @/nowhere/results.jsonl: carry out the study first "
    "(nmt-attn study run)",
    "study report @/study.yaml --out @/stores/broken": f"@/stores/broken/results.jsonl {STORE}",
    "study status @/study.yaml --out @/stores/broken": f"@/stores/broken/results.jsonl {STORE}",
    "study run @/study.yaml --gpus '' --out @/stores/broken": f"@/stores/broken/results.jsonl {STORE}",
    "study status @/study.yaml --out @/stores/words": "@/stores/words/results.jsonl must have a number as bleu, but "
    "line 1 has 'high': restore it from a copy",
    "study report @/study.yaml --out @/stores/infinite": "@/stores/infinite/results.jsonl must have a number as bleu, "
    "but line 1 has nan: restore it from a copy",
    "study status @/study.yaml --out @/stores/folder": f"@/stores/folder/results.jsonl {NO_STORE} Is a directory",
    "study run @/study.yaml --gpus '' --out @/stores/other": "@/stores/other holds fragment/nmt_attn_tiny.1000000 with "
    f"arch 'nmt_attn_tiny_self0111', but the study says 'nmt_attn_tiny': {REMEDY}",
    "study report @/study.yaml --out @/stores/signatures": "corpus fragment: all results in a table must have the same "
    f"signature, not a and b: {ALIKE}",
    "study report @/study.yaml --out @/stores/texts": "corpus fragment: all results in a table must have the same "
    f"test_sha256, not a and b: {ALIKE}",
    "corpus fragment --out @/new --seed -1": "seed must be a whole number from 0 on, got -1.",
}


@pytest.mark.parametrize("command", REFUSED)
def test_bad_input_is_one_line_and_exit_code_2_and_nothing_is_written(
    command: str, place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = _files(place)
    code = cli.main(shlex.split(command.replace("@/", f"{place}/")))
    out, err = capsys.readouterr()
    said = [line for line in err.splitlines() if not line.endswith(" ...")]  # what is being done
    assert (out, said) == ("", [f"nmt-attn: error: {REFUSED[command].replace('@/', f'{place}/')}"])
    assert code == 2
    assert _files(place) == before


AT_LEAST_1 = "must be a whole number of at least 1, not"
USAGE: Mapping[str, str] = {
    "archs --size huge": "archs: error: argument --size: invalid choice: 'huge' (choose from 'tiny', 'small', 'base', "
    "'big')",
    "archs --vocabulary 0": f"archs: error: argument --vocabulary: {AT_LEAST_1} '0'",
    "average @/ours.pt --last 0 --output @/x.pt": f"average: error: argument --last: {AT_LEAST_1} '0'",
    "progress --label x --updates 0": f"progress: error: argument --updates: {AT_LEAST_1} '0'",
    "study plan @/study.yaml --workers 0": f"study plan: error: argument --workers: {AT_LEAST_1} '0'",
    "bench module --lengths 8,0": f"bench module: error: argument --lengths: {AT_LEAST_1} '0'",
    "bench decoding --beam 0": f"bench decoding: error: argument --beam: {AT_LEAST_1} '0'",
    "inspect @/ours.pt --source w1 --resamples 0": f"inspect: error: argument --resamples: {AT_LEAST_1} '0'",
    "study": "study: error: the following arguments are required: STEP",
}


@pytest.mark.parametrize("command", USAGE)
def test_a_value_that_an_option_cannot_have_is_named_after_the_usage(
    command: str, place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = _files(place)
    with pytest.raises(SystemExit) as stopped:
        cli.main(shlex.split(command.replace("@/", f"{place}/")))
    assert stopped.value.code == 2
    said = capsys.readouterr().err
    assert said.startswith("usage: nmt-attn ")
    assert said.splitlines()[-1] == f"nmt-attn {USAGE[command]}"
    assert _files(place) == before


RECIPES: Mapping[str, tuple[dict[str, str], str]] = {
    "generated.sh": (
        {"OUT": "@/text/x"},
        "nmt-attn: error: @/text/x/text.part must be a place that can be read and written: Not a directory",
    ),
    "multi30k.sh": (
        {"OUT": "@/text"},
        "multi30k: error: @/text/data must be a folder to write in, but is not (Not a directory): give another --out",
    ),
    "wmt14_en_de.sh": (
        {"STEPS": "all", "OUT": "@/new"},
        "error: STEPS must be some of prepare train average translate score, not all",
    ),
    "iwslt14_de_en.sh": ({"ENGINE": "slow", "OUT": "@/new"}, "error: ENGINE must be plain or fast, not slow"),
    "quickstart.sh": (
        {"STUDY": "@/empty"},
        "nmt-attn: error: @/empty: the study must be a mapping, such as name: value, not None",
    ),
}


@pytest.mark.parametrize("recipe", RECIPES)
def test_bad_settings_of_a_recipe_are_one_line_and_exit_code_2_and_nothing_is_written(recipe: str, place: Path) -> None:
    settings, message = RECIPES[recipe]
    variables = {name: value.replace("@/", f"{place}/") for name, value in settings.items()}
    before = _files(place)
    done = subprocess.run(
        ["bash", str(ROOT / "recipes" / recipe)],
        env={**os.environ, "VENV": "", **variables},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.splitlines()[-1] == message.replace("@/", f"{place}/")
    assert [line for line in done.stderr.splitlines() if "rror" in line] == done.stderr.splitlines()[-1:]
    assert _files(place) == before


@pytest.mark.parametrize("command", ["inspect {} --source w1", "knockout {} --source @/text --target @/text"])
def test_a_checkpoint_that_lacks_a_parameter_is_refused_by_the_model(
    command: str, place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stopped:
        cli.main(shlex.split(command.format("@/parameter.pt").replace("@/", f"{place}/")))
    assert stopped.value.code == 2
    assert capsys.readouterr().err.splitlines()[1:] == [
        "nmt_attn: error: the checkpoint must be of a model with the same parts, but it lacks "
        "encoder.layers.0.fc1.weight: give the flags of its training"
    ]


def test_a_store_whose_last_line_was_cut_off_is_read_without_it(
    place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "results.jsonl").write_bytes(_result() + _result(2_000_000)[:40])
    assert cli.main(["study", "status", str(place / "study.yaml"), "--out", str(tmp_path)]) == 0
    assert capsys.readouterr().out.splitlines()[-1].startswith("4 runs: 1 finished, ")


def test_a_number_of_threads_that_is_none_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "many")
    assert cli.main(["environment"]) == 2
    said = "OMP_NUM_THREADS must be a whole number from 1, not 'many': set it, or unset it"
    assert capsys.readouterr() == ("", f"nmt-attn: error: {said}\n")


def test_a_log_that_is_no_utf_8_does_not_end_a_training() -> None:
    """progress reads what fairseq-train writes, and its end would be that of the training."""
    line = b'{"num_updates": "2", "ppl": "3", "ups": "1", "wps": "7", "gr\xfcn": "\xff"}\n'
    done = subprocess.run(["nmt-attn", "progress", "--label", "x", "--updates", "4"], input=line, capture_output=True)
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.startswith(b"x: update 2/4, ")
