"""Citing one result: find it by search, press Cite, paste, and follow the link for good."""

import csv
import dataclasses
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import types
import urllib.parse
from html import unescape

import pytest
import yaml
from conftest import ROOT

pytestmark = pytest.mark.book

REPOSITORY = "https://github.com/someone/notes"
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
    page.evaluate("navigator.clipboard.writeText('mine')")
    strip.locator(".result-cite > summary").click()
    status = strip.locator(".result-copied")
    assert status.inner_text() == ""
    assert page.evaluate("navigator.clipboard.readText()") == "mine"

    def copied(name):
        strip.get_by_role("button", name=f"Copy {name}").click()
        said = "([e, name]) => e.textContent.startsWith(name)"
        page.wait_for_function(said, arg=[status.element_handle(), name])
        return page.evaluate("navigator.clipboard.readText()")

    pasted, plain, ris = map(copied, ("BibTeX", "plain text", "RIS"))

    entry = catalogue_of(html)[LABEL]
    ((key, bibtex),) = parse_string(pasted, "bibtex").entries.items()
    assert key == f"dpnotes:{entry['tag']}"
    assert bibtex.fields["url"] == entry["url"] and entry["url"] in plain
    assert entry["tag"] in plain and bibtex.fields["year"] in plain
    assert "The posterior" in bibtex.fields["note"] and "The posterior" in plain
    lines = ris.splitlines()
    assert (lines[0], lines[-1]) == ("TY  - CHAP", "ER  - ")
    assert f"UR  - {entry['url']}" in lines
    assert follow(page, site, entry["tag"]) == LABEL
    context.close()


def test_the_citation_is_on_the_page_without_scripts_and_by_keyboard(browser, site):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(site + CHAPTER)
    summary = page.locator(f"#{LABEL} .result-cite > summary")
    summary.focus()
    page.keyboard.press("Enter")
    shown = page.locator(f"#{LABEL} .result-format").all_inner_texts()
    assert [text[:9] for text in shown] == ["@incollec", "The Diric", "TY  - CHA"]
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
        page, anchor = re.search(r'<a href="\.\./([^"#]+)#([^"]+)"', lead).groups()
        # At once, unless there is something to say first.
        told = re.search(r"<p>Erratum, |statement changed|changed since", lead)
        assert (f"url=../{page}#{anchor}" in lead) != bool(told)
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
        cite = r"@incollection\{dpnotes:(DP-\d+),.*?may change(?:\. This was (.*?))?\.</p>"
        cited |= dict(re.findall(cite, page, re.DOTALL))
    assert cited == {tag: changed.get(tag, "") for tag in now}


def test_a_title_is_spelt_alike_wherever_it_stands(html):
    """In the index, on the page of its tag and in citations as over it; BibTeX has its own way."""
    label, title, tag = "def-binder", "Binder’s loss", "DP-0132"
    index = (html / "book" / "results.html").read_text(encoding="utf-8")
    assert f"<td>{title}</td>" in index and not re.search(r"<td>[^<]*(?:'|&#39;)", index)
    assert f"{title} ({tag})</title>" in (html / "t" / f"{tag}.html").read_text(encoding="utf-8")
    text = (html / "book" / "sampler-output.html").read_text(encoding="utf-8")
    box = text[text.index(f'id="{label}"') :]
    assert f"({title})" in box and f"Definition: {title} (" in box
    assert "{Definition: Binder's loss}" in unescape(box)
    assert "’" not in (html / "results.bib").read_text(encoding="utf-8")
    assert catalogue_of(html)[label]["title"] == title


def test_the_bibliography_of_results_parses(html):
    from pybtex.database import parse_file

    entries = parse_file(html / "results.bib", "bibtex").entries
    chapters = {p.stem for p in (html / "book").glob("*.html")} - {"index"}
    tags = {entry["tag"] for entry in catalogue_of(html).values()}
    assert set(entries) == {"dpnotes"} | {f"dpnotes:{name}" for name in chapters | tags}
    needed = {"title", "publisher", "year", "month", "url", "edition"}
    assert [key for key, entry in entries.items() if not needed <= set(entry.fields)] == []
    assert [key for key, entry in entries.items() if not entry.persons["author"]] == []
    chapter = {t: entries[f"dpnotes:{t}"].fields["note"] for t in tags}
    assert [t for t, note in chapter.items() if not note.startswith("Chapter ``")] == []


