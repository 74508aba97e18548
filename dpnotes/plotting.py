"""The look of the book and its figures: one function a kind of figure, each takes ``ax``."""

import warnings

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.ticker import LogLocator

# Okabe and Ito's colours, which people with any kind of colour vision can tell apart.
COLORS = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#F0E442"]


def use_style():
    """Set Matplotlib's defaults to the book's look.

    Figures are transparent and drawn in dark ink; the site inverts them in its dark theme.

    Examples
    --------
    >>> from dpnotes import plotting
    >>> plotting.use_style()
    """
    plt.rcParams.update(
        {
            "axes.prop_cycle": plt.cycler(color=COLORS),
            "font.size": 10,
            "figure.figsize": (5.2, 3.2),
            "figure.dpi": 160,
            "figure.facecolor": "none",
            "axes.facecolor": "none",
            "savefig.facecolor": "none",
            "figure.constrained_layout.use": True,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.labelsize": 11,
            "xtick.labelsize": 10,
            "ytick.labelsize": 10,
            "legend.fontsize": 10,
            "legend.frameon": False,
            "image.cmap": "Blues",
            "lines.linewidth": 1.8,
        }
    )


def ternary(points, label="", ax=None):
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
    """
    ax = plt.gca() if ax is None else ax
    corners = np.array([[0, 0], [1, 0], [0.5, np.sqrt(0.75)]])
    outline = corners[[0, 1, 2, 0]]
    ax.plot(*outline.T, color="black", linewidth=1)
    ax.plot(*(np.asarray(points) @ corners).T, ".", markersize=4, alpha=0.5, markeredgewidth=0)
    for k, (x, y) in enumerate(corners):
        ax.text(x, y + (0.02 if k == 2 else -0.02), f"$g_{k + 1}$", ha="center",
                va="bottom" if k == 2 else "top")
    ax.text(0.5, -0.14, label, ha="center", va="top")
    ax.set(xlim=(-0.08, 1.08), ylim=(-0.28, 1.0), aspect="equal")
    ax.axis("off")
    return ax


def unit_bars(groups, ax=None):
    """Probability vectors as bars of length 1, cut into their cells, largest cell first.

    Parameters
    ----------
    groups : dict of str to array_like, shape (m, r)
        For each label some probability vectors, one a row.
    ax : matplotlib Axes, optional

    Returns
    -------
    matplotlib Axes
    """
    ax = plt.gca() if ax is None else ax
    top, ticks = 0, []
    for draws in groups.values():
        for y, g in enumerate(np.asarray(draws), start=top):
            # Cells too thin to see would only smear the bar's end.
            g = np.sort(g[g > 5e-4])[::-1]
            colors = [COLORS[k % 6] for k in range(g.size)]
            ax.barh(y, g, left=np.cumsum(g) - g, height=0.8, color=colors, linewidth=0)
        ticks.append(top + (len(draws) - 1) / 2)
        top += len(draws) + 1
    ax.set_yticks(ticks, groups)
    ax.invert_yaxis()
    ax.set(xlim=(0, 1), xlabel="cumulative probability, largest cell first", ylabel="parameter")
    return ax


def random_cdfs(x, cdfs, base_cdf, label="", ax=None):
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
    """
    ax = plt.gca() if ax is None else ax
    for i, cdf in enumerate(np.asarray(cdfs)):
        ax.plot(x, cdf, drawstyle="steps-post", linewidth=1.3, color=COLORS[i % 6])
    ax.plot(x, base_cdf, "--", color="black", linewidth=1.5)
    ax.text(0.02, 0.95, label, transform=ax.transAxes, va="top")
    ax.set(xlabel="$x$", ylabel=r"$G((-\infty, x])$", ylim=(-0.03, 1.03))
    ax.margins(x=0)
    ax.label_outer()
    return ax


def cell_masses(edges, masses, label="", ax=None):
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
    """
    ax = plt.gca() if ax is None else ax
    edges = np.asarray(edges, dtype=float)
    ax.bar(edges[:-1], masses, width=np.diff(edges), align="edge", linewidth=0.6,
           color=COLORS[0], edgecolor=COLORS[0])
    ax.text(0.98, 0.95, label, transform=ax.transAxes, ha="right", va="top")
    ax.set(xlabel=r"$\theta$", ylabel="mass", xlim=(edges[0], edges[-1]))
    ax.label_outer()
    return ax


def beta_densities(h, alphas, ax=None):
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
    """
    from scipy import stats

    ax = plt.gca() if ax is None else ax
    g = np.linspace(0, 1, 801)[1:-1]
    for i, alpha in enumerate(alphas):
        density = stats.beta(alpha * h, alpha * (1 - h)).pdf(g)
        ax.plot(g, density, color=COLORS[i % 6], linestyle=["-", "--", "-.", ":"][i % 4],
                label=rf"$\alpha = {alpha:g}$")
    ax.axvline(h, color="black", linewidth=0.8)
    ax.set(xlabel="$G(A)$", ylabel="density", xlim=(0, 1), ylim=(0, 8))
    ax.legend()
    return ax


