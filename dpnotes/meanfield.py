"""Mean-field inference for Dirichlet process mixtures by coordinate ascent on the ELBO.

The approximation is q(v, theta, z) = prod_k q(v_k) prod_k q(theta_k) prod_i q(z_i), with z_i at
most the truncation T; if alpha has a prior, with a factor q(alpha), too. All that an iteration
needs of the data is one (T, p) table: the expected statistics S_k = sum_i gamma_ik f(x_i) of the
clusters. They add over points, so the data may come in blocks, from disk or spread over processes,
and no array of shape (n, T) is ever held.
"""

import builtins
import copy
import itertools
import operator
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial, reduce
from typing import Any, NamedTuple, NoReturn, Protocol, runtime_checkable

import numpy as np
from numpy.typing import ArrayLike

from . import __version__, _checkpoint, _dask, _local, _search
from . import _validate as check
from ._deprecated import keyword_only
from ._numbers import digamma_step, log1p_ratio, log_beta, log_ratio, log_rising
from ._progress import bar
from ._threads import one_thread
from ._types import Floats, Ints, RNGLike
from .components import Marginal, Predictive
from .components.gaussian import Islands, LostDigits, is_far, is_gaussian, is_wide, log_odds, places
from .mixture import DPMixture

CHUNK = 2**14  # points whose features are computed at a time ...
NUMBERS = 2**21  # ... and at most so many numbers
KEEP = 2**25  # features stay in memory between iterations up to this many numbers (256 MB)
SAMPLE = 2**12  # restarts compete on at most this many points ...
SAMPLE_TOL = 1e-5  # ... and, on a sample, stop at this gain per point
SAME, SAME_POINT = 0.01, 1e-4  # ELBOs that differ by less, in all and per point, are of one optimum
SEATED = 200  # points that the seating start seats
FEW = 4  # passes of an ascent from a move, until it is judged again ...
PATIENCE = 5  # ... by whether so many passes like the last would reach what it has to
ROUNDING = 1e-9  # of the ELBO: a move or a longer step has to gain more
LONGEST = 64.0  # of longer steps, in steps of the ascent
MOST_STARTS = 10**6
HELD = 0.5  # a cluster of a smaller expected size is taken to hold no row
LARGEST = 1e300  # sum of squares in a block of points; much larger sums are no floats
NEWTON, CLOSE = 100, 1e-15  # steps to E alpha at most, and when it is found
FAR = 1e300  # a law of alpha keeps within 1 / FAR and FAR

Block = ArrayLike | Callable[[], ArrayLike]
Map = Callable[..., Iterable[Any]]


@runtime_checkable
class _Family(Marginal, Predictive, Protocol):
    """What mean field asks of a family."""

    def expected_natural(self, s: ArrayLike) -> Floats:
        """Return the mean of ``natural(theta)`` under the posterior given s: shape (K, p)."""


