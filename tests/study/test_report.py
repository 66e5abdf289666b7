"""The report says what was found, with what it depends on, in files that stand alone and do not change."""

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from nmt_attn.spec import SpecError
from nmt_attn.study import report
from nmt_attn.study.report import write_report
from nmt_attn.study.reporting.markdown import escaped
from tests.study.stores import FILE, SHARES, SIGNATURE, TINY, record, records_of, scored, study_in, write_store

SELF, CROSS = f"{TINY}_self0111", f"{TINY}_cross0111"
SCORES = {TINY: [84.1, 84.9, 84.3], SELF: [84.0, 84.6, 84.5], CROSS: [60.0, 61.5, 60.7]}
RECALL = {TINY: [90.0, 90.4, 91.0], SELF: [30.0, 33.0, 31.0]}


class Page(HTMLParser):
    """What a page refers to, and its text."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.addresses: list[str] = []
        self.text = ""
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.addresses += [str(value) for name, value in attrs if name in ("src", "href", "srcset", "data", "action")]

    def handle_data(self, data: str) -> None:
        self.text += data


def _written(folder: Path, records: list[dict[str, Any]], text: str = FILE) -> Path:
    study, path = study_in(folder, text)
    write_store(folder, records)
    files = write_report(study, path, folder)
    assert files[:4] == [folder / "report" / name for name in ("index.html", "report.md", "table.csv", "findings.json")]
    assert all(file.exists() for file in files)
    return folder / "report"


def _markdown(folder: Path) -> str:
    """The report without the study's file, in which a margin is called negligible."""
    return (folder / "report.md").read_text(encoding="utf-8").partition("## The study's file")[0]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A report with translations."""
    folder = tmp_path_factory.mktemp("study")
    return _written(folder, records_of(study_in(folder)[0], SHARES, folder))


def test_verdicts_have_the_numbers_that_lead_to_them(tmp_path: Path) -> None:
    text = _markdown(_written(tmp_path, scored("fragment", SCORES) + scored("recall", RECALL)))
    table = np.array(list(SCORES.values()))
    deviation = np.sqrt(((table - table.mean(1, keepdims=True)) ** 2).sum() / 6)
    half = stats.t.ppf(0.95, 6) * deviation * np.sqrt(2 / 3)
    for word, model in {"negligible": SELF, "vital": CROSS}.items():
        difference = np.mean(SCORES[TINY]) - np.mean(SCORES[model])
        told = f"D = {difference:+.2f}, 90 % interval {difference - half:+.2f} to {difference + half:+.2f}"
        assert f"- **{word}** fragment, {model}: {told}" in text
    cell = f"{np.mean(SCORES[CROSS]):.2f} ± {np.std(SCORES[CROSS], ddof=1):.2f} (3)"
    assert re.search(rf"\| {CROSS} \| 1111 \| 1111 \| 0111 \| {re.escape(cell)} \|.*\| vital \|", text)
    apart = np.mean(SCORES[SELF]) - np.mean(SCORES[CROSS])
    told = f"D_cross - D_self = {apart:+.2f}, 90 % interval {apart - half:+.2f} to {apart + half:+.2f}"
    assert f"- **interaction** fragment, code 0111: {told}." in text
    assert f"**positive control** passed ({SELF} on recall" in text
    assert "D = BLEU of the reference minus BLEU of the model, in points: positive where the model is worse" in text


def test_what_bleu_depends_on_stands_under_every_table_with_bleu(whole: Path) -> None:
    blocks = _markdown(whole).split("\n\n")
    tables = [number for number, block in enumerate(blocks) if block.startswith("|") and "runs |" not in block]
    assert len(tables) == 8
    for number in tables:
        assert f"BLEU: {SIGNATURE}; 60 sentences; 1,000 updates." in blocks[number + 1]


CASES: dict[str, tuple[list[dict[str, Any]], str]] = {
    "no control in the study": (scored("fragment", SCORES), re.sub("control: .*\n", "", FILE)),
    "no run of the control": (scored("fragment", SCORES), FILE),
    "control without a loss": (scored("fragment", SCORES) + scored("recall", {TINY: [90, 91], SELF: [90, 91.5]}), FILE),
    "control with one run": (scored("fragment", SCORES) + scored("recall", {TINY: [90.0], SELF: [9.0]}), FILE),
    "one seed": (
        scored("fragment", {model: row[:1] for model, row in SCORES.items()}) + scored("recall", RECALL),
        FILE,
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_nothing_is_called_negligible_with(tmp_path: Path, case: str) -> None:
    folder = _written(tmp_path, *CASES[case])
    assert "negligible" not in _markdown(folder)
    assert (
        "negligible" not in Page(folder / "index.html").text.partition("The study's file")[0].partition("</style>")[2]
    )
    assert "negligible" not in (folder / "table.csv").read_text(encoding="utf-8")


def test_a_single_run_is_reported_without_inference(tmp_path: Path) -> None:
    text = _markdown(_written(tmp_path, *CASES["one seed"]))
    fragment = text.partition("## Corpus recall")[0]
    difference = SCORES[TINY][0] - SCORES[CROSS][0]
    absent = "provisional, 1 of 3 runs, 1 of 3 runs of the reference"
    assert f"- **single run, no inference** ({absent}) fragment, {CROSS}: D = {difference:+.2f}" in fragment
    assert f"| {SCORES[CROSS][0]:.2f} (1) | {difference:+.2f} | single run, no inference ({absent}) |" in fragment
    assert f"| {CROSS} | {difference:+.2f} | single run, no inference |" in text


def test_table_csv_has_the_means_of_the_store(whole: Path) -> None:
    store = pd.read_json(whole.parent / "results.jsonl", lines=True)
    table = pd.read_csv(whole / "table.csv", dtype={"encoder_self": str, "cross": str})
    means = store.groupby(["corpus", "model"])[["bleu", "chrf", "training_seconds"]].mean()
    found = table.set_index(["corpus", "model"])[["bleu", "chrf", "training_seconds"]]
    pd.testing.assert_frame_equal(found.sort_index(), means.sort_index(), check_dtype=False)
    spread = store.groupby(["corpus", "model"])["bleu"].std().sort_index()
    assert table.set_index(["corpus", "model"]).sort_index()["bleu_sd"].to_numpy() == pytest.approx(spread.to_numpy())
    fragment = table[table["corpus"] == "fragment"].set_index("model")
    assert fragment.loc[CROSS, "difference"] == pytest.approx(fragment.loc[TINY, "bleu"] - fragment.loc[CROSS, "bleu"])
    assert fragment.loc[CROSS, "cross"] == "0111"


def test_findings_json_says_the_same_as_the_table(whole: Path) -> None:
    findings = json.loads((whole / "findings.json").read_text(encoding="utf-8"))
    table = pd.read_csv(whole / "table.csv")
    assert [model["difference"] or 0 for model in findings["models"]] == pytest.approx(
        list(table["difference"].fillna(0))
    )
    assert findings["control"] == {"corpus": "recall", "model": SELF, "passed": True}
    (interaction,) = findings["corpora"]["fragment"]["interactions"]
    assert interaction["interval"][0] < interaction["difference"] < interaction["interval"][1]
    assert set(findings["models"][1]["p_paired"]) == {"1000000", "2000000", "3000000"}


def test_the_page_needs_no_other_file_and_says_what_the_markdown_says(whole: Path) -> None:
    page = Page(whole / "index.html")
    assert not {"script", "link", "iframe", "object"} & set(page.tags)
    assert page.tags.count("img") == 8
    assert all(address.startswith("data:image/svg+xml;base64,") for address in page.addresses)
    assert "http" not in re.sub('base64,[^"]*', "", (whole / "index.html").read_text(encoding="utf-8"))
    text = " ".join(page.text.replace("\xa0", " ").split())
    for line in _markdown(whole).splitlines():
        if line.startswith("|") and not line.startswith("|-"):
            cells = [cell.strip().replace("\\", "") for cell in re.split(r"(?<!\\)\|", line.strip("|"))]
            assert all(cell in text for cell in cells)


def test_names_and_texts_are_shown_as_they_are(tmp_path: Path) -> None:
    question = "Is <script>alert(1)</script> *bold* | a_ & b?"
    records = scored("fragment", SCORES)
    for each in records:
        each["scorer"] = "<img src=x onerror=y>"
    folder = _written(tmp_path, records, FILE.replace("Is <the comparison> of query & key contents needed?", question))
    page = Page(folder / "index.html")
    assert question in page.text
    assert "<img src=x onerror=y>" in page.text
    assert "script" not in page.tags
    text = _markdown(folder)
    assert r"> Is \<script\>alert(1)\</script\> \*bold\* | a\_ & b?" in text
    assert (
        escaped("nmt_attn_tiny, a_b_c and `x` [y](z) &lt; # #") == r"nmt_attn_tiny, a_b_c and \`x\` \[y\](z) \&lt; # #"
    )


def test_the_same_store_gives_the_same_bytes(whole: Path) -> None:
    files = {path: path.read_bytes() for path in whole.rglob("*") if path.is_file()}
    study, path = study_in(whole.parent)
    write_report(study, path, whole.parent)
    assert {path: path.read_bytes() for path in whole.rglob("*") if path.is_file()} == files
    assert not any(path.suffix == ".part" for path in files)


def test_figures_of_what_is_gone_are_taken_away(whole: Path) -> None:
    old, other = whole / "figures" / "gone-runs.png", whole / "figures" / "notes.txt"
    old.touch()
    other.touch()
    study, path = study_in(whole.parent)
    write_report(study, path, whole.parent)
    assert not old.exists()
    assert other.exists()
    other.unlink()


def test_a_report_says_what_is_missing_and_what_was_not_planned(tmp_path: Path) -> None:
    records = [record("fragment", TINY, 2_000_000), record("fragment", f"{TINY}_shaw", 1_000_000)]
    text = _markdown(_written(tmp_path, records))
    assert "1 of 24 planned runs are in." in text
    assert f"- fragment, {TINY}: 1000000, 3000000\n- fragment, {SELF}: 1000000, 2000000, 3000000\n" in text
    assert (
        "\nMissing runs may change the pooled variance, and so all intervals and Holm's p, of their corpus.\n" in text
    )
    assert f"in no number here: fragment/{TINY}_shaw.1000000." in text
    assert f"- **no result** fragment, {SELF}: no run is finished." in text
    assert "**positive control** not passed, its runs are missing" in text


def test_without_results_nothing_is_written(tmp_path: Path) -> None:
    study, path = study_in(tmp_path)
    told = re.escape(f"no results in {tmp_path / 'results.jsonl'}: carry out the study first (nmt-attn study run)")
    for _ in range(2):
        with pytest.raises(SpecError, match=told):
            write_report(study, path, tmp_path)
        assert not (tmp_path / "report").exists()
        write_store(tmp_path, [])


def test_results_that_are_all_unplanned_have_a_report(tmp_path: Path) -> None:
    folder = _written(tmp_path, [record("fragment", f"{TINY}_shaw", 1_000_000)])
    assert "0 of 24 planned runs are in." in _markdown(folder)
    assert pd.read_csv(folder / "table.csv").empty


def test_what_is_provisional_is_marked_wherever_its_word_stands(tmp_path: Path) -> None:
    scores = {**SCORES, CROSS: SCORES[CROSS][:2]}
    folder = _written(tmp_path, scored("fragment", scores) + scored("recall", RECALL))
    text = _markdown(folder)
    assert f"- **vital** (provisional, 2 of 3 runs) fragment, {CROSS}: D = " in text
    assert " | vital (provisional, 2 of 3 runs) | " in text
    table = pd.read_csv(folder / "table.csv").set_index(["corpus", "model"])
    assert table.loc[("fragment", CROSS), ["verdict", "provisional"]].tolist() == ["vital", "2 of 3 runs"]
    assert table.loc[("fragment", CROSS), ["runs", "planned_runs"]].tolist() == [2, 3]
    findings = json.loads((folder / "findings.json").read_text(encoding="utf-8"))
    assert [model["provisional"] for model in findings["models"]] == [None, None, "2 of 3 runs", None, None]


def test_models_that_did_not_learn_are_named_under_the_tables(tmp_path: Path) -> None:
    text = _markdown(_written(tmp_path, scored("fragment", {**SCORES, CROSS: [0.0, 0.1, 0.0]})))
    assert "the variance over seeds of 2 models: sd 0.37, 4 degrees of freedom. Not from " in text
    assert (
        f"Not from {CROSS}, with means below 50 % of the reference's, as BLEU near zero cannot vary as it does" in text
    )


def test_a_single_run_is_not_counted_among_the_models_that_give_the_variance(tmp_path: Path) -> None:
    folder = _written(tmp_path, scored("fragment", {**SCORES, CROSS: SCORES[CROSS][:1]}))
    assert "the variance over seeds of 2 models: " in _markdown(folder)
    findings = json.loads((folder / "findings.json").read_text(encoding="utf-8"))
    assert findings["corpora"]["fragment"]["pooled_models"] == [TINY, SELF]


def test_a_headline_model_that_is_the_control_keeps_its_sentence(tmp_path: Path) -> None:
    text = _markdown(_written(tmp_path, scored("fragment", SCORES) + scored("recall", RECALL)))
    assert f"- **vital** recall, {SELF}: D = +59.13" in text
    assert f"So what {SELF} lacks is really missing, and is missed where a task needs it;" in text


def test_exploratory_models_have_holms_p_for_a_verdict(whole: Path) -> None:
    text = _markdown(whole)
    rows = re.findall(r"\| (\S+) \|.*\| exploratory, (worse|better|no claim) \(Holm p [^|)]+\) \|", text)
    assert [model for model, _ in rows] == [f"{TINY}_deform", f"{TINY}_alibi", "windowed"]
    assert "exploratory on fragment, 3 p-values: models, interactions of codes that are not headline in both" in text
    assert "| percentiles 5 to 95 of the two-level bootstrap |" in text
    table = pd.read_csv(whole / "table.csv")
    assert set(table[table["role"] == "exploratory"]["verdict"]) <= {"worse", "better", "no claim"}


def test_settings_in_which_runs_differ_are_shown_run_by_run(tmp_path: Path) -> None:
    records = scored("fragment", SCORES)
    records[4]["settings"] = {**records[4]["settings"], "SAVE_EVERY": "7"}
    text = _markdown(_written(tmp_path, records))
    assert f"| run | SAVE\\_EVERY |\n|---|---|\n| fragment/{TINY}.1000000 | not known |" in text.replace(
        "SAVE_E", "SAVE\\_E"
    )
    assert f"| fragment/{SELF}.2000000 | 7 |" in text
    assert "Models with flags" not in text


def test_a_report_says_how_its_numbers_came_about(whole: Path) -> None:
    text = (whole / "report.md").read_text(encoding="utf-8")
    assert "**Settings of all runs:** MAX_TOKENS=1200 UPDATES=1000\n" in text
    assert f"windowed ({TINY} --attn-window 8)" in text
    assert "| 0.1.0+abcdef0 | 3.11.2 | 2.13.0 | ve-fairseq 0.12.3 | a processor | 1 | 18 |" in text
    assert "data data fragment, test set test fragment" in text
    assert FILE.strip() in text


def test_variances_that_differ_and_runs_that_do_not_are_pointed_at(tmp_path: Path) -> None:
    scores = {TINY: [80.0, 80.1, 80.2, 80.1], SELF: [60.0, 75.0, 90.0, 40.0], CROSS: [70.0, 70.0, 70.0]}
    text = FILE.replace("seeds: 3", "seeds: 4")
    shown = _markdown(_written(tmp_path, scored("fragment", scores), text))
    assert "the models do not vary alike. Trust Welch's intervals" in shown
    assert f"**Doubtful:** the runs of {CROSS} do not differ at all." in shown


def test_missing_packages_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(report, "find_spec", lambda name: None if name in ("jinja2", "scipy") else object())
    study, path = study_in(tmp_path)
    with pytest.raises(SpecError, match=r"of which scipy, jinja2 are missing: pip install 'nmt_attn\[study\]'"):
        write_report(study, path, tmp_path)
