"""The Dirichlet process against rational enumeration, two-stage simulation and quadrature."""

from fractions import Fraction
from itertools import product
from math import comb
from time import perf_counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from dpnotes.measures import Discrete, Mixture, prob
from dpnotes.process import Dirichlet, DirichletProcess, joint_prob

quick = settings(deadline=None, max_examples=50, derandomize=True)
ATOMS = [0, 1, 2, 3]


@st.composite
def processes(draw):
    """DP(alpha, H) with a rational alpha and H on four points, zeros possible."""
    counts = draw(st.lists(st.integers(0, 5), min_size=4, max_size=4).filter(any))
    alpha = Fraction(draw(st.integers(1, 20)), draw(st.integers(1, 8)))
    return DirichletProcess(alpha, Discrete(ATOMS, [Fraction(c, sum(counts)) for c in counts]))


def cell_moment(law, sets, powers):
    """E of the product of G(C)^power, by multiplying out; each set is a list of cells."""
    factors = [cells for cells, power in zip(sets, powers) for _ in range(power)]
    choices = product(*factors)
    return sum(law.moment([c.count(k) for k in range(law.a.size)]) for c in choices)


@pytest.mark.checks("DP-0028", how="exact")
@quick
@given(processes(), st.lists(st.sampled_from([0.5, 1.5, 2.5]), unique=True).map(sorted))
def test_merged_marginals_are_the_marginals(dp, edges):
    groups = np.searchsorted(edges, ATOMS)
    merged = dp.marginal([0.5, 1.5, 2.5]).merge(groups)
    assert merged.a.tolist() == dp.marginal(edges).a.tolist()


@pytest.mark.checks("DP-0028", "DP-0029", "DP-0030", how="exact")
@settings(quick, max_examples=15)
@given(processes())
def test_overlapping_sets_have_one_law(dp):
    # C1 = {0, 1}, C2 = {1, 2} from a partition into {0}, {1}, {2}, {3} and one that also cuts at 7.
    four, five = dp.marginal([0.5, 1.5, 2.5]), dp.marginal([0.5, 1.5, 2.5, 7])
    first, second = [[0, 1], [1, 2]], [[0, 1], [1, 2]]
    union = [[0, 1, 2], [3, 4]]
    for p, q in product(range(3), repeat=2):
        assert cell_moment(four, first, [p, q]) == cell_moment(five, second, [p, q])
        # The union of C1 and C2 and its complement, merged first or multiplied out.
        assert dp.marginal([2.5]).moment([p, q]) == cell_moment(five, union, [p, q])


def pair_moment(alpha, h, C, D):
    """E G(C) G(D) from the coarsest partition that serves C and D, and from no other."""
    cells = [C & D, C - D, D - C, set(range(len(h))) - C - D]
    cells = [cell for cell in cells if cell]
    law = Dirichlet([alpha * sum(h[k] for k in cell) for cell in cells])
    return cell_moment(
        law, [[i for i, cell in enumerate(cells) if cell <= S] for S in (C, D)], [1, 1]
    )


@pytest.mark.checks("DP-0030", how="exact")
@quick
@given(st.integers(1, 9), st.lists(st.integers(0, 5), min_size=6, max_size=6).filter(any))
def test_variables_of_kolmogorov_are_additive(alpha, counts):
    """E (G_{A and B} - G_A - G_B)^2 = 0, each product from a partition of its own."""
    alpha, h = Fraction(alpha, 3), [Fraction(c, sum(counts)) for c in counts]
    everything = set(range(6))
    for A, B in [({0}, {1, 2}), ({0, 3}, {5}), ({1, 2, 4}, {0, 3, 5})]:
        parts = [(1, A | B), (-1, A), (-1, B)]
        assert sum(i * j * pair_moment(alpha, h, C, D) for i, C in parts for j, D in parts) == 0
    assert pair_moment(alpha, h, everything, everything) == 1


