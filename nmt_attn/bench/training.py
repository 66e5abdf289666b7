"""Updates of fairseq-train with our models beside stock fairseq at the same sizes."""

from collections.abc import Callable, Mapping
from typing import Any

import torch
from fairseq.tasks.translation import TranslationTask
from fairseq.trainer import Trainer

from nmt_attn.bench.names import STOCK
from nmt_attn.bench.record import Record
from nmt_attn.bench.rounds import Clock, Race, measure
from nmt_attn.bench.translation import Setting, build_model, configuration, make_batches, make_task

FAST = ("--engine", "fast", "--criterion", "fused_label_smoothed_cross_entropy")


def run(
    commands: Mapping[str, tuple[str, bool]],
    setting: Setting,
    rounds: int,
    record: Record,
    save: Callable[[], None],
    say: Callable[[str], None],
) -> None:
    """Measures the updates that the record lacks. commands: the name of a contender to its "ARCH FLAGS" and whether
    the engine is on.
    """
    task = make_task(setting)
    batches = make_batches(task, setting, "train", rounds)
    trainers = {}
    for name, (command, engine) in commands.items():
        trainers[name] = _trainer(command, engine, setting, task)
        record.parameters[name] = sum(parameter.numel() for parameter in trainers[name].model.parameters())
    say(f"{rounds} updates of {len(trainers)} models in turns, each of all {len(trainers)} with the same batch")
    steps = {name: _step(trainer, batches) for name, trainer in trainers.items()}
    race = Race(STOCK, steps, [batch["ntokens"] for batch in batches])
    clock = Clock(torch.device(setting.device), setting.threads)
    measure(record.point("updates"), race, rounds, clock, save, say)


def first_updates(command: str, engine: bool, setting: Setting) -> Callable[[], None]:
    """The first two updates of a model that is made for them; none of it is made before they are called."""
    task = make_task(setting)
    batches = make_batches(task, setting, "train", 2)

    def work() -> None:
        step = _step(_trainer(command, engine, setting, task), batches)
        for number in range(2):
            step(number)

    return work


def _trainer(command: str, engine: bool, setting: Setting, task: TranslationTask) -> Trainer:
    cfg = configuration(command, setting, task, *(FAST if engine else ()))
    return Trainer(cfg, task, build_model(task, cfg, command), task.build_criterion(cfg.criterion))


def _step(trainer: Trainer, batches: list[dict[str, Any]]) -> Callable[[int], None]:
    return lambda number: trainer.train_step([batches[number % len(batches)]])
