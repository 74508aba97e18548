"""Two versions of the book, side by side, and what a result's tag says of both."""

import csv
import datetime
import re
import types

import pytest
from bs4 import BeautifulSoup

pytestmark = pytest.mark.book
release = pytest.importorskip("tools.release")
catalogue = pytest.importorskip("book._ext.catalogue")
pages = pytest.importorskip("book._ext.pages")


def page_of(words):
    return f'<html><body><article class="bd-article">{words}</article></body></html>'


NOT_FOUND = '<html data-content_root="/notes/">' + page_of("not here") + "</html>"
LEAD = dict(title="", name="", address="to", head="", canonical="", book="")


def site_of(folder, **files):
    (folder / "book").mkdir(parents=True)
    (folder / "t").mkdir()
    (folder / "404.html").write_text(NOT_FOUND)
    lead = pages.render("lead", **LEAD, history=[], errata=[])
    (folder / "t" / "DP-0001.html").write_text(lead)
    (folder / "index.html").write_text("<html><body><main></main></body></html>")
    for name, words in files.items():
        (folder / "book" / f"{name}.html").write_text(page_of(words))
    return folder


def edition(version, day):
    return types.SimpleNamespace(version=version, date=datetime.date(2026, 11, day))


@pytest.fixture
def published(tmp_path):
    """Version 0.2, which has a page that 0.3 has lost, and 0.3 with one more."""
    out = tmp_path / "out"
    out.mkdir()
    old = site_of(tmp_path / "old", urn="urn, old", lost="lost")
    new = site_of(tmp_path / "new", urn="urn, new", more="more")
    release.publish(out, old, edition("0.2.0", 1))
    release.publish(out, new, edition("0.3.1", 2))
    return out


def read(path):
    page = BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser")
    old = page.select_one(".versions-old")
    links = [(path.parent / a["href"]).resolve() for a in page.select(".versions a")]
    assert all(link.is_file() for link in links)
    return page.article.get_text(), old and old.get_text(), links


def test_both_versions_stay_readable_and_lead_to_the_newest(published):
    words, old, links = read(published / "v0.2/book/urn.html")
    assert words == "urn, old" and "older version of the book, v0.2" in old
    assert links[0] == published / "v0.3/book/urn.html"
    words, old, links = read(published / "v0.3/book/urn.html")
    assert (words, old, links) == ("urn, new", None, [published / "v0.2/book/urn.html"])
    # The top is the newest.
    words, old, links = read(published / "book/urn.html")
    assert (words, old) == ("urn, new", None)
    assert links == [published / "v0.3/book/urn.html", published / "v0.2/book/urn.html"]
    listed = release.versions(published)
    assert [(v["version"], v["name"], v["date"]) for v in listed] == [
        ("0.3.1", "v0.3", "2026-11-02"),
        ("0.2.0", "v0.2", "2026-11-01"),
    ]


def test_a_page_that_a_version_lacks_is_said_to_be_missing(published):
    _, old, links = read(published / "v0.2/book/lost.html")
    assert "has no such page" in old and links[0] == published / "v0.3/index.html"
    text = (published / "v0.3/book/more.html").read_text()
    assert re.search(r"v0\.2, 2026-11-01</a>: without this page", text)


def test_the_page_of_a_tag_leads_to_that_of_each_version(published):
    for folder, here in ((published, "The newest"), (published / "v0.3", "Version v0.3")):
        page = BeautifulSoup((folder / "t/DP-0001.html").read_text(), "html.parser")
        assert page.main.details.has_attr("open") and here in page.main.summary.get_text()
        links = [(folder / "t" / a["href"]).resolve() for a in page.select(".versions a")]
        assert published / "v0.2/t/DP-0001.html" in links


