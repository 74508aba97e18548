"""From a table of numbers to a reported answer: how many clusters, and how sure."""

import copy
import inspect
import os
import textwrap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property, partial
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from . import (
    _record,
    chains,
    diagnostics,
    gibbs,
    hyper,
    meanfield,
    partitions,
    peaks,
    predictive,
    tables,
)
from . import _validate as check
from . import kinds as _kinds
from ._deprecated import keyword_only, moved
from ._numbers import digamma_step, log_beta
from ._types import Floats, Ints, RNGLike
from .chains import Chain, Kernel, cycle
from .components import gaussian
from .kinds import Kinds
from .mixture import DPMixture

STEP = 250  # sweeps between two looks at the chains
MOST_SWEEPS = 20_000  # of each chain, unless more are asked for ...
MOST_KEPT = 2**29  # ... or the labels of all chains would take more than 2 GB
PAIRS = 10  # of rows, whose sitting together is looked at
# An integral over the prior of alpha: nodes on either side of the peak, down to so many nats.
NODES, FALL = 800, 40.0
EXTREME = 600.0  # log of an alpha beside which every n is small, and of one small beside 1
STEEPEST = 1e6  # shape of a prior of alpha that differs from a number
SHOWN = 200  # draws used for the predictive density
FILLED = 2**22  # cells in these, where some are missing, from which clusters are drawn
RESCALED = 4000  # draws weighted by another width of clusters, where each costs a likelihood
SCORED = 1000  # draws used for a log score, and for where new rows belong
MOST_ROWS = 100_000  # whose partition is sampled; of more it is approximated ...
SAMPLE = 1000  # ... with alpha and H as a sample of so many rows has them
SHAPE = 2000  # rows of a group whose shape is looked at ...
REPLICATED = 200  # ... beside as many data sets, the default of gaussian_shape
FARTHEST = 1e300  # from the centre, in standard deviations: beyond is as far out
FAR = 100_000  # sweeps of each chain; a run that needs more is told what else helps
# What a file holds of an analysis, besides its chains, the call and the kinds of its columns.
FACTS, ARRAYS = ("names", "seed", "sweeps", "alpha_prior"), ("x", "width", "centre", "spread")
FIELD_FACTS = "converged", "seed", "version"
FIELD_ARRAYS = "statistics", "sticks", "elbo", "restart_elbos"
RHAT, ESS = 1.01, 400  # a run within these is fit to be reported
# Two chains sit in different modes if each has this effective number of draws, and they this R-hat.
STEADY, APART = 50, 1.1

__getattr__ = moved(
    __name__,
    {
        "read_csv": "tables.read_csv",
        "standardise": "tables.standardise",
        "spread_ties": "tables.spread_ties",
        "cost": "figures.practice.running_times",
    },
)


def default_prior(dim: int, *, covariance: str = "full") -> hyper.BasePrior:
    """Return the base measure's prior for standardised data.

    A cluster's covariance matrix has prior mean I / 4, half the spread of the data each way, and
    this prior weighs as much as d observations, but at least two. Both its scale and how far
    clusters lie apart are learned. Where it is diagonal, each column has the prior of one alone;
    where it is spherical, the one variance has it. A matrix that all clusters share has the prior
    of a full one, with a scale that is fixed.

    Parameters
    ----------
    dim : int
        Number of columns, >= 1.
    covariance : str
        "full", "diagonal", "spherical" or "shared", see :class:`dpnotes.hyper.BasePrior`.

    Returns
    -------
    BasePrior

    Raises
    ------
    ValueError
        If dim is not an integer >= 1, or covariance is not one of these.

    Examples
    --------
    >>> from dpnotes import workflow
    >>> workflow.default_prior(2).dof
    5.0
    """
    check.room("dim", dim, check.integer("dim", dim) ** 2)
    check.one_of("covariance", covariance, hyper.COVARIANCES)
    own = dim if covariance in ("full", "shared") else 1  # columns whose variances have one law
    weight = max(own, 2)
    return hyper.BasePrior(
        own + 1 + weight,
        weight * np.eye(dim) / 4,
        strength=(1, 10),
        var=1.0,
        scale_dof=None if covariance == "shared" else own,
        covariance=covariance,
    )


