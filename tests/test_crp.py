from collections import Counter
from fractions import Fraction
from itertools import permutations, product
from math import ceil, factorial, log, log2, prod

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from dpnotes import crp
from dpnotes.exact import set_partitions

ALPHAS = [Fraction(1, 3), Fraction(1), Fraction(5, 2), Fraction(10)]
SIZES = st.lists(st.integers(1, 8), min_size=1, max_size=6)
ALPHA = st.fractions(Fraction(1, 50), 50, max_denominator=50)
# A chi-square or z statistic this far out has probability below 1e-6.
P_VALUE = 1e-6
BELL = [1, 1, 2, 5, 15, 52, 203, 877]
Z = 4.9


def rising(alpha, n):
    return prod((alpha + i for i in range(n)), start=Fraction(1))


def sizes(labels):
    return np.bincount(labels)


def by_appearance(labels):
    seen = {}
    return tuple(seen.setdefault(label, len(seen)) for label in labels)


def seating_probability(labels, alpha):
    """Follow the seating rule customer by customer."""
    probability, seated = Fraction(1), Counter()
    for i, table in enumerate(labels):
        probability *= (seated[table] or alpha) / (alpha + i)
        seated[table] += 1
    return probability


def all_eppf(n, alpha):
    cache = {}
    for labels in set_partitions(n).tolist():
        key = tuple(sorted(Counter(labels).values()))
        if key not in cache:
            cache[key] = crp.eppf(key, alpha)
        yield tuple(labels), cache[key]


def types(n, largest=None):
    """Partitions of the integer n, as tuples of parts."""
    if n == 0:
        yield ()
    for part in range(min(n, largest or n), 0, -1):
        for rest in types(n - part, part):
            yield (part, *rest)


def counts(parts):
    return np.bincount(parts)[1:]


def chi_square(observed, probabilities, total):
    expected = np.array(probabilities, dtype=float) * total
    small = expected < 5
    observed = np.append(np.asarray(observed)[~small], np.asarray(observed)[small].sum())
    expected = np.append(expected[~small], expected[small].sum())
    keep = expected > 0
    return stats.chisquare(observed[keep], expected[keep]).pvalue


# The law of the partition


@pytest.mark.checks("DP-0063", how="exact")
@pytest.mark.parametrize("n", range(1, 8))
@pytest.mark.parametrize("alpha", ALPHAS)
def test_eppf_is_the_product_of_the_seating_probabilities(n, alpha):
    for labels, probability in all_eppf(n, alpha):
        assert probability == seating_probability(labels, alpha)


@pytest.mark.checks("DP-0063", how="exact")
@pytest.mark.parametrize("n", range(1, 9))
@pytest.mark.parametrize("alpha", [*ALPHAS, Fraction(1, 1000), Fraction(1000)])
def test_eppf_sums_to_one(n, alpha):
    assert sum(probability for _, probability in all_eppf(n, alpha)) == 1


@pytest.mark.checks("DP-0064", how="exact")
def test_exchangeable_over_all_permutations_of_five():
    alpha = Fraction(3, 2)
    law = dict(all_eppf(5, alpha))
    for order in permutations(range(5)):
        moved = Counter()
        for labels, probability in law.items():
            moved[by_appearance([labels[i] for i in order])] += probability
        assert moved == law


@pytest.mark.checks("DP-0066", how="exact")
@pytest.mark.parametrize("i", range(5))
def test_any_customer_given_the_others_sits_like_the_last(i):
    alpha, n = Fraction(2, 3), 5
    others, joint = Counter(), Counter()
    for labels, probability in all_eppf(n, alpha):
        rest = labels[:i] + labels[i + 1 :]
        company = frozenset(j for j in range(n) if j != i and labels[j] == labels[i])
        others[by_appearance(rest)] += probability
        joint[by_appearance(rest), company] += probability
    assert others == dict(all_eppf(n - 1, alpha))
    for (rest, company), probability in joint.items():
        assert probability / others[rest] == (len(company) or alpha) / (alpha + n - 1)


@pytest.mark.checks("DP-0067", how="exact")
@pytest.mark.parametrize("pair", [(0, 1), (2, 5), (4, 5)])
def test_two_customers_share_a_table_with_probability_one_over_one_plus_alpha(pair):
    i, j = pair
    for alpha in ALPHAS:
        together = sum(p for labels, p in all_eppf(6, alpha) if labels[i] == labels[j])
        assert together == 1 / (1 + alpha)


