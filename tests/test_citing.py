"""Citing one result: find it by search, press Cite, paste, and follow the link for good."""

import csv
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import urllib.parse

import pytest
import yaml
from conftest import ROOT

pytestmark = pytest.mark.book

LABEL = "thm-posterior"
WORDS = "posterior of the Dirichlet process"
CHAPTER = "book/posterior.html"
JUPYTER_BOOK = pathlib.Path(sys.executable).with_name("jupyter-book")


def catalogue_of(folder):
    entries = json.loads((folder / "results.json").read_text(encoding="utf-8"))
    return {entry["label"]: entry for entry in entries}


def follow(page, site, tag):
    """Open a tag's page on a local copy of the site; return the label it leads to."""
    page.goto(f"{site}t/{tag}.html")
    page.wait_for_url(re.compile("#"))
    return urllib.parse.urlsplit(page.url).fragment


def test_a_theorem_is_found_cited_and_pasted(browser, site, html):
    from pybtex.database import parse_string

    context = browser.new_context(permissions=["clipboard-read", "clipboard-write"])
    page = context.new_page()
    page.goto(f"{site}search.html?q={urllib.parse.quote(WORDS)}")
    page.locator(".search-hits a").first.click()
    strip = page.locator(f"#{LABEL} .result-strip")
    strip.locator(".result-cite > summary").click()
    status = strip.locator(".result-copied")
    page.wait_for_function("e => e.textContent", arg=status.element_handle())
    assert "BibTeX copied" in status.inner_text()
    pasted = page.evaluate("navigator.clipboard.readText()")
    strip.get_by_role("button", name="Copy plain text").click()
    page.wait_for_function("e => e.textContent.includes('plain')", arg=status.element_handle())
    plain = page.evaluate("navigator.clipboard.readText()")

    entry = catalogue_of(html)[LABEL]
    ((key, bibtex),) = parse_string(pasted, "bibtex").entries.items()
    assert key == f"dpnotes:{entry['tag']}"
    assert bibtex.fields["url"] == entry["url"] and entry["url"] in plain
    assert entry["tag"] in plain and bibtex.fields["year"] in plain
    assert follow(page, site, entry["tag"]) == LABEL
    context.close()


def test_the_citation_is_on_the_page_without_scripts_and_by_keyboard(browser, site):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(site + CHAPTER)
    summary = page.locator(f"#{LABEL} .result-cite > summary")
    summary.focus()
    page.keyboard.press("Enter")
    assert "@misc{dpnotes:DP-" in page.locator(f"#{LABEL} .result-bibtex").inner_text()
    context.close()


def test_printing_keeps_the_tag(browser, site):
    page = browser.new_page()
    page.goto(site + CHAPTER)
    page.emulate_media(media="print")
    tag, cite = (page.locator(f"#{LABEL} .result-{part}") for part in ("tag", "cite"))
    shown = tag.is_visible(), cite.is_visible()
    page.close()
    assert shown == (True, False)


def test_every_tag_leads_to_its_result(html):
    entries = catalogue_of(html)
    pages = {}
    for label, entry in entries.items():
        lead = (html / "t" / f"{entry['tag']}.html").read_text(encoding="utf-8")
        page, anchor = re.search(r'url=\.\./([^"#]+)#([^"]+)"', lead).groups()
        text = pages.setdefault(page, (html / page).read_text(encoding="utf-8"))
        assert anchor == label and f'id="{label}"' in text
    assert len(list((html / "t").glob("*.html"))) == len(entries) > 0


