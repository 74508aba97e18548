"""Figures to act on: their laws and numbers, and their use by pointer, finger and keyboard."""

import gzip
import re
import urllib.parse

import numpy as np
import pytest
from conftest import ROOT
from scipy import stats
from test_site import visit

from dpnotes import diagnostics, exact, gibbs
from dpnotes.components import Gaussian
from dpnotes.mixture import DPMixture

pytestmark = pytest.mark.book

STATIC = ROOT / "book" / "_static"
KINDS = sorted(path.stem.removeprefix("act-") for path in STATIC.glob("act-*.mjs"))
PAGES = {"gibbs": "book/gibbs.html"}
SCRIPTS = 60  # kilobytes over the wire of a page's figures to act on
PHONE = {"viewport": {"width": 360, "height": 740}}


@pytest.fixture
def open_figure(browser, site):
    """Open a page at its figure; what is asked of other hosts is an error."""
    contexts = []

    def opened(kind, **options):
        page, wrong = visit(browser, site + PAGES[kind], **options)
        contexts.append(page.context)
        box = page.locator(f"#acting-{kind}")
        box.scroll_into_view_if_needed()
        if options.get("java_script_enabled", True):
            box.get_by_role("button").first.wait_for()
            assert wrong == []
        return page, box

    yield opened
    for context in contexts:
        context.close()


def words(box):
    return box.locator(".acting-words").inner_text()


def module(page, kind, body, *arguments):
    """Call the figure's own functions in the page: ``body`` uses them as ``f``."""
    code = f"""async (args) => {{
        const f = await import(new URL("_static/act-{kind}.mjs", new URL("..", location)));
        {body}
    }}"""
    return page.evaluate(code, list(arguments))


