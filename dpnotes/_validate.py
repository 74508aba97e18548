"""Checks of arguments; every message names the argument, its value and what was expected."""

import math
import operator
import reprlib
import sys
import warnings
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from fractions import Fraction
from numbers import Rational, Real
from types import EllipsisType, FrameType
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from ._types import Floats, InferenceWarning, Ints, RNGLike

# A message shows the first few of a million numbers.
_short = reprlib.Repr()
_short.maxstring = _short.maxlong = 120
_short.maxother = 160

# Floats hold every integer up to here, so counts beyond it are refused.
MOST = 2**53
# The most numbers that a call may return or keep: 1 GB.
ROOM = 2**27
# The most that a call may draw with half a dozen arrays of that length at work: seconds, 6 GB.
WORK = 2**27
# Exact probabilities of more points have too many digits.
EXACT = 10_000


def refuse(name: str, shown: str, expected: str) -> NoReturn:
    """Raise ValueError with one line: the name, the value in these words, and what was expected."""
    raise ValueError(f"{name} = {shown}: expected {expected}") from None


def fail(name: str, value: object, expected: str) -> NoReturn:
    """Raise ValueError with one line: the name, the value in short, and what was expected."""
    if isinstance(value, np.generic):
        value = value.item()
    with np.printoptions(threshold=6, edgeitems=3):
        try:
            if hasattr(value, "shape") and (frame(value) is not None or hasattr(value, "iloc")):
                shown = f"{type(value).__name__} of shape {value.shape}"  # not all its rows
            else:
                shown = " ".join(_short.repr(value).split())
        except ValueError:  # more digits than Python prints
            shown = f"a very long {type(value).__name__}"
    refuse(name, shown, expected)


def an(word: str) -> str:
    """Return a word that is not known beforehand after its article, as it sounds."""
    return ("an " if word[:1] in tuple("aeiou") else "a ") + word


def rng(name: str, value: RNGLike) -> np.random.Generator:
    """Return a numpy.random.Generator from a seed, a generator or None."""
    expected = "a seed (an integer >= 0) or a numpy.random.Generator"
    made = (np.random.Generator, np.random.BitGenerator, np.random.SeedSequence)
    # NumPy reads text and bools as seeds, and a legacy RandomState in some versions only.
    if value is not None and not isinstance(value, made):
        seed = raw(name, value, expected)
        if seed.dtype.kind not in "iu" and not all(type(part) is int for part in seed.flat):
            fail(name, value, expected)
    try:
        return np.random.default_rng(value)
    except (TypeError, ValueError):
        fail(name, value, expected)


def move(state: object, kind: type, rng: object) -> None:
    """Refuse what no sweep can start from: a state of another kind, or no generator."""
    if not isinstance(state, kind):
        fail("state", state, an(f"{kind.__module__}.{kind.__name__}"))
    if not isinstance(rng, np.random.Generator):
        fail("rng", rng, "a numpy.random.Generator")


def seats(name: str, value: object, n: int, rng: object) -> Ints:
    """Return the labels of n points to start from, or -1 for each where none has a seat yet."""
    if not isinstance(rng, np.random.Generator):
        fail("rng", rng, "a numpy.random.Generator")
    found = counts(name, value, -1)
    shape(name, found, (n,))
    return found if (found == -1).all() else labels(name, found)


def flag(name: str, value: object) -> bool:
    """Return value as a bool; what only counts as true or false is refused."""
    if not isinstance(value, (bool, np.bool_)):
        fail(name, value, "True or False")
    return bool(value)


def text(name: str, value: object) -> str:
    """Return value, which is a string."""
    if not isinstance(value, str):
        fail(name, value, "a string")
    return value


def seen(value: str, most: int | None = None) -> str:
    """Return text that can be shown: cut where it is longer than most, no bells, no line breaks."""
    shown = "".join(c if c.isprintable() else repr(c)[1:-1] for c in value)
    return shown if most is None or len(shown) <= most else f"{shown[: most - 1]}…"


def one_of(name: str, value: object, known: Sequence[str]) -> str:
    """Return value, which is one of these words."""
    if text(name, value) not in known:
        fail(name, value, f"one of {', '.join(map(repr, known))}")
    return str(value)


def several(name: str, value: Any, length: int | None = None) -> list[Any]:
    """Return a sequence as a list that is not empty, of this length where one is given."""
    listed = isinstance(value, Sequence) or (isinstance(value, np.ndarray) and value.ndim > 0)
    if not listed or isinstance(value, (str, bytes)) or len(value) == 0:
        fail(name, value, "a list with at least one entry")
    if length is not None and len(value) != length:
        fail(name, value, f"a list of {length}")
    return list(value)


