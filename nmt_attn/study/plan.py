"""A study as a file that a person reads: which models, on which corpora, with which seeds, and what shall be compared.

    name: quick
    question: Is the comparison of query and key contents needed?
    reference: nmt_attn_tiny                  the model that all others are compared with
    headline: [nmt_attn_tiny_self0111]        the comparisons that the study is made for; all others are exploratory
    control: {corpus: recall, model: nmt_attn_tiny_self0111}     where a loss must show, or nothing is "negligible"
    margins: {negligible: 0.5, strict: 0.3, vital: 1.0, task: 5}   in BLEU points; these by default
    seeds: 3                                  1000000, 2000000, 3000000; or a list, at least 10^6 apart
    models:                                   in the order of work; a line takes one seed after the other
      - nmt_attn_tiny_self*                   patterns stand for all architectures that fit: here 16 codes
      - {arch: nmt_attn_tiny, name: windowed, flags: --attn-window 8, seeds: 5}
    corpora:
      fragment:
        recipe: ../generated.sh               seen from this file
        settings: {UPDATES: 2000}             variables of the recipe
      recall: {recipe: ../generated.sh, settings: {CORPUS: recall}, models: [nmt_attn_tiny, nmt_attn_tiny_self0111]}
      copy:
        recipe: ../generated.sh
        expect:                               written before the runs; the report compares them with the outcome
          - {model: nmt_attn_tiny_cross0001, can: yes, because: position alone tells which word to copy}
    tracking: --wandb-project attention       flags of fairseq-train that do not change the numbers

YAML, of which every value is read as text: 0111 is a code and no octal number.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import yaml

from nmt_attn.archs import WILDCARDS, canonical, matching
from nmt_attn.presets import PRESETS
from nmt_attn.spec import SpecError
from nmt_attn.study.expectations import Expectation, check_expectations, read_expectations
from nmt_attn.study.margins import Margins
from nmt_attn.study.recipe import checked_variables
from nmt_attn.study.words import checked_name, flags, mapping, numbers, text, texts

SEED_DISTANCE, MOST_SEED = 1_000_000, 2**31
OF_THE_FOLDER = {"lock", "logs", "failed", "translations", "report", "slurm"}
# Variables of recipes that the runner sets for each run; and those that say where data are, which the shell may set.
RESERVED = {"OUT", "VENV", "SEED", "STEPS", "RUN_NAME", "TRACKING", "OMP_NUM_THREADS"}
DATA_PLACES = {"MULTI30K", "IWSLT14", "WMT14", "CHECKSUMS"}


@dataclass(frozen=True)
class Model:
    """What is trained: an architecture with further flags of fairseq-train, under a name, once a seed."""

    name: str
    arch: str
    flags: tuple[str, ...]
    seeds: tuple[int, ...]


@dataclass(frozen=True)
class Corpus:
    """A recipe with values for its variables, and the models that are trained on it, line by line of the file.

    settings: what the file says. variables: these, and the recipe's defaults for the others. expectations: what the
    file says of its models before the runs.
    """

    name: str
    recipe: Path
    settings: Mapping[str, str]
    variables: Mapping[str, str]
    lines: tuple[tuple[Model, ...], ...]
    expectations: tuple[Expectation, ...]

    @property
    def models(self) -> list[str]:
        """Names of the models, each once."""
        return list(dict.fromkeys(model.name for line in self.lines for model in line))


@dataclass(frozen=True)
class Control:
    """A comparison with the reference that must turn out vital, or the study could not have seen a loss."""

    corpus: str
    model: str


@dataclass(frozen=True)
class Run:
    """One model, one seed, one corpus."""

    corpus: Corpus
    model: Model
    seed: int

    @property
    def folder(self) -> str:
        """Its folder in that of the corpus."""
        return f"{self.model.name}.{self.seed}"

    @property
    def name(self) -> str:
        return f"{self.corpus.name}/{self.folder}"


@dataclass(frozen=True)
class Study:
    """All that the file says."""

    name: str
    question: str
    reference: str
    headline: tuple[str, ...]
    control: Control | None
    margins: Margins
    tracking: tuple[str, ...]
    corpora: tuple[Corpus, ...]

    def runs(self) -> list[Run]:
        """Every run once, in the order of work: corpora, lines of models, seeds."""
        return list({run.name: run for corpus in self.corpora for run in _corpus_runs(corpus)}.values())


def _corpus_runs(corpus: Corpus) -> Iterator[Run]:
    for line in corpus.lines:
        seeds = dict.fromkeys(seed for model in line for seed in model.seeds)
        for seed in seeds:
            yield from (Run(corpus, model, seed) for model in line if seed in model.seeds)


def read_study(path: Path) -> Study:
    """The study in a file; raises SpecError with the file, the place in it and what must stand there."""
    try:
        content = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SpecError(f"the study must be a text file that can be read, but {path} is not: {error}") from None
    try:
        entries = yaml.load(content, Loader=_TextLoader)
        return _study(entries, path.parent)
    except yaml.YAMLError as error:
        raise SpecError(f"{path} must be YAML: {' '.join(str(error).split())}") from None
    except SpecError as error:
        raise SpecError(f"{path}: {error}") from None


class _TextLoader(yaml.BaseLoader):
    """Reads every value as text, and takes no name twice in a mapping."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        names = [key.value for key, _ in node.value]
        for name in names:
            if names.count(name) > 1:
                raise yaml.YAMLError(f"{name} stands twice in the mapping of line {node.start_mark.line + 1}")
        return super().construct_mapping(node, deep)


