"""From a corpus to fairseq's binary files, in steps that are kept, with a manifest."""

import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any
from unicodedata import unidata_version

from data_prep import subwords
from data_prep.binarise import binarise
from data_prep.clean import clean
from data_prep.corpus import Corpus, Text
from data_prep.download import fetch, with_checksums
from data_prep.errors import DataError
from data_prep.files import digest, writing
from data_prep.filters import REASONS
from data_prep.parallel import processors
from data_prep.raw import sets, unpack
from data_prep.steps import Record, checksums, only_one, step

# The steps, in order. A number is raised with each change of the code that changes what its step makes.
VERSIONS = {"raw": 1, "text": 1, "subwords": 1, "pieces": 1, "bin": 1}


@dataclass(frozen=True)
class Settings:
    """Where the data come from, how the work is done, and two limits.

    ``source``: folder or address of the archives, "" for the mirrors. ``checksums``: a file of sha256sum's that stands
    for the published checksums. ``words``: distinct words that subwords are learned from. ``longest``: subwords of a
    development or test sentence.
    """

    source: str = ""
    checksums: Path | None = None
    jobs: int = 4
    workers: int = processors()
    words: int = subwords.WORDS
    longest: int = subwords.LONGEST


def prepare(corpus: Corpus, out: Path, settings: Settings) -> dict[str, Any]:
    """Does what is not done yet in folders of ``out``: raw, text, subwords, pieces, bin; returns the manifest.

    Raises DataError. Only what depends on a changed parameter or text is done again.
    """
    if {",", ":"} & set(str(out.absolute())):
        raise DataError(f"--out must have no comma and no colon in its path, which fairseq splits there, not {out}")
    if settings.checksums is not None:
        corpus = replace(corpus, archives=with_checksums(corpus.archives, settings.checksums))
    with only_one(out):
        (out / "manifest.json").unlink(missing_ok=True)
        manifest = {
            "corpus": corpus.name,
            "source_lang": corpus.source_lang,
            "target_lang": corpus.target_lang,
            "tests": list(corpus.tests),
            "steps": _steps(corpus, out, settings),
        }
        with writing(out / "manifest.json") as stream:
            stream.write(json.dumps(manifest, indent=1, ensure_ascii=False) + "\n")
        return manifest


def _steps(corpus: Corpus, out: Path, settings: Settings) -> dict[str, Record]:
    """The record of each step, done now or before."""
    raw, text, model, pieces, binary = (out / name for name in VERSIONS)
    given, workers = parameters(corpus, settings), settings.workers
    records: dict[str, Record] = {}

    def do(folder: Path, inputs: dict[str, str], make: Callable[[Path], dict[str, Any]]) -> dict[str, str]:
        records[folder.name] = step(folder, given[folder.name], inputs, make)
        return checksums(records[folder.name])

    raw_files = do(
        raw,
        _sources(corpus),
        lambda part: unpack(corpus, _archives(corpus, out / "archives", settings), part),
    )
    text_files = do(text, raw_files, lambda part: clean(corpus, raw, part, workers))
    model_files = do(
        model,
        {name: sha for name, sha in text_files.items() if name.startswith("train.")},
        lambda part: subwords.train(corpus, text, part, workers, settings.words),
    )
    piece_files = do(
        pieces,
        {**text_files, "subwords.model": model_files["subwords.model"]},
        lambda part: subwords.encode(corpus, text, model / "subwords.model", part, workers, settings.longest),
    )
    do(binary, piece_files, lambda part: binarise(corpus, pieces, part, workers))
    return records


def parameters(corpus: Corpus, settings: Settings) -> dict[str, dict[str, Any]]:
    """What each step depends on besides its input."""
    late = [reason for reason in corpus.filters.reasons if reason in ("length", "ratio")]
    chosen: dict[str, dict[str, Any]] = {
        "raw": {name: [_listed(text) for text in texts] for name, texts in sets(corpus).items()},
        "text": {
            "filters": [reason for reason in corpus.filters.reasons if reason not in late],
            "lowercase": corpus.lowercase,
            "valid_every": corpus.valid_every,
            "unicode": unidata_version,
        },
        "subwords": {
            "type": corpus.subwords,
            "vocabulary": corpus.vocabulary,
            "coverage": corpus.coverage,
            "normalization": subwords.NORMALIZATION,
            "words": settings.words,
            "sentencepiece": version("sentencepiece"),
        },
        "pieces": {
            "filters": late,
            "max_length": corpus.filters.max_length,
            "max_ratio": corpus.filters.max_ratio,
            "longest": settings.longest,
        },
        "bin": {"fairseq": _fairseq()},
    }
    return {name: {"version": VERSIONS[name], **values} for name, values in chosen.items()}


def _archives(corpus: Corpus, folder: Path, settings: Settings) -> dict[str, Path]:
    return fetch(corpus.archives, folder, settings.source, settings.jobs) if corpus.archives else {}


def report(manifest: dict[str, Any]) -> str:
    """What each filter took and what is left, as a table that a person reads."""
    text, pieces = (manifest["steps"][name]["report"] for name in ("text", "pieces"))
    rows = [(text["pairs"], "training pairs")]
    rows += [(-count, f"{reason}: {REASONS[reason]}") for reason, count in {**text["taken"], **pieces}.items()]
    encoded = manifest["steps"]["pieces"]["outputs"]
    held_out = text["kept"] - manifest["steps"]["text"]["outputs"][f"train.{manifest['source_lang']}"]["lines"]
    rows += [(-held_out, "held out as development text")] if held_out else []
    rows += [(encoded[f"train.{manifest['source_lang']}"]["lines"], "training pairs stay")]
    lines = [f"{count:>12,}  {what}" for count, what in rows]
    for name, count in text["overlap"].items():
        lines.append(f"{count:>12,}  pairs of {name} were in the training text")
    return "\n".join(lines)


def _listed(text: Text) -> list[str]:
    """A text's sides without the folders of this machine."""
    return [f"{side.archive}:{side.name}" if side.archive else Path(side.name).name for side in text.sides]


def _sources(corpus: Corpus) -> dict[str, str]:
    """Checksums of the archives, and of the files that are in none. Raises DataError if a file is missing."""
    inputs = {archive.name: archive.checksum for archive in corpus.archives}
    for name, texts in sets(corpus).items():
        for number, text in enumerate(texts, start=1):
            for language, side in zip(corpus.languages, text.sides, strict=True):
                if side.archive:
                    continue
                if not Path(side.name).is_file():
                    raise DataError(f"{side.name} must be a text file, a sentence a line, but there is none")
                inputs[f"{name} {number} {language}"] = digest(Path(side.name))
    return inputs


def _fairseq() -> str:
    """Name and version of the package that is installed as fairseq."""
    for name in ("ve-fairseq", "fairseq-fixed", "fairseq"):
        with suppress(PackageNotFoundError):
            return f"{name} {version(name)}"
    raise DataError("fairseq must be installed to binarise: pip install -c constraints.txt -e .")