def number(name: str, value: object) -> float:
    """Return value as a finite float."""
    return float(array(name, value, ndim=0))


def nonnegative(name: str, value: object) -> float:
    """Return value as a float that is finite and >= 0."""
    number = real(name, value, "a finite number >= 0")
    if not (number.ndim == 0 and 0 <= number < np.inf):
        fail(name, value, "a finite number >= 0")
    return float(number)


def doubt(message: str) -> None:
    """Warn that an answer is not to be relied on as it is, and say what helps."""
    warn(message, InferenceWarning)


def warn(message: str, kind: type[Warning] = RuntimeWarning) -> None:
    """Warn whoever called the package, however deep inside it this is."""
    frame: FrameType | None = sys._getframe(1)
    level = 2
    inside = ("dpnotes.", "numpy.", "contextlib")  # whose decorators stand between ours
    while frame and str(frame.f_globals.get("__name__")).startswith(inside):
        frame, level = frame.f_back, level + 1
    warnings.warn(message, kind, stacklevel=level)


def positive(name: str, value: object) -> float:
    """Return value as a float that is finite and > 0."""
    number = real(name, value, "a finite number > 0")
    if not (number.ndim == 0 and 0 < number < np.inf):
        fail(name, value, "a finite number > 0")
    return float(number)


def gaps(family: object) -> bool:
    """Return whether a family takes cells that are missing."""
    return bool(getattr(family, "takes_gaps", False))


def frozen(name: str, value: object, family: object = None, drawn: bool = False) -> Floats:
    """Return a read-only copy of observations to fit, shape (n, d), with gaps if it takes them.

    Or if a sampler draws the cells that are missing.
    """
    x = data(name, value, gaps=drawn or gaps(family)).copy()
    values_in_columns(name, np.isnan(x).all(axis=0))
    x.setflags(write=False)
    return x


def gamma(name: str, value: Any) -> tuple[float, float]:
    """Return the shape and the rate of a Gamma law as two floats."""
    expected = "a pair: the shape and the rate of a Gamma law"
    if real(name, value, expected).shape != (2,):
        fail(name, value, expected)
    shape, rate = value
    return positive(f"{name}[0]", shape), positive(f"{name}[1]", rate)


def rational(name: str, value: object) -> Fraction | float:
    """Return a finite number > 0: a rational one as a Fraction, any other as a float."""
    number = positive(name, value)
    if not isinstance(value, Rational):
        return number
    # Through int, because NumPy's integers are rational too but overflow.
    return Fraction(int(value.numerator), int(value.denominator))


def integer(name: str, value: object, minimum: int = 1, maximum: int = MOST) -> int:
    """Return value as a Python int from minimum to maximum; bools and floats are refused."""
    try:
        number = operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        fail(name, value, f"an integer >= {minimum}")
    if isinstance(value, (bool, np.bool_)) or np.ma.is_masked(value) or number < minimum:
        fail(name, value, f"an integer >= {minimum}")
    if number > maximum:
        fail(name, value, f"an integer <= {_power(maximum)}")
    return number


def _power(number: int) -> str:
    power = number.bit_length() - 1
    return f"2**{power}" if power >= 20 and number == 2**power else str(number)


def powers(name: str, value: object, count: int) -> tuple[int, ...]:
    """Return value as a tuple of that many Python ints >= 0."""
    expected = f"{count} integers >= 0"
    array = raw(name, value, expected)
    if array.shape != (count,):
        fail(name, value, expected)
    try:
        return tuple(integer(name, number, 0) for number in array.tolist())
    except ValueError:
        fail(name, value, expected)


def size(name: str, value: object, each: int = 1) -> int | tuple[int, ...] | None:
    """Return the shape of a sample: None, an integer >= 0 or a tuple of them.

    A draw is that many numbers each, and all of them must find room.
    """
    try:
        if value is None:
            return None
        array = raw(name, value, "numbers")
        if array.size > 64:  # NumPy has 64 dimensions at most
            fail(name, value, "at most 64 dimensions")
        shape = powers(name, value, len(array)) if array.ndim else integer(name, value, 0)
    except ValueError:
        fail(name, value, "None, an integer >= 0 or a tuple of them")
    room(name, value, math.prod(shape if isinstance(shape, tuple) else (shape,)) * each)
    return shape


