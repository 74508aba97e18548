"""Tables: what is read, what is refused and how, and how a table is made fit to be clustered."""

import datetime
import gzip
import io
import re
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest

from dpnotes import kinds, tables

# Ties.


def repeated(column):
    values, where, counts = np.unique(column, return_inverse=True, return_counts=True)
    return counts[where] > 1


def test_ties_are_spread_over_their_rounding_and_the_rest_stays():
    rng = np.random.default_rng(1)
    x = np.column_stack([rng.normal(size=400), rng.normal(size=400).round(1), rng.poisson(4, 400)])
    moved, width = tables.spread_ties(x, rng=2)
    assert np.allclose(width, [0, 0.1, 1])
    assert (np.abs(moved - x)[:, 1:] <= width[1:] / 2 + 1e-12).all()
    assert len(np.unique(moved[:, 1])) == len(np.unique(moved[:, 2])) == 400
    for before, after in zip(x.T, moved.T, strict=True):
        assert ((before != after) == repeated(before)).all()
    assert (tables.spread_ties(x, rng=2)[0] == moved).all()


def test_one_repeated_row_moves_no_other():
    """Where they are by chance near their neighbours, it moves less: these are not its rounding."""
    for seed in range(20):
        x = np.random.default_rng(seed).normal(size=(100, 2))
        x = np.vstack([x, x[17]])
        moved, width = tables.spread_ties(x, rng=seed)
        assert (np.flatnonzero((moved != x).any(axis=1)) == [17, 100]).all()
        for before, after, w in zip(x.T, moved.T, width, strict=True):
            nearest = np.abs(np.delete(before, [17, 100]) - before[17]).min()
            middle = np.median(np.diff(np.unique(before)))
            assert w == pytest.approx(min(nearest, middle), rel=1e-9)
            assert (np.abs(after - before) < w / 2).all()


@pytest.mark.parametrize(
    ("x", "expected"),
    [
        ([3.0, 3.0], 0),  # no neighbour tells what these are rounded to
        ([3.0], 0),
        ([1.0, 2.0], 0),
        ([999.0, 999.0, 1.0, 1.5, 2.0], 0.5),  # far from all others, but no wider than these are
        ([1.0, 1.0, 2.0, 2.0, 3.0, 3.0, 3.001], 1),  # one exact number among whole ones
        ([0.1 + 0.2, 0.3, 0.1 + 0.3, 0.4, 0.5, 0.5], 0.1),  # the same but for rounding in floats
    ],
)
def test_what_ties_are_rounded_to(x, expected):
    moved, width = tables.spread_ties(x, rng=1)
    assert width.shape == (1,) and width[0] == pytest.approx(expected, rel=1e-9)
    assert (np.abs(moved[:, 0] - x) <= width / 2).all()


# What goes wrong in the numbers, and in a file.


