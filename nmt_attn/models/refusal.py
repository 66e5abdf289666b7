"""How the plugin refuses bad input inside fairseq's commands."""

import multiprocessing
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from fairseq.distributed import utils as distributed_utils
from torch.multiprocessing import ProcessExitedException

from nmt_attn.spec import SpecError

_fairseqs_call_main = distributed_utils.call_main


@contextmanager
def refuses_in_one_line() -> Iterator[None]:
    """Turns a SpecError into one line on standard error and exit code 2, as argparse does for bad options.

    fairseq would show a traceback, or another message in the place of ours.
    """
    try:
        yield
    except SpecError as error:
        print(f"nmt_attn: error: {error}", file=sys.stderr)
        raise SystemExit(2) from error


def pass_on_exit_codes() -> None:
    """From here on a command that starts a process for each GPU ends as they do, without a traceback of its own."""
    distributed_utils.call_main = _call_main


def _call_main(cfg: Any, main: Any, **named: Any) -> None:
    distributed = cfg.distributed_training
    starts = distributed.distributed_world_size > 1 and not distributed.distributed_no_spawn
    numbers = (signal.SIGTERM, signal.SIGUSR1) if starts else ()
    before = {number: signal.signal(number, _pass_on) for number in numbers}
    try:
        _fairseqs_call_main(cfg, main, **named)
    except ProcessExitedException as error:
        if error.exit_code <= 0:  # ended by a signal
            raise
        raise SystemExit(error.exit_code) from error
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _pass_on(number: int, frame: FrameType | None) -> None:
    """To the processes of a training; a process that has none does what it would have done."""
    children = multiprocessing.active_children()
    if not children:
        signal.signal(number, signal.SIG_DFL)
        signal.raise_signal(number)
    for child in children:
        if child.pid is not None:
            os.kill(child.pid, number)
