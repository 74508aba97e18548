"""Measures on the line and in R^d against sums of fractions and SciPy's own tails."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from dpnotes import measures
from dpnotes.measures import Discrete, Mixture, prob

quick = settings(deadline=None, max_examples=50, derandomize=True)
THIRDS = [Fraction(1, 3)] * 3


@st.composite
def fractional(draw):
    """A discrete measure of fractions, possibly with repeated atoms and zero weights."""
    counts = draw(st.lists(st.integers(0, 9), min_size=1, max_size=7).filter(any))
    atoms = draw(st.lists(st.integers(-4, 4), min_size=len(counts), max_size=len(counts)))
    return atoms, [Fraction(c, sum(counts)) for c in counts]


EDGES = st.lists(st.sampled_from(np.arange(-5, 5.5, 0.5).tolist()), unique=True).map(sorted)


@quick
@given(fractional(), EDGES)
def test_discrete_cells_are_sums_of_weights(measure, edges):
    atoms, weights = measure
    bounds = [-np.inf, *edges, np.inf]
    cells = prob(Discrete(atoms, weights), edges)
    for low, high, cell in zip(bounds, bounds[1:], cells):
        assert cell == sum(w for a, w in zip(atoms, weights) if low < a <= high)
    floats = prob(Discrete(atoms, np.array(weights, dtype=float)), edges)
    assert floats.dtype == np.float64
    assert np.allclose(floats, cells.astype(float), rtol=1e-12, atol=1e-15)


@quick
@given(fractional(), fractional(), st.integers(0, 5), EDGES)
def test_mixture_cells_are_exact(first, second, fifths, edges):
    first, second, w = Discrete(*first), Discrete(*second), Fraction(fifths, 5)
    mixed = Mixture([w, 1 - w], [first, second])
    expected = w * first.prob(edges) + (1 - w) * second.prob(edges)
    assert (mixed.prob(edges) == expected).all() and measures.exact(mixed)
    x = np.arange(-5, 5, 0.25)
    assert np.allclose(mixed.cdf(x), float(w) * first.cdf(x) + float(1 - w) * second.cdf(x))


@quick
@given(fractional())
def test_discrete_cdf_pmf_mean(measure):
    atoms, weights = measure
    discrete = Discrete(atoms, weights)
    for x in np.arange(-5, 5, 0.5):
        assert discrete.pmf(x) == sum(w for a, w in zip(atoms, weights) if a == x)
        below = sum(w for a, w in zip(atoms, weights) if a <= x)
        assert abs(discrete.cdf(x) - float(below)) < 1e-14
    assert discrete.mean() == pytest.approx(float(sum(a * w for a, w in zip(atoms, weights))))


def test_both_tails_are_accurate():
    edges = [-12.0, -11.0, 11.0, 12.0]
    cells = prob(stats.norm(), edges)
    tail = stats.norm.sf(11) - stats.norm.sf(12)
    assert cells[1] == pytest.approx(tail, rel=1e-12, abs=0)
    assert cells[3] == pytest.approx(tail, rel=1e-12, abs=0)
    assert cells[4] == pytest.approx(stats.norm.sf(12), rel=1e-12, abs=0)
    assert cells.sum() == pytest.approx(1, rel=1e-12, abs=0)


def test_infinite_outer_edges_may_be_left_out():
    inner = prob(stats.norm(), [0.0, 1.0])
    assert np.array_equal(prob(stats.norm(), [-np.inf, 0.0, 1.0, np.inf]), inner)
    assert prob(stats.norm(), []).tolist() == [1.0]


def test_scipy_discrete_cells_close_on_the_right():
    p = np.exp(-3)
    assert np.allclose(prob(stats.poisson(3), [0, 1]), [p, 3 * p, 1 - 4 * p])


def test_mixture_of_line_and_point():
    mixed = Mixture([0.25, 0.75], [stats.norm(), Discrete([1], [1])])
    assert np.allclose(mixed.prob([0, 1]), [0.125, 0.25 * 0.341344746 + 0.75, 0.25 * 0.158655254])
    assert mixed.mean() == pytest.approx(0.75)
    draws = mixed.rvs(40_000, random_state=1)
    # Four standard errors of a proportion.
    assert abs((draws == 1).mean() - 0.75) < 4 * np.sqrt(0.75 * 0.25 / 40_000)
    assert stats.kstest(draws[draws != 1], "norm").pvalue > 1e-4


def test_discrete_rvs_follow_the_weights():
    measure = Discrete([3, 1, 2, 9], [0.5, 0.2, 0.3, 0.0])
    draws = measure.rvs(400_000, random_state=2)
    counts = [(draws == a).sum() for a in [1, 2, 3]]
    assert sum(counts) == 400_000
    assert stats.chisquare(counts, [80_000, 120_000, 200_000]).pvalue > 1e-4


@pytest.mark.parametrize("size, shape", [(None, ()), (3, (3,)), ((2, 5), (2, 5)), (0, (0,))])
def test_rvs_shapes_and_seeds(size, shape):
    mixed = Mixture([0.5, 0.5], [stats.norm(), Discrete([0], [1])])
    for measure in [Discrete([0, 1], [0.5, 0.5]), mixed]:
        draw = measure.rvs(size, random_state=3)
        assert np.shape(draw) == shape
        assert np.array_equal(draw, measure.rvs(size, random_state=3))


def test_nested_mixtures_stay_flat():
    measure = stats.norm()
    for i in range(1_200):
        measure = Mixture([1 - 1 / (i + 2), 1 / (i + 2)], [measure, Discrete([i % 3], [1])])
    assert len(measure.parts) == 2 and measure.parts[1].atoms.tolist() == [0, 1, 2]
    assert measure.prob([0.5]).sum() == pytest.approx(1)


def test_possible():
    x = np.array([-1.0, 0.0, 0.5, 1.0])
    assert measures.possible(stats.uniform(), x).tolist() == [False, True, True, True]
    assert measures.possible(stats.poisson(1), x).tolist() == [False, True, False, True]
    discrete = Discrete([0, 0.5, 1], [0.5, 0.5, 0.0])
    assert measures.possible(discrete, x).tolist() == [False, True, True, False]
    mixed = Mixture([0.5, 0.5], [discrete, Discrete([-1], [1])])
    assert measures.possible(mixed, x).tolist() == [True, True, True, False]


@pytest.mark.parametrize(
    "edges", [[1, 0], [0, 0], [0, np.nan], [[0, 1]], 0.5, "ab", [np.inf, np.inf]]
)
@pytest.mark.parametrize(
    "measure", [stats.norm(), Discrete([0], [1]), Mixture([1], [stats.norm()])]
)
def test_bad_edges(measure, edges):
    with pytest.raises(ValueError, match="edges = .*expected"):
        prob(measure, edges)


@pytest.mark.parametrize(
    "atoms, weights, name",
    [
        ([], [], "atoms"),
        ([0, np.nan], [0.5, 0.5], "atoms"),
        ([[0, 1]], [0.5, 0.5], "weights"),
        ([[[0, 1]]], [1], "atoms"),
        (0, [1], "atoms"),
        ([[0, 1], [2]], [0.5, 0.5], "atoms"),
        ([0, 1], [0.5], "weights"),
        ([0, 1, 2], [0.5, 0.5], "weights"),
        ([0, 1], [0.5, 0.6], "weights"),
        ([0, 1], [1.5, -0.5], "weights"),
        ([0, 1], [0.5, np.nan], "weights"),
        ([0, 1], [Fraction(1, 3), Fraction(1, 3)], "weights"),
        ([0, 1], ["a", "b"], "weights"),
    ],
)
def test_bad_discrete(atoms, weights, name):
    with pytest.raises(ValueError, match=rf"{name}.* = .*expected"):
        Discrete(atoms, weights)


@pytest.mark.parametrize(
    "measure",
    [
        3,
        None,
        stats.gamma,
        stats.norm(0, -1),
        stats.gaussian_kde([1.0, 2.0, 4.0]),
        stats.wishart(3, np.eye(2)),
    ],
)
def test_bad_measures(measure):
    with pytest.raises(ValueError, match="measure = .*cdf on the line"):
        prob(measure, [0])
    with pytest.raises(ValueError, match=r"parts\[1\] = .*cdf on the line"):
        Mixture([0.5, 0.5], [stats.norm(), measure])


def test_bad_mixture_weights():
    with pytest.raises(ValueError, match="weights = .*as many as parts"):
        Mixture([1], [stats.norm(), stats.norm()])
    with pytest.raises(ValueError, match="weights = .*sum 1"):
        Mixture([0.5, 0.6], [stats.norm(), stats.norm()])


NORMAL = stats.multivariate_normal([0, 0.5], [[1, 0.3], [0.3, 2]])
PLANE = Discrete([[0, 0], [1, 2]], [Fraction(1, 4), Fraction(3, 4)])


@st.composite
def fractional_plane(draw):
    """A discrete measure of fractions on points of the plane, possibly with repeated atoms."""
    counts = draw(st.lists(st.integers(0, 9), min_size=1, max_size=7).filter(any))
    point = st.tuples(st.integers(-4, 4), st.integers(-4, 4))
    atoms = draw(st.lists(point, min_size=len(counts), max_size=len(counts)))
    return atoms, [Fraction(c, sum(counts)) for c in counts]


@quick
@given(fractional_plane(), EDGES, EDGES)
def test_discrete_boxes_are_sums_of_weights(measure, first, second):
    atoms, weights = measure
    discrete = Discrete(atoms, weights)
    boxes = discrete.prob([first, second])
    assert boxes.shape == (len(first) + 1, len(second) + 1)
    bounds = [[-np.inf, *first, np.inf], [-np.inf, *second, np.inf]]
    for (i, j), box in np.ndenumerate(boxes):
        (a, b), (c, d) = bounds[0][i : i + 2], bounds[1][j : j + 2]
        inside = (w for (x, y), w in zip(atoms, weights) if a < x <= b and c < y <= d)
        assert box == sum(inside)
    halves = Mixture([Fraction(1, 3), Fraction(2, 3)], [discrete, PLANE])
    expected = (boxes + 2 * PLANE.prob([first, second])) / 3
    assert (halves.prob([first, second]) == expected).all() and measures.exact(halves)


@quick
@given(fractional_plane())
def test_discrete_plane_cdf_pmf_mean(measure):
    atoms, weights = measure
    discrete = Discrete(atoms, weights)
    grid = np.stack(np.meshgrid(np.arange(-5, 5), np.arange(-5, 5), indexing="ij"), axis=-1)
    pmf, cdf = discrete.pmf(grid), discrete.cdf(grid)
    assert pmf.shape == cdf.shape == (10, 10)
    for i, j in [(1, 1), (4, 7), (9, 2), (9, 9)]:
        p, q = grid[i, j]
        assert pmf[i, j] == sum(w for a, w in zip(atoms, weights) if a == (p, q))
        below = sum(w for (x, y), w in zip(atoms, weights) if x <= p and y <= q)
        assert abs(cdf[i, j] - float(below)) < 1e-14
    mean = [sum(w * a[j] for a, w in zip(atoms, weights)) for j in range(2)]
    assert np.allclose(discrete.mean(), np.array(mean, dtype=float), atol=1e-14)


def test_atoms_in_the_plane_are_sorted_and_added_up():
    measure = Discrete([[1, 0], [0, 2], [1, 0], [0, 1]], [0.25] * 4)
    assert measure.atoms.tolist() == [[0, 1], [0, 2], [1, 0]]
    assert measure.weights.tolist() == [0.25, 0.25, 0.5]
    assert measure.pmf([1, 0]) == 0.5 and measure.pmf([0.0, 0.0]) == 0
    draws = measure.rvs(10_000, random_state=1)
    assert draws.shape == (10_000, 2)
    counts = [(draws == atom).all(axis=1).sum() for atom in measure.atoms]
    assert stats.chisquare(counts, [2_500, 2_500, 5_000]).pvalue > 1e-4


def test_normal_boxes_add_up_to_the_normals_of_each_axis():
    edges = [[-1.0, 0.2], [-0.5, 0.5, 2.5]]
    boxes = prob(NORMAL, edges)
    assert boxes.shape == (3, 4)
    # Absolute error of inclusion-exclusion: four roundings of a cdf, on sums of up to 4 boxes.
    assert np.allclose(boxes.sum(axis=1), prob(stats.norm(), edges[0]), rtol=0, atol=1e-14)
    columns = prob(stats.norm(0.5, np.sqrt(2)), edges[1])
    assert np.allclose(boxes.sum(axis=0), columns, rtol=0, atol=1e-14)
    quadrant = 0.25 + np.arcsin(0.3 / np.sqrt(2)) / (2 * np.pi)
    assert prob(NORMAL, [[0], [0.5]])[1, 1] == pytest.approx(quadrant, abs=1e-14)
    # Independent axes: products of the line's cells. A far box may lose all its digits, never its
    # sign.
    far = prob(stats.multivariate_normal([0, 0]), [[-9, 0, 9], [-9, 0, 9]])
    line = prob(stats.norm(), [-9, 0, 9])
    assert np.allclose(far, np.outer(line, line), rtol=0, atol=1e-14) and (far >= 0).all()


def test_mixture_in_the_plane():
    mixed = Mixture([0.25, 0.75], [NORMAL, PLANE])
    edges = [[0.5], [1.0]]
    expected = 0.25 * prob(NORMAL, edges) + 0.75 * PLANE.prob(edges).astype(float)
    assert np.allclose(mixed.prob(edges), expected, rtol=1e-15)
    assert np.allclose(mixed.cdf([0.5, 1.0]), expected[0, 0])
    assert np.allclose(mixed.mean(), 0.25 * np.array([0, 0.5]) + 0.75 * np.array([0.75, 1.5]))
    for size, shape in [(None, (2,)), (1, (1, 2)), (3, (3, 2)), ((4, 5), (4, 5, 2)), (0, (0, 2))]:
        assert np.shape(mixed.rvs(size, random_state=1)) == shape
    draws = mixed.rvs(40_000, random_state=1)
    atom = (draws == [1, 2]).all(axis=1).mean()
    assert abs(atom - 9 / 16) < 4 * np.sqrt(9 / 16 * 7 / 16 / 40_000)
    free = draws[~((draws == [1, 2]).all(axis=1) | (draws == 0).all(axis=1))]
    assert stats.kstest(free @ [1, 1], stats.norm(0.5, np.sqrt(3.6)).cdf).pvalue > 1e-4


def test_possible_in_the_plane():
    x = np.array([[0, 0], [1, 2], [0.25, 0.75]])
    assert measures.possible(PLANE, x).tolist() == [True, True, False]
    assert measures.possible(NORMAL, x).all()
    assert measures.possible(stats.dirichlet([1, 1]), x).tolist() == [False, False, True]
    mixed = Mixture([0.5, 0.5], [PLANE, stats.dirichlet([1, 1])])
    assert measures.possible(mixed, x).all()
    assert measures.possible(stats.multinomial(3, [0.5, 0.5]), x).tolist() == [False, True, False]


@pytest.mark.parametrize(
    "edges",
    [[0], [[0], [1], [2]], 0.5, "ab", [[0], [1, 0]], [[0], 1], [[np.nan], [0]], [["a"], [0]]],
)
@pytest.mark.parametrize("measure", [NORMAL, PLANE, Mixture([0.5, 0.5], [NORMAL, PLANE])])
def test_bad_edges_in_the_plane(measure, edges):
    with pytest.raises(ValueError, match=r"edges.* = .*expected"):
        prob(measure, edges)


@pytest.mark.parametrize(
    "measure, expected",
    [
        (stats.multivariate_t([0, 0], df=3), "computed, not estimated"),
        (stats.multivariate_normal([0, 0], [[1, 0.5], [0.5, 1]]), None),
        (stats.multivariate_normal([0, 0, 0], np.eye(3) + 0.5), "computed, not estimated"),
        (stats.dirichlet([1, 1]), "a joint cdf"),
    ],
)
def test_boxes_need_a_cdf_without_simulation(measure, expected):
    edges = [[0.1, 0.7]] * measure.rvs(size=2, random_state=1).shape[1]
    if expected is None:
        assert prob(measure, edges).sum() == pytest.approx(1)
        return
    with pytest.raises(ValueError, match=f"measure = .*{expected}"):
        prob(measure, edges)


def test_mixtures_stay_on_one_space():
    space = stats.multivariate_normal(np.zeros(3))
    with pytest.raises(ValueError, match=r"parts\[1\] = .*a measure on the line, as parts\[0\]"):
        Mixture([0.5, 0.5], [stats.norm(), NORMAL])
    with pytest.raises(ValueError, match=r"parts\[2\] = .*a measure on R\^2"):
        Mixture([0.5, 0.25, 0.25], [NORMAL, PLANE, space])
    with pytest.raises(ValueError, match=r"parts\[1\] = .*a measure on R\^1"):
        Mixture([0.5, 0.5], [Discrete([[0]], [1]), Discrete([0], [1])])


def test_boxes_are_never_negative():
    normal = stats.multivariate_normal([0, 0], [[1, -0.5], [-0.5, 1]])
    exact = normal.cdf
    # Far from the diagonal a box has less probability than a rounding of the cdf. SciPy's own
    # differs from version to version, so the test brings one.
    normal.cdf = lambda x: exact(x).round(9)
    grid = np.array([-np.inf, *np.linspace(-4, 4, 30), np.inf])
    raw = normal.cdf(np.stack(np.meshgrid(grid, grid, indexing="ij"), axis=-1))
    raw = np.nan_to_num(raw)  # SciPy 1.14 has no number at minus infinity
    assert np.diff(np.diff(raw, axis=0), axis=1).min() < 0
    boxes = prob(normal, [grid, grid])
    assert (boxes >= 0).all() and boxes.sum() == pytest.approx(1, abs=1e-8)