@pytest.mark.parametrize(
    ("x", "names", "message"),
    [
        (
            [1.0, np.nan] * 6,
            ["age"],
            "age, row 2 = nan: expected a finite number; drop or fill the 6",
        ),
        ([1.0, np.inf] * 6, None, "column 0, row 2 = inf"),
        ([3.0] * 12, ["site"], "site = 3.0: expected values that differ; drop a constant column"),
        ([1e9 + 1e-5, 1e9] * 6, ["t"], "drop a constant column"),
        (["red"] * 12, None, "leave columns of text out"),
        ([[1.0, 2.0]], None, "x = 1 row(s): expected at least 10"),
        ([], None, "shape (0,)"),
        ([*range(12), 1e8], ["dose"], "dose, row 13 = 100000000.0: expected a value nearer"),
        (np.zeros((12, 2, 2)), None, "shape (n,) or (n, d)"),
        (
            [0, 1] * 6,
            ["sex"],
            "sex = array([0., 1.]): expected a measurement, with 4 values or more",
        ),
        (
            np.column_stack([np.arange(12.0), 3 - 2 * np.arange(12.0), np.arange(12.0) ** 2]),
            ["a", "b", "c"],
            "columns = ['a', 'b']: expected none that follows from the others",
        ),
        (np.random.default_rng(1).normal(size=(12, 12)), None, "more rows than columns"),
        (np.ones((12, 2)), ["a"], "2 names, one a column"),
    ],
)
def test_accidents_are_explained(x, names, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        tables.prepare(x, columns=names)


@pytest.mark.parametrize(
    ("text", "columns", "message"),
    [
        ("", None, "a header line and rows of numbers"),
        ("1,2\n3,4\n", None, "add a header line"),
        ("a;b\n1,5;2\n;3,5\n", None, "column 'a', line 3 = '': expected a number; fill the gap"),
        (
            "a,b\n1,x\n",
            None,
            "column 'b', line 2 = 'x': expected a number; recode it, or read only",
        ),
        (
            "a,b\n1,2\n\n3,\n",
            None,
            "column 'b', line 4 = '': expected a number; fill the gap, drop",
        ),
        ("a,b\n1,NA\n", None, "drop the row, or read only columns=['a']"),
        (
            "a,b\n1,2\n3\n",
            None,
            "line 3 = ['3']: expected 2 cell(s), as in the first line ['a', 'b']",
        ),
        ("a,b\n1,2\n", ["c"], "columns = 'c': expected names of one column each among ['a', 'b']"),
        ("a,a\n1,2\n", None, "columns = 'a': expected names of one column each"),
        ("a\n12.5%\n", None, "expected a plain number such as 1234.5; recode it"),
        ('a,b\n1,"12,607"\n', None, "column 'b', line 2 = '12,607': expected a plain number"),
        ("a\ninf\n", None, "column 'a', line 2 = 'inf': expected a number"),
        ("a\n2_001\n", None, "column 'a', line 2 = '2_001': expected a plain number"),
        ("a\n0x1F\n", None, "column 'a', line 2 = '0x1F': expected a number"),
        ("a\n\u0663\n", None, "column 'a', line 2 = '\u0663': expected a plain number"),
        ("a\n\u22121\n", None, "column 'a', line 2 = '\u22121': expected a"),
        ("a\n1 234\n", None, "plain number such as 1234.5 (decimal='.', thousands=None: see"),
        ("zip\n00123\n", None, "column 'zip', line 2 = '00123': expected no zeros in front; is it"),
        ("a\nTrue\n", None, "column 'a', line 2 = 'True': expected a number"),
        ("a\n2020-01-31\n", None, "column 'a', line 2 = '2020-01-31': expected a plain number"),
        ("a\n<NA>\n", None, "column 'a', line 2 = '<NA>': expected a number; fill the gap"),
        ("a\n1152921504606846977\n", None, "expected a whole number that a float holds"),
        ("red,1.5\nblue,2.5\n", ["1.5"], "header = ['red', '1.5']: expected names of the"),
        (
            "a;b\n1.234;2\n",
            None,
            "column 'a', line 2 = '1.234': expected decimal='.' if it is 1.234,",
        ),
        (
            "a;b\n1;2\n3;5,678\n",
            None,
            "line 3 = '5,678': expected decimal=',' if it is 5.678, thou",
        ),
        ("a\tb\n1.234\t2\n", None, "thousands='.' if it is 1234: which? Say it with the file"),
        ("a;b\n1,5;2.5\n", None, "line 2 = '1,5': expected a plain number such as 1234.5 (decimal"),
        ("a;b\n1.234,5;2\n", None, "line 2 = '1.234,5': expected a plain number such as 1234.5"),
        (
            "id,a\n1,7\n2,5\n3,9\n",
            None,
            "columns = 'id': expected measurements; it counts the rows, so",
        ),
        (",a\n0,7\n1,5\n2,9\n", None, "it counts the rows, so read only columns=['a']"),
    ],
)
def test_accidents_in_a_file_are_explained(tmp_path, text, columns, message):
    path = tmp_path / "my.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match=re.escape(message)):
        tables.read_csv(path, columns=columns)


def test_a_file_in_another_encoding_is_explained(tmp_path):
    path = tmp_path / "my.csv"
    for encoding in ("utf-16", "latin-1"):
        path.write_text("größe\n1\n2\n", encoding=encoding)
        with pytest.raises(ValueError, match="saved as text in UTF-8"):
            tables.read_csv(path)


@pytest.mark.parametrize(
    "text",
    [
        "a,b\n1.5,2\n3,4\n",
        "a;b\n1.5;2\n3;4\n",
        "a;b\n1,5;2\n3;4\n",
        "a\tb\n1.5\t2\n3\t4\n",
        '\ufeff"a","b"\r\n"1.5","2"\r\n\r\n"3","4"\r\n',
        "\n\na,b,\n1.5,2,\n , ,\n3,4,\n,,\n",
        "a\tb\n1,5\t2\n3\t4\n",
        "sep=;\na;b\n1,5;2\n3;4\n",
        '"SEP=|"\r\na|b\r\n1.5|2\r\n3|4\r\n',
        "sep=,\na,b\n1.5,2\n3,4\n",
        "a,b\n15e-1,+2.\n3.0,4\n",
    ],
)
def test_files_of_every_make_are_read(tmp_path, text):
    path = tmp_path / "my.csv"
    path.write_text(text, encoding="utf-8", newline="")
    packed = tmp_path / "my.csv.gz"
    packed.write_bytes(gzip.compress(path.read_bytes()))
    ways = [path, str(path), packed, io.StringIO(text), io.BytesIO(text.encode())]
    with path.open("rb") as raw, path.open(encoding="utf-8") as read, gzip.open(packed) as small:
        for way in [*ways, raw, read, small]:
            x, names = tables.read_csv(way)
            assert x.tolist() == [[1.5, 2], [3, 4]] and names == ["a", "b"]


def test_a_quoted_name_may_hold_what_separates_others():
    text = '"a, in m, of b";"c"\n1,5;2\n'
    assert tables.read_csv(io.StringIO(text))[1] == ["a, in m, of b", "c"]


@pytest.mark.parametrize(
    ("text", "marks", "expected"),
    [
        ("a;b\n1.234;2\n", {"decimal": "."}, [1.234, 2]),
        ("a;b\n1.234;2\n", {"thousands": "."}, [1234, 2]),
        ("a;b\n1.234;2,5\n", {"thousands": "."}, [1234, 2.5]),
        ("a;b\n1.234;2,5\n", {"thousands": ".", "decimal": ","}, [1234, 2.5]),
        ("a;b\n1,234;2\n", {"decimal": ","}, [1.234, 2]),
        ("a;b\n1,234;2\n", {"thousands": ","}, [1234, 2]),
        ("a;b\n-1'234'567.5;2\n", {"thousands": "'"}, [-1234567.5, 2]),
        ('a,b\n"1,234",2\n', {"thousands": ","}, [1234, 2]),
        ('a,b\n"1,5",2\n', {"decimal": ","}, [1.5, 2]),
        ("a\n1,5\n", {"decimal": ","}, [1.5]),
        # Other cells, or zeros in front, leave one reading alone.
        ("a;b\n1.234;2.5\n", {}, [1.234, 2.5]),
        ("a;b\n0.234;2\n", {}, [0.234, 2]),
        ("a,b\n1.234,2\n", {}, [1.234, 2]),
    ],
)
def test_decimals_and_thousands(text, marks, expected):
    assert tables.read_csv(io.StringIO(text), **marks)[0].tolist() == [expected]


def test_marks_out_of_place_are_refused():
    for cell in ("12.34", "1.23.456", "0.123", "1234.567"):
        with pytest.raises(ValueError, match=f"^column 'a', line 2 = '{cell}': expected a plain"):
            tables.read_csv(io.StringIO(f"a;b\n{cell};2\n"), thousands=".")
    for marks in ({"decimal": "x"}, {"decimal": 1}, {"thousands": ""}, {"thousands": "5"},
                  {"thousands": 3}, {"thousands": ".", "decimal": "."}):  # fmt: skip
        name = next(iter(marks))
        with pytest.raises(ValueError, match=f"^{name} = .*: expected "):
            tables.read_csv(io.StringIO("a;b\n1;2\n"), **marks)


def test_a_file_is_read_through_every_door():
    text = "a,b\n" + "".join(f"{a},{a * a}\n" for a in GOOD)
    table = tables.prepare(io.StringIO(text), columns=["b", "a"])
    assert table.names == ["b", "a"] and table.x[0].tolist() == [0.25, 0.5]
    with pytest.raises(ValueError, match="^data = .*: expected a whole file; what gzip"):
        tables.prepare(io.BytesIO(gzip.compress(text.encode())[:-9]))

    class Empty:
        def read(self):
            return None

    with pytest.raises(ValueError, match=r"^data = .*: expected the path of a file .*\(read"):
        tables.prepare(Empty())


def test_a_column_that_counts_is_read_when_asked_for(tmp_path):
    path = tmp_path / "my.csv"
    path.write_text("day,a\n1,7\n2,5\n3,9\n", encoding="utf-8")
    assert tables.read_csv(path, columns=["day"])[0].ravel().tolist() == [1, 2, 3]
    path.write_text("day\n1\n2\n3\n", encoding="utf-8")
    assert tables.read_csv(path)[0].ravel().tolist() == [1, 2, 3]


def test_reading_a_file(tmp_path):
    path = tmp_path / "my.csv"
    path.write_text("\ufeffname, a ,b\nx,1,2\n\ny,3,4.5\n", encoding="utf-8")
    x, names = tables.read_csv(path, columns=["b", "a"])
    assert names == ["b", "a"] and x.tolist() == [[2, 1], [4.5, 3]]
    assert tables.read_csv(path, columns="a")[0].tolist() == [[1], [3]]


# What a cell may hold, and where the message points.

GOOD = [0.5, 1.5, 2.25, 3.0, 4.5, 5.0, 6.5, 7.0, 8.25, 9.0]


def spoilt(value, row=2):
    return [*GOOD[:row], value, *GOOD[row + 1 :]]


CELLS = {
    "nothing": None,
    "text": "1.5",
    "complex": 1 + 0j,
    "date": datetime.date(2020, 1, 1),
    "time": np.datetime64("2020-01-01", "ns"),
    "duration": np.timedelta64(3, "s"),
    "list": [1, 2],
    "huge": 10**400,
    "not a decimal": Decimal("sNaN"),
    "infinite": float("inf"),
    "no square": -1e200,
}


@pytest.mark.parametrize("kind", CELLS)
@pytest.mark.parametrize("door", [tables.prepare, tables.standardise, tables.spread_ties])
def test_a_cell_that_is_no_number_is_found(kind, door):
    column = np.empty(10, object)
    column[:] = spoilt(CELLS[kind])
    both = np.column_stack([np.array(GOOD, object), column])
    for x, name in [(column, "column 0"), (both, "column 1")]:
        with pytest.raises(ValueError, match=rf"^{name}, row 3 = .*: expected "):
            door(x)


@pytest.mark.parametrize(
    ("x", "where"),
    [
        ([[a, "red"] for a in GOOD], "column 1, row 1 = 'red'"),
        (np.array(["1.5"] * 10), "column 0, row 1 = "),
        (np.array(GOOD) + 0j, "column 0, row 1 = "),
        (np.arange(10).astype("datetime64[ns]"), "column 0, row 1 = "),
        (np.ma.masked_greater(np.array([GOOD, GOOD[::-1]]).T, 8.5), "column 0, row 10 = a masked"),
        (
            np.ma.masked_greater(GOOD, 6.6),
            "row 8 = a masked value: expected a number; drop or fill the 3",
        ),
        ([np.ma.masked_greater([a, 9.0], 8.5) for a in GOOD], "x[0, 1] = a masked value"),
        ([*GOOD, np.ma.masked], "x[10] = a masked value"),
        ([*GOOD, True], "x[10] = True: expected a number"),
        (np.array([True, False] * 5), "column 0, row 1 = True"),
        ([2**53, 2**53 + 1] * 5, "column 0, row 2 = 9007199254740993: expected a whole number"),
        (np.array([(1.0, 2.0)] * 10, dtype=[("a", float), ("b", float)]), "column 0, row 1 = "),
        ([[1.0], [1.0, 2.0]], "x = [[1.0], [1.0, 2.0]]"),
        ("1.5", "x = array of shape ()"),
        ({"a": GOOD}, "expected an array or a data frame, as pandas.DataFrame makes of a dict"),
        (np.longdouble("1e4000") * np.ones(10), "column 0, row 1 = inf"),
    ],
)
def test_arrays_of_other_kinds_are_refused(x, where):
    for door in (tables.standardise, tables.spread_ties):
        with pytest.raises(ValueError, match=re.escape(where)), np.errstate(all="raise"):
            door(x)


def test_numbers_of_every_kind_are_taken():
    kinds = [np.array(GOOD, "f4"), [Fraction(v) for v in GOOD], [Decimal(v) for v in GOOD]]
    kinds += [np.ma.masked_greater(GOOD, 99), tuple(GOOD)]
    for x in kinds:
        assert np.array_equal(tables.prepare(x).x, np.array(GOOD)[:, None])
    # What was handed in may change afterwards.
    x = np.array([GOOD, GOOD[::-1]]).T ** [1, 2]
    table = tables.prepare(x)
    x[:] = 0
    assert table.x[0].tolist() == [0.5, 81]


def test_data_frames_are_read_column_by_column():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"a": GOOD, "name": list("abcdefghij"), "b": np.square(GOOD)[::-1]})
    with pytest.raises(ValueError, match="^name, row 1 = 'a': expected a number; .* leave columns"):
        tables.prepare(frame)
    table = tables.prepare(frame, columns=["b", "a"])
    assert table.names == ["b", "a"] and table.x[0].tolist() == [81, 0.5]
    assert tables.prepare(frame["a"]).names == ["a"]
    assert tables.prepare(frame["a"].rename(None), columns=["dose"]).names == ["dose"]
    with pytest.raises(ValueError, match="^columns = 'dose': expected names .* among .'a'"):
        tables.prepare(frame["a"], columns=["dose"])  # not another name for it
    for columns in (["c"], ["a", "c"], "c", []):
        with pytest.raises(ValueError, match="^columns = "):
            tables.prepare(frame, columns=columns)
    frame["a"] = pandas.array(spoilt(None), "Float64")
    with pytest.raises(ValueError, match="^a, row 3 = (<NA>|nan): expected a"):
        tables.prepare(frame, columns=["a"])
    frame["a"] = pandas.to_datetime(["2020-01-01"] * 10, utc=True)
    with pytest.raises(ValueError, match="^a, row 1 = Timestamp"):
        tables.prepare(frame, columns=["a"])
    frame["a"] = pandas.Categorical([1, 2, 3, 4, 5, 1, 2, 3, 4, 5])
    with pytest.raises(ValueError, match="^a = a column of categories: expected "):
        tables.prepare(frame, columns=["a"])
    # In another order, in that order; a name is never given to another column.
    pair = pandas.DataFrame({"height": GOOD, "mass": np.square(GOOD)[::-1]})
    table = tables.prepare(pair, columns=["mass", "height"])
    assert table.names == ["mass", "height"] and table.x[0].tolist() == [81, 0.5]
    twins = pandas.DataFrame(np.array([GOOD, np.square(GOOD)]).T, columns=["a", "a"])
    assert tables.prepare(twins).names == ["a", "a"]
    with pytest.raises(ValueError, match="^columns = 'a': expected names of one column each"):
        tables.prepare(twins, columns=["a"])
    with pytest.raises(ValueError, match="^data = an empty data frame"):
        tables.prepare(frame[:0])


