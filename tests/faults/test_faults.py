"""A long training survives its faults: a few times each here, as often as the figures say by hand."""

from pathlib import Path

import pytest

from nmt_attn.models import checkpoints, sealed
from tests.faults import faults, run
from tests.faults.trainings import UPDATES, finish, make_data, same_end


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> faults.Place:
    root = tmp_path_factory.mktemp("faults")
    return faults.Place(root, make_data(root / "corpus"))


@pytest.mark.parametrize(
    ("fault", "count"),
    [
        (faults.killed_while_writing, 1),
        (faults.asked_to_stop, 2),
        (faults.disk_full, 2),
        (faults.damaged, 2),
        (faults.diverged, 1),
    ],
)
def test_a_training_goes_on_after(fault: run.Fault, count: int, place: faults.Place) -> None:
    assert fault(place, count) == count


@pytest.mark.slow
def test_the_figures_are_reached(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("sys.argv", ["run"])
    assert run.main() == 0
    assert "all figures reached" in capsys.readouterr().out


def test_a_training_that_is_complete_is_left_as_it_is(place: faults.Place) -> None:
    """fairseq itself would add an update."""
    before = (place.reference / faults.LAST).read_bytes()
    training = finish(place.data, place.reference)
    assert f"all {UPDATES} updates are done" in training.said()
    assert (place.reference / faults.LAST).read_bytes() == before


def test_a_bit_more_or_less_is_another_end(place: faults.Place, tmp_path: Path) -> None:
    """The comparison of ends would notice."""
    state = checkpoints.load(place.reference / faults.LAST)
    sealed.write(state, tmp_path / faults.LAST)
    assert same_end(place.reference, tmp_path)
    state["model"]["encoder.layers.0.fc1.weight"][0, 0] += 1e-7
    sealed.write(state, tmp_path / faults.LAST)
    assert not same_end(place.reference, tmp_path)
