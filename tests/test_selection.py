import warnings
from fractions import Fraction
from itertools import product
from math import factorial, prod

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, special, stats
from scipy.special import gammaln

import dpnotes
from dpnotes import selection

Z = 4.9


def normal(n, seed=1):
    return np.random.default_rng(seed).standard_normal(n)


def log_truth(x):
    return stats.norm.logpdf(x).sum()


# The evidence


@pytest.mark.checks("DP-0002", how="numerical")
def test_evidence_is_a_product_of_predictions():
    # Predictive densities of one component by an integral of their own.
    x, bound = normal(6), 2.0
    total = 0.0
    for i in range(len(x)):

        def joint(mu, k):
            return np.exp(stats.norm.logpdf(x[:k], mu).sum())

        above = integrate.quad(joint, -bound, bound, args=(i + 1,), epsabs=0)[0]
        below = integrate.quad(joint, -bound, bound, args=(i,), epsabs=0)[0]
        total += np.log(above / below)
    assert selection.log_evidence(x, 1, bound=bound) == pytest.approx(total, rel=1e-10)


@pytest.mark.slow
@pytest.mark.parametrize("shift", [0.0, 1.5, 5.0, -30.0])
@pytest.mark.parametrize("n", [1, 7, 400])
def test_one_component_in_closed_form(n, shift):
    x, bound = normal(n) + shift, 2.0
    with mpmath.workdps(25):
        # Relative to N(0, 1), only the mean counts.
        mean = mpmath.mpf(float(x.mean()))
        integral = mpmath.quad(
            lambda mu: mpmath.exp(n * (mean * mu - mu**2 / 2)),
            mpmath.linspace(-bound, bound, 17),
        )
        expected = float(mpmath.log(integral / (2 * bound)))
    assert selection.log_evidence(x, 1, bound=bound) - log_truth(x) == pytest.approx(
        expected, rel=1e-9, abs=1e-9
    )


@pytest.mark.parametrize(
    "n, bound, apart",
    [(1, 2.0, 0), (5, 2.0, 0), (30, 1.0, 0), (60, 3.0, 0), (300, 2.0, 0), (300, 2.0, 3)],
)
def test_two_components_against_a_fine_grid(n, bound, apart):
    x = normal(n, seed=n) + apart * ((np.arange(n) % 3 == 0) - 0.4)
    node, weight = np.polynomial.legendre.leggauss(80)
    w, w_weight = (node + 1) / 2, weight / 2
    mu, mu_weight = bound * node, weight / 2
    ratio = np.exp(mu[:, None] * x - mu[:, None] ** 2 / 2)
    total = np.zeros(())
    for share, share_weight in zip(w, w_weight, strict=True):
        both = share * ratio[:, None] + (1 - share) * ratio
        total = total + share_weight * (mu_weight @ both.prod(-1) @ mu_weight)
    found = selection.log_evidence(x, 2, bound=bound) - log_truth(x)
    assert found == pytest.approx(np.log(total), abs=2e-5)


def test_two_components_against_draws_from_the_prior():
    x, rng, total = normal(50), np.random.default_rng(2), 100_000
    w, mu = rng.random((total, 1)), rng.uniform(-2, 2, (2, total, 1))
    ratio = np.exp(mu * x - mu**2 / 2)
    likelihood = (w * ratio[0] + (1 - w) * ratio[1]).prod(1)
    found = np.exp(selection.log_evidence(x, 2) - log_truth(x))
    assert abs(likelihood.mean() - found) < Z * likelihood.std() / np.sqrt(total)


def sum_over_allocations(x, bound):
    """Each point belongs to one component or the other: integrals of one mean, and Beta ones."""
    terms = []
    for z in product([False, True], repeat=len(x)):
        parts = [part for part in (x[np.array(z)], x[~np.array(z)]) if len(part)]
        log_shares = gammaln(sum(z) + 1) + gammaln(len(x) - sum(z) + 1) - gammaln(len(x) + 2)
        terms.append(
            log_shares + sum(selection.log_evidence(part, 1, bound=bound) for part in parts)
        )
    return np.logaddexp.reduce(terms)


