"""fairseq-train's JSON log, mixed with other lines, as one short line now and then."""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any


def read_log(lines: Iterable[str]) -> Iterator[dict[str, Any]]:
    """The JSON objects in a log of --log-format json; all other lines are left out."""
    for line in lines:
        start = line.find("{")
        if start < 0:
            continue
        try:
            entry = json.loads(line[start:])
        except ValueError:
            continue
        if isinstance(entry, dict):
            yield entry


def progress_lines(lines: Iterable[str], label: str, updates: int) -> Iterator[str]:
    """One line for each entry about training or validation: updates, perplexity, speed and time left."""
    for entry in read_log(lines):
        if "valid_ppl" in entry:
            yield f"{label}: update {entry['valid_num_updates']}/{updates}, development perplexity {entry['valid_ppl']}"
        elif "num_updates" in entry and "ppl" in entry:
            done, speed = int(entry["num_updates"]), float(entry["ups"])
            left = f", {_minutes((updates - done) / speed)} left" if speed > 0 else ""
            words = f"{float(entry['wps']):,.0f} target tokens/s"
            yield f"{label}: update {done}/{updates}, training perplexity {entry['ppl']}, {words}{left}"


def training_seconds(entries: Iterable[dict[str, Any]]) -> float:
    """Seconds that training took, with validation and over all restarts, by the last entry that says so."""
    return max((float(entry["wall"]) for entry in entries if "num_updates" in entry), default=0.0)


def development_curve(entries: Iterable[dict[str, Any]]) -> list[tuple[int, float]]:
    """Updates and development loss (label-smoothed cross entropy, bits a token); of updates made twice the later."""
    validations = (entry for entry in entries if "valid_loss" in entry)
    curve = {int(entry["valid_num_updates"]): float(entry["valid_loss"]) for entry in validations}
    return sorted(curve.items())


def updates_done(log: Path) -> int:
    """Updates that a training has made by its log, of which only the end is read; 0 before it says any."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - 20_000))
            lines = file.read().decode("utf-8", errors="replace").splitlines()
    except FileNotFoundError:
        return 0
    entries = [entry for entry in read_log(lines) if "num_updates" in entry]
    return int(entries[-1]["num_updates"]) if entries else 0


def _minutes(seconds: float) -> str:
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"
