"""Tests of dpnotes.chains: the loop, the record, kernels put together or written by a reader."""

import concurrent.futures
import contextlib
import dataclasses
import doctest
import functools
import json
import multiprocessing
import os
import pickle
import re
import signal
import subprocess
import sys
import threading
import time
import warnings
from fractions import Fraction

import numpy as np
import pytest
import tqdm.auto
from hypothesis import given, settings
from hypothesis import strategies as st

from dpnotes import _progress, _record, _sweeps, chains, datasets, diagnostics, exact, gibbs, hyper
from dpnotes.components import (
    CorrelatedGaussian,
    Gaussian,
    NormalInverseGamma,
    NormalInverseWishart,
    SphericalNormalInverseGamma,
)
from dpnotes.mixture import DPMixture

X = datasets.neal()
PLANE = np.column_stack([X, X**2])
HOLES = np.where(np.arange(18).reshape(9, 2) % 5 == 1, np.nan, PLANE)
MODEL = DPMixture(1.0, Gaussian(mean=0, var=1, noise_var=0.01))
WISHART = DPMixture(1.0, NormalInverseWishart([0, 0], 0.5, 4, np.eye(2)))
GRID = np.array([-1.3, -1.1, 0.2, 0.5, 0.9])
LINE = hyper.BasePrior(4, 0.5, (2, 4), var=1.0, scale_dof=2)
FLAT = hyper.BasePrior(5, 0.5 * np.eye(2), (2, 4), scale_dof=3)


def composed(make):
    """Return a sampler that runs the kernel that make builds of the model and the data."""

    def sampler(model, x, n_sweeps, **options):
        return chains.run(make(model, x), n_sweeps, **options)

    return sampler


def slices(model, x):
    return chains.cycle(gibbs.Slice(gibbs.Collapsed(model, x)), gibbs.Alpha((2, 1)))


def turning(model, x):
    return chains.turns(gibbs.Collapsed(model, x), gibbs.Alpha((2, 1)), gibbs.Auxiliary(model, x))


# Each as sampler(n_sweeps, rng=..., start=...).
SAMPLERS = {
    "collapsed": functools.partial(gibbs.collapsed, MODEL, X),
    "collapsed, alpha": functools.partial(gibbs.collapsed, MODEL, X, alpha_prior=(2, 1)),
    "collapsed, covariance": functools.partial(gibbs.collapsed, WISHART, PLANE),
    "splits and merges": functools.partial(gibbs.collapsed, WISHART, PLANE, split_merge=True),
    "cells drawn": functools.partial(gibbs.collapsed, WISHART, HOLES, missing="draw"),
    "slices": functools.partial(composed(slices), MODEL, X),
    "auxiliary": functools.partial(gibbs.auxiliary, MODEL, X, m=2, alpha_prior=(2, 1)),
    "walk": functools.partial(gibbs.auxiliary, MODEL, X, step=0.2),
    "naive": functools.partial(gibbs.naive, MODEL, X),
    "blocked": functools.partial(gibbs.blocked, MODEL, X, truncation=12),
    "blocked, fixed sticks": functools.partial(
        gibbs.blocked, MODEL, X, truncation=12, reorder=False
    ),
    "learned": functools.partial(hyper.sample, LINE, X, alpha_prior=(2, 4)),
    "learned, cells drawn": functools.partial(hyper.sample, FLAT, HOLES, missing="draw"),
    "learned, plane": functools.partial(hyper.sample, FLAT, PLANE),
    "learned, splits": functools.partial(hyper.sample, FLAT, PLANE, split_merge=True),
    "by turns": functools.partial(composed(turning), MODEL, X),
}
every_sampler = pytest.mark.parametrize("name", SAMPLERS)


def assert_equal(a, b):
    """Two chains hold the same draws, to the last bit."""
    assert np.array_equal(a.labels, b.labels) and np.array_equal(a.alpha, b.alpha)
    assert (a.theta is None) == (b.theta is None) and a.columns.keys() == b.columns.keys()
    rows = [(a.columns[k], b.columns[k]) for k in a.columns]
    rows += [] if a.theta is None else [(a.theta, b.theta)]
    for one, other in rows:
        assert all(np.array_equal(s, t) for s, t in zip(one, other, strict=True))


# A run resumed is one longer run.


@every_sampler
def test_a_run_resumed_is_one_longer_run(name):
    sampler = SAMPLERS[name]
    whole, first = sampler(25, rng=3), sampler(10, rng=3)
    second = sampler(15, start=first)
    assert_equal(chains.concatenate([first, second]), whole)
    assert second.generator == whole.generator and second.seed == whole.seed == 3
    # The same with a generator handed on, one sweep a call.
    rng = np.random.default_rng(3)
    chain = sampler(1, rng=rng)
    for t in range(1, 4):
        chain = sampler(1, rng=rng, start=chain)
        assert_equal(chain, whole[t])


@every_sampler
def test_a_saved_run_goes_on_as_if_it_had_not_been(name, tmp_path):
    sampler, path = SAMPLERS[name], tmp_path / "chain.npz"
    first = sampler(10, rng=3)
    first.save(path)
    again = chains.load(path)
    assert_equal(first, again)
    np.testing.assert_array_equal(again.x, first.x)
    assert str(again.model) == str(first.model)
    assert (again.sampler, again.seed, again.version) == (first.sampler, 3, first.version)
    assert_equal(sampler(5, start=again), sampler(5, start=first))
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("bits", [np.random.MT19937, np.random.Philox, np.random.SFC64])
def test_every_generator_is_kept(bits, tmp_path):
    sampler = SAMPLERS["learned"]
    first = sampler(4, rng=np.random.Generator(bits(1)))
    first.save(tmp_path / "chain.npz")
    again = sampler(4, start=chains.load(tmp_path / "chain.npz"))
    assert_equal(again, sampler(4, start=first))
    assert_equal(again, sampler(8, rng=np.random.Generator(bits(1)))[4:])


