"""The family of the documentation, written in twenty lines, through every sampler that takes it."""

import doctest
import functools

import numpy as np
import pytest
from scipy import integrate, stats

from dpnotes import components, diagnostics, exact, gibbs
from dpnotes.mixture import DPMixture

A, B = 2.0, 1.0
X = np.array([0.1, 0.2, 0.25, 3.0, 5.0])


def example():
    """The class that the documentation of components.Conjugate defines."""
    names = {}
    for piece in doctest.DocTestParser().get_examples(components.Conjugate.__doc__):
        exec(piece.source, names)
    return names["Waiting"]


Waiting = example()
MODEL = DPMixture(1.3, Waiting(A, B))


class Walk(Waiting):
    """With the density of H, for a random walk."""

    def log_prior(self, theta):
        with np.errstate(invalid="ignore"):
            return stats.gamma.logpdf(theta[:, 0], A, scale=1 / B)

    def log_likelihood(self, x, theta):
        inside = np.where(theta > 0, theta, np.nan)
        return np.nan_to_num(np.log(inside).T - x * inside.T, nan=-np.inf)


@functools.cache
def by_quadrature(*points):
    """The evidence of points that share a cluster: the integral over its rate."""

    def f(t):
        return np.exp(stats.expon.logpdf(points, scale=1 / t).sum()) * stats.gamma.pdf(t, A)

    return integrate.quad(f, 0, np.inf, epsabs=1e-13)[0]


def enumerated():
    """P(partition | x) by the product formula, with every marginal by quadrature."""
    prob = []
    for labels in exact.set_partitions(len(X)):
        blocks = [X[labels == k] for k in range(labels.max() + 1)]
        prior = np.prod([MODEL.alpha * np.prod(np.arange(1, len(block))) for block in blocks])
        prob.append(prior * np.prod([by_quadrature(*block) for block in blocks]))
    return np.array(prob) / sum(prob)


def test_its_exact_posterior_is_the_enumerated_one():
    assert exact.posterior(MODEL, X).probs == pytest.approx(enumerated(), abs=1e-10)


def test_what_the_base_class_derives():
    family, s = MODEL.component, MODEL.statistics(X, [0, 0, 0, 1, 1])
    # The predictive law of Exponential(theta), theta ~ Gamma(a, b), is Lomax.
    lomax = [stats.lomax.logpdf(X, A + n, scale=B + total) for n, total in s]
    assert family.log_predictive(X, s) == pytest.approx(np.transpose(lomax), rel=1e-12)
    theta = family.sample_prior(4000, np.random.default_rng(1))
    assert theta.shape == (4000, 1)
    assert stats.kstest(theta[:, 0], stats.gamma(A, scale=1 / B).cdf).pvalue > 0.001
    expected = stats.expon.logpdf(X[:, None], scale=1 / theta[:3, 0])
    assert family.log_likelihood(X, theta[:3]) == pytest.approx(expected, rel=1e-12)
    assert repr(family) == "Waiting(a=2.0, b=1.0)"


SAMPLERS = {
    "collapsed": lambda rng: gibbs.collapsed(MODEL, X, 2000, rng=rng),
    "auxiliary": lambda rng: gibbs.auxiliary(MODEL, X, 2000, m=2, rng=rng),
    "blocked": lambda rng: gibbs.blocked(MODEL, X, 2000, rng=rng),
    "walk": lambda rng: gibbs.auxiliary(
        DPMixture(MODEL.alpha, Walk(A, B)), X, 4000, m=2, step=1.5, rng=rng
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", SAMPLERS)
def test_every_sampler_agrees_with_enumeration(name):
    chain, target = SAMPLERS[name](3), exact.posterior(MODEL, X)
    same = chain.labels[:, :, None] == chain.labels[:, None, :]
    pairs = np.triu_indices(len(X), 1)
    draws = [chain.num_clusters == k for k in (1, 2, 3, 4)] + list(same[:, *pairs].T)
    truth = [*target.num_clusters[1:5], *target.similarity[pairs]]
    for draw, value in zip(draws, truth, strict=True):
        draw = draw.astype(float)
        assert abs(draw.mean() - value) < 4.5 * diagnostics.mcse(draw)
        assert diagnostics.mcse(draw) < 0.03


class Half:
    """Duck-typed, as a reader of 0.1 may have written it: features and log_marginal alone."""

    features = Waiting.features
    log_marginal = Waiting.log_marginal
    _points, _statistics = Waiting._points, Waiting._statistics
    dim, n_features, a, b = 1, 2, A, B


def test_what_a_family_lacks_is_asked_for_by_name():
    model = DPMixture(MODEL.alpha, Half())
    assert np.array_equal(exact.posterior(model, X).probs, exact.posterior(MODEL, X).probs)
    assert isinstance(model.component, components.Marginal)
    assert not isinstance(model.component, (components.Predictive, components.Conditional))
    for call in (lambda: gibbs.collapsed(model, X, 2), lambda: model.sample(3)):
        with pytest.raises(ValueError, match="^model.component = "):
            call()
    with pytest.raises(ValueError, match="^family = .*: expected "):
        components.prior_draws(model.component, 2)


def test_protocols_of_the_families():
    gaussian = components.Gaussian(0, 1, 1)
    student = components.NormalInverseGamma(0, 1, 2, 1)
    wishart = components.NormalInverseWishart([0, 0], 1, 4, np.eye(2))
    for family in (gaussian, student, wishart):
        assert isinstance(family, components.ConjugateFamily)
    assert not isinstance(gaussian, components.LearnableFamily)
    assert isinstance(student, components.LearnableFamily)
    assert isinstance(wishart, components.LearnableFamily)
    # The twenty lines of the example: all but data from the model and mean field.
    for offered in (components.Marginal, components.Predictive, components.Conditional):
        assert isinstance(MODEL.component, offered)
    assert not isinstance(MODEL.component, (components.Family, components.Generative))
    assert isinstance(MODEL.component, components.Prior)
    assert isinstance(Walk(A, B), components.Family)


def test_a_family_that_draws_from_its_prior_is_asked_to():
    class Counted(Waiting):
        drawn = 0

        def sample_prior(self, size, rng=None):
            Counted.drawn += size
            return super().sample_prior(size, rng)

    assert not isinstance(Counted(A, B), components.Family)
    gibbs.auxiliary(DPMixture(MODEL.alpha, Counted(A, B)), X, 2, m=3, rng=1, start=[0] * 5)
    assert Counted.drawn == 2 * 3 * len(X)
    components.prior_draws(Counted(A, B), 5, rng=1)
    assert Counted.drawn == 2 * 3 * len(X) + 5


def test_prior_draws_of_any_family():
    first = components.prior_draws(MODEL.component, 5, rng=1)
    assert np.array_equal(first, MODEL.component.sample_prior(5, 1))
    with pytest.warns(DeprecationWarning, match="rng=..."):
        assert np.array_equal(components.prior_draws(MODEL.component, 5, 1), first)
