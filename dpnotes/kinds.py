"""What each column of a table is, the family that goes with it, and cells that are missing."""

import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from . import _validate as check
from . import tables
from ._types import Floats, RNGLike
from .components import (
    BernoulliBeta,
    CategoricalDirichlet,
    NormalInverseGamma,
    PoissonGamma,
    Product,
    WithGaps,
)

KINDS = "measurement", "amount", "count", "yes/no", "category"
MISSING = "error", "ignore", "draw"
OTHERS = (
    "or missing='ignore', which integrates gaps out, or 'draw', which draws them among measurements"
)
SKEWED = 1.0  # skewness beyond which a column > 0 may be one of amounts
FARTHEST = 1e300  # from the centre, in standard deviations: beyond is as far out
LEAST_VALUES = 4  # fewer are codes or counts, which only the user can tell apart

Place = Callable[[int], str]
Asked = str | Mapping[str, str] | Mapping[int, str] | None


@dataclass(frozen=True, eq=False)
class Column:
    """What a column is taken for, and how its cells become numbers for the model.

    Attributes
    ----------
    name, kind, why : str
        The kind is one of ``KINDS``.
    missing : int
        Number of cells without a value.
    levels : tuple
        The categories, in order; their places are the codes.
    centre, spread : float
        Mean and standard deviation of a measurement, or of the logarithms of an amount; the mean
        of a count. 0 and 1 for codes.
    width : float
        What the repeated values of a measurement or an amount were taken as rounded to.
    words : tuple of str
        What stood in a file for a missing cell, other than nothing.
    """

    name: str
    kind: str
    why: str
    missing: int = 0
    levels: tuple[Any, ...] = ()
    centre: float = 0.0
    spread: float = 1.0
    width: float = 0.0
    words: tuple[str, ...] = ()

    def _family(self, width: float = 1.0) -> Any:
        """Return the family of the column, with the weak prior that :func:`prepare` states.

        Clusters of measurements are so many times as wide.
        """
        if self.kind == "count":
            return PoissonGamma(a=1, b=1 / self.centre)
        if self.kind == "yes/no":
            return BernoulliBeta(a=1, b=1)
        if self.kind == "category":
            return CategoricalDirichlet(np.full(len(self.levels), 2 / len(self.levels)))
        return NormalInverseGamma(mean=0, strength=0.25, shape=2, rate=0.25 * width**2)

    def _scaled(self, x: Floats) -> Floats:
        """Return what the model sees of cells in the units of the data."""
        if self.kind not in ("measurement", "amount"):
            return x
        y = np.log(x) if self.kind == "amount" else x
        with np.errstate(over="ignore"):
            return np.clip((y - self.centre) / self.spread, -FARTHEST, FARTHEST)

    def _units(self, z: Floats) -> Floats:
        """Return cells as the model has them in the units of the data."""
        if self.kind not in ("measurement", "amount"):
            return z
        with np.errstate(over="ignore"):
            y = self.centre + self.spread * z
            return np.exp(y) if self.kind == "amount" else y

    def _log_volume(self, z: Floats) -> Floats:
        """Return the log of how much longer a step is in units of the data than in z; 0 of gaps."""
        if self.kind not in ("measurement", "amount"):
            return np.zeros(len(z))
        logs = self.centre + self.spread * z if self.kind == "amount" else 0.0
        return np.where(np.isnan(z), 0.0, np.log(self.spread) + logs)

    def _summary(self, x: Floats) -> str:
        """Return a few words about some cells: mean (sd), share of yes, or the commonest level."""
        seen = x[~np.isnan(x)]
        if not len(seen):
            return "-"
        if self.kind == "yes/no":
            return f"{seen.mean():.0%} yes"
        if self.kind == "category":
            sizes = np.bincount(seen.astype(np.intp))
            return f"{self.levels[sizes.argmax()]} {sizes.max() / len(seen):.0%}"
        return f"{seen.mean():.4g} ({seen.std():.2g})"

    def __str__(self) -> str:
        """A line for the report: what the column is taken for and why."""
        gaps = f"; {self.missing} cell(s) missing" if self.missing else ""
        if self.words:
            gaps += f", also where it says {', '.join(map(repr, self.words))}"
        levels = f" of {len(self.levels)} levels" if self.levels else ""
        return f"{self.name}: {self.kind}{levels} ({self.why}){gaps}."