@keyword_only("columns")
def analyse(
    data: tables.Source | ArrayLike,
    *,
    columns: Sequence[str] | str | None = None,
    kinds: _kinds.Asked = None,
    missing: str = "error",
    decimal: str | None = None,
    thousands: str | None = None,
    n_sweeps: int | None = None,
    n_chains: int = 4,
    rng: RNGLike = None,
    alpha_prior: tuple[float, float] = (2, 4),
    prior: hyper.BasePrior | None = None,
    covariance: str | None = None,
    n_jobs: int | None = None,
    map: chains.Map = map,
    progress: bool = False,
    watch: Callable[["Analysis"], object] | None = None,
) -> "Analysis | Approximation":
    """Cluster the rows of a table by a Dirichlet process mixture.

    Measurements are clustered by Gaussians. A table with columns of another kind (amounts, counts,
    yes/no, categories) or with gaps is clustered by one family for each column, independent within
    a cluster, with priors that are fixed and weak: :func:`dpnotes.kinds.prepare` says which, and
    what a column is taken for by default. The rest of this is about measurements, without gaps or
    with such as are drawn, and about how long it runs.

    Values that repeat are spread (:func:`dpnotes.tables.spread_ties`), and all are standardised.
    Every cluster has a mean and a covariance matrix of its own, full, diagonal or spherical, or all
    share one matrix; the concentration and the base measure are learned.
    The chains start from random partitions with 1 to 30 clusters, so that agreement between them
    means something. After 500, 750, 1000, 1500, 2000, ... sweeps they are looked at without their
    first quarter, and they stop once the number of clusters, the log joint density, alpha, the
    share of the largest cluster, and whether ten random pairs of rows sit together all have R-hat
    at most 1.01 and at least 400 effective draws.
    More than 100,000 rows are not sampled: 1000 of them are, at random, and one more for a column
    that has no value in these. Mean field takes all, with the base measure at its posterior median
    given the sample, and the same prior for alpha.

    Parameters
    ----------
    data : str, path, file or array_like of shape (n,) or (n, d)
        A CSV file with a header line (:func:`dpnotes.tables.read_csv`), a data frame (of pandas,
        polars, Arrow), or the numbers.
    columns : list of str, optional
        Columns of the file or the data frame to use, in this order; for an array, their names.
    kinds : str or dict of str to str, optional
        What columns are, by name (an array's by number, from 0), or all of them: "measurement",
        "amount", "count", "yes/no", "category", or "auto" to let the values decide. By default
        columns of bools or of 0 and 1 are yes/no, and all others measurements.
    missing : {"error", "ignore", "draw"}
        Whether a gap is an error; or is integrated out, the columns being independent within a
        cluster; or, in a table of measurements, is drawn anew in every sweep, together with the
        seat of its row, under full covariance matrices and a learned base measure
        (:func:`dpnotes.hyper.sample`). Both are right where cells are missing at random, and
        nothing is filled in.
    decimal, thousands : str, optional
        How a file writes numbers, as in :func:`dpnotes.tables.read_csv`.
    n_sweeps : int, optional
        The most sweeps of each chain, >= 8. By default 20,000, or as many as keep the labels of
        all chains below 2 GB.
    n_chains : int
        Number of chains, >= 2; each costs as much as the first.
    rng : seed or numpy.random.Generator, optional
    alpha_prior : (float, float)
        Shape and rate of the Gamma prior of the concentration.
    prior : BasePrior, optional
        In standardised units; :func:`default_prior` by default.
    covariance : str, optional
        "full"; "diagonal" where the columns are to be independent within a cluster, which asks
        less of many columns; "spherical" where they are to have one variance, too, and clusters to
        be balls in standardised units; or "shared" where all clusters are to have one matrix, full
        and learned from all rows. :func:`compare` tells which predicts better. By default that of
        the prior, or "full".
    n_jobs, map : int and callable, optional
        How many chains run at once, or a map that spreads them, as in
        :func:`dpnotes.chains.run_many`; by default one a core, where the sweeps are compiled and
        long enough for it to pay. The draws are the same.
    progress : bool
        Show a progress bar.
    watch : function, optional
        Called with the analysis so far whenever the chains are looked at and go on; the run ends
        when it returns something true.

    Returns
    -------
    Analysis, or Approximation of more than 100,000 rows
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
    generator = check.rng("rng", rng)
    reading: dict[str, Any] = {
        "kinds": kinds,
        "missing": missing,
        "decimal": decimal,
        "thousands": thousands,
    }
    table, found = _kinds.prepare(data, columns=columns, rng=generator, **reading)
    asked: dict[str, Any] = {
        "n_sweeps": n_sweeps,
        "n_chains": n_chains,
        "alpha_prior": alpha_prior,
        "prior": prior,
        "covariance": covariance,
    }
    return _analysed(
        table,
        found,
        generator,
        n_jobs=n_jobs,
        map=map,
        progress=progress,
        watch=watch,
        call=partial(_call, data, rng, reading | asked),
        **asked,
    )


def _call(data: Any, rng: Any, asked: dict[str, Any]) -> dict[str, str]:
    """Return the arguments of a call as code, without those that are the default."""
    file = isinstance(data, (str, os.PathLike))
    call = {"data": repr(os.fspath(data)) if file else "data", "rng": _shown(rng, "rng")}
    return call | _asked(analyse, asked)


def _asked(of: Callable[..., object], asked: dict[str, Any]) -> dict[str, str]:
    """Return as code those arguments of a call that are not the default."""
    usual = {name: p.default for name, p in inspect.signature(of).parameters.items()}
    shown = {n: dict(v) if isinstance(v, Mapping) else v for n, v in asked.items()}
    shown["alpha_prior"] = tuple(np.asarray(asked["alpha_prior"], dtype=float).tolist())
    shown |= {n: v.tolist() for n, v in shown.items() if isinstance(v, np.generic)}
    prior = shown.pop("prior")
    call = {} if prior is None else {"prior": f"hyper.{prior}"}
    return call | {n: repr(v) for n, v in shown.items() if v != usual[n]}


def _shown(seed: Any, name: str) -> str:
    """Return a seed as code; what is none that can be written, by its name."""
    if isinstance(seed, (list, tuple)):
        seed = type(seed)(s.tolist() if isinstance(s, np.generic) else s for s in seed)
    seed = seed.tolist() if isinstance(seed, np.integer) else seed
    if not isinstance(seed, (int, list, tuple)):
        return name
    try:
        return repr(seed)
    except ValueError:  # of more digits than Python writes
        return name


def _analysed(
    table: tables.Table,
    found: _kinds.Kinds | None,
    generator: np.random.Generator,
    *,
    n_sweeps: int | None,
    n_chains: int,
    alpha_prior: tuple[float, float],
    prior: hyper.BasePrior | None,
    covariance: str | None,
    n_jobs: int | None,
    map: chains.Map = map,
    progress: bool = False,
    watch: Callable[["Analysis"], object] | None = None,
    call: Callable[[], Mapping[str, str]] = dict,
) -> "Analysis | Approximation":
    """Sample a table; where it has too many rows, some of them, and approximate the rest."""
    n_chains = check.integer("n_chains", n_chains, 2)
    asked = None if n_sweeps is None else check.integer("n_sweeps", n_sweeps, 8)
    options: dict[str, Any] = {
        "alpha_prior": alpha_prior,
        "prior": _prior(table.z.shape[1], prior, covariance) if found is None else found,
        "workers": {"n_jobs": n_jobs, "map": map, "progress": progress},
        "watch": watch,
        "call": call,
    }
    if watch is not None and not callable(watch):
        check.fail("watch", watch, "a function of the analysis so far")
    if found is not None and (prior is not None or covariance not in (None, "diagonal")):
        expected = "none, for columns that are not all measurements without gaps are independent"
        check.refuse("prior or covariance", "one of Gaussians", expected)
    if found is None and np.isnan(table.z).any():
        if options["prior"].covariance in ("spherical", "shared"):
            check.fail("missing", "draw", "a covariance of 'full', under which cells are drawn")
        if options["prior"].covariance == "diagonal":
            expected = "'ignore', which integrates gaps out where columns are independent"
            check.fail("missing", "draw", expected)
        if len(table.z) > MOST_ROWS:
            expected = f"'ignore': more than {MOST_ROWS} rows are not sampled, so no gap is drawn"
            check.fail("missing", "draw", expected)
    if len(table.z) <= MOST_ROWS:
        return _sampled(table, asked, n_chains, generator, **options)
    rows = _some_rows(table.x, generator)
    few = table._replace(x=table.x[rows], z=table.z[rows])
    sample = _sampled(few, asked, n_chains, generator, **options)
    field = meanfield.fit(
        sample.median_model(),
        table.z,
        truncation=max(20, 2 * int(sample.num_clusters.max())),
        rng=generator,
        progress=progress,
        alpha_prior=alpha_prior,
    )
    return Approximation(*table[:-1], field, sample, found)


def _some_rows(x: Floats, generator: np.random.Generator) -> Ints:
    """Return rows to sample, at random; a column with gaps in all of them adds one with a value."""
    rows = generator.choice(len(x), SAMPLE, replace=False, shuffle=False)
    for column in x.T:
        seen = ~np.isnan(column)
        if not seen[rows].any():
            rows = np.append(rows, generator.choice(np.flatnonzero(seen)))
    return np.sort(rows)


def _prior(dim: int, prior: hyper.BasePrior | None, covariance: str | None) -> hyper.BasePrior:
    if covariance is not None:
        check.one_of("covariance", covariance, hyper.COVARIANCES)
    if prior is None:
        return default_prior(dim, covariance=covariance or "full")
    _check_prior("prior", prior, dim)
    if covariance not in (None, prior.covariance):
        check.fail("covariance", covariance, f"{prior.covariance!r}, as the prior has it, or None")
    return prior


def _check_prior(name: str, prior: object, dim: int) -> None:
    if not isinstance(prior, hyper.BasePrior):
        check.fail(name, prior, "a dpnotes.hyper.BasePrior")
    if prior.dim != dim:
        check.refuse(name, f"a prior of {prior.dim} column(s)", f"one of {dim}, as the data have")


def _sampled(
    table: tables.Table,
    asked: int | None,
    n_chains: int,
    generator: np.random.Generator,
    alpha_prior: tuple[float, float],
    prior: hyper.BasePrior | Kinds,
    workers: dict[str, Any],
    watch: Callable[["Analysis"], object] | None = None,
    call: Callable[[], Mapping[str, str]] = dict,
) -> "Analysis":
    n = len(table.z)
    if asked is None:
        asked = max(8, min(MOST_SWEEPS, MOST_KEPT // (n * n_chains)))
    if asked * n_chains * n > chains.MOST_LABELS:
        gigabytes = asked * n_chains * n * 4 / 1e9
        shown = f"{asked} in each of {n_chains} chains of {n} rows, {gigabytes:.3g} GB of labels"
        check.refuse("n_sweeps", shown, f"at most {chains.MOST_LABELS} labels; take fewer rows")
    starts = dispersed(n, n_chains, rng=generator)
    kernel = _kernel(prior, table.z, alpha_prior)
    seed = int(generator.integers(2**62))
    rule = _Rule(_pairs(n, seed), asked)
    learned, made = check.gamma("alpha_prior", alpha_prior), call()

    def so_far(runs: list[Chain]) -> "Analysis":
        done = len(runs[0])
        kept = [run[done // 4 :] for run in runs]
        found = prior if isinstance(prior, Kinds) else None
        return Analysis(*table[:-1], kept, seed, (done, asked), found, learned, made)

    def look(runs: list[Chain]) -> bool:
        done, end = len(runs[0]), rule(runs)
        if end or watch is None or done == asked or not _due(done):
            return end
        return bool(watch(so_far(runs)))

    runs = chains.run_many(
        kernel, asked, start=starts, rng=generator, watch=look, every=STEP, **workers
    )
    if len(runs[0]) < 8:
        raise KeyboardInterrupt
    return so_far(runs)


def _kernel(prior: hyper.BasePrior | Kinds, z: Floats, alpha_prior: tuple[float, float]) -> Kernel:
    if isinstance(prior, hyper.BasePrior):
        options: dict[str, Any] = {"split_merge": True, "at_once": None, "missing": _drawn(z)}
        return hyper.kernel(prior, z, alpha_prior=alpha_prior, **options)
    alpha = gibbs.Alpha(check.gamma("alpha_prior", alpha_prior))
    seat = gibbs.Collapsed(DPMixture(1.0, prior._family()), z)
    if seat.nogil:
        return cycle(seat, *gibbs._splits_and_merges(seat), alpha)
    # Where loops are not compiled, all points at once, and few proposals, which take them singly.
    at_once = gibbs.Slice(seat)
    return cycle(
        at_once, *[at_once] * (hyper.SLICES - 1), gibbs.SplitMerge(seat, proposals=1), alpha
    )


def _drawn(x: Floats) -> str | None:
    """Return what a sampler of Gaussian clusters is told of missing cells."""
    return "draw" if np.isnan(x).any() else None


class _Rule:
    """Watch the chains, and end the run once what is to be reported has mixed."""

    def __init__(self, pairs: Ints, most: int) -> None:
        self.pairs, self.most = pairs, most
        self.seen: list[dict[str, Floats]] = []

    def __call__(self, runs: list[Chain]) -> bool:
        done, seen = len(runs[0]), sum(len(part["alpha"][0]) for part in self.seen)
        if done == self.most or not _due(done):
            return False
        self.seen.append(_quantities([run[seen:] for run in runs], self.pairs))
        whole = {name: np.hstack([part[name] for part in self.seen]) for name in self.seen[0]}
        mixing = diagnostics.mixing({name: x[:, done // 4 :] for name, x in whole.items()})
        return bool(mixing.fit(RHAT, ESS).all())


def _due(done: int) -> bool:
    """Return whether to look after this number of sweeps: 500, 750, and so on by doubling."""
    while done > 3 * STEP and done % 2 == 0:
        done //= 2
    return done in (2 * STEP, 3 * STEP)


def _pairs(n: int, seed: int) -> Ints:
    """Return pairs of rows to see whether they sit together: shape (PAIRS, 2)."""
    rng = np.random.default_rng(seed)
    return np.array([rng.choice(n, 2, replace=False) for _ in range(PAIRS)])


def _quantities(runs: list[Chain], pairs: Ints) -> dict[str, Floats]:
    """Return what must have mixed before it is reported, each of shape (chains, draws)."""
    labels = [run.labels for run in runs]
    n = labels[0].shape[1]
    found = {
        "number of clusters": [run.num_clusters for run in runs],
        "log joint": [_log_joint(run) for run in runs],
        "alpha": [run.alpha for run in runs],
        "share of the largest": [
            [np.bincount(z.astype(np.intp)).max() / n for z in each] for each in labels
        ],
        **{f"rows {i}, {j} together": [each[:, i] == each[:, j] for each in labels]
           for i, j in pairs},
    }  # fmt: skip
    return {name: np.array(values, dtype=float) for name, values in found.items()}


def _log_joint(run: Chain) -> list[float]:
    """Return what ``run.log_joint`` does, in a fraction of the time."""
    if not run.columns:
        fixed = gibbs.Collapsed(run.model, run.x)
        pairs = zip(run.labels, run.alpha.tolist(), strict=True)
        return [fixed.log_joint(chains.State(z, alpha)) for z, alpha in pairs]
    seat = hyper.Collapsed(run.model, run.x, missing=_drawn(run.x))
    bases = (dict(zip(run.columns, row, strict=True)) for row in zip(*run.columns.values()))
    rows = zip(run.labels, run.alpha.tolist(), bases, strict=True)
    return [seat.log_joint(chains.State(z, alpha, None, base)) for z, alpha, base in rows]


@dataclass(frozen=True, eq=False, repr=False)
class Comparison:
    """How well several priors predict rows held out: what :func:`compare` found.

    Attributes
    ----------
    names : list of str
    rows : ndarray of shape (m, n)
        Log predictive density of each row under each of m priors, in standardised units, given the
        rows of the other folds.
    folds : ndarray of int, shape (n,)
        The fold of each row.
    fit : ndarray of bool, shape (m,)
        Whether the analyses of all folds were fit to be reported.
    """

    names: list[str]
    rows: Floats
    folds: Ints
    fit: np.ndarray

    @property
    def mean(self) -> Floats:
        """Mean log score of each prior: shape (m,)."""
        return self.rows.mean(axis=1)

    def difference(self) -> tuple[Floats, Floats]:
        """Return mean scores less the best one, and the standard errors of these, row by row."""
        behind = self.rows - self.rows[self.mean.argmax()]
        return behind.mean(axis=1), behind.std(axis=1, ddof=1) / np.sqrt(self.rows.shape[1])

    def __repr__(self) -> str:
        m, n = self.rows.shape
        return f"Comparison({m} priors, {n} rows)"

    def __str__(self) -> str:
        """A line a prior: its mean log score, and how far it is behind the best."""
        width = max(map(len, self.names))
        lines = []
        for name, mean, d, e, fit in zip(
            self.names, self.mean, *self.difference(), self.fit, strict=True
        ):
            behind = f"{d:.3f} (standard error {e:.3f})" if e > 0 else "the best"
            lines.append(f"{name:{width}}  {mean:8.3f}  {behind}{'' if fit else ', NOT fit'}")
        return "\n".join(lines)


def compare(
    data: tables.Source | ArrayLike,
    priors: Mapping[str, hyper.BasePrior] | None = None,
    *,
    columns: Sequence[str] | str | None = None,
    folds: int = 5,
    n_sweeps: int | None = None,
    n_chains: int = 4,
    rng: RNGLike = None,
    alpha_prior: tuple[float, float] = (2, 4),
    n_jobs: int | None = None,
    map: chains.Map = map,
) -> Comparison:
    """Compare priors, or covariance models, by the log score of rows held out.

    The table is prepared once, as by :func:`analyse`. Each fold in turn is scored by an analysis
    of the others, run by the same rule.

    Parameters
    ----------
    data : str, path, file or array_like of shape (n,) or (n, d)
    priors : dict of str to BasePrior, optional
        In standardised units; by default :func:`default_prior` with each covariance, "full",
        "diagonal", "spherical" and "shared".
    columns : list of str, optional
        As in :func:`analyse`.
    folds : int
        From 2 to n.
    n_sweeps, n_chains, rng, alpha_prior, n_jobs, map
        As in :func:`analyse`.

    Returns
    -------
    Comparison

    Raises
    ------
    ValueError
        If an argument is out of range, or there are more than 100,000 rows.

    Examples
    --------
    >>> import numpy as np
    >>> from dpnotes import workflow
    >>> x = np.random.default_rng(1).standard_normal((20, 2))
    >>> workflow.compare(x, folds=2, n_sweeps=40, n_chains=2, rng=1)
    Comparison(4 priors, 20 rows)
    """
    n_chains = check.integer("n_chains", n_chains, 2)
    asked = None if n_sweeps is None else check.integer("n_sweeps", n_sweeps, 8)
    generator = check.rng("rng", rng)
    table = tables.prepare(data, columns=columns, rng=generator)
    n, d = table.z.shape
    if n > MOST_ROWS:
        check.refuse("data", f"{n} rows", f"at most {MOST_ROWS}; take some of them")
    folds = check.integer("folds", folds, 2, n)
    if priors is None:
        priors = {name: default_prior(d, covariance=name) for name in hyper.COVARIANCES}
    elif not isinstance(priors, Mapping) or not priors:
        check.fail("priors", priors, "a dictionary of names and dpnotes.hyper.BasePrior")
    for name, prior in priors.items():
        check.text(f"name {name!r} in priors", name)
        _check_prior(f"priors[{name!r}]", prior, d)
    fold = generator.permutation(np.arange(n) % folds)
    rows, fit = np.empty((len(priors), n)), np.ones(len(priors), bool)
    workers = {"n_jobs": n_jobs, "map": map, "progress": False}
    for i, prior in enumerate(priors.values()):
        for f in range(folds):
            seen, out = fold != f, fold == f
            part = table._replace(x=table.x[seen], z=table.z[seen])
            found = _sampled(part, asked, n_chains, generator, alpha_prior, prior, workers)
            # A score asks for four draws of each chain.
            steps = [min(n_chains * len(run) // SCORED, len(run) // 4) for run in found.chains]
            few = [run[:: max(1, step)] for run, step in zip(found.chains, steps, strict=True)]
            rows[i, out] = predictive.log_score(few, table.z[out]).rows
            fit[i] &= found.fit
    return Comparison(list(priors), rows, fold, fit)


def reweight(
    num_clusters: ArrayLike,
    n: int,
    alpha: float | tuple[float, float],
    new: float | tuple[float, float],
) -> tuple[Floats, Floats, float]:
    """Turn the posterior of K under one alpha into that under another, or under a prior of alpha.

    Parameters
    ----------
    num_clusters : array_like of int, shape (draws,) or (chains, draws)
        Draws of K.
    n : int
        Number of data points.
    alpha : float or (float, float)
        The concentration with which they were made, or shape and rate of its Gamma prior.
    new : float or (float, float)
        Another concentration, or shape (at most a million) and rate of a Gamma prior.

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
    n = check.integer("n", n)
    K = _counts(num_clusters, n)
    most = int(K.max())
    check.room("num_clusters", num_clusters, (most + 1) * max(K.size, 2 * NODES))
    k = np.arange(1, most + 1)
    log_weight = _log_prior_of_alpha("new", k, n, new) - _log_prior_of_alpha("alpha", k, n, alpha)
    return _weighted(K, log_weight[K - 1])


