"""Tests of dpnotes.hyper: a base measure with unknown parameters."""

import functools
import itertools
import re

import numpy as np
import pytest
from scipy import special, stats

from dpnotes import _sweeps, chains, crp, datasets, diagnostics, exact, gibbs, hyper
from dpnotes.components import NormalInverseWishart
from dpnotes.mixture import DPMixture


def proper_prior(dim):
    """A prior with every parameter unknown and moments that exist."""
    scale = np.eye(dim) + 0.3 * (1 - np.eye(dim))
    return hyper.BasePrior(dim + 5, 3 * scale, (3, 6), centre=0.5, var=0.7, scale_dof=dim + 4)


def columns_prior(dim, **changes):
    """The same where the columns are independent within a cluster."""
    options = {"centre": 0.5, "var": 0.7, "scale_dof": 5, "covariance": "diagonal"} | changes
    scale = np.diag(3.0 + np.arange(dim) * (options["covariance"] == "diagonal"))
    return hyper.BasePrior(6, scale, (3, 6), **options)


def shared_prior(dim, **changes):
    """The same where all clusters share a covariance matrix."""
    scale = 3 * (np.eye(dim) + 0.3 * (1 - np.eye(dim)))
    options = {"centre": 0.5, "var": 0.7, "covariance": "shared"} | changes
    return hyper.BasePrior(dim + 5, scale, (3, 6), **options)


def prior_of(dim, covariance):
    if covariance == "full":
        return proper_prior(dim)
    return (
        shared_prior(dim) if covariance == "shared" else columns_prior(dim, covariance=covariance)
    )


# The update of the base measure.


def log_joint(prior, mean, strength, scale, theta):
    """log density of (mean, strength, scale) times that of the clusters given them, by SciPy."""
    d = prior.dim
    value = stats.multivariate_normal(prior.centre, prior.var * np.eye(d)).logpdf(mean)
    value += stats.gamma(prior.strength[0], scale=1 / prior.strength[1]).logpdf(strength)
    value += stats.wishart(prior.scale_dof, prior.scale / prior.scale_dof).logpdf(scale)
    for row in theta:
        mu, cov = row[:d], row[d:].reshape(d, d)
        value += stats.invwishart(prior.dof, scale).logpdf(cov)
        value += stats.multivariate_normal(mean, cov / strength).logpdf(mu)
    return value


def conditionals(prior, mean, strength, theta):
    """The laws of mean (given strength), strength (given mean) and scale that the book claims."""
    d = prior.dim
    mu, inverse = theta[:, :d], np.linalg.inv(theta[:, d:].reshape(-1, d, d))
    P = strength * inverse.sum(0) + np.eye(d) / prior.var
    linear = strength * np.einsum("kij,kj->i", inverse, mu) + prior.centre / prior.var
    away = mu - mean
    rate = prior.strength[1] + np.einsum("ki,kij,kj", away, inverse, away) / 2
    R = prior.scale / prior.scale_dof
    return (
        stats.multivariate_normal(np.linalg.solve(P, linear), np.linalg.inv(P)),
        stats.gamma(prior.strength[0] + len(mu) * d / 2, scale=1 / rate),
        stats.wishart(
            prior.scale_dof + len(mu) * prior.dof, np.linalg.inv(np.linalg.inv(R) + inverse.sum(0))
        ),
    )


@pytest.mark.checks("DP-0193", how="numerical")
@pytest.mark.parametrize("dim", [1, 2])
def test_full_conditionals_are_proportional_to_the_joint_density(dim):
    prior, rng = proper_prior(dim), np.random.default_rng(1)
    family = prior.family(np.zeros(dim), 0.5, prior.scale)
    theta = family.sample(np.zeros((3, family.n_features)), rng)

    def draw():
        return (
            rng.normal(size=dim),
            rng.gamma(2),
            stats.wishart(9, np.eye(dim)).rvs(random_state=rng),
        )

    (m, k, W), (m2, k2, W2) = draw(), draw()
    W, W2 = (np.atleast_2d(w) for w in (W, W2))
    law_m, law_k, law_W = conditionals(prior, m, k, theta)
    joint = log_joint(prior, m, k, W, theta)
    for law, a, b, other in [
        (law_m, m, m2, (m2, k, W)),
        (law_k, k, k2, (m, k2, W)),
        (law_W, W, W2, (m, k, W2)),
    ]:
        change = log_joint(prior, *other, theta) - joint
        assert np.isclose(law.logpdf(b) - law.logpdf(a), change, rtol=0, atol=1e-9)


