"""From a table of numbers to a reported answer: how many clusters, and how sure."""

import csv
import io
import pathlib
import textwrap
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from . import _validate as check
from . import diagnostics, hyper, partitions
from ._deprecated import moved
from .mixture import DPMixture

LEAST_ROWS = 10
FAR = 1e6  # a value this many times the middle half's width from the median is a slip
DEPENDENT = 1e-5  # a combination of standardised columns with a smaller variance is no data
SHOWN = 200  # draws used for the predictive density
RHAT, ESS = 1.05, 100  # a run within these is fit to be reported


def read_csv(path, columns=None):
    """Read numeric columns of a CSV file with a header line.

    Cells are separated by commas, semicolons or tabs, whichever the header has most of; after
    semicolons a decimal comma is understood. Blank lines and nameless empty columns are skipped.

    Parameters
    ----------
    path : str or path
    columns : list of str, optional
        Names of the columns to read; all by default.

    Returns
    -------
    x : ndarray of shape (n, d)
    names : list of str

    Raises
    ------
    ValueError
        If a cell is empty or not a finite number, a column is missing or only counts the rows, or
        the file is not a table of text; the message says which and what to do.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> from dpnotes import workflow
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder) / "data.csv"
    ...     _ = path.write_text("age,name\\n31,Ann\\n45,Bob\\n")
    ...     workflow.read_csv(path, columns=["age"])
    (array([[31.],
           [45.]]), ['age'])
    """
    header, rows, semicolons = _cells(path)
    usable = [
        name
        for name, *cells in zip(header, *rows.values(), strict=True)
        if name and cells and all(map(_is_number, cells)) and not _counts(cells)
    ]
    advice = f"columns={usable}" if 0 < len(usable) <= 6 else "columns=[...]"
    if columns is None:
        columns = header
        for name, *cells in zip(header, *rows.values(), strict=True):
            if len(header) > 1 and _counts(cells):
                check.fail("columns", name, f"measurements; it counts the rows, so read only {advice}")
    columns = [columns] if isinstance(columns, str) else list(columns)
    for name in columns:
        if header.count(name) != 1:
            check.fail("columns", name, f"names of one column each among {header}")
    where = [header.index(name) for name in columns]
    commas = semicolons and not any("." in row[j] for row in rows.values() for j in where)
    x = np.empty((len(rows), len(where)))
    for i, (line, row) in enumerate(rows.items()):
        for j, name in enumerate(columns):
            cell = row[where[j]].replace(",", ".") if commas else row[where[j]]
            x[i, j] = _number(cell, f"column {name!r}, line {line}", advice)
    return x, columns


def _cells(path):
    """Return the header, the rows by line of the file, and whether semicolons separate cells."""
    try:
        text = pathlib.Path(path).read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        check.fail("path", str(path), "a table saved as text in UTF-8 (in a spreadsheet: CSV UTF-8)")
    first = next((line for line in text.splitlines() if line.strip()), "")
    separator = max(",;\t", key=first.count)
    reader = csv.reader(io.StringIO(text), delimiter=separator)
    rows = {reader.line_num: [cell.strip() for cell in row] for row in reader}
    rows = {line: row for line, row in rows.items() if any(row)}
    if not rows:
        check.fail("path", str(path), "a file with a header line and rows of numbers")
    header = rows.pop(next(iter(rows)))
    if all(map(_is_number, filter(None, header))):
        check.fail("header", header, "names of the columns in the first line; add a header line")
    for line, row in rows.items():
        if len(row) != len(header):
            check.fail(f"line {line}", row, f"{len(header)} cell(s), as in the first line {header}")
    used = [j for j, name in enumerate(header) if name or any(row[j] for row in rows.values())]
    rows = {line: [row[j] for j in used] for line, row in rows.items()}
    return [header[j] for j in used], rows, separator == ";"


def _is_number(cell):
    try:
        return bool(np.isfinite(float(cell)))
    except ValueError:
        return False


