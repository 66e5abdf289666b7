"""How much work the runs of a study are, before they are made."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

from nmt_attn.analysis.cost import Cost, Workload, preset_cost
from nmt_attn.presets import PRESETS, Preset
from nmt_attn.spec import SpecError
from nmt_attn.study.plan import Corpus, Model, Run
from nmt_attn.study.store import result_name

MIXER_FLAGS = {
    "--self-attn": ("encoder_self", "decoder_self"),
    "--enc-self-attn": ("encoder_self",),
    "--dec-self-attn": ("decoder_self",),
    "--cross-attn": ("cross",),
}
SIZE_FLAGS = ("--encoder-", "--decoder-", "--position-size")


def model_preset(model: Model) -> Preset | None:
    """The architecture with the mixers that its flags name; None where flags change the sizes, or it is fairseq's."""
    preset = PRESETS.get(model.arch)
    flags = [part for flag in model.flags for part in flag.split("=", 1)]
    if preset is None or any(flag.startswith(SIZE_FLAGS) for flag in flags):
        return None
    for flag, value in pairwise(flags):
        name = flag.removesuffix("-mixer").removesuffix("-terms")
        if name in MIXER_FLAGS and name != flag:
            for site in MIXER_FLAGS[name]:
                preset = replace(preset, **{site: value})  # type: ignore[arg-type]
    return preset


def model_cost(model: Model, vocabulary: int) -> Cost | None:
    """Parameters and multiply-adds of a pair of 30 tokens each; None where only the trained model can tell."""
    preset = model_preset(model)
    try:
        return preset_cost(preset, Workload(vocabulary=vocabulary)) if preset else None
    except SpecError:  # mixers in flags that do not fit: the training will say so
        return None


def run_work(run: Run) -> float:
    """Multiply-adds of all updates of a run, forward only; of an unknown model those of the corpus' first."""
    variables = run.corpus.variables
    vocabulary = int(variables["VOCABULARY"])
    models = [run.model, *(model for line in run.corpus.lines for model in line)]
    costs = (cost.multiply_adds for model in models if (cost := model_cost(model, vocabulary)))
    return int(variables["UPDATES"]) * tokens_an_update(run.corpus) * next(costs, 60_000_000) / 60


def tokens_an_update(corpus: Corpus) -> int:
    """Tokens with padding, of the longer side."""
    return int(corpus.variables.get("TOKENS") or corpus.variables["MAX_TOKENS"])


def measured_speed(runs: Sequence[Run], results: Sequence[dict[str, Any]]) -> float | None:
    """Multiply-adds a second of those runs that are finished; None before there is one."""
    seconds = {result_name(result): result.get("training_seconds", 0) for result in results}
    timed = [
        run for run in runs if seconds.get(run.name) and model_cost(run.model, int(run.corpus.variables["VOCABULARY"]))
    ]
    return sum(map(run_work, timed)) / sum(seconds[run.name] for run in timed) if timed else None


def hours(seconds: float) -> str:
    """Hours and minutes."""
    minutes = round(seconds / 60)
    return f"{minutes // 60}:{minutes % 60:02d} h"
