"""What a sweep by slices is worth where loops are not compiled: effective draws a second.

    python -m benchmarks slices

Both samplers run as they do in a browser or a plain install, without numba.
"""

import time
from unittest import mock

import numpy as np

from dpnotes import _sweeps, chains, datasets, diagnostics, gibbs, hyper, tables, workflow


def worth(z, all_at_once, n_sweeps):
    """Return seconds a sweep, and effective draws a second of the log joint density."""
    seat = hyper.Collapsed(hyper.HyperMixture(1.0, workflow.default_prior(z.shape[1])), z)
    split_merge = gibbs.SplitMerge(seat, proposals=2)
    moves = split_merge, gibbs.Alpha((2, 4)), hyper.Base(seat)
    first = gibbs.Slice(seat) if all_at_once else seat
    began = time.process_time()
    chain = chains.run(first, 20, rng=1)
    a_sweep = (time.process_time() - began) / 20
    kernel = chains.cycle(*[first] * (10 if all_at_once else 1), *moves)
    began = time.process_time()
    chain = chains.run(kernel, n_sweeps, rng=1)[n_sweeps // 4 :]
    return a_sweep, diagnostics.ess(chain.log_joint) / (time.process_time() - began)


def six_groups(n):
    """Return points of six round clusters in three columns."""
    rng = np.random.default_rng(1)
    return 3 * rng.standard_normal((6, 3))[rng.integers(6, size=n)] + rng.standard_normal((n, 3))


def main(tiny=False):
    faithful = tables.prepare(datasets.faithful(), columns=None, rng=np.random.default_rng(1)).z
    cases = [("Old Faithful", faithful, 600), ("six groups", six_groups(2000), 150)]
    if tiny:
        cases = [("Old Faithful", faithful[::8], 8)]
    for name, z, n_sweeps in cases:
        with mock.patch.object(_sweeps, "compiled", lambda make, *parts: None):
            slices, points = (worth(z, way, n_sweeps) for way in (True, False))
        print(f"{name}, {len(z)} x {z.shape[1]}, not compiled, slices and point by point:")
        a, b = 1e3 * slices[0], 1e3 * points[0]
        print(f"  a sweep {a:.3g} ms, {b:.3g} ms, ratio {a / b:.3f}")
        a, b = slices[1], points[1]
        print(f"  draws of the log joint a second {a:.3g}, {b:.3g}, ratio {a / b:.2f}")


if __name__ == "__main__":
    main()
