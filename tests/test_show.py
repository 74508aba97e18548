"""Tables that cells show: what stands in them, as text and as HTML."""

import html.parser
from fractions import Fraction

import numpy as np
import pytest

from dpnotes import show

NAMES = ["k", "drawn", "a <b> & c"]
ROWS = [[3, (0.06521, 0.00241), "one"], [10, (-0.25, 0.5), "two & three"]]


class Cells(html.parser.HTMLParser):
    """The cells of a table, row by row: their kind, class and text."""

    def __init__(self, markup):
        super().__init__()
        self.rows, self.open = [], []
        self.feed(markup)

    def handle_starttag(self, tag, attributes):
        self.open.append(tag)
        if tag == "tr":
            self.rows.append([])
        elif tag in ("th", "td"):
            self.rows[-1].append([tag, dict(attributes), ""])

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open[-1] in ("th", "td"):
            self.rows[-1][-1][2] += data


def test_the_text_stands_in_columns():
    assert str(show.table(NAMES, ROWS, digits=2)).split("\n") == [
        " k         drawn  a <b> & c",
        " 3   0.07 ± 0.00  one",
        "10  -0.25 ± 0.50  two & three",
    ]


def test_html_has_the_cells_of_the_text():
    found = Cells(show.table(NAMES, ROWS, digits=2)._repr_html_())
    texts = [[text for *_, text in row] for row in found.rows]
    assert found.open == []
    assert texts == [
        NAMES, ["3", "0.07 ± 0.00", "one"], ["10", "-0.25 ± 0.50", "two & three"],
    ]  # fmt: skip
    head, *rows = ([(tag, attributes) for tag, attributes, _ in row] for row in found.rows)
    words = {"class": "words"}
    scope = {"scope": "col"}
    assert head == [("th", scope), ("th", scope), ("th", scope | words)]
    assert rows == [[("th", {"scope": "row"}), ("td", {}), ("td", words)]] * 2


@pytest.mark.parametrize(
    "cell, text",
    [
        (1.0, "1.000"),
        (np.float64(2 / 3), "0.667"),
        (np.float32(0.5), "0.500"),
        (-1e-9, "0.000"),
        (-0.0006, "-0.001"),
        (7, "7"),
        (np.int64(7), "7"),
        (Fraction(1, 3), "1/3"),
        (True, "True"),
        (float("nan"), "nan"),
        ((1.0, 0.25), "1.000 ± 0.250"),
        ((Fraction(1, 3), 0.25), "1/3 ± 0.250"),
        ("1.0", "1.0"),
        (np.array([0, 1]), "[0 1]"),
    ],
)
def test_a_cell(cell, text):
    assert show.table(["x"], [[cell]], digits=3).rows == [[text]]


def test_digits_of_each_column():
    rows = show.table(["a", "b"], [[0.123, 0.123], [(0.5, 0.5), 1]], digits=[1, 0]).rows
    assert rows == [["0.1", "0"], ["0.5 ± 0.5", "1"]]


NUMBERS = ["12", "-3.5", "1e-09", "4.2e+10", "0.5 ± 0.1", "inf", "-inf", "nan", "", "25%", "1,000"]


@pytest.mark.parametrize("cell", [*NUMBERS, "10^2", "a", "1/3", "[0 1]", "1 2", "-", "x = 1"])
def test_a_column_of_numbers_stands_at_its_right(cell):
    lines = str(show.table(["a long name"], [["1"], [cell]])).split("\n")
    assert (lines[1] == "          1") == (cell in NUMBERS)


def test_rows_may_come_one_by_one():
    rows = ([k, k / 2] for k in range(3))
    assert show.table(["k", "half"], rows).rows[2] == ["2", "1.0000"]


@pytest.mark.parametrize(
    "arguments, words",
    [
        (dict(rows=[]), "rows = []: expected a list with at least one entry"),
        (dict(rows=None), "rows = None: expected"),
        (dict(names=[]), "names = []: expected a list with at least one entry"),
        (dict(rows=[[1, 2], [1]]), "rows[1] = [1]: expected a list of 2"),
        (dict(digits=21), "digits = 21: expected"),
        (dict(digits=[1, 2, 3]), "digits = [1, 2, 3]: expected a list of 2"),
    ],
)
def test_what_is_no_table_is_refused(arguments, words):
    with pytest.raises(ValueError) as error:
        show.table(**dict(names=["a", "b"], rows=[[1, 2]]) | arguments)
    assert str(error.value).startswith(words), str(error.value)
