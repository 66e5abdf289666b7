"""A sentence is translated the same in any company: batch size, side of the padding, order of the sentences.

Real text: the files of Multi30k in the folder MULTI30K, as for recipes/multi30k.sh; without it generated text.
"""

import argparse
import gzip
import itertools
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import torch
from fairseq.data import Dictionary, LanguagePairDataset
from fairseq.dataclass.utils import convert_namespace_to_omegaconf
from fairseq.tasks.translation import TranslationConfig, TranslationTask
from torch import Tensor

from nmt_attn.corpora import fragment
from nmt_attn.spec import ALL_CODES
from tests.models import toy

SIZES = (2, 7, 32, 64)
SIDES_AND_ORDERS = ((True, "shuffled"), (False, "given"), (True, "given"), (False, "shuffled"))
SEARCH = {"beam": 4, "lenpen": 0.6, "max_len_a": 1.0, "max_len_b": 50}  # as in the recipes
TIGHT = {**SEARCH, "max_len_a": 0.5, "max_len_b": 1}  # shorter than most translations: none of them ends by itself
WIDTHS = ("--encoder-embed-dim", "32", "--encoder-ffn-embed-dim", "64", *toy.SMALL_HEADS, "--dropout", "0")


FOUR_LAYERS = ("--encoder-layers", "4", "--decoder-layers", "4")


def _codes(start: int) -> tuple[str, ...]:
    """Four codes in self-attention, one a layer, and four others in cross attention."""
    some, others = (ALL_CODES[first : first + 4] for first in (start, (start + 8) % 16))
    return ("--self-attn-mixer", ",".join(some), "--cross-attn-mixer", ",".join(others))


# Together what every preset has at some site, and what flags add.
FAMILIES = {
    **{f"codes from {ALL_CODES[start]}": _codes(start) for start in range(0, 16, 4)},
    "convolutions": ("--self-attn-mixer", "conv,deform,light,dynamic"),
    "combinations": ("--self-attn-mixer", "deform+0010,deform+1111,deform+0000,deform+0101"),
    "tables": ("--self-attn-mixer", "synthesizer,t5,shaw,1101:positions=shaw"),
    "patterns": (
        "--enc-self-attn-mixer",
        "fixed,gaussian,alibi,uniform",
        "--dec-self-attn-mixer",
        "gaussian,alibi,uniform,1111",
    ),
    "key position": ("--self-attn-mixer", "deberta", "--cross-attn-mixer", "deberta,0111:key-position,deberta,1111"),
    "windows": ("--attn-window", "3", "--self-attn-mixer", "conv,deform+0010,alibi:window=4,1111:distance=2"),
    "learned positions, fast engine": ("--absolute-positions", "learned", "--engine", "fast"),
}
QUICK = (
    "--enc-self-attn-mixer",
    "deform+0010,alibi:window=4,t5,fixed",
    "--dec-self-attn-mixer",
    "dynamic,shaw,uniform,conv",
)
QUICK += ("--cross-attn-mixer", "0111,1111,deberta,1010")


class Text(NamedTuple):
    """Pairs of sentences as numbers of a joint vocabulary."""

    vocabulary: Dictionary
    sources: list[Tensor]
    targets: list[Tensor]


def _pairs(count: int) -> list[tuple[str, str]]:
    folder = os.environ.get("MULTI30K")
    if not folder:
        return [(pair.source_text, pair.target_text) for pair in fragment.generate(count, seed=7)]
    sides = []
    for language in ("en", "de"):
        with gzip.open(Path(folder) / f"test_2016_flickr.{language}.gz", "rt", encoding="utf-8") as lines:
            sides.append(list(itertools.islice(lines, count)))
    return list(zip(*sides, strict=True))


def _text(count: int) -> Text:
    vocabulary, pairs = Dictionary(), _pairs(count)
    for pair in pairs:
        for line in pair:
            vocabulary.encode_line(line.lower(), add_if_not_exist=True)
    sides = [[vocabulary.encode_line(line.lower()).long() for line in side] for side in zip(*pairs, strict=True)]
    return Text(vocabulary, *sides)


