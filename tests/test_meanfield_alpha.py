"""A law of alpha in mean field: its update, its part of the ELBO, and what it costs."""

import copy
import itertools
import math
import pickle
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from scipy import integrate, optimize, stats
from scipy.special import betaln, gammaln, logsumexp

from dpnotes import _search, datasets, exact, meanfield, predictive, workflow
from dpnotes.components import Gaussian, NormalInverseGamma
from dpnotes.meanfield import _Gamma
from dpnotes.mixture import DPMixture

pytestmark = pytest.mark.filterwarnings("ignore::dpnotes.InferenceWarning")
NEAL = datasets.neal()
READINGS = (False, True)
PRIOR = (2.0, 4.0)


def neal(alpha=1.0, noise_var=0.01):
    return DPMixture(alpha, Gaussian(0, 1, noise_var))


def fit(T=5, x=NEAL, model=None, **options):
    given = {"alpha_prior": PRIOR, "rng": 1} | options
    return meanfield.fit(model or neal(), x, truncation=T, **given)


def recomputed(q, x=NEAL, prior=PRIOR, **options):
    """The whole ELBO of a fit, by the other route."""
    laws = {"alpha_prior": prior, "alpha_posterior": q.alpha_posterior}
    gamma = q.responsibilities(x)
    return meanfield.elbo(q.model, x, gamma, q.sticks, q.statistics, **laws, **options)


def member(truncated, seed, T=4):
    """Responsibilities, sticks and statistics that no update made."""
    rng = np.random.default_rng(seed)
    gamma = rng.dirichlet(np.ones(T), size=9)
    sticks = rng.gamma(3, size=(T - truncated, 2))
    return gamma, sticks, gamma.T @ neal().component.features(NEAL)


# The ELBO and the update.


@pytest.mark.checks("DP-0246", "DP-0245", how="numerical")
@pytest.mark.parametrize("truncated", READINGS)
@pytest.mark.parametrize("law", [(3.0, 2.0), (0.7, 0.2), (30.0, 40.0)])
def test_the_elbo_is_the_mean_over_alpha(truncated, law):
    """The ELBO of each known alpha, less log q(alpha) / p(alpha), averaged by quadrature."""
    gamma, sticks, s = member(truncated, 1)
    q, prior = (stats.gamma(a, scale=1 / b) for a, b in (law, PRIOR))

    def integrand(t):
        alpha = math.exp(t)
        known = meanfield.elbo(neal(alpha), NEAL, gamma, sticks, s)
        return q.pdf(alpha) * alpha * (known - q.logpdf(alpha) + prior.logpdf(alpha))

    ends = np.log(q.ppf([1e-15, 1 - 1e-15]))
    expected, error = integrate.quad(integrand, *ends, epsabs=1e-9, epsrel=1e-12, limit=200)
    found = meanfield.elbo(neal(), NEAL, gamma, sticks, s, alpha_prior=PRIOR, alpha_posterior=law)
    assert found == pytest.approx(expected, abs=1e-8 * abs(expected) + error)


def best(bound, start):
    """Where a function of positive numbers is largest, and its value, by a numerical optimiser."""
    found = optimize.minimize(
        lambda u: -bound(np.exp(u)), np.log(start), method="BFGS", options={"gtol": 1e-7}
    )
    return np.exp(found.x), -found.fun


@pytest.mark.checks("DP-0246", how="numerical")
@pytest.mark.parametrize("truncated", READINGS)
@pytest.mark.parametrize("prior", [PRIOR, (0.5, 0.1), (9.0, 3.0)])
def test_the_update_of_alpha_is_the_best_law(truncated, prior):
    gamma, sticks, s = member(truncated, 2)

    def bound(law):
        laws = {"alpha_prior": prior, "alpha_posterior": law}
        return meanfield.elbo(neal(), NEAL, gamma, sticks, s, **laws)

    update = _Gamma(*prior).given(sticks)
    law, value = best(bound, [1.0, 1.0])
    np.testing.assert_allclose(law, update, rtol=1e-3)
    assert value == pytest.approx(bound(update), abs=1e-7)
    assert bound(update) >= value - 1e-9


