"""Checkpoints as fairseq-train leaves them, of small models that have learnt nothing."""

import argparse
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch

from nmt_attn.inspection.loading import Loaded, load
from nmt_attn.models import checkpoints
from tests.models import toy

Save = Callable[..., Path]


@cache
def _built(arch: str, flags: tuple[str, ...]) -> tuple[argparse.Namespace, Any]:
    model = toy.build(arch, *flags)
    torch.manual_seed(4)
    for parameter in model.parameters():
        parameter.data += 0.2 * torch.randn_like(parameter)
    return toy.parse(arch, *toy.SMALL, *toy.SMALL_HEADS, *flags), model


def _data(folder: Path) -> Path:
    data = folder / "data" / "bin"
    data.mkdir(parents=True)
    for language in ("en", "de"):
        toy.dictionary().save(str(data / f"dict.{language}.txt"))
    return data


def _save(data: Path, arch: str, flags: tuple[str, ...], task: dict[str, Any]) -> Path:
    path = toy.checkpoint(*_built(arch, flags), data.parents[1] / "average.pt")
    state = checkpoints.load(path)
    languages = {"source_lang": "en", "target_lang": "de"}
    state["cfg"]["task"] = {"_name": "translation", "data": str(data), **languages, **task}
    torch.save(state, path)
    return path


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A folder of fairseq-preprocess, of which no more than the dictionaries is there: w0 to w19."""
    return _data(tmp_path)


@pytest.fixture
def saved(data: Path) -> Save:
    """saved(arch, *flags, **task): the checkpoint of a model with random parameters; task: settings of it."""

    def save(arch: str = "nmt_attn_tiny", *flags: str, **task: Any) -> Path:
        return _save(data, arch, flags, task)

    return save


@pytest.fixture(scope="session")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Loaded:
    """The same model, loaded; it computes in float64."""
    return load(_save(_data(tmp_path_factory.mktemp("loaded")), "nmt_attn_tiny", (), {}), double=True)
