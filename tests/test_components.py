from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, stats
from scipy.special import multigammaln

from dpnotes import _local
from dpnotes._numbers import sums_by_cluster
from dpnotes.components import (
    CorrelatedGaussian,
    Gaussian,
    NormalInverseGamma,
    NormalInverseWishart,
    SphericalNormalInverseGamma,
)

SCALE = np.array([[1.5, 0.4], [0.4, 0.8]])
FAMILIES = {
    "gaussian-1": Gaussian(0.3, 1.7, 0.4),
    "gaussian-3": Gaussian([0.3, -1.0, 2.0], 1.7, 0.4),
    "correlated-1": CorrelatedGaussian(0.3, 0.7, 1.2),
    "correlated-2": CorrelatedGaussian([0.3, -1.0], 0.7, SCALE),
    "nig-1": NormalInverseGamma(0.3, 0.7, 3.0, 1.2),
    "nig-2": NormalInverseGamma([0.3, -1.0], [0.7, 2.0], [3.0, 3.5], [1.2, 0.4]),
    "ball-1": SphericalNormalInverseGamma(0.3, 0.7, 3.0, 1.2),
    "ball-3": SphericalNormalInverseGamma([0.3, -1.0, 2.0], 0.7, 2.5, 1.2),
    "niw-1": NormalInverseWishart(0.3, 0.7, 6.0, 2.4),
    "niw-2": NormalInverseWishart([0.3, -1.0], 0.7, 6.0, SCALE),
    "niw-3": NormalInverseWishart([0.3, -1.0, 2.0], 0.7, 7.5, np.diag([1.0, 2.0, 0.5])),
}
LABEL = {
    "gaussian": "thm-gaussian-marginal",
    "correlated": "thm-shared-covariance",
    "nig": "thm-nig-marginal",
    "ball": "thm-spherical-marginal",
    "niw": "thm-niw-marginal",
}
each = pytest.mark.parametrize("family", FAMILIES.values(), ids=FAMILIES)


def data(family, n=6, seed=1):
    return np.random.default_rng(seed).normal(0.5, 1.5, (n, family.dim))


def total(family, x):
    return family.features(x).sum(axis=0)


@pytest.mark.checks("DP-0099", how="numerical")
@pytest.mark.parametrize("name", ["gaussian-1", "gaussian-3"])
def test_gaussian_marginal_is_the_joint_gaussian(name):
    family, n = FAMILIES[name], 6
    x = data(family, n)
    cov = family.var * np.ones((n, n)) + family.noise_var * np.eye(n)
    expected = sum(
        stats.multivariate_normal.logpdf(x[:, j], np.full(n, family.mean[j]), cov)
        for j in range(family.dim)
    )
    assert family.log_marginal(total(family, x)) == pytest.approx(expected, abs=1e-12)


@pytest.mark.checks("DP-0100", how="numerical")
@pytest.mark.parametrize("name", ["nig-1", "nig-2"])
def test_nig_marginal_is_the_joint_t(name):
    family, n = FAMILIES[name], 6
    x = data(family, n)
    expected = 0.0
    for j in range(family.dim):
        shape = (np.eye(n) + 1 / family.strength[j]) * family.rate[j] / family.shape[j]
        joint = stats.multivariate_t(np.full(n, family.mean[j]), shape, 2 * family.shape[j])
        expected += joint.logpdf(x[:, j])
    assert family.log_marginal(total(family, x)) == pytest.approx(expected, abs=1e-11)


@pytest.mark.checks("DP-0099", how="numerical")
def test_gaussian_marginal_by_quadrature():
    family = FAMILIES["gaussian-1"]
    x = data(family, 4)

    def integrand(t):
        theta = np.array([[t]])
        return np.exp(family.log_likelihood(x, theta).sum() + family.log_prior(theta)[0])

    value, error = integrate.quad(integrand, -10, 10, epsabs=1e-14, points=[x.mean()])
    assert np.exp(family.log_marginal(total(family, x))) == pytest.approx(value, abs=10 * error)


