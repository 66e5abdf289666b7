"""Checkpoints: loaded safely, refused if of other codes, and converted from stock fairseq."""

import argparse
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from fairseq import checkpoint_utils
from fairseq.dataclass.utils import convert_namespace_to_omegaconf
from fairseq.sequence_generator import SequenceGenerator

from nmt_attn.models import average, checkpoints, convert
from nmt_attn.models.record import RECORD
from nmt_attn.provenance import describe_run
from nmt_attn.spec import SpecError
from tests.models import toy

TINY = (*toy.SMALL, *toy.SMALL_HEADS)


def _saved(name: str, folder: Path, *flags: str, seed: int = 1) -> Path:
    path = folder / f"{name}{seed}.pt"
    return toy.checkpoint(toy.parse(name, *TINY, *flags), toy.build(name, *flags, seed=seed), path)


def _loaded(path: Path) -> Any:
    (model,), _ = checkpoint_utils.load_model_ensemble([str(path)], task=toy.task())
    return model.eval()


@pytest.mark.parametrize("load", [checkpoints.load, checkpoint_utils.load_checkpoint_to_cpu])
def test_a_checkpoint_that_would_run_code_is_refused(load: Any, tmp_path: Path, capsys: Any) -> None:
    class Exploit:
        def __reduce__(self) -> Any:
            return os.mkdir, (str(tmp_path / "ran"),)

    path = tmp_path / "crafted.pt"
    torch.save({"model": {}, "args": Exploit()}, path)
    with pytest.raises((SpecError, SystemExit)) as refusal:
        load(str(path)) if load is not checkpoints.load else load(path)
    message = capsys.readouterr().err or str(refusal.value)
    assert f"must hold data only, but {path} would run code: " in message
    assert not (tmp_path / "ran").exists()


def test_only_fairseqs_own_globals_are_allowed() -> None:
    items = torch.serialization.get_safe_globals()
    names = {item.__name__ for item in items if not item.__module__.startswith("torch")}
    assert names == {
        "Namespace",
        "scalar",
        "_reconstruct",
        "ndarray",
        "dtype",
        "Float64DType",
        "Float32DType",
        "Int64DType",
        "Int32DType",
        "BoolDType",
    }


def test_the_numbers_that_eval_bleu_leaves_in_a_checkpoint_are_read(tmp_path: Path) -> None:
    numbers = [np.float64(1.5), np.int64(3), np.array(2), np.array([1, 2], dtype=np.int32), np.bool_(True)]
    torch.save({"model": {}, "extra_state": numbers}, tmp_path / "x.pt")
    assert [np.asarray(number).tolist() for number in checkpoints.load(tmp_path / "x.pt")["extra_state"]] == [
        np.asarray(number).tolist() for number in numbers
    ]


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"", "must be whole"), (b"PK\x03\x04 cut", "must be whole"), (None, "does not exist")],
)
def test_a_file_that_is_no_checkpoint_is_named(content: bytes | None, message: str, tmp_path: Path) -> None:
    path = tmp_path / "x.pt"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(SpecError, match=message):
        checkpoints.load(path)


def test_a_checkpoint_of_another_code_is_refused_with_both_codes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    state = checkpoints.load(_saved("nmt_attn_tiny_self0111", tmp_path))
    model = toy.build("nmt_attn_tiny")
    with pytest.raises(SystemExit) as exit_info:
        model.load_state_dict(state["model"])
    assert exit_info.value.code == 2
    assert capsys.readouterr().err.splitlines()[-1] == (
        "nmt_attn: error: the checkpoint must have the model's attention, but encoder.layers.0.self_attn was trained "
        "with 0111 and the model has 1111"
    )


def test_a_checkpoint_of_another_window_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    state = checkpoints.load(_saved("nmt_attn_tiny", tmp_path, "--attn-window", "3"))
    with pytest.raises(SystemExit):
        toy.build("nmt_attn_tiny", "--max-relative-distance", "5").load_state_dict(state["model"])
    err = capsys.readouterr().err
    assert "trained with 1111:window=3 and the model has 1111:distance=5" in err


def _as_saved_before_there_were_mixers(path: Path) -> Path:
    """Options named after terms, and a record of six numbers a site."""
    state = checkpoints.load(path)
    options = checkpoints.model_options(state)
    for site in ("enc_self", "dec_self", "cross"):
        code = vars(options).pop(f"{site}_attn_mixer")
        setattr(options, f"{site}_attn_terms", code)
    for name, value in state["model"].items():
        if name.endswith(RECORD):
            code, *limit = bytes(value.tolist()).decode().split(":window=")
            window = int(limit[0]) if limit else -1
            state["model"][name] = torch.tensor([*map(int, code), window, -1])
    torch.save(state, path)
    return path


