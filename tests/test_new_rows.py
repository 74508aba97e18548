"""Where new rows belong: with which old rows, in which block of a partition, or alone."""

import dataclasses
import itertools
from functools import cache

import numpy as np
import pytest
from test_families import FAMILIES as OTHERS
from test_families import points

from dpnotes import _sweeps, datasets, exact, gibbs, meanfield, workflow
from dpnotes.chains import Chain
from dpnotes.components import (
    CorrelatedGaussian,
    Gaussian,
    NormalInverseGamma,
    NormalInverseWishart,
    Product,
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
    **{name: OTHERS[name] for name in ("poisson", "bernoulli", "categorical", "product")},
}
each = pytest.mark.parametrize("name", FAMILIES)


@pytest.fixture(autouse=True)
def not_compiled(monkeypatch):
    monkeypatch.setattr(_sweeps, "compiled", lambda *parts: None)


def every_partition(target, draws=4000):
    """A chain that holds each partition in proportion to its probability, nearly: rounded."""
    counts = np.round(target.probs * draws).astype(int)
    labels = np.repeat(target.labels, counts, axis=0).astype(np.int32)
    return Chain(target.model, target.x, labels, np.full(len(labels), target.model.alpha))


@pytest.mark.checks("DP-0232", how="exact")
@each
def test_seats_are_ratios_of_means_over_the_partitions_of_the_old_rows(name):
    family, alpha = FAMILIES[name], 0.7
    x, new = points(family, 4, seed=3), points(family, 1, seed=8)
    model = DPMixture(alpha, family)
    old = exact.posterior(model, x)
    after = exact.posterior(model, np.vstack([x, new]))
    w0 = alpha * np.exp(family.log_predictive(new, np.zeros((1, family.n_features)))[0, 0])
    w, size = np.empty((len(old.probs), 4)), np.empty((len(old.probs), 4))
    for p, labels in enumerate(old.labels):
        joined = family.log_predictive(new, model.statistics(x, labels))[0]
        w[p], size[p] = np.exp(joined)[labels], np.bincount(labels)[labels]
    total = w0 + old.probs @ w.sum(axis=1)
    density = np.exp(after.log_evidence - old.log_evidence)
    assert total == pytest.approx((alpha + 4) * density, rel=1e-9)
    assert w0 / total == pytest.approx(after.block_probs[1 << 4], abs=1e-10)
    shares = old.probs @ (size * w) / total
    np.testing.assert_allclose(shares, after.similarity[4, :4], atol=1e-10)
    # Whoever it sits down with is any of its cluster.
    seat = np.zeros(4)
    for labels, prob in zip(after.labels, after.probs, strict=True):
        mates = np.flatnonzero(labels[:4] == labels[4])
        seat[mates] += prob / max(len(mates), 1)
    np.testing.assert_allclose(old.probs @ w / total, seat, atol=1e-10)


@pytest.mark.checks("DP-0232", how="numerical")
@each
def test_sharing_a_cluster_is_that_of_the_exact_posterior_with_the_new_row(name):
    family, alpha = FAMILIES[name], 1.3
    x, new = points(family, 4, seed=3), points(family, 3, seed=8)
    if name == "gaps":
        x[1, 0] = new[0, 1] = np.nan
    model = DPMixture(alpha, family)
    chain = every_partition(exact.posterior(model, x))
    similarity, alone = chain.predict_similarity(new)
    partition = [0, 1, 0, 0]
    probs = chain.predict_proba(new, partition)
    np.testing.assert_allclose(probs.sum(axis=1), 1, atol=1e-12)
    for i, row in enumerate(new):
        target = exact.posterior(model, np.vstack([x, row]))
        np.testing.assert_allclose(similarity[i], target.similarity[4, :4], atol=4e-3)
        assert alone[i] == pytest.approx(target.block_probs[1 << 4], abs=4e-3)
        # The old row that it sits down with is any of its cluster.
        expected = np.zeros(3)
        for labels, prob in zip(target.labels, target.probs, strict=True):
            mates = np.flatnonzero(labels[:4] == labels[4])
            for j in mates:
                expected[partition[j]] += prob / len(mates)
            expected[2] += prob * (len(mates) == 0)
        np.testing.assert_allclose(probs[i], expected, atol=4e-3)


