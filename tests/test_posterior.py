"""The posterior: conditioning on values, in fractions; and on a continuous base, by simulation."""

from collections import Counter
from fractions import Fraction
from functools import cache
from itertools import product
from math import comb, prod

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib import pyplot as plt
from scipy import stats

from dpnotes import figures, measures
from dpnotes.process import Dirichlet, DirichletProcess

Z = 4.9  # a z statistic this far out has probability below 1e-6
ALPHA = st.fractions(Fraction(1, 20), 20, max_denominator=20)


@cache
def rising(a, n):
    return prod((a + i for i in range(n)), start=Fraction(1))


def moment(a, powers):
    """E prod g_k^{m_k}, written out here so as not to lean on the package."""
    top = prod((rising(x, m) for x, m in zip(a, powers)), start=Fraction(1))
    return top / rising(sum(a), sum(powers))


def chances(a):
    """Probability of each sequence of draws of values 0, 1, ... from their cells' Dirichlet law."""
    known = cache(lambda counts: moment(a, counts))
    return lambda draws: known(tuple(draws.count(x) for x in range(len(a))))


def integral(p, q, s):
    """Integral of x^p y^q (1 - x - y)^s over the triangle, by powers of one variable alone."""
    # (1 - x - y)^s in powers of y, integrated over y from 0 to 1 - x: a multiple of (1 - x)^e
    inner = sum(Fraction((-1) ** j * comb(s, j), q + j + 1) for j in range(s + 1))
    e = s + q + 1
    return inner * sum(Fraction((-1) ** i * comb(e, i), p + i + 1) for i in range(e + 1))


def weights_of(size):
    """Positive rational probability vectors."""
    counts = st.lists(st.integers(1, 6), min_size=size, max_size=size)
    return counts.map(lambda c: [Fraction(x, sum(c)) for x in c])


@pytest.mark.checks("DP-0043", how="exact")
def test_tilting_against_integrals():
    a, total = (2, 1, 3), 6
    for j in range(3):
        up = [x + (k == j) for k, x in enumerate(a)]
        for m in product(range(4), repeat=3):
            left = integral(*(x - 1 + y + (k == j) for k, (x, y) in enumerate(zip(a, m))))
            left /= integral(*(x - 1 for x in a))
            right = integral(*(x - 1 + y for x, y in zip(up, m)))
            right /= integral(*(x - 1 for x in up))
            assert left == Fraction(a[j], total) * right


@pytest.mark.checks("DP-0044", how="exact")
def test_posterior_given_cells_against_integrals():
    # alpha = 4 and h = (1/2, 1/4, 1/4): the prior density of the cells is a polynomial.
    a = (2, 1, 1)
    prior = integral(*(x - 1 for x in a))
    for z in product(range(3), repeat=3):
        n = [z.count(k) for k in range(3)]
        weight = integral(*(x - 1 + y for x, y in zip(a, n)))
        assert weight / prior == prod(rising(x, y) for x, y in zip(a, n)) / rising(4, 3)
        law = Dirichlet([Fraction(x) for x in a]).posterior(n)
        for m in [(1, 0, 0), (0, 2, 0), (1, 1, 2), (0, 0, 4)]:
            truth = integral(*(x - 1 + y + k for x, y, k in zip(a, n, m))) / weight
            assert law.moment(m) == truth


@pytest.mark.checks("DP-0045", how="exact")
@pytest.mark.parametrize("alpha", [Fraction(1, 7), Fraction(8, 3)])
def test_joint_law_of_values_and_set(alpha):
    """Every E[1{theta = t} G(A)^m], n <= 4, m <= 4, from the prior and from the posterior."""
    h = [Fraction(1, 3), Fraction(1, 4), Fraction(1, 6), Fraction(1, 4)]
    dp = DirichletProcess(alpha, measures.Discrete(range(4), h))
    chance = chances([alpha * w for w in h])
    for n in range(1, 5):
        for t in product(range(4), repeat=n):
            law = dp.posterior(t).marginal([1.5])
            for m in range(5):
                paths = Counter(tuple(sorted(t + x)) for x in product((0, 1), repeat=m))
                truth = sum(times * chance(p) for p, times in paths.items())
                assert chance(t) * law.moment([m, 0]) == truth


@pytest.mark.slow
@pytest.mark.checks("DP-0045", how="exact")
@settings(deadline=None, max_examples=40, derandomize=True)
@given(ALPHA, weights_of(5), st.lists(st.integers(0, 4), min_size=1, max_size=6))
def test_joint_law_of_values_and_three_cells(alpha, h, t):
    """Cells {0}, {1, 2}, {3, 4}; all moments of total order up to 4."""
    dp = DirichletProcess(alpha, measures.Discrete(range(5), h))
    law = dp.posterior(t).marginal([0.5, 2.5])
    chance = chances([alpha * w for w in h])
    for m in product(range(5), repeat=3):
        if sum(m) > 4:
            continue
        paths = product([0], *[(1, 2)] * m[1], *[(3, 4)] * m[2])
        lists = Counter(tuple(sorted(t + [0] * m[0] + list(p[1:]))) for p in paths)
        truth = sum(times * chance(p) for p, times in lists.items())
        assert chance(t) * law.moment(m) == truth


