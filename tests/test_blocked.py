"""Blocked Gibbs: against exact posteriors, full and truncated, and by Geweke's test."""

import functools
import math

import numpy as np
import pytest
from scipy import integrate, stats

import dpnotes
from dpnotes import chains, crp, datasets, diagnostics, exact, gibbs, partitions, sticks
from dpnotes.components import (
    CorrelatedGaussian,
    Gaussian,
    NormalInverseGamma,
    NormalInverseWishart,
    SphericalNormalInverseGamma,
)
from dpnotes.mixture import DPMixture

NEAL = DPMixture(1.0, Gaussian(mean=0, var=1, noise_var=0.01))
PLANE = np.array([[0.0, 0.2], [0.3, -0.1], [2.0, 1.8], [2.2, 2.1], [-1.5, 2.0], [0.1, 0.1]])
CASES = {
    "gaussian": (NEAL, datasets.neal(), 20),
    "gaussian, T = 4": (NEAL, datasets.neal(), 4),
    "gaussian, alpha = 3, plane": (DPMixture(3.0, Gaussian([0.5, 0.5], 2.0, 0.2)), PLANE, 30),
    "normal-inverse-gamma": (DPMixture(0.7, NormalInverseGamma(0, 0.3, 2.0, 0.4)), PLANE[:, 0], 3),
    "normal-inverse-gamma, plane": (
        DPMixture(1.0, NormalInverseGamma([0, 1], 0.3, 2.0, 0.4)),
        PLANE,
        20,
    ),
    "correlated": (
        DPMixture(1.0, CorrelatedGaussian([0, 1], 0.3, [[0.5, 0.2], [0.2, 0.3]])),
        PLANE,
        20,
    ),
    "spherical": (DPMixture(1.0, SphericalNormalInverseGamma([0, 1], 0.3, 2.0, 0.4)), PLANE, 20),
    "normal-inverse-wishart": (
        DPMixture(1.0, NormalInverseWishart([0, 1], 0.3, 4.0, 0.5 * np.eye(2))),
        PLANE,
        20,
    ),
}


def batch_error(draws, batches=40):
    """Standard error of a mean of dependent draws, shape (draws, ...), from batch means."""
    length = len(draws) // batches
    means = draws[: length * batches].reshape(batches, length, *draws.shape[1:]).mean(1)
    return means.std(0, ddof=1) / math.sqrt(batches)


def truncated_posterior(model, x, T):
    """Partitions and their exact posterior probabilities under T atoms."""
    full = exact.posterior(model, x)
    probs = full.probs * sticks.truncation_ratio(full.labels, model.alpha, T)
    return full.labels, probs / probs.sum()


@pytest.mark.slow
@pytest.mark.checks("DP-0169", "DP-0170", how="numerical")
@pytest.mark.filterwarnings(
    "ignore:in .* the last of:dpnotes.InferenceWarning"
)  # few atoms on purpose
@pytest.mark.parametrize(
    "case, reorder", [*((case, True) for case in CASES), ("gaussian, T = 4", False)]
)
def test_posterior_under_truncation(case, reorder):
    model, x, T = CASES[case]
    partitions, probs = truncated_posterior(model, x, T)
    chain = gibbs.blocked(model, x, 4200, truncation=T, rng=3, reorder=reorder)[200:]
    K = partitions.max(axis=1) + 1
    for k in range(1, len(x) + 1):
        hit = (chain.num_clusters == k).astype(float)
        error = batch_error(hit) + 2e-4  # a floor for values too rare to have a spread
        assert abs(hit.mean() - probs[K == k].sum()) < 4.5 * error
    same = (chain.labels[:, :, None] == chain.labels[:, None, :]).astype(float)
    target = sum(
        np.einsum("p,pi,pj->ij", probs, partitions == k, partitions == k) for k in range(K.max())
    )
    assert (abs(same.mean(0) - target) < 4.5 * (batch_error(same) + 2e-4)).all()


def test_a_truncation_that_is_filled_is_told():
    x = datasets.neal()
    with pytest.warns(
        dpnotes.InferenceWarning, match="in .*% of the draws the last of 3 atoms holds .* raise"
    ) as w:
        gibbs.blocked(NEAL, x, 50, truncation=3, rng=1)
    assert len(w) == 1 and w[0].filename == __file__
    gibbs.blocked(NEAL, x, 50, truncation=20, rng=1)
    gibbs.blocked(NEAL, x, 50, rng=1)
    gibbs.blocked(NEAL, x, 2, truncation=3, rng=1)


