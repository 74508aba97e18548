"""Each figure draws the numbers it is handed; a figure without a case here fails."""

import contextlib
import inspect
import re
import types
from xml.etree import ElementTree

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.collections import Collection, LineCollection, PathCollection, QuadMesh
from matplotlib.image import AxesImage
from matplotlib.lines import Line2D
from matplotlib.patches import Circle, Polygon, Rectangle
from matplotlib.text import Text
from scipy import special, stats

from dpnotes import (
    _svg,
    clusters,
    components,
    diagnostics,
    figures,
    measures,
    mixture,
    partitions,
    plotting,
    selection,
    workflow,
)
from dpnotes._axes import COLORS

KINDS = ("lines", "patches", "collections", "texts", "images")
# What figures call on their axes to draw.
METHODS = (
    "plot step semilogy bar barh hist scatter hlines vlines axhline axvline axvspan errorbar "
    "fill_between fill_betweenx stackplot imshow pcolormesh contour text annotate add_patch"
).split()
NOT_DRAWN = {"use_style", "running_times"}


def names(module):
    """The names of a module's own public functions."""
    functions = inspect.getmembers(module, inspect.isfunction)
    return {n for n, f in functions if f.__module__ == module.__name__ and not n.startswith("_")}


PLACES = [plotting, *(getattr(figures, part) for part in figures.__all__)]
FIGURES = [
    f"{module.__name__.removeprefix('dpnotes.')}.{name}"
    for module in PLACES
    for name in sorted(names(module) - NOT_DRAWN)
]
CASES = {}


def case(name, **counts):
    """Keep the case of a figure: it draws on ax and looks at the data of these marks."""

    def keep(draw):
        CASES[name] = draw, dict.fromkeys(KINDS, 0) | counts
        return draw

    return keep


def run(name):
    draw, counts = CASES[name]
    _, ax = plt.subplots()
    draw(ax)
    assert {kind: len(getattr(ax, kind)) for kind in KINDS} == counts


@pytest.fixture(autouse=True)
def no_figure_stays_open():
    yield
    plt.close("all")


@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_draws_what_it_is_handed(name):
    run(name)


def test_every_case_has_its_figure():
    assert sorted(CASES) == sorted(FIGURES)


@pytest.mark.slow
@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_that_draws_less_is_caught(name):
    """Each method that the figure draws with is made to leave nothing behind, one at a time."""
    called = []
    with replaced(METHODS, called.append):
        run(name)
    assert called
    for method in set(called):
        # The warning: an empty legend.
        failures = AssertionError, LookupError, ValueError, AttributeError, UserWarning
        with replaced([method], lambda method: None, vanish=True), pytest.raises(failures):
            run(name)


def marks(axes):
    """Everything that a figure put on its axes."""
    return [mark for ax in np.ravel(axes) for kind in KINDS for mark in getattr(ax, kind)]


def moved(values):
    return np.asarray(values, float) * 1.01 + 0.0123


def move_paths(collection):
    for path in collection.get_paths():
        path.vertices[:] = moved(path.vertices)


def move_position(text):
    # What is placed in a corner of the axes has no place in the data.
    if text.get_transform() is text.axes.transData:
        text.set_position(moved(text.get_position()))
    else:
        text.set_text("")


# For each kind of mark the ways to draw other numbers; the first that fits is meant.
CHANGES = {
    Line2D: (
        lambda line: line.set_xdata(moved(line.get_xdata())),
        lambda line: line.set_ydata(moved(line.get_ydata())),
    ),
    Text: (lambda text: text.set_text(text.get_text() + "0"), move_position),
    Circle: (
        lambda disc: disc.set_center(moved(disc.center)),
        lambda disc: disc.set_radius(moved(disc.radius)),
    ),
    Rectangle: (
        lambda bar: bar.set_x(moved(bar.get_x())),
        lambda bar: bar.set_y(moved(bar.get_y())),
        lambda bar: bar.set_width(moved(bar.get_width())),
        lambda bar: bar.set_height(moved(bar.get_height())),
    ),
    Polygon: (lambda area: area.set_xy(moved(area.get_xy())),),
    AxesImage: (lambda image: image.set_data(moved(image.get_array())),),
    QuadMesh: (lambda mesh: mesh.set_array(moved(mesh.get_array())),),
    PathCollection: (lambda dots: dots.set_offsets(moved(dots.get_offsets())),),
    LineCollection: (lambda lines: lines.set_segments(list(map(moved, lines.get_segments()))),),
    Collection: (move_paths,),
}


def changes(mark):
    return next(ways for kind, ways in CHANGES.items() if isinstance(mark, kind))


def run_after(name, spoil):
    """Run the case of a figure, which is spoilt once it is drawn."""
    part, function = name.rsplit(".", 1)
    module = next(m for m in PLACES if m.__name__ == f"dpnotes.{part}")
    draw = getattr(module, function)

    def spoilt(*args, **kwargs):
        axes = draw(*args, **kwargs)
        spoil(axes)
        return axes

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, function, spoilt)
        run(name)


@pytest.mark.slow
@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_that_draws_nothing_is_caught(name):
    def empty(axes):
        for mark in marks(axes):
            mark.remove()

    with pytest.raises((AssertionError, LookupError, ValueError)):
        run_after(name, empty)


@pytest.mark.slow
@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_that_draws_other_numbers_is_caught(name):
    """The first and the last mark of each kind are moved by a hundredth, one way at a time."""
    drawn = []
    run_after(name, lambda axes: drawn.extend(marks(axes)))
    kinds = [type(mark) for mark in drawn]
    ends = {f(i for i, k in enumerate(kinds) if k is kind) for kind in kinds for f in (min, max)}
    assert ends
    missed = []
    for i in sorted(ends):
        for way, change in enumerate(changes(drawn[i])):
            try:
                run_after(name, lambda axes: change(marks(axes)[i]))
            except (AssertionError, LookupError, ValueError):
                plt.close("all")
            else:
                missed.append((kinds[i].__name__, i, way))
    assert not missed


@contextlib.contextmanager
def replaced(methods, tell, vanish=False):
    """Methods of Axes that tell when they are called, and may take away what they drew."""

    def watched(method, original):
        def draw(ax, *args, **kwargs):
            tell(method)
            before = set(ax.get_children())
            result = original(ax, *args, **kwargs)
            for mark in set(ax.get_children()) - before if vanish else ():
                mark.remove()
            return result

        return draw

    with pytest.MonkeyPatch.context() as patch:
        for method in methods:
            patch.setattr(Axes, method, watched(method, getattr(Axes, method)))
        yield


def points(line):
    return np.transpose(line.get_data()).tolist()


def close(drawn, expected):
    """Whether numbers are those expected, shapes included, to rounding."""
    return np.shape(drawn) == np.shape(expected) and np.allclose(drawn, expected, atol=1e-12)


def box(bar):
    """The left, bottom, width and height of a bar, which is a polygon before Matplotlib 3.9."""
    if isinstance(bar, Polygon):
        corners = bar.get_xy()
        return (*corners.min(axis=0), *np.ptp(corners, axis=0))
    return (*bar.get_xy(), bar.get_width(), bar.get_height())


def boxes(ax):
    """The left, bottom, width and height of each bar."""
    return [box(bar) for bar in ax.patches]


def bars(middles, heights, width):
    """What boxes should be: bars that stand on zero."""
    return [(x - width / 2, 0, width, h) for x, h in zip(middles, heights, strict=True)]


def histogram(values, bins):
    """What boxes should be: the shares of values in cells, as densities."""
    share, edges = np.histogram(values, bins, density=True)
    return [(*row, h) for row, h in zip(zip(edges, share * 0, np.diff(edges)), share)]


def words(ax):
    """What is written, and where in the data's coordinates."""
    return {text.get_text(): text.get_position() for text in ax.texts}


def shaded(band):
    """The abscissas of a band, its lower and its upper edge."""
    x, y = band.get_paths()[0].vertices.T
    at = np.unique(x)
    return at, [y[x == one].min() for one in at], [y[x == one].max() for one in at]


def segments(lines):
    return np.array(lines.get_segments()).tolist()


def labelled(ax):
    """The data of the lines that the legend names."""
    handles, labels = ax.get_legend_handles_labels()
    rows = zip(labels, handles, strict=True)
    return {label: mark.get_ydata() for label, mark in rows if mark in ax.lines}


