"""Columns of counts, of yes and no, and of waiting times: independent within a cluster."""

import copy
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .. import _validate as check
from .._numbers import (
    digamma_excess,
    digamma_step,
    factorial_excess,
    log1p_ratio,
    log_poisson,
    log_poisson_power,
    log_polya,
    log_ratio,
    log_rising,
    shortfall,
    stirling_excess,
    sums_by_cluster,
)
from .._types import Floats, RNGLike
from .family import OfCells, check_cells
from .gaussian import EPS, LARGEST, SMALLEST, LostDigits, _scales

MOST_DRAWN = 1e15  # mean of a Poisson law beyond which a Gaussian one is rounded
LARGE = 1e8  # log densities whose differences have seven digits behind the point
# Nats, or the share of more than one, that rounding may take from an answer: to statistics that a
# caller made, and to those of clusters, which one origin of all may leave with few digits.
FEW, LOST = 1e-6, 1e-2
SLIGHTLY = 1e-6  # below zero a sum may be by rounding, in units of the prior


class _Columns(OfCells):
    """Each column has a law of one parameter; its prior has two, a and b.

    Features are [1, x], with further ones behind; theta is the parameter of each column.
    """

    _cell: str  # what a cell is to be
    _largest = LARGEST  # parameter
    _range = f"parameters > 0 and at most {LARGEST:g}"

    def __init__(self, a: ArrayLike, b: ArrayLike) -> None:
        pair = []
        for name, value in (("a", a), ("b", b)):
            array = _scales(name, value)
            if array.min() <= 0 or array.ndim > 1:
                check.fail(name, value, "a number > 0 or an array of them, one a column")
            pair.append(array)
        try:
            shape = np.broadcast_shapes((1,), *(array.shape for array in pair))
        except ValueError:
            check.fail("b", b, f"a number or {len(pair[0])} of them, as a")
        self.a, self.b = (np.full(shape, array) for array in pair)
        self.dim = self.n_parameters = shape[0]
        self.n_features = 1 + self.dim

    def _right(self, x: Floats) -> NDArray[np.bool_]:
        """Return which cells the law gives."""
        return (x >= 0) & np.equal(x, np.floor(x)) & (x <= LARGEST)

    def _check_cells(self, name: str, x: Floats, first: int = 0, column: int = 0) -> None:
        check_cells(name, x, self._right(x), self._cell, first, column)

    def features(self, x: ArrayLike) -> Floats:
        """Return the features of each row: shape (n, p)."""
        x = self._points(x)
        return np.column_stack([np.ones(len(x)), x])

    def _counted(self, s: ArrayLike) -> tuple[Floats, Floats]:
        """Return the number of points, shape (..., 1), and the sum of each column, (..., d)."""
        s = self._statistics(s)
        n, t = s[..., :1], s[..., 1 : 1 + self.dim]
        a, b = self._updated(n, t)
        if ((a < (1 - SLIGHTLY) * self.a) | (b < (1 - SLIGHTLY) * self.b)).any():
            check.fail("s", s, "sums of features of points that the family takes")
        return n, np.maximum(t, 0)

    def _posterior(self, s: ArrayLike) -> tuple[Floats, Floats]:
        """Return a and b given s, shape (K, d)."""
        return self._updated(*self._counted(self._rows(s)))

    def log_marginal(self, s: ArrayLike) -> Floats:
        """Return the log marginal likelihood of data with statistics s, shape (...)."""
        value: Floats = self._log_evidence(*self._counted(s)).sum(axis=-1)
        return value

    def log_predictive(self, x: ArrayLike, s: ArrayLike) -> Floats:
        """Return the log density of each x (n, d) given statistics s (K, p): shape (n, K)."""
        x, (a, b) = self._points(x), self._posterior(s)
        columns = (self._log_next(x[:, [j]], a[:, j], b[:, j]) for j in range(self.dim))
        return sum(columns, np.zeros((len(x), len(a))))

    def _inside(self, theta: Floats) -> NDArray[np.bool_]:
        """Return which rows are parameters."""
        return np.asarray(((theta > 0) & (theta <= self._largest)).all(axis=1))

    def _checked(self, theta: ArrayLike) -> Floats:
        theta = self._parameters(theta)
        if not self._inside(theta).all():
            check.fail("theta", theta, self._range)
        return np.clip(theta, SMALLEST, self._largest)

    def log_likelihood(self, x: ArrayLike, theta: ArrayLike) -> Floats:
        """Return log f(x_i | theta_k), shape (n, K), for x (n, d) and theta (K, q).

        -inf where theta is no parameter: a walk may propose one.
        """
        x, theta = self._points(x), self._parameters(theta)
        inside = self._inside(theta)
        result = np.full((len(x), len(theta)), -np.inf)
        theta = self._checked(theta[inside])
        columns = (self._log_density(x[:, [j]], theta[:, j]) for j in range(self.dim))
        result[:, inside] = sum(columns)
        return result

    def log_prior(self, theta: ArrayLike) -> Floats:
        """Return the log density of H at each row of theta: shape (K,)."""
        theta = self._parameters(theta)
        inside = self._inside(theta)
        result = np.full(len(theta), -np.inf)
        result[inside] = self._log_density_of_prior(self._checked(theta[inside])).sum(axis=1)
        return result

    def _updated(self, n: Floats, t: Floats) -> tuple[Floats, Floats]:
        """Return a and b of the posterior after n points with these sums."""
        to_a, to_b = self._added(n, t)
        return self.a + to_a, self.b + to_b

    def _added(self, n: Floats, t: Floats) -> tuple[Floats, Floats]:
        """Return what n points with these sums add to a and b."""
        return t, n

    def _log_evidence(self, n: Floats, t: Floats) -> Floats:
        """Return the log marginal likelihood of each column."""
        raise NotImplementedError

    def _log_next(self, x: Floats, a: Floats, b: Floats) -> Floats:
        """Return the log density of one more cell, x (n, 1), for a and b of shape (K,)."""
        raise NotImplementedError

    def _log_density(self, x: Floats, theta: Floats) -> Floats:
        """Return the log density of a cell, x (n, 1), for parameters (K,)."""
        raise NotImplementedError

    def _log_density_of_prior(self, theta: Floats) -> Floats:
        raise NotImplementedError


