"""Contenders are measured in turns."""

import pytest
import torch

from nmt_attn.bench.record import Point
from nmt_attn.bench.rounds import Clock, Race, measure
from nmt_attn.spec import SpecError

CLOCK = Clock(torch.device("cpu"), threads=1)


def _nothing(*_: object) -> None:
    pass


class Runners:
    """Steps that note who ran in which round."""

    def __init__(self, *names: str) -> None:
        self.calls: list[tuple[str, int]] = []
        self.steps = {name: (lambda number, name=name: self.calls.append((name, number))) for name in names}

    def measure(self, rounds: int, point: Point, tokens: tuple[int, ...] = (5,)) -> Point:
        measure(point, Race("a", self.steps, tokens), rounds, CLOCK, _nothing, _nothing)
        return point


def test_every_round_has_all_contenders_after_one_that_warms_up() -> None:
    runners = Runners("a", "b", "c")
    point = runners.measure(6, Point(), tokens=(5, 7, 9, 11))
    assert runners.calls[:3] == [("a", 0), ("b", 0), ("c", 0)]
    for number in range(6):
        assert sorted(runners.calls[3 + 3 * number : 6 + 3 * number]) == [(name, number) for name in "abc"]
    assert {name: len(times) for name, times in point.seconds.items()} == {"a": 6, "b": 6, "c": 6}
    assert point.tokens == [5, 7, 9, 11, 5, 7]
    assert len({tuple(name for name, _ in runners.calls[i : i + 3]) for i in range(3, 21, 3)}) > 1


def test_the_order_is_the_same_at_every_call() -> None:
    first, second = Runners("a", "b", "c", "d"), Runners("a", "b", "c", "d")
    first.measure(5, Point())
    second.measure(5, Point())
    assert first.calls == second.calls


def test_only_rounds_that_are_missing_are_measured() -> None:
    point = Runners("a", "b").measure(2, Point())
    before = list(point.seconds["a"])
    runners = Runners("a", "b")
    runners.measure(5, point)
    assert sorted({number for _, number in runners.calls[2:]}) == [2, 3, 4]
    assert point.seconds["a"][:2] == before
    assert len(point.seconds["b"]) == 5
    again = Runners("a", "b")
    again.measure(5, point)
    assert again.calls == []


def test_who_refuses_is_left_out_with_the_reason() -> None:
    runners = Runners("a", "b")

    def refuse(number: int) -> None:
        raise SpecError("it cannot")

    runners.steps["b"] = refuse
    point = runners.measure(2, Point())
    assert point.left_out == {"b": "it cannot"}
    assert list(point.seconds) == ["a"]
    runners.steps["a"] = refuse
    with pytest.raises(SpecError, match=r"^a, which the others are compared with, cannot run: it cannot$"):
        runners.measure(2, Point())


@pytest.mark.parametrize(
    ("device", "threads", "name"),
    [("cpu", 1, "process CPU time"), ("cpu", 2, "wall-clock time"), ("cuda", 1, "wall-clock time")],
)
def test_one_thread_is_measured_in_process_time(device: str, threads: int, name: str) -> None:
    assert Clock(torch.device(device), threads).name == name
