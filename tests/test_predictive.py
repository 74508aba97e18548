"""Log scores and posterior predictive checks, against enumeration and quadrature."""

from functools import cache
from itertools import product
from math import comb

import numpy as np
import pytest
from scipy import integrate, special, stats

from dpnotes import (
    chains,
    crp,
    datasets,
    diagnostics,
    exact,
    gibbs,
    hyper,
    meanfield,
    partitions,
    predictive,
)
from dpnotes.components import Gaussian, MultinomialDirichlet, NormalInverseGamma
from dpnotes.mixture import DPMixture

pytestmark = pytest.mark.filterwarnings("ignore::dpnotes.InferenceWarning")

MODEL = DPMixture(1.0, Gaussian(mean=0, var=1, noise_var=0.05))
# The trapezoid rule for a standard normal mean, which is exact to ten digits here.
NODES = np.linspace(-9, 9, 601)
WEIGHTS = np.exp(-(NODES**2) / 2) * 0.03 / np.sqrt(2 * np.pi)
NEAL = datasets.neal()
SEEN, UNSEEN = NEAL[::2], NEAL[1::2]
TOP = lambda x: x.max()


@cache
def runs(kind="collapsed", n_sweeps=2000):
    return [getattr(gibbs, kind)(MODEL, SEEN, n_sweeps, rng=[5, c]) for c in range(2)]


@cache
def field(n=5, **options):
    return meanfield.fit(MODEL, NEAL[:n], rng=1, **options)


# The log score.


@pytest.mark.checks("DP-0218", "DP-0220", how="exact")
@pytest.mark.parametrize("kind", ["collapsed", "auxiliary"])
def test_the_score_of_chains_is_that_of_all_partitions(kind):
    posterior = exact.posterior(MODEL, SEEN)
    true = predictive.log_score(posterior, UNSEEN)
    # By the definition: a sum over the 52 partitions of what each predicts.
    family, density = MODEL.component, 0.0
    for labels, prob in zip(posterior.labels, posterior.probs, strict=True):
        s = MODEL.statistics(SEEN, labels.astype(int))
        s = np.vstack([s, np.zeros(s.shape[1])])
        share = np.append(s[:-1, 0], MODEL.alpha) / (len(SEEN) + MODEL.alpha)
        density += prob * np.exp(family.log_predictive(UNSEEN, s)) @ share
    assert np.allclose(true.rows, np.log(density)) and true.error == 0
    assert np.isclose(true.mean, np.log(density).mean())
    found = predictive.log_score(runs(kind), UNSEEN, rng=1)
    assert 1e-4 < found.error < 0.02
    assert abs(found.mean - true.mean) < 4 * found.error


@pytest.mark.slow
def test_the_error_of_a_score_is_the_spread_of_many():
    true = predictive.log_score(exact.posterior(MODEL, SEEN), UNSEEN).mean
    scores = [
        predictive.log_score(gibbs.collapsed(MODEL, SEEN, 400, rng=[9, i]), UNSEEN)
        for i in range(60)
    ]
    z = np.array([(s.mean - true) / s.error for s in scores])
    assert abs(z.mean()) < 4 / 60**0.5 and 0.7 < z.std() < 1.4


@pytest.mark.checks("DP-0220", how="exact")
def test_a_mean_of_densities_is_unbiased_and_its_logarithm_is_low():
    posterior, y = exact.posterior(MODEL, SEEN[:4]), 0.3
    each = chains.Chain(MODEL, posterior.x, posterior.labels, np.ones(len(posterior.probs)))
    p = np.exp(each.predictive_draws([y]))[:, 0]  # given each of the 15 partitions
    true = np.exp(posterior.predictive_logpdf([y]))[0]
    low = []
    for size in (1, 2, 3):  # independent draws, all of them
        pick = np.array(list(product(range(15), repeat=size)))
        weight = posterior.probs[pick].prod(axis=1)
        mean = p[pick].mean(axis=1)
        assert np.isclose(weight @ mean, true)
        low.append(np.log(true) - weight @ np.log(mean))
        if size == 1:
            outside = weight @ np.log(mean)
    assert low[0] > low[1] > low[2] > 0
    # To the first order the loss is half the squared error of the density.
    square = posterior.probs @ (p / true - 1) ** 2
    assert np.isclose(low[2], square / 6, rtol=0.5)
    # The mean outside the logarithm keeps the loss of one draw, however many there are.
    assert np.isclose(np.log(true) - outside, low[0])


