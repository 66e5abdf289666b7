"""The report of a study: a page, a Markdown file, figures, and tables for programs.

The same store gives the same bytes: there is no date in it but those of the runs.
"""

import base64
import os
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from nmt_attn.spec import SpecError
from nmt_attn.study.plan import Study
from nmt_attn.study.store import STORE, read_store

if TYPE_CHECKING:
    from nmt_attn.study.reporting.blocks import Block

NEEDED = ("matplotlib", "scipy", "statsmodels", "jinja2")
TEMPLATE = "report.html.j2"
FIGURES = "figures"


def check_installed() -> None:
    """Raises SpecError if a package is missing that reports need and translations do not."""
    missing = [name for name in NEEDED if find_spec(name) is None]
    if missing:
        raise SpecError(
            f"a report must have {', '.join(NEEDED)}, of which {', '.join(missing)} "
            f"{'is' if len(missing) == 1 else 'are'} missing: pip install 'nmt_attn[study]'"
        )


def write_report(study: Study, study_file: Path, out: Path) -> list[Path]:
    """Writes OUT/report from the store in OUT, and returns its files, the page first.

    Each file is replaced as a whole; figures of models or corpora that are gone are taken away. Raises SpecError for a
    store without results or that cannot be reported, and for missing packages.
    """
    check_installed()
    from nmt_attn.study.figures import corpus_pictures
    from nmt_attn.study.findings import find
    from nmt_attn.study.reporting.blocks import Figure
    from nmt_attn.study.reporting.details import details
    from nmt_attn.study.reporting.markdown import markdown
    from nmt_attn.study.reporting.origins import origins
    from nmt_attn.study.reporting.summary import summary
    from nmt_attn.study.reporting.tables import csv_text, json_text, table_rows

    records = read_store(out / STORE)
    if not records:
        raise SpecError(f"no results in {out / STORE}: carry out the study first (nmt-attn study run)")
    findings = find(study, records, out)
    pictures = {corpus.name: corpus_pictures(corpus, study.margins) for corpus in findings.corpora}
    blocks: list[Block] = list(summary(findings))
    for corpus in findings.corpora:
        blocks += details(corpus, [Figure(picture.name, picture.caption) for picture in pictures[corpus.name]])
    blocks += origins(findings, study_file.read_text(encoding="utf-8-sig").removesuffix("\n"))
    drawn = [picture for corpus in pictures.values() for picture in corpus]
    vectors = {picture.name: _data_address("image/svg+xml", picture.svg) for picture in drawn}
    files = {
        "index.html": _page(f"Study {study.name}", blocks, vectors).encode(),
        "report.md": markdown(blocks, FIGURES).encode(),
        "table.csv": csv_text(table_rows(findings)).encode(),
        "findings.json": json_text(findings).encode(),
    }
    for picture in drawn:
        files |= {f"{FIGURES}/{picture.name}.png": picture.png, f"{FIGURES}/{picture.name}.svg": picture.svg}
    return _write(out / "report", files)


def _page(title: str, blocks: "list[Block]", pictures: Mapping[str, str]) -> str:
    """The blocks as a page that needs no other file."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    loader = FileSystemLoader(Path(__file__).parent / "reporting", encoding="utf-8")
    environment = Environment(loader=loader, autoescape=True, undefined=StrictUndefined, keep_trailing_newline=True)
    return environment.get_template(TEMPLATE).render(title=title, blocks=blocks, pictures=pictures)


def _data_address(kind: str, content: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"


def _write(folder: Path, files: Mapping[str, bytes]) -> list[Path]:
    (folder / FIGURES).mkdir(parents=True, exist_ok=True)
    paths = []
    for name, content in files.items():
        path = folder / name
        part = path.with_name(f"{path.name}.part")
        part.write_bytes(content)
        os.replace(part, path)
        paths.append(path)
    for old in (folder / FIGURES).iterdir():
        if old not in paths and old.suffix in (".png", ".svg", ".part"):
            old.unlink()
    return paths
