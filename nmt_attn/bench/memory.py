"""Growth of the peak memory in one step: of the process on the CPU, of torch's allocator on the GPU."""

import multiprocessing
import resource
import sys
from multiprocessing.connection import Connection

import torch

from nmt_attn.bench.module import ModuleStep, Setting
from nmt_attn.bench.names import Ours
from nmt_attn.spec import SpecError

BYTES = 1 if sys.platform == "darwin" else 1024  # unit of ru_maxrss


def peak_growth(contender: str | Ours, setting: Setting, length: int) -> int:
    """Bytes by which the peak grows in forward and backward at this length. Raises SpecError if it cannot be done.

    On the CPU a fresh process measures, a child of one that has loaded the libraries and done nothing else. There a
    step over short sentences goes before, which makes the parameters and warms up.
    """
    if setting.device != "cpu":
        return _on_gpu(contender, setting, length)
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["nmt_attn.bench.memory"])
    receiver, sender = context.Pipe(duplex=False)
    child = context.Process(target=_in_child, args=(sender, contender, setting, length))
    child.start()
    sender.close()
    try:
        return int(receiver.recv())
    except EOFError:
        child.join()
        name = contender if isinstance(contender, str) else contender.name
        raise SpecError(f"the memory of {name} at length {length} cannot be measured: exit {child.exitcode}") from None
    finally:
        child.join()


def _in_child(sender: Connection, contender: str | Ours, setting: Setting, length: int) -> None:
    torch.set_num_threads(setting.threads)
    step = _warm(contender, setting, length)
    before = _peak()
    step()
    sender.send(_peak() - before)


def _on_gpu(contender: str | Ours, setting: Setting, length: int) -> int:
    step = _warm(contender, setting, length)
    torch.cuda.synchronize()
    torch.cuda.reset_peak_memory_stats()
    before = torch.cuda.memory_allocated()
    step()
    torch.cuda.synchronize()
    return torch.cuda.max_memory_allocated() - before


def _warm(contender: str | Ours, setting: Setting, length: int) -> ModuleStep:
    """The step to be measured, its module made."""
    step = ModuleStep(contender, setting.warm_up_inputs(length), setting)
    step()
    step.forget()
    step.inputs = setting.inputs(length)
    return step


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * BYTES
