"""Reading a sample of partitions: similarity, losses, one partition to report, and how sure it is.

Both losses have one form. With sizes a_k and b_l of the clusters of a report and of the truth and
n_kl of their intersections,

    loss(a, b) = apart sum (f(b_l) - sum_k f(n_kl)) + together sum (f(a_k) - sum_l f(n_kl)),

where f(m) = m g(m), g(m) = log(m) / n gives the variation of information and
g(m) = (m - 1) / (n (n - 1)) Binder's loss. What is kept apart and what is put
together wrongly have costs of their own.
"""

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from . import _sweeps
from . import _validate as check
from ._deprecated import keyword_only, moved
from ._types import Floats, Ints, RNGLike

__getattr__ = moved(
    __name__,
    {"split_odds": "exact.split_odds", "density_draws": "chains.Chain.density_draws"},
)

LOSSES = ("vi", "binder")
MOST_STARTS = 10**6
REPEATS = 3  # searches that must end at the least loss before no other is begun
SEATED = 1000  # points that a start from nothing seats one by one; the rest follow all at once
COMPARED = 2**33  # points times pairs of clusters: what a search spends on the best draw
PROBED = 64  # draws, evenly spread, that say which points are alike
# The tables of one block of draws hold about this many numbers.
_BLOCK = 2**22


def canonical(labels: ArrayLike) -> Ints:
    """Write partitions with labels 0, 1, ... by order of appearance.

    Parameters
    ----------
    labels : array_like of int, shape (n,) or (draws, n)
        Any integers; points with equal labels are in one cluster.

    Returns
    -------
    ndarray of int64, same shape

    Raises
    ------
    ValueError
        If labels is empty, not of integers, or has another number of dimensions.

    Examples
    --------
    >>> canonical([[5, 2, 5, 0], [1, 1, 0, 0]]).tolist()
    [[0, 1, 0, 2], [0, 0, 1, 1]]
    """
    rows = _rows("labels", labels)
    return _canonical(rows).reshape(np.shape(labels))


def _canonical(rows):
    n, labels = rows.shape[1], int(rows.max()) - int(rows.min()) + 1
    if labels > n:
        return _sweeps.in_order(rows)
    # Numbers without a sign may be too large, and wrap around alike.
    rows = (rows.astype(np.int64) - rows.min().astype(np.int64)).astype(np.intp)
    first = np.full(len(rows) * labels, n)
    draw = np.arange(len(rows))[:, None]
    np.minimum.at(first, (draw * labels + rows).ravel(), np.tile(np.arange(n), len(rows)))
    first = first.reshape(-1, labels)
    rank = first.argsort(axis=1).argsort(axis=1).astype(np.int64)
    return np.take_along_axis(rank, rows, axis=1)


@keyword_only("weights")
def similarity(labels: ArrayLike, *, weights: ArrayLike | None = None) -> Floats:
    """Share of the draws in which two points are in one cluster.

    Parameters
    ----------
    labels : array_like of int, shape (draws, n)
        One partition a row.
    weights : array_like, shape (draws,), optional
        Probability of each row, up to a constant; equal by default.

    Returns
    -------
    ndarray, shape (n, n)
        Symmetric, with ones on the diagonal.

    Raises
    ------
    ValueError
        If labels or weights have the wrong shape or type, or weights are not >= 0 with a
        positive sum.

    Notes
    -----
    Ignores labels: it is a function of the partitions.
    Computed as matrix products of indicators, in blocks of draws and of points. Hardly more is
    held than the result: 0.8 GB for 10 000 points.

    Implements: DP-0129, DP-0130.

    Examples
    --------
    >>> similarity([[0, 0, 1], [0, 1, 1]]).tolist()
    [[1.0, 0.5, 0.0], [0.5, 1.0, 0.5], [0.0, 0.5, 1.0]]
    """
    rows, weights = _sample(labels, weights)
    n = rows.shape[1]
    check.room("labels", labels, n * n)
    result = np.zeros((n, n))
    for part in _blocks(len(rows), n * (rows.max() + 1)):
        # A cluster of one point adds to the diagonal alone, which is one.
        member, draw = _clusters(rows[part], least=2)
        hot, weight = member.astype(float), weights[part][draw, None]
        for strip in _blocks(n, n):
            result[strip] += (hot[:, strip] * weight).T @ hot
    np.fill_diagonal(result, 1.0)
    return result


def variation_of_information(a: ArrayLike, b: ArrayLike, *, costs: Sequence[float] = (1, 1)) -> Any:
    """Variation of information between partitions, in nats.

    Parameters
    ----------
    a : array_like of int, shape (n,)
        The partition that is reported, as labels.
    b : array_like of int, shape (n,) or (draws, n)
        The partition that it stands for, of the same points, or one a row.
    costs : (float, float)
        What it costs to keep apart what is together in b, and to put together what is apart.

    Returns
    -------
    float or ndarray, shape (draws,)
        costs[0] H(a | b) + costs[1] H(b | a). With costs of 1 a metric, between 0 and log n.

    Raises
    ------
    ValueError
        If a or b are not labels of the same n points, or costs are not two numbers > 0.

    Notes
    -----
    Implements: DP-0134, DP-0135, DP-0137, DP-0138, DP-0204, DP-0205.

    References
    ----------
    M. Meila, "Comparing clusterings: an information based distance", Journal of
    Multivariate Analysis 98 (2007) 873-895.

    Examples
    --------
    >>> round(float(variation_of_information([0, 0, 1, 1], [0, 0, 0, 0])), 6)  # log 2
    0.693147
    """
    return _distance(a, b, "vi", costs)