class Arrow:
    """What a table of Arrow offers: its columns are data, and names are apart."""

    column_names = ("height", "mass")
    columns = (np.array(GOOD), np.square(GOOD))

    def column(self, j):
        return self.columns[j]

    def __array__(self, dtype=None, copy=None):
        return np.column_stack(self.columns)


class Polars:
    """What a data frame of polars offers."""

    columns = ("height", "mass")

    def __getitem__(self, name):
        return Arrow.columns[self.columns.index(name)]


@pytest.mark.parametrize("frame", [Arrow(), Polars()])
def test_other_data_frames_keep_their_names(frame):
    table = tables.prepare(frame)
    assert table.names == ["height", "mass"] and table.x[1].tolist() == [1.5, 2.25]
    table = tables.prepare(frame, columns=["mass", "height"])
    assert table.names == ["mass", "height"] and table.x[1].tolist() == [2.25, 1.5]
    with pytest.raises(ValueError, match="^columns = 'age': expected names .* among .'height', 'm"):
        tables.prepare(frame, columns=["age", "mass"])


class Plan:
    """A frame that is not in memory yet."""

    columns = ("a",)

    def __getitem__(self, name):
        raise TypeError


class Expressions(Plan):
    def __getitem__(self, name):
        return object()


@pytest.mark.parametrize("frame", [Plan(), Expressions()])
def test_a_frame_that_is_not_in_memory_is_refused(frame):
    with pytest.raises(ValueError, match="^data = .*: expected "):
        tables.prepare(frame)


