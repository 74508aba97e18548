"""Collapsed sweeps beside a plain C loop: isotropic Gaussians, N = 1e4, D = 2, K about 10.

    python -m benchmarks.gibbs

gcc compiles the loop below; both run in turn on the same data, and the best of many sweeps counts.
"""

import ctypes
import importlib.util
import pathlib
import shutil
import subprocess
import tempfile
import time

import numpy as np

from dpnotes import _sweeps
from dpnotes.components import Gaussian
from dpnotes.mixture import DPMixture

LOOP = r"""
#include <math.h>
#include <string.h>

/* Clusters 0..K-1 and, at K, no points; weight, half and shrink are tables by cluster size. */
int sweep(int n, int d, const double *y, int *label, const double *u, const double *weight,
          const double *half, const double *shrink, int K, int *size, double *sum, double *cum) {
    for (int i = 0; i < n; i++) {
        const double *yi = y + i * d;
        int k = label[i];
        size[k]--;
        for (int j = 0; j < d; j++) sum[k * d + j] -= yi[j];
        if (size[k] == 0) {
            K--;
            if (k != K) {
                size[k] = size[K];
                memcpy(sum + k * d, sum + K * d, d * sizeof(double));
                for (int l = 0; l < n; l++) if (label[l] == K) label[l] = k;
            }
            size[K] = 0;
            memset(sum + K * d, 0, d * sizeof(double));
        }
        double total = 0;
        for (int r = 0; r <= K; r++) {
            int s = size[r];
            double square = 0;
            for (int j = 0; j < d; j++) {
                double away = yi[j] - shrink[s] * sum[r * d + j];
                square += away * away;
            }
            total += weight[s] * exp(-half[s] * square);
            cum[r] = total;
        }
        double target = u[i] * total;
        for (k = 0; k < K && cum[k] < target; k++) {}
        if (k == K) K++;
        label[i] = k;
        size[k]++;
        for (int j = 0; j < d; j++) sum[k * d + j] += yi[j];
    }
    return K;
}
"""


def c_sweep(model, x, labels):
    """Return a function that runs one sweep in C and returns the number of clusters."""
    folder = pathlib.Path(tempfile.mkdtemp())
    source, library = folder / "sweep.c", folder / "sweep.so"
    source.write_text(LOOP)
    flags = ["-O3", "-march=native", "-shared", "-fPIC"]
    subprocess.run(["gcc", *flags, source, "-o", library, "-lm"], check=True)
    sweep = ctypes.CDLL(str(library)).sweep
    n, d = x.shape
    values = x - model.component.mean
    log_weight, shrink, half, _ = _sweeps.KnownVariance(model.component, x).tables()
    log_weight[0] += np.log(model.alpha)
    size, sums, cum = np.zeros(n + 1, np.int32), np.zeros((n + 1, d)), np.zeros(n + 1)
    labels = labels.astype(np.int32)
    np.add.at(size, labels, 1)
    np.add.at(sums, labels, values)
    weight = np.exp(log_weight)
    state = {"K": int(labels.max()) + 1}

    def pointer(array):
        return array.ctypes.data_as(ctypes.c_void_p)

    tail = [pointer(a) for a in (size, sums, cum)]

    def one(uniforms):
        head = [pointer(a) for a in (values, labels, uniforms, weight, half, shrink)]
        state["K"] = sweep(n, d, *head, state["K"], *tail)
        return state["K"]

    one.keep = values, weight, half, shrink, size, sums, cum, labels
    return one


def our_sweep(model, x, labels):
    """Return a function that runs one sweep of ours, without the draw of the uniforms."""
    seat, state = _sweeps.Seating(model.component, x), {"labels": labels}

    def one(uniforms):
        state["labels"] = seat(state["labels"], model.alpha, uniforms)
        return state["labels"].max() + 1

    return one


def best_of(functions, n, repeats, rng):
    """Return the best time of each function in milliseconds, running them in turn."""
    best = np.full(len(functions), np.inf)
    for uniforms in rng.random((repeats, n)):
        for f, function in enumerate(functions):
            start = time.perf_counter()
            K = function(uniforms)
            best[f] = min(best[f], time.perf_counter() - start)
    return 1e3 * best, K


def main(tiny=False):
    n, sweeps = (300, 3) if tiny else (10_000, 150)
    rng = np.random.default_rng(1)
    model = DPMixture(1.0, Gaussian(mean=[0, 0], var=9.0, noise_var=1.0))
    labels = np.sort(rng.integers(0, 10, n))
    x = 3 * rng.standard_normal((10, 2))[labels] + rng.standard_normal((n, 2))
    if shutil.which("gcc") and importlib.util.find_spec("numba"):
        ours, loop = our_sweep(model, x, labels), c_sweep(model, x, labels)
        (a, b), K = best_of([ours, loop], n, sweeps, rng)
        print(f"N = {n}, D = 2, K = {K}: compiled {a:.2f} ms, C loop {b:.2f} ms a sweep, ", end="")
        print(f"ratio {a / b:.2f}")
    compiled, _sweeps.compiled = _sweeps.compiled, lambda *parts: None
    (a,), K = best_of([our_sweep(model, x[::10], labels[::10])], n // 10, min(sweeps, 20), rng)
    _sweeps.compiled = compiled
    print(f"N = {n // 10}, D = 2, K = {K}: plain Python {a:.1f} ms a sweep")


if __name__ == "__main__":
    main()
