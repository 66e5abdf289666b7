"""A record as Markdown for a person. Standard library only."""

from collections.abc import Callable, Sequence
from statistics import median

from nmt_attn.bench.record import Point, Record, quartiles


def markdown(record: Record) -> str:
    """What was measured, tables of it, and what it depends on."""
    tables = {"module": _module_tables, "cost": _cost_table}.get(record.benchmark, _model_table)(record)
    return "\n\n".join([f"# {title(record)}", *tables, *_left_out(record), _footing(record)]) + "\n"


def title(record: Record) -> str:
    settings = record.settings
    if record.benchmark == "module":
        work = "forward and backward" if settings["backward"] else "forward"
        sizes = f"{settings['dim']} wide, {settings['heads']} heads, {settings['tokens']:,} tokens"
        return f"One attention module, {settings['site']}, {work}: {sizes}"
    text = "real text" if settings["data"] else f"random text over {settings['vocabulary']:,} words"
    if record.benchmark == "cost":
        work = f"batches of {settings['tokens']:,} tokens, beam {settings['beam']}"
        return f"Cost of training and translation, {work}, {text}"
    if record.benchmark == "training":
        return f"Updates of training, batches of {settings['tokens']:,} tokens, {text}"
    return f"Translation, beam {settings['beam']}, batches of {settings['tokens']:,} tokens, {text}"


def machine(record: Record) -> str:
    threads = record.environment["threads"]
    return f"{record.environment['device']}, {threads} thread{'s' if threads > 1 else ''}"


def _module_tables(record: Record) -> list[str]:
    """Ratios, times and memory; a row a contender and a column a length."""
    points = {name: point for name, point in sorted(record.points.items(), key=lambda item: int(item[0]))}
    rounds = {len(point.tokens) for point in points.values()}
    many = f"{min(rounds)} rounds" if len(rounds) == 1 else f"{min(rounds)} to {max(rounds)} rounds"

    def table(head: str, cell: Callable[[Point, str], str]) -> str:
        names = [name for name in record.contenders if any(name in point.seconds for point in points.values())]
        rows = [[name, *(cell(point, name) for point in points.values())] for name in names]
        return _table([head, *(f"N = {length}" for length in points)], rows)

    def ratio(point: Point, name: str) -> str:
        return "" if name not in point.seconds else _spread(point.ratios(name, record.reference))

    def milliseconds(point: Point, name: str) -> str:
        return "" if name not in point.seconds else _spread([1000 * x for x in point.seconds[name]])

    def megabytes(point: Point, name: str) -> str:
        return "" if name not in point.memory else f"{point.memory[name] / 1e6:.0f}"

    tables = [
        f"Time relative to {record.reference} in the same round, median (quartiles) of {many}; less is faster:",
        table("time ratio", ratio),
        "Milliseconds, median (quartiles):",
        table("milliseconds", milliseconds),
    ]
    if any(point.memory for point in points.values()):
        tables += ["Growth of the peak memory in one step, in MB:", table("MB", megabytes)]
    return tables


def _model_table(record: Record) -> list[str]:
    (point,) = record.points.values()
    rows = []
    for name in record.contenders:
        if name in point.seconds:
            faster = [1 / ratio for ratio in point.ratios(name, record.reference)]
            speed = f"{median(point.speeds(name)):,.0f}"
            rows.append([name, f"{record.parameters[name]:,}", speed, _spread(faster)])
    head = ["model", "parameters", "tokens a second", f"speed relative to {record.reference}"]
    text = f"Medians of {len(point.tokens)} rounds; the speed relative to {record.reference} in the same round with its"
    return [f"{text} quartiles, more is faster:", _table(head, rows)]


def _cost_table(record: Record) -> list[str]:
    """A row a model, all that it costs side by side."""
    updates, batches = record.points["updates"], record.points["batches"]
    rows = []
    for name in record.contenders:
        if name in updates.seconds and name in batches.seconds:
            ratios = (point.ratios(name, record.reference) for point in (updates, batches))
            rows.append(
                [
                    name,
                    f"{record.parameters[name]:,}",
                    f"{record.multiply_adds[name] / 1e6:.1f}" if name in record.multiply_adds else "",
                    *(_spread([1 / ratio for ratio in each]) for each in ratios),
                    f"{updates.memory[name] / 1e6:.0f}",
                ]
            )
    head = ["model", "parameters", "multiply-adds, million", "training speed", "translation speed", "peak memory, MB"]
    speeds = (f"{median(point.speeds(record.reference)):,.0f}" for point in (updates, batches))
    text = (
        "Multiply-adds of one forward pass over 30 source and 30 target tokens. Speeds relative to "
        f"{record.reference} in the same round ({' and '.join(speeds)} tokens a second), median (quartiles) of "
        f"{len(updates.tokens)} rounds; more is faster. Peak memory of a training beside the "
        "libraries: parameters, gradients, Adam's moments, and what two updates keep."
    )
    return [text, _table(head, rows)]


def _left_out(record: Record) -> list[str]:
    """Who was not measured, and why."""
    reasons: dict[tuple[str, str], list[str]] = {}
    for place, point in record.points.items():
        for name, reason in point.left_out.items():
            reasons.setdefault((name, reason), []).append(place)
    if not reasons:
        return []
    everywhere = len(record.points)
    lines = [
        f"- {name}{'' if len(places) == everywhere else ' at ' + ', '.join(places)}: {reason}"
        for (name, reason), places in reasons.items()
    ]
    return ["Not measured:", "\n".join(lines)]


def _footing(record: Record) -> str:
    here = record.environment
    versions = f"Python {here['python']}, torch {here['torch']}, {here['fairseq']}, nmt_attn {here['code_version']}"
    return f"{record.clock[0].upper()}{record.clock[1:]}; {machine(record)}; {versions}; {record.date}."


def _spread(values: Sequence[float]) -> str:
    """Median (lower to upper quartile)."""
    low, middle, high = quartiles(values)
    return f"{_short(middle)} ({_short(low)} to {_short(high)})"


def _short(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [f"| {' | '.join(row)} |" for row in (head, *rows)]
    return "\n".join([lines[0], "|---|" + "---:|" * (len(head) - 1), *lines[1:]])
