"""The law of the number of clusters K_n, and what K_n says about alpha."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from . import _numbers, measures
from . import _validate as check
from ._deprecated import keyword_only, renamed
from ._numbers import (
    average_log,
    integer_partitions,
    log1p_ratio,
    second_difference,
    stirling_step,
)
from ._types import Floats, Ints, RNGLike, Size

# A law of a larger deviation has a table of a million entries, too many for a few values of pmf.
WIDE = 10_000
# Terms of a sum over customers that are added one by one; the rest is a Stirling series.
HEAD = 256
# So many numbers in the transforms of one call take a few seconds.
MOST_TRANSFORMED = 2**27
# Rows of Stirling numbers, partitions and Monte Carlo cells that take seconds, seconds, minutes.
MOST_ROWS = 2000
MOST_TABLE = 2**22
MOST_PARTITIONS = 10**6
MOST_DRAWN = 2**30
# exp(-UNDERFLOW) is below the smallest double.
UNDERFLOW = 745.2
# Euler-Maclaurin coefficients of sum 1/(a + i) and of sum 1/(a + i)^2, by power.
MEAN_SERIES = (1, 1 / 2), (2, 1 / 12), (4, -1 / 120)
SQUARE_SERIES = (2, 1 / 2), (3, 1 / 6), (5, -1 / 30)


@np.errstate(under="ignore")
def _log_rising_ratio(n: int, a: float, b: float) -> float:
    """log of b(b+1)...(b+n-1) / (a(a+1)...(a+n-1)) for positive a and b."""
    ratio = float(_numbers.log_rising_ratio(n, min(a, b), abs(b - a)))
    return ratio if b > a else -ratio


def _log_tilt(n: int, a: float, b: float, k: Any, joined: Any) -> Any:
    """log of E (b/a)^K / (b/a)^k at concentration a, where joined is n - k to all its digits."""
    # The logarithm of b / a, through the difference where they are close.
    log_ratio = np.copysign(log1p_ratio(abs(b - a), min(a, b)), b - a)
    if min(a, b) >= n:  # each half without its n log(b / a)
        if b / 2 < a < 2 * b:
            return _log_joined_pgf(n, a, (a - b) / b) + joined * log_ratio
        share = _numbers.log_rising_share(n, b) - _numbers.log_rising_share(n, a)
        return share + joined * log_ratio
    return _log_rising_ratio(n, a, b) - k * log_ratio


@np.errstate(under="ignore")
def _mean(n: int, alpha: float) -> float:
    """E K_n: a direct sum over the head, Euler-Maclaurin for the rest."""
    m = min(n, HEAD)
    mean = (alpha / (alpha + np.arange(m))).sum()
    if n > m:
        y = alpha + m
        log = math.log1p((n - m) / y)
        mean += alpha * log + alpha / y * sum(c * _fall(k, 1, y, log) for k, c in MEAN_SERIES)
    return float(mean)


@np.errstate(under="ignore")
def _joined(n: int, alpha: float) -> float:
    """n - E K_n, the expected number of those who open no table, in the same way."""
    m = min(n, HEAD)
    i = np.arange(m)
    joined = (i / (alpha + i)).sum()
    if n > m:
        y = alpha + m
        u = (n - m) / y
        log = math.log1p(u)
        # u - log(1 + u) is the second term.
        joined += m * u + alpha * u * (log - average_log(u))
        joined -= alpha / y * sum(c * _fall(k, 1, y, log) for k, c in MEAN_SERIES)
    return float(joined)


@np.errstate(under="ignore")
def _var(n: int, alpha: float) -> float:
    """Var K_n, in the same way."""
    m = min(n, HEAD)
    i = np.arange(m)
    var = (alpha / (alpha + i) * (i / (alpha + i))).sum()
    if n > m:
        y = alpha + m
        u = (n - m) / y
        log = math.log1p(u)
        ratio = alpha / y
        mean = _fall(1, 1, y, log) * m + sum(c * _fall(k, 1, y, log) for k, c in MEAN_SERIES)
        squares = sum(c * _fall(k, 2, y, log) for k, c in SQUARE_SERIES)
        var += alpha * u * (average_log(u) / (1 + u)) + ratio * (mean - ratio * squares)
    return float(var)


def _fall(k: int, scale: int, y: float, log: float) -> float:
    """y^-k - x^-k in units of y^-scale, lest it underflow, where log = log(x / y)."""
    return -math.expm1(-k * log) * y ** (scale - k)


@np.errstate(under="ignore")
def _concentration(n: int, k: float, tolerance: float = 1e-14) -> float:
    """The alpha at which E K_n = k, for 1 < k < n, to a relative tolerance."""
    from scipy import optimize

    # E K_n <= 1 + alpha (1 + log n), and n - E K_n <= n(n-1) / (2 alpha), with room for rounding.
    low = math.log((k - 1) / (1 + math.log(n))) - 0.1
    high = math.log(n * (n - 1) / 2 / (n - k)) + 0.1

    def excess(t: float) -> float:
        # Of those who open a table and those who join one, the fewer have the digits.
        alpha = math.exp(t)
        return n - k - _joined(n, alpha) if 2 * k > n else _mean(n, alpha) - k

    return math.exp(optimize.brentq(excess, low, high, xtol=tolerance))


def _opened_pgf(n: int, alpha: float, step: Any) -> Any:
    """E z^K, where step = z - 1."""
    step, m = alpha * step, min(n, HEAD)
    head = np.prod(1 + step / (alpha + np.arange(m))[:, None], axis=0)
    return head * np.exp(second_difference(alpha + m, float(n - m), step)) if n > m else head


def _log_joined_pgf(n: int, alpha: float, step: Any) -> Any:
    """log E z^(n - K), where step = z - 1, z is not far from 1, and n <= alpha, alpha / |z|."""
    if n <= HEAD:
        i = np.arange(n)
        return np.log1p(np.multiply.outer(i / (alpha + i), step)).sum(axis=0)
    # The product of (1 + z i / alpha) / (1 + i / alpha): Stirling's series at alpha / z and alpha,
    # each difference as a multiple of the step.
    z, x = 1 + step, step * (n / (alpha + n))
    slope = average_log(x) + np.log1p(n / alpha) - average_log(n / alpha)
    rest = stirling_step(alpha / z, n) - stirling_step(alpha, n)
    return n * step / z * slope - np.log1p(x) / 2 + rest


@np.errstate(under="ignore")
def _central_pmf(n: int, alpha: float) -> tuple[int, Floats]:
    """P(K_n = k) for the k of high probability, as (first k, probabilities).

    The generating function on the unit circle and one FFT: rounding there is relative to the
    largest probability, so what is not far below it is right to nearly every digit. Where most
    open a table, those who do not are counted: they have the smaller mean, whose digits matter.
    """
    few = alpha >= n
    mean, var = (_joined if few else _mean)(n, alpha), _var(n, alpha)
    centre, std = round(mean), math.sqrt(var)
    # The law is summed modulo `size`; beyond 14 deviations nothing is left to be summed.
    size = min(n, 1 << int(14 * std + 40).bit_length())
    t = 2 * np.pi * np.arange(size // 2 + 1) / size
    # |E z^K| <= exp(-var (1 - cos t)): below 1e-18 there is nothing to compute.
    t = t[var * (1 - np.cos(t)) < 41]
    step = -2 * np.sin(t / 2) ** 2 + 1j * np.sin(t)  # z - 1
    pgf = np.exp(_log_joined_pgf(n, alpha, step)) if few else _opened_pgf(n, alpha, step)
    values = pgf * np.exp(-1j * centre * t)
    probs = np.fft.irfft(values.conj(), size)
    reach = int(4 * std) + 1
    counts = np.arange(max(1 - few, centre - reach), min(n - few, centre + reach) + 1)
    probs = probs[(counts - centre) % size]
    high = probs > 1e-3 * probs.max()
    counts, probs = counts[high], probs[high]
    return (n - int(counts[-1]), probs[::-1]) if few else (int(counts[0]), probs)


class NumClusters:
    """The law of the number of clusters (tables) K_n among n draws.

    K_n is a sum of independent indicators, the i-th with probability alpha / (alpha + i - 1).
    The methods are those of a frozen discrete SciPy distribution.

    Parameters
    ----------
    n : int
        Number of draws (customers), from 1 to 2**53.
    alpha : float
        Concentration, > 0.

    Raises
    ------
    ValueError
        If n or alpha is out of range.

    Notes
    -----
    Implements: DP-0077, DP-0078, DP-0082, DP-0083.

    A probability far out in a tail is computed at the concentration beta that makes its k the
    mean, where it is large, and carried back: the law at beta is the law at alpha tilted by
    (beta / alpha)^k. So ``logpmf`` is right to a relative 1e-11 at every k, for n up to 1e6 and
    beyond.
    The other methods keep a table of the law: about 80 standard deviations long, made once.

    References
    ----------
    Arratia, R., Barbour, A. D. and Tavaré, S. (2003). Logarithmic Combinatorial Structures:
    A Probabilistic Approach. European Mathematical Society.

    Examples
    --------
    >>> from dpnotes.clusters import NumClusters
    >>> law = NumClusters(10**6, alpha=1.0)
    >>> print(round(law.mean(), 3), round(law.std(), 3))
    14.393 3.57
    >>> print(law.pmf([1, 14]).round(6))
    [1.00000e-06 1.12008e-01]
    """

    def __init__(self, n: int, alpha: float) -> None:
        self.n = check.integer("n", n)
        self.alpha = check.positive("alpha", alpha)

    def __repr__(self) -> str:
        return f"NumClusters(n={self.n}, alpha={self.alpha})"

    def support(self) -> tuple[int, int]:
        """Smallest and largest possible value, (1, n)."""
        return 1, self.n

    def mean(self) -> float:
        """E K_n = alpha (psi(alpha + n) - psi(alpha))."""
        return _mean(self.n, self.alpha)

    def var(self) -> float:
        """Var K_n, the sum of alpha (i - 1) / (alpha + i - 1)^2."""
        return _var(self.n, self.alpha)

    def std(self) -> float:
        """Standard deviation of K_n."""
        return math.sqrt(self.var())

    def logpmf(self, k: ArrayLike) -> Any:
        """log P(K_n = k); minus infinity where k is not an integer in 1..n.

        Parameters
        ----------
        k : array_like

        Returns
        -------
        float or ndarray of the shape of k
        """
        points = measures.grid("k", k, ())
        result = np.full(points.shape, -np.inf)
        inside = (points >= 1) & (points <= self.n) & (points == np.floor(points))
        todo, where = np.unique(points[inside].astype(np.int64), return_inverse=True)
        result[inside] = self._logpmf(todo, "k", k)[where]
        return result[()]

    @np.errstate(under="ignore")
    def _logpmf(self, k: Ints, name: str, value: object) -> Floats:
        """logpmf at increasing integers of 1..n, which stand for the value of this name."""
        n, alpha = self.n, self.alpha
        if len(k):
            # The variance at mean k is at most k and n - k; a transform gives several deviations.
            lengths = np.minimum(n, 14 * np.sqrt(np.minimum(k, n - k)))
            first, last = int(k[0]), int(k[-1])
            deviations = math.sqrt(last) - math.sqrt(first) + math.sqrt(n - first)
            transforms = deviations - math.sqrt(n - last) + 1
            work = min(float(lengths.sum()), transforms * float(lengths.max()))
            check.within(name, value, work, MOST_TRANSFORMED, "numbers to be transformed")
        result = np.empty(len(k))
        done = 0
        if len(k) and k[0] == 1:
            result[0] = -_numbers.log_rising_ratio(n - 1, 1.0, alpha)
            done = 1
        while done < len(k) and k[done] < n:
            # The mean at beta may miss this k by a deviation, and that is below sqrt(k).
            beta = _concentration(n, int(k[done]), tolerance=min(1e-3, 1 / math.sqrt(k[done])))
            first, probs = _central_pmf(n, beta)
            stop = int(np.searchsorted(k, min(first + len(probs), n)))
            block = k[done:stop]
            tilt = _log_tilt(n, alpha, beta, block, n - block)
            result[done:stop] = tilt + np.log(probs[block - first])
            done = stop
        if done < len(k):
            result[done] = self._log_all_apart()
        return result

    @np.errstate(under="ignore")
    def _log_all_apart(self) -> float:
        """log P(K_n = n), minus the sum of log(1 + i / alpha) over i < n."""
        n, alpha = self.n, self.alpha
        if alpha >= n:
            return -float(_numbers.log_rising_share(n, alpha))
        return float(n * math.log(alpha) - _numbers.log_rising(alpha, float(n)))

    def _last_visible(self, end: int) -> int:
        """The k beyond which, towards end, Chernoff's bound is below the smallest double."""
        from scipy import optimize

        n, alpha = self.n, self.alpha

        def log_bound(t: float) -> float:
            """log of the bound on P(K_n beyond the mean at beta), where beta = alpha e^t."""
            beta = math.exp(math.log(alpha) + t)
            return float(_log_tilt(n, alpha, beta, _mean(n, beta), _joined(n, beta)))

        # Towards 1 the means go down to 2, towards n up to n - 1.
        reach = math.log(_concentration(n, 2 if end == 1 else n - 1, 1e-3)) - math.log(alpha)
        if (reach < 0) != (end == 1) or log_bound(reach) > -UNDERFLOW:
            return end
        t = optimize.brentq(lambda t: log_bound(t) + UNDERFLOW, 0.0, reach, xtol=1e-3)
        k = _mean(n, math.exp(math.log(alpha) + t))
        return max(1, math.floor(k) - 1) if end == 1 else min(n, math.ceil(k) + 1)

    @cached_property
    @np.errstate(under="ignore")
    def _table(self) -> tuple[int, Floats, Floats]:
        """First k, probabilities and their running sum, over all k whose double is not 0."""
        n, wide = self.n, math.ceil(80 * self.std())
        # From there on, rounding also spoils the bounds that end the table.
        check.within("alpha", self.alpha, min(n, wide), MOST_TABLE, "values of K_n in a table")
        first, last = (self._last_visible(1), self._last_visible(n)) if n > 2 else (1, n)
        k = np.arange(first, last + 1, dtype=np.int64)
        probs = np.exp(self._logpmf(k, "alpha", self.alpha))
        total = np.cumsum(probs)
        return first, probs, total / total[-1]

    @np.errstate(under="ignore")
    def pmf(self, k: ArrayLike) -> Any:
        """P(K_n = k); 0 where k is not an integer in 1..n.

        Parameters
        ----------
        k : array_like

        Returns
        -------
        float or ndarray of the shape of k
        """
        if self.std() > WIDE:
            return np.exp(self.logpmf(k))
        points = measures.grid("k", k, ())
        first, probs, _ = self._table
        inside = (points >= first) & (points < first + len(probs)) & (points == np.floor(points))
        result = np.zeros(points.shape)
        result[inside] = probs[(points[inside] - first).astype(np.int64)]
        return result[()]

    def cdf(self, k: ArrayLike) -> Any:
        """P(K_n <= k).

        Parameters
        ----------
        k : array_like

        Returns
        -------
        float or ndarray of the shape of k
        """
        total = self._table[2]
        return np.append(0.0, total)[self._place(k)]

    @np.errstate(under="ignore")
    def sf(self, k: ArrayLike) -> Any:
        """P(K_n > k), to full relative accuracy where it is small.

        Parameters
        ----------
        k : array_like

        Returns
        -------
        float or ndarray of the shape of k
        """
        return self._above[self._place(k)]

    @cached_property
    def _above(self) -> Floats:
        """P(K_n > k) before the first k of the table and at each, summed from the far end."""
        beyond = np.cumsum(np.append(0.0, self._table[1][::-1]))[::-1]
        return beyond / beyond[0]

    def logcdf(self, k: ArrayLike) -> Any:
        """log P(K_n <= k), also where the probability is too small for a float.

        Parameters
        ----------
        k : array_like

        Returns
        -------
        float or ndarray of the shape of k
        """
        return self._log(self.cdf(k), self.sf(k), np.floor(measures.grid("k", k, ())), -1)

    def logsf(self, k: ArrayLike) -> Any:
        """log P(K_n > k), also where the probability is too small for a float.

        Parameters
        ----------
        k : array_like

        Returns
        -------
        float or ndarray of the shape of k
        """
        return self._log(self.sf(k), self.cdf(k), np.floor(measures.grid("k", k, ())) + 1, 1)

    @np.errstate(divide="ignore")
    def _log(self, prob: Any, rest: Any, nearest: Floats, step: int) -> Any:
        """log prob, the chance of nearest and all beyond it, where 1 - prob = rest."""
        result = np.where(prob < 0.5, np.log(prob), np.log1p(-rest))
        # A deviation further on, the terms are below 1e-17 of the nearest.
        reach = step * np.arange(2 * self.std() + 60)
        for where in np.argwhere((prob == 0) & (nearest >= 1) & (nearest <= self.n)):
            terms = self.logpmf(nearest[tuple(where)] + reach)
            result[tuple(where)] = np.logaddexp.reduce(terms)
        return result[()] + 0.0  # no -0.0

    def _place(self, k: ArrayLike) -> Ints:
        """How many entries of the table are at most k."""
        points = np.floor(measures.grid("k", k, ()))
        first, probs, _ = self._table
        return np.clip(points - first + 1, 0, len(probs)).astype(np.int64)

    def ppf(self, q: ArrayLike) -> Any:
        """Smallest k with P(K_n <= k) >= q; 0 at q = 0 and n at q = 1, as SciPy has it.

        Parameters
        ----------
        q : array_like
            Probabilities.

        Returns
        -------
        float or ndarray of the shape of q
        """
        probs = measures.grid("q", q, ())
        if ((probs < 0) | (probs > 1)).any():
            check.fail("q", q, "probabilities, from 0 to 1")
        first, _, total = self._table
        k = first + np.searchsorted(total, probs).astype(float)
        return np.where(probs == 0, 0.0, np.where(probs == 1, float(self.n), k))[()]

    def isf(self, q: ArrayLike) -> Any:
        """Smallest k with P(K_n > k) <= q; 0 at q = 1 and n at q = 0, as SciPy has it.

        Parameters
        ----------
        q : array_like
            Probabilities.

        Returns
        -------
        float or ndarray of the shape of q
        """
        probs = measures.grid("q", q, ())
        if ((probs < 0) | (probs > 1)).any():
            check.fail("q", q, "probabilities, from 0 to 1")
        k = self._table[0] - 1 + np.searchsorted(-self._above, -probs).astype(float)
        return np.where(probs == 1, 0.0, np.where(probs == 0, float(self.n), k))[()]

    def median(self) -> float:
        """Smallest k with P(K_n <= k) >= 1/2."""
        return float(self.ppf(0.5))

    def interval(self, confidence: float) -> tuple[float, float]:
        """Interval with equal tails that holds K_n with at least this probability.

        Parameters
        ----------
        confidence : float
            In [0, 1].

        Returns
        -------
        lower, upper : float
        """
        level = check.array("confidence", confidence, ndim=0)
        if not 0 <= level <= 1:
            check.fail("confidence", confidence, "a probability, from 0 to 1")
        lower, upper = self.ppf([(1 - level) / 2, (1 + level) / 2]).tolist()
        return lower, upper

    def expect(self, func: Callable[[Floats], ArrayLike] | None = None) -> float:
        """Mean of func(K_n), by default of K_n.

        Parameters
        ----------
        func : callable, optional
            Takes an array of values of K_n.

        Returns
        -------
        float
        """
        first, probs, _ = self._table
        k = np.arange(first, first + len(probs), dtype=float)
        if isinstance(func, type) or not (func is None or callable(func)):
            check.fail("func", func, "None or a function of an array")
        values = k if func is None else check.array("func", func(k))
        check.shape("func", values, k.shape)
        return float(probs @ values / probs.sum())

    def moment(self, order: int) -> float:
        """Moment E K_n^order, for an integer order >= 0.

        Parameters
        ----------
        order : int

        Returns
        -------
        float
        """
        power = check.integer("order", order, 0)
        if power * math.log(self.n) > 709:
            check.fail("order", order, "an order at which n**order is within range of floats")
        return self.expect(lambda k: k**power)

    def stats(self, moments: str = "mv") -> Any:
        """Mean ("m"), variance ("v"), skewness ("s") and excess kurtosis ("k").

        Parameters
        ----------
        moments : str
            Which of them, by letter.

        Returns
        -------
        float or tuple of float
            In this order, as SciPy has it. A K_n that does not vary has neither skewness nor
            kurtosis; to ask for them is an error.
        """
        if not (check.text("moments", moments) and set(moments) <= set("mvsk")):
            check.fail("moments", moments, "letters among m, v, s and k")
        mean, std = self.mean(), self.std()
        if std == 0 and set(moments) & set("sk"):
            check.fail("moments", moments, "m or v, for K_n does not vary")
        found = {
            "m": self.mean,
            "v": self.var,
            "s": lambda: self.expect(lambda k: ((k - mean) / std) ** 3),
            "k": lambda: self.expect(lambda k: ((k - mean) / std) ** 4) - 3,
        }
        values = tuple(found[letter]() for letter in "mvsk" if letter in moments)
        return values if len(values) > 1 else values[0]

    def entropy(self) -> float:
        """Entropy of K_n in nats, -E log P(K_n)."""
        return 0.0 - self.expect(self.logpmf)

    @renamed("rng", "random_state")
    def rvs(self, size: Size = None, random_state: RNGLike = None) -> Any:
        """Independent draws of K_n, by inversion of the distribution function; any n.

        Parameters
        ----------
        size : int or tuple of int, optional
            Shape of the draws; a single integer by default.
        random_state : None, int, SeedSequence, BitGenerator or Generator
            Source of randomness, called so because SciPy does.

        Returns
        -------
        int or ndarray of int64
        """
        rng, shape = check.rng("random_state", random_state), check.size("size", size)
        first, _, total = self._table
        draws = first + np.searchsorted(total, rng.random(shape), side="right").astype(np.int64)
        return int(draws) if shape is None else draws


