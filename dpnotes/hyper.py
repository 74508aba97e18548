"""Gaussian clusters under a base measure with unknown parameters, which the sampler learns.

Given the partition, clusters are independent draws from a normal-inverse-Wishart law H:
Sigma_k ~ InvWishart(dof, scale) and mu_k | Sigma_k ~ N(mean, Sigma_k / strength). Here mean,
strength and, if wanted, scale are unknown and have priors of their own. Where Sigma_k is diagonal,
each column has such a law of its own, in one dimension; the strength is that of all. Where it is
spherical, sigma_k^2 I, the one variance has this law of one dimension.
All clusters may share one matrix Sigma ~ InvWishart(dof, scale): then it is the unknown scale, and
it is drawn with the clusters' means integrated out.
"""

from math import isfinite
from typing import NoReturn

import numpy as np
from numpy.typing import ArrayLike

from . import _sweeps, gibbs
from . import _validate as check
from ._deprecated import keyword_only, moved, warn
from ._numbers import sums_by_cluster
from ._types import Floats, Ints, RNGLike
from .chains import Chain, Kernel, Move, State, cycle, run
from .components import (
    CorrelatedGaussian,
    NormalInverseGamma,
    NormalInverseWishart,
    SphericalNormalInverseGamma,
)
from .components.gaussian import LARGEST, SMALLEST
from .mixture import DPMixture

__getattr__ = moved(__name__, {"HyperChain": "chains.Chain"})