def inked(collection):
    return collection.get_offsets().tolist()


# plotting


def analysis(columns):
    """What is drawn of an analysis, with a density that is known."""
    x = np.array([[0.0, 0.0, 0.0], [1.0, 1.0, 1.0], [9.0, 9.0, 9.0], [9.5, 9.0, 8.0]])

    def density(grid):
        height = np.exp(-(np.reshape(grid, (len(grid), -1)) ** 2).sum(axis=1) / 50)
        return height, height / 2, 2 * height

    return types.SimpleNamespace(
        x=x[:, :columns], names=list("abc"), partition=np.array([0, 0, 1, 1]), density=density
    )


@case("plotting.answer", lines=2, collections=3)
def _(ax):
    plotting.answer(analysis(2), ax=ax)
    assert [points(line) for line in ax.lines] == [[[0, 0], [1, 1]], [[9, 9], [9.5, 9]]]
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("a", "b")
    # A contour of a density runs where that density is, and a contour of the band at its level.
    mean, low, high = ax.collections
    outer, inner = mean.levels
    assert 0 < outer < inner < 1 and low.levels.tolist() == high.levels.tolist() == [outer]
    for contours, level, times in (
        *((mean, level, 1) for level in (outer, inner)),
        (low, outer, 0.5),
        (high, outer, 2),
    ):
        path = contours.get_paths()[list(contours.levels).index(level)]
        height = times * np.exp(-(path.vertices**2).sum(axis=1) / 50)
        assert len(height) > 20 and np.allclose(height, level, rtol=0.01)
    # On the grid over the data, the cells above the levels hold 90 and 50% of the density.
    grids = [np.linspace(-0.1 * m, 1.1 * m, 50) ** 2 for m in (9.5, 9)]
    cells = np.exp(-np.add.outer(*grids) / 50)
    for level, share in ((outer, 0.9), (inner, 0.5)):
        assert cells[cells >= level].sum() / cells.sum() == pytest.approx(share, abs=0.005)


def test_the_answer_on_the_line():
    _, ax = plt.subplots()
    plotting.answer(analysis(1), ax=ax)
    density, first, second = ax.lines
    x, y = density.get_data()
    assert np.allclose(y, np.exp(-(x**2) / 50)) and len(ax.collections) == 1
    assert [line.get_xdata().tolist() for line in (first, second)] == [[0, 1], [9, 9.5]]
    area = sum(bar.get_height() * bar.get_width() for bar in ax.patches)
    assert area == pytest.approx(1)


def test_the_answer_in_space_shows_two_columns():
    _, ax = plt.subplots()
    plotting.answer(analysis(3), pair=(0, 2), ax=ax)
    assert points(ax.lines[1]) == [[9, 9], [9.5, 8]] and len(ax.collections) == 0
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("a", "c")


@case("plotting.cluster_laws", patches=4)
def _(ax):
    plotting.cluster_laws({"a": [0, 0.25, 0.75], "b": [0, 0.5, 0.5]}, ax=ax)
    assert close(boxes(ax), bars([0.8, 1.8, 1.2, 2.2], [0.25, 0.75, 0.5, 0.5], 0.4))


@case("plotting.densities", lines=3)
def _(ax):
    plotting.densities([0, 1, 2], {"a": [0, 1, 0], "b": [1, 0, 1]}, [0.5, 0.75], ax=ax)
    assert labelled(ax)["a"].tolist() == [0, 1, 0] and labelled(ax)["b"].tolist() == [1, 0, 1]
    assert [line.get_xdata().tolist() for line in ax.lines[:2]] == [[0, 1, 2]] * 2
    assert points(ax.lines[2]) == [[0.5, 0], [0.75, 0]]


@case("plotting.density_bands", lines=7, collections=1)
def _(ax):
    draws = np.arange(30.0).reshape(10, 3)
    plotting.density_bands([0, 1, 2], draws, [1, 2, 3], [0.5], ax=ax)
    assert [line.get_ydata().tolist() for line in ax.lines[:5]] == draws[:5].tolist()
    assert labelled(ax)["predictive"].tolist() == [1, 2, 3]
    assert [line.get_xdata().tolist() for line in ax.lines[:6]] == [[0, 1, 2]] * 6
    assert points(ax.lines[6]) == [[0.5, 0]]
    # Of 0, 3, ..., 27 the quantiles at 5 and 95% are 1.35 and 25.65.
    assert close(shaded(ax.collections[0]), [[0, 1, 2], [1.35, 2.35, 3.35], [25.65, 26.65, 27.65]])


@case("plotting.traces", lines=2)
def _(ax):
    plotting.traces({"a": [1, 2, 2], "b": [3, 2]}, "K", ax=ax)
    assert [points(line) for line in ax.lines] == [[[1, 1], [2, 2], [3, 2]], [[1, 3], [2, 2]]]
    assert ax.get_ylabel() == "K"


@case("plotting.replicates", lines=1, patches=80)
def _(ax):
    plotting.replicates({"a": [0, 1, 3], "b": [2, 4]}, 2.5, "T", ax=ax)
    edges = np.linspace(0, 4, 41)
    assert close(boxes(ax), histogram([0, 1, 3], edges) + histogram([2, 4], edges))
    assert points(ax.lines[0]) == [[2.5, 0], [2.5, 1]]  # from edge to edge
    assert ax.get_xlabel() == "T"


@case("plotting.autocorrelations", lines=4)
def _(ax):
    plotting.autocorrelations({"a": [1, 0.5], "b": [1, 0.25]}, exact=[1, 0.4], ax=ax)
    assert [points(line) for line in ax.lines[:3]] == [[[0, 1], [1, y]] for y in (0.5, 0.25, 0.4)]
    assert points(ax.lines[3]) == [[0, 0], [1, 0]]  # from edge to edge


@case("plotting.components", lines=2)
def _(ax):
    result = analysis(3)
    plotting.components(result, ax=ax)
    z = (result.x - result.x.mean(axis=0)) / result.x.std(axis=0)
    sizes, axes = np.linalg.eigh(z.T @ z)
    drawn = np.concatenate([line.get_xydata() for line in ax.lines])
    for k in (0, 1):
        exact = z @ axes[:, 2 - k]
        assert np.allclose(drawn[:, k] * np.sign(drawn[0, k]), exact * np.sign(exact[0]))
    assert ax.get_xlabel() == f"component 1 ({sizes[2] / sizes.sum():.0%} of the variance)"
    assert ax.get_ylabel() == f"component 2 ({sizes[1] / sizes.sum():.0%} of the variance)"


@case("plotting.parallel", lines=2)
def _(ax):
    result = analysis(3)
    plotting.parallel(result, ax=ax)
    for line, rows in zip(ax.lines, (result.x[:2], result.x[2:]), strict=True):
        across, heights = np.reshape(line.get_data(), (2, 2, 4))
        assert across.tolist() == [[0, 1, 2, 3]] * 2 and np.isnan(heights[:, 3]).all()
        assert np.allclose(heights[:, :3], rows / result.x.max(axis=0))
    assert [text.get_text() for text in ax.get_xticklabels()] == list("abc")


@case("plotting.similarity_heatmap", collections=3)
def _(ax):
    labels = np.array([0, 1, 0, 1])
    similarity = 0.8 * (labels == labels[:, None]) + 0.2 * np.eye(4)
    plotting.similarity_heatmap(similarity, labels=labels, ax=ax)
    order = partitions.seriation(similarity)
    shown = np.reshape(ax.collections[0].get_array(), (4, 4))
    assert np.array_equal(shown, similarity[np.ix_(order, order)])
    assert segments(ax.collections[1]) == [[[0, 2], [4, 2]]]
    assert segments(ax.collections[2]) == [[[2, 0], [2, 4]]]


@case("plotting.partition_panels")
def _(ax):
    x = np.array([[0, 0], [0, 1], [5, 5]])
    panels = plotting.partition_panels(x, {"a": [0, 0, 0], "b": [0, 0, 1]})
    assert panels.shape == (1, 2)
    assert [[points(line) for line in panel.lines] for panel in panels.flat] == [
        [x.tolist()],
        [x[:2].tolist(), x[2:].tolist()],
    ]
    assert [panel.texts[0].get_text() for panel in panels.flat] == ["a", "b"]


