"""Numbers far out: far from zero, tiny, huge, and far from each other, against mpmath.

References are computed from the same floats with 1300 digits, in which no square loses any, or
with fewer where no number is so far out.
"""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mpmath import mp, mpf

from dpnotes import _sweeps, chains, exact, gibbs, meanfield, tables
from dpnotes.components import (
    CorrelatedGaussian,
    Gaussian,
    NormalInverseGamma,
    NormalInverseWishart,
    SphericalNormalInverseGamma,
)
from dpnotes.components.gaussian import Islands, _contrasts, log_weighted, sums_of
from dpnotes.mixture import DPMixture

EPS = np.finfo(float).eps
DAYS = 2460000.5 + np.array([0, 0.01, 0.02, 1, 1.01, 1.02])  # Julian dates
DATES = DPMixture(1.0, Gaussian(0, 1e14, 1e-4))
CORRELATED = np.array([[1, 0.999999], [0.999999, 1]])


@pytest.fixture(autouse=True)
def many_digits():
    with mp.workdps(1300):
        yield


def posterior(family, x):
    """Return n and what the posterior of theta given points holds, in mpf: the textbook's forms."""
    n, d = len(x), family.dim
    y = [[mpf(float(v)) - mpf(float(m)) for v, m in zip(row, family.mean)] for row in x]
    t = [mp.fsum(row[j] for row in y) for j in range(d)]
    q = mp.matrix(d, d)
    for i, j in product(range(d), range(d)):
        q[i, j] = mp.fsum(row[i] * row[j] for row in y)
    if isinstance(family, Gaussian):
        var, noise = mpf(family.var), mpf(family.noise_var)
        return [var * a / (noise + n * var) for a in t], var * noise / (noise + n * var), q, t
    if isinstance(family, NormalInverseGamma):
        strength, rate = ([mpf(float(a)) for a in v] for v in (family.strength, family.rate))
        after = [k + n for k in strength]
        fit = [q[j, j] - t[j] ** 2 / after[j] for j in range(d)]
        return [a / k for a, k in zip(t, after)], after, [b + f / 2 for b, f in zip(rate, fit)]
    after = mpf(family.strength) + n
    if isinstance(family, SphericalNormalInverseGamma):
        fit = mp.fsum(q[j, j] - t[j] ** 2 / after for j in range(d))
        return [a / after for a in t], after, mpf(family.rate) + fit / 2
    if isinstance(family, CorrelatedGaussian):
        cov = mp.matrix([[mpf(float(v)) for v in row] for row in family.cov])
        return [a / after for a in t], after, cov, q, t
    scale = mp.matrix(d, d)
    for i, j in product(range(d), range(d)):
        scale[i, j] = mpf(float(family.scale[i, j])) + q[i, j] - t[i] * t[j] / after
    return [a / after for a in t], after, scale


def log_marginal(family, x):
    n, d = len(x), family.dim
    if isinstance(family, Gaussian):
        mean, var, q, t = posterior(family, x)
        noise = mpf(family.noise_var)
        fit = mp.fsum(q[j, j] - mean[j] * t[j] for j in range(d)) / noise
        before = mpf(family.var)
        return -(d * (n * mp.log(2 * mp.pi * noise) + mp.log(before / var)) + fit) / 2
    if isinstance(family, NormalInverseGamma):
        _, after, rates = posterior(family, x)
        total = mpf(0)
        for j in range(d):
            k, a, b = (mpf(float(v[j])) for v in (family.strength, family.shape, family.rate))
            shape = a + mpf(n) / 2
            total += mp.loggamma(shape) - mp.loggamma(a) + a * mp.log(b) - shape * mp.log(rates[j])
            total += (mp.log(k / after[j]) - n * mp.log(2 * mp.pi)) / 2
        return total
    if isinstance(family, SphericalNormalInverseGamma):
        _, after, rate = posterior(family, x)
        k, a, b = mpf(family.strength), mpf(family.shape), mpf(family.rate)
        shape = a + mpf(n) * d / 2
        total = mp.loggamma(shape) - mp.loggamma(a) + a * mp.log(b) - shape * mp.log(rate)
        return total + d * (mp.log(k / after) - n * mp.log(2 * mp.pi)) / 2
    if isinstance(family, CorrelatedGaussian):
        _, after, cov, q, t = posterior(family, x)
        inverse, pairs = mp.inverse(cov), list(product(range(d), range(d)))
        fit = mp.fsum(inverse[i, j] * (q[i, j] - t[i] * t[j] / after) for i, j in pairs)
        const = n * (d * mp.log(2 * mp.pi) + mp.log(mp.det(cov)))
        return -(const + d * mp.log(after / mpf(family.strength)) + fit) / 2
    _, after, scale = posterior(family, x)
    before = mp.matrix([[mpf(float(v)) for v in row] for row in family.scale])
    dof, k = mpf(family.dof), mpf(family.strength)
    total = d * (mp.log(k / after) - n * mp.log(mp.pi)) / 2
    for j in range(d):
        total += mp.loggamma((dof + n - j) / 2) - mp.loggamma((dof - j) / 2)
    return total + (dof * mp.log(mp.det(before)) - (dof + n) * mp.log(mp.det(scale))) / 2


