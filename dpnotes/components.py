"""Conjugate families for the clusters of a mixture, behind one interface.

A family is a law F(theta) for one observation and a conjugate prior H for theta. What a cluster
must remember of its points is a vector of statistics that add: the column sums of
``features(x)`` over its rows. Column 0 counts the points, and counts may be fractional.
Everything else is a function of that vector:

============================  ========================  =====================================
``features(x)``               (n, d) -> (n, p)          statistics of each point
``log_marginal(s)``           (..., p) -> (...)         log of int prod_i f(x_i | t) H(dt)
``log_predictive(x, s)``      (n, d), (K, p) -> (n, K)  log density of one more point
``sample(s, rng)``            (K, p) -> (K, q)          theta from its posterior
``sample_data(theta, rng)``   (n, q) -> (n, d)          one point from each F(theta)
``log_likelihood(x, theta)``  (n, d), (K, q) -> (n, K)  log f(x | theta)
``natural(theta)``            (K, q) -> (K, p)          log f(x | theta) = features @ natural
``expected_natural(s)``       (K, p) -> (K, p)          its mean under the posterior of theta
``log_prior(theta)``          (K, q) -> (K,)            log density of H
============================  ========================  =====================================

The features are those of x minus the prior mean, so that squares lose few digits when the data
lie far from zero. Parameters theta are in the units of the data. ``common`` counts the trailing
columns of ``natural(theta)`` that are the same for every theta; they cancel in responsibilities.
"""

import numpy as np

from . import _validate as check

LOG_2PI = np.log(2 * np.pi)


class _Family:
    common = 0

    def __repr__(self):
        fields = ", ".join(f"{k}={np.asarray(getattr(self, k)).tolist()}" for k in self._fields)
        return f"{type(self).__name__}({fields})"

    def _centred(self, x):
        x = check.data("x", x)
        if x.shape[1] != self.dim:
            check.refuse("x", f"array of shape {x.shape}", f"shape (n, {self.dim})")
        return x - self.mean

    def _statistics(self, s):
        s = check.real("s", s)
        if s.ndim == 0 or s.shape[-1] != self.n_features:
            check.refuse("s", f"array of shape {s.shape}", f"shape (..., {self.n_features})")
        if not (np.isfinite(s).all() and (s[..., 0] >= 0).all()):
            check.fail("s", s, "finite sums of features, the first a count >= 0")
        return s

    def _rows(self, s):
        s = self._statistics(s)
        if s.ndim != 2:
            check.refuse("s", f"array of shape {s.shape}", f"shape (K, {self.n_features})")
        return s

    def _parameters(self, theta):
        theta, q = check.real("theta", theta), self.n_parameters
        if theta.ndim != 2 or theta.shape[1] != q:
            check.refuse("theta", f"array of shape {theta.shape}", f"shape (K, {q})")
        if np.isnan(theta).any():
            check.fail("theta", theta, "numbers, not NaN")
        return theta

    def log_likelihood(self, x, theta):
        """Return log f(x_i | theta_k), shape (n, K), for x (n, d) and theta (K, q)."""
        return self.features(x) @ self.natural(theta).T


