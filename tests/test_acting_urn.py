"""The figures to act on of the urn and of the restaurant: laws, numbers, and use."""

import re

import numpy as np
import pytest
from scipy import stats
from test_acting import PHONE, counts_fit, focus_on, middle, module, play_a_while, press, words

from dpnotes import crp, exact, measures, process
from dpnotes.clusters import NumClusters

pytestmark = pytest.mark.book

COIN = measures.Discrete([0, 1], [0.5, 0.5])
BALLS = 199
BEGUN = [1, 1, 0, 1]


def in_tenths(law):
    """The law of a number up to BALLS in ten classes of twenty numbers each."""
    return np.reshape(law, (10, 20)).sum(axis=1)


@pytest.mark.parametrize("alpha", [0.2, 2.0, 20.0])
@pytest.mark.parametrize("begun", [[], BEGUN])
def test_the_next_ball_and_the_end_have_the_exact_law(open_figure, alpha, begun):
    page, _ = open_figure("urn")
    chances, law = module(
        page,
        "urn",
        """const state = f.start(1, args[0]);
        for (const value of args[1]) f.step(state, { value, fresh: false });
        return [f.chances(state), f.lawOfShare(state)];""",
        alpha,
        begun,
    )
    joint = [process.joint_prob([*begun, value], alpha, COIN) for value in (0, 1)]
    np.testing.assert_allclose(
        [chances[0] + chances[1], chances[2] + chances[3]], joint / np.sum(joint), rtol=1e-12
    )
    fresh = alpha / 2 / (alpha + len(begun))
    np.testing.assert_allclose([chances[0], chances[3]], fresh, rtol=1e-12)
    ones, more = sum(begun), BALLS - len(begun)
    last = stats.betabinom(more, alpha / 2 + ones, alpha / 2 + len(begun) - ones)
    expected = in_tenths(last.pmf(np.arange(BALLS + 1) - ones))
    np.testing.assert_allclose(law, expected, atol=1e-12)


URN = """const state = f.start(1, args[0]);
    for (const value of args[1]) f.step(state, { value, fresh: false });
    while (state.runs < args[2]) f.go(state);
    return [state.counts, state.law];"""


@pytest.mark.parametrize(("alpha", "begun"), [(2.0, []), (1.0, BEGUN)])
def test_the_runs_end_by_the_exact_law_and_not_near_the_base(open_figure, alpha, begun):
    page, _ = open_figure("urn")
    counts, law = module(page, "urn", URN, alpha, begun, 5000)
    assert sum(counts) == 5000 and counts_fit(counts, law) > 0.001
    # What draws from H itself would do.
    assert in_tenths(stats.binom(BALLS, 0.5).pmf(np.arange(BALLS + 1)))[4:6].sum() > 0.99
    assert sum(counts[4:6]) / 5000 < 0.4


def test_the_urn_is_used_by_keyboard(open_figure):
    page, box = open_figure("urn")
    assert words(box).startswith("The first ball is a 1 with chance 50 %")
    for name in ("Put in a 1", "Put in a 1", "Put in a 0"):
        press(page, box, name)
    # (1 + 2) / (2 + 3), and 1 / (2 + 3) of it fresh.
    said = "The urn has 3 balls, 2 of them 1. The next ball is a 1 with chance 60 %"
    assert words(box).startswith(said)
    assert "40 % as a copy, 20 % fresh" in words(box)
    assert box.locator("g.ball").count() == 3
    box.get_by_role("slider").focus()
    page.keyboard.press("ArrowRight")
    assert box.get_by_role("slider").get_attribute("aria-valuetext") == "5"
    # (2.5 + 2) / (5 + 3)
    assert "chance 56 %" in words(box)
    press(page, box, "Draw a ball")
    assert words(box).startswith("The urn has 4 balls")
    press(page, box, "Play on")
    box.locator(".acting-words", has_text="from 4 balls").wait_for()
    press(page, box, "Pause")
    assert re.search(r"[\d,]+ runs? from 4 balls to 199: the share", words(box))
    press(page, box, "Empty it")
    assert words(box).startswith("The first ball") and box.locator("g.ball").count() == 0


# Pause is pressed as soon as the eighth ball is announced, however slow the machine is.
PAUSE_AT_BALL_8 = """(box) => {
    const svg = box.querySelector("svg");
    new MutationObserver((_, watch) => {
        if (!/Ball 8\\b/.test(svg.textContent)) return;
        watch.disconnect();
        [...box.querySelectorAll("button")].find((b) => b.textContent === "Pause").click();
    }).observe(svg, { subtree: true, childList: true, characterData: true });
}"""