def test_the_book_and_its_chapter_are_cited_at_the_foot(browser, site):
    context = browser.new_context(permissions=["clipboard-read", "clipboard-write"])
    page = context.new_page()
    page.goto(site + CHAPTER)
    page.evaluate("navigator.clipboard.writeText('mine')")
    foot = page.locator(".page-cite")
    chapter, book = (
        foot.locator("details").filter(has_text=f"Cite this {what}") for what in ("chapter", "book")
    )
    chapter.locator("summary").click()
    assert page.evaluate("navigator.clipboard.readText()") == "mine"
    shown = chapter.locator(".result-format").all_inner_texts()
    assert "@incollection{dpnotes:posterior," in shown[0] and "Chapter 4" in shown[0]
    assert shown[1].endswith("book/posterior.html") and "version" in shown[1]
    book.locator("summary").click()
    book.get_by_role("button", name="Copy RIS").click()
    page.wait_for_function(
        "e => e.textContent === 'RIS copied to the clipboard.'",
        arg=book.locator(".result-copied").element_handle(),
    )
    copied = page.evaluate("navigator.clipboard.readText()").splitlines()
    assert "TY  - BOOK" in copied and "TI  - Dirichlet Process Notes" in copied
    context.close()


def test_the_landing_page_cites_the_book_as_its_foot_does(html):
    text = (html / "book" / "index.html").read_text(encoding="utf-8")
    (foot,) = re.findall('data-format="plain text"[^>]*>(.*?)</pre>', text, re.DOTALL)
    (quoted,) = re.findall(r"Cite the whole as.*?<p>(.*?)</p>", text, re.DOTALL)
    assert re.sub("<a [^>]*>|</a>", "", quoted) == foot


def run(folder, *command):
    """Run a command in a copy of the book, whose own extensions and package it finds."""
    env = {**os.environ, "PYTHONPATH": str(folder)}
    env.pop("BOOK_REPOSITORY", None)
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]


@pytest.fixture(scope="module")
def reordered(html, tmp_path_factory):
    """Another book: two chapters in the other order, not run, and a repository that it names."""
    folder = tmp_path_factory.mktemp("reordered")
    shutil.copytree(ROOT / "book", folder / "book")
    for name in ("dpnotes", "tests", "CITATION.cff", "pyproject.toml", "README.md", "LICENSE"):
        (folder / name).symlink_to(ROOT / name)
    config = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))
    config["execute"]["execute_notebooks"] = "off"
    config["repository"]["url"] = REPOSITORY
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


def links_of(path):
    """The links of a page to other hosts, as pairs of what they say and their address."""
    text = path.read_text(encoding="utf-8")
    found = re.findall(r'<a\s[^>]*?href="(https://[^"]+)"[^>]*>(.*?)</a>', text, re.DOTALL)
    return [(" ".join(re.sub("<[^>]*>", " ", says).split()), unescape(to)) for to, says in found]


def pages_of(folder):
    """Its pages, without those that only lead on."""
    pages = [p for p in folder.rglob("*.html") if not {"t", "_static"} & set(p.parts)]
    return [p for p in pages if p != folder / "index.html"]


def filled_in(address):
    """What the form for an error is filled in with: its title and its text."""
    assert address.startswith(f"{REPOSITORY}/issues/new?")
    query = urllib.parse.parse_qs(urllib.parse.urlsplit(address).query)
    return query["title"][0], query["body"][0]


