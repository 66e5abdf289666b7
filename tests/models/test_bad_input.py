"""Bad input to fairseq's commands: one line, exit code 2, no traceback, nothing written but an empty --save-dir.

The commands run in this process as they do in their own, by fairseq's entry points; three tests start real ones. Most
damage to data is shown to fairseq's task alone, which the commands call: to make their configuration takes seconds.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from fairseq import options
from fairseq.tasks.translation import TranslationConfig, TranslationTask
from fairseq_cli import generate, interactive, preprocess, train, validate  # type: ignore[import-untyped]
from torch.multiprocessing import ProcessExitedException

import nmt_attn
from nmt_attn.binarised import TYPES, read_dictionary, read_index
from nmt_attn.corpora.fragment import write_corpus
from nmt_attn.models import checkpoints, refusal
from nmt_attn.models.criterion import NAME as FUSED
from nmt_attn.models.lengths import check_lengths
from nmt_attn.models.record import RECORD, VOCABULARY
from nmt_attn.spec import SpecError
from tests.models import toy

COMMANDS = {"train": train, "generate": generate, "interactive": interactive, "validate": validate}
TRAIN = ["--arch", "nmt_attn_tiny", *toy.SMALL, *toy.SMALL_HEADS, "--share-all-embeddings", "--max-tokens", "200"]
TRAIN += ["--optimizer", "adam", "--lr", "0.001", "--max-update", "1", "--no-progress-bar", "--no-epoch-checkpoints"]
Edit = Callable[[Path], object]
LAYERS = "must be left out: nmt_attn's layers do not have it"
MODELS = "must be left out: nmt_attn's models do not have it"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a binarised corpus, "bin", and a model trained on it, "model.pt"."""
    folder = tmp_path_factory.mktemp("made")
    write_corpus(folder, train=24, valid=8, test=8, seed=1)
    line = ["--source-lang", "en", "--target-lang", "de", "--joined-dictionary", "--destdir", str(folder / "bin")]
    line += [word for name in ("train", "valid", "test") for word in (f"--{name}pref", str(folder / name))]
    preprocess.main(options.get_preprocessing_parser().parse_args(line))
    command = ["fairseq-train", str(folder / "bin"), "--user-dir", nmt_attn.__path__[0], *TRAIN]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", [*command, "--save-dir", str(folder / "run")])
        train.cli_main()
    shutil.move(folder / "run" / "checkpoint_last.pt", folder / "model.pt")
    return folder


@pytest.fixture
def data(made: Path, tmp_path: Path) -> Path:
    """A copy of the binarised corpus that a test may damage."""
    shutil.copytree(made / "bin", tmp_path / "bin")
    return tmp_path / "bin"