NOTHING: Floats = np.zeros((0, 0))
COVARIANCES = "full", "diagonal", "spherical", "shared"
RANGE = f"from {2 * SMALLEST:g} to {LARGEST:g}"
SLICES = 10  # sweeps by slices in place of one that seats the points one by one
# A loop divides by a scale of 0; uncompiled, it takes its root or logarithm.
SHRUNK = ZeroDivisionError, ValueError


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
    covariance : str
        "full"; or "diagonal" where the columns are independent within a cluster: then the scale is
        diagonal, each entry with its own column's law (d = 1 above), and both degrees of freedom
        need only be > 0; or "spherical" where they have one variance, too: then the scale is a
        number times the identity, and that number has the law of one column; or "shared" where
        all clusters have one matrix Sigma ~ InvWishart(dof, scale), which stands in the place of
        the scale in states, chains and :meth:`family`, and ``scale_dof`` is None.

    Raises
    ------
    ValueError
        If a parameter is out of range or the shapes do not match.

    Notes
    -----
    For d = 1, Sigma_k is inverse gamma with shape dof / 2 and rate scale / 2. With a fixed scale
    every data set has a finite evidence. With an unknown one, repeated values can make it infinite,
    and there is no posterior to sample: see :func:`dpnotes.tables.spread_ties`.
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

    @keyword_only("centre", "var", "scale_dof")
    def __init__(
        self,
        dof: float,
        scale: ArrayLike,
        strength: tuple[float, float],
        *,
        centre: ArrayLike = 0.0,
        var: float = np.inf,
        scale_dof: float | None = None,
        covariance: str = "full",
    ):
        self.covariance = check.one_of("covariance", covariance, COVARIANCES)
        self.scale = np.array(check.array("scale", scale), ndmin=2)
        self.scale.setflags(write=False)  # chains hold it
        self.dim = d = len(self.scale)
        position = check.array("centre", centre)
        if position.shape not in [(), (d,)]:
            check.fail("centre", centre, f"a number or {d} of them")
        if np.abs(position).max() > LARGEST:
            check.fail("centre", centre, f"numbers at most {LARGEST:g} in size")
        self.centre = np.full(d, position)
        self.strength = check.gamma("strength", strength)
        self.var = (
            np.inf if isinstance(var, float) and var == np.inf else check.positive("var", var)
        )
        self.dof = check.positive("dof", dof)
        # Checks dof and scale, and where a sampler starts.
        shape, rate = self.strength
        if self.covariance in ("full", "shared"):
            NormalInverseWishart(self.centre, shape / rate, self.dof, self.scale)
        else:
            if not 2 * SMALLEST <= self.dof <= LARGEST:
                check.fail("dof", dof, RANGE)
            self.family(self.centre, shape / rate, self.scale)
        self.scale_dof = scale_dof
        if scale_dof is not None:
            if self.covariance == "shared":
                expected = "None where clusters share a covariance matrix, which is learned itself"
                check.fail("scale_dof", scale_dof, expected)
            number = check.positive("scale_dof", scale_dof)
            if self.covariance == "full" and number <= d - 1:
                check.fail("scale_dof", scale_dof, f"a finite number > d - 1 = {d - 1}")
            self.scale_dof = scale_dof if isinstance(scale_dof, int) else number
        # The prior rate of the scale; a fixed scale has none.
        self._rate: np.ndarray = NOTHING
        if self.scale_dof is not None:
            with np.errstate(over="ignore"):
                self._rate = self.scale_dof * np.linalg.inv(self.scale)
            if not np.isfinite(self._rate).all():
                check.fail("scale_dof", scale_dof, "scale_dof / scale within floating-point range")

    @property
    def precision(self) -> float:
        """1 / var, as version 0.1 had it."""
        warn("BasePrior.precision: write 1 / prior.var")
        return 1 / self.var

    def __repr__(self) -> str:
        scale, centre = self.scale.tolist(), self.centre.tolist()
        more = f"centre={centre}, var={self.var}, scale_dof={self.scale_dof}"
        if self.covariance != "full":
            more += f", covariance={self.covariance!r}"
        return f"BasePrior({self.dof}, {scale}, {self.strength}, {more})"

    def family(
        self, mean: ArrayLike, strength: float, scale: ArrayLike
    ) -> (
        NormalInverseGamma | NormalInverseWishart | SphericalNormalInverseGamma | CorrelatedGaussian
    ):
        """Return the family of :mod:`dpnotes.components` with these parameters of H.

        The scale is the covariance matrix itself where all clusters share it.
        """
        d, position = self.dim, check.array("mean", mean)
        check.shape("mean", position, (d,), *[()] * (d == 1))
        matrix = check.array("scale", scale, ndim=2)
        check.shape("scale", matrix, (d, d))
        if self.covariance == "shared":
            return CorrelatedGaussian(position, strength, matrix)
        if self.covariance != "full":
            diagonal = np.diagonal(matrix)
            right = ((diagonal >= 2 * SMALLEST) & (diagonal <= LARGEST)).all()
            if not right or (matrix != np.diag(diagonal)).any():
                check.fail("scale", scale, f"a diagonal matrix of numbers {RANGE}")
            if self.covariance == "diagonal" or d == 1:
                return NormalInverseGamma(position, strength, self.dof / 2, diagonal / 2)
            if (diagonal != diagonal[0]).any():
                check.fail("scale", scale, "a number times the identity matrix")
            return SphericalNormalInverseGamma(position, strength, self.dof / 2, diagonal[0] / 2)
        family = NormalInverseWishart(position, strength, self.dof, matrix)
        if d > 1:
            return family
        return NormalInverseGamma(position, strength, self.dof / 2, matrix[0] / 2)

    @keyword_only("rng")
    def update(
        self, theta: ArrayLike, strength: float, *, rng: RNGLike = None
    ) -> tuple[Floats, float, Floats]:
        """Draw mean, strength and scale given the clusters' parameters theta (K, d + d^2).

        Parameters
        ----------
        theta : array_like of shape (K, d + d**2), (K, 2 * d) if diagonal, (K, d + 1) if spherical
            Mean and covariance matrix, variances, or variance of each cluster. A matrix that is
            shared stands in every row.
        strength : float
            Its present value, > 0.
        rng : seed or numpy.random.Generator, optional

        Returns
        -------
        mean : ndarray of shape (d,)
        strength : float
        scale : ndarray of shape (d, d)
            The shared matrix, if there is one, which is not drawn here.

        Raises
        ------
        ValueError
            If theta has another shape, a covariance matrix or variance in it is not positive, or
            strength is not a finite number > 0.

        Notes
        -----
        Implements: DP-0193.
        """
        values, d = check.array("theta", theta, ndim=2), self.dim
        width = d + {"diagonal": d, "spherical": 1}.get(self.covariance, d * d)
        if values.shape[1] != width:
            check.refuse("theta", f"array of shape {values.shape}", f"shape (K, {width})")
        if self.covariance in ("diagonal", "spherical"):
            if not (values[:, d:] > 0).all():
                check.fail("theta", theta, "rows of means and variances > 0")
        else:
            # As the update looks for them: Cholesky factors of the lower halves, and inverses.
            lower = np.tril(values[:, d:].reshape(-1, d, d))
            sigma = lower + np.tril(lower, -1).transpose(0, 2, 1)
            if not (np.linalg.eigvalsh(sigma) > 0).all():
                expected = "rows of a mean and a positive definite covariance matrix"
                check.fail("theta", theta, expected)
        strength, rng = check.positive("strength", strength), check.rng("rng", rng)
        expected = "covariance matrices and a strength within range of floats"
        try:
            with np.errstate(all="ignore"):
                mean, new, scale = self._update(values, strength, rng)
        except ArithmeticError:  # how Python's own floats overflow, in a loop that is not compiled
            check.fail("theta", theta, expected)
        if not np.isfinite([*mean, new, *scale.flat]).all():
            check.fail("theta", theta, expected)
        if self.covariance == "shared":
            if (values[:, d:] != values[0, d:]).any():
                check.fail("theta", theta, "rows with the same covariance matrix")
            scale = values[0, d:].reshape(d, d)
        return mean, new, scale

    def _update(self, theta, strength, rng):
        if self.covariance in ("diagonal", "spherical"):
            return self._update_variances(theta, strength, rng)
        d, K, (a, b) = self.dim, len(theta), self.strength
        draw, give = _sweeps.native(_sweeps.make_base, _sweeps.cholesky, _sweeps.invert)
        noise, gamma = rng.standard_normal(d), rng.standard_gamma(a + K * d / 2)
        normals, gammas = NOTHING, np.zeros(0)
        if self.scale_dof is not None:
            normals, dof = rng.standard_normal((d, d)), self.scale_dof + K * self.dof
            gammas = np.array([rng.standard_gamma((dof - j) / 2) for j in range(d)])
        prior = give(self.centre), 1 / self.var, b, give(self._rate)
        draws = give(normals), give(gammas), give(noise), gamma
        work = give(np.empty((K + 2, d, d)))
        mean, scale = give(np.empty(d)), give(np.empty((d, d)))
        strength = draw(give(theta), strength, *prior, *draws, work, mean, scale)
        return np.asarray(mean), strength, np.asarray(scale) if len(self._rate) else self.scale

    @np.errstate(all="ignore")  # a variance that shrinks to 0; the caller sees what comes of it
    def _update_variances(self, theta, strength, rng):
        d, K, (a, b) = self.dim, len(theta), self.strength
        away, inverse = theta[:, :d] - self.centre, 1 / theta[:, d:]  # of each column, or of all
        precision = strength * inverse.sum(axis=0) + 1 / self.var
        shift = strength * (inverse * away).sum(axis=0) / precision
        shift += rng.standard_normal(d) / np.sqrt(precision)
        square = (inverse * (away - shift) ** 2).sum()
        strength = rng.standard_gamma(a + K * d / 2) / (b + square / 2)
        scale = self.scale
        if self.scale_dof is not None:
            own = inverse.shape[1]
            rate = np.diagonal(self._rate)[:own] + inverse.sum(axis=0)
            shape = (self.scale_dof + K * self.dof) / 2
            scale = np.eye(d) * (2 * rng.standard_gamma(shape, own) / rate)
        return self.centre + shift, float(strength), scale

    @property
    def _first_scale(self) -> Floats:
        """Where a sampler starts: a shared matrix at 1 / E Sigma^-1."""
        return self.scale / self.dof if self.covariance == "shared" else self.scale

    @np.errstate(all="ignore")  # a matrix that is no float; the caller sees what comes of it
    def _shared(self, x, labels, mean, strength, rng):
        """Draw the matrix that all clusters share given the points, the means integrated out."""
        n, d = x.shape
        away, sizes = x - mean, np.bincount(labels)[:, None]
        middle = sums_by_cluster(away, labels) / sizes
        off = away - middle[labels]
        middle *= np.sqrt(strength * sizes / (strength + sizes))
        root = np.linalg.cholesky(self.scale + off.T @ off + middle.T @ middle)
        # Bartlett: Sigma^-1 = L^-T A A^T L^-1 with L L^T the posterior scale, A lower triangular.
        a = np.tril(rng.standard_normal((d, d)), -1)
        a[range(d), range(d)] = np.sqrt(2 * rng.standard_gamma((self.dof + n - np.arange(d)) / 2))
        half = np.linalg.solve(a, root.T)
        return half.T @ half


