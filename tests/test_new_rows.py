"""Where new rows belong: with which old rows, in which block of a partition, or alone."""

import numpy as np
import pytest
from test_families import FAMILIES as OTHERS
from test_families import points

from dpnotes import _sweeps, exact, gibbs
from dpnotes.chains import Chain
from dpnotes.components import (
    Gaussian,
    NormalInverseGamma,
    NormalInverseWishart,
    WithGaps,
)
from dpnotes.mixture import DPMixture

FAMILIES = {
    "gaussian": Gaussian([0.5, -1], 2, 0.3),
    "variances": NormalInverseGamma([0, 1], [1, 2], [3, 4], [1, 0.5]),
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
