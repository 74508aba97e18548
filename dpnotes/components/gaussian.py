"""Gaussian clusters: variances or a covariance matrix, known or unknown."""

import copy
from functools import cached_property, reduce
from typing import Any, NoReturn, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .. import _validate as check
from .._numbers import cholesky, log1p_ratio, log_rising, sums_by_cluster
from .._types import Floats, RNGLike
from .family import Conjugate

LOG_2PI = np.log(2 * np.pi)
EPS, TINY = float(np.finfo(float).eps), float(np.finfo(float).tiny)
LARGEST = 1e300  # of a coordinate or a scale; sums of larger ones may be no floats
SMALLEST = 1 / LARGEST  # of a scale
SQUARED = 1e150  # of a coordinate that is squared
NARROW = 1e-6  # ratio of pivots below which the square of a matrix may lose the smaller one
FAR = 1e3  # of the prior mean from points, in units of the scale: its square swallows the scale
NEAR = 1e7  # squares in units of the noise, whose differences keep nine digits after the point
MOST_PLACES = 32  # from which points are measured
LOST = 1e-6  # nats, or the share of more than one, that rounding may take from an answer


class LostDigits(ValueError):
    """Statistics with such large squares that no digits are left for the spread of the points."""


class _Gaussian(Conjugate):
    """What they share: the origin, from which the features of the data are measured.

    A log density is const - |L^-1 (y - m)|^2 / 2 in y = x - origin: a quadratic (const, m, L) with
    L the widths of the coordinates, shape (K, d), or lower triangular matrices, shape (K, d, d).
    To multiply with the inverse of L L^T instead would lose the distance across a narrow cluster.
    """

    origin: Floats
    # Whether it was made for points that a caller gave, who has not seen statistics nor parameters.
    _of_points = False

    def __init__(self, mean: ArrayLike) -> None:
        self.mean = np.array(check.array("mean", mean), ndmin=1)  # a copy
        if self.mean.ndim != 1:
            check.fail("mean", mean, "a number or an array of shape (d,)")
        if np.abs(self.mean).max() > LARGEST:
            check.fail("mean", mean, f"numbers at most {LARGEST:g} in size")
        self.dim = self.mean.size
        self.origin = self.mean

    def __repr__(self) -> str:
        moved = self.origin is not self.mean and self.origin.ndim == 1
        return super().__repr__() + f".measured_from({self.origin.tolist()})" * moved

    def measured_from(self, origin: ArrayLike) -> Self:
        """Return the same family with features, and so statistics, of y = x - origin.

        Squares of large numbers have no digits left for small differences: where the data lie far
        from the prior mean, their own mean is a better origin.

        Parameters
        ----------
        origin : float or array_like of shape (d,)
        """
        values = check.array("origin", origin)
        if values.shape not in [(), (self.dim,)]:
            check.fail("origin", origin, f"a number or {self.dim} of them")
        if max(np.abs(values).max() / 2, np.abs(values / 2 - self.mean / 2).max()) > SQUARED / 2:
            check.fail("origin", origin, f"numbers within {SQUARED:g} of 0 and of the prior mean")
        family = self._about(np.full(self.dim, values))
        family._of_points = False
        return family

    def _about(self, origin: Floats) -> Self:
        """Return the same family measured from there; of shape (K, d), each row of s from its own.

        Unchecked.
        """
        if not np.abs(origin - self.mean).max() <= SQUARED:
            _too_far()
        family = copy.copy(self)
        family.origin, family._of_points = origin, True
        return family

    def _sums(self, x: Floats, sets: NDArray[Any], K: int) -> tuple[Self, Floats]:
        """Return the statistics of K sets of points, each measured from its own mean.

        Parameters
        ----------
        x : ndarray of shape (m, d)
            Points; one that is in several sets is repeated.
        sets : ndarray of int, shape (m,)
            The set of each point, 0 to K - 1.

        Returns
        -------
        family : same type as the family
            Measured from there.
        s : ndarray of shape (K, p)
        """
        x, sets = self._points(x), sets.astype(np.intp)
        size = np.bincount(sets, minlength=K)[:, None]
        middle = x[0]
        origin = sums_by_cluster(x - middle, sets, K)
        origin = middle + np.divide(origin, size, where=size > 0, out=origin)
        y = x - origin[sets]
        self._check_squares(y)
        return self._about(origin), sums_by_cluster(self._squared(y), sets, K)

    def features(self, x: ArrayLike) -> Floats:
        """Return the features of each row, y = x - origin: shape (n, p)."""
        with np.errstate(over="ignore"):
            y = super()._points(x) - self.origin
        self._check_squares(y)
        return self._squared(y)

    def _squared(self, y: Floats) -> Floats:
        return np.column_stack([np.ones(len(y)), y, self._products(y, y)])

    def _write(self, x: ArrayLike, columns: Floats) -> None:
        """Write the features of each row as a column, shape (p, n), with no array beside them."""
        columns[0] = 1
        y, squares = np.split(columns[1:], [self.dim])
        with np.errstate(over="ignore"):
            np.subtract(super()._points(x).T, self.origin[:, None], out=y)
        self._check_squares(y.T)
        self._write_squares(y, squares)

    def _write_squares(self, y: Floats, squares: Floats) -> None:
        squares[:] = self._products(y.T, y.T).T

    def _products(self, a: Floats, b: Floats) -> Floats:
        """Return the products of coordinates that the features hold, for a and b (..., d)."""
        raise NotImplementedError

    def _moved(self, s: Floats, by: Floats) -> Floats:
        """Return the statistics (..., p) of points that are moved by (..., d)."""
        n, t, q = np.split(s, [1, 1 + self.dim], axis=-1)
        q = q + self._products(t, by) + self._products(by, t) + n * self._products(by, by)
        return np.concatenate([n, t + n * by, q], axis=-1)

    def _joined(self, means: Floats, s: Floats, between: Floats) -> tuple[Self, Floats]:
        """Return sums over parts, each about its own mean, as those about the mean of each set.

        The roots of their numbers times their distances from it are ``between`` (K, J, d).
        """
        s[:, 1 + self.dim :] += self._products(between, between).sum(axis=1)
        return self._about(means), s

    def _check_squares(self, y: Floats) -> None:
        if not max(y.max(), -y.min()) <= SQUARED:
            _too_far()

    def _statistics(self, s: ArrayLike) -> Floats:
        s = super()._statistics(s)
        n, t = s[..., :1], s[..., 1 : 1 + self.dim]
        # Neither the mean of the points nor its square, that many times, is too large.
        reach = SQUARED * np.minimum(2 * n, 1e3 * np.sqrt(n))
        if (np.abs(t) > reach).any() or n.max(initial=0) > check.MOST:
            self._refuse("s", s, f"sums over at most 2**53 points within {SQUARED:g} of the origin")
        return s

    def _refuse(self, name: str, value: ArrayLike, expected: str) -> NoReturn:
        """Refuse what the family was given, or the points that this was made of."""
        if self._of_points:
            shown = "points so far from each other or from the prior mean that products overflow"
            check.refuse("x", shown, "points nearer to both; change the unit or the prior")
        check.fail(name, value, expected)

    def _lost(self) -> NoReturn:
        name = "x" if self._of_points else "s"
        shown = "sums of squares so large that no digits are left for the spread of the points"
        expected = "points nearer to each other and to the origin; see measured_from"
        raise LostDigits(f"{name} = {shown}: expected {expected}") from None

    def _points(self, x: ArrayLike) -> Floats:
        points = super()._points(x)
        if max(points.max(), -points.min()) > LARGEST:
            check.fail("x", x, f"numbers at most {LARGEST:g} in size")
        return points

    def _away(self, x: ArrayLike, m: Floats) -> list[Floats]:
        """Return x - origin - m for each coordinate: d arrays of shape (n, K)."""
        x, origin = self._points(x), self.origin
        return [(x[:, j, None] - origin[..., j]) - m[:, j] for j in range(self.dim)]

    @property
    def _noise(self) -> float:
        """A variance to compare squares with."""
        raise NotImplementedError

    @property
    def _prior_mean(self) -> Floats:
        return self.mean - self.origin

    def _means(self, n: Floats, t: Floats) -> Floats:
        """Return the means of points, given their number and sums; of none, the origin."""
        return t / np.maximum(n, TINY)

    def _check_digits(self, lost: Floats, value: Floats) -> None:
        """Refuse statistics if their last digits count for more than an answer may be wrong."""
        if (lost > LOST * np.maximum(1, np.abs(value))).any():
            self._lost()

    def natural(self, theta: ArrayLike) -> Floats:
        """Return w, shape (K, p), with log f(x | theta) = features(x) @ w.T."""
        return self._weights("theta", theta, *self._quadratic(theta))

    def expected_natural(self, s: ArrayLike) -> Floats:
        """Return the mean of ``natural(theta)`` under the posterior given s: shape (K, p)."""
        return self._weights("s", s, *self._expected(self._rows(s)))

    def _expected_about(self, s: Floats, shift: Floats) -> Floats:
        """Return ``expected_natural(s)`` for features from origin - shift, shift (K, d)."""
        const, m, root = self._expected(s)
        return self._natural(const, m + shift, root)

    def _weights(self, name: str, value: ArrayLike, *quadratic: Floats) -> Floats:
        """Return a quadratic as weights of the features; the first may be -inf, as a density is."""
        natural = self._natural(*quadratic)
        if not np.isfinite(natural[:, 1:]).all() or np.isnan(natural[:, 0]).any():
            self._refuse(
                name, value, "such that weights of the features are within range of floats"
            )
        return natural

    def _natural(self, const: Floats, m: Floats, root: Floats) -> Floats:
        """Return a quadratic as weights of the features."""
        with np.errstate(over="ignore", invalid="ignore"):
            turned = _solved(root, m[:, None])[:, 0]
            linear = _solved(np.swapaxes(root, 1, -1), turned[:, None])[:, 0]
            const = const - 0.5 * (turned * turned).sum(axis=1)
        return np.column_stack([const, linear, -0.5 * self._forms(_precisions(root))])

    def _forms(self, precisions: Floats) -> Floats:
        """Return precisions as weights of products of coordinates."""
        return precisions.reshape(len(precisions), -1)

    def _quadratic(self, theta: ArrayLike) -> tuple[Floats, Floats, Floats]:
        """Return log f(x | theta) as a quadratic."""
        raise NotImplementedError

    def _expected(self, s: Floats) -> tuple[Floats, Floats, Floats]:
        """Return the mean of log f(x | theta) under the posterior given s as a quadratic."""
        raise NotImplementedError

    def _factored(self, theta: Floats) -> Floats:
        """Return log f(x | theta) as rows [const, m, R] with R the inverse of L: for a loop."""
        const, m, root = self._quadratic(theta)
        inverse = np.linalg.inv(root) if root.ndim == 3 else np.eye(self.dim) / root[:, None]
        return np.column_stack([const, m, inverse.reshape(len(m), -1)])

    def log_likelihood(self, x: ArrayLike, theta: ArrayLike) -> Floats:
        """Return log f(x_i | theta_k), shape (n, K), for x (n, d) and theta (K, q)."""
        const, m, root = self._quadratic(theta)
        return const - 0.5 * _squares(self._points(x) - self.origin, m, root)

    def _log_odds(self, x: ArrayLike, s: Floats, weights: Floats) -> Floats:
        """Return weights_k + E log f(x_i | theta_k), less that of a best k: shape (n, K).

        The mean is under the posterior given row k of s. Up to a number for each x this is
        ``weights + features(x) @ expected_natural(s).T``, but each difference is computed as one,
        and has its digits however far out x is.
        """
        return _contrasts(self._points(x), self.origin, weights, *self._expected(s))


