"""Measures on the line against sums of fractions and SciPy's own tails."""

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
    assert np.allclose(prob(stats.poisson(3), [0, 1]), [np.exp(-3), 3 * np.exp(-3), 1 - 4 * np.exp(-3)])


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
    for measure in [Discrete([0, 1], [0.5, 0.5]), Mixture([0.5, 0.5], [stats.norm(), Discrete([0], [1])])]:
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


@pytest.mark.parametrize("edges", [[1, 0], [0, 0], [0, np.nan], [[0, 1]], 0.5, "ab", [np.inf, np.inf]])
@pytest.mark.parametrize("measure", [stats.norm(), Discrete([0], [1]), Mixture([1], [stats.norm()])])
def test_bad_edges(measure, edges):
    with pytest.raises(ValueError, match="edges = .*expected"):
        prob(measure, edges)


@pytest.mark.parametrize(
    "atoms, weights, name",
    [
        ([], [], "atoms"),
        ([0, np.nan], [0.5, 0.5], "atoms"),
        ([[0, 1]], [0.5, 0.5], "atoms"),
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
        stats.multivariate_normal([0, 0]),
        stats.gaussian_kde([1.0, 2.0, 4.0]),
        stats.dirichlet([1, 1]),
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
