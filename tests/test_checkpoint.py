"""A mean-field fit that goes on from its checkpoint ends as if nothing had happened."""

import itertools
import pathlib
from functools import partial

import numpy as np
import pytest

from dpnotes import _record, meanfield
from dpnotes.components import Gaussian, NormalInverseGamma
from dpnotes.mixture import DPMixture

pytestmark = pytest.mark.filterwarnings("ignore::dpnotes.InferenceWarning")
MODEL = DPMixture(1.0, NormalInverseGamma([0, 0], 0.04, 2, 2))
RNG = np.random.default_rng(1)
X = 5 * RNG.normal(size=(4, 2))[RNG.integers(4, size=300)] + RNG.normal(size=(300, 2))
fit = partial(meanfield.fit, MODEL, truncation=6, restarts=3, rng=1, max_iter=12, tol=1e-6)


class Crash(Exception):
    pass


def crashing(at):
    """A map that ends the program at its call of this number."""
    calls = itertools.count(1)

    def crash(f, items):
        if next(calls) == at:
            raise Crash
        return map(f, items)

    return crash


def crashed(path, at, x=X, **options):
    with pytest.raises(Crash):
        fit(x, map=crashing(at), checkpoint=path, **({"checkpoint_every": 2} | options))
    return path


def same(a, b):
    assert np.array_equal(a.elbo, b.elbo)
    assert np.array_equal(a.restart_elbos, b.restart_elbos)
    assert np.array_equal(a.statistics, b.statistics) and np.array_equal(a.sticks, b.sticks)
    assert a.converged == b.converged and a.seed == b.seed


@pytest.mark.parametrize("at", [3, 5, 6, 9, 17, 25, 34])
def test_a_fit_goes_on_to_the_same_result(at, tmp_path):
    path = tmp_path / "fit.npz"
    expected = fit(X, map=lambda f, items: map(f, items))
    if at > 3:  # before the first pass there is nothing to keep
        crashed(path, at)
        assert path.exists()
    same(fit(X, checkpoint=path, map=lambda f, items: map(f, items)), expected)
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("at", [4, 7, 8])
def test_it_goes_on_over_all_the_data_after_a_sample(at, tmp_path, monkeypatch):
    monkeypatch.setattr(meanfield, "SAMPLE", 100)
    expected = fit(X, tol=0)
    path = crashed(tmp_path / "fit.npz", at, tol=0)
    result = fit(X, tol=0, checkpoint=path)
    np.testing.assert_allclose(result.elbo, expected.elbo, rtol=1e-12)
    np.testing.assert_allclose(result.restart_elbos, expected.restart_elbos, rtol=1e-12)


@pytest.mark.parametrize("sample", [4096, 100])
def test_another_generator_goes_on_as_the_first(sample, tmp_path, monkeypatch):
    """Also among the starts on a sample, which the first generator had chosen."""
    monkeypatch.setattr(meanfield, "SAMPLE", sample)
    expected = fit(X, rng=np.random.default_rng(5), tol=0)
    write, saves = _record._write, itertools.count(1)

    def crash(*file):
        write(*file)
        if next(saves) == 4:
            raise Crash

    with monkeypatch.context() as patch, pytest.raises(Crash):
        patch.setattr(_record, "_write", crash)
        fit(X, rng=np.random.default_rng(5), tol=0, checkpoint=tmp_path / "a", checkpoint_every=2)
    result = fit(X, rng=np.random.default_rng(99), tol=0, checkpoint=tmp_path / "a")
    np.testing.assert_allclose(result.elbo, expected.elbo, rtol=1e-12)
    np.testing.assert_allclose(result.restart_elbos, expected.restart_elbos, rtol=1e-12)


moving = partial(fit, truncation=4, restarts=1, rng=3, moves=True, max_iter=40)


@pytest.mark.slow
def test_moves_go_on_from_every_pass(tmp_path):
    few, calls = X[:80], itertools.count()
    options = {"init": np.arange(80) % 2, "truncation": 3, "moves": True, "max_iter": 40}
    counted = fit(few, map=lambda f, items: (next(calls), map(f, items))[1], **options)
    before = fit(few, **(options | {"moves": False}))
    assert counted.elbo[-1] > before.elbo[-1] + 10  # by a move, after longer steps
    for at in range(4, next(calls) + 1):  # the first two calls read the data, and count
        path = crashed(tmp_path / f"{at}.npz", at, few, **options)
        same(fit(few, checkpoint=path, map=lambda f, items: map(f, items), **options), counted)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("sample", "init"), [(4096, np.arange(300) % 2), (20, np.arange(300) % 2), (20, None)]
)
def test_moves_go_on_from_every_stage(sample, init, tmp_path, monkeypatch):
    """The starts, moves on a sample, the ascent on all rows, and moves there: from every file."""
    monkeypatch.setattr(meanfield, "SAMPLE", sample)
    files, write = [], _record._write

    def kept(path, *file):
        files.append(tmp_path / f"{len(files)}.npz")
        write(files[-1], *file)

    with monkeypatch.context() as patch:
        patch.setattr(_record, "_write", kept)
        expected = moving(X, init=init, checkpoint=tmp_path / "fit.npz", checkpoint_every=1)
    same(moving(X, init=init), expected)
    stages, tables = set(), set()
    for path in files:
        facts, arrays = _record._known(path, "", set())
        stages.add((facts["ended"], facts["moved"] is not None))
        tables.add(len(arrays.get("trail", ())))
        same(moving(X, init=init, checkpoint=path), expected)
    more = {(2, False), (3, True)} if init is None else set()
    assert stages == {(0, False), (1, True)} | more
    assert tables == {0, 1}  # before a longer step, and after one
    with pytest.raises(
        ValueError, match=r"where the last ELBO is -[\d.]+: expected -[\d.]+, as th"
    ):
        moving(X + 1e-3, init=init, checkpoint=files[-1])