def posterior_bands(alpha, base, theta, sizes, truth=None, ax=None):
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

    Notes
    -----
    Implements: DP-0046.
    """
    from scipy import stats

    ax = plt.gca() if ax is None else ax
    x = np.linspace(-3, 3, 601)
    for i, n in enumerate(sizes):
        below = alpha * base.cdf(x) + np.searchsorted(np.sort(theta[:n]), x, side="right")
        law = stats.beta(below, alpha + n - below)
        with warnings.catch_warnings():
            # SciPy 1.14 complains of quantiles that are 0 or 1 to rounding.
            warnings.simplefilter("ignore", RuntimeWarning)
            low, high = law.ppf(0.05), law.ppf(0.95)
        ax.fill_between(x, low, high, color=COLORS[i % 6], alpha=0.3, linewidth=0)
        ax.plot(x, law.mean(), color=COLORS[i % 6], linestyle=["-.", "--", "-"][i % 3],
                label=f"$n = {n}$")
    if truth is not None:
        ax.plot(x, truth(x), color="black", linewidth=1, label="truth")
    ax.set(xlabel="$x$", ylabel=r"$G((-\infty, x])$", xlim=(-3, 3), ylim=(0, 1))
    ax.legend(loc="upper left")
    return ax


def posterior_of_set(alpha, h, inside, outside, ax=None):
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
    """
    from scipy import stats

    ax = plt.gca() if ax is None else ax
    g = np.linspace(0, 1, 501)
    for times, style, label in [(0, ":", "prior"), (1, "-", "posterior"), (2, "--", "counted twice")]:
        law = stats.beta(alpha * h + times * inside, alpha * (1 - h) + times * outside)
        ax.plot(g, law.pdf(g), style, color=COLORS[[6, 0, 1][times]], label=label)
    ax.set(xlabel="$G(A)$", ylabel="density", xlim=(0, 1), ylim=(0, None))
    ax.legend(loc="upper left")
    return ax


def urn_path(theta, ax=None):
    """Draws of the urn in their order: first appearances as discs, copies as rings on a line.

    Parameters
    ----------
    theta : array_like, shape (n,)
    ax : matplotlib Axes, optional

    Returns
    -------
    matplotlib Axes
    """
    ax = plt.gca() if ax is None else ax
    theta = np.asarray(theta)
    values, first, which = np.unique(theta, return_index=True, return_inverse=True)
    time = np.arange(1, theta.size + 1)
    ax.hlines(values, first + 1, theta.size, color="0.75", linewidth=0.8)
    rank = np.argsort(np.argsort(first))
    colors = np.array([COLORS[k % 6] for k in rank])
    new = time - 1 == first[which]
    ax.scatter(time[~new], theta[~new], s=16, facecolors="none", edgecolors=colors[which[~new]],
               label="copy")
    ax.scatter(time[new], theta[new], s=42, c=colors[which[new]], label="new value")
    ax.set(xlabel="draw $i$", ylabel=r"$\theta_i$")
    return ax


def urn_shares(shares, limits=None, ax=None):
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
    """
    ax = plt.gca() if ax is None else ax
    shares = np.asarray(shares)
    n = shares.shape[1]
    for i, run in enumerate(shares):
        ax.plot(np.arange(1, n + 1), run, color=COLORS[i % 6], linewidth=1)
    if limits is not None:
        g = np.linspace(0.005, 0.995, 199)
        density = limits.pdf(g)
        ax.fill_betweenx(g, n, n * 3 ** (density / density.max()), color="0.6", linewidth=0)
    ax.set(xscale="log", xlabel="draws $n$", ylabel="$n(A)/n$", ylim=(-0.02, 1.02))
    return ax


def mixture_draws(draws, ax=None):
    """Data drawn from Dirichlet process mixtures, one row of coloured points a concentration.

    Parameters
    ----------
    draws : dict of float to (x, labels, theta)
        For each concentration what `DPMixture.sample` returned, in one dimension.
    ax : matplotlib Axes, optional

    Returns
    -------
    matplotlib Axes
    """
    ax = plt.gca() if ax is None else ax
    for row, (x, labels, theta) in enumerate(draws.values()):
        jitter = row + 0.28 * np.sin(37.0 * np.arange(len(x)))  # spreads points, same every time
        colors = [COLORS[k % 7] for k in labels]
        ax.scatter(x[:, 0], jitter, s=14, c=colors, alpha=0.7, linewidths=0)
        ax.plot(theta[:, 0], np.full(len(theta), row + 0.42), "|", color="black", markersize=7)
    ax.set_yticks(range(len(draws)), [f"{alpha:g}" for alpha in draws])
    ax.set(xlabel="$x$", ylabel=r"concentration $\alpha$")
    ax.margins(y=0.08)
    return ax


def cluster_laws(laws, ax=None):
    """Laws of the number of clusters as bars side by side.

    Parameters
    ----------
    laws : dict of str to array_like, shape (n + 1,)
        For each label the probabilities of 0, 1, ..., n clusters.
    ax : matplotlib Axes, optional

    Returns
    -------
    matplotlib Axes
    """
    ax = plt.gca() if ax is None else ax
    width = 0.8 / len(laws)
    for i, (label, law) in enumerate(laws.items()):
        k = np.arange(1, len(law))
        shift = (i - (len(laws) - 1) / 2) * width
        ax.bar(k + shift, np.asarray(law)[1:], width, color=COLORS[i], label=label)
    ax.set_xticks(k)
    ax.set(xlabel="number of clusters $k$", ylabel="probability")
    ax.legend()
    return ax


def similarity_table(similarity, x, ax=None):
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
    """
    ax = plt.gca() if ax is None else ax
    percent = 100 * np.asarray(similarity)
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


