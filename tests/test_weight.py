"""What a page weighs: it loads what it uses, nothing moves, and it is whole without scripts."""

import functools
import gzip
import re
from typing import NamedTuple

import pytest
from test_site import CHAPTERS, OPENED, Page, visit

pytestmark = pytest.mark.book
# Kilobytes over the wire of a chapter with all that it loads, but for its pictures.
MOST = 490
# What is a picture: by its address, or in the page; the letters of figures are a part of them.
PICTURE = re.compile(r"\.(png|svg)(\?|$)|/figures(-oblique)?\.woff")
DRAWING = re.compile(rb'<svg [^>]*class="drawing".*?</svg>', re.DOTALL)
ACTING = re.compile(r"_static/(acting|act-[\w-]+|d3/d3)\.mjs")
MOST_DRAWN = 120
WHOLE = [name for name in OPENED if name != "index.html" and not name.startswith("t/")]


@pytest.fixture(scope="module")
def texts(html):
    return {name: (html / name).read_text(encoding="utf-8") for name in WHOLE}


@pytest.fixture(scope="module")
def pages(texts):
    """What each page asks for and the classes that it uses; each is read once."""
    return {name: Page(text) for name, text in texts.items()}


def loaded(page):
    """The names of the files that a page asks for in its head and at its end."""
    return {a.partition("?")[0].rpartition("_static/")[2] for a in page.fetched}


# A file, and the classes of what needs it.
NEEDED = {
    "live.mjs": {"cell_input"},
    "figures.mjs": {"handled"},
    "act.mjs": {"acting"},
    "results.mjs": {"result-cite", "results-table"},
    "depths.mjs": {"fold"},
    "copybutton.js": {"highlight"},
    "clipboard.min.js": {"highlight"},
    "sphinx-design.min.css": {"sd-card", "sd-row", "sd-container-fluid"},
    "design-tabs.js": {"sd-tab-set"},
}


@pytest.mark.parametrize("file", NEEDED)
def test_a_script_is_loaded_where_something_needs_it(pages, file):
    with_file = {name for name, page in pages.items() if file in loaded(page)}
    needing = {name for name, page in pages.items() if NEEDED[file] & page.classes.keys()}
    assert with_file == needing


def test_the_script_of_folded_boxes_is_loaded_where_there_are_some(texts, pages):
    folded = re.compile(r'class="(?=[^"]*\badmonition\b)[^"]*\bdropdown\b')
    with_file = {name for name, page in pages.items() if "togglebutton.js" in loaded(page)}
    assert with_file == {name for name, text in texts.items() if folded.search(text)}


@pytest.mark.parametrize("file", ["fontawesome", "doctools.js", "sphinx_highlight.js", "thebe"])
def test_what_no_page_uses_is_not_loaded(pages, file):
    assert [name for name, page in pages.items() if any(file in a for a in loaded(page))] == []


def test_the_search_and_the_lost_page_load_little(pages):
    for name in ("search.html", "404.html"):
        names = {a.rpartition("/")[2].partition("?")[0] for a in loaded(pages[name])}
        assert not names & {"katex.min.css", "proof.css", "previews.mjs", "pygments.css"}, name
        assert "search.mjs" in names


# What has moved; the files of the fonts that a page has shown something in; icons left to a font.
SHIFT = """() => new Promise((done) => {
    let sum = 0;
    const add = (list) => { for (const { value } of list.getEntries()) sum += value; };
    new PerformanceObserver(add).observe({ type: "layout-shift", buffered: true });
    setTimeout(() => done(sum), 300);
})"""
FONT_FILES = """() => [...document.fonts].filter((f) => f.status === "loaded"
        && f.family.includes("KaTeX")).map((f) => {
    const bold = f.weight === "bold" || f.weight >= 700 ? "Bold" : "";
    const italic = f.style === "italic" ? "Italic" : "";
    return `${f.family.replaceAll('"', "")}-${bold + italic || "Regular"}`;
})"""
FONTS = """() => [...document.querySelectorAll("body *")].flatMap((e) => ["::before", "::after"]
    .map((part) => getComputedStyle(e, part))
    .filter((s) => !["none", "normal", '""'].includes(s.content))
    .filter((s) => s.fontFamily.includes("Awesome"))
    .map(() => e.outerHTML.slice(0, 80)))"""


class Looked(NamedTuple):
    """What a page did while it was loaded, and what it showed then."""

    wrong: list
    moved: float
    fonts: list
    undrawn: list
    empty: int
    sizes: dict


@pytest.fixture(scope="module")
def look(browser, site):
    """Open a page, each once on each width, and all that is asked of it afterwards.

    Over a slow line, where the text is seen before scripts and fonts have come.
    """

    @functools.cache
    def look(name, width):
        answers = []
        page, wrong = visit(
            browser, site + name, slow=True, answers=answers,
            viewport={"width": width, "height": 800},
        )  # fmt: skip
        page.wait_for_load_state("networkidle")
        moved, fonts = page.evaluate(SHIFT), page.evaluate(FONT_FILES)
        sizes = {}
        for answer in answers if name in CHAPTERS else ():
            # Figures to act on have a limit of their own: tests/test_acting.py.
            if answer.ok and not PICTURE.search(answer.url) and not ACTING.search(answer.url):
                text = DRAWING.sub(b"", answer.body())
                sizes[answer.url] = len(gzip.compress(text)) / 1000
        # Formulas have no icons, and are most of a page.
        page.evaluate("for (const formula of document.querySelectorAll('.katex')) formula.remove()")
        undrawn = page.evaluate(FONTS)
        empty = page.locator("i, span[class*=fa-]").count()
        page.context.close()
        return Looked(wrong, moved, fonts, undrawn, empty, sizes)

    return look


