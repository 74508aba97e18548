"""A chapter on paper: light, whole, unbroken where it fits, without what can only be pressed."""

import ctypes
import html as markup
import re
from collections import Counter

import pytest
from bs4 import BeautifulSoup
from conftest import ROOT
from test_site import CHAPTERS

pytestmark = pytest.mark.book
pdfium = pytest.importorskip("pypdfium2")
cite = pytest.importorskip("book._ext.cite")
printed = pytest.importorskip("book._ext.printed")

# With sliders, figures, folds, exercises and links.
CHAPTER = "book/restaurant.html"
A4 = {"format": "A4", "print_background": True}
# Between the margins, in pixels.
COLUMN = round((210 - 2 * 18) / 25.4 * 96)
# White is 255; the palest tint of a box has no channel below this.
PALE = 225

# The theme, and how much is open.
LOOK = """() => document.documentElement.dataset.theme + " "
    + document.querySelectorAll("[open]").length"""


def title_of(path):
    """The title of a page without that of the book."""
    source = path.read_text(encoding="utf-8")
    return markup.unescape(re.search(r"<title>(.*?) &#8212;", source)[1])


def address(html):
    """Where the chapter stands for good."""
    source = (html / CHAPTER).read_text(encoding="utf-8")
    return re.search(r'property="og:url" content="([^"]+)"', source)[1]


def text_of(page):
    """What is read on a page, its spaces made one; the browser's joiners are not read."""
    text = page.get_textpage().get_text_bounded()
    return " ".join(re.sub("[\u2060\u200b\ufffe]", "", text).split())


def tight(text):
    """Without spaces: words that stand upright are read letter by letter."""
    return "".join(text.split())


@pytest.fixture(scope="module")
def paper(browser, site, tmp_path_factory):
    """Print a page from what its reader sees; then the screen is as it was."""

    def of(scheme, depth):
        context = browser.new_context(color_scheme=scheme)
        context.add_init_script(f"localStorage.setItem('depth', '{depth}')")
        page = context.new_page()
        page.goto(f"{site}{CHAPTER}", wait_until="load")
        before = page.evaluate(LOOK)
        assert before.startswith(scheme)
        path = tmp_path_factory.mktemp("paper") / f"{scheme}.pdf"
        path.write_bytes(page.pdf(**A4))
        page.wait_for_function(f"before => ({LOOK})() === before", arg=before)
        context.close()
        return pdfium.PdfDocument(path)

    return of


@pytest.fixture(scope="module")
def light(paper):
    return paper("light", "everything")


@pytest.fixture(scope="module")
def dark(paper):
    """As the reader sees least of it: dark, with everything folded."""
    return paper("dark", "statements")


@pytest.fixture(scope="module")
def texts(light):
    return [text_of(page) for page in light]


def pixels(page):
    return page.render(scale=0.5, grayscale=True).to_numpy()


def test_a_dark_and_folded_page_prints_as_a_light_and_open_one(light, dark):
    assert len(light) == len(dark) > 10
    for one, other in zip(light, dark):
        assert text_of(one) == text_of(other)
        assert (pixels(one) == pixels(other)).all()


def test_paper_is_white(light):
    for page in light:
        shades = pixels(page)
        # The edges are; in between words, lines and figures are darker, and paper prevails.
        assert (shades[:12] == 255).all() and (shades[:, :20] == 255).all()
        assert (shades >= PALE).mean() > 0.75


def test_each_page_says_what_is_read(texts, html):
    title = title_of(html / CHAPTER)
    for number, text in enumerate(texts, start=1):
        # The first has no chapter at its edge, for it begins with the title.
        begins = f"{title} " if number > 1 else ""
        assert text.startswith(f"{begins}{printed.footer(address(html))} {number} "), text[:200]
    assert title in texts[0]


@pytest.mark.parametrize("name", CHAPTERS)
def test_every_chapter_has_its_own_edges(html, name):
    source = (html / name).read_text(encoding="utf-8")
    (rule,) = re.findall(r'<style media="print">(.*?)</style>', source)
    title = title_of(html / name)
    assert f'@top-left {{ content: "{title}" }}' in rule
    assert cite.edition().version in rule and name in rule