@pytest.mark.checks("DP-0193", how="numerical")
@pytest.mark.parametrize("dim", [pytest.param(1, marks=pytest.mark.slow), 2])
def test_update_draws_from_the_full_conditionals(dim):
    prior, rng = proper_prior(dim), np.random.default_rng(2)
    family = prior.family(np.ones(dim), 0.5, prior.scale)
    theta = family.sample(np.zeros((4, family.n_features)), rng)
    draws = [prior.update(theta, 0.5, rng=rng) for _ in range(1500)]
    law_m, _, law_W = conditionals(prior, prior.centre, 0.5, theta)
    mean = np.array([m for m, _, _ in draws])
    error = np.sqrt(np.diag(law_m.cov) / len(draws)) if dim > 1 else np.sqrt(law_m.cov / len(draws))
    assert (np.abs(mean.mean(0) - law_m.mean) < 4 * np.ravel(error)).all()
    scale = np.array([W for _, _, W in draws])
    spread = scale.std(0) / np.sqrt(len(draws))
    assert (np.abs(scale.mean(0) - law_W.mean()) < 4 * spread).all()
    # Each strength has its own law, given the mean drawn before it: ranks are uniform.
    inverse = np.linalg.inv(theta[:, dim:].reshape(-1, dim, dim))
    away = theta[:, :dim] - mean[:, None]
    rate = prior.strength[1] + np.einsum("tki,kij,tkj->t", away, inverse, away) / 2
    shape = prior.strength[0] + len(theta) * dim / 2
    ranks = stats.gamma(shape).cdf(rate * [k for _, k, _ in draws])
    assert stats.kstest(ranks, "uniform").pvalue > 1e-3


@pytest.mark.slow
@pytest.mark.checks("DP-0193", how="numerical")
@pytest.mark.parametrize("scale_dof", [None, 5])
def test_columns_are_updated_by_their_full_conditionals(scale_dof):
    """Each column's mean and scale have the laws of one dimension; the strength hears of all."""
    prior, rng = columns_prior(2, scale_dof=scale_dof), np.random.default_rng(3)
    theta = prior.family(np.ones(2), 0.5, prior.scale).sample(np.zeros((4, 5)), rng)
    draws = [prior.update(theta, 0.5, rng=rng) for _ in range(4000)]
    mean, strength, scale = map(np.array, zip(*draws))
    mu, inverse = theta[:, :2], 1 / theta[:, 2:]
    for j in range(2):
        alone = hyper.BasePrior(
            6, prior.scale[j, j], (3, 6), centre=0.5, var=0.7, scale_dof=scale_dof or 5
        )
        law_m, _, law_W = conditionals(alone, [0.5], 0.5, theta[:, [j, 2 + j]])
        mid, width = float(np.ravel(law_m.mean)[0]), float(np.ravel(law_m.cov)[0]) ** 0.5
        assert stats.kstest((mean[:, j] - mid) / width, "norm").pvalue > 1e-3
        if scale_dof is None:
            assert (scale == prior.scale).all()
        else:
            law = stats.gamma(law_W.df / 2, scale=2 * float(np.ravel(law_W.scale)[0]))
            assert stats.kstest(law.cdf(scale[:, j, j]), "uniform").pvalue > 1e-3
            assert not scale[:, 0, 1].any() and not scale[:, 1, 0].any()
    rate = 6 + ((mu - mean[:, None]) ** 2 * inverse).sum(axis=(1, 2)) / 2
    ranks = stats.gamma(3 + 4).cdf(rate * strength)  # shape a + K d / 2
    assert stats.kstest(ranks, "uniform").pvalue > 1e-3


@pytest.mark.slow
@pytest.mark.checks("DP-0193", how="numerical")
def test_one_variance_of_all_columns_is_updated_by_its_full_conditionals():
    """Its scale has the law of one column, of all clusters; each mean that of its own column."""
    prior, rng = columns_prior(3, covariance="spherical"), np.random.default_rng(3)
    theta = prior.family(np.ones(3), 0.5, prior.scale).sample(np.zeros((4, 5)), rng)
    draws = [prior.update(theta, 0.5, rng=rng) for _ in range(4000)]
    mean, strength, scale = map(np.array, zip(*draws))
    mu, inverse = theta[:, :3], 1 / theta[:, 3]
    for j in range(3):
        alone = hyper.BasePrior(6, 3.0, (3, 6), centre=0.5, var=0.7, scale_dof=5)
        law_m, _, law_W = conditionals(alone, [0.5], 0.5, theta[:, [j, 3]])
        mid, width = float(np.ravel(law_m.mean)[0]), float(np.ravel(law_m.cov)[0]) ** 0.5
        assert stats.kstest((mean[:, j] - mid) / width, "norm").pvalue > 1e-3
    law = stats.gamma(law_W.df / 2, scale=2 * float(np.ravel(law_W.scale)[0]))
    assert stats.kstest(law.cdf(scale[:, 0, 0]), "uniform").pvalue > 1e-3
    assert (scale == scale[:, :1, :1] * np.eye(3)).all()
    rate = 6 + (((mu - mean[:, None]) ** 2).sum(axis=2) * inverse).sum(axis=1) / 2
    ranks = stats.gamma(3 + 6).cdf(rate * strength)  # shape a + K d / 2
    assert stats.kstest(ranks, "uniform").pvalue > 1e-3


