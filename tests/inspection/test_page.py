"""The page: all data in one file that nothing can break out of, small enough, with script that parses."""

import json
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nmt_attn.inspection.facts import SiteRecord
from nmt_attn.inspection.page import PageFacts, embedded, page, view
from nmt_attn.spec import Site, SpecError
from tests.inspection.test_plots import (
    HEADS,
    SOURCE,
    TARGET,
    fake_alignments,
    fake_heads,
    fake_record,
    fake_shares,
    fake_site,
)

RECORD = fake_record()
VOID = {"meta", "br", "input"}


class Elements(HTMLParser):
    """Tags with attributes, texts by tag, and whether every tag is closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[tuple[str, str]] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append((self.open[-1] if self.open else "", data))

    def of(self, tag: str) -> list[str]:
        return [text for where, text in self.texts if where == tag]


@pytest.fixture(scope="module")
def facts() -> PageFacts:
    heads, shares, alignments = fake_heads(), fake_shares(), fake_alignments()
    return PageFacts(
        (RECORD,), tuple(heads), tuple(shares), tuple(alignments), ("checkpoint a&b.pt", "500 <sentences>")
    )


@pytest.fixture(scope="module")
def text(facts: PageFacts) -> str:
    return page("Inside a <model>", facts)


def data_of(text: str) -> Any:
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', text, re.DOTALL)
    assert found
    return json.loads(found[1])


def unpacked(site: dict[str, Any], name: str, lengths: tuple[int, int]) -> np.ndarray:
    """A map as an array (h, t, s), NaN where hidden; read as the page's script reads it."""
    heads = site["maps"][name]["heads"]
    full = np.full((len(heads), *lengths), np.nan)
    for head, numbers in enumerate(heads):
        masks = site["visible"] or [["1" * lengths[1]] * lengths[0]]
        mask = masks[0 if len(masks) == 1 else head]
        cells = [(row, key) for row in range(lengths[0]) for key in range(lengths[1]) if mask[row][key] == "1"]
        for cell, number in zip(cells, numbers, strict=True):
            full[(head, *cell)] = np.nan if number is None else number * site["maps"][name]["unit"]
    return full


def assert_kept(site: SiteRecord) -> None:
    record = replace(RECORD, sites=(site,))
    packed = json.loads(embedded([record]))[0]["sites"][0]
    lengths = site.weights.shape[1:]
    seen = np.broadcast_to(site.visible, site.weights.shape)
    for name, values in {"weights": site.weights, **site.terms}.items():
        kept = unpacked(packed, name, (lengths[0], lengths[1]))
        known = seen & np.isfinite(values)
        np.testing.assert_array_equal(np.isnan(kept), ~known)
        largest = 0.01 if name == "weights" else np.abs(values[known]).max()
        np.testing.assert_allclose(kept[known], values[known], rtol=0, atol=0.000501 * largest)


@pytest.mark.parametrize("site", RECORD.sites, ids=lambda site: f"{site.site.value} {site.layer}")
def test_all_numbers_are_kept_to_three_digits_of_the_largest(site: SiteRecord) -> None:
    assert_kept(site)


def test_keys_hidden_from_one_head_alone_and_logits_of_hidden_keys_are_left_out() -> None:
    site = fake_site(Site.DECODER_SELF, 1, "1001", (9, 9), seed=4)
    visible = np.stack([site.visible & (np.eye(9, k=-head) == 0) for head in range(HEADS)])
    terms = {name: np.where(visible, term, np.nan) for name, term in site.terms.items()}
    assert_kept(replace(site, terms=terms, visible=visible))
    pattern = site.terms["E4"].copy()
    pattern[1, :, 2] = -np.inf
    assert_kept(replace(site, terms={**site.terms, "pattern": pattern}))
    tiny = {name: 1e-9 * term for name, term in site.terms.items()}
    assert_kept(replace(site, terms=tiny))
    zero = {"E3": np.zeros_like(site.weights)}
    assert embedded([replace(RECORD, sites=(replace(site, terms=zero),))])


def test_the_data_say_what_each_row_and_column_stands_for(text: str) -> None:
    (sentence,) = data_of(text)
    assert sentence["labels"] == {
        "encoder self": [[*SOURCE, "</s>"], [*SOURCE, "</s>"]],
        "decoder self": [["</s>", *TARGET], ["</s>", *TARGET]],
        "cross": [[*TARGET, "</s>"], [*SOURCE, "</s>"]],
    }
    told = [(site["site"], site["layer"], site["mixer"], site["word"]) for site in sentence["sites"]]
    assert told == [
        *(("encoder self", layer, "1111", "head") for layer in (1, 2, 3)),
        *(("decoder self", layer, "conv:kernel=3", "tap") for layer in (1, 2, 3)),
        *(("cross", layer, "0010", "head") for layer in (1, 2, 3)),
    ]
    assert [list(site["maps"]) for site in sentence["sites"]][::3] == [
        ["weights", "E1", "E2", "E3", "E4"],
        ["weights"],
        ["weights", "E3"],
    ]


