"""The inner loops of the samplers: one sweep over the points, and what it needs of each family.

Every loop is one function. It runs as it stands, on lists, or compiled by numba, on arrays, where
numba is installed (``pip install dpnotes[fast]``). The random numbers are drawn by NumPy and handed
in, so that a seed gives the same chain either way.

A loop is made by a function ``make_...(*parts)`` from the parts of a family, so that each family is
compiled into a loop of its own; a part may itself be made of parts, as (make, *parts). Points are
centred at their mean, once; the base measure enters through tables that may change from sweep to
sweep.
"""

import hashlib
import inspect
import pathlib
from contextlib import suppress
from functools import cache, reduce
from math import exp, hypot, lgamma, log, log1p, pi, sqrt
from typing import Any

import numpy as np

from . import _progress
from ._numbers import factorial_excess, log_rising, sums_by_cluster
from ._validate import MOST, gaps
from .components import (
    BernoulliBeta,
    CategoricalDirichlet,
    Conditional,
    CorrelatedGaussian,
    ExponentialGamma,
    Gaussian,
    GeometricBeta,
    LogNormal,
    MultinomialDirichlet,
    NormalInverseGamma,
    NormalInverseWishart,
    PoissonGamma,
    Product,
    SphericalNormalInverseGamma,
    WithGaps,
)
from .components.gaussian import LOG_2PI, is_gaussian, is_wide, near, sums_of

# A weight below exp(-38) of the largest is under half the spacing of the uniforms.
NEGLIGIBLE = -38.0
# Sums of points farther out than this, in units of the noise, are not taken apart but made anew.
FAR = 1e7
# A point that leaves takes its square out of its cluster's spread, and with it digits. A total
# keeps the product of the shares that were left where a point took more than half; once it is below
# this, too many digits have cancelled, and the cluster is put together again from its points.
SHARE_LEFT = 1e-5
SLOTS = 16  # clusters that the work space holds at first


@cache
def compiled(make, *parts):
    """Return make(*parts) compiled by numba, or None where there is none or it is switched off.

    What is compiled for data of one layout is kept on disk, where numba keeps such files: in
    __pycache__, or in NUMBA_CACHE_DIR.
    """
    try:
        import numba
    except ImportError:
        return None
    config: Any = numba.config
    if config.DISABLE_JIT:
        return None
    options: dict[str, Any] = {"nogil": True, "no_cfunc_wrapper": True}
    loop = numba.njit(**options)(make(*map(ready, parts)))
    loop._compiler.compile = patiently(loop._compiler.compile)
    with suppress(RuntimeError, OSError):  # no folder that can be written to
        loop._cache = kept()(loop.py_func, (make, parts))
    return loop


def patiently(compile):
    """Say a word where compiling takes long, and none once it has ended, or failed."""

    def compiling(*arguments):
        done = _progress.patience(
            "compiling loops for this kind of data: once, up to half a minute"
        )
        try:
            return compile(*arguments)
        finally:
            done()

    return compiling


@cache
def ready(part, inside=False):
    """Return a part compiled; inside, if it belongs to one group of columns among several.

    The parts of a group are compiled once for all loops and all products, and called; what hands
    on to two groups vanishes into the part that hands on to all, and that of the sweep into it.
    """
    import numba

    making, *inner = part if isinstance(part, tuple) else (part,)
    both = making in BOTH or making is make_both
    called = both or making is make_step
    ahead = making(*(ready(one, called) for one in inner)) if isinstance(part, tuple) else part
    never = making in CALLED or (not both if inside else making in BOTH)
    options: dict[str, Any] = {
        "inline": "never" if never else "always",
        # No part divides by 0 under a fixed base measure, and to ask each time takes long.
        "error_model": "numpy" if both or inside else "python",
        "no_cpython_wrapper": True,
        "no_cfunc_wrapper": True,
    }
    return numba.njit(**options)(ahead)


@cache
def kept():
    """Return what keeps compiled loops on disk, under the names of the parts they are made of.

    By itself numba finds no loop again that is made of parts: it compares them, not their names.
    """
    from numba.core.caching import FunctionCache, IndexDataCacheFile

    folder = pathlib.Path(__file__).parent
    source = [(folder / name).read_bytes() for name in ("_sweeps.py", "_moves.py")]
    source.append(repr(MOST).encode())  # the one number in a loop that comes from elsewhere
    version = hashlib.sha256(b"".join(source)).hexdigest()

    def named(part):
        return tuple(map(named, part)) if isinstance(part, tuple) else part.__qualname__

    class Keyed(IndexDataCacheFile):
        """Files that hold their key: two processes may have written one under the same number."""

        def save(self, key, data):
            super().save(key, (key, data))

        def load(self, key):
            own, data = super().load(key) or (None, None)
            return data if own == key else None

    class Kept(FunctionCache):
        def __init__(self, loop, parts):
            super().__init__(loop)
            self._cache_file = Keyed(self.cache_path, self._impl.filename_base, version)
            self.names = named(parts)

        def _index_key(self, sig, codegen):
            return sig, codegen.magic_tuple(), version, self.names

        def load_overload(self, sig, target_context):
            try:
                return super().load_overload(sig, target_context)
            except Exception:  # a spoilt file raises whatever unpickling does
                with suppress(OSError):
                    self.flush()
            return None

        def save_overload(self, sig, data):
            with suppress(OSError):  # a full disk: it is compiled again next time
                super().save_overload(sig, data)

    return Kept


def native(make, *parts):
    """Return make(*parts), and how to hand it arrays: as they are if compiled, else as lists."""
    loop = compiled(make, *parts)
    if loop is None:
        return make(*map(made, parts)), np.ndarray.tolist
    return loop, np.ascontiguousarray


def made(part):
    """Return a part as a function: it may be (make, *parts), which is made of other parts."""
    if not isinstance(part, tuple):
        return part
    make, *inner = part
    return make(*map(made, inner))


def each(give, arrays):
    """Return arrays in nested tuples, each handed on by give."""
    return tuple(each(give, a) for a in arrays) if isinstance(arrays, tuple) else give(arrays)


# Parts that all loops share.


def choose(count, score, uniform):
    """Return r with probability proportional to exp(score[r]), r < count; score is overwritten."""
    top = score[0]
    for r in range(1, count):
        if score[r] > top:
            top = score[r]
    total = 0.0
    for r in range(count):
        below = score[r] - top
        if below > NEGLIGIBLE:
            total += exp(below)
        score[r] = total
    target = uniform * total
    r = 0
    while score[r] < target:
        r += 1
    return r


def free(k, K, slots):
    """Take slot k out of the K slots in use, and put it first among those free."""
    r = 0
    while slots[r] != k:
        r += 1
    slots[r] = slots[K - 1]
    slots[K - 1] = k


def rename(labels, names, places):
    """Number the clusters by order of appearance; places lists their old numbers."""
    for k in range(len(names)):
        names[k] = -1
    K = 0
    for i in range(len(labels)):
        k = labels[i]
        if names[k] < 0:
            names[k] = K
            places[K] = k
            K += 1
        labels[i] = names[k]
    return K


def in_order(rows):
    """Return partitions, one a row, with labels 0, 1, ... by order of appearance: int64."""
    draws, n = rows.shape
    # A stable sort puts the first appearance of each label first in its run.
    order = np.argsort(rows, axis=1, kind="stable")
    ordered = np.take_along_axis(rows, order, axis=1)
    starts = np.ones((draws, n), bool)
    starts[:, 1:] = ordered[:, 1:] != ordered[:, :-1]
    run = np.cumsum(starts, axis=1, dtype=np.int64) - 1
    appeared = np.full((draws, n), n, dtype=np.int64)
    draw, place = np.nonzero(starts)
    appeared[draw, run[draw, place]] = order[draw, place]
    rank = np.argsort(np.argsort(appeared, axis=1), axis=1)
    result = np.empty((draws, n), dtype=np.int64)
    np.put_along_axis(result, order, np.take_along_axis(rank, run, axis=1), axis=1)
    return result


# Algorithm 3: parameters integrated out.


def make_collapsed(clear, absorb, release, refresh, density, choose, free, rename):
    """Return the sweep of Algorithm 3 for a family of clusters.

    Slot k holds a cluster: its size, what it remembers of its points (its total), and what its
    predictive density needs (its row). The parts write them: clear makes a total that of no points,
    absorb and release take a point in and out, refresh writes the row, density the log of size
    times density of point i for each slot. slots lists the K slots in use, then those free; a free
    slot is a cluster of no points, so that slots[K] is the new one and no case is special. What
    loops only hand on (values, tables, totals, rows) is an array or a tuple, as the parts have it.
    The sweep returns K, or -1 when there are more clusters than slots; places[:K] are the slots of
    the clusters, by order of appearance.
    """

    def sweep(values, tables, uniforms, labels, totals, rows, score, sizes, slots, places):
        n, room, K = len(labels), len(sizes), 0
        for k in range(room):
            slots[k] = k
            sizes[k] = 0
            clear(k, totals, tables)
        for i in range(n):
            k = labels[i]
            if k >= 0:
                K = max(K, k + 1)
                if K == room:
                    return -1
                absorb(i, k, sizes[k], values, totals, tables)
                sizes[k] += 1
        for k in range(K + 1):
            refresh(k, sizes[k], totals, tables, rows)

        for i in range(n):
            k = labels[i]
            if k >= 0:
                labels[i] = -1
                sizes[k] -= 1
                if sizes[k] == 0:
                    clear(k, totals, tables)
                    free(k, K, slots)
                    K -= 1
                elif not release(i, k, sizes[k], values, totals, tables):
                    clear(k, totals, tables)
                    size = 0
                    for j in range(n):
                        if labels[j] == k:
                            absorb(j, k, size, values, totals, tables)
                            size += 1
                refresh(k, sizes[k], totals, tables, rows)

            density(i, K + 1, values, slots, sizes, totals, tables, rows, score)
            r = choose(K + 1, score, uniforms[i])
            k = slots[r]
            if r == K:
                K += 1
                if K == room:
                    return -1
                refresh(slots[K], 0, totals, tables, rows)
            labels[i] = k
            absorb(i, k, sizes[k], values, totals, tables)
            sizes[k] += 1
            refresh(k, sizes[k], totals, tables, rows)
        return rename(labels, slots, places)

    return sweep


