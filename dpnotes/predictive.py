"""Held up against data: the log score of rows held out, and data sets that a fit would replicate.

What is fitted is a chain, several chains, a mean-field approximation or an exact posterior.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from . import _record, crp, diagnostics
from . import _validate as check
from ._types import Floats, Ints, RNGLike
from .chains import Chain
from .components import Conditional, Generative, prior_draws
from .components.gaussian import Islands
from .exact import Posterior
from .meanfield import MeanField
from .mixture import DPMixture

FITTED = "a Chain, a list of chains of one model and as many draws, a MeanField or a Posterior"
LEAST = -np.finfo(float).max  # the logarithm of no float
TINY = np.finfo(float).tiny


@dataclass(frozen=True, eq=False, repr=False)
class Score:
    """The log score of rows held out.

    Attributes
    ----------
    rows : ndarray of shape (m,)
        Log predictive density of each row.
    error : float
        Monte Carlo standard error of ``mean``; 0 where no draws are used.
    """

    rows: Floats
    error: float

    @property
    def mean(self) -> float:
        """Mean log predictive density of the rows."""
        return float(self.rows.mean())

    def __repr__(self) -> str:
        return f"Score({self.mean:.4f} a row of {len(self.rows)}, standard error {self.error:.2g})"


def log_score(
    fitted: Chain | list[Chain] | MeanField | Posterior, x: ArrayLike, *, rng: RNGLike = None
) -> Score:
    """Return the mean log predictive density of rows that the fit has not seen.

    Parameters
    ----------
    fitted : Chain, list of Chain, MeanField or exact.Posterior
        Chains are of one model and have as many draws, at least 4.
    x : array_like of shape (m,) or (m, d)
        The rows held out, in the units of the fitted ones.
    rng : seed or numpy.random.Generator, optional
        Used only for chains of a family that is not conjugate.

    Returns
    -------
    Score

    Raises
    ------
    ValueError
        If an argument is out of range or the shapes do not match.

    Notes
    -----
    The densities of the draws are averaged before the logarithm is taken. The standard error is
    that of the mean over the draws of sum_j p(y_j | draw) / p(y_j) / m, where p is the average.
    Two scores of the same rows are compared by the differences of their ``rows``.
    Implements: DP-0218, DP-0220.

    References
    ----------
    Gneiting, T. and Raftery, A. E. (2007). Journal of the American Statistical Association 102,
    359-378.

    Examples
    --------
    >>> from dpnotes import datasets, exact, gibbs, predictive
    >>> from dpnotes.components import Gaussian
    >>> from dpnotes.mixture import DPMixture
    >>> model = DPMixture(1.0, Gaussian(mean=0, var=1, noise_var=0.01))
    >>> seen, unseen = datasets.neal()[::2], datasets.neal()[1::2]
    >>> predictive.log_score(exact.posterior(model, seen), unseen)
    Score(-0.8895 a row of 4, standard error 0)
    >>> chain = gibbs.collapsed(model, seen, 500, rng=1)
    >>> predictive.log_score(chain, unseen).error < 0.01
    True
    """
    if isinstance(fitted, (MeanField, Posterior)):
        return Score(fitted.predictive_logpdf(x), 0.0)
    runs, rng = _runs(fitted), check.rng("rng", rng)
    draws = np.array([run.predictive_draws(x, rng=rng) for run in runs])
    rows = np.logaddexp.reduce(draws, axis=(0, 1)) - np.log(draws.shape[0] * draws.shape[1])
    with np.errstate(under="ignore"):
        shares = np.exp(draws - np.maximum(rows, LEAST)).mean(axis=2)
    return Score(rows, diagnostics.mcse(shares))


def _runs(fitted: Any) -> list[Chain]:
    """Return chains as a list, of one model and of as many draws."""
    runs = fitted if isinstance(fitted, (list, tuple)) else [fitted]
    if not runs or not all(isinstance(run, Chain) for run in runs):
        check.fail("fitted", fitted, FITTED)
    first = runs[0]
    same = all(
        len(run) == len(first) and np.array_equal(run.x, first.x, equal_nan=True) for run in runs
    )
    if not same or len(first) < 4:
        check.fail("fitted", fitted, "chains of the same data and as many draws, at least 4")
    if not all(_record.same_model(first.model, run.model) for run in runs):
        check.fail("fitted", fitted, "chains of one model")
    return list(runs)


class _Draw(NamedTuple):
    """A draw of all unknowns, from which data can be replicated."""

    family: Any
    labels: Ints  # of the data
    theta: Floats  # of clusters
    share: Floats  # of each of them in G, then of all others together
    alpha: float  # of the process of the others


def _of_chain(chain: Chain, rng: np.random.Generator) -> Iterator[_Draw]:
    whole = chain if chain._has_theta() else chain.draw_theta(rng=rng)
    for t, theta in enumerate(whole._parameters()):
        labels, alpha = chain.labels[t].astype(np.intp), float(chain.alpha[t])
        share = rng.dirichlet(np.append(np.bincount(labels), alpha))
        yield _Draw(chain._family(t), labels, theta, share, alpha)


def _of_field(q: MeanField, x: ArrayLike, size: int, rng: np.random.Generator) -> Iterator[_Draw]:
    family: Any = check.model(_model_of(q), Conditional)
    drawn, s = family, q.statistics
    if isinstance(q.model.component, Islands):
        drawn, s = q.model.component.about_means(s)
    alpha = q.model.alpha
    for labels in q.sample_labels(x, size, rng=rng):
        v = np.append(rng.beta(*q.sticks.T), [1.0] * (len(q.statistics) - len(q.sticks)))
        left = np.append(1, np.cumprod(1 - v))
        share = np.append(v, 1) * left
        if q.alpha_posterior is not None:  # of the sticks beyond T, which have it in common
            shape, rate = q.alpha_posterior
            alpha = rng.gamma(shape) / rate
        yield _Draw(family, labels, drawn.sample(s, rng), share, alpha)


def _model_of(q: MeanField) -> DPMixture:
    """Return the model of a fit, from wherever it measures."""
    family = q.model.component
    return DPMixture(q.model.alpha, family.family) if isinstance(family, Islands) else q.model


def _replicate(draw: _Draw, x: Floats, kept: bool, rng: np.random.Generator) -> Floats:
    """Return new data with the gaps of the old, from their clusters or from G."""
    labels, theta = draw.labels, draw.theta
    if not kept:
        K = len(theta)
        labels = np.minimum(np.searchsorted(draw.share.cumsum(), rng.random(len(labels))), K)
        others = labels == K
        if others.any():
            labels[others] = K + crp.sample(int(others.sum()), draw.alpha, rng=rng)
            fresh = prior_draws(draw.family, int(labels.max()) + 1 - K, rng=rng)
            theta = np.concatenate([theta, fresh])
    family = draw.family
    if hasattr(family, "_given"):
        family = family._given(x)
    return np.where(np.isnan(x), np.nan, family.sample_data(theta[labels], rng))


def sample(
    fitted: Chain | list[Chain] | MeanField | Posterior, size: int, *, rng: RNGLike = None
) -> Floats:
    """Draw new rows from the predictive law of a fit.

    Each row is one more observation: of a draw of the fit taken at random, it joins a cluster or
    opens one of its own, whose parameter is drawn given its members, or from the base measure; a
    family that is not conjugate keeps the parameters of the draw. How many counts a row of
    :class:`dpnotes.components.MultinomialDirichlet` has is no part of the model: each has the
    ``total`` of the family of the fit, 1 unless it was given, and not that of a fitted row.

    Parameters
    ----------
    fitted : Chain, list of Chain, MeanField or exact.Posterior
        Chains are of one model and have as many draws, at least 4.
    size : int
        Number of rows.
    rng : seed or numpy.random.Generator, optional

    Returns
    -------
    ndarray of shape (size, d)
        In the units of the fitted rows; independent given the fit, their density is that of
        ``predictive_logpdf``.

    Raises
    ------
    ValueError
        If an argument is out of range, or the family makes no data.

    Examples
    --------
    >>> from dpnotes import datasets, gibbs, predictive
    >>> from dpnotes.components import Gaussian
    >>> from dpnotes.mixture import DPMixture
    >>> model = DPMixture(1.0, Gaussian(mean=0, var=1, noise_var=0.01))
    >>> chain = gibbs.collapsed(model, datasets.neal(), 500, rng=1)
    >>> predictive.sample(chain, 3, rng=1).shape
    (3, 1)
    """
    size, rng = check.integer("size", size), check.rng("rng", rng)
    check.room("size", size, size)
    if isinstance(fitted, MeanField):
        check.model(_model_of(fitted), Generative)
        return _rows_of_field(fitted, size, rng)
    if isinstance(fitted, Posterior):
        fitted = _exact_draws(fitted, size, rng)
        runs, which = [fitted], np.arange(size)
    else:
        runs = _runs(fitted)
        which = rng.integers(len(runs) * len(runs[0]), size=size)
    check.model(runs[0].model, Generative)
    result = np.empty((size, runs[0].x.shape[1]))
    for t in np.unique(which):
        mine = which == t
        run, draw = divmod(int(t), len(runs[0]))
        result[mine] = _rows_of_draw(runs[run][draw : draw + 1], int(mine.sum()), rng)
    return result


def _rows_of_draw(chain: Chain, size: int, rng: np.random.Generator) -> Floats:
    """Return rows that come next after those of a chain of one draw."""
    (part, family, flat), alpha = next(iter(chain._blocks())), float(chain.alpha[0])
    sizes = np.bincount(flat[0])
    where = rng.choice(len(sizes) + 1, size, p=np.append(sizes, alpha) / (flat.size + alpha))
    if isinstance(family, Conditional):
        reader, s = chain._statistics(family, flat, part)
        theta = _each_its_own(reader, s, where[where < len(sizes)], rng)
    else:
        theta = np.asarray(chain._parameters()[0])[where[where < len(sizes)]]
    return _observed(family, where < len(sizes), theta, rng)


def _rows_of_field(q: MeanField, size: int, rng: np.random.Generator) -> Floats:
    """Return rows of the predictive law under q."""
    family: Any = check.model(_model_of(q), Conditional)
    reader, s = family, q.statistics
    if isinstance(q.model.component, Islands):
        reader, s = q.model.component.about_means(s)
    share = np.append(q.weights, q.remainder)
    where = rng.choice(len(share), size, p=share / share.sum())
    theta = _each_its_own(reader, s, where[where < len(s)], rng)
    return _observed(family, where < len(s), theta, rng)


def _each_its_own(family: Any, s: Floats, where: Ints, rng: np.random.Generator) -> Floats:
    """Return a parameter of its own for each row, drawn given the members of its cluster."""
    first = np.argsort(where, kind="stable")
    turn = np.empty(len(where), np.intp)  # the how many-th row of its cluster
    turn[first] = np.arange(len(where)) - np.searchsorted(where[first], where[first])
    # A family measures each cluster from its own mean, so all are drawn together.
    tables = [family.sample(s, rng) for _ in range(turn.max(initial=0) + 1)]
    return np.array(tables)[turn, where]


def _observed(family: Any, old: Any, theta: Floats, rng: np.random.Generator) -> Floats:
    """Return an observation for each row: those of old clusters have theta, the others draw it."""
    fresh = prior_draws(family, len(old) - len(theta), rng=rng)
    every = np.empty((len(old), theta.shape[1]))
    every[old], every[~old] = theta, fresh
    result: Floats = family.sample_data(every, rng)
    return result


@dataclass(frozen=True, eq=False, repr=False)
class Check:
    """A statistic of the data beside those of the data sets that the fit replicates.

    Attributes
    ----------
    observed : float
        Of the data.
    replicated : ndarray of shape (chains, draws)
        Of a data set for each draw.
    """

    observed: float
    replicated: Floats

    @property
    def prob(self) -> float:
        """Posterior predictive tail probability: share of the replicates not below the data."""
        return float((self.replicated >= self.observed).mean())

    @property
    def error(self) -> float:
        """Monte Carlo standard error of ``prob``; 0 where all or none are below."""
        return diagnostics.mcse(self.replicated >= self.observed)

    def __repr__(self) -> str:
        low, high = np.quantile(self.replicated, [0.05, 0.95])
        return (
            f"Check(observed {self.observed:.4g}, replicated {low:.4g} to {high:.4g} (90%), "
            f"tail probability {self.prob:.3f}, standard error {self.error:.2g})"
        )


def posterior_check(
    fitted: Chain | list[Chain] | MeanField | Posterior,
    statistic: Callable[[Floats], float],
    *,
    x: ArrayLike | None = None,
    kept: bool = False,
    size: int = 1000,
    rng: RNGLike = None,
) -> Check:
    """Compare a statistic of the data with those of data that the fit replicates.

    Parameters
    ----------
    fitted : Chain, list of Chain, MeanField or exact.Posterior
        Chains are of one model and have as many draws, at least 4.
    statistic : function
        Of data of shape (n, d), a number.
    x : array_like of shape (n,) or (n, d), optional
        The data that were fitted; asked for with a MeanField, which does not hold them.
    kept : bool
        Whether each new point comes from the cluster of an old one. By default the new data are n
        more draws from G, in old clusters and in new ones.
    size : int
        Number of independent draws, >= 4, of a MeanField or a Posterior. A chain has its own.
    rng : seed or numpy.random.Generator, optional

    Returns
    -------
    Check

    Raises
    ------
    ValueError
        If an argument is out of range, the family makes no data, or the statistic is no number.

    Notes
    -----
    The tail probability is no p value that is uniform when the model is true: the data have been
    used for the fit, too, and it then lies nearer to 1/2. A small one is evidence against the
    model all the more; a middling one says only that the statistic shows nothing.
    Implements: DP-0221, DP-0222, DP-0223.

    References
    ----------
    Gelman, A., Meng, X.-L. and Stern, H. (1996). Statistica Sinica 6, 733-807.
    Meng, X.-L. (1994). The Annals of Statistics 22, 1142-1160.

    Examples
    --------
    >>> import numpy as np
    >>> from dpnotes import datasets, gibbs, predictive, tables
    >>> from dpnotes.components import NormalInverseGamma
    >>> from dpnotes.mixture import DPMixture
    >>> z = tables.standardise(datasets.galaxies())[0]
    >>> tails = lambda x: ((x - x.mean()) ** 4).mean() / x.var() ** 2  # 3 for a Gaussian
    >>> for alpha in (1e-99, 1.0):  # one Gaussian, and as many as it takes
    ...     model = DPMixture(alpha, NormalInverseGamma(mean=0, strength=0.1, shape=2, rate=0.1))
    ...     chain = gibbs.collapsed(model, z, 200, rng=1)
    ...     print(predictive.posterior_check(chain, tails, rng=1).prob < 0.01)
    True
    False
    """
    kept, rng = check.flag("kept", kept), check.rng("rng", rng)
    size = check.integer("size", size, 4)
    if not callable(statistic):
        check.fail("statistic", statistic, "a function of data of shape (n, d)")
    if isinstance(fitted, MeanField):
        if x is None:
            check.fail("x", x, "the data that were fitted, which a MeanField does not hold")
        family, model = fitted.model.component, _model_of(fitted)
        data = check.points("x", x, family.dim, check.gaps(family))
        n = fitted.statistics[:, 0].sum()
        if abs(len(data) - n) > 0.5:
            check.refuse("x", f"{len(data)} row(s)", f"the {n:.0f} that were fitted")
        draws = [_of_field(fitted, data, size, rng)]
    else:
        runs = [_exact_draws(fitted, size, rng)] if isinstance(fitted, Posterior) else _runs(fitted)
        if x is not None:
            check.fail("x", x, "None: the fit holds its data")
        data, model = runs[0].x, runs[0].model
        draws = [_of_chain(run, rng) for run in runs]
    check.model(model, Generative)
    observed = check.number("statistic", statistic(data))
    replicated = [
        [check.number("statistic", statistic(_replicate(draw, data, kept, rng))) for draw in each]
        for each in draws
    ]
    return Check(observed, np.array(replicated))


def _exact_draws(posterior: Posterior, size: int, rng: np.random.Generator) -> Chain:
    """Return independent draws of the partition as a chain."""
    rows = rng.choice(len(posterior.probs), size, p=posterior.probs)
    labels = posterior.labels[rows].astype(np.int32)
    return Chain(posterior.model, posterior.x, labels, np.full(size, posterior.model.alpha))


class Shape(NamedTuple):
    """Two statistics of a group of rows beside those of one Gaussian.

    Attributes
    ----------
    skewness, kurtosis : Check
        Mardia's, see :func:`gaussian_shape`.
    """

    skewness: Check
    kurtosis: Check


def gaussian_shape(x: ArrayLike, *, size: int = 200, rng: RNGLike = None) -> Shape:
    """Compare skewness and kurtosis of rows with those of as many draws of one Gaussian.

    Both are Mardia's. With y the rows standardised by their mean and covariance matrix, the
    kurtosis is the mean of the fourth power of their lengths, and the skewness the sum of the
    squared third moments of y.

    Parameters
    ----------
    x : array_like of shape (n,) or (n, d)
        At least two more rows than columns, not all in one plane.
    size : int
        Number of replicated data sets, >= 4.
    rng : seed or numpy.random.Generator, optional

    Returns
    -------
    Shape
        With ``skewness`` and ``kurtosis``, each a :class:`Check`.

    Raises
    ------
    ValueError
        If an argument is out of range.

    Notes
    -----
    Neither statistic changes when the rows are moved, scaled or turned, so its law is the same for
    every Gaussian, and these tail probabilities are uniform if the rows are of one.
    Implements: DP-0222.

    References
    ----------
    Mardia, K. V. (1970). Biometrika 57, 519-530.

    Examples
    --------
    >>> import numpy as np
    >>> from dpnotes import predictive
    >>> shape = predictive.gaussian_shape(np.random.default_rng(1).random((300, 2)), rng=1)
    >>> shape.kurtosis.prob, shape.skewness.prob > 0.05  # a square is flat, and leans nowhere
    (1.0, True)
    """
    x, size, rng = check.data("x", x), check.integer("size", size, 4), check.rng("rng", rng)
    n, d = x.shape
    check.room("size", size, size * n * d)
    scaled = x / np.maximum(np.abs(x).max(axis=0), TINY)
    scaled -= scaled.mean(axis=0)
    scaled /= np.maximum(np.abs(scaled).max(axis=0), TINY)
    scaled -= scaled.mean(axis=0)  # a constant column is one value, from rounding, or none
    if n < d + 2 or np.linalg.matrix_rank(scaled) < d:
        expected = "two more rows than columns, not in one plane"
        check.refuse("x", f"array of shape {x.shape}", expected)
    observed = _third_and_fourth(scaled)
    replicated = np.array([_third_and_fourth(rng.standard_normal((n, d))) for _ in range(size)])
    checks = zip(observed, replicated.T[:, None], strict=True)
    return Shape(*(Check(float(one), many) for one, many in checks))


def _third_and_fourth(x):
    """Return Mardia's skewness and kurtosis."""
    away = x - x.mean(axis=0)
    left, _, right = np.linalg.svd(away, full_matrices=False)
    y = left @ right * np.sqrt(len(x))  # away times the root of the inverse covariance matrix
    third = sum(((y * column[:, None]).T @ y / len(x)) ** 2 for column in y.T)
    return third.sum(), (y**2).sum(axis=1) @ (y**2).sum(axis=1) / len(x)
