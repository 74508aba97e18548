"""One BLAS thread for products of small matrices, which several threads only slow down."""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any


class _Hold:
    """Libraries held to one thread from the first entry to the last exit."""

    def __init__(self) -> None:
        self.entries = 0
        self.before: list[tuple[Any, int]] = []

    def enter(self, libraries: list[Any]) -> None:
        if not self.entries:
            found = [(library, library.get_num_threads()) for library in libraries]
            self.before = [(library, number) for library, number in found if number != 1]
            for library, _ in self.before:
                _set(library, 1)
        self.entries += 1

    def leave(self) -> None:
        self.entries -= 1
        if not self.entries:
            for library, number in self.before:
                _set(library, number)


class _HoldOfThread(threading.local, _Hold):
    """The same for libraries that keep a number for each of the threads that call them."""


_lock = threading.Lock()
_of_process, _of_thread = _Hold(), _HoldOfThread()


@contextmanager
def one_thread() -> Iterator[None]:
    """Hold the BLAS libraries to one thread until the last of those that entered leaves.

    May be nested, and entered from several threads at once. Does nothing where threadpoolctl is
    missing, as in a browser.
    """
    with _lock:
        shared, own = _libraries()
        _of_process.enter(shared)
        _of_thread.enter(own)
    try:
        yield
    finally:
        with _lock:
            _of_process.leave()
            _of_thread.leave()


@cache
def _libraries() -> tuple[list[Any], list[Any]]:
    """Return the BLAS libraries with one number of threads, and those with one a caller."""
    try:
        from threadpoolctl import ThreadpoolController
    except ImportError:
        return [], []
    import scipy.special  # noqa: F401  (SciPy brings a BLAS of its own, seen once it is loaded)

    shared: list[Any] = []
    own: list[Any] = []
    found = ThreadpoolController().select(user_api="blas").lib_controllers
    # threadpoolctl sets the number of the calling thread, where there is one, from 3.8 on.
    local = any(hasattr(library, "clear_controlling_thread") for library in found)
    for library in found:
        layer = getattr(library, "threading_layer", None)
        per_thread = library.internal_api == "mkl" or layer == "openmp"
        (own if local and per_thread else shared).append(library)
    return shared, own


def _set(library: Any, number: int) -> None:
    # From 3.8 on a shared number can only be changed by the thread that set it first, and the last
    # to leave need not be the first that came.
    if clear := getattr(library, "clear_controlling_thread", None):
        clear(force=True)
    library.set_num_threads(number)
    if clear:
        clear(force=True)


def _forget() -> None:
    """Start anew in a forked process: those that entered are in the parent."""
    global _lock, _of_process, _of_thread
    for hold in (_of_process, _of_thread):
        if hold.entries:
            hold.entries = 1
            hold.leave()
    _lock, _of_process, _of_thread = threading.Lock(), _Hold(), _HoldOfThread()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)
