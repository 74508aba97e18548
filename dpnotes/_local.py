"""The step that visits every point, shared by mean field and blocked Gibbs.

Both need, for T clusters and m points, the log weights w_k . f(x_i) of shape (T, m): one matrix
product of natural parameters and features. Clusters are rows, so that every operation over
clusters runs along contiguous memory, and points come in slices that stay in the cache.

Arrays of more than 128 kB are made once and used again: a worker of Dask gives them back to the
system as soon as they are free, and it takes longer to get new ones than to fill them.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np

from ._types import Floats, Ints

MOST_CLUSTERS = 10**6  # beyond it a slice of the points takes gigabytes


def features(component: Any, x: Floats, room: Floats | None = None) -> Floats:
    """Return the features of x as columns, shape (p, n): the first of ``room``, or a new array."""
    n, p = len(x), component.n_features
    columns = np.empty((p, n)) if room is None else room[:, :n]
    if _writes(type(component)):
        component._write(x, columns)
    else:
        columns[:] = component.features(x).T
    return columns


def _writes(family: type) -> bool:
    """Return whether the class that says what the features are also writes them in place."""
    own = (vars(each) for each in family.__mro__ if "features" in vars(each))
    return "_write" in next(own, {})


def width(T: int, p: int) -> int:
    """Return how many points a slice has: two (T, m) arrays and the features fit in cache."""
    return min(2048, max(128, 50_000 // (T + p)))


def slices(n: int, T: int, p: int) -> Iterator[slice]:
    """Yield the slices of the n points."""
    m = width(T, p)
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
    m = min(n, width(T, p))
    room, scaled = np.empty((T, m)), np.empty((p, m))
    for rows in slices(n, T, p):
        part = columns[:, rows]
        weights = np.matmul(natural, part[:q], out=room[:, : part.shape[1]])
        total, log_total = exponentiate(weights)
        if row_weights is not None:
            log_total *= row_weights[rows]
            with np.errstate(divide="ignore", over="ignore"):  # by 0: such rows count for nothing
                total /= row_weights[rows]
        if p < T:
            part = np.divide(part, total, out=scaled[:, : part.shape[1]])
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
