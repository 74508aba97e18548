"""Partitions and numbers of clusters far out, against mpmath.

alpha goes from 1e-300 to 1e300 and n up to 2**53. Differences of log-gammas lose up to 300 digits
there, so the reference has either 150 digits or the first term of a series whose second term is
below a double's precision.
"""

import math
from fractions import Fraction

import mpmath as mp
import numpy as np
import pytest

from dpnotes import _numbers, clusters, crp, mixture, process, sticks

EPS = 2.0**-52
TINY, HUGE = 1e-20, 1e36
ALPHAS = [1e-300, 1e-100, 1e-17, 1e-12, 1e-5, 0.1, 0.5, 1.0, 2.0, 10 / 3, 19.9, 31.7, 1e3]
ALPHAS += [123456.7, 1e9, 1e12, 1e15, 2.0**53, 1e17, 1e20, 1e30, 1e100, 1e300]
NS = [1, 2, 3, 10, 31, 32, 33, 34, 100, 255, 256, 257, 1000, 10**6 + 1, 10**9, 10**12, 10**15]
NS += [2**53]
over_alpha = pytest.mark.parametrize("alpha", ALPHAS)
some_alpha = pytest.mark.parametrize("alpha", ALPHAS[::4])
over_n = pytest.mark.parametrize("n", NS)


@pytest.fixture(autouse=True)
def digits():
    with mp.workdps(150):
        yield


def log_over_one(n, a):
    """Sum of log(1 + a / i) over 1 <= i < n."""
    a = mp.mpf(a)
    if n == 1:
        return mp.mpf(0)
    if a < TINY:
        return a * harmonic(n)
    return mp.loggamma(a + n) - mp.loggamma(1 + a) - mp.loggamma(n)


def log_over_alpha(n, a):
    """Sum of log(1 + i / a) over i < n."""
    a = mp.mpf(a)
    if n == 1:
        return mp.mpf(0)
    if a > HUGE:
        return mp.mpf(n) * (n - 1) / (2 * a)
    return mp.loggamma(a + n) - mp.loggamma(a) - n * mp.log(a)


def harmonic(n):
    """Sum of 1 / i over 1 <= i < n."""
    return mp.digamma(n) + mp.euler


def log_rising(n, a):
    if a > 1:
        return n * mp.log(a) + log_over_alpha(n, a)
    return mp.log(a) + mp.loggamma(n) + log_over_one(n, a)


def log_eppf(sizes, a):
    n, K = sum(sizes), len(sizes)
    blocks = sum(map(mp.loggamma, sizes))
    if a > 1:
        return (K - n) * mp.log(a) + blocks - log_over_alpha(n, a)
    return (K - 1) * mp.log(a) + blocks - mp.loggamma(n) - log_over_one(n, a)


def log_eppf_finite(sizes, a, M):
    n, K = sum(sizes), len(sizes)
    if M == 1:
        return mp.mpf(0)
    chosen = sum(mp.log1p(-mp.mpf(i) / M) for i in range(K))
    each = mp.mpf(a) / M
    if a > HUGE:
        spread = sum(log_over_alpha(s, each) for s in sizes) - log_over_alpha(n, a)
        return chosen + (K - n) * mp.log(M) + spread
    return chosen + log_eppf(sizes, a) + sum(log_over_one(s, each) for s in sizes)


def log_pmf(n, a):
    """log P(K_n = k) at both ends of the support, in closed form."""
    log_a = mp.log(a)
    one, all_apart = log_eppf([n], a), n * log_a - log_rising(n, a)
    if a > 1:
        all_apart = -log_over_alpha(n, a)
    H, squares = harmonic(n), mp.zeta(2) - mp.polygamma(1, n)
    k = {1: one, n: all_apart}
    if n > 2:
        k[2] = one + log_a + mp.log(H)
        k[n - 1] = all_apart - log_a + mp.log(mp.binomial(n, 2))
    if n > 5:
        k[3] = one + 2 * log_a + mp.log((H**2 - squares) / 2)
        k[n - 2] = all_apart - 2 * log_a + mp.log(mp.binomial(n, 3) * (3 * n - 1) / 4)
    return k


