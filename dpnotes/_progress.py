"""The one progress bar."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def bar(progress: bool, unit: str, total: int | None = None) -> Iterator[Callable[..., object]]:
    """Give a function that moves the bar on by a number of steps; it does nothing without one."""
    if not progress:
        yield lambda steps=1: None
        return
    from tqdm.auto import tqdm

    with tqdm(total=total, unit=unit) as shown:
        yield shown.update
