"""From options to files: what all benchmarks share."""

import argparse
import logging
import os
import shlex
import sys
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

from nmt_attn import environment
from nmt_attn.attention.paths.planner import FORCE
from nmt_attn.bench.figure import check_drawing, draw
from nmt_attn.bench.record import Record
from nmt_attn.bench.rounds import Clock
from nmt_attn.bench.table import markdown
from nmt_attn.spec import SpecError

Measure = Callable[[Record, Callable[[], None], Callable[[str], None]], None]


def set_up(options: argparse.Namespace) -> None:
    """Device and output folder, before anything is measured; raises SpecError."""
    if options.out:
        check_drawing()
        _check_writable(options.out)
    here = torch.cuda.is_available()
    options.device = options.device or ("cuda" if here else "cpu")
    if options.device == "cuda" and not here:
        raise SpecError("--device cuda must have a GPU, and torch sees none")
    if os.environ.get(FORCE):
        raise SpecError(f"{FORCE} must not be set: give a path as CODE@PATH to bench module")
    if options.name and Path(options.name).name != options.name:
        raise SpecError(f"--name must be a file's name without folder, not {options.name}")
    if options.amp and options.device != "cuda":
        raise SpecError("--amp must have a GPU: fairseq's mixed precision is for CUDA only")


def _check_writable(folder: Path) -> None:
    probe = folder / ".writable"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise SpecError(f"--out must be a folder that can be written, not {folder}: {error.strerror}") from None


def carry_out(
    options: argparse.Namespace, name: str, contenders: list[str], settings: Mapping[str, Any], measure: Measure
) -> int:
    """Measures what is not in the record yet; prints the table and, with --out, writes all files.

    name: of the files. contenders: the first is what the others are compared with.
    """
    record = Record(
        benchmark=options.benchmark,
        reference=contenders[0],
        contenders=contenders,
        settings=dict(settings) | {"contenders": contenders},
        environment=_environment(options.device, options.threads),
        clock=Clock(torch.device(options.device), options.threads).name,
        command=shlex.join(["nmt-attn", *options.given]),
        date=time.strftime("%Y-%m-%d %H:%M:%S"),
    )
    name = options.name or name
    files = [options.out / f"{name}.{kind}" for kind in ("json", "md", "svg", "png")] if options.out else []
    if files:
        record.take_up(files[0])

    def save() -> None:
        if files:
            record.save(files[0])

    with quiet(options.threads):
        try:
            measure(record, save, say)
        except KeyboardInterrupt:
            say(f"interrupted: the same command goes on from {files[0]}" if files else "interrupted")
            return 130
        text = markdown(record)
        print(text, end="")
        if files:
            files[1].write_text(text, encoding="utf-8")
            draw(record, files[2:])
            say(f"wrote {', '.join(map(str, files))}")
    return 0


@contextmanager
def quiet(threads: int) -> Iterator[None]:
    """So many threads, and without what fairseq and its libraries tell at each model."""
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(logging.NOTSET)
        torch.set_num_threads(before)


def say(line: str) -> None:
    print(f"{time.strftime('%H:%M:%S')}  {line}", file=sys.stderr, flush=True)


def _environment(device: str, threads: int) -> dict[str, Any]:
    """Versions, and what is measured on, which need not be what a training would take."""
    allocator = {name: value for name, value in os.environ.items() if name.startswith(("MALLOC_", "LD_PRELOAD"))}
    here = environment.environment() | {"threads": threads, "allocator": allocator}
    return here | ({"device": environment.processor()} if device == "cpu" else {})