def evidence(model, x):
    """Return log p(x) and the probability of each number of clusters, over all partitions."""
    x = np.reshape(x, (len(x), -1))
    blocks, weight = {}, [mpf(0)] * (len(x) + 1)
    for z in exact.set_partitions(len(x)):
        joint = mpf(model.alpha) ** (int(z.max()) + 1)
        for k in range(z.max() + 1):
            points = tuple(np.flatnonzero(z == k))
            if points not in blocks:
                fit = log_marginal(model.component, x[list(points)])
                blocks[points] = mp.exp(fit) * mp.factorial(len(points) - 1)
            joint *= blocks[points]
        weight[z.max() + 1] += joint
    total = mp.fsum(weight)
    law = np.array([float(w / total) for w in weight])
    return float(mp.log(total / mp.rf(model.alpha, len(x)))), law


def fit_of(family, x):
    """Return log p(x) of one cluster as every part of the package computes it."""
    family, s = sums_of(family, x, np.zeros(len(x), int), 1)
    return float(family.log_marginal(s)[0])


# The posterior of dates.


def test_dates_have_the_evidence_of_80_digits():
    log_evidence, law = evidence(DATES, DAYS)
    assert log_evidence == pytest.approx(-27.681, abs=5e-4)
    found = exact.posterior(DATES, DAYS)
    # Each date, about the mean of a block, is rounded once, by 4e-16 of 1.02 at most: its square,
    # over the noise 1e-4, is off by 1e-11 for each of six points.
    assert found.log_evidence == pytest.approx(log_evidence, abs=1e-10)
    assert exact.log_evidence(DATES, DAYS) == pytest.approx(log_evidence, abs=1e-10)
    np.testing.assert_allclose(found.num_clusters, law, atol=1e-10)
    joint = [DATES.log_joint(DAYS, labels) for labels in found.labels]
    likely = found.probs > 1e-300
    expected = np.log(found.probs[likely]) + log_evidence
    np.testing.assert_allclose(np.array(joint)[likely], expected, atol=1e-9, rtol=1e-10)


def test_dates_split_in_two_in_every_sampler():
    # P(K = 2) is 1 - 6e-9. New tables with parameters from H never lie near the data.
    two = [0, 0, 0, 1, 1, 1]
    for run in (
        gibbs.collapsed(DATES, DAYS, 100, rng=1),
        gibbs.auxiliary(DATES, DAYS, 100, rng=1, start=two),
        gibbs.blocked(DATES, DAYS, 100, rng=1, start=two, truncation=8),
    ):
        assert (run.labels[1:] == two).all()
        assert run.log_joint[-1] == pytest.approx(DATES.log_joint(DAYS, two), abs=1e-9)


def test_dates_have_a_density_at_each_date():
    run = gibbs.collapsed(DATES, DAYS, 50, rng=1)
    density = np.exp(run.predictive_draws(DAYS)[-1])
    expected = np.zeros(6)
    for block in (DAYS[:3], DAYS[3:]):
        for i, x in enumerate(DAYS):
            with_x = np.append(block, x)[:, None]
            ratio = log_marginal(DATES.component, with_x)
            ratio -= log_marginal(DATES.component, block[:, None])
            expected[i] += 3 / 7 * float(mp.exp(ratio))
    exactly = exact.posterior(DATES, DAYS).predictive_logpdf(DAYS)
    np.testing.assert_allclose(np.exp(exactly), density, rtol=1e-7)  # P(K = 2) is nearly 1
    alone = [float(mp.exp(log_marginal(DATES.component, [[x]]))) / 7 for x in DAYS]
    # Squares of up to 1.02 over a variance of 1.3e-4 are right to 1e-11 of themselves.
    np.testing.assert_allclose(density, expected + alone, rtol=1e-9)


# One cluster: log marginals.


