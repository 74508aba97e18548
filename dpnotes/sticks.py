"""Stick breaking: the weights of a Dirichlet process, and exact probabilities computed from them.

Break a stick of length 1: the first piece has length ``v_1``, the k-th is the share ``v_k`` of
what is left, with independent ``v_k ~ Beta(1, alpha)``. Then ``-log(1 - v_k)`` is exponential
with rate alpha, so the breaks are the points of a Poisson process on the half-line; every
sampler here uses that form, which keeps the smallest remainder to full relative precision.
"""

import itertools
import math
from collections.abc import Iterable
from fractions import Fraction
from functools import lru_cache, partial
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from . import _validate as check
from . import measures
from ._deprecated import keyword_only
from ._numbers import integer_partitions, log_beta, log_rising_ratio
from ._types import Floats, Ints, NumbersLike, RNGLike

# Exact probabilities go from stick to stick, and each adds digits.
MOST_STICKS = 10_000
# Beyond it integer partitions are too many: 37,338 of 40, 215,308 of all up to 40.
MOST_POINTS = 40
# So many steps of a recursion over partitions or powers take seconds.
MOST_STEPS = 10**6


def weights(v: ArrayLike) -> Floats:
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
    shares = np.atleast_1d(check.array("v", v))
    if shares.min() < 0 or shares.max() > 1:
        check.fail("v", v, "shares in [0, 1]")
    left = np.ones_like(shares)
    with np.errstate(under="ignore"):
        np.cumprod(1 - shares[..., :-1], axis=-1, out=left[..., 1:])
        return shares * left


def _pieces(gaps: Floats) -> Floats:
    """Pieces exp(-S_{k-1}) - exp(-S_k) between the breaks S_k = gap_1 + ... + gap_k."""
    # A concentration near the smallest float may put a break at infinity.
    with np.errstate(under="ignore", over="ignore"):
        before = np.append(0.0, np.cumsum(gaps[:-1]))
        return np.exp(-before) * -np.expm1(-gaps)


@keyword_only("rng")
def sample(alpha: float, truncation: int, *, rng: RNGLike = None) -> Floats:
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
    rng = check.rng("rng", rng)
    alpha = check.positive("alpha", alpha)
    truncation = check.integer("truncation", truncation, maximum=check.ROOM)
    return _pieces(rng.exponential(1 / alpha, truncation))


def _room_for(alpha: float, depth: float) -> None:
    """Refuse an alpha for which the half-line has too many breaks before this depth."""
    check.within("alpha", alpha, math.ceil(min(alpha * depth, 1e300)), check.WORK, "sticks")


@np.errstate(under="ignore")
@keyword_only("rng")
def sample_until(alpha: float, tol: float, *, rng: RNGLike = None) -> Floats:
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
        If ``alpha`` or ``tol`` is out of range, or more than 2**25 sticks are expected.

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
    rng = check.rng("rng", rng)
    alpha, tol = check.positive("alpha", alpha), check.positive("tol", tol)
    if tol >= 1:
        check.fail("tol", tol, "a number in (0, 1)")
    depth = -math.log(tol)
    _room_for(alpha, depth)
    breaks = np.sort(rng.uniform(0, depth, rng.poisson(alpha * depth)))
    breaks = np.append(breaks, depth + rng.exponential(1 / alpha))
    return np.append(_pieces(np.diff(breaks, prepend=0.0)), np.exp(-breaks[-1]))