class HyperMixture(DPMixture):
    """The mixture whose base measure has unknown parameters.

    Parameters
    ----------
    alpha : float
        Concentration, or where it starts if it has a prior; > 0.
    prior : BasePrior

    Attributes
    ----------
    component : NormalInverseWishart or another, as ``prior.covariance`` says
        The family with the parameters of H from which a sampler starts.

    Raises
    ------
    ValueError
        If alpha is not a finite number > 0, or prior is no BasePrior.

    Notes
    -----
    Implements: DP-0192.

    Examples
    --------
    >>> from dpnotes.hyper import BasePrior, HyperMixture
    >>> HyperMixture(1.0, BasePrior(dof=4, scale=2, strength=(2, 4))).component
    NormalInverseGamma(mean=[0.0], strength=[0.5], shape=[2.0], rate=[1.0])
    """

    def __init__(self, alpha: float, prior: BasePrior):
        if not isinstance(prior, BasePrior):
            check.fail("prior", prior, "a dpnotes.hyper.BasePrior")
        self.prior = prior
        strength = prior.strength[0] / prior.strength[1]
        super().__init__(alpha, prior.family(prior.centre, strength, prior._first_scale))

    def __repr__(self) -> str:
        return f"HyperMixture({self.alpha}, {self.prior})"


