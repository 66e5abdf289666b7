"""Measured time of mixers, on the device at hand."""

import platform
import statistics
import time
from collections.abc import Callable, Iterable
from functools import partial

import torch

from nmt_attn.analysis.cost import Workload, site_lengths, site_specs
from nmt_attn.attention import Mixer, build_mixer
from nmt_attn.presets import Preset
from nmt_attn.spec import MixerSpec, Site

Call = tuple[MixerSpec, int, int]  # what is computed, for how many queries and keys


def preset_milliseconds(
    presets: Iterable[Preset], work: Workload, sentences: int = 32, rounds: int = 7
) -> dict[str, float]:
    """Forward and backward of all mixers of each architecture, for a batch of sentences: name to milliseconds.

    Each distinct mixer is timed alone, all of them once a round so that a slow moment of the machine meets them all
    alike; the median over the rounds is taken, and the medians are added up over sites and layers. Without padding,
    dropout and what stands around the mixers.
    """
    calls = {preset.name: _calls(preset, work) for preset in presets}
    measured = call_milliseconds({call for preset in calls.values() for call in preset}, sentences, rounds)
    return {name: sum(measured[call] for call in preset) for name, preset in calls.items()}


def _calls(preset: Preset, work: Workload) -> list[Call]:
    return [(spec, *site_lengths(site, work)) for site in Site for spec in site_specs(preset, site)]


def call_milliseconds(calls: Iterable[Call], sentences: int, rounds: int) -> dict[Call, float]:
    """Median time of forward and backward of each call; a first round, that warms up, is not counted."""
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    generator = torch.Generator().manual_seed(1)
    runs = []
    for call in sorted(calls, key=str):
        spec, queries, keys = call
        mixer = build_mixer(spec).to(device)
        query = torch.randn(sentences, queries, spec.dim, generator=generator).to(device).requires_grad_()
        memory = query
        if not spec.site.is_self:
            memory = torch.randn(sentences, keys, spec.dim, generator=generator).to(device).requires_grad_()
        runs.append((call, mixer, query, memory))
    times: dict[Call, list[float]] = {call: [] for call, *_ in runs}
    for number in range(rounds + 1):
        for call, mixer, query, memory in runs:
            seconds = seconds_of(partial(_forward_backward, mixer, query, memory), device)
            mixer.zero_grad(set_to_none=True)
            query.grad = memory.grad = None
            if number > 0:
                times[call].append(1000 * seconds)
    return {call: statistics.median(values) for call, values in times.items()}


def seconds_of(
    step: Callable[[], object], device: torch.device, clock: Callable[[], float] = time.perf_counter
) -> float:
    """Time of one step with all that it sets going on the device."""
    _wait(device)
    start = clock()
    step()
    _wait(device)
    return clock() - start


def _forward_backward(mixer: Mixer, query: torch.Tensor, memory: torch.Tensor) -> None:
    output, _ = mixer(query, memory)
    output.sum().backward()


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def machine() -> str:
    """What was measured on."""
    if torch.cuda.is_available():
        return torch.cuda.get_device_name()
    return f"{platform.machine()} CPU with {torch.get_num_threads()} threads, torch {torch.__version__}"