@np.errstate(under="ignore")
@keyword_only("rng")
def sample_labels(n: int, alpha: float, *, rng: RNGLike = None) -> Ints:
    """Labels ``z_1, ..., z_n``: n independent draws from the weights of one infinite sequence.

    Nothing is truncated. The label is the number of the stick, not the order of appearance.

    Parameters
    ----------
    n : int
        Number of draws, from 1 to 2**25.
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
        If ``n`` or ``alpha`` is out of range, or more than 2**25 sticks are expected.

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
    rng = check.rng("rng", rng)
    n, alpha = check.integer("n", n, maximum=check.WORK), check.positive("alpha", alpha)
    points = rng.exponential(size=n)
    end = float(points.max())
    _room_for(alpha, end)
    breaks = np.sort(rng.uniform(0, end, rng.poisson(alpha * end)))
    return np.searchsorted(breaks, points).astype(np.int64)


def expected_remainder(alpha: float, truncation: int) -> float:
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
    return _remainder(alpha, truncation)


def _remainder(alpha: float, truncation: int) -> float:
    if alpha < 1:
        return float((alpha / (1 + alpha)) ** truncation)
    # log1p keeps alpha / (1 + alpha) apart from 1 when alpha is huge and T is of its order.
    return math.exp(-truncation * math.log1p(1 / alpha))


def cell_moment(powers: ArrayLike, probs: NumbersLike, alpha: float | Fraction) -> float | Fraction:
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
        If an argument is out of range, or the recursion over all powers up to these takes more
        than 10**6 steps.

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
    alpha, chances = check.rational("alpha", alpha), measures.numbers("probs", probs).tolist()
    if min(chances) < 0 or abs(sum(chances) - 1) > 1e-12:
        check.fail("probs", probs, "probabilities that sum to 1")
    most = check.powers("powers", powers, len(chances))
    steps = math.prod(power + 1 for power in most) * sum(most)
    check.within("powers", powers, steps, MOST_STEPS, "steps")
    if not all(isinstance(chance, Fraction) for chance in chances):
        alpha = float(alpha)
    # Cells of power 0 change nothing, and an array has 64 axes at most.
    chances, most = [c for c, power in zip(chances, most) if power], tuple(filter(None, most))
    shares = lru_cache(None)(partial(_shares, alpha))
    moment: NDArray[Any] = np.full([power + 1 for power in most], alpha / alpha)
    # In this order all smaller powers come first.
    for state in itertools.product(*(range(power + 1) for power in most)):
        n = sum(state)
        if n == 0:
            continue
        # The first stick falls into cell j with i of the n draws. The rest, (1 - v)**n G'(A)**m,
        # has mean alpha / (alpha + n) times the moment sought.
        moment[state] = sum(
            chances[j] * (shares(power, n) @ moment[_line(state, j)])
            for j, power in enumerate(state)
            if power
        )
    return moment[most] if moment.dtype == object else float(moment[most])


def _line(state: tuple[int, ...], j: int) -> Any:
    """The index of the states whose j-th power is smaller, the others the same."""
    return (*state[:j], slice(state[j]), *state[j + 1 :])


def _shares(alpha: Any, power: int, n: int) -> NDArray[Any]:
    """comb(power, i) `_taken`(alpha, i, n) for i = power, ..., 1."""
    if isinstance(alpha, Fraction):
        each = [math.comb(power, i) * _taken(alpha, i, n) for i in range(power, 0, -1)]
        return np.array(each, dtype=object)
    i = np.arange(float(power), 0, -1)
    log_comb = -log_beta(i + 1, power + 1 - i) - np.log(power + 1)
    log_taken = np.log(alpha) + log_beta(i, alpha + (n - i)) + np.log(i / n)
    with np.errstate(under="ignore"):
        return np.exp(log_comb + log_taken)


def truncation_bound(alpha: float, truncation: int, n: int) -> float:
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
    beyond = n * _remainder(alpha, truncation)
    # E[R**2] of T - 1 sticks is the mean of R at half the concentration.
    squared = _remainder(alpha / 2, truncation - 1)
    return min(1.0, beyond, n * (n - 1) / 2 * _remainder(alpha, 1) * squared)


def truncation_for(alpha: float, n: int, tol: float) -> int:
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


def _moment(alpha: Any, a: int, b: int) -> Any:
    """E[v**a (1 - v)**b] for v ~ Beta(1, alpha): alpha a! / ((alpha+b) ... (alpha+b+a))."""
    if isinstance(alpha, Fraction):
        # One fraction to reduce, and not one for each factor.
        p, q = alpha.as_integer_ratio()
        factors = math.prod(p + q * (b + j) for j in range(a + 1))
        return Fraction(p * q**a * math.factorial(a), factors)
    value = alpha / (alpha + b)
    for j in range(1, a + 1):
        value *= j / (alpha + b + j)
    return value


def _taken(alpha: Any, a: int, n: int) -> Any:
    """E[v**a (1 - v)**(n - a)] over n / (alpha + n), the chance that v takes any of n draws.

    The quotient in one, for in floats the moment may be too small where this is not.
    """
    return _moment(alpha, a - 1, n - a) * a / n


def label_prob(labels: ArrayLike, alpha: float | Fraction) -> float | Fraction:
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
        If ``labels`` is empty, negative, above 10**4 or more than 10**4, or ``alpha`` is out of
        range.

    Notes
    -----
    Implements: DP-0161.

    Examples
    --------
    >>> from dpnotes import sticks
    >>> sticks.label_prob([0, 1], 1)
    Fraction(1, 12)
    """
    alpha, drawn = check.rational("alpha", alpha), check.counts("labels", labels, 0)
    if drawn.max() > MOST_STICKS:
        check.fail("labels", labels, f"labels up to {MOST_STICKS}")
    check.within("labels", labels, len(drawn), check.EXACT, "labels")
    sticks, counts = np.unique(drawn, return_counts=True)
    value: Any = alpha / alpha
    left, before = len(drawn), -1
    for stick, count in zip(sticks.tolist(), counts.tolist()):
        # The sticks skipped take none of the draws that are left.
        value = value * (alpha / (alpha + left)) ** (stick - before - 1)
        left, before = left - count, stick
        value = value * _moment(alpha, count, left)
    return value


