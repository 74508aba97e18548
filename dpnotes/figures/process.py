"""Figures of the Dirichlet distribution, the process, its posterior and its urn."""

import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import ArrayLike

from .. import _axes, measures
from .. import _validate as check
from .._axes import COLORS, Row
from .._types import Floats

LARGEST = 1e6  # concentration


def ternary(points: ArrayLike, label: str = "", *, ax: Axes | None = None) -> Axes:
    """Probability vectors of three cells as dots in a triangle.

    Parameters
    ----------
    points : array_like, shape (n, 3)
        Rows that sum to 1. A corner is all mass on one cell.
    label : str
        Written below the triangle.
    ax : matplotlib Axes, optional

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    ValueError
        If an argument is not of the type, shape and range above.
    """
    points, label = _probabilities("points", points, 3), check.text("label", label)
    ax = _axes.on(ax)
    corners = np.array([[0, 0], [1, 0], [0.5, np.sqrt(0.75)]])
    outline = corners[[0, 1, 2, 0]]
    ax.plot(*outline.T, color="black", linewidth=1)
    ax.plot(*(points @ corners).T, ".", markersize=4, alpha=0.5, markeredgewidth=0)
    for k, (x, y) in enumerate(corners):
        ax.text(
            x,
            y + (0.02 if k == 2 else -0.02),
            f"$g_{k + 1}$",
            ha="center",
            va="bottom" if k == 2 else "top",
        )
    ax.text(0.5, -0.14, label, ha="center", va="top")
    ax.set(xlim=(-0.08, 1.08), ylim=(-0.28, 1.0), aspect="equal")
    ax.axis("off")
    return ax


def unit_bars(groups: Mapping[str, Row], *, ax: Axes | None = None) -> Axes:
    """Probability vectors as bars of length 1, cut into their cells, largest cell first.

    Parameters
    ----------
    groups : dict of str to array_like, shape (m, r)
        For each label some probability vectors, one a row.
    ax : matplotlib Axes, optional

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    ValueError
        If an argument is not of the type, shape and range above.
    """
    draws = {
        label: _probabilities(f"groups[{label!r}]", vectors, "r")
        for label, vectors in _axes.labelled("groups", groups).items()
    }
    ax = _axes.on(ax)
    _axes.strips(ax, {label: np.sort(vectors)[:, ::-1] for label, vectors in draws.items()})
    ax.set(xlabel="cumulative probability, largest cell first", ylabel="parameter")
    return ax


def gamma_shares(gammas: ArrayLike, *, ax: Axes | None = None) -> Axes:
    """Positive numbers as bars, their shares of their sum, and the shares with two of them merged.

    Parameters
    ----------
    gammas : array_like, shape (m, r)
        Numbers > 0, those of one vector in a row; the last two are merged.
    ax : matplotlib Axes, optional

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    ValueError
        If an argument is not of the type, shape and range above.
    """
    y = _axes.table("gammas", gammas, "r")
    if y.shape[1] < 2 or y.min() <= 0:
        check.fail("gammas", gammas, "two or more numbers > 0 in each row")
    ax = _axes.on(ax)
    total = y.sum(axis=1, keepdims=True)
    shares, colors = y / total, COLORS[: y.shape[1]]
    merged = np.column_stack([shares[:, :-2], shares[:, -2:].sum(axis=1)])
    columns = [
        ("gamma variables", y / total.max(), colors),
        ("their shares", shares, colors),
        ("two merged", merged, [*colors[:-2], COLORS[3]]),
    ]
    for left, (title, rows, hues) in zip(np.arange(3) * 1.12, columns):
        start = left + np.cumsum(rows, axis=1) - rows
        for k, color in enumerate(hues):
            ax.barh(np.arange(len(y)), rows[:, k], left=start[:, k], height=0.76, color=color)
        ax.text(left + 0.5, -0.6, title, ha="center", va="bottom")
    ax.set(xlim=(0, 3.24), ylim=(len(y) - 0.5, -1.2))
    ax.axis("off")
    return ax


