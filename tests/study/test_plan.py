"""A study's file: what it stands for, what it costs, and what is wrong with it, in one line."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from nmt_attn.analysis.cost import Workload, preset_cost
from nmt_attn.cli import main
from nmt_attn.presets import PRESETS
from nmt_attn.spec import ALL_CODES, SpecError
from nmt_attn.study.estimate import measured_speed, model_cost, model_preset, run_work, tokens_an_update
from nmt_attn.study.margins import Margins
from nmt_attn.study.plan import Control, Study, read_study
from nmt_attn.study.planned import plan_text
from nmt_attn.study.recipe import checked_variables, defaults
from nmt_attn.study.store import NEEDED

ROOT = Path(__file__).parents[2]
RECIPE = Path(__file__).parent / "toy_recipe.sh"
TINY, OTHER = "nmt_attn_tiny", "nmt_attn_tiny_self0111"
ALL = "nmt-attn archs lists all 244 names"
TOY_VARIABLES = (
    "OUT, VENV, COUNTS, PACE, SEED, UPDATES, SAVE_EVERY, MAX_TOKENS, TOKENS, VOCABULARY, STEPS, RUN_NAME, TRACKING"
)

Read = Callable[..., Study]


def _entries(**changes: Any) -> dict[str, Any]:
    """A study that is right, with changes; None leaves an entry out."""
    entries: dict[str, Any] = {"name": "toy", "reference": TINY, "models": [TINY, OTHER]}
    entries |= {"corpora": {"text": {"recipe": str(RECIPE)}}, **changes}
    return {name: value for name, value in entries.items() if value is not None}


def _corpus(**changes: Any) -> dict[str, Any]:
    return {"text": {"recipe": str(RECIPE), **changes}}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "study.yaml"


@pytest.fixture
def read(path: Path) -> Read:
    """A function that writes a study's file and reads it."""

    def write_and_read(text: str = "", **changes: Any) -> Study:
        path.write_text(text or json.dumps(_entries(**changes)), encoding="utf-8")
        return read_study(path)

    return write_and_read


def _names(study: Study) -> list[str]:
    return [run.name for run in study.runs()]


def test_a_small_study_has_defaults(read: Read) -> None:
    study = read()
    assert _names(study) == [f"text/{TINY}.1000000", f"text/{OTHER}.1000000"]
    assert (study.name, study.question, study.reference, study.headline) == ("toy", "", TINY, ())
    assert (study.control, study.tracking) == (None, ())
    assert study.margins == Margins(0.5, 0.3, 1.0)
    assert study.corpora[0].settings == {}


def test_all_that_a_file_says_is_read(read: Read) -> None:
    study = read(f"""
name: small-study_1
question: |
  Is it
    needed?
reference: {TINY}_cross1111
headline: [{OTHER}, windowed]
control: {{corpus: recall, model: {OTHER}}}
margins: {{negligible: 1, strict: 0.25, vital: 2.5}}
seeds: 2
models:
  - {TINY}
  - {{arch: {OTHER}}}
  - {{arch: {TINY}_self0000, name: windowed, flags: "--attn-window 8 --note 'two words'", seeds: [7, 2000000]}}
corpora:
  text: {{recipe: {RECIPE}, settings: {{UPDATES: 010, PACE: 0.1}}}}
  recall: {{recipe: {RECIPE}, models: [{TINY}, {OTHER}], seeds: 1}}
tracking: --wandb-project 'my attention' --dir {{run}}
""")
    assert (study.name, study.question, study.reference) == ("small-study_1", "Is it needed?", TINY)
    assert study.headline == (OTHER, "windowed")
    assert study.control == Control("recall", OTHER)
    assert study.margins == Margins(negligible=1, strict=0.25, vital=2.5)
    assert study.tracking == ("--wandb-project", "my attention", "--dir", "{run}")
    text = study.corpora[0]
    assert text.settings == {"UPDATES": "010", "PACE": "0.1"}
    assert text.variables["UPDATES"] == "010"
    assert text.models == [TINY, OTHER, "windowed"]
    windowed = text.lines[2][0]
    assert (windowed.arch, windowed.flags) == (f"{TINY}_self0000", ("--attn-window", "8", "--note", "two words"))
    assert _names(study) == [
        f"text/{TINY}.1000000",
        f"text/{TINY}.2000000",
        f"text/{OTHER}.1000000",
        f"text/{OTHER}.2000000",
        "text/windowed.7",
        "text/windowed.2000000",
        f"recall/{TINY}.1000000",
        f"recall/{OTHER}.1000000",
    ]


