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
