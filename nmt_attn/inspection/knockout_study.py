"""Knock-outs of all runs of a study's reference: a line a run in its folder, which the study's report reads."""

from collections.abc import Callable, Collection
from pathlib import Path

from nmt_attn.environment import environment
from nmt_attn.inspection.knockouts import knock_outs
from nmt_attn.inspection.loading import load
from nmt_attn.provenance import checksum
from nmt_attn.spec import SpecError
from nmt_attn.study.folder import StudyFolder
from nmt_attn.study.plan import Run, Study
from nmt_attn.study.reporting.removals import KNOCKOUTS, read_knockouts
from nmt_attn.study.scores import read_lines
from nmt_attn.study.store import append, read_store, result_name

Say = Callable[[str], None]


def run_knockouts(study: Study, folder: StudyFolder, corpora: Collection[str], say: Say) -> Path:
    """Those of finished runs, on the given corpora, that are not done yet; returns the file.

    Raises SpecError for a corpus that the study does not have, for no finished run, and where a run's checkpoint or
    data are gone.
    """
    names = [corpus.name for corpus in study.corpora]
    for corpus in corpora:
        if corpus not in names:
            raise SpecError(f"--corpora must be of the study ({', '.join(names)}), not {corpus}")
    path = folder.path / KNOCKOUTS
    stored = {result_name(result) for result in read_store(folder.store)}
    runs = [
        run
        for run in study.runs()
        if run.model.name == study.reference and run.corpus.name in (corpora or names) and run.name in stored
    ]
    if not runs:
        raise SpecError(f"runs of {study.reference} must be finished to take its terms out, but {folder.path} has none")
    done = {result_name(line) for line in read_knockouts(folder.path)}
    for number, run in enumerate(runs, start=1):
        if run.name not in done:
            say(f"{run.name} ({number} of {len(runs)})")
            append(path, _line(folder, run))
    return path


def _line(folder: StudyFolder, run: Run) -> dict[str, object]:
    data = folder.path / run.corpus.name / "data"
    source, _, target = read_lines(folder.run(run) / "settings" / "DIRECTION")[0].partition("-")
    sources, references = (data / "raw" / f"test.{language}" for language in (source, target))
    loaded = load(folder.run(run) / "average.pt", data / "bin")
    whole, *losses = [each.fields() for each in knock_outs(loaded, read_lines(sources), read_lines(references))]
    head = {"corpus": run.corpus.name, "model": run.model.name, "seed": run.seed, "bleu": whole["bleu"]}
    common = {name: whole[name] for name in ("signature", "sentences", "exact_match")}
    made = {"test_sha256": checksum([references]), "made_with": environment()}
    kept = ("sites", "term", "replacement", "bleu", "loss", "exact_match")
    return {**head, **common, **made, "losses": [{name: each[name] for name in kept} for each in losses]}