@pytest.fixture
def refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], made: Path, tmp_path: Path
) -> Callable[..., str]:
    """Runs a command of fairseq that must end with exit code 2; what it says in its last line."""

    def run(command: str, folder: Path, *flags: object) -> str:
        line = [f"fairseq-{command}", str(folder), "--user-dir", nmt_attn.__path__[0]]
        if command == "train":
            line += [*TRAIN, "--save-dir", str(tmp_path / "run")]
        else:
            line += ["--path", str(made / "model.pt")]
        monkeypatch.setattr(sys, "argv", [*line, *map(str, flags)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as refusal:
            COMMANDS[command].cli_main()
        assert refusal.value.code == 2
        assert not list((tmp_path / "run").glob("*.pt"))
        *_, last = capsys.readouterr().err.splitlines()
        assert last.startswith("nmt_attn: error: ")
        return last.removeprefix("nmt_attn: error: ")

    return run


@pytest.fixture
def unread(capsys: pytest.CaptureFixture[str]) -> Callable[[Path], str]:
    """Reads a folder as fairseq-train does, but for the model; what the refusal says in its last line."""

    def read(folder: Path) -> str:
        capsys.readouterr()
        with pytest.raises(SystemExit) as refusal:
            _read(folder)
        assert refusal.value.code == 2
        *_, last = capsys.readouterr().err.splitlines()
        return last.removeprefix("nmt_attn: error: ")

    return read


def _read(folder: Path, multiple: int = 8) -> None:
    task = TranslationTask.setup_task(TranslationConfig(data=str(folder), train_subset="train", dataset_impl=None))
    for name in ("valid", "train"):
        task.load_dataset(name)
        task.get_batch_iterator(
            task.dataset(name),
            max_tokens=200,
            max_positions=(1024, 1024),
            ignore_invalid_inputs=name == "train",
            required_batch_size_multiple=multiple,
        )


# Flags. A refused one leaves no folder.


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ("--encoder-attention-heads 5", "dim must be a multiple of heads (5), not 16"),
        ("--encoder-attention-heads 0", "heads must be at least 1, not 0"),
        (
            "--position-size 7",
            "the position size must be even and at least 2, or 0 for the width of the model, not 7",
        ),
        (
            "--self-attn-mixer conv:kernel=4",
            "--enc-self-attn-mixer: the kernel of conv must be odd and at least 1, not 4",
        ),
        (
            "--self-attn-mixer deform:kernel=0",
            "--enc-self-attn-mixer: the kernel of deform must be odd and at least 1, not 0",
        ),
        (
            "--dec-self-attn-mixer light:kernel=-3",
            "--dec-self-attn-mixer: the kernel of light must be odd and at least 1, not -3",
        ),
        (
            "--self-attn-mixer dynamic:kernel=3/5/7",
            "--enc-self-attn-mixer: kernel must be one size, or one for each of the 2 layers, not 3",
        ),
        (
            "--cross-attn-mixer deform",
            "--cross-attn-mixer: deform must be in self-attention, not in cross attention",
        ),
        ("--encoder-layers 0", "--encoder-layers must be at least 1, not 0"),
        ("--decoder-layers -2", "--decoder-layers must be at least 1, not -2"),
        ("--dropout 1.5", "--dropout must be at least 0 and below 1, not 1.5"),
        ("--activation-dropout -1", "--activation-dropout must be at least 0 and below 1, not -1.0"),
        ("--attention-dropout 1", "attention dropout must be at least 0 and below 1, not 1.0"),
        ("--decoder-layerdrop 1", "--decoder-layerdrop must be at least 0 and below 1, not 1.0"),
        (
            f"--criterion {FUSED} --label-smoothing 1.1",
            "--label-smoothing must be at least 0 and below 1, not 1.1",
        ),
        ("--cross-self-attention", f"--cross-self-attention {LAYERS}"),
        ("--no-cross-attention", f"--no-cross-attention {LAYERS}"),
        ("--encoder-xformers-att-config {}", f"--encoder-xformers-att-config {LAYERS}"),
        ("--decoder-xformers-att-config {}", f"--decoder-xformers-att-config {LAYERS}"),
        ("--encoder-layers-to-keep 0", f"--encoder-layers-to-keep {LAYERS}"),
        ("--decoder-layers-to-keep 0", f"--decoder-layers-to-keep {LAYERS}"),
        ("--quant-noise-pq 0.1", f"--quant-noise-pq {LAYERS}"),
        ("--quant-noise-scalar 0.1", f"--quant-noise-scalar {LAYERS}"),
        ("--base-layers 1", f"--base-layers {LAYERS}"),
        ("--merge-src-tgt-embed", f"--merge-src-tgt-embed {LAYERS}"),
        ("--adaptive-input", f"--adaptive-input {MODELS}"),
        ("--tie-adaptive-weights", f"--tie-adaptive-weights {MODELS}"),
        ("--tie-adaptive-proj", f"--tie-adaptive-proj {MODELS}"),
        ("--model-parallel-size 2", f"--model-parallel-size {MODELS}"),
        ("--pipeline-model-parallel", f"--pipeline-model-parallel {MODELS}"),
        ("--quantization-config-path q.yaml", f"--quantization-config-path {MODELS}"),
        (
            "--store-ema",
            "--store-ema must be left out: fairseq takes the mean of each tensor, of what says how a model is built "
            "too; nmt-attn average makes one of checkpoints",
        ),
        (
            "--decoder-embed-dim 32",
            "--share-all-embeddings must have encoder and decoder of one width, not 16 and 32: give the same "
            "--encoder-embed-dim and --decoder-embed-dim",
        ),
        ("--decoder-output-dim 8", "--decoder-output-dim must be the width of the shared embeddings, 16, not 8"),
        (
            "--encoder-embed-path nowhere",
            "--encoder-embed-path must be a file of word vectors, but nowhere is none",
        ),
        (
            f"--encoder-embed-path {__file__} --decoder-embed-path {nmt_attn.__file__}",
            "--decoder-embed-path must be that of the encoder where --share-all-embeddings is given",
        ),
        (
            "--adaptive-softmax-cutoff 10",
            "--adaptive-softmax-cutoff and --criterion adaptive_loss must come together, not one alone",
        ),
        (
            "--criterion adaptive_loss",
            "--adaptive-softmax-cutoff and --criterion adaptive_loss must come together, not one alone",
        ),
        (
            "--criterion adaptive_loss --adaptive-softmax-cutoff 10",
            "--criterion adaptive_loss must have --ddp-backend legacy_ddp, not pytorch_ddp",
        ),
        (
            f"--criterion {FUSED} --adaptive-softmax-cutoff 10",
            f"--criterion {FUSED} must have a model without --adaptive-softmax-cutoff",
        ),
        (
            f"--criterion {FUSED} --ddp-backend fully_sharded",
            f"--criterion {FUSED} must have another --ddp-backend than fully_sharded, which keeps the output matrix "
            "from it: give label_smoothed_cross_entropy",
        ),
        (
            "--bf16",
            "--bf16 must have a TPU and torch_xla: for mixed precision on a GPU give --amp or --fp16",
        ),
        ("--fp16 --amp", "--fp16 and --amp must not come together: give one of them"),
        ("--fp16 --cpu", "--fp16 must have a GPU, but --cpu is given: leave --fp16 out"),
        ("--memory-efficient-fp16 --cpu", "--fp16 must have a GPU, but --cpu is given: leave --fp16 out"),
        ("--amp --cpu", "--amp must have a GPU, but --cpu is given: leave --amp out"),
    ],
)
def test_a_flag_that_cannot_be_is_refused_before_there_is_a_folder(
    flags: str, message: str, made: Path, refused: Callable[..., str], tmp_path: Path
) -> None:
    assert refused("train", made / "bin", *flags.split(" ")) == message
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("flag", ["fp16", "amp"])
def test_half_precision_without_a_gpu_is_refused(
    flag: str, made: Path, refused: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    message = f"--{flag} must have a GPU, but torch sees none: leave --{flag} out"
    assert refused("train", made / "bin", f"--{flag}") == message
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert getattr(toy.parse("nmt_attn_tiny", f"--{flag}"), flag)


def test_sharding_without_fairscale_is_refused(
    made: Path, refused: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert refused("train", made / "bin", "--ddp-backend", "fully_sharded") == (
        "--ddp-backend fully_sharded must have fairscale: pip install fairscale, or leave it out"
    )


@pytest.mark.parametrize("code", ["111", "11111", "1112", "abcd", "0b11"])
def test_a_code_that_is_none_is_refused_by_the_parser(
    code: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["fairseq-train", "data", *TRAIN, "--cross-attn-mixer", code])
    with pytest.raises(SystemExit) as refusal:
        train.cli_main()
    assert refusal.value.code == 2
    start = "fairseq-train: error: argument --cross-attn-mixer/--cross-attn-terms: a "
    *_, last = capsys.readouterr().err.splitlines()
    assert last.startswith(start)
    assert last.endswith(f", not '{code}'")


def test_an_architecture_that_does_not_exist_is_refused_by_fairseq_itself(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["fairseq-train", "data", *TRAIN, "--arch", "nmt_attn_tiny_self111"])
    with pytest.raises(SystemExit) as refusal:
        train.cli_main()
    assert refusal.value.code == 2
    *_, last = capsys.readouterr().err.splitlines()
    assert last.startswith(
        "fairseq-train: error: argument --arch/-a: invalid choice: 'nmt_attn_tiny_self111' (choose from "
    )


# Data. {} stands for the folder.


def _bytes(name: str, change: Callable[[bytes], bytes]) -> Edit:
    return lambda folder: (folder / name).write_bytes(change((folder / name).read_bytes()))


def _lines(change: Callable[[list[str]], list[str]], *languages: str) -> Edit:
    def edit(folder: Path) -> None:
        for language in languages or ("en", "de"):
            path = folder / f"dict.{language}.txt"
            lines = change(path.read_text(encoding="utf-8").splitlines())
            path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")

    return edit


def _without(*names: str) -> Edit:
    return lambda folder: [(folder / name).unlink() for name in names]


def _first(name: str, count: int) -> Edit:
    """Leaves the first sentences of one side of a set."""

    def edit(folder: Path) -> None:
        index = folder / f"{name}.idx"
        content, sizes = index.read_bytes(), read_index(index).sizes
        places = content[26 + 4 * len(sizes) :]
        index.write_bytes(
            content[:18] + count.to_bytes(8, "little") + content[26 : 26 + 4 * count] + places[: 8 * count]
        )
        data = index.with_suffix(".bin")
        data.write_bytes(data.read_bytes()[: 2 * int(sizes[:count].sum())])

    return edit


def _both(*edits: Edit) -> Edit:
    return lambda folder: [edit(folder) for edit in edits]


LEFT_OUT = "or fairseq leaves out all 5: give --required-batch-size-multiple 1"
AGAIN = "run fairseq-preprocess again"
CUT = f"must be whole, but is cut off: {AGAIN}"
NO_INDEX = f"must be an index of fairseq's mmap format, but is not: {AGAIN}"
THERE = f"must be there, but is not: {AGAIN}"
DE, EN = "train.en-de.de", "train.en-de.en"
NO_TEST = f"test.en-de.en.idx, but has only the sets train, valid: {AGAIN}, or name another set or languages"
OTHERS = "must have the data's source dictionary, but was trained with"
TARGETS = OTHERS.replace("source", "target")
GIVE = "give the data of its training, or make these again with its dictionaries (fairseq-preprocess --srcdict and "
GIVE += "--tgtdict)"


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (_bytes(f"{DE}.idx", lambda content: content[:200]), f"{{}}/{DE}.idx {CUT}"),
        (_bytes(f"{EN}.idx", lambda content: content + b"\0"), f"{{}}/{EN}.idx {CUT}"),
        (_bytes(f"{DE}.idx", lambda content: b""), f"{{}}/{DE}.idx {NO_INDEX}"),
        (_bytes(f"{DE}.idx", lambda content: bytes(len(content))), f"{{}}/{DE}.idx {NO_INDEX}"),
        (
            _bytes(f"{DE}.idx", lambda content: content[:26] + bytes(len(content) - 26)),
            f"{{}}/{DE}.idx must be whole, but was not written to its end: {AGAIN}",
        ),
        (
            _bytes(f"{DE}.bin", lambda content: content[:300]),
            f"{{}}/{DE}.bin must have {{bytes}} bytes, but has 300: {AGAIN}",
        ),
        (_bytes(f"{DE}.bin", lambda content: b""), f"{{}}/{DE}.bin must have {{bytes}} bytes, but has 0: {AGAIN}"),
        (_without(f"{DE}.bin"), f"{{}}/{DE}.bin must have {{bytes}} bytes, but has 0: {AGAIN}"),
        (_without(f"{DE}.idx"), f"{{}}/{DE}.idx {THERE}"),
        (_without(f"{DE}.idx", f"{DE}.bin"), f"{{}}/{DE}.idx {THERE}"),
        (
            _without(f"{EN}.idx", f"{EN}.bin"),
            f"{{}} must hold {EN}.idx, but has only the sets test, valid: {AGAIN}, or name another set or languages",
        ),
        (
            _first(DE, 20),
            f"both sides of train must have the same number of sentences, not 24 and 20: {AGAIN}",
        ),
        (
            _both(_first(DE, 0), _first(EN, 0)),
            f"{{}}/{EN}.idx must have a sentence, but is of an empty text: run fairseq-preprocess on the text again",
        ),
        (
            _both(_first(DE, 5), _first(EN, 5)),
            f"train must have 8 sentences for a batch, {LEFT_OUT}",
        ),
        (
            _lines(lambda lines: [*lines[:5], lines[2], *lines[5:]]),
            "{}/dict.en.txt must name each symbol once, but line 6 repeats {symbol!r} of line 3",
        ),
        (
            _lines(lambda lines: ["<unk> 3", *lines]),
            "{}/dict.en.txt must name each symbol once, but line 1 repeats '<unk>' of fairseq itself",
        ),
        (
            _lines(lambda lines: [*lines[:5], "word", *lines[6:]], "de"),
            "{}/dict.de.txt must have a symbol and its count in each line, but line 6 is 'word'",
        ),
        (
            _bytes("dict.de.txt", lambda content: b"\xfc 1\n" + content),
            f"{{}}/dict.de.txt must be UTF-8, but has the byte 0xfc at offset 0: {AGAIN}",
        ),
        (
            _without("dict.de.txt"),
            "{} must hold dict.de.txt, but has dict.en.txt: give the languages of its text with --source-lang and "
            "--target-lang",
        ),
        (
            lambda folder: [path.unlink() for path in folder.iterdir()],
            "{} must hold sets such as train.en-de.en.idx, but has none: run fairseq-preprocess into it",
        ),
        (shutil.rmtree, "the data must be a folder that fairseq-preprocess made, but {} is none"),
    ],
)
def test_data_that_are_damaged_or_do_not_fit_together_are_not_read(
    edit: Edit, message: str, data: Path, unread: Callable[[Path], str]
) -> None:
    size = (data / f"{DE}.bin").stat().st_size
    third = (data / "dict.en.txt").read_text(encoding="utf-8").splitlines()[2].split(" ")[0]
    edit(data)
    assert unread(data) == message.format(data, symbol=third, bytes=size)


