"""Small models, built as fairseq-train builds them, and batches for them."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from fairseq import options
from fairseq.data import Dictionary, LanguagePairDataset
from fairseq.dataclass.utils import convert_namespace_to_omegaconf
from fairseq.tasks.translation import TranslationConfig, TranslationTask
from torch import Tensor

import nmt_attn.models  # registers the architectures

assert nmt_attn.models

HISTORY = {"num_updates": 7, "optimizer_name": "FairseqAdam", "lr_scheduler_state": {}, "criterion_name": ""}
SMALL = ("--encoder-embed-dim", "16", "--encoder-ffn-embed-dim", "24", "--encoder-layers", "2", "--decoder-layers", "2")
ENCODER = "conv,deform,light,dynamic,deform+0010,gaussian,fixed,synthesizer,alibi,t5,shaw,deberta,uniform,1111:window=2"
DECODER = ENCODER.replace("fixed,", "")
EVERY_MIXER = ("--encoder-layers", "14", "--enc-self-attn-mixer", ENCODER)
EVERY_MIXER += ("--decoder-layers", "13", "--dec-self-attn-mixer", DECODER)
SMALL_HEADS = ("--encoder-attention-heads", "2", "--decoder-attention-heads", "2")


def dictionary(words: int = 20) -> Dictionary:
    vocabulary = Dictionary()
    for number in range(words):
        vocabulary.add_symbol(f"w{number}")
    return vocabulary


def task(**settings: Any) -> TranslationTask:
    vocabulary = dictionary()
    return TranslationTask(TranslationConfig(**settings), vocabulary, vocabulary)


def parse(arch: str, *flags: str) -> argparse.Namespace:
    """Options as fairseq-train parses them."""
    parser = options.get_training_parser(default_task="translation")
    return options.parse_args_and_arch(parser, ["data", "--arch", arch, "--share-all-embeddings", *flags])


def build(arch: str, *flags: str, small: bool = True, seed: int = 1) -> Any:
    """The model of an architecture, by default with small widths in the place of its own, in evaluation mode."""
    torch.manual_seed(seed)
    sizes = (*SMALL, *SMALL_HEADS) if small else ()
    cfg = convert_namespace_to_omegaconf(parse(arch, *sizes, *flags))
    return task().build_model(cfg.model).eval()


def checkpoint(model_options: argparse.Namespace, model: torch.nn.Module, path: Path) -> Path:
    """A checkpoint file with what loading needs."""
    cfg = convert_namespace_to_omegaconf(model_options)
    plain = {name: ({} if value is None else value) for name, value in cfg.items() if name == "model"}
    state = {"args": None, "cfg": plain, "model": model.state_dict(), "optimizer_history": [HISTORY], "extra_state": {}}
    torch.save(state, path)
    return path


def sentences(count: int, longest: int, seed: int = 3) -> list[Tensor]:
    """Random sentences of 1 to ``longest`` words, each closed by the end-of-sentence symbol."""
    generator = torch.Generator().manual_seed(seed)
    vocabulary = dictionary()
    lengths = torch.randint(1, longest + 1, (count,), generator=generator).tolist()
    return [
        torch.cat(
            [
                torch.randint(vocabulary.nspecial, len(vocabulary), (length,), generator=generator),
                torch.tensor([vocabulary.eos()]),
            ]
        )
        for length in lengths
    ]


def batch(sources: Sequence[Tensor], targets: Sequence[Tensor], left_pad: bool = True) -> dict[str, Any]:
    """A batch as fairseq collates it."""
    vocabulary = dictionary()
    dataset = LanguagePairDataset(
        list(sources),
        [len(source) for source in sources],
        vocabulary,
        list(targets),
        [len(target) for target in targets],
        vocabulary,
        left_pad_source=left_pad,
        left_pad_target=False,
        shuffle=False,
    )
    return dataset.collater([dataset[index] for index in range(len(sources))])