def _counts(cells):
    """Return whether the cells are 0, 1, 2, ... or 1, 2, 3, ...: the number of the row."""
    counts = ([str(i + first) for i in range(len(cells))] for first in (0, 1))
    return len(cells) > 2 and cells in counts


def _number(cell, where, advice):
    if cell.lower() in ("", "na", "n/a", "#n/a", "nan", "null", "none", "?", "-", "."):
        check.fail(where, cell, f"a number; fill the gap, drop the row, or read only {advice}")
    if not _is_number(cell):
        digits = sum(map(str.isdigit, cell)) > len(cell) / 2
        plain = "a plain number such as 1234.5" if digits else "a number"
        check.fail(where, cell, f"{plain}; recode it, or read only {advice}")
    return float(cell)


def standardise(x, names=None):
    """Check a table of measurements and bring each column to mean 0 and standard deviation 1.

    Parameters
    ----------
    x : array_like of shape (n,) or (n, d)
    names : list of str, optional
        Names of the columns, for the messages.

    Returns
    -------
    z : ndarray of shape (n, d)
    centre, spread : ndarray of shape (d,)
        Means and standard deviations of the columns; x = centre + spread * z.

    Raises
    ------
    ValueError
        If there are fewer than 10 rows, a value is not a finite number, a column is constant or
        follows from the others, or a value lies absurdly far from its column; the message says
        what to do.

    Examples
    --------
    >>> from dpnotes import workflow
    >>> z, centre, spread = workflow.standardise([1, 2, 3, 4, 5, 6, 7, 8, 9, 10])
    >>> centre.tolist(), round(float(spread[0]), 3)
    ([5.5], 2.872)
    """
    x = _table(x)
    names = [f"column {j}" for j in range(x.shape[1])] if names is None else names
    if len(x) < LEAST_ROWS:
        check.refuse("x", f"{len(x)} row(s)", f"at least {LEAST_ROWS}; one row an observation")
    if x.shape[1] >= len(x):
        check.refuse("x", f"array of shape {x.shape}", "more rows than columns; choose columns")
    for name, column in zip(names, x.T, strict=True):
        _check_column(name, column)
    centre, spread = x.mean(axis=0), x.std(axis=0)
    z = (x - centre) / spread
    _check_together(names, z)
    return z, centre, spread


def _table(x):
    try:
        x = np.asarray(x, dtype=float)
    except (TypeError, ValueError):
        check.fail("x", x, "numbers only; leave columns of text out, or code them as numbers")
    if x.ndim not in (1, 2) or x.size == 0:
        check.refuse("x", f"array of shape {x.shape}", "shape (n,) or (n, d)")
    return x.reshape(len(x), -1)


def _check_column(name, column):
    bad = ~np.isfinite(column)
    if bad.any():
        i = int(bad.argmax())
        advice = f"a finite number; drop or fill the {bad.sum()} row(s) like it"
        check.fail(f"{name}, row {i + 1}", float(column[i]), advice)
    if np.ptp(column) <= 1e-12 * np.abs(column).max():
        check.fail(name, float(column[0]), "values that differ; drop a constant column")
    values = np.unique(column)
    if len(values) < 4:
        check.fail(name, values, "a measurement, with 4 values or more; leave a column of codes out")
    low, middle, high = np.quantile(column, [0.25, 0.5, 0.75])
    away = np.abs(column - middle)
    if high > low and away.max() > FAR * (high - low):
        i = int(away.argmax())
        advice = "a value nearer the others: it is over 1e6 times as far off as they are; "
        advice += "correct a misprint or a wrong unit, or take logarithms"
        check.fail(f"{name}, row {i + 1}", float(column[i]), advice)


def _check_together(names, z):
    """Refuse columns one of which is, nearly, a sum of multiples of the others."""
    least, directions = np.linalg.eigh(z.T @ z / len(z))
    if least[0] < DEPENDENT:
        weight = np.abs(directions[:, 0])
        involved = [name for name, w in zip(names, weight, strict=True) if w > weight.max() / 100]
        check.fail("columns", involved, "none that follows from the others; leave one of them out")


