"""Checks of arguments; every message names the argument, its value and what was expected."""

import operator
import reprlib

import numpy as np

# A message shows the first few of a million numbers.
_short = reprlib.Repr()
_short.maxstring = _short.maxlong = 120
_short.maxother = 160


def fail(name, value, expected):
    """Raise ValueError with one line: the name, the value in short, and what was expected."""
    if isinstance(value, np.generic):
        value = value.item()
    with np.printoptions(threshold=6, edgeitems=3):
        shown = " ".join(_short.repr(value).split())
    raise ValueError(f"{name} = {shown}: expected {expected}")


def positive(name, value):
    """Return value as a float that is finite and > 0."""
    try:
        number = float(np.nan if isinstance(value, str) else value)
    except (TypeError, ValueError, OverflowError):
        fail(name, value, "a finite number > 0")
    if not 0 < number < np.inf:
        fail(name, value, "a finite number > 0")
    return number


def integer(name, value, minimum=1):
    """Return value as a Python int that is >= minimum; bools and floats are refused."""
    try:
        number = operator.index(value)
    except TypeError:
        fail(name, value, f"an integer >= {minimum}")
    if isinstance(value, (bool, np.bool_)) or number < minimum:
        fail(name, value, f"an integer >= {minimum}")
    return number


def array(name, value, ndim=None):
    """Return value as a non-empty float64 array without NaN or infinity."""
    try:
        result = np.asarray(value)
        if result.dtype.kind in "SUc":
            raise TypeError("strings and complex numbers are not converted in silence")
        result = result.astype(float, copy=False)
    except (TypeError, ValueError):
        fail(name, value, "an array of numbers")
    if ndim is not None and result.ndim != ndim:
        fail(name, value, f"an array with {ndim} dimension(s), not {result.ndim}")
    if result.size == 0:
        fail(name, value, "at least one value")
    if not np.isfinite(result).all():
        where = tuple(int(i) for i in np.argwhere(~np.isfinite(result))[0])
        fail(f"{name}{list(where)}" if where else name, float(result[where]), "a finite number")
    return result


def data(name, value):
    """Return observations as a float array of shape (n, d); (n,) becomes (n, 1)."""
    result = array(name, value)
    if result.ndim == 1:
        result = result[:, None]
    if result.ndim != 2:
        fail(name, f"array of shape {result.shape}", "shape (n,) or (n, d)")
    return result


def labels(name, value):
    """Return cluster labels as an int64 array of shape (n,) that uses every value 0..K-1."""
    result = np.asarray(value)
    if result.ndim != 1 or result.size == 0 or result.dtype.kind not in "iu":
        fail(name, value, "a non-empty one-dimensional array of integers")
    result = result.astype(np.int64)
    if result.min() < 0 or not np.bincount(result.astype(np.intp)).all():
        fail(name, value, "labels that use every value 0..K-1")
    return result


def sizes(name, value):
    """Return cluster sizes as an int64 array of shape (K,), each >= 1."""
    result = np.asarray(value)
    if result.ndim != 1 or result.size == 0 or result.dtype.kind not in "iu" or result.min() < 1:
        fail(name, value, "a non-empty one-dimensional array of integers >= 1")
    return result.astype(np.int64)
