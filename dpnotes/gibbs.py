"""Gibbs samplers for Dirichlet process mixtures.

Each is a small kernel for :func:`dpnotes.chains.run`, which makes the sweeps, and a function that
runs it and returns a :class:`dpnotes.chains.Chain`. A sweep reseats every point once, each with a
label of its own: rows have no weights here, as they may in :func:`dpnotes.meanfield.fit`.
"""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from . import _local, _moves, _sweeps, sticks
from . import _validate as check
from ._deprecated import keyword_only, moved
from ._numbers import log_rising_ratio, sums_by_cluster
from ._types import Floats, Ints, RNGLike
from .chains import Chain, Kernel, State, cycle, run
from .components import (
    Conditional,
    Family,
    NormalInverseWishart,
    Predictive,
    Prior,
    prior_draws,
)
from .components.gaussian import LARGEST, is_wide, log_weighted, near, sums_of
from .mixture import DPMixture

TINY = float(np.finfo(float).tiny)
FILLED = 0.01  # share of the draws, of 20 or more, whose last atom may hold points without a word

__getattr__ = moved(
    __name__,
    {
        "concatenate": "chains.concatenate",
        "exact_sweep": "exact.exact_sweep",
        "finite_chain": "exact.finite_chain",
        "stationary": "exact.stationary",
    },
)


class Collapsed:
    """The kernel of :func:`collapsed`: every point reseated, parameters integrated out.

    Parameters
    ----------
    model : DPMixture
    x : array_like of shape (n,) or (n, d)
    missing : "draw", optional
        Cells of x that are NaN, masked, None or ``pandas.NA`` are drawn in every sweep; they stand
        in ``state.columns["cells"]``, row after row. For ``NormalInverseWishart`` alone.

    Raises
    ------
    ValueError
        If x is not finite or does not fit the component, the component is not conjugate, or its
        missing cells are not drawn.

    Notes
    -----
    Cells of a row are drawn together with its seat: the seat given the cells that the row has,
    whose predictive law is a multivariate Student law, and the others given these and the seat.

    Examples
    --------
    >>> from dpnotes import chains, datasets, gibbs
    >>> from dpnotes.components import Gaussian
    >>> from dpnotes.mixture import DPMixture
    >>> model = DPMixture(1.0, Gaussian(mean=0, var=1, noise_var=0.01))
    >>> chains.run(gibbs.Collapsed(model, datasets.neal()), 100, rng=1)
    Chain(100 draws, 9 points, Gaussian)
    """

    def __init__(self, model: DPMixture, x: ArrayLike, *, missing: str | None = None):
        check.model(model, Predictive)
        family, self._first = model.component, {}
        self._missing: Any = None  # rows and columns of the missing cells, where these are drawn
        if missing is not None:
            check.one_of("missing", missing, ("draw",))
            _check_drawn(family)
        self.model, self.x = model, check.frozen("x", x, family, missing is not None)
        x = self.x
        if missing is not None:
            self._missing = np.nonzero(np.isnan(x))
            x = np.where(np.isnan(x), np.nanmean(x, axis=0), x)
            self._first = {"cells": x[self._missing]}
        near(family, x).features(x)  # checks that they fit
        self._seat = _sweeps.Seating(family, x)
        if missing is not None:
            self._drawn = _sweeps.Cells(self._seat, self._missing)
        self.nogil = self._seat.nogil

    def start(self, labels: Ints, rng: np.random.Generator) -> State:
        """Return a state with these labels, and in missing cells the mean of their column."""
        labels = check.seats("labels", labels, len(self.x), rng)
        return State(labels, self.model.alpha, None, self._first)

    def sweep(self, state: State, rng: np.random.Generator) -> State:
        """Reseat every point, in order; before them those with gaps, whose cells are drawn."""
        check.move(state, State, rng)
        if self._missing is not None and state.labels[0] >= 0:
            state = self._moved(state, self._drawn, self._drawn.draws(rng))
            cells = self._seat.cells(self._missing)
            state = state._replace(columns={**state.columns, "cells": cells})
        return self._moved(state, self._seat, rng.random(len(state.labels)))

    def _family(self, state):
        """Return the family of the clusters, with the base measure of the state."""
        return self.model.component

    def _moved(self, state, loop, uniforms):
        """Return the state after a loop over the points, under the base measure of the state."""
        n = len(self.x)
        if len(state.labels) != n:  # a compiled loop would read what is not there
            check.refuse("state", f"labels of {len(state.labels)} points", f"{n}, one a row of x")
        self._fill(state)
        labels = loop(state.labels, state.alpha, uniforms)
        return State(labels, state.alpha, None, state.columns)

    def _fill(self, state):
        """Take the cells of the state for the missing ones."""
        if self._missing is not None:
            self._seat.complete(self._missing, _cells(state, len(self._missing[0])))

    def log_joint(self, state: State) -> float:
        """Return log P(partition | alpha) + log p(x | partition) of a state.

        Missing cells are those of the state.
        """
        if not isinstance(state, State):
            check.fail("state", state, "a dpnotes.chains.State")
        if len(state.labels) != len(self.x) or state.labels.min() < 0:
            check.fail("state.labels", state.labels, f"labels >= 0 of {len(self.x)} points")
        self._fill(state)
        return float(self._seat.log_joint(state.labels, state.alpha))