@pytest.mark.parametrize(
    ("site", "size"), [("self", "tiny"), ("cross", "tiny"), ("self", "base"), ("deform_self", "big")]
)
@pytest.mark.parametrize("pattern", ["*", "????", "[01]*"])
def test_a_factorial_stands_in_one_line(site: str, size: str, pattern: str, read: Read) -> None:
    model = f"nmt_attn_{size}"
    study = read(reference=model, models=[model, f"{model}_{site}{pattern}"])
    line = [found.name for found in study.corpora[0].lines[1]]
    expected = [f"{model}_{site}{code}" for code in ALL_CODES]
    if site != "deform_self":
        expected[-1] = model
    assert line == expected
    assert len(study.runs()) == len(set(_names(study))) == 16 + (site == "deform_self")


def test_architectures_that_are_one_function_are_one_model(read: Read) -> None:
    study = read(models=[f"{TINY}_cross1111", f"{TINY}_self1111", TINY, f"{TINY}_self*", f"{TINY}_cross*"])
    names = [run.model.name for run in study.runs()]
    assert names[0] == TINY
    assert len(names) == len(set(names)) == 31
    functions = {(PRESETS[name].encoder_self, PRESETS[name].decoder_self, PRESETS[name].cross) for name in names}
    assert len(functions) == 31


def test_all_architectures_of_a_size_are_each_one_function(read: Read) -> None:
    names = [run.model.arch for run in read(models=[f"{TINY}*"]).runs()]
    functions = [(PRESETS[name].encoder_self, PRESETS[name].decoder_self, PRESETS[name].cross) for name in names]
    everything = [preset for preset in PRESETS.values() if preset.name.startswith(TINY)]
    assert len(functions) == len(set(functions))
    assert set(functions) == {(preset.encoder_self, preset.decoder_self, preset.cross) for preset in everything}


def test_reference_headline_and_control_may_have_any_name_of_their_function(read: Read) -> None:
    control = {"corpus": "text", "model": f"{TINY}_cross0111"}
    study = read(reference=f"{TINY}_self1111", models=[f"{TINY}_cross*", OTHER], headline=[OTHER], control=control)
    assert study.reference == TINY
    assert study.control == Control("text", f"{TINY}_cross0111")


def test_a_line_takes_one_seed_after_the_other(read: Read) -> None:
    study = read(seeds=2, models=[TINY, f"{TINY}_self000*", {"arch": f"{TINY}_self010?", "seeds": [9, 3000000]}])
    assert [run.folder for run in study.runs()] == [
        f"{TINY}{suffix}"
        for suffix in (
            ".1000000",
            ".2000000",
            "_self0000.1000000",
            "_self0001.1000000",
            "_self0000.2000000",
            "_self0001.2000000",
            "_self0100.9",
            "_self0101.9",
            "_self0100.3000000",
            "_self0101.3000000",
        )
    ]


def test_a_run_of_two_lines_is_made_once_where_it_stands_first(read: Read) -> None:
    study = read(
        models=[{"arch": TINY, "seeds": 3}, {"arch": f"{TINY}_self11*", "seeds": 1}, {"arch": OTHER, "seeds": 2}, OTHER]
    )
    folders = [run.folder for run in study.runs()]
    assert folders[:3] == [f"{TINY}.{seed}000000" for seed in (1, 2, 3)]
    assert len(folders) == len(set(folders)) == 3 + 3 + 2


@pytest.mark.parametrize(
    ("seeds", "expected"),
    [
        (1, [1000000]),
        ("3", [1000000, 2000000, 3000000]),
        (["5"], [5]),
        ([3000000, 1000000], [3000000, 1000000]),
        ([1, 1000001], [1, 1000001]),
        ([2147483647], [2147483647]),
    ],
)
def test_seeds_are_a_count_or_a_list(seeds: Any, expected: list[int], read: Read) -> None:
    for study in (
        read(seeds=seeds),
        read(seeds=9, corpora=_corpus(seeds=seeds)),
        read(seeds=9, corpora=_corpus(seeds=8), models=[{"arch": TINY, "seeds": seeds}]),
    ):
        assert [run.seed for run in study.runs() if run.model.name == TINY] == expected


def test_codes_are_no_octal_numbers(read: Read) -> None:
    study = read(
        f"""
name: 0111
reference: 0x10
models: [{{arch: {TINY}, name: 0111}}, {{arch: {TINY}, name: 1e3, flags: --code 0011}}, {{arch: {TINY}, name: 0x10}}]
corpora: {{0010: {{recipe: {RECIPE}, settings: {{UPDATES: 0b1}}}}}}
""".replace("0b1", "0011")
    )
    assert study.name == "0111"
    assert _names(study) == ["0010/0111.1000000", "0010/1e3.1000000", "0010/0x10.1000000"]
    assert study.corpora[0].lines[1][0].flags == ("--code", "0011")
    assert study.corpora[0].settings == {"UPDATES": "0011"}