def predictive_density(grid, logpdf, prior_logpdf, x, ax=None):
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
    """
    ax = plt.gca() if ax is None else ax
    ax.plot(grid, np.exp(prior_logpdf), "--", color=COLORS[1], label="before the data")
    ax.plot(grid, np.exp(logpdf), color=COLORS[0], label="given the data")
    ax.plot(x, np.zeros(len(x)), "|", color="black", markersize=12)
    ax.set(xlabel="$x$", ylabel="density")
    ax.set_xlim(np.min(grid), np.max(grid))
    ax.set_ylim(bottom=0)
    ax.legend()
    return ax


def tables_growth(n, alphas, rng=None, ax=None):
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

    Notes
    -----
    Implements: DP-0084.
    """
    ax = plt.gca() if ax is None else ax
    rng = np.random.default_rng(rng)
    shown = np.unique(np.geomspace(1, n, 300).astype(np.int64))
    i = np.arange(n)
    for alpha, color in zip(alphas, COLORS):
        chance = alpha / (alpha + i)
        for _ in range(3):
            tables = np.cumsum(rng.random(n) < chance)
            ax.step(shown, tables[shown - 1], where="post", color=color, linewidth=1, alpha=0.7)
        ax.plot(shown, np.cumsum(chance)[shown - 1], "--", color="black", linewidth=1.3)
        ax.annotate(rf"$\alpha = {alpha:g}$", (n, chance.sum()), xytext=(4, 0),
                    textcoords="offset points", va="center", color=color)
    ax.set(xscale="log", xlabel="customers $n$", ylabel="tables $K_n$", xlim=(1, n), ylim=(0, None))
    return ax


def tables_mean_bounds(alpha, ax=None):
    """Mean number of tables, the two bounds that hold for it, and the bound that does not.

    Parameters
    ----------
    alpha : float
        Concentration, > 0.
    ax : matplotlib Axes, optional

    Returns
    -------
    matplotlib Axes

    Notes
    -----
    Implements: DP-0081, DP-0079.
    """
    from dpnotes import clusters

    ax = plt.gca() if ax is None else ax
    n = np.unique(np.geomspace(1, 1e4, 60).astype(np.int64))
    mean = [clusters.NumClusters(int(m), alpha).mean() for m in n]
    lower, upper = np.transpose([clusters.bounds(int(m), alpha) for m in n])
    harmonic = np.cumsum(1 / np.arange(1, n[-1] + 1))[n - 1]
    ax.fill_between(n, lower, upper, color=COLORS[0], alpha=0.25, linewidth=0, label="proved bounds")
    ax.plot(n, mean, color=COLORS[0], label="mean of $K_n$")
    ax.plot(n, alpha * harmonic, "--", color=COLORS[1], label=r"$\alpha\,(1 + 1/2 + \cdots + 1/n)$")
    ax.set(xscale="log", xlabel="customers $n$", ylabel="tables", ylim=(0, None))
    ax.legend(loc="upper left")
    return ax


def tables_law(law, ax=None):
    """The law of the number of tables with its Poisson and normal approximations.

    Parameters
    ----------
    law : clusters.NumClusters
    ax : matplotlib Axes, optional

    Returns
    -------
    matplotlib Axes
    """
    from scipy import stats

    ax = plt.gca() if ax is None else ax
    mean, std = law.mean(), law.std()
    k = np.arange(max(1, int(mean - 4 * std)), int(mean + 4 * std) + 2)
    x = np.linspace(k[0] - 0.5, k[-1] + 0.5, 300)
    ax.bar(k, law.pmf(k), width=0.85, color=COLORS[5], label="$K_n$")
    ax.plot(k, stats.poisson.pmf(k - 1, mean - 1), "o", color=COLORS[1], markersize=4.5,
            label=r"$1 + $ Poisson")
    ax.plot(x, stats.norm.pdf(x, mean, std), color=COLORS[6], linewidth=1.3, label="normal")
    ax.xaxis.set_major_locator(plt.MaxNLocator(integer=True))
    ax.set(xlabel="tables $k$", ylabel="probability")
    ax.legend()
    return ax


def approximation_errors(n, errors, ax=None):
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
    """
    ax = plt.gca() if ax is None else ax
    styles = zip(errors.items(), COLORS, ["-", "--", "-.", ":"], "os^D")
    for (label, values), color, line, marker in styles:
        ax.plot(n, values, line, marker=marker, markersize=5, color=color, label=label)
    ax.set(xscale="log", yscale="log", xlabel="customers $n$", ylabel="distance")
    ax.legend()
    return ax


def estimate_law(alpha, sizes, ax=None):
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

    Notes
    -----
    Implements: DP-0089.
    """
    from dpnotes import clusters

    ax = plt.gca() if ax is None else ax
    for n, color, line in zip(sizes, COLORS, ["-", "--", "-."]):
        law = clusters.NumClusters(n, alpha)
        k = np.arange(2, int(law.mean() + 6 * law.std()))
        estimates = [clusters.estimate_alpha(int(j), n)[0] for j in k]
        ax.step(estimates, law.cdf(k), line, where="post", color=color,
                label=rf"$n = 10^{{{np.log10(n):.0f}}}$")
    ax.axvline(alpha, color="black", linewidth=0.8)
    ax.set(xlabel=r"estimate $\hat\alpha$", ylabel="distribution function", xlim=(0, 3 * alpha))
    ax.legend()
    return ax