def _told(missing):
    """Return what the call of a sampler that draws missing cells says of it."""
    return "" if missing is None else f", missing={missing!r}"


def _check_drawn(family):
    if not isinstance(family, NormalInverseWishart):
        expected = "None; components.WithGaps integrates the cells of this family out"
        check.fail("missing", "draw", expected)


def _cells(state: State, number: int) -> Floats:
    """Return the missing cells that a state holds."""
    cells: Any = state.columns.get("cells")
    if np.shape(cells) != (number,):
        check.refuse("state.columns", f"{list(state.columns)}", f"cells, {number} missing ones")
    return np.asarray(cells)


class SplitMerge:
    """The move that splits a cluster in two or merges two: Metropolis-Hastings on partitions.

    Two points are picked at random. If they sit together, their cluster may be split, each of its
    other points going with one or the other; if they are apart, their clusters may be merged. The
    members choose a side in random order, each given those before it, and then, in further scans,
    each given all others. It moves what a sweep over the points, one by one, leaves in place.

    Parameters
    ----------
    kernel : Collapsed
        Whose model and data these are; one of :mod:`dpnotes.hyper` brings its base measure.
    proposals : int
        Number of proposals a sweep, >= 1.
    scans : int
        Number of restricted Gibbs scans after the sequential allocation, >= 0. The last one is the
        proposal; without any it is the allocation.

    Raises
    ------
    ValueError
        If kernel is no Collapsed, or a number is out of range.

    Notes
    -----
    Implements: DP-0199, DP-0200, DP-0201, DP-0202.

    References
    ----------
    Jain, S. and Neal, R. M. (2004). Journal of Computational and Graphical Statistics 13, 158-182.
    Dahl, D. B. (2003). An improved merge-split sampler for conjugate Dirichlet process mixture
    models. Technical Report 1086, Department of Statistics, University of Wisconsin-Madison.

    Examples
    --------
    >>> from dpnotes import chains, datasets, gibbs
    >>> from dpnotes.components import Gaussian
    >>> from dpnotes.mixture import DPMixture
    >>> seat = gibbs.Collapsed(DPMixture(1.0, Gaussian(0, 1, 0.01)), datasets.neal())
    >>> chains.run(chains.cycle(seat, gibbs.SplitMerge(seat)), 100, rng=1)
    Chain(100 draws, 9 points, Gaussian)
    """

    def __init__(self, kernel: Collapsed, *, proposals: int = 3, scans: int = 0):
        if not isinstance(kernel, Collapsed):
            check.fail("kernel", kernel, "a dpnotes.gibbs.Collapsed")
        number, scans = check.integer("proposals", proposals), check.integer("scans", scans, 0)
        check.room("proposals", proposals, number * (scans + 2) * len(kernel.x))
        self._kernel = kernel
        self._propose = _moves.Proposals(kernel._seat, number, scans)

    def sweep(self, state: State, rng: np.random.Generator) -> State:
        """Make the proposals, one after another."""
        check.move(state, State, rng)
        return self._kernel._moved(state, self._propose, rng.random(self._propose.shape))


def _splits_and_merges(kernel):
    """Return the moves that pay: many cheap proposals, and a few that look for a far better one."""
    return SplitMerge(kernel, proposals=5), SplitMerge(kernel, proposals=1, scans=4)


class Alpha:
    """The move that draws alpha given the number of clusters: Escobar and West's step.

    Parameters
    ----------
    prior : (float, float)
        Shape a and rate b of a Gamma prior, each > 0.

    Raises
    ------
    ValueError
        If a or b is not a finite number > 0.

    Notes
    -----
    Implements: DP-0121, DP-0122.

    Examples
    --------
    >>> from dpnotes import gibbs
    >>> gibbs.Alpha((2, 4)).prior
    (2.0, 4.0)
    """

    def __init__(self, prior: tuple[float, float]):
        self.prior = check.gamma("prior", prior)

    def sweep(self, state: State, rng: np.random.Generator) -> State:
        """Draw alpha."""
        check.move(state, State, rng)
        labels, alpha, theta, columns = state
        K, n = int(labels.max()) + 1, len(labels)
        return State(labels, _sample_alpha(alpha, K, n, self.prior, rng), theta, columns)


