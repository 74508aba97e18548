"""The one progress bar, and a word where something takes long."""

import logging
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def bar(progress: bool, unit: str, total: int | None = None) -> Iterator[Callable[..., object]]:
    """Give a function that moves the bar on by a number of steps; it does nothing without one."""
    if not progress:
        yield lambda steps=1: None
        return
    from tqdm.auto import tqdm

    if sys.platform == "emscripten":
        tqdm.monitor_interval = 0  # its monitor is a thread, which a browser does not have
    with tqdm(total=total, unit=unit) as shown:
        yield shown.update


LONG = 3.0  # seconds after which a word is said


def patience(words: str) -> Callable[[], None]:
    """Say these words if it takes long until what is returned is called.

    They are printed on a terminal alone, never into a file or a notebook; whoever reads the log
    finds them there, at level INFO.
    """
    timer = threading.Timer(LONG, _say, [words])
    timer.daemon = True
    timer.start()
    return timer.cancel


def _say(words: str) -> None:
    logging.getLogger("dpnotes").info(words)
    if sys.stderr.isatty():
        print(f"dpnotes: {words}", file=sys.stderr, flush=True)
