from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, stats
from scipy.special import gammaln, logsumexp

from dpnotes import datasets, exact
from dpnotes.components import (
    Gaussian,
    LogNormal,
    NormalInverseGamma,
    NormalInverseWishart,
    Product,
)
from dpnotes.mixture import DPMixture

BELL = [1, 1, 2, 5, 15, 52, 203, 877, 4140, 21147, 115975]
NEAL = DPMixture(1.0, Gaussian(0, 1, 0.01))


def joint_log_marginal(model, x, block):
    """log p(x_S) of a Gaussian cluster as one n-variate Gaussian density, without statistics."""
    family, k = model.component, len(block)
    cov = family.var * np.ones((k, k)) + family.noise_var * np.eye(k)
    return sum(
        stats.multivariate_normal.logpdf(x[list(block), j], np.full(k, family.mean[j]), cov)
        for j in range(family.dim)
    )


class SubsetRecursion:
    """Evidence by the recursion over subsets; no partition is ever listed."""

    def __init__(self, model, x):
        self.model, self.x, self.n = model, np.reshape(x, (len(x), -1)), len(x)
        n = self.n
        self.log_block = {}
        for size in range(1, n + 1):
            for block in combinations(range(n), size):
                self.log_block[frozenset(block)] = (
                    np.log(model.alpha) + gammaln(size) + joint_log_marginal(model, self.x, block)
                )
        # by_count[S][k]: log sum over partitions of S into k blocks of the product of weights.
        self.by_count = {frozenset(): np.r_[0.0, np.full(n, -np.inf)]}
        for size in range(1, n + 1):
            for subset in combinations(range(n), size):
                first, rest = subset[0], subset[1:]
                terms = []
                for more in range(size):
                    for others in combinations(rest, more):
                        block = frozenset((first, *others))
                        tail = self.by_count[frozenset(subset) - block]
                        terms.append(self.log_block[block] + np.r_[-np.inf, tail[:-1]])
                self.by_count[frozenset(subset)] = logsumexp(terms, axis=0)
        self.everything = frozenset(range(n))

    def log_total(self, subset):
        return logsumexp(self.by_count[subset])

    def log_evidence(self):
        rising = gammaln(self.model.alpha + self.n) - gammaln(self.model.alpha)
        return self.log_total(self.everything) - rising

    def num_clusters(self):
        return np.exp(self.by_count[self.everything] - self.log_total(self.everything))

    def block_prob(self, block):
        rest = self.log_total(self.everything - block)
        return np.exp(self.log_block[block] + rest - self.log_total(self.everything))

    def similarity(self):
        result = np.zeros((self.n, self.n))
        for block in self.log_block:
            result[np.ix_(sorted(block), sorted(block))] += self.block_prob(block)
        return result


@pytest.mark.checks("DP-0104", "DP-0105", how="exact")
def test_set_partitions_are_all_and_in_order():
    for n in range(1, 11):
        labels = exact.set_partitions(n)
        assert labels.shape == (BELL[n], n) and labels.dtype == np.int8
        top = np.maximum.accumulate(labels, axis=1)
        assert (labels[:, 0] == 0).all() and (labels[:, 1:] <= top[:, :-1] + 1).all()
        code = labels @ (11 ** np.arange(n - 1, -1, -1, dtype=np.int64))
        assert (np.diff(code) > 0).all()  # increasing: lexicographic and without repeats


@pytest.mark.parametrize("n", [0, -1, 2.0, True, 11])
def test_set_partitions_refuses(n):
    with pytest.raises(ValueError, match="n = "):
        exact.set_partitions(n)


def test_posterior_refuses_more_than_ten_points():
    with pytest.raises(ValueError, match="x = 11 points: expected at most 10 points"):
        exact.posterior(NEAL, np.zeros(11))
    with pytest.raises(ValueError, match="x = 16 points: expected at most 15 points"):
        exact.log_evidence(NEAL, np.zeros(16))