def bounds(n: int, alpha: float) -> tuple[float, float]:
    """Bounds on E K_n, less than one apart.

    Parameters
    ----------
    n : int
        Number of draws, at least 1.
    alpha : float
        Concentration, > 0.

    Returns
    -------
    lower, upper : float
        alpha log(1 + n/alpha) and 1 + alpha log(1 + (n-1)/alpha).

    Raises
    ------
    ValueError
        If n or alpha is out of range.

    Notes
    -----
    Implements: DP-0081.

    Examples
    --------
    >>> from dpnotes import clusters
    >>> lower, upper = clusters.bounds(1000, alpha=0.5)
    >>> print(round(lower, 3), round(clusters.NumClusters(1000, 0.5).mean(), 3), round(upper, 3))
    3.801 4.436 4.8
    """
    n, alpha = check.integer("n", n), check.positive("alpha", alpha)
    return alpha * float(log1p_ratio(n, alpha)), 1 + alpha * float(log1p_ratio(n - 1, alpha))


def stirling(n: int) -> list[int]:
    """Unsigned Stirling numbers of the first kind, abs(s(n, k)) for k = 0..n, exactly.

    Parameters
    ----------
    n : int
        At least 0.

    Returns
    -------
    list of int

    Raises
    ------
    ValueError
        If n is not an integer from 0 to 2000: n^2 numbers of up to n log2 n bits are added up.

    Notes
    -----
    Implements: DP-0082.

    Examples
    --------
    >>> from dpnotes import clusters
    >>> clusters.stirling(4)
    [0, 6, 11, 6, 1]
    """
    row = [1]
    for m in range(check.integer("n", n, minimum=0, maximum=MOST_ROWS)):
        row = [m * a + b for a, b in zip(row + [0], [0] + row)]
    return row


