"""The PDFs of the book and of its chapters say and show what the pages and the notebooks do."""

import ctypes
import functools
import json
import re
from collections import Counter, defaultdict

import numpy as np
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
        self.displays = [i for i, s in enumerate(seen) if s.find_parent(class_="katex-display")]
        for part in self.article.select(".katex-mathml"):
            part.decompose()
        self.text = one_line(self.article.get_text(" ").replace("\u2060", ""))

    def statements(self):
        """Tag, title, words and whether it may break over two pages, of each result.

        A PDF holds formulas and titles apart.
        """
        for box in self.article.select(".proof:has(.result-tag)"):
            tag, title = box.select_one(".result-tag"), box.select_one(".admonition-title")
            breaks = len(box.select("li")) > 5
            for items in box.select("ol"):
                for number, item in enumerate(
                    items.find_all("li", recursive=False), start=int(items.get("start", 1))
                ):
                    item.insert(0, f"{number}.")
            for part in box.select(".admonition-title, .katex, .eqno, .result-strip"):
                part.extract()
            yield tag.get_text(), squeezed(title.get_text()), squeezed(box.get_text()), breaks

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
            # A page shows the HTML of what has it: a table.
            table = BeautifulSoup("".join(data.get("text/html", "")), "html.parser").get_text()
            text = table or "".join(output.get("text") or data.get("text/plain"))
            if not text.startswith("<Figure"):
                found.append(squeezed(text))
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


def marked(part):
    """The marked contents of a part of a tagged document: pairs (page, number)."""
    kids = part.get("/K", [])
    for kid in kids if isinstance(kids, pikepdf.Array) else [kids]:
        if isinstance(kid, pikepdf.Dictionary) and "/MCID" not in kid:
            yield from marked(kid)
        elif isinstance(kid, pikepdf.Dictionary):
            yield kid.get("/Pg", part.get("/Pg")).objgen, int(kid.MCID)
        else:
            yield part.Pg.objgen, int(kid)


# Pixels of the web, of which the places are given, in one point.
PIXELS = 96 / 72


class Sheet:
    """What is drawn on a page: letters by the number of their marked content, and paths."""

    def __init__(self, page):
        self.letters, text, height = defaultdict(list), page.get_textpage(), page.get_height()
        x, y, colour = ctypes.c_double(), ctypes.c_double(), [ctypes.c_uint() for _ in range(4)]
        for i in range(pdfium.raw.FPDFText_CountChars(text)):
            part = pdfium.raw.FPDFText_GetTextObject(text, i)
            letter = chr(pdfium.raw.FPDFText_GetUnicode(text, i))
            if part and letter.strip() and letter != "\u200b":
                pdfium.raw.FPDFText_GetCharOrigin(text, i, x, y)
                pdfium.raw.FPDFText_GetFillColor(text, i, *colour)
                size = pdfium.raw.FPDFText_GetFontSize(text, i)
                place = x.value * PIXELS, (height - y.value) * PIXELS, size
                shade = "rgb({}, {}, {})".format(*(c.value for c in colour))
                number = pdfium.raw.FPDFPageObj_GetMarkedContentID(part)
                self.letters[number].append({"letter": letter, "place": place, "color": shade})
        paths = [o for o in page.get_objects() if o.type == pdfium.raw.FPDF_PAGEOBJ_PATH]
        bounds = np.array([path.get_bounds() for path in paths]).reshape(-1, 4)
        left, bottom, right, top = bounds.T * PIXELS
        down = height * PIXELS
        self.paths = np.column_stack([left, down - top, right, down - bottom])


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
        self.numbers = {page.objgen: i for i, page in enumerate(self.pikepdf.pages)}

    @functools.cache  # noqa: B019, as long as the tests
    def sheet(self, number):
        return Sheet(self.pages[number])

    def drawn(self, part):
        """The letters of a described part, in the order of reading, and the page that it is on."""
        places = list(marked(part))
        (number,) = {self.numbers[page] for page, _ in places}
        sheet = self.sheet(number)
        return [letter for _, mark in places for letter in sheet.letters[mark]], sheet


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
    for tag, title, words, breaks in shown.statements():
        # A tag stands below its statement, and leads to where that begins.
        page = paper.places[tag]
        assert title in squeezed(paper.texts[page - 1]), tag
        assert tag in " ".join(paper.texts[page - 1 : page + breaks]), tag
        assert f"{tag}{title}{page}" in squeezed(paper.front)
        before = text[: text.index(tag)]
        begin = next(words[:n] for n in range(len(words) + 1) if before.endswith(words[n:]))
        assert begin == "" or (breaks and begin in squeezed(paper.texts[page - 1])), tag
    outputs = shown.outputs()
    assert outputs == outputs_of_notebook(name) and len(outputs) > 2
    assert [o for o, n in Counter(shown.printed()).items() if text.count(o) < n] == []


