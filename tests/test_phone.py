"""The site on a phone, 360 px wide: code, tables, and what is copied from them."""

import html.parser
import io
import json
import re

import matplotlib.image
import numpy as np
import pytest
from test_site import CHAPTERS, ROOT, visit

from book._ext import code

pytestmark = pytest.mark.book

PHONE = {"viewport": {"width": 360, "height": 740}}
# Pages that are not chapters, with code or tables.
OTHERS = ["book/api.html", "book/checks.html", "book/results.html", "book/notation.html"]


@pytest.fixture
def phone(browser, site):
    """Open pages as a phone shows them."""
    contexts = []

    def open_page(name, **options):
        page, _ = visit(browser, site + name, **PHONE, **options)
        contexts.append(page.context)
        return page

    yield open_page
    for context in contexts:
        context.close()


@pytest.fixture(scope="module", params=CHAPTERS)
def chapter(browser, site, request):
    """Its name and its page; one after another, each opened once for all tests that ask."""
    page, _ = visit(browser, site + request.param, **PHONE)
    yield request.param, page
    page.context.close()


class Text(html.parser.HTMLParser):
    def __init__(self, markup):
        super().__init__()
        self.text = ""
        self.feed(markup)

    def handle_data(self, data):
        self.text += data


def test_hanging_lines_change_no_letter():
    block = (
        '<div class="highlight"><pre><span></span><span class="k">if</span> a &lt; 1:\n'
        '    <span class="n">b</span>\n\n<span class="s">&quot;&quot;&quot;x</span>\n'
        '<span class="s">  y&quot;&quot;&quot;</span>\n</pre></div><p>a\n  b</p>'
    )
    hung = code.hang(block)
    assert Text(hung).text == Text(block).text
    assert hung.count('class="code-line"') == 4
    assert re.findall(r"--indent: (\d+)", hung) == ["4", "2"]
    assert hung.endswith("<p>a\n  b</p>")


# Of each line of code: how far it and its continuations stand from the edge, and beyond it.
LINES = """() => [...document.querySelectorAll("article.bd-article pre")].flatMap((pre) => {
    if (!pre.checkVisibility()) return [];
    const edge = pre.getBoundingClientRect();
    return [...pre.querySelectorAll(".code-line")].map((line) => {
        // Of words: spaces at the end of a row may hang over.
        const rows = [];
        const texts = document.createTreeWalker(line, NodeFilter.SHOW_TEXT);
        while (texts.nextNode()) {
            for (const word of texts.currentNode.data.matchAll(/\\S+/g)) {
                const range = document.createRange();
                range.setStart(texts.currentNode, word.index);
                range.setEnd(texts.currentNode, word.index + word[0].length);
                rows.push(...range.getClientRects());
            }
        }
        const indent = line.textContent.match(/^ */)[0].length;
        const first = rows[0]?.top ?? 0;
        const later = rows.filter((r) => r.top > first + 4).map((r) => r.left);
        return {text: line.textContent, over: Math.max(...rows.map((r) => r.right)) - edge.right,
                indent, start: rows[0]?.left - edge.left, later: Math.min(...later) - edge.left};
    });
})"""


def test_no_line_of_code_is_cut_off(chapter):
    lines_go_on_further_in(chapter[1])


@pytest.mark.parametrize("name", OTHERS)
def test_no_line_of_code_is_cut_off_beside_the_chapters(phone, name):
    lines_go_on_further_in(phone(name))


def lines_go_on_further_in(page):
    lines = page.evaluate(LINES)
    plain = page.evaluate(
        """() => [...document.querySelectorAll("article.bd-article .highlight > pre:not(.columns)")]
            .filter((pre) => pre.scrollWidth > pre.clientWidth + 1).length"""
    )
    assert [line for line in lines if line["over"] > 0] == [] and plain == 0
    # What goes on in a new row goes on further in than the line began.
    wrapped = [line for line in lines if line["later"] is not None and line["text"].strip()]
    assert [w for w in wrapped if w["indent"] <= 16 and w["later"] < w["start"] + 8] == []


def sources(name):
    """The code of the cells of a chapter."""
    cells = json.loads((ROOT / name).with_suffix(".ipynb").read_text(encoding="utf-8"))["cells"]
    return ["".join(c["source"]) for c in cells if c["cell_type"] == "code"]


UNFOLD = """() => document.querySelectorAll(".toggle-hidden")
    .forEach((solution) => solution.classList.remove("toggle-hidden"))"""
