"""Moves of mean field: the ELBO only rises, and the best optimum is found from any start."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from dpnotes import _checkpoint, _search, datasets, exact, meanfield
from dpnotes.components import (
    CategoricalDirichlet,
    Gaussian,
    NormalInverseGamma,
    NormalInverseWishart,
    PoissonGamma,
)
from dpnotes.mixture import DPMixture

pytestmark = pytest.mark.filterwarnings("ignore::dpnotes.InferenceWarning")
NEAL = datasets.neal()
READINGS = (False, True)


def neal(alpha=1.0):
    return DPMixture(alpha, Gaussian(0, 1, 0.01))


def fit(model, x, T, **options):
    return meanfield.fit(model, x, truncation=T, restarts=1, rng=1, moves=True, **options)


def recomputed(q, x, weights=None):
    """The whole ELBO of a fit, by the other route."""
    gamma = q.responsibilities(x)
    return meanfield.elbo(q.model, x, gamma, q.sticks, q.statistics, weights=weights)


def blobs(n, centres, rng):
    rng = np.random.default_rng(rng)
    return 4 * rng.normal(size=(centres, 2))[rng.integers(centres, size=n)] + rng.normal(
        size=(n, 2)
    )


def test_the_best_optimum_from_random_starts():
    """T = 3: the best of the ascents from all labellings with at most three clusters."""
    labels = exact.set_partitions(9)
    labels = labels[labels.max(axis=1) < 3][::29]
    ends = [meanfield.fit(neal(), NEAL, truncation=3, init=z, max_iter=40).elbo[-1] for z in labels]
    starts = np.random.default_rng(1).integers(3, size=(2, 9))
    for z in starts:
        assert fit(neal(), NEAL, 3, init=z).elbo[-1] > max(ends) - 1e-5


# From ascents from all partitions of the nine points into at most T blocks, to 1e-12.
BEST = {
    (False, 1.0, 4): -17.76334130327748,
    (False, 10.0, 5): -23.69526435173824,
    (True, 0.1, 4): -19.778707601589012,
    (True, 1.0, 5): -17.76334130327748,
    (True, 10.0, 5): -18.504064720259464,
    (True, 10.0, 6): -18.797817410441947,
}


@pytest.mark.slow
@pytest.mark.parametrize(("truncated", "alpha", "T"), BEST)
def test_the_best_optimum_in_the_hardest_cases(truncated, alpha, T):
    for z in np.random.default_rng(T).integers(T, size=(4, 9)):
        q = fit(neal(alpha), NEAL, T, init=z, truncated_model=truncated)
        assert q.elbo[-1] == pytest.approx(BEST[truncated, alpha, T], abs=1e-5)


FAMILIES = {
    "gaussian": (Gaussian([0, 0], 16, 1), blobs(120, 5, 1)),
    "nig": (NormalInverseGamma([0, 0], 0.1, 2, 1), blobs(120, 5, 1)),
    "niw": (NormalInverseWishart([0, 0], 0.1, 4, np.eye(2)), blobs(120, 5, 1)),
    "poisson": (
        PoissonGamma(1, 0.1),
        np.random.default_rng(1).poisson([[1], [9], [40]], (3, 8)).ravel(),
    ),
    "categorical": (CategoricalDirichlet([1, 1, 1]), np.arange(60) % 3),
}


@pytest.mark.parametrize("truncated", READINGS)
@pytest.mark.parametrize("name", FAMILIES)
def test_the_trace_rises_to_the_whole_elbo(name, truncated):
    component, x = FAMILIES[name]
    model = DPMixture(1.0, component)
    z = np.zeros(len(x), int)
    alone = meanfield.fit(model, x, truncation=8, init=z, truncated_model=truncated)
    q = fit(model, x, 8, init=z, truncated_model=truncated)
    assert np.diff(q.elbo).min() >= -1e-9 * abs(q.elbo[-1])
    assert q.elbo[-1] >= alone.elbo[-1]
    assert q.elbo[-1] == pytest.approx(recomputed(q, x), rel=1e-10)
    if name == "gaussian":
        assert q.elbo[-1] > alone.elbo[-1] + 1


def state(q, x, weights=None, whole=True, share=1.0):
    """The moves from a fit."""
    truncated = len(q.sticks) < len(q.statistics)
    natural, _ = meanfield._globals(q.model, q.statistics, truncated)
    points = _search.Points.of(q.model.component.features(x), weights)

    def score(sizes):
        return meanfield._stick_score(q.model.alpha, truncated, sizes)

    return _search.Moves(q.model.component, score, points, whole, share, q.statistics, natural)


def value(q, x, gamma, weights=None):
    """The whole ELBO with these responsibilities and the best sticks and clusters."""
    truncated = len(q.sticks) < gamma.shape[1]
    w = np.ones(len(x)) if weights is None else weights
    table = (gamma * w[:, None]).T @ q.model.component.features(x)
    order = meanfield._order(table[:, 0], q.model.alpha, truncated)
    sticks = meanfield._optimal_sticks(table[order, 0], q.model.alpha, truncated)
    return meanfield.elbo(q.model, x, gamma[:, order], sticks, table[order], weights=weights)


@pytest.mark.checks("DP-0237", how="numerical")
@pytest.mark.parametrize("truncated", READINGS)
@pytest.mark.parametrize("weighted", READINGS)
def test_gains_are_those_of_the_whole_elbo(truncated, weighted):
    """Of merges, deletions and reseated points, whose responsibilities are known."""
    x = np.sort(np.random.default_rng(1).normal(size=12))
    w = np.arange(1.0, 13) if weighted else None
    model = DPMixture(2.0, Gaussian(0, 1, 0.5))  # broad clusters, which share points
    q = meanfield.fit(
        model, x, truncation=4, init=np.arange(12) // 3, max_iter=2,
        truncated_model=truncated, weights=w,
    )  # fmt: skip
    moves, gamma = state(q, x, w), q.responsibilities(x)
    before = value(q, x, gamma, w)

    for j, k in moves.pairs:
        merged = gamma.copy()
        merged[:, j] += merged[:, k]
        merged[:, k] = 0
        assert moves._merged(j, k).gain == pytest.approx(value(q, x, merged, w) - before, abs=1e-8)
    for k in np.flatnonzero(moves.held):
        deleted = gamma.copy()
        deleted[:, k] = 0
        deleted /= deleted.sum(axis=1, keepdims=True)
        (found,) = moves._deleted(k)
        assert found.gain == pytest.approx(value(q, x, deleted, w) - before, abs=1e-4)
    for found, k in zip(moves._reseated(3), np.flatnonzero(gamma[3] < 0.5)):
        seated = gamma.copy()
        seated[3] = np.arange(4) == k
        assert found.gain == pytest.approx(value(q, x, seated, w) - before, abs=1e-8)


def test_a_worse_proposal_is_refused(monkeypatch):
    """What promises much and holds nothing changes nothing."""
    best = fit(neal(), NEAL, 4, init=np.arange(9) % 4)
    table = np.zeros_like(best.statistics)
    table[0] = best.statistics.sum(axis=0)
    promise = [_search.Proposal(1e6, table)]
    monkeypatch.setattr(_search.Moves, "best", lambda self: promise)
    q = fit(best.model, NEAL, 4, init=best)
    assert np.diff(q.elbo).min(initial=0) > -1e-9
    assert q.elbo[-1] == pytest.approx(best.elbo[-1], abs=1e-6)
    np.testing.assert_allclose(q.statistics, best.statistics, atol=1e-3)


@pytest.mark.parametrize("truncated", READINGS)
def test_weights_count_like_repeated_rows(truncated):
    times = np.array([1, 3, 1, 2, 1, 4, 1, 1, 2])
    z = np.arange(9) % 3
    given = fit(
        neal(2.0), NEAL, 4, init=z, weights=np.append(times[:8], 2), truncated_model=truncated
    )
    repeated = fit(
        neal(2.0), np.repeat(NEAL, times), 4, init=np.repeat(z, times), truncated_model=truncated
    )
    np.testing.assert_allclose(given.elbo, repeated.elbo, rtol=1e-9)
    np.testing.assert_allclose(given.statistics, repeated.statistics, atol=1e-6)


@pytest.mark.native
def test_blocks_and_workers_make_no_difference():
    x, model = blobs(300, 6, 2), DPMixture(1.0, Gaussian([0, 0], 16, 1))
    whole = fit(model, x, 12)
    with ThreadPoolExecutor(2) as pool:
        for blocks in ([x[:7], x[7:290], x[290:]], np.array_split(x, 40)):
            for options in ({}, {"map": pool.map}):
                q = fit(model, blocks, 12, **options)
                np.testing.assert_allclose(q.elbo, whole.elbo, rtol=1e-10)
                np.testing.assert_allclose(q.statistics, whole.statistics, atol=1e-6)


@pytest.mark.parametrize("options", [{}, {"weights": True}, {"memoised": True}, {"init": True}])
def test_more_points_than_the_sample(monkeypatch, options):
    """Proposals of a sample are tried on all points."""
    monkeypatch.setattr(meanfield, "SAMPLE", 100)
    x, model = blobs(600, 8, 3), DPMixture(1.0, Gaussian([0, 0], 16, 1))
    weights = 1.0 + np.arange(600) % 3 if "weights" in options else None
    given = dict(options) | {"weights": weights}
    if "init" in options:
        given["init"] = np.zeros(600, int)
    alone = meanfield.fit(model, x, truncation=15, rng=1, restarts=1, **given)
    q = fit(model, x, 15, **given)
    assert q.elbo[-1] == pytest.approx(recomputed(q, x, weights), rel=1e-9)
    assert q.elbo[-1] >= alone.elbo[-1] - 1e-6
    if "memoised" not in options:
        assert np.diff(q.elbo).min() >= -1e-9 * abs(q.elbo[-1])


@pytest.mark.checks("DP-0237", "DP-0236", how="numerical")
def test_at_the_end_no_move_raises_the_elbo():
    q = fit(neal(), NEAL, 4, init=np.zeros(9, int))
    unkept = _checkpoint.Checkpoint(None, 1, {}, np.random.default_rng(1))
    again = meanfield._Ascent(q.model, 4, False, False, 200, lambda: None, unkept)
    data = meanfield._read(q.model.component, NEAL, map)
    for proposal in state(q, NEAL).best():
        found = again._plain(data, proposal.statistics, 1e-8, 200, [])
        assert found.elbo[-1] < q.elbo[-1] + 1e-6


def test_ctrl_c_keeps_the_best_so_far(monkeypatch):
    best = _search.Moves.best

    def interrupted(self):
        yield from best(self)[:1]
        raise KeyboardInterrupt

    monkeypatch.setattr(_search.Moves, "best", interrupted)
    with pytest.warns(RuntimeWarning, match="interrupted"):
        q = fit(neal(), NEAL, 4, init=np.zeros(9, int))
    assert not q.converged and q.elbo[-1] == pytest.approx(recomputed(q, NEAL), rel=1e-10)
