"""The nmt-attn command: what is there, what a model computes and costs, and the small steps of the recipes."""

import argparse
import json
import logging
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import nmt_attn
from nmt_attn import describe
from nmt_attn.analysis.cost import Workload
from nmt_attn.arguments import number_range, positive
from nmt_attn.bench import command as bench_command
from nmt_attn.corpora.controlled import TASKS
from nmt_attn.inspection import command as inspection_command
from nmt_attn.presets import SIZES, find_preset
from nmt_attn.spec import SpecError
from nmt_attn.study import command as study_command

# Imports of torch and fairseq stand inside the commands that need them: the others answer at once.

Command = Callable[[argparse.Namespace], int]


def main(arguments: list[str] | None = None) -> int:
    """Runs one command. A mistake in the input is one line on standard error and exit code 2."""
    options = _parser().parse_args(arguments)
    options.given = sys.argv[1:] if arguments is None else arguments
    for name in ("fairseq.tasks.text_to_speech", "matplotlib"):  # fairseq's import lets all loggers speak
        logging.getLogger(name).setLevel(logging.WARNING)
    try:
        return options.command(options)
    except SpecError as error:
        print(f"nmt-attn: error: {error}", file=sys.stderr)
        return 2
    except BrokenPipeError:  # the reader, head for instance, has seen enough
        sys.stderr.close()
        return 0
    except OSError as error:  # a place that cannot be written, a full disk
        place = error.filename or "the disk"
        print(
            f"nmt-attn: error: {place} must be a place that can be read and written: {error.strerror}", file=sys.stderr
        )
        return 2


def user_dir(options: argparse.Namespace) -> int:
    print(nmt_attn.__path__[0])
    return 0


def archs(options: argparse.Namespace) -> int:
    if options.measure and options.size is None:
        raise SpecError(f"--measure must come with --size, one of {', '.join(SIZES)}: all take minutes")
    work = Workload(options.source, options.target, options.vocabulary)
    presets = describe.size_presets(options.size)
    if not options.measure:
        print(describe.arch_table(presets, work))
        return 0
    from nmt_attn.analysis import timing

    print(describe.arch_table(presets, work, timing.preset_milliseconds(presets, work, options.sentences)))
    print(f"ms: forward and backward of all mixers, {options.sentences} sentences, {timing.machine()}, median of 7")
    return 0


def describe_preset(options: argparse.Namespace) -> int:
    preset = find_preset(options.name)
    for field in ("encoder_self", "decoder_self", "cross"):
        given = getattr(options, field)
        if given is None and field != "cross":
            given = options.self_attn
        preset = preset if given is None else replace(preset, **{field: given})
    print(describe.preset_text(preset, Workload()))
    return 0


def mixers(options: argparse.Namespace) -> int:
    print(describe.mixers_text())
    return 0


def corpus(options: argparse.Namespace) -> int:
    from nmt_attn.corpora import controlled, fragment

    sizes = {name: getattr(options, name) for name in ("train", "valid", "test", "seed")}
    given = {name: getattr(options, name) for name in ("vocabulary", "length", "distance", "noise")}
    try:
        if options.name != "fragment":
            controlled.write_corpus(options.out, options.name, controlled.parameters_of(options.name, **given), **sizes)
            return 0
        for name, value in given.items():
            if value is not None:
                raise SpecError(f"--{name} must not be given for fragment: its sentences are those of its grammar")
        fragment.write_corpus(options.out, **sizes)
    except ValueError as error:
        raise SpecError(str(error)) from None
    return 0


def average(options: argparse.Namespace) -> int:
    from nmt_attn.models import average as averaging

    _check_output("--output", options.output)
    paths = [path for given in options.checkpoints for path in _expand(given, options.last)]
    averaging.average(paths, options.output)
    print(f"{options.output}: average of {', '.join(path.name for path in paths)}")
    return 0


def _expand(given: Path, last: int) -> list[Path]:
    from nmt_attn.models.average import last_checkpoints

    return last_checkpoints(given, last) if given.is_dir() else [given]