COPY = """() => [...document.querySelectorAll("article.bd-article .cell_input pre")].map((pre) => {
    pre.closest("details:not([open])")?.setAttribute("open", "");
    const range = document.createRange();
    range.selectNodeContents(pre);
    getSelection().removeAllRanges();
    getSelection().addRange(range);
    return getSelection().toString();
})"""


def test_copied_code_is_the_code_as_it_was_written(chapter):
    name, page = chapter
    # A folded solution has no text to select.
    page.evaluate(UNFOLD)
    copied = [text.rstrip("\n") for text in page.evaluate(COPY)]
    assert copied == sources(name)


def test_the_copy_button_gives_the_code_as_it_was_written(phone):
    name = "book/urn.html"
    page = phone(name, permissions=["clipboard-read", "clipboard-write"])
    found = []
    buttons = page.locator("article.bd-article .cell_input button.copybtn")
    for i in range(min(buttons.count(), 3)):
        buttons.nth(i).evaluate("button => button.click()")
        page.wait_for_timeout(100)
        found.append(page.evaluate("navigator.clipboard.readText()").rstrip("\n"))
    assert len(found) == 3 and set(found) <= set(sources(name))


def test_a_page_hangs_lines_that_are_typed_or_printed(phone):
    page = phone("book/urn.html")
    text = "def f(x):\n    return x\n\nf(1)\n"
    found = page.evaluate(
        """async (text) => {
            const { hang } = await import(new URL("_static/code.mjs", new URL("..", location)));
            const pre = document.createElement("pre");
            pre.innerHTML = '<span class="code-line">def <b>f(x):\\n    return</b></span> x'
                + '<br><br>f(1)\\n';
            hang(pre);
            hang(pre);
            const indents = [...pre.querySelectorAll(".code-line")].map((l) => l.style.cssText);
            return [pre.textContent, indents, pre.querySelector(".code-line b").textContent];
        }""",
        text,
    )
    assert found[0] == text
    assert [re.search(r"\d+", s)[0] for s in found[1]] == ["0", "4", "0"]
    assert found[2] == "f(x):"


TABLES = """() => [...document.querySelectorAll("article.bd-article .cell_output pre")]
    .filter((pre) => pre.checkVisibility())
    .map((pre) => ({text: pre.textContent, over: pre.scrollWidth - pre.clientWidth,
        wraps: getComputedStyle(pre).whiteSpace !== "pre", named: pre.getAttribute("aria-label"),
        region: pre.getAttribute("role") === "region" && pre.tabIndex === 0,
        shade: getComputedStyle(pre).backgroundImage}))"""


def test_a_printed_table_keeps_its_columns(chapter):
    """It fits, or scrolls in a box with a name, which the keyboard reaches and a shade marks."""
    printed = chapter[1].evaluate(TABLES)
    tables = [
        p
        for p in printed
        if sum(bool(re.search(r"\S {2,}\S", line)) for line in p["text"].split("\n")) > 1
    ]
    torn = [t for t in tables if t["wraps"] and max(map(len, t["text"].split("\n"))) > 40]
    assert torn == []
    scrolled = [p for p in printed if p["over"] > 0]
    assert all(p["region"] and p["named"] and "gradient" in p["shade"] for p in scrolled)


# Of each table that a cell shows: what stands in it, where, and how it scrolls.
LISTINGS = """() => [...document.querySelectorAll("article.bd-article table.listing")]
    .filter((table) => table.checkVisibility())
    .map((table) => {
        const box = table.parentElement;
        const edge = (cell) => {
            const range = document.createRange();
            range.selectNodeContents(cell);
            return range.getBoundingClientRect().right;
        };
        const rows = [...table.rows];
        const columns = [...rows[0].cells].map((_, i) => rows.map((row) => row.cells[i]));
        const right = columns.filter((cells) => !cells[0].classList.contains("words"))
            .map((cells) => cells.slice(1).filter((c) => c.textContent).map(edge));
        const size = parseFloat(getComputedStyle(table.rows[0].cells[0]).fontSize);
        const tall = Math.max(...rows.map((row) => row.getBoundingClientRect().height));
        box.scrollLeft = 1000;
        const names = rows.map((row) => row.cells[0].getBoundingClientRect().left);
        return {html: table.outerHTML, over: box.scrollWidth - box.clientWidth, size, tall,
            region: box.getAttribute("role") === "region" && box.tabIndex === 0,
            named: box.getAttribute("aria-label"), shade: getComputedStyle(box).backgroundImage,
            spread: Math.max(0, ...right.map((at) => Math.max(...at) - Math.min(...at))),
            stays: Math.min(...names) - box.getBoundingClientRect().left,
            scopes: [...table.querySelectorAll("th")].every((cell) => cell.scope)};
    })"""


