"""Comparing models: evidence, its approximation by BIC, and a mixture for which BIC is wrong."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from . import _validate as check

# Over this range 40 Chebyshev nodes stand for a sample, however many its values.
CELL = 16.0
# The log likelihood of a value beyond this has no digit of the order of 1.
FAR = 1e7


def bic(log_likelihood, n_params, n):
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


def log_evidence(x, n_components, bound=2.0):
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
        n_components is neither 1 nor 2, or bound is not finite and > 0.

    Notes
    -----
    One component is closed form. For two, the integral runs over the share s <= 1/2 and the
    mean of the smaller component by Gauss-Legendre panels that shrink towards 0, where the
    likelihood of data from one component has its ridge, and over the other mean by
    Gauss-Hermite around its best value. For samples from about one standard normal the result
    is right to about 1e-5 for n up to 10^6; with two separate groups to about 0.05, for n <= 1000.
    Data far out of the bounds, which no component explains, take longer, up to seconds.

    Implements: DP-0012, DP-0001.

    Examples
    --------
    >>> x = [-1.2, -0.3, 0.1, 0.4, 1.5]
    >>> round(log_evidence(x, 1), 3), round(log_evidence(x, 2), 3)
    (-7.817, -7.796)
    """
    x, bound = _sample(x), check.positive("bound", bound)
    if _components(n_components) == 2:
        log_terms, log_weights = _quadrature(*_nodes(x), bound)[:2]
        total = log_terms + log_weights
        largest = total.max()
        log_integral = largest + np.log(np.exp(total - largest).sum())
        # Two orders of the components, and the density 1 / (2 bound) of each mean.
        log_integral += np.log(2) - 2 * np.log(2 * bound)
    else:
        from scipy.special import log_ndtr

        n, mean = len(x), x.mean()
        upper, lower = np.sqrt(n) * (bound - mean), np.sqrt(n) * (-bound - mean)
        if mean < 0:
            upper, lower = -lower, -upper
        inside = log_ndtr(upper) + np.log1p(-np.exp(log_ndtr(lower) - log_ndtr(upper)))
        log_integral = n * mean**2 / 2 + np.log(2 * np.pi / n) / 2 + inside - np.log(2 * bound)
    return float(log_integral + _log_standard_normal(x))


def max_log_likelihood(x, n_components, bound=2.0):
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
    x, bound = _sample(x), check.positive("bound", bound)
    if _components(n_components) == 1:
        mean = np.clip(x.mean(), -bound, bound)
        return float(_log_standard_normal(x) + len(x) * (x.mean() * mean - mean**2 / 2))
    from scipy.optimize import minimize

    nodes, weights = _nodes(x)
    log_terms, _, points = _quadrature(nodes, weights, bound)
    start = points.reshape(-1, 3)[log_terms.argmax()].clip(-bound, bound)

    def loss(point):
        share, minor, major = point
        parts = _log_ratio(share, minor, nodes), _log_ratio(1 - share, major, nodes)
        return -weights @ _log_add(*parts)

    limits = [(0, 1), (-bound, bound), (-bound, bound)]
    best = minimize(loss, start, bounds=limits, method="L-BFGS-B", options={"ftol": 1e-15})
    return float(_log_standard_normal(x) - min(best.fun, loss(start)))


