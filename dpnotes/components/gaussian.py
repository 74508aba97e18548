"""Gaussian clusters: known variance, unknown variances, unknown covariance matrix."""

import copy
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .. import _validate as check
from .._types import Floats, RNGLike
from .family import Conjugate

LOG_2PI = np.log(2 * np.pi)


class _Gaussian(Conjugate):
    """What they share: a prior mean, from which the data are measured."""

    def __init__(self, mean: ArrayLike) -> None:
        self.mean = np.array(check.array("mean", mean), ndmin=1)  # a copy
        if self.mean.ndim != 1:
            check.fail("mean", mean, "a number or an array of shape (d,)")
        self.dim = self.mean.size

    def _centred(self, x: ArrayLike) -> Floats:
        return self._points(x) - self.mean


class Gaussian(_Gaussian):
    """Isotropic Gaussian with known variance and a Gaussian prior on its mean.

    H = N(mean, var I) and F(theta) = N(theta, noise_var I) in d dimensions.

    Parameters
    ----------
    mean : float or array_like of shape (d,)
        Prior mean; its length is the dimension of the data.
    var : float
        Prior variance of each coordinate of theta, > 0.
    noise_var : float
        Variance of each coordinate of an observation given theta, > 0.

    Raises
    ------
    ValueError
        If a variance is not a finite number > 0 or the mean is not finite.

    Notes
    -----
    Features are [1, y, ||y||^2] with y = x - mean, p = d + 2; theta is the cluster's mean, q = d.
    Implements: DP-0099, DP-0098, DP-0103.

    References
    ----------
    Murphy, K. P. (2007). Conjugate Bayesian analysis of the Gaussian distribution.

    Examples
    --------
    >>> import numpy as np
    >>> from dpnotes.components import Gaussian
    >>> family = Gaussian(0, 1, 0.25)
    >>> s = family.features([0.5, 1.0]).sum(axis=0)
    >>> s.tolist()
    [2.0, 1.5, 1.25]
    >>> float(family.log_marginal(s).round(4))
    -2.0502
    """

    common = 1

    def __init__(self, mean: ArrayLike, var: float, noise_var: float) -> None:
        super().__init__(mean)
        self.var = check.positive("var", var)
        self.noise_var = check.positive("noise_var", noise_var)
        self.n_parameters = self.dim
        self.n_features = self.dim + 2

    def features(self, x: ArrayLike) -> Floats:
        """Return [1, y, ||y||^2] for each row, y = x - mean: shape (n, d + 2)."""
        y = self._centred(x)
        return np.column_stack([np.ones(len(y)), y, (y * y).sum(axis=1)])

    def _posterior(self, s: Floats) -> tuple[Floats, Floats]:
        """Return mean (relative to the prior mean) and variance of theta given s."""
        total = self.noise_var + s[..., 0] * self.var
        return self.var * s[..., 1:-1] / total[..., None], self.var * self.noise_var / total

    def log_marginal(self, s: ArrayLike) -> Floats:
        """Return the log marginal likelihood of data with statistics s, shape (...)."""
        s = self._statistics(s)
        m, v = self._posterior(s)
        n, t, q = s[..., 0], s[..., 1:-1], s[..., -1]
        fit = (q - (m * t).sum(axis=-1)) / self.noise_var
        return -0.5 * (
            self.dim * (n * (LOG_2PI + np.log(self.noise_var)) + np.log(self.var / v)) + fit
        )

    def log_predictive(self, x: ArrayLike, s: ArrayLike) -> Floats:
        """Return the log density of each x (n, d) given statistics s (K, p): shape (n, K)."""
        y, (m, v) = self._centred(x), self._posterior(self._rows(s))
        v = v + self.noise_var
        square = sum((y[:, j, None] - m[:, j]) ** 2 for j in range(self.dim))
        return -0.5 * (self.dim * (LOG_2PI + np.log(v)) + square / v)

    def sample(self, s: ArrayLike, rng: RNGLike = None) -> Floats:
        """Draw theta given each row of s: shape (K, d)."""
        rng = check.rng("rng", rng)
        m, v = self._posterior(self._rows(s))
        return self.mean + m + np.sqrt(v)[:, None] * rng.standard_normal(m.shape)

    def sample_data(self, theta: ArrayLike, rng: RNGLike = None) -> Floats:
        """Draw one observation from F(theta) for each row of theta: shape (n, d)."""
        rng = check.rng("rng", rng)
        theta = self._parameters(theta)
        return theta + np.sqrt(self.noise_var) * rng.standard_normal(theta.shape)

    def natural(self, theta: ArrayLike) -> Floats:
        """Return w, shape (K, p), with log f(x | theta) = features(x) @ w.T."""
        m = self._parameters(theta) - self.mean
        return self._natural(m, (m * m).sum(axis=1))

    def expected_natural(self, s: ArrayLike) -> Floats:
        """Return the mean of ``natural(theta)`` under the posterior given s: shape (K, p)."""
        m, v = self._posterior(self._rows(s))
        return self._natural(m, (m * m).sum(axis=1) + self.dim * v)

    def _natural(self, m: Floats, square: Floats) -> Floats:
        const = -0.5 * (self.dim * (LOG_2PI + np.log(self.noise_var)) + square / self.noise_var)
        return np.column_stack([const, m / self.noise_var, np.full(len(m), -0.5 / self.noise_var)])

    def log_prior(self, theta: ArrayLike) -> Floats:
        """Return the log density of H at each row of theta: shape (K,)."""
        square = ((self._parameters(theta) - self.mean) ** 2).sum(axis=1)
        return -0.5 * (self.dim * (LOG_2PI + np.log(self.var)) + square / self.var)