def room(name: str, value: object, numbers: float) -> None:
    """Refuse the value if so many numbers of 8 bytes do not find room."""
    within(name, value, numbers, ROOM, "numbers (1 GB)")


def within(name: str, value: object, amount: float, most: int, unit: str) -> None:
    """Refuse the value if what it takes, in this unit, is more than the most that we begin."""
    if amount > most:
        fail(name, value, f"at most {_power(most)} {unit}, not {Decimal(amount):.3g}")


def in_memory(name: str, value: Any) -> None:
    """Refuse a plan of polars to make a table."""
    if _is_plan(value):
        refuse(name, type(value).__name__, "a table in memory; hand over its collect()")


def _is_plan(value: Any) -> bool:
    return hasattr(value, "collect") and hasattr(value, "collect_schema")


def frame(value: Any) -> tuple[list[str], list[Any]] | None:
    """Return the names and the columns of a data frame or an Arrow table; None for all else."""
    if _is_plan(value):  # to ask for its columns takes long
        return None
    arrow = hasattr(value, "column_names")  # whose columns are called so, and columns are data
    names = getattr(value, "column_names" if arrow else "columns", None)
    if isinstance(value, (type, np.ndarray)) or names is None or not np.iterable(names):
        return None
    names = list(names)
    if hasattr(value, "iloc"):  # of pandas, where two columns may have one name
        columns = [value.iloc[:, j] for j in range(len(names))]
    elif callable(getattr(value, "column", None)):
        columns = [value.column(j) for j in range(len(names))]
    else:
        try:
            columns = [value[name] for name in names]
        except (TypeError, KeyError):  # a plan to make one, not yet in memory
            return None
    return [str(name) for name in names], columns


def raw(name: str, value: Any, expected: str, first: int = 0) -> NDArray[Any]:
    """Return value as an array of any kind; no mask is dropped, no category read as a number."""
    in_memory(name, value)
    for where, part in _parts(value, np.ma.MaskedArray):
        masked = np.argwhere(np.ma.getmaskarray(part)) if part.dtype.names is None else [()]
        if np.ma.is_masked(part):
            index = [*where, *(int(i) for i in masked[0])]
            index[:1] = [i + first for i in index[:1]]
            advice = f"no masked value; drop or fill the {len(masked)} masked cell(s) first"
            refuse(f"{name}{index or ''}", "a masked value", advice)
    if categorical(value):
        refuse(name, f"{type(value).__name__} of categories", f"{expected}; hand over numbers")
    try:
        result = np.asarray(value)
    except (TypeError, ValueError, OverflowError):  # rows of several lengths, say
        fail(name, value, expected)
    if result.dtype.kind == "U" and isinstance(value, (list, tuple)):
        return np.array(value, dtype=object)  # a number beside a word stays a number
    return result


def without_bools(name: str, value: Any) -> None:
    """Refuse a bool among the numbers of a list, which NumPy takes for one of them."""
    for where, part in _parts(value, (bool, np.bool_)):
        fail(f"{name}{list(where) or ''}", part, "a number; write 0 or 1 if that is what it means")


def _without_bool_columns(name: str, names: Iterable[str], columns: Iterable[Any]) -> None:
    """Refuse a table with a column of bools, also where some are missing."""
    for n, column in zip(names, columns, strict=True):
        kind = getattr(column, "dtype", getattr(column, "type", None))  # the latter of Arrow
        if str(kind).lower().startswith("bool") or np.asarray(column).dtype == bool:
            refuse(f"{name}[{n!r}]", "a column of bools", "numbers; write 0 and 1")


def categorical(value: Any) -> bool:
    """Return whether a column holds categories, which NumPy takes for their names."""
    kind = getattr(value, "dtype", getattr(value, "type", None))  # the latter of Arrow
    return str(kind).lower().startswith(("category", "categorical", "enum", "dictionary"))


def _parts(value: Any, kind: Any) -> Iterator[tuple[tuple[int, ...], Any]]:
    """Yield what is of this kind: the value, or entries of a list and of its rows."""
    if isinstance(value, kind):
        yield (), value
    if not isinstance(value, (list, tuple)):
        return
    # The types alone tell soon that a long list has none.
    found = set(map(type, value))
    if any(issubclass(t, kind) for t in found):
        yield from (((i,), v) for i, v in enumerate(value) if isinstance(v, kind))
    if any(issubclass(t, (list, tuple)) for t in found):
        for i, row in enumerate(value):
            if isinstance(row, (list, tuple)) and any(issubclass(t, kind) for t in map(type, row)):
                yield from (((i, j), v) for j, v in enumerate(row) if isinstance(v, kind))


