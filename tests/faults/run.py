"""The faults that a long training must survive, and how often it did:

    python -m tests.faults.run [FAULT ...]

About ten minutes on one core. Exit code 1 if a figure is not reached.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from tests.faults import faults
from tests.faults.trainings import make_data
from tests.study.test_runner import check_kills


def _runner(place: faults.Place, count: int) -> int:
    check_kills(place.root / "runner", count, seed=1)
    return count


Fault = Callable[[faults.Place, int], int]

FAULTS: dict[str, tuple[int, str, Fault]] = {
    "killed": (30, "kill -9 at any time: goes on, same parameters", faults.killed_anywhere),
    "writing": (20, "kill -9 while writing a checkpoint: goes on, same parameters", faults.killed_while_writing),
    "asked": (20, "SIGTERM, SIGUSR1: saved at the next update, goes on, same parameters", faults.asked_to_stop),
    "full": (20, "disk full at a byte: one line, the checkpoint before is whole", faults.disk_full),
    "damaged": (20, "checkpoint cut off, emptied, a bit turned: found, newest good one taken", faults.damaged),
    "second": (3, "second training of a folder: refused, the lock is named", faults.second_training),
    "diverged": (3, "loss not finite: stops, names update and last good checkpoint", faults.diverged),
    "runner": (
        100,
        "study runner killed: no finished run lost or made again",
        _runner,
    ),
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, help="how often each, in place of the figures to reach")
    parser.add_argument("faults", nargs="*", metavar="FAULT", choices=[*FAULTS, []], help=", ".join(FAULTS))
    options = parser.parse_args()
    failed = 0
    with tempfile.TemporaryDirectory() as folder:
        place = faults.Place(Path(folder), make_data(Path(folder) / "corpus"))
        for name in options.faults or FAULTS:
            count, what, fault = FAULTS[name]
            count = options.count or count
            start = time.monotonic()
            good = fault(place, count)
            print(f"{good:3}/{count:<3}  {what} ({time.monotonic() - start:.0f} s)", flush=True)
            failed += good != count
    print("all figures reached" if not failed else f"{failed} not reached")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
