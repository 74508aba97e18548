"""Reading a sample of partitions: similarity, losses, one partition to report, and how sure it is.

Both losses have one form. With sizes a_k and b_l of the clusters of two partitions and n_kl
of their intersections,

    loss(a, b) = sum f(a_k) + sum f(b_l) - 2 sum f(n_kl),

where f(m) = m log(m) / n gives the variation of information and
f(m) = m (m - 1) / (n (n - 1)) gives Binder's loss.
"""

import dataclasses
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
MOST_INDICATORS = 2**30  # of the clusters of all draws that are compared: 5 GB
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


def variation_of_information(a: ArrayLike, b: ArrayLike) -> Any:
    """Variation of information between partitions, in nats.

    Parameters
    ----------
    a : array_like of int, shape (n,)
        A partition, as labels.
    b : array_like of int, shape (n,) or (draws, n)
        Another partition of the same points, or one a row.

    Returns
    -------
    float or ndarray, shape (draws,)
        H(a | b) + H(b | a), between 0 and log n.

    Raises
    ------
    ValueError
        If a or b are not labels of the same n points.

    Notes
    -----
    Implements: DP-0134, DP-0135, DP-0137, DP-0138.

    References
    ----------
    M. Meila, "Comparing clusterings: an information based distance", Journal of
    Multivariate Analysis 98 (2007) 873-895.

    Examples
    --------
    >>> round(float(variation_of_information([0, 0, 1, 1], [0, 0, 0, 0])), 6)  # log 2
    0.693147
    """
    return _distance(a, b, "vi")


def binder(a: ArrayLike, b: ArrayLike) -> Any:
    """Binder's loss between partitions, as the share of the pairs on which they disagree.

    Parameters
    ----------
    a : array_like of int, shape (n,)
        A partition, as labels.
    b : array_like of int, shape (n,) or (draws, n)
        Another partition of the same points, or one a row.

    Returns
    -------
    float or ndarray, shape (draws,)
        Between 0 and 1; one minus the Rand index. 0 for a single point.

    Raises
    ------
    ValueError
        If a or b are not labels of the same n points.

    Notes
    -----
    Implements: DP-0132, DP-0133.

    References
    ----------
    D. A. Binder, "Bayesian cluster analysis", Biometrika 65 (1978) 31-38.

    Examples
    --------
    >>> round(float(binder([0, 0, 1], [0, 1, 1])), 6)  # two of three pairs
    0.666667
    """
    return _distance(a, b, "binder")


