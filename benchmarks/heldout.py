"""Whether analyses predict rows held out as well as simpler fits do, under five priors.

    python -m benchmarks heldout

Five folds, the same for all: the mean log score of a row under the learned base measure of
``workflow.analyse``, with its default prior and four others, less that of the collapsed sampler
under a fixed base measure, and less that of mean field under the same one. Standard errors are
those of the differences, row by row; a ratio is that of the densities' geometric means, to the
better of the two. Chains are four of 1,000 sweeps, the first quarter dropped; all depends on the
seed alone. What the book says was printed is kept in ``heldout.txt``.
"""

import time
import warnings

import numpy as np

from benchmarks._turns import machine
from dpnotes import InferenceWarning, gibbs, hyper, meanfield, predictive, tables, workflow
from dpnotes.components import NormalInverseWishart
from dpnotes.mixture import DPMixture

HEADER = "| data | prior | log score of a row | less the fixed one's | less mean field's |"
RULE = "|---|---|---:|---:|---:|"


def prior(d, weight, var, strength=(1, 10)):
    """Return a prior under which a cluster's covariance has mean var I, and weighs so many rows."""
    scale = weight * var * np.eye(d)
    return hyper.BasePrior(d + 1 + weight, scale, strength, var=1.0, scale_dof=d)


def simpler(z, folds, n_sweeps):
    """Return the log scores of rows under the collapsed sampler and under mean field."""
    d, rows = z.shape[1], np.empty((2, len(z)))
    model = DPMixture(1.0, NormalInverseWishart(np.zeros(d), 0.1, d + 3, np.eye(d) / 2))
    for f in np.unique(folds):
        seen, out = z[folds != f], folds == f
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", InferenceWarning)
            field = meanfield.fit(model, seen, rng=1)
        chains = [gibbs.collapsed(model, seen, n_sweeps, rng=i)[n_sweeps // 4 :] for i in range(4)]
        few = [chain[:: max(1, len(chain) // 250)] for chain in chains]
        rows[:, out] = [predictive.log_score(fit, z[out]).rows for fit in (few, field)]
    return rows


def compare(name, x, n_sweeps=1000, folds=5):
    """Print the scores, and return lines of the table."""
    z = tables.prepare(x, rng=np.random.default_rng(1)).z
    d, options = z.shape[1], {"folds": folds, "n_sweeps": n_sweeps, "rng": 1}
    default = workflow.default_prior(d)
    priors = {
        "default": default,
        "tight, weight 5 d": prior(d, 5 * d, 0.25),
        "loose, weight 2": prior(d, 2, 0.25),
        "wide, mean I": prior(d, max(d, 2), 1.0),
    }
    began = time.process_time()
    found = workflow.compare(z, priors, **options)
    flat = workflow.compare(z, {"alpha": default}, alpha_prior=(1, 1), **options)
    scores = dict(zip(found.names, found.rows)) | {"alpha Gamma(1, 1)": flat.rows[0]}
    chain, field = simpler(z, found.folds, n_sweeps)
    print(
        f"{name}, {len(z)} x {d}: fixed base measure {chain.mean():.3f}, mean field "
        f"{field.mean():.3f}; {time.process_time() - began:.0f} s of the processor"
    )
    lines = []
    for label, rows in scores.items():
        behind = [
            f"{(rows - other).mean():+.3f} ({(rows - other).std(ddof=1) / len(z) ** 0.5:.3f})"
            for other in (chain, field)
        ]
        better = max(chain.mean(), field.mean())
        print(
            f"{name}, prior {label}: {rows.mean():.3f} a row, less the fixed one's {behind[0]}, "
            f"less mean field's {behind[1]}, ratio {np.exp(rows.mean() - better):.3f}",
            flush=True,
        )
        lines.append(f"| {name} | {label} | {rows.mean():.3f} | {behind[0]} | {behind[1]} |")
    return lines


def main(tiny=False):
    if tiny:
        print(*compare("noise", np.random.default_rng(1).standard_normal((20, 2)), 40, 2))
        return
    from sklearn.datasets import load_iris, load_wine

    print(machine())
    lines = compare("iris", load_iris().data) + compare("wine", load_wine().data)
    print("\n".join((HEADER, RULE, *lines)))


if __name__ == "__main__":
    main()
