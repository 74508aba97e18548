"""Figures of mixtures, their samplers, what to read off a sample, and mean field."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import ArrayLike

from .. import _axes
from .. import _validate as check
from .._axes import COLORS, Row
from ..measures import Discrete


def mixture_draws(draws: Mapping[float, tuple], *, ax: Axes | None = None) -> Axes:
    """Data drawn from Dirichlet process mixtures, one row of coloured points a concentration.

    Parameters
    ----------
    draws : dict of float to (x, labels, theta)
        For each concentration what `DPMixture.sample` returned, in one dimension.
    ax : matplotlib Axes, optional

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    ValueError
        If an argument is not of the type, shape and range above.
    """
    parts = {}
    for alpha, draw in _axes.labelled("draws", draws).items():
        name = f"draws[{alpha}]"
        x, labels, theta = check.several(name, draw, 3)
        x, labels = _axes.table(f"{name}[0]", x, 1), check.labels(f"{name}[1]", labels)
        check.shape(f"{name}[1]", labels, (len(x),))
        parts[check.number("draws", alpha)] = x, labels, _axes.table(f"{name}[2]", theta, "q")
    ax = _axes.on(ax)
    for row, (x, labels, theta) in enumerate(parts.values()):
        jitter = row + 0.28 * np.sin(37.0 * np.arange(len(x)))  # spreads points, same every time
        colors = [COLORS[k % 7] for k in labels]
        ax.scatter(x[:, 0], jitter, s=14, c=colors, alpha=0.7, linewidths=0)
        ax.plot(theta[:, 0], np.full(len(theta), row + 0.42), "|", color="black", markersize=7)
    ax.set_yticks(range(len(parts)), [f"{alpha:g}" for alpha in parts])
    ax.set(xlabel="$x$", ylabel=r"concentration $\alpha$")
    ax.margins(y=0.08)
    return ax


def similarity_table(similarity: ArrayLike, x: Row, *, ax: Axes | None = None) -> Axes:
    """Co-clustering probabilities of a few points as a shaded table of percentages.

    Parameters
    ----------
    similarity : array_like, shape (n, n)
    x : array_like, shape (n,)
        Values that label rows and columns.
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
    similarity = check.array("similarity", similarity, 2)
    check.shape("similarity", similarity, (len(x), len(x)))
    ax = _axes.on(ax)
    percent = 100 * similarity
    ax.imshow(percent, cmap="Blues", vmin=0, vmax=160, aspect="auto")
    for (i, j), value in np.ndenumerate(percent):
        ax.text(j, i, f"{value:.0f}", ha="center", va="center", fontsize=10, color="black")
    names = [f"{value:.2f}" for value in x]
    ax.set_xticks(range(len(names)), names, rotation=45, ha="right", rotation_mode="anchor")
    ax.set_yticks(range(len(names)), names)
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
    ax.set(xlabel="$x_j$", ylabel="$x_i$")
    return ax


def certain_points(x: ArrayLike, labels: ArrayLike, *, ax: Axes | None = None) -> Axes:
    """Points in the plane: those of a certain partition by cluster, those left out as crosses.

    Parameters
    ----------
    x : array_like, shape (n, 2)
    labels : array_like of int, shape (n,)
        0, 1, ... by cluster, -1 for a point that is left out, as
        :func:`dpnotes.partitions.subpartition` has them.
    ax : matplotlib Axes, optional

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    ValueError
        If an argument is not of the type, shape and range above.
    """
    x, given = _axes.table("x", x, 2), check.counts("labels", labels, -1)
    check.shape("labels", given, (len(x),))
    inside = given >= 0
    if not inside.any():
        check.fail("labels", labels, "at least one label >= 0")
    known = check.labels("labels", given[inside])
    ax = _axes.on(ax)
    ax.plot(*x[~inside].T, "x", color="0.55", markersize=5, label="left out")
    _axes.points(ax, x[inside], known, markeredgewidth=0)
    ax.set(xlabel="$x_1$", ylabel="$x_2$")
    ax.legend()
    return ax


