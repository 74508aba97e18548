"""The law of K_n beside SciPy's Poisson-binomial law and the plain recursion, in one run.

    python -m benchmarks.clusters

All three give P(K_n = k) for k = 1..100. Only ratios mean anything: ours stay put as n grows.
Then one partition for 20,000 points from 1,000 draws, where some points move in each draw, and
where each draw merges clusters in another way: seconds of the processor, which are to be under 5,
and their ratio to reading the draws (the loss of one partition over all of them).
"""

import time

import numpy as np
from scipy import stats

from dpnotes import partitions
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


def draws(n, number, clusters, share, merged, rng):
    """Draws about one partition; merged, each puts its clusters together in another way."""
    truth = rng.integers(clusters, size=n)
    found = clusters // 2 if merged else clusters
    rows = [rng.integers(found, size=clusters)[truth] if merged else truth for _ in range(number)]
    rows = np.array(rows)
    moved = rng.random(rows.shape) < share
    rows[moved] = rng.integers(found, size=moved.sum())
    return rows


def cost(function, *args, **options):
    start = time.process_time()
    result = function(*args, **options)
    return time.process_time() - start, result


def estimates(n, number, cases):
    for clusters, share, merged in cases:
        rows = draws(n, number, clusters, share, merged, np.random.default_rng(1))
        for loss in partitions.LOSSES:
            ours, found = cost(partitions.search, rows, loss=loss, rng=1)
            base, _ = cost(partitions.expected_loss, rows, found.labels, loss=loss)
            print(
                f"{loss}, {n} points, {number} draws, {clusters} clusters"
                f"{', merged in each draw' * merged}, {share:.0%} moved: {ours:.1f} s, "
                f"{len(found.losses)} searches; to the loss of one partition, "
                f"ratio {ours / max(base, 1e-3):.1f}"
            )


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
    if tiny:
        estimates(100, 20, [(5, 0.1, False), (6, 0.05, True)])
    else:
        shares = [(k, share, False) for k in (5, 12, 30) for share in (0.05, 0.1, 0.2)]
        estimates(20_000, 1000, [*shares, (12, 0.05, True), (30, 0.05, True)])


if __name__ == "__main__":
    main()
