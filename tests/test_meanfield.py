import itertools
import re
import subprocess
import sys
import tracemalloc
import warnings
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, optimize, special, stats

import dpnotes
from dpnotes import _local, _threads, datasets, exact, meanfield
from dpnotes.components import (
    CorrelatedGaussian,
    Gaussian,
    NormalInverseGamma,
    NormalInverseWishart,
    SphericalNormalInverseGamma,
)
from dpnotes.mixture import DPMixture

# Small truncations, few passes and few starts are on purpose here.
pytestmark = pytest.mark.filterwarnings("ignore::dpnotes.InferenceWarning")
NEAL = datasets.neal()
ALPHAS = (0.1, 1.0, 5.0)
READINGS = (False, True)
FAMILIES = {
    "gaussian": Gaussian([0, 0], 4, 1),
    "nig": NormalInverseGamma([0, 0], 0.1, 2, 1),
    "correlated": CorrelatedGaussian([0, 0], 0.1, [[1, 0.4], [0.4, 0.5]]),
    "spherical": SphericalNormalInverseGamma([0, 0], 0.1, 2, 1),
    "niw": NormalInverseWishart([0, 0], 0.1, 4, np.eye(2)),
}


def neal_model(alpha=1.0, noise_var=0.01):
    return DPMixture(alpha, Gaussian(0, 1, noise_var))


def blobs(n, rng, centres=4):
    rng = np.random.default_rng(rng)
    mu = 4 * rng.normal(size=(centres, 2))
    return mu[rng.integers(centres, size=n)] + rng.normal(size=(n, 2))


def random_q(model, x, T, rng, truncated=False):
    """A random member of the variational family: responsibilities, sticks, statistics."""
    gamma = rng.dirichlet(np.ones(T), size=len(x))
    sticks = rng.gamma(3, size=(T - truncated, 2)) + 0.1
    statistics = rng.dirichlet(np.ones(T), size=len(x)).T @ model.component.features(x)
    return gamma, sticks, statistics


def log_evidence_within(model, x, T, truncated):
    """log p(x, all z_i <= T), by summing over the sticks that the blocks of a partition may take.

    With the truncated model this is its log evidence. An independent route: no partition law of
    the Chinese restaurant is used, only E prod_k pi_k^{n_k} for sticks.
    """
    alpha, features = model.alpha, model.component.features(x)
    n = len(features)
    members = (np.arange(2**n)[:, None] >> np.arange(n) & 1).astype(float)
    sizes = members.sum(axis=1).astype(int)
    marginal = model.component.log_marginal(members @ features)
    marginal[0] = 0.0
    # log of the sum over ways to give the points of each set to sticks T, T-1, ...: one at a time.
    table = np.full(2**n, -np.inf)
    table[0] = 0.0
    for k in range(T, 0, -1):
        new = np.full(2**n, -np.inf)
        for union in range(2**n):
            part, terms = union, []
            while True:  # every subset of the union sits at stick k, the others beyond it
                c, tail = sizes[part], sizes[union ^ part]
                if truncated and k == T:
                    weight = 0.0 if tail == 0 else -np.inf
                else:
                    weight = special.betaln(1 + c, alpha + tail) - special.betaln(1, alpha)
                terms.append(weight + marginal[part] + table[union ^ part])
                if part == 0:
                    break
                part = (part - 1) & union
            new[union] = special.logsumexp(terms)
        table = new
    return table[-1]


# The bound.


@pytest.mark.slow
@pytest.mark.checks("DP-0172", "DP-0175", "DP-0176", how="exact")
@pytest.mark.parametrize("alpha", ALPHAS)
def test_elbo_is_below_the_exact_evidence(alpha):
    x, model = NEAL[[0, 1, 3, 5, 8]], neal_model(alpha, 0.05)
    log_evidence = exact.posterior(model, x).log_evidence
    previous = -np.inf
    for T in (1, 2, 3, 5):
        within = log_evidence_within(model, x, T, False)
        finite = log_evidence_within(model, x, T, True)
        full = meanfield.fit(model, x, truncation=T, rng=1).elbo
        cut = meanfield.fit(model, x, truncation=T, rng=1, truncated_model=True).elbo
        rounding = 1e-12 * abs(within)  # at T = 1 the bound is attained
        assert full.max() - rounding <= within <= min(finite, log_evidence)
        assert full.max() - rounding <= cut[-1] <= finite + rounding
        assert full[-1] > previous - 1e-7  # it rises with T, if by little
        previous = full[-1]
    # Everything is within T = n sticks only up to the law of the largest label.
    assert log_evidence_within(model, x, 60, False) == pytest.approx(log_evidence, abs=1e-3)


@pytest.mark.checks("DP-0172", "DP-0186", how="exact")
@pytest.mark.parametrize("alpha", ALPHAS)
@pytest.mark.parametrize("truncated", READINGS)
def test_neal_trace_rises_and_stays_below_the_evidence(alpha, truncated):
    for noise_var in (0.01, 0.3):
        model = neal_model(alpha, noise_var)
        log_evidence = exact.posterior(model, NEAL).log_evidence
        for T in (2, 4, 9):
            for init in (np.zeros(9, int), np.arange(9) % T):
                q = meanfield.fit(model, NEAL, truncation=T, init=init, truncated_model=truncated)
                assert (np.diff(q.elbo) > -1e-12).all()
                if not truncated:
                    assert q.elbo[-1] < log_evidence


@pytest.mark.checks("DP-0175", how="numerical")
@pytest.mark.parametrize("alpha", ALPHAS)
def test_best_elbo_rises_with_truncation(alpha):
    model = neal_model(alpha, 0.05)
    best = [
        meanfield.fit(model, NEAL, truncation=T, rng=1, tol=1e-12).elbo[-1] for T in range(1, 8)
    ]
    assert (np.diff(best) > -1e-9).all()
    assert best[3] > best[0] + 1
    # From a fit at T, one more cluster helps at once: the labels' update uses it.
    q = meanfield.fit(model, NEAL, truncation=2, rng=1)
    wider = np.vstack([q.statistics, np.zeros(3)])
    sticks = np.vstack([q.sticks, [1, alpha]])
    gamma = np.column_stack([q.responsibilities(NEAL), np.zeros(9)])
    same = meanfield.elbo(model, NEAL, gamma, sticks, wider)
    assert same == pytest.approx(q.elbo[-1], abs=1e-10)
    logits = _logits(model, NEAL, sticks, wider)
    assert meanfield.elbo(model, NEAL, special.softmax(logits, 1), sticks, wider) > same


def _logits(model, x, sticks, statistics):
    a, b = sticks.T
    log_v = special.digamma(a) - special.digamma(a + b)
    log_rest = special.digamma(b) - special.digamma(a + b)
    log_pi = log_v + np.append(0, np.cumsum(log_rest)[:-1])
    features = model.component.features(x)
    return features @ model.component.expected_natural(statistics).T + log_pi


