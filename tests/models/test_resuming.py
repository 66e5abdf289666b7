"""A training goes on from the checkpoint that was asked for, or the newest whole one of its folder; never from none."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from nmt_attn.models import resuming, sealed
from nmt_attn.models.resuming import LAST, checkpoint_to_restore, newest
from nmt_attn.spec import SpecError


def _saved(folder: Path, name: str, updates: int) -> Path:
    folder.mkdir(exist_ok=True)
    sealed.write({"model": {}, "optimizer_history": [{"num_updates": updates}]}, folder / name)
    return folder / name


def _run(folder: Path) -> Path:
    """Four checkpoints, the last of 12 updates."""
    for updates, name in ((4, "checkpoint1.pt"), (8, "checkpoint_2_8.pt"), (8, "checkpoint_best.pt"), (12, LAST)):
        _saved(folder, name, updates)
    _saved(folder, "average.pt", 99)
    return folder


def _damage(path: Path) -> Path:
    path.write_bytes(path.read_bytes()[:-1])
    return path


def test_a_whole_checkpoint_is_taken_as_asked_for(tmp_path: Path) -> None:
    run = _run(tmp_path / "run")
    assert checkpoint_to_restore(run, LAST) == LAST
    assert checkpoint_to_restore(run, str(run / "checkpoint1.pt")) == str(run / "checkpoint1.pt")


def test_a_new_folder_begins_anew(tmp_path: Path) -> None:
    assert checkpoint_to_restore(tmp_path / "new", LAST) == LAST
    (tmp_path / "average.pt").write_bytes(b"of no training")
    assert checkpoint_to_restore(tmp_path, LAST) == LAST


@pytest.mark.parametrize("missing", [False, True])
def test_in_place_of_a_damaged_or_missing_one_the_newest_whole_one_is_taken_and_named(
    missing: bool, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    run = _run(tmp_path / "run")
    if missing:
        (run / LAST).unlink()
        reason = "does not exist"
    else:
        _damage(run / LAST)
        reason = "is damaged: it is no whole zip archive"
    best = run / "checkpoint_best.pt"
    assert checkpoint_to_restore(run, LAST) == str(best)
    assert f"{run / LAST} {reason}; going on from the newest that is whole, {best} (8 updates)" in caplog.text
    _damage(best)
    assert checkpoint_to_restore(run, LAST) == str(run / "checkpoint_2_8.pt")
    _damage(run / "checkpoint_2_8.pt")
    assert checkpoint_to_restore(run, LAST) == str(run / "checkpoint1.pt")


def test_a_damaged_one_that_was_asked_for_gives_place_only_in_its_own_folder(tmp_path: Path) -> None:
    run, other = _run(tmp_path / "run"), _run(tmp_path / "other")
    wanted = _damage(run / "checkpoint_2_8.pt")
    assert checkpoint_to_restore(run, str(wanted)) == str(run / LAST)
    with pytest.raises(SpecError, match=r"checkpoint must be whole, but .*checkpoint_2_8\.pt is damaged: "):
        checkpoint_to_restore(other, str(wanted))


def test_a_checkpoint_that_was_asked_for_and_does_not_exist_is_refused(tmp_path: Path) -> None:
    run = _run(tmp_path / "run")
    message = r"--restore-file must be a checkpoint, but .*nowhere\.pt does not exist: name another, or none"
    with pytest.raises(SpecError, match=message):
        checkpoint_to_restore(run, str(run / "nowhere.pt"))


def test_where_none_is_whole_nothing_begins_anew_by_itself(tmp_path: Path) -> None:
    damaged = _damage(_saved(tmp_path / "run", LAST, 3))
    reason = "is damaged: it is no whole zip archive, and no other checkpoint in"
    message = f"{damaged} {reason} {tmp_path / 'run'} is whole: empty it to begin anew"
    with pytest.raises(SpecError, match=message):
        checkpoint_to_restore(tmp_path / "run", LAST)
    assert newest(tmp_path / "run") is None


def test_a_training_that_began_with_another_model_does_not_begin_with_it_again(tmp_path: Path) -> None:
    kept = _saved(tmp_path, "checkpoint1.pt", 4)
    _damage(_saved(tmp_path, LAST, 6))
    cfg = SimpleNamespace(save_dir=str(tmp_path), restore_file=LAST, finetune_from_model="stock.pt")
    with pytest.raises(AttributeError, match="reset_optimizer"):  # where fairseq's own function begins
        resuming._load(cfg, SimpleNamespace(checkpoint_suffix=""))
    assert (cfg.restore_file, cfg.finetune_from_model) == (str(kept), None)


def test_what_cannot_be_read_is_passed_over(tmp_path: Path) -> None:
    kept = _saved(tmp_path, "checkpoint.best_loss_3.210.pt", 4)
    sealed.write(["no checkpoint"], tmp_path / "checkpoint_best.pt")
    assert newest(tmp_path) == kept