def null_histogram(values, observed, label, ax=None):
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
    """
    ax = plt.gca() if ax is None else ax
    ax.hist(values, bins=60, density=True, color=COLORS[5], label="given $K_n$")
    ax.axvline(observed, color=COLORS[1], label="observed")
    ax.set(xlabel=label, ylabel="density")
    ax.legend()
    return ax


def restaurant(labels, ax=None):
    """Draw each table as a numbered disc with its customers around it.

    Parameters
    ----------
    labels : array_like of int, shape (n,)
        Table of each customer, numbered 0, 1, ... by order of appearance.
    ax : matplotlib Axes, optional

    Returns
    -------
    matplotlib Axes

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> from dpnotes import plotting
    >>> ax = plotting.restaurant([0, 0, 1], ax=plt.figure().gca())
    """
    ax = plt.gca() if ax is None else ax
    labels, x, y = np.asarray(labels), 0.0, 0.0
    for table in range(labels.max() + 1):
        customers = np.flatnonzero(labels == table) + 1
        seat = max(1.0, 0.15 * len(customers) + 0.4)
        if x + 2 * seat > 11:
            x, y = 0.0, y - 3.2
        x += seat + 0.3
        ax.add_patch(plt.Circle((x, y), seat - 0.45, color=COLORS[table % 7], alpha=0.35))
        ax.text(x, y, table + 1, ha="center", va="center", fontsize=13, weight="bold")
        for turn, customer in enumerate(customers):
            angle = np.pi / 2 - 2 * np.pi * turn / len(customers)
            at = x + seat * np.cos(angle), y + seat * np.sin(angle)
            ax.text(*at, customer, ha="center", va="center", fontsize=11)
        x += seat + 0.3
    ax.set(aspect="equal", xlim=(-0.1, 11.5), ylim=(y - 1.6, 1.6))
    ax.axis("off")
    return ax


def forest(parents, ax=None):
    """Draw who copied whom as arcs, one colour a table.

    Parameters
    ----------
    parents : array_like of int, shape (n,)
        parents[i] <= i; parents[i] == i where customer i opens a table.
    ax : matplotlib Axes, optional

    Returns
    -------
    matplotlib Axes

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> from dpnotes import plotting
    >>> ax = plotting.forest([0, 0, 2], ax=plt.figure().gca())
    """
    from .crp import tables

    ax = plt.gca() if ax is None else ax
    parents = np.asarray(parents)
    labels, angle = tables(parents), np.linspace(0, np.pi, 60)
    for i, (parent, table) in enumerate(zip(parents, labels, strict=True)):
        color, half = COLORS[table % 7], (i - parent) / 2
        ax.plot(parent + half + half * np.cos(angle), half * np.sin(angle), color=color, zorder=1)
        style = {"s": 320, "zorder": 2, "edgecolors": color, "linewidths": 2.2}
        ax.scatter(i, 0, color=color if parent == i else "white", **style)
        ink = "white" if parent == i else "black"
        ax.text(i, -0.02, i + 1, ha="center", va="center", color=ink, fontsize=10, zorder=3)
    ax.set(aspect="equal", xlim=(-0.7, len(parents) - 0.3))
    ax.set_ylim(bottom=-0.7)
    ax.axis("off")
    return ax


def table_shares(labels, max_tables=7, ax=None):
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

    Examples
    --------
    >>> from dpnotes import plotting
    >>> ax = plotting.table_shares([0, 0, 1, 0, 1, 2])
    """
    ax = plt.gca() if ax is None else ax
    labels = np.asarray(labels)
    n = np.arange(1, len(labels) + 1)
    tables = np.arange(min(max_tables, labels.max() + 1))
    shares = np.cumsum(labels == tables[:, None], axis=1) / n
    ax.stackplot(n, shares, colors=[COLORS[k % 7] for k in tables], alpha=0.75, lw=0.5)
    ax.set(xscale="log", xlim=(1, len(labels)), ylim=(0, 1))
    ax.set(xlabel="customers seated", ylabel="share of each table")
    return ax


def observed_and_exact(names, observed, error, exact, label="", ax=None):
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

    Examples
    --------
    >>> from dpnotes import plotting
    >>> ax = plotting.observed_and_exact(["a", "b"], [0.4, 0.6], [0.1, 0.1], [0.5, 0.5])
    """
    ax = plt.gca() if ax is None else ax
    at = np.arange(len(names))
    ax.bar(at, exact, color=COLORS[5], alpha=0.6, label="exact")
    error = 2 * np.asarray(error)
    ax.errorbar(at, observed, error, fmt="o", ms=4, color=COLORS[6], label="simulated")
    ax.set_xticks(at, names)
    # Room for the legend above the bars.
    top = 1.35 * max(np.max(exact), np.max(np.add(observed, error)))
    ax.set(xlabel=label, ylabel="probability", ylim=(0, top))
    ax.legend(ncols=2, loc="upper right")
    return ax


def stick_pieces(groups, ax=None):
    """Broken sticks as bars of length 1, their pieces in the order of the breaks.

    Parameters
    ----------
    groups : dict of str to list of array_like
        For each label some sequences of weights.
    ax : matplotlib Axes, optional

    Returns
    -------
    matplotlib Axes
    """
    ax = plt.gca() if ax is None else ax
    top, ticks = 0, []
    for rows in groups.values():
        for y, pi in enumerate(rows, start=top):
            ends = np.cumsum(pi)
            visible = pi > 5e-4
            colors = [COLORS[k % 6] for k in np.flatnonzero(visible)]
            ax.barh(y, pi[visible], left=(ends - pi)[visible], height=0.8, color=colors, linewidth=0)
        ticks.append(top + (len(rows) - 1) / 2)
        top += len(rows) + 1
    ax.set_yticks(ticks, groups)
    ax.invert_yaxis()
    ax.set(xlim=(0, 1), xlabel="position on the stick")
    return ax


def half_line(breaks, points, ax=None):
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
    """
    ax = plt.gca() if ax is None else ax
    end = 1.05 * max(points)
    breaks = np.asarray(breaks)[np.asarray(breaks) < end]
    ax.hlines(0, 0, end, color="black", linewidth=1)
    ax.vlines(breaks, -0.35, 0.35, color="black", linewidth=1.2)
    labels = np.searchsorted(breaks, points)
    ax.scatter(points, np.zeros(len(points)), c=[COLORS[k % 6] for k in labels], s=45, zorder=3)
    edges = np.concatenate([[0.0], breaks, [end]])
    for k, (left, right) in enumerate(zip(edges, edges[1:])):
        if right - left > 0.04 * end:
            ax.text((left + right) / 2, 0.5, str(k + 1), ha="center")
    ax.set(xlim=(0, end), ylim=(-0.8, 1), xlabel="distance $-\\log$(what is left of the stick)", yticks=[])
    ax.spines["left"].set_visible(False)
    return ax


