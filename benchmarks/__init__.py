"""Timings side by side in one run: ``make bench``, or ``python -m benchmarks meanfield``.

Only ratios mean anything, so each file prints its own: it has a function ``main(tiny=False)``
that runs both sides in turn and prints one line a comparison, which names them and ends in
``ratio`` and a number. With ``tiny=True`` the sizes are so small that all is done in about two
seconds; tests/test_benchmarks.py runs every file so, and finds the file by itself.
"""

import pkgutil


def names():
    """Return the names of the benchmarks."""
    return [m.name for m in pkgutil.iter_modules(__path__) if not m.name.startswith("_")]
