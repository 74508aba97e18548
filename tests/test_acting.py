"""Figures to act on: their laws and numbers, and their use by pointer, finger and keyboard."""

import gzip
import re
import urllib.parse

import numpy as np
import pytest
from conftest import ROOT
from scipy import stats

from dpnotes import diagnostics, exact, gibbs
from dpnotes.components import Gaussian
from dpnotes.mixture import DPMixture

pytestmark = pytest.mark.book

STATIC = ROOT / "book" / "_static"
KINDS = sorted(path.stem.removeprefix("act-") for path in STATIC.glob("act-*.mjs"))
CHAPTERS = (
    "dirichlet-distribution",
    "definition",
    "posterior",
    "urn",
    "restaurant",
    "stick-breaking",
    "growth",
    "gibbs",
    "in-practice",
    "other-kinds",
    "mean-field",
    "mixtures",
    "sampler-output",
    "how-many-clusters",
)
# The page of each figure; so far each has the name of its chapter.
PAGES = {kind: f"book/{kind}.html" for kind in CHAPTERS}
STILL = 500  # milliseconds between two pictures for whoever asked for less motion
SCRIPTS = 60  # kilobytes over the wire of a page's figures to act on
PHONE = {"viewport": {"width": 360, "height": 740}}


def words(box):
    """What is said, with ordinary spaces."""
    return box.locator(".acting-words").inner_text().replace("\N{NO-BREAK SPACE}", " ")


def module(page, kind, body, *arguments):
    """Call the figure's own functions in the page: ``body`` uses them as ``f``."""
    code = f"""async (args) => {{
        const f = await import(new URL("_static/act-{kind}.mjs", new URL("..", location)));
        {body}
    }}"""
    return page.evaluate(code, list(arguments))


def counts_fit(counts, law):
    """The p-value of counts under a law, by chi-square; rare classes are put together."""
    counts, expected = np.asarray(counts), np.asarray(law) * np.sum(counts)
    rare = expected < 10
    if rare.any():
        counts = np.append(counts[~rare], counts[rare].sum())
        expected = np.append(expected[~rare], expected[rare].sum())
    assert len(counts) > 2 and expected[:-1].min() >= 10
    kept = expected > 0
    assert counts[~kept].sum() == 0
    return stats.chisquare(counts[kept], expected[kept]).pvalue


def press(page, box, name, *keys):
    """Focus a button of the figure and press keys, Enter if none is named."""
    box.get_by_role("button", name=name, exact=isinstance(name, str)).focus()
    for key in keys or ("Enter",):
        page.keyboard.press(key)


def focus_on(box, selector):
    """Put the focus on a part of the drawing, which must take it."""
    box.locator(selector).first.focus()
    assert box.page.evaluate("s => document.activeElement.matches(s)", selector)


def middle(part):
    at = part.bounding_box()
    return at["x"] + at["width"] / 2, at["y"] + at["height"] / 2


def drag(page, part, dx, dy=0):
    """Drag a part of the drawing by pointer, from its middle."""
    x, y = middle(part)
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + dx, y + dy, steps=4)
    page.mouse.up()


def touch(page, x, y, dx, dy):
    """Put a finger on a place of the screen and take it away at another."""
    session = page.context.new_cdp_session(page)
    moves = [("touchStart", 0), ("touchMove", 0.5), ("touchMove", 1), ("touchEnd", None)]
    for kind, share in moves:
        points = [] if share is None else [{"x": x + share * dx, "y": y + share * dy}]
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})


def swipe(page, part, dx, dy=0):
    """Drag a part of the drawing by finger; the page must not move with it."""
    (x, y), scrolled = middle(part), page.evaluate("scrollY")
    at = part.bounding_box()
    assert min(at["width"], at["height"]) >= 24
    touch(page, x, y, dx, dy)
    assert page.evaluate("scrollY") == scrolled


def play_a_while(page, box, play="Play"):
    """Play by keyboard and pause once the words have told of many; return these words."""
    before = words(box)
    press(page, box, play)
    page.wait_for_timeout(1500)
    press(page, box, "Pause")
    button = box.get_by_role("button", name=play, exact=True)
    assert button.get_attribute("aria-pressed") == "false"
    assert words(box) != before
    return words(box)