class Auxiliary:
    """The kernel of :func:`auxiliary`: points reseated among tables with parameters.

    Parameters
    ----------
    model : DPMixture
    x : array_like of shape (n,) or (n, d)
    m : int
        Number of auxiliary tables, >= 1.
    step : float or array_like of shape (q,), optional
        Standard deviation of a random walk for theta, in place of a draw from its conditional law.

    Raises
    ------
    ValueError
        If an argument is out of range, or the family is not conjugate and has no step.

    Examples
    --------
    >>> from dpnotes import chains, datasets, gibbs
    >>> from dpnotes.components import Gaussian
    >>> from dpnotes.mixture import DPMixture
    >>> model = DPMixture(1.0, Gaussian(mean=0, var=1, noise_var=0.01))
    >>> chains.run(gibbs.Auxiliary(model, datasets.neal(), m=3), 100, rng=1)
    Chain(100 draws, 9 points, Gaussian)
    """

    _keep = True

    def __init__(
        self, model: DPMixture, x: ArrayLike, *, m: int = 1, step: ArrayLike | None = None
    ):
        check.model(model)
        family = model.component
        self.model, self.x, self.m = model, check.frozen("x", x, family), check.integer("m", m)
        self._conjugate = isinstance(family, Conditional)
        width = family.n_features if isinstance(family, Conditional) else 1
        check.room("m", m, self.m * len(self.x) * width)
        if not isinstance(family, (Conditional, Family)):
            check.fail("model.component", family, "a family with sample_prior and log_prior")
        self._step = None if step is None else self._checked(step)
        if step is None and not self._conjugate:
            check.fail("step", None, "a step for a family that is not conjugate")
        # To ask a protocol takes longer than a few draws.
        self._from_prior = family.sample_prior if isinstance(family, Prior) else self._prior_draws
        self._seat = _sweeps.Choosing(family, self.x, self.m, self._keep)
        self.nogil = self._seat.nogil

    def _prior_draws(self, size, rng):
        return prior_draws(self.model.component, size, rng=rng)

    def _checked(self, step):
        family, value = self.model.component, check.array("step", step)
        if value.min() <= 0:
            check.fail("step", step, "numbers > 0")
        width = prior_draws(family, 1).shape[1]
        if value.shape not in [(), (1,), (width,)]:
            check.fail("step", step, f"one number or {width}, one a parameter")
        if not getattr(family, "_walks", True):
            check.fail("step", step, "None: a walk leaves the parameters of this family")
        return value

    def start(self, labels: Ints, rng: np.random.Generator) -> State:
        """Return a state with these labels; the first sweep draws the clusters' parameters."""
        return State(check.seats("labels", labels, len(self.x), rng), self.model.alpha)

    def sweep(self, state: State, rng: np.random.Generator) -> State:
        """Reseat every point, in order, then update every parameter."""
        check.move(state, State, rng)
        n = len(state.labels)
        theta = self._parameters(state.labels, rng) if state.theta is None else state.theta
        fresh = self._from_prior(n * self.m, rng)
        if theta.shape[1] != fresh.shape[1]:
            q = fresh.shape[1]
            check.refuse("start", f"theta of shape {theta.shape}", f"shape (K, q) with q = {q}")
        table = np.concatenate([theta, fresh])
        labels, rows = self._seat(state.labels, len(theta), table, state.alpha, rng.random(n))
        if self._step is None:
            theta = self._seat.draw(labels, rng)
        else:
            theta = self._walk(labels, table[rows], rng)
        return State(labels, state.alpha, theta, state.columns)

    def _parameters(self, labels, rng):
        """Return a parameter for each cluster of the labels to start from."""
        K = int(labels.max()) + 1
        if K == 0 or not self._conjugate:
            return self._from_prior(K + 1, rng)[:K]
        return self._seat.draw(labels, rng)

    def _walk(self, labels, theta, rng):
        """Propose a random-walk step for every parameter, and accept each on its own."""
        family, K = self.model.component, len(theta)
        both = np.concatenate([theta, theta + self._step * rng.standard_normal(theta.shape)])
        with np.errstate(invalid="ignore", divide="ignore"):
            fit = family.log_likelihood(self.x, both).T
            value = family.log_prior(both)
            one_hot = labels == np.arange(K)[:, None]
            value += np.where(np.tile(one_hot, (2, 1)), fit, 0).sum(axis=1)
            accept = np.log1p(-rng.random(K)) < value[K:] - value[:K]
        return np.where(accept[:, None], both[K:], theta)


class Naive(Auxiliary):
    """The kernel of :func:`naive`, which is WRONG: a point alone forgets its parameter.

    Parameters
    ----------
    model : DPMixture
    x : array_like of shape (n,) or (n, d)

    Raises
    ------
    ValueError
        If x is not finite or the component is not conjugate.

    Examples
    --------
    >>> from dpnotes import chains, datasets, gibbs
    >>> from dpnotes.components import Gaussian
    >>> from dpnotes.mixture import DPMixture
    >>> model = DPMixture(1.0, Gaussian(mean=0, var=1, noise_var=0.01))
    >>> chains.run(gibbs.Naive(model, datasets.neal()), 100, rng=1)
    Chain(100 draws, 9 points, Gaussian)
    """

    _keep = False

    def __init__(self, model: DPMixture, x: ArrayLike):
        check.model(model, Conditional)
        super().__init__(model, x)


