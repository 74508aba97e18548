"""Mean field for data that come one block after another.

Two ways to go on from what was seen, by what the data are. Of a fixed set of blocks the sums of
each are remembered, and replaced when it comes again: the ELBO of what was seen is known, and does
not fall when a block comes again. Of a stream without end nothing is remembered but one table,
which moves a step towards what each block says of a population of a stated size.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike

from . import _local, meanfield
from . import _validate as check
from ._threads import one_thread
from ._types import Floats, Ints, RNGLike
from .components.gaussian import LostDigits
from .meanfield import MeanField
from .mixture import DPMixture

ROUNDING = 1e-9  # of a sum of weights that may exceed the size
_Memos = dict[str | int | None, tuple[Floats, float]]


class _Stream:
    """What both have: where they start, how a block is read, and how the result is made."""

    def __init__(
        self,
        model: DPMixture,
        truncation: int,
        rng: RNGLike,
        restarts: int,
        init: MeanField | None,
        truncated_model: bool,
        alpha_prior: tuple[float, float] | None = None,
    ) -> None:
        check.model(model, meanfield._Family)
        self.model = model
        self.truncation = check.integer("truncation", truncation, maximum=_local.MOST_CLUSTERS)
        self.truncated_model = check.flag("truncated_model", truncated_model)
        self._restarts = check.integer("restarts", restarts, maximum=meanfield.MOST_STARTS)
        self._rng = check.rng("rng", rng)
        self._seed = int(rng) if isinstance(rng, (int, np.integer)) else None
        if not (init is None or isinstance(init, MeanField)):
            check.fail("init", init, "a result of mean field, or None")
        self._start: Any = None
        if init is not None:
            self._start = meanfield._warm(init, model.component, self.truncation)
        self._trace: list[float] = []
        self._prior: meanfield._Gamma | None = None
        if alpha_prior is not None:
            # Whatever the number of rows.
            self._prior = meanfield._prior_within_floats(
                alpha_prior, meanfield.LARGEST, self.truncation
            )

    @property
    def elbo(self) -> Floats:
        """A value for each call: shape (calls,)."""
        return np.array(self._trace)

    def _begin(self, x: Any, weights: Any) -> tuple[DPMixture, Floats]:
        """Return the model, measured from where the rows lie, and statistics of a fit to them."""
        q = meanfield.fit(
            self.model,
            x,
            truncation=self.truncation,
            rng=self._rng,
            restarts=self._restarts,
            truncated_model=self.truncated_model,
            weights=weights,
            alpha_prior=self._prior,
        )
        return q.model, q.statistics

    def _check_seen(self) -> None:
        if not self._trace:
            check.refuse("partial_fit", "no call so far", "a block before there is a result")

    def _made(self, statistics: Floats) -> MeanField:
        statistics = statistics[self._order(statistics)]
        sticks = meanfield._optimal_sticks(statistics[:, 0], self._alpha, self.truncated_model)
        return MeanField(
            model=self.model,
            statistics=statistics,
            sticks=sticks,
            elbo=self.elbo,
            converged=False,
            restart_elbos=self.elbo[-1:],
            seed=self._seed,
            alpha_posterior=None if self._prior is None else self._prior.given(sticks),
        )

    @property
    def _alpha(self) -> meanfield._Alpha:
        return self._prior or self.model.alpha

    def _order(self, statistics: Floats) -> Ints:
        return meanfield._order(statistics[:, 0], self._alpha, self.truncated_model)


def _read(model: DPMixture, x: Any, weights: Any) -> meanfield._Data:
    """Return the rows of a block, whose features must be sums of the same kind as those before."""
    data = meanfield._read(model.component, x, map, weights)
    if data.component is not model.component:
        shown = "rows so far from those before that sums of their squares lose digits"
        check.refuse("x", shown, "rows nearer to them, or some from everywhere in the first block")
    return data


@contextmanager
def _digits() -> Iterator[None]:
    """Hold BLAS to one thread, and say of sums without digits what may be done."""
    with one_thread():
        try:
            yield
        except LostDigits:
            shown = "clusters so long and narrow that squares of their length hide their width"
            check.refuse("x", shown, "rows nearer to each other, or a larger truncation")


class Memoised(_Stream):
    """Mean field for a fixed set of blocks, visited in any order and as often as you like.

    The sums of each block with a name are kept. When it comes again, its labels are made best for
    the sticks and clusters that all blocks give, and its new sums take the place of the old ones:
    the ELBO of all rows seen does not fall. A block that comes for the first time adds its rows.

    Parameters
    ----------
    model : DPMixture
        Any family of :mod:`dpnotes.components`.
    truncation : int
        T, the largest label in q, 1 to 10**6.
    rng : seed or numpy.random.Generator, optional
        For the fit to the first block from which the others are visited.
    restarts : int
        Of that fit, >= 1.
    init : MeanField, optional
        Start from this result instead, as :func:`dpnotes.meanfield.fit` takes one: blocks with a
        name are visited from it until one comes again, or comes without a name.
    truncated_model : bool
        Set v_T = 1 in the model as well, as in :func:`dpnotes.meanfield.fit`.
    alpha_prior : (float, float), optional
        Shape and rate of a Gamma prior for alpha, as in :func:`dpnotes.meanfield.fit`; its law in q
        is made best together with the sticks, in every call.

    Attributes
    ----------
    model : DPMixture
        Where the first rows lie far from the prior mean, its component measures from there.
    names : list
        Of the blocks that are kept, in the order in which they came.
    elbo : ndarray of shape (calls,)
        The ELBO of all rows seen, after each call: exact, constants included.

    Raises
    ------
    ValueError
        If an argument is out of range.

    Notes
    -----
    Kept are a (T, p) table and a number for each name, and no rows. Blocks without a name share one
    table: they cost no memory, and cannot come again.
    Implements: DP-0238, DP-0239, DP-0246.

    References
    ----------
    Hughes, M. C. and Sudderth, E. B. (2013). NIPS 26, 1133-1141.

    Examples
    --------
    >>> import numpy as np
    >>> from dpnotes import datasets, streams
    >>> from dpnotes.components import Gaussian
    >>> from dpnotes.mixture import DPMixture
    >>> model = DPMixture(1.0, Gaussian(mean=0, var=1, noise_var=0.01))
    >>> blocks = np.array_split(datasets.neal(), 3)
    >>> stream = streams.Memoised(model, truncation=6, rng=1)
    >>> for sweep in range(4):
    ...     for name, block in enumerate(blocks):
    ...         stream = stream.partial_fit(block, name=name)
    >>> stream.names, stream.result().statistics[:, 0].sum().round(9).tolist()
    ([0, 1, 2], 9.0)
    >>> bool((np.diff(stream.elbo[3:]) > -1e-9).all())
    True
    """

    def __init__(
        self,
        model: DPMixture,
        *,
        truncation: int = 20,
        rng: RNGLike = None,
        restarts: int = 20,
        init: MeanField | None = None,
        truncated_model: bool = False,
        alpha_prior: tuple[float, float] | None = None,
    ) -> None:
        super().__init__(model, truncation, rng, restarts, init, truncated_model, alpha_prior)
        # Of each name: statistics, entropy of the labels. Those without one stand under None.
        self._memos: _Memos = {}

    def __repr__(self) -> str:
        rows = _total(self._memos)[0][:, 0].sum() if self._memos else 0
        return f"Memoised({len(self.names)} blocks kept, of {rows:.10g} rows seen)"

    @property
    def names(self) -> list[str | int]:
        """The names of the blocks that are kept, in the order in which they came."""
        return [name for name in self._memos if name is not None]

    def partial_fit(
        self, x: ArrayLike, *, name: str | int | None = None, weights: ArrayLike | None = None
    ) -> Self:
        """Visit a block: make its labels best, and update sticks and clusters.

        Parameters
        ----------
        x : array_like of shape (m,) or (m, d)
            The rows of the block; a memory map is read in pieces.
        name : str or int, optional
            If a block of that name is kept, this one takes its place. A block without a name is
            added for good.
        weights : array_like of shape (m,), optional
            Numbers >= 0, how often each row counts, as in :func:`dpnotes.meanfield.fit`.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If the data are not finite or of another width, or the name is neither; then all is as
            it was before.

        Warns
        -----
        dpnotes.InferenceWarning
            As :func:`dpnotes.meanfield.fit` does, for the first block.
        """
        key = _name(name)
        model, start = self.model, self._start
        if not self._trace and start is None:
            model, start = self._begin(x, weights)
        data = _read(model, x, weights)
        again = key is not None and key in self._memos
        with _digits():
            if start is None or again:
                start = _total(self._memos)[0]
            natural, _ = meanfield._globals(model, start, self.truncated_model, self._prior)
            part = meanfield._split_entropy(natural, data.total(natural))
            if key is None and None in self._memos:
                part = _total({None: self._memos[None], 0: part})
            self._keep(model, self._memos | {key: part})
        if again or key is None:
            self._start = None
        return self

    def remove(self, name: str | int) -> Self:
        """Forget a block, as if its rows had not been seen.

        Parameters
        ----------
        name : str or int
            Of one of several blocks that are kept.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If no block of that name is kept, or no other rows.
        """
        key = _name(name)
        if key is None or key not in self._memos:
            check.fail("name", name, f"one of the {len(self.names)} names of blocks that are kept")
        if len(self._memos) == 1:
            check.fail("name", name, "one of several blocks; to forget all, begin anew")
        with _digits():
            self._keep(self.model, {k: memo for k, memo in self._memos.items() if k != key})
        return self

    def result(self) -> MeanField:
        """Return q(v) and q(theta) for all rows seen: they are the best for the labels kept.

        Returns
        -------
        MeanField
            Its ``elbo`` is the trace, in which the labels of a block are those of its last visit;
            with labels as ``responsibilities`` gives them the ELBO is at least as large. Its
            ``converged`` is False: no pass over all rows says whether it has.

        Raises
        ------
        ValueError
            If no block was seen.
        """
        self._check_seen()
        return self._made(_total(self._memos)[0])

    @property
    def _places(self) -> Ints:
        """The row of the tables that each cluster of the result has."""
        return self._order(_total(self._memos)[0])

    def _keep(self, model: DPMixture, memos: _Memos) -> None:
        """Let these be what was seen, and note the ELBO."""
        statistics, entropy = _total(memos)
        bound = meanfield._collapsed_bound(model, statistics, self.truncated_model, self._prior)
        self.model, self._memos = model, memos
        self._trace.append(float(bound + entropy))


def _total(memos: _Memos) -> tuple[Floats, float]:
    tables, entropies = zip(*memos.values())
    return meanfield._sum(tables), sum(entropies)


def _name(name: Any) -> str | int | None:
    if name is None or isinstance(name, str):
        return name
    if isinstance(name, (bool, np.bool_)) or not isinstance(name, (int, np.integer)):
        check.fail("name", name, "text, an integer, or None")
    return int(name)


class Stochastic(_Stream):
    """Mean field for a stream, by steps towards what each block says of a population.

    q(v) and q(theta) are given by a (T, p) table S of statistics, as if of N = size rows. A block
    of m rows, with statistics B under the labels that are best for S, makes (1 - r) S + r (N / m) B
    of it, where the step r is t + offset to the power -decay in call t = 1, 2, ...

    Parameters
    ----------
    model : DPMixture
        Any family of :mod:`dpnotes.components`.
    size : float
        N, for how many rows q is to be: of a table, whose blocks come in random order, the number
        of its rows. A stream without end has no such number, and q is as certain as N rows of its
        kind make it; the more, the surer.
    truncation : int
        T, the largest label in q, 1 to 10**6.
    rng : seed or numpy.random.Generator, optional
        For the fit to the first block, from which the steps set out.
    restarts : int
        Of that fit, >= 1.
    init : MeanField, optional
        Start from this result instead, its statistics scaled to N rows.
    truncated_model : bool
        Set v_T = 1 in the model as well, as in :func:`dpnotes.meanfield.fit`.
    offset : float
        How many steps seem to be done before the first, >= 0: slows the first ones down.
    decay : float
        In (1/2, 1]: how fast the steps get shorter, so that their sum is infinite and that of
        their squares is not. The smaller, the sooner the first blocks are forgotten.

    Attributes
    ----------
    model : DPMixture
        Where the first rows lie far from the prior mean, its component measures from there.
    elbo : ndarray of shape (calls,)
        What each block said of the ELBO of N rows, before its step: an estimate, unbiased if the
        block is a random one.

    Raises
    ------
    ValueError
        If an argument is out of range.

    Notes
    -----
    What is proved is for blocks drawn at random, independently, and for clusters that stay on
    their sticks; they are put in order of size at the start, and in the result.
    Implements: DP-0240, DP-0242, DP-0243.

    References
    ----------
    Hoffman, M. D., Blei, D. M., Wang, C. and Paisley, J. (2013). JMLR 14, 1303-1347.
    Robbins, H. and Monro, S. (1951). Annals of Mathematical Statistics 22, 400-407.

    Examples
    --------
    >>> import numpy as np
    >>> from dpnotes import datasets, streams
    >>> from dpnotes.components import Gaussian
    >>> from dpnotes.mixture import DPMixture
    >>> model = DPMixture(1.0, Gaussian(mean=0, var=1, noise_var=0.01))
    >>> x, rng = datasets.neal(), np.random.default_rng(1)
    >>> stream = streams.Stochastic(model, size=9, truncation=6, rng=rng)
    >>> for step in range(200):
    ...     stream = stream.partial_fit(rng.choice(x, 6))
    >>> q = stream.result()
    >>> q.predict([0.5, -1.4, 0.49]).tolist(), q.statistics[:, 0].sum().round(9).tolist()
    ([0, 2, 0], 9.0)
    """

    def __init__(
        self,
        model: DPMixture,
        size: float,
        *,
        truncation: int = 20,
        rng: RNGLike = None,
        restarts: int = 20,
        init: MeanField | None = None,
        truncated_model: bool = False,
        offset: float = 10.0,
        decay: float = 0.7,
    ) -> None:
        super().__init__(model, truncation, rng, restarts, init, truncated_model)
        self.size = check.positive("size", size)
        self.offset = check.nonnegative("offset", offset)
        self.decay = check.number("decay", decay)
        if not 0.5 < self.decay <= 1:
            check.fail("decay", decay, "a number in (1/2, 1]")
        if self._start is not None:
            self._start = self._scaled(self._start)

    def __repr__(self) -> str:
        return f"Stochastic({len(self._trace)} steps, for {self.size:.10g} rows)"

    def partial_fit(self, x: ArrayLike, *, weights: ArrayLike | None = None) -> Self:
        """Make a step towards what a block says.

        Parameters
        ----------
        x : array_like of shape (m,) or (m, d)
            The rows of the block, at most N; a memory map is read in pieces.
        weights : array_like of shape (m,), optional
            Numbers >= 0, how often each row counts; their sum stands for m.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If the data are not finite or of another width, or the rows are more than N; then all
            is as it was before.

        Warns
        -----
        dpnotes.InferenceWarning
            As :func:`dpnotes.meanfield.fit` does, for the first block.
        """
        model, now = self.model, self._start
        if now is None:
            model, now = self._begin(x, weights)
            now = self._scaled(now)
        data = _read(model, x, weights)
        if data.n > self.size * (1 + ROUNDING):
            check.fail("size", self.size, f"at least the {data.n:.10g} rows of this block")
        share = self.size / data.n
        rate = (len(self._trace) + 1 + self.offset) ** -self.decay
        with _digits():
            stay = np.arange(self.truncation)
            natural, divergence = meanfield._globals(model, now, self.truncated_model, order=stay)
            statistics, log_norm = data.total(natural)
        self.model, self._start = model, (1 - rate) * now + rate * share * statistics
        self._trace.append(float(share * log_norm - divergence))
        return self

    def result(self) -> MeanField:
        """Return q(v) and q(theta) where the steps have led.

        Returns
        -------
        MeanField
            Its ``elbo`` is the trace of estimates; its ``converged`` is False, for no step tells.

        Raises
        ------
        ValueError
            If no block was seen.
        """
        self._check_seen()
        return self._made(self._start)

    def _scaled(self, statistics: Floats) -> Floats:
        """Return statistics of N rows, the clusters in order."""
        rows = statistics[:, 0].sum()
        if not rows > 0:
            check.fail("init", rows, "a result of some rows")
        statistics = statistics * (self.size / rows)
        return statistics[self._order(statistics)]