def convert(options: argparse.Namespace) -> int:
    from nmt_attn.models.convert import convert as convert_checkpoint

    _check_output("the converted checkpoint", options.target)
    if options.target.resolve() == options.source.resolve():
        raise SpecError(f"the converted checkpoint must be a file of its own, not {options.target}: that is converted")
    convert_checkpoint(options.source, options.target)
    print(f"{options.target}: code 1010 at every site, same outputs as {options.source}")
    return 0


def _check_output(what: str, path: Path) -> None:
    if path.is_dir() or not path.absolute().parent.is_dir():
        raise SpecError(f"{what} must be a file in a folder that exists, not {path}")


def hypotheses(options: argparse.Namespace) -> int:
    from nmt_attn.study.hypotheses import read_hypotheses
    from nmt_attn.study.scores import read_lines

    lines = read_hypotheses(read_lines(options.generated))
    sys.stdout.reconfigure(encoding="utf-8", newline="\n")  # type: ignore[union-attr]
    sys.stdout.writelines(line + "\n" for line in lines)
    return 0


def score(options: argparse.Namespace) -> int:
    from nmt_attn import provenance
    from nmt_attn.study.scores import score_files

    _check_run_is_whole(options)
    measured = score_files(options.hypotheses, options.references, options.target_lang, options.lowercase)
    result = {}
    if options.checkpoint:
        result = provenance.describe_run(options.checkpoint, options.data, options.run, options.translation_log)
    result |= measured.fields() | {"test_sha256": provenance.checksum([options.references])}
    if options.test_set:
        result["test_set"] = options.test_set
    print(measured.text, file=sys.stderr)
    print(json.dumps(result))
    return 0


def _check_run_is_whole(options: argparse.Namespace) -> None:
    """A score belongs to a run, of which checkpoint and data are known, or to two texts only."""
    given = [name for name in ("checkpoint", "data", "run", "translation_log") if getattr(options, name)]
    if given and given[:2] != ["checkpoint", "data"]:
        flags = " and ".join("--" + name.replace("_", "-") for name in given)
        raise SpecError(
            f"--checkpoint and --data must both be given to describe a run, not {flags} alone: "
            "leave out all of them to score two texts"
        )
    if options.data and not options.data.is_dir():
        raise SpecError(f"--data must be the folder that fairseq-preprocess wrote, not {options.data}")


def table(options: argparse.Namespace) -> int:
    from nmt_attn.study.figure import bleu_figure, check_picture
    from nmt_attn.study.results import markdown_table, read_results

    if options.figure:
        check_picture(options.figure)
    results = read_results(options.results)
    print(markdown_table(results))
    if options.figure:
        bleu_figure(results, options.figure)
    return 0


def progress(options: argparse.Namespace) -> int:
    from nmt_attn.study.progress import progress_lines

    sys.stdin.reconfigure(encoding="utf-8", errors="replace")  # type: ignore[union-attr]
    for line in progress_lines(sys.stdin, options.label, options.updates):
        print(line, flush=True)
    return 0


def environment(options: argparse.Namespace) -> int:
    from nmt_attn import environment as here

    print(json.dumps(here.environment()))
    return 0


