"""Reading a table of measurements, and making it fit to be clustered."""

import csv
import gzip
import io
import os
import pathlib
import re
import zlib
from collections.abc import Callable, Mapping, Sequence, Set
from functools import partial
from typing import IO, Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from . import _validate as check
from ._deprecated import keyword_only
from ._types import Floats, RNGLike

LEAST_ROWS = 10
LEAST_VALUES = 4  # of a column that is a measurement
FAR = 1e6  # a value this many times the middle half's width from the median is a slip
DEPENDENT = 1e-5  # a combination of standardised columns with a smaller variance is no data
WHOLE = "a whole number that a float holds, up to 2**53; a longer one names something"
PLAIN = "a table saved as text in UTF-8 (in a spreadsheet: CSV UTF-8)"
LARGE = 1e150  # a larger number, or a smaller difference than 1 / LARGE, has no square
NO_NAME = "", "na", "n/a", "#n/a", "<na>", "nan"  # in small letters: gaps of categories, too
GAPS = *NO_NAME, "null", "none", "?", "-", "."  # gaps among numbers
SAME = 1e-12  # numbers that differ by less, as a share of the largest, are one: rounding of floats

Source = str | os.PathLike[str] | IO[str] | IO[bytes]


class Table(NamedTuple):
    """A table of measurements made fit to be clustered, see :func:`prepare`.

    Attributes
    ----------
    x : ndarray of shape (n, d)
        The measurements as they came.
    names : list of str
        Names of the columns.
    width : ndarray of shape (d,)
        What the values that repeat were taken as rounded to; 0 for columns without any.
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
    data: Source | ArrayLike,
    *,
    columns: Sequence[str] | str | None = None,
    rng: RNGLike = None,
    few_values: bool = False,
    decimal: str | None = None,
    thousands: str | None = None,
) -> Table:
    """Read a table of measurements, check it, spread its ties and standardise it.

    Parameters
    ----------
    data : str, path, file or array_like of shape (n,) or (n, d)
        A CSV file with a header line (:func:`read_csv`), a data frame (of pandas, polars, Arrow),
        or the numbers.
    columns : list of str, optional
        Columns of the file or the data frame to use, in this order; for an array, their names.
    rng : seed or numpy.random.Generator, optional
        For the ties (:func:`spread_ties`).
    few_values : bool
        Whether a column may have two or three values, too, which are spread as all that repeat.
    decimal, thousands : str, optional
        How a file writes numbers, as in :func:`read_csv`.

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
    ((272, 2), [0.016, 1.0])

    What usually goes wrong in a file, and what is said of it:

    >>> import io, textwrap
    >>> def refused(data, columns=None):
    ...     try:
    ...         tables.prepare(data, columns=columns, rng=1)
    ...     except ValueError as error:
    ...         print(textwrap.fill(str(error), 76, subsequent_indent="  "))
    >>> refused(io.StringIO("3.6,79\\n1.8,54"))
    header = ['3.6', '79']: expected names of the columns in the first line; add
      a header line
    >>> refused(io.StringIO("a,b\\n3.6,79\\n1.8,"))
    column 'b', line 3 = '': expected a number; fill the gap, drop the row, or
      read only columns=['a']
    >>> refused(io.StringIO("a,b\\n3.6,x\\n1.8,y"))
    column 'b', line 2 = 'x': expected a number; recode it, or read only
      columns=['a']
    >>> refused(io.StringIO("id,a\\n1,3.6\\n2,1.8\\n3,3.3"))
    columns = 'id': expected measurements; it counts the rows, so read only
      columns=['a']
    >>> refused(io.StringIO("a,b\\n3.6,79\\n1.8,54\\n3.3"))
    line 4 = ['3.3']: expected 2 cell(s), as in the first line ['a', 'b']

    And in the numbers; the last is one value in another unit:

    >>> import numpy as np
    >>> good = np.linspace(0, 1, 12)
    >>> refused(np.append(good, np.nan))
    column 0, row 13 = nan: expected a finite number; drop or fill the 1 row(s)
      like it
    >>> refused(np.column_stack([good, np.full(12, 3.0)]), ["age", "site"])
    site = 3.0: expected values that differ; drop a constant column
    >>> refused(np.column_stack([good, 2 * good]), ["cm", "inch"])
    columns = ['cm', 'inch']: expected none that follows from the others; leave
      one of them out
    >>> refused([0, 1] * 6, ["sex"])
    sex = array([0., 1.]): expected a measurement, with 4 values or more; leave
      a column of codes out
    >>> refused([[1.0, 2.0]])
    x = 1 row(s): expected at least 10; one row an observation
    >>> refused(np.append(good, 2e6), ["dose"])
    dose, row 13 = 2000000.0: expected a value nearer the others: it is over 1e6
      times as far off as they are; correct a misprint or a wrong unit, or take
      logarithms
    """
    rng, few_values = check.rng("rng", rng), check.flag("few_values", few_values)
    source: Any = data
    if _is_file(data, decimal, thousands):
        x, names = _read("data", source, columns, decimal, thousands)
    else:
        x, names = _table("data", data, "columns", columns)
    width = _check(x, names, 2 if few_values else LEAST_VALUES)
    z, centre, spread = _scaled(_spread(x, width, rng))
    return Table(x, names, width, centre, spread, z)


def _is_file(data: Any, decimal: str | None, thousands: str | None) -> bool:
    """Return whether data are a file; how numbers are written is said of a file alone."""
    file = isinstance(data, (str, os.PathLike)) or hasattr(data, "read")
    for name, mark in (("decimal", decimal), ("thousands", thousands)):
        if not file and mark is not None:
            check.fail(name, mark, "None, for data that are no file of text")
    return file


@keyword_only("columns")
def read_csv(
    path: Source,
    *,
    columns: Sequence[str] | str | None = None,
    decimal: str | None = None,
    thousands: str | None = None,
) -> tuple[Floats, list[str]]:
    """Read numeric columns of a CSV file with a header line.

    Cells are separated by commas, semicolons or tabs, whichever the header has most of, or by what
    a first line such as ``sep=;`` says. After semicolons and tabs a decimal comma is understood.
    Where numbers can be read in two ways, as 1.234 can after semicolons, they are not read until
    ``decimal`` or ``thousands`` says which. Blank lines and nameless empty columns are skipped.

    Parameters
    ----------
    path : str, path or file
        A file on disk or an open one, also if compressed by gzip.
    columns : list of str, optional
        Names of the columns to read, in this order; all by default.
    decimal : {".", ","}, optional
        What stands before the decimals.
    thousands : str, optional
        What stands between groups of three digits, such as "." or a space; nothing by default.

    Returns
    -------
    x : ndarray of shape (n, d)
    names : list of str

    Raises
    ------
    ValueError
        If a cell is empty, not a finite number or can be read in two ways, a column is missing or
        only counts the rows, or the file cannot be read or is not a table of text; the message says
        which and what to do.

    Examples
    --------
    >>> import io
    >>> from dpnotes import tables
    >>> tables.read_csv(io.StringIO("age,name\\n31,Ann\\n45,Bob\\n"), columns=["age"])
    (array([[31.],
           [45.]]), ['age'])
    >>> german = "town;people;rain\\nUlm;129.942;0,7\\nAalen;68.816;0,9\\n"
    >>> tables.read_csv(io.StringIO(german), columns=["people", "rain"], thousands=".")[0].tolist()
    [[129942.0, 0.7], [68816.0, 0.9]]
    """
    return _read("path", path, columns, decimal, thousands)


def _read(
    argument: str,
    path: Source,
    columns: Sequence[str] | str | None,
    decimal: str | None = None,
    thousands: str | None = None,
) -> tuple[Floats, list[str]]:
    _check_marks(decimal, thousands)
    header, rows, separator = _cells(argument, path, decimal)
    by_name = list(zip(header, *rows.values(), strict=True))
    usable = _usable(by_name, separator, decimal, thousands)
    advice = f"columns={usable}" if 0 < len(usable) <= 6 else "columns=[...]"
    if columns is None:
        columns = header
        for name, *cells in by_name:
            if len(header) > 1 and _counts(cells):
                expected = f"measurements; it counts the rows, so read only {advice}"
                check.fail("columns", name, expected)
    names = _names("columns", columns)
    where = _places("columns", names, header)
    cells = [row[j] for row in rows.values() for j in where]
    marks = _marks(cells, separator, decimal, thousands)
    x = np.empty((len(rows), len(where)))
    for i, (line, row) in enumerate(rows.items()):
        for j, name in enumerate(names):
            x[i, j] = _number(row[where[j]], marks, f"column {name!r}, line {line}", advice)
    if decimal is None and thousands is None and separator != ",":
        _ask(cells, rows, names, where)
    return x, names


def _check_marks(decimal: str | None, thousands: str | None) -> None:
    if decimal is not None and check.text("decimal", decimal) not in (".", ","):
        check.fail("decimal", decimal, "'.' or ','")
    if thousands is not None:
        mark = check.text("thousands", thousands)
        if len(mark) != 1 or mark.isalnum() or mark in "+-" or mark == decimal:
            expected = "one character that is no digit, letter or sign, and not that of decimal"
            check.fail("thousands", thousands, expected)


def _usable(
    by_name: list[tuple[str, ...]], separator: str, decimal: str | None, thousands: str | None
) -> list[str]:
    """Return the names of columns of numbers that do not only count the rows.

    A column is its name and its cells.
    """
    cells = [cell for _, *column in by_name for cell in column]
    marks = _marks(cells, separator, decimal, thousands)
    return [
        name
        for name, *cells in by_name
        if name and cells and all(_plain(cell, *marks) for cell in cells) and not _counts(cells)
    ]


def _read_cells(
    argument: str, path: Source, columns: Any, decimal: str | None, thousands: str | None
) -> list[tuple[str, np.ndarray[Any, Any], Callable[[int], str], np.ndarray[Any, Any]]]:
    """Return columns of a file: names, cells, what to call each cell, and cells as written.

    A cell is a number, a bool, text, or None for a gap.
    """
    _check_marks(decimal, thousands)
    header, rows, separator = _cells(argument, path, decimal)
    names = header if columns is None else _names("columns", columns)
    where = _places("columns", names, header)
    among = [row[j] for row in rows.values() for j in where]
    marks = _marks(among, separator, decimal, thousands)
    if decimal is None and thousands is None and separator != ",":
        _ask(among, rows, names, where)
    lines = list(rows)
    result: list[Any] = []
    for name, j in zip(names, where, strict=True):
        cells = [row[j] for row in rows.values()]
        if columns is None and len(header) > 1 and _counts(cells):
            check.fail("columns", name, "data; it counts the rows, so name the others in columns")
        values = np.array([_value(cell, marks) for cell in cells], dtype=object)
        result.append((name, values, partial(_line, name, lines), np.array(cells, dtype=object)))
    return result


def _line(name: str, lines: list[int], i: int) -> str:
    return f"column {name!r}, line {lines[i]}"


def _value(cell: str, marks: tuple[str, str | None]) -> float | bool | str | None:
    lowered, plain = cell.lower(), _plain(cell, *marks)
    if lowered in GAPS:
        return None
    if lowered in ("true", "false"):
        return lowered == "true"
    if plain is None or (re.fullmatch(r"[+-]?\d+", plain) and int(plain) != float(plain)):
        return cell  # a whole number that no float holds is a name
    return float(plain)


def _marks(
    cells: list[str], separator: str, decimal: str | None, thousands: str | None
) -> tuple[str, str | None]:
    """Return what stands before decimals and between thousands in these cells."""
    if decimal is None:
        numbers = [cell for cell in cells if re.fullmatch(r"[-+.,eE\d]+", cell)]
        commas = separator != "," and any("," in cell for cell in numbers)
        dots = any("." in cell for cell in numbers)
        decimal = "," if thousands == "." or (commas and not dots and thousands is None) else "."
    return decimal, thousands


def _ask(cells: list[str], rows: dict[int, list[str]], names: list[str], where: list[int]) -> None:
    """Refuse numbers that read one way in English and another in German."""
    marked = [cell for cell in cells if "." in cell or "," in cell]
    grouped = re.compile(r"[+-]?[1-9]\d{0,2}([.,]\d{3})", re.ASCII)
    if not marked or not all(map(grouped.fullmatch, marked)):
        return
    line, j = next((k, j) for k, row in rows.items() for j in where if row[j] == marked[0])
    mark = "," if "," in marked[0] else "."
    expected = (
        f"decimal={mark!r} if it is {marked[0].replace(',', '.')}, thousands={mark!r} if it is "
        f"{marked[0].replace(mark, '')}: which? Say it with the file"
    )
    check.fail(f"column {names[where.index(j)]!r}, line {line}", marked[0], expected)


def _text(argument: str, path: Any) -> str:
    """Return the text of a file on disk or an open one, which gzip may have compressed."""
    try:
        content = path.read() if hasattr(path, "read") else pathlib.Path(path).read_bytes()
        if isinstance(content, bytes) and content.startswith(b"\x1f\x8b"):
            content = gzip.decompress(content)
        text = (
            content.decode("utf-8") if isinstance(content, bytes) else check.text("read()", content)
        )
        return text.removeprefix("\ufeff")
    except UnicodeDecodeError:
        check.fail(argument, str(path), PLAIN)
    except (EOFError, zlib.error, gzip.BadGzipFile):
        check.fail(argument, str(path), "a whole file; what gzip compressed is damaged or cut off")
    except (TypeError, ValueError, OSError) as error:
        reason = getattr(error, "strerror", None) or error
        check.fail(argument, path, f"the path of a file that can be read ({reason})")


def _cells(
    argument: str, path: Source, decimal: str | None
) -> tuple[list[str], dict[int, list[str]], str]:
    """Return the header, the rows by line of the file, and what separates cells."""
    text = _text(argument, path)
    first = next((line for line in text.splitlines() if line.strip()), "")
    told = re.fullmatch(r'"?sep=(.)"?', first.strip(" \r"), re.IGNORECASE)
    bare = re.sub('"[^"]*"', "", first)
    separator = (
        told[1] if told else max(",;\t", key=lambda mark: (bare.count(mark), mark != decimal))
    )
    rows = {}
    try:
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
        for row in reader:
            rows[reader.line_num] = [cell.strip() for cell in row]
    except (csv.Error, TypeError, ValueError):
        check.fail(argument, str(path), PLAIN)
    if "\0" in text:
        check.fail(argument, str(path), PLAIN)
    rows = {line: row for line, row in rows.items() if any(row)}
    if told:
        del rows[next(iter(rows))]
    if len(rows) < 2:
        check.fail(argument, str(path), "a file with a header line and rows of numbers")
    header = rows.pop(next(iter(rows)))
    numbers = [name for name in header if _plain(name, ".", None) or _plain(name, ",", None)]
    # A year may head a column; a number with decimals is no name.
    if numbers and (
        len(numbers) == len(list(filter(None, header))) or not all(map(str.isdigit, numbers))
    ):
        check.fail("header", header, "names of the columns in the first line; add a header line")
    for line, row in rows.items():
        if len(row) != len(header):
            check.fail(f"line {line}", row, f"{len(header)} cell(s), as in the first line {header}")
    used = [j for j, name in enumerate(header) if name or any(row[j] for row in rows.values())]
    rows = {line: [row[j] for j in used] for line, row in rows.items()}
    return [header[j] for j in used], rows, separator


def _plain(cell: str, decimal: str, thousands: str | None) -> str | None:
    """Return a number as Python writes it, None for what is no plain number.

    Python itself also reads 1_000, the digits of other scripts, infinity and 007.
    """
    whole = r"(?:0|[1-9]\d*)"
    if thousands is not None:
        whole = rf"(?:{whole}|[1-9]\d{{0,2}}(?:{re.escape(thousands)}\d{{3}})+)"
    point = re.escape(decimal)
    number = rf"[+-]?(?:{whole}(?:{point}\d*)?|{point}\d+)(?:[eE][+-]?\d+)?"
    if not re.fullmatch(number, cell, re.ASCII):
        return None
    if thousands is not None:
        cell = cell.replace(thousands, "")
    return cell.replace(decimal, ".")


def _counts(cells: list[str]) -> bool:
    """Return whether the cells are 0, 1, 2, ... or 1, 2, 3, ...: the number of the row."""
    counts = ([str(i + first) for i in range(len(cells))] for first in (0, 1))
    return len(cells) > 2 and cells in counts


def _number(cell: str, marks: tuple[str, str | None], where: str, advice: str) -> float:
    if cell.lower() in GAPS:
        check.fail(where, cell, f"a number; fill the gap, drop the row, or read only {advice}")
    plain = _plain(cell, *marks)
    if plain is None and re.fullmatch(r"[+-]?0\d+", cell, re.ASCII):
        expected = f"no zeros in front; is it a code, as of a place? If so, read only {advice}"
        check.fail(where, cell, expected)
    if plain is None:
        digits = sum(map(str.isdigit, cell)) > len(cell) / 2
        expected = "a plain number such as 1234.5" if digits else "a number"
        if digits and re.fullmatch(r"[-+\d.,'\s]+", cell):
            expected += f" (decimal={marks[0]!r}, thousands={marks[1]!r}: see tables.read_csv)"
        check.fail(where, cell, f"{expected}; recode it, or read only {advice}")
    value = float(plain)
    if abs(value) > LARGE:
        check.fail(where, cell, f"at most {LARGE} in size; change the unit")
    if re.fullmatch(r"[+-]?\d+", plain) and int(plain) != value:
        check.fail(where, cell, f"{WHOLE}; read only {advice}")
    return value


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
    names, columns = _chosen(label, names, found, columns)
    return np.column_stack([_floats(n, c) for n, c in zip(names, columns, strict=True)]), names


def _chosen(
    label: str, names: Any, found: list[str], columns: list[Any]
) -> tuple[list[str], list[Any]]:
    """Return the columns that are asked for, with their names."""
    if names is None:
        return found or [f"column {j}" for j in range(len(columns))], columns
    names = _names(label, names)
    if found:
        return names, [columns[j] for j in _places(label, names, found)]
    if len(names) != len(columns):
        check.fail(label, names, f"{len(columns)} names, one a column of the array")
    return names, columns


def _columns(argument: str, value: Any, bools: bool = False) -> tuple[list[Any], list[str]]:
    """Return the columns of a table as they came, and their names if it has any.

    Bools in lists are refused, unless they are cells of their own.
    """
    names: list[str] = []
    table = check.frame(value)
    if table is not None:  # its columns differ in kind
        names, columns = table
    elif hasattr(value, "to_numpy") and np.ndim(value) == 1:  # one column
        name = getattr(value, "name", None)
        columns, names = [value], [] if name in (None, "") else [str(name)]
    elif isinstance(value, Mapping):
        check.fail(argument, value, "an array or a data frame, as pandas.DataFrame makes of a dict")
    else:
        array = value if isinstance(value, np.ma.MaskedArray) else _array(argument, value, bools)
        if array.ndim not in (1, 2) or array.size == 0:
            check.refuse(argument, f"array of shape {array.shape}", "shape (n,) or (n, d)")
        columns = list(array.T) if array.ndim == 2 else [array]
    if not columns or np.ndim(columns[0]) != 1 or len(columns[0]) == 0:
        check.refuse(argument, "an empty data frame", "rows and columns that are in memory")
    return columns, names


def _by_name(argument: str, found: list[str], columns: list[Any], names: list[str]) -> list[Any]:
    """Return the columns of a data frame with these names, of which there must be one each."""
    for name in names:
        if found.count(name) != 1:
            expected = f"a data frame with one column of each of the names {names}"
            check.fail(argument, list(found), expected)
    return [columns[found.index(name)] for name in names]


def _array(argument: str, value: Any, bools: bool) -> np.ndarray[Any, Any]:
    array = check.raw(argument, value, "rows of one length each, as many numbers as columns")
    if not bools:
        check.without_bools(argument, value)
    # As objects a number beside a word stays a number, and the word is found; so does a bool.
    plain = (array.dtype.kind in "biuf" and not bools) or isinstance(value, np.ndarray)
    return array if plain else np.array(value, dtype=object)


def _floats(name: str, values: Any) -> Floats:
    """Return a column as finite floats; a cell that is none is refused with its row."""
    advice = "a number; drop or fill the rows with gaps, leave columns of text out"
    if check.categorical(values):
        check.refuse(name, "a column of categories", advice)
    masked = np.ma.getmaskarray(values) if isinstance(values, np.ma.MaskedArray) else np.False_
    if masked.any():
        rows = f"a number; drop or fill the {masked.sum()} masked value(s) of this column"
        check.refuse(f"{name}, row {int(masked.argmax()) + 1}", "a masked value", rows)
    column = np.asarray(values)
    if column.dtype.kind not in "iuf":
        for i, cell in enumerate(column):
            if not check.is_number(cell):
                check.fail(f"{name}, row {i + 1}", cell, advice)
    with np.errstate(over="ignore"):
        given, column = column, column.astype(float)
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
    if abs(column[i]) >= check.MOST:
        for row, (cell, number) in enumerate(zip(given.tolist(), column.tolist(), strict=True), 1):
            if isinstance(cell, int) and cell != int(number):
                check.fail(f"{name}, row {row}", cell, WHOLE)
    return column


def _check(x: Floats, names: list[str], least: int = LEAST_VALUES) -> Floats:
    """Refuse a table that is not fit to be clustered; return what its columns are rounded to."""
    if len(x) < LEAST_ROWS:
        check.refuse("x", f"{len(x)} row(s)", f"at least {LEAST_ROWS}; one row an observation")
    if x.shape[1] >= len(x):
        check.refuse("x", f"array of shape {x.shape}", "more rows than columns; choose columns")
    width = [_check_column(name, column, least) for name, column in zip(names, x.T, strict=True)]
    _check_together(names, _scaled(x)[0])
    return np.array(width)


def _check_column(
    name: str, column: Floats, least: int, place: Callable[[int], str] | None = None
) -> float:
    """Refuse a column that is no measurement; return what it is rounded to."""
    size = np.ptp(column)
    if size <= 1e-12 * np.abs(column).max():
        check.fail(name, float(column[0]), "values that differ; drop a constant column")
    if size < 1 / LARGE:
        shown, expected = f"values that differ by {size:.3g}", f"at least {1 / LARGE:g}"
        check.refuse(name, shown, f"{expected}; change the unit")
    values = np.unique(column)
    if len(values) < least:
        expected = f"a measurement, with {least} values or more; leave a column of codes out"
        check.fail(name, values, expected)
    width, _ = _ties(column)
    low, middle, high = np.quantile(column, [0.25, 0.5, 0.75])
    away = np.abs(column - middle)
    # Where the middle half is one value, it is as wide as its rounding.
    if away.max() > FAR * (high - low if high > low else width):
        i = int(away.argmax())
        advice = "a value nearer the others: it is over 1e6 times as far off as they are; "
        advice += "correct a misprint or a wrong unit, or take logarithms"
        where = place(i) if place else f"{name}, row {i + 1}"
        check.fail(where, float(column[i]), advice)
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
    """Spread values that repeat at random over the width of their rounding.

    Where values repeat they were rounded, and a mixture that may learn any scale would put a
    cluster of no width on each repeated value. Those of a column are taken as rounded to the gap
    between them and their nearest neighbours: the median such gap, or the median gap between all
    neighbouring values where this is smaller. Each moves by less than half of it. A value that
    occurs once stays, and so does a constant column.

    Parameters
    ----------
    x : array_like of shape (n,) or (n, d)
    rng : seed or numpy.random.Generator, optional

    Returns
    -------
    x : ndarray of shape (n, d)
    width : ndarray of shape (d,)
        What the repeated values of each column were taken as rounded to; 0 where none moved.

    Raises
    ------
    ValueError
        If x is not a table of finite numbers.

    Examples
    --------
    >>> from dpnotes import tables
    >>> x, width = tables.spread_ties([[3, 0.1], [4, 0.7], [4, 0.2]], rng=1)
    >>> x.round(2).tolist(), width.tolist()
    ([[3.0, 0.1], [3.64, 0.7], [3.81, 0.2]], [1.0, 0.0])
    """
    x, rng = _table("x", x, "names", None)[0], check.rng("rng", rng)
    width = np.array([_ties(column)[0] for column in x.T])
    return _spread(x, width, rng), width


def _ties(column: Floats) -> tuple[float, np.ndarray[Any, np.dtype[np.bool_]]]:
    """Return what the repeated values of a column are rounded to, and which these are."""
    order = np.argsort(column, kind="stable")
    gaps = np.diff(column[order])
    apart = gaps > SAME * np.abs(column).max()
    group = np.append(0, np.cumsum(apart))
    repeats = np.bincount(group)[group] > 1
    result = np.empty(len(column), bool)
    result[order] = repeats
    gaps = gaps[apart]
    if not len(gaps) or not repeats.any():
        return 0.0, result
    nearest = np.minimum(np.append(np.inf, gaps), np.append(gaps, np.inf))
    return float(min(np.median(nearest[np.bincount(group) > 1]), np.median(gaps))), result


def _spread(x: Floats, width: Floats, rng: np.random.Generator) -> Floats:
    if not width.any():
        return x
    repeats = np.column_stack([_ties(column)[1] for column in x.T])
    return np.where(repeats, x + width * (rng.random(x.shape) - 0.5), x)
