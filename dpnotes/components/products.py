"""Families made of families: on the log scale, and one for each group of columns."""

import copy
import itertools
from collections.abc import Callable, Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .. import _validate as check
from .._types import Floats, RNGLike
from .family import ConjugateFamily, OfCells, check_cells
from .gaussian import LARGEST, SMALLEST, is_gaussian, is_wide, near, sums_of


class LogNormal(OfCells):
    """Amounts > 0, whose logarithms have a Gaussian law.

    log x_j = y_j, and y has the law of the family.

    Parameters
    ----------
    family : Gaussian, NormalInverseGamma or NormalInverseWishart
        The law of the logarithms, and its prior.

    Raises
    ------
    ValueError
        If the family is none of these.

    Notes
    -----
    Features are those of the logarithms, and then minus their sum, the log Jacobian; theta is that
    of the family.

    Implements: DP-0228.

    Examples
    --------
    >>> import numpy as np
    >>> from dpnotes.components import LogNormal, NormalInverseGamma
    >>> family = LogNormal(NormalInverseGamma(mean=0, strength=1, shape=2, rate=1))
    >>> s = family.features(np.exp([0.5, 1.0])).sum(axis=0)
    >>> float(family.log_marginal(s).round(4))  # that of 0.5 and 1.0, less 1.5
    -3.8635
    """

    def __init__(self, family: Any) -> None:
        if not is_gaussian(family):
            check.fail("family", family, "a Gaussian family of dpnotes.components")
        self.family = family
        self.dim, self.n_parameters = family.dim, family.n_parameters
        self.n_features, self.common = family.n_features + 1, family.common + 1
        self._walks = family._walks

    def _check_cells(self, name: str, x: Floats, first: int = 0, column: int = 0) -> None:
        right = (x >= SMALLEST) & (x <= LARGEST)
        check_cells(
            name, x, right, f"an amount > 0, from {SMALLEST:g} to {LARGEST:g}", first, column
        )

    def _logs(self, x: ArrayLike) -> Floats:
        return np.log(self._points(x))

    def _with(self, family: Any) -> Self:
        """Return the same family with another way to measure the logarithms."""
        made = copy.copy(self)
        made.family = family
        return made

    def _near(self, x: Floats) -> Self:
        return self._with(near(self.family, self._logs(x)))

    def _is_wide(self, x: Floats) -> bool:
        return is_wide(self.family, np.log(np.clip(x, SMALLEST, LARGEST)))

    def _about(self, amounts: Floats) -> Self:
        return self._with(self.family._about(np.log(amounts)))

    def _sums(self, x: Floats, sets: NDArray[Any], K: int) -> tuple[Self, Floats]:
        """Return the statistics of K sets of points, each measured from its own mean."""
        logs = np.log(x)
        family, s = sums_of(self.family, logs, sets, K)
        jacobian = np.bincount(sets.astype(np.intp), -logs.sum(axis=1), K)
        return self._with(family), np.column_stack([s, jacobian])

    def features(self, x: ArrayLike) -> Floats:
        """Return the features of each row: shape (n, p)."""
        logs = self._logs(x)
        return np.column_stack([self.family.features(logs), -logs.sum(axis=1)])

    def log_marginal(self, s: ArrayLike) -> Floats:
        """Return the log marginal likelihood of data with statistics s, shape (...)."""
        s = self._statistics(s)
        value: Floats = self.family.log_marginal(s[..., :-1]) + s[..., -1]
        return value

    def log_predictive(self, x: ArrayLike, s: ArrayLike) -> Floats:
        """Return the log density of each x (n, d) given statistics s (K, p): shape (n, K)."""
        logs, s = self._logs(x), self._rows(s)
        value: Floats = self.family.log_predictive(logs, s[:, :-1])
        return value - logs.sum(axis=1)[:, None]

    def sample(self, s: ArrayLike, rng: RNGLike = None) -> Floats:
        """Draw theta given each row of s: shape (K, q)."""
        theta: Floats = self.family.sample(self._rows(s)[:, :-1], rng)
        return theta

    def sample_data(self, theta: ArrayLike, rng: RNGLike = None) -> Floats:
        """Draw one observation from F(theta) for each row of theta: shape (n, d)."""
        logs = self.family.sample_data(theta, rng)
        return np.exp(np.clip(logs, np.log(SMALLEST), np.log(LARGEST)))

    def natural(self, theta: ArrayLike) -> Floats:
        """Return w, shape (K, p), with log f(x | theta) = features(x) @ w.T."""
        return self._weights(self.family.natural(theta))

    def expected_natural(self, s: ArrayLike) -> Floats:
        """Return the mean of ``natural(theta)`` under the posterior given s: shape (K, p)."""
        return self._weights(self.family.expected_natural(self._rows(s)[:, :-1]))

    def _weights(self, weights: Floats) -> Floats:
        return np.column_stack([weights, np.ones(len(weights))])

    def log_likelihood(self, x: ArrayLike, theta: ArrayLike) -> Floats:
        """Return log f(x_i | theta_k), shape (n, K), for x (n, d) and theta (K, q)."""
        logs = self._logs(x)
        value: Floats = self.family.log_likelihood(logs, theta)
        return value - logs.sum(axis=1)[:, None]

    def log_prior(self, theta: ArrayLike) -> Floats:
        """Return the log density of H at each row of theta: shape (K,)."""
        value: Floats = self.family.log_prior(theta)
        return value


