"""The figures to act on of a draw of G and of its masses: laws, numbers, and use."""

import re

import numpy as np
import pytest
from scipy import integrate, stats
from test_acting import (
    PHONE,
    counts_fit,
    drag,
    focus_on,
    middle,
    module,
    play_a_while,
    press,
    swipe,
    words,
)

from dpnotes import process, sticks

pytestmark = pytest.mark.book

NORMAL = stats.norm()


def test_the_distribution_functions_are_those_of_scipy(open_figure):
    page, _ = open_figure("definition")
    x = [-8.5, -3.0, -0.5, 0.0, 1.0, 7.0]
    shapes = [(0.01, 0.5), (0.5, 0.5), (1.0, 2.0), (3.0, 40.0), (200.0, 0.3), (500.0, 500.0)]
    at = [1e-6, 0.01, 0.3, 0.5, 0.77, 0.999]
    found = module(
        page,
        "definition",
        """const s = await import(new URL("_static/acting.mjs", new URL("..", location)));
        const [x, shapes, at] = args;
        return [
            x.map(s.normalCdf),
            shapes.map(([a, b]) => at.map((p) => s.betaCdf(p, a, b))),
            shapes.slice(1).map(([a, b]) => s.betaQuantile(0.3, a, b)),
            s.betaCells(4, 2, 3),
        ];""",
        x,
        shapes,
        at,
    )
    np.testing.assert_allclose(found[0], NORMAL.cdf(x), atol=1e-14)
    expected = [stats.beta.cdf(at, a, b) for a, b in shapes]
    np.testing.assert_allclose(found[1], expected, atol=1e-11)
    np.testing.assert_allclose(found[2], [stats.beta.ppf(0.3, *s) for s in shapes[1:]], atol=1e-11)
    np.testing.assert_allclose(found[3], np.diff(stats.beta.cdf(np.linspace(0, 1, 5), 2, 3)))


# Stick-breaking.


@pytest.mark.parametrize("alpha", [0.2, 1.0, 4.0])
def test_pieces_and_their_number_are_the_packages(open_figure, alpha):
    page, _ = open_figure("stick-breaking")
    shares = [0.3, 0.6, 0.25]
    pieces, law, mean, longer = module(
        page,
        "stick-breaking",
        """return [f.weights(args[0]), f.lawOfPieces(args[1]), f.meanOfPieces(args[1]),
            f.secondLonger(args[1])];""",
        shares,
        alpha,
    )
    np.testing.assert_allclose(pieces, sticks.weights(shares)[:3], rtol=1e-12)
    more = stats.poisson(alpha * np.log(20))
    expected = np.append(more.pmf(np.arange(-1, 23)), more.sf(22))
    np.testing.assert_allclose(law, expected, atol=1e-12)
    np.testing.assert_allclose(mean, 1 + more.mean(), rtol=1e-12)

    # Piece 1 is shorter than piece 2 if v_2 > v_1 / (1 - v_1), which has (1 - that) ** alpha.
    def shorter(v):
        return alpha * (1 - v) ** (alpha - 1) * ((1 - 2 * v) / (1 - v)) ** alpha

    # Midpoints leave an error of the square of the cell, 1 / 2000, times a few times alpha.
    np.testing.assert_allclose(longer, integrate.quad(shorter, 0, 0.5)[0], atol=1e-5)


STICKS = """const state = f.start(1, args[0]);
    while (state.sticks < args[1]) f.stick(state);
    return [state.counts, state.law, state.longer, f.secondLonger(args[0])];"""


def test_drawn_sticks_take_as_many_pieces_as_they_should(open_figure):
    page, _ = open_figure("stick-breaking")
    counts, law, longer, exactly = module(page, "stick-breaking", STICKS, 2.0, 10_000)
    assert counts_fit(counts[1:], law[1:]) > 0.001
    assert stats.binomtest(int(longer), 10_000, exactly).pvalue > 0.001


def share(handle):
    return handle.get_attribute("aria-valuetext").replace("\N{NO-BREAK SPACE}", " ")


