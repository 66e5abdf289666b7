"""Puts historical bugs back into a copy of the checkout, one at a time: do the tests notice?

    python tests/mutants/run.py [NAME ...]

First the tests must pass without a bug. Then one line a mutant: ``killed by TEST (seconds)`` if all tests that it
names fail, ``SURVIVED`` and the tests that pass if not, and ``broken`` if the tests could not be run or the change
itself is faulty. Last ``16 of 16 killed``, the bugs all of whose mutants are. The exit code is 0 if none is missing, 1
if one is, 2 for a wrong name, a red suite or a folder that is no git checkout, which one sentence on stderr tells.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import cache_from_source
from pathlib import Path
from typing import NoReturn

ROOT = Path(__file__).resolve().parents[2]
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

from tests.mutants.mutant import Mutant  # noqa: E402
from tests.mutants.mutants import BUGS, MUTANTS  # noqa: E402

FAILED = re.compile(r"^(?:FAILED|ERROR) (.+?)(?: - (.*))?$", re.MULTILINE)
FAULTY = ("NameError", "UnboundLocalError", "AttributeError", "TypeError", "ImportError", "ModuleNotFoundError")


@dataclass(frozen=True)
class Result:
    """What pytest said: its exit code and its output."""

    code: int
    output: str

    @property
    def failures(self) -> dict[str, str]:
        """Reasons of the tests that failed, by name."""
        return {match[1]: match[2] or "" for match in FAILED.finditer(self.output)}

    @property
    def last_line(self) -> str:
        return (self.output.strip().splitlines() or [""])[-1]


def judge(result: Result, tests: Sequence[str]) -> tuple[bool, str]:
    """Is the mutant killed, and in which words?"""
    if result.code not in (0, 1):
        return False, f"broken: exit code {result.code} of pytest: {result.last_line}"
    failures = result.failures
    faulty = [f"{test} - {reason}" for test, reason in failures.items() if reason.startswith(FAULTY)]
    if faulty:
        return False, f"broken: {faulty[0]}"
    alive = [test for test in tests if test not in failures]
    if alive:
        return False, f"SURVIVED {', '.join(alive)}"
    others = f" and {len(tests) - 1} more" if len(tests) > 1 else ""
    return True, f"killed by {tests[0]}{others}"


def copy_checkout(target: Path) -> None:
    """The files that git tracks or would, as they are in the working tree."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode:
        refuse(f"{ROOT} must be a git checkout, not a bare folder: clone the repository")
    for name in filter(None, listed.stdout.split("\0")):
        if (ROOT / name).is_file():  # else it was deleted
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, target / name)


def environment(copy: Path, keep_bytecode: bool = False) -> dict[str, str]:
    """For Python in the copy. keep_bytecode: files that no mutant changes are then compiled once."""
    fixed = {"OMP_NUM_THREADS": "1", "COLUMNS": "1000", "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}  # no plugin is needed
    wanted = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "NMT_ATTN_"))}
    wanted |= fixed | {"PYTHONPATH": str(copy)}
    return wanted if keep_bytecode else wanted | {"PYTHONDONTWRITEBYTECODE": "1"}


def imported_from(copy: Path) -> Path:
    """The folder of the package that Python in the copy imports."""
    code = "import nmt_attn; print(nmt_attn.__path__[0])"
    found = subprocess.run(
        [sys.executable, "-c", code], cwd=copy, env=environment(copy), capture_output=True, text=True, check=True
    )
    return Path(found.stdout.strip())


def run_tests(copy: Path, tests: Sequence[str], keep_bytecode: bool = False) -> Result:
    command = [sys.executable, "-m", "pytest", "-q", "--tb=no", "-rfE", "-p", "no:warnings", "-p", "no:cacheprovider"]
    done = subprocess.run(
        [*command, *tests],
        cwd=copy,
        env=environment(copy, keep_bytecode),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return Result(done.returncode, done.stdout)


def run_mutant(copy: Path, mutant: Mutant) -> tuple[bool, str]:
    """Puts it in, runs its tests and takes it out again: as judge."""
    before = {change.file: (copy / change.file).read_text(encoding="utf-8") for change in mutant.changes}
    for change in mutant.changes:
        change.apply(copy)
        # Python compares time and length of a source only: the compiled file could pass for that of the changed one.
        Path(cache_from_source(copy / change.file)).unlink(missing_ok=True)
    try:
        return judge(run_tests(copy, mutant.tests), mutant.tests)
    finally:
        for name, text in before.items():
            (copy / name).write_text(text, encoding="utf-8")


def chosen(names: Sequence[str]) -> list[Mutant]:
    """The mutants of these names, of all without any."""
    known = {mutant.name: mutant for mutant in MUTANTS}
    for name in names:
        if name not in known:
            refuse(f"the name of a mutant must be one of {', '.join(known)}, not {name!r}")
    return [known[name] for name in names or known]


def refuse(message: str) -> NoReturn:
    print(message, file=sys.stderr)
    raise SystemExit(2)


def main(names: Sequence[str]) -> int:
    mutants = chosen(names)
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        copy = Path(folder).resolve()
        copy_checkout(copy)
        package = imported_from(copy)
        if package != copy / "nmt_attn":
            refuse(f"the package must be imported from the copy {copy}, not from {package}: uninstall nmt_attn there")
        tests = list(dict.fromkeys(test for mutant in mutants for test in mutant.tests))
        begun = time.monotonic()
        result = run_tests(copy, tests, keep_bytecode=True)
        if result.code:
            failures = ", ".join(result.failures) or result.last_line
            refuse(f"the tests must pass without a bug, not fail: mend {failures}")
        print(f"without a bug: {len(tests)} tests pass ({time.monotonic() - begun:.1f} s)", flush=True)
        missing: set[str] = set()
        for mutant in mutants:
            begun = time.monotonic()
            is_killed, words = run_mutant(copy, mutant)
            print(f"{mutant.name}: {words} ({time.monotonic() - begun:.1f} s)", flush=True)
            missing |= set() if is_killed else {mutant.bug}
    bugs = [bug for bug in BUGS if any(mutant.bug == bug for mutant in mutants)]
    print(f"{len(bugs) - len(missing)} of {len(bugs)} killed")
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
