"""Tests of dpnotes.gibbs: every sampler against exact posteriors, and the tests against samplers
that are known to be wrong."""

import functools
from collections import defaultdict
from fractions import Fraction

import numpy as np
import pytest
from scipy import integrate, stats
from scipy.special import gammaln

from dpnotes import _sweeps, chains, crp, datasets, diagnostics, exact, gibbs
from dpnotes._numbers import sums_by_cluster
from dpnotes.components import Gaussian, NormalInverseGamma, NormalInverseWishart
from dpnotes.mixture import DPMixture

X = datasets.neal()
MODEL = DPMixture(1.0, Gaussian(mean=0, var=1, noise_var=0.01))
GRID = np.array([-1.3, -1.1, 0.2, 0.5, 0.9])
STUDENT = DPMixture(1.0, NormalInverseGamma(0, 1, 2, 1))
WISHART = DPMixture(1.0, NormalInverseWishart([0, 0], 1, 4, np.eye(2)))
COINS = Fraction(1, 10), Fraction(9, 10)


@functools.cache
def exact_neal():
    return exact.posterior(MODEL, X)


def errors(chain, posterior, grid=GRID):
    """Return z-scores and standard errors of law of K, co-clustering and predictive density."""
    n = chain.labels.shape[1]
    same = chain.labels[:, :, None] == chain.labels[:, None, :]
    pairs = np.triu_indices(n, 1)
    draws = [chain.num_clusters == k for k in range(2, min(n, 6) + 1)]
    draws += list(same[:, *pairs].T)
    target = [*posterior.num_clusters[2 : min(n, 6) + 1], *posterior.similarity[pairs]]
    # An event seen only a few times is far from normal; its frequency is precise all the same.
    draws = zip(draws, target, strict=True)
    draws = [(d.astype(float), t) for d, t in draws if len(d) * t * (1 - t) > 100]
    densities = np.exp(chain.predictive_draws(grid)).T
    draws += list(zip(densities, np.exp(posterior.predictive_logpdf(grid)), strict=True))
    error = np.array([diagnostics.mcse(d) for d, _ in draws])
    gap = np.array([d.mean() - t for d, t in draws])
    return gap / np.maximum(error, 1e-4), error


def is_right(z):
    """Return whether every estimate is within 4.5 standard errors of its exact value."""
    return np.abs(z).max() < 4.5


@pytest.mark.slow
@pytest.mark.checks("DP-0118", "DP-0119", "DP-0114", "DP-0115", how="numerical")
@pytest.mark.parametrize(
    "sampler, sweeps, limit",
    [(gibbs.collapsed, 20_000, 0.005), (functools.partial(gibbs.auxiliary, m=6), 16_000, 0.008)],
)
def test_a_right_sampler_agrees_with_enumeration(sampler, sweeps, limit):
    z, error = errors(sampler(MODEL, X, sweeps, rng=1), exact_neal())
    assert is_right(z) and error.max() < limit


@pytest.mark.slow
@pytest.mark.checks("DP-0111", "DP-0112", how="numerical")
def test_the_same_test_rejects_the_naive_step():
    assert not is_right(errors(gibbs.naive(MODEL, X, 8000, rng=1), exact_neal())[0])


def broken(table, change):
    """Return the tables of Gaussian clusters with one of them changed."""

    def tables(self):
        tables = list(original(self))
        tables[table] = change(tables[table])
        return tuple(tables)

    original = _sweeps.KnownVariance.tables
    return tables


@pytest.mark.slow
@pytest.mark.parametrize(
    "table, change",
    [
        (0, lambda t: t + np.log1p(1 / np.maximum(np.arange(len(t)), 1)) * (np.arange(len(t)) > 0)),
        (0, lambda t: t - np.log(2) * (np.arange(len(t)) == 0)),
        (2, lambda t: np.full(len(t), t[-1])),
    ],
    ids=["n_k counts one more", "half of alpha", "plug-in variance"],
)
def test_the_same_test_rejects_a_broken_collapsed_step(monkeypatch, table, change):
    monkeypatch.setattr(_sweeps.KnownVariance, "tables", broken(table, change))
    assert not is_right(errors(gibbs.collapsed(MODEL, X, 8000, rng=1), exact_neal())[0])


