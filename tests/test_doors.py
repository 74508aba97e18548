"""The doors of the rooms below the mixture: old calls, sizes refused in words, extreme numbers."""

import math
from fractions import Fraction
from typing import Protocol, runtime_checkable

import numpy as np
import pytest
from scipy import stats

from dpnotes import _validate as check
from dpnotes import clusters, components, crp, mixture, process, selection, sticks
from dpnotes.clusters import NumClusters
from dpnotes.process import DirichletProcess

X = np.array([-1.0, 0.2, 0.4, 1.0])
DP = DirichletProcess(2, stats.norm())


@pytest.mark.parametrize(
    "old, new",
    [
        (lambda: crp.sample(9, 2.0, 1), lambda: crp.sample(9, 2.0, rng=1)),
        (lambda: crp.sample_sizes(9, 2.0, 1), lambda: crp.sample_sizes(9, 2.0, rng=1)),
        (lambda: NumClusters(9, 2.0).rvs(5, rng=1), lambda: NumClusters(9, 2.0).rvs(5, 1)),
        (
            lambda: clusters.sample_sizes_given(9, 3, 2, 1),
            lambda: clusters.sample_sizes_given(9, 3, 2, rng=1),
        ),
        (
            lambda: clusters.homozygosity_test([9, 2, 1], 0, 7, 1).p_lower,
            lambda: clusters.homozygosity_test([9, 2, 1], max_partitions=0, draws=7, rng=1).p_lower,
        ),
        (lambda: sticks.sample(2.0, 5, 1), lambda: sticks.sample(2.0, 5, rng=1)),
        (lambda: sticks.sample_until(2.0, 0.1, 1), lambda: sticks.sample_until(2.0, 0.1, rng=1)),
        (lambda: sticks.sample_labels(9, 2.0, 1), lambda: sticks.sample_labels(9, 2.0, rng=1)),
        (lambda: sticks.eppf([2, 1], 1, 2), lambda: sticks.eppf([2, 1], 1, truncation=2)),
        (lambda: DP.sample_urn(5, 1), lambda: DP.sample_urn(5, rng=1)),
        (
            lambda: DP.sample_measure(1, 0.1).atoms,
            lambda: DP.sample_measure(rng=1, tol=0.1).atoms,
        ),
        (lambda: selection.log_evidence(X, 2, 3.0), lambda: selection.log_evidence(X, 2, bound=3)),
        (
            lambda: selection.max_log_likelihood(X, 2, 3.0),
            lambda: selection.max_log_likelihood(X, 2, bound=3),
        ),
        (
            lambda: selection.excess([5], 1, 2, 1, 3.0),
            lambda: selection.excess([5], 1, 2, rng=1, bound=3.0),
        ),
        (
            lambda: selection.fit(X, 2, 1, 1, 0.1, 30).means,
            lambda: selection.fit(X, 2, rng=1, n_starts=1, tol=0.1, max_iter=30).means,
        ),
        (
            lambda: selection.fit_sequence(X, 2, 0.1)[1].means,
            lambda: selection.fit_sequence(X, 2, tol=0.1)[1].means,
        ),
    ],
)
def test_calls_of_an_earlier_version_warn_and_agree(old, new):
    with pytest.warns(DeprecationWarning, match="write .*=..., no longer"):
        before = old()
    np.testing.assert_array_equal(before, new())


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: crp.sample(2**53, 1.0), r"n = 9007199254740992: expected an integer <= 2\*\*27"),
        (lambda: crp.sample_sizes(10**9, 1e8), r"alpha = 100000000.0: .* at most 2\*\*22 tables"),
        (lambda: crp.sample_sizes(10**15, 1e6), r"alpha = 1000000.0: .* 2\*\*22 tables, not 2.07e"),
        (lambda: clusters.stirling(2**31), "n = 2147483648: expected an integer <= 2000"),
        (
            lambda: NumClusters(2**53, 1e15).cdf(3),
            r"alpha = 10*\.0: .* 2\*\*22 values of K_n in a table, not 3.00e\+9",
        ),
        (lambda: NumClusters(2**53, 1e15).logpmf(10**15), r"k = 10*: .* numbers to be transformed"),
        (lambda: NumClusters(9, 1.0).rvs(10**10), r"size = 10*: .* 2\*\*27 numbers \(1 GB\)"),
        (lambda: NumClusters(9, 1.0).rvs((1,) * 65), "size = .*: expected"),
        (lambda: clusters.sample_sizes_given(9, 3, 10**9), "size = 10*: expected at most"),
        (
            lambda: clusters.homozygosity_test([9, 1], max_partitions=0, draws=10**12),
            "draws = 10*: expected at most",
        ),
        (lambda: sticks.truncation_distance(1.0, 5, 2**31), r"n = .* about 10\*\*5\d+ partitions"),
        (lambda: sticks.truncation_distance(1.0, 10**4, 30), "truncation = 10000: .* steps"),
        (lambda: sticks.eppf(range(1, 40), 1.0), "sizes = .* steps"),
        (lambda: sticks.cell_moment([10**6, 1], [0.5, 0.5], 1.0), "powers = .* steps"),
        (lambda: sticks.truncation_ratio([[0] * 40], 1e300, 2), "alpha = .* too large for a float"),
        (lambda: sticks.sample_labels(2**40, 1.0), r"n = .* 2\*\*27"),
        (lambda: process.Dirichlet(np.ones(10**5)).cov(), r"a = .* 2\*\*27 numbers"),
        (lambda: process.Dirichlet([1, 2]).moment([10**9, 0]), "powers = .* factors"),
        (lambda: process.Dirichlet([1e308, 1e308]), "a = .* their sum"),
        (
            lambda: DP.marginal(np.ma.array([0.0, 1.0], mask=[0, 1])),
            r"edges\[1\] = a masked value: expected no masked value; .* the 1 masked",
        ),
        (lambda: selection.log_evidence(X, 2, bound=1e300), "bound = .* from 1e-100 to 1e100"),
        (lambda: selection.log_evidence(np.arange(2e6), 2), "x = .* terms of the integral"),
        (lambda: selection.fit(X * 1e200, 2), "x = .* squares are finite"),
        (lambda: crp.sample(3, 1.0, rng="1"), "rng = '1': expected a seed"),
        (lambda: crp.sample(3, 1.0, rng=[True]), r"rng = \[True\]: expected a seed"),
        (lambda: crp.sample(3, 1.0, rng=np.random.RandomState(1)), "rng = .*: expected a seed"),
        (lambda: NumClusters(9, 1.0).rvs(3, "a"), "random_state = 'a': expected a seed"),
        (lambda: check.data("x", [True, False]), "x = .*: expected numbers; write 0 and 1"),
        (
            lambda: check.real("x", np.array([np.timedelta64(1, "s")], object)),
            r"x\[0\] = .*: expected an array",
        ),
    ],
)
def test_what_would_not_end_or_fit_or_be_read_right_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_extreme_concentrations():
    with np.errstate(all="raise"):
        # Both bounds and log P(K_n = n) where n / alpha overflows.
        lower, upper = clusters.bounds(2**53, 1e-300)
        assert 0 < lower < 1 <= upper < math.inf
        expected = sum(math.log(1e-307) - math.log(i) for i in range(1, 300))
        assert NumClusters(300, 1e-307).logpmf(300) == pytest.approx(expected, rel=1e-14)
        assert crp.seat_probs([2, 1], 1e-300).tolist() == [2 / 3, 1 / 3, 1e-300 / 3]
        assert crp.sample(5, 1e-300, rng=1).tolist() == [0] * 5
        assert crp.sample_sizes(10**9, 1e-300, rng=1).tolist() == [10**9]
        assert sticks.label_prob([0] * 200, 1.0) == pytest.approx(1 / 201, rel=1e-12)
        assert selection.log_evidence([0.3], 1, bound=1e-90) == pytest.approx(
            stats.norm.logpdf(0.3), rel=1e-12
        )