def real(name: str, value: object, expected: str = "an array of numbers", first: int = 0) -> Floats:
    """Return value as a float64 array of any shape, NaN and infinity allowed."""
    if type(value) is np.ndarray and value.dtype == float:  # soon, for the samplers
        return value
    table = frame(value)
    if table is not None:
        _without_bool_columns(name, *table)
        columns = [array(f"{name}[{n!r}]", c, 1, first) for n, c in zip(*table, strict=True)]
        return np.column_stack(columns) if columns else np.empty((0, 0))
    result = raw(name, value, expected, first)
    # Text, dates, None and complex numbers are not converted in silence. Bools are numbers in
    # an array, where they count (the draws of an event), and a mistake on their own.
    if result.dtype.kind in "iuf" or (result.dtype == bool and result.ndim > 0):
        return result.astype(float, copy=False)
    if result.ndim:
        for where, cell in np.ndenumerate(result):
            if not is_number(cell):
                index = [where[0] + first, *where[1:]]
                missing = type(cell).__name__ == "NAType"
                fail(f"{name}{index}", cell, "a finite number" if missing else expected)
    if result.dtype != object or not all(map(is_number, result.flat)):
        fail(name, value, expected)
    return result.astype(float)


def is_number(value: object) -> bool:
    """Return whether a float holds the value; NumPy takes a time difference for an integer."""
    try:
        if isinstance(value, (Real, Decimal)) and not isinstance(value, (bool, np.timedelta64)):
            float(value)
            return True
    except (OverflowError, ValueError):
        pass
    return False


DIMENSIONS = ["a number", "a one-dimensional array", "a two-dimensional array"]


def array(name: str, value: object, ndim: int | None = None, first: int = 0) -> Floats:
    """Return value as a non-empty float64 array without NaN or infinity.

    A message counts rows from first: the value may be a piece of what was given.
    """
    result = real(name, value, first=first)
    if ndim is not None and result.ndim != ndim:
        fail(name, value, f"{DIMENSIONS[ndim]}, not one of shape {result.shape}")
    if result.size == 0:
        fail(name, value, "at least one value")
    if not np.isfinite(result).all():
        where = tuple(int(i) for i in np.argwhere(~np.isfinite(result))[0])
        row = [where[0] + first, *where[1:]] if where else ""
        fail(f"{name}{row}", float(result[where]), "a finite number")
    return result


def is_gap(cell: object) -> bool:
    """Return whether a cell has no value: None, NaN, or what pandas puts in its place."""
    if cell is None or type(cell).__name__ in ("NAType", "NaTType"):
        return True
    if isinstance(cell, Decimal):
        return cell.is_nan()
    return isinstance(cell, (float, np.floating)) and bool(np.isnan(cell))


def _filled(value: Any) -> Any:
    """Return value with NaN for each masked cell, also of rows in a list."""
    if value is np.ma.masked:
        return np.nan
    if isinstance(value, np.ma.MaskedArray) and value.dtype.names is None:
        kind = float if value.dtype.kind in "iuf" else object
        return np.ma.filled(value.astype(kind), np.nan)
    if any(_parts(value, np.ma.MaskedArray)):
        return [_filled(part) for part in value]
    return value


def array_with_gaps(name: str, value: Any, first: int = 0) -> Floats:
    """Return value as a non-empty float64 array, NaN where a cell is missing, without infinity."""
    table = frame(value)
    if table is not None:
        _without_bool_columns(name, *table)
        columns = [array_with_gaps(f"{name}[{n!r}]", c, first) for n, c in zip(*table, strict=True)]
        return np.column_stack(columns) if columns else array(name, np.empty((0, 0)))
    result = raw(name, _filled(value), "an array of numbers", first)
    if result.dtype == object:
        missing = [is_gap(cell) for cell in result.flat]
        result = np.where(np.reshape(missing, result.shape), np.nan, result)
    result = real(name, result, "a number, or NaN for a gap", first=first)
    if result.size == 0 or np.isinf(result).any():
        array(name, np.nan_to_num(result, posinf=np.inf, neginf=-np.inf), first=first)
    return result


def values_in_columns(name: str, missing: Any) -> None:
    """Refuse data to fit with a column whose cells are all missing."""
    for j in np.flatnonzero(missing)[:1].tolist():
        refuse(f"{name}[:, {j}]", "a column of gaps alone", "a value in every column; leave it out")