def test_a_number_of_the_first_edition_is_traced(html):
    """In the index of results and in each citation, where it is no longer the number."""
    with (ROOT / "book" / "earlier-numbers.csv").open(encoding="utf-8", newline="") as file:
        first = {row["tag"]: row["number"] for row in csv.DictReader(file)}
    entries = catalogue_of(html).values()
    now = {entry["tag"]: entry["number"] for entry in entries}
    changed = {
        tag: f"{number} in the first edition" for tag, number in first.items() if number != now[tag]
    }
    index = (html / "book" / "results.html").read_text(encoding="utf-8")
    rows = re.findall(r'<tr id="index-(DP-\d+)">(.*?)</tr>', index, re.DOTALL)
    texts = {tag: re.findall("<small>(.*?)</small>", row) for tag, row in rows}
    assert texts == {tag: [changed[tag]] if tag in changed else [] for tag in now}

    cited = {}
    for chapter in {entry["chapter"] for entry in entries}:
        page = (html / "book" / f"{chapter}.html").read_text(encoding="utf-8")
        cite = r"@misc\{dpnotes:(DP-\d+),.*?numbers may change(?:\. This was (.*?))?\.</p>"
        cited |= dict(re.findall(cite, page, re.DOTALL))
    assert cited == {tag: changed.get(tag, "") for tag in now}


def test_the_bibliography_of_results_parses(html):
    from pybtex.database import parse_file

    keys = set(parse_file(html / "results.bib", "bibtex").entries)
    assert keys == {f"dpnotes:{entry['tag']}" for entry in catalogue_of(html).values()}


def run(folder, *command):
    """Run a command in a copy of the book, whose own extensions and package it finds."""
    env = {**os.environ, "PYTHONPATH": str(folder)}
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]


@pytest.fixture(scope="module")
def reordered(html, tmp_path_factory):
    """The book built from two chapters in the other order, without running them."""
    folder = tmp_path_factory.mktemp("reordered")
    shutil.copytree(ROOT / "book", folder / "book")
    for name in ("dpnotes", "tests", "CITATION.cff", "pyproject.toml", "README.md", "LICENSE"):
        (folder / name).symlink_to(ROOT / name)
    config = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))
    config["execute"]["execute_notebooks"] = "off"
    (folder / "_config.yml").write_text(yaml.safe_dump(config), encoding="utf-8")
    chapters = [{"file": "book/urn"}, {"file": "book/posterior"}, {"file": "book/definition"}]
    chapters += [{"file": f"book/{name}"} for name in ("checks", "api")]
    toc = {
        "format": "jb-book",
        "root": "book/index",
        "parts": [{"caption": "Other order", "numbered": True, "chapters": chapters}],
    }
    (folder / "_toc.yml").write_text(yaml.safe_dump(toc), encoding="utf-8")
    run(folder, JUPYTER_BOOK, "build", ".")
    return folder / "_build" / "html"


def test_a_permalink_survives_reordering(html, reordered):
    before, after = catalogue_of(html)[LABEL], catalogue_of(reordered)[LABEL]
    assert before["number"] != after["number"]
    assert (before["tag"], before["url"]) == (after["tag"], after["url"])
    lead = (reordered / "t" / f"{after['tag']}.html").read_text(encoding="utf-8")
    page, anchor = re.search(r'url=\.\./([^"#]+)#([^"]+)"', lead).groups()
    assert f'id="{anchor}"' in (reordered / page).read_text(encoding="utf-8")


def test_plain_sphinx_builds_the_same_site(reordered):
    """From the configuration that Jupyter Book writes for it; the book does not depend on more."""
    folder = reordered.parents[1]
    run(folder, JUPYTER_BOOK, "config", "sphinx", ".")
    run(folder, sys.executable, "-m", "sphinx", "-q", ".", "_build/sphinx")
    plain = folder / "_build" / "sphinx"
    names = sorted(str(p.relative_to(reordered)) for p in reordered.rglob("*.html"))
    assert names == sorted(str(p.relative_to(plain)) for p in plain.rglob("*.html"))
    differ = [n for n in names if (plain / n).read_bytes() != (reordered / n).read_bytes()]
    assert names and differ == []


def test_a_link_to_a_result_shows_it_on_pointing(browser, site):
    page = browser.new_page()
    page.goto(site + CHAPTER)
    link = page.locator(f'article a.internal[href="#{LABEL}"]').first
    link.scroll_into_view_if_needed()
    page.wait_for_timeout(1000)  # a page that still scrolls hides its previews
    link.hover()
    box = page.locator(".preview")
    box.wait_for()
    assert "Posterior of the Dirichlet process" in box.inner_text()
    page.keyboard.press("Escape")
    assert box.count() == 0
    page.close()