class Lazy:
    """What a plan of polars offers; its columns are not to be asked for."""

    def collect(self):
        raise AssertionError

    collect_schema = collect

    @property
    def columns(self):
        raise AssertionError


@pytest.mark.parametrize("read", [tables.prepare, kinds.prepare, tables.spread_ties])
def test_a_plan_of_polars_is_told_to_be_collected(read):
    with pytest.raises(ValueError, match=r"= Lazy: expected a table in memory; .* collect\(\)"):
        read(Lazy())


# The record.


def test_a_prepared_table_is_what_its_parts_give():
    rng = np.random.default_rng(3)
    x = np.column_stack([rng.normal(size=50), rng.normal(size=50).round(1)])
    table = tables.prepare(x, columns=["a", "b"], rng=4)
    moved, width = tables.spread_ties(x, rng=4)
    z, centre, spread = tables.standardise(moved)
    parts = (x, ["a", "b"], width, centre, spread, z)
    for field, part in zip(table, parts, strict=True):
        assert np.array_equal(field, part)
    assert width[0] == 0 and width[1] == pytest.approx(0.1)
    assert centre + spread * table.z == pytest.approx(moved, abs=1e-14)
    assert np.array_equal(tables.prepare(x, rng=4).z, z)


def test_each_column_is_looked_at_once(monkeypatch):
    seen = []
    look = tables._check_column
    monkeypatch.setattr(
        tables, "_check_column", lambda *given: seen.append(given[0]) or look(*given)
    )
    tables.prepare(np.array([GOOD, np.square(GOOD)]).T, columns=["a", "b"])
    assert seen == ["a", "b"]