class Kinds:
    """The columns of a table that are not all measurements, or have gaps.

    Parameters
    ----------
    columns : list of Column
    """

    def __init__(self, columns: Sequence[Column]) -> None:
        self.columns = list(columns)

    @property
    def names(self) -> list[str]:
        """The names of the columns."""
        return [column.name for column in self.columns]

    @property
    def gaps(self) -> bool:
        """Whether cells are missing."""
        return any(column.missing for column in self.columns)

    def _family(self, width: float = 1.0) -> Any:
        """Return the product of the columns' families, which takes gaps if the table has any."""
        product = Product([column._family(width) for column in self.columns])
        return WithGaps(product) if self.gaps else product

    def _scaled(self, x: Floats) -> Floats:
        """Return what the model sees of rows in the units of the data: shape (n, d)."""
        return np.column_stack([c._scaled(v) for c, v in zip(self.columns, x.T, strict=True)])

    def _log_volume(self, z: Floats) -> Floats:
        """Return what to take from the log density of rows z to have it in units of the data."""
        terms = [c._log_volume(v) for c, v in zip(self.columns, z.T, strict=True)]
        return np.sum(terms, axis=0)

    def _summary(self, x: Floats) -> list[str]:
        """Return a few words about each column of some rows."""
        return [c._summary(v) for c, v in zip(self.columns, x.T, strict=True)]

    def _means(self, x: Floats) -> Floats:
        """Return the mean of the values of each column, NaN of categories: shape (d,)."""
        return self._moments(x, np.mean)

    def _variances(self, x: Floats) -> Floats:
        """Return the variance of the values of each column, NaN of categories: shape (d,)."""
        return self._moments(x, np.var)

    def _moments(self, x: Floats, moment: Callable[[Floats], Any]) -> Floats:
        named = np.array([bool(column.levels) for column in self.columns])
        return np.where(named, np.nan, _moments(x, moment))

    def _rows(self, argument: str, value: Any) -> Floats:
        """Return rows of a table like the one analysed, in its units, categories as codes.

        Parameters
        ----------
        argument : str
            What to call the table in a message.
        value : data frame or array_like of shape (m, d)
            Columns of a data frame are chosen by name.

        Returns
        -------
        ndarray of shape (m, d)

        Raises
        ------
        ValueError
            If a column is missing, a cell is not of its column's kind, a category was never seen,
            or a gap stands where the analysis had none; the message names column and row.
        """
        frame = check.frame(value)
        if frame is not None:
            columns = tables._by_name(argument, *frame, self.names)
        else:
            columns = tables._columns(argument, value, bools=True)[0]
            if len(columns) != len(self.columns):
                check.refuse(
                    argument, f"{len(columns)} column(s)", f"{len(self.columns)}: {self.names}"
                )
        result = [
            _coded(_cells(column.name, cells), column.kind, column.levels)
            for column, cells in zip(self.columns, columns, strict=True)
        ]
        x = np.column_stack(result)
        if not self.gaps and np.isnan(x).any():
            i, j = np.argwhere(np.isnan(x))[0].tolist()
            expected = "a value: no cell was missing where it was fitted"
            check.refuse(f"{self.names[j]}, row {i + 1}", "a missing cell", expected)
        return x

    def __str__(self) -> str:
        """A line a column."""
        return "\n".join(map(str, self.columns))


def _moments(x: Floats, moment: Callable[[Floats], Any]) -> Floats:
    """Return a moment of the values of each column, NaN where there are none: shape (d,)."""
    return np.array([moment(v[~np.isnan(v)]) if (v == v).any() else np.nan for v in x.T])


@dataclass(frozen=True, eq=False)
class _Cells:
    """A column as it came: numbers with NaN for gaps, or, if some cells are none, the cells."""

    name: str
    numbers: Floats | None
    cells: NDArray[Any]
    gaps: NDArray[np.bool_]
    place: Place
    bools: bool
    written: NDArray[Any] | None = None  # in a file

    @property
    def words(self) -> tuple[str, ...]:
        """What stands in a file for a gap, other than nothing."""
        if self.written is None:
            return ()
        return tuple(sorted({word for word in self.written[self.gaps] if word}))

    @property
    def seen(self) -> Floats:
        return np.zeros(0) if self.numbers is None else self.numbers[~self.gaps]