def test_a_checkpoint_from_before_there_were_mixers_still_loads(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = _saved("nmt_attn_tiny", tmp_path, "--self-attn-mixer", "0110", "--attn-window", "3")
    wanted = _loaded(path)
    model = _loaded(_as_saved_before_there_were_mixers(path))
    assert model.encoder.layers[0].self_attn.spec.text == "0110:window=3"
    assert model.decoder.layers[1].encoder_attn.spec.text == "1111"
    sample = toy.batch(toy.sentences(3, 5), toy.sentences(3, 4, seed=4))
    with torch.no_grad():
        assert torch.equal(model(**sample["net_input"])[0], wanted(**sample["net_input"])[0])
    with pytest.raises(SystemExit):
        toy.build("nmt_attn_tiny_self0111").load_state_dict(checkpoints.load(path)["model"])
    assert "was trained with 0110:window=3 and the model has 0111" in capsys.readouterr().err


def test_a_result_says_what_each_layer_computes_with_its_limits(tmp_path: Path) -> None:
    flags = ("--self-attn-mixer", "dynamic", "--attn-window", "2", "--attention-dropout", "0.1")
    data = tmp_path / "bin"
    data.mkdir()
    result = describe_run(_saved("nmt_attn_tiny", tmp_path, *flags), data, None, None)
    assert (result["encoder_self"], result["decoder_self"], result["cross"]) == ("dynamic", "dynamic", "1111")
    assert result["layers"]["encoder_self"] == ["dynamic:kernel=3:window=2", "dynamic:kernel=7:window=2"]
    assert result["layers"]["cross"] == ["1111", "1111"]
    assert result["attention_dropout"] == 0.1
    old = _as_saved_before_there_were_mixers(_saved("nmt_attn_tiny_self0111", tmp_path))
    assert describe_run(old, data, None, None)["encoder_self"] == "0111"


def test_the_last_checkpoints_are_the_newest_by_updates(tmp_path: Path) -> None:
    for name in ("checkpoint_1_900.pt", "checkpoint_2_1000.pt", "checkpoint_10_10000.pt", "checkpoint_last.pt"):
        (tmp_path / name).touch()
    found = average.last_checkpoints(tmp_path, 2)
    assert [path.name for path in found] == ["checkpoint_2_1000.pt", "checkpoint_10_10000.pt"]
    with pytest.raises(SpecError, match="must hold at least 4 checkpoints to average, not 3"):
        average.last_checkpoints(tmp_path, 4)
    with pytest.raises(SpecError, match="must be at least 1, not 0"):
        average.last_checkpoints(tmp_path, 0)


def _stock(folder: Path, *flags: str) -> tuple[Any, Path]:
    """A stock transformer with biases that are not zero, and its checkpoint."""
    options = toy.parse("transformer", *TINY, *flags)
    torch.manual_seed(5)
    model = toy.task().build_model(convert_namespace_to_omegaconf(options).model).eval()
    for parameter in model.parameters():
        parameter.data += 0.3 * torch.randn_like(parameter)
    return model, toy.checkpoint(options, model, folder / "stock.pt")


@pytest.mark.parametrize(
    "flags", [(), ("--encoder-normalize-before", "--decoder-normalize-before"), ("--no-token-positional-embeddings",)]
)
@pytest.mark.parametrize("learned", [False, True])
def test_a_converted_stock_model_computes_the_same(flags: tuple[str, ...], learned: bool, tmp_path: Path) -> None:
    if learned:
        flags = (*flags, "--encoder-learned-pos", "--decoder-learned-pos")
    stock, path = _stock(tmp_path, *flags)
    convert.convert(path, tmp_path / "ours.pt")
    ours = _loaded(tmp_path / "ours.pt")
    for left in (True, False):
        sample = toy.batch(toy.sentences(5, 9), toy.sentences(5, 7, seed=4), left)
        real = sample["target"].ne(toy.dictionary().pad())
        expected, extra = stock.double()(**sample["net_input"])
        output, own_extra = ours.double()(**sample["net_input"])
        # The file is float32: the folded output bias is rounded once.
        torch.testing.assert_close(output[real], expected[real], rtol=1e-5, atol=1e-5)
        torch.testing.assert_close(own_extra["attn"][0][real], extra["attn"][0][real], rtol=1e-5, atol=1e-5)


def test_a_converted_stock_model_translates_the_same(tmp_path: Path) -> None:
    stock, path = _stock(tmp_path)
    convert.convert(path, tmp_path / "ours.pt")
    ours = _loaded(tmp_path / "ours.pt")
    sources = toy.sentences(20, 9)
    translations = []
    for model in (stock, ours):
        generator = SequenceGenerator([model], toy.dictionary(), beam_size=4, max_len_b=15)
        hypotheses = generator.generate([model], toy.batch(sources, sources))
        translations.append([best[0]["tokens"].tolist() for best in hypotheses])
    assert translations[0] == translations[1]
    assert len({tuple(tokens) for tokens in translations[0]}) > 3


def test_what_cannot_be_converted_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="only a stock fairseq transformer can be converted, but .* 'nmt_attn_tiny'"):
        convert.convert(_saved("nmt_attn_tiny", tmp_path), tmp_path / "ours.pt")
    _, path = _stock(tmp_path, "--encoder-learned-pos")
    with pytest.raises(SpecError, match="must both have learned positions, or neither"):
        convert.convert(path, tmp_path / "ours.pt")
    state = checkpoints.load(_stock(tmp_path)[1])
    state["model"]["encoder.layers.0.self_attn.bias_k"] = torch.zeros(1)
    torch.save(state, tmp_path / "odd.pt")
    with pytest.raises(SpecError, match=r"encoder.layers.0.self_attn.bias_k is missing or extra"):
        convert.convert(tmp_path / "odd.pt", tmp_path / "ours.pt")
    assert not (tmp_path / "ours.pt").exists()


def test_an_old_checkpoint_with_args_is_converted_too(tmp_path: Path) -> None:
    _, path = _stock(tmp_path)
    state = checkpoints.load(path)
    state["args"] = argparse.Namespace(**{**vars(state.pop("cfg")["model"]), "task": "translation"})
    torch.save(state, path)
    convert.convert(path, tmp_path / "ours.pt")
    options = checkpoints.model_options(checkpoints.load(tmp_path / "ours.pt"))
    assert (options.enc_self_attn_mixer, options.cross_attn_mixer) == ("1010", "1010")
    assert options.absolute_positions == "sinusoidal"
