"""nmt-attn bench: module, training, decoding, cost."""

import argparse
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from nmt_attn.archs import WILDCARDS, matching
from nmt_attn.arguments import positive
from nmt_attn.bench import names
from nmt_attn.notation import Shape, layer_specs
from nmt_attn.presets import find_preset
from nmt_attn.spec import Site, SpecError

# Imports of torch and fairseq stand inside the commands: the others of nmt-attn answer at once.

SITES = {"encoder": Site.ENCODER_SELF, "decoder": Site.DECODER_SELF, "cross": Site.CROSS}
CODES = "1111,1000,0110,0011,0010,0001"
ARCHS = [f"nmt_attn_tiny{end}" for end in ("", "_self0111", "_self0010", "_cross0010", "_light")]
ARCHS.append("nmt_attn_tiny --self-attn-mixer 0010 --cross-attn-mixer 0010")
EVERY_PRESET = ["nmt_attn_tiny*"]


def module(options: argparse.Namespace) -> int:
    """One attention module beside those of others."""
    site = SITES[options.site]
    names.check_others(options.against)
    ours = names.our_contenders(options.codes, options.paths, options.engine)
    for contender in ours:
        layer_specs(contender.mixer, site, 1, Shape(options.dim, options.heads), "--codes")
    if max(options.lengths) > options.tokens:
        raise SpecError(f"--lengths must be at most --tokens ({options.tokens}), not {max(options.lengths)}")
    from nmt_attn.bench import driver
    from nmt_attn.bench import module as bench

    driver.set_up(options)
    setting = bench.Setting(
        site=site,
        tokens=options.tokens,
        dim=options.dim,
        heads=options.heads,
        padded=options.padding == "spread",
        backward=not options.forward_only,
        amp=options.amp,
        device=options.device,
        threads=options.threads,
    )
    contenders = {
        contender if isinstance(contender, str) else contender.name: contender
        for contender in (names.FAIRSEQ, *options.against, *ours)
    }
    measure = partial(bench.run, contenders, setting, sorted(set(options.lengths)), options.rounds, options.memory)
    settings = setting.fields() | {"x_transformers": _version("x-transformers")}
    return driver.carry_out(options, f"module-{options.site}", list(contenders), settings, measure)


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def training(options: argparse.Namespace) -> int:
    """Updates of training with our models beside stock fairseq."""
    return _models(options)


def decoding(options: argparse.Namespace) -> int:
    """Translation with our models beside stock fairseq."""
    return _models(options)


def cost(options: argparse.Namespace) -> int:
    """All that models cost, side by side."""
    return _models(options)


def _models(options: argparse.Namespace) -> int:
    options.archs = [name for command in options.archs for name in _matching(command)]
    for command in options.archs:
        find_preset(names.arch_and_flags(command)[0])
    if options.data and not options.data.is_dir():
        raise SpecError(f"--data must be the folder that fairseq-preprocess wrote, not {options.data}")
    from nmt_attn.bench import cost, decoding, driver, training
    from nmt_attn.bench.translation import Setting, stock_command

    driver.set_up(options)
    commands = {names.STOCK: (stock_command(options.archs), False)}
    for command in options.archs:
        for fast in names.ENGINES[options.engine]:
            commands[command + names.ENGINE_MARK * fast] = (command, fast)
    setting = Setting(
        data=str(options.data or ""),
        tokens=options.tokens,
        vocabulary=options.vocabulary,
        amp=options.amp,
        device=options.device,
        threads=options.threads,
    )
    if options.benchmark == "training":
        measure = partial(training.run, commands, setting, options.rounds)
        return driver.carry_out(options, "training", list(commands), setting.fields(), measure)
    run = cost.run if options.benchmark == "cost" else decoding.run
    measure = partial(run, commands, setting, options.beam, options.rounds)
    settings = setting.fields() | {"beam": options.beam}
    return driver.carry_out(options, options.benchmark, list(commands), settings, measure)


def _matching(command: str) -> list[str]:
    """The architectures of a pattern such as nmt_attn_tiny_self*; else the command itself."""
    is_pattern = set(command) & WILDCARDS and " " not in command
    return matching(command, "--archs") if is_pattern else [command]


