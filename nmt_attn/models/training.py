"""fairseq-train's own main and loop, with what a long training needs: a folder of its own, an end that loses nothing,
and one line that says why it ended."""

import logging
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import fairseq_cli.train
import torch
from fairseq import checkpoint_utils
from fairseq.distributed import utils as distributed_utils

from nmt_attn.lock import PATIENCE, locked
from nmt_attn.models.refusal import refuses_in_one_line
from nmt_attn.models.resuming import newest
from nmt_attn.models.sealed import UNFINISHED
from nmt_attn.models.stopping import Stop
from nmt_attn.spec import SpecError

logger = logging.getLogger(__name__)

_fairseqs_main = fairseq_cli.train.main
_fairseqs_train = fairseq_cli.train.train
_fairseqs_validate_and_save = fairseq_cli.train.validate_and_save
_stop = Stop()


def replace_training() -> None:
    """From here on fairseq-train runs what is below."""
    fairseq_cli.train.main = main
    fairseq_cli.train.train = _train
    fairseq_cli.train.validate_and_save = _validate_and_save


def main(cfg: Any) -> None:
    """As fairseq's, in a folder that no other training uses. Stopped by a signal, it exits with 128 + its number."""
    if cfg.distributed_training.distributed_world_size > 1:  # what fairseq would send to the others torch does not read
        cfg.checkpoint.load_checkpoint_on_all_dp_ranks = True
    with refuses_in_one_line(), _own_folder(cfg), _stop.listening():
        _fairseqs_main(cfg)


@contextmanager
def _own_folder(cfg: Any) -> Iterator[None]:
    """--save-dir for this training alone, without what a killed one left unfinished."""
    folder = Path(cfg.checkpoint.save_dir)
    if cfg.checkpoint.no_save or not distributed_utils.is_master(cfg.distributed_training):
        yield
        return
    with locked(folder / "training.lock", f"--save-dir {folder}", PATIENCE):
        for left in folder.glob(f"checkpoint*.pt.*{UNFINISHED}"):
            left.unlink()
        yield


def _train(cfg: Any, trainer: Any, task: Any, epoch_itr: Any) -> Any:
    """An epoch; none if a checkpoint of all updates was loaded, to which fairseq would add one."""
    updates = trainer.get_num_updates()
    if updates >= (cfg.optimization.max_update or updates + 1):
        logger.info("all %s updates are done", updates)
        return [None], True
    try:
        return _fairseqs_train(cfg, trainer, task, epoch_itr)
    except Exception as error:
        cause = _floating_point_error(error)
        if cause is None or "inconsistent between workers" in str(cause):
            raise
        good, reason = newest(Path(cfg.checkpoint.save_dir)), str(cause).splitlines()[0]
        raise SpecError(
            f"loss and gradients must be finite, but in update {trainer.get_num_updates() + 1} were not ({reason}): "
            f"go on from {good or 'the start, for no checkpoint was saved'}, with a smaller --lr, more "
            "--warmup-updates or --clip-norm"
        ) from error


def _floating_point_error(error: BaseException | None) -> FloatingPointError | None:
    """Also one in whose handling another came up: fairseq looks for the place of a NaN with hooks that may fail."""
    while error:
        if isinstance(error, FloatingPointError):
            return error
        error = error.__context__
    return None


def _validate_and_save(
    cfg: Any, trainer: Any, task: Any, epoch_itr: Any, valid_subsets: list[str], end_of_epoch: bool
) -> Any:
    """Between two updates. A training that was asked to stop is saved at once, and validated only where it is due."""
    updates = trainer.get_num_updates()
    last = updates >= (cfg.optimization.max_update or updates + 1)
    if last or not (number := _stop.agreed(trainer)):
        return _fairseqs_validate_and_save(cfg, trainer, task, epoch_itr, valid_subsets, end_of_epoch)
    cfg.checkpoint.no_last_checkpoints = False
    saved = checkpoint_utils.save_checkpoint(cfg.checkpoint, trainer, epoch_itr, None)
    _fairseqs_validate_and_save(cfg, trainer, task, epoch_itr, valid_subsets, end_of_epoch)
    if trainer.data_parallel_world_size > 1:
        torch.distributed.barrier()  # who starts the processes kills those that stay when one has gone
    if distributed_utils.is_master(cfg.distributed_training):
        name = signal.Signals(number).name
        place = f"saved in {saved}: the same command goes on from there" if saved else "not saved, as --no-save says"
        print(f"nmt_attn: stopped by {name} after update {updates}, {place}", flush=True)
    raise SystemExit(128 + number)