@pytest.mark.parametrize("exponent", [-150, -100, -80, -8, 0, 8, 78, 100, 148])
def test_gaussian_at_every_scale(exponent):
    scale = 10.0**exponent
    family = Gaussian(0, scale**2, scale**2)
    x = scale * np.array([[0.3], [-1.0], [2.5], [2.6]])
    expected = float(log_marginal(family, x))
    # Sums of terms up to |log scale| * 4, each rounded.
    for found in (fit_of(family, x), family.log_marginal(family.features(x).sum(axis=0))):
        assert found == pytest.approx(expected, abs=1e-14, rel=16 * EPS)


FAR = [0.0, 1e4, 1e8, 1e12]
SPREAD = np.random.default_rng(1).normal(size=(6, 2)).round(3)


@pytest.mark.parametrize("far", FAR)
@pytest.mark.parametrize("strength", [1e-300, 1e-12, 1e-6, 1.0, 1e6, 1e300])
def test_a_cluster_far_from_zero(far, strength):
    x = far + SPREAD
    families = [
        NormalInverseGamma([0, 0], strength, 2, [1, 1e-6]),
        SphericalNormalInverseGamma([0, 0], strength, 2, 1e-6),
        CorrelatedGaussian([0, 0], strength, CORRELATED),
        NormalInverseWishart([0, 0], strength, 4, np.eye(2)),
        NormalInverseWishart([0, 0], strength, 4, CORRELATED),
        NormalInverseWishart([0, 0, 0], strength, 4, np.diag([1e-6, 1, 1e6])),
    ]
    for family in families:
        points = x if family.dim == 2 else np.column_stack([x, x[:, 0] - x[:, 1]])
        expected = float(log_marginal(family, points))
        assert fit_of(family, points) == pytest.approx(expected, rel=1e-9, abs=1e-9), family


@pytest.mark.parametrize("scale", [1e-140, 1e-70, 1e-8, 1e8, 1e70, 1e140])
def test_unknown_variances_at_every_scale(scale):
    x = scale * SPREAD
    for family in (
        NormalInverseGamma([0, 0], 0.1, 2, scale**2),
        SphericalNormalInverseGamma([0, 0], 0.1, 2, scale**2),
        CorrelatedGaussian([0, 0], 0.1, scale**2 * CORRELATED),
        NormalInverseWishart([0, 0], 0.1, 4, scale**2 * CORRELATED),
    ):
        # Sums of squares that are rounded, then multiplied by the inverse of a known matrix, lose
        # the digits of its condition number.
        known = isinstance(family, CorrelatedGaussian)
        rel = EPS * np.linalg.cond(CORRELATED) if known else 1e-11
        assert fit_of(family, x) == pytest.approx(float(log_marginal(family, x)), rel=rel)


SIZES = [1e-300, 1e-8, 0.3, 19.5, 1e3, 1e8, 1e15]


@mp.workdps(60)  # all are near 1
@pytest.mark.parametrize("shape", SIZES)
@pytest.mark.parametrize("strength", SIZES)
@pytest.mark.parametrize("kind", [NormalInverseGamma, SphericalNormalInverseGamma])
def test_constants_are_no_differences_of_large_log_gammas(kind, shape, strength):
    # About the variance 1, so that a large shape makes them Gaussian of variance 1.
    family = kind([0, 0], strength, shape, shape)
    expected = float(log_marginal(family, SPREAD))
    assert fit_of(family, SPREAD) == pytest.approx(expected, rel=1e-13, abs=1e-13)
    s, new = family.features(SPREAD).sum(axis=0)[None], np.array([[0.3, -2.0]])
    after = log_marginal(family, [*SPREAD, new[0]]) - log_marginal(family, SPREAD)
    assert family.log_predictive(new, s)[0, 0] == pytest.approx(float(after), rel=1e-13)


@mp.workdps(60)  # all are near 1
@pytest.mark.parametrize("dof", [1.5, 20, 1e3, 1e8, 1e15])
def test_constants_of_the_wishart_family(dof):
    family = NormalInverseWishart([0, 0], 0.5, dof, dof * np.eye(2))
    s, new = family.features(SPREAD).sum(axis=0)[None], np.array([[0.3, -2.0]])
    # What is a difference of determinants is off by dof times their rounding.
    near = 4 * EPS * dof * max(1, np.log(dof))
    expected = float(log_marginal(family, SPREAD))
    assert fit_of(family, SPREAD) == pytest.approx(expected, rel=1e-13, abs=near)
    after = log_marginal(family, [*SPREAD, new[0]]) - log_marginal(family, SPREAD)
    assert family.log_predictive(new, s)[0, 0] == pytest.approx(float(after), rel=1e-12)


