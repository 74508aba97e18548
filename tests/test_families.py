"""Families of counts, codes, amounts and mixed columns, through everything that takes a family."""

import functools
import math
import re
from fractions import Fraction

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, stats

from dpnotes import _sweeps, chains, crp, diagnostics, exact, gibbs, meanfield
from dpnotes._numbers import digamma_excess, log_poisson, log_polya, log_ratio, stirling_excess
from dpnotes.components import (
    BernoulliBeta,
    CategoricalDirichlet,
    ConjugateFamily,
    CorrelatedGaussian,
    ExponentialGamma,
    Gaussian,
    GeometricBeta,
    LogNormal,
    MultinomialDirichlet,
    NormalInverseGamma,
    NormalInverseWishart,
    PoissonGamma,
    Product,
    SphericalNormalInverseGamma,
    WithGaps,
    prior_draws,
)
from dpnotes.components.gaussian import near as near_to
from dpnotes.components.gaussian import sums_of
from dpnotes.mixture import DPMixture

# Few clusters and starts are on purpose here.
pytestmark = pytest.mark.filterwarnings("ignore::dpnotes.InferenceWarning")

MIXED = [
    NormalInverseGamma(0.5, 1, 3, 1),
    BernoulliBeta([1, 2], 1.5),
    Product([GeometricBeta(6, 2), CategoricalDirichlet([0.5, 1, 2])]),
    LogNormal(NormalInverseGamma([1, 0], 1, 4, [0.5, 1])),
    NormalInverseWishart([0, 1], 0.5, 6, np.eye(2)),
    PoissonGamma(3, 2),
    Gaussian([0, 1], 1, 0.5),
    MultinomialDirichlet([1, 2, 0.5], total=4),
    ExponentialGamma(6, 3),
    BernoulliBeta(0.5, 0.7),
]
FAMILIES = {
    "bernoulli": BernoulliBeta([0.5, 2, 1], [1, 0.3, 4]),
    "geometric": GeometricBeta([6, 8], [2, 0.7]),
    "exponential": ExponentialGamma([6, 8], [2, 0.7]),
    "poisson": PoissonGamma([1.5, 3], [2, 0.7]),
    "categorical": CategoricalDirichlet([[1, 2, 0.5], [0.3, 0.3, 0.3]]),
    "multinomial": MultinomialDirichlet([1, 2, 0.5], total=5),
    "log-normal": LogNormal(NormalInverseGamma([0, 1], 1, 6, [1, 2])),
    "log-plane": LogNormal(NormalInverseWishart([0, 1], 1, 8, np.eye(2))),
    "product": Product(MIXED),
}
# For what takes many sweeps.
FEWER = {name: family for name, family in FAMILIES.items() if name != "product"} | {
    "few columns": Product([PoissonGamma(3, 2), NormalInverseGamma(0.5, 1, 6, 1), MIXED[1]])
}
each = pytest.mark.parametrize("name", FAMILIES)
GAUSSIANS = {
    "gaussian": Gaussian([0.5, -1], 2, 0.3),
    "correlated": CorrelatedGaussian([0.5, -1], 0.2, [[0.5, 0.2], [0.2, 0.3]]),
    "spherical": SphericalNormalInverseGamma([0, 1], 0.5, 3, 1),
    "variances": NormalInverseGamma([0, 1], [1, 2], [3, 4], [1, 0.5]),
    "wishart": NormalInverseWishart([0, 1], 0.5, 6, np.eye(2)),
}
EVERY = FAMILIES | GAUSSIANS


@pytest.fixture(autouse=True)
def not_compiled(request, monkeypatch):
    """Loops over few points run as they stand, save where the compiled ones are compared."""
    if request.node.name != "test_compiled_or_not_the_chain_is_the_same":
        monkeypatch.setattr(_sweeps, "compiled", lambda *parts: None)


def points(family, n, seed=1):
    rng = np.random.default_rng(seed)
    return family.sample_data(prior_draws(family, n, rng=rng), rng)


def total(family, x):
    return family.features(x).sum(axis=0)


# The marginal likelihood, by rationals and by quadrature.


def urn(prior, draws):
    """The probability of draws from Polya's urn, one by one."""
    counts, value = list(prior), Fraction(1)
    for c in draws:
        value *= counts[c] / sum(counts)
        counts[c] += 1
    return value


def of_bernoulli(prior, column):
    a, b = prior
    return urn([b, a], column)


def of_geometric(prior, column):
    a, b = prior
    return urn([b, a], [c for x in column for c in [0] * x + [1]])


def of_poisson(prior, column):
    """Negative binomial probabilities, each after those before."""
    (a, b), value = prior, Fraction(1)
    for x in column:
        for i in range(x):
            value *= (a + i) / (b + 1) / (i + 1)
        value *= Fraction(b, b + 1) ** int(a)  # the power is an integer in this test
        a, b = a + x, b + 1
    return value


def of_exponential(prior, column):
    """Lomax densities, each after those before."""
    (a, b), value = prior, Fraction(1)
    for x in column:
        value *= a * b**a / (b + x) ** (a + 1)
        a, b = a + 1, b + x
    return value


RATIONAL = {
    "bernoulli": (BernoulliBeta, of_bernoulli, (Fraction(1, 2), Fraction(3, 4)), [0, 1, 1, 0, 1]),
    "geometric": (GeometricBeta, of_geometric, (Fraction(3, 2), Fraction(1, 4)), [0, 3, 1, 20]),
    "poisson": (PoissonGamma, of_poisson, (Fraction(2), Fraction(1, 4)), [0, 3, 1, 30]),
    "exponential": (ExponentialGamma, of_exponential, (3, Fraction(1, 2)), [0, 1, 5, 300]),
}


@pytest.mark.checks("DP-0228", how="exact")
@pytest.mark.parametrize("name", RATIONAL)
def test_the_marginal_likelihood_of_columns_is_the_rational_one(name):
    make, exactly, prior, column = RATIONAL[name]
    expected = float(mpmath.log(mpmath.mpf(1) * exactly(prior, column)))
    one = make(*map(float, prior))
    assert one.log_marginal(total(one, column)) == pytest.approx(expected, abs=1e-12)
    # Two columns with priors of their own: the sum.
    other = make([float(prior[0]), 2.0], [float(prior[1]), 1.0])
    twice = np.column_stack([column, column[::-1]])
    more = float(mpmath.log(mpmath.mpf(1) * exactly((Fraction(2), Fraction(1)), column)))
    value = other.log_marginal(total(other, twice))
    assert value == pytest.approx(expected + more, abs=1e-12)


@pytest.mark.checks("DP-0228", how="exact")
def test_the_marginal_likelihood_of_urns_is_the_rational_one():
    prior = [Fraction(1, 2), Fraction(2), Fraction(3, 4)]
    codes = CategoricalDirichlet([float(p) for p in prior])
    column = [0, 2, 2, 1, 0, 2]
    expected = np.log(float(urn(prior, column)))
    assert codes.log_marginal(total(codes, column)) == pytest.approx(expected, abs=1e-12)
    # Of a row of counts any order may have been drawn.
    rows = [[2, 0, 1], [0, 0, 0], [1, 3, 0]]
    draws = [c for row in rows for c, count in enumerate(row) for _ in range(count)]
    orders = 3 * 1 * 4
    bags = MultinomialDirichlet([float(p) for p in prior])
    expected = np.log(float(orders * urn(prior, draws)))
    assert bags.log_marginal(total(bags, rows)) == pytest.approx(expected, abs=1e-12)


