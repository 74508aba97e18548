"""Stick breaking: laws, exact probabilities by several routes, and truncation."""

import math
from collections import Counter
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dpnotes import crp, sticks
from dpnotes._numbers import integer_partitions
from dpnotes.measures import Discrete
from dpnotes.process import DirichletProcess

ALPHAS = [Fraction(1, 3), Fraction(1), Fraction(7, 2)]
sizes_lists = st.lists(st.integers(1, 5), min_size=1, max_size=5)
fast = settings(deadline=None, max_examples=40, derandomize=True)


def rising(a, n):
    return math.prod((a + i for i in range(n)), start=Fraction(1))


def ewens(sizes, alpha):
    """The closed form, written out again: alpha**K prod (n_k - 1)! / rising factorial."""
    return (
        alpha ** len(sizes)
        * math.prod(math.factorial(s - 1) for s in sizes)
        / rising(alpha, sum(sizes))
    )


def set_partitions(n):
    """All set partitions of range(n) as tuples of labels in order of appearance."""
    found = [(0,)]
    for _ in range(n - 1):
        found = [(*z, k) for z in found for k in range(max(z) + 2)]
    return found


def block_sizes(labels):
    return tuple(Counter(labels)[k] for k in range(max(labels) + 1))


def seated(labels, alpha):
    """Product of the restaurant's seating probabilities."""
    value, sizes = Fraction(1), []
    for i, k in enumerate(labels):
        if k == len(sizes):
            value *= alpha / (alpha + i)
            sizes.append(1)
        else:
            value *= sizes[k] / (alpha + i)
            sizes[k] += 1
    return value


def ks_distance(sample, cdf):
    x = np.sort(sample)
    below = np.arange(len(x)) / len(x)
    value = cdf(x)
    return max((value - below).max(), (below + 1 / len(x) - value).max())


def ks_limit(n):
    """Exceeded with probability below 1e-5 (Dvoretzky, Kiefer, Wolfowitz, Massart)."""
    return math.sqrt(math.log(2e5) / (2 * n))


# --- weights and remainders -------------------------------------------------------------------


def test_weights_by_hand():
    v = np.array([[0.5, 0.25, 1.0], [1.0, 0.3, 0.2]])
    np.testing.assert_allclose(sticks.weights(v), [[0.5, 0.125, 0.375], [1, 0, 0]], rtol=1e-15)


@pytest.mark.checks("DP-0152", how="numerical")
@fast
@given(st.lists(st.floats(0, 1), min_size=1, max_size=30))
def test_weights_sum_to_one_minus_remainder(v):
    total = sticks.weights(v).sum() + np.prod(1 - np.array(v))
    assert abs(total - 1) < 1e-14


@pytest.mark.checks("DP-0152", "DP-0153", how="numerical")
@pytest.mark.parametrize("alpha", [0.2, 1.0, 5.0])
def test_remainder(alpha):
    rng, draws, truncation = np.random.default_rng(1), 20_000, 6
    pi = np.array([sticks.sample(alpha, truncation, rng=rng) for _ in range(draws)])
    left = 1 - pi.sum(1)
    assert left.min() > -1e-14
    error = left.std() / math.sqrt(draws)
    assert abs(left.mean() - sticks.expected_remainder(alpha, truncation)) < 4.5 * error
    second = (alpha / (alpha + 2)) ** truncation
    assert abs((left**2).mean() - second) < 4.5 * (left**2).std() / math.sqrt(draws)
    mean = (alpha / (1 + alpha)) ** np.arange(truncation) / (1 + alpha)
    assert (abs(pi.mean(0) - mean) < 4.5 * pi.std(0) / math.sqrt(draws)).all()


@pytest.mark.checks("DP-0153", how="exact")
def test_remainder_exact():
    for alpha in ALPHAS:
        for n in range(6):
            assert sticks._moment(alpha, 0, n) == alpha / (alpha + n)
        # E[v**a (1 - v)**b] for alpha = 1 is a Beta integral: a! b! / (a + b + 1)!
        assert sticks._moment(Fraction(1), 2, 3) == Fraction(2 * 6, math.factorial(6))