@mp.workdps(60)  # all are near 1
@pytest.mark.parametrize("shape", SIZES[1:])
def test_the_seats_of_a_sweep_have_the_same_constants(shape):
    labels = np.array([0, 1, 0, 0, 1, 2])
    for family in (
        NormalInverseGamma([0, 0], 1, shape, shape),
        SphericalNormalInverseGamma([0, 0], 1, shape, shape),
        NormalInverseWishart([0, 0], 1, 2 * shape + 1, (2 * shape + 1) * np.eye(2)),
    ):
        kernel = gibbs.Collapsed(DPMixture(1.0, family), SPREAD)
        expected = mp.fsum(log_marginal(family, SPREAD[labels == k]) for k in range(3))
        expected += mp.log(2) - mp.log(720)  # 2! 1! 0! / 6!
        found = kernel.log_joint(chains.State(labels, 1.0))
        assert found == pytest.approx(float(expected), rel=1e-12)


# Priors far out.


@pytest.mark.parametrize("exponent", [-160, -75, 75, 160])
def test_a_prior_far_wider_or_narrower_than_the_noise(exponent):
    family = Gaussian(0.0, 10.0**-exponent, 10.0**exponent)
    model, labels = DPMixture(1.0, family), np.array([0, 0, 1, 1])
    x = np.sqrt(family.noise_var) * np.array([-1.0, -1.25, 0.5, 1.0])
    found = gibbs.Collapsed(model, x).log_joint(chains.State(labels, 1.0))
    assert found == pytest.approx(model.log_joint(x, labels), rel=1e-12)
    assert np.isfinite(gibbs.collapsed(model, x, 5, rng=1).log_joint).all()
    assert np.isfinite(gibbs.blocked(model, x, 5, rng=1, truncation=4).log_joint).all()


@pytest.mark.parametrize("shape", [1e-300, 1e-3, 1.0, 1e300])
def test_draws_of_variances_stay_within_floats(shape):
    for family in (
        NormalInverseGamma([0, 1], [1e-300, 1e300], shape, [1e300, 1e-300]),
        SphericalNormalInverseGamma([0, 1], 1e-300, shape, 1e300),
        NormalInverseWishart(0, 1e-300, shape, 1e300),
        NormalInverseWishart(0, 1e-300, shape, 1e-300),
    ):
        theta = family.sample_prior(200, rng=1)
        assert np.isfinite(theta).all() and (theta[:, family.dim :] > 0).all()
        x = family.sample_data(theta, rng=1)
        assert np.isfinite(x).all()
        assert not np.isnan(family.log_likelihood(np.clip(x, -1e100, 1e100), theta)).any()


@pytest.mark.parametrize("sampler", [gibbs.auxiliary, gibbs.naive])
def test_tables_of_nearly_infinite_variance(sampler):
    # Most draws of a chi squared variable of 0.001 degrees of freedom are below 1e-308.
    x = np.array([1.0, 0.4, -1.0, 0.2])
    for family in (NormalInverseWishart(0, 1, 0.001, 1), NormalInverseGamma(0, 1, 0.0005, 0.5)):
        run = sampler(DPMixture(1.0, family), x, 17, rng=1, start=[0, 1, 0, 1])
        assert np.isfinite(run.log_joint).all()


def test_points_whose_densities_are_all_0_in_floats_choose_the_nearest_atom():
    family = Gaussian(0, 1e300, 1e-200)
    x, theta = np.array([[-2.5], [1.0], [3.9]]) * 1e100, np.array([[-2.0], [0.5], [4.0]]) * 1e100
    zeros, every = np.zeros(3), np.ones((1, 3), bool)
    assert (family.log_likelihood(x, theta) == -np.inf).all()
    found = log_weighted(family, x, theta, zeros, every)
    np.testing.assert_array_equal(found, np.where(np.eye(3), 0, -np.inf))
    # Of those allowed alone.
    found = log_weighted(family, x, theta, zeros, ~np.eye(3, dtype=bool))
    np.testing.assert_array_equal(found.argmax(axis=1), [1, 0, 1])
    model = DPMixture(1e3, Gaussian(1.0, 1e-132, 1e-83))
    for x in ([-1e70, 2e33, 4e56, 1e149], [-1e149, -0.9e149, 1e149]):
        run = gibbs.blocked(model, np.array(x), 5, rng=1, truncation=4)
        assert run.labels.shape == (5, len(x))


