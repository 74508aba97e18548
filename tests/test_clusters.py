"""The law of K_n against exact rationals, mpmath, enumeration and simulation."""

import itertools
import math
import time
from collections import Counter
from fractions import Fraction

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special, stats

from dpnotes import clusters, crp
from dpnotes.clusters import NumClusters

ALPHAS = [1e-3, 1e-2, 0.1, 0.5, 1.0, 2.0, 10.0, 100.0, 1e3]
SIZES = [1, 2, 3, 10, 255, 256, 257, 10**3, 10**6, 10**9]


def stirling_exact(n):
    """Coefficients of x(x+1)...(x+n-1), written apart from the package."""
    row = [1]
    for m in range(n):
        new = [0] * (len(row) + 1)
        for k, c in enumerate(row):
            new[k] += m * c
            new[k + 1] += c
        row = new
    return row


def rising(a, n):
    return math.prod(a + i for i in range(n))


def seatings(n, alpha):
    """Every sequence of labels by order of appearance, with its probability by the rule."""
    states = [((), Fraction(1))]
    for i in range(n):
        states = [
            (labels + (k,), p * (Fraction(labels.count(k)) if k in labels else alpha) / (alpha + i))
            for labels, p in states
            for k in range(len(set(labels)) + 1)
        ]
    return states


def openings(labels):
    return tuple(int(k not in labels[:i]) for i, k in enumerate(labels))


def sorted_sizes(labels):
    return tuple(sorted(Counter(labels).values(), reverse=True))


def ewens_given_k(n, k):
    """Law of the sorted sizes given K_n = k, as rationals, by enumeration of seatings."""
    law = Counter()
    for labels, p in seatings(n, Fraction(1)):
        if len(set(labels)) == k:
            law[sorted_sizes(labels)] += p
    total = sum(law.values())
    return {sizes: p / total for sizes, p in law.items()}


# --- the law -----------------------------------------------------------------------------


@pytest.mark.checks("DP-0077", how="exact")
@pytest.mark.parametrize("alpha", [Fraction(1, 3), Fraction(1), Fraction(5, 2)])
def test_openings_are_independent(alpha):
    n = 7
    law = Counter()
    for labels, p in seatings(n, alpha):
        law[openings(labels)] += p
    for pattern in itertools.product([0, 1], repeat=n):
        chances = [alpha / (alpha + i) for i in range(n)]
        product = math.prod(c if x else 1 - c for c, x in zip(chances, pattern))
        assert law[pattern] == product


@pytest.mark.checks("DP-0082", how="exact")
@pytest.mark.parametrize("alpha", [Fraction(1, 3), Fraction(1), Fraction(5, 2)])
def test_law_by_enumeration(alpha):
    n = 7
    law = Counter()
    for labels, p in seatings(n, alpha):
        law[len(set(labels))] += p
    s = clusters.stirling(n)
    assert [law[k] for k in range(n + 1)] == [
        alpha**k * s[k] / rising(alpha, n) for k in range(n + 1)
    ]
    for z in (Fraction(1, 2), Fraction(3)):
        pgf = sum(p * z**k for k, p in law.items())
        assert pgf == rising(alpha * z, n) / rising(alpha, n)
    products = Counter()
    for labels, _ in seatings(n, alpha):
        products[len(set(labels))] += math.prod(math.factorial(b - 1) for b in sorted_sizes(labels))
    assert [products[k] for k in range(n + 1)] == s


@pytest.mark.checks("DP-0082", "DP-0083", how="exact")
@pytest.mark.parametrize("n", [1, 2, 3, 5, 17, 64, 128, 199, 200])
def test_logpmf_against_exact_stirling_numbers(n):
    s = stirling_exact(n)
    k = np.arange(1, n + 1)
    with mpmath.workdps(40):
        for alpha in ALPHAS:
            a = Fraction(alpha)
            law = NumClusters(n, alpha)
            logpmf, pmf = law.logpmf(k).tolist(), law.pmf(k).tolist()
            total = rising(a, n)
            for j, (log_p, p) in enumerate(zip(logpmf, pmf), start=1):
                ratio = a**j * s[j] / total
                exact = mpmath.mpf(ratio.numerator) / ratio.denominator
                if n > 1:
                    assert abs(log_p / mpmath.log(exact) - 1) < 1e-11
                if exact > 1e-290:
                    assert abs(p / exact - 1) < 1e-11
                elif exact < 1e-325:
                    assert p == 0


def log_stirling(n, k):
    """log |s(n, k)| from Cauchy's integral in 60 digits, by the trapezoidal rule."""
    with mpmath.workdps(60):
        # Any radius is exact up to aliasing; this one keeps k near the middle.
        r = mpmath.mpf(k) / mpmath.log(n)
        points = 40 * math.isqrt(k) + 80
        log_rising = lambda w: mpmath.loggamma(w + n) - mpmath.loggamma(w)
        level = log_rising(r)
        total = mpmath.mpf(0)
        for j in range(points):
            t = 2 * mpmath.pi * (j + mpmath.mpf(1) / 2) / points
            value = mpmath.exp(log_rising(r * mpmath.expj(t)) - level - 1j * k * t)
            total += value.real
        return mpmath.log(total / points) + level - k * mpmath.log(r)


@pytest.mark.checks("DP-0082", "DP-0083", how="numerical")
@pytest.mark.parametrize("n, ks", [(1000, [2, 7, 30]), (10**6, [2, 14, 60, 150])])
def test_logpmf_against_mpmath(n, ks):
    reference = {k: log_stirling(n, k) for k in ks}
    with mpmath.workdps(40):
        for alpha in (1e-3, 1.0, 50.0, 1e3):
            got = NumClusters(n, alpha).logpmf(ks)
            total = mpmath.loggamma(mpmath.mpf(alpha) + n) - mpmath.loggamma(alpha)
            for k, log_p in zip(ks, got):
                exact = k * mpmath.log(alpha) + reference[k] - total
                assert abs(log_p / exact - 1) < 1e-11


