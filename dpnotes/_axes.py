"""What figures have in common: the palette, and marks that more than one of them draws."""

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from . import _validate as check
from ._types import Floats

# Okabe and Ito's colours, which people with any kind of colour vision can tell apart.
COLORS = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#F0E442"]
# Numbers to draw, one after another.
Row = NDArray[Any] | Sequence[float]
DASHES = ["-", "--", "-.", ":"]
MARKERS = "os^DvPX*<>"
# Matplotlib squares and adds what it places.
LARGEST = 1e100
LONGEST = 24  # characters of a name in a figure


def on(ax: Axes | None) -> Axes:
    """Return the axes to draw on, by default the current ones."""
    if not (ax is None or isinstance(ax, Axes)):
        check.fail("ax", ax, "None or matplotlib Axes")
    return plt.gca() if ax is None else ax


def row(name: str, value: object, length: int | None = None) -> Floats:
    """Return finite numbers, shape (m,), m the length where one is given."""
    result = check.array(name, value, 1)
    if length is not None:
        check.shape(name, result, (length,))
    if np.abs(result).max() > LARGEST:
        check.fail(name, value, f"numbers of at most {LARGEST:g} in size, to be drawn")
    return result


def number(name: str, value: object) -> float:
    """Return a number that finds its place in a figure."""
    result = check.number(name, value)
    if abs(result) > LARGEST:
        check.fail(name, value, f"at most {LARGEST:g} in size, to be drawn")
    return result


def positive(name: str, value: object) -> float:
    """Return a number > 0 that finds its place in a figure."""
    number = check.positive(name, value)
    if number > LARGEST:
        check.fail(name, value, f"at most {LARGEST:g}, to be drawn")
    return number


def labelled(name: str, value: Any) -> Mapping[str, Any]:
    """Return a dict with at least one label."""
    if not isinstance(value, Mapping) or not value:
        check.fail(name, value, "a dict with an array for each label")
    return value


def rows(name: str, value: Any, length: int | None = None) -> dict[str, Floats]:
    """Return a dict of labelled rows, each of this length where one is given."""
    given = labelled(name, value).items()
    return {label: row(f"{name}[{label!r}]", one, length) for label, one in given}


def table(name: str, value: object, length: int | str) -> Floats:
    """Return finite numbers, shape (m, length)."""
    result = check.array(name, value, 2)
    check.shape(name, result, ("m", length))
    if np.abs(result).max() > LARGEST:
        check.fail(name, value, f"numbers of at most {LARGEST:g} in size, to be drawn")
    return result


def cells(name: str, value: object, length: int | str) -> Floats:
    """Return numbers, or NaN for gaps, shape (m, length), with a number in each column."""
    result = check.array_with_gaps(name, value)
    check.shape(name, result, ("m", length))
    check.values_in_columns(name, np.isnan(result).all(axis=0))
    if np.nanmax(np.abs(result)) > LARGEST:
        check.fail(name, value, f"numbers of at most {LARGEST:g} in size, to be drawn")
    return result


def histogram(ax: Axes, name: str, values: Floats, **style: Any) -> None:
    """Draw the shares of values in cells."""
    try:
        with np.errstate(all="ignore"):
            heights, *_ = ax.hist(values, density=True, **style)
    # How NumPy says that floats do not tell cells apart: the second where integers have 32 bits.
    except (ValueError, IndexError):
        check.fail(name, values, "numbers that differ by more than rounding")
    if not np.isfinite(heights).all():
        check.fail(name, values, "numbers so far apart that their density is a float")


def curves(
    ax: Axes,
    rows: Mapping[str, Row],
    x: Row | None = None,
    *,
    first: int = 1,
    colors: Sequence[str] = COLORS,
    dashes: Sequence[str] = ("-",),
    markers: Sequence[str] = ("",),
    **style: Any,
) -> None:
    """Draw labelled rows against x (first, first + 1, ... by default), told apart by look."""
    for i, (label, row) in enumerate(rows.items()):
        ax.plot(
            np.arange(first, first + len(row)) if x is None else x,
            row,
            color=colors[i % len(colors)],
            linestyle=dashes[i % len(dashes)],
            marker=markers[i % len(markers)],
            label=label,
            **style,
        )
    ax.legend()


