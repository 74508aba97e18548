"""What lies between clusters: against closed forms, flooding of a grid, and invariances."""

import heapq

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mpmath import mp
from scipy import optimize, stats

from dpnotes import peaks

EPS = np.finfo(float).eps


def two(seed, d=2, apart=3.0):
    """Two Gaussians of random shapes in d dimensions."""
    rng = np.random.default_rng(seed)
    root = rng.standard_normal((2, d, d)) + 0.5 * np.eye(d)
    return (
        rng.dirichlet([3, 3]),
        apart * rng.standard_normal((2, d)),
        root @ root.mT + 0.2 * np.eye(d),
    )


def density(x, weight, mean, cov):
    return sum(w * stats.multivariate_normal(m, c).pdf(x) for w, m, c in zip(weight, mean, cov))


@pytest.mark.checks("DP-0216", how="numerical")
@pytest.mark.parametrize("apart", [0.5, 2.0, 3.0, 4.0, 8.0])
def test_equal_halves_fall_lowest_in_the_middle(apart):
    middle, end = 2 * stats.norm.pdf(apart / 2), stats.norm.pdf(0) + stats.norm.pdf(apart)
    found = peaks.valleys([1, 1], [[0], [apart]], np.ones((2, 1, 1)))
    assert found[0, 1] == found[1, 0] == pytest.approx(min(1, middle / end), rel=1e-12)


@pytest.mark.checks("DP-0217", how="numerical")
@pytest.mark.parametrize("seed", range(8))
def test_every_critical_point_lies_on_the_ridge(seed):
    weight, mean, cov = two(seed, d=3, apart=1.5)
    precision = np.linalg.inv(cov)

    def gradient(x):
        each = [w * stats.multivariate_normal(m, c).pdf(x) for w, m, c in zip(weight, mean, cov)]
        total = sum(p * (q @ (m - x)) for p, q, m in zip(each, precision, mean))
        return total / sum(each)

    curve = peaks.ridge(mean, cov)
    spacing = np.linalg.norm(np.diff(curve, axis=0), axis=1).max()
    found = 0
    for share in np.linspace(0, 1, 9):
        start = share * mean[0] + (1 - share) * mean[1]
        answer = optimize.root(gradient, start, tol=1e-12)
        if answer.success:
            found += 1
            assert np.linalg.norm(curve - answer.x, axis=1).min() < spacing
    assert found > 0


@pytest.mark.parametrize("width", [2.0**-10, 2.0**-16])
@pytest.mark.parametrize("slopes", [(0.75, -0.25), (0.75, 0.75)])
def test_a_ridge_between_narrow_clusters_keeps_its_place_across(width, slopes):
    mean, roots = np.array([[0, 0], [1 / 3, 0.25 + width]]), [[[1, 0], [a, width]] for a in slopes]
    cov = np.array([np.array(root) @ np.transpose(root) for root in roots])  # exactly
    curve = peaks.ridge(mean, cov)
    with mp.workdps(60):
        (m1, m2), (first, second) = (mp.matrix(m.tolist()) for m in mean), map(mp.matrix, cov)
        for share, point in list(zip(peaks.SHARE, curve))[::25]:
            share = mp.mpf(float(share))
            both = (1 - share) * first + share * second
            turned = mp.lu_solve(both, m2 - m1)
            off = mp.norm(m1 + (1 - share) * (first * turned) - mp.matrix(point.tolist()))
            assert off < 8 * EPS * mp.norm(turned)  # what rounding of the matrices alone does


def best_pass(values, start, end):
    """The greatest least value on a path of a grid, by flooding from the start downwards."""
    level = np.full(values.shape, -np.inf)
    level[start] = values[start]
    queue = [(-values[start], start)]
    while queue:
        height, (i, j) = heapq.heappop(queue)
        if (i, j) == end:
            return -height
        for a, b in ((i + 1, j), (i - 1, j), (i, j + 1), (i, j - 1)):
            if 0 <= a < values.shape[0] and 0 <= b < values.shape[1]:
                reached = min(-height, values[a, b])
                if reached > level[a, b]:
                    level[a, b] = reached
                    heapq.heappush(queue, (-reached, (a, b)))
    raise AssertionError("the grid is connected")


