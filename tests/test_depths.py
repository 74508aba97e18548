"""Two depths of reading, the map of the book, and what the style promises a reader."""

import csv
import itertools
import json
import re
import urllib.parse

import nbformat
import pytest
from conftest import ROOT
from test_site import CHAPTERS, THIN, visit

pytestmark = pytest.mark.book

CHAPTER = "book/urn.html"
PROOF = "proof-thm-urn"
STATEMENTS = "try { localStorage.setItem('depth', 'statements') } catch {}"
# Of the folds of a page, how many show what they hold.
OPEN = """() => [...document.querySelectorAll("details.fold")].filter(
    (fold) => fold.querySelector(":scope > :not(summary)").checkVisibility()).length"""


def folds(page):
    return page.locator("details.fold").count()


def choose(page, name):
    page.locator(".depth-switch").get_by_role("button", name=name).click()


@pytest.fixture
def statements(browser, site):
    """Open a page for a reader who has chosen the statements; what went wrong is asserted."""
    opened = []

    def open_page(name, script=STATEMENTS, **context):
        page = browser.new_context(**context).new_page()
        # The bar of a page that runs comes by its own script.
        page.route("**/live.mjs*", lambda route: route.abort())
        wrong = []
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.add_init_script(script)
        page.goto(site + name)
        page.wait_for_selector("html[data-folded]", state="attached")
        opened.append((page, wrong))
        return page

    yield open_page
    for page, wrong in opened:
        page.context.close()
        assert wrong == []


def test_without_scripts_everything_is_shown_and_nothing_to_switch(browser, site):
    page, _ = visit(browser, site + CHAPTER, java_script_enabled=False)
    bodies = page.locator("details.fold > :not(summary)")
    shown = [body.is_visible() for body in bodies.all()]
    switch = page.locator(".depth-switch").is_visible()
    page.context.close()
    assert len(shown) > 10 and all(shown) and not switch


def test_the_switch_folds_and_the_choice_is_kept(browser, site):
    page, wrong = visit(browser, site + CHAPTER)
    count = folds(page)
    statement = page.locator("div.proof.theorem").first
    proof = page.locator(f"#{PROOF}")
    assert page.evaluate(OPEN) == count > 10
    assert not proof.locator("summary").is_visible()
    assert proof.inner_text().startswith("Proof.")
    choose(page, "Statements")
    assert page.evaluate(OPEN) == 0 and statement.is_visible()
    page.reload()
    page.wait_for_selector("html[data-folded]", state="attached")
    assert page.evaluate(OPEN) == 0
    pressed = page.locator(".depth-switch [aria-pressed=true]").inner_text()
    # Each opens alone.
    proof.locator("summary").click()
    assert page.evaluate(OPEN) == 1
    choose(page, "Everything")
    assert page.evaluate(OPEN) == count
    page.context.close()
    assert pressed == "Statements" and wrong == []


def test_the_reader_stays_where_the_page_is_switched(browser, site):
    page, _ = visit(browser, site + CHAPTER, viewport={"width": 360, "height": 740})
    # As in a browser that does not see to it itself.
    page.add_style_tag(content="* { overflow-anchor: none !important }")
    page.evaluate(
        "document.querySelector('#usual-confusion').scrollIntoView({behavior: 'instant'})"
    )
    top = "() => document.querySelector('#usual-confusion').getBoundingClientRect().top"
    before = page.evaluate(top)
    # Without the scrolling of a real press: a press by the browser's driver scrolls itself.
    page.get_by_role("button", name="Statements").dispatch_event("click")
    after = page.evaluate(top)
    page.context.close()
    assert abs(after - before) < 40


# What a page paints before its script has run, frame by frame, and how far it shifts.
WATCH = (
    STATEMENTS
    + """
globalThis.painted = 0;
globalThis.shift = 0;
new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) shift += entry.value;
}).observe({type: "layout-shift", buffered: true});
(function look() {
    for (const part of document.querySelectorAll("details.fold > :not(summary)"))
        painted += part.checkVisibility();
    if (document.readyState !== "complete") requestAnimationFrame(look);
})();"""
)


