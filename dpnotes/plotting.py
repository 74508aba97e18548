"""The look of the book, and what to draw of an analysis: each figure takes ``ax``."""

from collections.abc import Mapping
from typing import Any, Protocol, runtime_checkable

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from numpy.typing import ArrayLike

from . import _axes
from . import _validate as check
from ._axes import COLORS
from ._deprecated import keyword_only, moved
from ._types import Floats, Ints

MANY = 500  # marks beyond which a drawing holds a picture of them
LINES = 2000  # rows drawn as lines
HEATED = 400  # rows of a heat map
TRACED = 500  # draws of a chain in its trace
MOST_CELLS = 200
TICKS, SHORT = 8, 14  # of an axis, and characters of a name there


def use_style() -> None:
    """Set Matplotlib's defaults to the book's look.

    Figures are transparent and drawn in dark ink; the site inverts them in its dark theme. They are
    narrow, so that their words, all of ten points or more, are legible at the width of a phone.

    Examples
    --------
    >>> from dpnotes import plotting
    >>> plotting.use_style()
    """
    plt.rcParams.update(
        {
            "axes.prop_cycle": plt.cycler(color=COLORS),
            "font.size": 10,
            "figure.figsize": (3.8, 2.6),
            "figure.dpi": 220,
            "figure.facecolor": "none",
            "axes.facecolor": "none",
            "savefig.facecolor": "none",
            "figure.constrained_layout.use": True,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.labelsize": 10,
            "axes.titlesize": 10,
            "xtick.labelsize": 10,
            "ytick.labelsize": 10,
            "legend.fontsize": 10,
            "legend.frameon": False,
            "image.cmap": "Blues",
            "lines.linewidth": 1.8,
        }
    )


@runtime_checkable
class _Answer(Protocol):
    """What is drawn of an analysis."""

    @property
    def x(self) -> Floats: ...

    @property
    def names(self) -> list[str]: ...

    @property
    def partition(self) -> Ints: ...


@keyword_only("pair", "ax")
def answer(
    result: _Answer,
    *,
    pair: tuple[int, int] | None = None,
    certain: float | None = None,
    ax: Axes | None = None,
) -> Axes:
    """The data with the partition to report and the predictive density with its band.

    One column: a histogram, the density and its 90% band, and ticks coloured by cluster. Several:
    a scatter of two of them coloured by cluster, with contours of the density if these are all,
    and measurements without gaps. Codes of categories, yes/no and counts are set apart at random.

    Parameters
    ----------
    result : dpnotes.workflow.Analysis or Approximation
    pair : (int, int), optional
        The columns to draw when there are several; the first two by default.
    certain : float, optional
        Rows of a scatter whose block is less certain are hollow
        (:attr:`dpnotes.workflow.Analysis.certainty`), which mean field does not know.
    ax : matplotlib Axes, optional

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    ValueError
        If result is no Analysis, pair is not two of its columns, or certain is no probability; if
        either is given where there is nothing to choose, or no certainty to show.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> from dpnotes import datasets, plotting, workflow
    >>> result = workflow.analyse(datasets.galaxies(), n_sweeps=40, n_chains=2)
    >>> ax = plotting.answer(result, ax=plt.figure().gca())
    >>> ax.get_ylabel()
    'density'
    """
    _check_answer(result)
    if result.x.shape[1] == 1:
        _not_asked("a histogram of the only column", pair=pair, certain=certain)
        return _answer_on_the_line(result, _axes.on(ax))
    across, up = _pair((0, 1) if pair is None else pair, result.x.shape[1])
    sure = np.ones(len(result.x), bool)
    if certain is not None:
        level, certainty = check.number("certain", certain), getattr(result, "certainty", None)
        if not 0 <= level <= 1:
            check.fail("certain", certain, "a probability")
        if certainty is None:
            check.fail("certain", certain, "None, as mean field does not say how certain a row is")
        sure = certainty >= level
    ax = _axes.on(ax)
    shown = np.column_stack([_apart(result, j) for j in (across, up)])
    full: dict[str, Any] = {"markeredgewidth": 0}
    hollow: dict[str, Any] = {"markeredgewidth": 0.8, "fillstyle": "none"}
    for rows, style in ((sure, full), (~sure, hollow)):
        if rows.any():
            style |= {"rasterized": len(shown) > MANY}
            _axes.points(ax, shown[rows], result.partition[rows], **style)
    if result.x.shape[1] == 2 and across == 0 and getattr(result, "kinds", None) is None:
        _density_contours(result, ax)
    _dress(result, across, ax, "x")
    _dress(result, up, ax, "y")
    return ax


