"""What chapters 8 to 13 say in words, captions and solutions beside what they compute.

A sentence that compares or counts is a claim. Most are asserted in the cell that computes them;
here are those about one picture, one data set or one solution, and those that take longer.
"""

import functools
import json
import pathlib
from collections import Counter
from fractions import Fraction

import numpy as np
import pytest
from dpnotes import diagnostics, exact, gibbs
from dpnotes.components import Gaussian, NormalInverseGamma
from dpnotes.mixture import DPMixture, log_eppf_finite
from matplotlib import pyplot as plt
from scipy import signal, stats

pytestmark = pytest.mark.book

BOOK = pathlib.Path(__file__).parents[1] / "book"


@functools.cache
def _sources(chapter):
    notebook = json.loads((BOOK / f"{chapter}.ipynb").read_text(encoding="utf-8"))
    return {cell["id"]: "".join(cell["source"]) for cell in notebook["cells"]}


def run(chapter, *numbers):
    """What the cells of a chapter define, run one after another."""
    names = {}
    for number in numbers:
        exec(_sources(chapter)[f"{chapter}-{number}"], names)  # noqa: S102
    plt.close("all")
    return names


def peaks(x, density):
    """Where a curve has its maxima, from the left."""
    return np.asarray(x)[signal.find_peaks(density)[0]]


# mixtures


def test_mixtures_draws_of_four_concentrations():
    """Figure: one or two tight groups at 0.1, and the number of groups grows."""
    draws = run("mixtures", 1, 4, 7)["draws"]
    groups = [labels.max() + 1 for _, labels, _ in draws.values()]
    assert groups[0] <= 2 and (np.diff(groups) > 0).all() and groups[2] > 7


def test_mixtures_counts_of_the_recursion():
    """Nine points: 9841 multiplications against 21147; fifteen: 7 million against 1.4 billion."""
    bell = [1]  # by the triangle of Aitken
    row = [1]
    for _ in range(15):
        row = list(np.cumsum([row[-1], *row], dtype=object))
        bell.append(row[0])
    assert ((3**9 - 1) // 2, bell[9], bell[10]) == (9841, 21147, 115975)
    assert (round((3**15 - 1) / 2 / 1e6), round(bell[15] / 1e9, 1)) == (7, 1.4)


def test_mixtures_pictures_of_nine_points():
    """Figures: both laws of K, three groups with 0.14 alone, four places of the density."""
    names = run("mixtures", 1, 17, 26, 27, 29, 30, 34, 36)
    prior, law = names["prior"], names["post"].num_clusters
    assert (np.argsort(-prior)[:2] == [3, 2]).all() and prior[1:7].min() > 0.01 > prior[7:].max()
    assert 0.45 < law[4] < 0.55 and 0.3 < law[5] < 0.4 and law[1] < 0.001
    together = names["together"]
    for group in ([0, 1], [2, 3, 4], [6, 7, 8]):
        assert together[np.ix_(group, group)].min() > 0.5
    assert np.delete(together[5], 5).max() < 0.15
    grid, density = names["grid"], np.exp(names["post"].predictive_logpdf(names["grid"]))
    high = peaks(grid, density)
    assert np.abs(high[-2:] - [0.15, 0.6]).max() < 0.1 and abs(high[-3] + 1.1) < 0.1
    slope = np.diff(density)[(grid[:-1] > -1.5) & (grid[:-1] < -1.2)]
    assert slope.min() < 0.6 * slope.max()  # the shoulder at -1.4


def test_mixtures_odds_of_two_points_move_most_at_one_half():
    """The slope of p in log alpha is -p (1 - p)."""
    family = run("mixtures", 1, 4)["family"]
    for gap in (0.0, 0.2, 0.4):
        p, q = (
            exact.posterior(DPMixture(np.exp(step), family), [0.5, 0.5 + gap]).num_clusters[1]
            for step in (-1e-4, 1e-4)
        )
        assert (q - p) / 2e-4 == pytest.approx(-p * (1 - p), rel=1e-3)


def test_mixtures_figures_in_solutions():
    assert np.exp(log_eppf_finite([2], 9.0, 9)) == pytest.approx(0.2)
    assert 4e-10 < 0.5 * (1 / 3) ** 19 < 5e-10 and 0.5 / 20 == 0.025
    assert stats.nbinom(9, 4 / 5).mean() == pytest.approx(2.25)
    nig = NormalInverseGamma(mean=0.5, strength=0.7, shape=3.0, rate=1.2)
    s, h = nig.features([0.9, 1.4, -0.3]).sum(axis=0), 1e-5
    rise = [nig.log_marginal(s + h * e) - nig.log_marginal(s - h * e) for e in np.eye(3)]
    gap = np.abs(np.array(rise) / (2 * h) - nig.expected_natural(s[None])[0]).max()
    assert gap < 1e-9


# gibbs


def test_gibbs_two_starts():
    """Figure: within a few sweeps both wander between three and six."""
    runs = run("gibbs", 1, 3, 27)["runs"].values()
    late = np.array([chain.num_clusters[10:] for chain in runs])
    assert late.min() == 3 and late.max() == 6 and (late.min(axis=1) < late.max(axis=1)).all()


def test_gibbs_other_tosses():
    """Exercise: 1353/2014 against 41/66, a smaller error than for tosses that differ."""
    coins = Fraction(1, 10), Fraction(9, 10)
    found = []
    for tosses in ([1, 1], [1, 0]):
        states, transition, truth = exact.finite_chain(tosses, coins, keep=False)
        one = [len(theta) == 1 for _, theta in states]
        found.append([sum(np.array(v)[one]) for v in (exact.stationary(transition), truth)])
    assert found == [
        [Fraction(1353, 2014), Fraction(41, 66)],
        [Fraction(25, 54), Fraction(9, 34)],
    ]
    assert 0 < found[0][0] - found[0][1] < found[1][0] - found[1][1]


@pytest.mark.slow
def test_gibbs_few_points_make_geweke_sharp():
    """The naive step is far out with four points, not with twelve."""
    model = DPMixture(1.0, Gaussian(0, 1, 0.25))
    few, many = (
        [
            np.abs(diagnostics.geweke_mixture(gibbs.naive, model, n, 1500, rng=seed).z[0])
            for seed in (21, 22, 23)
        ]
        for n in (4, 12)
    )
    assert min(few) > 5 > 4.5 > max(many)


@pytest.mark.slow
def test_gibbs_bug_to_find():
    """Exercise: scale betrays it, beyond 10 for a factor 0.8 and between 3 and 8 for 0.95."""
    model = DPMixture(1.0, Gaussian(0, 1, 0.25))
    for factor, low, high in [(0.8, 10, 25), (0.95, 3, 8)]:

        def buggy(model, x, n_sweeps, rng=None, start=None, factor=factor):
            return gibbs.collapsed(model, factor * x, n_sweeps, rng=rng, start=start)

        for seed in (21, 22, 23):
            test = diagnostics.geweke_mixture(buggy, model, n=4, n_draws=1500, rng=seed)
            z = dict(zip(test.names, np.abs(test.z)))
            scale = [z.pop("theta_1^2"), z.pop("x_n^2")]
            assert low < max(scale) < high and max(z.values()) < max(scale)
            assert factor == 0.95 or min(scale) > 10
