"""The figure to act on of how many clusters: evidence, BIC, the law of its data, and use."""

import re

import numpy as np
import pytest
from scipy import stats
from test_acting import PHONE, counts_fit, drag, focus_on, module, play_a_while, press, swipe, words

from dpnotes import selection

pytestmark = pytest.mark.book

COMPARED = """const [truth, sizes, samples] = args;
    const state = f.start(1, truth);
    const all = [];
    for (let i = 0; i < samples; i += 1) {
        if (i) f.other(state);
        for (const n of sizes) {
            const x = state.x.slice(0, n);
            const { ratios, highest, evidence, bic } = f.compare(x);
            all.push({ x, ratios, highest, evidence, bic });
        }
    }
    return all;"""


@pytest.mark.parametrize(
    ("apart", "share", "sizes", "accuracy"),
    [
        (0, 0.3, [10, 100], 1e-10),
        # Another rule for the inner integral, as right as the package's to 1e-5.
        (0, 0.3, [1000, 10_000], 1e-6),
        (1, 0.5, [32, 316], 1e-6),
        # Two groups, where the package is right to 1e-3.
        (2, 0.1, [100, 1000], 1e-4),
        (3, 0.5, [10, 3162], 1e-4),
    ],
)
def test_evidence_and_bic_are_the_packages(open_figure, apart, share, sizes, accuracy):
    page, _ = open_figure("how-many-clusters")
    truth = {"apart": apart, "share": share}
    for found in module(page, "how-many-clusters", COMPARED, truth, sizes, 1):
        x = np.array(found["x"])
        truth = stats.norm.logpdf(x).sum()
        evidence = [selection.log_evidence(x, k) for k in (1, 2)]
        highest = [selection.max_log_likelihood(x, k) for k in (1, 2)]
        np.testing.assert_allclose(found["ratios"], np.subtract(evidence, truth), atol=accuracy)
        np.testing.assert_allclose(found["highest"], np.subtract(highest, truth), atol=1e-8)
        one, two = (selection.bic(highest[k], 2 * k + 1, len(x)) for k in (0, 1))
        np.testing.assert_allclose(found["bic"], two - one, atol=1e-8)
        np.testing.assert_allclose(found["evidence"], evidence[1] - evidence[0], atol=accuracy)


@pytest.mark.parametrize(("seed", "n"), [(4, 316), (5, 100)])
def test_the_likelihood_is_highest_on_either_side(open_figure, seed, n):
    # In one of the samples the minor component's mean is above nought, in the other below; the
    # best on the wrong side is lower by more than a quarter.
    page, _ = open_figure("how-many-clusters")
    x, highest, fit = module(
        page,
        "how-many-clusters",
        """const x = f.start(args[0]).x.slice(0, args[1]);
        const { highest, fits } = f.compare(x);
        return [x, highest, fits[1]];""",
        seed,
        n,
    )
    truth = stats.norm.logpdf(x).sum()
    share, one, other = fit
    assert (min((share, one), (1 - share, other))[1] > 0) == (seed == 4)
    np.testing.assert_allclose(highest[1] + truth, selection.max_log_likelihood(x, 2), atol=1e-8)


@pytest.mark.parametrize(("apart", "share"), [(0, 0.5), (2, 0.1), (3, 0.3)])
def test_the_data_have_their_law(open_figure, apart, share):
    page, _ = open_figure("how-many-clusters")
    x = module(
        page, "how-many-clusters", "return f.start(1, args[0]).x", {"apart": apart, "share": share}
    )
    edges = [-np.inf, *np.arange(-3, 3.1, 0.5), np.inf]
    of = share * stats.norm(apart / 2).cdf(edges) + (1 - share) * stats.norm(-apart / 2).cdf(edges)
    assert len(x) == 10_000
    counts = np.histogram(x, [-100, *edges[1:-1], 100])[0]
    assert counts_fit(counts, np.diff(of)) > 0.001


def test_bic_takes_more_and_more_for_one_group(open_figure):
    page, _ = open_figure("how-many-clusters")
    one = {"apart": 0, "share": 0.3}
    found = module(page, "how-many-clusters", COMPARED, one, [100, 316, 10_000], 16)
    evidence, bic = (np.reshape([row[of] for row in found], (16, 3)) for of in ("evidence", "bic"))
    grown = (evidence - bic)[:, 2] - (evidence - bic)[:, 0]
    error = grown.std(ddof=1) / 4
    expected = 0.75 * np.log(100)
    assert abs(grown.mean() - expected) < 4 * error and error < expected / 8
    # BIC all but rules out what the evidence leaves open.
    assert np.median(1 / (1 + np.exp(-evidence[:, 1]))) > 0.2
    assert np.median(1 / (1 + np.exp(-bic[:, 1]))) < 0.01