class Blocked:
    """The kernel of :func:`blocked`: sticks, parameters, then all labels at once.

    Parameters
    ----------
    model : DPMixture
    x : array_like of shape (n,) or (n, d)
    truncation : int, optional
        Number T of atoms, 1 to 10**6; by default :func:`dpnotes.sticks.truncation_for` with 1e-6.
    reorder : bool
        Whether a step moves the clusters to new sticks.
    alpha_prior : (float, float), optional
        Shape and rate of a Gamma prior for alpha, which that step then draws too. The default
        truncation is then chosen for all but 5e-7 of this prior.

    Raises
    ------
    ValueError
        If an argument is out of range, or alpha has a prior and ``reorder`` is False.

    Examples
    --------
    >>> from dpnotes import chains, datasets, gibbs
    >>> from dpnotes.components import Gaussian
    >>> from dpnotes.mixture import DPMixture
    >>> model = DPMixture(1.0, Gaussian(mean=0, var=1, noise_var=0.01))
    >>> chain = chains.run(gibbs.Blocked(model, datasets.neal(), truncation=20), 100, rng=1)
    >>> len(chain.columns["sticks"][-1]) == chain.num_clusters[-1]
    np.True_
    """

    # No other move knows its sticks, whose law depends on the partition and on alpha.
    alone = True

    def __init__(
        self,
        model: DPMixture,
        x: ArrayLike,
        *,
        truncation: int | None = None,
        reorder: bool = True,
        alpha_prior: tuple[float, float] | None = None,
    ):
        check.model(model, Conditional)
        self.model, self.x = model, check.frozen("x", x, model.component)
        self.reorder = check.flag("reorder", reorder)
        self._alpha = (
            None if alpha_prior is None else Alpha(check.gamma("alpha_prior", alpha_prior))
        )
        if self._alpha and not reorder:
            check.fail("reorder", reorder, "True where alpha has a prior")
        if truncation is None:
            truncation = _enough_atoms(model.alpha, alpha_prior, len(self.x))
        self.truncation = check.integer("truncation", truncation, maximum=_local.MOST_CLUSTERS)
        self._family = near(model.component, self.x)
        self._columns = _local.features(self._family, self.x)
        self._wide = is_wide(self._family, self.x)

    def start(self, labels: Ints, rng: np.random.Generator) -> State:
        """Return a state with these labels, cluster k on stick k."""
        labels = check.seats("labels", labels, len(self.x), rng)
        K, T = int(labels.max()) + 1, self.truncation
        if K > T:
            check.refuse("start", f"{K} clusters", f"at most truncation = {T}")
        return State(labels, self.model.alpha, None, {"sticks": np.arange(K)})

    def sweep(self, state: State, rng: np.random.Generator) -> State:
        """Move the clusters to new sticks, draw sticks and atoms given these, then all labels."""
        check.move(state, State, rng)
        family, p, T = self._family, len(self._columns), self.truncation
        counts, sums, alpha = np.zeros(T), np.zeros((T, p)), state.alpha
        if state.labels[0] >= 0:
            sizes = np.bincount(state.labels.astype(np.intp))
            alpha, places = self._move(state, sizes, rng)
            counts[places] = sizes
            if self._wide:
                family, sums = sums_of(family, self.x, places[state.labels], T)
            else:
                sums[places] = sums_by_cluster(self._columns.T, state.labels)
        theta = family.sample(sums, rng)
        log_weights = _log_stick_weights(counts, alpha, rng)
        z = self._draw_labels(theta, log_weights, p - family.common, rng)
        first = np.full(T, len(z))
        first[z[::-1]] = np.arange(len(z))[::-1]
        order = np.argsort(first)
        places = order[: np.count_nonzero(first < len(z))].copy()  # kept, without the T others
        columns = {**state.columns, "sticks": places}
        return State(np.argsort(order)[z], alpha, theta[places], columns)

    def _move(self, state, sizes, rng):
        """Metropolis step for alpha and the sticks of the clusters, given the partition."""
        alpha, places = state.alpha, state.columns["sticks"]
        if places.max() >= self.truncation:  # from a chain with more atoms
            places = np.arange(len(sizes))
        if not self.reorder:
            return alpha, places
        new = self._alpha.sweep(state, rng).alpha if self._alpha else alpha
        proposal = _order_along_sticks(sizes, new, rng)
        ratio = self._log_ratio(proposal, sizes, new) - self._log_ratio(places, sizes, alpha)
        return (new, proposal) if np.log(rng.random()) < ratio else (alpha, places)

    def _log_ratio(self, places, sizes, alpha):
        """Log of what T sticks give these labels over what infinitely many give them."""
        if places.max() >= self.truncation:
            return -np.inf
        n = int(sizes[places == self.truncation - 1].sum())
        # Nobody sits on the last of enough sticks, in almost every sweep.
        return float(log_rising_ratio(n, 1.0, alpha)) if n else 0.0

    def _draw_labels(self, theta, log_weights, q, rng):
        T, (p, n), family = len(theta), self._columns.shape, self._family
        if not self._wide:
            natural = family.natural(theta)[:, :q]
            natural[:, 0] = np.maximum(natural[:, 0] + log_weights, -LARGEST)
        z, u = np.empty(n, np.intp), rng.random(n)
        for rows in _local.slices(n, T, p):
            if self._wide:
                x, every = self.x[rows], np.ones((1, T), bool)
                logits = log_weighted(family, x, theta, log_weights, every).T.copy()
            else:
                logits = natural @ self._columns[:q, rows]
            z[rows] = _local.draw(logits, u[rows])
        return z