Dimension = int | str | EllipsisType


def shape(name: str, value: NDArray[Any], *allowed: tuple[Dimension, ...]) -> None:
    """Refuse an array of another shape: ("n", 2) is n rows of 2, and (..., 2) any number of them.

    A number stands for itself, a letter for any number, dots in front for any dimensions.
    """

    def fits(wanted: tuple[Dimension, ...]) -> bool:
        last = value.shape
        if wanted[:1] == (...,):
            wanted = wanted[1:]
            last = last[max(0, len(last) - len(wanted)) :]
        pairs = zip(wanted, last)
        return len(wanted) == len(last) and all(isinstance(w, str) or w == d for w, d in pairs)

    def words(wanted: tuple[Dimension, ...]) -> str:
        return str(tuple("..." if w is ... else w for w in wanted)).replace("'", "")

    if not any(map(fits, allowed)):
        refuse(name, f"array of shape {value.shape}", "shape " + " or ".join(map(words, allowed)))


def data(name: str, value: object, first: int = 0, gaps: bool = False) -> Floats:
    """Return observations as a float array of shape (n, d); (n,) becomes (n, 1).

    With gaps, NaN, a masked cell and pandas.NA are cells that are missing, and become NaN.
    """
    result = array_with_gaps(name, value, first) if gaps else array(name, value, first=first)
    if np.asarray(_filled(value) if gaps else value).dtype == bool:
        fail(name, value, "numbers; write 0 and 1 if that is what the bools mean")
    without_bools(name, value)
    shape(name, result, ("n",), ("n", "d"))
    return result[:, None] if result.ndim == 1 else result


def points(name: str, value: object, dim: int, gaps: bool = False) -> Floats:
    """Return points as a float array of shape (m, dim), finite but for gaps."""
    result = data(name, value, gaps=gaps)
    shape(name, result, ("m", dim))
    return result


def counts(name: str, value: object, minimum: int) -> Ints:
    """Return value as a non-empty int64 array of shape (m,), each entry >= minimum."""
    expected = f"a non-empty one-dimensional array of integers >= {minimum}"
    result = raw(name, value, expected)
    if result.ndim != 1 or result.size == 0 or result.dtype.kind not in "iu":
        fail(name, value, expected)
    without_bools(name, value)
    if result.min() < minimum:
        fail(name, value, expected)
    if result.max() > np.iinfo(np.int64).max:
        fail(name, value, "integers < 2**63")
    return result.astype(np.int64)


def weights(name: str, value: object, n: int) -> Floats | None:
    """Return the weights of n rows as floats >= 0; None where none are given or all are 1."""
    if value is None:
        return None
    if hasattr(value, "__dask_graph__"):
        refuse(name, type(value).__name__, "numbers in memory; hand over its compute()")
    result = real(name, value, f"{n} numbers >= 0, one a row")
    without_bools(name, value)
    if result.shape != (n,):
        refuse(name, f"array of shape {result.shape}", f"{n} numbers >= 0, one a row")
    for i in np.flatnonzero(~((result >= 0) & (result < np.inf)))[:1].tolist():
        fail(f"{name}[{i}]", float(result[i]), "a finite number >= 0, the weight of that row")
    with np.errstate(over="ignore"):
        total = result.sum()
    if not 0 < total <= MOST:
        fail(name, value, "weights that are not all 0, of sum at most 2**53")
    return None if (result == 1).all() else result


def labels(name: str, value: object) -> Ints:
    """Return cluster labels as an int64 array of shape (n,) that uses every value 0..K-1."""
    result = counts(name, value, 0)
    # The comparison first: to count up to a huge label takes as much memory.
    if result.max() >= result.size or not np.bincount(result.astype(np.intp)).all():
        fail(name, value, "labels that use every value 0..K-1")
    return result


def sizes(name: str, value: object, most: int | None = None) -> Ints:
    """Return cluster sizes as an int64 array of shape (K,), each >= 1, with sum at most most."""
    result = counts(name, value, 1)
    if most is not None and result.sum(dtype=float) > most:
        fail(name, value, f"a sum <= {most}")
    return result


def model(value: Any, *family: type[Any]) -> Any:
    """Return the family of a mixture model, checked to be one of the protocols given."""
    if not (hasattr(value, "alpha") and hasattr(value, "component")):
        fail("model", value, "a dpnotes.mixture.DPMixture")
    if not all(isinstance(value.component, protocol) for protocol in family):
        fail("model.component", value.component, "a conjugate family of dpnotes.components")
    return value.component
