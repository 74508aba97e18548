"""Weights of rows: a row of weight 3 is the row given three times."""

import inspect
import itertools
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from test_families import FAMILIES as OTHERS
from test_families import points

from dpnotes import gibbs, hyper, meanfield
from dpnotes.components import (
    CorrelatedGaussian,
    Gaussian,
    NormalInverseGamma,
    NormalInverseWishart,
    SphericalNormalInverseGamma,
    WithGaps,
)
from dpnotes.mixture import DPMixture

FAMILIES = {
    "gaussian": Gaussian([0.5, -1], 2, 0.3),
    "variances": NormalInverseGamma([0, 1], [1, 2], [3, 4], [1, 0.5]),
    "correlated": CorrelatedGaussian([0.5, -1], 0.2, [[0.5, 0.2], [0.2, 0.3]]),
    "spherical": SphericalNormalInverseGamma([0, 1], 0.5, 3, 1),
    "wishart": NormalInverseWishart([0, 1], 0.5, 6, np.eye(2)),
    "gaps": WithGaps(NormalInverseGamma([0, 1], [1, 2], [3, 4], [1, 0.5])),
    **OTHERS,
}
each = pytest.mark.parametrize("name", FAMILIES)
# A row left out, rows given once, and rows given several times.
WEIGHTS = np.array([3, 1, 0, 2, 1, 5, 1, 1, 2, 4, 1, 1])
TIMES = np.repeat(np.arange(12), WEIGHTS)
INIT = np.array([0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3])


def rows(name):
    x = points(FAMILIES[name], 12, seed=3)
    if name == "gaps":
        x[1, 0] = x[5, 1] = np.nan
    return DPMixture(1.3, FAMILIES[name]), x


def same(q, other, rtol=1e-12):
    """Whether two fits are one: traces, clusters and sticks, to rounding."""
    np.testing.assert_allclose(q.elbo, other.elbo, rtol=rtol, atol=1e-12)
    scale = np.abs(other.statistics).max(axis=0) + 1
    np.testing.assert_allclose(q.statistics / scale, other.statistics / scale, atol=1e-11)
    np.testing.assert_allclose(q.sticks, other.sticks, rtol=1e-11)
    assert q.converged == other.converged


@pytest.mark.checks("DP-0225", how="exact")
@each
@pytest.mark.parametrize("truncated", [False, True])
def test_a_row_of_weight_3_is_the_row_three_times(name, truncated):
    model, x = rows(name)
    options = {"truncation": 5, "truncated_model": truncated}
    q = meanfield.fit(model, x, init=INIT, weights=WEIGHTS, **options)
    repeated = meanfield.fit(model, x[TIMES], init=INIT[TIMES], **options)
    assert len(q.elbo) > 2 and (np.diff(q.elbo) > -1e-9).all()
    same(q, repeated)
    gamma = q.responsibilities(x)
    np.testing.assert_allclose(gamma, repeated.responsibilities(x), atol=1e-11)
    np.testing.assert_allclose(q.statistics[:, 0], WEIGHTS @ gamma, atol=1e-2)
    value = meanfield.elbo(q.model, x, gamma, q.sticks, q.statistics, weights=WEIGHTS)
    assert value == pytest.approx(q.elbo[-1], rel=1e-11)


@each
def test_the_elbo_of_any_member_counts_rows_by_their_weights(name):
    model, x = rows(name)
    rng = np.random.default_rng(4)
    gamma, sticks = rng.dirichlet(np.ones(3), 12), rng.uniform(1, 5, (3, 2))
    s = gamma.T @ model.component.features(x)
    weighted = meanfield.elbo(model, x, gamma, sticks, s, weights=WEIGHTS)
    repeated = meanfield.elbo(model, x[TIMES], gamma[TIMES], sticks, s)
    assert weighted == pytest.approx(repeated, rel=1e-12)
    assert weighted != pytest.approx(meanfield.elbo(model, x, gamma, sticks, s), rel=1e-3)
    # It is affine in the weights.
    half = meanfield.elbo(model, x, gamma, sticks, s, weights=WEIGHTS / 2)
    fourth = meanfield.elbo(model, x, gamma, sticks, s, weights=WEIGHTS / 4)
    assert weighted - half == pytest.approx(2 * (half - fourth), rel=1e-9)


