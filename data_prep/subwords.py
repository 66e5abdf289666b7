"""Joint subwords with SentencePiece: train a model on clean text, encode the text, leave out pairs by their length."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from io import BytesIO
from itertools import chain
from pathlib import Path
from typing import Any

import sentencepiece

from data_prep.clean import Pair, read_pairs
from data_prep.corpus import Corpus
from data_prep.errors import DataError
from data_prep.files import read_lines, write_lines, writing
from data_prep.filters import Filters
from data_prep.parallel import blocks_of, in_order

WORDS = 2_000_000  # distinct words that the model is trained on: about 2 GB in SentencePiece
NORMALIZATION = "identity"  # the text is normalised before, and outputs shall be spelled as the references are
LONGEST = 1022  # subwords of a development or test sentence: fairseq's 1,024 positions, with some room


def train(corpus: Corpus, text: Path, out: Path, workers: int, words: int = WORDS) -> dict[str, Any]:
    """Writes subwords.model and subwords.vocab, trained on both sides of the training text.

    Byte-pair encoding (Sennrich et al. 2016) or a unigram language model (Kudo 2018), which see a text as words with
    their counts; so these are what the model is given, the most frequent ``words`` of them. With byte-pair encoding
    the result is the same as from the sentences if no word is left out. Or whole words, all of them.
    """
    counts = count_words([text / f"train.{language}" for language in corpus.languages], workers)
    if corpus.subwords == "word" and corpus.vocabulary != len(counts) + 1:
        raise DataError(
            f"--vocabulary must be {len(counts) + 1} with --subwords word, for all {len(counts)} words of the training "
            f"text and <unk>, not {corpus.vocabulary}"
        )
    chosen = sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:words]
    model = BytesIO()
    try:
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=(f"{word}\t{count}" for word, count in sorted(chosen)),
            input_format="tsv",
            model_writer=model,
            vocab_size=corpus.vocabulary,
            model_type=corpus.subwords,
            character_coverage=corpus.coverage,
            max_sentence_length=1 << 20,
            unk_id=0,
            bos_id=-1,
            eos_id=-1,
            pad_id=-1,
            normalization_rule_name=NORMALIZATION,
            num_threads=16,  # whatever the machine has: sums of floating-point numbers depend on it
            minloglevel=2,
        )
    except RuntimeError as error:
        raise DataError(
            f"the training text must allow {corpus.vocabulary} subwords, but does not (SentencePiece: "
            f"{' '.join(str(error).split()).rpartition('] ')[2]}): give another --vocabulary"
        ) from None
    (out / "subwords.model").write_bytes(model.getvalue())
    processor = sentencepiece.SentencePieceProcessor(model_proto=model.getvalue())
    pieces = (f"{processor.id_to_piece(i)}\t{processor.get_score(i):g}" for i in range(len(processor)))
    write_lines(out / "subwords.vocab", pieces)
    return {
        "words": len(counts),
        "words used": len(chosen),
        "share of the text": sum(count for _, count in chosen) / max(1, counts.total()),
    }


def count_words(paths: list[Path], workers: int) -> Counter[str]:
    """How often each word, between spaces, stands in the files."""
    counts: Counter[str] = Counter()
    for block in in_order(_count_block, blocks_of(chain.from_iterable(map(read_lines, paths)), 100_000), workers):
        counts.update(block)
    del counts[""]
    return counts


def _count_block(lines: list[str]) -> Counter[str]:
    return Counter(" ".join(lines).split(" "))


def encode(corpus: Corpus, text: Path, model: Path, out: Path, workers: int, longest: int = LONGEST) -> dict[str, Any]:
    """Writes the subwords of each line, separated by spaces; returns which training pairs were left out.

    Of the training text pairs stay whose sides have 1 to ``max_length`` subwords, and at most ``max_ratio`` times those
    of the other. Raises DataError if a sentence of another set has more than ``longest``.
    """
    taken: Counter[str] = Counter()
    processor = sentencepiece.SentencePieceProcessor(model_file=str(model))
    kept = 0
    work = partial(_encode_block, processor, corpus.filters)
    with ExitStack() as stack:
        streams = [stack.enter_context(writing(out / f"train.{language}")) for language in corpus.languages]
        for pairs, block_taken in in_order(work, blocks_of(read_pairs(corpus, text, "train")), workers):
            taken.update(block_taken)
            kept += len(pairs)
            for stream, lines in zip(streams, zip(*pairs, strict=True), strict=bool(pairs)):
                stream.writelines(line + "\n" for line in lines)
    if not kept:
        raise DataError(
            f"training pairs must have 1 to {corpus.filters.max_length} subwords on a side, and at most "
            f"{corpus.filters.max_ratio:g} times those of the other, but none of {taken.total()} has: give another "
            "--max-length or --max-ratio"
        )
    for path in sorted(text.glob("*.*")):
        if path.suffix[1:] in corpus.languages and path.stem != "train":
            write_lines(out / path.name, _checked(path, processor, longest))
    return {reason: taken[reason] for reason in ("length", "ratio") if reason in corpus.filters.reasons}


def _encode_block(
    processor: sentencepiece.SentencePieceProcessor, filters: Filters, block: list[Pair]
) -> tuple[list[Pair], Counter[str]]:
    pieces_of = _encoder(processor)
    taken: Counter[str] = Counter()
    kept = []
    for pair in block:
        pieces = [pieces_of(text) for text in pair]
        if reason := _length_objection(filters, len(pieces[0]), len(pieces[1])):
            taken[reason] += 1
        else:
            kept.append((" ".join(pieces[0]), " ".join(pieces[1])))
    return kept, taken


def _encoder(processor: sentencepiece.SentencePieceProcessor) -> Callable[[str], list[str]]:
    """The pieces of a text, <unk> for what the model does not know; SentencePiece itself would give it back as it is,
    and fairseq would take it into the dictionary."""
    pieces = [processor.id_to_piece(number) for number in range(len(processor))]
    return lambda text: [pieces[number] for number in processor.encode(text)]


def _length_objection(filters: Filters, source: int, target: int) -> str:
    shorter, longer = sorted((source, target))
    if "length" in filters.reasons and not 1 <= shorter <= longer <= filters.max_length:
        return "length"
    if "ratio" in filters.reasons and longer > filters.max_ratio * shorter:
        return "ratio"
    return ""


def _checked(path: Path, processor: sentencepiece.SentencePieceProcessor, longest: int) -> Iterator[str]:
    pieces_of = _encoder(processor)
    for number, line in enumerate(read_lines(path), start=1):
        pieces = pieces_of(line)
        if len(pieces) > longest:
            raise DataError(
                f"{path.name} must have at most {longest} subwords in a line, but line {number} has {len(pieces)}: "
                f"split it, or prepare with --longest {len(pieces)} and train with --max-source-positions and "
                f"--max-target-positions {len(pieces) + 2}"
            )
        yield " ".join(pieces)