def test_the_mean_is_inside_the_logarithm():
    chain = runs()[0][:100]
    draws = chain.predictive_draws(UNSEEN)
    rows = predictive.log_score(chain, UNSEEN).rows
    assert np.allclose(rows, np.log(np.exp(draws).mean(axis=0)))
    assert (rows > draws.mean(axis=0)).all()


@pytest.mark.checks("DP-0218", how="numerical")
@pytest.mark.parametrize("truncated", [False, True])
def test_the_score_of_mean_field_is_the_quadrature_of_its_definition(truncated):
    q = field(n=5, truncation=3, truncated_model=truncated)
    y = np.array([-1.2, 0.1, 0.9])
    share = np.append(q.weights, q.remainder)
    theta = np.vstack([thetas(q), np.sqrt(MODEL.component.var) * NODES])
    density = stats.norm.pdf(y[:, None, None], theta, 0.05**0.5) @ WEIGHTS @ share
    score = predictive.log_score(q, y)
    assert np.allclose(score.rows, np.log(density)) and score.error == 0


def thetas(q):
    """Nodes of a quadrature over each q(theta_k): shape (T, 601)."""
    precision = 1 / 1.0 + q.statistics[:, 0] / 0.05
    mean = q.statistics[:, 1] / 0.05 / precision
    assert np.allclose(mean, q.model.component.sample(np.repeat(q.statistics, 2000, axis=0), 1)
                       .reshape(-1, 2000).mean(axis=1), atol=0.1)  # fmt: skip
    return mean[:, None] + NODES / np.sqrt(precision)[:, None]


@pytest.mark.checks("DP-0219", how="numerical")
def test_nothing_is_expected_to_score_better_than_the_predictive_density():
    y = np.linspace(-8, 8, 4001)
    p = exact.posterior(MODEL, SEEN).predictive_logpdf(y)
    expected = lambda q: np.trapezoid(np.exp(p) * q, y)
    best = expected(p)
    others = [meanfield.fit(MODEL, SEEN, rng=1, truncation=T).predictive_logpdf(y) for T in (1, 4)]
    others += [runs()[0][:3].predictive_logpdf(y), stats.norm.logpdf(y, -0.5, 1)]
    for q in others:
        assert np.isclose(np.trapezoid(np.exp(q), y), 1, atol=1e-6)
        assert expected(q) < best
        # What is lost is the divergence.
        assert np.isclose(best - expected(q), np.trapezoid(np.exp(p) * (p - q), y))


def test_a_score_does_not_depend_on_the_order_of_rows():
    order, others, init = np.array([3, 0, 4, 1, 2]), np.array([2, 3, 0, 1]), np.arange(5) // 3
    chain = runs()[0]
    labels = partitions.canonical(chain.labels[:, order]).astype(np.int32)
    moved = chains.Chain(MODEL, chain.x[order], labels, chain.alpha)
    fields = [meanfield.fit(MODEL, SEEN[i], truncation=3, init=init[i]) for i in (range(5), order)]
    for one, other in (
        (exact.posterior(MODEL, SEEN), exact.posterior(MODEL, SEEN[order])),
        (chain, moved),
        fields,
    ):
        a, b = predictive.log_score(one, UNSEEN), predictive.log_score(other, UNSEEN[others])
        assert np.allclose(a.rows[others], b.rows) and np.isclose(a.error, b.error)


# Posterior predictive checks: the largest point of new data, whose law is a sum over partitions.


def below(t, mean, var, size):
    """P(all of some points of a cluster lie below t), theta ~ N(mean, var)."""
    inside = special.ndtr((t - mean - np.sqrt(var) * NODES) / 0.05**0.5)
    return WEIGHTS @ inside**size