@pytest.mark.checks("DP-0100", "DP-0102", how="numerical")
@pytest.mark.parametrize("name", ["nig-1", "niw-1"])
def test_unknown_variance_marginal_by_quadrature(name):
    family = FAMILIES[name]
    x = data(family, 3)
    # Gauss-Legendre on a (mu, log sigma^2) box that holds all but 1e-12 of the mass.
    node, weight = np.polynomial.legendre.leggauss(400)
    mu, log_var = 25 * node, 5 * node + 0.5
    theta = np.column_stack([np.repeat(mu, 400), np.tile(np.exp(log_var), 400)])
    log_f = family.log_likelihood(x, theta).sum(axis=0) + family.log_prior(theta)
    log_f = log_f.reshape(400, 400) + log_var
    value = 25 * 5 * weight @ np.exp(log_f) @ weight
    assert family.log_marginal(total(family, x)) == pytest.approx(np.log(value), abs=1e-6)


@pytest.mark.checks("DP-0102", how="numerical")
def test_niw_in_one_dimension_is_nig():
    niw = FAMILIES["niw-1"]
    nig = NormalInverseGamma(niw.mean, niw.strength, niw.dof / 2, niw.scale[0, 0] / 2)
    x, y = data(niw, 6), data(niw, 4, seed=2)
    s = np.array([total(niw, x), np.zeros(3)])
    np.testing.assert_allclose(niw.log_marginal(s), nig.log_marginal(s), atol=1e-12)
    np.testing.assert_allclose(niw.log_predictive(y, s), nig.log_predictive(y, s), atol=1e-12)
    np.testing.assert_allclose(niw.expected_natural(s), nig.expected_natural(s), atol=1e-12)


@pytest.mark.checks("DP-0102", how="numerical")
@pytest.mark.parametrize("name", ["niw-2", "niw-3"])
def test_niw_marginal_by_the_ratio_of_scipy_densities(name):
    """p(x) = f(x | theta) h(theta) / h(theta | x) at any theta."""
    family, n = FAMILIES[name], 5
    x, d = data(family, n), family.dim
    strength, dof = family.strength + n, family.dof + n
    mean = (family.strength * family.mean + x.sum(axis=0)) / strength
    centre = np.cov(x.T, bias=True) * n
    gap = x.mean(axis=0) - family.mean
    scale = family.scale + centre + family.strength * n / strength * np.outer(gap, gap)
    mu, cov = np.full(d, 0.2), np.eye(d) + 0.3

    def log_density(mean, strength, dof, scale):
        normal = stats.multivariate_normal.logpdf(mu, mean, cov / strength)
        return normal + stats.invwishart.logpdf(cov, dof, scale)

    expected = (
        stats.multivariate_normal.logpdf(x, mu, cov).sum()
        + log_density(family.mean, family.strength, family.dof, family.scale)
        - log_density(mean, strength, dof, scale)
    )
    assert family.log_marginal(total(family, x)) == pytest.approx(expected, abs=1e-11)


@pytest.mark.checks("DP-0235", how="numerical")
@pytest.mark.parametrize("name", ["correlated-1", "correlated-2"])
def test_correlated_marginal_is_the_joint_gaussian(name):
    family, n = FAMILIES[name], 6
    x, d = data(family, n), family.dim
    law = stats.multivariate_normal(
        np.tile(family.mean, n), np.kron(np.eye(n) + 1 / family.strength, family.cov)
    )
    s = np.array([total(family, x), np.zeros(family.n_features)])
    np.testing.assert_allclose(family.log_marginal(s), [law.logpdf(x.ravel()), 0], atol=1e-12)
    strength = family.strength + n
    mean = (family.strength * family.mean + x.sum(axis=0)) / strength
    new = stats.multivariate_normal(mean, family.cov * (1 + 1 / strength))
    y = data(family, 4, seed=2)
    got = family.log_predictive(y, s)[:, 0]
    np.testing.assert_allclose(got, np.reshape(new.logpdf(y), 4), atol=1e-12)
    prior = stats.multivariate_normal(family.mean, family.cov / family.strength)
    np.testing.assert_allclose(family.log_prior(y), np.reshape(prior.logpdf(y), 4), atol=1e-12)
    theta = family.sample(np.repeat(s[:1], 4000, axis=0), rng=1)
    z = np.linalg.solve(np.linalg.cholesky(family.cov), (theta - mean).T) * np.sqrt(strength)
    assert all(stats.kstest(row, "norm").pvalue > 1e-3 for row in z)
    assert d == 1 or abs(np.corrcoef(z)[0, 1]) < 4 / np.sqrt(4000)