def prepare(
    data: tables.Source | ArrayLike,
    *,
    columns: Sequence[str] | str | None = None,
    kinds: Asked = None,
    missing: str = "error",
    rng: RNGLike = None,
    decimal: str | None = None,
    thousands: str | None = None,
) -> tuple[tables.Table, Kinds | None]:
    """Read a table of columns of any kind, choose what each is, and make it fit to be clustered.

    A column of bools, or of 0 and 1 alone, is "yes/no"; every other column of numbers is a
    "measurement" unless ``kinds`` says otherwise. Whole numbers are not taken for counts, nor
    skewed ones for amounts, by themselves: ages and prices are either, and which is better only
    the user can say; the report of an analysis names such columns. "auto" lets the values decide:
    whole numbers >= 0 among which is a 0 are counts, and numbers > 0 with a skewness above 1, at
    least twice that of their logarithms, are amounts. Text is a category only where ``kinds`` says
    so. An empty cell of a file, NA, N/A and NaN are gaps in any column; null, none, ?, - and . are
    gaps among numbers, and levels of a category.

    Where all columns are measurements without gaps, this is :func:`dpnotes.tables.prepare`.
    Otherwise columns are independent within a cluster, and each has a fixed prior that is weak, in
    units of the column's own:

    - measurement: mean 0 and variance 1 over the column, whose repeated values are spread as by
      :func:`dpnotes.tables.spread_ties`; a cluster has a variance of prior mean 1/4 with four
      degrees of freedom, and a mean whose variance is four times as large, 1 as that of the data;
    - amount: the same of the logarithms, so that another unit only moves them;
    - count: a cluster's rate is exponential, its mean that of the column, which weighs as much as
      a sum of one event; a shape of 1 rules out neither rates near 0 nor several times the mean;
    - yes/no: all probabilities are alike, Beta(1, 1), as if one yes and one no had been seen;
    - category: Dirichlet(2/L, ..., 2/L) for L levels, as if two cells had been seen: the same for
      every order of the levels, and for two levels that of yes/no.

    Parameters
    ----------
    data : str, path, file, data frame or array_like of shape (n,) or (n, d)
    columns : list of str, optional
        As in :func:`dpnotes.tables.prepare`.
    kinds : str or dict of str to str, optional
        For columns by name, or for all: one of "measurement", "amount", "count", "yes/no",
        "category", "auto". An array's columns have their numbers for names, from 0.
    missing : {"error", "ignore", "draw"}
        Whether a gap is an error, or is integrated out (:class:`dpnotes.components.WithGaps`), or
        is left in a table of measurements, for a sampler with full covariance matrices to draw.
        Right where cells are missing at random.
    rng : seed or numpy.random.Generator, optional
        For values that repeat.
    decimal, thousands : str, optional
        How a file writes numbers, as in :func:`dpnotes.tables.read_csv`.

    Returns
    -------
    table : Table
        ``x`` in the units of the data, with NaN for gaps and codes for categories; ``z`` as the
        model has it.
    kinds : Kinds or None
        None if all columns are measurements without gaps, or with gaps to be drawn.

    Raises
    ------
    ValueError
        If a cell is not of its column's kind, a column has one value or none, gaps are to be drawn
        that no sampler draws, or the table is not fit for it otherwise; the message names column
        and row.

    Examples
    --------
    >>> import numpy as np
    >>> from dpnotes import kinds
    >>> x = np.column_stack([np.arange(12.0) ** 2, [0, 1] * 6, [0, 1, 2, 3] * 3])
    >>> table, found = kinds.prepare(
    ...     x, columns=["size", "ill", "visits"], kinds={"visits": "count"}, rng=1
    ... )
    >>> print(found)
    size: measurement (numbers).
    ill: yes/no (only 0 and 1).
    visits: count (as asked).
    """
    rng = check.rng("rng", rng)
    asked = _asked(kinds)
    check.one_of("missing", missing, MISSING)
    marks: dict[str, Any] = {"decimal": decimal, "thousands": thousands}
    if hasattr(data, "read"):  # read twice
        content: Any = data.read()
        data = io.BytesIO(content) if isinstance(content, bytes) else io.StringIO(content)
    if kinds is None and missing == "error":
        try:
            return tables.prepare(data, columns=columns, rng=rng, **marks), None
        except ValueError as error:
            found = _others(_again(data), columns, marks, error)
        return _mixed(found, None, missing, rng)
    found = _source(_again(data), columns, **marks)
    names = [column.name for column in found]
    asked = _by_name(asked, names)
    found = [_with_names(c) if _of(asked, c.name) == "category" else c for c in found]
    chosen = [_choose(column, _of(asked, column.name))[0] for column in found]
    gaps = any(column.gaps.any() for column in found)
    if not gaps and set(chosen) == {"measurement"}:
        return tables.prepare(_again(data), columns=columns, rng=rng, **marks), None
    if not gaps or missing != "draw":
        return _mixed(found, asked, missing, rng)
    for name, kind in zip(names, chosen, strict=True):
        if kind != "measurement":
            expected = f"'ignore', for only measurements are drawn, and {name} is of kind {kind!r}"
            check.fail("missing", missing, expected)
    return _with_gaps(_mixed(found, asked, missing, rng)[0]), None