@pytest.mark.parametrize("word", ["yes", "no", "on", "null", "~", "2001-01-01", "1_000", ".5"])
def test_words_stay_words(word: str, read: Read) -> None:
    assert (
        read(
            f"{{name: x, reference: {TINY}, models: [{TINY}], question: {word}, corpora: {{t: {{recipe: {RECIPE}}}}}}}"
        ).question
        == word
    )


def test_models_of_fairseq_go_by_their_names(read: Read) -> None:
    study = read(models=[TINY, "transformer_wmt_en_de", {"arch": "transformer", "name": "stock", "flags": "--x 1"}])
    assert [(run.model.name, run.model.arch) for run in study.runs()][1:] == [
        ("transformer_wmt_en_de", "transformer_wmt_en_de"),
        ("stock", "transformer"),
    ]


# What is wrong, and the message after the file's name.
WHY = "fairseq counts on from the seed at every update"
SPECIAL = {"recipe": str(RECIPE), "models": [TINY]}
WRONG: list[tuple[Any, str]] = [
    ("", "the study must be a mapping, such as name: value, not None"),
    ("hello", "the study must be a mapping, such as name: value, not 'hello'"),
    ("[1, 2]", "the study must be a mapping, such as name: value, not ['1', '2']"),
    (
        {"modles": [TINY]},
        "the study must have names among name, question, reference, headline, control, margins, seeds, models, "
        "corpora, tracking, not modles",
    ),
    ({"name": None}, "the study must have name"),
    ({"reference": None}, "the study must have reference"),
    ({"corpora": None}, "the study must have corpora"),
    ({"models": None}, "corpora: text: models must be a list, here or for the whole study, with at least one line"),
    ({"name": ""}, "name must be a name of letters, digits, _ and -, not ''"),
    ({"name": "a/b"}, "name must be a name of letters, digits, _ and -, not 'a/b'"),
    ({"name": "-a"}, "name must be a name of letters, digits, _ and -, not '-a'"),
    ({"name": "a\n"}, "name must be a name of letters, digits, _ and -, not 'a\\n'"),
    ({"name": "größe"}, "name must be a name of letters, digits, _ and -, not 'größe'"),
    ({"name": ["a"]}, "name must be one value, not ['a']"),
    ({"question": ["a", "b"]}, "question must be one value, not ['a', 'b']"),
    ({"reference": {"arch": TINY}}, f"reference must be one value, not {{'arch': '{TINY}'}}"),
    ({"reference": f"{TINY}_conv"}, f"reference must be a model on every corpus, but {TINY}_conv is none of text's"),
    ({"reference": ""}, "reference must be a model on every corpus, but  is none of text's"),
    ({"headline": OTHER}, f"headline must be a list, such as [a, b], not '{OTHER}'"),
    ({"headline": [[OTHER]]}, f"headline must be one value, not ['{OTHER}']"),
    ({"headline": [TINY]}, f"headline must name models of the study other than the reference, not {TINY}"),
    (
        {"headline": [f"{TINY}_conv"]},
        f"headline must name models of the study other than the reference, not {TINY}_conv",
    ),
    ({"control": "recall"}, "control must be a mapping, such as name: value, not 'recall'"),
    ({"control": {"corpus": "text"}}, "control must have model"),
    ({"control": {"model": OTHER}}, "control must have corpus"),
    ({"control": {"corpus": "text", "mode": OTHER}}, "control must have names among corpus, model, not mode"),
    ({"control": {"corpus": ["text"], "model": OTHER}}, "control: corpus must be one value, not ['text']"),
    ({"control": {"corpus": "text", "model": [OTHER]}}, f"control: model must be one value, not ['{OTHER}']"),
    ({"control": {"corpus": "x", "model": OTHER}}, "control: corpus must be one of text, not x"),
    (
        {"control": {"corpus": "text", "model": TINY}},
        f"control: model must be a model on text other than the reference, not {TINY}",
    ),
    (
        {"control": {"corpus": "text", "model": f"{TINY}_conv"}},
        f"control: model must be a model on text other than the reference, not {TINY}_conv",
    ),
    (
        {
            "control": {"corpus": "b", "model": OTHER},
            "corpora": {"a": {**SPECIAL, "models": [TINY, OTHER]}, "b": SPECIAL},
        },
        f"control: model must be a model on b other than the reference, not {OTHER}",
    ),
    ({"margins": 1}, "margins must be a mapping, such as name: value, not '1'"),
    ({"margins": {"loose": 1}}, "margins must have names among negligible, strict, vital, task, not loose"),
    ({"margins": {"vital": "big"}}, "margins: vital must be a number of BLEU points, not 'big'"),
    ({"margins": {"vital": ""}}, "margins: vital must be a number of BLEU points, not ''"),
    ({"margins": {"vital": [1]}}, "margins: vital must be a number of BLEU points, not ['1']"),
    (
        {"margins": {"vital": 0.4}},
        "margins must be 0 < strict <= negligible <= vital, not strict 0.3, negligible 0.5, vital 0.4",
    ),
    (
        {"margins": {"strict": 0}},
        "margins must be 0 < strict <= negligible <= vital, not strict 0, negligible 0.5, vital 1",
    ),
    (
        {"margins": {"strict": "nan"}},
        "margins must be 0 < strict <= negligible <= vital, not strict nan, negligible 0.5, vital 1",
    ),
    ({"seeds": "0"}, "seeds must be whole numbers from 1, not '0'"),
    ({"seeds": "-1"}, "seeds must be whole numbers from 1, not '-1'"),
    ({"seeds": "1.5"}, "seeds must be whole numbers from 1, not '1.5'"),
    ({"seeds": ""}, "seeds must be whole numbers from 1, not ''"),
    ({"seeds": "three"}, "seeds must be whole numbers from 1, not 'three'"),
    ({"seeds": "²"}, "seeds must be whole numbers from 1, not '²'"),
    ({"seeds": []}, "seeds must be different numbers, at least one, not []"),
    ({"seeds": ["0", "1000000"]}, "seeds must be whole numbers from 1, not '0'"),
    ({"seeds": ["1", "1"]}, "seeds must be different numbers, at least one, not ['1', '1']"),
    ({"seeds": [["1"]]}, "seeds must be one value, not ['1']"),
    ({"seeds": {"count": "1"}}, "seeds must be a list, such as [a, b], not {'count': '1'}"),
    (
        {"seeds": [3000000, 1000000, 1999999]},
        f"seeds must be at least 1000000 apart, not 1000000 and 1999999: {WHY}",
    ),
    (
        {"seeds": ["1000000", "01000000"]},
        f"seeds must be at least 1000000 apart, not 1000000 and 1000000: {WHY}",
    ),
    ({"seeds": [2147483648]}, "seeds must be below 2^31, not 2147483648"),
    ({"corpora": _corpus(seeds="x")}, "corpora: text: seeds must be whole numbers from 1, not 'x'"),
    (
        {"models": [TINY, {"arch": OTHER, "seeds": "x"}]},
        "corpora: text: models: seeds must be whole numbers from 1, not 'x'",
    ),
    ({"models": TINY}, "corpora: text: models must be a list, here or for the whole study, with at least one line"),
    ({"models": []}, "corpora: text: models must be a list, here or for the whole study, with at least one line"),
    (
        {"corpora": _corpus(models={"arch": TINY})},
        "corpora: text: models must be a list, here or for the whole study, with at least one line",
    ),
    ({"models": [[TINY]]}, f"corpora: text: models must be a mapping, such as name: value, not ['{TINY}']"),
    ({"models": [{"name": "x"}]}, "corpora: text: models must have arch"),
    (
        {"models": [{"arch": TINY, "flag": "x"}]},
        "corpora: text: models must have names among arch, name, flags, seeds, not flag",
    ),
    ({"models": [{"arch": [TINY]}]}, f"corpora: text: models: arch must be one value, not ['{TINY}']"),
    (
        {"models": [{"arch": TINY, "flags": ["--x"]}]},
        "corpora: text: models: flags must be one value, not ['--x']",
    ),
    (
        {"models": [{"arch": TINY, "flags": "--x"}]},
        f"corpora: text: models: {TINY} with flags must have a name of its own",
    ),
    (
        {"models": [{"arch": f"{TINY}_self000?", "name": "x"}]},
        f"corpora: text: models: a name must go with one architecture, not with the 2 of {TINY}_self000?",
    ),
    (
        {"models": [{"arch": TINY, "name": "a b"}]},
        "corpora: text: models: name must be a name of letters, digits, _ and -, not 'a b'",
    ),
    (
        {"models": [{"arch": TINY, "name": OTHER}]},
        f"corpora: text: models: name must be another than that of an architecture, not {OTHER}",
    ),
    (
        {"models": [{"arch": TINY, "name": "x"}, {"arch": TINY, "name": "x", "flags": "--y"}]},
        "corpora: text: models must have different names, not x twice with different flags",
    ),
    (
        {"models": [TINY, "nmt_attn_huge*"]},
        f"models must be architectures or patterns of them, which nmt_attn_huge* is not: {ALL}",
    ),
    (
        {"models": [TINY, "transformer*"]},
        f"models must be architectures or patterns of them, which transformer* is not: {ALL}",
    ),
    ({"corpora": []}, "corpora must be a mapping of names to recipes, with at least one"),
    ({"corpora": {}}, "corpora must be a mapping of names to recipes, with at least one"),
    ({"corpora": "x"}, "corpora must be a mapping of names to recipes, with at least one"),
    ({"corpora": {"a b": SPECIAL}}, "corpora must be a name of letters, digits, _ and -, not 'a b'"),
    ({"corpora": {"../x": SPECIAL}}, "corpora must be a name of letters, digits, _ and -, not '../x'"),
    ({"corpora": {"text": "x.sh"}}, "corpora: text must be a mapping, such as name: value, not 'x.sh'"),
    ({"corpora": {"text": {}}}, "corpora: text must have recipe"),
    (
        {"corpora": _corpus(setting={})},
        "corpora: text must have names among recipe, settings, models, seeds, expect, not setting",
    ),
    ({"corpora": _corpus(recipe=["a"])}, "corpora: text: recipe must be one value, not ['a']"),
    (
        {"corpora": _corpus(settings="UPDATES=3")},
        "corpora: text: settings must be a mapping, such as name: value, not 'UPDATES=3'",
    ),
    ({"corpora": _corpus(settings={"UPDATES": [3]})}, "corpora: text: settings: UPDATES must be one value, not ['3']"),
    (
        {"corpora": _corpus(settings={"STEPS": "train", "SEED": 1})},
        "corpora: text: settings must leave OMP_NUM_THREADS, OUT, RUN_NAME, SEED, STEPS, TRACKING, VENV to the runner, "
        "not set SEED",
    ),
    (
        {"corpora": _corpus(settings={"UPDATE": 3})},
        f"corpora: text: settings must be variables of toy_recipe.sh ({TOY_VARIABLES}), not UPDATE",
    ),
    (
        {"corpora": _corpus(settings={"UPDATES": "many"})},
        "corpora: text: UPDATES of toy_recipe.sh must be a whole number from 1, not 'many'",
    ),
    (
        {"corpora": _corpus(settings={"VOCABULARY": 0})},
        "corpora: text: VOCABULARY of toy_recipe.sh must be a whole number from 1, not '0'",
    ),
    (
        {"corpora": _corpus(settings={"MAX_TOKENS": ""})},
        "corpora: text: MAX_TOKENS of toy_recipe.sh must be a whole number from 1, not ''",
    ),
    ({"tracking": ["--x"]}, "tracking must be one value, not ['--x']"),
    (
        {"name": ["a very long entry that nobody wants to read to its end on a line"]},
        "name must be one value, not ['a very long entry that nobody wants to read to its end ...",
    ),
]


