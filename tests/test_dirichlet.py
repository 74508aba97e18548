"""The Dirichlet distribution against urns, expansions, quadrature and gamma variables."""

from fractions import Fraction
from itertools import product
from math import comb, factorial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, special, stats

from dpnotes.process import Dirichlet

quick = settings(deadline=None, max_examples=50, derandomize=True)


def parameters(min_size=1, max_size=4, low=0):
    """Fractions >= low, not all zero."""
    one = st.builds(Fraction, st.integers(low, 12), st.integers(1, 6))
    return st.lists(one, min_size=min_size, max_size=max_size).filter(any)


def orders(r, total):
    """All vectors of r integers >= 0 with sum at most total."""
    return [m for m in product(range(total + 1), repeat=r) if sum(m) <= total]


def urn(a, sequence):
    """Probability of a sequence of colours, step by step."""
    probability, weight = Fraction(1), list(a)
    for c in sequence:
        probability *= weight[c] / sum(weight)
        weight[c] += 1
    return probability


@pytest.mark.checks("DP-0017", "DP-0024", how="exact")
@quick
@given(parameters())
def test_mixed_moments_are_urn_probabilities(a):
    law = Dirichlet(a)
    for n in range(5):
        probabilities = [urn(a, c) for c in product(range(len(a)), repeat=n)]
        assert sum(probabilities) == 1
        for sequence, p in zip(product(range(len(a)), repeat=n), probabilities):
            assert law.moment([sequence.count(k) for k in range(len(a))]) == p


@pytest.mark.checks("DP-0017", how="numerical")
def test_mixed_moments_by_quadrature():
    a, powers = [1.5, 2.0, 3.5], [2, 0, 1]
    law = Dirichlet(a)

    def integrand(y, x):
        g = np.array([x, y, 1 - x - y])
        return np.exp(law.logpdf(g)) * np.prod(g**powers)

    value, error = integrate.dblquad(integrand, 0, 1, 0, lambda x: 1 - x)
    assert abs(value - law.moment(powers)) < max(1e-8, 10 * error)


