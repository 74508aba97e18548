"""Tests of the inner loops: factors changed by rank one, and parts of families, against NumPy."""

import itertools
import sys
import threading

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from dpnotes import _progress, _sweeps, chains, components, datasets, exact, gibbs
from dpnotes.components import (
    CorrelatedGaussian,
    Gaussian,
    NormalInverseGamma,
    NormalInverseWishart,
    SphericalNormalInverseGamma,
)
from dpnotes.mixture import DPMixture


def unpacked(total, d):
    """Return the mean and the lower Cholesky factor that a total holds."""
    factor = np.zeros((d, d))
    factor.T[np.triu_indices(d)] = total[d:-1]
    return total[:d], factor


class Cluster:
    """A cluster of points that come and go, by the compiled parts; and afresh by NumPy."""

    def __init__(self, family, x):
        inner = _sweeps.UnknownCovariance(family, x)
        self.family, self.inner, self.x, self.tables = family, inner, x, inner.tables()
        clear, self.absorb, self.release, *_ = inner.parts
        self.totals, self.members = np.zeros((1, inner.total)), []
        self.total = self.totals[0]
        clear(0, self.totals, self.tables)
        self.clear, self.rebuilt = clear, 0

    def come(self, i):
        self.absorb(i, 0, len(self.members), self.inner.values, self.totals, self.tables)
        self.members.append(i)

    def go(self, i):
        self.members.remove(i)
        if not self.members:
            self.clear(0, self.totals, self.tables)
        elif not self.release(i, 0, len(self.members), self.inner.values, self.totals, self.tables):
            self.rebuilt += 1
            self.clear(0, self.totals, self.tables)
            for size, j in enumerate(self.members):
                self.absorb(j, 0, size, self.inner.values, self.totals, self.tables)

    def fresh(self, members):
        """The posterior mean, and a factor of the scale by QR: no square is ever formed."""
        family, y = self.family, self.x[members]
        k, n = family.strength, len(y)
        centre = y.mean(axis=0) if n else family.mean
        rows = [np.linalg.cholesky(family.scale).T, y - centre]
        rows.append(np.sqrt(k * n / (k + n)) * (centre - family.mean)[None])
        r = np.linalg.qr(np.vstack(rows), mode="r")
        return (k * family.mean + n * centre) / (k + n), (np.sign(np.diag(r))[:, None] * r).T

    def error(self):
        """Largest error of the factor and of the mean, in units of the right factor."""
        mean, factor = unpacked(self.total, len(self.family.mean))
        right_mean, right = self.fresh(self.members)
        ratio = np.linalg.solve(right, factor)
        whitened = np.linalg.solve(right, mean + self.inner.centre - right_mean)
        return max(np.abs(ratio - np.eye(len(mean))).max(), np.abs(whitened).max())

    def condition(self):
        """The factor of all points, in units of that of none."""
        most, none = self.fresh(range(len(self.x)))[1], self.fresh([])[1]
        return np.linalg.norm(most, 2) * np.linalg.norm(np.linalg.inv(none), 2)


