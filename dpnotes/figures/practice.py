"""Figures of the number of clusters, of the answer on real data and of other kinds of data."""

import importlib.util
import time
import warnings
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import LogLocator
from numpy.typing import ArrayLike

from .. import _axes, gibbs, meanfield
from .. import _validate as check
from .._axes import COLORS, Row
from .._deprecated import keyword_only
from .._types import InferenceWarning, RNGLike
from ..components import NormalInverseGamma
from ..mixture import DPMixture
from ..selection import Fit


def data_and_fits(x: Row, fits: Mapping[str, Fit], *, ax: Axes | None = None) -> Axes:
    """Draw a histogram of one-dimensional data and the densities of fitted mixtures.

    Parameters
    ----------
    x : array_like, shape (n,)
        Data.
    fits : dict from str to dpnotes.selection.Fit
        Fitted mixtures by the name that the legend shows.
    ax : matplotlib Axes, optional

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    ValueError
        If an argument is not of the type, shape and range above.
    """
    x = _axes.row("x", x)
    for name, fit in _axes.labelled("fits", fits).items():
        if not isinstance(fit, Fit) or fit.means.shape[1] != 1:
            check.fail(f"fits[{name!r}]", fit, "a dpnotes.selection.Fit in one dimension")
    ax = _axes.on(ax)
    _axes.histogram(ax, "x", x, bins=30, color="0.8")
    grid = np.linspace(x.min(), x.max(), 400)
    densities = {}
    for name, fit in fits.items():
        sd = np.sqrt(fit.covariances[:, 0, 0])
        each = np.exp(-(((grid[:, None] - fit.means[:, 0]) / sd) ** 2) / 2) / sd
        densities[name] = each @ fit.weights / np.sqrt(2 * np.pi)
    _axes.curves(ax, densities, grid, dashes=["-", "--", ":", "-."])
    ax.set(xlabel="x", ylabel="density")
    return ax


def growth_in_log_n(
    n: Row,
    values: Mapping[str, Row],
    lines: Mapping[str, float],
    ylabel: str,
    *,
    ax: Axes | None = None,
) -> Axes:
    """Draw averages against log n with two standard errors, and straight lines to compare.

    Parameters
    ----------
    n : array_like, shape (m,)
        Sample sizes.
    values : dict from str to array_like, shape (r, m)
        For each series r independent rows.
    lines : dict from str to float
        Slopes in log n; each line starts at the first average of the first series.
    ylabel : str
        Label of the vertical axis.
    ax : matplotlib Axes, optional

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    ValueError
        If an argument is not of the type, shape and range above.
    """
    n, series = _axes.row("n", n), {}
    if n.min() <= 0:
        check.fail("n", n, "numbers > 0")
    for name, some in _axes.labelled("values", values).items():
        series[name] = _axes.table(f"values[{name!r}]", some, len(n))
        if len(some) < 2:
            check.fail(f"values[{name!r}]", some, "two rows or more")
    given = _axes.labelled("lines", lines).items()
    slopes = {name: _axes.number(f"lines[{name!r}]", gradient) for name, gradient in given}
    ylabel = check.text("ylabel", ylabel)
    ax = _axes.on(ax)
    first = None
    for i, (name, rows) in enumerate(series.items()):
        mean, error = np.mean(rows, 0), np.std(rows, 0, ddof=1) / np.sqrt(len(rows))
        first = mean[0] if first is None else first
        ax.errorbar(n, mean, 2 * error, fmt=_axes.MARKERS[i], ms=5, color=COLORS[i], label=name)
    for (name, gradient), style in zip(slopes.items(), ["-", "--", ":"], strict=False):
        line = first + gradient * (np.log(n) - np.log(n[0]))
        ax.plot(n, line, style, color="black", lw=1.2, label=name)
    ax.set(xscale="log", xlabel="n", ylabel=ylabel)
    ax.legend()
    return ax


