"""Probability measures on the line or R^d: any frozen SciPy distribution, discrete ones, mixtures.

A measure on the line here is anything with ``cdf`` and ``rvs`` as a frozen ``scipy.stats``
distribution has them; in R^d ``rvs`` is enough.  The line is cut by ``edges`` e_1 < ... < e_m
into the m + 1 cells

    (-inf, e_1], (e_1, e_2], ..., (e_m, inf),

so edges always describe a partition of the whole line. In R^d there is one such array of edges
for each axis, and the cells are the boxes of the grid.
"""

import math
from collections.abc import Sequence
from fractions import Fraction
from numbers import Rational
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from . import _validate as check
from ._types import Floats, Ints, Numbers, NumbersLike, RNGLike, Size

__all__ = ["prob", "Discrete", "Mixture"]


class Measure(Protocol):
    """What every measure offers; most have ``cdf`` too, on the line all."""

    def rvs(self, size: Any = None, random_state: Any = None) -> Any:
        """Independent draws."""


def prob(measure: Measure, edges: ArrayLike | Sequence[ArrayLike]) -> Numbers:
    """Probability of each cell of the line, or of R^d, cut at the edges.

    Parameters
    ----------
    measure : Discrete, Mixture or frozen SciPy distribution
    edges : array_like, shape (m,)
        Strictly increasing. -inf in front and inf at the end may be written or left out.
        For a measure on R^d a sequence of d such arrays, of lengths m_1, ..., m_d.

    Returns
    -------
    ndarray, shape (m + 1,) or (m_1 + 1, ..., m_d + 1)
        One probability a cell, with m the number of finite edges. Fractions (an object array)
        where the measure's weights are fractions, float64 otherwise.

    Raises
    ------
    ValueError
        If the edges are NaN or do not increase, the measure has no cdf, or in R^d its cdf is
        an estimate by simulation, which two calls reveal: SciPy's multivariate t, and its
        normal from three dimensions on.

    Notes
    -----
    On the line cells above the median come from the survival function, so that the upper tail is
    as accurate as the lower one. In R^d the joint cdf is differenced along each axis: the
    absolute error is at most 2^d times that of the cdf, 1e-15 for SciPy's normal in the plane,
    and a box of less probability than that may get 0.

    Examples
    --------
    >>> from scipy import stats
    >>> prob(stats.norm(), [-1, 0, 1]).round(4)
    array([0.1587, 0.3413, 0.3413, 0.1587])
    >>> from fractions import Fraction
    >>> [str(p) for p in prob(Discrete([0, 1, 2], [Fraction(1, 3)] * 3), [0.5])]
    ['1/3', '2/3']
    >>> prob(stats.multivariate_normal([0, 0]), [[0], [-1, 1]]).round(4)
    array([[0.0793, 0.3413, 0.0793],
           [0.0793, 0.3413, 0.0793]])
    """
    if isinstance(measure, (Discrete, Mixture)):
        return measure.prob(edges)
    shape = point_shape("measure", measure)
    axes = _sides(edges, shape)
    if shape:
        return _boxes(measure, axes)
    return _cells(measure, axes[0])


@np.errstate(over="ignore")  # SciPy divides by the scale, and infinity is right
def _cells(measure: Any, edges: Floats) -> Floats:
    """Probability of each cell of the line, by differences of the cdf."""
    below = np.concatenate(([0.0], measure.cdf(edges), [1.0]))
    if not hasattr(measure, "sf"):
        return np.diff(below)
    above = np.concatenate(([1.0], measure.sf(edges), [0.0]))
    return np.where(below[:-1] < 0.5, np.diff(below), -np.diff(above))