@pytest.mark.slow
@pytest.mark.parametrize(
    "family",
    [
        NormalInverseGamma([0, 0], 0.3, [2, 3], 1),
        NormalInverseWishart([0, 0], 0.3, 4, np.eye(2)),
        Gaussian([0, 1], 4, 0.5),
    ],
)
@pytest.mark.parametrize("sampler", [gibbs.collapsed, functools.partial(gibbs.auxiliary, m=2)])
def test_every_family_agrees_with_enumeration(family, sampler):
    x = np.random.default_rng(0).normal(np.repeat([[0], [3]], [2, 3], 0), [1, 2])
    model = DPMixture(1.3, family)
    z, _ = errors(sampler(model, x, 1500, rng=3), exact.posterior(model, x), x + 0.1)
    assert is_right(z)


@pytest.mark.checks("DP-0118", "DP-0119", how="exact")
def test_seating_weights_are_the_conditionals_of_the_joint():
    x, family = X[[0, 4, 5, 6]], MODEL.component
    features = family.features(x)
    for labels in exact.set_partitions(4).astype(int):
        for i in range(4):
            rest = np.delete(labels, i)
            names, rest = np.unique(rest, return_inverse=True)
            s = np.vstack([sums_by_cluster(np.delete(features, i, 0), rest), np.zeros(3)])
            weight = np.append(np.bincount(rest), MODEL.alpha)
            log_weight = np.log(weight) + family.log_predictive(x[[i]], s)[0]
            joint = [MODEL.log_joint(x, np.insert(rest, i, k)) for k in range(len(names) + 1)]
            np.testing.assert_allclose(np.diff(log_weight), np.diff(joint), atol=1e-10)


@pytest.mark.checks("DP-0110", how="exact")
@pytest.mark.parametrize("alpha", [Fraction(1, 3), Fraction(2)])
def test_full_conditionals_of_the_partition(alpha):
    n = 5
    for labels in exact.set_partitions(n).astype(int):
        for i in range(n):
            _, rest = np.unique(np.delete(labels, i), return_inverse=True)
            sizes = np.bincount(rest)
            K = len(sizes)
            joint = [crp.eppf(sizes + np.eye(K, dtype=int)[k], alpha) for k in range(K)]
            joint.append(crp.eppf(np.append(sizes, 1), alpha))
            law = [Fraction(int(s)) / (alpha + n - 1) for s in sizes] + [alpha / (alpha + n - 1)]
            assert [w / sum(joint) for w in joint] == law


@functools.cache
def kernel(n):
    """Return the exact posterior of n of Neal's points and the matrix of a sweep of Algorithm 3."""
    posterior = exact.posterior(MODEL, X[3 : 3 + n])
    sweep = exact.exact_sweep(posterior)
    return posterior, np.array([sweep(f) for f in np.eye(len(posterior.probs))]).T


@pytest.mark.checks("DP-0120", "DP-0109", how="exact")
def test_exact_sweep_is_invariant_positive_and_contracts():
    posterior, matrix = kernel(5)
    np.testing.assert_allclose(matrix.sum(axis=1), 1, rtol=1e-12)
    np.testing.assert_allclose(posterior.probs @ matrix, posterior.probs, atol=1e-14)
    assert matrix.min() > 0
    shrink = 1 - matrix.min(axis=0).sum()
    power = np.eye(len(matrix))
    for t in range(1, 6):
        power = power @ matrix
        assert 0.5 * np.abs(power - posterior.probs).sum(axis=1).max() <= shrink**t + 1e-12