def _weighted(K: Ints, log_weight: Floats) -> tuple[Floats, Floats, float]:
    """Return P(K = 0..k) under weights, the errors, and what the draws are worth."""
    with np.errstate(under="ignore"):
        weight = np.exp(log_weight - log_weight.max())
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


def _log_prior_of_alpha(name, k, n, new):
    """Return the log of E[alpha^k / (alpha rising n)], up to a constant, at each k."""
    if check.raw(name, new, "a number or a pair").ndim == 0:
        return k * np.log(check.positive(name, new))
    a, b = check.gamma(name, new)
    if a > STEEPEST:
        check.fail(name, new, f"a shape of at most {STEEPEST:g}; shape / rate is as good a number")
    return _log_power_of_alpha(a + (k - 1), n, b)


@np.errstate(divide="ignore", under="ignore")  # a peak at the edge has one side only
def _log_power_of_alpha(c, n, b):
    """Return the log of the integral of e^(c t) h(t) over the real line, for each c > 0.

    With alpha = e^t, h is e^(-b alpha) / ((1 + alpha/1)...(1 + alpha/(n - 1))).
    """
    from scipy.special import roots_legendre

    c = np.asarray(c, dtype=float)[:, None]

    def fall(t):  # -h'(t) / h(t), which rises from 0
        alpha = np.exp(np.clip(t, -EXTREME, EXTREME))  # beyond, alpha / (alpha + i) is 0 or 1
        return np.exp(t + np.log(b)) + alpha * digamma_step(1 + alpha, n - 1)

    def height(t):  # c t + log h(t), which is concave
        near = np.clip(t, -EXTREME, EXTREME)
        log_product = -log_beta(n, np.exp(near)) - near + (n - 1) * np.maximum(t - EXTREME, 0)
        return c * t - np.exp(t + np.log(b)) - log_product

    # Up to here h is 1, so that the tail is known however slowly it falls.
    flat = -FALL - np.log(b + n)
    peak = _last(lambda t: fall(t) <= c, np.log(c) - np.log(b + n), np.log(c) - np.log(b))
    peak = np.maximum(peak, flat)
    level = height(peak) - FALL
    left = _last(lambda t: height(t) <= level, flat, peak)
    right = _last(lambda t: height(t) >= level, peak, np.log1p(c) - np.log(b) + 5)
    node, weight = roots_legendre(NODES)
    parts = [c * flat - np.log(c)]
    for start, end in [(left, peak), (peak, right)]:
        t = start + (end - start) * (node + 1) / 2
        parts.append(height(t) + np.log((end - start) * weight / 2))
    return np.logaddexp.reduce(np.hstack(parts), axis=1)