@dataclass(frozen=True, eq=False, repr=False)
class MeanField:
    """A mean-field approximation to the posterior of a Dirichlet process mixture.

    Clusters come in the order of their sticks; for the full process this is decreasing size.
    The arrays are read-only copies. Methods read their points a block at a time, so a memory map
    need not fit in memory. Those that say something of each row take a Dask array, a Dask data
    frame or delayed blocks as well, and give the same kind back, made when it is written.

    Attributes
    ----------
    model : DPMixture
        Where the data lie far from the prior mean, its component measures from their mean; where
        clusters lie far apart, from several points.
    statistics : ndarray of shape (T, p)
        Row k gives q(theta_k): the conjugate posterior given these expected statistics, of the
        model's component. Column 0 holds the expected sizes.
    sticks : ndarray of shape (T, 2)
        q(v_k) = Beta(a_k, b_k), rows (a_k, b_k); T - 1 rows if the model is truncated.
    elbo : ndarray
        The ELBO after each iteration, constants included; after each block if memoised. The last
        entry is that of the parameters above with q(z) as :meth:`responsibilities` gives it.
    converged : bool
        Whether the last iteration gained at most the tolerance.
    restart_elbos : ndarray
        Final ELBO of each restart, before any moves: only the best goes on with these. Of a sample
        of the data if the data are many.
    seed : int or None
        The seed of the fit, None if it was given a generator or nothing.
    version : str
        The version of dpnotes that made the fit.
    alpha_posterior : (float, float) or None
        Shape and rate of the Gamma law q(alpha); None if alpha was known, ``model.alpha``.

    Raises
    ------
    ValueError
        If the arrays have wrong shapes, a count is negative or a stick parameter is not > 0.

    Examples
    --------
    >>> from dpnotes import datasets, meanfield
    >>> from dpnotes.components import Gaussian
    >>> from dpnotes.mixture import DPMixture
    >>> model = DPMixture(1.0, Gaussian(mean=0, var=1, noise_var=0.01))
    >>> q = meanfield.fit(model, datasets.neal(), truncation=6, rng=1)
    >>> q  # doctest: +NORMALIZE_WHITESPACE
    MeanField(4 clusters of expected size >= 1, T = 6, ELBO -17.7633, converged, best of 20 starts
    reached by 18, up to 0.233 nats apart)
    >>> q.predict([0.5, -1.4, 0.49]).tolist()
    [0, 2, 0]
    """

    model: DPMixture
    statistics: Floats
    sticks: Floats
    elbo: Floats
    converged: bool
    restart_elbos: Floats
    seed: int | None = None
    version: str = __version__
    alpha_posterior: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        check.model(self.model, _Family)
        parameters = _parameters(self.model.component, self.statistics, self.sticks)
        arrays = dict(zip(("statistics", "sticks"), parameters))
        for name in ("elbo", "restart_elbos"):
            arrays[name] = check.array(name, getattr(self, name), ndim=1)
        for name, array in arrays.items():
            array = array.copy()
            array.flags.writeable = False
            object.__setattr__(self, name, array)
        object.__setattr__(self, "converged", check.flag("converged", self.converged))
        if not (self.seed is None or (type(self.seed) is int and self.seed >= 0)):
            check.fail("seed", self.seed, "None or an integer >= 0")
        if not isinstance(self.version, str):
            check.fail("version", self.version, "the version of a package, such as '0.1.0'")
        if self.alpha_posterior is not None:
            law = check.gamma("alpha_posterior", self.alpha_posterior)
            object.__setattr__(self, "alpha_posterior", law)

    def __repr__(self) -> str:
        clusters = int((self.statistics[:, 0] >= 1).sum())
        starts, (reached, apart) = len(self.restart_elbos), self._reached()
        optima = f", best of {starts} starts reached by {reached}, up to {apart:.3g} nats apart"
        known, (shape, rate) = self.alpha_posterior is None, self.alpha_posterior or (1.0, 1.0)
        alpha = "" if known else f"E[alpha] = {shape / rate:.3g}, "
        return (
            f"MeanField({clusters} clusters of expected size >= 1, T = {len(self.statistics)}, "
            f"{alpha}ELBO {self.elbo[-1]:.4f}, {'' if self.converged else 'not '}converged"
            f"{optima if reached < starts else ''})"
        )

    def _reached(self) -> tuple[int, float]:
        """Return how many restarts ended at the best optimum, and how far apart all ended."""
        n = self.statistics[:, 0].sum()
        below = self.restart_elbos.max() - self.restart_elbos
        return int((below <= SAME + SAME_POINT * min(n, SAMPLE)).sum()), float(below.max())

    @property
    def weights(self) -> Floats:
        """E[pi_k] for k = 1, ..., T, shape (T,)."""
        return self._weights()[:-1]

    @property
    def remainder(self) -> float:
        """E[1 - pi_1 - ... - pi_T]: the weight of all clusters beyond T."""
        return float(self._weights()[-1])

    def _weights(self) -> Floats:
        T = len(self.statistics)
        v, rest = np.ones(T + 1), np.zeros(T)
        a, b = self.sticks.T
        v[: len(a)], rest[: len(a)] = a / (a + b), b / (a + b)
        return v * np.append(1, np.cumprod(rest))

    def _logits(self, rows: Any, name: str = "x") -> Iterator[tuple[slice, Floats]]:
        """Yield slices of the rows with their log weights, shape (T, m)."""
        family = self.model.component
        natural = family.expected_natural(self.statistics)
        log_weights = _expected_log_weights(self.sticks, len(natural))
        weighted = natural.copy()
        weighted[:, 0] += log_weights
        for piece in _local.slices(len(rows), *natural.shape):
            points = _points(family, rows[piece], name, piece.start, squares=False)
            far = is_far(family, points, natural)
            logits = np.empty((len(natural), len(points)))
            if not far.all():
                logits[:, ~far] = weighted @ _local.features(family, points[~far])
            if far.any():
                logits[:, far] = log_odds(family, points[far], self.statistics, log_weights).T
            yield piece, logits

    @_dask.lazily(float, lambda q: len(q.statistics))
    def responsibilities(self, x: ArrayLike) -> Floats:
        """Return the optimal q(z_i = k) for each row of x: shape (n, T)."""
        return self._responsibilities(_rows(self.model.component, x))

    def _responsibilities(self, rows: Any, name: str = "x") -> Floats:
        result = np.empty((len(self.statistics), len(rows)))
        with one_thread():
            for piece, weights in self._logits(rows, name):
                total, _ = _local.exponentiate(weights)
                np.divide(weights, total, out=result[:, piece])
        return result.T

    @_dask.lazily(np.int64)
    def assign(self, x: ArrayLike) -> Ints:
        """Return the cluster of largest responsibility for each row of x: shape (n,).

        For the rows that were fitted; where a new row belongs is :meth:`predict`.
        """
        rows = _rows(self.model.component, x)
        labels = np.empty(len(rows), np.int64)
        with one_thread():
            for piece, logits in self._logits(rows):
                labels[piece] = logits.argmax(axis=0)
        return labels

    @property
    def _held(self) -> np.ndarray:
        """Which clusters hold rows: half a row at least."""
        return self.statistics[:, 0] >= HELD

    @_dask.lazily(float, lambda q: len(q.statistics) + 1)
    def predict_proba(self, x: ArrayLike) -> Floats:
        """Return how probable it is under q that a new row belongs to each cluster, or to none.

        A new row y is in cluster k with probability proportional to E[pi_k] times the density of y
        given the rows there, and beyond T to what is left of the weights times that given none.
        It belongs to none if it is beyond T or in a cluster that holds none of the old rows: one
        of expected size below 1/2, which more probably than not is empty.

        Parameters
        ----------
        x : array_like of shape (m,) or (m, d)
            New rows; each on its own, given the old ones and itself.

        Returns
        -------
        ndarray of shape (m, T + 1)
            Rows sum to 1; the last column is that of none, and that of a cluster without rows is 0.

        Raises
        ------
        ValueError
            If x has the wrong shape or is not finite.

        Notes
        -----
        Implements: DP-0224.

        Examples
        --------
        >>> from dpnotes import datasets, meanfield
        >>> from dpnotes.components import Gaussian
        >>> from dpnotes.mixture import DPMixture
        >>> model = DPMixture(1.0, Gaussian(mean=0, var=1, noise_var=0.01))
        >>> q = meanfield.fit(model, datasets.neal(), truncation=6, rng=1)
        >>> q.predict_proba([0.5, -1.4, 1e18]).round(2)[:, [0, 1, 2, 6]].tolist()
        [[0.97, 0.0, 0.0, 0.02], [0.0, 0.04, 0.95, 0.01], [0.0, 0.0, 0.0, 1.0]]
        """
        rows = _rows(self.model.component, x)
        result = np.empty((len(rows), len(self.statistics) + 1))
        for piece, shares in self._shares(rows):
            result[piece] = self._folded(shares)
        return result

    @_dask.lazily(np.int64)
    def predict(self, x: ArrayLike) -> Ints:
        """Return the most probable cluster of each new row, -1 for none: shape (m,).

        See :meth:`predict_proba`, which has the same argument.
        """
        rows = _rows(self.model.component, x)
        labels = np.empty(len(rows), np.int64)
        for piece, shares in self._shares(rows):
            labels[piece] = self._folded(shares).argmax(axis=1)
        labels[labels == len(self.statistics)] = -1
        return labels

    def predict_similarity(self, x: ArrayLike, old: ArrayLike) -> tuple[Floats, Floats]:
        """Return how probable it is under q that a new row shares a cluster with each old one.

        Parameters
        ----------
        x : array_like of shape (m,) or (m, d)
            New rows; each on its own, given the fitted ones and itself.
        old : array_like of shape (n,) or (n, d)
            Rows that were fitted, which q does not keep: all, or those that are asked about.

        Returns
        -------
        similarity : ndarray of shape (m, n)
            P(new row i and old row j share a cluster that holds rows).
        alone : ndarray of shape (m,)
            And that it belongs to none: the last column of :meth:`predict_proba`.

        Raises
        ------
        ValueError
            If x or old has the wrong shape or is not finite.

        Notes
        -----
        Implements: DP-0224.

        Examples
        --------
        >>> from dpnotes import datasets, meanfield
        >>> from dpnotes.components import Gaussian
        >>> from dpnotes.mixture import DPMixture
        >>> model = DPMixture(1.0, Gaussian(mean=0, var=1, noise_var=0.01))
        >>> x = datasets.neal()
        >>> q = meanfield.fit(model, x, truncation=6, rng=1)
        >>> similarity, alone = q.predict_similarity([0.5, 1e18], x)
        >>> similarity.shape, alone.round(1).tolist()
        ((2, 9), [0.0, 1.0])
        """
        family, T = self.model.component, len(self.statistics)
        rows, before = _rows(family, x), _rows(family, old, "old")
        check.room("x", x, len(rows) * len(before))
        check.room("old", old, len(before) * T)
        gamma = self._responsibilities(before, "old")
        similarity, alone = np.empty((len(rows), len(before))), np.empty(len(rows))
        for piece, shares in self._shares(rows):
            folded = self._folded(shares)
            similarity[piece] = folded[:, :T] @ gamma.T
            alone[piece] = folded[:, T]
        return similarity, alone

    def _folded(self, shares: Floats) -> Floats:
        """Return shares of the clusters, shape (m, T + 1), those without rows added to the last."""
        held = np.append(self._held, False)
        result = np.where(held, shares, 0.0)
        result[:, -1] = shares[:, ~held].sum(axis=1)
        return result

    def _shares(self, rows: Any) -> Iterator[tuple[slice, Floats]]:
        """Yield slices of the rows with P(z = k | row) under q, shape (m, T + 1), the rest last."""
        truncated = len(self.sticks) < len(self.statistics)
        emptiest = self.statistics[:, 0].argmin() if truncated else -1
        for piece, logs in self._log_joint(rows):
            # Where all densities are no floats, that given the fewest rows falls off most slowly.
            logs[np.isneginf(logs.max(axis=1)), emptiest] = 0.0
            logs -= logs.max(axis=1, keepdims=True)
            with np.errstate(under="ignore"):
                shares = np.exp(logs)
            yield piece, shares / shares.sum(axis=1, keepdims=True)

    def _log_joint(self, rows: Any) -> Iterator[tuple[slice, Floats]]:
        """Yield slices of the rows with log E[pi_k f(row | theta_k)]: shape (m, T + 1).

        The last column is that of all clusters beyond T.
        """
        family = self.model.component
        statistics = np.vstack([self.statistics, np.zeros(self.statistics.shape[1])])
        with np.errstate(divide="ignore"):  # a truncated model leaves nothing beyond T
            log_weights = np.log(self._weights())
        with one_thread():
            for piece in _local.slices(len(rows), *statistics.shape):
                points = _points(family, rows[piece], "x", piece.start, squares=False)
                yield piece, family.log_predictive(points, statistics) + log_weights

    @keyword_only("rng")
    def sample_labels(self, x: ArrayLike, size: int, *, rng: RNGLike = None) -> Ints:
        """Draw the labels of the rows of x from q(z): shape (size, n), values 0 to T - 1."""
        rows = _rows(self.model.component, x)
        size, generator = check.integer("size", size), check.rng("rng", rng)
        check.room("size", size, size * len(rows))
        labels = np.empty((size, len(rows)), np.int64)
        # In place: each uniform makes room for the label that it turns into.
        uniforms = labels.view(float)
        generator.random(out=uniforms)
        with one_thread():
            for piece, logits in self._logits(rows):
                sums = _local.cumulate(logits)
                for u, label in zip(uniforms[:, piece], labels[:, piece]):
                    label[:] = _local.invert(sums, u)
        return labels

    @_dask.lazily(float)
    def predictive_logpdf(self, x: ArrayLike) -> Floats:
        """Return the log density of a new observation under q at each row of x: shape (n,).

        E_q[sum_k pi_k f(x | theta_k)] is a mixture of the family's predictive densities, Gaussian
        or Student, and of the prior predictive for the clusters beyond T: no approximation.
        """
        rows = _rows(self.model.component, x)
        result = np.empty(len(rows))
        for piece, logs in self._log_joint(rows):
            result[piece] = np.logaddexp.reduce(logs, axis=1)
        return result