class _Rates(_Columns):
    """Columns with a rate each, whose prior is Gamma(a, b)."""

    def sample(self, s: ArrayLike, rng: RNGLike = None) -> Floats:
        """Draw the rates given each row of s: shape (K, d)."""
        rng = check.rng("rng", rng)
        a, b = self._rates_after(s)
        with np.errstate(over="ignore", under="ignore"):
            return np.clip(rng.standard_gamma(a) / b, SMALLEST, LARGEST)

    def _rates_after(self, s: ArrayLike) -> tuple[Floats, Floats]:
        """Return the shape and the rate of the posterior of each rate."""
        return self._posterior(s)

    def _log_density_of_prior(self, theta: Floats) -> Floats:
        far = np.log(theta) - np.log(self.a) + np.log(self.b)
        with np.errstate(over="ignore", under="ignore"):
            value = shortfall(self.a, self.b * theta - self.a, far)
        return value - stirling_excess(self.a) - np.log(theta)


class _Shares(_Columns):
    """Columns with a probability each, whose prior is Beta(a, b)."""

    _largest = 1 - EPS / 2
    _range = "probabilities > 0 and < 1"

    def _inside(self, theta: Floats) -> NDArray[np.bool_]:
        return np.asarray(((theta > 0) & (theta < 1)).all(axis=1))

    def _log_evidence(self, n: Floats, t: Floats) -> Floats:
        prior = np.stack([self.a, self.b], axis=-1)
        added = np.stack(np.broadcast_arrays(*self._added(n, t)), axis=-1)
        return log_polya(prior, np.maximum(added, 0))

    def sample(self, s: ArrayLike, rng: RNGLike = None) -> Floats:
        """Draw the probabilities given each row of s: shape (K, d)."""
        return np.clip(check.rng("rng", rng).beta(*self._posterior(s)), SMALLEST, self._largest)

    def _log_density_of_prior(self, theta: Floats) -> Floats:
        both, no = self.a + self.b, np.log1p(-theta)
        with np.errstate(under="ignore"):
            d = theta * self.b - (1 - theta) * self.a
        value = shortfall(self.a, d, np.log(theta) + log1p_ratio(self.b, self.a))
        value += shortfall(self.b, -d, no + log1p_ratio(self.a, self.b))
        excess = stirling_excess(self.a) + stirling_excess(self.b) - stirling_excess(both)
        return value - np.log(theta) - no - excess