@pytest.mark.parametrize("width", [360, 1440])
def test_the_choice_is_applied_before_anything_is_painted(statements, width):
    page = statements(CHAPTER, WATCH, viewport={"width": width, "height": 800})
    page.wait_for_timeout(500)
    assert page.evaluate("painted") == 0
    assert page.evaluate("shift") <= 0.05


@pytest.mark.parametrize("anchor", [PROOF, "eq-urn-joint-two"])
def test_a_link_opens_what_it_leads_into(statements, anchor):
    page = statements(CHAPTER)
    anchor = page.evaluate(
        """(id) => (document.getElementById(id) ?? document.querySelector(
            ".proof-text div.math[id]")).id""",
        anchor,
    )
    page.evaluate("(id) => { location.hash = id }", anchor)
    inside = f"#{anchor} > details > p, p#{anchor}, div.math#{anchor}"
    target = page.locator(inside).first
    target.wait_for()
    assert page.evaluate(OPEN) == 1
    # The browser may scroll there gently.
    page.wait_for_function(
        """(inside) => {
            const { y } = document.querySelector(inside).getBoundingClientRect();
            return 0 <= y && y < innerHeight; }""",
        arg=inside,
        timeout=5000,
    )
    # Closed again, the same link opens it again.
    page.evaluate("document.querySelector('details.fold[open]').open = false")
    page.evaluate(
        """(id) => { const a = document.createElement("a"); a.href = "#" + id;
            document.body.append(a); a.click(); }""",
        anchor,
    )
    assert target.is_visible()


def test_an_address_opens_what_it_leads_into(statements):
    page = statements(f"{CHAPTER}#{PROOF}")
    assert page.locator(f"#{PROOF} p").first.is_visible() and page.evaluate(OPEN) == 1


def test_a_search_in_the_page_opens_what_it_finds(statements, html):
    """A link to words of the text finds them as the browser's own search does."""
    proof = (html / CHAPTER).read_text(encoding="utf-8").split(f'id="{PROOF}"')[1]
    words = next(t for t in re.findall(r">([^<>]+)<", proof) if t.isascii() and t.count(" ") > 4)
    page = statements(f"{CHAPTER}#:~:text={urllib.parse.quote(words.strip(), safe='')}")
    assert page.evaluate(OPEN) == 1


def test_print_is_whole_and_the_screen_as_before(statements):
    page = statements(CHAPTER)
    page.evaluate(
        f"addEventListener('beforeprint', () => globalThis.printed = ({OPEN})())",
    )
    page.pdf()
    assert page.evaluate("printed") == folds(page) > 10
    page.wait_for_function(f"() => ({OPEN})() === 0")
    page.emulate_media(media="print")
    assert not page.locator("details.fold > summary").first.is_visible()
    assert page.locator(".proof-begins").count() > 0


def test_folds_are_worked_by_keyboard_and_have_names_of_their_own(statements):
    page = statements(CHAPTER)
    summary = page.locator(f"#{PROOF} summary")
    summary.focus()
    page.keyboard.press("Enter")
    assert page.evaluate(OPEN) == 1
    page.keyboard.press("Space")
    assert page.evaluate(OPEN) == 0
    names = page.locator("details.fold-proof > summary").all_inner_texts()
    assert len(set(names)) == len(names) > 5
    assert all(re.fullmatch(r"Proof of \w+ \d+\.\d+", name) for name in names)
    switch = page.locator(".depth-switch button").first
    switch.focus()
    page.keyboard.press("Enter")
    assert page.evaluate(OPEN) == folds(page)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_statements_are_accessible(statements, scheme):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    page = statements(CHAPTER, color_scheme=scheme)
    page.evaluate(THIN)
    tags = ["wcag2a", "wcag2aa", "best-practice"]
    parts = {"include": [["details.fold"], [".depth-switch"]]}
    found = axe.run(page, context=parts, options={"runOnly": tags, "resultTypes": ["violations"]})
    assert [(v["id"], v["nodes"][0]["target"]) for v in found.response["violations"]] == []