@keyword_only("truncation", "rng", "tol", "max_iter")
def fit(
    model: DPMixture,
    x: ArrayLike | Iterable[Block],
    *,
    truncation: int = 20,
    rng: RNGLike = None,
    tol: float = 1e-8,
    max_iter: int = 1000,
    restarts: int = 20,
    init: "ArrayLike | MeanField | None" = None,
    truncated_model: bool = False,
    memoised: bool = False,
    map: Map = map,
    progress: bool = False,
    weights: ArrayLike | None = None,
    moves: bool = False,
    checkpoint: "str | os.PathLike[str] | None" = None,
    checkpoint_every: int = 10,
    alpha_prior: tuple[float, float] | None = None,
) -> MeanField:
    """Fit a mean-field approximation to the posterior of a Dirichlet process mixture.

    Parameters
    ----------
    model : DPMixture
        Any family of :mod:`dpnotes.components`.
    x : array_like of shape (n,) or (n, d), or iterable of blocks
        A memory map is read in pieces. A block is an array of shape (m, d), or a function without
        arguments that returns one, called where the block is needed. Blocks are read many times,
        so a generator will not do.
        Of a Dask array, a Dask data frame of numbers or a list of delayed blocks no rows but a
        sample reach the client: each pass sends out the parameters and takes back one sum. Blocks
        that are not persisted are made anew in each pass, by the workers that visit them.
    truncation : int
        T, the largest label in q, 1 to 10**6.
    rng : seed or numpy.random.Generator, optional
    tol : float
        Stop when an iteration raises the ELBO by at most tol nats per observation, >= 0.
    max_iter : int
        Largest number of passes over the data of one ascent, >= 1.
    restarts : int
        Number of starts, >= 1; the best is returned. Starts alternate between seating some points
        by the collapsed predictive rule and T well-spread seeds (as k-means++ picks them). Beyond
        4096 points the starts compete on a random sample of the data.
    init : array_like of shape (n,) or MeanField, optional
        One start instead: labels 0 to T - 1 of the points, or a result of at most T clusters, also
        of other data or another alpha, whose ``model.component`` is that of model. For the full
        process and the same data and alpha, or its prior and T, the ELBO starts no lower than the
        result's.
    truncated_model : bool
        Set v_T = 1 in the model as well, which makes it a finite mixture. By default the model
        is the full process: clusters beyond T keep their prior and hold no points in q.
    memoised : bool
        Update q(v) and q(theta) after each block instead of after each pass.
    map : callable
        Like the built-in ``map``; that of an executor, a pool or a Dask client spreads the blocks.
        For a collection of Dask, the map of the client to use in place of the current one.
    progress : bool
        Show a bar that counts passes over the data.
    weights : array_like of shape (n,), optional
        Numbers >= 0, how often each row counts, of all blocks in their order; their sum stands for
        n. A row of weight 3 is the row given three times: from the same start come the same ELBOs
        and the same q. Starts are drawn at random, in proportion to weights: they are alike for
        both in law, and from ``init`` they are the same. A row of weight 0 is checked but counts
        for nothing. Samplers take no weights: they give each row a label of its own.
    moves : bool
        Go on from the best start by moves: clusters are merged, deleted or split, of few points
        each is reseated alone, and each time the ascent goes on; a move is accepted only if the
        ELBO rises. Ascents then make longer steps as well, each one pass more that ``max_iter``
        does not count. Beyond 4096 points moves are made on a random sample first; then those that
        gain on the sample are tried on all the data. To be had with ``restarts=1``, too.
    checkpoint : path, optional
        A file that keeps where the fit stands. If it exists, the fit goes on from it, and ends as
        if it had not been interrupted; it must be of the same data, model and options, but for
        ``tol``, ``max_iter``, ``map``, how the data are cut into blocks, and a given generator.
    checkpoint_every : int
        After how many passes the file is written anew, whole or not at all; also after the first.
        Among moves it waits until one is accepted, and passes since then are made again.
    alpha_prior : (float, float), optional
        Shape and rate of a Gamma prior for alpha, which then has a law in q, too, a Gamma law:
        ``alpha_posterior`` of the result. ``model.alpha`` only seats points at the start then.
        In the full process each empty cluster up to T narrows that law, without moving its mean,
        and lowers the ELBO: choose the truncation by the ELBO. By default alpha is
        ``model.alpha``.

    Returns
    -------
    MeanField

    Raises
    ------
    ValueError
        If an argument is out of range, the data are not finite, or blocks cannot be read twice.

    Warns
    -----
    RuntimeWarning
        If Ctrl+C interrupts the fit after its first pass: the result is the best approximation so
        far, with ``converged=False``.
    dpnotes.InferenceWarning
        If the fit stopped at ``max_iter``, all T clusters are in use (but in a truncated model,
        which has no more), or, without moves, only one of several starts reached the best ELBO.

    Notes
    -----
    BLAS runs on one thread meanwhile: the products are too small for more.
    The result depends on how the data are cut into blocks only through rounding, except that
    memoised updates take the blocks as their steps.
    Implements: DP-0185, DP-0179, DP-0180, DP-0181.
    Implements: DP-0182, DP-0184, DP-0189, DP-0190, DP-0225.
    Implements: DP-0236, DP-0237, DP-0246, DP-0247, DP-0248, DP-0249.

    References
    ----------
    Blei, D. M. and Jordan, M. I. (2006). Bayesian Analysis 1, 121-143.
    Kurihara, K., Welling, M. and Teh, Y. W. (2007). IJCAI-07, 2796-2801.
    Hughes, M. C. and Sudderth, E. B. (2013). NIPS 26, 1133-1141.

    Examples
    --------
    >>> from dpnotes import datasets, meanfield
    >>> from dpnotes.components import Gaussian
    >>> from dpnotes.mixture import DPMixture
    >>> model = DPMixture(1.0, Gaussian(mean=0, var=1, noise_var=0.01))
    >>> result = meanfield.fit(model, datasets.neal(), truncation=6, rng=1)
    >>> round(float(result.elbo[-1]), 4)
    -17.7633
    >>> result.responsibilities([0.5]).round(3)[0, :3].tolist()
    [1.0, 0.0, 0.0]
    >>> result = meanfield.fit(model, datasets.neal(), truncation=5, rng=1, alpha_prior=(1, 1))
    >>> shape, rate = result.alpha_posterior
    >>> round(shape, 2), round(rate, 2)
    (6.0, 5.65)
    """
    check.model(model, _Family)
    T = check.integer("truncation", truncation, maximum=_local.MOST_CLUSTERS)
    max_iter = check.integer("max_iter", max_iter)
    restarts = check.integer("restarts", restarts, maximum=MOST_STARTS)
    gain = check.nonnegative("tol", tol)
    truncated_model = check.flag("truncated_model", truncated_model)
    memoised, progress = check.flag("memoised", memoised), check.flag("progress", progress)
    moves = check.flag("moves", moves)
    every = check.integer("checkpoint_every", checkpoint_every)
    if memoised and checkpoint is not None:
        check.fail("memoised", memoised, "False with a checkpoint, which keeps no blocks")
    if not callable(map):
        check.fail("map", map, "a function like the built-in map")
    map = _dask.mapping(x, map)
    if memoised and map is not builtins.map:
        expected = "False with a map, or with Dask: blocks take turns when memoised"
        check.fail("memoised", memoised, expected)
    generator = check.rng("rng", rng)
    data = _read(model.component, x, map, weights)
    seed = int(rng) if isinstance(rng, (int, np.integer)) else None
    prior = None if alpha_prior is None else _prior_within_floats(alpha_prior, data.n, T)
    facts: dict[str, Any] = {}
    if checkpoint is not None:
        facts = _checkpoint.facts_of(
            model, rows=data.rows, weight=data.n, truncation=T, truncated_model=truncated_model,
            restarts=restarts, init=type(init).__name__, seed=seed, alpha_prior=prior, moves=moves,
        )  # fmt: skip
    kept = _checkpoint.Checkpoint(checkpoint, every, facts, generator)
    if data.component is not model.component:
        model = copy.copy(model)
        model.component = data.component
    warm = _warm(init, data.component, T) if isinstance(init, MeanField) else None
    labels = None if init is None or warm is not None else check.counts("init", init, 0)
    if labels is not None:
        if len(labels) != data.rows:
            check.fail("init", labels, f"{data.rows} integer labels")
        if labels.max() >= T:
            check.fail("init", labels, f"labels 0 to {T - 1}")

    with one_thread(), bar(progress, "pass") as tick:
        ascent = _Ascent(model, T, truncated_model, memoised, max_iter, tick, kept, prior, moves)
        sample, loose = data, gain
        starts: list[Callable[[], Floats]]
        if init is None or moves:
            features, drawn = _sample(data, generator)
        if warm is not None:
            starts = [warm.copy]
        elif labels is not None:
            starts = [partial(data.count, labels, T)]
        else:
            sample = drawn
            if sample is not data:
                loose = max(loose, SAMPLE_TOL)
            starts = [
                partial(_start, model, features, sample, T, i, generator) for i in range(restarts)
            ]
        runs = [_Run(*run) for run in kept.runs]
        kept.go_on()
        for start in starts[kept.ended :]:
            runs += (found := ascent.run(sample, start, loose))
            if ascent.interrupted:
                break
            kept.end(found)
        if not runs and ascent.interrupted:
            raise KeyboardInterrupt
        if not runs:
            shown = "clusters so long and narrow that squares of their length hide their width, or"
            shown += " a prior so weak that rounding hides it"
            check.refuse("x", shown, "points nearer to each other, or a larger truncation")
        best = max(runs, key=lambda run: run.elbo[-1])
        stages: list[Callable[[_Run], _Run]] = []
        if moves:
            points = _search.Points.of(features, drawn.weights)
            stages.append(lambda run: ascent.improve(sample, run, points, loose))
        if sample is not data:
            stages.append(lambda run: ascent.spread(data, run, gain))
            if moves:
                stages.append(lambda run: ascent.improve(data, run, points, gain))
        for stage in stages[max(0, kept.ended - len(starts)) :]:
            best = stage(best)
            kept.end()
    if ascent.interrupted:
        words = "the result is that of the last complete pass"
        check.warn(f"interrupted after {ascent.passes} passes; {words}")
    result = MeanField(
        model=model,
        statistics=best.statistics,
        sticks=best.sticks,
        elbo=np.array(best.elbo),
        converged=best.converged and not ascent.interrupted,
        restart_elbos=np.array([run.elbo[-1] for run in runs]),
        seed=seed,
        alpha_posterior=None if prior is None else prior.given(best.sticks),
    )
    if not (result.converged or ascent.interrupted):
        check.doubt(f"not converged after max_iter = {max_iter} passes; raise max_iter, or tol")
    least = result.statistics[:, 0].min()
    if least >= 1 and T < data.n and not truncated_model:
        check.doubt(
            f"all {T} clusters are in use, the smallest with {least:.3g} points, and there may be "
            "more than these; raise truncation"
        )
    reached, apart = result._reached()
    if reached == 1 < len(runs) and not moves:
        check.doubt(
            f"only one of {len(runs)} starts reached the best ELBO, and they end up to {apart:.3g} "
            "nats apart: there may be a better optimum; raise restarts"
        )
    return result


