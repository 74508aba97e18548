"""Probability measures on the line: any frozen SciPy distribution, discrete ones, mixtures.

A measure here is anything with ``cdf`` and ``rvs`` as a frozen ``scipy.stats`` distribution has
them.  The line is cut by ``edges`` e_1 < ... < e_m into the m + 1 cells

    (-inf, e_1], (e_1, e_2], ..., (e_m, inf),

so edges always describe a partition of the whole line.
"""

from fractions import Fraction
from numbers import Rational

import numpy as np

from . import _validate as check


def prob(measure, edges):
    """Probability of each cell of the line cut at the edges.

    Parameters
    ----------
    measure : Discrete, Mixture or frozen SciPy distribution on the line
    edges : array_like, shape (m,)
        Strictly increasing. -inf in front and inf at the end may be written or left out.

    Returns
    -------
    ndarray, shape (m + 1,)
        One probability a cell, with m the number of finite edges. Fractions (an object array)
        where the measure's weights are fractions, float64 otherwise.

    Raises
    ------
    ValueError
        If the edges are NaN or do not increase, or the measure has no cdf on the line.

    Notes
    -----
    Above the median the cells come from the survival function, so that the upper tail is as
    accurate as the lower one.

    Examples
    --------
    >>> from scipy import stats
    >>> prob(stats.norm(), [-1, 0, 1]).round(4)
    array([0.1587, 0.3413, 0.3413, 0.1587])
    >>> from fractions import Fraction
    >>> [str(p) for p in prob(Discrete([0, 1, 2], [Fraction(1, 3)] * 3), [0.5])]
    ['1/3', '2/3']
    """
    if hasattr(measure, "prob"):
        return measure.prob(edges)
    on_line("measure", measure)
    edges = _interior(edges)
    below = np.concatenate(([0.0], measure.cdf(edges), [1.0]))
    if not hasattr(measure, "sf"):
        return np.diff(below)
    above = np.concatenate(([1.0], measure.sf(edges), [0.0]))
    return np.where(below[:-1] < 0.5, np.diff(below), -np.diff(above))


class Discrete:
    """A probability measure on finitely many points of the line.

    Parameters
    ----------
    atoms : array_like, shape (m,)
        Finite numbers, in any order; the weights of repeated atoms add up.
    weights : array_like, shape (m,)
        Non-negative with sum 1. Given as fractions, every probability stays exact.

    Attributes
    ----------
    atoms : ndarray, shape (k,)
        The distinct atoms, increasing.
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
    """

    def __init__(self, atoms, weights):
        atoms = check.array("atoms", atoms, ndim=1)
        weights = _probabilities("weights", weights)
        if atoms.shape != weights.shape:
            check.fail("weights", weights, f"as many as atoms ({atoms.size})")
        self.atoms, cell = np.unique(atoms, return_inverse=True)
        self.weights = _add_up(cell, weights, self.atoms.size)
        self._cdf = np.concatenate(([0.0], np.cumsum(self.weights.astype(float))))
        self._cdf /= self._cdf[-1]

    def __repr__(self):
        shown = (np.array2string(v.astype(str), threshold=8) for v in (self.atoms, self.weights))
        return f"Discrete({', '.join(shown)})".replace("'", "")

    def prob(self, edges):
        """Probability of each cell of the line cut at the edges; see `dpnotes.measures.prob`."""
        edges = _interior(edges)
        return _add_up(np.searchsorted(edges, self.atoms), self.weights, edges.size + 1)

    def cdf(self, x):
        """P(X <= x), an array of the shape of x."""
        return self._cdf[np.searchsorted(self.atoms, x, side="right")]

    def pmf(self, x):
        """P(X = x), an array of the shape of x; fractions where the weights are."""
        x = np.asarray(x, dtype=float)
        nearest = np.minimum(np.searchsorted(self.atoms, x), self.atoms.size - 1)
        return np.where(self.atoms[nearest] == x, self.weights[nearest], 0)

    def mean(self):
        """Expectation of a draw, a float."""
        return self.atoms @ self.weights.astype(float)

    def rvs(self, size=None, random_state=None):
        """Independent draws, of shape ``size``; one number where size is None."""
        rng = np.random.default_rng(random_state)
        # The last step is 1 exactly and u < 1, so the index stays in range.
        return self.atoms[np.searchsorted(self._cdf[1:], rng.random(size), side="right")]