# The page as its readers see it, on a screen, as wide as a sheet between its margins and in the
# size of print; all that differs is then the style for paper, the joining, and the printing.
def layout(width):
    return f"""html {{ font-size: 10pt !important }}
        article.bd-article {{ width: {width}px; line-height: 1.5; padding: 0 !important }}
        .toggle-hidden > * {{ display: block !important; height: auto !important }}"""


ALONE = """() => {
    const article = document.querySelector("article.bd-article");
    document.body.replaceChildren(article);
    for (const fold of article.querySelectorAll("details")) fold.open = true;
    return document.fonts.ready.then(() => true);
}"""
# A length is laid out in steps of 1/64 pixel: what is between two ends may differ by two of them.
# In a PDF the widths of letters are whole thousandths of their size (14.4 pixels in a display), at
# most half of one off; no formula has forty of them in a run.
ACROSS = 2 / 64 + 40 * 0.0005 * 14.4
# On paper baselines, bars and paths lie on whole pixels, each at most half of one from where they
# are laid out: two of them come to stand at most one nearer or farther.
DOWN = 2 / 64 + 1


def displays_of(browser, site, name, width):
    page = browser.new_context(viewport={"width": 1440, "height": 900}).new_page()
    page.set_default_timeout(0)
    page.goto(f"{site}book/{name}.html", wait_until="load")
    page.add_style_tag(content=layout(width))
    page.evaluate(ALONE)
    found = page.evaluate((ROOT / "tests" / "displays.mjs").read_text(encoding="utf-8"))
    page.context.close()
    return found


def differences(display, letters, sheet):
    """What is drawn on paper elsewhere, or otherwise, than on the page."""
    for kind in ("letter", "color"):
        if [each[kind] for each in letters] != [each[kind] for each in display["letters"]]:
            return f"another {kind}"
    here, there = (np.array([e["place"] for e in part]) for part in (letters, display["letters"]))
    apart = here - there
    moved = np.median(apart, axis=0)
    moved[2] = 0
    if (np.abs(apart - moved) > [ACROSS, DOWN, 1e-3]).any():
        return f"a letter moved, or of another size: {np.abs(apart - moved).max(0)}"
    left, top, right, bottom = display["box"] + np.tile(moved[:2], 2)
    x, y = sheet.paths[:, 0], sheet.paths[:, 1]
    near = (x > left - 1) & (x < right + 1) & (y > top - 1) & (y < bottom + 1)
    drawn = sorted(np.minimum(sheet.paths[near], [np.inf, np.inf, right, np.inf]).tolist())
    # The bar of a root goes on, unseen.
    bars = np.array(display["bars"]).reshape(-1, 4) + np.tile(moved[:2], 2)
    bars = sorted(np.minimum(bars, [np.inf, np.inf, right, np.inf]).tolist())
    if len(drawn) != len(bars):
        return f"{len(drawn)} bars and paths instead of {len(bars)}"
    if bars and np.abs(np.subtract(drawn, bars)).max() > DOWN:
        return f"a bar moved: {np.abs(np.subtract(drawn, bars)).max(0)}"
    return None


@pytest.mark.live
@pytest.mark.parametrize("name", NAMES)
def test_a_display_looks_as_on_its_page(made, html, site, browser, name):
    """The same letters, bars and roots of the same size and colour in the same places."""
    paper, shown = made(name), Shown(html, name)
    margins = 2 * 18 / 25.4 * 96
    there = displays_of(browser, site, name, paper.pages[0].get_width() * PIXELS - margins)
    assert len(there) == len(shown.displays) > 10
    for i, display in zip(shown.displays, there):
        letters, sheet = paper.drawn(paper.described[i])
        assert differences(display, letters, sheet) is None, paper.words[i]


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
            # A formula's parts are read with spaces between them.
            spaced = r"\s*".join(map(re.escape, squeezed(words)))
            number = int(re.search(rf"{spaced} (\d+)", book.front)[1])
            # On its page a formula stands apart from the words around it.
            bare = [s for s in heading.find_all(string=True) if not s.find_parent(class_="katex")]
            text = squeezed(book.texts[number - 1])
            assert all(squeezed(part) in text for part in bare), words
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
    parts = [o for o in book.objects if isinstance(o, pikepdf.Dictionary)]
    # The letters of these are drawings in the document.
    drawn = [o.FontDescriptor.objgen for o in parts if o.get("/Subtype") == "/Type3"]
    fonts = [o for o in parts if "/FontName" in o and o.objgen not in drawn]
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