def predictive_density(
    grid: Row,
    logpdf: Row,
    prior_logpdf: Row,
    x: Row,
    *,
    ax: Axes | None = None,
) -> Axes:
    """Predictive density given data, beside the density before the data.

    Parameters
    ----------
    grid : array_like, shape (m,)
    logpdf, prior_logpdf : array_like, shape (m,)
        Log density after and before the data.
    x : array_like, shape (n,)
        The data, drawn as ticks.
    ax : matplotlib Axes, optional

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    ValueError
        If an argument is not of the type, shape and range above.
    """
    grid, x = _axes.row("grid", grid), _axes.row("x", x)
    logpdf = _axes.row("logpdf", logpdf, len(grid))
    prior_logpdf = _axes.row("prior_logpdf", prior_logpdf, len(grid))
    ax = _axes.on(ax)
    for name, log in {"logpdf": logpdf, "prior_logpdf": prior_logpdf}.items():
        if log.max() > np.log(_axes.LARGEST):
            check.fail(name, log, f"log densities up to {np.log(_axes.LARGEST):.0f}, to be drawn")
    rows = {"before the data": np.exp(prior_logpdf), "given the data": np.exp(logpdf)}
    _axes.curves(ax, rows, grid, colors=COLORS[1::-1], dashes=["--", "-"])
    _axes.density_axes(ax, grid, x)
    _axes.legend_above(ax, 2)
    return ax


def jensen(concentration: float, others: float, values: Row, *, ax: Axes | None = None) -> Axes:
    """Chance of a new table against its likelihood, and what a fresh draw makes of it.

    Parameters
    ----------
    concentration : float
        alpha.
    others : float
        Sum of n_{-i,k} f(x_i | theta_k) over the other tables.
    values : array_like, shape (2,)
        Two equally probable values of f(x_i | phi), in increasing order.
    ax : matplotlib Axes, optional

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    ValueError
        If an argument is not of the type, shape and range above.
    """
    concentration = _axes.positive("concentration", concentration)
    others, values = _axes.positive("others", others), _axes.row("values", values, 2)
    if not 0 < values[0] <= values[1]:
        check.fail("values", values, "two numbers > 0, the smaller one first")
    ax = _axes.on(ax)

    def chance(f):
        return concentration * f / (others + concentration * f)

    f, mean = np.linspace(0, 1.1 * values[1], 200), np.mean(values)
    ax.plot(f, chance(f), color=COLORS[0], label="chance of a new table")
    ax.plot(values, chance(values), "o--", color=COLORS[6], lw=1, label="two draws")
    ax.plot(mean, chance(mean), "s", color=COLORS[2], label="right: at the mean")
    ax.plot(mean, chance(values).mean(), "D", color=COLORS[1], label="naive: the mean")
    ax.set(xlabel=r"likelihood $f(x_i\mid\phi)$ of the new table", ylabel="probability")
    ax.legend(loc="lower right")
    return ax


def geweke_scores(
    scores: Mapping[str, Row], names: Sequence[str], *, ax: Axes | None = None
) -> Axes:
    """z-scores of Geweke's test, one row a statistic.

    Parameters
    ----------
    scores : dict of str to array_like, shape (s,)
        For each sampler its z-scores.
    names : list of str, length s
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
    scores = _axes.rows("scores", scores, len(names))
    ax = _axes.on(ax)
    at = np.arange(len(names))
    ax.axvspan(-3, 3, color="0.5", alpha=0.2, lw=0)
    for i, (label, z) in enumerate(scores.items()):
        shift = 0.15 * (i - (len(scores) - 1) / 2)
        ax.plot(z, at + shift, _axes.MARKERS[i], color=COLORS[i], label=label)
    ax.set_yticks(at, names)
    ax.invert_yaxis()
    ax.set(xlabel="z-score")
    _axes.legend_above(ax, len(scores))
    return ax


def one_cluster_fading(
    n: Row, one: Row, error: Row, outside: Row, *, ax: Axes | None = None
) -> Axes:
    """Posterior probability of one cluster, and share of points outside the largest one.

    Parameters
    ----------
    n : array_like, shape (m,)
        Numbers of points.
    one, error : array_like, shape (m,)
        Estimated P(K = 1 | x) and its standard error.
    outside : array_like, shape (m,)
        Expected share of the points that are not in the largest cluster.
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
    one, error = _axes.row("one", one, len(n)), _axes.row("error", error, len(n))
    outside = _axes.row("outside", outside, len(n))
    if error.min() < 0:
        check.fail("error", error, "numbers >= 0")
    ax = _axes.on(ax)
    ax.errorbar(
        n,
        one,
        2 * error,
        fmt="o-",
        color=COLORS[0],
        markersize=4,
        label=r"$P(K_n = 1\mid x)$",
    )
    ax.plot(n, outside, "s--", color=COLORS[1], markersize=4, label="share outside the largest")
    ax.set(xscale="log", xlabel="points $n$", ylabel="probability, share")
    ax.set_ylim(bottom=0)
    _axes.legend_above(ax, 2)
    return ax