@pytest.mark.slow
@pytest.mark.parametrize(
    "x",
    [
        [1e3],
        [-1e5],
        [1e3, -1e3],
        [1e3, 0.3, -0.5],
        [3.0, 4.0, 5.0, 3.5, 4.4, 5.1],
        [9.0, 10.0, 11.0, 8.0],
        [50.0, -50.0, 0.0, 1.0, 2.0, -2.0],
        [0.2, 0.3, -1.0],
    ],
)
@pytest.mark.parametrize("bound", [0.5, 2.0])
def test_two_components_of_any_data_by_a_sum_over_allocations(x, bound):
    x = np.array(x)
    found, expected = selection.log_evidence(x, 2, bound=bound), sum_over_allocations(x, bound)
    assert found == pytest.approx(expected, abs=1e-5, rel=1e-12)
    best = selection.max_log_likelihood(x, 2, bound=bound)
    assert found < best and best >= selection.max_log_likelihood(x, 1, bound=bound) - 1e-6


def test_many_values_far_out():
    x = 12 + normal(60)
    gain = selection.log_evidence(x, 2) - selection.log_evidence(x, 1)
    # One component is two whose shares are anything; 60 points at a bound hold both there.
    assert -8 < gain < 0
    best = selection.max_log_likelihood(x, 2)
    assert best == pytest.approx(selection.max_log_likelihood(x, 1), rel=1e-12)


def test_nodes_of_a_long_range():
    x = np.concatenate([normal(200), 1000 + normal(100), [-500.0]])
    node, weight = selection._nodes(x)
    assert len(node) <= 6 * 40 and weight.sum() == pytest.approx(301)

    def f(x):
        return np.logaddexp(0.7 * x, -1.1 * x)

    assert weight @ f(node) == pytest.approx(f(x).sum(), rel=1e-6)


@pytest.mark.parametrize("n", [100, 10_000])
def test_refining_the_quadrature_changes_little(n, monkeypatch):
    x = normal(n)
    coarse, panels = selection.log_evidence(x, 2), selection._panels
    monkeypatch.setattr(selection, "_panels", lambda edges: panels(edges, order=9))
    assert selection.log_evidence(x, 2) == pytest.approx(coarse, abs=1e-5)


@settings(deadline=None, max_examples=20, derandomize=True)
@given(st.integers(2, 200), st.integers(0, 10**6))
def test_evidence_does_not_depend_on_order_or_sign(n, seed):
    x = normal(n, seed)
    for k in (1, 2):
        value = selection.log_evidence(x, k)
        assert selection.log_evidence(x[::-1], k) == pytest.approx(value, abs=1e-8)
        assert selection.log_evidence(-x, k) == pytest.approx(value, abs=1e-8)


@pytest.mark.parametrize("n", [50, 5000])
def test_few_nodes_stand_for_the_sample(n):
    x = normal(n)
    node, weight = selection._nodes(x)
    assert len(node) == 40
    for power in range(8):
        assert weight @ node**power == pytest.approx((x**power).sum(), rel=1e-9, abs=1e-7)

    def f(x):
        return np.log(0.7 * np.exp(0.8 * x) + 0.3 * np.exp(-x))

    assert weight @ f(node) == pytest.approx(f(x).sum(), rel=1e-9)


# Regular models