def test_of_one_partition_they_are_the_probabilities_of_its_clusters():
    family, x = FAMILIES["variances"], points(FAMILIES["variances"], 6)
    model, labels = DPMixture(1.3, family), np.array([0, 0, 1, 0, 1, 2])
    chain = Chain(model, x, labels[None].astype(np.int32), np.array([1.3]))
    new = points(family, 4, seed=2)
    s = model.statistics(x, labels)
    s = np.vstack([s, 0 * s[0]])
    weight = np.exp(family.log_predictive(new, s)) * [3, 2, 1, 1.3]
    expected = weight / weight.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(chain.predict_proba(new, labels), expected, atol=1e-12)
    best = expected.argmax(axis=1)
    np.testing.assert_array_equal(chain.predict(new, labels), np.where(best == 3, -1, best))


@pytest.mark.checks("DP-0233", how="numerical")
def test_a_large_count_is_alone_and_the_more_so_the_larger():
    chain = gibbs.collapsed(
        DPMixture(1.0, OTHERS["poisson"]), points(OTHERS["poisson"], 8), 5, rng=1
    )
    _, alone = chain.predict_similarity([[n, n] for n in (10, 20, 40, 80, 1e6)])
    assert (np.diff(alone) >= 0).all() and alone[0] < 0.9 and alone[-1] > 1 - 1e-9


@pytest.mark.checks("DP-0233", how="numerical")
@pytest.mark.parametrize("far", [1e6, 1e18, -1e100, 1e200])
@pytest.mark.parametrize("name", ["gaussian", "variances", "wishart"])
def test_a_row_far_out_is_alone(name, far):
    family = FAMILIES[name]
    chain = gibbs.collapsed(DPMixture(1.0, family), points(family, 8), 5, rng=1)
    similarity, alone = chain.predict_similarity([[far, far], [far, 0.0]])
    assert np.isfinite(similarity).all()
    # The densities of Student's t fall off as powers, and so do the odds.
    np.testing.assert_allclose(alone, 1, atol=1e-3 if far == 1e6 else 1e-9)
    assert chain.predict([[far, far]], chain.labels[-1]).tolist() == [-1]


def test_a_partition_of_other_rows_is_refused():
    family = FAMILIES["gaussian"]
    chain = gibbs.collapsed(DPMixture(1.0, family), points(family, 4), 5, rng=1)
    for partition in ([0, 0, 1], [0, 0, 2, 2], [0.5] * 4):
        with pytest.raises(ValueError, match="^partition = "):
            chain.predict_proba([[0, 0]], partition)
    with pytest.raises(ValueError, match="^x = "):
        chain.predict_similarity([[0, 0, 0]])
    with pytest.raises(ValueError, match="at least one draw"):
        chain[:0].predict_similarity([[0, 0]])


@pytest.mark.parametrize("far", [1e6, 1e120, 1e160, -1e300])
@pytest.mark.parametrize("alpha", [0.3, 2.0])
def test_old_clusters_without_values_in_the_columns_of_a_row_tie_with_a_new_one(far, alpha):
    """Beside a new cluster only their sizes tell, and clusters with values are out of the race."""
    for family in (Gaussian([0, 0], 1, 0.1), Product([Gaussian(0, 1, 0.1), Gaussian(0, 1, 0.1)])):
        model = DPMixture(alpha, WithGaps(family))
        x = np.array([[0.0, 1.0], [1.0, np.nan], [np.nan, 1.0], [1.1, np.nan]])
        labels = np.array([[0, 1, 2, 1], [0, 1, 1, 1]], dtype=np.int32)
        chain = Chain(model, x, labels, np.full(2, alpha))
        similarity, alone = chain.predict_similarity([[np.nan, far], [np.nan, np.nan]])
        tie = 2 / (2 + 2 * alpha)
        np.testing.assert_allclose(similarity[0], [0, tie, 0, tie], rtol=1e-12)
        assert alone[0] == pytest.approx(1 - tie, rel=1e-12)
        assert alone[1] == pytest.approx(alpha / (4 + alpha), rel=1e-12)
        probs = chain.predict_proba([[np.nan, far]], [0, 1, 1, 1])[0]
        np.testing.assert_allclose(probs, [0, tie, 1 - tie], rtol=1e-12)


# Mean field.


def field(name, n=12, truncation=8, **options):
    family = FAMILIES[name]
    x = points(family, n, seed=3)
    if name == "gaps":
        x[1, 0] = np.nan
    model = DPMixture(1.3, family)
    options = {"restarts": 1, **options}
    return meanfield.fit(model, x, truncation=truncation, rng=1, **options), x


