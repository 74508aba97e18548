"""The record of a sampler, and the one loop that makes it.

A *kernel* knows a model and its data, starts from a partition and makes sweeps:

======================  ======================================================
``model``, ``x``        the mixture model and the data, shape (n, d)
``start(labels, rng)``  -> State; a label is -1 where a point has no seat yet
``sweep(state, rng)``   -> State; leaves the posterior given x invariant
======================  ======================================================

Whatever does not change between sweeps is made once, in the kernel; whatever does is in the
:class:`State`, so that a run can be resumed. The kernels of dpnotes also hold the work space of
their sweep: threads that run at once need a kernel each. A *move* has a ``sweep`` alone. Kernels
and moves compose: :func:`cycle` makes them one after another in every sweep, :func:`turns` one a
sweep. :func:`run` makes the sweeps and returns a :class:`Chain`; :func:`run_many` makes those of
several chains side by side.
"""

import builtins
import copy
import dataclasses
import math
import os
import signal
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from numbers import Real
from typing import Any, NamedTuple, Protocol, runtime_checkable

import numpy as np
from numpy.typing import ArrayLike

from . import __version__, _record, _sweeps, sticks
from . import _validate as check
from ._deprecated import keyword_only, warn
from ._numbers import log_rising
from ._progress import bar
from ._threads import one_thread
from ._types import RNGLike
from .components import Conditional, Marginal, Predictive, prior_draws
from .components.gaussian import sums_of

BLOCK = 500_000  # labels summarised at once
EVERY = 20  # sweeps between two looks at a run
MOST_LABELS = 2**31  # of one chain: 8.6 GB
HOLD = 0.25  # seconds that several chains run before they are looked at together
MOST_JOBS = 1024
SMALL = 500  # numbers in a table whose sweeps are over too soon for threads to be worth it
SWITCH = 1e-4  # seconds that a thread may keep Python's lock while another waits for it
NOTHING: Mapping[str, np.ndarray] = {}
Map = Callable[..., Iterable[Any]]


class State(NamedTuple):
    """Where a sampler stands: all that the next sweep needs, save the random numbers.

    Attributes
    ----------
    labels : ndarray of int, shape (n,)
        The partition, as labels 0 to K - 1 by order of appearance; -1 for a point without a seat.
    alpha : float
        The concentration.
    theta : ndarray of shape (K, q), or None
        The clusters' parameters; None where they are integrated out.
    columns : mapping of str to ndarray
        What else a kernel remembers from sweep to sweep.
    """

    labels: np.ndarray
    alpha: float
    theta: np.ndarray | None = None
    columns: Mapping[str, Any] = NOTHING


@runtime_checkable
class Move(Protocol):
    """What a sweep can be made of."""

    def sweep(self, state: State, rng: np.random.Generator) -> State:
        """Return the state after one sweep."""
        ...


@runtime_checkable
class Lone(Move, Protocol):
    """A move that says whether none may follow it: its draws hold for the state as it left it."""

    alone: bool


@runtime_checkable
class Starting(Move, Protocol):
    """A move that remembers something from sweep to sweep, and says where that begins."""

    def start(self, labels: np.ndarray, rng: np.random.Generator) -> State:
        """Return a state with these labels, -1 for a point without a seat."""
        ...


@runtime_checkable
class Kernel(Starting, Protocol):
    """A sampler of the posterior of one model given one data set."""

    model: Any
    x: np.ndarray


@runtime_checkable
class Nogil(Protocol):
    """A kernel that says whether its sweep is compiled, and lets other threads run meanwhile."""

    nogil: bool


def _kernel(value: Any) -> Any:
    """Return a kernel; what lacks a part of one is refused."""
    if isinstance(value, type) or not isinstance(value, Kernel):
        check.fail("kernel", value, "an object with model, x, start and sweep")
    if not (isinstance(value.x, np.ndarray) and value.x.ndim == 2 and len(value.x)):
        check.refuse("kernel.x", f"{type(value.x).__name__}", "an array of shape (n, d)")
    return value


class _Composed:
    turns = 0  # how many of its parts take turns

    def __init__(self, kernel: Kernel, *moves: Move):
        _kernel(kernel)
        for i, move in enumerate(moves):
            if isinstance(move, type) or not isinstance(move, Move):
                check.fail(f"moves[{i}]", move, "a kernel, or an object with a sweep")
        self.model, self.x, self.kernel = kernel.model, kernel.x, kernel
        self.nogil = isinstance(kernel, Nogil) and kernel.nogil
        self.moves = kernel, *moves
        for i, move in enumerate(self.moves):
            # Its sticks are those of the labels and of alpha as it left them.
            if isinstance(move, Lone) and move.alone:
                check.refuse(f"moves[{i}]", type(move).__name__, "a move that others may follow")
        composed = [move for move in self.moves if isinstance(move, _Composed)]
        self.turns = type(self).turns + sum(move.turns for move in composed)
        if self.turns > 1:
            check.refuse("moves", f"{self.turns} turns within one sweep", "one, with all that turn")

    def start(self, labels, rng):
        state = self.kernel.start(labels, rng)
        for move in self.moves[1:]:
            if isinstance(move, Starting):  # what it remembers, where the first does not say
                state = state._replace(columns={**move.start(labels, rng).columns, **state.columns})
        return state

    def sweep(self, state, rng):
        for move in self.moves:
            state = move.sweep(state, rng)
        return state


class _Turns(_Composed):
    turns = 1

    def start(self, labels, rng):
        state = super().start(labels, rng)
        return state._replace(columns={**state.columns, "turn": 0})

    def sweep(self, state, rng):
        turn = int(state.columns["turn"])
        state = self.moves[turn].sweep(state, rng)
        columns = {**state.columns, "turn": (turn + 1) % len(self.moves)}
        return state._replace(columns=columns)


def cycle(kernel: Kernel, *moves: Move) -> Kernel:
    """Return the kernel whose sweep makes those of all given, one after another.

    Parameters
    ----------
    kernel : Kernel
        The first; it starts the chain.
    *moves : Move
        The others: kernels, or objects with a ``sweep`` alone.

    Returns
    -------
    Kernel
        It leaves invariant what each of them does.

    Raises
    ------
    ValueError
        If two of them take turns, or one is a :class:`dpnotes.gibbs.Blocked`, whose sticks would
        no longer be those of the partition.

    Examples
    --------
    >>> from dpnotes import chains, datasets, gibbs
    >>> from dpnotes.components import Gaussian
    >>> from dpnotes.mixture import DPMixture
    >>> model = DPMixture(1.0, Gaussian(mean=0, var=1, noise_var=0.01))
    >>> seat = gibbs.Collapsed(model, datasets.neal())
    >>> chain = chains.run(chains.cycle(seat, gibbs.Alpha((1, 1))), 100, rng=1)
    >>> len(set(chain.alpha))
    100
    """
    return _Composed(kernel, *moves)


