"""What a family offers: protocols by what is asked of it, and a base class for conjugate ones."""

import inspect
from typing import Protocol, Self, runtime_checkable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .. import _validate as check
from .._deprecated import keyword_only
from .._types import Floats, RNGLike


@runtime_checkable
class Prior(Protocol):
    """A family that draws from its H itself: what new tables with parameters ask for."""

    def sample_prior(self, size: int, rng: RNGLike = None) -> Floats:
        """Draw theta from H: shape (size, q)."""


@runtime_checkable
class Family(Prior, Protocol):
    """A law F(theta) with a prior H, conjugate or not: what Neal's Algorithm 8 asks for."""

    def log_likelihood(self, x: ArrayLike, theta: ArrayLike) -> Floats:
        """Return log f(x_i | theta_k), shape (n, K), for x (n, d) and theta (K, q)."""

    def log_prior(self, theta: ArrayLike) -> Floats:
        """Return the log density of H at each row of theta: shape (K,)."""


@runtime_checkable
class Additive(Protocol):
    """A family that remembers points by statistics that add: what sums per cluster ask for."""

    def features(self, x: ArrayLike) -> Floats:
        """Return the statistics of each point, the first of them 1: shape (n, p)."""


@runtime_checkable
class Marginal(Additive, Protocol):
    """A family whose theta integrates out: what exact posteriors ask for."""

    def log_marginal(self, s: ArrayLike) -> Floats:
        """Return the log marginal likelihood of data with statistics s, shape (...)."""


@runtime_checkable
class Predictive(Additive, Protocol):
    """A family that predicts a point from others: what the collapsed sampler asks for."""

    n_features: int

    def log_predictive(self, x: ArrayLike, s: ArrayLike) -> Floats:
        """Return the log density of each x (n, d) given statistics s (K, p): shape (n, K)."""


@runtime_checkable
class Conditional(Additive, Protocol):
    """A family whose theta can be drawn given points: what samplers with parameters ask for."""

    n_features: int
    common: int

    def sample(self, s: ArrayLike, rng: RNGLike = None) -> Floats:
        """Draw theta given each row of s: shape (K, q)."""

    def natural(self, theta: ArrayLike) -> Floats:
        """Return w, shape (K, p), with log f(x | theta) = features(x) @ w.T."""


@runtime_checkable
class Generative(Protocol):
    """A family that makes data: what ``DPMixture.sample`` asks for, besides draws from H."""

    def sample_data(self, theta: ArrayLike, rng: RNGLike = None) -> Floats:
        """Draw one observation from F(theta) for each row of theta: shape (n, d)."""


@runtime_checkable
class ConjugateFamily(Family, Marginal, Predictive, Conditional, Generative, Protocol):
    """A conjugate family with everything that is asked of one anywhere."""

    dim: int
    n_parameters: int

    def expected_natural(self, s: ArrayLike) -> Floats:
        """Return the mean of ``natural(theta)`` under the posterior given s: shape (K, p)."""


@runtime_checkable
class LearnableFamily(ConjugateFamily, Protocol):
    """A conjugate family whose base measure a sampler can change between sweeps."""

    def rebased(self, mean: Floats, strength: float, scale: Floats) -> Self:
        """Return the same family with these parameters of H, unchecked.

        mean is of shape (d,), scale of shape (d, d).
        """