@pytest.mark.checks(
    "DP-0095",
    "DP-0105",
    "DP-0106",
    "DP-0107",
    how="exact",
)
@pytest.mark.parametrize(
    "model, x",
    [
        (NEAL, datasets.neal()),
        (DPMixture(0.3, Gaussian(0.2, 2.0, 0.5)), datasets.neal()[:6]),
        (DPMixture(5.0, Gaussian([0, 1], 1.0, 0.2)), np.arange(14.0).reshape(7, 2) / 5),
    ],
    ids=["neal", "small-alpha", "plane"],
)
def test_enumeration_agrees_with_the_subset_recursion(model, x):
    result, other = exact.posterior(model, x), SubsetRecursion(model, x)
    assert result.log_evidence == pytest.approx(other.log_evidence(), abs=1e-10)
    assert exact.log_evidence(model, x) == pytest.approx(other.log_evidence(), abs=1e-10)
    np.testing.assert_allclose(result.num_clusters, other.num_clusters(), atol=1e-10)
    np.testing.assert_allclose(result.similarity, other.similarity(), atol=1e-10)


@pytest.mark.checks("DP-0107", how="exact")
def test_block_probabilities_agree_with_the_recursion():
    model, x = NEAL, datasets.neal()[3:9]
    result, other = exact.posterior(model, x), SubsetRecursion(model, x)
    for block in other.log_block:
        mask = sum(1 << i for i in block)
        assert result.block_probs[mask] == pytest.approx(other.block_prob(block), abs=1e-12)
    k = np.arange(7)
    assert result.block_probs.sum() == pytest.approx(k @ result.num_clusters, abs=1e-12)


@pytest.mark.checks("DP-0106", how="exact")
def test_summaries_agree_with_a_loop_over_partitions():
    model, x = NEAL, datasets.neal()[3:8]
    result = exact.posterior(model, x)
    log_joint = np.array([model.log_joint(x, row) for row in result.labels])
    probs = np.exp(log_joint - logsumexp(log_joint))
    assert result.log_evidence == pytest.approx(logsumexp(log_joint), abs=1e-12)
    np.testing.assert_allclose(result.probs, probs, atol=1e-12)
    same = (result.labels[:, :, None] == result.labels[:, None, :]).astype(float)
    np.testing.assert_allclose(result.similarity, np.tensordot(probs, same, axes=1), atol=1e-12)
    y, density = np.array([[0.2], [-1.0]]), 0.0
    for p, row in zip(probs, result.labels, strict=True):
        s = model.statistics(x, row)
        each = np.exp(model.component.log_predictive(y, np.vstack([s, np.zeros(3)])))
        density = density + p * each @ np.r_[s[:, 0], model.alpha] / (model.alpha + len(x))
    np.testing.assert_allclose(result.predictive_logpdf(y), np.log(density), atol=1e-12)


@pytest.mark.checks("DP-0095", how="numerical")
def test_evidence_of_three_points_by_quadrature():
    """Sum over five partitions of prior times a product of one-dimensional integrals."""
    model, x = DPMixture(0.7, Gaussian(0.2, 1.3, 0.3)), np.array([-0.4, 0.1, 1.2])
    prior = {"123": 2, "12|3": 0.7, "13|2": 0.7, "1|23": 0.7, "1|2|3": 0.49}

    def integral(block):
        def f(t):
            like = stats.norm.pdf(x[[int(c) - 1 for c in block]], t, 0.3**0.5).prod()
            return like * stats.norm.pdf(t, 0.2, 1.3**0.5)

        return integrate.quad(f, -12, 12, epsabs=1e-14, points=[0])[0]

    total = sum(
        0.7 * w / (0.7 * 1.7 * 2.7) * np.prod([integral(b) for b in p.split("|")])
        for p, w in prior.items()
    )
    assert exact.posterior(model, x).log_evidence == pytest.approx(np.log(total), abs=1e-10)


