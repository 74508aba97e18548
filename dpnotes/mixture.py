"""The Dirichlet process mixture model, and the finite mixtures it is the limit of."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from . import _validate as check
from . import crp
from ._deprecated import keyword_only
from ._numbers import log_rising_ratio, log_rising_share, sums_by_cluster
from ._types import Floats, Ints, RNGLike
from .components import Additive, Family, Generative, Marginal, prior_draws
from .components.gaussian import sums_of


class DPMixture:
    """The model G ~ DP(alpha, H), theta_i ~ G, x_i ~ F(theta_i).

    Parameters
    ----------
    alpha : float
        Concentration, > 0.
    component : Family or Additive
        A family of :mod:`dpnotes.components`, or any with the methods of one of its protocols; it
        holds H and F.

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

    def __init__(self, alpha: float, component: Family | Additive) -> None:
        self.alpha = check.positive("alpha", alpha)
        if not isinstance(component, (Family, Additive)):
            check.fail("component", component, "a family of dpnotes.components")
        # Callers ask it for what they need by a protocol: check.model(model, Marginal).
        self.component: Any = component

    def __repr__(self) -> str:
        return f"DPMixture({self.alpha}, {self.component})"

    @keyword_only("rng")
    def sample(self, n: int, *, rng: RNGLike = None) -> tuple[Floats, Ints, Floats]:
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
        family: Generative = check.model(self, Generative)
        n, rng = check.integer("n", n), check.rng("rng", rng)
        labels = crp.sample(n, self.alpha, rng=rng)
        theta = prior_draws(self.component, labels.max() + 1, rng=rng)
        return family.sample_data(theta[labels], rng), labels, theta

    def statistics(
        self, x: ArrayLike, labels: ArrayLike, *, weights: ArrayLike | None = None
    ) -> Floats:
        """Return the statistics of each cluster, shape (K, p): sums of features over its points.

        Parameters
        ----------
        x : array_like of shape (n,) or (n, d)
        labels : array_like of shape (n,)
            Labels 0 to K - 1, each in use.
        weights : array_like of shape (n,), optional
            Numbers >= 0, how often each row counts; 3 is the row given three times. So are they in
            the evidence of a cluster, ``component.log_marginal`` of its statistics.

        Returns
        -------
        ndarray of shape (K, p)

        Raises
        ------
        ValueError
            If there is not a label a row, or a weight is negative or not finite.

        Notes
        -----
        Implements: DP-0225.

        Examples
        --------
        >>> from dpnotes.components import Gaussian
        >>> from dpnotes.mixture import DPMixture
        >>> model = DPMixture(1.0, Gaussian(mean=0, var=1, noise_var=1))
        >>> model.statistics([1.0, 2.0, 5.0], [0, 0, 1], weights=[3, 1, 0.5]).tolist()
        [[4.0, 5.0, 7.0], [0.5, 2.5, 12.5]]
        >>> model.statistics([1.0, 1.0, 1.0, 2.0], [0, 0, 0, 0]).tolist()
        [[4.0, 5.0, 7.0]]
        """
        family: Additive = check.model(self, Additive)
        features = family.features(x)
        times = check.weights("weights", weights, len(features))
        if times is not None:
            features = features * times[:, None]
        return sums_by_cluster(features, _labels(labels, len(features)))

    def log_joint(self, x: ArrayLike, labels: ArrayLike) -> float:
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
        family: Marginal = check.model(self, Marginal)
        x = check.frozen("x", x, family)
        labels = _labels(labels, len(x))
        sizes = np.bincount(labels.astype(np.intp)).astype(np.int64)
        family, s = sums_of(family, x, labels, len(sizes))
        return float(crp.log_eppf(sizes, self.alpha) + family.log_marginal(s).sum())


def _labels(labels: ArrayLike, n: int) -> Ints:
    """Return the labels of n points."""
    labels = check.labels("labels", labels)
    if len(labels) != n:
        check.refuse("labels", f"array of shape {labels.shape}", f"{n} labels")
    return labels


def log_eppf_finite(sizes: ArrayLike, alpha: float, n_components: int) -> float:
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
    sizes = check.sizes("sizes", sizes)
    alpha = check.positive("alpha", alpha)
    M = check.integer("n_components", n_components)
    K, a = len(sizes), alpha / M
    if K > M:
        return -np.inf
    points = sizes.astype(float)
    n = points.sum()
    if a >= n:
        # Almost M equal weights: M! / (M - K)! / M^n, and what the weights' spread adds.
        chosen = np.log1p(-np.arange(K) / M).sum() + (K - n) * np.log(M)
        spread = log_rising_share(points, a).sum() - log_rising_share(n, alpha)
        return float(chosen + spread)
    # The restaurant's probability, and what M terms change of it.
    blocks = log_rising_ratio(points - 1, 1.0, a).sum()
    return float(crp.log_eppf(sizes, alpha) + np.log1p(-np.arange(K) / M).sum() + blocks)
