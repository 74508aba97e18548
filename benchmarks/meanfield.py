"""Mean field beside scikit-learn's BayesianGaussianMixture, and beside itself on one thread.

Only ratios mean anything: both sides are timed in turn on the same data.
"""

import tempfile
import time
import tracemalloc
import warnings
from pathlib import Path

import numpy as np

from benchmarks._turns import threads
from dpnotes import InferenceWarning, meanfield
from dpnotes.components import Gaussian, NormalInverseGamma, NormalInverseWishart
from dpnotes.mixture import DPMixture

T, ITERATIONS, ROUNDS = 20, 20, 5


def overlapping(n, d, rng):
    """Return points of T clusters that overlap, so that no fit converges within the timing."""
    return rng.normal(size=(n, d)) + rng.normal(size=(T, d))[rng.integers(T, size=n)]


def families(d):
    mean = np.zeros(d)
    return {
        "known variance": Gaussian(mean, 1, 1),
        "unknown diagonal variances": NormalInverseGamma(mean, 1, 2, 1),
    }


def ours(component, x, labels, iterations):
    model = DPMixture(1.0, component)
    with warnings.catch_warnings():
        # A given number of passes is timed, so that the fit never counts as converged.
        warnings.simplefilter("ignore", InferenceWarning)
        result = meanfield.fit(model, x, truncation=T, init=labels, tol=0, max_iter=iterations)
    assert len(result.elbo) == iterations


def theirs(x, iterations):
    from sklearn.mixture import BayesianGaussianMixture

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        BayesianGaussianMixture(
            n_components=T,
            covariance_type="diag",
            init_params="random_from_data",
            tol=0,
            max_iter=iterations,
            random_state=1,
        ).fit(x)


def seconds(function, iterations):
    start = time.perf_counter()
    function(iterations)
    return time.perf_counter() - start


def megabytes(function):
    tracemalloc.start()
    function(3)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak / 1e6


def iterations(n, d, rng):
    """Print time per iteration and peak memory beyond the data at n points in d dimensions."""
    x, labels = overlapping(n, d, rng), rng.integers(T, size=n)
    runs = {"scikit-learn, diagonal": lambda k: theirs(x, k)}
    for name, component in families(d).items():
        runs[name] = lambda k, component=component: ours(component, x, labels, k)
    # The fastest of several short and long runs, in turns; their difference is set-up free.
    short, long = dict.fromkeys(runs, np.inf), dict.fromkeys(runs, np.inf)
    for _ in range(ROUNDS):
        for name, function in runs.items():
            short[name] = min(short[name], seconds(function, 2))
            long[name] = min(long[name], seconds(function, 2 + ITERATIONS))
    cost = {name: (long[name] - short[name]) / ITERATIONS for name in runs}
    memory = {name: megabytes(function) for name, function in runs.items()}
    base = "scikit-learn, diagonal"
    for name in runs:
        print(
            f"D = {d:2}  {name:27} {memory[name]:6.1f} MB,"
            f" ratio {memory[base] / memory[name]:5.1f};"
            f" {1e3 * cost[name]:7.1f} ms per iteration, ratio {cost[base] / cost[name]:5.1f}"
        )


def from_disk(n, rng):
    """Fit n points in two dimensions from a memory-mapped file; print time and peak memory."""
    centres = 6 * rng.normal(size=(8, 2))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "x.npy"
        x = np.lib.format.open_memmap(path, mode="w+", dtype=float, shape=(n, 2))
        for start in range(0, n, 10**6):
            m = min(10**6, n - start)
            x[start : start + m] = centres[rng.integers(8, size=m)] + rng.normal(size=(m, 2))
        x.flush()
        x = np.load(path, mmap_mode="r")
        model = DPMixture(1.0, Gaussian([0, 0], 36, 1))
        tracemalloc.start()
        start = time.perf_counter()
        result = meanfield.fit(model, x, truncation=T, rng=1, tol=1e-5)
        elapsed = time.perf_counter() - start
        peak = tracemalloc.get_traced_memory()[1] / 1e6
        tracemalloc.stop()
    print(
        f"N = {n:.0e} from disk: {elapsed:.0f} s in all, {len(result.elbo)} passes, converged: "
        f"{result.converged}, peak memory {peak:.0f} MB (an N by T array: {8e-6 * n * T:.0f} MB)"
    )


def full(n):
    """Return a fit of full covariances, five passes."""
    rng = np.random.default_rng(1)
    x, labels = overlapping(n, 10, rng), rng.integers(T, size=n)
    component = NormalInverseWishart(np.zeros(10), 0.1, 12, np.eye(10))
    return lambda: ours(component, x, labels, 5)


def main(tiny=False):
    from threadpoolctl import threadpool_limits

    n, on_disk = (300, 300) if tiny else (100_000, 10**7)
    rng = np.random.default_rng(1)
    print(f"N = {n}, T = {T}, one thread; ratios are scikit-learn over ours")
    with threadpool_limits(1):
        for d in (2, 16):
            iterations(n, d, rng)
        from_disk(on_disk, rng)
    threads(f"N = {n}, D = 10, full covariances", "meanfield", f"full({n})", 1 if tiny else 10)


if __name__ == "__main__":
    main()