@pytest.mark.slow
@pytest.mark.checks("DP-0169", how="numerical")
def test_parameters_and_prediction_on_nine_points():
    chain = gibbs.blocked(NEAL, datasets.neal(), 4200, truncation=20, rng=4)[200:]
    full = exact.posterior(NEAL, datasets.neal())
    grid = np.array([-1.2, 0.0, 0.6, 3.0])
    draws = np.exp(chain.predictive_draws(grid))
    target = np.exp(full.predictive_logpdf(grid))
    assert (abs(draws.mean(0) - target) < 4.5 * batch_error(draws) + 1e-12).all()
    # E[theta of point 1 | x], from the enumeration: the posterior mean of its block
    means, size = chain.values(0)[:, 0], len(chain.x)
    member = (np.arange(2**size)[:, None] >> np.arange(size) & 1).astype(float)
    block = member @ chain.x[:, 0] / (member.sum(1) + 0.01)
    target = (full.block_probs * member[:, 0] * block).sum()
    assert abs(means.mean() - target) < 4.5 * batch_error(means)


@pytest.mark.slow
@pytest.mark.native  # full speed
@pytest.mark.checks("DP-0168", how="exact")
def test_truncation_error_of_the_posterior():
    full = exact.posterior(NEAL, datasets.neal())
    prior = np.exp([crp.log_eppf(np.bincount(z), 1.0) for z in full.labels])
    spread = (full.probs / prior).max()  # M / p(x)
    for T in (4, 8, 12, 20):
        _, probs = truncated_posterior(NEAL, datasets.neal(), T)
        distance = abs(probs - full.probs).sum() / 2
        assert distance <= 1.5 * sticks.truncation_distance(1.0, T, 9) * spread
        if T == 20:
            assert 1e-12 < distance < 1e-7


@pytest.mark.slow
@pytest.mark.checks("DP-0169", "DP-0170", how="numerical")
@pytest.mark.parametrize("T, reorder", [(3, True), (3, False), (12, True)])
def test_geweke(T, reorder):
    """Draws of (z, theta, x) from the model, against sweeps that alternate with fresh data.

    Every sweep is a call of its own, which goes on from the chain that the last one returned.
    """
    n, alpha = 6, 1.3
    model = DPMixture(alpha, Gaussian(mean=0.5, var=1.5, noise_var=0.5))
    family = model.component

    def draw(rng):
        v = np.append(rng.beta(1, alpha, T - 1), 1.0)
        z = rng.choice(T, n, p=sticks.weights(v))
        atoms = family.sample_prior(T, rng)
        x = family.sample_data(atoms[z], rng)
        used = np.array(list(dict.fromkeys(z.tolist())))  # in order of appearance
        labels = partitions.canonical(z)[None]
        columns = {"sticks": [used]}
        return chains.Chain(model, x, labels, np.array([alpha]), [atoms[used]], columns), x

    def step(chain, x, rng):
        chain = gibbs.blocked(model, x, 1, truncation=T, reorder=reorder, rng=rng, start=chain)
        return chain, family.sample_data(chain.theta[0][chain.labels[0]], rng)

    def summary(chain, x):
        labels, z = chain.labels[0].astype(np.intp), chain.theta[0][chain.labels[0], 0]
        first = chain.columns["sticks"][0][0]
        return [labels.max(), labels[0] == labels[1], np.bincount(labels).max(), z[0], z[0] ** 2,
                x[0, 0] * z[0], x.mean() ** 2, x.var(), first, first == T - 1]  # fmt: skip

    test = diagnostics.geweke(draw, step, summary, 4000, rng=11)
    assert test.p_value > 1e-3, test.z.round(1)


@pytest.mark.slow
@pytest.mark.checks("DP-0170", how="numerical")
def test_geweke_at_the_default_truncation():
    """The truncation is felt so little that draws of the infinite model are the reference."""
    model = DPMixture(1.0, NormalInverseGamma(mean=0, strength=0.5, shape=3, rate=1))
    test = diagnostics.geweke_mixture(gibbs.blocked, model, n=5, n_draws=3000, rng=1)
    assert test.p_value > 1e-3