def estimate_alpha(k: int, n: int) -> tuple[float, float]:
    """Maximum likelihood estimate of alpha from K_n = k.

    K_n is sufficient, so the whole partition gives the same estimate.

    Parameters
    ----------
    k : int
        Number of clusters, 1 < k < n: at k = 1 the likelihood rises all the way to alpha = 0,
        at k = n all the way to infinity.
    n : int
        Number of draws.

    Returns
    -------
    estimate : float
        The alpha at which E K_n = k.
    error : float
        Its standard error from the Fisher information Var(K_n) / alpha^2.

    Raises
    ------
    ValueError
        If there is no maximum, or k or n is no such integer.

    Notes
    -----
    Implements: DP-0088, DP-0089.

    References
    ----------
    Ewens, W. J. (1972). The sampling theory of selectively neutral alleles. Theoretical
    Population Biology 3, 87-112.

    Examples
    --------
    >>> from dpnotes import clusters
    >>> estimate, error = clusters.estimate_alpha(14, 10**6)
    >>> print(round(estimate, 2), round(error, 2))
    0.97 0.28
    """
    n, k = check.integer("n", n), check.integer("k", k)
    if not 1 < k < n:
        check.fail("k", k, f"1 < k < n = {n}, or the likelihood has no maximum")
    estimate = _concentration(n, k)
    return estimate, estimate / math.sqrt(_var(n, estimate))