def elbo(
    model: DPMixture,
    x: ArrayLike,
    responsibilities: ArrayLike,
    sticks: ArrayLike,
    statistics: ArrayLike,
    *,
    weights: ArrayLike | None = None,
    alpha_prior: tuple[float, float] | None = None,
    alpha_posterior: tuple[float, float] | None = None,
) -> float:
    """Return the ELBO of any member of the variational family, constants included.

    Parameters
    ----------
    model : DPMixture
        Of a fit, ``q.model``, whose component may measure from elsewhere.
    x : array_like of shape (n,) or (n, d)
    responsibilities : array_like of shape (n, T)
        q(z_i = k); rows sum to 1.
    sticks : array_like of shape (T, 2)
        q(v_k) = Beta(a_k, b_k); T - 1 rows for the truncated model, where v_T = 1.
    statistics : array_like of shape (T, p)
        q(theta_k) is the conjugate posterior given row k.
    weights : array_like of shape (n,), optional
        Numbers >= 0, how often each row counts, as in :func:`fit`.
    alpha_prior : (float, float), optional
        Shape and rate of a Gamma prior for alpha; without it alpha is ``model.alpha``.
    alpha_posterior : (float, float), optional
        Shape and rate of q(alpha), asked for if alpha has a prior.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        If the shapes do not fit, responsibilities are no probabilities, a stick parameter is not
        > 0, a weight is negative or not finite, or only one of the laws of alpha is given.

    Notes
    -----
    Implements: DP-0182, DP-0245.

    Examples
    --------
    >>> import numpy as np
    >>> from dpnotes import datasets, meanfield
    >>> from dpnotes.components import Gaussian
    >>> from dpnotes.mixture import DPMixture
    >>> model = DPMixture(1.0, Gaussian(mean=0, var=1, noise_var=0.01))
    >>> x = datasets.neal()
    >>> q = meanfield.fit(model, x, truncation=6, rng=1)
    >>> value = meanfield.elbo(q.model, x, q.responsibilities(x), q.sticks, q.statistics)
    >>> bool(np.isclose(value, q.elbo[-1]))
    True
    """
    from scipy.special import xlogy

    check.model(model, _Family)
    features = model.component.features(_points(model.component, x, "x", 0))
    gamma = check.array("responsibilities", responsibilities, ndim=2)
    statistics, sticks = _parameters(model.component, statistics, sticks)
    n, T = len(features), len(statistics)
    times = check.weights("weights", weights, n)
    check.shape("responsibilities", gamma, (n, T))
    if gamma.min() < 0 or not np.allclose(gamma.sum(axis=1), 1):
        check.fail("responsibilities", responsibilities, "rows of probabilities that sum to 1")
    if (alpha_prior is None) != (alpha_posterior is None):
        missing, other = ("prior", "posterior") if alpha_prior is None else ("posterior", "prior")
        check.refuse(f"alpha_{missing}", "None", f"a law, as alpha_{other} is one")
    alpha: _Alpha = model.alpha
    law = None
    if alpha_prior is not None:
        alpha = prior = _Gamma(*check.gamma("alpha_prior", alpha_prior))
        law = _Gamma(*check.gamma("alpha_posterior", alpha_posterior))
        with np.errstate(all="ignore"):
            if not np.isfinite(law.divergence(prior)):
                check.fail("alpha_posterior", alpha_posterior, "a law not so far from alpha_prior")
    natural = model.component.expected_natural(statistics)
    with np.errstate(over="ignore", invalid="ignore"):
        logits = features @ natural.T + _expected_log_weights(sticks, T)
        divergence = _stick_divergence(sticks, alpha, law)
        divergence += _theta_divergence(model.component, statistics, natural)
        rows = gamma * logits - xlogy(gamma, gamma)
        if times is not None:
            rows *= times[:, None]
        value = float(rows.sum() - divergence)
    if not np.isfinite(value):
        check.fail("x", x, "log densities within range of floats; change the unit")
    return value


def _parameters(family: Any, statistics: Any, sticks: Any) -> tuple[Floats, Floats]:
    """Return the parameters of q(theta) and q(v), checked."""
    given, statistics = statistics, check.array("statistics", statistics, ndim=2)
    check.shape("statistics", statistics, ("T", family.n_features))
    if statistics[:, 0].min() < 0:
        check.fail("statistics", given, "rows with counts >= 0 first")
    try:
        family.log_marginal(statistics)
    except ValueError:
        check.fail("statistics", given, "sums of features of points that the family takes")
    T = len(statistics)
    sticks = check.real("sticks", sticks)
    if sticks.shape not in ((T, 2), (T - 1, 2)):
        check.refuse("sticks", f"array of shape {sticks.shape}", f"{T} or {T - 1} rows (a, b)")
    if not ((sticks > 0) & (sticks < np.inf)).all():
        check.fail("sticks", sticks, "numbers > 0")
    return statistics, sticks