def test_a_part_without_the_last_draw_starts_afresh():
    whole = SAMPLERS["collapsed"](10, rng=1)
    assert whole[:5].generator is None and whole[5:].generator is not None
    assert whole[::3].generator is not None and whole[::2].generator is None
    assert len(SAMPLERS["collapsed"](3, start=whole[:5], rng=2)) == 3


@pytest.mark.parametrize("name", ["collapsed", "walk", "naive", "blocked", "learned, plane"])
def test_a_fixed_alpha_is_the_models_whatever_the_chain_had(name):
    """As documented: a chain that sampled alpha, or of another alpha, gives its partition alone."""
    sampler = SAMPLERS[name]
    first = sampler(3, rng=1)
    other = dataclasses.replace(first, alpha=np.full(3, 9.0))
    assert (sampler(4, start=other).alpha == 1.0).all()
    if "alpha_prior" in sampler.func.__wrapped__.__kwdefaults__:
        assert sampler(1, start=other, alpha_prior=(1e6, 1e6 / 9)).alpha == pytest.approx(9, 0.01)
    kernel = gibbs.Collapsed(MODEL, X)
    assert (chains.run(kernel, 2, start=[0] * 9, alpha=4).alpha == 4).all()
    with pytest.raises(ValueError, match="alpha = 0: expected a finite number > 0"):
        chains.run(kernel, 2, alpha=0)


# The sticks of blocked Gibbs are part of its state.


@pytest.mark.slow
@pytest.mark.checks("DP-0169", how="numerical")
def test_blocked_one_sweep_a_call_has_the_right_law():
    """Two points at 0 and three atoms: together with probability 5/9, however it is called."""
    model, rng = DPMixture(1.0, Gaussian(0, 1e-6, 1.0)), np.random.default_rng(1)
    options, together, chain = {"truncation": 3, "reorder": False, "rng": rng}, [], None
    for _ in range(8000):
        chain = gibbs.blocked(model, [0.0, 0.0], 1, start=chain, **options)
        together.append(float(chain.num_clusters[0] == 1))
    assert abs(np.mean(together) - 5 / 9) < 4 * diagnostics.mcse(together)


# Ctrl+C, progress, and whoever watches.


def interrupted_at(monkeypatch, kernel, sweep):
    """Let Ctrl+C come during that sweep of a kernel."""
    calls, original = [], kernel.sweep

    def interrupt(self, state, rng):
        calls.append(1)
        if len(calls) == sweep:
            raise KeyboardInterrupt
        return original(self, state, rng)

    monkeypatch.setattr(kernel, "sweep", interrupt)
    return calls


KERNELS = {
    "collapsed": gibbs.Collapsed,
    "splits and merges": gibbs.Collapsed,
    "auxiliary": gibbs.Auxiliary,
    "naive": gibbs.Auxiliary,
    "blocked": gibbs.Blocked,
    "learned": hyper.Base,
}


@pytest.mark.parametrize("name", KERNELS)
def test_an_interrupted_run_keeps_its_draws_and_says_so(name, monkeypatch):
    sampler = SAMPLERS[name]
    whole = sampler(60, rng=1)
    calls = interrupted_at(monkeypatch, KERNELS[name], 46)
    with pytest.warns(RuntimeWarning, match="interrupted after 45 of 60 sweeps"):
        chain = sampler(60, rng=1)
    assert_equal(chain, whole[:45])
    assert_equal(sampler(15, start=chain), whole[45:])
    calls[:] = [1] * 45
    with pytest.raises(KeyboardInterrupt):
        sampler(60, rng=1)


@pytest.mark.parametrize("instant", ["the bar closes", "the draws are gathered"])
def test_ctrl_c_after_the_last_sweep_keeps_the_draws_too(instant, monkeypatch):
    whole, gather, calls = SAMPLERS["learned"](6, rng=1), chains._Draws.chain, []

    @contextlib.contextmanager
    def closing(*_):
        yield lambda new: None
        raise KeyboardInterrupt

    def gathering(self, *made):
        calls.append(1)
        if len(calls) == 1:
            raise KeyboardInterrupt
        return gather(self, *made)

    if instant == "the bar closes":
        monkeypatch.setattr(chains, "bar", closing)
    else:
        monkeypatch.setattr(chains._Draws, "chain", gathering)
    with pytest.warns(RuntimeWarning, match="interrupted after 6 of 6 sweeps"):
        chain = SAMPLERS["learned"](6, rng=1)
    assert_equal(chain, whole)


@pytest.mark.native
def test_ctrl_c_from_the_keyboard():
    timer = threading.Timer(0.5, signal.raise_signal, [signal.SIGINT])
    timer.start()
    with pytest.warns(RuntimeWarning, match="interrupted after"):
        chain = gibbs.collapsed(MODEL, X, 10**6, rng=1)
    assert 1 <= len(chain) < 10**6 and chain.labels.max() < 9
    assert_equal(chain[:50], gibbs.collapsed(MODEL, X, 50, rng=1))


@pytest.mark.parametrize(
    "family", ["known", "correlated", "variances", "variance", "covariance", "any"]
)
def test_the_log_joint_of_a_state_is_that_of_the_chain(family):
    """Also of more clusters than the sweeps have had room for, and of a family of one's own."""

    class Other(Gaussian):
        """Not compiled: it may mean something else."""

    x = np.random.default_rng(1).normal(size=(40, 2))
    component = {
        "known": Gaussian(mean=[0, 1], var=1, noise_var=0.2),
        "variances": NormalInverseGamma([0, 1], 0.5, 2, 1),
        "correlated": CorrelatedGaussian([0, 1], 0.5, [[1, 0.4], [0.4, 0.5]]),
        "variance": SphericalNormalInverseGamma([0, 1], 0.5, 2, 1),
        "covariance": NormalInverseWishart([0, 1], 0.5, 4, np.eye(2)),
        "any": Other(mean=[0, 1], var=1, noise_var=0.2),
    }[family]
    kernel = gibbs.Collapsed(DPMixture(1.0, component), x)
    labels = np.array([np.arange(40), np.arange(40) % 3, np.zeros(40, int)])
    alpha = np.array([0.3, 1.0, 7.0])
    chain = chains.Chain(kernel.model, x, labels, alpha)
    found = [kernel.log_joint(chains.State(z, a)) for z, a in zip(labels, alpha.tolist())]
    assert np.allclose(found, chain.log_joint, rtol=1e-11)


