"""Arithmetic that several rooms need: ratios of gamma functions, integer partitions, sums.

Differences of large log-gammas have no digits. What the rooms need are sums of logarithms,
and these three forms keep the digits of the sum, each over the arguments where it is not small,
as does the derivative of the first, for expected logarithms:

    log_rising(a, b)           log Gamma(a + b) / Gamma(a), the sum of log(a + i) over i < b
    log_rising_ratio(n, a, d)  the sum of log(1 + d / (a + i)) over i < n
    log_rising_share(n, a)     the sum of log(1 + i / a) over i < n <= a
    digamma_step(a, b)         psi(a + b) - psi(a)
    digamma_excess(z)          psi(z) - log z

Where counts are so large that the logarithm of a factorial has no digit behind the point, sums of
log_rising cancel. What is left of log Gamma(z) without z log z - z is small, and these cancel as
ratios, before their logarithms are taken:

    stirling_excess(z)         log Gamma(z) - z log z + z
    shortfall(z, d, far)       z log(1 + d / z) - d
    log_poisson(x, rate)       log density of a count
    log_polya(alpha, counts)   log probability of draws from an urn, one by one

The powers, too, cancel to the first order where a count is near its mean: what is left of each is
its shortfall, which is never positive, so that no sum of shortfalls cancels.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ._types import Floats

# Stirling's series in 1/z^2, highest power first; beyond z = NEAR it is right to 1e-17.
SERIES = 1 / 1188, -1 / 1680, 1 / 1260, -1 / 360, 1 / 12
NEAR = 20
# The series of log z - 1/(2z) - psi(z), which is right to 1e-17 beyond NEAR too.
DIGAMMA = 1 / 132, -1 / 240, 1 / 252, -1 / 120, 1 / 12, 0.0
TINY = float(np.finfo(float).tiny)
# Factors that are taken one by one before Stirling's series takes the rest.
SHIFT = 32
# Coefficients of u/2 - u^2/6 + u^3/12 - ..., from u^16 down to u^0.
AVERAGE = [(-1.0) ** k / (k * (k - 1)) for k in range(17, 1, -1)] + [0.0]
# Coefficients of (atanh(r) / r - 1) / r^2 = 1/3 + r^2/5 + ..., for r^2 < 1 / 361.
ATANH = [1 / (2 * k + 3) for k in range(6, -1, -1)]


def stirling_remainder(z: Any) -> Any:
    """log Gamma(z) - (z - 1/2) log z + z - log(2 pi) / 2 to 1e-16, for z >= 20; complex z too."""
    r = 1 / z
    return r * np.polyval(SERIES, r * r)


def stirling_step(z: Any, d: Any) -> Any:
    """stirling_remainder(z + d) - stirling_remainder(z), to full accuracy for small d."""
    here, there = 1 / z, 1 / (z + d)
    s, value, slope = here * here, 0.0, 0.0
    # Horner's rule for the series at `there` and for its divided difference.
    for c in SERIES:
        slope = slope * s + value
        value = value * (there * there) + c
    return -d * here * there * (value + here * (here + there) * slope)


def average_log(u: Any) -> Any:
    """(1 + 1/u) log(1 + u) - 1, the average of log(1 + t) over t from 0 to u; complex u too."""
    from scipy.special import log1p

    near = abs(u) < 0.1
    far = np.where(near, 1.0, u)
    return np.where(near, np.polyval(AVERAGE, u), log1p(far) * (1 + 1 / far) - 1)


@np.errstate(over="ignore", under="ignore", divide="ignore")
def log_ratio(x: Any, y: Any) -> Any:
    """log(x / y) for positive x and y, also where the ratio is no float."""
    ratio = x / y
    # The rounding of a ratio near 1 is as large as what is left of its logarithm.
    near = np.abs(ratio - 1) < 0.5
    value = np.where(near, np.log1p(np.where(near, (x - y) / y, 0.0)), np.log(ratio))
    return np.where(np.isinf(value), np.log(x) - np.log(y), value)


@np.errstate(over="ignore")
def log1p_ratio(x: Any, y: Any) -> Any:
    """log(1 + x / y) for positive y, also where the ratio is too large for a float."""
    ratio = x / y
    huge = np.isinf(ratio)
    return np.where(huge, np.log(np.where(huge, x, y)) - np.log(y), np.log1p(ratio))


def second_difference(y: Any, r: Any, d: Any) -> Any:
    """log Gamma(y+r+d) - log Gamma(y+r) - log Gamma(y+d) + log Gamma(y), for y >= 20.

    Each logarithm is of order n log n; their combination is of the order of the mean of K_n.
    Stirling's series written for the combination keeps the digits that subtraction would lose.
    It is symmetric in r and d, and loses least when the smaller one leads. d may be complex.
    """
    from scipy.special import log1p

    small, large = np.where(abs(d) < r, d, r), np.where(abs(d) < r, r, d)
    return (
        small * (log1p(large / y) + average_log(small / (y + large)) - average_log(small / y))
        - (log1p(d / (y + r)) - log1p(d / y)) / 2
        + (stirling_step(y + r, d) - stirling_step(y, d))
    )


@np.errstate(under="ignore")
def log_rising(a: Any, b: Any) -> Any:
    """log Gamma(a + b) / Gamma(a) for a > 0 and b >= 0, arrays or numbers."""
    from scipy.special import gammaln

    few = np.minimum(a, NEAR)
    value = np.log(few) + (gammaln(few + b) - gammaln(1.0 + few))
    if np.max(a, initial=0.0) >= NEAR:
        z = np.maximum(a, NEAR)
        far = b * (np.log(z) + average_log(b / z)) - np.log1p(b / z) / 2 + stirling_step(z, b)
        value = np.where(a < NEAR, value, far)
    return np.where(b == 0, 0.0, value)


@np.errstate(under="ignore")
def digamma_step(z: Any, d: Any) -> Any:
    """psi(z + d) - psi(z) for z > 0 and d >= 0, arrays or numbers."""
    from scipy.special import digamma

    few, far = np.minimum(z, NEAR), np.maximum(z, NEAR)
    here, there = 1 / far, 1 / (far + d)
    series = np.polyval(DIGAMMA, there * there) - np.polyval(DIGAMMA, here * here)
    beyond = np.log1p(d / far) + d * here * there / 2 - series
    return np.where(z < NEAR, digamma(few + d) - digamma(few), beyond)


@np.errstate(under="ignore")
def digamma_excess(z: Any) -> Any:
    """psi(z) - log(z) for z > 0, a number or an array."""
    from scipy.special import digamma

    few, far = np.minimum(z, NEAR), np.maximum(z, NEAR)
    r = 1 / far
    series = -0.5 * r - np.polyval(DIGAMMA, r * r)
    return np.where(z < NEAR, digamma(few) - np.log(few), series)


@np.errstate(under="ignore")
def log_beta(a: Any, b: Any) -> Any:
    """log of the beta function, arrays or numbers > 0."""
    from scipy.special import gammaln

    small, large = np.minimum(a, b), np.maximum(a, b)
    # Over Gamma(1 + small), which SciPy has for the smallest floats too.
    return gammaln(1.0 + small) - np.log(small) - log_rising(large, small)


@np.errstate(under="ignore")
def log_rising_ratio(n: Any, a: float, d: float) -> Any:
    """log of (a+d)(a+d+1)...(a+d+n-1) / (a(a+1)...(a+n-1)) for d >= 0, n a number or an array."""
    head = np.append(0.0, np.cumsum(log1p_ratio(d, a + np.arange(SHIFT))))
    n = np.asarray(n, dtype=float)  # which holds integers to 2**53 on machines of 32 bits, too
    m = np.minimum(n, SHIFT)
    rest = n - m
    return head[np.asarray(m, dtype=np.intp)] + second_difference(a + SHIFT, rest, d)


@np.errstate(under="ignore")
def log_rising_share(n: Any, a: float) -> Any:
    """log of (1 + 1/a)(1 + 2/a)...(1 + (n-1)/a) for n <= a, n a number or an array."""
    head = np.cumsum(log1p_ratio(np.arange(SHIFT + 1.0), a))
    n = np.asarray(n, dtype=float)
    z, few = max(a, NEAR), np.minimum(n, SHIFT + 1) - 1
    many = n * average_log(n / z) - np.log1p(n / z) / 2 + stirling_step(z, n)
    return np.where(n <= SHIFT, head[np.asarray(few, dtype=np.intp)], many)


@np.errstate(under="ignore")
def stirling_excess(z: Any) -> Any:
    """log Gamma(z) - z log z + z for z > 0, a number or an array."""
    from scipy.special import gammaln

    few, far = np.minimum(z, NEAR), np.maximum(z, NEAR)
    near = gammaln(few) - few * np.log(few) + few
    return np.where(z < NEAR, near, 0.5 * np.log(2 * np.pi / far) + stirling_remainder(far))


def factorial_excess(x: Any) -> Any:
    """log x! - x log x + x for x >= 0."""
    some = np.maximum(x, 1.0)
    return np.where(x > 0, stirling_excess(some) + np.log(some), 0.0)


@np.errstate(over="ignore", under="ignore", divide="ignore", invalid="ignore")
def shortfall(z: Any, d: Any, far: Any) -> Any:
    """z log(1 + d / z) - d, by how much z log(z + d) is below its tangent; -d where z is 0.

    far is that logarithm, for where d is no small part of z.
    """
    u = d / np.where(z > 0, z, 1.0)
    r = np.where(abs(u) < 0.1, u / (2 + u), 0.0)  # log(1 + u) is 2 atanh(r), and 2 r - u is -u r
    near = 2 * z * r * r * r * np.polyval(ATANH, r * r) - d * r
    log = np.where((u > -0.5) & (u < np.inf), np.log1p(np.maximum(u, -0.5)), far)
    return np.where(z > 0, np.where(abs(u) < 0.1, near, z * log - d), -d)


@np.errstate(under="ignore")
def log_poisson_power(x: Any, rate: Any) -> Any:
    """log of (rate / x)^x exp(x - rate) for counts x >= 0 and rates > 0, 1 for x = rate."""
    return shortfall(x, rate - x, log_ratio(rate, np.where(x > 0, x, 1.0)))


def log_poisson(x: Any, rate: Any) -> Any:
    """log of rate^x exp(-rate) / x! for counts x >= 0 and rates > 0."""
    return log_poisson_power(x, rate) - factorial_excess(x)


def log_polya(alpha: Any, counts: Any) -> Any:
    """log of prod_c Gamma(alpha_c + n_c) / Gamma(alpha_c) over the same of the sums.

    That is the probability of draws in a given order from Polya's urn; the last axis is that of
    the colours.
    """
    logs = log1p_ratio(_others(counts), np.where(counts > 0, counts, 1.0))
    return log_polya_share(alpha, counts) - (counts * logs).sum(axis=-1)


@np.errstate(under="ignore", divide="ignore", invalid="ignore")
def log_polya_share(alpha: Any, counts: Any) -> Any:
    """log_polya relative to independent draws with the shares that the counts have."""
    A, N = alpha.sum(axis=-1, keepdims=True), counts.sum(axis=-1, keepdims=True)
    d = counts * (_others(alpha) / (A + N)) - alpha * (_others(counts) / (A + N))
    value = shortfall(alpha, d, log1p_ratio(counts, alpha) - log1p_ratio(N, A))
    value += shortfall(counts, -d, log1p_ratio(alpha, counts) - log1p_ratio(A, N))
    value += stirling_excess(alpha + counts) - stirling_excess(alpha)
    return (value.sum(axis=-1, keepdims=True) - stirling_excess(A + N) + stirling_excess(A))[..., 0]


def _others(x: Any) -> Any:
    """The sum of all other entries along the last axis, without subtraction."""
    none = np.zeros((*x.shape[:-1], 1))
    left = np.concatenate([none, np.cumsum(x[..., :-1], axis=-1)], axis=-1)
    right = np.concatenate([np.cumsum(x[..., :0:-1], axis=-1)[..., ::-1], none], axis=-1)
    return left + right


def integer_partitions(total: int, most: int, largest: int) -> Iterator[tuple[int, ...]]:
    """Partitions of total into at most so many parts <= largest, each at most the one before."""
    if total == 0:
        yield ()
        return
    # The first part is at least the average.
    for part in range(-(-total // most) if most else total + 1, min(largest, total) + 1):
        for rest in integer_partitions(total - part, most - 1, part):
            yield (part, *rest)


def cholesky(matrices: Floats) -> Floats:
    """Return lower Cholesky factors; LinAlgError unless the matrices are positive definite."""
    root = np.asarray(np.linalg.cholesky(matrices), dtype=float)
    if np.isnan(root).any():  # in a browser NumPy returns NaN and raises nothing
        raise np.linalg.LinAlgError("not positive definite")
    return root


def sums_by_cluster(features: Floats, labels: NDArray[Any], K: int | None = None) -> Floats:
    """Return the sums of features (n, p) over each cluster: shape (K, p).

    K is one more than the largest label, or larger for clusters that have no points.
    """
    labels = labels.astype(np.intp)
    return np.array([np.bincount(labels, column, K or 0) for column in features.T]).T