@keyword_only("loss", "weights")
def expected_loss(
    labels: ArrayLike, centre: ArrayLike, *, loss: str = "vi", weights: ArrayLike | None = None
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
    Implements: DP-0139, DP-0141, DP-0145.

    Examples
    --------
    >>> round(expected_loss([[0, 0, 1], [0, 1, 1]], [0, 0, 1], loss="binder"), 6)
    0.333333
    """
    rows, weights = _sample(labels, weights)
    return float(weights @ _distances(_centre(centre, rows), rows, _known(loss)))


@keyword_only("loss", "weights", "rng", "restarts")
def point_estimate(
    labels: ArrayLike,
    *,
    loss: str = "vi",
    weights: ArrayLike | None = None,
    rng: RNGLike = None,
    restarts: int = 8,
) -> Ints:
    """Partition of least expected loss that a greedy search finds.

    Parameters
    ----------
    labels : array_like of int, shape (draws, n)
        A sample from the posterior of the partition, one a row.
    loss : {"vi", "binder"}
        Which loss.
    weights : array_like, shape (draws,), optional
        Probability of each row, up to a constant; equal by default.
    rng : seed or numpy.random.Generator, optional
        Orders the sweeps.
    restarts : int
        Number of searches, >= 1: the first from the best draw, the others from random draws
        and from partitions that are built point by point in random order.

    Returns
    -------
    ndarray of int64, shape (n,)
        Labels by order of appearance. Its expected loss is at most that of the best draw.

    Raises
    ------
    ValueError
        If an argument has the wrong shape or type, or loss is unknown.

    Notes
    -----
    A sweep moves each point in turn to the cluster, old or new, where the expected loss is
    least, until no move helps. All draws are held in one table of intersections, so that a
    move costs one look-up a draw and cluster. To find the best draw takes time that grows with
    the square of their number: a second for 2000 draws of 80 points, half a minute for 10 000.
    Thin a longer chain.

    Implements: DP-0143, DP-0144, DP-0142.

    References
    ----------
    S. Wade and Z. Ghahramani, "Bayesian cluster analysis: point estimation and credible
    balls", Bayesian Analysis 13 (2018) 559-626. D. B. Dahl, D. J. Johnson and P. Mueller,
    "Search algorithms and loss functions for Bayesian clustering", Journal of Computational
    and Graphical Statistics 31 (2022) 1189-1201.

    Examples
    --------
    >>> point_estimate([[0, 0, 1, 1], [0, 0, 1, 2], [0, 0, 0, 1]], rng=1).tolist()
    [0, 0, 1, 2]
    """
    rows, weights = _sample(labels, weights)
    loss = _known(loss)
    restarts = check.integer("restarts", restarts, maximum=MOST_STARTS)
    rng = check.rng("rng", rng)
    rows, where = np.unique(rows, axis=0, return_inverse=True)
    clusters = rows.max(axis=1) + 1
    indicators = int(clusters.sum()) * rows.shape[1]
    check.within(
        "labels", labels, indicators, MOST_INDICATORS, "points times clusters of all draws"
    )
    check.room("labels", labels, len(rows) * int(clusters.max()) ** 2)
    weights = _count(where, weights)

    def expected(partition):
        return weights @ _distances(partition, rows, loss)

    search = _Search(rows, weights, loss)
    starts = [rows[_expected_losses(rows, weights, loss).argmin()]]
    for i in range(1, restarts):
        starts.append(None if i % 2 else rows[rng.choice(len(rows), p=weights)])
    return min((search.improve(start, rng) for start in starts), key=expected)


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
    level = check.positive("level", level)
    if level > 1:
        check.fail("level", level, "a number > 0 and <= 1")
    distance = _distances(_centre(centre, rows), rows, _known(loss))
    # Equal distances differ by rounding; what is within rounding of the radius is inside.
    order = np.argsort(distance, kind="stable")
    enough = np.cumsum(weights[order]) >= level - 1e-12
    radius = distance[order][enough.argmax()]
    inside = distance <= radius + 1e-12
    members, spread = rows[inside], distance[inside]
    clusters = members.max(axis=1) + 1
    pick = {
        "coarsest": np.lexsort((-spread, clusters))[0],
        "finest": np.lexsort((-spread, -clusters))[0],
        "farthest": spread.argmax(),
    }
    found = {name: members[i] for name, i in pick.items()}
    return CredibleBall(float(radius), float(weights[inside].sum()), inside, **found)


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


def _table(loss, n):
    """f(0), ..., f(n) of the loss."""
    m = np.arange(n + 1, dtype=float)
    if loss == "vi":
        return m * np.log(np.maximum(m, 1)) / n
    return m * (m - 1) / max(n * (n - 1), 1)


def _blocks(draws, size):
    step = max(1, _BLOCK // max(int(size), 1))
    return [slice(i, i + step) for i in range(0, draws, step)]


def _count(values, weights=None, minlength=0):
    """np.bincount, whose argument must be of the machine's own integers on 32 bits too.

    Counts have 64 bits everywhere: their squares and products would not fit in 32.
    """
    counts = np.bincount(values.ravel().astype(np.intp), weights, minlength)
    return counts if weights is not None else counts.astype(np.int64, copy=False)


def _distance(a, b, loss):
    a, rows = _one("a", a), canonical(_rows("b", b))
    if len(a) != rows.shape[1]:
        check.refuse("b", f"labels of {rows.shape[1]} points", f"labels of {len(a)} points")
    result = _distances(a, rows, loss)
    return result if np.ndim(b) == 2 else float(result[0])


def _distances(a, rows, loss):
    """Loss between one partition and each row, all in canonical form.

    Every term is >= 0 and exactly 0 where two clusters are one, so that a loss is 0 if and only
    if the partitions are equal, and nothing large cancels.
    """
    n = len(a)
    K, L = int(a.max()) + 1, int(rows.max()) + 1
    size = _count(a, minlength=K)
    log = np.log(np.arange(1, n + 1))
    result = np.empty(len(rows))
    for part in _blocks(len(rows), n):
        draws = len(rows[part])
        blocks = np.arange(draws, dtype=np.int64)[:, None] * L + rows[part]
        theirs = _count(blocks, minlength=draws * L)
        cell, both = _occurring((blocks * K + a).ravel(), draws * L * K)
        block, draw = cell // K, cell // (K * L)
        if loss == "vi":
            terms = both * (log[size[cell % K] - 1] + log[theirs[block] - 1] - 2 * log[both - 1])
            result[part] = _count(draw, terms, draws) / n
        else:
            pairs = (theirs.reshape(draws, L) ** 2).sum(axis=1) + (size**2).sum()
            np.subtract.at(pairs, draw, 2 * both**2)
            result[part] = pairs / max(n * (n - 1), 1)
    return result


def _occurring(codes, most):
    """Return which codes below most occur, in increasing order, and how often each."""
    if most > 4 * len(codes):  # a table of them all would be mostly zeros
        return np.unique(codes, return_counts=True)
    counts = _count(codes)
    found = np.flatnonzero(counts).astype(np.int64)
    return found, counts[found]


def _expected_losses(rows, weights, loss):
    """Expected loss of reporting each row, through the distinct clusters of all rows.

    The cross term of a report is a sum over its clusters S of sum_B P(B is a cluster) f(|S and B|),
    and draws have many clusters in common.
    """
    f = _table(loss, rows.shape[1])
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
    return prob @ size + _count(draw, (size - 2 * cross)[which])


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


class _Search:
    """Greedy descent of the expected loss, one point at a time."""

    def __init__(self, rows, weights, loss):
        self.weights = weights
        # What f gains when a cluster of m points gets one more; one of all points gets none.
        self.gain = np.append(np.diff(_table(loss, rows.shape[1])), 0)
        # The clusters of all draws are numbered on; a point's are next to one another.
        self.clusters = int(rows.max() + 1) * len(rows)
        self.mine = (np.arange(len(rows))[:, None] * (rows.max() + 1) + rows).T.copy()
        self.stopped = set()

    def improve(self, start, rng):
        """Sweep until no move helps, from a partition or (None) from no point seated at all."""
        n = len(self.mine)
        self.labels = np.full(n, -1) if start is None else start.copy()
        # Column k is cluster k of the estimate; the last one, at least, is empty.
        K = self.labels.max() + 2
        # Points without a seat count in a column more, which is then left out.
        cells = self.mine * (K + 1) + self.labels[:, None] % (K + 1)
        both = _count(cells, minlength=self.clusters * (K + 1)).reshape(-1, K + 1)
        self.both = both[:, :K].astype(np.int32)
        self.sizes = _count(self.labels % (K + 1), minlength=K + 1)[:K]
        self.gains = self.gain[self.both]
        while True:
            moved = [self.move(i) for i in rng.permutation(n).tolist()]
            labels = canonical(self.labels)
            # Where one search stopped no other finds a better place.
            if not any(moved) or labels.tobytes() in self.stopped:
                self.stopped.add(labels.tobytes())
                return labels

    def move(self, i):
        """Put point i where the expected loss is least; return whether it moved."""
        mine, old = self.mine[i], int(self.labels[i])
        own, shared = self.gain[self.sizes], self.gains.take(mine, axis=0)
        if old >= 0:  # what is left of its cluster without it
            own[old] = self.gain[self.sizes[old] - 1]
            shared[:, old] = self.gain.take(self.both[:, old].take(mine) - 1)
        change = own - 2 * (self.weights @ shared)
        new = int(change.argmin())
        # Stay unless another place is better by more than rounding, so that the sweeps end.
        if old >= 0 and change[new] >= change[old] - 1e-12:
            return False
        self.labels[i] = new
        if old >= 0:
            self._add(mine, old, -1)
        self._add(mine, new, 1)
        if new == len(self.sizes) - 1:
            more = len(self.sizes) // 4 + 1
            self.sizes = np.pad(self.sizes, (0, more))
            self.both, self.gains = (
                np.pad(t, ((0, 0), (0, more))) for t in (self.both, self.gains)
            )
        return True

    def _add(self, mine, k, number):
        self.sizes[k] += number
        both = self.both[:, k].take(mine) + number
        self.both[mine, k] = both
        self.gains[mine, k] = self.gain.take(both)