@pytest.mark.checks("DP-0067", how="exact")
def test_three_customers_share_a_table():
    for alpha in ALPHAS:
        together = sum(p for z, p in all_eppf(6, alpha) if z[1] == z[3] == z[4])
        assert together == 2 / ((1 + alpha) * (2 + alpha))


@pytest.mark.checks("DP-0065", how="exact")
@pytest.mark.parametrize("kept", [(0, 1, 2), (1, 3, 5), (2, 4), (0, 2, 3, 5)])
def test_leaving_customers_out(kept):
    alpha, law = Fraction(5, 3), Counter()
    for labels, probability in all_eppf(6, alpha):
        law[by_appearance([labels[i] for i in kept])] += probability
    assert law == dict(all_eppf(len(kept), alpha))


@pytest.mark.checks("DP-0062", how="exact")
@pytest.mark.parametrize("n", range(1, 8))
def test_labels_by_order_of_appearance_name_each_partition_once(n):
    growth = [
        z
        for z in product(*(range(i + 1) for i in range(n)))
        if all(z[i] <= max(z[:i], default=-1) + 1 for i in range(n))
    ]
    assert growth == [tuple(z) for z in set_partitions(n).tolist()]
    blocks = {frozenset(frozenset(np.flatnonzero(np.array(z) == k)) for k in z) for z in growth}
    assert len(blocks) == len(growth) == BELL[n]


@settings(deadline=None, max_examples=50, derandomize=True)
@given(SIZES, ALPHA, st.randoms(use_true_random=False))
def test_eppf_does_not_depend_on_the_order_of_the_sizes(sizes, alpha, random):
    shuffled = random.sample(sizes, len(sizes))
    assert crp.eppf(shuffled, alpha) == crp.eppf(sizes, alpha)
    assert crp.log_eppf(shuffled, alpha) == pytest.approx(crp.log_eppf(sizes, alpha), rel=1e-13)


@pytest.mark.checks("DP-0065", how="exact")
@settings(deadline=None, max_examples=50, derandomize=True)
@given(SIZES, ALPHA)
def test_the_next_customer_keeps_the_total(sizes, alpha):
    grown = [[*sizes[:k], sizes[k] + 1, *sizes[k + 1 :]] for k in range(len(sizes))]
    total = sum(crp.eppf(each, alpha) for each in [*grown, [*sizes, 1]])
    assert total == crp.eppf(sizes, alpha)
    ratio = [float(crp.eppf(each, alpha) / total) for each in [*grown, [*sizes, 1]]]
    np.testing.assert_allclose(crp.seat_probs(sizes, float(alpha)), ratio, rtol=1e-14)


@pytest.mark.checks("DP-0063", how="numerical")
@settings(deadline=None, max_examples=50, derandomize=True)
@given(SIZES, ALPHA)
def test_log_eppf_is_the_log_of_eppf(sizes, alpha):
    exact = crp.eppf(sizes, alpha)
    log_exact = log(exact.numerator) - log(exact.denominator)
    assert crp.log_eppf(sizes, float(alpha)) == pytest.approx(log_exact, rel=1e-13, abs=1e-13)


def test_float_alpha_is_taken_at_its_exact_value():
    assert crp.eppf([2, 1], 0.5) == crp.eppf([2, 1], Fraction(1, 2)) == Fraction(2, 15)
    assert crp.eppf(np.array([2, 1]), np.float64(0.5)) == Fraction(2, 15)


# Relative to the logarithm, or to 1 where that is near 0.
@pytest.mark.parametrize("alpha", [5e-324, 1e-9, 0.3, 1.0, 10.0, 19.9, 20.0, 37.5, 1e6, 1e15])
@pytest.mark.parametrize("n", [1, 2, 10, 10**4, 10**9, 10**15])
def test_log_rising_factorial(alpha, n):
    with mpmath.workdps(400):
        a = mpmath.mpf(alpha)
        exact = mpmath.loggamma(a + n) - mpmath.loggamma(a)
    assert abs(crp.log_rising(alpha, n) - exact) < 6e-15 * max(1, abs(exact))


# Ewens' formula


