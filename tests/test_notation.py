"""The notation page lists every symbol that its tables explain more than once."""

import collections
import pathlib
import re

import pytest

PAGE = pathlib.Path(__file__).parents[1] / "book" / "notation.md"
pytestmark = pytest.mark.book


def symbols(cell):
    """The symbols of a cell of the first column, without arguments: J(s) is J."""
    return {re.sub(r"\(.*", "", symbol).strip() for symbol in re.findall(r"\$([^$]+)\$", cell)}


def letters(symbols):
    """The letters of symbols, without what stands below or above them: v_k is v."""
    return {re.split(r"[_^]", symbol)[0].strip() for symbol in symbols}


def read(page, of=symbols):
    """The symbols listed as serving twice, and those that several rows of the tables explain."""
    head, _, rest = page.partition("\n## Evidence\n")
    tables = rest.partition("\n## From symbol to code\n")[0]
    first = re.compile(r"^\| ((?:[^|]|\\\|)+) \|", re.MULTILINE)
    listed = set().union(*map(of, first.findall(head)))
    rows = collections.Counter(s for cell in first.findall(tables) for s in of(cell))
    return listed, {symbol for symbol, n in rows.items() if n > 1}


# One meaning, of which the index names a case: laws H_n and H_s, sizes n_k, data x_S.
CASES = {"p", "d", "G", "n", "K", "x", r"\theta", r"\mu", r"\operatorname{B}", r"\operatorname{VI}"}


def test_symbols_with_two_meanings_are_listed():
    listed, twice = read(PAGE.read_text(encoding="utf-8"))
    assert {"S_k", "J", r"\lambda", r"\kappa_n", "m"} <= listed
    assert {"S_k", "J", r"\lambda", r"\kappa_n"} <= twice
    assert twice - {"p"} <= listed  # p(x | M) and p(x) are the evidence both times


def test_letters_with_two_meanings_are_listed():
    """v_k and v, rho and rho_t: an index does not make another letter."""
    listed, twice = read(PAGE.read_text(encoding="utf-8"), lambda cell: letters(symbols(cell)))
    assert {"v", r"\rho", "A", "B", "U", "N", "P", "a", r"\pi", r"\phi"} <= twice
    assert twice - CASES <= listed


def test_a_meaning_that_is_not_listed_is_found():
    page = PAGE.read_text(encoding="utf-8") + ""
    listed, twice = read(page.replace("\n## Partitions", "| $R_T$ | a radius |\n\n## Partitions"))
    assert "R_T" in twice - listed