class Slice:
    """The move that draws all labels at once from the untruncated model, by slicing its weights.

    Given the partition, the random measure has an atom for each cluster and a Dirichlet process
    for the rest. Both are drawn, the rest as far as a uniform height below each point's own weight
    can reach; then every point chooses among the atoms heavier than its height.

    Parameters
    ----------
    kernel : Collapsed
        Whose model and data these are; one of :mod:`dpnotes.hyper` brings its base measure.

    Raises
    ------
    ValueError
        If kernel is no Collapsed, or its family does not draw parameters.

    Notes
    -----
    Implements: DP-0212, DP-0213, DP-0214.

    References
    ----------
    Walker, S. G. (2007). Communications in Statistics: Simulation and Computation 36, 45-54.
    Papaspiliopoulos, O. and Roberts, G. O. (2008). Biometrika 95, 169-186.
    Kalli, M., Griffin, J. E. and Walker, S. G. (2011). Statistics and Computing 21, 93-105.

    Examples
    --------
    >>> from dpnotes import chains, datasets, gibbs
    >>> from dpnotes.components import Gaussian
    >>> from dpnotes.mixture import DPMixture
    >>> seat = gibbs.Collapsed(DPMixture(1.0, Gaussian(0, 1, 0.01)), datasets.neal())
    >>> chain = chains.run(gibbs.Slice(seat), 100, rng=1)
    >>> chain
    Chain(100 draws, 9 points, Gaussian)
    """

    def __init__(self, kernel: Collapsed):
        if not isinstance(kernel, Collapsed):
            check.fail("kernel", kernel, "a dpnotes.gibbs.Collapsed")
        check.model(kernel.model, Conditional)
        if kernel._missing is not None:
            check.refuse("kernel", "one that draws missing cells", "one without missing cells")
        self._kernel, self.model, self.x = kernel, kernel.model, kernel.x
        self._base = near(kernel.model.component, kernel.x)
        self._columns = _local.features(self._base, kernel.x)
        self._wide = is_wide(self._base, kernel.x)

    def start(self, labels: Ints, rng: np.random.Generator) -> State:
        """Return a state with these labels; points not seated yet make one cluster."""
        state = self._kernel.start(labels, rng)
        return State(np.maximum(state.labels, 0), state.alpha, None, state.columns)

    def sweep(self, state: State, rng: np.random.Generator) -> State:
        """Draw weights and parameters given the partition, heights given these, then labels."""
        check.move(state, State, rng)
        family = self._kernel._family(state)
        # Features are measured from the same place, whatever the mean of H.
        family = self._base if family is self.model.component else near(family, self.x)
        weights = rng.dirichlet([*np.bincount(state.labels.astype(np.intp)), state.alpha])
        heights = weights[state.labels] * (1 - rng.random(len(self.x)))  # above 0
        *weights, rest = weights
        new = _broken(rest, state.alpha, heights.min(), rng)
        K, T = len(weights), len(weights) + len(new)
        reader, sums = family, np.zeros((T, family.n_features))
        if self._wide:
            reader, sums = sums_of(family, self.x, state.labels, T)
        else:
            sums[:K] = sums_by_cluster(self._columns.T, state.labels)
        theta = reader.sample(sums, rng)
        z = self._draw_labels(family, theta, np.append(weights, new), heights, rng)
        present, first = np.unique(z, return_index=True)
        order = present[np.argsort(first)]
        place = np.empty(len(theta), np.intp)
        place[order] = np.arange(len(order))
        return State(place[z], state.alpha, theta[order], state.columns)

    def _draw_labels(self, family, theta, weights, heights, rng):
        p, n = self._columns.shape
        if not self._wide:
            natural = family.natural(theta)[:, : p - family.common]
            natural[:, 0] = np.maximum(natural[:, 0], -LARGEST)
        z, u = np.empty(n, np.intp), rng.random(n)
        for rows in _local.slices(n, len(theta), p):
            allowed = weights[:, None] >= heights[rows]
            if self._wide:
                zeros = np.zeros(len(weights))
                logits = log_weighted(family, self.x[rows], theta, zeros, allowed.T).T.copy()
            else:
                logits = natural @ self._columns[: natural.shape[1], rows]
                logits[~allowed] = -np.inf
            z[rows] = _local.draw(logits, u[rows])
        return z


def _broken(rest, alpha, height, rng):
    """Break sticks off the rest of the mass until what is left is below a height."""
    pieces: list[float] = []
    while rest >= height:
        if len(pieces) == _local.MOST_CLUSTERS:
            check.refuse("alpha", f"{alpha}", f"one that needs at most {len(pieces)} atoms")
        left = rest * rng.beta(alpha, 1)
        pieces.append(rest - left)
        rest = left
    return np.array(pieces)


def _enough_atoms(alpha, prior, n):
    """Return a truncation that changes the law of n observations by less than 1e-6."""
    if prior is None:
        return sticks.truncation_for(alpha, n, 1e-6)
    from scipy.special import gammainccinv

    shape, rate = prior
    large = float(gammainccinv(shape, 5e-7)) / rate
    return sticks.truncation_for(large, n, 5e-7)


def _with_alpha(kernel, prior):
    """Return the kernel followed by a draw of alpha, where alpha has a prior."""
    return kernel if prior is None else cycle(kernel, Alpha(check.gamma("alpha_prior", prior)))


