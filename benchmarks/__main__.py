"""Run every benchmark: ``python -m benchmarks``, or ``python -m benchmarks meanfield``."""

import importlib
import pkgutil
import sys
from pathlib import Path

names = sys.argv[1:] or [
    module.name
    for module in pkgutil.iter_modules([str(Path(__file__).parent)])
    if not module.name.startswith("_")
]
for name in names:
    print(f"== {name}")
    importlib.import_module(f"benchmarks.{name}").main()
    print()
