"""Python, torch and fairseq of versions that the package does not work with are refused in one line."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import nmt_attn
from nmt_attn import versions
from nmt_attn.spec import SpecError
from nmt_attn.versions import check_versions

INSTALL = "pip install -c constraints.txt -e ."
ORIGINAL = (
    "fairseq must be ve-fairseq or fairseq-fixed, not fairseq 0.12.2, whose layers pass over our attention: "
    f"pip uninstall fairseq, then {INSTALL}"
)


@pytest.mark.parametrize(
    ("installed", "message"),
    [
        ({}, f"torch must be 2.6 or newer, not missing: {INSTALL}"),
        ({"torch": "2.5.1+cu121"}, rf"torch must be 2.6 or newer, not 2.5.1\+cu121: {INSTALL}"),
        ({"torch": "1.13.1"}, f"torch must be 2.6 or newer, not 1.13.1: {INSTALL}"),
        ({"torch": "2.13.0", "fairseq": "0.12.2"}, ORIGINAL),
    ],
)
def test_torch_and_fairseq_are_named_with_their_version(
    installed: dict[str, str], message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(versions, "_installed", installed.get)
    with pytest.raises(SpecError, match=f"^{message}$"):
        check_versions()


@pytest.mark.parametrize("torch", ["2.6.0", "2.10.0+cpu", "3.0"])
def test_newer_versions_of_torch_are_taken(torch: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(versions, "_installed", {"torch": torch, "ve-fairseq": "0.12.3"}.get)
    check_versions()


@pytest.mark.parametrize("here", [(3, 9), (3, 14)])
def test_python_is_named_with_its_version(here: tuple[int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "version_info", (*here, 0, "final", 0))
    message = f"Python must be 3.10 to 3.13, not {here[0]}.{here[1]}: make an environment of one"
    with pytest.raises(SpecError, match=f"^{message}$"):
        check_versions()


def test_this_environment_is_taken() -> None:
    check_versions()


def test_the_bounds_are_those_of_the_installation() -> None:
    setup = (Path(nmt_attn.__file__).parents[1] / "setup.cfg").read_text(encoding="utf-8")
    (first, last), torch = versions.PYTHON, versions.TORCH
    assert f"python_requires = >={first[0]}.{first[1]},<{last[0]}.{last[1] + 1}\n" in setup
    assert f"torch>={torch[0]}.{torch[1]}\n" in setup


def test_doctor_finds_an_original_fairseq(tmp_path: Path) -> None:
    """As pip would have installed it, beside the right one."""
    (tmp_path / "fairseq-0.12.2.dist-info").mkdir()
    metadata = "Metadata-Version: 2.1\nName: fairseq\nVersion: 0.12.2\n"
    (tmp_path / "fairseq-0.12.2.dist-info" / "METADATA").write_text(metadata, encoding="utf-8")
    places = [str(tmp_path), *filter(None, [os.environ.get("PYTHONPATH")])]
    command = [sys.executable, "-m", "nmt_attn.cli", "doctor"]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(places)}
    done = subprocess.run(
        command, env=environment, cwd=Path(nmt_attn.__file__).parents[1], capture_output=True, text=True
    )
    assert (done.returncode, done.stdout.splitlines()[-1]) == (2, ORIGINAL)
    assert "Traceback" not in done.stderr