@pytest.mark.slow
@pytest.mark.checks("DP-0182", how="numerical")
def test_elbo_against_quadrature_of_its_definition():
    rng = np.random.default_rng(3)
    component = Gaussian(0.5, 2.0, 0.3)
    model, x, T = DPMixture(1.7, component), rng.normal(size=3), 2
    gamma, sticks, statistics = random_q(model, x, T, rng)

    def mean(law, f):
        return integrate.quad(lambda t: law.pdf(t) * f(t), *law.support(), epsabs=1e-11)[0]

    v = [stats.beta(a, b) for a, b in sticks]
    precision = 1 / 2.0 + statistics[:, 0] / 0.3
    theta = [
        stats.norm(0.5 + s[1] / 0.3 / p, p**-0.5)
        for s, p in zip(statistics, precision, strict=True)
    ]
    prior_v, prior_theta = stats.beta(1, 1.7), stats.norm(0.5, 2.0**0.5)
    total = special.entr(gamma).sum()
    for law, prior in [(w, prior_v) for w in v] + [(w, prior_theta) for w in theta]:
        total += mean(law, prior.logpdf) + law.entropy()
    for k in range(T):
        log_pi = mean(v[k], np.log) + sum(mean(v[j], lambda t: np.log1p(-t)) for j in range(k))
        for i in range(len(x)):
            f = mean(theta[k], lambda t, i=i: stats.norm(t, 0.3**0.5).logpdf(x[i]))
            total += gamma[i, k] * (log_pi + f)
    assert meanfield.elbo(model, x, gamma, sticks, statistics) == pytest.approx(total, abs=1e-7)


@pytest.mark.checks("DP-0182", "DP-0183", how="numerical")
@pytest.mark.parametrize("name", FAMILIES)
@pytest.mark.parametrize("truncated", READINGS)
def test_three_routes_to_the_elbo_agree(name, truncated):
    x, model = blobs(60, 1), DPMixture(1.3, FAMILIES[name])
    q = meanfield.fit(model, x, truncation=6, rng=1, truncated_model=truncated, max_iter=4, tol=0)
    gamma = q.responsibilities(x)
    assert meanfield.elbo(model, x, gamma, q.sticks, q.statistics) == pytest.approx(q.elbo[-1])
    # One more update of q(v), q(theta): log marginals of sticks and clusters plus the entropy.
    s = gamma.T @ model.component.features(x)
    s = s[meanfield._order(s[:, 0], 1.3, truncated)]
    collapsed = meanfield._collapsed_bound(model, s, truncated) + special.entr(gamma).sum()
    again = meanfield.fit(model, x, truncation=6, init=gamma.argmax(1), truncated_model=truncated)
    assert again.elbo[-1] >= collapsed - 1e-6
    sticks = meanfield._optimal_sticks(s[:, 0], 1.3, truncated)
    order = [int(np.argmin(np.abs(gamma.sum(0) - size))) for size in s[:, 0]]
    if len(set(order)) == len(order):
        value = meanfield.elbo(model, x, gamma[:, order], sticks, s)
        assert value == pytest.approx(collapsed, rel=1e-10)


@pytest.mark.checks("DP-0176", how="numerical")
def test_readings_differ_by_the_last_stick():
    rng = np.random.default_rng(6)
    model = neal_model(1.7)
    gamma, _, statistics = random_q(model, NEAL, 3, rng)
    sizes = gamma.sum(axis=0)
    full = meanfield._optimal_sticks(sizes, 1.7, False)
    cut = meanfield._optimal_sticks(sizes, 1.7, True)
    gain = meanfield.elbo(model, NEAL, gamma, cut, statistics)
    gain -= meanfield.elbo(model, NEAL, gamma, full, statistics)
    expected = special.betaln(1, 1.7) - special.betaln(1 + sizes[-1], 1.7)
    assert gain == pytest.approx(expected, abs=1e-10) and gain > 0


@pytest.mark.checks("DP-0185", how="numerical")
def test_iterations_are_those_of_the_page():
    """The algorithm written out for Gaussian clusters, with full arrays and textbook formulas."""
    alpha, var, noise_var, T = 0.8, 2.0, 0.2, 4
    x = blobs(50, 8)
    model = DPMixture(alpha, Gaussian([0, 0], var, noise_var))
    init = np.random.default_rng(1).integers(T, size=50)
    gamma, trace = np.eye(T)[init], []
    for _ in range(6):
        gamma = gamma[:, np.argsort(-gamma.sum(axis=0), kind="stable")]
        N = gamma.sum(axis=0)
        a, b = 1 + N, alpha + np.array([N[k + 1 :].sum() for k in range(T)])
        s2 = 1 / (1 / var + N / noise_var)
        m = s2[:, None] * (gamma.T @ x) / noise_var
        log_v = special.digamma(a) - special.digamma(a + b)
        log_rest = special.digamma(b) - special.digamma(a + b)
        log_pi = [log_v[k] + log_rest[:k].sum() for k in range(T)]
        square = ((x[:, None] - m) ** 2).sum(axis=2) + 2 * s2
        rho = log_pi - np.log(2 * np.pi * noise_var) - square / (2 * noise_var)
        gamma = special.softmax(rho, axis=1)
        kl = special.betaln(1, alpha) - special.betaln(a, b)
        kl += (a - 1) * log_v + (b - alpha) * log_rest
        kl += s2 / var - 1 - np.log(s2 / var) + (m**2).sum(axis=1) / (2 * var)
        trace.append(special.logsumexp(rho, axis=1).sum() - kl.sum())
    q = meanfield.fit(model, x, truncation=T, init=init, tol=0, max_iter=6)
    np.testing.assert_allclose(q.elbo, trace, rtol=1e-11)
    np.testing.assert_allclose(q.responsibilities(x), gamma, atol=1e-9)


# Each update is the maximiser.


def ascent_is_flat(f, start, step=1e-4):
    """Central differences of f vanish at start, to the error that step and rounding allow."""
    slope = [(f(start + step * e) - f(start - step * e)) / (2 * step) for e in np.eye(len(start))]
    return np.abs(slope).max() < 1e-4


@pytest.mark.checks("DP-0179", "DP-0177", how="numerical")
@pytest.mark.parametrize("truncated", READINGS)
def test_sticks_update_maximises(truncated):
    rng = np.random.default_rng(0)
    model, T = neal_model(0.7), 3
    gamma, _, statistics = random_q(model, NEAL, T, rng)
    best = meanfield._optimal_sticks(gamma.sum(0), 0.7, truncated)

    def f(log_sticks):
        return meanfield.elbo(model, NEAL, gamma, np.exp(log_sticks).reshape(-1, 2), statistics)

    assert ascent_is_flat(f, np.log(best).ravel())
    found = optimize.minimize(lambda u: -f(u), np.zeros(best.size), method="BFGS")
    np.testing.assert_allclose(np.exp(found.x).reshape(-1, 2), best, rtol=1e-3)


@pytest.mark.checks("DP-0180", "DP-0177", how="numerical")
@pytest.mark.parametrize("component", [Gaussian(0.2, 1, 0.3), NormalInverseGamma(0.2, 0.5, 2, 1)])
def test_theta_update_maximises(component):
    rng = np.random.default_rng(1)
    model = DPMixture(1.0, component)
    gamma, sticks, _ = random_q(model, NEAL, 2, rng)
    best = gamma.T @ component.features(NEAL)
    free = component.n_features - component.common  # the last column of Gaussian moves nothing

    def f(u):
        statistics = best.copy()
        statistics[:, :free] += u.reshape(2, free)
        return meanfield.elbo(model, NEAL, gamma, sticks, statistics)

    assert ascent_is_flat(f, np.zeros(2 * free))
    top = f(np.zeros(2 * free))
    for scale in (1e-3, 0.03, 0.3):
        for _ in range(50):
            assert f(scale * rng.normal(size=2 * free)) < top
    start = 0.2 * rng.normal(size=2 * free)
    found = optimize.minimize(lambda u: -f(u), start, method="BFGS", options={"gtol": 1e-7})
    assert -found.fun == pytest.approx(top, abs=1e-8)


