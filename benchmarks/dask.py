"""Mean field over the blocks of Dask: seconds, bytes and memory of a pass, for one and two workers.

    python -m benchmarks dask

The workers are processes of one thread on this machine, and read their rows from a folder of .npy
files, which they wrote themselves. Seconds of a pass are the difference of a longer and a shorter
fit from one start, on the clock and of the processor: the latter are those of the busiest worker
and of the process with client and scheduler, one after the other, and hold on a machine that has
other work, too. Bytes are all that this machine sends to itself in a pass, between client,
scheduler and workers. Memory is the most that a worker held above what it held before; a block is
that of the rows, 20 MB. Beside them: one process that reads the same files without Dask, and
scikit-learn's BayesianGaussianMixture (diagonal), which has all rows in memory.

The table is in seconds of the clock, and so holds on a machine that has nothing else to do; of the
processor only the ratios are printed. What the book says was printed is kept in ``dask.txt``.

A block costs something beside its rows: passes over many short blocks, with one worker and with
two, tell the time of its own worker from the time that all workers wait for, that of the client and
the scheduler.

Last the lines of the README run as a program: ten million rows of clusters that are apart, from
disk, with all starts and until the fit converges. Their seconds are those of the clock, and their
memory is all that a process held at most, what it loads counted in. Linux only, for the memory;
about ten minutes.
"""

import os
import re
import subprocess
import sys
import tempfile
import time
import warnings
from functools import partial
from pathlib import Path

import numpy as np

from benchmarks._turns import machine
from benchmarks.meanfield import T, theirs
from dpnotes import InferenceWarning, meanfield
from dpnotes.components import NormalInverseGamma
from dpnotes.mixture import DPMixture

D, PASSES = 10, 2
ROWS, BLOCK = (10**6, 10**7, 3 * 10**7), 250_000
ALONE = 10**7  # scikit-learn holds numbers for each row and cluster: no more rows than these
LINES = 10**7  # rows for the lines of the README
AGAIN = 8  # more runs of one worker and two, with so many rows
SHORT, MANY = 100, 400  # rows of a short block, and how many such blocks
MODEL = DPMixture(1.0, NormalInverseGamma(np.zeros(D), 1, 2, 1))
KINDS = "clock", "processor"
HEADER = "| rows | who | seconds a pass | kB sent | memory, in blocks |"
RULE = "|---:|---|---:|---:|---:|"


def block(i, rows, apart=1):
    """Return rows of T clusters that overlap, so that no fit converges within the timing."""
    rng = np.random.default_rng([1, i])
    centres = apart * np.random.default_rng(0).normal(size=(T, D))
    return rng.normal(size=(rows, D)) + centres[rng.integers(T, size=rows)]


def reset():
    """Return the memory of this process, in bytes, and begin to note the most that it holds."""
    import psutil

    Path("/proc/self/clear_refs").write_text("5")
    return psutil.Process().memory_info().rss


def peak():
    """Return the most that this process held since, in bytes."""
    return 1024 * int(re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text())[1])


def sent():
    """Return the bytes that this machine has sent to itself."""
    import psutil

    return psutil.net_io_counters(pernic=True)["lo"].bytes_sent


def ours(x, passes):
    """Fit so many passes, from the same start."""
    labels = np.random.default_rng(1).integers(T, size=1000)
    with warnings.catch_warnings():
        # A given number of passes is timed, so that the fit never counts as converged.
        warnings.simplefilter("ignore", InferenceWarning)
        start = meanfield.fit(MODEL, block(0, 1000), truncation=T, init=labels, max_iter=2)
        q = meanfield.fit(MODEL, x, truncation=T, init=start, tol=0, max_iter=passes)
    assert len(q.elbo) == passes


def of_a_pass(run, workers=list):
    """Return seconds, those of the processor and bytes sent of a pass: a longer run less a shorter.

    workers() gives the seconds that each of them has had of the processor.
    """

    def now():
        return np.array([time.perf_counter(), sent(), time.process_time(), *workers()])

    begun = now()
    run(1)
    between = now()
    run(1 + PASSES)
    seconds, moved, here, *there = (now() - between - (between - begun)) / PASSES
    return seconds, here + max(there, default=0), moved


def write(folder, n_blocks, rows, **options):
    """Write the blocks, each where it is made."""
    import dask.array as da
    from dask import delayed

    blocks = [delayed(block)(i, rows, **options) for i in range(n_blocks)]
    x = da.concatenate([da.from_delayed(b, (rows, D), float) for b in blocks])
    da.to_npy_stack(folder, x)


def spread(folder, workers, n_blocks, rows, processes=True):
    """Return what a pass over blocks of rows takes, and what a worker held at most.

    The workers write the folder if it is not there.
    """
    import dask.array as da
    from distributed import Client, LocalCluster

    with (
        LocalCluster(
            n_workers=workers,
            threads_per_worker=1,
            processes=processes,
            dashboard_address=":0",
        ) as cluster,
        Client(cluster) as client,
    ):
        if not folder.exists():
            write(folder, n_blocks, rows)
        x = da.from_npy_stack(folder)
        ours(x, 1)  # what is loaded once
        before = client.run(reset)
        taken = of_a_pass(
            lambda passes: ours(x, passes), lambda: client.run(time.process_time).values()
        )
        after = client.run(peak)
    return *taken, max(after[worker] - before[worker] for worker in before)


