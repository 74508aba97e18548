"""Checks of arguments; every message names the argument, its value and what was expected."""

import operator
import reprlib
from fractions import Fraction
from numbers import Rational

import numpy as np

# A message shows the first few of a million numbers.
_short = reprlib.Repr()
_short.maxstring = _short.maxlong = 120
_short.maxother = 160

# Floats hold every integer up to here, so counts beyond it are refused.
MOST = 2**53
# Where memory grows unseen, by a multiple of what is asked for: at most so many numbers, 1 GB.
ROOM = 2**27
# Exact probabilities of more points have too many digits.
EXACT = 100_000


def refuse(name, shown, expected):
    """Raise ValueError with one line: the name, the value in these words, and what was expected."""
    raise ValueError(f"{name} = {shown}: expected {expected}") from None


def fail(name, value, expected):
    """Raise ValueError with one line: the name, the value in short, and what was expected."""
    if isinstance(value, np.generic):
        value = value.item()
    with np.printoptions(threshold=6, edgeitems=3):
        try:
            shown = " ".join(_short.repr(value).split())
        except ValueError:  # more digits than Python prints
            shown = f"a very long {type(value).__name__}"
    refuse(name, shown, expected)


def rng(name, value):
    """Return a numpy.random.Generator from a seed, a generator or None."""
    expected = "a seed (an integer >= 0) or a numpy.random.Generator"
    # NumPy takes a legacy RandomState in some versions and refuses it in others.
    if isinstance(value, (bool, np.bool_, np.random.RandomState)):
        fail(name, value, expected)
    try:
        return np.random.default_rng(value)
    except (TypeError, ValueError):
        fail(name, value, expected)


def positive(name, value):
    """Return value as a float that is finite and > 0."""
    number = real(name, value, "a finite number > 0")
    if not (number.ndim == 0 and 0 < number < np.inf):
        fail(name, value, "a finite number > 0")
    return float(number)


def exact(name, value):
    """Return a finite number > 0: a rational one as a Fraction, any other as a float."""
    number = positive(name, value)
    if not isinstance(value, Rational):
        return number
    # Through int, because NumPy's integers are rational too but overflow.
    return Fraction(int(value.numerator), int(value.denominator))


def integer(name, value, minimum=1, maximum=MOST):
    """Return value as a Python int from minimum to maximum; bools and floats are refused."""
    try:
        number = operator.index(value)
    except TypeError:
        fail(name, value, f"an integer >= {minimum}")
    if isinstance(value, (bool, np.bool_)) or number < minimum:
        fail(name, value, f"an integer >= {minimum}")
    if number > maximum:
        fail(name, value, f"an integer <= {_power(maximum)}")
    return number


def _power(number):
    return f"2**{number.bit_length() - 1}" if number in (MOST, ROOM) else number


def powers(name, value, count):
    """Return value as a tuple of that many Python ints >= 0."""
    try:
        numbers = tuple(integer(name, number, 0) for number in value)
    except (TypeError, ValueError):
        numbers = ()
    if len(numbers) != count:
        fail(name, value, f"{count} integers >= 0")
    return numbers


def size(name, value):
    """Return the shape of a sample: None, an integer >= 0 or a tuple of them."""
    try:
        if value is None:
            return None
        return powers(name, value, len(value)) if np.ndim(value) else integer(name, value, 0)
    except ValueError:
        fail(name, value, "None, an integer >= 0 or a tuple of them")


def real(name, value, expected="an array of numbers"):
    """Return value as a float64 array of any shape, NaN and infinity allowed."""
    try:
        result = np.asarray(value)
        # Bools are numbers in an array, where they count, and a mistake on their own.
        if result.dtype.kind not in "biufO" or result.dtype.kind == "b" and result.ndim == 0:
            raise TypeError("strings, dates and complex numbers are not converted in silence")
        if result.dtype == object and any(v is None or isinstance(v, str) for v in result.flat):
            raise TypeError("None is not converted to NaN in silence, nor text to a number")
        return result.astype(float, copy=False)
    except (TypeError, ValueError, OverflowError):
        fail(name, value, expected)


DIMENSIONS = ["a number", "a one-dimensional array", "a two-dimensional array"]


def array(name, value, ndim=None):
    """Return value as a non-empty float64 array without NaN or infinity."""
    result = real(name, value)
    if ndim is not None and result.ndim != ndim:
        fail(name, value, f"{DIMENSIONS[ndim]}, not one of shape {result.shape}")
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
        refuse(name, f"array of shape {result.shape}", "shape (n,) or (n, d)")
    return result


def counts(name, value, minimum):
    """Return value as a non-empty int64 array of shape (m,), each entry >= minimum."""
    expected = f"a non-empty one-dimensional array of integers >= {minimum}"
    try:
        result = np.asarray(value)
    except ValueError:
        fail(name, value, expected)
    if result.ndim != 1 or result.size == 0 or result.dtype.kind not in "iu":
        fail(name, value, expected)
    if result.min() < minimum:
        fail(name, value, expected)
    if result.max() > np.iinfo(np.int64).max:
        fail(name, value, "integers < 2**63")
    return result.astype(np.int64)


def labels(name, value):
    """Return cluster labels as an int64 array of shape (n,) that uses every value 0..K-1."""
    result = counts(name, value, 0)
    # The comparison first: to count up to a huge label takes as much memory.
    if result.max() >= result.size or not np.bincount(result.astype(np.intp)).all():
        fail(name, value, "labels that use every value 0..K-1")
    return result


def sizes(name, value, most=None):
    """Return cluster sizes as an int64 array of shape (K,), each >= 1, with sum at most most."""
    result = counts(name, value, 1)
    if most is not None and result.sum(dtype=float) > most:
        fail(name, value, f"a sum <= {most}")
    return result


def model(value, *methods):
    """Check that value is a mixture model whose family has the methods of a conjugate one."""
    if not (hasattr(value, "alpha") and hasattr(value, "component")):
        fail("model", value, "a dpnotes.mixture.DPMixture")
    if not all(hasattr(value.component, method) for method in methods):
        fail("model.component", value.component, "a conjugate family of dpnotes.components")