# Several chains side by side.

MANY = {
    "collapsed": lambda: gibbs.Collapsed(MODEL, X),
    "covariance": lambda: gibbs.Collapsed(WISHART, PLANE),
    "auxiliary": lambda: gibbs.Auxiliary(MODEL, X, m=2),
    "blocked": lambda: gibbs.Blocked(MODEL, X, truncation=12),
    "learned": lambda: hyper.kernel(LINE, X, alpha_prior=(2, 4)),
    "by turns": lambda: turning(MODEL, X),
}
STARTS = [np.zeros(9, int), np.arange(9), None, np.arange(9) % 2]


def one_by_one(kernel, n_sweeps):
    rngs = np.random.default_rng(1).spawn(4)
    return [chains.run(kernel, n_sweeps, start=s, rng=r) for s, r in zip(STARTS, rngs)]


def all_equal(some, others):
    for one, other in zip(some, others, strict=True):
        assert_equal(one, other)
        assert one.generator == other.generator


@pytest.mark.parametrize("name", MANY)
def test_chains_side_by_side_are_those_made_one_by_one(name):
    kernel = MANY[name]()
    whole = chains.run_many(kernel, 45, start=STARTS, rng=1)
    all_equal(whole, one_by_one(kernel, 45))
    half = chains.run_many(kernel, 20, start=STARTS, rng=1)
    rest = chains.run_many(kernel, 25, start=half)
    all_equal(whole, [chains.concatenate(pair) for pair in zip(half, rest)])


@pytest.mark.native
@pytest.mark.parametrize("n_jobs", [2, 4, None])
@pytest.mark.parametrize("name", MANY)
def test_the_draws_do_not_depend_on_the_number_of_workers(name, n_jobs, monkeypatch):
    """In threads, also where a sweep is not compiled."""
    kernel = MANY[name]()
    kernel.nogil = True
    monkeypatch.setattr(chains, "SMALL", 0)
    many = chains.run_many(kernel, 45, start=STARTS, rng=1, n_jobs=n_jobs)
    all_equal(many, one_by_one(kernel, 45))


class Slow:
    """A kernel with a work space that it comes back to after others had their turn."""

    model, x, nogil = MODEL, X[:, None], True

    def start(self, labels, rng):
        return chains.State(np.maximum(labels, 0), 1.0, None, {"switch": 0.0})

    def sweep(self, state, rng):
        self.work = _sweeps.in_order(rng.integers(3, size=(1, 9)))[0]
        time.sleep(0.003)
        return state._replace(labels=self.work, columns={"switch": sys.getswitchinterval()})


@pytest.mark.native
def test_no_two_threads_share_a_work_space():
    before = sys.getswitchinterval()
    many = chains.run_many(Slow(), 20, start=STARTS, rng=1, n_jobs=4)
    assert sys.getswitchinterval() == before > max(many[0].columns["switch"])
    for one, other in zip(many, one_by_one(Slow(), 20), strict=True):
        assert np.array_equal(one.labels, other.labels)
    assert all(chain.x is many[0].x and chain.model is MODEL for chain in many)


class Mine:
    """A kernel of one's own, at the top of a file, which says nothing of compiled loops."""

    model, x = MODEL, X[:, None]

    def start(self, labels, rng):
        return chains.State(np.maximum(labels, 0), 1.0, None, {"process": 0})

    def sweep(self, state, rng):
        labels = _sweeps.in_order(rng.integers(3, size=(1, 9)))[0]
        return state._replace(labels=labels, columns={"process": os.getpid()})


@pytest.mark.native
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_what_is_not_compiled_runs_in_processes():
    alone = chains.run_many(Mine(), 30, start=STARTS, rng=1)
    many = chains.run_many(Mine(), 30, start=STARTS, rng=1, n_jobs=2)
    for one, other in zip(alone, many, strict=True):
        assert np.array_equal(one.labels, other.labels) and one.generator == other.generator
    places = [{pid for chain in run for pid in chain.columns["process"]} for run in (alone, many)]
    assert places[0] == {os.getpid()} and os.getpid() not in places[1]


@pytest.mark.parametrize("name", MANY)
def test_a_kernel_can_be_sent_to_another_process(name):
    sent = pickle.loads(pickle.dumps(MANY[name]()))
    all_equal(one_by_one(sent, 15), one_by_one(MANY[name](), 15))


@pytest.mark.parametrize("name", ["covariance", "auxiliary", "learned"])
def test_a_kernel_that_is_not_compiled_can_be_sent_too(name, monkeypatch):
    monkeypatch.setattr(_sweeps, "compiled", lambda *parts: None)
    sent = pickle.loads(pickle.dumps(MANY[name]()))
    assert not sent.nogil
    all_equal(one_by_one(sent, 15), one_by_one(MANY[name](), 15))


@pytest.mark.slow
@pytest.mark.native
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
@pytest.mark.parametrize("method", multiprocessing.get_all_start_methods())
def test_the_draws_are_the_same_in_processes_of_every_kind(method):
    context = multiprocessing.get_context(method)
    with concurrent.futures.ProcessPoolExecutor(2, context) as pool:
        for name in ("collapsed", "blocked"):
            kernel = MANY[name]()
            many = chains.run_many(kernel, 25, start=STARTS, rng=1, map=pool.map)
            all_equal(many, one_by_one(kernel, 25))


