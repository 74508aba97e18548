"""Mean-field inference for Dirichlet process mixtures by coordinate ascent on the ELBO.

The approximation is q(v, theta, z) = prod_k q(v_k) prod_k q(theta_k) prod_i q(z_i), with z_i at
most the truncation T. All that an iteration needs of the data is one (T, p) table: the expected
statistics S_k = sum_i gamma_ik f(x_i) of the clusters. They add over points, so the data may come
in blocks, from disk or spread over processes, and no array of shape (n, T) is ever held.
"""

import builtins
from dataclasses import dataclass
from functools import partial

import numpy as np

from . import _local
from . import _validate as check

CHUNK = 2**14  # points whose features are computed at a time
KEEP = 2**25  # features stay in memory between iterations up to this many numbers (256 MB)
SAMPLE = 2**12  # restarts compete on at most this many points ...
SAMPLE_TOL = 1e-5  # ... and, on a sample, stop at this gain per point
SEATED = 200  # points that the seating start seats
MOST = 10**6  # clusters; beyond it a slice of the points takes gigabytes


@dataclass(frozen=True, eq=False)
class MeanField:
    """A mean-field approximation to the posterior of a Dirichlet process mixture.

    Clusters come in the order of their sticks; for the full process this is decreasing size.

    Attributes
    ----------
    model : DPMixture
    statistics : ndarray of shape (T, p)
        Row k gives q(theta_k): the conjugate posterior given these expected statistics. Column 0
        holds the expected sizes.
    sticks : ndarray of shape (T, 2)
        q(v_k) = Beta(a_k, b_k), rows (a_k, b_k); T - 1 rows if the model is truncated.
    elbo : ndarray
        The ELBO after each iteration, constants included; after each block if memoised. The last
        entry is that of the parameters above with q(z) as :meth:`responsibilities` gives it.
    converged : bool
        Whether the last iteration gained at most the tolerance.
    restart_elbos : ndarray
        Final ELBO of each restart; of a sample of the data if the data are many.
    """

    model: object
    statistics: np.ndarray
    sticks: np.ndarray
    elbo: np.ndarray
    converged: bool
    restart_elbos: np.ndarray

    @property
    def weights(self):
        """E[pi_k] for k = 1, ..., T, shape (T,)."""
        return self._weights()[:-1]

    @property
    def remainder(self):
        """E[1 - pi_1 - ... - pi_T]: the weight of all clusters beyond T."""
        return float(self._weights()[-1])

    def _weights(self):
        T = len(self.statistics)
        v, rest = np.ones(T + 1), np.zeros(T)
        a, b = self.sticks.T
        v[: len(a)], rest[: len(a)] = a / (a + b), b / (a + b)
        return v * np.append(1, np.cumprod(rest))

    def _logits(self, x):
        natural = self.model.component.expected_natural(self.statistics)
        natural[:, 0] += _expected_log_weights(self.sticks, len(natural))
        return natural @ _local.features(self.model.component, x)

    def responsibilities(self, x):
        """Return the optimal q(z_i = k) for each row of x: shape (n, T)."""
        weights = self._logits(x)
        total, _ = _local.exponentiate(weights)
        return (weights / total).T

    def sample_labels(self, x, size, rng=None):
        """Draw the labels of the rows of x from q(z): shape (size, n), values 0 to T - 1."""
        rng = np.random.default_rng(rng)
        logits = self._logits(x)
        uniforms = rng.random((check.integer("size", size), logits.shape[1]))
        return np.array([_local.draw(logits.copy(), u) for u in uniforms])

    def predictive_logpdf(self, x):
        """Return the log density of a new observation under q at each row of x: shape (m,).

        E_q[sum_k pi_k f(x | theta_k)] is a mixture of the family's predictive densities, Gaussian
        or Student, and of the prior predictive for the clusters beyond T: no approximation.
        """
        statistics = np.vstack([self.statistics, np.zeros(self.statistics.shape[1])])
        with np.errstate(divide="ignore"):  # a truncated model leaves nothing beyond T
            log_weights = np.log(self._weights())
        log_density = self.model.component.log_predictive(x, statistics)
        return np.logaddexp.reduce(log_density + log_weights, axis=1)


