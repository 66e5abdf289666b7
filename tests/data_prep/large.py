"""How fast data preparation is and what it takes in memory: not a test, run by hand on Linux.

    python -m tests.data_prep.large --out FOLDER [--pairs 1200000]

Sentences of the embedded corpus, two a line, about as long as news, with a fifth of the words replaced by words drawn
from a long tail (Zipf's law), so that distinct words grow with the text as in real text.
"""

import argparse
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from itertools import cycle, islice
from pathlib import Path

import numpy as np

from nmt_attn.corpora.fragment import generate

CONSONANTS, VOWELS = "bdfghklmnprstvwz", "aeiou"
SYLLABLES = [consonant + vowel for consonant in CONSONANTS for vowel in VOWELS]


def lines(pairs: int, seed: int) -> Iterator[tuple[str, str]]:
    drawn, choice = np.random.default_rng(seed), random.Random(seed)
    sentences = cycle([(pair.source_text, pair.target_text) for pair in generate(20_000, 1)])
    for _ in range(pairs):
        both = list(zip(*islice(sentences, 2), strict=True))
        yield with_rare_words(both[0], 0, drawn, choice), with_rare_words(both[1], 50_000_000, drawn, choice)


def with_rare_words(sentences: tuple[str, ...], first: int, drawn: np.random.Generator, choice: random.Random) -> str:
    words = " ".join(sentences).split(" ")
    for rank in drawn.zipf(1.12, max(1, len(words) // 5)) % 40_000_000:
        words[choice.randrange(len(words))] = word(int(rank) + first)
    return " ".join(words)


def word(number: int) -> str:
    text = ""
    while number:
        number, syllable = divmod(number, len(SYLLABLES))
        text += SYLLABLES[syllable]
    return text or "null"


def memory(process: int) -> int:
    """Bytes of a process and all below it, what they share counted once."""
    try:
        rollup = Path(f"/proc/{process}/smaps_rollup").read_text()
        children = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    except OSError:  # it has just ended
        return 0
    own = next(int(line.split()[1]) for line in rollup.splitlines() if line.startswith("Pss:"))
    return own * 1024 + sum(memory(int(child)) for child in children)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--pairs", type=int, default=1_200_000)
    options = parser.parse_args()
    options.out.mkdir(parents=True)
    for seed, (name, count) in enumerate((("train", options.pairs), ("valid", 3000), ("test", 3000))):
        with (options.out / f"{name}.en").open("w") as source, (options.out / f"{name}.de").open("w") as target:
            for english, german in lines(count, seed):
                source.write(english + "\n")
                target.write(german + "\n")
    command = [sys.executable, "-m", "data_prep.own", "--source-lang", "en", "--target-lang", "de"]
    command += [
        "--vocabulary",
        "37000",
        "--coverage",
        "0.9999",
        "--without",
        "overlap",
        "--out",
        str(options.out / "data"),
    ]
    for name in ("train", "valid", "test"):
        command += [f"--{name}", str(options.out / name)]
    process = subprocess.Popen(command)
    peak = 0
    while process.poll() is None:
        peak = max(peak, memory(process.pid))
        time.sleep(2)
    print(f"peak memory of all processes together: {peak / 1e9:.2f} GB")
    return process.returncode


if __name__ == "__main__":
    sys.exit(main())