@pytest.mark.checks("DP-0246", how="numerical")
@pytest.mark.parametrize("truncated", READINGS)
@pytest.mark.parametrize("prior", [PRIOR, (0.3, 0.2)])
def test_sticks_and_alpha_together_are_the_best_pair(truncated, prior):
    gamma, sticks, s = member(truncated, 3)
    m = len(sticks)

    def bound(numbers):
        laws = {"alpha_prior": prior, "alpha_posterior": numbers[-2:]}
        return meanfield.elbo(neal(), NEAL, gamma, numbers[:-2].reshape(m, 2), s, **laws)

    pair = meanfield._optimal_sticks(gamma.sum(axis=0), _Gamma(*prior), truncated)
    law = _Gamma(*prior).given(pair)
    numbers, value = best(bound, np.append(sticks, [1.0, 1.0]))
    np.testing.assert_allclose(numbers, np.append(pair, law), rtol=2e-3)
    assert bound(np.append(pair, law)) >= value - 1e-9
    assert bound(np.append(pair, law)) == pytest.approx(value, abs=1e-6)


@pytest.mark.checks("DP-0246", how="numerical")
@pytest.mark.parametrize("truncated", READINGS)
def test_the_best_order_of_all(truncated):
    """Of all permutations of five sizes, each with its best sticks and alpha."""
    rng = np.random.default_rng(4)
    for _ in range(8):
        prior = _Gamma(*np.exp(2 * rng.normal(size=2)))
        sizes = rng.dirichlet(np.full(5, 0.5)) * rng.integers(1, 60)
        m, w1 = 5 - truncated, prior.shape + 5 - truncated

        def negative(u, N):
            mean, beyond = math.exp(u), np.append(N[::-1].cumsum()[-2::-1], 0)
            value = betaln(1 + N, mean + beyond)[:m].sum() + w1 * u - prior.rate * mean
            value += gammaln(w1) - w1 * math.log(w1) + w1
            return -value - prior.shape * math.log(prior.rate) + gammaln(prior.shape)

        found = []
        for N in itertools.permutations(sizes):
            run = partial(negative, N=np.array(N))
            options = {"bounds": (-9, 9), "method": "bounded", "options": {"xatol": 1e-9}}
            found.append(-optimize.minimize_scalar(run, **options).fun)
        score = meanfield._stick_score(prior, truncated, sizes)
        assert score == pytest.approx(max(found), abs=1e-8)
        order = meanfield._order(sizes, prior, truncated)
        if not truncated:
            assert (np.diff(sizes[order]) <= 0).all()


@pytest.mark.parametrize("truncated", READINGS)
def test_the_mean_of_alpha_is_that_of_its_update_for_all_priors(truncated):
    """The mean from which the sticks are made is that of the law that they make."""
    rng = np.random.default_rng(5)
    for n in (0.3, 9, 1e4, 1e9):
        for prior in itertools.product(10.0 ** np.arange(-12, 13, 4), repeat=2):
            sizes = -np.sort(-rng.dirichlet(np.full(6, 0.3))) * n
            sticks = meanfield._optimal_sticks(sizes, _Gamma(*prior), truncated)
            law = _Gamma(*prior).given(sticks)
            mean = sticks[0, 1] if n < 9 else sticks[-1, 1] - truncated * sizes[-1]
            mean -= (sizes[1:].sum()) if n < 9 else 0.0
            near = 1e-9 * law.shape / law.rate + 4e-16 * n
            assert mean == pytest.approx(law.shape / law.rate, abs=near)