def fit(
    model,
    x,
    truncation=20,
    rng=None,
    tol=1e-8,
    max_iter=1000,
    *,
    restarts=20,
    init=None,
    truncated_model=False,
    memoised=False,
    map=map,
    progress=False,
):
    """Fit a mean-field approximation to the posterior of a Dirichlet process mixture.

    Parameters
    ----------
    model : DPMixture
        Any family of :mod:`dpnotes.components`.
    x : array_like of shape (n,) or (n, d), or iterable of blocks
        A memory map is read in pieces. A block is an array of shape (m, d), or a function without
        arguments that returns one, called where the block is needed. Blocks are read many times,
        so a generator will not do.
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
    init : array_like of shape (n,), optional
        One start instead: labels 0 to T - 1 of the points.
    truncated_model : bool
        Set v_T = 1 in the model as well, which makes it a finite mixture. By default the model
        is the full process: clusters beyond T keep their prior and hold no points in q.
    memoised : bool
        Update q(v) and q(theta) after each block instead of after each pass.
    map : callable
        Like the built-in ``map``; that of an executor or a pool spreads the blocks.
    progress : bool
        Show a bar that counts passes over the data.

    Returns
    -------
    MeanField

    Raises
    ------
    ValueError
        If an argument is out of range, the data are not finite, or blocks cannot be read twice.

    Notes
    -----
    The result depends on how the data are cut into blocks only through rounding, except that
    memoised updates take the blocks as their steps.
    Implements: DP-0185, DP-0179, DP-0180, DP-0181.
    Implements: DP-0182, DP-0184, DP-0189, DP-0190.

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
    """
    check.model(model, "features", "expected_natural", "log_marginal")
    T = check.integer("truncation", truncation, maximum=MOST)
    max_iter, restarts = check.integer("max_iter", max_iter), check.integer("restarts", restarts)
    gain = check.real("tol", tol, "a finite number >= 0")
    if gain.ndim or not 0 <= gain < np.inf:
        check.fail("tol", tol, "a finite number >= 0")
    if not callable(map):
        check.fail("map", map, "a function like the built-in map")
    if memoised and map is not builtins.map:
        check.fail("memoised", memoised, "False with a map: blocks take turns when memoised")
    rng = np.random.default_rng(rng)
    data = _read(model.component, x, map)
    if init is not None:
        init = check.counts("init", init, 0)
        if len(init) != data.n:
            check.fail("init", init, f"{data.n} integer labels")
        if init.max() >= T:
            check.fail("init", init, f"labels 0 to {T - 1}")
    ascend = _ascend_memoised if memoised else _ascend

    from tqdm import tqdm

    with tqdm(unit="pass", disable=not progress) as bar:

        def run(data, start, tol=tol):
            return ascend(model, data, start, T, bool(truncated_model), tol, max_iter, bar.update)

        if init is not None:
            runs = [run(data, data.count(init, T))]
        else:
            features, sample = _sample(data, rng)
            loose = tol if sample is data else max(tol, SAMPLE_TOL)
            starts = (_start(model, features, sample, T, i, rng) for i in range(restarts))
            runs = [run(sample, start, loose) for start in starts]
        best = max(runs, key=lambda r: r.elbo[-1])
        if best.n < data.n:
            best = run(data, best.statistics * (data.n / best.n))
    return MeanField(
        model=model,
        statistics=best.statistics,
        sticks=best.sticks,
        elbo=np.array(best.elbo),
        converged=best.converged,
        restart_elbos=np.array([r.elbo[-1] for r in runs]),
    )


