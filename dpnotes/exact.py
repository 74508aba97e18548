"""What is exact on a few points: the yardstick.

The posterior over partitions by enumeration, the transition laws of Algorithm 3 and of splitting
and merging on all partitions, and, as rational numbers, a sampler with parameters on a toy model.
"""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from itertools import combinations, permutations, product
from math import comb, prod
from typing import Any, NoReturn

import numpy as np
from numpy.typing import ArrayLike

from . import _validate as check
from . import crp
from ._deprecated import keyword_only
from ._types import Floats
from .components import Marginal
from .components.gaussian import is_wide, near, sums_of
from .mixture import DPMixture

MAX_N = 10  # Bell(10) = 115975 partitions; each further point multiplies them by about six
MAX_SPLIT = 7  # 877 partitions; each further point takes about thirty times as long
MAX_SCANS = 100
MAX_COINS = 8  # 4140 partitions, each with parameters
MOST_STEPS = 2 * 10**6  # of rational arithmetic; a million take ten seconds
MAX_RECURSION = 15  # 3^15 = 14 million steps; each further point takes three times as long


def _points(x, limit):
    """Return the number of points that x holds."""
    if len(x) > limit:
        check.refuse("x", f"{len(x)} points", f"at most {limit} points")
    return len(x)


def set_partitions(n: int) -> np.ndarray:
    """Return every partition of n points, one a row.

    Parameters
    ----------
    n : int
        Number of points, 1 to 10.

    Returns
    -------
    ndarray of int8, shape (Bell(n), n)
        Labels in order of appearance (restricted growth strings), in lexicographic order.

    Raises
    ------
    ValueError
        If n is larger than 10.

    Notes
    -----
    Implements: DP-0104, DP-0105.

    References
    ----------
    Knuth, D. E. (2011). The Art of Computer Programming 4A, section 7.2.1.5.

    Examples
    --------
    >>> from dpnotes.exact import set_partitions
    >>> set_partitions(3).tolist()
    [[0, 0, 0], [0, 0, 1], [0, 1, 0], [0, 1, 1], [0, 1, 2]]
    """
    n = check.integer("n", n, maximum=MAX_N)
    labels, blocks = np.zeros((1, 1), np.int8), np.ones(1, np.intp)
    for _ in range(1, n):
        # Each row is followed by a label 0..blocks: an old block or the next new one.
        children = blocks + 1
        first = np.repeat(np.cumsum(children) - children, children)
        label = (np.arange(len(first)) - first).astype(np.int8)
        labels = np.column_stack([np.repeat(labels, children, axis=0), label])
        blocks = np.repeat(blocks, children)
        blocks += label == blocks
    return labels


@dataclass(frozen=True, eq=False)
class Posterior:
    """The exact posterior of the partition of n points.

    Attributes
    ----------
    model : DPMixture
    x : ndarray of shape (n, d)
    labels : ndarray of int8, shape (Bell(n), n)
        Every partition, as :func:`set_partitions` lists them.
    probs : ndarray of shape (Bell(n),)
        Posterior probability of each.
    log_evidence : float
        log p(x).
    num_clusters : ndarray of shape (n + 1,)
        Entry k is P(K_n = k | x); entry 0 is 0.
    similarity : ndarray of shape (n, n)
        P(i and j share a cluster | x).
    block_probs : ndarray of shape (2**n,)
        Entry m is the posterior probability that the points i with bit i of m set are a block.
    """

    model: DPMixture
    x: Floats
    labels: np.ndarray
    probs: Floats
    log_evidence: float
    num_clusters: Floats
    similarity: Floats
    block_probs: Floats

    def __repr__(self) -> str:
        return f"Posterior({len(self.probs)} partitions, log evidence {self.log_evidence:.4f})"

    def predictive_logpdf(self, x: ArrayLike) -> Floats:
        """Return log p(x_{n+1} = x | x_1, ..., x_n) at each row of x: shape (m,)."""
        model, n = self.model, len(self.x)
        size = np.maximum(_members(n).sum(axis=1), 1)
        weight = self._log_block_probs() + np.log(size)
        weight[0] = np.log(model.alpha)  # the empty set stands for a new cluster
        family, s = _statistics(model, self.x)
        log_density = family.log_predictive(x, s) + weight
        return np.logaddexp.reduce(log_density, axis=1) - np.log(model.alpha + n)

    def _log_block_probs(self) -> Floats:
        """Return log of block_probs: what is next to impossible may yet explain a new row."""
        weight, masks = _log_block_weights(self.model, self.x), _masks(self.labels)
        log_joint = weight[masks].sum(axis=0)
        log_probs = np.full(len(weight), -np.inf)
        for mask in masks:
            np.logaddexp.at(log_probs, mask, log_joint)
        return log_probs - np.logaddexp.reduce(log_joint)