def legend_above(ax: Axes, ncols: int) -> None:
    """Name what is drawn above the axes, where no curve runs through the names."""
    close = {"handlelength": 1.4, "handletextpad": 0.5, "columnspacing": 1}
    ax.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=ncols, borderaxespad=0.2, **close)


def density_axes(ax: Axes, grid: Row, x: Row | None = None) -> None:
    """Dress axes that show densities over a grid: the data as ticks, from zero up."""
    if x is not None:
        ax.plot(x, np.zeros(len(x)), "|", color="black", markersize=12)
    ax.set(xlabel=r"$\theta$" if x is None else "$x$", ylabel="density")
    ax.set_xlim(np.min(grid), np.max(grid))
    ax.set_ylim(bottom=0)
    ax.legend()


def band(ax: Axes, grid: Row, low: Row, high: Row) -> None:
    """Shade what holds 90% of the densities at each point of a grid."""
    ax.fill_between(grid, low, high, color=COLORS[5], alpha=0.45, linewidth=0, label="90% band")


def cluster_bars(ax: Axes, laws: Mapping[str, tuple[Row, Row | None]]) -> None:
    """Draw laws of the number of clusters side by side, each with two standard errors or none."""
    width = 0.8 / len(laws)
    for i, (label, (law, error)) in enumerate(laws.items()):
        k = np.arange(1, len(law)) + width * (i - (len(laws) - 1) / 2)
        twice = None if error is None else 2 * np.asarray(error)[1:]
        color = COLORS[i % len(COLORS)]
        ax.bar(k, law[1:], width, yerr=twice, color=color, label=label, error_kw={"lw": 1})
    ax.set(xlabel="number of clusters $k$", ylabel="probability")
    ax.legend()


def strips(ax: Axes, groups: Mapping[str, Sequence[np.ndarray] | np.ndarray]) -> None:
    """Draw rows of weights as bars of length 1 cut into their pieces, grouped under labels."""
    top, ticks = 0, []
    for rows in groups.values():
        for y, weights in enumerate(rows, start=top):
            # Pieces too thin to see would only smear the bar.
            seen = np.flatnonzero(weights > 5e-4)
            left = (np.cumsum(weights) - weights)[seen]
            colors = [COLORS[k % 6] for k in seen]
            ax.barh(y, weights[seen], left=left, height=0.8, color=colors, linewidth=0)
        ticks.append(top + (len(rows) - 1) / 2)
        top += len(rows) + 1
    ax.set_yticks(ticks, list(groups))
    ax.invert_yaxis()
    ax.set_xlim(0, 1)


def points(ax: Axes, x: np.ndarray, labels: np.ndarray, **style: Any) -> None:
    """Draw points in the plane, clusters told apart by colour and shape."""
    for k in range(labels.max() + 1):
        marker, color = MARKERS[k % len(MARKERS)], COLORS[k % 7]
        ax.plot(*x[labels == k].T, marker, color=color, markersize=4, **style)


def name(ax: Axes, which: str, value: str) -> None:
    """Name an axis, "x" or "y", by what a user called it: no mathematics, whatever it holds."""
    set_label = ax.set_xlabel if which == "x" else ax.set_ylabel
    set_label(check.seen(value, LONGEST), parse_math=False)


def cdf_axes(ax: Axes, x: np.ndarray, base_cdf: Row, label: str | None = None) -> None:
    """Dress axes that show distribution functions: that of the base measure, dashed."""
    ax.plot(x, base_cdf, "--", color="black", linewidth=1.5, label=label)
    ax.set(xlabel="$x$", ylabel=r"$G((-\infty, x])$", xlim=(x[0], x[-1]))
    ax.set(ylim=(-0.03, 1.03), yticks=[0, 0.5, 1])