@pytest.mark.checks("DP-0181", "DP-0177", how="numerical")
def test_labels_update_maximises():
    rng = np.random.default_rng(2)
    model, T = neal_model(), 3
    _, sticks, statistics = random_q(model, NEAL, T, rng)
    best = special.softmax(_logits(model, NEAL, sticks, statistics), axis=1)

    def f(u):  # any q(z) near the best, in log-ratio coordinates
        gamma = special.softmax(np.log(best + 1e-300) + u.reshape(9, T), axis=1)
        return meanfield.elbo(model, NEAL, gamma, sticks, statistics)

    assert ascent_is_flat(f, np.zeros(9 * T))
    top = f(np.zeros(9 * T))
    assert all(f(rng.normal(size=9 * T)) <= top + 1e-12 for _ in range(200))
    others = [
        meanfield.elbo(model, NEAL, g, sticks, statistics)
        for g in rng.dirichlet(np.ones(T), size=(200, 9))
    ]
    assert max(others) < top


@pytest.mark.checks("DP-0172", "DP-0171", how="exact")
def test_evidence_is_elbo_plus_divergence():
    """Five discrete unknowns, any q: log p(x) = L(q) + KL(q || posterior), and KL >= 0."""
    rng = np.random.default_rng(7)
    log_joint = rng.normal(size=5)
    posterior = special.softmax(log_joint)
    evidence = special.logsumexp(log_joint)
    some_zero = np.array([0.5, 0.0, 0.5, 0.0, 0.0])
    for q in (*rng.dirichlet(np.ones(5), size=50), some_zero, posterior):
        bound = q @ log_joint + special.entr(q).sum()
        kl = special.rel_entr(q, posterior).sum()
        assert evidence == pytest.approx(bound + kl, abs=1e-12)
        assert kl > 1e-6 or (q is posterior and abs(kl) < 1e-15)


@pytest.mark.checks("DP-0177", "DP-0171", how="exact")
def test_general_update_on_a_table():
    """Two discrete unknowns: L = log Z - KL(q_1 || q_1*) for every q_1."""
    rng = np.random.default_rng(4)
    log_p = rng.normal(size=(3, 4))
    q2 = rng.dirichlet(np.ones(4))
    expected = log_p @ q2
    optimal = special.softmax(expected)
    for q1 in rng.dirichlet(np.ones(3), size=50):
        bound = q1 @ log_p @ q2 + special.entr(q1).sum() + special.entr(q2).sum()
        kl = special.rel_entr(q1, optimal).sum()
        top = special.logsumexp(expected) + special.entr(q2).sum()
        assert kl >= 0
        assert bound == pytest.approx(top - kl, abs=1e-12)


@pytest.mark.checks("DP-0178", how="numerical")
@settings(deadline=None, max_examples=30, derandomize=True)
@given(st.floats(0.3, 30), st.floats(0.3, 30))
def test_expected_log_of_a_beta(a, b):
    log_v, log_rest = meanfield._expected_logs(np.array([[a, b]]))
    law = stats.beta(a, b)
    for value, f in ((log_v, np.log), (log_rest, np.log1p)):
        sign = 1 if f is np.log else -1
        exact_value = integrate.quad(lambda t: law.pdf(t) * f(sign * t), 0, 1, limit=200)[0]
        assert value[0] == pytest.approx(exact_value, rel=1e-6, abs=1e-6)


@pytest.mark.checks("DP-0184", how="exact")
@settings(deadline=None, max_examples=50, derandomize=True)
@given(
    st.lists(st.floats(0, 30), min_size=1, max_size=5),
    st.floats(0.05, 20),
    st.booleans(),
)
def test_order_beats_every_other(sizes, alpha, truncated):
    sizes = np.array(sizes)

    def bound(order):
        a, b = meanfield._optimal_sticks(sizes[list(order)], alpha, truncated).T
        return (special.betaln(a, b) - special.betaln(1, alpha)).sum()

    best = max(bound(order) for order in itertools.permutations(range(len(sizes))))
    assert bound(meanfield._order(sizes, alpha, truncated)) == pytest.approx(best, abs=1e-9)
    # The closed form that the proof uses.
    if not truncated:
        order = np.argsort(-sizes)
        n, tails = sizes.sum(), np.cumsum(sizes[order][::-1])[::-1]
        form = len(sizes) * np.log(alpha) + special.gammaln(1 + sizes).sum()
        form += special.gammaln(alpha) - special.gammaln(alpha + n) - np.log(alpha + tails).sum()
        assert form == pytest.approx(best, abs=1e-9)


@pytest.mark.checks("DP-0174", how="numerical")
def test_a_stick_near_one_costs_without_bound():
    """KL of the uniform law on [1 - e, 1] against Beta(1, alpha): log(1/e) grows for alpha <= 1."""
    for alpha in ALPHAS:
        costs = []
        for e in (1e-2, 1e-4, 1e-8):
            # E log density of the prior on the interval, in closed form: 1 - v is uniform.
            costs.append(-np.log(e) - np.log(alpha) - (alpha - 1) * (np.log(e) - 1))
        assert (np.array(costs) >= alpha * np.log([1e2, 1e4, 1e8]) - 1e-12).all()
        assert costs[2] - costs[1] == pytest.approx(alpha * np.log(1e4))


# Optima, starts and odd data.


@pytest.mark.slow
@pytest.mark.parametrize("alpha", ALPHAS)
@pytest.mark.parametrize("truncated", READINGS)
def test_default_restarts_reach_the_best_optimum_of_neal(alpha, truncated):
    """Starts: every partition into at most T intervals, and 100 others. (All 20648 partitions
    into at most 6 blocks, tried once for each case, led to nothing better.)"""
    model, T = neal_model(alpha), 6
    labels = exact.set_partitions(9)
    labels = labels[labels.max(axis=1) < T].astype(np.int64)
    intervals = labels[(np.diff(labels, axis=1) >= 0).all(axis=1)]
    others = labels[np.random.default_rng(0).integers(len(labels), size=100)]
    fit = partial(meanfield.fit, model, NEAL, truncation=T, truncated_model=truncated)
    best = max(fit(init=z).elbo[-1] for z in np.vstack([intervals, others]))
    for seed in range(3):
        assert fit(rng=seed).elbo[-1] > best - 1e-5


def test_restarts_are_reproducible_and_keep_the_best():
    model, x = DPMixture(1.0, FAMILIES["nig"]), blobs(300, 2)
    a, b = (
        meanfield.fit(model, x, truncation=10, rng=5),
        meanfield.fit(model, x, truncation=10, rng=5),
    )
    assert np.array_equal(a.statistics, b.statistics) and np.array_equal(a.elbo, b.elbo)
    assert a.elbo[-1] == a.restart_elbos.max() and len(a.restart_elbos) == 20


