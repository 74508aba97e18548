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
    Product,
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