def _scales(name: str, value: ArrayLike) -> Floats:
    """Return numbers > 0 that a family divides by and multiplies with."""
    result = check.array(name, value)
    if result.min() > 0 and not (SMALLEST <= result.min() and result.max() <= LARGEST):
        check.fail(name, value, f"from {SMALLEST:g} to {LARGEST:g}; change the unit")
    return result


def _scale(name: str, value: object) -> float:
    """Return a number > 0 that a family divides by and multiplies with."""
    return float(_scales(name, check.positive(name, value)))


def _matrix(name: str, value: ArrayLike, d: int) -> Floats:
    """Return a positive definite matrix of shape (d, d), as a copy."""
    matrix = np.array(check.array(name, value), ndmin=2)
    if matrix.shape != (d, d) or not np.allclose(matrix, matrix.T):
        check.fail(name, value, f"a symmetric matrix of shape ({d}, {d})")
    if np.linalg.eigvalsh(matrix)[0] <= 0:
        check.fail(name, value, "a positive definite matrix")
    _scales(name, np.diagonal(matrix))
    return matrix


def _drawn(var: Floats) -> Floats:
    """Return variances drawn, the nearest floats that a density has digits for."""
    return np.minimum(np.maximum(var, SMALLEST), LARGEST)


def _too_far() -> NoReturn:
    expected = f"points within {SQUARED:g} of each other and of the prior mean; change the unit"
    check.refuse("x", "points with squares that are no floats", expected)


def is_gaussian(family: Any) -> bool:
    """Return whether a family's features are those of this module."""
    return getattr(type(family), "features", None) is _Gaussian.features


def _measures(family: Any) -> bool:
    """Return whether another family's features are its own, and measured from where points are."""
    owner = next((kind for kind in type(family).__mro__ if "_near" in vars(kind)), None)
    return owner is not None and type(family).features is vars(owner)["features"]


def near(family: Any, x: Floats) -> Any:
    """Return the family measured from the mean of x, if it can measure from elsewhere."""
    if _measures(family):
        return family._near(x)
    if not is_gaussian(family):
        return family
    return family._about(family._points(x).mean(axis=0))


def is_wide(family: Any, x: Floats) -> bool:
    """Return whether points lie so far from the origin that sums of features lose digits."""
    if _measures(family):
        return bool(family._is_wide(x))
    if not is_gaussian(family):
        return False
    return bool(np.abs(x - family.origin).max() > np.sqrt(NEAR * family._noise))


def place(family: Any) -> Any:
    """Return from where a family measures, as plain data; None from where it is made."""
    if isinstance(family, Islands):
        return {"places": family.places.tolist()}
    if hasattr(family, "families"):
        return [place(part) for part in family.families]
    if hasattr(family, "family"):
        return place(family.family)
    own = vars(family)
    if "_few" in own:
        return own["_reference"].tolist()
    moved = is_gaussian(family) and family.origin is not family.mean
    return family.origin.tolist() if moved else None


def put(family: Any, where: Any) -> Any:
    """Return a family measured from what ``place`` returned."""
    if where is None:
        return family
    if isinstance(where, dict):
        return Islands(family, np.array(where["places"]))
    if hasattr(family, "families"):
        return family._with([put(*pair) for pair in zip(family.families, where, strict=True)])
    if hasattr(family, "family"):
        return family._with(put(family.family, where))
    moved = family._about if is_gaussian(family) else family._relative_to
    return moved(np.array(where))


def is_far(family: Any, x: Floats, natural: Floats) -> NDArray[np.bool_]:
    """Return which rows of x lie so far out that products with natural parameters lose digits."""
    if not is_gaussian(family):
        return np.full(len(x), isinstance(family, Islands))
    d, size = family.dim, np.abs(natural).max(axis=0)
    away = np.abs(x - family.origin).max(axis=1)
    with np.errstate(over="ignore"):
        terms = size[0] + d * size[1 : 1 + d].max() * away
        return ~(terms + d * d * size[1 + d :].max() * away * away < NEAR)