class Discrete:
    """A probability measure on finitely many points of the line or of R^d.

    Parameters
    ----------
    atoms : array_like, shape (m,) or (m, d)
        Finite numbers or points, in any order; the weights of repeated atoms add up.
    weights : array_like, shape (m,)
        Non-negative with sum 1. Given as fractions, every probability stays exact.

    Attributes
    ----------
    atoms : ndarray, shape (k,) or (k, d)
        The distinct atoms, increasing; in R^d by their first coordinate, then the second, ...
    weights : ndarray, shape (k,)
        Their weights: fractions (an object array) or float64.

    Raises
    ------
    ValueError
        If the shapes differ, a value is not finite, a weight is negative, or the sum is not 1.

    Examples
    --------
    >>> die = Discrete([1, 2, 3, 4, 5, 6], np.full(6, 1 / 6))
    >>> float(die.cdf(2).round(4)), float(die.mean().round(4))
    (0.3333, 3.5)
    >>> Discrete([[0, 1], [2, 3], [0, 1]], [0.25, 0.5, 0.25]).pmf([[0, 1], [1, 0]])
    array([0.5, 0. ])
    """

    atoms: Floats
    weights: Numbers

    def __init__(self, atoms: ArrayLike, weights: NumbersLike) -> None:
        points = check.array("atoms", atoms)
        check.shape("atoms", points, ("m",), ("m", "d"))
        probs = _probabilities("weights", weights)
        if len(points) != len(probs):
            check.fail("weights", weights, f"as many as atoms ({len(points)})")
        self.atoms, cell = np.unique(points, axis=0, return_inverse=True)
        # NumPy 2.0 gives the inverse one dimension more.
        self.weights = add_up(cell.ravel(), probs, len(self.atoms))
        self._cdf = np.concatenate(([0.0], np.cumsum(self.weights.astype(float))))
        self._cdf /= self._cdf[-1]

    def __repr__(self) -> str:
        shown = (np.array2string(v.astype(str), threshold=8) for v in (self.atoms, self.weights))
        return f"Discrete({', '.join(shown)})".replace("'", "")

    def prob(self, edges: ArrayLike | Sequence[ArrayLike]) -> Numbers:
        """Probability of each cell cut at the edges; see `dpnotes.measures.prob`."""
        axes = _sides(edges, self.atoms.shape[1:])
        columns = self.atoms.reshape(len(self.atoms), -1).T
        cells = [np.searchsorted(edges, column) for edges, column in zip(axes, columns)]
        shape = [edges.size + 1 for edges in axes]
        flat = np.ravel_multi_index(cells, shape)
        return add_up(flat, self.weights, math.prod(shape)).reshape(shape)

    def cdf(self, x: ArrayLike) -> Floats:
        """P(X <= x), in R^d in every coordinate: one number for each point of x."""
        x = grid("x", x, self.atoms.shape[1:])
        if self.atoms.ndim == 2:
            check.room("x", x, x.size * len(self.atoms) / 8)
            below = self.atoms <= x[..., None, :]
            return below.all(axis=-1) @ self.weights.astype(float)
        return self._cdf[np.searchsorted(self.atoms, x, side="right")]

    def pmf(self, x: ArrayLike) -> Numbers:
        """P(X = x), one number for each point of x; fractions where the weights are."""
        x = grid("x", x, self.atoms.shape[1:])
        if self.atoms.ndim == 2:
            weight = dict(zip(map(tuple, self.atoms.tolist()), self.weights))
            points = x.reshape(-1, self.atoms.shape[1]).tolist()
            found = [weight.get(tuple(point), 0) for point in points]
            return np.array(found, dtype=self.weights.dtype).reshape(x.shape[:-1])
        nearest = np.minimum(np.searchsorted(self.atoms, x), self.atoms.size - 1)
        return np.where(self.atoms[nearest] == x, self.weights[nearest], 0)

    def mean(self) -> Any:
        """Expectation of a draw, a float or an array of shape (d,)."""
        return self.weights.astype(float) @ self.atoms

    def rvs(self, size: Size = None, random_state: RNGLike = None) -> Any:
        """Independent draws, as many as ``size`` says; one where size is None."""
        rng = check.rng("random_state", random_state)
        shape = check.size("size", size, each=self.atoms[0].size)
        # The last step is 1 exactly and u < 1, so the index stays in range.
        return self.atoms[np.searchsorted(self._cdf[1:], rng.random(shape), side="right")]


