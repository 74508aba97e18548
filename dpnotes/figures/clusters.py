"""Figures of the restaurant, the number of tables and the sticks."""

from collections.abc import Mapping, Sequence
from itertools import cycle, pairwise
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from numpy.typing import ArrayLike

from .. import _axes, clusters, crp, diagnostics
from .. import _validate as check
from .._axes import COLORS, Row
from .._types import RNGLike
from ..measures import Discrete

MOST_TABLES = 10_000  # for each of which alpha is estimated


def restaurant(labels: Row, *, ax: Axes | None = None) -> Axes:
    """Draw each table as a numbered disc with its customers around it.

    Parameters
    ----------
    labels : array_like of int, shape (n,)
        Table of each customer, numbered 0, 1, ... by order of appearance.
    ax : matplotlib Axes, optional

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    ValueError
        If an argument is not of the type, shape and range above.
    """
    labels = check.labels("labels", labels)
    ax = _axes.on(ax)
    x, y, widest = 0.0, 0.0, 0.0
    for table in range(labels.max() + 1):
        customers = np.flatnonzero(labels == table) + 1
        seat = max(1.0, 0.15 * len(customers) + 0.4)
        if x + 2 * seat > 11:
            x, y = 0.0, y - 3.2
        x += seat + 0.3
        ax.add_patch(plt.Circle((x, y), seat - 0.45, color=COLORS[table % 7], alpha=0.35))
        ax.text(x, y, str(table + 1), ha="center", va="center", fontsize=13, weight="bold")
        _seat_around(ax, x, y, seat, customers)
        x += seat + 0.3
        widest = max(widest, x)
    # As wide for a few tables as for many, or they would grow.
    half = max(5.8, widest / 2 + 0.1)
    xlim = widest / 2 - half, widest / 2 + half
    ax.set(aspect="equal", xlim=xlim, ylim=(y - 1.6, 1.6))
    ax.axis("off")
    return ax


def _seat_around(ax: Axes, x: float, y: float, seat: float, customers: Row) -> None:
    """Write the numbers of customers around a point, from the top clockwise."""
    for turn, customer in enumerate(customers):
        angle = np.pi / 2 - 2 * np.pi * turn / len(customers)
        at = x + seat * np.cos(angle), y + seat * np.sin(angle)
        ax.text(*at, str(customer), ha="center", va="center", fontsize=11)


def next_table(labels: Row, alpha: float, *, ax: Axes | None = None) -> Axes:
    """Draw the tables with their customers, and in each how probable it is for the next one.

    Parameters
    ----------
    labels : array_like of int, shape (n,)
        Table of each customer, numbered 0, 1, ... by order of appearance.
    alpha : float
        Concentration.
    ax : matplotlib Axes, optional

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    ValueError
        If an argument is not of the type, shape and range above.
    """
    labels, alpha = check.labels("labels", labels), _axes.positive("alpha", alpha)
    ax = _axes.on(ax)
    sizes = np.bincount(labels.astype(np.intp))
    for table, weight in enumerate([*sizes, alpha]):
        x, new = 2.5 * table, table == len(sizes)
        style = {"fill": False, "linestyle": "--"} if new else {"alpha": 0.35}
        ax.add_patch(plt.Circle((x, 0), 0.72, color=COLORS[6 if new else table % 6], **style))
        ax.text(x, 0, f"{weight:g}/{alpha + len(labels):g}", ha="center", va="center")
        _seat_around(ax, x, 0, 1.0, np.flatnonzero(labels == table) + 1)
    ax.text(x, -1.1, "new table", ha="center", va="center")
    ax.set(aspect="equal", xlim=(-1.3, x + 1.4), ylim=(-1.4, 1.3))
    ax.axis("off")
    return ax


