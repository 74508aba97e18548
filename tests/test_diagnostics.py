"""Tests of dpnotes.diagnostics."""

import functools

import numpy as np
import pytest

from dpnotes import datasets, diagnostics, exact, gibbs
from dpnotes.components import Gaussian, LogNormal, NormalInverseGamma
from dpnotes.mixture import DPMixture

MODEL = DPMixture(1.0, Gaussian(mean=0, var=1, noise_var=0.25))
STUDENT = DPMixture(2.0, NormalInverseGamma(mean=0, strength=1, shape=3, rate=2))


def autoregression(rho, draws, seed=0, chains=1):
    from scipy.signal import lfilter

    noise = np.random.default_rng(seed).standard_normal((chains, draws))
    return lfilter([1], [1, -rho], noise)


@pytest.mark.checks("DP-0125", how="numerical")
@pytest.mark.parametrize("rho", [-0.5, 0.0, 0.5, 0.9])
def test_autocorrelation_time_of_an_autoregression(rho):
    time, error = diagnostics.autocorrelation_time(autoregression(rho, 100_000)[0])
    assert abs(time - (1 + rho) / (1 - rho)) < 4 * error + 0.03
    assert error < 0.1 * time


def test_the_error_of_the_autocorrelation_time_is_its_spread():
    times = np.array(
        [diagnostics.autocorrelation_time(autoregression(0.7, 4000, seed)) for seed in range(200)]
    )
    assert times[:, 0].std() == pytest.approx(times[:, 1].mean(), rel=0.2)


@pytest.mark.checks("DP-0125", how="numerical")
def test_mcse_is_the_spread_of_the_mean():
    x = autoregression(0.7, 2000, chains=500)
    spread = x.mean(axis=1).std()
    assert np.mean([diagnostics.mcse(row) for row in x[:50]]) == pytest.approx(spread, rel=0.15)
    time = diagnostics.autocorrelation_time(x)[0]
    assert x.std() * np.sqrt(time / 2000) == pytest.approx(spread, rel=0.1)
    assert diagnostics.ess(x[:4]) == pytest.approx(8000 / time, rel=0.2)
    assert diagnostics.mcse(np.ones(10)) == 0


def test_rhat_sees_chains_apart():
    x = autoregression(0.3, 500, chains=4)
    assert diagnostics.rhat(x) < 1.02 < diagnostics.rhat(x + [[0], [0], [0], [2]])
    with pytest.raises(ValueError, match="two chains"):
        diagnostics.rhat(x[0])


def test_rhat_by_its_definition():
    # Split chains, rank-normalised; the larger of that of the draws and of their distances.
    from scipy.stats import norm, rankdata

    def rank_normal(x):
        return norm.ppf((rankdata(x).reshape(x.shape) - 3 / 8) / (x.size + 1 / 4))

    def plain(x):
        halves = np.concatenate(np.split(x, 2, axis=1))
        n, within = halves.shape[1], halves.var(axis=1, ddof=1).mean()
        return np.sqrt((n - 1) / n + halves.mean(axis=1).var(ddof=1) / within)

    for x in (
        autoregression(0.5, 200, chains=3),
        np.random.default_rng(1).integers(1, 5, (4, 100)),
    ):
        expected = max(plain(rank_normal(x)), plain(rank_normal(abs(x - np.median(x)))))
        assert diagnostics.rhat(x) == pytest.approx(expected, rel=1e-12)


def rank_normal(x):
    """Normal scores, ties at their average rank; the definition, in other words than ArviZ's."""
    from scipy.stats import norm, rankdata

    return norm.ppf((rankdata(x).reshape(x.shape) - 3 / 8) / (x.size + 1 / 4))