@pytest.mark.checks("DP-0225", how="exact")
@each
def test_the_evidence_of_a_cluster_counts_rows_by_their_weights(name):
    model, x = rows(name)
    log_marginal = model.component.log_marginal
    s = model.statistics(x, INIT, weights=WEIGHTS)
    repeated = model.statistics(x[TIMES], INIT[TIMES])
    np.testing.assert_allclose(s, repeated, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(log_marginal(s), log_marginal(repeated), rtol=1e-11, atol=1e-11)
    np.testing.assert_array_equal(
        model.statistics(x, INIT, weights=np.ones(12)), model.statistics(x, INIT)
    )


def test_the_evidence_of_weights_that_are_no_integers_is_an_integral_of_powers():
    from scipy import integrate, stats

    x, weights = np.array([0.4, 1.1, -0.3]), np.array([0.5, 2.25, 0.1])
    model = DPMixture(1.0, Gaussian(0.2, 1.5, 0.7))

    def powers(theta):
        likelihood = stats.norm.pdf(x, theta, np.sqrt(0.7)) ** weights
        return likelihood.prod() * stats.norm.pdf(theta, 0.2, np.sqrt(1.5))

    expected = np.log(integrate.quad(powers, -12, 12, epsabs=1e-13)[0])
    s = model.statistics(x, [0, 0, 0], weights=weights)
    assert model.component.log_marginal(s)[0] == pytest.approx(expected, abs=1e-9)
    # Of one cluster mean field is exact: its ELBO is this evidence.
    q = meanfield.fit(model, x, truncation=1, truncated_model=True, weights=weights, rng=1)
    assert q.elbo[-1] == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("name", ["wishart", "product", "gaps"])
def test_weights_come_with_blocks_of_any_kind(name, monkeypatch):
    model, x = rows(name)
    options = {"truncation": 5, "init": INIT, "weights": WEIGHTS}
    q = meanfield.fit(model, x, **options)
    halves = [x[:7], x[7:]]
    same(meanfield.fit(model, halves, **options), q, 1e-11)
    same(meanfield.fit(model, [lambda: x[:7], lambda: x[7:]], **options), q, 1e-11)
    # Features that are not kept, in pieces.
    monkeypatch.setattr(meanfield, "KEEP", 0)
    monkeypatch.setattr(meanfield, "NUMBERS", 5 * model.component.n_features)
    same(meanfield.fit(model, x, **options), q, 1e-11)


@pytest.mark.native
def test_weights_go_with_their_blocks_to_other_threads():
    model, x = rows("wishart")
    options = {"truncation": 5, "init": INIT, "weights": WEIGHTS}
    with ThreadPoolExecutor(2) as pool:
        spread = meanfield.fit(model, [x[:7], x[7:]], map=pool.map, **options)
    same(spread, meanfield.fit(model, x, **options), 1e-11)


@pytest.mark.parametrize("name", ["variances", "categorical"])
def test_memoised_updates_count_rows_by_their_weights(name):
    model, x = rows(name)
    options = {"truncation": 4, "memoised": True, "tol": 1e-10}
    halves = slice(0, 7), slice(7, 12)
    times = [TIMES[TIMES < 7], TIMES[TIMES >= 7]]
    q = meanfield.fit(model, [x[h] for h in halves], init=INIT, weights=WEIGHTS, **options)
    repeated = meanfield.fit(model, [x[t] for t in times], init=INIT[TIMES], **options)
    assert len(q.elbo) > 4
    same(q, repeated, 1e-10)


def test_far_from_zero_the_origin_is_the_weighted_mean():
    x = 1e7 + np.array([[0.0], [0.1], [50.0], [0.3], [50.2], [50.4], [0.2]])
    weights, init = np.array([3, 1, 2, 0, 1, 4, 1]), [0, 0, 1, 0, 1, 1, 0]
    model = DPMixture(1.0, Gaussian(0, 1e14, 0.04))
    times = np.repeat(np.arange(7), weights.astype(np.intp))
    q = meanfield.fit(model, x, truncation=3, init=init, weights=weights)
    repeated = meanfield.fit(model, x[times], truncation=3, init=np.array(init)[times])
    assert q.model.component is not model.component
    np.testing.assert_allclose(q.elbo, repeated.elbo, rtol=1e-9)
    np.testing.assert_allclose(
        q.model.component.origin, repeated.model.component.origin, rtol=1e-14
    )
    np.testing.assert_allclose(q.statistics, repeated.statistics, atol=1e-6)
    assert sorted(q.statistics[:, 0].round(3).tolist()) == [0, 5, 7]


def test_weights_of_one_change_nothing():
    model, x = rows("wishart")
    for options in ({"init": INIT}, {"rng": 1, "restarts": 4, "tol": 1e-3}):
        q = meanfield.fit(model, x, truncation=12, **options)
        weighted = meanfield.fit(model, x, truncation=12, weights=np.ones(12), **options)
        np.testing.assert_array_equal(weighted.elbo, q.elbo)
        np.testing.assert_array_equal(weighted.restart_elbos, q.restart_elbos)


@pytest.mark.parametrize("name", ["gaussian", "poisson"])
def test_a_row_of_weight_0_is_as_if_not_given(name):
    model, x = rows(name)
    weights = np.where(np.arange(12) % 3 == 0, 0.0, 1.5)
    some = weights > 0
    q = meanfield.fit(model, x, truncation=6, init=INIT, weights=weights)
    same(q, meanfield.fit(model, x[some], truncation=6, init=INIT[some], weights=weights[some]))
    # Nor does any start seat it.
    drawn = meanfield.fit(model, x, truncation=12, rng=1, restarts=4, weights=weights)
    assert drawn.statistics[:, 0].sum() == pytest.approx(12)


# Starts.


def test_seeds_far_apart_are_those_of_the_repeated_rows():
    model, x = rows("variances")
    features = model.component.features(x)
    for seed in range(20):
        weighted = meanfield._spread_out(
            model.component, features, WEIGHTS.astype(float), 5, np.random.default_rng(seed)
        )
        repeated = meanfield._spread_out(
            model.component, features[TIMES], None, 5, np.random.default_rng(seed)
        )
        np.testing.assert_allclose(weighted, repeated, rtol=1e-12)


def test_rows_are_seated_in_proportion_to_their_weights(monkeypatch):
    model, x = rows("variances")
    features = model.component.features(x)
    seen = []
    monkeypatch.setattr(meanfield, "_seat", lambda model, rows, T, rng: seen.append(rows))
    data = meanfield._read(model.component, x, map, WEIGHTS)
    rng, draws = np.random.default_rng(2), 400
    for _ in range(draws):
        meanfield._start(model, features, data, 3, 0, rng)
    seated = np.concatenate(seen)
    assert len(seated) == draws * WEIGHTS.sum()
    found = np.array([(seated == f).all(axis=1).mean() for f in features])
    share = WEIGHTS / WEIGHTS.sum()
    error = np.sqrt(share * (1 - share) / len(seated))
    assert (np.abs(found - share) <= 4 * error).all()


def test_of_many_rows_a_sample_is_spaced_along_the_weights(monkeypatch):
    monkeypatch.setattr(meanfield, "SAMPLE", 50)
    rng = np.random.default_rng(3)
    for total in (400.0, 7.0):
        weights = rng.gamma(0.5, size=300) * (rng.random(300) < 0.8)
        weights *= total / weights.sum()
        index, times = meanfield._spaced(weights, rng)
        assert (weights[index] > 0).all() and (np.diff(index) > 0).all()
        assert times.sum() == pytest.approx(min(50, total))
        # As often as its weight says, rounded down or up.
        often = np.zeros(300)
        often[index] = times / min(1, total / 50)
        assert (np.abs(often - weights * 50 / total) < 1).all()


@pytest.mark.parametrize("unit", [1, 1 / 256])
def test_many_weighted_rows_end_where_the_repeated_ones_do(unit, monkeypatch):
    """Groups far apart, so that every good start ends in one optimum."""
    monkeypatch.setattr(meanfield, "SAMPLE", 64)
    rng = np.random.default_rng(5)
    x = np.repeat([-20.0, 0, 20], 40) + rng.standard_normal(120)
    weights = rng.integers(0, 4, 120)
    model = DPMixture(1.0, Gaussian(0, 200, 1))
    q = meanfield.fit(model, x, truncation=5, rng=1, weights=weights * unit)
    assert q.statistics[:, 0].sum() == pytest.approx(weights.sum() * unit)
    if unit == 1:
        repeated = meanfield.fit(model, np.repeat(x, weights.astype(np.intp)), truncation=5, rng=1)
        assert q.elbo[-1] == pytest.approx(repeated.elbo[-1], rel=1e-6)
    # Of all the rows, not of the sample.
    gamma = q.responsibilities(x)
    value = meanfield.elbo(q.model, x, gamma, q.sticks, q.statistics, weights=weights * unit)
    assert value == pytest.approx(q.elbo[-1], rel=1e-9)
    held = np.sort(q.statistics[:, 0])[-3:]
    np.testing.assert_allclose(held, np.sort(weights.reshape(3, 40).sum(axis=1)) * unit, atol=0.02)


# What is refused.


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ([1, 1, -2, 1], r"^weights\[2\] = -2.0: expected a finite number >= 0"),
        ([1, np.nan, 1, 1], r"^weights\[1\] = nan: expected a finite number >= 0"),
        ([1, 1, 1, np.inf], r"^weights\[3\] = inf: expected a finite number >= 0"),
        ([1, 1, 1], r"^weights = array of shape \(3,\): expected 4 numbers >= 0"),
        (2.0, r"^weights = array of shape \(\): expected 4"),
        (np.ones((4, 1)), r"^weights = array of shape \(4, 1\): expected 4"),
        ([0, 0, 0, 0], r"^weights = \[0, 0, 0, 0\]: expected weights that are not all 0"),
        ([1e300] * 4, r"^weights = .*of sum at most 2\*\*53"),
        ([1, 1, "a", 1], r"^weights\[2\] = 'a': expected 4 numbers"),
        ([1, 1, True, 1], r"^weights\[2\] = True"),
    ],
)
def test_bad_weights_are_named(weights, message):
    model, x = DPMixture(1.0, Gaussian(0, 1, 1)), np.array([0.0, 1, 2, 3])
    calls = [
        lambda: meanfield.fit(model, x, truncation=2, rng=1, weights=weights),
        lambda: meanfield.fit(model, [x[:1], x[1:]], truncation=2, rng=1, weights=weights),
        lambda: meanfield.elbo(model, x, np.ones((4, 1)), [[2, 3]], [[4, 6, 14]], weights=weights),
        lambda: model.statistics(x, [0, 0, 1, 1], weights=weights),
    ]
    for call in calls:
        with pytest.raises(ValueError, match=message):
            call()