def test_correlated_clusters_without_correlation_are_those_of_known_variance():
    one, other = Gaussian([0.3, -1], 1.5, 0.3), CorrelatedGaussian([0.3, -1], 0.2, 0.3 * np.eye(2))
    x = data(one, 6)
    s, t = total(one, x)[None], total(other, x)[None]
    np.testing.assert_allclose(one.log_marginal(s), other.log_marginal(t), rtol=1e-13)
    np.testing.assert_allclose(one.log_predictive(x, s), other.log_predictive(x, t), rtol=1e-13)


@pytest.mark.checks("DP-0099", how="numerical")
def test_gaussian_predictive_density():
    family = FAMILIES["gaussian-3"]
    x, y = data(family), data(family, 4, seed=2)
    precision = 1 / family.var + len(x) / family.noise_var
    mean = (family.mean / family.var + x.sum(axis=0) / family.noise_var) / precision
    cov = (1 / precision + family.noise_var) * np.eye(3)
    expected = stats.multivariate_normal.logpdf(y, mean, cov)
    got = family.log_predictive(y, total(family, x)[None])[:, 0]
    np.testing.assert_allclose(got, expected, atol=1e-12)


@pytest.mark.checks("DP-0100", how="numerical")
def test_nig_predictive_density():
    family = FAMILIES["nig-1"]
    x, y, n = data(family)[:, 0], data(family, 4, seed=2)[:, 0], 6
    strength = family.strength[0] + n
    mean = (family.strength[0] * family.mean[0] + x.sum()) / strength
    gap = family.strength[0] * n / strength * (x.mean() - family.mean[0]) ** 2
    shape = family.shape[0] + n / 2
    rate = family.rate[0] + (n * x.var() + gap) / 2
    scale = np.sqrt(rate * (strength + 1) / (shape * strength))
    got = family.log_predictive(y, total(family, x)[None])[:, 0]
    np.testing.assert_allclose(got, stats.t.logpdf(y, 2 * shape, mean, scale), atol=1e-12)


@pytest.mark.checks("DP-0102", how="numerical")
def test_niw_predictive_density():
    family, n, d = FAMILIES["niw-3"], 6, 3
    x, y = data(family), data(family, 4, seed=2)
    strength, dof = family.strength + n, family.dof + n
    mean = (family.strength * family.mean + x.sum(axis=0)) / strength
    gap = x.mean(axis=0) - family.mean
    scale = family.scale + n * np.cov(x.T, bias=True)
    scale = scale + family.strength * n / strength * np.outer(gap, gap)
    df = dof - d + 1
    expected = stats.multivariate_t(mean, scale * (strength + 1) / (strength * df), df).logpdf(y)
    got = family.log_predictive(y, total(family, x)[None])[:, 0]
    np.testing.assert_allclose(got, expected, atol=1e-11)


@pytest.mark.checks("DP-0234", how="numerical")
@pytest.mark.parametrize("name", ["ball-1", "ball-3"])
def test_spherical_marginal_is_the_joint_t(name):
    """All n d numbers have one scale, and so one multivariate Student law."""
    family, n = FAMILIES[name], 6
    x, d = data(family, n), family.dim
    shape = np.kron(np.eye(n) + 1 / family.strength, np.eye(d)) * family.rate / family.shape
    joint = stats.multivariate_t(np.tile(family.mean, n), shape, 2 * family.shape)
    expected = joint.logpdf(x.ravel())
    assert family.log_marginal(total(family, x)) == pytest.approx(expected, abs=1e-11)


