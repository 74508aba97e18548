"""The Chinese restaurant process: seating rule, samplers and the law of the partition."""

from fractions import Fraction
from math import factorial, log, prod

import numpy as np
from numpy.typing import ArrayLike

from . import _numbers
from . import _validate as check
from ._deprecated import keyword_only
from ._types import Floats, Ints, RNGLike

# Below this p, binomials of older NumPy (2.0 among them) lose the digits of log(1 - p), and Poisson
# is nearer: its total variation distance from the binomial is at most p.
POISSON = 1e-8
# With fewer customers than this times alpha it is faster to seat them than to split off tables.
CROWDED = 1000
# Splitting off so many tables takes ten seconds.
MOST_SPLITS = 2**22


@np.errstate(under="ignore")
def seat_probs(sizes: ArrayLike, alpha: float) -> Floats:
    """Where the next customer sits.

    Parameters
    ----------
    sizes : array_like of int, shape (K,)
        Customers at each occupied table, each at least 1.
    alpha : float
        Concentration, > 0.

    Returns
    -------
    ndarray, shape (K + 1,)
        Probability of each occupied table and, last, of a new one.

    Raises
    ------
    ValueError
        If a size is not an integer >= 1 or alpha is not finite and > 0.

    Notes
    -----
    With n customers seated, table k has probability n_k / (alpha + n), a new one
    alpha / (alpha + n).

    Implements: DP-0061.

    Examples
    --------
    >>> seat_probs([2, 1], alpha=1.0).tolist()
    [0.5, 0.25, 0.25]
    """
    customers = check.sizes("sizes", sizes).astype(float)
    weights = np.append(customers, check.positive("alpha", alpha))
    largest = weights.max()
    # Divide by the largest first, so that no alpha overflows.
    weights /= largest
    return weights / weights.sum()


@np.errstate(under="ignore")
def log_rising(alpha: float, n: int) -> float:
    """Logarithm of the rising factorial alpha (alpha + 1) ... (alpha + n - 1).

    Parameters
    ----------
    alpha : float
        First factor, > 0.
    n : int
        Number of factors, >= 1.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        If alpha is not finite and > 0, or n is not an integer >= 1.

    Notes
    -----
    lgamma(alpha + n) - lgamma(alpha) cancels for large alpha; Stirling's series for the
    difference does not.

    Examples
    --------
    >>> round(log_rising(1.0, 5), 6)  # log 120
    4.787492
    """
    alpha, factors = check.positive("alpha", alpha), check.integer("n", n, maximum=10**300)
    return float(_numbers.log_rising(alpha, float(factors)))


@np.errstate(under="ignore")
def log_eppf(sizes: ArrayLike, alpha: float) -> float:
    """Log probability of one partition of n customers, given its block sizes.

    Parameters
    ----------
    sizes : array_like of int, shape (K,)
        Block sizes, each at least 1, in any order.
    alpha : float
        Concentration, > 0.

    Returns
    -------
    float
        Log probability of each single partition of {1, ..., n} with these block sizes.

    Raises
    ------
    ValueError
        If a size is not an integer >= 1 or alpha is not finite and > 0.

    See Also
    --------
    eppf : the same, exact.

    Notes
    -----
    The exchangeable partition probability function,
    alpha^K prod_k (n_k - 1)! / (alpha (alpha + 1) ... (alpha + n - 1)), to a relative 1e-14.

    Implements: DP-0063.

    References
    ----------
    Pitman, J. (2006). Combinatorial Stochastic Processes. Springer. Section 3.2.

    Examples
    --------
    >>> round(float(np.exp(log_eppf([2, 1], alpha=1.0))), 6)
    0.166667
    """
    from scipy.special import gammaln

    # As floats: the same up to 2^53, and beyond it their sum does not overflow.
    customers, alpha = check.sizes("sizes", sizes).astype(float), check.positive("alpha", alpha)
    n, K = customers.sum(), len(customers)
    if alpha >= n:
        # Over alpha^n, for the probability may be close to 1 where each sits alone ...
        blocks = (K - n) * np.log(alpha) + gammaln(customers).sum()
        return float(blocks - _numbers.log_rising_share(n, alpha))
    # ... and over alpha (n - 1)!, for it may be close to 1 where nearly all sit at one table.
    first, rest = customers.max(), np.delete(customers, customers.argmax())
    blocks = (K - 1) * np.log(alpha) + gammaln(rest).sum() - _numbers.log_rising(first, rest.sum())
    return float(blocks - _numbers.log_rising_ratio(n - 1, 1.0, alpha))


