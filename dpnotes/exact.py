"""The exact posterior over partitions of a few points, by enumeration: the yardstick."""

from dataclasses import dataclass

import numpy as np

from . import _validate as check
from . import crp

MAX_N = 10  # Bell(10) = 115975 partitions; each further point multiplies them by about six
MAX_RECURSION = 15  # 3^15 = 14 million steps; each further point takes three times as long


def _at_most(limit, n):
    if n > limit:
        check.fail("n", n, f"at most {limit} points")


def set_partitions(n):
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
    n = check.integer("n", n)
    _at_most(MAX_N, n)
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

    model: object
    x: np.ndarray
    labels: np.ndarray
    probs: np.ndarray
    log_evidence: float
    num_clusters: np.ndarray
    similarity: np.ndarray
    block_probs: np.ndarray

    def predictive_logpdf(self, x):
        """Return log p(x_{n+1} = x | x_1, ..., x_n) at each row of x: shape (m,)."""
        model, n = self.model, len(self.x)
        member = _members(n)
        weight = self.block_probs * member.sum(axis=1)
        weight[0] = model.alpha  # the empty set stands for a new cluster
        s = member @ model.component.features(self.x)
        log_density = model.component.log_predictive(x, s) + np.log(
            weight, out=np.full(len(weight), -np.inf), where=weight > 0
        )
        return np.logaddexp.reduce(log_density, axis=1) - np.log(model.alpha + n)


def _members(n):
    """Return the (2**n, n) table whose row m has a 1 where bit i of m is set."""
    return (np.arange(2**n)[:, None] >> np.arange(n) & 1).astype(float)


def _log_block_weights(model, x):
    """Return log of alpha (size - 1)! p(x of the block) for all 2**n blocks; 0 for the empty."""
    from scipy.special import gammaln

    member = _members(len(x))
    weight = np.log(model.alpha) + gammaln(np.maximum(member.sum(axis=1), 1))
    weight += model.component.log_marginal(member @ model.component.features(x))
    weight[0] = 0.0
    return weight


def posterior(model, x):
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
    check.model(model, "features", "log_marginal")
    x = check.data("x", x)
    n = len(x)
    _at_most(MAX_N, n)
    member, weight = _members(n), _log_block_weights(model, x)
    labels = set_partitions(n)
    powers = 2 ** np.arange(n)
    masks = [(labels == k) @ powers for k in range(n)]
    log_joint = sum(weight[mask] for mask in masks) - crp.log_rising(model.alpha, n)
    log_evidence = np.logaddexp.reduce(log_joint)
    probs = np.exp(log_joint - log_evidence)
    block_probs = sum(np.bincount(mask, probs, 2**n) for mask in masks)
    block_probs[0] = 0.0
    return Posterior(
        model=model,
        x=x,
        labels=labels,
        probs=probs,
        log_evidence=float(log_evidence),
        num_clusters=np.bincount(labels.max(axis=1).astype(np.intp) + 1, probs, n + 1),
        similarity=member.T @ (block_probs[:, None] * member),
        block_probs=block_probs,
    )


def log_evidence(model, x):
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
    check.model(model, "features", "log_marginal")
    x = check.data("x", x)
    n = len(x)
    _at_most(MAX_RECURSION, n)
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