def add_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds nmt-attn bench to the command line."""
    text = "speed and memory beside stock fairseq and others"
    benchmarks = commands.add_parser("bench", help=text, description=text).add_subparsers(
        required=True, metavar="BENCHMARK", dest="benchmark"
    )
    text = "one attention module, forward and backward, beside fairseq's, torch's and x-transformers'"
    sub = benchmarks.add_parser("module", help=text, description=text)
    sub.set_defaults(command=module)
    sub.add_argument("--codes", type=_listed, default=CODES, help="mixers, each also as MIXER@PATH (%(default)s)")
    sub.add_argument("--paths", type=_listed, default=[], help=f"also on these paths, of {', '.join(names.PATHS)}")
    sub.add_argument("--against", type=_listed, default=",".join(names.OTHERS), help="beside fairseq (%(default)s)")
    sub.add_argument("--lengths", type=_numbers, default="32,128,512,2048", help="of sentences (%(default)s)")
    sub.add_argument("--tokens", type=positive, default=4096, help="of a batch, with padding (%(default)s)")
    sub.add_argument("--dim", type=positive, default=512, help="width (%(default)s)")
    sub.add_argument("--heads", type=positive, default=8, help="heads (%(default)s)")
    sub.add_argument("--site", choices=SITES, default="encoder", help="the decoder's is causal (%(default)s)")
    sub.add_argument("--padding", choices=("spread", "none"), default="spread", help="spread: lengths N/2 to N")
    sub.add_argument("--forward-only", action="store_true", help="without the backward pass")
    sub.add_argument("--no-memory", dest="memory", action="store_false", help="measure time only")
    _add_shared(sub, rounds=7)
    for name, command, text, tokens, rounds, archs in (
        ("training", training, "updates of fairseq-train beside stock fairseq at the same sizes", 2000, 20, ARCHS),
        ("decoding", decoding, "beam search, equal work, beside stock fairseq at the same sizes", 1000, 10, ARCHS),
        ("cost", cost, "parameters, multiply-adds, both speeds and memory of whole models", 2000, 10, EVERY_PRESET),
    ):
        sub = benchmarks.add_parser(name, help=text, description=text)
        sub.set_defaults(command=command)
        sub.add_argument("--archs", nargs="+", default=archs, metavar="ARCH", help="patterns, or 'ARCH FLAGS'")
        sub.add_argument("--data", type=Path, help="a folder of fairseq-preprocess (default: random text)")
        sub.add_argument("--tokens", type=positive, default=tokens, help="of a batch at most (%(default)s)")
        sub.add_argument("--vocabulary", type=positive, default=4000, help="words of random text (%(default)s)")
        if name != "training":
            sub.add_argument("--beam", type=positive, default=4, help="(%(default)s)")
        _add_shared(sub, rounds=rounds)


def _add_shared(parser: argparse.ArgumentParser, rounds: int) -> None:
    parser.add_argument("--rounds", type=positive, default=rounds, help="measurements of each (%(default)s)")
    parser.add_argument("--threads", type=positive, default=1, help="of the CPU (%(default)s)")
    parser.add_argument("--engine", choices=names.ENGINES, default="plain", help="nmt_attn.engine, for ours only")
    parser.add_argument("--amp", action="store_true", help="mixed precision, on a GPU")
    parser.add_argument("--device", choices=("cpu", "cuda"), help="(default: the GPU if there is one)")
    parser.add_argument("--out", type=Path, help="folder for NAME.json, .md, .svg, .png; what is there is not repeated")
    parser.add_argument("--name", help="NAME of the files (default: module-SITE, training, decoding, cost)")


def _listed(text: str) -> list[str]:
    """Values between commas."""
    values = [part.strip() for part in text.split(",")]
    if not all(values):
        raise argparse.ArgumentTypeError(f"must be values with a comma between them, not {text[:40]!r}")
    return list(dict.fromkeys(values))


def _numbers(text: str) -> list[int]:
    return [positive(value) for value in _listed(text)]
