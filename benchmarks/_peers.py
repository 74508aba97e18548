"""Chains of other packages, under Neal's model with a base measure that does not change.

Run by ``moves.py`` in an environment that has the package: reads rows, the base measure and what
to run from one file, and writes the number of clusters along each chain, and seconds of the
processor, to another. Nothing of this package is loaded.
"""

import sys
import time

import numpy as np


def pyrichlet(z, mean, strength, dof, scale, n_sweeps, i):
    """Return K along a chain of the slice sampler, from k-means with so many groups."""
    from pyrichlet.mixture_models import DirichletProcessMixture

    prior = {"mu_prior": mean, "lambda_prior": strength, "nu_prior": dof, "psi_prior": scale}
    rng = np.random.default_rng(i)
    sampler = DirichletProcessMixture(alpha=1.0, rng=rng, total_iter=n_sweeps, burn_in=0, **prior)
    sampler.fit_gibbs(z, init_groups=(1, 3, 10, 30)[i])
    return sampler.get_n_groups()


def dpmmlearn(z, mean, strength, dof, scale, n_sweeps, i):
    """Return K along a chain of Neal's Algorithm 2, of points on a line seated one by one."""
    from dpmmlearn import DPMM
    from dpmmlearn.probability import NormInvChi2

    class Watched(DPMM):
        def _end_update(self):
            K.append(len(self.n_labels_))
            return False

        def _calc_posterior(self, X):
            """Nothing: only its search for the best sweep needs it."""

    K, prior = [], NormInvChi2(mean.item(), strength, scale.item() / dof, dof)
    options = {"use_best_iter": False, "verbose": False, "random_state": i}
    Watched(prior, 1.0, max_iter=n_sweeps, **options).fit(z[:, 0])
    return K


def main(name, source, target):
    given = dict(np.load(source))
    chain, n_sweeps = globals()[name], int(given.pop("n_sweeps"))
    given = {key: value[()] if value.ndim == 0 else value for key, value in given.items()}
    chain(**given, n_sweeps=2, i=0)
    began = time.process_time()
    K = [chain(**given, n_sweeps=n_sweeps, i=i) for i in range(4)]
    np.savez(target, K=K, seconds=time.process_time() - began)


if __name__ == "__main__":
    main(*sys.argv[1:])
