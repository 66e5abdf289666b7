"""A function over blocks of work in several processes, in order, with a bounded number of blocks in memory."""

import os
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from itertools import islice
from typing import TypeVar

from data_prep.errors import DataError

Block = TypeVar("Block")
Result = TypeVar("Result")
Item = TypeVar("Item")

BLOCK = 20_000  # lines or pairs


def processors() -> int:
    """How many this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def in_order(function: Callable[[Block], Result], blocks: Iterable[Block], workers: int) -> Iterator[Result]:
    """``function`` of each block; at most two blocks a worker wait or are being worked on."""
    if workers == 1:
        yield from map(function, blocks)
        return
    with ProcessPoolExecutor(workers, initializer=_leave_with_parent) as pool:
        pending: deque[Future[Result]] = deque()
        try:
            for block in blocks:
                pending.append(pool.submit(function, block))
                if len(pending) >= 2 * workers:
                    yield pending.popleft().result()
            while pending:
                yield pending.popleft().result()
        except BrokenProcessPool:
            raise DataError(
                f"all {workers} processes must live to the end, but one was killed, as happens without enough memory: "
                "give fewer --workers"
            ) from None
        finally:
            pool.shutdown(cancel_futures=True)


def _leave_with_parent() -> None:
    """A worker does not outlive a parent that was killed: it would hold its locks."""
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def blocks_of(items: Iterable[Item], size: int = BLOCK) -> Iterator[list[Item]]:
    """Consecutive items in lists of ``size``, the last one shorter."""
    stream = iter(items)
    while block := list(islice(stream, size)):
        yield block