def test_flat_prior_of_the_mean_is_the_limit_of_wide_ones():
    flat = hyper.BasePrior(4, 2, (0.5, 50))
    wide = hyper.BasePrior(4, 2, (0.5, 50), var=1e12)
    theta = np.array([[0.3, 1.0], [2.0, 0.5]])
    one, other = (p.update(theta, 0.1, rng=1) for p in (flat, wide))
    assert np.isclose(one[0], other[0], rtol=1e-6).all() and np.isclose(one[1], other[1], rtol=1e-6)


# The sampler.


@pytest.mark.slow
@pytest.mark.checks("DP-0195", "DP-0194", how="numerical")
@pytest.mark.parametrize(
    ("dim", "covariance"),
    [(1, "full"), (2, "full"), (2, "diagonal"), (3, "diagonal"), (2, "spherical"), (3, "spherical"),
     (2, "shared")],
)  # fmt: skip
def test_sampler_passes_gewekes_test(dim, covariance):
    prior = prior_of(dim, covariance)
    alpha_prior, n = (3.0, 3.0), 4

    def data(chain, rng):
        return chain._family(0).sample_data(chain.theta[0][chain.labels[0]], rng)

    def draw(rng):
        mean = prior.centre + rng.standard_normal(dim) * np.sqrt(prior.var)
        strength = rng.gamma(prior.strength[0]) / prior.strength[1]
        if covariance == "shared":
            law = stats.invwishart(prior.dof, prior.scale)
            scale = np.reshape(law.rvs(random_state=rng), (dim, dim))
        elif covariance == "full":
            law = stats.wishart(prior.scale_dof, prior.scale / prior.scale_dof)
            scale = np.reshape(law.rvs(random_state=rng), (dim, dim))
        else:
            chi2 = rng.chisquare(prior.scale_dof, dim if covariance == "diagonal" else 1)
            scale = np.diag(chi2 * np.diagonal(prior.scale) / prior.scale_dof)
        alpha = rng.gamma(alpha_prior[0]) / alpha_prior[1]
        labels = crp.sample(n, alpha, rng=rng)
        family = prior.family(mean, strength, scale)
        theta = family.sample_prior(labels.max() + 1, rng)
        x = family.sample_data(theta[labels], rng)
        base = {"mean": [mean], "strength": [strength], "scale": [scale]}
        model = hyper.HyperMixture(1.0, prior)
        return chains.Chain(model, x, labels[None], np.array([alpha]), [theta], base), x

    def step(state, x, rng):
        state = hyper.sample(prior, x, 1, rng=rng, alpha_prior=alpha_prior, start=state)
        return state, data(state, rng)

    def statistics(state, x):
        K, m, k = state.num_clusters[-1], state.mean[-1], state.strength[-1]
        W, mu = state.scale[-1], state.theta[-1][0, 0]
        return [K, K * m[0], m[0] ** 2, k, np.log(k), W[0, -1], np.log(np.linalg.det(W)),
                mu, np.abs(x[0, 0]), x[0, 0] * x[1, 0] > 0, state.alpha[-1]]  # fmt: skip

    test = diagnostics.geweke(draw, step, statistics, 2000, rng=1)
    assert test.p_value > 1e-3, test.z.round(1)


ONE = hyper.BasePrior(4, 0.5, (2, 4), var=1.0)


@functools.cache
def law_of_k(x, nodes):
    """The posterior law of the number of clusters under ONE, by Gauss quadrature of its mean and
    strength."""
    m, wm = np.polynomial.hermite_e.hermegauss(nodes)
    s, ws = np.polynomial.laguerre.laggauss(nodes)
    law = np.zeros(len(x) + 1)
    for mean, a in zip(m, wm):
        for strength, b in zip(s / 4, ws * s):
            post = exact.posterior(DPMixture(1.0, ONE.family([mean], strength, ONE.scale)), x)
            law += a * b * np.exp(post.log_evidence) * post.num_clusters
    return law / law.sum()