@pytest.mark.parametrize("name", CHAPTERS)
def test_a_cell_is_a_preparation_where_it_shows_nothing(html, name):
    notebook = nbformat.read((ROOT / name).with_suffix(".ipynb"), as_version=4)
    silent = [not c.outputs for c in notebook.cells if c.cell_type == "code" and c.source]
    text = (html / name).read_text(encoding="utf-8")
    cells = re.split(r'<div class="cell (?:tag_hide-input )?docutils container">', text)[1:]
    folded = [bool(re.match(r'\s*<details class="fold fold-cell"', cell)) for cell in cells]
    assert folded == silent


def long_outputs():
    for name in CHAPTERS:
        notebook = nbformat.read((ROOT / name).with_suffix(".ipynb"), as_version=4)
        for cell in notebook.cells:
            outputs = cell.get("outputs", ())
            lines = sum(o.text.count("\n") for o in outputs if o.output_type == "stream")
            tables = [o.data.get("text/html", "") for o in outputs if "data" in o]
            if lines + "".join(tables).count("<tr>") > 12:
                yield name


def test_long_outputs_are_folded(html):
    wanted = list(long_outputs())
    found = [
        name
        for name in CHAPTERS
        for _ in range((html / name).read_text(encoding="utf-8").count("fold-output"))
    ]
    assert set(wanted) <= set(found)


# What a first reading may skip, and the map.