def _members(n):
    """Return the (2**n, n) table whose row m has a 1 where bit i of m is set."""
    return (np.arange(2**n)[:, None] >> np.arange(n) & 1).astype(float)


def _masks(labels):
    """Return the blocks of each partition as numbers of subsets, 0 for none: shape (n, Bell(n))."""
    powers = 2 ** np.arange(labels.shape[1])
    return np.array([(labels == k) @ powers for k in range(labels.shape[1])])


def _statistics(model, x):
    """Return the statistics of all 2**n blocks, and the family that reads them."""
    block, point = _members(len(x)).nonzero()
    return sums_of(model.component, x, block, 2 ** len(x), point)


def _log_block_weights(model, x):
    """Return log of alpha (size - 1)! p(x of the block) for all 2**n blocks; 0 for the empty."""
    from scipy.special import gammaln

    member = _members(len(x))
    weight = np.log(model.alpha) + gammaln(np.maximum(member.sum(axis=1), 1))
    family, s = _statistics(model, x)
    weight += family.log_marginal(s)
    weight[0] = 0.0
    return weight


def _refuse_zero() -> NoReturn:
    shown = "points whose density under the model is 0 in floats"
    check.refuse("x", shown, "points nearer to the prior mean, or a wider prior")


def posterior(model: DPMixture, x: ArrayLike) -> Posterior:
    """Return the exact posterior of the partition of x.

    Parameters
    ----------
    model : DPMixture
    x : array_like of shape (n,) or (n, d)
        At most 10 points.

    Returns
    -------
    Posterior

    Raises
    ------
    ValueError
        If there are more than 10 points or the component is not conjugate.

    Notes
    -----
    Implements: DP-0095, DP-0105, DP-0106.

    Examples
    --------
    >>> from dpnotes import datasets, exact
    >>> from dpnotes.components import Gaussian
    >>> from dpnotes.mixture import DPMixture
    >>> model = DPMixture(1.0, Gaussian(mean=0, var=1, noise_var=0.01))
    >>> result = exact.posterior(model, datasets.neal())
    >>> round(result.log_evidence, 4)
    -13.1969
    >>> result.num_clusters[2:7].round(4).tolist()
    [0.0004, 0.0639, 0.4923, 0.3582, 0.0776]
    """
    check.model(model, Marginal)
    x = check.frozen("x", x, model.component)
    n = _points(x, MAX_N)
    member, weight = _members(n), _log_block_weights(model, x)
    labels = set_partitions(n)
    masks = _masks(labels)
    log_joint = weight[masks].sum(axis=0) - crp.log_rising(model.alpha, n)
    log_evidence = np.logaddexp.reduce(log_joint)
    if log_evidence == -np.inf:
        _refuse_zero()
    probs = np.exp(log_joint - log_joint.max())
    probs /= probs.sum()  # the evidence has fewer digits than this where it is large
    block_probs: Any = sum(np.bincount(mask, probs, 2**n) for mask in masks)
    block_probs[0] = 0.0
    law: Any = np.bincount(labels.max(axis=1).astype(np.intp) + 1, probs, n + 1)
    return Posterior(
        model=model,
        x=x,
        labels=labels,
        probs=probs,
        log_evidence=float(log_evidence),
        num_clusters=law,
        similarity=member.T @ (block_probs[:, None] * member),
        block_probs=block_probs,
    )