@pytest.mark.parametrize("name", ["genindex.html", "search.html", "404.html"])
def test_a_page_that_is_no_text_has_its_edges(html, name):
    source = (html / name).read_text(encoding="utf-8")
    (rule,) = re.findall(r'<style media="print">(.*?)</style>', source)
    assert f'@top-left {{ content: "{title_of(html / name)}" }}' in rule
    # Page 404 stands anywhere.
    assert cite.edition().version in rule and (name in rule) == (name != "404.html")


def test_a_title_is_quoted():
    rule = printed.edges('The "urn" \\ </style>\n', "")
    assert '"The \\"urn\\" \\\\ \\3c /style>"' in rule and "</style" not in rule
    assert "·" not in printed.footer("")


def test_what_can_only_be_pressed_is_not_printed(texts):
    text = " ".join(texts)
    words = "Run this page|Show the code|Hide the code|Click to|Everything|Copy|BibTeX|Contents"
    assert re.findall(words, text) == []


def test_what_is_folded_is_printed(texts, html):
    source = (html / CHAPTER).read_text(encoding="utf-8")
    text = " ".join(texts)
    assert text.count("Proof.") == source.count('class="proof-begins"') > 5
    assert text.count("Solution to") == len(re.findall(r'class="[^"]*\bsolution\b', source)) > 3
    # The code of the picture that opens the chapter, which is folded on every screen.
    assert "figures.clusters." in texts[0]


def test_statements_and_figures_are_not_torn(light, texts, html):
    source = (html / CHAPTER).read_text(encoding="utf-8")
    tags = re.findall(r'class="result-tag"[^>]*>(DP-\d{4})<', source)
    kinds = "Definition|Theorem|Lemma|Proposition|Corollary|Algorithm|Example|Remark"
    titles = re.findall(rf'<span class="caption-number">((?:{kinds}) [\d.]+) </span>', source)
    assert len(titles) == len(tags) > 5
    for title, tag in zip(titles, tags):
        assert [f"{title} (" in text for text in texts] == [tag in text for text in texts], tag
    figures = BeautifulSoup(source, "html.parser").select("figure:has(svg.drawing)")
    assert len(figures) > 2
    for figure in figures:
        about = figure.figcaption.get_text()[:40]
        words = [text.get_text() for text in figure.select("svg text:not(:has(tspan))")]
        assert any(all(tight(w) in tight(text) for w in (about, *words)) for text in texts), about


BREAKS = """parts => [...document.querySelectorAll(parts)]
    .map((part) => getComputedStyle(part).breakInside)"""


def test_what_fits_on_a_page_is_not_torn_and_a_proof_runs_over(browser, site):
    page = browser.new_context().new_page()
    page.goto(f"{site}{CHAPTER}", wait_until="load")
    page.emulate_media(media="print")
    whole = Counter(page.evaluate(BREAKS, "article :is(.cell, figure, .proof, .exercise, tr)"))
    # Kept whole, they would leave pages half empty.
    longer = Counter(page.evaluate(BREAKS, "article :is(.proof-text, .fold-proof, .solution)"))
    page.context.close()
    assert whole.keys() == {"avoid"} and whole.total() > 20
    assert longer.keys() == {"auto"} and longer.total() > 10


def test_a_statement_as_long_as_a_page_leaves_none_empty(browser, site):
    page = browser.new_context().new_page()
    page.goto(f"{site}book/other-kinds.html", wait_until="load")
    pdf = pdfium.PdfDocument(page.pdf(**A4))
    page.context.close()
    # Seven kinds of cells in one theorem, which begins below the section's first lines.
    begun = [text for text in map(text_of, pdf) if "(Seven kinds of cells)" in text]
    assert "14.2. The families" in begun[0] and "1. Counts" in begun[0]


@pytest.fixture(scope="module")
def printed_page(browser, site):
    """Print a page beside the chapters."""

    def of(name):
        page = browser.new_context().new_page()
        page.goto(site + name, wait_until="load")
        pdf = page.pdf(**A4)
        page.context.close()
        return pdfium.PdfDocument(pdf)

    return of


def test_a_long_table_begins_where_it_stands_and_has_its_head_on_each_page(printed_page):
    pages = [text_of(page) for page in printed_page("book/results.html")]
    assert len(pages) > 10 and "DP-0001" in pages[0]
    assert [text[:80] for text in pages if "Tag Result Name Kind Chapter Status" not in text] == []