def test_a_repository_that_is_named_is_linked_from_every_page(reordered):
    tags = {entry["tag"]: entry["url"] for entry in catalogue_of(reordered).values()}
    reported = set()
    for page in pages_of(reordered):
        links = links_of(page)
        assert ("Repository", REPOSITORY) in links, page
        name = page.relative_to(reordered).with_suffix("")
        sources = [f"{name}{suffix}" for suffix in (".ipynb", ".md")]
        (source,) = [s for s in sources if (ROOT / s).exists()] or [None]
        shown = [to for says, to in links if says == "Source of this page"]
        assert shown == ([f"{REPOSITORY}/blob/main/{source}"] if source else [])
        (report,) = [to for says, to in links if says == "Report an error"]
        assert filled_in(report)[1].count(f"{name}.html") == 1
        for says, to in links:
            if says.startswith("Report an error in "):
                tag = says.rpartition(" ")[2]
                title, body = filled_in(to)
                assert tag in title and tags[tag] in body
                reported.add(tag)
        runs = [(says, to) for says, to in links if says.startswith("open in")]
        if source and source.endswith(".ipynb"):
            runs = {says: urllib.parse.urlsplit(to) for says, to in runs}
            colab, binder = runs["open in Colab"], runs["open in Binder"]
            assert colab.netloc == "colab.research.google.com"
            assert colab.path == f"/github/someone/notes/blob/notebooks/{name.name}.ipynb"
            assert (binder.netloc, binder.path) == (
                "mybinder.org",
                "/v2/gh/someone/notes/notebooks",
            )
            assert binder.query == f"labpath={name.name}.ipynb"
        else:
            assert runs == []
    assert reported == set(tags)


def test_without_a_repository_nothing_dead_is_shown(html):
    named = os.environ.get("BOOK_REPOSITORY", "")
    for page in pages_of(html):
        texts = dict(links_of(page))
        shown = {"Repository", "Source of this page"} & set(texts)
        assert all(named and texts[says].startswith(named) for says in shown)
        assert bool(shown) == bool(named), page
        elsewhere = ("issues/new", "colab.research", "mybinder.org")
        assert named or not [to for to in texts.values() if any(e in to for e in elsewhere)]
        assert "repository-links" not in page.read_text(encoding="utf-8") or named


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


META = re.compile(r'<meta (?:name|property)="([\w:]+)" content="([^"]*)"')
TITLE = re.compile("<head>.*?<title>([^<]+)</title>", re.DOTALL)
ALWAYS = {
    "description", "og:title", "og:description", "citation_title", "citation_author",
    "citation_publication_date",
}  # fmt: skip
WITH_AN_ADDRESS = {"og:url", "og:image", "citation_public_url"}


def meta_of(text):
    return {name: unescape(content) for name, content in META.findall(text)}


def linked_data_of(text):
    (data,) = re.findall(r'<script type="application/ld\+json">(.*?)</script>', text, re.DOTALL)
    return json.loads(data)


def test_every_page_says_what_it_is_and_how_it_is_cited(html):
    kinds = {"book": "Chapter", "t": "CreativeWork"}
    paths = [html / "index.html", *(p for kind in kinds for p in (html / kind).glob("*.html"))]
    assert len(paths) > 200
    for path in paths:
        text = path.read_text(encoding="utf-8")
        meta, data = meta_of(text), linked_data_of(text)
        wanted = ALWAYS | WITH_AN_ADDRESS
        assert {name for name in wanted if meta.get(name)} == wanted, path
        assert len(meta["description"]) <= 162, path
        assert not set("\\$\n") & set(meta["description"]), path
        assert data["@type"] == ("Book" if path.name == "index.html" else kinds[path.parent.name])
        assert data["url"] == meta["og:url"] == meta["citation_public_url"]
        assert re.findall('<link rel="canonical" href="([^"]+)"', text) == [data["url"]], path
        # The site's own address leads on to the landing page.
        here = "book/index.html" if path.parent == html else path.relative_to(html).as_posix()
        assert data["url"].endswith(f"/{here}")
        card = meta["og:image"].removeprefix(data["url"].removesuffix(here))
        assert (html / card).read_bytes().startswith(b"\x89PNG")


def test_the_picture_of_the_book_keeps_its_margins(html):
    picture = pytest.importorskip("matplotlib.image").imread(html / "_static" / "card.png")
    assert picture.shape[:2] == (630, 1200)
    inside = (picture != picture[0, 0]).any(axis=2)
    assert inside.any()
    assert not inside[:, :60].any() and not inside[:, -60:].any() and not inside[:60].any()