@pytest.mark.checks("DP-0234", how="numerical")
@pytest.mark.parametrize("name", ["ball-1", "ball-3"])
def test_spherical_predictive_density(name):
    family, n = FAMILIES[name], 6
    x, y, d = data(family), data(family, 4, seed=2), family.dim
    strength = family.strength + n
    mean = (family.strength * family.mean + x.sum(axis=0)) / strength
    gap = x.mean(axis=0) - family.mean
    shape = family.shape + n * d / 2
    rate = family.rate + (n * x.var(axis=0).sum() + family.strength * n / strength * gap @ gap) / 2
    scale = rate * (strength + 1) / (shape * strength) * np.eye(d)
    expected = stats.multivariate_t(mean, scale, 2 * shape).logpdf(y)
    got = family.log_predictive(y, total(family, x)[None])[:, 0]
    np.testing.assert_allclose(got, expected, atol=1e-11)


@pytest.mark.checks("DP-0234", how="numerical")
def test_spherical_posterior_is_proportional_to_the_joint_density():
    """The law of (mu, sigma^2) that the theorem claims, by SciPy, at two places."""
    family, n = FAMILIES["ball-3"], 5
    x, d = data(family, n), family.dim
    strength = family.strength + n
    mean = (family.strength * family.mean + x.sum(axis=0)) / strength
    gap = x.mean(axis=0) - family.mean
    rate = family.rate + (n * x.var(axis=0).sum() + family.strength * n / strength * gap @ gap) / 2
    law = stats.invgamma(family.shape + n * d / 2, scale=rate)

    def difference(mu, var):
        joint = stats.invgamma.logpdf(var, family.shape, scale=family.rate)
        joint += stats.norm.logpdf(mu, family.mean, np.sqrt(var / family.strength)).sum()
        joint += stats.norm.logpdf(x, mu, np.sqrt(var)).sum()
        posterior = law.logpdf(var) + stats.norm.logpdf(mu, mean, np.sqrt(var / strength)).sum()
        theta = np.append(mu, var)[None]
        assert family.log_prior(theta)[0] + family.log_likelihood(x, theta).sum() == pytest.approx(
            joint, abs=1e-10
        )
        return joint - posterior

    evidence = family.log_marginal(total(family, x))
    for mu, var in [(np.zeros(3), 0.5), (np.array([0.4, -1.0, 1.0]), 2.0)]:
        assert difference(mu, var) == pytest.approx(evidence, abs=1e-10)
    # And draws have it.
    theta = family.sample(np.repeat(total(family, x)[None], 4000, axis=0), rng=1)
    assert stats.kstest(theta[:, -1], law.cdf).pvalue > 1e-3
    z = (theta[:, :3] - mean) / np.sqrt(theta[:, 3:] / strength)
    assert stats.kstest(z.ravel(), "norm").pvalue > 1e-3


def test_in_one_dimension_the_spherical_family_is_the_diagonal_one():
    ball = FAMILIES["ball-1"]
    nig = NormalInverseGamma(ball.mean, ball.strength, ball.shape, ball.rate)
    x = data(ball, 6)
    s = np.array([total(ball, x), np.zeros(3)])
    assert np.array_equal(ball.features(x), nig.features(x))
    for call in ("log_marginal", "expected_natural", "sample"):
        more = (1,) if call == "sample" else ()
        assert np.array_equal(getattr(ball, call)(s, *more), getattr(nig, call)(s, *more))
    np.testing.assert_allclose(ball.log_predictive(x, s), nig.log_predictive(x, s), rtol=1e-14)


@each
def test_features_are_written_in_place_as_they_are_returned(family):
    family = family.measured_from(family.mean + 0.7)
    x, room = data(family, 30), np.full((family.n_features, 40), np.nan)
    columns = _local.features(family, x, room)
    # Sums over coordinates may be rounded in another order.
    np.testing.assert_allclose(columns, family.features(x).T, rtol=1e-15)
    assert np.shares_memory(columns, room) and np.isnan(room[:, 30:]).all()
    assert np.array_equal(_local.features(family, x), columns)
    for far in (1e160, np.nan):
        with pytest.raises(ValueError, match="x"):
            _local.features(family, np.where(np.arange(30)[:, None] == 7, far, x))


class Logs(NormalInverseGamma):
    def features(self, x):
        return super().features(np.log(x))


