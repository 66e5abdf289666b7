"""What whole models cost, side by side: parameters, multiply-adds, updates, translation, peak memory of a training."""

from collections.abc import Callable, Mapping

from nmt_attn.bench import decoding, training
from nmt_attn.bench.memory import training_growth
from nmt_attn.bench.record import Record
from nmt_attn.bench.translation import Setting, configuration, make_task
from nmt_attn.provenance import multiply_adds


def run(
    commands: Mapping[str, tuple[str, bool]],
    setting: Setting,
    beam: int,
    rounds: int,
    record: Record,
    save: Callable[[], None],
    say: Callable[[str], None],
) -> None:
    """Measures what the record lacks. commands: the name of a contender to its "ARCH FLAGS" and whether the engine is
    on.
    """
    task = make_task(setting)
    for name, (command, _) in commands.items():
        counted = multiply_adds(configuration(command, setting, task).model, len(task.target_dictionary))
        if counted is not None:
            record.multiply_adds[name] = counted
    training.run(commands, setting, rounds, record, save, say)
    decoding.run(commands, setting, beam, rounds, record, save, say)
    updates = record.point("updates")
    missing = [name for name in updates.seconds if name not in updates.memory]
    if missing:
        say(f"memory of {len(missing)} models, each in a process of its own")
    for name in missing:
        updates.memory[name] = training_growth(*commands[name], setting)
        save()
