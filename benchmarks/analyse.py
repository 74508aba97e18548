"""Whether an analysis of an ordinary table mixes, by default, and how long it takes.

    python -m benchmarks analyse
    python -m benchmarks.analyse --seeds 1 --centres 10 iris blobs

The first takes five seeds, and ten of the centres of blobs; the second as many as it says, of the
tables that it names. For each run: sweeps of each of four chains when the rule ended it, R-hat and
effective draws of K, the worst R-hat and the fewest effective draws of all that must mix, the mean
of K in each chain, how many groups, on the blobs how far the reported partition is from the truth,
seconds of the clock and of the processor, and the latter over the four minutes that two cores have
in two. All but the seconds depend on the seed alone. The table at the end has the runs of each
table of data together; what the book says was printed is kept in ``analyse.txt``.

Left out unless they are named: noise, one run for each of three laws in 2, 5 and 10 columns, of
which some take long, and breast_cancer, which takes longest by far.
"""

import argparse
import time

import numpy as np

from benchmarks._turns import machine
from dpnotes import partitions, workflow

LIMIT = 240.0  # seconds of the processor: two minutes on two cores
HEADER = (
    "| data | fit | sweeps | worst R-hat | fewest draws | mean K of a chain | groups | seconds |"
)
RULE = "|---|---:|---:|---:|---:|---:|---:|---:|"


def blobs(d, seed, n=50):
    """Return four round clusters, at least 10.9 standard deviations apart, and their labels."""
    rng, near = np.random.default_rng(seed), True
    while near:
        way = rng.standard_normal((4, d))
        centre = rng.uniform(8, 14, (4, 1)) * way / np.linalg.norm(way, axis=1, keepdims=True)
        gaps = np.linalg.norm(centre[:, None] - centre, axis=-1)
        near = gaps[np.triu_indices(4, 1)].min() < 10.9
    return np.repeat(centre, n, axis=0) + rng.standard_normal((4 * n, d)), np.repeat(range(4), n)


def noise(name, d, seed, n=300):
    rng = np.random.default_rng(seed)
    draw = {"Gaussian": rng.standard_normal, "uniform": rng.random}
    return rng.standard_t(3, (n, d)) if name == "t" else draw[name]((n, d))


def show(name, x, seed, truth=None, **options):
    """Analyse the rows, print how it went, and return it for the table."""
    began, used = time.perf_counter(), time.process_time()
    result = workflow.analyse(x, rng=seed, **options)
    seconds, used = time.perf_counter() - began, time.process_time() - used
    K, table, size = result.num_clusters, result.diagnostics, f"{x.shape[0]} x {x.shape[1]}"
    rhat, draws = table.rhat.max(), table.bulk[table.moves].min(initial=np.inf)
    away = None if truth is None else partitions.variation_of_information(truth, result.partition)
    known = "" if away is None else f"; {away:.2f} nats from the truth" if away else "; the truth"
    groups = result.groups.max() + 1
    print(
        f"{name}, seed {seed}, {size}: {result.sweeps[0]} sweeps, K {result.rhat:.3f} / "
        f"{result.ess:.0f}, worst {rhat:.3f} / {draws:.0f}, {'fit' if result.fit else 'NOT FIT'}, "
        f"mean K {K.mean(axis=1).round(1).tolist()}, {groups} groups{known}; {seconds:.0f} s of "
        f"the clock, {used:.0f} s of the processor, over {LIMIT:.0f} s, ratio {used / LIMIT:.3f}",
        flush=True,
    )
    return result.fit, result.sweeps[0], rhat, draws, K.mean(axis=1), groups, used, away


def spread(values, digits=0):
    """Return the least and the most of some numbers, in words."""
    low, high = (f"{f(values):,.{digits}f}" for f in (np.min, np.max))
    return low if low == high else f"{low} to {high}"


def line(name, runs):
    """Return a line of the table, for all runs on one table of data."""
    fit, sweeps, rhat, draws, K, groups, used, away = zip(*runs)
    found = "" if away[0] is None else f", the truth {np.sum(np.equal(away, 0))} times"
    cells = (
        f"{sum(fit)} of {len(fit)}",
        spread(sweeps),
        f"{max(rhat):.3f}",
        f"{min(draws):.0f}",
        spread(K, 1),
        spread(groups) + found,
        spread(used),
    )
    return " | ".join((f"| {name}", *cells)) + " |"


def real(name):
    from sklearn import datasets

    return getattr(datasets, f"load_{name}")().data


TABLES = ("iris", "wine", "blobs")


def known(d, seed):
    """Return how an analysis of blobs went."""
    x, truth = blobs(d, seed)
    return show("blobs", x, seed, truth)


def runs(name, seeds, centres):
    """Yield the name of a table of data and its runs."""
    if name == "blobs":
        for d in (3, 5, 8, 10):
            yield f"blobs, 200 x {d}", [known(d, s) for s in range(1, centres + 1)]
    elif name == "noise":
        for law in ("Gaussian", "uniform", "t"):
            for d in (2, 5, 10):
                label = f"noise, {law}"
                yield f"{label}, 300 x {d}", [show(label, noise(law, d, 1), 1)]
    else:
        x = real(name)
        yield f"{name}, {len(x)} x {x.shape[1]}", [show(name, x, s) for s in range(1, seeds + 1)]


def main(tiny=False, names=TABLES, seeds=5, centres=10):
    few = blobs(3, 1)[0][::8]
    if tiny:
        print(line("blobs", [show("blobs", few, 1, n_sweeps=40)]))
        return
    print(machine())
    workflow.analyse(few, n_sweeps=8, rng=1)  # compiles
    rows = [row for name in names for row in runs(name, seeds, centres)]
    print("\n".join((HEADER, RULE, *(line(*row) for row in rows))))


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    named = ", ".join((*TABLES, "noise", "breast_cancer"))
    parser.add_argument("names", nargs="*", default=TABLES, metavar="table", help=named)
    parser.add_argument("--seeds", type=int, default=5, help="on real tables")
    parser.add_argument("--centres", type=int, default=10, help="seeds of the centres of blobs")
    main(**vars(parser.parse_args()))