def binder(a: ArrayLike, b: ArrayLike, *, costs: Sequence[float] = (1, 1)) -> Any:
    """Binder's loss between partitions, as the share of the pairs on which they disagree.

    Parameters
    ----------
    a : array_like of int, shape (n,)
        The partition that is reported, as labels.
    b : array_like of int, shape (n,) or (draws, n)
        The partition that it stands for, of the same points, or one a row.
    costs : (float, float)
        What it costs to keep apart what is together in b, and to put together what is apart.

    Returns
    -------
    float or ndarray, shape (draws,)
        The share of the pairs that are together in b only, times costs[0], and of those together
        in a only, times costs[1]. With costs of 1 a metric, one minus the Rand index. 0 for a
        single point.

    Raises
    ------
    ValueError
        If a or b are not labels of the same n points, or costs are not two numbers > 0.

    Notes
    -----
    Implements: DP-0132, DP-0133, DP-0204, DP-0205.

    References
    ----------
    Binder, D. A. (1978). Bayesian cluster analysis. Biometrika 65, 31-38.

    Examples
    --------
    >>> round(float(binder([0, 0, 1], [0, 1, 1])), 6)  # two of three pairs
    0.666667
    """
    return _distance(a, b, "binder", costs)


@keyword_only("loss", "weights")
def expected_loss(
    labels: ArrayLike,
    centre: ArrayLike,
    *,
    loss: str = "vi",
    costs: Sequence[float] = (1, 1),
    weights: ArrayLike | None = None,
) -> float:
    """Expected loss of reporting one partition, over a sample of partitions.

    Parameters
    ----------
    labels : array_like of int, shape (draws, n)
        The sample, one partition a row.
    centre : array_like of int, shape (n,)
        The partition reported.
    loss : {"vi", "binder"}
        Which loss.
    costs : (float, float)
        What it costs to keep apart what is together in a draw, and to put together what is apart.
    weights : array_like, shape (draws,), optional
        Probability of each row, up to a constant; equal by default.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        If an argument has the wrong shape or type, or loss is unknown.

    Notes
    -----
    Its Monte Carlo error, for the draws of a chain, is that of an average:
    ``diagnostics.mcse(variation_of_information(centre, labels))``.

    Implements: DP-0139, DP-0141, DP-0145, DP-0203.

    Examples
    --------
    >>> round(expected_loss([[0, 0, 1], [0, 1, 1]], [0, 0, 1], loss="binder"), 6)
    0.333333
    """
    rows, weights = _sample(labels, weights)
    return float(weights @ _distances(_centre(centre, rows), rows, _known(loss), _costs(costs)))


@dataclasses.dataclass(frozen=True, eq=False)
class PointEstimate:
    """What a search for the partition of least expected loss found.

    Attributes
    ----------
    labels : ndarray of int64, shape (n,)
        The best partition, labels by order of appearance.
    loss : float
        Its expected loss over the draws.
    losses : ndarray, shape (searches,)
        Where each search ended, in the order they were made; their spread is how much the answer
        depends on the start.
    """

    labels: Ints
    loss: float
    losses: Floats

    @property
    def repeats(self) -> int:
        """Number of searches that ended at the least loss."""
        return int((self.losses <= self.loss * (1 + 1e-9)).sum())


@keyword_only("loss", "weights", "rng", "restarts")
def point_estimate(
    labels: ArrayLike,
    *,
    loss: str = "vi",
    costs: Sequence[float] = (1, 1),
    weights: ArrayLike | None = None,
    rng: RNGLike = None,
    restarts: int = 32,
) -> Ints:
    """Partition of least expected loss that a greedy search finds.

    Parameters
    ----------
    labels, loss, costs, weights, rng, restarts
        As for :func:`search`, which also tells how sure the search is.

    Returns
    -------
    ndarray of int64, shape (n,)
        Labels by order of appearance.

    Raises
    ------
    ValueError
        If an argument has the wrong shape or type, or loss is unknown.

    Notes
    -----
    Implements: DP-0143, DP-0144, DP-0142.

    Examples
    --------
    >>> point_estimate([[0, 0, 1, 1], [0, 0, 1, 2], [0, 0, 0, 1]], rng=1).tolist()
    [0, 0, 1, 2]
    """
    return search(
        labels, loss=loss, costs=costs, weights=weights, rng=rng, restarts=restarts
    ).labels


def search(
    labels: ArrayLike,
    *,
    loss: str = "vi",
    costs: Sequence[float] = (1, 1),
    weights: ArrayLike | None = None,
    rng: RNGLike = None,
    restarts: int = 32,
) -> PointEstimate:
    """Search for the partition of least expected loss until the optimum repeats.

    Parameters
    ----------
    labels : array_like of int, shape (draws, n)
        A sample from the posterior of the partition, one a row.
    loss : {"vi", "binder"}
        Which loss.
    costs : (float, float)
        What it costs to keep apart what is together in a draw, and to put together what is apart.
        The first over their mean is the argument ``a`` of the R package salso.
    weights : array_like, shape (draws,), optional
        Probability of each row, up to a constant; equal by default.
    rng : seed or numpy.random.Generator, optional
        Orders the sweeps.
    restarts : int
        Number of searches at most, >= 1: the first from the best draw (or, where it ends above
        the loss of one cluster, from there), the others from random draws and from partitions that
        are built point by point in random order. Once
        three of them have ended at the least loss no other is begun (four, where points that are
        alike moved together first and a search ended elsewhere).

    Returns
    -------
    PointEstimate

    Raises
    ------
    ValueError
        If an argument has the wrong shape or type, or loss is unknown.

    Notes
    -----
    A sweep finds the points that a move to another cluster, old or new, would help, and moves each
    in turn to where the expected loss is least, until no move helps; then the two clusters are put
    together that gain the most by it, and it sweeps on. Points that are together in all draws move
    as one: as a function of how many of them are in either of two clusters both losses are
    concave, so that it never pays to part them. What all points would gain is one product of a
    sparse matrix with the table of intersections. It has an entry for each draw in which a point
    is not where most of those like it are; so the time grows with their number, and beyond 1000
    points two searches move points that are alike together first. For 20 000 points and 1000 draws
    it takes 2 to 5 s of the processor with 5 to 30 clusters where up to a fifth of the points are
    elsewhere in each draw, and up to minutes where many points are torn between clusters or where
    some draws put together far more clusters than others.
    To find the best draw takes time that grows with the square of their number; beyond 2000 draws
    of 80 points, or 80 of 20 000, it is the best of so many of them, evenly spread.

    Implements: DP-0143, DP-0144, DP-0142, DP-0205.

    References
    ----------
    S. Wade and Z. Ghahramani, "Bayesian cluster analysis: point estimation and credible
    balls", Bayesian Analysis 13 (2018) 559-626. D. B. Dahl, D. J. Johnson and P. Mueller,
    "Search algorithms and loss functions for Bayesian clustering", Journal of Computational
    and Graphical Statistics 31 (2022) 1189-1201.

    Examples
    --------
    >>> found = search([[0, 0, 1, 1], [0, 0, 1, 2], [0, 0, 0, 1]], loss="binder", rng=1)
    >>> found.labels.tolist(), round(found.loss, 6), found.repeats
    ([0, 0, 1, 2], 0.166667, 3)
    """
    rows, weights = _sample(labels, weights)
    loss, costs = _known(loss), _costs(costs)
    restarts = check.integer("restarts", restarts, maximum=MOST_STARTS)
    rng = check.rng("rng", rng)
    rows, weights = _distinct(rows.astype(np.int32), weights)
    check.room("labels", labels, len(rows) * int(rows.max() + 1) ** 2)
    best, value = _best_draw(rows, weights, loss, costs)
    one = np.zeros(rows.shape[1], np.int64)
    together = float(weights @ _distances(one, rows, loss, costs))
    # Points that no draw tells apart belong together, and move as one.
    first, item, size = _equal(np.ascontiguousarray(rows.T))
    if len(first) < len(item):
        rows, best, one = np.ascontiguousarray(rows[:, first]), best[first], one[first]
    climber = _Levels(rows, weights, loss, costs, size)
    found: list[tuple[Ints, float]] = []
    for i in range(restarts):
        if i == 0:
            found.append(climber.improve(best, rng, value))
            if together < found[0][1]:
                found[0] = climber.improve(one, rng, together)
        elif i == 1:
            found.append(climber.improve(None, rng))
        else:
            start = None if i % 2 else rows[rng.choice(len(rows), p=weights)]
            found.append(climber.points.improve(start, rng))
        losses = np.array([value for _, value in found])
        ends = (losses <= losses.min() * (1 + 1e-9)).sum()
        # The two that begin with cells are alike: they count as two only if all others agree.
        if ends >= REPEATS + (climber.cell is not None and ends < len(losses)):
            break
    least = int(losses.argmin())
    return PointEstimate(canonical(found[least][0][item]), float(losses[least]), losses)