def _written(path: Path, given: Any) -> Path:
    text = given if isinstance(given, str) else json.dumps(_entries(**given), ensure_ascii=False)
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(("given", "message"), WRONG, ids=[message[:70] for _, message in WRONG])
def test_what_is_wrong_stands_in_one_line_with_its_place(given: Any, message: str, path: Path) -> None:
    with pytest.raises(SpecError) as problem:
        read_study(_written(path, given))
    assert str(problem.value) == f"{path}: {message}"


@pytest.mark.parametrize(("given", "message"), WRONG[3::12])
@pytest.mark.parametrize("step", ["plan", "run", "status", "retry", "report"])
def test_a_wrong_study_is_one_line_on_the_command_line(
    step: str, given: Any, message: str, path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["study", step, str(_written(path, given)), "--out", str(path.parent / "out")]) == 2
    said = capsys.readouterr()
    assert (said.out, said.err) == ("", f"nmt-attn: error: {path}: {message}\n")
    assert not (path.parent / "out").exists()


# What only a later step would stumble over, and a word of the message.
FAILS_LATER: list[tuple[Any, str]] = [
    ({"tracking": "--name 'open"}, "tracking"),
    ({"models": [TINY, {"arch": TINY, "name": "x", "flags": '--note "open'}]}, "models: flags"),
    ({"seeds": "2148"}, "seeds"),
    ({"seeds": "9" * 5000}, "seeds"),
    ({"corpora": _corpus(settings={"TOKENS": "many"})}, "TOKENS"),
    ({"corpora": _corpus(settings={"TOKENS": "0"})}, "TOKENS"),
    ({"models": {"wrong": "type"}, "corpora": _corpus(models=[TINY])}, "models"),
    ({"models": ["nothing"], "corpora": _corpus(models=[TINY])}, "nothing"),
    ({"headline": [OTHER, OTHER]}, "headline"),
    ({"corpora": {"lock": SPECIAL}}, "lock"),
    ({"models": [TINY, "transformer/../../x"]}, "transformer/../../x"),
]


