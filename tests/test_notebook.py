"""The notebook runs from its first to its last cell, on a study that was never trained."""

from pathlib import Path

import pytest
from nbclient import NotebookClient
from nbformat import NotebookNode, read, reads

from results import draw
from tests.study.stores import SHARES, records_of, study_in, write_store

ROOT = Path(__file__).parents[1]
NOTEBOOK = ROOT / "notebooks" / "bleu_comparison.ipynb"


@pytest.fixture(scope="module")
def executed(tmp_path_factory: pytest.TempPathFactory) -> NotebookNode:
    folder = tmp_path_factory.mktemp("study")
    study, path = study_in(folder)
    write_store(folder, records_of(study, SHARES, folder))
    notebook = read(NOTEBOOK, as_version=4)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("STUDY", str(path))
        patch.setenv("OUT", str(folder))
        patch.setenv("PYTHONPATH", str(ROOT))
        patch.setenv("IPYTHONDIR", str(folder / "ipython"))
        client = NotebookClient(notebook, timeout=60, resources={"metadata": {"path": str(NOTEBOOK.parent)}})
        return client.execute()


def _shown(notebook: NotebookNode, kind: str) -> list[str]:
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    return [output["data"][kind] for output in outputs if kind in output.get("data", {})]


def test_the_notebook_shows_findings_the_table_and_a_figure_of_each_kind(executed: NotebookNode) -> None:
    texts = "\n".join(_shown(executed, "text/markdown"))
    assert "D_cross - D_self" in texts
    assert "positive control" in texts
    assert "signature" not in texts
    assert "nrefs:1" in texts
    assert "nmt_attn_tiny_cross0111" in "".join(_shown(executed, "text/html"))
    assert len(_shown(executed, "image/png")) == 8  # four kinds for each of two corpora


def test_no_cell_of_the_notebook_warns(executed: NotebookNode) -> None:
    streams = [output for cell in executed.cells for output in cell.get("outputs", []) if "name" in output]
    assert not streams


def test_the_published_notebook_shows_the_published_results() -> None:
    published = read(ROOT / "results" / "multi30k" / "bleu_comparison.ipynb", as_version=4)
    made = reads(draw.executed(), as_version=4)
    for kind in ("text/markdown", "text/html"):
        assert _shown(published, kind) == _shown(made, kind)
    assert len(_shown(published, "image/png")) == len(_shown(made, "image/png")) > 0


def test_the_notebook_is_kept_without_outputs() -> None:
    assert all(not cell.get("outputs") for cell in read(NOTEBOOK, as_version=4).cells)