@pytest.mark.checks("DP-0165", how="numerical")
def test_sticks_of_blocks_given_the_partition():
    rng, alpha, draws = np.random.default_rng(12), 1.5, 20_000
    sizes = np.array([3, 1, 2])
    found = np.array([gibbs._order_along_sticks(sizes, alpha, rng) for _ in range(draws)])
    whole = float(sticks.eppf(sizes, alpha))
    for target in [(0, 1, 2), (2, 0, 1), (1, 2, 0), (0, 3, 1)]:
        p = float(sticks.label_prob(np.repeat(target, sizes), alpha)) / whole
        got = (found == target).all(axis=1).mean()
        assert abs(got - p) < 4.5 * math.sqrt(p * (1 - p) / draws)


@pytest.mark.checks("DP-0169", "DP-0165", how="numerical")
def test_order_step_under_truncation():
    """The Metropolis step keeps the law of the sticks given the partition under T = 3 atoms."""
    rng, alpha, T, sizes = np.random.default_rng(14), 2.0, 3, np.array([2, 1])
    kernel = gibbs.Blocked(NEAL, datasets.neal(), truncation=T)
    labels, places, seen = np.repeat([0, 1], sizes), np.arange(2), []
    for _ in range(8000):
        state = chains.State(labels, alpha, None, {"sticks": places})
        _, places = kernel._move(state, sizes, rng)
        seen.append(tuple(places))
    exactly = {}
    for pair in [(0, 1), (1, 0), (0, 2), (2, 0), (1, 2), (2, 1)]:
        counts = np.zeros(T, int)
        counts[list(pair)] = sizes
        exactly[pair] = math.prod(
            sticks._moment(alpha, int(counts[k]), int(counts[k + 1 :].sum())) for k in range(T - 1)
        )
    for pair, p in exactly.items():
        hit = np.array([s == pair for s in seen], dtype=float)
        assert abs(hit.mean() - p / sum(exactly.values())) < 4.5 * batch_error(hit)


def worst_score(truncation, rng):
    """The largest distance of P(K = k) from its exact value, in standard errors."""
    x, alpha = PLANE[:4, 0], 5.0
    model = DPMixture(alpha, Gaussian(0, 1, 1.0))
    labels, probs = truncated_posterior(model, x, truncation)
    chain = gibbs.blocked(model, x, 12_000, truncation=truncation, rng=rng)
    z = []
    for k in range(1, len(x) + 1):
        hit = (chain.num_clusters == k).astype(float)
        p = probs[labels.max(axis=1) + 1 == k].sum()
        if p > 1e-3:
            z.append((hit.mean() - p) / batch_error(hit))
    return np.abs(z).max()


@pytest.mark.filterwarnings("ignore:in .* of the draws:dpnotes.InferenceWarning")
@pytest.mark.slow
@pytest.mark.native  # full speed
@pytest.mark.checks("DP-0169", how="numerical")
def test_few_atoms_feel_an_error_in_the_order_step(monkeypatch):
    """With T = 2 a step 1 that takes every order within T is seen; with T = 20 it is not."""
    assert worst_score(2, 5) < 4.5

    def greedy(kernel, places, sizes, alpha):
        return 0.0 if places.max() < kernel.truncation else -np.inf

    monkeypatch.setattr(gibbs.Blocked, "_log_ratio", greedy)
    assert worst_score(2, 5) > 20
    assert worst_score(20, 5) < 4.5


def test_stick_weights_given_counts():
    rng, alpha, counts = np.random.default_rng(13), 0.7, np.array([3.0, 0.0, 1.0, 2.0])
    draws = np.exp([gibbs._log_stick_weights(counts, alpha, rng) for _ in range(20_000)])
    np.testing.assert_allclose(draws.sum(1), 1, rtol=1e-12)
    mean = np.array([4 / 7.7, 1 / 4.7, 2 / 4.7, 1.0])
    mean[1:] *= np.cumprod(1 - mean[:-1])
    assert (abs(draws.mean(0) - mean) < 4.5 * draws.std(0) / math.sqrt(len(draws))).all()


def test_tiny_concentration_stays_finite():
    log_weights = gibbs._log_stick_weights(np.zeros(5), 1e-5, np.random.default_rng(1))
    assert np.isfinite(log_weights).all()


def test_default_truncation_and_start():
    model, x = NEAL, datasets.neal()
    chain = gibbs.blocked(model, x, 20, rng=1)
    same = gibbs.blocked(model, x, 20, truncation=sticks.truncation_for(1.0, 9, 1e-6), rng=1)
    np.testing.assert_array_equal(chain.labels, same.labels)
    onward = gibbs.blocked(model, x, 5, rng=2, start=chain)
    assert len(onward) == 5 and all(len(t) == k for t, k in zip(onward.theta, onward.num_clusters))
    # Labels are in order of appearance.
    for z in chain.labels:
        assert [*dict.fromkeys(z.tolist())] == list(range(z.max() + 1))