@pytest.mark.checks("DP-0030", how="exact")
@pytest.mark.parametrize("alpha", [Fraction(1, 5), Fraction(3)])
def test_a_disjoint_union_is_the_sum_of_its_parts(alpha):
    """E (G_A - G_1 - ... - G_m)^2 falls to 0 as the second moment of what is left of A."""
    h = [Fraction(1, 2**k) for k in range(1, 14)] + [Fraction(1, 2**13)]
    A, left = set(range(1, 14)), []
    for m in range(1, 13):
        parts = [(1, A)] + [(-1, {k}) for k in range(1, m + 1)]
        left.append(sum(i * j * pair_moment(alpha, h, C, D) for i, C in parts for j, D in parts))
        tail = sum(h[k] for k in range(m + 1, 14))
        assert left[-1] == tail * (1 + alpha * tail) / (1 + alpha)
    assert left[-1] < Fraction(1, 10**3)


def rationals(levels):
    """0, then the odd multiples of 2^-j in (-1, 1), one level after another."""
    yield Fraction(0)
    for j in range(1, levels + 1):
        yield from (Fraction(i, 2**j) for i in range(1 - 2**j, 2**j) if i % 2)


@pytest.mark.checks("DP-0031", how="numerical")
@pytest.mark.parametrize("alpha", [0.4, 3.0])
def test_a_distribution_function_drawn_at_one_rational_after_another(alpha):
    """Step 1 and Step 3: F at rationals, each given its neighbours; an atom of H, a gap in H."""
    # H: an atom of 0.3 at 1/4, the rest uniform on (-1, -1/2) and on (1/2, 1).
    base = Mixture(
        [0.3, 0.35, 0.35],
        [Discrete([0.25], [1.0]), stats.uniform(-1, 0.5), stats.uniform(0.5, 0.5)],
    )
    rng, runs = np.random.default_rng(12), 20_000
    at = {Fraction(-1): np.zeros(runs), Fraction(1): np.ones(runs)}
    for q in rationals(4):
        low, high = max(p for p in at if p < q), min(p for p in at if p > q)
        a = alpha * prob(base, [float(low), float(q), float(high)])[1:3]
        share = Dirichlet(a).rvs(runs, rng)[:, 0] if a.sum() > 0 else 0.0
        at[q] = at[low] + share * (at[high] - at[low])
    points = sorted(at)
    F = np.array([at[q] for q in points])
    assert (np.diff(F, axis=0) >= -1e-15).all()
    # Means are H((-inf, q]); at the atom F has its mass, just below it has not.
    for q in points[1:-1]:
        h = prob(base, [float(q)])[0]
        assert abs(at[q].mean() - h) <= 4.9 * at[q].std() / runs**0.5
    atom = at[Fraction(1, 4)] - at[Fraction(3, 16)]
    assert abs(atom.mean() - 0.3) <= 4.9 * atom.std() / runs**0.5
    # H has nothing between the atom and 1/2.
    np.testing.assert_allclose(at[Fraction(1, 2)], at[Fraction(1, 4)], rtol=0, atol=1e-15)
    # Unions of intervals that are no half-lines: Dirichlet moments by Step 5.
    sets = (
        [(-1, Fraction(-3, 4)), (Fraction(3, 16), Fraction(5, 8))],
        [(Fraction(-3, 4), Fraction(-5, 8))],
    )
    masses = [sum(at[Fraction(b)] - at[Fraction(a)] for a, b in each) for each in sets]
    h = [sum(prob(base, [float(a), float(b)])[1] for a, b in each) for each in sets]
    law = Dirichlet([alpha * h[0], alpha * h[1], alpha * (1 - sum(h))])
    for m in [(1, 0), (2, 0), (1, 1), (0, 3), (2, 2)]:
        values = masses[0] ** m[0] * masses[1] ** m[1]
        assert abs(values.mean() - law.moment([*m, 0])) <= 4.9 * values.std() / runs**0.5


@pytest.mark.checks("DP-0031", how="exact")
def test_approximating_sets_bound_the_distance():
    """Step 6 on thirty points: sets that differ from A_j by at most eps, made disjoint."""
    rng = np.random.default_rng(13)
    for r in (2, 3, 5):
        A = rng.integers(0, r, 30)
        h = [Fraction(int(c), 300) for c in rng.multinomial(300, np.full(30, 1 / 30))]
        R = [(A == j) ^ (rng.random(30) < 0.1) for j in range(r - 1)]
        eps = max(sum(h[i] for i in np.flatnonzero(R[j] ^ (A == j))) for j in range(r - 1))
        S = [R[j] & ~np.any(R[:j], axis=0) for j in range(r - 1)]
        S.append(~np.any(S, axis=0))
        assert (np.sum(S, axis=0) == 1).all()
        for j in range(r):
            away = S[j] ^ (A == j)
            assert sum(h[i] for i in np.flatnonzero(away)) <= (r - 1) * eps