def _study(entries: Any, folder: Path) -> Study:
    known = "name question reference headline control margins seeds models corpora tracking"
    given = mapping("the study", entries, known.split(), needed=("name", "reference", "corpora"))
    seeds = _seeds(given.get("seeds", "1"), "seeds")
    margins = mapping("margins", given.get("margins", {}), ("negligible", "strict", "vital", "task"))
    control = given.get("control")
    corpora = given["corpora"]
    if not isinstance(corpora, dict) or not corpora:
        raise SpecError("corpora must be a mapping of names to recipes, with at least one")
    study = Study(
        name=checked_name("name", given["name"]),
        question=" ".join(text("question", given.get("question", "")).split()),
        reference=canonical(text("reference", given["reference"])),
        headline=tuple(canonical(name) for name in texts("headline", given.get("headline", []))),
        control=None if control is None else _control(control),
        margins=Margins(**{name: _points(f"margins: {name}", value) for name, value in margins.items()}),
        tracking=flags("tracking", given.get("tracking", "")),
        corpora=tuple(_corpus(name, entry, folder, given.get("models"), seeds) for name, entry in corpora.items()),
    )
    if "models" in given:
        _lines(given["models"], "models", seeds)  # not read by corpora that have their own
    _check_comparisons(study)
    return study


def _points(name: str, value: Any) -> float:
    try:
        return float(text(name, value))
    except ValueError:
        raise SpecError(f"{name} must be a number of BLEU points, not {value!r}") from None


def _control(entry: Any) -> Control:
    given = mapping("control", entry, ("corpus", "model"), needed=("corpus", "model"))
    return Control(text("control: corpus", given["corpus"]), canonical(text("control: model", given["model"])))


def _corpus(name: str, entry: Any, folder: Path, models: Any, seeds: tuple[int, ...]) -> Corpus:
    where = f"corpora: {checked_name('corpora', name)}"
    if name in OF_THE_FOLDER:
        raise SpecError(f"corpora must have other names than the study's folder has, not {name}")
    given = mapping(where, entry, ("recipe", "settings", "models", "seeds", "expect"), needed=("recipe",))
    recipe = (folder / text(f"{where}: recipe", given["recipe"])).resolve()
    settings = mapping(f"{where}: settings", given.get("settings", {}), None)
    settings = {variable: text(f"{where}: settings: {variable}", value) for variable, value in settings.items()}
    if reserved := sorted(RESERVED & set(settings)):
        raise SpecError(
            f"{where}: settings must leave {', '.join(sorted(RESERVED))} to the runner, not set {reserved[0]}"
        )
    variables = checked_variables(recipe, settings, where)
    seeds = _seeds(given["seeds"], f"{where}: seeds") if "seeds" in given else seeds
    lines = _lines(given.get("models", models), f"{where}: models", seeds)
    expectations = read_expectations(f"{where}: expect", given.get("expect", []))
    return Corpus(name, recipe, settings, variables, lines, expectations)


