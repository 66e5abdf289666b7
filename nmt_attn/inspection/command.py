"""nmt-attn inspect and nmt-attn knockout."""

import argparse
import json
import os
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from nmt_attn.arguments import positive
from nmt_attn.spec import SpecError
from nmt_attn.study.folder import StudyFolder
from nmt_attn.study.plan import read_study

# Imports of torch and fairseq stand inside the commands: the others of nmt-attn answer at once.

SITES = ("self", "encoder self", "decoder self", "cross")


def inspect(options: argparse.Namespace) -> int:
    """Weights, terms and heads of a model over some sentences, as tables, figures and a page."""
    from nmt_attn.inspection import inspect as inspection
    from nmt_attn.inspection.texts import sentences

    if options.gold and options.target is None:
        raise SpecError("--gold must come with --target: alignments are those of reference translations")
    sources, targets = sentences("--source", options.source), sentences("--target", options.target)
    assert sources is not None
    out = options.out or options.checkpoint.with_suffix(".inspection")
    _check_pictures(out)
    loaded = _load(options)
    gold = inspection.Gold(options.gold, options.gold_first, options.gold_words) if options.gold else None
    found = inspection.inspect(loaded, sources, targets, gold, options.show, options.resamples, _say)
    title = f"Inside {options.checkpoint.resolve().parent.name}/{options.checkpoint.name}"
    path = inspection.write(found, out, title, (), _say)
    print(inspection.tables(found, heads=False))
    print(f"{path}: the page; beside it tables, also of the heads, and figures")
    return 0


def _check_pictures(out: Path) -> None:
    """What would otherwise be missed only after all was counted: packages to draw with, a folder to write into."""
    if missing := [name for name in ("matplotlib", "jinja2") if find_spec(name) is None]:
        raise SpecError(f"pictures must have {' and '.join(missing)}, which is missing: pip install 'nmt_attn[study]'")
    there = next(path for path in (out.absolute(), *out.absolute().parents) if path.exists())
    if not there.is_dir() or not os.access(there, os.W_OK):
        raise SpecError(f"--out must be a folder that can be made and written, not {out}")


def knockout(options: argparse.Namespace) -> int:
    """BLEU of a trained model with each of its terms taken out."""
    from nmt_attn.inspection.knockouts import knock_outs
    from nmt_attn.inspection.texts import lines

    sources, references = lines("--source", options.source), lines("--target", options.target)
    if options.out and (options.out.is_dir() or not options.out.absolute().parent.is_dir()):
        raise SpecError(f"--out must be a file in a folder that exists, not {options.out}")
    loaded = _load(options)
    found: list[dict[str, object]] = []
    for each in knock_outs(loaded, sources, references, options.sites):
        if not found:
            print(f"{'sites':14}{'term':6}{'replaced by':13}{'BLEU':>7}{'loss':>8}{'exact match':>13}", flush=True)
        found.append(each.fields())
        what = f"{each.sites or 'whole model':14}{each.term:6}{each.replacement:13}"
        print(f"{what}{each.bleu:7.2f}{each.loss:8.2f}{each.exact_match:11.1f} %", flush=True)
    print(f"{found[0]['signature']}; {found[0]['sentences']} sentences")
    if options.out:
        options.out.write_text("".join(json.dumps(each) + "\n" for each in found), encoding="utf-8")
    return 0


def knockouts(options: argparse.Namespace) -> int:
    """Knock-outs of all runs of a study's reference."""
    from nmt_attn.inspection.knockout_study import run_knockouts

    study = read_study(options.study)
    folder = StudyFolder(options.out or Path("runs") / "studies" / study.name)
    path = run_knockouts(study, folder, options.corpora, _say)
    print(f"{path}: nmt-attn study report shows it beside the models that were trained without the terms")
    return 0


def _load(options: argparse.Namespace) -> Any:
    from nmt_attn.inspection.loading import load

    _say(f"loading {options.checkpoint}")
    return load(options.checkpoint, options.data, options.subwords)


def _say(text: str) -> None:
    print(f"{text} ...", file=sys.stderr, flush=True)


def add_commands(commands: Any) -> None:
    sub = _add(
        commands, "inspect", inspect, "look inside a checkpoint: weights, terms, heads, alignments; a page, figures"
    )
    sub.add_argument("--source", required=True, metavar="TEXT", help="a sentence, or a file with one a line")
    sub.add_argument("--target", metavar="TEXT", help="its translation (default: the model's own)")
    sub.add_argument("--gold", type=Path, help="gold word alignments, i-j and i?j a line: alignment error rates")
    sub.add_argument("--gold-first", type=int, choices=(0, 1), default=0, help="number of the first word (%(default)s)")
    sub.add_argument(
        "--gold-words",
        choices=("spaces", "fragment"),
        default="spaces",
        help="words of the gold are those between spaces, or the tokens of the corpus fragment (%(default)s)",
    )
    sub.add_argument("--show", type=positive, default=3, help="sentences that the page shows (%(default)s)")
    sub.add_argument("--resamples", type=positive, default=1000, help="of the bootstrap (%(default)s)")
    sub.add_argument("--out", type=Path, help="folder of what is written (default: CHECKPOINT.inspection)")
    sub = _add(commands, "knockout", knockout, "BLEU of a checkpoint with each term taken out, without new training")
    sub.add_argument("--source", type=Path, required=True, metavar="FILE", help="the test set's sources, plain text")
    sub.add_argument("--target", type=Path, required=True, metavar="FILE", help="the official references, plain text")
    sub.add_argument("--sites", nargs="+", choices=SITES, default=["self", "cross"], help="(default: self cross)")
    sub.add_argument("--out", type=Path, help="also as a file of JSON lines")
    text = "knockout of all runs of a study's reference, for its report; a second call goes on where the first was"
    sub = commands.add_parser("knockouts", help=text, description=text)
    sub.set_defaults(command=knockouts)
    sub.add_argument("study", type=Path, help="the study's file")
    sub.add_argument("--out", type=Path, help="its folder (default: runs/studies/NAME)")
    sub.add_argument("--corpora", nargs="+", default=[], metavar="NAME", help="only these of its corpora")


def _add(commands: Any, name: str, command: Any, text: str) -> argparse.ArgumentParser:
    sub: argparse.ArgumentParser = commands.add_parser(name, help=text, description=text)
    sub.set_defaults(command=command)
    sub.add_argument(
        "checkpoint", type=Path, help="of an nmt_attn architecture, from fairseq-train or nmt-attn average"
    )
    sub.add_argument("--data", type=Path, help="folder of fairseq-preprocess (default: that of its training)")
    sub.add_argument("--subwords", type=Path, help="SentencePiece model (default: DATA/../subwords/subwords.model)")
    return sub
