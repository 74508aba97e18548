"""Comparing models: evidence, its approximation by BIC, and a mixture for which BIC is wrong."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from . import _validate as check
from ._deprecated import keyword_only
from ._types import Floats, RNGLike

# Over this range 40 Chebyshev nodes stand for a sample, however many its values.
CELL = 16.0
# The log likelihood of a value beyond this has no digit of the order of 1.
ROUNDED = 1e7
# So many terms of an integral over two components take about ten seconds.
MOST_TERMS = 2**23
# Two components that are better than one by more have a peak of their own, away from the ridge.
APART = 6.0
# Log likelihoods that differ by less, in all and per point, are of one maximum.
SAME, SAME_POINT = 0.01, 1e-4


def bic(log_likelihood: float, n_params: int, n: int) -> float:
    """Bayesian information criterion on the scale of the log evidence.

    Parameters
    ----------
    log_likelihood : float
        Maximum of the log likelihood.
    n_params : int
        Number of free parameters d, >= 0.
    n : int
        Number of observations, >= 1.

    Returns
    -------
    float
        log_likelihood - (d / 2) log n. Larger is better; many programs print -2 times this.

    Raises
    ------
    ValueError
        If the log likelihood is not finite or a count is not an integer in its range.

    Notes
    -----
    Implements: DP-0005, DP-0006.

    References
    ----------
    Schwarz, G. (1978). Estimating the dimension of a model. Annals of Statistics 6, 461-464.

    Examples
    --------
    >>> round(bic(-100.0, n_params=2, n=50), 3)
    -103.912
    """
    log_likelihood = float(check.array("log_likelihood", log_likelihood, ndim=0))
    n_params, n = check.integer("n_params", n_params, minimum=0), check.integer("n", n)
    return log_likelihood - n_params / 2 * float(np.log(n))


@np.errstate(under="ignore")
@keyword_only("bound")
def log_evidence(x: ArrayLike, n_components: int, *, bound: float = 2.0) -> float:
    """Log evidence of one or two Gaussian components of variance 1.

    Parameters
    ----------
    x : array_like, shape (n,)
        Observations.
    n_components : {1, 2}
        One component N(mu, 1), or two: w N(mu1, 1) + (1 - w) N(mu2, 1).
    bound : float
        Each mean is uniform on (-bound, bound), the weight w uniform on (0, 1).

    Returns
    -------
    float

    Raises
    ------
    ValueError
        If x is not one-dimensional, or holds a value that is not finite or exceeds 10^7,
        n_components is neither 1 nor 2, bound is not from 1e-100 to 1e100, or the integral of two
        components has more than 2**23 terms, for a huge bound or data spread very wide.

    Notes
    -----
    One component is closed form. For two, the integral runs over the share s <= 1/2 and the
    mean of the smaller component by Gauss-Legendre panels that shrink towards 0, where the
    likelihood of data from one component has its ridge, and towards its peak where two fit
    better than one, and over the other mean by Gauss-Hermite around its best value. For samples
    from about one standard normal, or two that overlap, the result is right to about 1e-5 for n
    up to 10^6; with two separate groups to about 1e-3, for n up to 10^5.
    Data far out of the bounds, which no component explains, take longer, up to seconds.

    Implements: DP-0012, DP-0001.

    Examples
    --------
    >>> x = [-1.2, -0.3, 0.1, 0.4, 1.5]
    >>> round(log_evidence(x, 1), 3), round(log_evidence(x, 2), 3)
    (-7.817, -7.796)
    """
    sample, bound = _sample(x), _bound(bound)
    if _components(n_components) == 2:
        log_terms, log_weights, points = _quadrature(*_nodes(sample), bound)
        mean = np.clip(sample.mean(), -bound, bound)
        if log_terms.max() > len(sample) * (sample.mean() * mean - mean**2 / 2) + APART:
            fine = _nodes(sample, order=120)
            start = points.reshape(-1, 3)[log_terms.argmax()]
            log_terms, log_weights, _ = _quadrature(*fine, bound, _peak(*fine, start, bound)[0])
        total = log_terms + log_weights
        largest = total.max()
        log_integral = largest + np.log(np.exp(total - largest).sum())
        # Two orders of the components, and the density 1 / (2 bound) of each mean.
        log_integral += np.log(2) - 2 * np.log(2 * bound)
    else:
        n, mean = len(sample), sample.mean()
        inside = _log_inside(-np.sqrt(n) * mean, np.sqrt(n) * bound)
        log_integral = n * mean**2 / 2 + np.log(2 * np.pi / n) / 2 + inside - np.log(2 * bound)
    return float(log_integral + _log_standard_normal(sample))


def _log_inside(middle: float, half: float) -> float:
    """Log of the probability of the interval middle - half, middle + half under N(0, 1)."""
    from scipy.special import log_ndtr

    # The difference of two tails loses the digits of a narrow interval.
    if half * max(1.0, abs(middle)) < 1e-5:
        return float(np.log(2 * half) - middle**2 / 2 - np.log(2 * np.pi) / 2)
    lower, upper = log_ndtr(-abs(middle) - half), log_ndtr(half - abs(middle))
    return float(upper + np.log1p(-np.exp(lower - upper)))


@np.errstate(under="ignore")
@keyword_only("bound")
def max_log_likelihood(x: ArrayLike, n_components: int, *, bound: float = 2.0) -> float:
    """Maximum log likelihood of the models of `log_evidence`, with means in [-bound, bound].

    Parameters
    ----------
    x : array_like, shape (n,)
        Observations.
    n_components : {1, 2}
        Number of components.
    bound : float
        Largest absolute value of a mean, > 0.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        As `log_evidence`.

    Examples
    --------
    >>> x = [-1.2, -0.3, 0.1, 0.4, 1.5]
    >>> round(max_log_likelihood(x, 1), 3), round(max_log_likelihood(x, 2), 3)
    (-6.545, -6.545)
    """
    sample, bound = _sample(x), _bound(bound)
    if _components(n_components) == 1:
        mean = np.clip(sample.mean(), -bound, bound)
        gain = len(sample) * (sample.mean() * mean - mean**2 / 2)
        return float(_log_standard_normal(sample) + gain)
    log_terms, _, points = _quadrature(*_nodes(sample), bound)
    points, nodes = points.reshape(-1, 3), _nodes(sample, order=120)
    # There may be a peak on either side, and the higher one need not have the highest point.
    gains = []
    for side in (points[:, 1] < 0, points[:, 1] > 0):
        start = points[side][log_terms.ravel()[side].argmax()]
        gains.append(_peak(*nodes, start, bound)[1])
    return float(_log_standard_normal(sample) + max(gains))


def _peak(nodes: Floats, weights: Floats, start: Floats, bound: float) -> tuple[Floats, float]:
    """The best share, minor and major mean near a start, and their log likelihood ratio."""
    from scipy.optimize import minimize

    def loss(point: Floats) -> Any:
        share, minor, major = point
        parts = _log_ratio(share, minor, nodes), _log_ratio(1 - share, major, nodes)
        return -weights @ _log_add(*parts)

    start, limits = start.clip(-bound, bound), [(0, 1), (-bound, bound), (-bound, bound)]
    found = minimize(loss, start, bounds=limits, method="L-BFGS-B", options={"ftol": 1e-15})
    best = found.x if found.fun < loss(start) else start
    return best, -loss(best)


@np.errstate(under="ignore")
@keyword_only("rng", "bound")
def excess(
    n: ArrayLike, n_components: int, n_samples: int, *, rng: RNGLike = None, bound: float = 2.0
) -> Floats:
    """Log density of the truth N(0, 1) minus the log evidence, for simulated samples.

    Parameters
    ----------
    n : array_like of int, shape (m,)
        Sample sizes.
    n_components : {1, 2}
        Number of components of the model of `log_evidence`.
    n_samples : int
        Independent samples of each size.
    rng : None, int, SeedSequence, BitGenerator or Generator
        Source of randomness.
    bound : float
        As in `log_evidence`.

    Returns
    -------
    ndarray, shape (n_samples, m)

    Raises
    ------
    ValueError
        As `log_evidence`, or if a size is not an integer from 1 to 2**27 or the result has more
        than 10**6 numbers.

    Notes
    -----
    One seed gives the same samples for one component and for two.

    Implements: DP-0012.

    Examples
    --------
    >>> excess([100, 1000], n_components=1, n_samples=2, rng=1).shape
    (2, 2)
    """
    rng, sizes = check.rng("rng", rng), check.sizes("n", n)
    n_samples = check.integer("n_samples", n_samples)
    if sizes.max() > check.ROOM:
        check.fail("n", n, "sizes <= 2**27")
    check.within("n_samples", n_samples, n_samples * len(sizes), 10**6, "evidences")
    result = np.empty((n_samples, len(sizes)))
    for i in range(n_samples):
        for j, size in enumerate(sizes):
            x = rng.standard_normal(size)
            result[i, j] = _log_standard_normal(x) - log_evidence(x, n_components, bound=bound)
    return result


def slope(n: ArrayLike, values: ArrayLike) -> tuple[float, float]:
    """Slope of values in log n, with its standard error.

    Parameters
    ----------
    n : array_like, shape (m,)
        Sample sizes, at least two different ones.
    values : array_like, shape (r, m)
        r independent rows, one value a sample size in each.

    Returns
    -------
    slope, standard_error : float
        Mean over rows of the least-squares slope, and the standard error of that mean.

    Raises
    ------
    ValueError
        If the shapes do not match, all n are equal, or there are fewer than two rows.

    Examples
    --------
    >>> slope([1, np.e], [[0, 1], [0, 2]])
    (1.5, 0.5)
    """
    sizes, rows = check.array("n", n, ndim=1), check.array("values", values, ndim=2)
    if sizes.min() <= 0 or sizes.min() == sizes.max():
        check.fail("n", n, "positive numbers, at least two of them different")
    if rows.shape[1] != len(sizes) or len(rows) < 2:
        expected = f"shape (r, {len(sizes)}) with r >= 2"
        check.refuse("values", f"array of shape {rows.shape}", expected)
    centred = np.log(sizes) - np.log(sizes).mean()
    slopes = rows @ centred / (centred @ centred)
    return float(slopes.mean()), float(slopes.std(ddof=1) / np.sqrt(len(slopes)))


def _sample(x: ArrayLike) -> Floats:
    sample = check.array("x", x, ndim=1)
    if abs(sample).max() > ROUNDED:
        check.fail("x", x, "values up to 10^7; beyond, rounding is larger than the evidence")
    return sample


def _bound(bound: float) -> float:
    if not 1e-100 <= check.positive("bound", bound) <= 1e100:
        check.fail("bound", bound, "a number from 1e-100 to 1e100")
    return float(bound)


def _components(n_components: int) -> int:
    if check.integer("n_components", n_components) > 2:
        check.fail("n_components", n_components, "1 or 2")
    return n_components


def _log_standard_normal(x: Floats) -> float:
    return -(x @ x) / 2 - len(x) / 2 * np.log(2 * np.pi)


def _log_ratio(share: Any, mean: Any, x: Floats) -> Any:
    """Log of share times the density of N(mean, 1) over that of N(0, 1) at x."""
    with np.errstate(divide="ignore"):
        return np.log(share) + mean * x - mean**2 / 2


def _log_add(a: Floats, b: Floats) -> Floats:
    """log(exp(a) + exp(b)), much faster than np.logaddexp, for a or b above -infinity."""
    result = a - b
    np.copysign(result, -1, out=result)
    np.exp(result, out=result)
    result += 1
    np.log(result, out=result)
    result += np.maximum(a, b)
    return result


def _nodes(x: Floats, order: int = 40) -> tuple[Floats, Floats]:
    """A few points whose weighted sum of f equals sum_i f(x_i) for smooth f.

    The points are Chebyshev's, the weights reproduce the sample's first Chebyshev moments: the
    sum is exact for polynomials of degree below order.
    """
    if len(x) <= order:
        return x, np.ones(len(x))
    cell = np.floor(x / CELL)
    if np.ptp(x) > CELL and np.ptp(cell) > 0:
        # Polynomials do not follow the kinks of f over a long range: piece by piece.
        by_cell = np.argsort(cell, kind="stable")
        ends = np.flatnonzero(np.diff(cell[by_cell])) + 1
        pieces = [_nodes(piece, order) for piece in np.split(x[by_cell], ends)]
        return np.concatenate([x for x, _ in pieces]), np.concatenate([w for _, w in pieces])
    centre, radius = (x.max() + x.min()) / 2, np.ptp(x) / 2
    node = np.cos(np.pi * (np.arange(order) + 0.5) / order)
    y = (x - centre) / (radius or 1.0)
    weights = np.full(order, len(x) / order)
    # Chebyshev polynomials of neighbouring degrees at the sample and at the nodes.
    (before, at), (node_before, node_at) = (np.ones_like(y), y), (np.ones_like(node), node)
    for _ in range(1, order):
        weights += 2 / order * at.sum() * node_at
        before, at = at, 2 * y * at - before
        node_before, node_at = node_at, 2 * node * node_at - node_before
    return centre + radius * node, weights


def _panels(edges: Floats, order: int = 5) -> tuple[Floats, Floats]:
    t, w = np.polynomial.legendre.leggauss(order)
    centre, half = (edges[1:] + edges[:-1]) / 2, np.diff(edges) / 2
    return (centre[:, None] + half[:, None] * t).ravel(), np.outer(half, w).ravel()


def _around(edges: Floats, centres: Floats, width: float) -> Floats:
    """The edges, and more at each centre and ever farther from it, within their range."""
    longest = np.ptp(edges) / width
    steps = np.append(0.0, width * 3.0 ** np.arange(np.log(max(longest, 1.0)) / np.log(3)))
    more = np.ravel(np.add.outer(centres, np.append(-steps, steps)))
    return np.unique(np.append(edges, more.clip(edges.min(), edges.max())))


def _quadrature(
    nodes: Floats, weights: Floats, bound: float, peak: Floats | None = None
) -> tuple[Floats, Floats, Floats]:
    """Log likelihood ratio to N(0, 1) and log weight at each point (share, minor, major mean).

    Panels shrink towards a peak (share, minor, major mean), if one is given, as well.
    Arrays of shape (m, rows), the points of shape (m, rows, 3).
    """
    n = weights.sum()
    pull = _pull(nodes, weights, bound)
    # Panels shrink to the widths 1/sqrt(n) of the share and n^(-1/4) of the mean.
    narrow = np.ceil(np.log(4 * bound * max(bound * np.sqrt(n), pull)) / np.log(3)) + 1
    share_edges = np.append(0, 0.5 * 3.0 ** -np.arange(max(narrow, 2), -1, -1))
    narrow = np.ceil(np.log2(2 * bound * n**0.25))
    mean_edges = bound * 2.0 ** -np.arange(max(narrow, 2), -1, -1)
    if pull:
        narrow = min(np.ceil(np.log2(4 * bound * pull)), 50)
        close = bound * (1 - 2.0 ** -np.arange(2, narrow + 1))
        mean_edges = np.concatenate([mean_edges[:-1], close, [bound]])
    mean_edges = np.append(-mean_edges[::-1], mean_edges)
    if peak is not None:
        # Either mean may be the minor one's, where the shares are nearly equal.
        share_edges = _around(share_edges, np.minimum(peak[:1], 1 - peak[:1]), 0.5 / np.sqrt(n))
        mean_edges = _around(mean_edges, peak[1:], 1 / np.sqrt(n))
    (share, share_weight), (minor, minor_weight) = map(_panels, (share_edges, mean_edges))
    # A huge bound has many panels; data spread wide are their own nodes.
    terms = len(share) * len(minor) * len(nodes)
    name, value = ("x", nodes) if len(nodes) > 1000 else ("bound", bound)
    check.within(name, value, terms, MOST_TERMS, "terms of the integral")
    share, minor = np.repeat(share, len(minor)), np.tile(minor, len(share))
    other = _log_ratio(share[:, None], minor[:, None], nodes)

    def both(major: Floats) -> tuple[Floats, Floats]:
        one = _log_ratio(1 - share[:, None], major[:, None], nodes)
        return one, _log_add(one, other)

    def score(major: Floats) -> Floats:
        one, ratio = both(major)
        return (np.exp(one - ratio) * (nodes - major[:, None])) @ weights

    # The best other mean, by two scoring steps from where the overall mean is the sample's.
    scale = 1 / (np.sqrt(n) * (1 - share))
    major = (weights @ nodes / n - share * minor) / (1 - share)
    for _ in range(2):
        major = major + score(major) * scale**2 * (1 - share)
    if pull:
        major = major.clip(-bound, bound)
        points, log_inner = _inner_far(major, scale, score(major), bound)
    else:
        points, log_inner = _inner(major, scale, n, bound)
    log_outer = np.log(np.outer(share_weight, minor_weight).ravel())
    log_terms = np.stack([both(each)[1] @ weights for each in points])
    where = np.stack(np.broadcast_arrays(share, minor, points), axis=-1)
    return log_terms, log_outer + log_inner, where


def _pull(nodes: Floats, weights: Floats, bound: float) -> float:
    """How steeply the log likelihood of data that no means in the bounds explain ends there.

    Zero for data that some do: no value is 8 deviations out, nor the mean 4 of its own.
    """
    n, far = weights.sum(), abs(nodes).max() > bound + 8
    far = far or abs(weights @ nodes) > n * bound + 4 * np.sqrt(n)
    return max(float(weights @ np.maximum(abs(nodes) - bound, 0)), 1.0) if far else 0.0


def _inner_far(centre: Floats, scale: Floats, slope: Floats, bound: float) -> tuple[Floats, Floats]:
    """As `_inner`, for data far out: the peak may be steep at a bound, and flat elsewhere.

    Panels double in width away from the centre, from where the likelihood falls by a factor e.
    """
    t, w = np.polynomial.legendre.leggauss(5)
    width = 1 / (abs(slope) + 1 / scale)
    doublings = int(np.ceil(np.log2(2 * bound / width.min())))
    steps = np.append(0.0, 2.0 ** np.arange(doublings + 1))[:, None] * width
    edges = np.concatenate([centre - steps[:0:-1], centre + steps]).clip(-bound, bound)
    middle, half = (edges[1:] + edges[:-1]) / 2, np.diff(edges, axis=0) / 2
    points = (middle[:, None] + half[:, None] * t[:, None]).reshape(-1, len(centre))
    with np.errstate(divide="ignore"):
        return points, np.log((half[:, None] * w[:, None]).reshape(points.shape))


def _inner(centre: Floats, scale: Floats, n: float, bound: float) -> tuple[Floats, Floats]:
    """Nodes and log weights of the inner integrals over [-bound, bound], each shape (m, rows)."""
    if n < 200:
        # Wide peaks feel the bounds: Gauss-Legendre on what they leave of eight scales.
        t, w = np.polynomial.legendre.leggauss(24)
        low, high = np.maximum(centre - 8 * scale, -bound), np.minimum(centre + 8 * scale, bound)
        half = np.maximum(high - low, 0) / 2
        points = (high + low) / 2 + t[:, None] * half
        inner = w[:, None] * half
    else:
        t, w = np.polynomial.hermite_e.hermegauss(10)
        points = centre + t[:, None] * scale
        inner = (w * np.exp(t**2 / 2))[:, None] * scale * (abs(points) <= bound)
    with np.errstate(divide="ignore"):
        return points, np.log(inner)


@dataclass(frozen=True)
class Fit:
    """A Gaussian mixture fitted by maximum likelihood.

    Attributes
    ----------
    weights : ndarray, shape (K,)
    means : ndarray, shape (K, d)
    covariances : ndarray, shape (K, d, d)
    log_likelihood : float
        At these parameters.
    n_params : int
        Free parameters: K - 1 weights, K d coordinates of means, K d (d + 1) / 2 of covariances.
    bic : float
        log_likelihood - (n_params / 2) log n.
    n_steps : int
        EM steps that were taken to find it, over all starts.
    """

    weights: Floats
    means: Floats
    covariances: Floats
    log_likelihood: float
    n_params: int
    bic: float
    n_steps: int


@np.errstate(under="ignore")
@keyword_only("rng", "n_starts", "tol", "max_iter")
def fit(
    x: ArrayLike,
    n_components: int,
    *,
    rng: RNGLike = None,
    n_starts: int = 10,
    tol: float = 1e-6,
    max_iter: int = 1000,
) -> Fit:
    """Fit a Gaussian mixture by EM, best of several starts.

    Parameters
    ----------
    x : array_like, shape (n,) or (n, d)
        Observations.
    n_components : int
        Number of components K, 1 <= K <= n.
    rng : None, int, SeedSequence, BitGenerator or Generator
        Source of the starting centres, drawn from the data.
    n_starts : int
        Number of starts, at most 10**6.
    tol : float
        A start ends when the log likelihood rises by less.
    max_iter : int
        Most EM steps of one start.

    Returns
    -------
    Fit

    Raises
    ------
    ValueError
        If x is not finite, constant in a direction or too large to be squared, n_components
        exceeds n, or n d n_components exceeds 2**27 (1 GB).

    Warns
    -----
    dpnotes.InferenceWarning
        If the best start stopped at ``max_iter``, or only one of several reached the best
        likelihood.

    Notes
    -----
    The likelihood of a mixture is unbounded: a component on one point with variance 0 makes it
    infinite. So a thousandth of the sample covariance is added to every covariance at every
    step, and what is returned is the best of the fits found under that restraint.

    References
    ----------
    Dempster, A. P., Laird, N. M. and Rubin, D. B. (1977). Maximum likelihood from incomplete
    data via the EM algorithm. Journal of the Royal Statistical Society B 39, 1-38.

    Examples
    --------
    >>> best = fit([-5.1, -5.0, -4.8, 4.7, 5.0, 5.2], n_components=2, rng=1)
    >>> best.weights.round(2).tolist(), best.n_params
    ([0.5, 0.5], 5)
    """
    rng, k = check.rng("rng", rng), check.integer("n_components", n_components)
    data, spread = _varied(x)
    n_starts = check.integer("n_starts", n_starts, maximum=10**6)
    max_iter, tol = check.integer("max_iter", max_iter), check.positive("tol", tol)
    if k > len(data):
        check.fail("n_components", k, f"at most the number of observations, {len(data)}")
    check.room("n_components", k, k * data.size)
    climbs = []
    for _ in range(n_starts):
        centres = data[rng.choice(len(data), k, replace=False)]
        nearest = ((data[:, None] - centres) ** 2 / np.diag(spread)).sum(2).argmin(1)
        climbs.append(_climb(data, np.eye(k)[nearest], spread, tol, max_iter))
    best = _best(data, climbs, sum(c.n_steps for c in climbs))
    below = best.log_likelihood - np.array([c.log_likelihood for c in climbs])
    if (below <= SAME + SAME_POINT * len(data)).sum() == 1 < n_starts:
        check.doubt(
            f"only one of {n_starts} starts reached the best log likelihood, and they end up to "
            f"{below.max():.3g} nats apart: there may be a better maximum; raise n_starts"
        )
    return best


@np.errstate(under="ignore")
@keyword_only("tol")
def fit_sequence(x: ArrayLike, max_components: int, *, tol: float = 1e-4) -> list[Fit]:
    """Fit Gaussian mixtures with 1, 2, ... components by EM, each from the one before.

    Every component of the last mixture is cut in two across its longest axis, in five places; its
    length is measured in standard deviations of the columns, so that units do not matter.
    EM climbs a little from each of these starts, and to the end from the three that are highest
    by then. Where components are many this finds better maxima than random starts do.

    Parameters
    ----------
    x : array_like, shape (n,) or (n, d)
        Observations.
    max_components : int
        Largest number of components, <= n.
    tol : float
        A climb ends when the log likelihood rises by less.

    Returns
    -------
    list of Fit
        With 1 to max_components components.

    Raises
    ------
    ValueError
        If x is not finite, constant in a direction or too large to be squared, max_components
        exceeds n, or n d max_components exceeds 2**27 (1 GB).

    Warns
    -----
    dpnotes.InferenceWarning
        If a mixture has not converged after 1000 steps: raise tol.

    Notes
    -----
    Under the restraint of :func:`fit`.

    Examples
    --------
    >>> fits = fit_sequence([-5.1, -5.0, -4.8, 4.7, 5.0, 5.2], max_components=2)
    >>> [round(f.log_likelihood, 1) for f in fits]
    [-18.1, -2.3]
    """
    max_components = check.integer("max_components", max_components)
    (data, spread), tol = _varied(x), check.positive("tol", tol)
    if max_components > len(data):
        check.fail("max_components", max_components, f"at most {len(data)}, one a point")
    check.room("max_components", max_components, max_components * data.size)
    last = _climb(data, np.ones((len(data), 1)), spread, tol, 1000)
    fits = [_best(data, [last], last.n_steps)]
    while len(fits) < max_components:
        tries = [_climb(data, shares, spread, 0.05, 40) for shares in _cuts(data, last, spread)]
        highest = sorted(tries, key=lambda c: -c.log_likelihood)[:3]
        climbs = [_climb(data, c.shares, spread, tol, 1000) for c in highest]
        last = max(climbs, key=lambda c: c.log_likelihood)
        fits.append(_best(data, climbs, sum(c.n_steps for c in tries + climbs)))
    return fits


def _varied(x: ArrayLike) -> tuple[Floats, Floats]:
    """Return the data and their sample covariance, which must have full rank."""
    data = check.data("x", x)
    with np.errstate(all="ignore"):
        spread = np.atleast_2d(np.cov(data.T, bias=True))
        scale = np.sqrt(np.diag(spread))
        correlation = spread / np.outer(scale, scale)
    if not np.isfinite(spread).all():
        check.fail("x", x, "values whose squares are finite")
    if not ((scale > 0).all() and np.isfinite(correlation).all()) or (
        np.linalg.matrix_rank(correlation) < len(scale)
    ):
        check.refuse("x", f"array of shape {data.shape}", "data that vary in every direction")
    return data, spread


class _Climb(NamedTuple):
    log_likelihood: float
    parameters: tuple[Floats, Floats, Floats]
    shares: Floats
    n_steps: int
    converged: bool


def _climb(x: Floats, shares: Floats, spread: Floats, tol: float, max_iter: int) -> _Climb:
    """Run EM from these shares of the points, (n, K), until it rises by less than tol."""
    previous = -np.inf
    step, rise = 0, np.inf
    while step < max_iter and rise >= tol:
        parameters = _m_step(x, shares, spread)
        log_likelihood, shares = _e_step(x, *parameters)
        step, rise, previous = step + 1, log_likelihood - previous, log_likelihood
    return _Climb(log_likelihood, parameters, shares, step, rise < tol)


def _best(x: Floats, climbs: list[_Climb], n_steps: int) -> Fit:
    """Return the highest of the climbs as a Fit."""
    best = max(climbs, key=lambda c: c.log_likelihood)
    if not best.converged:
        check.doubt(f"EM not converged after {best.n_steps} steps; raise max_iter, or tol")
    (n, dim), k = x.shape, best.shares.shape[1]
    n_params = k - 1 + k * dim + k * dim * (dim + 1) // 2
    score = bic(best.log_likelihood, n_params, n)
    return Fit(*best.parameters, best.log_likelihood, n_params, score, n_steps)


def _cuts(x: Floats, climb: _Climb, spread: Floats) -> Iterator[Floats]:
    """Yield shares in which one component after another is cut across its longest axis."""
    _, means, covariances = climb.parameters
    scale = np.sqrt(np.diag(spread))
    for k, (mean, covariance) in enumerate(zip(means, covariances, strict=True)):
        values, axes = np.linalg.eigh(covariance / np.outer(scale, scale))
        along = (x - mean) / scale @ axes[:, -1] / np.sqrt(values[-1])
        along *= np.sign(axes[:, -1].sum()) or 1.0  # an axis has no sign of its own
        for cut in (-1.5, -0.7, 0.0, 0.7, 1.5):
            beyond = np.where(along > cut, climb.shares[:, k], 0.0)
            shares = np.column_stack([climb.shares, beyond])
            shares[:, k] -= beyond
            yield shares


def _m_step(x: Floats, shares: Floats, spread: Floats) -> tuple[Floats, Floats, Floats]:
    counts = np.maximum(shares.sum(0), 1e-12)
    means = (shares.T @ x) / counts[:, None]
    centred = x[:, None] - means
    covariances = np.einsum("nk,nki,nkj->kij", shares, centred, centred) / counts[:, None, None]
    return counts / len(x), means, covariances + 1e-3 * spread


def _e_step(x: Floats, weights: Floats, means: Floats, covariances: Floats) -> tuple[float, Floats]:
    factors = np.linalg.cholesky(covariances)
    white = np.linalg.solve(factors, np.swapaxes(x[None] - means[:, None], 1, 2))
    log_det = np.log(np.diagonal(factors, axis1=1, axis2=2)).sum(1)
    constant = np.log(weights) - log_det - x.shape[1] / 2 * np.log(2 * np.pi)
    log_joint = (constant[:, None] - (white**2).sum(1) / 2).T
    largest = log_joint.max(1, keepdims=True)
    with np.errstate(under="ignore"):  # a share may be 0
        shares = np.exp(log_joint - largest)
    total = shares.sum(1, keepdims=True)
    return float((largest + np.log(total)).sum()), shares / total
