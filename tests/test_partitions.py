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


@pytest.mark.native  # full speed
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
    found = partitions._expected_losses(rows, weights, loss, (1, 1))
    np.testing.assert_allclose(found, each, atol=1e-12)


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
def test_no_move_of_a_point_and_no_merger_improves_the_estimate(loss):
    rows = np.array([crp.sample(12, 2.0, rng=seed) for seed in range(50)])
    found = partitions.point_estimate(rows, loss=loss, rng=0)
    least = partitions.expected_loss(rows, found, loss=loss)
    for i in range(12):
        for k in range(found.max() + 2):
            moved = found.copy()
            moved[i] = k
            assert partitions.expected_loss(rows, moved, loss=loss) >= least - 1e-10
    for k, other in combinations(range(found.max() + 1), 2):
        merged = np.where(found == k, other, found)
        assert partitions.expected_loss(rows, merged, loss=loss) >= least - 1e-10


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
@pytest.mark.native  # full speed
@pytest.mark.checks("DP-0131", how="numerical")
def test_draws_of_the_density_have_the_predictive_mean(neal, chain):
    at = [-1.4, -1.1, 0.1, 0.55, 0.8]
    draws = chain[::2].density_draws(at, rng=1)
    within_errors(draws, np.exp(neal[1].predictive_logpdf(at)))


@pytest.mark.slow
@pytest.mark.native  # full speed
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


# Unequal costs.

COSTS = [(1, 1), (0.5, 1.5), (3, 0.2)]


@pytest.mark.checks("DP-0204", "DP-0205", how="numerical")
@common
@given(three_partitions(), st.sampled_from(COSTS))
def test_losses_with_unequal_costs(three, costs):
    a, b, c = three
    pairs = list(combinations(range(len(a)), 2))
    apart = sum(b[i] == b[j] and a[i] != a[j] for i, j in pairs)
    together = sum(a[i] == a[j] and b[i] != b[j] for i, j in pairs)
    expected = (costs[0] * apart + costs[1] * together) / len(pairs)
    assert partitions.binder(a, b, costs=costs) == pytest.approx(expected, abs=1e-12)
    both = entropy(a, b)
    expected = costs[0] * (both - entropy(b)) + costs[1] * (both - entropy(a))
    assert partitions.variation_of_information(a, b, costs=costs) == pytest.approx(
        expected, abs=1e-12
    )
    for d in (partitions.variation_of_information, partitions.binder):
        same = (partitions.canonical(a) == partitions.canonical(b)).all()
        assert (d(a, b, costs=costs) == 0) == same
        assert d(a, b, costs=costs) == pytest.approx(d(b, a, costs=costs[::-1]), abs=1e-12)
        through = d(a, b, costs=costs) + d(b, c, costs=costs)
        assert d(a, c, costs=costs) <= through + 1e-12


def risks(rows, weights, loss, costs):
    """The expected loss of every partition of as many points."""
    everything = exact.set_partitions(rows.shape[1])
    losses = [partitions._distance(c, rows, loss, costs) @ weights for c in everything]
    return everything, np.array(losses)


def law(n, seed):
    rng = np.random.default_rng(seed)
    everything = exact.set_partitions(n)
    rows = everything[rng.integers(len(everything), size=rng.integers(2, 15))]
    return rows, rng.dirichlet(np.full(len(rows), 0.5))


@pytest.mark.checks("DP-0205", "DP-0143", how="exact")
@pytest.mark.parametrize("costs", COSTS[1:])
@pytest.mark.parametrize("loss", partitions.LOSSES)
def test_estimate_under_unequal_costs_is_the_minimiser(loss, costs):
    for seed in range(15):
        rows, weights = law(6, seed)
        _, values = risks(rows, weights, loss, costs)
        found = partitions.search(rows, loss=loss, costs=costs, weights=weights, rng=0)
        assert found.loss == pytest.approx(values.min(), abs=1e-12)
        again = partitions.expected_loss(
            rows, found.labels, loss=loss, costs=costs, weights=weights
        )
        assert found.loss == pytest.approx(again, abs=1e-12)


