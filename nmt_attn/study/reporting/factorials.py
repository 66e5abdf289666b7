"""Which models of a study are a code at one place with 1111 everywhere else, and what follows from having many."""

from collections.abc import Collection, Mapping

from nmt_attn.presets import PRESETS, Preset
from nmt_attn.spec import ALL_CODES
from nmt_attn.study.plan import Corpus, Model
from nmt_attn.study.reporting.facts import Factorial, Interaction
from nmt_attn.study.statistics import Cells, main_effects

FULL = "1111"


def places(corpus: Corpus, reference: str) -> dict[str, dict[str, str]]:
    """For self (encoder and decoder alike) and cross: code to model, in the order of the plan.

    Only models with the sizes and the flags of the reference count: else more than the code would differ.
    """
    models = {model.name: model for line in corpus.lines for model in line}
    base = models[reference]
    found: dict[str, dict[str, str]] = {"self": {}, "cross": {}}
    for model in models.values():
        preset = _comparable(model, base)
        if preset is None:
            continue
        if preset.encoder_self == preset.decoder_self and preset.cross == FULL:
            found["self"].setdefault(preset.encoder_self, model.name)
        if preset.encoder_self == preset.decoder_self == FULL:
            found["cross"].setdefault(preset.cross, model.name)
    return {place: {code: name for code, name in by.items() if code in ALL_CODES} for place, by in found.items()}


def _comparable(model: Model, base: Model) -> Preset | None:
    preset, reference = PRESETS.get(model.arch), PRESETS.get(base.arch)
    if preset is None or reference is None or preset.size != reference.size or model.flags != base.flags:
        return None
    return preset


def interactions(
    cells: Cells, codes: Mapping[str, Mapping[str, str]], reference: str, headline: Collection[str]
) -> tuple[Interaction, ...]:
    """D_cross - D_self for every code, other than the full one, that has scores at both places."""
    found = []
    for code, in_self in codes["self"].items():
        in_cross = codes["cross"].get(code)
        if code == FULL or in_cross is None or not {reference, in_self, in_cross} <= set(cells.scores):
            continue
        contrast = cells.interaction((reference, in_cross), (reference, in_self))
        runs = len(cells.scores[in_self]), len(cells.scores[in_cross])
        found.append(Interaction(code, in_self, in_cross, runs, contrast, not {in_self, in_cross} <= set(headline)))
    return tuple(found)


def factorials(cells: Cells, codes: Mapping[str, Mapping[str, str]]) -> tuple[Factorial, ...]:
    """The codes with scores at each place, and the effects of the terms where none of the 16 is missing."""
    found = []
    for place, models in codes.items():
        scored = {code: models[code] for code in ALL_CODES if models.get(code) in cells.scores}
        whole = len(scored) == len(ALL_CODES) and bool(cells.deviation)
        effects = main_effects(cells, {model: code for code, model in scored.items()}) if whole else None
        found.append(Factorial(place, scored, effects))
    return tuple(found)
