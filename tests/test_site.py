"""The built site: sound as files, and as a browser shows it, with every other host cut off."""

import collections
import functools
import html.parser
import pathlib
import re
import urllib.parse
from typing import NamedTuple

import pytest
from conftest import base_of

from book._ext import catalogue

pytestmark = pytest.mark.book

ROOT = pathlib.Path(__file__).parents[1]
HTML = ROOT / "_build" / "html"
# Sphinx's own pages have no text of ours.
PAGES = sorted(
    str(p.relative_to(HTML))
    for p in HTML.rglob("*.html")
    if p.parts[len(HTML.parts)] not in ("_static", "_sources")
)
# Of the pages that only lead to a result, a browser opens one; test_citing reads them all.
OPENED = [p for p in PAGES if not p.startswith("t/") or p == "t/DP-0001.html"]
CHAPTERS = [p for p in PAGES if (ROOT / p).with_suffix(".ipynb").exists()]


class Page(html.parser.HTMLParser):
    """The ids, links and fetched addresses of a page."""

    def __init__(self, text):
        super().__init__()
        self.ids, self.links, self.fetched, self.classes = [], [], [], collections.Counter()
        self.images_without_alt = 0
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        get = dict(attributes).get
        if get("id"):
            self.ids.append(get("id"))
        self.classes.update((get("class") or "").split())
        if tag == "a" and get("href"):
            self.links.append(get("href"))
        if tag in ("script", "img", "iframe", "source") and get("src"):
            self.fetched.append(get("src"))
        if tag == "link" and get("rel") != "canonical" and get("href"):
            self.fetched.append(get("href"))
        if tag == "img" and get("alt") is None:
            self.images_without_alt += 1


@pytest.fixture(scope="session")
def pages(html):
    return {name: Page((html / name).read_text(encoding="utf-8")) for name in PAGES}


def test_the_site_has_every_chapter(html):
    assert set(CHAPTERS) == {f"book/{p.stem}.html" for p in (ROOT / "book").glob("*.ipynb")}
    assert CHAPTERS


BOX = re.compile(
    r'<div class="proof \w+ admonition" id="([^"]+)">\s*'
    r'<p class="admonition-title"><span class="caption-number">\w+ (\d+)\.(\d+)'
)
EXERCISE = re.compile(r'<span class="caption-number">Exercise (\d+)\.(\d+)')


@pytest.mark.parametrize("name", CHAPTERS)
def test_results_of_a_chapter_are_numbered_one_after_another(html, name):
    """Whatever their kinds, in the order of the page; exercises have a counter of their own."""
    text = (html / name).read_text(encoding="utf-8")
    boxes, exercises = BOX.findall(text), EXERCISE.findall(text)
    stated = catalogue.stated_in((ROOT / name).with_suffix(".ipynb"), 0)
    assert [label for label, _, _ in boxes] == [result.label for result in stated] != []
    numbers = [(int(chapter), int(place)) for _, chapter, place in boxes]
    chapter = numbers[0][0]
    assert numbers == [(chapter, i + 1) for i in range(len(boxes))]
    assert exercises == [(str(chapter), str(i + 1)) for i in range(len(exercises))] != []


def test_ids_are_unique(pages):
    repeated = {
        name: [i for i, times in collections.Counter(page.ids).items() if times > 1]
        for name, page in pages.items()
    }
    assert {name: ids for name, ids in repeated.items() if ids} == {}


def test_links_and_anchors_resolve(html, pages):
    base = base_of(html)
    broken = []
    for name, page in pages.items():
        for link in page.links:
            parts = urllib.parse.urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            path = urllib.parse.unquote(parts.path)
            # A page that is shown at any address links from the site's own.
            folder = html if path.startswith(base) else (html / name).parent
            target = (folder / path.removeprefix(base)).resolve() if path else html / name
            if not target.exists():
                broken.append((name, link))
            elif target.suffix == ".html" and parts.fragment:
                ids = pages[str(target.relative_to(html.resolve()))].ids
                if urllib.parse.unquote(parts.fragment) not in ids:
                    broken.append((name, link))
    assert broken == []


def test_nothing_is_fetched_from_another_host(pages):
    remote = [
        (n, a) for n, p in pages.items() for a in p.fetched if urllib.parse.urlsplit(a).netloc
    ]
    assert remote == []


def test_maths_is_typeset_in_the_page_itself(pages):
    for name in CHAPTERS:
        assert pages[name].classes["katex"] > 10, name
    assert [n for n, p in pages.items() if p.classes["katex-error"]] == []


def test_every_image_has_alt_text(pages):
    assert [n for n, p in pages.items() if p.images_without_alt] == []