class BernoulliBeta(_Shares):
    """Columns of 0 and 1, each with an unknown probability of 1.

    p_j ~ Beta(a_j, b_j) and x_j | p_j ~ Bernoulli(p_j), independent for each column j.

    Parameters
    ----------
    a, b : float or array_like of shape (d,)
        How many ones and how many zeros the prior of a column is worth, > 0. The length of either
        is the number of columns.

    Raises
    ------
    ValueError
        If a parameter is not > 0 or the shapes do not match.

    Notes
    -----
    Features are [1, x], p = 1 + d; theta is the probability of each column, q = d.

    Implements: DP-0228.

    Examples
    --------
    >>> from dpnotes.components import BernoulliBeta
    >>> family = BernoulliBeta(a=[1, 1], b=1)
    >>> s = family.features([[1, 0], [1, 1], [1, 0]]).sum(axis=0)
    >>> s.tolist()
    [3.0, 3.0, 1.0]
    >>> float(family.log_marginal(s).round(4))  # log of 1/4 and 1/12
    -3.8712
    """

    _cell = "0 or 1"

    def _right(self, x: Floats) -> NDArray[np.bool_]:
        return np.isin(x, (0, 1))

    def _added(self, n: Floats, t: Floats) -> tuple[Floats, Floats]:
        return t, n - t

    def _log_next(self, x: Floats, a: Floats, b: Floats) -> Floats:
        return -np.where(x == 1, log1p_ratio(b, a), log1p_ratio(a, b))

    def _log_density(self, x: Floats, theta: Floats) -> Floats:
        return np.where(x == 1, np.log(theta), np.log1p(-theta))

    def sample_data(self, theta: ArrayLike, rng: RNGLike = None) -> Floats:
        """Draw one observation from F(theta) for each row of theta: shape (n, d)."""
        theta = self._checked(theta)
        return (check.rng("rng", rng).random(theta.shape) < theta).astype(float)

    def natural(self, theta: ArrayLike) -> Floats:
        """Return w, shape (K, p), with log f(x | theta) = features(x) @ w.T."""
        theta = self._checked(theta)
        no = np.log1p(-theta)
        return np.column_stack([no.sum(axis=1), np.log(theta) - no])

    def expected_natural(self, s: ArrayLike) -> Floats:
        """Return the mean of ``natural(theta)`` under the posterior given s: shape (K, p)."""
        a, b = self._posterior(s)
        yes, no = -digamma_step(a, b), -digamma_step(b, a)
        return np.column_stack([no.sum(axis=1), yes - no])

    def _check_rounding(self, s: Floats) -> None:
        """Refuse a prior so weak that rounding of the sums hides it."""
        # Zeros are counted by a difference, and what it loses counts 1 / b times.
        if (EPS * s[:, :1] > LOST * np.minimum(*self._posterior(s))).any():
            raise LostDigits("s = sums whose rounding hides the prior: expected larger a and b")