def elbo_traces(
    traces: Mapping[str, Row],
    log_evidence: float | None = None,
    *,
    ax: Axes | None = None,
) -> Axes:
    """ELBO against the iteration, one line a start.

    Parameters
    ----------
    traces : dict of str to array_like
        For each label the ELBO after each iteration.
    log_evidence : float, optional
        Drawn as a line above.
    ax : matplotlib Axes, optional

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    ValueError
        If an argument is not of the type, shape and range above.
    """
    traces = _axes.rows("traces", traces)
    if log_evidence is not None:
        log_evidence = _axes.number("log_evidence", log_evidence)
    ax = _axes.on(ax)
    if log_evidence is not None:
        ax.axhline(log_evidence, color="black", linewidth=1.2, label=r"$\log p(x)$")
    _axes.curves(ax, traces, markers=_axes.MARKERS, markersize=4)
    ax.set(xlabel="iteration", ylabel="ELBO (nats)")
    return ax


def elbo_by_truncation(
    truncations: Row,
    full: Row,
    truncated: Row,
    log_evidence: float,
    *,
    ax: Axes | None = None,
) -> Axes:
    """Best ELBO against the truncation, for both readings of it, below the log evidence.

    Parameters
    ----------
    truncations : array_like, shape (m,)
    full, truncated : array_like, shape (m,)
        ELBO for the full process and for the model that is itself truncated.
    log_evidence : float
        Log evidence of the full process.
    ax : matplotlib Axes, optional

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    ValueError
        If an argument is not of the type, shape and range above.
    """
    truncations = _axes.row("truncations", truncations)
    full = _axes.row("full", full, len(truncations))
    truncated = _axes.row("truncated", truncated, len(truncations))
    log_evidence = _axes.number("log_evidence", log_evidence)
    ax = _axes.on(ax)
    ax.axhline(log_evidence, color="black", linewidth=1.2, label=r"$\log p(x)$, full process")
    rows = {"ELBO, truncated model": truncated, "ELBO, full process": full}
    _axes.curves(ax, rows, truncations, colors=COLORS[1::-1], dashes=["--", "-"], markers="so")
    ax.set_xticks(truncations)
    ax.set(xlabel="truncation $T$", ylabel="nats")
    _axes.legend_above(ax, 1)
    return ax


def bound_by_pass(plain: Row, memoised: Row, n_blocks: int, *, ax: Axes | None = None) -> Axes:
    """How far the ELBO is below its end, per pass over the data: plain and memoised updates.

    Parameters
    ----------
    plain : array_like
        ELBO after each pass.
    memoised : array_like
        ELBO after a first pass and then after each block.
    n_blocks : int
    ax : matplotlib Axes, optional

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    ValueError
        If an argument is not of the type, shape and range above.
    """
    plain, memoised = _axes.row("plain", plain), _axes.row("memoised", memoised)
    n_blocks = check.integer("n_blocks", n_blocks)
    ax = _axes.on(ax)
    top = max(np.max(plain), np.max(memoised))
    passes = 1 + np.arange(len(memoised) - 1) / n_blocks
    ax.plot(np.arange(1, len(plain) + 1), top - plain, color=COLORS[0], label="plain")
    ax.plot(passes, top - memoised[:-1], "--", color=COLORS[1], label="memoised")
    ax.set(yscale="log", xlabel="passes over the data", ylabel="nats below the end")
    ax.set_ylim(bottom=1e-2)
    ax.legend()
    return ax