class Gaussian(_Family):
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
    _fields = ("mean", "var", "noise_var")

    def __init__(self, mean, var, noise_var):
        self.mean = np.atleast_1d(check.array("mean", mean))
        if self.mean.ndim != 1:
            check.fail("mean", mean, "a number or an array of shape (d,)")
        self.var = check.positive("var", var)
        self.noise_var = check.positive("noise_var", noise_var)
        self.dim = self.n_parameters = self.mean.size
        self.n_features = self.dim + 2

    def features(self, x):
        """Return [1, y, ||y||^2] for each row, y = x - mean: shape (n, d + 2)."""
        y = self._centred(x)
        return np.column_stack([np.ones(len(y)), y, (y * y).sum(axis=1)])

    def _posterior(self, s):
        """Return mean (relative to the prior mean) and variance of theta given s."""
        total = self.noise_var + s[..., 0] * self.var
        return self.var * s[..., 1:-1] / total[..., None], self.var * self.noise_var / total

    def log_marginal(self, s):
        """Return the log marginal likelihood of data with statistics s, shape (...)."""
        s = self._statistics(s)
        m, v = self._posterior(s)
        n, t, q = s[..., 0], s[..., 1:-1], s[..., -1]
        fit = (q - (m * t).sum(axis=-1)) / self.noise_var
        return -0.5 * (
            self.dim * (n * (LOG_2PI + np.log(self.noise_var)) + np.log(self.var / v)) + fit
        )

    def log_predictive(self, x, s):
        """Return the log density of each x (n, d) given statistics s (K, p): shape (n, K)."""
        y, (m, v) = self._centred(x), self._posterior(self._rows(s))
        v = v + self.noise_var
        square = sum((y[:, j, None] - m[:, j]) ** 2 for j in range(self.dim))
        return -0.5 * (self.dim * (LOG_2PI + np.log(v)) + square / v)

    def sample(self, s, rng=None):
        """Draw theta given each row of s: shape (K, d)."""
        rng = np.random.default_rng(rng)
        m, v = self._posterior(self._rows(s))
        return self.mean + m + np.sqrt(v)[:, None] * rng.standard_normal(m.shape)

    def sample_data(self, theta, rng=None):
        """Draw one observation from F(theta) for each row of theta: shape (n, d)."""
        rng = np.random.default_rng(rng)
        theta = self._parameters(theta)
        return theta + np.sqrt(self.noise_var) * rng.standard_normal(theta.shape)

    def natural(self, theta):
        """Return w, shape (K, p), with log f(x | theta) = features(x) @ w.T."""
        m = self._parameters(theta) - self.mean
        return self._natural(m, (m * m).sum(axis=1))

    def expected_natural(self, s):
        """Return the mean of ``natural(theta)`` under the posterior given s: shape (K, p)."""
        m, v = self._posterior(self._rows(s))
        return self._natural(m, (m * m).sum(axis=1) + self.dim * v)

    def _natural(self, m, square):
        const = -0.5 * (self.dim * (LOG_2PI + np.log(self.noise_var)) + square / self.noise_var)
        return np.column_stack(
            [const, m / self.noise_var, np.full(len(m), -0.5 / self.noise_var)]
        )

    def log_prior(self, theta):
        """Return the log density of H at each row of theta: shape (K,)."""
        square = ((self._parameters(theta) - self.mean) ** 2).sum(axis=1)
        return -0.5 * (self.dim * (LOG_2PI + np.log(self.var)) + square / self.var)


class NormalInverseGamma(_Family):
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

    _fields = ("mean", "strength", "shape", "rate")

    def __init__(self, mean, strength, shape, rate):
        self.mean = np.atleast_1d(check.array("mean", mean))
        if self.mean.ndim != 1:
            check.fail("mean", mean, "a number or an array of shape (d,)")
        self.dim = self.mean.size
        self.strength = self._positives("strength", strength)
        self.shape = self._positives("shape", shape)
        self.rate = self._positives("rate", rate)
        self.n_features, self.n_parameters = 1 + 2 * self.dim, 2 * self.dim

    def _positives(self, name, value):
        result = check.array(name, value)
        if result.min() <= 0 or result.shape not in [(), (1,), (self.dim,)]:
            check.fail(name, value, f"a number > 0 or {self.dim} of them")
        return np.full(self.dim, result)

    def features(self, x):
        """Return [1, y, y**2] for each row, y = x - mean: shape (n, 1 + 2d)."""
        y = self._centred(x)
        return np.column_stack([np.ones(len(y)), y, y * y])

    def _posterior(self, s):
        """Return mean (relative to the prior mean), strength, shape and rate given s."""
        n, t, q = s[..., :1], s[..., 1 : 1 + self.dim], s[..., 1 + self.dim :]
        strength = self.strength + n
        mean = t / strength
        spread = np.maximum(q - t * mean, 0)  # >= 0 by Cauchy and Schwarz, save for rounding
        return mean, strength, self.shape + n / 2, self.rate + spread / 2

    def log_marginal(self, s):
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

    def log_predictive(self, x, s):
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

    def sample(self, s, rng=None):
        """Draw theta = (mu, sigma^2) given each row of s: shape (K, 2d)."""
        rng = np.random.default_rng(rng)
        mean, strength, shape, rate = self._posterior(self._rows(s))
        var = rate / rng.standard_gamma(shape)
        mu = self.mean + mean + np.sqrt(var / strength) * rng.standard_normal(mean.shape)
        return np.column_stack([mu, var])

    def sample_data(self, theta, rng=None):
        """Draw one observation from F(theta) for each row of theta: shape (n, d)."""
        rng = np.random.default_rng(rng)
        mu, var = np.split(self._parameters(theta), 2, axis=1)
        return mu + np.sqrt(var) * rng.standard_normal(mu.shape)

    def natural(self, theta):
        """Return w, shape (K, p), with log f(x | theta) = features(x) @ w.T."""
        mu, var = np.split(self._parameters(theta), 2, axis=1)
        m = mu - self.mean
        return self._natural(m / var, 1 / var, m * m / var + np.log(var))

    def expected_natural(self, s):
        """Return the mean of ``natural(theta)`` under the posterior given s: shape (K, p)."""
        from scipy.special import digamma

        mean, strength, shape, rate = self._posterior(self._rows(s))
        precision = shape / rate
        const = precision * mean**2 + 1 / strength + np.log(rate) - digamma(shape)
        return self._natural(precision * mean, precision, const)

    def _natural(self, linear, precision, const):
        const = -0.5 * (self.dim * LOG_2PI + const.sum(axis=1))
        return np.column_stack([const, linear, -0.5 * precision])

    def log_prior(self, theta):
        """Return the log density of H at each row of theta: shape (K,)."""
        from scipy.special import gammaln

        mu, var = np.split(self._parameters(theta), 2, axis=1)
        square = self.strength * (mu - self.mean) ** 2 / var
        normal = -0.5 * (LOG_2PI + np.log(var / self.strength) + square)
        gamma = self.shape * np.log(self.rate) - gammaln(self.shape)
        gamma = gamma - (self.shape + 1) * np.log(var) - self.rate / var
        return (normal + gamma).sum(axis=1)