def sampled_partitions(x: ArrayLike, draws: ArrayLike, law: Row, *, ax: Axes | None = None) -> Axes:
    """The same points sorted by some draws of a sampler, and the law of the number of clusters.

    Parameters
    ----------
    x : array_like, shape (n, 2)
    draws : array_like of int, shape (m, n)
        Labels of the points, a partition a row.
    law : array_like, shape (k + 1,)
        Probabilities of 0, 1, ..., k clusters.
    ax : matplotlib Axes, optional

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    ValueError
        If an argument is not of the type, shape and range above.
    """
    x = _axes.table("x", x, 2)
    spread = np.ptp(x, axis=0).max()
    if spread == 0:
        check.fail("x", x, "points that differ")
    partitions = [check.labels("draws", row) for row in check.several("draws", draws)]
    for row in partitions:
        check.shape("draws", row, (len(x),))
    law = _axes.row("law", law)
    if law.min() < 0 or not np.isclose(law.sum(), 1):
        check.fail("law", law, "probabilities that add to 1")
    ax = _axes.on(ax)
    unit = (x - (x.min(axis=0) + x.max(axis=0)) / 2) / spread
    for i, labels in enumerate(partitions):
        _axes.points(ax, unit + [1.25 * i, 0], labels)
        count = "1 cluster" if labels.max() == 0 else f"{labels.max() + 1} clusters"
        ax.text(1.25 * i, -0.65, count, ha="center", va="top")
    shown = np.flatnonzero(law >= 0.005)
    at = 1.25 * len(partitions) - 0.25 + 0.52 * np.arange(len(shown))
    height = 0.9 * law[shown] / law.max()
    ax.bar(at, height, 0.4, bottom=-0.5, color="0.6")
    for k, middle, top in zip(shown, at, height - 0.5):
        ax.text(middle, -0.65, str(k), ha="center", va="top")
        ax.text(middle, top + 0.03, f"{100 * law[k]:.0f}%", ha="center")
    ax.set(aspect="equal", xlim=(-0.55, at[-1] + 0.3), ylim=(-0.95, 0.65))
    ax.axis("off")
    return ax


def table_shares(labels: Row, max_tables: int = 7, *, ax: Axes | None = None) -> Axes:
    """Draw the share of each of the first tables as customers arrive.

    Parameters
    ----------
    labels : array_like of int, shape (n,)
        Table of each customer, numbered 0, 1, ... by order of appearance.
    max_tables : int
        How many tables get a band of their own.
    ax : matplotlib Axes, optional

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    ValueError
        If an argument is not of the type, shape and range above.
    """
    labels, max_tables = check.labels("labels", labels), check.integer("max_tables", max_tables)
    ax = _axes.on(ax)
    n = np.arange(1, len(labels) + 1)
    tables = np.arange(min(max_tables, labels.max() + 1))
    shares = np.cumsum(labels == tables[:, None], axis=1) / n
    ax.stackplot(n, shares, colors=[COLORS[k % 7] for k in tables], alpha=0.75, lw=0.5)
    ax.set(xscale="log", xlim=(1, len(labels)), ylim=(0, 1))
    ax.set(xlabel="customers seated", ylabel="share of each table")
    return ax


def observed_and_exact(
    names: Sequence[str],
    observed: Row,
    error: Row,
    exact: Row,
    label: str = "",
    *,
    ax: Axes | None = None,
) -> Axes:
    """Draw simulated frequencies with two standard errors over exact probabilities.

    Parameters
    ----------
    names : list of str, length m
        What each bar is.
    observed, error, exact : array_like, shape (m,)
        Simulated frequency, its standard error, exact probability.
    label : str
        Label of the horizontal axis.
    ax : matplotlib Axes, optional

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    ValueError
        If an argument is not of the type, shape and range above.
    """
    names = [check.text("names", name) for name in check.several("names", names)]
    observed = _axes.row("observed", observed, len(names))
    error, exact = _axes.row("error", error, len(names)), _axes.row("exact", exact, len(names))
    if error.min() < 0:
        check.fail("error", error, "numbers >= 0")
    label = check.text("label", label)
    ax = _axes.on(ax)
    at = np.arange(len(names))
    ax.bar(at, exact, color=COLORS[5], alpha=0.6, label="exact")
    error = 2 * error
    ax.errorbar(at, observed, error, fmt="o", ms=4, color=COLORS[6], label="simulated")
    ax.set_xticks(at, names)
    # Room for the legend above the bars.
    top = 1.35 * max(np.max(exact), np.max(np.add(observed, error)))
    ax.set(xlabel=label, ylabel="probability", ylim=(0, top))
    ax.legend(ncols=2, loc="upper right")
    return ax