def laws_with_errors(laws: Mapping[str, tuple[Row, Row | None]], *, ax: Axes | None = None) -> Axes:
    """Laws of the number of clusters side by side, with two standard errors where there are any.

    Parameters
    ----------
    laws : dict of str to (array_like, array_like or None)
        For each label P(K = 0), P(K = 1), ... and their standard errors.
    ax : matplotlib Axes, optional

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    ValueError
        If an argument is not of the type, shape and range above.
    """
    given = _axes.labelled("laws", laws).items()
    pairs = {label: _law(f"laws[{label!r}]", law) for label, law in given}
    ax = _axes.on(ax)
    _axes.cluster_bars(ax, pairs)
    shown = [np.flatnonzero(prob > 0.005) for prob, _ in pairs.values()]
    low, high = min(s[0] for s in shown), max(s[-1] for s in shown)
    ax.set_xticks(np.arange(low, high + 1))
    ax.set_xlim(low - 0.6, high + 0.6)
    ax.set_ylim(bottom=0)
    return ax


def _law(name, value):
    """Return probabilities and their standard errors, if any."""
    prob, error = check.several(name, value, 2)
    prob = _axes.row(f"{name}[0]", prob)
    if prob.min() < 0 or prob.max() <= 0.005:
        check.fail(f"{name}[0]", prob, "probabilities")
    return prob, None if error is None else _axes.row(f"{name}[1]", error, len(prob))


def sensitivity(
    alphas: Row,
    draws: Mapping[str, Sequence[Row]],
    prior: Row | None = None,
    *,
    ax: Axes | None = None,
) -> Axes:
    """Posterior mean of K and its 90% interval against alpha, one line a scale of H.

    Parameters
    ----------
    alphas : array_like, shape (m,)
    draws : dict of str to list of array_like, length m
        For each label the draws of K at each alpha.
    prior : array_like, shape (m,), optional
        Mean of K before the data.
    ax : matplotlib Axes, optional

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    ValueError
        If an argument is not of the type, shape and range above.
    """
    alphas = _axes.row("alphas", alphas)
    samples = {
        label: [
            _axes.row(f"draws[{label!r}][{i}]", row)
            for i, row in enumerate(check.several(f"draws[{label!r}]", some, len(alphas)))
        ]
        for label, some in _axes.labelled("draws", draws).items()
    }
    prior = None if prior is None else _axes.row("prior", prior, len(alphas))
    ax = _axes.on(ax)
    for i, (label, rows) in enumerate(samples.items()):
        at = alphas * 1.08 ** (i - (len(samples) - 1) / 2)
        mean = np.array([np.mean(row) for row in rows])
        low, high = np.array([np.quantile(row, [0.05, 0.95]) for row in rows]).T
        spread = np.array([mean - low, high - mean])
        ax.errorbar(
            at,
            mean,
            np.maximum(spread, 0),
            fmt=_axes.MARKERS[i] + "-",
            color=COLORS[i],
            ms=5,
            lw=1.2,
            capsize=2,
            label=label,
        )
    if prior is not None:
        ax.plot(alphas, prior, "--", color="black", lw=1.2, label="before the data")
    ax.set(xscale="log", xlabel=r"$\alpha$", ylabel="clusters $K$")
    ax.set_xticks(alphas, [f"{a:g}" for a in alphas])
    ax.minorticks_off()
    ax.set_ylim(bottom=0)
    _axes.legend_above(ax, 2)
    return ax


def scores(rows: Mapping[str, Row], *, ax: Axes | None = None) -> Axes:
    """Scores against the number of components or the truncation, each below its own best.

    Parameters
    ----------
    rows : dict of str to array_like, shape (m,)
        For each label the scores at 1, 2, ....
    ax : matplotlib Axes, optional

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    ValueError
        If an argument is not of the type, shape and range above.
    """
    rows = _axes.rows("rows", rows)
    ax = _axes.on(ax)
    below = {label: values - np.max(values) for label, values in rows.items()}
    _axes.curves(ax, below, markers=_axes.MARKERS, markersize=5)
    ax.set_xticks(np.arange(1, max(map(len, rows.values())) + 1))
    ax.set(xlabel="components $K$ or truncation $T$", ylabel="nats below the best")
    return ax


