"""Mean field over the blocks of Dask: the same answer, whatever the blocks, workers and faults."""

import contextlib
import functools
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import time
import tracemalloc
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dpnotes import _dask, meanfield
from dpnotes.components import NormalInverseGamma
from dpnotes.mixture import DPMixture

dask = pytest.importorskip("dask")
da = pytest.importorskip("dask.array")
dd = pytest.importorskip("dask.dataframe")
distributed = pytest.importorskip("distributed")
pd = pytest.importorskip("pandas")

pytestmark = [
    pytest.mark.native,
    # Few passes are on purpose here; of distributed, how long it waits for a busy machine.
    pytest.mark.filterwarnings("ignore::dpnotes.InferenceWarning"),
    pytest.mark.filterwarnings("ignore::UserWarning:distributed"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]
# The workers need not load what the tests load.
Delayed = pytest.importorskip("dask.delayed").Delayed
cloudpickle = pytest.importorskip("cloudpickle")
cloudpickle.register_pickle_by_value(sys.modules[__name__])
MODEL = DPMixture(1.0, NormalInverseGamma([0, 0], 0.04, 2, 2))
ROOT = pathlib.Path(__file__).parents[1]
N = 5000  # more than the starts compete on


def blobs(n=N):
    rng = np.random.default_rng(1)
    return 5 * rng.normal(size=(6, 2))[rng.integers(6, size=n)] + rng.normal(size=(n, 2))


X = blobs()
INIT = np.random.default_rng(2).integers(8, size=N)


def fit(x, model=MODEL, **options):
    """A fit of few passes, all over the blocks unless restarts are asked for."""
    if "restarts" not in options and "weights" not in options:
        options.setdefault("init", INIT)
    return meanfield.fit(
        model, x, **({"truncation": 8, "rng": 1, "max_iter": 5, "tol": 0} | options)
    )


@functools.cache
def alone(**options):
    """The ELBO of each pass on one machine, without Dask."""
    return fit(X, **options).elbo


def same(result, expected=None):
    expected = alone() if expected is None else expected
    assert len(result.elbo) == len(expected)
    np.testing.assert_allclose(result.elbo, expected, rtol=1e-10)


@pytest.fixture(scope="module")
def client():
    """Four workers in processes of their own on this machine, which come again when they die."""
    with (
        # A worker that dies may take long to come again on a busy machine.
        dask.config.set(
            {
                "distributed.comm.timeouts.connect": "60s",
                "distributed.deploy.lost-worker-timeout": "600s",
            }
        ),
        distributed.LocalCluster(
            n_workers=4, threads_per_worker=1, dashboard_address=None, host="127.0.0.1"
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        yield client


@pytest.fixture
def never_gathered(monkeypatch):
    def refuse(self, *_, **__):
        raise AssertionError("a collection of Dask was made an array")

    monkeypatch.setattr(da.Array, "__array__", refuse)
    monkeypatch.setattr(dd.DataFrame, "__array__", refuse, raising=False)


# The order of the sums, which is fixed.


@pytest.mark.parametrize("n", [1, 2, 8, 9, 64, 65, 200])
def test_a_tree_adds_in_an_order_of_their_number_alone(n):
    added = _dask.tree(lambda parts: f"({' '.join(parts)})", [str(i) for i in range(n)])
    assert added.replace("(", "").replace(")", "").split() == [str(i) for i in range(n)]
    assert max(len(part.split()) for part in added.replace(")", "").split("(")) <= _dask.FAN
    deepest = max(np.cumsum([(c == "(") - (c == ")") for c in added]))
    assert deepest == next(k for k in range(9) if _dask.FAN**k >= n)


@settings(max_examples=20, deadline=None)
@given(cuts=st.lists(st.integers(0, 500), max_size=12))
def test_random_cuts_give_the_same_elbos(cuts):
    parts = np.split(X[:500], sorted(cuts))  # some of them empty
    with dask.config.set(scheduler="synchronous"):
        result = fit([dask.delayed(part) for part in parts], init=INIT[:500])
    same(result, fit(X[:500], init=INIT[:500]).elbo)


@pytest.mark.parametrize("n", [8, 64, 512])
def test_a_tree_of_a_power_of_eight_has_fewer_edges_than_eight_sevenths_of_it(n):
    sizes = []
    assert _dask.tree(lambda parts: sizes.append(len(parts)) or 0, [0] * n) == 0
    assert (
        sum(sizes) + 1 == (8 * n - 1) // 7 < 8 / 7 * n
    )  # and one edge from the root to the client


def wait(item):
    seconds, value = item
    time.sleep(seconds)
    return np.array(value), value


def test_sums_do_not_depend_on_the_order_of_arrival(client):
    # In floats each order has another sum, down to none of the digits.
    values = [1e16, 1.0, -1e16, 3.0, 1e16, 7.0, -1e16, 1.0, 2.0, 1e16, -1e16]
    expected = _dask.tree(_dask._add, [(np.array(v), v) for v in values])
    for delays in (np.linspace(0.1, 0, 11), np.linspace(0, 0.1, 11)):
        table, number = _dask.Spread(client).total(wait, list(zip(delays.tolist(), values)))
        assert table == number == expected[1]
    assert expected[1] != sum(reversed(values))


# How a block is read: within its visit, if it is read for this alone.


def kinds_of_blocks(folder):
    """Collections, and whether their blocks have recipes."""
    x = da.from_array(X, chunks=(1250, 2))
    da.to_npy_stack(folder, x)
    stack = da.from_npy_stack(folder)
    frame = dd.from_map(lambda i: pd.DataFrame(X[1250 * i :][:1250]), range(4))
    shared = dask.delayed(np.copy)(X)
    yield "an array on disk", stack, True
    yield "computed from one", 2 * (stack / 2), True
    yield "a data frame", frame, True
    yield "delayed", [dask.delayed(np.copy)(part) for part in np.split(X, 4)], True
    yield "chunks cut anew", stack.rechunk((1000, 2)), False
    yield "of one task", [shared[:2000], shared[2000:]], False
    old = enumerate(np.split(X, 4))
    yield "old graphs", [Delayed(f"{b}", {f"{b}": (np.copy, part)}) for b, part in old], False
    with dask.annotate(priority=1):
        yield "with a wish", [dask.delayed(np.copy)(part) for part in np.split(X, 4)], False


def test_reading_a_block_is_a_part_of_its_visit(client, never_gathered, tmp_path):
    for name, x, of_their_own in kinds_of_blocks(tmp_path / "rows"):
        parts, _ = _dask.blocks("x", x, 2)
        assert {isinstance(part, _dask.Recipe) for part in parts} == {of_their_own}, name
        same(fit(x, max_iter=2), alone(max_iter=2))
    # What a worker keeps stays with it.
    scattered = client.scatter(np.split(X, 4))
    persisted = da.from_npy_stack(tmp_path / "rows").persist()
    for x in (persisted, persisted + 0, [dask.delayed(np.copy)(part) for part in scattered]):
        parts, _ = _dask.blocks("x", x, 2)
        assert not any(isinstance(part, _dask.Recipe) for part in parts)
        same(fit(x, max_iter=2), alone(max_iter=2))


# The same answer as one machine.


@pytest.mark.parametrize("workers", [1, 2, 4])
def test_the_elbos_are_those_of_one_machine(client, never_gathered, workers):
    client.wait_for_workers(4, timeout=60)
    some = sorted(client.scheduler_info(n_workers=-1)["workers"])[:workers]
    with dask.annotate(workers=some):
        for chunks in (1900, (900, 1)):
            same(fit(da.from_array(X, chunks=chunks)))


def test_starts_are_chosen_on_a_sample(client, never_gathered):
    result = fit(da.from_array(X, chunks=(700, 2)), restarts=2)
    same(result, alone(restarts=2))
    expected = fit(X, restarts=2)
    np.testing.assert_allclose(result.restart_elbos, expected.restart_elbos, rtol=1e-10)
    np.testing.assert_allclose(result.statistics, expected.statistics, rtol=1e-8, atol=1e-8)


def load(start):
    return X[start : start + 1000]


def test_data_frames_and_delayed_blocks_are_taken(client, never_gathered):
    frame = dd.from_pandas(pd.DataFrame(X, columns=["a", "b"]), npartitions=3)
    same(fit(frame))
    same(fit([dask.delayed(X[i : i + 1000]) for i in range(0, N, 1000)]))
    one = DPMixture(1.0, NormalInverseGamma(0, 0.04, 2, 2))
    expected = fit(X[:, 0], one).elbo
    same(fit(frame["a"], one), expected)
    same(fit(da.from_array(X[:, 0], chunks=1700), one), expected)


def test_unknown_chunks_and_empty_blocks_are_taken(client, never_gathered):
    keep = X[:, 0] > np.quantile(X[:, 0], 0.4)
    x = da.from_array(X[np.argsort(X[:, 0])], chunks=(1000, 2))
    some = x[x[:, 0] > np.quantile(X[:, 0], 0.4)]  # two blocks are empty
    assert np.isnan(some.shape[0])
    expected = fit(X[np.argsort(X[:, 0])][-keep.sum() :], init=INIT[: keep.sum()])
    same(fit(some, init=INIT[: keep.sum()]), expected.elbo)


def test_weights_go_with_their_rows(client, never_gathered):
    weights = np.random.default_rng(3).integers(0, 4, size=N).astype(float)
    same(fit(da.from_array(X, chunks=(1900, 2)), init=INIT, weights=weights),
         fit(X, init=INIT, weights=weights).elbo)  # fmt: skip


def test_maps_of_dask_are_maps(client):
    blocks = np.array_split(X, 3)
    same(fit(blocks, map=client.map))
    same(fit(blocks, map=client.get_executor().map))
    same(fit(da.from_array(X, chunks=(1900, 2)), map=client.map))


def test_the_client_holds_less_than_three_blocks(client, never_gathered):
    rows, d, n_blocks = 40_000, 10, 5
    x = da.random.default_rng(1).normal(size=(rows * n_blocks, d), chunks=(rows, d))
    model = DPMixture(1.0, NormalInverseGamma(np.zeros(d), 0.04, 2, 2))
    fit(x[:rows], model, restarts=1, max_iter=1)  # what is loaded once
    tracemalloc.start()
    try:
        fit(x, model, restarts=1, max_iter=2)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 3 * rows * d * 8


def test_parameters_go_out_once_and_data_never(client, monkeypatch):
    """What the client sends in a pass has the parameters once, and no rows."""
    from distributed.protocol.pickle import dumps

    x = da.random.default_rng(1).normal(size=(64_000, 2), chunks=(1000, 2)).persist()
    data = meanfield._read(MODEL.component, x, _dask.Spread(client))
    natural = np.random.default_rng(1).normal(size=(1000, MODEL.component.n_features))
    sent = []
    compute = client.compute

    def measured(calls, **options):
        # Task by task, as they go to the workers.
        sent.append(sum(len(dumps(t)) for t in dict(calls[0].__dask_graph__()).values()))
        return compute([dask.delayed((np.zeros(natural.shape), 0.0))], **options)

    monkeypatch.setattr(client, "compute", measured)
    with pytest.raises(ValueError, match=r"blocks of 0 points"):
        data.total(natural)
    assert natural.nbytes < sent[0] < 2 * natural.nbytes + 64 * 2000


# Faults.


class Once:
    """A block that is read from disk, and fails when it is first asked for again."""

    def __init__(self, path, nth):
        self.path, self.nth = pathlib.Path(path), nth

    def __call__(self, rows):
        with self.path.open("a") as file:
            file.write("x")
        if self.path.stat().st_size == self.nth:
            raise OSError("the disk was busy")
        return rows


def test_a_block_that_fails_once_is_tried_again(client, tmp_path):
    for nth in (1, 3):
        once = Once(tmp_path / f"{nth}", nth)
        parts = np.array_split(X, 3)
        blocks = [dask.delayed(parts[0]), dask.delayed(once, pure=False)(parts[1])]
        same(fit([*blocks, dask.delayed(parts[2])]))
        assert once.path.stat().st_size > nth


class Gate:
    """A block that notes who visits it; from its nth visit on it waits until the gate is open."""

    def __init__(self, folder, nth):
        folder.mkdir()
        self.opened, self.visits, self.nth = folder / "opened", folder / "visits", nth

    def __call__(self, rows):
        with self.visits.open("a") as file:
            file.write(f"{os.getpid()}\n")
        if len(self.seen()) >= self.nth:
            until(self.opened.exists)
        return rows

    def seen(self):
        """The processes that visited the block."""
        text = self.visits.read_text() if self.visits.exists() else ""
        return [int(pid) for pid in text.split()]

    def waits(self):
        return len(self.seen()) >= self.nth

    def open(self):
        self.opened.touch()


def until(true):
    """Wait, but not for ever: there is no moment at which a busy machine has to be ready."""
    end = time.monotonic() + 240
    while not true():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.01)


@contextlib.contextmanager
def meanwhile(act, gate):
    """Act once a visit waits at the gate, which is opened then."""

    def wait_and_act():
        try:
            until(gate.waits)
            act()
        finally:
            gate.open()

    with ThreadPoolExecutor(1) as pool:
        acting = pool.submit(wait_and_act)
        try:
            yield
        finally:
            gate.nth = 0  # nobody comes any more
        acting.result()


def registered(client):
    """The processes of the workers that the scheduler knows."""
    known = client.cluster.scheduler.workers
    nannies = client.cluster.workers.values()
    return sorted(n.pid for n in nannies if n.pid and n.worker_address in known)


VISITS = 7  # of a block by a fit of five passes: for its size, for its labels, and the passes


@pytest.mark.slow
def test_workers_may_die_and_join_in_the_middle(client, tmp_path):
    """Ten SIGKILLs, each of a worker within a visit or of another, at a random time after it began.

    One block waits until the worker is dead, so that no fit ends before. The others are kept by the
    workers, and are lost with them.
    """
    kept = da.from_array(X[500:], chunks=(900, 2)).persist()
    rng = np.random.default_rng(int(time.time()))
    for death, nth in enumerate(rng.integers(1, VISITS + 1, size=10).tolist()):
        until(lambda: len(registered(client)) >= 2)
        gate, killed = Gate(tmp_path / f"{death}", nth), []
        within = death % 2 == 0

        def kill(gate=gate, killed=killed, within=within):
            time.sleep(rng.uniform(0, 0.05))
            visitor = gate.seen()[-1]
            others = [pid for pid in registered(client) if pid != visitor]
            victim = visitor if within else rng.choice(others)
            os.kill(victim, signal.SIGKILL)
            killed.append(time.monotonic())
            until(lambda: victim not in registered(client))

        begun = time.monotonic()
        with meanwhile(kill, gate):
            same(fit([dask.delayed(gate, pure=False)(X[:500]), *kept.to_delayed().ravel()]))
            ended = time.monotonic()
        (moment,) = killed
        assert begun < moment < ended
        if within:  # the visit was made again, by another
            assert len(gate.seen()) > VISITS
            assert gate.seen()[nth] != gate.seen()[nth - 1]


@pytest.mark.slow
def test_a_worker_may_join_late(client, tmp_path):
    """It has a part in the fit that had begun without it."""
    until(lambda: len(registered(client)) == 4)
    before = registered(client)
    gates = [Gate(tmp_path / f"{b}", np.inf) for b in range(39)]  # at which nobody waits
    gates += [Gate(tmp_path / "last", 3)]  # in the first pass

    def join():
        client.cluster.scale(5)
        until(lambda: len(registered(client)) == 5)

    blocks = [dask.delayed(g, pure=False)(part) for g, part in zip(gates, np.split(X, 40))]
    try:
        with meanwhile(join, gates[-1]):
            same(fit(blocks))
        late = set(registered(client)) - set(before)
        assert late & {pid for gate in gates for pid in gate.seen()}
    finally:
        client.cluster.scale(4)


class Crash(Exception):
    pass


@pytest.mark.slow
@pytest.mark.parametrize("moves", [False, True])
def test_a_fit_goes_on_from_its_checkpoint_over_other_blocks(client, tmp_path, monkeypatch, moves):
    """After a crash early, in the middle and late, and without the passes that it had made."""
    options = {"moves": moves, "truncation": 6, "init": INIT % 2, "max_iter": 8}
    if moves:  # of which there are several rounds; none ends by a rounding
        options["tol"] = 1e-6
    expected = fit(X, **options)
    calls, total = [], _dask.Spread.total

    def counted(*arguments):
        calls.append(arguments)
        if len(calls) == at:
            raise Crash
        return total(*arguments)

    monkeypatch.setattr(_dask.Spread, "total", counted)
    at = np.inf
    same(fit(da.from_array(X, chunks=(1100, 2)), **options), expected.elbo)
    whole = len(calls)
    for early in (3, whole // 2 + 1, whole - 1):
        options["checkpoint"] = tmp_path / f"{early}.npz"
        calls.clear()
        at = early
        with pytest.raises(Crash):
            fit(da.from_array(X, chunks=(900, 2)), checkpoint_every=1, **options)
        calls.clear()
        at = np.inf
        result = fit(da.from_array(X, chunks=(1300, 2)), **options)
        same(result, expected.elbo)
        np.testing.assert_allclose(result.statistics, expected.statistics, rtol=1e-8, atol=1e-8)
        # The pass of the crash and the one before are made again; of moves, a round.
        again = whole // 3 if moves else 2
        assert len(calls) <= whole - early + again


def test_a_bad_value_is_named_with_its_block_and_row(client):
    for bad in (np.nan, np.inf):
        x = X.copy()
        x[2345, 1] = bad
        for chunks in (1000, (1000, 2)):
            with pytest.raises(ValueError, match=rf"^x\.blocks\[2\]\[345, 1\] = {bad}: .* finite"):
                fit(da.from_array(x, chunks=chunks))
        with pytest.raises(ValueError, match=rf"^x\[2\]\[345, 1\] = {bad}: "):
            fit([dask.delayed(part) for part in np.split(x, 5)])
        frame = dd.from_pandas(pd.DataFrame(x, columns=["a", "b"]), npartitions=5)
        with pytest.raises(ValueError, match=rf"^x\.partitions\[2\]\['b'\]\[345\] = {bad}: "):
            fit(frame)
    x[:, :] = np.nan
    with pytest.raises(ValueError, match=r"^x\.blocks\[0\]\[0, 0\]"):  # the first, not the soonest
        fit(da.from_array(x, chunks=(500, 2)))


# Labels and densities, planned over the same blocks.

METHODS = ["responsibilities", "assign", "predict", "predict_proba", "predictive_logpdf"]


@functools.cache
def fitted():
    return fit(X)


@pytest.mark.parametrize("name", METHODS)
def test_answers_are_planned_block_by_block(never_gathered, name):
    method = getattr(fitted(), name)
    expected = method(X)
    wide = expected.ndim == 2
    with dask.config.set(scheduler="synchronous"):
        for chunks in ((1900, 2), (2500, 1)):
            planned = method(da.from_array(X, chunks=chunks))
            assert isinstance(planned, da.Array) and planned.dtype == expected.dtype
            assert planned.shape == expected.shape and planned._meta.ndim == expected.ndim
            assert planned.chunks[0] == da.from_array(X, chunks=chunks).chunks[0]
            np.testing.assert_allclose(planned.compute(), expected, rtol=1e-9, atol=1e-12)
        frame = dd.from_pandas(
            pd.DataFrame(X, np.arange(N) + 7, columns=["a", "b"]), npartitions=3, sort=False
        )
        planned = method(frame)
        assert isinstance(planned, dd.DataFrame if wide else dd.Series)
        made = planned.compute()
        dd.utils.assert_eq(planned, made, check_divisions=False)
        assert list(made.index) == list(range(7, N + 7))
        np.testing.assert_allclose(made.to_numpy(), expected, rtol=1e-9, atol=1e-12)
        parts = method([dask.delayed(X[:9]), dask.delayed(X[:0]), dask.delayed(X[9:11])])
        made = [part.compute() for part in parts]
        assert [len(part) for part in made] == [9, 0, 2]
        np.testing.assert_allclose(np.concatenate(made), expected[:11], rtol=1e-9, atol=1e-12)


def test_rows_of_one_column_and_unknown_number_are_planned(never_gathered):
    one = DPMixture(1.0, NormalInverseGamma(0, 0.04, 2, 2))
    q = fit(X[:, 0], one)
    x = da.from_array(X[:, 0], chunks=1700)
    with dask.config.set(scheduler="synchronous"):
        np.testing.assert_allclose(q.responsibilities(x).compute(), q.responsibilities(X[:, 0]))
        assert np.array_equal(q.predict(x[x > 0]).compute(), q.predict(X[:, 0][X[:, 0] > 0]))
        assert np.array_equal(q.predict(x[:, None]).compute(), q.predict(X[:, 0]))


def test_answers_are_written_block_by_block(never_gathered, tmp_path):
    q, x = fitted(), da.from_array(X, chunks=(1900, 2))
    labels = np.lib.format.open_memmap(tmp_path / "labels.npy", "w+", np.int64, (N,))
    da.store(q.predict(x), labels, scheduler="threads")  # other processes have a copy of the map
    assert np.array_equal(np.load(tmp_path / "labels.npy"), q.predict(X))
    frame = dd.from_pandas(pd.DataFrame(X, columns=["a", "b"]), npartitions=3)
    frame.assign(cluster=q.predict(frame)).to_parquet(tmp_path / "rows")
    q.responsibilities(frame).to_parquet(tmp_path / "weights")
    assert np.array_equal(pd.read_parquet(tmp_path / "rows")["cluster"], q.predict(X))
    written = pd.read_parquet(tmp_path / "weights").to_numpy()
    np.testing.assert_allclose(written, q.responsibilities(X), rtol=1e-9, atol=1e-12)


class Mapped:
    """A memory map that each worker opens for itself: sent to one, a map would be a copy."""

    def __init__(self, path, n):
        self.path = path
        np.lib.format.open_memmap(path, "w+", float, (n,))

    def __setitem__(self, where, rows):
        np.load(self.path, mmap_mode="r+")[where] = rows


def to_parquet(q, x, path):
    q.predictive_logpdf(dd.from_dask_array(x, ["a", "b"])).to_frame("rows").to_parquet(path)


WRITERS = {
    "stack": lambda q, x, path: da.to_npy_stack(path, q.predictive_logpdf(x)),
    "map": lambda q, x, path: da.store(q.predictive_logpdf(x), Mapped(path, len(x)), lock=False),
    "Parquet": to_parquet,
}


@pytest.mark.parametrize("kind", WRITERS)
def test_the_client_writes_less_than_it_could_hold(client, never_gathered, tmp_path, kind):
    """The workers write: the client, with the scheduler, holds less than three blocks."""
    x = da.random.default_rng(1).normal(size=(800_000, 2), chunks=(100_000, 2))
    write, path, q = WRITERS[kind], tmp_path / "densities", fitted()
    write(q, x[:9], tmp_path / "few")  # what is loaded once
    tracemalloc.start()
    try:
        write(q, x, path)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 3 * 100_000 * 8
    if kind == "Parquet":
        last = pd.read_parquet(path / "part.7.parquet")["rows"].to_numpy()
    else:
        last = np.load(path / "7.npy") if kind == "stack" else np.load(path)[-100_000:]
    np.testing.assert_allclose(last, q.predictive_logpdf(x.blocks[7].compute()), rtol=1e-9)


def test_a_bad_row_is_named_with_its_block_where_it_is_answered():
    x = X.copy()
    x[2345, 1] = np.nan
    q = fitted()
    with dask.config.set(scheduler="synchronous"):
        with pytest.raises(ValueError, match=r"^x\.blocks\[2\]\[345, 1\] = nan: expected a finite"):
            q.predict(da.from_array(x, chunks=(1000, 2))).compute()
        frame = dd.from_pandas(pd.DataFrame(x, columns=["a", "b"]), npartitions=5)
        with pytest.raises(ValueError, match=r"^x\.partitions\[2\]\['b'\]\[345\] = nan"):
            q.responsibilities(frame).compute()
        with pytest.raises(ValueError, match=r"^x\[2\]\[345, 1\] = nan"):
            dask.compute(*q.predict([dask.delayed(part) for part in np.split(x, 5)]))
    for call in (lambda c: q.sample_labels(c, 3, rng=1), lambda c: q.predict_similarity(c, X[:2])):
        with pytest.raises(ValueError, match=r"^x = a collection of Dask: expected rows in memory"):
            call(da.from_array(X, chunks=(1000, 2)))
    with pytest.raises(ValueError, match=r"^x\['c'\] = a column of "):
        q.predict(words("a", "c"))


# Bad input.


def words(*columns):
    frame = pd.DataFrame(X[:9], columns=["a", "b"]).assign(c=list("abcdefghi"))
    return dd.from_pandas(frame[list(columns)], npartitions=2)


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (lambda: words("a", "c"), r"^x\['c'\] = a column of .*: expected numbers; leave it out"),
        (lambda: words("a"), r"^x = a data frame of 1 columns: expected 2, as the model has"),
        (lambda: da.zeros((9, 3)), r"^x = array of shape \(9, 3\): expected shape \(n, 2\)"),
        (lambda: da.zeros((9, 2))[:, da.ones(2, chunks=2) > 0],
         r"^x = an array of unknown width: expected known chunks along columns"),
        (lambda: da.zeros((9, 2), dtype="U3"), r"^x = an array of <U3: expected numbers"),
        (lambda: da.zeros((9, 2), dtype=bool), r"^x = an array of bool: expected numbers"),
        (lambda: dask.delayed(X), r"^x = Delayed.*: expected a Dask array, a Dask data frame or"),
        (lambda: [dask.delayed(X), X], r"^x = a list of Delayed.*, ndarray: expected a Dask array"),
        (lambda: [da.zeros((9, 2))], r"^x = a list of Array: expected a Dask array"),
        (lambda: [dask.delayed(X), dask.delayed(X[:, :1])],
         r"^x\[1\] = array of shape \(5000, 1\): expected shape \(n, 2\)"),
        (lambda: [dask.delayed(X[:0]), dask.delayed(X[:0])], r"^x = .*: expected at least one bl"),
        (lambda: [dask.delayed(["a"])], r"^x\[0\]\[0\] = 'a': expected an array of numbers"),
    ],
)  # fmt: skip
def test_bad_collections_are_refused_by_name(x, message):
    with dask.config.set(scheduler="synchronous"), pytest.raises(ValueError, match=message):
        fit(x(), init=None, restarts=1)


def test_bad_company_is_refused_by_name():
    x = da.from_array(X, chunks=(900, 2))
    with dask.config.set(scheduler="synchronous"):
        with pytest.raises(ValueError, match=r"^memoised = True: expected False .* with Dask"):
            fit(x, memoised=True)
        with pytest.raises(
            ValueError, match=r"^map = .*: expected the map of a distributed.Client"
        ):
            fit(x, map=lambda *a: map(*a))
        with pytest.raises(ValueError, match=r"^weights = .*: expected numbers in memory"):
            fit(x, weights=da.ones(N))


def test_without_dask_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "dask.array", None)
    with pytest.raises(ImportError, match=r'pip install "dpnotes\[dask\]"'):
        fit(da.from_array(X, chunks=(900, 2)))