def test_an_address_of_a_version_that_is_not_here_says_which_are(published):
    page = BeautifulSoup((published / "404.html").read_text(), "html.parser")
    words = page.select_one(".versions").get_text()
    assert "v0.3, 2026-11-02; v0.2, 2026-11-01. A version that is not among them" in words
    # It is shown at any address, so its links start from that of the site.
    links = [a["href"] for a in page.select(".versions a")]
    assert links == ["/notes/v0.3/index.html", "/notes/v0.2/index.html"]


def test_a_page_is_told_once_however_often(published):
    release.tell(published)
    text = (published / "v0.2/book/urn.html").read_text()
    assert text.count('class="versions"') == text.count(release.BEGIN) == 1


def test_a_version_is_not_replaced(published, tmp_path):
    before = (published / "v0.3/book/urn.html").read_text()
    with pytest.raises(SystemExit, match=r"v0.3 is published, and stays"):
        release.publish(published, tmp_path / "old", edition("0.3.2", 3))
    assert (published / "v0.3/book/urn.html").read_text() == before


def test_a_version_that_is_missing_is_said_to_be(published, tmp_path):
    (published / "v0.2").rename(tmp_path / "away")
    with pytest.raises(SystemExit, match=r"lists v0.2, which is not there"):
        release.publish(published, tmp_path / "old", edition("0.4.0", 3))
    assert not (published / "v0.4").exists()


def test_statements_are_kept_by_version_and_the_table_only_grows(tmp_path):
    table = tmp_path / "statements.csv"
    table.write_text("version,tag,hash\n")
    release.record("0.2.0", table)
    first = table.read_text()
    release.record("0.3.0", table)
    assert table.read_text().startswith(first)
    rows = list(csv.DictReader(table.read_text().splitlines()))
    tags = {r.tag: r.hash for r in catalogue.load().values() if r.tag}
    assert len(rows) == 2 * len(tags) > 400
    assert all(tags[row["tag"]] == row["hash"] for row in rows)
    assert {row["version"] for row in rows} == {"0.2.0", "0.3.0"}
    both = table.read_text()
    release.record("0.2.0", table)  # begun anew, with the same statements
    assert table.read_text() == both
    table.write_text(both.replace(f"0.2.0,{rows[0]['tag']},", f"0.2.0,{rows[0]['tag']},other"))
    with pytest.raises(SystemExit, match=r"0.2.0 are kept already"):
        release.record("0.2.0", table)


def test_a_hash_is_of_what_is_said_and_not_of_how_its_lines_break():
    one = catalogue.hashed("theorem", "A name", ":label: thm-a\n\nLet $x$ be\none.")
    assert one == catalogue.hashed("theorem", "A name", ":label: thm-b\nLet $x$  be one.")
    assert one != catalogue.hashed("theorem", "A name", ":label: thm-a\n\nLet $x$ be\ntwo.")
    assert one != catalogue.hashed("lemma", "A name", ":label: thm-a\n\nLet $x$ be\none.")


def test_a_tag_tells_in_which_versions_its_statement_changed():
    def history(now, *released):
        return catalogue.Result("thm-a", "", "urn", 0, hash=now, released=list(released)).history

    assert history("a") == []
    assert history("a", ("0.2", "a"), ("0.3", "a")) == ["0.2", "0.3"]
    assert history("b", ("0.2", "a"), ("0.3", "b")) == ["0.2", "0.3 (statement changed)"]
    assert history("b", ("0.2", "a")) == ["0.2", "changed since"]


def test_a_tag_leads_on_at_once_unless_something_is_to_be_said_first():
    said = {}
    for errata in ([], [("2026-11-01", "wrong")]):
        for history in ([], ["0.2", "0.3"], ["0.2", "0.3 (statement changed)"]):
            text = pages.render("lead", **LEAD, history=history, errata=errata)
            assert (f"In versions: {', '.join(history)}." in text) == bool(history)
            assert ("Erratum, 2026-11-01: wrong" in text) == bool(errata)
            said[len(errata), len(history), "changed" in text] = 'content="0; url=to"' in text
    assert [key for key, leads in said.items() if leads] == [(0, 0, False), (0, 2, False)]