@keyword_only("rng")
def collapsed(
    model: DPMixture,
    x: ArrayLike,
    n_sweeps: int,
    *,
    rng: RNGLike = None,
    alpha_prior: tuple[float, float] | None = None,
    split_merge: bool = False,
    missing: str | None = None,
    start: ArrayLike | Chain | None = None,
    progress: bool = False,
) -> Chain:
    """Sample partitions with every parameter integrated out: Neal's Algorithm 3.

    Point i joins cluster k with probability proportional to n_{-i,k} times the predictive density
    of x_i given the cluster's other points, and opens a cluster with probability proportional to
    alpha times its prior predictive density.

    Parameters
    ----------
    model : DPMixture
        Its component must be conjugate.
    x : array_like of shape (n,) or (n, d)
    n_sweeps : int
        Number of sweeps; each gives one draw.
    rng : seed or numpy.random.Generator, optional
    alpha_prior : (float, float), optional
        Shape a and rate b of a Gamma prior for alpha, which is then sampled, starting from
        ``model.alpha``. Without it alpha stays ``model.alpha``.
    split_merge : bool
        Whether each sweep also proposes to split and to merge clusters (:class:`SplitMerge`),
        which a chain needs where clusters are far apart; see the notes for what it costs.
    missing : "draw", optional
        Cells of x that are NaN, masked or ``pandas.NA`` are drawn in every sweep, for
        ``NormalInverseWishart`` (:class:`dpnotes.components.WithGaps` integrates them out for
        families of independent columns). The chain holds them in ``columns["cells"]``, row after
        row. Right where cells are missing at random. Without it a gap is an error.
    start : array_like of shape (n,) or Chain, optional
        Labels to start from, or a chain whose last draw to go on from. By default the first sweep
        seats the points one after another, each given those before it.
    progress : bool
        Show a progress bar. Ctrl+C ends the run and keeps the draws so far.

    Returns
    -------
    Chain

    Raises
    ------
    ValueError
        If an argument is out of range or the component is not conjugate.

    Notes
    -----
    Implements: DP-0118, DP-0119.

    Splitting and merging is no default, since six proposals may take as long as ten sweeps. In one
    run of ``python -m benchmarks moves`` it multiplied the effective draws a second of the number
    of clusters and of the log joint density by 1.4 and 2.5 (galaxies) and by 2.1 and 3.0 (iris),
    but by 0.4 and 0.5 (two groups that sweeps find by themselves) and by 0.5 and 0.6 (10,000
    points in the plane).

    References
    ----------
    Neal, R. M. (2000). Journal of Computational and Graphical Statistics 9, 249-265.
    MacEachern, S. N. (1994). Communications in Statistics - Simulation 23, 727-741.

    Examples
    --------
    >>> from dpnotes import datasets, gibbs
    >>> from dpnotes.components import Gaussian
    >>> from dpnotes.mixture import DPMixture
    >>> model = DPMixture(1.0, Gaussian(mean=0, var=1, noise_var=0.01))
    >>> chain = gibbs.collapsed(model, datasets.neal(), 1000, rng=1)
    >>> round(float((chain.num_clusters == 4).mean()), 1)  # exactly 0.4923
    0.5
    """
    kernel: Kernel = Collapsed(model, x, missing=missing)
    if check.flag("split_merge", split_merge):
        kernel = cycle(kernel, *_splits_and_merges(kernel))
    kernel = _with_alpha(kernel, alpha_prior)
    more = (", split_merge=True" if split_merge else "") + _told(missing)
    sampler = f"gibbs.collapsed(alpha_prior={alpha_prior}{more})"
    fixed = model.alpha if alpha_prior is None else None  # whatever that of a chain to go on from
    return run(
        kernel, n_sweeps, rng=rng, start=start, alpha=fixed, progress=progress, sampler=sampler
    )