# The updates and the divergences.


class _Gamma(NamedTuple):
    """A Gamma law of alpha."""

    shape: float
    rate: float

    def within_floats(self, n: float, T: int) -> bool:
        """Return whether what follows from this prior can be computed."""
        low, high = self._ends(n, T)
        return 1 / FAR <= min(low, *self) and max(high, *self) <= FAR

    def _ends(self, n: float, sticks: int) -> tuple[float, float]:
        """Return numbers between which the mean lies that :meth:`mean` finds."""
        low = self.shape / (self.rate + float(digamma_step(1.0, n)))
        return low, (self.shape + sticks) / self.rate

    def mean(self, beyond: Floats, n: float, last: Any) -> Any:
        """Return E alpha under the best q(alpha) and q(v) together, this law being the prior.

        It is the root of an increasing and concave function, so that Newton's steps rise to it.

        Parameters
        ----------
        beyond : ndarray of shape (..., m)
            N_{>k}, the expected number of points beyond each stick.
        n : float
        last : array_like of shape (...)
            Of these, those beyond the last stick.
        """
        from scipy.special import zeta  # zeta(2, z) is the derivative of psi(z)

        (a, b), (low, high) = self, self._ends(n, beyond.shape[-1])
        alpha = np.full(np.shape(last), low)
        for _ in range(NEWTON):
            step, over = digamma_step(1 + alpha + last, n - last), alpha[..., None] + beyond
            value = alpha * (b + step) - a - (beyond / over).sum(axis=-1)
            slope = step + alpha * (zeta(2, 1 + alpha + n) - zeta(2, 1 + alpha + last))
            slope = np.maximum(b, b + slope + (beyond / over / over).sum(axis=-1))
            before, alpha = alpha, np.clip(alpha - value / slope, low, high)
            if (np.abs(alpha - before) <= CLOSE * alpha).all():
                break
        return alpha

    def given(self, sticks: Floats) -> "_Gamma":
        """Return the best q(alpha) for given sticks, this law being the prior."""
        gone = -_expected_logs(sticks)[1].sum()
        return _Gamma(self.shape + len(sticks), self.rate + float(gone))

    def divergence(self, prior: "_Gamma") -> float:
        """Return KL(this law || the prior)."""
        from scipy.special import digamma

        (w1, w2), (a, b) = self, prior
        more = w1 - a
        ratio = log_rising(a, more) if more >= 0 else -log_rising(w1, -more)
        value = more * digamma(w1) - ratio + a * log_ratio(w2, b) - w1 * ((w2 - b) / w2)
        return float(value)


def _prior_within_floats(law: tuple[float, float], n: float, T: int) -> _Gamma:
    prior = _Gamma(*check.gamma("alpha_prior", law))
    if not prior.within_floats(n, T):
        check.fail("alpha_prior", law, "a Gamma law of numbers that are far within floats")
    return prior


_Alpha = float | _Gamma  # alpha is known, or has this prior


def _order(sizes: Floats, alpha: _Alpha, truncated: bool) -> Ints:
    """Return the order of the clusters along the sticks that maximises the ELBO."""
    order = np.argsort(-sizes, kind="stable")
    if not truncated:
        return order
    # The last stick of a truncated model takes what is left; try each cluster there.
    orders = [np.append(np.delete(order, j), order[j]) for j in range(len(order))]
    last = sizes[order]
    sums = np.array([np.cumsum(sizes[o][::-1])[::-1] for o in orders])
    more: Any = 0.0
    if isinstance(alpha, _Gamma):  # each order with the q(alpha) that is best for it
        (a, b), n, beyond = alpha, sums[0, 0], sums[:, 1:]
        alpha = alpha.mean(beyond, n, last)
        gone = digamma_step(1 + alpha + last, n - last)
        gone += (1 / (np.reshape(alpha, (-1, 1)) + beyond)).sum(axis=1)
        more = (a + len(order) - 1) * (gone / (b + gone) - log1p_ratio(gone, b))
        more -= log_rising(alpha, n)
    # Up to a constant, log Gamma(alpha + last) / Gamma(1 + last), less the logs of the others.
    scores = more + log_rising(alpha, last) - log_rising(1.0, last)
    scores -= np.log(np.reshape(alpha, (-1, 1)) + sums[:, :-1]).sum(axis=1)
    return orders[int(np.argmax(scores))]


def _optimal_sticks(sizes: Floats, alpha: _Alpha, truncated: bool) -> Floats:
    """Return rows (1 + N_k, alpha + sum_{j > k} N_j) for expected sizes N along the sticks.

    If alpha has a law, its mean under the best one stands there.
    """
    beyond = np.append(np.cumsum(sizes[:0:-1])[::-1], 0.0)
    m = len(sizes) - truncated
    if isinstance(alpha, _Gamma):
        alpha = float(alpha.mean(beyond[:m], sizes[0] + beyond[0], sizes[-1] * truncated))
    return np.column_stack([1 + sizes, alpha + beyond])[:m]


def _expected_logs(sticks: Floats) -> tuple[Floats, Floats]:
    """Return E log v_k and E log(1 - v_k)."""
    a, b = sticks.T
    return -digamma_step(a, b), -digamma_step(b, a)


def _expected_log_weights(sticks: Floats, T: int) -> Floats:
    """Return E log pi_k for k = 1, ..., T; v_T = 1 if there are only T - 1 sticks."""
    log_v, log_rest = _expected_logs(sticks)
    result = np.zeros(T)
    result[: len(log_v)] = log_v
    result[1:] += np.cumsum(log_rest[: T - 1])
    return result


def _of_alpha(
    alpha: _Alpha, sticks: Floats, law: _Gamma | None = None
) -> tuple[float, float, float]:
    """Return E alpha, E log alpha and KL(q(alpha) || prior), for a given q(alpha) or the best."""
    from scipy.special import digamma

    if not isinstance(alpha, _Gamma):
        return alpha, np.log(alpha), 0.0
    law = law or alpha.given(sticks)
    log_mean = float(digamma(law.shape) - np.log(law.rate))
    return law.shape / law.rate, log_mean, law.divergence(alpha)


def _stick_divergence(sticks: Floats, alpha: _Alpha, law: _Gamma | None = None) -> float:
    """Return sum_k E KL(q(v_k) || Beta(1, alpha)) + KL(q(alpha) || prior)."""
    (a, b), (log_v, log_rest) = sticks.T, _expected_logs(sticks)
    mean, log_mean, divergence = _of_alpha(alpha, sticks, law)
    log_ratio = (a - 1) * log_v + (b - mean) * log_rest
    return (log_ratio - log_beta(a, b) - log_mean).sum() + divergence


def _theta_divergence(component: Any, statistics: Floats, natural: Floats) -> float:
    """Return sum_k KL(q(theta_k) || H)."""
    if hasattr(component, "_check_rounding"):
        component._check_rounding(statistics)
    return (natural * statistics).sum() - component.log_marginal(statistics).sum()


def _globals(
    model: DPMixture,
    statistics: Floats,
    truncated: bool,
    prior: _Gamma | None = None,
    order: Ints | None = None,
) -> tuple[Floats, float]:
    """Return the optimal q(v), q(theta) as natural parameters with E log pi, and their KL.

    If alpha has a prior, with the optimal q(alpha) and its KL. The clusters lie on the sticks in
    the given order, or in the best.
    """
    alpha = prior or model.alpha
    if order is None:
        order = _order(statistics[:, 0], alpha, truncated)
    sticks = _optimal_sticks(statistics[order, 0], alpha, truncated)
    natural = model.component.expected_natural(statistics)
    divergence = _stick_divergence(sticks, alpha)
    divergence += _theta_divergence(model.component, statistics, natural)
    natural[order, 0] += _expected_log_weights(sticks, len(order))
    return natural, divergence