def listings(name):
    """The tables that the cells of a chapter show, as its notebook has them."""
    cells = json.loads((ROOT / name).with_suffix(".ipynb").read_text(encoding="utf-8"))["cells"]
    outputs = [output.get("data", {}) for cell in cells for output in cell.get("outputs", ())]
    return ["".join(data["text/html"]) for data in outputs if "text/html" in data]


def test_a_table_fits_or_scrolls_beside_the_names_of_its_rows(chapter):
    name, page = chapter
    found = page.evaluate(LISTINGS)
    assert [re.sub(r"\s+", "", t["html"]) for t in found] == [
        re.sub(r"\s+", "", html) for html in listings(name)
    ]
    for table in found:
        assert table["size"] >= 12 and table["tall"] < 40 and table["scopes"], table
        # Numbers of as many decimals end, and so have their points, below each other.
        assert table["spread"] < 1, table
        assert table["region"] and table["named"] and "gradient" in table["shade"]
        assert abs(table["stays"]) < 1, table


# Tables of the text that are wider than their box: its shade, and the grounds that lie upon it.
WIDE = """() => [...document.querySelectorAll(".pst-scrollable-table-container")]
    .filter((box) => box.scrollWidth > box.clientWidth + 1)
    .map((box) => ({
        shade: getComputedStyle(box).backgroundImage,
        grounds: [...box.querySelectorAll("table, tr, th, td")]
            .map((part) => getComputedStyle(part).backgroundColor)}))"""


@pytest.mark.parametrize("name", ["book/in-practice.html", "book/other-kinds.html"])
def test_a_wide_table_of_the_text_shows_that_there_is_more(phone, name):
    wide = phone(name).evaluate(WIDE)
    assert wide and all("gradient" in table["shade"] for table in wide)
    # The shade is seen through all of them: a colour with an alpha below one.
    grounds = {ground for table in wide for ground in table["grounds"]}
    assert all(float(re.search(r"rgba\(.*, ([\d.]+)\)", g)[1]) < 0.2 for g in grounds), grounds


DISPLAYS = """() => [...document.querySelectorAll(
        "div.math > .katex-display, .cell_output .columns")].map((display) => {
    const style = getComputedStyle(display);
    const box = display.closest("div.proof.admonition, .output") ?? document.body;
    return {shade: style.backgroundImage, sizes: style.backgroundSize,
            ground: getComputedStyle(box).backgroundColor};
})"""


def test_a_wide_display_or_table_shows_that_there_is_more(phone):
    """Its cover is of the colour of its box, and hides the whole shade where there is no more."""
    displays = phone("book/gibbs.html").evaluate(DISPLAYS)
    assert len({display["ground"] for display in displays}) > 3
    for display in displays:
        assert f"gradient(to right, {display['ground']} 50%" in display["shade"]
        cover, _, shade, _ = (float(size.split("px")[0]) for size in display["sizes"].split(", "))
        assert cover / 2 >= shade > 0


# A page with nothing but empty displays, whose heights are no whole numbers of pixels.
UNEVEN = """() => {
    const display = document.querySelector("div.math");
    const boxes = Array.from({length: 40}, (_, i) => display.cloneNode(true));
    boxes.forEach((box, i) => {
        box.replaceChildren(box.querySelector(".katex-display").cloneNode());
        box.style.height = box.firstElementChild.style.height = `${16 + 0.13 * i}px`;
        box.style.margin = 0;
    });
    document.querySelector("article").replaceChildren(...boxes);
}"""
# Fewer make out no shade.
SEEN = 4


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_shade_is_seen_beside_a_display_that_fits(browser, site, scheme):
    """Its cover hides it to the last row of pixels, on a screen with two of them to a pixel."""
    options = {"viewport": {"width": 1440, "height": 900}, "device_scale_factor": 2}
    page, _ = visit(browser, site + CHAPTERS[0], color_scheme=scheme, **options)
    page.evaluate(UNEVEN)
    shot = page.locator("article").screenshot()
    page.context.close()
    shades = matplotlib.image.imread(io.BytesIO(shot), format="png")[..., :3]
    assert shades.shape[0] > 2 * 40 * 16
    assert 255 * np.ptp(shades, axis=(0, 1)).max() <= SEEN


DRAWINGS = """() => [...document.querySelectorAll("svg.drawing")].map((drawing) =>
    [drawing.viewBox.baseVal.width, drawing.getBoundingClientRect().width])"""