class Collapsed(gibbs.Collapsed):
    """The kernel of Algorithm 3 under the base measure that the state holds.

    Parameters
    ----------
    model : HyperMixture
    x : array_like of shape (n,) or (n, d)
    missing : "draw", optional
        Missing cells are drawn in every sweep, as :class:`dpnotes.gibbs.Collapsed` says.

    Raises
    ------
    ValueError
        If x is not finite or does not have the prior's number of columns, or the scale is learned
        and a column constant.

    Examples
    --------
    >>> from dpnotes import chains, datasets, hyper
    >>> prior = hyper.BasePrior(dof=4, scale=2, strength=(0.5, 50))
    >>> seat = hyper.Collapsed(hyper.HyperMixture(1.0, prior), datasets.galaxies() / 1000)
    >>> chains.run(chains.cycle(seat, hyper.Base(seat)), 20, rng=1).mean.shape
    (20, 1)
    """

    model: HyperMixture

    def __init__(self, model: HyperMixture, x: ArrayLike, *, missing: str | None = None):
        if not isinstance(model, HyperMixture):
            check.fail("model", model, "a dpnotes.hyper.HyperMixture")
        if missing is not None:
            check.one_of("missing", missing, ("draw",))
        if missing is not None and model.prior.dim == 1:
            check.fail("missing", missing, "None for one column; drop the rows without a value")
        if missing is not None and model.prior.covariance != "full":
            expected = "None, or a BasePrior with covariance='full', whose cells are drawn"
            check.fail("missing", missing, expected)
        super().__init__(model, x, missing=missing)
        # Then the evidence of one cluster is infinite, like that of a scale near 0.
        dof, still = model.prior.scale_dof, np.nanmax(self.x, axis=0) == np.nanmin(self.x, axis=0)
        if dof is not None and len(self.x) > dof and still.any():
            j = int(still.argmax())
            expected = "values that differ, or a fixed scale: a learned one has no posterior here"
            check.fail(f"x[:, {j}]", float(self.x[0, j]), expected)

    def start(self, labels: Ints, rng: np.random.Generator) -> State:
        """Return a state with these labels and the prior's base measure, its mean at the data's."""
        prior = self.model.prior
        strength = prior.strength[0] / prior.strength[1]
        mean = np.nanmean(self.x, axis=0) if prior.var == np.inf else prior.centre
        base = {**self._first, "mean": mean, "strength": strength, "scale": prior._first_scale}
        return State(check.seats("labels", labels, len(self.x), rng), self.model.alpha, None, base)

    def _family(self, state):
        return self.model.component.rebased(*_base(state))

    def _moved(self, state, loop, uniforms):
        present = _base(state)
        try:
            self._seat.rebase(*present)
            return super()._moved(state, loop, uniforms)
        except SHRUNK:
            _shrunk()

    def log_joint(self, state: State) -> float:
        """Return log P(partition | alpha) + log p(x | partition) under the state's base measure."""
        self._seat.rebase(*_base(state))
        return super().log_joint(state)


