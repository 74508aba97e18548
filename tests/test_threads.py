"""The number of BLAS threads while the package works, and after."""

import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import numpy as np
import pytest

from dpnotes import _threads

pytestmark = pytest.mark.native


def threads():
    import threadpoolctl

    return {
        library["num_threads"]
        for library in threadpoolctl.threadpool_info()
        if library["user_api"] == "blas"
    }


@pytest.fixture(autouse=True)
def two_threads():
    import threadpoolctl

    _threads._libraries()
    if not threads():
        pytest.skip("no BLAS library whose threads can be counted")
    with threadpoolctl.threadpool_limits(2, user_api="blas"):
        if threads() != {2}:
            pytest.skip("the BLAS library has one thread only")
        yield


def test_one_thread_within_and_the_old_number_after():
    for _ in range(3):
        with _threads.one_thread():
            assert threads() == {1}
            with _threads.one_thread():
                assert threads() == {1}
            assert threads() == {1}
        assert threads() == {2}
    with pytest.raises(KeyboardInterrupt), _threads.one_thread():
        raise KeyboardInterrupt
    assert threads() == {2}


def test_the_last_to_leave_lifts_the_limit():
    """Two threads whose stays overlap: neither lifts the limit of the other."""
    inside, leave = threading.Event(), threading.Event()

    def stay():
        with _threads.one_thread():
            inside.set()
            leave.wait(10)

    other = threading.Thread(target=stay)
    with _threads.one_thread():
        other.start()
        assert inside.wait(10)
    assert threads() == {1}
    leave.set()
    other.join()
    assert threads() == {2}


@pytest.mark.slow
def test_many_threads_at_once():
    def product(_):
        for _ in range(50):
            with _threads.one_thread():
                assert threads() == {1}
                np.ones((20, 20)) @ np.ones((20, 20))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(product, range(32)))
    assert threads() == {2} and _threads._of_process.entries == 0


def within(_):
    before = threads()
    with _threads.one_thread():
        return before, threads(), _threads._of_process.entries


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
@pytest.mark.skipif(sys.platform != "linux", reason="processes are not forked here")
def test_a_forked_process_starts_anew():
    from concurrent.futures import ProcessPoolExecutor
    from multiprocessing import get_context

    with _threads.one_thread(), ProcessPoolExecutor(1, get_context("fork")) as pool:
        assert list(pool.map(within, range(2))) == [({2}, {1}, 1)] * 2
    assert threads() == {2}


def test_nothing_happens_without_threadpoolctl(monkeypatch):
    monkeypatch.setitem(sys.modules, "threadpoolctl", None)
    _threads._libraries.cache_clear()
    with _threads.one_thread():
        pass
    assert _threads._libraries() == ([], [])
    _threads._libraries.cache_clear()


class Library:
    """A BLAS library with a number of threads for all, or one for each thread that calls."""

    def __init__(self, store):
        self.store = store

    def get_num_threads(self):
        return getattr(self.store, "number", 4)

    def set_num_threads(self, number):
        self.store.number = number


def test_each_thread_has_its_number_where_the_library_keeps_one(monkeypatch):
    shared, own = Library(SimpleNamespace()), Library(threading.local())
    monkeypatch.setattr(_threads, "_libraries", lambda: ([shared], [own]))
    seen, inside, leave = [], threading.Event(), threading.Event()

    def look():
        seen.append((shared.get_num_threads(), own.get_num_threads()))

    def stay():
        with _threads.one_thread():
            look()
            inside.set()
            leave.wait(10)
        look()

    other = threading.Thread(target=stay)
    with _threads.one_thread():
        look()
        other.start()
        assert inside.wait(10)
    look()
    leave.set()
    other.join()
    assert seen == [(1, 1), (1, 1), (1, 4), (4, 4)]


def test_entering_is_cheap():
    """Far below a millisecond, so that a short call may enter as well."""
    import timeit

    def enter():
        with _threads.one_thread():
            pass

    assert min(timeit.repeat(enter, number=100, repeat=5)) / 100 < 5e-4