@pytest.mark.checks("DP-0004", "DP-0006", "DP-0007", how="numerical")
@pytest.mark.parametrize("g", [(0.4, 0.6), (0.2, 0.3, 0.5), (0.1, 0.2, 0.3, 0.15, 0.25)])
def test_a_die_settles_at_the_constant_of_laplace(g):
    g, n = np.array(g), 10**8
    d = len(g) - 1
    counts = np.random.default_rng(1).multinomial(n, g).astype(float)
    log_evidence = gammaln(d + 1) + gammaln(counts + 1).sum() - gammaln(n + d + 1)
    best = (counts * np.log(counts / n)).sum()
    constant = gammaln(d + 1) + d / 2 * np.log(2 * np.pi) + np.log(g).sum() / 2
    # The constant at the estimate differs from that at g by a term of standard error 1/sqrt(n g).
    gap = log_evidence - selection.bic(best, d, n)
    assert gap == pytest.approx(constant, abs=10 / np.sqrt(n * g.min()))


@pytest.mark.slow
@pytest.mark.checks("DP-0004", "DP-0007", how="numerical")
@pytest.mark.parametrize(
    "law", [stats.geom(0.25, loc=-1), stats.binom(8, 0.4), stats.randint(0, 9)]
)
def test_a_poisson_model_of_data_that_are_not_poisson(law):
    # phi = log rate, T(x) = x, A = exp, and the rate has the prior Gamma(2, 1). The truth enters
    # by its mean alone: J_0 is the curvature of A there, not the variance of the data.
    n, mean = 10**7, law.mean()
    assert abs(law.var() / mean - 1) > 0.3
    total = float(law.rvs(n, random_state=1).sum())
    assert abs(total - n * mean) < Z * np.sqrt(n * law.var())  # the score at phi_0
    rate = total / n
    best = total * np.log(rate) - total
    log_evidence = gammaln(total + 2) - (total + 2) * np.log(n + 1)
    log_prior = 2 * np.log(mean) - mean  # density of phi_0: that of the rate, times the rate
    constant = log_prior + np.log(2 * np.pi) / 2 - np.log(mean) / 2
    gap = log_evidence - selection.bic(best, 1, n)
    # c is steep as 2 - rate in phi_0, which the data miss by sd / (sqrt(n) rate).
    assert gap == pytest.approx(constant, abs=10 * law.std() * (1 + 2 / mean) / np.sqrt(n))


@pytest.mark.checks("DP-0006", how="numerical")
@pytest.mark.parametrize("mu0, tau", [(0.0, 1.0), (0.0, 3.0), (1.2, 1.0), (-0.7, 0.5)])
def test_limit_of_the_gap_depends_on_where_the_truth_lies_in_the_prior(mu0, tau):
    n = 10**8
    mean = mu0 + np.random.default_rng(1).standard_normal() / np.sqrt(n)
    fit = n * mean**2 / 2
    log_evidence = fit * n * tau**2 / (1 + n * tau**2) - np.log1p(n * tau**2) / 2
    limit = -np.log(tau) - mu0**2 / (2 * tau**2)
    gap = log_evidence - selection.bic(fit, 1, n)
    assert gap == pytest.approx(limit, abs=10 * (1 + abs(mu0)) / tau**2 / np.sqrt(n))


@pytest.mark.checks("DP-0006", how="numerical")
def test_two_true_models_of_one_parameter_stay_a_bounded_distance_apart():
    # N(mu, 1) with mu ~ N(0, 1), and N(0, 1 / lambda) with lambda ~ Exp(1); the truth is N(0, 1).
    rng, n, runs = np.random.default_rng(2), 10**7, 40_000
    mean, rest = rng.standard_normal(runs) / np.sqrt(n), rng.chisquare(n - 1, runs)
    square = n * mean**2 + rest
    one, two = n * mean**2 / 2, square / 2 - n / 2 - n / 2 * np.log(square / n)
    ahead = two - one  # of BIC: the penalties are equal
    constant = -1 + np.log(4 * np.pi) / 2
    evidence = square / 2 + gammaln(n / 2 + 1) - (n / 2 + 1) * np.log1p(square / 2)
    evidence -= n**2 * mean**2 / (1 + n) / 2 - np.log1p(n) / 2
    assert np.quantile(abs(evidence - ahead - constant), 0.99) < 1e-2
    assert ahead.std() == pytest.approx(1, abs=0.05)
    differ = np.mean((evidence > 0) != (ahead > 0))
    limit = integrate.quad(special.k0, 0, constant)[0] / np.pi
    assert limit == pytest.approx(0.208, abs=5e-4)
    assert abs(differ - limit) < Z * np.sqrt(limit * (1 - limit) / runs)