@pytest.mark.checks("DP-0224", how="numerical")
@pytest.mark.parametrize("truncated", [False, True])
def test_under_q_a_row_is_of_a_cluster_as_quadrature_has_it(truncated):
    """One column of known variance: every mean under q is an integral over one number."""
    from scipy import integrate, stats

    var, noise, alpha = 2.0, 0.3, 1.3
    model = DPMixture(alpha, Gaussian(0.5, var, noise))
    x = np.array([-2.0, -1.8, -2.1, 1.5, 1.2, 5.0])
    q = meanfield.fit(model, x, truncation=5, rng=1, truncated_model=truncated)
    shares, rest = [], 1.0
    for a, b in q.sticks:
        law = stats.beta(a, b)
        v = integrate.quad(lambda v, law=law: v * law.pdf(v), 0, 1, epsabs=1e-12)[0]
        shares.append(rest * v)
        rest *= 1 - v
    if truncated:
        shares, rest = [*shares, rest], 0.0
    for y in (-1.9, 0.2, 4.0, 9.0):
        joint = []
        for share, (n, total) in zip([*shares, rest], [*q.statistics[:, :2], (0, 0)], strict=True):
            v = 1 / (1 / var + n / noise)
            m = v * (0.5 / var + (total + n * q.model.component.origin[0]) / noise)
            law = stats.norm(m, np.sqrt(v))
            density = integrate.quad(
                lambda t, law=law, y=y: law.pdf(t) * stats.norm.pdf(y, t, np.sqrt(noise)),
                min(m, y) - 8,
                max(m, y) + 8,
                points=[m, y],
                epsabs=0,
                epsrel=1e-10,
            )
            joint.append(share * density[0])
        expected = np.array(joint) / sum(joint)
        held = np.append(q.statistics[:, 0] >= 0.5, False)
        assert 1 < held.sum() < 5
        folded = np.append((expected * held)[:-1], expected[~held].sum())
        np.testing.assert_allclose(q.predict_proba([y])[0], folded, atol=1e-8)
        best = folded.argmax()
        assert q.predict([y]).tolist() == [-1 if best == 5 else best]


@each
@pytest.mark.parametrize("truncated", [False, True])
def test_under_q_a_row_is_of_a_cluster_as_draws_have_it(name, truncated):
    """E[pi_k f(y | theta_k)] is in proportion to the probability: a difference of mean zero."""
    q, _ = field(name, truncated_model=truncated)
    family, rng, draws = q.model.component, np.random.default_rng(5), 10_000
    new = points(FAMILIES[name], 3, seed=8)
    T = len(q.statistics)
    v = np.ones((draws, T))
    v[:, : len(q.sticks)] = rng.beta(*q.sticks.T, size=(draws, len(q.sticks)))
    rest = np.cumprod(1 - v, axis=1)
    pi = np.column_stack([v * np.column_stack([np.ones(draws), rest[:, :-1]]), rest[:, -1]])
    density = np.empty((3, draws, T + 1))
    for k, s in enumerate([*q.statistics, np.zeros(family.n_features)]):
        theta = family.sample(np.tile(s, (draws, 1)), rng)
        density[:, :, k] = np.exp(family.log_likelihood(new, theta))
    joint = pi * density
    held = q.statistics[:, 0] >= 0.5
    probs = q.predict_proba(new)
    np.testing.assert_allclose(probs.sum(axis=1), 1, atol=1e-12)
    assert (probs[:, :T][:, ~held] == 0).all()
    for i in range(3):
        parts = joint[i][:, :T] * held
        parts = np.column_stack([parts, joint[i].sum(axis=1) - parts.sum(axis=1)])
        off = parts - probs[i] * joint[i].sum(axis=1)[:, None]
        error = off.std(axis=0) / np.sqrt(draws)
        seen = probs[i] > 1e-3  # what is rarer, few draws of theta make
        assert seen.any() and (np.abs(off.mean(axis=0)) <= 4 * error)[seen].all()