@pytest.mark.parametrize("share", [0.1, 0.5])
def test_bic_takes_no_more_where_there_are_two_groups(open_figure, share):
    page, _ = open_figure("how-many-clusters")
    two = {"apart": 3, "share": share}
    found = module(page, "how-many-clusters", COMPARED, two, [1000, 10_000], 3)
    excess = np.reshape([row["evidence"] - row["bic"] for row in found], (3, 2))
    assert np.ptp(excess) < 0.5
    assert min(row["evidence"] for row in found) > 100


def odds(box):
    """The two that are marked, as the axis has them, to a tenth."""
    found = box.evaluate(
        """(box) => {
            const ticks = [...box.querySelectorAll("g.odds .tick")];
            const value = (t) => Number(t.textContent.replace("−", "-"));
            const level = (t) => Number(t.getAttribute("y")) - 4;
            const [low, high] = [ticks[0], ticks.at(-1)];
            const unit = (level(high) - level(low)) / (value(high) - value(low));
            return [".now", ".hollow"].map((name) => value(low)
                + (box.querySelector(`g.odds ${name}`).cy.baseVal.value - level(low)) / unit);
        }"""
    )
    return np.round(found, 1).tolist()


def size(box):
    return box.locator("g.handle").get_attribute("aria-valuetext")


def test_evidence_and_bic_are_compared_by_keyboard(open_figure):
    page, box = open_figure("how-many-clusters")
    first = (
        "10 data of one group: two components have the probability 41 % against one, by BIC 9.1 %;"
    )
    assert words(box).startswith(first) and words(box).endswith("Move the line, or play.")
    assert re.search(r"BIC takes 1\.\d\d too much", words(box))
    # The first odds are seen, too; of one group there are no shares.
    assert odds(box) == [-0.4, -2.3] and box.get_by_label("share").is_disabled()
    press(page, box, "More data")
    assert words(box).startswith("32 data of one group") and size(box) == "32 data"
    focus_on(box, "g.handle")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    assert size(box) == "316 data" and words(box).startswith("316 data")
    page.keyboard.press("ArrowLeft")
    assert size(box) == "100 data" and words(box).endswith("Move the line, or play.")
    page.keyboard.press("Shift+ArrowRight")
    assert size(box) == "10,000 data" and box.locator("path.faint").count() == 0
    assert re.search(
        r"From 100 to 10,000 data that grew by [\d.]+; three quarters .* 3\.45", words(box)
    )
    # Other data; those before stay.
    press(page, box, "More data")
    assert size(box) == "10 data" and box.locator("path.faint").count() == 2
    assert "three quarters" in play_a_while(page, box)
    press(page, box, "Other data")
    assert size(box) == "10 data"
    box.get_by_label("apart").focus()
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    assert words(box).startswith("10 data of two groups 3 apart, 30 % in one")
    assert box.locator("path.faint").count() == 0
    box.get_by_label("share").focus()
    page.keyboard.press("End")
    assert "50 % in one" in words(box)
    # Odds of e to the 1200 do not make a certainty.
    focus_on(box, "g.handle")
    page.keyboard.press("Shift+ArrowRight")
    assert "have the probability over 99.9 % against one, by BIC over 99.9 %" in words(box)


LINES = """(box) => ["two", "dashed"].map((name) => {
    const line = box.querySelector(`g.data path.${name}`);
    const { stroke, strokeWidth } = getComputedStyle(line);
    const place = [...box.querySelectorAll("g.data :is(path, rect)")].indexOf(line);
    return { stroke, width: parseFloat(strokeWidth), place };
})"""


def test_both_fits_are_seen_where_they_are_one(open_figure):
    page, box = open_figure("how-many-clusters")
    press(page, box, "More data")
    two, one = box.evaluate(LINES)
    # Over all bars, the dashed one lies on a wider one of another colour.
    assert two["place"] >= box.locator("g.data rect").count() > 5
    assert one["place"] > two["place"] and one["stroke"] != two["stroke"]
    assert two["width"] >= one["width"] + 2


def test_the_number_of_data_is_moved_by_pointer_and_by_finger(open_figure):
    for options in ({}, {"has_touch": True, "is_mobile": True, **PHONE}):
        page, box = open_figure("how-many-clusters", **options)
        handle = box.locator("g.handle")
        if options:
            swipe(page, handle, 100)
        else:
            drag(page, handle.locator(".grip"), 110)
        assert size(box) == "100 data" and words(box).startswith("100 data")