@keyword_only("rng")
def sample_sizes_given(n: int, k: int, size: int, *, rng: RNGLike = None) -> Ints:
    """Cluster sizes of the restaurant given that K_n = k, whatever alpha.

    Parameters
    ----------
    n, k : int
        Number of draws and of clusters, 1 <= k <= n.
    size : int
        Number of independent samples.
    rng : numpy.random.Generator, int or None

    Returns
    -------
    ndarray of int64, shape (size, k)
        Each row holds the sizes of one partition, in size-biased order.

    Raises
    ------
    ValueError
        If n, k or size is out of range, or n k or k size exceeds 2**27 (1 GB).

    Notes
    -----
    Implements: DP-0090, DP-0091.

    Memory is of order n k: the logarithms of abs(s(t, j)) / (t - 1)! for t <= n and j <= k.

    References
    ----------
    Arratia, R., Barbour, A. D. and Tavaré, S. (1992). Poisson process approximations for the
    Ewens sampling formula. Annals of Applied Probability 2, 519-535.

    Examples
    --------
    >>> from dpnotes import clusters
    >>> clusters.sample_sizes_given(100, 4, size=3, rng=1).sum(axis=1).tolist()
    [100, 100, 100]
    """
    rng = check.rng("rng", rng)
    n, k, size = check.integer("n", n), check.integer("k", k), check.integer("size", size)
    if k > n:
        check.fail("k", k, f"1 <= k <= n = {n}")
    if n * k > check.ROOM:
        check.fail("n", n, f"n k <= 2**27 with k = {k}, for want of memory")
    check.room("size", size, size * k)
    return _Openings(n, k).sizes(size, rng)