def test_the_letters_of_all_figures_are_of_one_size(browser, site):
    page, _ = visit(browser, site + "book/how-many-clusters.html")
    drawings = page.evaluate(DRAWINGS)
    page.context.close()
    scales = [shown / drawn for drawn, shown in drawings]
    assert len(scales) > 2 and max(scales) - min(scales) < 1e-3


GAPS = """() => [...document.querySelectorAll(".cell:has(figcaption) + p")].map((next) => {
    const captions = next.previousElementSibling.querySelectorAll("figcaption p");
    const last = document.createRange();
    last.selectNodeContents(captions[captions.length - 1]);
    return next.getBoundingClientRect().top - last.getBoundingClientRect().bottom;
})"""


def test_what_follows_a_caption_is_no_farther_off_than_two_lines(phone):
    gaps = phone("book/restaurant.html").evaluate(GAPS)
    # The picture that opens the chapter has its code and a button below it.
    assert len(gaps) > 2 and all(0 < gap < 32 for gap in gaps[1:])


# Of each solution, where its title and its text begin.
SOLUTIONS = """() => [...document.querySelectorAll("div.solution.admonition")].map((solution) =>
    [".admonition-title", ".container p"].map((part) => {
        const words = document.createRange();
        words.selectNodeContents(solution.querySelector(part));
        return words.getClientRects()[0].left;
    }))"""


def test_the_title_of_a_solution_begins_where_its_text_does(phone):
    page = phone("book/urn.html")
    page.evaluate(UNFOLD)
    solutions = page.evaluate(SOLUTIONS)
    assert len(solutions) > 3 and all(abs(title - text) < 2 for title, text in solutions)


# Headings whose link stands below their last line, and what that makes of the page.
LINKS = """() => [...document.querySelectorAll("article a.headerlink")].filter((link) => {
    const words = document.createRange();
    words.setStart(link.parentElement, 0);
    words.setEndBefore(link);
    const lines = [...words.getClientRects()].filter((line) => line.width);
    const { top } = link.getBoundingClientRect();
    return link.parentElement.matches("h1, h2, h3, h4") && top > lines.at(-1).bottom - 4;
}).map((link) => link.parentElement.textContent)"""


@pytest.mark.parametrize("name", ["book/common-questions.html", "book/mean-field.html"])
def test_no_link_of_a_heading_has_a_line_for_itself(phone, name):
    page = phone(name)
    assert page.locator("article :is(h2, h3) > a.headerlink").count() > 15
    assert page.evaluate(LINKS) == []
    assert page.evaluate("document.documentElement.scrollWidth") == 360


# Lines that begin with the sign behind a formula, or end in the bracket before one.
TORN = """() => {
    const torn = [];
    const middle = (text, at) => {
        const sign = document.createRange();
        sign.setStart(text, at);
        sign.setEnd(text, at + 1);
        const box = sign.getBoundingClientRect();
        return (box.top + box.bottom) / 2;
    };
    for (const formula of document.querySelectorAll("article span.math")) {
        const parts = [...formula.querySelectorAll(".base")].map((b) => b.getBoundingClientRect());
        if (!parts.length || !parts[0].height) continue;
        const { previousSibling: before, nextSibling: after } = formula;
        const opens = before?.nodeType === 3 && before.data.match(/[(\\[“‘](?=\u2060?$)/);
        const closes = after?.nodeType === 3 && after.data.match(/^(\u2060?)[.,;:!?)’”]/);
        if (opens && middle(before, opens.index) < parts[0].top) torn.push(before.data);
        if (closes && middle(after, closes[1].length) > parts.at(-1).bottom) torn.push(after.data);
    }
    return torn;
}"""


def test_no_line_tears_a_formula_from_the_signs_around_it(chapter):
    assert chapter[1].evaluate(TORN) == []


def test_no_name_of_a_file_is_torn(phone):
    lines = phone("book/checks.html").evaluate(
        """() => [...document.querySelectorAll("h2 > code .pre, h2 > code:not(:has(.pre))")]
            .map((name) => [name.textContent, name.getClientRects().length])"""
    )
    assert len(lines) > 20 and [name for name, n in lines if n > 1] == []


# The names of parameters that break in themselves, and indices that do not stand in a line of text.
TORN_NAMES = """() => {
    const names = [...document.querySelectorAll("dl.py dl.simple > dt > strong")];
    const torn = names.filter(({ firstChild: text }) =>
        [...text.data.matchAll(/\\w+/g)].some(({ 0: word, index }) => {
            const range = document.createRange();
            range.setStart(text, index);
            range.setEnd(text, index + word.length);
            return range.getClientRects().length > 1;
        }));
    const indices = [...document.querySelectorAll("dl.py dl.simple > dt > :is(sub, sup)")];
    return { names: names.length, torn: torn.map((name) => name.textContent),
        indices: indices.map((node) => getComputedStyle(node).display) };
}"""