# figures.process


@case("figures.process.ternary", lines=2, texts=4)
def _(ax):
    figures.process.ternary([[1, 0, 0], [0, 0.5, 0.5]], "a", ax=ax)
    top = np.sqrt(0.75)
    assert close(points(ax.lines[0]), [[0, 0], [1, 0], [0.5, top], [0, 0]])
    assert close(points(ax.lines[1]), [[0, 0], [0.75, top / 2]])
    names = {"$g_1$": (0, -0.02), "$g_2$": (1, -0.02), "$g_3$": (0.5, top + 0.02)}
    assert words(ax) == names | {"a": (0.5, -0.14)}


@case("figures.process.unit_bars", patches=5)
def _(ax):
    figures.process.unit_bars({"a": [[0.25, 0.75], [0.5, 0.5]], "b": [[0.0, 1.0]]}, ax=ax)
    spans = [(0, 0, 0.75), (0.75, 0, 0.25), (0, 1, 0.5), (0.5, 1, 0.5), (0, 3, 1)]
    assert close(boxes(ax), [(left, row - 0.4, width, 0.8) for left, row, width in spans])
    assert [label.get_text() for label in ax.get_yticklabels()] == ["a", "b"]
    assert ax.get_yticks().tolist() == [0.5, 3]


@case("figures.process.gamma_shares", patches=16, texts=3)
def _(ax):
    figures.process.gamma_shares([[1, 2, 1], [0.5, 0.5, 1]], ax=ax)
    # Bars below one another, each column 1.12 to the right: of the longest, of their own length,
    # and the latter with the last two in one.
    columns = [
        [[0.25, 0.5, 0.25], [0.125, 0.125, 0.25]],
        [[0.25, 0.5, 0.25], [0.25, 0.25, 0.5]],
        [[0.25, 0.75], [0.25, 0.75]],
    ]
    expected = [
        (1.12 * j + sum(rows[i][:k]), i - 0.38, rows[i][k], 0.76)
        for j, rows in enumerate(columns)
        for k in range(len(rows[0]))
        for i in range(2)
    ]
    assert close(boxes(ax), expected)
    titles = ["gamma variables", "their shares", "two merged"]
    assert words(ax) == {t: (pytest.approx(1.12 * j + 0.5), -0.6) for j, t in enumerate(titles)}


@case("figures.process.cell_masses", patches=2, texts=1)
def _(ax):
    figures.process.cell_masses([0, 0.25, 1], [0.4, 0.6], "a", ax=ax)
    assert boxes(ax) == [(0, 0, 0.25, 0.4), (0.25, 0, 0.75, 0.6)] and list(words(ax)) == ["a"]


@case("figures.process.cell_draws", patches=8, texts=2)
def _(ax):
    figures.process.cell_draws([[0.25, 0.75], [0.5, 0.5]], [0.4, 0.6], ax=ax)
    rows = [[0.25, 0.75], [0.4, 0.6], [0.5, 0.5], [0.4, 0.6]]
    expected = [bars([at, at + 1], row, 0.9) for at, row in zip((0, 0, 3, 3), rows)]
    assert close(boxes(ax), np.concatenate(expected))
    assert [bar.get_fill() for bar in ax.patches] == [True, True, False, False] * 2
    assert words(ax) == {f"draw {i + 1}": (3 * i + 0.5, pytest.approx(-0.0225)) for i in range(2)}


@case("figures.process.random_cdfs", lines=3, texts=1)
def _(ax):
    figures.process.random_cdfs([0, 1], [[0, 1], [0.5, 1]], [0.25, 0.75], "a", ax=ax)
    assert [line.get_ydata().tolist() for line in ax.lines] == [[0, 1], [0.5, 1], [0.25, 0.75]]
    assert [line.get_xdata().tolist() for line in ax.lines] == [[0, 1]] * 3
    assert list(words(ax)) == ["a"]


@case("figures.process.beta_densities", lines=3)
def _(ax):
    figures.process.beta_densities(0.5, [2, 4], ax=ax)
    for line, a in zip(ax.lines[:2], (1, 2), strict=True):
        assert np.allclose(line.get_ydata(), stats.beta(a, a).pdf(line.get_xdata()))
    assert points(ax.lines[2]) == [[0.5, 0], [0.5, 1]]  # from edge to edge


@case("figures.process.base_and_spikes", lines=2, collections=1)
def _(ax):
    figures.process.base_and_spikes(2.0, stats.norm(1), [0.5, 2, 0.5], ax=ax)
    # Two fifths of the base, and a fifth at each draw.
    x = ax.lines[0].get_xdata()
    assert close(x[[0, -1]], 1 + stats.norm.isf(0.001) * np.array([-1, 1])) and len(x) > 200
    assert np.allclose(labelled(ax)["before"], stats.norm.pdf(x - 1))
    assert close(ax.lines[1].get_xdata(), x)
    assert np.allclose(labelled(ax)["after"], 0.4 * stats.norm.pdf(x - 1))
    assert close(segments(ax.collections[0]), [[[0.5, 0], [0.5, 0.4]], [[2, 0], [2, 0.2]]])


@case("figures.process.posterior_bands", lines=3, collections=2)
def _(ax):
    theta = [0.5, -0.5]
    figures.process.posterior_bands(2.0, stats.norm(), theta, (0, 2), stats.norm.cdf, ax=ax)
    x, mean = ax.lines[1].get_data()
    below = (np.array(theta)[:, None] <= x).sum(axis=0)
    assert np.allclose(mean, (2 * stats.norm.cdf(x) + below) / 4)
    grid, prior = ax.lines[0].get_data()
    assert close(grid, x) and close(prior, stats.norm.cdf(x))
    grid, truth = ax.lines[2].get_data()
    assert close(grid, x) and np.allclose(truth, stats.norm.cdf(x))
    # 5% of the law of G((-inf, x]) are below the band and 5% above it.
    for band, seen in zip(ax.collections, (np.zeros(len(x)), below), strict=True):
        at, low, high = shaded(band)
        n = 2 if seen is below else 0
        law = stats.beta(2 * stats.norm.cdf(x) + seen, 2 * stats.norm.sf(x) + n - seen)
        # Far out the law is a point mass to rounding, and the quantile not one number.
        inner = abs(x) < 1.5
        assert close(at, x)
        assert np.allclose(law.cdf(low)[inner], 0.05) and np.allclose(law.cdf(high)[inner], 0.95)


@case("figures.process.posterior_of_set", lines=3)
def _(ax):
    figures.process.posterior_of_set(4.0, 0.5, 3, 1, ax=ax)
    for line, (a, b) in zip(ax.lines, [(2, 2), (5, 3), (8, 4)], strict=True):
        assert np.allclose(line.get_ydata(), stats.beta(a, b).pdf(line.get_xdata()))


@case("figures.process.urn_path", collections=3)
def _(ax):
    figures.process.urn_path([0.1, 0.5, 0.1, 0.1, 2.0], ax=ax)
    lines, copies, new = ax.collections
    # From the first appearance of a value to the end.
    assert segments(lines) == [[[1, 0.1], [5, 0.1]], [[2, 0.5], [5, 0.5]], [[5, 2.0], [5, 2.0]]]
    assert inked(new) == [[1, 0.1], [2, 0.5], [5, 2.0]]
    assert inked(copies) == [[3, 0.1], [4, 0.1]]


@case("figures.process.urn_shares", lines=2, collections=1)
def _(ax):
    shares = [[1, 0.5, 1 / 3], [0, 0.5, 2 / 3]]
    figures.process.urn_shares(shares, stats.beta(2, 2), ax=ax)
    assert [line.get_ydata().tolist() for line in ax.lines] == shares
    assert [line.get_xdata().tolist() for line in ax.lines] == [[1, 2, 3]] * 2
    # On the right the law of the limits: its mode three times as far as its ends.
    right, g = ax.collections[0].get_paths()[0].vertices.T
    edge = right > 3
    assert np.allclose(right[edge], 3 * 3 ** (stats.beta(2, 2).pdf(g[edge]) / 1.5))
    assert edge.sum() > 150 and right.max() == pytest.approx(9)


# figures.clusters


