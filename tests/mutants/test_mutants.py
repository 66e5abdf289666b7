"""The mutants still fit the source, they are the sixteen bugs, and what the script says of them is so."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.mutants import run
from tests.mutants.mutant import Change, Mutant
from tests.mutants.mutants import BUGS, MUTANTS

LIST = [
    "transposed 0100",
    "sine sign not negated for future keys",
    "garbage upper triangle from relative shift",
    "off-by-one slice of R",
    "R sliced from the wrong end",
    "bias not shifted by the cache length",
    "cross distance from tensor columns under left padding",
    "off-by-one causal mask",
    "-inf row NaN",
    "mask before the biased linear",
    "softmax before truncation",
    "one window for all queries with 0010",
    "sqrt(model size) for sqrt(head size)",
    "biased q projection",
    "parameter of a disabled term left in",
    "missing beam reorder",
]
RED = "FAILED a.py::test[x y] - assert 1 == 2\nERROR a.py::other\n2 failed"
NAMES = [mutant.name for mutant in MUTANTS]


def test_the_sixteen_bugs_are_there_and_each_mutant_has_a_name_of_its_own() -> None:
    assert sorted(BUGS) == sorted(LIST)
    assert len(LIST) == 16
    assert len(set(NAMES)) == len(NAMES)


@pytest.mark.parametrize("mutant", MUTANTS, ids=NAMES)
def test_a_mutant_fits_the_source_and_compiles(mutant: Mutant) -> None:
    texts: dict[str, str] = {}
    for change in mutant.changes:
        before = texts.get(change.file) or (run.ROOT / change.file).read_text(encoding="utf-8")
        texts[change.file] = change.applied(before)
        assert texts[change.file] != before
    for file, text in texts.items():
        compile(text, file, "exec")


@pytest.mark.parametrize("mutant", MUTANTS, ids=NAMES)
def test_the_tests_of_a_mutant_are_in_their_files(mutant: Mutant) -> None:
    assert len(set(mutant.tests)) == len(mutant.tests) > 0
    for test in mutant.tests:
        file, name = test.split("[")[0].split("::")
        assert f"\ndef {name}(" in (run.ROOT / file).read_text(encoding="utf-8")


@pytest.mark.parametrize("text", ["", "a a"])
def test_an_old_text_that_is_not_there_once_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=rf"the old text must occur once in x\.py, not {len(text.split())} times: 'a'"):
        Change("x.py", "a", "b").applied(text)


@pytest.mark.parametrize(
    ("code", "output", "is_killed", "words"),
    [
        (0, "2 passed", False, "SURVIVED a.py::test[x y], a.py::other"),
        (1, RED, True, "killed by a.py::test[x y] and 1 more"),
        (1, "FAILED a.py::other - assert False\n1 failed, 1 passed", False, "SURVIVED a.py::test[x y]"),
        (1, "FAILED a.py::other - NameError: name 'x'\n1 failed", False, "broken: a.py::other - NameError: name 'x'"),
        (2, "ERROR a.py\n1 error during collection", False, "broken: exit code 2 of pytest: 1 error during collection"),
        (4, "ERROR: not found: a.py::test", False, "broken: exit code 4 of pytest: ERROR: not found: a.py::test"),
        (5, "", False, "broken: exit code 5 of pytest: "),
    ],
)
def test_only_tests_that_all_fail_kill(code: int, output: str, is_killed: bool, words: str) -> None:
    assert run.judge(run.Result(code, output), ["a.py::test[x y]", "a.py::other"]) == (is_killed, words)


def _stub(monkeypatch: pytest.MonkeyPatch, codes: list[int]) -> None:
    """Two mutants of one bug and one of another, and a pytest that ends with these exit codes in turn."""
    mutants = [Mutant(bug, (Change("x.py", "a", bug),), ("t.py::test",), part) for bug, part in ("b1", "c2", "c3")]
    left = iter(codes)

    def run_tests(copy: Path, tests: list[str], keep_bytecode: bool = False) -> run.Result:
        assert (copy / "x.py").read_text() == "a" if keep_bytecode else "a" not in (copy / "x.py").read_text()
        code = next(left)
        return run.Result(code, "FAILED t.py::test - assert 0" if code == 1 else f"ended with {code}")

    monkeypatch.setattr(run, "MUTANTS", mutants)
    monkeypatch.setattr(run, "BUGS", ("b", "c"))
    monkeypatch.setattr(run, "copy_checkout", lambda copy: (copy / "x.py").write_text("a"))
    monkeypatch.setattr(run, "imported_from", lambda copy: copy / "nmt_attn")
    monkeypatch.setattr(run, "run_tests", run_tests)


@pytest.mark.parametrize(
    ("codes", "names", "words", "last", "code"),
    [
        ([0, 1, 1, 1], [], ["killed by", "killed by", "killed by"], "2 of 2 killed", 0),
        ([0, 1, 1, 0], [], ["killed by", "killed by", "SURVIVED"], "1 of 2 killed", 1),
        ([0, 2, 1, 1], [], ["broken", "killed by", "killed by"], "1 of 2 killed", 1),
        ([0, 0], ["b-1"], ["SURVIVED"], "0 of 1 killed", 1),
        ([0, 1], ["c-3"], ["killed by"], "1 of 1 killed", 0),
    ],
)
def test_the_lines_and_the_exit_code_tell_which_bugs_are_killed(
    codes: list[int],
    names: list[str],
    words: list[str],
    last: str,
    code: int,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    _stub(monkeypatch, codes)
    assert run.main(names) == code
    first, *lines, summary = capsys.readouterr().out.splitlines()
    assert first.startswith("without a bug: 1 tests pass (")
    assert [line.split(": ")[0] for line in lines] == (names or ["b-1", "c-2", "c-3"])
    assert all(word in line for word, line in zip(words, lines, strict=True))
    assert summary == last


@pytest.mark.parametrize(
    ("codes", "names", "message"),
    [
        ([1], [], "the tests must pass without a bug, not fail: mend t.py::test\n"),
        ([5], [], "the tests must pass without a bug, not fail: mend ended with 5\n"),
        ([], ["d"], "the name of a mutant must be one of b-1, c-2, c-3, not 'd'\n"),
    ],
)
def test_a_red_suite_and_an_unknown_name_are_refused(
    codes: list[int],
    names: list[str],
    message: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    _stub(monkeypatch, codes)
    with pytest.raises(SystemExit) as refusal:
        run.main(names)
    assert refusal.value.code == 2
    assert capsys.readouterr() == ("", message)


def test_a_package_from_elsewhere_is_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    _stub(monkeypatch, [])
    monkeypatch.setattr(run, "imported_from", lambda copy: tmp_path)
    with pytest.raises(SystemExit):
        run.main([])
    assert f"not from {tmp_path}: uninstall nmt_attn there" in capsys.readouterr().err


def test_a_folder_that_is_no_checkout_is_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr(run, "ROOT", tmp_path)
    with pytest.raises(SystemExit):
        run.copy_checkout(tmp_path / "copy")
    assert capsys.readouterr().err == f"{tmp_path} must be a git checkout, not a bare folder: clone the repository\n"


def test_a_copy_is_the_working_tree_without_what_git_ignores_and_its_package_is_the_one_imported(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    here, copy = tmp_path / "here", tmp_path / "copy"
    (here / "nmt_attn").mkdir(parents=True)
    for name, text in ((".gitignore", "build/\n"), ("gone.py", ""), ("nmt_attn/__init__.py", "committed = 1")):
        (here / name).write_text(text)
    for command in (["init", "-q"], ["add", "."]):
        subprocess.run(["git", *command], cwd=here, check=True)
    (here / "gone.py").unlink()
    (here / "build").mkdir()
    for name in ("build/old.py", "new.py"):
        (here / name).touch()
    (here / "nmt_attn/__init__.py").write_text("edited = 1")
    monkeypatch.setattr(run, "ROOT", here)
    run.copy_checkout(copy)
    found = {str(path.relative_to(copy)) for path in copy.rglob("*") if path.is_file()}
    assert found == {".gitignore", "new.py", "nmt_attn/__init__.py"}
    assert (copy / "nmt_attn/__init__.py").read_text() == "edited = 1"
    assert run.imported_from(copy) == copy / "nmt_attn"


@pytest.mark.slow
def test_the_suite_kills_sixteen_of_sixteen() -> None:
    script = Path(run.__file__)
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines()[-1] == "16 of 16 killed"