def test_features_of_ones_own_are_those_of_their_class():
    x = np.array([[0.5, 2.0], [3.0, 1.0]])
    family = Logs([0.3, -1.0], 0.7, 3.0, 1.2)
    assert np.array_equal(_local.features(family, x), family.features(x).T)
    # Not by its class at all.
    made = SimpleNamespace(n_features=5, features=family.features)
    assert np.array_equal(_local.features(made, x), family.features(x).T)


@pytest.mark.checks("DP-0098", how="numerical")
@each
def test_product_of_predictives_is_the_marginal(family):
    features = family.features(x := data(family))
    s = np.vstack([np.zeros(family.n_features), np.cumsum(features, axis=0)])
    chain = sum(family.log_predictive(x[i : i + 1], s[i : i + 1])[0, 0] for i in range(len(x)))
    assert family.log_marginal(s[-1]) == pytest.approx(chain, abs=1e-11)


@pytest.mark.checks("DP-0098", how="numerical")
@each
def test_statistics_are_all_that_matters(family):
    """Posterior from statistics = posterior from prior times likelihood, up to a constant."""
    x = data(family)
    theta = family.sample(np.zeros((5, family.n_features)), rng=3)
    log_posterior = family.log_prior(theta) + family.log_likelihood(x, theta).sum(axis=0)
    s = total(family, x)
    from_statistics = family.log_prior(theta) + family.natural(theta) @ s
    np.testing.assert_allclose(log_posterior, from_statistics, rtol=1e-11)


@given(seed=st.integers(0, 1000), n=st.integers(1, 8), name=st.sampled_from(list(FAMILIES)))
@settings(deadline=None, max_examples=50, derandomize=True)
def test_marginal_ignores_order_and_starts_at_zero(seed, n, name):
    family, rng = FAMILIES[name], np.random.default_rng(seed)
    x = rng.normal(0, 5, (n, family.dim))
    a = family.log_marginal(total(family, x))
    b = family.log_marginal(total(family, x[rng.permutation(n)]))
    assert a == pytest.approx(b, rel=1e-12, abs=1e-10)
    assert family.log_marginal(np.zeros(family.n_features)) == pytest.approx(0, abs=1e-14)


@each
def test_shapes(family):
    x, p = data(family, 5), family.n_features
    s = np.array([total(family, x), np.zeros(p)])
    theta = family.sample(s, rng=1)
    assert family.features(x).shape == (5, p)
    assert family.log_marginal(s).shape == (2,)
    assert family.log_marginal(np.tile(s, (4, 1, 1))).shape == (4, 2)
    assert family.log_predictive(x, s).shape == (5, 2)
    assert family.log_likelihood(x, theta).shape == (5, 2)
    assert family.natural(theta).shape == family.expected_natural(s).shape == (2, p)
    assert family.log_prior(theta).shape == (2,)
    assert family.sample_data(theta, rng=1).shape == (2, family.dim)
    common = family.natural(theta)[:, p - family.common :]
    assert (common == common[0]).all()


@each
def test_likelihood_against_scipy(family):
    x, d = data(family, 5), family.dim
    theta = family.sample(np.zeros((3, family.n_features)), rng=2)
    for k, row in enumerate(theta):
        if isinstance(family, Gaussian):
            cov = family.noise_var * np.eye(d)
        elif isinstance(family, CorrelatedGaussian):
            cov = family.cov
        else:
            cov = row[d:].reshape(d, d) if row.size == d + d * d else row[d:] * np.eye(d)
        expected = stats.multivariate_normal.logpdf(x, row[:d], cov)
        np.testing.assert_allclose(family.log_likelihood(x, theta)[:, k], expected, rtol=1e-9)


