"""The urn: its joint law, ties, discreteness and directing measure, mostly in fractions."""

from collections import defaultdict
from fractions import Fraction
from itertools import permutations, product
from math import factorial, gamma, prod

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from dpnotes import measures
from dpnotes.process import Dirichlet, DirichletProcess, joint_prob

Z, P_VALUE = 4.9, 1e-6
ALPHAS = [Fraction(1, 3), Fraction(1), Fraction(5, 2), Fraction(9)]
ALPHA = st.fractions(Fraction(1, 20), 20, max_denominator=20)
WEIGHTS = [Fraction(1, 2), Fraction(1, 3), Fraction(1, 6)]
BASE = measures.Discrete(range(3), WEIGHTS)


def rising(a, n):
    return prod((a + i for i in range(n)), start=Fraction(1))


def weights_of(size):
    counts = st.lists(st.integers(1, 6), min_size=size, max_size=size)
    return counts.map(lambda c: [Fraction(x, sum(c)) for x in c])


def follow_rule(t, alpha, h):
    """Probability of t from copies and fresh draws: sum over where each draw came from."""
    if not t:
        return Fraction(1)
    *past, x = t
    fresh = alpha / (alpha + len(past)) * h[x]
    copied = sum(Fraction(1) for y in past if y == x) / (alpha + len(past))
    return follow_rule(past, alpha, h) * (fresh + copied)


@pytest.mark.checks("DP-0049", how="exact")
@pytest.mark.parametrize("alpha", ALPHAS)
def test_predictive_is_the_ratio_of_dirichlet_moments(alpha):
    """P(next = x | t) of draws from G is a ratio of integrals over G; the rule must give it."""
    g = Dirichlet([alpha * w for w in WEIGHTS])
    dp = DirichletProcess(alpha, BASE)
    for t in product(range(3), repeat=4):
        below = g.moment([t.count(k) for k in range(3)])
        rule = dp.posterior(t).predictive()
        for x in range(3):
            above = g.moment([t.count(k) + (k == x) for k in range(3)])
            assert rule.prob([x - 0.5, x + 0.5])[1] == above / below
            assert above / below == (alpha * WEIGHTS[x] + t.count(x)) / (alpha + 4)


@pytest.mark.checks("DP-0049", how="numerical")
def test_draws_from_drawn_measures_follow_the_rule():
    """Second draw new, third a copy of the first, and in C: sticks against the rule."""
    rng = np.random.default_rng(3)
    alpha, runs = 1.5, 4000
    dp, hits = DirichletProcess(alpha, stats.norm()), 0
    for _ in range(runs):
        a, b, c = dp.sample_measure(rng=rng, tol=1e-6).rvs(3, rng)
        hits += (a == c) and (a != b) and (a > 0.3)
    # new, then new, then a copy of the first
    p = alpha / (alpha + 1) * 1 / (alpha + 2) * stats.norm.sf(0.3)
    assert abs(hits / runs - p) < Z * (p * (1 - p) / runs) ** 0.5


@pytest.mark.checks("DP-0048", how="exact")
@pytest.mark.parametrize("alpha", ALPHAS)
def test_copies_and_fresh_draws_follow_the_rule(alpha):
    """The construction: all Y and J of four draws; given theta_1..3 the next has the law H_3."""
    law = defaultdict(Fraction)
    for y in product(range(3), repeat=4):
        for j in product(*(range(i + 1) for i in range(4))):  # 0: fresh, else copy draw j
            theta, p = [], prod(WEIGHTS[k] for k in y)
            for i in range(4):
                theta.append(theta[j[i] - 1] if j[i] else y[i])
                p *= (1 if j[i] else alpha) / (alpha + i)
            law[tuple(theta)] += p
    assert sum(law.values()) == 1
    for past in product(range(3), repeat=3):
        before = sum(law[(*past, x)] for x in range(3))
        for x in range(3):
            rule = (alpha * WEIGHTS[x] + past.count(x)) / (alpha + 3)
            assert law[(*past, x)] / before == rule


@pytest.mark.checks("DP-0050", how="exact")
@settings(deadline=None, max_examples=50, derandomize=True)
@given(ALPHA, weights_of(4), st.lists(st.integers(0, 3), min_size=1, max_size=12))
def test_joint_law(alpha, h, t):
    formula = prod(rising(alpha * h[k], t.count(k)) for k in range(4)) / rising(alpha, len(t))
    assert joint_prob(t, alpha, measures.Discrete(range(4), h)) == formula
    assert follow_rule(t, alpha, h) == formula