@keyword_only("m", "rng")
def auxiliary(
    model: DPMixture,
    x: ArrayLike,
    n_sweeps: int,
    *,
    m: int = 1,
    rng: RNGLike = None,
    alpha_prior: tuple[float, float] | None = None,
    step: ArrayLike | None = None,
    start: ArrayLike | Chain | None = None,
    progress: bool = False,
) -> Chain:
    """Sample partitions and parameters with m auxiliary tables: Neal's Algorithm 8.

    Point i chooses among the others' tables, with weights n_{-i,k} f(x_i | theta_k), and m
    auxiliary ones, with weights (alpha / m) f(x_i | phi_j). The phi_j are fresh draws from H,
    save that a point alone at its table brings its parameter as one of them. After the points,
    each parameter is updated given its cluster.

    Parameters
    ----------
    model : DPMixture
        Its component may be any family of :mod:`dpnotes.components`, or an object with
        ``sample_prior(size, rng)`` -> (size, q), ``log_likelihood(x, theta)`` -> (n, K) and
        ``log_prior(theta)`` -> (K,); such a family needs ``step``.
    x : array_like of shape (n,) or (n, d)
    n_sweeps : int
        Number of sweeps; each gives one draw.
    m : int
        Number of auxiliary tables, >= 1.
    rng : seed or numpy.random.Generator, optional
    alpha_prior : (float, float), optional
        Shape a and rate b of a Gamma prior for alpha, which is then sampled, starting from
        ``model.alpha``. Without it alpha stays ``model.alpha``.
    step : float or array_like of shape (q,), optional
        Update theta by a random-walk Metropolis step with this standard deviation, in the units
        of theta, in place of the draw from its conditional law. Not for NormalInverseWishart,
        whose theta holds a matrix.
    start : array_like of shape (n,) or Chain, optional
        Labels to start from, or a chain whose last draw to go on from. By default the first sweep
        seats the points one after another.
    progress : bool
        Show a progress bar. Ctrl+C ends the run and keeps the draws so far.

    Returns
    -------
    Chain

    Raises
    ------
    ValueError
        If an argument is out of range, or the family is not conjugate and has no step.

    Notes
    -----
    Implements: DP-0114, DP-0115, DP-0110, DP-0116, DP-0117.

    References
    ----------
    Neal, R. M. (2000). Journal of Computational and Graphical Statistics 9, 249-265.

    Examples
    --------
    >>> from dpnotes import datasets, gibbs
    >>> from dpnotes.components import Gaussian
    >>> from dpnotes.mixture import DPMixture
    >>> model = DPMixture(1.0, Gaussian(mean=0, var=1, noise_var=0.01))
    >>> chain = gibbs.auxiliary(model, datasets.neal(), 1000, m=2, rng=1)
    >>> chain.values(0).shape, len(chain.theta[-1]) == chain.num_clusters[-1]
    ((1000, 1), np.True_)
    """
    kernel = _with_alpha(Auxiliary(model, x, m=m, step=step), alpha_prior)
    sampler = f"gibbs.auxiliary(m={m}, alpha_prior={alpha_prior}, step={step!r})"
    fixed = model.alpha if alpha_prior is None else None  # whatever that of a chain to go on from
    return run(
        kernel, n_sweeps, rng=rng, start=start, alpha=fixed, progress=progress, sampler=sampler
    )


@keyword_only("rng")
def naive(
    model: DPMixture,
    x: ArrayLike,
    n_sweeps: int,
    *,
    rng: RNGLike = None,
    start: ArrayLike | Chain | None = None,
    progress: bool = False,
) -> Chain:
    """Run the sampler of the lecture notes. It is WRONG: kept to teach why, never to be used.

    A point alone at its table forgets the table's parameter, and the new table always gets a
    fresh draw from H. The posterior is not invariant: too few clusters, at any length of run.
    Use :func:`auxiliary`, which differs by one line, or :func:`collapsed`.

    Parameters
    ----------
    model : DPMixture
    x : array_like of shape (n,) or (n, d)
    n_sweeps : int
    rng : seed or numpy.random.Generator, optional
    start : array_like of shape (n,) or Chain, optional
    progress : bool

    Returns
    -------
    Chain
        Not a sample of the posterior.

    Raises
    ------
    ValueError
        If x is empty or not finite, n_sweeps is not an integer >= 1, the start does not fit, or
        the component is not conjugate.

    Notes
    -----
    Implements: DP-0111, DP-0112.

    Examples
    --------
    >>> from dpnotes import datasets, gibbs
    >>> from dpnotes.components import Gaussian
    >>> from dpnotes.mixture import DPMixture
    >>> model = DPMixture(1.0, Gaussian(mean=0, var=1, noise_var=0.01))
    >>> chain = gibbs.naive(model, datasets.neal(), 1000, rng=1)
    >>> round(float((chain.num_clusters == 4).mean()), 1)  # exactly 0.4923
    0.3
    """
    kernel = Naive(model, x)
    sampler = "gibbs.naive"
    fixed = model.alpha
    return run(
        kernel, n_sweeps, rng=rng, start=start, alpha=fixed, progress=progress, sampler=sampler
    )