def test_the_index_fills_its_pages(printed_page):
    for page in list(printed_page("genindex.html"))[:-1]:
        # Above the number at the foot.
        rows = (pixels(page)[:-40] < 200).any(axis=1).nonzero()[0]
        assert rows.max() > 0.5 * len(pixels(page))


def test_an_entry_of_the_bibliography_is_not_torn(printed_page):
    pages = [text_of(page) for page in printed_page("book/bibliography.html")]
    edge = printed.footer("")
    assert len(pages) > 5 and not any(
        re.search(rf"{re.escape(edge)} · \S+ \d+ Cited in", text) for text in pages
    )


def test_a_hit_of_the_search_is_not_torn(browser, site):
    page = browser.new_context().new_page()
    page.goto(f"{site}search.html?q=urn", wait_until="load")
    page.wait_for_selector(".search-hits a")
    page.emulate_media(media="print")
    hits = page.evaluate(BREAKS, ".search-hits li")
    page.context.close()
    assert {*hits} == {"avoid"} and len(hits) > 10


# Where a page may not end, and what is not printed.
LEADS = """parts => parts.map((part) => [...document.querySelectorAll("article " + part)]
    .map((node) => getComputedStyle(node).display === "none" ? "none"
        : getComputedStyle(node).breakAfter))"""


def test_what_leads_on_stays_with_what_it_leads_to(browser, site):
    page = browser.new_context().new_page()
    page.emulate_media(media="print")
    found = []
    for name, *parts in (
        ("index", "p:has(+ [class*='highlight-'])", ".doors"),
        ("annotated-notes", "blockquote"),
        ("api", ".rubric"),
    ):
        page.goto(f"{site}book/{name}.html", wait_until="load")
        found += page.evaluate(LEADS, parts)
    # The last is the reference: its lists are no grids, in which that would not be heeded.
    grids = page.evaluate("""() => [...document.querySelectorAll("dl.field-list")]
        .filter((list) => getComputedStyle(list).display !== "block").length""")
    page.context.close()
    code, doors, quotes, rubrics = found
    assert grids == 0
    assert {*code, *quotes, *rubrics} == {"avoid"} and doors == ["none"]
    assert min(len(code), len(quotes), len(rubrics)) > 3


# How much wider the content is than the column of a sheet, and what is drawn beyond it: the unseen
# mark at the end of a subscript is not, and paths of roots end at their boxes.
WIDE = """() => {
    const sheet = document.querySelector("article.bd-article");
    const { right } = sheet.getBoundingClientRect();
    const unseen = ".katex-mathml *, .vlist-t2, .vlist-t2 *, path";
    const beyond = [...sheet.querySelectorAll(`*:not(${unseen})`)]
        .filter((part) => part.getBoundingClientRect().right > right + 0.1);
    const { scrollWidth, clientWidth } = document.documentElement;
    return { wider: scrollWidth - clientWidth, beyond: beyond.map((part) => part.outerHTML) };
}"""


@pytest.mark.parametrize("name", CHAPTERS)
def test_nothing_is_wider_than_paper(browser, site, name):
    """A browser prints a page that is a pixel too wide smaller, and each chapter otherwise."""
    page = browser.new_context(viewport={"width": COLUMN, "height": 900}).new_page()
    page.goto(site + name, wait_until="load")
    page.emulate_media(media="print")
    found = page.evaluate(WIDE)
    page.context.close()
    assert found == {"wider": 0, "beyond": []}


def links_on(page):
    """How many places of a page lead elsewhere; a link over two lines is two."""
    start, link, found = ctypes.c_int(0), pdfium.raw.FPDF_LINK(), 0
    while pdfium.raw.FPDFLink_Enumerate(page, start, link):
        found += 1
    return found


def test_links_are_kept(light, html):
    source = (html / CHAPTER).read_text(encoding="utf-8")
    article = source[source.index("<article") : source.index("</article>")]
    # Those of the strips and headings that are not printed have other classes.
    shown = re.findall(r'<a class="[^"]*\b(?:reference|result-tag|term)\b', article)
    assert sum(map(links_on, light)) >= len(shown) > 40


def test_the_style_of_paper_stands_in_one_file():
    sheet = (ROOT / "book" / "_static" / "book.css").read_text(encoding="utf-8")
    assert "@media print" not in sheet