@pytest.mark.parametrize(
    ("given", "place"),
    FAILS_LATER,
)
def test_what_would_fail_later_is_refused_in_one_line(
    given: Any, place: str, path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    flags = ["--out", str(path.parent / "out"), "--gpus", "", "--workers", "1", "--no-estimate"]
    assert main(["study", "plan", str(_written(path, given)), *flags]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert place in said


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("name: x\nname: y\n", "name stands twice in the mapping of line 1"),
        ("corpora:\n  a: {recipe: x}\n  b: {recipe: x, recipe: y}\n", "recipe stands twice in the mapping of line 3"),
        ("corpora:\n  a: {recipe: x}\n  a: {recipe: y}\n", "a stands twice in the mapping of line 2"),
    ],
)
def test_a_name_stands_once_in_a_mapping(text: str, problem: str, path: Path) -> None:
    with pytest.raises(SpecError) as error:
        read_study(_written(path, text))
    assert str(error.value) == f"{path} must be YAML: {problem}"


@pytest.mark.parametrize(
    "text",
    [
        "name: [1, 2",
        "a: b: c",
        "\tname: x",
        "name: 'open",
        "? [a, b]\n: c",
        "&a [*a]",
        "*b",
        "%x",
        "a\x00b",
    ],
)
def test_what_is_no_yaml_is_one_line(text: str, path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["study", "plan", str(_written(path, text))]) == 2
    said = capsys.readouterr().err
    assert said.startswith(f"nmt-attn: error: {path} must be YAML: ")
    assert said.count("\n") == 1


