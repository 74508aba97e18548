"""Tests of the moves that split and merge clusters, against exact transition laws."""

import functools
import itertools
import math

import numpy as np
import pytest
from scipy import stats

from dpnotes import _moves, _sweeps, chains, datasets, diagnostics, exact, gibbs, hyper, partitions
from dpnotes.components import (
    Conjugate,
    CorrelatedGaussian,
    Gaussian,
    NormalInverseGamma,
    NormalInverseWishart,
    SphericalNormalInverseGamma,
)
from dpnotes.mixture import DPMixture


class Own(Gaussian):
    """A family of a reader's own, which the loops reach through its log_predictive alone."""


FAMILIES = {
    "known variance": Gaussian([0, 0.5], 2.0, 0.5),
    "known covariance": CorrelatedGaussian([0, 0.5], 0.3, [[0.5, 0.2], [0.2, 0.3]]),
    "unknown variances": NormalInverseGamma([0, 0.5], 0.3, 2.0, 0.7),
    "one unknown variance": SphericalNormalInverseGamma([0, 0.5], 0.3, 2.0, 0.7),
    "unknown covariance": NormalInverseWishart([0, 0.5], 0.3, 3.5, np.eye(2) + 0.2),
    "own": Own([0, 0.5], 2.0, 0.5),
}
X = np.column_stack([datasets.neal()[1:7], [0.3, 0.1, -1.0, 0.2, 0.9, -0.3]])
FACTORS = ["alpha", "sizes", "likelihood", "proposal"]


class Alone:
    """The move as a kernel: from one cluster, nothing but proposals to split and to merge."""

    def __init__(self, model, x, **options):
        self.model, self.x = model, np.reshape(x, (len(x), -1))
        self.move = gibbs.SplitMerge(gibbs.Collapsed(model, x), **options)

    def start(self, labels, rng):
        return chains.State(np.maximum(labels, 0), self.model.alpha)

    def sweep(self, state, rng):
        return self.move.sweep(state, rng)


# The exact transition matrix, by enumeration of all that a proposal draws.


class Exactly:
    """The law of one proposal, from marginal likelihoods of sets of points alone."""

    def __init__(self, model, x, scans, without=None):
        self.alpha, self.n, self.scans, self.without = model.alpha, len(x), scans, without
        family, self.posterior = model.component, exact.posterior(model, x)
        features = family.features(np.reshape(x, (len(x), -1)))
        self.marginal = {
            points: float(family.log_marginal(features[list(points)].sum(axis=0)))
            for r in range(self.n + 1)
            for points in itertools.combinations(range(self.n), r)
        }
        self.weight = functools.cache(self._weight)
        self.proposal = functools.cache(self._proposal)

    def _weight(self, p, cluster):
        with_p = tuple(sorted((p, *cluster)))
        log_predictive = self.marginal[with_p] - self.marginal[tuple(sorted(cluster))]
        return len(cluster) * math.exp(log_predictive)

    def side(self, p, clusters):
        """The probabilities that point p goes with each of two clusters."""
        one, two = (self.weight(p, cluster) for cluster in clusters)
        return one / (one + two), two / (one + two)

    def passes(self, i, j, order):
        """The laws of the sides after the first pass, and of those after a scan given before."""
        every = list(itertools.product((0, 1), repeat=len(order)))

        def others(sides, left_out):
            members = [(p, s) for r, (p, s) in enumerate(zip(order, sides)) if r not in left_out]
            return [(i, *(p for p, s in members if s == 0)), (j, *(p for p, s in members if s))]

        first, scan = np.ones(len(every)), np.ones((len(every), len(every)))
        for b, after in enumerate(every):
            for r, p in enumerate(order):
                yet = range(r, len(order))
                first[b] *= self.side(p, others(after, yet))[after[r]]
                for a, before in enumerate(every):
                    now = after[:r] + before[r:]
                    scan[a, b] *= self.side(p, others(now, [r]))[after[r]]
        return first, scan

    def ratio(self, apart, together):
        """The posterior of two clusters over that of one, without a factor if one is left out."""
        value = 1.0
        if self.without != "alpha":
            value *= self.alpha
        if self.without != "sizes":
            value *= math.prod(math.factorial(len(c) - 1) for c in apart)
            value /= math.factorial(len(together) - 1)
        if self.without != "likelihood":
            value *= math.exp(sum(self.marginal[c] for c in apart) - self.marginal[together])
        return value

    def _proposal(self, i, j, members):
        """P(split into these sides) and P(merge from these sides), for each pair of sides."""
        every = list(itertools.product((0, 1), repeat=len(members)))
        split, merge = dict.fromkeys(every, 0.0), dict.fromkeys(every, 0.0)
        orders = list(itertools.permutations(range(len(members))))
        for order in orders:
            first, scan = self.passes(i, j, [members[r] for r in order])
            launch, last = first, scan
            if self.scans == 0:
                launch, last = np.ones(1), first[None]
            for _ in range(self.scans - 1):
                launch = launch @ scan
            for b, called in enumerate(every):
                sides = tuple(called[order.index(r)] for r in range(len(members)))
                blocks = [
                    tuple(sorted((k, *(p for p, s in zip(members, sides) if s == side))))
                    for side, k in enumerate((i, j))
                ]
                together = tuple(sorted(blocks[0] + blocks[1]))
                for weight, q in zip(launch / len(orders), last[:, b]):
                    odds = self.ratio(blocks, together) / (1 if self.without == "proposal" else q)
                    split[sides] += weight * q * min(1, odds)
                    merge[sides] += weight * min(1, 1 / odds)
        return split, merge

    def matrix(self):
        """The transition matrix on all partitions, in the order of the exact posterior."""
        labels = self.posterior.labels.astype(int)
        code = {tuple(row): s for s, row in enumerate(labels.tolist())}
        law = np.zeros((len(labels), len(labels)))
        pairs = list(itertools.combinations(range(self.n), 2))
        for s, z in enumerate(labels):
            for i, j in pairs:
                at = [p for p in range(self.n) if z[p] in (z[i], z[j]) and p not in (i, j)]
                split, merge = self.proposal(i, j, tuple(at))
                if z[i] == z[j]:
                    for sides, prob in split.items():
                        new = z.copy()
                        new[j] = self.n
                        new[[p for p, side in zip(at, sides) if side]] = self.n
                        law[s, code[tuple(partitions.canonical(new).tolist())]] += prob
                else:
                    new = np.where(z == z[j], z[i], z)
                    prob = merge[tuple(int(z[p] == z[j]) for p in at)]
                    law[s, code[tuple(partitions.canonical(new).tolist())]] += prob
        law /= len(pairs)
        law[np.diag_indices(len(law))] += 1 - law.sum(axis=1)
        return law