# The listings of the book and of the README.


def listing(path, word):
    """The listing in Python that has this word."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".ipynb":
        text = "\n".join("".join(cell["source"]) for cell in json.loads(text)["cells"])
    (found,) = [c for c in re.findall(r"```python\n(.*?)```", text, re.DOTALL) if word in c]
    return found, text


@pytest.mark.slow
@pytest.mark.skipif(not (ROOT / "book").is_dir(), reason="the package alone, without its book")
def test_the_listing_of_the_chapter_prints_what_the_chapter_says(tmp_path):
    code, text = listing(ROOT / "book" / "mean-field.ipynb", "n_workers=2")
    code = code.replace("n_workers=2", "n_workers=2, dashboard_address=None")
    (tmp_path / "program.py").write_text(code, encoding="utf-8")
    command = [sys.executable, "-W", "ignore", "program.py"]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    run = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True,
                         timeout=240, check=False)  # fmt: skip
    assert run.returncode == 0, run.stderr
    assert f"It prints `{run.stdout.strip()}`" in text
    rows = np.concatenate([np.load(tmp_path / "rows" / f"{i}.npy") for i in range(4)])
    model = DPMixture(1.0, NormalInverseGamma([0, 0], 0.04, 2, 2))
    q = meanfield.fit(model, rows, truncation=5, rng=1, restarts=2, max_iter=10)
    assert run.stdout.split() == ["ELBO", str(q.elbo[-1].round(2))]
    labels = [np.load(tmp_path / "labels" / f"{i}.npy") for i in range(4)]
    assert np.array_equal(np.concatenate(labels), q.predict(rows))


def test_the_lines_of_the_readme_fit_rows_from_disk(client, never_gathered, tmp_path):
    da.to_npy_stack(tmp_path / "rows", da.from_array(X, chunks=(1700, 2)))
    code, _ = listing(ROOT / "README.md", "from_npy_stack")
    first, *rest = code.splitlines()
    assert first == "client = dask.distributed.Client()"  # here that of all tests
    names = {"dask": dask, "meanfield": meanfield, "model": MODEL}
    code = "\n".join(rest).replace("rows", str(tmp_path / "rows")).replace("print", "shown =")
    code = code.replace("rng=1", "rng=1, restarts=2, max_iter=3")  # soon
    exec(code.replace("fit.npz", str(tmp_path / "fit.npz")), names)
    assert str(names["shown"]).startswith("MeanField(")
