"""Whether a folder of fairseq-preprocess is whole and fits together: run before hours of training.

    python -m data_prep.check FOLDER [--checkpoint MODEL.pt]

Looks at the dictionaries, at every indexed set and, if ``data_prep`` made the folder, at the recorded checksums; with
a checkpoint also at whether the model has this vocabulary.
"""

import argparse
import logging
import struct
import sys
from pathlib import Path

import numpy as np

from data_prep.errors import DataError
from data_prep.files import digest, read_lines
from data_prep.steps import read_record

SPECIAL = ("<s>", "<pad>", "</s>", "<unk>")  # the symbols that fairseq's dictionary begins with
UNKNOWN = SPECIAL.index("<unk>")
MOST_UNKNOWN = 0.05  # share of a set
MAGIC = b"MMIDIDX\x00\x00"  # begin of an .idx file: then version, type and number of sentences
TYPES = {1: np.uint8, 2: np.int8, 3: np.int16, 4: np.int32, 5: np.int64, 6: np.float32, 7: np.float64, 8: np.uint16}


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
    seen: dict[str, int] = {}
    for number, line in enumerate(read_lines(path), start=1):
        symbol, _, count = line.removesuffix(" #fairseq:overwrite").rpartition(" ")
        if not symbol or not count.isdecimal():
            raise DataError(f"{path} must have a symbol and its count in each line, but line {number} is {line!r}")
        if symbol in seen or symbol in SPECIAL:
            first = f"line {seen[symbol]}" if symbol in seen else "fairseq itself"
            raise DataError(f"{path} must name each symbol once, but line {number} repeats {symbol!r} of {first}")
        seen[symbol] = number
    return len(seen) + len(SPECIAL)


def check_vocabulary(folder: Path, checkpoint: Path) -> None:
    """Raises DataError unless the checkpoint's embeddings have a row for each symbol of the dictionaries."""
    logging.getLogger("fairseq.tasks.text_to_speech").setLevel(logging.WARNING)  # it advertises a package
    from nmt_attn.models import checkpoints
    from nmt_attn.spec import SpecError

    try:
        model = checkpoints.load(checkpoint)["model"]
    except SpecError as error:
        raise DataError(str(error)) from None
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
    data = index.with_suffix(".bin")
    header = struct.calcsize("<9sQBQ")
    content = index.read_bytes()
    if len(content) < header or not content.startswith(MAGIC):
        raise DataError(f"{index} must be an index of fairseq's mmap format, but is not: run fairseq-preprocess again")
    _, _, kind, count = struct.unpack("<9sQBQ", content[:header])
    if kind not in TYPES or len(content) != header + 12 * count:
        raise DataError(f"{index} must be whole, but is cut off: run fairseq-preprocess again")
    sizes = np.frombuffer(content, np.int32, count, header).astype(np.int64)
    places = np.frombuffer(content, np.int64, count, header + 4 * count)
    if (sizes < 1).any() or (places != (sizes.cumsum() - sizes) * np.dtype(TYPES[kind]).itemsize).any():
        raise DataError(f"{index} must be whole, but was not written to its end: run fairseq-preprocess again")
    tokens = int(sizes.sum())
    wanted = tokens * np.dtype(TYPES[kind]).itemsize
    found = data.stat().st_size if data.exists() else 0
    if found != wanted:
        raise DataError(f"{data} must have {wanted} bytes, but has {found}: run fairseq-preprocess again")
    if tokens:
        _check_tokens(data, np.memmap(data, TYPES[kind], "r"), symbols)
    return int(count)


def _check_tokens(path: Path, tokens: np.ndarray, symbols: int) -> None:
    unknown = 0
    for start in range(0, len(tokens), 1 << 24):
        block = tokens[start : start + (1 << 24)]
        unknown += int((block == UNKNOWN).sum())
        if block.max() >= symbols or block.min() < 0:
            raise DataError(
                f"{path} must hold symbols below {symbols}, but has {block.max()}: it has another dictionary"
            )
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
