"""The Dirichlet process: its finite-dimensional laws, its posterior, its urn."""

import math
from collections.abc import Sequence
from fractions import Fraction
from math import prod
from numbers import Integral, Rational
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from . import _validate as check
from . import crp, measures, sticks
from ._deprecated import keyword_only
from ._numbers import NEAR, average_log, stirling_remainder
from ._types import Floats, Numbers, NumbersLike, RNGLike, Size


class Dirichlet:
    """The Dirichlet distribution, parameters equal to 0 allowed.

    Parameters
    ----------
    a : array_like, shape (r,)
        Numbers >= 0, not all 0. A coordinate with parameter 0 is 0 almost surely.
        Given as fractions, every moment stays exact.

    Attributes
    ----------
    a : ndarray, shape (r,)
        The parameters: fractions (an object array) or float64.

    Raises
    ------
    ValueError
        If a parameter is negative or not finite, or all are 0.

    Notes
    -----
    The methods are those of a frozen ``scipy.stats.dirichlet``, which refuses zeros.

    Implements: DP-0014, DP-0017, DP-0018, DP-0015, DP-0021, DP-0023, DP-0024.

    References
    ----------
    T. S. Ferguson (1973), A Bayesian analysis of some nonparametric problems, Annals of
    Statistics 1(2), 209-230.

    Examples
    --------
    >>> law = Dirichlet([Fraction(1), Fraction(2), Fraction(0)])
    >>> [str(m) for m in law.mean()]
    ['1/3', '2/3', '0']
    >>> str(law.moment([2, 1, 0]))
    '1/15'
    """

    a: Numbers

    def __init__(self, a: NumbersLike) -> None:
        self.a = measures.numbers("a", a)
        if (self.a < 0).any() or not (self.a > 0).any():
            check.fail("a", a, "numbers >= 0, not all 0")
        with np.errstate(over="ignore"):
            huge = self.a.sum() > np.finfo(float).max
        if huge or ((self.a > 0) & (self.a.astype(float) == 0)).any():
            check.fail("a", a, "numbers that floats can hold, and their sum")

    def __repr__(self) -> str:
        return f"Dirichlet({[str(a) for a in self.a]})"

    def mean(self) -> Numbers:
        """Expectation, shape (r,)."""
        return self.a / self.a.sum()

    def var(self) -> Numbers:
        """Variance of each coordinate, shape (r,)."""
        m = self.mean()
        return m * (1 - m) / (1 + self.a.sum())

    def cov(self) -> Numbers:
        """Covariance matrix, shape (r, r); its rows sum to 0."""
        check.room("a", self.a, self.a.size**2)
        m = self.mean()
        return (np.diag(m) - np.outer(m, m)) / (1 + self.a.sum())

    def moment(self, powers: ArrayLike) -> float | Fraction:
        """Expectation of the product of g_k ** powers_k.

        Parameters
        ----------
        powers : array_like of int, shape (r,)
            Each >= 0, with sum at most 10**4.

        Returns
        -------
        Fraction or float
            A product of rising factorials over one: prod_k a_k^[m_k] / a_0^[m].
        """
        each = check.powers("powers", powers, self.a.size)
        check.within("powers", powers, sum(each), check.EXACT, "factors")
        top = [a + j for a, m in zip(self.a.tolist(), each) for j in range(m)]
        total = sum(self.a.tolist())
        # Factor by factor, because the products alone may overflow.
        return prod((a / (total + j) for j, a in enumerate(top)), start=total / total)

    def logpdf(self, g: ArrayLike) -> Floats:
        """Log density at points of the simplex.

        Parameters
        ----------
        g : array_like, shape (..., r)
            Non-negative with sum 1.

        Returns
        -------
        ndarray, shape (...)
            With respect to Lebesgue measure of all but the last of the coordinates whose
            parameter is positive; -inf where a coordinate with parameter 0 is not 0, and where
            one with a parameter above 1 is 0, whatever the others are.
        """
        rows = check.array("g", g)
        if rows.shape[-1:] != self.a.shape or rows.min() < 0 or not np.allclose(rows.sum(-1), 1):
            check.fail("g", g, f"{self.a.size} numbers >= 0 with sum 1 in each row")
        live = self.a > 0
        a = self.a[live].astype(float)
        density = _log_density(a, rows[..., live])
        return np.where((rows[..., ~live] > 0).any(-1), -np.inf, density)

    def rvs(self, size: Size = None, random_state: RNGLike = None) -> Floats:
        """Independent draws, shape (size, r); one vector of shape (r,) where size is None."""
        rng = check.rng("random_state", random_state)
        shape = check.size("size", size, each=self.a.size)
        live = self.a > 0
        # NumPy switches from gammas to beta sticks where small parameters make gammas underflow.
        draws = rng.dirichlet(self.a[live].astype(float), shape)
        result = np.zeros((*draws.shape[:-1], self.a.size))
        result[..., live] = draws
        return result

    def merge(self, groups: ArrayLike) -> "Dirichlet":
        """Law of the sums over groups of coordinates.

        Parameters
        ----------
        groups : array_like of int, shape (r,)
            Group of each coordinate; every one of 0..s-1 occurs.

        Returns
        -------
        Dirichlet
            With the s sums of parameters.
        """
        group = check.labels("groups", groups)
        if group.size != self.a.size:
            check.fail("groups", groups, f"one group for each of {self.a.size} coordinates")
        # 32-bit platforms count only their own integers.
        return Dirichlet(measures.add_up(group.astype(np.intp), self.a, int(group.max()) + 1))

    def posterior(self, counts: ArrayLike) -> "Dirichlet":
        """Law of g given how many of the draws from it fell in each cell.

        Parameters
        ----------
        counts : array_like of int, shape (r,)
            Each >= 0, and 0 where the parameter is 0.

        Returns
        -------
        Dirichlet
        """
        found = np.array(check.powers("counts", counts, self.a.size), dtype=object)
        if (found[self.a == 0] > 0).any():
            check.fail("counts", counts, "0 in every cell of probability 0")
        return Dirichlet(self.a + found)