def eppf(sizes: ArrayLike, alpha: float | Fraction) -> Fraction:
    """Probability of one partition of n customers, as an exact fraction.

    Parameters
    ----------
    sizes : array_like of int, shape (K,)
        Block sizes, each at least 1, in any order.
    alpha : int, Fraction or float
        Concentration, > 0; a float counts as the binary fraction that it is.

    Returns
    -------
    Fraction

    Raises
    ------
    ValueError
        If a size is not an integer >= 1, their sum exceeds 10**4, or alpha is not finite and > 0.

    Notes
    -----
    For checks at small n; use `log_eppf` for data.

    Implements: DP-0063.

    Examples
    --------
    >>> eppf([2, 1], alpha=1)
    Fraction(1, 6)
    >>> eppf([2, 1], alpha=Fraction(1, 2))
    Fraction(2, 15)
    """
    blocks = check.sizes("sizes", sizes, check.EXACT).tolist()
    p, q = Fraction(check.rational("alpha", alpha)).as_integer_ratio()
    n, K = sum(blocks), len(blocks)
    # Integers throughout, so that there is one fraction to reduce.
    top = p**K * q ** (n - K) * prod(factorial(size - 1) for size in blocks)
    return Fraction(top, prod(p + i * q for i in range(n)))


@np.errstate(under="ignore")
def log_ewens(counts: ArrayLike, alpha: float) -> float:
    """Ewens' sampling formula: log probability of the counts of block sizes.

    Parameters
    ----------
    counts : array_like of int, shape (m,)
        counts[j - 1] is the number of blocks of size j; at least one is positive.
    alpha : float
        Concentration, > 0.

    Returns
    -------
    float
        Log probability that a partition of n = sum_j j counts[j - 1] customers has these counts.

    Raises
    ------
    ValueError
        If a count is not an integer >= 0, all are 0, or alpha is not finite and > 0.

    Notes
    -----
    Implements: DP-0069.

    References
    ----------
    Ewens, W. J. (1972). The sampling theory of selectively neutral alleles. Theoretical
    Population Biology 3, 87-112.

    Examples
    --------
    >>> round(float(np.exp(log_ewens([1, 1], alpha=1.0))), 6)  # one block of 1, one of 2
    0.5
    """
    from scipy.special import gammaln

    alpha, given = check.positive("alpha", alpha), check.counts("counts", counts, 0)
    if not given.any():
        check.fail("counts", counts, "integers >= 0, not all 0")
    values, size = given.astype(float), np.arange(1.0, len(given) + 1)
    n, K = size @ values, values.sum()
    blocks = -(values @ np.log(size))
    if alpha >= n:  # as in `log_eppf`
        most, rest = values.max(), np.delete(values, values.argmax())
        orders = _numbers.log_rising(most + 1, n - most) - gammaln(rest + 1).sum()
        share = _numbers.log_rising_share(n, alpha)
        return float((K - n) * np.log(alpha) + orders + blocks - share)
    blocks += np.log(n) - gammaln(values + 1).sum()
    growth = _numbers.log_rising_ratio(n - 1, 1.0, alpha)
    return float((K - 1) * np.log(alpha) + blocks - growth)


def tables(parents: ArrayLike) -> Ints:
    """Tables of a forest in which each customer points to an earlier one or to itself.

    Parameters
    ----------
    parents : array_like of int, shape (n,)
        parents[i] <= i; parents[i] == i where customer i opens a table.

    Returns
    -------
    ndarray of int64, shape (n,)
        Table of each customer, numbered 0, 1, ... by order of appearance.

    Raises
    ------
    ValueError
        If a parent is not an integer in 0..i.

    Notes
    -----
    Pointer doubling: after t rounds everyone points 2^t steps up its tree, so a forest of
    height h takes about log2(h) rounds. The root of a tree is its first customer, hence the
    tables in order of appearance are the roots in order.

    Implements: DP-0072, DP-0073.

    Examples
    --------
    >>> tables([0, 0, 2, 1, 2]).tolist()
    [0, 0, 1, 0, 1]
    """
    root = check.counts("parents", parents, 0)
    customer = np.arange(len(root), dtype=np.int64)
    if (root > customer).any():
        check.fail("parents", parents, "0 <= parents[i] <= i")
    return _tables(root, customer)


def _tables(root: Ints, customer: Ints) -> Ints:
    opened = np.cumsum(root == customer, dtype=np.int64) - 1
    while True:
        above = root[root]
        if np.array_equal(above, root):
            return opened[root]
        root = above