@pytest.mark.checks("DP-0224", how="exact")
def test_under_q_sharing_a_cluster_is_that_of_all_labellings():
    model = DPMixture(1.3, Gaussian([0.5, -1], 20, 30))
    x, new = points(model.component, 5, seed=3), points(model.component, 3, seed=8)
    # One pass: the responsibilities are far from 0 and 1.
    with pytest.warns(UserWarning):
        q = meanfield.fit(model, x, truncation=3, init=[0, 1, 2, 0, 1], max_iter=1)
    gamma = q.responsibilities(x)
    assert ((gamma > 0.05) & (gamma < 0.95)).any(axis=1).all()
    log_joint = q.model.component.log_predictive(
        new, np.vstack([q.statistics, 0 * q.statistics[0]])
    )
    joint = np.exp(log_joint) * np.append(q.weights, q.remainder)
    shares = joint / joint.sum(axis=1, keepdims=True)
    together, holds = np.zeros((3, 5)), np.zeros(3)
    for z in itertools.product(range(3), repeat=5):
        prob = gamma[range(5), z].prod()
        holds[list(set(z))] += prob
        for k in range(3):
            together += prob * shares[:, k : k + 1] * (np.array(z) == k)
    similarity, alone = q.predict_similarity(new, x)
    np.testing.assert_allclose(similarity, together, atol=1e-12)
    np.testing.assert_allclose(alone, shares[:, 3], atol=1e-12)
    np.testing.assert_allclose(holds, 1 - np.prod(1 - gamma, axis=0), atol=1e-12)
    assert (holds <= gamma.sum(axis=0)).all()
    np.testing.assert_allclose(q.predict_similarity(new, x[:2])[0], similarity[:, :2], atol=1e-14)


def test_clusters_without_rows_are_none():
    q, x = field("variances")
    held = q.statistics[:, 0] >= 0.5
    assert 0 < held.sum() < 8
    gamma, probs = q.responsibilities(x), q.predict_proba(x)
    similarity, alone = q.predict_similarity(x, x)
    np.testing.assert_allclose(similarity, probs[:, :-1][:, held] @ gamma.T[held], atol=1e-14)
    np.testing.assert_array_equal(alone, probs[:, -1])
    assert (probs[:, :-1][:, ~held] == 0).all()


@pytest.mark.parametrize("far", [1e6, 1e18, -1e160, 1e300])
@pytest.mark.parametrize("truncated", [False, True])
@pytest.mark.parametrize("name", ["gaussian", "variances", "wishart", "gaps"])
def test_mean_field_leaves_a_row_far_out_alone(name, truncated, far):
    q, x = field(name, truncation=8, truncated_model=truncated)
    assert (q.statistics[:, 0] < 0.5).any()
    with np.errstate(all="raise", under="ignore"):
        probs = q.predict_proba([[far, far], [far, 0.0]])
        similarity, alone = q.predict_similarity([[far, far]], x)
    np.testing.assert_allclose(probs[:, -1], 1, atol=1e-3 if far == 1e6 else 1e-9)
    np.testing.assert_allclose(alone, 1, atol=1e-3 if far == 1e6 else 1e-9)
    assert np.isfinite(similarity).all() and q.predict([[far, far]]).tolist() == [-1]


def test_where_no_cluster_is_free_a_row_far_out_is_of_the_widest():
    """Two clusters of a truncated model: of known variance the one with fewer rows is wider."""
    model = DPMixture(1.0, Gaussian(0, 25, 1))
    q = meanfield.fit(model, [-4, -5, -4.5, 6], truncation=2, truncated_model=True, rng=1)
    small = int(q.statistics[:, 0].argmin())
    assert q.statistics[:, 0].min() > 0.9
    assert q.predict([1e5, -1e5, 1e18, 1e160, -1e200]).tolist() == [small] * 5
    assert q.predict_proba([1e160])[0, -1] == 0


def test_old_rows_of_another_width_are_refused():
    q, x = field("gaussian")
    with pytest.raises(ValueError, match="^old = "):
        q.predict_similarity(x, x[:, :1])
    with pytest.raises(ValueError, match=r"^old\[2, 1\] = nan"):
        q.predict_similarity(x, [[1, 2], [3, 4], [5, np.nan]])
    with pytest.raises(ValueError, match="^x = "):
        q.predict_proba([[1, 2, 3]])


# Analyses, in the units of the data.


@cache
def analysis():
    return workflow.analyse(datasets.faithful(), n_sweeps=40, n_chains=2, rng=1)


@cache
def approximation():
    rows = analysis()
    z = (rows.x - rows.centre) / rows.spread
    made = meanfield.fit(rows.median_model(), z, truncation=12, restarts=1, rng=1)
    return workflow.Approximation(
        rows.x, rows.names, rows.width, rows.centre, rows.spread, made, rows
    )


NEW = np.array([[2.0, 55], [4.4, 80], [3.1, 68], [300, 4]])