def rows(name):
    with (ROOT / "book" / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def results(html):
    entries = json.loads((html / "results.json").read_text(encoding="utf-8"))
    return {entry["tag"]: entry for entry in entries}


def test_what_may_be_skipped_is_needed_by_no_other_chapter(results):
    """Nothing but the argument of its own chapter rests on it, and it says so where it stands."""
    by_label = {entry["label"]: entry for entry in results.values()}
    marked = {row["label"] for row in rows("first-reading")}
    assert marked <= by_label.keys()
    elsewhere = [
        (label, results[tag]["label"])
        for label in marked
        for tag in by_label[label]["used_by"]
        if results[tag]["chapter"] != by_label[label]["chapter"]
    ]
    assert elsewhere == []


def test_a_skipped_result_is_marked_where_it_stands(html):
    marked = {row["label"] for row in rows("first-reading")}
    found = set()
    for name in CHAPTERS:
        text = (html / name).read_text(encoding="utf-8")
        found |= set(
            re.findall(
                r'<div class="proof \w+ admonition" id="([^"]+)">\s*'
                r'<p class="admonition-title">(?:(?!</p>).)*</p>\s*<p class="skip-mark">',
                text,
                re.DOTALL,
            )
        )
    assert found == marked != set()


MAP = re.compile(r'<ol class="chapter-map">(.*?)</ol>', re.DOTALL)
BOX = re.compile(r'<li><a href="([\w-]+)\.html">.*?</a>(.*?)</li>', re.DOTALL)


def test_the_map_is_what_the_results_use(html, results):
    text = MAP.search((html / "book" / "reading-map.html").read_text(encoding="utf-8"))[1]
    drawn, row_of = {}, {}
    for i, row in enumerate(text.split("<ul>")[1:]):
        for chapter, needs in BOX.findall(row):
            drawn[chapter] = set(re.findall(r'href="([\w-]+)\.html"', needs))
            row_of[chapter] = i
    real = {name.split("/")[1].removesuffix(".html"): set() for name in CHAPTERS}
    for entry in results.values():
        real[entry["chapter"]] |= {results[tag]["chapter"] for tag in entry["uses"]}
    real = {chapter: used - {chapter} for chapter, used in real.items()}
    assert drawn == real
    assert [c for c in drawn if any(row_of[other] >= row_of[c] for other in drawn[c])] == []


def test_the_stops_of_the_route_have_one_number_each(browser, site):
    page, _ = visit(browser, site + "book/reading-map.html")
    mark = page.locator("ol.route").evaluate("list => getComputedStyle(list).listStyleType")
    page.context.close()
    assert mark == "none"


def test_the_route_goes_forward_and_each_stop_states_its_result(html):
    page = (html / "book" / "reading-map.html").read_text(encoding="utf-8")
    stops = re.findall(
        r'<li><a href="([\w-]+)\.html(?:#([\w-]+))?">(\d+)', page.split('class="route"')[1]
    )
    source = (ROOT / "book" / "reading-map.md").read_text(encoding="utf-8")
    labels = re.findall(r"^([\w-]+): ", source.split("```{route}")[1].split("```")[0], re.MULTILINE)
    assert len(stops) == len(labels) > 10
    chapters = [int(number) for _, _, number in stops]
    assert chapters == sorted(chapters)
    for (page, anchor, _), label in zip(stops, labels, strict=True):
        text = (html / "book" / f"{page}.html").read_text(encoding="utf-8")
        section = re.search(rf'<section id="{anchor}">.*?(?=<section|\Z)', text, re.DOTALL)
        assert label.startswith("ch-") or f'id="{label}"' in section[0], label


# Displays.

DISPLAYS = [
    (r"\begin{aligned}a&=b\\&=c\end{aligned}", [["a=b", "{}=c"]]),
    (
        r"\begin{aligned}&f(x)\\[6pt]&\quad\le g\\&\qquad+h.\end{aligned}",
        [["f(x)", r"{}\le g", "{}+h."]],
    ),
    (r"\begin{aligned}a={}&b\\={}&c\\&+d\end{aligned}", [["a={}b", "{}={}c", "{}+d"]]),
    (r"\begin{aligned}a&\to0\\&\text{in law.}\end{aligned}", [[r"a\to0", r"\quad \text{in law.}"]]),
    # An equation that is closed is not carried on, nor one with a sign in front.
    (r"\begin{aligned}a&=b\\&=c,\\d&=e\end{aligned}", [["a=b", "{}=c,"], ["d=e"]]),
    (r"\begin{aligned}a&=b\\-c&=d\end{aligned}", None),
    (r"\begin{aligned}a&=b,\\&-c.\end{aligned}", None),
    (r"\begin{aligned}a&=b, & c&=d\\&=e & &=f\end{aligned}", None),
    (r"a=\sum_{\substack{i\\j}}b", None),
    (r"a=\begin{cases}b\\=c\end{cases}", None),
    (r"\begin{aligned}a&=\sum_{\substack{i\\=j}}b\\&=c\end{aligned}",
     [[r"a=\sum_{\substack{i\\=j}}b", "{}=c"]]),
]  # fmt: skip


@pytest.mark.parametrize(("tex", "lines"), DISPLAYS)
def test_a_display_is_cut_where_a_row_carries_on(tex, lines):
    displays = pytest.importorskip("book._ext.displays")
    assert displays.lines_of(tex) == lines


# Of each display in pieces: the column, and for each new row the room left before it and its width.
ROWS = """() => [...document.querySelectorAll(".katex-display.in-lines .line")].filter(
        (line) => line.checkVisibility()).map((line) => {
    const column = line.closest(".katex-display").clientWidth;
    const box = line.getBoundingClientRect();
    const pieces = [...line.children].map((piece) => piece.getBoundingClientRect());
    const rows = [];
    for (const piece of pieces) {
        const row = rows.at(-1);
        if (row && piece.left > row.right - 1) row.right = piece.right;
        else rows.push({room: row ? column - (row.right - box.left) : 0, right: piece.right,
                        width: piece.width});
    }
    return {rows: rows.slice(1), pieces: pieces.length,
            over: Math.max(...pieces.map((p) => p.width)) > column};
})"""


@pytest.mark.parametrize("width", [360, 1440])
def test_a_display_breaks_only_where_the_column_ends(browser, site, width):
    page, _ = visit(browser, site + "book/definition.html", java_script_enabled=False,
                    viewport={"width": width, "height": 800})  # fmt: skip
    page.wait_for_timeout(300)
    lines = page.evaluate(ROWS)
    spoken = page.eval_on_selector_all(
        "div.math", "divs => divs.map((div) => div.querySelectorAll('math').length)"
    )
    page.context.close()
    assert len(lines) > 10 and set(spoken) == {1}
    early = [row for line in lines for row in line["rows"] if row["width"] <= row["room"] - 1]
    assert early == []
    whole = sum(not line["rows"] for line in lines) / len(lines)
    assert whole > 0.8 if width == 1440 else whole < 0.5


END = """() => [...document.querySelectorAll("article .qed")].map((end) => {
    if (end.matches("div.math")) {
        const height = end.offsetHeight;
        end.classList.remove("qed");
        return Math.abs(height - end.offsetHeight) < 1;
    }
    const text = document.createTreeWalker(end.parentElement, NodeFilter.SHOW_TEXT);
    const before = [];
    while (text.nextNode()) {
        if (end.contains(text.currentNode)) break;
        if (!text.currentNode.parentElement.closest(".katex-mathml")) before.push(text.currentNode);
    }
    const last = before.findLast((node) => node.data.replace(/[\\s\\u2060]/g, ""));
    const range = document.createRange();
    range.setStart(last, last.data.trimEnd().length - 1);
    range.setEnd(last, last.data.trimEnd().length);
    const word = range.getBoundingClientRect(), square = end.getBoundingClientRect();
    return square.left >= word.left && square.top < word.bottom && square.bottom > word.top;
})"""


@pytest.mark.parametrize("width", [360, 500, 1280])
@pytest.mark.parametrize("name", ["growth", "restaurant"])
def test_the_end_of_a_proof_is_never_alone_on_a_line(browser, site, name, width):
    """In the second chapter a proof ends in a display."""
    page, _ = visit(browser, f"{site}book/{name}.html", viewport={"width": width, "height": 800})
    proofs = page.locator(".proof-text").count()
    ends = page.evaluate(END)
    page.context.close()
    assert len(ends) == proofs > 10 and all(ends)


# Tints.

KINDS = {
    "statement": "div.proof.theorem",
    "algorithm": "div.proof.algorithm",
    "example": "div.proof.example",
    "code": "div.cell_input",
    "output": ".cell_output .output.stream",
}
COLOURS = """(selectors) => {
    const numbers = (colour) => colour.match(/[\\d.]+/g).map(Number);
    const background = (node) => {
        for (; node; node = node.parentElement) {
            const colour = numbers(getComputedStyle(node).backgroundColor);
            if (colour.length === 3 || colour[3] === 1) return colour.slice(0, 3);
        }
        return [255, 255, 255];
    };
    const light = (colour) => {
        const [r, g, b] = colour.map((c) => c / 255).map(
            (c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
        return 0.2126 * r + 0.7152 * g + 0.0722 * b + 0.05;
    };
    const contrast = (a, b) => Math.max(light(a) / light(b), light(b) / light(a));
    return Object.fromEntries(Object.entries(selectors).map(([kind, selector]) => {
        const boxes = [...document.querySelectorAll(selector)];
        const least = {};
        for (const box of boxes) for (const node of [box, ...box.querySelectorAll("*")]) {
            const texts = [...node.childNodes].filter((n) => n.nodeType === 3 && n.data.trim());
            if (!texts.length || !node.checkVisibility({visibilityProperty: true})) continue;
            const text = numbers(getComputedStyle(node).color).slice(0, 3);
            const value = contrast(text, background(node));
            const html = node.outerHTML.slice(0, 80);
            if (!(value >= least.value)) Object.assign(least, {value, html});
        }
        return [kind, {colour: background(boxes[0]), ...least}];
    }));
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_each_kind_of_box_has_its_tint_and_its_text_is_legible(browser, site, scheme):
    page, _ = visit(browser, site + "book/gibbs.html", color_scheme=scheme)
    found = page.evaluate(COLOURS, KINDS)
    page.context.close()
    for (one, a), (other, b) in itertools.combinations(found.items(), 2):
        assert sum(abs(p - q) for p, q in zip(a["colour"], b["colour"], strict=True)) >= 6, (
            one,
            other,
        )
    assert [(k, c) for k, c in found.items() if c["value"] < 4.5] == []


# What of the window's width the page uses, and how long its lines are.
USED = """() => {
    const width = (selector) => Math.max(...[...document.querySelectorAll(selector)].map(
        (node) => node.getBoundingClientRect().right));
    const left = document.querySelector(".bd-sidebar-primary").getBoundingClientRect().left;
    const words = "section[id] > p, div.answer, :is(.acting-figure, .tag_hide-input) figcaption";
    const lines = [...document.querySelectorAll(words)].map((node) => node.offsetWidth);
    const line = Math.max(...lines);
    const letter = parseFloat(getComputedStyle(document.documentElement).fontSize);
    return {used: (width(".bd-sidebar-secondary") - left) / innerWidth, line: line / letter,
            box: document.querySelector("div.proof.theorem").offsetWidth / letter,
            figure: document.querySelector("figure.acting-figure").offsetLeft
                - document.querySelector("section[id] > p").offsetLeft};
}"""


@pytest.mark.parametrize("width", [360, 1440, 1920, 2560])
def test_the_foot_of_a_page_begins_where_its_text_does(browser, site, width):
    page, _ = visit(browser, f"{site}book/glossary.html", viewport={"width": width, "height": 800})
    text, foot = (
        page.locator(part).bounding_box()["x"]
        for part in ("article h1", ".bd-footer-content p >> nth=0")
    )
    page.context.close()
    assert abs(text - foot) <= 2


@pytest.mark.parametrize("name", ["genindex.html", "search.html?q=urn", "book/glossary.html"])
def test_the_foot_of_a_page_keeps_its_distance(browser, site, name):
    page, _ = visit(browser, site + name)
    if "search" in name:
        page.wait_for_selector(".search-hits a")
    gap = page.evaluate("""() => document.querySelector(".bd-footer-content")
        .getBoundingClientRect().top - Math.max(...[...document.querySelectorAll("article *")]
        .filter((node) => node.checkVisibility() && !node.closest("svg, .katex"))
        .map((node) => node.getBoundingClientRect().bottom))""")
    page.context.close()
    assert gap >= 24


@pytest.mark.parametrize("width", [1440, 2560])
def test_a_wide_window_is_used_and_lines_keep_their_measure(browser, site, width):
    page, _ = visit(browser, site + CHAPTER, viewport={"width": width, "height": 900})
    found = page.evaluate(USED)
    cell = page.locator("div.cell:has(> .cell_input):has(> .cell_output)").first
    code, output = (cell.locator(f":scope > {c}").bounding_box() for c in (
        ".cell_input", ".cell_output"))  # fmt: skip
    page.context.close()
    assert found["used"] > 0.8 and found["line"] <= 46 < found["box"] and found["figure"] == 0
    beside = output["x"] > code["x"] + code["width"] and abs(output["y"] - code["y"]) < 2
    assert beside == (width == 2560)


COLUMNS = """() => Math.max(...[...document.querySelectorAll("table.indextable")].map(table =>
    new Set([...table.querySelectorAll("td > ul > li")]
        .map(e => Math.round(e.getBoundingClientRect().left))).size))"""


# Words of the index that break in themselves.
TORN = """() => [...document.querySelectorAll("table.indextable a")].flatMap((link) => {
    const text = document.createTreeWalker(link, NodeFilter.SHOW_TEXT).nextNode();
    return [...text.data.matchAll(/\\S+/g)].filter(({ 0: word, index }) => {
        const range = document.createRange();
        range.setStart(text, index);
        range.setEnd(text, index + word.length);
        return range.getClientRects().length > 1;
    }).map(([word]) => word);
})"""


@pytest.mark.parametrize("width, media, columns", [
    (360, "screen", 1), (794, "print", 2), (1440, "screen", 2), (2560, "screen", 3)])  # fmt: skip
def test_the_index_stands_in_columns_where_there_is_room(browser, site, width, media, columns):
    page, _ = visit(browser, f"{site}genindex.html", viewport={"width": width, "height": 900})
    page.emulate_media(media=media)
    found, torn = page.evaluate(COLUMNS), page.evaluate(TORN)
    page.context.close()
    assert found == columns and (width == 360 or torn == [])


# How wide tables are, in letters; how far cards and doors reach, and how far contents run over.
EDGES = """() => {
    const rem = parseFloat(getComputedStyle(document.documentElement).fontSize);
    const box = (node) => node.getBoundingClientRect();
    const outer = (selector) => {
        const boxes = [...document.querySelectorAll(selector)].map(box);
        return [Math.min(...boxes.map((b) => b.left)), Math.max(...boxes.map((b) => b.right))];
    };
    const contents = document.querySelector(".bd-sidebar-secondary");
    const names = contents ? [...contents.querySelectorAll("a, code")].map(box) : [];
    const tables = [...document.querySelectorAll("table.table")].map(box);
    return { tables: tables.map((table) => table.width / rem),
        left: tables.map((table) => table.left - box(document.querySelector("article h1")).left),
        cards: outer(".sd-card"), doors: outer(".doors a"),
        over: Math.max(...names.map((name) => name.right - box(contents).right)),
        torn: document.querySelectorAll(".bd-sidebar-secondary code").values()
            .filter((code) => code.getClientRects().length > 1).toArray().length };
}"""


@pytest.mark.parametrize("name", ["index", "notation", "checks"])
def test_tables_are_as_wide_as_what_they_say_and_nothing_leaves_its_column(browser, site, name):
    page, _ = visit(browser, f"{site}book/{name}.html")
    if name == "checks":
        # Its code takes seconds to be laid out again.
        page.add_style_tag(content="article { display: none }")
    for width in (1440, 2560):
        page.set_viewport_size({"width": width, "height": 900})
        found = page.evaluate(EDGES)
        assert (
            found["over"] < 0
            and found["torn"] == 0
            and all(abs(left) < 1 for left in found["left"])
        )
        if name == "index":
            # Times for rows and columns.
            assert found["tables"][0] == pytest.approx(46, abs=0.1)
            assert found["cards"] == pytest.approx(found["doors"], abs=1)
        if name == "notation":
            # Letters, and what each stands for here and there.
            assert found["tables"][0] > 52
    page.context.close()


@pytest.mark.parametrize("name, part", [
    ("book/bibliography.html", ".citation > p"), ("404.html", "article > p")])  # fmt: skip
def test_a_line_beside_the_chapters_keeps_its_measure(browser, site, name, part):
    page, _ = visit(browser, site + name, viewport={"width": 2560, "height": 900})
    widest = page.evaluate("""part => Math.max(...[...document.querySelectorAll(part)]
        .map(e => e.offsetWidth))
        / parseFloat(getComputedStyle(document.documentElement).fontSize)""", part)  # fmt: skip
    page.context.close()
    assert 40 < widest <= 46


# The focus, the reference and the bibliography.

FOCUS = """() => [...document.querySelectorAll(
        "a[href], button, input, select, summary, [tabindex='0']")].filter((node) =>
        node.checkVisibility({visibilityProperty: true, opacityProperty: true})
        && !node.disabled && !node.closest("dialog:not([open])")).map((node) => {
    node.focus({focusVisible: true, preventScroll: true});
    const seen = document.activeElement === node ? node : null;
    if (!seen) return null;
    const styles = [getComputedStyle(node), getComputedStyle(node, "::after")];
    const drawn = styles.some((s) => s.outlineStyle !== "none" && parseFloat(s.outlineWidth) >= 2);
    return drawn ? null : node.outerHTML.slice(0, 120);
}).filter(Boolean)"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", [CHAPTER, "book/results.html", "search.html?q=urn"])
@pytest.mark.parametrize("width", [360, 1280])
def test_the_focus_is_seen_on_every_control(browser, site, name, scheme, width):
    page, _ = visit(browser, site + name, color_scheme=scheme,
                    viewport={"width": width, "height": 800})  # fmt: skip
    if "search" in name:
        page.wait_for_selector(".search-hits a")
    unseen = page.evaluate(FOCUS)
    page.context.close()
    assert unseen == []


