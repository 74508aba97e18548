"""Functions timed in turn, so that what else the machine does falls on all of them alike."""

import os
import platform
import re
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path

import numpy as np

PINNED = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def machine():
    """Return what this runs on."""
    about = Path("/proc/cpuinfo")  # of Linux alone
    processor = about.exists() and re.search(r"model name\s*: (.*)", about.read_text())
    name = processor[1] if processor else platform.machine()
    return f"{name}, {os.cpu_count()} cores, Python {platform.python_version()}"


def best(functions, rounds):
    """Return the least processor time of each function, in milliseconds, after a first call."""
    for function in functions:
        function()
    found = np.empty((rounds, len(functions)))
    for row in found:
        for f, function in enumerate(functions):
            start = time.process_time()
            function()
            row[f] = time.process_time() - start
    return 1e3 * found.min(axis=0)


def serve(function):
    """Time the function for each line that comes in, after a first call."""
    function()
    for _ in sys.stdin:
        start = time.perf_counter()
        function()
        print(time.perf_counter() - start, flush=True)


def threads(name, module, function, rounds):
    """Print how the default number of BLAS threads compares with one, round by round.

    The function is an expression in the names of the module, and runs in two processes.
    """
    run = f"from benchmarks import _turns, {module}; _turns.serve({module}.{function})"
    free = {name: value for name, value in os.environ.items() if name not in PINNED}
    with ExitStack() as stack:
        pair = [
            stack.enter_context(
                subprocess.Popen(
                    [sys.executable, "-c", run],
                    cwd=Path(__file__).parents[1],
                    env=env,
                    text=True,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                )
            )
            for env in (free, {**free, **dict.fromkeys(PINNED, "1")})
        ]

        def timed(worker):
            worker.stdin.write("go\n")
            worker.stdin.flush()
            return float(worker.stdout.readline())

        for state in ("idle", "busy"):
            if state == "busy":
                other = subprocess.Popen([sys.executable, "-c", "while True: pass"])
                stack.callback(other.wait)
                stack.callback(other.kill)
            timed(pair[0]), timed(pair[1])
            ratios = np.divide(*np.transpose([[timed(w) for w in pair] for _ in range(rounds)]))
            print(
                f"{name}, another core {state}: default threads to one, worst of {rounds} ratio "
                f"{ratios.max():.2f}, median ratio {np.median(ratios):.2f}"
            )