def _collapsed_bound(
    model: DPMixture, statistics: Floats, truncated: bool, prior: _Gamma | None = None
) -> float:
    """Return the ELBO with optimal q(v), q(theta) and q(alpha), less the entropy of q(z)."""
    sticks = _stick_score(prior or model.alpha, truncated, statistics[:, 0])
    return sticks + model.component.log_marginal(statistics).sum()


def _stick_score(alpha: _Alpha, truncated: bool, sizes: Floats) -> float:
    """Return the part of the sticks, and of alpha, in that, for expected sizes in any order."""
    sizes = sizes[_order(sizes, alpha, truncated)]
    sticks = _optimal_sticks(sizes, alpha, truncated)
    a, b = sticks.T
    _, log_mean, divergence = _of_alpha(alpha, sticks)
    return float((log_beta(a, b) + log_mean).sum() - divergence)


# The ascents.


@dataclass(frozen=True)
class _Run:
    statistics: Floats
    sticks: Floats
    elbo: list[float]
    converged: bool
    n: float


@dataclass
class _Ascent:
    """Ascents of one fit, which Ctrl+C ends: they count their passes and keep the last."""

    model: DPMixture
    T: int
    truncated: bool
    memoised: bool
    max_iter: int
    tick: Callable[[], Any]
    kept: _checkpoint.Checkpoint
    prior: _Gamma | None = None
    longer: bool = False
    passes: int = 0
    interrupted: bool = False

    @property
    def alpha(self) -> _Alpha:
        return self.prior or self.model.alpha

    def _globals(self, statistics: Floats) -> tuple[Floats, float]:
        return _globals(self.model, statistics, self.truncated, self.prior)

    def run(self, data: "_Data", start: Callable[[], Floats], tol: float) -> list[_Run]:
        """Ascend from the statistics that start returns; no run if no pass was completed."""
        ascend = self._memoised if self.memoised else self._plain
        try:
            statistics, before, trail = self.kept.take(self.max_iter) or (start(), [], [])
            return [ascend(data, statistics, tol, self.max_iter, before, trail)]
        except KeyboardInterrupt:
            self.interrupted = True
            return []
        except LostDigits:  # of clusters that another start may not make
            return []

    def spread(self, data: "_Data", run: _Run, tol: float) -> _Run:
        """Ascend on all the data from where a run on a sample ended."""
        statistics = run.statistics * (data.n / run.n)
        found = [] if self.interrupted else self.run(data, lambda: statistics, tol)
        # Interrupted before the first pass over all the data: one pass, for the ELBO.
        return found[0] if found else self._plain(data, statistics, 0.0, 1)

    def _plain(
        self,
        data: "_Data",
        statistics: Floats,
        tol: float,
        max_iter: int,
        before: Sequence[float] = (),
        trail: Sequence[Floats] = (),
        of_moves: bool = False,
    ) -> _Run:
        """Alternate q(v), q(theta) and q(z) over all points, from the given statistics.

        Of the passes before, which a checkpoint kept, the last is made again; the trail is that
        before it. A checkpoint keeps no ascents from moves.
        """
        elbo, trail = list(before[:-1]), list(trail)
        converged = False
        try:
            while not converged and len(elbo) < max_iter:
                natural, divergence = self._globals(statistics)
                if len(trail) == 2:
                    ahead = self._ahead(data, [*trail, natural], statistics, elbo[-1])
                    trail = []
                    if ahead is not None:
                        statistics = ahead
                        natural, divergence = self._globals(statistics)
                behind = trail
                if self.longer:
                    trail = [*trail, natural]
                new, log_norm = data.total(natural)
                bound = log_norm - divergence
                done, statistics = statistics, new
                elbo.append(bound)
                self._tick()
                if of_moves:
                    self.kept.count()
                elif not self.interrupted:
                    self.kept.after_pass(done, elbo, behind, before, data.n)
                converged = len(elbo) > 1 and bool(elbo[-1] - elbo[-2] <= tol * data.n)
        except KeyboardInterrupt:
            if not elbo:
                raise
            self.interrupted = True
        return self._finish(done, elbo, converged, data.n)

    def _ahead(
        self, data: "_Data", trail: list[Floats], statistics: Floats, bound: float
    ) -> Floats | None:
        """Return the statistics that a longer step leads to, None if it does not pay.

        The step is the squared extrapolation of three tables of natural parameters that followed
        one another: ``step``, ``bend`` and ``times`` are xi, chi and beta of the chapter. Any table
        gives responsibilities, and so an ELBO to judge it by. Lengths are measured in log
        likelihood, which no unit of the data changes.
        """
        first, second, third = trail
        step, bend = second - first, third - 2 * second + first
        sizes = [np.linalg.norm((s * statistics).sum(axis=1)) for s in (step, bend)]
        length, turn = map(float, sizes)
        if not turn > 0:
            return None
        times = min(max(length / turn, 1.0), LONGEST)
        natural = first + 2 * times * step + times**2 * bend
        try:
            new, log_norm = data.total(natural)
            value = _collapsed_bound(self.model, new, self.truncated, self.prior)
        except LostDigits:  # of clusters that no plain step makes
            return None
        finally:
            self._tick()
        labels = natural * new
        gain = value + log_norm - labels.sum() - bound
        return new if gain > ROUNDING * np.abs(labels).sum() else None

    def _memoised(
        self, data: "_Data", statistics: Floats, tol: float, max_iter: int, *_: Any
    ) -> _Run:
        """Update q(v) and q(theta) after the q(z) of each block, remembering the other blocks'."""
        model, truncated, prior = self.model, self.truncated, self.prior
        natural, divergence = self._globals(statistics)
        parts = [_split_entropy(natural, part) for part in data.visit(natural)]
        elbo = [sum(s[1] + (natural * s[0]).sum() for s in parts) - divergence]
        self._tick()
        converged = False
        try:
            for _ in range(max_iter - 1):
                before = elbo[-1]
                for b, block in enumerate(data.blocks):
                    natural, _ = self._globals(_sum(s for s, _ in parts))
                    parts[b] = _split_entropy(natural, _visit(model.component, natural, block))
                    total = _sum(s for s, _ in parts)
                    entropy = sum(h for _, h in parts)
                    bound = _collapsed_bound(model, total, truncated, prior)
                    elbo.append(bound + entropy)
                self._tick()
                converged = bool(elbo[-1] - before <= tol * data.n)
                if converged:
                    break
        except KeyboardInterrupt:
            self.interrupted = True
        # A last pass brings every q(z_i) up to date with the final q(v) and q(theta).
        total = _sum(s for s, _ in parts)
        natural, divergence = self._globals(total)
        elbo.append(data.total(natural)[1] - divergence)
        return self._finish(total, elbo, converged, data.n)

    def improve(self, data: "_Data", run: _Run, points: _search.Points, tol: float) -> _Run:
        """Go from optimum to optimum by moves; accept what raises the ELBO, until none does."""
        whole = data.rows <= SAMPLE
        share = 1.0 if whole else data.n / points.weights.sum()
        score = partial(_stick_score, self.alpha, self.truncated)
        try:
            if moved := self.kept.take_moved():
                run = _Run(*moved)
                natural, divergence = self._globals(run.statistics)
                self.kept.compare(data.total(natural)[1] - divergence, run.elbo[-1], data.n)
            while not self.interrupted:
                self.kept.between_rounds(run)
                natural, _ = self._globals(run.statistics)
                state = (whole, share, run.statistics, natural)
                found = _search.Moves(self.model.component, score, points, *state).best()
                goal = run.elbo[-1] + ROUNDING * abs(run.elbo[-1]) + tol * data.n
                tries = (self._tried(data, move.statistics, goal, tol) for move in found)
                better = next(filter(None, tries), None)
                if better is None:
                    break
                rest = [value for value in better.elbo if value > run.elbo[-1]]
                run = replace(better, elbo=run.elbo + rest)
        except KeyboardInterrupt:
            self.interrupted = True
        return run

    def _tried(self, data: "_Data", statistics: Floats, goal: float, tol: float) -> _Run | None:
        """Return the ascent from a move, None if it gives up or ends at most at the goal."""
        elbo: list[float] = []
        try:
            while not self.interrupted:
                passes = self.max_iter if elbo and elbo[-1] > goal else min(FEW, self.max_iter)
                run = self._plain(data, statistics, tol, passes, of_moves=True)
                elbo, statistics = elbo + run.elbo, run.statistics
                promised = elbo[-1] + PATIENCE * (elbo[-1] - elbo[max(len(elbo) - 2, 0)])
                if run.converged or passes == self.max_iter or promised <= goal:
                    break
        except KeyboardInterrupt:
            self.interrupted = True
        except LostDigits:
            return None
        return replace(run, elbo=elbo) if elbo and elbo[-1] > goal else None

    def _tick(self) -> None:
        self.passes += 1
        self.tick()

    def _finish(self, statistics: Floats, elbo: list[float], converged: bool, n: float) -> _Run:
        statistics = statistics[_order(statistics[:, 0], self.alpha, self.truncated)]
        sticks = _optimal_sticks(statistics[:, 0], self.alpha, self.truncated)
        return _Run(statistics, sticks, elbo, converged, n)


