"""The PDFs of the book and of its chapters say and show what the pages and the notebooks do."""

import functools
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


def one_line(text):
    return " ".join(text.split())


class Shown:
    """What a page shows on paper; of each picture and formula, how it is described."""

    HIDDEN = (
        "summary, script, noscript, .result-cite, .result-more, .page-cite, .handled-controls, "
        ".headerlink, .result-report"
    )

    def __init__(self, html, name):
        source = (html / "book" / f"{name}.html").read_text(encoding="utf-8")
        self.article = BeautifulSoup(source, "html.parser").find("article", class_="bd-article")
        for part in self.article.select(self.HIDDEN):
            part.decompose()
        seen = self.article.select("img, svg[aria-label], annotation")
        self.described = [
            one_line(s.get("alt") or s.get("aria-label") or s.get_text()) for s in seen
        ]
        for part in self.article.select(".katex-mathml"):
            part.decompose()
        self.text = one_line(self.article.get_text(" ").replace("\u2060", ""))

    def statements(self):
        """Tag, title and words of each result; a PDF holds formulas and titles apart."""
        for box in self.article.select(".proof:has(.result-tag)"):
            tag, title = box.select_one(".result-tag"), box.select_one(".admonition-title")
            for items in box.select("ol"):
                for number, item in enumerate(
                    items.find_all("li", recursive=False), start=int(items.get("start", 1))
                ):
                    item.insert(0, f"{number}.")
            for part in box.select(".admonition-title, .katex, .eqno, .result-strip"):
                part.extract()
            yield tag.get_text(), squeezed(title.get_text()), squeezed(box.get_text())

    def outputs(self):
        parts = self.article.select(".cell_output :is(.output pre, table)")
        return [squeezed(part.get_text()) for part in parts]

    def printed(self):
        """Outputs as a PDF holds them, the heads of a table apart from its numbers."""
        texts = self.article.select(".cell_output :is(.output pre, th)")
        rows = self.article.select(".cell_output tbody tr")
        cells = ["".join(c.get_text() for c in row.find_all("td")) for row in rows]
        return [squeezed(text) for text in (*(t.get_text() for t in texts), *cells)]


def outputs_of_notebook(name):
    """What the cells print, as the page puts it together."""
    notebook = json.loads((ROOT / "book" / f"{name}.ipynb").read_text(encoding="utf-8"))
    found = []
    for cell in notebook["cells"]:
        for output in cell.get("outputs", ()):
            data = output.get("data", {})
            text = squeezed("".join(output.get("text") or data.get("text/plain")))
            if not text.startswith("<Figure"):
                found.append(text)
    return found


def described(root):
    """The parts of a tagged document that have a description, in the order of reading."""
    found, rest = [], [root]
    while rest:
        part = rest.pop()
        if not isinstance(part, pikepdf.Dictionary):
            continue
        if "/Alt" in part:
            found.append(part)
        else:
            kids = part.get("/K", [])
            rest += reversed(list(kids) if isinstance(kids, pikepdf.Array) else [kids])
    return found


class Made:
    """A PDF, with the text of its pages and the places of its names."""

    def __init__(self, path):
        self.pages = pdfium.PdfDocument(path)
        self.pikepdf = pikepdf.open(path)
        self.places = pdf.destinations(self.pikepdf)
        texts = [text_of(page) for page in self.pages]
        first = min(page for name, page in self.places.items() if name.startswith("page-"))
        # Before the chapters, and in them, without what stands at the edges.
        self.front = " ".join(texts[: first - 1])
        edge = r"^.*?, version \S+ (· https?://\S+ )?{}( |$)"
        numbered = enumerate(texts, start=1)
        self.texts = [re.sub(edge.format(n), "", text, count=1) for n, text in numbered]
        self.body = " ".join(self.texts[first - 1 :])
        self.described = described(self.pikepdf.Root.StructTreeRoot)
        self.words = [one_line(str(part.Alt)) for part in self.described]