@pytest.mark.parametrize("name", FAMILIES)
@pytest.mark.parametrize("x", [np.zeros((1, 2)), np.ones((7, 2)), np.repeat(np.eye(2), 5, axis=0)])
def test_duplicates_and_more_clusters_than_points(name, x):
    q = meanfield.fit(DPMixture(1.0, FAMILIES[name]), x, truncation=12, rng=0, restarts=4)
    assert np.isfinite(q.statistics).all() and np.isfinite(q.elbo).all()
    assert (np.diff(q.elbo) > -1e-11).all()
    np.testing.assert_allclose(q.responsibilities(x).sum(axis=1), 1)
    assert q.weights.sum() + q.remainder == pytest.approx(1)
    assert (np.diff(q.statistics[:, 0]) <= 1e-12).all()


def test_one_cluster_is_the_conjugate_posterior():
    model = neal_model(2.0)
    q = meanfield.fit(model, NEAL, truncation=1, truncated_model=True, rng=0)
    total = model.component.features(NEAL).sum(axis=0)
    np.testing.assert_allclose(q.statistics[0], total)
    assert q.elbo[-1] == pytest.approx(float(model.component.log_marginal(total)))
    assert q.weights.tolist() == [1.0] and q.remainder == 0.0


# Blocks.


@pytest.mark.checks("DP-0189", how="numerical")
@pytest.mark.parametrize("name", FAMILIES)
def test_blocks_change_nothing_but_rounding(name, tmp_path):
    x, model = blobs(700, 3), DPMixture(1.0, FAMILIES[name])
    fit = partial(meanfield.fit, model, truncation=6, rng=1, restarts=2, max_iter=30)
    whole = fit(x)
    np.save(tmp_path / "x.npy", x)
    cuts = [x[:1], x[1:400], x[400:]]
    with ThreadPoolExecutor(2) as pool:
        # A browser has no threads.
        spread = map if sys.platform == "emscripten" else pool.map
        others = [
            fit(cuts),
            fit(cuts, map=spread),
            fit([partial(np.array, block) for block in cuts]),
            fit(np.load(tmp_path / "x.npy", mmap_mode="r")),
            fit(x, map=spread),
        ]
    for q in others:
        np.testing.assert_allclose(q.elbo, whole.elbo, rtol=1e-10)
        np.testing.assert_allclose(q.statistics, whole.statistics, rtol=1e-6, atol=1e-6)


@pytest.mark.native
def test_blocks_go_to_other_processes():
    from concurrent.futures import ProcessPoolExecutor

    x, model = blobs(200, 3), DPMixture(1.0, FAMILIES["gaussian"])
    init = np.arange(200) % 4
    with ProcessPoolExecutor(1) as pool:
        q = meanfield.fit(
            model, [x[:90], x[90:]], truncation=4, init=init, map=pool.map, max_iter=5
        )
    whole = meanfield.fit(model, x, truncation=4, init=init, max_iter=5)
    np.testing.assert_allclose(q.elbo, whole.elbo, rtol=1e-12)


def test_large_data_start_from_a_sample_wherever_blocks_end(monkeypatch):
    monkeypatch.setattr(meanfield, "SAMPLE", 256)
    x, model = blobs(2000, 5), DPMixture(1.0, FAMILIES["gaussian"])
    fit = partial(meanfield.fit, model, truncation=8, rng=2, restarts=6)
    whole, cut = fit(x), fit([x[:10], x[10:1500], x[1500:]])
    np.testing.assert_allclose(cut.elbo, whole.elbo, rtol=1e-10)
    assert (np.diff(whole.elbo) > -1e-9).all()
    # The sample's ELBO is not the data's, and the fit is no worse than one from all the data.
    monkeypatch.undo()
    assert whole.elbo[-1] > meanfield.fit(model, x, truncation=8, rng=2, restarts=6).elbo[-1] - 1


@pytest.mark.checks("DP-0190", "DP-0191", how="numerical")
@pytest.mark.parametrize("name", FAMILIES)
@pytest.mark.parametrize("truncated", READINGS)
def test_memoised_bound_rises_block_by_block(name, truncated):
    x, model = blobs(400, 7), DPMixture(1.0, FAMILIES[name])
    blocks = np.array_split(x, 5)
    init = np.random.default_rng(0).integers(6, size=400)
    q = meanfield.fit(
        model, blocks, truncation=6, init=init, memoised=True, truncated_model=truncated, tol=1e-10
    )
    assert (np.diff(q.elbo) > -1e-9).all() and q.converged
    # Its end is a fixed point of the plain updates, and the last entry is the bound of the result.
    value = meanfield.elbo(model, x, q.responsibilities(x), q.sticks, q.statistics)
    assert value == pytest.approx(q.elbo[-1], rel=1e-12)
    s = q.responsibilities(x).T @ model.component.features(x)
    np.testing.assert_allclose(s, q.statistics, atol=5e-2)


def test_memory_does_not_hold_responsibilities(tmp_path):
    n, T = 200_000, 50
    x = np.lib.format.open_memmap(tmp_path / "x.npy", mode="w+", shape=(n, 2))
    x[:] = np.random.default_rng(0).normal(size=(n, 2))
    monkey = meanfield.KEEP
    meanfield.KEEP = 0
    try:
        tracemalloc.start()
        model = DPMixture(1.0, FAMILIES["gaussian"])
        meanfield.fit(model, x, truncation=T, rng=0, restarts=1, max_iter=2)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
        meanfield.KEEP = monkey
    assert peak < 8e6 < 8 * n * T / 9  # the data themselves are 3.2 MB


# What Ctrl+C leaves.


class Interrupting:
    """A map that is interrupted, as by Ctrl+C, at its given call."""

    def __init__(self, call):
        self.calls_left = call

    def __call__(self, function, blocks):
        self.calls_left -= 1
        if not self.calls_left:
            raise KeyboardInterrupt
        return map(function, blocks)


STOPPED = "interrupted after .* passes; the result is that of the last complete pass"


def test_an_interrupted_ascent_returns_its_last_complete_pass():
    x, model, init = blobs(300, 2), DPMixture(1.0, FAMILIES["nig"]), np.arange(300) % 6
    fit = partial(meanfield.fit, model, x, truncation=6, init=init, tol=0)
    # One call reads the sizes, one the start; then each pass is one.
    with pytest.warns(
        RuntimeWarning, match="^interrupted after 7 passes; .*complete pass$"
    ) as caught:
        q = fit(map=Interrupting(2 + 8))
    assert caught[0].filename == __file__
    whole = fit(max_iter=7)
    assert not q.converged and len(q.elbo) == 7
    np.testing.assert_allclose(q.elbo, whole.elbo, rtol=1e-12)
    np.testing.assert_allclose(q.statistics, whole.statistics, rtol=1e-9, atol=1e-12)
    value = meanfield.elbo(model, x, q.responsibilities(x), q.sticks, q.statistics)
    assert value == pytest.approx(q.elbo[-1], rel=1e-12)


@pytest.mark.parametrize("sample", [meanfield.SAMPLE, 100])
@pytest.mark.parametrize("start", [False, True])
def test_interrupted_restarts_return_the_best_of_them(sample, start, monkeypatch):
    """Within an ascent, or between two; whether or not the starts compete on a sample."""
    monkeypatch.setattr(meanfield, "SAMPLE", sample)
    x, model = blobs(300, 2), DPMixture(1.0, FAMILIES["gaussian"])
    where = "_seat" if start else "_globals"
    original, calls = getattr(meanfield, where), itertools.count()
    last = 2 if start else 30

    def interrupted(*arguments):
        if next(calls) == last:
            raise KeyboardInterrupt
        return original(*arguments)

    monkeypatch.setattr(meanfield, where, interrupted)
    with pytest.warns(RuntimeWarning, match=STOPPED):
        q = meanfield.fit(model, x, truncation=6, rng=1)
    assert not q.converged and 1 <= len(q.restart_elbos) < 20
    value = meanfield.elbo(model, x, q.responsibilities(x), q.sticks, q.statistics)
    assert value == pytest.approx(q.elbo[-1], rel=1e-12)
    if sample > len(x):
        assert q.elbo[-1] == q.restart_elbos.max()