@keyword_only("rng")
def sample(n: int, alpha: float, *, rng: RNGLike = None) -> Ints:
    """Seat n customers.

    Parameters
    ----------
    n : int
        Number of customers, 1 <= n <= 2**25; sizes alone may be of more, see `sample_sizes`.
    alpha : float
        Concentration, > 0.
    rng : None, int, SeedSequence, BitGenerator or Generator
        Source of randomness.

    Returns
    -------
    ndarray of int64, shape (n,)
        Table of each customer, numbered 0, 1, ... by order of appearance.

    Raises
    ------
    ValueError
        If n is not an integer from 1 to 2**25 or alpha is not finite and > 0.

    Notes
    -----
    Customer i (from 0) falls uniformly on an interval of length alpha + i: on [j, j + 1) for
    an earlier customer j it joins j's table, beyond i it opens a new one. With floats of 53
    bits each of these choices has its probability within 2^-50.

    Implements: DP-0061, DP-0071, DP-0072.

    Examples
    --------
    >>> labels = sample(1000, alpha=2.0, rng=1)
    >>> labels.shape, int(labels[0])
    ((1000,), 0)
    """
    rng, n = check.rng("rng", rng), check.integer("n", n, maximum=check.WORK)
    return _seat(n, check.positive("alpha", alpha), rng)


def _seat(n: int, alpha: float, rng: np.random.Generator) -> Ints:
    customer = np.arange(n, dtype=np.int64)
    return _tables(_parents(rng.random(n), customer, alpha), customer)


@np.errstate(under="ignore")
def _parents(u: Floats, customer: Ints, alpha: float) -> Ints:
    # The minimum first: a large alpha would overflow an integer.
    return np.minimum(u * (alpha + customer), customer).astype(np.int64)


@keyword_only("rng")
def sample_sizes(n: int, alpha: float, *, rng: RNGLike = None) -> Ints:
    """Table sizes of n customers, without seating them one by one.

    Parameters
    ----------
    n : int
        Number of customers, 1 <= n <= 2**53.
    alpha : float
        Concentration, > 0.
    rng : None, int, SeedSequence, BitGenerator or Generator
        Source of randomness.

    Returns
    -------
    ndarray of int64, shape (K,)
        Sizes in order of appearance, which is size-biased order; they sum to n.

    Raises
    ------
    ValueError
        If n is not an integer in 1..2**53, alpha is not finite and > 0, or so many tables are
        expected that to draw them would take long: alpha log(n / alpha) beyond 2**22, roughly.

    Notes
    -----
    Of the customers after the first, each table's founder, a number with law
    Beta-binomial(n - 1, alpha, 1) stays away from the first table, and they are seated as in
    a restaurant of their own. The time grows with the number of tables, not with n.

    Implements: DP-0074.

    Examples
    --------
    >>> int(sample_sizes(10**12, alpha=2.0, rng=1).sum())
    1000000000000
    """
    rng, n = check.rng("rng", rng), check.integer("n", n)
    alpha = check.positive("alpha", alpha)
    # Where n <= alpha, most customers open a table, so the answer itself is of length n.
    seated = min(CROWDED * alpha, max(10**6, alpha))
    check.within("n", n, min(n, seated), check.WORK, "customers to be seated one by one")
    check.within("alpha", alpha, alpha * log(max(n / max(seated, 1.0), 1.0)), MOST_SPLITS, "tables")
    sizes = []
    while n > seated:
        rest = _away(n - 1, alpha, rng)
        sizes.append(n - rest)
        n = rest
    first = np.array(sizes, dtype=np.int64)
    if not n:
        return first
    # 32-bit platforms count only their own integers.
    last = np.bincount(_seat(n, alpha, rng).astype(np.intp))
    return np.concatenate([first, last.astype(np.int64)])


@np.errstate(under="ignore")
def _away(n: int, alpha: float, rng: np.random.Generator) -> int:
    # Beta-binomial(n, alpha, 1): the share away is u^(1/alpha); of the share and its
    # complement, the smaller one is drawn from, for its digits.
    exponent = rng.standard_exponential() / alpha
    away, joined = float(np.exp(-exponent)), float(-np.expm1(-exponent))
    return _binomial(n, away, rng) if away < 0.5 else n - _binomial(n, joined, rng)


def _binomial(n: int, p: float, rng: np.random.Generator) -> int:
    if p < POISSON:
        return min(n, int(rng.poisson(n * p)))
    return int(rng.binomial(n, p))