def test_logpmf_at_the_ends_of_a_long_range():
    n = 10**6
    with mpmath.workdps(40):
        log_factorial = mpmath.loggamma(n)
        closed = {
            1: log_factorial,
            2: log_factorial + mpmath.log(mpmath.harmonic(n - 1)),
            n - 2: mpmath.log(mpmath.mpf(3 * n - 1) / 4 * math.comb(n, 3)),
            n - 1: mpmath.log(math.comb(n, 2)),
            n: mpmath.mpf(0),
        }
        for alpha in (1e-3, 1.0, 1e3, 1e9):
            a = mpmath.mpf(alpha)
            total = mpmath.loggamma(a + n) - mpmath.loggamma(a)
            got = NumClusters(n, alpha).logpmf(list(closed))
            for (k, log_s), log_p in zip(closed.items(), got):
                exact = k * mpmath.log(a) + log_s - total
                assert abs(log_p - exact) < 1e-11 * max(1, abs(exact)) + 2e-10 * (k > n // 2)


@pytest.mark.parametrize("alpha", [1e-3, 1.0, 37.0, 1e3, 2e4, 1e6])
@pytest.mark.parametrize("n", [1, 2, 300, 10**4, 10**6, 10**12])
def test_pmf_sums_to_one_and_agrees_with_moments_and_cdf(n, alpha):
    law = NumClusters(n, alpha)
    first, probs, total = law._table
    k = np.arange(first, first + len(probs))
    # A block is carried over from up to 8 deviations away: the two logarithms that this takes are
    # up to 8 mean / std, and so is their rounding, in units of 1e-16.
    slack = 1e-12 + 2e-15 * law.mean() / (1 + law.std())
    assert abs(probs.sum() - 1) < slack
    mean = (k - k[0]) @ probs + k[0]
    assert abs(mean - law.mean()) < 1e-12 * k[-1]
    assert abs((k - law.mean()) ** 2 @ probs - law.var()) < 1e-10 * max(1, law.var())
    assert (np.diff(total) >= 0).all() and total[-1] == 1
    middle = int(law.mean())
    below = probs[k <= middle].sum()
    assert abs(law.cdf(middle) - below) < slack
    assert law.cdf(middle + 0.5) == law.cdf(middle)
    assert law.cdf(0) == 0 and law.cdf(n) == 1


@pytest.mark.checks("DP-0083", how="exact")
@pytest.mark.parametrize("r", [Fraction(1, 50), Fraction(5, 2), Fraction(1000)])
@pytest.mark.parametrize("n", [1, 2, 12])
def test_tilting(n, r):
    alpha = Fraction(3, 4)
    s = stirling_exact(n)
    law = [alpha**k * s[k] / rising(alpha, n) for k in range(n + 1)]
    tilted = [(alpha * r) ** k * s[k] / rising(alpha * r, n) for k in range(n + 1)]
    pgf = sum(p * r**k for k, p in enumerate(law))
    assert tilted == [p * r**k / pgf for k, p in enumerate(law)]


@pytest.mark.checks("DP-0082", "DP-0083", how="numerical")
@pytest.mark.parametrize("n", [1, 2, 200, 10**6])
@pytest.mark.parametrize("alpha", [0.3, 1.0, 50.0])
def test_the_two_ends_have_closed_forms(n, alpha):
    """No tilt has its mean at k = 1 or k = n; |s(n, 1)| = (n - 1)! and |s(n, n)| = 1."""
    for r in (1e-6, 1e-2, 1e2, 1e6):
        assert n == 1 or 1 < NumClusters(n, alpha * r).mean() < n
    with mpmath.workdps(40):
        a = mpmath.mpf(alpha)
        total = mpmath.loggamma(a + n) - mpmath.loggamma(a)
        ends = mpmath.log(a) + mpmath.loggamma(n) - total, n * mpmath.log(a) - total
    for log_p, exact in zip(NumClusters(n, alpha).logpmf([1, n]), ends):
        assert abs(log_p - exact) < 1e-11 * max(1, abs(exact))


@pytest.mark.checks("DP-0083", how="numerical")
def test_few_points_of_the_circle_matter():
    """With 16 sigma of them the bound (c) is above 1e-16 at 47 at most, if sigma >= 10."""
    for std in np.geomspace(10, 1e6, 200):
        points = math.ceil(16 * std)
        t = 2 * np.pi * np.arange(points // 2 + 1) / points
        above = np.count_nonzero(np.exp(-(1 - np.cos(t[:100])) * std**2) > 1e-16)
        assert above < 100 and 30 < 2 * above - 1 <= 47


@pytest.mark.checks("DP-0083", how="numerical")
@pytest.mark.parametrize("points", [5, 9, 20, 64])
def test_points_on_a_circle_give_the_law_modulo_their_number(points):
    n, alpha = 20, 1.5
    z = np.exp(2j * np.pi * np.arange(points) / points)
    pgf = np.prod([(alpha * z + i) / (alpha + i) for i in range(n)], axis=0)
    var = sum(alpha * i / (alpha + i) ** 2 for i in range(n))
    assert (np.abs(pgf) <= np.exp(-(1 - z.real) * var) * (1 + 1e-12)).all()
    recovered = np.fft.fft(pgf).real / points
    folded = np.zeros(points)
    s = stirling_exact(n)
    for k in range(1, n + 1):
        folded[k % points] += float(Fraction(3, 2) ** k * s[k] / rising(Fraction(3, 2), n))
    assert np.abs(recovered - folded).max() < 1e-14


@pytest.mark.native
def test_pmf_at_a_million_takes_milliseconds():
    times = []
    for alpha in (0.9, 1.0, 1.1, 1.2, 1.3):
        start = time.perf_counter()
        NumClusters(10**6, alpha).pmf(np.arange(1, 100))
        times.append(time.perf_counter() - start)
    assert min(times) < 0.05


@given(st.integers(1, 400), st.floats(1e-6, 1e6))
@settings(deadline=None, max_examples=50, derandomize=True)
def test_recursion_in_n(n, alpha):
    law, longer = NumClusters(n, alpha), NumClusters(n + 1, alpha)
    k = np.arange(1, n + 2)
    p = alpha / (alpha + n)
    expected = law.pmf(k) * (1 - p) + law.pmf(k - 1) * p
    assert np.allclose(longer.pmf(k), expected, rtol=1e-10, atol=1e-300)


# --- moments and bounds ---------------------------------------------------------------------


@pytest.mark.checks("DP-0078", how="exact")
@pytest.mark.parametrize("alpha", [Fraction(1, 8), Fraction(1), Fraction(9, 2)])
def test_moments_by_enumeration(alpha):
    n = 7
    law = Counter()
    for labels, p in seatings(n, alpha):
        law[len(set(labels))] += p
    mean = sum(k * p for k, p in law.items())
    var = sum((k - mean) ** 2 * p for k, p in law.items())
    assert mean == sum(alpha / (alpha + i) for i in range(n))
    assert var == sum(alpha * i / (alpha + i) ** 2 for i in range(n))
    package = NumClusters(n, float(alpha))
    assert math.isclose(package.mean(), mean, rel_tol=1e-14)
    assert math.isclose(package.var(), var, rel_tol=1e-14)


@pytest.mark.checks("DP-0078", how="numerical")
@pytest.mark.parametrize("alpha", ALPHAS + [1e9])
def test_moments_against_sums_and_polygamma(alpha):
    i = np.arange(10**5)
    law = NumClusters(10**5, alpha)
    assert math.isclose(law.mean(), math.fsum(alpha / (alpha + i)), rel_tol=1e-14)
    assert math.isclose(law.var(), math.fsum(alpha * i / (alpha + i) ** 2), rel_tol=1e-13)
    with mpmath.workdps(60):
        a = mpmath.mpf(alpha)
        for n in SIZES + [10**12]:
            mean = a * (mpmath.psi(0, a + n) - mpmath.psi(0, a))
            var = mean + a**2 * (mpmath.psi(1, a + n) - mpmath.psi(1, a))
            law = NumClusters(n, alpha)
            assert abs(law.mean() - mean) < 1e-14 * mean
            assert abs(law.var() - var) <= 1e-13 * var + 1e-50
            assert law.std() == math.sqrt(law.var())


@pytest.mark.checks("DP-0080", how="numerical")
def test_digamma_against_logarithm():
    with mpmath.workdps(40):
        for x in map(mpmath.mpf, ("1e-6", "0.01", "0.5", "1", "1.46", "7", "1e4", "1e12")):
            psi = mpmath.psi(0, x)
            assert mpmath.log(x) - 1 / x <= psi <= mpmath.log(x)
            assert abs(mpmath.diff(mpmath.loggamma, x) - psi) < 1e-12 * (1 + abs(psi))


@pytest.mark.checks("DP-0081", how="numerical")
@pytest.mark.parametrize("alpha", ALPHAS)
@pytest.mark.parametrize("n", SIZES)
def test_bounds_on_the_mean(n, alpha):
    mean = NumClusters(n, alpha).mean()
    lower, upper = clusters.bounds(n, alpha)
    rounding = 1e-14 * mean
    assert lower < mean + rounding and mean <= upper + rounding
    assert lower > mean - 1 and upper < mean + 1
    # The rate in the proof: |psi(alpha + n) - log n| <= max(alpha, 1) / n.
    error = mean - alpha * math.log(n) + alpha * special.digamma(alpha)
    assert abs(error) <= alpha * max(alpha, 1) / n + 1e-14 * (mean + alpha * math.log(n) + 1)


@pytest.mark.checks("DP-0079", how="exact")
def test_the_bound_of_the_notes_fails_below_one():
    for n in (1, 2, 5, 40):
        harmonic = sum(Fraction(1, i) for i in range(1, n + 1))
        for alpha in (Fraction(1, 100), Fraction(1, 2), Fraction(99, 100)):
            assert sum(alpha / (alpha + i) for i in range(n)) > alpha * harmonic
        for alpha in (Fraction(1), Fraction(101, 100), Fraction(20)):
            assert sum(alpha / (alpha + i) for i in range(n)) <= alpha * harmonic
        for alpha in (Fraction(1, 100), Fraction(99, 100), Fraction(1), Fraction(20)):
            repaired = 1 + alpha * (harmonic - Fraction(1, n))
            assert sum(alpha / (alpha + i) for i in range(n)) <= repaired


@pytest.mark.checks("DP-0079", how="numerical")
@pytest.mark.parametrize("n", SIZES)
def test_the_bound_of_the_notes_on_the_grid(n):
    harmonic = float(mpmath.harmonic(n))
    for alpha in ALPHAS:
        mean = NumClusters(n, alpha).mean()
        if alpha < 1:
            assert mean > alpha * harmonic
        else:
            assert mean <= alpha * harmonic * (1 + 1e-14)
        assert mean <= (1 + alpha * (harmonic - 1 / n)) * (1 + 1e-14)


# --- limits and approximations ---------------------------------------------------------------


@pytest.mark.checks("DP-0084", how="numerical")
@pytest.mark.parametrize("alpha", [0.3, 1.0, 5.0])
def test_law_of_large_numbers(alpha):
    # Chebyshev's bound of the proof, and the probability itself, at n = exp(j^2).
    outside = []
    for j in (2, 3, 4, 5, 6):
        n = math.ceil(math.exp(j * j))
        law = NumClusters(n, alpha)
        mean = law.mean()
        chance = law.cdf(0.5 * mean) + 1 - law.cdf(1.5 * mean)
        assert chance <= 1 / (0.25 * mean) + 1e-12
        assert mean >= alpha * math.log1p(n / alpha)
        outside.append(chance)
    assert outside[-1] < 0.5 * outside[0]


@pytest.mark.checks("DP-0084", how="numerical")
def test_law_of_large_numbers_along_a_path():
    """Sixty single paths to n = exp(600), alpha = 1: the next opening after n is ceil(n / U)."""
    rng, checkpoints = np.random.default_rng(11), np.arange(1, 601)
    worst = []
    for _ in range(60):
        # log n of each opening; while n is small the ceiling counts.
        n, times = 1.0, [0.0]
        while n < 2.0**52:
            n = math.ceil(n / rng.random())
            times.append(math.log(n))
        while times[-1] < 600:
            times.append(times[-1] - math.log(rng.random()))
        k = np.searchsorted(times, checkpoints, side="right")
        away = np.abs(k / checkpoints - 1)
        worst.append([away[m:].max() for m in (25, 100, 400)])
    # After exp(m) the path is within 6 / sqrt(m) for good, by the inequality of Hajek and Renyi
    # but for one path in eighteen at most.
    worst = np.array(worst)
    assert np.mean(worst < 6 / np.sqrt([25, 100, 400]), axis=0) == pytest.approx([1, 1, 1], abs=0.1)
    assert (np.diff(np.median(worst, axis=0)) < -0.03).all()


@pytest.mark.checks("DP-0084", how="numerical")
@pytest.mark.parametrize("alpha", [0.3, 5.0])
def test_paths_of_the_restaurant_stay_near_their_mean(alpha):
    n, runs = 10**5, 60
    p = alpha / (alpha + np.arange(n))
    mean, std = np.cumsum(p), np.sqrt(np.cumsum(p * (1 - p)))
    rng, at = np.random.default_rng(5), np.array([10, 1000, n]) - 1
    reached, beyond = [], 0
    for _ in range(runs):
        tables = np.maximum.accumulate(crp.sample(n, alpha, rng=rng)) + 1
        assert tables[0] == 1 and (np.diff(tables) >= 0).all()
        reached.append(tables[at])
        beyond += np.abs(tables - mean).max() > 3 * std[-1]
    # Kolmogorov's inequality, for the whole path: beyond with probability 1/9 at most.
    assert beyond <= runs / 9 + 3 * (runs / 9) ** 0.5
    assert (np.abs(np.mean(reached, axis=0) - mean[at]) < 4.9 * std[at] / runs**0.5).all()


def kolmogorov_distance(law):
    first, probs, total = law._table
    k = np.arange(first, first + len(probs))
    normal = stats.norm.cdf((k - law.mean()) / law.std())
    before = np.r_[0.0, total[:-1]]
    return max(np.abs(total - normal).max(), np.abs(before - normal).max())


@pytest.mark.checks("DP-0085", how="numerical")
@pytest.mark.parametrize("alpha", [0.3, 1.0, 20.0])
def test_central_limit_theorem(alpha):
    distances = []
    for n in (10**2, 10**6, 10**12):
        law = NumClusters(n, alpha)
        first, probs, _ = law._table
        k = np.arange(first, first + len(probs))
        std = law.std()
        for t in (0.5, 1.0, 2.0):
            phi = np.exp(1j * t * (k - law.mean()) / std) @ probs
            bound = t**3 / (6 * std) + t**4 / (8 * std**2)
            assert abs(phi - np.exp(-t * t / 2)) <= bound + 1e-12
        distances.append(kolmogorov_distance(law))
        # Shevtsova's constant in the Berry-Esseen inequality for unequal summands; Chebyshev below.
        assert 3 / (8 * (4 * std + 1)) <= distances[-1] <= 0.56 / std
    assert distances[0] > distances[1] > distances[2]


def poisson_distance(law, shift):
    """Total variation between K_n and shift + Poisson(E K_n - shift)."""
    first, probs, _ = law._table
    k = np.arange(0, first + len(probs) + 60)
    poisson = stats.poisson.pmf(k - shift, law.mean() - shift)
    return (np.abs(law.pmf(k) - poisson).sum() + max(0.0, 1 - poisson.sum())) / 2


@pytest.mark.checks("DP-0087", how="numerical")
@pytest.mark.parametrize("alpha", [1e-3, 0.1, 0.5, 1.0, 3.0, 20.0])
@pytest.mark.parametrize("n", [2, 10, 1000, 10**6, 10**9])
def test_poisson_bounds(n, alpha):
    law = NumClusters(n, alpha)
    rate = law.mean() - 1
    squares = law.mean() - law.var() - 1
    distance = poisson_distance(law, shift=1)
    assert squares <= min(alpha, alpha**2 * math.pi**2 / 6) + 1e-12
    assert distance <= squares + 1e-12
    assert distance <= -math.expm1(-rate) / rate * squares + 1e-12
    # The bound has the right order: the distance is never below a twentieth of it.
    assert distance >= 0.05 * min(1, 1 / rate) * squares - 1e-12


NORMAL_DISTANCE = (1 + 4 * math.exp(-1.5)) / 6 / math.sqrt(2 * math.pi)


@pytest.mark.parametrize("rate", [1e2, 1e4, 1e6])
def test_distance_of_a_poisson_law_from_the_rounded_normal(rate):
    k = np.arange(max(0, int(rate - 40 * rate**0.5)), int(rate + 40 * rate**0.5))
    normal = np.diff(stats.norm.cdf(np.r_[k[0], k + 1] - 0.5, rate, rate**0.5))
    distance = np.abs(stats.poisson.pmf(k, rate) - normal).sum() / 2
    assert abs(distance - NORMAL_DISTANCE / rate**0.5) < 1 / rate


@pytest.mark.checks("DP-0087", how="numerical")
@pytest.mark.parametrize("alpha", [0.5, 1.0, 3.0])
def test_the_poisson_law_wins_in_the_end(alpha):
    """The Poisson distance is of the order 1 / rate, the normal one 0.126 / std + O(1 / rate)."""
    quotients = []
    for n in (10**4, 10**9, 10**15):
        law = NumClusters(n, alpha)
        rate, std = law.mean() - 1, law.std()
        squares = rate - law.var()
        first, probs, _ = law._table
        edges = np.r_[first, first + 1 + np.arange(len(probs))] - 0.5
        normal = np.abs(probs - np.diff(stats.norm.cdf(edges, law.mean(), std))).sum() / 2
        poisson = poisson_distance(law, shift=1)
        assert squares * min(1, 1 / rate) / 32 <= poisson
        assert abs(normal - NORMAL_DISTANCE / std) < (1 + alpha) / rate
        quotients.append(poisson / normal)
    assert quotients[0] > quotients[1] > quotients[2] and quotients[2] < 1


@pytest.mark.checks("DP-0087", how="numerical")
def test_poisson_coupling_of_one_indicator():
    # The coupling of the proof misses with probability p (1 - exp(-p)) <= p^2.
    for p in np.linspace(0.01, 0.99, 25):
        u = (np.arange(10**5) + 0.5) / 10**5
        count = np.searchsorted(stats.poisson.cdf(np.arange(12), p), u)
        miss = ((u > 1 - p) != count).mean()
        assert abs(miss - p * -math.expm1(-p)) < 1e-4
        assert p * -math.expm1(-p) <= p * p


@pytest.mark.checks("DP-0086", how="numerical")
@pytest.mark.parametrize("rate", [0.2, 1.0, 7.0])
def test_stein_solution_is_smooth(rate):
    j = np.arange(60)
    pmf, cdf = stats.poisson.pmf(j, rate), stats.poisson.cdf(j, rate)
    rng = np.random.default_rng(1)
    sets = [j == 0, j <= 3, j % 2 == 0, rng.random(60) < 0.5] + [j == i for i in range(10)]
    top = int(6 + 2 * rate)
    steepest = 0.0
    for inside in sets:
        chance = (pmf * inside).sum()
        # g(j + 1) = (P(A and U_j) - P(A) P(U_j)) / (rate P(j)), before rounding takes over
        g = (np.cumsum(pmf * inside) - chance * cdf)[:top] / (rate * pmf[:top])
        left = rate * g[1:] - j[1:top] * g[:-1]
        assert np.abs(left - (inside[1:top] - chance)).max() < 1e-7
        steepest = max(steepest, np.abs(np.diff(g)).max())
    bound = -math.expm1(-rate) / rate
    assert 0.5 * bound < steepest <= bound + 1e-7


# --- alpha from K_n --------------------------------------------------------------------------


@pytest.mark.checks("DP-0088", how="exact")
@pytest.mark.parametrize("k", [1, 2, 3, 6])
def test_partition_given_k_is_free_of_alpha(k):
    n = 6
    s = stirling_exact(n)
    for alpha in (Fraction(1, 7), Fraction(1), Fraction(13, 2)):
        states = [(labels, p) for labels, p in seatings(n, alpha) if len(set(labels)) == k]
        total = sum(p for _, p in states)
        kinds = Counter()
        for labels, p in states:
            blocks = Counter(labels).values()
            assert p / total == Fraction(math.prod(math.factorial(b - 1) for b in blocks), s[k])
            kinds[sorted_sizes(labels)] += p / total
        for sizes, p in kinds.items():
            c = Counter(sizes)
            repeats = math.prod(j**each * math.factorial(each) for j, each in c.items())
            assert p == Fraction(math.factorial(n), s[k] * repeats)


@pytest.mark.checks("DP-0088", how="exact")
def test_no_estimate_of_alpha_is_unbiased():
    """alpha^[n] E T has degree n at most in alpha, and alpha^[n] alpha has degree n + 1."""
    n = 5
    # Were E T = alpha at n + 2 points, the n + 1 values T(1), ..., T(n), and alpha itself, would
    # be linearly dependent as functions of alpha on them: the rank says no.
    s, alphas = stirling_exact(n), [Fraction(i, 3) for i in range(1, n + 2)]
    rows = [[a**k * s[k] for k in range(1, n + 1)] + [a * rising(a, n)] for a in alphas]
    determinant = Fraction(1)
    for i in range(n + 1):
        pivot = next(r for r in range(i, n + 1) if rows[r][i])
        rows[i], rows[pivot] = rows[pivot], rows[i]
        determinant *= rows[i][i]
        for r in range(i + 1, n + 1):
            factor = rows[r][i] / rows[i][i]
            rows[r] = [x - factor * y for x, y in zip(rows[r], rows[i])]
    assert determinant != 0


@pytest.mark.checks("DP-0089", how="numerical")
@pytest.mark.parametrize("n, k", [(3, 2), (50, 49), (100, 2), (100, 17), (10**6, 14), (10**9, 500)])
def test_estimate_solves_the_likelihood_equation(n, k):
    estimate, error = clusters.estimate_alpha(k, n)
    assert math.isclose(NumClusters(n, estimate).mean(), k, rel_tol=1e-12)
    score = [NumClusters(n, estimate * math.exp(h)).logpmf(k) for h in (-1e-2, 0.0, 1e-2)]
    assert score[1] > score[0] and score[1] > score[2]
    # Second difference of the log likelihood in log alpha: minus Var K_n.
    curvature = (score[0] - 2 * score[1] + score[2]) / 1e-4
    assert math.isclose(-curvature, (estimate / error) ** 2, rel_tol=2e-3)


@pytest.mark.checks("DP-0089", how="numerical")
def test_estimate_settles_at_the_stated_rate():
    # Exact standard deviation of the estimate under the law of K_n, against sqrt(alpha / log n).
    alpha = 2.0
    ratios = []
    for n in (10**4, 10**8, 10**15):
        law = NumClusters(n, alpha)
        k = np.arange(2, 160)
        p = law.pmf(k)
        estimates = np.array([clusters.estimate_alpha(int(j), n)[0] for j in k])
        mean = p @ estimates / p.sum()
        std = math.sqrt(p @ (estimates - mean) ** 2 / p.sum())
        ratios.append(std / math.sqrt(alpha / math.log(n)))
    assert abs(ratios[-1] - 1) < 0.05
    assert abs(ratios[2] - 1) < abs(ratios[1] - 1) < abs(ratios[0] - 1)


@pytest.mark.slow
@pytest.mark.checks("DP-0090", how="exact")
@pytest.mark.parametrize("alpha", [Fraction(1, 2), Fraction(3)])
def test_gaps_between_openings_have_the_law_of_the_sizes(alpha):
    # As sequences: the gaps from the last, the sizes in size-biased order.
    n = 7
    gaps, sizes = Counter(), Counter()
    for labels, p in seatings(n, alpha):
        for order in itertools.permutations(Counter(labels).values()):
            left, chance = n, p
            for size in order:
                chance *= Fraction(size, left)
                left -= size
            sizes[order] += chance
    for pattern in itertools.product([0, 1], repeat=n - 1):
        times = [i + 1 for i, x in enumerate((1, *pattern)) if x] + [n + 1]
        chances = [alpha / (alpha + i) for i in range(n)]
        p = math.prod(c if x else 1 - c for c, x in zip(chances, (1, *pattern)))
        gaps[tuple(np.diff(times)[::-1].tolist())] += p
    assert gaps == sizes


@pytest.mark.checks("DP-0091", how="numerical")
@pytest.mark.parametrize("n, k", [(8, 1), (8, 3), (8, 7), (8, 8)])
def test_sampled_sizes_given_k(n, k):
    draws = 20_000
    law = ewens_given_k(n, k)
    rows = clusters.sample_sizes_given(n, k, draws, rng=1)
    assert (rows.sum(axis=1) == n).all() and rows.min() >= 1
    counts = Counter(tuple(sorted(row, reverse=True)) for row in rows.tolist())
    assert set(counts) <= set(law)
    if len(law) > 1:
        expected = np.array([float(p) * draws for p in law.values()])
        observed = np.array([counts[sizes] for sizes in law])
        assert stats.chisquare(observed, expected).pvalue > 1e-3
    # Size-biased: given the sizes, the first is the block of a uniformly chosen draw.
    z = rows[:, 0] - (rows**2).sum(axis=1) / n
    assert abs(z.mean()) <= 4 * z.std() / math.sqrt(draws)


def test_sampled_sizes_in_a_large_restaurant():
    n, k = 5000, 40
    rows = clusters.sample_sizes_given(n, k, 4000, rng=2)
    # E(first size | k) from the recursion: P(last opening <= t) is |s(t, k)| / (t-1)!, normalised.
    weight = np.ones(n)
    for _ in range(k - 1):
        weight = np.r_[0.0, np.cumsum(weight[:-1] / np.arange(1, n))]
    expected = n + 1 - (np.arange(1, n + 1) @ np.diff(np.r_[0.0, weight])) / weight[-1]
    error = rows[:, 0].std() / math.sqrt(len(rows))
    assert abs(rows[:, 0].mean() - expected) < 4 * error


@pytest.mark.checks("DP-0088", how="exact")
@pytest.mark.parametrize("counts", [[5, 2, 1], [3, 3, 2], [6, 1, 1], [4, 4], [1] * 8, [8], [2, 1]])
def test_homozygosity_by_enumeration(counts):
    n, k = sum(counts), len(counts)
    law = ewens_given_k(n, k)
    square = lambda sizes: sum(j * j for j in sizes)
    f, product = square(counts), math.prod(counts)
    test = clusters.homozygosity_test(counts)
    assert test.draws == 0 and test.errors == (0, 0, 0)
    exact = {
        "homozygosity": Fraction(f, n * n),
        "expected": sum(p * square(sizes) for sizes, p in law.items()) / n**2,
        "p_lower": sum(p for sizes, p in law.items() if square(sizes) <= f),
        "p_upper": sum(p for sizes, p in law.items() if square(sizes) >= f),
        "p_slatkin": sum(p for sizes, p in law.items() if math.prod(sizes) >= product),
    }
    for name, value in exact.items():
        assert math.isclose(getattr(test, name), value, rel_tol=1e-13), name
    assert clusters.homozygosity_test(counts[::-1]) == test


@pytest.mark.checks("DP-0091", how="numerical")
@pytest.mark.parametrize("n, k", [(2000, 2000), (2000, 1990), (1500, 700), (1000, 6)])
def test_sampled_sizes_from_one_block_to_all_apart(n, k):
    rows = clusters.sample_sizes_given(n, k, 500, rng=3)
    assert (rows.sum(axis=1) == n).all() and rows.min() >= 1
    if k < n:
        # Customers 1 and 2 share a table if 2 opens none: the others open k - 1.
        a, _ = clusters.estimate_alpha(k, n)
        others = np.array([1.0])
        for i in range(2, n):
            others = np.convolve(others, [i / (a + i), a / (a + i)])
        exact = others[k - 1] / (1 + a) / NumClusters(n, a).pmf(k)
        share = (rows * (rows - 1)).sum(axis=1) / (n * (n - 1))
        assert abs(share.mean() - exact) < 4 * share.std() / math.sqrt(len(rows))


@pytest.mark.parametrize("counts", [[1] * 500, [500], [2] * 3 + [1] * 400])
def test_homozygosity_of_extreme_samples(counts):
    test = clusters.homozygosity_test(counts)
    assert test.draws == 0
    assert 0 < test.p_lower <= 1 and 0 < test.p_upper <= 1
    assert test.p_lower + test.p_upper >= 1 - 1e-12


@pytest.mark.parametrize("counts", [[9, 2, 1, 1, 1, 1, 1], [20, 5, 5, 3], [10, 10, 10]])
def test_homozygosity_by_sampling_agrees_with_enumeration(counts):
    exact = clusters.homozygosity_test(counts)
    sampled = clusters.homozygosity_test(counts, max_partitions=0, draws=50_000, rng=3)
    assert exact.draws == 0 and sampled.draws == 50_000
    for name, stated in zip(("p_lower", "p_upper", "p_slatkin"), sampled.errors):
        p = getattr(exact, name)
        error = math.sqrt(max(p * (1 - p), 1e-9) / 50_000)
        assert abs(getattr(sampled, name) - p) < 4 * error + 2e-5
        assert abs(stated - error) < 0.2 * error + 1e-4
    assert abs(sampled.expected - exact.expected) < 0.005
    assert sampled == clusters.homozygosity_test(counts, max_partitions=0, draws=50_000, rng=3)


CYSTIC_FIBROSIS = [30, 62, 97, 15, 53, 18, 55, 35, 57, 14866, 160, 439]
CYSTIC_FIBROSIS += [18, 356, 165, 40, 41, 14, 27, 36, 39, 23, 120, 209]


def test_homozygosity_against_the_published_run():
    """Slatkin's program, 100,000 draws: F 0.768561, P_H 0.99802, P_E 0.28207."""
    test = clusters.homozygosity_test(CYSTIC_FIBROSIS, rng=1)
    assert round(test.homozygosity, 6) == 0.768561
    for ours, theirs in [(test.p_lower, 0.99802), (test.p_slatkin, 0.28207)]:
        assert abs(ours - theirs) < 4 * math.sqrt(2 * theirs * (1 - theirs) / 100_000)


@pytest.mark.parametrize("k, n, printed", [(24, 16975, "2.681168"), (7, 16, "4.184877")])
def test_published_estimates_are_the_last_midpoint_of_a_bisection(k, n, printed):
    """Slatkin's program halves (0.1, 10) while it is wider than 1e-5, and prints the midpoint."""
    i, low, high = np.arange(n), 0.1, 10.0
    while high - low > 1e-5:
        middle = (low + high) / 2
        if (middle / (i + middle)).sum() > k:
            high = middle
        else:
            low = middle
    assert f"{middle:.6f}" == printed
    root, _ = clusters.estimate_alpha(k, n)
    assert math.isclose((root / (i + root)).sum(), k, rel_tol=1e-12)
    assert 1e-6 < abs(root - float(printed)) < 1e-5
    assert f"{root:.6f}" == {24: "2.681176", 7: "4.184872"}[k]


def test_figures_in_solutions():
    law = NumClusters(1000, 0.01)
    bound = 1 - 0.01 * (1 / np.arange(1, 1000)).sum()
    values = law.pmf(1), bound, math.exp(1 - law.mean())
    assert [round(each, 5) for each in values] == [0.92796, 0.92516, 0.92804]
    k = np.arange(60)
    edges = np.r_[-np.inf, k[1:] - 0.5, np.inf]
    normal = np.diff(stats.norm.cdf(edges, law.mean(), law.std()))
    assert round(poisson_distance(law, shift=1), 5) == 0.00015
    assert round(np.abs(law.pmf(k) - normal).sum() / 2, 3) == 0.018
    assert round(0.01**2 * math.pi**2 / 6, 5) == 0.00016
    assert clusters._count_partitions(100, 5) == 38_225
    test = clusters.homozygosity_test([20] * 5)
    assert test.draws == 0 and round(test.p_lower * 1e8, 1) == 1.2
    assert test.homozygosity == pytest.approx(0.2)
    assert round(NumClusters(10**6, 1.0).mean(), 2) == 14.39


def test_figures_in_captions():
    """alpha = 0.2: the mean is 0.8 to 0.943 above the notes' bound and between 1 and nearly 3."""
    n = np.unique(np.geomspace(1, 10**4, 60).astype(int))
    harmonic = np.cumsum(1 / np.arange(1, 10**4 + 1))
    mean = np.array([NumClusters(int(m), 0.2).mean() for m in n])
    above = mean - 0.2 * harmonic[n - 1]
    assert above[0] == pytest.approx(0.8) and above.max() < 0.943 and (np.diff(above) > 0).all()
    assert mean[0] == 1 and 2.8 < mean[-1] < 3
    # The estimate of alpha = 1 from a hundred million: nine tenths lie between 0.6 and 1.5.
    law = NumClusters(10**8, 1.0)
    low, high = (min(k for k in range(2, 60) if law.cdf(k) >= q) for q in (0.05, 0.95))
    assert 0.6 < clusters.estimate_alpha(low, 10**8)[0] < 0.7
    assert 1.3 < clusters.estimate_alpha(high, 10**8)[0] < 1.5


def test_partitions_are_complete():
    for n in range(1, 13):
        for k in range(1, n + 1):
            rows = list(clusters._partitions(n, k))
            assert len(rows) == len(set(rows)) == clusters._count_partitions(n, k)
            # All parts but the last k - listed, which are 1 in every partition.
            listed = min(k, n - k)
            assert all(len(r) == listed and sum(r) == n - (k - listed) for r in rows)
            assert all(min(r, default=1) >= 1 for r in rows)
            assert all(tuple(sorted(r, reverse=True)) == r for r in rows)


# --- draws, interface, bad input -------------------------------------------------------------


@pytest.mark.parametrize("n, alpha", [(10, 0.5), (1000, 2.0), (10**12, 1.0)])
def test_rvs(n, alpha):
    law = NumClusters(n, alpha)
    draws = law.rvs(20_000, random_state=5)
    assert draws.dtype == np.int64 and draws.min() >= 1 and draws.max() <= n
    expected = law.pmf(np.arange(1, draws.max() + 1)) * 20_000
    observed = np.bincount(draws.astype(np.intp), minlength=draws.max() + 1)[1:]
    kept = expected >= 5
    rest = [observed[~kept].sum()], [20_000 - expected[kept].sum()]
    chi = stats.chisquare(np.r_[observed[kept], rest[0]], np.r_[expected[kept], rest[1]])
    assert chi.pvalue > 1e-3
    assert (draws == law.rvs(20_000, random_state=5)).all()
    assert isinstance(law.rvs(random_state=5), int)
    assert law.rvs((2, 3), 1).shape == (2, 3)


def test_shapes_and_values_off_the_support():
    law = NumClusters(30, 1.5)
    assert law.support() == (1, 30)
    assert isinstance(law.pmf(3), float) and law.logpmf([[1, 2], [3, 4]]).shape == (2, 2)
    k = np.array([5, 0, -1, 2.5, 31, 5])
    assert (law.pmf(k)[1:5] == 0).all() and (law.logpmf(k)[1:5] == -np.inf).all()
    assert law.pmf(5) == law.pmf(k)[5]
    assert math.isclose(law.pmf(5), math.exp(law.logpmf(5)), rel_tol=1e-13)
    assert NumClusters(1, 2.0).pmf(1) == 1 and NumClusters(1, 2.0).logpmf(1) == 0
    assert repr(law) == "NumClusters(n=30, alpha=1.5)"


@pytest.mark.parametrize("alpha", [1e-300, 1e-12, 1e12, 1e100])
def test_extreme_concentrations(alpha):
    for n in (1, 2, 300, 10**6):
        law = NumClusters(n, alpha)
        assert abs(law._table[1].sum() - 1) < 1e-9
        assert 1 <= law.mean() <= n and law.var() >= 0


@pytest.mark.parametrize("alpha", [0, -1.0, math.nan, math.inf, "one", None])
def test_bad_alpha(alpha):
    for call in (NumClusters, clusters.bounds):
        with pytest.raises(ValueError, match="alpha = .*: expected a finite number > 0"):
            call(10, alpha)


@pytest.mark.parametrize("n", [0, -3, 2.0, True, "ten", None, 2**53 + 1])
def test_bad_n(n):
    for call in (lambda: NumClusters(n, 1.0), lambda: clusters.bounds(n, 1.0)):
        with pytest.raises(ValueError, match="n = .*: expected an integer"):
            call()


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: clusters.estimate_alpha(1, 10), "k = 1: expected 1 < k < n = 10"),
        (lambda: clusters.estimate_alpha(10, 10), "k = 10: expected 1 < k < n"),
        (lambda: clusters.estimate_alpha(2.5, 10), "k = 2.5: expected an integer"),
        (lambda: clusters.sample_sizes_given(5, 6, 1), "k = 6: expected 1 <= k <= n = 5"),
        (lambda: clusters.sample_sizes_given(5, 2, 0), "size = 0: expected an integer >= 1"),
        (lambda: clusters.homozygosity_test([]), "counts = .*expected a non-empty"),
        (lambda: clusters.homozygosity_test([2, 0]), "counts = .*integers >= 1"),
        (lambda: clusters.homozygosity_test([2.0, 1.0]), "counts = .*integers >= 1"),
        (lambda: clusters.homozygosity_test([2, 1], draws=0), "draws = 0: expected"),
        (lambda: clusters.stirling(-1), "n = -1: expected an integer >= 0"),
        (lambda: NumClusters(5, 1.0).pmf([1, math.nan]), "k = .*: expected numbers, not NaN"),
    ],
)
def test_bad_input(call, message):
    with pytest.raises(ValueError, match=message):
        call()


