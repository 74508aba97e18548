"""The step that visits every point, shared by mean field and blocked Gibbs.

Both need, for T clusters and m points, the log weights w_k . f(x_i) of shape (T, m): one matrix
product of natural parameters and features. Clusters are rows, so that every operation over
clusters runs along contiguous memory, and points come in slices that stay in the cache.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ._types import Floats, Ints

MOST_CLUSTERS = 10**6  # beyond it a slice of the points takes gigabytes


def features(component: Any, x: ArrayLike) -> Floats:
    """Return the features of x as columns: a C-contiguous array of shape (p, n)."""
    return np.ascontiguousarray(component.features(x).T)


def slices(n: int, T: int, p: int) -> Iterator[slice]:
    """Yield slices of the n points for which two (T, m) arrays and the features fit in cache."""
    m = min(2048, max(128, 50_000 // (T + p)))
    for start in range(0, n, m):
        yield slice(start, min(start + m, n))


def exponentiate(logits: Floats) -> tuple[Floats, Floats]:
    """Turn log weights (T, m) in place into weights; return their sums and the sums' logs.

    Weights and sums of a column share a factor that makes the largest weight 1; the logs,
    shape (m,), are those of the sums without it.
    """
    shift = logits.max(axis=0)
    logits -= shift
    np.exp(logits, out=logits)
    total = np.ones(len(logits)) @ logits
    return total, shift + np.log(total)


def expected_statistics(
    natural: Floats, columns: Floats, row_weights: Floats | None = None
) -> tuple[Floats, float]:
    """Return sum_i gamma_ik f(x_i) for each k, shape (T, p), and the sum of log-normalisers.

    gamma_ik is proportional to exp(natural_k . f(x_i)). With weights of the rows, shape (n,), both
    are sums over rows that are repeated as often.

    Parameters
    ----------
    natural : ndarray of shape (T, q)
        q <= p: trailing features with the same weight for every cluster may be left out; the
        log-normalisers then lack them too.
    columns : ndarray of shape (p, n)
        From :func:`features`.
    """
    (T, q), (p, n) = natural.shape, columns.shape
    statistics, log_norm = np.zeros((T, p)), 0.0
    for rows in slices(n, T, p):
        part = columns[:, rows]
        weights = natural @ part[:q]
        total, log_total = exponentiate(weights)
        if row_weights is not None:
            log_total *= row_weights[rows]
            with np.errstate(divide="ignore", over="ignore"):  # by 0: such rows count for nothing
                total /= row_weights[rows]
        if p < T:
            part = part / total
        else:
            weights /= total
        statistics += weights @ part.T
        log_norm += log_total.sum()
    return statistics, log_norm


def cumulate(logits: Floats) -> Floats:
    """Turn log weights (T, m) in place into sums of the weights of the first clusters."""
    exponentiate(logits)
    for k in range(1, len(logits)):
        logits[k] += logits[k - 1]
    return logits


def invert(sums: Floats, u: Floats) -> Ints:
    """Return the label of each column of sums at which they pass the share u in [0, 1)."""
    return (sums <= u * sums[-1]).sum(axis=0, dtype=np.int64)


def draw(logits: Floats, u: Floats) -> Ints:
    """Return one label for each column of log weights (T, m), by inversion of u in [0, 1).

    Works in place; a label of weight 0 is never drawn.
    """
    return invert(cumulate(logits), u)
