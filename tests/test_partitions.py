"""Partitions: losses against their definitions, the search against all partitions of nine."""

import tracemalloc
from fractions import Fraction
from itertools import combinations, permutations, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dpnotes import (
    chains,
    components,
    crp,
    datasets,
    diagnostics,
    exact,
    gibbs,
    mixture,
    partitions,
)

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


@pytest.mark.checks("DP-0134", "DP-0135", how="numerical")
@common
@given(three_partitions())
def test_variation_of_information_is_its_definition(three):
    a, b, _ = three
    expected = 2 * entropy(a, b) - entropy(a) - entropy(b)
    assert partitions.variation_of_information(a, b) == pytest.approx(expected, abs=1e-12)


@pytest.mark.checks("DP-0132", "DP-0133", how="exact")
@common
@given(three_partitions())
def test_binder_counts_pairs(three):
    a, b, _ = three
    pairs = list(combinations(range(len(a)), 2))
    wrong = sum((a[i] == a[j]) != (b[i] == b[j]) for i, j in pairs)
    assert partitions.binder(a, b) == pytest.approx(wrong / len(pairs), abs=1e-12)


@pytest.mark.checks("DP-0137", "DP-0133", how="numerical")
@common
@given(three_partitions())
def test_both_losses_are_metrics(three):
    a, b, c = three
    for d in (partitions.variation_of_information, partitions.binder):
        same = (partitions.canonical(a) == partitions.canonical(b)).all()
        assert (d(a, b) == 0) == same
        assert d(a, b) == pytest.approx(d(b, a), abs=1e-12)
        assert d(a, c) <= d(a, b) + d(b, c) + 1e-12