def test_interrupted_after_the_restarts(monkeypatch):
    """Before the first pass over all the data is complete, and after it."""
    monkeypatch.setattr(meanfield, "SAMPLE", 100)
    x, model = blobs(300, 2), DPMixture(1.0, FAMILIES["gaussian"])
    fit = partial(meanfield.fit, model, x, truncation=6, rng=1, restarts=2, tol=0)
    for passes in (0, 4):
        with pytest.warns(RuntimeWarning, match=STOPPED):
            q = fit(map=Interrupting(2 + passes + 1))  # the sizes, the sample, the passes
        whole = fit(max_iter=max(passes, 1))
        assert len(q.restart_elbos) == 2 and len(q.elbo) == max(passes, 1)
        value = meanfield.elbo(model, x, q.responsibilities(x), q.sticks, q.statistics)
        assert value == pytest.approx(q.elbo[-1], rel=1e-12) and not q.converged
    assert len(whole.elbo) == 4


def test_an_interrupted_memoised_ascent():
    x, model, reads = blobs(300, 2), DPMixture(1.0, FAMILIES["nig"]), itertools.count(1)

    def block():
        if next(reads) == 12:
            raise KeyboardInterrupt
        return x[:100]

    fit = partial(meanfield.fit, model, truncation=6, init=np.arange(300) % 6, memoised=True)
    with pytest.MonkeyPatch.context() as patch, pytest.warns(RuntimeWarning, match=STOPPED):
        patch.setattr(meanfield, "KEEP", 0)
        q = fit([block, x[100:]], tol=0)
    assert (np.diff(q.elbo) > -1e-9).all() and not q.converged
    value = meanfield.elbo(model, x, q.responsibilities(x), q.sticks, q.statistics)
    assert value == pytest.approx(q.elbo[-1], rel=1e-12)


def test_nothing_to_keep_is_interrupted_as_usual():
    for call in (1, 2, 3):
        with pytest.raises(KeyboardInterrupt):
            meanfield.fit(neal_model(), NEAL, truncation=4, init=[0] * 9, map=Interrupting(call))


# Threads.


@pytest.mark.native
def test_blas_has_one_thread_meanwhile_here_and_in_workers():
    import threadpoolctl

    _threads._libraries()
    pools = threadpoolctl.ThreadpoolController().select(user_api="blas")
    seen = []

    class Counting(Gaussian):
        def expected_natural(self, s):
            seen.append({pool["num_threads"] for pool in pools.info()})
            return super().expected_natural(s)

    model = DPMixture(1.0, Counting([0, 0], 4, 1))
    x = blobs(50, 1)
    with threadpoolctl.threadpool_limits(2, user_api="blas"):
        before = {pool["num_threads"] for pool in pools.info()}
        q = meanfield.fit(model, x, truncation=3, rng=1, restarts=2)
        calls = q.responsibilities, q.predict, q.predictive_logpdf, lambda x: q.sample_labels(x, 2)
        for call in calls:
            call(x)
        natural = FAMILIES["gaussian"].expected_natural(q.statistics)
        # As in the process of a worker, where fit itself has not been entered.
        meanfield._visit(Watched(), natural, Watched.block(pools, seen))
        assert {pool["num_threads"] for pool in pools.info()} == before
    assert len(seen) > 10 and set(map(frozenset, seen)) == {frozenset({1})}


class Watched(Gaussian):
    """Clusters for a block that notes the number of threads when it is read."""

    def __init__(self):
        super().__init__([0, 0], 4, 1)

    @staticmethod
    def block(pools, seen):
        def read():
            seen.append({pool["num_threads"] for pool in pools.info()})
            return np.ones((3, 2))

        return read


# The record.


def test_the_record_is_short_to_print_and_closed_to_change():
    x, init = NEAL.copy(), np.arange(9) % 4
    q = meanfield.fit(neal_model(), x, truncation=4, init=init)
    text = repr(q)
    assert re.fullmatch(
        r"MeanField\(3 clusters of expected size >= 1, T = 4, ELBO -\d+\.\d{4}, converged\)", text
    )
    cut = meanfield.fit(neal_model(), NEAL, truncation=4, init=init, max_iter=1)
    assert repr(cut).endswith(", not converged)")
    before = q.predictive_logpdf(NEAL), q.responsibilities(NEAL)
    x[:] = 0
    init[:] = 0
    assert np.array_equal(before[0], q.predictive_logpdf(NEAL))
    assert np.array_equal(before[1], q.responsibilities(NEAL))
    for name in ("statistics", "sticks", "elbo", "restart_elbos"):
        with pytest.raises(ValueError, match="read-only"):
            getattr(q, name)[...] = 0
    sticks = q.sticks.copy()
    other = replace(q, sticks=sticks)
    sticks[:] = 1
    assert np.array_equal(other.sticks, q.sticks)


def test_the_record_knows_its_seed_and_version():
    fit = partial(meanfield.fit, neal_model(), NEAL, truncation=4, restarts=2)
    for rng, seed in ((7, 7), (np.int64(7), 7), (np.random.default_rng(7), None), (None, None)):
        q = fit(rng=rng)
        assert q.seed == seed and type(q.seed) in (int, type(None))
        assert q.version == dpnotes.__version__


# What comes out.


def whole(q, x):
    """Responsibilities and log predictive densities from full arrays."""
    family = q.model.component
    natural = family.expected_natural(q.statistics)
    natural[:, 0] += meanfield._expected_log_weights(q.sticks, len(natural))
    statistics = np.vstack([q.statistics, 0 * q.statistics[:1]])
    weights = np.append(q.weights, q.remainder)
    return (
        special.softmax(family.features(x) @ natural.T, axis=1),
        special.logsumexp(family.log_predictive(x, statistics), axis=1, b=weights),
    )


@pytest.mark.parametrize("name", FAMILIES)
@pytest.mark.parametrize("truncated", READINGS)
def test_blocks_of_rows_change_no_result(name, truncated, tmp_path):
    x = blobs(5000, 3)
    q = meanfield.fit(
        DPMixture(1.0, FAMILIES[name]),
        x,
        truncation=6,
        rng=1,
        restarts=2,
        max_iter=5,
        truncated_model=truncated,
    )
    gamma, log_density = whole(q, x)
    np.save(tmp_path / "x.npy", x)
    np.save(tmp_path / "small.npy", x.astype(np.float32))
    small = np.load(tmp_path / "small.npy", mmap_mode="r")
    for form in (x, np.load(tmp_path / "x.npy", mmap_mode="r"), x.tolist(), np.asfortranarray(x)):
        np.testing.assert_allclose(q.responsibilities(form), gamma, atol=1e-12)
        np.testing.assert_allclose(q.predictive_logpdf(form), log_density, rtol=1e-12)
        assert np.array_equal(q.assign(form), gamma.argmax(axis=1))
        best = q.predict_proba(form).argmax(axis=1)
        assert np.array_equal(q.predict(form), np.where(best == 6, -1, best))
    np.testing.assert_allclose(q.responsibilities(small), whole(q, small)[0], atol=1e-12)
    assert q.predict(x).dtype == np.int64 and q.predict(x[:1]).shape == (1,)
    # The labels are the inverses of the uniforms, one a point, drawn in one go.
    z = q.sample_labels(x, 3, rng=8)
    u = np.random.default_rng(8).random((3, len(x)))
    assert z.dtype == np.int64 and z.shape == (3, len(x))
    expected = (np.cumsum(gamma, axis=1) <= u[..., None]).sum(axis=2)
    assert (z != expected).sum() <= 1  # rounding may tip a label