def reaches(t):
    """Whether the largest point is at least t."""
    return lambda x: float(x.max() >= t)


def cluster(x):
    """Mean and variance of theta given the points of a cluster."""
    precision = 1 + len(x) / 0.05
    return x.sum() / 0.05 / precision, 1 / precision


def tail_kept(x, t):
    """P(the largest of new points in the old clusters >= t | x), a sum over all partitions."""
    posterior, under = exact.posterior(MODEL, x), 0.0
    block = {}
    for labels, prob in zip(posterior.labels, posterior.probs, strict=True):
        term = prob
        for k in range(labels.max() + 1):
            key = tuple(labels == k)
            if key not in block:
                block[key] = below(t, *cluster(x[labels == k]), sum(key))
            term *= block[key]
        under += term
    return 1 - under


def tail_new(x, t):
    """P(the largest of n further draws >= t | x): partitions of old and new points together."""
    n = len(x)
    total = under = 0.0
    for labels in exact.set_partitions(2 * n):
        old, new = labels[:n], labels[n:]
        log = crp.log_eppf(np.bincount(labels.astype(int)), MODEL.alpha)
        inside = 1.0
        for k in range(labels.max() + 1):
            block, size = x[old == k], (new == k).sum()
            if len(block):
                log += MODEL.component.log_marginal(MODEL.component.features(block).sum(axis=0))
            inside *= below(t, *cluster(block), size) if size else 1.0
        total, under = total + np.exp(log), under + np.exp(log) * inside
    return 1 - under / total


@pytest.mark.slow
@pytest.mark.checks("DP-0221", "DP-0223", how="exact")
@pytest.mark.parametrize("kept", [True, False])
@pytest.mark.parametrize("kind", ["collapsed", "auxiliary", "exact"])
def test_tail_probabilities_are_those_of_all_partitions(kind, kept):
    x, t = (SEEN, SEEN.max()) if kept else (SEEN[1:], 0.0)
    true = (tail_kept if kept else tail_new)(x, t)
    if kind == "exact":
        fit = exact.posterior(MODEL, x)
    else:
        fit = [getattr(gibbs, kind)(MODEL, x, 3000, rng=[5, c]) for c in range(2)]
    found = predictive.posterior_check(fit, reaches(t), kept=kept, size=6000, rng=1)
    assert found.observed == 1 and found.replicated.size == 6000
    assert 0.1 < true < 0.95 and 0.003 < found.error < 0.02
    assert abs(found.prob - true) < 4 * found.error


@pytest.mark.slow
@pytest.mark.checks("DP-0221", how="numerical")
def test_tail_probabilities_of_mean_field_are_quadratures():
    x, t = NEAL[3:8], 0.6
    q = meanfield.fit(MODEL, x, truncation=2, truncated_model=True, rng=1)
    phi = special.ndtr((t - thetas(q)) / 0.05**0.5)  # (2, 601)
    weight = np.multiply.outer(WEIGHTS, WEIGHTS)
    one, two = phi[0][:, None], phi[1][None]
    kept = 1.0
    for g in q.responsibilities(x):
        kept = kept * (g[0] * one + g[1] * two)
    new, (a, b) = 0.0, q.sticks[0]
    for j in range(6):
        moment = comb(5, j) * special.beta(a + j, b + 5 - j) / special.beta(a, b)
        new = new + moment * one**j * two ** (5 - j)
    for values, flag in ((kept, True), (new, False)):
        true = 1 - (weight * values).sum()
        found = predictive.posterior_check(q, reaches(t), x=x, kept=flag, size=6000, rng=1)
        p = found.replicated.mean()
        assert 0.05 < true < 0.95
        assert abs(p - true) < 4 * np.sqrt(true * (1 - true) / 6000)