def test_counting_the_data_twice_is_wrong():
    """Dirichlet(alpha_new h_new + n(B)) of the lecture notes, on the same example."""
    alpha, t = Fraction(3, 2), (0, 1, 3)
    h = [Fraction(1, 3), Fraction(1, 4), Fraction(1, 6), Fraction(1, 4)]
    law = DirichletProcess(alpha, measures.Discrete(range(4), h)).posterior(t).marginal([1.5])
    a = [alpha * w for w in h]
    paths = (t + (x,) for x in (0, 1))
    truth = sum(moment(a, [p.count(x) for x in range(4)]) for p in paths)
    truth /= moment(a, [t.count(x) for x in range(4)])
    assert law.mean()[0] == truth == Fraction(23, 36)
    assert Dirichlet(law.a + [2, 1]).mean()[0] == Fraction(13, 20) != truth


@pytest.mark.checks("DP-0045", how="numerical")
def test_continuous_base_against_drawn_measures():
    """E[1{theta_1 in C} G(A)^2] with C inside A, from measures drawn by their sticks."""
    rng = np.random.default_rng(11)
    dp = DirichletProcess(2.0, stats.norm())
    values = []
    for _ in range(3000):
        g = dp.sample_measure(rng=rng, tol=1e-6)
        in_c = g.weights[(g.atoms > 0.2) & (g.atoms <= 0.9)].sum()
        values.append(in_c * g.weights[g.atoms > 0].sum() ** 2)
    c = stats.norm.cdf(0.9) - stats.norm.cdf(0.2)
    law = stats.beta(2 * 0.5 + 1, 2 * 0.5)  # G(A) given a draw inside A
    z = (np.mean(values) - c * law.moment(2)) / (np.std(values) / 3000**0.5)
    assert abs(z) < Z


@pytest.mark.checks("DP-0046", how="exact")
@settings(deadline=None, max_examples=50, derandomize=True)
@given(ALPHA, weights_of(4), st.lists(st.integers(0, 3), min_size=1, max_size=30))
def test_moments_and_bounds(alpha, h, t):
    law = DirichletProcess(alpha, measures.Discrete(range(4), h)).posterior(t).marginal([1.5])
    n, inside = len(t), sum(x < 1.5 for x in t)
    a, b = alpha * (h[0] + h[1]) + inside, alpha * (h[2] + h[3]) + n - inside
    mean, second = moment([a, b], [1, 0]), moment([a, b], [2, 0])
    assert law.mean()[0] == mean == (alpha * (h[0] + h[1]) + inside) / (alpha + n)
    assert law.var()[0] == second - mean**2 == mean * (1 - mean) / (alpha + n + 1)
    assert abs(mean - Fraction(inside, n)) <= alpha / (alpha + n)
    assert law.var()[0] <= 1 / (4 * (alpha + n + 1))


@settings(deadline=None, max_examples=30, derandomize=True)
@given(ALPHA, weights_of(4), st.lists(st.integers(0, 3), min_size=2, max_size=8), st.randoms())
def test_one_by_one_in_any_order(alpha, h, t, random):
    dp = DirichletProcess(alpha, measures.Discrete(range(4), h))
    at_once = dp.posterior(t).marginal([0.5, 1.5, 2.5]).a
    random.shuffle(t)
    for x in t:
        dp = dp.posterior([x])
    assert (dp.marginal([0.5, 1.5, 2.5]).a == at_once).all()


def test_figures_draw_the_posterior():
    fig, ax = plt.subplots()
    theta = [0.5, -0.5, 2.0]
    figures.process.posterior_bands(2.0, stats.norm(), theta, (0, 3), stats.norm.cdf, ax=ax)
    x, mean = ax.lines[1].get_data()
    dp = DirichletProcess(2.0, stats.norm()).posterior(theta)
    assert np.allclose(mean, dp.predictive().cdf(x))
    plt.close(fig)
    fig, ax = plt.subplots()
    figures.process.posterior_of_set(2.0, 0.5, 14, 6, ax=ax)
    for line in ax.lines:
        x, density = line.get_data()
        assert np.trapezoid(density, x) == pytest.approx(1, abs=1e-4)
    plt.close(fig)


@pytest.mark.checks("DP-0047", how="exact")
@pytest.mark.parametrize("alpha", [Fraction(1, 3), Fraction(50)])
@pytest.mark.parametrize("h", [Fraction(1, 100), Fraction(1, 2), Fraction(99, 100)])
@pytest.mark.parametrize("p", [Fraction(0), Fraction(1, 5), Fraction(1, 2), Fraction(1)])
def test_distance_to_the_truth(alpha, h, p):
    """The mean square error over all binomial outcomes, and its bound."""
    dp = DirichletProcess(alpha, measures.Discrete([0, 1], [h, 1 - h]))
    for n in (1, 2, 5, 30):
        error = Fraction(0)
        for k in range(n + 1):
            law = dp.posterior([0] * k + [1] * (n - k)).marginal([0.5])
            square = law.moment([2, 0]) - 2 * p * law.moment([1, 0]) + p**2
            error += comb(n, k) * p**k * (1 - p) ** (n - k) * square
        assert error <= (alpha * (h - p) / (alpha + n)) ** 2 + 1 / (2 * (alpha + n))
        assert error >= (alpha * (h - p) / (alpha + n)) ** 2