def forest(parents: Row, *, ax: Axes | None = None) -> Axes:
    """Draw who copied whom as arcs, one colour a table.

    Parameters
    ----------
    parents : array_like of int, shape (n,)
        parents[i] <= i; parents[i] == i where customer i opens a table.
    ax : matplotlib Axes, optional

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    ValueError
        If an argument is not of the type, shape and range above.
    """
    labels, parents = crp.tables(parents), check.counts("parents", parents, 0)
    ax = _axes.on(ax)
    angle = np.linspace(0, np.pi, 60)
    for i, (parent, table) in enumerate(zip(parents, labels, strict=True)):
        color, half = COLORS[table % 7], (i - parent) / 2
        ax.plot(parent + half + half * np.cos(angle), half * np.sin(angle), color=color, zorder=1)
        style = {"s": 320, "zorder": 2, "edgecolors": color, "linewidths": 2.2}
        ax.scatter(i, 0, color=color if parent == i else "white", **style)
        ink = "white" if parent == i else "black"
        ax.text(i, -0.02, str(i + 1), ha="center", va="center", color=ink, fontsize=10, zorder=3)
    ax.set(aspect="equal", xlim=(-0.7, len(parents) - 0.3))
    ax.set_ylim(bottom=-0.7)
    ax.axis("off")
    return ax


def tables_growth(
    n: int, alphas: Sequence[float], *, rng: RNGLike = None, ax: Axes | None = None
) -> Axes:
    """Numbers of tables as customers come, three restaurants for each alpha, and their mean.

    Parameters
    ----------
    n : int
        Number of customers.
    alphas : sequence of float
        Concentrations, each > 0.
    rng : numpy.random.Generator, int or None
    ax : matplotlib Axes, optional

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    ValueError
        If rng is neither a seed nor a generator.

    Notes
    -----
    Implements: DP-0084.
    """
    n, rng = check.integer("n", n, maximum=check.ROOM), check.rng("rng", rng)
    alphas = [check.positive("alphas", alpha) for alpha in check.several("alphas", alphas)]
    ax = _axes.on(ax)
    shown = np.unique(np.geomspace(1, n, 300).astype(np.int64))
    i = np.arange(n)
    for alpha, color in zip(alphas, COLORS):
        chance = alpha / (alpha + i)
        for _ in range(3):
            tables = np.cumsum(rng.random(n) < chance)
            ax.step(shown, tables[shown - 1], where="post", color=color, linewidth=1, alpha=0.7)
        ax.plot(shown, np.cumsum(chance)[shown - 1], "--", color="black", linewidth=1.3)
        ax.annotate(
            rf"$\alpha = {alpha:g}$",
            (n, chance.sum()),
            xytext=(4, 0),
            textcoords="offset points",
            va="center",
            color=color,
        )
    ax.set(xscale="log", xlabel="customers $n$", ylabel="tables $K_n$", xlim=(1, n), ylim=(0, None))
    return ax


def tables_mean_bounds(alpha: float, *, ax: Axes | None = None) -> Axes:
    """Mean number of tables, the two bounds that hold for it, and the bound that does not.

    Parameters
    ----------
    alpha : float
        Concentration, > 0.
    ax : matplotlib Axes, optional

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    ValueError
        If an argument is not of the type, shape and range above.

    Notes
    -----
    Implements: DP-0081, DP-0079.
    """
    alpha = _axes.positive("alpha", alpha)
    ax = _axes.on(ax)
    n = np.unique(np.geomspace(1, 1e4, 60).astype(np.int64))
    mean = [clusters.NumClusters(int(m), alpha).mean() for m in n]
    lower, upper = np.transpose([clusters.bounds(int(m), alpha) for m in n])
    harmonic = np.cumsum(1 / np.arange(1, n[-1] + 1))[n - 1]
    ax.fill_between(
        n, lower, upper, color=COLORS[0], alpha=0.25, linewidth=0, label="proved bounds"
    )
    ax.plot(n, mean, color=COLORS[0], label="mean of $K_n$")
    ax.plot(n, alpha * harmonic, "--", color=COLORS[1], label=r"$\alpha\,(1 + 1/2 + \cdots + 1/n)$")
    ax.set(xscale="log", xlabel="customers $n$", ylabel="tables", ylim=(0, None))
    ax.legend(loc="upper left")
    return ax