def mean(n, a):
    a = mp.mpf(a)
    if a < TINY:
        return 1 + log_over_one(n, a)
    if a > HUGE:
        return mp.mpf(n) - log_over_alpha(n, a)
    return a * (mp.digamma(a + n) - mp.digamma(a))


def var(n, a):
    a = mp.mpf(a)
    if n == 1:
        return mp.mpf(0)
    if a < TINY:
        return log_over_one(n, a)
    if a > HUGE:
        return log_over_alpha(n, a)
    return mean(n, a) + a**2 * (mp.polygamma(1, a + n) - mp.polygamma(1, a))


def shapes(n):
    """Partitions of n, few blocks and many."""
    found = [[n]]
    if n > 1:
        found += [[n - 1, 1], [n // 2, n - n // 2]]
    if n > 3:
        found += [[n - 3, 3], [3, n - 3]]
    if 1 < n <= 1000:
        found += [[1] * n, [1] * (n - 2) + [2], [n - n // 2] + [1] * (n // 2)]
    return found


def error(got, want):
    """Relative error; a value too small for a double may be 0."""
    if abs(want) < 1e-307:
        return 0.0 if abs(got) < 1e-307 else math.inf
    return float(abs(mp.mpf(float(got)) - want) / abs(want))


@over_alpha
def test_the_law_of_one_partition(alpha):
    # The worst are two halves of n = 10**12 points, whose logarithms add up to a 37th of n log n,
    # and finitely many weights at alpha near n, where the logarithm of 1 in M is left of these.
    for n in NS:
        assert error(crp.log_rising(alpha, n), log_rising(n, alpha)) < 8 * EPS
        for sizes in shapes(n):
            assert error(crp.log_eppf(sizes, alpha), log_eppf(sizes, alpha)) < 1e-14
            for M in (1, 2, 10, 10**6, 2**53):
                got = mixture.log_eppf_finite(sizes, alpha, M)
                if len(sizes) > M:
                    assert got == -np.inf
                else:
                    assert error(got, log_eppf_finite(sizes, alpha, M)) < 2e-14


@over_alpha
def test_moments_of_the_number_of_clusters(alpha):
    for n in NS:
        law = clusters.NumClusters(n, alpha)
        lower, upper = clusters.bounds(n, alpha)
        assert error(law.mean(), mean(n, alpha)) < 8 * EPS
        assert error(law.var(), var(n, alpha)) < 8 * EPS
        assert error(lower, alpha * mp.log1p(n / mp.mpf(alpha))) < 8 * EPS
        assert error(upper, 1 + alpha * mp.log1p((n - 1) / mp.mpf(alpha))) < 8 * EPS


@over_alpha
def test_the_law_of_the_number_of_clusters(alpha):
    for n in NS:
        want = log_pmf(n, alpha)
        got = clusters.NumClusters(n, alpha).logpmf(list(want))
        for k, value in zip(want, got):
            assert error(value, want[k]) < 1e-12
    for n in (10, 100, 1000):
        k = np.arange(2, n, max(1, n // 50))
        stirling, rising = clusters.stirling(n), log_rising(n, alpha)
        got = clusters.NumClusters(n, alpha).logpmf(k)
        for j, value in zip(k.tolist(), got):
            want = mp.log(stirling[j]) + j * mp.log(alpha) - rising
            assert error(value, want) < 1e-12


@over_n
def test_estimate(n):
    # The estimate is off by a relative r where the mean there is off by r times the variance.
    for k in {2, 3, n // 100, n // 2, n - n // 10, n - 10, n - 3, n - 2, n - 1}:
        if 1 < k < n:
            alpha, std = clusters.estimate_alpha(k, n)
            assert abs(mean(n, alpha) - k) < 2e-14 * var(n, alpha)
            assert error(std, alpha / mp.sqrt(var(n, alpha))) < 8 * EPS


@pytest.mark.parametrize("a", ALPHAS[2:])
def test_beta_functions_and_their_expected_logarithms(a):
    for b in ALPHAS[2:]:
        with mp.workdps(60 + int(2 * abs(math.log10(a)) + 2 * abs(math.log10(b)))):
            logs = [mp.loggamma(a), mp.loggamma(b), -mp.loggamma(mp.mpf(a) + b)]
            want, small = sum(logs), min(a, b)
            near = 32 * EPS * float(abs(want) + abs(mp.loggamma(small)) + small)
            assert abs(_numbers.log_beta(a, b) - want) < near
            if min(a, b) >= 1:  # as on sticks that hold a point
                want = mp.digamma(mp.mpf(a) + b) - mp.digamma(a)
                assert error(_numbers.digamma_step(a, b), want) < 64 * EPS


# From the sticks, where factorials of the number of points were taken.


@pytest.mark.slow
@some_alpha
def test_partitions_from_the_sticks(alpha):
    # A product or a sum of positive terms, each right to a few ulps: at most one for each point.
    for sizes in ([200, 3], [3, 200], [171], [1] * 171, [1100, 7, 2], [1] * 1100, [50, 50, 50]):
        want = mp.exp(log_eppf(sizes, alpha))
        near = 4 * EPS * sum(sizes)
        assert error(sticks.eppf(sizes, alpha), want) < near
        assert error(sticks.eppf_size_biased(sizes, alpha), want) < near
        assert error(np.exp(crp.log_eppf(sizes, alpha)), want) < near + 1e-14 * 700


@pytest.mark.slow
@some_alpha
def test_labels_and_truncation_from_the_sticks(alpha):
    labels, exactly = [0] * 170 + [2] * 30 + [1] * 3, Fraction(alpha)
    want = sticks.label_prob(labels, exactly)
    assert error(sticks.label_prob(labels, alpha), rational(want)) < 4 * EPS * 203
    row, sizes = [0] * 170 + [1] * 30, [170, 30]
    some, every = sticks.eppf(sizes, exactly, truncation=3), sticks.eppf(sizes, exactly)
    if some / every < 1e300:
        ratio = sticks.truncation_ratio([row], alpha, 3)[0]
        assert error(ratio, rational(some / every)) < 1e-12
    for n, T in ((2, 1), (5, 3), (9, 5)):
        want = sticks.truncation_distance(exactly, T, n)
        assert error(sticks.truncation_distance(alpha, T, n), rational(want)) < 100 * EPS
        assert sticks.truncation_distance(alpha, T, n) <= 1
        assert want <= sticks.truncation_bound(alpha, T, n) * (1 + 8 * EPS) + 1e-300


@pytest.mark.slow
@some_alpha
def test_moments_of_cells(alpha):
    # With dyadic probabilities the parameters of the Dirichlet law are exact.
    for powers, probs in (
        ([171], [1.0]),
        ([200, 3], [0.25, 0.75]),
        ([170, 1, 2], [0.5, 0.25, 0.25]),
    ):
        want, n = -log_rising(sum(powers), alpha), sum(powers)
        want += sum(log_rising(m, alpha * p) for m, p in zip(powers, probs))
        assert error(sticks.cell_moment(powers, probs, alpha), mp.exp(want)) < 1e-12 * n
        law = process.Dirichlet([alpha * p for p in probs])
        assert error(law.moment(powers), mp.exp(want)) < 8 * EPS * n


@pytest.mark.slow
def test_the_sticks_are_exact_for_rationals_however_many_points():
    assert sticks.eppf([200, 3], 1) == crp.eppf([200, 3], 1)
    assert sticks.eppf([1] * 1100, 2) == crp.eppf([1] * 1100, 2)
    assert sticks.eppf_size_biased([1100, 7, 2], Fraction(1, 3)) == crp.eppf(
        [1100, 7, 2], Fraction(1, 3)
    )
    law = process.Dirichlet([Fraction(1, 2)] * 2)
    moment = sticks.cell_moment([200, 3], [Fraction(1, 2)] * 2, 1)
    assert moment == law.moment([200, 3]) and isinstance(moment, Fraction)


def rational(fraction):
    return mp.mpf(fraction.numerator) / fraction.denominator