class _Openings:
    """The times at which k tables open among n customers, given K_n = k."""

    def __init__(self, n: int, k: int) -> None:
        # log_weight[j][t] = log of |s(t, j+1)| / (t-1)! for t = 0..n; the numbers overflow.
        self.n = n
        log_t = np.log(np.arange(1, n))
        self.log_weight = [np.r_[-np.inf, np.zeros(n)]]
        for _ in range(k - 1):
            terms = self.log_weight[-1][1:n] - log_t
            self.log_weight.append(np.r_[-np.inf, -np.inf, np.logaddexp.accumulate(terms)])

    def sizes(self, size: int, rng: np.random.Generator) -> Ints:
        sizes = np.empty((size, len(self.log_weight)), dtype=np.int64)
        end = np.full(size, self.n, dtype=np.int64)
        for column, log_weight in enumerate(self.log_weight[:0:-1]):
            # 1 - random() is never 0, so the target is finite and not above log_weight[end].
            target = np.log(1 - rng.random(size)) + log_weight[end]
            opening = np.searchsorted(log_weight, target).astype(np.int64)
            sizes[:, column] = end + 1 - opening
            end = opening - 1
        sizes[:, -1] = end
        return sizes


@dataclass(frozen=True)
class HomozygosityTest:
    """Result of `homozygosity_test`.

    Attributes
    ----------
    homozygosity : float
        F, the sum of squared proportions.
    expected : float
        E(F | K_n = k).
    p_lower, p_upper : float
        P(F <= observed) and P(F >= observed) given K_n = k; ties count in both.
    p_slatkin : float
        P(prod n_j >= observed): the sizes in uniformly random order have probability
        proportional to 1 / prod n_j, so this collects what is no more probable than the data.
    errors : tuple of float
        Monte Carlo standard errors of the three probabilities, in this order; 0 after enumeration.
    draws : int
        Monte Carlo draws; 0 after enumeration.
    """

    homozygosity: float
    expected: float
    p_lower: float
    p_upper: float
    p_slatkin: float
    errors: tuple[float, ...]
    draws: int