def test_one_bar_for_all_chains(capsys):
    chains.run_many(MANY["collapsed"](), 45, rng=1, progress=True)
    shown = capsys.readouterr().err
    assert shown.count("180/180") == 1 and set(re.findall(r"\d/(\d+)", shown)) == {"180"}
    assert shown.count("\n") == 1
    chains.run_many(MANY["collapsed"](), 45, rng=1)
    assert capsys.readouterr().err == ""


def test_a_watcher_sees_all_chains_grow_and_may_end_them():
    seen, whole = [], one_by_one(MANY["learned"](), 30)

    def enough(runs):
        seen.append([len(run) for run in runs])
        for run, all_of_it in zip(runs, whole, strict=True):
            assert_equal(run, all_of_it[: len(run)])
        return len(runs[0]) >= 21

    many = chains.run_many(MANY["learned"](), 30, start=STARTS, rng=1, watch=enough, every=7)
    assert seen == [[7] * 4, [14] * 4, [21] * 4]
    all_equal(many, [chain[:21] for chain in many])
    seen.clear()
    look = lambda runs: seen.append(len(runs[0]))
    chains.run_many(MANY["collapsed"](), 16, rng=1, watch=look, every=7)
    assert seen == [7, 14, 16]


@pytest.mark.parametrize("sweep", [4 * 7 + 1, 4 * 7 + 3, 4 * 8])
def test_an_interrupted_run_keeps_what_all_chains_made(sweep, monkeypatch):
    kernel, whole = MANY["learned"](), one_by_one(MANY["learned"](), 20)
    monkeypatch.setattr(chains, "HOLD", 0.0)  # rounds of one sweep
    calls = interrupted_at(monkeypatch, hyper.Base, sweep)
    with pytest.warns(RuntimeWarning, match="after 7 of 20 sweeps of each chain") as caught:
        many = chains.run_many(kernel, 20, start=STARTS, rng=1)
    assert caught[0].filename == __file__
    all_equal(chains.run_many(kernel, 13, start=many), [chain[7:] for chain in whole])
    for chain, all_of_it in zip(many, whole, strict=True):
        assert_equal(chain, all_of_it[:7])
    calls[:] = [1] * (sweep - 2)
    with pytest.raises(KeyboardInterrupt):
        chains.run_many(kernel, 20, start=STARTS, rng=1)


def test_ctrl_c_while_a_round_is_gathered(monkeypatch):
    """Some chains have taken the round in, others not: none keeps it."""
    calls, extend = [], chains._Draws.extend

    def interrupt(self, later):
        extend(self, later)
        calls.append(1)
        if len(calls) == 4 * 5 + 2:
            raise KeyboardInterrupt

    kernel, whole = MANY["learned"](), one_by_one(MANY["learned"](), 20)
    monkeypatch.setattr(chains, "HOLD", 0.0)
    monkeypatch.setattr(chains._Draws, "extend", interrupt)
    with pytest.warns(RuntimeWarning, match="after 5 of 20"):
        many = chains.run_many(kernel, 20, start=STARTS, rng=1)
    all_equal(chains.run_many(kernel, 15, start=many), [chain[5:] for chain in whole])


# A script without a main guard, as a notebook is; processes that are forked need none.
SCRIPT = """
import sys, threading, time, warnings
import numpy as np
from dpnotes import chains, datasets, hyper

kernel = hyper.kernel(hyper.BasePrior(4, 2, (0.5, 50)), datasets.galaxies() / 1000)
if sys.argv[1] == "processes":
    import multiprocessing
    multiprocessing.set_start_method("fork")
    kernel.nogil = False
chains.run(kernel, 3, rng=1)
warnings.simplefilter("always")
print("ready", flush=True)
started = time.monotonic()
many = chains.run_many(kernel, 10**6, n_chains=4, rng=1, n_jobs=2)
print([len(chain) for chain in many], flush=True)
assert len({len(chain) for chain in many}) == 1
few = chains.run_many(kernel, 30, n_chains=4, rng=1)
assert all((a.labels[:30] == b.labels).all() for a, b in zip(many, few))
again = chains.run_many(kernel, 5, start=many)
print("kept", flush=True)
"""