def seconds(n: Row, times: Mapping[str, Row], *, ax: Axes | None = None) -> Axes:
    """Running time against the number of data points, one line a method.

    Parameters
    ----------
    n : array_like, shape (m,)
    times : dict of str to array_like, shape (m,)
        For each label the seconds; NaN where it was not run.
    ax : matplotlib Axes, optional

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    ValueError
        If an argument is not of the type, shape and range above.
    """
    n, curves = _axes.row("n", n), {}
    for label, row in _axes.labelled("times", times).items():
        curves[label] = check.real(f"times[{label!r}]", row)
        check.shape(f"times[{label!r}]", curves[label], (len(n),))
    ax = _axes.on(ax)
    _axes.curves(ax, curves, n, markers=_axes.MARKERS, markersize=5)
    ax.set(xscale="log", yscale="log", xlabel="data points $n$", ylabel="seconds")
    # Times of one machine seldom span two powers of ten.
    ax.yaxis.set(major_locator=LogLocator(subs=(1, 3)), major_formatter="{x:g}", minor_formatter="")
    _axes.legend_above(ax, 2)
    return ax


def bars(values: Row, xlabel: str, ylabel: str, *, ax: Axes | None = None) -> Axes:
    """Bars for the integers 1, 2, ....

    Parameters
    ----------
    values : array_like, shape (m,)
    xlabel, ylabel : str
    ax : matplotlib Axes, optional

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    ValueError
        If an argument is not of the type, shape and range above.
    """
    values = _axes.row("values", values)
    xlabel, ylabel = check.text("xlabel", xlabel), check.text("ylabel", ylabel)
    ax = _axes.on(ax)
    ax.bar(np.arange(1, len(values) + 1), values, color=COLORS[0])
    ax.set_xticks(np.arange(1, len(values) + 1))
    ax.set(xlabel=xlabel, ylabel=ylabel)
    return ax


def data(x: Row, xlabel: str, *, ax: Axes | None = None) -> Axes:
    """Data on the line before anything is done to them: a histogram, and a tick for each value.

    Parameters
    ----------
    x : array_like, shape (n,)
    xlabel : str
    ax : matplotlib Axes, optional

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    ValueError
        If an argument is not of the type, shape and range above.
    """
    x, xlabel = _axes.row("x", x), check.text("xlabel", xlabel)
    ax = _axes.on(ax)
    _axes.histogram(ax, "x", x, bins=30, color=COLORS[5])
    ax.plot(x, np.zeros(len(x)), "|", color="black", markersize=9)
    ax.set(xlabel=xlabel, yticks=[])
    ax.spines["left"].set_visible(False)
    return ax


def table(
    x: ArrayLike, names: Sequence[str], groups: Mapping[str, int], *, ax: Axes | None = None
) -> Axes:
    """Draw a table on its side: each column a row of cells, dark where large, crossed out at gaps.

    Parameters
    ----------
    x : array_like, shape (n, d)
        NaN is a gap. Rows of one group stand together.
    names : sequence of str
        Of the columns.
    groups : dict from str to int
        How many rows each group has, in the order of the rows.
    ax : matplotlib Axes, optional

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    ValueError
        If an argument is not of the type, shape and range above.
    """
    cells = _axes.cells("x", x, "d")
    names = check.several("names", names, cells.shape[1])
    names = [check.text(f"names[{j}]", name) for j, name in enumerate(names)]
    groups = _axes.labelled("groups", groups)
    sizes = [check.integer(f"groups[{g!r}]", n) for g, n in groups.items()]
    if sum(sizes) != len(cells):
        check.fail("groups", groups, f"sizes that add up to {len(cells)} rows")
    ax = _axes.on(ax)
    low, high = np.nanmin(cells, axis=0), np.nanmax(cells, axis=0)
    shade = (cells - low) / np.where(high > low, high - low, 1)
    ax.imshow(shade.T, cmap="Blues", vmin=-0.15, vmax=1.1, aspect="auto")
    row, column = np.nonzero(np.isnan(cells))
    ax.plot(row, column, "x", color=COLORS[1], markersize=4)
    ends = np.cumsum(sizes)
    for end in ends[:-1]:
        ax.axvline(end - 0.5, color="black")
    ax.set_xticks(ends - (np.array(sizes) + 1) / 2, list(groups))
    ax.set_yticks(range(len(names)), names)
    ax.tick_params(length=0)
    return ax