def test_a_slip_beside_a_column_of_one_value_is_found():
    x = np.concatenate([np.zeros(30), np.arange(1, 8), [5e7]])
    with pytest.raises(ValueError, match="^column 0, row 38 = 50000000.0: expected a value nearer"):
        tables.prepare(x)
    assert tables.prepare(np.append(x[:-1], 500)).width == 1


def test_a_file_that_cannot_be_read_is_named(tmp_path):
    for path in (tmp_path, tmp_path / "no.csv", "no\0.csv", None, 3, b"x"):
        with pytest.raises(ValueError, match="^path = .*: expected the path of a file that can"):
            tables.read_csv(path)
    with pytest.raises(ValueError, match=r"^data = .*: expected the path .*\(No such file"):
        tables.prepare(tmp_path / "no.csv")
    path = tmp_path / "my.csv"
    path.write_text("a,b\n1,2\n1_000,1e200\n", encoding="utf-8")
    with pytest.raises(ValueError, match="^column 'a', line 3 = '1_000': expected a plain number"):
        tables.read_csv(path)
    with pytest.raises(ValueError, match="^column 'b', line 3 = '1e200': expected at most 1e"):
        tables.read_csv(path, columns="b")
    path.write_text("a\n" + "1" * 200_000, encoding="utf-8")
    with pytest.raises(ValueError, match="^path = .*: expected a table saved as text"):
        tables.read_csv(path)


@pytest.mark.parametrize("columns", [5, [], [None], [["a"]], object(), 1.5])
def test_columns_are_names(tmp_path, columns):
    path = tmp_path / "my.csv"
    path.write_text("a,b\n1,2\n3,4\n", encoding="utf-8")
    for call in (lambda: tables.read_csv(path, columns=columns),
                 lambda: tables.prepare(GOOD, columns=columns)):  # fmt: skip
        with pytest.raises(ValueError, match="^columns = .*: expected "):
            call()
    with pytest.raises(ValueError, match="^names = .*: expected "):
        tables.standardise(GOOD, names=columns)


def test_calls_of_an_earlier_version_still_work(tmp_path):
    path = tmp_path / "my.csv"
    path.write_text("a,b\n1,2\n3,4\n", encoding="utf-8")
    with pytest.warns(DeprecationWarning, match="columns=..."):
        assert tables.read_csv(path, ["b"])[1] == ["b"]
    with pytest.warns(DeprecationWarning, match="names=..."):
        tables.standardise(GOOD, ["a"])
    with pytest.warns(DeprecationWarning, match="rng=..."):
        tables.spread_ties(GOOD, 1)
