"""fairseq's translation task, which checks its data before it reads them.

fairseq itself ends with a traceback, or goes on with half of the data or with words of another dictionary. Only sizes,
indexes, dictionaries and the first and last numbers of each file are looked at: data_prep.check reads all.
"""

import logging
from pathlib import Path
from typing import Any

from fairseq import utils
from fairseq.data import LanguagePairDataset
from fairseq.data.data_utils import infer_language_pair
from fairseq.data.indexed_dataset import infer_dataset_impl
from fairseq.tasks.translation import TranslationTask

from nmt_attn.binarised import check_numbers, read_dictionary, read_index
from nmt_attn.models.lengths import check_lengths
from nmt_attn.models.refusal import refuses_in_one_line
from nmt_attn.spec import SpecError

logger = logging.getLogger(__name__)

LOOKED_AT = 1 << 20  # numbers at either end of a file

_fairseqs_setup: Any = TranslationTask.setup_task.__func__
_fairseqs_load: Any = TranslationTask.load_dataset
_fairseqs_batches: Any = TranslationTask.get_batch_iterator


def check_data_first() -> None:
    """From here on fairseq's commands refuse data that they cannot read, in one line."""
    TranslationTask.setup_task = classmethod(_setup)
    TranslationTask.load_dataset = _load
    TranslationTask.get_batch_iterator = _batches


def _setup(kind: type, cfg: Any, **how: Any) -> Any:
    with refuses_in_one_line():
        check_dictionaries(cfg)
    return _fairseqs_setup(kind, cfg, **how)


def _load(task: Any, split: str, epoch: int = 1, combine: bool = False, **how: Any) -> None:
    with refuses_in_one_line():
        check_set(task, split, epoch)
    _fairseqs_load(task, split, epoch=epoch, combine=combine, **how)


def _batches(
    task: Any,
    dataset: Any,
    max_tokens: int | None = None,
    max_sentences: int | None = None,
    max_positions: Any = None,
    ignore_invalid_inputs: bool = False,
    **how: Any,
) -> Any:
    how |= {"max_tokens": max_tokens, "max_sentences": max_sentences, "max_positions": max_positions}
    how["ignore_invalid_inputs"] = ignore_invalid_inputs
    if not isinstance(dataset, LanguagePairDataset) or dataset in task.dataset_to_epoch_iter:
        return _same_batches_in_all_epochs(task, dataset, **how)
    name = next((name for name, known in task.datasets.items() if known is dataset), "the input")
    with refuses_in_one_line():
        check_lengths(name, dataset, max_tokens, max_positions, ignore_invalid_inputs)
        batches = _same_batches_in_all_epochs(task, dataset, **how)
        _check_left_out(name, batches, how.get("required_batch_size_multiple", 1), ignore_invalid_inputs)
    return batches


def _same_batches_in_all_epochs(task: Any, dataset: Any, seed: int = 1, epoch: int = 1, **how: Any) -> Any:
    """fairseq's iterator, also of a training that goes on in a later epoch.

    fairseq makes batches once, with a seed that depends on the epoch it begins with, and shuffles them in each epoch:
    one that goes on in epoch 5 has other batches than those before, some sentences twice and others not at all.
    """
    once = not how.get("disable_iterator_cache") and not how.get("update_epoch_batch_itr")
    first = 1 if once and task.can_reuse_epoch_itr(dataset) else epoch
    batches = _fairseqs_batches(task, dataset, seed=seed + first - epoch, epoch=epoch, **how)
    batches.seed = seed  # which shuffles, with the epoch
    return batches


def _check_left_out(name: str, batches: Any, multiple: int, skip: bool) -> None:
    """fairseq leaves out a last batch, that of the longest sentences, whose size is no multiple, and says nothing."""
    count, kept = len(batches.dataset), sum(map(len, batches.frozen_batches))
    if not kept:
        raise SpecError(
            f"{name} must have {multiple} sentences for a batch, or fairseq leaves out all {count}: give "
            "--required-batch-size-multiple 1"
        )
    if kept < count and not skip:
        logger.warning(
            "%s of %s sentences of %s are left out, the longest: give --required-batch-size-multiple 1",
            *(f"{count - kept:,}", f"{count:,}", name),
        )


def check_dictionaries(cfg: Any) -> None:
    """Raises SpecError unless each folder of data is there and the first has a dictionary of both languages."""
    folders = [Path(path) for path in utils.split_paths(cfg.data)]
    for folder in folders:
        if not folder.is_dir():
            raise SpecError(f"the data must be a folder that fairseq-preprocess made, but {folder} is none")
    languages = cfg.source_lang, cfg.target_lang
    if None in languages:
        languages = infer_language_pair(str(folders[0]))
    if None in languages:
        raise SpecError(
            f"{folders[0]} must hold sets such as train.en-de.en.idx, but has none: run fairseq-preprocess into it"
        )
    for language in languages:
        path = folders[0] / f"dict.{language}.txt"
        if not path.is_file():
            found = ", ".join(sorted(file.name for file in folders[0].glob("dict.*.txt"))) or "no dictionary"
            raise SpecError(
                f"{folders[0]} must hold {path.name}, but has {found}: give the languages of its text with "
                "--source-lang and --target-lang"
            )
        read_dictionary(path)


def check_set(task: Any, split: str, epoch: int = 1) -> None:
    """Raises SpecError unless a set, of fairseq's mmap format, is whole and fits together."""
    cfg = task.cfg
    if cfg.dataset_impl not in (None, "mmap"):
        return
    folders = utils.split_paths(cfg.data)
    folder = Path(folders[(epoch - 1) % len(folders)] if split == cfg.train_subset else folders[0])
    source, target = cfg.source_lang, cfg.target_lang
    pairs = f"{source}-{target}", f"{target}-{source}"
    pair = next((pair for pair in pairs if (folder / f"{split}.{pair}.{source}.idx").exists()), None)
    if pair is None:
        sets = {path.name.split(".")[0] for each in pairs for path in folder.glob(f"*.{each}.{source}.idx")}
        raise SpecError(
            f"{folder} must hold {split}.{pairs[0]}.{source}.idx, but has "
            + (f"only the sets {', '.join(sorted(sets))}" if sets else f"no set of {pairs[0]}")
            + ": run fairseq-preprocess again, or name another set or languages"
        )
    if infer_dataset_impl(str(folder / f"{split}.{pair}.{source}")) not in ("mmap", None):
        return
    source_count = _check_side(folder / f"{split}.{pair}.{source}.idx", task.source_dictionary)
    index = folder / f"{split}.{pair}.{target}.idx"
    if split != cfg.train_subset and not index.exists() and not index.with_suffix(".bin").exists():
        return  # text to translate, without references
    target_count = _check_side(index, task.target_dictionary)
    if source_count != target_count:
        raise SpecError(
            f"both sides of {split} must have the same number of sentences, not {source_count} and {target_count}: "
            "run fairseq-preprocess again"
        )


def _check_side(index: Path, dictionary: Any) -> int:
    """Number of sentences."""
    if not index.exists():
        raise SpecError(f"{index} must be there, but is not: run fairseq-preprocess again")
    indexed = read_index(index)
    if not len(indexed.sizes):
        raise SpecError(
            f"{index} must have a sentence, but is of an empty text: run fairseq-preprocess on the text again"
        )
    numbers = indexed.tokens()
    for part in (numbers[:LOOKED_AT], numbers[-LOOKED_AT:]):
        check_numbers(indexed.data, part, len(dictionary))
    return len(indexed.sizes)