@case("figures.clusters.restaurant", patches=2, texts=5)
def _(ax):
    figures.clusters.restaurant([0, 0, 1], ax=ax)
    assert [text.get_text() for text in ax.texts] == ["1", "1", "2", "2", "3"]
    first, second = ax.patches
    assert first.center == pytest.approx((1.3, 0)) and second.center == pytest.approx((3.9, 0))
    assert first.radius == second.radius == pytest.approx(0.55)
    # Customers sit around their table's number, from the top clockwise.
    places = [(1.3, 0), (1.3, 1), (1.3, -1), (3.9, 0), (3.9, 1)]
    assert close([text.get_position() for text in ax.texts], places)
    # As much room to the left as to the right of them.
    assert np.mean(ax.get_xlim()) == pytest.approx(2.6) and np.ptp(ax.get_xlim()) > 11


@case("figures.clusters.next_table", patches=3, texts=7)
def _(ax):
    figures.clusters.next_table([0, 0, 1], 1.5, ax=ax)
    assert [(disc.center, disc.radius) for disc in ax.patches] == [
        ((2.5 * k, 0), 0.72) for k in range(3)
    ]
    # In each table its size, and alpha in a new one, over their sum; around it the customers.
    assert [(text.get_text(), *text.get_position()) for text in ax.texts] == [
        ("2/4.5", 0, 0), ("1", pytest.approx(0), 1), ("2", pytest.approx(0), -1),
        ("1/4.5", 2.5, 0), ("3", 2.5, 1), ("1.5/4.5", 5, 0), ("new table", 5, -1.1),
    ]  # fmt: skip
    assert [disc.get_fill() for disc in ax.patches] == [True, True, False]


@case("figures.clusters.sampled_partitions", lines=3, patches=2, texts=6)
def _(ax):
    x = np.array([[0, 1.0], [4, 1.0], [0, 3.0]])
    draws = [[0, 1, 0], [0, 0, 0]]
    figures.clusters.sampled_partitions(x, draws, [0, 0.75, 0.248, 0.002], ax=ax)
    # The points to scale about their middle, once for each draw; a line for each cluster.
    assert close(points(ax.lines[0]), [[-0.5, -0.25], [-0.5, 0.25]])
    assert close(points(ax.lines[1]), [[0.5, -0.25]])
    assert close(points(ax.lines[2]), [[0.75, -0.25], [1.75, -0.25], [0.75, 0.25]])
    heights = [0.9, 0.9 * 0.248 / 0.75]
    assert close(boxes(ax), [(2.05, -0.5, 0.4, heights[0]), (2.57, -0.5, 0.4, heights[1])])
    expected = [
        ("2 clusters", 0, -0.65), ("1 cluster", 1.25, -0.65),
        ("1", 2.25, -0.65), ("75%", 2.25, 0.43),
        ("2", 2.77, -0.65), ("25%", 2.77, heights[1] - 0.47),
    ]  # fmt: skip
    assert [text.get_text() for text in ax.texts] == [word for word, _, _ in expected]
    assert close([text.get_position() for text in ax.texts], [at for _, *at in expected])


@case("figures.clusters.table_shares", collections=2)
def _(ax):
    figures.clusters.table_shares([0, 0, 1, 1], ax=ax)
    first = [1, 1, 2 / 3, 1 / 2]
    lower, upper = (shaded(band) for band in ax.collections)
    assert close(lower, [[1, 2, 3, 4], [0] * 4, first])
    assert close(upper, [[1, 2, 3, 4], first, [1] * 4]) and ax.get_xlim() == (1, 4)


@case("figures.clusters.observed_and_exact", lines=1, patches=2, collections=1)
def _(ax):
    args = ["a", "b"], [0.4, 0.6], [0.1, 0.2], [0.5, 0.25], "what"
    figures.clusters.observed_and_exact(*args, ax=ax)
    assert close(boxes(ax), bars([0, 1], [0.5, 0.25], 0.8))
    assert points(ax.lines[0]) == [[0, 0.4], [1, 0.6]]
    assert close(segments(ax.collections[0]), [[[0, 0.2], [0, 0.6]], [[1, 0.2], [1, 1.0]]])


@case("figures.clusters.forest", lines=3, collections=3, texts=3)
def _(ax):
    figures.clusters.forest([0, 0, 2], ax=ax)
    assert [inked(disc) for disc in ax.collections] == [[[i, 0]] for i in range(3)]
    # Arcs from the parent to the child: of no height, or half a circle.
    for line, parent, child in zip(ax.lines, (0, 0, 2), range(3), strict=True):
        x, y = line.get_data()
        assert close((x[0], x[-1], y[0], y[-1]), (child, parent, 0, 0)) and (y > -1e-9).all()
        assert np.allclose(np.hypot(x - (parent + child) / 2, y), (child - parent) / 2)
    assert words(ax) == {str(i + 1): (i, -0.02) for i in range(3)}


@case("figures.clusters.tables_growth", lines=8, texts=2)
def _(ax):
    figures.clusters.tables_growth(100, [1, 3], rng=1, ax=ax)
    rng = np.random.default_rng(1)
    n = ax.lines[0].get_xdata()
    assert n[0] == 1 and n[-1] == 100 and (np.diff(n) > 0).all()
    assert all(close(line.get_xdata(), n) for line in ax.lines)
    for i, alpha in enumerate((1, 3)):
        *paths, mean = ax.lines[4 * i : 4 * i + 4]
        means = [clusters.NumClusters(int(m), alpha).mean() for m in n]
        assert np.allclose(mean.get_ydata(), means)
        for path in paths:
            # Customer m opens a table where a uniform number falls below alpha / (alpha + m - 1).
            opened = [u < alpha / (alpha + m) for m, u in enumerate(rng.random(100))]
            assert path.get_ydata().tolist() == [sum(opened[:m]) for m in n]
        assert ax.texts[i].get_text() == rf"$\alpha = {alpha}$"
        assert ax.texts[i].xy == (100, pytest.approx(means[-1]))


@case("figures.clusters.tables_mean_bounds", lines=2, collections=1)
def _(ax):
    figures.clusters.tables_mean_bounds(0.5, ax=ax)
    n, mean = ax.lines[0].get_data()
    assert np.allclose(mean, [clusters.NumClusters(int(m), 0.5).mean() for m in n])
    assert n[0] == 1 and n[-1] == 10_000 and (np.diff(n) > 0).all()
    at, false = ax.lines[1].get_data()
    assert close(at, n) and np.allclose(false, 0.5 * (special.digamma(n + 1) + np.euler_gamma))
    # DP-0081: alpha log(1 + n / alpha) and 1 + alpha log(1 + (n - 1) / alpha).
    lower, upper = 0.5 * np.log1p(n / 0.5), 1 + 0.5 * np.log1p((n - 1) / 0.5)
    assert np.allclose(shaded(ax.collections[0]), (n, lower, upper))


@case("figures.clusters.tables_law", lines=2, patches=12)
def _(ax):
    law = clusters.NumClusters(50, 1.0)
    figures.clusters.tables_law(law, ax=ax)
    k = ax.lines[0].get_xdata()
    assert np.allclose(boxes(ax), bars(k, law.pmf(k), 0.85)) and law.pmf(k).sum() > 0.999
    assert np.allclose(ax.lines[0].get_ydata(), stats.poisson.pmf(k - 1, law.mean() - 1))
    x, normal = ax.lines[1].get_data()
    mean, sd = law.mean(), law.std()
    assert (x[0], x[-1]) == (k[0] - 0.5, k[-1] + 0.5)
    assert np.allclose(normal, np.exp(-(((x - mean) / sd) ** 2) / 2) / sd / np.sqrt(2 * np.pi))


@case("figures.clusters.approximation_errors", lines=2)
def _(ax):
    figures.clusters.approximation_errors([10, 100], {"a": [0.1, 0.01], "b": [0.2, 0.1]}, ax=ax)
    assert [points(line) for line in ax.lines] == [
        [[10, 0.1], [100, 0.01]],
        [[10, 0.2], [100, 0.1]],
    ]
    assert ax.get_xscale() == ax.get_yscale() == "log"


