"""Stick breaking: the weights of a Dirichlet process, and exact probabilities computed from them.

Break a stick of length 1: the first piece has length ``v_1``, the k-th is the share ``v_k`` of
what is left, with independent ``v_k ~ Beta(1, alpha)``. Then ``-log(1 - v_k)`` is exponential
with rate alpha, so the breaks are the points of a Poisson process on the half-line; every
sampler here uses that form, which keeps the smallest remainder to full relative precision.
"""

import functools
import math

import numpy as np

from . import _validate as check

# Exact probabilities go from stick to stick, and each adds digits.
MOST_STICKS = 10_000


def weights(v):
    """Lengths of the pieces: ``pi_k = v_k (1 - v_1) ... (1 - v_{k-1})``.

    Parameters
    ----------
    v : array_like, shape (..., T)
        Shares in [0, 1]. A last share of 1 uses the stick up.

    Returns
    -------
    ndarray, shape (..., T)
        Weights; they sum to one minus the remainder ``prod(1 - v)``.

    Raises
    ------
    ValueError
        If ``v`` is empty, not finite, or leaves [0, 1].

    Notes
    -----
    Implements: DP-0151, DP-0152.

    Examples
    --------
    >>> from dpnotes import sticks
    >>> sticks.weights([0.5, 0.5, 1.0])
    array([0.5 , 0.25, 0.25])
    """
    v = np.atleast_1d(check.array("v", v))
    if v.min() < 0 or v.max() > 1:
        check.fail("v", v, "shares in [0, 1]")
    left = np.ones_like(v)
    np.cumprod(1 - v[..., :-1], axis=-1, out=left[..., 1:])
    return v * left


def _pieces(gaps):
    """Pieces exp(-S_{k-1}) - exp(-S_k) between the breaks S_k = gap_1 + ... + gap_k."""
    before = np.append(0.0, np.cumsum(gaps[:-1]))
    return np.exp(-before) * -np.expm1(-gaps)


def sample(alpha, truncation, rng=None):
    """First ``truncation`` weights of the infinite sequence.

    Parameters
    ----------
    alpha : float
        Concentration, > 0.
    truncation : int
        Number T of weights, >= 1.
    rng : seed or numpy.random.Generator, optional
        Source of randomness.

    Returns
    -------
    ndarray, shape (T,)
        ``pi_1, ..., pi_T``, in the order of the sticks. Their sum is below 1: what is missing
        is the remainder, whose mean is `expected_remainder`.

    Raises
    ------
    ValueError
        If ``alpha`` is out of range, or ``truncation`` is not an integer from 1 to 2**27.

    Notes
    -----
    Implements: DP-0151, DP-0154.

    References
    ----------
    Sethuraman, J. (1994). A constructive definition of Dirichlet priors. Statistica Sinica 4,
    639-650.

    Examples
    --------
    >>> from dpnotes import sticks
    >>> sticks.sample(1.0, 4, rng=1).round(3)
    array([0.658, 0.091, 0.25 , 0.   ])
    """
    rng = np.random.default_rng(rng)
    alpha = check.positive("alpha", alpha)
    truncation = check.integer("truncation", truncation, maximum=check.ROOM)
    return _pieces(rng.exponential(1 / alpha, truncation))


def _room_for(alpha, depth):
    """Refuse an alpha for which the half-line has too many breaks before this depth."""
    if alpha * depth > check.ROOM:
        most = check.ROOM / depth
        check.fail("alpha", alpha, f"at most {most:.3g}, or 2**27 sticks do not suffice")