def _count_partitions(n: int, k: int, enough: float = math.inf) -> int:
    """Number of partitions of the integer n into k parts; a lower bound once that is > enough."""
    # Take 1 from each part: partitions of n - k into parts of at most k.
    ways = [1] + [0] * (n - k)
    for part in range(1, min(k, n - k) + 1):
        for total in range(part, n - k + 1):
            ways[total] += ways[total - part]
        if ways[-1] > enough:
            break
    return ways[-1]


def _partitions(n: int, k: int) -> Iterator[tuple[int, ...]]:
    """Partitions of the integer n into k parts, each part at most the one before.

    Only the first n - k parts are listed: those after them are 1 in every partition.
    """
    listed = min(k, n - k)
    for parts in integer_partitions(n - k, k, n - k):
        yield (*(part + 1 for part in parts), *(1,) * (listed - len(parts)))


def _log_orders(sizes: Ints, ones: int) -> Floats:
    """log of the product of c_j!, c_j the number of parts equal to j, for descending rows.

    Each row is followed by so many further parts equal to 1; a constant is left out.
    """
    result = np.zeros(len(sizes))
    run = np.ones(len(sizes))
    for previous, current in zip(sizes.T[:-1], sizes.T[1:]):
        run = np.where(previous == current, run + 1, 1)
        result += np.log(run)
    # (c + ones)! / ones! in place of c!, factor by factor.
    c = (sizes == 1).sum(axis=1)
    factors = np.log1p(ones / np.arange(1, sizes.shape[1] + 1))
    return result + np.append(0.0, np.cumsum(factors))[c]