def test_each_figure_stands_on_a_page(html):
    assert set(PAGES) == set(KINDS)
    for kind, name in PAGES.items():
        assert f'id="acting-{kind}"' in (html / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("kind", PAGES)
def test_its_scripts_are_light_and_from_the_site(open_figure, site, kind):
    page, _ = open_figure(kind)
    names = page.evaluate("performance.getEntriesByType('resource').map((entry) => entry.name)")
    assert {urllib.parse.urlsplit(name).netloc for name in names} == {
        urllib.parse.urlsplit(site).netloc
    }
    own = [n for n in names if re.search(r"_static/(act|acting|act-[\w-]+|d3/d3)\.mjs", n)]
    sizes = [len(gzip.compress(page.request.get(name).body())) / 1000 for name in own]
    assert len(own) == 4 and sum(sizes) <= SCRIPTS, sizes


@pytest.mark.parametrize("kind", PAGES)
def test_it_is_a_still_picture_without_scripts(open_figure, kind):
    page, box = open_figure(kind, java_script_enabled=False, **PHONE)
    picture = box.locator("svg")
    assert picture.get_attribute("role") == "img"
    assert picture.get_attribute("aria-label").endswith(words(box))
    assert picture.bounding_box()["height"] > 200 and box.locator("button").count() == 0
    assert page.locator("figure.acting-figure figcaption .caption-number").count() == len(
        [k for k in PAGES if PAGES[k] == PAGES[kind]]
    )


@pytest.mark.parametrize("kind", PAGES)
def test_on_paper_it_has_no_controls(open_figure, kind):
    page, box = open_figure(kind)
    page.emulate_media(media="print")
    assert box.locator("svg").is_visible() and not box.locator(".acting-controls").is_visible()


@pytest.mark.parametrize("kind", PAGES)
def test_its_words_can_be_read_on_a_phone(open_figure, kind):
    page, box = open_figure(kind, **PHONE)
    box.get_by_role("button", name="Lift").click()
    sizes = box.locator("svg").evaluate(
        """(svg) => [...svg.querySelectorAll("text")].filter((t) => t.textContent).map((t) =>
            parseFloat(getComputedStyle(t).fontSize) * t.getScreenCTM().a)"""
    )
    assert len(sizes) > 10 and min(sizes) >= 11
    inside = box.locator("svg").evaluate(
        """(svg) => { const edge = svg.getBoundingClientRect();
            return [...svg.querySelectorAll("text")].filter((t) => t.textContent).every((t) => {
                const { left, right } = t.getBoundingClientRect();
                return left >= edge.left - 1 && right <= edge.right + 1; }); }"""
    )
    assert inside and page.evaluate("document.documentElement.scrollWidth") <= 360


@pytest.mark.parametrize("kind", PAGES)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(open_figure, kind, scheme):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    page, box = open_figure(kind, color_scheme=scheme)
    box.get_by_role("button").first.click()
    tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
    found = axe.run(page, context=f"#acting-{kind}", options={"runOnly": tags})
    assert found.response["violations"] == [] and len(found.response["passes"]) > 5


# Gibbs.

MODEL = DPMixture(1.0, Gaussian([0, 0], 4.0, 0.25))
POINTS = np.random.default_rng(4).normal(size=(8, 2)).round(2)
# Two near pairs, between which the sampler has to choose.
FEW = np.array([[-0.4, 0.1], [-0.1, 0.5], [0.8, 0.2], [1.2, -0.3]])


@pytest.mark.parametrize("n", [2, 5, 8])
def test_the_exact_law_is_the_packages(open_figure, n):
    page, _ = open_figure("gibbs")
    found = module(
        page, "gibbs", "return [f.lawOfK(args[0]), [...f.exact(args[0])]]", POINTS[:n].tolist()
    )
    posterior = exact.posterior(MODEL, POINTS[:n])
    np.testing.assert_allclose(found[0], posterior.num_clusters[: n + 1], atol=1e-12)
    keys = ["".join(map(str, labels)) for labels in posterior.labels]
    ours = dict(zip(keys, posterior.probs, strict=True))
    assert {key for key, _ in found[1]} == ours.keys()
    np.testing.assert_allclose([p for _, p in found[1]], [ours[k] for k, _ in found[1]], atol=1e-12)


def test_the_chances_of_a_lifted_point_are_the_packages(open_figure):
    page, _ = open_figure("gibbs")
    labels, i = [0, 0, 1, 1, 2, 0], 3
    offers = module(
        page,
        "gibbs",
        """const state = f.start(1, args[0]);
        state.labels = args[1];
        state.theta = [[0, 0], [1, 1], [2, 2]];
        f.lift(state, args[2]);
        return state.offers;""",
        POINTS[:6].tolist(),
        labels,
        i,
    )
    others = np.delete(POINTS[:6], i, axis=0)
    rest = np.delete(labels, i)
    log = [MODEL.log_joint([*others, POINTS[i]], [*rest, k]) for k in range(4)]
    chances = np.exp(log) / np.exp(log).sum()
    np.testing.assert_allclose([o["chance"] for o in offers], chances, rtol=1e-10)
    assert [o["n"] for o in offers] == [3, 1, 1, 1]


# After every fifth of many sweeps, the partition.
RUN = """const state = f.start(args[1], args[0], args[2]);
    const seen = {};
    for (let t = 0; t < args[3]; t += 1) {
        for (let i = 0; i < 5; i += 1) f.sweep(state);
        if (t < 20) continue;
        const key = state.labels.join("");
        seen[key] = (seen[key] ?? 0) + 1;
    }
    return seen;"""
DRAWS = 8000


def chi_square(seen):
    """The p-value of the partitions seen under the exact law."""
    posterior = exact.posterior(MODEL, FEW)
    keys = ["".join(map(str, labels)) for labels in posterior.labels]
    total = sum(seen.values())
    expected = posterior.probs * total
    counts = np.array([seen.get(key, 0) for key in keys])
    assert expected.min() > 5
    assert len(counts) == 15 and counts.sum() == total
    return stats.chisquare(counts, expected).pvalue


def test_the_right_step_has_the_exact_law_and_the_notes_step_has_not(open_figure):
    page, _ = open_figure("gibbs")
    seen = {m: module(page, "gibbs", RUN, FEW.tolist(), 1, m, DRAWS) for m in ("right", "notes")}
    assert chi_square(seen["right"]) > 0.001
    assert chi_square(seen["notes"]) < 1e-12
    # The notes' step misses as the package's own does.
    chain = gibbs.naive(MODEL, FEW, 20_000, rng=1).num_clusters
    k = np.array([len(set(key)) for key in seen["notes"]])
    counts = np.array(list(seen["notes"].values()))
    for clusters in (1, 2, 3):
        p = counts[k == clusters].sum() / counts.sum()
        error = np.hypot(diagnostics.mcse(chain == clusters), np.sqrt(p * (1 - p) / counts.sum()))
        assert abs(p - (chain == clusters).mean()) < 4 * error


def place(box, i):
    return box.locator("g.point").nth(i).get_attribute("aria-label")


def test_it_is_used_by_keyboard_alone(open_figure):
    page, box = open_figure("gibbs")
    first = words(box)
    assert first == "6 points, each alone. Lift one, or play the right step."
    press = page.keyboard.press
    box.get_by_role("button", name="Lift a point").focus()
    press("Enter")
    assert words(box).startswith("Point 1 is lifted; its chances are")
    assert box.locator("rect.bar").count() == 6
    press("Enter")
    assert "lifted" not in words(box) and place(box, 0).count("cluster") == 1
    # Five more make a sweep.
    for _ in range(10):
        press("Enter")
    assert words(box).startswith("After 1 sweep of the right step")
    # A point is reached, moved, lifted and taken away.
    while not page.evaluate("document.activeElement.matches('g.point')"):
        press("Tab")
    before = place(box, 0)
    press("Shift+ArrowRight")
    assert place(box, 0) != before and words(box).startswith("6 points, each alone")
    assert page.evaluate("document.activeElement.getAttribute('aria-label')") == place(box, 0)
    press(" ")
    assert words(box).startswith("Point 1 is lifted")
    press("Delete")
    assert box.locator("g.point").count() == 5
    box.get_by_label("right step").focus()
    press("ArrowRight")
    assert words(box).endswith("play the notes' step.")
    box.get_by_role("button", name="Play").focus()
    press("Enter")
    page.wait_for_timeout(1500)
    press("Enter")
    assert box.get_by_role("button", name="Play").get_attribute("aria-pressed") == "false"
    assert re.match(r"After [\d,]+ sweeps of the notes' step, K averages", words(box))


def test_a_point_is_dragged_and_another_placed_by_pointer(open_figure):
    page, box = open_figure("gibbs")
    at = box.locator("g.point").nth(5).bounding_box()
    x, y = at["x"] + at["width"] / 2, at["y"] + at["height"] / 2
    law = box.locator("rect.exact").evaluate_all("all => all.map((r) => r.getAttribute('height'))")
    before = place(box, 5)
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x - 60, y + 20, steps=4)
    page.mouse.up()
    assert place(box, 5) != before and "lifted" not in place(box, 5)
    now = box.locator("rect.exact").evaluate_all("all => all.map((r) => r.getAttribute('height'))")
    assert now != law
    frame = box.locator("rect.frame").bounding_box()
    low = frame["y"] + frame["height"] - 20
    page.mouse.click(frame["x"] + 20, low)
    assert box.locator("g.point").count() == 7
    page.mouse.click(frame["x"] + 60, low)
    page.mouse.click(frame["x"] + 100, low)
    assert box.locator("g.point").count() == 8
    assert box.get_by_role("button", name="Add a point").is_disabled()