@pytest.mark.slow
@pytest.mark.checks("DP-0195", how="numerical")
def test_posterior_of_clusters_agrees_with_quadrature():
    x = (-1.3, -1.1, 0.2, 0.4)
    law = law_of_k(x, 16)
    K = hyper.sample(ONE, x, 6000, rng=1).num_clusters
    for k in range(1, 5):
        assert abs((K == k).mean() - law[k]) < 4 * diagnostics.mcse((K == k).astype(float))


@pytest.mark.slow
@pytest.mark.checks("DP-0195", how="numerical")
@pytest.mark.parametrize(
    ("covariance", "at_once"), [("diagonal", False), ("diagonal", True), ("spherical", False)]
)
def test_with_independent_columns_the_posterior_agrees_with_enumeration(covariance, at_once):
    """All partitions of four points of the plane, mean and strength by Gauss quadrature."""
    x = np.array([[-1.3, 0.4], [-1.1, 0.1], [0.2, -0.9], [0.4, 0.5]])
    scale = np.diag([0.5, 1.0 if covariance == "diagonal" else 0.5])
    prior = hyper.BasePrior(3, scale, (2, 4), var=1.0, covariance=covariance)
    m, wm = np.polynomial.hermite_e.hermegauss(10)
    s, ws = np.polynomial.laguerre.laggauss(12)
    law = 0.0
    for strength, b in zip(s / 4, ws * s):
        for (mean0, a0), (mean1, a1) in itertools.product(zip(m, wm), repeat=2):
            family = prior.family([mean0, mean1], strength, prior.scale)
            post = exact.posterior(DPMixture(1.0, family), x)
            law += a0 * a1 * b * np.exp(post.log_evidence) * post.probs
    law /= law.sum()
    kernel = hyper.kernel(prior, x, split_merge=True, at_once=at_once)
    labels = chains.run(kernel, 4000 if at_once else 8000, rng=1).labels
    for partition, prob in zip(post.labels, law):
        hit = (labels == partition).all(axis=1).astype(float)
        assert abs(hit.mean() - prob) < 4 * diagnostics.mcse(hit), partition
    for i, j in itertools.combinations(range(4), 2):
        hit = (labels[:, i] == labels[:, j]).astype(float)
        prob = law @ (post.labels[:, i] == post.labels[:, j])
        assert abs(hit.mean() - prob) < 4 * diagnostics.mcse(hit), (i, j)


def test_one_column_is_the_same_full_diagonal_or_spherical():
    x = datasets.galaxies() / 1000
    priors = [hyper.BasePrior(4, 2, (2, 4), var=1.0, scale_dof=2, covariance=c)
              for c in ("full", "diagonal", "spherical")]  # fmt: skip
    assert len({repr(prior.family([0.1], 0.3, [[0.7]])) for prior in priors}) == 1
    theta = np.array([[0.3, 1.0], [2.0, 0.5]])
    draws = [np.array([[a[0], b, c[0, 0]] for a, b, c in
             (prior.update(theta, 0.1, rng=[1, i]) for i in range(4000))])
             for prior in priors]  # fmt: skip
    for a, b, c in zip(draws[0].T, draws[1].T, draws[2].T):
        assert stats.ks_2samp(a, b).pvalue > 1e-3 and np.array_equal(b, c)
    assert np.isfinite(hyper.sample(priors[1], x, 20, rng=1).strength).all()