def test_whole_data_are_read_and_few_with_batches_of_any_size(data: Path) -> None:
    _read(data)
    _both(_first(DE, 5), _first(EN, 5))(data)
    _read(data, multiple=1)


def test_damaged_data_do_not_train(data: Path, refused: Callable[..., str]) -> None:
    path = data / f"{DE}.bin"
    size = path.stat().st_size
    path.write_bytes(path.read_bytes()[:300])
    assert refused("train", data) == f"{path} must have {size} bytes, but has 300: {AGAIN}"
    shutil.rmtree(data)
    assert refused("train", data) == f"the data must be a folder that fairseq-preprocess made, but {data} is none"


def test_two_dictionaries_are_not_shared(data: Path, refused: Callable[..., str]) -> None:
    symbols = read_dictionary(data / "dict.en.txt")
    _lines(lambda lines: [*lines, "more 0"], "de")(data)
    assert refused("train", data) == (
        f"--share-all-embeddings must have one dictionary for both languages, but they have two, of {symbols} and "
        f"{symbols + 1} symbols: run fairseq-preprocess with --joined-dictionary, or leave the flag out"
    )


def test_numbers_beyond_a_shortened_dictionary_are_refused(data: Path, unread: Callable[[Path], str]) -> None:
    _lines(lambda lines: lines[:20])(data)
    start, end = f"{data}/valid.en-de.en.bin must hold symbols below 24, but has ", ": it has another dictionary"
    message = unread(data)
    assert message.startswith(start)
    assert message.endswith(end)


