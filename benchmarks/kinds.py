"""Collapsed sweeps of yes/no columns beside a plain C loop: N = 1e4, D = 20, K about 10.

    python -m benchmarks kinds

gcc compiles the loop below, where there is one; both run in turn on the same data. A sweep of a
product of seven kinds, and one of 20 of one kind, stands beside the sum of those of its parts, all
from the same partition, a row's missing cells, drawn, beside its seat in a plain sweep, and mean
field of mixed columns beside scikit-learn's Gaussian mixture of a table of the same size.
"""

import ctypes
import importlib.util
import pathlib
import shutil
import subprocess
import tempfile
import time
import warnings

import numpy as np

from benchmarks import _turns
from benchmarks.gibbs import best_of, our_sweep
from dpnotes import _sweeps, meanfield
from dpnotes.components import (
    BernoulliBeta,
    ExponentialGamma,
    GeometricBeta,
    MultinomialDirichlet,
    NormalInverseGamma,
    NormalInverseWishart,
    PoissonGamma,
    Product,
)
from dpnotes.mixture import DPMixture

LOOP = r"""
#include <string.h>

/* Beta(1, 1) for each column; count holds 1 + the zeros and 1 + the ones of each cluster and
   column; weight[s] is the size, or alpha, over (s + 2)^d. */
int sweep(int n, int d, const int *x, int *label, const double *u, const double *weight, int K,
          int *size, double *count, double *cum) {
    for (int i = 0; i < n; i++) {
        const int *xi = x + i * d;
        int k = label[i], width = 2 * d;
        size[k]--;
        for (int j = 0; j < d; j++) count[k * width + 2 * j + xi[j]] -= 1;
        if (size[k] == 0) {
            K--;
            if (k != K) {
                size[k] = size[K];
                memcpy(count + k * width, count + K * width, width * sizeof(double));
                for (int l = 0; l < n; l++) if (label[l] == K) label[l] = k;
            }
            size[K] = 0;
            for (int j = 0; j < width; j++) count[K * width + j] = 1;
        }
        double total = 0;
        for (int r = 0; r <= K; r++) {
            double product = weight[size[r]];
            for (int j = 0; j < d; j++) product *= count[r * width + 2 * j + xi[j]];
            total += product;
            cum[r] = total;
        }
        double target = u[i] * total;
        for (k = 0; k < K && cum[k] < target; k++) {}
        if (k == K) K++;
        label[i] = k;
        size[k]++;
        for (int j = 0; j < d; j++) count[k * width + 2 * j + xi[j]] += 1;
    }
    return K;
}
"""


def c_sweep(x, labels):
    """Return a function that runs one sweep in C and returns the number of clusters."""
    with tempfile.TemporaryDirectory() as folder:
        source, library = pathlib.Path(folder) / "sweep.c", pathlib.Path(folder) / "sweep.so"
        source.write_text(LOOP)
        flags = ["-O3", "-march=native", "-shared", "-fPIC"]
        subprocess.run(["gcc", *flags, source, "-o", library, "-lm"], check=True)
        sweep = ctypes.CDLL(str(library)).sweep
    n, d = x.shape
    values, labels = np.ascontiguousarray(x, np.int32), labels.astype(np.int32)
    s = np.arange(n + 1.0)
    weight = np.maximum(s, 1) / (s + 2) ** d  # alpha is 1
    size, count, cum = np.zeros(n + 1, np.int32), np.ones((n + 1, d, 2)), np.zeros(n + 1)
    np.add.at(size, labels, 1)
    np.add.at(count, (labels[:, None], np.arange(d), values), 1)
    state = {"K": int(labels.max()) + 1}

    def one(uniforms):
        arrays = values, labels, uniforms, weight, size, count, cum
        *head, a, b, c = [ctypes.c_void_p(array.ctypes.data) for array in arrays]
        state["K"] = sweep(n, d, *head, state["K"], a, b, c)
        return state["K"]

    return one


def main(tiny=False):
    n, sweeps, rows = (300, 3, 400) if tiny else (10_000, 30, 100_000)
    # Every column of a product, and every kind in it, makes compiling longer.
    d, kinds = (3, 2) if tiny else (20, 7)
    rng = np.random.default_rng(1)
    labels = np.sort(rng.integers(0, 10, n))
    x = (rng.random((n, d)) < rng.beta(0.5, 0.5, (10, d))[labels]).astype(float)
    model = DPMixture(1.0, BernoulliBeta(np.ones(d), 1))
    if shutil.which("gcc") and importlib.util.find_spec("numba"):
        (a, b), K = best_of([our_sweep(model, x, labels), c_sweep(x, labels)], n, sweeps, rng)
        print(
            f"N = {n}, {d} yes/no columns, K = {K}: compiled {a:.2f} ms, C loop {b:.2f} ms, ",
            end="",
        )
        print(f"ratio {a / b:.2f}")
    else:
        print("no gcc or no numba: no comparison with a loop in C")
    if importlib.util.find_spec("numba"):
        parts_and_product(n, kinds, sweeps, labels, rng)
        yes_or_no = [(BernoulliBeta(1, 1), x[:, j : j + 1]) for j in range(d)]
        product = DPMixture(1.0, Product([family for family, _ in yes_or_no]))
        both = [our_sweep(m, x, labels) for m in (product, model)]
        (a, b), K = best_of(both, n, sweeps, rng)
        print(f"N = {n}, {d} yes/no columns, K = {K}: as a product of {d} {a:.2f} ms, ", end="")
        print(f"as one family {b:.2f} ms, ratio {a / b:.2f}")
        beside_parts(f"{d} yes/no columns", yes_or_no, labels, sweeps, rng)
        drawn_cells(n, sweeps, np.random.default_rng(3))
    mean_field(rows, np.random.default_rng(2), 1 if tiny else 3)  # data of its own