class Conjugate:
    """A base for conjugate families: it derives what follows from the rest, and checks arguments.

    A family sets ``dim``, ``n_features`` and ``n_parameters``, keeps the arguments of ``__init__``
    under their names, and defines ``features``, ``log_marginal``, ``sample`` and ``natural``. From
    these come ``sample_prior``, ``log_likelihood`` and ``log_predictive``, which is to be
    overridden where a closed form keeps more digits. ``log_prior`` is for a random walk,
    ``sample_data`` for data from the model, ``expected_natural`` for mean field.

    Notes
    -----
    ``_points(x)``, ``_statistics(s)``, ``_rows(s)`` and ``_parameters(theta)`` return an argument
    as an array of the right shape, (n, d), (..., p), (K, p) and (K, q), or raise ValueError.

    Examples
    --------
    Waiting times of unknown rates. (A family in the package checks a, b and x > 0 as well, and
    imports SciPy where it is used; a chain of a family outside it cannot be saved to a file.)

    >>> import numpy as np
    >>> from scipy.special import gammaln
    >>> from dpnotes.components import Conjugate
    >>> class Waiting(Conjugate):
    ...     '''x | theta ~ Exponential(theta) and theta ~ Gamma(a, b).'''
    ...
    ...     dim, n_features, n_parameters = 1, 2, 1
    ...
    ...     def __init__(self, a, b):
    ...         self.a, self.b = a, b
    ...
    ...     def features(self, x):
    ...         x = self._points(x)
    ...         return np.column_stack([np.ones(len(x)), x])
    ...
    ...     def log_marginal(self, s):
    ...         n, total = np.moveaxis(self._statistics(s), -1, 0)
    ...         a, b = self.a + n, self.b + total
    ...         return self.a * np.log(self.b) - gammaln(self.a) + gammaln(a) - a * np.log(b)
    ...
    ...     def sample(self, s, rng=None):
    ...         n, total = self._rows(s).T
    ...         return np.random.default_rng(rng).gamma(self.a + n, 1 / (self.b + total))[:, None]
    ...
    ...     def natural(self, theta):
    ...         theta = self._parameters(theta)
    ...         return np.hstack([np.log(theta), -theta])

    >>> from dpnotes import exact
    >>> from dpnotes.mixture import DPMixture
    >>> model = DPMixture(1.0, Waiting(a=2, b=1))
    >>> model
    DPMixture(1.0, Waiting(a=2, b=1))
    >>> exact.posterior(model, [0.1, 0.2, 5.0]).num_clusters.round(3).tolist()
    [0.0, 0.094, 0.593, 0.313]
    """

    dim: int
    n_features: int
    n_parameters: int
    common: int = 0
    _walks = True  # whether a random walk of theta stays among the parameters

    def __repr__(self) -> str:
        names = inspect.signature(type(self)).parameters
        fields = ", ".join(f"{k}={np.asarray(getattr(self, k)).tolist()}" for k in names)
        return f"{type(self).__name__}({fields})"

    def sample_prior(self: Conditional, size: int, rng: RNGLike = None) -> Floats:
        """Draw theta from H: shape (size, q)."""
        none = np.zeros((_size(size, self), self.n_features))
        return self.sample(none, check.rng("rng", rng))

    def log_likelihood(self: Conditional, x: ArrayLike, theta: ArrayLike) -> Floats:
        """Return log f(x_i | theta_k), shape (n, K), for x (n, d) and theta (K, q)."""
        with np.errstate(over="ignore", invalid="ignore"):
            value = self.features(x) @ self.natural(theta).T
        if np.isnan(value).any():
            check.fail("x", x, "log densities within range of floats; change the unit")
        return value

    def log_predictive(self: Marginal, x: ArrayLike, s: ArrayLike) -> Floats:
        """Return the log density of each x (n, d) given statistics s (K, p): shape (n, K)."""
        s = check.array("s", s, 2)
        before = self.log_marginal(s)
        return self.log_marginal(self.features(x)[:, None] + s) - before

    def _points(self, x: ArrayLike) -> Floats:
        x = check.data("x", x, gaps=check.gaps(self))
        if x.shape[1] != self.dim:
            check.refuse("x", f"array of shape {x.shape}", f"shape (n, {self.dim})")
        return x

    def _statistics(self, s: ArrayLike) -> Floats:
        s = check.real("s", s)
        if s.ndim == 0 or s.shape[-1] != self.n_features:
            check.refuse("s", f"array of shape {s.shape}", f"shape (..., {self.n_features})")
        if not (np.isfinite(s).all() and (s[..., 0] >= 0).all()):
            check.fail("s", s, "finite sums of features, the first a count >= 0")
        return s

    def _rows(self, s: ArrayLike) -> Floats:
        s = self._statistics(s)
        if s.ndim != 2:
            check.refuse("s", f"array of shape {s.shape}", f"shape (K, {self.n_features})")
        return s

    def _parameters(self, theta: ArrayLike) -> Floats:
        theta, q = check.real("theta", theta), self.n_parameters
        if theta.ndim != 2 or theta.shape[1] != q:
            check.refuse("theta", f"array of shape {theta.shape}", f"shape (K, {q})")
        if not np.isfinite(theta).all():
            check.fail("theta", theta, "finite numbers")
        return theta


class OfCells(Conjugate):
    """A conjugate family whose law does not give every number."""

    def _points(self, x: ArrayLike) -> Floats:
        x = super()._points(x)
        self._check_cells("x", x)
        return x

    def _check_cells(self, name: str, x: Floats, first: int = 0, column: int = 0) -> None:
        """Refuse rows with a cell that the law does not give, by its row and column.

        The rows are counted from first and the columns from column: they may be a part of a table.
        """
        raise NotImplementedError


def check_cells(
    name: str, x: Floats, right: NDArray[np.bool_], expected: str, first: int, column: int
) -> None:
    """Refuse the first cell of a table that is not right."""
    if not right.all():
        i, j = (int(k) for k in np.argwhere(~right)[0])
        check.fail(f"{name}[{first + i}, {column + j}]", float(x[i, j]), expected)


@keyword_only("rng")
def prior_draws(family: Prior | Additive, size: int, *, rng: RNGLike = None) -> Floats:
    """Draw parameters from H.

    Parameters
    ----------
    family : Family or Conditional
        A family of :mod:`dpnotes.components`, or any with the methods of one of these two.
    size : int
        Number of draws, >= 0.
    rng : seed or numpy.random.Generator, optional

    Returns
    -------
    ndarray of shape (size, q)

    Raises
    ------
    ValueError
        If the family has no prior to draw from, or size is not an integer >= 0.

    Examples
    --------
    >>> from dpnotes.components import Gaussian, prior_draws
    >>> prior_draws(Gaussian(mean=[0, 0], var=1, noise_var=1), 3, rng=1).shape
    (3, 2)
    """
    size, rng = _size(size, family), check.rng("rng", rng)
    if isinstance(family, Prior):
        return family.sample_prior(size, rng)
    if not isinstance(family, Conditional):
        check.fail("family", family, "a family of dpnotes.components, or any Family or Conditional")
    return family.sample(np.zeros((size, family.n_features)), rng)


def _size(size: int, family: object) -> int:
    """Return a number of draws whose statistics find room."""
    number = check.integer("size", size, 0)
    width = family.n_features if isinstance(family, Conditional) else 1
    check.room("size", size, number * width)
    return number