class NormalInverseWishart(_Family):
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

    _fields = ("mean", "strength", "dof", "scale")

    def __init__(self, mean, strength, dof, scale):
        self.mean = np.atleast_1d(check.array("mean", mean))
        if self.mean.ndim != 1:
            check.fail("mean", mean, "a number or an array of shape (d,)")
        self.dim = d = self.mean.size
        self.strength = check.positive("strength", strength)
        self.dof = check.positive("dof", dof)
        if self.dof <= d - 1:
            check.fail("dof", dof, f"a finite number > d - 1 = {d - 1}")
        self.scale = np.atleast_2d(check.array("scale", scale))
        if self.scale.shape != (d, d) or not np.allclose(self.scale, self.scale.T):
            check.fail("scale", scale, f"a symmetric matrix of shape ({d}, {d})")
        least = np.linalg.eigvalsh(self.scale)[0]
        if least <= 0:
            check.fail("scale", scale, "a positive definite matrix")
        # A point so far out that its square, rounded, hides the least direction of the scale
        # leaves a matrix that is no longer positive definite.
        self._reach = float(np.sqrt(least / (10 * d * np.finfo(float).eps)))
        self.n_features, self.n_parameters = 1 + d + d * d, d + d * d

    def features(self, x):
        """Return [1, y, vec(y y^T)] for each row, y = x - mean: shape (n, 1 + d + d^2)."""
        y = self._centred(x)
        if np.abs(y).max() > self._reach:
            check.fail(
                "x", x, f"points within {self._reach:.3g} of the prior mean; beyond, the sums of "
                "squares round the prior scale away"
            )
        outer = (y[:, :, None] * y[:, None, :]).reshape(len(y), -1)
        return np.column_stack([np.ones(len(y)), y, outer])

    def _posterior(self, s):
        """Return mean (relative to the prior mean), strength, dof and scale given s."""
        d = self.dim
        n, t, outer = s[..., 0], s[..., 1 : 1 + d], s[..., 1 + d :]
        strength = self.strength + n
        mean = t / strength[..., None]
        scale = self.scale + outer.reshape(*n.shape, d, d)
        scale = scale - mean[..., :, None] * t[..., None, :]
        return mean, strength, self.dof + n, scale

    def _log_norm(self, strength, dof, scale):
        """Return the log normalising constant of the prior, without powers of 2 pi."""
        logdet = np.linalg.slogdet(scale)[1]
        return _multigammaln(dof / 2, self.dim) - 0.5 * (
            dof * logdet + self.dim * np.log(strength)
        )

    def log_marginal(self, s):
        """Return the log marginal likelihood of data with statistics s, shape (...)."""
        s = self._statistics(s)
        _, *after = self._posterior(s)
        before = self._log_norm(self.strength, self.dof, self.scale)
        return self._log_norm(*after) - before - 0.5 * self.dim * np.log(np.pi) * s[..., 0]

    def log_predictive(self, x, s):
        """Return the log density of each x (n, d) given statistics s (K, p): shape (n, K)."""
        from scipy.special import gammaln

        y, (mean, strength, dof, scale) = self._centred(x), self._posterior(self._rows(s))
        root = np.linalg.cholesky(scale * ((strength + 1) / strength)[:, None, None])
        z = np.linalg.solve(root, y.T - mean[:, :, None])  # (K, d, n)
        logdet = 2 * np.log(np.diagonal(root, axis1=1, axis2=2)).sum(axis=1)
        const = gammaln((dof + 1) / 2) - gammaln((dof + 1 - self.dim) / 2)
        const = const - 0.5 * (self.dim * np.log(np.pi) + logdet)
        return const - 0.5 * (dof + 1) * np.log1p((z * z).sum(axis=1)).T

    def sample(self, s, rng=None):
        """Draw theta = (mu, vec Sigma) given each row of s: shape (K, d + d^2)."""
        rng = np.random.default_rng(rng)
        mean, strength, dof, scale = self._posterior(self._rows(s))
        K, d = mean.shape
        # Bartlett: Sigma^-1 = L^-T A A^T L^-1 with scale = L L^T, A lower triangular.
        A = np.tril(rng.standard_normal((K, d, d)), -1)
        A[:, range(d), range(d)] = np.sqrt(rng.chisquare(dof[:, None] - np.arange(d)))
        root = np.linalg.solve(A, np.linalg.cholesky(scale).transpose(0, 2, 1))
        root = root.transpose(0, 2, 1)  # Sigma = root root^T
        noise = (root @ rng.standard_normal((K, d, 1)))[:, :, 0]
        mu = self.mean + mean + noise / np.sqrt(strength)[:, None]
        return np.column_stack([mu, (root @ root.transpose(0, 2, 1)).reshape(K, -1)])

    def _split(self, theta):
        theta = self._parameters(theta)
        return theta[:, : self.dim], theta[:, self.dim :].reshape(-1, self.dim, self.dim)

    def sample_data(self, theta, rng=None):
        """Draw one observation from F(theta) for each row of theta: shape (n, d)."""
        rng = np.random.default_rng(rng)
        mu, cov = self._split(theta)
        noise = np.linalg.cholesky(cov) @ rng.standard_normal((*mu.shape, 1))
        return mu + noise[:, :, 0]

    def natural(self, theta):
        """Return w, shape (K, p), with log f(x | theta) = features(x) @ w.T."""
        mu, cov = self._split(theta)
        m, precision = mu - self.mean, np.linalg.inv(cov)
        linear = (precision @ m[:, :, None])[:, :, 0]
        const = (m * linear).sum(axis=1) + np.linalg.slogdet(cov)[1]
        return self._natural(linear, precision, const)

    def expected_natural(self, s):
        """Return the mean of ``natural(theta)`` under the posterior given s: shape (K, p)."""
        from scipy.special import digamma

        mean, strength, dof, scale = self._posterior(self._rows(s))
        precision = dof[:, None, None] * np.linalg.inv(scale)
        linear = (precision @ mean[:, :, None])[:, :, 0]
        const = (mean * linear).sum(axis=1) + self.dim / strength
        const = const + np.linalg.slogdet(scale)[1] - self.dim * np.log(2)
        const = const - digamma((dof[:, None] - np.arange(self.dim)) / 2).sum(axis=1)
        return self._natural(linear, precision, const)

    def _natural(self, linear, precision, const):
        const = -0.5 * (self.dim * LOG_2PI + const)
        return np.column_stack([const, linear, -0.5 * precision.reshape(len(linear), -1)])

    def log_prior(self, theta):
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


def _multigammaln(a, d):
    from scipy.special import gammaln

    a = np.asarray(a)[..., None] - np.arange(d) / 2
    return d * (d - 1) / 4 * np.log(np.pi) + gammaln(a).sum(axis=-1)
