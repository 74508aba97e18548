"""Reading a table of measurements, and making it fit to be clustered."""

import csv
import io
import os
import pathlib
from collections.abc import Mapping, Sequence, Set
from decimal import Decimal
from numbers import Real
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from . import _validate as check
from ._deprecated import keyword_only
from ._types import Floats, RNGLike

LEAST_ROWS = 10
FAR = 1e6  # a value this many times the middle half's width from the median is a slip
DEPENDENT = 1e-5  # a combination of standardised columns with a smaller variance is no data
LARGE = 1e150  # a larger number, or a smaller difference than 1 / LARGE, has no square


class Table(NamedTuple):
    """A table of measurements made fit to be clustered, see :func:`prepare`.

    Attributes
    ----------
    x : ndarray of shape (n, d)
        The measurements as they came.
    names : list of str
        Names of the columns.
    width : ndarray of shape (d,)
        What columns with ties were taken as rounded to; 0 for others.
    centre, spread : ndarray of shape (d,)
        Means and standard deviations of the columns, ties spread.
    z : ndarray of shape (n, d)
        The columns with ties spread, at mean 0 and standard deviation 1.
    """

    x: Floats
    names: list[str]
    width: Floats
    centre: Floats
    spread: Floats
    z: Floats


def prepare(
    data: str | os.PathLike[str] | ArrayLike,
    *,
    columns: Sequence[str] | str | None = None,
    rng: RNGLike = None,
) -> Table:
    """Read a table of measurements, check it, spread its ties and standardise it.

    Parameters
    ----------
    data : str, path or array_like of shape (n,) or (n, d)
        A CSV file with a header line (:func:`read_csv`), a data frame, or the numbers.
    columns : list of str, optional
        Columns of the file or the data frame to use; for an array, their names.
    rng : seed or numpy.random.Generator, optional
        For the ties (:func:`spread_ties`).

    Returns
    -------
    Table

    Raises
    ------
    ValueError
        If the data are not fit for it, as :func:`read_csv` and :func:`standardise` say.

    Examples
    --------
    >>> from dpnotes import datasets, tables
    >>> table = tables.prepare(datasets.faithful(), columns=["length", "waiting"], rng=1)
    >>> table.z.shape, table.width.round(3).tolist()
    ((272, 2), [0.017, 1.0])
    """
    rng = check.rng("rng", rng)
    if isinstance(data, (str, os.PathLike)):
        x, names = _read("data", data, columns)
    else:
        x, names = _table("data", data, "columns", columns)
    width = _check(x, names)
    z, centre, spread = _scaled(_spread(x, width, rng))
    return Table(x, names, width, centre, spread, z)


@keyword_only("columns")
def read_csv(
    path: str | os.PathLike[str], *, columns: Sequence[str] | str | None = None
) -> tuple[Floats, list[str]]:
    """Read numeric columns of a CSV file with a header line.

    Cells are separated by commas, semicolons or tabs, whichever the header has most of; after
    semicolons a decimal comma is understood. Blank lines and nameless empty columns are skipped.

    Parameters
    ----------
    path : str or path
    columns : list of str, optional
        Names of the columns to read; all by default.

    Returns
    -------
    x : ndarray of shape (n, d)
    names : list of str

    Raises
    ------
    ValueError
        If a cell is empty or not a finite number, a column is missing or only counts the rows, or
        the file cannot be read or is not a table of text; the message says which and what to do.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> from dpnotes import tables
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder) / "data.csv"
    ...     _ = path.write_text("age,name\\n31,Ann\\n45,Bob\\n")
    ...     tables.read_csv(path, columns=["age"])
    (array([[31.],
           [45.]]), ['age'])
    """
    return _read("path", path, columns)


def _read(
    argument: str, path: str | os.PathLike[str], columns: Sequence[str] | str | None
) -> tuple[Floats, list[str]]:
    header, rows, semicolons = _cells(argument, path)
    usable = [
        name
        for name, *cells in zip(header, *rows.values(), strict=True)
        if name and cells and all(map(_is_number, cells)) and not _counts(cells)
    ]
    advice = f"columns={usable}" if 0 < len(usable) <= 6 else "columns=[...]"
    if columns is None:
        columns = header
        for name, *cells in zip(header, *rows.values(), strict=True):
            if len(header) > 1 and _counts(cells):
                expected = f"measurements; it counts the rows, so read only {advice}"
                check.fail("columns", name, expected)
    names = _names("columns", columns)
    where = _places("columns", names, header)
    commas = semicolons and not any("." in row[j] for row in rows.values() for j in where)
    x = np.empty((len(rows), len(where)))
    for i, (line, row) in enumerate(rows.items()):
        for j, name in enumerate(names):
            cell = row[where[j]].replace(",", ".") if commas else row[where[j]]
            x[i, j] = _number(cell, f"column {name!r}, line {line}", advice)
    return x, names