def elbo(model, x, responsibilities, sticks, statistics):
    """Return the ELBO of any member of the variational family, constants included.

    Parameters
    ----------
    model : DPMixture
    x : array_like of shape (n,) or (n, d)
    responsibilities : array_like of shape (n, T)
        q(z_i = k); rows sum to 1.
    sticks : array_like of shape (T, 2)
        q(v_k) = Beta(a_k, b_k); T - 1 rows for the truncated model, where v_T = 1.
    statistics : array_like of shape (T, p)
        q(theta_k) is the conjugate posterior given row k.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        If the shapes do not fit, responsibilities are no probabilities, or a stick parameter is
        not > 0.

    Notes
    -----
    Implements: DP-0182.

    Examples
    --------
    >>> import numpy as np
    >>> from dpnotes import datasets, meanfield
    >>> from dpnotes.components import Gaussian
    >>> from dpnotes.mixture import DPMixture
    >>> model = DPMixture(1.0, Gaussian(mean=0, var=1, noise_var=0.01))
    >>> x = datasets.neal()
    >>> q = meanfield.fit(model, x, truncation=6, rng=1)
    >>> value = meanfield.elbo(model, x, q.responsibilities(x), q.sticks, q.statistics)
    >>> bool(np.isclose(value, q.elbo[-1]))
    True
    """
    from scipy.special import xlogy

    check.model(model, "features", "expected_natural", "log_marginal")
    features = model.component.features(x)
    gamma = check.array("responsibilities", responsibilities, ndim=2)
    statistics = check.array("statistics", statistics, ndim=2)
    sticks = check.real("sticks", sticks)
    T, (n, p) = len(statistics), features.shape
    if statistics.shape[1] != p or statistics[:, 0].min() < 0:
        check.fail("statistics", statistics, f"shape (T, {p}), with counts >= 0 first")
    if gamma.shape != (n, T):
        check.refuse("responsibilities", f"array of shape {gamma.shape}", f"shape {(n, T)}")
    if gamma.min() < 0 or not np.allclose(gamma.sum(axis=1), 1):
        check.fail("responsibilities", responsibilities, "rows of probabilities that sum to 1")
    if sticks.shape not in ((T, 2), (T - 1, 2)):
        check.refuse("sticks", f"array of shape {sticks.shape}", f"{T} or {T - 1} rows (a, b)")
    if not ((sticks > 0) & (sticks < np.inf)).all():
        check.fail("sticks", sticks, "numbers > 0")
    natural = model.component.expected_natural(statistics)
    logits = features @ natural.T + _expected_log_weights(sticks, T)
    divergence = _stick_divergence(sticks, model.alpha)
    divergence += _theta_divergence(model.component, statistics, natural)
    return float((gamma * logits - xlogy(gamma, gamma)).sum() - divergence)


# The three updates and the divergences.


def _order(sizes, alpha, truncated):
    """Return the order of the clusters along the sticks that maximises the ELBO."""
    from scipy.special import gammaln

    order = np.argsort(-sizes, kind="stable")
    if not truncated:
        return order
    # The last stick of a truncated model takes what is left; try each cluster there.
    orders = [np.append(np.delete(order, j), order[j]) for j in range(len(order))]
    last = sizes[order]
    tails = [np.cumsum(sizes[o][::-1])[:0:-1] for o in orders]
    scores = gammaln(alpha + last) - gammaln(1 + last) - [np.log(alpha + t).sum() for t in tails]
    return orders[int(np.argmax(scores))]


def _optimal_sticks(sizes, alpha, truncated):
    """Return rows (1 + N_k, alpha + sum_{j > k} N_j) for expected sizes N along the sticks."""
    tail = np.append(np.cumsum(sizes[:0:-1])[::-1], 0.0)
    return np.column_stack([1 + sizes, alpha + tail])[: len(sizes) - truncated]


def _expected_logs(sticks):
    """Return E log v_k and E log(1 - v_k)."""
    from scipy.special import digamma

    a, b = sticks.T
    both = digamma(a + b)
    return digamma(a) - both, digamma(b) - both


def _expected_log_weights(sticks, T):
    """Return E log pi_k for k = 1, ..., T; v_T = 1 if there are only T - 1 sticks."""
    log_v, log_rest = _expected_logs(sticks)
    result = np.zeros(T)
    result[: len(log_v)] = log_v
    result[1:] += np.cumsum(log_rest[: T - 1])
    return result


def _stick_divergence(sticks, alpha):
    """Return sum_k KL(q(v_k) || Beta(1, alpha))."""
    from scipy.special import betaln

    (a, b), (log_v, log_rest) = sticks.T, _expected_logs(sticks)
    log_ratio = (a - 1) * log_v + (b - alpha) * log_rest
    return (log_ratio - betaln(a, b) + betaln(1, alpha)).sum()


def _theta_divergence(component, statistics, natural):
    """Return sum_k KL(q(theta_k) || H)."""
    return (natural * statistics).sum() - component.log_marginal(statistics).sum()


def _globals(model, statistics, truncated):
    """Return the optimal q(v), q(theta) as natural parameters with E log pi, and their KL."""
    order = _order(statistics[:, 0], model.alpha, truncated)
    sticks = _optimal_sticks(statistics[order, 0], model.alpha, truncated)
    natural = model.component.expected_natural(statistics)
    divergence = _stick_divergence(sticks, model.alpha)
    divergence += _theta_divergence(model.component, statistics, natural)
    natural[order, 0] += _expected_log_weights(sticks, len(order))
    return natural, divergence


def _collapsed_bound(model, statistics, truncated):
    """Return the ELBO with optimal q(v) and q(theta), less the entropy of q(z)."""
    from scipy.special import betaln

    sizes = statistics[_order(statistics[:, 0], model.alpha, truncated), 0]
    a, b = _optimal_sticks(sizes, model.alpha, truncated).T
    sticks = betaln(a, b) - betaln(1, model.alpha)
    return sticks.sum() + model.component.log_marginal(statistics).sum()