def test_no_subword_and_no_note_breaks_out_of_its_place(facts: PageFacts) -> None:
    odd = ("</script><script>alert(1)</script>", "<!--<script>", "{{ 7 * 7 }}", "&amp;", "\u2028", '"', "\ud800")
    record = fake_record(odd, TARGET)
    whole = page("<b>title</b>", replace(facts, sentences=(record,), notes=("<img src=x onerror=alert(1)>",)))
    elements = Elements(whole)
    assert elements.open == []
    assert [tag for tag, _ in elements.tags].count("script") == 3
    assert not {"b", "img"} & {tag for tag, _ in elements.tags}
    assert data_of(whole)[0]["source"] == list(odd)
    assert "49" not in elements.of("p")
    whole.encode()


def test_the_page_needs_no_other_file(text: str) -> None:
    elements = Elements(text)
    assert elements.open == []
    assert not any(tag in ("link", "img", "iframe") for tag, _ in elements.tags)
    for tag, attributes in elements.tags:
        assert "src" not in attributes, tag
        assert (attributes.get("href") or "#").startswith("#")
    outside = set(re.findall(r"https?://[^\s\"']+", text))
    assert outside == {"http://www.w3.org/2000/svg"}  # a name, that nothing is fetched from
    assert "@import" not in text
    assert "url(" not in text


def test_every_link_leads_to_a_map_that_there_is(text: str) -> None:
    (sentence,) = data_of(text)
    there = {
        f"#site={site['site'].replace(' ', '-')}&layer={site['layer']}&head={head}"
        for site in sentence["sites"]
        for head in range(1, 1 + len(site["maps"]["weights"]["heads"]))
    }
    links = [attributes["href"] or "" for tag, attributes in Elements(text).tags if tag == "a"]
    assert len(links) == 3 * (4 + 2) * (1 + HEADS) + 9 * HEADS + 2 * 3 * HEADS
    assert {link.rpartition("&map=")[0] for link in links if "decoder" not in link} <= there
    assert view(Site.DECODER_SELF, 2, 0, "E4") == "#site=decoder-self&layer=2&head=1&map=E4"


def test_tables_tell_shares_with_intervals_heads_and_alignments_best_first(text: str, facts: PageFacts) -> None:
    elements = Elements(text)
    shares = [share for share in facts.shares if share.head is None]
    for share in shares:
        assert share.low is not None
        assert share.high is not None
        told = f"{100 * share.share:.1f} ({100 * share.low:.1f} to {100 * share.high:.1f})"
        assert told in elements.of("a")
    assert f"{facts.heads[0].entropy:.2f}" in elements.of("td")
    assert {"checkpoint a&b.pt", "500 <sentences>"} <= set(elements.of("p"))
    errors = sorted(fact.error for fact in facts.alignments)
    table = text.partition("Which heads align words")[2]
    rows = re.findall(r'<td>(?:predicts|reads)</td><td class="number">([0-9.]+)</td>', table)
    assert rows == [f"{error:.1f}" for error in errors]
    bare = page("x", PageFacts((RECORD,), (), (), (), ()))
    assert "<h2>" not in bare


def test_the_same_facts_give_the_same_page(text: str, facts: PageFacts) -> None:
    assert page("Inside a <model>", facts) == text


def test_three_sentences_of_thirty_subwords_take_less_than_three_megabytes(facts: PageFacts) -> None:
    everywhere = dict.fromkeys(Site, "1111")
    record = fake_record((SOURCE * 3)[:30], (TARGET * 4)[:30], everywhere)
    assert len(record.sites) == 9
    assert len(page("x", replace(facts, sentences=(record,) * 3)).encode()) < 3_000_000


def test_controls_have_names_for_readers_that_do_not_see_them(text: str) -> None:
    tags = Elements(text).tags
    assert [attributes.get("aria-label") for tag, attributes in tags if tag == "button"].count(None) == 2  # grid, lines
    assert all(attributes.get("role") == "img" for tag, attributes in tags if tag == "svg")
    assert ("html", {"lang": "en"}) in tags
    assert "prefers-color-scheme: dark" in text


@pytest.mark.skipif(shutil.which("node") is None, reason="needs node")
def test_the_script_parses(text: str, tmp_path: Path) -> None:
    script = text.rpartition("<script>")[2].partition("</script>")[0]
    path = tmp_path / "page.js"
    path.write_text(script, encoding="utf-8")
    done = subprocess.run(["node", "--check", str(path)], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_page_of_nothing_is_refused() -> None:
    with pytest.raises(SpecError, match="a page must have sentences, not none: record at least one"):
        page("x", PageFacts((), (), (), (), ()))


def test_a_page_without_jinja_is_refused(facts: PageFacts, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "jinja2", None)
    with pytest.raises(SpecError, match=r"a page must have jinja2, which is missing: pip install 'nmt_attn\[study\]'"):
        page("x", facts)
