"""Sweeps beside one another: a learned base measure, full covariances, and BLAS threads.

Times without a word on threads are the processor's, the least of several rounds. What two threads
or processes take of the time means something only on two cores that have nothing else to do.
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


def side_by_side(kernel, start, sweeps, rounds):
    """Return the seconds of four chains one after another, in two threads, in two processes."""
    with ProcessPoolExecutor(2) as pool:
        ways = {"n_jobs": 1}, {"n_jobs": 2}, {"map": pool.map}
        times = np.empty((rounds, len(ways)))
        for took in times:
            for i, way in enumerate(ways):
                began = time.perf_counter()
                chains.run_many(kernel, sweeps, start=start, **way)
                took[i] = time.perf_counter() - began
    return times.min(axis=0)


def settled(x, sweeps):
    """Return a kernel and four chains of it to go on from."""
    kernel = hyper.kernel(workflow.default_prior(x.shape[1]), x, alpha_prior=(2, 4))
    starts = workflow.dispersed(len(x), 4, rng=1)
    return kernel, chains.run_many(kernel, sweeps, start=starts, rng=1, n_jobs=1)


def short(name, x, sweeps, rounds):
    """Print what two threads, and two processes, take of the time, where runs are short."""
    one, threads, processes = side_by_side(*settled(x, sweeps), sweeps, rounds)
    print(
        f"{name}, four chains: {one / sweeps * 1e3:.2f} ms a sweep of all, two threads "
        f"{threads / one:.2f} of it, two processes {processes / one:.2f} (wall, least of {rounds})"
    )


def long(name, x, seconds, rounds):
    """Print the same for a run of at least so many seconds, if the machine has nothing else to do.

    At most 0.65 is asked of a run of more than 20.
    """
    run = settled(x, 100)
    sweeps = int(np.ceil(1.3 * seconds * 100 / side_by_side(*run, 100, 1)[0]))
    one, threads, processes = side_by_side(*run, sweeps, rounds)
    for way, took in (("threads", threads), ("processes", processes)):
        print(
            f"{name}, {sweeps} sweeps of four chains, {one:.1f} s one after another, two {way} "
            f"(wall, least of {rounds}): ratio {took / one:.2f}"
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
        short(f"{m} x {d}", tables.standardise(blobs(m, d, np.random.default_rng(1))[0])[0],
              sweeps, min(rounds, 10))  # fmt: skip
    m = 60 if tiny else 1000
    x = tables.standardise(blobs(m, 5, np.random.default_rng(1))[0])[0]
    long(f"{m} x 5", x, 0.02 if tiny else 20, min(rounds, 2))
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