def _distinct(rows, weights):
    """Each partition once, with the weight of all its draws."""
    first, where, _ = _equal(rows)
    return rows[first], _count(where, weights)


def _equal(rows):
    """Return the first of each kind of equal rows, the kind of each row, and how many of each."""
    place: dict[bytes, int] = {}
    where = np.array([place.setdefault(row.tobytes(), len(place)) for row in rows])
    _, first, counts = np.unique(where, return_index=True, return_counts=True)
    return first, where, counts.astype(np.intp)


def _cells(rows):
    """Points that are alike, as cells, and the label that most of a cell have in each draw.

    A cell begins as the points that are with one of them in more than half of the draws; then each
    point goes to the cell whose labels it shares most often. Return None if points are so unlike
    that half of their labels or more are not their cell's.
    """
    draws, n = rows.shape
    L = int(rows.max()) + 1
    some = np.unique(np.linspace(0, draws - 1, PROBED).astype(int))
    probed = rows[some].astype(np.min_scalar_type(L))
    cell, left, found = np.full(n, -1), np.arange(n), 0
    while len(left) and found < 2 * L + PROBED // 2:
        seen = probed[:, left]
        alike = 2 * (seen == seen[:, :1]).sum(axis=0) > len(some)
        cell[left[alike]] = found
        left, found = left[~alike], found + 1
    taken = np.flatnonzero(cell >= 0)
    heads = _modes(probed[:, taken], cell[taken], L)
    most = np.full(n, -1)
    for k, head in enumerate(heads.T):
        shared = (probed == head[:, None]).sum(axis=0)
        cell[shared > most] = k
        most = np.maximum(most, shared)
    cell = np.unique(cell, return_inverse=True)[1].ravel().astype(np.intp)
    modes = _modes(rows, cell, L)
    unlike = sum(int((row != mode[cell]).sum()) for row, mode in zip(rows, modes, strict=True))
    return (cell, modes) if 2 * unlike < rows.size else None


def _modes(rows, cell, L):
    """The label that most points of each cell have: shape (draws, cells)."""
    cells = int(cell.max()) + 1
    counts = (_count(cell * L + row, minlength=cells * L) for row in rows)
    return np.array([count.reshape(cells, L).argmax(axis=1) for count in counts])