@case("figures.clusters.estimate_law", lines=3)
def _(ax):
    figures.clusters.estimate_law(1.0, [10, 100], ax=ax)
    for line, n in zip(ax.lines, (10, 100)):
        estimates, below = line.get_data()
        k = np.arange(2, len(below) + 2)
        assert np.allclose(below, clusters.NumClusters(n, 1.0).cdf(k)) and below[-1] > 0.999
        # The estimate is the alpha whose mean number of tables is k.
        means = [clusters.NumClusters(n, alpha).mean() for alpha in estimates]
        assert np.allclose(means, k)
    assert points(ax.lines[2]) == [[1, 0], [1, 1]]  # from edge to edge


@case("figures.clusters.null_histogram", lines=1, patches=60)
def _(ax):
    figures.clusters.null_histogram([0.0, 0.5, 1.0], 0.75, "F", ax=ax)
    assert close(boxes(ax), histogram([0.0, 0.5, 1.0], 60))
    assert points(ax.lines[0]) == [[0.75, 0], [0.75, 1]]  # from edge to edge


@case("figures.clusters.stick_pieces", patches=3)
def _(ax):
    rows = [np.array([0.25, 0.5]), np.array([0.75, 1e-6])]
    figures.clusters.stick_pieces({"a": rows}, ax=ax)
    expected = [(0, -0.4, 0.25, 0.8), (0.25, -0.4, 0.5, 0.8), (0, 0.6, 0.75, 0.8)]
    assert close(boxes(ax), expected)


@case("figures.clusters.half_line", collections=3, texts=3)
def _(ax):
    figures.clusters.half_line([1, 2], [0.5, 1.5, 3], ax=ax)
    end = 1.05 * 3
    assert close(segments(ax.collections[0]), [[[0, 0], [end, 0]]])
    assert segments(ax.collections[1]) == [[[k, -0.35], [k, 0.35]] for k in (1, 2)]
    assert words(ax) == {"1": (0.5, 0.5), "2": (1.5, 0.5), "3": (pytest.approx(1 + end / 2), 0.5)}
    assert inked(ax.collections[2]) == [[0.5, 0], [1.5, 0], [3, 0]]


@case("figures.clusters.measure_cdfs", lines=2)
def _(ax):
    measure = measures.Discrete([0.0, 1.0], [0.25, 0.75])
    figures.clusters.measure_cdfs({"a": measure}, stats.norm(), ax=ax)
    assert ax.lines[0].get_ydata().tolist() == [0, 0.25, 1, 1]
    far = stats.norm.isf(1e-3)
    assert close(ax.lines[0].get_xdata(), [-far, 0, 1, far])
    x, cdf = ax.lines[1].get_data()
    assert np.allclose(cdf, stats.norm.cdf(x))


@case("figures.clusters.log_curves", lines=2)
def _(ax):
    figures.clusters.log_curves([1, 2], {"a": [1, 0.1], "b": [2, 0.2]}, "T", "d", ax=ax)
    assert [points(line) for line in ax.lines] == [[[1, 1], [2, 0.1]], [[1, 2], [2, 0.2]]]
    assert ax.get_yscale() == "log" and ax.get_xlabel() == "T"


@case("figures.clusters.chain_speed", lines=1)
def _(ax):
    draws = np.random.default_rng(1).integers(5, size=200)
    figures.clusters.chain_speed({"a": draws}, {"a": 2.0}, ax=ax)
    rho = diagnostics.autocorrelation(draws)[:61]
    assert points(ax.lines[0]) == [[i, r] for i, r in enumerate(rho)]
    assert ax.lines[0].get_label() == f"a: {diagnostics.ess(draws) / 2:.0f}"


@case("figures.clusters.growth_band", lines=3, collections=1)
def _(ax):
    paths = np.array([[1, 1, 2, 2, 3], [1, 2, 3, 4, 5]])
    figures.clusters.growth_band(paths, 2.0, ax=ax)
    *steps, mean = ax.lines
    assert [points(line) for line in steps] == [
        [[n + 1, K] for n, K in enumerate(path)] for path in paths
    ]
    # Customer n opens a table with probability 2 / (1 + n), whoever else did.
    law, low, high = np.array([1.0]), [], []
    for n in range(5):
        opens = 2 / (2 + n)
        law = np.append(law, 0) * (1 - opens) + np.append(0, law) * opens
        low.append(np.flatnonzero(law.cumsum() >= 0.05)[0])
        high.append(np.flatnonzero(law.cumsum() >= 0.95)[0])
    n = np.arange(1, 6)
    assert close(points(mean), np.column_stack([n, np.cumsum(2 / (1 + n))]))
    assert close(shaded(ax.collections[0]), [n, low, high])


# figures.sampling


@case("figures.sampling.mixture_draws", lines=2, collections=2)
def _(ax):
    model = mixture.DPMixture(1.0, components.Gaussian(0, 1, 0.5))
    draws = {1.0: model.sample(5, rng=1), 2.0: model.sample(5, rng=2)}
    figures.sampling.mixture_draws(draws, ax=ax)
    rows = zip(draws.values(), ax.collections, ax.lines, strict=True)
    for row, ((x, _, theta), dots, ticks) in enumerate(rows):
        assert np.array_equal(dots.get_offsets()[:, 0], x[:, 0])
        assert (abs(dots.get_offsets()[:, 1] - row) < 0.3).all()
        assert close(points(ticks), [[t, row + 0.42] for t in theta[:, 0]])


@case("figures.sampling.similarity_table", texts=4, images=1)
def _(ax):
    figures.sampling.similarity_table([[1, 0.25], [0.25, 1]], [0.5, 1.5], ax=ax)
    assert [text.get_text() for text in ax.texts] == ["100", "25", "25", "100"]
    assert ax.images[0].get_array().tolist() == [[100, 25], [25, 100]]
    assert [text.get_position() for text in ax.texts] == [(0, 0), (1, 0), (0, 1), (1, 1)]


@case("figures.sampling.certain_points", lines=3)
def _(ax):
    x = np.array([[0, 0], [0, 1], [5, 5], [3, 4.0]])
    figures.sampling.certain_points(x, [0, 0, 1, -1], ax=ax)
    assert [points(line) for line in ax.lines] == [[[3, 4]], x[:2].tolist(), [[5, 5]]]
    assert len({(line.get_marker(), line.get_color()) for line in ax.lines}) == 3
    assert list(labelled(ax)) == ["left out"]


@case("figures.sampling.predictive_density", lines=3)
def _(ax):
    figures.sampling.predictive_density([0, 1], [0, -1], [-2, -3], [0.5], ax=ax)
    assert np.allclose(labelled(ax)["given the data"], np.exp([0, -1]))
    assert np.allclose(labelled(ax)["before the data"], np.exp([-2, -3]))
    assert [line.get_xdata().tolist() for line in ax.lines[:2]] == [[0, 1]] * 2
    assert points(ax.lines[2]) == [[0.5, 0]]


@case("figures.sampling.jensen", lines=4)
def _(ax):
    figures.sampling.jensen(1.0, others=0.3, values=[0.1, 0.9], ax=ax)
    chances = np.array([0.25, 0.75])
    f, chance = ax.lines[0].get_data()
    assert np.allclose(chance, 1 - 0.3 / (0.3 + f))
    assert np.allclose(points(ax.lines[1]), [[0.1, 0.25], [0.9, 0.75]])
    assert np.allclose(points(ax.lines[2]), [[0.5, 0.625]])
    assert np.allclose(points(ax.lines[3]), [[0.5, chances.mean()]])


@case("figures.sampling.geweke_scores", lines=2, patches=1)
def _(ax):
    figures.sampling.geweke_scores({"a": [0.5, -1], "b": [2, 9]}, ["K", "z"], ax=ax)
    assert close(points(ax.lines[0]), [[0.5, -0.075], [-1, 0.925]])
    assert close(points(ax.lines[1]), [[2, 0.075], [9, 1.075]])
    assert boxes(ax) == [(-3, 0, 6, 1)]  # from edge to edge
    assert [label.get_text() for label in ax.get_yticklabels()] == ["K", "z"]


@case("figures.sampling.one_cluster_fading", lines=2, collections=1)
def _(ax):
    figures.sampling.one_cluster_fading([10, 100], [0.5, 0.25], [0.1, 0.05], [0, 0.5], ax=ax)
    assert [points(line) for line in ax.lines] == [[[10, 0.5], [100, 0.25]], [[10, 0], [100, 0.5]]]
    errors = [[[10, 0.3], [10, 0.7]], [[100, 0.15], [100, 0.35]]]
    assert close(segments(ax.collections[0]), errors)