@pytest.mark.checks("DP-0029", how="numerical")
def test_two_constructions_have_one_law():
    """Mixed moments of overlapping sets: sticks, and frequencies of a long urn, against mu."""
    dp, edges = DirichletProcess(2.0, stats.norm()), [-0.5, 0.3]
    law, runs, n = dp.marginal(edges), 2000, 2000
    rng = np.random.default_rng(8)
    sticks = [dp.sample_measure(rng=rng, tol=1e-6) for _ in range(runs)]
    sticks = [[g.weights[g.atoms <= 0.3].sum(), g.weights[g.atoms > -0.5].sum()] for g in sticks]
    urn = [dp.sample_urn(n, rng=rng) for _ in range(runs)]
    urn = [[(theta <= 0.3).mean(), (theta > -0.5).mean()] for theta in urn]
    h = [law.mean()[:2].sum(), law.mean()[1:].sum()]
    for sets in map(np.array, (sticks, urn)):
        for p, q in [(2, 0), (1, 1), (0, 2), (2, 2)]:  # about the mean
            exact = sum(
                comb(p, i)
                * comb(q, j)
                * (-h[0]) ** (p - i)
                * (-h[1]) ** (q - j)
                * cell_moment(law, [[0, 1], [1, 2]], [i, j])
                for i, j in product(range(p + 1), range(q + 1))
            )
            values = (sets[:, 0] - h[0]) ** p * (sets[:, 1] - h[1]) ** q
            error = 4.9 * values.std() / runs**0.5 + (p + q) / n  # second term: finite n
            assert abs(values.mean() - exact) < error


@pytest.mark.checks("DP-0031", how="numerical")
def test_dyadic_refinement_has_dirichlet_marginals():
    """Cells split in two by Beta variables, ten times: unions of cells the grid does not end at."""
    rng, alpha, masses, runs = np.random.default_rng(9), 1.5, np.ones((4000, 1)), 4000
    for level in range(1, 11):
        half = alpha / 2**level  # of the uniform base measure
        v = rng.beta(half, half, size=masses.shape)
        masses = np.stack([masses * v, masses * (1 - v)], axis=2).reshape(runs, -1)
    assert np.allclose(masses.sum(axis=1), 1)
    left = np.arange(1024) / 1024
    # {x <= 1/3 or 0.7 < x <= 0.8}, cut at the nearest dyadic points; its probability under H
    inside = (left < 1 / 3) | ((left >= 0.7) & (left < 0.8))
    h = inside.mean()
    law = stats.beta(alpha * h, alpha * (1 - h))
    assert stats.kstest(masses[:, inside].sum(axis=1), law.cdf).pvalue > 1e-4
    assert abs(h - (1 / 3 + 0.1)) < 2e-3


@pytest.mark.checks("DP-0032", how="exact")
@quick
@given(processes())
def test_moments_of_overlapping_sets(dp):
    law, h = dp.marginal([0.5, 1.5, 2.5]), dp.base.prob([0.5, 1.5, 2.5])
    for A, B in product([[0], [0, 1], [1, 2, 3], [0, 2], []], repeat=2):
        h_A, h_B, h_both = (sum(h[k] for k in C) for C in (A, B, set(A) & set(B)))
        assert cell_moment(law, [A], [1]) == h_A
        covariance = cell_moment(law, [A, B], [1, 1]) - h_A * h_B
        assert covariance == (h_both - h_A * h_B) / (1 + dp.alpha)


@pytest.mark.checks("DP-0032", how="numerical")
def test_one_set_is_beta():
    dp = DirichletProcess(2.5, stats.norm())
    h = stats.norm.cdf(0.7)
    draws = dp.marginal([-1, 0.7, 2]).rvs(20_000, random_state=1)[:, :2].sum(axis=1)
    assert stats.kstest(draws, stats.beta(2.5 * h, 2.5 * (1 - h)).cdf).pvalue > 1e-4