METHODS = ("responsibilities", "assign", "predict", "predictive_logpdf", "sample_labels")
MEMORY = """
import resource, sys
import numpy as np
from dpnotes import meanfield
from dpnotes.components import NormalInverseWishart
from dpnotes.mixture import DPMixture

path, method = sys.argv[1:]
x = np.load(path, mmap_mode="r")
model = DPMixture(1.0, NormalInverseWishart(np.zeros(10), 0.1, 12, np.eye(10)))
q = meanfield.fit(model, x[:500], truncation=10, init=np.arange(500) % 10, max_iter=3)
arguments = (x, 1) if method == "sample_labels" else (x,)
getattr(q, method)(*(a[:1000] if a is x else a for a in arguments))
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
getattr(q, method)(*arguments)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


@pytest.mark.native
@pytest.mark.skipif(sys.platform != "linux", reason="the unit of ru_maxrss is another")
@pytest.mark.parametrize(
    "method", [METHODS[0], *(pytest.param(m, marks=pytest.mark.slow) for m in METHODS[1:])]
)
def test_memory_holds_one_block_beyond_the_result(method, tmp_path):
    """200 000 x 10 from a memory map: all features at once would take 180 MB, and twice that."""
    x = np.lib.format.open_memmap(
        tmp_path / "x.npy", mode="w+", dtype=np.float32, shape=(200_000, 10)
    )
    x[:] = np.random.default_rng(0).normal(size=x.shape)
    x.flush()
    run = [sys.executable, "-c", MEMORY, str(tmp_path / "x.npy"), method]
    used = int(subprocess.run(run, capture_output=True, check=True, text=True).stdout) / 1e3
    result = {"responsibilities": 16.0}.get(method, 1.6)
    assert used < 8 + 6 + result  # megabytes: the mapped file and a few blocks


@pytest.mark.slow
@pytest.mark.checks("DP-0187", how="numerical")
@pytest.mark.parametrize("name", FAMILIES)
def test_predictive_is_the_mean_density_under_q(name):
    rng = np.random.default_rng(0)
    x, component = blobs(40, 1), FAMILIES[name]
    q = meanfield.fit(DPMixture(1.5, component), x, truncation=4, rng=0, restarts=3)
    at = x[:3] + 0.3
    draws = []
    for _ in range(2000):
        v = np.append(rng.beta(*q.sticks.T), 1.0)
        pi = v * np.append(1, np.cumprod(1 - v[:-1]))
        theta = component.sample(np.vstack([q.statistics, 0 * q.statistics[:1]]), rng)
        draws.append(np.exp(component.log_likelihood(at, theta)) @ pi)
    mean, error = np.mean(draws, axis=0), np.std(draws, axis=0) / np.sqrt(len(draws))
    assert (np.abs(np.exp(q.predictive_logpdf(at)) - mean) < 4.5 * error).all()


@pytest.mark.parametrize("truncated", READINGS)
def test_predictive_integrates_to_one(truncated):
    for component in (Gaussian(0, 1, 0.01), NormalInverseGamma(0, 0.1, 2, 0.1)):
        q = meanfield.fit(
            DPMixture(1.0, component), NEAL, truncation=4, rng=0, truncated_model=truncated
        )
        t = np.tan(np.linspace(-np.pi / 2, np.pi / 2, 20001)[1:-1])
        total = integrate.simpson(np.exp(q.predictive_logpdf(t)) * (1 + t * t), x=np.arctan(t))
        assert total == pytest.approx(1, abs=1e-4)


def test_labels_follow_the_responsibilities():
    q = meanfield.fit(neal_model(5.0, 0.3), NEAL, truncation=3, rng=0)
    z = q.sample_labels(NEAL, 20_000, rng=1)
    p = q.responsibilities(NEAL)
    for k in range(3):
        error = np.sqrt(p[:, k] * (1 - p[:, k]) / 20_000)
        assert (np.abs((z == k).mean(axis=0) - p[:, k]) <= 4.5 * error + 1e-9).all()


@pytest.mark.checks("DP-0188", how="numerical")
def test_mean_field_of_a_gaussian_is_too_narrow():
    """A numerical minimiser of KL(q || p) over Gaussian products ends at 1 / precision."""
    rng = np.random.default_rng(0)
    root = rng.normal(size=(3, 3))
    cov, target = root @ root.T + 0.5 * np.eye(3), rng.normal(size=3)
    precision = np.linalg.inv(cov)

    def kl(u):  # of N(u[:3], diag(exp(u[3:]))) from N(target, cov)
        gap, var = u[:3] - target, np.exp(u[3:])
        trace = (np.diag(precision) * var).sum()
        return 0.5 * (trace + gap @ precision @ gap - 3 - u[3:].sum() + np.linalg.slogdet(cov)[1])

    found = optimize.minimize(kl, np.zeros(6), method="BFGS", options={"gtol": 1e-8}).x
    np.testing.assert_allclose(found[:3], target, atol=1e-5)
    np.testing.assert_allclose(np.exp(found[3:]), 1 / np.diag(precision), rtol=1e-5)
    for j in range(3):  # the variance of u_j given the others, by regression
        others = np.delete(np.arange(3), j)
        explained = cov[j, others] @ np.linalg.solve(cov[np.ix_(others, others)], cov[others, j])
        assert 1 / precision[j, j] == pytest.approx(cov[j, j] - explained, rel=1e-10)
        assert explained > 0
    # No other law of that variance does better: a uniform factor has a larger divergence.
    width = np.sqrt(12 / precision[0, 0])
    assert -np.log(width) > -0.5 * np.log(2 * np.pi * np.e / precision[0, 0])


def test_local_draw_inverts_the_weights():
    logits = np.log(np.array([[0.0, 0.2], [0.5, 0.3], [0.5, 0.5]]) + 1e-320)
    logits[0, 0] = -np.inf
    for u, expected in ((0.0, [1, 0]), (0.49, [1, 1]), (0.5, [2, 2]), (1 - 2**-53, [2, 2])):
        assert _local.draw(logits.copy(), np.array([u, u])).tolist() == expected


# Bad input.


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"truncation": 0}, "truncation = 0: expected an integer >= 1"),
        ({"max_iter": 0}, "max_iter = 0"),
        ({"restarts": 0}, "restarts = 0"),
        ({"tol": -1}, "tol = -1: expected a finite number >= 0"),
        ({"init": [0, 1]}, "init = array.*expected 9 integer labels"),
        ({"init": np.full(9, 7)}, "labels 0 to 4"),
        ({"x": [np.nan]}, r"x\[0, 0\]|x\[0\]"),
        ({"x": []}, "x = "),
        (
            {"x": np.ones((3, 2))},
            r"^x = array of shape \(3, 2\): expected shape \(n, 1\) or \(n,\)$",
        ),
        ({"map": 3}, "map = 3: expected a function"),
        ({"truncation": 10**9}, "truncation = 10*: expected an integer <= 10*$"),
        ({"x": iter([NEAL])}, "read more than once"),
        ({"x": [NEAL, np.array([np.inf])]}, "inf"),
        ({"memoised": True, "map": lambda f, b: [f(a) for a in b]}, "memoised = True"),
        ({"memoised": 1}, "memoised = 1: expected True or False"),
        ({"progress": "x"}, "progress = 'x': expected True or False"),
        ({"truncated_model": None}, "truncated_model = None: expected True or False"),
        ({"rng": "x"}, "rng = 'x': expected a seed"),
        ({"rng": -1}, "rng = -1: expected a seed"),
        ({"rng": np.random.RandomState(1)}, "rng = RandomState.*: expected a seed"),
        ({"map": lambda f, b: None}, "map = .*: expected a function like the built-in map"),
        ({"map": lambda f, b: ["later" for _ in b]}, "map = .*: expected a function like"),
        ({"x": [NEAL, lambda: [1.0, np.nan]]}, r"^x\[1\]\[1\] = nan: expected a finite number"),
        ({"x": [NEAL, NEAL[:0]]}, r"^x\[1\] = .*: expected at least one value"),
        ({"x": [NEAL, np.ones((3, 2))]}, r"^x\[1\] = array of shape \(3, 2\): .* \(n, 1\)$"),
        ({"x": [NEAL, (v for v in NEAL)]}, r"^x\[1\] = <generator.*: expected an array of numbers"),
        ({"x": (v for v in NEAL)}, "^x = <generator.* read more than once"),
        ({"x": [0.0, 1e200]}, r"^x\[1, 0\] = 1e\+200: expected squares .* below 1e\+300$"),
        ({"x": np.array(["a"])}, r"^x\[0\] = .*: expected an array of numbers"),
        ({"x": np.ma.array([1.0, 2.0], mask=[0, 1])}, r"^x\[1\] = a masked value"),
    ],
)
def test_bad_arguments(arguments, message):
    arguments = {"x": NEAL, "truncation": 5, **arguments}
    with pytest.raises(ValueError, match=message):
        meanfield.fit(neal_model(), arguments.pop("x"), **arguments)


@pytest.mark.slow
@pytest.mark.parametrize("method", ["fit", *METHODS])
@pytest.mark.parametrize(
    "kind, message",
    [
        ("U3", r"^x\[0, 0\] = .*: expected an array of numbers"),
        ("datetime64[D]", r"^x\[0, 0\] = .*: expected an array of numbers"),
        (complex, r"^x\[0, 0\] = .*: expected an array of numbers"),
        (bool, "^x = .*: expected numbers; write 0 and 1"),
        (float, r"^x\[18000, 1\] = nan: expected a finite number"),
        (np.float32, r"^x\[18000, 1\] = nan: expected a finite number"),
        (">f8", r"^x\[18000, 1\] = nan: expected a finite number"),
    ],
)
def test_bad_memory_maps_are_refused_with_the_row(method, kind, message, tmp_path):
    model = DPMixture(1.0, FAMILIES["gaussian"])
    q = meanfield.fit(model, np.ones((3, 2)), truncation=2, rng=1)
    fit = partial(meanfield.fit, model)
    call = fit if method == "fit" else getattr(q, method)
    size = (1,) if method == "sample_labels" else ()
    x = np.lib.format.open_memmap(tmp_path / "x.npy", mode="w+", dtype=kind, shape=(20_000, 2))
    if np.dtype(kind).kind == "f":
        x[18_000, 1] = np.nan
    with pytest.raises(ValueError, match=message):
        call(x, *size)
    for bad in (x[:0], x[:, :1], x[:, 0]):
        with pytest.raises(ValueError, match="^x = array"):
            call(bad, *size)


def test_blocks_that_change_are_refused(monkeypatch):
    """A function that returns fewer points when its block is read again."""
    monkeypatch.setattr(meanfield, "KEEP", 0)
    monkeypatch.setattr(meanfield, "SAMPLE", 5)
    for init in (None, [0, 1, 2] * 6):
        for then in (3, 8) if init is None else (3, 12):
            readings = itertools.count()

            def block(then=then, readings=readings):
                return np.resize(NEAL, 9 if next(readings) == 0 else then)

            with pytest.raises(ValueError, match="^x = .*when first read$"):
                meanfield.fit(neal_model(), [NEAL, block], truncation=3, rng=1, init=init)


def test_bad_arguments_of_methods():
    q = meanfield.fit(neal_model(), NEAL, truncation=3, rng=1)
    for name, value in (("size", 0), ("size", 2.0), ("size", 10**9), ("rng", "x"), ("rng", True)):
        with pytest.raises(ValueError, match=f"^{name} = "):
            q.sample_labels(NEAL, **{"size": 2, name: value})
    for name, value in (
        ("model", 3),
        ("statistics", q.statistics[:, 1:]),
        ("sticks", -q.sticks),
        ("elbo", [np.nan]),
        ("converged", "yes"),
        ("restart_elbos", [[1.0]]),
        ("seed", "x"),
        ("version", 3),
    ):
        with pytest.raises(ValueError, match=f"^{name}(\\[0\\])? = "):
            replace(q, **{name: value})


def test_calls_of_0_1_still_work():
    with pytest.warns(DeprecationWarning, match="fit: write truncation=..., rng=..., tol=..."):
        old = meanfield.fit(neal_model(), NEAL, 3, 1, 1e-6)
    q = meanfield.fit(neal_model(), NEAL, truncation=3, rng=1, tol=1e-6)
    assert np.array_equal(old.elbo, q.elbo)
    with pytest.warns(DeprecationWarning, match="sample_labels: write rng=..."):
        labels = q.sample_labels(NEAL, 2, 1)
    assert np.array_equal(labels, q.sample_labels(NEAL, 2, rng=1))


def test_bad_member_of_the_family():
    model = neal_model()
    gamma, sticks, s = random_q(model, NEAL, 3, np.random.default_rng(0))
    for bad, message in [
        ((gamma[:5], sticks, s), r"responsibilities = array of shape \(5, 3\): expected"),
        ((2 * gamma, sticks, s), "responsibilities = .* sum to 1"),
        ((gamma, -sticks, s), "sticks = .* numbers > 0"),
        ((gamma, sticks.T, s), r"sticks = array of shape \(2, 3\): expected 3 or 2 rows"),
        ((gamma, sticks.ravel(), s), r"sticks = array of shape \(6,\): expected 3 or 2 rows"),
        (
            (gamma, sticks, s[:, 1:]),
            r"statistics = array of shape \(3, 2\): expected shape \(T, 3\)",
        ),
        ((gamma, sticks, -s), "statistics = .* counts >= 0"),
    ]:
        with pytest.raises(ValueError, match=message):
            meanfield.elbo(model, NEAL, *bad)


def test_one_cluster_without_a_stick():
    q = meanfield.fit(neal_model(), NEAL, truncation=1, rng=0, truncated_model=True)
    value = meanfield.elbo(neal_model(), NEAL, np.ones((9, 1)), q.sticks, q.statistics)
    assert q.sticks.shape == (0, 2) and value == pytest.approx(q.elbo[-1])


class Fading:
    """Blocks that are others when they are read once more."""

    def __init__(self, readings, then):
        self.readings, self.then = readings, then

    def __iter__(self):
        self.readings -= 1
        return iter([NEAL[:5], NEAL[5:]] if self.readings >= 0 else self.then)


@pytest.mark.parametrize("readings", [3, 4])
@pytest.mark.parametrize("then", [[], [NEAL[:5]]])
@pytest.mark.parametrize("memoised", [False, True])
def test_blocks_that_end_early_are_refused(readings, then, memoised, monkeypatch):
    monkeypatch.setattr(meanfield, "KEEP", 0)
    blocks = Fading(readings, then)
    with pytest.raises(ValueError, match="x = .*expected 9 points, as when first read"):
        meanfield.fit(neal_model(), blocks, truncation=4, init=[0, 1, 2] * 3, memoised=memoised)


def test_blocks_may_be_lists():
    blocks = [NEAL[:5].tolist(), lambda: NEAL[5:].tolist()]
    lists = meanfield.fit(
        neal_model(), blocks, truncation=4, rng=1, map=lambda f, b: [f(a) for a in b]
    )
    assert lists.elbo[-1] == pytest.approx(
        meanfield.fit(neal_model(), NEAL, truncation=4, rng=1).elbo[-1]
    )


@pytest.mark.parametrize("tol", ["small", None, [1e-8], np.nan])
def test_bad_tolerance(tol):
    with pytest.raises(ValueError, match="tol = .*expected a finite number >= 0"):
        meanfield.fit(neal_model(), NEAL, truncation=4, tol=tol)


# What a fit has to say of itself.


def warned(*arguments, **more):
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        q = meanfield.fit(*arguments, **more)
    assert all(w.category is dpnotes.InferenceWarning and w.filename == __file__ for w in said)
    return q, [str(w.message) for w in said]


def test_a_truncation_that_is_filled_is_told():
    q, said = warned(neal_model(), NEAL, truncation=2, rng=1)
    assert said == [
        "all 2 clusters are in use, the smallest with 4 points, and there may be more than these; "
        "raise truncation"
    ]
    # The advice helps, and a truncated model has no more clusters; nor has one a point.
    assert not warned(neal_model(), NEAL, truncation=6, rng=1)[1]
    assert not warned(neal_model(), NEAL, truncation=2, rng=1, truncated_model=True)[1]
    assert not warned(neal_model(9.0, 1e-8), NEAL, truncation=9, rng=1)[1]


def test_a_fit_that_stopped_early_is_told():
    q, said = warned(neal_model(), NEAL, truncation=6, rng=1, max_iter=2)
    assert said == ["not converged after max_iter = 2 passes; raise max_iter, or tol"]
    assert not q.converged and "not converged" in repr(q)


def test_starts_that_end_in_different_optima_are_told():
    x = blobs(300, 1, 9)
    model = DPMixture(1.0, FAMILIES["gaussian"])
    for restarts in (2, 12):
        q, said = warned(model, x, truncation=15, rng=2, restarts=restarts)
        below = q.elbo[-1] - q.restart_elbos
        reached, apart = int((below < 0.04).sum()), f"up to {below.max():.3g} nats apart"
        words = f"only one of {restarts} starts reached the best ELBO, and they end {apart}: "
        words += "there may be a better optimum; raise restarts"
        assert below.max() > 1 and said == ([words] if reached == 1 else [])
        assert f"converged, best of {restarts} starts reached by {reached}, {apart})" in repr(q)
    assert not warned(model, x, truncation=15, rng=2, restarts=1)[1]


def test_starts_that_end_in_one_optimum_need_no_word():
    q, said = warned(DPMixture(0.1, Gaussian(0, 1e3, 1)), [-9.0, 9.0] * 6, truncation=4, rng=1)
    assert not said and repr(q).endswith("converged)")


@pytest.mark.checks("DP-0185", "DP-0186", how="numerical")
@pytest.mark.parametrize("ordered", ["best", "sorted"])
def test_sorting_lowers_the_bound_of_a_truncated_model_and_the_best_order_does_not(
    ordered, monkeypatch
):
    """The chapter's example: broad clusters, alpha = 10, three sticks, from many starts."""
    if ordered == "sorted":
        monkeypatch.setattr(meanfield, "_order", lambda sizes, alpha, truncated: np.argsort(-sizes))
    model, labels = DPMixture(10.0, Gaussian(0, 1, 0.1)), exact.set_partitions(9)
    runs = [
        meanfield.fit(
            model, NEAL, truncation=3, init=z, truncated_model=True, max_iter=100, tol=0
        ).elbo
        for z in labels[labels.max(axis=1) == 2][::100]
    ]
    falls = np.array([max(elbo) - elbo[-1] for elbo in runs])
    if ordered == "best":
        assert falls.max() < 1e-9
    else:
        assert falls.min() > 0 and falls.max() > 1.5, (falls.min(), falls.max())


