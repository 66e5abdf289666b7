"""Whether a folder of fairseq-preprocess is whole and fits together: run before hours of training.

    python -m data_prep.check FOLDER [--checkpoint MODEL.pt]

Looks at the dictionaries, at every indexed set and, if ``data_prep`` made the folder, at the recorded checksums; with
a checkpoint also at whether the model has this vocabulary.
"""

import argparse
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from data_prep.errors import DataError
from data_prep.files import digest, read_lines
from data_prep.steps import read_record
from nmt_attn.binarised import SPECIAL, check_numbers, count_symbols, read_index
from nmt_attn.spec import SpecError

UNKNOWN = SPECIAL.index("<unk>")
MOST_UNKNOWN = 0.05  # share of a set


def check(folder: Path) -> dict[str, int]:
    """Sentences of each set; raises DataError for the first thing that is wrong."""
    dictionaries = sorted(folder.glob("dict.*.txt"))
    indexes = sorted(folder.glob("*.idx"))
    if len(dictionaries) != 2 or not indexes:
        raise DataError(f"{folder} must hold what fairseq-preprocess wrote, two dictionaries and indexed sets")
    sizes = {_language(path): check_dictionary(path) for path in dictionaries}
    _check_record(folder)
    counts = {}
    for index in indexes:
        language = index.stem.rpartition(".")[2]
        if language not in sizes:
            raise DataError(f"{folder} must hold dict.{language}.txt for {index.name}, but does not")
        counts[index.stem] = _check_set(index, sizes[language])
    for stem, count in counts.items():
        name, pair, language = stem.split(".")
        other = next(side for side in sizes if side != language)
        if counts.get(f"{name}.{pair}.{other}") != count:
            raise DataError(
                f"both sides of {name} must have the same number of sentences, not {count} and "
                f"{counts.get(f'{name}.{pair}.{other}', 0)}: run fairseq-preprocess again"
            )
    return counts


def check_dictionary(path: Path) -> int:
    """Number of symbols, fairseq's own included. Raises DataError for a line that cannot be or that stands twice."""
    with _as_data_error():
        return count_symbols(path, read_lines(path))


@contextmanager
def _as_data_error() -> Iterator[None]:
    try:
        yield
    except SpecError as error:
        raise DataError(str(error)) from None


def check_vocabulary(folder: Path, checkpoint: Path) -> None:
    """Raises DataError unless the checkpoint's embeddings have a row for each symbol of the dictionaries."""
    logging.getLogger("fairseq.tasks.text_to_speech").setLevel(logging.WARNING)  # it advertises a package
    from nmt_attn.models import checkpoints

    with _as_data_error():
        model = checkpoints.load(checkpoint)["model"]
    paths = {_language(path): path for path in folder.glob("dict.*.txt")}
    pair = next(folder.glob("*.idx")).name.split(".")[1]
    source = next(language for language in paths if pair.startswith(f"{language}-"))
    for side, language in zip(("encoder", "decoder"), sorted(paths, key=lambda name: name != source), strict=True):
        path = paths[language]
        weights = model.get(f"{side}.embed_tokens.weight")
        if weights is None:
            raise DataError(f"the checkpoint must be of a translation model, but {checkpoint} has no {side} with words")
        rows, symbols = weights.shape[0], check_dictionary(path)
        if rows != symbols:
            raise DataError(
                f"{path} must have the {rows} symbols that {checkpoint} was trained with, but has {symbols}: "
                "give the folder of its training"
            )


def _language(dictionary: Path) -> str:
    return dictionary.name.removeprefix("dict.").removesuffix(".txt")


def _check_record(folder: Path) -> None:
    """Raises DataError if a file is not as it was made; folders that we did not make have no record."""
    record = read_record(folder)
    for name, output in record["outputs"].items() if record else ():
        path = folder / name
        if not path.exists() or digest(path) != output["sha256"]:
            raise DataError(
                f"{path} must be as it was made, but is {'changed' if path.exists() else 'gone'}: prepare again"
            )


def _check_set(index: Path, symbols: int) -> int:
    with _as_data_error():
        indexed = read_index(index)
        if len(indexed.sizes):
            _check_tokens(indexed.data, indexed.tokens(), symbols)
    return len(indexed.sizes)


def _check_tokens(path: Path, tokens: np.ndarray, symbols: int) -> None:
    unknown = 0
    for start in range(0, len(tokens), 1 << 24):
        block = tokens[start : start + (1 << 24)]
        unknown += int((block == UNKNOWN).sum())
        check_numbers(path, block, symbols)
    if unknown > MOST_UNKNOWN * len(tokens):
        raise DataError(
            f"at most {MOST_UNKNOWN:.0%} of {path} may be unknown symbols, not {unknown / len(tokens):.0%}: encode the "
            "text with the subwords of its dictionary, once"
        )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--checkpoint", type=Path, help="model that shall have this vocabulary")
    options = parser.parse_args()
    try:
        counts = check(options.folder)
        if options.checkpoint:
            check_vocabulary(options.folder, options.checkpoint)
    except (DataError, OSError) as error:
        print(f"check: error: {error}", file=sys.stderr)
        return 2
    print(f"{options.folder}: whole; " + ", ".join(f"{name} {count:,}" for name, count in sorted(counts.items())))
    return 0


if __name__ == "__main__":
    sys.exit(main())