def _with_gaps(table: tables.Table) -> tables.Table:
    """Return a table of measurements with gaps to be drawn, checked as one without gaps is."""
    n, d = table.x.shape
    if d == 1:
        check.fail("missing", "draw", "'ignore', for a gap of one column says nothing")
    if d >= n:
        check.refuse("x", f"array of shape {n, d}", "more rows than columns; choose columns")
    whole = table.x[~np.isnan(table.x).any(axis=1)]
    if len(whole) > d and np.ptp(whole, axis=0).all():
        tables._check_together(table.names, tables._scaled(whole)[0])
    return table


def _with_names(column: _Cells) -> _Cells:
    """Return a column of categories, in which a word such as none or ? is one, and no gap."""
    if column.written is None:
        return column
    named = [word.lower() not in tables.NO_NAME for word in column.written.tolist()] & column.gaps
    cells = np.where(named, column.written, column.cells)
    return replace(column, cells=cells, gaps=column.gaps & ~named)


def _asked(kinds: Any) -> dict[str | int, str] | str | None:
    """Return the kinds asked for, checked."""
    known = (*KINDS, "auto")
    if kinds is None or isinstance(kinds, str):
        return None if kinds is None else check.one_of("kinds", kinds, known)
    if not isinstance(kinds, Mapping) or not all(map(_is_name, kinds)):
        check.fail("kinds", kinds, f"names of columns with one of {known} each, or one for all")
    return {name: check.one_of(f"kinds[{name!r}]", kind, known) for name, kind in kinds.items()}


def _is_name(name: object) -> bool:
    return isinstance(name, (str, int, np.integer)) and not isinstance(name, bool)


def _by_name(
    asked: dict[str | int, str] | str | None, names: list[str]
) -> dict[str, str] | str | None:
    """Return the kinds asked for by the names of columns; numbers are those of an array's."""
    if not isinstance(asked, dict):
        return asked
    result: dict[str, str] = {}
    for given, kind in asked.items():
        # A data frame that counts its columns has the numbers themselves for names.
        name = next((n for n in (str(given), f"column {given}") if n in names), None)
        if name is None or name in result:
            known = f"names of columns, which are {names}"
            check.fail("kinds", given, known if name is None else "each column once")
        result[name] = kind
    return result


def _of(asked: dict[str, str] | str | None, name: str) -> str | None:
    return asked.get(name) if isinstance(asked, dict) else asked


def _again(data: Any) -> Any:
    if isinstance(data, (io.BytesIO, io.StringIO)):
        data.seek(0)
    return data


