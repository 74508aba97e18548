"""Mean field for blocks that come one after another, remembered or not."""

import itertools
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize, special

from dpnotes import datasets, exact, meanfield, streams
from dpnotes.components import (
    CategoricalDirichlet,
    Gaussian,
    NormalInverseGamma,
    NormalInverseWishart,
    WithGaps,
)
from dpnotes.mixture import DPMixture

# Few passes, small truncations and few starts are on purpose here.
pytestmark = pytest.mark.filterwarnings("ignore::dpnotes.InferenceWarning")
NEAL = datasets.neal()
MODEL = DPMixture(1.0, Gaussian(0, 1, 0.01))
FAMILIES = {
    "gaussian": Gaussian([0, 0], 4, 1),
    "nig": NormalInverseGamma([0, 0], 0.1, 2, 1),
    "niw": NormalInverseWishart([0, 0], 0.1, 4, np.eye(2)),
}
READINGS = (False, True)


def blobs(n, rng):
    rng = np.random.default_rng(rng)
    centres = 4 * rng.normal(size=(4, 2))
    return centres[rng.integers(4, size=n)] + rng.normal(size=(n, 2))


def start(model, x, T, rng=0, **options):
    """A result before its first update: the statistics are those of random labels."""
    labels = np.random.default_rng(rng).integers(T, size=len(x))
    return meanfield.fit(model, x, truncation=T, init=labels, max_iter=1, **options)


class Kept:
    """Memoised mean field of the full process that keeps the responsibilities themselves."""

    def __init__(self, model, statistics, prior=None):
        self.model, self.start, self.prior, self.blocks = model, statistics, prior, {}

    def rho(self, x, S):
        """What the labels of x are proportional to the exponential of, from statistics S."""
        order = np.argsort(-S[:, 0], kind="stable")
        a, b = self.sticks(S[order, 0]).T
        log_v, log_rest = (special.digamma(c) - special.digamma(a + b) for c in (a, b))
        log_pi = np.empty(len(S))
        log_pi[order] = log_v + np.append(0, np.cumsum(log_rest)[:-1])
        component = self.model.component
        return log_pi + component.features(x) @ component.expected_natural(S).T

    def sticks(self, N, alpha=None):
        alpha = alpha or self.alpha(N)
        return np.column_stack([1 + N, alpha + N[::-1].cumsum()[::-1] - N])

    def alpha(self, N):
        """Alpha, or its mean where updates of its law and of the sticks would change neither."""
        if self.prior is None:
            return self.model.alpha

        def off(log_mean):
            mean = np.exp(log_mean)
            shape, rate = self.law(self.sticks(N, mean))
            return mean - shape / rate

        return np.exp(optimize.brentq(off, -20, 20, xtol=1e-14))

    def law(self, sticks):
        a, b = sticks.T
        gone = (special.digamma(a + b) - special.digamma(b)).sum()
        return self.prior[0] + len(sticks), self.prior[1] + gone

    def statistics(self):
        if not self.blocks:
            return self.start
        parts = self.blocks.values()
        return sum(g.T @ self.model.component.features(x) for x, g in parts)

    def visit(self, name, x):
        """Return the sum of log-normalisers of the block's labels."""
        rho = self.rho(x, self.statistics())
        total = special.logsumexp(rho, axis=1)
        self.blocks[name] = x, np.exp(rho - total[:, None])
        return total.sum()

    def elbo(self):
        S = self.statistics()
        order = np.argsort(-S[:, 0], kind="stable")
        x, gamma = (np.concatenate(part) for part in zip(*self.blocks.values()))
        sticks = self.sticks(S[order, 0])
        laws = (
            {}
            if self.prior is None
            else {"alpha_prior": self.prior, "alpha_posterior": self.law(sticks)}
        )
        return meanfield.elbo(self.model, x, gamma[:, order], sticks, S[order], **laws)


# A fixed set of blocks.