def test_an_analysis_places_rows_in_the_units_of_the_data():
    result = analysis()
    z = (NEW - result.centre) / result.spread
    # All draws of both chains: each counts by the density that it gives the row.
    expected, total = 0.0, 0.0
    for chain in result.chains:
        weight = np.exp(chain.predictive_draws(z)).sum(axis=0)[:, None]
        expected, total = (
            expected + weight * chain.predict_proba(z, result.partition),
            total + weight,
        )
    expected = expected / total
    probs = result.predict_proba(NEW)
    assert probs.shape == (4, result.partition.max() + 2)
    np.testing.assert_allclose(probs[:3], expected[:3], atol=1e-12)
    assert probs[3, -1] > 0.99
    best = probs.argmax(axis=1)
    assert result.predict(NEW).tolist() == [*best[:3], -1] and best[0] != best[1]
    similarity, alone = result.predict_similarity(NEW)
    for k, i in enumerate(best[:2]):
        own = result.partition == i
        assert similarity[k, own].mean() > 0.9 > 0.1 > similarity[k, ~own].mean()
    assert alone[3] > 0.99


def test_few_draws_of_a_long_analysis_are_taken(monkeypatch):
    monkeypatch.setattr(workflow, "SCORED", 12)
    result = dataclasses.replace(analysis())
    assert [len(chain) for chain in result.chains] == [30, 30] and len(result._few) == 12
    assert set(map(tuple, result._few.labels)) <= set(map(tuple, result.labels))


@pytest.mark.parametrize("made", [analysis, approximation])
def test_a_change_of_units_changes_no_place(made):
    result, unit = made(), np.array([60.0, 1e-3])
    x, centre, spread = result.x * unit, result.centre * unit, result.spread * unit
    other = dataclasses.replace(result, x=x, centre=centre, spread=spread)
    for method in ("predict_proba", "predict"):
        here, there = getattr(result, method)(NEW), getattr(other, method)(NEW * unit)
        np.testing.assert_allclose(there, here, atol=1e-9)
    for here, there in zip(
        result.predict_similarity(NEW), other.predict_similarity(NEW * unit), strict=True
    ):
        np.testing.assert_allclose(there, here, atol=1e-9)


@pytest.mark.parametrize("made", [analysis, approximation])
def test_rows_of_a_data_frame_are_read_by_name(made):
    pd = pytest.importorskip("pandas")
    result = dataclasses.replace(made(), names=["length", "waiting"])
    frame = pd.DataFrame({"id": range(4), "waiting": NEW[:, 1], "length": NEW[:, 0]})
    np.testing.assert_array_equal(result.predict_proba(frame), result.predict_proba(NEW))
    for wrong in (frame[["waiting", "id"]], NEW[:, :1], NEW[0]):
        with pytest.raises(ValueError, match="^x = "):
            result.predict(wrong)
    with pytest.raises(ValueError, match=r"^x\['waiting'\]"):
        result.predict_similarity(frame.assign(waiting=np.nan))


@pytest.mark.parametrize("made", [analysis, approximation])
def test_rows_far_out_of_a_table_belong_to_none(made):
    result = made()
    far = np.array([[1e18, 70], [-1e160, 1e160], [1e300, 1e308], [3, -1.7e308]])
    with np.errstate(all="raise", under="ignore"):
        probs, (similarity, alone) = result.predict_proba(far), result.predict_similarity(far)
    np.testing.assert_allclose(probs[:, -1], 1, atol=1e-9)
    np.testing.assert_allclose(alone, 1, atol=1e-9)
    np.testing.assert_allclose(similarity, 0, atol=1e-9)
    assert result.predict(far).tolist() == [-1] * 4


@pytest.mark.parametrize("step", [1, -1])
def test_an_approximation_names_clusters_as_its_partition_does(step):
    # From the short eruptions to the long ones, and back: the first cluster is another.
    x = approximation().x
    result = dataclasses.replace(approximation(), x=x[np.argsort(step * x[:, 0], kind="stable")])
    q, z = result.field, (NEW - result.centre) / result.spread
    probs, columns = result.predict_proba(NEW), q.predict_proba(z)
    old = (result.x - result.centre) / result.spread
    labels = q.responsibilities(old).argmax(axis=1)
    for k in range(result.partition.max() + 1):
        cluster = labels[np.flatnonzero(result.partition == k)[0]]
        np.testing.assert_array_equal(probs[:, k], columns[:, cluster])
    np.testing.assert_allclose(probs.sum(axis=1), 1, atol=1e-12)
    assert result.predict(NEW)[3] == -1
    # A row of the data is where the partition has it, but for a few between two clusters.
    assert (result.predict(result.x) == result.partition).mean() > 0.95
    similarity, _ = result.predict_similarity(NEW)
    np.testing.assert_array_equal(similarity, q.predict_similarity(z, old)[0])
