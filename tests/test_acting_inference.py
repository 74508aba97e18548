"""The figures to act on of mean field and mixtures: laws, numbers, and use."""

import re

import numpy as np
import pytest
from scipy import stats
from test_acting import (
    PHONE,
    counts_fit,
    drag,
    focus_on,
    module,
    play_a_while,
    press,
    swipe,
    words,
)

import dpnotes
from dpnotes import crp, datasets, exact, meanfield
from dpnotes.clusters import NumClusters
from dpnotes.components import Gaussian
from dpnotes.mixture import DPMixture

pytestmark = pytest.mark.book

# Mean field.

MODEL = DPMixture(1.0, Gaussian(mean=0, var=1, noise_var=0.01))
ASCENT = """const state = f.start(1, args[0]);
    f.finish(state);
    const { clusters, path } = state;
    return [f.DATA, path, clusters.map(({ a, b }) => [a, b]), clusters.map(({ r }) => r)];"""


@pytest.mark.parametrize("centres", [[-1.5, -1.1, 0.5], [-1.2, 0.1, 0.6], [1.0, -0.9, -1.4]])
def test_the_ascent_is_the_packages(open_figure, centres):
    page, _ = open_figure("mean-field")
    x, path, sticks, labels = module(page, "mean-field", ASCENT, centres)
    assert x == datasets.neal().tolist()
    init = np.abs(np.subtract.outer(x, centres)).argmin(axis=1)
    with pytest.warns(dpnotes.InferenceWarning, match="all 3 clusters are in use"):
        q = meanfield.fit(MODEL, x, truncation=3, init=init, rng=1)
    np.testing.assert_allclose(path[5::5], q.elbo, atol=1e-10)
    np.testing.assert_allclose(sticks, q.sticks, atol=1e-10)
    np.testing.assert_allclose(np.transpose(labels), q.responsibilities(x), atol=1e-10)
    # Each factor alone, too, does not lower the bound.
    assert np.diff(path).min() > -1e-12


def test_the_log_evidence_is_the_packages(open_figure):
    page, _ = open_figure("mean-field")
    found = module(page, "mean-field", "return f.logEvidence(f.DATA)")
    expected = exact.posterior(MODEL, datasets.neal()).log_evidence
    np.testing.assert_allclose(found, expected, atol=1e-10)


@pytest.mark.parametrize("centres", [[-1.5, -1.1, 0.5], [-1.3, -1.0, 0.5], [-1.45, -1.1, 0.4]])
def test_two_clusters_that_share_a_group_do_not_let_go_of_it(open_figure, centres):
    page, _ = open_figure("mean-field")
    end, best, means, left = module(
        page,
        "mean-field",
        """const [state, other] = [f.start(1, args[0]), f.start(1, [-1.2, 0.1, 0.6])];
        f.finish(state);
        f.finish(other);
        const { clusters } = state;
        // One of them alone is put to a point of the other groups.
        const left = [0, 1].flatMap((k) => [0.14, 0.51, 0.78].map((m) =>
            f.elbo(clusters.map((one) => (one.id === k ? { ...one, m } : one)))));
        const means = [0, 1].map((k) => clusters.find(({ id }) => id === k).m);
        return [state.path.at(-1), other.path.at(-1), means, left];""",
        centres,
    )
    # Where they stay is a local optimum.
    assert max(means) < -1 and end < best - 3
    assert max(left) < end