def _sum(tables: Iterable[Floats]) -> Floats:
    return reduce(operator.add, tables)


def _split_entropy(natural: Floats, part: tuple[Floats, float]) -> tuple[Floats, float]:
    """Return a block's statistics and the entropy of its q(z) from its log-normalisers."""
    statistics, log_norm = part
    return statistics, log_norm - (natural * statistics).sum()


# Data in blocks.


@dataclass(frozen=True)
class _Kept:
    """A block whose features stay in memory."""

    columns: Floats


@dataclass(frozen=True)
class _Weighted:
    """A block and the weights of its rows."""

    block: Any
    weights: Floats


@dataclass(frozen=True)
class _Weighing:
    """Blocks, in memory or not, with the weights of their rows."""

    blocks: Iterable[Any]
    weights: list[Floats]

    def __iter__(self) -> Iterator[_Weighted]:
        for block, weights in itertools.zip_longest(self.blocks, self.weights):
            if block is None or weights is None:
                _changed("another number", sum(map(len, self.weights)))
            yield _Weighted(block, weights)


def _parts(block: Any) -> tuple[Any, Floats | None]:
    """Return a block without weights, and these."""
    return (block.block, block.weights) if isinstance(block, _Weighted) else (block, None)


class _Data:
    """Points in blocks: each an array, a function that returns one, or kept features.

    n is their number or the sum of their weights, which the blocks have, too.
    """

    def __init__(
        self,
        component: Any,
        blocks: Iterable[Any],
        sizes: list[int],
        map: Map,
        weights: Floats | None = None,
    ) -> None:
        self.component, self.blocks, self.sizes, self.map = component, blocks, sizes, map
        self.rows, self.weights = sum(sizes), weights
        self.n = float(self.rows if weights is None else weights.sum())

    def visit(self, natural: Floats) -> Iterator[tuple[Floats, float]]:
        """Yield (statistics, log-normaliser) of each block under the optimal q(z)."""
        n = 0.0
        for statistics, log_norm in self.map(partial(_visit, self.component, natural), self.blocks):
            n += statistics[:, 0].sum()
            yield statistics, log_norm
        self._check_rows(n)

    def total(self, natural: Floats) -> tuple[Floats, float]:
        if isinstance(self.map, _dask.Spread):
            visit = partial(_visit, self.component, natural)
            statistics, log_norm = self.map.total(visit, self.blocks)
            self._check_rows(statistics[:, 0].sum())
            return statistics, log_norm
        statistics, log_norm = np.zeros(natural.shape), 0.0
        for s, log in self.visit(natural):
            statistics += s
            log_norm += log
        return statistics, log_norm

    def _check_rows(self, n: float) -> None:
        # An iterable may end early when it is read again; the fit would be to other data.
        if self.weights is None and abs(n - self.n) > 0.5:
            _changed(f"{n:.0f}", self.rows)

    def count(self, labels: Ints, T: int) -> Floats:
        """Return the statistics of T clusters under given labels of all points."""
        pieces = np.split(labels, np.cumsum(self.sizes)[:-1])
        visit, pairs = partial(_count, self.component, T), zip(self.blocks, pieces)
        if isinstance(self.map, _dask.Spread):
            return self.map.total(visit, pairs)
        return _sum(self.map(visit, pairs))

    def take(self, index: Ints) -> Floats:
        """Return the features, as columns, of the points with the given increasing indices."""
        ends = np.cumsum(self.sizes)
        pieces = np.split(index, np.searchsorted(index, ends[:-1]))
        pieces = [piece - start for piece, start in zip(pieces, ends - self.sizes)]
        return np.hstack(list(self.map(partial(_take, self.component), zip(self.blocks, pieces))))


def _changed(points: object, before: int) -> NoReturn:
    check.refuse("x", f"blocks of {points} points", f"{before} points, as when first read")


def _rows(component: Any, x: Any, name: str = "x") -> Any:
    """Return x as an array of the family's width, whose numbers are checked where they are read."""
    if _dask.is_collection(x):
        check.refuse(name, "a collection of Dask", "rows in memory; hand over its compute()")
    if not (isinstance(x, np.ndarray) and x.ndim in (1, 2) and x.size):
        x = check.data(name, x, gaps=check.gaps(component))
    check.shape(name, x, ("n", component.dim), *([("n",)] if component.dim == 1 else []))
    return x


def _points(component: Any, x: Any, name: str, first: int, squares: bool = True) -> Floats:
    """Return points, after checking that they are fit for use; the first has that row in x.

    Their squares must be floats if they are to be added.
    """
    x = check.data(name, x, first, check.gaps(component))
    if x.shape[1] != component.dim:
        check.shape(name, x, ("n", component.dim))
    if hasattr(component, "_check_cells"):
        component._check_cells(name, x, first)
    if squares and not np.einsum("ij,ij", x, x) < LARGEST:
        values = np.nan_to_num(x) if check.gaps(component) else x
        if np.einsum("ij,ij", values, values) < LARGEST:
            return x
        row, column = divmod(int(np.abs(values).argmax()), x.shape[1])
        expected = f"squares of the points whose sum is below {LARGEST:g}"
        check.fail(f"{name}[{first + row}, {column}]", x[row, column], expected)
    return x


def _load(block: Any) -> Any:
    return block() if callable(block) else block


def _size(component: Any, named: tuple[str, int, Any]) -> tuple[int, Floats]:
    """Return the number of points of a block, checked for use.

    And the least and the largest number of each column, NaN if it is missing throughout.
    """
    name, first, block = named
    x = _points(component, _load(block), name, first)
    return len(x), np.array([np.fmin.reduce(x), np.fmax.reduce(x)])


def _again(component: Any, block: Any) -> Floats:
    """Return the points of a block, which were checked when it was first read."""
    block, weights = _parts(block)
    x = check.data("x", _load(block), gaps=check.gaps(component))
    if weights is not None and len(x) != len(weights):
        check.refuse("x", f"a block of {len(x)} points", f"{len(weights)}, as when first read")
    return x


def _sums(component: Any, block: Any) -> tuple[Floats, Floats]:
    """Return the number of values in each column of a block, or their weight, and their sum."""
    x, weights = _again(component, block), _parts(block)[1]
    if weights is None:
        return (~np.isnan(x)).sum(axis=0).astype(float), np.nansum(x, axis=0)
    return weights @ ~np.isnan(x), weights @ np.nan_to_num(x)


def _places(component: Any, block: Any) -> Floats:
    """Return the places of a block from which its points are measured."""
    return places(component, _again(component, block))