def sample_until(alpha, tol, rng=None):
    """All weights of a draw down to a remainder of at most ``tol``, and that remainder.

    Parameters
    ----------
    alpha : float
        Concentration, > 0.
    tol : float
        Largest remainder allowed, in (0, 1).
    rng : seed or numpy.random.Generator, optional
        Source of randomness.

    Returns
    -------
    ndarray, shape (N + 1,)
        ``pi_1, ..., pi_N`` and last the remainder ``1 - pi_1 - ... - pi_N <= tol``; N is the
        first number of sticks for which the remainder is that small. The sum is 1.

    Raises
    ------
    ValueError
        If ``alpha`` or ``tol`` is out of range, or more than 2**27 sticks are expected (1 GB).

    Notes
    -----
    N - 1 is Poisson with mean ``alpha log(1 / tol)``, so all sticks are drawn at once.

    Implements: DP-0155, DP-0154.

    References
    ----------
    Muliere, P. and Tardella, L. (1998). Approximating distributions of random functionals of
    Ferguson-Dirichlet priors. Canadian Journal of Statistics 26, 283-297.

    Examples
    --------
    >>> from dpnotes import sticks
    >>> pi = sticks.sample_until(2.0, 1e-6, rng=1)
    >>> bool(pi[-1] <= 1e-6), round(float(pi.sum()), 12)
    (True, 1.0)
    """
    rng = np.random.default_rng(rng)
    alpha, tol = check.positive("alpha", alpha), check.positive("tol", tol)
    if tol >= 1:
        check.fail("tol", tol, "a number in (0, 1)")
    depth = -math.log(tol)
    _room_for(alpha, depth)
    breaks = np.sort(rng.uniform(0, depth, rng.poisson(alpha * depth)))
    breaks = np.append(breaks, depth + rng.exponential(1 / alpha))
    return np.append(_pieces(np.diff(breaks, prepend=0.0)), np.exp(-breaks[-1]))


def sample_labels(n, alpha, rng=None):
    """Labels ``z_1, ..., z_n``: n independent draws from the weights of one infinite sequence.

    Nothing is truncated. The label is the number of the stick, not the order of appearance.

    Parameters
    ----------
    n : int
        Number of draws, >= 1.
    alpha : float
        Concentration, > 0.
    rng : seed or numpy.random.Generator, optional
        Source of randomness.

    Returns
    -------
    ndarray of int64, shape (n,)
        Labels, 0 for the first stick; values may be skipped.

    Raises
    ------
    ValueError
        If ``n`` or ``alpha`` is out of range, or more than 2**27 sticks are expected (1 GB).

    Notes
    -----
    A draw falls at an exponential point of the half-line, and its label counts the breaks to
    its left.

    Implements: DP-0154, DP-0161.

    Examples
    --------
    >>> from dpnotes import sticks
    >>> sticks.sample_labels(8, 1.0, rng=2).tolist()
    [0, 0, 0, 0, 1, 1, 0, 0]
    """
    rng = np.random.default_rng(rng)
    n, alpha = check.integer("n", n), check.positive("alpha", alpha)
    points = rng.exponential(size=n)
    end = points.max()
    _room_for(alpha, end)
    breaks = np.sort(rng.uniform(0, end, rng.poisson(alpha * end)))
    return np.searchsorted(breaks, points).astype(np.int64)


def expected_remainder(alpha, truncation):
    """Mean of what T sticks leave: ``(alpha / (1 + alpha))**T``, exactly.

    Parameters
    ----------
    alpha : float
        Concentration, > 0.
    truncation : int
        Number T of sticks, >= 0.

    Returns
    -------
    float
        ``E[(1 - v_1) ... (1 - v_T)]``, to full relative precision for every alpha.

    Raises
    ------
    ValueError
        If ``alpha`` or ``truncation`` is out of range.

    Notes
    -----
    Implements: DP-0153.

    Examples
    --------
    >>> from dpnotes import sticks
    >>> sticks.expected_remainder(1.0, 10) == 2.0**-10
    True
    """
    alpha, truncation = check.positive("alpha", alpha), check.integer("truncation", truncation, 0)
    if alpha < 1:
        return (alpha / (1 + alpha)) ** truncation
    # log1p keeps alpha / (1 + alpha) apart from 1 when alpha is huge and T is of its order.
    return math.exp(-truncation * math.log1p(1 / alpha))