def _shrunk() -> NoReturn:
    words = "data without repeated values (see dpnotes.tables.spread_ties), or a fixed scale"
    check.refuse("x", "data under which the clusters' scale shrinks to 0", words)


class Base:
    """The move that draws the clusters' parameters, then those of the base measure given these.

    Parameters
    ----------
    kernel : Collapsed
        Whose model and data these are.

    Raises
    ------
    ValueError
        If kernel is no Collapsed of this module.

    Notes
    -----
    Implements: DP-0193, DP-0194, DP-0235.

    Examples
    --------
    >>> from dpnotes import datasets, hyper
    >>> prior = hyper.BasePrior(dof=4, scale=2, strength=(0.5, 50))
    >>> seat = hyper.Collapsed(hyper.HyperMixture(1.0, prior), datasets.galaxies() / 1000)
    >>> move = hyper.Base(seat)
    """

    def __init__(self, kernel: Collapsed):
        if not isinstance(kernel, Collapsed):
            check.fail("kernel", kernel, "a dpnotes.hyper.Collapsed")
        self._kernel, self._seat, self._prior = kernel, kernel._seat, kernel.model.prior

    def sweep(self, state: State, rng: np.random.Generator) -> State:
        """Draw theta, then mean, strength and scale; first of all a matrix that is shared."""
        check.move(state, State, rng)
        mean, strength, scale = _base(state)
        shared = self._prior.covariance == "shared"
        try:
            if shared:
                scale = self._prior._shared(self._kernel.x, state.labels, mean, strength, rng)
            self._seat.rebase(mean, strength, scale)
            self._kernel._fill(state)  # another state may have been there last
            theta = self._seat.clusters(state.labels, rng)
            known = np.tile(scale.ravel(), (len(theta), 1)) if shared else theta[:, :0]
            mean, strength, new = self._prior._update(np.hstack([theta, known]), strength, rng)
            scale = scale if shared else new
        except SHRUNK:
            _shrunk()
        if not isfinite(strength):
            _shrunk()
        base = {**state.columns, "mean": mean, "strength": strength, "scale": scale}
        return State(state.labels, state.alpha, theta, base)


def _base(state: State) -> tuple[Floats, float, Floats]:
    """Return mean, strength and scale of the base measure that a state holds."""
    base = state.columns if isinstance(state, State) else {}
    if not {"mean", "strength", "scale"} <= base.keys():
        check.fail("state", state, "a State with a learned base measure")
    return base["mean"], base["strength"], base["scale"]