RAW = re.compile(r"\^|[∑∏]_|\*\*|\w_\{|\b[A-Za-z]{1,8}_[A-Za-z0-9]{1,2}\b|<=|>=|!=|\\[a-z]|\$")


def test_the_reference_has_no_raw_formula(browser, site):
    page, _ = visit(browser, site + "book/api.html")
    lines = page.evaluate(
        """() => {
            const article = document.querySelector("article").cloneNode(true);
            const code = article.querySelectorAll("pre, code, dt.sig, dt strong, .katex, script");
            for (const part of code) part.replaceWith(" ");
            return article.innerText.split("\\n");
        }"""
    )
    # Initials that begin a line of the literature are no list.
    lists = page.locator("article ol").count()
    page.context.close()
    assert len(lines) > 1000 and lists == 0
    assert [line for line in lines if RAW.search(line) or "Alias for field" in line] == []


def test_a_signature_breaks_between_its_parameters(browser, site):
    page, _ = visit(browser, site + "book/api.html")
    lines = page.evaluate(
        """() => [...document.querySelectorAll("em.sig-param")].map((parameter) => {
            const range = document.createRange();
            range.selectNodeContents(parameter);
            const boxes = [...range.getClientRects()].filter((box) => box.width > 1);
            return [parameter.textContent, new Set(boxes.map((box) => box.top)).size];
        })"""
    )
    page.context.close()
    assert len(lines) > 1000 and [name for name, n in lines if n > 1] == []