def test_one_point_gives_the_golden_ratio():
    """T = 1 and a = b = 1: E alpha solves t^2 + t = 1."""
    q = fit(1, NEAL[:1], alpha_prior=(1, 1))
    golden = (math.sqrt(5) - 1) / 2
    assert q.alpha_posterior == pytest.approx((2, 2 / golden), rel=1e-12)


def test_a_truncated_model_of_one_cluster_learns_nothing():
    q = fit(1, truncated_model=True)
    assert q.alpha_posterior == PRIOR
    assert q.elbo[-1] == pytest.approx(fit(1, alpha_prior=None, truncated_model=True).elbo[-1])


# The ascent.


@pytest.mark.checks("DP-0247", how="numerical")
@pytest.mark.parametrize("truncated", READINGS)
@pytest.mark.parametrize("options", [{}, {"memoised": True}, {"moves": True}])
@pytest.mark.parametrize("prior", [PRIOR, (0.1, 0.01), (50.0, 5.0)])
def test_the_elbo_never_falls_and_is_that_of_the_result(truncated, options, prior):
    x = [NEAL[:4], NEAL[4:]] if "memoised" in options else NEAL
    model, z = neal(noise_var=0.1), np.arange(9) % 4
    q = fit(4, x, model, init=z, truncated_model=truncated, alpha_prior=prior, **options)
    assert np.diff(q.elbo).min() >= -1e-11
    assert q.elbo[-1] == pytest.approx(recomputed(q, prior=prior), abs=1e-10)


@pytest.mark.checks("DP-0247", how="numerical")
@pytest.mark.parametrize("truncated", READINGS)
def test_each_update_raises_the_whole_elbo(truncated):
    """One factor after another, from where no update was made."""
    gamma, sticks, s = member(truncated, 6)
    model, phi, law, values = neal(), neal().component.features(NEAL), _Gamma(1, 1), []

    def now():
        laws = {"alpha_prior": PRIOR, "alpha_posterior": law}
        values.append(meanfield.elbo(model, NEAL, gamma, sticks, s, **laws))

    now()
    for _ in range(20):
        law = _Gamma(*PRIOR).given(sticks)
        now()
        N = gamma.sum(axis=0)
        sticks = meanfield._optimal_sticks(N, law.shape / law.rate, truncated)
        now()
        s = gamma.T @ phi
        now()
        logits = phi @ model.component.expected_natural(s).T
        logits += meanfield._expected_log_weights(sticks, 4)
        gamma = np.exp(logits - logsumexp(logits, axis=1, keepdims=True))
        now()
    assert np.diff(values).min() > -1e-10


@pytest.mark.parametrize("truncated", READINGS)
def test_a_sharp_prior_is_a_known_alpha(truncated):
    for alpha in (0.3, 5.0):
        model, options = neal(alpha, 0.1), {"truncated_model": truncated, "init": np.arange(9) % 4}
        known = fit(4, model=model, alpha_prior=None, **options)
        sharp = fit(4, model=neal(1.0, 0.1), alpha_prior=(1e9 * alpha, 1e9), **options)
        np.testing.assert_allclose(sharp.elbo, known.elbo, atol=1e-6)
        np.testing.assert_allclose(sharp.sticks, known.sticks, rtol=1e-6)
        assert known.alpha_posterior is None


def evidence(prior):
    """The log evidence with a Gamma prior, and the posterior density of alpha, by enumeration."""
    one, n = exact.posterior(neal(), NEAL), 9
    K = np.arange(n + 1)

    def log_joint(alpha):
        weight = logsumexp(K * math.log(alpha), b=one.num_clusters)
        weight += gammaln(alpha) - gammaln(alpha + n) + gammaln(n + 1)
        return one.log_evidence + weight + stats.gamma(prior[0], scale=1 / prior[1]).logpdf(alpha)

    top = log_joint(1.0)
    mass, _ = integrate.quad(lambda t: math.exp(log_joint(math.exp(t)) - top + t), -30, 6)
    return top + math.log(mass), log_joint