def tables_law(law: clusters.NumClusters, *, ax: Axes | None = None) -> Axes:
    """The law of the number of tables with its Poisson and normal approximations.

    Parameters
    ----------
    law : clusters.NumClusters
    ax : matplotlib Axes, optional

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    ValueError
        If an argument is not of the type, shape and range above.
    """
    from scipy import stats

    if not isinstance(law, clusters.NumClusters):
        check.fail("law", law, "a dpnotes.clusters.NumClusters")
    ax = _axes.on(ax)
    mean, std = law.mean(), law.std()
    k = np.arange(max(1, int(mean - 4 * std)), int(mean + 4 * std) + 2)
    x = np.linspace(k[0] - 0.5, k[-1] + 0.5, 300)
    ax.bar(k, law.pmf(k), width=0.85, color=COLORS[5], label="$K_n$")
    ax.plot(
        k,
        stats.poisson.pmf(k - 1, mean - 1),
        "o",
        color=COLORS[1],
        markersize=4.5,
        label=r"$1 + $ Poisson",
    )
    ax.plot(x, stats.norm.pdf(x, mean, std), color=COLORS[6], linewidth=1.3, label="normal")
    ax.xaxis.set_major_locator(plt.MaxNLocator(integer=True))
    ax.set(xlabel="tables $k$", ylabel="probability")
    ax.legend()
    return ax


def approximation_errors(n: Row, errors: Mapping[str, Row], *, ax: Axes | None = None) -> Axes:
    """Distances between laws against the number of customers, one line each.

    Parameters
    ----------
    n : array_like, shape (m,)
    errors : dict of str to array_like, shape (m,)
        Label of each line and its values.
    ax : matplotlib Axes, optional

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    ValueError
        If an argument is not of the type, shape and range above.
    """
    n = _axes.row("n", n)
    errors = _axes.rows("errors", errors, len(n))
    ax = _axes.on(ax)
    _axes.curves(ax, errors, n, dashes=_axes.DASHES, markers=_axes.MARKERS, markersize=5)
    ax.set(xscale="log", yscale="log", xlabel="customers $n$", ylabel="distance")
    return ax


def estimate_law(alpha: float, sizes: Sequence[int], *, ax: Axes | None = None) -> Axes:
    """Law of the maximum likelihood estimate of alpha from the number of tables.

    Parameters
    ----------
    alpha : float
        The true concentration.
    sizes : sequence of int
        Numbers of customers.
    ax : matplotlib Axes, optional

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    ValueError
        If an argument is not of the type, shape and range above.

    Notes
    -----
    Implements: DP-0089.
    """
    alpha = _axes.positive("alpha", alpha)
    sizes = [check.integer("sizes", n, 3) for n in check.several("sizes", sizes)]
    tables = min(max(sizes), clusters.NumClusters(max(sizes), alpha).mean())
    check.within("alpha", alpha, tables, MOST_TABLES, "tables")
    ax = _axes.on(ax)
    for n, color, line in zip(sizes, COLORS, ["-", "--", "-."]):
        law = clusters.NumClusters(n, alpha)
        k = np.arange(2, min(n, int(law.mean() + 6 * law.std())))
        estimates = [clusters.estimate_alpha(int(j), n)[0] for j in k]
        ax.step(
            estimates,
            law.cdf(k),
            line,
            where="post",
            color=color,
            label=rf"$n = 10^{{{np.log10(n):.0f}}}$",
        )
    ax.axvline(alpha, color="black", linewidth=0.8)
    ax.set(xlabel=r"estimate $\hat\alpha$", ylabel="distribution function", xlim=(0, 3 * alpha))
    ax.legend()
    return ax