def test_the_reference_sets_indices_and_powers():
    reference = pytest.importorskip("book._ext.reference")
    text = "x_{n+1} in R^d, a_k^[m_k], h^m_1, sigma_j^2, 2**25 n_sweeps log_weights_k ∏_k"
    shown = "".join(str(node) for node in reference.set_scripts(text))
    assert shown == (
        "x<subscript>n+1</subscript> in R<superscript>d</superscript>, a<subscript>k</subscript>"
        "<superscript>[m<subscript>k</subscript>]</superscript>, h"
        "<superscript>m<subscript>1</subscript></superscript>, sigma<subscript>j</subscript>"
        "<superscript>2</superscript>, 2<superscript>25</superscript> n_sweeps"
        " log_weights<subscript>k</subscript> ∏<subscript>k</subscript>"
    )


def test_an_entry_of_the_bibliography_leads_back_to_where_it_is_cited(html):
    pages = {p.name: p.read_text(encoding="utf-8") for p in (html / "book").glob("*.html")}
    entries = re.findall(
        r'<div class="citation" id="([^"]+)".*?(?=<div class="citation"|</section>)',
        pages["bibliography.html"], re.DOTALL,
    )  # fmt: skip
    texts = re.split(r'<div class="citation" id="[^"]+"', pages["bibliography.html"])[1:]
    assert len(entries) == len(texts) > 20
    for entry, text in zip(entries, texts, strict=True):
        back = re.search(r'<span class="cited-in">(.*?)</span>', text, re.DOTALL)
        cited = {name for name, page in pages.items() if f'bibliography.html#{entry}"' in page}
        links = re.findall(r'href="([\w-]+\.html)(?:#([\w-]+))?"', back[1]) if back else []
        assert {name for name, _ in links} == cited != set(), entry
        for name, anchor in links:
            section = re.search(
                rf'<section[^>]* id="{anchor}">(.*?)(?=<section|\Z)', pages[name], re.DOTALL
            )
            assert not anchor or f'bibliography.html#{entry}"' in section[1], (entry, name, anchor)