def cell_masses(edges: Row, masses: Row, label: str = "", *, ax: Axes | None = None) -> Axes:
    """Mass of a measure in each cell between edges, one spike a cell.

    Parameters
    ----------
    edges : array_like, shape (r + 1,)
        Bounds of the r cells, all finite.
    masses : array_like, shape (r,)
    label : str
        Written in the upper right corner.
    ax : matplotlib Axes, optional

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    ValueError
        If an argument is not of the type, shape and range above.
    """
    edges = _axes.row("edges", edges)
    if not (np.diff(edges) > 0).all() or len(edges) < 2:
        check.fail("edges", edges, "two or more increasing numbers")
    masses = _axes.row("masses", masses, len(edges) - 1)
    label = check.text("label", label)
    ax = _axes.on(ax)
    ax.bar(
        edges[:-1],
        masses,
        width=np.diff(edges),
        align="edge",
        linewidth=0.6,
        color=COLORS[0],
        edgecolor=COLORS[0],
    )
    ax.text(0.98, 0.95, label, transform=ax.transAxes, ha="right", va="top")
    ax.set(xlabel=r"$\theta$", ylabel="mass", xlim=(edges[0], edges[-1]))
    ax.label_outer()
    return ax


def cell_draws(masses: ArrayLike, base: Row, *, ax: Axes | None = None) -> Axes:
    """What several random measures give to the same cells, side by side, over their mean.

    Parameters
    ----------
    masses : array_like, shape (draws, r)
        Probability vectors, one a measure.
    base : array_like, shape (r,)
        What the base measure gives to the cells.
    ax : matplotlib Axes, optional

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    ValueError
        If an argument is not of the type, shape and range above.
    """
    masses = _probabilities("masses", masses, "r")
    base = _axes.row("base", base, masses.shape[1])
    ax = _axes.on(ax)
    r = len(base)
    for i, row in enumerate(masses):
        at = i * (r + 1) + np.arange(r)
        ax.bar(at, row, 0.9, color=COLORS[i % 6])
        ax.bar(at, base, 0.9, fill=False, edgecolor="black", linewidth=1)
        ax.text(at.mean(), -0.03 * masses.max(), f"draw {i + 1}", ha="center", va="top")
    ax.set(ylabel="mass of each cell")
    ax.set_xticks([])
    ax.spines["bottom"].set_visible(False)
    return ax


def random_cdfs(
    x: Row,
    cdfs: ArrayLike,
    base_cdf: Row,
    label: str = "",
    *,
    ax: Axes | None = None,
) -> Axes:
    """Distribution functions of several random measures beside that of their base measure.

    Parameters
    ----------
    x : array_like, shape (m,)
    cdfs : array_like, shape (draws, m)
    base_cdf : array_like, shape (m,)
    label : str
        Written in the upper left corner.
    ax : matplotlib Axes, optional

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    ValueError
        If an argument is not of the type, shape and range above.
    """
    x, label = _axes.row("x", x), check.text("label", label)
    cdfs, base_cdf = _axes.table("cdfs", cdfs, len(x)), _axes.row("base_cdf", base_cdf, len(x))
    ax = _axes.on(ax)
    for i, cdf in enumerate(cdfs):
        ax.plot(x, cdf, drawstyle="steps-post", linewidth=1.3, color=COLORS[i % 6])
    _axes.cdf_axes(ax, x, base_cdf)
    ax.text(0.02, 0.95, label, transform=ax.transAxes, va="top")
    ax.label_outer()
    return ax