@pytest.mark.parametrize("alpha", [1e-300, 1e-12, 0.3, 1.0, 3.0, 1e6, 1e16])
@pytest.mark.parametrize("truncation", [0, 1, 2, 20])
def test_expected_remainder_to_full_precision(alpha, truncation):
    exact = (Fraction(alpha) / (1 + Fraction(alpha))) ** truncation
    got = sticks.expected_remainder(alpha, truncation)
    assert abs(Fraction(got) - exact) <= exact * Fraction(1, 10**13) + Fraction(1, 10**320)


def test_expected_remainder_many_sticks():
    # (1 - 1/(1 + alpha))**T with T = alpha is close to 1/e only if log1p is used.
    assert abs(sticks.expected_remainder(1e15, 10**15) - math.exp(-1)) < 1e-14


def test_small_alpha_keeps_small_remainders():
    """At alpha = 0.01 most first shares round to 1; the second weight must not become 0."""
    rng = np.random.default_rng(2)
    pi = np.array([sticks.sample(0.01, 2, rng=rng) for _ in range(4000)])
    depth = -np.log(pi[:, 1][pi[:, 1] > 0])
    assert np.median(depth) > 40 and pi.sum(1).max() < 1 + 1e-14


@pytest.mark.checks("DP-0154", how="numerical")
def test_shares_are_beta():
    rng, alpha, draws = np.random.default_rng(3), 2.5, 4000
    pi = np.array([sticks.sample(alpha, 3, rng=rng) for _ in range(draws)])
    third = pi[:, 2] / (1 - pi[:, :2].sum(1))
    for share in (pi[:, 0], third):
        assert ks_distance(share, lambda x: 1 - (1 - x) ** alpha) < ks_limit(draws)


@pytest.mark.checks("DP-0155", "DP-0154", how="numerical")
@pytest.mark.parametrize("alpha", [0.5, 3.0])
def test_sample_until(alpha):
    rng, tol, draws = np.random.default_rng(4), 1e-3, 4000
    pis = [sticks.sample_until(alpha, tol, rng=rng) for _ in range(draws)]
    for pi in pis[:200]:
        assert pi.min() > 0 and abs(pi.sum() - 1) < 1e-13
        assert pi[-1] <= tol < pi[-2:].sum()  # the first time that the remainder is small
    count = np.array([len(pi) - 2 for pi in pis])
    mean = alpha * math.log(1 / tol)
    assert abs(count.mean() - mean) < 4.5 * math.sqrt(mean / draws)
    # A Poisson variance estimate has variance (2 mean**2 + mean) / draws.
    assert abs(count.var() - mean) < 4.5 * math.sqrt((2 * mean**2 + mean) / draws)
    first = np.array([pi[0] for pi in pis])
    assert ks_distance(first, lambda x: 1 - (1 - x) ** alpha) < ks_limit(draws)
    # By memorylessness the last share is Beta(1, alpha) of the tolerance.
    last = np.array([pi[-1] for pi in pis]) / tol
    assert ks_distance(last, lambda x: x**alpha) < ks_limit(draws)


# --- Sethuraman -------------------------------------------------------------------------------


@pytest.mark.checks("DP-0158", "DP-0157", how="exact")
@pytest.mark.parametrize("alpha", ALPHAS)
def test_cell_moments_are_dirichlet(alpha):
    probs = [Fraction(1, 2), Fraction(1, 3), Fraction(1, 6), Fraction(0)]
    for powers in np.ndindex(4, 4, 3, 2):
        dirichlet = math.prod(rising(alpha * h, m) for h, m in zip(probs, powers)) / rising(
            alpha, sum(powers)
        )
        assert sticks.cell_moment(powers, probs, alpha) == dirichlet


@pytest.mark.checks("DP-0156", how="exact")
@pytest.mark.parametrize("alpha", ALPHAS)
def test_dirichlet_step(alpha):
    """All moments to order 3 of v e_j + (1 - v) D against Dirichlet(a + e_j), as rationals."""
    a = [alpha / 2, alpha / 3, alpha / 6]

    def dirichlet(b, m):
        return math.prod(rising(c, k) for c, k in zip(b, m)) / rising(sum(b), sum(m))

    for powers in np.ndindex(4, 4, 4):
        n, mixed = sum(powers), Fraction(0)
        for j in range(3):
            value = Fraction(0)
            for i in range(powers[j] + 1):
                rest = [m - i * (k == j) for k, m in enumerate(powers)]
                moment = sticks._moment(alpha, i, n - i) * dirichlet(a, rest)
                value += math.comb(powers[j], i) * moment
            assert value == dirichlet([c + (k == j) for k, c in enumerate(a)], powers)
            mixed += a[j] / alpha * value
        assert mixed == dirichlet(a, powers)