def test_the_stick_is_broken_by_keyboard(open_figure):
    page, box = open_figure("stick-breaking")
    assert words(box) == "Where do you break the stick?"
    focus_on(box, "g.handle")
    handle = box.locator("g.handle")
    assert share(handle) == "50 % of what is left"
    page.keyboard.press("Shift+ArrowLeft")
    assert share(handle) == "45 % of what is left"
    page.keyboard.press("Enter")
    assert words(box).startswith("Piece 1 is 45 % of what was left and 45 % of the stick; 55 % is")
    press(page, box, "Break it here")
    assert words(box).startswith("Piece 2 is 50 % of what was left and 28 % of the stick, shorter")
    # The law is not held against what a hand has broken.
    assert "average" not in words(box)
    assert box.locator("circle.share[fill='var(--figure-ground)']").count() == 2
    # Of what is left, however short, a key takes one in a hundred.
    focus_on(box, "g.handle")
    for key, percent in zip(["ArrowLeft", "ArrowUp", "ArrowUp"], (49, 50, 51), strict=True):
        page.keyboard.press(key)
        assert share(handle) == f"{percent} % of what is left"
    for key in ["Shift+ArrowRight"] * 7 + [" "]:
        page.keyboard.press(key)
    assert "3 pieces left at most 5 %" in words(box)
    assert handle.count() == 0 and box.get_by_role("button", name="Draw a share").is_disabled()
    press(page, box, "A new stick")
    assert words(box) == "Where do you break the stick?"
    said = play_a_while(page, box)
    assert re.search(r"sticks? took [\d.]+ pieces on average, exactly 4\.00", said)


def test_what_a_hand_breaks_off_is_not_held_against_the_law(open_figure):
    page, _ = open_figure("stick-breaking")
    said, drawn = module(
        page,
        "stick-breaking",
        """const state = f.start(1, 2);
        const said = [];
        for (const hand of [0.1, null, 0.02, null, 0.01]) {
            if (hand) f.snap(state, hand);
            else f.drawOne(state);
            said.push(f.words(state));
        }
        return [said, [state.shares[1], state.shares[3]]];""",
    )
    counted = [
        re.findall(r"(\d) drawn shares average ([\d.]+), exactly 0\.33", one) for one in said
    ]
    # Nor is one alone.
    assert counted == [[], [], [], *[[("2", f"{np.mean(drawn):.2f}")]] * 2]


def test_the_stick_is_broken_by_pointer_and_by_finger(open_figure):
    for options in ({}, {"has_touch": True, "is_mobile": True, **PHONE}):
        page, box = open_figure("stick-breaking", **options)
        handle = box.locator("g.handle")
        before = share(handle)
        (swipe if options else drag)(page, handle, 40)
        assert share(handle) != before == "50 % of what is left"
        broken = share(handle).split()[0]
        box.get_by_role("button", name="Break it here").click()
        assert words(box).startswith(f"Piece 1 is {broken} %")


# Definition.


def test_the_masses_of_a_draw_add_up_and_fit_the_law_whatever_the_cut(open_figure):
    page, _ = open_figure("definition")
    alpha, cuts = 2.0, [[-0.5, 0.7], [-2.0, -0.6], [0.4, 2.5]]
    found = module(
        page,
        "definition",
        """const state = f.start(1, args[0], args[1][0]);
        while (state.draws.length < 3000) f.another(state);
        return args[1].map((cuts) => {
            state.cuts = cuts;
            f.recount(state);
            const masses = state.draws.map((g) => f.masses(g, cuts));
            return [f.base(cuts), state.counts, state.law, masses, state.total];
        });""",
        alpha,
        cuts,
    )
    edges = np.linspace(0, 1, 11)
    for cut, (base, counts, law, masses, total) in zip(cuts, found, strict=True):
        a = process.DirichletProcess(alpha, NORMAL).marginal(cut).a
        np.testing.assert_allclose(np.array(base) * alpha, a, atol=1e-12)
        np.testing.assert_allclose(
            law, np.diff(stats.beta(a[1], alpha - a[1]).cdf(edges)), atol=1e-11
        )
        masses = np.clip(masses, 0, 1)
        np.testing.assert_allclose(masses.sum(axis=1), 1)
        np.testing.assert_allclose(total, masses[:, 1].sum())
        assert counts_fit(counts, law) > 0.001
        # The other cells, and how the masses vary together.
        for k in (0, 2):
            seen = np.histogram(masses[:, k], edges)[0]
            cells = np.diff(stats.beta(a[k], alpha - a[k]).cdf(edges))
            assert counts_fit(seen, cells) > 0.001
        products = masses[:, 0] * masses[:, 1]
        error = products.std() / len(products) ** 0.5
        assert abs(products.mean() - a[0] * a[1] / (alpha * (alpha + 1))) < 4 * error


