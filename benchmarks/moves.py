"""What splitting and merging clusters is worth: effective draws a second, with and without.

    python -m benchmarks moves

Four chains start from partitions with 1 to 30 clusters, as in ``workflow.analyse``; the effective
number of their draws counts disagreement between them, so that chains that stay where they began
are worth about one draw each. Seconds are the processor's, of a chain with the moves and one
without in turn. Where R-hat of K or of the log joint is above 1.05, or fewer than 100 draws of one
are effective, the chains do not mix: a star marks them, and the table has no ratio. What the book
says was printed is kept in ``moves.txt``.

Peers are timed under the fixed base measure, each in an environment of its own that uv installs for
the run; without uv or a package index they are left out. pyrichlet's slice sampler starts from
k-means, and is not run on ten thousand points, which take it minutes. dpmmlearn's Algorithm 2 of
Neal starts from points seated one by one; only in one column has it the same posterior, for in more
it takes a matrix for its inverse where it draws covariances (0.0.1b1). Not compared with, since no
chain comes of them: bnpy, BayesPy, vbayesfa and scikit-learn (variational), dphmix (Algorithm 2,
keeps the last state alone). Nor are dpgmm, which brings torch and learns alpha, dpmmpython, which
needs Julia, and dpmix, whose archive cannot be built as it is.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path

import numpy as np

from benchmarks._turns import PINNED, machine
from dpnotes import chains, datasets, diagnostics, gibbs, hyper, tables, workflow
from dpnotes.components import NormalInverseWishart
from dpnotes.mixture import DPMixture

RHAT, ESS = 1.05, 100
HEADER = "| data | base measure | K, with | without | ratio | log joint, with | without | ratio |"
RULE = "|---|---|---:|---:|---:|---:|---:|---:|"
PEERS = {"pyrichlet": "pyrichlet==0.0.9", "dpmmlearn": "dpmmlearn==0.0.1b1"}


def two_groups(n):
    """Return two groups of as many points, five standard deviations apart in ten dimensions."""
    x = np.random.default_rng(1).standard_normal((2 * n, 10))
    x[n:, 0] += 5
    return x


def easy(n):
    """Return four groups of as many points in the plane, ten standard deviations apart."""
    centres = np.repeat([[0, 0], [0, 10], [10, 0], [10, 10]], n, axis=0)
    return centres + np.random.default_rng(1).standard_normal(centres.shape)


def plane(n):
    """Return points of ten round clusters in the plane, some of which overlap."""
    rng = np.random.default_rng(1)
    return 4 * rng.standard_normal((10, 2))[rng.integers(10, size=n)] + rng.standard_normal((n, 2))


def learned(x, moves):
    """Return the kernel of an analysis, with or without the moves."""
    prior = workflow.default_prior(x.shape[1])
    return hyper.kernel(prior, x, alpha_prior=(2, 4), split_merge=moves)


def base(d):
    """Return the base measure that does not change."""
    return {"mean": np.zeros(d), "strength": 0.1, "dof": d + 3, "scale": np.eye(d) / 2}


def fixed(x, moves):
    """Return Algorithm 3 under a base measure that does not change."""
    model = DPMixture(1.0, NormalInverseWishart(**base(x.shape[1])))
    seat = gibbs.Collapsed(model, x)
    return chains.cycle(seat, *(gibbs._splits_and_merges(seat) if moves else ()))


def shown(rate):
    """Return a number with three digits, never in powers of ten."""
    return f"{float(f'{rate:.3g}'):,g}"


def worth(runs, seconds):
    """Return effective draws a second, of K and of the log joint, and whether the chains mix."""
    values, draws, mixed = runs[0].scalars(*runs[1:]), [], True
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # of chains that never move
        for name in ("num_clusters", "log_joint"):
            draws.append(diagnostics.ess(values[name]))
            mixed &= bool(diagnostics.rhat(values[name]) <= RHAT and draws[-1] >= ESS)
    return np.array(draws) / seconds, mixed


def compare(name, make, x, n_sweeps):
    """Print what the moves are worth, and return a line of the table."""
    z = tables.standardise(x)[0]
    kernels, rng = [make(z, moves) for moves in (True, False)], np.random.default_rng(1)
    for kernel in kernels:
        chains.run(kernel, 2, rng=1)  # compiles
    runs, seconds = ([], []), np.zeros(2)
    for seed, start in zip(rng.spawn(4), workflow.dispersed(len(z), 4, rng=rng), strict=True):
        for i, kernel in enumerate(kernels):
            began = time.process_time()
            runs[i].append(chains.run(kernel, n_sweeps, rng=seed, start=start)[n_sweeps // 4 :])
            seconds[i] += time.process_time() - began
    rates, mixed = zip(*map(worth, runs, seconds))
    stars, cells = ["" if each else "*" for each in mixed], []
    size = f"{z.shape[0]:,} x {z.shape[1]}"
    for what, pair in zip(("K", "log joint"), np.transpose(rates)):
        a, b = (shown(rate) + star for rate, star in zip(pair, stars))
        ratio = f"{pair[0] / pair[1]:.2f}"
        cells += [a, b, ratio if all(mixed) else ""]
        print(
            f"{name}, {size}, {make.__name__} base measure, {n_sweeps} sweeps: effective draws of "
            f"{what} a second with moves {a}, without {b}, ratio {ratio}",
            flush=True,
        )
    return " | ".join((f"| {name}, {size}", make.__name__, *cells)) + " |"


def theirs(package, z, n_sweeps):
    """Return K along four chains of a peer, and seconds; nothing where it cannot be installed."""
    uv = shutil.which("uv", path=Path(sys.executable).parent) or shutil.which("uv")
    if uv is None:
        return None
    script, given = Path(__file__).with_name("_peers.py"), base(z.shape[1])
    with tempfile.TemporaryDirectory() as folder:
        source, target = (Path(folder) / name for name in ("given.npz", "found.npz"))
        np.savez(source, z=z, n_sweeps=n_sweeps, **given)
        run = [uv, "run", "--quiet", "--no-project", "--isolated", "--python", sys.executable]
        run += ["--with", PEERS[package], "python", script, package, source, target]
        env = {**os.environ, **dict.fromkeys(PINNED, "1")}
        if subprocess.run(run, check=False, env=env).returncode:
            return None
        found = np.load(target)
        return found["K"], float(found["seconds"])


def peer(package, name, x, n_sweeps):
    """Compare with a peer: effective draws of K a second, and the mean of K in both."""
    z = tables.standardise(x)[0]
    found = theirs(package, z, n_sweeps)
    if found is None:
        print(f"{name}: {package} is not installed, and not compared with")
        return
    their_K, their_seconds = found[0][:, n_sweeps // 4 :], found[1]
    kernel = fixed(z, True)
    chains.run(kernel, 2, rng=1)  # compiles
    starts, began = workflow.dispersed(len(z), 4, rng=1), time.process_time()
    ours = [
        chains.run(kernel, n_sweeps, rng=i, start=start).num_clusters[n_sweeps // 4 :]
        for i, start in enumerate(starts)
    ]
    seconds, told, rates = time.process_time() - began, [], []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        for K, used in ((np.array(ours), seconds), (their_K, their_seconds)):
            draws = diagnostics.ess(K)
            star = "" if diagnostics.rhat(K) <= RHAT and draws >= ESS else "*"
            rates.append(draws / used)
            told.append(
                f"{shown(rates[-1])}{star} (mean K {np.mean(K):.2f} +- {diagnostics.mcse(K):.2f})"
            )
    print(
        f"{name}, {z.shape[0]:,} x {z.shape[1]}, fixed base measure: effective draws of K a second "
        f"{told[0]}, {package} {told[1]}, ratio {rates[0] / rates[1]:.1f}",
        flush=True,
    )


def main(tiny=False):
    galaxies = datasets.galaxies()
    if tiny:
        print(compare("galaxies", learned, galaxies, 40))
        return
    from sklearn.datasets import load_iris, load_wine

    rng = np.random.default_rng(1)
    iris, wine = (tables.prepare(load().data, rng=rng).z for load in (load_iris, load_wine))
    data = {
        "galaxies": (galaxies, 8000, 1000),
        "iris": (iris, 4000, 1000),
        "wine": (wine, 4000, 1000),
        "two groups": (two_groups(400), 800, 400),
        "the plane": (plane(10_000), 300, None),
        "four groups": (easy(50), 2000, 1000),
    }
    print(machine())
    rows = [
        compare(name, make, x, n_sweeps)
        for name, (x, n_sweeps, _) in data.items()
        for make in (learned, fixed)
    ]
    peer("dpmmlearn", "galaxies", galaxies, 1000)
    for name, (x, _, n_sweeps) in data.items():
        if n_sweeps is not None:
            peer("pyrichlet", name, x, n_sweeps)
    print("\n".join((HEADER, RULE, *rows)))


if __name__ == "__main__":
    main()