def _batch(text: Text, rows: Sequence[int], left_pad: bool) -> dict[str, Any]:
    sources, targets = [text.sources[row] for row in rows], [text.targets[row] for row in rows]
    lengths = [[len(sentence) for sentence in side] for side in (sources, targets)]
    words = text.vocabulary
    pairs = LanguagePairDataset(sources, lengths[0], words, targets, lengths[1], words, left_pad_source=left_pad)
    return pairs.collater([pairs[place] for place in range(len(rows))])


def _trained(text: Text, flags: Sequence[str], updates: int) -> tuple[TranslationTask, Any]:
    """A model that has learnt for a moment to tell these sentences apart."""
    torch.manual_seed(1)
    task = TranslationTask(TranslationConfig(), text.vocabulary, text.vocabulary)
    model = task.build_model(
        convert_namespace_to_omegaconf(toy.parse("nmt_attn_tiny", *WIDTHS, *FOUR_LAYERS, *flags)).model
    ).train()
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    for update in range(updates):
        rows = [(update * 32 + place) % len(text.sources) for place in range(32)]
        sample = _batch(text, rows, left_pad=True)
        logits = model(**sample["net_input"])[0]
        loss = torch.nn.functional.cross_entropy(
            logits.flatten(0, 1), sample["target"].flatten(), ignore_index=text.vocabulary.pad()
        )
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return task, model.eval()


def _translate(
    task: TranslationTask,
    model: Any,
    text: Text,
    batches: Sequence[Sequence[int]],
    left_pad: bool,
    search: dict[str, Any],
) -> dict[int, list[int]]:
    """The best hypothesis of each sentence, as fairseq-generate finds it."""
    generator = task.build_generator([model], argparse.Namespace(**search))
    found = {}
    for rows in batches:
        sample = _batch(text, rows, left_pad)
        for place, hypotheses in zip(
            sample["id"].tolist(), task.inference_step(generator, [model], sample), strict=True
        ):
            found[rows[place]] = hypotheses[0]["tokens"].tolist()
    return found


def _differences(
    text: Text, task: TranslationTask, model: Any, search: dict[str, Any], sizes: Sequence[int]
) -> tuple[dict[int, list[int]], list[str]]:
    """What each sentence alone gives, and a line for each translation that differs from it in company."""
    count = len(text.sources)
    alone = _translate(task, model, text, [[row] for row in range(count)], True, search)
    lines = []
    for size, (left_pad, order) in itertools.product(sizes, SIDES_AND_ORDERS):
        if size == 2 and (left_pad, order) not in SIDES_AND_ORDERS[:2]:
            continue  # of these passes, which take longest, two have every side and order
        rows = list(range(count))
        if order == "shuffled":
            rows = torch.randperm(count, generator=torch.Generator().manual_seed(5)).tolist()
        batches = [rows[start : start + size] for start in range(0, count, size)]
        for row, tokens in _translate(task, model, text, batches, left_pad, search).items():
            if tokens != alone[row]:
                changed = sum(a != b for a, b in itertools.zip_longest(tokens, alone[row]))
                lines.append(f"batches of {size}, left {left_pad}, {order}: sentence {row}, {changed} of {len(tokens)}")
    return alone, lines


def _check(
    flags: Sequence[str],
    search: dict[str, Any],
    record_property: Any,
    count: int = 200,
    sizes: Sequence[int] = SIZES,
    updates: int = 150,
) -> None:
    text = _text(count)
    task, model = _trained(text, flags, updates)
    alone, lines = _differences(text, task, model, search, sizes)
    tokens = sum(map(len, alone.values()))
    record_property("tokens", tokens)
    record_property("different_translations", len(lines))
    assert len({tuple(hypothesis) for hypothesis in alone.values()}) > count // 4, "a model that says always the same"
    assert not lines, lines


@pytest.mark.parametrize("search", [SEARCH, TIGHT], ids=["ends by itself", "cut"])
def test_company_changes_no_token_of_a_model_of_many_mixers(search: dict[str, Any], record_property: Any) -> None:
    _check(QUICK, search, record_property, count=12, sizes=(5,), updates=80)


@pytest.mark.slow
@pytest.mark.parametrize("search", [SEARCH, TIGHT], ids=["ends by itself", "cut"])
@pytest.mark.parametrize("family", FAMILIES)
def test_company_changes_no_token_of_two_hundred_sentences(
    family: str, search: dict[str, Any], record_property: Any
) -> None:
    _check(FAMILIES[family], search, record_property)