def spread_ties(x, rng=None):
    """Spread the values of columns with ties at random over the width of their rounding.

    Where values repeat they were rounded, and a mixture that may learn any scale would put a
    cluster of no width on each repeated value. A column with ties is taken as rounded to the
    median gap between its neighbouring values, and each value moves by less than half of it.

    Parameters
    ----------
    x : array_like of shape (n,) or (n, d)
    rng : seed or numpy.random.Generator, optional

    Returns
    -------
    x : ndarray of shape (n, d)
    width : ndarray of shape (d,)
        What each column was taken as rounded to; 0 for a column without ties, which stays.

    Raises
    ------
    ValueError
        If x is not a table of numbers.

    Examples
    --------
    >>> from dpnotes import workflow
    >>> x, width = workflow.spread_ties([[3, 0.1], [4, 0.7], [4, 0.2]], rng=1)
    >>> x.round(2).tolist(), width.tolist()
    ([[3.01, 0.1], [3.64, 0.7], [3.81, 0.2]], [1.0, 0.0])
    """
    x = _table(x)
    values = [np.unique(column) for column in x.T]
    width = np.array([np.median(np.diff(v)) if len(v) < len(x) else 0.0 for v in values])
    if not width.any():
        return x, width
    return x + width * (np.random.default_rng(rng).random(x.shape) - 0.5), width


def default_prior(dim):
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
    scale = np.eye(check.integer("dim", dim)) / 2
    return hyper.BasePrior(dim + 3, scale, strength=(1, 10), var=1.0, scale_dof=dim)