def make_stepped(step, choose, free, rename):
    """Return the sweep of :func:`make_collapsed` for several groups of columns.

    It hands on to each group once a point, not five times, for that is what takes long: a step
    seats the last point, takes the next one out, and writes its weights. It stands in one place,
    since each call of it takes long to compile.
    """

    def sweep(values, tables, uniforms, labels, totals, rows, score, sizes, slots, places):
        n, room, K = len(labels), len(sizes), 0
        for r in range(room):
            slots[r] = r
            sizes[r] = 0
        for i in range(n):
            k = labels[i]
            if k >= 0:
                K = max(K, k + 1)
                if K == room:
                    return -1
                sizes[k] += 1

        # Slots to put together, at first all, without point 0; then that of the last point.
        anew, start, end = True, 0, room
        for i in range(n):
            left, exact = labels[i], False
            if left >= 0:
                labels[i] = -1
                sizes[left] -= 1
                if sizes[left] == 0:
                    free(left, K, slots)
                    K -= 1
            out = -1 if i == 0 else left
            while not exact:
                moved = anew, start, end, out
                exact = step(
                    i, K + 1, moved, labels, values, slots, sizes, totals, tables, rows, score
                )
                anew, start, end, out = True, left, left + 1, -1
            r = choose(K + 1, score, uniforms[i])
            k = slots[r]
            if r == K:
                K += 1
                if K == room:
                    return -1
            labels[i] = k
            sizes[k] += 1
            anew, start, end = False, k, k + 1
        return rename(labels, slots, places)

    return sweep


def make_step(clear, absorb, release, refresh, density):
    """Return what a group of columns does from one choice to the next.

    The clusters in slots from start to end are put together anew, or point i - 1 has gone to the
    one there; i has left a slot, or none, -1. If what is left there must be put together, it
    returns False, and has no weights. Rows of slots without points are always written: those of
    all at first, and of one when its last point leaves. Each part is called in one place, since
    that takes long to compile.
    """

    def step(i, count, moved, labels, values, slots, sizes, totals, tables, rows, score):
        anew, start, end, left = moved
        for r in range(start, end):
            sizes[r] = 0 if anew else sizes[r] - 1
            if anew:
                clear(r, totals, tables)
        for p in range(0 if anew else i - 1, len(labels) if anew else i):
            r = labels[p]
            if start <= r < end:
                absorb(p, r, sizes[r] + 1 if r == left else sizes[r], values, totals, tables)
                sizes[r] += 1
        exact = True
        if left >= 0:
            if sizes[left] == 0:
                clear(left, totals, tables)
            else:
                exact = release(i, left, sizes[left], values, totals, tables)
        for q in range(start - 1, end):
            r = left if q < start else q
            if r >= 0 and (r != left or (exact and q < start)):
                refresh(r, sizes[r], totals, tables, rows)
        if exact:
            density(i, count, values, slots, sizes, totals, tables, rows, score)
        return exact

    return step


def make_joint(clear, absorb, release, refresh, density):
    """Return what adds up the log weights of the seats of all points, taken one after another.

    That is the log of the joint density of the partition and the points, but for what depends on
    alpha and n alone. The work space has a slot for each cluster.
    """

    def joint(values, tables, labels, totals, rows, score, sizes, slots):
        for k in range(len(sizes)):
            sizes[k] = 0
            clear(k, totals, tables)
            refresh(k, 0, totals, tables, rows)
        value = 0.0
        for i in range(len(labels)):
            k = labels[i]
            slots[0] = k
            density(i, 1, values, slots, sizes, totals, tables, rows, score)
            value += score[0]
            absorb(i, k, sizes[k], values, totals, tables)
            sizes[k] += 1
            refresh(k, sizes[k], totals, tables, rows)
        return value

    return joint


class Seating:
    """The sweep of Algorithm 3 over given points, with its tables and its work space."""

    def __init__(self, family, x):
        self.inner = inner = parts_of(family, x)
        parts = *inner.parts, choose, free, rename
        if isinstance(inner, AnyFamily):
            self.loop, self.give = make_collapsed(*parts), np.asarray
            self.adding = make_joint(*inner.parts)
        else:
            if isinstance(inner, Both):
                self.loop, self.give = native(make_stepped, inner.step, choose, free, rename)
            else:
                self.loop, self.give = native(make_collapsed, *parts)
            self.adding, _ = native(make_joint, *inner.parts)
        self.made_of, self.nogil = (family, x), self.give is np.ascontiguousarray
        self.n = len(x)
        self.values = each(self.give, inner.values)
        tables = inner.tables()
        self.tables, self.log_new = each(self.give, tables), float(tables[0][0])
        self.base: tuple[Any, Any, Any] = None, None, None
        self._make_room(SLOTS)

    def __reduce__(self):
        # A compiled loop cannot be copied; a copy has a work space of its own.
        return Seating, self.made_of

    def rebase(self, mean, strength, scale):
        """Change the base measure; nothing that depends on the points is computed again.

        For clusters of unknown covariance alone.
        """
        base = mean, strength, scale
        # The arrays of a state are never written to, so that the same ones hold the same.
        if any(new is not old for new, old in zip(base, self.base, strict=True)):
            loop, give = native(*self.inner.learning)
            each_size = len(self.tables[1]) // (self.n + 1)
            where = give(self.inner.centre), each_size, self.tables[1], self.tables[3]
            # A copy, since numba would compile the loop for read-only arrays anew.
            loop(give(mean), strength, give(np.array(scale)), *where)
            self.base = base

    def complete(self, missing, cells):
        """Put in the cells of points that are missing; for clusters of unknown covariance alone."""
        rows, columns = missing
        away = cells - self.inner.centre[columns]
        if self.nogil:
            self.values[rows, columns] = away
            return
        for i, j, value in zip(rows.tolist(), columns.tolist(), away.tolist(), strict=True):
            self.values[i][j] = value

    def cells(self, missing):
        """Return what stands in the cells of points that are missing."""
        rows, columns = missing
        if self.nogil:
            away = self.values[rows, columns]
        else:
            pairs = zip(rows.tolist(), columns.tolist(), strict=True)
            away = np.array([self.values[i][j] for i, j in pairs])
        return away + self.inner.centre[columns]

    def _make_room(self, room):
        integers = [self.give(np.zeros(room, np.int64)) for _ in range(3)]
        floats = *self.inner.space(room), np.zeros(room)
        self.work = *each(self.give, floats), *integers

    def __call__(self, labels, alpha, uniforms):
        """Reseat every point; return the labels by order of appearance."""
        self.tables[0][0] = self.log_new + log(alpha)
        uniforms = self.give(uniforms)
        while True:
            seated = self.give(labels.astype(np.int64))
            if self.loop(self.values, self.tables, uniforms, seated, *self.work) >= 0:
                return np.asarray(seated)
            self._make_room(2 * len(self.work[2]))

    def log_joint(self, labels, alpha):
        """Return log P(partition | alpha) + log p(x | partition), for labels 0 to K - 1."""
        self.tables[0][0] = self.log_new + log(alpha)
        if labels.max() >= len(self.work[2]):
            self._make_room(int(labels.max()) + 1)
        seated = self.give(labels.astype(np.int64))
        value = self.adding(self.values, self.tables, seated, *self.work[:5])
        return value + self.inner.constant + lgamma(alpha) - lgamma(alpha + len(labels))

    def clusters(self, labels, rng):
        """Draw mu and what else is unknown of every cluster given its points: shape (K, q).

        For clusters of unknown covariance alone.
        """
        inner, give, d = self.inner, self.give, len(self.inner.centre)
        sizes = np.bincount(labels.astype(np.intp, copy=False))
        K = len(sizes)
        if K > len(self.work[2]):
            self._make_room(K)
        gammas = give(standard_gammas(inner.half_dof[sizes], rng))
        normals = give(rng.standard_normal((K, inner.normals)))
        theta, work = give(np.empty((K, inner.parameters))), give(np.empty((d, d)))
        loop, _ = native(*inner.drawing)
        points = self.values, give(inner.centre), give(labels)
        loop(*points, self.tables, self.work[0], self.work[3], gammas, normals, work, theta)
        return np.asarray(theta)


def standard_gammas(shapes, rng):
    """Draw Gamma(shape, 1) variables: as rng.standard_gamma, which takes long for few of them."""
    if shapes.size > 8:
        return rng.standard_gamma(shapes)
    return np.array([rng.standard_gamma(s) for s in shapes.ravel().tolist()]).reshape(shapes.shape)


class Parts:
    """What a sweep needs of a family and its points: values, tables and parts that read them.

    The log weight of a cluster of each size stands in log_weight. What the density of a point
    leaves out, the same for every cluster, stands in ``constant``, added up.
    """

    constant = 0.0
    values: Any
    parts: tuple[Any, ...]
    total: int
    row: int

    @property
    def step(self):
        """What goes on by a point: see :func:`make_stepped`."""
        return (make_step, *self.parts)

    def space(self, room):
        """Return room for the totals and the rows of so many clusters."""
        return np.zeros((room, self.total)), np.zeros((room, self.row))