@pytest.mark.checks("DP-0069", how="exact")
@pytest.mark.parametrize("alpha", ALPHAS)
def test_ewens_formula_adds_up_the_partitions(alpha):
    n = 8
    law = Counter()
    for labels, probability in all_eppf(n, alpha):
        law[tuple(sorted(Counter(labels).values(), reverse=True))] += probability
    assert set(law) == set(types(n))
    for parts, probability in law.items():
        formula = factorial(n) / rising(alpha, n)
        for j, c in Counter(parts).items():
            formula *= (alpha / j) ** c / factorial(c)
        assert probability == formula
        assert crp.log_ewens(counts(parts), float(alpha)) == pytest.approx(
            np.log(float(probability)), rel=1e-13, abs=1e-13
        )


@pytest.mark.checks("DP-0068", how="exact")
@pytest.mark.parametrize("n", range(1, 9))
def test_number_of_partitions_with_given_sizes(n):
    kinds = Counter(
        tuple(sorted(Counter(z).values(), reverse=True)) for z in set_partitions(n).tolist()
    )
    for parts in types(n):
        repeats = prod(factorial(c) for c in Counter(parts).values())
        assert kinds[parts] == factorial(n) // (prod(map(factorial, parts)) * repeats)


@settings(deadline=None, max_examples=20, derandomize=True)
@given(st.integers(1, 18), ALPHA)
def test_ewens_formula_sums_to_one(n, alpha):
    total = sum(np.exp(crp.log_ewens(counts(parts), float(alpha))) for parts in types(n))
    assert total == pytest.approx(1, rel=1e-12)


def test_the_three_most_probable_kinds_of_ten_customers():
    law = {parts: np.exp(crp.log_ewens(counts(parts), 1.0)) for parts in types(10)}
    assert len(law) == 42
    first = sorted(law, key=law.get, reverse=True)[:4]
    assert first[:3] == [(9, 1), (10,), (7, 2, 1)] and law[first[3]] < law[first[2]] * (1 - 1e-9)
    assert [law[kind] for kind in first[:3]] == pytest.approx([1 / 9, 1 / 10, 1 / 14])
    assert max(all_eppf(10, Fraction(1)), key=lambda pair: pair[1]) == ((0,) * 10, Fraction(1, 10))


def test_trailing_zero_counts_do_not_matter():
    assert crp.log_ewens([1, 1, 0, 0], 2.0) == crp.log_ewens([1, 1], 2.0)


# The forest


@pytest.mark.checks("DP-0071", how="exact")
@pytest.mark.parametrize("n", range(1, 7))
@pytest.mark.parametrize("alpha", ALPHAS)
def test_all_forests_give_the_eppf(n, alpha):
    law = Counter()
    for parents in product(*(range(i + 1) for i in range(n))):
        opened = sum(p == i for i, p in enumerate(parents))
        law[tuple(crp.tables(parents).tolist())] += alpha**opened / rising(alpha, n)
    assert law == dict(all_eppf(n, alpha))