@pytest.mark.checks("DP-0158", how="numerical")
def test_cell_law_by_simulation():
    """G(A) with H(A) = 1/2 and alpha = 2 is uniform."""
    rng, draws = np.random.default_rng(5), 4000
    mass = np.empty(draws)
    for t in range(draws):
        pi = sticks.sample_until(2.0, 1e-9, rng=rng)
        mass[t] = pi[rng.random(len(pi)) < 0.5].sum()
    assert ks_distance(mass, lambda x: x) < ks_limit(draws) + 1e-9


@pytest.mark.slow
@pytest.mark.checks("DP-0158", "DP-0155", how="numerical")
@pytest.mark.parametrize("alpha", [0.5, 4.0])
def test_sample_measure_has_dirichlet_marginals(alpha):
    """Each cell and sum of cells against its Beta law; the covariances against the Dirichlet's."""
    from scipy import stats

    process, draws, tol = DirichletProcess(alpha, stats.norm()), 8000, 1e-7
    rng, edges = np.random.default_rng(12), [-1.0, 0.2]
    mass = np.array([process.sample_measure(rng=rng, tol=tol).prob(edges) for _ in range(draws)])
    assert abs(mass.sum(1) - 1).max() < 1e-12
    law = process.marginal(edges)
    for cells in ([0], [1], [2], [0, 1]):
        a = law.a[cells].sum()
        total = mass[:, cells].sum(1)
        # Beta(a, alpha - a) has a steep cdf near 0 and 1, where the remainder is felt most.
        slack = max(stats.beta.cdf(2 * tol, a, alpha - a), stats.beta.sf(1 - 2 * tol, a, alpha - a))
        assert ks_distance(total, stats.beta(a, alpha - a).cdf) < ks_limit(draws) + slack
    centred = mass - law.mean()
    for j, k in [(0, 0), (1, 1), (2, 2), (0, 1), (0, 2), (1, 2)]:
        product = centred[:, j] * centred[:, k]
        assert abs(product.mean() - law.cov()[j, k]) < 4.5 * product.std() / math.sqrt(draws)


def test_sample_measure_with_atoms_in_the_base():
    coin = Discrete([0, 1], [0.25, 0.75])
    g = DirichletProcess(3.0, coin).sample_measure(rng=1, tol=1e-9)
    assert g.atoms.tolist() == [0, 1] and abs(g.weights.sum() - 1) < 1e-12
    with pytest.raises(ValueError, match="tol = 2"):
        DirichletProcess(3.0, coin).sample_measure(rng=1, tol=2)


# --- sticks and tables ------------------------------------------------------------------------


@pytest.mark.checks("DP-0160", "DP-0159", "DP-0163", how="exact")
@pytest.mark.parametrize("alpha", ALPHAS)
def test_all_203_partitions_of_six(alpha):
    partitions, total = set_partitions(6), Fraction(0)
    assert len(partitions) == 203
    for labels in partitions:
        sizes = block_sizes(labels)
        value = sticks.eppf(sizes, alpha)
        assert value == sticks.eppf_size_biased(sizes, alpha)
        assert value == seated(labels, alpha) == ewens(sizes, alpha)
        total += value
    assert total == 1


def test_exact_only_where_alpha_is():
    assert isinstance(sticks.eppf([2, 1], 1), Fraction)
    assert isinstance(sticks.eppf([2, 1], 1.0), float)
    assert isinstance(sticks.eppf([2, 1], 1), Fraction)