@pytest.mark.checks("DP-0221", how="exact")
def test_what_lies_beyond_the_truncation_is_drawn_from_the_prior():
    x, t, model = NEAL[4:7], 0.0, DPMixture(5.0, MODEL.component)
    q = meanfield.fit(model, x, truncation=1, init=[0, 0, 0])
    (a, b), theta = q.sticks[0], thetas(q)[0]
    beyond = [1.0]
    for m in (1, 2, 3):  # seatings of m points in new clusters
        sizes = [np.bincount(z.astype(int)) for z in exact.set_partitions(m)]
        inside = [np.prod([below(t, 0, 1, size) for size in each]) for each in sizes]
        beyond.append(np.dot([crp.eppf(each, 5.0) for each in sizes], inside))
    under = sum(
        comb(3, j) * special.beta(a + j, b + 3 - j) / special.beta(a, b) * beyond[3 - j]
        * (WEIGHTS @ special.ndtr((t - theta) / 0.05**0.5) ** j)
        for j in range(4)
    )  # fmt: skip
    found = predictive.posterior_check(q, reaches(t), x=x, size=6000, rng=1).replicated.mean()
    assert abs(found - 1 + under) < 4 * np.sqrt(under * (1 - under) / 6000)


@pytest.mark.checks("DP-0222", how="exact")
def test_tail_probabilities_vary_less_than_uniform_ones():
    # One point: x ~ N(0, 1.05), and the new one given it is Gaussian.
    x = np.sqrt(1.05) * NODES
    mean, var = cluster(np.zeros(1))[0] + x / 0.05 / 21, 1 / 21 + 0.05
    p = special.ndtr((mean - x) / np.sqrt(var))
    found = predictive.posterior_check(exact.posterior(MODEL, x[[400]]), TOP, kept=True, rng=1)
    assert abs(found.prob - p[400]) < 4 * np.sqrt(p[400] * (1 - p[400]) / 1000)
    assert np.isclose(WEIGHTS @ p, 1 / 2)
    assert WEIGHTS @ (p - 1 / 2) ** 2 < 1 / 12
    for a in (0.01, 0.05, 0.2, 0.5):
        assert WEIGHTS @ np.maximum(2 * a - p, 0) / a <= 2 * a
    # Five points of the mixture itself, the tail by enumeration.
    rng = np.random.default_rng(1)
    many = np.array([
        tail_kept(x, x.max()) for x in (MODEL.sample(5, rng=rng)[0][:, 0] for _ in range(200))
    ])  # fmt: skip
    error = np.std((many - 1 / 2) ** 2) / 200**0.5
    assert ((many - 1 / 2) ** 2).mean() < 1 / 12 - 4 * error
    assert abs(many.mean() - 1 / 2) < 4 * many.std() / 200**0.5
    for a in (0.05, 0.1, 0.25):
        assert (many <= a).mean() <= 2 * a


@pytest.mark.slow
def test_a_misfit_is_found_and_what_is_none_is_not():
    rng = np.random.default_rng(3)
    model = DPMixture(0.5, Gaussian(mean=0, var=1, noise_var=1))
    farthest = lambda x: np.abs(x - np.median(x)).max()
    wild = rng.standard_t(2, 80)
    good = model.sample(80, rng=rng)[0][:, 0]
    for kept in (True, False):
        probs = [
            predictive.posterior_check(
                gibbs.collapsed(model, x, 500, rng=1), farthest, kept=kept, rng=1
            ).prob
            for x in (wild, good)
        ]
        assert probs[0] < 0.01 and 0.05 < probs[1] < 0.95


@pytest.mark.slow
def test_a_check_does_not_depend_on_the_order_of_rows():
    order = np.array([3, 0, 4, 1, 2])
    for kept in (True, False):
        one, other = (
            predictive.posterior_check(exact.posterior(MODEL, x), TOP, kept=kept, size=8000, rng=r)
            for x, r in ((SEEN, 1), (SEEN[order], 2))
        )
        assert one.observed == other.observed
        assert abs(one.prob - other.prob) < 4 * np.hypot(one.error, other.error)


