"""What a training's numbers depend on beside its commands: versions, device, threads, commit."""

import os
import platform
import re
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import torch

import nmt_attn
from nmt_attn.spec import SpecError


def environment() -> dict[str, Any]:
    """As a result states it; the device is the one that a training would use."""
    return {
        "code_version": code_version(),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "fairseq": _fairseq(),
        "device": torch.cuda.get_device_name() if torch.cuda.is_available() else processor(),
        "threads": _threads(),
    }


def _threads() -> int:
    """Those that OMP_NUM_THREADS allows, as the training has them; raises SpecError if it is no number."""
    allowed = os.environ.get("OMP_NUM_THREADS", "").partition(",")[0].strip()
    if allowed and (not allowed.isascii() or not allowed.isdigit() or int(allowed) < 1):
        raise SpecError(f"OMP_NUM_THREADS must be a whole number from 1, not {allowed!r}: set it, or unset it")
    return int(allowed or torch.get_num_threads())


def _fairseq() -> str:
    for package in ("ve-fairseq", "fairseq-fixed"):
        try:
            return f"{package} {version(package)}"
        except PackageNotFoundError:
            pass
    return "unknown"


def processor() -> str:
    """The model of the CPU where Linux tells it, else the kind."""
    try:
        info = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return platform.processor() or platform.machine()
    names = re.findall(r"model name\s*: (.*)", info)
    return names[0] if names else platform.machine()


def code_version() -> str:
    """The package's version and, in a checkout, its commit, marked if files were changed since."""
    command = ["git", "describe", "--always", "--dirty", "--exclude=*"]
    folder = Path(nmt_attn.__file__).parent
    try:
        commit = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return nmt_attn.__version__
    return f"{nmt_attn.__version__}+{commit}"