def test_the_cuts_are_moved_by_keyboard(open_figure):
    page, box = open_figure("definition")
    assert words(box).startswith("B, from −0.50 to 0.70, has mass")
    focus_on(box, "g.handle[aria-label='right cut']")
    page.keyboard.press("Shift+ArrowRight")
    # Twenty of 344 units for six of x.
    assert words(box).startswith("B, from −0.50 to 1.05, has mass")
    assert words(box).endswith("added up anew.")
    for _ in range(10):
        page.keyboard.press("Shift+ArrowLeft")
    # The cuts never pass each other.
    assert words(box).startswith("B, from −0.50 to −0.40, has mass")
    press(page, box, "Draw another G")
    assert "In 2 draws G(B) averages" in words(box)
    assert re.search(r"In [\d,]+ draws G\(B\) averages", play_a_while(page, box))
    draws = re.search(r"In ([\d,]+) draws", words(box))[1]
    focus_on(box, "g.handle[aria-label='left cut']")
    page.keyboard.press("ArrowLeft")
    assert f"In {draws} draws" in words(box)


@pytest.mark.parametrize("kind", ["definition", "posterior"])
def test_an_end_is_moved_by_pointer_and_by_finger(open_figure, kind):
    for options in ({}, {"has_touch": True, "is_mobile": True, **PHONE}):
        page, box = open_figure(kind, **options)
        grip = box.locator("g.handle").nth(1).locator(".grip")
        value = box.locator("g.handle").nth(1).get_attribute("aria-valuetext")
        (swipe_grip if options else drag)(page, grip, 30)
        now = box.locator("g.handle").nth(1).get_attribute("aria-valuetext")
        assert float(now) > float(value) and now in words(box)


def swipe_grip(page, grip, dx):
    """Swipe from a grip, whose reach is that of its handle."""
    swipe(page, grip.locator(".."), dx)


# Posterior.

DATA = [0.3, -1.2, 0.3, 0.8, 2.0]


@pytest.mark.parametrize("data", [[], DATA])
def test_mean_and_band_are_those_of_the_posterior(open_figure, data):
    page, box = open_figure("posterior")
    alpha, x, ends = 2.0, [-1.0, 0.3, 0.5], [0.3, 0.9]
    up, before, mass = module(
        page,
        "posterior",
        """const state = f.start(1, args[0], args[1], args[3]);
        return [args[2].map((x) => f.upTo(state, x)), f.upTo(state, 0.3, true), f.ofB(state)];""",
        alpha,
        data,
        x,
        ends,
    )
    posterior = process.DirichletProcess(alpha, NORMAL)
    if data:
        posterior = posterior.posterior(data)
    for t, law in zip(x, up, strict=True):
        np.testing.assert_allclose(law, posterior.marginal([t]).a, atol=1e-12)
    # Just before 0.3 the two draws there are still to come.
    expected = posterior.marginal([np.nextafter(0.3, 0)]).a
    np.testing.assert_allclose(before, expected, atol=1e-12)
    cells = posterior.marginal(ends).a
    np.testing.assert_allclose(mass, [cells[1], cells[0] + cells[2]], atol=1e-12)