def beta_densities(h: float, alphas: Sequence[float], *, ax: Axes | None = None) -> Axes:
    """Densities of G(A) for a set with H(A) = h, one curve for each concentration.

    Parameters
    ----------
    h : float
        Strictly between 0 and 1.
    alphas : sequence of float
        Concentrations, each > 0.
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

    h = _share("h", h)
    concentrations = [check.positive("alphas", alpha) for alpha in check.several("alphas", alphas)]
    ax = _axes.on(ax)
    g = np.linspace(0, 1, 801)[1:-1]
    laws = {rf"$\alpha = {a:g}$": stats.beta(a * h, a * (1 - h)).pdf(g) for a in concentrations}
    _axes.curves(ax, laws, g, dashes=_axes.DASHES)
    ax.axvline(h, color="black", linewidth=0.8)
    ax.set(xlabel="$G(A)$", ylabel="density", xlim=(0, 1), ylim=(0, 8))
    return ax


def base_and_spikes(alpha: float, base: Any, theta: Row, *, ax: Axes | None = None) -> Axes:
    """Mean of G before and after some of its draws: the base, and less of it with point masses.

    Parameters
    ----------
    alpha : float
        Concentration of the prior.
    base : frozen SciPy distribution on the line
        Base measure of the prior, with a density.
    theta : array_like, shape (n,)
        Draws from G.
    ax : matplotlib Axes, optional

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    ValueError
        If an argument is not of the type, shape and range above.
    """
    alpha, theta = check.positive("alpha", alpha), _axes.row("theta", theta)
    if not hasattr(base, "pdf") or measures.point_shape("base", base) != ():
        check.fail("base", base, "a measure on the line with a density")
    with np.errstate(over="ignore"):  # the row is refused then
        low, high = _axes.row("base", base.ppf([0.001, 0.999]))
        x = np.linspace(low, high, 301)
        before = _axes.row("base", base.pdf(x))
    ax = _axes.on(ax)
    total = alpha + len(theta)
    values, counts = np.unique(theta, return_counts=True)
    curves = {"before": before, "after": alpha / total * before}
    ax.vlines(values, 0, counts / total, color=COLORS[1], linewidth=3)
    _axes.curves(ax, curves, x, colors=[COLORS[6], COLORS[0]], dashes=["--", "-"])
    ax.set(xlabel=r"$\theta$", ylabel="density, mass")
    ax.set_ylim(bottom=0)
    return ax


def posterior_bands(
    alpha: float,
    base: Any,
    theta: Row,
    sizes: Sequence[int],
    truth: Callable | None = None,
    *,
    ax: Axes | None = None,
) -> Axes:
    """Posterior of the distribution function of G after some of its draws: mean and 90 % band.

    Parameters
    ----------
    alpha : float
        Concentration of the prior.
    base : frozen SciPy distribution on the line
        Base measure of the prior.
    theta : array_like, shape (n,)
        Draws from G, in the order seen.
    sizes : sequence of int
        After how many draws a band is drawn, each from 0 to n; the prior is 0.
    truth : callable, optional
        Distribution function that the draws came from.
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
    Implements: DP-0046.
    """
    from scipy import stats

    alpha, theta = check.positive("alpha", alpha), _axes.row("theta", theta)
    if alpha > LARGEST:
        check.fail("alpha", alpha, f"at most {LARGEST:g}; beyond, the bands are too thin to see")
    if measures.point_shape("base", base) != ():
        check.fail("base", base, "a measure on the line")
    sizes = [check.integer("sizes", n, 0, len(theta)) for n in check.several("sizes", sizes)]
    if truth is not None and not callable(truth):
        check.fail("truth", truth, "None or a distribution function")
    ax = _axes.on(ax)
    x = np.linspace(-3, 3, 601)
    for i, n in enumerate(sizes):
        with warnings.catch_warnings():
            # SciPy 1.14 complains of quantiles that are 0 or 1 to rounding, and of scales far out.
            warnings.simplefilter("ignore", RuntimeWarning)
            below = alpha * base.cdf(x) + np.searchsorted(np.sort(theta[:n]), x, side="right")
            law = stats.beta(below, alpha + n - below)
            low, mean, high = law.ppf(0.05), law.mean(), law.ppf(0.95)
        ax.fill_between(x, low, high, color=COLORS[i % 6], alpha=0.3, linewidth=0)
        ax.plot(
            x,
            mean,
            color=COLORS[i % 6],
            linestyle=["-.", "--", "-"][i % 3],
            label=f"$n = {n}$",
        )
    if truth is not None:
        ax.plot(x, _axes.row("truth", truth(x), len(x)), color="black", linewidth=1, label="truth")
    ax.set(xlabel="$x$", ylabel=r"$G((-\infty, x])$", xlim=(-3, 3), ylim=(0, 1))
    ax.legend(loc="upper left")
    return ax


def posterior_of_set(
    alpha: float, h: float, inside: int, outside: int, *, ax: Axes | None = None
) -> Axes:
    """Posterior density of G(A), and the law that counts the data twice.

    Parameters
    ----------
    alpha : float
        Concentration of the prior.
    h : float
        H(A), strictly between 0 and 1.
    inside, outside : int
        Number of draws in A and outside it.
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

    alpha, h = check.positive("alpha", alpha), _share("h", h)
    inside, outside = check.integer("inside", inside, 0), check.integer("outside", outside, 0)
    ax = _axes.on(ax)
    g = np.linspace(0, 1, 501)
    laws = {}
    for times, label in enumerate(["prior", "posterior", "counted twice"]):
        law = stats.beta(alpha * h + times * inside, alpha * (1 - h) + times * outside)
        laws[label] = law.pdf(g)
    _axes.curves(ax, laws, g, colors=[COLORS[k] for k in (6, 0, 1)], dashes=[":", "-", "--"])
    ax.set(xlabel="$G(A)$", ylabel="density", xlim=(0, 1), ylim=(0, None))
    ax.legend(loc="upper left")
    return ax