@np.errstate(under="ignore", over="ignore")
def _log_density(a: Floats, g: Floats) -> Floats:
    """log of Gamma(sum a) prod g^(a - 1) / Gamma(a).

    log Gamma(a) and a log g are of the order of a log a; with Stirling's series for the gammas
    brought to the powers of g, what is left is of the order of the result.
    """
    total, edge = a.sum(), g == 0
    safe = np.where(edge, a / total, g)
    # What the row has over 1, exactly: it counts as often as there is total mass.
    excess = [math.fsum([*row, -1.0]) for row in g.reshape(-1, a.size).tolist()]
    off = _deviance(a, total * safe) + np.log(safe) + _log_stirling(a)
    # A power 0^0 is 1.
    off = np.where(edge, -np.log(total), off)
    density = _log_stirling(total) + total * np.reshape(excess, g.shape[:-1]) - off.sum(-1)
    # Of powers 0^p, those with p > 0 decide.
    density = np.where((edge & (a < 1)).any(-1), np.inf, density)
    return np.where((edge & (a > 1)).any(-1), -np.inf, density)


def _log_stirling(z: Any) -> Any:
    """log Gamma(z) - z log z + z."""
    from scipy.special import gammaln

    far = np.maximum(z, NEAR)
    far = np.log(2 * np.pi / far) / 2 + stirling_remainder(far)
    near = np.minimum(z, NEAR)
    # Over Gamma(1 + z), which SciPy has for the smallest z too.
    near = gammaln(1 + near) - (1 + near) * np.log(near) + near
    return np.where(z < NEAR, near, far)


def _deviance(x: Floats, mean: Floats) -> Floats:
    """x log(x / mean) - x + mean, to its own digits also where x is close to the mean."""
    difference = x - mean
    near = abs(difference) < 0.1 * mean
    close = difference * average_log(np.where(near, difference / mean, 0))
    return np.where(near, close, x * (np.log(x) - np.log(mean)) - difference)


