"""Whether an analysis of an ordinary table mixes, by default, and how long it takes.

    python -m benchmarks analyse
    python -m benchmarks.analyse --seeds 1 --centres 10 iris blobs

The first takes five seeds, and ten of the centres of blobs; the second as many as it says, of the
tables that it names. For each table: sweeps of each of four chains when the rule ended the run,
R-hat and effective draws of K, the worst R-hat and the fewest effective draws of all that must mix,
the mean of K in each chain, how many groups, on the blobs how far the reported partition is from
the truth, seconds of the processor, and seconds over the two minutes that it may take.
"""

import argparse
import time

import numpy as np

from dpnotes import partitions, workflow


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
    began, used = time.perf_counter(), time.process_time()
    result = workflow.analyse(x, rng=seed, **options)
    seconds, used = time.perf_counter() - began, time.process_time() - used
    K, table = result.num_clusters, result.diagnostics
    known = ""
    if truth is not None:
        found = partitions.variation_of_information(truth, result.partition)
        known = "; the truth" if found == 0 else f"; {found:.2f} nats from the truth"
    print(f"{name}, seed {seed}, {x.shape[0]} x {x.shape[1]}: {result.sweeps[0]} sweeps, "
          f"K {result.rhat:.3f} / {result.ess:.0f}, worst {table.rhat.max():.3f} / "
          f"{table.bulk[table.moves].min(initial=np.inf):.0f}, "
          f"{'fit' if result.fit else 'NOT FIT'}, mean K {K.mean(axis=1).round(1).tolist()}, "
          f"{result.groups.max() + 1} groups{known}; {used:.0f} s of the processor; "
          f"{seconds:.0f} s, over two minutes, ratio {seconds / 120:.3f}", flush=True)  # fmt: skip


def real(name):
    from sklearn import datasets

    return getattr(datasets, f"load_{name}")().data


TABLES = ("iris", "wine", "blobs", "noise", "breast_cancer")


def main(tiny=False, names=TABLES, seeds=5, centres=10):
    if tiny:
        show("blobs", blobs(3, 1)[0][::8], 1, n_sweeps=40)
        return
    for name in names:
        if name == "blobs":
            for d in (3, 5, 8, 10):
                for seed in range(1, centres + 1):
                    x, truth = blobs(d, seed)
                    show(name, x, seed, truth)
        elif name == "noise":
            for law in ("Gaussian", "uniform", "t"):
                for d in (2, 5, 10):
                    show(f"noise, {law}", noise(law, d, 1), 1)
        else:
            for seed in range(1, seeds + 1):
                show(name, real(name), seed)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("names", nargs="*", default=TABLES, metavar="table", help=", ".join(TABLES))
    parser.add_argument(
        "--seeds", type=int, default=5, help="of the random numbers, on real tables"
    )
    parser.add_argument("--centres", type=int, default=10, help="seeds of the centres of blobs")
    main(**vars(parser.parse_args()))
