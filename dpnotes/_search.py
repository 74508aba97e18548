"""Moves between optima of mean field: clusters merged, deleted or split, points reseated.

Coordinate ascent ends where no factor can be made better alone; then whole clusters must move.
A proposal is a table of expected statistics from which the ascent sets out again. How far the ELBO
rises before that needs no pass over the data: by its collapsed form it is a sum over sticks and
clusters, plus the entropy of the labels of the points that moved. So proposals are made and ranked
on a sample, and only the best are tried on all the data.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from . import _local
from ._types import Floats

EMPTY = 0.5  # a cluster of a smaller expected size gives its place away
PRESENT = 1e-6  # a point of a smaller responsibility is not in a cluster
UPDATES = 8  # of the two halves of a cluster, among its own points
SMALL = 64  # of at most so many points each is reseated alone, and pairs of moves are tried
FEWEST, MOST, WORK = 12, 400, 2**17  # WORK over points times clusters are tried, within bounds
FULL = 5  # proposals from a sample that are tried on all the data
FREED = 3  # ways to free a place for one half


class Proposal(NamedTuple):
    """The rise of the ELBO before any further update, and the statistics to ascend from.

    With the clusters whose statistics change, and by how much the entropy of the labels rises.
    """

    gain: float
    statistics: Floats
    changes: dict[int, Floats]
    entropy: float


@dataclass(frozen=True)
class Points:
    """Points that proposals are made from: their features as rows, and how often each counts."""

    features: Floats
    weights: Floats

    @classmethod
    def of(cls, features: Floats, weights: Floats | None) -> "Points":
        """Return the points that count; few points are sorted, and equal ones become one.

        So a row of weight 3 moves as a whole, like the row given three times.
        """
        weights = np.ones(len(features)) if weights is None else weights
        features, weights = features[weights > 0], weights[weights > 0]
        if len(features) <= 8 * SMALL:
            features, which = np.unique(features, axis=0, return_inverse=True)
            weights = np.bincount(which.ravel().astype(np.intp), weights).astype(float)
        return cls(features, weights)


@dataclass(frozen=True)
class Moves:
    """Proposals from a state of q: statistics (T, p), natural parameters with E log pi added.

    The points are all the data, or a sample of which each stands for ``share`` rows.
    ``stick_score`` maps expected sizes to the stick part of the collapsed form.
    """

    family: Any
    stick_score: Callable[[Floats], float]
    points: Points
    whole: bool
    share: float
    given: Floats
    natural: Floats

    @cached_property
    def logits(self) -> Floats:
        return self.points.features @ self.natural.T

    @cached_property
    def gamma(self) -> Floats:
        weights = np.ascontiguousarray(self.logits.T)
        total, _ = _local.exponentiate(weights)
        return (weights / total).T

    @cached_property
    def entropies(self) -> Floats:
        """The entropy of the label of each point."""
        return _entropy(self.gamma)

    @cached_property
    def weights(self) -> Floats:
        return self.points.weights * self.share

    @cached_property
    def small(self) -> bool:
        return self.whole and len(self.weights) <= SMALL

    @cached_property
    def statistics(self) -> Floats:
        """The statistics that the points have by these responsibilities."""
        return self._table(self.gamma)

    def _table(self, gamma: Floats) -> Floats:
        return (gamma * self.weights[:, None]).T @ self.points.features

    @cached_property
    def held(self) -> NDArray[np.bool_]:
        return self.statistics[:, 0] >= EMPTY

    @cached_property
    def fits(self) -> Floats:
        return self.family.log_marginal(self.statistics)

    @cached_property
    def score(self) -> float:
        return self.stick_score(self.statistics[:, 0])

    @cached_property
    def best_alone(self) -> Floats:
        """The expected log likelihood of each point under the cluster that it makes alone."""
        features = self.points.features
        return (self.family.expected_natural(features) * features).sum(axis=1)

    def best(self) -> list[Proposal]:
        """Return the most promising proposals, the best first; of a sample those that gain."""
        found = [self._merged(*pair) for pair in self.pairs]
        for k in np.flatnonzero(self.held).tolist():
            found += self._deleted(k)
            for halves, entropy in self._halves(k):
                found += self._split(k, halves, entropy)
                found += self._shifted(k, halves) if self.small else []
        if self.small:
            found += [p for i in range(len(self.weights)) for p in self._reseated(i)]
            found = list({_name(p.statistics): p for p in found}.values())
        if not self.whole:
            found = [proposal for proposal in found if proposal.gain > 0]
        # Rounded, so that how the data are cut into blocks does not decide between equals.
        found.sort(key=lambda proposal: -round(proposal.gain, 6))
        size = len(self.weights) * len(self.statistics)
        most = min(max(WORK // size, FEWEST), MOST) if self.whole else FULL
        return self._together(found) + found[:most]

    def _together(self, found: list[Proposal]) -> list[Proposal]:
        """Return those that gain as one proposal, if two or more change different clusters."""
        empty = np.flatnonzero(~self.held).tolist()
        changes: dict[int, Floats] = {}
        entropy, moves = 0.0, 0
        for proposal in found:
            old = [k for k in proposal.changes if self.held[k]]
            new = [k for k in proposal.changes if not self.held[k]]
            if proposal.gain <= 0 or len(new) > len(empty) or not changes.keys().isdisjoint(old):
                continue
            changes |= {k: proposal.changes[k] for k in old}
            changes |= {empty.pop(): proposal.changes[k] for k in new}
            entropy, moves = entropy + proposal.entropy, moves + 1
        return [self._proposal(changes, entropy)] if moves > 1 else []

    def _proposal(self, changes: dict[int, Floats], entropy: float) -> Proposal:
        """Return a proposal with these rows changed, and the entropy of the labels by so much."""
        rows, values = list(changes), np.array(list(changes.values()))
        sizes = self.statistics[:, 0].copy()
        sizes[rows] = values[:, 0]
        gain = self.family.log_marginal(values).sum() - self.fits[rows].sum()
        gain += self.stick_score(sizes) - self.score
        statistics = (self.statistics if self.whole else self.given).copy()
        statistics[rows] = values
        return Proposal(float(gain + entropy), statistics, changes, entropy)

    @cached_property
    def pairs(self) -> list[tuple[int, int]]:
        """Pairs of clusters that hold points, those first that lose the least fit as one."""
        index = np.flatnonzero(self.held)
        j, k = (index[side] for side in np.triu_indices(len(index), 1))
        lost = self.fits[j] + self.fits[k]
        lost -= self.family.log_marginal(self.statistics[j] + self.statistics[k])
        order = np.argsort(np.round(lost, 6), kind="stable")
        most = len(order) if self.small else 2 * len(index)
        return [(int(j[o]), int(k[o])) for o in order[:most]]

    def _merged(self, j: int, k: int) -> Proposal:
        changes = {j: self.statistics[j] + self.statistics[k], k: 0 * self.statistics[k]}
        return self._proposal(changes, self._lost(j, k))

    def _lost(self, j: int, k: int) -> float:
        """Return by how much the entropy of the labels rises if j and k are one: at most 0."""
        two = self.gamma[:, [j, k]]
        return float(self.weights @ (_entropy(two.sum(axis=1, keepdims=True)) - _entropy(two)))

    def _deleted(self, k: int) -> Iterator[Proposal]:
        """Yield the table in which the points of cluster k go to the others, as these fit."""
        own = self.gamma[:, k] > PRESENT
        if len(self.statistics) == 1 or not own.any():
            return
        rest = np.ascontiguousarray(np.delete(self.logits[own], k, axis=1).T)
        total, _ = _local.exponentiate(rest)
        gamma, before = np.insert((rest / total).T, k, 0.0, axis=1), self.gamma[own]
        weights = self.weights[own]
        more = (weights[:, None] * (gamma - before)).T @ self.points.features[own]
        changes = {
            j: self.statistics[j] + more[j] for j in np.flatnonzero(more[:, 0] > PRESENT).tolist()
        }
        entropy = weights @ (_entropy(gamma) - self.entropies[own])
        yield self._proposal(changes | {k: np.zeros(more.shape[1])}, float(entropy))

    def _halves(self, k: int) -> Iterator[tuple[Floats, float]]:
        """Yield the statistics of two halves of cluster k, and their entropy, for two ways.

        The halves are first the points nearer to either of two that are far from each other, or
        those on either side of the mean along the principal direction of the features. Then they
        take turns with their responsibilities, as in mean field with two clusters.
        """
        own = self.gamma[:, k] > PRESENT
        if own.sum() < 2:
            return
        features, weights = self.points.features[own], (self.gamma[:, k] * self.weights)[own]
        for first in self._sides(features, self.best_alone[own], self.gamma[own, k], weights, k):
            side = first.astype(float)
            for _ in range(UPDATES):
                two = np.array([weights * side, weights * (1 - side)]) @ features
                natural = self.family.expected_natural(two)
                natural[:, 0] += np.log(1 + two[:, 0])
                logits = np.ascontiguousarray(natural @ features.T)
                total, _ = _local.exponentiate(logits)
                side = logits[0] / total
            both = np.column_stack([side, 1 - side])
            yield (weights[:, None] * both).T @ features, float(weights @ _entropy(both))

    def _sides(
        self, features: Floats, alone: Floats, gamma: Floats, weights: Floats, k: int
    ) -> Iterator[NDArray[np.bool_]]:
        """Yield which points are on the first of two sides, for two ways to cut a cluster."""
        natural = self.family.expected_natural
        far = features[(gamma * (alone - features @ self.natural[k])).argmax()]
        (one,) = natural(far[None])
        other = features[(gamma * (alone - features @ one)).argmax()]
        (two,) = natural(other[None])
        yield features @ (one - two) > 0
        centred = features - weights @ features / weights.sum()
        spread = np.sqrt(weights @ centred**2 / weights.sum())
        centred /= np.where(spread > 0, spread, np.inf)
        direction = (far - other) / np.where(spread > 0, spread, np.inf)
        for _ in range(UPDATES):
            direction = (weights * (centred @ direction)) @ centred
            direction /= np.abs(direction).max() or 1.0
        yield centred @ direction > 0

    def _split(self, k: int, halves: Floats, entropy: float) -> Iterator[Proposal]:
        """Yield tables in which a half of cluster k has a place of its own, freed if need be."""
        rest, half = halves
        sizes = self.statistics[:, 0].copy()
        sizes[k] = np.inf
        least = int(sizes.argmin())
        if sizes[least] < EMPTY:
            yield self._proposal({k: rest, least: half}, entropy)
            if not self.small:
                return
        pairs = [pair for pair in self.pairs if k not in pair]
        for j, freed in pairs if self.small else pairs[:FREED]:
            both = self.statistics[j] + self.statistics[freed]
            yield self._proposal({k: rest, j: both, freed: half}, entropy + self._lost(j, freed))

    def _shifted(self, k: int, halves: Floats) -> Iterator[Proposal]:
        """Yield tables in which either half of cluster k joins another cluster."""
        for j in np.flatnonzero(self.held).tolist():
            if j != k:
                for half, rest in (halves, halves[::-1]):
                    yield self._proposal({k: rest, j: self.statistics[j] + half}, 0.0)

    def _reseated(self, i: int) -> Iterator[Proposal]:
        """Yield tables in which point i alone goes to one cluster, whichever it was in."""
        for k in np.flatnonzero(self.gamma[i] < 0.5):
            gamma = self.gamma.copy()
            gamma[i] = np.arange(len(self.natural)) == k
            entropy = -float(self.weights[i] * _entropy(self.gamma[i]))
            yield self._proposal(dict(enumerate(self._table(gamma))), entropy)


def _name(statistics: Floats) -> tuple[tuple[float, ...], ...]:
    """Return what tables that differ by little or by their order have in common."""
    return tuple(sorted(map(tuple, np.round(statistics, 2).tolist())))


def _entropy(gamma: Floats) -> Floats:
    """Return - sum_k gamma_k log gamma_k along the last axis, with 0 log 0 = 0."""
    return -(gamma * np.log(np.where(gamma > 0, gamma, 1.0))).sum(axis=-1)
