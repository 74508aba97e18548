"""Whether an analysis of an ordinary table mixes, by default, and how long it takes.

    python -m benchmarks analyse

For each table: sweeps of each of four chains when the rule ended the run, R-hat and effective
draws of K, the worst R-hat and the fewest effective draws of all that must mix, the mean of K in
each chain, the largest cluster's share, and seconds over the two minutes that it may take. On the
blobs, what the reported partition has in common with the truth; on the other tables, the mean log
score of rows held out.
"""

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
    began = time.perf_counter()
    result = workflow.analyse(x, rng=seed, **options)
    seconds = time.perf_counter() - began
    K, table = result.num_clusters, result.diagnostics
    known = ""
    if truth is not None:
        found = partitions.variation_of_information(truth, result.partition)
        known = "; the truth" if found == 0 else f"; {found:.2f} nats from the truth"
    print(f"{name}, seed {seed}, {x.shape[0]} x {x.shape[1]}: {result.sweeps[0]} sweeps, "
          f"K {result.rhat:.3f} / {result.ess:.0f}, worst {table.rhat.max():.3f} / "
          f"{table.bulk[table.moves].min(initial=np.inf):.0f}, "
          f"{'fit' if result.fit else 'NOT FIT'}, mean K {K.mean(axis=1).round(1).tolist()}, "
          f"{result.groups.max() + 1} groups{known}; {seconds:.0f} s, over two minutes, "
          f"ratio {seconds / 120:.3f}", flush=True)  # fmt: skip


def main(tiny=False):
    if tiny:
        show("blobs", *[blobs(3, 1)[i][::8] for i in (0,)], 1, n_sweeps=40)
        return
    from sklearn.datasets import load_breast_cancer, load_iris, load_wine

    tables = {"iris": load_iris, "wine": load_wine, "breast cancer": load_breast_cancer}
    for seed in range(1, 6):
        for name in ("iris", "wine"):
            show(name, tables[name]().data, seed)
    for d in (3, 5, 8, 10):
        for seed in range(1, 11):
            x, truth = blobs(d, seed)
            show("blobs", x, seed, truth)
    for name in ("Gaussian", "uniform", "t"):
        for d in (2, 5, 10):
            show(f"noise, {name}", noise(name, d, 1), 1)
    show("breast cancer", tables["breast cancer"]().data, 1)


if __name__ == "__main__":
    main()