def _columns(component: Any, block: Any) -> Iterator[tuple[Floats, Floats | None]]:
    """Yield the features of a block as columns, and the weights, a piece at a time.

    The columns hold until the next piece is asked for.
    """
    inner, weights = _parts(block)
    if isinstance(inner, _Kept):
        yield inner.columns, weights
        return
    x = _again(component, block)
    step = max(1, min(CHUNK, NUMBERS // component.n_features))
    room = np.empty((component.n_features, min(step, len(x))))
    for start in range(0, len(x), step):
        rows = slice(start, start + step)
        columns = _local.features(component, x[rows], room)
        yield columns, None if weights is None else weights[rows]


def _visit(component: Any, natural: Floats, block: Any) -> tuple[Floats, float]:
    q = component.n_features - component.common
    statistics, log_norm = np.zeros(natural.shape), 0.0
    with one_thread():  # in another process too
        for columns, weights in _columns(component, block):
            s, log = _local.expected_statistics(natural[:, :q], columns, weights)
            statistics += s
            log_norm += log
    # The features left out of the local step weigh the same for every cluster.
    return statistics, log_norm + statistics[:, q:].sum(axis=0) @ natural[0, q:]


def _count(component: Any, T: int, block_and_labels: tuple[Any, Ints]) -> Floats:
    block, labels = block_and_labels
    statistics, end = np.zeros((T, component.n_features)), 0
    with one_thread():
        for columns, weights in _columns(component, block):
            part = labels[end : end + columns.shape[1]]
            end += columns.shape[1]
            if end > len(labels):
                _changed(end, len(labels))
            own = (part == np.arange(T)[:, None]).astype(float)
            statistics += (own if weights is None else own * weights) @ columns.T
    return statistics


def _take(component: Any, block_and_index: tuple[Any, Ints]) -> Floats:
    block, index = block_and_index
    if isinstance(inner := _parts(block)[0], _Kept):
        return inner.columns[:, index]
    if not len(index):
        return np.zeros((component.n_features, 0))
    x = _again(component, block)
    if index[-1] >= len(x):
        check.refuse("x", f"a block of {len(x)} points", "as many as when first read")
    return _local.features(component, x[index])


def _read(component: Any, x: Any, map: Map, weights: Any = None) -> _Data:
    """Check the data and return them in blocks, as features if these are few enough to keep."""
    blocks: Iterable[Any]
    if isinstance(map, _dask.Spread):
        blocks, found = map.first_look(
            partial(_size, component), *_dask.blocks("x", x, component.dim)
        )
    else:
        blocks, names = _blocks(component, x)
        named = ((name, first, block) for (name, first), block in zip(names, blocks))
        found = map(partial(_size, component), named)
    found = list(found) if isinstance(found, Iterable) else [None]
    if not all(isinstance(block, tuple) for block in found):
        check.fail("map", map, "a function like the built-in map, which yields results")
    if not found:
        check.fail("x", x, "at least one block with rows")
    sizes, each = [size for size, _ in found], np.array([ends for _, ends in found])
    ends = np.array([np.fmin.reduce(each[:, 0]), np.fmax.reduce(each[:, 1])])
    check.values_in_columns("x", np.isnan(ends[0]))
    times = check.weights("weights", weights, sum(sizes))
    each = None if times is None else np.split(times, np.cumsum(sizes)[:-1])
    with np.errstate(over="ignore"):
        if times is not None and not times.sum() * (ends**2).max(axis=0).sum() < LARGEST:
            expected = f"weights times squares of the points whose sum is below {LARGEST:g}"
            check.fail("weights", weights, expected)
    if is_wide(component, ends):
        weighed = blocks if each is None else _Weighing(blocks, each)
        component = _measured(component, weighed, map, ends)
    if map is builtins.map and sum(sizes) * component.n_features <= KEEP:
        blocks = [_Kept(_local.features(component, _again(component, block))) for block in blocks]
    weighed = blocks if each is None else _Weighing(blocks, each)
    return _Data(component, weighed, sizes, map, times)


def _measured(component: Any, blocks: Iterable[Any], map: Map, ends: Floats) -> Any:
    """Return the family measured from where the points lie, far from its origin."""
    counts, totals = zip(*map(partial(_sums, component), blocks))
    component = component._about(_sum(totals) / _sum(counts))
    if is_gaussian(component) and is_wide(component, ends):
        far = np.concatenate(list(map(partial(_places, component), blocks)))
        return Islands(component, places(component, far))
    return component


def _blocks(component: Any, x: Any) -> tuple[Iterable[Any], Iterable[tuple[str, int]]]:
    """Return x as an iterable of blocks, and the name and the first row of each."""
    listed = isinstance(x, (list, tuple))
    given = listed and any(isinstance(block, np.ndarray) or callable(block) for block in x)
    if given or not (listed or hasattr(x, "__array__") or np.isscalar(x)):
        if not hasattr(x, "__iter__") or iter(x) is x:
            check.fail("x", x, "an array, or blocks that can be read more than once")
        return x, ((f"x[{b}]", 0) for b in itertools.count())
    x = _rows(component, x)
    starts = range(0, len(x), CHUNK)
    return [x[start : start + CHUNK] for start in starts], [("x", start) for start in starts]


# Starts.


def _sample(data: _Data, rng: np.random.Generator) -> tuple[Floats, _Data]:
    """Return the features of at most SAMPLE points as rows, and the data the restarts use."""
    if data.rows <= SAMPLE:
        return data.take(np.arange(data.rows)).T, data
    if data.weights is None:
        weights, index = None, np.sort(rng.choice(data.rows, SAMPLE, replace=False, shuffle=False))
    else:
        index, weights = _spaced(data.weights, rng)
    columns = data.take(index)
    kept: Iterable[Any] = [_Kept(columns)]
    if weights is not None:
        kept = _Weighing(kept, [weights])
    return columns.T, _Data(data.component, kept, [len(index)], builtins.map, weights)


def _spaced(weights: Floats, rng: np.random.Generator) -> tuple[Ints, Floats]:
    """Return rows at SAMPLE places equally spaced along the weights, and how often they count."""
    ends = np.cumsum(weights)
    at = (np.arange(SAMPLE) + rng.random()) * (ends[-1] / SAMPLE)
    place = np.minimum(np.searchsorted(ends, at, side="right"), np.flatnonzero(weights)[-1])
    index, times = np.unique(place, return_counts=True)
    return index, times * min(1.0, ends[-1] / SAMPLE)


def _start(
    model: DPMixture, features: Floats, data: _Data, T: int, i: int, rng: np.random.Generator
) -> Floats:
    """Return the statistics from which restart i sets out: two kinds of start take turns."""
    weights = data.weights
    if i % 2 == 0:
        if weights is None:
            rows = rng.permutation(features)[:SEATED]
        else:
            size = min(SEATED, max(len(features), int(data.n)))
            rows = features[rng.choice(len(features), size, p=weights / weights.sum())]
        return _seat(model, rows, T, rng)
    seeds = _spread_out(model.component, features, weights, T, rng)
    statistics, _ = data.total(seeds)
    return np.vstack([statistics, np.zeros((T - len(seeds), statistics.shape[1]))])


def _warm(q: MeanField, component: Any, T: int) -> Floats:
    """Return the statistics of a result, clusters without points added up to T."""
    if q.model.component is not component:
        check.fail("init", q, "a result whose model.component is that of model: give init.model")
    clusters, p = q.statistics.shape
    if clusters > T:
        check.fail("init", q, f"a result of at most truncation = {T} clusters")
    return np.vstack([q.statistics, np.zeros((T - clusters, p))])


def _seat(model: DPMixture, features: Floats, T: int, rng: np.random.Generator) -> Floats:
    """Seat points in this order by the collapsed predictive rule, at most T tables."""
    log_marginal = model.component.log_marginal
    statistics, tables = np.zeros((T, features.shape[1])), 0
    fits = log_marginal(statistics)
    for f in features:
        open_ = statistics[: min(tables + 1, T)]
        seats = np.where(np.arange(len(open_)) < tables, open_[:, 0], model.alpha)
        seated = log_marginal(open_ + f)
        logits = np.log(seats) + seated - fits[: len(open_)]
        k = int(_local.draw(logits[:, None], rng.random(1))[0])
        statistics[k] += f
        fits[k] = seated[k]
        tables = max(tables, k + 1)
    return statistics


def _spread_out(
    component: Any, features: Floats, weights: Floats | None, T: int, rng: np.random.Generator
) -> Floats:
    """Return natural parameters of at most T clusters of one point each, far from one another.

    As k-means++ does, with the expected log likelihood a point loses in place of the squared
    distance.
    """
    own = (component.expected_natural(features) * features).sum(axis=1)
    best = np.full(len(features), -np.inf)
    seeds: list[Floats] = []
    weights = np.ones(len(features)) if weights is None else weights
    loss = weights
    while len(seeds) < T and loss.sum() > 0:
        i = rng.choice(len(features), p=loss / loss.sum())
        seeds.append(component.expected_natural(features[[i]])[0])
        best = np.maximum(best, features @ seeds[-1])
        loss = weights * np.maximum(own - best, 0)
    return np.array(seeds)
