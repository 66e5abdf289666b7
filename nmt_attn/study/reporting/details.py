"""What stands below the first screen for each corpus: figures, all comparisons, interactions, effects, runs, checks."""

from collections.abc import Iterator, Sequence

from nmt_attn.study.plots.codes import PLACES
from nmt_attn.study.reporting.blocks import Block, Figure, Heading, Items, Paragraph, Table
from nmt_attn.study.reporting.columns import further_note, run_columns, run_values
from nmt_attn.study.reporting.facts import Comparison, CorpusFindings, Factorial, Role, Row, known_interval
from nmt_attn.study.reporting.phrases import amount, basis, interval_text, p_text, points, probability, seconds
from nmt_attn.study.reporting.summary import pool_text
from nmt_attn.study.statistics import Contrast

SUSPICIOUS = 0.05
BOOTSTRAP = "percentiles 5 to 95 of the two-level bootstrap"
WAYS = (
    "Pooled variance and Welch: 90 % intervals. Two-level bootstrap: k - 1 draws of the k runs, one of the sentences "
    "for all; its percentiles are no 90 % intervals: where seeds make the variance they are too short (they cover 80 % "
    "with 2 runs, 85 % with 3), where sentences of single runs are noisy too long (98 %)."
)


def details(corpus: CorpusFindings, figures: Sequence[Figure]) -> Iterator[Block]:
    """Nothing of a corpus without results."""
    if not corpus.rows:
        return
    yield Heading(2, f"Details of {corpus.name}")
    if figures:
        yield Heading(3, "Figures")
        yield from figures
    compared = [row for row in corpus.rows if row.comparison]
    chosen = [row for row in compared if row.role is not Role.EXPLORATORY]
    if chosen:
        yield Heading(3, "Comparisons that the study was made for")
        yield comparison_table(corpus, chosen)
    yield from _exploratory(corpus, [row for row in compared if row.role is Role.EXPLORATORY])
    yield from _interactions(corpus)
    for factorial in corpus.factorials:
        yield from _effects(corpus, factorial)
    yield Heading(3, "Variances")
    yield variances(corpus)
    doubts = dict.fromkeys(row.comparison.contrast.doubt for row in compared if row.comparison)
    if any(doubts):
        yield Items([Paragraph(f"{doubt}.", "Doubtful:", "failed") for doubt in doubts if doubt])
    yield Heading(3, "All runs")
    yield run_table(corpus)


def comparison_table(corpus: CorpusFindings, rows: Sequence[Row]) -> Table:
    """D in the three ways: pooled variance, Welch, bootstrap; and the p of no difference at all."""
    adjusted = any(row.comparison and row.comparison.holm is not None for row in rows)
    columns = ["model", "D", "pooled variance", "Welch", BOOTSTRAP, "p (D = 0)"]
    columns += ["p, Holm"] if adjusted else []
    cells = []
    for row in rows:
        found = row.comparison
        assert found is not None
        line = [row.model, points(found.contrast.difference), *_intervals(found)]
        line.append(probability(found.contrast.p_different) if found.interval else "")
        cells.append(line + ([probability(found.holm)] if adjusted else []))
    return Table(columns, cells, f"{WAYS} {basis(corpus)} {pool_text(corpus)}".rstrip(), range(1, len(columns)))


def _intervals(found: Comparison) -> list[str]:
    if min(found.runs) < 2:
        return ["single run, no inference", "", ""]
    welch = known_interval(found.welch, found.runs)
    pooled = interval_text(found.interval) if found.pooled else ""
    return [pooled, interval_text(welch), interval_text(found.bootstrap)]


def _exploratory(corpus: CorpusFindings, rows: Sequence[Row]) -> Iterator[Block]:
    if not rows:
        return
    yield Heading(3, "Exploratory comparisons")
    yield Paragraph(
        "Chosen neither as headline nor as control before the runs: to find what is worth a study of its own. "
        f"{_family(corpus)} Intervals are not adjusted."
    )
    yield comparison_table(corpus, rows)


def _family(corpus: CorpusFindings) -> str:
    number = amount(corpus.family, "p-value", "p-values")
    return (
        f"Holm: p adjusted for all that is exploratory on {corpus.name}, {number}: "
        "models, interactions of codes that are not headline in both places, main effects."
    )