def test_priors_against_scipy():
    family = FAMILIES["nig-2"]
    theta = family.sample(np.zeros((3, 5)), rng=2)
    var = theta[:, 2:]
    expected = stats.invgamma.logpdf(var, family.shape, scale=family.rate)
    expected = expected + stats.norm.logpdf(
        theta[:, :2], family.mean, np.sqrt(var / family.strength)
    )
    np.testing.assert_allclose(family.log_prior(theta), expected.sum(axis=1), rtol=1e-11)

    family = FAMILIES["niw-3"]
    theta = family.sample(np.zeros((3, family.n_features)), rng=2)
    for row, got in zip(theta, family.log_prior(theta), strict=True):
        cov = row[3:].reshape(3, 3)
        expected = stats.invwishart.logpdf(cov, family.dof, family.scale)
        expected += stats.multivariate_normal.logpdf(row[:3], family.mean, cov / family.strength)
        assert got == pytest.approx(expected, rel=1e-10)

    family = FAMILIES["gaussian-3"]
    theta = family.sample(np.zeros((3, family.n_features)), rng=2)
    expected = stats.multivariate_normal.logpdf(theta, family.mean, family.var * np.eye(3))
    np.testing.assert_allclose(family.log_prior(theta), expected, rtol=1e-12)


@pytest.mark.checks("DP-0103", how="numerical")
@each
def test_expected_natural_is_the_mean_over_posterior_draws(family):
    s = total(family, data(family))[None] * 0.75  # fractional counts are allowed
    n = 40_000
    draws = family.natural(family.sample(np.repeat(s, n, axis=0), rng=5))
    error = draws.std(axis=0) / np.sqrt(n)
    gap = draws.mean(axis=0) - family.expected_natural(s)[0]
    # 5 standard errors in each of up to 13 columns: fails by chance less than once in 1e5.
    assert (np.abs(gap) <= 5 * error + 1e-12).all()


@pytest.mark.checks("DP-0103", how="numerical")
@each
def test_expected_natural_is_the_slope_of_the_log_marginal(family):
    s, h = total(family, data(family)), 1e-5
    steps = h * np.eye(family.n_features)
    slope = (family.log_marginal(s + steps) - family.log_marginal(s - steps)) / (2 * h)
    # Error of a central difference: h^2 times a third derivative, and rounding / h.
    np.testing.assert_allclose(slope, family.expected_natural(s[None])[0], rtol=1e-7, atol=1e-8)


@pytest.mark.checks("DP-0103", how="numerical")
@each
def test_kl_to_the_prior_from_statistics(family):
    s = total(family, data(family, 3))[None] * 0.5
    n = 40_000
    theta = family.sample(np.repeat(s, n, axis=0), rng=6)
    # log q - log h, with log q from Bayes' formula.
    log_ratio = family.natural(theta) @ s[0] - family.log_marginal(s[0])
    kl = (family.expected_natural(s) * s).sum() - family.log_marginal(s[0])
    assert kl > 0
    assert abs(log_ratio.mean() - kl) < 5 * log_ratio.std() / np.sqrt(n)


def test_kl_of_gaussians_in_closed_form():
    family = FAMILIES["gaussian-3"]
    s = total(family, data(family))[None]
    n, v = s[0, 0], family.var
    w = 1 / (1 / v + n / family.noise_var)
    m = w * s[0, 1:-1] / family.noise_var
    expected = 0.5 * (3 * (w / v - 1 + np.log(v / w)) + m @ m / v)
    kl = (family.expected_natural(s) * s).sum() - family.log_marginal(s[0])
    assert kl == pytest.approx(expected, abs=1e-12)


@each
def test_posterior_draws_have_the_posterior_density(family):
    """E_q[h(theta) / q(theta)] = 1 when the draws come from q = posterior."""
    s = total(family, data(family, 2))[None] * 0.2
    n = 40_000
    theta = family.sample(np.repeat(s, n, axis=0), rng=7)
    ratio = np.exp(family.log_marginal(s[0]) - family.natural(theta) @ s[0])
    # The mean of the ratio is 1 and the mean of its reverse under the prior is 1 too.
    back = family.sample(np.zeros((n, family.n_features)), rng=8)
    reverse = np.exp(family.natural(back) @ s[0] - family.log_marginal(s[0]))
    for r in (ratio, reverse):
        assert abs(r.mean() - 1) < 5 * r.std() / np.sqrt(n)