def test_a_density_beyond_floats_is_0():
    assert Gaussian(0, 1, 1e-300).natural([[1e6]])[0, 0] == -np.inf
    assert Gaussian(0, 1, 1e-300).log_likelihood([[1.0]], [[1e6]])[0, 0] == -np.inf
    wishart = NormalInverseWishart(0, 7.5, 0.1, 1e-200)
    assert wishart.measured_from(1e80).expected_natural([[0.0, 0, 0]])[0, 0] == -np.inf
    model = DPMixture(1.0, Gaussian(-1e114, 1e-264, 1e-153))
    assert exact.log_evidence(model, [1.0, -1.0]) == -np.inf
    with pytest.raises(ValueError, match="^x = points whose density .* is 0 in floats: expected "):
        exact.posterior(model, [1.0, -1.0])
    with pytest.raises(ValueError, match="^x = points whose density .* is 0 in floats: expected "):
        exact.split_odds(model, [1.0, -1.0])
    one = np.ones((4, 1)), [[1.5, 1.0]], [[0.0, 0.0, 0.0]]
    with pytest.raises(ValueError, match="^x = .*: expected log densities within range of floats"):
        meanfield.elbo(DPMixture(1.0, Gaussian(0, 1, 1e-200)), [1e140] * 4, *one)
    model = DPMixture(1.0, Gaussian(0, 1e284, 1e-112))
    q = meanfield.fit(model, [1, -1, 0.2, 0.4], truncation=5, truncated_model=True, rng=1)
    assert np.isfinite(q.elbo).all()


@pytest.mark.filterwarnings("ignore::dpnotes.InferenceWarning")
@pytest.mark.parametrize("far", [1e4, 1e6, 1e8, 1e10, 1e100])
def test_a_prior_mean_far_away_makes_no_elbo_above_the_evidence(far):
    # The cluster's scale is far times longer than wide.
    model = DPMixture(1e-10, NormalInverseWishart([0, 0], 4.5, 3, 1e-2 * np.eye(2)))
    x = far * np.array([1.0, 0.3]) + 1e-2 * SPREAD * (far < 1e12)
    evidence = exact.log_evidence(model, x)
    try:
        q = meanfield.fit(model, x, truncation=3, rng=1, restarts=1)
    except ValueError as error:
        assert far > 1e7 and "so long and narrow" in str(error)
    else:
        assert evidence - 30 < q.elbo[-1] < evidence + 1e-5 * abs(evidence)


# What holds for every number: moves and changes of unit.

numbers = st.lists(st.integers(-1000, 1000), min_size=4, max_size=8)
each = pytest.mark.parametrize("kind", ["gaussian", "correlated", "gamma", "spherical", "wishart"])


def family_of(kind, d, mean, unit):
    if kind == "gaussian":
        return Gaussian(np.full(d, mean), 4 * unit**2, unit**2 / 4)
    if kind == "gamma":
        return NormalInverseGamma(np.full(d, mean), 0.5, 2, unit**2)
    if kind == "correlated":
        return CorrelatedGaussian(np.full(d, mean), 0.1, unit**2 * (np.eye(d) + 0.25) / 4)
    if kind == "spherical":
        return SphericalNormalInverseGamma(np.full(d, mean), 0.5, 2, unit**2)
    return NormalInverseWishart(np.full(d, mean), 0.5, d + 2, unit**2 * np.eye(d))