def null_histogram(values: Row, observed: float, label: str, *, ax: Axes | None = None) -> Axes:
    """Draws of a statistic under the hypothesis, and its observed value.

    Parameters
    ----------
    values : array_like, shape (draws,)
    observed : float
    label : str
        Name of the statistic.
    ax : matplotlib Axes, optional

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    ValueError
        If an argument is not of the type, shape and range above.
    """
    values, observed = _axes.row("values", values), _axes.number("observed", observed)
    label = check.text("label", label)
    ax = _axes.on(ax)
    _axes.histogram(ax, "values", values, bins=60, color=COLORS[5], label="given $K_n$")
    ax.axvline(observed, color=COLORS[1], label="observed")
    ax.set(xlabel=label, ylabel="density")
    ax.legend()
    return ax


def stick_pieces(groups: Mapping[str, Sequence[np.ndarray]], *, ax: Axes | None = None) -> Axes:
    """Broken sticks as bars of length 1, their pieces in the order of the breaks.

    Parameters
    ----------
    groups : dict of str to list of array_like
        For each label some sequences of weights.
    ax : matplotlib Axes, optional

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    ValueError
        If an argument is not of the type, shape and range above.
    """
    pieces = {
        label: [
            _axes.row(f"groups[{label!r}]", weights)
            for weights in check.several(f"groups[{label!r}]", some)
        ]
        for label, some in _axes.labelled("groups", groups).items()
    }
    ax = _axes.on(ax)
    _axes.strips(ax, pieces)
    ax.set_xlabel("position on the stick")
    return ax


def half_line(breaks: Row, points: Row, *, ax: Axes | None = None) -> Axes:
    """Breaks of the stick on the half-line, and draws coloured by the interval they fall in.

    Parameters
    ----------
    breaks : array_like, shape (m,)
        Increasing; the k-th is minus the logarithm of what k sticks leave.
    points : array_like, shape (n,)
    ax : matplotlib Axes, optional

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    ValueError
        If an argument is not of the type, shape and range above.
    """
    breaks, points = _axes.row("breaks", breaks), _axes.row("points", points)
    if points.min() < 0 or points.max() == 0:
        check.fail("points", points, "numbers >= 0, not all 0")
    ax = _axes.on(ax)
    end = 1.05 * points.max()
    breaks = breaks[breaks < end]
    ax.hlines(0, 0, end, color="black", linewidth=1)
    ax.vlines(breaks, -0.35, 0.35, color="black", linewidth=1.2)
    labels = np.searchsorted(breaks, points)
    ax.scatter(points, np.zeros(len(points)), c=[COLORS[k % 6] for k in labels], s=45, zorder=3)
    edges = np.concatenate([[0.0], breaks, [end]])
    for k, (left, right) in enumerate(pairwise(edges)):
        if right - left > 0.04 * end:
            ax.text((left + right) / 2, 0.5, str(k + 1), ha="center")
    ax.set(xlim=(0, end), ylim=(-0.8, 1), yticks=[])
    ax.set_xlabel(r"distance $-\log$(what is left of the stick)")
    ax.spines["left"].set_visible(False)
    return ax


def measure_cdfs(measures: Mapping[str, Discrete], base: Any, *, ax: Axes | None = None) -> Axes:
    """Distribution functions of discrete measures beside that of their base measure.

    Parameters
    ----------
    measures : dict of str to Discrete
    base : frozen scipy.stats distribution
    ax : matplotlib Axes, optional

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    ValueError
        If an argument is not of the type, shape and range above.
    """
    for label, measure in _axes.labelled("measures", measures).items():
        if not isinstance(measure, Discrete) or measure.atoms.ndim > 1:
            check.fail(f"measures[{label!r}]", measure, "a Discrete on the line")
    if not (hasattr(base, "ppf") and hasattr(base, "cdf")):
        check.fail("base", base, "a frozen scipy.stats distribution")
    with np.errstate(over="ignore"):
        low, high = base.ppf([1e-3, 1 - 1e-3])
    if not max(abs(low), abs(high)) <= _axes.LARGEST:
        check.fail("base", base, f"quantiles of at most {_axes.LARGEST:g} in size, to be drawn")
    ax = _axes.on(ax)
    x = np.linspace(low, high, 400)
    for label, measure in measures.items():
        inside = measure.atoms[(measure.atoms > low) & (measure.atoms < high)]
        at = np.concatenate([[low], inside, [high]])
        ax.step(at, measure.cdf(at), where="post", linewidth=1.4, label=label)
    _axes.cdf_axes(ax, x, base.cdf(x), "$H$")
    ax.legend(loc="upper left")
    return ax