@pytest.mark.checks("DP-0118", how="exact")
def test_the_code_has_the_exact_transition_law():
    posterior, matrix = kernel(5)
    seat, rng, n = gibbs.Collapsed(MODEL, posterior.x), np.random.default_rng(4), 8000
    code = {tuple(row): s for s, row in enumerate(posterior.labels.tolist())}
    for start in [0, 20, 51]:
        state = chains.State(posterior.labels[start].astype(np.int64), 1.0)
        seen = [code[tuple(seat.sweep(state, rng).labels.tolist())] for _ in range(n)]
        expected, seen = n * matrix[start], np.bincount(seen, minlength=52)
        big = expected > 5
        pooled = [np.append(a[big], a[~big].sum()) for a in (seen, expected)]
        assert stats.chisquare(*pooled).pvalue > 1e-4


@pytest.mark.slow
@pytest.mark.checks("DP-0119", "DP-0115", "DP-0116", "DP-0117", how="numerical")
@pytest.mark.parametrize(
    "make",
    [
        gibbs.Collapsed,
        gibbs.Auxiliary,
        functools.partial(gibbs.Auxiliary, m=3, step=0.2),
    ],
    ids=["collapsed", "auxiliary", "Metropolis"],
)
def test_two_sweeps_from_an_exact_start_stay_exact(make):
    # The draws are independent. Without theta a sweep starts from its law given the partition;
    # the second sweep sees what the first did to theta.
    posterior, rng, n, kernel = exact_neal(), np.random.default_rng(5), 12_000, make(MODEL, X)
    end = posterior.labels[rng.choice(len(posterior.probs), n, p=posterior.probs)]
    for t in range(n):
        state = chains.State(end[t].astype(np.int64), 1.0)
        for _ in range(2):
            state = kernel.sweep(state, rng)
        end[t] = state.labels
    z, error = errors(chains.Chain(MODEL, X, end, np.ones(n)), posterior)
    assert is_right(z) and error.max() < 0.005


# Exact chains on a finite parameter set.


@pytest.mark.checks("DP-0114", "DP-0115", how="exact")
@pytest.mark.parametrize(
    "x, m, alpha",
    [([1, 0], 1, 1), ([1, 0], 2, 1), ([1, 1], 3, Fraction(1, 2)), ([1, 0, 1], 2, Fraction(5, 3))],
)
def test_algorithm_8_leaves_the_posterior_invariant(x, m, alpha):
    _, transition, posterior = exact.finite_chain(x, COINS, alpha=alpha, m=m)
    assert all(sum(row) == 1 for row in transition)
    size = range(len(posterior))
    after = [sum(p * row[s] for p, row in zip(posterior, transition)) for s in size]
    assert after == posterior


@pytest.mark.checks("DP-0111", "DP-0112", how="exact")
def test_the_naive_step_does_not():
    states, transition, posterior = exact.finite_chain([1, 0], COINS, keep=False)
    law = exact.stationary(transition)
    together = [len(theta) == 1 for _, theta in states]
    assert sum(p for p, one in zip(law, together) if one) == Fraction(25, 54)
    assert sum(p for p, one in zip(posterior, together) if one) == Fraction(9, 34)
    assert sum(abs(p - q) for p, q in zip(law, posterior)) / 2 == Fraction(91, 459)


@pytest.mark.slow
@pytest.mark.checks("DP-0112", "DP-0109", how="exact")
@pytest.mark.parametrize("alpha", [Fraction(1, 3), Fraction(4)])
def test_one_naive_step_opens_tables_too_rarely(alpha):
    x, theta = [1, 0, 1], [Fraction(k, 7) for k in (1, 3, 6)]
    states, _, posterior = exact.finite_chain(x, theta, alpha=alpha)
    for keep in (True, False):
        new = defaultdict(Fraction)
        for p, state in zip(posterior, states):
            for after, q in exact._finite_seat(state, 2, x, theta, alpha, 1, keep):
                new[after] += p * q
        after = [new[s] for s in states]
        assert (after == posterior) == keep
        alone = [z[2] not in z[:2] for z, _ in states]
        before, later = (sum(p for p, a in zip(law, alone) if a) for law in (posterior, after))
        assert later == before if keep else later < before