@pytest.mark.checks("DP-0184", how="exact")
@pytest.mark.parametrize("alpha", [0.3, 1.0, 1.5, 10.0])
def test_where_the_largest_cluster_belongs_in_a_truncated_model(alpha):
    """Sorted orders are best for alpha <= 1; beyond, the last stick is not the smallest."""

    def bound(sizes):
        a, b = meanfield._optimal_sticks(np.array(sizes), alpha, True).T
        return (special.betaln(a, b) - special.betaln(1, alpha)).sum()

    scores = {o: bound(o) for o in itertools.permutations([4.5, 3.0, 1.0, 0.5])}
    best = max(scores.values())
    orders = [o for o, score in scores.items() if score > best - 1e-12]
    if alpha <= 1:
        assert (4.5, 3.0, 1.0, 0.5) in orders
    else:
        assert all(o[-2] <= o[-1] for o in orders)


@pytest.mark.parametrize("truncated", [False, True])
def test_a_fit_goes_on_from_a_result(truncated):
    model, labels = neal_model(), np.arange(9) % 4
    fit = partial(meanfield.fit, model, NEAL, truncated_model=truncated, tol=0)
    with pytest.warns(dpnotes.InferenceWarning):
        cut = fit(truncation=4, init=labels, max_iter=3)
        whole = fit(truncation=4, init=labels, max_iter=7)
        rest = fit(truncation=4, init=cut, max_iter=5)  # the first repeats the last of cut
    np.testing.assert_allclose(rest.elbo, whole.elbo[2:], rtol=1e-12)
    np.testing.assert_allclose(rest.statistics, whole.statistics, atol=1e-10)


def test_a_result_starts_a_fit_of_larger_truncation_no_lower():
    model = neal_model()
    q = meanfield.fit(model, NEAL, truncation=3, rng=1)
    for T in (3, 5):
        again = meanfield.fit(model, NEAL, truncation=T, init=q)
        assert again.statistics.shape[0] == T
        assert again.elbo[0] >= q.elbo[-1] - 1e-12


def test_a_result_that_does_not_fit_is_refused():
    model = neal_model()
    q = meanfield.fit(model, NEAL, truncation=6, rng=1)
    with pytest.raises(ValueError, match="init .*at most truncation = 5 clusters"):
        meanfield.fit(model, NEAL, truncation=5, init=q)
    with pytest.raises(ValueError, match="init .*give init.model"):
        meanfield.fit(neal_model(), NEAL, truncation=6, init=q)