@pytest.mark.checks("DP-0071", how="exact")
@pytest.mark.parametrize("alpha", [1e-20, 1e-3, 0.7, 3.0, 1e4, 1e17])
@pytest.mark.parametrize("i", [0, 1, 2, 3, 7, 1000, 2**20 - 1])
def test_parents_have_their_probabilities_to_the_last_bits(alpha, i):
    # Generator.random returns k / 2^53 with k uniform; the parent is a monotone step function
    # of k, so bisection finds the exact probability of each parent as computed.
    customer = np.array([i])

    def first_k(j):
        low, high = 0, 2**53
        while low < high:
            k = (low + high) // 2
            if crp._parents(np.array([k / 2**53]), customer, alpha)[0] >= j:
                high = k
            else:
                low = k + 1
        return low

    for j in {0, 1, i // 2, i - 1, i} & set(range(i + 1)):
        above = first_k(j + 1) if j < i else 2**53
        weight = 1 if j < i else Fraction(alpha)
        exact = weight / (Fraction(alpha) + i)
        assert abs(Fraction(above - first_k(j), 2**53) - exact) <= Fraction(1, 2**50)


@pytest.mark.checks("DP-0072", "DP-0073", how="exact")
@settings(deadline=None, max_examples=100, derandomize=True)
@given(st.lists(st.floats(0, 1, exclude_max=True), min_size=1, max_size=60))
def test_doubling_finds_the_same_tables_as_walking_up(u):
    parents = [int(each * (i + 1)) for i, each in enumerate(u)]
    roots = []
    for i, parent in enumerate(parents):
        roots.append(i if parent == i else roots[parent])
    assert tuple(crp.tables(parents).tolist()) == by_appearance(roots)


def height(parents):
    depth = []
    for i, parent in enumerate(parents):
        depth.append(0 if parent == i else depth[parent] + 1)
    return max(depth)


@pytest.mark.checks("DP-0073", how="exact")
@pytest.mark.parametrize("alpha", ALPHAS)
def test_height_of_a_forest(alpha):
    n, law = 6, Counter()
    for parents in product(*(range(i + 1) for i in range(n))):
        opened = sum(p == i for i, p in enumerate(parents))
        law[height(parents)] += alpha**opened / rising(alpha, n)
    s = sum(1 / (alpha + i) for i in range(n))
    for h in range(n + 1):
        tail = sum(p for each, p in law.items() if each >= h)
        assert tail <= alpha * s ** (h + 1) / factorial(h + 1)


@pytest.mark.checks("DP-0073", how="exact")
@pytest.mark.parametrize("h", [0, 1, 2, 3, 4, 5, 8, 9, 31, 32, 33, 1000])
def test_number_of_rounds(h, monkeypatch):
    """A path of h steps in a forest of short trees: ceil(log2 h) + 1 rounds, not one more."""
    parents = np.maximum(np.arange(h + 40) - 1, 0)
    parents[h + 1 :] = np.arange(h + 1, h + 40)
    rounds, equal = [], np.array_equal
    monkeypatch.setattr(np, "array_equal", lambda a, b: rounds.append(1) or equal(a, b))
    labels = crp.tables(parents)
    assert len(rounds) == (ceil(log2(h)) + 1 if h else 1)
    assert labels[h] == 0 and labels.max() == 39


@pytest.mark.checks("DP-0073", how="numerical")
def test_seven_rounds_seat_a_million(monkeypatch):
    rounds, equal = [], np.array_equal
    monkeypatch.setattr(np, "array_equal", lambda a, b: rounds.append(1) or equal(a, b))
    for seed in range(5):
        rounds.clear()
        parents = crp._parents(np.random.default_rng(seed).random(10**6), np.arange(10**6), 1.0)
        crp.tables(parents)
        assert 5 <= len(rounds) <= 7


def test_doubling_a_long_path():
    n = 2**17
    assert not crp.tables(np.maximum(np.arange(n) - 1, 0)).any()
    assert (crp.tables(np.arange(n)) == np.arange(n)).all()


@pytest.mark.checks("DP-0071", "DP-0072", how="numerical")
@pytest.mark.parametrize("alpha", [0.5, 3.0])
def test_sampled_partitions_of_five(alpha):
    rng, total = np.random.default_rng(1), 20_000
    seen = Counter(tuple(crp.sample(5, alpha, rng=rng).tolist()) for _ in range(total))
    law = dict(all_eppf(5, Fraction(alpha)))
    assert chi_square([seen[x] for x in law], list(law.values()), total) > P_VALUE


@pytest.mark.slow
@pytest.mark.checks("DP-0069", how="numerical")
@pytest.mark.parametrize("sampler", ["sample", "sample_sizes"])
@pytest.mark.parametrize("alpha", [0.4, 2.5])
def test_sampled_sizes_follow_ewens_formula(sampler, alpha, monkeypatch):
    monkeypatch.setattr(crp, "CROWDED", 0)
    n, rng, total = 12, np.random.default_rng(2), 15_000
    draw = {
        "sample": lambda: np.bincount(crp.sample(n, alpha, rng=rng).astype(np.intp)),
        "sample_sizes": lambda: crp.sample_sizes(n, alpha, rng=rng),
    }[sampler]
    seen = Counter(tuple(sorted(draw().tolist(), reverse=True)) for _ in range(total))
    law = {parts: np.exp(crp.log_ewens(counts(parts), alpha)) for parts in types(n)}
    assert chi_square([seen[x] for x in law], list(law.values()), total) > P_VALUE


@pytest.mark.checks("DP-0071", "DP-0074", how="numerical")
def test_first_table_of_many_customers():
    n, alpha, rng, total = 2000, 1.5, np.random.default_rng(3), 2000
    first = [int((crp.sample(n, alpha, rng=rng) == 0).sum()) for _ in range(total)]
    edges = np.linspace(0, n, 21)
    expected = np.diff(stats.betabinom(n - 1, 1, alpha).cdf(edges - 1))
    observed = np.histogram(first, edges + 0.5)[0]
    assert chi_square(observed, expected / expected.sum(), total) > P_VALUE


def test_labels_are_in_order_of_appearance_and_of_64_bits():
    labels = crp.sample(10_000, 20.0, rng=1)
    assert labels.dtype == np.int64
    assert tuple(labels.tolist()) == by_appearance(labels.tolist())


def test_a_million_customers_have_about_the_expected_number_of_tables():
    n, alpha = 10**6, 50.0
    p = alpha / (alpha + np.arange(n))
    tables = crp.sample(n, alpha, rng=1).max() + 1
    assert abs(tables - p.sum()) < Z * np.sqrt((p * (1 - p)).sum())


def test_one_seed_one_result():
    np.testing.assert_array_equal(crp.sample(100, 2.0, rng=7), crp.sample(100, 2.0, rng=7))
    np.testing.assert_array_equal(
        crp.sample_sizes(100, 2.0, rng=7), crp.sample_sizes(100, 2.0, rng=7)
    )


# Sizes without customers


def ordered_law(n, alpha):
    law = Counter()
    for labels, probability in all_eppf(n, alpha):
        law[tuple(np.bincount(labels).tolist())] += probability
    return law


@pytest.mark.checks("DP-0074", how="exact")
@pytest.mark.parametrize("alpha", ALPHAS)
def test_tables_one_after_another_give_the_law_of_the_ordered_sizes(alpha):
    n = 7
    for sizes, probability in ordered_law(n, alpha).items():
        split, left = Fraction(1), n
        for size in sizes:
            rest = left - size
            # Beta-binomial(left - 1, alpha, 1) at rest.
            binomial = factorial(left - 1) // (factorial(size - 1) * factorial(rest))
            split *= binomial * alpha * factorial(size - 1) * rising(alpha, rest)
            split /= rising(alpha, left)
            left = rest
        assert split == probability


@pytest.mark.checks("DP-0074", how="exact")
@pytest.mark.parametrize("alpha", ALPHAS)
def test_the_share_of_the_first_table_settles(alpha):
    """N / (alpha + n) is a martingale; its second moment is within 1 / n of its limit."""

    def law(n):
        binomial = [
            Fraction(factorial(n - 1), factorial(m) * factorial(n - 1 - m)) for m in range(n)
        ]
        return [
            b * alpha * factorial(m) * rising(alpha, n - 1 - m) / rising(alpha, n)
            for m, b in enumerate(binomial)
        ]

    def moment(n, power):
        return sum(p * ((m + 1) / (alpha + n)) ** power for m, p in enumerate(law(n)))

    for n in range(1, 12):
        assert sum(law(n)) == 1 and moment(n, 1) == 1 / (1 + alpha)
    limit = 2 / ((1 + alpha) * (2 + alpha))  # E (1 - W)^2
    for n in (1, 5, 25, 60):
        assert 0 <= limit - moment(n, 2) <= Fraction(1, n)


def test_the_sliders_at_their_ends():
    """The first table of sixty customers at alpha = 0.1, the tables at alpha = 50, on average."""
    assert round(1 + 59 / 1.1) == 55
    assert round(sum(50 / (50 + i) for i in range(60))) == 40


@pytest.mark.checks("DP-0075", how="exact")
def test_order_of_appearance_is_size_biased():
    n, alpha = 7, Fraction(4, 3)
    law = ordered_law(n, alpha)
    unordered = Counter()
    for sizes, probability in law.items():
        unordered[tuple(sorted(sizes))] += probability
    for sizes, probability in law.items():
        # All distinguishable orders of tables of equal size are one sequence of sizes.
        same = prod(factorial(c) for c in Counter(sizes).values())
        left, biased = n, Fraction(same)
        for size in sizes:
            biased *= Fraction(size, left)
            left -= size
        assert probability == unordered[tuple(sorted(sizes))] * biased


@pytest.mark.slow
@pytest.mark.checks("DP-0074", how="numerical")
@pytest.mark.parametrize("crowded", [0, 1000])
@pytest.mark.parametrize("alpha", [0.5, 4.0])
def test_sampled_ordered_sizes(alpha, crowded, monkeypatch):
    monkeypatch.setattr(crp, "CROWDED", crowded)
    rng, total = np.random.default_rng(4), 20_000
    seen = Counter(tuple(crp.sample_sizes(6, alpha, rng=rng).tolist()) for _ in range(total))
    law = ordered_law(6, Fraction(alpha))
    assert chi_square([seen[x] for x in law], list(law.values()), total) > P_VALUE


@pytest.mark.parametrize("alpha", [1e-3, 0.02, 0.3, 2.0, 50.0])
@pytest.mark.parametrize("n", [10**6, 10**12])
def test_customers_away_from_the_first_table(alpha, n):
    # P(away < r) = Gamma(n + 1) Gamma(alpha + r) / (Gamma(r) Gamma(alpha + n + 1)).
    rng, total = np.random.default_rng(5), 4000
    away = np.array([crp._away(n, alpha, rng) for _ in range(total)], dtype=float)
    for r in [1, 2, 10, 10**4, n // 4, n // 2, n - n // 100]:
        with mpmath.workdps(50):
            a = mpmath.mpf(alpha)
            below = float(mpmath.gammaprod([n + 1, a + r], [r, a + n + 1]))
        error = np.sqrt(max(below * (1 - below), 1 / total) / total)
        assert abs((away < r).mean() - below) < Z * error


@pytest.mark.parametrize("n, p", [(10**12, 3e-12), (10**15, 9e-15), (10**9, 2e-8)])
def test_binomial_with_tiny_probability(n, p):
    rng, total = np.random.default_rng(6), 20_000
    draws = np.array([crp._binomial(n, p, rng) for _ in range(total)])
    value = np.arange(60)
    observed = np.bincount(draws, minlength=60)
    assert chi_square(observed, stats.poisson(n * p).pmf(value), total) > P_VALUE


def test_sizes_of_a_trillion_customers():
    sizes = crp.sample_sizes(10**12, 3.0, rng=1)
    assert sizes.dtype == np.int64
    assert sizes.sum() == 10**12
    assert sizes.min() >= 1


def test_number_of_tables_of_a_trillion_customers():
    # Mean and variance of a sum of independent Bernoulli(alpha / (alpha + i)), by digamma.
    from scipy.special import digamma, polygamma

    n, alpha, total = 10**12, 3.0, 2000
    rng = np.random.default_rng(8)
    tables = np.array([len(crp.sample_sizes(n, alpha, rng=rng)) for _ in range(total)])
    mean = alpha * (digamma(alpha + n) - digamma(alpha))
    variance = mean - alpha**2 * (polygamma(1, alpha) - polygamma(1, alpha + n))
    assert abs(tables.mean() - mean) < Z * np.sqrt(variance / total)
    assert tables.var() == pytest.approx(variance, rel=Z * np.sqrt(2.2 / total))


@pytest.mark.parametrize("alpha", [5e-324, 1e-300, 1e300, 1.7e308])
def test_extreme_concentrations(alpha):
    tables = 1 if alpha < 1 else 20
    assert len(crp.sample_sizes(20, alpha, rng=1)) == tables
    assert crp.sample(20, alpha, rng=1).max() + 1 == tables
    assert crp.seat_probs([2, 1], alpha).sum() == pytest.approx(1)
    assert np.isfinite(crp.log_eppf([2, 1], alpha))


# The urn


def urn_law(n, alpha, weights):
    """Joint law of n draws from the urn with base measure weights on 0, 1, ..."""
    law = {(): Fraction(1)}
    for i in range(n):
        law = {
            (*draws, value): p * (alpha * w + draws.count(value)) / (alpha + i)
            for draws, p in law.items()
            for value, w in enumerate(weights)
        }
    return law


@pytest.mark.checks("DP-0070", how="exact")
def test_urn_is_the_restaurant_with_dishes():
    # Every table draws its dish from H, atoms or not: the values follow the urn.
    n, alpha, weights = 4, Fraction(3, 2), [Fraction(1, 2), Fraction(1, 3), Fraction(1, 6)]
    law = Counter()
    for labels, probability in all_eppf(n, alpha):
        for dishes in product(range(3), repeat=max(labels) + 1):
            chance = probability * prod(weights[d] for d in dishes)
            law[tuple(dishes[table] for table in labels)] += chance
    assert law == urn_law(n, alpha, weights)


@pytest.mark.checks("DP-0070", how="exact")
def test_without_atoms_ties_are_tables():
    # A draw repeats each earlier draw with probability 1 / (alpha + i), else it comes from H,
    # which without atoms gives a new value: call the values by order of appearance.
    n, alpha = 6, Fraction(3, 2)
    law = {(): Fraction(1)}
    for i in range(n):
        grown = Counter()
        for draws, p in law.items():
            for j in range(i):
                grown[(*draws, draws[j])] += p / (alpha + i)
            grown[(*draws, len(set(draws)))] += p * alpha / (alpha + i)
        law = grown
    assert law == dict(all_eppf(n, alpha))


@pytest.mark.checks("DP-0054", how="exact")
def test_with_atoms_ties_are_coarser_than_tables():
    alpha, weights = Fraction(3, 2), [Fraction(1, 2), Fraction(1, 3), Fraction(1, 6)]
    ties = sum(p for (a, b), p in urn_law(2, alpha, weights).items() if a == b)
    squares = sum(w * w for w in weights)
    assert ties == (1 + alpha * squares) / (1 + alpha) > 1 / (1 + alpha)


# Bad input

BAD_ALPHA = [0, -1, float("nan"), float("inf"), "two", None]


@pytest.mark.parametrize("alpha", BAD_ALPHA)
def test_bad_alpha(alpha):
    calls = [
        lambda: crp.sample(3, alpha, rng=1),
        lambda: crp.sample_sizes(3, alpha, rng=1),
        lambda: crp.seat_probs([1], alpha),
        lambda: crp.log_eppf([1], alpha),
        lambda: crp.eppf([1], alpha),
        lambda: crp.log_ewens([1], alpha),
        lambda: crp.log_rising(alpha, 1),
    ]
    for call in calls:
        with pytest.raises(ValueError, match="alpha = .*: expected a finite number > 0"):
            call()


@pytest.mark.parametrize("n", [0, -1, 2.0, True, "3"])
def test_bad_n(n):
    for call in [crp.sample, crp.sample_sizes]:
        with pytest.raises(ValueError, match="n = .*: expected an integer >= 1"):
            call(n, 1.0, rng=1)


def test_too_many_customers():
    with pytest.raises(ValueError, match="n = 9007199254740993: expected an integer <="):
        crp.sample_sizes(2**53 + 1, 1.0, rng=1)


@pytest.mark.parametrize("sizes", [[], [0], [2, -1], [1.5], [[1]], 3])
def test_bad_sizes(sizes):
    for call in [crp.seat_probs, crp.log_eppf, crp.eppf]:
        with pytest.raises(ValueError, match="sizes"):
            call(sizes, 1.0)


@pytest.mark.parametrize("counts", [[], [0, 0], [-1, 2], [0.5], [[1]]])
def test_bad_counts(counts):
    with pytest.raises(ValueError, match="counts"):
        crp.log_ewens(counts, 1.0)


@pytest.mark.parametrize("parents", [[], [1], [0, 2], [0, -1], [0.0], [[0]]])
def test_bad_parents(parents):
    with pytest.raises(ValueError, match="parents"):
        crp.tables(parents)


def test_sizes_whose_sum_overflows_an_integer():
    n, alpha = 2**62, 2.0
    with mpmath.workdps(40):
        total = mpmath.loggamma(alpha + 3 * n) - mpmath.loggamma(alpha)
        expected = float(3 * mpmath.log(alpha) + 3 * mpmath.loggamma(n) - total)
    assert crp.log_eppf([n] * 3, alpha) == pytest.approx(expected, rel=1e-14)
    for wide in (np.array([2**63], dtype=np.uint64), [2**64]):
        with pytest.raises(ValueError, match="sizes = .*: expected"):
            crp.log_eppf(wide, alpha)


def test_exact_with_an_integer_of_numpy():
    assert crp.eppf([20, 20], np.int64(1)) == crp.eppf([20, 20], 1)


def test_many_customers_who_nearly_all_sit_alone():
    # Split off table by table, this would take a minute.
    assert crp.sample_sizes(3 * 10**6, 1e300, rng=1).tolist() == [1] * (3 * 10**6)