LAWS = {
    "bernoulli": (BernoulliBeta(0.6, 1.7), stats.beta(0.6, 1.7), stats.bernoulli, [0, 1, 1]),
    "geometric": (
        GeometricBeta(2.5, 1.7),
        stats.beta(2.5, 1.7),
        lambda p: stats.geom(p, loc=-1),
        [0, 4, 1],
    ),
    "poisson": (PoissonGamma(2.5, 0.7), stats.gamma(2.5, scale=1 / 0.7), stats.poisson, [0, 4, 1]),
    "exponential": (
        ExponentialGamma(2.5, 0.7),
        stats.gamma(2.5, scale=1 / 0.7),
        lambda rate: stats.expon(scale=1 / rate),
        [0.1, 4.5, 1.0],
    ),
}


def log_mass(law, x):
    return law.logpmf(x) if hasattr(law, "logpmf") else law.logpdf(x)


@pytest.mark.checks("DP-0228", how="numerical")
@pytest.mark.parametrize("name", LAWS)
def test_one_column_against_scipy_and_quadrature(name):
    family, prior, law, x = LAWS[name]
    theta = np.array([[0.2], [0.7]])
    expected = np.array([[log_mass(law(t), v) for t in (0.2, 0.7)] for v in x])
    np.testing.assert_allclose(family.log_likelihood(x, theta), expected, rtol=1e-12)
    np.testing.assert_allclose(family.log_prior(theta), prior.logpdf([0.2, 0.7]), rtol=1e-12)

    def integrand(t):
        return np.exp(log_mass(law(t), x).sum() + prior.logpdf(t))

    value, error = integrate.quad(integrand, *prior.support(), epsabs=1e-13)
    assert np.exp(family.log_marginal(total(family, x))) == pytest.approx(value, abs=10 * error)
    # Posterior draws have the law f h / p(x).
    draws = family.sample(total(family, x)[None].repeat(4000, 0), np.random.default_rng(1))
    grid = np.quantile(draws, [0.1, 0.35, 0.6, 0.85])
    below = [integrate.quad(integrand, prior.support()[0], t)[0] / value for t in grid]
    assert np.abs(np.array(below) - [0.1, 0.35, 0.6, 0.85]).max() < 4 * 0.5 / np.sqrt(4000)
    # Neither a walk's proposal outside nor a parameter that is none is a parameter.
    assert (
        np.isneginf(family.log_prior([[-0.1]]))
        and np.isneginf(family.log_likelihood(x, [[-1.0]])).all()
    )
    with pytest.raises(ValueError, match="^theta = "):
        family.natural([[-0.1]])


def test_the_prior_of_probabilities_is_scipys():
    alpha, theta = np.array([1.5, 2.0, 0.5]), np.array([[0.2, 0.5, 0.3], [0.1, 0.1, 0.8]])
    expected = [stats.dirichlet(alpha).logpdf(p) for p in theta]
    for family in (CategoricalDirichlet(alpha), MultinomialDirichlet(alpha)):
        np.testing.assert_allclose(family.log_prior(theta), expected, rtol=1e-12)
        assert np.isneginf(family.log_prior([[0.5, 0.6, 0.2]]))
    rows = [[1, 0, 2], [0, 4, 1]]
    expected = [[stats.multinomial(sum(row), p).logpmf(row) for p in theta] for row in rows]
    bags = MultinomialDirichlet(alpha)
    np.testing.assert_allclose(bags.log_likelihood(rows, theta), expected, rtol=1e-12)
    two = CategoricalDirichlet([[1, 2], [3, 1]])
    both = stats.beta(1, 2).logpdf(0.3) + stats.beta(3, 1).logpdf(0.6)
    assert two.log_prior([[0.3, 0.7, 0.6, 0.4]]) == pytest.approx([both], abs=1e-12)


@pytest.mark.checks("DP-0228", how="numerical")
def test_amounts_have_the_density_of_their_logarithms_over_the_amount():
    family = FAMILIES["log-normal"]
    x = points(family, 5)
    s, logs = total(family, x), np.log(x)
    expected = -logs.sum()
    for j in range(2):
        shape = (np.eye(5) + 1) * family.family.rate[j] / family.family.shape[j]
        joint = stats.multivariate_t(np.full(5, family.family.mean[j]), shape, 12)
        expected += joint.logpdf(logs[:, j])
    assert family.log_marginal(s) == pytest.approx(expected, abs=1e-11)
    theta = np.array([[0.1, -0.2, 0.5, 2.0]])
    expected = stats.lognorm(np.sqrt([0.5, 2.0]), scale=np.exp([0.1, -0.2])).logpdf(x).sum(axis=1)
    np.testing.assert_allclose(family.log_likelihood(x, theta)[:, 0], expected, rtol=1e-12)


# What holds of every family.


@each
def test_its_methods_agree_with_each_other(name):
    family = FAMILIES[name]
    assert isinstance(family, ConjugateFamily)
    rng, x = np.random.default_rng(2), points(family, 7)
    features, theta = family.features(x), family.sample_prior(4, rng)
    assert features.shape == (7, family.n_features) and theta.shape == (4, family.n_parameters)
    assert (features[:, 0] == 1).all()
    likelihood = family.log_likelihood(x, theta)
    natural = family.natural(theta)
    np.testing.assert_allclose(features @ natural.T, likelihood, rtol=1e-9, atol=1e-9)
    if family.common:
        assert (natural[:, -family.common :] == natural[0, -family.common :]).all()
    s = np.array([features[:3].sum(axis=0), features[3:5].sum(axis=0), 0 * features[0]])
    before, after = family.log_marginal(s), family.log_marginal(s + features[:, None])
    np.testing.assert_allclose(family.log_predictive(x, s), after - before, rtol=1e-9, atol=1e-9)
    # Bayes: f h / p(x) is the density that E natural and the draws belong to.
    draws = family.natural(family.sample(s[:1].repeat(20_000, 0), rng))
    error = draws.std(axis=0) / np.sqrt(len(draws)) + 1e-12
    assert (np.abs(draws.mean(axis=0) - family.expected_natural(s[:1])[0]) < 4.5 * error).all()


@pytest.mark.checks("DP-0226", "DP-0227", how="numerical")
@each
def test_the_mean_of_the_natural_parameters_is_the_gradient_of_the_log_normaliser(name):
    family, x = FAMILIES[name], points(FAMILIES[name], 7)
    features = family.features(x)
    s, step = features.sum(axis=0), 1e-5
    for direction in features:
        up, down = (family.log_marginal(s + sign * step * direction) for sign in (1, -1))
        slope = family.expected_natural(s[None])[0] @ direction
        # A difference of values that rounding moves by eps of their terms, over twice the step.
        size = np.abs(slope) + np.abs(family.log_marginal(s)) + np.abs(s).sum()
        assert (up - down) / (2 * step) == pytest.approx(slope, abs=1e-9 * size)


@pytest.mark.parametrize("name", [name for name in FAMILIES if name != "product"])
def test_draws_from_the_prior_weighted_by_the_likelihood_are_those_of_the_posterior(name):
    family, rng, n = FAMILIES[name], np.random.default_rng(3), 40_000
    x = points(family, 1)
    features = family.features(x)
    prior, posterior = family.sample_prior(n, rng), family.sample(features.repeat(n, 0), rng)
    weight = np.exp(family.log_likelihood(x, prior)[0] - family.log_marginal(features))
    values = [np.tanh(family.natural(theta)) for theta in (prior, posterior)]
    weighted = np.column_stack([np.ones(n), values[0]]) * weight[:, None]
    plain = np.column_stack([np.ones(n), values[1]])
    error = np.hypot(weighted.std(axis=0), plain.std(axis=0)) / np.sqrt(n)
    assert (np.abs(weighted.mean(axis=0) - plain.mean(axis=0)) < 4.5 * error + 1e-12).all()


