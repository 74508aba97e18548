"""The PDFs of the book and of its chapters say what the pages and the notebooks say."""

import json
import re
from collections import Counter

import pytest
from bs4 import BeautifulSoup
from conftest import ROOT
from test_print import text_of
from test_site import CHAPTERS

pytestmark = pytest.mark.book
pdfium = pytest.importorskip("pypdfium2")
pikepdf = pytest.importorskip("pikepdf")
pdf = pytest.importorskip("tools.pdf")

NAMES = [name.removeprefix("book/").removesuffix(".html") for name in CHAPTERS]
KINDS = "Definition|Theorem|Lemma|Proposition|Corollary|Algorithm|Example|Remark|Exercise"
# What stands in the text with a number, or is a tag.
NUMBERED = re.compile(rf"\b(?:(?:{KINDS}|Fig\.) \d+\.\d+|DP-\d{{4}})")


def squeezed(text):
    return re.sub(r"[\s\u2060\u200b\ufffe]", "", text)


def article_of(html, name):
    """What a page shows on paper."""
    source = (html / "book" / f"{name}.html").read_text(encoding="utf-8")
    article = BeautifulSoup(source, "html.parser").find("article", class_="bd-article")
    hidden = "summary, script, noscript, .katex-mathml, .result-cite, .result-more, .page-cite"
    for part in article.select(f"{hidden}, .handled-controls, .headerlink, .result-report"):
        part.decompose()
    return article


def outputs_of_page(article):
    return [squeezed(pre.get_text()) for pre in article.select(".cell_output .output pre")]


def outputs_of_notebook(name):
    """What the cells print, as the page puts it together."""
    notebook = json.loads((ROOT / "book" / f"{name}.ipynb").read_text(encoding="utf-8"))
    found = []
    for cell in notebook["cells"]:
        for output in cell.get("outputs", ()):
            data = output.get("data", {})
            text = output.get("text") or ("image/png" not in data and data.get("text/plain")) or ""
            found.append(squeezed("".join(text)))
    return [text for text in found if text]


class Made:
    """A PDF, with the text of its pages and the places of its names."""

    def __init__(self, path, count):
        self.path, self.pages = path, pdfium.PdfDocument(path)
        self.texts = [text_of(page) for page in self.pages]
        self.pikepdf = pikepdf.open(path)
        self.places = pdf.destinations(self.pikepdf)
        assert len(self.texts) == count

    def front(self):
        """The text of the pages before the first chapter."""
        first = min(page for name, page in self.places.items() if name.startswith("page-"))
        return self.texts[: first - 1], self.texts[first - 1 :]


@pytest.fixture(scope="module")
def make(html, browser, tmp_path_factory):
    """Print chapters as one document; a name alone is that chapter."""

    def of(*names):
        alone = names[0] if len(names) == 1 else ""
        path = tmp_path_factory.mktemp("pdf") / "made.pdf"
        listed = [{"caption": "A part", "names": list(names)}]
        return Made(path, pdf.made(browser, html, listed, path, alone))

    return of


@pytest.mark.live
@pytest.mark.parametrize("name", NAMES)
def test_a_chapter_says_what_its_page_and_its_notebook_say(make, html, name):
    made, article = make(name), article_of(html, name)
    front, body = made.front()
    read, shown = " ".join(body), " ".join(article.get_text(" ").replace("\u2060", "").split())
    assert Counter(NUMBERED.findall(read)) == Counter(NUMBERED.findall(shown))
    equations = {number.get_text() for number in article.select(".eqno")}
    assert {n: read.count(n) for n in equations} == {n: shown.count(n) for n in equations}
    for box in article.select(".proof:has(.result-tag)"):
        tag = box.select_one(".result-tag").get_text()
        stated = squeezed(box.select_one(".admonition-title").get_text())
        page = made.places[tag]
        assert tag in made.texts[page - 1] and stated in squeezed(made.texts[page - 1])
        assert f"{tag}{stated}{page}" in squeezed(" ".join(front))
    outputs = outputs_of_page(article)
    assert outputs == outputs_of_notebook(name) and len(outputs) > 2
    text = "".join(map(squeezed, body))
    # A long output may go on over the edge of a page.
    missing = [o for o, n in Counter(outputs).items() if len(o) < 900 and text.count(o) < n]
    assert missing == []