@pytest.mark.checks("DP-0050", how="exact")
def test_joint_law_of_cells():
    """Cells {0, 1} and {2} of a three-point base: sums over points give the formula in cells."""
    alpha, h = Fraction(5, 3), [WEIGHTS[0] + WEIGHTS[1], WEIGHTS[2]]
    for cells in product(range(2), repeat=5):
        members = product(*[[(0, 1), (2,)][c] for c in cells])
        total = sum(joint_prob(t, alpha, BASE) for t in members)
        counts = [cells.count(0), cells.count(1)]
        assert total == prod(map(rising, (alpha * w for w in h), counts)) / rising(alpha, 5)


@pytest.mark.checks("DP-0051", how="exact")
@pytest.mark.parametrize("alpha", ALPHAS)
def test_all_sequences_of_six(alpha):
    joint = {t: joint_prob(t, alpha, BASE) for t in product(range(3), repeat=6)}
    assert sum(joint.values()) == 1
    by_content = defaultdict(set)
    for t, p in joint.items():
        by_content[tuple(sorted(t))].add(p)
    assert len(by_content) == 28 and all(len(p) == 1 for p in by_content.values())


@pytest.mark.checks("DP-0051", how="exact")
def test_all_sequences_of_six_without_atoms():
    """Non-atomic H: which draws are equal is all that is left; six draws, all orders."""

    def chance(labels, alpha):
        p = Fraction(1)
        for i, x in enumerate(labels):
            p *= (labels[:i].count(x) or alpha) / (alpha + i)
        return p

    def pattern(labels):
        return tuple(labels.index(x) for x in labels)

    patterns = {pattern(t) for t in product(range(6), repeat=6)}
    assert len(patterns) == 203
    for alpha in ALPHAS:
        assert sum(chance(t, alpha) for t in patterns) == 1
    for t in patterns:
        for i in range(5):  # swaps of neighbours generate all permutations
            swapped = pattern(t[:i] + (t[i + 1], t[i]) + t[i + 2 :])
            assert chance(swapped, Fraction(5, 2)) == chance(t, Fraction(5, 2))


@pytest.mark.checks("DP-0052", how="exact")
def test_any_draw_may_be_the_last():
    alpha = Fraction(5, 3)
    for t in product(range(3), repeat=5):
        for i in range(5):
            swaps = [joint_prob(t[:i] + (x,) + t[i + 1 :], alpha, BASE) for x in range(3)]
            others = t[:i] + t[i + 1 :]
            rule = (alpha * WEIGHTS[t[i]] + others.count(t[i])) / (alpha + 4)
            assert joint_prob(t, alpha, BASE) / sum(swaps) == rule


@pytest.mark.checks("DP-0054", how="exact")
@settings(deadline=None, max_examples=50, derandomize=True)
@given(ALPHA, weights_of(4))
def test_tie_probability_with_atoms(alpha, h):
    base = measures.Discrete(range(4), h)
    ties = sum(joint_prob((x, y, x), alpha, base) for x in range(4) for y in range(4))
    assert ties == 1 / (1 + alpha) + alpha / (1 + alpha) * sum(w * w for w in h)


@pytest.mark.checks("DP-0054", how="numerical")
@pytest.mark.parametrize("spike", [0.0, 0.5])
def test_tie_probability_by_simulation(spike):
    base = measures.Mixture([1 - spike, spike], [stats.norm(), measures.Discrete([0], [1])])
    dp, rng, runs = DirichletProcess(2.0, base), np.random.default_rng(7), 5000
    ties = np.mean([np.ptp(dp.sample_urn(3, rng=rng)[1:]) == 0 for _ in range(runs)])
    p = (1 + 2 * spike**2) / 3
    assert abs(ties - p) < Z * (p * (1 - p) / runs) ** 0.5


