"""Cells that are missing, integrated out."""

import copy
import inspect
from collections.abc import Callable, Iterator
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .. import _validate as check
from .._types import Floats, RNGLike
from .family import ConjugateFamily, OfCells
from .gaussian import Gaussian, NormalInverseGamma, is_wide, near, sums_of
from .one_parameter import BernoulliBeta, ExponentialGamma, GeometricBeta, PoissonGamma
from .products import LogNormal, Product
from .urns import CategoricalDirichlet

# Families of independent columns, by their very type: one that inherits may mean something else.
FACTORS = (
    Gaussian,
    NormalInverseGamma,
    BernoulliBeta,
    GeometricBeta,
    ExponentialGamma,
    PoissonGamma,
    CategoricalDirichlet,
)


class WithGaps(Product):
    """A family whose cells may be missing: NaN stands for a gap, and each is integrated out.

    Without it a gap is an error. With it, a cluster remembers of each column the points that have
    a value there, and a point is judged by the values that it has. This is right where cells are
    missing at random: given the values that were seen, which cells are missing does not depend on
    those that were not, nor on the clusters. Nothing is filled in.

    Parameters
    ----------
    family : ConjugateFamily
        Any family of :mod:`dpnotes.components`. Where its columns are independent within a
        cluster, any cell may be missing. :class:`NormalInverseWishart`,
        :class:`SphericalNormalInverseGamma`, :class:`MultinomialDirichlet` and a family of your own
        lack all cells of a row or none.

    Raises
    ------
    ValueError
        If the family is not conjugate, or takes gaps already.

    Notes
    -----
    A masked cell of an array, ``None`` and ``pandas.NA`` are gaps, too. Data to fit need a value
    in every column; a row may be all gaps. A new row may have any gaps, and its density is that of
    the values it has; drawn data have none.

    Features are 1, then for each column whether it has a value and, if so, the features of its
    family, with those that weigh the same for every theta at the end. Theta is that of each
    column, one after another.

    Implements: DP-0231.

    References
    ----------
    Rubin, D. B. (1976). Inference and missing data. Biometrika 63, 581-592.

    Examples
    --------
    >>> import numpy as np
    >>> from dpnotes import exact
    >>> from dpnotes.components import NormalInverseGamma, WithGaps
    >>> from dpnotes.mixture import DPMixture
    >>> family = WithGaps(NormalInverseGamma(mean=[0, 0], strength=1, shape=2, rate=1))
    >>> x = [[0.1, 5.0], [0.2, np.nan], [np.nan, 5.1]]
    >>> family.features(x).sum(axis=0)[[0, 1, 4]].tolist()  # points, and values in each column
    [3.0, 2.0, 2.0]
    >>> posterior = exact.posterior(DPMixture(1.0, family), x)
    >>> posterior.similarity.round(2)[0].tolist()
    [1.0, 0.71, 0.97]
    """

    takes_gaps = True

    def __init__(self, family: ConjugateFamily) -> None:
        if not isinstance(family, ConjugateFamily) or check.gaps(family):
            check.fail("family", family, "a conjugate family that takes no gaps yet")
        self.family: Any = family
        super().__init__([Cell(part) for part in _parts(family)])

    def _of_rows(self, x: Floats) -> Iterator[tuple[Any, Floats]]:
        """Yield the families of cells that are missing together, each with its columns of x."""
        for cell, columns in zip(self.families, self._columns, strict=True):
            yield cell.family, x[:, columns]

    def _beside_new(self, x: Floats, s: Floats, measured: Self) -> Floats:
        """Return how much more log p(x) is given s, as another measures it, than given no points.

        Shape (n, K). It is 0, to the last digit and however far out, for a cluster that has no
        values in the columns in which the row has some.
        """
        x = self._points(x)  # where a cell that is refused stands in the row
        parts = measured._of_statistics(lambda cell, part: (cell, part), s)
        triples = zip(self.families, self._columns, parts, strict=True)
        return sum(cell._beside_new(x[:, columns], *part[::-1]) for cell, columns, part in triples)


def _parts(family: Any) -> Iterator[Any]:
    """Yield the families of the columns, or of columns that are no product."""
    if type(family) is Product:
        for inner in family.families:
            yield from _parts(inner)
    elif type(family) is LogNormal:
        yield from map(LogNormal, _parts(family.family))
    elif type(family) in FACTORS and family.dim > 1:
        names = inspect.signature(type(family)).parameters
        values = [getattr(family, name) for name in names]
        for j in range(family.dim):
            yield type(family)(*(value[j] if np.ndim(value) else value for value in values))
    else:
        yield family


