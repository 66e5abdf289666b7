"""Records of benchmarks with times that were made up."""

from nmt_attn.bench.record import Point, Record

HERE = {"device": "a machine", "threads": 1, "python": "3", "torch": "2", "fairseq": "fairseq 0", "code_version": "0"}


def module_record() -> Record:
    """Two lengths; in the first code 1111 takes 1.5 times as long as stock in the median round, 0010 a quarter."""
    settings = {"site": "encoder self", "dim": 8, "heads": 2, "tokens": 64, "backward": True}
    first = Point(
        tokens=[64, 64, 64],
        seconds={"fairseq": [0.001, 0.002, 0.004], "1111": [0.0015, 0.002, 0.008], "0010": [0.00025, 0.0005, 0.001]},
        memory={"fairseq": 2_000_000, "1111": 3_400_000},
        left_out={"torch": "not today"},
    )
    second = Point(tokens=[64], seconds={"fairseq": [0.1], "0010": [0.05]}, left_out={"torch": "not today"})
    return _record("module", "fairseq", ["torch", "1111", "0010"], settings, {"16": first, "4": second})


def training_record() -> Record:
    """Two updates, of 100 and 200 tokens."""
    point = Point(tokens=[100, 200], seconds={"transformer": [0.1, 0.4], "nmt_attn_tiny": [0.05, 0.1]})
    record = _record(
        "training", "transformer", ["nmt_attn_tiny"], {"data": "", "tokens": 200, "vocabulary": 50}, {"updates": point}
    )
    record.parameters = {"transformer": 1_000, "nmt_attn_tiny": 1_200}
    return record


def cost_record() -> Record:
    """One update and one batch of two models: ours takes half the time in training and twice in translation."""
    points = {
        "updates": Point(
            tokens=[100],
            seconds={"transformer": [0.1], "nmt_attn_tiny": [0.05]},
            memory={"transformer": 70_000_000, "nmt_attn_tiny": 90_400_000},
        ),
        "batches": Point(tokens=[50], seconds={"transformer": [0.1], "nmt_attn_tiny": [0.2]}),
    }
    settings = {"data": "bin", "tokens": 200, "vocabulary": 50, "beam": 4}
    record = _record("cost", "transformer", ["nmt_attn_tiny"], settings, points)
    record.parameters = {"transformer": 1_000, "nmt_attn_tiny": 1_200}
    record.multiply_adds = {"nmt_attn_tiny": 1_234_567}
    return record


def _record(
    benchmark: str, reference: str, others: list[str], settings: dict[str, object], points: dict[str, Point]
) -> Record:
    return Record(
        benchmark=benchmark,
        reference=reference,
        contenders=[reference, *others],
        settings=settings,
        environment=dict(HERE),
        clock="process CPU time",
        command="nmt-attn bench",
        date="today",
        points=points,
    )