def measure_cdfs(measures, base, ax=None):
    """Distribution functions of discrete measures beside that of their base measure.

    Parameters
    ----------
    measures : dict of str to Discrete
    base : frozen scipy.stats distribution
    ax : matplotlib Axes, optional

    Returns
    -------
    matplotlib Axes
    """
    ax = plt.gca() if ax is None else ax
    low, high = base.ppf([1e-3, 1 - 1e-3])
    x = np.linspace(low, high, 400)
    for label, measure in measures.items():
        inside = measure.atoms[(measure.atoms > low) & (measure.atoms < high)]
        at = np.concatenate([[low], inside, [high]])
        ax.step(at, measure.cdf(at), where="post", linewidth=1.4, label=label)
    ax.plot(x, base.cdf(x), "--", color="black", linewidth=1.5, label="$H$")
    ax.set(xlabel="$x$", ylabel=r"$G((-\infty, x])$", ylim=(-0.03, 1.03), xlim=(low, high))
    ax.legend(loc="upper left")
    return ax


def log_curves(x, curves, xlabel, ylabel, ax=None):
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
    """
    ax = plt.gca() if ax is None else ax
    for style, (label, y) in zip(["-", "-", "--", ":"], curves.items()):
        ax.semilogy(x, y, style, label=label)
    ax.set(xlabel=xlabel, ylabel=ylabel)
    ax.xaxis.get_major_locator().set_params(integer=True)
    ax.legend()
    return ax


def chain_speed(chains, seconds, ax=None):
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
    """
    from . import diagnostics

    ax = plt.gca() if ax is None else ax
    for label, draws in chains.items():
        rate = diagnostics.ess(draws) / seconds[label]
        rho = diagnostics.autocorrelation(draws)[:61]
        ax.plot(rho, label=f"{label}: {rate:.0f} effective draws a second")
    ax.set(xlabel="lag (sweeps)", ylabel="autocorrelation", ylim=(-0.1, 1))
    ax.legend(loc="upper right")
    return ax


def elbo_by_truncation(truncations, full, truncated, log_evidence, ax=None):
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
    """
    ax = plt.gca() if ax is None else ax
    ax.axhline(log_evidence, color="black", linewidth=1.2, label=r"$\log p(x)$, full process")
    ax.plot(truncations, truncated, "s--", color=COLORS[1], label="ELBO, truncated model")
    ax.plot(truncations, full, "o-", color=COLORS[0], label="ELBO, full process")
    ax.set_xticks(truncations)
    ax.set(xlabel="truncation $T$", ylabel="nats")
    ax.legend(loc="upper right", bbox_to_anchor=(1, 0.93))
    return ax


def elbo_traces(traces, log_evidence=None, ax=None):
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
    """
    ax = plt.gca() if ax is None else ax
    if log_evidence is not None:
        ax.axhline(log_evidence, color="black", linewidth=1.2, label=r"$\log p(x)$")
    for (label, trace), color, marker in zip(traces.items(), COLORS, "os^Dv<>"):
        iteration = np.arange(1, len(trace) + 1)
        ax.plot(iteration, trace, "-" + marker, color=color, markersize=4, label=label)
    ax.set(xlabel="iteration", ylabel="ELBO (nats)")
    ax.legend()
    return ax


def densities(grid, curves, x=None, ax=None):
    """Densities on the line, one labelled curve each.

    Parameters
    ----------
    grid : array_like, shape (m,)
    curves : dict of str to array_like, shape (m,)
    x : array_like, optional
        Data drawn as ticks on the axis.
    ax : matplotlib Axes, optional

    Returns
    -------
    matplotlib Axes
    """
    ax = plt.gca() if ax is None else ax
    for (label, curve), color, dash in zip(curves.items(), COLORS, ["-", "--", "-.", ":"]):
        ax.plot(grid, curve, dash, color=color, label=label)
    if x is not None:
        ax.plot(x, np.zeros(len(x)), "|", color="black", markersize=12)
    ax.set(xlabel=r"$\theta$" if x is None else "$x$", ylabel="density")
    ax.set_xlim(np.min(grid), np.max(grid))
    ax.set_ylim(bottom=0)
    ax.legend()
    return ax