class Cell(OfCells):
    """One column, or several that are missing together, and a count of the points that have it.

    Features are 1 and those of the family, which are 0 where the cell is missing.

    Parameters
    ----------
    family : ConjugateFamily
    """

    takes_gaps = True

    def __init__(self, family: Any) -> None:
        self.family = family
        self.dim, self.n_parameters = family.dim, family.n_parameters
        self.n_features, self.common = 1 + family.n_features, family.common
        self._walks = getattr(family, "_walks", True)

    def _check_cells(self, name: str, x: Floats, first: int = 0, column: int = 0) -> None:
        gaps = np.isnan(x)
        seen = ~gaps.any(axis=1)
        for i, j in np.argwhere(gaps & ~gaps.all(axis=1, keepdims=True))[:1].tolist():
            kind, last = type(self.family).__name__, column + self.dim - 1
            check.fail(
                f"{name}[{first + i}, {column + j}]",
                float(x[i, j]),
                f"a number, or none in columns {column} to {last}, which depend on each other "
                f"({kind})",
            )
        inner = getattr(self.family, "_check_cells", None)
        if inner is not None and seen.any():
            # Each gap is taken for a copy of the row seen last, so that rows keep their numbers.
            start = int(seen.argmax())
            last_seen = np.maximum.accumulate(np.where(seen, np.arange(len(x)), 0))
            inner(name, x[last_seen[start:]], first + start, column)

    def _with(self, family: Any) -> Self:
        """Return the same with another way to measure."""
        made = copy.copy(self)
        made.family = family
        return made

    def _seen(self, x: Floats) -> NDArray[np.bool_]:
        return ~np.isnan(x[..., 0])

    def _near(self, x: Floats) -> Self:
        seen = self._seen(x)
        return self._with(near(self.family, x[seen])) if seen.any() else self

    def _is_wide(self, x: Floats) -> bool:
        seen = self._seen(x)
        return bool(seen.any()) and is_wide(self.family, x[seen])

    def _about(self, origin: Floats) -> Self:
        inner = self.family
        return self._with(inner._about(origin)) if hasattr(inner, "_about") else self

    def _given(self, x: Floats) -> Self:
        """Return the same, whose draws have what is given of these rows; of gaps, any."""
        inner = self.family
        return self._with(inner._given(np.nan_to_num(x))) if hasattr(inner, "_given") else self

    def _sums(self, x: Floats, sets: NDArray[Any], K: int) -> tuple[Self, Floats]:
        """Return the statistics of K sets of points, each as the family measures it."""
        sets, seen = sets.astype(np.intp), self._seen(x)
        size = np.bincount(sets, minlength=K)
        if not seen.any():
            return self, np.column_stack([size, np.zeros((K, self.n_features - 1))])
        family, s = sums_of(self.family, x[seen], sets[seen], K)
        return self._with(family), np.column_stack([size, s])

    def features(self, x: ArrayLike) -> Floats:
        """Return the features of each row: shape (n, p)."""
        x = self._points(x)
        result, seen = np.zeros((len(x), self.n_features)), self._seen(x)
        result[:, 0] = 1
        if seen.any():
            result[seen, 1:] = self.family.features(x[seen])
        return result

    def log_marginal(self, s: ArrayLike) -> Floats:
        """Return the log marginal likelihood of data with statistics s, shape (...)."""
        value: Floats = self.family.log_marginal(self._statistics(s)[..., 1:])
        return value

    def _of_seen(self, x: ArrayLike, K: int, call: Callable[[Floats], Floats]) -> Floats:
        """Return what a function of rows gives, and 0 for gaps: shape (n, K)."""
        x = self._points(x)
        result, seen = np.zeros((len(x), K)), self._seen(x)
        if seen.any():
            result[seen] = call(x[seen])
        return result

    def log_predictive(self, x: ArrayLike, s: ArrayLike) -> Floats:
        """Return the log density of each x (n, d) given statistics s (K, p): shape (n, K)."""
        s = self._rows(s)[:, 1:]
        return self._of_seen(x, len(s), lambda part: self.family.log_predictive(part, s))

    def _beside_new(self, x: Floats, s: Floats, measured: Self) -> Floats:
        new = self.log_predictive(x, np.zeros((1, self.n_features)))
        with np.errstate(invalid="ignore"):
            value = measured.log_predictive(x, s) - new
        # Where both are no floats, the density of a new cluster falls off most slowly.
        return np.where(s[:, 1] > 0, np.where(np.isnan(value), -np.inf, value), 0.0)

    def log_likelihood(self, x: ArrayLike, theta: ArrayLike) -> Floats:
        """Return log f(x_i | theta_k), shape (n, K), for x (n, d) and theta (K, q)."""
        theta = self._parameters(theta)
        return self._of_seen(x, len(theta), lambda part: self.family.log_likelihood(part, theta))

    def sample(self, s: ArrayLike, rng: RNGLike = None) -> Floats:
        """Draw theta given each row of s: shape (K, q)."""
        theta: Floats = self.family.sample(self._rows(s)[:, 1:], rng)
        return theta

    def sample_data(self, theta: ArrayLike, rng: RNGLike = None) -> Floats:
        """Draw one observation from F(theta) for each row of theta: shape (n, d)."""
        x: Floats = self.family.sample_data(theta, rng)
        return x

    def natural(self, theta: ArrayLike) -> Floats:
        """Return w, shape (K, p), with log f(x | theta) = features(x) @ w.T."""
        return self._weights(self.family.natural(theta))

    def expected_natural(self, s: ArrayLike) -> Floats:
        """Return the mean of ``natural(theta)`` under the posterior given s: shape (K, p)."""
        return self._weights(self.family.expected_natural(self._rows(s)[:, 1:]))

    def _check_rounding(self, s: Floats) -> None:
        if hasattr(self.family, "_check_rounding"):
            self.family._check_rounding(s[:, 1:])

    def _weights(self, weights: Floats) -> Floats:
        return np.column_stack([np.zeros(len(weights)), weights])

    def log_prior(self, theta: ArrayLike) -> Floats:
        """Return the log density of H at each row of theta: shape (K,)."""
        value: Floats = self.family.log_prior(theta)
        return value
