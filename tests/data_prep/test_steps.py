"""A step is done once, whole, and again only if what it depends on has changed."""

import multiprocessing
import threading
import time
from pathlib import Path

import pytest

from data_prep.parallel import in_order
from data_prep.steps import checksums, only_one, read_record, step


class _Make:
    def __init__(self, text: str = "a\nb\n") -> None:
        self.text, self.calls = text, 0

    def __call__(self, part: Path) -> dict[str, int]:
        self.calls += 1
        (part / "out.txt").write_text(self.text, encoding="utf-8")
        return {"lines": 2}


def test_a_second_call_does_nothing_and_gives_the_same_record(tmp_path: Path) -> None:
    make = _Make()
    first = step(tmp_path / "s", {"size": 3}, {"in": "abc"}, make)
    assert step(tmp_path / "s", {"size": 3}, {"in": "abc"}, make) == first == read_record(tmp_path / "s")
    assert make.calls == 1
    assert first["outputs"]["out.txt"]["lines"] == 2
    assert first["outputs"]["out.txt"]["bytes"] == 4
    assert len(checksums(first)["out.txt"]) == 64
    assert first["report"] == {"lines": 2}


@pytest.mark.parametrize(("size", "source"), [(4, "abc"), (3, "abd")])
def test_another_parameter_or_input_does_it_again(tmp_path: Path, size: int, source: str) -> None:
    step(tmp_path / "s", {"size": 3}, {"in": "abc"}, _Make())
    make = _Make("new\n")
    step(tmp_path / "s", {"size": size}, {"in": source}, make)
    assert make.calls == 1
    assert (tmp_path / "s" / "out.txt").read_text(encoding="utf-8") == "new\n"


@pytest.mark.parametrize("damage", ["gone", "cut", "record"])
def test_a_damaged_result_is_made_again(tmp_path: Path, damage: str) -> None:
    step(tmp_path / "s", {}, {}, _Make())
    if damage == "gone":
        (tmp_path / "s" / "out.txt").unlink()
    elif damage == "cut":
        (tmp_path / "s" / "out.txt").write_text("a", encoding="utf-8")
    else:
        (tmp_path / "s" / "step.json").write_text("{", encoding="utf-8")
    make = _Make()
    step(tmp_path / "s", {}, {}, make)
    assert make.calls == 1


def test_what_fails_leaves_nothing_under_the_final_name_and_keeps_what_was_there(tmp_path: Path) -> None:
    def fail(part: Path) -> dict[str, int]:
        (part / "half.txt").write_text("half", encoding="utf-8")
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        step(tmp_path / "s", {}, {}, fail)
    assert not (tmp_path / "s").exists()
    step(tmp_path / "s", {}, {}, _Make())
    with pytest.raises(OSError, match="disk full"):
        step(tmp_path / "s", {"other": 1}, {}, fail)
    assert (tmp_path / "s" / "out.txt").exists()
    assert step(tmp_path / "s", {}, {}, fail)["report"] == {"lines": 2}


def _hold(folder: Path, ready: "multiprocessing.Queue[str]", done: "multiprocessing.Queue[str]") -> None:
    with only_one(folder):
        ready.put("holds it")
        done.get()
        (folder / "result").touch()


def test_a_second_process_waits_while_the_first_works(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    context = multiprocessing.get_context("spawn")
    ready, done = context.Queue(), context.Queue()
    other = context.Process(target=_hold, args=(tmp_path, ready, done))
    other.start()
    assert ready.get(timeout=60) == "holds it"
    threading.Timer(0.5, done.put, [""]).start()
    with only_one(tmp_path):
        assert (tmp_path / "result").exists()
    assert f"another process works in {tmp_path} (it holds {tmp_path}/lock): waiting" in capfd.readouterr().err
    other.join()


def _work_for_long(number: int) -> int:
    time.sleep(0.05)
    return number


def _killed(folder: Path, ready: "multiprocessing.Queue[int]") -> None:
    with only_one(folder):
        for number in in_order(_work_for_long, range(1000), 2):
            ready.put(number)


def test_workers_of_a_killed_process_do_not_keep_its_folder(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    ready = context.Queue()
    other = context.Process(target=_killed, args=(tmp_path, ready))
    other.start()
    ready.get(timeout=60)
    other.kill()
    other.join()
    started = time.monotonic()
    with only_one(tmp_path):
        assert time.monotonic() - started < 10
