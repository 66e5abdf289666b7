"""BLEU and chrF with their signatures, by sacreBLEU (Post 2018), and exact matches, on detokenised text."""

import json
import os
import re
from codecs import BOM_UTF8
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sacrebleu
from sacrebleu.metrics import BLEU, CHRF

from nmt_attn.spec import SpecError
from nmt_attn.study.exact import exact_match
from nmt_attn.study.tokenised import TokenisedScore, tokenised_score

RESAMPLES = 1000
NAMES = ("hypotheses", "references")
OFFICIAL = "give the official, untokenised file"
SUBWORD_MENDS = ("translate with --post-process (or --remove-bpe)", OFFICIAL)
TOKEN_MENDS = ("detokenise the translations", OFFICIAL)

# What str.splitlines takes for the end of a line.
LINE_BREAK = re.compile("[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]")
SUBWORD_TRACES = {"▁": (re.compile("▁"), "SentencePiece"), "@@ ": (re.compile(r"[^\s@]@@(?!\S)"), "subword-nmt")}
# As Moses writes them: tokens of their own, only the apostrophe may have a part of a word on one side.
MOSES_TRACE = re.compile(r"(?<!\S)(?:&(?:quot|#91|#93|#124);|@-@|@/@)(?!\S)|(?<!\S)&apos;|&apos;(?!\S)")
PUNCTUATED = re.compile(r"[.,?](?!\S)")
SPACED = re.compile(r"[^\s.,?!] [.,?](?!\S)")  # not the dots of " ...", nor those that a poor model repeats


@dataclass(frozen=True)
class Score:
    """What sacreBLEU says of a translation, in percent, and all that it depends on.

    The bootstrap over sentences is that of sacreBLEU's --confidence: the mean of the resamples, half the width of the
    interval that holds 95 % of them, the seed ("none" for none). exact_match: translations that are their reference,
    character by character but for spaces at the ends of the line.
    """

    bleu: float
    signature: str
    bootstrap_mean: float
    bootstrap_half_width: float
    bootstrap_seed: int | str
    chrf: float
    chrf_signature: str
    scorer: str
    sentences: int
    exact_match: float
    tokenised: TokenisedScore | None = None

    def fields(self) -> dict[str, Any]:
        """The score as a result states it, rounded to 4 digits."""
        fields = {
            "bleu": round(self.bleu, 4),
            "signature": self.signature,
            "bleu_bootstrap_mean": self.bootstrap_mean,
            "bleu_bootstrap_half_width": self.bootstrap_half_width,
            "bleu_bootstrap_resamples": RESAMPLES,
            "bleu_bootstrap_seed": self.bootstrap_seed,
            "chrf": round(self.chrf, 4),
            "chrf_signature": self.chrf_signature,
            "scorer": self.scorer,
            "sentences": self.sentences,
            "exact_match": round(self.exact_match, 4),
        }
        if self.tokenised:
            fields["tokenised_bleu"] = round(self.tokenised.bleu, 4)
            fields["compound_split_bleu"] = round(self.tokenised.compound_split_bleu, 4)
            fields["tokeniser"] = self.tokenised.tokeniser
        return fields

    @property
    def text(self) -> str:
        """The score in one line for a reader."""
        low, high = (self.bootstrap_mean + side * self.bootstrap_half_width for side in (-1, 1))
        text = f"BLEU {self.bleu:.1f} (95 % interval {low:.1f} to {high:.1f} over sentences), chrF2 {self.chrf:.1f}"
        text += f", exact match {self.exact_match:.1f} %"
        if self.tokenised:
            text += f", tokenised {self.tokenised.bleu:.1f}, compound-split {self.tokenised.compound_split_bleu:.1f}"
        return f"{text}; {self.sentences} sentences; {self.signature}"


def score_files(hypotheses: Path, references: Path, language: str | None = None, lowercase: bool = False) -> Score:
    """:func:`score` of two files with one sentence a line; messages name the files."""
    names = (str(hypotheses), str(references))
    return score(read_lines(hypotheses), read_lines(references), language, lowercase, names)