@pytest.mark.parametrize("counts", [[1] * 2000, [2] * 5 + [1] * 1500, [40_000, 1]])
def test_homozygosity_of_many_clusters_by_enumeration(counts):
    test = clusters.homozygosity_test(counts)
    assert test.draws == 0
    assert 0 < test.p_lower <= 1 and 0 < test.p_upper <= 1
    assert test.p_lower + test.p_upper > 1


def test_homozygosity_lists_no_part_that_is_always_1():
    # 37,338 partitions into 50,020 parts: 15 GB, were every part listed.
    test = clusters.homozygosity_test([21, 20, 2] + [1] * 50_017)
    assert test.draws == 0 and 0 < test.p_upper < test.p_lower <= 1
    exact = clusters.homozygosity_test([4, 2] + [1] * 20)
    rows = [(5,), (4, 2), (3, 3), (3, 2, 2), (2, 2, 2, 2)]
    weights = []
    for row in rows:
        parts = row + (1,) * (22 - len(row))
        repeats = math.prod(math.factorial(parts.count(j)) for j in set(parts))
        weights.append(Fraction(1, math.prod(parts) * repeats))
    squares = [sum(part**2 for part in row) + 22 - len(row) for row in rows]
    above = sum(w for w, square in zip(weights, squares) if square >= squares[1]) / sum(weights)
    assert exact.p_upper == pytest.approx(float(above), rel=1e-12)
    expected = sum(w * s for w, s in zip(weights, squares)) / sum(weights) / 26**2
    assert exact.expected == pytest.approx(float(expected), rel=1e-12)