@fast
@given(sizes_lists, st.fractions(Fraction(1, 50), 50))
def test_eppf_routes_agree(sizes, alpha):
    assert sticks.eppf(sizes, alpha) == ewens(sizes, alpha)
    assert sticks.eppf_size_biased(sizes, alpha) == ewens(sizes, alpha)
    assert math.isclose(sticks.eppf(sizes, float(alpha)), ewens(sizes, alpha), rel_tol=1e-12)


@pytest.mark.checks("DP-0161", how="exact")
@pytest.mark.parametrize("alpha", ALPHAS)
def test_label_law(alpha):
    for k in range(5):
        assert sticks.label_prob([k], alpha) == (alpha / (1 + alpha)) ** k / (1 + alpha)
    assert sticks.label_prob([0, 0], alpha) == 2 / ((1 + alpha) * (2 + alpha))
    # Summed over labels below T, what is missing is the chance that some label is larger.
    for truncation in (1, 3):
        total = sum(sticks.label_prob(z, alpha) for z in np.ndindex(*[truncation] * 3))
        missing = 1 - total
        beyond = [
            (-1) ** j * math.comb(3, j) * (alpha / (alpha + j)) ** truncation for j in range(1, 4)
        ]
        assert missing == -sum(beyond)


@pytest.mark.checks("DP-0161", "DP-0160", how="exact")
def test_labels_differ_but_partitions_agree():
    """Sums of the labels' law over a partition tend to the table law from below."""
    alpha = Fraction(1, 2)
    for labels in set_partitions(3):
        pattern = [tuple(labels.index(k) for k in labels)]
        total = sum(
            sticks.label_prob(z, alpha)
            for z in np.ndindex(12, 12, 12)
            if tuple(z.index(k) for k in z) == pattern[0]
        )
        missing = ewens(block_sizes(labels), alpha) - total
        assert 0 < missing <= 3 * Fraction(sticks.expected_remainder(0.5, 12))


@pytest.mark.checks("DP-0165", how="exact")
def test_order_of_blocks_is_size_biased():
    alpha, sizes = Fraction(2), (3, 2, 1)
    for order in [(0, 1, 2), (0, 2, 1), (1, 0, 2), (1, 2, 0), (2, 0, 1), (2, 1, 0)]:
        # One label vector an order with no empty stick; each gap adds a geometric factor.
        ranks = np.argsort(order)
        value, left = sticks.label_prob(np.repeat(ranks, sizes), alpha), 6
        biased = Fraction(1)
        for k in order:
            value *= (alpha + left) / Fraction(left)
            biased *= Fraction(sizes[k], left)
            left -= sizes[k]
        assert value == biased * ewens(sizes, alpha)


@pytest.mark.checks("DP-0161", "DP-0154", how="numerical")
def test_sample_labels_has_the_labels_law():
    rng, alpha, draws = np.random.default_rng(6), 1.5, 20_000
    counts = Counter(tuple(sticks.sample_labels(2, alpha, rng=rng)) for _ in range(draws))
    for z in np.ndindex(3, 3):
        p = sticks.label_prob(z, alpha)
        assert abs(counts[z] / draws - p) < 4.5 * math.sqrt(p * (1 - p) / draws)


@pytest.mark.checks("DP-0162", how="numerical")
def test_size_biased_pick():
    """The pick is Beta(1, alpha), the rest starts with a Beta(1, alpha) share, independent."""
    rng, alpha, draws = np.random.default_rng(7), 0.8, 6000
    pick, share = np.empty(draws), np.empty(draws)
    for t in range(draws):
        pi = sticks.sample_until(alpha, 1e-12, rng=rng)
        k = min(np.searchsorted(np.cumsum(pi), rng.random()), len(pi) - 1)
        pick[t], share[t] = pi[k], np.delete(pi, k)[0] / (1 - pi[k])
    cdf = lambda x: 1 - (1 - np.minimum(x, 1)) ** alpha
    assert ks_distance(pick, cdf) < ks_limit(draws) + 1e-9
    assert ks_distance(share, cdf) < ks_limit(draws) + 1e-9
    assert abs(np.corrcoef(cdf(pick), cdf(share))[0, 1]) < 4.5 / math.sqrt(draws)