@pytest.mark.checks("DP-0033", how="exact")
@quick
@given(processes(), st.lists(st.integers(-5, 5), min_size=4, max_size=4))
def test_integrals(dp, values):
    law, h = dp.marginal([0.5, 1.5, 2.5]), dp.base.weights
    f = np.array([Fraction(v) for v in values])
    units = np.eye(4, dtype=int)
    second = sum(
        f[i] * f[j] * law.moment(list(units[i] + units[j])) for i, j in product(range(4), repeat=2)
    )
    mean = (h * f).sum()
    assert second - mean**2 == ((h * f**2).sum() - mean**2) / (1 + dp.alpha)


@pytest.mark.checks("DP-0035", "DP-0036", how="exact")
@quick
@given(processes())
def test_one_and_two_draws(dp):
    # Two-stage experiment, summed over atoms: P(theta1 = i, theta2 = j) = E g_i g_j.
    law, h, alpha = dp.marginal([0.5, 1.5, 2.5]), dp.base.weights, dp.alpha
    units = np.eye(4, dtype=int)
    for i in range(4):
        assert law.moment(list(units[i])) == dp.predictive().pmf(i) == h[i]
        for j in range(4):
            copy = h[i] if i == j else 0
            expected = (alpha * h[i] * h[j] + copy) / (1 + alpha)
            assert law.moment(list(units[i] + units[j])) == expected
            if h[i] > 0:
                assert h[i] * dp.posterior(i).predictive().pmf(j) == expected


@pytest.mark.checks("DP-0035", how="numerical")
def test_two_stage_draws_follow_the_base():
    dp, edges = DirichletProcess(0.7, stats.norm()), [-1, 0, 0.5]
    rng = np.random.default_rng(2)
    g = dp.marginal(edges).rvs(20_000, rng)
    cell = (rng.random((len(g), 1)) > g.cumsum(axis=1)[:, :-1]).sum(axis=1)
    assert stats.chisquare(np.bincount(cell), 20_000 * prob(stats.norm(), edges)).pvalue > 1e-4


@pytest.mark.checks("DP-0037", how="numerical")
def test_large_alpha():
    grid = stats.norm.ppf(np.arange(1, 100) / 100)
    for alpha in [10.0, 1e3, 1e5]:
        law = DirichletProcess(alpha, stats.norm()).marginal(grid)
        assert (law.var() <= 1 / (4 * (1 + alpha))).all()
        strays = np.abs(law.rvs(500, random_state=3).cumsum(axis=1) - np.arange(1, 101) / 100)
        # The proof's bound, with epsilon = 0.2: at most 2 * 5 sets.
        assert (strays.max(axis=1) > 0.4).mean() <= 10 / (4 * 0.04 * (1 + alpha))
    assert np.median(strays.max(axis=1)) < 0.01


@pytest.mark.checks("DP-0038", how="exact")
def test_small_alpha():
    h = [Fraction(1, 6), Fraction(1, 3), Fraction(1, 2), Fraction(0)]
    law = DirichletProcess(Fraction(1, 10**9), Discrete(ATOMS, h)).marginal([0.5, 1.5, 2.5])
    for m in product(range(4), repeat=4):
        used = [k for k in range(4) if m[k]]
        limit = 1 if not used else h[used[0]] if len(used) == 1 else 0
        assert abs(law.moment(m) - limit) < Fraction(1, 10**7)


@pytest.mark.checks("DP-0039", how="exact")
@quick
@given(processes())
def test_sums_of_squares(dp):
    h, alpha = dp.base.weights, dp.alpha
    for edges in [[0.5, 1.5, 2.5], [1.5], []]:
        law = dp.marginal(edges)
        cells = range(law.a.size)
        total = sum(law.moment([2 * (j == k) for j in cells]) for k in cells)
        assert total == (1 + alpha * (dp.base.prob(edges) ** 2).sum()) / (1 + alpha)
        assert total >= 1 / (1 + alpha)
    # With one atom a cell the sum over cells is the sum over points.
    law = dp.marginal([0.5, 1.5, 2.5])
    assert (law.var() + law.mean() ** 2).sum() == (1 + alpha * (h**2).sum()) / (1 + alpha)


def test_zero_cells_are_never_charged():
    dp = DirichletProcess(1.5, stats.uniform())
    law = dp.marginal([-1, 0, 0.5, 1, 2])
    assert law.a.tolist() == [0, 0, 0.75, 0.75, 0, 0]
    draws = law.rvs(100, random_state=4)
    assert (draws[:, [0, 1, 4, 5]] == 0).all() and np.allclose(draws.sum(axis=1), 1)