# The ascents.


@dataclass(frozen=True)
class _Run:
    statistics: np.ndarray
    sticks: np.ndarray
    elbo: list
    converged: bool
    n: int


def _finish(model, statistics, truncated, elbo, converged, n):
    statistics = statistics[_order(statistics[:, 0], model.alpha, truncated)]
    sticks = _optimal_sticks(statistics[:, 0], model.alpha, truncated)
    return _Run(statistics, sticks, elbo, converged, n)


def _ascend(model, data, statistics, T, truncated, tol, max_iter, tick):
    """Alternate q(v), q(theta) and q(z) over all points, from the given statistics."""
    elbo = []
    while True:
        natural, divergence = _globals(model, statistics, truncated)
        new, log_norm = data.total(natural)
        elbo.append(log_norm - divergence)
        tick()
        converged = len(elbo) > 1 and bool(elbo[-1] - elbo[-2] <= tol * data.n)
        if converged or len(elbo) == max_iter:
            return _finish(model, statistics, truncated, elbo, converged, data.n)
        statistics = new


def _ascend_memoised(model, data, statistics, T, truncated, tol, max_iter, tick):
    """Update q(v) and q(theta) after the q(z) of each block, remembering the other blocks'."""
    natural, divergence = _globals(model, statistics, truncated)
    parts = [_split_entropy(natural, part) for part in data.visit(natural)]
    elbo = [sum(s[1] + (natural * s[0]).sum() for s in parts) - divergence]
    tick()
    converged = False
    for _ in range(max_iter - 1):
        before = elbo[-1]
        for b, block in enumerate(data.blocks):
            natural, _ = _globals(model, sum(s for s, _ in parts), truncated)
            parts[b] = _split_entropy(natural, _visit(model.component, natural, block))
            total = sum(s for s, _ in parts)
            entropy = sum(h for _, h in parts)
            elbo.append(_collapsed_bound(model, total, truncated) + entropy)
        tick()
        converged = bool(elbo[-1] - before <= tol * data.n)
        if converged:
            break
    # A last pass brings every q(z_i) up to date with the final q(v) and q(theta).
    total = sum(s for s, _ in parts)
    natural, divergence = _globals(model, total, truncated)
    elbo.append(data.total(natural)[1] - divergence)
    return _finish(model, total, truncated, elbo, converged, data.n)


def _split_entropy(natural, part):
    """Return a block's statistics and the entropy of its q(z) from its log-normalisers."""
    statistics, log_norm = part
    return statistics, log_norm - (natural * statistics).sum()


# Data in blocks.


@dataclass(frozen=True)
class _Kept:
    """A block whose features stay in memory."""

    columns: np.ndarray


class _Data:
    """n points in blocks: each an array, a function that returns one, or kept features."""

    def __init__(self, component, blocks, sizes, map):
        self.component, self.blocks, self.sizes, self.map = component, blocks, sizes, map
        self.n = sum(sizes)

    def visit(self, natural):
        """Yield (statistics, log-normaliser) of each block under the optimal q(z)."""
        n = 0.0
        for statistics, log_norm in self.map(partial(_visit, self.component, natural), self.blocks):
            n += statistics[:, 0].sum()
            yield statistics, log_norm
        # An iterable may end early when it is read again; the fit would be to other data.
        if abs(n - self.n) > 0.5:
            check.refuse("x", f"blocks of {n:.0f} points", f"{self.n} points, as when first read")

    def total(self, natural):
        statistics, log_norm = 0.0, 0.0
        for s, log in self.visit(natural):
            statistics, log_norm = statistics + s, log_norm + log
        return statistics, log_norm

    def count(self, labels, T):
        """Return the statistics of T clusters under given labels of all points."""
        pieces = np.split(labels, np.cumsum(self.sizes)[:-1])
        return sum(self.map(partial(_count, self.component, T), zip(self.blocks, pieces)))

    def take(self, index):
        """Return the features, as columns, of the points with the given increasing indices."""
        ends = np.cumsum(self.sizes)
        pieces = np.split(index, np.searchsorted(index, ends[:-1]))
        pieces = [piece - start for piece, start in zip(pieces, ends - self.sizes)]
        return np.hstack(list(self.map(partial(_take, self.component), zip(self.blocks, pieces))))


def _load(block):
    return check.data("x", block() if callable(block) else block)