@pytest.mark.parametrize("alpha", [Fraction(1, 3), Fraction(10**30)])
def test_truncation_ratio_is_the_ratio_of_exact_probabilities(alpha):
    labels = [[0, 0, 0, 0], [0, 0, 1, 1], [0, 1, 1, 2], [0, 1, 2, 3]]
    for truncation in (1, 2, 3, 7):
        sizes = [np.bincount(row) for row in labels]
        exact = [
            sticks.eppf(s, alpha, truncation=truncation) / sticks.eppf(s, alpha) for s in sizes
        ]
        found = sticks.truncation_ratio(labels, float(alpha), truncation)
        np.testing.assert_allclose(found, [float(ratio) for ratio in exact], rtol=1e-13)


def test_many_equal_blocks_need_no_recursion():
    alpha, n = 2.0, 400
    expected = math.exp(crp.log_eppf([1] * n, alpha))
    assert sticks.eppf([1] * n, alpha) == pytest.approx(expected, rel=1e-10)


def test_tails_and_quantiles_of_the_number_of_clusters():
    law = NumClusters(50, 2.0)
    k = np.arange(0, 52)
    pmf = law.pmf(k)
    np.testing.assert_allclose(law.sf(k), [pmf[k > j].sum() for j in k], rtol=1e-12)
    assert (law.cdf(np.inf), law.cdf(-np.inf), law.sf(np.inf), law.pmf(np.inf)) == (1, 0, 0, 0)
    for q in (1e-9, 0.1, 0.5, 0.999):
        assert law.ppf(q) == k[np.argmax(law.cdf(k) >= q)]
    assert law.ppf([0, 1]).tolist() == [0, 50]
    assert law.interval(0.9) == (law.ppf(0.05), law.ppf(0.95))


def test_shape_gamma_and_model_of_the_checks():
    check.shape("x", np.zeros((4, 2)), ("n", 2))
    check.shape("x", np.zeros((3, 4, 2)), (..., 2))
    with pytest.raises(ValueError, match=r"x = array of shape \(2,\): expected shape \(n, 2\) or"):
        check.shape("x", np.zeros(2), ("n", 2), (..., 3))
    assert check.gamma("prior", [1, 2]) == (1.0, 2.0)
    with pytest.raises(ValueError, match=r"prior\[1\] = -2: expected a finite number > 0"):
        check.gamma("prior", (1, -2))

    @runtime_checkable
    class Conjugate(Protocol):
        def log_marginal(self, s): ...

    @runtime_checkable
    class Other(Protocol):
        def not_there(self): ...

    model = mixture.DPMixture(1.0, components.Gaussian(0, 1, 0.5))
    check.model(model)
    check.model(model, Conjugate)
    with pytest.raises(ValueError, match=r"model\.component = .*: expected a conjugate family"):
        check.model(model, Other)