class GeometricBeta(_Shares):
    """Columns of numbers of failures before a success, each with an unknown probability of success.

    p_j ~ Beta(a_j, b_j) and P(x_j | p_j) = p_j (1 - p_j)^x_j for x_j = 0, 1, 2, ..., independent
    for each column j.

    Parameters
    ----------
    a, b : float or array_like of shape (d,)
        How many successes and how many failures the prior of a column is worth, > 0. The length of
        either is the number of columns.

    Raises
    ------
    ValueError
        If a parameter is not > 0 or the shapes do not match.

    Notes
    -----
    Features are [1, x], p = 1 + d; theta is the probability of each column, q = d.

    Implements: DP-0228.

    Examples
    --------
    >>> from dpnotes.components import GeometricBeta
    >>> family = GeometricBeta(a=1, b=1)
    >>> s = family.features([0, 2]).sum(axis=0)
    >>> float(family.log_marginal(s).round(4))  # log of 1/30
    -3.4012
    """

    _cell = "a count: an integer >= 0"

    def _added(self, n: Floats, t: Floats) -> tuple[Floats, Floats]:
        return n, t

    def _log_next(self, x: Floats, a: Floats, b: Floats) -> Floats:
        prior = np.stack([a, b], axis=-1)
        return log_polya(prior, np.stack([np.ones_like(x), x], axis=-1))

    def _log_density(self, x: Floats, theta: Floats) -> Floats:
        return np.log(theta) + x * np.log1p(-theta)

    def sample_data(self, theta: ArrayLike, rng: RNGLike = None) -> Floats:
        """Draw one observation from F(theta) for each row of theta: shape (n, d)."""
        theta = self._checked(theta)
        waits = check.rng("rng", rng).standard_exponential(theta.shape)
        return np.minimum(np.floor(waits / -np.log1p(-theta)), LARGEST)

    def natural(self, theta: ArrayLike) -> Floats:
        """Return w, shape (K, p), with log f(x | theta) = features(x) @ w.T."""
        theta = self._checked(theta)
        return np.column_stack([np.log(theta).sum(axis=1), np.log1p(-theta)])

    def expected_natural(self, s: ArrayLike) -> Floats:
        """Return the mean of ``natural(theta)`` under the posterior given s: shape (K, p)."""
        a, b = self._posterior(s)
        return np.column_stack([-digamma_step(a, b).sum(axis=1), -digamma_step(b, a)])


class ExponentialGamma(_Rates):
    """Columns of waiting times, each with an unknown rate.

    theta_j ~ Gamma(a_j, b_j) and x_j | theta_j ~ Exponential(theta_j), independent for each
    column j.

    Parameters
    ----------
    a : float or array_like of shape (d,)
        How many waits the prior of a column is worth, > 0.
    b : float or array_like of shape (d,)
        Their sum, > 0, in the units of x. The length of either is the number of columns.

    Raises
    ------
    ValueError
        If a parameter is not > 0 or the shapes do not match.

    Notes
    -----
    Features are [1, x], p = 1 + d; theta is the rate of each column, q = d.

    Implements: DP-0228.

    Examples
    --------
    >>> from dpnotes.components import ExponentialGamma
    >>> family = ExponentialGamma(a=2, b=1)
    >>> s = family.features([0.5, 1.5]).sum(axis=0)
    >>> float(family.log_marginal(s).round(4))  # log of 2 * 3 / 3**4
    -2.6027
    """

    _cell = f"a number from 0 to {LARGEST:g}"

    def _right(self, x: Floats) -> NDArray[np.bool_]:
        return (x >= 0) & (x <= LARGEST)

    def _added(self, n: Floats, t: Floats) -> tuple[Floats, Floats]:
        return n, t

    def _log_evidence(self, n: Floats, t: Floats) -> Floats:
        drift = self.a * log1p_ratio(t, self.b)
        return log_rising(self.a, n) - n * np.log(self.b + t) - drift

    def _log_next(self, x: Floats, a: Floats, b: Floats) -> Floats:
        return np.log(a) - np.log(b) - (a + 1) * log1p_ratio(x, b)

    def _log_density(self, x: Floats, theta: Floats) -> Floats:
        with np.errstate(over="ignore"):
            return np.log(theta) - x * theta

    def sample_data(self, theta: ArrayLike, rng: RNGLike = None) -> Floats:
        """Draw one observation from F(theta) for each row of theta: shape (n, d)."""
        theta = self._checked(theta)
        waits = check.rng("rng", rng).standard_exponential(theta.shape)
        return np.minimum(waits / theta, LARGEST)

    def natural(self, theta: ArrayLike) -> Floats:
        """Return w, shape (K, p), with log f(x | theta) = features(x) @ w.T."""
        theta = self._checked(theta)
        return np.column_stack([np.log(theta).sum(axis=1), -theta])

    def expected_natural(self, s: ArrayLike) -> Floats:
        """Return the mean of ``natural(theta)`` under the posterior given s: shape (K, p)."""
        from scipy.special import digamma

        a, b = self._posterior(s)
        return np.column_stack([(digamma(a) - np.log(b)).sum(axis=1), -_mean(a, b)])