def _others(data: Any, columns: Any, marks: dict[str, Any], error: ValueError) -> list[_Cells]:
    """Return the columns of a table that holds some that are no measurements, or say what else."""
    try:
        found = _source(data, columns, **marks)
    except ValueError:
        raise error from None
    text = next((column for column in found if column.numbers is None), None)
    if text is not None and any(column.bools for column in found):
        _choose(text, None)  # bools are none of the reader's faults
    advice = [
        f"if {column.name} is a category, say kinds={{{column.name!r}: 'category'}}"
        for column in found
        if column.numbers is None and _may_be_category(column)
    ][:1]
    if any(column.gaps.any() for column in found):
        advice.append(OTHERS)
    if advice:
        raise ValueError("; ".join([str(error), *advice])) from None
    if text is None and any(_yes_or_no(column) for column in found):
        return found
    raise error


def _source(data: Any, columns: Any, decimal: str | None, thousands: str | None) -> list[_Cells]:
    """Return the columns of a file, a data frame or an array."""
    if tables._is_file(data, decimal, thousands):
        found = tables._read_cells("data", data, columns, decimal, thousands)
        return [
            replace(_cells(name, cells, place), written=written)
            for name, cells, place, written in found
        ]
    if isinstance(data, np.ndarray):
        _no_dates("data", data.dtype)
    parts, names = tables._columns("data", data)
    names, parts = tables._chosen("columns", columns, names, parts)
    return [_cells(name, cells) for name, cells in zip(names, parts, strict=True)]


def _cells(name: str, values: Any, place: Place | None = None) -> _Cells:
    place = place or (lambda i: f"{name}, row {i + 1}")
    masked = np.ma.getmaskarray(values) if isinstance(values, np.ma.MaskedArray) else False
    cells = np.ma.getdata(values) if isinstance(values, np.ma.MaskedArray) else _array(values)
    category, kind = check.categorical(values), cells.dtype.kind
    _no_dates(name, cells.dtype)
    if kind in "iuf" and not category:
        numbers = cells.astype(float)
        gaps = np.isnan(numbers) | masked
        _whole(cells, numbers, place)
    else:
        cells = cells.astype(object)
        gaps = np.array([check.is_gap(cell) for cell in cells], dtype=bool) | masked
        right = [g or _is_cell(cell) for cell, g in zip(cells, gaps, strict=True)]
        if not all(right):
            i = right.index(False)
            check.fail(place(i), cells[i], "a number, a bool or text; leave other columns out")
        plain = not category and not any(isinstance(cell, str) for cell in cells[~gaps])
        numbers = np.where(gaps, np.nan, cells).astype(float) if plain else None
    if numbers is not None:
        numbers = np.where(gaps, np.nan, numbers)
        _within(numbers, place)
    bools = bool((~gaps).any()) and all(isinstance(c, (bool, np.bool_)) for c in cells[~gaps][:1])
    return _Cells(name, numbers, cells, gaps, place, bools)


def _array(values: Any) -> np.ndarray:
    """Return a column as an array; NumPy loses the gaps of Arrow's dictionaries in chunks."""
    if hasattr(values, "to_pylist") and check.categorical(values):
        return np.array(values.to_pylist(), dtype=object)
    return np.asarray(values)


def _no_dates(name: str, dtype: np.dtype[Any]) -> None:
    if dtype.kind in "mM":
        check.refuse(name, "dates or durations", "numbers; leave them out, or count days")


def _whole(cells: Any, numbers: Floats, place: Place) -> None:
    """Refuse integers that no float holds."""
    if cells.dtype.kind == "f":
        return
    for i in np.flatnonzero(np.abs(numbers) >= check.MOST).tolist():
        if int(cells[i]) != int(numbers[i]):
            check.fail(place(i), int(cells[i]), tables.WHOLE)


def _is_cell(cell: Any) -> bool:
    return isinstance(cell, (str, bool, np.bool_)) or check.is_number(cell)


def _within(numbers: Floats, place: Place) -> None:
    bad = np.abs(numbers) > tables.LARGE
    if bad.any():
        i = int(bad.argmax())
        expected = f"a finite number, at most {tables.LARGE} in size; change the unit"
        check.fail(place(i), float(numbers[i]), expected)


def _telling(column: _Cells) -> int:
    """Return a row that shows why a column is none of numbers: its first text, or cell."""
    seen = np.flatnonzero(~column.gaps).tolist()
    return next((i for i in seen if isinstance(column.cells[i], str)), seen[0])