@each
@settings(deadline=None, max_examples=30, derandomize=True)
@given(numbers, st.integers(-(2**40), 2**40), st.integers(0, 7))
def test_a_move_of_points_and_prior_changes_nothing(kind, values, move, labelling):
    # Eighths of integers below 2^43 are floats, so that the points move exactly.
    x, d = np.reshape(values[: len(values) // 2 * 2], (-1, 2)) / 8, 2
    labels = np.arange(len(x)) >> 1 if labelling % 2 else np.zeros(len(x), int)
    here = DPMixture(1.0, family_of(kind, d, 0, 1.0))
    there = DPMixture(1.0, family_of(kind, d, move, 1.0))
    expected = here.log_joint(x, labels)
    # The mean of a block that is no float is rounded by 2^-13 of the move's 2^40 at most; the
    # answer depends on it in the second order.
    assert there.log_joint(x + move, labels) == pytest.approx(expected, rel=1e-6, abs=1e-6)


@each
@settings(deadline=None, max_examples=30, derandomize=True)
@given(numbers, st.integers(-450, 450))
def test_a_change_of_unit_shifts_log_densities(kind, values, power):
    # Powers of 2 multiply without rounding: all is the same but for n d log(unit).
    x, d = np.reshape(values[: len(values) // 2 * 2], (-1, 2)) / 8, 2
    unit = 2.0**power
    small, large = (family_of(kind, d, 0, u) for u in (1.0, unit))
    shift = -x.size * power * np.log(2)
    expected = fit_of(small, x) + shift
    assert fit_of(large, unit * x) == pytest.approx(expected, rel=1e-12, abs=1e-11)
    away = np.array([[0.25, 1e6], [-3.0, 2.5]])
    s_small, s_large = (f.features(u * x).sum(axis=0)[None] for f, u in ((small, 1), (large, unit)))
    before = small.log_predictive(away, s_small) - 2 * power * np.log(2)
    np.testing.assert_allclose(
        large.log_predictive(unit * away, s_large), before, rtol=1e-12, atol=1e-11
    )


# Rows far out, of a fit to data at hand.


def expectations(family, x, row):
    """Return E log f(row | theta) and log p(row | x) for one cluster of points x."""
    d, n = family.dim, len(x)
    y = [mpf(float(a)) - mpf(float(m)) for a, m in zip(row, family.mean)]
    predictive = log_marginal(family, [*x, row]) - log_marginal(family, x)
    mean, after, scale, *_ = posterior(family, x)
    away = mp.matrix([a - m for a, m in zip(y, mean)])
    if isinstance(family, Gaussian):
        noise, square = mpf(family.noise_var), (away.T * away)[0]
        value = -d * (mp.log(2 * mp.pi * noise) + after / noise) / 2 - square / noise / 2
        return value, predictive
    if isinstance(family, NormalInverseGamma):
        value = mpf(0)
        for j in range(d):
            shape = mpf(float(family.shape[j])) + mpf(n) / 2
            value -= (mp.log(2 * mp.pi) + 1 / after[j] + mp.log(scale[j]) - mp.digamma(shape)) / 2
            value -= shape / scale[j] * away[j] ** 2 / 2
        return value, predictive
    if isinstance(family, CorrelatedGaussian):
        square = (away.T * mp.inverse(scale) * away)[0]
        const = d * (mp.log(2 * mp.pi) + 1 / after) + mp.log(mp.det(scale))
        return -(const + square) / 2, predictive
    if isinstance(family, SphericalNormalInverseGamma):
        shape = mpf(family.shape) + mpf(n) * d / 2
        value = d * (mp.log(2 * mp.pi) + 1 / after + mp.log(scale) - mp.digamma(shape)) / 2
        return -value - shape / scale * (away.T * away)[0] / 2, predictive
    dof = mpf(family.dof) + n
    square = (away.T * mp.inverse(scale) * away)[0]
    value = d * mp.log(mp.pi) + d / after + mp.log(mp.det(scale)) + dof * square
    return -(value - mp.fsum(mp.digamma((dof - j) / 2) for j in range(d))) / 2, predictive


@pytest.mark.parametrize("out", [1e3, 1e9, 1e18, 1e160, 1e299])
@pytest.mark.parametrize("moved", [0.0, 1e8])
@each
def test_rows_far_out(kind, moved, out):
    # A determinant is a difference of products of two squares.
    mp.dps = 60 + round(4 * np.log10(max(moved, out)))
    x = [SPREAD + moved, 2 * SPREAD[::-1] + moved + 30, SPREAD[1:] + moved - 41]
    family = family_of(kind, 2, 0.0, 1.0).measured_from(moved)
    s = np.array([family.features(points).sum(axis=0) for points in x])
    sticks = np.array([[7.0, 12.0], [7.0, 6.0], [6.0, 1.0]])
    model = DPMixture(1.0, family)
    q = meanfield.MeanField(model, s, sticks, np.zeros(1), True, np.zeros(1))
    weights = meanfield._expected_log_weights(sticks, 3)
    rows = out * np.array([[1.0, 0.37], [-1.0, 1.0], [0.0, -1.0]])
    found, density = q.responsibilities(rows), family.log_predictive(rows, s)
    for row, gamma, log_density in zip(rows, found, density, strict=True):
        values = [expectations(family, points, row) for points in x]
        logits = [w + value for w, (value, _) in zip(weights, values, strict=True)]
        shares = [mp.exp(v - max(logits)) for v in logits]
        expected = [float(v / mp.fsum(shares)) for v in shares]
        np.testing.assert_allclose(gamma, expected, atol=1e-9)
        # -inf only where the density of a Gaussian is beyond floats.
        predictive = [float(value) for _, value in values]
        np.testing.assert_allclose(log_density, predictive, rtol=1e-9)
        assert kind in ("gaussian", "correlated") or np.isfinite(log_density).all()
    np.testing.assert_allclose(found.sum(axis=1), 1, rtol=4 * EPS)


# Mean field climbs.


@pytest.mark.parametrize("memoised", [False, True])
@pytest.mark.filterwarnings("ignore::dpnotes.InferenceWarning")
@pytest.mark.parametrize("far, apart", [(1e8, 6), (1e10, 30), (0, 1e4), (0, 1e6), (1e8, 1e5)])
@each
def test_the_elbo_never_falls(kind, far, apart, memoised):
    rng = np.random.default_rng(3)
    x = np.concatenate([rng.normal(far + k * apart, 1, (40, 2)) for k in range(3)])
    model = DPMixture(1.0, family_of(kind, 2, 0.0, 1.0))
    if kind == "gaussian":
        model = DPMixture(1.0, Gaussian([0, 0], max(far, apart) ** 2, 1.0))
    if kind == "correlated":
        model = DPMixture(1.0, CorrelatedGaussian([0, 0], 1 / max(far, apart) ** 2, np.eye(2)))
    q = meanfield.fit(model, x, truncation=6, rng=1, restarts=4, memoised=memoised)
    # Rounding of 240 squares of at most 1e7 units of the noise, and of the places' 1e4 times.
    assert np.diff(q.elbo).min(initial=0) > -1e-6
    value = meanfield.elbo(q.model, x, q.responsibilities(x), q.sticks, q.statistics)
    assert value == pytest.approx(q.elbo[-1], rel=1e-7)


@each
def test_islands_are_the_same_family(kind):
    family = family_of(kind, 2, 0.0, 1.0)
    x = np.concatenate([SPREAD, SPREAD + 3e4, [[1e9, -1e9]]])
    islands = Islands(family, np.array([[0.1, 0.2], [3e4, 3e4], [1e9, -1e9]]))
    features = islands.features(x)
    sets = [np.arange(6), np.arange(6, 12), np.arange(13), np.array([0, 6, 7]), np.array([12])]
    s = np.array([features[rows].sum(axis=0) for rows in sets])
    # The Wishart scale of a long cluster is 1e18 times longer than wide: its logs to 1e-9.
    expected = [float(log_marginal(family, x[rows])) for rows in sets]
    np.testing.assert_allclose(islands.log_marginal(s), expected, rtol=1e-9)
    rows = np.array([[1.0, 2.0], [3e4 + 1, 3e4], [1e9, 0.0]])
    for points, found in zip(sets, islands.log_predictive(rows, s).T, strict=True):
        predictive = [float(expectations(family, x[points], row)[1]) for row in rows]
        # A point at 1e9, rounded by 6e-8, is one of 13 that a mean is taken of.
        np.testing.assert_allclose(found, predictive, rtol=1e-9, atol=1e-7)


# Samplers, and what is refused.


@each
def test_a_sweep_far_out_is_a_sweep_near_zero(kind):
    # With points and prior moved by a whole number, the same seed makes the same draws.
    x = np.round(64 * np.concatenate([SPREAD, SPREAD + 4])) / 64
    runs = []
    for shift in (0.0, 2.0**30):
        model = DPMixture(1.0, family_of(kind, 2, shift, 1.0))
        run = gibbs.collapsed(model, x + shift, 100, rng=2)
        runs.append((run.labels, run.log_joint))
    np.testing.assert_array_equal(runs[0][0], runs[1][0])
    np.testing.assert_allclose(runs[0][1], runs[1][1], rtol=1e-9)


@each
def test_the_loop_of_algorithm_8_has_the_density_of_a_point_far_out(kind):
    family = family_of(kind, 3, 0.0, 1.0)
    theta = family.sample(np.zeros((5, family.n_features)), rng=1)
    x = np.random.default_rng(2).normal(size=(4, 3)) + [1e3, -1e3, 500]
    table, score = family._factored(theta), np.zeros(5)
    for i, row in enumerate(family.log_likelihood(x, theta)):
        _sweeps._squared(i, 5, np.arange(5), x - family.origin, table, score)
        np.testing.assert_allclose(score, row, rtol=1e-12)


def test_a_unit_out_of_range_is_named():
    x = np.random.default_rng(1).normal(3, 1, 50)
    for scale, words in ((1e200, "at most 1e\\+150 in size"), (1e-300, "at least 1e-150")):
        with pytest.raises(ValueError, match=f"{words}; change the unit"):
            tables.standardise(x * scale)
    with pytest.raises(ValueError, match="change the unit"):
        exact.log_evidence(DPMixture(1.0, NormalInverseGamma(0, 1, 2, 1)), [1e155, -1e155])


def test_statistics_that_lost_their_digits_are_refused():
    # Squares of 1e9, added, hold the spread 1 of three points to 3e2 at best.
    family = NormalInverseGamma(0, 1e-12, 2, 1)
    s = family.features([1e9, 1e9 + 1, 1e9 + 2]).sum(axis=0)
    with pytest.raises(ValueError, match="no digits are left.*measured_from"):
        family.log_marginal(s)
    moved = family.measured_from(1e9)
    s = moved.features([1e9, 1e9 + 1, 1e9 + 2]).sum(axis=0)
    expected = log_marginal(family, [[1e9], [1e9 + 1], [1e9 + 2]])
    assert moved.log_marginal(s) == pytest.approx(float(expected), rel=1e-12)


def test_a_covariance_drawn_so_narrow_that_floats_lose_it_is_refused():
    family = NormalInverseWishart([0, 0], 2.7e-7, 239.0, np.eye(2) * 0.0066)
    x = np.full((3, 2), 1e100)
    near, s = sums_of(family, x, np.zeros(3, int), 1)
    with pytest.raises(ValueError, match="^x = .* no digits are left"):
        near.sample(s, rng=1)
    with pytest.raises(ValueError, match="^x = "):
        gibbs.blocked(DPMixture(1.0, family), x, 3, rng=1, truncation=4)


@pytest.mark.parametrize("far", [1.0, 1e4, 1e6])
def test_weights_of_a_mean_far_along_a_narrow_covariance_keep_its_distance_across(far):
    family, eps = NormalInverseWishart([0, 0], 1, 4, np.eye(2)), 2.0**-20
    cov = np.array([[1.0, 1 - eps], [1 - eps, 1.0]])
    theta = np.array([[far, far + 0.5, *cov.ravel()]])
    const, *_ = family.natural(theta)[0]
    with mp.workdps(60):
        a, b, r = mpf(far), mpf(far + 0.5), mpf(cov[0, 1])
        square = (a * a - 2 * r * a * b + b * b) / (1 - r * r)
        expected = -mp.log(2 * mp.pi) - mp.log(1 - r * r) / 2 - square / 2
    # The determinant of the matrix itself has lost twenty bits.
    assert abs(const - expected) < 1e-13 * abs(expected) + 1e-3


@pytest.mark.parametrize("far", [1.0, 1e6, 1e12])
@pytest.mark.parametrize("width", [2.0**-10, 2.0**-20])
def test_a_point_far_along_a_narrow_covariance_keeps_its_distance_across(far, width):
    # Its root is [[1, 0], [1, width]], exactly; a distance across has at most this many digits.
    cov = np.array([[1, 1], [1, 1 + width**2]])
    mean, x = np.array([0.5, 0.25]), np.array([far, far + 3 * width])
    away = [mpf(float(a)) - mpf(float(b)) for a, b in zip(x, mean)]
    z = away[0], (away[1] - away[0]) / mpf(width)
    square, half_logdet = z[0] ** 2 + z[1] ** 2, mp.log(width)
    lost = 4 * EPS * far / width
    near = 4 * EPS * float(square) + lost * float(abs(z[1]) + lost)
    theta = np.array([[*mean, *cov.ravel()]])

    family = NormalInverseWishart([0, 0], 1, 4, np.eye(2))
    value = family.log_likelihood(x[None], theta)[0, 0]
    assert abs(value - (-mp.log(2 * mp.pi) - half_logdet - square / 2)) < near

    strength, dof = 2.0**-40, 4.0
    prior = NormalInverseWishart(x, strength, dof, np.eye(2))
    value = prior.log_prior(theta)[0]
    trace = 1 + 2 / mpf(width) ** 2  # of the inverse of the matrix
    log_gamma = mp.log(mp.pi) / 2 + mp.loggamma(dof / 2) + mp.loggamma(dof / 2 - mpf(1) / 2)
    exact = -(dof + 4) * half_logdet - (trace + strength * square) / 2 - dof * mp.log(2)
    exact += mp.log(strength) - mp.log(2 * mp.pi) - log_gamma
    assert abs(value - exact) < 4 * EPS * abs(exact) + strength * near


@pytest.mark.parametrize("far", [1.0, 1e6, 1e8])
def test_odds_of_rows_far_along_narrow_clusters_keep_their_distances_across(far):
    family, width = NormalInverseWishart([0, 0], 1, 4, np.eye(2)), 2.0**-20
    # Of these widths, and so many of them away: a row along all has the same distance along each.
    slope, widths, aways = 0.7109375, width * 2.0 ** np.arange(4), np.array([3.0, -1.0, 0.0, 2.0])
    covs = [[1, slope, slope, slope**2 + w * w] for w in widths]
    thetas = np.column_stack([np.zeros(4), widths * aways, covs])
    row = np.array([[far / 3, slope * far / 3]])
    result = _contrasts(row, family.origin, np.zeros(4), *family._quadratic(thetas))[0]
    off = float(mpf(row[0, 1]) - mpf(slope) * mpf(row[0, 0]))
    expected = -np.arange(4) * np.log(2) - (off / widths - aways) ** 2 / 2
    lost = 4 * EPS * far / width
    np.testing.assert_allclose(result, expected - expected.max(), rtol=0, atol=1e-14 + 6 * lost)