@keyword_only("max_partitions", "draws", "rng")
def homozygosity_test(
    counts: ArrayLike,
    *,
    max_partitions: int = 100_000,
    draws: int = 100_000,
    rng: RNGLike = None,
) -> HomozygosityTest:
    """Exact test of Ewens' sampling formula, given the number of clusters.

    Given K_n the law of the cluster sizes is free of alpha, so nothing has to be estimated.
    The law is enumerated if there are few partitions of n into K_n parts, and sampled otherwise.

    Parameters
    ----------
    counts : array_like of int, shape (k,)
        Cluster sizes, each >= 1.
    max_partitions : int
        Enumerate up to this many partitions, at most 10**6; 0 always samples.
    draws : int
        Number of Monte Carlo draws when sampling.
    rng : numpy.random.Generator, int or None

    Returns
    -------
    HomozygosityTest

    Raises
    ------
    ValueError
        If counts are not integers >= 1, draws or max_partitions is out of range, or the law
        would be sampled with n K_n > 2**27 (1 GB) or draws K_n > 2**30 (minutes).

    Notes
    -----
    Implements: DP-0088.

    A small ``p_lower`` means sizes more even than the formula allows, a small ``p_upper`` sizes
    more uneven; either one is a one-sided test of its level. Sums of squares are compared as
    integers, so ties are exact. Monte Carlo p-values are (1 + hits) / (1 + draws), which keeps
    the test's level whatever the number of draws.

    References
    ----------
    Watterson, G. A. (1978). The homozygosity test of neutrality. Genetics 88, 405-417.

    Slatkin, M. (1996). A correction to the exact test based on the Ewens sampling distribution.
    Genetical Research 68, 259-260.

    Examples
    --------
    >>> from dpnotes import clusters
    >>> test = clusters.homozygosity_test([9, 2, 1])
    >>> print(round(test.homozygosity, 4), round(test.p_lower, 4), round(test.p_upper, 4))
    0.5972 0.8413 0.335
    """
    rng, given = check.rng("rng", rng), check.sizes("counts", counts)
    max_partitions = check.integer("max_partitions", max_partitions, 0, MOST_PARTITIONS)
    draws = check.integer("draws", draws)
    n, k = sum(given.tolist()), len(given)
    squares = sum(count**2 for count in given.tolist())
    # Rounding moves a sum of logarithms by far less than 1e-9; what is closer is a tie.
    product = np.log(given).sum() - 1e-9

    def summary(sizes: Ints, weights: Floats) -> Floats:
        total = (sizes**2).sum(axis=1) + (k - sizes.shape[1])
        events = total <= squares, total >= squares, np.log(sizes).sum(axis=1) >= product
        return np.array([weights @ total, *(weights @ event for event in events)])

    few = n - k <= max_partitions and _count_partitions(n, k, max_partitions) <= max_partitions
    if few:
        sizes = np.array(list(_partitions(n, k)), dtype=np.int64)
        log_weights = -np.log(sizes).sum(axis=1) - _log_orders(sizes, k - sizes.shape[1])
        weights = np.exp(log_weights - log_weights.max())
        sums = np.minimum(summary(sizes, weights / weights.sum()), [n**2, 1, 1, 1])
        expected, lower, upper, slatkin = (sums / [n**2, 1, 1, 1]).tolist()
        none = (0.0, 0.0, 0.0)
        return HomozygosityTest(squares / n**2, expected, lower, upper, slatkin, none, 0)

    if n * k > check.ROOM:
        check.fail("counts", counts, f"n k <= 2**27 with n = {n}, k = {k}, for want of memory")
    check.within("draws", draws, draws * k, MOST_DRAWN, "sizes of clusters")
    openings = _Openings(n, k)
    sums = np.zeros(4)
    block = max(1, 2**21 // k)
    for start in range(0, draws, block):
        batch = min(block, draws - start)
        sums += summary(openings.sizes(batch, rng), np.ones(batch))
    expected = float(sums[0]) / draws / n**2
    p = (1 + sums[1:]) / (1 + draws)
    errors = tuple(np.sqrt(p * (1 - p) / draws).tolist())
    lower, upper, slatkin = p.tolist()
    return HomozygosityTest(squares / n**2, expected, lower, upper, slatkin, errors, draws)