@pytest.mark.checks("DP-0006", how="numerical")
@pytest.mark.parametrize("faces", [2, 4])
def test_a_die_is_charged_one_half_for_each_parameter(faces):
    n = np.array([100, 1000, 10_000, 100_000])
    counts = np.random.default_rng(1).multinomial(n, np.full(faces, 1 / faces), size=(400, 4))
    log_evidence = gammaln(faces) + gammaln(counts + 1).sum(-1) - gammaln(n + faces)
    slope, error = selection.slope(n, -n * np.log(faces) - log_evidence)
    # Terms of order 1/n in the evidence bend the line by less than faces^2 / n.
    assert abs(slope - (faces - 1) / 2) < Z * error + faces**2 / 100 / np.log(1000)


def test_evidence_of_a_die_is_a_rational():
    # The formula of the chapter for one small sample, against the sum over its predictions.
    counts, predicted = [3, 1, 2], Fraction(1)
    seen, n = [0, 0, 0], 0
    for face in [0, 0, 1, 2, 0, 2]:
        predicted *= Fraction(seen[face] + 1, n + 3)
        seen[face], n = seen[face] + 1, n + 1
    assert seen == counts
    formula = Fraction(factorial(2) * prod(map(factorial, counts)), factorial(n + 2))
    assert predicted == formula


@pytest.mark.checks("DP-0004", how="numerical")
@pytest.mark.parametrize("n", [400, 40_000])
def test_one_component_settles_at_the_constant_of_laplace(n):
    x = normal(n)
    gap = selection.log_evidence(x, 1) - selection.bic(selection.max_log_likelihood(x, 1), 1, n)
    assert gap == pytest.approx(np.log(0.25) + np.log(2 * np.pi) / 2, abs=1e-9)


# The over-fitted mixture


def t_of(w, mu1, mu2):
    return abs(w * mu1 + (1 - w) * mu2) + w * mu1**2 + (1 - w) * mu2**2


@pytest.mark.checks("DP-0008", how="numerical")
@pytest.mark.parametrize("bound", [1.0, 2.0])
@pytest.mark.parametrize("eps", [0.3, 0.1, 0.01])
def test_prior_mass_near_the_truth(bound, eps):
    rng, total = np.random.default_rng(1), 10**6
    t = t_of(rng.random(total), *rng.uniform(-bound, bound, (2, total)))
    mass, density = (t <= eps).mean(), 1 / (4 * bound**2)
    error = Z * np.sqrt(mass / total)
    assert density * eps**1.5 < mass + error
    assert mass - error < 4 * np.pi * density * eps**1.5
    if eps == 0.01:
        assert mass == pytest.approx(8 * np.pi / 3 * density * eps**1.5, rel=0.05, abs=error)


def mass_near_the_truth(beta, eps, bound=2.0, between=(0, 0.5)):
    """V(eps) for w ~ Beta(beta, beta) and uniform means, by quadrature; min(w, 1 - w) there."""
    node, weight = np.polynomial.legendre.leggauss(60)

    def panels(low, high):
        edges = np.linspace(low, high, 21)
        half = np.diff(edges)[:, None] / 2
        return (edges[:-1, None] + half * (1 + node)).ravel(), (half * weight).ravel()

    # s = log w makes the edge w = 0 smooth; w and 1 - w are symmetric.
    low = max(between[0], 1e-3 * eps ** (2 / min(beta, 1)))
    s, s_weight = panels(np.log(low), np.log(between[1]))
    top = (np.sqrt(1 + 4 * eps) - 1) / 2  # |a| + a^2 = eps
    a, a_weight = panels(0, top)
    w, a = np.exp(s)[:, None], a[None]
    reach = np.sqrt((eps - a - a**2) / (w * (1 - w)))
    above = np.minimum(reach, np.minimum((bound - a) / (1 - w), (bound + a) / w))
    below = np.minimum(reach, np.minimum((bound + a) / (1 - w), (bound - a) / w))
    density = np.exp(beta * s + (beta - 1) * np.log1p(-w[:, 0])) / special.beta(beta, beta)
    area = ((above + below) @ a_weight) * 2  # a and -a
    return 2 * (s_weight * density) @ area / (4 * bound**2)