@pytest.mark.checks("DP-0045", how="exact")
@settings(quick, max_examples=20)
@given(processes(), st.lists(st.sampled_from(ATOMS), min_size=1, max_size=3))
def test_posterior_is_bayes_rule(dp, theta):
    prior = dp.marginal([0.5, 1.5, 2.5])
    counts = [theta.count(k) for k in range(4)]
    evidence = prior.moment(counts)
    if evidence == 0:
        with pytest.raises(ValueError, match="theta.*support of the base"):
            dp.posterior(theta)
        return
    posterior = dp.posterior(theta)
    assert posterior.alpha == dp.alpha + len(theta)
    law = posterior.marginal([0.5, 1.5, 2.5])
    for m in product(range(3), repeat=4):
        assert law.moment(m) == prior.moment([i + n for i, n in zip(m, counts)]) / evidence


@quick
@given(processes(), st.lists(st.sampled_from(ATOMS), min_size=2, max_size=6))
def test_posterior_one_by_one_is_posterior_at_once(dp, theta):
    theta = [t for t in theta if dp.base.pmf(t) > 0] or [ATOMS[int(np.argmax(dp.base.weights))]]
    at_once, one_by_one = dp.posterior(theta), dp
    for t in theta:
        one_by_one = one_by_one.posterior(t)
    edges = [0.5, 1.5, 2.5]
    assert one_by_one.alpha == at_once.alpha
    assert one_by_one.marginal(edges).a.tolist() == at_once.marginal(edges).a.tolist()


def test_posterior_of_a_continuous_base():
    dp = DirichletProcess(2, stats.norm())
    posterior = dp.posterior([0.5, 0.5, 3.0])
    edges = [-1, 0.5, 2]  # 0.5 belongs to the cell (-1, 0.5]
    assert np.allclose(posterior.marginal(edges).a, 2 * prob(stats.norm(), edges) + [0, 2, 0, 1])
    assert posterior.alpha == 5
    # A later draw may repeat an atom or lie anywhere on the line.
    again = posterior.posterior([0.5, -7.25])
    assert np.allclose(again.marginal(edges).a, 2 * prob(stats.norm(), edges) + [1, 3, 0, 1])


@pytest.mark.checks("DP-0049", how="exact")
@settings(quick, max_examples=10)
@given(processes())
def test_urn_rule_multiplies_to_the_moment(dp):
    law, support = dp.marginal([0.5, 1.5, 2.5]), [k for k in ATOMS if dp.base.pmf(k) > 0]
    for sequence in product(support, repeat=3):
        probability, now = Fraction(1), dp
        for t in sequence:
            probability *= now.predictive().pmf(t)
            now = now.posterior(t)
        assert probability == law.moment([sequence.count(k) for k in range(4)])


@pytest.mark.checks("DP-0049", how="numerical")
@pytest.mark.parametrize("alpha", [0.3, 2.0])
def test_sample_urn_with_atoms_follows_the_joint_law(alpha):
    h = [0.2, 0.3, 0.5]
    dp = DirichletProcess(alpha, Discrete([0, 1, 2], h))
    law, rng = dp.marginal([0.5, 1.5]), np.random.default_rng(5)
    counts = dict.fromkeys(product(range(3), repeat=3), 0)
    for _ in range(10_000):
        counts[tuple(dp.sample_urn(3, rng=rng).astype(int))] += 1
    expected = [10_000 * law.moment([s.count(k) for k in range(3)]) for s in counts]
    assert stats.chisquare(list(counts.values()), expected).pvalue > 1e-4


def test_sample_urn_of_a_posterior():
    dp = DirichletProcess(1, stats.norm()).posterior([4.0, 4.0])
    rng = np.random.default_rng(6)
    first = np.array([dp.sample_urn(1, rng=rng)[0] for _ in range(5_000)])
    assert abs((first == 4).mean() - 2 / 3) < 4 * np.sqrt(2 / 9 / 5_000)
    assert stats.kstest(first[first != 4], "norm").pvalue > 1e-4