def test_an_ascent_is_used_by_keyboard_alone(open_figure):
    page, box = open_figure("mean-field")
    assert words(box).startswith("Each point has the nearest cluster")
    # Where the run begins is seen; an ELBO of -30.81 stands above the floor.
    now = box.locator("g.trace .now")
    beginning = float(now.get_attribute("cy"))
    assert 340 < beginning < 350
    for told in ("q(v), the sticks", "q(θ₁), cluster 1", "q(θ₂)", "q(θ₃)", "q(z), the labels"):
        press(page, box, "Step")
        assert words(box).startswith(told)
    for _ in range(15):
        press(page, box, "Step")
    assert "It may be a local optimum" in words(box)
    assert float(now.get_attribute("cy")) < beginning - 50
    assert box.get_by_role("button", name="Play").is_disabled()
    # A cluster is moved to where another run begins, which ends higher.
    handle = box.locator("g.handle")
    before = handle.nth(1).get_attribute("aria-valuetext")
    focus_on(box, "g.handle:nth-of-type(2)")
    for _ in range(7):
        page.keyboard.press("Shift+ArrowRight")
    assert handle.nth(1).get_attribute("aria-valuetext") != before
    assert words(box).startswith("Each point has the nearest cluster")
    press(page, box, "Play")
    box.get_by_text("No factor can be improved alone").wait_for()
    assert "No run of 2 ended higher" in words(box) and "−18.00" in words(box)
    assert box.locator("rect.seen").count() == 2
    press(page, box, "Begin elsewhere")
    assert words(box).startswith("Each point has the nearest cluster")
    press(page, box, "Play")
    box.get_by_text("It is a local optimum: another run ended 3.85 higher.").wait_for()
    assert box.locator("rect.seen").count() == 3


def test_a_cluster_without_points_hides_none_of_the_others(open_figure):
    page, box = open_figure("mean-field")
    press(page, box, "Begin elsewhere")
    press(page, box, "Play")
    box.get_by_text("No factor can be improved alone").wait_for()
    wide = box.locator("rect.wide").evaluate_all(
        "all => all.map(({ x, width }) => [x.baseVal.value, width.baseVal.value])"
    )
    left, width = np.transpose(wide)
    # The widest lies below, from end to end of the axis.
    assert width[0] > 300 > 100 > width[1] >= width[2]
    assert left.min() >= 15.9 and (left + width).max() <= 344.1


def number(text):
    """A number as it is printed, with its minus."""
    return float(text.replace("−", "-"))


def test_a_cluster_is_moved_by_pointer_and_by_finger(open_figure):
    page, box = open_figure("mean-field")
    press(page, box, "Step")
    first = box.locator("g.handle").first
    before = first.get_attribute("aria-valuetext")
    drag(page, first.locator(".grip"), 40)
    assert number(first.get_attribute("aria-valuetext")) > number(before) + 0.2
    assert words(box).startswith("Each point has the nearest cluster")
    page, box = open_figure("mean-field", has_touch=True, is_mobile=True, **PHONE)
    last = box.locator("g.handle").nth(2)
    before = last.get_attribute("aria-valuetext")
    swipe(page, last, -40)
    assert number(last.get_attribute("aria-valuetext")) < number(before) - 0.2


# Mixtures.

DRAWS = """const state = f.start(args[0], args[1], args[2]);
    const [seen, variances] = [{}, []];
    while (state.runs < args[3]) {
        f.another(state);
        const { labels, x } = state.draw;
        const key = labels.slice(0, 4).join("");
        seen[key] = (seen[key] ?? 0) + 1;
        const mean = x.reduce((a, b) => a + b) / x.length;
        variances.push(x.reduce((a, b) => a + (b - mean) ** 2, 0) / (x.length - 1));
    }
    return [state.counts, seen, variances, state.law, f.spread(args[1], args[2])];"""


@pytest.mark.parametrize(("alpha", "scale"), [(0.5, 3.0), (4.0, 1.0)])
def test_draws_have_the_exact_law_whatever_the_scale(open_figure, alpha, scale):
    page, _ = open_figure("mixtures")
    runs = 4000
    counts, seen, variances, law, spread = module(page, "mixtures", DRAWS, 1, alpha, scale, runs)
    expected = NumClusters(40, alpha).pmf(np.arange(1, 41))
    np.testing.assert_allclose(law, expected, atol=1e-10)
    assert sum(counts) == runs and counts_fit(counts, expected) > 0.001
    # The first four points: all fifteen partitions.
    labels = exact.set_partitions(4)
    keys = ["".join(map(str, z)) for z in labels]
    assert set(seen) <= set(keys)
    probs = [np.exp(crp.log_eppf(np.bincount(z), alpha)) for z in labels]
    assert counts_fit([seen.get(key, 0) for key in keys], probs) > 0.001
    assert abs(np.mean(variances) - spread) < 4 * np.std(variances) / np.sqrt(runs)