@pytest.mark.checks("DP-0055", how="exact")
@pytest.mark.parametrize("alpha", ALPHAS)
def test_new_values_are_rare(alpha):
    """P(draw n + 1 is new): from the urn, from integrals over G, and below its bound."""
    g = Dirichlet([alpha * w for w in WEIGHTS])
    for n in range(1, 6):
        urn = sum(
            joint_prob(t, alpha, BASE)
            for t in product(range(3), repeat=n + 1)
            if t[-1] not in t[:-1]
        )
        # E sum_x G(x) (1 - G(x))^n, by the binomial theorem
        direct = 0
        for x in range(3):
            for k in range(n + 1):
                powers = [(1 + k) * (y == x) for y in range(3)]
                sign = (-1) ** k * Fraction(factorial(n), factorial(k) * factorial(n - k))
                direct += sign * g.moment(powers)
        assert urn == direct <= alpha / (alpha + n)


@pytest.mark.checks("DP-0055", how="numerical")
@pytest.mark.parametrize("alpha", [0.3, 1.0, 5.0])
def test_no_mass_is_left_between_the_atoms(alpha):
    """E sum_x G({x})^p tends to E of the mass of the atoms as p falls to 1; it must be 1.

    For a continuous measure the sum over m cells of (1/m)^p tends to 0 for every p > 1.
    """
    m = 10**8
    cell = stats.beta(alpha / m, alpha - alpha / m)
    for p in (2, 3):
        atoms = gamma(p) * gamma(alpha + 1) / gamma(alpha + p)
        assert m * cell.moment(p) == pytest.approx(atoms, rel=1e-6)
    near_one = [gamma(p) * gamma(alpha + 1) / gamma(alpha + p) for p in (1.1, 1.01, 1.001, 1.0001)]
    assert np.all(np.diff(near_one) > 0) and near_one[-1] == pytest.approx(1, abs=3e-4)


@pytest.mark.checks("DP-0056", how="exact")
@pytest.mark.parametrize("alpha", ALPHAS)
def test_unseen_mass(alpha):
    """Given t, the m-th moment of the unseen mass is the chance that m more draws are unseen."""
    base = measures.Discrete(range(4), [Fraction(1, 4)] * 4)
    for t in [(0,), (0, 0), (0, 1), (0, 1, 0), (1, 2, 1, 1)]:
        unseen = [x for x in range(4) if x not in t]
        u = Fraction(len(unseen), 4)
        law = Dirichlet([alpha * u, alpha * (1 - u) + len(t)])
        for m in range(1, 5):
            more = sum(joint_prob(t + s, alpha, base) for s in product(unseen, repeat=m))
            assert more / joint_prob(t, alpha, base) == law.moment([m, 0])


@pytest.mark.checks("DP-0056", how="numerical")
def test_unseen_mass_of_drawn_measures():
    """Sticks: the mass outside five draws from G is Beta(alpha, 5) for a base without atoms."""
    rng, dp = np.random.default_rng(4), DirichletProcess(2.0, stats.norm())
    unseen = []
    for _ in range(2000):
        g = dp.sample_measure(rng=rng, tol=1e-9)
        unseen.append(g.weights[~np.isin(g.atoms, g.rvs(5, rng))].sum())
    assert stats.kstest(unseen, stats.beta(2, 5).cdf).pvalue > P_VALUE


@pytest.mark.checks("DP-0057", how="exact")
@pytest.mark.parametrize("alpha", ALPHAS)
def test_new_values_are_independent_events(alpha):
    law = defaultdict(Fraction)

    def run(labels, p):
        i = len(labels)
        if i == 6:
            law[tuple(x not in labels[:j] for j, x in enumerate(labels))] += p
            return
        for table in set(labels):
            run(labels + [table], p * labels.count(table) / (alpha + i))
        run(labels + [i], p * alpha / (alpha + i))

    run([], Fraction(1))
    for new in product([True, False], repeat=6):
        chance = [alpha / (alpha + i) if x else i / (alpha + i) for i, x in enumerate(new)]
        assert law[new] == prod(chance)