@pytest.mark.checks("DP-0199", how="exact")
@pytest.mark.parametrize("scans", [0, 1, 2, 3])
@pytest.mark.parametrize("n", [2, 3, 5])
def test_the_exact_transition_matrix_is_that_of_sets_of_points(n, scans):
    """Two enumerations: by weights of seating, and by marginal likelihoods."""
    one = Exactly(DPMixture(1.3, FAMILIES["unknown covariance"]), X[:n], scans)
    law = exact.exact_split_merge(one.posterior, scans=scans)
    np.testing.assert_allclose(law, one.matrix(), atol=1e-14)


@pytest.mark.checks("DP-0200", how="exact")
@pytest.mark.parametrize("scans", [0, 2])
@pytest.mark.parametrize("name", FAMILIES)
def test_the_exact_transition_matrix_is_in_detailed_balance(name, scans):
    """On all 203 partitions of six points; and it leads from each to each."""
    posterior = exact.posterior(DPMixture(1.3, FAMILIES[name]), X)
    law, probs = exact.exact_split_merge(posterior, scans=scans), posterior.probs
    assert len(law) == 203 and law.min() >= 0
    flow = probs[:, None] * law
    np.testing.assert_allclose(flow, flow.T, rtol=1e-10, atol=1e-16)
    np.testing.assert_allclose(probs @ law, probs, rtol=1e-10)
    assert (np.linalg.matrix_power(law, 5) > 0).all()


@pytest.mark.checks("DP-0202", how="exact")
@pytest.mark.parametrize("proposals", [1, 3])
def test_after_a_sweep_proposals_lead_everywhere_and_shrink_every_distance(proposals):
    posterior = exact.posterior(DPMixture(1.3, FAMILIES["known variance"]), X[:5])
    sweep, one = exact.exact_sweep(posterior), exact.exact_split_merge(posterior)
    law = np.array([sweep(f) for f in np.linalg.matrix_power(one, proposals).T]).T
    assert law.min() > 0 and not one.min() > 0
    np.testing.assert_allclose(posterior.probs @ law, posterior.probs, rtol=1e-12)
    left, after = 1 - law.min(axis=0).sum(), np.eye(len(law))
    for r in range(1, 5):
        after = after @ law
        assert 0.5 * np.abs(after - posterior.probs).sum(axis=1).max() <= left**r + 1e-12


