"""Growth of the peak memory in one step: of the process on the CPU, of torch's allocator on the GPU."""

import contextlib
import ctypes
import multiprocessing
import resource
import sys
from collections.abc import Callable
from functools import partial
from multiprocessing.connection import Connection

import torch

from nmt_attn.bench.driver import quiet
from nmt_attn.bench.module import ModuleStep
from nmt_attn.bench.module import Setting as ModuleSetting
from nmt_attn.bench.names import Ours
from nmt_attn.bench.training import first_updates
from nmt_attn.bench.translation import Setting
from nmt_attn.spec import SpecError

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # of glibc's malloc.h
BYTES = 1 if sys.platform == "darwin" else 1024  # unit of ru_maxrss
Work = Callable[[], None]


def module_growth(contender: str | Ours, setting: ModuleSetting, length: int) -> int:
    """Bytes by which the peak grows in forward and backward at this length. Raises SpecError if it cannot be done.

    A step over short sentences goes before, which makes the parameters and warms up.
    """
    name = contender if isinstance(contender, str) else contender.name
    prepare = partial(_warm, contender, setting, length)
    return _peak_growth(f"{name} at length {length}", prepare, setting.device, setting.threads)


def training_growth(command: str, engine: bool, setting: Setting) -> int:
    """Bytes by which the peak grows in a training of "ARCH FLAGS": parameters, gradients, Adam's two moments, and
    what two updates keep for their gradients. Raises SpecError if it cannot be done.
    """
    return _peak_growth(command, partial(first_updates, command, engine, setting), setting.device, setting.threads)


def _peak_growth(name: str, prepare: Callable[[], Work], device: str, threads: int) -> int:
    """Of the work that ``prepare`` returns.

    On the CPU a fresh process measures, a child of one that has loaded the libraries and done nothing else.
    """
    if device != "cpu":
        return _on_gpu(prepare)
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["nmt_attn.bench.memory"])
    receiver, sender = context.Pipe(duplex=False)
    child = context.Process(target=_in_child, args=(sender, prepare, threads))
    child.start()
    sender.close()
    try:
        return int(receiver.recv())
    except EOFError:
        child.join()
        raise SpecError(f"the memory of {name} cannot be measured: exit {child.exitcode}") from None
    finally:
        child.join()


def _in_child(sender: Connection, prepare: Callable[[], Work], threads: int) -> None:
    _return_blocks_at_once()
    with quiet(threads):
        work = prepare()
        before = _peak()
        work()
        sender.send(_peak() - before)


def _return_blocks_at_once() -> None:
    """Makes glibc give large blocks back when they are freed, so that the peak is what is held, not what is kept."""
    with contextlib.suppress(AttributeError):
        for parameter in (M_TRIM_THRESHOLD, M_MMAP_THRESHOLD):
            ctypes.CDLL(None).mallopt(parameter, 1 << 16)


def _on_gpu(prepare: Callable[[], Work]) -> int:
    work = prepare()
    torch.cuda.synchronize()
    torch.cuda.reset_peak_memory_stats()
    before = torch.cuda.memory_allocated()
    work()
    torch.cuda.synchronize()
    return torch.cuda.max_memory_allocated() - before


def _warm(contender: str | Ours, setting: ModuleSetting, length: int) -> ModuleStep:
    """The step to be measured, its module made."""
    step = ModuleStep(contender, setting.warm_up_inputs(length), setting)
    step()
    step.forget()
    step.inputs = setting.inputs(length)
    return step


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * BYTES
