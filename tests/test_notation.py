"""The notation page lists every symbol that its tables explain more than once."""

import collections
import functools
import json
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
    assert {"S_k", "J", r"\lambda", r"\kappa_n", "m", r"\rho", r"\Phi", "Q", "K", "t"} <= listed
    assert {"S_k", "J", r"\lambda", r"\kappa_n", "p_i", "F"} <= twice
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


@functools.cache
def markdown():
    return "\n".join(
        "".join(cell["source"])
        for file in sorted(PAGE.parent.glob("*.ipynb"))
        for cell in json.loads(file.read_text(encoding="utf-8"))["cells"]
        if cell["cell_type"] == "markdown"
    )


def letters_near(label):
    """The letters in the formulas about a label, from shortly before it to after its proof."""
    at = re.search(rf"^:label: {label}$|\({label}\)$", markdown(), re.MULTILINE).start()
    around = markdown()[max(at - 600, 0) : at + 3000]
    formulas = re.findall(r"(\$\$?)(.+?)\1", around[around.find("\n\n") :], re.DOTALL)
    return set(re.findall(r"\\[A-Za-z]+|[A-Za-z]", " ".join(each for _, each in formulas)))


def misplaced(page):
    """The places of the list of letters that serve twice where the letter does not occur."""
    found = []
    for row in re.findall(r"^\| \$.*", page.partition("\n## Evidence\n")[0], re.MULTILINE):
        letters = {re.sub(r"_.*|\\mathrm\{H\}", "", s) for s in symbols(row.split("|")[1])}
        for label in re.findall(r"`((?!ch-)[a-z]+-[^`]*)`", row):
            if not letters & letters_near(label):
                found.append((row.split("|")[1].strip(), label))
    return found


def test_every_letter_that_serves_twice_occurs_where_the_list_says():
    assert misplaced(PAGE.read_text(encoding="utf-8")) == []


def test_a_place_without_the_letter_is_found():
    page = PAGE.read_text(encoding="utf-8").replace("eq-growth-homozygosity", "eq-growth-mle", 1)
    assert misplaced(page) == [("$F$", "eq-growth-mle")]


# Seven of a kind begin each line that a merge puts where two versions differ.