class Mixture:
    """A mixture of probability measures on the line.

    Parameters
    ----------
    weights : array_like, shape (m,)
        Non-negative with sum 1; fractions stay exact.
    parts : sequence of m measures
        Each a `Discrete`, a `Mixture` or a frozen SciPy distribution on the line.

    Attributes
    ----------
    weights : ndarray, shape (k,)
    parts : list of k measures
        In normal form: mixtures inside the mixture are opened and all discrete parts are added
        up into one, so that updating a measure a thousand times does not nest a thousand deep.

    Raises
    ------
    ValueError
        If the lengths differ, the weights are no probabilities, or a part has no cdf on the line.

    Examples
    --------
    >>> from scipy import stats
    >>> half = Mixture([0.5, 0.5], [stats.norm(), Discrete([0], [1])])
    >>> half.cdf([-1e-9, 0]).round(4)
    array([0.25, 0.75])
    """

    def __init__(self, weights, parts):
        weights = _probabilities("weights", weights)
        parts = list(parts)
        if len(parts) != weights.size:
            check.fail("weights", weights, f"as many as parts ({len(parts)})")
        for i, part in enumerate(parts):
            on_line(f"parts[{i}]", part)
        flat = [pair for w, part in zip(weights, parts) for pair in _opened(w, part) if pair[0] > 0]
        atomic = [(w, part) for w, part in flat if isinstance(part, Discrete)]
        flat = [(w, part) for w, part in flat if not isinstance(part, Discrete)]
        if atomic:
            atoms = np.concatenate([part.atoms for _, part in atomic])
            masses = np.concatenate([scaled(w, part.weights) for w, part in atomic])
            flat.append((masses.sum(), Discrete(atoms, masses / masses.sum())))
        self.weights = _probabilities("weights", [w for w, _ in flat])
        self.parts = [part for _, part in flat]

    def __repr__(self):
        return f"Mixture({[str(w) for w in self.weights]}, {self.parts})"

    def prob(self, edges):
        """Probability of each cell of the line cut at the edges; see `dpnotes.measures.prob`."""
        cells = [scaled(w, prob(part, edges)) for w, part in zip(self.weights, self.parts)]
        return sum(cells) if exact(self) else sum(cell.astype(float) for cell in cells)

    def cdf(self, x):
        """P(X <= x), an array of the shape of x."""
        return sum(float(w) * part.cdf(x) for w, part in zip(self.weights, self.parts))

    def mean(self):
        """Expectation of a draw, a float."""
        return sum(float(w) * part.mean() for w, part in zip(self.weights, self.parts))

    def rvs(self, size=None, random_state=None):
        """Independent draws, of shape ``size``; one number where size is None."""
        rng = np.random.default_rng(random_state)
        ends = np.cumsum(self.weights.astype(float))
        which = np.searchsorted(ends / ends[-1], rng.random(size), side="right")
        draws = np.empty(np.shape(which))
        for i, part in enumerate(self.parts):
            chosen = which == i
            draws[chosen] = part.rvs(size=int(np.sum(chosen)), random_state=rng)
        return draws if size is not None else draws[()]


def on_line(name, measure):
    """Return the measure if it has ``rvs`` and a ``cdf`` on the line, else raise ValueError."""
    expected = "a measure with rvs and a cdf on the line, such as a frozen scipy.stats distribution"
    if not (callable(getattr(measure, "cdf", None)) and callable(getattr(measure, "rvs", None))):
        check.fail(name, measure, expected)
    try:
        ends = np.asarray(measure.cdf(np.array([-np.inf, np.inf])), dtype=float)
    except (TypeError, ValueError):
        check.fail(name, measure, expected)
    # A distribution in R^d answers with one number here, and one with bad parameters with NaN.
    if ends.shape != (2,) or not np.allclose(ends, [0, 1]):
        check.fail(name, measure, expected)
    return measure


def possible(measure, x):
    """Whether each x lies in the measure's support; shape and dtype as ``x == x``."""
    if isinstance(measure, Mixture):
        return np.any([possible(part, x) for part in measure.parts], axis=0)
    if hasattr(measure, "pmf"):
        return measure.pmf(x) > 0
    low, high = measure.support() if hasattr(measure, "support") else (-np.inf, np.inf)
    return (low <= x) & (x <= high)


def exact(measure):
    """Whether the probabilities of the measure are fractions."""
    if isinstance(measure, Mixture):
        return measure.weights.dtype == object and all(map(exact, measure.parts))
    return isinstance(measure, Discrete) and measure.weights.dtype == object


def numbers(name, value):
    """Return value as a non-empty vector: of fractions if it holds any and no floats, else float64."""
    raw = np.asarray(value)
    if raw.dtype == object and raw.ndim == 1 and all(isinstance(v, Rational) for v in raw):
        # Through int, because NumPy's integers are rational too but overflow.
        exact = [Fraction(int(v.numerator), int(v.denominator)) for v in raw]
        return np.array(exact, dtype=object)
    return check.array(name, value, ndim=1)


def _probabilities(name, value):
    weights = numbers(name, value)
    total = weights.sum()
    tolerance = 0 if weights.dtype == object else 1e-9
    if (weights < 0).any() or abs(total - 1) > tolerance:
        check.fail(name, value, f"numbers >= 0 with sum 1, not {total}")
    return weights / total


def _interior(edges):
    """The finite edges, checked; outer infinite ones are optional."""
    try:
        inner = np.asarray(edges, dtype=float)
    except (TypeError, ValueError):
        check.fail("edges", edges, "an array of numbers")
    if inner.ndim != 1 or np.isnan(inner).any() or not (inner[1:] > inner[:-1]).all():
        check.fail("edges", edges, "a one-dimensional array that increases strictly, without NaN")
    return inner[np.isfinite(inner)]


def _add_up(cell, weights, n_cells):
    """Sum of the weights in each cell, exact where the weights are."""
    if weights.dtype != object:
        return np.bincount(cell, weights, n_cells)
    sums = np.full(n_cells, Fraction(0), dtype=object)
    np.add.at(sums, cell, weights)
    return sums


def scaled(weight, values):
    """Return weight * values: fractions if both are exact and float64 otherwise."""
    if isinstance(weight, Rational) and values.dtype == object:
        return weight * values
    return float(weight) * values.astype(float)


def _opened(weight, part):
    """The mixture's parts with their weights in the whole, or the part itself."""
    if not isinstance(part, Mixture):
        return [(weight, part)]
    return list(zip(scaled(weight, part.weights), part.parts))