def test_two_points_as_probable_together_as_apart_go_to_and_fro():
    """The exercise on the period: with r = 1 every proposal is accepted."""
    x = X[:2]
    family = FAMILIES["known variance"]
    alone, together = (
        family.log_marginal(family.features(x)),
        family.log_marginal(family.features(x).sum(axis=0)),
    )
    alpha = math.exp(together - alone.sum())
    law = exact.exact_split_merge(exact.posterior(DPMixture(alpha, family), x))
    np.testing.assert_allclose(law, [[0, 1], [1, 0]], atol=1e-12)
    r = 0.4
    law = exact.exact_split_merge(exact.posterior(DPMixture(r * alpha, family), x))
    np.testing.assert_allclose(law, [[1 - r, r], [1, 0]], atol=1e-12)
    # Stopped after an acceptance, two proposals have other odds of apart: 2 r - r^2, not r.
    stopped = np.array([[(1 - r) ** 2, 2 * r - r**2], [1, 0]])
    odds = stopped[0, 1] / stopped[1, 0]
    assert odds == pytest.approx(2 * r - r**2) and abs(odds - r) > 0.2


@pytest.mark.checks("DP-0200", how="exact")
@pytest.mark.parametrize("alpha", [1e-200, 1e-6, 1e6, 1e200])
def test_it_is_in_balance_however_small_or_large_alpha_is(alpha):
    """With only two points there is nothing to call, and the ratio alone decides."""
    for n in (2, 4):
        posterior = exact.posterior(DPMixture(alpha, FAMILIES["known variance"]), X[:n])
        law, probs = exact.exact_split_merge(posterior, scans=1), posterior.probs
        np.testing.assert_allclose(probs @ law, probs, rtol=1e-10)


@pytest.mark.parametrize("scans", [0, 1])
@pytest.mark.parametrize("factor", FACTORS)
def test_without_any_factor_of_the_acceptance_ratio_it_is_not(factor, scans):
    one = Exactly(DPMixture(1.3, FAMILIES["known variance"]), X[:5], scans, without=factor)
    law, probs = one.matrix(), one.posterior.probs
    assert np.abs(probs @ law - probs).max() > 1e-3


# The compiled move against these matrices.


def misfit(kernel, law, labels, draws, rng):
    """The p-value of as many sweeps from each partition against rows of a transition matrix."""
    code = {tuple(row): s for s, row in enumerate(labels.tolist())}
    square, freedom = 0.0, 0
    for s, start in enumerate(labels.astype(np.int64)):
        state = chains.State(start, kernel.model.alpha)
        seen = [code[tuple(kernel.sweep(state, rng).labels.tolist())] for _ in range(draws)]
        seen, expected = np.bincount(seen, minlength=len(law)), draws * law[s]
        big = expected > 5
        if (seen[expected == 0] > 0).any():
            return 0.0
        pooled = [np.append(a[big], a[~big].sum()) for a in (seen, expected)]
        kept = pooled[1] > 1
        square += ((pooled[0] - pooled[1])[kept] ** 2 / pooled[1][kept]).sum()
        freedom += kept.sum() - 1
    return stats.chi2(freedom).sf(square)


@pytest.mark.native
@pytest.mark.checks("DP-0199", "DP-0201", how="exact")
@pytest.mark.parametrize("scans", [0, 1, 2])
@pytest.mark.parametrize("name", FAMILIES)
def test_a_proposal_has_the_exact_transition_law(name, scans):
    """Every family's loop, from every partition of four points, against the matrix."""
    model = DPMixture(1.3, FAMILIES[name])
    posterior = exact.posterior(model, X[1:5])
    law = exact.exact_split_merge(posterior, scans=scans)
    kernel, rng = Alone(model, X[1:5], proposals=1, scans=scans), np.random.default_rng(2)
    draws = 400 if name == "own" else 3000
    assert misfit(kernel, law, posterior.labels, draws, rng) > 1e-4


HARD = {
    "two points": (1.3, X[:2]),
    "ties": (1.3, np.repeat(X[:2], 2, axis=0)),  # equal scores on both sides
    "all the same": (0.4, np.repeat(X[:1], 4, axis=0)),
    "alone": (1e8, X[1:5]),  # from K = n, and back to it
    "together": (1e-8, X[1:5]),
    "far apart": (1.3, X[1:5] * [1e3, 1]),  # some densities underflow
}