def log_odds(family: Any, x: Floats, s: Floats, weights: Floats) -> Floats:
    """Return weights_k + E log f(x_i | theta_k), less that of a best k: (n, K), rows far out."""
    each = max(1, 2**20 // (len(s) * family.dim**2))
    parts = np.split(x, range(each, len(x), each))
    return np.concatenate([family._log_odds(part, s, weights) for part in parts])


def log_weighted(
    family: Any, x: Floats, theta: Floats, log_weights: Floats, allowed: NDArray[np.bool_]
) -> Floats:
    """Return log_weights_k + log f(x_i | theta_k), -inf where k is not allowed: shape (n, K).

    Where all are too small for floats, less that of a best k; ``allowed`` is (n, K) or (1, K).
    """
    result = np.where(allowed, family.log_likelihood(x, theta) + log_weights, -np.inf)
    lost = np.flatnonzero(np.isneginf(result.max(axis=1)))
    if lost.size and not is_gaussian(family):
        check.refuse("x", "points whose densities are no floats", "numbers of a smaller unit")
    if lost.size:
        quadratic, points = family._quadratic(theta), family._points(x)
        for i in lost:
            own = np.flatnonzero(np.broadcast_to(allowed, result.shape)[i])
            parts = log_weights[own], *(part[own] for part in quadratic)
            result[i, own] = _contrasts(points[i : i + 1], family.origin, *parts)[0]
    return result


class Islands:
    """A Gaussian family whose features of a point are measured from the nearest of J places.

    Where clusters lie so far apart that squares about any one origin lose the spread of each. The
    features are [1, and for each place those of x about it, or zeros]: shape (n, 1 + J p).

    Parameters
    ----------
    family : any Gaussian family of this module
    places : ndarray of shape (J, d)
    """

    common = 0

    def __init__(self, family: Any, places: Floats) -> None:
        self.family, self.places, self.dim = family, places, family.dim
        self.n_features = 1 + len(places) * family.n_features

    def __repr__(self) -> str:
        return f"Islands({self.family}, {self.places.tolist()})"

    def features(self, x: ArrayLike) -> Floats:
        """Return the features of each row: shape (n, 1 + J p)."""
        points = self.family._points(x)
        nearest = np.abs(points[:, None] - self.places).max(axis=2).argmin(axis=1)
        y = points - self.places[nearest]
        self.family._check_squares(y)
        result = np.zeros((len(y), len(self.places), self.family.n_features))
        result[np.arange(len(y)), nearest] = self.family._squared(y)
        return np.column_stack([np.ones(len(y)), result.reshape(len(y), -1)])

    def about_means(self, s: ArrayLike) -> tuple[Any, Floats]:
        """Return the family measured from the mean of each set, and the sets' statistics (K, p)."""
        s = check.array("s", s, 2)
        parts = s[:, 1:].reshape(len(s), len(self.places), -1)
        n, t = parts[..., :1], parts[..., 1 : 1 + self.dim]
        share = np.divide(n, s[:, :1, None], where=s[:, :1, None] > TINY, out=np.zeros_like(n))
        inner = np.divide(t, n, where=n > TINY, out=np.zeros_like(t))
        # From the place with the most points; exact for sets within one island.
        base = self.places[n[..., 0].argmax(axis=1)][:, None]
        means = base[:, 0] + (share * ((self.places - base) + inner)).sum(axis=1)
        means[s[:, 0] <= TINY] = self.family.mean
        between = np.sqrt(n) * ((self.places - means[:, None]) + inner)
        return self.family._joined(means, self.family._moved(parts, -inner).sum(axis=1), between)

    def log_marginal(self, s: ArrayLike) -> Floats:
        """Return the log marginal likelihood of data with statistics s (K, 1 + J p)."""
        family, sums = self.about_means(s)
        return family.log_marginal(sums)

    def log_predictive(self, x: ArrayLike, s: ArrayLike) -> Floats:
        """Return the log density of each x (n, d) given statistics s (K, 1 + J p): (n, K)."""
        family, sums = self.about_means(s)
        return family.log_predictive(x, sums)

    def expected_natural(self, s: ArrayLike) -> Floats:
        """Return the mean of the weights of the features under the posterior given s."""
        family, sums = self.about_means(s)
        shift = family.origin[:, None] - self.places
        parts = [family._expected_about(sums, shift[:, j]) for j in range(len(self.places))]
        # Weights of points that no such cluster takes, whose products with 0 are to be 0.
        zeros = np.zeros(len(sums))
        return np.clip(np.column_stack([zeros, *parts]), -LARGEST, LARGEST)

    def _check_rounding(self, s: Floats) -> None:
        """Refuse sets so long and narrow that the rounding of their length hides their width."""
        family, sums = self.about_means(s)
        _, m, root = family._expected(sums)
        length = np.abs(m[:, None] + (family.origin[:, None] - self.places)).max(axis=2)
        terms = s[:, 1 :: family.n_features] * _steepest(root)[:, None] * length
        family._check_digits(EPS * terms.sum(axis=1), family.log_marginal(sums))

    def _log_odds(self, x: ArrayLike, s: Floats, weights: Floats) -> Floats:
        family, sums = self.about_means(s)
        return family._log_odds(x, sums, weights)


def places(family: Any, x: Floats) -> Floats:
    """Return points of x such that no other lies far from all: shape (J, d), J at most 32."""
    found = x[:1]
    away = np.abs(x - found).max(axis=1)
    while away.max() > np.sqrt(NEAR * family._noise) and len(found) < MOST_PLACES:
        found = np.vstack([found, x[away.argmax()]])
        away = np.minimum(away, np.abs(x - found[-1]).max(axis=1))
    return found


def sums_of(
    family: Any, x: Floats, sets: NDArray[Any], K: int, points: NDArray[Any] | None = None
) -> tuple[Any, Floats]:
    """Return the statistics of K sets of points, shape (K, p), and the family that reads them.

    Set sets[j] holds row points[j] of x; row j where no points are given.

    The squares of a Gaussian family are those about the mean of each set, whose digits the sum of
    squares about another point would lose; and so are the densities of large counts relative to it.
    """
    rows = slice(None) if points is None else points
    if _measures(family):
        return family._sums(family._points(x)[rows], sets, K)
    if is_gaussian(family):
        return family._sums(x[rows], sets, K)
    return family, sums_by_cluster(family.features(x)[rows], sets, K)


def _solved(root: Floats, away: Floats) -> Floats:
    """Return L_k^-1 applied to rows away (K, n, d), for widths (K, d) or matrices (K, d, d)."""
    if root.ndim == 2:
        return away / root[:, None]
    return np.swapaxes(np.linalg.solve(root, np.swapaxes(away, 1, 2)), 1, 2)


def _precisions(root: Any) -> Any:
    """Return the inverses of the squares of widths (K, d), or of matrices root root^T."""
    if root.ndim == 2:
        return 1 / root / root
    half = np.linalg.inv(root)
    return np.swapaxes(half, -1, -2) @ half


def _outer(a: Floats, b: Floats) -> Floats:
    """Return a b^T for vectors (..., d), its rows one after another: shape (..., d^2)."""
    outer = a[..., :, None] * b[..., None, :]
    return outer.reshape(*outer.shape[:-2], -1)


def _write_outer(y: Floats, outer: Floats) -> None:
    """Write y y^T of each column of y (d, n) as a column, shape (d^2, n)."""
    for row, products in zip(y, np.split(outer, len(y))):
        np.multiply(row, y, out=products)


def _steepest(root: Floats) -> Floats:
    """Return the root of the largest precision of each, shape (K,)."""
    precisions = np.abs(_precisions(root)).reshape(len(root), -1)
    return np.asarray(np.sqrt(precisions.max(axis=1)), dtype=float)


def _squares(y: Floats, m: Floats, root: Floats) -> Floats:
    """Return |L_k^-1 (y_i - m_k)|^2, shape (n, K); inf where it is no float."""
    result = np.empty((len(y), len(m)))
    with np.errstate(over="ignore", under="ignore"):
        if root.ndim == 2:
            result[:] = 0.0
            for j in range(y.shape[1]):
                result += ((y[:, j, None] - m[:, j]) / root[:, j]) ** 2
            return result
        for k in range(len(m)):
            away = y - m[k]
            unit = np.maximum(np.abs(away).max(axis=1), TINY)
            turned = np.linalg.solve(root[k], (away / unit[:, None]).T)
            result[:, k] = (turned * turned).sum(axis=0) * unit * unit
    return result


def _contrasts(
    x: Floats, origin: Floats, weights: Floats, const: Floats, m: Floats, root: Floats
) -> Floats:
    """Return weights plus quadratics at each x, less that of a largest one: shape (n, K).

    The difference of two squares is the difference of what is squared times the sum, and that
    difference is what lies between the means less what lies between the roots, solved with the one.
    All is in a unit as large as the largest distance from an origin, in which no square is too
    large.
    """
    origin = np.broadcast_to(origin, m.shape)
    unit = np.abs(x[:, None] - origin).max(axis=(1, 2))
    unit = 2.0 ** np.ceil(np.log2(np.maximum(unit, 1)))[:, None]
    away = ((x[:, None] - origin) - m) / unit[:, None]  # (n, K, d)
    with np.errstate(over="ignore", under="ignore"):
        turned = _solved(root, away.swapaxes(0, 1)).swapaxes(0, 1)
        value = (weights + const) / unit / unit - 0.5 * (turned * turned).sum(axis=2)
        rows, best = np.arange(len(x)), value.argmax(axis=1)
        for _ in range(len(const)):
            least = turned[rows, best][:, None]
            gap = (origin[best][:, None] - origin) + (m[best][:, None] - m)
            gap = gap / unit[:, None] - _times(root - root[best][:, None], least)
            gap = _solved(root, gap.swapaxes(0, 1)).swapaxes(0, 1)
            half = (gap * (2 * least + gap)).sum(axis=2)
            result = (weights - weights[best][:, None]) + (const - const[best][:, None])
            result = result - 0.5 * half * unit * unit
            better = result.max(axis=1) > 0  # two that rounding had let seem equal
            if not better.any():
                break
            best = np.where(better, result.argmax(axis=1), best)
    return result


def _times(root: Floats, z: Floats) -> Floats:
    """Return L z for widths (n, K, d) or matrices (n, K, d, d), and z (n, 1, d)."""
    return root * z if root.ndim == 3 else (root @ z[..., None])[..., 0]


def _log1p_square(away: Floats, log_unit: Floats) -> Floats:
    """Return log(1 + (away / unit)^2) given the log of the unit."""
    with np.errstate(over="ignore", under="ignore", divide="ignore"):
        result = np.log1p((away * np.exp(-log_unit)) ** 2)
        if np.isinf(result).any():
            result = np.where(np.isinf(result), 2 * (np.log(np.abs(away)) - log_unit), result)
    return result


class Gaussian(_Gaussian):
    """Isotropic Gaussian with known variance and a Gaussian prior on its mean.

    H = N(mean, var I) and F(theta) = N(theta, noise_var I) in d dimensions.

    Parameters
    ----------
    mean : float or array_like of shape (d,)
        Prior mean; its length is the dimension of the data.
    var : float
        Prior variance of each coordinate of theta, > 0.
    noise_var : float
        Variance of each coordinate of an observation given theta, > 0.

    Raises
    ------
    ValueError
        If a variance is not a finite number > 0 or the mean is not finite.

    Notes
    -----
    Features are [1, y, ||y||^2] with y = x - origin, p = d + 2; theta is the cluster's mean, q = d.
    The origin is the prior mean, or what ``measured_from`` makes it.
    Implements: DP-0099, DP-0098, DP-0103.

    References
    ----------
    Murphy, K. P. (2007). Conjugate Bayesian analysis of the Gaussian distribution.

    Examples
    --------
    >>> import numpy as np
    >>> from dpnotes.components import Gaussian
    >>> family = Gaussian(0, 1, 0.25)
    >>> s = family.features([0.5, 1.0]).sum(axis=0)
    >>> s.tolist()
    [2.0, 1.5, 1.25]
    >>> float(family.log_marginal(s).round(4))
    -2.0502
    """

    common = 1

    def __init__(self, mean: ArrayLike, var: float, noise_var: float) -> None:
        super().__init__(mean)
        self.var = _scale("var", var)
        self.noise_var = _scale("noise_var", noise_var)
        self.n_parameters = self.dim
        self.n_features = self.dim + 2

    def _products(self, a: Floats, b: Floats) -> Floats:
        return (a * b).sum(axis=-1, keepdims=True)

    @property
    def _noise(self) -> float:
        return self.noise_var

    def _posterior(self, s: Floats) -> tuple[Floats, Floats]:
        """Return mean (relative to the origin) and variance of theta given s."""
        n, t = s[..., 0], s[..., 1:-1]
        # In a unit in which the larger variance is 1, no product is out of range.
        unit = max(self.var, self.noise_var)
        var, noise_var = self.var / unit, max(self.noise_var / unit, TINY)
        total = noise_var + n * var
        mean = (noise_var * self._prior_mean + var * t) / total[..., None]
        return mean, np.where(n > 0, min(self.var, self.noise_var) / total, self.var)

    def log_marginal(self, s: ArrayLike) -> Floats:
        """Return the log marginal likelihood of data with statistics s, shape (...)."""
        s = self._statistics(s)
        n, t, q = s[..., 0], s[..., 1:-1], s[..., -1]
        _, v = self._posterior(s)
        # The square of the data is that about their mean, and that of the mean.
        means = self._means(n[..., None], t)
        spread = np.maximum(q - (means * t).sum(axis=-1), 0)
        with np.errstate(divide="ignore", over="ignore", under="ignore"):
            away = (means - self._prior_mean) / np.sqrt(self.noise_var / n + self.var)[..., None]
            fit = spread / self.noise_var + (away * away).sum(axis=-1)
            lost = EPS * np.abs(q) / self.noise_var
        const = n * (LOG_2PI + np.log(self.noise_var)) + np.log(self.var) - np.log(v)
        value = -0.5 * (self.dim * const + fit)
        self._check_digits(lost, value)
        return value

    def log_predictive(self, x: ArrayLike, s: ArrayLike) -> Floats:
        """Return the log density of each x (n, d) given statistics s (K, p): shape (n, K)."""
        m, v = self._posterior(self._rows(s))
        root = np.sqrt(v + self.noise_var)
        with np.errstate(over="ignore"):
            square = sum((away / root) ** 2 for away in self._away(x, m))
        return -0.5 * (self.dim * (LOG_2PI + 2 * np.log(root)) + square)

    def sample(self, s: ArrayLike, rng: RNGLike = None) -> Floats:
        """Draw theta given each row of s: shape (K, d)."""
        rng = check.rng("rng", rng)
        m, v = self._posterior(self._rows(s))
        return self.origin + m + np.sqrt(v)[:, None] * rng.standard_normal(m.shape)

    def sample_data(self, theta: ArrayLike, rng: RNGLike = None) -> Floats:
        """Draw one observation from F(theta) for each row of theta: shape (n, d)."""
        rng = check.rng("rng", rng)
        theta = self._parameters(theta)
        return theta + np.sqrt(self.noise_var) * rng.standard_normal(theta.shape)

    def _quadratic(self, theta: ArrayLike) -> tuple[Floats, Floats, Floats]:
        m = self._parameters(theta) - self.origin
        return self._with_variance(np.zeros(len(m)), m)

    def _expected(self, s: Floats) -> tuple[Floats, Floats, Floats]:
        m, v = self._posterior(s)
        return self._with_variance(v, m)

    def _with_variance(self, v: Floats, m: Floats) -> tuple[Floats, Floats, Floats]:
        with np.errstate(over="ignore"):
            const = -0.5 * self.dim * (LOG_2PI + np.log(self.noise_var) + v / self.noise_var)
        return const, m, np.full(m.shape, np.sqrt(self.noise_var))

    def _forms(self, precisions: Floats) -> Floats:
        return precisions[:, :1]  # the sum of squares has one weight

    def log_prior(self, theta: ArrayLike) -> Floats:
        """Return the log density of H at each row of theta: shape (K,)."""
        with np.errstate(over="ignore"):
            z = (self._parameters(theta) - self.mean) / np.sqrt(self.var)
            return -0.5 * (self.dim * (LOG_2PI + np.log(self.var)) + (z * z).sum(axis=1))


class CorrelatedGaussian(_Gaussian):
    """Gaussian with a known covariance matrix, and a mean that spreads as its points do.

    mu ~ N(mean, cov / strength) and x | mu ~ N(mu, cov): clusters of one shape, orientation and
    size. Where cov is not known, :class:`dpnotes.hyper.BasePrior` with ``covariance="shared"``
    learns it, one matrix for all clusters.

    Parameters
    ----------
    mean : float or array_like of shape (d,)
        Prior mean of mu; its length is the dimension of the data.
    strength : float
        How many observations the prior mean is worth, > 0.
    cov : array_like of shape (d, d)
        Covariance matrix of an observation given mu, symmetric and positive definite.

    Raises
    ------
    ValueError
        If a parameter is out of range or the shapes do not match.

    Notes
    -----
    Features are [1, y, vec(y y^T)] with y = x - origin, p = 1 + d + d^2; theta is the cluster's
    mean, q = d. The origin is the prior mean, or what ``measured_from`` makes it.
    With cov = noise_var I it is :class:`Gaussian` with var = noise_var / strength.
    Implements: DP-0235, DP-0098.

    References
    ----------
    Murphy, K. P. (2007). Conjugate Bayesian analysis of the Gaussian distribution.

    Examples
    --------
    >>> from dpnotes.components import CorrelatedGaussian
    >>> family = CorrelatedGaussian(mean=[0, 0], strength=1, cov=[[1, 0.5], [0.5, 1]])
    >>> s = family.features([[0.5, 1.0], [0.0, -1.0]]).sum(axis=0)
    >>> float(family.log_marginal(s).round(4))
    -5.5978
    """

    def __init__(self, mean: ArrayLike, strength: float, cov: ArrayLike) -> None:
        super().__init__(mean)
        d = self.dim
        self.strength = _scale("strength", strength)
        self.cov = _matrix("cov", cov, d)
        self.n_features, self.n_parameters, self.common = 1 + d + d * d, d, d * d

    def rebased(self, mean: Floats, strength: float, scale: Floats) -> Self:
        """Return the family with this mean (d,), strength and cov = scale (d, d), unchecked."""
        family = copy.copy(self)
        family.mean, family.strength, family.cov = mean, strength, scale
        family.origin = mean
        vars(family).pop("_root", None)
        return family

    @cached_property
    def _root(self) -> Any:
        """The lower Cholesky factor of cov."""
        return cholesky(self.cov)

    @property
    def _noise(self) -> float:
        return float(np.linalg.eigvalsh(self.cov)[0])

    def _products(self, a: Floats, b: Floats) -> Floats:
        return _outer(a, b)

    def _write_squares(self, y: Floats, squares: Floats) -> None:
        _write_outer(y, squares)

    def _posterior(self, s: Floats) -> tuple[Floats, Floats]:
        """Return mean (relative to the origin) and strength given s."""
        n, t = s[..., :1], s[..., 1 : 1 + self.dim]
        strength = self.strength + n
        return self.strength / strength * self._prior_mean + t / strength, strength[..., 0]

    def _roots(self, K: int) -> Floats:
        return np.broadcast_to(self._root, (K, self.dim, self.dim))

    def log_marginal(self, s: ArrayLike) -> Floats:
        """Return the log marginal likelihood of data with statistics s, shape (...)."""
        s, d = self._statistics(s), self.dim
        n, t, outer = s[..., 0], s[..., 1 : 1 + d], s[..., 1 + d :]
        means, precision = self._means(n[..., None], t), _precisions(self._root[None])[0]
        # The square of the data is that about their mean, and that of the mean.
        within = outer - _outer(means, t)
        with np.errstate(over="ignore", divide="ignore", under="ignore"):
            spread = np.maximum((within * precision.ravel()).sum(axis=-1), 0)
            away = np.linalg.solve(self._root, (means - self._prior_mean)[..., None])[..., 0]
            away = away / np.sqrt(1 / n + 1 / self.strength)[..., None]
            fit = spread + (away * away).sum(axis=-1)
            lost = EPS * (np.abs(outer) * np.abs(precision).ravel()).sum(axis=-1)
        const = n * (d * LOG_2PI + 2 * _log_diagonal(self._root))
        value = -0.5 * (const + d * log1p_ratio(n, self.strength) + fit)
        self._check_digits(lost, value)
        return value

    def log_predictive(self, x: ArrayLike, s: ArrayLike) -> Floats:
        """Return the log density of each x (n, d) given statistics s (K, p): shape (n, K)."""
        m, strength = self._posterior(self._rows(s))
        more = np.log1p(1 / strength)
        away = np.array(self._away(x, m)).transpose(2, 0, 1)  # (K, d, n)
        with np.errstate(over="ignore"):
            turned = np.linalg.solve(self._root, away) * np.exp(-0.5 * more)[:, None, None]
            square = (turned * turned).sum(axis=1).T
        return -0.5 * (self.dim * (LOG_2PI + more) + 2 * _log_diagonal(self._root) + square)

    def sample(self, s: ArrayLike, rng: RNGLike = None) -> Floats:
        """Draw theta given each row of s: shape (K, d)."""
        rng = check.rng("rng", rng)
        m, strength = self._posterior(self._rows(s))
        noise = rng.standard_normal(m.shape) @ self._root.T
        with np.errstate(over="ignore"):
            away = np.clip(noise / np.sqrt(strength)[:, None], -LARGEST, LARGEST)
        return self.origin + m + away

    def sample_data(self, theta: ArrayLike, rng: RNGLike = None) -> Floats:
        """Draw one observation from F(theta) for each row of theta: shape (n, d)."""
        rng = check.rng("rng", rng)
        theta = self._parameters(theta)
        return theta + rng.standard_normal(theta.shape) @ self._root.T

    def _quadratic(self, theta: ArrayLike) -> tuple[Floats, Floats, Floats]:
        m = self._parameters(theta) - self.origin
        return self._about_means(np.zeros(len(m)), m)

    def _expected(self, s: Floats) -> tuple[Floats, Floats, Floats]:
        m, strength = self._posterior(s)
        return self._about_means(1 / strength, m)

    def _about_means(self, share: Floats, m: Floats) -> tuple[Floats, Floats, Floats]:
        """Return a quadratic given the variance of the mean as a share of cov."""
        const = -0.5 * self.dim * (LOG_2PI + share) - _log_diagonal(self._root)
        return const, m, self._roots(len(m))

    def log_prior(self, theta: ArrayLike) -> Floats:
        """Return the log density of H at each row of theta: shape (K,)."""
        away = self._parameters(theta) - self.mean
        with np.errstate(over="ignore"):
            turned = np.sqrt(self.strength) * np.linalg.solve(self._root, away.T)
            square = (turned * turned).sum(axis=0)
        const = self.dim * (LOG_2PI - np.log(self.strength)) + 2 * _log_diagonal(self._root)
        return -0.5 * (const + square)


class _Variances(_Gaussian):
    """Gaussian coordinates of unknown means and variances, a variance for each or one for all.

    A variance is that of ``_each`` coordinates: of one, or of all d. What is known of variances is
    an array with one or d of them at its end.
    """

    strength: Any
    shape: Any
    rate: Any
    _each: int

    def _spread(self, s: Floats) -> tuple[Floats, Floats, Floats, Floats]:
        """Return mean, strength and shape given s, and twice what s adds to the rate."""
        n, t, q = s[..., :1], s[..., 1 : 1 + self.dim], s[..., 1 + self.dim :]
        strength, prior_mean = self.strength + n, self._prior_mean
        share = self.strength / strength
        means = self._means(n, t)
        with np.errstate(over="ignore"):
            # Squares about the mean of the points, >= 0 save for rounding, and that of the mean.
            away = means - prior_mean
            spread = np.maximum(q - self._products(t, means), 0)
            spread = spread + share * n * self._products(away, away)
        if np.isinf(spread).any():
            self._refuse("s", s, "sums of squares within range of floats; change the unit")
        mean = share * prior_mean + t / strength
        return mean, strength, self.shape + self._each * n / 2, spread

    def _posterior(self, s: Floats) -> tuple[Floats, Floats, Floats, Floats]:
        """Return mean (relative to the origin), strength, shape and rate given s."""
        mean, strength, shape, spread = self._spread(s)
        return mean, strength, shape, self.rate + spread / 2

    def log_marginal(self, s: ArrayLike) -> Floats:
        """Return the log marginal likelihood of data with statistics s, shape (...)."""
        s = self._statistics(s)
        n, q = s[..., :1], s[..., 1 + self.dim :]
        _, _, shape, spread = self._spread(s)
        rate = self.rate + spread / 2
        value: Floats = (
            log_rising(self.shape, self._each * n / 2)
            - self.shape * log1p_ratio(spread / 2, self.rate)
            - 0.5 * self._each * log1p_ratio(n, self.strength)
            - 0.5 * self._each * n * (LOG_2PI + np.log(rate))
        ).sum(axis=-1)
        with np.errstate(over="ignore"):
            lost = (0.5 * EPS * np.abs(q) / rate * shape).sum(axis=-1)
        self._check_digits(lost, value)
        return value

    def _distances(self, x: ArrayLike, m: Floats) -> list[Floats]:
        """Return how far x - origin is from m for each variance: arrays of shape (n, K)."""
        raise NotImplementedError

    def log_predictive(self, x: ArrayLike, s: ArrayLike) -> Floats:
        """Return the log density of each x (n, d) given statistics s (K, p): shape (n, K)."""
        mean, strength, shape, rate = self._posterior(self._rows(s))
        # The log of the scale times the root of the degrees of freedom.
        log_width = 0.5 * (np.log(2) + np.log(rate) + np.log(strength + 1) - np.log(strength))
        half = self._each / 2
        const = log_rising(shape, half) - half * np.log(np.pi) - self._each * log_width
        return sum(
            const[:, j] - (shape[:, j] + half) * _log1p_square(away, log_width[:, j])
            for j, away in enumerate(self._distances(x, mean))
        )

    def sample(self, s: ArrayLike, rng: RNGLike = None) -> Floats:
        """Draw theta = (mu, sigma^2) given each row of s: shape (K, q)."""
        rng = check.rng("rng", rng)
        mean, strength, shape, rate = self._posterior(self._rows(s))
        with np.errstate(over="ignore", divide="ignore"):
            var = _drawn(rate / rng.standard_gamma(shape))
            noise_var = _drawn(var / strength)
        mu = self.origin + mean + np.sqrt(noise_var) * rng.standard_normal(mean.shape)
        return np.column_stack([mu, var])

    def sample_data(self, theta: ArrayLike, rng: RNGLike = None) -> Floats:
        """Draw one observation from F(theta) for each row of theta: shape (n, d)."""
        rng = check.rng("rng", rng)
        mu, var = self._split(theta)
        return mu + np.sqrt(var) * rng.standard_normal(mu.shape)

    def _split(self, theta: ArrayLike) -> tuple[Floats, Floats]:
        mu, var = np.split(self._parameters(theta), [self.dim], axis=1)
        if not (var >= TINY).all():
            check.fail("theta", theta, "rows (mu, sigma^2) with variances > 0")
        return mu, var

    def _quadratic(self, theta: ArrayLike) -> tuple[Floats, Floats, Floats]:
        mu, var = self._split(theta)
        const = -0.5 * self._each * (LOG_2PI + np.log(var)).sum(axis=1)
        return const, mu - self.origin, np.broadcast_to(np.sqrt(var), mu.shape)

    def _expected(self, s: Floats) -> tuple[Floats, Floats, Floats]:
        from scipy.special import digamma

        mean, strength, shape, rate = self._posterior(s)
        const = LOG_2PI + 1 / strength + np.log(rate) - digamma(shape)
        root = np.broadcast_to(np.sqrt(rate / shape), mean.shape)
        return -0.5 * self._each * const.sum(axis=1), mean, root

    def log_likelihood(self, x: ArrayLike, theta: ArrayLike) -> Floats:
        """Return log f(x_i | theta_k), shape (n, K), for x (n, d) and theta (K, q).

        -inf where a variance is not > 0, as ``log_prior``: a walk may propose one.
        """
        theta = self._parameters(theta)
        inside = (theta[:, self.dim :] > 0).all(axis=1)
        result = np.full((len(check.data("x", x)), len(theta)), -np.inf)
        result[:, inside] = super().log_likelihood(x, theta[inside])
        return result

    def log_prior(self, theta: ArrayLike) -> Floats:
        """Return the log density of H at each row of theta: shape (K,)."""
        from scipy.special import gammaln

        theta = self._parameters(theta)
        inside = (theta[:, self.dim :] > 0).all(axis=1)
        mu, var = np.split(theta[inside], [self.dim], axis=1)
        with np.errstate(over="ignore"):
            square = self.strength * ((mu - self.mean) / np.sqrt(var)) ** 2
            normal = -0.5 * (LOG_2PI + np.log(var) - np.log(self.strength) + square)
            gamma = self.shape * np.log(self.rate) - gammaln(self.shape)
            gamma = gamma - (self.shape + 1) * np.log(var) - self.rate / var
        result = np.full(len(theta), -np.inf)
        result[inside] = normal.sum(axis=1) + gamma.sum(axis=1)
        return result


class NormalInverseGamma(_Variances):
    """Independent Gaussian coordinates whose means and variances are both unknown.

    For each coordinate j: sigma_j^2 ~ InvGamma(shape, rate), mu_j | sigma_j^2 ~
    N(mean_j, sigma_j^2 / strength), and x_j | mu_j, sigma_j^2 ~ N(mu_j, sigma_j^2).

    Parameters
    ----------
    mean : float or array_like of shape (d,)
        Prior mean of mu; its length is the dimension of the data.
    strength : float or array_like of shape (d,)
        How many observations the prior mean is worth, > 0.
    shape, rate : float or array_like of shape (d,)
        Parameters of the inverse gamma law, > 0; the rate has the units of x squared.

    Raises
    ------
    ValueError
        If a parameter is out of range or the shapes do not match.

    Notes
    -----
    Features are [1, y, y**2] with y = x - origin, p = 1 + 2d; theta = (mu, sigma^2), q = 2d.
    The origin is the prior mean, or what ``measured_from`` makes it.
    Implements: DP-0100, DP-0098, DP-0103.

    References
    ----------
    Murphy, K. P. (2007). Conjugate Bayesian analysis of the Gaussian distribution.

    Examples
    --------
    >>> from dpnotes.components import NormalInverseGamma
    >>> family = NormalInverseGamma(mean=0, strength=1, shape=2, rate=1)
    >>> s = family.features([0.5, 1.0]).sum(axis=0)
    >>> float(family.log_marginal(s).round(4))
    -2.3635
    """

    _each = 1

    def __init__(
        self, mean: ArrayLike, strength: ArrayLike, shape: ArrayLike, rate: ArrayLike
    ) -> None:
        super().__init__(mean)
        self.strength = self._positives("strength", strength)
        self.shape = self._positives("shape", shape)
        self.rate = self._positives("rate", rate)
        self.n_features, self.n_parameters = 1 + 2 * self.dim, 2 * self.dim

    def rebased(self, mean: Floats, strength: float, scale: Floats) -> Self:
        """Return the family with these mean (d,), strength and rates diag(scale) / 2, unchecked.

        In one dimension it is the normal-inverse-Wishart family with this scale and dof twice the
        shape.
        """
        family = copy.copy(self)
        family.mean, family.rate = mean, np.diagonal(scale) / 2
        family.strength = np.full(self.dim, strength)
        family.origin = mean
        return family

    def _positives(self, name: str, value: ArrayLike) -> Floats:
        result = _scales(name, value)
        if result.min() <= 0 or result.shape not in [(), (1,), (self.dim,)]:
            check.fail(name, value, f"a number > 0 or {self.dim} of them")
        return np.full(self.dim, result)

    def _products(self, a: Floats, b: Floats) -> Floats:
        return a * b

    def _write_squares(self, y: Floats, squares: Floats) -> None:
        np.multiply(y, y, out=squares)

    @property
    def _noise(self) -> float:
        return float(self.rate.min())

    def _distances(self, x: ArrayLike, m: Floats) -> list[Floats]:
        return self._away(x, m)


class SphericalNormalInverseGamma(_Variances):
    """Gaussian whose mean and one variance, that of all coordinates, are both unknown.

    sigma^2 ~ InvGamma(shape, rate), mu | sigma^2 ~ N(mean, sigma^2 I / strength), and
    x | mu, sigma^2 ~ N(mu, sigma^2 I): clusters are balls, each of a size of its own.

    Parameters
    ----------
    mean : float or array_like of shape (d,)
        Prior mean of mu; its length is the dimension of the data.
    strength : float
        How many observations the prior mean is worth, > 0.
    shape, rate : float
        Parameters of the inverse gamma law, > 0; the rate has the units of x squared.

    Raises
    ------
    ValueError
        If a parameter is out of range.

    Notes
    -----
    Features are [1, y, ||y||^2] with y = x - origin, p = d + 2; theta = (mu, sigma^2), q = d + 1.
    The origin is the prior mean, or what ``measured_from`` makes it. In one dimension it is
    :class:`NormalInverseGamma`.
    Implements: DP-0234, DP-0098, DP-0103.

    References
    ----------
    Fraley, C. and Raftery, A. E. (2007). Journal of Classification 24, 155-181.

    Examples
    --------
    >>> from dpnotes.components import SphericalNormalInverseGamma
    >>> family = SphericalNormalInverseGamma(mean=[0, 0], strength=1, shape=2, rate=1)
    >>> s = family.features([[0.5, 1.0], [0.0, -1.0]]).sum(axis=0)
    >>> s.tolist()
    [2.0, 0.5, 0.0, 2.25]
    >>> float(family.log_marginal(s).round(4))
    -5.9185
    """

    def __init__(self, mean: ArrayLike, strength: float, shape: float, rate: float) -> None:
        super().__init__(mean)
        self.strength = _scale("strength", strength)
        self.shape = _scale("shape", shape)
        self.rate = _scale("rate", rate)
        self.n_features, self.n_parameters, self._each = self.dim + 2, self.dim + 1, self.dim

    def rebased(self, mean: Floats, strength: float, scale: Floats) -> Self:
        """Return the family with these mean (d,) and strength, unchecked; scale is 2 rate I."""
        family = copy.copy(self)
        family.mean, family.strength, family.rate = mean, strength, float(scale[0, 0]) / 2
        family.origin = mean
        return family

    def _products(self, a: Floats, b: Floats) -> Floats:
        return (a * b).sum(axis=-1, keepdims=True)

    def _forms(self, precisions: Floats) -> Floats:
        return precisions[:, :1]  # the sum of squares has one weight

    @property
    def _noise(self) -> float:
        return float(self.rate)

    def _distances(self, x: ArrayLike, m: Floats) -> list[Floats]:
        return [reduce(np.hypot, self._away(x, m))]


class NormalInverseWishart(_Gaussian):
    """Multivariate Gaussian whose mean and covariance are both unknown.

    Sigma ~ InvWishart(dof, scale), mu | Sigma ~ N(mean, Sigma / strength), and
    x | mu, Sigma ~ N(mu, Sigma).

    Parameters
    ----------
    mean : float or array_like of shape (d,)
        Prior mean of mu; its length is the dimension of the data.
    strength : float
        How many observations the prior mean is worth, > 0.
    dof : float
        Degrees of freedom of the inverse Wishart law, > d - 1.
    scale : array_like of shape (d, d)
        Its scale matrix, symmetric and positive definite; E Sigma = scale / (dof - d - 1)
        when dof > d + 1.

    Raises
    ------
    ValueError
        If a parameter is out of range or the shapes do not match.

    Notes
    -----
    Features are [1, y, vec(y y^T)] with y = x - origin, p = 1 + d + d^2; theta = (mu, vec Sigma),
    q = d + d^2. The origin is the prior mean, or what ``measured_from`` makes it.
    Implements: DP-0102, DP-0101, DP-0098, DP-0103.

    References
    ----------
    Murphy, K. P. (2007). Conjugate Bayesian analysis of the Gaussian distribution.

    Examples
    --------
    >>> import numpy as np
    >>> from dpnotes.components import NormalInverseWishart
    >>> family = NormalInverseWishart(mean=[0, 0], strength=1, dof=4, scale=np.eye(2))
    >>> s = family.features([[0.5, 1.0], [0.0, -1.0]]).sum(axis=0)
    >>> float(family.log_marginal(s).round(4))
    -5.8254
    """

    _walks = False

    def __init__(self, mean: ArrayLike, strength: float, dof: float, scale: ArrayLike) -> None:
        super().__init__(mean)
        d = self.dim
        self.strength = _scale("strength", strength)
        self.dof = _scale("dof", dof)
        if self.dof <= d - 1:
            check.fail("dof", dof, f"a finite number > d - 1 = {d - 1}")
        self.scale = _matrix("scale", scale, d)
        self.n_features, self.n_parameters = 1 + d + d * d, d + d * d
        self._between = np.zeros((0, 0, d))  # see _joined

    @property
    def _reach(self) -> float:
        """How far from the origin a point may lie.

        The square of one farther out, rounded, hides the least direction of the scale, and leaves
        a matrix that is no longer positive definite.
        """
        return float(np.sqrt(self._least / (10 * self.dim * EPS)))

    @property
    def _noise(self) -> float:
        return self._least

    @cached_property
    def _least(self) -> float:
        """The least eigenvalue of the scale."""
        return float(np.linalg.eigvalsh(self.scale)[0])

    def rebased(self, mean: Floats, strength: float, scale: Floats) -> Self:
        """Return the family with these mean (d,), strength and scale (d, d) of H, unchecked."""
        family = copy.copy(self)
        family.mean, family.strength, family.scale = mean, strength, scale
        family.origin = mean
        vars(family).pop("_least", None)
        return family

    def _margin(self, seen: NDArray[np.bool_]) -> "NormalInverseWishart":
        """Return the family of some coordinates: of k fewer, with k degrees fewer."""
        if seen.all():
            return self
        dof = self.dof - int((~seen).sum())
        scale = self.scale[np.ix_(seen, seen)]
        return NormalInverseWishart(self.mean[seen], self.strength, dof, scale)

    def _margin_of(self, theta: Floats, seen: NDArray[np.bool_]) -> Floats:
        """Return the parameters (K, d + d^2) of some coordinates."""
        mu, cov = theta[:, : self.dim], theta[:, self.dim :].reshape(-1, self.dim, self.dim)
        return np.column_stack([mu[:, seen], cov[:, seen][:, :, seen].reshape(len(theta), -1)])

    def _products(self, a: Floats, b: Floats) -> Floats:
        return _outer(a, b)

    def _write_squares(self, y: Floats, squares: Floats) -> None:
        _write_outer(y, squares)

    def _joined(self, means: Floats, s: Floats, between: Floats) -> tuple[Self, Floats]:
        family = self._about(means)
        family._between = between
        return family, s

    def _check_squares(self, y: Floats) -> None:
        reach = self._reach
        if not max(y.max(), -y.min()) <= reach:
            shown = f"points {np.abs(y).max():.3g} apart"
            expected = f"points within {reach:.3g} of each other; beyond, their squares "
            check.refuse("x", shown, expected + "round the prior scale away")

    def _posterior(self, s: Floats) -> tuple[Floats, Floats, Floats, Floats]:
        """Return mean (relative to the origin), strength, dof and lower root of the scale given s.

        The scale is root root^T.
        """
        d = self.dim
        n, t, outer = s[..., 0], s[..., 1 : 1 + d], s[..., 1 + d :]
        strength = self.strength + n
        share = (self.strength / strength)[..., None]
        means = self._means(n[..., None], t)
        within = self.scale + outer.reshape(*n.shape, d, d) - means[..., :, None] * t[..., None, :]
        within = 0.5 * (within + np.swapaxes(within, -1, -2))  # Cholesky reads one half alone
        # What the distance of the points from the prior mean adds is of rank one.
        away = np.sqrt(share * n[..., None]) * (means - self._prior_mean)
        mean = share * self._prior_mean + t / strength[..., None]
        return mean, strength, self.dof + n, self._root(within, away)

    def _root(self, within: Floats, away: Floats) -> Any:
        """Return the lower Cholesky factor of within + away away^T."""
        far = np.abs(away).max(initial=0.0) > FAR * np.sqrt(self._least)
        try:
            root = cholesky(within if far else within + away[..., None] * away[..., None, :])
        except np.linalg.LinAlgError:
            self._lost()
        for part in self._between.swapaxes(0, 1):
            if part.any():
                root = _updated(root, part)
        return _updated(root, away) if far else root

    def log_marginal(self, s: ArrayLike) -> Floats:
        """Return the log marginal likelihood of data with statistics s, shape (...)."""
        s, d = self._statistics(s), self.dim
        n = s[..., 0]
        _, _, dof, root = self._posterior(s)
        half_logdet, before = _log_diagonal(root), _log_diagonal(cholesky(self.scale))
        halves = (self.dof - np.arange(d)) / 2
        value = log_rising(halves, n[..., None] / 2).sum(axis=-1)
        value = value - self.dof * (half_logdet - before) - n * half_logdet
        value = value - 0.5 * d * (log1p_ratio(n, self.strength) + np.log(np.pi) * n)
        # The least pivot stands for the direction in which the points are closest together.
        least = np.diagonal(root, axis1=-2, axis2=-1).min(axis=-1) ** 2
        with np.errstate(over="ignore"):
            lost = 0.5 * EPS * np.abs(s[..., 1 + d :]).max(axis=-1) / least * dof
        self._check_digits(lost, value)
        return value

    def log_predictive(self, x: ArrayLike, s: ArrayLike) -> Floats:
        """Return the log density of each x (n, d) given statistics s (K, p): shape (n, K)."""
        mean, strength, dof, root = self._posterior(self._rows(s))
        more = 0.5 * (np.log(strength + 1) - np.log(strength))
        away = np.array(self._away(x, mean)).transpose(2, 0, 1)  # (K, d, n)
        unit = np.maximum(np.abs(away).max(axis=1), TINY)
        z = np.linalg.solve(root, away / unit[:, None])
        with np.errstate(divide="ignore"):
            log_norm = 0.5 * np.log((z * z).sum(axis=1)) + np.log(unit)
        const = log_rising((dof - (self.dim - 1)) / 2, self.dim / 2)
        const = const - self.dim * (0.5 * np.log(np.pi) + more) - _log_diagonal(root)
        return const - 0.5 * (dof + 1) * np.logaddexp(0, 2 * (log_norm.T - more))

    def sample(self, s: ArrayLike, rng: RNGLike = None) -> Floats:
        """Draw theta = (mu, vec Sigma) given each row of s: shape (K, d + d^2)."""
        rng = check.rng("rng", rng)
        mean, strength, dof, scale_root = self._posterior(self._rows(s))
        K, d = mean.shape
        # Bartlett: Sigma^-1 = L^-T A A^T L^-1 with scale = L L^T, A lower triangular.
        A = np.tril(rng.standard_normal((K, d, d)), -1)
        pivots = np.sqrt(np.maximum(rng.chisquare(dof[:, None] - np.arange(d)), TINY))
        A[:, range(d), range(d)] = pivots
        root = np.linalg.solve(A, scale_root.transpose(0, 2, 1))
        root = root.transpose(0, 2, 1)  # Sigma = root root^T
        noise = (root @ rng.standard_normal((K, d, 1)))[:, :, 0]
        with np.errstate(over="ignore"):
            away = np.clip(noise / np.sqrt(strength)[:, None], -LARGEST, LARGEST)
            cov = root @ root.transpose(0, 2, 1)
        mu = self.origin + mean + away
        if d == 1:
            cov = _drawn(cov)
        elif min(map(_narrow, (pivots, np.diagonal(scale_root, axis1=1, axis2=2)))) < NARROW:
            self._check_draws(cov, _log_diagonal(scale_root) - np.log(pivots).sum(axis=1), pivots)
        return np.column_stack([mu, cov.reshape(K, d * d)])

    def _check_draws(self, cov: Floats, half_logdet: Floats, pivots: Floats) -> None:
        """Refuse a law of matrices so long and narrow that floats do not hold them."""
        try:
            off = _log_diagonal(cholesky(cov)) - half_logdet
            if np.isfinite(cov).all() and (np.abs(off) < 0.5).all():
                return
        except np.linalg.LinAlgError:
            pass
        if _narrow(pivots) >= NARROW:
            self._lost()
        expected = f"more above d - 1 = {self.dim - 1}, for matrices that floats hold"
        check.refuse("dof", f"{self.dof}", expected)

    def _split(self, theta: ArrayLike) -> tuple[Floats, Floats]:
        theta = self._parameters(theta)
        return theta[:, : self.dim], theta[:, self.dim :].reshape(-1, self.dim, self.dim)

    def _rooted(self, theta: ArrayLike) -> tuple[Floats, Any]:
        """Return means and the lower Cholesky factors of covariance matrices."""
        mu, cov = self._split(theta)
        try:
            return mu, cholesky(cov)
        except np.linalg.LinAlgError:
            check.fail("theta", theta, "rows (mu, vec Sigma) with positive definite matrices Sigma")

    def sample_data(self, theta: ArrayLike, rng: RNGLike = None) -> Floats:
        """Draw one observation from F(theta) for each row of theta: shape (n, d)."""
        rng = check.rng("rng", rng)
        mu, root = self._rooted(theta)
        return mu + (root @ rng.standard_normal((*mu.shape, 1)))[:, :, 0]

    def _quadratic(self, theta: ArrayLike) -> tuple[Floats, Floats, Floats]:
        mu, root = self._rooted(theta)
        const = -0.5 * self.dim * LOG_2PI - _log_diagonal(root)
        return const, mu - self.origin, root

    def _expected(self, s: Floats) -> tuple[Floats, Floats, Floats]:
        from scipy.special import digamma

        mean, strength, dof, root = self._posterior(s)
        const = self.dim * (LOG_2PI - np.log(2) + 1 / strength) + 2 * _log_diagonal(root)
        const = const - digamma((dof[:, None] - np.arange(self.dim)) / 2).sum(axis=1)
        return -0.5 * const, mean, root / np.sqrt(dof)[:, None, None]

    def _check_rounding(self, s: Floats) -> None:
        """Refuse clusters that a far prior mean makes so long that rounding hides their width."""
        if np.abs(self._prior_mean).max() > FAR * np.sqrt(self._least):
            _, m, root = self._expected(s)
            steepest = _steepest(root)
            lost = EPS * s[:, 0] * steepest * np.abs(m).max(axis=1)
            self._check_digits(lost, self.log_marginal(s))

    def log_prior(self, theta: ArrayLike) -> Floats:
        """Return the log density of H at each row of theta: shape (K,)."""
        from scipy.special import multigammaln

        mu, root = self._rooted(theta)
        d, before = self.dim, cholesky(self.scale)
        square = _squares(self.mean[None], mu, root)[0]
        with np.errstate(over="ignore"):
            trace = (np.linalg.solve(root, before) ** 2).sum(axis=(1, 2))
        norm = multigammaln(self.dof / 2, d) - self.dof * _log_diagonal(before)
        norm = norm + 0.5 * d * (LOG_2PI - np.log(self.strength) + self.dof * np.log(2))
        away = (self.dof + d + 2) * _log_diagonal(root)
        with np.errstate(over="ignore"):
            return -norm - away - 0.5 * (trace + self.strength * square)


def _narrow(pivots: Floats) -> float:
    """Return the least of pivots (K, d) over the largest of the same row."""
    return float((pivots.min(axis=1) / pivots.max(axis=1)).min(initial=1.0))


def _log_diagonal(root: NDArray[Any]) -> Floats:
    """Return half the log determinants of root root^T."""
    return np.log(np.diagonal(root, axis1=-2, axis2=-1)).sum(axis=-1)


def _updated(root: Any, v: Floats) -> Any:
    """Return the lower Cholesky factors of root root^T + v v^T, without large squares."""
    root, v = root.copy(), v.copy()
    for j in range(v.shape[-1]):
        pivot = root[..., j, j].copy()
        new = np.hypot(pivot, v[..., j])
        cosine, sine = (pivot / new)[..., None], (v[..., j] / new)[..., None]
        below, rest = root[..., j:, j].copy(), v[..., j:].copy()
        root[..., j:, j] = cosine * below + sine * rest
        v[..., j:] = cosine * rest - sine * below
    return root