def _check_answer(result: Any) -> None:
    if not isinstance(result, _Answer):
        check.fail("result", result, "an Analysis, as dpnotes.workflow.analyse returns")


def _whole(result: Any) -> bool:
    """Return whether all columns are measurements without gaps."""
    return getattr(result, "kinds", None) is None and not np.isnan(result.x).any()


def _not_asked(figure: str, **options: Any) -> None:
    """Refuse what this figure has no use for."""
    for name, value in options.items():
        if value is not None:
            check.fail(name, value, f"None for {figure}")


def _kind(result: Any, j: int) -> str:
    own = getattr(result, "kinds", None)
    return "measurement" if own is None else str(own.columns[j].kind)


def _apart(result: _Answer, j: int) -> Floats:
    """Return a column as it is drawn: what repeats is set apart, the same way every time."""
    column = result.x[:, j]
    if _kind(result, j) in ("measurement", "amount"):
        return column
    return column + np.random.default_rng(j).uniform(-0.25, 0.25, len(column))


def _dress(result: _Answer, j: int, ax: Axes, which: str) -> None:
    """Name an axis by a column, and its ticks by the categories."""
    _axes.name(ax, which, result.names[j])
    if _kind(result, j) == "yes/no":
        levels: list[str] = ["no", "yes"]
    elif _kind(result, j) == "category":
        levels = [check.seen(str(v), SHORT) for v in result.kinds.columns[j].levels]  # type: ignore
    else:
        return
    set_ticks = ax.set_xticks if which == "x" else ax.set_yticks
    step = -(-len(levels) // TICKS)
    set_ticks(np.arange(0, len(levels), step), levels[::step], parse_math=False)
    if which == "x" and len(levels) > 2:
        ax.tick_params(axis="x", rotation=45)


def _edges(result: _Answer, j: int) -> Floats:
    """Return the edges of the cells of a histogram of a column."""
    kind, x = _kind(result, j), result.x[:, j]
    x = x[~np.isnan(x)]
    if kind in ("measurement", "amount"):
        return np.linspace(x.min(), x.max(), int(np.clip(2 * np.sqrt(len(x)), 5, 40)) + 1)
    top: int = {"yes/no": 1, "category": int(x.max())}.get(kind, int(1.1 * x.max()) + 1)
    step = -(-top // 40)
    whole: Floats = np.arange(0.0, top + step + 1, step) - 0.5
    return whole


def _pair(pair: Any, columns: int) -> tuple[int, int]:
    """Return two different columns."""
    expected = f"two of the {columns} columns, 0 to {columns - 1}"
    try:
        across, up = (check.integer("pair", k, 0, columns - 1) for k in pair)
    except (TypeError, ValueError):
        check.fail("pair", pair, expected)
    if across == up:
        check.fail("pair", pair, expected)
    return across, up


def _around(column: Floats, size: int) -> Floats:
    """Return a grid over the values and a tenth of their range on either side."""
    margin = 0.1 * np.ptp(column)
    return np.linspace(column.min() - margin, column.max() + margin, size)


def _density(result: Any, grid: ArrayLike) -> list[Floats]:
    """Return the predictive density and its band; where there is none, the density three times."""
    if hasattr(result, "density"):
        return list(result.density(grid))
    return [np.exp(result.predictive_logpdf(grid))] * 3


def _answer_on_the_line(result: _Answer, ax: Axes) -> Axes:
    x, kind = result.x[:, 0], _kind(result, 0)
    x, blocks = x[~np.isnan(x)], result.partition[~np.isnan(x)]
    if kind in ("measurement", "amount"):
        grid = _around(x, 300)
        grid = grid[grid > 0] if kind == "amount" else grid
        mean, low, high = _density(result, grid)
        ax.hist(x, bins=min(int(np.sqrt(len(x)) * 3), MOST_CELLS), density=True, color="0.8")
        _axes.band(ax, grid, low, high)
        ax.plot(grid, mean, color=COLORS[0], label="predictive density")
    else:
        mean, low, high = _masses(result, ax)
    foot = -0.04 * high.max()
    for k in range(blocks.max() + 1):
        inside = _apart(result, 0)[~np.isnan(result.x[:, 0])][blocks == k]
        style: dict[str, Any] = {"color": COLORS[k % 7], "ms": 10, "rasterized": len(x) > MANY}
        ax.plot(inside, np.full(len(inside), foot), "|", **style)
    if kind in ("measurement", "amount"):
        ax.set_xlim(grid[0], grid[-1])
        ax.locator_params(axis="x", nbins=5)  # more would be too wide for a phone
    ax.set_ylabel("density" if kind in ("measurement", "amount") else "probability")
    _dress(result, 0, ax, "x")
    _axes.legend_above(ax, 2)
    return ax


def _masses(result: Any, ax: Axes) -> list[Floats]:
    """Draw shares of the values of a column of codes or counts, and their predictive law."""
    own, x = result.kinds.columns[0], result.x[:, 0]
    x = x[~np.isnan(x)]
    values = np.arange(int(x.max()) + 1 + (own.kind == "count"))
    shares = np.bincount(x.astype(np.intp), minlength=len(values)) / len(x)
    cells: Any = values.astype(float)
    if own.levels:
        cells = np.array(own.levels, dtype=object)
    mean, low, high = _density(result, cells[:, None])
    ax.bar(values, shares, color="0.8")
    ax.errorbar(
        values, mean, [np.maximum(mean - low, 0), np.maximum(high - mean, 0)],
        fmt="o", ms=4, color=COLORS[0], label="predictive law, 90% band",
    )  # fmt: skip
    return [mean, low, high]


def components(result: _Answer, *, ax: Axes | None = None) -> Axes:
    """The first two principal components of standardised columns, coloured by cluster.

    Parameters
    ----------
    result : dpnotes.workflow.Analysis or Approximation
        Of at least two columns, all measurements without gaps.
    ax : matplotlib Axes, optional

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    ValueError
        If result is no Analysis, or one of other columns.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> from dpnotes import datasets, plotting, workflow
    >>> result = workflow.analyse(datasets.faithful(), n_sweeps=8, n_chains=2)
    >>> ax = plotting.components(result, ax=plt.figure().gca())
    >>> ax.get_xlabel()
    'component 1 (95% of the variance)'
    """
    _check_answer(result)
    if result.x.shape[1] < 2 or not _whole(result):
        expected = "an Analysis of two columns or more, all measurements without gaps"
        check.fail("result", result, expected)
    z = (result.x - result.x.mean(axis=0)) / result.x.std(axis=0)
    left, sizes, _ = np.linalg.svd(z, full_matrices=False)
    share = sizes**2 / (sizes**2).sum()
    ax = _axes.on(ax)
    style: dict[str, Any] = {"markeredgewidth": 0, "rasterized": len(z) > MANY}
    _axes.points(ax, left[:, :2] * sizes[:2], result.partition, **style)
    across, up = (f"component {k + 1} ({share[k]:.0%} of the variance)" for k in (0, 1))
    ax.set(xlabel=across, ylabel=up)
    return ax


def parallel(result: _Answer, *, ax: Axes | None = None) -> Axes:
    """Parallel coordinates: a line a row, each column from its least to its greatest value.

    Of more than 2,000 rows as many are drawn, at even steps. A gap interrupts a line.

    Parameters
    ----------
    result : dpnotes.workflow.Analysis or Approximation
    ax : matplotlib Axes, optional

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    ValueError
        If result is no Analysis.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> from dpnotes import datasets, plotting, workflow
    >>> result = workflow.analyse(datasets.faithful(), n_sweeps=8, n_chains=2)
    >>> ax = plotting.parallel(result, ax=plt.figure().gca())
    >>> [text.get_text() for text in ax.get_xticklabels()]
    ['column 0', 'column 1']
    """
    _check_answer(result)
    d = result.x.shape[1]
    x = np.column_stack([_apart(result, j) for j in range(d)])
    amounts = [j for j in range(d) if _kind(result, j) == "amount"]
    x[:, amounts] = np.log(x[:, amounts])
    low, high = np.nanmin(x, axis=0), np.nanmax(x, axis=0)
    some = slice(None, None, -(-len(x) // LINES))
    heights = ((x - low) / (high - low))[some]
    # A gap at the end of each row parts it from the next.
    heights = np.column_stack([heights, np.full(len(heights), np.nan)])
    ax = _axes.on(ax)
    for k in range(result.partition.max() + 1):
        inside = heights[result.partition[some] == k]
        across = np.tile(np.arange(d + 1.0), len(inside))
        style: dict[str, Any] = {"color": COLORS[k % 7], "rasterized": heights.size > 4 * MANY}
        ax.plot(across, inside.ravel(), linewidth=0.5, alpha=0.6, **style)
    ax.set_xticks(range(d), [check.seen(n, SHORT) for n in result.names], parse_math=False)
    if d > 3:
        ax.tick_params(axis="x", rotation=45)
        for text in ax.get_xticklabels():
            text.set(ha="right", rotation_mode="anchor")
    ax.set_yticks([0, 1], ["least", "greatest"])
    ax.set_xlim(-0.1, d - 0.9)
    return ax


def _number(result: Any, ax: Axes) -> Axes:
    """The posterior of the number of clusters, with two standard errors either way."""
    K = np.arange(1, int(result.num_clusters.max()) + 1)
    prob, error = np.transpose([result.prob(int(k)) for k in K])
    ax.bar(K, prob, yerr=2 * error, color=COLORS[0], error_kw={"lw": 1})
    ax.locator_params(axis="x", integer=True)
    ax.set(xlabel="number of clusters", ylabel="probability", ylim=(0, None))
    return ax


def _traces(result: Any, ax: Axes) -> Axes:
    """The number of clusters along each chain."""
    step = -(-result.num_clusters.shape[1] // TRACED)
    first = result.sweeps[0] - result.num_clusters.shape[1] + 1
    for c, row in enumerate(result.num_clusters[:, ::step]):
        sweeps = first + step * np.arange(len(row))
        ax.step(sweeps, row, where="post", color=COLORS[c % 7], linewidth=0.8)
    ax.locator_params(axis="y", integer=True)
    ax.set(xlabel="sweep", ylabel="number of clusters")
    return ax


def _similarity(result: Any, ax: Axes) -> Axes:
    """The similarity of rows, at even steps of more than HEATED, in order."""
    from . import partitions

    some = slice(None, None, -(-len(result.x) // HEATED))
    similarity = partitions.similarity(result.labels[:, some])
    blocks = partitions.canonical(result.partition[some][None])[0]
    similarity_heatmap(similarity, labels=blocks, ax=ax)
    ax.collections[0].set_rasterized(True)
    ax.set(xlabel="rows", ylabel="rows")
    return ax


_ONE = {"number": _number, "traces": _traces, "similarity": _similarity}


def _figure(result: Any, what: str, ax: Axes | None, **options: Any) -> Axes:
    """Draw what ``Analysis.plot`` is asked for."""
    sampled = hasattr(result, "num_clusters")
    known = ("answer", "components", "parallel", *(_ONE if sampled else ()))
    check.one_of("what", what, known)
    if what != "answer":
        _not_asked(f"the figure {what!r}", **options)
    if what in _ONE:
        return _ONE[what](result, _axes.on(ax))
    if what == "answer":
        return answer(result, ax=ax, **options)
    return {"components": components, "parallel": parallel}[what](result, ax=ax)


def _density_contours(result: _Answer, ax: Axes) -> None:
    """Contours of the density that hold 50 and 90% of the data, and of its band at the latter."""
    across, up = (_around(column[~np.isnan(column)], 50) for column in result.x.T)
    points = np.array(np.meshgrid(across, up)).reshape(2, -1).T
    mean, low, high = (d.reshape(50, 50) for d in _density(result, points))
    cells = np.sort(mean.ravel())[::-1]
    levels = [cells[np.searchsorted(cells.cumsum() / cells.sum(), q)] for q in (0.9, 0.5)]
    ax.contour(across, up, mean, levels, colors="black", linewidths=1.2)
    for edge in (low, high):
        ax.contour(across, up, edge, levels[:1], colors="0.45", linewidths=1, linestyles="dotted")


@keyword_only("ax")
def cluster_laws(laws: Mapping[str, ArrayLike], *, ax: Axes | None = None) -> Axes:
    """Laws of the number of clusters as bars side by side.

    Parameters
    ----------
    laws : dict of str to array_like, shape (n + 1,)
        For each label the probabilities of 0, 1, ..., n clusters.
    ax : matplotlib Axes, optional

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    ValueError
        If laws is not a dict of one-dimensional arrays of numbers.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> from dpnotes import plotting
    >>> laws = {"prior": [0, 0.5, 0.5], "posterior": [0, 0.9, 0.1]}
    >>> ax = plotting.cluster_laws(laws, ax=plt.figure().gca())
    >>> ax.get_legend_handles_labels()[1]
    ['prior', 'posterior']
    """
    rows = _axes.rows("laws", laws)
    ax = _axes.on(ax)
    _axes.cluster_bars(ax, {label: (law, None) for label, law in rows.items()})
    ax.set_xticks(np.arange(1, max(map(len, rows.values()))))
    return ax


@keyword_only("ax")
def densities(
    grid: ArrayLike,
    curves: Mapping[str, ArrayLike],
    x: ArrayLike | None = None,
    *,
    ax: Axes | None = None,
) -> Axes:
    """Densities on the line, one labelled curve each.

    Parameters
    ----------
    grid : array_like, shape (m,)
    curves : dict of str to array_like, shape (m,)
    x : array_like, shape (n,), optional
        Data drawn as ticks on the axis.
    ax : matplotlib Axes, optional

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    ValueError
        If grid or x is not a one-dimensional array of finite numbers, or curves not a dict of
        such arrays as long as grid.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> from dpnotes import plotting
    >>> curves = {"rising": [0, 0.5, 1], "flat": [0.5, 0.5, 0.5]}
    >>> ax = plotting.densities([0, 1, 2], curves, ax=plt.figure().gca())
    >>> ax.get_legend_handles_labels()[1]
    ['rising', 'flat']
    """
    grid = _axes.row("grid", grid)
    rows = _axes.rows("curves", curves, len(grid))
    x = None if x is None else _axes.row("x", x)
    ax = _axes.on(ax)
    _axes.curves(ax, rows, grid, dashes=_axes.DASHES)
    _axes.density_axes(ax, grid, x)
    return ax


@keyword_only("ax")
def density_bands(
    grid: ArrayLike, draws: ArrayLike, exact: ArrayLike, x: ArrayLike, *, ax: Axes | None = None
) -> Axes:
    """Draws of a density: a few of them, their 90% band, and the exact mean.

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

    Raises
    ------
    ValueError
        If an argument does not have the shape above, or holds anything but finite numbers.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> from dpnotes import plotting
    >>> draws = [[0.1, 0.4, 0.1], [0.2, 0.5, 0.2]]
    >>> data, ax = [0.9, 1.1], plt.figure().gca()
    >>> ax = plotting.density_bands([0, 1, 2], draws, [0.15, 0.45, 0.15], data, ax=ax)
    >>> ax.get_legend_handles_labels()[1]
    ['90% band', 'predictive']
    """
    grid = _axes.row("grid", grid)
    draws = _axes.table("draws", draws, len(grid))
    exact = _axes.row("exact", exact, len(grid))
    x = _axes.row("x", x)
    ax = _axes.on(ax)
    _axes.band(ax, grid, *np.quantile(draws, [0.05, 0.95], axis=0))
    ax.plot(grid, draws[:5].T, color="0.35", linewidth=0.6)
    ax.plot(grid, exact, color=COLORS[1], label="predictive")
    _axes.density_axes(ax, grid, x)
    _axes.legend_above(ax, 2)
    return ax


@keyword_only("ax")
def traces(traces: Mapping[str, ArrayLike], ylabel: str, *, ax: Axes | None = None) -> Axes:
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

    Raises
    ------
    ValueError
        If traces is not a dict of one-dimensional arrays of numbers.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> from dpnotes import plotting
    >>> chains = {"chain 1": [1, 2, 2], "chain 2": [3, 2, 3]}
    >>> ax = plotting.traces(chains, "clusters $K$", ax=plt.figure().gca())
    >>> ax.get_legend_handles_labels()[1]
    ['chain 1', 'chain 2']
    """
    rows, ylabel = _axes.rows("traces", traces), check.text("ylabel", ylabel)
    ax = _axes.on(ax)
    _axes.curves(ax, rows, drawstyle="steps-pre", linewidth=1.3)
    ax.locator_params(axis="y", integer=True)
    ax.set(xlabel="sweep", ylabel=ylabel)
    return ax


def replicates(
    replicated: Mapping[str, ArrayLike],
    observed: float,
    xlabel: str,
    *,
    ax: Axes | None = None,
) -> Axes:
    """A statistic of replicated data sets as histograms, and that of the data as a line.

    Parameters
    ----------
    replicated : dict of str to array_like, shape (draws,)
        For each label those of a :class:`dpnotes.predictive.Check`.
    observed : float
        Of the data.
    xlabel : str
        Name of the statistic.
    ax : matplotlib Axes, optional

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    ValueError
        If replicated is not a dict of one-dimensional arrays of numbers that differ.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> from dpnotes import plotting
    >>> values = {"one Gaussian": [2.5, 3.0, 3.5], "mixture": [3.0, 5.0, 9.0]}
    >>> ax = plotting.replicates(values, 5.3, "kurtosis", ax=plt.figure().gca())
    >>> sorted(ax.get_legend_handles_labels()[1])
    ['data', 'mixture', 'one Gaussian']
    """
    rows, label = _axes.rows("replicated", replicated), check.text("xlabel", xlabel)
    observed = _axes.number("observed", observed)
    values = np.concatenate(list(rows.values()))
    edges = np.linspace(values.min(), values.max(), 41)
    ax = _axes.on(ax)
    for (name, row), color in zip(rows.items(), COLORS * len(rows), strict=False):
        _axes.histogram(ax, "replicated", row, bins=edges, color=color, alpha=0.6, label=name)
    ax.axvline(observed, color="black", linestyle="--", label="data")
    ax.set(xlabel=label, ylabel="density")
    ax.legend()
    return ax


@keyword_only("exact", "ax")
def autocorrelations(
    estimates: Mapping[str, ArrayLike],
    *,
    exact: ArrayLike | None = None,
    ax: Axes | None = None,
) -> Axes:
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

    Raises
    ------
    ValueError
        If estimates is not a dict of one-dimensional arrays of numbers, or exact no such array.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> from dpnotes import diagnostics, plotting
    >>> rho = diagnostics.autocorrelation([1, 2, 2, 3, 3, 2, 1, 1])
    >>> ax = plotting.autocorrelations({"chain": rho[:4]}, ax=plt.figure().gca())
    >>> ax.get_xlabel()
    'lag in sweeps'
    """
    rows = _axes.rows("estimates", estimates)
    exact = None if exact is None else _axes.row("exact", exact)
    ax = _axes.on(ax)
    _axes.curves(ax, rows, first=0, markers=_axes.MARKERS, markersize=5, linewidth=1)
    if exact is not None:
        ax.plot(exact, "x", ms=9, color=COLORS[6], label="exact")
    ax.axhline(0, color="0.5", lw=0.8)
    ax.set(xlabel="lag in sweeps", ylabel="autocorrelation")
    ax.legend()
    return ax


@keyword_only("labels", "ax")
def similarity_heatmap(
    similarity: ArrayLike, *, labels: ArrayLike | None = None, ax: Axes | None = None
) -> Axes:
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

    Raises
    ------
    ValueError
        If similarity is not a symmetric square matrix of values from 0 to 1, or labels are not
        those of a partition of as many points.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> from dpnotes import partitions, plotting
    >>> similarity = partitions.similarity([[0, 0, 1, 1], [0, 0, 1, 2]])
    >>> labels, ax = [0, 0, 1, 1], plt.figure().gca()
    >>> ax = plotting.similarity_heatmap(similarity, labels=labels, ax=ax)
    >>> ax.get_xlabel()
    'points'
    """
    from . import partitions

    order = partitions.seriation(similarity)
    ordered = np.asarray(similarity)[np.ix_(order, order)]
    labels = None if labels is None else check.labels("labels", labels)
    if labels is not None:
        check.shape("labels", labels, (len(order),))
    ax = _axes.on(ax)
    mesh = ax.pcolormesh(ordered, vmin=0, vmax=1, cmap="Blues")
    ax.set(aspect="equal", xticks=[], yticks=[])
    ax.invert_yaxis()
    ax.spines[:].set_visible(False)
    bar = ax.figure.colorbar(mesh, ax=ax, label="probability of one cluster")
    bar.outline.set_visible(False)
    if labels is not None:
        changes = 1 + np.flatnonzero(np.diff(labels[order]))
        ax.hlines(changes, 0, len(order), color=COLORS[1], linewidth=1)
        ax.vlines(changes, 0, len(order), color=COLORS[1], linewidth=1)
    ax.set(xlabel="points", ylabel="points")
    return ax


def partition_panels(x: ArrayLike, partitions: Mapping[str, ArrayLike]) -> np.ndarray:
    """Partitions of points in the plane, one panel each, clusters told apart by colour and shape.

    Parameters
    ----------
    x : array_like, shape (n, 2)
    partitions : dict of str to array_like of int, shape (n,)

    Returns
    -------
    ndarray of matplotlib Axes, shape (rows, 2)

    Raises
    ------
    ValueError
        If x is not an array of n points in the plane, or partitions not a dict of labels of n
        points.

    Examples
    --------
    >>> from dpnotes import plotting
    >>> x = [[0, 0], [0, 1], [5, 5]]
    >>> axes = plotting.partition_panels(x, {"one": [0, 0, 0], "two": [0, 0, 1]})
    >>> axes.shape
    (1, 2)
    """
    x = _axes.table("x", x, 2)
    panels = {}
    for label, part in _axes.labelled("partitions", partitions).items():
        panels[label] = check.labels(f"partitions[{label!r}]", part)
        check.shape(f"partitions[{label!r}]", panels[label], (len(x),))
    rows = (len(panels) + 1) // 2
    _, axes = plt.subplots(
        rows, 2, sharex=True, sharey=True, squeeze=False, figsize=(3.8, 1.9 * rows)
    )
    for ax, (label, part) in zip(axes.flat, panels.items()):
        _axes.points(ax, x, part, alpha=0.8)
        ax.text(0.03, 0.97, label, transform=ax.transAxes, va="top")
        ax.margins(0.1, 0.2)
        ax.set(xlabel="$x_{i1}$", ylabel="$x_{i2}$")
        ax.label_outer()
    return axes


_MOVED = {
    "process": "ternary unit_bars cell_masses random_cdfs beta_densities posterior_bands "
    "posterior_of_set urn_path urn_shares",
    "clusters": "restaurant table_shares observed_and_exact forest tables_growth "
    "tables_mean_bounds tables_law approximation_errors estimate_law null_histogram "
    "stick_pieces half_line measure_cdfs log_curves chain_speed",
    "sampling": "mixture_draws similarity_table predictive_density jensen geweke_scores "
    "one_cluster_fading elbo_traces elbo_by_truncation bound_by_pass",
    "practice": "data_and_fits growth_in_log_n laws_with_errors sensitivity scores seconds bars",
}
__getattr__ = moved(
    __name__,
    {name: f"figures.{part}.{name}" for part, names in _MOVED.items() for name in names.split()},
    by_position=True,
)
