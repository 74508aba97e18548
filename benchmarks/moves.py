"""What splitting and merging clusters is worth: effective draws a second, with and without.

    python -m benchmarks moves

Four chains start from partitions with 1 to 30 clusters, as in ``workflow.analyse``; the effective
number of their draws counts disagreement between them, so that chains that stay where they began
are worth about one draw each. Times are the processor's.

Under the fixed base measure pyrichlet's slice sampler has the same posterior. It is timed, too,
where it is installed (``pip install pyrichlet``); each of its chains starts from k-means.
"""

import time
import warnings

import numpy as np

from dpnotes import chains, datasets, diagnostics, gibbs, hyper, tables, workflow
from dpnotes.components import NormalInverseWishart
from dpnotes.mixture import DPMixture


def two_groups(n):
    """Return two groups of as many points, five standard deviations apart in ten dimensions."""
    x = np.random.default_rng(1).standard_normal((2 * n, 10))
    x[n:, 0] += 5
    return x


def plane(n):
    """Return points of ten round clusters in the plane, some of which overlap."""
    rng = np.random.default_rng(1)
    return 4 * rng.standard_normal((10, 2))[rng.integers(10, size=n)] + rng.standard_normal((n, 2))


def learned(x, moves):
    """Return the kernel of an analysis, with or without the moves."""
    prior = workflow.default_prior(x.shape[1])
    return hyper.kernel(prior, x, alpha_prior=(2, 4), split_merge=moves)


def base(d):
    """Return mean, strength, dof and scale of the base measure that does not change."""
    return np.zeros(d), 0.1, d + 3, np.eye(d) / 2


def fixed(x, moves):
    """Return Algorithm 3 under a base measure that does not change."""
    model = DPMixture(1.0, NormalInverseWishart(*base(x.shape[1])))
    seat = gibbs.Collapsed(model, x)
    return chains.cycle(seat, *(gibbs._splits_and_merges(seat) if moves else ()))


def worth(kernel, n_sweeps):
    """Return the effective draws a second of K and of the log joint density."""
    chains.run(kernel, 2, rng=1)  # compiles
    rng = np.random.default_rng(1)
    starts = workflow.dispersed(len(kernel.x), 4, rng=rng)
    began = time.process_time()
    runs = [
        chains.run(kernel, n_sweeps, rng=seed, start=start)[n_sweeps // 4 :]
        for seed, start in zip(rng.spawn(4), starts, strict=True)
    ]
    seconds = time.process_time() - began
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # of chains that never move
        values = runs[0].scalars(*runs[1:])
        return [diagnostics.ess(values[name]) / seconds for name in ("num_clusters", "log_joint")]


def compare(name, make, x, n_sweeps):
    z = tables.standardise(x)[0]
    (K, joint), (K0, joint0) = (worth(make(z, moves), n_sweeps) for moves in (True, False))
    for what, a, b in (("K", K, K0), ("log joint", joint, joint0)):
        print(
            f"{name}, {z.shape[0]} x {z.shape[1]}, {make.__name__} base measure: effective draws "
            f"of {what} a second with moves {a:.3g}, without {b:.3g}, ratio {a / b:.2f}"
        )


def peer(name, x, n_sweeps):
    """Compare with pyrichlet: effective draws of K a second, and the mean of K in both."""
    try:
        from pyrichlet.mixture_models import DirichletProcessMixture
    except ImportError:
        print("pyrichlet is not installed, and not compared with (pip install pyrichlet)")
        return
    z = tables.standardise(x)[0]
    mean, strength, dof, scale = base(z.shape[1])
    prior = {"mu_prior": mean, "lambda_prior": strength, "nu_prior": dof, "psi_prior": scale}
    theirs, began = [], time.process_time()
    for i, groups in enumerate((1, 3, 10, 30)):
        sampler = DirichletProcessMixture(
            alpha=1.0, rng=np.random.default_rng(i), total_iter=n_sweeps, burn_in=0, **prior
        )
        sampler.fit_gibbs(z, init_groups=groups)
        theirs.append(sampler.get_n_groups()[n_sweeps // 4 :])
    their_seconds = time.process_time() - began
    kernel = fixed(z, True)
    chains.run(kernel, 2, rng=1)  # compiles
    starts, began = workflow.dispersed(len(z), 4, rng=1), time.process_time()
    ours = [
        chains.run(kernel, n_sweeps, rng=i, start=start).num_clusters[n_sweeps // 4 :]
        for i, start in enumerate(starts)
    ]
    seconds = time.process_time() - began
    a, b = diagnostics.ess(ours) / seconds, diagnostics.ess(theirs) / their_seconds
    print(
        f"{name}, {z.shape[0]} x {z.shape[1]}, fixed base measure: effective draws of K a second "
        f"{a:.3g} (mean K {np.mean(ours):.2f} +- {diagnostics.mcse(ours):.2f}), pyrichlet {b:.3g} "
        f"({np.mean(theirs):.2f} +- {diagnostics.mcse(theirs):.2f}), ratio {a / b:.3g}"
    )


def main(tiny=False):
    galaxies = datasets.galaxies()
    if tiny:
        compare("galaxies", learned, galaxies, 40)
        peer("galaxies", galaxies, 40)
        return
    from sklearn.datasets import load_iris, load_wine

    rng = np.random.default_rng(1)
    iris, wine = (tables.prepare(load().data, rng=rng).z for load in (load_iris, load_wine))
    for name, x, n_sweeps in [
        ("galaxies", galaxies, 4000),
        ("iris", iris, 2000),
        ("wine", wine, 1000),
        ("two groups", two_groups(400), 800),
        ("the plane", plane(10_000), 300),
    ]:
        for make in (learned, fixed):
            compare(name, make, x, n_sweeps)
    for name, x in (("galaxies", galaxies), ("iris", iris), ("wine", wine)):
        peer(name, x, 1000)


if __name__ == "__main__":
    main()