class KnownVariance(Parts):
    """Gaussian clusters of known variance; a total is the sum of the points and of the prior."""

    def __init__(self, family, x):
        centre = near(family, x).origin
        self.values = x - centre
        far = np.abs(self.values).max() > FAR * np.sqrt(family.noise_var)
        self.family = family
        self.parts = _clear, _sum_in, _sum_anew if far else _sum_out, _known_row, _known
        self.total, self.row = family.dim, 2 + family.dim
        size = np.arange(len(x) + 1.0)
        # Observations that the prior mean is worth; more than 1e100 are as good as infinitely many.
        # And fewer than 1e-100 as good as none, once there is a point.
        worth = min(max(family.noise_var / family.var, 1e-100), 1e100)
        self.shrink = 1 / (worth + size)
        var = family.noise_var * (1 + self.shrink)
        var[0] = family.noise_var + family.var
        self.half_precision = 0.5 / var
        self.log_weight = np.log(np.maximum(size, 1)) - 0.5 * family.dim * (LOG_2PI + np.log(var))
        self.prior = worth * (family.mean - centre)

    def tables(self):
        return self.log_weight, self.shrink, self.half_precision, self.prior


def _clear(k, totals, tables):
    total, prior = totals[k], tables[3]  # a factor may stand behind the prior
    for j in range(len(total)):
        total[j] = prior[j]


def _sum_in(i, k, size, values, totals, tables):
    point, total = values[i], totals[k]
    for j in range(len(point)):
        total[j] += point[j]


def _sum_out(i, k, size, values, totals, tables):
    point, total = values[i], totals[k]
    for j in range(len(point)):
        total[j] -= point[j]
    return True


def _sum_anew(i, k, size, values, totals, tables):
    return False


def _known_row(k, size, totals, tables, rows):
    total, row = totals[k], rows[k]
    log_weight, shrink, half_precision, _ = tables
    row[0] = log_weight[size]
    row[1] = half_precision[size]
    factor = shrink[size]
    for j in range(len(total)):
        row[2 + j] = factor * total[j]


def _known(i, count, values, slots, sizes, totals, tables, rows, score):
    point = values[i]
    for r in range(count):
        row = rows[slots[r]]
        square = 0.0
        for j in range(len(point)):
            away = point[j] - row[2 + j]
            square += away * away
        score[r] = row[0] - row[1] * square


