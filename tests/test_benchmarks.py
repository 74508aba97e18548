"""Every benchmark runs, on tiny input, and prints its ratios."""

import importlib
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