@each
@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_points_come_in_any_order_and_in_any_parts(name, seed):
    family, rng = FAMILIES[name], np.random.default_rng(seed)
    n = int(rng.integers(2, 9))
    x = points(family, n, seed)
    features = family.features(x)
    whole = family.log_marginal(features.sum(axis=0))
    order = rng.permutation(n)
    sums = np.cumsum(features[order], axis=0) - features[order]
    by_one = [family.log_predictive(x[[i]], s[None])[0, 0] for i, s in zip(order, sums)]
    assert sum(by_one) == pytest.approx(whole, rel=1e-9, abs=1e-8)
    # As each set measures its own points.
    sets = rng.integers(0, 3, n)
    measured, s = sums_of(family, x, sets, 3)
    apart = [family.log_marginal(features[sets == k].sum(axis=0)) for k in range(3)]
    np.testing.assert_allclose(measured.log_marginal(s), apart, rtol=1e-9, atol=1e-8)


@each
@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_a_sweep_weighs_by_its_predictive_density(name, seed):
    """After points came and went, up to what is left out, the same for each cluster."""
    family, rng = FAMILIES[name], np.random.default_rng(seed)
    n = int(rng.integers(2, 9))
    x = points(family, n, seed)
    inner, last = _sweeps.parts_of(family, x), _sweeps.parts_of(family, x[-1:])
    assert not isinstance(inner, _sweeps.AnyFamily)
    clear, absorb, release, refresh, density = map(_sweeps.made, inner.parts)
    values, tables, (totals, rows) = inner.values, inner.tables(), inner.space(4)
    sizes, score, labels = np.zeros(4, int), np.zeros(4), rng.integers(0, 3, n - 1)
    for k in range(4):
        clear(k, totals, tables)
    for i, k in enumerate(labels):
        absorb(i, k, sizes[k], values, totals, tables)
        sizes[k] += 1
    for i in rng.permutation(n - 1):
        k = labels[i]
        sizes[k] -= 1
        if not release(i, k, sizes[k], values, totals, tables):
            clear(k, totals, tables)
            for size, j in enumerate(np.setdiff1d(np.flatnonzero(labels == k), i)):
                absorb(j, k, size, values, totals, tables)
        absorb(i, k, sizes[k], values, totals, tables)
        sizes[k] += 1
    for k in range(4):
        refresh(k, sizes[k], totals, tables, rows)
    density(n - 1, 4, values, np.arange(4), sizes, totals, tables, rows, score)
    features = family.features(x)[:-1]
    sums = np.array([features[labels == k].sum(axis=0) for k in range(4)])
    expected = family.log_predictive(x[-1:], sums)[0] + np.log(np.maximum(sizes, 1))
    np.testing.assert_allclose(score + last.constant, expected, rtol=1e-9, atol=1e-9)


@each
def test_the_joint_density_of_a_state_is_that_of_the_model(name):
    family = FAMILIES[name]
    model, x = DPMixture(1.3, family), points(family, 6)
    kernel = gibbs.Collapsed(model, x)
    for labels in ([0, 0, 1, 0, 2, 1], [0] * 6, list(range(6))):
        value = kernel.log_joint(chains.State(np.array(labels), 1.3))
        assert value == pytest.approx(model.log_joint(x, labels), rel=1e-10)


# Every sampler against enumeration; Geweke's test.


def slices(model, x, n_sweeps, **options):
    return chains.run(gibbs.Slice(gibbs.Collapsed(model, x)), n_sweeps, **options)


SAMPLERS = {
    "collapsed": gibbs.collapsed,
    "split_merge": functools.partial(gibbs.collapsed, split_merge=True),
    "auxiliary": functools.partial(gibbs.auxiliary, m=2),
    "blocked": gibbs.blocked,
    "slice": slices,
}


@pytest.mark.slow
@pytest.mark.parametrize("name", [*FEWER, *GAUSSIANS])
def test_every_sampler_agrees_with_enumeration(name):
    family = (FEWER | GAUSSIANS)[name]
    model, x = DPMixture(1.2, family), points(family, 4, seed=4)
    target, pairs = exact.posterior(model, x), np.triu_indices(4, 1)
    truth = [*target.num_clusters[1:], *target.similarity[pairs]]
    for called, sampler in SAMPLERS.items():
        chain = sampler(model, x, 400, rng=5)
        same = chain.labels[:, :, None] == chain.labels[:, None, :]
        draws = [chain.num_clusters == k for k in range(1, 5)] + list(same[:, *pairs].T)
        for draw, value in zip(draws, truth, strict=True):
            # Of an event never seen, or always, the error is that of its probability.
            error = np.sqrt(value * (1 - value) / len(draw)) + 1e-9
            if 0 < draw.mean() < 1:
                error = max(error, diagnostics.mcse(draw.astype(float)))
            assert abs(draw.mean() - value) < 4.5 * error, called


