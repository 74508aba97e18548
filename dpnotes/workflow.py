"""From a table of numbers to a reported answer: how many clusters, and how sure."""

import textwrap
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike

from . import _validate as check
from . import chains, diagnostics, hyper, partitions, tables
from ._deprecated import keyword_only, moved
from ._progress import bar
from ._types import Floats, Ints, RNGLike
from .chains import Chain
from .mixture import DPMixture

STRETCH = 100  # sweeps that a chain makes before the next one has its turn
GRID = 4000  # values of alpha in an integral over its prior
SHOWN = 200  # draws used for the predictive density
RHAT, ESS = 1.05, 100  # a run within these is fit to be reported

__getattr__ = moved(
    __name__,
    {
        "read_csv": "tables.read_csv",
        "standardise": "tables.standardise",
        "spread_ties": "tables.spread_ties",
        "cost": "figures.practice.running_times",
    },
)


def default_prior(dim: int) -> hyper.BasePrior:
    """Return the base measure's prior for standardised data.

    A cluster's covariance matrix has prior mean I / 4, half the spread of the data each way, and
    both this scale and how far clusters lie apart are learned.

    Parameters
    ----------
    dim : int
        Number of columns, >= 1.

    Returns
    -------
    BasePrior

    Raises
    ------
    ValueError
        If dim is not an integer >= 1.

    Examples
    --------
    >>> from dpnotes import workflow
    >>> workflow.default_prior(2).dof
    5.0
    """
    check.room("dim", dim, check.integer("dim", dim) ** 2)
    scale = np.eye(dim) / 2
    return hyper.BasePrior(dim + 3, scale, strength=(1, 10), var=1.0, scale_dof=dim)