def blurred_atoms(
    measure: Discrete,
    theta: Row,
    x: Row,
    noise_sd: float,
    label: str = "",
    *,
    ax: Axes | None = None,
) -> Axes:
    """A discrete measure as spikes, the density that noise makes of it, and data drawn from that.

    Spikes and density are drawn to the height of their tallest.

    Parameters
    ----------
    measure : Discrete
        On the line.
    theta : array_like, shape (n,)
        The atom that each observation took.
    x : array_like, shape (n,)
        The observations, coloured by their atom.
    noise_sd : float
        Standard deviation of an observation about its atom, > 0.
    label : str
        What is written above.
    ax : matplotlib Axes, optional

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    ValueError
        If an argument is not of the type, shape and range above.
    """
    if not isinstance(measure, Discrete) or measure.atoms.ndim > 1:
        check.fail("measure", measure, "a Discrete on the line")
    theta = _axes.row("theta", theta)
    x = _axes.row("x", x, len(theta))
    if not np.isin(theta, measure.atoms).all():
        check.fail("theta", theta, "atoms of the measure")
    noise_sd, label = _axes.positive("noise_sd", noise_sd), check.text("label", label)
    ax = _axes.on(ax)
    weights = measure.weights.astype(float)
    taken, cluster = np.unique(theta, return_inverse=True)
    colors = [COLORS[k % 7] for k in range(len(taken))]
    seen = measure.atoms[weights > 5e-3]
    grid = np.linspace(seen[0] - 4 * noise_sd, seen[-1] + 4 * noise_sd, 400)
    with np.errstate(over="ignore"):  # far from an atom the density is 0
        density = np.exp(-(((grid[:, None] - measure.atoms) / noise_sd) ** 2) / 2) @ weights
    ax.fill_between(grid, density / density.max(), color="0.8", linewidth=0)
    free = ~np.isin(measure.atoms, taken)
    ax.vlines(measure.atoms[free], 0, weights[free] / weights.max(), color="0.5", linewidth=1)
    mass = weights[np.searchsorted(measure.atoms, taken)]
    ax.vlines(taken, 0, mass / weights.max(), color=colors, linewidth=2)
    height = 0.12 * np.sin(37.0 * np.arange(len(x))) - 0.28  # spreads points, same every time
    ax.scatter(x, height, s=12, c=[colors[k] for k in cluster], linewidths=0)
    ax.text(0.02, 1, label, transform=ax.transAxes, va="top")
    ax.set(ylim=(-0.5, 1.25), yticks=[], xlabel="$x$")
    ax.spines["left"].set_visible(False)
    return ax


def reseating(
    others: Row, labels: Row, point: float, chances: Row, *, ax: Axes | None = None
) -> Axes:
    """A point taken out of its cluster, and its chance to go to each of the others or a new one.

    Chances of 1% or more are written below.

    Parameters
    ----------
    others : array_like, shape (n,)
        The other points.
    labels : array_like of int, shape (n,)
        Their clusters 0, ..., K - 1.
    point : float
    chances : array_like, shape (K + 1,)
        For each cluster, and last for a new one.
    ax : matplotlib Axes, optional

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    ValueError
        If an argument is not of the type, shape and range above.
    """
    others, labels = _axes.row("others", others), check.labels("labels", labels)
    check.shape("labels", labels, (len(others),))
    point = _axes.number("point", point)
    K = labels.max() + 1
    chances = _axes.row("chances", chances, K + 1)
    if chances.min() < 0 or chances.max() > 1:
        check.fail("chances", chances, "probabilities")
    ax = _axes.on(ax)
    # The new cluster stands to the right of all points.
    new = max(others.max(), point) + 0.3 * np.ptp([*others, point])
    places = [*(others[labels == k].mean() for k in range(K)), new]
    for k, (place, chance) in enumerate(zip(places, chances)):
        color = COLORS[k % 7] if k < K else "0.5"
        ax.plot([point, place], [1, 0.2], color=color, linewidth=0.8 + 4 * chance, zorder=1)
        if chance >= 0.01:
            ax.text(place, -0.3, f"{100 * chance:.0f}%", ha="center", va="top", color=color)
    ax.scatter(others, np.zeros(len(others)), s=30, c=[COLORS[k % 7] for k in labels])
    ax.scatter([point, new], [1, 0], s=45, color="white", edgecolors=["black", "0.5"], zorder=2)
    ax.text(new, 0.3, "new", ha="left", color="0.35")
    ax.set(ylim=(-0.9, 1.2), yticks=[], xlabel="$x_i$")
    ax.margins(x=0.1)
    ax.spines["left"].set_visible(False)
    return ax


def draws_and_report(
    draws: ArrayLike, report: Row, together: Row, *, ax: Axes | None = None
) -> Axes:
    """Sampled partitions as rows of coloured points, and below them the one to report.

    Parameters
    ----------
    draws : array_like of int, shape (m, n)
        Labels, a draw a row.
    report : array_like of int, shape (n,)
    together : array_like, shape (n - 1,)
        Probability that a point is in the cluster of the next; written between them in percent.
    ax : matplotlib Axes, optional

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    ValueError
        If an argument is not of the type, shape and range above.
    """
    report = check.labels("report", report)
    rows = [check.labels("draws", row) for row in check.several("draws", draws)]
    for row in rows:
        check.shape("draws", row, (len(report),))
    together = _axes.row("together", together, len(report) - 1)
    ax = _axes.on(ax)
    below = len(rows) + 1.2  # where the report stands
    for y, labels, height in [*((y, row, 0.8) for y, row in enumerate(rows)), (below, report, 1.8)]:
        colors = [COLORS[k % 7] for k in labels]
        ax.barh(y, 1, left=np.arange(len(labels)), height=height, color=colors, linewidth=0)
    for j, share in enumerate(together):
        ax.text(j + 1, below + 2.3, f"{100 * share:.0f}", ha="center", va="center")
    ticks = {"draws": (len(rows) - 1) / 2, "report": below, "together, %": below + 2.3}
    ax.set_yticks(list(ticks.values()), list(ticks))
    ax.tick_params(length=0)
    ax.set(xlim=(0, len(report)), ylim=(below + 3.2, -0.6), xticks=[])
    ax.spines[:].set_visible(False)
    return ax


