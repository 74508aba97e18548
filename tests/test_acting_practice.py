"""The figures to act on of growth, gaps and the galaxies: laws, numbers, and use."""

import re

import numpy as np
import pytest
from scipy import special
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

from dpnotes import datasets, exact, tables
from dpnotes.clusters import NumClusters
from dpnotes.components import Gaussian, NormalInverseGamma, WithGaps
from dpnotes.mixture import DPMixture

pytestmark = pytest.mark.book

# Growth.


@pytest.mark.parametrize(("m", "alpha"), [(1, 0.5), (20, 2.0), (300, 10.0)])
def test_what_opens_later_completes_the_packages_law(open_figure, m, alpha):
    page, _ = open_figure("growth")
    laws, mean = module(
        page, "growth", "return [f.lawsFrom(args[0], args[1]), f.meanOfK(2000, args[1])];", m, alpha
    )
    np.testing.assert_allclose(mean, NumClusters(2000, alpha).mean(), rtol=1e-12)
    assert laws[0]["n"] == m and laws[-1]["n"] == 10_000 and len(laws) > 5
    before = NumClusters(m, alpha).pmf(np.arange(m + 1))
    for law in (laws[1], laws[len(laws) // 2], laws[-1]):
        # The tables of m customers and those that open later are independent.
        pmf = np.convolve(before, [0.0] * law["first"] + law["law"])
        expected = NumClusters(law["n"], alpha).pmf(np.arange(len(pmf)))
        np.testing.assert_allclose(pmf, expected, atol=1e-10)


PATHS = """const state = f.start(args[2], args[0], args[1]);
    while (state.runs < args[3]) f.run(state);
    return [state.counts, state.law, state.low, state.total, state.mean,
        f.quantile(state.laws.at(-1), 0.05), f.quantile(state.laws.at(-1), 0.95)];"""


@pytest.mark.parametrize(("m", "k", "alpha"), [(1, 1, 1.0), (30, 20, 2.0)])
def test_paths_end_by_the_exact_law_and_keep_their_lead(open_figure, m, k, alpha):
    page, _ = open_figure("growth")
    runs = 3000
    counts, law, low, total, mean, fifth, last = module(
        page, "growth", PATHS, alpha, {"m": m, "k": k}, 1, runs
    )
    assert sum(counts) == runs and counts_fit(counts, law) > 0.001
    lead = k - NumClusters(m, alpha).mean()
    law_end = NumClusters(10_000, alpha)
    np.testing.assert_allclose(mean, law_end.mean() + lead, rtol=1e-10)
    spread = np.sqrt(law_end.var() - NumClusters(m, alpha).var())
    assert abs(total / runs - mean) < 4 * spread / runs**0.5
    if m == 1:
        # From the first customer on it is the law of the package.
        ks = np.arange(low, low + len(law))
        expected = law_end.pmf(ks)
        expected[0] = law_end.cdf(low)
        expected[-1] = 1 - law_end.cdf(ks[-2])
        np.testing.assert_allclose(law, expected, atol=1e-10)
        assert law_end.cdf(1 + fifth) >= 0.05 > law_end.cdf(fifth)
        assert law_end.cdf(1 + last) >= 0.95 > law_end.cdf(last)


def test_the_beginning_is_moved_by_keyboard(open_figure):
    page, box = open_figure("growth")
    assert words(box) == (
        "1 customer sits at 1 table, as many as the mean. "
        "Customer 2 opens another with chance 67 %, however many there are."
    )
    focus_on(box, "g.begin")
    for key in ["Shift+ArrowRight", *["ArrowUp"] * 3]:
        page.keyboard.press(key)
    m, k = map(int, re.match(r"(\d+) customers sit at (\d+) tables", words(box)).groups())
    assert k == 4 and 5 <= m <= 40
    lead = 4 - 2 * (special.digamma(2 + m) - special.digamma(2))
    much = f"{abs(lead):.1f} {'more' if lead > 0 else 'fewer'} than the mean"
    assert f"{much}. Customer {m + 1} opens another" in words(box)
    press(page, box, "Next table")
    assert re.match(r"Customer [\d,]+ has opened table 5\. Customer", words(box))
    said = play_a_while(page, box)
    assert re.match(rf"[\d,]+ paths? from {m} customers at 4 tables, {much}", said)
    assert said.count(much) == 2
    press(page, box, "Start again")
    assert words(box).startswith(f"{m} customers sit at 4 tables")
    # Another concentration, of which the chances are.
    box.get_by_label("α").focus()
    page.keyboard.press("ArrowRight")
    assert f"opens another with chance {500 / (5 + m):.0f} %" in words(box)


def test_the_beginning_is_put_by_pointer_and_by_finger(open_figure):
    for options in ({}, {"has_touch": True, "is_mobile": True, **PHONE}):
        page, box = open_figure("growth", **options)
        before = words(box)
        (swipe if options else drag)(page, box.locator("g.begin"), 60, -60)
        m, k = map(int, re.match(r"(\d+) customers sit at (\d+) tables", words(box)).groups())
        assert words(box) != before and m > 5 and 1 < k <= m
        x, y = middle(box.locator("rect.frame"))
        (page.touchscreen.tap if options else page.mouse.click)(x, y)
        # In the middle of the logarithms stands a hundred, or as near as a pixel comes.
        m, k = map(int, re.match(r"(\d+) customers sit at (\d+) tables", words(box)).groups())
        assert 90 <= m <= 110 and k >= 14


# The galaxies.

PRIOR = {"alpha": 2.0, "width": 0.4, "apart": 4}


def model(alpha, width, apart):
    """The model of the chapter's section on sensitivity."""
    return DPMixture(alpha, NormalInverseGamma(0, (width / apart) ** 2, 6, 5 * width**2))


def test_the_galaxies_and_their_densities_are_the_packages(open_figure):
    page, _ = open_figure("in-practice")
    labels, at = np.arange(82) % 5 // 2, [-2.5, 0.1, 3.0]
    velocities, found, law = module(
        page,
        "in-practice",
        """const state = f.start(1, args[0]);
        state.labels = args[1];
        return [f.VELOCITIES, f.density(state, args[2]), state.law];""",
        PRIOR,
        labels.tolist(),
        at,
    )
    assert velocities == datasets.galaxies().tolist()
    z, dp = tables.standardise(datasets.galaxies())[0], model(**PRIOR)
    features = dp.component.features(z)
    s = np.array([features[labels == k].sum(axis=0) for k in range(3)] + [0 * features[0]])
    weights = np.append(np.bincount(labels), PRIOR["alpha"]) / (82 + PRIOR["alpha"])
    density = np.exp(dp.component.log_predictive(np.reshape(at, (-1, 1)), s)) @ weights
    np.testing.assert_allclose(found, density, rtol=1e-10)
    number = NumClusters(82, PRIOR["alpha"])
    np.testing.assert_allclose(law[:20], number.pmf(np.arange(20)), atol=1e-10)
    np.testing.assert_allclose(law[20], number.sf(19), atol=1e-10)


def test_its_sampler_has_the_exact_law_of_partitions(open_figure):
    page, _ = open_figure("in-practice")
    points = [-1.0, -0.6, 0.3, 1.1]
    prior = {"alpha": 1.5, "width": 0.4, "apart": 4}
    seen, counts, sweeps = module(
        page,
        "in-practice",
        """const state = f.start(1, args[0], args[1]);
        const seen = {};
        for (let t = 0; t < args[2]; t += 1) {
            for (let i = 0; i < 5; i += 1) f.sweep(state);
            const key = state.labels.join("");
            seen[key] = (seen[key] ?? 0) + 1;
        }
        return [seen, state.counts, state.sweeps];""",
        prior,
        points,
        6000,
    )
    posterior = exact.posterior(model(**prior), points)
    keys = ["".join(map(str, labels)) for labels in posterior.labels]
    assert set(seen) <= set(keys) and len(keys) == 15
    assert counts_fit([seen.get(key, 0) for key in keys], posterior.probs) > 0.001
    # What the bars count, after the first sweeps.
    assert sum(counts) == sweeps == 30_000 - 30
    assert np.abs(np.array(counts[:5]) / sweeps - posterior.num_clusters).max() < 0.02


def test_alpha_moves_the_number_of_clusters_and_hardly_the_density(open_figure):
    page, _ = open_figure("in-practice")
    few, many, moved = module(
        page,
        "in-practice",
        """const state = f.start(1, { alpha: 0.2, width: 0.2, apart: 1 });
        while (state.sweeps < 1500) f.sweep(state);
        f.change(state, { alpha: 4 });
        while (state.sweeps < 1500) f.sweep(state);
        const moved = Number(f.words(state).match(/moved by ([\\d.]+)/)[1]);
        return [state.before.mean, state.total / state.sweeps, moved];""",
    )
    assert many > 2 * few and moved < 6


LOOKED = """const all = [];
    for (const prior of args[0]) {
        const state = f.start(1, prior);
        for (let i = 0; i < 40; i += 1) {
            f.sweep(state);
            const looks = f.looks(state.labels);
            all.push([[...state.labels], state.labels.map((k) => looks.get(k))]);
        }
    }
    return all;"""


def test_clusters_side_by_side_look_different(open_figure):
    page, box = open_figure("in-practice")
    at = box.locator("circle.galaxy").evaluate_all(
        "all => all.map((c) => [c.cx.baseVal.value, c.cy.baseVal.value])"
    )
    far = np.hypot(*(np.array(at)[:, None] - np.array(at)[None]).transpose(2, 0, 1))
    # Neighbours on the line, and dots that touch, across a corner as well.
    near = (np.abs(np.subtract.outer(range(82), range(82))) == 1) | (far < 1.5 * far[far > 0].min())
    priors = [{"alpha": 4, "width": width, "apart": 1} for width in (0.1, 0.2)]
    numbers = []
    for labels, looks in map(np.array, module(page, "in-practice", LOOKED, priors)):
        numbers.append(labels.max() + 1)
        assert len(set(looks)) == min(9, numbers[-1])
        assert not (near & (labels[:, None] != labels) & (looks[:, None] == looks)).any()
    assert max(numbers) > 15
    # What looks differ in is drawn.
    for _ in range(4):
        press(page, box, "Sweep")
    seen = box.locator("circle.galaxy").evaluate_all(
        "all => all.map((c) => [c.getAttribute('fill'), c.getAttribute('stroke')].join())"
    )
    assert len(set(seen)) > 3


def test_the_galaxies_are_used_by_keyboard(open_figure):
    page, box = open_figure("in-practice")
    said = "α = 1, clusters 0.2 wide and 1 apart: 82 galaxies in"
    assert words(box) == f"{said} 1 cluster. Sweep, or play."
    press(page, box, "Sweep")
    assert re.fullmatch(rf"{said} \d+ clusters? after 1 sweep; the first 30 .*", words(box))
    assert box.locator("circle.galaxy").count() == 82
    press(page, box, "Play")
    box.locator(".acting-words", has_text=re.compile(r"in \d\d+ sweeps")).wait_for()
    press(page, box, "Pause")
    averaged = re.search(r"K averages ([\d.]+), in the prior 5\.0,", words(box))[1]
    box.get_by_label("apart").focus()
    for _ in range(2):
        page.keyboard.press("ArrowRight")
    assert words(box).startswith("α = 1, clusters 0.2 wide and 16 apart: 82 galaxies")
    said = play_a_while(page, box)
    assert f"Before the change K averaged {averaged}; the density has moved by" in said
    press(page, box, "Start again")
    assert words(box).endswith("82 galaxies in 1 cluster. Sweep, or play.")


def test_the_galaxies_are_used_by_finger(open_figure):
    _, box = open_figure("in-practice", has_touch=True, is_mobile=True, **PHONE)
    box.get_by_role("button", name="Sweep").tap()
    slider = box.get_by_label("α")
    at = slider.bounding_box()
    slider.tap(position={"x": at["width"] - 4, "y": at["height"] / 2})
    assert words(box).startswith("α = 4, clusters 0.2 wide and 1 apart")
    hues = set(box.locator("circle.galaxy").evaluate_all("a => a.map(c => c.getAttribute('fill'))"))
    assert len(hues) > 1


# A row with a gap.

ROWS = [[-1.9, -1.6], [-1.2, -1.9], [0.4, 1.2], [1.2, 1.9], [1.9, 1.4]]
OF = [0, 0, 0, 1, 1]


def joint(alpha, row):
    """The joint density of the rows and one more, in either cluster or in a new one."""
    gaussian = Gaussian([0, 0], 4.0, 0.25)
    dp = DPMixture(alpha, WithGaps(gaussian) if np.isnan(row).any() else gaussian)
    return np.exp([dp.log_joint([*ROWS, row], [*OF, k]) for k in range(3)])


@pytest.mark.parametrize(("alpha", "at"), [(1.0, -1.0), (5.0, 0.2)])
def test_a_gap_left_out_or_filled_has_the_chances_of_the_package(open_figure, alpha, at):
    page, _ = open_figure("other-kinds")
    gap, filled, mean, law = module(
        page,
        "other-kinds",
        """const state = f.start(1, args[0], args[1], args[2], args[3]);
        const mean = f.mean(state);
        return [f.chances(state), f.chances(state, mean), mean, state.law];""",
        alpha,
        at,
        ROWS,
        OF,
    )
    weights = joint(alpha, [at, np.nan])
    np.testing.assert_allclose(gap, weights / weights.sum(), rtol=1e-10)
    np.testing.assert_allclose(mean, np.mean(ROWS, axis=0)[1], rtol=1e-12)
    complete = joint(alpha, [at, mean])
    np.testing.assert_allclose(filled, complete / complete.sum(), rtol=1e-10)
    # The law of the gap in a cell is an integral of the joint density.
    nodes, of = np.polynomial.legendre.leggauss(12)
    edges = np.linspace(-4, 4, 21)
    for cell in (1, 5, 12):
        low, high = edges[cell : cell + 2]
        values = low + (high - low) * (nodes + 1) / 2
        total = sum(w * joint(alpha, [at, v]).sum() for v, w in zip(values, of, strict=True))
        expected = total * (high - low) / 2 / weights.sum()
        np.testing.assert_allclose(law[cell], expected, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(sum(law), 1)


def test_drawn_gaps_have_the_exact_law(open_figure):
    page, _ = open_figure("other-kinds")
    counts, law = module(
        page,
        "other-kinds",
        """const state = f.start(1, 2, 0.1);
        for (let i = 0; i < 5000; i += 1) f.drawn(state);
        return [state.counts, state.law];""",
    )
    assert sum(counts) == 5000 and counts_fit(counts, law) > 0.001


def told(box):
    """The chances of A, B and a new cluster, with the gap left out and filled in."""
    number = r"(?:under |over )?(\d+) %"
    of = rf"A {number}, B {number}, a new cluster {number}"
    return np.reshape(re.search(rf"{of}.*{of}", words(box)).groups(), (2, 3)).astype(int)


def test_the_row_with_a_gap_is_moved_by_keyboard(open_figure):
    page, box = open_figure("other-kinds")
    assert words(box).startswith("First value −1.00, the second a gap.")
    left_out, filled = told(box)
    # Left out it is one of A; filled in, it is of a new kind.
    assert left_out[0] > 80 and filled[2] > 60 > 10 > left_out[1]
    focus_on(box, "g.handle")
    for _ in range(4):
        page.keyboard.press("Shift+ArrowRight")
    # Eighty of 218 units for eight.
    assert words(box).startswith("First value 1.94, the second a gap.") and told(box)[0, 1] > 80
    press(page, box, "Draw the gap")
    assert "After 1 draw of it" in words(box) and box.locator("circle.spot").count() == 1
    assert re.search(r"After [\d,]+ draws of it", play_a_while(page, box))
    # A row of B is given to A.
    focus_on(box, "g.point[aria-label^='Row 5']")
    page.keyboard.press("Enter")
    row = box.locator("g.point").nth(4)
    assert row.get_attribute("aria-label") == "Row 5 at 2.1, 1.2, cluster A"
    page.keyboard.press("ArrowLeft")
    assert row.get_attribute("aria-label") == "Row 5 at 2.0, 1.2, cluster A"
    before = told(box)[0, 2]
    box.get_by_label("α").focus()
    page.keyboard.press("End")
    assert told(box)[0, 2] > before


def test_a_gap_beyond_the_frame_leaves_the_grip_free(open_figure):
    page, box = open_figure("other-kinds")
    shown = module(
        page,
        "other-kinds",
        """const { d3 } = await import(new URL("_static/acting.mjs", new URL("..", location)));
        const svg = d3.create("svg").attr("viewBox", "0 0 360 360").attr("width", 360);
        document.querySelector("article").prepend(svg.node());
        const box = (one) => {
            const { x, y, width, height } = one.getBoundingClientRect();
            return [x, y, x + width, y + height];
        };
        const state = f.start(1);
        return [-4, 0, 4].flatMap((at) => [4.6, -4.6, 1].map((last) => {
            f.draw(svg, Object.assign(state, { at, last }));
            const [grip, all] = [svg.select(".grip"), svg.selectAll(".last > *")];
            return { last, name: all.attr("class"), number: all.size(), grip: box(grip.node()),
                mark: box(all.node()), drawing: box(svg.node()) };
        }));""",
    )
    for one in shown:
        assert one["number"] == 1 and (one["name"] == "beyond") == (abs(one["last"]) > 4)
        (left, top, right, bottom), mark = one["grip"], one["mark"]
        assert mark[2] < left or mark[0] > right or mark[3] < top or mark[1] > bottom, one
        assert one["drawing"][0] <= mark[0] and mark[2] <= one["drawing"][2], one


def test_the_row_with_a_gap_is_moved_by_pointer_and_by_finger(open_figure):
    for options in ({}, {"has_touch": True, "is_mobile": True, **PHONE}):
        page, box = open_figure("other-kinds", **options)
        grip = box.locator("g.handle .grip")
        if options:
            swipe(page, box.locator("g.handle"), 30)
        else:
            drag(page, grip, 30)
        assert float(re.match(r"First value (−?[\d.]+),", words(box))[1].replace("−", "-")) > -0.5
        point = box.locator("g.point").nth(3)
        before = point.get_attribute("aria-label")
        (swipe if options else drag)(page, point, -20, 20)
        assert point.get_attribute("aria-label") != before and before.endswith("cluster B")
        (point.tap if options else point.click)()
        assert point.get_attribute("aria-label").endswith("cluster A")
