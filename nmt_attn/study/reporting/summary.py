"""The first screen of a report: the question, what was found, and the table."""

from collections.abc import Iterator

from nmt_attn.study.reporting.blocks import Block, Heading, Items, Paragraph, Table
from nmt_attn.study.reporting.columns import further_cells, further_columns, further_note
from nmt_attn.study.reporting.expectations import expectation_entries, expectation_section
from nmt_attn.study.reporting.facts import Comparison, ControlFinding, CorpusFindings, Findings, Interaction, Row
from nmt_attn.study.reporting.phrases import (
    amount,
    basis,
    count,
    difference_with_interval,
    interval_text,
    mean_text,
    millions,
    p_text,
    points,
    runs_text,
    seconds,
    verdict_text,
)
from nmt_attn.study.reporting.removals import all_removals, removal_section
from nmt_attn.study.statistics import POOLED_FROM
from nmt_attn.study.verdicts import Word

SIGN = "D = BLEU of the reference minus BLEU of the model, in points: positive where the model is worse."
COLUMNS = (
    "model",
    "encoder self",
    "decoder self",
    "cross",
    "BLEU, mean ± sd (runs)",
    "D, 90 % interval",
    "verdict",
    "parameters",
    "multiply-adds",
    "training s",
)
FURTHER = COLUMNS.index("D, 90 % interval")  # where columns stand that only some results have


def summary(findings: Findings) -> Iterator[Block]:
    """Title, question, verdicts, control, expectations, tables."""
    study = findings.study
    yield Heading(1, f"Study {study.name}")
    if study.question:
        yield Paragraph(study.question, mood="question")
    yield from verdicts(findings)
    margins = study.margins
    yield Paragraph(
        f"{SIGN} Reference: {study.reference}. Margins, fixed in the study's file: the 90 % interval inside "
        f"±{margins.negligible:g} (strict: ±{margins.strict:g}) is equivalence, a one-sided 95 % lower bound above "
        f"{margins.vital:g} a vital loss, all else inconclusive. These words are for the headline and the control, "
        "each judged by itself; all else is exploratory: worse or better where its p, after Holm's correction for all "
        f"that is exploratory on the corpus, is below 5 %. {progress(findings)}"
    )
    yield from expectation_section(findings)
    yield from removal_section(all_removals(findings), margins.vital)
    for corpus in findings.corpora:
        if len(findings.corpora) > 1 or findings.expectations:
            yield Heading(2, f"Corpus {corpus.name}")
        yield result_table(corpus)


def verdicts(findings: Findings) -> list[Block]:
    """The headline in sentences: verdicts, interactions, the positive control, contradicted expectations."""
    entries = [*_verdicts(findings), *_interactions(findings), control_entry(findings.control)]
    return [Items([*entries, *expectation_entries(findings)])]


def progress(findings: Findings) -> str:
    """How many of the runs are in."""
    planned = len(findings.study.runs())
    left = len(findings.missing)
    return f"All {planned} planned runs are in." if not left else f"{planned - left} of {planned} planned runs are in."


def _verdicts(findings: Findings) -> Iterator[Paragraph]:
    for corpus in findings.corpora:
        for model in findings.study.headline:
            row = corpus.row(model)
            if row:
                yield _verdict(corpus, row)
            elif model in corpus.corpus.models and not row:
                yield Paragraph(f"{corpus.name}, {model}: no run is finished.", "no result", "open")
        if corpus.rows and corpus.row(findings.study.reference) is None:
            yield Paragraph(f"{corpus.name}: no run of the reference is finished.", "no comparison", "open")


def _verdict(corpus: CorpusFindings, row: Row) -> Paragraph:
    found = row.comparison
    if found is None:
        return Paragraph(f"{corpus.name}, {row.model}: there is nothing to compare it with.", "no comparison", "open")
    text = f"{corpus.name}, {row.model}: {difference_text(found)}."
    if found.provisional:
        text = f"(provisional, {found.provisional}) {text}"
    if found.depends_on_variance and found.welch_verdict and found.verdict.word is not Word.SINGLE:
        text += f" With the variances of these two alone (Welch): {found.welch_verdict.word.value}."
    return Paragraph(text + _doubt(found), found.verdict.word.value, mood(found))


def _doubt(found: Comparison) -> str:
    doubt = found.contrast.doubt
    return f" Note: {doubt}." if doubt and doubt not in found.verdict.reason else ""


def difference_text(found: Comparison) -> str:
    """D with its interval, the runs behind it and the margin that decided."""
    if found.verdict.word is Word.SINGLE:
        return f"D = {points(found.contrast.difference)} ({runs_text(found.runs)})"
    reason = found.verdict.reason.replace("+-", "±")
    interval = f", 90 % interval {interval_text(found.interval)}" if found.interval and "interval" not in reason else ""
    return f"D = {points(found.contrast.difference)}{interval}, {reason} ({runs_text(found.runs)})"