@case("figures.sampling.elbo_traces", lines=3)
def _(ax):
    figures.sampling.elbo_traces({"a": [-3, -2], "b": [-4, -3.5, -3]}, -1.0, ax=ax)
    assert [points(line) for line in ax.lines[1:]] == [
        [[1, -3], [2, -2]],
        [[1, -4], [2, -3.5], [3, -3]],
    ]
    assert points(ax.lines[0]) == [[0, -1], [1, -1]]  # from edge to edge


@case("figures.sampling.elbo_by_truncation", lines=3)
def _(ax):
    figures.sampling.elbo_by_truncation([2, 4], [-3, -2], [-1.5, -1.75], -1.0, ax=ax)
    assert [points(line) for line in ax.lines[1:]] == [[[2, -1.5], [4, -1.75]], [[2, -3], [4, -2]]]
    assert points(ax.lines[0]) == [[0, -1], [1, -1]]  # from edge to edge


@case("figures.sampling.bound_by_pass", lines=2)
def _(ax):
    figures.sampling.bound_by_pass(np.array([-3, -2]), np.array([-3, -2.5, -1]), 2, ax=ax)
    assert [points(line) for line in ax.lines] == [[[1, 2], [2, 1]], [[1, 2], [1.5, 1.5]]]


@case("figures.sampling.blurred_atoms", texts=1, collections=4)
def _(ax):
    measure = measures.Discrete([0.0, 1.0, 3.0], [0.5, 0.2, 0.3])
    x = [3.1, 0.2, 2.8]
    figures.sampling.blurred_atoms(measure, [3.0, 0.0, 3.0], x, 0.1, "a", ax=ax)
    density, free, taken, dots = ax.collections
    # Spikes to the height of the tallest; the atom that nobody took stands apart.
    assert close(segments(free), [[[1, 0], [1, 0.4]]])
    assert close(segments(taken), [[[0, 0], [0, 1]], [[3, 0], [3, 0.6]]])
    at, zero, height = shaded(density)
    parts = [w * stats.norm(m, 0.1).pdf(at) for m, w in ((0, 0.5), (1, 0.2), (3, 0.3))]
    assert close(height / max(height), sum(parts) / max(sum(parts)))
    assert max(height) == 1 and not any(zero)
    assert np.allclose((at[0], at[-1]), (-0.4, 3.4))
    assert np.transpose(inked(dots))[0].tolist() == x
    assert (abs(np.transpose(inked(dots))[1] + 0.28) <= 0.12).all()
    spike, dot = taken.get_colors(), dots.get_facecolors()
    assert (dot[[1, 0, 2]] == spike[[0, 1, 1]]).all() and (spike[0] != spike[1]).any()
    assert list(words(ax)) == ["a"]


@case("figures.sampling.reseating", lines=3, collections=2, texts=3)
def _(ax):
    chances = [0.245, 0.75, 0.005]
    figures.sampling.reseating([0, 1, 3.0], [0, 0, 1], 2.0, chances, ax=ax)
    # The others' means, and to the right of all the place of a new cluster.
    places = [0.5, 3.0, 3.9]
    assert close([points(line) for line in ax.lines], [[[2, 1], [at, 0.2]] for at in places])
    assert np.allclose([line.get_linewidth() for line in ax.lines], [1.78, 3.8, 0.82])
    assert words(ax) == {"24%": (0.5, -0.3), "75%": (3, -0.3), "new": (3.9, 0.3)}
    assert inked(ax.collections[0]) == [[0, 0], [1, 0], [3, 0]]
    assert close(inked(ax.collections[1]), [[2, 1], [3.9, 0]])


@case("figures.sampling.draws_and_report", patches=9, texts=2)
def _(ax):
    draws = [[0, 1, 1], [0, 0, 1]]
    figures.sampling.draws_and_report(draws, [0, 0, 0], [0.5, 0.125], ax=ax)
    below = 3.2
    spans = [(y - height / 2, height) for y, height in ((0, 0.8), (1, 0.8), (below, 1.8))]
    assert close(boxes(ax), [(j, bottom, 1, high) for bottom, high in spans for j in range(3)])
    colors = [bar.get_facecolor() for bar in ax.patches]
    same = [[colors[3 * row + j] == colors[3 * row + j + 1] for j in (0, 1)] for row in range(3)]
    assert same == [[False, True], [True, False], [True, True]]
    assert words(ax) == {"50": (1, below + 2.3), "12": (2, below + 2.3)}
    assert close(ax.get_yticks(), [0.5, below, below + 2.3])


@case("figures.sampling.stick_and_atoms", lines=3, patches=3, collections=1, texts=1)
def _(ax):
    figures.sampling.stick_and_atoms([0.5, 0.25, 0.01], [1.0, -1.0, 0.3], stats.norm(), ax=ax)
    far = stats.norm.isf(1e-3)
    x, density = ax.lines[0].get_data()
    assert close((x[0], x[-1]), (-far, far)) and close(density, stats.norm.pdf(x))
    assert words(ax) == {"$H$": (x[158], 1.3 * density[158])}
    # The stick is as long as the axis, and above the spikes, of which the tallest is 0.5.
    pieces = 2 * far * np.array([0.5, 0.25, 0.01])
    left = 2 * far * np.array([0, 0.5, 0.75]) - far
    assert close(boxes(ax), [(at, 0.736, length, 0.128) for at, length in zip(left, pieces)])
    (spikes,) = ax.collections
    masses = [[[1, 0], [1, 0.5]], [[-1, 0], [-1, 0.25]], [[0.3, 0], [0.3, 0.01]]]
    assert close(segments(spikes), masses)
    assert [bar.get_facecolor() for bar in ax.patches] == list(map(tuple, spikes.get_colors()))
    # From the middle of a piece to the top of its spike.
    assert close(points(ax.lines[1]), [[left[0] + pieces[0] / 2, 0.72], [1, 0.5]])
    assert close(points(ax.lines[2]), [[left[1] + pieces[1] / 2, 0.72], [-1, 0.25]])


@case("figures.sampling.number_of_clusters", patches=7)
def _(ax):
    laws = {"a": [0, 0.25, 0.75], "b": [0, 0, 0.5, 0.5, 0, 0.004]}
    figures.sampling.number_of_clusters(laws, ax=ax)
    heights = [*bars([0.8, 1.8], [0.25, 0.75], 0.4), *bars(range(1, 6), laws["b"][1:], 0.4)]
    expected = [*heights[:2], *((x + 0.2, *rest) for x, *rest in heights[2:])]
    assert close(boxes(ax), expected) and ax.get_xlim() == (0.4, 3.6)


# figures.practice


@case("figures.practice.data_and_fits", lines=1, patches=30)
def _(ax):
    x = np.array([-2.1, -2.0, -1.8, 1.7, 2.0, 2.2])
    figures.practice.data_and_fits(x, {"one": selection.fit(x, 1, rng=1)}, ax=ax)
    grid, density = ax.lines[0].get_data()
    assert np.allclose(density, stats.norm(x.mean(), x.std()).pdf(grid), rtol=1e-3)
    assert (grid[0], grid[-1]) == (-2.1, 2.2) and close(boxes(ax), histogram(x, 30))


@case("figures.practice.growth_in_log_n", lines=2, collections=1)
def _(ax):
    values, lines = {"a": [[1, 2], [3, 4]]}, {"b": 0.5}
    figures.practice.growth_in_log_n([10, 100], values, lines, "y", ax=ax)
    assert [points(line) for line in ax.lines] == [
        [[10, 2], [100, 3]],
        [[10, 2], [100, pytest.approx(2 + 0.5 * np.log(10))]],
    ]
    assert close(segments(ax.collections[0]), [[[10, 0], [10, 4]], [[100, 1], [100, 5]]])


@case("figures.practice.laws_with_errors", patches=4, collections=1)
def _(ax):
    laws = {"a": ([0, 0.25, 0.75], None), "b": ([0, 0.5, 0.5], [0, 0.01, 0.02])}
    figures.practice.laws_with_errors(laws, ax=ax)
    assert close(boxes(ax), bars([0.8, 1.8, 1.2, 2.2], [0.25, 0.75, 0.5, 0.5], 0.4))
    assert ax.get_xlim() == (0.4, 2.6)
    errors = [[[1.2, 0.48], [1.2, 0.52]], [[2.2, 0.46], [2.2, 0.54]]]
    assert close(segments(ax.collections[0]), errors)