class DirichletProcess:
    """The Dirichlet process DP(alpha, H) on the line or R^d.

    Parameters
    ----------
    alpha : float or Fraction
        Concentration, finite and > 0.
    base : measure
        H: any frozen ``scipy.stats`` distribution on the line or R^d, `Discrete` or `Mixture`.

    Attributes
    ----------
    alpha, base
        As given.

    Raises
    ------
    ValueError
        If alpha is not a finite number > 0, or the base is no measure or has no cdf on the line.

    Notes
    -----
    With a rational alpha (int or Fraction) and a discrete base of fractions every probability
    and moment is a fraction too.

    Implements: DP-0027, DP-0032, DP-0035, DP-0028, DP-0045, DP-0049.

    References
    ----------
    T. S. Ferguson (1973), A Bayesian analysis of some nonparametric problems, Annals of
    Statistics 1(2), 209-230.

    Examples
    --------
    >>> from scipy import stats
    >>> dp = DirichletProcess(2, stats.norm())
    >>> law = dp.marginal([-1, 1])
    >>> law.mean().round(4)
    array([0.1587, 0.6827, 0.1587])
    >>> dp.posterior([0.5, 0.5, 3.0]).marginal([-1, 1]).mean().round(4)
    array([0.0635, 0.6731, 0.2635])
    >>> plane = DirichletProcess(2, stats.multivariate_normal([0, 0]))
    >>> plane.posterior([[1, 2], [1, 2]]).marginal([[0], [0]]).a.round(4)
    array([0.5, 0.5, 0.5, 2.5])
    """

    alpha: float | Fraction
    base: Any

    def __init__(self, alpha: float | Fraction, base: measures.Measure) -> None:
        self.alpha = check.positive("alpha", alpha)
        if isinstance(alpha, (Integral, Fraction)):
            self.alpha = alpha if isinstance(alpha, Fraction) else int(alpha)
        self.base, self._shape = base, measures.point_shape("base", base)

    def __repr__(self) -> str:
        return f"DirichletProcess({self.alpha}, {self.base!r})"

    def marginal(self, edges: ArrayLike | Sequence[ArrayLike]) -> Dirichlet:
        """Law of (G(A_1), ..., G(A_r)) for the cells of the space cut at the edges.

        Parameters
        ----------
        edges : array_like, shape (r - 1,)
            Strictly increasing; the cells are (-inf, e_1], (e_1, e_2], ..., (e_{r-1}, inf).
            In R^d a sequence of d such arrays, whose grid has the boxes A_k in the order of
            NumPy: the last axis runs fastest.

        Returns
        -------
        Dirichlet
            With parameters alpha * H(A_k), 0 where H(A_k) = 0. For their accuracy in R^d see
            `dpnotes.measures.prob`.

        Raises
        ------
        ValueError
            If the edges are NaN or do not increase, or the base cannot tell the probability of
            a box in R^d.
        """
        cells = measures.prob(self.base, edges)
        return Dirichlet(measures.scaled(self.alpha, cells.ravel()))

    def posterior(self, theta: ArrayLike) -> "DirichletProcess":
        """Law of G given draws from it, again a Dirichlet process.

        Parameters
        ----------
        theta : array_like, shape (n,) or (n, d)
            Values drawn from G; a single one may come alone.

        Returns
        -------
        DirichletProcess
            With concentration alpha + n and base alpha / (alpha + n) H plus weight
            1 / (alpha + n) on each value: a `Discrete` if H is one, else a `Mixture`.

        Raises
        ------
        ValueError
            If theta is empty, not finite, or outside the support of the base.

        Notes
        -----
        Implements: DP-0045.
        """
        drawn = measures.points("theta", theta, self._shape)
        inside = measures.possible(self.base, drawn)
        if not inside.all():
            i = int(np.argmin(inside))
            expected = "a value in the support of the base measure"
            check.fail(f"theta[{i}]", drawn[i].tolist(), expected)
        n, total = len(drawn), self.alpha + len(drawn)
        values, counts = np.unique(drawn, axis=0, return_counts=True)
        share: NumbersLike
        weights: NumbersLike
        if isinstance(self.alpha, Rational) and measures.exact(self.base):
            share = [Fraction(int(count), n) for count in counts]
            weights = [Fraction(self.alpha) / total, Fraction(n) / total]
        else:
            share, weights = counts / n, [float(self.alpha / total), float(n / total)]
        base = measures.Mixture(weights, [self.base, measures.Discrete(values, share)])
        return DirichletProcess(total, base if len(base.parts) > 1 else base.parts[0])

    def predictive(self) -> Any:
        """Law of the next draw from G, which is the base measure: P(theta in B) = H(B).

        After `posterior` this is the urn's rule: alpha / (alpha + n) H and 1 / (alpha + n) on
        each value seen.

        Returns
        -------
        measure

        Notes
        -----
        Implements: DP-0035, DP-0049.
        """
        return self.base

    @np.errstate(under="ignore")
    @keyword_only("rng")
    def sample_urn(self, n: int, *, rng: RNGLike = None) -> Floats:
        """Draw theta_1, ..., theta_n from a G that is itself drawn from the process.

        Parameters
        ----------
        n : int
            Number of draws, from 1 to 2**25.
        rng : seed or numpy.random.Generator

        Returns
        -------
        ndarray, shape (n,) or (n, d)

        Raises
        ------
        ValueError
            If n is not an integer from 1 to 2**25, or in R^d n d exceeds 2**27 (1 GB).

        Notes
        -----
        Each table of the restaurant gets one independent draw from H. Where H has atoms two
        tables may share a value, and the rule of the urn holds all the same.

        Implements: DP-0049, DP-0070.

        References
        ----------
        D. Blackwell and J. B. MacQueen (1973), Ferguson distributions via Polya urn schemes,
        Annals of Statistics 1(2), 353-355.

        Examples
        --------
        >>> from scipy import stats
        >>> theta = DirichletProcess(2, stats.norm()).sample_urn(1000, rng=1)
        >>> theta.shape, len(set(theta.tolist())) < 50
        ((1000,), True)
        """
        rng, n = check.rng("rng", rng), check.integer("n", n)
        check.room("n", n, n * prod(self._shape))
        labels = crp.sample(n, float(self.alpha), rng=rng)
        return measures.sample(self.base, int(labels.max()) + 1, self._shape, rng)[labels]

    @np.errstate(under="ignore")
    @keyword_only("rng", "tol")
    def sample_measure(self, *, rng: RNGLike = None, tol: float = 1e-6) -> measures.Discrete:
        """Draw G itself, all but a remainder of at most tol.

        Parameters
        ----------
        rng : seed or numpy.random.Generator, optional
        tol : float
            In (0, 1). The measure returned, call it G_T, differs from a draw G of the process
            by at most tol in every event: abs(G_T(A) - G(A)) <= tol for all A at once.

        Returns
        -------
        Discrete
            The sticks up to a remainder of at most tol, and one more atom that takes it.

        Raises
        ------
        ValueError
            If tol is not in (0, 1).

        Notes
        -----
        The number of atoms is 2 plus a Poisson variable with mean alpha log(1 / tol).

        Implements: DP-0158, DP-0155.

        References
        ----------
        J. Sethuraman (1994), A constructive definition of Dirichlet priors, Statistica Sinica
        4, 639-650.

        Examples
        --------
        >>> from scipy import stats
        >>> g = DirichletProcess(2, stats.norm()).sample_measure(rng=1, tol=1e-3)
        >>> len(g.atoms) < 40, round(float(g.weights.sum()), 9)
        (True, 1.0)
        """
        rng = check.rng("rng", rng)
        weights = sticks.sample_until(float(self.alpha), tol, rng=rng)
        atoms = measures.sample(self.base, weights.size, self._shape, rng)
        return measures.Discrete(atoms, weights)