def test_data_are_dropped_dragged_and_taken_away(open_figure):
    page, box = open_figure("posterior")
    assert words(box).startswith("No data: G(B), B from 0.00 to 0.80")
    press(page, box, "Drop a datum")
    assert words(box).startswith("1 draw of G")
    focus_on(box, "g.datum")
    said = []
    for _ in range(12):
        page.keyboard.press("Shift+ArrowRight")
        said.append(words(box))
    # At the end of the line, outside B: the mean is alpha H(B) / (alpha + 1).
    h = NORMAL.cdf(0.8) - 0.5
    assert f"has mean {2 * h / 3:.3f}" in said[-1] and "at 3.00, lies outside B" in said[-1]
    # Outside B it does not matter where it lies; inside, it adds one.
    means = {re.search(r"has mean ([\d.]+)", each)[1] for each in said if "outside" in each}
    assert means == {f"{2 * h / 3:.3f}"}
    for each in said:
        where = "outside" if "outside" in each else "inside"
        assert f"lies {where} B; without it the mean would be {h:.3f}." in each
        assert each.endswith(f"Anywhere else {where} B it would count the same.")
    inside = module(page, "posterior", "return f.ofB(f.start(1, 2, [0.5]));")
    np.testing.assert_allclose(inside, [2 * h + 1, 2 * (1 - h)])
    page.keyboard.press("Delete")
    assert words(box).startswith("No data")
    press(page, box, "Play")
    # So slowly that each is seen.
    page.wait_for_timeout(1000)
    assert 3 <= box.locator("g.datum").count() <= 10
    box.locator(".acting-words", has_text="60 draws of G").wait_for()
    assert box.locator("g.datum").count() == 60
    for name in ("Drop a datum", "Play"):
        assert box.get_by_role("button", name=name).is_disabled()
    press(page, box, "Clear")
    assert box.locator("g.datum").count() == 0
    x, y = middle(box.locator("rect.frame"))
    page.mouse.click(x - 60, y)
    assert words(box).startswith("1 draw of G, 0 in B")
    drag(page, box.locator("g.datum"), 30)
    assert words(box).startswith("1 draw of G, 0 in B")


def test_a_datum_is_dropped_and_dragged_by_finger(open_figure):
    page, box = open_figure("posterior", has_touch=True, is_mobile=True, **PHONE)
    x, y = middle(box.locator("rect.frame"))
    page.touchscreen.tap(x - 60, y)
    before = box.locator("g.datum").get_attribute("aria-label")
    swipe(page, box.locator("g.datum"), -30)
    assert box.locator("g.datum").get_attribute("aria-label") != before
    assert words(box).startswith("1 draw of G, 0 in B")
    # Another inside B; the first one is chosen, and taken out.
    inside = box.locator("g.handle").evaluate_all(
        "all => all.map((one) => one.querySelector('.grip').getBoundingClientRect().x)"
    )
    page.touchscreen.tap(np.mean(inside) + 8, y)
    assert words(box).startswith("2 draws of G, 1 in B") and "lies inside B" in words(box)
    box.locator("g.datum").first.tap()
    assert words(box).startswith("2 draws of G, 1 in B") and "lies outside B" in words(box)
    taken = box.get_by_role("button", name="Take out the orange one")
    taken.tap()
    assert words(box).startswith("1 draw of G, 1 in B") and "lies inside B" in words(box)
    taken.tap()
    assert words(box).startswith("No data") and taken.is_disabled()


def test_random_data_come_from_the_two_humps(open_figure):
    page, _ = open_figure("posterior")
    drawn = module(
        page,
        "posterior",
        """const { random } = f.start(1);
        return Array.from({ length: 3000 }, () => f.fromHumps(random));""",
    )

    def cdf(x):
        return 0.4 * stats.norm(-1.5, 0.4).cdf(x) + 0.6 * stats.norm(1.0, 0.4).cdf(x)

    assert stats.kstest(drawn, cdf).pvalue > 0.001


# The Dirichlet distribution.