@case("figures.practice.sensitivity", lines=4, collections=1)
def _(ax):
    figures.practice.sensitivity([1, 2], {"a": [[1, 2, 3], [4, 4, 4]]}, [1.5, 2.5], ax=ax)
    line, lower, upper, before = ax.lines
    assert points(line) == [[1, 2], [2, 4]] and points(before) == [[1, 1.5], [2, 2.5]]
    assert close(segments(ax.collections[0]), [[[1, 1.1], [1, 2.9]], [[2, 4], [2, 4]]])
    # The caps of the error bars.
    assert close(points(lower), [[1, 1.1], [2, 4]]) and close(points(upper), [[1, 2.9], [2, 4]])


@case("figures.practice.scores", lines=2)
def _(ax):
    figures.practice.scores({"a": [-5, -3], "b": [-1, -2, -3]}, ax=ax)
    assert [points(line) for line in ax.lines] == [[[1, -2], [2, 0]], [[1, 0], [2, -1], [3, -2]]]
    assert ax.get_xticks().tolist() == [1, 2, 3]


@case("figures.practice.seconds", lines=2)
def _(ax):
    figures.practice.seconds([10, 100], {"a": [0.1, 1], "b": [0.2, 2]}, ax=ax)
    assert [points(line) for line in ax.lines] == [[[10, 0.1], [100, 1]], [[10, 0.2], [100, 2]]]


@case("figures.practice.bars", patches=2)
def _(ax):
    figures.practice.bars([0.25, 0.75], "k", "p", ax=ax)
    assert close(boxes(ax), bars([1, 2], [0.25, 0.75], 0.8))
    assert ax.get_xticks().tolist() == [1, 2]


@case("figures.practice.data", lines=1, patches=30)
def _(ax):
    x = np.array([0.0, 0.5, 3.0])
    figures.practice.data(x, "a", ax=ax)
    assert close(boxes(ax), histogram(x, 30))
    assert points(ax.lines[0]) == [[0, 0], [0.5, 0], [3, 0]]
    assert ax.get_xlabel() == "a"


@case("figures.practice.table", lines=2, images=1)
def _(ax):
    x = [[1, 5, 0], [3, np.nan, 0], [2, 15, 0]]
    figures.practice.table(x, ["a", "b", "c"], {"g": 2, "h": 1}, ax=ax)
    shade = [[0, 1, 0.5], [0, np.nan, 1], [0, 0, 0]]
    np.testing.assert_allclose(ax.images[0].get_array().filled(np.nan), shade)
    (image,) = ax.images
    assert tuple(image.get_extent()) == (-0.5, 2.5, 2.5, -0.5)
    crosses, border = ax.lines
    assert np.transpose(crosses.get_data()).tolist() == [[1, 1]]
    assert (
        np.array(border.get_data()).tolist() == [[1.5, 1.5], [0, 1]] and crosses.get_marker() == "x"
    )
    assert [t.get_text() for t in ax.get_xticklabels()] == ["g", "h"]
    assert ax.get_xticks().tolist() == [0.5, 2] and ax.get_yticks().tolist() == [0, 1, 2]
    assert [t.get_text() for t in ax.get_yticklabels()] == ["a", "b", "c"]


@case("figures.practice.counts", lines=1, patches=4)
def _(ax):
    figures.practice.counts([0, 3, 1, 1], {"law": [0.5, 0.25]}, ax=ax)
    np.testing.assert_allclose(boxes(ax), bars([0, 1, 2, 3], [1, 2, 0, 1], 0.8))
    (line,) = ax.lines
    np.testing.assert_allclose(line.get_data(), [[0, 1], [2, 1]])
    assert line.get_label() == "law" and line.get_linestyle() == "None"


@case("figures.practice.filled_in", lines=4)
def _(ax):
    figures.practice.filled_in([[1, 2], [4, 6], [2, np.nan], [3, np.nan]], ax=ax)
    *ways, seen, filled = ax.lines
    edges = [np.array(line.get_data()).tolist() for line in ways]
    assert edges == [[[2, 2], [0, 1]], [[3, 3], [0, 1]]]
    np.testing.assert_allclose(seen.get_data(), [[1, 4], [2, 6]])
    np.testing.assert_allclose(filled.get_data(), [[2, 3], [4, 4]])
    assert seen.get_label() == "both values seen" and filled.get_marker() == "s"


@case("figures.practice.near_truth", lines=6, patches=3)
def _(ax):
    figures.practice.near_truth([0, 0.5, 1], [0.5], ax=ax)
    frames, true = ax.lines[::2], ax.lines[1::2]
    for x, w, area, frame in zip([0, 4.8, 9.6], [0, 0.5, 1], ax.patches, frames, strict=True):
        mu1, mu2 = (area.get_xy() - [x, 0]).T
        t = abs(w * mu1 + (1 - w) * mu2) + w * mu1**2 + (1 - w) * mu2**2
        on_edge = np.isclose(np.maximum(abs(mu1), abs(mu2)), 2)
        assert (np.isclose(t, 0.5) | (on_edge & (t < 0.5))).all()
        # As far apart as t allows with the mean at zero, or as far as the square goes.
        apart, far = (mu1 - mu2).max(), np.maximum(abs(mu1), abs(mu2)).max()
        assert apart == pytest.approx(np.sqrt(2)) if w == 0.5 else far == 2
        square = [[-2, -2], [2, -2], [2, 2], [-2, 2], [-2, -2]]
        assert points(frame) == [[pytest.approx(x + a), b] for a, b in square]
    ends = [[[-2, 0], [2, 0]], [[4.8, 0]], [[9.6, -2], [9.6, 2]]]
    assert [points(line) for line in true] == ends
    assert ax.get_xticks().tolist() == [0, 4.8, 9.6]


def test_the_current_axes_are_the_default():
    _, (_, right) = plt.subplots(1, 2)
    assert plotting.traces({"a": [1, 2]}, "K") is right and len(right.lines) == 1


@pytest.mark.slow
def test_running_times_have_a_number_for_each_size():
    times = figures.practice.running_times([50, 60], truncation=3, rng=1)
    assert {"collapsed sampler", "mean field"} <= set(times)
    assert all(len(row) == 2 and min(row) > 0 for row in times.values())


# What a user hands over is checked.


GRID = [0.0, 1.0]


@pytest.mark.parametrize(
    ("draw", "message"),
    [
        (lambda: plotting.answer("x"), "result = 'x': expected an Analysis"),
        (lambda: plotting.answer(analysis(2), pair=(0, 5)),
         "pair = (0, 5): expected two of the 2 columns, 0 to 1"),
        (lambda: plotting.answer(analysis(2), pair=(1, 1)), "pair = (1, 1): expected two"),
        (lambda: plotting.answer(analysis(3), pair=(-1, 0)), "pair = (-1, 0): expected two"),
        (lambda: plotting.answer(analysis(2), pair=(0.0, 1)), "pair = (0.0, 1): expected two"),
        (lambda: plotting.answer(analysis(2), pair=1), "pair = 1: expected two"),
        (lambda: plotting.cluster_laws([0, 1]), "laws = [0, 1]: expected a dict"),
        (lambda: plotting.cluster_laws({}), "laws = {}: expected a dict"),
        (lambda: plotting.cluster_laws({"a": "b"}), "laws['a'] = 'b': expected"),
        (lambda: plotting.densities([GRID], {"a": GRID}), "grid = "),
        (lambda: plotting.densities(GRID, {"a": [1]}), "curves['a'] = array of shape (1,)"),
        (lambda: plotting.densities(GRID, {"a": GRID}, "x"), "x = 'x'"),
        (lambda: plotting.density_bands(GRID, GRID, GRID, GRID), "draws = "),
        (lambda: plotting.density_bands(GRID, [[1]], GRID, GRID), "draws = array of shape (1, 1)"),
        (lambda: plotting.density_bands(GRID, [GRID], [1], GRID), "exact = array of shape (1,)"),
        (lambda: plotting.density_bands(GRID, [GRID], GRID, [np.nan]), "x[0] = nan"),
        (lambda: plotting.traces({"a": [[1]]}, "K"), "traces['a'] = "),
        (lambda: plotting.autocorrelations({"a": GRID}, exact="x"), "exact = 'x'"),
        (lambda: plotting.autocorrelations(None), "estimates = None"),
        (lambda: plotting.similarity_heatmap([[1, 2], [2, 1]]), "similarity = "),
        (lambda: plotting.similarity_heatmap(np.eye(2), labels=[0]), "labels = array of shape"),
        (lambda: plotting.similarity_heatmap(np.eye(2), labels=[0, 2]), "labels = [0, 2]"),
        (lambda: plotting.partition_panels([[1, 2, 3]], {"a": [0]}), "x = array of shape (1, 3)"),
        (lambda: plotting.partition_panels([[1, 2]], {"a": [1]}), "partitions['a'] = [1]"),
        (lambda: plotting.partition_panels([[1, 2]], {"a": [0, 0]}), "partitions['a'] = array"),
        (lambda: figures.practice.running_times([0]), "sizes = 0"),
        (lambda: figures.practice.running_times([5], truncation=0), "truncation = 0"),
        (lambda: figures.practice.running_times([5], rng="x"), "rng = 'x'"),
        (lambda: figures.clusters.tables_growth(5, [1], rng="x"), "rng = 'x'"),
    ],
)  # fmt: skip
def test_bad_input_is_refused_before_anything_is_drawn(draw, message):
    with pytest.raises(ValueError, match=f"^{re.escape(message)}"):
        draw()
    assert plt.get_fignums() == []