def _lines(entries: Any, where: str, seeds: tuple[int, ...]) -> tuple[tuple[Model, ...], ...]:
    if not isinstance(entries, list) or not entries:
        raise SpecError(f"{where} must be a list, here or for the whole study, with at least one line")
    lines = tuple(_line(entry, where, seeds) for entry in entries)
    _check_names(where, [model for line in lines for model in line])
    return lines


def _archs(pattern: str) -> list[str]:
    """Our architectures of a pattern, or one of fairseq itself by its name."""
    if pattern.startswith("transformer") and not set(pattern) & WILDCARDS:
        return [checked_name("models", pattern)]
    return matching(pattern, "models")


def _line(entry: Any, where: str, seeds: tuple[int, ...]) -> tuple[Model, ...]:
    """The models of a line, which is a pattern of architectures or a mapping with one."""
    given = {"arch": entry} if isinstance(entry, str) else entry
    given = mapping(where, given, ("arch", "name", "flags", "seeds"), needed=("arch",))
    archs = _archs(text(f"{where}: arch", given["arch"]))
    own_flags = flags(f"{where}: flags", given.get("flags", ""))
    if "seeds" in given:
        seeds = _seeds(given["seeds"], f"{where}: seeds")
    if "name" not in given:
        if own_flags:
            raise SpecError(f"{where}: {given['arch']} with flags must have a name of its own")
        return tuple(Model(arch, arch, (), seeds) for arch in archs)
    if len(archs) > 1:
        raise SpecError(f"{where}: a name must go with one architecture, not with the {len(archs)} of {given['arch']}")
    name = checked_name(f"{where}: name", given["name"])
    if name in PRESETS:
        raise SpecError(f"{where}: name must be another than that of an architecture, not {name}")
    return (Model(name, archs[0], own_flags, seeds),)


def _seeds(value: Any, where: str) -> tuple[int, ...]:
    """So many, spaced; or those of a list. fairseq adds up to the number of updates to the seed: near ones overlap."""
    if isinstance(value, str):
        count = numbers(where, [value])[0]
        if count * SEED_DISTANCE >= MOST_SEED:
            raise SpecError(f"{where} must be fewer than {MOST_SEED // SEED_DISTANCE + 1}, not {count}")
        return tuple(SEED_DISTANCE * number for number in range(1, count + 1))
    seeds = numbers(where, value)
    ordered = sorted(seeds)
    for low, high in pairwise(ordered):
        if high - low < SEED_DISTANCE:
            raise SpecError(
                f"{where} must be at least {SEED_DISTANCE} apart, not {low} and {high}: "
                "fairseq counts on from the seed at every update"
            )
    if ordered[-1] >= MOST_SEED:
        raise SpecError(f"{where} must be below 2^31, not {ordered[-1]}")
    return tuple(seeds)


def _check_names(where: str, models: Sequence[Model]) -> None:
    """A name stands for one model."""
    known: dict[str, Model] = {}
    for model in models:
        other = known.setdefault(model.name, model)
        if (other.arch, other.flags) != (model.arch, model.flags):
            raise SpecError(f"{where} must have different names, not {model.name} twice with different flags")


def _check_comparisons(study: Study) -> None:
    """What is compared must be trained."""
    for corpus in study.corpora:
        if study.reference not in corpus.models:
            raise SpecError(
                f"reference must be a model on every corpus, but {study.reference} is none of {corpus.name}'s"
            )
        others = [name for name in corpus.models if name != study.reference]
        check_expectations(corpus.name, corpus.expectations, others)
    everywhere = {name for corpus in study.corpora for name in corpus.models}
    for name in study.headline:
        if study.headline.count(name) > 1:
            raise SpecError(f"headline must name each model once, not {name} twice")
        if name not in everywhere or name == study.reference:
            raise SpecError(f"headline must name models of the study other than the reference, not {name}")
    if control := study.control:
        corpora = {corpus.name: corpus for corpus in study.corpora}
        if control.corpus not in corpora:
            raise SpecError(f"control: corpus must be one of {', '.join(corpora)}, not {control.corpus}")
        if control.model not in corpora[control.corpus].models or control.model == study.reference:
            raise SpecError(
                f"control: model must be a model on {control.corpus} other than the reference, not {control.model}"
            )