def _cells(
    argument: str, path: str | os.PathLike[str]
) -> tuple[list[str], dict[int, list[str]], bool]:
    """Return the header, the rows by line of the file, and whether semicolons separate cells."""
    try:
        text = pathlib.Path(path).read_text(encoding="utf-8-sig")
        first = next((line for line in text.splitlines() if line.strip()), "")
        separator = max(",;\t", key=first.count)
        reader = csv.reader(io.StringIO(text), delimiter=separator)
        rows = {}
        for row in reader:
            rows[reader.line_num] = [cell.strip() for cell in row]
    except (UnicodeDecodeError, csv.Error):
        expected = "a table saved as text in UTF-8 (in a spreadsheet: CSV UTF-8)"
        check.fail(argument, str(path), expected)
    except (TypeError, ValueError, OSError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        check.fail(argument, path, f"the path of a file that can be read ({reason})")
    rows = {line: row for line, row in rows.items() if any(row)}
    if not rows:
        check.fail(argument, str(path), "a file with a header line and rows of numbers")
    header = rows.pop(next(iter(rows)))
    if all(map(_is_number, filter(None, header))):
        check.fail("header", header, "names of the columns in the first line; add a header line")
    for line, row in rows.items():
        if len(row) != len(header):
            check.fail(f"line {line}", row, f"{len(header)} cell(s), as in the first line {header}")
    used = [j for j, name in enumerate(header) if name or any(row[j] for row in rows.values())]
    rows = {line: [row[j] for j in used] for line, row in rows.items()}
    return [header[j] for j in used], rows, separator == ";"


def _is_number(cell: str) -> bool:
    try:
        return bool(np.isfinite(float(cell))) and "_" not in cell  # Python reads 1_000
    except ValueError:
        return False


def _counts(cells: list[str]) -> bool:
    """Return whether the cells are 0, 1, 2, ... or 1, 2, 3, ...: the number of the row."""
    counts = ([str(i + first) for i in range(len(cells))] for first in (0, 1))
    return len(cells) > 2 and cells in counts


def _number(cell: str, where: str, advice: str) -> float:
    if cell.lower() in ("", "na", "n/a", "#n/a", "nan", "null", "none", "?", "-", "."):
        check.fail(where, cell, f"a number; fill the gap, drop the row, or read only {advice}")
    if not _is_number(cell):
        digits = sum(map(str.isdigit, cell)) > len(cell) / 2
        plain = "a plain number such as 1234.5" if digits else "a number"
        check.fail(where, cell, f"{plain}; recode it, or read only {advice}")
    if abs(float(cell)) > LARGE:
        check.fail(where, cell, f"at most {LARGE} in size; change the unit")
    return float(cell)


def _names(label: str, names: Any) -> list[str]:
    """Return the names of columns as a list of strings; a data frame may count its columns."""
    unordered = isinstance(names, (bytes, Mapping, Set)) or hasattr(names, "columns")
    listed = np.iterable(names) and not unordered
    several = [names] if isinstance(names, str) else list(names) if listed else []
    if not several or not all(isinstance(name, (str, int, np.integer)) for name in several):
        check.fail(label, names, "a list of names, one a column")
    return [str(name) for name in several]


def _places(label: str, names: list[str], found: list[str]) -> list[int]:
    """Return where the columns of these names are among those found."""
    for name in names:
        if found.count(name) != 1:
            check.fail(label, name, f"names of one column each among {found}")
    return [found.index(name) for name in names]


def _table(argument: str, value: Any, label: str, names: Any) -> tuple[Floats, list[str]]:
    """Return finite numbers of shape (n, d) and the names of their columns.

    The names given choose columns of a data frame; an array's columns are called by them.
    """
    columns, found = _columns(argument, value)
    if names is None:
        names = found or [f"column {j}" for j in range(len(columns))]
    else:
        names = _names(label, names)
        if hasattr(value, "columns"):
            columns = [columns[j] for j in _places(label, names, found)]
        elif len(names) != len(columns):
            check.fail(label, names, f"{len(columns)} names, one a column of the array")
    return np.column_stack([_floats(n, c) for n, c in zip(names, columns, strict=True)]), names


def _columns(argument: str, value: Any) -> tuple[list[Any], list[str]]:
    """Return the columns of a table as they came, and their names if it has any."""
    names: list[Any] = []
    if hasattr(value, "columns"):  # a data frame, whose columns differ in kind
        names = list(value.columns)
        if hasattr(value, "iloc"):  # of pandas, where two columns may have one name
            columns = [value.iloc[:, j] for j in range(len(names))]
        else:
            columns = [value[name] for name in names]
    elif hasattr(value, "iloc"):
        columns, names = [value], [] if value.name is None else [value.name]
    else:
        array = value if isinstance(value, np.ma.MaskedArray) else _array(argument, value)
        if array.ndim not in (1, 2) or array.size == 0:
            check.refuse(argument, f"array of shape {array.shape}", "shape (n,) or (n, d)")
        columns = list(array.T) if array.ndim == 2 else [array]
    if not columns or len(columns[0]) == 0:
        check.refuse(argument, "an empty data frame", "rows and columns")
    return columns, [str(name) for name in names]


def _array(argument: str, value: Any) -> np.ndarray[Any, Any]:
    try:
        array = np.asarray(value)
        # As objects a number beside a word stays a number, and the word is found.
        plain = array.dtype.kind in "biuf" or isinstance(value, np.ndarray)
        return array if plain else np.array(value, dtype=object)
    except (TypeError, ValueError, OverflowError):
        check.fail(argument, value, "rows of one length each, as many numbers as columns")


def _floats(name: str, values: Any) -> Floats:
    """Return a column as finite floats; a cell that is none is refused with its row."""
    advice = "a number; drop or fill the rows with gaps, leave columns of text out"
    if str(getattr(values, "dtype", "")) == "category":
        check.refuse(name, "a column of categories", advice)
    masked = np.ma.getmaskarray(values) if isinstance(values, np.ma.MaskedArray) else np.False_
    if masked.any():
        i = int(masked.argmax())
        check.refuse(f"{name}, row {i + 1}", "a masked value", advice)
    column = np.asarray(values)
    if column.dtype.kind not in "biuf":
        for i, cell in enumerate(column):
            if not _is_real(cell):
                check.fail(f"{name}, row {i + 1}", cell, advice)
    with np.errstate(over="ignore"):
        column = column.astype(float)
    bad = ~np.isfinite(column)
    if bad.any():
        i = int(bad.argmax())
        advice = f"a finite number; drop or fill the {bad.sum()} row(s) like it"
        check.fail(f"{name}, row {i + 1}", float(column[i]), advice)
    i = int(np.abs(column).argmax())
    if abs(column[i]) > LARGE:
        check.fail(
            f"{name}, row {i + 1}", float(column[i]), f"at most {LARGE} in size; change the unit"
        )
    return column


def _is_real(value: object) -> bool:
    """Return whether a float holds the value; NumPy takes a time difference for an integer."""
    try:
        if isinstance(value, (Real, Decimal)) and not isinstance(value, np.timedelta64):
            float(value)
            return True
    except (OverflowError, ValueError):
        pass
    return False


def _check(x: Floats, names: list[str]) -> Floats:
    """Refuse a table that is not fit to be clustered; return what its columns are rounded to."""
    if len(x) < LEAST_ROWS:
        check.refuse("x", f"{len(x)} row(s)", f"at least {LEAST_ROWS}; one row an observation")
    if x.shape[1] >= len(x):
        check.refuse("x", f"array of shape {x.shape}", "more rows than columns; choose columns")
    width = [_check_column(name, column) for name, column in zip(names, x.T, strict=True)]
    _check_together(names, _scaled(x)[0])
    return np.array(width)


def _check_column(name: str, column: Floats) -> float:
    size = np.ptp(column)
    if size <= 1e-12 * np.abs(column).max():
        check.fail(name, float(column[0]), "values that differ; drop a constant column")
    if size < 1 / LARGE:
        shown, expected = f"values that differ by {size:.3g}", f"at least {1 / LARGE:g}"
        check.refuse(name, shown, f"{expected}; change the unit")
    values = np.unique(column)
    if len(values) < 4:
        check.fail(
            name, values, "a measurement, with 4 values or more; leave a column of codes out"
        )
    width = _rounding(values, len(column))
    low, middle, high = np.quantile(column, [0.25, 0.5, 0.75])
    away = np.abs(column - middle)
    # Where the middle half is one value, it is as wide as its rounding.
    if away.max() > FAR * (high - low if high > low else width):
        i = int(away.argmax())
        advice = "a value nearer the others: it is over 1e6 times as far off as they are; "
        advice += "correct a misprint or a wrong unit, or take logarithms"
        check.fail(f"{name}, row {i + 1}", float(column[i]), advice)
    return width


@keyword_only("names")
def standardise(
    x: ArrayLike, *, names: Sequence[str] | str | None = None
) -> tuple[Floats, Floats, Floats]:
    """Check a table of measurements and bring each column to mean 0 and standard deviation 1.

    Parameters
    ----------
    x : array_like of shape (n,) or (n, d)
    names : list of str, optional
        Names of the columns, for the messages; or which columns of a data frame to take.

    Returns
    -------
    z : ndarray of shape (n, d)
    centre, spread : ndarray of shape (d,)
        Means and standard deviations of the columns; x = centre + spread * z.

    Raises
    ------
    ValueError
        If there are fewer than 10 rows, a value is not a finite number, a column is constant or
        follows from the others, or a value lies absurdly far from its column; the message says
        what to do.

    Examples
    --------
    >>> from dpnotes import tables
    >>> z, centre, spread = tables.standardise([1, 2, 3, 4, 5, 6, 7, 8, 9, 10])
    >>> centre.tolist(), round(float(spread[0]), 3)
    ([5.5], 2.872)
    """
    x, names = _table("x", x, "names", names)
    _check(x, names)
    return _scaled(x)


def _scaled(x: Floats) -> tuple[Floats, Floats, Floats]:
    centre, spread = x.mean(axis=0), x.std(axis=0)
    return (x - centre) / spread, centre, spread


def _check_together(names: list[str], z: Floats) -> None:
    """Refuse columns one of which is, nearly, a sum of multiples of the others."""
    least, directions = np.linalg.eigh(z.T @ z / len(z))
    if least[0] < DEPENDENT:
        weight = np.abs(directions[:, 0])
        involved = [name for name, w in zip(names, weight, strict=True) if w > weight.max() / 100]
        check.fail("columns", involved, "none that follows from the others; leave one of them out")


@keyword_only("rng")
def spread_ties(x: ArrayLike, *, rng: RNGLike = None) -> tuple[Floats, Floats]:
    """Spread the values of columns with ties at random over the width of their rounding.

    Where values repeat they were rounded, and a mixture that may learn any scale would put a
    cluster of no width on each repeated value. A column with ties is taken as rounded to the
    median gap between its neighbouring values, and each value moves by less than half of it.

    Parameters
    ----------
    x : array_like of shape (n,) or (n, d)
    rng : seed or numpy.random.Generator, optional

    Returns
    -------
    x : ndarray of shape (n, d)
    width : ndarray of shape (d,)
        What each column was taken as rounded to; 0 for a column without ties, which stays.

    Raises
    ------
    ValueError
        If x is not a table of finite numbers.

    Examples
    --------
    >>> from dpnotes import tables
    >>> x, width = tables.spread_ties([[3, 0.1], [4, 0.7], [4, 0.2]], rng=1)
    >>> x.round(2).tolist(), width.tolist()
    ([[3.01, 0.1], [3.64, 0.7], [3.81, 0.2]], [1.0, 0.0])
    """
    x, rng = _table("x", x, "names", None)[0], check.rng("rng", rng)
    width = np.array([_rounding(np.unique(column), len(x)) for column in x.T])
    return _spread(x, width, rng), width


def _rounding(values: Floats, n: int) -> float:
    """Return what a column of n numbers with these different values is rounded to."""
    return float(np.median(np.diff(values))) if 1 < len(values) < n else 0.0


def _spread(x: Floats, width: Floats, rng: np.random.Generator) -> Floats:
    return x + width * (rng.random(x.shape) - 0.5) if width.any() else x