class NormalInverseGamma(_Gaussian):
    """Independent Gaussian coordinates whose means and variances are both unknown.

    For each coordinate j: sigma_j^2 ~ InvGamma(shape, rate), mu_j | sigma_j^2 ~
    N(mean_j, sigma_j^2 / strength), and x_j | mu_j, sigma_j^2 ~ N(mu_j, sigma_j^2).

    Parameters
    ----------
    mean : float or array_like of shape (d,)
        Prior mean of mu; its length is the dimension of the data.
    strength : float or array_like of shape (d,)
        How many observations the prior mean is worth, > 0.
    shape, rate : float or array_like of shape (d,)
        Parameters of the inverse gamma law, > 0; the rate has the units of x squared.

    Raises
    ------
    ValueError
        If a parameter is out of range or the shapes do not match.

    Notes
    -----
    Features are [1, y, y**2] with y = x - mean, p = 1 + 2d; theta = (mu, sigma^2), q = 2d.
    Implements: DP-0100, DP-0098, DP-0103.

    References
    ----------
    Murphy, K. P. (2007). Conjugate Bayesian analysis of the Gaussian distribution.

    Examples
    --------
    >>> from dpnotes.components import NormalInverseGamma
    >>> family = NormalInverseGamma(mean=0, strength=1, shape=2, rate=1)
    >>> s = family.features([0.5, 1.0]).sum(axis=0)
    >>> float(family.log_marginal(s).round(4))
    -2.3635
    """

    def __init__(
        self, mean: ArrayLike, strength: ArrayLike, shape: ArrayLike, rate: ArrayLike
    ) -> None:
        super().__init__(mean)
        self.strength = self._positives("strength", strength)
        self.shape = self._positives("shape", shape)
        self.rate = self._positives("rate", rate)
        self.n_features, self.n_parameters = 1 + 2 * self.dim, 2 * self.dim

    def rebased(self, mean: Floats, strength: float, scale: Floats) -> Self:
        """Return the family with these mean (1,), strength and rate scale[0, 0] / 2, unchecked.

        Only in one dimension, where it is the normal-inverse-Wishart family with this scale and
        dof twice the shape; in more, ValueError.
        """
        if self.dim > 1:
            check.refuse("dim", str(self.dim), "1 column; several take a NormalInverseWishart")
        family = copy.copy(self)
        family.mean, family.strength, family.rate = mean, np.array([strength]), scale[0] / 2
        return family

    def _positives(self, name: str, value: ArrayLike) -> Floats:
        result = check.array(name, value)
        if result.min() <= 0 or result.shape not in [(), (1,), (self.dim,)]:
            check.fail(name, value, f"a number > 0 or {self.dim} of them")
        return np.full(self.dim, result)

    def features(self, x: ArrayLike) -> Floats:
        """Return [1, y, y**2] for each row, y = x - mean: shape (n, 1 + 2d)."""
        y = self._centred(x)
        return np.column_stack([np.ones(len(y)), y, y * y])

    def _posterior(self, s: Floats) -> tuple[Floats, Floats, Floats, Floats]:
        """Return mean (relative to the prior mean), strength, shape and rate given s."""
        n, t, q = s[..., :1], s[..., 1 : 1 + self.dim], s[..., 1 + self.dim :]
        strength = self.strength + n
        mean = t / strength
        spread = np.maximum(q - t * mean, 0)  # >= 0 by Cauchy and Schwarz, save for rounding
        return mean, strength, self.shape + n / 2, self.rate + spread / 2

    def log_marginal(self, s: ArrayLike) -> Floats:
        """Return the log marginal likelihood of data with statistics s, shape (...)."""
        from scipy.special import gammaln

        s = self._statistics(s)
        _, strength, shape, rate = self._posterior(s)
        return (
            gammaln(shape)
            - gammaln(self.shape)
            + self.shape * np.log(self.rate)
            - shape * np.log(rate)
            + 0.5 * np.log(self.strength / strength)
            - 0.5 * LOG_2PI * s[..., :1]
        ).sum(axis=-1)

    def log_predictive(self, x: ArrayLike, s: ArrayLike) -> Floats:
        """Return the log density of each x (n, d) given statistics s (K, p): shape (n, K)."""
        from scipy.special import gammaln

        y, (mean, strength, shape, rate) = self._centred(x), self._posterior(self._rows(s))
        width = 2 * rate * (strength + 1) / strength  # degrees of freedom times scale squared
        const = gammaln(shape + 0.5) - gammaln(shape) - 0.5 * np.log(np.pi * width)
        return sum(
            const[:, j]
            - (shape[:, j] + 0.5) * np.log1p((y[:, j, None] - mean[:, j]) ** 2 / width[:, j])
            for j in range(self.dim)
        )

    def sample(self, s: ArrayLike, rng: RNGLike = None) -> Floats:
        """Draw theta = (mu, sigma^2) given each row of s: shape (K, 2d)."""
        rng = check.rng("rng", rng)
        mean, strength, shape, rate = self._posterior(self._rows(s))
        var = rate / rng.standard_gamma(shape)
        mu = self.mean + mean + np.sqrt(var / strength) * rng.standard_normal(mean.shape)
        return np.column_stack([mu, var])

    def sample_data(self, theta: ArrayLike, rng: RNGLike = None) -> Floats:
        """Draw one observation from F(theta) for each row of theta: shape (n, d)."""
        rng = check.rng("rng", rng)
        mu, var = np.split(self._parameters(theta), 2, axis=1)
        return mu + np.sqrt(var) * rng.standard_normal(mu.shape)

    def natural(self, theta: ArrayLike) -> Floats:
        """Return w, shape (K, p), with log f(x | theta) = features(x) @ w.T."""
        mu, var = np.split(self._parameters(theta), 2, axis=1)
        m = mu - self.mean
        return self._natural(m / var, 1 / var, m * m / var + np.log(var))

    def expected_natural(self, s: ArrayLike) -> Floats:
        """Return the mean of ``natural(theta)`` under the posterior given s: shape (K, p)."""
        from scipy.special import digamma

        mean, strength, shape, rate = self._posterior(self._rows(s))
        precision = shape / rate
        const = precision * mean**2 + 1 / strength + np.log(rate) - digamma(shape)
        return self._natural(precision * mean, precision, const)

    def _natural(self, linear: Floats, precision: Floats, const: Floats) -> Floats:
        const = -0.5 * (self.dim * LOG_2PI + const.sum(axis=1))
        return np.column_stack([const, linear, -0.5 * precision])

    def log_prior(self, theta: ArrayLike) -> Floats:
        """Return the log density of H at each row of theta: shape (K,)."""
        from scipy.special import gammaln

        mu, var = np.split(self._parameters(theta), 2, axis=1)
        square = self.strength * (mu - self.mean) ** 2 / var
        normal = -0.5 * (LOG_2PI + np.log(var / self.strength) + square)
        gamma = self.shape * np.log(self.rate) - gammaln(self.shape)
        gamma = gamma - (self.shape + 1) * np.log(var) - self.rate / var
        return (normal + gamma).sum(axis=1)


