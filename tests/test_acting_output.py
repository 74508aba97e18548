"""The figure to act on of partitions and their distances: numbers, laws, and use."""

import re

import numpy as np
import pytest
from test_acting import PHONE, counts_fit, focus_on, middle, module, press, words

from dpnotes import datasets, exact, partitions
from dpnotes.components import Gaussian
from dpnotes.mixture import DPMixture

pytestmark = pytest.mark.book

START = re.compile(r"From a to b: variation of information ([\d.]+), Binder’s loss ([\d.]+)\.")


@pytest.fixture(scope="module")
def posterior():
    """The posterior of the chapter."""
    return exact.posterior(DPMixture(1.0, Gaussian(0, 1, 0.01)), datasets.neal())


def test_the_posterior_and_the_distances_are_the_packages(open_figure, posterior):
    page, _ = open_figure("sampler-output")
    a, others = [0, 0, 1, 1, 1, 2, 2, 2, 3], posterior.labels[::500].tolist()
    points, rows, probs, vi, binder = module(
        page,
        "sampler-output",
        """const { rows, probs } = f.posterior();
        const to = (loss) => args[1].map((b) => f.DISTANCES[loss](args[0], b));
        return [f.POINTS, rows, probs, to("vi"), to("binder")];""",
        a,
        others,
    )
    assert points == datasets.neal().tolist()
    expected = {tuple(z): p for z, p in zip(posterior.labels, posterior.probs, strict=True)}
    assert len(rows) == len(expected)
    np.testing.assert_allclose(probs, [expected[tuple(z)] for z in rows], rtol=1e-10)
    np.testing.assert_allclose(vi, partitions.variation_of_information(a, others), atol=1e-10)
    np.testing.assert_allclose(binder, partitions.binder(a, others), atol=1e-10)


@pytest.mark.parametrize("loss", ["vi", "binder"])
def test_its_balls_hold_what_the_packages_do(open_figure, posterior, loss):
    page, _ = open_figure("sampler-output")
    a = posterior.labels[posterior.probs.argmax()]
    found, ball = module(
        page,
        "sampler-output",
        "const found = f.balls(args[0], args[1]); return [found, f.credible(found)];",
        a.tolist(),
        loss,
    )
    distance = {"vi": partitions.variation_of_information, "binder": partitions.binder}[loss]
    far = distance(a, posterior.labels)
    for each in found:
        inside = far <= each["radius"] + 1e-9
        assert each["count"] == inside.sum()
        np.testing.assert_allclose(each["mass"], posterior.probs[inside].sum(), atol=1e-10)
    expected = partitions.credible_ball(
        posterior.labels, a, weights=posterior.probs, loss=loss, level=0.95
    )
    np.testing.assert_allclose(ball["radius"], expected.radius, atol=1e-10)


def test_its_draws_have_the_posterior(open_figure, posterior):
    page, _ = open_figure("sampler-output")
    counts = module(
        page,
        "sampler-output",
        """const state = f.start(1);
        const { rows, at } = f.posterior();
        const counts = rows.map(() => 0);
        for (let t = 0; t < 2000; t += 1) {
            f.drawn(state);
            counts[at.get(state.b.join(""))] += 1;
        }
        return [rows, counts];""",
    )
    expected = {tuple(z): p for z, p in zip(posterior.labels, posterior.probs, strict=True)}
    assert counts_fit(counts[1], [expected[tuple(z)] for z in counts[0]]) > 0.001


def test_a_point_is_moved_by_keyboard_pointer_and_finger(open_figure):
    page, box = open_figure("sampler-output")
    before = START.match(words(box)).groups()
    assert float(before[0]) > 0
    focus_on(box, "g.b g.point")
    page.keyboard.press("Enter")
    assert START.match(words(box)).groups() != before
    press(page, box, "Start again")
    assert START.match(words(box)).groups() == before
    # The radius is of the distance that is chosen.
    radius = re.search(r"radius ([\d.]+)", words(box))[1]
    box.get_by_label("Binder’s loss").check()
    assert re.search(r"radius ([\d.]+)", words(box))[1] != radius
    for options in ({}, {"has_touch": True, "is_mobile": True, **PHONE}):
        page, box = open_figure("sampler-output", **options)
        before = words(box)
        x, y = middle(box.locator("g.a g.point").nth(7))
        (page.touchscreen.tap if options else page.mouse.click)(x, y)
        assert words(box) != before