def bound_by_pass(plain, memoised, n_blocks, ax=None):
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
    """
    ax = plt.gca() if ax is None else ax
    top = max(np.max(plain), np.max(memoised))
    passes = 1 + np.arange(len(memoised) - 1) / n_blocks
    ax.plot(np.arange(1, len(plain) + 1), top - plain, color=COLORS[0], label="plain")
    ax.plot(passes, top - memoised[:-1], "--", color=COLORS[1], label="memoised")
    ax.set(yscale="log", xlabel="passes over the data", ylabel="nats below the end")
    ax.set_ylim(bottom=1e-2)
    ax.legend()
    return ax


def data_and_fits(x, fits, ax=None):
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

    Examples
    --------
    >>> from dpnotes import plotting, selection
    >>> x = [-2.1, -2.0, -1.8, 1.7, 2.0, 2.2]
    >>> ax = plotting.data_and_fits(x, {"K = 1": selection.fit(x, 1, rng=1)})
    """
    ax = plt.gca() if ax is None else ax
    ax.hist(x, bins=30, density=True, color="0.8")
    grid = np.linspace(min(x), max(x), 400)
    for (name, fit), style in zip(fits.items(), ["-", "--", ":", "-."], strict=False):
        sd = np.sqrt(fit.covariances[:, 0, 0])
        each = np.exp(-(((grid[:, None] - fit.means[:, 0]) / sd) ** 2) / 2) / sd
        ax.plot(grid, each @ fit.weights / np.sqrt(2 * np.pi), style, label=name)
    ax.set(xlabel="x", ylabel="density")
    ax.legend()
    return ax


def growth_in_log_n(n, values, lines, ylabel, ax=None):
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

    Examples
    --------
    >>> from dpnotes import plotting
    >>> ax = plotting.growth_in_log_n([10, 100], {"a": [[1, 2], [1, 3]]}, {"b": 0.5}, "y")
    """
    ax = plt.gca() if ax is None else ax
    n, first = np.asarray(n), None
    for i, (name, rows) in enumerate(values.items()):
        mean, error = np.mean(rows, 0), np.std(rows, 0, ddof=1) / np.sqrt(len(rows))
        first = mean[0] if first is None else first
        ax.errorbar(n, mean, 2 * error, fmt="os^"[i % 3], ms=5, color=COLORS[i], label=name)
    for (name, gradient), style in zip(lines.items(), ["-", "--", ":"], strict=False):
        line = first + gradient * np.log(n / n[0])
        ax.plot(n, line, style, color="black", lw=1.2, label=name)
    ax.set(xscale="log", xlabel="n", ylabel=ylabel)
    ax.legend()
    return ax


def jensen(concentration, others, values, ax=None):
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
    """
    ax = plt.gca() if ax is None else ax

    def chance(f):
        return concentration * f / (others + concentration * f)

    f, mean = np.linspace(0, 1.1 * values[1], 200), np.mean(values)
    ax.plot(f, chance(f), color=COLORS[0], label="chance of a new table")
    ax.plot(values, chance(np.asarray(values)), "o--", color=COLORS[6], lw=1, label="two draws")
    ax.plot(mean, chance(mean), "s", color=COLORS[2], label="right: at the mean")
    ax.plot(mean, chance(np.asarray(values)).mean(), "D", color=COLORS[1], label="naive: the mean")
    ax.set(xlabel=r"likelihood $f(x_i\mid\phi)$ of the new table", ylabel="probability")
    ax.legend(loc="lower right")
    return ax


def traces(traces, ylabel, ax=None):
    """Values along chains, sweep by sweep.

    Parameters
    ----------
    traces : dict of str to array_like, shape (draws,)
        For each label the values.
    ylabel : str
    ax : matplotlib Axes, optional

    Returns
    -------
    matplotlib Axes
    """
    ax = plt.gca() if ax is None else ax
    for i, (label, values) in enumerate(traces.items()):
        ax.step(np.arange(1, len(values) + 1), values, color=COLORS[i], lw=1.3, label=label)
    ax.yaxis.get_major_locator().set_params(integer=True)
    ax.set(xlabel="sweep", ylabel=ylabel)
    ax.legend()
    return ax


def autocorrelations(estimates, exact=None, ax=None):
    """Autocorrelations by lag.

    Parameters
    ----------
    estimates : dict of str to array_like, shape (lags,)
        For each label the autocorrelations at lags 0, 1, ...
    exact : array_like, shape (lags,), optional
        Exact values of the first.
    ax : matplotlib Axes, optional

    Returns
    -------
    matplotlib Axes
    """
    ax = plt.gca() if ax is None else ax
    for i, (label, values) in enumerate(estimates.items()):
        ax.plot(values, "os^Dv"[i % 5], ms=5, ls="-", lw=1, color=COLORS[i], label=label)
    if exact is not None:
        ax.plot(exact, "x", ms=9, color=COLORS[6], label="exact")
    ax.axhline(0, color="0.5", lw=0.8)
    ax.set(xlabel="lag in sweeps", ylabel="autocorrelation")
    ax.legend()
    return ax