def test_a_point_is_dragged_and_another_placed_by_finger(open_figure):
    page, box = open_figure("gibbs", has_touch=True, is_mobile=True, **PHONE)
    at = box.locator("g.point").nth(3).bounding_box()
    x, y = at["x"] + at["width"] / 2, at["y"] + at["height"] / 2
    assert min(at["width"], at["height"]) >= 24
    before, scrolled = place(box, 3), page.evaluate("scrollY")
    touch = page.context.new_cdp_session(page)
    for kind, points in (
        ("touchStart", [(x, y)]),
        ("touchMove", [(x, y - 10)]),
        ("touchMove", [(x + 20, y - 30)]),
        ("touchEnd", []),
    ):
        at = [{"x": a, "y": b} for a, b in points]
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": at})
    assert place(box, 3) != before and page.evaluate("scrollY") == scrolled
    frame = box.locator("rect.frame").bounding_box()
    page.touchscreen.tap(frame["x"] + 20, frame["y"] + frame["height"] - 20)
    assert box.locator("g.point").count() == 7


def test_who_wants_less_motion_sees_few_pictures(open_figure):
    page, box = open_figure("gibbs", reduced_motion="reduce")
    page.evaluate(
        """() => { globalThis.changes = 0;
            new MutationObserver(() => (globalThis.changes += 1)).observe(
                document.querySelector("#acting-gibbs rect.seen"), { attributes: true }); }"""
    )
    box.get_by_role("button", name="Play").click()
    page.wait_for_timeout(1800)
    box.get_by_role("button", name="Pause").click()
    assert 2 <= page.evaluate("globalThis.changes") <= 5
    assert "sweeps of the right step" in words(box)
