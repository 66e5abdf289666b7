"""Raw text to clean text: normalised, filtered training pairs; development and test text of the same form."""

from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from hashlib import blake2b
from pathlib import Path
from typing import Any

from data_prep.corpus import Corpus
from data_prep.errors import DataError
from data_prep.files import read_lines, write_lines, writing
from data_prep.filters import CONTROL, REASONS, REQUIRED, broken, script_of, wrong_script
from data_prep.normalise import normalise
from data_prep.parallel import blocks_of, in_order

Pair = tuple[str, str]
LEAKED = 0.1  # share of a test set in the training text from which on a score would mean little


@dataclass(frozen=True)
class Rules:
    """What a worker needs to know to clean a block of pairs."""

    reasons: frozenset[str]
    scripts: tuple[str, str]
    lowercase: bool

    def objection(self, pair: Pair) -> str:
        """The first reason to take a pair out that can be seen in it alone, "" for none."""
        if found := [reason for reason, _ in filter(None, map(broken, pair))]:
            return min(found, key=list(REASONS).index)
        if pair[0] == pair[1] and "identical" in self.reasons:
            return "identical"
        if "script" in self.reasons and any(map(wrong_script, pair, self.scripts)):
            return "script"
        return ""


def clean(corpus: Corpus, raw: Path, out: Path, workers: int) -> dict[str, Any]:
    """Writes train, valid and the tests of folder ``raw`` into ``out``; returns what each filter took."""
    evaluation = {
        name: list(evaluation_pairs(corpus, raw, name))
        for name in corpus.evaluation_sets
        if (raw / f"{name}.{corpus.source_lang}").exists()
    }
    for name, pairs in evaluation.items():
        write_pairs(corpus, out, name, pairs)
    marks = {name: {_mark(pair) for pair in pairs} for name, pairs in evaluation.items()}
    taken: Counter[str] = Counter()
    leaked: Counter[str] = Counter()
    with ExitStack() as stack:
        train = [stack.enter_context(writing(out / f"train.{language}")) for language in corpus.languages]
        held_out = corpus.languages if corpus.valid_every else ()
        valid = [stack.enter_context(writing(out / f"valid.{language}")) for language in held_out]
        kept = 0
        for pair in _kept(corpus, raw, workers, marks, taken, leaked):
            kept += 1
            streams = valid if corpus.valid_every and kept % corpus.valid_every == 0 else train
            for stream, text in zip(streams, pair, strict=True):
                stream.write(text + "\n")
    total = kept + sum(taken.values())
    _check_leaks(corpus, leaked, {name: len(pairs) for name, pairs in evaluation.items()})
    _check_taken(taken, total)
    return {
        "pairs": total,
        "kept": kept,
        "taken": {reason: taken[reason] for reason in REASONS if reason in corpus.filters.reasons},
        "overlap": dict(sorted(leaked.items())),
    }


def evaluation_pairs(corpus: Corpus, raw: Path, name: str) -> Iterator[Pair]:
    """Normalised, and of the control characters that official texts have only spaces left; no pair is taken out."""
    for pair in read_pairs(corpus, raw, name):
        source, target = (normalise(CONTROL.sub(" ", text), corpus.lowercase) for text in pair)
        yield source, target


def read_pairs(corpus: Corpus, folder: Path, name: str) -> Iterator[Pair]:
    return zip(*(read_lines(folder / f"{name}.{language}") for language in corpus.languages), strict=True)


def write_pairs(corpus: Corpus, folder: Path, name: str, pairs: Iterable[Pair]) -> None:
    for language, lines in zip(corpus.languages, zip(*pairs, strict=True), strict=True):
        write_lines(folder / f"{name}.{language}", lines)


def _kept(
    corpus: Corpus,
    raw: Path,
    workers: int,
    evaluation: dict[str, set[int]],
    taken: Counter[str],
    leaked: Counter[str],
) -> Iterator[Pair]:
    """The training pairs that stay; counts the others by reason, and those of evaluation sets by set."""
    reasons = frozenset(corpus.filters.reasons)
    scripts = (script_of(corpus.source_lang), script_of(corpus.target_lang))
    work = partial(_clean_block, Rules(reasons, scripts, corpus.lowercase))
    seen: set[int] = set()
    for pairs, block_taken in in_order(work, blocks_of(read_pairs(corpus, raw, "train")), workers):
        taken.update(block_taken)
        for pair, mark in pairs:
            found = [name for name, marks in evaluation.items() if mark in marks]
            if found and mark not in seen:
                leaked.update(found)
            if found and "overlap" in reasons:
                taken["overlap"] += 1
            elif mark in seen and "duplicate" in reasons:
                taken["duplicate"] += 1
            else:
                yield pair
            seen.add(mark)


def _clean_block(rules: Rules, block: list[Pair]) -> tuple[list[tuple[Pair, int]], Counter[str]]:
    taken: Counter[str] = Counter()
    kept = []
    for raw in block:
        pair = normalise(raw[0], rules.lowercase), normalise(raw[1], rules.lowercase)
        if reason := rules.objection(pair):
            taken[reason] += 1
        else:
            kept.append((pair, _mark(pair)))
    return kept, taken


def _mark(pair: Pair) -> int:
    """64 bits that tell pairs apart: two of 5 million share theirs with a probability below one in a million."""
    return int.from_bytes(blake2b("\n".join(pair).encode(), digest_size=8).digest(), "little")


def _check_taken(taken: Counter[str], pairs: int) -> None:
    """Raises DataError if most pairs went for what can be seen in them alone: then it is the wrong text."""
    for reason in REASONS:
        if reason not in ("overlap", "duplicate") and 2 * taken[reason] > pairs:
            keep = f"give other text, or keep them all the same with --without {reason}"
            raise DataError(
                f"at most half of the training pairs may be taken out as {reason!r}, not {taken[reason]} of {pairs} "
                f"({REASONS[reason]}): {'give the raw text' if reason in REQUIRED else keep}"
            )


def _check_leaks(corpus: Corpus, leaked: Counter[str], sizes: dict[str, int]) -> None:
    for name, count in leaked.items():
        if "overlap" in corpus.filters.reasons and count > LEAKED * sizes[name]:
            raise DataError(
                f"at most {LEAKED:.0%} of {name} may be in the training text, not {count} of {sizes[name]} pairs: "
                "split the corpus anew, or keep them all the same with --without overlap"
            )