def doctor(options: argparse.Namespace) -> int:
    from nmt_attn import doctor as checks

    return checks.run()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="nmt-attn", description=nmt_attn.__doc__)
    parser.add_argument("--version", action="version", version=nmt_attn.__version__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def add(name: str, command: Command, text: str) -> argparse.ArgumentParser:
        sub = commands.add_parser(name, help=text, description=text)
        sub.set_defaults(command=command)
        return sub

    study_command.add_commands(commands)
    bench_command.add_commands(commands)
    inspection_command.add_commands(commands)
    add("environment", environment, "versions, device and commit as one line of JSON")
    add("doctor", doctor, "print versions and device, train and translate a little, say what is wrong")
    add("user-dir", user_dir, "print the folder for fairseq's --user-dir")
    sub = add("archs", archs, "list the architectures with their parameters, multiply-adds and time")
    sub.add_argument("--size", choices=SIZES, help="only this size")
    sub.add_argument("--vocabulary", type=positive, default=Workload.vocabulary, help="shared vocabulary (%(default)s)")
    sub.add_argument("--source", type=positive, default=Workload.source, help="source tokens (%(default)s)")
    sub.add_argument("--target", type=positive, default=Workload.target, help="target tokens (%(default)s)")
    sub.add_argument("--measure", action="store_true", help="also time the mixers, on this machine")
    sub.add_argument(
        "--sentences", type=positive, default=32, help="sentences of the batch that is timed (%(default)s)"
    )
    sub = add("describe", describe_preset, "tell what each attention site of an architecture computes")
    sub.add_argument("name", help="an architecture, such as nmt_attn_base_self0010")
    sub.add_argument("--self-attn-mixer", dest="self_attn", metavar="MIXER", help="in all self-attention instead")
    sub.add_argument("--enc-self-attn-mixer", dest="encoder_self", metavar="MIXER", help="in the encoder's")
    sub.add_argument("--dec-self-attn-mixer", dest="decoder_self", metavar="MIXER", help="in the decoder's")
    sub.add_argument("--cross-attn-mixer", dest="cross", metavar="MIXER", help="in encoder-decoder attention")
    add("mixers", mixers, "list the mixers, their formulas and options")
    sub = add("corpus", corpus, "write a generated parallel corpus with gold alignments")
    sub.add_argument(
        "name",
        choices=["fragment", *TASKS],
        help="; ".join(
            ["fragment: a piece of English and German grammar", *(f"{n}: {t.about}" for n, t in TASKS.items())]
        ),
    )
    sub.add_argument("--out", type=Path, required=True, help="folder for train, valid, test, long .en, .de, .align")
    sub.add_argument("--train", type=int, default=20_000, help="training pairs (%(default)s)")
    sub.add_argument("--valid", type=int, default=500, help="development pairs (%(default)s)")
    sub.add_argument("--test", type=int, default=1_000, help="test pairs (%(default)s)")
    sub.add_argument("--seed", type=int, default=1, help="seed of the generator (%(default)s)")
    sub.add_argument("--vocabulary", type=int, help="source words with a meaning")
    sub.add_argument("--length", type=number_range, metavar="LOW-HIGH", help="words of a sentence; in long to 2 x HIGH")
    sub.add_argument("--distance", type=int, help="how far a translation looks, in words")
    sub.add_argument("--noise", type=float, help="chance of one more word without a meaning at each place")
    sub = add("average", average, "average the parameters of checkpoints")
    sub.add_argument("checkpoints", type=Path, nargs="+", help="files, or folders of which the --last are taken")
    sub.add_argument("--last", type=positive, default=5, help="checkpoints of a folder (%(default)s)")
    sub.add_argument("--output", type=Path, required=True)
    sub = add("convert", convert, "turn a stock fairseq transformer checkpoint into code 1010, exactly")
    sub.add_argument("source", type=Path)
    sub.add_argument("target", type=Path)
    sub = add("hypotheses", hypotheses, "print the translations in the output of fairseq-generate, in order")
    sub.add_argument("generated", type=Path, help="output of fairseq-generate")
    sub = add("score", score, "BLEU and chrF with all that they depend on, as one line of JSON")
    sub.add_argument("--hypotheses", type=Path, required=True, help="translations, plain text")
    sub.add_argument("--references", type=Path, required=True, help="the official references, plain text")
    sub.add_argument("--target-lang", metavar="LANG", help="also BLEU of the texts as sacremoses tokenises them")
    sub.add_argument("--lowercase", action="store_true", help="all scores without regard to case")
    sub.add_argument("--test-set", metavar="NAME", help="recorded with the score, such as wmt14/full")
    sub.add_argument("--checkpoint", type=Path, help="the checkpoint that translated, to describe the run")
    sub.add_argument("--data", type=Path, help="the binarised data it was trained on")
    sub.add_argument(
        "--run", type=Path, help="the run's folder with train.log: settings, learning curve, training time"
    )
    sub.add_argument("--translation-log", type=Path, help="what fairseq-generate logged, for the translation time")
    sub = add("table", table, "a Markdown table of results; the first is what the others are compared with")
    sub.add_argument("results", type=Path, nargs="+", help="files written by nmt-attn score")
    sub.add_argument("--figure", type=Path, help="also draw a picture (PNG, SVG or PDF)")
    sub = add("progress", progress, "shorten fairseq-train's JSON log on standard input to one line now and then")
    sub.add_argument("--label", required=True)
    sub.add_argument("--updates", type=positive, required=True, help="value of --max-update")
    return parser


if __name__ == "__main__":
    sys.exit(main())