@pytest.mark.checks("DP-0217", how="numerical")
@pytest.mark.parametrize("seed", range(6))
def test_no_path_between_two_centres_stays_higher(seed):
    weight, mean, cov = two(seed)
    low, high = mean.min(axis=0) - 4, mean.max(axis=0) + 4
    steps = (high - low) / 600
    grid = np.stack(
        np.meshgrid(*(low[k] + steps[k] * np.arange(601) for k in (0, 1)), indexing="ij"), -1
    )
    values = density(grid, weight, mean, cov)
    at = [tuple(np.round((m - low) / steps).astype(int)) for m in mean]
    lower = density(mean, weight, mean, cov).min()
    found = peaks.valleys(weight, mean, cov)[0, 1]
    assert found == pytest.approx(min(1, best_pass(values, *at) / lower), rel=0.02)


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 10**6), st.integers(1, 4), st.floats(0.01, 100))
def test_units_order_and_weights_do_not_matter(seed, d, scale):
    rng = np.random.default_rng(seed)
    K = 3
    root = rng.standard_normal((K, d, d)) + 2 * np.eye(d)
    cov, mean, weight = (
        root @ root.mT + 0.1 * np.eye(d),
        rng.standard_normal((K, d)),
        rng.random(K) + 0.1,
    )
    found = peaks.valleys(weight, mean, cov)
    order = rng.permutation(K)
    turn = scale * (rng.standard_normal((d, d)) + 3 * np.eye(d))
    shift = rng.standard_normal(d)
    moved = peaks.valleys(
        7 * weight[order], mean[order] @ turn.T + shift, turn @ cov[order] @ turn.T
    )
    assert moved == pytest.approx(found[np.ix_(order, order)], rel=1e-6)
    assert ((found > 0) & (found <= 1)).all() and (found == found.T).all()


def line(weight, centre):
    """Gaussians of variance 1 on a line, as arguments."""
    return weight, np.reshape(centre, (-1, 1)), np.ones((len(centre), 1, 1))


@pytest.mark.checks("DP-0216", how="numerical")
def test_few_points_between_two_groups_do_not_join_them():
    assert peaks.groups(*line([31, 1, 30], [0, 4, 8])).tolist() == [0, 0, 1]
    assert peaks.groups(*line([30, 1, 31], [0, 4, 8])).tolist() == [0, 1, 1]
    assert peaks.groups(*line([10, 8, 10], [0, 3, 6])).tolist() == [0, 0, 0]


def test_the_share_is_the_depth_of_the_valley_at_which_two_part():
    two = line([1, 1], [0, 4])
    depth = peaks.valleys(*two)[0, 1]
    assert peaks.groups(*two, share=depth * 0.999).tolist() == [0, 0]
    assert peaks.groups(*two, share=depth * 1.001).tolist() == [0, 1]


def test_groups_are_numbered_by_their_first_cluster():
    assert peaks.groups(*line([1, 1, 1, 1], [20, 0, 21, 1])).tolist() == [0, 1, 0, 1]


def test_bad_arguments():
    with pytest.raises(ValueError, match="^cov"):
        peaks.valleys([1.0], [[0.0]], [[[-1.0]]])
    with pytest.raises(ValueError, match="^cov"):
        peaks.ridge([[0.0], [1.0]], [[[1.0]]])
    with pytest.raises(ValueError, match="^weight"):
        peaks.valleys([1.0, 0.0], [[0.0], [1.0]], np.ones((2, 1, 1)))
    with pytest.raises(ValueError, match="^mean"):
        peaks.ridge([[0.0]], [[[1.0]]])
    with pytest.raises(ValueError, match="^share"):
        peaks.groups([1.0], [[0.0]], [[[1.0]]], share=1.5)


@pytest.mark.parametrize("power", [-300, 0, 300])
@pytest.mark.parametrize("far", [0.0, 2.0**40])
def test_valleys_far_out(far, power):
    unit = 2.0**power
    mean = unit * (far + np.array([[0.0, 1.0], [3.0, 1.0]]))
    cov = unit**2 * np.array([[[1.0, 0.5], [0.5, 2.0]], np.eye(2)])
    here = peaks.valleys([1, 2], [[0, 1], [3, 1]], [[[1, 0.5], [0.5, 2]], np.eye(2)])
    np.testing.assert_allclose(peaks.valleys([1, 2], mean, cov), here, rtol=1e-6)


def test_centres_so_far_apart_that_their_squares_are_no_floats():
    assert peaks.valleys([1, 2], [[0], [1e212]], [[[1]], [[1]]]).tolist() == [[1, 0], [0, 1]]
    assert peaks.valleys([1, 2], [[1e77], [1e77]], [[[1e-279]]] * 2).tolist() == [[1, 1], [1, 1]]
    assert peaks.groups([1, 2], [[0], [1e160]], [[[1e-184]], [[1e43]]]).tolist() == [0, 1]
    with pytest.raises(ValueError, match="^cov = .*: expected .* change the unit"):
        peaks.valleys([1, 2], [[0], [1e200]], [[[1e-310]], [[1.0]]])