def counts(x: Row, laws: Mapping[str, Row], *, ax: Axes | None = None) -> Axes:
    """Bars of how often each count occurs, and what some laws expect.

    Parameters
    ----------
    x : array_like of int, shape (n,)
        Counts.
    laws : dict from str to array_like of shape (m,)
        Probabilities of 0, 1, ..., m - 1 by the name that the legend shows.
    ax : matplotlib Axes, optional

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    ValueError
        If an argument is not of the type, shape and range above.
    """
    x = _axes.row("x", x)
    if (x != np.round(x)).any() or x.min() < 0 or x.max() > 10_000:
        check.fail("x", x, "counts from 0 to 10000")
    laws = _axes.rows("laws", laws)
    ax = _axes.on(ax)
    occurs = np.bincount(x.astype(np.intp))
    ax.bar(np.arange(len(occurs)), occurs, color=COLORS[5], label="data")
    for i, (name, law) in enumerate(laws.items()):
        k, color = np.arange(len(law)), COLORS[i % len(COLORS)]
        ax.plot(k, len(x) * law, "os^v"[i % 4], color=color, markersize=4, label=name)
    ax.set(xlabel="count", ylabel="days")
    ax.legend()
    return ax


def filled_in(x: ArrayLike, *, ax: Axes | None = None) -> Axes:
    """Draw points in the plane whose second value may be missing, and where its mean puts them.

    A point without it is a line, since it may lie anywhere on it.

    Parameters
    ----------
    x : array_like, shape (n, 2)
        NaN in the second column is a gap.
    ax : matplotlib Axes, optional

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    ValueError
        If an argument is not of the type, shape and range above.
    """
    cells = _axes.cells("x", x, 2)
    gap = np.isnan(cells[:, 1])
    if np.isnan(cells[:, 0]).any():
        check.fail("x", x, "points with a first value each")
    ax = _axes.on(ax)
    mean = cells[~gap, 1].mean()
    for value in cells[gap, 0]:
        ax.axvline(value, color="0.6", linestyle="--")
    ax.plot(*cells[~gap].T, "o", color=COLORS[0], label="both values seen")
    ax.plot(
        cells[gap, 0], np.full(gap.sum(), mean), "s", color=COLORS[1], label="filled in by the mean"
    )
    ax.set(xlabel="$x_1$", ylabel="$x_2$")
    ax.legend()
    return ax


@keyword_only("truncation", "rng")
def running_times(
    sizes: Sequence[int], *, truncation: int = 10, rng: RNGLike = None
) -> dict[str, list[float]]:
    """Measure the seconds of one pass over n points, four clusters in the plane, by method.

    Parameters
    ----------
    sizes : sequence of int
        Numbers of points n.
    truncation : int
        T of mean field, and the number of components of scikit-learn's mixture, at most n.
    rng : seed or numpy.random.Generator, optional

    Returns
    -------
    dict of str to list of float
        Seconds for each n. scikit-learn is measured where it is installed.

    Raises
    ------
    ValueError
        If a size is not an integer from 2 to 10**6 or the truncation not one >= 1.
    """
    sizes = [check.integer("sizes", n, 2, 10**6) for n in check.several("sizes", sizes)]
    truncation = check.integer("truncation", truncation)
    rng = check.rng("rng", rng)
    model = DPMixture(1.0, NormalInverseGamma([0, 0], 0.01, 2, 1))
    runs = {"collapsed sampler": _sweeps, "mean field": _ascent}
    if importlib.util.find_spec("sklearn"):
        runs["scikit-learn"] = _scikit_learn
    result: dict[str, list[float]] = {name: [] for name in runs}
    for n in sizes:
        x = rng.choice([-10.0, 10.0], (n, 2)) + rng.standard_normal((n, 2))
        for name, run in runs.items():
            run(model, x[:100], truncation, rng)  # whatever is done once, such as compiling
            start = time.perf_counter()
            passes = run(model, x, truncation, rng)
            result[name].append((time.perf_counter() - start) / passes)
    return result