def kernel(
    prior: BasePrior,
    x: ArrayLike,
    *,
    alpha: float = 1.0,
    alpha_prior: tuple[float, float] | None = None,
    split_merge: bool = False,
    at_once: bool | None = False,
    missing: str | None = None,
) -> Kernel:
    """Return the kernel of :func:`sample`: seats, alpha if it has a prior, then the base measure.

    Parameters
    ----------
    prior : BasePrior
    x : array_like of shape (n,) or (n, d)
    alpha : float
        Concentration, or where it starts if it has a prior; > 0.
    alpha_prior : (float, float), optional
        Shape and rate of a Gamma prior for alpha.
    split_merge : bool
        Whether each sweep also proposes to split and to merge clusters, after the seats.
    at_once : bool, optional
        Whether the points are seated by ten sweeps of :class:`dpnotes.gibbs.Slice`, all at once, in
        place of one that takes them one by one, with one proposal to split or to merge a sweep. The
        posterior is the same, the draws are not. None asks for it where the sweep one by one would
        not be compiled, and so be slow.
    missing : "draw", optional
        Missing cells are drawn in every sweep, as :func:`dpnotes.gibbs.collapsed` says; then points
        are not seated at once.

    Returns
    -------
    Kernel
        For :func:`dpnotes.chains.run`, alone or composed with others.

    Raises
    ------
    ValueError
        If an argument is out of range.

    Examples
    --------
    >>> from dpnotes import chains, datasets, hyper
    >>> prior = hyper.BasePrior(dof=4, scale=2, strength=(0.5, 50))
    >>> chains.run(hyper.kernel(prior, datasets.galaxies() / 1000), 20, rng=1).mean.shape
    (20, 1)
    """
    seat = Collapsed(HyperMixture(alpha, prior), x, missing=missing)
    slow = not seat.nogil and missing is None
    slices = slow if at_once is None else check.flag("at_once", at_once)
    first: Kernel = gibbs.Slice(seat) if slices else seat
    moves: list[Move] = [first] * (SLICES - 1) if slices else []
    if check.flag("split_merge", split_merge):
        # Proposals take points one by one: few, where that is what is slow.
        few = [gibbs.SplitMerge(seat, proposals=1)]
        moves += few if slices else gibbs._splits_and_merges(seat)
    if alpha_prior is not None:
        moves.append(gibbs.Alpha(check.gamma("alpha_prior", alpha_prior)))
    return cycle(first, *moves, Base(seat))


@keyword_only("rng")
def sample(
    prior: BasePrior,
    x: ArrayLike,
    n_sweeps: int,
    *,
    rng: RNGLike = None,
    alpha: float = 1.0,
    alpha_prior: tuple[float, float] | None = None,
    split_merge: bool = False,
    missing: str | None = None,
    start: ArrayLike | Chain | None = None,
    progress: bool = False,
) -> Chain:
    """Sample partitions, clusters and the base measure's parameters.

    A sweep reseats the points given H by Neal's Algorithm 3, draws alpha if it has a prior, then
    the clusters' parameters, then the parameters of H given those of the clusters.

    Parameters
    ----------
    prior : BasePrior
    x : array_like of shape (n,) or (n, d)
    n_sweeps : int
        Number of sweeps; each gives one draw.
    rng : seed or numpy.random.Generator, optional
        Without it, a run that goes on from a chain goes on with its random numbers too.
    alpha : float
        Concentration, or where it starts if it has a prior; > 0.
    alpha_prior : (float, float), optional
        Shape and rate of a Gamma prior for alpha, which is then sampled.
    split_merge : bool
        Whether each sweep also proposes to split and to merge clusters
        (:class:`dpnotes.gibbs.SplitMerge`), which a chain needs where clusters are far apart.
    missing : "draw", optional
        Missing cells are drawn in every sweep, as :func:`dpnotes.gibbs.collapsed` says.
    start : array_like of shape (n,) or Chain, optional
        Labels to start from, or a chain whose last draw to go on from. By default the first sweep
        seats the points one after another.
    progress : bool
        Show a progress bar.

    Returns
    -------
    Chain
        With ``mean``, ``strength`` and ``scale``. Ctrl+C ends the run with a warning, and keeps
        the draws so far.

    Raises
    ------
    ValueError
        If an argument is out of range, or an unknown scale shrinks to 0 (see :class:`BasePrior`).

    Notes
    -----
    Implements: DP-0194, DP-0195.

    In one run of ``python -m benchmarks moves`` splitting and merging multiplied the effective
    draws a second of the number of clusters and of the log joint density by 1.9 and 2.3
    (galaxies), 5.4 and 1.5 (iris), 0.8 and 2.0 (wine), 1.6 and 2.3 (two groups of 400 points in
    ten dimensions), 1.2 and 0.7 (10,000 points in the plane).

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
    made = kernel(
        prior, x, alpha=alpha, alpha_prior=alpha_prior, split_merge=split_merge, missing=missing
    )
    more = (", split_merge=True" if split_merge else "") + gibbs._told(missing)
    sampler = f"hyper.sample(alpha_prior={alpha_prior}{more})"
    fixed = made.model.alpha if alpha_prior is None else None
    return run(
        made, n_sweeps, rng=rng, start=start, alpha=fixed, progress=progress, sampler=sampler
    )
