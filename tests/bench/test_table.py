"""What a person reads follows from the times of the rounds."""

import json
from itertools import pairwise
from pathlib import Path

import pytest

from nmt_attn.bench.figure import draw
from nmt_attn.bench.plots.bars import cost_figure, model_figure
from nmt_attn.bench.plots.curves import module_figure
from nmt_attn.bench.record import quartiles
from nmt_attn.bench.table import markdown
from nmt_attn.spec import SpecError
from tests.bench.records import cost_record, module_record, training_record


def test_a_ratio_is_between_times_of_the_same_round() -> None:
    point = module_record().points["16"]
    assert point.ratios("1111", "fairseq") == pytest.approx([1.5, 1.0, 2.0])
    assert point.speeds("fairseq") == pytest.approx([64_000, 32_000, 16_000])


def test_quartiles_of_one_value_are_that_value() -> None:
    assert quartiles([3.0]) == (3.0, 3.0, 3.0)
    assert quartiles([1.0, 2.0, 3.0, 4.0, 5.0]) == (2.0, 3.0, 4.0)


def test_the_table_of_modules_has_a_column_a_length_in_order() -> None:
    text = markdown(module_record())
    assert "# One attention module, encoder self, forward and backward: 8 wide, 2 heads, 64 tokens\n" in text
    assert "median (quartiles) of 1 to 3 rounds" in text
    assert "| time ratio | N = 4 | N = 16 |\n|---|---:|---:|\n| fairseq | 1.00 (1.00 to 1.00) |" in text
    assert "| 1111 |  | 1.50 (1.25 to 1.75) |\n| 0010 | 0.50 (0.50 to 0.50) | 0.25 (0.25 to 0.25) |\n" in text
    assert "| fairseq | 100 (100 to 100) | 2.00 (1.50 to 3.00) |\n" in text
    assert "| MB | N = 4 | N = 16 |\n|---|---:|---:|\n| fairseq |  | 2 |\n| 1111 |  | 3 |\n" in text
    assert "Not measured:\n\n- torch: not today\n" in text
    assert text.endswith(
        "\n\nProcess CPU time; a machine, 1 thread; Python 3, torch 2, fairseq 0, nmt_attn 0; today.\n"
    )


def test_the_table_of_models_has_speeds() -> None:
    text = markdown(training_record())
    assert "# Updates of training, batches of 200 tokens, random text over 50 words\n" in text
    assert "| transformer | 1,000 | 750 | 1.00 (1.00 to 1.00) |\n" in text
    assert "| nmt_attn_tiny | 1,200 | 2,000 | 3.00 (2.50 to 3.50) |\n" in text


def test_the_table_of_costs_has_all_of_a_model_in_one_row() -> None:
    text = markdown(cost_record())
    assert "# Cost of training and translation, batches of 200 tokens, beam 4, real text\n" in text
    assert "to transformer in the same round (1,000 and 500 tokens a second), median (quartiles) of 1 rounds;" in text
    assert "| transformer | 1,000 |  | 1.00 (1.00 to 1.00) | 1.00 (1.00 to 1.00) | 70 |\n" in text
    assert "| nmt_attn_tiny | 1,200 | 1.2 | 2.00 (2.00 to 2.00) | 0.50 (0.50 to 0.50) | 90 |\n" in text


def test_curves_of_modules_are_named_and_stand_at_their_ratios() -> None:
    times, memory = module_figure(module_record()).axes
    names = [text.get_text() for text in times.texts]
    assert sorted(names) == ["0010", "1111", "fairseq"]
    assert [list(line.get_ydata()) for line in times.lines] == [[1.0, 1.0], [1.5], pytest.approx([0.5, 0.25])]
    assert [list(line.get_ydata()) for line in memory.lines] == [[2.0], [3.4]]
    heights = sorted(text.get_position()[1] for text in times.texts)
    assert all(high - low > 0.04 for low, high in pairwise(heights))


def test_bars_of_models_are_as_long_as_their_speed() -> None:
    (axes,) = model_figure(training_record()).axes
    assert [bar.get_width() for bar in axes.patches] == pytest.approx([1.0, 3.0])


def test_bars_of_costs_are_speeds_and_megabytes() -> None:
    panels = [[bar.get_width() for bar in axes.patches] for axes in cost_figure(cost_record()).axes]
    assert panels == [[1.0, 2.0], [1.0, 0.5], [70.0, 90.4]]


@pytest.mark.parametrize("record", [module_record(), training_record(), cost_record()])
def test_a_picture_has_the_same_bytes_every_time(record, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    files = [tmp_path / f"{name}.{kind}" for name in ("first", "second") for kind in ("svg", "png")]
    draw(record, files[:2])
    draw(record, files[2:])
    assert files[0].read_bytes() == files[2].read_bytes()
    assert files[1].read_bytes() == files[3].read_bytes()
    assert files[1].read_bytes().startswith(b"\x89PNG")


def test_a_record_is_taken_up_by_the_same_benchmark_only(tmp_path: Path) -> None:
    path = tmp_path / "module.json"
    record = module_record()
    record.save(path)
    assert json.loads(path.read_text(encoding="utf-8"))["points"]["16"]["seconds"]["0010"] == [0.00025, 0.0005, 0.001]
    other = module_record()
    other.points, other.date = {}, "tomorrow"
    other.take_up(path)
    assert other == record
    other.settings["dim"] = 16
    with pytest.raises(SpecError) as refusal:
        other.take_up(path)
    assert str(refusal.value) == (f"{path} holds another benchmark: dim was 8, not 16; choose another --out or --name")


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"points": {"16": {"foo": 1}}}'])
def test_a_file_that_is_no_record_is_refused(text: str, tmp_path: Path) -> None:
    path = tmp_path / "module.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(SpecError, match="must be a record of this benchmark, or not be there: it cannot be read"):
        module_record().take_up(path)
    assert path.read_text(encoding="utf-8") == text