def test_one_dimension_is_the_wishart_family_too():
    prior = hyper.BasePrior(5, 0.8, (1, 1))
    line, matrix = (
        prior.family([0.2], 0.3, prior.scale),
        NormalInverseWishart([0.2], 0.3, 5, [[0.8]]),
    )
    x = np.array([0.1, 0.9, -2.0])
    values = [family.log_marginal(family.features(x).sum(axis=0)) for family in (line, matrix)]
    assert np.isclose(*values)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"dof": 0.5, "scale": np.eye(2)}, "dof = 0.5"),
        ({"scale": [[1, 2], [2, 1]]}, "positive definite"),
        ({"strength": 3}, "strength = 3"),
        ({"centre": [0, 0]}, "centre"),
        ({"var": -1}, "var = -1"),
        ({"scale": np.eye(3), "dof": 9, "scale_dof": 1.5}, "scale_dof = 1.5"),
        ({"covariance": "round"}, "covariance = 'round': expected one of 'full', 'diagonal'"),
        ({"covariance": "diagonal", "scale": [[1, 0.5], [0.5, 1]]}, "expected a diagonal matrix"),
        ({"covariance": "diagonal", "scale": [[1, 0], [0, -1]]}, "expected a diagonal matrix"),
        ({"covariance": "spherical", "scale": np.diag([1, 2])}, "a number times the identity"),
        ({"covariance": "spherical", "scale": [[1, 0.5], [0.5, 1]]}, "expected a diagonal matrix"),
        ({"covariance": "shared", "scale_dof": 4}, "scale_dof = 4: expected None where clusters"),
        ({"covariance": "shared", "dof": 0.5, "scale": np.eye(2)}, "dof = 0.5"),
        ({"covariance": "diagonal", "dof": -1}, "dof = -1"),
        ({"covariance": "diagonal", "scale_dof": 0}, "scale_dof = 0"),
    ],
)
def test_bad_priors_are_refused(change, message):
    arguments = {"dof": 4, "scale": 2, "strength": (1, 1)} | change
    with pytest.raises(ValueError, match=re.escape(message)):
        hyper.BasePrior(**arguments)


@pytest.mark.checks("DP-0194", how="numerical")
def test_clusters_of_independent_columns_are_drawn_from_their_posterior():
    rng = np.random.default_rng(1)
    x, labels = rng.normal(size=(12, 3)), np.repeat([0, 1, 0], 4)
    prior = columns_prior(3)
    seat = _sweeps.Seating(prior.family(prior.centre, 0.9, prior.scale), x)
    # Another base measure than the one that it was made for.
    mean, strength, scale = np.array([0.1, -0.4, 2.0]), 0.5, np.diag([1.0, 2.0, 5.0])
    seat.rebase(mean, strength, scale)
    draws = np.array([seat.clusters(labels, rng) for _ in range(3000)])
    for k in (0, 1):
        y = x[labels == k]
        n, middle = len(y), y.mean(axis=0)
        square = np.diagonal(scale) + ((y - middle) ** 2).sum(axis=0)
        square += strength * n / (strength + n) * (middle - mean) ** 2
        centre = (strength * mean + n * middle) / (strength + n)
        mu, var = draws[:, k, :3], draws[:, k, 3:]
        for j in range(3):
            ranks = stats.chi2(prior.dof + n).cdf(square[j] / var[:, j])
            assert stats.kstest(ranks, "uniform").pvalue > 1e-3
            z = (mu[:, j] - centre[j]) / np.sqrt(var[:, j] / (strength + n))
            assert stats.kstest(z, "norm").pvalue > 1e-3


# One covariance matrix for all clusters.


def log_shared(prior, x, labels, mean, strength):
    """log p(x | partition), Sigma integrated out: a matrix t density, by the rows' covariances."""
    (n, d), same = x.shape, labels[:, None] == labels
    between = np.eye(n) + same / strength
    away = x - mean
    scale = prior.scale + away.T @ np.linalg.solve(between, away)
    value = special.multigammaln((prior.dof + n) / 2, d) - special.multigammaln(prior.dof / 2, d)
    value -= n * d / 2 * np.log(np.pi) + d / 2 * np.linalg.slogdet(between)[1]
    value += prior.dof / 2 * np.linalg.slogdet(prior.scale)[1]
    return value - (prior.dof + n) / 2 * np.linalg.slogdet(scale)[1]


def shared_scale(prior, x, labels, mean, strength):
    """The scale of Sigma's law given the partition, as the theorem has it, cluster by cluster."""
    scale = prior.scale.copy()
    for k in range(labels.max() + 1):
        y = x[labels == k]
        n, off, apart = len(y), y - y.mean(axis=0), y.mean(axis=0) - mean
        scale += off.T @ off + strength * n / (strength + n) * np.outer(apart, apart)
    return scale


