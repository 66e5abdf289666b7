"""Stores of studies that were never trained: generated sentences in which a share of the words went wrong."""

import json
import random
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import sacrebleu

from nmt_attn.corpora.fragment import generate
from nmt_attn.presets import PRESETS
from nmt_attn.study.plan import Study, read_study

RECIPE = Path(__file__).parents[2] / "recipes" / "generated.sh"
SIGNATURE = "nrefs:1|case:mixed|eff:no|tok:13a|smooth:exp|version:2.6.0"
SENTENCES = 60
TINY = "nmt_attn_tiny"

# A small study with all that a report can show but a factorial: model to its share of wrong words, a corpus each.
SHARES = {
    "fragment": {
        TINY: 0.060,
        f"{TINY}_self0111": 0.061,
        f"{TINY}_cross0111": 0.30,
        f"{TINY}_deform": 0.075,
        f"{TINY}_alibi": 0.060,
        "windowed": 0.10,
    },
    "recall": {TINY: 0.05, f"{TINY}_self0111": 0.60},
}
FILE = f"""\
name: small
question: Is <the comparison> of query & key contents needed?
reference: {TINY}
headline: [{TINY}_self0111, {TINY}_cross0111]
control: {{corpus: recall, model: {TINY}_self0111}}
margins: {{negligible: 2.5, strict: 1.5, vital: 4.0}}
seeds: 3
models:
  - {TINY}
  - {TINY}_self0111
  - {TINY}_cross0111
  - {TINY}_deform
  - {TINY}_alibi
  - {{arch: {TINY}, name: windowed, flags: --attn-window 8}}
corpora:
  fragment: {{recipe: {RECIPE}}}
  recall: {{recipe: {RECIPE}, models: [{TINY}, {TINY}_self0111]}}
"""


FACTORIAL = f"""\
name: factorial
reference: {TINY}
headline: [{TINY}_self0111]
seeds: 2
models:
  - {TINY}_self*
  - {{arch: {TINY}_self0010, name: far, flags: --max-relative-distance 4}}
corpora:
  fragment: {{recipe: {RECIPE}}}
"""


def study_in(folder: Path, text: str = FILE) -> tuple[Study, Path]:
    """The study of a text, and its file."""
    path = folder / "small.study"
    path.write_text(text, encoding="utf-8")
    return read_study(path), path


def records_of(study: Study, shares: Mapping[str, Mapping[str, float]], folder: Path) -> list[dict[str, Any]]:
    """A result for every run of the study whose model has a share, with its translations in the folder."""
    found = []
    for run in study.runs():
        share = shares.get(run.corpus.name, {}).get(run.model.name)
        if share is None:
            continue
        references = _references(run.corpus.name)
        hypotheses = _corrupted(references, share, run.name)
        texts = Path("translations") / run.corpus.name
        _write(folder / texts / f"{run.folder}.txt", hypotheses)
        _write(folder / texts / "references.txt", references)
        found.append(
            record(
                run.corpus.name,
                run.model.name,
                run.seed,
                preset=run.model.arch,
                flags=list(run.model.flags),
                bleu=round(sacrebleu.corpus_bleu(list(hypotheses), [list(references)]).score, 4),
                chrf=round(sacrebleu.corpus_chrf(list(hypotheses), [list(references)]).score, 4),
                hypotheses=(texts / f"{run.folder}.txt").as_posix(),
                references=(texts / "references.txt").as_posix(),
            )
        )
    return found


def record(corpus: str, model: str, seed: int, **fields: Any) -> dict[str, Any]:
    """A result with plausible values in all fields that are not given."""
    preset = PRESETS[fields.get("preset", model)]
    updates = [100 * step for step in range(1, 11)]
    hurt = 1 + random.Random(model).random() + seed / 1e7
    return {
        "study": "small",
        "corpus": corpus,
        "model": model,
        "preset": preset.name,
        "flags": [],
        "seed": seed,
        "settings": {"UPDATES": "1000", "SEED": str(seed), "MAX_TOKENS": "1200"},
        "encoder_self": preset.encoder_self,
        "decoder_self": preset.decoder_self,
        "cross": preset.cross,
        "absolute_positions": "none",
        "updates": 1000,
        "parameters": 1_361_280 - 1000 * preset.encoder_self.count("0"),
        "multiply_adds": 53_000_000 - 300_000 * preset.encoder_self.count("0") - 150_000 * preset.cross.count("0"),
        "bleu": 80.0,
        "signature": SIGNATURE,
        "chrf": 90.0,
        "chrf_signature": "nrefs:1|case:mixed|eff:yes|nc:6|nw:0|space:no|version:2.6.0",
        "bleu_bootstrap_mean": 80.0,
        "bleu_bootstrap_half_width": 1.2,
        "scorer": "sacrebleu 2.6.0",
        "sentences": SENTENCES,
        "test_sha256": f"test {corpus}",
        "data_sha256": f"data {corpus}",
        "training_seconds": 250.0 + len(model) + seed / 1e6,
        "translation_seconds": 5.25,
        "code_version": "0.1.0+abcdef0",
        "trained_with": [
            {
                "code_version": "0.1.0+abcdef0",
                "python": "3.11.2",
                "torch": "2.13.0",
                "fairseq": "ve-fairseq 0.12.3",
                "device": "a processor",
                "threads": 1,
            }
        ],
        "curve": [[update, 2.5 + 4 * 0.996**update + 0.2 * hurt * update / 1000] for update in updates],
        "finished": "2024-01-01T00:00:00Z",
        **fields,
    }


def scored(corpus: str, scores: Mapping[str, Sequence[float]]) -> list[dict[str, Any]]:
    """Results without texts: model to its BLEU with seeds 1000000, 2000000 and so on."""
    return [
        record(corpus, model, 1_000_000 * number, bleu=bleu)
        for model, row in scores.items()
        for number, bleu in enumerate(row, start=1)
    ]


def write_store(folder: Path, records: Sequence[Mapping[str, Any]]) -> Path:
    path = folder / "results.jsonl"
    path.write_text("".join(json.dumps(each) + "\n" for each in records), encoding="utf-8")
    return path


@cache
def _references(corpus: str) -> tuple[str, ...]:
    return tuple(pair.target_text for pair in generate(SENTENCES, sum(map(ord, corpus))))


def _corrupted(references: Sequence[str], share: float, name: str) -> tuple[str, ...]:
    """Mostly the same words go wrong in all runs, as with models of one data set, so that seeds differ little."""
    common, own = random.Random("common"), random.Random(name)
    words = [word for line in references for word in line.split()]

    def wrong() -> bool:
        chance = common.random()
        return (own.random() if own.random() < 0.1 else chance) < share

    return tuple(" ".join(own.choice(words) if wrong() else word for word in line.split()) for line in references)


def _write(path: Path, lines: Sequence[str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(line + "\n" for line in lines), encoding="utf-8")
