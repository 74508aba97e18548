"""The figure to act on of a sampler's output: law, numbers, and use."""

import re

import numpy as np
import pytest
from test_acting import PHONE, counts_fit, focus_on, module, play_a_while, press, words

from dpnotes import datasets, exact, partitions
from dpnotes.components import Gaussian
from dpnotes.mixture import DPMixture

pytestmark = pytest.mark.book

# A report and its ball.

REPORT = [0, 0, 1, 1, 1, 2, 3, 3, 3]
LEFT = [0, 0, 1, 1, 1, 0, 3, 3, 3]  # the point that is alone, with the two leftmost
LOSSES = {"vi": partitions.variation_of_information, "binder": partitions.binder}


@pytest.fixture(scope="module")
def posterior():
    model = DPMixture(1.0, Gaussian(mean=0, var=1, noise_var=0.01))
    return exact.posterior(model, datasets.neal())


def test_the_posterior_and_the_distances_are_the_packages(open_figure, posterior):
    page, _ = open_figure("sampler-output")
    data, report, probs, vi, pairs = module(
        page,
        "sampler-output",
        """const { labels, probs } = f.ALL;
        const found = new Map(labels.map((one, i) => [one.join(""), probs[i]]));
        return [f.DATA, f.REPORT, args[0].map((labels) => found.get(labels.join(""))),
            args[0].map((one) => f.information(f.REPORT, one)),
            args[0].map((one) => f.disagreeing(f.REPORT, one))];""",
        posterior.labels.tolist(),
    )
    assert data == datasets.neal().tolist() and report == REPORT
    np.testing.assert_allclose(probs, posterior.probs, atol=1e-12)
    for found, loss in ((vi, LOSSES["vi"]), (np.divide(pairs, 36), LOSSES["binder"])):
        np.testing.assert_allclose(found, loss(REPORT, posterior.labels), atol=1e-12)


@pytest.mark.parametrize("loss", LOSSES)
def test_the_ball_is_the_packages(open_figure, posterior, loss):
    page, _ = open_figure("sampler-output")
    ball, ends = module(
        page,
        "sampler-output",
        "const ball = f.ball(args[0]); return [ball, args[1].map((d) => ball.place(d))];",
        loss,
        [0, 1e-6, 1.5],
    )
    expected = partitions.credible_ball(
        posterior.labels, REPORT, level=0.95, loss=loss, weights=posterior.probs
    )
    unit = 1 if loss == "vi" else 36
    np.testing.assert_allclose(ball["radius"], unit * expected.radius, rtol=1e-12)
    assert ball["partitions"] == expected.inside.sum()
    np.testing.assert_allclose(ball["held"], posterior.probs[expected.inside].sum(), atol=1e-12)
    # A class holds the distances up to its end, and the ball ends where one does.
    last = round(ball["radius"] / ball["width"])
    assert last == (10 if loss == "vi" else 8) and ends[:2] == [0, 1]
    np.testing.assert_allclose(sum(ball["law"][: last + 1]), ball["held"], atol=1e-12)
    np.testing.assert_allclose(sum(ball["law"]), 1)
    np.testing.assert_allclose(ball["law"][0], posterior.probs.max())


def test_draws_have_the_exact_law(open_figure, posterior):
    page, _ = open_figure("sampler-output")
    seen, counts, numbers, inside, law, held, common = module(
        page,
        "sampler-output",
        """const state = f.start(1);
        const seen = {};
        let common = true;
        for (let i = 0; i < 5000; i += 1) {
            f.another(state);
            const names = new Map();
            const name = (k) => names.set(k, names.get(k) ?? names.size).get(k);
            const key = state.other.map(name).join("");
            seen[key] = (seen[key] ?? 0) + 1;
            // Whoever is as in the report has the names of the report.
            common &&= key !== f.REPORT.join("") || state.other.join("") === f.REPORT.join("");
        }
        const { counts, numbers, inside, ball } = state;
        return [seen, counts, numbers, inside, ball.law, ball.held, common];""",
    )
    assert common
    keys = ["".join(map(str, labels)) for labels in posterior.labels]
    assert counts_fit([seen.get(key, 0) for key in keys], posterior.probs) > 0.001
    assert sum(counts) == 5000 and counts_fit(counts, law) > 0.001
    assert counts_fit(numbers, posterior.num_clusters) > 0.001
    assert abs(inside / 5000 - held) < 4 * np.sqrt(held * (1 - held) / 5000)