def turns(kernel: Kernel, *moves: Move) -> Kernel:
    """Return the kernel whose sweeps are made by those given in turn, the first one first.

    Parameters
    ----------
    kernel : Kernel
        The first; it starts the chain.
    *moves : Move
        The others.

    Returns
    -------
    Kernel
        It leaves invariant what each of them does.

    Raises
    ------
    ValueError
        If one of them takes turns already, or is a :class:`dpnotes.gibbs.Blocked`.

    Examples
    --------
    >>> from dpnotes import chains, datasets, gibbs
    >>> from dpnotes.components import Gaussian
    >>> from dpnotes.mixture import DPMixture
    >>> model = DPMixture(1.0, Gaussian(mean=0, var=1, noise_var=0.01))
    >>> seat = gibbs.Collapsed(model, datasets.neal())
    >>> chain = chains.run(chains.turns(seat, gibbs.Alpha((1, 1))), 100, rng=1)
    >>> len(set(chain.alpha))  # every second sweep moves alpha
    51
    """
    return _Turns(kernel, *moves)


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class Chain:
    """The draws of a sampler, one after each sweep, and how they were made.

    ``chain[500::5]`` is a part of it, ``chain[-1]`` its last draw; a sampler takes it as ``start``
    to go on from that draw.

    Attributes
    ----------
    model : DPMixture
    x : ndarray of shape (n, d)
        A copy of the data, read-only.
    labels : ndarray of int32, shape (draws, n)
        The partitions, as labels 0 to K - 1 in order of appearance.
    alpha : ndarray of shape (draws,)
        The concentration; constant unless it was sampled.
    theta : list of ndarray of shape (K, q), or None
        The clusters' parameters, in the order of the labels; None from a sampler without them, and
        where a sampler drew them in some sweeps only, for the draws of the others.
    columns : dict of str to list
        What else a kernel remembers, one entry a draw: ``mean``, ``strength`` and ``scale`` of a
        learned base measure, the ``sticks`` of the clusters in blocked Gibbs, the ``cells`` that
        were missing and are drawn.
    sampler : str
        The call that made it.
    seed : int or None
        The seed, if one was given.
    version : str
        Of dpnotes.
    generator : dict or None
        The state of the random generator after the last draw; None for a part without it.

    Examples
    --------
    >>> from dpnotes import datasets, gibbs
    >>> from dpnotes.components import Gaussian
    >>> from dpnotes.mixture import DPMixture
    >>> model = DPMixture(1.0, Gaussian(mean=0, var=1, noise_var=0.01))
    >>> first = gibbs.collapsed(model, datasets.neal(), 50, rng=1)
    >>> second = gibbs.collapsed(model, datasets.neal(), 100, start=first)  # goes on
    >>> len(second), len(second[50:]), second.labels.shape
    (100, 50, (100, 9))
    """

    model: Any
    x: np.ndarray
    labels: np.ndarray
    alpha: np.ndarray
    theta: list[Any] | None = None
    columns: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    sampler: str = ""
    seed: int | None = None
    version: str = ""
    generator: Mapping[str, Any] | None = None

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, part: slice | int) -> "Chain":
        if not isinstance(part, slice):
            t = range(len(self))[part]  # IndexError and TypeError as for a list
            part = slice(t, t + 1)
        kept = range(len(self))[part]
        last = len(kept) > 0 and kept[-1] == len(self) - 1
        return dataclasses.replace(
            self,
            labels=self.labels[part],
            alpha=self.alpha[part],
            theta=None if self.theta is None else _some(self.theta[part]),
            columns={name: column[part] for name, column in self.columns.items()},
            generator=self.generator if last else None,
        )

    def __repr__(self) -> str:
        draws, n = self.labels.shape
        return f"Chain({draws} draws, {n} points, {type(self.model.component).__name__})"

    @cached_property
    def num_clusters(self) -> np.ndarray:
        """Number of clusters in each draw: shape (draws,)."""
        return self.labels.max(axis=1) + 1

    @cached_property
    def mean(self) -> np.ndarray:
        """Mean of a learned base measure in each draw: shape (draws, d)."""
        return self._column("mean")

    @cached_property
    def strength(self) -> np.ndarray:
        """Strength of a learned base measure in each draw: shape (draws,)."""
        return self._column("strength")

    @cached_property
    def scale(self) -> np.ndarray:
        """Scale matrix of a learned base measure in each draw: shape (draws, d, d)."""
        return self._column("scale")

    def _column(self, name):
        if name not in self.columns:
            raise AttributeError(f"this chain has no {name}: its base measure was not learned")
        return np.array(self.columns[name])

    @cached_property
    def log_joint(self) -> np.ndarray:
        """log P(partition | alpha) + log p(x | partition) in each draw: shape (draws,).

        For a family without a marginal likelihood, log p(theta, x | partition) takes the place
        of log p(x | partition). A learned base measure is that of the draw.
        """
        from scipy.special import gammaln

        n = self.labels.shape[1]
        value = self.num_clusters * np.log(self.alpha) - log_rising(self.alpha, n)
        for part, family, flat in self._blocks():
            sizes, start = _sizes(flat), flat[:, 0]
            value[part] += np.add.reduceat(gammaln(sizes), start)
            if isinstance(family, Marginal):
                family, s = self._statistics(family, flat, part)
                fit = family.log_marginal(s)
                value[part] += np.add.reduceat(fit, start)
            else:
                theta = self._parameters()[part]
                prior = family.log_prior(np.concatenate(theta))
                value[part] += np.add.reduceat(prior, start)
                value[part] += [
                    family.log_likelihood(self.x, t)[np.arange(n), labels].sum()
                    for labels, t in zip(self.labels[part], theta, strict=True)
                ]
        return value

    def _blocks(self, width: int = 0) -> Iterator[tuple[slice, Any, np.ndarray]]:
        """Yield slices of the draws, their family, and their labels numbered on from draw to draw.

        There are so few draws in a slice that a table of this width for their clusters is small.
        """
        learned = "mean" in self.columns
        alone = (
            learned or "cells" in self.columns
        )  # each draw has a base measure or data of its own
        each = max(self.labels.shape[1], width * int(self.num_clusters.max()))
        draws = 1 if alone else max(1, BLOCK // each)
        for first in range(0, len(self), draws):
            part = slice(first, first + draws)
            family = self._family(first) if learned else self.model.component
            start = np.cumsum(self.num_clusters[part]) - self.num_clusters[part]
            yield part, family, (self.labels[part] + start[:, None]).astype(np.intp)

    def _rows(self, x: ArrayLike) -> np.ndarray:
        """Return new rows, shape (m, d)."""
        gaps = check.gaps(self.model.component) or "cells" in self.columns
        return check.points("x", x, math.prod(self.x.shape[1:]), gaps)

    def _patterns(self, x: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Yield which columns some new rows have, and which rows; families read gaps themselves."""
        if "cells" not in self.columns:
            yield np.ones(x.shape[1], bool), np.ones(len(x), bool)
            return
        seen = ~np.isnan(x)
        patterns, which = np.unique(seen, axis=0, return_inverse=True)
        for k, pattern in enumerate(patterns):
            if pattern.any():  # a row of gaps alone has density 1
                yield pattern, which.ravel() == k

    def _has_theta(self) -> bool:
        return self.theta is not None and all(t is not None for t in self.theta)

    def _parameters(self) -> list[Any]:
        if self.theta is None or not self._has_theta():
            check.fail("theta", None, "a chain with parameters; see draw_theta")
        return self.theta

    def _family(self, t):
        """Return the family of draw t, whose base measure may be learned."""
        if "mean" not in self.columns:
            return self.model.component
        return self.model.component.rebased(self.mean[t], self.strength[t], self.scale[t])

    def _margin(self, family: Any, seen: np.ndarray) -> Any:
        """Return the family of the columns that a new row has."""
        return family if seen.all() else family._margin(seen)

    def _statistics(self, family, flat, part, seen=slice(None)):
        """Return the statistics of all clusters of some draws, and the family that reads them.

        Of some columns, where the family is of these.
        """
        points, x = np.tile(np.arange(flat.shape[1]), len(flat)), self.x
        if "cells" in self.columns:
            x = x.copy()
            x[np.isnan(x)] = self.columns["cells"][part.start]
            x = x[:, seen]
        return sums_of(family, x, flat.ravel(), int(flat.max()) + 1, points)

    def values(self, i: int) -> np.ndarray:
        """Return the parameter of point i in each draw: shape (draws, q)."""
        n = self.labels.shape[1]
        i = check.integer("i", i, minimum=-n, maximum=n - 1)
        theta = self._parameters()
        return np.array([t[k] for t, k in zip(theta, self.labels[:, i], strict=True)])

    @keyword_only("rng")
    def draw_theta(self, *, rng: RNGLike = None) -> "Chain":
        """Return the chain with theta drawn from its posterior given each partition."""
        check.model(self.model, Conditional)
        rng, theta = check.rng("rng", rng), []
        for part, family, flat in self._blocks():
            family, s = self._statistics(family, flat, part)
            draw = family.sample(s, rng)
            theta += np.split(draw, flat[1:, 0])
        return dataclasses.replace(self, theta=theta)

    @keyword_only("rng")
    def predictive_draws(self, x: ArrayLike, *, rng: RNGLike = None) -> np.ndarray:
        """Return log p(x_{n+1} = x | draw) for each draw and each row of x.

        Given a draw, the next point sits at table k with probability n_k / (alpha + n) and at a
        new one otherwise. A conjugate family integrates theta out. For any other, theta is the
        draw's own, and the new table's comes from H, one value a draw.

        Parameters
        ----------
        x : array_like of shape (m,) or (m, d)
        rng : seed or numpy.random.Generator, optional
            Used only for a family that is not conjugate.

        Returns
        -------
        ndarray of shape (draws, m)

        Raises
        ------
        ValueError
            If x has the wrong shape or is not finite.
        """
        rng, x = check.rng("rng", rng), self._rows(x)
        check.room("x", x, len(self) * len(x))
        result = np.empty((len(self), len(x)))
        for part, flat, old, new in self._next(x, rng):
            joint = np.logaddexp.reduceat(old + np.log(_sizes(flat)), flat[:, 0], axis=1)
            result[part] = np.logaddexp(joint, new).T
        return result

    def _next(
        self, x: np.ndarray, rng: np.random.Generator, beside_new: bool = False
    ) -> Iterator[tuple[slice, np.ndarray, np.ndarray, np.ndarray]]:
        """Yield slices of the draws, their labels, and log densities of a next point at each x.

        With each of the points of a cluster, shape (m, clusters), and in a new one, (m, draws).
        Where cells may be missing, old clusters without values in the columns of a row tie with a
        new one, also where the densities are no floats or swallow alpha: beside_new leaves out
        that of a row in a new cluster, which all draws share.
        """
        n = self.labels.shape[1]
        for part, family, flat in self._blocks(len(x)):
            if isinstance(family, Predictive):
                old, new = np.zeros((len(x), int(flat.max()) + 1)), np.zeros((len(x), 1))
                for seen, rows in self._patterns(x):
                    own: Any = self._margin(family, seen)
                    here = x[rows][:, seen]
                    measured, s = self._statistics(own, flat, part, seen)
                    if beside_new and hasattr(family, "_beside_new"):
                        old[rows] = family._beside_new(here, s, measured)
                    else:
                        old[rows] = measured.log_predictive(here, s)
                        new[rows] = own.log_predictive(here, np.zeros((1, own.n_features)))
            else:
                old = family.log_likelihood(x, np.concatenate(self._parameters()[part]))
                new = family.log_likelihood(x, prior_draws(family, len(flat), rng=rng))
            alpha = self.alpha[part]
            rest = np.log(alpha + n)
            old = old - np.repeat(rest, self.num_clusters[part])
            yield part, flat, old, new + np.log(alpha) - rest

    @keyword_only("rng")
    def predict_similarity(
        self, x: ArrayLike, *, rng: RNGLike = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return how probable it is that a new row shares a cluster with each old one.

        Each new row on its own, given the old ones and itself: a draw counts in proportion to the
        density that it gives the new row.

        Parameters
        ----------
        x : array_like of shape (m,) or (m, d)
            New rows.
        rng : seed or numpy.random.Generator, optional
            Used only for a family that is not conjugate.

        Returns
        -------
        similarity : ndarray of shape (m, n)
            P(new row i and old row j share a cluster | old rows, new row i).
        alone : ndarray of shape (m,)
            And that it opens a cluster of its own.

        Raises
        ------
        ValueError
            If x has the wrong shape or is not finite.

        Notes
        -----
        Implements: DP-0232.

        Examples
        --------
        >>> from dpnotes import datasets, gibbs
        >>> from dpnotes.components import Gaussian
        >>> from dpnotes.mixture import DPMixture
        >>> model = DPMixture(1.0, Gaussian(mean=0, var=1, noise_var=0.01))
        >>> chain = gibbs.collapsed(model, datasets.neal(), 1000, rng=1)
        >>> similarity, alone = chain.predict_similarity([0.5, 1e18])
        >>> similarity.shape, alone.round(1).tolist()
        ((2, 9), [0.0, 1.0])
        """
        return self._with_old(x, rng, each=False)

    @keyword_only("rng")
    def predict_proba(
        self, x: ArrayLike, partition: ArrayLike, *, rng: RNGLike = None
    ) -> np.ndarray:
        """Return how probable it is that a new row belongs to each block of a partition, or none.

        In the restaurant a customer sits down with one of those before, each as probable as any
        other of the same table, or alone. The new row belongs to the block of the old row that it
        sits down with, averaged over the draws; it belongs to none if it sits down alone. Where
        all draws are this partition, these are the probabilities of its clusters.

        Parameters
        ----------
        x : array_like of shape (m,) or (m, d)
            New rows; each on its own, given the old ones and itself.
        partition : array_like of shape (n,)
            Labels 0 to K - 1 of the old rows, such as a point estimate.
        rng : seed or numpy.random.Generator, optional
            Used only for a family that is not conjugate.

        Returns
        -------
        ndarray of shape (m, K + 1)
            Rows sum to 1; the last column is that of none.

        Raises
        ------
        ValueError
            If x has the wrong shape or is not finite, or partition does not label the rows.

        Notes
        -----
        Implements: DP-0232.

        Examples
        --------
        >>> from dpnotes import datasets, gibbs
        >>> from dpnotes.components import Gaussian
        >>> from dpnotes.mixture import DPMixture
        >>> model = DPMixture(1.0, Gaussian(mean=0, var=1, noise_var=0.01))
        >>> x = datasets.neal()
        >>> chain = gibbs.collapsed(model, x, 1000, rng=1)
        >>> partition = (x.ravel() > 0).astype(int)
        >>> chain.predict_proba([-1.4, 0.5, 1e18], partition).round(1).tolist()
        [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]
        """
        labels = check.labels("partition", partition)
        if len(labels) != self.labels.shape[1]:
            check.refuse("partition", f"{len(labels)} labels", f"{self.labels.shape[1]}, one a row")
        each, alone = self._with_old(x, rng, each=True)
        blocks = labels[:, None] == np.arange(labels.max() + 1)
        return np.column_stack([each @ blocks.astype(float), alone])

    @keyword_only("rng")
    def predict(self, x: ArrayLike, partition: ArrayLike, *, rng: RNGLike = None) -> np.ndarray:
        """Return the most probable block of each new row, -1 for none: shape (m,).

        See :meth:`predict_proba`, which has the same arguments.
        """
        probs = self.predict_proba(x, partition, rng=rng)
        best = probs.argmax(axis=1)
        return np.where(best == probs.shape[1] - 1, -1, best)

    def _with_old(self, x: ArrayLike, rng: RNGLike, each: bool) -> tuple[np.ndarray, np.ndarray]:
        """Return P(a new row is at the table of each old one), or that it sits down with each.

        And that it is alone. Sums of densities over the draws, in a unit that grows with them.
        """
        x, generator = self._rows(x), check.rng("rng", rng)
        m, n = len(x), self.labels.shape[1]
        check.room("x", x, m * n)
        if len(self) == 0:
            check.fail("chain", self, "a chain with at least one draw")
        shared, alone, unit = np.zeros((m, n)), np.zeros(m), np.full(m, -np.inf)
        total = np.zeros(m)
        for _, flat, old, new in self._next(x, generator, beside_new=True):
            new = np.broadcast_to(new, (m, len(flat)))
            sizes = _sizes(flat)
            largest = np.maximum(old.max(axis=1), new.max(axis=1))
            # Where all densities are no floats, that of a new cluster falls off most slowly.
            new = np.where(np.isneginf(largest)[:, None], -np.finfo(float).max, new)
            top = np.maximum(unit, np.maximum(largest, new.max(axis=1)))
            with np.errstate(under="ignore"):
                shrink = np.exp(unit - top)
                weight, fresh = np.exp(old - top[:, None]), np.exp(new - top[:, None])
            unit = top
            for sum_ in (shared, alone, total):
                sum_ *= shrink.reshape(-1, *[1] * (sum_.ndim - 1))
            total += weight @ sizes + fresh.sum(axis=1)
            alone += fresh.sum(axis=1)
            if not each:
                weight = weight * sizes
            for row in flat:
                shared += weight[:, row]
        return shared / total[:, None], alone / total

    @keyword_only("rng")
    def predictive_logpdf(self, x: ArrayLike, *, rng: RNGLike = None) -> np.ndarray:
        """Return the log of the mean over the draws of p(x_{n+1} = x | draw): shape (m,)."""
        draws = self.predictive_draws(x, rng=rng)
        return np.logaddexp.reduce(draws, axis=0) - np.log(len(self))

    @keyword_only("rng")
    def density_draws(self, x: ArrayLike, *, rng: RNGLike = None) -> np.ndarray:
        """Draw the density of the data from its posterior, once for each draw.

        The density is f_G(x) = int f(x | theta) G(d theta). Given a draw's clusters, G has the
        weights Dirichlet(n_1, ..., n_K, alpha): the first K on the clusters' parameters, the last
        for an independent DP(alpha, H), of which sticks are drawn until all but a thousandth of it
        (on average) is broken off; what is left goes to one more draw from H.

        Parameters
        ----------
        x : array_like of shape (m,) or (m, d)
            Where to evaluate the density.
        rng : seed or numpy.random.Generator, optional
            A chain without parameters draws these first.

        Returns
        -------
        ndarray of shape (draws, m)
            Quantiles over the draws are a credible band. The mean over the draws is the predictive
            density, which :meth:`predictive_logpdf` gives with a smaller error.

        Raises
        ------
        ValueError
            If x has the wrong shape or is not finite.

        Notes
        -----
        Implements: DP-0131.

        Examples
        --------
        >>> from dpnotes import datasets, gibbs
        >>> from dpnotes.components import Gaussian
        >>> from dpnotes.mixture import DPMixture
        >>> model = DPMixture(1.0, Gaussian(mean=0, var=1, noise_var=0.01))
        >>> chain = gibbs.collapsed(model, datasets.neal(), 100, rng=1)
        >>> chain.density_draws([-1.4, 0.6], rng=1).shape
        (100, 2)
        """
        x, rng = self._rows(x), check.rng("rng", rng)
        most = self.num_clusters.max() + np.ceil(7 / np.log1p(1 / self.alpha.max()))
        check.room("x", x, len(x) * max(len(self), most))
        whole = self if self._has_theta() else self.draw_theta(rng=rng)
        theta = whole._parameters()
        result = np.empty((len(self), len(x)))
        for t in range(len(self)):
            family, alpha = self._family(t), float(self.alpha[t])
            share = rng.dirichlet(np.append(_sizes(self.labels[t]), alpha))
            rest = sticks.sample(alpha, int(np.ceil(7 / np.log1p(1 / alpha))), rng=rng)
            rest = share[-1] * np.append(rest, max(0.0, 1 - rest.sum()))
            atoms = np.concatenate([theta[t], prior_draws(family, len(rest), rng=rng)])
            weights = np.concatenate([share[:-1], rest])
            result[t] = weights.sum()  # of a row of gaps alone
            for seen, rows in self._patterns(x):
                own = self._margin(family, seen)
                of = atoms if seen.all() else family._margin_of(atoms, seen)
                with np.errstate(under="ignore"):  # far from the data the density may be 0
                    density = np.exp(own.log_likelihood(x[rows][:, seen], of))
                    result[t, rows] = density @ weights
        return result

    def state(self) -> State:
        """Return the state after the last draw, from which a sampler can go on."""
        if len(self) == 0:
            check.fail("start", self, "a chain with at least one draw")
        theta = None if self.theta is None else self.theta[-1]
        columns = {name: column[-1] for name, column in self.columns.items()}
        return State(self.labels[-1].astype(np.int64), float(self.alpha[-1]), theta, columns)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the chain to one file, which :func:`load` reads.

        Parameters
        ----------
        path : str or path
            An existing file is replaced, once the new one is whole.

        Raises
        ------
        ValueError
            If the model is not one of dpnotes, so that a file cannot name it, or a column holds
            what is no number.
        """
        _record.save(self, path)

    def scalars(self, *others: "Chain") -> dict[str, np.ndarray]:
        """Return what does not depend on how clusters are named, in a form that ArviZ reads.

        ``arviz.summary(chain.scalars(other))``, ``arviz.ess`` and ``arviz.convert_to_dataset`` take
        it, in ArviZ 0.23 and in 1.x alike.

        Parameters
        ----------
        *others : Chain
            Further chains of as many draws.

        Returns
        -------
        dict of str to ndarray of shape (chains, draws)
            Number of clusters, alpha, log joint density and, if the base measure was learned, its
            strength.

        Raises
        ------
        ValueError
            If another is no chain, or has another number of draws.

        Examples
        --------
        >>> from dpnotes import datasets, gibbs
        >>> from dpnotes.components import Gaussian
        >>> from dpnotes.mixture import DPMixture
        >>> model = DPMixture(1.0, Gaussian(mean=0, var=1, noise_var=0.01))
        >>> one, two = (gibbs.collapsed(model, datasets.neal(), 100, rng=i) for i in (1, 2))
        >>> {name: value.shape for name, value in one.scalars(two).items()}
        {'num_clusters': (2, 100), 'alpha': (2, 100), 'log_joint': (2, 100)}
        """
        for i, chain in enumerate(others):
            if not isinstance(chain, Chain) or len(chain) != len(self):
                check.fail(f"others[{i}]", chain, f"a chain of {len(self)} draws, as the first")
        names = ["num_clusters", "alpha", "log_joint"]
        names += ["strength"] if "strength" in self.columns else []
        return {k: np.stack([getattr(c, k) for c in (self, *others)]) for k in names}

    def to_dict(self, *others: "Chain") -> dict[str, dict[str, np.ndarray]]:
        """Return ``{"posterior": chain.scalars(...)}``, which not every ArviZ reads."""
        warn("Chain.to_dict: write chain.scalars(), which every ArviZ reads")
        return {"posterior": self.scalars(*others)}


def _some(theta: list[Any]) -> list[Any] | None:
    """Return parameters of draws, or None where no draw has any."""
    return None if all(t is None for t in theta) else theta


def _sizes(flat):
    return np.bincount(flat.ravel().astype(np.intp))


def concatenate(chains: Iterable[Chain]) -> Chain:
    """Join chains that continue one another into one.

    Parameters
    ----------
    chains : sequence of Chain
        Of the same model, data and sampler.

    Returns
    -------
    Chain

    Raises
    ------
    ValueError
        If there is no chain, or they differ in the model, the data, the sampler or what it records.

    Examples
    --------
    >>> from dpnotes import chains, datasets, gibbs
    >>> from dpnotes.components import Gaussian
    >>> from dpnotes.mixture import DPMixture
    >>> model = DPMixture(1.0, Gaussian(mean=0, var=1, noise_var=0.01))
    >>> first = gibbs.collapsed(model, datasets.neal(), 100, rng=1)
    >>> second = gibbs.collapsed(model, datasets.neal(), 50, start=first)
    >>> chains.concatenate([first, second]).labels.shape
    (150, 9)
    """
    chains = list(chains) if np.iterable(chains) else [chains]
    if not chains:
        check.fail("chains", chains, "at least one Chain")
    first = chains[0]
    for i, chain in enumerate(chains):
        if not isinstance(chain, Chain):
            check.fail(f"chains[{i}]", chain, "a Chain")
        if not _record.same_model(first.model, chain.model):
            check.fail(f"chains[{i}]", chain, f"the model of the first, {first.model}")
        if not np.array_equal(first.x, chain.x, equal_nan=True):
            check.fail(f"chains[{i}]", chain, "the data of the first")
        if chain.sampler != first.sampler:
            check.fail(f"chains[{i}]", chain, f"a chain of {first.sampler}, as the first")
        if chain.columns.keys() != first.columns.keys():
            check.fail(f"chains[{i}]", chain, f"the columns of the first, {list(first.columns)}")
    return dataclasses.replace(
        first,
        labels=np.concatenate([chain.labels for chain in chains]),
        alpha=np.concatenate([chain.alpha for chain in chains]),
        theta=_some([t for chain in chains for t in (chain.theta or [None] * len(chain))]),
        columns={k: [row for chain in chains for row in chain.columns[k]] for k in first.columns},
        generator=chains[-1].generator,
    )


def load(path: str | os.PathLike[str]) -> Chain:
    """Read a chain that :meth:`Chain.save` wrote.

    Parameters
    ----------
    path : str or path

    Returns
    -------
    Chain
        It can be gone on from as if it had never been saved.

    Raises
    ------
    ValueError
        If the file is not a whole chain, or of a later version than this one knows.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> from dpnotes import chains, datasets, gibbs
    >>> from dpnotes.components import Gaussian
    >>> from dpnotes.mixture import DPMixture
    >>> model = DPMixture(1.0, Gaussian(mean=0, var=1, noise_var=0.01))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder) / "neal.npz"
    ...     gibbs.collapsed(model, datasets.neal(), 50, rng=1).save(path)
    ...     chains.load(path)
    Chain(50 draws, 9 points, Gaussian)
    """
    return Chain(**_record.load(path))


def run(
    kernel: Kernel,
    n_sweeps: int,
    *,
    rng: RNGLike = None,
    start: ArrayLike | Chain | None = None,
    alpha: float | None = None,
    progress: bool = False,
    watch: Callable[[Chain], object] | None = None,
    every: int = EVERY,
    sampler: str = "chains.run",
) -> Chain:
    """Make sweeps of a kernel and return their draws.

    Parameters
    ----------
    kernel : Kernel
        One of :mod:`dpnotes.gibbs`, one composed by :func:`cycle` or :func:`turns`, or your own.
    n_sweeps : int
        Number of sweeps; each gives one draw.
    rng : seed or numpy.random.Generator, optional
        Without it, a run that goes on from a chain goes on with its random numbers too, so that it
        is the same as one longer run.
    start : array_like of shape (n,) or Chain, optional
        Labels to start from, or a chain whose last draw to go on from. By default no point has a
        seat yet.
    alpha : float, optional
        Concentration to start from; by default that of the chain's last draw, or of the model.
    progress : bool
        Show a progress bar.
    watch : function, optional
        Called with the chain so far after every few sweeps; the run ends when it returns something
        true. It may save the chain, look at it, or show it.
    every : int
        Number of sweeps between two calls of ``watch``.
    sampler : str
        What the chain calls its sampler.

    Returns
    -------
    Chain
        Ctrl+C ends the run with a warning, and keeps the draws so far.

    Raises
    ------
    ValueError
        If an argument is out of range, the start does not fit, or the draws do not fit in memory.

    Examples
    --------
    A kernel of your own: Metropolis steps, each of which takes one point to where another one sits,
    or alone where it drew itself.

    >>> import numpy as np
    >>> from dpnotes import chains, datasets, partitions
    >>> from dpnotes.components import Gaussian
    >>> from dpnotes.mixture import DPMixture
    >>> class Follow:
    ...     def __init__(self, model, x):
    ...         self.model, self.x = model, np.reshape(x, (len(x), -1))
    ...
    ...     def start(self, labels, rng):
    ...         return chains.State(np.maximum(labels, 0), self.model.alpha)
    ...
    ...     def sweep(self, state, rng):
    ...         model = DPMixture(state.alpha, self.model.component)
    ...         labels, n = state.labels, len(self.x)
    ...         for _ in range(n):
    ...             i, j = rng.integers(n, size=2)
    ...             new = labels.copy()
    ...             new[i] = n if i == j else labels[j]
    ...             others = np.delete(np.arange(n), i)
    ...             way_back, way = (max(1, (z[others] == z[i]).sum()) for z in (labels, new))
    ...             new = partitions.canonical(new)
    ...             gain = model.log_joint(self.x, new) - model.log_joint(self.x, labels)
    ...             if np.log(rng.random()) < gain + np.log(way_back / way):
    ...                 labels = new
    ...         return state._replace(labels=labels, theta=None)
    >>> model = DPMixture(1.0, Gaussian(mean=0, var=1, noise_var=0.01))
    >>> chain = chains.run(Follow(model, datasets.neal()), 300, rng=1)
    >>> round(float((chain.num_clusters == 4).mean()), 1)  # exactly 0.4923
    0.5
    """
    kernel, sampler = _kernel(kernel), check.text("sampler", sampler)
    n_sweeps, every = check.integer("n_sweeps", n_sweeps), check.integer("every", every)
    progress = check.flag("progress", progress)
    if watch is not None and not callable(watch):
        check.fail("watch", watch, "a function of the chain so far")
    _fit_in_memory(n_sweeps, len(kernel.x))
    generator = check.rng("rng", rng)
    state = _first(kernel, start, generator)
    if alpha is not None:
        state = state._replace(alpha=check.positive("alpha", alpha))
    seed = int(rng) if isinstance(rng, (int, np.integer)) else None
    if rng is None and isinstance(start, Chain) and start.generator is not None:
        generator, seed = _record.generator(start.generator), start.seed
    draws = _Draws(len(kernel.x), n_sweeps)
    made = kernel, sampler, seed
    try:
        with one_thread(), bar(progress, "sweep", n_sweeps) as tick:
            for new in _sweep_on(kernel, state, draws, n_sweeps, every, generator):
                tick(new)
                if watch is not None and watch(draws.chain(*made)):
                    break
        return draws.chain(*made)
    except KeyboardInterrupt:
        if draws.number == 0:
            raise
        words = f"interrupted after {draws.number} of {n_sweeps} sweeps; the chain holds these"
        check.warn(words)
        return draws.chain(*made)


def run_many(
    kernel: Kernel,
    n_sweeps: int,
    *,
    n_chains: int = 4,
    rng: RNGLike = None,
    start: Sequence[ArrayLike | Chain | None] | None = None,
    alpha: float | None = None,
    n_jobs: int | None = None,
    map: Map = map,
    progress: bool = False,
    watch: Callable[[list[Chain]], object] | None = None,
    every: int = EVERY,
    sampler: str = "chains.run_many",
) -> list[Chain]:
    """Make sweeps of several chains side by side, and return the chains.

    Parameters
    ----------
    kernel : Kernel
        As in :func:`run`. It is copied for each chain, or sent to another process, so that it must
        be of a class that can be pickled.
    n_sweeps : int
        Number of sweeps of each chain.
    n_chains : int
        Number of chains, where no starts are given.
    rng : seed or numpy.random.Generator, optional
        Every chain has random numbers of its own, spawned from it. Without it chains that go on go
        on with theirs.
    start : sequence, optional
        Where each chain starts, as in :func:`run`: labels, a chain, or None.
    alpha : float, optional
        Concentration to start from; by default that of a chain's last draw, or of the model.
    n_jobs : int, optional
        How many chains run at once: in threads where the kernel's sweep is compiled (numba is
        installed, and the family is one of dpnotes), else in processes; a script that starts
        processes needs ``if __name__ == "__main__":`` on some systems. By default one thread a
        core; but one alone where the sweep is not compiled, or the table has less than 500
        numbers, so that most of a sweep is Python's.
    map : callable
        Like the built-in ``map``, in place of ``n_jobs``: that of an executor or a pool, whose
        processes may be spawned.
    progress : bool
        Show one progress bar for all.
    watch : function, optional
        Called with the chains so far after every few sweeps; the run ends when it returns something
        true.
    every : int
        Number of sweeps between two calls of ``watch``.
    sampler : str
        What a chain calls its sampler.

    Returns
    -------
    list of Chain
        The same draws whatever the number of workers, and of whatever kind. Ctrl+C ends the run
        with a warning, and keeps the sweeps that all chains made.

    Raises
    ------
    ValueError
        If an argument is out of range, a start does not fit, or the draws do not fit in memory.

    Examples
    --------
    >>> from dpnotes import chains, datasets, gibbs
    >>> from dpnotes.components import Gaussian
    >>> from dpnotes.mixture import DPMixture
    >>> model = DPMixture(1.0, Gaussian(mean=0, var=1, noise_var=0.01))
    >>> kernel = gibbs.Collapsed(model, datasets.neal())
    >>> chains.run_many(kernel, 50, n_chains=2, rng=1)
    [Chain(50 draws, 9 points, Gaussian), Chain(50 draws, 9 points, Gaussian)]
    """
    kernel, sampler = _kernel(kernel), check.text("sampler", sampler)
    n_sweeps, every = check.integer("n_sweeps", n_sweeps), check.integer("every", every)
    progress = check.flag("progress", progress)
    if watch is not None and not callable(watch):
        check.fail("watch", watch, "a function of the chains so far")
    if not callable(map):
        check.fail("map", map, "a function like the built-in map")
    if n_jobs is not None:
        n_jobs = check.integer("n_jobs", n_jobs, maximum=MOST_JOBS)
        if map is not builtins.map:
            check.fail("n_jobs", n_jobs, "None with a map, which has workers of its own")
    n_chains = check.integer("n_chains", n_chains)
    starts = [None] * n_chains if start is None else check.several("start", start)
    if not starts:
        check.fail("start", start, "labels or a chain for each chain, at least one")
    _fit_in_memory(n_sweeps * len(starts), len(kernel.x))
    generators = check.rng("rng", rng).spawn(len(starts))
    states = [_first(kernel, *pair) for pair in zip(starts, generators, strict=True)]
    if alpha is not None:
        alpha = check.positive("alpha", alpha)
        states = [state._replace(alpha=alpha) for state in states]
    if rng is None:
        generators = [_own(s, g) for s, g in zip(starts, generators, strict=True)]
    runs = [_Draws(len(kernel.x), min(n_sweeps, EVERY)) for _ in starts]
    done, ends, made = 0, [None] * len(starts), (kernel, sampler, None)
    try:
        with (
            one_thread(),
            _workers(kernel, len(starts), n_jobs, map) as (each, kernels),
            bar(progress, "sweep", n_sweeps * len(starts)) as tick,
        ):
            for size in _rounds(n_sweeps, every):
                tasks = zip(kernels, states, generators, [size] * len(starts), strict=True)
                parts = _listed(each(_stretch, tasks), len(starts))
                for draws, (part, _) in zip(runs, parts, strict=True):
                    draws.extend(part)
                states, generators = zip(*((part.last, rng) for part, rng in parts), strict=True)
                # Ctrl+C may come between any two lines; a round counts once it is whole.
                done, ends = done + size, [part.generator for part, _ in parts]
                tick(size * len(starts))
                if watch is None or (done % every and done < n_sweeps):
                    continue
                if watch([draws.chain(*made) for draws in runs]):
                    break
        return [draws.chain(*made) for draws in runs]
    except KeyboardInterrupt:
        if done == 0:
            raise
        words = f"interrupted after {done} of {n_sweeps} sweeps of each chain"
        check.warn(f"{words}; the chains hold these")
        for draws, end in zip(runs, ends, strict=True):
            draws.number, draws.generator = done, end
        return [draws.chain(*made) for draws in runs]


def _listed(results, number):
    """Return what a map gave as a list."""
    parts = list(results) if isinstance(results, Iterable) else []
    if len(parts) != number or not all(isinstance(part, tuple) for part in parts):
        check.fail("map", parts, "a function like the built-in map, which yields results")
    return parts


def _fit_in_memory(n_sweeps, n):
    if n_sweeps * n > MOST_LABELS:
        shown = f"{n_sweeps} sweeps of {n} points, {n_sweeps * n * 4 / 1e9:.3g} GB of labels"
        check.refuse("n_sweeps", shown, f"at most {MOST_LABELS} labels; make fewer sweeps a run")


def _own(start, generator):
    """Return the random numbers of a chain to go on from, if it has any."""
    if isinstance(start, Chain) and start.generator is not None:
        return _record.generator(start.generator)
    return generator


def _rounds(n_sweeps, every):
    """Yield numbers of sweeps to make before the next look, so many that they take HOLD seconds.

    The draws do not depend on them.
    """
    done, wish = 0, 1
    while done < n_sweeps:
        size = min(wish, every - done % every, n_sweeps - done)
        began = time.perf_counter()
        yield size
        each = (time.perf_counter() - began) / size
        done, wish = done + size, max(1, min(2 * wish, int(HOLD / each)))


def _stretch(task):
    """Make a few sweeps of one of several chains, in whatever thread or process."""
    kernel, state, rng, size = task
    draws = _Draws(len(kernel.x), size)
    with one_thread():
        for _ in _sweep_on(kernel, state, draws, size, size, rng):
            pass
    return draws, rng


@contextmanager
def _workers(kernel, n_chains, n_jobs, map):
    """Give a map for the chains, and a kernel for each of them."""
    threads = isinstance(kernel, Nogil) and kernel.nogil
    if n_jobs is None:
        n_jobs = _cores() if threads and kernel.x.size >= SMALL else 1
    if sys.platform == "emscripten":  # a browser
        n_jobs = 1
    n_jobs = min(n_jobs, n_chains)
    if n_jobs == 1 and map is builtins.map:
        yield map, [kernel] * n_chains
        return
    shared = {id(part): part for part in (kernel.model, kernel.x)}
    kernels = [copy.deepcopy(kernel, dict(shared)) for _ in range(n_chains)]
    if map is not builtins.map:
        yield map, kernels
    elif threads:
        from concurrent.futures import ThreadPoolExecutor

        # A sweep that is short gives the lock away too seldom for the others to get it.
        before = sys.getswitchinterval()
        sys.setswitchinterval(min(before, SWITCH))
        try:
            with ThreadPoolExecutor(n_jobs) as pool:
                yield pool.map, kernels
        finally:
            sys.setswitchinterval(before)
    else:
        from concurrent.futures import ProcessPoolExecutor

        # Ctrl+C reaches all processes of a terminal; this one ends the run.
        ignore = signal.SIGINT, signal.SIG_IGN
        with ProcessPoolExecutor(n_jobs, initializer=signal.signal, initargs=ignore) as pool:
            yield pool.map, kernels


def _cores():
    known = getattr(os, "sched_getaffinity", None)
    return len(known(0)) if known else os.cpu_count() or 1


def _sweep_on(kernel, state, draws, n_sweeps, every, rng):
    """Make the sweeps, and yield after every few how many there were: the one loop."""
    for done in range(0, n_sweeps, every):
        new = min(every, n_sweeps - done)
        for sweep in range(new):
            state = kernel.sweep(state, rng)
            if sweep == 0:
                draws.check(state)
            draws.add(state, rng)
        yield new


class _Draws:
    """The draws of a run while it goes on."""

    def __init__(self, n, room):
        self.labels = np.empty((room, n), np.int32)
        self.alpha, self.theta, self.rows = np.empty(room), [], []
        self.number, self.generator, self.last = 0, None, None
        self.seen, self.columns = 0, {}  # what the last look at the chain has gathered

    def add(self, state, rng):
        t = self.number
        self.labels[t], self.alpha[t] = state.labels, state.alpha
        # Ctrl+C may come between any two lines; a draw counts once it is whole.
        self.theta.append(state.theta)
        self.rows.append(state.columns)
        self.last = state
        self.number, self.generator = t + 1, rng.bit_generator.state

    def extend(self, later):
        """Take in draws that follow these."""
        start, end, room = self.number, self.number + later.number, len(self.labels)
        if end > room:
            more = max(end, 2 * room)
            for name in ("labels", "alpha"):
                old = getattr(self, name)
                new = np.empty((more, *old.shape[1:]), old.dtype)
                new[:start] = old[:start]
                setattr(self, name, new)
        self.labels[start:end], self.alpha[start:end] = later.labels, later.alpha
        self.theta += later.theta
        self.rows += later.rows
        self.number, self.generator = end, later.generator

    def check(self, state):
        """Refuse what a kernel must not return."""
        if not isinstance(state, State):
            check.fail("kernel.sweep", state, "a method that returns a dpnotes.chains.State")
        labels, n = state.labels, self.labels.shape[1]
        if not (
            isinstance(labels, np.ndarray) and labels.dtype.kind in "iu" and labels.shape == (n,)
        ):
            check.fail("state.labels", labels, f"an array of {n} integers")
        before = np.maximum.accumulate(np.append(-1, labels))
        if not ((labels >= 0) & (labels <= before[:-1] + 1)).all():
            advice = "labels 0, 1, ... by order of appearance; see partitions.canonical"
            check.fail("state.labels", labels, advice)
        if not (isinstance(state.alpha, Real) and 0 < state.alpha < np.inf):
            check.fail("state.alpha", state.alpha, "a finite number > 0")
        if self.rows and state.columns.keys() != self.rows[0].keys():
            known = list(self.rows[0])
            check.fail("state.columns", list(state.columns), f"in every sweep the same, {known}")

    def chain(self, kernel, sampler, seed):
        number, new = self.number, slice(self.seen, self.number)
        for top, parameters in zip(self.labels[new].max(axis=1).tolist(), self.theta[new]):
            if parameters is not None and len(parameters) != top + 1:
                shown = f"{len(parameters)} parameters for labels up to {top}"
                check.refuse("state.theta", shown, "one parameter a cluster, or None")
        for name in self.rows[0]:
            column = self.columns.setdefault(name, [])
            column[self.seen :] = [row[name] for row in self.rows[new]]
        self.seen = number
        return Chain(
            model=kernel.model,
            x=kernel.x,
            labels=self.labels[:number],
            alpha=self.alpha[:number],
            theta=_some(self.theta[:number]),
            columns={name: column[:] for name, column in self.columns.items()},
            sampler=sampler,
            seed=seed,
            version=__version__,
            generator=self.generator,
        )


def _first(kernel, start, rng):
    """Return the state to start from: no seats, labels, or what the last draw of a chain holds."""
    n = len(kernel.x)
    if start is None:
        return kernel.start(np.full(n, -1), rng)
    last = start.state() if isinstance(start, Chain) else None
    labels = check.labels("start", start if last is None else last.labels)
    if len(labels) != n:
        check.refuse("start", f"{len(labels)} labels", f"{n}, one a point")
    state = kernel.start(_sweeps.in_order(labels[None])[0], rng)
    if last is None:
        return state
    if "cells" in state.columns and "cells" in last.columns:
        here, there = np.argwhere(np.isnan(kernel.x)), np.argwhere(np.isnan(start.x))
        if not np.array_equal(here, there):
            shown = f"a chain whose gaps are at {there[:5].tolist()}{', ...' * (len(there) > 5)}"
            check.refuse("start", shown, "one of data with the same gaps, whose cells go on")
    kept = {name: last.columns.get(name, value) for name, value in state.columns.items()}
    theta = state.theta if last.theta is None else last.theta
    return State(state.labels, last.alpha, theta, kept)