def test_it_saves_every_so_many_passes(tmp_path, monkeypatch):
    kept = crashed(tmp_path / "kept", 11, init=np.arange(300) % 6, checkpoint_every=5, tol=0)
    lengths = []

    def written(path, facts, arrays, name):
        lengths.append(len(arrays["elbo"]))

    monkeypatch.setattr(_record, "_write", written)
    fit(X, init=np.arange(300) % 6, checkpoint=tmp_path / "a", checkpoint_every=5, tol=0)
    assert lengths == [1, 5, 10]
    lengths.clear()
    fit(X, init=np.arange(300) % 6, checkpoint=kept, checkpoint_every=5, tol=0)
    assert lengths == [6, 10]  # the fifth is made again, and is no new pass


def test_what_may_change_is_taken(tmp_path):
    path = crashed(tmp_path / "fit.npz", 9, init=np.arange(300) % 6, tol=0)
    expected = fit(X, init=np.arange(300) % 6, max_iter=30, tol=0)
    going_on = partial(fit, init=np.arange(300) % 6, max_iter=30, tol=0, checkpoint=str(path))
    for x in (X, np.array_split(X, 7)):
        result = going_on(x, checkpoint_every=1000)
        np.testing.assert_allclose(result.elbo, expected.elbo, rtol=1e-12)


def test_interrupted_fits_go_on(tmp_path):
    calls = itertools.count()

    def interrupted(f, items):
        if next(calls) == 9:
            raise KeyboardInterrupt
        return map(f, items)

    path = tmp_path / "fit.npz"
    with pytest.warns(RuntimeWarning, match="interrupted"):
        fit(X, map=interrupted, checkpoint=path, checkpoint_every=1)
    same(fit(X, checkpoint=path), fit(X))


def test_spoilt_and_foreign_files_are_refused(tmp_path):
    path = crashed(tmp_path / "fit.npz", 9)
    whole = path.read_bytes()
    for part in (0, 1, 100, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:part])
        with pytest.raises(ValueError, match=r"^checkpoint = .*: expected a file that meanfield.f"):
            fit(X, checkpoint=path)
    chain = {"model": _record.describe(MODEL), "version": "1", "format": 1}
    for facts in (chain, {"fit": {}, "ended": 0, "format": 1}):
        _record._write(path, facts, {"x": X})
        with pytest.raises(ValueError, match=r"^checkpoint = .*: expected (a file|the same)"):
            fit(X, checkpoint=path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"x": X + 1e-3}, r"where the last ELBO is -[\d.]+: expected -[\d.]+, as these data give"),
        ({"x": X[:-1]}, r"of a fit with rows = 300: expected rows = 299, or another path"),
        ({"model": DPMixture(2.0, MODEL.component)}, "with another model: expected the same model"),
        ({"model": DPMixture(1.0, Gaussian([0, 0], 1, 1))}, "with another model: expected the"),
        ({"truncation": 7}, "with truncation = 6: expected truncation = 7, or another path"),
        ({"restarts": 2}, "with restarts = 3: expected restarts = 2"),
        (
            {"truncated_model": True},
            "with truncated_model = False: expected truncated_model = True",
        ),
        ({"weights": np.arange(300)}, "with weight = 300.0: expected weight = 44850.0"),
        ({"weights": np.r_[2, 0, np.ones(298)]}, "where the last ELBO"),
        ({"rng": 2}, "with seed = 1: expected seed = 2"),
        ({"init": np.arange(300) % 6}, "with another init: expected the same init"),
        ({"moves": True}, "with moves = False: expected moves = True"),
    ],
)
def test_another_fit_is_refused_in_words(change, message, tmp_path):
    path = crashed(tmp_path / "fit.npz", 9)
    options = {"truncation": 6, "restarts": 3, "rng": 1, "model": MODEL, "x": X} | change
    with pytest.raises(ValueError, match=r"^checkpoint = .*fit\.npz, (of a fit )?" + message):
        meanfield.fit(options.pop("model"), options.pop("x"), checkpoint=path, **options)


def test_bad_arguments_are_refused(tmp_path):
    path = crashed(tmp_path / "fit.npz", 9, init=np.arange(300) % 6)
    with pytest.raises(ValueError, match=r"^max_iter = 1: expected at least the \d passes of the"):
        fit(X, init=np.arange(300) % 6, checkpoint=path, max_iter=1)
    with pytest.raises(ValueError, match=r"^checkpoint = 3: expected the path of a file"):
        fit(X, checkpoint=3)
    with pytest.raises(ValueError, match=r"^checkpoint = .*: expected the path of a file that can"):
        fit(X, checkpoint=tmp_path / "none" / "fit.npz")
    with pytest.raises(ValueError, match=r"^checkpoint_every = 0"):
        fit(X, checkpoint=path, checkpoint_every=0)
    with pytest.raises(ValueError, match=r"^memoised = True: expected False with a checkpoint"):
        fit(X, checkpoint=path, memoised=True)


def test_a_crash_while_it_is_written_leaves_the_file_before(tmp_path, monkeypatch):
    path = crashed(tmp_path / "fit.npz", 9)
    before = path.read_bytes()

    def half(file, **arrays):
        file.write(b"half")
        raise Crash

    monkeypatch.setattr(np, "savez_compressed", half)
    with pytest.raises(Crash):
        fit(X, checkpoint=path, checkpoint_every=1)
    assert path.read_bytes() == before and list(tmp_path.iterdir()) == [path]
    monkeypatch.undo()
    same(fit(X, checkpoint=pathlib.Path(path)), fit(X))