def urn_path(theta: Row, *, ax: Axes | None = None) -> Axes:
    """Draws of the urn in their order: first appearances as discs, copies as rings on a line.

    Parameters
    ----------
    theta : array_like, shape (n,)
    ax : matplotlib Axes, optional

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    ValueError
        If an argument is not of the type, shape and range above.
    """
    theta = _axes.row("theta", theta)
    ax = _axes.on(ax)
    values, first, which = np.unique(theta, return_index=True, return_inverse=True)
    time = np.arange(1, theta.size + 1)
    ax.hlines(values, first + 1, theta.size, color="0.75", linewidth=0.8)
    rank = np.argsort(np.argsort(first))
    colors = np.array([COLORS[k % 6] for k in rank])
    new = time - 1 == first[which]
    ax.scatter(
        time[~new],
        theta[~new],
        s=16,
        facecolors="none",
        edgecolors=colors[which[~new]],
        label="copy",
    )
    ax.scatter(time[new], theta[new], s=42, c=colors[which[new]], label="new value")
    ax.set(xlabel="draw $i$", ylabel=r"$\theta_i$")
    return ax


def urn_shares(shares: ArrayLike, limits: Any = None, *, ax: Axes | None = None) -> Axes:
    """Share of the draws in a set as the urn runs, one line a run.

    Parameters
    ----------
    shares : array_like, shape (runs, n)
        Share of the first 1, ..., n draws.
    limits : frozen SciPy distribution, optional
        Law of the limits, drawn along the right-hand side.
    ax : matplotlib Axes, optional

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    ValueError
        If an argument is not of the type, shape and range above.
    """
    shares = _axes.table("shares", shares, "n")
    if limits is not None and not hasattr(limits, "pdf"):
        check.fail("limits", limits, "None or a frozen SciPy distribution with a density")
    ax = _axes.on(ax)
    n = shares.shape[1]
    for i, run in enumerate(shares):
        ax.plot(np.arange(1, n + 1), run, color=COLORS[i % 6], linewidth=1)
    if limits is not None:
        g = np.linspace(0.005, 0.995, 199)
        density = limits.pdf(g)
        ax.fill_betweenx(g, n, n * 3 ** (density / density.max()), color="0.6", linewidth=0)
    ax.set(xscale="log", xlabel="draws $n$", ylabel="$n(A)/n$", ylim=(-0.02, 1.02))
    return ax


def _share(name: str, value: float) -> float:
    if check.positive(name, value) >= 1:
        check.fail(name, value, "a number between 0 and 1, exclusive")
    return float(value)


def _probabilities(name: str, value: object, length: int | str) -> Floats:
    rows = _axes.table(name, value, length)
    if rows.min() < 0 or not np.allclose(rows.sum(axis=1), 1):
        check.fail(name, value, "numbers >= 0 with sum 1 in each row")
    return rows