class Mixture:
    """A mixture of probability measures on the line, or on one R^d.

    Parameters
    ----------
    weights : array_like, shape (m,)
        Non-negative with sum 1; fractions stay exact.
    parts : sequence of m measures
        Each a `Discrete`, a `Mixture` or a frozen SciPy distribution, all on the same space.

    Attributes
    ----------
    weights : ndarray, shape (k,)
    parts : list of k measures
        In normal form: mixtures inside the mixture are opened and all discrete parts are added
        up into one, so that updating a measure a thousand times does not nest a thousand deep.

    Raises
    ------
    ValueError
        If the lengths differ, the weights are no probabilities, a part is no measure, or the
        parts live on different spaces.

    Examples
    --------
    >>> from scipy import stats
    >>> half = Mixture([0.5, 0.5], [stats.norm(), Discrete([0], [1])])
    >>> half.cdf([-1e-9, 0]).round(4)
    array([0.25, 0.75])
    """

    weights: Numbers
    parts: list[Any]

    def __init__(self, weights: NumbersLike, parts: Sequence[Measure]) -> None:
        probs = _probabilities("weights", weights)
        if not np.iterable(parts):
            check.fail("parts", parts, "a sequence of measures")
        parts = list(parts)
        shapes = [point_shape(f"parts[{i}]", part) for i, part in enumerate(parts)]
        if len(parts) != probs.size:
            check.fail("weights", weights, f"as many as parts ({len(parts)})")
        self._shape = shapes[0]
        for i, shape in enumerate(shapes):
            if shape != self._shape:
                space = f"R^{self._shape[0]}" if self._shape else "the line"
                check.fail(f"parts[{i}]", parts[i], f"a measure on {space}, as parts[0]")
        flat = [pair for w, part in zip(probs, parts) for pair in _opened(w, part) if pair[0] > 0]
        atomic = [(w, part) for w, part in flat if isinstance(part, Discrete)]
        flat = [(w, part) for w, part in flat if not isinstance(part, Discrete)]
        if atomic:
            atoms = np.concatenate([part.atoms for _, part in atomic])
            masses = np.concatenate([scaled(w, part.weights) for w, part in atomic])
            flat.append((masses.sum(), Discrete(atoms, masses / masses.sum())))
        self.weights = _probabilities("weights", [w for w, _ in flat])
        self.parts = [part for _, part in flat]

    def __repr__(self) -> str:
        return f"Mixture({[str(w) for w in self.weights]}, {self.parts})"

    def prob(self, edges: ArrayLike | Sequence[ArrayLike]) -> Numbers:
        """Probability of each cell cut at the edges; see `dpnotes.measures.prob`."""
        cells = [scaled(w, prob(part, edges)) for w, part in zip(self.weights, self.parts)]
        total = sum(cells if exact(self) else [cell.astype(float) for cell in cells])
        return np.asarray(total)

    @np.errstate(over="ignore")
    def cdf(self, x: ArrayLike) -> Floats:
        """P(X <= x), in R^d in every coordinate: one number for each point of x."""
        x = grid("x", x, self._shape)
        return sum(float(w) * part.cdf(x) for w, part in zip(self.weights, self.parts))

    def mean(self) -> Any:
        """Expectation of a draw, a float or an array of shape (d,)."""
        # SciPy's multivariate normal has its mean as an array.
        means = [part.mean() if callable(part.mean) else part.mean for part in self.parts]
        return sum(float(w) * mean for w, mean in zip(self.weights, means))

    def rvs(self, size: Size = None, random_state: RNGLike = None) -> Any:
        """Independent draws, as many as ``size`` says; one where size is None."""
        rng = check.rng("random_state", random_state)
        shape = check.size("size", size, each=math.prod(self._shape))
        ends = np.cumsum(self.weights.astype(float))
        which = np.searchsorted(ends / ends[-1], rng.random(shape), side="right")
        draws = np.empty(np.shape(which) + self._shape)
        for i, part in enumerate(self.parts):
            chosen = which == i
            draws[chosen] = sample(part, int(np.sum(chosen)), self._shape, rng)
        return draws if size is not None else draws[()]


@np.errstate(over="ignore")
def point_shape(name: str, measure: Any) -> tuple[int, ...]:
    """Shape of one draw: () on the line, (d,) in R^d; ValueError if the measure is none."""
    if isinstance(measure, Discrete):
        return measure.atoms.shape[1:]
    if isinstance(measure, Mixture):
        return measure._shape
    expected = "a measure with rvs, and a cdf on the line, as frozen scipy.stats distributions have"
    try:
        shape = np.shape(measure.rvs(size=2, random_state=0))
        # A distribution with bad parameters answers with NaN, a density estimate not at all.
        on_line = len(shape) == 1 and np.allclose(measure.cdf(np.array([-np.inf, np.inf])), [0, 1])
    except (AttributeError, TypeError, ValueError):
        check.fail(name, measure, expected)
    if shape[:1] != (2,) or not (on_line or len(shape) == 2):
        check.fail(name, measure, expected)
    return shape[1:]


def sample(measure: Any, n: int, shape: tuple[int, ...], rng: np.random.Generator) -> Floats:
    """Return n draws of the given shape; SciPy drops the first axis where n is 1."""
    return np.reshape(measure.rvs(size=n, random_state=rng), (n, *shape)).astype(float)


def points(name: str, value: ArrayLike, shape: tuple[int, ...]) -> Floats:
    """Return value, one point or several of the given shape, as a finite array (n, *shape)."""
    result = check.array(name, value)
    check.shape(name, result, ("n", *shape), shape)
    return result if result.ndim > len(shape) else result[None]


def possible(measure: Any, x: Floats) -> NDArray[np.bool_]:
    """Whether each x lies in the measure's support: an array of bool, one for each point of x."""
    if isinstance(measure, Mixture):
        return np.any([possible(part, x) for part in measure.parts], axis=0)
    if not isinstance(measure, Discrete) and x.ndim == 2:
        return np.array([_charged(measure, point) for point in x])
    if hasattr(measure, "pmf"):
        return measure.pmf(x) > 0
    low, high = measure.support() if hasattr(measure, "support") else (-np.inf, np.inf)
    return (low <= x) & (x <= high)