def points(kind, n, d, rng):
    x = rng.standard_normal((n, d))
    if kind == "ill-conditioned":
        # Older versions of SciPy have no rotations of a line.
        rotation = stats.ortho_group.rvs(d, random_state=1) if d > 1 else np.eye(1)
        x = x * np.geomspace(1, 1e-5, d) @ rotation
    if kind == "outliers":
        x[::7] *= 1e6
    if kind == "far from zero":
        x += 1e5
    if kind == "twins":
        x[n // 2 :] = x[: n - n // 2]
    return x


KINDS = ["round", "ill-conditioned", "outliers", "far from zero", "twins"]


@pytest.mark.native  # full speed
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("d", [1, 2, pytest.param(10, marks=pytest.mark.slow)])
def test_the_factor_after_many_moves_is_the_fresh_one(kind, d):
    """In dimension 10, 2e4 moves in and out for each of five kinds, often down to single points."""
    rng, moves = np.random.default_rng(d), 20_000 if d == 10 else 6000
    x = points(kind, 40, d, rng)
    scale = 1e-12 * np.eye(d) if kind == "ill-conditioned" else 0.3 * np.eye(d)
    family = NormalInverseWishart(x.mean(axis=0), 0.1, d + 2, scale)
    cluster, worst = Cluster(family, x), 0.0
    crowd = 0.5
    for t in range(moves):
        if t % 50 == 0:
            crowd = rng.choice([0.1, 0.5, 0.9])
        there, n = cluster.members, len(cluster.members)
        if n == 0 or (n < len(x) and rng.random() < crowd):
            cluster.come(rng.choice(np.setdiff1d(range(len(x)), there)))
        else:
            cluster.go(there[rng.integers(n)])
        if t % 97 == 0:
            worst = max(worst, cluster.error())
    # A rounding error a move: as large as the largest factor makes it, seen in the smallest.
    assert worst < moves * np.finfo(float).eps * (cluster.condition() + np.abs(x).max())


def test_without_the_rebuilding_the_outliers_are_felt(monkeypatch):
    """The check above can fail: a share that never asks for rebuilding loses all digits."""
    rng = np.random.default_rng(2)
    x = points("outliers", 40, 2, rng)
    for share in (_sweeps.SHARE_LEFT, -np.inf):
        monkeypatch.setattr(_sweeps, "SHARE_LEFT", share)
        cluster, worst = Cluster(NormalInverseWishart([0, 0], 0.1, 4, 1e-3 * np.eye(2)), x), 0.0
        for _ in range(30):
            cluster.come(1)
            cluster.come(0)
            cluster.go(0)
            worst = max(worst, cluster.error())
            cluster.go(1)
        assert (worst < 1e-6) == (share > 0)


@pytest.mark.parametrize("scale", [1e-12, 1.0])
def test_points_far_outside_the_prior_scale_cost_no_digits(scale):
    """The weights against 60 digits, where a point lies up to a million units of scale away."""
    x = np.random.default_rng(1).standard_normal((6, 2)) * [1e6, 3e5] * np.sqrt(scale)
    family = NormalInverseWishart([0, 0], 1.0, 4, scale * np.eye(2))
    cluster, row, score = Cluster(family, x), np.zeros((1, 5)), np.zeros(1)
    *_, refresh, density = cluster.inner.parts
    for size in range(1, 6):
        cluster.come(size - 1)
        refresh(0, size, cluster.totals, cluster.tables, row)
        work = cluster.totals, cluster.tables, row, score
        density(5, 1, cluster.inner.values, [0], [size], *work)
        with mpmath.workdps(60):
            rows = [mpmath.matrix(y) for y in x.tolist()]
            mean = sum(rows[1:size], rows[0]) / (1 + size)
            after = sum((y * y.T for y in rows[:size]), scale * mpmath.eye(2))
            after = (after - (1 + size) * mean * mean.T) * mpmath.mpf(2 + size) / (1 + size)
            away = rows[5] - mean
            square = (away.T * after**-1 * away)[0]
            half = mpmath.mpf(5 + size) / 2
            expected = mpmath.loggamma(half) - mpmath.loggamma(half - 1) - mpmath.log(mpmath.pi)
            expected += mpmath.log(size) - mpmath.log(mpmath.det(after)) / 2
            expected -= half * mpmath.log1p(square)
        assert score[0] == pytest.approx(float(expected), abs=1e-11)


@pytest.mark.parametrize("d", [1, 2])
def test_losses_of_one_departure_after_another_are_felt_together(d):
    """No point takes more than all but 1e-4 of the spread with it; together they take 1e-16."""
    x = np.random.default_rng(3).normal(size=(24, d))
    x[:4] += np.array([[1e8], [1e6], [1e4], [1e2]])
    cluster = Cluster(NormalInverseWishart(np.zeros(d), 0.1, d + 2, 0.3 * np.eye(d)), x)
    for i in range(24):
        cluster.come(i)
    for i in range(4):
        cluster.go(i)
    assert cluster.rebuilt >= 1 and cluster.error() < 1e-6
    one = NormalInverseGamma(np.zeros(1), 0.1, 2.0, 0.3)
    ball = SphericalNormalInverseGamma(np.zeros(d), 0.1, 2.0, 0.3)
    for inner in (_sweeps.UnknownVariances(one, x[:, :1]), _sweeps.UnknownVariance(ball, x)):
        _, absorb, release, *_ = inner.parts
        totals, tables = np.array([inner.prior]), inner.tables()
        for size in range(24):
            absorb(size, 0, size, inner.values, totals, tables)
        sure = [release(i, 0, 23 - i, inner.values, totals, tables) for i in range(4)]
        assert sure[0] and not sure[-1]


FAMILIES = {
    "known variance": lambda d: Gaussian(np.linspace(0, 1, d), 2.0, 0.5),
    "known covariance": lambda d: CorrelatedGaussian(
        np.linspace(0, 1, d), 0.3, 0.5 * np.eye(d) + 0.2
    ),
    "unknown variances": lambda d: NormalInverseGamma(np.linspace(0, 1, d), 0.3, 2.0, 0.7),
    "one unknown variance": lambda d: SphericalNormalInverseGamma(
        np.linspace(0, 1, d), 0.3, 2.0, 0.7
    ),
    "unknown covariance": lambda d: NormalInverseWishart(
        np.linspace(0, 1, d), 0.3, d + 1.5, np.eye(d) + 0.2
    ),
}


@pytest.mark.parametrize("name", FAMILIES)
@settings(max_examples=30, deadline=None)
@given(data=st.data())
def test_densities_are_those_of_the_family(name, data):
    """What a sweep weighs is log(size) plus the family's own log_predictive."""
    d = data.draw(st.integers(1, 4))
    n = data.draw(st.integers(2, 8))
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32)))
    family, x = FAMILIES[name](d), rng.normal(0, 2, (n, d))
    inner = _sweeps.KINDS[type(family)](family, x)
    clear, absorb, release, refresh, density = map(_sweeps.made, inner.parts)
    tables, labels = inner.tables(), rng.integers(0, 3, n - 1)
    totals, rows, score = np.zeros((4, inner.total)), np.zeros((4, inner.row)), np.zeros(4)
    sizes, slots = np.zeros(4, int), np.arange(4)
    for k in range(4):
        clear(k, totals, tables)
    for i, k in enumerate(labels):
        absorb(i, k, sizes[k], inner.values, totals, tables)
        sizes[k] += 1
    for k in np.flatnonzero(sizes):  # the last point comes and goes
        absorb(n - 1, k, sizes[k], inner.values, totals, tables)
        assert release(n - 1, k, sizes[k], inner.values, totals, tables)
    for k in range(4):
        refresh(k, sizes[k], totals, tables, rows)
    density(n - 1, 4, inner.values, slots, sizes, totals, tables, rows, score)
    features = family.features(x)[:-1]
    sums = np.array([features[labels == k].sum(axis=0) for k in range(4)])
    expected = family.log_predictive(x[-1:], sums)[0] + np.log(np.maximum(sizes, 1))
    np.testing.assert_allclose(score, expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("name", FAMILIES)
def test_compiled_or_not_and_in_however_much_room_the_chain_is_the_same(name, monkeypatch):
    x = np.random.default_rng(1).normal(size=(60, 2)) * [1, 3]
    model = DPMixture(4.0, FAMILIES[name](2))
    runs = [gibbs.collapsed(model, x, 15, rng=1, start=np.arange(60))]
    monkeypatch.setattr(_sweeps, "SLOTS", 1)
    runs.append(gibbs.collapsed(model, x, 15, rng=1, start=np.arange(60)))
    monkeypatch.setattr(_sweeps, "compiled", lambda *parts: None)
    runs.append(gibbs.collapsed(model, x, 15, rng=1, start=np.arange(60)))
    for run in runs[1:]:
        assert np.array_equal(run.labels, runs[0].labels)


@pytest.mark.checks("DP-0118", how="exact")
@pytest.mark.parametrize("name", FAMILIES)
def test_a_sweep_has_the_exact_transition_law(name):
    """Every family's loop on four points, from every partition, against the exact operator."""
    x = np.column_stack([datasets.neal()[2:6], [0.3, 0.1, -1.0, 0.2]])
    posterior = exact.posterior(DPMixture(1.3, FAMILIES[name](2)), x)
    sweep = exact.exact_sweep(posterior)
    law = np.array([sweep(f) for f in np.eye(len(posterior.probs))]).T
    code = {tuple(row): s for s, row in enumerate(posterior.labels.tolist())}
    kernel, rng, n = gibbs.Collapsed(posterior.model, x), np.random.default_rng(4), 3000
    for s, labels in enumerate(posterior.labels.astype(np.int64)):
        state = chains.State(labels, 1.3)
        seen = [code[tuple(kernel.sweep(state, rng).labels.tolist())] for _ in range(n)]
        expected, seen = n * law[s], np.bincount(seen, minlength=len(law))
        big = expected > 5
        pooled = [np.append(a[big], a[~big].sum()) for a in (seen, expected)]
        if pooled[1][-1] == 0:
            pooled = [a[:-1] for a in pooled]
        assert stats.chisquare(*pooled).pvalue > 1e-5


def test_far_from_zero_the_chain_is_the_same_as_at_zero():
    """Points are centred once, so that where they lie costs no digits."""
    x = np.random.default_rng(1).normal(size=(40, 2)) * 0.01
    for far, (name, make) in itertools.product((2.0**20, 2.0**30), FAMILIES.items()):
        base = make(2)
        values = {k: getattr(base, k) for k in ("var", "noise_var", "strength", "shape", "rate")
                  if hasattr(base, k)}  # fmt: skip
        values |= {k: getattr(base, k) for k in ("dof", "scale", "cov") if hasattr(base, k)}
        moved = np.round(x * 2.0**20) / 2.0**20  # so that x + far is exact
        if name == "unknown covariance" and far > 2**20:
            continue
        here = gibbs.collapsed(DPMixture(1.0, type(base)([0, 0], **values)), moved, 20, rng=1)
        there = gibbs.collapsed(
            DPMixture(1.0, type(base)([far, far], **values)), moved + far, 20, rng=1
        )
        assert np.array_equal(here.labels, there.labels)


def test_many_gammas_or_few_the_draws_are_the_same():
    few, many = np.linspace(0.5, 9, 8), np.linspace(0.5, 9, 9)
    for shapes in (few, many, few.reshape(4, 2)):
        found = _sweeps.standard_gammas(shapes, np.random.default_rng(1))
        assert np.array_equal(found, np.random.default_rng(1).standard_gamma(shapes))


@pytest.mark.parametrize("gaps", [False, True])
def test_counts_beyond_the_kept_logarithms_weigh_the_same(monkeypatch, gaps):
    rng = np.random.default_rng(1)
    x = (rng.random((60, 3)) < [[0.1, 0.9, 0.5]] * 60).astype(float)
    family = components.BernoulliBeta([0.5, 1.0, 2.0], 0.7)
    if gaps:
        x[:40, 0] = x[50:, 1] = np.nan  # columns with more and with fewer counts than are kept
        family = components.WithGaps(family)
    model = DPMixture(1.0, family)
    found = []
    for kept in (_sweeps.LOGS, 6 * 15):
        monkeypatch.setattr(_sweeps, "LOGS", kept)
        found.append(gibbs.collapsed(model, x, 60, rng=1))
    assert found[0].num_clusters.std() > 0
    assert (found[0].labels == found[1].labels).all()


@pytest.fixture
def tables(tmp_path, monkeypatch):
    """A call that fills tables by a part, with how often its loop was found and compiled."""
    numba = pytest.importorskip("numba")
    monkeypatch.setattr(numba.config, "CACHE_DIR", str(tmp_path))
    anew = _sweeps.compiled.__wrapped__

    def call(fill):
        shrink, prior = np.zeros(3), np.zeros(4)
        arguments = np.ones(1), 1.0, np.full((1, 1), 4.0), np.zeros(1), 1, shrink, prior
        loop = anew(_sweeps.make_tables, fill)
        loop(*arguments)
        found = (sum(loop.stats.cache_hits.values()), sum(loop.stats.cache_misses.values()))
        return found, prior.tolist()

    return call


SPREAD, FACTOR = [1, 4, 0, 0], [1, 2, 0, 0]


@pytest.mark.native
def test_what_is_compiled_once_is_found_again_by_the_names_of_its_parts(tables, monkeypatch):
    said = []
    monkeypatch.setattr(_progress, "patience", lambda words: said.append(words) or said.clear)
    assert tables(_sweeps._fill_spread) == ((0, 1), SPREAD)
    assert not said  # what was said while it compiled is over
    assert tables(_sweeps._fill_factor) == ((0, 1), FACTOR)
    monkeypatch.setattr(_progress, "patience", pytest.fail)  # nothing is compiled
    assert tables(_sweeps._fill_spread) == ((1, 0), SPREAD)
    assert tables(_sweeps._fill_factor) == ((1, 0), FACTOR)


@pytest.mark.native
def test_nothing_is_said_once_compiling_has_failed(tables, monkeypatch):
    numba = pytest.importorskip("numba")
    said = []
    monkeypatch.setattr(_progress, "patience", lambda words: said.append(words) or said.clear)
    monkeypatch.setattr(numba.config, "CACHE_DIR", "")
    loop = _sweeps.compiled.__wrapped__(lambda: lambda x: x.no_such_thing)
    with pytest.raises(numba.TypingError):
        loop(1.0)
    assert not said


@pytest.mark.native
def test_a_loop_is_not_found_again_when_a_number_in_it_is_another(tables, monkeypatch):
    assert tables(_sweeps._fill_spread) == ((0, 1), SPREAD)
    monkeypatch.setattr(_sweeps, "kept", _sweeps.kept.__wrapped__)
    assert tables(_sweeps._fill_spread) == ((1, 0), SPREAD)
    monkeypatch.setattr(_sweeps, "MOST", 2**52)
    assert tables(_sweeps._fill_spread) == ((0, 1), SPREAD)


@pytest.mark.native
def test_a_loop_that_another_process_kept_under_the_same_number_is_not_taken(tables, tmp_path):
    """Two processes that save at once both take the next number, and one writes over the other."""
    assert tables(_sweeps._fill_spread)[1] == SPREAD
    assert tables(_sweeps._fill_factor)[1] == FACTOR
    first, second = sorted(tmp_path.rglob("*.nbc"))
    second.write_bytes(first.read_bytes())
    assert tables(_sweeps._fill_factor) == ((0, 1), FACTOR)
    assert tables(_sweeps._fill_factor) == ((1, 0), FACTOR)


@pytest.mark.native
@pytest.mark.parametrize("which", ["*.nbi", "*.nbc"])
def test_spoilt_files_of_compiled_loops_are_made_anew(tables, tmp_path, which):
    """As a machine leaves them that went off, or a disk that was full."""
    assert tables(_sweeps._fill_spread)[1] == SPREAD
    for spoilt in (b"", b"no pickle"):
        [file] = tmp_path.rglob(which)
        file.write_bytes(spoilt)
        assert tables(_sweeps._fill_spread) == ((0, 1), SPREAD)
        assert tables(_sweeps._fill_spread) == ((1, 0), SPREAD)


@pytest.mark.native
@pytest.mark.parametrize("terminal", [False, True])
def test_a_word_is_said_only_where_it_takes_long_and_only_on_a_terminal(
    monkeypatch, caplog, capsys, terminal
):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: terminal)
    monkeypatch.setattr(_progress, "LONG", 30.0)
    _progress.patience("not said")()
    monkeypatch.setattr(_progress, "LONG", 0.0)
    before = set(threading.enumerate())
    with caplog.at_level("INFO", "dpnotes"):
        _progress.patience("compiling")
        for thread in set(threading.enumerate()) - before:
            thread.join()
    assert caplog.messages == ["compiling"]
    assert capsys.readouterr() == ("", "dpnotes: compiling\n" if terminal else "")


@pytest.mark.native
def test_where_compiling_is_switched_off_loops_run_as_they_stand(monkeypatch):
    numba = pytest.importorskip("numba")
    monkeypatch.setattr(numba.config, "DISABLE_JIT", 1)
    assert _sweeps.compiled.__wrapped__(_sweeps.make_tables, _sweeps._fill_spread) is None