def _size(component, block):
    """Return the number of points of a block after checking that it is fit for use."""
    x = _load(block)
    if x.shape[1] != component.dim:
        check.refuse("x", f"array of shape {x.shape}", f"shape (n, {component.dim})")
    return len(x)


def _columns(component, block):
    """Yield the features of a block as columns, a piece at a time."""
    if isinstance(block, _Kept):
        yield block.columns
        return
    x = _load(block)
    for start in range(0, len(x), CHUNK):
        yield _local.features(component, x[start : start + CHUNK])


def _visit(component, natural, block):
    q = component.n_features - component.common
    statistics, log_norm = 0.0, 0.0
    for columns in _columns(component, block):
        s, log = _local.expected_statistics(natural[:, :q], columns)
        statistics, log_norm = statistics + s, log_norm + log
    # The features left out of the local step weigh the same for every cluster.
    return statistics, log_norm + statistics[:, q:].sum(axis=0) @ natural[0, q:]


def _count(component, T, block_and_labels):
    block, labels = block_and_labels
    columns = np.hstack(list(_columns(component, block)))
    return (labels == np.arange(T)[:, None]).astype(float) @ columns.T


def _take(component, block_and_index):
    block, index = block_and_index
    if isinstance(block, _Kept):
        return block.columns[:, index]
    if not len(index):
        return np.zeros((component.n_features, 0))
    return _local.features(component, _load(block)[index])


def _read(component, x, map):
    """Check the data and return them in blocks, as features if these are few enough to keep."""
    blocks = _blocks(x)
    sizes = list(map(partial(_size, component), blocks))
    if not sizes:
        check.fail("x", x, "at least one block")
    if map is builtins.map and sum(sizes) * component.n_features <= KEEP:
        blocks = [_Kept(_local.features(component, _load(block))) for block in blocks]
    return _Data(component, blocks, sizes, map)


def _blocks(x):
    """Return x as an iterable of blocks."""
    listed = isinstance(x, (list, tuple))
    given = listed and any(isinstance(block, np.ndarray) or callable(block) for block in x)
    if given or not (listed or hasattr(x, "__array__") or np.isscalar(x)):
        if not hasattr(x, "__iter__") or iter(x) is x:
            check.fail("x", x, "an array, or blocks that can be read more than once")
        return x
    if not isinstance(x, np.memmap):
        x = check.data("x", x)
    return [x[start : start + CHUNK] for start in range(0, len(x), CHUNK)]


# Starts.


def _sample(data, rng):
    """Return the features of at most SAMPLE points as rows, and the data the restarts use."""
    if data.n <= SAMPLE:
        return data.take(np.arange(data.n)).T, data
    columns = data.take(np.sort(rng.choice(data.n, SAMPLE, replace=False, shuffle=False)))
    return columns.T, _Data(data.component, [_Kept(columns)], [SAMPLE], builtins.map)


def _start(model, features, data, T, i, rng):
    """Return the statistics from which restart i sets out: two kinds of start take turns."""
    if i % 2 == 0:
        return _seat(model, features, T, rng)
    seeds = _spread_out(model.component, features, T, rng)
    statistics, _ = data.total(seeds)
    return np.vstack([statistics, np.zeros((T - len(seeds), statistics.shape[1]))])


def _seat(model, features, T, rng):
    """Seat points in random order by the collapsed predictive rule, at most T tables."""
    log_marginal = model.component.log_marginal
    statistics, tables = np.zeros((T, features.shape[1])), 0
    for f in rng.permutation(features)[:SEATED]:
        open_ = statistics[: min(tables + 1, T)]
        seats = np.where(np.arange(len(open_)) < tables, open_[:, 0], model.alpha)
        logits = np.log(seats) + log_marginal(open_ + f) - log_marginal(open_)
        k = int(_local.draw(logits[:, None], rng.random(1))[0])
        statistics[k] += f
        tables = max(tables, k + 1)
    return statistics


def _spread_out(component, features, T, rng):
    """Return natural parameters of at most T clusters of one point each, far from one another.

    As k-means++ does, with the expected log likelihood a point loses in place of the squared
    distance.
    """
    own = (component.expected_natural(features) * features).sum(axis=1)
    best, seeds = np.full(len(features), -np.inf), []
    loss = np.ones(len(features))
    while len(seeds) < T and loss.sum() > 0:
        i = rng.choice(len(features), p=loss / loss.sum())
        seeds.append(component.expected_natural(features[[i]])[0])
        best = np.maximum(best, features @ seeds[-1])
        loss = np.maximum(own - best, 0)
    return np.array(seeds)