class Coins:
    """Bernoulli tosses, H uniform on two values: a family that is not conjugate to the code."""

    values = np.array([0.1, 0.9])

    def sample_prior(self, size, rng):
        return rng.choice(self.values, size)[:, None]

    def log_prior(self, theta):
        inside = np.isclose(theta, 0.1) | np.isclose(theta, 0.9)
        return np.where(inside, np.log(0.5), -np.inf)[:, 0]

    def log_likelihood(self, x, theta):
        return np.log(np.where(x == 1, theta[:, 0], 1 - theta[:, 0]))


@pytest.mark.checks("DP-0114", how="numerical")
def test_the_code_has_the_law_of_the_finite_chain():
    # No proposal hits another value of H: theta moves only with the tables, which leaves the
    # posterior invariant all the same and reaches every state.
    model = DPMixture(1.0, Coins())
    chain = gibbs.auxiliary(model, [1.0, 0.0], 4000, m=2, step=1.0, rng=2)
    together = (chain.num_clusters == 1).astype(float)
    assert diagnostics.mcse(together) < 0.02
    assert abs(together.mean() - 9 / 34) < 4 * diagnostics.mcse(together)
    assert len(np.unique(chain.values(0).round(6))) == 2


class Laplace:
    """x | theta ~ Laplace(theta, 0.3), theta ~ N(0, 1): not conjugate.

    features and log_marginal serve exact.posterior, which hands over sums of unit vectors.
    """

    def __init__(self, x):
        self.x = x

    def sample_prior(self, size, rng):
        return rng.standard_normal((size, 1))

    def log_prior(self, theta):
        return stats.norm.logpdf(theta[:, 0])

    def log_likelihood(self, x, theta):
        return -np.abs(x - theta[:, 0]) / 0.3 - np.log(0.6)

    def block(self, member):
        points = self.x[member > 0]

        def integrand(t):
            return np.exp(-np.abs(points - t).sum() / 0.3) * stats.norm.pdf(t)

        value = integrate.quad(integrand, -9, 9, points=points, epsabs=1e-14, limit=200)[0]
        return np.log(value) - len(points) * np.log(0.6)

    def quadrature(self):
        family = Laplace(self.x)
        family.features = lambda x: np.eye(len(x))
        family.log_marginal = lambda s: np.array([self.block(member) for member in s])
        return family


@pytest.mark.checks("DP-0117", "DP-0116", how="numerical")
def test_a_family_that_is_not_conjugate_agrees_with_quadrature():
    x = np.array([-1.2, -1.0, 0.4, 0.5, 1.1])
    family = Laplace(x)
    posterior = exact.posterior(DPMixture(1.0, family.quadrature()), x)
    chain = gibbs.auxiliary(DPMixture(1.0, family), x, 3000, m=2, step=0.4, rng=1)
    for k in (1, 2, 3, 4):
        draws = (chain.num_clusters == k).astype(float)
        assert abs(draws.mean() - posterior.num_clusters[k]) < 4 * diagnostics.mcse(draws)
    grid = np.linspace(-9, 9, 4001)
    predictive = np.exp(chain[::20].predictive_logpdf(grid, rng=1))
    assert abs(np.trapezoid(predictive, grid) - 1) < 1e-3
    density = chain[:5].log_joint
    by_hand = crp.log_eppf(np.bincount(chain.labels[3]), 1.0)
    by_hand += family.log_prior(chain.theta[3]).sum()
    by_hand += stats.laplace.logpdf(x, chain.theta[3][chain.labels[3], 0], 0.3).sum()
    assert density[3] == pytest.approx(by_hand, rel=1e-12)


# Parameters and alpha.