def _last(holds, low, high):
    """Bisect for the last points at which a condition holds that holds at low and then ceases."""
    low, high = np.broadcast_arrays(low, high)
    for _ in range(64):
        middle = (low + high) / 2
        yes = holds(middle)
        low, high = np.where(yes, middle, low), np.where(yes, high, middle)
    return low


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


def _plot(
    self: "Analysis | Approximation",
    what: str = "answer",
    *,
    pair: tuple[int, int] | None = None,
    certain: float | None = None,
    ax: Any = None,
) -> Any:
    """Draw one figure of the report on axes of your own.

    Parameters
    ----------
    what : str
        "answer" (:func:`dpnotes.plotting.answer`), "components" or "parallel" (of the same
        module); of an Analysis also "number" (P(K) with errors), "similarity" and "traces" (K
        along the chains).
    pair : (int, int), optional
        The columns of "answer" where there are several; the first two by default.
    certain : float, optional
        Rows of "answer" whose block is less certain are hollow; mean field does not know it.
    ax : matplotlib Axes, optional

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    ValueError
        If there is no such figure of these columns, or it has no use for pair or certain.
    """
    from . import plotting

    return plotting._figure(self, what, ax, pair=pair, certain=certain)


def _fragment(self: "Analysis | Approximation") -> str:
    from . import report

    return report.fragment(self)