def _best_draw(rows, weights, loss, costs):
    """The best of all draws, or of as many as can be compared in a second, and its loss."""
    most = int(np.sqrt(COMPARED / rows.shape[1]) / (rows.max(axis=1) + 1).mean())
    step = -(-len(rows) // max(most, 1))
    best = rows[::step][_expected_losses(rows[::step], weights[::step], loss, costs).argmin()]
    best = best.astype(np.int64)
    return best, float(weights @ _distances(best, rows, loss, costs))


@dataclasses.dataclass(frozen=True)
class CredibleBall:
    """The partitions of a sample within some distance of a centre.

    Attributes
    ----------
    radius : float
        The distance.
    mass : float
        Share of the sample inside, at least the level asked for.
    inside : ndarray of bool, shape (draws,)
        Which draws are inside.
    coarsest, finest, farthest : ndarray of int64, shape (n,)
        Of the draws inside: one with the fewest clusters, one with the most, and one at the
        greatest distance; among equals of the first two kinds, the farthest.
    """

    radius: float
    mass: float
    inside: np.ndarray
    coarsest: np.ndarray
    finest: np.ndarray
    farthest: np.ndarray


@keyword_only("level", "loss", "weights")
def credible_ball(
    labels: ArrayLike,
    centre: ArrayLike,
    *,
    level: float = 0.95,
    loss: str = "vi",
    weights: ArrayLike | None = None,
) -> CredibleBall:
    """Smallest ball about a partition that holds a share of the posterior.

    Parameters
    ----------
    labels : array_like of int, shape (draws, n)
        A sample from the posterior of the partition, one a row.
    centre : array_like of int, shape (n,)
        Its centre, such as a point estimate.
    level : float
        Share of the sample that the ball must hold, > 0 and <= 1.
    loss : {"vi", "binder"}
        The distance.
    weights : array_like, shape (draws,), optional
        Probability of each row, up to a constant; equal by default.

    Returns
    -------
    CredibleBall

    Raises
    ------
    ValueError
        If an argument has the wrong shape, type or range, or loss is unknown.

    Notes
    -----
    Implements: DP-0146, DP-0147.

    References
    ----------
    S. Wade and Z. Ghahramani, "Bayesian cluster analysis: point estimation and credible
    balls", Bayesian Analysis 13 (2018) 559-626.

    Examples
    --------
    >>> ball = credible_ball([[0, 0, 1], [0, 0, 1], [0, 1, 2]], [0, 0, 1], level=0.6)
    >>> ball.radius, round(ball.mass, 6)
    (0.0, 0.666667)
    """
    rows, weights = _sample(labels, weights)
    level = _level(level)
    distance = _distances(_centre(centre, rows), rows, _known(loss))
    # Equal distances differ by rounding; what is within rounding of the radius is inside.
    order = np.argsort(distance, kind="stable")
    enough = np.cumsum(weights[order]) >= level - 1e-12
    radius = distance[order][enough.argmax()]
    inside = distance <= radius + 1e-12
    members, spread = rows[inside], distance[inside].round(12)
    clusters = members.max(axis=1) + 1
    pick = {
        "coarsest": np.lexsort((-spread, clusters))[0],
        "finest": np.lexsort((-spread, -clusters))[0],
        "farthest": spread.argmax(),
    }
    found = {name: members[i] for name, i in pick.items()}
    return CredibleBall(float(radius), float(weights[inside].sum()), inside, **found)


@dataclasses.dataclass(frozen=True, eq=False)
class Subpartition:
    """A partition of some of the points, and the draws that agree with it.

    Attributes
    ----------
    labels : ndarray of int64, shape (n,)
        Labels by order of appearance; -1 for the points that are left out.
    probability : float
        Share of the draws in which these points are together and apart just so.
    agrees : ndarray of bool, shape (draws,)
        Which draws these are: ``diagnostics.mcse(agrees)`` is the error of the probability.
    order : ndarray of int64, shape (m,)
        The points that are not left out, as they came in.
    path : ndarray, shape (m,)
        The probability once 1, 2, ..., m of them were in; it never rises.
    """

    labels: Ints
    probability: float
    agrees: np.ndarray
    order: Ints
    path: Floats


def subpartition(
    labels: ArrayLike,
    *,
    level: float = 0.95,
    weights: ArrayLike | None = None,
    rng: RNGLike = None,
    restarts: int = 64,
) -> Subpartition:
    """Points of which it is certain, at a level, who is with whom.

    In a share of at least ``level`` of the draws the points are together and apart as the labels
    say, all of them at once.

    Parameters
    ----------
    labels : array_like of int, shape (draws, n)
        A sample from the posterior of the partition, one a row.
    level : float
        Share of the draws that must agree, > 0 and <= 1.
    weights : array_like, shape (draws,), optional
        Probability of each row, up to a constant; equal by default.
    rng : seed or numpy.random.Generator, optional
        Chooses where the searches start, and between points that do equally well.
    restarts : int
        Number of searches, >= 1, from different points, or from each where there are no more;
        that with the most points counts, and among equals the most probable.

    Returns
    -------
    Subpartition

    Raises
    ------
    ValueError
        If an argument has the wrong shape, type or range.

    Notes
    -----
    Greedy, as the search of the R package salso for subsets of high inclusion probability: the
    point comes in, and in that cluster, old or new, where the fewest draws cease to agree.
    A draw is looked at when a cluster opens and when it ceases to agree, so that a search takes
    memory for the draws and time for draws times points times clusters.

    Implements: DP-0206, DP-0207, DP-0208.

    References
    ----------
    G. L. Page, A. F. Barrientos, D. B. Dahl and D. B. Dunson, "Uncertainty quantification in
    Bayesian clustering", arXiv:2511.16040 (2025).

    Examples
    --------
    >>> certain = subpartition([[0, 0, 1, 1], [0, 0, 0, 1], [0, 0, 2, 1]], level=1, rng=1)
    >>> certain.labels.tolist(), certain.probability
    ([0, 0, -1, 1], 1.0)
    """
    rows, weights = _sample(labels, weights)
    level = _level(level)
    restarts = check.integer("restarts", restarts, maximum=MOST_STARTS)
    rng = check.rng("rng", rng)
    starts = rng.permutation(rows.shape[1])[:restarts]
    found = [_grow(rows, weights, level, int(i), rng) for i in starts]
    return max(found, key=lambda part: (len(part.order), part.probability))


def _grow(rows, weights, level, start, rng):
    """Take points in, from a start, as long as enough draws agree."""
    n = rows.shape[1]
    tie = rng.random(n)  # who comes first of those that do equally well
    agrees = weights > 0
    heads: list[int] = []  # the first point of each cluster
    order: list[int] = []
    path: list[float] = []
    labels = np.full(n, -1)
    share = np.ones(
        (n, 1)
    )  # of the draws that agree and have a point in each cluster, new ones last
    points, k = np.array([start]), 0
    while True:
        point = points[0]
        # Draws cease to agree that have the point elsewhere.
        place = rows[:, point, None] == rows[:, heads]
        leave = agrees & ~(place[:, k] if k < len(heads) else ~place.any(axis=1))
        share -= _shares(rows[leave], weights[leave], heads)
        agrees &= ~leave
        if k == len(heads):
            heads.append(point)
            share = _shares(rows[agrees], weights[agrees], heads)
        labels[points] = k
        order += points.tolist()
        path += [float(weights[agrees].sum())] * len(points)
        share[labels >= 0] = -1
        most = share.max()
        if len(order) == n or most < level - 1e-9:
            return Subpartition(_named(labels), path[-1], agrees, np.array(order), np.array(path))
        equal = np.flatnonzero(share.max(axis=1) >= most - 1e-9)
        points = equal[[tie[equal].argmin()]]
        k = int(share[points[0]].argmax())
        if k < len(heads) and most > path[-1] - 1e-9:  # no draw leaves, whoever joins this cluster
            points = np.flatnonzero(share[:, k] > path[-1] - 1e-9)


def _shares(rows, weights, heads):
    """Share of the draws with each point in the cluster of each head, or (last) of none."""
    together = [weights @ (rows == rows[:, [head]]) for head in heads]
    return np.column_stack([*together, weights.sum() - np.sum(together, axis=0)])


def _named(labels):
    """Labels by order of appearance of those that are >= 0."""
    inside = labels >= 0
    result = labels.copy()
    result[inside] = canonical(labels[inside])
    return result


def match(labels: ArrayLike, centre: ArrayLike) -> Ints:
    """Give the clusters of each draw the names of those of a partition that they are most like.

    Parameters
    ----------
    labels : array_like of int, shape (n,) or (draws, n)
        Partitions to name anew: the draws, or what another run reports.
    centre : array_like of int, shape (n,)
        The partition whose labels are the names, such as a point estimate.

    Returns
    -------
    ndarray of int64, same shape as labels
        Clusters that are like none have names from the largest label of centre on.

    Raises
    ------
    ValueError
        If an argument has the wrong shape or type.

    Notes
    -----
    Of all ways to give names, each once, one for which as many points as possible have the name
    that they have in centre. A cluster that shares more than half of the points of it and its
    namesake keeps its name for certain. Names are given to no cluster without a common point.

    Implements: DP-0209, DP-0210.

    References
    ----------
    H. W. Kuhn, "The Hungarian method for the assignment problem", Naval Research Logistics
    Quarterly 2 (1955) 83-97.

    Examples
    --------
    >>> match([[0, 1, 1, 2], [0, 0, 0, 0]], [1, 0, 0, 0]).tolist()
    [[1, 0, 0, 2], [0, 0, 0, 0]]
    """
    from scipy.optimize import linear_sum_assignment

    rows = canonical(_rows("labels", labels))
    given = _rows("centre", centre)
    if given.shape != (1, rows.shape[1]):
        check.refuse("centre", f"array of shape {given.shape}", f"labels of {rows.shape[1]} points")
    names, a = np.unique(given[0].astype(np.int64), return_inverse=True)
    K, L = len(names), int(rows.max()) + 1
    check.room("labels", labels, K * L)
    result = np.empty_like(rows)
    for row, named in zip(rows, result, strict=True):
        common = _count(a * L + row, minlength=K * L).reshape(K, L)
        mine, theirs = linear_sum_assignment(common, maximize=True)
        alike = common[mine, theirs] > 0
        name = np.full(L, -1)
        name[theirs[alike]] = names[mine[alike]]
        unlike = np.flatnonzero((name < 0) & common.any(axis=0))
        name[unlike] = names[-1] + 1 + np.arange(len(unlike))
        named[:] = name[row]
    return result.reshape(np.shape(labels))


def seriation(similarity: ArrayLike) -> Ints:
    """Order of the points in which similar ones are neighbours, for a heat map.

    Parameters
    ----------
    similarity : array_like, shape (n, n)
        Symmetric, with values from 0 to 1.

    Returns
    -------
    ndarray of int, shape (n,)
        A permutation of the points: average linkage, with its leaves ordered optimally.

    Raises
    ------
    ValueError
        If similarity is not a symmetric square matrix of values from 0 to 1.

    Examples
    --------
    >>> sorted(seriation([[1.0, 0.1, 0.9], [0.1, 1.0, 0.2], [0.9, 0.2, 1.0]]).tolist())
    [0, 1, 2]
    """
    from scipy.cluster import hierarchy
    from scipy.spatial.distance import squareform

    given = check.raw("similarity", similarity, "an array of numbers")
    check.room("similarity", given, given.size)
    matrix = check.array("similarity", given, ndim=2)
    square = matrix.shape[0] == matrix.shape[1]
    if not square or matrix.min() < -1e-9 or matrix.max() > 1 + 1e-9:
        check.fail("similarity", similarity, "a square matrix of values from 0 to 1")
    if not np.allclose(matrix, matrix.T, atol=1e-9):
        check.fail("similarity", similarity, "a symmetric matrix")
    if len(matrix) < 3:
        return np.arange(len(matrix))
    apart = squareform(np.maximum(1 - matrix, 0), checks=False)  # sums of draws may exceed 1
    tree = hierarchy.linkage(apart, "average", optimal_ordering=True)
    return hierarchy.leaves_list(tree)


def _rows(name, labels):
    expected = "a non-empty array of integers of shape (n,) or (draws, n)"
    rows = check.raw(name, labels, expected)
    if rows.ndim not in (1, 2) or rows.size == 0 or rows.dtype.kind not in "iu":
        check.fail(name, labels, expected)
    return np.atleast_2d(rows)


def _one(name, labels):
    """One partition in canonical form."""
    rows = _rows(name, labels)
    if len(rows) != 1:
        check.refuse(name, f"array of shape {rows.shape}", "one partition, of shape (n,)")
    return canonical(rows)[0]


def _centre(centre, rows):
    """One partition of as many points as the draws, in canonical form."""
    centre, n = _one("centre", centre), rows.shape[1]
    if len(centre) != n:
        check.refuse("centre", f"labels of {len(centre)} points", f"labels of {n} points")
    return centre


def _sample(labels, weights):
    """Draws in order of appearance, and their probabilities."""
    rows = canonical(_rows("labels", labels))
    if weights is None:
        return rows, np.full(len(rows), 1 / len(rows))
    values = check.array("weights", weights, ndim=1)
    if len(values) != len(rows) or values.min() < 0 or values.max() == 0:
        check.fail("weights", weights, f"{len(rows)} values >= 0 with a positive sum")
    values = values / values.max()  # a sum of large weights must not overflow
    return rows, values / values.sum()


def _known(loss):
    if not isinstance(loss, str) or loss not in LOSSES:
        check.fail("loss", loss, " or ".join(map(repr, LOSSES)))
    return loss


def _level(level):
    number = check.positive("level", level)
    if number > 1:
        check.fail("level", level, "a number > 0 and <= 1")
    return number


def _costs(costs):
    """The costs of the two mistakes."""
    expected = "a pair: what it costs to keep apart, and to put together, wrongly"
    if check.real("costs", costs, expected).shape != (2,):
        check.fail("costs", costs, expected)
    return tuple(check.positive(f"costs[{i}]", cost) for i, cost in enumerate(costs))


def _scale(loss, n):
    """g(0), ..., g(n) of the loss, and what they are to be divided by."""
    m = np.maximum(np.arange(n + 1, dtype=float), 1)
    return (np.log(m), n) if loss == "vi" else (m - 1, max(n * (n - 1), 1))


def _terms(g, both, mine, theirs, costs):
    """What intersections add to a loss, for sizes of them and of the clusters that intersect.

    Every term is >= 0 and exactly 0 where two clusters are one, so that a loss is 0 if and only
    if the partitions are equal, and nothing large cancels.
    """
    apart, together = costs
    return both * (apart * (g[theirs] - g[both]) + together * (g[mine] - g[both]))


def _blocks(draws, size):
    step = max(1, _BLOCK // max(int(size), 1))
    return [slice(i, i + step) for i in range(0, draws, step)]


def _count(values, weights=None, minlength=0):
    """np.bincount, whose argument must be of the machine's own integers on 32 bits too.

    Counts have 64 bits everywhere: their squares and products would not fit in 32.
    """
    counts = np.bincount(values.ravel().astype(np.intp), weights, minlength)
    return counts if weights is not None else counts.astype(np.int64, copy=False)


def _distance(a, b, loss, costs=(1.0, 1.0)):
    a, rows = _one("a", a), canonical(_rows("b", b))
    if len(a) != rows.shape[1]:
        check.refuse("b", f"labels of {rows.shape[1]} points", f"labels of {len(a)} points")
    result = _distances(a, rows, loss, _costs(costs))
    return result if np.ndim(b) == 2 else float(result[0])


def _distances(a, rows, loss, costs=(1.0, 1.0)):
    """Loss of reporting one partition where each row is true, all in canonical form."""
    n = len(a)
    K, L = int(a.max()) + 1, int(rows.max()) + 1
    size, (g, total) = _count(a, minlength=K), _scale(loss, n)
    result = np.empty(len(rows))
    for part in _blocks(len(rows), n):
        draws = len(rows[part])
        blocks = np.arange(draws, dtype=np.int64)[:, None] * L + rows[part]
        theirs = _count(blocks, minlength=draws * L)
        cell, both = _occurring((blocks * K + a).ravel(), draws * L * K)
        terms = _terms(g, both, size[cell % K], theirs[cell // K], costs)
        result[part] = _count(cell // (K * L), terms, draws)
    return result / total


def _occurring(codes, most):
    """Return which codes below most occur, in increasing order, and how often each."""
    if most > 4 * len(codes):  # a table of them all would be mostly zeros
        return np.unique(codes, return_counts=True)
    counts = _count(codes)
    found = np.flatnonzero(counts).astype(np.int64)
    return found, counts[found]


def _expected_losses(rows, weights, loss, costs):
    """Expected loss of reporting each row, through the clusters of all rows.

    The cross term of a report is a sum over its clusters S of sum_B P(B is a cluster) f(|S and B|),
    and draws have many clusters in common.
    """
    apart, together = costs
    g, total = _scale(loss, rows.shape[1])
    f = np.arange(len(g)) * g / total
    member, draw = _clusters(rows)
    packed = np.packbits(member, axis=1)
    _, first, which = np.unique(packed, axis=0, return_index=True, return_inverse=True)
    which = which.ravel()
    cluster = member[first]
    prob = _count(which, weights[draw])
    size = f[cluster.sum(axis=1)]
    cross = np.empty(len(cluster))
    for part, counts in _overlaps(cluster, rows[0]):
        cross[part] = f[counts] @ prob
    own = together * size - (apart + together) * cross
    return apart * (prob @ size) + _count(draw, own[which])


def _overlaps(cluster, partition):
    """Yield slices of the clusters, one a row of booleans, and their overlaps with all clusters.

    Clusters of different draws are much alike. Each is one of few centres, or nothing, and a few
    points of either sign, so that one product of all clusters becomes products with the centres
    and a sparse one.
    """
    from scipy import sparse

    M, n = cluster.shape
    kind = np.float32 if n < 2**24 else float  # which hold every count
    cluster, parts = cluster.view(np.int8), _blocks(M, max(M, n))
    centre = np.zeros((int(partition.max()) + 2, n), np.int8)
    centre[partition, np.arange(n)] = 1

    def shared():
        return np.concatenate([cluster[p].astype(kind) @ centre.T.astype(kind) for p in parts])

    near = (centre.sum(axis=1) - 2 * shared()).argmin(axis=1)
    for k in range(len(centre) - 1):
        centre[k] = 2 * cluster[near == k].sum(axis=0) > (near == k).sum()
    apart = sparse.vstack(
        [sparse.csr_array(cluster[p] - centre[near[p]]) for p in parts], dtype=kind
    )
    steps = (_count(apart.indices, minlength=n).astype(float) ** 2).sum()
    if 100 * steps + 250 * float(M) ** 2 > float(M) ** 2 * n:  # few points, or not alike
        dense = cluster.astype(kind)
        yield from ((p, (dense[p] @ dense.T).astype(np.intp)) for p in parts)
        return
    mine, centres = shared(), centre.astype(kind) @ centre.T.astype(kind)
    for p in parts:
        counts = (apart[p] @ apart.T).toarray()
        counts += mine[p][:, near] + mine[:, near[p]].T - centres[np.ix_(near[p], near)]
        yield p, counts.astype(np.intp)


def _clusters(rows, least=1):
    """The clusters of draws in canonical form, one a row of booleans, and the draw of each.

    Only those with at least so many points.
    """
    labels = [np.flatnonzero(_count(row) >= least) for row in rows]
    member = [row == found[:, None] for row, found in zip(rows, labels, strict=True)]
    return np.concatenate(member), np.repeat(np.arange(len(rows)), [len(m) for m in member])


class _Levels:
    """A search with the points of each cell together, and then with each point alone."""

    def __init__(self, rows, weights, loss, costs, size):
        cells = _cells(rows) if rows.shape[1] > SEATED else None
        self.points = _Search(rows, weights, loss, costs, size, cells)
        self.cell = None
        if cells is not None:
            self.cell, modes = cells
            self.first = np.unique(self.cell, return_index=True)[1]
            size = _count(self.cell, size).astype(np.intp)
            self.whole = _Search(modes, weights, loss, costs, size)

    def improve(self, start, rng, least=np.inf):
        """Search from a partition or from nothing (None).

        The partition itself is the start, too, where the search with the cells ends above least.
        """
        if self.cell is None:
            return self.points.improve(start, rng)
        ahead, _ = self.whole.improve(None if start is None else start[self.first], rng)
        found = self.points.improve(ahead[self.cell], rng)
        return found if found[1] <= least else self.points.improve(start, rng)


class _Search:
    """Greedy descent of the expected loss, one item at a time.

    An item is some points that are together in all draws and stay so. Items may be alike: then
    what they share is counted once, for their cell.
    """

    def __init__(self, rows, weights, loss, costs, size=None, cells=None):
        draws, n = rows.shape
        # Sizes are looked up in tables, by the machine's own integers on 32 bits too.
        self.size = np.ones(n, np.intp) if size is None else size
        total = int(self.size.sum())
        self.weights, self.costs = weights, costs
        self.g, self.total = _scale(loss, total)
        self.f = np.arange(total + 1) * self.g
        # What m g(m) gains when a cluster of m points gets one more; one of all points gets none.
        self.gain = np.append(np.diff(self.f), 0)
        # What is less is rounding: of gains as they stand in the table, or of differences.
        self.least = 1e-12 * self.gain.max() * sum(costs)
        self.rounding = np.where(
            self.size == 1, self.least, self.least * self.size + 1e-14 * self.f[-1] * sum(costs)
        )
        # The clusters of all draws are numbered on; an item's are next to one another.
        L = int(rows.max()) + 1
        ahead = np.arange(draws, dtype=np.int32) * np.int32(L)
        self.mine = rows.T.astype(np.int32, order="C")
        self.mine += ahead
        self.theirs = np.concatenate([_count(row, self.size, L) for row in rows]).astype(np.intp)
        self.weight = np.repeat(weights, L)[:, None]
        cell, modes = (None, None) if cells is None else (cells[0], cells[1].T + ahead)
        sizes = np.unique(self.size)
        alike = [np.flatnonzero(self.size == m) for m in sizes]
        # Few items are looked at one by one, and many of one size by a product for all of them.
        self.alone = np.concatenate([at for at in alike if len(at) < L] or [np.arange(0)])
        self.groups = [
            _Group(at, int(m), self.mine, cell, modes, draws * L)
            for at, m in zip(alike, sizes, strict=True)
            if len(at) >= L
        ]
        self.stopped: dict[bytes, float] = {}  # losses of the partitions where searches ended

    def improve(self, start, rng):
        """Sweep until no move helps, from a partition or (None) from no point seated at all.

        Return the partition and its expected loss.
        """
        n = len(self.mine)
        if start is not None:
            start = canonical(start)
            if start.tobytes() in self.stopped:
                return start, self.stopped[start.tobytes()]
        self.fill(np.full(n, -1) if start is None else start)
        if start is None:
            order = rng.permutation(n)
            for i in order[:SEATED].tolist():
                self.move(i)
            if len(later := order[SEATED:]):
                self.labels[later] = self.changes()[later].argmin(axis=1)
                self.fill(self.labels)
        while True:
            change = self.changes()
            here = change[np.arange(n), self.labels]
            change[np.arange(n), self.labels] = np.inf
            margin = change.min(axis=1) - here
            helped = np.flatnonzero(margin < -self.rounding)
            if len(helped) > SEATED and self._at_once(helped, change[helped].argmin(axis=1)):
                continue
            moved = self._sweep(rng.permutation(helped)[: max(SEATED, len(helped) // 4)])
            if moved and 4 * len(helped) < SEATED:  # those that the moves may help next
                near = margin.argsort(kind="stable")[: 4 * len(helped)]
                while self._sweep(rng.permutation(near)):
                    pass
            labels = canonical(self.labels)
            # Where one search stopped no other finds a better place.
            if labels.tobytes() in self.stopped or not (moved or self.merge()):
                return labels, self.stopped.setdefault(labels.tobytes(), self._loss())

    def _sweep(self, items):
        """Try to move each of the items in turn; return whether any moved."""
        moved = [self.move(i) for i in items.tolist()]
        return any(moved)

    def _loss(self):
        terms = _terms(self.g, self.both, self.sizes, self.theirs[:, None], self.costs)
        return float((self.weight * terms).sum() / self.total)

    def _at_once(self, items, places):
        """Move many items together; return whether that helps by more than rounding, or undo it."""
        before, kept = self._loss(), self.labels.copy()
        self.labels[items] = places
        self.fill(canonical(self.labels))
        if self._loss() < before * (1 - 1e-9):
            return True
        self.fill(kept)
        return False

    def fill(self, labels):
        """Count the intersections of all clusters of the draws with those of the estimate.

        Column k is cluster k of the estimate; the last one, at least, is empty. An item without a
        seat has the label -1 and counts in none.
        """
        self.labels = labels
        seated = labels >= 0
        self.sizes = _count(labels[seated], self.size[seated], labels.max() + 2).astype(np.intp)
        self.both = np.zeros((len(self.theirs), len(self.sizes)), np.int32)
        for i in self.alone[seated[self.alone]].tolist():
            self.both[self.mine[i], labels[i]] += self.size[i]
        for group in self.groups:
            group.count(labels, self.both)
        self.gains = self.gain[self.both]

    def changes(self):
        """What each item adds in each cluster, its own without it: shape (n, K)."""
        result = np.empty((len(self.mine), len(self.sizes)))
        for i in self.alone.tolist():
            result[i] = self._change(i)
        for group in self.groups:
            at, m = group.at, group.size
            own = np.tile(self._more(self.sizes, m), (len(at), 1))
            more = self.gains if m == 1 else self._more(self.both, m)
            shared = group.sums(more * self.weight)
            seated = np.flatnonzero(self.labels[at] >= 0)
            if len(seated):
                k = self.labels[at[seated]]
                own[seated, k] = self._more(self.sizes[k] - m, m)
                less = self._more(np.maximum(self.both - m, 0), m) * self.weight
                shared[seated, k] = group.own(less, self.labels)[seated]
            result[at] = self.costs[1] * own - sum(self.costs) * shared
        return result

    def _more(self, both, m):
        """What f gains where m points join so many; where they cannot join, any number."""
        if m == 1:
            return self.gain.take(both)
        return self.f.take(np.minimum(both + m, len(self.f) - 1)) - self.f.take(both)

    def _change(self, i):
        """What item i adds in each cluster, its own without it."""
        mine, old, m = self.mine[i], int(self.labels[i]), int(self.size[i])
        own = self._more(self.sizes, m)
        if m == 1:
            shared = self.gains.take(mine, axis=0)
        else:
            shared = self._more(self.both.take(mine, axis=0), m)
        if old >= 0:  # what is left of its cluster without it
            own[old] = self._more(self.sizes[old] - m, m)
            shared[:, old] = self._more(self.both[:, old].take(mine) - m, m)
        return self.costs[1] * own - sum(self.costs) * (self.weights @ shared)

    def move(self, i):
        """Put item i where the expected loss is least; return whether it moved."""
        old, change = int(self.labels[i]), self._change(i)
        new = int(change.argmin())
        # Stay unless another place is better by more than rounding, so that the sweeps end.
        if old >= 0 and change[new] >= change[old] - self.rounding[i]:
            return False
        self.labels[i] = new
        mine, m = self.mine[i], int(self.size[i])
        if old >= 0:
            self._add(mine, old, -m)
        self._add(mine, new, m)
        if new == len(self.sizes) - 1:
            more = len(self.sizes) // 4 + 1
            self.sizes = np.pad(self.sizes, (0, more))
            self.both, self.gains = (
                np.pad(t, ((0, 0), (0, more))) for t in (self.both, self.gains)
            )
        return True

    def merge(self):
        """Put the two clusters together that gain the most by it; return whether any do."""
        f, used = self.f, np.flatnonzero(self.sizes)
        sizes, both = self.sizes[used], self.both[:, used]
        alone = self.costs[1] * f[sizes] - sum(self.costs) * (self.weight.T @ f[both])[0]
        change = np.zeros((len(used), len(used)))
        for k in range(len(used) - 1):
            shared = self.weight.T @ f[both[:, k + 1 :] + both[:, [k]]]
            merged = self.costs[1] * f[sizes[k + 1 :] + sizes[k]] - sum(self.costs) * shared[0]
            change[k, k + 1 :] = merged - alone[k] - alone[k + 1 :]
        k, other = divmod(int(change.argmin()), len(used))
        if change[k, other] >= -self.least:
            return False
        self.labels[self.labels == used[other]] = used[k]
        self.fill(canonical(self.labels))
        return True

    def _add(self, mine, k, number):
        self.sizes[k] += number
        both = self.both[:, k].take(mine) + number
        self.both[mine, k] = both
        self.gains[mine, k] = self.gain.take(both)


class _Group:
    """Items of one size, and the sums over the clusters that they are in, one of each draw.

    An item is in the clusters of its cell, but for a few draws: one table of signs says where it
    is instead (1) and what it is not in (-1). Without cells the table says all.
    """

    def __init__(self, at, size, mine, cell, modes, codes):
        from scipy import sparse

        self.at, self.size, n = at, size, len(at)
        mine = mine if n == len(mine) else mine[at]
        if cell is None:
            self.cell, self.modes = np.zeros(n, np.intp), np.zeros((1, 0), np.int64)
            indices, signs, ends = mine.ravel(), np.ones(mine.size), len(mine[0]) * np.arange(n + 1)
        else:
            self.cell, self.modes = cell[at], modes
            found, ends = [], np.zeros(n + 1, np.int64)
            for part in _blocks(n, len(mine[0])):
                theirs = modes[self.cell[part]]
                unlike = mine[part] != theirs
                found.append(np.column_stack([mine[part][unlike], theirs[unlike]]))
                ends[1:][part] = 2 * unlike.sum(axis=1)
            indices, ends = np.concatenate(found).ravel(), ends.cumsum()
            signs = np.tile([1.0, -1.0], len(indices) // 2)
        self.apart = sparse.csr_array((signs, indices, ends), shape=(n, codes))
        self.ends = self.apart.indptr.astype(np.intp)

    def sums(self, table):
        """Sum the rows of a table over the clusters of each item: shape (items, columns)."""
        return np.array([table[code].sum(axis=0) for code in self.modes])[self.cell] + (
            self.apart @ table
        )

    def own(self, table, labels):
        """As sums, of the column of each item's own label alone."""
        labels = labels[self.at]
        result = np.array([table[code].sum(axis=0) for code in self.modes])[self.cell, labels]
        ends = self.ends
        for part in _blocks(len(labels), ends[-1] / len(labels) + 1):
            ahead = ends[part.start : part.stop + 1]
            entries = slice(ahead[0], ahead[-1])
            item = np.repeat(np.arange(len(ahead) - 1), np.diff(ahead))
            terms = table[self.apart.indices[entries], labels[part][item]]
            result[part] += _count(item, terms * self.apart.data[entries], len(ahead) - 1)
        return result

    def count(self, labels, both):
        """Add the items that have a label to the intersections with clusters of the draws."""
        labels = labels[self.at]
        seated = labels >= 0
        K = both.shape[1]
        cells = _count(self.cell[seated] * K + labels[seated], minlength=len(self.modes) * K)
        for code, numbers in zip(self.modes, cells.reshape(-1, K), strict=True):
            both[code] += (self.size * numbers).astype(both.dtype)
        ends = self.ends
        for part in _blocks(len(labels), ends[-1] / len(labels) + 1):
            ahead = ends[part.start : part.stop + 1]
            entries = slice(ahead[0], ahead[-1])
            label = np.repeat(labels[part], np.diff(ahead))
            cell = self.apart.indices[entries].astype(np.int64) * K + label
            found = _count(cell[label >= 0], self.apart.data[entries][label >= 0], both.size)
            both += (self.size * found.reshape(both.shape)).astype(both.dtype)