@pytest.mark.slow
@pytest.mark.parametrize("kept", [True, False])
def test_new_data_have_the_predictive_density_where_the_base_measure_is_learned(kept):
    prior = hyper.BasePrior(4, 0.5, (2, 4), var=1.0, scale_dof=1)
    chain = hyper.sample(prior, NEAL, 1500, rng=1, alpha_prior=(2, 4))
    found = predictive.posterior_check(chain, lambda x: (x < -0.5).mean(), kept=kept, rng=1)
    y = np.linspace(-40, -0.5, 8001)
    if kept:  # the average of the clusters' densities at their own draws of theta
        true = [
            stats.norm.cdf(-0.5, t[z, 0], np.sqrt(t[z, 1])).mean()
            for t, z in zip(chain.theta, chain.labels, strict=True)
        ]
        error = diagnostics.mcse(found.replicated - np.array(true))
        assert abs(found.replicated.mean() - np.mean(true)) < 4 * error
    else:
        true = np.trapezoid(np.exp(chain.predictive_logpdf(y)), y)
        assert abs(found.replicated.mean() - true) < 4 * diagnostics.mcse(found.replicated) + 1e-3


def test_a_check_of_points_in_the_plane():
    x = np.random.default_rng(1).normal(size=(12, 2))
    model = DPMixture(1.0, NormalInverseGamma([0, 0], 0.1, 2, 1))
    chain = gibbs.collapsed(model, x, 50, rng=1)
    shapes = set()
    predictive.posterior_check(chain, lambda new: shapes.add(new.shape) or new.sum(), rng=1)
    assert shapes == {(12, 2)}


def of_another_model():
    one = runs()[0]
    other = DPMixture(2 * one.model.alpha, one.model.component)
    return gibbs.collapsed(other, one.x, len(one), rng=1)


def test_replicated_rows_of_counts_have_the_sums_of_the_data():
    rng = np.random.default_rng(1)
    x = rng.multinomial(20, [0.2, 0.3, 0.5], size=12).astype(float)
    x[0] = [7, 0, 0]
    chain = gibbs.collapsed(DPMixture(1.0, MultinomialDirichlet([1.0, 1, 1])), x, 8, rng=1)
    for kept in (True, False):
        sums = predictive.posterior_check(
            chain, lambda new: new.sum(axis=1).min(), kept=kept, rng=1
        )
        assert sums.observed == 7 and (sums.replicated == 7).all()


def test_a_fit_of_clusters_far_apart_is_checked_too():
    rng = np.random.default_rng(1)
    x = np.r_[rng.normal(size=5), 1e9 + rng.normal(size=5)]
    q = meanfield.fit(DPMixture(1.0, Gaussian(0, 1e18, 1.0)), x, truncation=4, rng=1)
    check = predictive.posterior_check(q, np.ptp, x=x, kept=True, rng=1)
    assert 0.01 < check.prob < 0.99 and check.replicated.mean() == pytest.approx(1e9, rel=1e-6)


def test_the_shape_of_columns_in_any_units():
    x = np.random.default_rng(1).standard_normal((300, 2))
    one, other = (predictive.gaussian_shape(x * [1, c], rng=1) for c in (1.0, 1e-14))
    for a, b in zip(one, other, strict=True):
        assert a.observed == pytest.approx(b.observed, rel=1e-6)
    with pytest.raises(ValueError, match="two more rows than columns"):
        predictive.gaussian_shape([1.0, 2.3])


def only_of_it(x):
    return 1.0 if x is runs()[0].x else "a"


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: predictive.log_score([], [1.0]), "fitted = "),
        (lambda: predictive.log_score(runs()[0][:3], [1.0]), "at least 4"),
        (lambda: predictive.log_score([runs()[0], runs()[1][:9]], [1.0]), "as many draws"),
        (lambda: predictive.posterior_check(field(), TOP), "x = None: expected the data"),
        (lambda: predictive.posterior_check(runs()[0], TOP, x=SEEN), "the fit holds its data"),
        (lambda: predictive.log_score([runs()[0], of_another_model()], [1.0]), "of one model"),
        (lambda: predictive.posterior_check(field(), TOP, x=SEEN[:3]), r"x = 3 row\(s\)"),
        (lambda: predictive.posterior_check(runs()[0], lambda x: x), "statistic = "),
        (lambda: predictive.posterior_check(runs()[0], only_of_it), "statistic = 'a'"),
    ],
)  # fmt: skip
def test_what_cannot_be_checked_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_what_is_shown():
    score = predictive.Score(np.array([-1.0, -2.0]), 0.0123)
    assert repr(score) == "Score(-1.5000 a row of 2, standard error 0.012)"
    found = predictive.Check(1.0, np.arange(8.0).reshape(1, 8))
    assert found.prob == 7 / 8 and "observed 1," in repr(found) and "0.875" in repr(found)