@pytest.mark.slow
@pytest.mark.checks("DP-0116", how="numerical")
def test_theta_of_the_first_point():
    posterior = exact_neal()
    member = posterior.labels == posterior.labels[:, :1]
    mean = (member @ X) / (member.sum(axis=1) + 0.01)
    target = posterior.probs @ mean
    for chain in (
        gibbs.auxiliary(MODEL, X, 10_000, m=2, rng=3),
        gibbs.collapsed(MODEL, X, 10_000, rng=3).draw_theta(rng=3),
    ):
        draws = chain.values(0)[:, 0]
        assert diagnostics.mcse(draws) < 0.005
        assert abs(draws.mean() - target) < 4 * diagnostics.mcse(draws)


def alpha_posterior(K, n, a, b):
    """Return the mean of alpha given K_n = K by quadrature."""

    def weight(t, power):
        log_density = (a + K - 1 + power) * np.log(t) - b * t + gammaln(t) - gammaln(t + n)
        return np.exp(log_density)

    top, bottom = (integrate.quad(weight, 0, np.inf, args=(p,), epsabs=0)[0] for p in (1, 0))
    return top / bottom


@pytest.mark.checks("DP-0121", "DP-0122", how="numerical")
@pytest.mark.parametrize("K, n, prior", [(1, 3, (0.4, 1.0)), (4, 9, (2.0, 0.5)), (9, 50, (1, 1))])
def test_alpha_given_the_number_of_clusters(K, n, prior):
    rng, draws = np.random.default_rng(1), np.empty(12_000)
    alpha = 1.0
    for t in range(len(draws)):
        alpha = draws[t] = gibbs._sample_alpha(alpha, K, n, prior, rng)
    assert abs(draws.mean() - alpha_posterior(K, n, *prior)) < 4 * diagnostics.mcse(draws)


@pytest.mark.slow
@pytest.mark.checks("DP-0121", how="numerical")
@pytest.mark.parametrize("sampler", [gibbs.collapsed, functools.partial(gibbs.auxiliary, m=3)])
def test_sampled_alpha_agrees_with_quadrature_over_alpha(sampler):
    x, prior = X[2:8], (2.0, 1.0)
    nodes, weights = np.polynomial.legendre.leggauss(60)
    alphas = 15 * (nodes + 1) / 2
    posts = [exact.posterior(DPMixture(a, MODEL.component), x) for a in alphas]
    weight = weights * stats.gamma.pdf(alphas, 2) * np.exp([p.log_evidence for p in posts])
    weight /= weight.sum()
    law = weight @ [p.num_clusters for p in posts]
    chain = sampler(MODEL, x, 8000, alpha_prior=prior, rng=1)
    for draws, target in [(chain.alpha, weight @ alphas)] + [
        ((chain.num_clusters == k).astype(float), law[k]) for k in (2, 3, 4)
    ]:
        assert abs(draws.mean() - target) < 4 * diagnostics.mcse(draws)


# The chain as an object.

SAMPLERS = [
    gibbs.collapsed,
    functools.partial(gibbs.auxiliary, m=2),
    functools.partial(gibbs.auxiliary, step=0.2),
    gibbs.naive,
]


def equal(a, b):
    theta = a.theta is None or all(map(np.array_equal, a.theta, b.theta))
    return np.array_equal(a.labels, b.labels) and np.array_equal(a.alpha, b.alpha) and theta


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_a_seed_gives_one_chain_compiled_or_not(sampler, monkeypatch):
    one = sampler(MODEL, X, 300, rng=7)
    assert equal(one, sampler(MODEL, X, 300, rng=np.random.default_rng(7)))
    assert not equal(one, sampler(MODEL, X, 300, rng=8))
    monkeypatch.setattr(_sweeps, "compiled", lambda *parts: None)
    assert equal(one, sampler(MODEL, X, 300, rng=7))