def geweke_scores(scores, names, ax=None):
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
    """
    ax = plt.gca() if ax is None else ax
    at = np.arange(len(names))
    ax.axvspan(-3, 3, color="0.5", alpha=0.2, lw=0)
    for i, (label, z) in enumerate(scores.items()):
        shift = 0.15 * (i - (len(scores) - 1) / 2)
        ax.plot(z, at + shift, "os^Dv"[i % 5], color=COLORS[i], label=label)
    ax.set_yticks(at, names)
    ax.invert_yaxis()
    ax.set(xlabel="z-score")
    ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1), ncols=len(scores), columnspacing=1)
    return ax


def similarity_heatmap(similarity, labels=None, ax=None):
    """Co-clustering matrix as a heat map, its points ordered so that similar ones are neighbours.

    Parameters
    ----------
    similarity : array_like, shape (n, n)
    labels : array_like of int, shape (n,), optional
        A partition; lines are drawn where it changes along the order.
    ax : matplotlib Axes, optional

    Returns
    -------
    matplotlib Axes
    """
    import seaborn as sns

    from . import partitions

    ax = plt.gca() if ax is None else ax
    order = partitions.seriation(similarity)
    ordered = np.asarray(similarity)[np.ix_(order, order)]
    sns.heatmap(ordered, vmin=0, vmax=1, cmap="Blues", square=True, ax=ax, xticklabels=False,
                yticklabels=False, cbar_kws={"label": "probability of one cluster"})
    if labels is not None:
        changes = 1 + np.flatnonzero(np.diff(np.asarray(labels)[order]))
        ax.hlines(changes, 0, len(order), color=COLORS[1], linewidth=1)
        ax.vlines(changes, 0, len(order), color=COLORS[1], linewidth=1)
    ax.set(xlabel="points", ylabel="points")
    return ax


def density_bands(grid, draws, exact, x, ax=None):
    """Draws of a density: a few of them, their 90 % band, and the exact mean.

    Parameters
    ----------
    grid : array_like, shape (m,)
    draws : array_like, shape (draws, m)
        Density values, one draw a row.
    exact : array_like, shape (m,)
        The predictive density.
    x : array_like, shape (n,)
        The data, drawn as ticks.
    ax : matplotlib Axes, optional

    Returns
    -------
    matplotlib Axes
    """
    ax = plt.gca() if ax is None else ax
    low, high = np.quantile(draws, [0.05, 0.95], axis=0)
    ax.fill_between(grid, low, high, color=COLORS[5], alpha=0.45, linewidth=0, label="90 % band")
    ax.plot(grid, np.asarray(draws)[:5].T, color="0.35", linewidth=0.6)
    ax.plot(grid, exact, color=COLORS[1], label="predictive")
    ax.plot(x, np.zeros(len(x)), "|", color="black", markersize=12)
    ax.set(xlabel="$x$", ylabel="density", xlim=(np.min(grid), np.max(grid)))
    ax.set_ylim(bottom=0)
    ax.legend()
    return ax


def partition_panels(x, partitions):
    """Partitions of points in the plane, one panel each, clusters told apart by colour and shape.

    Parameters
    ----------
    x : array_like, shape (n, 2)
    partitions : dict of str to array_like of int, shape (n,)

    Returns
    -------
    ndarray of matplotlib Axes, shape (rows, 2)
    """
    rows = (len(partitions) + 1) // 2
    fig, axes = plt.subplots(rows, 2, sharex=True, sharey=True, figsize=(5.2, 2.5 * rows))
    for ax, (name, labels) in zip(axes.flat, partitions.items()):
        for k in range(np.max(labels) + 1):
            marker, color = "osD^vPX*<>"[k % 10], COLORS[k % 7]
            ax.plot(*x[labels == k].T, marker, color=color, markersize=4, alpha=0.8)
        ax.text(0.03, 0.97, name, transform=ax.transAxes, va="top")
        ax.margins(0.1, 0.2)
        ax.set(xlabel="$x_{i1}$", ylabel="$x_{i2}$")
        ax.label_outer()
    return axes


def one_cluster_fading(n, one, error, outside, ax=None):
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
    """
    ax = plt.gca() if ax is None else ax
    ax.errorbar(n, one, 2 * np.asarray(error), fmt="o-", color=COLORS[0], markersize=4,
                label=r"$P(K_n = 1\mid x)$")
    ax.plot(n, outside, "s--", color=COLORS[1], markersize=4, label="share outside the largest")
    ax.set(xscale="log", xlabel="points $n$", ylabel="probability, share")
    ax.set_ylim(bottom=0)
    ax.legend()
    return ax


def answer(result, pair=(0, 1), ax=None):
    """The data with the partition to report and the predictive density with its band.

    One column: a histogram, the density and its 90% band, and ticks coloured by cluster. Several:
    a scatter of two of them coloured by cluster, with contours of the density if there are two.

    Parameters
    ----------
    result : dpnotes.workflow.Analysis
    pair : (int, int)
        The columns to draw when there are several.
    ax : matplotlib Axes, optional

    Returns
    -------
    matplotlib Axes
    """
    ax = plt.gca() if ax is None else ax
    if result.x.shape[1] == 1:
        return _answer_on_the_line(result, ax)
    x = result.x[:, pair]
    for k in range(result.partition.max() + 1):
        inside, marker = result.partition == k, "os^Dv<>"[k % 7]
        ax.plot(*x[inside].T, marker, color=COLORS[k % 6], ms=4, mew=0)
    if result.x.shape[1] == 2 and tuple(pair) == (0, 1):
        _density_contours(result, ax)
    ax.set(xlabel=result.names[pair[0]], ylabel=result.names[pair[1]])
    return ax


def _around(column, size):
    """Return a grid over the values and a tenth of their range on either side."""
    margin = 0.1 * np.ptp(column)
    return np.linspace(column.min() - margin, column.max() + margin, size)