@pytest.mark.native
@pytest.mark.slow
@pytest.mark.parametrize("scans", [0, 2])
@pytest.mark.parametrize("case", HARD)
@pytest.mark.parametrize("name", ["known variance", "unknown covariance"])
def test_the_law_is_exact_in_hard_cases(name, case, scans):
    alpha, x = HARD[case]
    model = DPMixture(alpha, FAMILIES[name])
    posterior = exact.posterior(model, x)
    law = exact.exact_split_merge(posterior, scans=scans)
    kernel, rng = Alone(model, x, proposals=1, scans=scans), np.random.default_rng(2)
    assert misfit(kernel, law, posterior.labels, 2000, rng) > 1e-4


class Pieces(Conjugate):
    """A cluster holds marks of one of a few sets: some sets of points have density 0."""

    dim, n_features, n_parameters = 1, 4, 1

    def features(self, x):
        return np.eye(4)[np.asarray(x, int)[:, 0]]

    def log_marginal(self, s):
        size, density = np.sum(s, axis=-1), 0.0
        for marks in [(0, 1), (2, 3), (1, 2), (1, 2, 3)]:
            fits = np.delete(s, marks, axis=-1).sum(axis=-1) == 0
            density = density + fits / 4 / len(marks) ** size
        with np.errstate(divide="ignore"):
            return np.log(density)


@pytest.mark.native
@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:invalid value")
@pytest.mark.parametrize("scans", [0, 1, 2])
def test_proposals_into_sets_of_density_zero_are_refused(scans):
    """A pass may come to a point that fits on neither side; the posterior is kept all the same."""
    model, x = DPMixture(1.3, Pieces()), np.array([0, 1, 2, 3, 1, 2.0])[:, None]
    posterior = exact.posterior(model, x)
    chain = chains.run(Alone(model, x, scans=scans), 2000, rng=1, start=np.arange(6))
    together = chain.labels[:, :, None] == chain.labels[:, None, :]
    for i, j in itertools.combinations(range(6), 2):
        hit = together[:, i, j].astype(float)
        if posterior.similarity[i, j] == 0:
            assert not hit.any()
        else:
            assert abs(hit.mean() - posterior.similarity[i, j]) < 4 * diagnostics.mcse(hit)


@pytest.mark.parametrize("factor", FACTORS)
def test_the_comparison_feels_each_factor(factor):
    """The law without a factor is told from that of the loop."""
    model = DPMixture(1.3, FAMILIES["known variance"])
    one = Exactly(model, X[1:5], 1, without=factor)
    kernel, rng = Alone(model, X[1:5], proposals=1, scans=1), np.random.default_rng(2)
    assert misfit(kernel, one.matrix(), one.posterior.labels, 3000, rng) < 1e-4


@pytest.mark.checks("DP-0200", how="numerical")
@pytest.mark.parametrize("name", FAMILIES)
def test_proposals_alone_sample_the_posterior(name):
    model, n_sweeps = DPMixture(1.3, FAMILIES[name]), 1000 if name == "own" else 20_000
    posterior = exact.posterior(model, X)
    chain = chains.run(Alone(model, X, proposals=3, scans=1), n_sweeps, rng=1)
    for k in range(1, 7):
        hit = (chain.num_clusters == k).astype(float)
        # A run that never saw k says nothing of its error.
        error = diagnostics.mcse(hit) if hit.any() else 1 / n_sweeps
        assert abs(hit.mean() - posterior.num_clusters[k]) < 4 * error


@pytest.mark.native
@pytest.mark.slow
@pytest.mark.parametrize("name", ["known variance", "unknown variances", "unknown covariance"])
def test_the_move_passes_gewekes_test(name):
    def sampler(model, x, n_sweeps, alpha_prior, **options):
        kernel = chains.cycle(Alone(model, x, scans=1), gibbs.Alpha(alpha_prior))
        return chains.run(kernel, n_sweeps, **options)

    model = DPMixture(1.0, FAMILIES[name])
    if name != "known variance":  # the statistics need moments
        model = DPMixture(1.0, NormalInverseGamma([0, 0.5], 1.0, 4.0, 2.0))
    if name == "unknown covariance":
        model = DPMixture(1.0, NormalInverseWishart([0, 0.5], 1.0, 9, 3 * np.eye(2)))
    test = diagnostics.geweke_mixture(sampler, model, 4, 2000, rng=1, alpha_prior=(3, 3))
    assert test.p_value > 1e-3, test.z.round(1)


# One chain, however it is run.