def joint_prob(
    theta: ArrayLike, alpha: float | Fraction, base: measures.Discrete
) -> float | Fraction:
    """Probability that the first draws of the urn are exactly these, for a discrete base.

    Parameters
    ----------
    theta : array_like, shape (n,) or (n, d)
        Values, in the order drawn.
    alpha : float or Fraction
        Concentration, finite and > 0.
    base : Discrete
        H; with weights and alpha given as fractions the result is a fraction.

    Returns
    -------
    Fraction or float
        Product over i of (alpha H({theta_i}) + number of earlier equal values) / (alpha + i - 1).

    Raises
    ------
    ValueError
        If theta is empty, not finite or of more than 10**4 values, alpha is not > 0, or the base
        is not discrete.

    Notes
    -----
    Implements: DP-0048, DP-0050, DP-0051.

    References
    ----------
    D. Blackwell and J. B. MacQueen (1973), Ferguson distributions via Polya urn schemes,
    Annals of Statistics 1(2), 353-355.

    Examples
    --------
    >>> coin = measures.Discrete([0, 1], [Fraction(1, 2)] * 2)
    >>> str(joint_prob([0, 1, 0], 1, coin)), str(joint_prob([1, 0, 0], 1, coin))
    ('1/16', '1/16')
    """
    concentration: Any = check.rational("alpha", alpha)
    if not isinstance(base, measures.Discrete):
        check.fail("base", base, "a dpnotes.measures.Discrete")
    drawn = measures.points("theta", theta, base.atoms.shape[1:])
    check.within("theta", theta, len(drawn), check.EXACT, "values")
    kind = np.unique(drawn, axis=0, return_inverse=True)[1].ravel()
    order = np.argsort(kind, kind="stable")
    place = np.arange(len(drawn))
    copies = np.empty_like(place)
    copies[order] = place - np.searchsorted(kind[order], kind[order])
    with np.errstate(under="ignore"):
        weights = concentration * base.pmf(drawn) + copies
        return prod((weights / (concentration + place)).tolist())