@pytest.mark.checks("DP-0106", how="numerical")
@pytest.mark.parametrize(
    "model, d",
    [
        (NEAL, 1),
        (DPMixture(2.0, NormalInverseGamma([0, 1], 0.5, 2.0, 1.0)), 2),
        (DPMixture(2.0, NormalInverseWishart([0, 1], 0.5, 4.0, np.eye(2))), 2),
    ],
    ids=["gaussian", "nig", "niw"],
)
def test_predictive_is_a_ratio_of_evidences(model, d):
    rng = np.random.default_rng(3)
    x, y = rng.normal(0, 1, (6, d)), rng.normal(0, 1, (1, d))
    before, after = exact.posterior(model, x), exact.posterior(model, np.vstack([x, y]))
    ratio = after.log_evidence - before.log_evidence
    assert before.predictive_logpdf(y)[0] == pytest.approx(ratio, abs=1e-10)


@pytest.mark.checks("DP-0107", how="numerical")
def test_recursion_goes_where_enumeration_cannot():
    """The ratio of evidences for 11 and 10 points is the predictive density of the eleventh."""
    x = np.append(datasets.neal(), [-0.2, 0.4])
    ratio = exact.log_evidence(NEAL, x) - exact.log_evidence(NEAL, x[:10])
    assert exact.posterior(NEAL, x[:10]).predictive_logpdf(x[10:])[0] == pytest.approx(
        ratio, abs=1e-10
    )


def test_a_block_next_to_impossible_may_explain_a_new_row():
    """Two rows are apart but for a chance of 0 in floats; a third makes them one cluster."""
    amounts = LogNormal(NormalInverseWishart([0], 1.0, 0.002, [[60]]))
    model = DPMixture(2e-7, Product([amounts, NormalInverseWishart([0], 2e-6, 320, [[1e-9]])]))
    x, y = np.array([[8e-19, -0.93], [3e-9, 0.56]]), [6.45, -0.65]
    before = exact.posterior(model, x)
    ratio = exact.log_evidence(model, np.vstack([x, y])) - before.log_evidence
    assert before.probs[0] == 0
    assert before.predictive_logpdf([y])[0] == pytest.approx(ratio, abs=1e-8)


@pytest.mark.checks("DP-0106", how="numerical")
def test_predictive_density_integrates_to_one():
    result = exact.posterior(NEAL, datasets.neal())
    grid = np.linspace(-8, 8, 8001)
    total = integrate.simpson(np.exp(result.predictive_logpdf(grid)), x=grid)
    assert total == pytest.approx(1, abs=1e-10)


@given(
    x=st.lists(st.floats(-3, 3), min_size=1, max_size=6),
    alpha=st.floats(0.05, 20),
    noise=st.floats(0.01, 2),
    seed=st.integers(0, 99),
)
@settings(deadline=None, max_examples=50, derandomize=True)
def test_laws_are_laws_and_order_does_not_matter(x, alpha, noise, seed):
    x, n = np.array(x), len(x)
    model = DPMixture(alpha, Gaussian(0, 1, noise))
    a = exact.posterior(model, x)
    order = np.random.default_rng(seed).permutation(n)
    b = exact.posterior(model, x[order])
    assert a.probs.sum() == pytest.approx(1, abs=1e-12)
    assert a.num_clusters.sum() == pytest.approx(1, abs=1e-12) and a.num_clusters[0] == 0
    np.testing.assert_allclose(np.diag(a.similarity), 1, atol=1e-12)
    assert b.log_evidence == pytest.approx(a.log_evidence, rel=1e-10)
    np.testing.assert_allclose(b.num_clusters, a.num_clusters, atol=1e-8)
    np.testing.assert_allclose(b.similarity, a.similarity[np.ix_(order, order)], atol=1e-8)


def test_without_data_the_posterior_is_the_prior():
    """A huge noise variance leaves the law of K as the CRP has it: alpha^k |s(n,k)| / rising."""
    model = DPMixture(1.0, Gaussian(0, 1e-12, 1.0))
    law = exact.posterior(model, datasets.neal()[:4]).num_clusters
    np.testing.assert_allclose(law, np.array([0, 6, 11, 6, 1]) / 24, atol=1e-10)