def cell_moment(powers, probs, alpha):
    """Mixed moment E[G(A_1)**m_1 ... G(A_r)**m_r] of the stick-breaking measure.

    Computed from G = v delta + (1 - v) G' alone: the first stick falls into one cell.

    Parameters
    ----------
    powers : array_like of int, shape (r,)
        Powers ``m_j >= 0``.
    probs : sequence of float or rational, shape (r,)
        Probabilities ``H(A_j)`` of the cells; they sum to 1.
    alpha : float or rational
        Concentration, > 0.

    Returns
    -------
    Fraction or float
        The moment; a Fraction if ``alpha`` and ``probs`` are ints or Fractions.

    Raises
    ------
    ValueError
        If an argument is out of range.

    Notes
    -----
    Implements: DP-0156, DP-0157, DP-0158.

    Examples
    --------
    >>> from fractions import Fraction
    >>> from dpnotes import sticks
    >>> sticks.cell_moment([2, 0], [Fraction(1, 2), Fraction(1, 2)], 1)
    Fraction(3, 8)
    """
    alpha, chances = check.exact("alpha", alpha), check.real("probs", probs)
    if chances.ndim != 1 or not ((chances >= 0).all() and abs(sum(probs) - 1) <= 1e-12):
        check.fail("probs", probs, "probabilities that sum to 1")
    powers = check.powers("powers", powers, len(probs))

    @functools.cache
    def moment(powers):
        n = sum(powers)
        if n == 0:
            return alpha / alpha
        total = 0 * alpha
        for j, power in enumerate(powers):
            for i in range(1, power + 1):
                rest = (*powers[:j], power - i, *powers[j + 1 :])
                share = math.comb(power, i) * _moment(alpha, i, n - i)
                total += probs[j] * share * moment(rest)
        # With the rest, (1 - v)**n G'(A)**m has mean alpha / (alpha + n) times the moment sought.
        return total * (alpha + n) / n

    return moment(powers)


def truncation_bound(alpha, truncation, n):
    """Bound on what truncation at T atoms changes: total variation between the laws of n data.

    Parameters
    ----------
    alpha : float
        Concentration, > 0.
    truncation : int
        Number T of atoms, the last of which takes all that the others leave; >= 1.
    n : int
        Number of observations, >= 1.

    Returns
    -------
    float
        Upper bound, at most 1. It is exact for n = 2 when the observations are the draws of G
        themselves and the base measure has no atoms.

    Raises
    ------
    ValueError
        If an argument is out of range.

    Notes
    -----
    Implements: DP-0167.

    Examples
    --------
    >>> from dpnotes import sticks
    >>> round(sticks.truncation_bound(1.0, 20, 100), 9)
    2.129e-06
    """
    alpha, n = check.positive("alpha", alpha), check.integer("n", n)
    truncation = check.integer("truncation", truncation)
    beyond = n * expected_remainder(alpha, truncation)
    # E[R**2] of T - 1 sticks is the mean of R at half the concentration.
    squared = expected_remainder(alpha / 2, truncation - 1)
    return min(1.0, beyond, n * (n - 1) / 2 * alpha / (1 + alpha) * squared)


def truncation_for(alpha, n, tol):
    """Smallest T for which `truncation_bound` is at most ``tol``.

    Parameters
    ----------
    alpha : float
        Concentration, > 0.
    n : int
        Number of observations, >= 1.
    tol : float
        Largest total variation allowed, > 0.

    Returns
    -------
    int

    Raises
    ------
    ValueError
        If an argument is out of range.

    Notes
    -----
    Implements: DP-0167.

    Examples
    --------
    >>> from dpnotes import sticks
    >>> [sticks.truncation_for(1.0, n, 1e-6) for n in (9, 1000, 10**6)]
    [17, 25, 38]
    """
    tol, above = check.positive("tol", tol), 1
    while truncation_bound(alpha, above, n) > tol:
        above *= 2
        if above > check.MOST:
            check.fail("alpha", alpha, "an alpha for which 2**53 atoms suffice")
    below = above // 2  # its bound, if any, is larger than tol
    while above - below > 1:
        middle = (above + below) // 2
        if truncation_bound(alpha, middle, n) > tol:
            below = middle
        else:
            above = middle
    return above


def _moment(alpha, a, b):
    """E[v**a (1 - v)**b] for v ~ Beta(1, alpha): alpha a! / ((alpha+b) ... (alpha+b+a))."""
    value = alpha * math.factorial(a)
    for j in range(a + 1):
        value = value / (alpha + b + j)
    return value