OF_TWO = "{'share_all_embeddings': False, 'share_decoder_input_output_embed': True}"


@pytest.mark.parametrize(
    ("command", "edit", "message"),
    [
        ("interactive", shutil.rmtree, "the data must be a folder that fairseq-preprocess made, but {} is none"),
        (
            "generate",
            _lines(lambda lines: [*lines, "more 0"]),
            f"the checkpoint {OTHERS} {{symbols}} symbols and these data have {{more}}: {GIVE}",
        ),
        (
            "interactive",
            _lines(lambda lines: lines[::-1]),
            f"the checkpoint {OTHERS} other {{symbols}} symbols, or in another order: {GIVE}",
        ),
        (
            "validate",
            _lines(lambda lines: ["other 7", *lines[1:]]),
            f"the checkpoint {OTHERS} other {{symbols}} symbols, or in another order: {GIVE}",
        ),
        (
            "generate",
            _lines(lambda lines: ["other 7", *lines[1:]], "de"),
            f"the checkpoint {TARGETS} other {{symbols}} symbols, or in another order: {GIVE}",
        ),
    ],
    ids=["none", "more", "order", "edited", "target"],
)
def test_a_model_translates_only_with_the_dictionaries_of_its_training(
    command: str, edit: Edit, message: str, data: Path, refused: Callable[..., str]
) -> None:
    symbols = read_dictionary(data / "dict.en.txt")
    edit(data)
    flags = ["--task", "translation", "--max-tokens", "200"] if command == "validate" else []
    flags += ["--model-overrides", OF_TWO] if TARGETS in message else []
    assert refused(command, data, *flags) == message.format(data, symbols=symbols, more=symbols + 1)