class Product(OfCells):
    """Columns of several kinds: groups of them, independent within a cluster.

    Parameters
    ----------
    families : sequence of ConjugateFamily
        One for each group of columns, from left to right; each takes as many as its ``dim``.

    Raises
    ------
    ValueError
        If there are none, or one is no conjugate family.

    Notes
    -----
    Features are 1, then those of each family without its 1, with those that weigh the same for
    every theta at the end. Theta is that of each family, one after another.

    Implements: DP-0229.

    Examples
    --------
    >>> from dpnotes.components import BernoulliBeta, NormalInverseGamma, PoissonGamma, Product
    >>> family = Product([
    ...     NormalInverseGamma(mean=0, strength=1, shape=2, rate=1),
    ...     PoissonGamma(a=1, b=1),
    ...     BernoulliBeta(a=[1, 1], b=1),
    ... ])
    >>> family.dim
    4
    >>> x = [[0.5, 2, 1, 0], [1.0, 3, 1, 1]]  # a measurement, a count, two answers
    >>> s = family.features(x).sum(axis=0)
    >>> float(family.log_marginal(s).round(4))
    -9.5429
    """

    def __init__(self, families: Sequence[ConjugateFamily]) -> None:
        self.families: tuple[Any, ...] = tuple(check.several("families", families))
        for j, family in enumerate(self.families):
            if not isinstance(family, ConjugateFamily):
                check.fail(f"families[{j}]", family, "a conjugate family of dpnotes.components")
            if isinstance(family, Product) and check.gaps(family):
                check.fail(f"families[{j}]", family, "one without gaps; WithGaps takes the Product")
        self.dim = sum(family.dim for family in self.families)
        self.n_parameters = sum(family.n_parameters for family in self.families)
        self.common = sum(family.common for family in self.families)
        self._walks = all(getattr(family, "_walks", True) for family in self.families)
        # Where the columns of x, of theta and of s that belong to each family are.
        self._columns = _slices([family.dim for family in self.families])
        self._theta = _slices([family.n_parameters for family in self.families])
        proper = [family.n_features - 1 - family.common for family in self.families]
        own = _slices(proper, 1)
        common = _slices([family.common for family in self.families], 1 + sum(proper))
        self._features = [np.r_[0, a, b] for a, b in zip(own, common, strict=True)]
        self.n_features = 1 + sum(proper) + self.common

    def _check_cells(self, name: str, x: Floats, first: int = 0, column: int = 0) -> None:
        for family, columns in zip(self.families, self._columns, strict=True):
            inner = getattr(family, "_check_cells", None)
            if inner is not None:
                inner(name, x[:, columns], first, column + columns.start)

    def _with(self, families: Sequence[Any]) -> Self:
        """Return the same family with other ways to measure."""
        made = copy.copy(self)
        made.families = tuple(families)
        return made

    def _of_columns(self, call: Callable[[Any, Floats], Any], x: Floats) -> list[Any]:
        """Return what a function of each family and its columns of x gives."""
        pairs = zip(self.families, self._columns, strict=True)
        return [call(family, x[..., columns]) for family, columns in pairs]

    def _near(self, x: Floats) -> Self:
        return self._with(self._of_columns(near, self._points(x)))

    def _given(self, x: Floats) -> Self:
        """Return the same family, whose draws have what is given of these rows."""

        def given(family: Any, part: Floats) -> Any:
            return family._given(part) if hasattr(family, "_given") else family

        return self._with(self._of_columns(given, x))

    def _is_wide(self, x: Floats) -> bool:
        if x.shape[-1] != self.dim:  # the least and the largest number of all columns
            return any(is_wide(family, x) for family in self.families)
        return any(self._of_columns(is_wide, x))

    def _about(self, origin: Floats) -> Self:
        def moved(family: Any, part: Floats) -> Any:
            return family._about(part) if hasattr(family, "_about") else family

        return self._with(self._of_columns(moved, origin))

    def _sums(self, x: Floats, sets: NDArray[Any], K: int) -> tuple[Self, Floats]:
        """Return the statistics of K sets of points, each family's as it measures them."""
        found = self._of_columns(lambda f, part: sums_of(f, part, sets, K), x)
        families, parts = zip(*found, strict=True)
        return self._with(families), self._joined([s[:, 1:] for s in parts], parts[0][:, 0])

    def _joined(self, parts: Sequence[Floats], first: Floats) -> Floats:
        """Return features, statistics or weights of all families as one array."""
        result = np.empty((len(first), self.n_features))
        result[:, 0] = first
        for part, index in zip(parts, self._features, strict=True):
            result[:, index[1:]] = part
        return result

    def _of_statistics(self, call: Callable[[Any, Floats], Any], s: Floats) -> list[Any]:
        pairs = zip(self.families, self._features, strict=True)
        return [call(family, s[..., index]) for family, index in pairs]

    def _of_theta(self, call: Callable[[Any, Floats], Any], theta: ArrayLike) -> list[Any]:
        theta = self._parameters(theta)
        pairs = zip(self.families, self._theta, strict=True)
        return [call(family, theta[:, index]) for family, index in pairs]

    def _with_columns(self, name: str, x: ArrayLike, others: list[Floats]) -> Floats:
        """Return the sum of what a method of each family gives for its columns and another's."""
        x = self._points(x)
        triples = zip(self.families, self._columns, others, strict=True)
        return sum(getattr(family, name)(x[:, columns], y) for family, columns, y in triples)

    def features(self, x: ArrayLike) -> Floats:
        """Return the features of each row: shape (n, p)."""
        parts = self._of_columns(lambda family, part: family.features(part), self._points(x))
        return self._joined([part[:, 1:] for part in parts], parts[0][:, 0])

    def log_marginal(self, s: ArrayLike) -> Floats:
        """Return the log marginal likelihood of data with statistics s, shape (...)."""
        return sum(self._of_statistics(lambda f, part: f.log_marginal(part), self._statistics(s)))

    def log_predictive(self, x: ArrayLike, s: ArrayLike) -> Floats:
        """Return the log density of each x (n, d) given statistics s (K, p): shape (n, K)."""
        parts = self._of_statistics(lambda family, part: part, self._rows(s))
        return self._with_columns("log_predictive", x, parts)

    def sample(self, s: ArrayLike, rng: RNGLike = None) -> Floats:
        """Draw theta given each row of s: shape (K, q)."""
        rng = check.rng("rng", rng)
        return np.hstack(self._of_statistics(lambda f, part: f.sample(part, rng), self._rows(s)))

    def sample_data(self, theta: ArrayLike, rng: RNGLike = None) -> Floats:
        """Draw one observation from F(theta) for each row of theta: shape (n, d)."""
        rng = check.rng("rng", rng)
        return np.hstack(self._of_theta(lambda f, part: f.sample_data(part, rng), theta))

    def natural(self, theta: ArrayLike) -> Floats:
        """Return w, shape (K, p), with log f(x | theta) = features(x) @ w.T."""
        return self._weights(self._of_theta(lambda f, part: f.natural(part), theta))

    def expected_natural(self, s: ArrayLike) -> Floats:
        """Return the mean of ``natural(theta)`` under the posterior given s: shape (K, p)."""
        s = self._rows(s)
        return self._weights(self._of_statistics(lambda f, part: f.expected_natural(part), s))

    def _check_rounding(self, s: Floats) -> None:
        """Refuse what a family refuses whose share of the statistics rounding hides."""
        for family, index in zip(self.families, self._features, strict=True):
            if hasattr(family, "_check_rounding"):
                family._check_rounding(s[:, index])

    def _weights(self, parts: list[Floats]) -> Floats:
        const = sum((w[:, 0] for w in parts), np.zeros(len(parts[0])))
        return self._joined([w[:, 1:] for w in parts], const)

    def log_likelihood(self, x: ArrayLike, theta: ArrayLike) -> Floats:
        """Return log f(x_i | theta_k), shape (n, K), for x (n, d) and theta (K, q)."""
        parts = self._of_theta(lambda family, part: part, theta)
        return self._with_columns("log_likelihood", x, parts)

    def log_prior(self, theta: ArrayLike) -> Floats:
        """Return the log density of H at each row of theta: shape (K,)."""
        return sum(self._of_theta(lambda family, part: family.log_prior(part), theta))


def _slices(widths: list[int], start: int = 0) -> list[slice]:
    """Return where pieces of these widths lie, one after another."""
    ends = [start, *(start + np.cumsum(widths)).tolist()]
    return [slice(a, b) for a, b in itertools.pairwise(ends)]
