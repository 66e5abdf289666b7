"""Any pair of parallel files, a sentence a line, in the language's own spelling (not tokenised, no subwords).

    python -m data_prep.own --source-lang en --target-lang de --train DATA/train --valid DATA/dev --test DATA/test \\
        --out FOLDER

DATA/train stands for DATA/train.en and DATA/train.de. Several prefixes are joined (--train, --valid), or are test sets
of their own (--test).
"""

import argparse
import re
import sys
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from data_prep.command import add_options, run_options
from data_prep.corpus import Corpus, Text, in_files

OWN = Corpus("own", source_lang="", target_lang="", train=(), valid=(), tests={})


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False
    )
    parser.add_argument(
        "--source-lang", type=_language, required=True, help="language of the source, and ending of its files"
    )
    parser.add_argument("--target-lang", type=_language, required=True)
    for name in ("train", "valid", "test"):
        parser.add_argument(f"--{name}", required=True, nargs="+", metavar="PREFIX")
    parser.add_argument("--lowercase", action="store_true")
    parser.add_argument("--coverage", type=_share, default=1.0, help="share of the characters that get a subword")
    add_options(parser, OWN)
    options = parser.parse_args()
    names = [Path(prefix).name for prefix in options.test]
    for name in names:
        if names.count(name) > 1:
            parser.error(f"argument --test: names must differ, but two are {name!r}")

    def texts(prefixes: list[str]) -> tuple[Text, ...]:
        languages = options.source_lang, options.target_lang
        return tuple(in_files(*(f"{prefix}.{language}" for language in languages)) for prefix in prefixes)

    corpus = replace(
        OWN,
        source_lang=options.source_lang,
        target_lang=options.target_lang,
        train=texts(options.train),
        valid=texts(options.valid),
        tests={Path(prefix).name: texts([prefix]) for prefix in options.test},
        lowercase=options.lowercase,
        coverage=options.coverage,
    )
    return run_options(corpus, options)


def _language(text: str) -> str:
    """argparse type: what can stand in a file name of fairseq's, which has - and . between the parts."""
    if not re.fullmatch(r"[A-Za-z0-9_]+", text):
        raise argparse.ArgumentTypeError(f"must be letters, digits and _, not {text!r}")
    return text


def _share(text: str) -> float:
    """argparse type: what SentencePiece takes as coverage."""
    with suppress(ValueError):
        if 0.98 <= float(text) <= 1:
            return float(text)
    raise argparse.ArgumentTypeError(f"must be a number from 0.98 to 1, not {text!r}")


if __name__ == "__main__":
    sys.exit(main())