def test_the_evidence_by_enumeration_is_that_of_each_alpha():
    log_joint = evidence(PRIOR)[1]
    prior = stats.gamma(PRIOR[0], scale=1 / PRIOR[1]).logpdf(2.3)
    known = exact.posterior(neal(2.3), NEAL).log_evidence
    assert log_joint(2.3) == pytest.approx(known + prior, abs=1e-10)


@pytest.mark.checks("DP-0247", how="exact")
@pytest.mark.parametrize("prior", [PRIOR, (0.5, 1.0), (20.0, 4.0)])
def test_the_elbo_is_below_the_evidence(prior):
    log_evidence, _ = evidence(prior)
    for T in (1, 4, 9):
        assert fit(T, alpha_prior=prior, restarts=4).elbo[-1] < log_evidence - 1


@pytest.mark.checks("DP-0247", how="exact")
def test_the_elbo_of_a_truncated_model_is_below_its_evidence():
    """T = 2 and five points: all labels, and quadrature over alpha."""
    x, model, prior = NEAL[:5], neal(), stats.gamma(PRIOR[0], scale=1 / PRIOR[1])
    phi, logs = model.component.features(x), []
    for z in itertools.product([0, 1], repeat=5):
        two = np.array([phi[np.array(z) == k].sum(axis=0) for k in (0, 1)])
        first = 5 - sum(z)

        def weight(alpha, first=first):
            return alpha * math.exp(betaln(1 + first, alpha + 5 - first)) * prior.pdf(alpha)

        share = integrate.quad(weight, 0, np.inf)[0]
        logs.append(math.log(share) + model.component.log_marginal(two).sum())
    found = fit(2, x, truncated_model=True).elbo[-1]
    assert found < logsumexp(logs)
    assert found > logsumexp(logs) - 1.5


@pytest.mark.checks("DP-0248", how="exact")
def test_what_an_empty_cluster_costs():
    sizes, (a, b) = np.array([4.0, 3.0, 1.5, 0.5]), PRIOR
    prior = _Gamma(a, b)
    scores, means, spreads = [], [], []
    for T in range(4, 40):
        all_sizes = np.append(sizes, np.zeros(T - 4))
        scores.append(meanfield._stick_score(prior, False, all_sizes))
        law = prior.given(meanfield._optimal_sticks(all_sizes, prior, False))
        means.append(law.shape / law.rate)
        spreads.append(math.sqrt(law.shape) / law.rate)
    w = a + np.arange(4, 39)
    np.testing.assert_allclose(np.diff(scores), 1 - (w + 1) * np.log1p(1 / w), atol=1e-11)
    np.testing.assert_allclose(means, means[0], rtol=1e-11)
    np.testing.assert_allclose(spreads, means[0] / np.sqrt(a + np.arange(4, 40)), rtol=1e-11)
    lost, far = scores[0] - scores[-1], 0.5 * math.log((a + 39) / (a + 4))
    assert lost == pytest.approx(far, abs=1 / (12 * (a + 4)))


# Rows, blocks, machines, starts.


@pytest.mark.parametrize("truncated", READINGS)
def test_weights_count_like_repeated_rows(truncated):
    times, z = np.array([1, 3, 1, 2, 1, 4, 1, 1, 2]), np.arange(9) % 3
    options = {"truncated_model": truncated}
    given = fit(4, init=z, weights=times, **options)
    again = fit(4, np.repeat(NEAL, times), init=np.repeat(z, times), **options)
    np.testing.assert_allclose(given.elbo, again.elbo, rtol=1e-11)
    assert given.alpha_posterior == pytest.approx(again.alpha_posterior, rel=1e-9)
    assert given.elbo[-1] == pytest.approx(recomputed(given, weights=times), abs=1e-10)


def blobs(n, seed=1):
    rng = np.random.default_rng(seed)
    return 4 * rng.normal(size=(5, 2))[rng.integers(5, size=n)] + rng.normal(size=(n, 2))