@pytest.mark.checks("DP-0238", how="numerical")
@pytest.mark.parametrize("truncated", READINGS)
@pytest.mark.parametrize("name", FAMILIES)
def test_blocks_in_turn_are_the_memoised_fit(name, truncated):
    x, model = blobs(300, 7), DPMixture(1.0, FAMILIES[name])
    blocks, options = np.array_split(x, 5), {"truncation": 6, "truncated_model": truncated}
    init = np.random.default_rng(0).integers(6, size=300)
    fit = meanfield.fit(model, blocks, init=init, memoised=True, max_iter=5, **options)
    stream = streams.Memoised(model, init=start(model, x, 6, truncated_model=truncated), **options)
    for _, (b, block) in itertools.product(range(5), enumerate(blocks)):
        stream.partial_fit(block, name=b)
    # The fit begins with a value after its full pass, and ends with one for its last pass.
    np.testing.assert_allclose(stream.elbo[5:], fit.elbo[1:-1], rtol=1e-12)
    q = stream.result()
    np.testing.assert_allclose(q.statistics, fit.statistics, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(q.sticks, fit.sticks, rtol=1e-9)
    assert q.elbo.tolist() == stream.elbo.tolist() and not q.converged
    assert q.predict(x).shape == q.predictive_logpdf(x).shape == (300,)


@pytest.mark.checks("DP-0238", "DP-0239", "DP-0246", how="numerical")
@pytest.mark.parametrize("prior", [None, (2.0, 1.0)])
@pytest.mark.parametrize("name", FAMILIES)
def test_every_value_is_the_elbo_of_labels_that_were_kept(name, prior):
    x, model = blobs(60, 1), DPMixture(2.0, FAMILIES[name])
    blocks = dict(zip("abcd", np.array_split(x, [10, 25, 40])))
    q = start(model, blocks["a"], 5)
    stream = streams.Memoised(model, truncation=5, init=q, alpha_prior=prior)
    kept = Kept(model, q.statistics, prior)
    stream.partial_fit(blocks["a"])  # without a name: from then on all is from what was seen
    kept.visit("first", blocks["a"])
    for visit in "bccdbdacbad":
        first, before = visit not in kept.blocks, stream.elbo[-1]
        gain = kept.visit(visit, blocks[visit])
        value = stream.partial_fit(blocks[visit], name=visit).elbo[-1]
        assert value == pytest.approx(kept.elbo(), abs=1e-9)
        assert value - before > (gain if first else 0) - 1e-9
    # What is removed was never there, and what comes without a name stays.
    del kept.blocks["c"]
    assert stream.remove("c").elbo[-1] == pytest.approx(kept.elbo(), abs=1e-9)
    assert stream.names == ["b", "d", "a"]
    # Other rows in the place of old ones.
    kept.visit("d", x[:3])
    assert stream.partial_fit(x[:3], name="d").elbo[-1] == pytest.approx(kept.elbo(), abs=1e-9)
    kept.visit("nameless", x[40:])
    assert stream.partial_fit(x[40:]).elbo[-1] == pytest.approx(kept.elbo(), abs=1e-9)
    rows = stream.result().statistics[:, 0].sum()
    assert rows == pytest.approx(10 + 15 + 3 + 10 + 20)
    assert repr(stream) == "Memoised(3 blocks kept, of 58 rows seen)"
    law = stream.result().alpha_posterior
    if prior is None:
        assert law is None
    else:
        np.testing.assert_allclose(law, kept.law(stream.result().sticks), rtol=1e-10)


@pytest.mark.checks("DP-0239", how="exact")
@settings(max_examples=40, deadline=None, derandomize=True)
@given(st.data())
def test_the_elbo_never_falls_by_a_block_that_comes_again(data):
    order = data.draw(st.permutations(range(9)))
    cuts = data.draw(st.sets(st.integers(1, 8), max_size=5))
    blocks = np.split(NEAL[order], sorted(cuts))
    model = DPMixture(data.draw(st.sampled_from([0.1, 1.0, 5.0])), MODEL.component)
    truncated = data.draw(st.booleans())
    prior = data.draw(st.sampled_from([None, (1.0, 1.0), (9.0, 1.0)]))
    options = {"truncated_model": truncated, "alpha_prior": prior}
    stream = streams.Memoised(model, truncation=4, rng=1, restarts=1, **options)
    for visit in data.draw(st.lists(st.integers(0, len(blocks) - 1), min_size=1, max_size=15)):
        again = visit in stream.names
        stream.partial_fit(blocks[visit], name=visit)
        if again:
            assert stream.elbo[-1] > stream.elbo[-2] - 1e-10
    if not truncated and prior is None:
        seen = np.concatenate([blocks[b] for b in stream.names])
        assert stream.elbo[-1] <= exact.posterior(model, seen).log_evidence


@pytest.mark.checks("DP-0239", "DP-0246", how="numerical")
@pytest.mark.parametrize(("name", "prior"), [*((name, None) for name in FAMILIES), ("nig", (2, 1))])
def test_where_blocks_come_again_without_end_no_update_helps(name, prior):
    x, model = blobs(60, 3), DPMixture(1.0, FAMILIES[name])
    stream = streams.Memoised(model, truncation=4, rng=1, restarts=2, alpha_prior=prior)
    for _, (b, block) in itertools.product(range(100), enumerate(np.array_split(x, 3))):
        stream.partial_fit(block, name=b)
    assert np.ptp(stream.elbo[-3:]) < 1e-9
    q = stream.result()
    gamma = q.responsibilities(x)
    np.testing.assert_allclose(
        gamma.T @ model.component.features(x), q.statistics, rtol=1e-3, atol=1e-3
    )
    laws = {"alpha_prior": prior, "alpha_posterior": q.alpha_posterior}
    whole = meanfield.elbo(model, x, gamma, q.sticks, q.statistics, **laws)
    assert whole == pytest.approx(q.elbo[-1])
    fit = meanfield.fit(model, x, truncation=4, init=q, alpha_prior=prior)
    assert fit.elbo[-1] == pytest.approx(whole, abs=1e-6)


def test_a_first_pass_with_or_without_names():
    parts = np.array_split(NEAL, 3)
    named, nameless = (streams.Memoised(MODEL, truncation=5, rng=1) for _ in range(2))
    for b, block in enumerate(parts):
        named.partial_fit(block, name=b)
        nameless.partial_fit(block)
    np.testing.assert_allclose(named.elbo, nameless.elbo, rtol=1e-13)
    assert named.names == [0, 1, 2] and nameless.names == []


def test_a_first_pass_from_a_result_does_not_forget_it():
    """The first block has rows of few clusters; those of the others are still where q had them."""
    x = blobs(100, 5)
    x = x[np.argsort(x[:, 0])]
    model = DPMixture(1.0, FAMILIES["gaussian"])
    q = meanfield.fit(model, x, truncation=6, rng=1, restarts=4)
    stream = streams.Memoised(model, truncation=6, init=q)
    for b, block in enumerate(np.array_split(x, 4)):
        stream.partial_fit(block, name=b)
    np.testing.assert_allclose(stream.result().statistics[:, 0], q.statistics[:, 0], atol=0.01)
    assert stream.elbo[-1] >= q.elbo[-1] - 1e-9


@pytest.mark.parametrize("kind", ["memoised", "stochastic"])
def test_a_row_of_weight_three_is_the_row_three_times(kind):
    x, times = blobs(40, 2), np.random.default_rng(0).integers(0, 4, size=40)
    q = start(DPMixture(1.0, FAMILIES["nig"]), x, 4)
    make = {
        "memoised": lambda: streams.Memoised(q.model, truncation=4, init=q),
        "stochastic": lambda: streams.Stochastic(q.model, 500, truncation=4, init=q),
    }[kind]
    weighted, repeated = make(), make()
    for rows in (slice(0, 25), slice(25, 40), slice(0, 25)):
        weighted.partial_fit(x[rows], weights=times[rows])
        repeated.partial_fit(np.repeat(x[rows], times[rows].astype(np.intp), axis=0))
    np.testing.assert_allclose(weighted.elbo, repeated.elbo, rtol=1e-12)
    np.testing.assert_allclose(
        weighted.result().statistics, repeated.result().statistics, rtol=1e-10, atol=1e-10
    )


# A stream.


def step(q, x, size, **options):
    """The statistics after one step from q, clusters in its order, and what the block said."""
    stream = streams.Stochastic(q.model, size, truncation=len(q.statistics), init=q, **options)
    stream.partial_fit(x)
    return stream._start, stream.elbo[0]


@pytest.mark.checks("DP-0240", how="numerical")
@pytest.mark.parametrize("truncated", READINGS)
@pytest.mark.parametrize("name", FAMILIES)
def test_whole_steps_on_all_rows_are_coordinate_ascent(name, truncated):
    x, model = blobs(200, 7), DPMixture(2.0, FAMILIES[name])
    options = {"truncation": 5, "truncated_model": truncated}
    labels = np.random.default_rng(0).integers(5, size=200)
    whole = [
        meanfield.fit(model, x, init=labels, max_iter=passes, **options) for passes in range(1, 6)
    ]
    for now, then in itertools.pairwise(whole):
        stream = streams.Stochastic(model, 200, init=now, offset=0, **options)
        moved = stream.partial_fit(x).result()
        np.testing.assert_allclose(moved.statistics, then.statistics, rtol=1e-9, atol=1e-9)
        assert moved.elbo[0] == pytest.approx(now.elbo[-1], rel=1e-12)


@pytest.mark.checks("DP-0242", how="exact")
@pytest.mark.parametrize("sizes", [[50, 50, 50, 50], [20, 80, 100]])
def test_a_step_is_unbiased(sizes):
    """Over all blocks of a cut, each with the share of rows that it has."""
    x, model = blobs(200, 3), DPMixture(1.0, FAMILIES["nig"])
    q = meanfield.fit(model, x, truncation=4, rng=1, max_iter=4)
    blocks = np.split(x, np.cumsum(sizes)[:-1])
    shares = np.array(sizes) / 200
    for size in (200, 5000):
        tables, bounds = zip(*(step(q, block, size) for block in blocks))
        whole, bound = step(q, x, size)
        mean = (shares[:, None, None] * np.array(tables)).sum(axis=0)
        np.testing.assert_allclose(mean, whole, rtol=1e-11, atol=1e-9)
        assert shares @ bounds == pytest.approx(bound, rel=1e-12)


@pytest.mark.checks("DP-0241", "DP-0242", how="numerical")
@pytest.mark.parametrize("truncated", READINGS)
@pytest.mark.parametrize("name", FAMILIES)
def test_the_gradient_is_the_hessian_times_the_step(name, truncated):
    x, model = blobs(30, 1), DPMixture(2.0, FAMILIES[name])
    component, T, rng = model.component, 4, np.random.default_rng(2)
    S = rng.dirichlet(np.ones(T), size=30).T @ component.features(x)

    def sticks(S):
        tail = np.append(np.cumsum(S[:0:-1, 0])[::-1], 0)
        return np.column_stack([1 + S[:, 0], 2 + tail])[: T - truncated]

    def natural(S):
        a, b = sticks(S).T
        log_v, log_rest = np.zeros(T), np.zeros(T)
        log_v[: len(a)] = special.digamma(a) - special.digamma(a + b)
        log_rest[: len(a)] = special.digamma(b) - special.digamma(a + b)
        result = component.expected_natural(S)
        result[:, 0] += log_v + np.append(0, np.cumsum(log_rest)[:-1])
        return result

    def gamma(S):
        return special.softmax(component.features(x) @ natural(S).T, axis=1)

    def potential(S):
        return component.log_marginal(S).sum() + special.betaln(*sticks(S).T).sum()

    def bound(S):
        return meanfield.elbo(model, x, gamma(S), sticks(S), S)

    towards = gamma(S).T @ component.features(x) - S
    for _ in range(5):
        u, h = rng.normal(size=S.shape) * [1, *[0.1] * (S.shape[1] - 1)], 1e-5
        slope = (bound(S + h * u) - bound(S - h * u)) / (2 * h)
        curved = (natural(S + h * u) - natural(S - h * u)) / (2 * h)  # the Hessian, along u
        assert slope == pytest.approx((curved * towards).sum(), rel=1e-5, abs=1e-6)
        rise = (potential(S + h * u) - potential(S - h * u)) / (2 * h)
        assert rise == pytest.approx((natural(S) * u).sum(), rel=1e-6)
    # The Hessian is that of a convex function: a step towards is uphill.
    h = 1e-5 / np.abs(towards).max()
    assert ((natural(S + h * towards) - natural(S - h * towards)) * towards).sum() > 0


@pytest.mark.checks("DP-0243", how="numerical")
@pytest.mark.parametrize(("offset", "decay"), [(10.0, 0.7), (0.0, 1.0), (2.0, 0.55)])
def test_a_long_run_ends_at_an_optimum(offset, decay):
    """Clusters lie so far apart that labels are the same for every S near the end.

    Then S is a mean of what the blocks say, with weights that follow from the steps; so is its
    error.
    """
    rng, steps = np.random.default_rng(1), 400
    centres = np.repeat([[0, 0], [9, 0], [0, 9]], [60, 30, 10], axis=0)
    x = rng.permutation(centres + rng.normal(size=(100, 2)))
    model = DPMixture(1.0, FAMILIES["gaussian"])
    best = meanfield.fit(model, x, truncation=3, rng=1, tol=1e-13)
    blocks = np.array_split(x, 5)
    options = {"offset": offset, "decay": decay}
    stream = streams.Stochastic(model, 100, truncation=3, rng=1, **options)
    drawn = np.append(0, rng.integers(5, size=steps))
    for b in drawn:
        stream.partial_fit(blocks[b])
    q = stream.result()
    rates = (np.arange(1, steps + 2) + offset) ** -decay
    left = np.append(np.cumprod(1 - rates[:0:-1])[::-1], 1)
    said = [5 * best.responsibilities(b).T @ model.component.features(b) for b in blocks]
    error = np.std(said, axis=0) * np.sqrt(np.sum((rates * left)[1:] ** 2))
    assert left[0] < 0.02 and error.max() > 1
    assert (np.abs(q.statistics - best.statistics) < 4 * error + 0.05).all()
    # The estimates, too: their mean over the last steps is the ELBO, within the error.
    last = q.elbo[-200:]
    assert abs(last.mean() - best.elbo[-1]) < 4 * last.std() / np.sqrt(200) + 0.05


def test_the_steps_are_those_stated():
    x, model = blobs(50, 1), DPMixture(1.0, FAMILIES["gaussian"])
    q = meanfield.fit(model, x, truncation=3, rng=1)
    whole = step(q, x[:20], 50, offset=0)[0]  # the first step, all the way
    part, now = step(q, x[:20], 50, offset=4, decay=0.8)[0], q.statistics
    np.testing.assert_allclose(part, now + 5**-0.8 * (whole - now), rtol=1e-11, atol=1e-9)
    # A start of other rows is scaled to N.
    ten = replace(q, statistics=10 * q.statistics)
    np.testing.assert_allclose(step(q, x, 500)[0], step(ten, x, 500)[0], rtol=1e-11)
    stream = streams.Stochastic(model, 50, truncation=3, init=q, offset=4, decay=0.8)
    q = stream.partial_fit(x[:20]).result()
    second = step(q, x[20:], 50, offset=0)[0]
    assert (np.diff(part[:, 0]) < 0).all()  # which is the order of the result, too
    stream.partial_fit(x[20:])
    expected = part + 6**-0.8 * (second - part)
    np.testing.assert_allclose(stream._start, expected, rtol=1e-11, atol=1e-9)
    assert stream.result().statistics.tolist() == sorted(stream._start.tolist(), reverse=True)


def test_more_rows_make_it_surer():
    x, model = blobs(200, 4), DPMixture(1.0, FAMILIES["nig"])
    spread = []
    for size in (200, 20_000):
        stream = streams.Stochastic(model, size, truncation=4, rng=1, restarts=3)
        q = stream.partial_fit(x).result()
        assert q.statistics[:, 0].sum() == pytest.approx(size)
        spread.append(q.sticks[0].sum())
    assert spread[1] > 90 * spread[0]


# Both.


@pytest.mark.parametrize("kind", ["memoised", "stochastic"])
def test_the_same_seed_gives_the_same_result(kind):
    def run(rng):
        stream = (
            streams.Memoised(MODEL, truncation=5, rng=rng, restarts=3)
            if kind == "memoised"
            else streams.Stochastic(MODEL, 9, truncation=5, rng=rng, restarts=3)
        )
        for block in np.array_split(NEAL, 3):
            assert stream.partial_fit(block) is stream
        return stream.result()

    one, two, other = run(1), run(1), run(np.random.default_rng(1))
    assert one.statistics.tolist() == two.statistics.tolist() == other.statistics.tolist()
    assert one.elbo.tolist() == two.elbo.tolist()
    assert one.seed == 1 and other.seed is None


@pytest.mark.parametrize(
    "family",
    [CategoricalDirichlet(np.ones((3, 2))), WithGaps(NormalInverseGamma([0, 0, 0], 0.1, 2, 1))],
    ids=["bits", "gaps"],
)
def test_other_families(family):
    x = np.random.default_rng(0).integers(2, size=(40, 3)).astype(float)
    if isinstance(family, WithGaps):
        x[::7, 1] = np.nan
    model = DPMixture(1.0, family)
    memo = streams.Memoised(model, truncation=4, rng=1, restarts=2)
    for _, (b, block) in itertools.product(range(3), enumerate(np.array_split(x, 3))):
        memo.partial_fit(block, name=b)
    assert (np.diff(memo.elbo[2:]) > -1e-10).all()
    steps = streams.Stochastic(model, 40, truncation=4, rng=1, restarts=2)
    assert steps.partial_fit(x[:20]).partial_fit(x[20:]).result().predict(x).shape == (40,)


def test_rows_far_from_zero_are_measured_from_where_they_lie():
    x = 1e7 + blobs(60, 1)
    model = DPMixture(1.0, Gaussian([0, 0], 1e14, 1))
    stream = streams.Memoised(model, truncation=4, rng=1, restarts=2)
    for _, (b, block) in itertools.product(range(3), enumerate(np.array_split(x, 3))):
        stream.partial_fit(block, name=b)
    q = stream.result()
    assert q.model is stream.model is not model
    assert (np.diff(stream.elbo[2:]) > -1e-8).all()
    elbo, names = stream.elbo.tolist(), stream.names
    with pytest.raises(ValueError, match=r"^x = rows so far from those before .*: expected rows"):
        stream.partial_fit(np.zeros((3, 2)), name="far")
    assert stream.elbo.tolist() == elbo and stream.names == names
    go_on = streams.Memoised(q.model, truncation=4, init=q)
    assert go_on.partial_fit(x).elbo[-1] >= elbo[-1] - 1e-8


BAD = {
    "nan": ([[0.0, np.nan]], r"^x\[0, 1\] = nan: expected"),
    "wide": (np.zeros((3, 5)), r"^x = array of shape \(3, 5\)"),
    "none": (np.zeros((0, 2)), r"^x = "),
    "text": ([["a", "b"]], r"^x"),
    "no rows": (None, r"^x = None: expected an array"),
    "once": (iter([np.zeros((2, 2))]), r"^x = .*: expected an array"),
}


@pytest.mark.parametrize("seen", [False, True])
@pytest.mark.parametrize("bad", BAD)
def test_a_bad_block_is_refused_and_changes_nothing(bad, seen):
    model, (x, words) = DPMixture(1.0, FAMILIES["gaussian"]), BAD[bad]
    for stream in (
        streams.Memoised(model, truncation=3, rng=1),
        streams.Stochastic(model, 90, truncation=3, rng=1),
    ):
        if seen:
            stream.partial_fit(blobs(20, 1))
            before = stream.result()
        with pytest.raises(ValueError, match=words):
            stream.partial_fit(x)
        assert len(stream.elbo) == seen
        if seen:
            assert stream.result().statistics.tolist() == before.statistics.tolist()
        else:
            with pytest.raises(ValueError, match=r"^partial_fit = no call so far: expected"):
                stream.result()


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda s: s.partial_fit(NEAL, name=1.5), r"^name = 1.5: expected text, an integer"),
        (lambda s: s.partial_fit(NEAL, name=True), r"^name = True: expected text"),
        (lambda s: s.partial_fit(NEAL, weights=[1, 2]), r"^weights = .*: expected 9 numbers"),
        (lambda s: s.remove("b"), r"^name = 'b': expected one of the 1 names"),
        (lambda s: s.remove(None), r"^name = None: expected one of the 1 names"),
        (lambda s: s.remove("a"), r"^name = 'a': expected one of several blocks"),
    ],
)
def test_what_a_memoised_stream_refuses(call, words):
    stream = streams.Memoised(MODEL, truncation=3, rng=1).partial_fit(NEAL, name="a")
    with pytest.raises(ValueError, match=words):
        call(stream)
    assert stream.names == ["a"] and len(stream.elbo) == 1


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"decay": 0.5}, r"^decay = 0.5: expected a number in \(1/2, 1\]"),
        ({"decay": 1.01}, r"^decay = 1.01: expected"),
        ({"decay": "a"}, r"^decay = 'a': expected"),
        ({"offset": -1}, r"^offset = -1"),
        ({"size": 0}, r"^size = 0"),
        ({"size": 8}, r"^size = 8.0: expected at least the 9 rows of this block"),
        ({"truncation": 0}, r"^truncation = 0"),
        ({"restarts": 0}, r"^restarts = 0"),
        ({"init": [0] * 9}, r"^init = .*: expected a result of mean field"),
        ({"truncated_model": 1}, r"^truncated_model = 1: expected True or False"),
        ({"rng": "a"}, r"^rng = 'a'"),
        ({"model": 3}, r"^model = 3"),
    ],
)
def test_what_a_stream_refuses(options, words):
    given = {"model": MODEL, "size": 9, "truncation": 4} | options
    with pytest.raises(ValueError, match=words):
        streams.Stochastic(**given).partial_fit(NEAL)


def test_a_result_of_another_kind_is_no_start():
    q = meanfield.fit(MODEL, NEAL, truncation=4, rng=1)
    other = DPMixture(1.0, Gaussian(0, 2, 0.01))
    with pytest.raises(ValueError, match=r"^init = .*: expected a result whose model.component"):
        streams.Memoised(other, init=q)
    with pytest.raises(ValueError, match=r"^init = .*: expected a result of at most truncation"):
        streams.Stochastic(MODEL, 9, truncation=3, init=q)
    empty = meanfield.MeanField(MODEL, 0 * q.statistics, q.sticks, q.elbo, False, q.restart_elbos)
    with pytest.raises(ValueError, match=r"^init = 0.0: expected a result of some rows"):
        streams.Stochastic(MODEL, 9, truncation=4, init=empty)


@pytest.mark.parametrize("prior", [(0, 1), (1, 1e-299), 3, (1, np.inf)])
def test_a_prior_of_alpha_that_is_none_is_refused(prior):
    with pytest.raises(ValueError, match="^alpha_prior"):
        streams.Memoised(MODEL, alpha_prior=prior)