def test_what_is_said_in_a_run_that_is_halted_is_of_the_balls_that_are_seen(open_figure):
    page, box = open_figure("urn")
    for _ in range(2):
        press(page, box, "Draw a ball")
    box.evaluate(PAUSE_AT_BALL_8)
    press(page, box, "Play on")
    box.locator("svg", has_text="Ball 8").wait_for()
    assert box.get_by_role("button", name="Play on").get_attribute("aria-pressed") == "false"

    def seen():
        return int(re.search(r"Ball (\d+)", box.locator("svg").text_content())[1]) - 1

    balls = seen()
    assert balls == 7 and words(box).startswith(f"The urn has {balls} balls, ")
    # They belong to the urn that the reader goes on with.
    press(page, box, "Put in a 0")
    assert seen() == balls + 1 and words(box).startswith(f"The urn has {balls + 1} balls, ")


def test_no_class_is_wider_than_another(open_figure):
    page, _ = open_figure("urn")
    # For alpha = 2 every share has the same probability.
    law = module(page, "urn", "return f.lawOfShare(f.start(1, 2));")
    np.testing.assert_allclose(law, 0.1, rtol=1e-12)


def test_the_urn_is_used_by_finger(open_figure):
    _, box = open_figure("urn", has_touch=True, is_mobile=True, **PHONE)
    box.get_by_role("button", name="Put in a 0").tap()
    assert words(box).startswith("The urn has 1 ball, 0 of them 1")
    width = [
        float(w)
        for w in box.locator("rect.part").evaluate_all("a => a.map(r => r.getAttribute('width'))")
    ]
    np.testing.assert_allclose(width, np.array([1, 1, 0, 1]) / 3 * 344, atol=0.06)


# The restaurant.


@pytest.mark.parametrize("alpha", [0.1, 1.0, 10.0])
def test_the_chances_and_the_law_of_tables_are_the_packages(open_figure, alpha):
    page, _ = open_figure("restaurant")
    sizes = [3, 1, 2]
    chances, law, mean = module(
        page,
        "restaurant",
        "return [f.chances(args[0], args[1]), f.lawOfK(8, args[1]), f.meanOfK(8, args[1])];",
        sizes,
        alpha,
    )
    np.testing.assert_allclose(chances, crp.seat_probs(sizes, alpha), rtol=1e-12)
    number = NumClusters(8, alpha)
    np.testing.assert_allclose(law, number.pmf(np.arange(9)), atol=1e-12)
    np.testing.assert_allclose(mean, number.mean(), rtol=1e-12)


# The partition of four customers, after every restaurant or every third round of lifting.
SEATED = """const state = f.start(1, args[0], args[1], 4);
    const seen = {};
    for (let t = 0; t < args[2]; t += 1) {
        for (let i = 0; i < args[3]; i += 1) f.round(state);
        const at = Array(4).fill(null);
        if (args[1] === "again") {
            // The one who is lifted sits down first.
            const i = state.waiting;
            f.place(state);
            state.waiting = i;
        }
        state.tables.forEach((table, k) => table.forEach((i) => (at[i] = k)));
        if (args[1] === "again") f.lift(state, state.waiting);
        seen[at.join("")] = (seen[at.join("")] ?? 0) + 1;
    }
    return [seen, state.counts, state.law];"""


def canonical(key):
    return "".join(str(list(dict.fromkeys(key)).index(z)) for z in key)


@pytest.mark.parametrize("mode", ["order", "again"])
def test_both_ways_of_seating_have_the_exact_law_of_partitions(open_figure, mode):
    page, _ = open_figure("restaurant")
    alpha = 2.0
    seen, counts, law = module(
        page, "restaurant", SEATED, alpha, mode, 6000, 1 + 2 * (mode == "again")
    )
    found = {}
    for key, count in seen.items():
        found[canonical(key)] = found.get(canonical(key), 0) + count
    partitions = ["".join(map(str, z)) for z in exact.set_partitions(4).tolist()]
    assert set(found) <= set(partitions) and len(partitions) == 15
    expected = [float(crp.eppf(np.bincount([int(z) for z in key]), alpha)) for key in partitions]
    assert counts_fit([found.get(key, 0) for key in partitions], expected) > 0.001
    # The picture's own count; successive rounds of lifting are dependent.
    if mode == "order":
        assert counts_fit(counts[1:], law[1:]) > 0.001
    else:
        assert np.abs(np.array(counts) / sum(counts) - law).max() < 0.02