@pytest.mark.slow
@pytest.mark.parametrize("beta", [0.25, 0.5, 0.75, 1.0, 2.0])
def test_mass_near_the_truth_when_weights_prefer_the_edge(beta):
    """Poles change the exponent if and only if beta <= 1/2, there by a logarithm."""
    rng, total = np.random.default_rng(3), 10**6
    t = t_of(rng.beta(beta, beta, total), *rng.uniform(-2, 2, (2, total)))
    mass = (t <= 0.05).mean()
    assert abs(mass_near_the_truth(beta, 0.05) - mass) < Z * np.sqrt(mass / total)
    eps = np.array([1e-6, 1e-8, 1e-10])
    rate = eps ** min(1.5, 1 + beta) * (np.log(1 / eps) if beta == 0.5 else 1)
    quotient = np.array([mass_near_the_truth(beta, each) for each in eps]) / rate
    assert quotient.max() / quotient.min() < 1.2
    if beta == 1:
        assert quotient[-1] == pytest.approx(8 * np.pi / 3 / 16, rel=1e-3)


def test_an_empty_component_is_rarer_than_a_double_one():
    """A weight of at most eps: of the order eps^2; the rest: eps^1.5, as all; BIC: eps^3."""
    eps = 10.0 ** -np.arange(5, 10)
    empty = np.array([mass_near_the_truth(1, each, between=(0, each)) for each in eps])
    rest = np.array([mass_near_the_truth(1, each, between=(each, 0.5)) for each in eps])
    for mass, power in [(empty, 2), (rest, 1.5)]:
        quotient = mass / eps**power
        assert quotient.max() / quotient.min() < 1.05
    assert (empty < 0.1 * rest).all() and (empty > 1e4 * eps**3).all()


def test_two_components_that_are_there_are_charged_in_full():
    """The gap to BIC tends to Laplace's constant and log 2, for the two orders of the means."""
    # BIC's error is of the order n^-1/2: 0.02 from seed to seed.
    x, step = np.linspace(-12, 12, 24_001, retstep=True)
    first, second = stats.norm.pdf(x, -1.5), stats.norm.pdf(x, 1.5)
    p = (first + second) / 2
    score = [(first - second) / p, (x + 1.5) * first / p / 2, (x - 1.5) * second / p / 2]
    information = np.einsum("ix,jx,x->ij", score, score, p) * step
    c = np.log(1 / 16) + 1.5 * np.log(2 * np.pi) - np.linalg.slogdet(information)[1] / 2
    rng, n = np.random.default_rng(1), 100_000
    x = rng.standard_normal(n) + 1.5 * rng.choice([-1, 1], n)
    bic = selection.bic(selection.max_log_likelihood(x, 2), 3, n)
    assert selection.log_evidence(x, 2) - bic == pytest.approx(c + np.log(2), abs=0.06)


def remainder(mu, x):
    return (np.exp(mu * x - mu**2 / 2) - 1 - mu * x) / mu**2