def test_a_wide_law_in_no_time():
    law = NumClusters(10**12, 1e8)
    middle, std = round(law.mean()), round(law.std())
    k = middle + std * np.arange(-3, 4)
    # The local limit theorem: the correction is of order 1 / std.
    assert law.pmf(k) == pytest.approx(stats.norm.pdf(k, law.mean(), law.std()), rel=1e-3)
    assert law.pmf(middle) == pytest.approx(math.exp(law.logpmf(middle)))
    assert abs(law.cdf(middle) - 0.5) < 1e-3
    # Far out: against the tilted law, whose mean is there.
    far = NumClusters(10**12, 2e8)
    k = round(far.mean())
    shift = clusters._log_rising_ratio(10**12, 1e8, 2e8) - k * math.log(2)
    assert law.logpmf(k) == pytest.approx(far.logpmf(k) + shift, rel=1e-9)


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: clusters.homozygosity_test([10**6] * 200), r"counts = .* n k <= 2\*\*27"),
        (lambda: clusters.sample_sizes_given(10**8, 10, 1), r"n = 100000000: .* n k <= 2\*\*27"),
        (lambda: NumClusters(9, 1.0).rvs(-1), "size = -1: expected None, an integer >= 0 or"),
    ],
)
def test_what_takes_too_much_memory_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_counting_partitions_stops_early():
    assert clusters._count_partitions(100_000, 50_000, enough=1000) > 1000