def test_blocks_make_no_difference():
    x, model = blobs(300), DPMixture(1.0, NormalInverseGamma([0, 0], 0.04, 2, 2))
    options = {"model": model, "init": np.arange(300) % 6, "max_iter": 15, "tol": 0}
    whole = fit(8, x, **options)
    parts = [x[:7], x[7:290], x[290:]]
    loaded = [lambda part=part: part for part in parts]
    for blocks in (parts, loaded):
        q = fit(8, blocks, **options)
        np.testing.assert_allclose(q.elbo, whole.elbo, rtol=1e-11)
        assert q.alpha_posterior == pytest.approx(whole.alpha_posterior, rel=1e-9)
    memoised = fit(8, [x], memoised=True, **options)  # with one block a step is a pass
    later = fit(8, x, **options | {"max_iter": 16})
    assert memoised.elbo[0] == pytest.approx(whole.elbo[0], rel=1e-12)
    assert memoised.elbo[-1] == pytest.approx(later.elbo[-1], rel=1e-12)
    assert memoised.alpha_posterior == pytest.approx(later.alpha_posterior, rel=1e-9)
    again = fit(8, parts, memoised=True, model=model, init=whole)
    assert np.diff(np.append(whole.elbo[-1], again.elbo)).min() >= -1e-9


@pytest.mark.native
def test_blocks_of_dask_make_no_difference():
    dask = pytest.importorskip("dask")
    x, model = blobs(300), DPMixture(1.0, NormalInverseGamma([0, 0], 0.04, 2, 2))
    options = {"model": model, "init": np.arange(300) % 6, "max_iter": 8}
    whole = fit(8, x, **options)
    with dask.config.set(scheduler="synchronous"):
        q = fit(8, [dask.delayed(part) for part in np.array_split(x, 5)], **options)
    np.testing.assert_allclose(q.elbo, whole.elbo, rtol=1e-11)
    assert q.alpha_posterior == pytest.approx(whole.alpha_posterior, rel=1e-9)


@pytest.mark.parametrize("options", [{}, {"moves": True}])
def test_starts_compete_on_a_sample(monkeypatch, options):
    monkeypatch.setattr(meanfield, "SAMPLE", 100)
    x, model = blobs(400), DPMixture(1.0, Gaussian([0, 0], 16, 1))
    q = fit(12, x, model, restarts=2, **options)
    assert q.elbo[-1] == pytest.approx(recomputed(q, x), rel=1e-10)
    assert q.alpha_posterior[0] == PRIOR[0] + 12


def test_a_warm_start_goes_on():
    model = neal()
    first = fit(5, model=model, max_iter=3, init=np.arange(9) % 5, tol=0)
    second = fit(5, model=model, init=first, max_iter=9, tol=0)
    whole = fit(5, init=np.arange(9) % 5, max_iter=12, tol=0)
    assert second.elbo[0] >= first.elbo[-1]
    assert second.elbo[-1] == pytest.approx(whole.elbo[-1], abs=1e-9)
    assert second.alpha_posterior == pytest.approx(whole.alpha_posterior, rel=1e-6)
    known = fit(5, model=model, init=second, alpha_prior=None)
    assert known.alpha_posterior is None
    learned = fit(8, model=model, init=known)
    assert learned.elbo[-1] == pytest.approx(recomputed(learned), abs=1e-10)


def test_a_checkpoint_goes_on_with_the_same_prior_alone(tmp_path):
    path, options = tmp_path / "fit.npz", {"init": np.arange(9) % 4, "tol": 0}
    fit(4, max_iter=4, checkpoint=path, checkpoint_every=1, **options)
    q, whole = (fit(4, max_iter=9, checkpoint=c, **options) for c in (path, None))
    np.testing.assert_allclose(q.elbo, whole.elbo, rtol=1e-12)
    assert q.alpha_posterior == pytest.approx(whole.alpha_posterior, rel=1e-12)
    for other in ((2.0, 5.0), None):
        with pytest.raises(ValueError, match="of a fit with alpha_prior"):
            fit(4, max_iter=9, checkpoint=path, **options | {"alpha_prior": other})


