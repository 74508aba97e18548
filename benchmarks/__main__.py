"""Run every benchmark, or those named."""

import importlib
import sys

from benchmarks import names

for name in sys.argv[1:] or names():
    print(f"== {name}")
    importlib.import_module(f"benchmarks.{name}").main()
    print()
