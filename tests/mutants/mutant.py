"""What a mutant is: a small change of the package's source that puts a real bug back in."""

import re
from dataclasses import dataclass
from pathlib import Path

ATTENTION = "nmt_attn/attention/"
TESTS = "tests/attention/"


@dataclass(frozen=True)
class Change:
    """In ``file``, a path from the root of the checkout, the text ``old``, which occurs once, becomes ``new``."""

    file: str
    old: str
    new: str

    def apply(self, root: Path) -> None:
        path = root / self.file
        path.write_text(self.applied(path.read_text(encoding="utf-8")), encoding="utf-8")

    def applied(self, text: str) -> str:
        found = text.count(self.old)
        if found != 1:
            raise ValueError(f"the old text must occur once in {self.file}, not {found} times: {self.old!r}")
        return text.replace(self.old, self.new)


@dataclass(frozen=True)
class Mutant:
    """A bug, put in wherever it could live at once.

    changes: in different places, each of which has a test of its own. tests: pytest's names of tests that must all
    fail, so that a place whose test passes is noticed although another's test fails. part: which of the places, where
    the tests of a bug could not tell them apart at once, so that it has several mutants. seen: where, if that is sure.
    """

    bug: str
    changes: tuple[Change, ...]
    tests: tuple[str, ...]
    part: str = ""
    seen: str = ""

    @property
    def name(self) -> str:
        """As on the command line: words and numbers joined by hyphens."""
        return "-".join(re.findall(r"\w+", f"{self.bug} {self.part}"))


def by_path(path: str, code: str, site: str) -> str:
    """The test that holds one path against the loops of the oracle."""
    return f"{TESTS}test_paths.py::test_a_path_computes_the_loops_of_the_oracle[{path}-{code}-{site}]"