@pytest.mark.checks("DP-0016", how="numerical")
def test_bernstein_from_moments():
    """E f(g) from the moments alone, against quadrature, at the rate the proof gives."""
    a, b = Fraction(3, 2), Fraction(5, 2)
    law = Dirichlet([a, b])
    f = lambda x: abs(x - 0.4)
    truth = integrate.quad(lambda x: f(x) * stats.beta.pdf(x, 1.5, 2.5), 0, 1, points=[0.4])[0]
    errors = []
    for n in (10, 40, 160):
        choose = [factorial(n) // (factorial(m) * factorial(n - m)) for m in range(n + 1)]
        value = sum(f(m / n) * float(c * law.moment([m, n - m])) for m, c in enumerate(choose))
        errors.append(abs(value - truth))
        # f is 1-Lipschitz, so |B_n f - f| <= E|N/n - x| <= 1 / (2 sqrt n)
        assert errors[-1] <= 0.5 / n**0.5
    assert errors[0] > errors[1] > errors[2]


@pytest.mark.checks("DP-0018", how="exact")
@quick
@given(parameters())
def test_mean_variance_covariance(a):
    law, units = Dirichlet(a), np.eye(len(a), dtype=int)
    # Second moments from the urn: the probability of one sequence of two colours.
    for j, k in product(range(len(a)), repeat=2):
        assert law.cov()[j, k] == urn(a, [j, k]) - urn(a, [j]) * urn(a, [k])
        assert law.moment(list(units[j] + units[k])) == urn(a, [j, k])
    assert (law.mean() == [urn(a, [k]) for k in range(len(a))]).all()
    assert (law.var() == np.diag(law.cov())).all()
    assert (law.cov().sum(axis=0) == 0).all()


@pytest.mark.checks("DP-0015", how="numerical")
def test_gamma_ratios():
    a = np.array([0.5, 2.0, 0.0, 1.3])
    y = np.random.default_rng(1).standard_gamma(a, size=(100_000, 4))
    s, law = y.sum(axis=1), Dirichlet(a)
    g = y / s[:, None]
    assert stats.kstest(s, stats.gamma(a.sum()).cdf).pvalue > 1e-4
    assert (g[:, 2] == 0).all()
    for k in [0, 1, 3]:
        assert stats.kstest(g[:, k], stats.beta(a[k], a.sum() - a[k]).cdf).pvalue > 1e-4
    for m in orders(4, 3):
        values = np.prod(g ** np.array(m), axis=1)
        assert abs(values.mean() - law.moment(m)) <= 4.5 * values.std() / np.sqrt(len(g))
        # Independence of S: the moment does not change where S is large.
        large = values[s > np.median(s)]
        assert abs(large.mean() - law.moment(m)) <= 4.5 * values.std() / np.sqrt(len(large))


@pytest.mark.checks("DP-0014", "DP-0015", how="numerical")
@pytest.mark.parametrize("a", [[2.0, 3.0, 1.5], [1.0, 1.0, 1.0], [4.0, 1.5, 2.5]])
def test_density_integrates_to_one(a):
    law = Dirichlet(a)

    def density(y, x):
        return np.exp(law.logpdf([x, y, 1 - x - y]))

    assert integrate.dblquad(density, 0, 1, 0, lambda x: 1 - x)[0] == pytest.approx(1, abs=1e-7)


def test_logpdf_is_scipys_where_scipy_has_one():
    rng = np.random.default_rng(2)
    a = np.array([0.4, 2.0, 3.1, 1.0])
    g = rng.dirichlet(np.ones(4), 20)
    expected = [stats.dirichlet(a).logpdf(row) for row in g]
    assert np.allclose(Dirichlet(a).logpdf(g), expected, rtol=1e-12)
    # A cell of parameter 0 changes nothing where it is 0 and excludes everything else.
    padded = np.insert(g, 1, 0.0, axis=1)
    law = Dirichlet(np.insert(a, 1, 0.0))
    assert np.allclose(law.logpdf(padded), expected, rtol=1e-12)
    assert law.logpdf([0.2] * 5) == -np.inf
    assert Dirichlet([0.0, 3.0]).logpdf([0.0, 1.0]) == 0


@pytest.mark.checks("DP-0021", how="exact")
@quick
@given(parameters(3, 3))
def test_merged_moments_by_the_binomial_theorem(a):
    law = Dirichlet(a)
    merged = law.merge([0, 1, 0])
    for p, q in orders(2, 4):
        expanded = sum(comb(p, i) * law.moment([i, q, p - i]) for i in range(p + 1))
        assert merged.moment([p, q]) == expanded


@pytest.mark.checks("DP-0021", how="exact")
@quick
@given(parameters(4, 4), st.lists(st.integers(0, 2), min_size=4, max_size=4))
def test_merging_twice_is_merging_once(a, groups):
    groups = np.unique(groups, return_inverse=True)[1]
    once = Dirichlet(a).merge(groups).merge([0] * (groups.max() + 1))
    assert once.a.tolist() == [sum(a)]


@pytest.mark.checks("DP-0022", how="exact")
@quick
@given(parameters(4, 4, low=1))
def test_totals_times_proportions(a):
    law = Dirichlet(a)
    totals, first, second = law.merge([0, 0, 1, 1]), Dirichlet(a[:2]), Dirichlet(a[2:])
    for m in orders(4, 4):
        rebuilt = totals.moment([m[0] + m[1], m[2] + m[3]])
        assert rebuilt * first.moment(m[:2]) * second.moment(m[2:]) == law.moment(m)


@pytest.mark.checks("DP-0023", how="exact")
@quick
@given(parameters(2, 4))
def test_zero_parameters_are_limits(a):
    law = Dirichlet(a)
    tiny = Fraction(1, 10**9)
    close = Dirichlet([x + tiny for x in a])
    for m in orders(len(a), 4):
        # Each of at most 4 + 4 factors moves by less than 1e-9 times 6 / min(a_0, 1) <= 36.
        assert abs(close.moment(m) - law.moment(m)) < Fraction(1, 10**6)
    zero = law.a == 0
    assert ((law.rvs(20, random_state=1) == 0).all(axis=0) >= zero).all()
    assert (law.mean()[~zero] > 0).all()


@pytest.mark.checks("DP-0024", how="exact")
@quick
@given(parameters(2, 3, low=1), st.lists(st.integers(0, 2), min_size=3, max_size=3))
def test_posterior_moments_by_bayes(a, counts):
    counts = counts[: len(a)]
    prior = Dirichlet(a)
    posterior = prior.posterior(counts)
    evidence = prior.moment(counts)
    for m in orders(len(a), 4):
        joint = prior.moment([i + n for i, n in zip(m, counts)])
        assert posterior.moment(m) == joint / evidence


@pytest.mark.checks("DP-0024", how="numerical")
def test_posterior_by_rejection():
    prior, counts = Dirichlet([0.5, 2.0, 1.0]), [1, 2, 0]
    rng = np.random.default_rng(3)
    g = prior.rvs(100_000, rng)
    kept = g[(rng.multinomial(3, g) == counts).all(axis=1)]
    posterior = prior.posterior(counts)
    for k in range(3):
        marginal = stats.beta(posterior.a[k], posterior.a.sum() - posterior.a[k])
        assert stats.kstest(kept[:, k], marginal.cdf).pvalue > 1e-4


@pytest.mark.checks("DP-0025", how="exact")
@quick
@given(parameters(2, 4))
def test_one_roll_later(a):
    law, total = Dirichlet(a), sum(a)
    for m in orders(len(a), 4):
        mixed = sum(
            a[k] / total * law.posterior([int(j == k) for j in range(len(a))]).moment(m)
            for k in range(len(a))
            if a[k] > 0
        )
        assert mixed == law.moment(m)


@pytest.mark.checks("DP-0019", how="numerical")
def test_shape_of_the_density():
    rng = np.random.default_rng(4)
    g = rng.dirichlet(np.ones(4), 2_000)
    assert np.allclose(np.exp(Dirichlet([1] * 4).logpdf(g)), factorial(3))
    a = np.array([1.5, 2.0, 6.0, 1.1])
    mode = (a - 1) / (a.sum() - 4)
    assert (Dirichlet(a).logpdf(g) < Dirichlet(a).logpdf(mode)).all()
    near_face = [Dirichlet([0.5, 2, 2]).logpdf([x, 0.5 - x, 0.5]) for x in [1e-3, 1e-6, 1e-9]]
    # The density grows like x^(-1/2): log 10^(3/2) for each factor 1/1000.
    assert np.allclose(np.diff(near_face), 1.5 * np.log(10), atol=0.01)


@pytest.mark.checks("DP-0020", how="exact")
@pytest.mark.parametrize("c", [Fraction(1, 5), Fraction(1), Fraction(7)])
@pytest.mark.parametrize("K", [1, 2, 10])
def test_sum_of_squares(c, K):
    a = [c / K] * K
    # Two draws fall in one cell: the urn's second step repeats the first colour.
    assert sum(urn(a, [k, k]) for k in range(K)) == (1 + c / K) / (1 + c)
    squares = Dirichlet(a).var() + Dirichlet(a).mean() ** 2
    assert squares.sum() == (1 + c / K) / (1 + c)


@pytest.mark.checks("DP-0020", how="numerical")
def test_largest_cell_exceeds_its_bound():
    largest = Dirichlet(np.full(200, 1 / 200)).rvs(4_000, random_state=5).max(axis=1)
    # Its limit for many cells is the mean of the largest Poisson-Dirichlet weight, 0.6243.
    assert abs(largest.mean() - 0.6243) < 4 * largest.std() / np.sqrt(4_000) + 0.005


@pytest.mark.parametrize("a", [[1e-3] * 5, [1e-5, 2.0], [0.0, 1e-4, 1e-4], [5.0]])
def test_rvs_sum_to_one_for_tiny_parameters(a):
    draws = Dirichlet(a).rvs(2_000, random_state=6)
    assert draws.shape == (2_000, len(a))
    assert (draws >= 0).all() and np.allclose(draws.sum(axis=1), 1, rtol=1e-12)
    error = np.sqrt(Dirichlet(a).var() / 2_000)
    assert (np.abs(draws.mean(axis=0) - Dirichlet(a).mean()) <= 4.5 * error).all()


def test_rvs_have_the_exact_moments():
    law = Dirichlet([0.5, 2.0, 0.0, 1.3])
    g = law.rvs(200_000, random_state=7)
    for m in orders(4, 4):
        values = np.prod(g ** np.array(m), axis=1)
        assert abs(values.mean() - law.moment(m)) <= 4.5 * values.std() / np.sqrt(len(g))


def test_rvs_shape_and_seed():
    law = Dirichlet([1, 2, 0])
    assert law.rvs(random_state=1).shape == (3,)
    assert law.rvs((2, 4), random_state=1).shape == (2, 4, 3)
    assert np.array_equal(law.rvs(5, random_state=1), law.rvs(5, random_state=1))


def test_moment_of_floats_is_a_ratio_of_gammas():
    a, m = np.array([0.3, 2.2]), np.array([3, 5])
    log = special.poch(a, m).prod() / special.poch(a.sum(), m.sum())
    assert Dirichlet(a).moment(m) == pytest.approx(log, rel=1e-13)


def test_numpy_integers_do_not_overflow():
    # 2^40 cubed does not fit in 64 bits.
    law = Dirichlet([Fraction(2**40), np.int64(2**40)])
    a, total = 2**40, 2**41
    top, bottom = a * (a + 1) * (a + 2), total * (total + 1) * (total + 2)
    assert law.moment([3, 0]) == Fraction(top, bottom)


@pytest.mark.parametrize(
    "a", [[], [0, 0], [-1, 2], [1, np.nan], [1, np.inf], [[1, 2]], "ab", 3, [Fraction(-1), 2]]
)
def test_bad_parameters(a):
    with pytest.raises(ValueError, match="a.* = .*expected"):
        Dirichlet(a)


def test_bad_arguments():
    law = Dirichlet([1, 2, 0])
    for powers in [[1, 2], [1, -1, 0], [1.5, 0, 0]]:
        with pytest.raises(ValueError, match="powers = .*expected"):
            law.moment(powers)
    for counts in [[1, 2], [1, -1, 0], [0, 0, 1], [0.5, 0, 0]]:
        with pytest.raises(ValueError, match="counts = .*expected"):
            law.posterior(counts)
    for groups in [[0, 1], [0, 0, 2], [0.0, 0.0, 1.0]]:
        with pytest.raises(ValueError, match="groups = .*expected"):
            law.merge(groups)
    for g in [[0.5, 0.5], [0.5, 0.6, 0.0], [1.5, -0.5, 0.0], [np.nan, 1, 0]]:
        with pytest.raises(ValueError, match="g.* = .*expected"):
            law.logpdf(g)


def test_moment_whose_products_overflow():
    value = Dirichlet([1.0, 1.0]).moment([100, 100])
    assert value == pytest.approx(float(Dirichlet([Fraction(1)] * 2).moment([100, 100])), rel=1e-12)
    assert Dirichlet([1e300, 1e300]).moment([1, 1]) == pytest.approx(0.25)


def test_empty_moment_stays_exact():
    assert isinstance(Dirichlet([Fraction(1), Fraction(2)]).moment([0, 0]), Fraction)
