"""The sweep by slices: against exact posteriors, Geweke's test, and the sampler point by point."""

import numpy as np
import pytest
from scipy import stats

from dpnotes import chains, datasets, diagnostics, exact, gibbs, hyper
from dpnotes.components import (
    CorrelatedGaussian,
    Gaussian,
    NormalInverseGamma,
    NormalInverseWishart,
    SphericalNormalInverseGamma,
)
from dpnotes.mixture import DPMixture

PLANE = np.array([[0.0, 0.2], [0.3, -0.1], [2.0, 1.8], [2.2, 2.1], [-1.5, 2.0], [0.1, 0.1]])
CASES = {
    "known variance": (DPMixture(1.0, Gaussian(0, 1, 0.01)), datasets.neal()),
    "alpha = 3": (DPMixture(3.0, Gaussian([0.5, 0.5], 2.0, 0.2)), PLANE),
    "unknown variance": (DPMixture(0.7, NormalInverseGamma(0, 0.3, 2.0, 0.4)), PLANE[:, 0]),
    "known covariance": (
        DPMixture(1.0, CorrelatedGaussian([0, 1], 0.3, [[0.5, 0.2], [0.2, 0.3]])),
        PLANE,
    ),
    "one unknown variance": (
        DPMixture(1.0, SphericalNormalInverseGamma([0, 1], 0.3, 2.0, 0.5)),
        PLANE,
    ),
    "unknown covariance": (
        DPMixture(1.0, NormalInverseWishart([0, 1], 0.3, 4.0, 0.5 * np.eye(2))),
        PLANE,
    ),
}


def slices(model, x, n_sweeps, alpha_prior=None, **options):
    kernel = gibbs.Slice(gibbs.Collapsed(model, x))
    if alpha_prior is not None:
        kernel = chains.cycle(kernel, gibbs.Alpha(alpha_prior))
    return chains.run(kernel, n_sweeps, **options)


@pytest.mark.slow
@pytest.mark.checks("DP-0213", "DP-0214", how="numerical")
@pytest.mark.parametrize("case", CASES)
def test_it_samples_the_posterior(case):
    model, x = CASES[case]
    posterior = exact.posterior(model, x)
    chain = slices(model, x, 20_200, rng=3)[200:]
    for k, prob in enumerate(posterior.num_clusters):
        hit = (chain.num_clusters == k).astype(float)
        assert abs(hit.mean() - prob) <= 4 * np.nan_to_num(diagnostics.mcse(hit)) + 4e-4
    together = chain.labels[:, :, None] == chain.labels[:, None, :]
    for i in range(len(x)):
        for j in range(i):
            hit = together[:, i, j].astype(float)
            error = np.nan_to_num(diagnostics.mcse(hit))
            assert abs(hit.mean() - posterior.similarity[i, j]) <= 4.5 * error + 4e-4


@pytest.mark.parametrize("alpha_prior", [None, (2, 2)])
def test_geweke(alpha_prior):
    model = DPMixture(1.0, Gaussian(mean=0, var=1, noise_var=0.3))
    test = diagnostics.geweke_mixture(slices, model, 5, 4000, rng=1, alpha_prior=alpha_prior)
    assert test.p_value > 0.01


@pytest.mark.checks("DP-0212", how="numerical")
def test_weights_given_the_partition():
    """Sticks that give five draws the partition {1, 3, 4}, {2, 5}: their weights, in order."""
    rng, alpha, n = np.random.default_rng(1), 1.5, 200_000
    left = np.cumprod(rng.beta(alpha, 1, (n, 40)), axis=1)
    weights = -np.diff(left, axis=1, prepend=1)
    z = (left[:, None, :] > rng.random((n, 5))[:, :, None]).sum(axis=2)
    same = (z == z[:, [0, 1, 0, 0, 1]]).all(axis=1) & (z[:, 0] != z[:, 1]) & (z < 40).all(axis=1)
    first, second = (weights[same, z[same, i]] for i in (0, 1))
    assert same.sum() > 1000
    assert stats.kstest(first, stats.beta(3, 2 + alpha).cdf).pvalue > 0.01
    assert stats.kstest(second / (1 - first), stats.beta(2, alpha).cdf).pvalue > 0.01
    rest = 1 - first - second  # the next weight in order of appearance is a pick by size
    weights[same, z[same, 0]] = weights[same, z[same, 1]] = 0
    others = np.cumsum(weights[same], axis=1)
    pick = (others < others[:, -1:] * rng.random((same.sum(), 1))).sum(axis=1)
    assert stats.kstest(weights[same, pick] / rest, stats.beta(1, alpha).cdf).pvalue > 0.01


@pytest.mark.native
@pytest.mark.slow
def test_under_a_learned_base_measure_it_agrees_with_the_sampler_point_by_point():
    x = (datasets.galaxies()[::3] - 20_000) / 5_000
    prior = hyper.BasePrior(dof=4, scale=0.2, strength=(1, 10), var=1.0, scale_dof=2)
    draws = []
    for all_at_once in (True, False):
        seat = hyper.Collapsed(hyper.HyperMixture(1.0, prior), x)
        first = gibbs.Slice(seat) if all_at_once else seat
        kernel = chains.cycle(first, gibbs.Alpha((2, 4)), hyper.Base(seat))
        draws.append(chains.run(kernel, 20_000, rng=5)[500:])
    for name in ("num_clusters", "log_joint", "alpha", "strength"):
        one, other = (np.asarray(getattr(chain, name), float) for chain in draws)
        error = np.hypot(diagnostics.mcse(one), diagnostics.mcse(other))
        assert abs(one.mean() - other.mean()) < 4 * error


def test_few_atoms_at_a_small_alpha_and_many_at_a_large_one():
    x = datasets.neal()
    for alpha in (1e-300, 1e-3, 1e3):
        chain = slices(DPMixture(alpha, Gaussian(0, 1, 0.01)), x, 20, rng=1)
        assert np.isfinite(chain.log_joint).all() and np.isfinite(np.concatenate(chain.theta)).all()


def test_more_atoms_than_find_room_are_refused():
    with pytest.raises(ValueError, match="alpha"):
        slices(DPMixture(1e12, Gaussian(0, 1, 0.01)), datasets.neal(), 1, rng=1)


def test_bad_arguments():
    with pytest.raises(ValueError, match="kernel"):
        gibbs.Slice(DPMixture(1.0, Gaussian(0, 1, 1)))