class PoissonGamma(_Rates):
    """Columns of counts, each with an unknown rate.

    theta_j ~ Gamma(a_j, b_j) and x_j | theta_j ~ Poisson(theta_j), independent for each column j.

    Parameters
    ----------
    a : float or array_like of shape (d,)
        What the prior of a column is worth as a sum of counts, > 0.
    b : float or array_like of shape (d,)
        And as a number of counts, > 0. The length of either is the number of columns.

    Raises
    ------
    ValueError
        If a parameter is not > 0 or the shapes do not match.

    Notes
    -----
    Features are [1, x, sum_j log f(x_j | r_j)], p = 2 + d, with reference rates r, which are the
    prior mean a / b: the densities are relative to those, since the factorials of large counts
    leave no digits for what differs. Theta is the rate of each column, q = d.

    Implements: DP-0228.

    Examples
    --------
    >>> from dpnotes.components import PoissonGamma
    >>> family = PoissonGamma(a=1, b=1)
    >>> s = family.features([0, 2]).sum(axis=0)
    >>> float(family.log_marginal(s).round(4))  # log of 1/27
    -3.2958
    """

    common = 1
    _cell = "a count: an integer >= 0"
    _few = FEW

    def __init__(self, a: ArrayLike, b: ArrayLike) -> None:
        super().__init__(a, b)
        self.n_features += 1
        self._reference = _mean(self.a, self.b)

    def _about(self, rates: Floats) -> Self:
        """Return the same family with densities relative to other rates, (d,) or (K, d)."""
        return self._relative_to(np.where(rates > 0, rates, 1.0))

    def _relative_to(self, reference: Floats) -> Self:
        family = copy.copy(self)
        family._reference, family._few = reference, LOST
        return family

    def _near(self, x: Floats) -> Self:
        """Return the same family with densities relative to the mean of x."""
        return self._about(self._points(x).mean(axis=0))

    def _is_wide(self, x: Floats) -> bool:
        """Return whether densities of x are so far from the reference that they lose digits."""
        some = np.abs(log_poisson(np.maximum(x, 0), self._reference))
        return bool(some.max() > LARGE)

    def _sums(self, x: Floats, sets: NDArray[Any], K: int) -> tuple[Self, Floats]:
        """Return the statistics of K sets of points, each relative to its own mean."""
        sets = sets.astype(np.intp)
        size = np.bincount(sets, minlength=K)[:, None]
        family = self._about(sums_by_cluster(x, sets, K) / np.maximum(size, 1))
        return family, sums_by_cluster(family._relative(x, family._reference[sets]), sets, K)

    def features(self, x: ArrayLike) -> Floats:
        """Return the features of each row: shape (n, p)."""
        return self._relative(self._points(x), self._reference)

    def _relative(self, x: Floats, rates: Floats) -> Floats:
        return np.column_stack([np.ones(len(x)), x, log_poisson(x, rates).sum(axis=1)])

    def log_marginal(self, s: ArrayLike) -> Floats:
        """Return the log marginal likelihood of data with statistics s, shape (...)."""
        relative = self._statistics(s)[..., -1]
        with np.errstate(over="ignore", invalid="ignore"):
            value: Floats = super().log_marginal(s) + relative
        if not (value < np.inf).all():
            check.fail("s", s, "sums whose products with rates are within range of floats")
        check_digits(relative, value, self._few)
        return value

    def _log_evidence(self, n: Floats, t: Floats) -> Floats:
        with np.errstate(over="ignore"):
            means = n * self._reference
        return _log_counts(self.a, self.b, n, t) - log_poisson_power(t, means)

    def _log_next(self, x: Floats, a: Floats, b: Floats) -> Floats:
        return _log_counts(a, b, 1.0, x) - factorial_excess(x)

    def _log_density(self, x: Floats, theta: Floats) -> Floats:
        return log_poisson(x, theta)

    def sample_data(self, theta: ArrayLike, rng: RNGLike = None) -> Floats:
        """Draw one observation from F(theta) for each row of theta: shape (n, d)."""
        theta, rng = self._checked(theta), check.rng("rng", rng)
        counts = rng.poisson(np.minimum(theta, MOST_DRAWN)).astype(float)
        large = theta > MOST_DRAWN
        counts[large] = np.round(rng.normal(theta[large], np.sqrt(theta[large])))
        return np.minimum(counts, LARGEST)

    def natural(self, theta: ArrayLike) -> Floats:
        """Return w, shape (K, p), with log f(x | theta) = features(x) @ w.T."""
        theta = self._checked(theta)
        return self._weights(theta, log_ratio(theta, self._reference))

    def expected_natural(self, s: ArrayLike) -> Floats:
        """Return the mean of ``natural(theta)`` under the posterior given s: shape (K, p)."""
        a, b = self._posterior(s)
        mean = _mean(a, b)
        cut = (mean == SMALLEST) | (mean == LARGEST)
        far = np.log(a) - np.log(b) - np.log(self._reference)
        share = np.where(cut, far, log_ratio(mean, self._reference))
        return self._weights(mean, share + digamma_excess(a))

    def _weights(self, rate: Floats, relative: Floats) -> Floats:
        const = (self._reference - rate).sum(axis=1)
        return np.column_stack([const, relative, np.ones(len(rate))])


