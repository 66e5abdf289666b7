"""What training and decoding are measured on: fairseq's models, task and batches, as its commands make them."""

import contextlib
import io
from argparse import Namespace
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from fairseq import options
from fairseq.data import Dictionary, LanguagePairDataset
from fairseq.data.data_utils import infer_language_pair
from fairseq.dataclass.utils import convert_namespace_to_omegaconf
from fairseq.tasks.translation import TranslationConfig, TranslationTask

import nmt_attn.models  # registers the architectures
from nmt_attn.bench.names import STOCK, arch_and_flags
from nmt_attn.presets import find_preset
from nmt_attn.spec import SpecError

assert nmt_attn.models

SENTENCES = 4_000  # of random text


@dataclass(frozen=True)
class Setting:
    """What is the same for all models. data: a folder of fairseq-preprocess; "" for random text over ``vocabulary``
    words. tokens: at most so many in a batch, with padding. amp: fairseq's automatic mixed precision.
    """

    data: str = ""
    tokens: int = 2_000
    vocabulary: int = 4_000
    amp: bool = False
    device: str = "cpu"
    threads: int = 1

    def fields(self) -> dict[str, object]:
        return asdict(self)


def stock_command(archs: Sequence[str]) -> str:
    """fairseq's own architecture at the sizes of these; raises SpecError if they are of several."""
    sizes = {find_preset(arch_and_flags(command)[0]).size for command in archs}
    if len(sizes) > 1:
        raise SpecError("--archs must be of one size, which stock fairseq is given too, not of several")
    size = sizes.pop()
    widths = f"-embed-dim {size.dim} --{{0}}-ffn-embed-dim {size.ffn_dim}"
    sides = f"--{{0}}{widths} --{{0}}-layers {size.layers} --{{0}}-attention-heads {size.heads}"
    return " ".join([STOCK, *(sides.format(side) for side in ("encoder", "decoder")), f"--dropout {size.dropout}"])


def configuration(command: str, setting: Setting, task: TranslationTask, *flags: str) -> Any:
    """What fairseq-train reads out of "ARCH FLAGS", with the loss and the optimizer of the recipes."""
    arch, given = arch_and_flags(command)
    fixed = "--criterion label_smoothed_cross_entropy --label-smoothing 0.1 --optimizer adam --lr 0.0005 "
    fixed += "--lr-scheduler inverse_sqrt --warmup-updates 4000 --distributed-world-size 1 --seed 1"
    line = ["data", "--arch", arch, *fixed.split(), "--adam-betas", "(0.9, 0.98)", *flags, *given]
    line += ["--cpu"] * (setting.device == "cpu") + ["--amp"] * setting.amp
    if task.source_dictionary == task.target_dictionary:
        line.append("--share-all-embeddings")
    return convert_namespace_to_omegaconf(_parse(command, line))


def _parse(command: str, line: list[str]) -> Namespace:
    parser = options.get_training_parser(default_task="translation")
    with _one_sentence(command):
        return options.parse_args_and_arch(parser, line)


def build_model(task: TranslationTask, cfg: Any, command: str) -> Any:
    """The model of a configuration, with the same random seed for all; raises SpecError if it is refused."""
    torch.manual_seed(1)
    with _one_sentence(command):
        return task.build_model(cfg.model)


@contextlib.contextmanager
def _one_sentence(command: str) -> Iterator[None]:
    """Turns what fairseq prints before it gives up into a SpecError."""
    complaint = io.StringIO()
    try:
        with contextlib.redirect_stderr(complaint):
            yield
    except SystemExit:
        reason = complaint.getvalue().strip().rpartition("error: ")[2]
        raise SpecError(f"{command}: {reason}") from None


def make_task(setting: Setting) -> TranslationTask:
    """fairseq's translation task; raises SpecError if the data cannot be read."""
    if not setting.data:
        dictionary = Dictionary()
        for number in range(setting.vocabulary):
            dictionary.add_symbol(f"w{number}")
        return TranslationTask(TranslationConfig(), dictionary, dictionary)
    source, target = infer_language_pair(setting.data) if Path(setting.data).is_dir() else (None, None)
    if source is None or target is None:
        raise SpecError(f"--data must be the folder that fairseq-preprocess wrote, not {setting.data}")
    line = [setting.data, "--source-lang", source, "--target-lang", target, "--arch", STOCK]
    return TranslationTask.setup_task(convert_namespace_to_omegaconf(_parse(setting.data, line)).task)


def make_batches(task: TranslationTask, setting: Setting, split: str, count: int) -> list[dict[str, Any]]:
    """The first batches of an epoch as fairseq makes them, from one to ``count``; raises SpecError."""
    dataset = random_text(task.source_dictionary, SENTENCES) if not setting.data else _load(task, setting, split)
    if torch.as_tensor(dataset.sizes).amax(dim=1).min() > setting.tokens:
        raise SpecError(f"--tokens must be large enough for one sentence, not {setting.tokens}")
    dataset.shuffle = True
    iterator = task.get_batch_iterator(
        dataset,
        max_tokens=setting.tokens,
        max_positions=(setting.tokens, setting.tokens),
        ignore_invalid_inputs=True,
        required_batch_size_multiple=8 if split == "train" else 1,
        seed=1,
    )
    epoch = iterator.next_epoch_itr(shuffle=True)
    return [batch for batch, _ in zip(epoch, range(count), strict=False)]


def _load(task: TranslationTask, setting: Setting, split: str) -> Any:
    try:
        task.load_dataset(split)
    except (FileNotFoundError, OSError):
        raise SpecError(f"--data must hold the set {split!r}, but {setting.data} does not") from None
    return task.dataset(split)


def random_text(dictionary: Dictionary, sentences: int) -> LanguagePairDataset:
    """Pairs with lengths that spread as in real text: log-normal, median 20, targets within about 15 % of sources."""
    generator = torch.Generator().manual_seed(1)
    spread = torch.randn(2, sentences, generator=generator)
    sources = (20 * (0.5 * spread[0]).exp()).clamp(3, 100)
    targets = (sources * (0.15 * spread[1]).exp()).clamp(3, 100)

    def side(lengths: list[int]) -> list[torch.Tensor]:
        low, high, end = dictionary.nspecial, len(dictionary), torch.tensor([dictionary.eos()])
        return [torch.cat([torch.randint(low, high, (length,), generator=generator), end]) for length in lengths]

    pairs = [side(lengths.long().tolist()) for lengths in (sources, targets)]
    sizes = [[len(sentence) for sentence in texts] for texts in pairs]
    return LanguagePairDataset(pairs[0], sizes[0], dictionary, pairs[1], sizes[1], dictionary, left_pad_source=True)