def test_compiled_and_plain_agree_for_student_clusters(monkeypatch):
    model = DPMixture(0.7, NormalInverseGamma([0, 0], 0.1, 2, 1))
    x = np.random.default_rng(1).normal(size=(60, 2))
    one = gibbs.collapsed(model, x, 40, rng=1)
    monkeypatch.setattr(_sweeps, "compiled", lambda *parts: None)
    assert equal(one, gibbs.collapsed(model, x, 40, rng=1))


def test_labels_are_in_order_of_appearance_with_their_parameters():
    chain = gibbs.auxiliary(MODEL, X, 400, m=2, rng=1)
    for labels, theta in zip(chain.labels, chain.theta):
        assert [labels[i] <= labels[:i].max(initial=-1) + 1 for i in range(9)] == [True] * 9
        assert len(theta) == labels.max() + 1
        assert np.abs(X - theta[labels, 0]).max() < 1.5
    assert np.array_equal(chain.values(2)[7], chain.theta[7][chain.labels[7, 2]])


def test_starts():
    together, apart = np.zeros(9, int), np.arange(9)
    for start in (together, apart, [1, 1, 0, 0, 0, 2, 2, 2, 2]):
        for sampler in SAMPLERS:
            assert len(sampler(MODEL, X, 3, rng=1, start=start)) == 3
    one = gibbs.collapsed(MODEL, X, 3, rng=1, start=[1, 1, 0, 0, 0, 2, 2, 2, 2])
    assert equal(one, gibbs.collapsed(MODEL, X, 3, rng=1, start=[0, 0, 1, 1, 1, 2, 2, 2, 2]))
    assert gibbs.collapsed(MODEL, [0.3], 4, rng=1).labels.tolist() == [[0]] * 4


TOSSES = DPMixture(1.0, Coins())


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: gibbs.collapsed(MODEL, X, 0), "n_sweeps = 0: expected an integer >= 1"),
        (lambda: gibbs.auxiliary(MODEL, X, 5, m=0), "m = 0"),
        (lambda: gibbs.collapsed(MODEL, [], 5), "x = "),
        (lambda: gibbs.collapsed(MODEL, [1.0, np.nan], 5), r"x\[1\] = nan"),
        (lambda: gibbs.collapsed(MODEL, np.ones((3, 2)), 5), "x = "),
        (lambda: gibbs.collapsed(MODEL, X, 5, start=[0, 2]), "start = "),
        (lambda: gibbs.collapsed(MODEL, X, 5, start=[0, 1]), "2 labels"),
        (lambda: gibbs.collapsed(MODEL, X, 5, alpha_prior=(1, 0)), r"alpha_prior\[1\] = 0"),
        (lambda: gibbs.collapsed(MODEL, X, 5, alpha_prior=1), "alpha_prior = 1: expected a pair"),
        (lambda: gibbs.auxiliary(MODEL, X, 5, step=0), "step = 0"),
        (lambda: gibbs.auxiliary(DPMixture(1, Coins()), [1, 0], 5), "step = None"),
        (lambda: gibbs.collapsed(DPMixture(1, Coins()), [1, 0], 5), "a conjugate family"),
        (lambda: gibbs.sample_alpha(0, 1, 3, (1, 1)), "alpha = 0"),
        (lambda: gibbs.sample_alpha(1, 4, 3, (1, 1)), "num_clusters = 4: expected at most n = 3"),
        (lambda: exact.finite_chain([2, 0], COINS), "tosses"),
        (lambda: exact.finite_chain([1, 0], COINS, alpha=-1), "alpha = -1"),
        (lambda: exact.finite_chain([1, 0], [0, 1]), "theta = .* between 0 and 1"),
        (lambda: gibbs.collapsed(DPMixture("1", MODEL.component), X, 5), "alpha = '1'"),
        (lambda: gibbs.collapsed(MODEL, ["1", "2"], 5), r"x\[0\] = .* an array of numbers"),
        (lambda: gibbs.collapsed(MODEL, [1.0 + 1j], 5), r"x\[0\] = .* an array of numbers"),
        (lambda: gibbs.auxiliary(MODEL, X, 5, step=[1, 2]), "step = .* one a parameter"),
        (lambda: gibbs.collapsed(MODEL, X, 5, start=gibbs.collapsed(MODEL, X, 5)[:0]), "start = "),
        (lambda: gibbs.auxiliary(MODEL, X, 5, start=gibbs.auxiliary(STUDENT, X, 5)), "start = "),
        (lambda: gibbs.auxiliary(TOSSES, [1, 0], 5, step=1).draw_theta(), "conjugate"),
        (lambda: exact.posterior(DPMixture(1, Coins()), [1, 0]), "a conjugate family"),
        (lambda: exact.log_evidence(DPMixture(1, Coins()), [1, 0]), "a conjugate family"),
        (lambda: gibbs.collapsed(WISHART, [[1e9, 0], [0, 1]], 5), "x = .* points within"),
        (lambda: exact.posterior(WISHART, [[1e9, 0], [0, 1]]), "x = .* points within"),
        (lambda: gibbs.collapsed(MODEL, X, 5).values(0), "draw_theta"),
        (lambda: gibbs.collapsed(MODEL, X, 5).values(9), "i = 9: expected an integer <= 8"),
        (lambda: gibbs.naive(TOSSES, [1, 0], 5), "component = .* a conjugate family"),
        (lambda: gibbs.blocked(TOSSES, [1, 0], 5), "component = .* a conjugate family"),
        (
            lambda: gibbs.blocked(MODEL, X, 5, truncation=10**9),
            "truncation = 10.*: expected an integer <= 10",
        ),
        (lambda: exact.stationary([[1, 0], [0, 1]]), "transition = .* one stationary law only"),
        (lambda: exact.stationary([[1, 1], [0, 1]]), "transition = .* each row of sum 1"),
        (lambda: gibbs.collapsed(MODEL, np.ones((3, 2)), 5), r"^x = array of shape \(3, 2\): "),
        (lambda: gibbs.collapsed(MODEL, X, 5, start=[0, 1]), "^start = 2 labels: expected 9, one"),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_far_points_do_not_underflow():
    x = np.array([0.0, 1e4, -1e4, 0.1])
    chain = gibbs.collapsed(MODEL, x, 20, rng=1)
    assert chain.labels[:, :3].tolist() == [[0, 1, 2]] * 20
    assert len(gibbs.auxiliary(MODEL, x, 20, rng=1)) == 20


