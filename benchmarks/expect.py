"""What to expect: how long an analysis takes, by its rows and columns, and how long mean field.

Data are four round clusters. For each size, in seconds of the processor: a sweep of the four chains
of ``workflow.analyse``; the whole of it, until it is fit to report, and its words; and
``DPMeanField`` with all its restarts. What is not fit after five minutes is ended there, and an
analysis whose first look, after 500 sweeps, would take longer is not begun: its entry is that look,
put together from its sweeps. Both stand behind a ">". The last lines are the table of the README.

With two cores the chains take turns on both, so half of the sampler's seconds pass on the clock.
"""

import time
import warnings

from benchmarks.analyse import blobs
from dpnotes import workflow
from dpnotes.estimators import DPMeanField

ROWS, COLUMNS = (200, 2000, 20_000), (2, 10, 30)
LOOK = 2 * workflow.STEP  # sweeps until the chains are looked at first
MOST = 300  # seconds of the processor that an analysis is waited for
HEADER = "| rows | columns | sampler, four chains | mean field |"
RULE = "|---:|---:|---:|---:|"


def seconds(call):
    """Return how long the call keeps the processor, and what it returns."""
    began = time.process_time()
    result = call()
    return time.process_time() - began, result


def measure(n, d, first=20, more=40, most=MOST):
    """Return the seconds of a sweep, of the analysis, which or None, and the seconds of mean field.

    The sweep is that of four chains.
    """
    x = blobs(d, 1, n // 4)[0]
    workflow.analyse(x[:: n // 40], n_sweeps=8, rng=1)  # compiles
    short, long = (
        seconds(lambda k=k: workflow.analyse(x, n_sweeps=k, rng=1))[0]
        for k in (first, first + more)
    )
    sweep = max(long - short, 0) / more  # the same chains, from their sweep 20 on
    field = seconds(lambda: DPMeanField(random_state=1).fit(x))[0]
    if LOOK * sweep > most:
        return sweep, LOOK * sweep, None, field
    began = time.process_time()

    def analysed():
        result = workflow.analyse(x, rng=1, watch=lambda _: time.process_time() - began > most)
        return str(result) and result

    return sweep, *seconds(analysed), field


def line(n, d, total, whole, field):
    """Return a row of the table."""
    return f"| {n:,} | {d} | {'' if whole else '> '}{shown(total)} | {shown(field)} |"


def shown(seconds):
    """Return a time to two digits, as one says it."""
    if float(f"{seconds:.2g}") >= 100:
        return f"{float(f'{seconds / 60:.2g}'):g} min"
    return f"{float(f'{seconds:.2g}'):g} s"


def main(tiny=False):
    rows, columns = ((200,), (2,)) if tiny else (ROWS, COLUMNS)
    options = {"first": 8, "more": 8, "most": -1} if tiny else {}
    lines = []
    for n in rows:
        for d in columns:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                sweep, total, result, field = measure(n, d, **options)
            whole = result is not None and result.fit
            ended = "not waited for" if result is None else f"{result.sweeps[0]} sweeps"
            ended += ", fit" if whole else ""
            lines.append(line(n, d, total, whole, field))
            print(f"{n} x {d}: {1e3 * sweep:.1f} ms a sweep, analysis {total:.1f} s ({ended}), "
                  f"mean field {field:.2f} s, ratio {total / field:.1f}", flush=True)  # fmt: skip
    print("\nSeconds of the processor:\n", HEADER, RULE, *lines, sep="\n")


if __name__ == "__main__":
    main()