def score(
    hypotheses: Sequence[str],
    references: Sequence[str],
    language: str | None = None,
    lowercase: bool = False,
    names: tuple[str, str] = NAMES,
) -> Score:
    """Corpus BLEU, chrF2 and exact matches; with the code of a language also tokenised BLEU.

    Raises SpecError if the two do not belong together, or if one is not the plain text that sacreBLEU expects.
    """
    if len(hypotheses) != len(references):
        raise SpecError(
            f"{names[0]} must have as many lines as {names[1]} ({len(references)}), not {len(hypotheses)}: "
            "translate the whole test set, one sentence a line"
        )
    if not references:
        raise SpecError(f"{names[1]} must hold at least one sentence to score, not 0: {OFFICIAL}")
    for side, (lines, name) in enumerate(zip((hypotheses, references), names, strict=True)):
        _check_lines(lines, name)
        _check_subwords(lines, name, SUBWORD_MENDS[side])
        _check_untokenised(lines, name, TOKEN_MENDS[side])
    _check_seed()
    tokenised = tokenised_score(hypotheses, references, language, lowercase) if language is not None else None
    metric, chrf_metric = BLEU(lowercase=lowercase), CHRF(lowercase=lowercase)
    bleu = metric.corpus_score(list(hypotheses), [list(references)], n_bootstrap=RESAMPLES)
    chrf = chrf_metric.corpus_score(list(hypotheses), [list(references)])
    signature = _plain_signature(metric)
    # sacreBLEU tells the interval only here, rounded, and not at all where every resample scores zero.
    told = json.loads(bleu.format(width=4, signature=signature, is_json=True))
    return Score(
        bleu.score,
        signature,
        told.get("confidence_mean", 0.0),
        told.get("confidence_var", 0.0),
        int(metric.seed) if metric.seed.isdigit() else metric.seed,
        chrf.score,
        _plain_signature(chrf_metric),
        f"sacrebleu {sacrebleu.__version__}",
        len(references),
        exact_match(hypotheses, references, lowercase),
        tokenised,
    )


def _plain_signature(metric: Any) -> str:
    """A metric's signature without the bootstrap, on which the score does not depend."""
    signature = metric.get_signature()
    for name in ("bs", "seed"):
        signature.update(name, None)
    return re.sub(r"\s+", "", str(signature))


def read_lines(path: Path) -> list[str]:
    """The lines of a text in UTF-8, without their ends ("\\n", or "\\r\\n" as Windows writes them).

    Raises SpecError if the file cannot be read, or begins with a byte order mark, which would count as a character.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise SpecError(f"{path} must be a readable file: {error.strerror}") from None
    if content.startswith(BOM_UTF8):
        raise SpecError(
            f"{path} must be UTF-8 without a byte order mark, but begins with one: remove its first 3 bytes"
        )
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise SpecError(
            f"{path} must be UTF-8, but byte {error.start} (in line {line}) is 0x{content[error.start]:02x}: "
            "convert it with iconv"
        ) from None
    return [line.removesuffix("\r") for line in text.removesuffix("\n").split("\n")] if text else []


def _check_lines(lines: Sequence[str], name: str) -> None:
    for number, line in enumerate(lines, start=1):
        if match := LINE_BREAK.search(line):
            raise SpecError(
                f"{name} must hold one sentence a line, but line {number} holds U+{ord(match[0]):04X}, which ends a "
                "line for other programs: put a space in its place"
            )


def _check_subwords(lines: Sequence[str], name: str, mend: str) -> None:
    for trace, (pattern, tool) in SUBWORD_TRACES.items():
        for number, line in enumerate(lines, start=1):
            if pattern.search(line):
                raise SpecError(f"{name} must be plain text, but line {number} holds {trace!r} of {tool}: {mend}")


def _check_untokenised(lines: Sequence[str], name: str, mend: str) -> None:
    for number, line in enumerate(lines, start=1):
        if match := MOSES_TRACE.search(line):
            raise SpecError(f"{name} must be plain text, but line {number} holds {match[0]} of a tokeniser: {mend}")
    spaced = [number for number, line in enumerate(lines, start=1) if SPACED.search(line)]
    punctuated = sum(bool(PUNCTUATED.search(line)) for line in lines)
    if 2 * len(spaced) > punctuated:
        raise SpecError(
            f"{name} must be plain text, but {len(spaced)} of its {punctuated} lines with a full stop, comma or "
            f"question mark have a space before it, as a tokeniser puts it, line {spaced[0]} the first: {mend}"
        )


def _check_seed() -> None:
    """sacreBLEU takes the seed of the bootstrap from the environment."""
    seed = os.environ.get("SACREBLEU_SEED", "12345")
    if seed.lower() != "none" and not (seed.isascii() and seed.isdigit()):
        raise SpecError(f"SACREBLEU_SEED must be a whole number or none, not {seed!r}: unset it")