def test_each_figure_stands_on_a_page(html):
    assert set(PAGES) == set(KINDS)
    for kind, name in PAGES.items():
        assert f'id="acting-{kind}"' in (html / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("kind", PAGES)
def test_its_scripts_are_light_and_from_the_site(open_figure, figures, kind):
    page, _ = open_figure(kind)
    names = page.evaluate("performance.getEntriesByType('resource').map((entry) => entry.name)")
    assert {urllib.parse.urlsplit(name).netloc for name in names} == {
        urllib.parse.urlsplit(figures).netloc
    }
    own = [n for n in names if re.search(r"_static/(act|acting|act-[\w-]+|d3/d3)\.mjs", n)]
    sizes = [len(gzip.compress(page.request.get(name).body())) / 1000 for name in own]
    assert len(own) == 4 and sum(sizes) <= SCRIPTS, sizes


@pytest.mark.parametrize("kind", PAGES)
def test_it_is_a_still_picture_without_scripts(open_figure, kind):
    page, box = open_figure(kind, whole=True, java_script_enabled=False, **PHONE)
    picture = box.locator("svg")
    assert picture.get_attribute("role") == "img"
    label = picture.get_attribute("aria-label").replace("\N{NO-BREAK SPACE}", " ")
    assert label.endswith(words(box))
    assert picture.bounding_box()["height"] > 200 and box.locator("button").count() == 0
    assert page.locator("figure.acting-figure figcaption .caption-number").count() == len(
        [k for k in PAGES if PAGES[k] == PAGES[kind]]
    )


@pytest.mark.parametrize("kind", PAGES)
def test_on_paper_it_has_no_controls(open_figure, kind):
    page, box = open_figure(kind)
    page.emulate_media(media="print")
    assert box.locator("svg").is_visible() and not box.locator(".acting-controls").is_visible()
    # At most half of what a page holds, so that the one before is not left half empty; ten
    # centimetres and a half are 397 pixels.
    assert box.locator("svg").bounding_box()["height"] < 397


@pytest.mark.parametrize("kind", PAGES)
def test_on_paper_it_is_the_still_picture_until_somebody_acts(open_figure, kind, html):
    page, box = open_figure(kind)
    built = (html / PAGES[kind]).read_text(encoding="utf-8")
    still = re.search(rf'id="acting-{kind}".*?<p class="acting-words">(.*?)</p>', built, re.S)[1]
    still = still.replace("\N{NO-BREAK SPACE}", " ").replace("&#39;", "'")
    first, shapes = words(box), box.locator("svg *").count()
    assert first != still
    for _ in range(2):
        page.evaluate("dispatchEvent(new Event('beforeprint'))")
        assert words(box) == still and box.locator("svg[role=img]").count() == 1
        page.evaluate("dispatchEvent(new Event('afterprint'))")
        assert words(box) == first and box.locator("svg *").count() == shapes
    # What somebody did is printed as it stands, and can be gone on with.
    box.get_by_role("button").first.click()
    acted = words(box)
    assert acted != first
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert words(box) == acted and box.locator("svg[role=group]").count() == 1


@pytest.mark.parametrize("kind", PAGES)
def test_its_words_can_be_read_on_a_phone(open_figure, kind):
    page, box = open_figure(kind, whole=True, **PHONE)
    box.get_by_role("button").first.click()
    sizes = box.locator("svg").evaluate(
        """(svg) => [...svg.querySelectorAll("text")].filter((t) => t.textContent).map((t) =>
            parseFloat(getComputedStyle(t).fontSize) * t.getScreenCTM().a)"""
    )
    assert len(sizes) > 8 and min(sizes) >= 11
    inside = box.locator("svg").evaluate(
        """(svg) => { const edge = svg.getBoundingClientRect();
            return [...svg.querySelectorAll("text")].filter((t) => t.textContent).every((t) => {
                const { left, right } = t.getBoundingClientRect();
                return left >= edge.left - 1 && right <= edge.right + 1; }); }"""
    )
    assert inside and page.evaluate("document.documentElement.scrollWidth") <= 360


@pytest.mark.parametrize("kind", PAGES)
def test_axe_finds_nothing(open_figure, kind):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    page, box = open_figure(kind, color_scheme="light")
    box.get_by_role("button").first.click()
    tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        page.wait_for_function("s => document.documentElement.dataset.theme === s", arg=scheme)
        found = axe.run(page, context=f"#acting-{kind}", options={"runOnly": tags})
        assert found.response["violations"] == [] and len(found.response["passes"]) > 5


@pytest.mark.parametrize("kind", PAGES)
def test_who_wants_less_motion_sees_few_pictures(open_figure, kind):
    page, box = open_figure(kind, reduced_motion="reduce")
    # What changes in one go is told in one go; a busy browser may be late with the pause.
    page.evaluate(
        """kind => { globalThis.changes = 0; globalThis.began = performance.now();
            new MutationObserver(() => (globalThis.changes += 1)).observe(
                document.querySelector(`#acting-${kind} svg`),
                { attributes: true, childList: true, characterData: true, subtree: true }); }""",
        kind,
    )
    box.get_by_role("button", name=re.compile("^Play")).click()
    page.wait_for_timeout(1800)
    box.get_by_role("button", name="Pause").click()
    changes, spent = page.evaluate("[globalThis.changes, performance.now() - globalThis.began]")
    assert 3 <= changes <= 2 + spent / STILL


def test_whatever_is_done_stops_the_player(open_figure):
    page, box = open_figure("restaurant")
    play = box.get_by_role("button", name=re.compile("^(Play|Pause)$"))
    for act in (
        lambda: press(page, box, "Start again"),
        lambda: box.get_by_label("α").press("ArrowRight"),
        lambda: box.get_by_label("lift anyone").check(),
    ):
        play.press("Enter")
        assert play.get_attribute("aria-pressed") == "true"
        act()
        assert play.get_attribute("aria-pressed") == "false" and play.inner_text() == "Play"
        said = words(box)
        page.wait_for_timeout(400)
        assert words(box) == said


def at_width(box, width):
    box.page.set_viewport_size({"width": width, "height": 900})
    return box.evaluate(
        """(box) => {
            const size = (node) => parseFloat(getComputedStyle(node).fontSize);
            const drawn = [...box.querySelectorAll("svg text")].filter((t) => t.textContent);
            return [Math.max(...drawn.map((t) => size(t) * t.getScreenCTM().a)),
                size(box.querySelector(".acting-words"))];
        }"""
    )


@pytest.mark.parametrize("kind", PAGES)
def test_words_in_the_drawing_are_no_larger_than_those_around(open_figure, kind):
    _, box = open_figure(kind)
    for width in (360, 768, 1440):
        drawn, around = at_width(box, width)
        assert drawn < 1.05 * around


def test_what_rounds_to_none_or_to_all_says_so(open_figure):
    page, _ = open_figure("urn")
    p = [0, 1e-9, 0.0049, 0.005, 0.5, 0.995, 0.9951, 1 - 1e-9, 1]
    said, short, tenths, signed = module(
        page,
        "urn",
        """const s = await import(new URL("_static/acting.mjs", new URL("..", location)));
        const [p] = args;
        return [p.map((one) => s.percent(one)), p.map(s.short), s.tenths(0.1234),
            [s.signed(-3), s.signed(-0.25, 1), s.signed(2.5), s.signed(1e4)]];""",
        p,
    )
    few, all_but = ["under 1 %"] * 2, ["over 99 %"] * 2
    expected = ["0 %", *few, "1 %", "50 %", *["over 99 %"], *all_but, "100 %"]
    assert said == [one.replace(" %", "\N{NO-BREAK SPACE}%") for one in expected]
    brief = [one.replace("under", "<").replace("over", ">") for one in said]
    assert short == brief and tenths == "12.3\N{NO-BREAK SPACE}%"
    assert signed == ["−3", "−0.3", "2.5", "10,000"]


@pytest.mark.parametrize("kind", PAGES)
def test_signs_are_set_as_in_print(open_figure, kind):
    page, box = open_figure(kind)
    box.get_by_role("button").first.click()
    box.get_by_role("button", name=re.compile("^Play")).click()
    page.wait_for_timeout(600)
    box.get_by_role("button", name="Pause").click()
    labels = box.locator("svg [aria-label]").evaluate_all(
        "all => all.map((one) => one.getAttribute('aria-label'))"
    )
    told = [box.inner_text(), *box.locator("svg text").all_text_contents(), *labels]
    for text in told:
        assert not re.search(r"\d[ ]%|(?<!\w)-\d|'", text), text


@pytest.mark.parametrize("kind", PAGES)
def test_what_is_called_a_button_does_something(open_figure, kind):
    page, box = open_figure(kind)
    first = box.get_by_role("button").first
    for _ in range(2):
        first.click()
    assert box.locator("svg [tabindex]:not([role=button], [role=slider])").count() == 0
    if kind == "restaurant":
        box.get_by_label("lift anyone").check()
    parts = box.locator("svg [role=button]")
    # From the second on: pressing what is chosen already need not change anything.
    if parts.count() > 1:
        before = box.inner_html()
        parts.first.focus()
        page.keyboard.press("Enter")
        assert box.inner_html() != before


# Kinds with parts that are dragged, and those whose parts have a grip.
MOVED = (
    "definition",
    "dirichlet-distribution",
    "gibbs",
    "growth",
    "how-many-clusters",
    "mean-field",
    "mixtures",
    "other-kinds",
    "posterior",
    "stick-breaking",
)
GRIPPED = sorted(set(MOVED) - {"dirichlet-distribution", "gibbs"})


def transform(part):
    return part.evaluate("g => [g.transform.baseVal[0].matrix.e, g.transform.baseVal[0].matrix.f]")


@pytest.mark.parametrize("kind", PAGES)
def test_a_finger_scrolls_from_what_moves_across_alone_and_from_nothing_else(open_figure, kind):
    page, box = open_figure(kind)
    if kind == "posterior":
        press(page, box, "Drop a datum")
    parts = box.locator("svg .movable")
    assert bool(parts.count()) == (kind in MOVED)
    for i in range(parts.count()):
        part = parts.nth(i)
        places = [transform(part)]
        part.focus()
        # To the right first: in one figure there is no room above the beginning.
        for key in ("ArrowRight", "Shift+ArrowRight", "ArrowUp", "ArrowDown"):
            page.keyboard.press(key)
            places.append(transform(part))
        across, upright = np.ptp(places, axis=0) > 0
        assert across
        action = part.evaluate("g => getComputedStyle(g).touchAction")
        assert action == ("none" if upright else "pan-y"), part.get_attribute("aria-label")


# The grips that lie on a number; of a line of text the letters are three fifths.
HIDDEN = """(box) => [...box.querySelectorAll("svg .grip")].flatMap((grip) => {
    const over = grip.getBoundingClientRect();
    return [...box.querySelectorAll("svg :is(.number, .tick)")].filter((text) => {
        const { left, right, top, bottom } = text.getBoundingClientRect();
        const rim = (bottom - top) / 5;
        const beside = right <= over.left || left >= over.right;
        return !beside && top + rim < over.bottom && bottom - rim > over.top;
    }).map((text) => text.textContent);
})"""


@pytest.mark.parametrize("kind", GRIPPED)
def test_a_grip_hides_no_number(open_figure, kind):
    page, box = open_figure(kind)
    moved = box.locator("svg .movable:has(.grip)")
    for i in range(moved.count()):
        moved.nth(i).focus()
        # Into the corners, if it goes there.
        for key in ("ArrowLeft", "ArrowDown", "ArrowRight", "ArrowUp"):
            for _ in range(12):
                page.keyboard.press(f"Shift+{key}")
            assert box.evaluate(HIDDEN) == []


def test_the_focus_is_seen_by_whoever_uses_keys(open_figure):
    page, box = open_figure("mean-field")
    part = box.locator("svg .movable:has(.grip)").first
    drag(page, part.locator(".grip"), 12)
    ring = "() => getComputedStyle(document.activeElement).outlineStyle"
    assert part.evaluate("g => g === document.activeElement")
    assert page.evaluate(ring) == "none"
    page.keyboard.press("ArrowRight")
    assert page.evaluate(ring) == "solid"


# What is dragged, and where it stops: to the left of all these drawings.
DRAGGED = {
    "stick-breaking": "g.handle",
    "definition": "g.handle",
    "posterior": "g.handle",
    "dirichlet-distribution": "g.point",
    "gibbs": "g.point",
    "mean-field": "g.handle",
}


@pytest.mark.parametrize("kind", DRAGGED)
def test_it_stays_with_the_pointer_that_was_beyond_its_end(open_figure, kind):
    page, box = open_figure(kind)
    part = box.locator(DRAGGED[kind]).first
    hold = part.locator(".grip, .dot").first
    x, y = middle(hold)
    page.mouse.move(x, y)
    page.mouse.down()
    left = box.locator("svg").bounding_box()["x"]
    for to in (left + 20, left - 200, left - 20, x - 10):
        page.mouse.move(to, y, steps=5)
    assert abs(middle(hold)[0] - (x - 10)) < 1
    page.mouse.up()


@pytest.mark.parametrize("kind", ["stick-breaking", "posterior", "mean-field", "how-many-clusters"])
def test_a_finger_that_goes_up_from_an_upright_handle_scrolls(open_figure, kind):
    page, box = open_figure(kind, has_touch=True, is_mobile=True, **PHONE)
    handle = box.locator("g.handle").first
    handle.evaluate("one => one.scrollIntoView({ block: 'center', behavior: 'instant' })")
    before = handle.get_attribute("aria-valuetext")
    swipe(page, handle, 40, 10)
    moved, scrolled = handle.get_attribute("aria-valuetext"), page.evaluate("scrollY")
    assert moved != before
    touch(page, *middle(handle), 15, -150)
    page.wait_for_function("before => scrollY > before + 50", arg=scrolled)
    assert handle.get_attribute("aria-valuetext") == moved


def test_a_hand_that_trembles_presses_and_does_not_drag(open_figure):
    page, box = open_figure("gibbs")
    before = place(box, 2)
    drag(page, box.locator("g.point").nth(2), 2, 1)
    assert words(box).startswith("Point 3 is lifted")
    assert place(box, 2).split(",")[:2] == before.split(",")[:2]


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
    key = page.keyboard.press
    box.get_by_role("button", name="Lift a point").focus()
    key("Enter")
    assert words(box).startswith("Point 1 is lifted; its chances are")
    assert box.locator("rect.bar").count() == 6
    key("Enter")
    assert "lifted" not in words(box) and place(box, 0).count("cluster") == 1
    # Five more make a sweep.
    for _ in range(10):
        key("Enter")
    assert words(box).startswith("After 1 sweep of the right step")
    # A point is reached, moved, lifted and taken away.
    while not page.evaluate("document.activeElement.matches('g.point')"):
        key("Tab")
    before = place(box, 0)
    key("Shift+ArrowRight")
    assert place(box, 0) != before and words(box).startswith("6 points, each alone")
    assert page.evaluate("document.activeElement.getAttribute('aria-label')") == place(box, 0)
    key(" ")
    assert words(box).startswith("Point 1 is lifted")
    key("Delete")
    assert box.locator("g.point").count() == 5
    box.get_by_label("right step").focus()
    key("ArrowRight")
    assert words(box).endswith("play the notes’ step.")
    box.get_by_role("button", name="Play").focus()
    key("Enter")
    page.wait_for_timeout(1500)
    key("Enter")
    assert box.get_by_role("button", name="Play").get_attribute("aria-pressed") == "false"
    assert re.match(r"After [\d,]+ sweeps of the notes’ step, K averages", words(box))


def test_a_point_is_dragged_and_another_placed_by_pointer(open_figure):
    page, box = open_figure("gibbs")
    law = box.locator("rect.exact").evaluate_all("all => all.map((r) => r.getAttribute('height'))")
    before = place(box, 5)
    drag(page, box.locator("g.point").nth(5), -60, 20)
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
    before = place(box, 3)
    swipe(page, box.locator("g.point").nth(3), 20, -30)
    assert place(box, 3) != before
    frame = box.locator("rect.frame").bounding_box()
    page.touchscreen.tap(frame["x"] + 20, frame["y"] + frame["height"] - 20)
    assert box.locator("g.point").count() == 7
    removed = box.get_by_role("button", name="Remove it")
    assert removed.is_disabled()
    box.locator("g.point").nth(6).tap()
    removed.tap()
    assert box.locator("g.point").count() == 6 and removed.is_disabled()
    assert words(box).startswith("6 points, each alone")


def test_whom_the_reader_lifts_is_not_counted(open_figure):
    page, box = open_figure("gibbs")
    for _ in range(12):
        press(page, box, re.compile("Lift a point|Seat it"))
    assert words(box).startswith("After 1 sweep")
    box.locator("g.point").nth(5).click()
    assert words(box).startswith("Point 6 is lifted") and "sweep" not in words(box)
    # The first is whose turn it is.
    press(page, box, "Seat it")
    assert words(box).startswith("After 1 sweep")
    box.locator("g.point").first.click()
    assert words(box).startswith("Point 1 is lifted") and "After 1 sweep" in words(box)