@pytest.mark.slow
@pytest.mark.native
@pytest.mark.skipif(sys.platform == "win32", reason="a process group gets no Ctrl+C here")
@pytest.mark.parametrize("kind", ["threads", "processes"])
def test_ctrl_c_in_a_terminal_keeps_the_draws_of_workers(kind, tmp_path):
    """It reaches every process of the group."""
    script = tmp_path / "script.py"
    script.write_text(SCRIPT, encoding="utf-8")
    run = subprocess.Popen(
        [sys.executable, str(script), kind],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        assert run.stdout.readline() == "ready\n", run.stderr.read()
        time.sleep(2)
        os.killpg(run.pid, signal.SIGINT)
        out, err = run.communicate(timeout=60)
    finally:
        with contextlib.suppress(ProcessLookupError):  # the workers are gone, too
            os.killpg(run.pid, signal.SIGKILL)
    assert run.returncode == 0 and "kept" in out, err
    assert "interrupted after" in err and "Traceback" not in err


def test_progress_shows_a_bar(capsys):
    gibbs.collapsed(MODEL, X, 45, rng=1, progress=True)
    assert "45/45" in capsys.readouterr().err
    gibbs.collapsed(MODEL, X, 45, rng=1)
    assert capsys.readouterr().err == ""


def test_a_bar_in_a_browser_starts_no_thread(monkeypatch):
    """Its monitor would be one, which a browser does not have."""
    started = []
    monkeypatch.setattr(tqdm.std, "TMonitor", lambda *_: started.append(1))
    monkeypatch.setattr(tqdm.auto.tqdm, "monitor", None)
    for platform, monitors in (("emscripten", 0), ("linux", 1)):
        monkeypatch.setattr(tqdm.auto.tqdm, "monitor_interval", 10)  # seconds, as tqdm sets it
        monkeypatch.setattr(sys, "platform", platform)
        with _progress.bar(True, "sweep"):
            assert len(started) == monitors


def test_a_watcher_sees_the_chain_grow_and_may_end_it():
    seen, kernel = [], gibbs.Collapsed(MODEL, X)
    whole = chains.run(kernel, 30, rng=1)

    def enough(chain):
        seen.append(len(chain))
        assert_equal(chain, whole[: len(chain)])
        return len(chain) >= 21

    chain = chains.run(kernel, 30, rng=1, watch=enough, every=7)
    assert seen == [7, 14, 21] and len(chain) == 21
    assert_equal(chains.run(kernel, 9, start=chain), whole[21:])
    seen.clear()
    assert len(chains.run(kernel, 16, rng=1, watch=lambda c: seen.append(len(c)), every=7)) == 16
    assert seen == [7, 14, 16]


def test_a_watcher_does_not_slow_a_long_run(monkeypatch):
    """Each look gathers the draws since the last one: every state is read once."""
    reads = []

    class Column(dict):
        def __getitem__(self, name):
            reads.append(name)
            return super().__getitem__(name)

    kernel = gibbs.Collapsed(MODEL, X)
    sweep = lambda state, rng: chains.State(np.zeros(9, int), 1.0, None, Column(step=1))
    monkeypatch.setattr(kernel, "sweep", sweep)
    chain = chains.run(kernel, 60, rng=1, watch=lambda c: None, every=2)
    assert chain.columns["step"] == [1] * 60 and len(reads) == 60


def test_a_watcher_may_save(tmp_path):
    path = tmp_path / "run.npz"
    chain = chains.run(gibbs.Collapsed(MODEL, X), 25, rng=1, watch=lambda c: c.save(path), every=10)
    assert_equal(chains.load(path), chain)


# The record.


def test_changing_the_data_afterwards_changes_nothing():
    x = X.copy()
    chain = gibbs.collapsed(MODEL, x, 5, rng=1)
    before = chain.predictive_logpdf(GRID)
    x[:] = 99
    assert np.array_equal(chain.predictive_logpdf(GRID), before)
    with pytest.raises(ValueError, match="read-only"):
        chain.x[0] = 1.0


def test_changing_what_a_model_was_made_of_changes_nothing():
    mean, scale, base = np.zeros(2), np.eye(2), 0.5 * np.eye(2)
    model = DPMixture(1.0, NormalInverseWishart(mean, 0.5, 4, scale))
    prior = hyper.BasePrior(5, base, (2, 4))
    told = repr(model), repr(prior)
    mean[:], scale[:], base[:] = 3, 7 * np.eye(2), 9 * np.eye(2)
    assert (repr(model), repr(prior)) == told
    chain = hyper.sample(prior, PLANE, 3, rng=1)  # its scale is fixed, and the same in every draw
    with pytest.raises(ValueError, match="read-only"):
        chain.columns["scale"][0][:] = 0


def test_blocked_chains_keep_the_sticks_of_clusters_alone():
    chain = gibbs.blocked(MODEL, X, 2, truncation=1000, rng=1)
    assert all(s.base is None or s.base.size < 10 for s in chain.columns["sticks"])


def test_parts_of_a_chain():
    chain = SAMPLERS["learned"](10, rng=1)
    assert len(chain[2:8:2]) == 3 and chain[2:8:2].mean.shape == (3, 1)
    assert_equal(chain[-1], chain[9:])
    assert_equal(chain[-3], chain[7:8])
    assert len(list(chain)) == 10
    for wrong in (10, -11):
        with pytest.raises(IndexError):
            chain[wrong]
    with pytest.raises(TypeError):
        chain["labels"]
    with pytest.raises(AttributeError, match="no mean: its base measure was not learned"):
        SAMPLERS["collapsed"](3, rng=1).mean


def test_a_chain_says_how_it_was_made():
    chain = SAMPLERS["blocked"](3, rng=7)
    assert chain.sampler == "gibbs.blocked(truncation=12, reorder=True)"
    assert chain.seed == 7 and chain.version.count(".") >= 2
    assert SAMPLERS["blocked"](3, rng=np.random.default_rng(7)).seed is None
    assert repr(chain) == "Chain(3 draws, 9 points, Gaussian)"


@every_sampler
def test_log_joint_is_that_of_each_draw(name):
    chain = SAMPLERS[name](8, rng=1)
    for t in (0, 7):
        component = chain.model.component
        if "mean" in chain.columns:
            component = component.rebased(chain.mean[t], chain.strength[t], chain.scale[t])
        model = DPMixture(chain.alpha[t], component)
        x = chain.x.copy()
        x[np.isnan(x)] = chain.columns["cells"][t] if "cells" in chain.columns else []
        expected = model.log_joint(x, chain.labels[t])
        assert chain.log_joint[t] == pytest.approx(expected, rel=1e-12)


@every_sampler
def test_predictive_densities(name):
    chain = SAMPLERS[name](6, rng=1)
    grid = np.nan_to_num(chain.x[:4]) + 0.1
    one = chain.predictive_draws(grid)
    assert one.shape == (6, 4)
    assert np.allclose(chain.predictive_logpdf(grid), np.log(np.exp(one).mean(axis=0)))
    draws = chain.density_draws(grid, rng=1)
    assert draws.shape == (6, 4) and draws.min() >= 0
    assert np.array_equal(draws, chain.density_draws(grid, rng=1))
    if chain.theta is None or name == "by turns":  # which draws them in some sweeps only
        chain = chain.draw_theta(rng=1)
    assert chain.values(-1).shape == (6, chain.theta[0].shape[1])
    assert np.array_equal(chain.values(2)[5], chain.theta[5][chain.labels[5, 2]])


def test_predictive_densities_integrate_to_one():
    grid = np.linspace(-60, 60, 40_001)
    for name in ("collapsed", "learned"):
        chain = SAMPLERS[name](5, rng=1)
        whole = np.trapezoid(np.exp(chain.predictive_logpdf(grid)), grid)
        assert whole == pytest.approx(1, abs=2e-3 if name == "learned" else 1e-6)


def test_a_summary_takes_no_more_memory_than_its_block(monkeypatch):
    chain = gibbs.collapsed(MODEL, X, 50, rng=1)
    whole = chain.predictive_draws(GRID), chain[:].log_joint
    monkeypatch.setattr(chains, "BLOCK", 30)  # three draws of nine points
    assert [p.stop - p.start for p, _, _ in chain._blocks()] == [3] * 17
    assert np.allclose(chain.predictive_draws(GRID), whole[0], rtol=1e-12)
    assert np.allclose(chain[:].log_joint, whole[1], rtol=1e-12)
    assert len(chain.draw_theta(rng=1).theta) == 50


def test_what_arviz_reads():
    runs = [SAMPLERS["learned"](20, rng=seed) for seed in (1, 2, 3)]
    table = runs[0].scalars(*runs[1:])
    assert list(table) == ["num_clusters", "alpha", "log_joint", "strength"]
    assert {value.shape for value in table.values()} == {(3, 20)}
    assert np.array_equal(table["alpha"][2], runs[2].alpha)
    with pytest.raises(ValueError, match=r"others\[0\] = .* a chain of 20 draws"):
        runs[0].scalars(runs[1][1:])
    with pytest.warns(DeprecationWarning, match="write chain.scalars()"):
        assert list(runs[0].to_dict()) == ["posterior"]


# Chains that do not belong together, and files that are no chains.


def test_only_chains_of_one_posterior_are_joined():
    chain, other = SAMPLERS["collapsed"](3, rng=1), Gaussian(mean=0, var=1, noise_var=0.02)
    twin = DPMixture(1.0, Gaussian(mean=0, var=1, noise_var=0.01))
    assert len(chains.concatenate([chain, gibbs.collapsed(twin, X, 3, rng=1)])) == 6
    wrong = {
        "the model of the first": gibbs.collapsed(DPMixture(1.0, other), X, 3, rng=1),
        "the model of the first, ": gibbs.collapsed(DPMixture(2.0, MODEL.component), X, 3, rng=1),
        "the data of the first": gibbs.collapsed(MODEL, X + 1e-9, 3, rng=1),
        "a chain of gibbs.collapsed.*, as the first": SAMPLERS["walk"](3, rng=1),
        "a Chain": X,
    }
    for words, bad in wrong.items():
        with pytest.raises(ValueError, match=rf"chains\[1\] = .*: expected {words}"):
            chains.concatenate([chain, bad])
    with pytest.raises(ValueError, match=r"chains = \[\]"):
        chains.concatenate([])


def test_files_that_are_no_chains(tmp_path):
    path = tmp_path / "chain.npz"
    SAMPLERS["learned"](10, rng=1).save(path)
    whole = path.read_bytes()
    cut = [whole[:k] for k in (0, 1, 100, len(whole) // 2, len(whole) - 1)]
    flipped = [
        whole[:k] + bytes([whole[k] ^ 255]) + whole[k + 1 :] for k in range(0, len(whole), 97)
    ]
    for content in [*cut, *flipped, b"labels,alpha\n0,1\n"]:
        path.write_bytes(content)
        try:
            chains.load(path)
        except ValueError as error:
            assert "path = " in str(error)
    np.savez(path, labels=np.zeros((1, 1)))
    with pytest.raises(ValueError, match="a file that Chain.save wrote whole"):
        chains.load(path)
    with pytest.raises(ValueError, match="path = "):
        chains.load(tmp_path / "nothing.npz")


def test_a_file_of_a_later_format_is_not_guessed_at(tmp_path, monkeypatch):
    monkeypatch.setattr(_record, "FORMAT", 2)
    SAMPLERS["collapsed"](3, rng=1).save(tmp_path / "a.npz")
    monkeypatch.undo()
    with pytest.raises(ValueError, match="format 2: expected format 1; update dpnotes"):
        chains.load(tmp_path / "a.npz")


def test_a_file_names_nothing_but_models(tmp_path):
    for kind in ("workflow.analyse", "os.system", "components.check"):
        with pytest.raises((LookupError, AttributeError, ValueError, TypeError)):
            _record.make({"kind": kind})
    assert _record.make(json.loads(json.dumps(_record.describe(MODEL)))).alpha == 1.0


def test_a_family_of_ones_own_is_not_saved(tmp_path):
    class Own(Gaussian):
        pass

    chain = gibbs.collapsed(DPMixture(1.0, Own(0, 1, 1)), X, 3, rng=1)
    with pytest.raises(ValueError, match="model = .* a model of dpnotes"):
        chain.save(tmp_path / "chain.npz")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("dof", [np.int64(3), np.float32(2.5), Fraction(5, 2)])
def test_numbers_of_any_kind_are_saved(dof, tmp_path):
    prior = hyper.BasePrior(np.int8(4), Fraction(1, 2), (2, np.float32(4)), scale_dof=dof)
    chain = hyper.sample(prior, X, 3, rng=np.int64(1), alpha=Fraction(1, 3))
    chain.save(tmp_path / "chain.npz")
    assert_equal(chains.load(tmp_path / "chain.npz"), chain)


@pytest.mark.parametrize("value", [None, {}, Fraction(1, 3), 2**70, "ragged"])
def test_a_file_that_could_not_be_read_is_not_written(value, tmp_path):
    chain = SAMPLERS["collapsed"](2, rng=1)
    column = [np.zeros((2, 1)), np.zeros((2, 2))] if value == "ragged" else [value] * 2
    with pytest.raises(ValueError, match="column own = .*: expected"):
        dataclasses.replace(chain, columns={"own": column}).save(tmp_path / "chain.npz")
    assert list(tmp_path.iterdir()) == []


def test_a_file_may_be_read_by_whom_other_files_may(tmp_path):
    path = tmp_path / ("n" * 251 + ".npz")  # as long as a name may be
    SAMPLERS["collapsed"](2, rng=1).save(path)
    (tmp_path / "other").touch()
    assert path.stat().st_mode == (tmp_path / "other").stat().st_mode


def test_a_disk_that_is_full_leaves_the_old_file(tmp_path, monkeypatch):
    path, chain = tmp_path / "chain.npz", SAMPLERS["collapsed"](3, rng=1)
    chain.save(path)

    def full(file, **arrays):
        file.write(b"half")
        raise OSError("No space left on device")

    monkeypatch.setattr(np, "savez_compressed", full)
    with pytest.raises(ValueError, match="No space left on device"):
        SAMPLERS["collapsed"](9, rng=1).save(path)
    assert_equal(chains.load(path), chain)
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda k: chains.run(k, 2**31), r"n_sweeps = 2147483648 sweeps of 9 points, 77.3 GB"),
        (lambda k: chains.run(k, 0), "n_sweeps = 0"),
        (lambda k: chains.run(k, 3, every=0), "every = 0"),
        (lambda k: chains.run(k, 3, watch=5), "watch = 5"),
        (lambda k: chains.run(k, 3, progress="x"), "progress = 'x': expected True or False"),
        (lambda k: chains.run(k, 3, rng="x"), "rng = 'x'"),
        (lambda k: chains.run(k, 3, rng=np.random.RandomState(1)), "rng = RandomState"),
        (lambda k: chains.run(k, 3, start=[0, 1]), "start = 2 labels: expected 9, one a point"),
        (lambda k: chains.run(k, 3, start=chains.run(k, 3)[:0]), "start = "),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call(gibbs.Collapsed(MODEL, X))


# Kernels put together.


def test_parts_of_a_sweep_one_after_another_are_the_samplers_of_the_book():
    seat = gibbs.Collapsed(MODEL, X)
    kernel = chains.cycle(seat, gibbs.Alpha((2, 1)))
    assert_equal(chains.run(kernel, 20, rng=1), SAMPLERS["collapsed, alpha"](20, rng=1))
    inner = hyper.Collapsed(hyper.HyperMixture(1.0, LINE), X)
    kernel = chains.cycle(inner, gibbs.Alpha((2, 4)), hyper.Base(inner))
    assert_equal(chains.run(kernel, 20, rng=1), SAMPLERS["learned"](20, rng=1))
    seat, inner = (
        gibbs.Collapsed(WISHART, PLANE),
        hyper.Collapsed(hyper.HyperMixture(1, FLAT), PLANE),
    )
    for name, start, last in [
        ("splits and merges", seat, ()),
        ("learned, splits", inner, (inner,)),
    ]:
        many, deep = (
            gibbs.SplitMerge(start, proposals=5),
            gibbs.SplitMerge(start, proposals=1, scans=4),
        )
        kernel = chains.cycle(start, many, deep, *map(hyper.Base, last))
        assert_equal(chains.run(kernel, 20, rng=1), SAMPLERS[name](20, rng=1))


def test_turns_are_taken_in_order():
    kernel = chains.turns(gibbs.Collapsed(MODEL, X), gibbs.Alpha((2, 1)))
    chain = chains.run(kernel, 6, rng=1)
    moved = np.diff(chain.alpha) != 0
    assert moved.tolist() == [True, False, True, False, True]
    assert chain.columns["turn"] == [1, 0, 1, 0, 1, 0]


@pytest.mark.checks("DP-0119", how="numerical")
def test_kernels_by_turns_keep_the_posterior():
    model, posterior = DPMixture(1.0, MODEL.component), exact.posterior(MODEL, X)

    def make(model, x):
        return chains.turns(gibbs.Collapsed(model, x), gibbs.Auxiliary(model, x, m=2))

    K = composed(make)(model, X, 12_000, rng=1).num_clusters
    for k in (3, 4, 5):
        hit = (k == K).astype(float)
        assert abs(hit.mean() - posterior.num_clusters[k]) < 4 * diagnostics.mcse(hit)


# A reader's own kernel: the one that the documentation of chains.run shows.


@functools.cache
def documented_kernel(without=""):
    """The class that the example of chains.run defines, a piece of its code left out."""
    (example,) = [t for t in doctest.DocTestFinder().find(chains.run, "run") if t.examples]
    namespace = {}
    for part in example.examples[:6]:
        assert not without or "class" not in part.source or without in part.source
        exec(part.source.replace(without, "") if without else part.source, namespace)
    return namespace["Follow"]


@pytest.mark.slow
@pytest.mark.native  # full speed
@pytest.mark.checks("DP-0119", how="numerical")
def test_a_readers_kernel_agrees_with_enumeration():
    posterior = exact.posterior(MODEL, X[2:7])
    chain = chains.run(documented_kernel()(MODEL, X[2:7]), 6000, rng=1)
    for k in range(1, 6):
        hit = (chain.num_clusters == k).astype(float)
        error = max(diagnostics.mcse(hit), 5e-4)
        assert abs(hit.mean() - posterior.num_clusters[k]) < 4 * error


@pytest.mark.slow
@pytest.mark.native  # full speed
@pytest.mark.parametrize("without", ["", " + np.log(way_back / way)"])
def test_a_readers_kernel_passes_gewekes_test_and_without_its_proposal_does_not(without):
    model = DPMixture(1.0, Gaussian(mean=0, var=1, noise_var=0.25))
    sampler = composed(documented_kernel(without))
    test = diagnostics.geweke_mixture(sampler, model, 4, 1500, rng=1)
    assert (test.p_value > 1e-3) == (not without)


@pytest.mark.slow
@pytest.mark.native  # full speed
def test_a_readers_kernel_may_be_joined_with_a_draw_of_alpha():
    """It takes alpha from the state; with the model's alpha instead Geweke's test finds it."""
    model = DPMixture(1.0, Gaussian(mean=0, var=1, noise_var=0.25))
    Follow, prior = documented_kernel(), (2.0, 1.0)

    class Deaf(Follow):
        def sweep(self, state, rng):
            there = super().sweep(state._replace(alpha=self.model.alpha), rng)
            return there._replace(alpha=state.alpha)

    for kind, right in ((Follow, True), (Deaf, False)):

        def sampler(model, x, n_sweeps, alpha_prior, kind=kind, **options):
            kernel = chains.cycle(kind(model, x), gibbs.Alpha(alpha_prior))
            return chains.run(kernel, n_sweeps, **options)

        test = diagnostics.geweke_mixture(sampler, model, 4, 800, rng=1, alpha_prior=prior)
        assert (test.p_value > 1e-3) == right


@pytest.mark.parametrize("wrong", [[1, 0, 0], [0, 2, 1], [0, 0, -1]])
def test_a_kernel_that_names_clusters_otherwise_is_told(wrong):
    class Swapped(gibbs.Collapsed):
        def sweep(self, state, rng):
            return state._replace(labels=np.array(wrong))

    with pytest.raises(ValueError, match="state.labels = .* by order of appearance"):
        chains.run(Swapped(MODEL, X[:3]), 3, rng=1)


def test_a_kernel_that_forgets_whose_parameters_it_holds_is_told():
    class Stale(gibbs.Collapsed):
        def sweep(self, state, rng):
            return super().sweep(state, rng)._replace(theta=np.zeros((7, 1)))

    with pytest.raises(ValueError, match="state.theta = 7 parameters for labels up to"):
        chains.run(Stale(MODEL, X), 3, rng=1)


# Labels in order, against a loop.


@settings(max_examples=200, deadline=None)
@given(st.lists(st.integers(0, 6), min_size=1, max_size=30), st.integers(1, 3))
def test_labels_in_order(labels, rows):
    seen = list(dict.fromkeys(labels))
    expected = [seen.index(k) for k in labels]
    found = _sweeps.in_order(np.tile(labels, (rows, 1)))
    assert found.tolist() == [expected] * rows


def test_old_names_warn_and_work():
    with pytest.warns(DeprecationWarning, match="concatenate is now dpnotes.chains.concatenate"):
        assert gibbs.concatenate is chains.concatenate
    assert gibbs.Chain is chains.Chain
    with pytest.warns(DeprecationWarning, match="write rng=..., no longer by position"):
        old = gibbs.collapsed(MODEL, X, 5, 1)
    assert_equal(old, gibbs.collapsed(MODEL, X, 5, rng=1))
    with pytest.warns(DeprecationWarning, match="write m=..., rng=..., no longer by position"):
        old = gibbs.auxiliary(MODEL, X, 5, 2, 1)
    assert_equal(old, gibbs.auxiliary(MODEL, X, 5, m=2, rng=1))
    with pytest.warns(DeprecationWarning, match="hyper.HyperChain is now dpnotes.chains.Chain"):
        assert hyper.HyperChain is chains.Chain
    with pytest.raises(TypeError):
        gibbs.collapsed(MODEL, X, 5, 1, 2)
    with pytest.raises(AttributeError, match="has no attribute 'nonsense'"):
        gibbs.nonsense
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        gibbs.collapsed(DPMixture(1.0, NormalInverseGamma(0, 1, 1, 1)), X, 5, rng=1)


class Named:
    """A move that does nothing but leave its name."""

    def __init__(self, name, log):
        self.name, self.log = name, log

    def sweep(self, state, rng):
        self.log.append(self.name)
        return state


def test_a_move_that_is_no_kernel_may_remember_something():
    class Counting:
        def start(self, labels, rng):
            return chains.State(labels, 1.0, None, {"sweeps": 0})

        def sweep(self, state, rng):
            return state._replace(columns={"sweeps": state.columns["sweeps"] + 1})

    assert not isinstance(Counting(), chains.Kernel)
    chain = chains.run(chains.cycle(gibbs.Collapsed(MODEL, X), Counting()), 3, rng=1)
    assert chain.columns["sweeps"] == [1, 2, 3]


def test_turns_within_a_sweep_start_with_it():
    log, seat = [], gibbs.Collapsed(MODEL, X)
    one, two, three = (Named(name, log) for name in "abc")
    turning = chains.turns(chains.cycle(seat, one), two)
    chains.run(chains.cycle(turning, three), 4, rng=1)
    assert "".join(log) == "acbcacbc"
    log.clear()
    kernel = chains.cycle(seat, chains.turns(gibbs.Collapsed(MODEL, X), one, two))
    first = chains.run(kernel, 4, rng=1)
    both = chains.concatenate([first, chains.run(kernel, 3, start=first)])
    assert "".join(log) == "abab"
    assert_equal(both, chains.run(kernel, 7, rng=1))


@pytest.mark.parametrize("put", [chains.turns, chains.cycle])
def test_two_that_take_turns_would_take_the_same_ones(put):
    seat = gibbs.Collapsed(MODEL, X)
    turning = chains.turns(seat, gibbs.Alpha((2, 1)))
    with pytest.raises(ValueError, match="moves = [23] turns within one sweep"):
        put(turning, chains.turns(seat, gibbs.Alpha((2, 1))))
    if put is chains.turns:
        with pytest.raises(ValueError, match="moves = 2 turns"):
            put(chains.cycle(turning, gibbs.Alpha((2, 1))), seat)


@pytest.mark.parametrize("put", [chains.turns, chains.cycle])
def test_others_would_spoil_the_sticks_of_blocked_gibbs(put):
    """With alpha drawn after a sweep on fixed sticks, two points at 0 were together 0.36 for 0.41
    of the time, alpha ~ Gamma(1/2, 1/10)."""
    blocked = gibbs.Blocked(MODEL, X)
    for parts in ([blocked, gibbs.Alpha((2, 1))], [gibbs.Collapsed(MODEL, X), blocked]):
        with pytest.raises(
            ValueError, match=r"moves\[[01]\] = Blocked: expected a move that others"
        ):
            put(*parts)
