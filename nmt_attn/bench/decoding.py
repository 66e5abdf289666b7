"""Translation by fairseq's beam search with our models beside stock fairseq at the same sizes.

Models are random; each translation has as many tokens as its batch is wide, so that all models do the same work.
"""

from collections.abc import Callable, Mapping
from typing import Any

import torch
from fairseq import utils
from fairseq.sequence_generator import SequenceGenerator

from nmt_attn.bench.names import STOCK
from nmt_attn.bench.record import Record
from nmt_attn.bench.rounds import Clock, Race, measure
from nmt_attn.bench.translation import Setting, build_model, configuration, make_batches, make_task
from nmt_attn.spec import SpecError

Batch = dict[str, Any]


def run(
    commands: Mapping[str, tuple[str, bool]],
    setting: Setting,
    beam: int,
    rounds: int,
    record: Record,
    save: Callable[[], None],
    say: Callable[[str], None],
) -> None:
    """Measures the batches that the record lacks. commands: the name of a contender to its "ARCH FLAGS" and whether
    the engine is on.
    """
    task = make_task(setting)
    batches = make_batches(task, setting, "test", rounds)
    if setting.device == "cuda":
        batches = [utils.move_to_cuda(batch) for batch in batches]
    steps = {}
    for name, (command, engine) in commands.items():
        cfg = configuration(command, setting, task)
        model = build_model(task, cfg, command).to(setting.device)
        record.parameters[name] = sum(parameter.numel() for parameter in model.parameters())
        if engine:
            from nmt_attn.engine import speed_up

            if not speed_up(model):
                raise SpecError("--engine must be plain: the engine is off on this machine")
        model.prepare_for_inference_(cfg)
        generator = SequenceGenerator([model], task.target_dictionary, beam_size=beam, max_len_a=1, max_len_b=0)
        steps[name] = _step(generator, batches, setting.amp)
    say(f"{rounds} batches by {len(steps)} models in turns, beam {beam}")
    race = Race(STOCK, steps, [emitted(batch) for batch in batches])
    clock = Clock(torch.device(setting.device), setting.threads)
    measure(record.point("batches"), race, rounds, clock, save, say)


def emitted(batch: Batch) -> int:
    """Tokens of the best translations of a batch: its width and the end of the sentence."""
    sentences, width = batch["net_input"]["src_tokens"].shape
    return sentences * (width + 1)


def _step(generator: SequenceGenerator, batches: list[Batch], amp: bool) -> Callable[[int], None]:
    def translate(number: int) -> None:
        batch = batches[number % len(batches)]
        generator.min_len = batch["net_input"]["src_tokens"].shape[1]
        with torch.autocast("cuda", enabled=amp):
            best = [hypotheses[0]["tokens"] for hypotheses in generator.generate([], batch)]
        assert sum(map(len, best)) == emitted(batch), "all must have the same work"

    return translate