@each
def test_data_draws_have_the_right_moments(family):
    theta = family.sample(np.zeros((1, family.n_features)), rng=4)
    n, d = 40_000, family.dim
    x = family.sample_data(np.repeat(theta, n, axis=0), rng=9)
    if isinstance(family, Gaussian):
        cov = family.noise_var * np.eye(d)
    elif isinstance(family, CorrelatedGaussian):
        cov = family.cov
    else:
        cov = theta[0, d:].reshape(d, d) if theta.size == d + d * d else theta[0, d:] * np.eye(d)
    z = np.linalg.solve(np.linalg.cholesky(cov), (x - theta[0, :d]).T)
    assert np.abs(z.mean(axis=1)).max() < 5 / np.sqrt(n)
    # Entries of the empirical covariance have standard deviation at most sqrt(2 / n).
    assert np.abs(np.cov(z) - np.eye(d)).max() < 5 * np.sqrt(2 / n)


@pytest.mark.checks("DP-0101", how="numerical")
def test_wishart_integral_by_quadrature():
    """In the plane, with Sigma = [[p, r sqrt(p q)], [., q]] and the integral over r, p, q."""
    nu = 5.5
    node, weight = np.polynomial.legendre.leggauss(120)
    r = node[:, None, None]
    p, q = np.exp(7 * node[:, None] + 1), np.exp(7 * node + 1)
    area = weight[:, None, None] * weight[:, None] * weight * 49 * p * q * np.sqrt(p * q)
    det = p * q * (1 - r**2)
    cross = r * np.sqrt(p * q)
    trace = (SCALE[0, 0] * q + SCALE[1, 1] * p - 2 * SCALE[0, 1] * cross) / det
    value = (area * np.exp(-0.5 * ((nu + 3) * np.log(det) + trace))).sum()
    expected = nu * np.log(2) + multigammaln(nu / 2, 2) - nu / 2 * np.log(np.linalg.det(SCALE))
    assert np.log(value) == pytest.approx(expected, abs=1e-6)


@pytest.mark.checks("DP-0101", how="numerical")
def test_wishart_draws():
    """Precision in any direction is gamma: c' Sigma^-1 c ~ (c' S^-1 c) chi^2_nu."""
    family = NormalInverseWishart([0, 0], 1.0, 3.5, SCALE)
    theta = family.sample(np.zeros((5000, family.n_features)), rng=1)
    precision = np.linalg.inv(theta[:, 2:].reshape(-1, 2, 2))
    for c in ([1, 0], [0, 1], [1, -1]):
        scaled = c @ precision @ c / (c @ np.linalg.inv(SCALE) @ c)
        assert stats.kstest(scaled, stats.chi2(3.5).cdf).pvalue > 1e-3
    det = np.linalg.det(SCALE) * np.linalg.det(precision)
    mean, square = 3.5 * 2.5, 3.5 * 5.5 * 2.5 * 4.5  # product of chi^2_3.5 and chi^2_2.5
    assert abs(det.mean() - mean) < 4 * np.sqrt((square - mean**2) / 5000)


@each
def test_same_seed_same_draws(family):
    s = total(family, data(family))[None]
    assert (family.sample(s, rng=1) == family.sample(s, rng=1)).all()
    assert (family.sample(s, rng=1) != family.sample(s, rng=2)).any()