# What 0.1 had.


@pytest.mark.parametrize("part", figures.__all__)
def test_old_names_work_and_say_where_a_figure_is(part):
    for name in plotting._MOVED[part].split():
        words = f"^dpnotes.plotting.{name} is now dpnotes.figures.{part}.{name}$"
        with pytest.warns(DeprecationWarning, match=words) as caught:
            figure = getattr(plotting, name)
        assert figure.__wrapped__ is getattr(getattr(figures, part), name)
        assert caught[0].filename == __file__


def test_old_calls_by_position_work():
    with pytest.warns(DeprecationWarning, match="urn_shares"):
        draw = plotting.urn_shares
    _, ax = plt.subplots()
    with pytest.warns(DeprecationWarning, match="urn_shares: write ax=..., no longer by"):
        assert draw([[0, 1]], None, ax) is ax
    with pytest.warns(DeprecationWarning, match="traces: write ax=..."):
        assert plotting.traces({"a": [1]}, "K", ax) is ax


@pytest.mark.slow
def test_the_old_name_of_the_times_works():
    with pytest.warns(DeprecationWarning, match="now dpnotes.figures.practice.running_times"):
        cost = workflow.cost
    with pytest.warns(DeprecationWarning, match="write truncation=..., rng=..., no longer"):
        assert "mean field" in cost([20], 3, 1)


def test_the_figures_load_on_use():
    assert isinstance(figures.process, types.ModuleType) and set(figures.__all__) <= set(
        dir(figures)
    )
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        figures.nonsense
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        plotting.nonsense


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("values", [[1.0], [2.0, 2.0], [0.0, 1e-310], [5e-324, 1e-322]])
def test_a_histogram_without_a_density_that_is_a_float_is_refused(values):
    for draw in (
        lambda ax: figures.clusters.null_histogram(values, 0.5, "F", ax=ax),
        lambda ax: plotting.replicates({"a": values}, 0.5, "F", ax=ax),
    ):
        try:
            ax = draw(plt.figure().gca())
        except ValueError as error:
            assert re.match(r"(values|replicated) = .*: expected numbers ", str(error))
        else:
            assert all(np.isfinite(patch.get_height()) for patch in ax.patches)
        finally:
            plt.close("all")


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("w", [0.0, 5e-311])
def test_the_border_at_a_weight_of_almost_0_is_within_the_square(w):
    border = np.array(figures.practice._outline(w, 0.5, 1e-8))
    assert np.abs(border).max() < 1  # finite, too


def test_a_density_beyond_all_numbers_is_refused():
    narrow = stats.norm(0, 1e-310)
    with pytest.raises(ValueError, match="base"):
        figures.process.base_and_spikes(1.0, narrow, [0.0])
    with pytest.raises(ValueError, match="base"):
        figures.sampling.stick_and_atoms([0.5, 0.2], [0.0, 1e-310], narrow)


def test_noise_below_all_distances_is_drawn():
    measure = measures.Discrete([0.0, 1.0], [0.5, 0.5])
    ax = figures.sampling.blurred_atoms(measure, [0.0], [0.0], 5e-324, "")
    heights = ax.collections[0].get_paths()[0].vertices[:, 1]
    # On the grid, the right atom itself and a place four deviations left of the left one.
    assert np.allclose(np.unique(heights), [0, np.exp(-8), 1], atol=0)


@pytest.mark.parametrize(
    "name, draw",
    [
        ("point", lambda far: figures.sampling.reseating([0, 1.0], [0, 1], far, [0.5, 0.5, 0])),
        ("x", lambda far: plotting.densities([0, 1.0], {"one": [1.0, 1.0]}, [far])),
        ("x", lambda far: plotting.density_bands([0, 1.0], [[1, 1]], [1, 1], [far])),
        ("exact", lambda far: plotting.density_bands([0, 1.0], [[1, 1]], [1, far], [0.5])),
        ("x", lambda far: plotting.partition_panels([[0, 0], [0, far]], {"one": [0, 1]})),
    ],
)
def test_a_place_off_every_axis_is_refused(name, draw):
    with pytest.raises(ValueError, match=f"^{name} = .* to be drawn"):
        draw(1.797e308)


# Figures as drawings that stand in a page.


def themed_root(figure, prefix="d-"):
    return ElementTree.fromstring(_svg.themed(figure, prefix))


def styles(root):
    return " ".join(part.get("style", "") for part in root.iter())


def test_a_drawing_has_the_colours_of_the_page():
    figure, ax = plt.subplots()
    ax.plot([0, 1], color=COLORS[1])
    ax.bar([0], [1], color="0.6", edgecolor="white")
    ax.bar([1], [1], color="#123456")
    style = styles(themed_root(figure))
    assert "stroke:var(--figure-2)" in style and "stroke:var(--figure-ground)" in style
    assert "fill:color-mix(in srgb,var(--figure-ink) 40%,var(--figure-ground))" in style
    assert set(re.findall(r"#[0-9a-f]{6}", style)) == {"#123456"}


def test_the_words_of_a_drawing_are_text_in_the_order_of_reading():
    figure, ax = plt.subplots()
    ax.set(xlabel=r"number of clusters $k$", ylabel=r"$P(K_n=k)$", xticks=[0.5], yticks=[])
    ax.set_yticks([])
    root = themed_root(figure)
    words = ["".join(text.itertext()) for text in root.iter("text")]
    assert words == ["0.5", "number of clusters k", "P(Kn=k)"]
    assert "font-family" not in styles(root) and "'" not in styles(root)


def test_ids_of_a_drawing_begin_with_its_prefix_and_all_are_used():
    figure, ax = plt.subplots()
    ax.plot([0, 1], "o")
    text = _svg.themed(figure, "one-")
    ids = re.findall(r'\bid="([^"]+)"', text)
    used = re.findall(r'(?:href="|url\()#([^")]+)', text)
    assert len(ids) == len(set(ids)) > 1 and set(ids) == set(used)
    assert all(name.startswith("one-") for name in ids)
    assert _svg.themed(figure, "one-") == text


@pytest.mark.parametrize("count", [_svg.MOST, _svg.MOST + 1])
def test_clouds_in_a_drawing_are_pixels(count):
    figure, ax = plt.subplots()
    x = np.linspace(0, 1, count)
    (dots,) = ax.plot(x, x, "o")
    ax.plot(x, x)
    root = themed_root(figure)
    assert len(list(root.iter("image"))) == (count > _svg.MOST)
    assert not dots.get_rasterized()
    area, ax = plt.subplots()
    ax.fill_between(np.arange(4 * count), np.arange(4 * count) % 2)
    assert len(list(themed_root(area).iter("image"))) == 1
    mesh, ax = plt.subplots()
    ax.pcolormesh(np.eye(3))
    assert len(list(themed_root(mesh).iter("image"))) == 1