@pytest.mark.checks("DP-0235", how="numerical")
@pytest.mark.parametrize("dim", [1, 3])
def test_the_law_of_the_shared_matrix_given_the_partition(dim):
    """Prior times likelihood over the law claimed is the evidence of the partition, everywhere."""
    prior, rng = shared_prior(dim), np.random.default_rng(1)
    x, labels = rng.normal(size=(9, dim)), np.array([0, 1, 1, 0, 0, 1, 2, 0, 1])
    mean, strength = rng.normal(size=dim), 0.4
    scale = shared_scale(prior, x, labels, mean, strength)
    between = np.eye(9) + (labels[:, None] == labels) / strength
    for _ in range(3):
        cov = np.atleast_2d(stats.wishart(9, np.eye(dim)).rvs(random_state=rng))
        value = stats.invwishart(prior.dof, prior.scale).logpdf(cov)
        value += stats.multivariate_normal(np.tile(mean, 9), np.kron(between, cov)).logpdf(
            x.ravel()
        )
        value -= stats.invwishart(prior.dof + 9, scale).logpdf(cov)
        assert value == pytest.approx(log_shared(prior, x, labels, mean, strength), abs=1e-9)
    # Draws have it: precisions in three directions, and the determinant.
    draws = [prior._shared(x, labels, mean, strength, rng) for _ in range(3000)]
    inverse = np.linalg.inv(draws)
    for c in (np.ones(dim), np.eye(dim)[0], np.arange(1.0, dim + 1)):
        size = c @ np.linalg.solve(scale, c)
        ranks = stats.chi2(prior.dof + 9).cdf(np.einsum("i,tij,j", c, inverse, c) / size)
        assert stats.kstest(ranks, "uniform").pvalue > 1e-3
    log_det = np.linalg.slogdet(inverse)[1] + np.linalg.slogdet(scale)[1]
    halves = (prior.dof + 9 - np.arange(dim)) / 2
    expected = dim * np.log(2) + special.digamma(halves).sum()
    assert abs(log_det.mean() - expected) < 4 * log_det.std() / np.sqrt(3000)


def test_the_sampler_draws_means_given_the_new_matrix():
    """The move draws Sigma, then each mean given it: standardised, they are independent normals."""
    prior, rng = shared_prior(2), np.random.default_rng(1)
    x, labels = rng.normal(size=(12, 2)) + [5, -3], np.repeat([0, 1, 0], 4)
    kernel = hyper.Collapsed(hyper.HyperMixture(1.0, prior), x)
    base = {"mean": np.array([4.0, -2.0]), "strength": 0.5, "scale": np.eye(2)}
    state, move = chains.State(labels, 1.0, None, base), hyper.Base(kernel)
    z = []
    for _ in range(3000):
        after = move.sweep(state, rng)
        root = np.linalg.cholesky(after.columns["scale"])
        for k in (0, 1):
            y = x[labels == k]
            centre = (0.5 * base["mean"] + y.sum(axis=0)) / (0.5 + len(y))
            off = np.linalg.solve(root, after.theta[k] - centre)
            z.append(off * np.sqrt(0.5 + len(y)))
    z = np.array(z)
    assert all(stats.kstest(column, "norm").pvalue > 1e-3 for column in z.T)
    assert abs(np.corrcoef(z.T)[0, 1]) < 4 / np.sqrt(len(z))


@pytest.mark.slow
@pytest.mark.checks("DP-0235", "DP-0195", how="numerical")
@pytest.mark.parametrize(("split_merge", "at_once"), [(False, False), (True, False), (True, True)])
def test_with_a_shared_matrix_the_posterior_agrees_with_enumeration(split_merge, at_once):
    """All partitions of four points of the plane, mean and strength by Gauss quadrature."""
    x = np.array([[-1.3, 0.4], [-1.1, 0.1], [0.2, -0.9], [0.4, 0.5]])
    scale = [[2.5, 0.8], [0.8, 2.0]]  # wide, so that few nodes will do
    prior = hyper.BasePrior(6, scale, (2, 4), centre=-0.3, var=0.25, covariance="shared")
    partitions = np.array(
        exact.posterior(DPMixture(1.0, prior.family([0, 0], 1, np.eye(2))), x).labels
    )
    weights = np.array([special.factorial(np.bincount(z) - 1).prod() for z in partitions])
    m, wm = np.polynomial.hermite_e.hermegauss(8)
    s, ws = np.polynomial.laguerre.laggauss(10)
    law = np.zeros(len(partitions))
    for strength, b in zip(s / 4, ws * s):
        for (mean0, a0), (mean1, a1) in itertools.product(zip(m, wm), repeat=2):
            log_p = [
                log_shared(prior, x, z, [mean0 / 2 - 0.3, mean1 / 2 - 0.3], strength)
                for z in partitions
            ]
            law += a0 * a1 * b * weights * np.exp(log_p)
    law /= law.sum()
    kernel = hyper.kernel(prior, x, split_merge=split_merge, at_once=at_once)
    labels = chains.run(kernel, 500 if at_once else 12_000, rng=1).labels
    for partition, prob in zip(partitions, law):
        hit = (labels == partition).all(axis=1).astype(float)
        assert abs(hit.mean() - prob) < 4 * diagnostics.mcse(hit) + 2e-4, partition
    for i, j in itertools.combinations(range(4), 2):
        hit = (labels[:, i] == labels[:, j]).astype(float)
        prob = law @ (partitions[:, i] == partitions[:, j])
        assert abs(hit.mean() - prob) < 4 * diagnostics.mcse(hit), (i, j)