def test_titles_name_the_page_and_the_book_once(html):
    paths = [html / "genindex.html", html / "404.html", *(html / "book").glob("*.html")]
    titles = [unescape(TITLE.search(p.read_text(encoding="utf-8"))[1]) for p in paths]
    assert len(set(titles)) == len(titles)
    assert [t for t in titles if t.count("Dirichlet Process Notes") != 1 or len(t) > 75] == []


def test_without_an_address_no_citation_names_one():
    """Neither the address of a site nor the picture that stands there, and no empty field."""
    from book._ext import cite, head

    app = types.SimpleNamespace(config=types.SimpleNamespace(html_baseurl=""))
    work = cite.Work("dpnotes:x", cite.address(app, "x.html"), "A title", "Chapter 1")
    for _, text in cite.formats(work):
        assert "http" not in text and "url" not in text and "UR  -" not in text
    text = head.head(app, work, work.address, "What it says")
    assert set(meta_of(text)) & (ALWAYS | WITH_AN_ADDRESS) == ALWAYS
    assert "url" not in linked_data_of(text)


def test_the_map_of_the_site_names_every_page_of_the_book(html):
    listed = re.findall("<loc>([^<]+)</loc>", (html / "sitemap.xml").read_text(encoding="utf-8"))
    paths = {address.rpartition("/book/")[2] for address in listed}
    assert paths == {p.name for p in (html / "book").glob("*.html")}
    assert listed[0].rpartition("book/")[0] + "sitemap.xml" in (html / "robots.txt").read_text()


def test_an_unknown_tag_leads_to_a_page_that_searches(browser, site):
    page = browser.new_page(viewport={"width": 360, "height": 740})
    failed = []
    page.on("response", lambda answer: failed.append(answer.url) if answer.status >= 400 else None)
    answer = page.goto(f"{site}t/DP-9999.html")
    assert answer.status == 404 and failed == [f"{site}t/DP-9999.html"]
    skip = page.locator("#pst-skip-link a")
    assert skip.get_attribute("href") == "#main-content"
    field = page.locator("article .search-open")
    assert field.inner_text().strip() == "Search this book"
    field.click()
    # At once, so that no hit of a part of it is there to be pressed.
    page.keyboard.insert_text("DP-0045")
    page.locator(".search-hits a").first.click()
    page.wait_for_url(f"**/{CHAPTER}#{LABEL}")
    page.close()


def test_the_index_of_results_links_every_tag(html):
    text = (html / "book" / "results.html").read_text(encoding="utf-8")
    linked = set(re.findall(r'<a href="\.\./t/(DP-\d{4})\.html">\1</a>', text))
    assert linked == {entry["tag"] for entry in catalogue_of(html).values()}


def test_a_doi_is_cited_where_the_book_has_one(monkeypatch):
    from book._ext import cite

    work = cite.Work("dpnotes:x", "https://example.org/x", "A title", "Chapter 1")
    assert "doi" not in cite.bibtex(work) and "DO  - " not in cite.ris(work)
    edition = dataclasses.replace(cite.edition(), doi="10.1234/5")
    monkeypatch.setattr(cite, "edition", lambda: edition)
    assert "  doi       = {10.1234/5}," in cite.bibtex(work)
    assert "DO  - 10.1234/5" in cite.ris(work) and "doi.org/10.1234/5" in cite.in_words(work)


def test_titles_are_cited_as_each_format_can_print_them():
    from book._ext import cite

    work = cite.Work("dpnotes:x", "", "Splits & merges of $\\alpha_n$", "Chapter “One”", "DP-0001")
    assert "{{Splits \\& merges of $\\alpha_n$}}" in cite.bibtex(work)
    assert "{Chapter ``One'', tag DP-0001}" in cite.bibtex(work)
    assert "Splits & merges of αₙ (Chapter “One”, tag DP-0001)" in cite.in_words(work)
    assert "TI  - Splits & merges of αₙ" in cite.ris(work)
