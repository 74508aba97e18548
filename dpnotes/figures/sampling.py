"""Figures of mixtures, their samplers, what to read off a sample, and mean field."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import ArrayLike

from .. import _axes
from .. import _validate as check
from .._axes import COLORS, Row


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
    others, values = check.positive("others", others), _axes.row("values", values, 2)
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
    ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1), ncols=len(scores), columnspacing=1)
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
    ax.legend()
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
        log_evidence = check.number("log_evidence", log_evidence)
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
    log_evidence = check.number("log_evidence", log_evidence)
    ax = _axes.on(ax)
    ax.axhline(log_evidence, color="black", linewidth=1.2, label=r"$\log p(x)$, full process")
    rows = {"ELBO, truncated model": truncated, "ELBO, full process": full}
    _axes.curves(ax, rows, truncations, colors=COLORS[1::-1], dashes=["--", "-"], markers="so")
    ax.set_xticks(truncations)
    ax.set(xlabel="truncation $T$", ylabel="nats")
    ax.legend(loc="upper right", bbox_to_anchor=(1, 0.93))
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