@keyword_only("columns")
def analyse(
    data: tables.Source | ArrayLike,
    *,
    columns: Sequence[str] | str | None = None,
    n_sweeps: int = 3000,
    n_chains: int = 4,
    rng: RNGLike = None,
    alpha_prior: tuple[float, float] = (2, 4),
    prior: hyper.BasePrior | None = None,
    progress: bool = False,
) -> "Analysis":
    """Cluster a table of measurements by a Dirichlet process mixture of Gaussians.

    Values that repeat are spread (:func:`dpnotes.tables.spread_ties`), and all are standardised.
    Every cluster has a mean and a covariance matrix of its own; the concentration and the base
    measure are learned.
    The chains start from random partitions with 1 to 30 clusters, so that agreement between them
    means something.

    Parameters
    ----------
    data : str, path, file or array_like of shape (n,) or (n, d)
        A CSV file with a header line (:func:`dpnotes.tables.read_csv`), a data frame (of pandas,
        polars, Arrow), or the numbers.
    columns : list of str, optional
        Columns of the file or the data frame to use, in this order; for an array, their names.
    n_sweeps : int
        Sweeps of each chain, >= 8; the first quarter is dropped.
    n_chains : int
        Number of chains, >= 2.
    rng : seed or numpy.random.Generator, optional
    alpha_prior : (float, float)
        Shape and rate of the Gamma prior of the concentration.
    prior : BasePrior, optional
        In standardised units; :func:`default_prior` by default.
    progress : bool
        Show a progress bar.

    Returns
    -------
    Analysis
        Ctrl+C ends the run with a warning; the answer rests on the sweeps that all chains made.

    Raises
    ------
    ValueError
        If the data are not fit for it; the message says what to do.

    Examples
    --------
    >>> from dpnotes import datasets, workflow
    >>> result = workflow.analyse(datasets.galaxies(), n_sweeps=40, n_chains=2, rng=1)
    >>> result.num_clusters.shape
    (2, 30)
    """
    n_sweeps = check.integer("n_sweeps", n_sweeps, 8)
    n_chains = check.integer("n_chains", n_chains, 2)
    generator = check.rng("rng", rng)
    progress = check.flag("progress", progress)
    table = tables.prepare(data, columns=columns, rng=generator)
    n, dim = table.z.shape
    if n_sweeps * n_chains * n > chains.MOST_LABELS:
        gigabytes = n_sweeps * n_chains * n * 4 / 1e9
        shown = f"{n_sweeps} in each of {n_chains} chains of {n} rows, {gigabytes:.3g} GB of labels"
        check.refuse("n_sweeps", shown, f"at most {chains.MOST_LABELS} labels; take fewer rows")
    prior = default_prior(dim) if prior is None else prior
    starts = dispersed(n, n_chains, rng=generator)
    kernel = hyper.kernel(prior, table.z, alpha_prior=alpha_prior)
    runs = _side_by_side(kernel, n_sweeps, starts, generator.spawn(n_chains), progress)
    kept = [run[len(run) // 4 :] for run in runs]
    done = len(runs[0])
    return Analysis(*table[:-1], kept, int(generator.integers(2**62)), (done, n_sweeps))


def _side_by_side(kernel, n_sweeps, starts, seeds, progress):
    """Run several chains a stretch each, in turn, so that Ctrl+C leaves them equally long."""
    rounds: list[list[Chain]] = []  # a stretch of every chain
    try:
        with bar(progress, "sweep", n_sweeps * len(starts)) as tick:
            for done in range(0, n_sweeps, STRETCH):
                size, stretches = min(STRETCH, n_sweeps - done), []
                for i, (start, seed) in enumerate(zip(starts, seeds, strict=True)):
                    where = {"start": rounds[-1][i]} if rounds else {"start": start, "rng": seed}
                    stretches.append(_whole(kernel, size, where))
                    tick(size)
                rounds.append(stretches)
        return _joined(rounds)
    except KeyboardInterrupt:
        done = sum(len(stretches[0]) for stretches in rounds)
        if done < 8:
            raise
        words = f"interrupted: the answer rests on {done} of {n_sweeps} sweeps of each chain"
        check.warn(words)
        return _joined(rounds)


def _joined(rounds):
    return [chains.concatenate(run) for run in zip(*rounds, strict=True)]


def _whole(kernel, n_sweeps, where):
    """Run a stretch; what Ctrl+C leaves of one is of no use here."""
    with warnings.catch_warnings():
        warnings.filterwarnings("error", "interrupted after", RuntimeWarning)
        try:
            return chains.run(kernel, n_sweeps, **where)
        except RuntimeWarning:  # maybe after its last sweep
            raise KeyboardInterrupt from None


def reweight(
    num_clusters: ArrayLike, n: int, alpha: float, new: float | tuple[float, float]
) -> tuple[Floats, Floats, float]:
    """Turn the posterior of K under one alpha into that under another, or under a prior of alpha.

    Parameters
    ----------
    num_clusters : array_like of int, shape (draws,) or (chains, draws)
        Draws of K made with alpha fixed.
    n : int
        Number of data points.
    alpha : float
        The fixed concentration.
    new : float or (float, float)
        Another concentration, or shape and rate of a Gamma prior.

    Returns
    -------
    prob, error : ndarray of shape (k + 1,)
        P(K = 0..k | x) for k the largest of the draws, and their Monte Carlo standard errors.
    size : float
        How many equally weighted draws the weights are worth.

    Raises
    ------
    ValueError
        If an argument is out of range.

    Notes
    -----
    The posterior of everything but alpha, given K, does not depend on alpha, so the weight of a
    draw is the ratio of the prior probabilities of its K.
    Implements: DP-0196.

    Examples
    --------
    >>> from dpnotes import workflow
    >>> prob, error, size = workflow.reweight([1, 1, 2, 2], n=2, alpha=1.0, new=3.0)
    >>> prob.tolist()  # prior odds 1 : 3 in place of 1 : 1
    [0.0, 0.25, 0.75]
    """
    n, alpha = check.integer("n", n), check.positive("alpha", alpha)
    K = _counts(num_clusters, n)
    most = int(K.max())
    check.room("num_clusters", num_clusters, (most + 1) * max(K.size, GRID))
    k = np.arange(1, most + 1)
    log_weight = _log_prior_of_alpha(k, n, new) - k * np.log(alpha)
    log_weight -= log_weight[K - 1].max()
    weight = np.exp(log_weight)[K - 1]
    weight /= weight.mean()
    hits = [weight * (K == j) for j in range(K.max() + 1)]
    prob = np.array([hit.mean() for hit in hits])
    error = [diagnostics.mcse(h - weight * p) for h, p in zip(hits, prob, strict=True)]
    return prob, np.array(error), float(weight.sum() ** 2 / (weight**2).sum())


def _counts(num_clusters, n):
    """Return numbers of clusters as integers of shape (chains, draws)."""
    expected = f"integers from 1 to n = {n}, of shape (draws,) or (chains, draws), draws >= 4"
    K = check.real("num_clusters", num_clusters, expected)
    if (
        K.ndim not in (1, 2)
        or K.size == 0
        or K.shape[-1] < 4
        or not ((K >= 1) & (K <= n) & (K == np.floor(K))).all()
    ):
        check.fail("num_clusters", num_clusters, expected)
    return np.atleast_2d(K).astype(np.int64)


def _log_prior_of_alpha(k, n, new):
    """Return the log of E[alpha^k / (alpha rising n)], up to a constant, at each k."""
    if check.raw("new", new, "a number or a pair").ndim == 0:
        return k * np.log(check.positive("new", new))
    from scipy.special import gammaln

    a, b = check.gamma("new", new)
    t = np.linspace(-30, np.log(50 * (1 + (a + k.max()) / b)), GRID)  # log alpha
    alpha = np.exp(t)
    log_f = (a + k[:, None]) * t - b * alpha + gammaln(alpha) - gammaln(alpha + n)
    return np.logaddexp.reduce(log_f, axis=1)


@keyword_only("rng")
def dispersed(n: int, n_chains: int, *, rng: RNGLike = None) -> list[Ints]:
    """Return starting labels for several chains: random partitions with 1 up to 30 clusters.

    Parameters
    ----------
    n : int
        Number of points.
    n_chains : int
        Number of starts, >= 1.
    rng : seed or numpy.random.Generator, optional

    Returns
    -------
    list of ndarray of shape (n,)

    Raises
    ------
    ValueError
        If n or n_chains is not an integer >= 1.

    Examples
    --------
    >>> from dpnotes import workflow
    >>> [int(z.max()) + 1 for z in workflow.dispersed(100, 4, rng=1)]
    [1, 3, 10, 30]
    """
    n, n_chains = check.integer("n", n), check.integer("n_chains", n_chains)
    check.room("n", n, n)
    check.room("n_chains", n_chains, n * n_chains)
    rng = check.rng("rng", rng)
    sizes = np.round(np.geomspace(1, min(n, 30), n_chains)).astype(int)
    return [rng.permutation(np.arange(n) % size) for size in sizes]


@dataclass(frozen=True, eq=False, repr=False)
class Analysis:
    """What :func:`analyse` found, in the units of the data.

    Attributes
    ----------
    x : ndarray of shape (n, d)
    names : list of str
    width : ndarray of shape (d,)
        What the values that repeat were taken as rounded to, see
        :func:`dpnotes.tables.spread_ties`; 0 for columns without any.
    centre, spread : ndarray of shape (d,)
        Means and standard deviations of the columns, ties spread.
    chains : list of Chain
        In standardised units.
    seed : int
        Of the random numbers in what is computed from the chains.
    sweeps : (int, int)
        How many sweeps each chain made, and how many it was asked for.
    """

    x: Floats
    names: list[str]
    width: Floats
    centre: Floats
    spread: Floats
    chains: list[Chain]
    seed: int = 0
    sweeps: tuple[int, int] = (0, 0)

    def __repr__(self) -> str:
        (n, d), (chains, draws) = self.x.shape, self.num_clusters.shape
        return f"Analysis({n} rows, {d} column(s), {chains} chains of {draws} draws)"

    @cached_property
    def num_clusters(self) -> Ints:
        """Number of clusters in each draw of each chain: shape (chains, draws)."""
        return np.array([chain.num_clusters for chain in self.chains])

    @cached_property
    def labels(self) -> np.ndarray:
        """The partitions of all chains: shape (chains * draws, n)."""
        return np.concatenate([chain.labels for chain in self.chains])

    @property
    def rhat(self) -> float:
        """R-hat of the number of clusters."""
        return diagnostics.rhat(self.num_clusters)

    @property
    def ess(self) -> float:
        """Effective number of independent draws for the mean number of clusters."""
        return diagnostics.ess(self.num_clusters)

    def prob(self, k: int) -> tuple[float, float]:
        """Return P(K = k | x) and its Monte Carlo standard error."""
        k = check.integer("k", k, 0)
        hit = (self.num_clusters == k).astype(float)
        return float(hit.mean()), diagnostics.mcse(hit)

    def large(self, share: float = 0.05) -> Ints:
        """Number of clusters that hold at least this share of the data: shape (chains, draws)."""
        least = _share("share", share) * len(self.x)
        counts = [(np.bincount(z.astype(np.intp)) >= least).sum() for z in self.labels]
        return np.reshape(counts, self.num_clusters.shape)

    @cached_property
    def partition(self) -> Ints:
        """The partition of least expected variation of information: shape (n,)."""
        return partitions.point_estimate(self._thinned(), rng=self.seed)

    @cached_property
    def ball(self) -> partitions.CredibleBall:
        """The 95% credible ball about ``partition``."""
        return partitions.credible_ball(self.labels, self.partition)

    def _thinned(self, size=500):
        return self.labels[:: max(1, len(self.labels) // size)]

    def median_model(self) -> DPMixture:
        """Return the mixture with alpha and H at their posterior medians, in standardised units."""
        alpha, mean, strength, scale = (
            np.median(np.concatenate([getattr(chain, name) for chain in self.chains]), axis=0)
            for name in ("alpha", "mean", "strength", "scale")
        )
        return DPMixture(alpha, self.chains[0].model.prior.family(mean, strength, scale))

    @keyword_only("level", "rng")
    def density(
        self, grid: ArrayLike, *, level: float = 0.9, rng: RNGLike = None
    ) -> tuple[Floats, Floats, Floats]:
        """Return the predictive density at the rows of grid, and a pointwise credible band.

        Parameters
        ----------
        grid : array_like of shape (m,) or (m, d)
            In the units of the data; columns of a data frame are chosen by name.
        level : float
            Share of the posterior inside the band.
        rng : seed or numpy.random.Generator, optional
            Without it the analysis' own seed, so that a figure drawn twice is the same.

        Returns
        -------
        mean, low, high : ndarray of shape (m,)

        Raises
        ------
        ValueError
            If grid does not have the columns of the data, or level is not between 0 and 1.
        """
        points, level = self._points(grid), _share("level", level)
        points = (points - self.centre) / self.spread
        step = max(1, len(self.labels) // SHOWN)
        rng = check.rng("rng", self.seed if rng is None else rng)
        chains = [chain[step // 2 :: step] for chain in self.chains]
        logs = np.vstack([chain.predictive_draws(points) for chain in chains])
        with np.errstate(under="ignore"):  # far from the data the density may be 0
            mean = np.exp(logs).mean(axis=0)
        draws = np.vstack([chain.density_draws(points, rng=rng) for chain in chains])
        low, high = np.quantile(draws, [(1 - level) / 2, (1 + level) / 2], axis=0)
        return tuple(value / self.spread.prod() for value in (mean, low, high))

    def _points(self, grid: ArrayLike) -> Floats:
        table = check.frame(grid)
        if table is not None:
            found = dict(zip(*table, strict=True))
            if not found.keys() >= set(self.names):
                check.fail("grid", list(found), f"a data frame with the columns {self.names}")
            columns = [check.array(f"grid[{name!r}]", found[name], 1) for name in self.names]
            grid = np.column_stack(columns)
        return check.points("grid", grid, self.x.shape[1])

    def __str__(self) -> str:
        """The answer in words: what the posterior says, what to report, whether to trust it."""
        K, (n, d) = self.num_clusters, self.x.shape
        mode = int(np.bincount(K.ravel().astype(np.intp)).argmax())
        p, error = self.prob(mode)
        low, high = np.quantile(K, [0.05, 0.95]).astype(int)
        sizes = np.sort(np.bincount(self.partition.astype(np.intp)))[::-1].tolist()
        large = int(np.bincount(self.large().ravel().astype(np.intp)).argmax())
        ball = [int(z.max()) + 1 for z in (self.ball.coarsest, self.ball.finest)]
        trust = self.rhat < RHAT and self.ess > ESS
        done, asked = self.sweeps
        means = ", ".join(f"{mean:.2f}" for mean in K.mean(axis=1))
        return _paragraphs(
            [
                f"{n} rows, {d} column(s): {', '.join(self.names)}.",
                *(
                    f"{name} has ties: the values that repeat are spread at random by up to "
                    f"{w / 2:.3g} either way, the others stay."
                    for name, w in zip(self.names, self.width, strict=True)
                    if w > 0
                ),
                f"Number of clusters: most probably {mode}, with probability {p:.2f} "
                f"(Monte Carlo standard error {error:.2f}); 90% of the posterior in "
                f"{low} to {high}.",
                f"Clusters with at least 5% of the rows: most probably {large}.",
                f"One partition to report: sizes {sizes}; the 95% ball about it reaches "
                f"from {ball[0]} to {ball[1]} clusters.",
                *([f"Stopped early, after {done} of {asked} sweeps."] if done < asked else []),
                *(
                    [f"The chains end in different places: mean numbers of clusters {means}."]
                    if self.rhat >= RHAT
                    else []
                ),
                f"R-hat {self.rhat:.2f}, effective draws {self.ess:.0f}: "
                + ("fit to report." if trust else "do NOT report this; raise n_sweeps."),
            ]
        )


def _paragraphs(sentences):
    return "\n".join(textwrap.fill(s, 64, subsequent_indent="  ") for s in sentences)


def _share(name, value):
    """Return a number between 0 and 1."""
    number = check.positive(name, value)
    if number > 1:
        check.fail(name, value, "a number > 0 and <= 1")
    return number