@pytest.mark.checks("DP-0205", how="exact")
def test_binder_with_costs_puts_together_beyond_a_threshold():
    for seed, (apart, together) in enumerate(COSTS):
        rows, weights = law(5, seed)
        s = partitions.similarity(rows, weights=weights)
        i, j = np.triu_indices(5, 1)
        everything, values = risks(rows, weights, "binder", (apart, together))
        same = everything[:, i] == everything[:, j]
        expected = apart * s[i, j].sum() + same @ (together - (apart + together) * s[i, j])
        np.testing.assert_allclose(values, expected / 10, atol=1e-12)


@pytest.mark.checks("DP-0205", how="exact")
@pytest.mark.parametrize("loss", partitions.LOSSES)
def test_the_dearer_a_mistake_the_less_of_it(loss):
    for seed in range(10):
        rows, weights = law(5, seed)
        everything = exact.set_partitions(5)
        kinds = [risks(rows, weights, loss, costs)[1] for costs in ((1, 1e-12), (1e-12, 1))]
        apart, together = [], []
        for ratio in (0.1, 0.5, 1, 2, 10):
            found = partitions.point_estimate(
                rows, loss=loss, costs=(ratio, 1), weights=weights, rng=0
            )
            at = (everything == found).all(axis=1).argmax()
            apart.append(kinds[0][at])
            together.append(kinds[1][at])
        assert (np.diff(apart) <= 1e-9).all() and (np.diff(together) >= -1e-9).all()


@pytest.mark.parametrize("loss", partitions.LOSSES)
def test_at_the_extremes_the_best_report_joins_or_meets_all_draws(loss):
    for seed in range(10):
        rows, weights = law(6, seed)
        linked = (rows[:, :, None] == rows[:, None, :]).any(axis=0)
        for _ in range(6):
            linked = linked @ linked
        join = partitions.canonical(linked.argmax(axis=1))
        meet = partitions.canonical(np.unique(rows, axis=1, return_inverse=True)[1].ravel())
        for costs, expected in (((1e7, 1), join), ((1, 1e7), meet)):
            found = partitions.point_estimate(rows, loss=loss, costs=costs, weights=weights, rng=0)
            np.testing.assert_array_equal(found, expected)


@pytest.mark.checks("DP-0143", "DP-0144", how="exact")
def test_search_goes_on_where_only_a_merger_helps():
    # Of two pairs in one cluster no point moves alone: it would leave its own pair.
    rows = np.array([[0, 0, 0, 0], [0, 0, 1, 1]])
    search = partitions._Search(rows, np.array([0.6, 0.4]), "binder", (1.0, 1.0))
    found, loss = search.improve(np.array([0, 0, 1, 1]), np.random.default_rng(1))
    assert found.tolist() == [0, 0, 0, 0] and loss == pytest.approx(0.4 * 4 / 6)


# The search tells how sure it is.


def test_search_stops_when_its_optimum_repeats():
    rows = np.array([crp.sample(15, 3.0, rng=seed) for seed in range(60)])
    found = partitions.search(rows, rng=0)
    assert found.loss == found.losses.min() and found.repeats == partitions.REPEATS
    assert found.losses[-1] == pytest.approx(found.loss, rel=1e-9)
    assert len(partitions.search(rows, rng=0, restarts=2).losses) == 2
    many = np.array([crp.sample(30, 1.0, rng=seed) for seed in range(20)])
    spread = partitions.search(many, loss="binder", rng=0)
    assert np.ptp(spread.losses) > 0 and spread.repeats == partitions.REPEATS
    np.testing.assert_array_equal(found.labels, partitions.point_estimate(rows, rng=0))


@pytest.mark.parametrize("loss", partitions.LOSSES)
def test_search_with_points_that_follow_at_once_and_draws_not_compared(loss, monkeypatch):
    monkeypatch.setattr(partitions, "SEATED", 3)
    monkeypatch.setattr(partitions, "COMPARED", 6 * 9)  # one draw
    for seed in range(10):
        rows, weights = law(6, seed)
        _, values = risks(rows, weights, loss, (1, 1))
        found = partitions.search(rows, loss=loss, weights=weights, rng=0)
        assert found.loss == pytest.approx(values.min(), abs=1e-12)