@pytest.fixture(scope="module")
def two(make):
    return make("urn", "restaurant")


@pytest.mark.live
def test_contents_lead_to_the_pages_that_they_name(two, html):
    front = " ".join(two.front()[0])
    for name in ("urn", "restaurant"):
        headings = article_of(html, name).select("h1, section > section > h2")
        assert len(headings) > 8
        for heading in headings:
            words = " ".join(heading.get_text().split())
            number = int(re.search(rf"{re.escape(words)} (\d+)", front)[1])
            assert words in two.texts[number - 1]
    assert re.findall(r"\b000\b", front) == []


@pytest.mark.live
def test_a_link_leads_within_the_document_or_to_the_site(two):
    names, addresses = [], []
    for page in two.pikepdf.pages:
        for note in page.get("/Annots", ()):
            if "/A" in note:
                addresses.append(str(note.A.URI))
            else:
                names.append(str(note.Dest).removeprefix("/"))
    # From one chapter into the other, and to chapters that are not here.
    assert set(names) <= two.places.keys() and len(set(names)) > 50
    assert any("/book/gibbs.html" in a for a in addresses)
    assert not [a for a in addresses if "site.invalid" in a or "/book/urn.html#" in a]


@pytest.mark.live
def test_the_document_is_tagged_named_and_whole(two):
    root = two.pikepdf.Root
    assert bool(root.MarkInfo.Marked) and str(root.Lang) == "en" and "/StructTreeRoot" in root
    assert str(two.pikepdf.docinfo["/Title"]) == pdf.cite.BOOK
    with two.pikepdf.open_outline() as outline:
        titles = [item.title for item in outline.root]
    assert [t.split(". ")[0] for t in titles if t[0].isdigit()] == ["5", "6"]
    fonts = [o for o in two.pikepdf.objects if getattr(o, "keys", None) and "/FontName" in o]
    assert len(fonts) > 5
    assert all({"/FontFile", "/FontFile2", "/FontFile3"} & set(f.keys()) for f in fonts)


def test_a_page_links_what_was_made_and_nothing_else(tmp_path, html):
    page = tmp_path / "urn.html"
    page.write_text((html / "book" / "urn.html").read_text(encoding="utf-8"), encoding="utf-8")
    before = BeautifulSoup(page.read_text(encoding="utf-8"), "html.parser")
    assert before.select('a[href$=".pdf"]') == [] and len(before.select("[data-press=print]")) == 1
    for _ in range(2):
        pdf.link(page, "urn")
        after = BeautifulSoup(page.read_text(encoding="utf-8"), "html.parser")
        assert [a["href"] for a in after.select('a[href$=".pdf"]')] == ["../pdf/urn.pdf"]
        assert after.select("[data-press=print]") == []


def test_without_chromium_it_says_so(monkeypatch):
    monkeypatch.setattr(pdf.chromium, "NAMES", ("no-such-browser",))
    with pytest.raises(SystemExit, match="Chromium is missing"):
        pdf.main([])


def test_without_a_site_it_says_so(monkeypatch, tmp_path):
    monkeypatch.setattr(pdf.chromium, "NAMES", ("python3",))
    with pytest.raises(SystemExit, match="has no site; run make book"):
        pdf.main(["--site", str(tmp_path)])


def test_each_page_is_printed_or_left_out_for_a_reason():
    printed = [name for part in pdf.parts() for name in part["names"]]
    toc = (ROOT / "_toc.yml").read_text(encoding="utf-8")
    assert sorted([*printed, *pdf.LEFT_OUT]) == sorted(re.findall(r"book/([\w-]+)", toc))