def _units(self: "Analysis | Approximation", z: Floats) -> Floats:
    """Return rows as the model has them in the units of the data."""
    if self.kinds is None:
        return self.centre + self.spread * z
    return np.column_stack([c._units(v) for c, v in zip(self.kinds.columns, z.T, strict=True)])


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
        How many sweeps each chain made, and the most it was to make.
    kinds : Kinds or None
        What each column was taken for; None if all are measurements, and gaps, if any, were drawn.
        Otherwise ``x`` has codes for categories, and ``centre`` and ``spread`` of amounts are those
        of their logarithms. It has NaN for gaps.
    alpha_prior : (float, float)
        Shape and rate of the Gamma prior of the concentration.
    call : mapping of str to str
        Arguments of the call that made it, as code, where they are not the default.
    """

    x: Floats
    names: list[str]
    width: Floats
    centre: Floats
    spread: Floats
    chains: list[Chain]
    seed: int = 0
    sweeps: tuple[int, int] = (0, 0)
    kinds: Kinds | None = None
    alpha_prior: tuple[float, float] = (2.0, 4.0)
    call: Mapping[str, str] = field(default_factory=dict)

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

    @cached_property
    def diagnostics(self) -> diagnostics.Mixing:
        """R-hat and effective numbers of draws of what must have mixed; ``print`` shows a table."""
        return diagnostics.mixing(self._watched)

    @cached_property
    def _watched(self) -> dict[str, Floats]:
        return _quantities(self.chains, _pairs(len(self.x), self.seed))

    @property
    def fit(self) -> bool:
        """Whether all of ``diagnostics`` are within the limits, so that it may be reported."""
        return bool(self.diagnostics.fit(RHAT, ESS).all())

    @property
    def _least(self) -> float:
        """The effective draws of what moves least."""
        return float(self.diagnostics.bulk[self.diagnostics.moves].min(initial=np.inf))

    @property
    def _needed(self) -> int:
        """Sweeps after which as many effective draws as are asked for can be expected."""
        return int(np.ceil(1.3 * self.sweeps[0] * max(1, ESS / self._least) / STEP)) * STEP

    @cached_property
    def modes(self) -> list[list[int]]:
        """The chains by the mode that they sit in; one list of all unless they sit apart.

        Two chains do if each has moved about freely, or not at all, and they still differ.
        """
        modes: list[list[int]] = []
        for i in range(len(self.chains)):
            near = [mode for mode in modes if not all(self._apart(i, j) for j in mode)]
            far = [mode for mode in modes if mode not in near]
            modes = [*far, sorted([i, *(j for mode in near for j in mode)])]
        return sorted(modes)

    def _apart(self, i: int, j: int) -> bool:
        for draws in self._watched.values():
            two = draws[[i, j]]
            steady = all(diagnostics.ess(x, kind="bulk") > STEADY for x in two)
            if steady and diagnostics.rhat(two) > APART:
                return True
        return False

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
    def search(self) -> partitions.PointEstimate:
        """The search that found ``partition``, with the expected loss where each start ended."""
        return partitions.search(self._thinned(), rng=self.seed)

    @property
    def partition(self) -> Ints:
        """The partition of least expected variation of information: shape (n,)."""
        return self.search.labels

    @cached_property
    def ball(self) -> partitions.CredibleBall:
        """The 95% credible ball about ``partition``."""
        return partitions.credible_ball(self.labels, self.partition)

    @cached_property
    def distances(self) -> Floats:
        """Variation of information between ``partition`` and each draw: shape (chains, draws)."""
        distances = partitions.variation_of_information(self.partition, self.labels)
        return distances.reshape(self.num_clusters.shape)

    @property
    def expected_loss(self) -> tuple[float, float]:
        """Mean distance of the draws from ``partition``, and its Monte Carlo standard error."""
        return float(self.distances.mean()), diagnostics.mcse(self.distances)

    @property
    def radius(self) -> tuple[float, float]:
        """Radius of ``ball``, and its Monte Carlo standard error."""
        return self.ball.radius, diagnostics.mcse(self.distances, quantile=0.95)

    def similarity(self) -> tuple[Floats, Floats]:
        """Return the similarity matrix and its Monte Carlo standard errors: shape (n, n) each."""
        chains = self.labels.reshape(*self.num_clusters.shape, -1)
        return partitions.similarity(self.labels), diagnostics.similarity_mcse(chains)

    @cached_property
    def certain(self) -> partitions.Subpartition:
        """The rows of which it is certain at 95% who is with whom.

        Found on all draws, or on as many as hold some four million labels; ``probability`` and
        ``agrees`` are of all.
        """
        found = partitions.subpartition(self._thinned(2**22 // len(self.x) + 1), rng=self.seed)
        rows = found.labels >= 0
        same = partitions.canonical(self.labels[:, rows]) == found.labels[rows]
        agrees = same.all(axis=1)
        return replace(found, agrees=agrees, probability=float(agrees.mean()))

    @cached_property
    def certainty(self) -> Floats:
        """How probably each row sits with another of its block, or alone if it is one: shape (n,).

        The probability is the mean over the others of its block, of all draws, or of as many as
        hold some sixteen million labels.
        """
        blocks = self.partition.astype(np.intp)
        others = np.bincount(blocks)[blocks] - 1
        found = np.zeros(len(blocks))
        draws = self._thinned(2**24 // len(blocks) + 1)
        for labels in draws:
            pair = blocks * (int(labels.max()) + 1) + labels
            together = np.bincount(pair)[pair] - 1
            alone = np.bincount(labels.astype(np.intp))[labels] == 1
            found += np.where(others > 0, together / np.maximum(others, 1), alone)
        return found / len(draws)

    @cached_property
    def sensitivity(self) -> "Sensitivity":
        """The posterior of K under other priors of alpha and other widths of clusters.

        The draws are weighted by the ratio of the priors (:func:`reweight` for those of alpha), so
        a row whose draws are worth few must be computed by an analysis with that prior.
        """
        (a, b), K, n = self.alpha_prior, self.num_clusters, len(self.x)
        rows: dict[str, tuple[Floats, Floats, float]] = {
            f"as analysed, alpha ~ Gamma({a:g}, {b:g})": _weighted(K, np.zeros(K.shape)),
            "alpha half as large": reweight(K, n, (a, b), (a, 2 * b)),
            "alpha twice as large": reweight(K, n, (a, b), (a, b / 2)),
            "alpha = 1": reweight(K, n, (a, b), 1.0),
        }
        worth = [size / K.size for _, _, size in rows.values()]
        for name, factor in {"half": 0.5, "twice": 2.0}.items():
            runs, log_weight = _rescaled(self, factor)
            if log_weight is not None:
                few = np.array([run.num_clusters for run in runs])
                name = f"clusters {name} as wide"
                rows[name] = _weighted(few, log_weight)
                worth.append(rows[name][2] / few.size)
        most = max(len(prob) for prob, _, _ in rows.values())
        prob, error = (
            np.array([np.pad(one, (0, most - len(one))) for one in column])
            for column in list(zip(*rows.values(), strict=True))[:2]
        )
        return Sensitivity(list(rows), prob, error, np.array(worth))

    @cached_property
    def clusters(self) -> "Clusters":
        """A summary of each cluster of ``partition``, in the units of the data; print it."""
        K = int(self.partition.max()) + 1
        named = partitions.match(self._thinned(), self.partition)
        sizes = (named[:, :, None] == np.arange(K)).sum(axis=1)
        interval = np.quantile(sizes, [0.05, 0.95], axis=0, method="nearest")
        return _summaries(self.names, self.x, self.partition, interval, self.kinds)

    @property
    def valleys(self) -> Floats:
        """How low the density falls between two clusters of ``partition``: shape (K, K).

        See :func:`dpnotes.peaks.valleys`. Each cluster has the posterior mean of its centre and of
        its precision matrix, with H at its own posterior mean.
        """
        _only_gaussians("valleys", self)
        return peaks.valleys(*self._gaussians)

    @cached_property
    def groups(self) -> Ints:
        """Which clusters of ``partition`` run into each other: a label for each cluster.

        They do where the density stays above a tenth of that at the lower centre, see
        :func:`dpnotes.peaks.groups`.
        """
        _only_gaussians("groups", self)
        return peaks.groups(*self._gaussians)

    @cached_property
    def _gaussians(self):
        base = (
            np.mean(np.concatenate([getattr(chain, name) for chain in self.chains]), axis=0)
            for name in ("mean", "strength", "scale")
        )
        z = (self.x - self.centre) / self.spread
        return _gaussians(self._completed(z), self.partition, self._prior, *base)

    def _completed(self, z: Floats) -> list[Floats]:
        """Return standardised rows; if cells are missing, as up to SHOWN draws have them, each."""
        gaps, result = np.isnan(z), []
        if not gaps.any():
            return [z]
        drawn = [cells for chain in self._shown() for cells in chain.columns["cells"]]
        for cells in drawn[:: -(-len(drawn) * z.size // FILLED)]:
            result.append(z.copy())
            result[-1][gaps] = cells
        return result

    @property
    def _prior(self) -> hyper.BasePrior:
        return self.chains[0].model.prior

    def _thinned(self, size=500):
        return self.labels[:: max(1, len(self.labels) // size)]

    def median_model(self) -> DPMixture:
        """Return the mixture with alpha and H at their posterior medians, in standardised units."""
        if self.kinds is not None:
            alpha = float(np.median([chain.alpha for chain in self.chains]))
            return DPMixture(alpha, self.chains[0].model.component)
        alpha, *base = self._median_base
        return DPMixture(alpha, self._prior.family(*base))

    @cached_property
    def _median_base(self):
        return [
            np.median(np.concatenate([getattr(chain, name) for chain in self.chains]), axis=0)
            for name in ("alpha", "mean", "strength", "scale")
        ]

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
        points, level = _standardised(self, "grid", grid), _share("level", level)
        rng, chains = check.rng("rng", self.seed if rng is None else rng), self._shown()
        logs = np.vstack([chain.predictive_draws(points) for chain in chains])
        with np.errstate(under="ignore"):  # far from the data the density may be 0
            mean = np.exp(logs).mean(axis=0)
        draws = np.vstack([chain.density_draws(points, rng=rng) for chain in chains])
        low, high = np.quantile(draws, [(1 - level) / 2, (1 + level) / 2], axis=0)
        volume = np.exp(self._log_volume(points))
        return tuple(value / volume for value in (mean, low, high))

    def predictive_logpdf(self, grid: ArrayLike) -> Floats:
        """Return the log predictive density at the rows of grid, in the units of the data.

        It is the logarithm of the mean that ``density`` returns, and finite far out, too.
        """
        points = _standardised(self, "grid", grid)
        logs = np.vstack([chain.predictive_draws(points) for chain in self._shown()])
        mean: Floats = np.logaddexp.reduce(logs, axis=0) - np.log(len(logs))
        return mean - self._log_volume(points)

    def _log_volume(self, points: Floats) -> Any:
        """Return the log of what a density of standardised rows is divided by, in their units."""
        if self.kinds is None:  # a gap takes up no room
            return np.where(np.isnan(points), 0.0, np.log(self.spread)).sum(axis=1)
        return self.kinds._log_volume(points)

    def _shown(self) -> list[Chain]:
        step = max(1, len(self.labels) // SHOWN)
        return [chain[step // 2 :: step] for chain in self.chains]

    def predict_proba(self, x: ArrayLike) -> Floats:
        """Return how probable it is that a new row is of each cluster of ``partition``, or of none.

        As :meth:`dpnotes.chains.Chain.predict_proba` has it, averaged over up to 1000 of the draws.

        Parameters
        ----------
        x : array_like of shape (m,) or (m, d)
            New rows in the units of the data; columns of a data frame are chosen by name.

        Returns
        -------
        ndarray of shape (m, K + 1)
            Rows sum to 1; the last column is that of none.

        Raises
        ------
        ValueError
            If x does not have the columns of the data, or is not finite.
        """
        return self._few.predict_proba(_standardised(self, "x", x), self.partition)

    def predict(self, x: ArrayLike) -> Ints:
        """Return the most probable cluster of each new row, -1 for none: shape (m,).

        See :meth:`predict_proba`, which has the same argument.
        """
        return self._few.predict(_standardised(self, "x", x), self.partition)

    def predict_similarity(self, x: ArrayLike) -> tuple[Floats, Floats]:
        """Return how probable it is that a new row shares a cluster with each row of the data.

        And that it opens a cluster of its own, as :meth:`dpnotes.chains.Chain.predict_similarity`
        has them, averaged over up to 1000 of the draws.

        Parameters
        ----------
        x : array_like of shape (m,) or (m, d)
            New rows in the units of the data; columns of a data frame are chosen by name.

        Returns
        -------
        similarity : ndarray of shape (m, n)
        alone : ndarray of shape (m,)

        Raises
        ------
        ValueError
            If x does not have the columns of the data, or is not finite.
        """
        return self._few.predict_similarity(_standardised(self, "x", x))

    @cached_property
    def _few(self) -> Chain:
        """Draws of all chains, at most SCORED."""
        step = -(-len(self.labels) // SCORED)
        return chains.concatenate([chain[step // 2 :: step] for chain in self.chains])

    plot, _repr_html_, _units = _plot, _fragment, _units

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the analysis to one file, without pickle, which :func:`load` reads.

        Parameters
        ----------
        path : str or path
            An existing file is replaced, once the new one is whole.

        Raises
        ------
        ValueError
            If the file cannot be written.
        """
        facts, arrays = _kept(self)
        _record.save_all(path, "Analysis", facts, arrays, self.chains)

    def __str__(self) -> str:
        """The answer in words: what the posterior says, what to report, whether to trust it."""
        return _paragraphs([*_table(self), *self._answer(), *_shapes(self), *self._trust()])

    def _answer(self) -> list[str]:
        K = self.num_clusters
        mode = int(np.bincount(K.ravel().astype(np.intp)).argmax())
        p, error = self.prob(mode)
        low, high = np.quantile(K, [0.05, 0.95]).astype(int)
        sizes = np.sort(np.bincount(self.partition.astype(np.intp)))[::-1].tolist()
        large = int(np.bincount(self.large().ravel().astype(np.intp)).argmax())
        ball = [int(z.max()) + 1 for z in (self.ball.coarsest, self.ball.finest)]
        loss, loss_error = self.expected_loss
        return [
            f"Number of clusters: most probably {mode}, with probability {p:.2f} "
            f"(Monte Carlo standard error {_rounded(error)}); 90% of the posterior in "
            f"{low} to {high}.",
            f"Clusters with at least 5% of the rows: most probably {large}.",
            f"One partition to report: sizes {sizes}, at an expected distance of {loss:.2f} "
            f"(standard error {_rounded(loss_error)}) nats; the 95% ball about it reaches from "
            f"{ball[0]} to {ball[1]} clusters.",
        ]

    def _trust(self, name: str = "result") -> list[str]:
        """Whether the answer is fit to be reported; if not, what falls short and what helps.

        The name is that by which the reader has this analysis.
        """
        table = self.diagnostics
        fit = table.fit(RHAT, ESS)
        least = self._least
        numbers = f"R-hat up to {table.rhat.max():.3f}, effective draws from {least:.0f}:"
        if fit.all():
            return [f"{numbers} fit to report."]
        short = [
            f"{name} ({r:.3f}, {e:.0f})"
            for name, r, e, ok in zip(table.names, table.rhat, table.bulk, fit, strict=True)
            if not ok
        ]
        said = [
            f"{numbers} do NOT report this.",
            f"Short of R-hat {RHAT} and {ESS} effective draws: {', '.join(short)}.",
        ]
        if len(self.modes) > 1:
            places = "; ".join(map(self._place, self.modes))
            return [
                *said,
                f"The chains sit in different modes: {places}.",
                "More sweeps will not tell how probable each is. A mode whose log joint is far "
                "below another's is where a chain got stuck; others are alternatives: show each "
                "(chains and modes of the analysis), start more chains (n_chains) to see how often "
                "each is found, or take fewer columns or a prior that tells them apart.",
            ]
        done, most = self.sweeps
        needed = self._needed
        if needed <= most:
            return [*said, f"Stopped after {done} of {most} sweeps: let it run on."]
        n, n_chains = len(self.x), len(self.chains)
        if needed <= min(FAR, chains.MOST_LABELS // (n * n_chains)):
            return [*said, f"The chains are on their way: n_sweeps={needed} may do."]
        return [*said, *self._instead(name)]

    def _instead(self, name: str) -> list[str]:
        """Say what helps where no number of sweeps within reach will do."""
        d, K = self.x.shape[1], int(self.partition.max()) + 1
        joined = self.kinds is None and K > self.groups.max() + 1
        return [
            "The chains move too slowly for more sweeps to be of use; what helps is:",
            *(["- to report groups, not clusters: those that run into each other are cut in many "
               "ways that are as good, and it is between these that the chains wander;"]
              if joined else []),
            *([f"- fewer of the {d} columns: those that matter, or the first principal components;"]
              if d > 3 else []),
            "- a prior that expects fewer clusters, or wider ones (alpha_prior, prior);",
            *(["- mean field, which gives one partition without its uncertainty: "
               f"meanfield.fit({name}.median_model(), {name}.chains[0].x)."]
              if self.kinds or not np.isnan(self.x).any() else
              ["- missing='ignore', where columns are independent within a cluster."]),
        ]  # fmt: skip

    def _place(self, mode: list[int]) -> str:
        """Say where the chains of a mode are."""
        K, log_joint, share = (
            self._watched[name][mode].mean()
            for name in ("number of clusters", "log joint", "share of the largest")
        )
        which = f"chain{'s' if len(mode) > 1 else ''} {', '.join(map(str, mode))}"
        return f"{which} at {K:.1f} clusters, {share:.0%} in the largest, log joint {log_joint:.1f}"


def load(path: str | os.PathLike[str]) -> "Analysis | Approximation":
    """Read an analysis that :meth:`Analysis.save` wrote, or :meth:`Approximation.save`.

    Parameters
    ----------
    path : str or path

    Returns
    -------
    Analysis or Approximation
        Whatever is computed from it is what it was.

    Raises
    ------
    ValueError
        If the file is not a whole analysis, or of a version that this one does not know.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> from dpnotes import datasets, workflow
    >>> result = workflow.analyse(datasets.galaxies(), n_sweeps=40, n_chains=2, rng=1)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder) / "galaxies.npz"
    ...     result.save(path)
    ...     workflow.load(path)
    Analysis(82 rows, 1 column(s), 2 chains of 30 draws)
    """
    expected = "a file that Analysis.save wrote whole, or Approximation.save"
    made: dict[str, Callable[..., Analysis | Approximation]] = {
        "Analysis": _analysis,
        "Approximation": _approximation,
    }
    kind, facts, arrays, runs = _record.load_all(path, made, expected)
    try:
        return made[kind](facts, arrays, [Chain(**run) for run in runs])
    except (TypeError, ValueError, LookupError, AttributeError):
        check.fail("path", os.fspath(path) if isinstance(path, os.PathLike) else path, expected)


# What a file holds: facts, as plain data, and arrays.


def _kept(result: Analysis) -> tuple[dict[str, Any], dict[str, Floats]]:
    """Return what there is to an analysis besides its chains."""
    facts = {name: getattr(result, name) for name in FACTS}
    facts |= {"call": dict(result.call), "kinds": _plain(result.kinds)}
    return facts, {name: getattr(result, name) for name in ARRAYS}


def _plain(kinds: Kinds | None) -> list[dict[str, Any]] | None:
    return None if kinds is None else [asdict(column) for column in kinds.columns]


def _kinds_of(plain: list[dict[str, Any]] | None) -> Kinds | None:
    if plain is None:
        return None
    tuples = [{name: tuple(c[name]) for name in ("levels", "words")} for c in plain]
    return Kinds([_kinds.Column(**c | own) for c, own in zip(plain, tuples, strict=True)])


def _analysis(facts: dict[str, Any], arrays: dict[str, Any], runs: list[Chain]) -> Analysis:
    _exactly(facts, [*FACTS, "call", "kinds"])
    _exactly(arrays, ARRAYS)
    if not runs:
        raise LookupError("chains")
    pairs = {name: tuple(facts[name]) for name in ("sweeps", "alpha_prior")}
    return Analysis(chains=runs, **facts | pairs | {"kinds": _kinds_of(facts["kinds"])}, **arrays)


def _approximation(
    facts: dict[str, Any], arrays: dict[str, Any], runs: list[Chain]
) -> "Approximation":
    parts: dict[str, dict[str, Any]] = {"": {}, "field ": {}, "sample ": {}}
    for name, array in arrays.items():
        start = next(start for start in ("field ", "sample ", "") if name.startswith(start))
        parts[start][name.removeprefix(start)] = array
    _exactly(facts, ["names", "kinds", "field", "sample"])
    _exactly(parts[""], ARRAYS)
    q = facts["field"]
    learned = {"alpha_posterior": q.pop("alpha_posterior", None)}  # there if alpha was learned
    _exactly(q, [*FIELD_FACTS, "model", "place"])
    _exactly(parts["field "], FIELD_ARRAYS)
    model = _record.make(q.pop("model"))
    model.component = gaussian.put(model.component, q.pop("place"))
    return Approximation(
        names=facts["names"],
        field=meanfield.MeanField(model, **q, **learned, **parts["field "]),
        sample=_analysis(facts["sample"], parts["sample "], runs),
        kinds=_kinds_of(facts["kinds"]),
        **parts[""],
    )


def _exactly(found: Mapping[str, Any], names: Sequence[str]) -> None:
    if set(found) != set(names):
        raise KeyError(*found)


@dataclass(frozen=True, eq=False, repr=False)
class Approximation:
    """What :func:`analyse` found by mean field in more rows than can be sampled.

    It is one approximation, without the posterior's uncertainty: what only draws of the partition
    of all rows could tell (``num_clusters``, ``density`` with its band, ``ball``, ...) is refused
    by its name. The Analysis of some of the rows has all of it for these.

    Attributes
    ----------
    x : ndarray of shape (n, d)
    names : list of str
    width : ndarray of shape (d,)
        As in :class:`Analysis`.
    centre, spread : ndarray of shape (d,)
        Means and standard deviations of the columns, ties spread.
    field : MeanField
        In standardised units, with H at its median in ``sample``. Alpha has the prior it has there,
        and a Gamma law in q, ``field.alpha_posterior``.
    sample : Analysis
        Of 1000 random rows, in the units of all.
    kinds : Kinds or None
        As in :class:`Analysis`.
    """

    x: Floats
    names: list[str]
    width: Floats
    centre: Floats
    spread: Floats
    field: meanfield.MeanField
    sample: Analysis
    kinds: Kinds | None = None

    def __repr__(self) -> str:
        (n, d), some = self.x.shape, len(self.sample.x)
        return f"Approximation({n} rows, {d} column(s), mean field; {some} rows sampled)"

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or name not in {*dir(Analysis), *Analysis.__dataclass_fields__}:
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        raise AttributeError(
            f"{name}: this needs draws of the partition of all {len(self.x)} rows, which mean "
            f"field has not; sample.{name} has it for {len(self.sample.x)} of them"
        )

    @property
    def seed(self) -> int:
        """Of the random numbers in what is computed from the fit."""
        return self.sample.seed

    @cached_property
    def partition(self) -> Ints:
        """The most probable cluster of each row, numbered by first row: shape (n,)."""
        return partitions.canonical(self._assigned)

    @cached_property
    def _assigned(self) -> Ints:
        return self.field.assign(self._z)

    @property
    def _named(self) -> Ints:
        """The cluster of q that each cluster of ``partition`` is."""
        clusters, first = np.unique(self._assigned, return_index=True)
        return clusters[np.argsort(first)]

    @cached_property
    def clusters(self) -> "Clusters":
        """A summary of each cluster of ``partition``, in the units of the data; print it."""
        return _summaries(self.names, self.x, self.partition, None, self.kinds)

    @property
    def valleys(self) -> Floats:
        """How low the density falls between two clusters, as in :class:`Analysis`."""
        _only_gaussians("valleys", self)
        return peaks.valleys(*self._gaussians)

    @cached_property
    def groups(self) -> Ints:
        """Which clusters run into each other: a label for each, as in :class:`Analysis`."""
        _only_gaussians("groups", self)
        return peaks.groups(*self._gaussians)

    def predictive_logpdf(self, grid: ArrayLike) -> Floats:
        """Return the log predictive density at the rows of grid, in the units of the data."""
        points = _standardised(self, "grid", grid)
        own = self.kinds
        volume = np.log(self.spread).sum() if own is None else own._log_volume(points)
        return self.field.predictive_logpdf(points) - volume

    def predict_proba(self, x: ArrayLike) -> Floats:
        """Return how probable it is that a new row is of each cluster of ``partition``, or of none.

        Under q, as :meth:`dpnotes.meanfield.MeanField.predict_proba` has it.

        Parameters
        ----------
        x : array_like of shape (m,) or (m, d)
            New rows in the units of the data; columns of a data frame are chosen by name.

        Returns
        -------
        ndarray of shape (m, K + 1)
            Rows sum to 1; the last column is that of none.

        Raises
        ------
        ValueError
            If x does not have the columns of the data, or is not finite.
        """
        probs = self.field.predict_proba(_standardised(self, "x", x))
        named = probs[:, self._named]
        # Of none are clusters of q, too, that are the most probable of no row.
        return np.column_stack([named, np.delete(probs, self._named, axis=1).sum(axis=1)])

    def predict(self, x: ArrayLike) -> Ints:
        """Return the most probable cluster of each new row, -1 for none: shape (m,).

        See :meth:`predict_proba`, which has the same argument.
        """
        probs = self.predict_proba(x)
        best = probs.argmax(axis=1)
        return np.where(best == probs.shape[1] - 1, -1, best)

    def predict_similarity(self, x: ArrayLike) -> tuple[Floats, Floats]:
        """Return how probable it is that a new row shares a cluster with each row of the data.

        And that it shares one with none, under q: see
        :meth:`dpnotes.meanfield.MeanField.predict_similarity`.

        Parameters
        ----------
        x : array_like of shape (m,) or (m, d)
            New rows in the units of the data; columns of a data frame are chosen by name.

        Returns
        -------
        similarity : ndarray of shape (m, n)
        alone : ndarray of shape (m,)

        Raises
        ------
        ValueError
            If x does not have the columns of the data, or is not finite.
        """
        return self.field.predict_similarity(_standardised(self, "x", x), self._z)

    @property
    def _z(self) -> Floats:
        if self.kinds is not None:
            return self.kinds._scaled(self.x)
        return (self.x - self.centre) / self.spread

    @cached_property
    def _gaussians(self):
        base = self.sample._median_base[1:]
        return _gaussians([self._z], self.partition, self._prior, *base)

    @property
    def _prior(self) -> hyper.BasePrior:
        return self.sample._prior

    plot, _repr_html_, _units = _plot, _fragment, _units

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the approximation to one file, without pickle, which :func:`load` reads.

        Parameters
        ----------
        path : str or path
            An existing file is replaced, once the new one is whole.

        Raises
        ------
        ValueError
            If the file cannot be written.
        """
        model = copy.copy(self.field.model)
        place = gaussian.place(model.component)
        if isinstance(model.component, gaussian.Islands):
            model.component = model.component.family
        q = {name: getattr(self.field, name) for name in FIELD_FACTS}
        q |= {"model": _record.describe(model), "place": place}
        if self.field.alpha_posterior is not None:
            q["alpha_posterior"] = self.field.alpha_posterior
        sample, own = _kept(self.sample)
        facts = {"names": self.names, "kinds": _plain(self.kinds), "field": q, "sample": sample}
        arrays = {name: getattr(self, name) for name in ARRAYS}
        arrays |= {f"field {name}": getattr(self.field, name) for name in FIELD_ARRAYS}
        arrays |= {f"sample {name}": array for name, array in own.items()}
        _record.save_all(path, "Approximation", facts, arrays, self.sample.chains)

    def __str__(self) -> str:
        """The answer in words: what was approximated, what to report, whether to trust it."""
        return _paragraphs([*_table(self), *self._answer(), *_shapes(self), *self._trust()])

    def _answer(self) -> list[str]:
        sizes = np.sort(self.clusters.sizes)[::-1]
        return [
            f"More than {MOST_ROWS} rows are not sampled. This is mean field: one "
            "approximation, without the uncertainty of the number of clusters, which the "
            f"analysis of {len(self.sample.x)} random rows (sample) has for these. It gives the "
            f"base measure, too, at its median. {self._alpha()}",
            f"Clusters with at least 5% of the rows: {(sizes >= 0.05 * len(self.x)).sum()}.",
            f"One partition to report: sizes {sizes.tolist()}.",
        ]

    def _alpha(self) -> str:
        law = self.field.alpha_posterior
        if law is None:
            return f"Alpha is {self.field.model.alpha:.3g}."
        sampled = np.mean([chain.alpha for chain in self.sample.chains])
        return (
            f"The mean of alpha is {law[0] / law[1]:.3g}, by a law that is too narrow; given the "
            f"sample it is {sampled:.3g}."
        )

    def _trust(self) -> list[str]:
        (reached, apart), starts = self.field._reached(), len(self.field.restart_elbos)
        verdict, *rest = self.sample._trust("result.sample")
        return [
            f"{'Converged' if self.field.converged else 'NOT converged'}; {reached} of "
            f"{starts} starts came to the best ELBO, and all ended up to {apart:.3g} nats "
            "apart.",
            f"The sampled rows: {verdict}",
            *rest,
        ]


def _standardised(result: Analysis | Approximation, name: str, value: ArrayLike) -> Floats:
    """Return rows in the units of the data as the data were standardised: shape (m, d)."""
    if result.kinds is not None:
        return result.kinds._scaled(result.kinds._rows(name, value))
    table, gaps = check.frame(value), _drawn(result.x) is not None
    if table is not None:
        found = tables._by_name(name, *table, result.names)
        named, read = zip(result.names, found, strict=True), check.array
        read = check.array_with_gaps if gaps else check.array
        value = np.column_stack([read(f"{name}[{n!r}]", cells, 1) for n, cells in named])
    points = check.points(name, value, result.x.shape[1], gaps)
    with np.errstate(over="ignore"):
        return np.clip((points - result.centre) / result.spread, -FARTHEST, FARTHEST)


def _rescaled(result: Analysis, factor: float) -> tuple[list[Chain], Floats | None]:
    """Return draws, and log ratios of priors under which clusters are wider by a factor."""
    own, runs = result.kinds, result.chains
    if own is None and result._prior.scale_dof is not None:  # the ratio of two Wishart densities
        lower = (1 - factor**-2) / 2
        return runs, np.array(
            [lower * np.einsum("ij,tij->t", result._prior._rate, run.scale) for run in runs]
        )
    if own is not None and all(c.kind not in ("measurement", "amount") for c in own.columns):
        return runs, None
    step = -(-len(result.labels) // RESCALED)
    runs = [run[:: min(step, len(run) // 4)] for run in runs]
    if own is not None:
        model = DPMixture(runs[0].model.alpha, own._family(factor))
        other = [replace(run, model=model) for run in runs]
    else:
        wider = [[factor**2 * scale for scale in run.columns["scale"]] for run in runs]
        other = [
            replace(run, columns={**run.columns, "scale": scales})
            for run, scales in zip(runs, wider, strict=True)
        ]
    return runs, np.array([_log_joint(run) for run in other]) - [_log_joint(run) for run in runs]


def _only_gaussians(name: str, result: Analysis | Approximation) -> None:
    if result.kinds is not None:
        shown = "of columns that are not all measurements without gaps"
        check.refuse(name, shown, "a table of measurements, whose clusters are Gaussian")


def _table(result: Analysis | Approximation) -> list[str]:
    """Say what was analysed."""
    (n, d), named = result.x.shape, zip(result.names, result.width, strict=True)
    return [
        f"{n} rows, {d} column(s): {', '.join(result.names)}.",
        *(
            f"{name} has ties: the values that repeat are spread at random by up to "
            f"{w / 2:.3g} either way, the others stay."
            for name, w in named
            if w > 0
        ),
        *_columns(result),
    ]  # fmt: skip


def _columns(result: Analysis | Approximation) -> list[str]:
    """Say what the columns were taken for, and how they hang together."""
    own, x = result.kinds, result.x
    each, n = np.isnan(x).sum(axis=0).tolist(), x.size
    missing, how = sum(each), "integrated out" if own else "drawn anew in every sweep"
    gaps = (
        f"{missing} of {n} cells are missing ({missing / n:.1%}), and {how}: right where "
        "which are missing does not depend on what they would hold. Nothing is filled in."
    )
    if own is None:
        kind = result._prior.covariance
        together = f"Columns are independent within a cluster ({kind} covariance matrices)."
        if kind == "shared":
            together = "All clusters share one covariance matrix, which is learned."
        return [
            *(
                f"{name}: {count} cell(s) missing."
                for name, count in zip(result.names, each)
                if count
            ),
            *([gaps] if missing else []),
            *([together] if kind != "full" else []),
            *_kinds._hints(result.names, x),
        ]
    measured = [j for j, column in enumerate(own.columns) if column.kind == "measurement"]
    return [
        *map(str, own.columns),
        *_kinds._hints([result.names[j] for j in measured], x[:, measured]),
        *([gaps] if missing else []),
        "Columns are independent within a cluster, each with a fixed weak prior "
        "(dpnotes.kinds.prepare).",
    ]


def _gaussians(tables, partition, prior, mean, strength, scale):
    """Return sizes, centres and covariances: posterior means, the latter of the precision.

    Averaged over tables, which have the rows with missing cells drawn.
    """
    sizes, centres, covs = [], [], []
    for k in range(int(partition.max()) + 1):
        rows = np.array([z[partition == k] for z in tables])
        n, middle = rows.shape[1], rows.mean(axis=1)
        off, apart = rows - middle[:, None], middle - mean
        off = off.reshape(-1, off.shape[-1])
        square = off.T @ off / len(rows)
        square += strength * n / (strength + n) * (apart.T @ apart) / len(rows)
        sizes.append(n)
        centres.append((strength * mean + n * middle.mean(axis=0)) / (strength + n))
        cov = (scale + square) / (prior.dof + n)
        if prior.covariance == "shared":
            cov = scale
        elif prior.covariance == "diagonal":
            cov = np.diag(np.diagonal(cov))
        elif prior.covariance == "spherical":
            d = len(cov)
            cov = np.eye(d) * (scale[0, 0] + np.trace(square)) / (prior.dof + n * d)
        covs.append(cov)
    return sizes, centres, covs


def _shapes(result: Analysis | Approximation) -> list[str]:
    """Say which clusters are groups of their own, and which may be the shape of one group."""
    if result.kinds is not None:
        return []
    groups = result.groups
    K = len(groups)
    if K == 1:
        return []
    joined = [np.flatnonzero(groups == g).tolist() for g in range(groups.max() + 1)]
    joined = [clusters for clusters in joined if len(clusters) > 1]
    if not joined:
        most = result.valleys[~np.eye(K, dtype=bool)].max()
        return [
            f"Between the centres of any two the density falls to {most:.2f} or less of what "
            "it is at the lower one: they are apart."
        ]
    names = "; ".join(", ".join(map(str, clusters)) for clusters in joined)
    return [
        f"Of these clusters, numbered from 0 by first row, some run into each other ({names}): "
        "between them the density stays above a tenth of what it is at the lower centre. They "
        "may be one group each, whose shape takes more than one Gaussian; see the groups of the "
        "analysis.",
        *(words for clusters in joined for words in _shape(result, clusters)),
    ]


def _shape(result: Analysis | Approximation, clusters: list[int]) -> list[str]:
    """Say how some clusters together differ from one Gaussian."""
    rows = np.flatnonzero(np.isin(result.partition, clusters) & ~np.isnan(result.x).any(axis=1))
    d = result.x.shape[1]
    rows = rows[:: -(-len(rows) // min(SHAPE, check.ROOM // (REPLICATED * d)))]
    z = (result.x[rows] - result.centre) / result.spread
    if len(rows) < d + 2 or np.linalg.matrix_rank(z - z.mean(axis=0)) < z.shape[1]:
        return []
    skewness, kurtosis = predictive.gaussian_shape(z, rng=result.seed)
    low, high = np.quantile(kurtosis.replicated, [0.025, 0.975])
    most, k = np.quantile(skewness.replicated, 0.95), kurtosis.observed
    tails = f"(kurtosis {k:.3g}; one Gaussian has {low:.3g} to {high:.3g})"
    found = [
        *([f"heavier tails than one Gaussian {tails}"] if k > high else []),
        *([f"lighter tails than one Gaussian {tails}"] if k < low else []),
        *(
            [f"a lean or a bend (skewness {skewness.observed:.2g}; one Gaussian has "
             f"at most {most:.2g})"]
            if skewness.observed > most else []
        ),
    ]  # fmt: skip
    kept = " that have no gap" if np.isnan(result.x).any() else ""
    named = f"Taken as one, the rows of {', '.join(map(str, clusters))}{kept} have"
    return [f"{named} {' and '.join(found) or f'what one Gaussian has, too {tails}'}."]


def _summaries(
    names: list[str],
    x: Floats,
    partition: Ints,
    interval: Ints | None,
    kinds: Kinds | None,
) -> "Clusters":
    inside = [x[partition == k] for k in range(int(partition.max()) + 1)]
    sizes = np.array([len(rows) for rows in inside])
    off = np.where(np.eye(len(names), dtype=bool), 0, np.nan)
    if kinds is not None:
        mean, var = (
            np.array([f(rows) for rows in inside]) for f in (kinds._means, kinds._variances)
        )
        words = [kinds._summary(rows) for rows in inside]
        return Clusters(names, sizes, interval, mean, var[:, None, :] + off, words)
    if np.isnan(x).any():
        mean, var = (
            np.array([_kinds._moments(rows, f) for rows in inside]) for f in (np.mean, np.var)
        )
        return Clusters(names, sizes, interval, mean, var[:, None, :] + off)
    mean = np.array([rows.mean(axis=0) for rows in inside])
    away = [rows - centre for rows, centre in zip(inside, mean, strict=True)]
    # np.cov takes one row for one column in NumPy before 2.2.
    covariance = np.array([rows.T @ rows / len(rows) for rows in away])
    return Clusters(names, sizes, interval, mean, covariance)


@dataclass(frozen=True, eq=False, repr=False)
class Sensitivity:
    """The posterior of the number of clusters under other priors.

    Attributes
    ----------
    names : list of str
        The m priors; the first is that of the analysis.
    prob, error : ndarray of shape (m, k + 1)
        P(K = 0..k | x) under each, and Monte Carlo standard errors.
    worth : ndarray of shape (m,)
        What the weighted draws are worth, as a share of as many equally weighted ones; where it is
        small, neither probabilities nor errors are to be relied on.
    """

    names: list[str]
    prob: Floats
    error: Floats
    worth: Floats

    def __repr__(self) -> str:
        return f"Sensitivity({len(self.names)} priors)"

    def __str__(self) -> str:
        """A line a prior: the most probable number of clusters, and what the draws are worth."""
        width = max(map(len, self.names))
        lines = []
        for name, prob, error, worth in zip(
            self.names, self.prob, self.error, self.worth, strict=True
        ):
            k = int(prob.argmax())
            said = f"K = {k} with probability {prob[k]:.2f} (standard error {_rounded(error[k])})"
            lines.append(f"{name:{width}}  {said}, draws worth {worth:.0%}")
        return "\n".join(lines)


@dataclass(frozen=True, eq=False, repr=False)
class Clusters:
    """Summaries of the clusters of a partition, in the units of the data.

    Attributes
    ----------
    names : list of str
        The columns.
    sizes : ndarray of int, shape (K,)
        Number of rows of each cluster.
    interval : ndarray of int, shape (2, K), or None
        90% of the draws have a number of rows from the first to the second in the cluster that has
        this one's name (:func:`dpnotes.partitions.match`); None where there are no draws.
    mean : ndarray of shape (K, d)
    covariance : ndarray of shape (K, d, d)
        Of the rows of each cluster, divided by their number. Where columns are not all
        measurements without gaps, of the values that are there, NaN off the diagonal, for
        categories, and where there is no value, which have no mean either.
    words : list of K lists of d str, optional
        What to print of each column in such a table: mean (sd), share of yes, or the commonest
        category.
    """

    names: list[str]
    sizes: Ints
    interval: Ints | None
    mean: Floats
    covariance: Floats
    words: list[list[str]] | None = None

    @property
    def share(self) -> Floats:
        """Share of all rows that each cluster holds: shape (K,)."""
        return self.sizes / self.sizes.sum()

    @property
    def sd(self) -> Floats:
        """Standard deviations of the columns in each cluster: shape (K, d)."""
        return np.sqrt(np.diagonal(self.covariance, axis1=1, axis2=2))

    def __repr__(self) -> str:
        return f"Clusters({len(self.sizes)} clusters, {len(self.names)} column(s))"

    def __str__(self) -> str:
        """A line a cluster: its label, rows, their 90% interval, share, mean (sd) by column."""
        cells = self._cells()
        widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
        lines = [[c.rjust(w) for c, w in zip(row, widths, strict=True)] for row in cells]
        return "\n".join("  ".join(line) for line in lines)

    def _cells(self) -> list[list[str]]:
        spans = [] if self.interval is None else [f"{a} to {b}" for a, b in self.interval.T]
        cells = [["cluster", "rows", *(["90%"] if spans else []), "share", *self.names]]
        for k, (size, share) in enumerate(zip(self.sizes, self.share, strict=True)):
            pairs = zip(self.mean[k], self.sd[k], strict=True)
            cells.append([f"{k}", f"{size}", *spans[k : k + 1], f"{share:.2f}"])
            cells[-1] += (
                [
                    "-" if mean != mean else f"{_digits(mean, 4)} ({_digits(sd, 2)})"
                    for mean, sd in pairs
                ]
                if self.words is None
                else self.words[k]
            )
        return cells


def _digits(value, digits):
    """Write a number to so many significant digits, without an exponent if that is short."""
    return f"{float(f'{value:.{digits}g}'):.9g}"


def _rounded(error: float) -> str:
    """Write a standard error to two decimals, or to its first digit where these are 0.

    An error that is printed as 0.00 would say that nothing is left to chance.
    """
    if error == 0 or error >= 0.005:
        return f"{error:.2f}"
    return np.format_float_positional(error, precision=1, fractional=False, trim="-")


def _paragraphs(sentences):
    return "\n".join(textwrap.fill(s, 64, subsequent_indent="  ") for s in sentences)


def _share(name, value):
    """Return a number between 0 and 1."""
    number = check.positive(name, value)
    if number > 1:
        check.fail(name, value, "a number > 0 and <= 1")
    return number