def _sweeps(model, x, T, rng):
    gibbs.collapsed(model, x, 2, rng=rng, start=np.unique((x > 0) @ [1, 2], return_inverse=True)[1])
    return 2


def _ascent(model, x, T, rng):
    init = np.arange(len(x), dtype=np.int64) % T
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", InferenceWarning)  # it has not converged, as it should not
        q = meanfield.fit(model, x, truncation=T, rng=rng, tol=0, max_iter=20, init=init)
    return len(q.elbo)


def _scikit_learn(model, x, T, rng):
    from sklearn.mixture import BayesianGaussianMixture

    kind = {"covariance_type": "diag", "init_params": "random", "tol": 0.0, "max_iter": 20}
    mixture = BayesianGaussianMixture(n_components=min(T, len(x)), random_state=0, **kind)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it says that it has not converged, as it should not
        return mixture.fit(x).n_iter_


def near_truth(weights: Row, levels: Row, *, half: float = 2.0, ax: Axes | None = None) -> Axes:
    """Draw which mixtures of two unit Gaussians are near the standard one, weight by weight.

    For each weight w of the first component a square shows the means (mu1, mu2): where
    t = abs(m1) + m2 is at most each level, m1 and m2 the first two moments of the mixing law,
    and where t is zero.

    Parameters
    ----------
    weights : array_like, shape (m,)
        Weights w from 0 to 1, one square each, from the left.
    levels : array_like, shape (r,)
        Bounds of t, > 0; the smaller, the darker.
    half : float
        The means run from -half to half.
    ax : matplotlib Axes, optional

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    ValueError
        If an argument is not of the type, shape and range above.
    """
    weights, levels = _axes.row("weights", weights), _axes.row("levels", levels)
    if weights.min() < 0 or weights.max() > 1:
        check.fail("weights", weights, "numbers from 0 to 1")
    if levels.min() <= 0:
        check.fail("levels", levels, "numbers > 0")
    half = _axes.positive("half", half)
    ax = _axes.on(ax)
    centres = 2.4 * half * np.arange(len(weights))
    for x, w in zip(centres, weights, strict=True):
        for i, level in enumerate(sorted(levels, reverse=True)):
            shade = 0.3 + 0.7 * i / max(len(levels) - 1, 1)
            mu1, mu2 = _outline(w, level, half)
            ax.fill(x + mu1, mu2, color=COLORS[5], alpha=shade, linewidth=0)
        sides = half * np.array([[-1, 1, 1, -1, -1], [-1, -1, 1, 1, -1]])
        ax.plot(x + sides[0], sides[1], color="0.5", lw=0.8)
        if 0 < w < 1:
            ax.plot(x, 0, "o", color="black", ms=3)
        else:
            ends = np.array([-half, half])
            ax.plot(x + ends * (w == 0), ends * (w == 1), color="black", lw=2)
    ax.set_xticks(centres, [f"w = {w:g}" for w in weights])
    ax.set_yticks([-half, 0, half])
    ax.set(xlabel=r"$\mu_1$", ylabel=r"$\mu_2$", aspect="equal")
    ax.margins(0.02)
    return ax


def _outline(w, level, half):
    """Return the border of the means in a square with t at most a level, at one weight."""
    # With a the mean and d the difference of the two, t = |a| + a^2 + w (1 - w) d^2.
    end = min(half, (np.sqrt(1 + 4 * level) - 1) / 2)
    a = end * np.linspace(-1, 1, 201)
    with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
        far = np.sqrt(np.maximum(level - np.abs(a) - a**2, 0) / (w * (1 - w)))
        # At the ends of the weights one mean is free, as far as the square goes.
        low = np.fmax.reduce([-far, (-half - a) / (1 - w), (a - half) / w])
        high = np.fmin.reduce([far, (half - a) / (1 - w), (a + half) / w])
    a, d = np.r_[a, a[::-1]], np.r_[low, high[::-1]]
    return a + (1 - w) * d, a - w * d