@pytest.mark.parametrize("truncated", READINGS)
def test_gains_of_moves_are_those_of_the_whole_elbo(truncated):
    """With the best alpha before and after."""
    x, prior = np.sort(np.random.default_rng(1).normal(size=12)), _Gamma(*PRIOR)
    model = DPMixture(1.0, Gaussian(0, 1, 0.5))
    q = fit(4, x, model, init=np.arange(12) // 3, max_iter=2, truncated_model=truncated)
    natural, _ = meanfield._globals(model, q.statistics, truncated, prior)
    points = _search.Points.of(model.component.features(x), None)
    score = partial(meanfield._stick_score, prior, truncated)
    moves = _search.Moves(model.component, score, points, True, 1.0, q.statistics, natural)
    gamma = q.responsibilities(x)

    def value(gamma):
        table = gamma.T @ model.component.features(x)
        order = meanfield._order(table[:, 0], prior, truncated)
        sticks = meanfield._optimal_sticks(table[order, 0], prior, truncated)
        laws = {"alpha_prior": prior, "alpha_posterior": prior.given(sticks)}
        return meanfield.elbo(model, x, gamma[:, order], sticks, table[order], **laws)

    for j, k in moves.pairs:
        merged = gamma.copy()
        merged[:, j] += merged[:, k]
        merged[:, k] = 0
        gain = value(merged) - value(gamma)
        assert moves._merged(j, k).gain == pytest.approx(gain, abs=1e-8)


def test_moves_are_ranked_with_the_law_of_alpha(monkeypatch):
    scores = []

    def recorded(family, score, *state):
        scores.append(score)
        return original(family, score, *state)

    original = _search.Moves
    monkeypatch.setattr(_search, "Moves", recorded)
    fit(4, init=np.arange(9) % 4, moves=True)
    sizes = np.array([5.0, 3.0, 1.0, 0.0])
    assert scores[0](sizes) == meanfield._stick_score(_Gamma(*PRIOR), False, sizes)


def test_moves_leave_the_trap_of_one_cluster():
    z = np.zeros(9, int)
    alone, moved = fit(5, init=z), fit(5, init=z, moves=True)
    assert moved.elbo[-1] > alone.elbo[-1] + 2
    assert moved.elbo[-1] >= fit(5).elbo[-1] - 1e-5


# Far-out priors.


@pytest.mark.parametrize("truncated", READINGS)
def test_far_out_priors(truncated):
    """The ELBO is finite, rises, and is found both ways; a law out of floats is refused."""
    for prior in itertools.product([1e-250, 1e-9, 1e6, 1e150], [1e-130, 1e-5, 1e9, 1e40]):
        options = {"init": np.arange(9) % 3, "truncated_model": truncated, "max_iter": 30}
        q = fit(4, alpha_prior=prior, **options)
        near = 1e-12 * abs(q.elbo[-1]) + 1e-11
        assert np.diff(q.elbo).min(initial=0) >= -near
        assert recomputed(q, prior=prior) == pytest.approx(q.elbo[-1], abs=10 * near)
    for prior in ((1e200, 1e-200), (1e-308, 1), (1, 1e301), (1e-200, 1e200)):
        with pytest.raises(ValueError, match="alpha_prior = .*far within floats"):
            fit(4, alpha_prior=prior)


# What the result carries.


def test_the_result_shows_and_keeps_the_law():
    q = fit()
    shape, rate = q.alpha_posterior
    assert f"E[alpha] = {shape / rate:.3g}, ELBO" in repr(q)
    assert "alpha" not in repr(fit(alpha_prior=None))
    for kept in (pickle.loads(pickle.dumps(q)), copy.deepcopy(q), replace(q)):
        assert kept.alpha_posterior == q.alpha_posterior and type(kept.alpha_posterior) is tuple


@pytest.mark.parametrize(
    "law", [(1, -1), (1, 0), (1, np.nan), (np.inf, 1), (1,), (1, 1, 1), 1, "11", [[1, 1]]]
)
def test_what_is_no_law_of_alpha_is_refused(law):
    q = fit()
    arguments = q.model, NEAL, q.responsibilities(NEAL), q.sticks, q.statistics
    with pytest.raises(ValueError, match="^alpha_prior"):
        fit(alpha_prior=law)
    with pytest.raises(ValueError, match="^alpha_prior"):
        meanfield.elbo(*arguments, alpha_prior=law, alpha_posterior=(1, 1))
    with pytest.raises(ValueError, match="^alpha_posterior"):
        meanfield.elbo(*arguments, alpha_prior=(1, 1), alpha_posterior=law)
    with pytest.raises(ValueError, match="^alpha_posterior"):
        replace(q, alpha_posterior=law)


def test_one_law_of_alpha_alone_is_refused():
    q = fit()
    arguments = q.model, NEAL, q.responsibilities(NEAL), q.sticks, q.statistics
    with pytest.raises(ValueError, match="alpha_posterior = None: expected a law"):
        meanfield.elbo(*arguments, alpha_prior=(1, 1))
    with pytest.raises(ValueError, match="alpha_prior = None: expected a law"):
        meanfield.elbo(*arguments, alpha_posterior=(1, 1))
    with pytest.raises(ValueError, match="alpha_posterior = .*not so far"):
        laws = {"alpha_prior": (1e200, 1), "alpha_posterior": (1e-200, 1e-200)}
        meanfield.elbo(*arguments, **laws)


def test_replicates_draw_alpha_from_its_law():
    q = fit(2)
    alpha = [draw.alpha for draw in predictive._of_field(q, NEAL, 4000, np.random.default_rng(1))]
    shape, rate = q.alpha_posterior
    assert abs(np.mean(alpha) - shape / rate) < 4 * math.sqrt(shape / 4000) / rate
    assert stats.kstest(alpha, stats.gamma(shape, scale=1 / rate).cdf).pvalue > 1e-3
    known = fit(2, alpha_prior=None)
    draws = predictive._of_field(known, NEAL, 3, np.random.default_rng(1))
    assert {draw.alpha for draw in draws} == {known.model.alpha}


def test_the_estimator_learns_alpha():
    pytest.importorskip("sklearn")
    from dpnotes.estimators import DPMeanField

    x = blobs(60)
    few = {"truncation": 6, "restarts": 2, "random_state": 1}
    learned = DPMeanField(alpha_prior=PRIOR, **few).fit(x)
    assert learned.field_.alpha_posterior[0] == PRIOR[0] + 6
    assert learned.elbo_ == pytest.approx(
        recomputed(learned.field_, learned.scaler_.transform(x)), rel=1e-9
    )
    assert DPMeanField(**few).fit(x).field_.alpha_posterior is None
    with pytest.raises(ValueError, match="alpha_prior"):
        DPMeanField(alpha_prior=(1, -1), **few).fit(x)


def test_an_approximation_keeps_the_law(tmp_path):
    x, path = blobs(80), tmp_path / "some.npz"
    rows = workflow.analyse(x, n_sweeps=40, n_chains=2, rng=1)
    z = (x - rows.centre) / rows.spread
    for prior in (PRIOR, None):
        field = fit(6, z, rows.median_model(), restarts=1, alpha_prior=prior)
        parts = rows.x, rows.names, rows.width, rows.centre, rows.spread
        workflow.Approximation(*parts, field, rows).save(path)
        assert workflow.load(path).field.alpha_posterior == field.alpha_posterior
