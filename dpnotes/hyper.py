"""Gaussian clusters under a base measure with unknown parameters, which the sampler learns.

Given the partition, clusters are independent draws from a normal-inverse-Wishart law H:
Sigma_k ~ InvWishart(dof, scale) and mu_k | Sigma_k ~ N(mean, Sigma_k / strength). Here mean,
strength and, if wanted, scale are unknown and have priors of their own.
"""

from dataclasses import dataclass, fields, replace

import numpy as np

from . import _validate as check
from . import gibbs, partitions
from .components import NormalInverseGamma, NormalInverseWishart
from .mixture import DPMixture


class BasePrior:
    """Prior for the parameters of a normal-inverse-Wishart base measure.

    mean ~ N(centre, var I), strength ~ Gamma(a, b), scale ~ Wishart(scale_dof, scale / scale_dof).

    Parameters
    ----------
    dof : float
        Degrees of freedom of Sigma_k, > d - 1.
    scale : float or array_like of shape (d, d)
        The scale matrix, or its prior mean if ``scale_dof`` is given; positive definite.
    strength : (float, float)
        Shape a and rate b of the Gamma prior of the strength.
    centre : float or array_like of shape (d,)
        Prior mean of ``mean``.
    var : float
        Prior variance of each coordinate of ``mean``; ``inf`` for a flat prior.
    scale_dof : float, optional
        Degrees of freedom of the scale, > d - 1. Without it the scale is fixed.

    Raises
    ------
    ValueError
        If a parameter is out of range or the shapes do not match.

    Notes
    -----
    For d = 1, Sigma_k is inverse gamma with shape dof / 2 and rate scale / 2. With a fixed scale
    every data set has a finite evidence. With an unknown one, repeated values can make it infinite,
    and there is no posterior to sample: see :func:`dpnotes.workflow.spread_ties`.
    Implements: DP-0192.

    References
    ----------
    Escobar, M. D. and West, M. (1995). Journal of the American Statistical Association 90,
    577-588.

    Examples
    --------
    >>> from dpnotes.hyper import BasePrior
    >>> prior = BasePrior(dof=4, scale=2, strength=(0.5, 50), var=float("inf"))
    >>> prior.dim
    1
    """

    def __init__(self, dof, scale, strength, centre=0.0, var=np.inf, scale_dof=None):
        self.scale = np.atleast_2d(check.array("scale", scale))
        self.dim = d = len(self.scale)
        centre = check.array("centre", centre)
        if centre.shape not in [(), (d,)]:
            check.fail("centre", centre, f"a number or {d} of them")
        self.centre = np.full(d, centre)
        if np.shape(strength) != (2,):
            check.fail("strength", strength, "a pair: the shape and the rate of a Gamma law")
        self.strength = tuple(check.positive("strength", value) for value in strength)
        self.precision = 0.0 if var == np.inf else 1 / check.positive("var", var)
        self.dof = check.positive("dof", dof)
        NormalInverseWishart(self.centre, 1.0, dof, self.scale)  # checks dof and scale
        self.scale_dof = scale_dof
        if scale_dof is not None and check.positive("scale_dof", scale_dof) <= d - 1:
            check.fail("scale_dof", scale_dof, f"a finite number > d - 1 = {d - 1}")

    def family(self, mean, strength, scale):
        """Return the family of :mod:`dpnotes.components` with these parameters of H."""
        if self.dim == 1:
            return NormalInverseGamma(mean, strength, self.dof / 2, scale[0, 0] / 2)
        return NormalInverseWishart(mean, strength, self.dof, scale)

    def update(self, theta, strength, rng):
        """Draw mean, strength and scale given the clusters' parameters theta (K, d + d^2).

        Notes
        -----
        Implements: DP-0193.
        """
        d, K = self.dim, len(theta)
        mu, inverse = theta[:, :d], np.linalg.inv(theta[:, d:].reshape(K, d, d))
        precision = strength * inverse.sum(axis=0) + self.precision * np.eye(d)
        linear = strength * (inverse @ mu[:, :, None]).sum(axis=0)[:, 0]
        root = np.linalg.cholesky(precision)
        mean = np.linalg.solve(precision, linear + self.precision * self.centre)
        mean = mean + np.linalg.solve(root.T, rng.standard_normal(d))
        away = mu - mean
        square = (away * (inverse @ away[:, :, None])[:, :, 0]).sum()
        a, b = self.strength
        strength = rng.gamma(a + K * d / 2) / (b + square / 2)
        if self.scale_dof is None:
            return mean, strength, self.scale
        rate = self.scale_dof * np.linalg.inv(self.scale) + inverse.sum(axis=0)
        return mean, strength, _wishart(self.scale_dof + K * self.dof, np.linalg.inv(rate), rng)


def _wishart(dof, scale, rng):
    """Draw from the Wishart law with mean dof times scale, by Bartlett's decomposition."""
    d = len(scale)
    row = np.arange(d)
    A = rng.standard_normal((d, d)) * (row[:, None] > row)
    A[row, row] = np.sqrt(rng.chisquare(dof - row))
    root = np.linalg.cholesky(scale) @ A
    return root @ root.T