def exact(measure: Any) -> bool:
    """Whether the probabilities of the measure are fractions."""
    if isinstance(measure, Mixture):
        return measure.weights.dtype == object and all(map(exact, measure.parts))
    return isinstance(measure, Discrete) and measure.weights.dtype == object


def numbers(name: str, value: object) -> Numbers:
    """Return value as a non-empty vector: of fractions if it holds no floats, else float64."""
    result = check.array(name, value, ndim=1)
    raw = np.asarray(value)
    if raw.dtype == object and all(isinstance(v, Rational) for v in raw):
        # Through int, because NumPy's integers are rational too but overflow.
        exact = [Fraction(int(v.numerator), int(v.denominator)) for v in raw]
        return np.array(exact, dtype=object)
    return result


def _probabilities(name: str, value: object) -> Numbers:
    weights = numbers(name, value)
    total = weights.sum()
    tolerance = 0 if weights.dtype == object else 1e-9
    if (weights < 0).any() or abs(total - 1) > tolerance:
        check.fail(name, value, f"numbers >= 0 with sum 1, not {total}")
    return weights / total


def _sides(edges: Any, shape: tuple[int, ...]) -> list[Floats]:
    """The finite edges of each axis, checked; the line has one axis."""
    if not shape:
        return [_interior("edges", edges)]
    listed = isinstance(edges, (list, tuple)) or (isinstance(edges, np.ndarray) and edges.ndim)
    if not listed or len(edges) != shape[0]:
        check.fail("edges", edges, f"a sequence of {shape[0]} arrays, the edges of each axis")
    axes = [_interior(f"edges[{j}]", axis) for j, axis in enumerate(edges)]
    check.room("edges", edges, math.prod(axis.size + 1 for axis in axes) * (2 + len(axes)))
    return axes


def _interior(name: str, edges: Any) -> Floats:
    """The finite edges, checked; outer infinite ones are optional."""
    inner = check.real(name, edges)
    if inner.ndim != 1 or np.isnan(inner).any() or not (inner[1:] > inner[:-1]).all():
        check.fail(name, edges, "a one-dimensional array that increases strictly, without NaN")
    return inner[np.isfinite(inner)]


def grid(name: str, value: ArrayLike, shape: tuple[int, ...]) -> Floats:
    """Points of the given shape, infinite ones too, in an array of any number of them."""
    points = check.real(name, value)
    if np.isnan(points).any():
        check.fail(name, value, "numbers, not NaN")
    check.shape(name, points, (..., *shape))
    return points


def _boxes(measure: Any, axes: list[Floats]) -> Floats:
    """Probability of each box of a grid in R^d, by differences of the joint cdf."""
    if not hasattr(measure, "cdf"):
        check.fail("measure", measure, "a joint cdf, to find the probability of a box")
    ends = [np.concatenate(([-np.inf], axis, [np.inf])) for axis in axes]
    corners = np.stack(np.meshgrid(*ends, indexing="ij"), axis=-1)
    # SciPy's cdf subtracts infinities; it is 0 where a coordinate is -infinity.
    zero = np.isneginf(corners).any(axis=-1)
    with np.errstate(invalid="ignore", over="ignore"):
        cdf, again = (np.where(zero, 0, measure.cdf(corners)) for _ in range(2))
    if not np.array_equal(cdf, again):
        check.fail("measure", measure, "a joint cdf that is computed, not estimated by simulation")
    for axis in range(len(axes)):
        cdf = np.diff(cdf, axis=axis)
    return np.maximum(cdf, 0)


def _charged(measure: Any, point: Floats) -> bool:
    """Whether a point of R^d lies in the measure's support, as far as its density tells."""
    density = getattr(measure, "logpdf", None) or getattr(measure, "logpmf", None)
    try:
        with np.errstate(over="ignore", under="ignore"):
            return density is None or bool(density(point) > -np.inf)
    except ValueError:  # how SciPy says that a point is off the simplex or the sphere
        return False


def add_up(cell: Ints, weights: Numbers, n_cells: int) -> Numbers:
    """Sum of the weights in each cell, exact where the weights are."""
    if weights.dtype != object:
        return np.bincount(cell, weights, n_cells)
    sums: Numbers = np.full(n_cells, Fraction(0), dtype=object)
    np.add.at(sums, cell, weights)
    return sums


@np.errstate(under="ignore")
def scaled(weight: Any, values: Numbers) -> Numbers:
    """Return weight * values: fractions if both are exact and float64 otherwise."""
    if isinstance(weight, Rational) and values.dtype == object:
        return values * weight
    return float(weight) * values.astype(float)


def _opened(weight: Any, part: Any) -> list[tuple[Any, Any]]:
    """The mixture's parts with their weights in the whole, or the part itself."""
    if not isinstance(part, Mixture):
        return [(weight, part)]
    return list(zip(scaled(weight, part.weights), part.parts))