def test_one_atom_is_one_cluster():
    assert (gibbs.blocked(NEAL, datasets.neal(), 5, truncation=1, rng=1).num_clusters == 1).all()


@pytest.mark.parametrize(
    "change",
    [
        dict(truncation=0),
        dict(truncation=2.0),
        dict(n_sweeps=0),
        dict(start=np.arange(9), truncation=8),
        dict(start=[0, 1]),
    ],
)
def test_bad_input(change):
    arguments = dict(model=NEAL, x=datasets.neal(), n_sweeps=3) | change
    with pytest.raises(ValueError, match="expected"):
        gibbs.blocked(**arguments)


@pytest.mark.slow
@pytest.mark.native  # full speed
def test_the_blocked_sampler_needs_about_twice_the_sweeps_of_the_collapsed_one():
    """The chapter's comparison: autocorrelation times of K for the galaxies, 17.1 and 8.4."""
    x = datasets.galaxies()
    model = DPMixture(1.0, NormalInverseGamma(mean=0, strength=0.1, shape=2, rate=0.1))
    x = (x - x.mean()) / x.std()
    logs, errors = [], []
    for sampler, long_run, n in [(gibbs.collapsed, 8.4, 12_000), (gibbs.blocked, 17.1, 24_000)]:
        K = sampler(model, x, n, rng=21)[500:].num_clusters
        tau, error = diagnostics.autocorrelation_time(K)
        logs.append(math.log(tau / long_run))
        errors.append(error / tau)
    assert (np.abs(logs) < 4 * np.array(errors)).all()
    gap, error = logs[1] - logs[0] + math.log(17.1 / 8.4), math.hypot(*errors)
    assert gap > 2.5 * error  # the two are not equal


@functools.cache
def six_points(alpha):
    return exact.posterior(DPMixture(alpha, Gaussian(0, 1, 0.1)), datasets.neal()[:6])


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:in .* of the draws:dpnotes.InferenceWarning")
@pytest.mark.checks("DP-0211", how="numerical")
@pytest.mark.parametrize("T", [2, 4, 30])
def test_with_a_prior_for_alpha(T):
    """Few atoms, so that the labels' law under T atoms differs from that under all."""
    x, prior = datasets.neal()[:6], (2, 1)
    grid = np.linspace(0.05, 15, 150)
    family, law, mean, total = Gaussian(0, 1, 0.1), np.zeros(7), 0.0, 0.0
    for alpha in grid:
        full = six_points(alpha)
        joint = full.probs * sticks.truncation_ratio(full.labels, alpha, T)
        joint *= alpha * np.exp(full.log_evidence - alpha)
        law += np.bincount(full.labels.max(axis=1) + 1, joint, 7)
        mean, total = mean + alpha * joint.sum(), total + joint.sum()
    chain = gibbs.blocked(
        DPMixture(1.0, family), x, 20_200, truncation=T, alpha_prior=prior, rng=1
    )[200:]
    for k in range(1, 7):
        hit = (chain.num_clusters == k).astype(float)
        assert abs(hit.mean() - law[k] / total) < 4 * batch_error(hit) + 5e-4
    assert abs(chain.alpha.mean() - mean / total) < 4 * batch_error(chain.alpha) + 2e-3


@pytest.mark.slow
def test_geweke_with_a_prior_for_alpha():
    model = DPMixture(1.0, Gaussian(mean=0, var=1, noise_var=0.5))
    sampler = functools.partial(gibbs.blocked, truncation=30)
    test = diagnostics.geweke_mixture(sampler, model, 5, 4000, rng=1, alpha_prior=(3, 4))
    assert test.p_value > 0.01


def test_atoms_for_a_prior_of_alpha_are_enough_for_nearly_all_of_it():
    model = DPMixture(1.0, Gaussian(mean=0, var=1, noise_var=0.5))
    T = gibbs.Blocked(model, np.arange(5.0), alpha_prior=(2, 4)).truncation
    alpha = stats.gamma(2, scale=1 / 4)
    bound = integrate.quad(lambda a: alpha.pdf(a) * sticks.truncation_bound(a, T, 5), 0, 20)[0]
    assert bound < 1e-6
    with pytest.raises(ValueError, match="^reorder"):
        gibbs.Blocked(model, np.arange(5.0), alpha_prior=(2, 4), reorder=False)