@pytest.fixture(scope="session")
def made(html):
    """The PDF of a chapter; without a name, that of the book."""

    @functools.cache
    def of(name=pdf.BOOK):
        path = html / "pdf" / f"{name}.pdf"
        if not path.exists():
            pytest.skip("the PDFs are not made; run make pdf")
        return Made(path)

    return of


@pytest.mark.live
@pytest.mark.parametrize("name", NAMES)
def test_a_chapter_says_what_its_page_and_its_notebook_say(made, html, name):
    paper, shown = made(name), Shown(html, name)
    assert Counter(NUMBERED.findall(paper.body)) == Counter(NUMBERED.findall(shown.text))
    equations = {number.get_text() for number in shown.article.select(".eqno")}
    count = {n: shown.text.count(n) for n in equations}
    assert {n: paper.body.count(n) for n in equations} == count
    # Every formula by its source, every picture by its description.
    assert paper.words == shown.described
    text = squeezed(paper.body)
    for tag, title, words in shown.statements():
        page = paper.places[tag]
        assert tag in paper.texts[page - 1] and title in squeezed(paper.texts[page - 1])
        assert f"{tag}{title}{page}" in squeezed(paper.front)
        assert text[: text.index(tag)].endswith(words), tag
    outputs = shown.outputs()
    assert outputs == outputs_of_notebook(name) and len(outputs) > 2
    assert [o for o, n in Counter(shown.printed()).items() if text.count(o) < n] == []


@pytest.mark.live
def test_the_book_says_what_its_chapters_say(made):
    book, chapters = made(), [made(name) for part in pdf.parts() for name in part["names"]]
    assert book.words == [words for each in chapters for words in each.words]
    numbered = sum((Counter(NUMBERED.findall(each.body)) for each in chapters), Counter())
    assert Counter(NUMBERED.findall(book.body)) == numbered


@pytest.mark.live
def test_contents_lead_to_the_pages_that_they_name(made, html):
    book = made()
    for name in NAMES:
        headings = Shown(html, name).article.select("h1, section > section > h2")
        assert len(headings) > 8
        for heading in headings:
            words = one_line(heading.get_text())
            number = int(re.search(rf"{re.escape(words)} (\d+)", book.front)[1])
            assert squeezed(words) in squeezed(book.texts[number - 1]), words
    assert re.findall(r"\b000\b", book.front) == []


@pytest.mark.live
def test_a_link_leads_within_the_document_or_to_the_site(made):
    book, names, addresses = made(), [], []
    for page in book.pikepdf.pages:
        for note in page.get("/Annots", ()):
            if "/A" in note:
                addresses.append(str(note.A.URI))
            else:
                names.append(str(note.Dest).removeprefix("/"))
    # From one chapter into the other, and to pages that are not here.
    assert set(names) <= book.places.keys() and len(set(names)) > 50
    assert any("/book/api.html" in a for a in addresses)
    assert not [a for a in addresses if "site.invalid" in a or "/book/urn.html#" in a]


@pytest.mark.live
def test_the_document_is_tagged_named_and_whole(made):
    book = made().pikepdf
    root = book.Root
    assert bool(root.MarkInfo.Marked) and str(root.Lang) == "en" and "/StructTreeRoot" in root
    assert str(book.docinfo["/Title"]) == pdf.cite.BOOK
    with book.open_outline() as outline:
        titles = [item.title for item in outline.root]
    numbers = [t.split(". ")[0] for t in titles if t[0].isdigit()]
    assert numbers == [str(n) for n in range(1, len(NAMES) + 1)]
    fonts = [o for o in book.objects if getattr(o, "keys", None) and "/FontName" in o]
    assert len(fonts) > 5
    assert all({"/FontFile", "/FontFile2", "/FontFile3"} & set(f.keys()) for f in fonts)


def test_a_page_links_what_was_made_and_nothing_else(tmp_path, html):
    page = tmp_path / "urn.html"
    page.write_text((html / "book" / "urn.html").read_text(encoding="utf-8"), encoding="utf-8")
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