def test_no_name_of_a_parameter_is_torn(phone):
    found = phone("book/api.html").evaluate(TORN_NAMES)
    assert found["names"] > 500 and found["torn"] == []
    assert set(found["indices"]) == {"inline"}


CARDS = """() => [...document.querySelectorAll(".results-table tbody tr")].map((row) => {
    const edge = row.getBoundingClientRect();
    const cells = [...row.cells].filter((cell) => cell.checkVisibility());
    const boxes = cells.map((cell) => cell.getBoundingClientRect());
    const chapter = row.cells[4].getBoundingClientRect();
    return {id: row.id, right: Math.max(...boxes.map((b) => b.right)), height: edge.height,
            room: Math.min(...boxes.flatMap((b) => [b.left - edge.left, edge.right - b.right])),
            beside: boxes.filter((b) => b.left < chapter.left && b.bottom > chapter.top).length,
            size: Math.min(...cells.map((c) => parseFloat(getComputedStyle(c).fontSize))),
            tallest: Math.max(...boxes.map((b) => b.height))};
})"""


def test_the_index_of_results_can_be_read(phone):
    """Each row whole on the screen, in letters of a readable size, and not in slivers."""
    cards = phone("book/results.html").evaluate(CARDS)
    assert cards
    assert [c for c in cards if c["right"] > 360 or c["height"] > 200] == []
    assert [c for c in cards if c["size"] < 12 or c["tallest"] > 80] == []
    # Words keep off the edges of their card, and the chapter begins a line in each.
    assert [c for c in cards if c["room"] < 5 or c["beside"]] == []


# Of each link to a result, over how many lines it goes.
NUMBERS = """() => [...document.querySelectorAll("article a")]
    .filter((link) => /#(def|thm|lem|prp|cor|alg|exm|rem)-/.test(link.href))
    .map((link) => [link.textContent, link.getClientRects().length])"""
OVER = """() => [...document.querySelectorAll(".pst-scrollable-table-container")]
    .filter((box) => box.scrollWidth > box.clientWidth).length"""


@pytest.mark.parametrize("name", ["book/notation.html", "book/common-questions.html"])
def test_the_kind_and_the_number_of_a_result_stand_on_one_line(phone, name):
    page = phone(name)
    numbers = page.evaluate(NUMBERS)
    assert len(numbers) > 30 and [text for text, lines in numbers if lines > 1] == []
    # And make no table wider than its box.
    assert page.evaluate(OVER) == 0


# How far apart the entries of the index are, and how far one reaches to the right.
ENTRIES = """() => {
    const boxes = [...document.querySelectorAll("table.indextable a")]
        .map((link) => link.getBoundingClientRect());
    const steps = boxes.slice(1).map((box, i) => box.top - boxes[i].top);
    return { step: Math.min(...steps), height: Math.min(...boxes.map((box) => box.height)),
        right: Math.max(...boxes.map((box) => box.right)), number: boxes.length };
}"""


def test_an_entry_of_the_index_is_hit_by_a_finger(phone):
    found = phone("genindex.html").evaluate(ENTRIES)
    assert found["number"] > 300 and found["right"] <= 360
    assert found["step"] >= 32 and found["height"] >= 26


def test_the_head_of_a_page_fits_the_narrowest_screen(browser, site):
    page, _ = visit(browser, site + "book/urn.html", viewport={"width": 320, "height": 640})
    buttons = page.locator(".bd-header-article button:visible, .bd-header-article a.btn:visible")
    boxes = [button.bounding_box() for button in buttons.all()]
    wide = page.evaluate("document.documentElement.scrollWidth")
    page.context.close()
    assert wide == 320 and len(boxes) > 5
    assert all(box["width"] >= 24 and box["x"] + box["width"] <= 320 for box in boxes)


def test_the_page_before_is_named_on_one_line_where_none_comes_after(phone):
    title = phone("book/bibliography.html").locator(".prev-next-title")
    assert title.count() == 1 and title.bounding_box()["height"] < 30


def test_a_tag_is_not_torn_where_it_says_what_changed(phone):
    # Its erratum keeps the reader there.
    page = phone("t/DP-0185.html")
    assert page.locator("h1 > span").text_content() == "(DP-0185)"
    lines = page.evaluate("document.querySelector('h1 > span').getClientRects().length")
    assert lines == 1 and page.locator("h1").bounding_box()["height"] < 100
    assert page.evaluate("document.documentElement.scrollWidth") == 360