def test_what_its_caption_says(posterior):
    assert (posterior.labels[posterior.probs.argmax()] == REPORT).all()
    assert abs(posterior.probs.max() - 1 / 3) < 0.03
    assert abs(posterior.num_clusters[4] - 1 / 2) < 0.02
    left = (posterior.labels == partitions.canonical(LEFT)).all(axis=1)
    assert posterior.probs[left].item() < 1e-30
    ball = partitions.credible_ball(posterior.labels, REPORT, weights=posterior.probs)
    assert ball.inside[left].item()


def second(box):
    """The clusters of the nine points of the second partition."""
    labels = box.locator("g.point").evaluate_all("a => a.map(g => g.getAttribute('aria-label'))")
    return "".join(label[-1] for label in labels)


def test_a_partition_is_changed_by_keyboard(open_figure, posterior):
    page, box = open_figure("sampler-output")
    said = words(box)
    assert said.startswith("Yours is the report itself, of probability 31.3 %.")
    assert second(box) == "AABBBCDDD" and box.locator("path.arc").count() == 0
    # The point that is alone goes from cluster to cluster and comes back to its own.
    focus_on(box, "g.point[aria-label^='Point 6']")
    page.keyboard.press("Enter")
    assert second(box) == "AABBBDDDD" and box.locator("path.arc").count() == 3
    assert words(box).startswith(
        "Yours has 3 clusters and is 0.250 nats from the report, with 3 of 36 pairs different: "
        "inside the ball. Its probability is 0.2 %."
    )
    page.keyboard.press(" ")
    assert second(box) == "AABBBADDD" and "Its probability is under 0.1 %" in words(box)
    for labels in ("AABBBBDDD", "AABBBCDDD", "AABBBDDDD"):
        page.keyboard.press("Enter")
        assert second(box) == labels
    focus_on(box, "g.point[aria-label^='Point 3']")
    for _ in range(3):
        page.keyboard.press("Enter")
    assert second(box) == "AAABBDDDD" and "outside" not in words(box)
    z = [0, 0, 0, 1, 1, 3, 3, 3, 3]
    assert f"is {LOSSES['vi'](REPORT, z):.3f} nats from" in words(box)
    for name, told in {"in pairs": True, "distance in nats": False}.items():
        box.get_by_role("radio", name=name).focus()
        page.keyboard.press(" ")
        assert (f"is {36 * LOSSES['binder'](REPORT, z):.0f} of 36 pairs" in words(box)) == told
    press(page, box, "Draw")
    assert words(box).startswith("The draw") and words(box).endswith(
        "1 draw so far; of many, 96.0 % are inside, and 49 % have the report’s 4 clusters."
    )
    said = play_a_while(page, box)
    shares = "inside, exactly 96.0 %, and .* 4 clusters, exactly 49 %"
    assert re.search(rf"Of [\d,]+ draws .* {shares}", said)
    # What the reader does with a draw is the reader's, and not counted.
    focus_on(box, "g.point")
    page.keyboard.press("Enter")
    assert words(box).startswith("Yours") and words(box).endswith(said[said.index(" Of ") :])
    press(page, box, "Back to the report")
    assert second(box) == "AABBBCDDD" and "draws" not in words(box)


def test_a_partition_is_changed_by_pointer_and_by_finger(open_figure):
    for options in ({}, {"has_touch": True, "is_mobile": True, **PHONE}):
        _, box = open_figure("sampler-output", **options)
        point = box.locator("g.point").nth(5)
        at = point.bounding_box()
        assert min(at["width"], at["height"]) >= 24
        (point.tap if options else point.click)()
        assert second(box) == "AABBBDDDD"
        (point.tap if options else point.click)()
        assert second(box) == "AABBBADDD"