def test_sample_urn_is_fast_and_seeded():
    dp = DirichletProcess(5, stats.norm())
    start = perf_counter()
    theta = dp.sample_urn(1_000_000, rng=7)
    assert perf_counter() - start < 2
    assert theta.shape == (1_000_000,) and theta.dtype == np.float64
    # E K_n is 5 (psi(5 + 1e6) - psi(5)) = 61.6 with standard deviation below 8.
    assert 30 < np.unique(theta).size < 94
    assert np.array_equal(theta, dp.sample_urn(1_000_000, rng=7))


@pytest.mark.parametrize("alpha", [0, -1, np.nan, np.inf, -np.inf, None, "x", [1, 2], Fraction(0)])
def test_bad_alpha(alpha):
    with pytest.raises(ValueError, match="alpha = .*expected a finite number > 0"):
        DirichletProcess(alpha, stats.norm())


@pytest.mark.parametrize(
    "base", [None, 1.0, stats.norm(0, -1), stats.gaussian_kde([0.0, 1.0, 3.0])]
)
def test_bad_base(base):
    with pytest.raises(ValueError, match="base = .*cdf on the line"):
        DirichletProcess(1, base)


@pytest.mark.parametrize("edges", [[1, 0], [0, np.nan], [[0, 1]], [0, 0]])
def test_bad_edges(edges):
    with pytest.raises(ValueError, match="edges = .*increases strictly"):
        DirichletProcess(1, stats.norm()).marginal(edges)


@pytest.mark.parametrize(
    "base, theta",
    [
        (stats.norm(), []),
        (stats.norm(), [0, np.nan]),
        (stats.norm(), [np.inf]),
        (stats.norm(), [[0, 1]]),
        (stats.norm(), "x"),
        (stats.uniform(), [0.5, 1.5]),
        (stats.expon(), [-0.1]),
        (stats.poisson(2), [1, 0.5]),
        (Discrete([0, 1], [1, 0]), [1]),
    ],
)
def test_bad_theta(base, theta):
    with pytest.raises(ValueError, match="theta.* = .*expected"):
        DirichletProcess(1, base).posterior(theta)


@pytest.mark.parametrize("n", [0, -3, 2.5, True, None])
def test_bad_n(n):
    with pytest.raises(ValueError, match="n = .*expected an integer >= 1"):
        DirichletProcess(1, stats.norm()).sample_urn(n)


@pytest.mark.parametrize("alpha", [3, np.int64(3), Fraction(3)])
def test_rational_alpha_stays_exact(alpha):
    dp = DirichletProcess(alpha, Discrete(ATOMS, [Fraction(1, 4)] * 4))
    assert dp.marginal([0.5]).a.tolist() == [Fraction(3, 4), Fraction(9, 4)]
    assert all(isinstance(w, Fraction) for w in dp.posterior([0, 0, 2]).predictive().weights)
    assert DirichletProcess(3.0, dp.base).marginal([0.5]).a.dtype == np.float64


CORNERS = [[0, 0], [0, 1], [1, 0], [1, 1]]


@pytest.mark.checks("DP-0045", "DP-0049", how="exact")
@settings(quick, max_examples=20)
@given(processes(), st.lists(st.sampled_from(ATOMS), min_size=1, max_size=4))
def test_corners_of_a_square_are_points_of_the_line(line, kinds):
    # The process sees only which atoms are equal, so R^2 has to repeat the line's fractions.
    h = line.base.pmf(ATOMS)
    plane = DirichletProcess(line.alpha, Discrete(CORNERS, h))
    theta, edges = [CORNERS[k] for k in kinds], [[0.5], [0.5]]
    assert plane.marginal(edges).a.tolist() == line.marginal([0.5, 1.5, 2.5]).a.tolist()
    assert joint_prob(theta, plane.alpha, plane.base) == joint_prob(kinds, line.alpha, line.base)
    if not all(h[k] > 0 for k in kinds):
        with pytest.raises(ValueError, match="theta.*support of the base"):
            plane.posterior(theta)
        return
    after, expected = plane.posterior(theta), line.posterior(kinds)
    assert after.alpha == expected.alpha
    assert after.marginal(edges).a.tolist() == expected.marginal([0.5, 1.5, 2.5]).a.tolist()
    assert after.predictive().pmf(CORNERS).tolist() == expected.predictive().pmf(ATOMS).tolist()
    # Split at a single axis, the marginal of two cells is the merged one.
    merged = plane.marginal(edges).merge([0, 0, 1, 1])
    assert plane.marginal([[0.5], []]).a.tolist() == merged.a.tolist()