def test_the_update_keeps_a_shared_matrix():
    prior = shared_prior(2)
    cov = np.array([[1.0, 0.3], [0.3, 0.5]])
    theta = np.hstack([[[0.1, 0.2], [1.0, 2.0]], np.tile(cov.ravel(), (2, 1))])
    assert np.array_equal(prior.update(theta, 0.5, rng=1)[2], cov)
    theta[1, 2:] *= 2
    with pytest.raises(ValueError, match="^theta = .*: expected rows with the same covariance"):
        prior.update(theta, 0.5, rng=1)


@pytest.mark.checks("DP-0194", how="numerical")
def test_spherical_clusters_are_drawn_from_their_posterior():
    rng = np.random.default_rng(1)
    x, labels = rng.normal(size=(12, 3)), np.repeat([0, 1, 0], 4)
    prior = columns_prior(3, covariance="spherical")
    seat = _sweeps.Seating(prior.family(prior.centre, 0.9, prior.scale), x)
    mean, strength, scale = np.array([0.1, -0.4, 2.0]), 0.5, 4 * np.eye(3)
    seat.rebase(mean, strength, scale)
    draws = np.array([seat.clusters(labels, rng) for _ in range(3000)])
    for k in (0, 1):
        y = x[labels == k]
        n, middle = len(y), y.mean(axis=0)
        square = 4 + ((y - middle) ** 2).sum()
        square += strength * n / (strength + n) * ((middle - mean) ** 2).sum()
        centre = (strength * mean + n * middle) / (strength + n)
        mu, var = draws[:, k, :3], draws[:, k, 3:]
        ranks = stats.chi2(prior.dof + 3 * n).cdf(square / var[:, 0])
        assert stats.kstest(ranks, "uniform").pvalue > 1e-3
        z = (mu - centre) / np.sqrt(var / (strength + n))
        assert all(stats.kstest(column, "norm").pvalue > 1e-3 for column in z.T)


@pytest.mark.checks("DP-0194", how="numerical")
@pytest.mark.parametrize("dim", [1, pytest.param(3, marks=pytest.mark.slow)])
def test_clusters_are_drawn_from_their_posterior(dim):
    """(mu, Sigma) given the points, by the compiled loop, against SciPy's laws."""
    rng = np.random.default_rng(1)
    x, labels = rng.normal(size=(12, dim)), np.array([0, 1, 1, 0, 0, 1, 0, 1, 1, 1, 0, 0])
    prior = hyper.BasePrior(dim + 3, np.eye(dim) + 0.4, (3, 6), centre=0.5, var=0.7)
    family = prior.family(prior.centre, 0.5, prior.scale)
    seat = _sweeps.Seating(family, x)
    draws = np.array([seat.clusters(labels, rng) for _ in range(3000)])
    for k in (0, 1):
        y = x[labels == k]
        n, away = len(y), y - y.mean(axis=0)
        apart = y.mean(axis=0) - prior.centre
        scale = prior.scale + away.T @ away + 0.5 * n / (0.5 + n) * np.outer(apart, apart)
        mean = (0.5 * prior.centre + n * y.mean(axis=0)) / (0.5 + n)
        mu, cov = draws[:, k, :dim], draws[:, k, dim:].reshape(-1, dim, dim)
        # a' Sigma^-1 a has a gamma law; so has (mu - mean)' Sigma^-1 (mu - mean).
        inverse = np.linalg.inv(cov)
        a = np.arange(1.0, dim + 1)
        size = a @ np.linalg.solve(scale, a)
        ranks = stats.chi2(prior.dof + n).cdf(np.einsum("i,tij,j", a, inverse, a) / size)
        assert stats.kstest(ranks, "uniform").pvalue > 1e-3
        square = np.einsum("ti,tij,tj->t", mu - mean, inverse, mu - mean) * (0.5 + n)
        assert stats.kstest(stats.chi2(dim).cdf(square), "uniform").pvalue > 1e-3
        error = np.sqrt(mu.var(axis=0) / len(mu))
        assert (np.abs(mu.mean(axis=0) - mean) < 4 * error).all()