def _interactions(corpus: CorpusFindings) -> Iterator[Block]:
    if not corpus.interactions:
        return
    yield Heading(3, "Interaction: cross attention against self-attention")
    cells = []
    for each in corpus.interactions:
        told = interval_text(each.interval) if each.interval else "single run, no inference"
        p = probability(each.contrast.p_different) if each.interval else ""
        adjusted = probability(each.holm) if each.exploratory else "headline"
        line = [each.code, each.cross_model, each.self_model, points(each.contrast.difference), told, p, adjusted]
        cells.append(line)
    columns = ("code", "in cross", "in self", "D_cross - D_self", "90 % interval", "p (no interaction)", "p, Holm")
    note = "Positive: what the code leaves out matters more in cross attention. Pooled variance."
    yield Table(columns, cells, f"{note} {_family(corpus)} {basis(corpus)}", (3, 4, 5, 6))


def _effects(corpus: CorpusFindings, factorial: Factorial) -> Iterator[Block]:
    if factorial.effects is None:
        return
    yield Heading(3, f"Main effects of the terms in {PLACES[factorial.place]}")
    cells = [
        [term, *_effect(contrast), probability(factorial.holm.get(term))]
        for term, contrast in factorial.effects.items()
    ]
    note = (
        "Mean BLEU of the 8 codes with the term minus that of the 8 without: positive where the term helps (not the "
        f"sign of D). Pooled variance. {_family(corpus)} {basis(corpus)}"
    )
    yield Table(("term", "effect", "90 % interval", "p (no effect)", "p, Holm"), cells, note, (1, 2, 3, 4))


def _effect(contrast: Contrast) -> list[str]:
    known = known_interval(contrast, (2, 2))
    return [points(contrast.difference), interval_text(known), probability(contrast.p_different) if known else ""]


def variances(corpus: CorpusFindings) -> Paragraph:
    """What the test says of the assumption behind the pooled variance."""
    if corpus.deviation is None:
        return Paragraph("No model has two runs: nothing is known of the variance over seeds.")
    if corpus.unequal is None:
        return Paragraph("Whether all models vary alike cannot be tested: that takes two models with three runs each.")
    told = f"Brown-Forsythe test of equal variances over seeds: {p_text(corpus.unequal)}"
    if corpus.unequal < SUSPICIOUS:
        return Paragraph(f"{told}: the models do not vary alike. Trust Welch's intervals more than the pooled ones.")
    return Paragraph(f"{told}: nothing against pooling them, but with few seeds the test finds little.")


def run_table(corpus: CorpusFindings) -> Table:
    """A row a run; with what the paired test says of its translations against the reference's of the same seed."""
    optional = {"tokenised BLEU": "tokenised_bleu", "compound-split BLEU": "compound_split_bleu"}
    records = [record for row in corpus.rows for record in row.records.values()]
    told = {field for record in records for field in optional.values() if record.get(field) is not None}
    extra = run_columns(corpus) | {name: field for name, field in optional.items() if field in told}
    paired = any(row.comparison and row.comparison.paired for row in corpus.rows)
    columns = ["model", "seed", "BLEU", "± (sentences)", "chrF", *extra, "training s", "translation s"]
    columns += ["D, this seed", "p, paired"] if paired else ["D, this seed"]
    cells = []
    for row in corpus.rows:
        differences = row.comparison.differences if row.comparison else {}
        tests = (row.comparison.paired if row.comparison else None) or {}
        for seed, record in row.records.items():
            line = [row.model, str(seed), f"{row.scores[seed]:.2f}"]
            fields = ("bleu_bootstrap_half_width", "chrf", *extra.values())
            values = run_values(record)
            line += ["" if values.get(field) is None else f"{values[field]:.2f}" for field in fields]
            line += [seconds(record.get("training_seconds")), seconds(record.get("translation_seconds"))]
            line.append(points(differences[seed]) if seed in differences else "")
            cells.append(line + ([probability(tests.get(seed))] if paired else []))
    note = "±: half of the interval over sentences that holds 95 % of sacreBLEU's resamples."
    if paired:
        note += (
            " p: paired approximate randomisation of two translations with one seed; it speaks of these two, "
            "not of other trainings."
        )
    note += f" {basis(corpus)}"
    if further := further_note(corpus):
        note += f" {further}"
    if chrf := corpus.first.get("chrf_signature"):
        note += f" chrF: {chrf}."
    return Table(columns, cells, note, range(1, len(columns)))