def log_evidence(model: DPMixture, x: ArrayLike) -> float:
    """Return log p(x) by the recursion over subsets, which lists no partition.

    Parameters
    ----------
    model : DPMixture
    x : array_like of shape (n,) or (n, d)
        At most 15 points.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        If there are more than 15 points or the component is not conjugate.

    Notes
    -----
    Implements: DP-0107.

    Examples
    --------
    >>> from dpnotes import datasets, exact
    >>> from dpnotes.components import Gaussian
    >>> from dpnotes.mixture import DPMixture
    >>> model = DPMixture(1.0, Gaussian(mean=0, var=1, noise_var=0.01))
    >>> round(exact.log_evidence(model, datasets.neal()), 4)
    -13.1969
    """
    check.model(model, Marginal)
    x = check.frozen("x", x, model.component)
    n = _points(x, MAX_RECURSION)
    weight = _log_block_weights(model, x)
    total = np.zeros(2**n)  # log of the sum over partitions of each subset
    for subset in range(1, 2**n):
        lowest = subset & -subset
        rest = subset ^ lowest
        others = np.zeros(1, np.int64)  # every subset of the rest
        for i in range(n):
            if rest >> i & 1:
                others = np.concatenate([others, others | 1 << i])
        terms = weight[lowest | others] + total[rest ^ others]
        total[subset] = np.logaddexp.reduce(terms)
    return float(total[-1] - crp.log_rising(model.alpha, n))