@keyword_only("truncation", "rng")
def blocked(
    model: DPMixture,
    x: ArrayLike,
    n_sweeps: int,
    *,
    truncation: int | None = None,
    rng: RNGLike = None,
    reorder: bool = True,
    alpha_prior: tuple[float, float] | None = None,
    start: ArrayLike | Chain | None = None,
    progress: bool = False,
) -> Chain:
    """Sample partitions and parameters with T atoms written out: labels in one block.

    A sweep moves the clusters to new sticks, draws the sticks given the cluster sizes, the
    parameters of all T atoms given their points, and then all labels at once, independently.

    Parameters
    ----------
    model : DPMixture
        Its component is any family of :mod:`dpnotes.components`.
    x : array_like of shape (n,) or (n, d)
    n_sweeps : int
        Number of sweeps; each gives one draw.
    truncation : int, optional
        Number T of atoms, 1 to 10**6. The default is the smallest for which the law of n
        observations changes by less than 1e-6 (:func:`dpnotes.sticks.truncation_for`); with a
        prior for alpha, averaged over it.
    rng : seed or numpy.random.Generator, optional
    reorder : bool
        Without it, the step that moves the clusters to new sticks is left out: the sampler of
        Ishwaran and James, which mixes more slowly.
    alpha_prior : (float, float), optional
        Shape a and rate b of a Gamma prior for alpha, which is then sampled, starting from
        ``model.alpha``. Without it alpha stays ``model.alpha``. It needs ``reorder``.
    start : array_like of shape (n,) or Chain, optional
        Labels to start from, at most T clusters, or a chain whose last draw to go on from. By
        default the first sweep draws sticks and parameters from the prior.
    progress : bool
        Show a progress bar. Ctrl+C ends the run and keeps the draws so far.

    Returns
    -------
    Chain
        Of the model with T atoms; ``theta`` holds the parameters of the clusters in use.

    Raises
    ------
    ValueError
        If an argument is out of range, or the start has more than T clusters.

    Warns
    -----
    dpnotes.InferenceWarning
        If the last atom holds points in more than one draw of a hundred: T is too small. Fewer
        than 20 sweeps are no run to be judged.

    Notes
    -----
    Implements: DP-0169, DP-0170, DP-0165, DP-0211.

    References
    ----------
    Ishwaran, H. and James, L. F. (2001). Journal of the American Statistical Association 96,
    161-173.

    Examples
    --------
    >>> from dpnotes import datasets, gibbs
    >>> from dpnotes.components import Gaussian
    >>> from dpnotes.mixture import DPMixture
    >>> model = DPMixture(1.0, Gaussian(mean=0, var=1, noise_var=0.01))
    >>> chain = gibbs.blocked(model, datasets.neal(), 4000, truncation=20, rng=1)
    >>> round(float((chain.num_clusters == 4).mean()), 1)  # exactly 0.4923
    0.5
    """
    kernel = Blocked(model, x, truncation=truncation, reorder=reorder, alpha_prior=alpha_prior)
    more = "" if alpha_prior is None else f", alpha_prior={alpha_prior}"
    sampler = f"gibbs.blocked(truncation={kernel.truncation}, reorder={kernel.reorder}{more})"
    fixed = model.alpha if alpha_prior is None else None  # whatever that of a chain to go on from
    chain = run(
        kernel, n_sweeps, rng=rng, start=start, alpha=fixed, progress=progress, sampler=sampler
    )
    last = kernel.truncation - 1
    used = np.mean([last in places for places in chain.columns["sticks"]])
    if used > FILLED and len(chain) >= 20:
        words = "holds points, and there may be more clusters than it allows; raise truncation"
        check.doubt(f"in {used:.0%} of the draws the last of {last + 1} atoms {words}")
    return chain


@keyword_only("rng")
def sample_alpha(
    alpha: float, num_clusters: int, n: int, prior: tuple[float, float], *, rng: RNGLike = None
) -> float:
    """Draw alpha given the number of clusters: one step of Escobar and West.

    The step leaves invariant the law of alpha given K_n = num_clusters under a Gamma(a, b) prior.

    Parameters
    ----------
    alpha : float
        The current value, > 0.
    num_clusters : int
        K, from 1 to n.
    n : int
        Number of points.
    prior : (float, float)
        Shape a and rate b, each > 0.
    rng : seed or numpy.random.Generator, optional

    Returns
    -------
    float

    Raises
    ------
    ValueError
        If alpha, a or b is not a finite number > 0, or num_clusters is not an integer from 1 to n.

    Notes
    -----
    Implements: DP-0121, DP-0122.

    References
    ----------
    Escobar, M. D. and West, M. (1995). Journal of the American Statistical Association 90,
    577-588, equations 13 and 14.

    Examples
    --------
    >>> from dpnotes import gibbs
    >>> round(gibbs.sample_alpha(1.0, num_clusters=4, n=9, prior=(1, 1), rng=1), 3)
    1.698
    """
    alpha, (a, b) = check.positive("alpha", alpha), check.gamma("prior", prior)
    n = check.integer("n", n)
    if not 1 <= check.integer("num_clusters", num_clusters) <= n:
        check.fail("num_clusters", num_clusters, f"at most n = {n}")
    return _sample_alpha(alpha, num_clusters, n, (a, b), check.rng("rng", rng))


def _sample_alpha(alpha, K, n, prior, rng):
    a, b = prior
    eta = rng.beta(alpha + 1, n)
    rate = b - float(np.log(eta))
    more = rng.random() * (a + K - 1 + n * rate) < a + K - 1
    # A Gamma law of tiny shape has much of its mass below the smallest float.
    return max(rng.gamma(a + K - 1 + more) / rate, TINY)


def _order_along_sticks(sizes, alpha, rng):
    """Draw the sticks of clusters of these sizes, given the partition: shape (K,)."""
    order = np.argsort(rng.exponential(size=len(sizes)) / sizes)  # size-biased
    left = np.cumsum(sizes[order][::-1])[::-1]
    sticks = np.empty(len(sizes), np.intp)
    sticks[order] = np.cumsum(rng.geometric(left / (alpha + left))) - 1
    return sticks


def _log_stick_weights(counts, alpha, rng):
    """Draw v_k ~ Beta(1 + n_k, alpha + n_{>k}), the last 1; return log pi, shape (T,)."""
    above = np.cumsum(counts[::-1])[::-1] - counts
    b = alpha + above[:-1]
    # Gamma variables by their logarithms: where b is small, 1 - v is below the smallest float.
    take = np.log(rng.gamma(1 + counts[:-1]))
    leave = np.log(rng.gamma(1 + b)) - rng.exponential(size=len(b)) / b
    total = np.logaddexp(take, leave)
    return np.append(take - total, 0.0) + np.append(0.0, np.cumsum(leave - total))