@pytest.mark.checks("DP-0049", how="numerical")
def test_urn_in_the_plane():
    normal = stats.multivariate_normal([1, -1], [[1, 0.6], [0.6, 2]])
    dp = DirichletProcess(1.5, normal)
    rng = np.random.default_rng(8)
    pairs = np.array([dp.sample_urn(2, rng=rng) for _ in range(1_000)])
    assert pairs.shape == (1_000, 2, 2)
    same = (pairs[:, 0] == pairs[:, 1]).all(axis=1)
    assert abs(same.mean() - 1 / 2.5) < 4 * np.sqrt(0.4 * 0.6 / 1_000)
    # Any direction of a draw is normal; a posterior repeats its points as the rule says.
    assert stats.kstest(pairs[:, 0] @ [1, 2], stats.norm(-1, np.sqrt(11.4)).cdf).pvalue > 1e-4
    posterior = dp.posterior([[0.0, 0.0], [0.0, 0.0], [3.0, 1.0]])
    edges = [[0.5], [0.5]]
    expected = 1.5 * prob(normal, edges) + [[2, 0], [0, 1]]
    assert np.allclose(posterior.marginal(edges).a, expected.ravel(), atol=1e-13)
    first = np.array([posterior.sample_urn(1, rng=rng)[0] for _ in range(1_000)])
    origin = (first == 0).all(axis=1).mean()
    assert abs(origin - 2 / 4.5) < 4 * np.sqrt(2 / 4.5 * 2.5 / 4.5 / 1_000)


def test_one_table_and_one_atom_in_space():
    base = stats.multivariate_t([0, 0, 0], df=3)
    dp = DirichletProcess(1e-9, base)
    assert dp.sample_urn(5, rng=1).shape == (5, 3)
    assert np.array_equal(dp.sample_urn(5, rng=1), dp.sample_urn(5, rng=1))
    g = dp.sample_measure(rng=1)
    assert isinstance(g, Discrete) and g.atoms.shape[1:] == (3,)
    again = DirichletProcess(2, base).posterior(g.atoms[0]).predictive()
    assert again.parts[1].atoms.shape == (1, 3)


@pytest.mark.checks("DP-0158", how="numerical")
def test_measures_drawn_in_the_plane_have_the_marginal():
    dp = DirichletProcess(2, stats.multivariate_normal([0, 0], [[1, 0.5], [0.5, 1]]))
    law, rng = dp.marginal([[0], [0]]), np.random.default_rng(9)
    g = np.array(
        [dp.sample_measure(rng=rng, tol=1e-6).prob([[0], [0]]).ravel() for _ in range(600)]
    )
    error = np.sqrt(law.var() / len(g))
    assert (np.abs(g.mean(axis=0) - law.mean()) < 4 * error).all()
    assert stats.kstest(g[:, 0], stats.beta(law.a[0], law.a[1:].sum()).cdf).pvalue > 1e-4


def test_a_distribution_on_the_simplex_as_base():
    # Topics: every draw from H is a probability vector.
    for base in [Dirichlet([1, 2, 3]), stats.dirichlet([1, 2, 3])]:
        dp = DirichletProcess(2, base)
        theta = dp.sample_urn(50, rng=3)
        assert np.allclose(theta.sum(axis=1), 1) and len(np.unique(theta, axis=0)) < 50
        assert dp.posterior(theta).alpha == 52
        with pytest.raises(ValueError, match="a joint cdf"):
            dp.marginal([[0.5]] * 3)
        with pytest.raises(ValueError, match="g = |support of the base"):
            dp.posterior([[0.5, 0.6, 0.7]])


@pytest.mark.parametrize(
    "theta", [[], 0.5, [0.5], [[0, 1, 2]], [[0, np.nan]], [[[0, 1]]], "x", [[0, 1], [2]]]
)
def test_bad_theta_in_the_plane(theta):
    with pytest.raises(ValueError, match="theta.* = .*expected"):
        DirichletProcess(1, stats.multivariate_normal([0, 0])).posterior(theta)


@pytest.mark.parametrize(
    "base", [stats.wishart(3, np.eye(2)), stats.random_correlation([0.5, 1.5])]
)
def test_matrices_are_no_base(base):
    with pytest.raises(ValueError, match="base = .*expected a measure with rvs"):
        DirichletProcess(1, base)