def label_prob(labels, alpha):
    """Probability that n draws from stick-breaking weights have exactly these labels.

    Parameters
    ----------
    labels : array_like of int, shape (n,)
        Labels, 0 for the first stick; values may be skipped.
    alpha : float or rational
        Concentration, > 0.

    Returns
    -------
    Fraction or float
        The probability; a Fraction if ``alpha`` is an int or a Fraction.

    Raises
    ------
    ValueError
        If ``labels`` is empty, negative or above 10**4, or ``alpha`` is out of range.

    Notes
    -----
    Implements: DP-0161.

    Examples
    --------
    >>> from dpnotes import sticks
    >>> sticks.label_prob([0, 1], 1)
    Fraction(1, 12)
    """
    alpha, labels = check.exact("alpha", alpha), check.counts("labels", labels, 0)
    if labels.max() > MOST_STICKS:
        check.fail("labels", labels, f"labels up to {MOST_STICKS}")
    sticks, counts = np.unique(labels, return_counts=True)
    value, left, before = alpha / alpha, len(labels), -1
    for stick, count in zip(sticks.tolist(), counts.tolist()):
        # The sticks skipped take none of the draws that are left.
        value = value * (alpha / (alpha + left)) ** (stick - before - 1)
        left, before = left - count, stick
        value = value * _moment(alpha, count, left)
    return value


def eppf(sizes, alpha, truncation=None):
    """Probability of one given partition, from the moments of the sticks alone.

    Looks at the first stick: it takes one of the blocks whole, or none; the other sticks are
    the same process again.

    Parameters
    ----------
    sizes : array_like of int, shape (K,)
        Block sizes, each >= 1.
    alpha : float or rational
        Concentration, > 0.
    truncation : int, optional
        Number T of atoms; the last share is then 1. The default is the infinite process.

    Returns
    -------
    Fraction or float
        The probability; a Fraction if ``alpha`` is an int or a Fraction.

    Raises
    ------
    ValueError
        If an argument is out of range.

    Notes
    -----
    Takes time of order 2**K, or less where sizes repeat: made for checking, not for data
    (`dpnotes.crp.log_eppf` has the closed form).

    Implements: DP-0159, DP-0160.

    Examples
    --------
    >>> from dpnotes import sticks
    >>> sticks.eppf([2, 1], 1), sticks.eppf([2, 1], 1, truncation=2)
    (Fraction(1, 6), Fraction(1, 6))
    """
    alpha = check.exact("alpha", alpha)
    sizes = tuple(sorted(check.sizes("sizes", sizes, check.EXACT).tolist()))
    if truncation is not None:
        truncation = check.integer("truncation", truncation, maximum=MOST_STICKS)
    return _first_stick(alpha)(sizes, truncation)


# typed: 1 and 1.0 are equal, but exact only as the first.
@functools.lru_cache(maxsize=16, typed=True)
def _first_stick(alpha):
    one = alpha / alpha

    @functools.cache
    def prob(sizes, sticks):
        """Probability of these blocks from this many sticks (None: infinitely many)."""
        if not sizes:
            return one
        if sticks == 1:
            return one if len(sizes) == 1 else 0 * one
        n = sum(sizes)
        after = None if sticks is None else sticks - 1
        taken = 0 * one
        for size in set(sizes):
            rest = list(sizes)
            rest.remove(size)
            ways = sizes.count(size)
            taken += ways * _moment(alpha, size, n - size) * prob(tuple(rest), after)
        # The first stick takes no block with probability alpha / (alpha + n).
        if sticks is None:
            return taken * (alpha + n) / n
        return taken + alpha / (alpha + n) * prob(sizes, after)

    def shallow(sizes, sticks):
        # Python's recursion is a thousand deep; what is known already ends it.
        for fewer in range(100, sticks or 0, 100):
            prob(sizes, fewer)
        return prob(sizes, sticks)

    return shallow