def excess(n, n_components, n_samples, rng=None, bound=2.0):
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
        As `log_evidence`, or if a size is not an integer from 1 to 2**27.

    Notes
    -----
    One seed gives the same samples for one component and for two.

    Implements: DP-0012.

    Examples
    --------
    >>> excess([100, 1000], n_components=1, n_samples=2, rng=1).shape
    (2, 2)
    """
    rng, n = np.random.default_rng(rng), check.sizes("n", n)
    n_samples = check.integer("n_samples", n_samples)
    if n.max() > check.ROOM:
        check.fail("n", n, "sizes <= 2**27")
    result = np.empty((n_samples, len(n)))
    for i in range(n_samples):
        for j in range(len(n)):
            x = rng.standard_normal(n[j])
            result[i, j] = _log_standard_normal(x) - log_evidence(x, n_components, bound)
    return result


def slope(n, values):
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
    n, values = check.array("n", n, ndim=1), check.array("values", values, ndim=2)
    if n.min() <= 0 or n.min() == n.max():
        check.fail("n", n.tolist(), "positive numbers, at least two of them different")
    if values.shape[1] != len(n) or len(values) < 2:
        check.refuse("values", f"array of shape {values.shape}", f"shape (r, {len(n)}) with r >= 2")
    centred = np.log(n) - np.log(n).mean()
    slopes = values @ centred / (centred @ centred)
    return float(slopes.mean()), float(slopes.std(ddof=1) / np.sqrt(len(slopes)))


def _sample(x):
    x = check.array("x", x, ndim=1)
    if abs(x).max() > FAR:
        check.fail("x", x, "values up to 10^7; beyond, rounding is larger than the evidence")
    return x


def _components(n_components):
    if check.integer("n_components", n_components) > 2:
        check.fail("n_components", n_components, "1 or 2")
    return n_components


def _log_standard_normal(x):
    return -(x @ x) / 2 - len(x) / 2 * np.log(2 * np.pi)


def _log_ratio(share, mean, x):
    """Log of share times the density of N(mean, 1) over that of N(0, 1) at x."""
    with np.errstate(divide="ignore"):
        return np.log(share) + mean * x - mean**2 / 2


def _log_add(a, b):
    """log(exp(a) + exp(b)), much faster than np.logaddexp, for a or b above -infinity."""
    result = a - b
    np.copysign(result, -1, out=result)
    np.exp(result, out=result)
    result += 1
    np.log(result, out=result)
    result += np.maximum(a, b)
    return result


def _nodes(x, order=40):
    """A few points whose weighted sum of f equals sum_i f(x_i) for smooth f.

    The points are Chebyshev's, the weights reproduce the sample's first Chebyshev moments: the
    sum is exact for polynomials of degree below order.
    """
    if len(x) <= order:
        return x, np.ones(len(x))
    cell = np.floor(x / CELL)
    if np.ptp(x) > CELL and np.ptp(cell) > 0:
        # Polynomials do not follow the kinks of f over a long range: piece by piece.
        pieces = [_nodes(x[cell == c], order) for c in np.unique(cell)]
        return tuple(np.concatenate(part) for part in zip(*pieces))
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


def _panels(edges, order=5):
    t, w = np.polynomial.legendre.leggauss(order)
    centre, half = (edges[1:] + edges[:-1]) / 2, np.diff(edges) / 2
    return (centre[:, None] + half[:, None] * t).ravel(), np.outer(half, w).ravel()


def _quadrature(nodes, weights, bound):
    """Log likelihood ratio to N(0, 1) and log weight at each point (share, minor, major mean).

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
    (share, share_weight), (minor, minor_weight) = map(
        _panels, (share_edges, np.append(-mean_edges[::-1], mean_edges))
    )
    share, minor = np.repeat(share, len(minor)), np.tile(minor, len(share))
    other = _log_ratio(share[:, None], minor[:, None], nodes)

    def both(major):
        one = _log_ratio(1 - share[:, None], major[:, None], nodes)
        return one, _log_add(one, other)

    def score(major):
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


def _pull(nodes, weights, bound):
    """How steeply the log likelihood of data that no means in the bounds explain ends there.

    Zero for data that some do: no value is 8 deviations out, nor the mean 4 of its own.
    """
    n, far = weights.sum(), abs(nodes).max() > bound + 8
    far = far or abs(weights @ nodes) > n * bound + 4 * np.sqrt(n)
    return float(max(weights @ np.maximum(abs(nodes) - bound, 0), 1)) if far else 0.0


def _inner_far(centre, scale, slope, bound):
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


def _inner(centre, scale, n, bound):
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

    weights: np.ndarray
    means: np.ndarray
    covariances: np.ndarray
    log_likelihood: float
    n_params: int
    bic: float
    n_steps: int