@pytest.mark.checks("DP-0009", how="numerical")
@pytest.mark.parametrize("mu", [-2.0, -0.3, 0.1, 1.0])
def test_expansion_of_the_likelihood_ratio(mu):
    node, weight = np.polynomial.hermite_e.hermegauss(80)
    weight = weight / weight.sum()
    r = remainder(mu, node)
    assert weight @ r == pytest.approx(0, abs=1e-11)
    assert weight @ (node * r) == pytest.approx(0, abs=1e-11)
    assert weight @ ((node**2 - 1) * r) == pytest.approx(1, rel=1e-11)
    x, b = np.linspace(-8, 8, 401), 2.0
    majorant = 4 * (1 + b + abs(x)) ** 3 * np.exp(b * abs(x))
    assert (abs(remainder(mu, x)) <= majorant).all()
    step = 1e-5
    slope = (remainder(mu + step, x) - remainder(mu - step, x)) / (2 * step)
    assert (abs(slope) <= majorant * (1 + 1e-3)).all()


@pytest.mark.checks("DP-0009", how="numerical")
def test_bound_on_the_likelihood_ratio():
    rng, b = np.random.default_rng(1), 2.0
    w, (mu1, mu2) = rng.random(2000), rng.uniform(-b, b, (2, 2000))
    x = rng.normal(0, 2, 2000)
    y = w * np.exp(mu1 * x - mu1**2 / 2) + (1 - w) * np.exp(mu2 * x - mu2**2 / 2) - 1
    majorant = 4 * (1 + b + abs(x)) ** 3 * np.exp(b * abs(x))
    assert (abs(y) <= 2 * t_of(w, mu1, mu2) * majorant).all()


@pytest.mark.checks("DP-0010", how="numerical")
def test_divergence_is_of_the_order_of_the_squared_distance():
    # kappa / t^2 stays bounded as t -> 0 along every way into the three lines, and it stays
    # away from 0, as the theorem needs.
    node, weight = np.polynomial.hermite_e.hermegauss(120)
    weight = weight / weight.sum()
    quotients = []
    for eps in (0.1, 0.01, 0.001):
        for w, mu1, mu2 in [
            (0.5, eps, eps),
            (0.5, eps, -eps),
            (0.3, eps, -2 * eps),
            (1 - eps, 0.0, 1.5),
            (1 - eps, -1.5 * eps, 1.5),
            (1 - eps, eps, 0.1),
            (eps, -1.0, eps**2),
        ]:
            ratio = w * np.exp(mu1 * node - mu1**2 / 2) + (1 - w) * np.exp(mu2 * node - mu2**2 / 2)
            # y - log(1 + y) has the same mean and cancels less.
            y = ratio - 1
            kappa = weight @ (y - np.log1p(y))
            quotients.append(kappa / t_of(w, mu1, mu2) ** 2)
    assert 0.005 < min(quotients) < max(quotients) < 5


@pytest.mark.checks("DP-0011", how="numerical")
def test_likelihood_falls_off_with_the_squared_distance():
    # sqrt(n) t B - kappa n t^2 has to be above the log likelihood ratio for some B, kappa that
    # serve all parameters and all n: try kappa = 0.02, and see that B does not grow with n.
    rng = np.random.default_rng(3)
    w, mu = rng.random(3000), rng.uniform(-2, 2, (2, 3000)) * rng.random(3000) ** 4
    t = t_of(w, *mu)
    needed = []
    for n in (100, 1000, 10_000):
        worst = []
        for seed in range(10):
            node, weight = selection._nodes(normal(n, seed))
            ratio = np.exp(mu[..., None] * node - mu[..., None] ** 2 / 2)
            gain = np.log(w[:, None] * ratio[0] + (1 - w[:, None]) * ratio[1]) @ weight
            worst.append(((gain + 0.02 * n * t**2) / (np.sqrt(n) * t)).max())
        needed.append(np.mean(worst))
    assert max(needed) < 4