class KnownCovariance(Parts):
    """Gaussian clusters of one covariance matrix; a total is the posterior mean.

    The prior mean in the tables is followed by the lower Cholesky factor of the matrix, column
    after column, so that a learned matrix changes the tables alone. A row has the mean, and a
    point is, divided by the factor: once, and not for each cluster.
    """

    def __init__(self, family, x):
        d = family.dim
        self.centre = near(family, x).origin
        self.values = x - self.centre
        far = np.abs(self.values).max() > FAR * np.sqrt(family._noise)
        out = _sum_anew if far else _mean_out
        self.parts = _clear, _mean_in, out, (make_turned_row, turn), (make_turned, turn)
        self.total, self.row = d, 2 + d
        size = np.arange(len(x) + 1.0)
        self.log_weight = np.log(np.maximum(size, 1)) - 0.5 * d * LOG_2PI
        self.shrink = 1 / (family.strength + size)
        self.prior = np.append(family.mean - self.centre, np.ones(d * (d + 1) // 2))
        _fill_factor(family.cov, self.prior)
        self.scratch = np.zeros(d)
        self.half_dof = np.zeros((len(x) + 1, 0))
        self.learning = make_tables, _fill_factor
        self.drawing = make_clusters, _clear, _mean_in, _draw_mean
        self.normals, self.parameters = d, d

    def tables(self):
        return self.log_weight, self.shrink, self.scratch, self.prior


def _mean_in(i, k, size, values, totals, tables):
    point, total, factor = values[i], totals[k], tables[1][size + 1]
    for j in range(len(point)):
        total[j] += (point[j] - total[j]) * factor


def _mean_out(i, k, size, values, totals, tables):
    point, total, factor = values[i], totals[k], tables[1][size]
    for j in range(len(point)):
        total[j] -= (point[j] - total[j]) * factor
    return True


def turn(z, prior):
    """Divide z by the Cholesky factor that stands behind the prior mean."""
    dim, at = len(z), len(z)
    for j in range(dim):
        z[j] /= prior[at]
        for h in range(1, dim - j):
            z[j + h] -= prior[at + h] * z[j]
        at += dim - j


def make_turned_row(turn):
    def refresh(k, size, totals, tables, rows):
        total, row, z, prior = totals[k], rows[k], tables[2], tables[3]
        dim, more = len(z), 1 + tables[1][size]
        value, at = tables[0][size] - 0.5 * dim * log(more), dim
        for j in range(dim):
            z[j] = total[j]
            value -= log(prior[at])
            at += dim - j
        turn(z, prior)
        row[0] = value
        row[1] = 0.5 / more
        for j in range(dim):
            row[2 + j] = z[j]

    return refresh


def make_turned(turn):
    def density(i, count, values, slots, sizes, totals, tables, rows, score):
        point, z = values[i], tables[2]
        for j in range(len(z)):
            z[j] = point[j]
        turn(z, tables[3])
        for r in range(count):
            row = rows[slots[r]]
            square = 0.0
            for j in range(len(z)):
                away = z[j] - row[2 + j]
                square += away * away
            score[r] = row[0] - row[1] * square

    return density


def _draw_mean(k, size, tables, centre, totals, gammas, normals, m, theta):
    """Draw mu, by the Cholesky factor of the matrix."""
    total, row, prior, dim = totals[k], theta[k], tables[3], len(centre)
    width, at = sqrt(tables[1][size]), dim
    for j in range(dim):
        row[j] = centre[j] + total[j]
    for h in range(dim):
        for j in range(h, dim):
            row[j] += width * prior[at + j - h] * normals[k][h]
        at += dim - h


class UnknownVariances(Parts):
    """Independent coordinates of unknown mean and variance.

    A total is the posterior mean and twice the posterior rate of each coordinate, brought from one
    point to the next, so that no squares of large numbers are subtracted; and the share left.
    """

    def __init__(self, family, x):
        self.parts = _clear, _spread_in, _spread_out, _spread_row, _student
        self.centre = near(family, x).origin
        self.values = x - self.centre
        self.total, self.row = 2 * family.dim + 1, 1 + 3 * family.dim
        size = np.arange(len(x) + 1.0)[:, None]
        power = family.shape + 0.5 + 0.5 * size
        const = log_rising(family.shape + 0.5 * size, 0.5) - 0.5 * np.log(np.pi)
        self.log_weight = np.log(np.maximum(size[:, 0], 1)) + const.sum(axis=1)
        self.power = power.ravel()
        self.shrink = (1 / (family.strength + size)).ravel()
        self.prior = np.concatenate([family.mean - self.centre, 2 * family.rate, [1.0]])
        self.half_dof = family.shape + 0.5 * size
        self.learning = make_tables, _fill_spread
        self.drawing = make_clusters, _clear, _spread_in, _draw_spread
        self.normals, self.parameters = family.dim, 2 * family.dim

    def tables(self):
        return self.log_weight, self.shrink, self.power, self.prior


def _spread_in(i, k, size, values, totals, tables):
    point, total, shrink = values[i], totals[k], tables[1]
    dim = len(point)
    for j in range(dim):
        away = point[j] - total[j]
        total[j] += away * shrink[(size + 1) * dim + j]
        total[dim + j] += away * (point[j] - total[j])


def _spread_out(i, k, size, values, totals, tables):
    point, total, shrink = values[i], totals[k], tables[1]
    dim = len(point)
    for j in range(dim):
        away = point[j] - total[j]
        total[j] -= away * shrink[size * dim + j]
        left = total[dim + j] - away * (point[j] - total[j])
        if not left > 0.5 * total[dim + j]:
            total[2 * dim] *= left / total[dim + j]
        total[dim + j] = left
    return total[2 * dim] > SHARE_LEFT


def _spread_row(k, size, totals, tables, rows):
    total, row = totals[k], rows[k]
    log_weight, shrink, power = tables[0], tables[1], tables[2]
    dim = len(total) // 2
    row[0] = log_weight[size]
    for j in range(dim):
        spread = total[dim + j] * (1 + shrink[size * dim + j])
        row[0] -= 0.5 * log(spread)
        row[1 + j] = total[j]
        row[1 + dim + j] = 1 / spread
        row[1 + 2 * dim + j] = power[size * dim + j]


def _fill_spread(scale, prior):
    dim = len(scale)
    for j in range(dim):
        prior[dim + j] = scale[j][j]


def _draw_spread(k, size, tables, centre, totals, gammas, normals, m, theta):
    """Draw (mu, variances), coordinate by coordinate, each variance the rate over a gamma."""
    total, row, shrink, dim = totals[k], theta[k], tables[1], len(centre)
    for j in range(dim):
        sd = sqrt(total[dim + j]) / sqrt(2 * gammas[k][j])
        row[j] = centre[j] + total[j]
        row[j] += sqrt(shrink[size * dim + j]) * sd * normals[k][j]
        row[dim + j] = sd * sd


def _student(i, count, values, slots, sizes, totals, tables, rows, score):
    point = values[i]
    dim = len(point)
    for r in range(count):
        row = rows[slots[r]]
        value = row[0]
        for j in range(dim):
            away = point[j] - row[1 + j]
            value -= row[1 + 2 * dim + j] * log1p(away * away * row[1 + dim + j])
        score[r] = value


class UnknownVariance(Parts):
    """Coordinates of unknown means and of one variance.

    A total is the posterior mean and twice the posterior rate, brought from one point to the next
    as in :class:`UnknownVariances`; and the share left.
    """

    def __init__(self, family, x):
        self.parts = _clear, _ball_in, _ball_out, _ball_row, _ball_student
        d = family.dim
        self.centre = near(family, x).origin
        self.values = x - self.centre
        self.total, self.row = d + 2, 3
        size = np.arange(len(x) + 1.0)
        shape = family.shape + 0.5 * d * size
        const = log_rising(shape, d / 2) - 0.5 * d * np.log(np.pi)
        self.log_weight, self.power = np.log(np.maximum(size, 1)) + const, shape + 0.5 * d
        self.shrink = 1 / (family.strength + size)
        self.prior = np.concatenate([family.mean - self.centre, [2 * family.rate, 1.0]])
        self.half_dof = shape[:, None]
        self.learning = make_tables, _fill_ball
        self.drawing = make_clusters, _clear, _ball_in, _draw_ball
        self.normals, self.parameters = d, d + 1

    def tables(self):
        return self.log_weight, self.shrink, self.power, self.prior


def _ball_in(i, k, size, values, totals, tables):
    point, total, shrink = values[i], totals[k], tables[1]
    dim = len(point)
    for j in range(dim):
        away = point[j] - total[j]
        total[j] += away * shrink[size + 1]
        total[dim] += away * (point[j] - total[j])


def _ball_out(i, k, size, values, totals, tables):
    point, total, shrink = values[i], totals[k], tables[1]
    dim = len(point)
    left = total[dim]
    for j in range(dim):
        away = point[j] - total[j]
        total[j] -= away * shrink[size]
        left -= away * (point[j] - total[j])
    if not left > 0.5 * total[dim]:
        total[dim + 1] *= left / total[dim]
    total[dim] = left
    return total[dim + 1] > SHARE_LEFT


def _ball_row(k, size, totals, tables, rows):
    total, row = totals[k], rows[k]
    log_weight, shrink, power = tables[0], tables[1], tables[2]
    dim = len(total) - 2
    spread = total[dim] * (1 + shrink[size])
    row[0] = log_weight[size] - 0.5 * dim * log(spread)
    row[1] = 1 / spread
    row[2] = power[size]


def _ball_student(i, count, values, slots, sizes, totals, tables, rows, score):
    point = values[i]
    for r in range(count):
        row, total = rows[slots[r]], totals[slots[r]]
        square = 0.0
        for j in range(len(point)):
            away = point[j] - total[j]
            square += away * away
        score[r] = row[0] - row[2] * log1p(square * row[1])


def _fill_ball(scale, prior):
    prior[len(scale)] = scale[0][0]


def _draw_ball(k, size, tables, centre, totals, gammas, normals, m, theta):
    """Draw (mu, variance), the variance the rate over a gamma."""
    total, row, dim = totals[k], theta[k], len(centre)
    sd = sqrt(total[dim]) / sqrt(2 * gammas[k][0])
    for j in range(dim):
        row[j] = centre[j] + total[j] + sqrt(tables[1][size]) * sd * normals[k][j]
    row[dim] = sd * sd


class UnknownCovariance(Parts):
    """Clusters of unknown mean and covariance matrix.

    A total is the posterior mean and, column after column, the lower Cholesky factor of the
    posterior scale, and the share left. A point changes the scale by a matrix of rank one, and the
    factor in O(d^2).
    """

    def __init__(self, family, x):
        self.parts = _clear, _factor_in, _factor_out, _factor_row, _multi_student
        d = family.dim
        self.centre = near(family, x).origin
        self.values = x - self.centre
        self.total, self.row = d + d * (d + 1) // 2 + 1, 3 + d
        size = np.arange(len(x) + 1.0)
        dof = family.dof + size
        const = log_rising((dof - (d - 1)) / 2, d / 2) - 0.5 * d * np.log(np.pi)
        self.log_weight, self.half_power = np.log(np.maximum(size, 1)) + const, (dof + 1) / 2
        self.shrink = 1 / (family.strength + size)
        self.prior, self.scratch = (
            np.append(family.mean - self.centre, np.ones(self.total - d)),
            np.zeros(d),
        )
        _fill_factor(family.scale, self.prior)
        self.half_dof = (dof[:, None] - np.arange(d)) / 2
        self.learning = make_tables, _fill_factor
        self.drawing = make_clusters, _clear, _factor_in, _draw_factor
        self.normals, self.parameters = d * (d + 1) // 2, d + d * d

    def tables(self):
        return self.log_weight, self.shrink, self.half_power, self.prior, self.scratch


def _factor_in(i, k, size, values, totals, tables):
    point, total, shrink, v = values[i], totals[k], tables[1], tables[4]
    dim = len(point)
    root = sqrt(shrink[size + 1] / shrink[size])
    for j in range(dim):
        away = point[j] - total[j]
        total[j] += away * shrink[size + 1]
        v[j] = away * root
    at = dim
    for j in range(dim):
        pivot = total[at]
        new = sqrt(pivot * pivot + v[j] * v[j])
        sine, cosine = v[j] / new, pivot / new
        total[at] = new
        for i in range(1, dim - j):
            below = total[at + i]
            total[at + i] = cosine * below + sine * v[j + i]
            v[j + i] = cosine * v[j + i] - sine * below
        at += dim - j


def _factor_out(i, k, size, values, totals, tables):
    point, total, shrink, v = values[i], totals[k], tables[1], tables[4]
    dim = len(point)
    root = sqrt(shrink[size] / shrink[size + 1])
    for j in range(dim):
        away = point[j] - total[j]
        total[j] -= away * shrink[size]
        v[j] = away * root
    left, at = 1.0, dim  # share of the determinant that is left
    for j in range(dim):
        pivot = total[at]
        square = (pivot - v[j]) * (pivot + v[j])
        left *= square / (pivot * pivot)
        if not left > SHARE_LEFT:
            return False
        new = sqrt(square)
        sine, cosine, secant = v[j] / pivot, new / pivot, pivot / new
        total[at] = new
        for i in range(1, dim - j):
            total[at + i] = (total[at + i] - sine * v[j + i]) * secant
            v[j + i] = cosine * v[j + i] - sine * total[at + i]
        at += dim - j
    if left < 0.5:
        total[at] *= left
    return total[at] > SHARE_LEFT


def _factor_row(k, size, totals, tables, rows):
    total, row = totals[k], rows[k]
    log_weight, shrink, half_power = tables[0], tables[1], tables[2]
    dim = len(row) - 3
    more = 1 + shrink[size]
    value, at = log_weight[size] - 0.5 * dim * log(more), dim
    for j in range(dim):
        value -= log(total[at])
        row[3 + j] = 1 / total[at]
        at += dim - j
    row[0] = value
    row[1] = 1 / more
    row[2] = half_power[size]


def _draw_factor(k, size, tables, centre, totals, gammas, normals, m, theta):
    """Draw (mu, Sigma) by Bartlett's decomposition.

    With the posterior scale L L^T and A lower triangular, A_jj^2 / 2 the gammas and normals below
    the diagonal, Sigma = M^T M for A M = L^T; mu has the covariance Sigma / strength, by d more
    normals.
    """
    total, row, dim = totals[k], theta[k], len(centre)
    below, at = dim * (dim - 1) // 2, dim
    for j in range(dim):
        pivot = sqrt(2 * gammas[k][j])
        for c in range(dim):
            value = total[at + c - j] if c >= j else 0.0
            for h in range(j):
                value -= normals[k][j * (j - 1) // 2 + h] * m[h][c]
            m[j][c] = value / pivot
        at += dim - j
    width = sqrt(tables[1][size])
    for a in range(dim):
        row[a] = centre[a] + total[a]
        for j in range(dim):
            row[a] += width * m[j][a] * normals[k][below + j]
        for b in range(dim):
            value = 0.0
            for j in range(dim):
                value += m[j][a] * m[j][b]
            row[dim + a * dim + b] = value


def _multi_student(i, count, values, slots, sizes, totals, tables, rows, score):
    point, z = values[i], tables[4]
    dim = len(point)
    for r in range(count):
        row, total = rows[slots[r]], totals[slots[r]]
        for j in range(dim):
            z[j] = point[j] - total[j]
        square, at = 0.0, dim
        for j in range(dim):
            away = z[j] * row[3 + j]
            square += away * away
            for h in range(1, dim - j):
                z[j + h] -= total[at + h] * away
            at += dim - j
        score[r] = row[0] - row[2] * log1p(square * row[1])


def make_tables(fill):
    """Return what writes the tables that depend on the base measure."""

    def write(mean, strength, scale, centre, each_size, shrink, prior):
        dim = len(mean)
        for r in range(len(shrink)):
            shrink[r] = 1 / (strength + r // each_size)
        for j in range(dim):
            prior[j] = mean[j] - centre[j]
        fill(scale, prior)

    return write


def _fill_factor(a, total):
    """Write the lower Cholesky factor of a matrix behind a mean, column after column."""
    dim, at = len(a), len(a)
    for j in range(dim):
        for i in range(j, dim):
            value, earlier = a[i][j], dim
            for h in range(j):
                value -= total[earlier + i - h] * total[earlier + j - h]
                earlier += dim - h
            total[at + i - j] = sqrt(value) if i == j else value / total[at]
        at += dim - j


def cholesky(a):
    """Write the lower Cholesky factor of a matrix into its lower half."""
    for j in range(len(a)):
        for i in range(j, len(a)):
            value = a[i][j]
            for h in range(j):
                value -= a[i][h] * a[j][h]
            a[i][j] = sqrt(value) if i == j else value / a[j][j]


def invert(a):
    """Invert the lower triangular matrix in the lower half of a, in its place."""
    for j in range(len(a)):
        a[j][j] = 1 / a[j][j]
        for i in range(j + 1, len(a)):
            value = 0.0
            for h in range(j, i):
                value -= a[i][h] * a[h][j]
            a[i][j] = value / a[i][i]


# Missing cells of clusters of unknown covariance, drawn with the seats of their rows.

TRIES = 12  # proposals for a gamma variable; one in 20 or fewer is refused


def make_cells(clear, absorb, release, weigh, gamma, choose, free, rename):
    """Return what draws seat and missing cells of each row that has any, given all else.

    The seat given the cells that the row has, whose law is that of a smaller matrix, and the
    others given these and the seat: both are Student laws. Of row rows[g] the first known[g]
    columns of order[g] are seen. The draws are those of :class:`Cells`; the rest is as in
    :func:`make_collapsed`, and m is room for a root and a column.
    """

    def sweep(
        values, tables, fewer, rows, order, known, uniforms, normals, labels,
        totals, score, sizes, slots, places, m,
    ):  # fmt: skip
        n, room, K = len(labels), len(sizes), 0
        for k in range(room):
            slots[k] = k
            sizes[k] = 0
            clear(k, totals, tables)
        for i in range(n):
            k = labels[i]
            K = max(K, k + 1)
            if K == room:
                return -1
            absorb(i, k, sizes[k], values, totals, tables)
            sizes[k] += 1

        for g in range(len(rows)):
            i, columns, seen = rows[g], order[g], known[g]
            k = labels[i]
            labels[i] = -1
            sizes[k] -= 1
            if sizes[k] == 0:
                clear(k, totals, tables)
                free(k, K, slots)
                K -= 1
            elif not release(i, k, sizes[k], values, totals, tables):
                clear(k, totals, tables)
                size = 0
                for j in range(n):
                    if labels[j] == k:
                        absorb(j, k, size, values, totals, tables)
                        size += 1

            point, dim = values[i], len(columns)
            for r in range(K + 1):
                k = slots[r]
                score[r], _ = weigh(
                    sizes[k], totals[k], point, columns, seen, seen, tables, fewer, m
                )
            r = choose(K + 1, score, uniforms[g][0])
            k = slots[r]
            _, square = weigh(sizes[k], totals[k], point, columns, seen, dim, tables, fewer, m)
            half = gamma(tables[2][sizes[k]] + 0.5 * (seen - dim), uniforms[g], normals[g])
            stretch = sqrt((1 + tables[1][sizes[k]] + square) / (2 * half))
            for a in range(seen, dim):
                cell = totals[k][columns[a]]
                for h in range(a + 1):
                    cell += m[a][h] * (m[h][dim] if h < seen else stretch * normals[g][TRIES + h])
                point[columns[a]] = cell
            if r == K:
                K += 1
                if K == room:
                    return -1
            labels[i] = k
            absorb(i, k, sizes[k], values, totals, tables)
            sizes[k] += 1
        return rename(labels, slots, places)

    return sweep


def make_weigh(lower):
    """Return what weighs a cluster by the cells that a row has: log(size x density), square.

    The first ``last`` rows of m become those of the root of the posterior scale, its columns taken
    in order; the last column of m holds what it makes of the cells seen.
    """

    def weigh(size, total, point, order, seen, last, tables, fewer, m):
        dim, more = len(order), 1 + tables[1][size]
        for a in range(last):
            j = order[a]
            at = dim + j
            for h in range(dim):
                m[a][h] = total[at] if h <= j else 0.0
                at += dim - h - 1
            m[a][dim] = point[j] - total[j]
        lower(m, last)
        value, square = tables[0][size] + fewer[seen][size] - 0.5 * seen * log(more), 0.0
        for a in range(seen):
            for h in range(a):
                m[a][dim] -= m[a][h] * m[h][dim]
            m[a][dim] /= m[a][a]
            value -= log(m[a][a])
            square += m[a][dim] * m[a][dim]
        return value - (tables[2][size] + 0.5 * (seen - dim)) * log1p(square / more), square

    return weigh


def lower(m, last):
    """Turn the first rows of m into those of a Cholesky factor, with the same products."""
    dim = len(m)
    for a in range(last):
        for j in range(dim - 1, a, -1):
            if m[a][j] != 0:
                new = hypot(m[a][a], m[a][j])
                cosine, sine = m[a][a] / new, m[a][j] / new
                for b in range(a, last):
                    one, other = m[b][a], m[b][j]
                    m[b][a] = cosine * one + sine * other
                    m[b][j] = cosine * other - sine * one
        if m[a][a] < 0:
            for b in range(a, last):
                m[b][a] = -m[b][a]


def gamma(shape, uniforms, normals):
    """Make a Gamma(shape, 1) variable of normals and uniforms, by Marsaglia and Tsang's method.

    That all tries are refused has a probability below 1e-15.
    """
    d = shape - 1 / 3 if shape >= 1 else shape + 2 / 3
    value = d
    for t in range(TRIES):
        x = normals[t]
        root = 1 + x / sqrt(9 * d)
        v = root * root * root
        if v > 0 and log(1 - uniforms[2 + t]) < 0.5 * x * x + d * (1 - v + log(v)):
            value = d * v
            break
    if shape < 1:
        value *= (1 - uniforms[1]) ** (1 / shape)
    return max(value, 1e-300)


class Cells:
    """What draws seats and missing cells of the rows with gaps, with tables of a seating."""

    def __init__(self, seat, missing):
        self.made_of, self.seat, self.missing = (seat, missing), seat, missing
        inner, dim, give = seat.inner, len(seat.inner.centre), seat.give
        self.loop, _ = native(
            make_cells, *inner.parts[:3], (make_weigh, lower), gamma, choose, free, rename
        )
        gap = np.zeros((seat.n, dim), bool)
        gap[missing] = True
        rows = np.flatnonzero(gap.any(axis=1))
        order = np.argsort(gap[rows], axis=1, kind="stable")
        # What the weight of a cluster has less of where fewer cells are seen.
        half = inner.half_dof[:, -1]
        risen = np.array([log_rising(half, seen / 2) for seen in range(dim + 1)])
        fixed = risen - risen[-1], rows, order, (~gap[rows]).sum(axis=1)
        self.fixed: Any = [
            give(a.astype(np.int64 if a.dtype.kind == "i" else float)) for a in fixed
        ]
        self.shape, self.room = (len(rows), dim + TRIES), give(np.zeros((dim, dim + 1)))

    def __reduce__(self):
        # A compiled loop cannot be copied; a copy has a work space of its own.
        return Cells, self.made_of

    def draws(self, rng):
        """Return the random numbers of a sweep: uniforms, then normals, of each row with gaps."""
        return rng.random((self.shape[0], 2 + TRIES)), rng.standard_normal(self.shape)

    def __call__(self, labels, alpha, draws):
        """Draw seats and cells; return the labels by order of appearance."""
        seat, before = self.seat, self.seat.cells(self.missing)
        seat.tables[0][0] = seat.log_new + log(alpha)
        draws = each(seat.give, draws)
        while True:
            seated = seat.give(labels.astype(np.int64))
            totals, _, *work = seat.work
            given = *self.fixed, *draws, seated, totals, *work, self.room
            if self.loop(seat.values, seat.tables, *given) >= 0:
                return np.asarray(seated)
            seat._make_room(2 * len(seat.work[2]))
            seat.complete(self.missing, before)


# A learned base measure: clusters' parameters given the partition, then those of H given these.


def make_clusters(clear, absorb, draw_one):
    """Return what draws the parameters of every cluster given its points."""

    def draw(values, centre, labels, tables, totals, sizes, gammas, normals, m, theta):
        for k in range(len(theta)):
            sizes[k] = 0
            clear(k, totals, tables)
        for i in range(len(labels)):
            k = labels[i]
            absorb(i, k, sizes[k], values, totals, tables)
            sizes[k] += 1
        for k in range(len(theta)):
            draw_one(k, sizes[k], tables, centre, totals, gammas, normals, m, theta)

    return draw


def make_base(cholesky, invert):
    """Return what draws mean, strength and scale of H given the clusters' (mu, Sigma).

    All sums are about the prior mean of the mean, centre. The scale is drawn, by Bartlett's
    decomposition, if there is a prior rate for it. Returns the strength.
    """

    def draw(
        theta, strength, centre, precision, b, prior_rate, normals, gammas, noise, gamma,
        roots, mean, scale,
    ):  # fmt: skip
        dim, learned, K = len(mean), len(prior_rate) > 0, len(theta)
        p, rate = roots[K], roots[K + 1]  # behind a root for each cluster
        for a in range(dim):
            mean[a] = 0.0
            for c in range(dim):
                p[a][c] = precision if a == c else 0.0
                rate[a][c] = prior_rate[a][c] if learned else 0.0
        # The inverse of each Sigma is W^T W, with W the inverse of its Cholesky factor.
        for k in range(K):
            row, w = theta[k], roots[k]
            for a in range(dim):
                for c in range(dim):
                    w[a][c] = row[dim + a * dim + c]
            cholesky(w)
            invert(w)
            for a in range(dim):
                for c in range(dim):
                    value = 0.0
                    for h in range(max(a, c), dim):
                        value += w[h][a] * w[h][c]
                    p[a][c] += strength * value
                    mean[a] += strength * value * (row[c] - centre[c])
                    rate[a][c] += value
        cholesky(p)
        for a in range(dim):
            for c in range(a):
                mean[a] -= p[a][c] * mean[c]
            mean[a] /= p[a][a]
        for a in range(dim - 1, -1, -1):
            mean[a] += noise[a]
            for c in range(a + 1, dim):
                mean[a] -= p[c][a] * mean[c]
            mean[a] /= p[a][a]
        square = 0.0
        for k in range(K):
            row, w = theta[k], roots[k]
            for a in range(dim):
                value = 0.0
                for c in range(a + 1):
                    value += w[a][c] * (row[c] - centre[c] - mean[c])
                square += value * value
        for a in range(dim):
            mean[a] += centre[a]
        if learned:
            # rate = C C^T, and the scale is X X^T with C^T X = A.
            cholesky(rate)
            for c in range(dim):
                for a in range(dim - 1, -1, -1):
                    value = sqrt(2 * gammas[a]) if a == c else normals[a][c] if a > c else 0.0
                    for h in range(a + 1, dim):
                        value -= rate[h][a] * p[h][c]
                    p[a][c] = value / rate[a][a]
            for a in range(dim):
                for c in range(dim):
                    scale[a][c] = 0.0
                    for h in range(dim):
                        scale[a][c] += p[a][h] * p[c][h]
        return gamma / (b + square / 2)

    return draw


class AnyFamily(Parts):
    """Any conjugate family, through its features and its log_predictive; never compiled."""

    row = 1

    def __init__(self, family, x):
        self.values = family.features(x)
        self.total = self.values.shape[1]
        self.log_weight = np.log(np.maximum(np.arange(len(x) + 1.0), 1))
        exact = not gaps(family)  # of a column without values, differences of sums are not zeros

        def clear(k, totals, tables):
            totals[k] = 0.0

        def absorb(i, k, size, values, totals, tables):
            totals[k] += values[i]

        def release(i, k, size, values, totals, tables):
            totals[k] -= values[i]
            return exact

        def refresh(k, size, totals, tables, rows):
            pass

        def density(i, count, values, slots, sizes, totals, tables, rows, score):
            used = slots[:count]
            value = family.log_predictive(x[i : i + 1], totals[used])[0]
            score[:count] = value + tables[0][sizes[used]]

        self.parts = clear, absorb, release, refresh, density

    def tables(self):
        return (self.log_weight,)


# Columns of codes, counts, waits; rows of counts. Counts of a cluster are sums, which lose nothing.

FEW = 16  # factors of a rising factorial that are multiplied
MANY = 1e15  # plus a few is itself, in a logarithm


def few_rising(a, x):
    """Return the log of a (a + 1) ... (a + x - 1) for x <= FEW."""
    if a > MANY:
        return x * log(a)
    product = 1.0
    while x > 0:
        x -= 1
        product *= a + x
    return log(product)


def excess(z):
    """Return log Gamma(z) - z log z + z: see _numbers.stirling_excess."""
    if z < 20:
        return lgamma(z) - z * log(z) + z
    r = 1 / z
    s = r * r
    series = 1 / 12 - s * (1 / 360 - s * (1 / 1260 - s * (1 / 1680 - s / 1188)))
    return 0.5 * log(2 * pi * r) + r * series


def log_grown(a, x):
    """Return the log of (a + x) / a, also where the ratio is no float."""
    return log1p(x / a) if x * 1e-300 < a else log(x) - log(a)


def shortfall(z, add, share, d):
    """Return z log((z + add) / z * share) - d, where d is z ((z + add) / z * share - 1).

    See _numbers.shortfall.
    """
    u = d / z
    if abs(u) < 0.1:
        r = u / (2 + u)
        s = r * r
        series = 1 / 3 + s * (1 / 5 + s * (1 / 7 + s * (1 / 9 + s * (1 / 11 + s / 13))))
        return 2 * z * r * s * series - d * r
    if -0.5 < u < 1e300:
        return z * log1p(u) - d
    grown = log1p(add / z) if add * 1e-300 < z else log(add) - log(z)
    return z * (grown + log(share)) - d


LOGS = 2**20  # numbers whose logarithms are kept


def log_sizes(n):
    """Return the log weight of a cluster of each size, 0 for that of none: shape (n + 1,)."""
    return np.log(np.maximum(np.arange(n + 1.0), 1))


class Codes(Parts):
    """Columns of codes; a total is the log weight of each code of each column, and its count."""

    parts: Any

    def __init__(self, family, x):
        urns = _urns(family)
        widths = [len(urn) for urn in urns]
        # Unsigned, so that no loop asks whether it counts from the end.
        self.values = (x + np.cumsum([0, *widths[:-1]])).astype(np.uint32)
        self.prior = np.concatenate(urns)
        size = np.arange(len(x) + 1.0)
        self.log_weight = log_sizes(len(x)) - sum(np.log(urn.sum() + size) for urn in urns)
        # log(prior + count), code by code; there are more counts only where points are many.
        kept = 1 + min(len(x), max(1, LOGS // len(self.prior)))
        self.logs = np.log(self.prior[:, None] + np.arange(kept)).ravel()
        self.starts = kept * np.arange(len(self.prior))
        self.parts = KEPT_CODES if kept > len(x) else FAR_CODES
        self.total, self.row = 2 * len(self.prior), 1

    def tables(self):
        return self.log_weight, self.prior, self.logs, self.starts


def _urns(family):
    """Return the prior weights of the codes of each column."""
    if isinstance(family, Product):
        return [urn for part in family.families for urn in _urns(part)]
    if isinstance(family, BernoulliBeta):
        return list(np.column_stack([family.b, family.a]))
    return list(np.atleast_2d(family.alpha))


def _codes_clear(k, totals, tables):
    total, logs, starts = totals[k], tables[2], tables[3]
    m = len(starts)
    for c in range(m):
        total[c] = logs[starts[c]]
        total[m + c] = 0.0


def _kept_log(c, count, tables):
    logs, starts = tables[2], tables[3]
    return logs[starts[c] + count]


def _kept_log_or_log(c, count, tables):
    _, prior, logs, starts = tables
    return logs[starts[c] + count] if count < starts[1] else log(prior[c] + count)


def make_code_in(log_count):
    def code_in(i, k, size, values, totals, tables):
        point, total, m = values[i], totals[k], len(tables[1])
        for j in range(len(point)):
            c = point[j]
            total[m + c] += 1
            total[c] = log_count(c, int(total[m + c]), tables)

    return code_in


def make_code_out(log_count):
    def code_out(i, k, size, values, totals, tables):
        point, total, m = values[i], totals[k], len(tables[1])
        for j in range(len(point)):
            c = point[j]
            total[m + c] -= 1
            total[c] = log_count(c, int(total[m + c]), tables)
        return True

    return code_out


def _no_row(k, size, totals, tables, rows):
    pass


def _codes(i, count, values, slots, sizes, totals, tables, rows, score):
    point, log_weight = values[i], tables[0]
    for r in range(count):
        k = slots[r]
        total = totals[k]
        value = log_weight[sizes[k]]
        for j in range(len(point)):
            value += total[point[j]]
        score[r] = value


def _parts_of_codes(log_count):
    in_, out = (make_code_in, log_count), (make_code_out, log_count)
    return _codes_clear, in_, out, _no_row, _codes


# A sweep that need not ask whether a logarithm is kept takes four fifths of the time.
KEPT_CODES, FAR_CODES = map(_parts_of_codes, (_kept_log, _kept_log_or_log))


class Counts(Parts):
    """Columns of counts of unknown rate; a total is the sum of the points."""

    def __init__(self, family, x):
        self.values, self.a, self.b = x.copy(), family.a, family.b
        self.log_weight = log_sizes(len(x))
        left_out = np.where(x > FEW, factorial_excess(x), log_rising(1.0, np.minimum(x, FEW)))
        self.constant = -left_out.sum()
        self.parts = _no_points, _sum_in, _count_out, _count_row, _counts
        self.total, self.row = family.dim, 1 + 5 * family.dim

    def tables(self):
        return self.log_weight, self.a, self.b


def _no_points(k, totals, tables):
    total = totals[k]
    for j in range(len(total)):
        total[j] = 0.0


def _count_out(i, k, size, values, totals, tables):
    point, total, exact = values[i], totals[k], True
    for j in range(len(point)):
        exact = exact and total[j] < MOST
        total[j] -= point[j]
    return exact


def _count_row(k, size, totals, tables, rows):
    log_weight, a, b = tables
    total, row = totals[k], rows[k]
    row[0] = log_weight[size]
    for j in range(len(total)):
        shape, rate = a[j] + total[j], b[j] + size
        row[1 + 5 * j] = shape
        row[2 + 5 * j] = -shape * log1p(1 / rate)
        row[3 + 5 * j] = rate / (rate + 1)
        row[4 + 5 * j] = 1 / (rate + 1)
        row[5 + 5 * j] = log(row[4 + 5 * j])


def make_counts(few_rising, excess, shortfall):
    def density(i, count, values, slots, sizes, totals, tables, rows, score):
        point = values[i]
        for r in range(count):
            row = rows[slots[r]]
            value = row[0]
            for j in range(len(point)):
                x, a = point[j], row[1 + 5 * j]
                if x > FEW:
                    known, new = row[3 + 5 * j], row[4 + 5 * j]
                    d = x * known - a * new
                    value += shortfall(a, x, known, d) + shortfall(x, a, new, -d)
                    value += excess(a + x) - excess(a)
                else:
                    value += row[2 + 5 * j]
                    if x > 0:
                        value += few_rising(a, x) + x * row[5 + 5 * j]
            score[r] = value

    return density


_counts = make_counts, few_rising, excess, shortfall


class Failures(Parts):
    """Columns of failures before a success; a total is the sum of the points."""

    def __init__(self, family, x):
        self.values, self.a, self.b = x.copy(), family.a, family.b
        size = np.arange(len(x) + 1.0)[:, None]
        self.log_weight = log_sizes(len(x)) + np.log(family.a + size).sum(axis=1)
        density = make_failures, few_rising, excess, log_grown, shortfall
        self.parts = _no_points, _sum_in, _count_out, _failures_row, density
        self.total, self.row = family.dim, 1 + 2 * family.dim

    def tables(self):
        return self.log_weight, self.a, self.b


def _failures_row(k, size, totals, tables, rows):
    log_weight, a, b = tables
    total, row = totals[k], rows[k]
    row[0] = log_weight[size]
    for j in range(len(total)):
        row[1 + 2 * j] = b[j] + total[j]
        row[2 + 2 * j] = a[j] + size


def make_failures(few_rising, excess, log_grown, shortfall):
    def density(i, count, values, slots, sizes, totals, tables, rows, score):
        point = values[i]
        for r in range(count):
            row = rows[slots[r]]
            value = row[0]
            for j in range(len(point)):
                x, b, a = point[j], row[1 + 2 * j], row[2 + 2 * j]
                both = a + b
                value -= log(both + x)
                if x > FEW:
                    known, new = both / (both + x), x / (both + x)
                    d = a * new
                    value += shortfall(b, x, known, d) + shortfall(x, b, new, -d)
                    value -= a * log_grown(both, x)
                    value += excess(b + x) - excess(b) - excess(both + x) + excess(both)
                elif x > 0:
                    value += few_rising(b, x) - few_rising(both, x)
            score[r] = value

    return density


class Waits(Parts):
    """Columns of waiting times of unknown rate; a total is the prior and the sum, and what is left.

    As of a spread, the share of the sum that points have left behind: see SHARE_LEFT.
    """

    def __init__(self, family, x):
        self.values, self.a, self.prior = x.copy(), family.a, np.append(family.b, 1.0)
        size = np.arange(len(x) + 1.0)[:, None]
        self.log_weight = log_sizes(len(x)) + np.log(family.a + size).sum(axis=1)
        self.parts = _clear, _sum_in, _wait_out, _waits_row, _waits
        self.total, self.row = family.dim + 1, 1 + 2 * family.dim

    def tables(self):
        return self.log_weight, self.a, self.prior, self.prior


def _wait_out(i, k, size, values, totals, tables):
    point, total = values[i], totals[k]
    dim = len(point)
    for j in range(dim):
        left = total[j] - point[j]
        if not left > 0.5 * total[j]:
            total[dim] *= left / total[j]
        total[j] = left
    return total[dim] > SHARE_LEFT


def _waits_row(k, size, totals, tables, rows):
    log_weight, a = tables[0], tables[1]
    total, row = totals[k], rows[k]
    row[0] = log_weight[size]
    for j in range(len(a)):
        row[0] -= log(total[j])
        row[1 + 2 * j] = a[j] + size + 1
        row[2 + 2 * j] = 1 / total[j]


def _waits(i, count, values, slots, sizes, totals, tables, rows, score):
    point = values[i]
    for r in range(count):
        row = rows[slots[r]]
        value = row[0]
        for j in range(len(point)):
            x, y = point[j], row[2 + 2 * j]
            value -= row[1 + 2 * j] * (log1p(x * y) if x * 1e-300 * y < 1 else log(x) + log(y))
        score[r] = value


class Bags(Parts):
    """Rows of counts of categories; a total is the sum of the rows, and of all their counts."""

    def __init__(self, family, x):
        self.values, self.alpha = np.column_stack([x, x.sum(axis=1)]), family.alpha
        self.log_weight = log_sizes(len(x))
        few, number = np.minimum(x, FEW), np.maximum(self.values[:, -1:], 1)
        left_out = few + log_rising(1.0, few) - few * np.log(number)
        orders = np.where(x > FEW, factorial_excess(x), left_out)
        self.constant = factorial_excess(self.values[:, -1]).sum() - orders.sum()
        self.parts = _no_points, _sum_in, _count_out, _bag_row, _bags
        self.total, self.row = family.dim + 1, family.dim + 1

    def tables(self):
        return self.log_weight, np.append(self.alpha, self.alpha.sum())


def _bag_row(k, size, totals, tables, rows):
    alpha, total, row = tables[1], totals[k], rows[k]
    for j in range(len(alpha)):
        row[j] = alpha[j] + total[j]


def make_bags(few_rising, excess, log_grown, shortfall):
    def density(i, count, values, slots, sizes, totals, tables, rows, score):
        point, log_weight = values[i], tables[0]
        dim = len(point) - 1
        number = point[dim]
        for r in range(count):
            k = slots[r]
            row = rows[k]
            before, after = row[dim], row[dim] + number
            value = log_weight[sizes[k]] + excess(before) - excess(after)
            log_after, grown = log(after), log_grown(before, number)
            known, new = before / after, number / after
            for j in range(dim):
                x, a = point[j], row[j]
                if x > FEW:
                    # Beside the shares of its own row, in which all others are the rest.
                    d = x * ((before - a) / after) - a * ((number - x) / after)
                    value += shortfall(a, x, known, d) + shortfall(x, a, new, -d)
                    value += excess(a + x) - excess(a)
                else:
                    value -= a * grown
                    if x > 0:
                        value += few_rising(a, x) + x - x * log_after
            score[r] = value

    return density


_bags = make_bags, few_rising, excess, log_grown, shortfall


# Several groups of columns, two at a time.


class Both(Parts):
    """Two groups of columns that are independent within a cluster."""

    parts: Any

    def __init__(self, first, second, n):
        self.first, self.second, self.log_weight = first, second, log_sizes(n)
        for inner in (first, second):
            inner.log_weight = inner.log_weight - self.log_weight
        self.values = first.values, second.values
        self.constant = first.constant + second.constant
        self.parts = tuple(zip(BOTH, first.parts, second.parts, strict=True))

    @property
    def step(self):
        return make_both, self.first.step, self.second.step

    def tables(self):
        return self.log_weight, self.first.tables(), self.second.tables()

    def space(self, room):
        totals, rows = zip(self.first.space(room), self.second.space(room), strict=True)
        return totals, (*rows, np.zeros(room))


def make_clear(first, second):
    def clear(k, totals, tables):
        first(k, totals[0], tables[1])
        second(k, totals[1], tables[2])

    return clear


def make_absorb(first, second):
    def absorb(i, k, size, values, totals, tables):
        first(i, k, size, values[0], totals[0], tables[1])
        second(i, k, size, values[1], totals[1], tables[2])

    return absorb


def make_release(first, second):
    def release(i, k, size, values, totals, tables):
        one = first(i, k, size, values[0], totals[0], tables[1])
        other = second(i, k, size, values[1], totals[1], tables[2])
        return one and other

    return release


def make_refresh(first, second):
    def refresh(k, size, totals, tables, rows):
        first(k, size, totals[0], tables[1], rows[0])
        second(k, size, totals[1], tables[2], rows[1])

    return refresh


def make_density(first, second):
    def density(i, count, values, slots, sizes, totals, tables, rows, score):
        log_weight, more = tables[0], rows[2]
        first(i, count, values[0], slots, sizes, totals[0], tables[1], rows[0], score)
        second(i, count, values[1], slots, sizes, totals[1], tables[2], rows[1], more)
        for r in range(count):
            score[r] += more[r] + log_weight[sizes[slots[r]]]

    return density


def make_both(first, second):
    def step(i, count, moved, labels, values, slots, sizes, totals, tables, rows, score):
        (here, there), t, r = values, totals, rows
        log_weight, more = tables[0], rows[2]
        one = first(i, count, moved, labels, here, slots, sizes, t[0], tables[1], r[0], score)
        other = second(i, count, moved, labels, there, slots, sizes, t[1], tables[2], r[1], more)
        for s in range(count):
            score[s] += more[s] + log_weight[sizes[slots[s]]]
        return one and other

    return step


BOTH = make_clear, make_absorb, make_release, make_refresh, make_density


def product(family, x):
    """Return the parts of a product: one for all columns of a kind, then these two at a time."""
    groups: dict[Any, list[Any]] = {}
    constant = 0.0
    for part, columns in _groups(family, x):
        if isinstance(part, LogNormal):
            columns = np.log(columns)
            part, constant = part.family, constant - columns.sum()
        if type(part) not in KINDS:
            return AnyFamily(family, x)
        groups.setdefault(_alike(part, len(groups)), []).append((part, columns))
    inner = []
    for group in groups.values():
        parts, columns = zip(*group, strict=True)
        inner.append(KINDS[type(parts[0])](_as_one(parts), np.column_stack(columns)))
    result = reduce(lambda rest, one: Both(one, rest, len(x)), inner)
    result.constant += constant
    return result


# Columns with gaps: each has a size of its own in every cluster, that of its values.


class Gapped(Parts):
    """Columns of a kind, or groups of as many, each missing in some rows; loops go over them.

    The first of the totals are the numbers of values of each column in each cluster.
    """

    parts: Any

    def __init__(self, kind, families, columns):
        n, all_seen, each_tables, values = len(columns[0]), [], [], []
        self.log_weight, self.inner = log_sizes(n), []
        for family, x in zip(families, columns, strict=True):
            seen = ~np.isnan(x[:, 0])
            inner = kind(family, x[seen])
            inner.log_weight = inner.log_weight - log_sizes(int(seen.sum()))
            spread = np.zeros((n, inner.values.shape[1]), inner.values.dtype)
            spread[seen] = inner.values
            all_seen.append(seen)
            each_tables.append(inner.tables())
            values.append(spread)
            self.inner.append(inner)
        self.values = np.column_stack(all_seen), np.array(values)
        self.inside = tuple(map(as_long, zip(*each_tables, strict=True)))
        self.total, self.row = (max(getattr(i, k) for i in self.inner) for k in ("total", "row"))
        self.constant = sum(inner.constant for inner in self.inner)
        # One loop for all: where columns of codes differ, that which does for any count.
        parts = [inner.parts for inner in self.inner]
        clear, absorb, release, refresh, density = FAR_CODES if FAR_CODES in parts else parts[0]
        of = OF[len(self.inside)]
        self.parts = (
            (make_gaps_clear, of, clear),
            (make_gaps_absorb, of, absorb),
            (make_gaps_release, of, clear, release),
            (make_gaps_refresh, of, refresh),
            (make_gaps_density, of, density),
        )

    def tables(self):
        return self.log_weight, self.inside

    def space(self, room):
        m = len(self.inner)
        totals = np.zeros((m, room), np.int64), np.zeros((m, room, self.total))
        return totals, (np.zeros((m, room, self.row)), np.zeros(room))


def as_long(tables):
    """Return tables as rows of one, each filled up at its end with what no point asks for."""
    longest = max(map(len, tables))
    return np.array([np.pad(t, (0, longest - len(t)), "edge") for t in tables])


def two_of(tables, j):
    return tables[0][j], tables[1][j]


def three_of(tables, j):
    return tables[0][j], tables[1][j], tables[2][j]


def four_of(tables, j):
    return tables[0][j], tables[1][j], tables[2][j], tables[3][j]


def five_of(tables, j):
    return tables[0][j], tables[1][j], tables[2][j], tables[3][j], tables[4][j]


OF = {2: two_of, 3: three_of, 4: four_of, 5: five_of}  # the tables of column j, one tuple


def make_gaps_clear(of, inner):
    def clear(k, totals, tables):
        sizes, inside = totals
        for j in range(len(sizes)):
            sizes[j][k] = 0
            inner(k, inside[j], of(tables[1], j))

    return clear


def make_gaps_absorb(of, inner):
    def absorb(i, k, size, values, totals, tables):
        seen, points = values
        sizes, inside = totals
        for j in range(len(sizes)):
            if seen[i][j]:
                inner(i, k, sizes[j][k], points[j], inside[j], of(tables[1], j))
                sizes[j][k] += 1

    return absorb


def make_gaps_release(of, clear, inner):
    def release(i, k, size, values, totals, tables):
        seen, points = values
        sizes, inside = totals
        exact = True
        for j in range(len(sizes)):
            if seen[i][j]:
                sizes[j][k] -= 1
                if sizes[j][k] == 0:
                    clear(k, inside[j], of(tables[1], j))
                elif not inner(i, k, sizes[j][k], points[j], inside[j], of(tables[1], j)):
                    exact = False
        return exact

    return release


def make_gaps_refresh(of, inner):
    def refresh(k, size, totals, tables, rows):
        sizes, inside = totals
        for j in range(len(sizes)):
            inner(k, sizes[j][k], inside[j], of(tables[1], j), rows[0][j])

    return refresh


def make_gaps_density(of, inner):
    def density(i, count, values, slots, sizes, totals, tables, rows, score):
        seen, points = values
        own, inside = totals
        log_weight, more = tables[0], rows[1]
        for r in range(count):
            score[r] = log_weight[sizes[slots[r]]]
        for j in range(len(own)):
            if seen[i][j]:
                table, row = of(tables[1], j), rows[0][j]
                inner(i, count, points[j], slots, own[j], inside[j], table, row, more)
                for r in range(count):
                    score[r] += more[r]

    return density


def with_gaps(family, x):
    """Return the parts of a family with gaps: one for all columns of a kind, then two at a time."""
    groups: dict[Any, list[Any]] = {}
    constant = 0.0
    for part, columns in family._of_rows(x):
        if type(part) is LogNormal:
            columns = np.log(columns)
            part, constant = part.family, constant - np.nansum(columns)
        if type(part) not in KINDS:
            return AnyFamily(family, x)
        groups.setdefault((KINDS[type(part)], part.dim), []).append((part, columns))
    inner: list[Any] = []
    for (kind, _), group in groups.items():
        inner.append(Gapped(kind, *zip(*group, strict=True)))
    result = reduce(lambda rest, one: Both(one, rest, len(x)), inner)
    result.constant += constant
    return result


def _groups(family, x):
    """Yield the families of a product, also of one inside another, with their columns."""
    if type(family) is not Product:
        yield family, x
        return
    for part, columns in zip(family.families, family._columns, strict=True):
        yield from _groups(part, x[:, columns])


ALONE = (
    CorrelatedGaussian,
    SphericalNormalInverseGamma,
    NormalInverseWishart,
    MultinomialDirichlet,
)  # whose columns belong together


def _alike(family, number):
    """Return the same key for families whose columns can stand side by side in one."""
    kind = type(family)
    if kind in ALONE:
        return number
    if kind is Gaussian:
        return kind, family.var, family.noise_var
    return KINDS[kind]


def _as_one(families):
    """Return one family for the columns of several that are alike."""
    first = families[0]
    if len(families) == 1:
        return first
    if KINDS[type(first)] is Codes:
        return Product(families)
    names = inspect.signature(type(first)).parameters
    values = [[getattr(family, name) for family in families] for name in names]
    return type(first)(*(np.concatenate(v) if np.ndim(v[0]) else v[0] for v in values))


def log_scale(family, x):
    """Return the parts of a family on the log scale."""
    logs = np.log(x)
    inner = parts_of(family.family, logs)
    inner.constant -= logs.sum()
    return inner


# Families by their very type: one that inherits from these may mean something else.
KINDS = {
    Gaussian: KnownVariance,
    CorrelatedGaussian: KnownCovariance,
    NormalInverseGamma: UnknownVariances,
    SphericalNormalInverseGamma: UnknownVariance,
    NormalInverseWishart: UnknownCovariance,
    BernoulliBeta: Codes,
    CategoricalDirichlet: Codes,
    PoissonGamma: Counts,
    GeometricBeta: Failures,
    ExponentialGamma: Waits,
    MultinomialDirichlet: Bags,
    LogNormal: log_scale,
    Product: product,
    WithGaps: with_gaps,
}


def parts_of(family, x):
    """Return the parts of a family over given points."""
    kind: Any = KINDS.get(type(family), AnyFamily)
    return kind(family, x)


# Parts that make a loop slower when numba inlines them: it then counts references to their arrays
# at every point. And those with loops over parts of their own, which take long to compile inside
# another loop.
GAPS = make_gaps_clear, make_gaps_absorb, make_gaps_release, make_gaps_refresh, make_gaps_density
SHORT = few_rising, excess, shortfall
CALLED = free, rename, _known_row, _spread_row, _factor_row, make_weigh, gamma, *SHORT, *GAPS


# Algorithm 8: tables with parameters.


def make_auxiliary(density, choose, free, rename):
    """Return the sweep of Algorithm 8 for a family of clusters.

    Rows of the table are parameters: first those in use, then, from row fresh on, m draws from H
    for each point. row[k] is that of the cluster in slot k; slots lists the K slots in use, then
    those free. The sweep returns K, and the rows of the clusters in candidates.
    """

    def sweep(
        values, table, fresh, m, keep, log_size, log_new, uniforms, labels,
        sizes, slots, row, candidates, score,
    ):  # fmt: skip
        n = len(labels)
        for k in range(n + 1):
            slots[k] = k
            sizes[k] = 0
            row[k] = k
        K = 0
        for i in range(n):
            k = labels[i]
            if k >= 0:
                K = max(K, k + 1)
                sizes[k] += 1

        for i in range(n):
            kept = -1
            k = labels[i]
            if k >= 0:
                sizes[k] -= 1
                if sizes[k] == 0:
                    kept = row[k]
                    free(k, K, slots)
                    K -= 1

            for r in range(K):
                candidates[r] = row[slots[r]]
            for j in range(m):
                candidates[K + j] = fresh + i * m + j
            if keep and kept >= 0:
                candidates[K] = kept
            density(i, K + m, candidates, values, table, score)
            for r in range(K):
                score[r] += log_size[sizes[slots[r]]]
            for j in range(m):
                score[K + j] += log_new
            r = choose(K + m, score, uniforms[i])
            if r >= K:
                row[slots[K]] = candidates[r]
                r = K
                K += 1
            k = slots[r]
            labels[i] = k
            sizes[k] += 1

        K = rename(labels, slots, sizes)
        for r in range(K):
            candidates[r] = row[sizes[r]]
        return K

    return sweep


class Choosing:
    """The sweep of Algorithm 8 over given points, with its work space."""

    def __init__(self, family, x, m, keep):
        self.made_of = family, x, m, keep
        family = near(family, x)
        self.family, self.m, self.keep, self.x, n = family, m, keep, x, len(x)
        self.conjugate, self.wide = isinstance(family, Conditional), is_wide(family, x)
        # Features whose sums lose digits are not multiplied.
        self.direct = not self.conjugate or (self.wide and not is_gaussian(family))
        if self.conjugate:
            self.features = family.features(x)
        if not self.direct:
            density = _squared if self.wide else _linear
            self.loop, self.give = native(make_auxiliary, density, choose, free, rename)
            self.values = self.give(x - family.origin if self.wide else self.features)
            self.parameters = family._factored if self.wide else family.natural
        else:
            self.loop = make_auxiliary(_any_density(family, x), choose, free, rename)
            self.values, self.give = x, np.ndarray.tolist
        self.nogil = self.give is np.ascontiguousarray
        self.log_size = self.give(np.log(np.maximum(np.arange(n + 1.0), 1)))
        self.work = [self.give(np.zeros(n + 1, np.int64)) for _ in range(3)]
        self.work += [self.give(np.zeros(n + m, dtype)) for dtype in (np.int64, float)]

    def __reduce__(self):
        return Choosing, self.made_of

    def __call__(self, labels, fresh, table, alpha, uniforms):
        """Reseat every point; return the labels in order and the row of each cluster's parameter.

        The table holds the parameters of the clusters and, from row fresh on, m draws from H for
        each point.
        """
        rows = table if self.direct else self.give(self.parameters(table))
        seated = self.give(labels.astype(np.int64))
        options = fresh, self.m, self.keep, self.log_size, log(alpha / self.m)
        K = self.loop(self.values, rows, *options, self.give(uniforms), seated, *self.work)
        return np.asarray(seated), self.work[3][:K]

    def draw(self, labels, rng):
        """Draw the parameter of every cluster given its points."""
        if self.wide:
            family, s = sums_of(self.family, self.x, labels, int(labels.max()) + 1)
            return family.sample(s, rng)
        return self.family.sample(sums_by_cluster(self.features, labels), rng)


def _linear(i, count, candidates, values, table, score):
    """Write log f(x_i | theta) of an exponential family: features times natural parameters."""
    point = values[i]
    for r in range(count):
        row = table[candidates[r]]
        total = 0.0
        for j in range(len(point)):
            total += point[j] * row[j]
        score[r] = total


def _squared(i, count, candidates, values, table, score):
    """Write log f(x_i | theta) of a Gaussian from how far x_i is from its mean."""
    point = values[i]
    dim = len(point)
    for r in range(count):
        row = table[candidates[r]]
        total = 0.0
        for j in range(dim):
            away = 0.0
            for h in range(j + 1):
                away += row[1 + dim + j * dim + h] * (point[h] - row[1 + h])
            total += away * away
        score[r] = row[0] - 0.5 * total


def _any_density(family, x):
    def density(i, count, candidates, values, table, score):
        value = family.log_likelihood(x[i : i + 1], table[candidates[:count]])
        score[:count] = value[0].tolist()

    return density