def test_a_file_that_cannot_be_read_is_told(path: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path.write_bytes(b"name: gr\xf6\xdfe\n")
    for wrong in (path, tmp_path, tmp_path / "nowhere.yaml", path / "below"):
        assert main(["study", "plan", str(wrong)]) == 2
        said = capsys.readouterr().err
        assert said.startswith(f"nmt-attn: error: the study must be a text file that can be read, but {wrong} is not: ")
        assert said.count("\n") == 1


def test_a_recipe_that_cannot_be_read_is_told(path: Path, tmp_path: Path) -> None:
    (tmp_path / "latin.sh").write_bytes(b"# gr\xf6\xdfe\n")
    for wrong in ("latin.sh", "nowhere.sh", "."):
        with pytest.raises(SpecError) as problem:
            read_study(_written(path, {"corpora": _corpus(recipe=wrong)}))
        start = f"{path}: recipe must be a shell script that can be read, but {(tmp_path / wrong).resolve()} is not: "
        assert str(problem.value).startswith(start)


def test_a_recipe_is_seen_from_the_file_of_the_study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "studies").mkdir()
    (tmp_path / "mine.sh").write_text(RECIPE.read_text(encoding="utf-8"), encoding="utf-8")
    _written(tmp_path / "studies" / "study.yaml", {"corpora": _corpus(recipe="../mine.sh")})
    monkeypatch.chdir(tmp_path)
    assert read_study(Path("studies/study.yaml")).corpora[0].recipe == (tmp_path / "mine.sh").resolve()


def test_variables_are_the_defaults_of_a_recipe_and_what_the_study_sets(read: Read) -> None:
    corpus = read(corpora=_corpus(settings={"MAX_TOKENS": 70, "PACE": 2})).corpora[0]
    expected = {"UPDATES": "6", "MAX_TOKENS": "70", "TOKENS": "70", "VOCABULARY": "50", "PACE": "2", "SAVE_EVERY": "2"}
    assert {name: corpus.variables[name] for name in expected} == expected
    assert corpus.settings == {"MAX_TOKENS": "70", "PACE": "2"}
    assert tokens_an_update(corpus) == 70
    assert tokens_an_update(read(corpora=_corpus(settings={"TOKENS": 300})).corpora[0]) == 300
    assert tokens_an_update(read(corpora=_corpus(settings={"TOKENS": ""})).corpora[0]) == 100