@pytest.mark.parametrize(("n", "alpha"), [(1, 2.0), (2, 0.3), (60, 2.0), (60, 1e-4), (40, 500.0)])
def test_the_interface_is_that_of_a_frozen_scipy_distribution(n, alpha):
    law, k = NumClusters(n, alpha), np.arange(1, n + 1)
    weights = [s * Fraction(alpha) ** j for j, s in enumerate(stirling_exact(n))][1:]
    probs = np.array([float(weight / sum(weights)) for weight in weights])
    same = stats.rv_discrete(values=(k, probs / probs.sum()))()
    at = [-np.inf, -3, 0, 0.5, 1, 1.5, 2, 7, n - 1, n, n + 0.5, 1e20, np.inf]
    for name in "pmf logpmf cdf sf logcdf logsf".split():
        points = at[1:-1] if name.endswith("pmf") else at
        # SciPy's survival function is 1 - cdf, and has no small values.
        got, want = getattr(law, name)(points), getattr(same, name.removeprefix("log"))(points)
        got = np.exp(got) if name.startswith("log") else got
        np.testing.assert_allclose(got, want, rtol=1e-9, atol=1e-13, err_msg=name)
    q = [0, 1e-3, 0.3, 0.5, 0.77, 0.999, 1]
    assert law.ppf(q).tolist() == same.ppf(q).tolist()
    assert law.isf(q).tolist() == same.isf(q).tolist()
    assert law.median() == same.median()
    assert law.interval(0.9) == tuple(map(float, same.interval(0.9)))
    assert law.support() == (1, n)
    np.testing.assert_allclose(law.stats("mv"), same.stats("mv"), rtol=1e-9, atol=1e-12)
    assert law.stats("vm") == law.stats("mv") and law.stats("v") == law.var()
    if n > 1:
        np.testing.assert_allclose(law.stats("mvsk"), same.stats("mvsk"), rtol=1e-6)
    else:
        with pytest.raises(ValueError, match=r"^moments = 's': expected m or v"):
            law.stats("s")
    np.testing.assert_allclose(law.moment(3), same.moment(3), rtol=1e-10)
    np.testing.assert_allclose(law.entropy(), same.entropy(), rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(law.expect(np.sqrt), same.expect(np.sqrt), rtol=1e-9)
    # What a frozen distribution has and this one lacks: parameters by name, and its seed.
    kept = {"a", "b", "args", "kwds", "dist", "random_state"}
    public = {name for name in dir(stats.binom(3, 0.5)) if not name.startswith("_")}
    assert public - kept <= set(dir(law))


@pytest.mark.checks("DP-0082", how="exact")
def test_logarithms_of_tails_too_small_for_a_float():
    n, alpha = 1000, 2.0
    law = NumClusters(n, alpha)
    terms = [s << k for k, s in enumerate(stirling_exact(n))]
    below = list(itertools.accumulate(terms))
    for k in (1, 2, 13, 60, 200, 400, 900, 998, 999):
        for got, part in ((law.logcdf(k), below[k]), (law.logsf(k), below[n] - below[k])):
            # The smaller part has the digits.
            other = below[n] - part
            total = below[n]
            want = log_ratio(part, total) if part < other else math.log1p(-other / total)
            np.testing.assert_allclose(got, want, rtol=1e-9)


def log_ratio(a, b):
    """log(a / b) for large integers."""
    shift = b.bit_length() - a.bit_length()
    return math.log((a << shift) / b) - shift * math.log(2)