@keyword_only("size")
def split_odds(model: DPMixture, x: ArrayLike, *, size: int = 1) -> float:
    """Posterior odds of two clusters, one of them of the given size, against one cluster.

    Parameters
    ----------
    model : DPMixture
        Its component must be conjugate.
    x : array_like of shape (n,) or (n, d)
    size : int
        Number of points split off, from 1 to n / 2. All sets of that size are listed.

    Returns
    -------
    float
        Posterior probability of the partitions into two clusters of which one has ``size``
        points, over that of the partition into one. Over size = 1, ..., n / 2 these sum to
        P(K = 2 | x) / P(K = 1 | x). inf where it is too large for a float.

    Raises
    ------
    ValueError
        If size is out of range, or the component is not conjugate.

    Notes
    -----
    Implements: DP-0149, DP-0150.

    References
    ----------
    J. W. Miller and M. T. Harrison, "A simple example of Dirichlet process mixture
    inconsistency for the number of components", Advances in Neural Information Processing
    Systems 26 (2013) 199-206.

    Examples
    --------
    >>> from dpnotes import exact
    >>> from dpnotes.components import Gaussian
    >>> from dpnotes.mixture import DPMixture
    >>> model = DPMixture(1.0, Gaussian(mean=0, var=1, noise_var=1))
    >>> round(exact.split_odds(model, [0.3, -1.0, 0.9]), 4)
    1.6189
    """
    check.model(model, Marginal)
    x, family = check.frozen("x", x, model.component), model.component
    n, size = len(x), check.integer("size", size)
    if 2 * size > n:
        check.fail("size", size, f"at most half of {n} points")
    subsets = comb(n, min(size, 30))  # at least; all of them may have too many digits
    family = near(family, x)
    width, wide = family.features(x[:1]).shape[1], is_wide(family, x)
    many = subsets * (n if wide else size) * width
    check.within("size", size, many, check.ROOM, "numbers, of all subsets")
    part = np.fromiter(combinations(range(n), size), np.dtype((np.intp, (size,))))
    if 2 * size == n:
        # Each partition was listed with both of its halves.
        part = part[: len(part) // 2]
    if wide:
        family, s = _of_halves(family, x, part)
    else:
        features = family.features(x)
        s, whole = features[part].sum(axis=1), features.sum(axis=0)
        s = np.vstack([s, whole - s, whole])
    fit = family.log_marginal(s)
    if fit[-1] == -np.inf:
        _refuse_zero()
    ratio = fit[: len(part)] + fit[len(part) : -1] - fit[-1]
    prior = crp.log_eppf([size, n - size], model.alpha) - crp.log_eppf([n], model.alpha)
    with np.errstate(over="ignore"):
        return float(np.exp(np.logaddexp.reduce(ratio) + prior))


def _of_halves(family, x, part):
    """Return the statistics of these sets of points, their complements, and all points.

    And the family that reads them: each is measured from a place of its own.
    """
    n, many = len(x), len(part)
    inside = np.repeat(np.arange(many)[:, None] + many, n, axis=1)
    inside[np.arange(many)[:, None], part] -= many
    sets = np.concatenate([inside, np.full((1, n), 2 * many)])
    points = np.tile(np.arange(n), len(sets))
    return sums_of(family, x, sets.ravel(), 2 * many + 1, points)


def exact_sweep(posterior: Posterior) -> Callable[[Floats], Floats]:
    """Return the transition operator of Algorithm 3, exactly, on every partition of a few points.

    Reseating point i draws a partition, in proportion to the posterior, among those that agree
    with the present one on all other points. A sweep is the product over i = 1, ..., n.

    Parameters
    ----------
    posterior : exact.Posterior

    Returns
    -------
    function
        Maps values f, one a partition in the order of ``posterior.labels``, to the expected value
        of f one sweep later, given each partition now.

    Raises
    ------
    ValueError
        If posterior is no exact.Posterior.

    Notes
    -----
    Implements: DP-0118, DP-0120, DP-0109.

    Examples
    --------
    >>> from dpnotes import datasets, exact
    >>> from dpnotes.components import Gaussian
    >>> from dpnotes.mixture import DPMixture
    >>> model = DPMixture(1.0, Gaussian(mean=0, var=1, noise_var=0.01))
    >>> result = exact.posterior(model, datasets.neal()[:5])
    >>> sweep = exact.exact_sweep(result)
    >>> alone = (result.labels == 0).all(axis=1) * 1.0  # one cluster
    >>> round(float(result.probs @ alone), 6) == round(float(result.probs @ sweep(alone)), 6)
    True
    """
    if not isinstance(posterior, Posterior):
        check.fail("posterior", posterior, "a dpnotes.exact.Posterior")
    labels, probs = posterior.labels, posterior.probs
    groups = [_same_without(labels, i) for i in range(labels.shape[1])]
    totals = [np.bincount(group, probs) for group in groups]

    def sweep(f):
        for group, total in zip(reversed(groups), reversed(totals), strict=True):
            f = (np.bincount(group, probs * f) / total)[group]
        return f

    return sweep


def _same_without(labels, i):
    """Number the partitions so that two agree when they differ only in where point i sits."""
    rest = np.delete(labels, i, axis=1).astype(np.int64)
    same = rest[:, :, None] == rest[:, None, :]
    first = same.argmax(axis=2)  # of each point, the first one in its block
    return np.unique(first @ rest.shape[1] ** np.arange(rest.shape[1]), return_inverse=True)[1]


@keyword_only("scans")
def exact_split_merge(posterior: Posterior, *, scans: int = 0) -> Floats:
    """Return the transition matrix of a proposal to split or merge, exactly, for a few points.

    All that the proposal draws is enumerated: the pair of points, the order in which the others
    of their clusters are called, and the sides that these choose in every pass.

    Parameters
    ----------
    posterior : exact.Posterior
        Of 2 to 7 points.
    scans : int
        Number of scans after the first pass, 0 to 100.

    Returns
    -------
    ndarray of shape (Bell(n), Bell(n))
        Row s is the law one proposal after partition s, in the order of ``posterior.labels``.

    Raises
    ------
    ValueError
        If posterior is no exact.Posterior of 2 to 7 points, if some set of these has density 0,
        or if scans is out of range.

    Notes
    -----
    Implements: DP-0199, DP-0200.

    Examples
    --------
    >>> from dpnotes import datasets, exact
    >>> from dpnotes.components import Gaussian
    >>> from dpnotes.mixture import DPMixture
    >>> model = DPMixture(1.0, Gaussian(mean=0, var=1, noise_var=0.01))
    >>> result = exact.posterior(model, datasets.neal()[:4])
    >>> law = exact.exact_split_merge(result, scans=1)
    >>> flow = result.probs[:, None] * law
    >>> law.shape, bool(np.allclose(flow, flow.T, rtol=1e-12, atol=0))
    ((15, 15), True)
    """
    if not isinstance(posterior, Posterior):
        check.fail("posterior", posterior, "a dpnotes.exact.Posterior")
    n, scans = len(posterior.x), check.integer("scans", scans, 0, MAX_SCANS)
    if not 2 <= n <= MAX_SPLIT:
        check.refuse("posterior", f"one of {n} points", f"one of 2 to {MAX_SPLIT} points")
    weight = _log_block_weights(posterior.model, posterior.x)
    if not np.isfinite(weight).all():
        check.refuse("posterior", "a set of points of density 0", "densities > 0")
    # A set of points is a number, whose bit p is set if point p is a member.
    same = posterior.labels[:, :, None] == posterior.labels[:, None, :]
    home = (same @ 2 ** np.arange(n)).tolist()  # of each point its block
    blocks = [frozenset(state) for state in home]
    number = {state: s for s, state in enumerate(blocks)}
    law = np.zeros((len(home), len(home)))
    for i, j in combinations(range(n), 2):
        moves = {
            union: _split_merge(weight, i, j, union, scans)
            for union in {state[i] | state[j] for state in home}
        }
        for s, state in enumerate(home):
            union = state[i] | state[j]
            rest, (split, merge) = blocks[s] - {state[i], state[j]}, moves[union]
            if state[i] == state[j]:
                for side in np.flatnonzero(split).tolist():
                    law[s, number[rest | {union ^ side, side}]] += split[side]
            else:
                law[s, number[rest | {union}]] += merge[state[j]]
    law /= comb(n, 2)
    law[np.diag_indices(len(law))] += 1 - law.sum(axis=1)
    return law


def _split_merge(weight, i, j, union, scans):
    """Return, for each set that is the side of j, P(split into it) and P(merge from it)."""
    others = [p for p in range(union.bit_length()) if union >> p & 1 and p not in (i, j)]
    sides = np.array(list(product((0, 1), repeat=len(others))), int)
    orders = list(permutations(others))
    split, merge = np.zeros(len(weight)), np.zeros(len(weight))
    for order in orders:
        bits = 2 ** np.array(order, int)
        nobody = np.zeros((1, len(bits)), int)
        launch, last = np.ones(1), _log_pass(weight, i, j, bits, sides, nobody, nobody)
        for _ in range(scans):
            launch = launch @ np.exp(last)
            last = _log_pass(weight, i, j, bits, sides, 1 - sides, sides)
        A, B = 2**i + (1 - sides) @ bits, 2**j + sides @ bits
        log_ratio = weight[A] + weight[B] - weight[union] - last
        split[B] += launch @ np.exp(last + np.minimum(log_ratio, 0))
        merge[B] += launch @ np.exp(np.minimum(-log_ratio, 0))
    return split / len(orders), merge / len(orders)


def _log_pass(weight, i, j, bits, sides, with_i, with_j):
    """Return the log probability that a pass ends in each row of sides, given who sat where."""
    table = np.tile(bits[:, None], len(bits))
    called, waiting = np.triu(table, 1), np.tril(table, -1)
    A = 2**i + (1 - sides) @ called + (with_i @ waiting)[:, None]
    B = 2**j + sides @ called + (with_j @ waiting)[:, None]
    one, two = weight[A | bits] - weight[A], weight[B | bits] - weight[B]
    return (np.where(sides, two, one) - np.logaddexp(one, two)).sum(axis=-1)


@keyword_only("alpha", "m", "keep")
def finite_chain(
    x: Sequence[int],
    theta: Sequence[Fraction],
    *,
    alpha: Fraction | int = 1,
    m: int = 1,
    keep: bool = True,
) -> tuple[
    list[tuple[tuple[int, ...], tuple[Fraction, ...]]], list[list[Fraction]], list[Fraction]
]:
    """Return Neal's Algorithm 8 as an exact Markov chain, on a toy model.

    Coin tosses x_i ~ Bernoulli(theta_i), and H uniform on a few values: then the partitions with
    their parameters are finitely many, and every probability is a rational number.

    Parameters
    ----------
    x : sequence of int
        Tosses, each 0 or 1; two or three of them.
    theta : sequence of Fraction
        Values that H gives equal probability.
    alpha : Fraction or int
        Concentration, > 0.
    m : int
        Number of auxiliary tables, >= 1.
    keep : bool
        Whether a point alone at its table keeps the table's parameter as an auxiliary one;
        with m = 1, False is the step of the lecture notes.

    Returns
    -------
    states : list of (tuple, tuple)
        Labels in order of appearance, and the parameter of each cluster.
    transition : list of list of Fraction
        Probability of one state a sweep after another; a sweep reseats every point, then draws
        every parameter given its cluster.
    posterior : list of Fraction
        Probability of each state given x.

    Raises
    ------
    ValueError
        If a toss is not 0 or 1, there is none, a value of theta is not between 0 and 1, alpha
        is not > 0, or m is not an integer >= 1.

    Notes
    -----
    Implements: DP-0111, DP-0112, DP-0115.

    Examples
    --------
    >>> from fractions import Fraction
    >>> from dpnotes import exact
    >>> coins = Fraction(1, 10), Fraction(9, 10)
    >>> states, transition, posterior = exact.finite_chain([1, 1], coins)
    >>> states[0], posterior[0]
    (((0, 0), (Fraction(1, 10),)), Fraction(1, 132))
    >>> exact.stationary(transition) == posterior
    True
    """
    x, values = check.counts("x", x, 0).tolist(), check.array("theta", theta, ndim=1)
    if not ((values > 0) & (values < 1)).all():
        check.fail("theta", theta, "values between 0 and 1, exclusive")
    n, theta = _points(x, MAX_COINS), [Fraction(check.rational("theta", t)) for t in theta]
    alpha, m = Fraction(check.rational("alpha", alpha)), check.integer("m", m)
    keep = check.flag("keep", keep)
    if max(x) > 1:
        check.fail("x", x, "tosses, each 0 or 1")
    labellings = [tuple(int(k) for k in row) for row in set_partitions(n)]
    total = sum(len(theta) ** (max(z) + 1) for z in labellings)
    steps = n * total * total * len(theta)
    check.within("theta", values, steps, MOST_STEPS, "steps from state to state")
    states = [(z, t) for z in labellings for t in product(theta, repeat=max(z) + 1)]
    tables = len(theta) ** min(m, 100) * (n + m)
    check.within("m", m, n * total * tables, MOST_STEPS, "steps to the tables")
    weights = [_finite_joint(x, z, t, alpha, len(theta)) for z, t in states]
    number = {state: s for s, state in enumerate(states)}

    @cache
    def seat(state, i):
        return _push({state: Fraction(1)}, lambda s: _finite_seat(s, i, x, theta, alpha, m, keep))

    update = cache(lambda state: list(_finite_theta(state, x, theta)))
    transition = []
    for state in states:
        law = {state: Fraction(1)}
        for i in range(n):
            law = _push(law, lambda s, i=i: seat(s, i).items())
        law = _push(law, update)
        transition.append([law.get(s, Fraction(0)) for s in number])
    return states, transition, [w / sum(weights) for w in weights]


def _push(law, kernel):
    """Return the law after one more step of the kernel."""
    result: defaultdict[Any, Fraction] = defaultdict(Fraction)
    for state, p in law.items():
        for after, q in kernel(state):
            result[after] += p * q
    return result


def _toss(x, t):
    return t if x else 1 - t


def _finite_joint(x, z, t, alpha, size):
    """Return p(partition, theta, x)."""
    weight = Fraction(1, size) ** len(t)
    for i, k in enumerate(z):
        before = z[:i].count(k)
        weight *= (before or alpha) / (alpha + i) * _toss(x[i], t[k])
    return weight


def _finite_seat(state, i, x, theta, alpha, m, keep):
    """Yield the states after point i is seated anew, with their probabilities."""
    z, t = state
    others = z[:i] + z[i + 1 :]
    alone = z[i] not in others
    kept = [t[z[i]]] if alone and keep else []
    there = sorted(set(others))
    for fresh in product(theta, repeat=m - len(kept)):
        options = [(k, t[k], others.count(k)) for k in there]
        options += [(len(t), phi, alpha / m) for phi in [*kept, *fresh]]
        weights = [w * _toss(x[i], phi) for _, phi, w in options]
        for (k, phi, _), w in zip(options, weights, strict=True):
            seated, params = [*z[:i], k, *z[i + 1 :]], {**dict(enumerate(t)), k: phi}
            names = list(dict.fromkeys(seated))
            after = tuple(map(names.index, seated)), tuple(params[k] for k in names)
            yield after, w / sum(weights) / len(theta) ** len(fresh)


def _finite_theta(state, x, theta):
    """Yield the states after every parameter is drawn given its cluster, with probabilities."""
    z, t = state
    laws = []
    for k in range(len(t)):
        weights = [prod(_toss(x[i], phi) for i in range(len(z)) if z[i] == k) for phi in theta]
        laws.append([(phi, w / sum(weights)) for phi, w in zip(theta, weights, strict=True)])
    for draw in product(*laws):
        yield (z, tuple(phi for phi, _ in draw)), prod(p for _, p in draw)


def stationary(transition: Sequence[Sequence[Fraction]]) -> list[Fraction]:
    """Return the stationary law of a finite irreducible Markov chain, exactly.

    Parameters
    ----------
    transition : list of list of Fraction
        Rows sum to 1.

    Returns
    -------
    list of Fraction

    Raises
    ------
    ValueError
        If transition is no square matrix of probabilities, or the stationary law is not unique.

    Notes
    -----
    Solves pi (P - I) = 0 with one equation replaced by sum(pi) = 1, by elimination.

    Examples
    --------
    >>> from fractions import Fraction
    >>> from dpnotes import exact
    >>> third = Fraction(1, 3)
    >>> exact.stationary([[1 - third, third], [Fraction(1), Fraction(0)]])
    [Fraction(3, 4), Fraction(1, 4)]
    """
    values = check.array("transition", transition, ndim=2)
    size = len(values)
    if values.shape != (size, size) or values.min() < 0 or not np.allclose(values.sum(axis=1), 1):
        check.fail("transition", transition, "a square matrix of probabilities, each row of sum 1")
    rows = [[transition[s][r] - (s == r) for s in range(size)] + [Fraction(0)] for r in range(size)]
    rows[-1] = [Fraction(1)] * (size + 1)
    for c in range(size):
        pivot = next((r for r in range(c, size) if rows[r][c]), None)
        if pivot is None:
            check.fail("transition", transition, "a chain with one stationary law only")
        rows[c], rows[pivot] = rows[pivot], rows[c]
        rows[c] = [value / rows[c][c] for value in rows[c]]
        for r in range(size):
            if r != c and rows[r][c]:
                factor = rows[r][c]
                rows[r] = [a - factor * b for a, b in zip(rows[r], rows[c], strict=True)]
    return [row[-1] for row in rows]


@keyword_only("noise", "lags")
def exact_autocorrelation(
    posterior: Posterior, values: ArrayLike, *, noise: float = 0.0, lags: int = 30
) -> Floats:
    """Return the autocorrelations of a statistic under Algorithm 3, exactly, for a few points.

    Parameters
    ----------
    posterior : Posterior
    values : array_like of shape (Bell(n),)
        Mean of the statistic given each partition, in the order of ``posterior.labels``.
    noise : float
        Mean of its variance given the partition, >= 0: 0 for a function of the partition.
    lags : int
        How many lags; the autocorrelations of the rest are taken to be 0.

    Returns
    -------
    ndarray of shape (lags,)

    Raises
    ------
    ValueError
        If values has another shape or a value that is not finite, if the statistic never varies,
        or if noise or lags is out of range.

    Examples
    --------
    >>> from dpnotes import datasets, exact
    >>> from dpnotes.components import Gaussian
    >>> from dpnotes.mixture import DPMixture
    >>> model = DPMixture(1.0, Gaussian(mean=0, var=1, noise_var=0.01))
    >>> posterior = exact.posterior(model, datasets.neal())
    >>> K = posterior.labels.max(axis=1) + 1
    >>> rho = exact.exact_autocorrelation(posterior, K)
    >>> round(float(2 * rho.sum() - 1), 4)
    1.4915
    """
    if not isinstance(posterior, Posterior):
        check.fail("posterior", posterior, "a dpnotes.exact.Posterior")
    f = check.array("values", values, ndim=1)
    if len(f) != len(posterior.probs):
        check.refuse("values", f"{len(f)} values", f"{len(posterior.probs)}, one a partition")
    noise = check.nonnegative("noise", noise)
    if np.ptp(f) == 0 and noise == 0:
        check.fail("values", float(f[0]), "values that are not all equal")
    check.room("lags", lags, check.integer("lags", lags) * len(f))
    covariance = np.empty(lags)
    sweep = exact_sweep(posterior)
    f = f - posterior.probs @ f
    later = f
    for t in range(lags):
        covariance[t] = posterior.probs @ (f * later)
        later = sweep(later)
    rho = covariance / (covariance[0] + noise)
    rho[0] = 1.0
    return rho