@pytest.mark.parametrize(
    ("recipe", "expected"),
    [
        ("generated.sh", ("1000", "1200", "1200", "2000")),
        ("multi30k.sh", ("3000", "2000", "2000", "4000")),
        ("iwslt14_de_en.sh", ("50000", "4096", "4096", "10000")),
        ("wmt14_en_de.sh", ("100000", "32768", "4096", "37000")),
    ],
)
def test_the_variables_of_every_recipe_are_known(recipe: str, expected: tuple[str, ...]) -> None:
    variables = checked_variables(ROOT / "recipes" / recipe, {}, "here")
    assert tuple(variables[name] for name in ("UPDATES", "TOKENS", "MAX_TOKENS", "VOCABULARY")) == expected
    assert {"OUT", "SEED", "STEPS", "RUN_NAME", "TRACKING", "DIRECTION", "SAVE_EVERY"} <= set(variables)
    assert not any("$" in value for value in variables.values())


def test_every_recipe_is_among_them() -> None:
    runnable = {
        path.name
        for path in (ROOT / "recipes").glob("*.sh")
        if "run_arch" in path.read_text(encoding="utf-8") and path.name != "steps.sh"
    }
    assert runnable == {"generated.sh", "multi30k.sh", "iwslt14_de_en.sh", "wmt14_en_de.sh"}


def test_defaults_are_read_from_sourced_files_and_overridden_by_the_recipe(tmp_path: Path) -> None:
    (tmp_path / "more.sh").write_text("A=${A:-1} B=${B-2}\nC=${OTHER:-3} d=${d:-4}\n", encoding="utf-8")
    (tmp_path / "recipe.sh").write_text(
        'source "$(dirname "$0")/more.sh"\nsource nowhere.sh\nA=${A:-5} EMPTY=${EMPTY:-}\necho ${E:-6}\n',
        encoding="utf-8",
    )
    assert defaults(tmp_path / "recipe.sh") == {"A": "5", "B": "2", "EMPTY": ""}


@pytest.mark.parametrize("path", sorted((ROOT / "recipes" / "studies").glob("*.yaml")), ids=lambda path: path.stem)
def test_the_studies_that_come_along_can_be_read(path: Path) -> None:
    study = read_study(path)
    names = _names(study)
    assert len(names) == len(set(names)) >= 2
    assert study.name == path.stem
    assert study.question
    assert study.headline
    assert study.control is not None or path.stem == "position_size"  # which looks for losses, and claims nothing else
    for corpus in study.corpora:
        seeds = {run.seed for run in study.runs() if run.corpus is corpus and run.model.name == study.reference}
        for run in study.runs():
            assert run.corpus is not corpus or run.seed in seeds  # there is a reference to compare it with
    given = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert list(given["corpora"]) == [corpus.name for corpus in study.corpora]


def _rows(text: str) -> dict[str, list[str]]:
    return {line.split()[0]: line.split() for line in text.splitlines() if line.strip()}


def test_the_plan_shows_runs_and_what_they_cost(read: Read) -> None:
    models = [
        TINY,
        OTHER,
        f"{TINY}_deform",
        {"arch": TINY, "name": "wide", "flags": "--encoder-layers 6"},
        "transformer",
    ]
    study = read(
        models=models, seeds=2, question="Why?", corpora=_corpus(settings={"VOCABULARY": 777}), headline=[OTHER]
    )
    text = plan_text(study, [], 1, None)
    assert text.startswith(
        "toy: Why?\n\ntext: toy_recipe.sh, UPDATES 6, TOKENS 100, MAX_TOKENS 100, VOCABULARY 777, SAVE_EVERY 2\n"
    )
    rows = _rows(text)
    reference = preset_cost(PRESETS[TINY], Workload(vocabulary=777))
    for name in (TINY, OTHER, f"{TINY}_deform"):
        preset, cost = PRESETS[name], preset_cost(PRESETS[name], Workload(vocabulary=777))
        share = f"{cost.multiply_adds / reference.multiply_adds:.3f}"
        sites = [preset.encoder_self, preset.decoder_self, preset.cross]
        assert rows[name] == [name, *sites, f"{cost.parameters:,}", f"{cost.multiply_adds:,}", share, "2"]
    assert rows["wide"] == ["wide", "2"]
    assert rows["transformer"] == ["transformer", "2"]
    assert text.splitlines()[-4:] == [
        f"compared with {TINY}; headline: {OTHER}",
        "positive control: none, so nothing is negligible",
        "negligible: within +-0.5 BLEU (strict: 0.3); vital: more than 1",
        "10 runs",
    ]


def test_the_plan_names_the_control_and_the_margins(read: Read) -> None:
    control, margins = {"corpus": "text", "model": OTHER}, {"negligible": 1, "vital": 2.25}
    text = plan_text(read(control=control, margins=margins), [], 1, None)
    assert (
        f"\npositive control: {OTHER} on text\nnegligible: within +-1 BLEU (strict: 0.3); vital: more than 2.25\n"
        in text
    )