@pytest.mark.parametrize(
    ("mean", "total"), [((0.5, 0.3, 0.2), 1.0), ((0.2, 0.2, 0.6), 30.0), ((0.8, 0.1, 0.1), 0.3)]
)
def test_draws_on_the_triangle_have_the_exact_law(open_figure, mean, total):
    page, _ = open_figure("dirichlet-distribution")
    n = 6000
    g, counts, law, mostly, exactly = module(
        page,
        "dirichlet-distribution",
        """const state = f.start(1, args[0], args[1], 0);
        const g = [];
        for (let i = 0; i < args[2]; i += 1) {
            f.another(state);
            g.push(state.shown.at(-1));
        }
        return [g, state.counts, state.law, state.mostly, f.lopsided(state.a)];""",
        mean,
        total,
        n,
    )
    a, g = np.array(mean) * total, np.array(g)
    np.testing.assert_allclose(
        law, np.diff(stats.beta(a[0], total - a[0]).cdf(np.linspace(0, 1, 11))), atol=1e-11
    )
    assert counts_fit(counts, law) > 0.001
    assert mostly == (g.max(axis=1) > 0.9).sum()
    np.testing.assert_allclose(
        exactly, sum(stats.beta.sf(0.9, x, total - x) for x in a), atol=1e-11
    )
    if exactly > 1e-3:
        assert stats.binomtest(int(mostly), n, exactly).pvalue > 0.001
    # The other two coordinates, and a mixed moment.
    np.testing.assert_allclose(g.sum(axis=1), 1)
    exact = process.Dirichlet(a)
    for powers in ([0, 1, 0], [0, 2, 0], [0, 1, 1], [1, 1, 0], [0, 0, 2]):
        values = np.prod(g**powers, axis=1)
        error = values.std() / n**0.5
        assert abs(values.mean() - float(exact.moment(powers))) < 4 * error


def test_the_mean_is_moved_by_keyboard_and_the_total_changes_the_draws_alone(open_figure):
    page, box = open_figure("dirichlet-distribution")
    assert words(box).startswith("Parameters (1.00, 1.00, 1.00): the mean is (0.33, 0.33, 0.33)")
    box.get_by_label("total").focus()
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    assert words(box).startswith("Parameters (0.10, 0.10, 0.10): the mean is (0.33, 0.33, 0.33)")
    most = 300 * stats.beta.sf(0.9, 0.1, 0.2)
    assert f"exactly {most:.1f} %" in words(box)
    focus_on(box, "g.point")
    page.keyboard.press("Shift+ArrowUp")
    # Twenty of the triangle's height of 210.
    g = (1 / 3 + 20 / 210, 1 / 3 - 10 / 210)
    assert f"the mean is ({g[0]:.2f}, {g[1]:.2f}, {g[1]:.2f})" in words(box)
    press(page, box, "Draw one")
    assert "that of 201 draws" in words(box)
    assert re.search(r"that of [\d,]+ draws", play_a_while(page, box))
    press(page, box, "Mean to the middle")
    assert "the mean is (0.33, 0.33, 0.33), that of 200 draws" in words(box)


def test_the_mean_is_moved_by_pointer_and_by_finger(open_figure):
    for options in ({}, {"has_touch": True, "is_mobile": True, **PHONE}):
        page, box = open_figure("dirichlet-distribution", **options)
        before = words(box)
        (swipe if options else drag)(page, box.locator("g.point"), 25, -20)
        assert words(box) != before and "the mean is (0.33, 0.33, 0.33)" not in words(box)
        # Not beyond the edge.
        (swipe if options else drag)(page, box.locator("g.point"), 300, 20)
        assert re.search(r"the mean is \(0\.\d\d, 0\.0[12], 0\.", words(box))


def test_the_longest_class_says_that_it_holds_more(open_figure):
    page, box = open_figure("stick-breaking")
    bars = box.locator(".pieces rect.exact, g.pieces rect.exact")
    last = middle(box.locator("text.most"))
    assert box.locator("text.most").text_content() == "24+"
    assert abs(last[0] - middle(bars.last)[0]) < 10 and bars.count() == 24
    # The stick and the density below it have one scale.
    frame = box.locator("g.stick rect.frame").bounding_box()
    axis = box.locator("g.shares path.axis").bounding_box()
    np.testing.assert_allclose([frame["x"], frame["width"]], [axis["x"], axis["width"]], atol=1.5)