@pytest.mark.parametrize("compiled", [True, False])
@pytest.mark.parametrize("far", [1e8, 1e10])
def test_a_far_point_that_leaves_does_not_make_a_variance_negative(monkeypatch, compiled, far):
    if not compiled:
        monkeypatch.setattr(_sweeps, "compiled", lambda *parts: None)
    for seed in range(8):
        x = np.append(far, np.random.default_rng(seed).normal(size=19))
        chain = gibbs.collapsed(STUDENT, x, 2, rng=seed, start=np.zeros(20, int))
        assert np.isfinite(chain.log_joint).all()
        assert (chain.labels[1, 1:] != 0).all()  # the far point is alone


def test_nearly_as_far_as_a_wishart_reaches():
    far = 0.99 * WISHART.component._reach
    x = np.vstack([[far, far], np.random.default_rng(0).normal(size=(9, 2)), [far, -far]])
    for sampler in (gibbs.collapsed, gibbs.auxiliary):
        chain = sampler(WISHART, x, 5, rng=1, start=np.zeros(11, int))
        assert np.isfinite(chain.log_joint).all()


@pytest.mark.parametrize("scale", [1e6, 1e-6])
def test_the_unit_of_the_data_changes_nothing(scale):
    model = DPMixture(1.0, Gaussian(mean=0, var=scale**2, noise_var=0.01 * scale**2))
    for sampler in (gibbs.collapsed, gibbs.auxiliary):
        one, other = sampler(MODEL, X, 100, rng=1), sampler(model, scale * X, 100, rng=1)
        assert np.array_equal(one.labels, other.labels)