def _result(model: str, seed: int, seconds: float | None) -> dict[str, Any]:
    result = {**dict.fromkeys(NEEDED, 1), "corpus": "text", "model": model, "seed": seed, "preset": model, "flags": []}
    return result if seconds is None else {**result, "training_seconds": seconds}


def test_hours_follow_the_speed_of_finished_runs(read: Read) -> None:
    """Two runs are finished: their multiply-adds a second are the speed of all."""
    study = read(seeds=3, corpora=_corpus(settings={"UPDATES": 2000, "MAX_TOKENS": 1200}))
    results = [
        _result(TINY, 1000000, 7200),
        _result(OTHER, 1000000, 3600),
        _result("gone", 1, 5),
        _result(OTHER, 2000000, None),
    ]
    work = {
        name: 2000 * 1200 * preset_cost(PRESETS[name], Workload(vocabulary=50)).multiply_adds / 60
        for name in (TINY, OTHER)
    }
    speed = (work[TINY] + work[OTHER]) / (7200 + 3600)
    assert measured_speed(study.runs(), results) == pytest.approx(speed)
    minutes = {name: round(work[name] / speed / 60) for name in work}
    assert minutes[TINY] + minutes[OTHER] == 180  # 3 hours both, and a little less for the one with one term less
    assert minutes[TINY] > 90 > minutes[OTHER]
    text = plan_text(study, results, 2, speed=1e30)  # which does not count where runs are finished
    assert _rows(text)[TINY][-2:] == [f"1:{minutes[TINY] - 60:02d}", "h"]
    assert _rows(text)[OTHER][-2:] == [f"1:{minutes[OTHER] - 60:02d}", "h"]
    assert text.splitlines()[-1] == (
        "6 runs: training takes 9:00 h in all, 4:30 h with 2 at a time, by the speed of finished runs"
    )


def test_hours_follow_a_measurement_where_no_run_is_finished(read: Read) -> None:
    study = read(models=[TINY])
    work = 6 * 100 * preset_cost(PRESETS[TINY], Workload(vocabulary=50)).multiply_adds / 60
    text = plan_text(study, [], 1, speed=work / 5400)
    assert _rows(text)[TINY][-2:] == ["1:30", "h"]
    basis = "by the first updates of the reference, measured here"
    assert text.splitlines()[-1] == f"1 runs: training takes 1:30 h in all, 1:30 h with 1 at a time, {basis}"


def test_the_command_takes_the_speed_from_the_store(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _written(path, {"models": [TINY], "seeds": 4})
    (path.parent / "out").mkdir()
    line = json.dumps(_result(TINY, 1000000, 3600)) + "\n"
    (path.parent / "out" / "results.jsonl").write_text(line, encoding="utf-8")
    assert main(["study", "plan", str(path), "--out", str(path.parent / "out"), "--gpus", "", "--workers", "2"]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == (
        "4 runs: training takes 4:00 h in all, 2:00 h with 2 at a time, by the speed of finished runs"
    )


def _model(read: Read, flags: str) -> Any:
    return read(models=[TINY, {"arch": TINY, "name": "flagged", "flags": flags}]).corpora[0].lines[1][0]


@pytest.mark.parametrize(
    ("flags", "sites"),
    [
        ("--dropout 0.2", ("1111", "1111", "1111")),
        ("--self-attn-mixer 0110", ("0110", "0110", "1111")),
        ("--self-attn-terms 0110 --dec-self-attn-terms 0010", ("0110", "0010", "1111")),
        ("--enc-self-attn-mixer uniform --cross-attn-terms 1010", ("uniform", "1111", "1010")),
        ("--self-attn-mixer=0110", ("0110", "0110", "1111")),
    ],
)
def test_mixers_in_flags_are_shown_and_counted(flags: str, sites: tuple[str, str, str], read: Read) -> None:
    model = _model(read, flags)
    preset = model_preset(model)
    assert preset is not None
    assert (preset.encoder_self, preset.decoder_self, preset.cross) == sites
    assert model_cost(model, 99) == preset_cost(preset, Workload(vocabulary=99))


def test_flags_that_change_sizes_or_do_not_fit_have_no_cost_before_the_training(read: Read) -> None:
    for flags in ("--encoder-embed-dim 64", "--decoder-layers 1", "--cross-attn-mixer conv"):
        assert model_cost(_model(read, flags), 99) is None


def test_work_of_an_unknown_model_is_that_of_1111(read: Read) -> None:
    runs = read(models=[TINY, "transformer"]).runs()
    assert run_work(runs[0]) == run_work(runs[1]) > 0
