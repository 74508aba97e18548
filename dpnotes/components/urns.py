"""Categories, and rows of counts of categories: probabilities with a Dirichlet prior."""

import copy
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .. import _validate as check
from .._numbers import (
    digamma_step,
    factorial_excess,
    log_poisson_power,
    log_polya,
    log_polya_share,
    log_ratio,
    stirling_excess,
    sums_by_cluster,
)
from .._types import Floats, RNGLike
from .family import OfCells, check_cells
from .gaussian import LARGEST, SMALLEST, TINY, _scales
from .one_parameter import FEW, LARGE, LOST, SLIGHTLY, check_digits

SUMS_TO_ONE = 1e-8  # a row of probabilities may miss it by so much


class _Urn(OfCells):
    """Probabilities of categories, in rows that sum to one each: alpha has shape (r, L).

    Theta holds them, row after row, q = r L. They and what depends on them alone have natural
    parameters log p.
    """

    _walks = False

    def __init__(self, alpha: ArrayLike) -> None:
        self.alpha = np.array(_scales("alpha", alpha))
        if self.alpha.ndim not in (1, 2) or self.alpha.min() <= 0 or self.alpha.shape[-1] < 2:
            check.fail("alpha", alpha, f"numbers > 0, {self._rows_of_alpha}")
        self._prior = self.alpha.reshape(-1, self.alpha.shape[-1])
        self.n_parameters = self.alpha.size

    _rows_of_alpha = "an array of shape (L,) or (d, L) with L >= 2"

    def _tallies(self, s: Floats) -> Floats:
        """Return the number of each category, shape (..., r, L), that statistics hold."""
        counts = s[..., 1 : 1 + self.alpha.size].reshape(*s.shape[:-1], *self._prior.shape)
        if (counts < -SLIGHTLY * self._prior).any():
            check.fail("s", s, "sums of features of points that the family takes")
        return np.maximum(counts, 0)

    def _posterior(self, s: ArrayLike) -> Floats:
        """Return alpha given s, shape (K, r, L)."""
        return self._prior + self._tallies(self._rows(s))

    def sample(self, s: ArrayLike, rng: RNGLike = None) -> Floats:
        """Draw the probabilities given each row of s: shape (K, q)."""
        rng, alpha = check.rng("rng", rng), self._posterior(s)
        # Gamma variables by their logarithms: of a small shape, most are below the smallest float.
        with np.errstate(over="ignore"):
            logs = np.log(rng.standard_gamma(alpha + 1))
            logs = logs - rng.standard_exponential(alpha.shape) / alpha
        logs = np.maximum(logs - logs.max(axis=-1, keepdims=True), np.log(SMALLEST))
        p = np.exp(logs)
        return np.clip(p / p.sum(axis=-1, keepdims=True), SMALLEST, 1).reshape(
            len(p), self.n_parameters
        )

    def _inside(self, theta: Floats) -> NDArray[np.bool_]:
        p = theta.reshape(-1, *self._prior.shape)
        whole = np.abs(p.sum(axis=-1) - 1) < SUMS_TO_ONE
        return whole.all(axis=1) & (p > 0).all(axis=(1, 2))

    def _checked(self, theta: ArrayLike) -> Floats:
        theta = self._parameters(theta)
        if not self._inside(theta).all():
            check.fail("theta", theta, "probabilities > 0 that sum to 1")
        return np.maximum(theta, SMALLEST)

    def _expected_logs(self, s: ArrayLike) -> Floats:
        """Return the mean of log p under the posterior given s: shape (K, q)."""
        alpha = self._posterior(s)
        rest = np.maximum(alpha.sum(axis=-1, keepdims=True) - alpha, 0)
        return -digamma_step(alpha, rest).reshape(len(alpha), self.n_parameters)

    def log_prior(self, theta: ArrayLike) -> Floats:
        """Return the log density of H, of all but the last probability in a row: shape (K,)."""
        theta = self._parameters(theta)
        inside = self._inside(theta)
        result = np.full(len(theta), -np.inf)
        p, sums = self._checked(theta[inside]), self._prior.sum(axis=-1, keepdims=True)
        with np.errstate(over="ignore", under="ignore"):
            share = log_ratio(p, np.maximum(self._prior / sums, TINY).ravel())
            terms = self._prior.ravel() * share - np.log(p)
        const = stirling_excess(sums).sum() - stirling_excess(self._prior).sum()
        result[inside] = const + terms.sum(axis=1)
        return result


