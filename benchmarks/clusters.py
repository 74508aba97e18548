"""The law of K_n beside SciPy's Poisson-binomial law and the plain recursion, in one run.

    python -m benchmarks.clusters

All three give P(K_n = k) for k = 1..100. Only ratios mean anything: ours stay put as n grows.
"""

import time

import numpy as np
from scipy import stats

from dpnotes.clusters import NumClusters

ALPHA, K, ROUNDS = 1.0, np.arange(1, 101), 5


def ours(n):
    return NumClusters(n, ALPHA).pmf(K)


def scipy_law(n):
    return stats.poisson_binom(ALPHA / (ALPHA + np.arange(n))).pmf(K)


def recursion(n):
    """Add one customer at a time, keeping k = 0..100."""
    law = np.zeros(len(K) + 1)
    law[0] = 1.0
    for i in range(n):
        p = ALPHA / (ALPHA + i)
        law[1:] = law[1:] * (1 - p) + law[:-1] * p
        law[0] *= 1 - p
    return law[1:]


def seconds(function, n):
    times = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        function(n)
        times.append(time.perf_counter() - start)
    return min(times)


def main(tiny=False):
    for n in (200,) if tiny else (1000, 10_000):
        base = seconds(ours, n)
        right = recursion(n)
        for name, peer in [("scipy.stats.poisson_binom", scipy_law), ("recursion", recursion)]:
            print(f"n = {n}: {name} to ours, ratio {seconds(peer, n) / base:.1f}")
        seen = right > 1e-290
        worst = np.abs(ours(n)[seen] / right[seen] - 1).max()
        print(
            f"n = {n}: largest relative difference from the recursion, tails included: {worst:.0e}"
        )
    print(f"n = 1e12 to n = 1e3, ratio {seconds(ours, 10**12) / seconds(ours, 1000):.1f}")


if __name__ == "__main__":
    main()