def test_equal_points_sit_together():
    for model, x in [(MODEL, np.ones(50)), (STUDENT, np.ones(50)), (WISHART, np.ones((50, 2)))]:
        chain = gibbs.collapsed(model, x, 100, rng=1)
        assert np.mean(chain.num_clusters == 1) > 0.5


def test_alpha_stays_positive_under_a_vague_prior():
    model = DPMixture(1.0, Gaussian(0, 1, 1))
    chain = gibbs.collapsed(model, [0.0, 0.1, 0.05], 300, rng=1, alpha_prior=(1e-3, 1e-3))
    assert chain.alpha.min() > 0 and np.isfinite(chain.log_joint).all()


@pytest.mark.slow
@pytest.mark.native  # full speed
@pytest.mark.parametrize(
    ("m", "long_run"), [(1, (5.19, 5.80)), (2, (3.73, 4.68)), (30, (1.98, 2.73))]
)
def test_autocorrelation_times_of_algorithm_8_are_those_of_the_long_runs(m, long_run):
    """The references that the chapter prints in brackets, by another run."""
    chain = gibbs.auxiliary(MODEL, datasets.neal(), 20_000, m=m, rng=40 + m)
    for values, reference in zip((chain.num_clusters, chain.values(0)[:, 0]), long_run):
        tau, error = diagnostics.autocorrelation_time(values)
        assert abs(tau - reference) < 4 * np.hypot(error, 0.07), (tau, error)


@pytest.mark.checks("DP-0197", how="exact")
def test_the_parts_of_the_proof_of_convergence_on_finite_chains():
    rng = np.random.default_rng(1)
    P = rng.dirichlet(np.full(5, 0.3), 5)
    pi = np.linalg.matrix_power(P, 4096)[0]
    pair, law = np.kron(P, P), np.kron(pi, pi)
    overlap = np.minimum(P[:, None], P[None]).sum(axis=2).ravel()
    outside = overlap <= np.median(overlap)
    avoiding = pair * outside  # moves that end outside C
    never = np.linalg.matrix_power(avoiding, 4096) @ np.ones(25)
    assert (
        never.max() < 1e-6
        and abs(law @ (avoiding @ overlap) - law[outside] @ overlap[outside]) < 1e-12
    )
    cycle = np.roll(np.eye(5), 1, axis=1)  # goes round, and leaves the uniform law invariant
    lazy = 0.01 + 0.95 * np.eye(5)  # leaves the uniform law invariant too, and reaches everything
    assert (lazy @ cycle > 0).all() and not (cycle > 0).all()
    powers = [np.linalg.matrix_power(lazy @ cycle, r) for r in (1, 10, 100, 1000)]
    apart = [abs(power - 0.2).sum(axis=1).max() for power in powers]
    assert apart == sorted(apart, reverse=True) and apart[-1] < 1e-9


@pytest.mark.checks("DP-0198", how="numerical")
@pytest.mark.parametrize("start, alpha", [(np.zeros(6, int), 1e-9), (np.arange(6), 1e9)])
def test_chains_with_alpha_forget_where_they_began(start, alpha):
    x, prior = datasets.neal()[1:7], (2, 1)
    grid = np.linspace(0.02, 20, 400)
    family = Gaussian(0, 1, 0.01)
    posteriors = [exact.posterior(DPMixture(a, family), x) for a in grid]
    weight = grid * np.exp(-grid + [p.log_evidence for p in posteriors])
    law = weight @ [p.num_clusters for p in posteriors] / weight.sum()
    kernel = chains.cycle(gibbs.Collapsed(DPMixture(alpha, family), x), gibbs.Alpha(prior))
    ends = [chains.run(kernel, 25, rng=i, start=start).num_clusters[-1] for i in range(1500)]
    share = np.bincount(ends, minlength=7) / len(ends)
    assert (abs(share - law) < 4.5 * np.sqrt(law * (1 - law) / len(ends)) + 1e-3).all()
