"""Partitions: losses against their definitions, the search against all partitions of nine points."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dpnotes import components, crp, datasets, exact, mixture, partitions

LABELS = st.lists(st.integers(0, 4), min_size=2, max_size=12)
common = settings(deadline=None, max_examples=50, derandomize=True)


def three_partitions():
    def of_size(n):
        one = st.lists(st.integers(0, 4), min_size=n, max_size=n)
        return st.tuples(one, one, one)

    return st.integers(2, 10).flatmap(of_size)


def entropy(*columns):
    """Entropy of the joint distribution of labels, from its definition."""
    counts = np.unique(np.column_stack(columns), axis=0, return_counts=True)[1]
    p = counts / counts.sum()
    return -(p * np.log(p)).sum()


@pytest.fixture(scope="module")
def neal():
    model = mixture.DPMixture(1.0, components.Gaussian(0.0, 1.0, 0.01))
    return exact.set_partitions(9), exact.posterior(model, datasets.neal())


@common
@given(LABELS)
def test_canonical_labels_keep_the_partition(labels):
    new = partitions.canonical(labels)
    seen = list(dict.fromkeys(new.tolist()))
    assert seen == list(range(len(seen)))
    for i, j in combinations(range(len(labels)), 2):
        assert (new[i] == new[j]) == (labels[i] == labels[j])


def test_canonical_rows_are_independent():
    rng = np.random.default_rng(3)
    rows = rng.integers(-3, 4, (30, 7))
    together = partitions.canonical(rows)
    assert (together == [partitions.canonical(row) for row in rows]).all()


@pytest.mark.checks("def-vi", "prp-vi-entropies", how="numerical")
@common
@given(three_partitions())
def test_variation_of_information_is_its_definition(three):
    a, b, _ = three
    expected = 2 * entropy(a, b) - entropy(a) - entropy(b)
    assert partitions.variation_of_information(a, b) == pytest.approx(expected, abs=1e-12)


@pytest.mark.checks("def-binder", how="exact")
@common
@given(three_partitions())
def test_binder_counts_pairs(three):
    a, b, _ = three
    pairs = list(combinations(range(len(a)), 2))
    wrong = sum((a[i] == a[j]) != (b[i] == b[j]) for i, j in pairs)
    assert partitions.binder(a, b) == pytest.approx(wrong / len(pairs), abs=1e-12)


@pytest.mark.checks("thm-vi-metric", how="numerical")
@common
@given(three_partitions())
def test_both_losses_are_metrics(three):
    a, b, c = three
    for d in (partitions.variation_of_information, partitions.binder):
        same = (partitions.canonical(a) == partitions.canonical(b)).all()
        assert (d(a, b) == 0) == same
        assert d(a, b) == pytest.approx(d(b, a), abs=1e-12)
        assert d(a, c) <= d(a, b) + d(b, c) + 1e-12


@common
@given(three_partitions(), st.permutations(range(5)))
def test_names_of_labels_do_not_matter(three, names):
    a, b, c = (np.array(p) for p in three)
    renamed = np.array(names)[b]
    for d in (partitions.variation_of_information, partitions.binder):
        assert d(a, b) == d(a, renamed)
    rows, other = np.array([b, c]), np.array([renamed, c])
    assert (partitions.similarity(rows) == partitions.similarity(other)).all()


def test_similarity_counts():
    rows = np.array([crp.sample(9, 1.0, seed) for seed in range(40)])
    weights = np.arange(1.0, 41)
    together = (rows[:, :, None] == rows[:, None, :]) * weights[:, None, None]
    found = partitions.similarity(rows, weights)
    np.testing.assert_allclose(found, together.sum(axis=0) / weights.sum(), atol=1e-12)


def test_similarity_in_blocks(monkeypatch):
    rows = np.array([crp.sample(9, 1.0, seed) for seed in range(40)])
    whole = partitions.similarity(rows), partitions.variation_of_information(rows[0], rows)
    monkeypatch.setattr(partitions, "_BLOCK", 100)
    np.testing.assert_allclose(partitions.similarity(rows), whole[0], atol=1e-12)
    np.testing.assert_array_equal(partitions.variation_of_information(rows[0], rows), whole[1])


@pytest.mark.checks("prp-binder-similarity", how="exact")
def test_expected_binder_loss_needs_only_the_similarity(neal):
    rows, posterior = neal
    s = posterior.similarity
    i, j = np.triu_indices(9, 1)
    for centre in rows[::2500]:
        together = centre[i] == centre[j]
        expected = np.where(together, 1 - s[i, j], s[i, j]).mean()
        found = partitions.expected_loss(rows, centre, "binder", posterior.probs)
        assert found == pytest.approx(expected, abs=1e-10)


@pytest.mark.checks("alg-point-estimate", how="exact")
def test_binder_estimate_is_the_minimiser_over_all_partitions(neal):
    rows, posterior = neal
    i, j = np.triu_indices(9, 1)
    together = rows[:, i] == rows[:, j]
    s = posterior.similarity[i, j]
    losses = np.where(together, 1 - s, s).mean(axis=1)
    likely = np.argsort(-posterior.probs)[:500]
    found = partitions.point_estimate(rows[likely], "binder", posterior.probs[likely])
    np.testing.assert_array_equal(found, rows[losses.argmin()])


@pytest.mark.checks("alg-point-estimate", how="exact")
def test_vi_estimate_is_the_minimiser_over_all_partitions(neal):
    rows, posterior = neal
    likely = np.argsort(-posterior.probs)[:100]
    sample, weights = rows[likely], posterior.probs[likely]
    found = partitions.point_estimate(sample, "vi", weights)
    best = min(partitions.expected_loss(sample, c, "vi", weights) for c in rows)
    assert partitions.expected_loss(sample, found, "vi", weights) <= best + 1e-12


@pytest.mark.parametrize("loss", partitions.LOSSES)
def test_estimate_is_no_worse_than_the_best_draw(loss):
    rows = np.array([crp.sample(15, 3.0, seed) for seed in range(60)])
    found = partitions.point_estimate(rows, loss, restarts=1)
    best = min(partitions.expected_loss(rows, row, loss) for row in rows)
    assert partitions.expected_loss(rows, found, loss) <= best


def test_estimate_can_be_a_partition_that_was_never_drawn():
    rows = [[0, 0, 1, 1], [0, 0, 1, 2], [0, 0, 0, 1]]
    triple = np.array([[0, 0, 0, 1, 1, 1], [0, 0, 1, 1, 2, 2], [0, 0, 1, 2, 2, 2]])
    assert partitions.point_estimate(rows, "binder").tolist() in rows
    loss = partitions.expected_loss(triple, partitions.point_estimate(triple, "binder"), "binder")
    everything = exact.set_partitions(6)
    least = min(partitions.expected_loss(triple, c, "binder") for c in everything)
    assert loss == pytest.approx(least, abs=1e-12)


def test_same_seed_same_estimate():
    rows = np.array([crp.sample(15, 3.0, seed) for seed in range(60)])
    one, two = (partitions.point_estimate(rows, rng=4) for _ in range(2))
    np.testing.assert_array_equal(one, two)


@pytest.mark.checks("def-credible-ball", how="exact")
@pytest.mark.parametrize("loss", partitions.LOSSES)
def test_credible_ball_is_the_smallest(neal, loss):
    rows, posterior = neal
    centre = rows[posterior.probs.argmax()]
    ball = partitions.credible_ball(rows, centre, 0.9, loss, posterior.probs)
    distance = getattr(partitions, {"vi": "variation_of_information"}.get(loss, loss))(centre, rows)
    mass_within = posterior.probs[distance <= ball.radius + 1e-9].sum()
    mass_closer = posterior.probs[distance < ball.radius - 1e-9].sum()
    assert ball.mass == pytest.approx(mass_within) and mass_closer < 0.9 <= mass_within
    K = rows[ball.inside].max(axis=1)
    assert (ball.coarsest.max(), ball.finest.max()) == (K.min(), K.max())


def test_seriation_brings_blocks_together():
    order = np.random.default_rng(1).permutation(12)
    blocks = np.repeat([0, 1, 2], 4)[order]
    matrix = np.where(blocks[:, None] == blocks, 0.9, 0.1)
    np.fill_diagonal(matrix, 1)
    sorted_blocks = blocks[partitions.seriation(matrix)]
    assert (np.diff(sorted_blocks) != 0).sum() == 2


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: partitions.similarity([]), "labels"),
        (lambda: partitions.similarity([[0.5, 1.0]]), "labels"),
        (lambda: partitions.similarity([[0, 1]], weights=[-1.0]), "weights"),
        (lambda: partitions.similarity([[0, 1]], weights=[1.0, 1.0]), "weights"),
        (lambda: partitions.binder([[0, 1], [0, 1]], [0, 1]), "a = "),
        (lambda: partitions.binder([0, 1], [0, 1, 2]), "b = "),
        (lambda: partitions.expected_loss([[0, 1]], [0, 1], "rand"), "loss = 'rand'"),
        (lambda: partitions.point_estimate([[0, 1]], "rand"), "loss = 'rand'"),
        (lambda: partitions.point_estimate([[0, 1]], restarts=0), "restarts = 0"),
        (lambda: partitions.credible_ball([[0, 1]], [0, 1], level=1.5), "level = 1.5"),
        (lambda: partitions.credible_ball([[0, 1]], [0, 1], level=0), "level = 0"),
        (lambda: partitions.seriation([[1.0, 2.0], [2.0, 1.0]]), "similarity"),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
