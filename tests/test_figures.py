"""Each figure draws the numbers it is handed; a figure without a case here fails."""

import contextlib
import inspect
import re
import types

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.axes import Axes
from scipy import stats

from dpnotes import (
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


def case(name, **marks):
    """Keep the case of a figure: it draws on ax and looks at the data of these marks."""

    def keep(draw):
        CASES[name] = draw, dict.fromkeys(KINDS, 0) | marks
        return draw

    return keep


def run(name):
    draw, marks = CASES[name]
    _, ax = plt.subplots()
    draw(ax)
    assert {kind: len(getattr(ax, kind)) for kind in KINDS} == marks


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


def heights(ax):
    return [bar.get_height() for bar in ax.patches]


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
    assert heights(ax) == [0.25, 0.75, 0.5, 0.5]
    middles = [bar.get_x() + bar.get_width() / 2 for bar in ax.patches]
    assert middles == pytest.approx([0.8, 1.8, 1.2, 2.2])


@case("plotting.densities", lines=3)
def _(ax):
    plotting.densities([0, 1, 2], {"a": [0, 1, 0], "b": [1, 0, 1]}, [0.5, 0.75], ax=ax)
    assert labelled(ax)["a"].tolist() == [0, 1, 0] and labelled(ax)["b"].tolist() == [1, 0, 1]
    assert points(ax.lines[2]) == [[0.5, 0], [0.75, 0]]


@case("plotting.density_bands", lines=7, collections=1)
def _(ax):
    draws = np.arange(30.0).reshape(10, 3)
    plotting.density_bands([0, 1, 2], draws, [1, 2, 3], [0.5], ax=ax)
    assert [line.get_ydata().tolist() for line in ax.lines[:5]] == draws[:5].tolist()
    assert labelled(ax)["predictive"].tolist() == [1, 2, 3]
    edge = ax.collections[0].get_paths()[0].vertices
    assert {1.35, 25.65} <= set(edge[edge[:, 0] == 0, 1].round(9))


@case("plotting.traces", lines=2)
def _(ax):
    plotting.traces({"a": [1, 2, 2], "b": [3, 2]}, "K", ax=ax)
    assert [points(line) for line in ax.lines] == [[[1, 1], [2, 2], [3, 2]], [[1, 3], [2, 2]]]
    assert ax.get_ylabel() == "K"


@case("plotting.autocorrelations", lines=4)
def _(ax):
    plotting.autocorrelations({"a": [1, 0.5], "b": [1, 0.25]}, exact=[1, 0.4], ax=ax)
    assert [points(line) for line in ax.lines[:3]] == [[[0, 1], [1, y]] for y in (0.5, 0.25, 0.4)]


@case("plotting.similarity_heatmap", collections=3)
def _(ax):
    labels = np.array([0, 1, 0, 1])
    similarity = 0.8 * (labels == labels[:, None]) + 0.2 * np.eye(4)
    plotting.similarity_heatmap(similarity, labels=labels, ax=ax)
    order = partitions.seriation(similarity)
    shown = np.reshape(ax.collections[0].get_array(), (4, 4))
    assert np.array_equal(shown, similarity[np.ix_(order, order)])
    assert ax.collections[1].get_segments()[0][0, 1] == 2
    assert ax.collections[2].get_segments()[0][0, 0] == 2


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
    assert np.allclose(points(ax.lines[1]), [[0, 0], [0.75, np.sqrt(0.75) / 2]])


@case("figures.process.unit_bars", patches=5)
def _(ax):
    figures.process.unit_bars({"a": [[0.25, 0.75], [0.5, 0.5]], "b": [[0.0, 1.0]]}, ax=ax)
    spans = [(bar.get_x(), bar.get_width()) for bar in ax.patches]
    assert spans == [(0, 0.75), (0.75, 0.25), (0, 0.5), (0.5, 0.5), (0, 1)]
    assert [label.get_text() for label in ax.get_yticklabels()] == ["a", "b"]


@case("figures.process.cell_masses", patches=2, texts=1)
def _(ax):
    figures.process.cell_masses([0, 0.25, 1], [0.4, 0.6], "a", ax=ax)
    assert heights(ax) == [0.4, 0.6]
    assert [bar.get_width() for bar in ax.patches] == [0.25, 0.75]


@case("figures.process.random_cdfs", lines=3, texts=1)
def _(ax):
    figures.process.random_cdfs([0, 1], [[0, 1], [0.5, 1]], [0.25, 0.75], "a", ax=ax)
    assert [line.get_ydata().tolist() for line in ax.lines] == [[0, 1], [0.5, 1], [0.25, 0.75]]


@case("figures.process.beta_densities", lines=3)
def _(ax):
    figures.process.beta_densities(0.5, [2, 4], ax=ax)
    for line, a in zip(ax.lines[:2], (1, 2), strict=True):
        assert np.allclose(line.get_ydata(), stats.beta(a, a).pdf(line.get_xdata()))


@case("figures.process.posterior_bands", lines=3, collections=2)
def _(ax):
    theta = [0.5, -0.5]
    figures.process.posterior_bands(2.0, stats.norm(), theta, (0, 2), stats.norm.cdf, ax=ax)
    x, mean = ax.lines[1].get_data()
    below = (np.array(theta)[:, None] <= x).sum(axis=0)
    assert np.allclose(mean, (2 * stats.norm.cdf(x) + below) / 4)
    assert np.allclose(ax.lines[2].get_ydata(), stats.norm.cdf(x))


@case("figures.process.posterior_of_set", lines=3)
def _(ax):
    figures.process.posterior_of_set(4.0, 0.5, 3, 1, ax=ax)
    for line, (a, b) in zip(ax.lines, [(2, 2), (5, 3), (8, 4)], strict=True):
        assert np.allclose(line.get_ydata(), stats.beta(a, b).pdf(line.get_xdata()))


@case("figures.process.urn_path", collections=3)
def _(ax):
    figures.process.urn_path([0.1, 0.5, 0.1, 0.1, 2.0], ax=ax)
    _, copies, new = ax.collections
    assert inked(new) == [[1, 0.1], [2, 0.5], [5, 2.0]]
    assert inked(copies) == [[3, 0.1], [4, 0.1]]


@case("figures.process.urn_shares", lines=2, collections=1)
def _(ax):
    shares = [[1, 0.5, 1 / 3], [0, 0.5, 2 / 3]]
    figures.process.urn_shares(shares, stats.beta(2, 2), ax=ax)
    assert [line.get_ydata().tolist() for line in ax.lines] == shares


# figures.clusters


@case("figures.clusters.restaurant", patches=2, texts=5)
def _(ax):
    figures.clusters.restaurant([0, 0, 1], ax=ax)
    assert [text.get_text() for text in ax.texts] == ["1", "1", "2", "2", "3"]


@case("figures.clusters.table_shares", collections=2)
def _(ax):
    figures.clusters.table_shares([0, 0, 1, 1], ax=ax)
    tops = [band.get_paths()[0].vertices[:, 1].max() for band in ax.collections]
    assert tops == [1, 1] and ax.get_xlim() == (1, 4)


@case("figures.clusters.observed_and_exact", lines=1, patches=2, collections=1)
def _(ax):
    args = ["a", "b"], [0.4, 0.6], [0.1, 0.2], [0.5, 0.25], "what"
    figures.clusters.observed_and_exact(*args, ax=ax)
    assert heights(ax) == [0.5, 0.25] and points(ax.lines[0]) == [[0, 0.4], [1, 0.6]]
    ends = [segment[:, 1] for segment in ax.collections[0].get_segments()]
    assert np.allclose(ends, [[0.2, 0.6], [0.2, 1.0]])


@case("figures.clusters.forest", lines=3, collections=3, texts=3)
def _(ax):
    figures.clusters.forest([0, 0, 2], ax=ax)
    assert [inked(disc) for disc in ax.collections] == [[[i, 0]] for i in range(3)]
    assert [line.get_xdata().min() for line in ax.lines] == pytest.approx([0, 0, 2])


@case("figures.clusters.tables_growth", lines=8, texts=2)
def _(ax):
    figures.clusters.tables_growth(100, [1, 3], rng=1, ax=ax)
    for line, alpha in zip(ax.lines[3::4], (1, 3), strict=True):
        mean = clusters.NumClusters(100, alpha).mean()
        assert line.get_ydata()[-1] == pytest.approx(mean)
        paths = np.array([other.get_ydata() for other in ax.lines if other is not line])
        assert (np.diff(paths) >= 0).all()


@case("figures.clusters.tables_mean_bounds", lines=2, collections=1)
def _(ax):
    figures.clusters.tables_mean_bounds(0.5, ax=ax)
    n, mean = ax.lines[0].get_data()
    assert mean[-1] == pytest.approx(clusters.NumClusters(int(n[-1]), 0.5).mean())


@case("figures.clusters.tables_law", lines=2, patches=12)
def _(ax):
    law = clusters.NumClusters(50, 1.0)
    figures.clusters.tables_law(law, ax=ax)
    k = ax.lines[0].get_xdata()
    assert np.allclose(heights(ax), law.pmf(k))
    assert np.allclose(ax.lines[0].get_ydata(), stats.poisson.pmf(k - 1, law.mean() - 1))


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
    estimates, law = ax.lines[0].get_data()
    assert estimates[0] == pytest.approx(clusters.estimate_alpha(2, 10)[0])
    assert law[0] == pytest.approx(clusters.NumClusters(10, 1.0).cdf(2))


@case("figures.clusters.null_histogram", lines=1, patches=60)
def _(ax):
    figures.clusters.null_histogram([0.0, 0.5, 1.0], 0.75, "F", ax=ax)
    assert np.flatnonzero(heights(ax)).tolist() == [0, 30, 59]
    assert ax.lines[0].get_xdata() == [0.75, 0.75]


@case("figures.clusters.stick_pieces", patches=3)
def _(ax):
    rows = [np.array([0.25, 0.5]), np.array([0.75, 1e-6])]
    figures.clusters.stick_pieces({"a": rows}, ax=ax)
    spans = [(bar.get_x(), bar.get_width()) for bar in ax.patches]
    assert spans == [(0, 0.25), (0.25, 0.5), (0, 0.75)]


@case("figures.clusters.half_line", collections=3, texts=3)
def _(ax):
    figures.clusters.half_line([1, 2], [0.5, 1.5, 3], ax=ax)
    assert [segment[0, 0] for segment in ax.collections[1].get_segments()] == [1, 2]
    assert inked(ax.collections[2]) == [[0.5, 0], [1.5, 0], [3, 0]]


@case("figures.clusters.measure_cdfs", lines=2)
def _(ax):
    measure = measures.Discrete([0.0, 1.0], [0.25, 0.75])
    figures.clusters.measure_cdfs({"a": measure}, stats.norm(), ax=ax)
    assert ax.lines[0].get_ydata().tolist() == [0, 0.25, 1, 1]
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
    assert ax.lines[0].get_label().startswith(f"a: {diagnostics.ess(draws) / 2:.0f} ")


# figures.sampling


@case("figures.sampling.mixture_draws", lines=2, collections=2)
def _(ax):
    model = mixture.DPMixture(1.0, components.Gaussian(0, 1, 0.5))
    draws = {1.0: model.sample(5, rng=1), 2.0: model.sample(5, rng=2)}
    figures.sampling.mixture_draws(draws, ax=ax)
    for (x, _, theta), dots, ticks in zip(draws.values(), ax.collections, ax.lines, strict=True):
        assert np.array_equal(dots.get_offsets()[:, 0], x[:, 0])
        assert np.array_equal(ticks.get_xdata(), theta[:, 0])


@case("figures.sampling.similarity_table", texts=4, images=1)
def _(ax):
    figures.sampling.similarity_table([[1, 0.25], [0.25, 1]], [0.5, 1.5], ax=ax)
    assert [text.get_text() for text in ax.texts] == ["100", "25", "25", "100"]
    assert ax.images[0].get_array().tolist() == [[100, 25], [25, 100]]


@case("figures.sampling.predictive_density", lines=3)
def _(ax):
    figures.sampling.predictive_density([0, 1], [0, -1], [-2, -3], [0.5], ax=ax)
    assert np.allclose(labelled(ax)["given the data"], np.exp([0, -1]))
    assert np.allclose(labelled(ax)["before the data"], np.exp([-2, -3]))
    assert points(ax.lines[2]) == [[0.5, 0]]


@case("figures.sampling.jensen", lines=4)
def _(ax):
    figures.sampling.jensen(1.0, others=0.3, values=[0.1, 0.9], ax=ax)
    chances = np.array([0.25, 0.75])
    assert np.allclose(points(ax.lines[1]), [[0.1, 0.25], [0.9, 0.75]])
    assert np.allclose(points(ax.lines[2]), [[0.5, 0.625]])
    assert np.allclose(points(ax.lines[3]), [[0.5, chances.mean()]])


@case("figures.sampling.geweke_scores", lines=2, patches=1)
def _(ax):
    figures.sampling.geweke_scores({"a": [0.5, -1], "b": [2, 9]}, ["K", "z"], ax=ax)
    assert [line.get_xdata().tolist() for line in ax.lines] == [[0.5, -1], [2, 9]]
    assert [label.get_text() for label in ax.get_yticklabels()] == ["K", "z"]


@case("figures.sampling.one_cluster_fading", lines=2, collections=1)
def _(ax):
    figures.sampling.one_cluster_fading([10, 100], [0.5, 0.25], [0.1, 0.05], [0, 0.5], ax=ax)
    assert [points(line) for line in ax.lines] == [[[10, 0.5], [100, 0.25]], [[10, 0], [100, 0.5]]]
    ends = [segment[:, 1] for segment in ax.collections[0].get_segments()]
    assert np.allclose(ends, [[0.3, 0.7], [0.15, 0.35]])


@case("figures.sampling.elbo_traces", lines=3)
def _(ax):
    figures.sampling.elbo_traces({"a": [-3, -2], "b": [-4, -3.5, -3]}, -1.0, ax=ax)
    assert [points(line) for line in ax.lines[1:]] == [
        [[1, -3], [2, -2]],
        [[1, -4], [2, -3.5], [3, -3]],
    ]
    assert ax.lines[0].get_ydata() == [-1, -1]


@case("figures.sampling.elbo_by_truncation", lines=3)
def _(ax):
    figures.sampling.elbo_by_truncation([2, 4], [-3, -2], [-1.5, -1.75], -1.0, ax=ax)
    assert [points(line) for line in ax.lines[1:]] == [[[2, -1.5], [4, -1.75]], [[2, -3], [4, -2]]]
    assert ax.lines[0].get_ydata() == [-1, -1]


@case("figures.sampling.bound_by_pass", lines=2)
def _(ax):
    figures.sampling.bound_by_pass(np.array([-3, -2]), np.array([-3, -2.5, -1]), 2, ax=ax)
    assert [points(line) for line in ax.lines] == [[[1, 2], [2, 1]], [[1, 2], [1.5, 1.5]]]


# figures.practice


@case("figures.practice.data_and_fits", lines=1, patches=30)
def _(ax):
    x = np.array([-2.1, -2.0, -1.8, 1.7, 2.0, 2.2])
    figures.practice.data_and_fits(x, {"one": selection.fit(x, 1, rng=1)}, ax=ax)
    grid, density = ax.lines[0].get_data()
    assert np.allclose(density, stats.norm(x.mean(), x.std()).pdf(grid), rtol=1e-3)
    assert sum(bar.get_height() * bar.get_width() for bar in ax.patches) == pytest.approx(1)


@case("figures.practice.growth_in_log_n", lines=2, collections=1)
def _(ax):
    values, lines = {"a": [[1, 2], [3, 4]]}, {"b": 0.5}
    figures.practice.growth_in_log_n([10, 100], values, lines, "y", ax=ax)
    assert [points(line) for line in ax.lines] == [
        [[10, 2], [100, 3]],
        [[10, 2], [100, pytest.approx(2 + 0.5 * np.log(10))]],
    ]
    ends = [segment[:, 1] for segment in ax.collections[0].get_segments()]
    assert np.allclose(ends, [[0, 4], [1, 5]])


@case("figures.practice.laws_with_errors", patches=4, collections=1)
def _(ax):
    laws = {"a": ([0, 0.25, 0.75], None), "b": ([0, 0.5, 0.5], [0, 0.01, 0.02])}
    figures.practice.laws_with_errors(laws, ax=ax)
    assert heights(ax) == [0.25, 0.75, 0.5, 0.5] and ax.get_xlim() == (0.4, 2.6)
    ends = [segment[:, 1] for segment in ax.collections[0].get_segments()]
    assert np.allclose(ends, [[0.48, 0.52], [0.46, 0.54]])


@case("figures.practice.sensitivity", lines=4, collections=1)
def _(ax):
    figures.practice.sensitivity([1, 2], {"a": [[1, 2, 3], [4, 4, 4]]}, [1.5, 2.5], ax=ax)
    line, _, _, before = ax.lines
    assert points(line) == [[1, 2], [2, 4]] and points(before) == [[1, 1.5], [2, 2.5]]
    ends = [segment[:, 1] for segment in ax.collections[0].get_segments()]
    assert np.allclose(ends, [[1.1, 2.9], [4, 4]])


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
    assert heights(ax) == [0.25, 0.75] and ax.get_xticks().tolist() == [1, 2]


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
        (lambda: plotting.answer("x"), "result = 'x': expected what dpnotes.workflow.analyse"),
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