@pytest.mark.slow
@pytest.mark.checks("DP-0012", "DP-0010", how="numerical")
def test_charge_for_two_components_is_three_quarters_of_log_n():
    n = np.array([300, 20_000])
    excess = selection.excess(n, 2, n_samples=40, rng=1)
    slope, error = selection.slope(n, excess)
    assert abs(slope - 0.75) < 4 * error
    assert slope + 10 * error < 1.5
    # One constant bounds the rest for nine samples in ten, whatever n.
    rest = np.quantile(excess - 0.75 * np.log(n), [0.1, 0.9], axis=0)
    assert (np.abs(rest) < 2.5).all()
    one, one_error = selection.slope(n, selection.excess(n, 1, n_samples=40, rng=1))
    assert abs(one - 0.5) < 4 * one_error


@pytest.mark.slow
@pytest.mark.checks("DP-0013", how="numerical")
def test_bic_of_two_components_is_off_by_three_quarters_of_log_n():
    n, rows = np.array([100, 10_000]), []
    for seed in range(15):
        samples = [normal(m, 100 + seed) for m in n]
        rows.append(
            [
                selection.log_evidence(x, 2)
                - selection.bic(selection.max_log_likelihood(x, 2), 3, len(x))
                for x in samples
            ]
        )
    slope, error = selection.slope(n, rows)
    assert abs(slope - 0.75) < 4 * error
    assert slope > 5 * error


def test_maximum_is_above_the_truth_and_every_grid_point():
    x = normal(500, 7)
    best = selection.max_log_likelihood(x, 2)
    assert best >= selection.max_log_likelihood(x, 1) - 1e-9 >= log_truth(x) - 1e-9
    for w in np.linspace(0, 1, 11):
        for mu1, mu2 in np.random.default_rng(1).uniform(-2, 2, (50, 2)):
            density = w * stats.norm.pdf(x, mu1) + (1 - w) * stats.norm.pdf(x, mu2)
            assert np.log(density).sum() <= best + 1e-6


# Tools


def test_bic():
    assert selection.bic(-10.0, 0, 5) == -10.0
    assert selection.bic(-10.0, 4, 100) == pytest.approx(-10 - 2 * np.log(100))


def test_slope_of_exact_lines():
    n = [10, 100, 1000]
    slope, error = selection.slope(n, [2 * np.log(n) + 1, 2 * np.log(n) - 5])
    assert (slope, error) == (pytest.approx(2), pytest.approx(0, abs=1e-12))


def test_fit_of_one_component_is_the_sample():
    x = np.random.default_rng(1).normal([1, 5], [1, 3], (300, 2))
    fit = selection.fit(x, 1, rng=1)
    np.testing.assert_allclose(fit.means[0], x.mean(0))
    # A thousandth of the covariance is added.
    np.testing.assert_allclose(fit.covariances[0], 1.001 * np.cov(x.T, bias=True))
    exact = stats.multivariate_normal(fit.means[0], fit.covariances[0]).logpdf(x).sum()
    assert fit.log_likelihood == pytest.approx(exact)
    assert (fit.n_params, fit.bic) == (5, pytest.approx(exact - 2.5 * np.log(300)))


@pytest.mark.filterwarnings("ignore:only one of:dpnotes.InferenceWarning")
def test_fit_finds_separate_groups():
    rng = np.random.default_rng(1)
    x = np.concatenate([rng.normal(m, 0.5, 100) for m in (-6, 0, 6)])
    fit = selection.fit(x, 3, rng=1)
    order = fit.means[:, 0].argsort()
    np.testing.assert_allclose(fit.means[order, 0], [-6, 0, 6], atol=0.3)
    np.testing.assert_allclose(fit.weights, 1 / 3, atol=0.01)
    bics = [selection.fit(x, k, rng=1).bic for k in (1, 2, 3, 4)]
    assert int(np.argmax(bics)) == 2