def analyse(
    data, columns=None, *, n_sweeps=3000, n_chains=4, rng=1,
    alpha_prior=(2, 4), prior=None, progress=False,
):  # fmt: skip
    """Cluster a table of measurements by a Dirichlet process mixture of Gaussians.

    Columns with ties are spread (:func:`spread_ties`), and all are standardised. Every cluster has
    a mean and a covariance matrix of its own; the concentration and the base measure are learned.
    The chains start from random partitions with 1 to 30 clusters, so that agreement between them
    means something.

    Parameters
    ----------
    data : str, path or array_like of shape (n,) or (n, d)
        A CSV file with a header line, or the numbers.
    columns : list of str, optional
        Columns of the file to use; for an array, their names, which a data frame brings itself.
    n_sweeps : int
        Sweeps of each chain, >= 8; the first quarter is dropped.
    n_chains : int
        Number of chains, >= 2.
    rng : seed or numpy.random.Generator
    alpha_prior : (float, float)
        Shape and rate of the Gamma prior of the concentration.
    prior : BasePrior, optional
        In standardised units; :func:`default_prior` by default.
    progress : bool
        Show a progress bar for each chain.

    Returns
    -------
    Analysis

    Raises
    ------
    ValueError
        If the data are not fit for it; the message says what to do.

    Examples
    --------
    >>> from dpnotes import datasets, workflow
    >>> result = workflow.analyse(datasets.galaxies(), n_sweeps=40, n_chains=2)
    >>> result.num_clusters.shape
    (2, 30)
    """
    if isinstance(data, (str, pathlib.Path)):
        x, names = read_csv(data, columns)
    else:
        x = _table(data)
        if columns is None:
            columns = getattr(data, "columns", [f"column {j}" for j in range(x.shape[1])])
        names = [columns] if isinstance(columns, str) else [str(name) for name in columns]
        if len(names) != x.shape[1]:
            check.fail("columns", names, f"{x.shape[1]} names, one a column of the array")
    standardise(x, names)  # its messages are about the data as they came
    n_sweeps = check.integer("n_sweeps", n_sweeps, 8)
    n_chains = check.integer("n_chains", n_chains, 2)
    prior = default_prior(x.shape[1]) if prior is None else prior
    rng = np.random.default_rng(rng)
    moved, width = spread_ties(x, rng)
    z, centre, spread = standardise(moved)
    starts, chains = dispersed(len(z), n_chains, rng), []
    for start, rng in zip(starts, rng.spawn(n_chains), strict=True):
        options = {"alpha_prior": alpha_prior, "start": start, "progress": progress}
        chains.append(hyper.sample(prior, z, n_sweeps, rng, **options)[n_sweeps // 4 :])
    return Analysis(x, names, width, centre, spread, chains)


def reweight(num_clusters, n, alpha, new):
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
    K = np.atleast_2d(np.asarray(num_clusters, dtype=np.int64))
    n, alpha = check.integer("n", n), check.positive("alpha", alpha)
    if K.size == 0 or K.min() < 1 or K.max() > n:
        check.fail("num_clusters", num_clusters, f"integers from 1 to n = {n}")
    k = np.arange(1, K.max() + 1)
    log_weight = _log_prior_of_alpha(k, n, new) - k * np.log(alpha)
    log_weight -= log_weight[K - 1].max()
    weight = np.exp(log_weight)[K - 1]
    weight /= weight.mean()
    hits = [weight * (K == j) for j in range(K.max() + 1)]
    prob = np.array([hit.mean() for hit in hits])
    error = [diagnostics.mcse(h - weight * p) for h, p in zip(hits, prob, strict=True)]
    return prob, np.array(error), float(weight.sum() ** 2 / (weight**2).sum())


def _log_prior_of_alpha(k, n, new):
    """Return the log of E[alpha^k / (alpha rising n)], up to a constant, at each k."""
    if np.ndim(new) == 0:
        return k * np.log(check.positive("new", new))
    from scipy.special import gammaln

    if np.shape(new) != (2,):
        check.fail("new", new, "a number > 0, or shape and rate of a Gamma law")
    a, b = (check.positive("new", value) for value in new)
    t = np.linspace(-30, np.log(50 * (1 + (a + k.max()) / b)), 4000)  # log alpha
    alpha = np.exp(t)
    log_f = (a + k[:, None]) * t - b * alpha + gammaln(alpha) - gammaln(alpha + n)
    return np.logaddexp.reduce(log_f, axis=1)


def dispersed(n, n_chains, rng=None):
    """Return starting labels for several chains: random partitions with 1 up to 30 clusters.

    Parameters
    ----------
    n : int
        Number of points.
    n_chains : int
    rng : seed or numpy.random.Generator, optional

    Returns
    -------
    list of ndarray of shape (n,)

    Examples
    --------
    >>> from dpnotes import workflow
    >>> [int(z.max()) + 1 for z in workflow.dispersed(100, 4, rng=1)]
    [1, 3, 10, 30]
    """
    rng = np.random.default_rng(rng)
    sizes = np.round(np.geomspace(1, min(n, 30), n_chains)).astype(int)
    return [rng.permutation(np.arange(n) % size) for size in sizes]


@dataclass(frozen=True, eq=False)
class Analysis:
    """What :func:`analyse` found, in the units of the data.

    Attributes
    ----------
    x : ndarray of shape (n, d)
    names : list of str
    width : ndarray of shape (d,)
        What columns with ties were taken as rounded to, see :func:`spread_ties`; 0 for others.
    centre, spread : ndarray of shape (d,)
        Means and standard deviations of the columns, ties spread.
    chains : list of HyperChain
        In standardised units.
    """

    x: np.ndarray
    names: list
    width: np.ndarray
    centre: np.ndarray
    spread: np.ndarray
    chains: list

    @cached_property
    def num_clusters(self):
        """Number of clusters in each draw of each chain: shape (chains, draws)."""
        return np.array([chain.num_clusters for chain in self.chains])

    @cached_property
    def labels(self):
        """The partitions of all chains: shape (chains * draws, n)."""
        return np.concatenate([chain.labels for chain in self.chains])

    @property
    def rhat(self):
        """R-hat of the number of clusters."""
        return diagnostics.rhat(self.num_clusters)

    @property
    def ess(self):
        """Effective number of independent draws for the mean number of clusters."""
        return diagnostics.ess(self.num_clusters)

    def prob(self, k):
        """Return P(K = k | x) and its Monte Carlo standard error."""
        hit = (self.num_clusters == k).astype(float)
        return float(hit.mean()), diagnostics.mcse(hit)

    def large(self, share=0.05):
        """Number of clusters that hold at least this share of the data: shape (chains, draws)."""
        least = share * len(self.x)
        counts = [(np.bincount(z.astype(np.intp)) >= least).sum() for z in self.labels]
        return np.reshape(counts, self.num_clusters.shape)

    @cached_property
    def partition(self):
        """The partition of least expected variation of information: shape (n,)."""
        return partitions.point_estimate(self._thinned()).astype(np.intp)

    @cached_property
    def ball(self):
        """The 95% credible ball about ``partition``."""
        return partitions.credible_ball(self.labels, self.partition)

    def _thinned(self, size=500):
        return self.labels[:: max(1, len(self.labels) // size)]

    def median_model(self):
        """Return the mixture with alpha and H at their posterior medians, in standardised units."""
        alpha, mean, strength, scale = (
            np.median(np.concatenate([getattr(chain, name) for chain in self.chains]), axis=0)
            for name in ("alpha", "mean", "strength", "scale")
        )
        return DPMixture(alpha, self.chains[0].prior.family(mean, strength, scale))

    def density(self, grid, level=0.9, rng=1):
        """Return the predictive density at the rows of grid, and a pointwise credible band.

        Parameters
        ----------
        grid : array_like of shape (m,) or (m, d)
            In the units of the data.
        level : float
            Share of the posterior inside the band.
        rng : seed or numpy.random.Generator

        Returns
        -------
        mean, low, high : ndarray of shape (m,)
        """
        grid = (check.data("grid", grid) - self.centre) / self.spread
        step = max(1, len(self.labels) // SHOWN)
        rng = np.random.default_rng(rng)
        chains = [chain[step // 2 :: step] for chain in self.chains]
        mean = np.vstack([np.exp(chain.predictive_draws(grid)) for chain in chains]).mean(axis=0)
        draws = np.vstack([chain.density_draws(grid, rng) for chain in chains])
        low, high = np.quantile(draws, [(1 - level) / 2, (1 + level) / 2], axis=0)
        return tuple(value / self.spread.prod() for value in (mean, low, high))

    def __str__(self):
        """The answer in words: what the posterior says, what to report, whether to trust it."""
        K, (n, d) = self.num_clusters, self.x.shape
        mode = int(np.bincount(K.ravel().astype(np.intp)).argmax())
        p, error = self.prob(mode)
        low, high = np.quantile(K, [0.05, 0.95]).astype(int)
        sizes = np.sort(np.bincount(self.partition.astype(np.intp)))[::-1].tolist()
        large = int(np.bincount(self.large().ravel().astype(np.intp)).argmax())
        ball = [int(z.max()) + 1 for z in (self.ball.coarsest, self.ball.finest)]
        trust = self.rhat < RHAT and self.ess > ESS
        return _paragraphs(
            [
                f"{n} rows, {d} column(s): {', '.join(self.names)}.",
                *(
                    f"{name} has ties: spread at random by up to {w / 2:.3g} either way."
                    for name, w in zip(self.names, self.width, strict=True)
                    if w > 0
                ),
                f"Number of clusters: most probably {mode}, with probability {p:.2f} "
                f"(Monte Carlo standard error {error:.2f}); 90% of the posterior in {low} to {high}.",
                f"Clusters with at least 5% of the rows: most probably {large}.",
                f"One partition to report: sizes {sizes}; the 95% ball about it reaches "
                f"from {ball[0]} to {ball[1]} clusters.",
                f"R-hat {self.rhat:.2f}, effective draws {self.ess:.0f}: "
                + ("fit to report." if trust else "do NOT report this; raise n_sweeps."),
            ]
        )


def _paragraphs(sentences):
    return "\n".join(textwrap.fill(s, 64, subsequent_indent="  ") for s in sentences)


__getattr__ = moved(__name__, {"cost": "figures.practice.running_times"})