@pytest.mark.checks("DP-0162", how="numerical")
def test_chances_of_the_pick_sum_to_one():
    """The proof's chances rho_k that the pick came from stick k, given the biased order."""
    alpha, draws, sticks_used = 1.0, 4000, 80
    rng = np.random.default_rng(8)
    w = rng.beta(1, alpha, (draws, sticks_used))
    p, q = w[:, 0], np.cumprod(1 - w, axis=1)
    rho = p[:, None] * np.cumprod(
        np.column_stack([np.ones(draws), q[:, :-1] / (q[:, 1:] + p[:, None])]), axis=1
    )
    assert (abs(rho.sum(1) - 1) < 1e-6).mean() > 0.99
    for k in range(4):
        expected = (alpha / (1 + alpha)) ** k / (1 + alpha)
        assert abs(rho[:, k].mean() - expected) < 4.5 * rho[:, k].std() / math.sqrt(draws)


@pytest.mark.checks("DP-0164", how="numerical")
def test_share_of_the_first_table():
    """Table 1 of n customers has size 1 + Beta-binomial(n - 1; 1, alpha), also from the sticks."""
    rng, alpha, n, draws = np.random.default_rng(9), 2.0, 200, 4000
    labels = (sticks.sample_labels(n, alpha, rng=rng) for _ in range(draws))
    size = np.array([(z == z[0]).sum() for z in labels])
    tail = [float((size > 1 + m).mean()) for m in (0, 20, 60, 120)]
    for m, got in zip((0, 20, 60, 120), tail):
        # P(size - 1 > m) = prod_{i <= m} (n - 1 - i) / (n - 1 - i + alpha): the urn's ratio
        p = math.prod((n - 1 - i) / (n - 1 - i + alpha) for i in range(m + 1))
        assert abs(got - p) < 4.5 * math.sqrt(p * (1 - p) / draws)


@pytest.mark.checks("DP-0164", how="numerical")
def test_shares_of_the_restaurants_tables_are_broken_sticks():
    """The first two shares, each of what the tables before left, among 4000 customers."""
    rng, alpha, n, draws = np.random.default_rng(15), 1.5, 4000, 2000
    sizes = [np.append(crp.sample_sizes(n, alpha, rng=rng), 0)[:2] for _ in range(draws)]
    first, second = np.array(sizes, dtype=float).T
    shares = first / n, second / np.maximum(n - first, 1)
    for share in shares:  # n customers see the limit within a few steps of size 1 / n
        assert ks_distance(share, lambda x: 1 - (1 - x) ** alpha) < ks_limit(draws) + 0.01
    assert abs(np.corrcoef(*shares)[0, 1]) < 4.5 / math.sqrt(draws)


# --- truncation -------------------------------------------------------------------------------


@pytest.mark.checks("DP-0166", "DP-0167", how="exact")
@pytest.mark.parametrize("alpha", ALPHAS)
@pytest.mark.parametrize("truncation", [1, 2, 3, 6])
def test_truncated_eppf(alpha, truncation):
    partitions = set_partitions(4)
    values = {z: sticks.eppf(block_sizes(z), alpha, truncation=truncation) for z in partitions}
    assert sum(values.values()) == 1
    assert all(v == 0 for z, v in values.items() if max(z) >= truncation)
    # Summing the labels of T atoms, the last of which takes the rest, gives the same.
    totals = dict.fromkeys(partitions, Fraction(0))
    for labels in np.ndindex(*[truncation] * 4):
        counts = np.bincount(labels, minlength=truncation).tolist()
        p = math.prod(
            (sticks._moment(alpha, c, sum(counts[k + 1 :])) for k, c in enumerate(counts[:-1])),
            start=Fraction(1),
        )
        seen = list(dict.fromkeys(labels))
        totals[tuple(seen.index(k) for k in labels)] += p
    assert totals == values


@pytest.mark.checks("DP-0167", how="exact")
@pytest.mark.parametrize("alpha", ALPHAS)
def test_truncation_bound_holds_and_is_sharp(alpha):
    for truncation in (1, 2, 5, 9):
        for n in range(1, 9):
            distance = sticks.truncation_distance(alpha, truncation, n)
            bound = sticks.truncation_bound(float(alpha), truncation, n)
            assert distance <= bound * (1 + 1e-12)
            if n == 2:
                assert math.isclose(distance, bound, rel_tol=1e-12)
            many = sum(
                sticks._num_set_partitions(s) * ewens(s, alpha)
                for s in integer_partitions(n, n, n)
                if len(s) > truncation
            )
            assert many <= distance


