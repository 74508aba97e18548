from fractions import Fraction
from itertools import product
from math import factorial, prod

import numpy as np
import pytest
from scipy import stats

from dpnotes import crp, exact
from dpnotes.components import Gaussian, NormalInverseGamma
from dpnotes.mixture import DPMixture, log_eppf_finite


def rising(a, n):
    return prod((a + i for i in range(n)), start=Fraction(1))


def dp_eppf(sizes, alpha):
    n, K = sum(sizes), len(sizes)
    return alpha**K * prod(factorial(s - 1) for s in sizes) / rising(alpha, n)


def finite_eppf(sizes, alpha, M):
    n, K = sum(sizes), len(sizes)
    choices = prod(range(M - K + 1, M + 1)) if K <= M else 0
    return choices * prod(rising(alpha / M, s) for s in sizes) / rising(alpha, n)


def sizes_of(labels):
    return np.bincount(labels.astype(np.intp)).tolist()


@pytest.mark.checks("DP-0096", how="exact")
@pytest.mark.parametrize("M", [1, 2, 3])
def test_finite_eppf_by_listing_all_labels(M):
    """Add P(z) = prod (alpha/M)^[n_k] / alpha^[n] over all M^n label vectors."""
    n, alpha = 5, Fraction(3, 2)
    law = dict.fromkeys(map(tuple, exact.set_partitions(n).tolist()), Fraction(0))
    for z in product(range(M), repeat=n):
        seen = list(dict.fromkeys(z))
        partition = tuple(seen.index(k) for k in z)
        law[partition] += prod(rising(alpha / M, z.count(k)) for k in seen) / rising(alpha, n)
    assert sum(law.values()) == 1
    for partition, p in law.items():
        sizes = sizes_of(np.array(partition))
        assert p == finite_eppf(sizes, alpha, M)
        assert np.exp(log_eppf_finite(sizes, 1.5, M)) == pytest.approx(float(p), rel=1e-13)


@pytest.mark.slow
@pytest.mark.checks("DP-0097", how="exact")
@pytest.mark.parametrize("alpha", [Fraction(1, 3), Fraction(1), Fraction(5)])
def test_finite_mixture_tends_to_the_dp_at_the_stated_rate(alpha):
    n = 7
    sizes = [sizes_of(row) for row in exact.set_partitions(n)]
    limit = [dp_eppf(s, alpha) for s in sizes]
    assert sum(limit) == 1
    pairs = sum(p * len(s) * (len(s) - 1) for p, s in zip(limit, sizes, strict=True))
    for M in (1, 2, 7, 50, 1000):
        finite = [finite_eppf(s, alpha, M) for s in sizes]
        assert sum(finite) == 1
        distance = sum(abs(p - q) for p, q in zip(limit, finite, strict=True)) / 2
        assert distance <= pairs / (2 * M)
        for s, p, q in zip(sizes, limit, finite, strict=True):
            ratio = prod((1 - Fraction(j, M) for j in range(len(s))), start=Fraction(1))
            ratio *= prod(
                (1 + alpha / (M * i) for size in s for i in range(1, size)), start=Fraction(1)
            )
            assert q == p * ratio


def test_finite_eppf_keeps_its_digits_when_M_is_huge():
    sizes, alpha = [5, 3, 1], Fraction(2)
    for M in (10**3, 10**9, 10**15):
        expected = float(finite_eppf(sizes, alpha, M))
        assert np.exp(log_eppf_finite(sizes, 2.0, M)) == pytest.approx(expected, rel=1e-12)
    assert log_eppf_finite([1, 1, 1], 1.0, 2) == -np.inf


def test_ties_of_the_exercises():
    """Two points together: equal shares, a unit prior, and M broken sticks."""
    for alpha in (Fraction(1, 3), Fraction(2)):
        for M in (1, 2, 5, 20):
            assert finite_eppf([2], alpha, M) == (1 + alpha / M) / (1 + alpha)
            assert finite_eppf([2], Fraction(M), M) == Fraction(2, M + 1)
            square, rest = 2 / ((1 + alpha) * (2 + alpha)), alpha / (2 + alpha)
            sticks = sum(square * rest**k for k in range(M - 1)) + rest ** (M - 1)
            assert sticks == (1 + alpha * rest ** (M - 1)) / (1 + alpha)
    assert float(Fraction(1, 2) * Fraction(1, 3) ** 19) == pytest.approx(4e-10, rel=0.1)