@pytest.mark.parametrize(
    ("flag", "value", "message"),
    [
        ("--encoder-ffn-embed-dim", 32, "sizes, but encoder.layers.0.fc1.weight is 24 x 16 there and 32 x 16 here: "),
        ("--encoder-layers", 1, "parts, but the model lacks its encoder.layers.1."),
    ],
)
def test_a_training_goes_on_only_from_a_checkpoint_of_its_model(
    flag: str, value: int, message: str, made: Path, refused: Callable[..., str]
) -> None:
    found = refused("train", made / "bin", "--restore-file", made / "model.pt", flag, value)
    assert found.startswith(f"the checkpoint must be of a model with the same {message}")
    assert found.endswith(": give the flags of its training")


def test_a_training_goes_on_only_with_the_dictionaries_of_its_start(
    data: Path, made: Path, refused: Callable[..., str]
) -> None:
    _lines(lambda lines: lines[::-1])(data)
    symbols = read_dictionary(data / "dict.en.txt")
    assert refused("train", data, "--restore-file", made / "model.pt") == (
        f"the checkpoint {OTHERS} other {symbols} symbols, or in another order: {GIVE}"
    )


@pytest.mark.parametrize(
    ("form", "message"),
    [
        (
            torch.zeros(7),
            "the checkpoint must say what its attention computes in a form that this version of nmt_attn knows, but "
            "does not: install the version that it was made with",
        ),
        (
            torch.tensor(list(b"11110:new"), dtype=torch.uint8),
            "the checkpoint must have the model's attention, but encoder.layers.0.self_attn was trained with 11110:new "
            "and the model has 1111",
        ),
    ],
)
def test_a_record_of_a_version_to_come_is_refused(
    form: torch.Tensor, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    model = toy.build("nmt_attn_tiny")
    state = model.state_dict()
    state[f"encoder.layers.0.self_attn.{RECORD}"] = form
    with pytest.raises(SystemExit):
        model.load_state_dict(state)
    assert capsys.readouterr().err.splitlines()[-1] == f"nmt_attn: error: {message}"


def test_a_checkpoint_without_a_record_of_its_words_is_read() -> None:
    model = toy.build("nmt_attn_tiny")
    state = {name: value for name, value in model.state_dict().items() if not name.endswith(VOCABULARY)}
    toy.build("nmt_attn_tiny", seed=2).load_state_dict(state)


def test_a_checkpoint_says_what_its_words_are(made: Path) -> None:
    model = checkpoints.load(made / "model.pt")["model"]
    assert torch.equal(model[f"encoder.{VOCABULARY}"], model[f"decoder.{VOCABULARY}"])
    assert model[f"encoder.{VOCABULARY}"].shape == (8,)


FRENCH = (
    "dict.fr.txt, but has dict.de.txt, dict.en.txt: give the languages of its text with --source-lang and --target-lang"
)


@pytest.mark.parametrize(
    ("command", "flags", "message"),
    [
        ("train", "-s en -t fr", FRENCH),
        ("generate", "-s en -t fr", FRENCH),
        (
            "generate",
            "--gen-subset dev",
            f"dev.en-de.en.idx, but has only the sets test, train, valid: {AGAIN}, or name another set or languages",
        ),
    ],
)
def test_languages_and_sets_that_are_not_there_are_named(
    command: str, flags: str, message: str, made: Path, refused: Callable[..., str]
) -> None:
    assert refused(command, made / "bin", *flags.split(" ")) == f"{made / 'bin'} must hold {message}"


def test_a_cut_set_is_not_translated(data: Path, refused: Callable[..., str]) -> None:
    path = data / "test.en-de.en.bin"
    size = path.stat().st_size
    path.write_bytes(path.read_bytes()[:20])
    assert refused("generate", data) == f"{path} must have {size} bytes, but has 20: {AGAIN}"


# Lengths

SKIP = "leave such ones out with --skip-invalid-size-inputs-valid-test, or train with a higher --max-source-positions "
SKIP += "and --max-target-positions"
RAISE = "raise --max-tokens (in a validation while training --max-tokens-valid)"


def _over(folder: Path, name: str, most: int) -> tuple[int, int, int]:
    """The first line of a set with more tokens on either side, and its tokens."""
    sizes = [read_index(folder / f"{name}.en-de.{language}.idx").sizes for language in ("en", "de")]
    line = int((np.maximum(*sizes) > most).argmax())
    return line + 1, int(sizes[0][line]), int(sizes[1][line])


def test_a_sentence_that_fits_into_no_batch_is_named_with_its_line_length_and_flag(
    made: Path, refused: Callable[..., str]
) -> None:
    line, source, target = _over(made / "bin", "valid", 10)
    assert refused("train", made / "bin", "--max-tokens-valid", 10) == (
        f"sentences of valid must fit into a batch of 10 tokens, but line {line} has {max(source, target)}: {RAISE}"
    )


def test_a_sentence_beyond_the_limit_of_the_model_is_named_with_its_line_length_and_flag(
    made: Path, refused: Callable[..., str]
) -> None:
    line, source, target = _over(made / "bin", "test", 12)
    limits = ("--max-source-positions", 12, "--max-target-positions", 12)
    assert refused("generate", made / "bin", *limits) == (
        f"sentences of test must have at most 12 source and 12 target tokens, but line {line} has {source} and "
        f"{target}: {SKIP}"
    )


def test_a_training_set_of_sentences_that_are_all_too_long_is_refused(made: Path, refused: Callable[..., str]) -> None:
    assert refused("train", made / "bin", "--max-tokens", 2) == (
        "train must have a sentence pair of at most 2 source and 2 target tokens, but all 24 are longer: raise "
        "--max-tokens, --max-source-positions or --max-target-positions"
    )


def test_a_sentence_that_is_typed_in_may_not_be_longer_than_the_model_reads(
    made: Path, refused: Callable[..., str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "text").write_text("to " * 1100 + "\n")
    assert refused("interactive", made / "bin", "--input", tmp_path / "text") == (
        "sentences of the input must have at most 1024 source and 1024 target tokens, but line 1 has 1101 and 0: "
        f"{SKIP}"
    )


def test_lengths_are_checked_for_what_is_left_after_skipping() -> None:
    pairs = SimpleNamespace(src_sizes=np.array([3, 9, 4]), tgt_sizes=np.array([4, 2, 5]))
    check_lengths("valid", pairs, 5, (8, 8), skip=True)
    check_lengths("valid", SimpleNamespace(src_sizes=pairs.src_sizes, tgt_sizes=None), 9, None, skip=False)
    with pytest.raises(SpecError, match="valid must fit into a batch of 4 tokens, but line 3 has 5"):
        check_lengths("valid", pairs, 4, 8, skip=True)


def test_sentences_that_fairseq_leaves_out_of_a_set_are_counted(
    data: Path, made: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    for language in ("en", "de"):
        for suffix in ("idx", "bin"):
            shutil.copy(data / f"train.en-de.{language}.{suffix}", data / f"test.en-de.{language}.{suffix}")
        _first(f"test.en-de.{language}", 11)(data)
    line = ["fairseq-generate", str(data), "--user-dir", nmt_attn.__path__[0], "--path", str(made / "model.pt")]
    monkeypatch.setattr(sys, "argv", [*line, "--beam", "1", "--max-len-b", "5"])
    generate.cli_main()
    assert "3 of 11 sentences of test are left out, the longest: give --required-batch-size-multiple 1" in caplog.text


@pytest.mark.parametrize("kind", ["uint8", "int32", "int64", "uint16", "uint32"])
def test_an_index_of_any_type_of_numbers_that_fairseq_writes_is_read(kind: str, tmp_path: Path) -> None:
    from fairseq.data.indexed_dataset import MMapIndexedDatasetBuilder

    builder = MMapIndexedDatasetBuilder(str(tmp_path / "x.bin"), dtype=np.dtype(kind).type)
    for sentence in ([5, 6, 2], [2]):
        builder.add_item(torch.tensor(sentence))
    builder.finalize(str(tmp_path / "x.idx"))
    indexed = read_index(tmp_path / "x.idx")
    assert indexed.kind in TYPES.values()
    assert (indexed.sizes.tolist(), indexed.tokens().tolist()) == ([3, 1], [5, 6, 2, 2])


def test_a_symbol_that_a_dictionary_overwrites_on_purpose_counts_twice(tmp_path: Path) -> None:
    (tmp_path / "dict").write_text("a 5\r\nb 4\r\na 3 #fairseq:overwrite\r\n")
    assert read_dictionary(tmp_path / "dict") == 7
    (tmp_path / "dict").write_text("")
    assert read_dictionary(tmp_path / "dict") == 4


# Processes


SEVERAL = SimpleNamespace(distributed_training=SimpleNamespace(distributed_world_size=2, distributed_no_spawn=False))


@pytest.mark.parametrize("code", [2, 143])
def test_a_command_of_several_processes_ends_with_their_exit_code(code: int, monkeypatch: pytest.MonkeyPatch) -> None:
    def spawn(cfg: object, main: object) -> None:
        raise ProcessExitedException("process 0 terminated", error_index=0, error_pid=1, exit_code=code)

    monkeypatch.setattr(refusal, "_fairseqs_call_main", spawn)
    with pytest.raises(SystemExit) as ended:
        refusal._call_main(SEVERAL, None)
    assert ended.value.code == code


def test_a_process_that_was_killed_is_no_refusal(monkeypatch: pytest.MonkeyPatch) -> None:
    def spawn(cfg: object, main: object) -> None:
        raise ProcessExitedException("killed", error_index=0, error_pid=1, exit_code=-9, signal_name="SIGKILL")

    monkeypatch.setattr(refusal, "_fairseqs_call_main", spawn)
    with pytest.raises(ProcessExitedException):
        refusal._call_main(SEVERAL, None)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("command", "edit", "flags", "message"),
    [
        ("train", _without(), "--fp16 --cpu", "--fp16 must have a GPU, but --cpu is given: leave --fp16 out"),
        ("train", shutil.rmtree, "", "the data must be a folder that fairseq-preprocess made, but {} is none"),
        ("generate", _without("test.en-de.en.idx"), "", f"{{}} must hold {NO_TEST}"),
    ],
)
def test_a_real_command_refuses_in_little_more_time_than_it_takes_to_load(
    command: str, edit: Edit, flags: str, message: str, data: Path, made: Path, tmp_path: Path
) -> None:
    edit(data)
    more = [*TRAIN, "--save-dir", str(tmp_path / "run")] if command == "train" else ["--path", str(made / "model.pt")]
    program = Path(sys.executable).parent / f"fairseq-{command}"
    line: list[object] = [program, data, "--user-dir", nmt_attn.__path__[0], *more, *flags.split()]
    loading, _ = _seconds([sys.executable, "-c", "import nmt_attn.models"])
    refusing, done = _seconds(line)
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1] == f"nmt_attn: error: {message.format(data)}"
    assert "Traceback" not in done.stderr
    assert refusing < 2 * loading, "the check itself takes long"


def _seconds(line: list[object]) -> tuple[float, subprocess.CompletedProcess[str]]:
    """Time of a processor that a command takes, which other processes of the machine hardly change."""
    before = os.times()
    done = subprocess.run(line, capture_output=True, text=True, env={**os.environ, "OMP_NUM_THREADS": "1"})  # type: ignore[arg-type]
    after = os.times()
    return after.children_user + after.children_system - before.children_user - before.children_system, done
