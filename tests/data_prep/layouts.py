"""Small archives in the layout of the real data sets, the same bytes each time, with their SHA256SUMS beside them."""

import gzip
import hashlib
import io
import tarfile
from collections.abc import Mapping, Sequence
from itertools import count
from pathlib import Path

Pairs = Sequence[tuple[str, str]]  # English, German

SIDES = {"en": 0, "de": 1}
FOREIGN = {"en": "A sentence of the other pair.", "fr": "Une phrase de l'autre paire."}
TALK = 6  # pairs of training text in a talk of IWSLT, the first two its title and its description


def wmt14(folder: Path, train: Pairs, valid: Pairs, full: Pairs, filtered: Pairs) -> Path:
    """The training pairs in order: a third in Europarl, one in Common Crawl, the rest in News Commentary."""
    third = len(train) // 3
    other = {f"training/europarl-v7.fr-en.{language}": f"{text}\n" for language, text in FOREIGN.items()}
    europarl = _sides("training/europarl-v7.de-en.{}", train[:third])
    crawl = _sides("commoncrawl.de-en.{}", train[third : 2 * third])
    crawl["commoncrawl.de-en.annotation"] = "".join(f"crawl {n}\n" for n in range(third))
    news = _sides("training/news-commentary-v9.de-en.{}", train[2 * third :])
    write_tar(folder / "training-parallel-europarl-v7.tgz", europarl | other)
    write_tar(folder / "training-parallel-commoncrawl.tgz", crawl)
    write_tar(folder / "training-parallel-nc-v9.tgz", news)
    dev = {f"test/newstest2013-src.{side}.sgm": _sgm("src", "newstest2013", side, valid) for side in SIDES}
    write_tar(folder / "wmt13-test.tgz", dev)
    for name, top, pairs in (("full", "test-full", full), ("filtered", "test", filtered)):
        files = {
            f"{top}/newstest2014-deen-{kind}.{side}.sgm": _sgm(kind, "newstest2014", side, pairs)
            for kind, side in (("src", "en"), ("ref", "de"))
        }
        write_tar(folder / f"wmt14-test-{name}.tgz", files)
    return _sums(folder)


def iwslt14(
    folder: Path, train: Pairs, dev2010: Pairs, dev2012: Pairs, tst2010: Pairs, tst2011: Pairs, tst2012: Pairs
) -> Path:
    """The title and the description of each talk are training pairs too: all of ``train`` in order is the text."""
    files = {f"de-en/train.tags.de-en.{side}": _talks(side, train) for side in SIDES}
    held = {"TED.dev2010": dev2010, "TEDX.dev2012": dev2012}
    held |= {"TED.tst2010": tst2010, "TED.tst2011": tst2011, "TED.tst2012": tst2012}
    for name, pairs in held.items():
        files |= {f"de-en/IWSLT14.{name}.de-en.{side}.xml": _xml(name, side, pairs) for side in SIDES}
    write_tar(folder / "de-en.tgz", files)
    return _sums(folder)


def multi30k(folder: Path, train: Pairs, valid: Pairs, test: Pairs) -> Path:
    for stem, pairs in (("train", train), ("val", valid), ("test_2016_flickr", test)):
        for name, text in _sides(stem + ".{}", pairs).items():
            write_gzip(folder / f"{name}.gz", text.encode())
    return _sums(folder)


def write_gzip(path: Path, content: bytes, level: int = 9) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(content, level, mtime=0))


def write_tar(path: Path, files: Mapping[str, str]) -> None:
    """A .tgz of these files, sorted, each folder before what it holds."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=tarfile.GNU_FORMAT) as tar:
        for folder in sorted({str(Path(name).parent) for name in files} - {"."}):
            entry = tarfile.TarInfo(folder)
            entry.type, entry.mode = tarfile.DIRTYPE, 0o755
            tar.addfile(entry)
        for name in sorted(files):
            entry, content = tarfile.TarInfo(name), files[name].encode()
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
    write_gzip(path, stream.getvalue())


def _sides(pattern: str, pairs: Pairs) -> dict[str, str]:
    return {pattern.format(side): "".join(f"{pair[n]}\n" for pair in pairs) for side, n in SIDES.items()}


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _sgm(kind: str, setid: str, side: str, pairs: Pairs) -> str:
    """As WMT writes it, four sentences a document, numbered in each anew; & is &amp;, which sacreBLEU leaves so."""
    target = f' trglang="{side}"' if kind == "ref" else ""
    lines = [f'<{kind}set setid="{setid}" srclang="any"{target}>']
    for start in range(0, len(pairs), 4):
        lines.append(
            f'<doc sysid="ref" docid="{setid}-{start}" genre="news" origlang="{("en", "de")[start // 4 % 2]}">'
        )
        texts = (_escaped(pair[SIDES[side]]) for pair in pairs[start : start + 4])
        lines += ["<p>", *(f'<seg id="{n}">{text}</seg>' for n, text in enumerate(texts, 1)), "</p>", "</doc>"]
    return "\n".join([*lines, f"</{kind}set>", ""])


def _talks(side: str, pairs: Pairs) -> str:
    lines = []
    for number, start in zip(count(1), range(0, len(pairs), TALK), strict=False):
        texts = [pair[SIDES[side]] for pair in pairs[start : start + TALK]]
        lines.append(f"<url>http://www.ted.com/talks/lang/{side}/talk_{number}.html</url>")
        lines.append(f"<keywords>talks, number {number}</keywords>")
        lines.append(f"<talkid>{number}</talkid>")
        lines += [f"<{tag}>{text}</{tag}>" for tag, text in zip(("title", "description"), texts, strict=False)]
        lines += texts[2:]
    return "".join(f"{line}\n" for line in lines)


def _xml(name: str, side: str, pairs: Pairs) -> str:
    attributes = f'setid="iwslt2014-{name.partition(".")[2]}" srclang="english" trglang="{side}"'
    lines = ['<?xml version="1.0" encoding="UTF-8"?>', "<mteval>", f"<refset {attributes}>"]
    for number, start in enumerate(range(0, len(pairs), 4), 1):
        lines += [f'<doc docid="{number}" genre="lectures">', f"<talkid>{number}</talkid>", "<title>A title</title>"]
        texts = (pair[SIDES[side]] for pair in pairs[start : start + 4])
        lines += [*(f'<seg id="{n}"> {text} </seg>' for n, text in enumerate(texts, start + 1)), "</doc>"]
    return "\n".join([*lines, "</refset>", "</mteval>", ""])


def _sums(folder: Path) -> Path:
    files = sorted(path for path in folder.iterdir() if path.suffix in (".tgz", ".gz"))
    lines = [f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n" for path in files]
    (folder / "SHA256SUMS").write_text("".join(lines), encoding="utf-8")
    return folder