@pytest.mark.parametrize("name", CHAPTERS)
def test_a_chapter_weighs_little_without_its_pictures(look, name):
    heavy = look(name, 1440).sizes
    assert len(heavy) > 15 and sum(heavy.values()) < MOST, heavy


@pytest.mark.parametrize("name", CHAPTERS)
def test_the_drawings_of_a_chapter_weigh_little(html, name):
    drawings = DRAWING.findall((html / name).read_bytes())
    assert len(drawings) > 1 and len(gzip.compress(b"".join(drawings))) / 1000 < MOST_DRAWN


# Icons.


@pytest.mark.parametrize("name", WHOLE)
def test_no_icon_is_left_to_a_font_that_is_not_loaded(look, name):
    seen = look(name, 1440)
    assert seen.undrawn == [] and seen.empty == 0


SEEN = """() => [...document.querySelectorAll(".theme-icon")].filter((i) => i.checkVisibility())
    .map((i) => [[...i.classList].find((name) => /^fa-(?!solid|lg)/.test(name)),
                 i.getBoundingClientRect().width, i.getBoundingClientRect().height])"""


@pytest.mark.parametrize("width", [360, 1440])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_icons_of_the_header_are_seen(browser, site, width, scheme):
    page, wrong = visit(
        browser, f"{site}book/urn.html",
        viewport={"width": width, "height": 900}, color_scheme=scheme,
    )  # fmt: skip
    seen = page.evaluate(SEEN)
    shown = page.locator(".theme-switch").evaluate_all("all => all.map((i) => i.checkVisibility())")
    page.context.close()
    names = {name for name, w, h in seen if min(w, h) >= 9}
    assert wrong == [] and {"fa-bars", "fa-download", "fa-list"} <= names
    assert sum(shown) == 1 and len(shown) == 3
    assert all(max(w, h) <= 32 for _, w, h in seen), seen


@pytest.mark.parametrize(
    ("name", "kind"), [("book/urn.html", "exercise"), ("book/api.html", "seealso")]
)
def test_an_admonition_has_its_icon(browser, site, name, kind):
    page, _ = visit(browser, site + name)
    look = page.locator(f".admonition.{kind} > .admonition-title").first.evaluate(
        """(e) => (({ maskImage, width, height, backgroundColor }) =>
            [maskImage, parseFloat(width), parseFloat(height), backgroundColor]
        )(getComputedStyle(e, "::after"))"""
    )
    page.context.close()
    assert "data:image/svg+xml" in look[0] and "circle" not in look[0]
    assert min(look[1:3]) > 8 and look[3] != "rgba(0, 0, 0, 0)"


# Nothing moves, and nothing is waited for.


@pytest.mark.parametrize("width", [360, 1440])
@pytest.mark.parametrize("name", [*WHOLE, "search.html?q=ewens"])
def test_nothing_moves_while_a_page_loads(look, name, width):
    assert look(name, width).moved <= 0.05


@pytest.mark.parametrize("name", [name for name in WHOLE if name.startswith("book/")])
def test_the_fonts_of_formulas_are_asked_for_at_once(look, texts, name):
    """Those that the page uses, and no others."""
    seen = look(name, 1440)
    asked = re.findall(r'<link rel="preload" as="font"[^>]*/(KaTeX_[\w-]+)\.woff2', texts[name])
    assert sorted(asked) == sorted(seen.fonts) and seen.wrong == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("chosen", [None, "light", "dark"])
def test_the_theme_is_set_before_any_file_of_scripts_has_come(browser, site, scheme, chosen):
    page = browser.new_context(color_scheme=scheme).new_page()
    page.route(re.compile(r"\.m?js(\?|$)"), lambda route: route.abort())
    if chosen:
        page.add_init_script(f"localStorage.setItem('mode', '{chosen}')")
    page.goto(f"{site}book/urn.html")
    theme = page.evaluate("document.documentElement.dataset.theme")
    page.context.close()
    assert theme == (chosen or scheme)


# Without scripts.

# The frame of a result goes all round, that of an exercise stands at its left.
FRAME = """(e) => ["Top", "Left"].map((side) => {
    const style = getComputedStyle(e);
    return [parseFloat(style[`border${side}Width`]), style[`border${side}Style`],
            style[`border${side}Color`] !== style.color];
})"""


@pytest.mark.parametrize("width", [360, 1440])
def test_nothing_dead_is_shown_without_scripts(browser, site, width):
    """And the chapters can be reached, on a phone from the foot of the page."""
    view = {"viewport": {"width": width, "height": 740}, "java_script_enabled": False}
    page, _ = visit(browser, site + "search.html", **view)
    dead = page.locator(".sidebar-toggle, .search-form, .search-status, .theme-switch-button")
    seen = [one.is_visible() for one in dead.all()]
    page.get_by_role("link", name="The urn").click()
    page.wait_for_url("**/book/urn.html")
    page.context.close()
    assert seen and not any(seen)


@pytest.mark.parametrize("kind", ["div.proof.theorem", "div.exercise.admonition"])
def test_boxes_keep_their_frames_without_scripts(browser, site, kind):
    # Playwright's own look at the page needs no scripts of the page.
    page, _ = visit(browser, f"{site}book/urn.html", java_script_enabled=False)
    sides = page.locator(kind).first.evaluate(FRAME)
    ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
    buttons = page.locator(".theme-switch-button").first.is_visible()
    page.context.close()
    assert any(width >= 1 and style == "solid" and own for width, style, own in sides)
    assert ground == "rgb(255, 255, 255)" and not buttons