@pytest.mark.checks("DP-0167", how="exact")
def test_quoted_expression_is_no_bound():
    l1 = 2 * sticks.truncation_distance(Fraction(1, 10), 2, 2)
    assert float(l1) > 20 * 4 * 2 * math.exp(-10)


@pytest.mark.parametrize(
    "call",
    [
        lambda: sticks.weights([0.5, 1.5]),
        lambda: sticks.weights([]),
        lambda: sticks.sample(0, 3),
        lambda: sticks.sample(1.0, 0),
        lambda: sticks.sample(float("nan"), 3),
        lambda: sticks.sample_until(1.0, 1.0),
        lambda: sticks.sample_until(1.0, 0.0),
        lambda: sticks.sample_labels(0, 1.0),
        lambda: sticks.expected_remainder(1.0, -1),
        lambda: sticks.label_prob([-1], 1),
        lambda: sticks.label_prob([0.5], 1),
        lambda: sticks.eppf([2, 0], 1),
        lambda: sticks.eppf([2, 1], -1),
        lambda: sticks.eppf([2, 1], 1, truncation=0),
        lambda: sticks.cell_moment([1, 1], [0.5], 1),
        lambda: sticks.cell_moment([1, 1], [0.5, 0.6], 1),
        lambda: sticks.truncation_bound(1.0, 3, 0),
    ],
)
def test_bad_input(call):
    with pytest.raises(ValueError, match=" = .*: expected|: expected"):
        call()


def test_one_seed_one_result():
    for draw in (
        lambda: sticks.sample(2.0, 5, rng=3),
        lambda: sticks.sample_until(2.0, 1e-3, rng=3),
        lambda: sticks.sample_labels(9, 2.0, rng=3),
    ):
        np.testing.assert_array_equal(draw(), draw())


def test_labels_at_scale():
    z = sticks.sample_labels(10**6, 3.0, rng=1)
    assert z.dtype == np.int64 and z.min() == 0
    # K_n has mean about 3 log n and is nearly Poisson
    mean = sum(3 / (3 + i) for i in range(10**6))
    assert abs(len(np.unique(z)) - mean) < 4.5 * math.sqrt(mean)


def test_exact_with_an_integer_of_numpy():
    labels = [0] * 40 + [2] * 40
    assert sticks.label_prob(labels, np.int64(3)) == sticks.label_prob(labels, 3)
    assert type(sticks.label_prob(labels, np.int64(3)).numerator) is int


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: sticks.sample(1.0, 10**9), r"truncation = 10*: expected an integer <= 2\*\*27"),
        (
            lambda: sticks.sample_until(1e9, 1e-6),
            r"alpha = 10*\.0: expected at most 2\*\*27 sticks, not 1.38e\+10",
        ),
        (lambda: sticks.sample_labels(5, 1e12), r"alpha = 10*\.0: expected at most"),
        (lambda: sticks.truncation_for(1e300, 9, 1e-6), r"alpha = .* 2\*\*53 atoms suffice"),
        (lambda: sticks.label_prob([10**12], 1), r"labels = .* labels up to 10000"),
        (lambda: sticks.eppf([2, 1], 1, truncation=10**6), "truncation = 1000000: expected"),
    ],
)
def test_what_takes_too_much_memory_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_skipped_sticks_and_deep_truncations():
    for alpha in (Fraction(3, 2), 1.5):
        expected = (alpha / (alpha + 2)) ** 199 * 2 / ((alpha + 1) * (alpha + 2))
        assert sticks.label_prob([199, 199], alpha) == pytest.approx(expected, rel=1e-12, abs=0)
    assert sticks.eppf([2, 1], 1.0, truncation=5000) == pytest.approx(
        sticks.eppf([2, 1], 1.0), rel=1e-12
    )


def test_cell_probabilities_that_are_no_numbers():
    with pytest.raises(ValueError, match=r"probs\[0\] = nan: expected a finite number"):
        sticks.cell_moment([1, 1], [math.nan, 0.5], 1.0)
