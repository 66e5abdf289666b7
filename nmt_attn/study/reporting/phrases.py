"""How models, numbers and verdicts are written, the same in text, tables and figures."""

from collections.abc import Sequence
from math import isfinite

from nmt_attn.presets import PRESETS
from nmt_attn.study.plan import Study
from nmt_attn.study.reporting.facts import CorpusFindings, Role, Row
from nmt_attn.study.verdicts import Word

LONGEST = 30


def model_label(model: str, study: Study) -> str:
    """A short name: self0111 for nmt_attn_tiny_self0111 beside nmt_attn_tiny, which is "1111 (reference)"."""
    base = _base(study)
    if model == base:
        short = "1111"
    elif base and model.startswith(f"{base}_"):
        short = model.removeprefix(f"{base}_")
    else:
        short = model
    short = short if len(short) <= LONGEST else short[: LONGEST - 1] + "…"
    return f"{short} (reference)" if model == study.reference else short


def _base(study: Study) -> str | None:
    """The architecture with 1111 everywhere in the size of the reference, if that is one of ours."""
    models = {model.name: model for corpus in study.corpora for line in corpus.lines for model in line}
    arch = models[study.reference].arch
    return "_".join(arch.split("_")[:3]) if arch in PRESETS else None


def points(value: float) -> str:
    """A difference in BLEU points, with its sign."""
    return f"{value:+.2f}" if round(value, 2) else "0.00"


def interval_text(bounds: tuple[float, float] | None) -> str:
    return f"{points(bounds[0])} to {points(bounds[1])}" if bounds else ""


def difference_with_interval(difference: float, bounds: tuple[float, float] | None) -> str:
    """D, and its interval where it is known."""
    return points(difference) + (f" ({interval_text(bounds)})" if bounds else "")


def probability(value: float | None) -> str:
    """p with two digits that count, and never as 0."""
    if value is None or not isfinite(value):
        return ""
    if value < 0.001:
        return "< 0.001"
    return f"{value:.3f}" if value < 0.1 else f"{value:.2f}"


def p_text(value: float) -> str:
    """p with its sign of relation."""
    told = probability(value)
    return f"p {told}" if told.startswith("<") else f"p = {told}"


def verdict_text(row: Row) -> str:
    """The word of a row and what it is worth; of exploratory models what Holm's correction leaves to say."""
    found = row.comparison
    if found is None:
        return row.role.value if row.role is Role.REFERENCE else ""
    word, told = found.verdict.word, [f"provisional, {found.provisional}"] if found.provisional else []
    if row.role is Role.EXPLORATORY:
        told += [f"Holm p {probability(found.holm)}"] if found.holm is not None else []
        return _with(f"{Role.EXPLORATORY.value}, {word.value}", told)
    if row.role is Role.CONTROL:
        told.append(Role.CONTROL.value)
    if found.depends_on_variance and found.welch_verdict and word is not Word.SINGLE:
        told.append(f"Welch: {found.welch_verdict.word.value}")
    return _with(word.value, told)


def _with(text: str, remarks: Sequence[str]) -> str:
    return f"{text} ({', '.join(remarks)})" if remarks else text


def runs_text(runs: tuple[int, int]) -> str:
    """How many runs there are of a model; runs: of the reference and of the model."""
    reference, model = runs
    if reference == model:
        return f"{amount(model, 'run', 'runs')} of each"
    return f"{amount(model, 'run', 'runs')}, {reference} of the reference"


def mean_text(mean: float, deviation: float | None, runs: int) -> str:
    """Mean, standard deviation over seeds and number of runs."""
    return f"{spread(mean, deviation)} ({runs})"


def spread(mean: float, deviation: float | None) -> str:
    """Mean and standard deviation over seeds."""
    return f"{mean:.2f}" if deviation is None else f"{mean:.2f} ± {deviation:.2f}"


def percent(value: float | None) -> str:
    """A part in percent, without the sign."""
    return "" if value is None else f"{value:.2f}"


def basis(corpus: CorpusFindings) -> str:
    """Scorer's signature, test set, sentences, updates: what must be said with any BLEU."""
    first = corpus.first
    test_set = f"{first['test_set']}, " if first.get("test_set") else ""
    return f"BLEU: {first['signature']}; {test_set}{first['sentences']:,} sentences; {first['updates']:,} updates."


def count(value: int | None) -> str:
    return "" if value is None else f"{value:,}"


def millions(value: int | None) -> str:
    return "" if value is None else f"{value / 1e6:,.1f} M"


def seconds(value: float | None) -> str:
    return "" if value is None else f"{value:,.0f}" if value >= 10 else f"{value:.1f}"


def amount(number: int, one: str, several: str) -> str:
    return f"{number:,} {one if number == 1 else several}"