def _yes_or_no(column: _Cells) -> bool:
    return len(column.seen) > 0 and set(np.unique(column.seen).tolist()) == {0.0, 1.0}


def _choose(column: _Cells, asked: str | None) -> tuple[str, str]:
    """Return the kind of a column and why."""
    if asked is not None and asked != "auto":
        return asked, "as asked"
    if column.gaps.all():
        check.refuse(column.name, "a column of gaps alone", "some values; leave it out")
    if column.numbers is None:
        i = _telling(column)
        expected = f"a number; if it is a category, say kinds={{{column.name!r}: 'category'}}"
        check.fail(column.place(i), column.cells[i], expected)
    if _yes_or_no(column):
        return "yes/no", "bools" if column.bools else "only 0 and 1"
    values = np.unique(column.seen)
    if 1 < len(values) < LEAST_VALUES:
        kinds = "category" if values[0] < 0 else "count' or 'category"
        expected = f"{LEAST_VALUES} values or more, or kinds={{{column.name!r}: '{kinds}'}}"
        check.fail(column.name, values.tolist(), expected)
    likely, why = _likely(column.seen)
    if asked == "auto" and likely is not None:
        return likely, why
    return "measurement", "numbers"


def _likely(x: Floats) -> tuple[str | None, str]:
    """Return what numbers may be other than measurements, and why."""
    if x.min() == 0 and x.max() > 1 and (x == np.floor(x)).all():
        return "count", "whole numbers from 0"
    if x.min() > 0 and np.ptp(x) > 0:
        skew, of_logs = _skewness(x), abs(_skewness(np.log(x)))
        if skew > max(SKEWED, 2 * of_logs):
            why = f"> 0 with skewness {skew:.2g}, of the logarithms {of_logs:.2g}"
            return "amount", why
    return None, ""


def _skewness(x: Floats) -> float:
    away = (x - x.mean()) / max(np.ptp(x), np.finfo(float).tiny)
    spread = away.std()
    return float((away**3).mean() / spread**3) if spread > 0 else 0.0


def _hints(names: Iterable[str], x: Floats) -> list[str]:
    """Say which columns of measurements may be counts or amounts; the user decides.

    Parameters
    ----------
    names : list of str
    x : ndarray of shape (n, d)
        With NaN for gaps.

    Returns
    -------
    list of str

    Examples
    --------
    >>> import numpy as np
    >>> from dpnotes import kinds
    >>> kinds._hints(["visits"], np.array([[0.0], [1.0], [2.0], [5.0]]))[0][:51]
    'visits is taken as a measurement; it may be a count'
    """
    found = []
    for name, column in zip(names, x.T, strict=True):
        kind, why = _likely(column[~np.isnan(column)])
        if kind:
            found.append(
                f"{name} is taken as a measurement; it may be {check.an(kind)} ({why}): "
                f"kinds={{{name!r}: {kind!r}}} would take it so."
            )
    return found


def _mixed(
    found: list[_Cells],
    asked: dict[str, str] | str | None,
    missing: str,
    rng: np.random.Generator,
) -> tuple[tables.Table, Kinds]:
    n = len(found[0].cells)
    if n < tables.LEAST_ROWS:
        expected = f"at least {tables.LEAST_ROWS}; one row an observation"
        check.refuse("data", f"{n} row(s)", expected)
    if missing == "error":
        for column in found:
            if column.gaps.any():
                i = int(column.gaps.argmax())
                expected = f"a value; drop or fill the {column.gaps.sum()} gap(s) of this column, "
                expected += OTHERS
                check.refuse(column.place(i), "a missing cell", expected)
    parts = [_part(column, *_choose(column, _of(asked, column.name)), rng) for column in found]
    columns = [replace(part[0], words=cells.words) for part, cells in zip(parts, found)]
    table = tables.Table(
        np.column_stack([x for _, x, _ in parts]),
        [column.name for column in columns],
        np.array([column.width for column in columns]),
        np.array([column.centre for column in columns]),
        np.array([column.spread for column in columns]),
        np.column_stack([z for _, _, z in parts]),
    )
    return table, Kinds(columns)