@pytest.mark.checks("DP-0133", "DP-0137", how="numerical")
@pytest.mark.parametrize("n", [50, 400])
def test_losses_of_partitions_with_many_clusters(n):
    rng = np.random.default_rng(n)
    rows = np.array([rng.integers(most, size=n) for most in (1, 2, n // 4, n // 2, n, 10 * n)])
    rows = np.vstack([rows, np.arange(n), rng.permutation(n)])
    together = rows[:, :, None] == rows[:, None, :]
    for d in (partitions.variation_of_information, partitions.binder):
        found = np.array([d(a, rows) for a in rows])
        assert (found == [[d(a, b) for b in rows] for a in rows]).all()
        np.testing.assert_allclose(found, found.T, rtol=1e-13)
        assert (found[:, None, :] <= found[:, :, None] + found[None, :, :] + 1e-12).all()
        # Exactly 0 where the partitions are equal, and there only.
        assert ((found == 0) == [[(a == b).all() for b in together] for a in together]).all()
        if d is partitions.binder:
            wrong = [[(a != b).sum() / (n * (n - 1)) for b in together] for a in together]
            np.testing.assert_array_equal(found, wrong)
        else:
            expected = [[2 * entropy(a, b) - entropy(a) - entropy(b) for b in rows] for a in rows]
            np.testing.assert_allclose(found, expected, atol=1e-12)


def test_one_pair_of_a_million_points_counts():
    n = 10**6
    a = np.arange(n) // 2  # in pairs, and one of them apart
    b = np.append(n, a[1:])
    assert partitions.binder(a, b) == 1 / (n * (n - 1) // 2)
    assert partitions.variation_of_information(a, b) == pytest.approx(2 * np.log(2) / n, rel=1e-15)
    assert partitions.variation_of_information(a, a[::-1]) == partitions.binder(a, a[::-1]) == 0


def test_losses_take_memory_for_the_points_alone():
    n = 20_000
    rng = np.random.default_rng(1)
    one, other = np.arange(n), rng.permutation(n)
    few = rng.integers(3, size=n)
    for d in (partitions.variation_of_information, partitions.binder):
        tracemalloc.start()
        assert d(one, other) == d(few, few) == 0 < d(one, few)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 50 * 8 * n


def test_similarity_takes_memory_for_the_result_alone(monkeypatch):
    n = 1500
    monkeypatch.setattr(partitions, "_BLOCK", 10**5)
    rows = np.array([np.arange(n), np.arange(n) // 2, np.zeros(n, int)])
    tracemalloc.start()
    found = partitions.similarity(rows)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2 * found.nbytes
    assert found[0, :3].tolist() == [1, pytest.approx(2 / 3), pytest.approx(1 / 3)]


@pytest.mark.parametrize("noise", [0.05, 0.4, 1.0])
def test_overlaps_of_clusters_alike_and_not_alike(noise, monkeypatch):
    rng = np.random.default_rng(3)
    rows = np.tile(rng.integers(4, size=600), (30, 1))
    other = rng.random(rows.shape) < noise
    rows[other] = rng.integers(9, size=other.sum())
    cluster, _ = partitions._clusters(partitions.canonical(rows))
    expected = cluster.astype(int) @ cluster.T
    monkeypatch.setattr(partitions, "_BLOCK", 10**5)
    for part, counts in partitions._overlaps(cluster, partitions.canonical(rows[0])):
        np.testing.assert_array_equal(counts, expected[part])


@pytest.mark.parametrize("kind", [np.int8, np.uint64, np.int64])
def test_canonical_labels_of_every_kind_of_integer(kind):
    rng, limits = np.random.default_rng(1), np.iinfo(kind)
    for low in (limits.min, limits.max - 99):
        labels = rng.integers(low, low + 99, size=(3, 300), dtype=kind, endpoint=True)
        for rows in (labels, labels[:, :20]):
            seen = [list(dict.fromkeys(row)) for row in rows.tolist()]
            expected = [[s.index(v) for v in row] for s, row in zip(seen, rows.tolist())]
            assert partitions.canonical(rows).tolist() == expected


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
    rows = np.array([crp.sample(9, 1.0, rng=seed) for seed in range(40)])
    weights = np.arange(1.0, 41)
    together = (rows[:, :, None] == rows[:, None, :]) * weights[:, None, None]
    found = partitions.similarity(rows, weights=weights)
    np.testing.assert_allclose(found, together.sum(axis=0) / weights.sum(), atol=1e-12)


def test_similarity_of_extreme_partitions_and_weights():
    rows = np.array([np.zeros(5, int), np.arange(5), np.arange(5)])
    expected = np.where(np.eye(5, dtype=bool), 1.0, 1 / 3)
    np.testing.assert_allclose(partitions.similarity(rows), expected)
    np.testing.assert_allclose(partitions.similarity(rows, weights=[1e308] * 3), expected)
    np.testing.assert_array_equal(partitions.similarity(rows, weights=[0, 1, 5e-324]), np.eye(5))


def test_similarity_in_blocks(monkeypatch):
    rows = np.array([crp.sample(9, 1.0, rng=seed) for seed in range(40)])
    whole = partitions.similarity(rows), partitions.variation_of_information(rows[0], rows)
    monkeypatch.setattr(partitions, "_BLOCK", 100)
    np.testing.assert_allclose(partitions.similarity(rows), whole[0], atol=1e-12)
    np.testing.assert_array_equal(partitions.variation_of_information(rows[0], rows), whole[1])


@pytest.mark.checks("DP-0141", how="exact")
def test_expected_binder_loss_needs_only_the_similarity(neal):
    rows, posterior = neal
    s = posterior.similarity
    i, j = np.triu_indices(9, 1)
    for centre in rows[::2500]:
        together = centre[i] == centre[j]
        expected = np.where(together, 1 - s[i, j], s[i, j]).mean()
        found = partitions.expected_loss(rows, centre, loss="binder", weights=posterior.probs)
        assert found == pytest.approx(expected, abs=1e-10)


@pytest.mark.checks("DP-0143", how="exact")
def test_binder_estimate_is_the_minimiser_over_all_partitions(neal):
    rows, posterior = neal
    i, j = np.triu_indices(9, 1)
    together = rows[:, i] == rows[:, j]
    s = posterior.similarity[i, j]
    losses = np.where(together, 1 - s, s).mean(axis=1)
    likely = np.argsort(-posterior.probs)[:500]
    found = partitions.point_estimate(
        rows[likely], loss="binder", weights=posterior.probs[likely], rng=0
    )
    np.testing.assert_array_equal(found, rows[losses.argmin()])


@pytest.mark.checks("DP-0143", "DP-0139", how="exact")
def test_vi_estimate_is_the_minimiser_over_all_partitions(neal):
    rows, posterior = neal
    sets = np.arange(512)[:, None] >> np.arange(9) & 1
    shared = sets @ sets.T
    # What a block S of the report adds: f(|S|) - 2 sum_B P(B is a block) f(|S and B|).
    f = shared * np.log(np.maximum(shared, 1)) / 9
    part = np.diag(f) - 2 * f @ posterior.block_probs
    losses = sum(part[(rows == k) @ (1 << np.arange(9))] for k in range(9))
    found = partitions.point_estimate(rows, loss="vi", weights=posterior.probs, rng=0)
    np.testing.assert_array_equal(found, rows[losses.argmin()])
    least = losses.min() + posterior.block_probs @ np.diag(f)
    assert partitions.expected_loss(
        rows, found, loss="vi", weights=posterior.probs
    ) == pytest.approx(least)


@pytest.mark.slow
@pytest.mark.checks("DP-0143", how="exact")
@pytest.mark.parametrize("loss", partitions.LOSSES)
@pytest.mark.parametrize("n", [3, 5, 7])
def test_estimate_is_the_minimiser_for_random_laws(n, loss):
    everything = exact.set_partitions(n)
    rng = np.random.default_rng(n)
    for _ in range(20):
        rows = everything[rng.integers(len(everything), size=rng.integers(2, 20))]
        weights = rng.dirichlet(np.full(len(rows), 0.5))
        found = partitions.point_estimate(rows, loss=loss, weights=weights, rng=0)
        distances = np.array([partitions._distance(row, everything, loss) for row in rows])
        least = (weights @ distances).min()
        assert partitions.expected_loss(rows, found, loss=loss, weights=weights) == pytest.approx(
            least, abs=1e-12
        )


@pytest.mark.checks("DP-0144", how="exact")
@pytest.mark.parametrize("loss", partitions.LOSSES)
def test_estimate_is_no_worse_than_the_best_draw(loss):
    rows = np.array([crp.sample(15, 3.0, rng=seed) for seed in range(60)])
    found = partitions.point_estimate(rows, loss=loss, restarts=1, rng=0)
    best = min(partitions.expected_loss(rows, row, loss=loss) for row in rows)
    assert partitions.expected_loss(rows, found, loss=loss) <= best


@pytest.mark.checks("DP-0144", how="exact")
@pytest.mark.parametrize("loss", partitions.LOSSES)
def test_search_starts_from_the_best_draw(loss):
    # From the worst of these draws the sweeps end where the loss is larger than the best draw's.
    for seed in (17, 18, 21, 22, 25):
        rng = np.random.default_rng(seed)
        draws = np.array([crp.sample(12, 1.0, rng=rng) for _ in range(4)])
        found = partitions.point_estimate(draws, loss=loss, restarts=1, rng=0)
        best = min(partitions.expected_loss(draws, draw, loss=loss) for draw in draws)
        assert partitions.expected_loss(draws, found, loss=loss) <= best + 1e-12


def test_estimate_can_be_a_partition_that_was_never_drawn():
    rows = [[0, 0, 1, 1], [0, 0, 1, 2], [0, 0, 0, 1]]
    triple = np.array([[0, 0, 0, 1, 1, 1], [0, 0, 1, 1, 2, 2], [0, 0, 1, 2, 2, 2]])
    assert partitions.point_estimate(rows, loss="binder", rng=0).tolist() in rows
    loss = partitions.expected_loss(
        triple, partitions.point_estimate(triple, loss="binder", rng=0), loss="binder"
    )
    everything = exact.set_partitions(6)
    least = min(partitions.expected_loss(triple, c, loss="binder") for c in everything)
    assert loss == pytest.approx(least, abs=1e-12)


def test_same_seed_same_estimate():
    rows = np.array([crp.sample(15, 3.0, rng=seed) for seed in range(60)])
    one, two = (partitions.point_estimate(rows, rng=4) for _ in range(2))
    np.testing.assert_array_equal(one, two)


@pytest.mark.checks("DP-0146", "DP-0147", how="exact")
@pytest.mark.parametrize("loss", partitions.LOSSES)
def test_credible_ball_is_the_smallest(neal, loss):
    rows, posterior = neal
    centre = rows[posterior.probs.argmax()]
    ball = partitions.credible_ball(rows, centre, level=0.9, loss=loss, weights=posterior.probs)
    distance = getattr(partitions, {"vi": "variation_of_information"}.get(loss, loss))(centre, rows)
    mass_within = posterior.probs[distance <= ball.radius + 1e-9].sum()
    mass_closer = posterior.probs[distance < ball.radius - 1e-9].sum()
    assert ball.mass == pytest.approx(mass_within) and mass_closer < 0.9 <= mass_within
    assert (
        ball.radius
        <= partitions.expected_loss(rows, centre, loss=loss, weights=posterior.probs) / 0.1
    )
    K = rows[ball.inside].max(axis=1)
    assert (ball.coarsest.max(), ball.finest.max()) == (K.min(), K.max())


@pytest.fixture(scope="module")
def chain(neal):
    posterior = neal[1]
    return gibbs.collapsed(posterior.model, posterior.x, 20_000, rng=1)


def within_errors(draws, exact_values, limit=4.5):
    for column, value in zip(np.reshape(draws, (len(draws), -1)).T, exact_values, strict=True):
        error = max(diagnostics.mcse(column), 1e-4)
        assert abs(column.mean() - value) < limit * error


@pytest.mark.checks("DP-0126", how="numerical")
def test_averages_along_the_chain_are_posterior_means(neal, chain):
    posterior = neal[1]
    i, j = np.triu_indices(9, 1)
    within_errors(chain.labels[:, i] == chain.labels[:, j], posterior.similarity[i, j])
    counts = chain.num_clusters[:, None] == np.arange(2, 8)
    within_errors(counts, posterior.num_clusters[2:8])
    at = [-1.2, 0.1, 0.6]
    within_errors(np.exp(chain.predictive_draws(at)), np.exp(posterior.predictive_logpdf(at)))


@pytest.mark.checks("DP-0126", how="numerical")
def test_error_of_averages_shrinks_like_one_over_the_number_of_draws(neal):
    # E (average - mean)^2 <= C / N from a fixed start: four times the draws, a quarter of it.
    rows, posterior = neal
    mean = np.arange(10) @ posterior.num_clusters
    start = np.arange(9)
    runs = [
        gibbs.collapsed(posterior.model, posterior.x, 160, rng=s, start=start) for s in range(300)
    ]
    K = np.array([run.num_clusters for run in runs])
    squares = {n: (K[:, :n].mean(axis=1) - mean) ** 2 for n in (40, 160)}
    ratio = squares[40].mean() / squares[160].mean()
    relative = sum((v.std() / v.mean()) ** 2 / len(v) for v in squares.values()) ** 0.5
    assert abs(ratio - 4) < 4 * 4 * relative


def labelled_posterior(model, x, M):
    """Exact law of symmetric labels 0..M-1 of a finite mixture, as {labels: weight}."""
    weights = {}
    for z in product(range(M), repeat=len(x)):
        names, partition = np.unique(z, return_inverse=True)
        sizes = np.bincount(partition)
        log_prior = mixture.log_eppf_finite(sizes, model.alpha, M)
        namings = np.prod(M - np.arange(len(names)))
        s = model.statistics(x, partition)
        fit = model.component.log_marginal(s).sum()
        weights[z] = np.exp(log_prior + fit) / namings
    total = sum(weights.values())
    return {z: w / total for z, w in weights.items()}


@pytest.mark.checks("DP-0127", how="exact")
def test_symmetric_labels_say_nothing(neal):
    model, M = neal[1].model, 3
    x = datasets.neal()[[0, 1, 5, 8]]
    law = labelled_posterior(model, x, M)

    # The labels' own law, from the rising factorials of the proposition.
    def rising(a, m):
        return np.prod([a + j for j in range(m)], initial=Fraction(1))

    for z, weight in law.items():
        counts = np.bincount(z, minlength=M)
        prior = float(np.prod([rising(Fraction(1, M), int(m)) for m in counts]))
        partition = np.unique(z, return_inverse=True)[1]
        fit = np.exp(model.component.log_marginal(model.statistics(x, partition)).sum())
        first = (0, 0, 0, 0)
        same = np.exp(model.component.log_marginal(model.statistics(x, first)).sum())
        scale = law[first] / (float(rising(Fraction(1, M), 4)) * same)
        assert weight == pytest.approx(prior * fit * scale, rel=1e-10)
        for tau in permutations(range(M)):
            assert law[tuple(tau[k] for k in z)] == pytest.approx(weight, rel=1e-12)
    for i in range(4):
        for k in range(M):
            assert sum(w for z, w in law.items() if z[i] == k) == pytest.approx(1 / M)
    means = np.zeros(M)
    for z, w in law.items():
        for k in range(M):
            mine = x[np.array(z) == k]
            means[k] += w * mine.sum() / (len(mine) + 0.01)
    np.testing.assert_allclose(means, means[0], rtol=1e-12)


@pytest.mark.checks("DP-0128", how="exact")
def test_first_label_is_the_cluster_of_the_point_listed_first(neal):
    rows, posterior = neal
    x = datasets.neal()[:7]
    straight = exact.posterior(posterior.model, x)
    for seed in range(3):
        sigma = np.random.default_rng(seed).permutation(7)
        listed = exact.posterior(posterior.model, x[sigma])
        assert (listed.labels[:, 0] == 0).all()
        first = listed.probs @ (listed.labels == 0)
        np.testing.assert_allclose(first, straight.similarity[sigma[0], sigma], atol=1e-12)


@pytest.mark.checks("DP-0130", how="exact")
def test_properties_of_the_similarity(neal):
    rows, posterior = neal
    s = partitions.similarity(rows, weights=posterior.probs)
    np.testing.assert_allclose(s, posterior.similarity, atol=1e-12)
    assert np.linalg.eigvalsh(s).min() > -1e-12
    apart = 1 - s
    assert (apart[:, None] <= apart[:, :, None] + apart.T[None] + 1e-12).all()
    sizes = np.array([np.bincount(row)[row] for row in rows])
    np.testing.assert_allclose(s.sum(axis=1), posterior.probs @ sizes, atol=1e-10)
    assert s.sum() == pytest.approx(posterior.probs @ sizes.sum(axis=1))


@pytest.mark.checks("DP-0136", how="numerical")
@common
@given(three_partitions())
def test_conditional_entropy(three):
    a, b, c = three
    given_b = entropy(a, b) - entropy(b)
    inside = all(len({a[i] for i in range(len(a)) if b[i] == v}) == 1 for v in set(b))
    assert given_b >= -1e-12 and (given_b < 1e-9) == inside
    assert entropy(a, b, c) - entropy(b, c) <= given_b + 1e-12


@pytest.mark.checks("DP-0138", how="exact")
def test_largest_variation_of_information():
    for n in (4, 6):
        rows = exact.set_partitions(n)
        for a in rows:
            crossed = np.array(
                [len(set(zip(a, b))) == n == len(set(a)) * len(set(b)) for b in rows.tolist()]
            )
            d = partitions.variation_of_information(a, rows)
            assert d.max() <= np.log(n) + 1e-12
            np.testing.assert_array_equal(d > np.log(n) - 1e-9, crossed)


@pytest.mark.checks("DP-0138", how="numerical")
@common
@given(st.integers(2, 12), st.data())
def test_a_split_costs_the_same_whatever_the_rest(m, data):
    p = data.draw(st.integers(1, m - 1))
    rest = np.array(data.draw(st.lists(st.integers(2, 5), max_size=8)), dtype=int)
    whole = np.concatenate([np.zeros(m, int), rest])
    split = np.concatenate([np.arange(m) < p, rest]).astype(int)
    q = np.array([p, m - p]) / m
    expected = m / len(whole) * -(q * np.log(q)).sum()
    assert partitions.variation_of_information(whole, split) == pytest.approx(expected, abs=1e-12)


@pytest.mark.checks("DP-0142", how="exact")
@pytest.mark.parametrize("loss", partitions.LOSSES)
def test_expected_loss_from_block_probabilities(neal, loss):
    rows, posterior = neal
    f = {"vi": lambda m: m * np.log(np.maximum(m, 1)) / 9, "binder": lambda m: m * (m - 1) / 72}[
        loss
    ]
    member = np.arange(512)[:, None] >> np.arange(9) & 1
    for c in rows[::3000]:
        blocks = np.array([c == k for k in range(c.max() + 1)])
        own = f(blocks.sum(axis=1)).sum() + posterior.block_probs @ f(member.sum(axis=1))
        found = own - 2 * f(blocks.astype(int) @ member.T).sum(axis=0) @ posterior.block_probs
        expected = partitions.expected_loss(rows, c, loss=loss, weights=posterior.probs)
        assert found == pytest.approx(expected, abs=1e-10)


@pytest.mark.checks("DP-0142", how="numerical")
@pytest.mark.parametrize("loss", partitions.LOSSES)
def test_losses_of_all_draws_at_once(loss, monkeypatch):
    rows = partitions.canonical(np.array([crp.sample(11, 2.0, rng=seed) for seed in range(70)]))
    weights = np.random.default_rng(1).dirichlet(np.ones(70))
    each = [partitions.expected_loss(rows, row, loss=loss, weights=weights) for row in rows]
    monkeypatch.setattr(partitions, "_BLOCK", 100)
    np.testing.assert_allclose(partitions._expected_losses(rows, weights, loss), each, atol=1e-12)


@pytest.mark.checks("DP-0139", how="exact")
def test_no_rule_does_better_than_the_least_posterior_loss():
    # Three points, two possible data sets: all 25 rules against the posterior minimisers.
    rows = exact.set_partitions(3)
    joint = np.random.default_rng(2).dirichlet(np.ones(10)).reshape(2, 5)
    loss = np.array([partitions.variation_of_information(c, rows) for c in rows])
    rules = [
        sum(joint[x] @ loss[c] for x, c in enumerate(rule)) for rule in product(range(5), repeat=2)
    ]
    best = [partitions.point_estimate(rows, loss="vi", weights=joint[x], rng=0) for x in range(2)]
    found = sum(joint[x] @ partitions.variation_of_information(best[x], rows) for x in range(2))
    assert found == pytest.approx(min(rules), abs=1e-12)


@pytest.mark.checks("DP-0144", how="numerical")
@pytest.mark.parametrize("loss", partitions.LOSSES)
def test_no_single_move_improves_the_estimate(loss):
    rows = np.array([crp.sample(12, 2.0, rng=seed) for seed in range(50)])
    found = partitions.point_estimate(rows, loss=loss, rng=0)
    least = partitions.expected_loss(rows, found, loss=loss)
    for i in range(12):
        for k in range(found.max() + 2):
            moved = found.copy()
            moved[i] = k
            assert partitions.expected_loss(rows, moved, loss=loss) >= least - 1e-10


@pytest.mark.checks("DP-0145", how="exact")
@pytest.mark.parametrize("loss", partitions.LOSSES)
def test_a_draw_is_at_most_twice_as_bad(loss):
    rows = exact.set_partitions(5)
    d = np.array([partitions._distance(c, rows, loss) for c in rows])
    for seed in range(50):
        law = np.random.default_rng(seed).dirichlet(np.full(len(rows), 0.05))
        least = (d @ law).min()
        assert law @ d @ law <= 2 * least + 1e-12
        assert (d @ law)[law > 0].min() <= 2 * least + 1e-12


@pytest.mark.slow
@pytest.mark.checks("DP-0131", how="numerical")
def test_draws_of_the_density_have_the_predictive_mean(neal, chain):
    at = [-1.4, -1.1, 0.1, 0.55, 0.8]
    draws = chain[::2].density_draws(at, rng=1)
    within_errors(draws, np.exp(neal[1].predictive_logpdf(at)))


@pytest.mark.slow
@pytest.mark.checks("DP-0131", how="numerical")
def test_draws_of_the_density_have_the_variance_of_the_posterior_process(neal):
    # Given theta, Var f_G(y) under DP(alpha + n, H_n) is the variance of f(y | theta) under H_n
    # over alpha + n + 1.
    model = mixture.DPMixture(2.0, components.Gaussian(0.0, 1.0, 0.5))
    theta, labels = np.array([[-1.0], [0.7]]), np.array([0, 0, 1])
    N, y = 20_000, 0.4
    many = chains.Chain(
        model, np.zeros((3, 1)), np.tile(labels, (N, 1)), np.full(N, 2.0), [theta] * N
    )
    draws = many.density_draws([y], rng=1)[:, 0]
    grid = np.linspace(-8, 8, 4001)[:, None]
    base = np.exp(model.component.log_prior(grid)) * (grid[1, 0] - grid[0, 0])
    f = lambda t: np.exp(model.component.log_likelihood([y], t))[0]
    moments = [
        (2 * base @ f(grid) ** p + 2 * f(theta)[0] ** p + f(theta)[1] ** p) / 5 for p in (1, 2)
    ]
    variance = (moments[1] - moments[0] ** 2) / 6
    spread = (draws - moments[0]) ** 2
    assert abs(draws.mean() - moments[0]) < 4 * draws.std() / N**0.5
    assert abs(spread.mean() - variance) < 4 * spread.std() / N**0.5


class Flat:
    """A family whose every density is 1, so that f_G is the total mass of G."""

    def sample_prior(self, size, rng):
        return rng.standard_normal((size, 1))

    def log_prior(self, theta):
        return np.zeros(len(theta))

    def log_likelihood(self, x, theta):
        return np.zeros((len(x), len(theta)))


def test_density_draws_lose_no_mass():
    model = mixture.DPMixture(3.0, Flat())
    labels, theta = np.tile([0, 1, 1], (20, 1)), np.zeros((2, 1))
    many = chains.Chain(model, np.zeros((3, 1)), labels, np.full(20, 3.0), [theta] * 20)
    np.testing.assert_allclose(many.density_draws([0.0], rng=1), 1.0, rtol=1e-12)


def test_density_draws_repeat_and_serve_a_chain_with_parameters(neal):
    posterior = neal[1]
    short = gibbs.auxiliary(posterior.model, posterior.x, 50, rng=1)
    one, two = (short.density_draws([0.0, 0.5], rng=3) for _ in range(2))
    np.testing.assert_array_equal(one, two)


UNIT = mixture.DPMixture(1.5, components.Gaussian(0.3, 2.0, 1.0))


@pytest.mark.checks("DP-0150", how="exact")
@pytest.mark.parametrize("n", [2, 3, 6, 7])
def test_split_odds_add_up_to_the_odds_of_two_clusters(n):
    x = np.random.default_rng(n).standard_normal(n)
    law = exact.posterior(UNIT, x).num_clusters
    odds = sum(exact.split_odds(UNIT, x, size=j) for j in range(1, n // 2 + 1))
    assert odds == pytest.approx(law[2] / law[1], rel=1e-10)


@pytest.mark.checks("DP-0150", how="numerical")
@pytest.mark.parametrize("size", [1, 2, 3])
def test_odds_differ_from_the_average_bayes_factor_by_the_bound_of_the_proof(size):
    # |log R_S| <= delta_n for each set, so O_j / (alpha n / (j (n - j)) V_j) is within e^delta_n.
    n, (mean, var) = 60, (0.3, 2.0)
    x = np.random.default_rng(size).standard_normal(n)
    features, family = UNIT.component.features(x), UNIT.component
    sets = np.array(list(combinations(range(n), size)))
    s = features[sets].sum(axis=1)
    normal = np.exp(-(x**2) / 2) / np.sqrt(2 * np.pi)
    log_normal = np.log(normal)[sets].sum(axis=1)
    log_predictive = family.log_marginal(features.sum(axis=0)) - family.log_marginal(
        features.sum(axis=0) - s
    )
    t, v = x[sets].sum(axis=1), 1 / (1 / var + n - size)
    mu = v * (mean / var + x.sum() - t)
    log_ratio = log_predictive - log_normal
    assert (log_ratio <= t * mu + v * t**2 / 2 + 1e-9).all()
    assert (log_ratio >= t * mu - size * (mu**2 + v) / 2 - 1e-9).all()
    b = 2 * np.sqrt(np.log(n))
    assert abs(x).max() <= b
    r = (mean / var + abs(x.sum()) + size * b) / (n - size)
    delta = size * b * r + size * r**2 / 2 + (size + size**2 * b**2) / (2 * (n - size))
    assert abs(log_ratio).max() <= delta
    average = np.exp(family.log_marginal(s) - log_normal).mean()
    prior = UNIT.alpha * n / (size * (n - size))
    assert abs(np.log(exact.split_odds(UNIT, x, size=size) / (prior * average))) <= delta


@pytest.mark.checks("DP-0150", how="numerical")
def test_split_odds_approach_alpha_over_the_size():
    # E U_j -> 1: over 40 data sets the mean of the odds is within its standard error of alpha / j.
    for size, n in ((1, 2000), (2, 200)):
        odds = [
            exact.split_odds(UNIT, np.random.default_rng(s).standard_normal(n), size=size)
            for s in range(40)
        ]
        error = np.std(odds) / 40**0.5
        assert abs(np.mean(odds) - UNIT.alpha / size) < 4 * error + 4 * UNIT.alpha / n


@pytest.mark.checks("DP-0148", "DP-0149", how="exact")
@pytest.mark.parametrize("spread", [0.3, 1.0, 3.0])
def test_splitting_bounds_the_next_number_of_clusters_from_below(spread):
    n, B = 7, 1 / np.sqrt(2 * np.pi)
    x = spread * np.random.default_rng(1).standard_normal(n)
    posterior = exact.posterior(UNIT, x)
    m = np.exp(UNIT.component.log_marginal(UNIT.component.features(x)))
    rows, law = posterior.labels, posterior.num_clusters
    alone = np.array([np.bincount(row)[row] == 1 for row in rows])
    inner = (~alone) @ m
    K = rows.max(axis=1) + 1
    for k in range(1, n - 1):
        bound = UNIT.alpha / ((n - 1) * B) * (posterior.probs * inner)[K == k].sum()
        assert k**2 * law[k + 1] >= bound
        ratio = UNIT.alpha / (B * k**2) * (m.sum() - (k - 1) * B) / (n - 1)
        assert law[k + 1] / law[k] >= ratio


def test_split_odds_beyond_floats_are_infinite():
    assert exact.split_odds(UNIT, [0.0, 100.0], size=1) == np.inf


def test_seriation_of_a_matrix_that_rounding_took_beyond_one():
    """Entries of 1 + 2e-16, as sums of draws have, are distances of 0 and not below."""
    matrix = np.ones((4, 4)) * (1 + 2**-52)
    matrix[3, :3] = matrix[:3, 3] = 0.5
    assert sorted(partitions.seriation(matrix).tolist()) == [0, 1, 2, 3]


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
        (lambda: partitions.expected_loss([[0, 1]], [0, 1], loss="rand"), "loss = 'rand'"),
        (lambda: partitions.point_estimate([[0, 1]], loss="rand"), "loss = 'rand'"),
        (lambda: partitions.point_estimate([[0, 1]], restarts=0), "restarts = 0"),
        (lambda: partitions.credible_ball([[0, 1]], [0, 1], level=1.5), "level = 1.5"),
        (lambda: partitions.credible_ball([[0, 1]], [0, 1], level=0), "level = 0"),
        (lambda: exact.split_odds(UNIT, [0.0, 1.0], size=2), "size = 2"),
        (lambda: exact.split_odds(UNIT, [0.0, 1.0], size=0), "size = 0"),
        (lambda: partitions.seriation([[1.0, 2.0], [2.0, 1.0]]), "similarity"),
        (lambda: partitions.seriation([[1.0, 0.2], [0.9, 1.0]]), "symmetric"),
        (lambda: partitions.canonical([[0, 1], [0]]), "labels = "),
        (lambda: partitions.expected_loss([[0, 1]], [0, 1, 2]), "centre = .*3 points"),
        (lambda: partitions.expected_loss([[0, 1]], [0.5, 1.0]), "centre = "),
        (
            lambda: partitions.expected_loss([[0, 1]], [0, 1], loss=np.array(["vi", "vi"])),
            "loss = ",
        ),
        (lambda: partitions.credible_ball([[0, 1]], [[0, 1], [0, 0]]), "centre = "),
        (lambda: partitions.credible_ball([[0, 1]], [0, 1], level=np.nan), "level = nan"),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()


class Narrow:
    """NumPy where its default integers have 32 bits, as in a browser."""

    def __getattr__(self, name):
        return getattr(np, name)

    @staticmethod
    def arange(*arguments, dtype=np.int32):
        return np.arange(*arguments, dtype=dtype)

    @staticmethod
    def bincount(values, weights=None, minlength=0):
        counts = np.bincount(values, weights, minlength)
        return counts if weights is not None else counts.astype(np.int32)

    @staticmethod
    def flatnonzero(values):
        return np.flatnonzero(values).astype(np.int32)


@pytest.mark.parametrize("kind", [np.int32, np.int64])
def test_integers_of_32_bits_are_wide_enough(kind, monkeypatch):
    n = 100_000
    one, each, half = np.zeros(n, kind), np.arange(n, dtype=kind), (np.arange(n) % 2).astype(kind)
    pairs = n * (n - 1) // 2
    monkeypatch.setattr(partitions, "np", Narrow())
    rows = np.stack([each, one, half, each[::-1]])
    within = 2 * (n // 2 * (n // 2 - 1) // 2)  # pairs of a half
    across = pairs - within
    assert partitions.binder(half, rows).tolist() == [
        within / pairs,
        across / pairs,
        0,
        within / pairs,
    ]
    assert partitions.binder(each, rows).tolist() == [0, 1, within / pairs, 0]
    log = np.log([n, 2, n / 2])
    found = partitions.variation_of_information(half, rows)
    assert found.tolist() == pytest.approx([log[2], log[1], 0, log[2]], rel=1e-11)
    found = partitions.variation_of_information(each, rows)
    assert found.tolist() == pytest.approx([0, log[0], log[2], 0], rel=1e-11)
    assert partitions.point_estimate(rows[[1, 1, 2]], rng=1).max() == 0
