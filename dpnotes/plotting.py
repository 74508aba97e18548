"""The look of the book and its figures: one function a kind of figure, each takes ``ax``."""

import matplotlib.pyplot as plt
import numpy as np

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
    import seaborn as sns

    sns.set_theme(style="ticks", palette=COLORS)
    plt.rcParams.update(
        {
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
        Written above the triangle.
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
        ax.text(x, y + (0.04 if k == 2 else -0.04), f"$g_{k + 1}$", ha="center",
                va="bottom" if k == 2 else "top")
    ax.text(-0.12, np.sqrt(0.75), label, ha="left", va="bottom")
    ax.set(xlim=(-0.15, 1.15), ylim=(-0.15, 1.05), aspect="equal")
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
    ax.set(xlim=(0, 1), xlabel="cumulative probability, largest cell first")
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
    ax.set(ylabel=r"$G((-\infty, x])$", ylim=(-0.03, 1.03))
    ax.margins(x=0)
    return ax


def cell_masses(edges, masses, label="", ax=None):
    """Mass of a measure in each cell between edges, one spike a cell.

    Parameters
    ----------
    edges : array_like, shape (r + 1,)
        Bounds of the r cells, all finite.
    masses : array_like, shape (r,)
    label : str
        Written in the upper left corner.
    ax : matplotlib Axes, optional

    Returns
    -------
    matplotlib Axes
    """
    ax = plt.gca() if ax is None else ax
    edges = np.asarray(edges, dtype=float)
    ax.bar(edges[:-1], masses, width=np.diff(edges), align="edge", linewidth=0.6,
           color=COLORS[0], edgecolor=COLORS[0])
    ax.text(0.02, 0.95, label, transform=ax.transAxes, va="top")
    ax.set(ylabel="mass", xlim=(edges[0], edges[-1]))
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