@pytest.mark.checks("DP-0057", how="numerical")
def test_values_never_stop_and_leave_out_no_atom():
    """G by its sticks, then draws from it, against the urn's probabilities."""
    rng, alpha, n = np.random.default_rng(8), 0.5, np.array([10, 100, 10_000])
    dp, unseen, stopped = DirichletProcess(alpha, stats.norm()), [], []
    for _ in range(400):
        g = dp.sample_measure(rng=rng, tol=1e-9)
        theta = g.rvs(n[-1], rng)
        values, first = np.unique(theta, return_index=True)
        assert np.isin(values, g.atoms).all()
        # Of an atom this heavy all draws miss with probability below exp(-50).
        assert np.isin(g.atoms[g.weights > 0.005], values).all()
        unseen.append([g.weights[~np.isin(g.atoms, values[first < m])].sum() for m in n])
        stopped.append(first.max() < 100)
    error = np.std(unseen, axis=0) / 20
    assert (abs(np.mean(unseen, axis=0) - alpha / (alpha + n)) < Z * error).all()
    # From n to n^2 no value is new with probability below 1/2, far along as well as early, and
    # such stretches are independent: almost surely infinitely many see one.
    later = np.arange(100, n[-1])
    chance = np.prod(later / (alpha + later))
    assert abs(np.mean(stopped) - chance) < Z * np.sqrt(chance * (1 - chance) / 400)
    assert chance < 0.5


@pytest.mark.checks("DP-0058", how="exact")
def test_products_of_frequencies():
    """The tuple bound on every sequence, and its expectation under the urn, n = 6 and k <= 3."""
    n, alpha = 6, Fraction(5, 2)
    joint = {t: joint_prob(t, alpha, BASE) for t in product(range(3), repeat=n)}
    for sets in [({0}, {1}), ({0, 1}, {1}), ({0}, {0}, {0, 2})]:
        k, expected = len(sets), 0
        for t, p in joint.items():
            choices = permutations(range(n), k)
            hits = [all(t[i] in s for i, s in zip(index, sets)) for index in choices]
            distinct = Fraction(sum(hits), len(hits))
            frequencies = prod(Fraction(sum(x in s for x in t), n) for s in sets)
            assert abs(distinct - frequencies) <= Fraction(k * (k - 1), 2 * n)
            expected += p * distinct
        truth = sum(p for t, p in joint.items() if all(x in s for x, s in zip(t, sets)))
        assert expected == truth


@pytest.mark.checks("DP-0059", "DP-0060", how="exact")
@settings(deadline=None, max_examples=30, derandomize=True)
@given(ALPHA, weights_of(3), st.lists(st.integers(0, 3), min_size=3, max_size=3))
def test_urn_probabilities_are_dirichlet_moments(alpha, h, powers):
    t = [k for k, m in enumerate(powers) for _ in range(m)]
    law = Dirichlet([alpha * w for w in h])
    assert follow_rule(t, alpha, h) == law.moment(powers)


@pytest.mark.checks("DP-0059", how="numerical")
def test_frequencies_have_a_beta_law():
    rng, dp, n = np.random.default_rng(6), DirichletProcess(3.0, stats.norm(0.5)), 20_000
    share = [np.mean(dp.sample_urn(n, rng=rng) <= 0) for _ in range(1000)]
    law = stats.beta(*(3 * stats.norm.cdf([-0.5, 0.5])))
    # The share differs from its limit by less than 1/sqrt(n), far inside the test's resolution.
    assert stats.kstest(share, law.cdf).pvalue > P_VALUE


def test_exercise_all_equal_and_last_copy():
    for alpha in ALPHAS:
        for n in range(2, 6):
            p = prod(Fraction(i) / (alpha + i) for i in range(1, n))
            assert p == factorial(n - 1) / rising(alpha + 1, n - 1)


def test_float_input_agrees_with_fractions():
    base = measures.Discrete(range(3), [float(w) for w in WEIGHTS])
    exact = joint_prob((0, 2, 0, 1), Fraction(5, 2), BASE)
    assert joint_prob((0, 2, 0, 1), 2.5, base) == pytest.approx(float(exact), rel=1e-14)
    assert joint_prob((0, 7), Fraction(5, 2), BASE) == 0


@pytest.mark.parametrize(
    "theta, alpha, base, name",
    [
        ([], 1, BASE, "theta"),
        ([[0, 1]], 1, BASE, "theta"),
        ([0, np.nan], 1, BASE, "theta"),
        ([0, 1], 0, BASE, "alpha"),
        ([0, 1], -1, BASE, "alpha"),
        ([0, 1], np.inf, BASE, "alpha"),
        ([0, 1], 1, stats.norm(), "base"),
    ],
)
def test_joint_prob_refuses(theta, alpha, base, name):
    with pytest.raises(ValueError, match=name):
        joint_prob(theta, alpha, base)
