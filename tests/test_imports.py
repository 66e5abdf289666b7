"""Imports inside the package run only along the arrows of its design."""

import ast
from pathlib import Path

import nmt_attn

ROOT = Path(nmt_attn.__file__).parent
HEAVY = {
    "torch",
    "fairseq",
    "fairseq_cli",
    "numpy",
    "pandas",
    "sacrebleu",
    "sacremoses",
    "sentencepiece",
    "matplotlib",
    "scipy",
    "statsmodels",
    "submitit",
    "jinja2",
}

# part of the package: parts it may import, heavy packages it may import
ARROWS: dict[str, tuple[set[str], set[str]]] = {
    "__init__": (set(), set()),
    "arguments": (set(), set()),
    "spec": (set(), set()),
    "versions": ({"spec"}, set()),
    "presets": ({"spec"}, set()),
    "archs": ({"presets", "spec"}, set()),
    "notation": ({"spec"}, set()),
    "attention": ({"spec"}, {"torch"}),
    "engine": ({"attention"}, {"torch"}),
    "binarised": ({"spec"}, {"numpy"}),
    "models": (
        {"attention", "binarised", "engine", "lock", "notation", "presets", "spec", "versions"},
        {"torch", "fairseq", "fairseq_cli", "numpy"},
    ),
    "lock": ({"spec"}, set()),
    "corpora": (set(), set()),
    "study": (
        {"analysis", "archs", "arguments", "lock", "presets", "spec"},
        {"sacrebleu", "sacremoses", "pandas", "numpy", "matplotlib", "scipy", "statsmodels", "submitit", "jinja2"},
    ),
    "analysis": ({"models", "attention", "notation", "presets", "spec"}, {"torch", "fairseq", "numpy"}),
    "bench": (
        {
            *("analysis", "archs", "arguments", "attention", "engine", "environment"),
            *("models", "notation", "presets", "provenance", "spec"),
        },
        {"torch", "fairseq", "matplotlib"},
    ),
    "inspection": (
        {"arguments", "attention", "corpora", "environment", "models", "notation", "provenance", "spec", "study"},
        {"torch", "fairseq", "numpy", "sentencepiece", "matplotlib", "jinja2"},
    ),
    "describe": ({"analysis", "notation", "presets", "spec"}, set()),
    "environment": ({"spec"}, {"torch"}),
    "provenance": ({"analysis", "environment", "models", "study", "spec"}, set()),
    "doctor": ({"corpora", "spec", "versions"}, {"torch"}),
    "cli": (
        {
            "analysis",
            "arguments",
            "bench",
            "corpora",
            "describe",
            "doctor",
            "environment",
            "inspection",
            "models",
            "presets",
            "provenance",
            "spec",
            "study",
        },
        set(),
    ),
}


def _part(path: Path) -> str:
    return path.relative_to(ROOT).parts[0].removesuffix(".py")


def _imported(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            assert node.module is not None
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def test_every_import_runs_along_an_arrow() -> None:
    seen = set()
    for path in ROOT.rglob("*.py"):
        part = _part(path)
        seen.add(part)
        inside, heavy = ARROWS[part]
        for name in _imported(path):
            package, *rest = name.split(".")
            if package == "nmt_attn" and rest and rest[0] in ARROWS and rest[0] != part:
                assert rest[0] in inside, f"{path} imports {name}"
            assert package not in HEAVY or package in heavy, f"{path} imports {name}"
    assert seen == set(ARROWS)


def test_no_file_that_fairseq_reads_for_options_uses_annotations_that_it_cannot_read() -> None:
    for path in (ROOT / "models").glob("*.py"):
        assert "from __future__ import annotations" not in path.read_text(encoding="utf-8")