# Of a line over which text comes before scripts and fonts.
SLOW = {"latency": 150, "downloadThroughput": -1, "uploadThroughput": -1, "offline": False}


def visit(browser, address, slow=False, answers=None, **context):
    """Open a page with every other host cut off; return it and what went wrong on the way.

    Over a slow line, if asked; what is answered goes into ``answers``.
    """
    wrong = []
    page = browser.new_context(**context).new_page()
    if slow:
        line = page.context.new_cdp_session(page)
        line.send("Network.enable")
        line.send("Network.emulateNetworkConditions", SLOW)
    if answers is not None:
        page.on("response", lambda answer: answers.append(answer))

    def guard(route):
        if not route.request.url.startswith(("http://127.0.0.1", "data:", "blob:")):
            wrong.append(f"request to {route.request.url}")
            return route.abort()
        return route.continue_()

    page.route("**/*", guard)
    page.on("console", lambda m: wrong.append(f"console: {m.text}") if m.type == "error" else None)
    page.on("pageerror", lambda e: wrong.append(f"error: {e}"))
    page.on("requestfailed", lambda r: wrong.append(f"failed: {r.url}"))
    page.goto(address, wait_until="load")
    return page, wrong


# Pages that begin with the question, its answer and the picture of it.
BEGUN = ["book/index.html"] + [
    name for name in CHAPTERS if '<div class="answer' in (ROOT / "_build/html" / name).read_text()
]
# Laptop and phone.
SCREENS = {"laptop": {"width": 1440, "height": 900}, "phone": {"width": 360, "height": 740}}
FIRST = """() => {
    const answer = document.querySelector("div.answer").getBoundingClientRect();
    const image = document.querySelector("article.bd-article svg.drawing");
    const picture = image.getBoundingClientRect();
    return {answer: answer.bottom, top: picture.top, height: picture.height, width: picture.width,
            drawn: image.viewBox.baseVal.width};
}"""
# A letter of ten points, the smallest, in the units of a drawing, which are points.
LETTER = 10
# Of each figure: its width, the size of its smallest words, those beyond its edge, its font.
FIGURES = """async () => {
    await document.fonts.ready;
    return [...document.querySelectorAll("svg.drawing")].filter((s) => s.checkVisibility())
        .map((svg) => {
        const edge = svg.getBoundingClientRect();
        const texts = [...svg.querySelectorAll("text")].filter((t) => t.textContent.trim());
        const parts = texts.flatMap((t) => t.children.length ? [...t.children] : [t]);
        const scale = edge.width / svg.viewBox.baseVal.width;
        // As high as they are in the text; a subscript is lower.
        const large = texts.map((t) => Math.max(...[t, ...t.children]
            .map((p) => parseFloat(p.style.fontSize) || 0)));
        const out = texts.filter((t) => {
            const box = t.getBoundingClientRect();
            return box.left < edge.left - 2 || box.right > edge.right + 2;
        });
        return { width: edge.width, words: Math.min(...large) * scale,
            out: out.map((t) => t.textContent),
            fonts: [...new Set(parts.map((p) => getComputedStyle(p).fontFamily))] };
    });
}"""


class Looked(NamedTuple):
    """What went wrong while a page was loaded, and how it lies on a screen."""

    wrong: list
    width: int
    first: dict | None
    figures: list


@pytest.fixture(scope="module")
def look(browser, site):
    """Open a page, each once on each screen, and all that is asked of it afterwards."""

    @functools.cache
    def look(name, screen):
        page, wrong = visit(browser, site + name, viewport=SCREENS[screen])
        if name == "index.html" or name.startswith("t/"):  # it leads on at once
            page.wait_for_url("**/book/**", wait_until="load")
        page.wait_for_timeout(200)
        width = page.evaluate("document.documentElement.scrollWidth")
        first = page.evaluate(FIRST) if name in BEGUN else None
        figures = page.evaluate(FIGURES)
        page.context.close()
        return Looked(wrong, width, first, figures)

    return look


@pytest.mark.parametrize("name", OPENED)
def test_a_page_loads_in_a_browser(look, name):
    seen = look(name, "phone")
    assert seen.wrong == []
    assert seen.width <= 360, f"the page scrolls sideways: {seen.width} px"


@pytest.mark.parametrize("screen", SCREENS)
@pytest.mark.parametrize("name", BEGUN)
def test_the_first_screen_shows_the_answer_and_its_picture(look, name, screen):
    """All of the answer and most of the picture, with words that can be read."""
    first = look(name, screen).first
    seen = (SCREENS[screen]["height"] - first["top"]) / first["height"]
    assert first["answer"] < first["top"] and seen > 0.6, first
    assert first["width"] > 2 * first["height"], first
    assert LETTER * first["width"] / first["drawn"] >= 11, first