def parts_and_product(n, kinds, sweeps, labels, rng):
    """Print how a sweep of a product of up to seven kinds compares with those of its parts."""
    away = rng.normal(size=(10, 2))[labels]
    families = [
        (NormalInverseGamma(0, 1, 2, 1), away[:, :1] + rng.normal(size=(n, 1))),
        (PoissonGamma(1, 0.3), rng.poisson(np.exp(away[:, :1]))),
        (BernoulliBeta(1, 1), away[:, :1] > rng.normal(size=(n, 1))),
        (GeometricBeta(1, 1), rng.geometric(1 / (1 + np.exp(away[:, 1:]))) - 1),
        (ExponentialGamma(1, 1), rng.exponential(np.exp(away[:, :1]))),
        (NormalInverseWishart([0, 0], 1, 4, np.eye(2)), away + rng.normal(size=(n, 2))),
        (MultinomialDirichlet([1, 1, 1]), rng.multinomial(8, rng.dirichlet([1, 1, 1], 10)[labels])),
    ]
    beside_parts(f"{kinds} kinds", families[:kinds], labels, sweeps, rng)


def beside_parts(called, families, labels, sweeps, rng):
    """Print how a sweep of a product compares with those of its parts, and what its first costs."""
    n, columns = len(labels), [x.astype(float) for _, x in families]
    seats = [_sweeps.Seating(f, x) for (f, _), x in zip(families, columns, strict=True)]
    whole = _sweeps.Seating(Product([family for family, _ in families]), np.hstack(columns))
    start = time.process_time()
    whole(labels, 1.0, rng.random(n))
    first = time.process_time() - start

    def sweep(seat):
        def one(uniforms):
            return seat(labels, 1.0, uniforms).max() + 1

        return one

    times, K = best_of([*map(sweep, seats), sweep(whole)], n, sweeps, rng)
    print(f"N = {n}, {called}, K = {K}: product {times[-1]:.2f} ms, ", end="")
    print(f"parts {times[:-1].sum():.2f} ms, ratio {times[-1] / times[:-1].sum():.2f}; ", end="")
    print(f"first call {first:.1f} s of processor, compiling included where it is not kept")


def drawn_cells(n, sweeps, rng):
    """Print what it costs to draw the missing cells of rows beside a plain sweep of all rows."""
    z = rng.integers(0, 10, n)
    x = 4 * rng.normal(size=(10, 5))[z] + rng.normal(size=(n, 5))
    x[rng.random(x.shape) < 0.1] = np.nan
    gaps, rows = np.nonzero(np.isnan(x)), np.isnan(x).any(axis=1).sum()
    family = NormalInverseWishart(np.zeros(5), 0.1, 8, 2 * np.eye(5))
    seat = _sweeps.Seating(family, np.where(np.isnan(x), np.nanmean(x, axis=0), x))
    cells = _sweeps.Cells(seat, gaps)

    def plain(uniforms):
        return seat(z, 1.0, uniforms).max() + 1

    def drawn(uniforms):
        return cells(z, 1.0, cells.draws(rng)).max() + 1

    (a, b), K = best_of([plain, drawn], n, sweeps, rng)
    print(f"N = {n}, 5 columns, a cell of 10 missing, K = {K}: plain sweep {a:.2f} ms, ", end="")
    print(f"seats and cells of {rows} rows {b:.2f} ms, {1e3 * b / rows:.1f} us a row")


def mean_field(n, rng, rounds):
    """Print how an iteration on mixed columns compares with one of EM on as many Gaussian ones."""
    from sklearn.mixture import GaussianMixture

    z = rng.integers(0, 10, n)
    normal = 0.5 * rng.normal(size=(10, 20))[z] + rng.normal(size=(n, 20))
    mixed = normal.copy()
    mixed[:, 8:14] = rng.poisson(rng.gamma(9, 0.5, (10, 6))[z])
    mixed[:, 14:] = rng.random((n, 6)) < rng.beta(3, 3, (10, 6))[z]
    parts = NormalInverseGamma(np.zeros(8), 0.1, 2, 1), PoissonGamma(np.ones(6), 0.2)
    model = DPMixture(1.0, Product([*parts, BernoulliBeta(np.ones(6), 1)]))

    def ours(steps):
        return lambda: meanfield.fit(model, mixed, truncation=10, restarts=1, max_iter=steps, rng=1)

    def theirs(steps):
        options = dict(covariance_type="diag", tol=0, init_params="random", random_state=1)
        return lambda: GaussianMixture(10, max_iter=steps, **options).fit(normal)

    few, many = 2, 12  # what both need before the first iteration cancels
    made = len(ours(many)().elbo)
    if made < many:
        raise RuntimeError(f"mean field ended after {made} iterations, and cannot be timed")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # neither is meant to converge
        a, b, c, d = _turns.best([ours(few), ours(many), theirs(few), theirs(many)], rounds)
    a, b = (max(more - less, 1e-3) / (many - few) for less, more in ((a, b), (c, d)))
    print(f"N = {n}, 20 mixed columns, T = 10: mean field {a:.1f} ms an iteration, ", end="")
    print(f"GaussianMixture {b:.1f} ms, ratio {a / b:.2f}")


if __name__ == "__main__":
    main()