def alone(fit, x):
    """Return the same of this process, which sends nothing."""
    fit(block(0, 1000), 1)  # what is loaded once
    before = reset()
    x = x()
    fit(x, 1)  # the first to touch memory waits for it
    seconds, processor, _ = of_a_pass(lambda passes: fit(x, passes))
    return seconds, processor, 0, peak() - before


def line(rows, who, seconds, _, moved, memory, block_bytes):
    """Return a row of the table."""
    kilobytes = f"{moved / 1e3:.0f}" if moved else "none"
    return f"| {rows:,} | {who} | {seconds:.2f} | {kilobytes} | {memory / block_bytes:.2f} |"


def cost_of_a_block(folder):
    """Return seconds that a block costs its worker, and seconds that it costs all workers.

    A pass of B blocks on W workers takes B / W times the one and B times the other. Both are given
    on the clock and of the processor.
    """
    one, two = (np.array(spread(folder, workers, MANY, SHORT)[:2]) / MANY for workers in (1, 2))
    return 2 * (one - two), 2 * two - one


def main(tiny=False):
    import dask
    from threadpoolctl import threadpool_limits

    sizes, rows_of_a_block = ((2000,), 500) if tiny else (ROWS, BLOCK)
    size = 8 * D * rows_of_a_block
    lines = [HEADER, RULE]
    print(f"{machine()}, Dask {dask.__version__}")
    with tempfile.TemporaryDirectory() as temporary, threadpool_limits(1):
        for rows in sizes:
            folder, n_blocks = Path(temporary) / f"{rows}", rows // rows_of_a_block
            found = {
                f"{workers} worker{'s' * (workers > 1)}": spread(
                    folder, workers, n_blocks, rows_of_a_block, processes=not tiny
                )
                for workers in (1, 2)
            }
            compare(rows, found, "1 worker")
            files = [folder / f"{b}.npy" for b in range(n_blocks)]
            read = [partial(np.load, file, mmap_mode="r") for file in files]
            found["one process"] = alone(ours, lambda read=read: read)
            if rows <= ALONE:
                found["scikit-learn"] = alone(
                    theirs, lambda read=read: np.concatenate([load() for load in read])
                )
                compare(rows, found, "scikit-learn")
            if rows == ALONE:
                again(folder, n_blocks, rows_of_a_block)
            lines += [line(rows, who, *numbers, size) for who, numbers in found.items()]
        readme(Path(temporary), 4 if tiny else LINES // BLOCK, rows_of_a_block)
        if not tiny:
            for kind, own, common in zip(KINDS, *cost_of_a_block(Path(temporary) / "short")):
                print(f"a block, {kind}: {1e3 * own:.1f} ms its worker, {1e3 * common:.1f} ms all")
    print("\n".join(lines))


def again(folder, n_blocks, rows):
    """Print how many times the seconds of two workers one takes, by the clock, in more runs."""
    for _ in range(AGAIN):
        one, two = (spread(folder, workers, n_blocks, rows)[0] for workers in (1, 2))
        print(f"{n_blocks * rows:,} rows again, clock, 1 worker to two: ratio {one / two:.2f}")


PROGRAM = """
import time, dask.array, dask.distributed
from benchmarks import dask as benchmark
from dpnotes import meanfield
model = benchmark.MODEL
begun = time.perf_counter()
{lines}
seconds = time.perf_counter() - begun
held = [benchmark.peak(), max(client.run(benchmark.peak).values())]
client.close()
print(seconds, *held)
"""


def readme(folder, n_blocks, rows):
    """Print what the lines of the README take: seconds, and the memory of client and workers."""
    root = Path(__file__).parents[1]
    write(folder / "rows", n_blocks, rows, apart=4)
    listings = re.findall(r"```python\n(.*?)```", (root / "README.md").read_text(), re.DOTALL)
    (lines,) = [listing for listing in listings if "from_npy_stack" in listing]
    run = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", PROGRAM.format(lines=lines)],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(root)},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    *said, numbers = run.stdout.splitlines()
    seconds, client, workers = map(float, numbers.split())
    print(f"the lines of the README, {n_blocks * rows:,} rows: {seconds:.0f} s, client "
          f"{client / 1e6:.0f} MB, a worker {workers / 1e6:.0f} MB, {' '.join(said)}")  # fmt: skip


def compare(rows, found, who):
    """Print how many times the seconds of two workers this one takes."""
    for kind, name in enumerate(KINDS):
        ratio = found[who][kind] / found["2 workers"][kind]
        print(f"{rows:,} rows, {name}, {who} to two: ratio {ratio:.2f}")


if __name__ == "__main__":
    main()