def _answer_on_the_line(result, ax):
    x = result.x[:, 0]
    grid = _around(x, 300)
    mean, low, high = result.density(grid)
    ax.hist(x, bins=int(np.sqrt(len(x)) * 3), density=True, color="0.8")
    ax.fill_between(grid, low, high, color=COLORS[5], alpha=0.4, lw=0, label="90% band")
    ax.plot(grid, mean, color=COLORS[0], label="predictive density")
    for k in range(result.partition.max() + 1):
        inside = x[result.partition == k]
        ax.plot(inside, np.full(len(inside), -0.04 * high.max()), "|", color=COLORS[k % 7], ms=10)
    ax.set(xlabel=result.names[0], ylabel="density", xlim=(grid[0], grid[-1]))
    ax.legend()
    return ax


def _density_contours(result, ax):
    """Contours of the density that hold 50 and 90% of the data, and of its band at the latter."""
    across, up = (_around(column, 50) for column in result.x.T)
    points = np.array(np.meshgrid(across, up)).reshape(2, -1).T
    mean, low, high = (d.reshape(50, 50) for d in result.density(points))
    cells = np.sort(mean.ravel())[::-1]
    levels = [cells[np.searchsorted(cells.cumsum() / cells.sum(), q)] for q in (0.9, 0.5)]
    ax.contour(across, up, mean, levels, colors="black", linewidths=1.2)
    for edge in (low, high):
        ax.contour(across, up, edge, levels[:1], colors="0.45", linewidths=1, linestyles="dotted")


def laws_with_errors(laws, ax=None):
    """Laws of the number of clusters side by side, with two standard errors where there are any.

    Parameters
    ----------
    laws : dict of str to (array_like, array_like or None)
        For each label P(K = 0), P(K = 1), ... and their standard errors.
    ax : matplotlib Axes, optional

    Returns
    -------
    matplotlib Axes
    """
    ax = plt.gca() if ax is None else ax
    width = 0.8 / len(laws)
    for i, (label, (prob, error)) in enumerate(laws.items()):
        at = np.arange(len(prob)) + width * (i - (len(laws) - 1) / 2)
        bars = None if error is None else 2 * np.asarray(error)
        ax.bar(at, prob, width, yerr=bars, color=COLORS[i], label=label, error_kw={"lw": 1})
    shown = [np.flatnonzero(np.asarray(prob) > 0.005) for prob, _ in laws.values()]
    low, high = min(s[0] for s in shown), max(s[-1] for s in shown)
    ax.set_xticks(np.arange(low, high + 1))
    ax.set(xlabel="number of clusters $k$", ylabel="probability", xlim=(low - 0.6, high + 0.6))
    ax.set_ylim(bottom=0)
    ax.legend()
    return ax


def sensitivity(alphas, draws, prior=None, ax=None):
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
    """
    ax = plt.gca() if ax is None else ax
    for i, (label, rows) in enumerate(draws.items()):
        at = np.asarray(alphas) * 1.08 ** (i - (len(draws) - 1) / 2)
        mean = np.array([np.mean(row) for row in rows])
        low, high = np.array([np.quantile(row, [0.05, 0.95]) for row in rows]).T
        spread = np.array([mean - low, high - mean])
        ax.errorbar(at, mean, np.maximum(spread, 0), fmt="os^D"[i % 4] + "-", color=COLORS[i],
                    ms=5, lw=1.2, capsize=2, label=label)
    if prior is not None:
        ax.plot(alphas, prior, "--", color="black", lw=1.2, label="before the data")
    ax.set(xscale="log", xlabel=r"$\alpha$", ylabel="clusters $K$")
    ax.set_xticks(alphas, [f"{a:g}" for a in alphas])
    ax.minorticks_off()
    ax.set_ylim(bottom=0)
    ax.legend()
    return ax


def bars(values, xlabel, ylabel, ax=None):
    """Bars for the integers 1, 2, ....

    Parameters
    ----------
    values : array_like, shape (m,)
    xlabel, ylabel : str
    ax : matplotlib Axes, optional

    Returns
    -------
    matplotlib Axes
    """
    ax = plt.gca() if ax is None else ax
    ax.bar(np.arange(1, len(values) + 1), values, color=COLORS[0])
    ax.set_xticks(np.arange(1, len(values) + 1))
    ax.set(xlabel=xlabel, ylabel=ylabel)
    return ax


def scores(rows, ax=None):
    """Scores against the number of components or the truncation, each below its own best.

    Parameters
    ----------
    rows : dict of str to array_like, shape (m,)
        For each label the scores at 1, 2, ....
    ax : matplotlib Axes, optional

    Returns
    -------
    matplotlib Axes
    """
    ax = plt.gca() if ax is None else ax
    for i, (label, values) in enumerate(rows.items()):
        at = np.arange(1, len(values) + 1)
        ax.plot(at, values - np.max(values), "os^Dv"[i % 5] + "-", color=COLORS[i], ms=5, label=label)
    ax.set_xticks(at)
    ax.set(xlabel="components $K$ or truncation $T$", ylabel="nats below the best")
    ax.legend()
    return ax


def seconds(n, times, ax=None):
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
    """
    ax = plt.gca() if ax is None else ax
    for i, (label, values) in enumerate(times.items()):
        ax.plot(n, values, "os^Dv"[i % 5] + "-", color=COLORS[i], ms=5, label=label)
    ax.set(xscale="log", yscale="log", xlabel="data points $n$", ylabel="seconds")
    # Times of one machine seldom span two powers of ten.
    ax.yaxis.set(major_locator=LogLocator(subs=(1, 3)), major_formatter="{x:g}", minor_formatter="")
    ax.legend()
    return ax