def fit(x, n_components, rng=None, n_starts=10, tol=1e-6, max_iter=1000):
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
        Number of starts.
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
        If x is not finite or constant in a direction, or n_components exceeds n.

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
    rng, k = np.random.default_rng(rng), check.integer("n_components", n_components)
    x, spread = _varied(x)
    n_starts, max_iter = check.integer("n_starts", n_starts), check.integer("max_iter", max_iter)
    tol = check.positive("tol", tol)
    if k > len(x):
        check.fail("n_components", k, f"at most the number of observations, {len(x)}")
    climbs = []
    for _ in range(n_starts):
        centres = x[rng.choice(len(x), k, replace=False)]
        nearest = ((x[:, None] - centres) ** 2 / np.diag(spread)).sum(2).argmin(1)
        climbs.append(_climb(x, np.eye(k)[nearest], spread, tol, max_iter))
    return _best(x, climbs, sum(c.n_steps for c in climbs))


def fit_sequence(x, max_components, tol=1e-4):
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
        If x is not finite or constant in a direction, or max_components exceeds n.

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
    (x, spread), tol = _varied(x), check.positive("tol", tol)
    if max_components > len(x):
        check.fail("max_components", max_components, f"at most {len(x)}, one a point")
    last = _climb(x, np.ones((len(x), 1)), spread, tol, 1000)
    fits = [_best(x, [last], last.n_steps)]
    while len(fits) < max_components:
        tries = [_climb(x, shares, spread, 0.05, 40) for shares in _cuts(x, last, spread)]
        highest = sorted(tries, key=lambda c: -c.log_likelihood)[:3]
        climbs = [_climb(x, c.shares, spread, tol, 1000) for c in highest]
        last = max(climbs, key=lambda c: c.log_likelihood)
        fits.append(_best(x, climbs, sum(c.n_steps for c in tries + climbs)))
    return fits


def _varied(x):
    """Return the data and their sample covariance, which must have full rank."""
    x = check.data("x", x)
    spread = np.atleast_2d(np.cov(x.T, bias=True))
    scale = np.sqrt(np.diag(spread))
    if not (scale > 0).all() or np.linalg.matrix_rank(spread / np.outer(scale, scale)) < len(scale):
        check.refuse("x", f"array of shape {x.shape}", "data that vary in every direction")
    return x, spread


class _Climb(NamedTuple):
    log_likelihood: float
    parameters: tuple
    shares: np.ndarray
    n_steps: int


def _climb(x, shares, spread, tol, max_iter):
    """Run EM from these shares of the points, (n, K), until it rises by less than tol."""
    previous = -np.inf
    for step in range(1, max_iter + 1):
        parameters = _m_step(x, shares, spread)
        log_likelihood, shares = _e_step(x, *parameters)
        if log_likelihood - previous < tol:
            break
        previous = log_likelihood
    return _Climb(log_likelihood, parameters, shares, step)


def _best(x, climbs, n_steps):
    """Return the highest of the climbs as a Fit."""
    best = max(climbs, key=lambda c: c.log_likelihood)
    (n, dim), k = x.shape, best.shares.shape[1]
    n_params = k - 1 + k * dim + k * dim * (dim + 1) // 2
    score = bic(best.log_likelihood, n_params, n)
    return Fit(*best.parameters, best.log_likelihood, n_params, score, n_steps)


def _cuts(x, climb, spread):
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


def _m_step(x, shares, spread):
    counts = np.maximum(shares.sum(0), 1e-12)
    means = (shares.T @ x) / counts[:, None]
    centred = x[:, None] - means
    covariances = np.einsum("nk,nki,nkj->kij", shares, centred, centred) / counts[:, None, None]
    return counts / len(x), means, covariances + 1e-3 * spread


def _e_step(x, weights, means, covariances):
    factors = np.linalg.cholesky(covariances)
    white = np.linalg.solve(factors, np.swapaxes(x[None] - means[:, None], 1, 2))
    log_det = np.log(np.diagonal(factors, axis1=1, axis2=2)).sum(1)
    constant = np.log(weights) - log_det - x.shape[1] / 2 * np.log(2 * np.pi)
    log_joint = (constant[:, None] - (white**2).sum(1) / 2).T
    largest = log_joint.max(1, keepdims=True)
    shares = np.exp(log_joint - largest)
    total = shares.sum(1, keepdims=True)
    return float((largest + np.log(total)).sum()), shares / total
