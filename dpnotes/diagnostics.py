"""Trusting a chain: how precise its averages are, and whether the sampler is right at all.

Arrays of draws are (draws,) for one chain or (chains, draws) for several. Effective sample sizes,
R-hat and Monte Carlo standard errors are those of ArviZ.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from . import _validate as check
from . import crp, show
from ._deprecated import keyword_only, moved
from ._types import Floats, RNGLike
from .chains import Chain
from .components import Generative, prior_draws
from .mixture import DPMixture

__getattr__ = moved(__name__, {"exact_autocorrelation": "exact.exact_autocorrelation"})

MOST_DRAWS = 10**7  # of either kind in a test of Geweke's
LARGEST_ROOT = 1e150  # whose square is a number
WINDOW = 5  # Sokal's window: sum the autocorrelations up to this many autocorrelation times


def _draws(x, called="x"):
    """Return draws as an array of shape (chains, draws); a draw of an event counts 0 or 1."""
    x = check.raw(called, x, "an array of numbers")
    x = np.atleast_2d(check.array(called, x * 1 if x.dtype == bool else x))
    if x.ndim != 2 or x.shape[1] < 4:
        check.refuse(
            called, f"array of shape {x.shape}", "shape (draws,) or (chains, draws), draws >= 4"
        )
    return x


def _shifted(x):
    """Return draws moved to start at 0 and divided by their range, and that range.

    The squares of densities far out, 1e-200 say, would come out as 0.
    """
    x = _draws(x)
    x = x - x.min()
    return (x, 0.0) if x.max() == 0 else (x / x.max(), float(x.max()))


KINDS = "mean", "bulk", "tail"


@keyword_only("kind")
def ess(x: ArrayLike, *, kind: str = "mean") -> float:
    """Return the effective number of independent draws, for the mean of x or for its law.

    Parameters
    ----------
    x : array_like of shape (draws,) or (chains, draws)
    kind : {"mean", "bulk", "tail"}
        For the mean of x; for the mean of the normal scores of its ranks, which is there even where
        x has no mean; or the smaller of those for the two quantiles at 5 and 95 per cent.

    Returns
    -------
    float
        The number of draws where all are equal.

    Raises
    ------
    ValueError
        If x has another shape, fewer than 4 draws a chain, or a value that is not finite, or the
        kind is none of these.

    Notes
    -----
    ``arviz_stats`` computes it, on half chains. A normal score is the normal quantile at
    (rank - 3/8) / (draws + 1/4), ties at their average rank. The quantiles are taken as the shares
    of the draws that are not above them.

    References
    ----------
    Vehtari, A. et al. (2021). Bayesian Analysis 16, 667-718.

    Examples
    --------
    >>> import numpy as np
    >>> from dpnotes import diagnostics
    >>> rng = np.random.default_rng(1)
    >>> round(diagnostics.ess(rng.standard_normal(1000)), -2)
    1000.0
    >>> diagnostics.ess(rng.standard_cauchy(1000), kind="bulk") > 800
    True
    """
    from arviz_stats.base import array_stats

    if not (isinstance(kind, str) and kind in KINDS):
        check.fail("kind", kind, f"one of {', '.join(KINDS)}")
    more = {"prob": (0.05, 0.95)} if kind == "tail" else {}
    return float(array_stats.ess(_shifted(x)[0], method=kind, **more))


def mcse(x: ArrayLike, *, quantile: float | None = None) -> float:
    """Return the Monte Carlo standard error of the mean of x, or of one of its quantiles.

    Parameters
    ----------
    x : array_like of shape (draws,) or (chains, draws)
    quantile : float, optional
        Which quantile instead of the mean, > 0 and < 1: the error of the radius of a 95% ball is
        that of the quantile 0.95 of the distances.

    Returns
    -------
    float
        0 when x is constant.

    Raises
    ------
    ValueError
        If x has another shape, fewer than 4 draws a chain, or a value that is not finite.

    Notes
    -----
    The standard deviation over the root of :func:`ess`, by ``arviz_stats``; for a quantile, half
    the distance of the quantiles between which it lies by the error of the share below it.
    Implements: DP-0125, DP-0203.

    Examples
    --------
    >>> import numpy as np
    >>> from dpnotes import diagnostics
    >>> round(diagnostics.mcse(np.random.default_rng(1).standard_normal(10_000)), 2)
    0.01
    """
    from arviz_stats.base import array_stats

    if quantile is not None and check.positive("quantile", quantile) >= 1:
        check.fail("quantile", quantile, "a number > 0 and < 1")
    x, scale = _shifted(x)
    which = {"method": "mean"} if quantile is None else {"method": "quantile", "prob": quantile}
    return scale * float(array_stats.mcse(x, **which)) if scale else 0.0


def similarity_mcse(labels: ArrayLike) -> Floats:
    """Return the Monte Carlo standard error of each entry of a similarity matrix.

    Parameters
    ----------
    labels : array_like of int, shape (draws, n) or (chains, draws, n)
        One partition a row.

    Returns
    -------
    ndarray of shape (n, n)
        Symmetric; 0 where two points are together in all draws, or in none.

    Raises
    ------
    ValueError
        If labels are not integers of this shape, or there are fewer than 4 draws a chain.

    Notes
    -----
    :func:`mcse` of all entries, a row of the matrix at a time: a second or two for 10 000 pairs of
    points and 10 000 draws.
    Implements: DP-0203.

    Examples
    --------
    >>> import numpy as np
    >>> from dpnotes import diagnostics
    >>> labels = np.random.default_rng(1).integers(2, size=(10_000, 3))
    >>> diagnostics.similarity_mcse(labels).round(3).tolist()
    [[0.0, 0.005, 0.005], [0.005, 0.0, 0.005], [0.005, 0.005, 0.0]]
    """
    expected = "integers of shape (draws, n) or (chains, draws, n), draws >= 4"
    rows = check.raw("labels", labels, expected)
    if rows.ndim not in (2, 3) or rows.size == 0 or rows.dtype.kind not in "iu":
        check.fail("labels", labels, expected)
    if rows.shape[-2] < 4:
        check.fail("labels", labels, expected)
    rows = rows.reshape(-1, *rows.shape[-2:])
    n = rows.shape[2]
    check.room("labels", labels, n * n)
    result = np.zeros((n, n))
    for i in range(n - 1):
        result[i, i + 1 :] = _mean_errors(rows[:, :, [i]] == rows[:, :, i + 1 :])
    return result + result.T


def _mean_errors(x):
    """Return the standard errors of the means of draws of shape (chains, draws, m).

    As Vehtari et al.: each chain in halves, autocorrelations summed in pairs as long as these are
    positive, and taken as falling (Geyer's initial monotone sequence).
    """
    from scipy import fft

    half = x.shape[1] // 2
    x = np.concatenate([x[:, :half], x[:, -half:]]).astype(np.float32)
    chains, draws, m = x.shape
    mean = x.mean(axis=1, keepdims=True)
    size = fft.next_fast_len(2 * draws, real=True)
    power = np.abs(fft.rfft(x - mean, size, axis=1)) ** 2
    covariance = fft.irfft(power.mean(axis=0), size, axis=0)[:draws] / draws
    within = covariance[0] * draws / (draws - 1)
    variance = covariance[0] + mean[:, 0].var(axis=0, ddof=1)
    rho = 1 - (within - covariance) / np.where(variance > 0, variance, 1)
    rho[0] = 1
    pairs = rho[: draws // 2 * 2].reshape(-1, 2, m).sum(axis=1)
    pairs[np.logical_or.accumulate(pairs < 0)] = 0
    time = 2 * np.minimum.accumulate(pairs).sum(axis=0) - 1
    time = np.maximum(time, 1 / np.log10(chains * draws))
    return np.sqrt(variance * time / (chains * draws))


def rhat(x: ArrayLike) -> float:
    """Return R-hat, the ratio of the spread of all chains to that within each; 1 when they agree.

    Parameters
    ----------
    x : array_like of shape (chains, draws)
        At least two chains, from different starts.

    Returns
    -------
    float
        The rank-normalised R-hat of ``arviz_stats``; 1 when all draws are equal, inf when each
        chain stands still, not all at one place.

    Raises
    ------
    ValueError
        If there is only one chain, fewer than 4 draws a chain, or a value that is not finite.

    References
    ----------
    Vehtari, A. et al. (2021). Bayesian Analysis 16, 667-718.

    Examples
    --------
    >>> import numpy as np
    >>> from dpnotes import diagnostics
    >>> x = np.random.default_rng(1).standard_normal((4, 1000))
    >>> round(diagnostics.rhat(x), 1), diagnostics.rhat(x + [[0], [0], [0], [3]]) > 1.4
    (1.0, True)
    """
    from arviz_stats.base import array_stats

    x = _draws(x)
    if len(x) < 2:
        check.refuse("x", f"{len(x)} chain", "at least two chains")
    if (x == x[:, :1]).all():
        return 1.0 if np.ptp(x) == 0 else np.inf
    # Draws of two values, as far from their median, are one value when folded: only ranks count.
    with np.errstate(divide="ignore", invalid="ignore"):
        return float(array_stats.rhat(x, method="rank"))


@dataclass(frozen=True, eq=False, repr=False)
class Mixing:
    """How well several chains agree on some quantities: a table, for ``print`` and notebooks.

    Attributes
    ----------
    names : tuple of str, length s
        What each quantity is.
    mean : ndarray of shape (s,)
        Of all draws.
    rhat, bulk, tail : ndarray of shape (s,)
        :func:`rhat`, and :func:`ess` of the two kinds.
    moves : ndarray of bool, shape (s,)
        Whether its draws are not all equal.
    """

    names: tuple[str, ...]
    mean: Floats
    rhat: Floats
    bulk: Floats
    tail: Floats
    moves: NDArray[np.bool_]

    def __repr__(self) -> str:
        worst = f"R-hat up to {self.rhat.max():.3f}, bulk ESS from {self.bulk.min():.0f}"
        return f"Mixing({len(self.names)} quantities, {worst})"

    @property
    def _table(self) -> show.Listing:
        numbers = zip(self.rhat, self.bulk, self.tail, self.moves, strict=True)
        shown = [row if moves else ["constant", "", ""] for *row, moves in numbers]
        means = [f"{mean:.4g}" for mean in self.mean]
        return show.table(
            ["quantity", "mean", "R-hat", "bulk ESS", "tail ESS"],
            [[name, mean, *row] for name, mean, row in zip(self.names, means, shown, strict=True)],
            digits=[0, 0, 3, 0, 0],
        )

    def __str__(self) -> str:
        return str(self._table)

    def _repr_html_(self) -> str:
        return self._table._repr_html_()

    def fit(self, rhat: float, ess: float) -> NDArray[np.bool_]:
        """Return which quantities have at most this R-hat and at least this bulk ESS: shape (s,).

        A constant one has where another moves; where none does, nothing has been seen.
        """
        within = (self.rhat <= check.positive("rhat", rhat)) & (
            self.bulk >= check.positive("ess", ess)
        )
        return np.where(self.moves, within, self.moves.any())


def mixing(quantities: Mapping[str, ArrayLike]) -> Mixing:
    """Return R-hat and effective numbers of draws of several quantities.

    Parameters
    ----------
    quantities : mapping of str to array_like of shape (chains, draws)
        At least two chains; what :meth:`dpnotes.chains.Chain.scalars` returns is one.

    Returns
    -------
    Mixing

    Raises
    ------
    ValueError
        If there is no quantity, or the draws of one are not fit for :func:`rhat`.

    References
    ----------
    Vehtari, A. et al. (2021). Bayesian Analysis 16, 667-718. They ask for R-hat below 1.01 and
    effective numbers above 400.

    Examples
    --------
    >>> import numpy as np
    >>> from dpnotes import diagnostics
    >>> x = np.random.default_rng(1).standard_normal((4, 1000))
    >>> table = diagnostics.mixing({"x": x, "apart": x + [[0], [0], [0], [1]]})
    >>> table.fit(1.01, 400)
    array([ True, False])
    """
    if not isinstance(quantities, Mapping) or not quantities:
        check.fail("quantities", quantities, "a mapping of names to draws, at least one")
    draws = []
    for name, values in quantities.items():
        called = f"quantities[{name!r}]"
        draws.append(_draws(values, called))
        if len(draws[-1]) < 2:
            check.refuse(called, "1 chain", "at least two chains")
    return Mixing(
        tuple(map(str, quantities)),
        np.array([x.mean() for x in draws]),
        np.array([rhat(x) for x in draws]),
        np.array([ess(x, kind="bulk") for x in draws]),
        np.array([ess(x, kind="tail") for x in draws]),
        np.array([x.min() < x.max() for x in draws]),
    )


def autocorrelation(x: ArrayLike) -> Floats:
    """Return the autocorrelations of x at lags 0, 1, ..., draws - 1.

    Parameters
    ----------
    x : array_like of shape (draws,) or (chains, draws)
        Several chains share one mean and are averaged.

    Returns
    -------
    ndarray of shape (draws,)

    Raises
    ------
    ValueError
        If x has another shape, fewer than 4 draws a chain, or all draws are equal.

    Examples
    --------
    >>> from dpnotes import diagnostics
    >>> diagnostics.autocorrelation([1.0, 0.0, 1.0, 0.0]).round(2).tolist()
    [1.0, -0.75, 0.5, -0.25]
    """
    draws = _draws(x)
    x, scale = _shifted(draws)
    if scale == 0:
        check.fail("x", float(draws[0, 0]), "draws that are not all equal")
    n = x.shape[1]
    size = 2 ** int(np.ceil(np.log2(2 * n)))  # no wrapping round
    power = np.abs(np.fft.rfft(x - x.mean(), size)) ** 2
    covariance = np.fft.irfft(power, size)[:, :n].mean(axis=0)
    return covariance / covariance[0]


def autocorrelation_time(x: ArrayLike) -> tuple[float, float]:
    """Return the integrated autocorrelation time of x and its standard error.

    tau = 1 + 2 (rho_1 + rho_2 + ...): how many draws are worth one independent draw.

    Parameters
    ----------
    x : array_like of shape (draws,) or (chains, draws)

    Returns
    -------
    time : float
    error : float

    Raises
    ------
    ValueError
        If x has another shape, fewer than 4 draws a chain, or all draws are equal.

    Notes
    -----
    The sum stops at the first lag M >= 5 max(1, tau), where the correlations have gone and only
    their noise is left; the error is tau sqrt(2 (2 M + 1) / draws).
    Implements: DP-0124.

    References
    ----------
    Sokal, A. (1997). Monte Carlo methods in statistical mechanics: foundations and new
    algorithms. In Functional Integration, 131-192. Springer.

    Examples
    --------
    >>> import numpy as np
    >>> from dpnotes import diagnostics
    >>> noise = np.random.default_rng(1).standard_normal(100_000)
    >>> x = np.zeros(100_000)
    >>> for t in range(1, len(x)):
    ...     x[t] = 0.5 * x[t - 1] + noise[t]  # tau = (1 + 0.5) / (1 - 0.5) = 3
    >>> time, error = diagnostics.autocorrelation_time(x)
    >>> round(time, 1), round(error, 2)
    (2.9, 0.07)
    """
    x = _draws(x)
    times = 2 * np.cumsum(autocorrelation(x)) - 1
    lags = np.arange(len(times))
    inside = lags < WINDOW * np.maximum(times, 1)
    window = len(times) - 1 if inside.all() else int(inside.argmin())
    time = float(times[window])
    return time, float(abs(time) * np.sqrt(2 * (2 * window + 1) / x.size))


@dataclass(frozen=True, eq=False)
class Geweke:
    """The two samples of Geweke's test and their comparison.

    Attributes
    ----------
    names : tuple of str
        What each statistic is.
    independent : ndarray of shape (n_draws, s)
        Statistics of independent draws of (state, x) from the model.
    successive : ndarray of shape (n_draws, s)
        Statistics along the chain that alternates the sampler with fresh data.
    """

    names: tuple[str, ...]
    independent: Floats
    successive: Floats

    def __repr__(self) -> str:
        return f"Geweke({len(self.independent)} draws of each kind, p-value {self.p_value:.3g})"

    @property
    def z(self) -> Floats:
        """Difference of means over its standard error, for each statistic: shape (s,)."""
        difference = self.successive.mean(axis=0) - self.independent.mean(axis=0)
        error = np.hypot(
            self.independent.std(axis=0) / np.sqrt(len(self.independent)),
            [mcse(column) for column in self.successive.T],
        )
        # A statistic that never varies says nothing where both samples agree on it.
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(difference == 0, 0.0, difference / error)

    @property
    def p_value(self) -> float:
        """P(max(abs(z)) as large) for a right sampler, by Bonferroni's bound."""
        from scipy.special import erfc

        return float(min(1.0, len(self.z) * erfc(np.abs(self.z).max() / np.sqrt(2))))


@keyword_only("rng", "names")
def geweke(
    draw: Callable[[np.random.Generator], tuple[Any, Any]],
    step: Callable[[Any, Any, np.random.Generator], tuple[Any, Any]],
    statistics: Callable[[Any, Any], ArrayLike],
    n_draws: int,
    *,
    rng: RNGLike = None,
    names: Sequence[str] | None = None,
) -> Geweke:
    """Run Geweke's joint-distribution test of a sampler.

    If the sampler leaves p(state | x) invariant, then a chain that alternates one sweep of it
    with fresh data given the state leaves p(state, x) invariant, so its averages are those of
    independent draws from the model.

    Parameters
    ----------
    draw : function
        ``draw(rng)`` -> (state, x): one draw from the model.
    step : function
        ``step(state, x, rng)`` -> (state, x): the sampler given x, then new data given its state.
    statistics : function
        ``statistics(state, x)`` -> array_like of shape (s,).
    n_draws : int
        Number of draws of either kind, >= 4.
    rng : seed or numpy.random.Generator, optional
    names : sequence of str, optional
        Names of the statistics.

    Returns
    -------
    Geweke

    Raises
    ------
    ValueError
        If n_draws is not an integer >= 4, the statistics do not have the shape (s,) or are not
        finite, or there is not one name for each.

    Notes
    -----
    Implements: DP-0123.

    References
    ----------
    Geweke, J. (2004). Getting it right. Journal of the American Statistical Association 99,
    799-804.

    Examples
    --------
    A state theta ~ N(0, 1) with x ~ N(theta, 1), and the exact draw from its posterior:

    >>> import numpy as np
    >>> from dpnotes import diagnostics
    >>> def draw(rng):
    ...     theta = rng.normal()
    ...     return theta, rng.normal(theta)
    >>> def step(theta, x, rng, scale=0.5**0.5):
    ...     theta = rng.normal(x / 2, scale)
    ...     return theta, rng.normal(theta)
    >>> def square(theta, x):
    ...     return [theta**2]
    >>> diagnostics.geweke(draw, step, square, 2000, rng=1).p_value > 0.01
    True
    >>> diagnostics.geweke(draw, lambda *a: step(*a, 1.0), square, 2000, rng=1).p_value > 0.01
    False
    """
    n_draws, rng = check.integer("n_draws", n_draws, 4, MOST_DRAWS), check.rng("rng", rng)
    functions = {"draw": draw, "step": step, "statistics": statistics}
    for name, function in functions.items():
        if not callable(function):
            check.fail(name, function, "a function")
    names = (
        None if names is None else [check.text("names", n) for n in check.several("names", names)]
    )
    independent = [statistics(*_pair("draw", draw(rng))) for _ in range(n_draws)]
    independent = check.array("statistics", independent)
    if independent.ndim != 2:
        check.fail("statistics", independent[0], "an array of shape (s,)")
    names = range(independent.shape[1]) if names is None else names
    if len(names) != independent.shape[1]:
        check.fail("names", names, f"{independent.shape[1]} names, one a statistic")
    state, x = draw(rng)
    successive = np.empty_like(independent)
    for t in range(n_draws):
        state, x = _pair("step", step(state, x, rng))
        successive[t] = statistics(state, x)
    check.array("statistics", successive)
    return Geweke(tuple(map(str, names)), independent, successive)


def _pair(name, value):
    """Return what a function gave as (state, x)."""
    if not (isinstance(value, (tuple, list)) and len(value) == 2):
        check.fail(name, value, "a function that returns (state, x)")
    return value


MIXTURE_STATISTICS = (
    "K",
    "K^2",
    "1{z_1 = z_2}",
    "theta_1",
    "theta_1^2",
    "x_1 x_2",
    "x_n^2",
    "alpha",
    "alpha K",
)


@keyword_only("rng", "alpha_prior")
def geweke_mixture(
    sampler: Callable[..., Chain],
    model: DPMixture,
    n: int,
    n_draws: int,
    *,
    rng: RNGLike = None,
    alpha_prior: tuple[float, float] | None = None,
) -> Geweke:
    """Run Geweke's test of a sampler of :mod:`dpnotes.gibbs`.

    Parameters
    ----------
    sampler : function
        Called as ``sampler(model, x, 1, rng=rng, start=chain)``, with ``alpha_prior=alpha_prior``
        if there is one; bind other arguments by ``functools.partial``. The first chain carries
        theta. For a kernel of your own: ``lambda model, x, n, alpha_prior=None, **options:
        chains.run(chains.cycle(Mine(model, x), gibbs.Alpha(alpha_prior)), n, **options)``.
    model : DPMixture
    n : int
        Number of data points, >= 2; few are best.
    n_draws : int
        Number of draws of either kind.
    rng : seed or numpy.random.Generator, optional
    alpha_prior : (float, float), optional
        Shape and rate of the Gamma prior of alpha; without it alpha is ``model.alpha``.

    Returns
    -------
    Geweke
        With the statistics named in ``MIXTURE_STATISTICS``; those of alpha only if it is sampled.

    Raises
    ------
    ValueError
        If n is not an integer >= 2, n_draws not one >= 4, alpha_prior not a pair of finite numbers
        > 0, or the model draws data beyond 1e150, whose squares are compared.

    Notes
    -----
    Implements: DP-0123.

    Examples
    --------
    >>> from dpnotes import diagnostics, gibbs
    >>> from dpnotes.components import Gaussian
    >>> from dpnotes.mixture import DPMixture
    >>> model = DPMixture(1.0, Gaussian(mean=0, var=1, noise_var=0.25))
    >>> test = diagnostics.geweke_mixture(gibbs.collapsed, model, n=4, n_draws=1000, rng=1)
    >>> test.p_value > 0.01
    True
    >>> test = diagnostics.geweke_mixture(gibbs.naive, model, n=4, n_draws=1000, rng=1)
    >>> test.p_value > 0.01
    False
    """
    n, n_draws = check.integer("n", n, 2, check.ROOM), check.integer("n_draws", n_draws, 4)
    if not callable(sampler):
        check.fail("sampler", sampler, "a function, such as gibbs.collapsed")
    check.model(model, Generative)
    family, more = model.component, {}
    if alpha_prior is not None:
        more["alpha_prior"] = shape, rate = check.gamma("alpha_prior", alpha_prior)
    number = len(MIXTURE_STATISTICS) - (0 if more else 2)

    def data(labels: Any, theta: Any, rng: np.random.Generator) -> Any:
        x = family.sample_data(theta[labels], rng)
        if np.abs(x).max() > LARGEST_ROOT:
            check.fail("model", model, f"data up to {LARGEST_ROOT}, whose squares are compared")
        return x

    def draw(rng):
        alpha = rng.gamma(shape) / rate if more else model.alpha
        labels = crp.sample(n, alpha, rng=rng)
        theta = prior_draws(family, labels.max() + 1, rng=rng)
        x = data(labels, theta, rng)
        return Chain(model, x, labels[None], np.array([alpha]), [theta]), x

    def step(chain, x, rng):
        chain = sampler(model, x, 1, rng=rng, start=chain, **more)
        if not isinstance(chain, Chain):
            check.fail("sampler", chain, "a function that returns a Chain")
        if chain.theta is None:
            chain = chain.draw_theta(rng=rng)
        state = chain.state()
        return chain, data(state.labels, state.theta, rng)

    def statistics(chain, x):
        z, theta, alpha = chain.labels[-1], chain.theta[-1], chain.alpha[-1]
        K, first = z.max() + 1, theta[z[0], 0]
        products = x[0, 0] * x[1, 0], x[-1, 0] ** 2
        return [K, K**2, z[0] == z[1], first, first**2, *products, alpha, alpha * K][:number]

    names = MIXTURE_STATISTICS[:number]
    return geweke(draw, step, statistics, n_draws, rng=rng, names=names)
