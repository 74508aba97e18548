"""A table to read: text where there is only text, HTML in a notebook and on a page."""

import html
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from . import _validate as check

# What stands at the right of its column, so that the points of its numbers are in line.
NUMBER = re.compile(r"(-?(\d[\d,]*(\.\d+)?(e[-+]\d+)?|inf)|nan)?( ± [\d.]+(e[-+]\d+)?|%)?")
MOST_DIGITS = 20


@dataclass(frozen=True, repr=False)
class Listing:
    """The cells of a table as they are shown, with two forms: text, and HTML.

    Parameters
    ----------
    names : list of str
        What stands above each column.
    rows : list of list of str
    """

    names: list[str]
    rows: list[list[str]]

    @property
    def _words(self) -> list[bool]:
        """Whether each column holds words, which stand at its left."""
        return [not all(map(NUMBER.fullmatch, cells)) for cells in zip(*self.rows, strict=True)]

    def __repr__(self) -> str:
        padded = []
        for words, *cells in zip(self._words, self.names, *self.rows, strict=True):
            width = max(map(len, cells))
            padded.append([f"{cell:{'<' if words else '>'}{width}}" for cell in cells])
        return "\n".join("  ".join(line).rstrip() for line in zip(*padded, strict=True))

    def _repr_html_(self) -> str:
        """The same cells; a column of words has the class of that name."""
        ends = [' class="words"' if words else "" for words in self._words]

        def line(cells: Sequence[str], kinds: Sequence[str]) -> str:
            texts = (html.escape(cell, quote=False) for cell in cells)
            parts = zip(kinds, ends, texts, strict=True)
            row = "".join(f"<{kind}{end}>{text}</{kind[:2]}>" for kind, end, text in parts)
            return f"<tr>{row}</tr>"

        others = ["td"] * (len(self.names) - 1)
        head = line(self.names, ['th scope="col"'] * len(self.names))
        body = [line(row, ['th scope="row"', *others]) for row in self.rows]
        begin, end = ['<table class="listing">', f"<thead>{head}</thead>", "<tbody>"], "</tbody>"
        return "\n".join([*begin, *body, end, "</table>"])


def table(
    names: Sequence[str], rows: Iterable[Sequence[Any]], *, digits: int | Sequence[int] = 4
) -> Listing:
    """Return a table that shows itself: the last line of a cell, or an argument of ``print``.

    Parameters
    ----------
    names : sequence of str
        What stands above each column.
    rows : iterable of sequence
        One cell a column: a float, which is rounded; a pair of an estimate and its standard error,
        which becomes "0.4957 ± 0.0038"; or anything else, shown as ``str`` has it.
    digits : int or sequence of int
        Decimals of the floats, or of those of each column.

    Returns
    -------
    Listing
        ``str`` of it is text in columns; a notebook shows it as a table in HTML.

    Raises
    ------
    ValueError
        If there are no names or no rows, a row has another number of cells, or digits are not
        from 0 to 20.

    Examples
    --------
    >>> from dpnotes import show
    >>> show.table(["k", "drawn", "exact"], [[3, (0.0652, 0.00241), 0.0639], [10, (0.1, 0.0), 0]])
     k            drawn   exact
     3  0.0652 ± 0.0024  0.0639
    10  0.1000 ± 0.0000       0
    """
    names = [check.text("names", name) for name in check.several("names", names)]
    decimals = [digits] * len(names) if isinstance(digits, int) else digits
    decimals = [
        check.integer("digits", each, 0, MOST_DIGITS)
        for each in check.several("digits", decimals, len(names))
    ]
    rows = check.several("rows", list(rows) if isinstance(rows, Iterator) else rows)
    lines = []
    for i, row in enumerate(rows):
        cells = check.several(f"rows[{i}]", row, len(names))
        lines.append([_shown(cell, d) for cell, d in zip(cells, decimals, strict=True)])
    return Listing(names, lines)


def _shown(cell: Any, digits: int) -> str:
    """Return a cell as text."""
    if isinstance(cell, (float, np.floating)):
        # No minus before what is rounded to zero.
        return f"{cell:z.{digits}f}"
    if isinstance(cell, tuple):
        return " ± ".join(_shown(part, digits) for part in cell)
    return str(cell)
