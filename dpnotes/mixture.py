"""The Dirichlet process mixture model, and the finite mixtures it is the limit of."""

import numpy as np

from . import _validate as check
from . import crp


class DPMixture:
    """The model G ~ DP(alpha, H), theta_i ~ G, x_i ~ F(theta_i).

    Parameters
    ----------
    alpha : float
        Concentration, > 0.
    component : object
        A family of :mod:`dpnotes.components`; it holds H and F.

    Raises
    ------
    ValueError
        If alpha is not a finite number > 0, or the component is no family.

    Notes
    -----
    Implements: DP-0092, DP-0093, DP-0094, DP-0095.

    References
    ----------
    Antoniak, C. E. (1974). Annals of Statistics 2, 1152-1174.

    Examples
    --------
    >>> from dpnotes.components import Gaussian
    >>> from dpnotes.mixture import DPMixture
    >>> model = DPMixture(1.0, Gaussian(mean=0, var=1, noise_var=0.01))
    >>> x, labels, theta = model.sample(100, rng=1)
    >>> x.shape, labels[:8].tolist(), len(theta)
    ((100, 1), [0, 1, 0, 2, 1, 0, 0, 2], 6)
    """

    def __init__(self, alpha, component):
        self.alpha = check.positive("alpha", alpha)
        if not hasattr(component, "log_likelihood"):
            check.fail("component", component, "a family of dpnotes.components")
        self.component = component

    def __repr__(self):
        return f"DPMixture({self.alpha}, {self.component})"

    def sample(self, n, rng=None):
        """Draw n observations with their clusters.

        Parameters
        ----------
        n : int
            Number of observations, >= 1.
        rng : seed or numpy.random.Generator, optional

        Returns
        -------
        x : ndarray of shape (n, d)
        labels : ndarray of shape (n,)
            Clusters in order of appearance, 0 to K - 1.
        theta : ndarray of shape (K, q)
            Parameter of each cluster, drawn only for the clusters that occur.
        """
        check.model(self, "sample", "sample_data")
        n = check.integer("n", n)
        rng = np.random.default_rng(rng)
        labels = crp.sample(n, self.alpha, rng=rng)
        empty = np.zeros((labels.max() + 1, self.component.n_features))
        theta = self.component.sample(empty, rng)
        return self.component.sample_data(theta[labels], rng), labels, theta

    def statistics(self, x, labels):
        """Return the statistics of each cluster, shape (K, p): sums of features over its points."""
        check.model(self, "features")
        features, labels = self.component.features(x), check.labels("labels", labels)
        if len(labels) != len(features):
            check.refuse("labels", f"array of shape {labels.shape}", f"{len(features)} labels")
        total = np.zeros((labels.max() + 1, features.shape[1]))
        np.add.at(total, labels, features)
        return total

    def log_joint(self, x, labels):
        """Return log P(partition) + log p(x | partition), theta integrated out.

        Parameters
        ----------
        x : array_like of shape (n,) or (n, d)
        labels : array_like of shape (n,)
            The partition; labels 0 to K - 1 in any order.

        Returns
        -------
        float
        """
        check.model(self, "log_marginal")
        s = self.statistics(x, labels)
        sizes = s[:, 0].astype(np.int64)
        return float(crp.log_eppf(sizes, self.alpha) + self.component.log_marginal(s).sum())


def log_eppf_finite(sizes, alpha, n_components):
    """Return the log probability of a partition under a finite mixture.

    The weights are Dirichlet(alpha/M, ..., alpha/M) with M = n_components, and each of the n
    points picks a component; the partition forgets which.

    Parameters
    ----------
    sizes : array_like of shape (K,)
        Block sizes, each >= 1.
    alpha : float
        Total mass of the Dirichlet law, > 0.
    n_components : int
        M, >= 1. A partition into more than M blocks has probability 0.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        If a size or n_components is not an integer >= 1, or alpha is not a finite number > 0.

    Notes
    -----
    Implements: DP-0096, DP-0097.

    References
    ----------
    Green, P. J. and Richardson, S. (2001). Scandinavian Journal of Statistics 28, 355-375.

    Examples
    --------
    >>> import numpy as np
    >>> from dpnotes.mixture import log_eppf_finite
    >>> round(float(np.exp(log_eppf_finite([1, 1], 1.0, 2))), 4)  # two points apart
    0.25
    >>> round(float(np.exp(log_eppf_finite([1, 1], 1.0, 10**6))), 4)  # as the CRP has it
    0.5
    """
    from scipy.special import gammaln

    sizes = check.sizes("sizes", sizes)
    alpha = check.positive("alpha", alpha)
    M = check.integer("n_components", n_components)
    K, a = len(sizes), alpha / M
    if K > M:
        return -np.inf
    # (M - k) a stays moderate when M is large, where M!/(M-K)! and a^K do not.
    choices = np.log((1 - np.arange(K) / M) * alpha).sum()
    blocks = (gammaln(a + sizes) - gammaln(a + 1)).sum()
    return float(choices + blocks - crp.log_rising(alpha, int(sizes.sum(dtype=float))))