def test_fit_likelihood_is_that_of_its_parameters():
    x = np.random.default_rng(1).normal(0, 1, 50)
    fit = selection.fit(x, 2, rng=1, n_starts=2)
    density = fit.weights * stats.norm.pdf(
        x[:, None], fit.means[:, 0], np.sqrt(fit.covariances[:, 0, 0])
    )
    assert fit.log_likelihood == pytest.approx(np.log(density.sum(1)).sum())
    assert fit.weights.sum() == pytest.approx(1)


def test_a_fit_that_may_not_be_the_best_says_so():
    rng = np.random.default_rng(1)
    x = np.concatenate([rng.normal(m, 0.5, 100) for m in (-6, 0, 6)])
    for k, words, more in (
        (3, "not converged after 1 steps; raise max_iter", {"max_iter": 1, "n_starts": 1}),
        (4, "only one of 10 starts reached .* up to 237 nats apart", {}),
    ):
        with pytest.warns(dpnotes.InferenceWarning, match=words) as said:
            selection.fit(x, k, rng=1, **more)
        assert [w.filename for w in said] == [__file__]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        selection.fit(x, 3, rng=1)
        selection.fit_sequence(x, 3)


def test_one_seed_one_result():
    n = [50, 100]
    first, second = (selection.excess(n, 2, 2, rng=3) for _ in range(2))
    np.testing.assert_array_equal(first, second)
    x = normal(60)
    assert selection.fit(x, 3, rng=2).bic == selection.fit(x, 3, rng=2).bic


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: selection.bic(np.nan, 1, 2), "log_likelihood"),
        (lambda: selection.bic(0.0, -1, 2), "n_params = -1"),
        (lambda: selection.bic(0.0, 1, 0), "n = 0"),
        (lambda: selection.log_evidence([], 1), "x"),
        (lambda: selection.log_evidence([1.0, np.inf], 1), "x"),
        (lambda: selection.log_evidence([[1.0]], 1), "x"),
        (lambda: selection.log_evidence([1.0], 3), "n_components = 3: expected 1 or 2"),
        (lambda: selection.log_evidence([1.0], 1.0), "n_components = 1.0"),
        (lambda: selection.log_evidence([1.0], 2, bound=0), "bound = 0"),
        (lambda: selection.max_log_likelihood([1.0], 0), "n_components = 0"),
        (lambda: selection.excess([0], 1, 1), "n = "),
        (lambda: selection.excess([5], 1, 0), "n_samples = 0"),
        (lambda: selection.slope([1, 1], [[0, 0], [1, 1]]), "n = "),
        (lambda: selection.slope([1, 2], [[0, 0]]), "values = "),
        (lambda: selection.fit([1.0, 2.0], 3), "n_components = 3: expected at most"),
        (lambda: selection.fit([1.0, 1.0], 1), "x = "),
        (lambda: selection.fit([1.0, np.nan], 1), "x"),
        (lambda: selection.fit([1.0, 2.0], 1, tol=0), "tol = 0"),
    ],
)
def test_bad_input(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_fit_does_not_depend_on_the_units_of_a_coordinate():
    x = np.random.default_rng(5).standard_normal((60, 2))
    best = selection.fit(x, 2, rng=1)
    other = selection.fit(x * [1e6, 1e-6], 2, rng=1)
    assert other.log_likelihood == pytest.approx(best.log_likelihood)
    np.testing.assert_allclose(other.means, best.means * [1e6, 1e-6])


@pytest.mark.parametrize("seed", [1, 165, 284])
def test_the_maximum_is_found_on_either_side(seed):
    """The best point of the quadrature lies on the side of the lower of two peaks."""
    x = np.random.default_rng(seed).normal(size=32)

    means = np.linspace(-2, 2, 41)
    density = stats.norm(means[:, None]).pdf(x)
    grid = [
        np.log(share * density[:, None] + (1 - share) * density).sum(axis=-1)
        for share in np.linspace(0.01, 0.5, 25)
    ]
    best = np.max(grid)
    found = selection.max_log_likelihood(x, 2)
    assert best - 1e-9 <= found < best + 0.05
