"""Counts what was compared: tests report it by record_property, the last lines of the session sum it up."""

import pytest
import torch

COUNTED = {
    "oracle_float64": "oracle comparisons: {} float64, ",
    "oracle_float32": "{} float32; ",
    "gradchecks": "gradchecks: {}; ",
    "outside_oracles": "outside oracles: {}",
}
PRINTED = pytest.StashKey[bool]()


def pytest_terminal_summary(terminalreporter, config):
    """Works under pytest-xdist too: reports carry their properties to the controller."""
    totals = dict.fromkeys(COUNTED, 0)
    for report in terminalreporter.getreports("passed"):
        if report.when != "call":
            continue
        for name, number in report.user_properties:
            if name in totals:
                totals[name] += number
    if any(totals.values()) and not config.stash.get(PRINTED, False):
        config.stash[PRINTED] = True
        terminalreporter.write_line("".join(text.format(totals[name]) for name, text in COUNTED.items()))


@pytest.fixture(scope="session", autouse=True)
def one_thread():
    """Tiny tensors: more threads only wait for each other."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