class CategoricalDirichlet(_Urn):
    """Columns of codes 0, 1, ..., L - 1, each with unknown probabilities.

    p_j ~ Dirichlet(alpha_j) and x_j | p_j ~ Categorical(p_j), independent for each column j.

    Parameters
    ----------
    alpha : array_like of shape (L,) or (d, L)
        How many of each code the prior of a column is worth, > 0; one row a column. Columns with
        different numbers of codes make a :class:`Product`.

    Raises
    ------
    ValueError
        If an alpha is not > 0 or there are fewer than two codes.

    Notes
    -----
    Features are 1 and, for each column, which code it has: p = 1 + d L. Theta holds the
    probabilities of the codes, one column after another, q = d L.

    Implements: DP-0228.

    Examples
    --------
    >>> from dpnotes.components import CategoricalDirichlet
    >>> family = CategoricalDirichlet(alpha=[1, 1, 1])
    >>> s = family.features([0, 2, 2]).sum(axis=0)
    >>> s.tolist()
    [3.0, 1.0, 0.0, 2.0]
    >>> float(family.log_marginal(s).round(4))  # log of 1/30
    -3.4012
    """

    def __init__(self, alpha: ArrayLike) -> None:
        super().__init__(alpha)
        self.dim, self.n_features = len(self._prior), 1 + self.alpha.size

    def _check_cells(self, name: str, x: Floats, first: int = 0, column: int = 0) -> None:
        last = self._prior.shape[1] - 1
        right = (x >= 0) & (x <= last) & (x == np.floor(x))
        check_cells(name, x, right, f"a code: an integer from 0 to {last}", first, column)

    def features(self, x: ArrayLike) -> Floats:
        """Return the features of each row: shape (n, p)."""
        x = self._points(x)
        found = x[:, :, None] == np.arange(self._prior.shape[1])
        return np.column_stack([np.ones(len(x)), found.reshape(len(x), -1)])

    def log_marginal(self, s: ArrayLike) -> Floats:
        """Return the log marginal likelihood of data with statistics s, shape (...)."""
        value: Floats = log_polya(self._prior, self._tallies(self._statistics(s))).sum(axis=-1)
        return value

    def log_predictive(self, x: ArrayLike, s: ArrayLike) -> Floats:
        """Return the log density of each x (n, d) given statistics s (K, p): shape (n, K)."""
        alpha = self._posterior(s)
        log_share = np.log(alpha) - np.log(alpha.sum(axis=-1, keepdims=True))
        return self.features(x)[:, 1:] @ log_share.reshape(len(alpha), self.n_parameters).T

    def log_likelihood(self, x: ArrayLike, theta: ArrayLike) -> Floats:
        """Return log f(x_i | theta_k), shape (n, K), for x (n, d) and theta (K, q).

        -inf where theta holds no probabilities: a walk may propose such.
        """
        features, theta = self.features(x), self._parameters(theta)
        inside = self._inside(theta)
        result = np.full((len(features), len(theta)), -np.inf)
        result[:, inside] = features @ self.natural(theta[inside]).T
        return result

    def sample_data(self, theta: ArrayLike, rng: RNGLike = None) -> Floats:
        """Draw one observation from F(theta) for each row of theta: shape (n, d)."""
        theta, rng = self._checked(theta), check.rng("rng", rng)
        sums = np.cumsum(theta.reshape(-1, *self._prior.shape), axis=-1)
        u = rng.random((*sums.shape[:2], 1)) * sums[..., -1:]
        return (sums[..., :-1] <= u).sum(axis=-1).astype(float)

    def natural(self, theta: ArrayLike) -> Floats:
        """Return w, shape (K, p), with log f(x | theta) = features(x) @ w.T."""
        theta = self._checked(theta)
        return np.column_stack([np.zeros(len(theta)), np.log(theta)])

    def expected_natural(self, s: ArrayLike) -> Floats:
        """Return the mean of ``natural(theta)`` under the posterior given s: shape (K, p)."""
        logs = self._expected_logs(s)
        return np.column_stack([np.zeros(len(logs)), logs])