def _part(
    column: _Cells, kind: str, why: str, rng: np.random.Generator
) -> tuple[Column, Floats, Floats]:
    """Return a column with what it is taken for: in units of the data, and as the model has it."""
    if column.gaps.all():
        check.refuse(column.name, "a column of gaps alone", "some values; leave it out")
    name, gaps = column.name, int(column.gaps.sum())
    if kind == "category":
        levels = _levels(column)
        x = _coded(column, kind, levels)
        return Column(name, kind, why, gaps, levels), x, x
    x = _coded(column, kind, ())
    at = np.flatnonzero(~column.gaps)
    seen = x[at]
    if kind == "measurement":
        tables._check_column(name, seen, tables.LEAST_VALUES, lambda i: column.place(int(at[i])))
    elif np.ptp(seen) <= (tables.SAME * seen.max() if kind == "amount" else 0):
        check.fail(name, float(seen[0]), "values that differ; drop a constant column")
    if kind == "yes/no":
        return Column(name, kind, why, gaps), x, x
    if kind == "count":
        return Column(name, kind, why, gaps, (), float(seen.mean())), x, x
    width = tables._ties(seen)[0]
    if kind == "amount":
        width = min(width, float(seen.min()))  # each stays > 0
    y = tables._spread(seen[:, None], np.array([width]), rng)[:, 0]
    y = np.log(y) if kind == "amount" else y
    centre, spread = float(y.mean()), float(y.std())
    z = np.full(len(x), np.nan)
    z[at] = (y - centre) / spread
    return Column(name, kind, why, gaps, (), centre, spread, width), x, z


def _levels(column: _Cells) -> tuple[Any, ...]:
    """Return the categories that occur, numbers before text, each in order."""
    names = {_level(column, i) for i in np.flatnonzero(~column.gaps).tolist()}
    if len(names) == 1:
        check.fail(column.name, names.pop(), "values that differ; drop a constant column")
    seen = int((~column.gaps).sum())
    if len(names) > seen / 2:
        shown, expected = (
            f"{len(names)} categories in {seen} rows",
            "fewer; leave out what is a name",
        )
        check.refuse(column.name, shown, expected)
    return tuple(sorted(names, key=lambda name: (isinstance(name, str), name)))


def _may_be_category(column: _Cells) -> bool:
    """Return whether the cells of a column of text are few enough to be names of kinds."""
    try:
        return len(_levels(column)) > 1
    except ValueError:
        return False


def _level(column: _Cells, i: int) -> Any:
    """Return the category of a cell: text, or a whole number."""
    cell = column.cells[i]
    if isinstance(cell, str):
        return str(cell)
    if isinstance(cell, (bool, np.bool_)):
        return str(bool(cell))
    if not float(cell).is_integer():
        check.fail(column.place(int(i)), cell, "a code: text or a whole number")
    return int(cell)


def _coded(column: _Cells, kind: str, levels: tuple[Any, ...]) -> Floats:
    """Return cells in the units of the data, codes for categories, NaN for gaps."""
    if kind == "category":
        codes = {level: float(code) for code, level in enumerate(levels)}
        result = np.full(len(column.cells), np.nan)
        for i in np.flatnonzero(~column.gaps).tolist():
            level = _level(column, i)
            if level not in codes:
                check.fail(column.place(i), level, f"a category seen before, of {list(levels)}")
            result[i] = codes[level]
        return result
    x = column.numbers
    if x is None:
        if not column.gaps.all():
            i, expected = _telling(column), f"a number: this column is of kind {kind!r}"
            check.fail(column.place(i), column.cells[i], expected)
        x = np.full(len(column.cells), np.nan)
    right, expected = {
        "measurement": (x == x, "a number"),
        "amount": (x > 0, "an amount: a number > 0"),
        "count": ((x >= 0) & (x == np.floor(x)), "a count: an integer >= 0"),
        "yes/no": ((x == 0) | (x == 1), "0 or 1, or a bool"),
    }[kind]
    wrong = ~(right | column.gaps)
    if wrong.any():
        i = int(wrong.argmax())
        check.fail(column.place(i), float(x[i]), expected)
    return x