def stick_and_atoms(weights: Row, atoms: Row, base: Any, *, ax: Axes | None = None) -> Axes:
    """A broken stick above, and below the measure that has its pieces as masses.

    Parameters
    ----------
    weights : array_like, shape (m,)
        The pieces, in the order of the breaks.
    atoms : array_like, shape (m,)
        Where each is put.
    base : frozen scipy.stats distribution
        With a density, which is drawn dashed.
    ax : matplotlib Axes, optional

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    ValueError
        If an argument is not of the type, shape and range above.
    """
    weights = _axes.row("weights", weights)
    atoms = _axes.row("atoms", atoms, len(weights))
    if weights.min() < 0 or weights.sum() > 1 + 1e-9:
        check.fail("weights", weights, "numbers >= 0 of sum at most 1")
    if not (hasattr(base, "ppf") and hasattr(base, "pdf")):
        check.fail("base", base, "a frozen scipy.stats distribution with a density")
    with np.errstate(over="ignore"):
        low, high = base.ppf([1e-3, 1 - 1e-3])
    if not max(abs(low), abs(high)) <= _axes.LARGEST:
        check.fail("base", base, f"quantiles of at most {_axes.LARGEST:g} in size, to be drawn")
    x = np.linspace(low, high, 200)
    with np.errstate(over="ignore"):
        density = _axes.row("base", base.pdf(x))
    ax = _axes.on(ax)
    ax.plot(x, density, "--", color="0.35", linewidth=1)
    ax.text(x[158], 1.3 * density[158], "$H$", color="0.35")
    # The stick lies above all else, and is as long as the axis.
    top, pieces = 1.6 * max(weights.max(), density.max()), (high - low) * weights
    left = low + np.cumsum(pieces) - pieces
    colors = [COLORS[k % 6] for k in range(len(weights))]
    ax.barh(top, pieces, left=left, height=0.16 * top, color=colors, linewidth=0)
    ax.vlines(atoms, 0, weights, color=colors, linewidth=2.5)
    for k in np.flatnonzero(weights > 0.04):
        middle = left[k] + pieces[k] / 2
        ax.plot([middle, atoms[k]], [0.9 * top, weights[k]], ":", color=colors[k], linewidth=1)
    ax.set(xlim=(low, high), ylim=(0, 1.1 * top), yticks=[], xlabel="$x$")
    ax.spines["left"].set_visible(False)
    return ax


def number_of_clusters(laws: Mapping[str, Row], *, ax: Axes | None = None) -> Axes:
    """Laws of the number of clusters in a small panel: where they are, with the legend above.

    Parameters
    ----------
    laws : dict of str to array_like, shape (m,)
        For each label P(K = 0), P(K = 1), ....
    ax : matplotlib Axes, optional

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    ValueError
        If an argument is not of the type, shape and range above.
    """
    rows = _axes.rows("laws", laws)
    if min(row.min() for row in rows.values()) < 0:
        check.fail("laws", laws, "probabilities")
    shown = [k for row in rows.values() for k in np.flatnonzero(row > 0.005)]
    if not shown:
        check.fail("laws", laws, "probabilities")
    ax = _axes.on(ax)
    _axes.cluster_bars(ax, {label: (row, None) for label, row in rows.items()})
    ax.set(xlim=(min(shown) - 0.6, max(shown) + 0.6), xlabel="clusters", ylim=(0, None))
    ax.locator_params(axis="x", integer=True, nbins=6)
    ax.legend(
        loc="lower right",
        bbox_to_anchor=(1, 0.97),
        ncols=len(rows),
        handlelength=0.8,
        handletextpad=0.4,
        columnspacing=1,
        borderpad=0,
    )
    return ax