class MultinomialDirichlet(_Urn):
    """Rows of counts of categories, as words in documents, with unknown probabilities.

    p ~ Dirichlet(alpha) and x | p ~ Multinomial(N, p), with N the sum of the row, which is given.

    Parameters
    ----------
    alpha : array_like of shape (d,)
        How many of each category the prior is worth, > 0; at least two.
    total : int, optional
        The sum N of a row that ``sample_data`` draws, >= 0, and so ``DPMixture.sample``. No fit
        depends on it; replicated data have the sums of the observed rows.

    Raises
    ------
    ValueError
        If an alpha is not > 0, there are fewer than two categories, or total is no integer >= 0.

    Notes
    -----
    Features are [1, x, log f(x | r)], p = 2 + d, with reference probabilities r, which are the
    prior mean: see :class:`PoissonGamma`. Theta holds the probabilities, q = d.

    Implements: DP-0228.

    Examples
    --------
    >>> from dpnotes.components import MultinomialDirichlet
    >>> family = MultinomialDirichlet(alpha=[1, 1, 1])
    >>> s = family.features([[2, 0, 1], [0, 0, 1]]).sum(axis=0)
    >>> float(family.log_marginal(s).round(4))  # log of 3 * 1/90
    -3.4012
    """

    common = 1
    _few = FEW
    _rows_of_alpha = "an array of shape (d,) with d >= 2"

    def __init__(self, alpha: ArrayLike, total: int = 1) -> None:
        super().__init__(alpha)
        if self.alpha.ndim != 1:
            check.fail("alpha", alpha, f"numbers > 0, {self._rows_of_alpha}")
        self.total = check.integer("total", total, 0)
        self.dim, self.n_features = len(self.alpha), 2 + len(self.alpha)
        with np.errstate(under="ignore"):
            self._reference = np.maximum(self.alpha / self.alpha.sum(), SMALLEST)

    def _check_cells(self, name: str, x: Floats, first: int = 0, column: int = 0) -> None:
        right = (x >= 0) & (x == np.floor(x)) & (x <= LARGEST)
        check_cells(name, x, right, "a count: an integer >= 0", first, column)

    def _about(self, counts: Floats) -> Self:
        """Return the same family with densities relative to the shares of these, (d,) or (K, d)."""
        some = counts + SLIGHTLY * counts.sum(axis=-1, keepdims=True) + SMALLEST
        return self._relative_to(some / some.sum(axis=-1, keepdims=True))

    def _relative_to(self, reference: Floats) -> Self:
        family = copy.copy(self)
        family._reference, family._few = reference, LOST
        return family

    def _near(self, x: Floats) -> Self:
        """Return the same family with densities relative to the shares in x."""
        return self._about(self._points(x).sum(axis=0))

    def _is_wide(self, x: Floats) -> bool:
        """Return whether densities of x are so far from the reference that they lose digits."""
        return bool(x.max() * np.abs(np.log(self._reference)).max() > LARGE)

    def _sums(self, x: Floats, sets: NDArray[Any], K: int) -> tuple[Self, Floats]:
        """Return the statistics of K sets of points, each relative to its own shares."""
        sets = sets.astype(np.intp)
        family = self._about(sums_by_cluster(x, sets, K))
        return family, sums_by_cluster(family._relative(x, family._reference[sets]), sets, K)

    def features(self, x: ArrayLike) -> Floats:
        """Return the features of each row: shape (n, p)."""
        return self._relative(self._points(x), self._reference)

    def _relative(self, x: Floats, shares: Floats) -> Floats:
        return np.column_stack([np.ones(len(x)), x, _log_multinomial(x, shares)])

    def log_marginal(self, s: ArrayLike) -> Floats:
        """Return the log marginal likelihood of data with statistics s, shape (...)."""
        s = self._statistics(s)
        counts = self._tallies(s)[..., 0, :]
        means = self._reference * counts.sum(axis=-1, keepdims=True)
        value: Floats = log_polya_share(self.alpha, counts) + s[..., -1]
        value = value - log_poisson_power(counts, means).sum(axis=-1)
        check_digits(s[..., -1], value, self._few)
        return value

    def log_predictive(self, x: ArrayLike, s: ArrayLike) -> Floats:
        """Return the log density of each x (n, d) given statistics s (K, p): shape (n, K)."""
        x, alpha = self._points(x), self._posterior(s)[:, 0]
        relative = [log_polya_share(a, x) for a in alpha]
        return np.reshape(relative, (len(alpha), len(x))).T + _log_excess(x)[:, None]

    def log_likelihood(self, x: ArrayLike, theta: ArrayLike) -> Floats:
        """Return log f(x_i | theta_k), shape (n, K), for x (n, d) and theta (K, q).

        -inf where theta holds no probabilities: a walk may propose such.
        """
        x, theta = self._points(x), self._parameters(theta)
        inside = self._inside(theta)
        result = np.full((len(x), len(theta)), -np.inf)
        theta, total = self._checked(theta[inside]), x.sum(axis=1, keepdims=True)
        pairs = zip(x.T[:, :, None], theta.T, strict=True)
        columns = sum(_log_power(count, p * total) for count, p in pairs)
        result[:, inside] = columns + _log_excess(x)[:, None]
        return result

    def _given(self, x: Floats) -> Self:
        """Return the same family, whose draws have the sums of these rows."""
        sums = x.sum(axis=1)
        if sums.max() > check.MOST:
            check.refuse(
                "x", f"a row with sum {sums.max():g}", "sums of at most 2**53 to replicate"
            )
        family = copy.copy(self)
        family.total = sums.astype(np.int64)
        return family

    def sample_data(self, theta: ArrayLike, rng: RNGLike = None) -> Floats:
        """Draw one observation from F(theta) for each row of theta: shape (n, d)."""
        theta, rng = self._checked(theta), check.rng("rng", rng)
        theta = theta / theta.sum(axis=1, keepdims=True)
        return rng.multinomial(self.total, theta).astype(float)

    def natural(self, theta: ArrayLike) -> Floats:
        """Return w, shape (K, p), with log f(x | theta) = features(x) @ w.T."""
        return self._weights(np.log(self._checked(theta)))

    def expected_natural(self, s: ArrayLike) -> Floats:
        """Return the mean of ``natural(theta)`` under the posterior given s: shape (K, p)."""
        return self._weights(self._expected_logs(s))

    def _weights(self, logs: Floats) -> Floats:
        K = len(logs)
        return np.column_stack([np.zeros(K), logs - np.log(self._reference), np.ones(K)])


def _log_multinomial(x: Floats, shares: Floats) -> Floats:
    """Return the log probability of each row of counts, whose sum is given: shape (n,)."""
    means = shares * x.sum(axis=1, keepdims=True)
    value: Floats = log_poisson_power(x, means).sum(axis=1) + _log_excess(x)
    return value


def _log_power(x: Floats, means: Floats) -> Floats:
    """Return the log of (mean / x)^x for counts x, 0 for none."""
    value: Floats = x * log_ratio(np.where(x > 0, means, 1.0), np.maximum(x, 1))
    return value


def _log_excess(x: Floats) -> Floats:
    """Return what is left of the log multinomial coefficients without powers: shape (n,)."""
    value: Floats = factorial_excess(x.sum(axis=1)) - factorial_excess(x).sum(axis=1)
    return value