def merged(n, clusters, draws, share, rng):
    """Draws that put clusters together in another way each, with a share of the points astray."""
    truth = rng.integers(clusters, size=n)
    rows = np.array([rng.integers(clusters // 2, size=clusters)[truth] for _ in range(draws)])
    astray = rng.random(rows.shape) < share
    rows[astray] = rng.integers(clusters // 2, size=astray.sum())
    return partitions.canonical(truth), rows


@pytest.mark.parametrize("loss", partitions.LOSSES)
def test_what_points_gain_is_the_same_through_cells_and_for_equal_points(loss):
    rng = np.random.default_rng(1)
    truth, rows = merged(60, 6, 30, 0.1, rng)
    rows, weights = partitions.canonical(rows), rng.dirichlet(np.ones(30))
    cells = partitions._cells(rows)
    assert partitions.variation_of_information(cells[0], truth) < 0.3
    plain = partitions._Search(rows, weights, loss, (2.0, 1.0))
    through = partitions._Search(rows, weights, loss, (2.0, 1.0), cells=cells)
    # Each point twice, and each point of weight two.
    size = np.where(np.arange(60) < 20, 3, 2)
    twice = partitions._Search(np.repeat(rows, size, axis=1), weights, loss, (2.0, 1.0))
    joined = [partitions._Search(rows, weights, loss, (2.0, 1.0), size, c) for c in (None, cells)]
    for labels in (truth, rng.integers(9, size=60), np.where(np.arange(60) % 7, truth, -1)):
        for search in (plain, through, *joined):
            search.fill(labels.copy())
        twice.fill(np.repeat(labels, size))
        np.testing.assert_array_equal(through.both, plain.both)
        np.testing.assert_allclose(through.changes(), plain.changes(), rtol=1e-9, atol=1e-9)
        single = [plain._change(i) for i in range(60)]
        np.testing.assert_allclose(plain.changes(), single, rtol=1e-9, atol=1e-9)
        for search in joined:
            np.testing.assert_array_equal(search.both, twice.both)
            single = [search._change(i) for i in range(60)]
            np.testing.assert_allclose(search.changes(), single, rtol=1e-9, atol=1e-9)
        # What an item of weight two gains is what its loss says.
        if labels.min() >= 0:
            before, change = joined[0]._loss(), single[0]
            for k in range(labels.max() + 1):
                moved = labels.copy()
                moved[0] = k
                joined[0].fill(moved)
                rise = (joined[0]._loss() - before) * joined[0].total
                assert rise == pytest.approx(change[k] - change[labels[0]], abs=1e-8)


@pytest.mark.parametrize("loss", partitions.LOSSES)
def test_clusters_that_each_draw_merges_in_another_way_are_found(loss, monkeypatch):
    monkeypatch.setattr(partitions, "SEATED", 50)
    truth, rows = merged(600, 12, 80, 0.05, np.random.default_rng(2))
    found = partitions.search(rows, loss=loss, rng=1)
    # Two of them began with cells.
    assert found.repeats == partitions.REPEATS + (found.repeats < len(found.losses))
    one = partitions.expected_loss(rows, np.zeros(600, int), loss=loss)
    assert found.loss <= min(one, partitions.expected_loss(rows, truth, loss=loss)) + 1e-12
    assert found.loss == pytest.approx(partitions.expected_loss(rows, found.labels, loss=loss))


def test_one_cluster_is_a_start_that_no_draw_need_show():
    # Draws that have nothing to do with each other: a draw costs about twice what one cluster does.
    rows = np.random.default_rng(1).integers(4, size=(9, 300))
    one = partitions.expected_loss(rows, np.zeros(300, int))
    assert partitions.search(rows, rng=1, restarts=1).loss <= one * (1 + 1e-12)


@pytest.mark.slow
@pytest.mark.native  # full speed
def test_one_cluster_stands_before_no_draw_that_leads_lower():
    # One cluster costs less than any of these draws, and more than where the best of them leads.
    model = mixture.DPMixture(0.2, components.BernoulliBeta([1, 1, 1, 1], 1))
    chain = gibbs.collapsed(model, datasets.role_conflict(), 3000, rng=1)
    rows = chain.labels[500::5]
    one = partitions.expected_loss(rows, np.zeros(216, int))
    assert one < min(partitions.expected_loss(rows, row) for row in rows)
    assert partitions.search(rows, rng=1).loss < one - 0.005


def test_search_takes_memory_for_the_labels_alone():
    n, draws = 4000, 50
    rng = np.random.default_rng(1)
    rows = np.tile(rng.integers(5, size=n), (draws, 1))
    other = rng.random(rows.shape) < 0.1
    rows[other] = rng.integers(5, size=other.sum())
    tracemalloc.start()
    partitions.point_estimate(rows, rng=1)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 20 * 8 * n * draws


# Errors of summaries.


@pytest.fixture(scope="module")
def many_runs(neal):
    posterior = neal[1]
    return np.array(
        [gibbs.collapsed(posterior.model, posterior.x, 450, rng=s)[50:].labels for s in range(80)]
    )


def spread_is(errors, values):
    """Errors are those of the values: standard deviations of 80 are right to 8%, times 4."""
    assert np.mean(errors) == pytest.approx(np.std(values, ddof=1), rel=0.32)


@pytest.mark.checks("DP-0203", how="numerical")
@pytest.mark.parametrize("loss", partitions.LOSSES)
def test_error_of_the_expected_loss(neal, many_runs, loss):
    rows, posterior = neal
    centre = rows[posterior.probs.argmax()]
    d = [partitions._distance(centre, run, loss) for run in many_runs]
    truth = partitions.expected_loss(rows, centre, loss=loss, weights=posterior.probs)
    means, errors = np.mean(d, axis=1), [diagnostics.mcse(row) for row in d]
    spread_is(errors, means)
    assert abs(means.mean() - truth) < 4 * diagnostics.mcse(d)


@pytest.mark.checks("DP-0203", how="numerical")
def test_error_of_the_radius(neal, many_runs):
    rows, posterior = neal
    centre = rows[posterior.probs.argmax()]
    radii, errors = [], []
    for run in many_runs:
        d = partitions.variation_of_information(centre, run)
        radii.append(partitions.credible_ball(run, centre, level=0.8).radius)
        assert radii[-1] == pytest.approx(np.quantile(d, 0.8, method="inverted_cdf"))
        errors.append(diagnostics.mcse(d, quantile=0.8))
    spread_is(errors, radii)


@pytest.mark.checks("DP-0203", how="numerical")
def test_errors_of_the_similarity(neal, many_runs):
    i, j = np.triu_indices(9, 1)
    errors = np.array([diagnostics.similarity_mcse(run) for run in many_runs[:20]])
    same = many_runs[:, :, i] == many_runs[:, :, j]
    one = [diagnostics.mcse(column) for column in same[0].T]
    np.testing.assert_allclose(errors[0][i, j], one, rtol=0.03, atol=1e-4)
    several = diagnostics.similarity_mcse(many_runs[:4])
    together = [diagnostics.mcse(same[:4, :, k]) for k in range(36)]
    np.testing.assert_allclose(several[i, j], together, rtol=0.03, atol=1e-4)
    assert (several == several.T).all() and not several.diagonal().any()
    entries = same.mean(axis=1)
    for k in np.flatnonzero(entries.mean(axis=0) > 0.05):
        spread_is(errors[:, i[k], j[k]], entries[:, k])


# Certain points.


def largest(rows, weights, level):
    """The most points whose partition has the probability, and the largest such, by trying all."""
    n = rows.shape[1]
    for m in range(n, 0, -1):
        top = 0
        for points in combinations(range(n), m):
            part = partitions.canonical(rows[:, points])
            which = np.unique(part, axis=0, return_inverse=True)[1].ravel()
            top = max(top, np.bincount(which.astype(np.intp), weights).max())
        if top >= level - 1e-9:
            break
    return m, top


@pytest.mark.checks("DP-0208", "DP-0207", how="exact")
def test_certain_points_are_as_many_as_can_be_on_small_laws():
    for seed in range(40):
        rng = np.random.default_rng(seed)
        rows, weights = law(7, seed)
        if seed % 2:
            rows = np.array([crp.sample(7, 1.0, rng=rng) for _ in range(30)])
            weights = rng.dirichlet(np.ones(30))
        level = rng.choice([0.4, 0.6, 0.8, 0.95])
        part = partitions.subpartition(rows, level=level, weights=weights, rng=1)
        # No greedy search can promise it, but from every start it comes to the optimum here.
        most, top = largest(rows, weights, level)
        assert len(part.order) == most and part.probability <= top + 1e-12


@pytest.mark.checks("DP-0206", "DP-0208", how="exact")
def test_what_a_certain_part_says_holds_in_the_draws(neal):
    rows, posterior = neal
    keep = posterior.probs > 1e-6
    rows, weights = rows[keep], posterior.probs[keep] / posterior.probs[keep].sum()
    for level in (0.5, 0.8, 0.95):
        part = partitions.subpartition(rows, level=level, weights=weights, rng=1)
        inside = np.flatnonzero(part.labels >= 0)
        same = partitions.canonical(rows[:, inside]) == part.labels[inside]
        np.testing.assert_array_equal(part.agrees, same.all(axis=1))
        assert part.probability == pytest.approx(weights[part.agrees].sum()) and (
            part.probability >= level
        )
        assert sorted(part.order) == inside.tolist() and (np.diff(part.path) <= 1e-12).all()
        assert part.path[0] == pytest.approx(1) and part.path[-1] == pytest.approx(part.probability)
        # Every pair is as it says, at least as surely.
        s = partitions.similarity(rows, weights=weights)[np.ix_(inside, inside)]
        together = part.labels[inside, None] == part.labels[inside]
        assert (np.where(together, s, 1 - s) >= part.probability - 1e-9).all()
        # No point can be added.
        for j in np.setdiff1d(np.arange(9), inside):
            more = partitions.canonical(rows[:, [*inside, j]])
            which = np.unique(more, axis=0, return_inverse=True)[1].ravel()
            assert np.bincount(which.astype(np.intp), weights).max() < level


def test_points_that_all_draws_agree_on_are_certain():
    truth = np.arange(300) % 3
    rows = np.tile(truth, (20, 1))
    rows[:, 5] = np.arange(20) % 4
    part = partitions.subpartition(rows, level=1.0, rng=1)
    assert part.labels[5] == -1 and part.probability == pytest.approx(1)
    rest = np.arange(300) != 5
    np.testing.assert_array_equal(part.labels[rest], truth[rest])
    everything = partitions.subpartition(rows, level=0.2, rng=1)
    assert (everything.labels >= 0).all() and everything.probability == pytest.approx(0.25)


# Names that stay.


def most_in_common(row, centre):
    """The most points that can have their name of centre, by trying all ways to give names."""
    names, own = list(set(centre)), list(set(row))
    own += [None] * max(0, len(names) - len(own))
    pairs = list(zip(centre, row))
    return max(sum(map(pairs.count, zip(names, given))) for given in permutations(own, len(names)))


@pytest.mark.checks("DP-0209", "DP-0210", how="exact")
@common
@given(three_partitions())
def test_names_are_those_of_the_most_points(three):
    row, centre, _ = three
    named = partitions.match(row, centre)
    assert (partitions.canonical(named) == partitions.canonical(row)).all()
    assert (named == np.array(centre)).sum() == most_in_common(row, centre)
    assert (partitions.match(centre, centre) == centre).all()
    for k in set(named.tolist()):
        mine = named == k
        known = np.array(centre) == k
        assert (k > max(centre)) == (not (mine & known).any())
    for k in set(centre):  # more than half of what both hold
        for label in set(row):
            known, mine = np.array(centre) == k, np.array(row) == label
            if 2 * (known & mine).sum() > (known | mine).sum():
                assert (named[mine] == k).all()


def test_names_stay_put_however_the_draws_are_labelled():
    rng = np.random.default_rng(1)
    centre = np.repeat([2, 0, 1], 20)
    rows = np.tile(centre, (30, 1))
    other = rng.random(rows.shape) < 0.2
    rows[other] = rng.integers(3, 6, size=other.sum())
    shuffled = np.array([rng.permutation(6)[row] for row in rows])
    named = partitions.match(shuffled, centre)
    np.testing.assert_array_equal(named[~other], rows[~other])
    np.testing.assert_array_equal(named, partitions.match(rows, centre))


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
        (lambda: partitions.binder([0, 1], [0, 1], costs=(1, 0)), r"costs\[1\] = 0"),
        (lambda: partitions.search([[0, 1]], costs=(1, 2, 3)), "costs = .*a pair"),
        (lambda: partitions.subpartition([[0, 1]], level=2), "level = 2"),
        (lambda: partitions.match([[0, 1]], [0, 1, 1]), "centre = array of shape"),
        (lambda: diagnostics.mcse([0, 1, 2, 1], quantile=1), "quantile = 1"),
        (lambda: diagnostics.similarity_mcse([[0, 1]]), "labels = "),
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