def test_all_numbers_of_clusters_are_drawn_that_may_come(open_figure):
    _, box = open_figure("mixtures")
    drawn = box.locator("g.law rect.exact").count()
    assert drawn == 30 and NumClusters(40, 10.0).sf(drawn) < 1e-6


def test_the_scale_moves_no_point_to_another_cluster(open_figure):
    page, _ = open_figure("mixtures")
    draws = module(
        page,
        "mixtures",
        """const { numbers } = f.start(1);
        return [0.3, 1, 6].map((scale) => {
            const draw = f.drawn(numbers, 2, scale);
            return [draw, [-3, 0, 1.5].map((x) => f.density(draw, x)), f.peaks(draw)];
        });""",
    )
    for draw, heights, peaks in draws:
        assert draw["labels"] == draws[0][0]["labels"]
        sizes = np.bincount(draw["labels"])
        pdf = stats.norm(draw["theta"]).pdf(np.array([[-3], [0], [1.5]])) @ sizes / 40
        np.testing.assert_allclose(heights, pdf, rtol=1e-10)
        assert 1 <= peaks <= len(sizes)
    np.testing.assert_allclose(draws[2][0]["theta"], 6 * np.array(draws[1][0]["theta"]))
    assert draws[0][2] < draws[2][2]


@pytest.mark.parametrize("alpha", [0.3, 1.0, 10.0])
def test_a_narrow_base_measure_hides_clusters(open_figure, alpha):
    page, _ = open_figure("mixtures")
    shares = module(
        page,
        "mixtures",
        """return [1, 3, 6].map((scale) => {
            const state = f.start(1, args[0], scale);
            return Array.from({ length: 400 }, () => {
                f.another(state);
                return [f.peaks(state.draw), state.draw.theta.length];
            });
        });""",
        alpha,
    )
    # By the same random numbers, so that the differences vary little.
    peaks, clusters = np.moveaxis(np.array(shares), -1, 0)
    assert (clusters == clusters[0]).all()
    for more in (clusters[0] - peaks[2], peaks[2] - peaks[1], peaks[1] - peaks[0]):
        assert more.mean() > 4 * more.std() / 20


def chosen(box):
    return box.locator("g.begin").get_attribute("aria-valuetext")


def at(text):
    """Alpha and the scale, as numbers."""
    return np.array(re.findall(r"\d+\.\d+", text), float)


def test_a_mixture_is_drawn_by_keyboard_alone(open_figure):
    page, box = open_figure("mixtures")
    clusters = re.search(r"\d+ clusters?", words(box))[0]
    focus_on(box, "g.begin")
    for _ in range(4):
        page.keyboard.press("Shift+ArrowUp")
    # The largest scale leaves the clusters, a larger alpha makes more.
    assert chosen(box).startswith("α 1.00, scale 6") and clusters in words(box)
    page.keyboard.press("Shift+ArrowRight")
    page.keyboard.press("Shift+ArrowRight")
    assert not chosen(box).startswith("α 1.00") and "Move the grip" in words(box)
    press(page, box, "Draw again")
    k, peaks = map(
        int, re.search(r"(\d+) clusters?, and the density has (\d+)", words(box)).groups()
    )
    assert f"In 1 draw there are {k}.00 clusters" in words(box)
    assert f"and {peaks}.00 peaks" in words(box)
    assert "whatever the scale" in play_a_while(page, box)


def test_alpha_and_the_scale_are_moved_by_pointer_and_by_finger(open_figure):
    page, box = open_figure("mixtures")
    press(page, box, "Draw again")
    before = chosen(box)
    drag(page, box.locator("g.begin .grip"), 20, -30)
    assert (at(chosen(box)) > at(before)).all() and "Move the grip" in words(box)
    frame = box.locator("rect.frame").bounding_box()
    page.mouse.click(frame["x"] + 10, frame["y"] + 10)
    assert chosen(box).startswith("α 0.1")
    page, box = open_figure("mixtures", has_touch=True, is_mobile=True, **PHONE)
    before = chosen(box)
    swipe(page, box.locator("g.begin"), 15, -25)
    assert (at(chosen(box)) > at(before)).all()