def log_curves(
    x: Row,
    curves: Mapping[str, Row],
    xlabel: str,
    ylabel: str,
    *,
    ax: Axes | None = None,
) -> Axes:
    """Several positive curves over the same points, on a logarithmic axis, named at the side.

    Parameters
    ----------
    x : array_like, shape (m,)
    curves : dict of str to array_like, shape (m,)
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
    x = _axes.row("x", x)
    curves = _axes.rows("curves", curves, len(x))
    xlabel, ylabel = check.text("xlabel", xlabel), check.text("ylabel", ylabel)
    ax = _axes.on(ax)
    _axes.curves(ax, curves, x, dashes=["-", "-", "--", ":"])
    ax.set(yscale="log", xlabel=xlabel, ylabel=ylabel)
    ax.locator_params(axis="x", integer=True)
    return ax


def chain_speed(
    chains: Mapping[str, Row], seconds: Mapping[str, float], *, ax: Axes | None = None
) -> Axes:
    """Autocorrelation of the number of clusters in several chains, with effective draws a second.

    Parameters
    ----------
    chains : dict of str to array_like, shape (draws,)
        The number of clusters in each draw.
    seconds : dict of str to float
        How long each chain took.
    ax : matplotlib Axes, optional

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    ValueError
        If an argument is not of the type, shape and range above.
    """
    traces = _axes.rows("chains", chains)
    if _axes.labelled("seconds", seconds).keys() != traces.keys():
        check.fail("seconds", seconds, "a dict with the labels of chains")
    seconds = {label: _axes.positive(f"seconds[{label!r}]", s) for label, s in seconds.items()}
    ax = _axes.on(ax)
    rows = {}
    for label, draws in traces.items():
        rate = diagnostics.ess(draws) / seconds[label]
        rho = diagnostics.autocorrelation(draws)[:61]
        rows[f"{label}: {rate:.0f}"] = rho
    _axes.curves(ax, rows, first=0)
    ax.set(xlabel="lag (sweeps)", ylabel="autocorrelation", ylim=(-0.1, 1))
    ax.legend(title="effective draws a second", loc="upper right", alignment="left")
    return ax


def growth_band(paths: ArrayLike, alpha: float, *, ax: Axes | None = None) -> Axes:
    """Numbers of tables as customers come, their mean, and the band that holds nine in ten.

    Parameters
    ----------
    paths : array_like, shape (r, n)
        K_1, ..., K_n of r restaurants, one a row; n at least 2.
    alpha : float
        Their concentration, > 0.
    ax : matplotlib Axes, optional

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    ValueError
        If an argument is not of the type, shape and range above.
    """
    paths, alpha = _axes.table("paths", paths, "n"), _axes.positive("alpha", alpha)
    if paths.shape[1] < 2:
        check.fail("paths", paths, "two customers or more")
    n = np.unique(np.geomspace(1, paths.shape[1], 200).astype(np.int64))
    check.within(
        "alpha", alpha, clusters.NumClusters(int(n[-1]), alpha).mean(), MOST_TABLES, "tables"
    )
    laws = [clusters.NumClusters(int(m), alpha) for m in n]
    ax = _axes.on(ax)
    _axes.band(ax, n, *np.transpose([law.interval(0.9) for law in laws]))
    for path, color in zip(paths, cycle(COLORS)):
        ax.step(n, path[n - 1], where="post", color=color, linewidth=1.3)
    ax.plot(n, [law.mean() for law in laws], "--", color="black", linewidth=1.3, label="mean")
    ax.set(xscale="log", xlabel="customers", ylabel="tables", xlim=(1, n[-1]), ylim=(0, None))
    ax.xaxis.set_major_formatter("{x:,.0f}")
    ax.minorticks_off()
    ax.legend(loc="upper left")
    return ax