def mood(found: Comparison) -> str:
    """The verdict as the name of a style; open while runs are missing."""
    return "open" if found.provisional else found.verdict.word.name.lower()


def _interactions(findings: Findings) -> Iterator[Paragraph]:
    """Of the codes of which a headline model is one."""
    for corpus in findings.corpora:
        for each in corpus.interactions:
            if {each.self_model, each.cross_model} & set(findings.study.headline):
                lead = "interaction, exploratory" if each.exploratory else "interaction"
                yield Paragraph(f"{corpus.name}, code {each.code}: {interaction_text(each)}.", lead, "open")


def interaction_text(each: Interaction) -> str:
    if not each.interval:
        return f"D_cross - D_self = {points(each.contrast.difference)}, single run, no inference"
    told = f"D_cross - D_self = {points(each.contrast.difference)}, 90 % interval {interval_text(each.interval)}"
    return told if each.holm is None else f"{told}, {p_text(each.holm)} after Holm"


def control_entry(control: ControlFinding | None) -> Paragraph:
    """Whether the study could have seen a loss."""
    if control is None:
        return Paragraph(
            "the study names none, so equivalence cannot be claimed: where nothing is lost, "
            "nothing shows that a loss would have been seen.",
            "positive control",
            "open",
        )
    where = f"{control.model} on {control.corpus}, where the loss must be vital"
    if control.comparison is None:
        return Paragraph(f"not passed, its runs are missing ({where}).", "positive control", "failed")
    found = control.comparison
    word = found.verdict.word.value + (f" (provisional, {found.provisional})" if found.provisional else "")
    told = f"({where}): {word}, {difference_text(found)}"
    if control.passed:
        licence = (
            f"So what {control.model} lacks is really missing, and is missed where a task needs it; how small a loss "
            "would be seen elsewhere, the intervals say."
        )
        return Paragraph(f"passed {told}. {licence}", "positive control", "passed")
    if found.absent and found.verdict.word is Word.VITAL:
        told += "; all planned runs of it and of the reference must be in"
    return Paragraph(f"not passed {told}. Equivalence cannot be claimed.", "positive control", "failed")


def result_table(corpus: CorpusFindings) -> Table | Paragraph:
    """A row a model, with what BLEU depends on below."""
    if not corpus.rows:
        return Paragraph("No run is finished.", mood="note")
    further = further_columns(corpus)
    columns = [*COLUMNS[:FURTHER], *further, *COLUMNS[FURTHER:]]
    rows = []
    for row in corpus.rows:
        cells = _cells(row)
        rows.append([*cells[:FURTHER], *further_cells(corpus, row), *cells[FURTHER:]])
    numbers = [columns.index(name) for name in (*further, "parameters", "multiply-adds", "training s")]
    notes = (basis(corpus), further_note(corpus), _seeds(corpus), pool_text(corpus))
    return Table(columns, rows, " ".join(filter(None, notes)), numbers, [columns.index("verdict")])


def pool_text(corpus: CorpusFindings) -> str:
    """From which models the common variance over seeds is, and which are too near to zero for it."""
    if corpus.deviation is None:
        return ""
    told = (
        f"Intervals of D with the variance over seeds of {amount(len(corpus.pooled), 'model', 'models')}: "
        f"sd {corpus.deviation:.2f}, {amount(corpus.degrees, 'degree', 'degrees')} of freedom."
    )
    if not corpus.left_out:
        return told
    return (
        f"{told} Not from {', '.join(corpus.left_out)}, with means below {POOLED_FROM:.0%} of the reference's, as BLEU "
        "near zero cannot vary as it does elsewhere: their D by Welch, with the variances of the two models alone."
    ).replace("%", " %")


def _seeds(corpus: CorpusFindings) -> str:
    seeds = {tuple(row.scores) for row in corpus.rows}
    if len(seeds) > 1:
        return "Seeds: see the table of all runs."
    (common,) = seeds
    return f"Seed{'s' * (len(common) > 1)} {', '.join(map(str, common))}."


def _cells(row: Row) -> list[str]:
    found = row.comparison
    return [
        row.model,
        row.encoder_self,
        row.decoder_self,
        row.cross,
        mean_text(row.mean, row.deviation, row.runs),
        difference_with_interval(found.contrast.difference, found.interval) if found else "",
        verdict_text(row),
        count(row.parameters),
        millions(row.multiply_adds),
        seconds(row.training_seconds),
    ]