def test_weights_whose_squares_are_no_floats_are_refused():
    model = DPMixture(1.0, Gaussian(0, 1, 1))
    with pytest.raises(ValueError, match="^weights = .*squares of the points"):
        meanfield.fit(model, [1e145, 2e145], truncation=2, rng=1, weights=[1e15, 1])


def test_blocks_that_change_are_refused(monkeypatch):
    monkeypatch.setattr(meanfield, "KEEP", 0)
    model, x = DPMixture(1.0, Gaussian(0, 1, 1)), np.arange(6.0)
    weights = [1, 2, 1, 1, 1, 1]

    class Blocks:
        def __init__(self, *readings):
            self.readings = list(readings)

        def __iter__(self):
            return iter(self.readings.pop(0) if len(self.readings) > 1 else self.readings[0])

    thens = [x[:3]], [x[:2], x[3:]], [x[:3], x[3:], x[:1]]
    for then, options in itertools.product(thens, ({"rng": 1}, {"init": [0, 1] * 3})):
        # Only the readings that try and count are whole.
        blocks = Blocks(*[[x[:3], x[3:]]] * 2, then)
        with pytest.raises(ValueError, match="^x = .*when first read"):
            meanfield.fit(model, blocks, truncation=2, weights=weights, **options)


@pytest.mark.parametrize("sampler", [gibbs.collapsed, gibbs.blocked, gibbs.auxiliary, hyper.sample])
def test_samplers_take_no_weights(sampler):
    assert "weights" not in inspect.signature(sampler).parameters