def test_the_restaurant_is_used_by_keyboard(open_figure):
    page, box = open_figure("restaurant")
    assert words(box) == "Customer 1 comes in and finds 0 seated; a new table: 100 %."
    press(page, box, "Seat the customer")
    said = "Customer 2 comes in and finds 1 seated; table 1: 50 %, a new table: 50 %."
    assert words(box) == said
    # No line ends between a table and its number, or in a share.
    assert "table\u00a01:\u00a050\u00a0%," in box.locator(".acting-words").text_content()
    for _ in range(7):
        press(page, box, "Seat the customer")
    assert re.match(r"All 8 sit, at \d tables?\. After 1 restaurant the number", words(box))
    assert box.locator("g.customer").count() == 8
    press(page, box, "Next restaurant")
    assert words(box).startswith("Customer 1 comes in")
    box.get_by_label("in order").focus()
    page.keyboard.press("ArrowRight")
    assert words(box).startswith("Customer 1 stands up and finds 7 seated")
    focus_on(box, "g.customer[aria-label^='Customer 5']")
    page.keyboard.press("Enter")
    assert words(box).startswith("Customer 5 stands up and finds 7 seated")
    assert "rounds of lifting the number of tables averages" in play_a_while(page, box)


def test_whom_the_reader_lifts_is_not_counted(open_figure):
    page, box = open_figure("restaurant")
    box.get_by_label("lift anyone").check()
    for _ in range(8):
        press(page, box, "Seat the customer")
    assert "After 1 round of lifting" in words(box)
    box.locator("g.customer[aria-label^='Customer 5']").click()
    assert "of lifting" not in words(box)
    # From there on it is counted again.
    rounds, waiting = module(
        page,
        "restaurant",
        """const state = f.start(1, 1, "again");
        for (let i = 0; i < 5; i += 1) f.round(state);
        f.pick(state, 3);
        const { waiting } = state;
        f.round(state);
        return [state.rounds, waiting];""",
    )
    assert (rounds, waiting) == (1, 3)


def test_a_finger_reaches_each_customer_and_a_swipe_on_one_scrolls(open_figure):
    page, box = open_figure("restaurant", has_touch=True, is_mobile=True, **PHONE)
    box.get_by_label("lift anyone").check()
    crowded = 0
    for alpha in ("Home", "End"):
        box.get_by_role("slider").focus()
        page.keyboard.press(alpha)
        for _ in range(12):
            at = box.locator("g.customer").evaluate_all(
                """all => all.map((one) => { const r = one.getBoundingClientRect();
                    return [r.x + r.width / 2, r.y + r.height / 2, r.width]; })"""
            )
            at = np.array(at)
            assert len(at) == 7 and at[:, 2].min() >= 23.5
            far = np.hypot(*(at[:, None, :2] - at[None, :, :2]).transpose(2, 0, 1))
            # Circles of 24 pixels do not meet, but for the rounding of their places.
            assert far[~np.eye(7, dtype=bool)].min() > 23
            crowded = max(crowded, box.locator("circle.table").count())
            press(page, box, "Seat the customer")
    assert crowded >= 6
    customer = box.locator("g.customer").first
    assert customer.evaluate("one => getComputedStyle(one).touchAction") == "auto"
    page.evaluate("scrollTo(0, 0)")
    customer.scroll_into_view_if_needed()
    (x, y), scrolled = middle(customer), page.evaluate("scrollY")
    touch = page.context.new_cdp_session(page)
    touch.send("Input.synthesizeScrollGesture", {"x": x, "y": y, "yDistance": -120})
    assert page.evaluate("scrollY") > scrolled + 60


def test_a_customer_is_lifted_by_pointer_and_by_finger(open_figure):
    for options in ({}, {"has_touch": True, "is_mobile": True, **PHONE}):
        _, box = open_figure("restaurant", **options)
        assert box.locator("g.customer[role]").count() == 0
        box.get_by_label("lift anyone").check()
        customer = box.locator("g.customer[aria-label^='Customer 4']")
        assert min(customer.bounding_box()[side] for side in ("width", "height")) >= 24
        customer.tap() if options else customer.click()
        assert words(box).startswith("Customer 4 stands up")
        assert box.locator("g.customer[aria-label^='Customer 4']").count() == 0


def test_the_last_ball_of_a_run_is_left_to_chance(open_figure):
    page, _ = open_figure("urn")
    begun, runs, most = module(
        page,
        "urn",
        """const state = f.start(1);
        for (let i = 0; i < 250; i += 1) f.step(state, { value: 1, fresh: false });
        for (let i = 0; i < 5; i += 1) f.go(state);
        return [state.begun.length, state.runs, state.most];""",
    )
    assert (begun, runs) == (BALLS - 1, 5) and most <= BALLS