@keyword_only("truncation")
def eppf(
    sizes: ArrayLike, alpha: float | Fraction, *, truncation: int | None = None
) -> float | Fraction:
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
        If an argument is out of range, the sizes add up to more than 10**4, or the recursion
        takes more than 10**6 steps.

    Notes
    -----
    Takes time of order 2**K times the number of atoms, or less where sizes repeat: made for
    checking, not for data (`dpnotes.crp.log_eppf` has the closed form).

    Implements: DP-0159, DP-0160.

    Examples
    --------
    >>> from dpnotes import sticks
    >>> sticks.eppf([2, 1], 1), sticks.eppf([2, 1], 1, truncation=2)
    (Fraction(1, 6), Fraction(1, 6))
    """
    alpha = check.rational("alpha", alpha)
    blocks = tuple(sorted(check.sizes("sizes", sizes, check.EXACT).tolist()))
    if truncation is not None:
        truncation = check.integer("truncation", truncation, maximum=MOST_STICKS)
    return _first_stick(_smaller("sizes", sizes, [blocks], truncation), alpha, truncation)[blocks]


Sizes = tuple[int, ...]


def _smaller(
    name: str, value: object, partitions: Iterable[Sizes], truncation: int | None
) -> list[Sizes]:
    """These sorted sizes and all that is left when blocks are taken away, the fewest first."""
    partitions = set(partitions)
    steps = sum(
        math.prod(sizes.count(size) + 1 for size in set(sizes)) * len(set(sizes))
        for sizes in partitions
    )
    check.within(name, value, steps * (truncation or 1), MOST_STEPS, "steps")
    found = set()
    for sizes in partitions:
        distinct = sorted(set(sizes))
        for repeats in itertools.product(*(range(sizes.count(size) + 1) for size in distinct)):
            found.add(tuple(size for size, times in zip(distinct, repeats) for _ in range(times)))
    return sorted(found, key=sum)


def _without(sizes: Sizes, size: int) -> Sizes:
    """The sorted sizes less one block of this size."""
    place = sizes.index(size)
    return sizes[:place] + sizes[place + 1 :]


def _first_stick(
    partitions: list[Sizes],
    alpha: Any,
    truncation: int | None,
    last: dict[Sizes, Any] | None = None,
) -> dict[Sizes, Any]:
    """Probability of each of these partitions, as `_smaller` lists them, from so many sticks.

    Or whatever is to stand in place of the probabilities from the last stick alone.
    """
    one = alpha / alpha
    prob: dict[Sizes, Any]
    # The first stick takes one of the blocks whole and nothing else, ...
    taking = {
        sizes: [
            (sizes.count(size) * _taken(alpha, size, sum(sizes)), _without(sizes, size))
            for size in set(sizes)
        ]
        for sizes in partitions
    }
    if truncation is None:
        prob = {(): one}
        for sizes in partitions[1:]:
            prob[sizes] = sum(chance * prob[rest] for chance, rest in taking[sizes])
        return prob
    prob = last or {sizes: one if len(sizes) <= 1 else 0 * one for sizes in partitions}
    for _ in range(truncation - 1):
        # The largest first: what it looks up has one stick fewer.
        for sizes in reversed(partitions[1:]):
            taken = sum(chance * prob[rest] for chance, rest in taking[sizes])
            # ... or no block, with probability alpha / (alpha + n).
            n = sum(sizes)
            prob[sizes] = taken * n / (alpha + n) + alpha / (alpha + n) * prob[sizes]
    return prob


def eppf_size_biased(sizes: ArrayLike, alpha: float | Fraction) -> float | Fraction:
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
    alpha = check.rational("alpha", alpha)
    blocks = check.sizes("sizes", sizes, check.EXACT).tolist()
    value: Any = alpha / alpha
    left = sum(blocks)
    for size in blocks:
        left -= size
        value = value * _moment(alpha, size - 1, left)
    return value


def _num_set_partitions(sizes: Sizes) -> int:
    """Number of set partitions with these block sizes."""
    count = math.factorial(sum(sizes))
    for size in set(sizes):
        repeats = sizes.count(size)
        count //= math.factorial(size) ** repeats * math.factorial(repeats)
    return count


def truncation_distance(alpha: float | Fraction, truncation: int, n: int) -> float | Fraction:
    """Total variation between the partitions of n draws from T atoms and from all, exactly.

    Parameters
    ----------
    alpha : float or rational
        Concentration, > 0.
    truncation : int
        Number T of atoms, >= 1.
    n : int
        Number of draws, from 1 to 40; the time grows with the number of integer partitions of n.

    Returns
    -------
    Fraction or float
        Half the sum over set partitions of the absolute difference of their probabilities.

    Raises
    ------
    ValueError
        If an argument is out of range, or T times the number of partitions of 1, ..., n is above
        10**6.

    Notes
    -----
    Implements: DP-0167.

    Examples
    --------
    >>> from dpnotes import sticks
    >>> sticks.truncation_distance(1, 2, 2)
    Fraction(1, 6)
    """
    alpha, n = check.rational("alpha", alpha), check.integer("n", n)
    truncation = check.integer("truncation", truncation, maximum=MOST_STICKS)
    if n > MOST_POINTS:
        digits = math.pi * math.sqrt(2 * n / 3) / math.log(10) - math.log10(4 * math.sqrt(3) * n)
        check.fail("n", n, f"n <= {MOST_POINTS}, not one with about 10**{digits:.0f} partitions")
    partitions = [
        tuple(reversed(sizes)) for m in range(n + 1) for sizes in integer_partitions(m, m, m)
    ]
    check.within("truncation", truncation, truncation * len(partitions), MOST_STEPS, "steps")
    every, one = _first_stick(partitions, alpha, None), alpha / alpha
    # The difference obeys the recursion of the probabilities, and keeps the digits that
    # subtraction would lose where both are close.
    last = {sizes: -prob for sizes, prob in every.items()}
    last[()] = several = 0 * one
    for m in range(1, n + 1):
        last[(m,)] = several  # the chance that m draws are in more than one block
        several += (one - several) * alpha / (alpha + m)
    difference = _first_stick(partitions, alpha, truncation, last)
    whole = (sizes for sizes in partitions if sum(sizes) == n)
    # Rounding may go above 1, the largest distance there is.
    return min(sum(_num_set_partitions(s) * abs(difference[s]) for s in whole) / 2, one)


def truncation_ratio(labels: ArrayLike, alpha: float, truncation: int) -> Floats:
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
    given = list(labels) if np.iterable(labels) else []
    rows = [check.labels("labels", row).astype(np.intp) for row in given]
    if len({len(row) for row in rows}) != 1:
        check.fail("labels", labels, "partitions of the same n points, one a row")
    blocks = [tuple(sorted(np.bincount(row).tolist())) for row in rows]
    partitions = _smaller("labels", labels, blocks, truncation)
    # Both probabilities may be too small for a float, and the ratio for fewer sticks too large,
    # hence logarithms. With one stick the ratio is one over the probability of one block, and the
    # recursion of `_first_stick` divided by the limit's probabilities has the chances
    # size / (alpha + n) and alpha / (alpha + n).
    log_ratio = dict.fromkeys(partitions, -np.inf)
    chances = {}
    for sizes in partitions[1:]:
        n = sum(sizes)
        if len(sizes) == 1:
            log_ratio[sizes] = float(log_rising_ratio(n - 1, 1.0, alpha))
        distinct = [(_without(sizes, size), sizes.count(size) * size) for size in set(sizes)]
        share = [(sizes, alpha), *distinct]
        chances[sizes] = [(state, math.log(part) - math.log(alpha + n)) for state, part in share]
    log_ratio[()] = 0.0
    for _ in range(truncation - 1):
        for sizes in reversed(partitions[1:]):
            log_ratio[sizes] = _log_sum([p + log_ratio[state] for state, p in chances[sizes]])
    with np.errstate(over="ignore", under="ignore"):
        result = np.exp([log_ratio[sizes] for sizes in blocks])
    if not np.isfinite(result).all():
        check.fail("alpha", alpha, "an alpha for which no ratio is too large for a float")
    return result


def _log_sum(logs: list[float]) -> float:
    """log of the sum of exp; faster than NumPy for a few terms."""
    largest = max(logs)
    if largest == -math.inf:
        return largest
    return largest + math.log(math.fsum(math.exp(each - largest) for each in logs))
