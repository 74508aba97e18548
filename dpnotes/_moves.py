"""The inner loop of moves of whole clusters: one split in two, or two merged into one.

It is made of the same parts of a family as the sweep over the points, compiled or not, and takes
its random numbers in the same way; see :mod:`dpnotes._sweeps`.
"""

from math import exp, log, log1p
from typing import Any

import numpy as np

from . import _sweeps


def gather(labels, i, j, draws, members):
    """Write i, j and then, in random order, the others of their clusters; return how many."""
    members[0], members[1], count = i, j, 2
    for p in range(len(labels)):
        if (labels[p] == labels[i] or labels[p] == labels[j]) and p != i and p != j:
            r = 2 + int(draws[1 + count] * (count - 1))
            members[count] = members[r]
            members[r] = p
            count += 1
    return count


def choose_side(score, uniform, known):
    """Draw side 0 or 1 in proportion to exp(score), unless it is known; return its probability.

    The probability is returned by its logarithm.
    """
    likely = 0 if score[0] > score[1] else 1
    behind = score[likely] - score[1 - likely]
    odds = exp(-behind)
    side = known
    if known < 0:
        side = 1 - likely if uniform * (1 + odds) < odds else likely
    return side, -log1p(odds) - (0.0 if side == likely else behind)


def make_split_merge(clear, absorb, release, refresh, density, rename, gather, choose_side):
    """Return the loop of split-and-merge proposals for a family of clusters.

    Each proposal picks points i and j, and calls the other members of their clusters in random
    order. Slots 0 and 1 hold i and j apart, each with those that went with it, slot 2 all of them
    together. In the first pass the members choose a side one after another, each given those
    before it; in the passes that follow, each given all others. The last pass is the proposal to
    split, or takes every member where it is, if i and j are apart; either way its probability
    counts. A joint density is the sum of the weights by which its points are seated.

    Of a row of uniforms the first two pick i and j, the third accepts, the next n - 2 shuffle, and
    n for each pass choose sides.
    """

    def propose(
        values, tables, uniforms, scans, labels, members, sides, totals, rows, score, sizes, slots,
        names, places,
    ):  # fmt: skip
        n, unused = len(labels), 0
        for i in range(n):
            unused = max(unused, labels[i] + 1)
        for draws in uniforms:
            i, j = int(draws[0] * n), int(draws[1] * (n - 1))
            if j >= i:
                j += 1
            count = gather(labels, i, j, draws, members)
            split = labels[i] == labels[j]
            for k in range(3):
                sizes[k] = 0
                clear(k, totals, tables)
                refresh(k, 0, totals, tables, rows)
            apart, together, log_q = 0.0, 0.0, 0.0

            for scan in range(scans + 1):
                for r in range(0 if scan == 0 else 2, count):
                    k = -1
                    if scan > 0:
                        k = sides[r]
                        sides[r] = -1
                        sizes[k] -= 1
                        if not release(members[r], k, sizes[k], values, totals, tables):
                            clear(k, totals, tables)
                            size = 0
                            for s in range(count):
                                if sides[s] == k:
                                    absorb(members[s], k, size, values, totals, tables)
                                    size += 1
                        refresh(k, sizes[k], totals, tables, rows)

                    used = 3 if scan == 0 else 2
                    density(members[r], used, values, slots, sizes, totals, tables, rows, score)
                    if scan == 0:
                        together += score[2]
                        absorb(members[r], 2, sizes[2], values, totals, tables)
                        sizes[2] += 1
                        refresh(2, sizes[2], totals, tables, rows)
                    else:
                        apart -= score[k]
                    if r < 2:
                        k = r
                    else:
                        known = -1
                        if scan == scans and not split:
                            known = 0 if labels[members[r]] == labels[i] else 1
                        k, log_prob = choose_side(score, draws[1 + (scan + 1) * n + r], known)
                        if scan == scans:
                            log_q += log_prob
                    apart += score[k]
                    sides[r] = k
                    absorb(members[r], k, sizes[k], values, totals, tables)
                    sizes[k] += 1
                    refresh(k, sizes[k], totals, tables, rows)

            log_ratio = apart - together - log_q
            if log(1 - draws[2]) < (log_ratio if split else -log_ratio):
                for r in range(count):
                    if not split or sides[r] == 1:
                        labels[members[r]] = unused
                unused += 1
        rename(labels, names, places)

    return propose


class Proposals:
    """Split-and-merge proposals over the points of a seating, with its tables and a work space."""

    def __init__(self, seat, number, scans):
        self.made_of = seat, number, scans
        parts = *seat.inner.parts, _sweeps.rename, gather, choose_side
        if isinstance(seat.inner, _sweeps.AnyFamily):
            self.loop = make_split_merge(*parts)
        else:
            self.loop, _ = _sweeps.native(make_split_merge, *parts)
        n, inner, self.seat, self.scans = seat.n, seat.inner, seat, scans
        # One point has no other to be picked with.
        self.shape = number if n > 1 else 0, 1 + (scans + 2) * n
        floats = *inner.space(3), np.zeros(3)
        members, sides, sizes, names, places = (
            np.zeros(m, np.int64) for m in (n, n, 3, n + number, n)
        )
        work = members, sides, *floats, sizes, np.arange(3, dtype=np.int64), names, places
        self.work: Any = _sweeps.each(seat.give, work)

    def __reduce__(self):
        # A compiled loop cannot be copied; a copy has a work space of its own.
        return Proposals, self.made_of

    def __call__(self, labels, alpha, uniforms):
        """Make a proposal for each row of uniforms; return the labels by order of appearance."""
        seat = self.seat
        seat.tables[0][0] = seat.log_new + log(alpha)
        moved = seat.give(labels.astype(np.int64))
        self.loop(seat.values, seat.tables, seat.give(uniforms), self.scans, moved, *self.work)
        return np.asarray(moved)
