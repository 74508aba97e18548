"""Partitions and numbers of clusters far out, against mpmath.

alpha goes from 1e-300 to 1e300 and n up to 2**53. Differences of log-gammas lose up to 300 digits
there, so the reference has either 150 digits or the first term of a series whose second term is
below a double's precision.
"""

import math

import mpmath as mp
import numpy as np
import pytest

from dpnotes import clusters, crp, mixture

EPS = 2.0**-52
TINY, HUGE = 1e-20, 1e36
ALPHAS = [1e-300, 1e-100, 1e-17, 1e-12, 1e-5, 0.1, 0.5, 1.0, 2.0, 10 / 3, 19.9, 31.7, 1e3]
ALPHAS += [123456.7, 1e9, 1e12, 1e15, 2.0**53, 1e17, 1e20, 1e30, 1e100, 1e300]
NS = [1, 2, 3, 10, 31, 32, 33, 34, 100, 255, 256, 257, 1000, 10**6 + 1, 10**9, 10**12, 10**15]
NS += [2**53]
over_alpha = pytest.mark.parametrize("alpha", ALPHAS)
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
