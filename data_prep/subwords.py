"""Joint subwords with SentencePiece: train a model on raw text, encode raw text into pieces.

python data_prep/subwords.py train --size 8000 --model OUT/subwords TRAIN.en TRAIN.de
python data_prep/subwords.py encode --model OUT/subwords.model RAW PIECES
"""

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

import sentencepiece


def read_lines(path: Path) -> Iterator[str]:
    """Lines of a UTF-8 file; only a line feed ends one."""
    with path.open(encoding="utf-8", newline="\n") as stream:
        for line in stream:
            yield line.removesuffix("\n")


def train(paths: list[Path], size: int, model: Path) -> None:
    """Writes MODEL.model and MODEL.vocab: byte-pair encoding of all characters of the text (Sennrich et al. 2016)."""
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=(line for path in paths for line in read_lines(path)),
        model_prefix=str(model),
        vocab_size=size,
        model_type="bpe",
        character_coverage=1.0,
        unk_id=0,
        bos_id=-1,
        eos_id=-1,
        pad_id=-1,
        minloglevel=2,
    )


def encode(source: Path, target: Path, model: Path) -> None:
    """Writes the pieces of each line, separated by spaces."""
    processor = sentencepiece.SentencePieceProcessor(model_file=str(model))
    temporary = target.with_name(target.name + ".part")
    with temporary.open("w", encoding="utf-8", newline="\n") as stream:
        for line in read_lines(source):
            stream.write(" ".join(processor.encode(line, out_type=str)) + "\n")
    temporary.replace(target)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    sub = commands.add_parser("train")
    sub.add_argument("--size", type=int, required=True, help="number of pieces")
    sub.add_argument("--model", type=Path, required=True, help="prefix of the files to write")
    sub.add_argument("texts", type=Path, nargs="+")
    sub = commands.add_parser("encode")
    sub.add_argument("--model", type=Path, required=True)
    sub.add_argument("source", type=Path)
    sub.add_argument("target", type=Path)
    options = parser.parse_args()
    try:
        if options.command == "train":
            train(options.texts, options.size, options.model)
        else:
            encode(options.source, options.target, options.model)
    except (OSError, RuntimeError, UnicodeDecodeError) as error:
        print(f"subwords: error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
