"""Every benchmark runs, on tiny input, and prints its ratios."""

import importlib
import itertools
import math
import re
import shutil
import sys

import pytest
from conftest import ROOT

sys.path.insert(0, str(ROOT))
import benchmarks

pytestmark = pytest.mark.book


# On a few hundred points the answer is no matter, only that every line is printed.
@pytest.mark.filterwarnings("ignore::dpnotes.InferenceWarning")
@pytest.mark.parametrize("name", benchmarks.names())
def test_a_benchmark_prints_its_ratios(name, capsys):
    if name == "gibbs" and shutil.which("gcc") is None:
        pytest.skip("no C compiler on this machine; the benchmark compares with a loop in C")
    importlib.import_module(f"benchmarks.{name}").main(tiny=True)
    printed = capsys.readouterr().out
    ratios = [float(r) for r in re.findall(r"\bratio +(\S+)$", printed, re.MULTILINE)]
    assert ratios and all(map(math.isfinite, ratios)), printed


def table_of_times():
    """The lines of the table in the README, which the landing page includes."""
    begins, ends = "<!-- what to expect -->", "<!-- end of what to expect -->"
    page = (ROOT / "book" / "index.md").read_text(encoding="utf-8")
    assert f":start-after: {begins}" in page and f":end-before: {ends}" in page
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    part = readme.partition(begins)[2].partition(ends)[0]
    return [line for line in part.splitlines() if line.startswith("|")]


def test_the_readme_has_a_table_of_times_as_the_benchmark_prints_it():
    from benchmarks import expect

    def read(cell):
        number, unit = cell.removeprefix("> ").split()
        return float(number) * {"s": 1, "min": 60}[unit]

    header, rule, *rows = table_of_times()
    assert [header, rule] == [expect.HEADER, expect.RULE]
    sizes = itertools.product(expect.ROWS, expect.COLUMNS)
    for row, (n, d) in zip(rows, sizes, strict=True):
        *_, total, field = (cell.strip() for cell in row.strip("|").split("|"))
        whole = not total.startswith("> ")
        assert row == expect.line(n, d, read(total), whole, read(field))
    assert [expect.shown(t) for t in (0.123, 2.04, 96, 99.7, 1234)] == [
        "0.12 s", "2 s", "96 s", "1.7 min", "21 min"
    ]  # fmt: skip