def test_bayes_factor_of_a_pair():
    c, delta, prior, noise = 0.7, 0.2, 1.3, 0.3
    family = Gaussian(0, prior, noise)
    f = family.features([c - delta, c + delta])
    got = family.log_marginal(f.sum(axis=0)) - family.log_marginal(f).sum()
    factor = (prior + noise) / np.sqrt(noise * (2 * prior + noise))
    exponent = prior / (prior + noise) * (c**2 / (2 * prior + noise) - delta**2 / noise)
    assert got == pytest.approx(np.log(factor) + exponent, abs=1e-12)


@pytest.mark.checks("DP-0095", how="numerical")
def test_log_joint_is_prior_times_marginals():
    model = DPMixture(0.7, Gaussian([0, 1], 2.0, 0.5))
    x = np.random.default_rng(1).normal(size=(5, 2))
    labels = [1, 0, 1, 2, 0]
    expected = float(np.log(dp_eppf([2, 2, 1], 0.7)))
    for block in ([1, 4], [0, 2], [3]):
        cov = 2.0 * np.ones((len(block),) * 2) + 0.5 * np.eye(len(block))
        for j, mean in enumerate([0, 1]):
            expected += stats.multivariate_normal.logpdf(
                x[block, j], np.full(len(block), mean), cov
            )
    assert model.log_joint(x, labels) == pytest.approx(expected, abs=1e-12)


@pytest.mark.slow
@pytest.mark.checks("DP-0094", "DP-0093", how="numerical")
@pytest.mark.parametrize("alpha", [0.5, 2.0])
def test_lazy_draws_have_the_law_of_the_hierarchy(alpha):
    """Draw G itself (400 sticks), then theta_i from G; compare with clusters drawn lazily."""
    n, R, T = 4, 4000, 400
    model = DPMixture(alpha, Gaussian(0.5, 1.0, 0.25))
    rng = np.random.default_rng(1)
    v = rng.beta(1, alpha, (R, T))
    edges = 1 - np.cumprod(1 - v, axis=1)
    atom = (rng.random((R, n))[:, :, None] > edges[:, None, :]).sum(axis=2)
    theta = 0.5 + rng.standard_normal((R, T + 1))
    theta = np.take_along_axis(theta, atom, axis=1)
    direct = theta, theta + 0.5 * rng.standard_normal((R, n))
    lazy = [], []
    for _ in range(R):
        x, labels, values = model.sample(n, rng=rng)
        lazy[0].append(values[labels, 0])
        lazy[1].append(x[:, 0])

    def functions(theta, x):
        theta, x = np.array(theta), np.array(x)
        same = theta[:, :, None] == theta[:, None, :]
        return np.column_stack(
            [
                same[:, [0, 0, 0, 1, 1, 2], [1, 2, 3, 2, 3, 3]],
                same.all(axis=(1, 2)),
                theta[:, 0] * x[:, 1],
                x[:, 0] * x[:, 1],
                x.prod(axis=1),
                np.cos(x.sum(axis=1)),
                (x > 0.5).all(axis=1),
            ]
        )

    a, b = functions(*direct), functions(*lazy)
    error = np.sqrt((a.var(axis=0) + b.var(axis=0)) / R)
    assert (np.abs(a.mean(axis=0) - b.mean(axis=0)) < 4.5 * error).all()


def test_sample_shapes_order_and_seed():
    model = DPMixture(1.0, NormalInverseGamma([0, 0], 1, 3, 1))
    x, labels, theta = model.sample(50, rng=1)
    assert x.shape == (50, 2) and theta.shape == (labels.max() + 1, 4)
    first = [int(np.argmax(labels == k)) for k in range(labels.max() + 1)]
    assert first == sorted(first)
    again = model.sample(50, rng=1)
    for a, b in zip((x, labels, theta), again, strict=True):
        assert np.array_equal(a, b)


def test_labels_are_the_crp():
    model = DPMixture(2.0, Gaussian(0, 1, 1))
    assert np.array_equal(model.sample(30, rng=4)[1], crp.sample(30, 2.0, rng=4))


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda m: DPMixture(0, m.component), "alpha = 0: expected a finite number > 0"),
        (lambda m: m.sample(0), "n = 0: expected an integer >= 1"),
        (lambda m: m.log_joint([0.0, 1.0], [0, 2]), "labels = "),
        (lambda m: m.log_joint([0.0, 1.0], [0]), "labels = .*expected 2 labels"),
        (lambda m: log_eppf_finite([1, 0], 1.0, 3), "sizes = "),
        (lambda m: log_eppf_finite([1], 1.0, 0), "n_components = 0"),
    ],
)
def test_bad_input(call, message):
    with pytest.raises(ValueError, match=message):
        call(DPMixture(1.0, Gaussian(0, 1, 1)))
