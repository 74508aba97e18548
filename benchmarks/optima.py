"""How high mean field ends, and how soon: with moves, with restarts, and beside scikit-learn.

Processor time of whole fits. A ratio is the other's time over that of moves; an advantage in nats
or in the score stands beside it, for a fast fit to a poor optimum is no gain. How soon a score is
reached is told apart: in seconds until our fit first has, after a pass over all rows, the score at
which scikit-learn's ends.

On the nine points it is counted how many of many random starts end below the best optimum known, by
ascents alone and with moves. About half an hour, most of it for these.
"""

import time
import warnings
from functools import partial
from itertools import product
from unittest import mock

import numpy as np

from dpnotes import datasets, exact, meanfield
from dpnotes.components import Gaussian, NormalInverseGamma, NormalInverseWishart
from dpnotes.mixture import DPMixture

STARTS, MOST = 200, 6  # on the nine points, for each T to this one
ALL = 3  # up to this T also the ascents from every partition say what is best


def timed(*functions):
    """Return what each function returns, and the least time of three calls of each, in turns."""
    results, times = [None] * len(functions), [np.inf] * len(functions)
    for _ in range(3):
        for f, function in enumerate(functions):
            start = time.process_time()
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                results[f] = function()
            times[f] = min(times[f], time.process_time() - start)
    return results, times


def clusters(n, d, K, rng):
    """Return points of K clusters whose widths differ by cluster and column."""
    centres, widths = 4 * rng.normal(size=(K, d)), rng.gamma(4, 0.25, size=(K, d))
    z = rng.integers(K, size=n)
    return centres[z] + widths[z] * rng.normal(size=(n, d))


def many_clusters(n, T, rng):
    """Print moves from one start beside twenty starts, at one tolerance."""
    x = 6 * rng.normal(size=(40, 2))[rng.integers(40, size=n)] + rng.normal(size=(n, 2))
    model = DPMixture(1.0, Gaussian([0, 0], 36, 1))

    def fit(**options):
        return meanfield.fit(model, x, truncation=T, rng=1, tol=1e-6, **options)

    (moved, started), (ours, theirs) = timed(lambda: fit(restarts=1, moves=True), fit)
    gain = moved.elbo[-1] - started.elbo[-1]
    print(
        f"N = {n}, 40 clusters, T = {T}: {gain:+.1f} nats by moves, {ours:.1f} s; "
        f"twenty starts, ratio {theirs / ours:.2f}"
    )


def beside_sklearn(n, d, T, rng):
    """Print time and score on rows held out, for clusters of either shape."""
    from sklearn.mixture import BayesianGaussianMixture

    x = clusters(n + n // 4, d, 12, rng)
    x, held = x[:n], x[n:]
    families = {
        "diag": NormalInverseGamma(np.zeros(d), 0.05, 2, 1),
        "full": NormalInverseWishart(np.zeros(d), 0.05, d + 2, np.eye(d)),
    }
    for shape, component in families.items():
        model = DPMixture(1.0, component)
        options = dict(truncation=T, rng=1, restarts=1, moves=True, tol=1e-5)
        other = BayesianGaussianMixture(
            n_components=T, covariance_type=shape, max_iter=1000, random_state=1
        )
        (q, _), (ours, theirs) = timed(
            partial(meanfield.fit, model, x, **options), partial(other.fit, x)
        )
        ahead = q.predictive_logpdf(held).mean() - other.score(held)
        print(
            f"N = {n}, D = {d:2}, {shape}: score {ahead:+.4f} nats a row over scikit-learn's, "
            f"{ours:.2f} s, ratio {theirs / ours:.2f}"
        )
        soon = min(seconds_to(other.score(held), held, model, x, options) for _ in range(3))
        print(
            f"N = {n}, D = {d:2}, {shape}: scikit-learn's score after {soon:.2f} s, "
            f"{theirs:.2f} s of its own, ratio {theirs / soon:.2f}"
        )


def seconds_to(score, held, model, x, options):
    """Return how long a fit takes until it has this score on rows held out, inf if it ends below.

    It is asked after each pass over all rows, and the clock stands still meanwhile.
    """
    begun, found = time.process_time(), [np.inf]
    total = meanfield._Data.total

    def watched(data, natural):
        nonlocal begun
        result = total(data, natural)
        if data.rows == len(x) and found[-1] == np.inf:
            asked = time.process_time()
            if of_statistics(model, result[0]).predictive_logpdf(held).mean() >= score:
                found.append(asked - begun)
            begun += time.process_time() - asked
        return result

    with mock.patch.object(meanfield._Data, "total", watched), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        meanfield.fit(model, x, **options)
    return found[-1]


def of_statistics(model, statistics):
    """Return the approximation with these statistics, and the sticks that are best for them."""
    statistics = statistics[np.argsort(-statistics[:, 0])]
    sizes = statistics[:, 0]
    sticks = np.column_stack([1 + sizes, model.alpha + sizes[::-1].cumsum()[::-1] - sizes])
    return meanfield.MeanField(model, statistics, sticks, [0], False, [0])


def nine_points(starts, most):
    """Print how many random starts end below the best optimum that is known, in all cases."""
    cases = list(product(range(1, most + 1), (0.1, 1.0, 10.0), (False, True)))
    below = np.concatenate([short_of_best(*case, starts) for case in cases])
    for how, short in zip(("alone", "with moves"), below.T):
        print(
            f"nine points, {len(cases)} cases, {starts} starts each, ascent {how}: {len(short)} "
            f"fits, {(short > 1e-6).sum()} below the best known, by {short.max():.2g} at most"
        )


def short_of_best(T, alpha, truncated, starts):
    """Return how far below the best ELBO each start ends, as rows: by ascent alone, with moves."""
    model, x = DPMixture(alpha, Gaussian(0, 1, 0.01)), datasets.neal()

    def end(z, moves=False):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            q = meanfield.fit(model, x, truncation=T, init=z, restarts=1, rng=1, moves=moves,
                              truncated_model=truncated)  # fmt: skip
        return q.elbo[-1]

    labels = np.random.default_rng(T).integers(T, size=(starts, len(x)))
    ends = np.array([[end(z), end(z, moves=True)] for z in labels])
    every = exact.set_partitions(len(x)) if T <= ALL else labels[:0]
    best = max([ends.max(), *(end(z) for z in every if z.max() < T)])
    return best - ends


def main(tiny=False):
    from threadpoolctl import threadpool_limits

    rng = np.random.default_rng(1)
    with threadpool_limits(1):
        many_clusters(300 if tiny else 100_000, 5 if tiny else 60, rng)
        for d in (2,) if tiny else (2, 10, 30):
            beside_sklearn(300 if tiny else 20_000, d, 4 if tiny else 20, rng)
        nine_points(*((1, 1) if tiny else (STARTS, MOST)))


if __name__ == "__main__":
    main()
