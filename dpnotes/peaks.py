"""What lies between clusters: whether a mixture density falls from one centre to the next.

Several clusters may describe one group of points that is not Gaussian, its tails or a bend. Then
the density runs on between their centres without a valley.
"""

import numpy as np
from numpy.typing import ArrayLike

from . import _validate as check
from ._numbers import TINY, cholesky
from ._types import Floats, Ints

# Points of a ridge: evenly, and close to the ends, where it may bend at once.
EVENLY = np.linspace(0, 1, 129)
CLOSE = 1 / (1 + np.exp(-np.linspace(-30, 30, 121)))
SHARE = np.union1d(EVENLY, CLOSE)


def ridge(mean: ArrayLike, cov: ArrayLike) -> Floats:
    """Return points of the curve on which all peaks and saddles of two Gaussians' mixtures lie.

    Parameters
    ----------
    mean : array_like of shape (2, d)
    cov : array_like of shape (2, d, d)
        Positive definite.

    Returns
    -------
    ndarray of shape (m, d)
        From the second mean to the first.

    Raises
    ------
    ValueError
        If the shapes do not match, or cov is not positive definite.

    Notes
    -----
    Implements: DP-0217.

    References
    ----------
    Ray, S. and Lindsay, B. G. (2005). The Annals of Statistics 33, 2042-2065.

    Examples
    --------
    >>> import numpy as np
    >>> from dpnotes import peaks
    >>> curve = peaks.ridge([[0, 0], [2, 0]], [np.eye(2), np.eye(2)])
    >>> curve[0].tolist(), curve[-1].tolist()
    ([2.0, 0.0], [0.0, 0.0])
    """
    centre, covs = _gaussians(mean, cov)
    if len(centre) != 2:
        check.refuse("mean", f"array of shape {centre.shape}", "shape (2, d)")
    (first, second), (m1, m2), share = covs, centre, SHARE[:, None]
    # With no inverse of a covariance, which loses the digits across a narrow one.
    both = (1 - share[:, None]) * first + share[:, None] * second
    with np.errstate(all="ignore"):
        unit = max(np.abs(m2 - m1).max(), TINY)
        try:
            turned = np.linalg.solve(both, ((m2 - m1) / unit)[:, None])[:, :, 0]
        except np.linalg.LinAlgError:
            turned = np.full((len(SHARE), len(m1)), np.nan)
        ahead, back = (1 - share) * (turned @ first) * unit, -share * (turned @ second) * unit
    # From the centre that is nearer, whose size takes no digits then from the step.
    nearer = (np.abs(ahead).max(axis=1) < np.abs(back).max(axis=1))[:, None]
    curve = np.where(nearer, m1 + ahead, m2 + back)
    if not np.isfinite(curve).all():
        check.fail("cov", cov, "matrices that a mean divided by them is a float; change the unit")
    return curve


def valleys(weight: ArrayLike, mean: ArrayLike, cov: ArrayLike) -> Floats:
    """Return how low the density of a Gaussian mixture falls between two of its centres.

    Parameters
    ----------
    weight : array_like of shape (K,)
        Positive; their scale does not matter.
    mean : array_like of shape (K, d)
    cov : array_like of shape (K, d, d)
        Positive definite.

    Returns
    -------
    ndarray of shape (K, K)
        The least density on the ridge between two centres, as a share of that at the lower centre:
        1 if it falls nowhere below that, near 0 for clusters far apart.

    Raises
    ------
    ValueError
        If an argument is not finite, the shapes do not match, a weight is not positive, or cov is
        not positive definite.

    Notes
    -----
    The ridge is that of the two clusters; the density is that of all.
    Implements: DP-0216.

    Examples
    --------
    >>> from dpnotes import peaks
    >>> peaks.valleys([1, 1], [[0], [4]], [[[1]], [[1]]]).round(2).tolist()
    [[1.0, 0.27], [0.27, 1.0]]
    """
    height, level = _passes(weight, mean, cov)
    return np.exp(level - np.minimum.outer(height, height))


def groups(weight: ArrayLike, mean: ArrayLike, cov: ArrayLike, *, share: float = 0.1) -> Ints:
    """Return which clusters run into each other: a label for each, by order of appearance.

    The ridges are taken from the highest pass down. A pass joins the groups on its two sides if
    the density on it is at least a share of that at the highest centre of the lower group. So a
    few points between two groups belong to one of them, and do not make them one.

    Parameters
    ----------
    weight, mean, cov : array_like
        As in :func:`valleys`.
    share : float
        > 0 and <= 1.

    Returns
    -------
    ndarray of shape (K,)

    Raises
    ------
    ValueError
        As :func:`valleys` does, or if share is out of range.

    Notes
    -----
    Implements: DP-0216.

    Examples
    --------
    >>> import numpy as np
    >>> from dpnotes import peaks
    >>> peaks.groups([31, 1, 30], [[0], [4], [8]], np.ones((3, 1, 1))).tolist()
    [0, 0, 1]
    """
    height, level = _passes(weight, mean, cov)
    if check.positive("share", share) > 1:
        check.fail("share", share, "a number > 0 and <= 1")
    label = np.arange(len(height))
    first, second = np.triu_indices(len(height), 1)
    for edge in np.argsort(-level[first, second], kind="stable"):
        i, j = first[edge], second[edge]
        one, other = label == label[i], label == label[j]
        lower = min(height[one].max(), height[other].max())
        if level[i, j] >= lower + np.log(share):
            label[one | other] = min(label[i], label[j])
    return np.unique(label, return_inverse=True)[1].astype(np.int64)


def _passes(weight, mean, cov):
    """Return the log density at each centre, and the least on the ridge between each two."""
    centre, covs = _gaussians(mean, cov)
    K = len(centre)
    sizes = check.array("weight", weight, 1)
    if len(sizes) != K or not (sizes > 0).all():
        check.fail("weight", weight, f"{K} numbers > 0, as many as means")
    height = _log_density(centre, sizes, centre, covs)
    level = np.minimum.outer(height, height)
    for i in range(K):
        for j in range(i):
            curve = ridge(centre[[i, j]], covs[[i, j]])
            least = _log_density(curve, sizes, centre, covs).min()
            level[i, j] = level[j, i] = min(least, level[i, j])
    return height, level


def _log_density(x, weight, mean, cov):
    """Return the log density of the mixture, up to a constant, at each row of x."""
    chol = np.linalg.cholesky(cov)
    logs = np.empty((len(mean), len(x)))
    for k, root in enumerate(chol):
        with np.errstate(over="ignore"):
            square = (np.linalg.solve(root, (x - mean[k]).T) ** 2).sum(axis=0)
        logs[k] = np.log(weight[k]) - np.log(np.diag(root)).sum() - square / 2
    return np.logaddexp.reduce(logs, axis=0)


def _gaussians(mean, cov):
    centre, covs = check.array("mean", mean, 2), check.array("cov", cov)
    (K, d) = centre.shape
    if covs.shape != (K, d, d):
        check.refuse("cov", f"array of shape {covs.shape}", f"shape {(K, d, d)}, as mean has it")
    try:
        cholesky(covs)
    except np.linalg.LinAlgError:
        check.fail("cov", cov, "positive definite matrices")
    return centre, covs
