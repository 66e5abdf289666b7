"""The command line that all corpora share."""

import argparse
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from math import inf
from pathlib import Path

from data_prep import subwords
from data_prep.corpus import Corpus
from data_prep.errors import DataError
from data_prep.parallel import processors
from data_prep.prepare import Settings, prepare, report


def run(corpus: Corpus, description: str, arguments: Sequence[str] | None = None) -> int:
    """Prepares a corpus as the command line says; a mistake is one line on standard error and exit code 2."""
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False
    )
    add_options(parser, corpus)
    return run_options(corpus, parser.parse_args(arguments))


def add_options(parser: argparse.ArgumentParser, corpus: Corpus) -> None:
    add = parser.add_argument
    add("--out", type=Path, required=True, help="folder for raw, text, subwords, pieces, bin and manifest.json")
    if corpus.archives:
        add("--source", default="", help="folder that holds the archives, or address under which they are (mirrors)")
        add("--checksums", type=Path, help="file of sha256sum's that stands for the published checksums")
        add("--jobs", type=_at_least(1), default=4, help="downloads at a time (%(default)s)")
    add("--vocabulary", type=_at_least(1), default=corpus.vocabulary, help="joint subwords (%(default)s)")
    add(
        "--subwords", choices=["bpe", "unigram", "word"], default=corpus.subwords, help="kind of subwords (%(default)s)"
    )
    add("--words", type=_at_least(1), default=subwords.WORDS, help="words that subwords are learned from (%(default)s)")
    add("--without", default="", help="filters to leave out, such as duplicate,ratio")
    add("--max-length", type=_at_least(1), default=corpus.filters.max_length, help="subwords of a side (%(default)s)")
    add("--max-ratio", type=_ratio, default=corpus.filters.max_ratio, help="subwords of the longer side (%(default)s)")
    add("--longest", type=_at_least(1), default=subwords.LONGEST, help="subwords of a test sentence (%(default)s)")
    add("--workers", type=_at_least(1), default=processors(), help="processes (%(default)s)")


def run_options(corpus: Corpus, options: argparse.Namespace) -> int:
    settings = Settings(workers=options.workers, words=options.words, longest=options.longest)
    if corpus.archives:
        settings = replace(settings, source=options.source, checksums=options.checksums, jobs=options.jobs)
    try:
        filters = replace(
            corpus.filters.without(options.without), max_length=options.max_length, max_ratio=options.max_ratio
        )
        corpus = replace(corpus, filters=filters, vocabulary=options.vocabulary, subwords=options.subwords)
        print(report(prepare(corpus, options.out, settings)), file=sys.stderr)
    except (DataError, OSError) as error:
        print(f"{corpus.name}: error: {error}", file=sys.stderr)
        return 2
    return 0


def _ratio(text: str) -> float:
    """argparse type: a finite number from 1 on."""
    with suppress(ValueError):
        if 1 <= float(text) < inf:
            return float(text)
    raise argparse.ArgumentTypeError(f"must be a finite number of at least 1, not {text!r}")


def _at_least(least: int):  # type: ignore[no-untyped-def]
    """argparse type: a whole number from ``least`` on."""

    def whole(text: str) -> int:
        if not text.isascii() or not text.isdigit() or int(text) < least:
            raise argparse.ArgumentTypeError(f"must be a whole number of at least {least}, not {text!r}")
        return int(text)

    return whole
