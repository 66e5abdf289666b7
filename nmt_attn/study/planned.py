"""A study in words, before it is run."""

from collections.abc import Sequence
from typing import Any

from nmt_attn.presets import PRESETS
from nmt_attn.study.estimate import hours, measured_speed, model_cost, model_preset, run_work, tokens_an_update
from nmt_attn.study.launchers import processors
from nmt_attn.study.plan import Corpus, Model, Study

SCHEDULE = ("UPDATES", "TOKENS", "MAX_TOKENS", "LEARNING_RATE", "WARMUP", "VOCABULARY", "AVERAGE", "SAVE_EVERY")


def plan_text(study: Study, results: Sequence[dict[str, Any]], workers: int, speed: float | None) -> str:
    """Corpora, models with their cost, and time. speed: multiply-adds a second, where no run is finished that tells."""
    runs = study.runs()
    known = measured_speed(runs, results)
    lines = [f"{study.name}: {study.question}", ""]
    for corpus in study.corpora:
        lines += [_corpus_text(corpus), *_model_table(study, corpus, known or speed), ""]
    control = study.control
    lines += [
        f"compared with {study.reference}; headline: {', '.join(study.headline) or 'none'}",
        "positive control: "
        + (f"{control.model} on {control.corpus}" if control else "none, so nothing is negligible"),
        f"negligible: within +-{study.margins.negligible:g} BLEU (strict: {study.margins.strict:g}); "
        f"vital: more than {study.margins.vital:g}",
        *_expectations(study),
    ]
    total = f"{len(runs)} runs"
    if rate := known or speed:
        basis = "the speed of finished runs" if known else "the first updates of the reference, measured here"
        seconds = sum(map(run_work, runs)) / rate
        total += (
            f": training takes {hours(seconds)} in all, {hours(seconds / workers)} with {workers} at a time, by {basis}"
        )
    return "\n".join([*lines, total])


def _expectations(study: Study) -> list[str]:
    """How many there are, in a line; no line where there are none."""
    cans = [each.can for corpus in study.corpora for each in corpus.expectations]
    if not cans:
        return []
    return [
        f"expectations: {len(cans)}, {cans.count(True)} that a model can do a corpus' task (less than "
        f"{study.margins.task:g} BLEU below the reference), {cans.count(False)} that it cannot"
    ]


def _corpus_text(corpus: Corpus) -> str:
    schedule = [f"{name} {corpus.variables[name]}" for name in SCHEDULE if corpus.variables.get(name)]
    return f"{corpus.name}: {corpus.recipe.name}, {', '.join(schedule)}"


def _model_table(study: Study, corpus: Corpus, speed: float | None) -> list[str]:
    head = f"{'model':34}{'encoder self':>14}{'decoder self':>14}{'cross':>8}{'parameters':>13}{'multiply-adds':>15}"
    lines = [head + f"{'to reference':>14}{'seeds':>7}{'hours a run':>13}"]
    vocabulary = int(corpus.variables["VOCABULARY"])
    models: dict[str, Model] = {model.name: model for line in corpus.lines for model in line}
    runs = [run for run in study.runs() if run.corpus is corpus]
    reference = model_cost(models[study.reference], vocabulary)
    for name, model in models.items():
        own = [run for run in runs if run.model.name == name]
        preset, cost = model_preset(model), model_cost(model, vocabulary)
        mixers = (preset.encoder_self, preset.decoder_self, preset.cross) if preset else ("", "", "")
        line = f"{name:34}{mixers[0]:>14}{mixers[1]:>14}{mixers[2]:>8}"
        line += f"{cost.parameters:>13,}{cost.multiply_adds:>15,}" if cost else f"{'':>28}"
        line += f"{cost.multiply_adds / reference.multiply_adds:>14.3f}" if cost and reference else f"{'':>14}"
        lines.append(line + f"{len(own):>7}" + (f"{hours(run_work(own[0]) / speed):>13}" if speed else f"{'':>13}"))
    return lines


def reference_speed(study: Study, workers: int, gpus: Sequence[str]) -> float | None:
    """Multiply-adds a second of the reference on the first corpus, measured; None for an architecture of fairseq's."""
    from nmt_attn.analysis.training_speed import update_seconds

    if study.reference not in PRESETS:
        return None
    corpus = study.corpora[0]
    first = next(run for run in study.runs() if run.corpus is corpus and run.model.name == study.reference)
    tokens = min(tokens_an_update(corpus), 2000)
    threads = max(1, processors() // workers)
    vocabulary = max(100, int(corpus.variables["VOCABULARY"]))
    seconds = update_seconds(study.reference, tokens, vocabulary, threads, cuda=bool(gpus))
    work = run_work(first) / int(corpus.variables["UPDATES"]) * tokens / tokens_an_update(corpus)
    return work / seconds