LANDING = "book/index.html"
# Where each leads; without scripts, the last as well.
DOORS = {
    "Start reading": "how-many-clusters.html#ch-how-many-clusters",
    "I have data": "in-practice.html#ch-in-practice",
    "Find a theorem": "results.html#app-results",
}


@pytest.mark.parametrize("screen", SCREENS)
def test_the_landing_page_has_three_doors_on_its_first_screen(browser, site, screen):
    """Below the whole picture; the first two lead into chapters, the third opens the search."""
    page, wrong = visit(browser, site + LANDING, viewport=SCREENS[screen])
    doors = page.locator(".doors a")
    found = {door.inner_text().strip(): door.get_attribute("href") for door in doors.all()}
    drawn = page.locator("article svg.drawing").first.bounding_box()
    boxes = [door.bounding_box() for door in doors.all()]
    reached = {}
    for name in list(DOORS)[:2]:
        doors.filter(has_text=name).click()
        page.wait_for_url("**/" + DOORS[name].replace("#", "*#"))
        reached[name] = page.locator("h1").first.inner_text()
        page.go_back()
    doors.filter(has_text="Find a theorem").click()
    search = page.locator("dialog.search-dialog input").is_visible()
    page.context.close()
    assert found == DOORS and wrong == []
    height = SCREENS[screen]["height"]
    assert 0 < drawn["y"] and drawn["y"] + drawn["height"] <= min(box["y"] for box in boxes)
    assert all(box["y"] + box["height"] <= height for box in boxes), boxes
    assert "How many clusters?" in reached["Start reading"]
    assert "In practice" in reached["I have data"] and search


@pytest.mark.parametrize("screen", SCREENS)
@pytest.mark.parametrize("name", CHAPTERS)
def test_the_words_of_a_figure_are_legible_and_inside_it(look, name, screen):
    seen = look(name, screen)
    assert seen.figures and seen.wrong == []
    for figure in seen.figures:
        assert figure["words"] >= 11 and figure["out"] == [], figure
        assert all(font.startswith('"Figure Sans"') for font in figure["fonts"]), figure


@pytest.mark.parametrize("name", CHAPTERS[:1] + ["book/index.html"])
def test_there_is_one_header_and_one_search(browser, site, name):
    page, _ = visit(browser, site + name, viewport={"width": 1280, "height": 800})
    visible = "es => es.filter(e => e.checkVisibility()).length"
    counts = [
        page.eval_on_selector_all(s, visible)
        for s in (
            "header.bd-header-article, header.bd-header, .bd-header-article__inner > header",
            ".search-button-field, input[type=search]",
        )
    ]
    titles = page.locator("article.bd-article h1").count()
    page.context.close()
    assert counts[0] <= 1 and counts[1] == 1 and titles == 1


@pytest.mark.parametrize("name", CHAPTERS)
def test_maths_shows_without_scripts(browser, site, name):
    page, wrong = visit(browser, site + name, java_script_enabled=False)
    box = page.locator("article.bd-article .katex-html").first.bounding_box()
    page.context.close()
    # Without scripts the browser gives up those it had begun to fetch.
    wrong = [w for w in wrong if ".js" not in w and ".mjs" not in w]
    assert wrong == [] and box["width"] > 0 and box["height"] > 0


# Accessibility: contrast, alt text, names and structure, in both themes.
# KaTeX's thousands of spans are taken out, since they inherit their colours and the time is theirs;
# so are code blocks after the first twenty of a page, which look like these.
THIN = """() => {
    for (const formula of document.querySelectorAll(".katex")) formula.replaceWith("x");
    for (const block of [...document.querySelectorAll("pre")].slice(20)) block.textContent = "x";
}"""
# The dark theme differs in its colours only.
RULES = {"light": ["wcag2a", "wcag2aa"], "dark": {"type": "rule", "values": ["color-contrast"]}}


SAMPLE = ["book/index.html", "book/results.html", "book/urn.html"]
# A page that only leads to another is left before it can be looked at.
ALL = [
    n if n in SAMPLE else pytest.param(n, marks=pytest.mark.live)
    for n in OPENED
    if n != "index.html" and not n.startswith("t/")
]


@pytest.mark.parametrize("scheme", RULES)
@pytest.mark.parametrize("name", ALL)
def test_a_page_is_accessible(browser, site, name, scheme):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    page, _ = visit(browser, site + name, color_scheme=scheme)
    page.evaluate(THIN)
    options = {"runOnly": RULES[scheme], "resultTypes": ["violations"]}
    found = axe.run(page, options=options)
    page.context.close()
    violations = [
        (v["id"], [n["target"][0] for n in v["nodes"]][:3]) for v in found.response["violations"]
    ]
    assert violations == []