# Of amounts whose variance is unknown no power has a mean; of measurements eight degrees have.
JOINT = {name: family for name, family in FEWER.items() if not name.startswith("log")} | {
    "log, known variance": LogNormal(Gaussian(0, 0.2, 0.2)),
    "gaussian": GAUSSIANS["gaussian"],
    "variances": NormalInverseGamma([0, 1], [1, 2], 6, [1, 0.5]),
    "correlated": GAUSSIANS["correlated"],
    "spherical": SphericalNormalInverseGamma([0, 1], 0.5, 6, 2),
    "wishart": NormalInverseWishart([0, 1], 0.5, 12, 9 * np.eye(2)),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", JOINT)
def test_geweke(name):
    model = DPMixture(1.2, JOINT[name])
    for sampler in (gibbs.collapsed, functools.partial(gibbs.auxiliary, m=1)):
        test = diagnostics.geweke_mixture(sampler, model, 3, 250, rng=6)
        assert test.p_value > 0.005


def test_every_family_has_a_joint_test():
    assert {type(family) for family in JOINT.values()} == {type(f) for f in EVERY.values()}


@pytest.mark.slow
@pytest.mark.parametrize("name", JOINT)
def test_geweke_finds_a_sampler_that_takes_the_first_row_for_all(name):
    """So that the test above can fail, for each family."""

    def careless(model, x, n_sweeps, **options):
        return gibbs.collapsed(model, np.tile(x[:1], (len(x), 1)), n_sweeps, **options)

    test = diagnostics.geweke_mixture(careless, DPMixture(1.2, JOINT[name]), 16, 250, rng=6)
    assert test.p_value < 1e-4


@each
def test_mean_field_climbs_to_below_the_evidence(name):
    model = DPMixture(1.2, FAMILIES[name])
    x = points(FAMILIES[name], 6, seed=4)
    q = meanfield.fit(model, x, truncation=4, restarts=4, rng=1)
    assert (np.diff(q.elbo) > -1e-9 * np.abs(q.elbo).max()).all()
    evidence = exact.log_evidence(model, x)
    assert evidence - 8 < q.elbo[-1] < evidence
    probs = q.responsibilities(x)
    assert q.elbo[-1] == pytest.approx(
        meanfield.elbo(q.model, x, probs, q.sticks, q.statistics), abs=1e-8
    )
    assert np.isfinite(q.predictive_logpdf(x)).all()


@pytest.mark.parametrize("name", ["bernoulli", "geometric", "poisson", "exponential"])
def test_a_random_walk_in_place_of_a_draw(name):
    family = LAWS[name][0]
    model, x = DPMixture(1.0, family), points(family, 3, seed=2)
    target, chain = exact.posterior(model, x), gibbs.auxiliary(model, x, 600, step=0.5, rng=1)
    for k in (1, 2, 3):
        draw = (chain.num_clusters == k).astype(float)
        assert abs(draw.mean() - target.num_clusters[k]) < 4.5 * max(diagnostics.mcse(draw), 2e-3)


@pytest.mark.parametrize("name", ["categorical", "multinomial", "log-plane", "product"])
def test_no_walk_among_probabilities_and_matrices(name):
    family = FAMILIES[name]
    with pytest.raises(ValueError, match="^step = 0.5: expected None"):
        gibbs.auxiliary(DPMixture(1.0, family), points(family, 3), 3, step=0.5)


# Products.


@pytest.mark.parametrize("name", EVERY)
def test_the_product_of_one_is_the_one(name):
    one = EVERY[name]
    alone, x = Product([one]), points(one, 8)
    s = np.array([total(one, x[:3]), total(one, x[3:])])
    assert np.array_equal(alone.features(x), one.features(x))
    assert np.array_equal(alone.log_marginal(s), one.log_marginal(s))
    assert np.array_equal(alone.log_predictive(x, s), one.log_predictive(x, s))
    assert np.array_equal(alone.expected_natural(s), one.expected_natural(s))
    assert np.array_equal(alone.sample(s, 1), one.sample(s, 1))
    for run in (gibbs.collapsed, gibbs.auxiliary, gibbs.blocked):
        one_chain, other = (run(DPMixture(1.0, f), x, 5, rng=1) for f in (one, alone))
        assert np.array_equal(one_chain.labels, other.labels)
    models = DPMixture(1.0, one), DPMixture(1.0, alone)
    fits = [meanfield.fit(model, x, truncation=3, restarts=2, rng=1) for model in models]
    assert fits[0].elbo == pytest.approx(fits[1].elbo, rel=1e-12)


@pytest.mark.checks("DP-0229", how="exact")
def test_a_product_is_the_sum_over_its_columns_in_any_order_of_their_cells():
    family, rng = FAMILIES["product"], np.random.default_rng(5)
    x, new = points(family, 6), points(family, 1, seed=2)
    s = total(family, x)
    parts = list(zip(family.families, family._columns))
    evidence = sum(f.log_marginal(total(f, x[:, columns])) for f, columns in parts)
    assert family.log_marginal(s) == pytest.approx(evidence, abs=1e-9)
    density = sum(
        f.log_predictive(new[:, columns], total(f, x[:, columns])[None])[0, 0]
        for f, columns in parts
    )
    assert family.log_predictive(new, s[None])[0, 0] == pytest.approx(density, abs=1e-9)
    shuffled = np.column_stack([x[rng.permutation(6), columns] for _, columns in parts])
    assert not np.array_equal(shuffled, x)
    assert family.log_marginal(total(family, shuffled)) == pytest.approx(evidence, abs=1e-9)


@pytest.mark.checks("DP-0229", how="exact")
def test_a_product_of_columns_is_the_family_of_them_all():
    pairs = [
        (BernoulliBeta([1, 2], [3, 1]), [BernoulliBeta(1, 3), BernoulliBeta(2, 1)]),
        (PoissonGamma([1, 2], [3, 1]), [PoissonGamma(1, 3), PoissonGamma(2, 1)]),
        (
            CategoricalDirichlet([[1, 2, 3], [1, 1, 1]]),
            [CategoricalDirichlet([1, 2, 3]), CategoricalDirichlet([1, 1, 1])],
        ),
        (Gaussian([0, 1], 2, 0.5), [Gaussian(0, 2, 0.5), Gaussian(1, 2, 0.5)]),
        (
            NormalInverseGamma([0, 1], [1, 2], 3, [1, 0.5]),
            [NormalInverseGamma(0, 1, 3, 1), NormalInverseGamma(1, 2, 3, 0.5)],
        ),
    ]
    for together, apart in pairs:
        x = points(together, 7)
        models = DPMixture(0.8, together), DPMixture(0.8, Product(apart))
        posteriors = [exact.posterior(model, x[:5]) for model in models]
        np.testing.assert_allclose(posteriors[0].probs, posteriors[1].probs, rtol=1e-9)
        # Its columns stand side by side in one loop, and go the same way.
        one, other = (gibbs.collapsed(model, x, 20, rng=1) for model in models)
        assert np.array_equal(one.labels, other.labels)
        inner = _sweeps.parts_of(models[1].component, x)
        assert type(inner) is type(_sweeps.parts_of(together, x))


@pytest.mark.parametrize("name", EVERY)
def test_rows_and_columns_come_in_any_order(name):
    family = EVERY[name]
    model, x = DPMixture(1.2, family), points(family, 5)
    posterior, order = exact.posterior(model, x), [3, 1, 4, 0, 2]
    turned = exact.posterior(model, x[order])
    similarity = posterior.similarity[np.ix_(order, order)]
    np.testing.assert_allclose(turned.similarity, similarity, rtol=1e-9)
    assert exact.log_evidence(model, x[order]) == pytest.approx(exact.log_evidence(model, x))
    if name == "product":
        places = np.split(np.arange(family.dim), np.cumsum([f.dim for f in MIXED])[:-1])
        columns = np.concatenate(places[::-1])
        mirrored = DPMixture(1.2, Product(MIXED[::-1]))
        other = exact.posterior(mirrored, x[:, columns])
        np.testing.assert_allclose(other.probs, posterior.probs, rtol=1e-9)


def test_far_from_zero_the_columns_of_a_product_are_measured_from_where_they_lie():
    x = np.array([[2460000.5, 1], [2460000.51, 1], [2460001.5, 0], [2460001.51, 0]])
    here = DPMixture(1.0, Product([Gaussian(0, 1e14, 1e-4), BernoulliBeta(1, 1)]))
    near = DPMixture(1.0, Product([Gaussian(-2460000, 1e14, 1e-4), BernoulliBeta(1, 1)]))
    assert np.abs(near_to(here.component, x).features(x)).max() < 2
    moved = x - [2460000, 0]
    np.testing.assert_allclose(
        exact.posterior(here, x).probs, exact.posterior(near, moved).probs, atol=1e-6
    )
    for sampler in SAMPLERS.values():
        chain = sampler(here, x, 40, rng=1, start=[0, 0, 1, 1])
        assert (chain.labels == [0, 0, 1, 1]).all(axis=1).mean() > 0.9
    q = meanfield.fit(here, x, truncation=3, rng=1)
    assert q.predict(x).tolist() in ([0, 0, 1, 1], [1, 1, 0, 0])


def test_a_family_of_ones_own_among_the_columns():
    class Own(PoissonGamma):
        """A family that the loops reach through its log_predictive alone."""

    x = points(Product([PoissonGamma(2, 1), BernoulliBeta(1, 1)]), 6)
    chains_of = [
        gibbs.collapsed(DPMixture(1.0, Product([kind(2, 1), BernoulliBeta(1, 1)])), x, 10, rng=1)
        for kind in (Own, PoissonGamma)
    ]
    assert np.array_equal(chains_of[0].labels, chains_of[1].labels)


@each
def test_a_chain_is_saved_and_read_again(name, tmp_path):
    model = DPMixture(1.2, FAMILIES[name])
    chain = gibbs.auxiliary(model, points(FAMILIES[name], 5), 3, rng=1)
    chain.save(tmp_path / "chain.npz")
    again = chains.load(tmp_path / "chain.npz")
    assert repr(again.model) == repr(model)
    assert gibbs.collapsed(model, chain.x, 2, rng=1, start=again).labels.shape == (2, 5)


# Numbers far out.


@pytest.mark.parametrize("z", [1e-300, 1e-9, 0.3, 1.0, 19.99, 20.0, 1e5, 1e15, 1e300])
def test_what_stirling_leaves(z):
    with mpmath.workdps(330):
        exactly = mpmath.loggamma(z) - mpmath.mpf(z) * mpmath.log(z) + z
    assert float(stirling_excess(z)) == pytest.approx(float(exactly), rel=1e-13, abs=1e-14)
    assert _sweeps.excess(z) == pytest.approx(float(exactly), rel=1e-13, abs=1e-14)


@settings(max_examples=60, deadline=None)
@given(
    counts=st.lists(st.integers(0, 15), min_size=2, max_size=4),
    alpha=st.lists(st.integers(-6, 15), min_size=4, max_size=4),
)
def test_log_polya_keeps_the_digits_that_a_float_of_the_counts_has(counts, alpha):
    n = np.array([float(10**c - 1) for c in counts])
    prior = np.array([10.0**c for c in alpha[: len(n)]])
    with mpmath.workdps(60):
        pairs = [(mpmath.mpf(a), mpmath.mpf(b)) for a, b in zip(prior.tolist(), n.tolist())]
        value = mpmath.fsum(mpmath.loggamma(a + b) - mpmath.loggamma(a) for a, b in pairs)
        A, N = mpmath.fsum(a for a, _ in pairs), mpmath.fsum(b for _, b in pairs)
        value -= mpmath.loggamma(A + N) - mpmath.loggamma(A)
    size = np.finfo(float).eps * (n.sum() + 100) + 1e-11
    assert abs(float(log_polya(prior, n)) - float(value)) < 4 * size + 1e-13 * abs(float(value))


def test_log_poisson_of_large_counts():
    for x in (0.0, 1.0, 17.0, 1e6, 1e15, 1e30):
        for rate in (1e-3, 1.0, x + 1.0, 1.001 * x + 0.1, x + 3 * x**0.5 + 0.1):
            with mpmath.workdps(60):
                exactly = x * mpmath.log(rate) - rate - mpmath.loggamma(mpmath.mpf(x) + 1)
            assert float(log_poisson(x, rate)) == pytest.approx(
                float(exactly), rel=1e-13, abs=1e-12
            )


# Priors from 1e-300 to 1e200, and counts to where a float holds no units any more.
WIDE = [1e-300, 1e-20, 0.01, 1.0, 17.3, 1e8, 1e15, 1e40, 1e200]
WIDE_COUNTS = [0.0, 1.0, 3.0, 17.0, 1e3, 1e8, 1e12, 1e15, 1e19, 1e40]


def evidence_of_one(family, rows):
    """log p(x) of one cluster with as many digits as the priors are apart."""
    with mpmath.workdps(420):
        g, columns = mpmath.loggamma, [[mpmath.mpf(v) for v in column] for column in zip(*rows)]
        n, sums = len(rows), [mpmath.fsum(column) for column in columns]
        if isinstance(family, MultinomialDirichlet):
            alpha, A = [mpmath.mpf(a) for a in family.alpha], mpmath.fsum(family.alpha.tolist())
            orders = [g(sum(row) + 1) - mpmath.fsum(g(v + 1) for v in row) for row in zip(*columns)]
            urn = mpmath.fsum(g(a + t) - g(a) for a, t in zip(alpha, sums))
            return urn + g(A) - g(A + sum(sums)) + mpmath.fsum(orders)
        (x,), (t,) = columns, sums
        a, b = mpmath.mpf(family.a[0]), mpmath.mpf(family.b[0])
        if isinstance(family, GeometricBeta):
            return g(a + n) + g(b + t) - g(a + b + n + t) - g(a) - g(b) + g(a + b)
        value = g(a + t) - g(a) - a * mpmath.log1p(n / b) - t * mpmath.log(b + n)
        return value - mpmath.fsum(g(v + 1) for v in x)


@pytest.mark.parametrize("kind", [PoissonGamma, GeometricBeta])
@pytest.mark.parametrize("a", WIDE)
def test_counts_of_any_size_under_priors_of_any_size(kind, a):
    eps = np.finfo(float).eps
    for b in WIDE:
        family = kind(a, b)
        none = np.zeros((1, family.n_features))
        for x in WIDE_COUNTS:
            one, pair = evidence_of_one(family, [[x]]), evidence_of_one(family, [[x], [x + 3]])
            got = family.log_predictive([[x]], none)[0, 0]
            # The logarithms of numbers from 1e-300 to 1e300 themselves have rounding.
            assert abs(got - one) < 32 * eps * (abs(one) + 800)
            # Features are relative to the mean count; their rounding is in the units of a count.
            measured, s = sums_of(family, np.array([[x], [x + 3]]), np.zeros(2, int), 1)
            slack = 32 * eps * (abs(pair) + 800)
            assert abs(measured.log_marginal(s)[0] - pair) < slack
            if kind is PoissonGamma:  # from the prior mean, unless no digits are left
                try:
                    far = family.log_marginal(family.features([[x], [x + 3]]).sum(axis=0))
                except ValueError:
                    continue
                assert abs(far - pair) < 1e-5 * max(1, abs(pair))


def test_counts_far_from_the_reference_that_leave_no_digits_are_refused():
    # 10**15 of a category of prior mean 1e-18: features from there are 4e16, in steps of 4.
    family = MultinomialDirichlet([7.3e-16, 86.0, 1e-13])
    x = np.array([[1e15, 17, 5], [17, 300, 3]])
    with pytest.raises(ValueError, match="^s = .*no digits are left: expected counts nearer"):
        family.log_marginal(family.features(x).sum(axis=0))
    measured, s = sums_of(family, x, np.zeros(2, int), 1)
    before = np.vstack([np.zeros(family.n_features), family.features(x[:1])])
    steps = np.diagonal(family.log_predictive(x, before)).sum()
    assert abs(measured.log_marginal(s)[0] - steps) < 1e-6 * abs(steps)


@pytest.mark.parametrize(
    ("family", "x"),
    [
        (PoissonGamma(1, 1e-20), [[1e19], [3e19], [1e19], [17.0]]),
        (PoissonGamma(1, 1e-8), [[1e15], [2e8], [1e15], [0.0]]),
        (PoissonGamma(0.01, 1e-8), [[1e12], [1.0], [1e12], [1e8]]),
        (PoissonGamma(1e15, 1), [[1e15], [1e15 + 1e7], [1e15 - 1e8], [3.0]]),
        (GeometricBeta(1e15, 1e40), [[1e15], [2.0], [1e25], [17.0]]),
        (GeometricBeta(1e15, 1), [[1e15], [2.0], [1e15], [17.0]]),
        (MultinomialDirichlet([1, 1e15]), [[1e15, 17.0], [3.0, 1e15], [0.0, 1e15], [2e15, 4e15]]),
        (MultinomialDirichlet([1e20, 1, 3]), [[1e15, 17.0, 0.0], [3.0, 1e15, 9e8]]),
    ],
)
def test_a_sweep_weighs_large_counts_as_they_are(family, x):
    model, together, apart = DPMixture(1.0, family), [0] * len(x), list(range(len(x)))
    kernel = gibbs.Collapsed(model, np.array(x))
    for labels in (together, apart):
        parts = [[row for row, k in zip(x, labels) if k == cluster] for cluster in set(labels)]
        terms = [float(evidence_of_one(family, part)) for part in parts]
        got = kernel.log_joint(gibbs.State(np.array(labels), 1.0))
        expected = math.fsum([float(crp.log_eppf(list(map(len, parts)), 1.0)), *terms])
        slack = 16 * np.finfo(float).eps * (math.fsum(map(abs, terms)) + 800)
        assert abs(got - expected) < slack
        assert abs(model.log_joint(x, labels) - expected) < slack


FAR = {
    "poisson": (PoissonGamma(1.0, 1e-12), [[1e12], [1e12 + 1e6], [2e12], [3.0], [0.0]]),
    "poisson, 1e15": (PoissonGamma(1.0, 1e-15), [[1e15], [1e15 + 3e7], [2e15], [3.0], [0.0]]),
    "geometric": (GeometricBeta(1.0, 1.0), [[1e15], [3e14], [3.0], [0.0], [2e15]]),
    "multinomial": (
        MultinomialDirichlet([1.0, 1.0]),
        [[1e15, 1e15], [1e15, 1e15 + 1e8], [3e15, 1e15], [2.0, 1.0], [0.0, 0.0]],
    ),
    "exponential": (ExponentialGamma(1.0, 1.0), [[1e100], [3e-300], [1e15], [0.0], [1.0]]),
    "log-normal": (
        LogNormal(NormalInverseGamma(0, 1, 2, 1)),
        [[1e100], [1e-100], [1e15], [1.0], [2.0]],
    ),
}


def evidence_far_out(family, x):
    """log p(x) of one cluster with 60 digits, for counts of one column or of two categories."""
    with mpmath.workdps(60):
        g, x = mpmath.loggamma, [[mpmath.mpf(v) for v in row] for row in x]
        n, t = len(x), [mpmath.fsum(column) for column in zip(*x)]
        if isinstance(family, MultinomialDirichlet):
            orders = mpmath.fsum(g(sum(r) + 1) - mpmath.fsum(g(v + 1) for v in r) for r in x)
            return float(orders + g(t[0] + 1) + g(t[1] + 1) + g(2) - g(t[0] + t[1] + 2))
        a, b = mpmath.mpf(float(family.a[0])), mpmath.mpf(float(family.b[0]))
        if isinstance(family, GeometricBeta):
            both = g(a + n) + g(b + t[0]) - g(a + b + n + t[0])
            return float(both - g(a) - g(b) + g(a + b))
        value = g(a + t[0]) - g(a) + a * mpmath.log(b) - (a + t[0]) * mpmath.log(b + n)
        return float(value - mpmath.fsum(g(row[0] + 1) for row in x))


@pytest.mark.parametrize("name", FAR)
def test_far_out_every_answer_is_finite_and_the_evidence_right(name):
    family, x = FAR[name]
    x = np.array(x)
    if name in ("poisson", "poisson, 1e15", "geometric", "multinomial"):
        for rows in ([0, 1], [3, 4], [0, 1, 2], [0, 3]):
            measured, s = sums_of(family, x[rows], np.zeros(len(rows), int), 1)
            expected = evidence_far_out(family, x[rows].tolist())
            slack = 8 * np.finfo(float).eps * x[rows].sum() + 1e-9
            assert abs(measured.log_marginal(s)[0] - expected) < slack + 1e-12 * abs(expected)
            # A point after the others, as a sweep has it.
            one = family.log_predictive(x[rows[-1:]], s * 0 + total(family, x[rows[:-1]]))[0, 0]
            before = evidence_far_out(family, x[rows[:-1]].tolist())
            assert abs(one - (expected - before)) < slack + 1e-12 * abs(expected)
    model = DPMixture(1.0, family)
    assert np.isfinite(exact.posterior(model, x).probs).all()
    for sampler in SAMPLERS.values():
        chain = sampler(model, x, 3, rng=1)
        assert np.isfinite(chain.log_joint).all()
    q = meanfield.fit(model, x, truncation=3, rng=1)
    assert np.isfinite(q.responsibilities(x)).all() and np.isfinite(q.elbo).all()


def test_counts_of_1e15_cluster_by_their_rates():
    """Two rates a thousandth apart, each with counts as a Poisson law spreads them."""
    rng, apart = np.random.default_rng(1), [0] * 4 + [1] * 4
    x = np.round(rng.normal([1e15] * 4 + [1.001e15] * 4, np.sqrt(1e15)))
    model = DPMixture(1.0, PoissonGamma(1.0, 1e-15))
    assert gibbs.collapsed(model, x, 30, rng=1).labels[-1].tolist() == apart
    for sampler in SAMPLERS.values():  # some of which draw no parameter so near from the prior
        assert sampler(model, x, 10, rng=1, start=apart).labels[-1].tolist() == apart


def beta_evidence(a, b, to_a, to_b):
    """log of B(a + to_a, b + to_b) / B(a, b) with 60 digits."""
    with mpmath.workdps(60):

        def rising(start, times):
            return mpmath.fprod(mpmath.mpf(start) + i for i in range(times))

        ratio = rising(a, to_a) * rising(b, to_b) / rising(mpmath.mpf(a) + b, to_a + to_b)
        return float(mpmath.log(ratio))


@pytest.mark.parametrize("size", [1e-300, 1e-3, 1.0, 1e15, 1e17, 1e300])
def test_priors_of_any_size_keep_what_the_data_add(size):
    """A prior of 1e17 swallows a point in floats: a + 1 == a."""
    bernoulli, geometric = BernoulliBeta(size, size), GeometricBeta(size, size)
    three = bernoulli.features([1, 1, 0]).sum(axis=0)
    assert bernoulli.log_marginal(three) == pytest.approx(
        beta_evidence(size, size, 2, 1), rel=1e-12
    )
    two = geometric.features([3, 1]).sum(axis=0)
    assert geometric.log_marginal(two) == pytest.approx(beta_evidence(size, size, 2, 4), rel=1e-12)


@pytest.mark.parametrize("a", WIDE)
def test_the_density_of_the_prior_a_few_deviations_off_and_far_out(a):
    """A deviation off, the powers of a large prior cancel to the first order."""
    for b in WIDE:
        with mpmath.workdps(420):
            g, A, B = mpmath.loggamma, mpmath.mpf(a), mpmath.mpf(b)
            rate, share = A / B, A / (A + B)
            off = 3 * mpmath.sqrt(share * (1 - share) / (A + B + 1))
            rates = [1e-300, rate, rate + 3 * mpmath.sqrt(A) / B, 7 * rate, 1e100]
            for v in (float(v) for v in rates if 1e-300 <= v <= 1e300):
                right = A * mpmath.log(B) - g(A) + (A - 1) * mpmath.log(v) - B * mpmath.mpf(v)
                got = PoissonGamma(a, b).log_prior([[v]])[0]
                assert abs(got - right) < 1e-12 * abs(right) + 1e-11 + lost(A, B * v, [A])
            for v in (float(v) for v in (1e-300, share, share + off, 0.3, 0.999)):
                if not 1e-300 <= v <= 0.999:
                    continue
                right = (A - 1) * mpmath.log(v) + (B - 1) * mpmath.log1p(-v) + g(A + B) - g(A)
                got = BernoulliBeta(a, b).log_prior([[v]])[0]
                slack = lost(A * (1 - mpmath.mpf(v)), B * v, [A, B])
                assert abs(got - right + g(B)) < 1e-12 * abs(right - g(B)) + 1e-11 + slack


def lost(x, y, sizes):
    """What the rounding of x and y takes from sums of z log(1 + d / z) - d, with d = x - y."""
    eps, d = mpmath.mpf(2) ** -52, abs(x - y)
    return 4 * eps * (x + y) * sum(min(1, (d + eps * (x + y)) / z) for z in sizes)


@pytest.mark.parametrize("a", [1e-3, 1.0, 1e8, 1e15])
def test_the_density_of_the_prior_is_right_for_priors_of_any_size(a):
    with mpmath.workdps(60):
        g, big, half = mpmath.loggamma, mpmath.mpf(a), mpmath.mpf(0.5)
        gamma = float(big * mpmath.log(big) - g(big) - big)  # at 1, of Gamma(a, a)
        beta = float(g(2 * big) - 2 * g(big) + 2 * (big - 1) * mpmath.log(half))
    assert PoissonGamma(a, a).log_prior([[1.0]])[0] == pytest.approx(gamma, rel=1e-9)
    assert BernoulliBeta(a, a).log_prior([[0.5]])[0] == pytest.approx(beta, rel=1e-9)
    urn = CategoricalDirichlet([a, a])
    assert urn.log_prior([[0.5, 0.5]])[0] == pytest.approx(beta, rel=1e-9)


def test_a_large_row_of_counts_has_the_density_that_its_floats_have():
    family = MultinomialDirichlet([1.0, 1.0])
    for row in ([5e14, 5e14], [1e15, 1e15 + 2]):
        with mpmath.workdps(60):
            g, x = mpmath.loggamma, [mpmath.mpf(v) for v in row]
            expected = float(g(sum(x) + 1) - g(x[0] + 1) - g(x[1] + 1) + sum(x) * mpmath.log(0.5))
        got = family.log_likelihood([row], [[0.5, 0.5]])[0, 0]
        assert got == pytest.approx(expected, abs=1e-9)


def test_public_statistics_that_lost_their_digits_are_refused():
    """Sums of counts near 1 beside a prior mean of 1e18, from which they are measured."""
    family = PoissonGamma(1.0, 1e-18)
    with pytest.raises(ValueError, match="digits"):
        family.log_marginal(family.features([3.0, 4.0]).sum(axis=0))


@pytest.mark.parametrize(
    ("family", "x", "expected"),
    [
        (PoissonGamma(1e-300, 1), [[1e9], [1e9], [1e9 + 3], [1e9]], None),
        (GeometricBeta(1, 1e-300), [[1e9], [1e9], [1e9 + 3], [1e9]], None),
        (MultinomialDirichlet([1e-300] * 2), [[1e9, 5.0], [1e9, 0.0], [1e9, 2.0]], None),
        (ExponentialGamma(1, 1e-300), [[1e10], [1e10], [2e10]], -787.73),
    ],
)
def test_a_sweep_weighs_large_points_beside_a_tiny_prior(family, x, expected):
    model, together = DPMixture(1.0, family), np.zeros(len(x), dtype=int)
    kernel = gibbs.Collapsed(model, np.array(x))
    got = kernel.log_joint(gibbs.State(together, 1.0))
    assert got == pytest.approx(model.log_joint(x, together), rel=1e-9)
    assert expected is None or got == pytest.approx(expected, abs=0.01)


@pytest.mark.parametrize(
    "family",
    [
        PoissonGamma(1e-300, 1e300),
        PoissonGamma(1e300, 1e-300),
        ExponentialGamma(1e300, 1e-300),
        BernoulliBeta(1e-300, 1e300),
        GeometricBeta(1e-300, 1e300),
        CategoricalDirichlet([1e-300, 1e300]),
        MultinomialDirichlet([1e-300, 1e300]),
    ],
    ids=lambda family: type(family).__name__,
)
def test_no_parameter_that_is_taken_makes_a_nan(family):
    x = np.zeros((3, family.dim))
    s = family.features(x)
    assert not np.isnan(family.log_marginal(s.sum(axis=0))).any()
    assert not np.isnan(family.log_predictive(x, s)).any()
    assert not np.isnan(family.expected_natural(s)).any()


# What no row of theirs is, by its row and column.


BAD = {
    "bernoulli": (BernoulliBeta([1, 1], 1), [[0, 1], [1, 2]], "[1, 1] = 2.0: expected 0 or 1"),
    "half": (BernoulliBeta([1, 1], 1), [[0, 1], [0.5, 1]], "[1, 0] = 0.5: expected 0 or 1"),
    "poisson": (PoissonGamma(1, 1), [0, 3, -2], "[2, 0] = -2.0: expected a count"),
    "fraction": (PoissonGamma(1, 1), [0, 1.5], "[1, 0] = 1.5: expected a count"),
    "geometric": (GeometricBeta(1, 1), [0, -1], "[1, 0] = -1.0: expected a count"),
    "exponential": (ExponentialGamma(1, 1), [0, -0.5], "[1, 0] = -0.5: expected a number"),
    "code": (CategoricalDirichlet([1, 1, 1]), [0, 3], "[1, 0] = 3.0: expected a code"),
    "no code": (CategoricalDirichlet([1, 1, 1]), [0.5], "[0, 0] = 0.5: expected a code"),
    "bag": (MultinomialDirichlet([1, 1]), [[1, 2], [-1, 0]], "[1, 0] = -1.0: expected a count"),
    "amount": (LogNormal(Gaussian(0, 1, 1)), [1, 0.0], "[1, 0] = 0.0: expected an amount > 0"),
    "product": (
        Product([Gaussian([0, 0], 1, 1), Product([PoissonGamma(1, 1), BernoulliBeta(1, 1)])]),
        [[-1, 0.5, 2, 1], [-1, 0.5, 2, 3]],
        "[1, 3] = 3.0: expected 0 or 1",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_a_cell_that_the_family_does_not_give_is_refused_by_row_and_column(name):
    family, x, words = BAD[name]
    model, x = DPMixture(1.0, family), np.array(x, float)
    rest = np.delete(x, -1, axis=0) if len(x) > 1 else x
    calls = [
        lambda: family.features(x),
        lambda: exact.posterior(model, x),
        lambda: gibbs.collapsed(model, x, 2),
        lambda: gibbs.auxiliary(model, x, 2),
        lambda: gibbs.blocked(model, x, 2),
        lambda: meanfield.fit(model, x, truncation=2),
        lambda: model.log_joint(x, np.zeros(len(x), int)),
    ]
    for call in calls:
        with pytest.raises(ValueError, match=f"^x{re.escape(words)}"):
            call()
    if len(x) > 1:
        q = meanfield.fit(model, rest, truncation=2, rng=1)
        many = np.concatenate([rest.repeat(5000, 0), x[-1:]])
        row, column = re.match(r"\[(\d+), (\d+)\]", words).groups()
        at = len(many) - 1 if int(row) == len(x) - 1 else 0
        with pytest.raises(ValueError, match=rf"^x\[{at}, {column}\] = "):
            q.predict(many)


def test_parameters_that_are_none():
    for kind in (BernoulliBeta, PoissonGamma, GeometricBeta, ExponentialGamma):
        for a, b, blamed in [(0, 1, "a"), (1, -1, "b"), ([1, 2], [1, 2, 3], "b"), ([[1]], 1, "a")]:
            with pytest.raises(ValueError, match=f"^{blamed} = "):
                kind(a, b)
    for kind in (CategoricalDirichlet, MultinomialDirichlet):
        for alpha in (1.0, [1.0], [1.0, 0.0], np.ones((2, 2, 2))):
            with pytest.raises(ValueError, match="^alpha = "):
                kind(alpha)
    with pytest.raises(ValueError, match="^alpha = "):
        MultinomialDirichlet([[1, 1], [1, 1]])
    with pytest.raises(ValueError, match="^total = "):
        MultinomialDirichlet([1, 1], total=-1)
    with pytest.raises(ValueError, match="^family = "):
        LogNormal(PoissonGamma(1, 1))
    with pytest.raises(ValueError, match="^families = "):
        Product([])
    with pytest.raises(ValueError, match=r"^families\[1\] = "):
        Product([PoissonGamma(1, 1), 3])


@each
def test_statistics_and_parameters_that_are_none(name):
    family = FAMILIES[name]
    s = total(family, points(family, 3))[None]
    for method in ("log_marginal", "sample", "expected_natural"):
        with pytest.raises(ValueError, match="^s = "):
            getattr(family, method)(s[:, :-1])
        with pytest.raises(ValueError, match="^s = "):
            getattr(family, method)(-s)
    for method in ("natural", "log_prior", "sample_data"):
        with pytest.raises(ValueError, match="^theta = "):
            getattr(family, method)(np.ones((2, family.n_parameters + 1)))


# Compiled.


@pytest.mark.slow
def test_compiled_or_not_the_chain_is_the_same(monkeypatch):
    names = "poisson", "geometric", "multinomial", "exponential", "bernoulli"
    family = Product([FAMILIES[name] for name in names])
    model, x = DPMixture(2.0, family), points(family, 30)
    x[:10, [0, 2, 4]] += 50  # counts beyond those whose factors are multiplied
    runs = [gibbs.collapsed(model, x, 10, rng=1)]
    monkeypatch.setattr(_sweeps, "SLOTS", 1)
    runs.append(gibbs.collapsed(model, x, 10, rng=1))
    monkeypatch.setattr(_sweeps, "compiled", lambda *parts: None)
    runs.append(gibbs.collapsed(model, x, 10, rng=1))
    for run in runs[1:]:
        assert np.array_equal(run.labels, runs[0].labels)


def test_a_count_as_large_as_the_rest_is_small_keeps_the_digits_of_the_rest():
    prior, counts = np.array([1 + 6e-9, 24186.3 + 1e15]), np.array([1.0, 0.0])
    with mpmath.workdps(60):
        a, b = map(mpmath.mpf, prior.tolist())
        assert log_polya(prior, counts) == pytest.approx(float(mpmath.log(a / (a + b))), rel=1e-14)
    for small in (1e-9, 3.0, 500.0):
        for one, other in [((small, 2.5), (1.0, 1e15)), ((small, 1e15), (2.0, 0.0))]:
            with mpmath.workdps(60):
                a, n = [mpmath.mpf(v) for v in one], [mpmath.mpf(v) for v in other]
                terms = (mpmath.loggamma(b + m) - mpmath.loggamma(b) for b, m in zip(a, n))
                value = mpmath.fsum(terms)
                value -= mpmath.loggamma(sum(a) + sum(n)) - mpmath.loggamma(sum(a))
            assert log_polya(np.array(one), np.array(other)) == pytest.approx(
                float(value), rel=1e-12
            )


@pytest.mark.parametrize("z", [1e-300, 0.3, 19.9, 20.1, 1e5, 1e15, 1e300])
def test_what_digamma_leaves_of_the_logarithm(z):
    with mpmath.workdps(330):
        exactly = mpmath.digamma(z) - mpmath.log(z)
    assert float(digamma_excess(z)) == pytest.approx(float(exactly), rel=1e-13)


def test_the_ratio_of_two_numbers_that_are_almost_one_keeps_its_digits():
    x, y = 1e15 + 1, 1e15
    with mpmath.workdps(60):
        assert log_ratio(x, y) == pytest.approx(float(mpmath.log(mpmath.mpf(x) / y)), rel=1e-14)
    # A count of 1.7e15 has the same density by its features as by itself.
    family = PoissonGamma(1.69867e13, 0.01)
    theta = np.array([[1.69867e15 + 4e7]])
    x = [[1.69867e15 - 3e7]]
    by_features = family.features(x) @ family.natural(theta).T
    assert by_features == pytest.approx(family.log_likelihood(x, theta), abs=1e-6)
    with mpmath.workdps(60):
        rate, count = mpmath.mpf(float(theta[0, 0])), mpmath.mpf(x[0][0])
        exactly = count * mpmath.log(rate) - rate - mpmath.loggamma(count + 1)
    assert by_features == pytest.approx(float(exactly), abs=1e-6)
    mean = family.expected_natural([[5.0, 5 * 1.69867e15, 0.0]])
    with mpmath.workdps(60):
        a, b = mpmath.mpf(1.69867e13) + 5 * mpmath.mpf(1.69867e15), mpmath.mpf(5) + family.b[0]
        want = mpmath.digamma(a) - mpmath.log(b) - mpmath.log(mpmath.mpf(family._reference[0]))
    assert mean[0, 1] == pytest.approx(float(want), rel=1e-9)


def test_mean_field_never_passes_the_evidence_where_rounding_hides_a_weak_prior():
    model = DPMixture(8.85e-9, BernoulliBeta(1.65e-19, 1.04e-18))
    x = [0.0, 0.0, 1.0, 1.0, 1.0]
    evidence = exact.log_evidence(model, x)
    for seed in range(5):
        try:
            q = meanfield.fit(model, x, truncation=3, rng=seed, restarts=1, max_iter=20)
        except ValueError as error:
            assert re.match("x = .* a prior so weak that rounding hides it: expected ", str(error))
        else:
            assert q.elbo[-1] <= evidence + 1e-6


def test_sums_of_counts_beyond_floats_are_refused():
    with pytest.raises(ValueError, match="^s = .*: expected sums whose products with rates"):
        PoissonGamma(1.9e97, 3e-196).log_marginal([1e200, 1.0, 0.0])


@pytest.mark.parametrize("far", [False, True], ids=["near", "far"])
@pytest.mark.parametrize("gaps", [False, True], ids=["full", "gaps"])
def test_a_product_seats_by_one_step_a_point_as_by_its_parts(gaps, far, monkeypatch):
    """The same draws, also where what a far point leaves behind is put together anew."""
    monkeypatch.setattr(_sweeps, "compiled", lambda *parts: None)
    family = Product([NormalInverseGamma(0, 1, 2, 1), PoissonGamma(1, 0.3), Gaussian(0, 4, 1)])
    rng = np.random.default_rng(1)
    group = 3.0 * rng.integers(0, 3, 60)
    x = np.column_stack([group + rng.normal(size=60), rng.poisson(1 + group), rng.normal(size=60)])
    if gaps:
        x[rng.random(x.shape) < 0.2] = np.nan
        family = WithGaps(family)
    if far:
        x[[0, 7, 30, 31], [0, 0, 2, 1]] = [1e7, 1e9, 1e12, 2.0**55]
    seat = _sweeps.Seating(family, x)
    whole = _sweeps.make_collapsed(
        *map(_sweeps.made, (*seat.inner.parts, _sweeps.choose, _sweeps.free, _sweeps.rename))
    )
    other = _sweeps.Seating(family, x)
    other.loop = whole
    assert isinstance(seat.inner, _sweeps.Both) and seat.loop.__qualname__ != whole.__qualname__
    labels, counts = np.full(60, -1), set()
    for _ in range(60):
        uniforms = rng.random(60)
        seated = seat(labels, 5.0, uniforms)
        assert seated.tolist() == other(labels, 5.0, uniforms).tolist()
        labels = seated
        counts.add(int(labels.max()))
    assert len(counts) > 1