@dataclass(frozen=True, eq=False)
class HyperChain:
    """The draws of :func:`sample`, one after each sweep; cut it by slices, ``chain[500::5]``.

    Attributes
    ----------
    prior : BasePrior
    x : ndarray of shape (n, d)
    labels : ndarray of int32, shape (draws, n)
        The partitions, as labels 0 to K - 1 in order of appearance.
    alpha : ndarray of shape (draws,)
    mean : ndarray of shape (draws, d)
    strength : ndarray of shape (draws,)
    scale : ndarray of shape (draws, d, d)
    theta : list of ndarray of shape (K, d + d^2)
        Mean and covariance matrix of each cluster, in the order of the labels.
    """

    prior: BasePrior
    x: np.ndarray
    labels: np.ndarray
    alpha: np.ndarray
    mean: np.ndarray
    strength: np.ndarray
    scale: np.ndarray
    theta: list

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, part):
        if not isinstance(part, slice):
            raise TypeError("a chain is cut by slices, such as chain[100:]")
        names = [field.name for field in fields(self)][2:]
        return replace(self, **{name: getattr(self, name)[part] for name in names})

    def __repr__(self):
        draws, n = self.labels.shape
        return f"HyperChain({draws} draws, {n} points)"

    @property
    def num_clusters(self):
        """Number of clusters in each draw: shape (draws,)."""
        return self.labels.max(axis=1) + 1

    def chain(self, t):
        """Return draw t as a Chain of length 1 whose model has that draw's base measure."""
        family = self.prior.family(self.mean[t], self.strength[t], self.scale[t])
        model, part = DPMixture(self.alpha[t], family), slice(t, t + 1)
        return gibbs.Chain(model, self.x, self.labels[part], self.alpha[part], self.theta[part])

    def predictive_draws(self, x):
        """Return log p(x_{n+1} = x | draw) for each draw and each row of x: shape (draws, m)."""
        return np.vstack([self.chain(t).predictive_draws(x) for t in range(len(self))])

    def density_draws(self, x, rng=None):
        """Return the density of the data at x, drawn once for each draw: shape (draws, m)."""
        rng = np.random.default_rng(rng)
        draws = [partitions.density_draws(self.chain(t), x, rng) for t in range(len(self))]
        return np.vstack(draws)


def sample(
    prior, x, n_sweeps, rng=None, *, alpha=1.0, alpha_prior=None, start=None, progress=False
):
    """Sample partitions, clusters and the base measure's parameters.

    A sweep reseats the points given H, draws the clusters' parameters, then draws the parameters
    of H given those of the clusters. On the line the points are reseated by Neal's Algorithm 3,
    in more dimensions by his Algorithm 8.

    Parameters
    ----------
    prior : BasePrior
    x : array_like of shape (n,) or (n, d)
    n_sweeps : int
        Number of sweeps; each gives one draw.
    rng : seed or numpy.random.Generator, optional
    alpha : float
        Concentration, or where it starts if it has a prior; > 0.
    alpha_prior : (float, float), optional
        Shape and rate of a Gamma prior for alpha, which is then sampled.
    start : array_like of shape (n,) or HyperChain, optional
        Labels to start from, or a chain whose last draw to go on from. By default the first sweep
        seats the points one after another.
    progress : bool
        Show a progress bar.

    Returns
    -------
    HyperChain

    Raises
    ------
    ValueError
        If an argument is out of range.

    Notes
    -----
    Implements: DP-0194, DP-0195.

    References
    ----------
    Escobar, M. D. and West, M. (1995). Journal of the American Statistical Association 90,
    577-588.

    Examples
    --------
    >>> from dpnotes import datasets, hyper
    >>> prior = hyper.BasePrior(dof=4, scale=2, strength=(0.5, 50))
    >>> chain = hyper.sample(prior, datasets.galaxies() / 1000, 20, rng=1)
    >>> chain.labels.shape, chain.mean.shape, chain.theta[-1].shape[1]
    ((20, 82), (20, 1), 2)
    """
    x, n_sweeps = check.data("x", x), check.integer("n_sweeps", n_sweeps)
    if x.shape[1] != prior.dim:
        check.refuse("x", f"array of shape {x.shape}", f"{prior.dim} column(s)")
    rng = np.random.default_rng(rng)
    seat = gibbs.collapsed if prior.dim == 1 else gibbs.auxiliary
    mean, scale = (prior.centre if prior.precision else x.mean(axis=0)), prior.scale
    strength = prior.strength[0] / prior.strength[1]
    if isinstance(start, HyperChain):
        mean, strength, scale = start.mean[-1], start.strength[-1], start.scale[-1]
        alpha, start = float(start.alpha[-1]), start.chain(len(start) - 1)
    rounds = range(n_sweeps)
    if progress:
        from tqdm.auto import tqdm

        rounds = tqdm(rounds, unit="sweep")
    draws = []
    for _ in rounds:
        model = DPMixture(alpha, prior.family(mean, strength, scale))
        start = seat(model, x, 1, rng=rng, alpha_prior=alpha_prior, start=start)
        if start.theta is None:
            start = start.draw_theta(rng)
        alpha, theta = float(start.alpha[0]), start.theta[0]
        mean, strength, scale = prior.update(theta, strength, rng)
        draws.append((start.labels[0], alpha, mean, strength, scale, theta))
    *arrays, theta = zip(*draws, strict=True)
    return HyperChain(prior, x, *map(np.array, arrays), list(theta))