def check_digits(relative: Floats, value: Floats, few: float) -> None:
    """Refuse densities relative to a reference so far off that rounding of them moves the value."""
    if (EPS * np.abs(relative) > few * np.maximum(1, np.abs(value))).any():
        shown = "densities relative to the prior mean, so far off that no digits are left"
        raise LostDigits(f"s = {shown}: expected counts nearer to the prior mean")


@np.errstate(over="ignore", under="ignore")
def _mean(a: Any, b: Any) -> Any:
    """Return the mean of the law Gamma(a, b), the nearest number that a density has digits for."""
    return np.clip(a / b, SMALLEST, LARGEST)


@np.errstate(under="ignore", divide="ignore", invalid="ignore")
def _log_counts(a: Any, b: Any, n: Any, t: Any) -> Any:
    """Return the log of the mean of prod_i f(x_i | theta) / f(x_i | t / n) over theta.

    For n counts with sum t and theta of law Gamma(a, b).
    """
    d = t * (b / (b + n)) - a * (n / (b + n))
    value = shortfall(a, d, log1p_ratio(t, a) - log1p_ratio(n, b))
    value += shortfall(t, -d, log1p_ratio(a, t) - log1p_ratio(b, n))
    return value + stirling_excess(a + t) - stirling_excess(a)