def plain_ess(x):
    """Split chains, and Geyer's initial monotone sequence, sum by sum."""
    halves = np.concatenate(np.split(x, 2, axis=1))
    m, n = halves.shape
    away = halves - halves.mean(axis=1, keepdims=True)
    gamma = np.array([(away[:, : n - t] * away[:, t:]).sum(axis=1).mean() / n for t in range(n)])
    within = gamma[0] * n / (n - 1)
    total = gamma[0] + halves.mean(axis=1).var(ddof=1)
    rho = 1 - (within - gamma) / total
    rho[0] = 1
    pairs = rho[: n // 2 * 2].reshape(-1, 2).sum(axis=1)
    end = int((pairs < 0).argmax()) if (pairs < 0).any() else len(pairs)
    pairs = np.minimum.accumulate(pairs[:end])
    tau = 2 * pairs.sum() - 1 + max(0, rho[2 * end] if 2 * end < n else 0)
    return m * n / max(tau, 1 / np.log10(m * n))


@pytest.mark.parametrize("kind", ["bulk", "tail", "mean"])
def test_ess_by_its_definition(kind):
    for rho in (0.0, 0.6, 0.9):
        x = autoregression(rho, 400, seed=3, chains=4)
        low, high = np.quantile(x, [0.05, 0.95])
        parts = {
            "mean": [x],
            "bulk": [rank_normal(x)],
            "tail": [(x <= low).astype(float), (x <= high).astype(float)],
        }[kind]
        expected = min(plain_ess(part) for part in parts)
        # The last, truncated pair of correlations enters in other ways here and there.
        assert diagnostics.ess(x, kind=kind) == pytest.approx(expected, rel=0.03)


def test_what_vehtari_and_others_show():
    """The examples of sections 3 and 4: what R-hat of the draws themselves cannot see."""
    rng = np.random.default_rng(1)

    def plain(x):
        halves = np.concatenate(np.split(x, 2, axis=1))
        n, within = halves.shape[1], halves.var(axis=1, ddof=1).mean()
        return np.sqrt((n - 1) / n + halves.mean(axis=1).var(ddof=1) / within)

    # One chain of the same mean and a third of the variance.
    narrow = rng.standard_normal((4, 1000)) * [[1], [1], [1], [1 / 3**0.5]]
    assert plain(narrow) < 1.01 < diagnostics.rhat(narrow)
    # Draws without a mean, one chain elsewhere.
    wild = rng.standard_cauchy((4, 1000)) + [[0], [0], [0], [1]]
    assert plain(wild) < 1.01 < diagnostics.rhat(wild)
    # A Cauchy law: its normal scores have a mean, and independent draws are worth what they are.
    alike = rng.standard_cauchy((4, 1000))
    assert diagnostics.ess(alike, kind="bulk") > 3000
    assert diagnostics.rhat(alike) < 1.01
    # A chain that stays in the tail for long says little of the tail, much of the bulk.
    x = rng.standard_normal((4, 1000))
    x[0, 100:150] = 3 + abs(x[0, 100:150])
    assert diagnostics.ess(x, kind="tail") < 0.35 * diagnostics.ess(x, kind="bulk")


def test_ranks_are_all_that_bulk_and_tail_depend_on():
    x = autoregression(0.5, 300, chains=4)
    for kind in ("bulk", "tail"):
        once = diagnostics.ess(x, kind=kind)
        assert diagnostics.ess(np.exp(3 * x), kind=kind) == pytest.approx(once, rel=1e-9)
    assert diagnostics.ess(np.exp(3 * x)) != pytest.approx(diagnostics.ess(x), rel=0.05)


def test_a_table_of_what_has_mixed():
    x = autoregression(0.3, 1000, chains=4)
    apart = x + [[0], [0], [0], [1]]
    still = np.ones((4, 1000))
    table = diagnostics.mixing({"x": x, "apart": apart, "still": still})
    assert table.names == ("x", "apart", "still") and table.moves.tolist() == [True, True, False]
    assert table.fit(1.01, 400).tolist() == [True, False, True]
    assert table.fit(1.01, 3000).tolist() == [False, False, True]
    assert table.rhat[1] == diagnostics.rhat(apart) and table.mean[2] == 1
    for kind in ("bulk", "tail"):
        assert getattr(table, kind)[0] == diagnostics.ess(x, kind=kind)
    lines = str(table).splitlines()
    assert len(lines) == 4 and "constant" in lines[3] and f"{table.bulk[0]:.0f}" in lines[1]
    html = table._repr_html_()
    assert html.count("<tr>") == 4 and f"<td>{table.bulk[0]:.0f}</td>" in html
    # Nothing has been seen where nothing moves, nor where chains stand still apart.
    assert not diagnostics.mixing({"still": still}).fit(1.01, 400).any()
    stuck = diagnostics.mixing({"x": x, "stuck": still * [[1], [1], [1], [2]]})
    assert stuck.fit(1.01, 400).tolist() == [True, False]


def test_chains_that_never_move():
    assert diagnostics.rhat(np.ones((2, 10))) == 1.0
    apart = np.array([[1.0] * 100, [2.0] * 100])
    assert diagnostics.rhat(apart) == np.inf
    assert diagnostics.ess(apart) < 3  # two chains, two draws


@pytest.mark.parametrize("scale", [1e-200, 1e200])
def test_units_do_not_matter(scale):
    x = autoregression(0.5, 1000)[0]
    assert diagnostics.mcse(scale * x) == pytest.approx(scale * diagnostics.mcse(x))
    assert diagnostics.ess(scale * x) == pytest.approx(diagnostics.ess(x))
    time, moved = (diagnostics.autocorrelation_time(y) for y in (x, scale * x))
    assert moved == pytest.approx(time)


def test_an_error_is_never_negative():
    time, error = diagnostics.autocorrelation_time([0.0, 1.0] * 50)
    assert error >= 0


def test_geweke_with_a_statistic_that_never_varies_or_is_not_finite():
    def draw(rng):
        return rng.normal(), 0.0

    def step(state, x, rng):
        return rng.normal(), x

    test = diagnostics.geweke(draw, step, lambda s, x: [s, x], 200, rng=1)
    assert test.z[1] == 0 and test.p_value > 1e-3
    test = diagnostics.geweke(
        draw, lambda s, x, rng: (rng.normal(), 1.0), lambda s, x: [x], 200, rng=1
    )
    assert test.p_value == 0
    with pytest.raises(ValueError, match="statistics.* = nan"):
        diagnostics.geweke(draw, step, lambda s, x: [np.nan], 200, rng=1)


@pytest.mark.slow
@pytest.mark.checks("DP-0125", "DP-0118", how="exact")
def test_autocorrelation_time_of_algorithm_3_is_the_exact_one():
    model = DPMixture(1.0, Gaussian(mean=0, var=1, noise_var=0.01))
    posterior = exact.posterior(model, datasets.neal())
    rho = exact.exact_autocorrelation(posterior, posterior.labels.max(axis=1), lags=40)
    exact_time = 2 * rho.sum() - 1
    chain = gibbs.collapsed(model, datasets.neal(), 20_000, rng=1)
    time, error = diagnostics.autocorrelation_time(chain.num_clusters)
    assert error < 0.1 and abs(time - exact_time) < 4 * error


@pytest.mark.parametrize("noise", [0, 0.3])
def test_exact_autocorrelation_by_powers_of_the_transition_matrix(noise):
    posterior = exact.posterior(MODEL, [0.0, 0.4, 2.0])
    sweep, p, K = exact.exact_sweep(posterior), posterior.probs, posterior.labels.max(axis=1)
    P = np.transpose([sweep(column) for column in np.eye(5)])
    f = K - p @ K
    expected = [p @ (f * (np.linalg.matrix_power(P, t) @ f)) for t in range(6)]
    expected = np.array(expected) / (expected[0] + noise)
    expected[0] = 1
    found = exact.exact_autocorrelation(posterior, K, noise=noise, lags=6)
    np.testing.assert_allclose(found, expected, atol=1e-12)


def test_autocorrelation_by_the_definition():
    x = np.random.default_rng(1).normal(size=37)
    y = x - x.mean()
    by_hand = [(y[: 37 - t] * y[t:]).sum() / (y * y).sum() for t in range(37)]
    np.testing.assert_allclose(diagnostics.autocorrelation(x), by_hand, atol=1e-12)


@pytest.mark.slow
@pytest.mark.checks("DP-0123", "DP-0121", how="numerical")
@pytest.mark.parametrize(
    "sampler, model, alpha_prior",
    [
        (gibbs.collapsed, MODEL, None),
        (gibbs.collapsed, STUDENT, (2.0, 1.0)),
        (gibbs.auxiliary, MODEL, (2.0, 2.0)),
        (functools.partial(gibbs.auxiliary, m=3), STUDENT, None),
        (functools.partial(gibbs.auxiliary, step=0.7), MODEL, None),
        (functools.partial(gibbs.auxiliary, step=[0.7, 0.3]), STUDENT, None),
    ],
)
def test_geweke_passes_right_samplers(sampler, model, alpha_prior):
    test = diagnostics.geweke_mixture(sampler, model, 4, 1500, rng=1, alpha_prior=alpha_prior)
    assert test.p_value > 1e-3
    assert len(test.z) == len(test.names) == (9 if alpha_prior else 7)


def forgets_the_data(model, x, n_sweeps, **options):
    return gibbs.collapsed(model, 0.7 * x, n_sweeps, **options)


@pytest.mark.slow
@pytest.mark.checks("DP-0123", "DP-0112", how="numerical")
@pytest.mark.parametrize("sampler", [gibbs.naive, forgets_the_data])
def test_geweke_rejects_wrong_samplers(sampler):
    assert diagnostics.geweke_mixture(sampler, MODEL, 4, 1500, rng=1).p_value < 1e-6


def test_data_whose_squares_overflow_are_refused():
    wide = DPMixture(1.0, LogNormal(Gaussian(0.0, 570.0, 514838.0)))
    with pytest.raises(ValueError, match="model = .* 1e[+]150"):
        diagnostics.geweke_mixture(gibbs.collapsed, wide, 3, 9, rng=5)


@pytest.mark.slow
def test_geweke_rejects_a_wrong_update_of_alpha(monkeypatch):
    def wrong(alpha, K, n, prior, rng):
        return right(alpha, K + 1, n, prior, rng)

    right = gibbs._sample_alpha
    monkeypatch.setattr(gibbs, "_sample_alpha", wrong)
    test = diagnostics.geweke_mixture(gibbs.collapsed, MODEL, 4, 1500, rng=1, alpha_prior=(2, 2))
    assert test.p_value < 1e-6


def geweke_of_three(**options):
    return diagnostics.geweke_mixture(gibbs.collapsed, MODEL, 3, 10, **options)


def exact_times(values, **options):
    posterior = exact.posterior(MODEL, [0.0, 1.0, 2.0])
    return exact.exact_autocorrelation(posterior, values, **options)


def normals(statistics, **options):
    def draw(rng):
        return rng.normal(), 0.0

    return diagnostics.geweke(draw, lambda s, x, rng: draw(rng), statistics, 50, rng=1, **options)


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: diagnostics.ess([1.0, 2.0]), "shape"),
        (lambda: diagnostics.mcse([1.0, np.nan, 3.0, 4.0]), "finite"),
        (lambda: diagnostics.autocorrelation_time(np.ones(9)), "not all equal"),
        (lambda: diagnostics.geweke_mixture(gibbs.collapsed, MODEL, 1, 50), "n = 1"),
        (lambda: diagnostics.geweke_mixture(gibbs.collapsed, MODEL, 3, 2), "n_draws = 2"),
        (lambda: geweke_of_three(alpha_prior=(-1, 2)), r"alpha_prior\[0\] = -1"),
        (lambda: geweke_of_three(alpha_prior=5), "alpha_prior = 5"),
        (lambda: exact_times([1.0, 2.0]), "values = 2 values"),
        (lambda: exact_times(np.ones(5)), "not all equal"),
        (lambda: exact_times([0.0, 1.0, 2.0, np.nan, 4.0]), r"values\[3\] = nan"),
        (lambda: exact_times(np.arange(5.0), noise=-1), "noise = -1"),
        (lambda: exact_times(np.arange(5.0), lags=0), "lags = 0"),
        (lambda: normals(lambda s, x: s), "statistics"),
        (lambda: normals(lambda s, x: [s], names=["a", "b"]), "names = .*1 names"),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_draws_of_two_values_that_fold_into_one_have_an_rhat():
    assert diagnostics.rhat([[0, 1, 0, 1, 1, 0], [1, 0, 0, 1, 0, 1]]) < 1.2