@pytest.mark.parametrize("name", ["known variance", "unknown variances", "unknown covariance"])
def test_compiled_or_not_the_chain_is_the_same(name, monkeypatch):
    x = np.random.default_rng(1).normal(size=(50, 2)) * [1, 3]
    x[::9] *= 1e4  # outliers, which leave clusters that are put together again
    model = DPMixture(4.0, FAMILIES[name])

    def run():
        seat = gibbs.Collapsed(model, x)
        moves = gibbs.SplitMerge(seat), gibbs.SplitMerge(seat, proposals=2, scans=3)
        return chains.run(chains.cycle(seat, *moves), 8, rng=1, start=np.arange(50))

    fast = run()
    monkeypatch.setattr(_sweeps, "compiled", lambda *parts: None)
    assert np.array_equal(fast.labels, run().labels)


def test_a_cluster_that_lost_its_digits_is_put_together_again(monkeypatch):
    """Asked for at every departure, the rebuilding changes no draw."""
    x = np.random.default_rng(1).normal(size=(30, 2))
    model, runs = DPMixture(1.0, FAMILIES["unknown covariance"]), []
    for share in (_sweeps.SHARE_LEFT, np.inf):
        monkeypatch.setattr(_sweeps, "SHARE_LEFT", share)
        monkeypatch.setattr(_sweeps, "compiled", lambda *parts: None)
        runs.append(chains.run(Alone(model, x, scans=2), 10, rng=3))
    assert runs[0].num_clusters.max() > 1
    assert np.array_equal(runs[0].labels, runs[1].labels)


def test_one_point_has_nothing_to_split():
    model = DPMixture(1.0, Gaussian(0, 1, 1))
    assert (gibbs.collapsed(model, [0.3], 3, rng=1, split_merge=True).labels == 0).all()


# Where sweeps over the points are stuck.


def two_groups(seed=1):
    x = np.random.default_rng(seed).standard_normal((800, 10))
    x[400:, 0] += 5
    return x, np.repeat([0, 1], 400)


@pytest.mark.native
@pytest.mark.slow
@pytest.mark.parametrize("start", ["one cluster", "singletons"])
def test_two_groups_in_ten_dimensions_are_found(start):
    """Sweeps over the points alone stay with, or come to, one cluster that holds nearly all."""
    x, truth = two_groups()
    labels, n_sweeps = (np.zeros(800, int), 10) if start == "one cluster" else (np.arange(800), 250)
    model = DPMixture(1.0, NormalInverseWishart(np.zeros(10), 0.1, 12, np.eye(10)))
    right = model.log_joint(x, truth)
    chain = gibbs.collapsed(model, x, n_sweeps, rng=1, start=labels, split_merge=True)
    alone = gibbs.collapsed(model, x, 250, rng=1, start=labels)
    assert (
        partitions.binder(truth, chain.labels[-1])
        < 0.05
        < partitions.binder(truth, alone.labels[-1])
    )
    assert alone.log_joint[-1] < right - 40 and abs(chain.log_joint[-1] - right) < 20


@pytest.mark.native
@pytest.mark.slow
@pytest.mark.parametrize("start", ["one cluster", "many"])
def test_they_are_found_under_a_learned_base_measure(start):
    x, truth = two_groups()
    x = (x - x.mean(axis=0)) / x.std(axis=0)
    prior = hyper.BasePrior(13, np.eye(10) / 2, (1, 10), var=1.0, scale_dof=10)
    labels = np.arange(800) % (1 if start == "one cluster" else 200)
    chain = hyper.sample(prior, x, 600, rng=1, start=labels, alpha_prior=(2, 4), split_merge=True)
    assert partitions.binder(truth, chain.labels[-1]) < 0.05


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"proposals": 0}, "proposals = 0"),
        ({"scans": -1}, "scans = -1"),
        ({"proposals": 10**12}, "proposals = 1000000000000"),
    ],
)
def test_bad_numbers_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        Alone(DPMixture(1.0, Gaussian(0, 1, 1)), [0.1, 0.2], **options)


def test_a_partition_of_other_points_is_refused():
    model = DPMixture(1.0, Gaussian(0, 1, 1))
    seat, few = gibbs.Collapsed(model, np.zeros(50)), gibbs.Collapsed(model, [0.1, 0.2])
    state = seat.start(np.zeros(50, int), np.random.default_rng(1))
    for move in (gibbs.SplitMerge(few), few):
        with pytest.raises(ValueError, match="labels of 50 points: expected 2"):
            move.sweep(state, np.random.default_rng(1))


def test_the_move_needs_the_kernel_that_seats():
    with pytest.raises(ValueError, match="kernel = .*: expected a dpnotes.gibbs.Collapsed"):
        gibbs.SplitMerge(DPMixture(1.0, Gaussian(0, 1, 1)))
    assert _moves.gather([0, 1, 0, 2], 0, 1, [0.0] * 9, [0] * 4) == 3
