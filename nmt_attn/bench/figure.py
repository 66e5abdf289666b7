"""The picture of a record, drawn on no screen: ratios to the reference, the same bytes every time."""

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from nmt_attn.bench.plots.bars import cost_figure, model_figure
from nmt_attn.bench.plots.curves import module_figure
from nmt_attn.bench.plots.style import FONT
from nmt_attn.bench.record import Record
from nmt_attn.spec import SpecError


def check_drawing() -> None:
    """Raises SpecError without matplotlib."""
    if find_spec("matplotlib") is None:
        raise SpecError("figures must have matplotlib, which is missing: pip install 'nmt_attn[plot]'")


def draw(record: Record, files: Sequence[Path]) -> None:
    """Writes the picture to each of the files, in the format of its name."""
    from matplotlib import rc_context

    with rc_context(FONT):
        figure = {"module": module_figure, "cost": cost_figure}.get(record.benchmark, model_figure)(record)
        for file in files:
            metadata = {"Date": None} if file.suffix == ".svg" else None
            figure.savefig(file, dpi=150, facecolor="white", metadata=metadata)