@pytest.mark.parametrize("covariance", [None, *hyper.COVARIANCES])
def test_numba_or_not_the_chain_is_the_same(monkeypatch, covariance):
    x, prior = datasets.galaxies() / 1000, hyper.BasePrior(4, 2, (0.5, 50))
    if covariance is not None:
        x = np.random.default_rng(1).normal(size=(30, 3))
        prior = prior_of(3, covariance)
    fast = hyper.sample(prior, x, 30, rng=1, alpha_prior=(2, 4))
    monkeypatch.setattr(_sweeps, "compiled", lambda *parts: None)
    slow = hyper.sample(prior, x, 30, rng=1, alpha_prior=(2, 4))
    assert (fast.labels == slow.labels).all() and np.allclose(fast.strength, slow.strength)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("dim", "covariance"),
    [(1, "full"), (2, "full"), (5, "full"), (2, "diagonal"), (2, "spherical")],
)
def test_repeated_values_under_an_unknown_scale_have_no_posterior(dim, covariance):
    """The scale shrinks to 0; without a word the chain went on, one cluster and all else NaN."""
    x = np.repeat(np.random.default_rng(1).standard_normal((4, dim)), 10, axis=0)
    dof = dim if covariance == "full" else 1
    prior = hyper.BasePrior(dim + 3, np.eye(dim) / 2, (1, 10), scale_dof=dof, covariance=covariance)
    with pytest.raises(ValueError, match="^x = data .* scale shrinks to 0: .*spread_ties"):
        hyper.sample(prior, x, 2000, rng=1, alpha_prior=(2, 4))
    fixed = hyper.BasePrior(dim + 3, np.eye(dim) / 2, (1, 10))
    assert np.isfinite(hyper.sample(fixed, x, 50, rng=1).strength).all()


@pytest.mark.checks("DP-0215", how="numerical")
@pytest.mark.parametrize("alpha, strength, scale", [(1e-6, 1e-6, 1e6), (1e6, 1e6, 1e-6)])
def test_chains_forget_where_they_began(alpha, strength, scale):
    """From absurd values of all parameters, K after 60 sweeps is as in long runs."""
    x = np.array([-1.3, -1.1, 0.2, 0.4, 1.8])
    prior = hyper.BasePrior(dof=4, scale=0.5, strength=(2, 4), var=1.0, scale_dof=3)
    seat = hyper.Collapsed(hyper.HyperMixture(1.0, prior), x)
    kernel = chains.cycle(seat, gibbs.Alpha((2, 2)), hyper.Base(seat))
    long = chains.run(kernel, 30_000, rng=1)[100:].num_clusters.astype(float)
    base = {"mean": np.full(1, 1e3), "strength": strength, "scale": np.full((1, 1), scale)}
    ends = []
    for i in range(400):
        rng = np.random.default_rng([2, i])
        state = chains.State(np.zeros(5, int), alpha, None, base)
        for _ in range(60):
            state = kernel.sweep(state, rng)
        ends.append(state.labels.max() + 1)
    error = np.hypot(np.std(ends) / np.sqrt(len(ends)), diagnostics.mcse(long))
    assert abs(np.mean(ends) - long.mean()) < 4 * error


def test_points_are_seated_at_once_where_loops_are_not_compiled(monkeypatch):
    x, prior = np.array([-1.3, -1.1, 0.2, 0.4, 1.8]), hyper.BasePrior(4, 0.5, (2, 4), var=1.0)

    def labels(**options):
        return chains.run(hyper.kernel(prior, x, **options), 20, rng=1).labels.tolist()

    monkeypatch.setattr(_sweeps, "compiled", lambda *parts: None)
    assert labels(at_once=None) == labels(at_once=True) != labels(at_once=False)


@pytest.mark.slow
@pytest.mark.checks("DP-0213", how="numerical")
@pytest.mark.parametrize("split_merge", [False, True])
def test_seated_at_once_the_posterior_is_the_same(split_merge):
    """Against Gauss quadrature over mean and strength, as in the chapter."""
    x = (-1.3, -1.1, 0.2, 0.4, 1.8)
    law = law_of_k(x, 30)
    kernel = hyper.kernel(ONE, x, split_merge=split_merge, at_once=True)
    chain = chains.run(kernel, 4000, rng=1)
    for k in range(1, 6):
        hit = (chain.num_clusters == k).astype(float)
        assert abs(hit.mean() - law[k]) < 4 * diagnostics.mcse(hit)