class NormalInverseWishart(_Gaussian):
    """Multivariate Gaussian whose mean and covariance are both unknown.

    Sigma ~ InvWishart(dof, scale), mu | Sigma ~ N(mean, Sigma / strength), and
    x | mu, Sigma ~ N(mu, Sigma).

    Parameters
    ----------
    mean : float or array_like of shape (d,)
        Prior mean of mu; its length is the dimension of the data.
    strength : float
        How many observations the prior mean is worth, > 0.
    dof : float
        Degrees of freedom of the inverse Wishart law, > d - 1.
    scale : array_like of shape (d, d)
        Its scale matrix, symmetric and positive definite; E Sigma = scale / (dof - d - 1)
        when dof > d + 1.

    Raises
    ------
    ValueError
        If a parameter is out of range or the shapes do not match.

    Notes
    -----
    Features are [1, y, vec(y y^T)] with y = x - mean, p = 1 + d + d^2; theta = (mu, vec Sigma),
    q = d + d^2.
    Implements: DP-0102, DP-0101, DP-0098, DP-0103.

    References
    ----------
    Murphy, K. P. (2007). Conjugate Bayesian analysis of the Gaussian distribution.

    Examples
    --------
    >>> import numpy as np
    >>> from dpnotes.components import NormalInverseWishart
    >>> family = NormalInverseWishart(mean=[0, 0], strength=1, dof=4, scale=np.eye(2))
    >>> s = family.features([[0.5, 1.0], [0.0, -1.0]]).sum(axis=0)
    >>> float(family.log_marginal(s).round(4))
    -5.8254
    """

    def __init__(self, mean: ArrayLike, strength: float, dof: float, scale: ArrayLike) -> None:
        super().__init__(mean)
        d = self.dim
        self.strength = check.positive("strength", strength)
        self.dof = check.positive("dof", dof)
        if self.dof <= d - 1:
            check.fail("dof", dof, f"a finite number > d - 1 = {d - 1}")
        self.scale = np.array(check.array("scale", scale), ndmin=2)
        if self.scale.shape != (d, d) or not np.allclose(self.scale, self.scale.T):
            check.fail("scale", scale, f"a symmetric matrix of shape ({d}, {d})")
        if np.linalg.eigvalsh(self.scale)[0] <= 0:
            check.fail("scale", scale, "a positive definite matrix")
        self.n_features, self.n_parameters = 1 + d + d * d, d + d * d

    @property
    def _reach(self) -> float:
        """How far from the prior mean a point may lie.

        The square of one farther out, rounded, hides the least direction of the scale, and leaves
        a matrix that is no longer positive definite.
        """
        least = np.linalg.eigvalsh(self.scale)[0]
        return float(np.sqrt(least / (10 * self.dim * np.finfo(float).eps)))

    def rebased(self, mean: Floats, strength: float, scale: Floats) -> Self:
        """Return the family with these mean (d,), strength and scale (d, d) of H, unchecked."""
        family = copy.copy(self)
        family.mean, family.strength, family.scale = mean, strength, scale
        return family

    def features(self, x: ArrayLike) -> Floats:
        """Return [1, y, vec(y y^T)] for each row, y = x - mean: shape (n, 1 + d + d^2)."""
        y = self._centred(x)
        reach = self._reach
        if np.abs(y).max() > reach:
            expected = f"points within {reach:.3g} of the prior mean; beyond, the sums of squares "
            check.fail("x", x, expected + "round the prior scale away")
        outer = (y[:, :, None] * y[:, None, :]).reshape(len(y), -1)
        return np.column_stack([np.ones(len(y)), y, outer])

    def _posterior(self, s: Floats) -> tuple[Floats, Floats, Floats, Floats]:
        """Return mean (relative to the prior mean), strength, dof and scale given s."""
        d = self.dim
        n, t, outer = s[..., 0], s[..., 1 : 1 + d], s[..., 1 + d :]
        strength = self.strength + n
        mean = t / strength[..., None]
        scale = self.scale + outer.reshape(*n.shape, d, d)
        scale = scale - mean[..., :, None] * t[..., None, :]
        return mean, strength, self.dof + n, scale

    def _log_norm(self, strength: float | Floats, dof: float | Floats, scale: Floats) -> Floats:
        """Return the log normalising constant of the prior, without powers of 2 pi."""
        from scipy.special import multigammaln

        logdet = np.linalg.slogdet(scale)[1]
        return multigammaln(dof / 2, self.dim) - 0.5 * (dof * logdet + self.dim * np.log(strength))

    def log_marginal(self, s: ArrayLike) -> Floats:
        """Return the log marginal likelihood of data with statistics s, shape (...)."""
        s = self._statistics(s)
        _, *after = self._posterior(s)
        before = self._log_norm(self.strength, self.dof, self.scale)
        return self._log_norm(*after) - before - 0.5 * self.dim * np.log(np.pi) * s[..., 0]

    def log_predictive(self, x: ArrayLike, s: ArrayLike) -> Floats:
        """Return the log density of each x (n, d) given statistics s (K, p): shape (n, K)."""
        from scipy.special import gammaln

        y, (mean, strength, dof, scale) = self._centred(x), self._posterior(self._rows(s))
        root = np.linalg.cholesky(scale * ((strength + 1) / strength)[:, None, None])
        z = np.linalg.solve(root, y.T - mean[:, :, None])  # (K, d, n)
        logdet = 2 * np.log(np.diagonal(root, axis1=1, axis2=2)).sum(axis=1)
        const = gammaln((dof + 1) / 2) - gammaln((dof + 1 - self.dim) / 2)
        const = const - 0.5 * (self.dim * np.log(np.pi) + logdet)
        return const - 0.5 * (dof + 1) * np.log1p((z * z).sum(axis=1)).T

    def sample(self, s: ArrayLike, rng: RNGLike = None) -> Floats:
        """Draw theta = (mu, vec Sigma) given each row of s: shape (K, d + d^2)."""
        rng = check.rng("rng", rng)
        mean, strength, dof, scale = self._posterior(self._rows(s))
        K, d = mean.shape
        # Bartlett: Sigma^-1 = L^-T A A^T L^-1 with scale = L L^T, A lower triangular.
        A = np.tril(rng.standard_normal((K, d, d)), -1)
        A[:, range(d), range(d)] = np.sqrt(rng.chisquare(dof[:, None] - np.arange(d)))
        root = np.linalg.solve(A, np.linalg.cholesky(scale).transpose(0, 2, 1))
        root = root.transpose(0, 2, 1)  # Sigma = root root^T
        noise = (root @ rng.standard_normal((K, d, 1)))[:, :, 0]
        mu = self.mean + mean + noise / np.sqrt(strength)[:, None]
        return np.column_stack([mu, (root @ root.transpose(0, 2, 1)).reshape(K, d * d)])

    def _split(self, theta: ArrayLike) -> tuple[Floats, Floats]:
        theta = self._parameters(theta)
        return theta[:, : self.dim], theta[:, self.dim :].reshape(-1, self.dim, self.dim)

    def sample_data(self, theta: ArrayLike, rng: RNGLike = None) -> Floats:
        """Draw one observation from F(theta) for each row of theta: shape (n, d)."""
        rng = check.rng("rng", rng)
        mu, cov = self._split(theta)
        noise = np.linalg.cholesky(cov) @ rng.standard_normal((*mu.shape, 1))
        return mu + noise[:, :, 0]

    def natural(self, theta: ArrayLike) -> Floats:
        """Return w, shape (K, p), with log f(x | theta) = features(x) @ w.T."""
        mu, cov = self._split(theta)
        m, precision = mu - self.mean, np.linalg.inv(cov)
        linear = (precision @ m[:, :, None])[:, :, 0]
        const = (m * linear).sum(axis=1) + np.linalg.slogdet(cov)[1]
        return self._natural(linear, precision, const)

    def expected_natural(self, s: ArrayLike) -> Floats:
        """Return the mean of ``natural(theta)`` under the posterior given s: shape (K, p)."""
        from scipy.special import digamma

        mean, strength, dof, scale = self._posterior(self._rows(s))
        precision = dof[:, None, None] * np.linalg.inv(scale)
        linear = (precision @ mean[:, :, None])[:, :, 0]
        const = (mean * linear).sum(axis=1) + self.dim / strength
        const = const + np.linalg.slogdet(scale)[1] - self.dim * np.log(2)
        const = const - digamma((dof[:, None] - np.arange(self.dim)) / 2).sum(axis=1)
        return self._natural(linear, precision, const)

    def _natural(self, linear: Floats, precision: NDArray[Any], const: Floats) -> Floats:
        const = -0.5 * (self.dim * LOG_2PI + const)
        return np.column_stack([const, linear, -0.5 * precision.reshape(len(linear), -1)])

    def log_prior(self, theta: ArrayLike) -> Floats:
        """Return the log density of H at each row of theta: shape (K,)."""
        mu, cov = self._split(theta)
        d, precision = self.dim, np.linalg.inv(cov)
        m = mu - self.mean
        square = (m * (precision @ m[:, :, None])[:, :, 0]).sum(axis=1)
        trace = (self.scale * precision).sum(axis=(1, 2))
        # The normaliser of the joint density: (2 pi)^(d/2) 2^(dof d / 2) exp(_log_norm).
        norm = self._log_norm(self.strength, self.dof, self.scale)
        norm = norm + 0.5 * d * (LOG_2PI + self.dof * np.log(2))
        logdet = np.linalg.slogdet(cov)[1]
        return -norm - 0.5 * ((self.dof + d + 2) * logdet + trace + self.strength * square)