@pytest.mark.parametrize(
    "make, message",
    [
        (lambda: Gaussian(0, -1, 1), r"var = -1: expected a finite number > 0"),
        (lambda: Gaussian(0, 1, np.inf), r"noise_var = inf: expected a finite number > 0"),
        (lambda: Gaussian([[0.0]], 1, 1), r"mean = .*expected a number or"),
        (lambda: Gaussian(np.nan, 1, 1), r"mean = nan: expected a finite number"),
        (lambda: NormalInverseGamma([0, 0], 1, [1, -1], 1), r"shape = .*expected a number > 0"),
        (lambda: NormalInverseGamma([0, 0], [1, 1, 1], 1, 1), r"strength = .*or 2 of them"),
        (lambda: SphericalNormalInverseGamma([0, 0], 1, [1, 2], 1), r"shape = .*expected a finite"),
        (lambda: SphericalNormalInverseGamma([0, 0], 1, 1, 0), r"rate = 0: expected a finite"),
        (lambda: CorrelatedGaussian([0, 0], 0, np.eye(2)), r"strength = 0: expected a finite"),
        (lambda: CorrelatedGaussian([0, 0], 1, np.eye(3)), r"(?s)cov = .*shape \(2, 2\)"),
        (lambda: CorrelatedGaussian([0, 0], 1, [[1, 2], [2, 1]]), r"(?s)cov = .*positive definite"),
        (lambda: NormalInverseWishart([0, 0], 1, 1, np.eye(2)), r"dof = 1: .*> d - 1 = 1"),
        (lambda: NormalInverseWishart([0, 0], 1, 4, np.eye(3)), r"(?s)scale = .*shape \(2, 2\)"),
        (lambda: NormalInverseWishart([0, 0], 1, 4, [[1, 2], [2, 1]]), "positive definite"),
        (
            lambda: Gaussian([0, 0], 1, 1).features([1.0, 2.0]),
            r"^x = array of shape \(2, 1\): expected shape \(n, 2\)$",
        ),
        (lambda: Gaussian(0, 1, 1).features([1.0, np.nan]), r"expected a finite number"),
        (lambda: Gaussian(0, 1, 1).log_marginal([1.0, 2.0]), r"s = .*shape \(..., 3\)"),
    ],
)
def test_bad_input(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_far_from_zero_nothing_is_lost():
    near, far = Gaussian(0, 1, 0.01), Gaussian(1e6, 1, 0.01)
    x = np.array([0.25, 0.5, -0.125])
    a, b = near.log_marginal(total(near, x)), far.log_marginal(total(far, x + 1e6))
    assert a == pytest.approx(b, abs=1e-12)


def test_a_rebased_family_is_the_family_made_anew():
    x = np.random.default_rng(1).normal(size=(5, 2))
    mean, scale = np.array([0.4, -0.2]), np.array([[2.0, 0.3], [0.3, 1.0]])
    old = NormalInverseWishart([0, 0], 1.0, 4.5, np.eye(2))
    before = repr(old)
    new = old.rebased(mean, 0.3, scale)
    again = NormalInverseWishart(mean, 0.3, 4.5, scale)
    assert repr(new) == repr(again) and repr(old) == before
    assert new._reach == again._reach != old._reach
    line = NormalInverseGamma(0, 1, 2.5, 1).rebased(mean[:1], 0.3, scale[:1, :1])
    assert repr(line) == repr(NormalInverseGamma(0.4, 0.3, 2.5, 1.0))
    columns = NormalInverseGamma([0, 0], 1, 2, 1).rebased(mean, 0.3, np.diag([2.0, 1.0]))
    ball = SphericalNormalInverseGamma([0, 0], 1, 2, 1).rebased(mean, 0.3, 2.0 * np.eye(2))
    assert repr(ball) == repr(SphericalNormalInverseGamma(mean, 0.3, 2, 1.0))
    known = CorrelatedGaussian([0, 0], 1, np.eye(2))
    known.log_marginal(known.features(x))  # its factor is of the old matrix
    known = known.rebased(mean, 0.3, scale)
    for family, other, y in [
        (ball, SphericalNormalInverseGamma(mean, 0.3, 2, 1.0), x),
        (known, CorrelatedGaussian(mean, 0.3, scale), x),
        (new, again, x),
        (line, NormalInverseGamma(0.4, 0.3, 2.5, 1), x[:, 0]),
        (columns, NormalInverseGamma(mean, 0.3, 2, [1, 0.5]), x),
    ]:
        s = family.features(y).sum(axis=0)
        assert np.array_equal(s, other.features(y).sum(axis=0))
        assert family.log_marginal(s) == other.log_marginal(s)
        assert np.array_equal(family.sample([s], 1), other.sample([s], 1))


def test_sums_by_cluster_are_loops_written_out():
    features = np.random.default_rng(1).normal(size=(6, 3))
    labels = np.array([0, 2, 0, 1, 2, 2], np.int32)
    loop = [sum(f for f, k in zip(features, labels, strict=True) if k == j) for j in range(3)]
    assert sums_by_cluster(features, labels) == pytest.approx(np.array(loop), abs=1e-15)
    more = sums_by_cluster(features, labels, 5)
    assert more.shape == (5, 3) and not more[3:].any()