def eppf_size_biased(sizes, alpha):
    """Probability of one given partition, from the sticks in order of appearance.

    In that order the shares are again independent Beta(1, alpha); block k must be opened, which
    has probability ``1 - (sum of the weights before it)``, and then joined ``n_k - 1`` times.

    Parameters
    ----------
    sizes : array_like of int, shape (K,)
        Block sizes in order of appearance, each >= 1.
    alpha : float or rational
        Concentration, > 0.

    Returns
    -------
    Fraction or float
        The probability; a Fraction if ``alpha`` is an int or a Fraction.

    Raises
    ------
    ValueError
        If an argument is out of range.

    Notes
    -----
    Implements: DP-0162, DP-0163, DP-0164.

    References
    ----------
    Pitman, J. (1995). Exchangeable and partially exchangeable random partitions. Probability
    Theory and Related Fields 102, 145-158.

    Examples
    --------
    >>> from dpnotes import sticks
    >>> sticks.eppf_size_biased([2, 1], 1)
    Fraction(1, 6)
    """
    alpha = check.exact("alpha", alpha)
    sizes = check.sizes("sizes", sizes, check.EXACT).tolist()
    value = alpha / alpha
    for k, size in enumerate(sizes):
        value = value * _moment(alpha, size - 1, sum(sizes[k + 1 :]))
    return value


def _integer_partitions(n, largest):
    """Every way to write n as a sum of parts <= largest, largest part first."""
    if n == 0:
        yield ()
    for part in range(min(n, largest), 0, -1):
        for rest in _integer_partitions(n - part, part):
            yield (part, *rest)


def _num_set_partitions(sizes):
    """Number of set partitions with these block sizes."""
    count = math.factorial(sum(sizes))
    for size in set(sizes):
        repeats = sizes.count(size)
        count //= math.factorial(size) ** repeats * math.factorial(repeats)
    return count


def truncation_distance(alpha, truncation, n):
    """Total variation between the partitions of n draws from T atoms and from all, exactly.

    Parameters
    ----------
    alpha : float or rational
        Concentration, > 0.
    truncation : int
        Number T of atoms, >= 1.
    n : int
        Number of draws, >= 1; the time grows with the number of integer partitions of n.

    Returns
    -------
    Fraction or float
        Half the sum over set partitions of the absolute difference of their probabilities.

    Raises
    ------
    ValueError
        If an argument is out of range.

    Notes
    -----
    Implements: DP-0167.

    Examples
    --------
    >>> from dpnotes import sticks
    >>> sticks.truncation_distance(1, 2, 2)
    Fraction(1, 6)
    """
    alpha, n = check.exact("alpha", alpha), check.integer("n", n)
    truncation = check.integer("truncation", truncation, maximum=MOST_STICKS)
    prob = _first_stick(alpha)
    parts = (tuple(sorted(sizes)) for sizes in _integer_partitions(n, n))
    return sum(
        _num_set_partitions(sizes) * abs(prob(sizes, truncation) - prob(sizes, None))
        for sizes in parts
    ) / 2


def truncation_ratio(labels, alpha, truncation):
    """Ratio of the probabilities of partitions under T atoms and under infinitely many.

    Multiplied into an exact posterior over partitions and normalised, it gives the exact
    posterior under truncation.

    Parameters
    ----------
    labels : array_like of int, shape (m, n)
        One partition a row, labels 0 to K - 1.
    alpha : float
        Concentration, > 0.
    truncation : int
        Number T of atoms, >= 1.

    Returns
    -------
    ndarray, shape (m,)

    Raises
    ------
    ValueError
        If an argument is out of range.

    Notes
    -----
    Implements: DP-0159, DP-0166, DP-0168.

    Examples
    --------
    >>> from dpnotes import sticks
    >>> sticks.truncation_ratio([[0, 0], [0, 1]], 1.0, 2).round(4)
    array([1.3333, 0.6667])
    """
    alpha = check.positive("alpha", alpha)
    truncation = check.integer("truncation", truncation, maximum=MOST_STICKS)
    prob = _first_stick(alpha)
    rows = list(labels) if np.iterable(labels) else []
    rows = [check.labels("labels", row).astype(np.intp) for row in rows]
    if len({len(row) for row in rows}) != 1:
        check.fail("labels", labels, "partitions of the same n points, one a row")
    rows = [tuple(sorted(np.bincount(row).tolist())) for row in rows]
    ratio = {sizes: prob(sizes, truncation) / prob(sizes, None) for sizes in set(rows)}
    return np.array([ratio[sizes] for sizes in rows])
