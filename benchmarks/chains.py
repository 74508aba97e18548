"""Sweeps beside one another: a learned base measure, full covariances, and BLAS threads.

Times without a word on threads are the processor's, the least of several rounds.
"""

import time
from concurrent.futures import ProcessPoolExecutor

import numpy as np

from benchmarks._turns import best, threads
from dpnotes import chains, datasets, gibbs, hyper, tables, workflow
from dpnotes.components import NormalInverseGamma, NormalInverseWishart
from dpnotes.mixture import DPMixture

ROUNDS = 40


def blobs(n, d, rng):
    """Return points of three clusters far apart in d dimensions, and which is whose."""
    labels = np.sort(rng.integers(3, size=n))
    centres = rng.standard_normal((3, d))
    centres *= 12 / np.linalg.norm(centres - np.roll(centres, 1, axis=0), axis=1).min()
    return centres[labels] + rng.standard_normal((n, d)), labels


class Again:
    """Sweeps of a kernel, each from the labels of a draw of a chain, so that K is the chain's."""

    def __init__(self, kernel, chain):
        self.kernel, self.model, self.x, self.chain = kernel, kernel.model, kernel.x, chain

    def start(self, labels, rng):
        self.labels = iter(self.chain.labels)
        return self.kernel.start(labels, rng)

    def sweep(self, state, rng):
        return self.kernel.sweep(state._replace(labels=next(self.labels)), rng)


def learned(name, x, labels, sweeps, rounds):
    """Print a sweep that learns the base measure over one that seats the points alone."""
    prior = workflow.default_prior(x.shape[1])
    whole = hyper.kernel(prior, x, alpha_prior=(2, 4))
    chain = chains.run(whole, 500, rng=1, start=labels)[-sweeps:]
    seats = Again(hyper.Collapsed(hyper.HyperMixture(1.0, prior), x), chain)
    runs = [lambda kernel=k: chains.run(kernel, sweeps, rng=1, start=chain) for k in (whole, seats)]
    a, b = best(runs, rounds) / sweeps
    print(
        f"{name}, K = {chain.num_clusters.mean():.1f}: base measure learned {a:.3f} ms, "
        f"seats alone {b:.3f} ms a sweep, ratio {a / b:.2f}"
    )


def covariances(n, d, sweeps, rounds):
    """Print a sweep for full covariances over one for variances, coordinate by coordinate."""
    x, labels = blobs(n, d, np.random.default_rng(1))
    full = NormalInverseWishart(np.zeros(d), 0.01, d + 2, np.eye(d))
    diagonal = NormalInverseGamma(np.zeros(d), 0.01, 2, 1)
    kernels = [gibbs.Collapsed(DPMixture(0.1, family), x) for family in (full, diagonal)]
    runs = [lambda kernel=k: chains.run(kernel, sweeps, rng=1, start=labels) for k in kernels]
    K = [run().num_clusters.mean() for run in runs]
    a, b = best(runs, rounds) / sweeps
    print(
        f"{n} x {d}: full covariances {a:.3f} ms (K = {K[0]:.2f}), variances {b:.3f} ms a sweep "
        f"(K = {K[1]:.2f}), ratio {a / b:.2f}"
    )


def side_by_side(name, x, sweeps, rounds):
    """Print the time of four chains in two threads, and in two processes, over one at a time."""
    kernel = hyper.kernel(workflow.default_prior(x.shape[1]), x, alpha_prior=(2, 4))
    starts = workflow.dispersed(len(x), 4, rng=1)
    settled = chains.run_many(kernel, sweeps, start=starts, rng=1, n_jobs=1)
    with ProcessPoolExecutor(2) as pool:
        ways = {"n_jobs": 1}, {"n_jobs": 2}, {"map": pool.map}
        times = np.empty((rounds, len(ways)))
        for took in times:
            for i, way in enumerate(ways):
                began = time.perf_counter()
                chains.run_many(kernel, sweeps, start=settled, **way)
                took[i] = time.perf_counter() - began
    one, threads, processes = times.min(axis=0)
    print(
        f"{name}, four chains: {one / sweeps * 1e3:.2f} ms a sweep of all, two threads "
        f"{threads / one:.2f} of it, two processes {processes / one:.2f} (wall, least of {rounds})"
    )


def blocked(n, sweeps):
    """Return a run of blocked Gibbs for full covariances in 30 dimensions."""
    x, labels = blobs(n, 30, np.random.default_rng(1))
    model = DPMixture(1.0, NormalInverseWishart(np.zeros(30), 0.01, 32, np.eye(30)))
    return lambda: gibbs.blocked(model, x, sweeps, rng=1, start=labels)


def analysis(n, sweeps):
    """Return an analysis in 30 dimensions."""
    x, _ = blobs(n, 30, np.random.default_rng(1))
    return lambda: workflow.analyse(x, n_sweeps=sweeps, n_chains=2, rng=1).labels


def main(tiny=False):
    rounds, n = (1, 60) if tiny else (ROUNDS, 1000)
    for m, d, sweeps in [(60, 2, 5)] if tiny else [(150, 4, 500), (178, 13, 200), (2000, 3, 50)]:
        side_by_side(f"{m} x {d}", tables.standardise(blobs(m, d, np.random.default_rng(1))[0])[0],
                     sweeps, min(rounds, 10))  # fmt: skip
    x = tables.standardise(datasets.galaxies())[0]
    learned("galaxies", x, np.zeros(len(x), int), 10 if tiny else 300, rounds)
    shapes = [(n, 2, 5)] if tiny else [(n, 1, 100), (10_000, 1, 10), (n, 2, 60), (n, 10, 20)]
    for n, d, sweeps in shapes:
        x, labels = blobs(n, d, np.random.default_rng(1))
        learned(f"{n} x {d}", tables.standardise(x)[0], labels, sweeps, rounds)
    for d, sweeps in [(2, 3)] if tiny else [(2, 60), (10, 20), (30, 6)]:
        covariances(n, d, sweeps, rounds)
    n, m, sweeps, rounds = (60, 60, 8, 1) if tiny else (2000, 300, 30, 10)
    threads(f"blocked, {n} x 30", "chains", f"blocked({n}, {sweeps})", rounds)
    threads(f"analyse, {m} x 30", "chains", f"analysis({m}, {sweeps})", rounds)


if __name__ == "__main__":
    main()