# New rows drawn from the predictive law.


class Plain:
    """Neal's normal means without what conjugacy gives: a density and a prior alone."""

    def __init__(self):
        own = MODEL.component
        self.log_likelihood, self.sample_data = own.log_likelihood, own.sample_data

    def sample_prior(self, size, rng):
        return rng.standard_normal((size, 1))

    def log_prior(self, theta):
        return stats.norm.logpdf(theta[:, 0])


class Averaged:
    """A chain of that family, whose new table has the average of its prior."""

    def __init__(self):
        model = DPMixture(1.0, Plain())
        self.chain = gibbs.auxiliary(model, SEEN, 400, m=2, step=0.4, rng=1)

    def predictive_logpdf(self, y):
        chain, density = self.chain, stats.norm.pdf(y, 0, np.sqrt(1.05))
        for z, theta in zip(chain.labels, chain.theta, strict=True):
            each = stats.norm.pdf(y[:, None], theta[z, 0], np.sqrt(0.05)).sum(axis=1)
            density = density + each / len(chain)
        return np.log(density / (len(SEEN) + 1) + 1e-300)


LEARNED = hyper.BasePrior(4, 0.5, (2, 4), var=1.0, scale_dof=1)
FITS = {
    "exact": lambda: exact.posterior(MODEL, SEEN),
    "collapsed": lambda: runs(n_sweeps=400),
    "not conjugate": Averaged,
    "mean field": lambda: field(9, truncation=2),
    "learned base": lambda: hyper.sample(LEARNED, NEAL, 500, rng=1, alpha_prior=(2, 4)),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", FITS)
def test_drawn_rows_have_the_predictive_density(name):
    fitted = FITS[name]()
    # Twenty bins, as probable as one another under the density, integrated by the trapezoid rule.
    y = 0.3 * np.sinh(np.linspace(-6, 6, 3_001))
    logs = [run.predictive_logpdf(y) for run in (fitted if type(fitted) is list else [fitted])]
    law = integrate.cumulative_trapezoid(np.mean(np.exp(logs), axis=0), y, initial=0)
    edges = np.searchsorted(law, np.arange(1, 20) / 20)
    drawn = predictive.sample(getattr(fitted, "chain", fitted), 4_000, rng=1)
    assert drawn.shape == (4_000, 1)
    counts = np.bincount(np.searchsorted(y[edges], drawn.ravel()), minlength=20)
    probs = np.diff(np.concatenate([[0], law[edges], [1]]))
    assert stats.chisquare(counts, 4_000 * probs).pvalue > 1e-3


def test_drawn_rows_of_clusters_far_apart_lie_within_them():
    x = np.random.default_rng(1).normal(size=(10, 2)) + 1e9 * (np.arange(10) % 2)[:, None]
    model = DPMixture(1e-9, Gaussian([0, 0], 1e18, 1.0))
    q = meanfield.fit(model, x, truncation=4, rng=1)
    for fitted in (q, gibbs.collapsed(model, x, 20, rng=1)):
        drawn = predictive.sample(fitted, 400, rng=1)
        near = np.round(drawn / 1e9)
        assert set(near.ravel()) == {0, 1} and (near[:, 0] == near[:, 1]).all()
        assert np.abs(drawn - 1e9 * near).max() < 8


def test_drawn_rows_are_rows_and_each_draws_a_parameter_of_its_own():
    model = DPMixture(1e-9, NormalInverseGamma([0, 0], 1.0, 2.5, 1.0))
    chain = gibbs.collapsed(model, [[0.0, 0.0]] * 3, 4, rng=1)
    y = predictive.sample(chain, 4000, rng=1)
    # With one parameter a draw, the rows of each of the four draws would share their spread.
    wide = (y**2).reshape(2, 2000, 2).mean(axis=1)
    true = 2 * (1 + 1 / 4) * 1.0 / (2.5 + 1.5 - 1) / 2  # t law: rate (1 + 1 / 4) / (shape - 1)
    assert (np.abs(wide - true) < 0.1 * true).all()
    counts = gibbs.collapsed(
        DPMixture(1.0, MultinomialDirichlet([1.0, 1, 1], total=9)), [[1, 2, 3]] * 3, 4, rng=1
    )
    assert (predictive.sample(counts, 5, rng=1).sum(axis=1) == 9).all()


# The shape of a group beside that of one Gaussian.


@pytest.mark.checks("DP-0222", how="numerical")
def test_skewness_and_kurtosis_of_gaussians_have_the_means_that_mardia_gives():
    n, d, size = 12, 3, 4000
    shape = predictive.gaussian_shape(
        np.random.default_rng(1).normal(size=(n, d)), size=size, rng=2
    )
    skewness = d * (d + 2) / ((n + 1) * (n + 3)) * ((n + 1) * (d + 1) - 6)
    for part, mean in zip(shape, (skewness, d * (d + 2) * (n - 1) / (n + 1)), strict=True):
        assert abs(part.replicated.mean() - mean) < 4 * part.replicated.std() / size**0.5


def test_skewness_and_kurtosis_by_their_definitions_whatever_the_units():
    x = np.random.default_rng(1).gamma(2.0, size=(30, 3))
    y = x - x.mean(axis=0)
    inner = y @ np.linalg.inv(y.T @ y / 30) @ y.T
    turned = 1e6 + x @ np.array([[2.0, 1, 0], [0, 1e3, 1], [1, 0, 1e-3]])
    for rows in (x, turned, 1e200 * x):
        shape = predictive.gaussian_shape(rows, size=4, rng=1)
        assert np.isclose(shape.skewness.observed, (inner**3).mean())
        assert np.isclose(shape.kurtosis.observed, (np.diag(inner) ** 2).mean())


@pytest.mark.checks("DP-0222", how="numerical")
def test_tail_probabilities_of_a_statistic_whose_law_is_known_are_uniform():
    rng = np.random.default_rng(1)
    shapes = [
        predictive.gaussian_shape(rng.normal(size=(15, 2)), size=99, rng=rng) for _ in range(200)
    ]
    probs = np.array([[part.prob for part in shape] for shape in shapes])
    for p in probs.T:
        assert stats.kstest(p, "uniform").pvalue > 1e-3


def test_tails_and_edges_and_leans_are_told_from_one_gaussian():
    rng = np.random.default_rng(2)
    heavy, flat, bent = (
        rng.standard_t(3, (200, 2)),
        rng.random((200, 2)),
        rng.gamma(1, size=(200, 2)),
    )
    assert predictive.gaussian_shape(heavy, rng=1).kurtosis.prob == 0
    assert predictive.gaussian_shape(flat, rng=1).kurtosis.prob == 1
    assert predictive.gaussian_shape(bent, rng=1).skewness.prob == 0
    plain = predictive.gaussian_shape(rng.normal(size=(200, 2)), rng=1)
    assert 0.02 < plain.kurtosis.prob < 0.98 and plain.skewness.prob > 0.02
    for bad in (np.ones((9, 2)), [[1.0, 2.0]], np.arange(9.0)[:, None] * [1, 2]):
        with pytest.raises(ValueError, match="more rows than columns"):
            predictive.gaussian_shape(bad)


def test_new_rows_of_counts_have_the_total_of_the_family():
    x = [[5.0, 1.0], [0.0, 9.0], [7.0, 7.0], [1.0, 2.0]]
    for more, total in (({}, 1), ({"total": 4}, 4)):
        model = DPMixture(1.0, MultinomialDirichlet([1, 1], **more))
        for fit in (exact.posterior(model, x), gibbs.collapsed(model, x, 4, rng=1)):
            assert (predictive.sample(fit, 20, rng=1).sum(axis=1) == total).all()
